//! Somebody at a serial line, through noctule's own client.

use std::time::{Duration, Instant};

use bytes::Bytes;
use noctule::controllers::libvirt::client::Connection;
use noctule::controllers::libvirt::error::Error;
use noctule::controllers::libvirt::stream::Stream;

use super::PATIENCE;

/// Who asks a terminal where its cursor is, and waits for the answer.
const WHERE: &str = "\x1b[6n";

/// A serial line that is open; questions for the cursor's place are answered.
pub struct Serial {
    stream: Stream,
    said: String,
    answered: usize,
}

impl Serial {
    /// Opens the first of a machine, flags of [`noctule::controllers::libvirt::flags::console`].
    pub async fn open(connection: &Connection, name: &str, flags: u32) -> Result<Self, Error> {
        let domain = connection.domain(name).await?;
        let stream = connection.console(&domain, None, flags).await?;
        Ok(Self { stream, said: String::new(), answered: 0 })
    }

    /// The same when another stream of it has just been let go: libvirt learns of that a little later.
    pub async fn open_again(connection: &Connection, name: &str) -> Self {
        let begun = Instant::now();
        loop {
            match Self::open(connection, name, 0).await {
                Ok(line) => return line,
                Err(error) => assert!(error.console_in_use() && begun.elapsed() < PATIENCE, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Presses these keys.
    pub async fn keys(&mut self, keys: &str) {
        self.stream.write(Bytes::copy_from_slice(keys.as_bytes())).await.expect("the line is open");
    }

    /// Reads until it has said this; all that it said until then, which is not looked at again.
    pub async fn until(&mut self, text: &str) -> String {
        let read = async {
            loop {
                while let Some(at) = self.said.get(self.answered..).and_then(|new| new.find(WHERE)) {
                    self.answered += at + WHERE.len();
                    self.stream.write(Bytes::from_static(b"\x1b[1;1R")).await.expect("the line is open");
                }
                if let Some(at) = self.said.find(text) {
                    let rest = self.said.split_off(at + text.len());
                    self.answered = self.answered.saturating_sub(self.said.len());
                    return std::mem::replace(&mut self.said, rest);
                }
                let bytes = self.stream.read().await.expect("the line is open").expect("more to come");
                self.said.push_str(&String::from_utf8_lossy(&bytes));
            }
        };
        let read = tokio::time::timeout(PATIENCE, read).await;
        read.unwrap_or_else(|_| panic!("the serial line never said {text:?}"))
    }

    /// The line's end: why.
    pub async fn end(mut self) -> Result<(), Error> {
        while self.stream.read().await?.is_some() {}
        Ok(())
    }

    /// Logs in at a machine that has booted, up to its prompt.
    pub async fn log_in(&mut self, name: &str) {
        self.keys("\r").await;
        self.until(&format!("{name} login: ")).await;
        self.keys("root\r").await;
        self.until("Password: ").await;
        self.keys("noctule\r").await;
        self.until("# ").await;
    }

    /// Runs a command at the prompt: what it said.
    pub async fn run(&mut self, command: &str) -> String {
        // Its marks are computed, so that the line that is echoed does not hold them.
        self.keys(&format!("echo begin $((6*7)); {command}; echo end $((6*7))\r")).await;
        self.until("begin 42").await;
        let said = self.until("end 42").await;
        self.until("# ").await;
        said.trim_end_matches("end 42").trim().replace('\r', "")
    }
}
