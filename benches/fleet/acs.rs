//! The simulated ACS in a process of its own, and a wire in front of it that counts.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use noctule::config::schema::Genieacs;
use noctule::sim::Scale;
use noctule::sim::genieacs::AcsOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What makes this program the ACS.
pub const SERVE: &str = "serve-acs";

/// Serves until nobody wants it any more.
pub fn serve(scale: Scale) {
    let runtime = runtime();
    let options = AcsOptions { scale, life: false, ..AcsOptions::default() };
    let acs = runtime.block_on(noctule::sim::genieacs::Acs::start(options)).expect("an ACS");
    println!("{}", acs.nbi_url());
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// The ACS.
pub struct Acs {
    child: Child,
    _leash: ChildStdin,
    pub url: String,
    pub wire: Arc<Wire>,
    _runtime: tokio::runtime::Runtime,
}

impl Drop for Acs {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What went over the wire.
#[derive(Default)]
pub struct Wire {
    /// Bytes of answers.
    pub bytes: AtomicU64,
    /// When the first byte of a list of devices came.
    pub first: Mutex<Option<Instant>>,
    address: Mutex<String>,
}

impl Wire {
    /// Begins to count anew.
    pub fn reset(&self) {
        self.bytes.store(0, Ordering::Relaxed);
        *self.first.lock().expect("lock") = None;
    }

    pub fn megabytes(&self) -> f64 {
        self.bytes.load(Ordering::Relaxed) as f64 / 1e6
    }

    /// The source behind the wire.
    pub fn config(&self) -> Genieacs {
        Genieacs::new(format!("http://{}", self.address.lock().expect("lock")))
    }
}

impl Acs {
    pub fn start(scale: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args([SERVE, scale]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("this program again");
        let leash = child.stdin.take().expect("piped");
        let mut url = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut url).expect("an address");
        let url = url.trim().to_owned();
        let wire = Arc::new(Wire::default());
        let runtime = runtime();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        *wire.address.lock().expect("lock") = listener.local_addr().expect("bound").to_string();
        let (to, counted) = (url.replace("http://", ""), Arc::clone(&wire));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(pass(stream, to.clone(), Arc::clone(&counted)));
            }
        });
        Self { child, _leash: leash, url, wire, _runtime: runtime }
    }
}

async fn pass(stream: TcpStream, to: String, wire: Arc<Wire>) {
    let Ok(server) = TcpStream::connect(to).await else { return };
    let _ = (stream.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, mut to_client) = stream.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let list = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let asked = Arc::clone(&list);
    tokio::spawn(async move {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(n @ 1..) = from_client.read(&mut buffer).await {
            let bytes = buffer.get(..n).unwrap_or_default();
            asked.store(bytes.starts_with(b"GET /devices"), Ordering::Relaxed);
            if to_server.write_all(bytes).await.is_err() {
                return;
            }
        }
        let _ = to_server.shutdown().await;
    });
    let mut buffer = vec![0; 256 << 10];
    while let Ok(n @ 1..) = from_server.read(&mut buffer).await {
        if list.load(Ordering::Relaxed) {
            wire.bytes.fetch_add(n as u64, Ordering::Relaxed);
            wire.first.lock().expect("lock").get_or_insert_with(Instant::now);
        }
        if to_client.write_all(buffer.get(..n).unwrap_or_default()).await.is_err() {
            return;
        }
    }
    let _ = to_client.shutdown().await;
}
