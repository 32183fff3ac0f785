//! Both ends on one socket, with hands that do what a test wants.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};

use super::server::Work;
use super::wire::{About, Ask, JobLine, PROTOCOL, Tell, Wish, pack};
use super::*;
use crate::app::message::Msg;
use crate::model::command::{Args, Targets};
use crate::model::time::Ts;
use crate::workers::supervisor::Supervisor;

const PATIENCE: Duration = Duration::from_secs(20);

/// Hands that wait until they are told to go on, or to stop.
#[derive(Default)]
struct Script {
    go: Notify,
    begun: Notify,
    stopped: AtomicBool,
    ran: Mutex<Vec<Intent>>,
}

#[derive(Clone, Default)]
struct Fake(Arc<Script>);

impl Work for Fake {
    fn known(&self, command: &str) -> Option<&'static str> {
        ["cpe.set", "cpe.die", "cpe.wait", "cpe.job.create"].into_iter().find(|k| *k == command)
    }

    fn run(&self, intent: Intent, stop: CancellationToken, progress: Arc<dyn Progress>) -> BoxFuture<'static, Outcome> {
        let script = Arc::clone(&self.0);
        Box::pin(async move {
            script.ran.lock().unwrap().push(intent.clone());
            assert_ne!(intent.command, "cpe.die", "asked to");
            let mut outcome = Outcome { command: intent.command.into(), total: 3, ..Outcome::default() };
            if intent.command == "cpe.wait" {
                progress(1, 3);
                script.begun.notify_one();
                tokio::select! {
                    () = stop.cancelled() => {
                        script.stopped.store(true, Ordering::SeqCst);
                        script.begun.notify_one();
                        outcome.done = 1;
                        return outcome;
                    }
                    () = script.go.notified() => {}
                }
            }
            outcome.done = 3;
            outcome
        })
    }

    fn undo(
        &self,
        batch: ActionId,
        actor: String,
        _: CancellationToken,
        _: Arc<dyn Progress>,
    ) -> BoxFuture<'static, Outcome> {
        let summary = format!("{actor} took {batch} back");
        Box::pin(async move { Outcome { command: "undo".into(), summary, ..Outcome::default() } })
    }

    fn doing(&self) -> (Vec<String>, Vec<JobLine>) {
        let job = JobLine { id: "1".into(), name: "wifi".into(), phase: "running".into(), through: 2, total: 9 };
        (vec!["acs-1".into()], vec![job])
    }
}

struct Rig {
    home: tempfile::TempDir,
    cache: std::path::PathBuf,
    supervisor: Supervisor,
    fake: Fake,
    news: mpsc::UnboundedReceiver<Msg>,
}

impl Rig {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let cache = home.path().join("c.db");
        let (msgs, news) = mpsc::unbounded_channel();
        let supervisor = Supervisor::new(Handle::current(), msgs.clone());
        let about = About {
            protocol: PROTOCOL,
            version: "1".into(),
            pid: 42,
            since: Ts(1),
            role: "agent".into(),
            profile: "noc".into(),
        };
        let fake = Fake::default();
        server::start(&supervisor, &cache, about, Arc::new(fake.clone()), &msgs).unwrap();
        Self { home, cache, supervisor, fake, news }
    }

    fn client(&self) -> Client {
        Client::new(&self.cache)
    }

    async fn raw(&self) -> UnixStream {
        UnixStream::connect(place(&self.cache)).await.unwrap()
    }
}

fn wish(command: &'static str) -> Intent {
    let args = Args::from([("value".to_owned(), "s3cret".to_owned())]);
    Intent { command, targets: Targets::None, args, actor: "anna".into() }
}

/// Something that has to happen soon.
async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, what).await.expect("in time")
}

fn frame(body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len()).unwrap().to_be_bytes()[..], body].concat()
}

#[tokio::test]
async fn what_is_asked_is_run_and_told_at_both_ends() {
    let mut rig = Rig::start();
    let hands = Hands::Theirs(rig.client());
    let outcome = soon(hands.run(wish("cpe.set"), &CancellationToken::new(), &|_, _| ())).await;
    assert_eq!((outcome.command.as_str(), outcome.done, outcome.total), ("cpe.set", 3, 3));
    assert_eq!(*rig.fake.0.ran.lock().unwrap(), [wish("cpe.set")], "arguments and actor arrive");
    let Some(Msg::Toast(toast)) = soon(rig.news.recv()).await else { panic!("no toast") };
    assert!(toast.text.contains("anna (process") && !toast.text.contains("s3cret"), "{toast:?}");
    let undone = soon(hands.undo(ActionId([7; 16]), "ben", &CancellationToken::new(), &|_, _| ())).await;
    assert!(undone.summary.starts_with("ben took"), "{undone:?}");
    let status = soon(rig.client().status()).await.unwrap();
    assert_eq!((status.about.pid, status.sources.len(), status.jobs[0].total), (42, 1, 9));
}

#[tokio::test]
async fn progress_comes_and_a_cancel_goes() {
    let rig = Rig::start();
    let stop = CancellationToken::new();
    let seen = Arc::new(Notify::new());
    let (told, client, cancel) = (Arc::clone(&seen), rig.client(), stop.clone());
    let run = tokio::spawn(async move {
        let progress = move |done, total| {
            if (done, total) == (1, 3) {
                told.notify_one();
            }
        };
        client.run(&wish("cpe.wait"), &cancel, &progress).await
    });
    soon(seen.notified()).await;
    stop.cancel();
    let outcome = soon(run).await.unwrap().unwrap();
    assert_eq!((outcome.done, outcome.total), (1, 3));
    assert!(rig.fake.0.stopped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_peer_that_goes_away_ends_what_it_asked_for_and_nobody_else_waits() {
    let rig = Rig::start();
    let client = rig.client();
    let run = tokio::spawn(async move { client.run(&wish("cpe.wait"), &CancellationToken::new(), &|_, _| ()).await });
    soon(rig.fake.0.begun.notified()).await;
    assert!(soon(rig.client().status()).await.is_ok(), "others are served meanwhile");
    run.abort();
    soon(rig.fake.0.begun.notified()).await;
    assert!(rig.fake.0.stopped.load(Ordering::SeqCst));
}

#[tokio::test]
async fn work_that_dies_is_told_and_the_owner_lives() {
    let rig = Rig::start();
    let outcome = soon(rig.client().run(&wish("cpe.die"), &CancellationToken::new(), &|_, _| ())).await.unwrap();
    assert!(outcome.summary.contains("died") && !outcome.errors.is_empty(), "{outcome:?}");
    assert!(soon(rig.client().status()).await.is_ok());
}

#[tokio::test]
async fn an_unknown_command_is_refused_without_being_run() {
    let rig = Rig::start();
    let outcome = soon(Hands::Theirs(rig.client()).run(wish("cpe.new"), &CancellationToken::new(), &|_, _| ())).await;
    assert!(outcome.summary.contains("nothing was done") && outcome.summary.contains("cpe.new"), "{outcome:?}");
    assert!(rig.fake.0.ran.lock().unwrap().is_empty());
}

#[tokio::test]
async fn the_file_of_a_request_is_read_where_it_was_named() {
    let rig = Rig::start();
    let file = rig.home.path().join("job.toml");
    let hands = Hands::Theirs(rig.client());
    let wish = Intent {
        command: "cpe.job.create",
        targets: Targets::None,
        args: Args::from([("file".to_owned(), file.display().to_string())]),
        actor: "anna".into(),
    };
    let outcome = soon(hands.run(wish.clone(), &CancellationToken::new(), &|_, _| ())).await;
    assert!(outcome.summary.contains("nothing was done") && outcome.summary.contains("job.toml"), "{outcome:?}");
    std::fs::write(&file, "name = 'x'").unwrap();
    soon(hands.run(wish, &CancellationToken::new(), &|_, _| ())).await;
    let ran = rig.fake.0.ran.lock().unwrap();
    assert_eq!(ran[0].args, Args::from([("request".to_owned(), "name = 'x'".to_owned())]));
}

#[tokio::test]
async fn hostile_peers_lose_their_connection_and_nothing_else() {
    let rig = Rig::start();
    let hello = pack(&Ask::Hello { protocol: PROTOCOL, pid: 1 }).unwrap();
    let run = pack(&Ask::Run(Wish::from(&wish("cpe.set")))).unwrap();
    let attacks: [Vec<u8>; 6] = [
        vec![0xff; 64],
        u32::MAX.to_be_bytes().to_vec(),
        frame(b"{}"),
        // A wish before the hello.
        frame(&run),
        // A hello, then rubbish; a second hello.
        [frame(&hello), frame(&[0x9b; 40])].concat(),
        [frame(&hello), frame(&hello)].concat(),
    ];
    for attack in attacks {
        let mut stream = rig.raw().await;
        stream.write_all(&attack).await.unwrap();
        let mut rest = Vec::new();
        // An end, or a reset where bytes were left unread.
        let _ = soon(stream.read_to_end(&mut rest)).await;
    }
    // One that says half a frame and stays is in nobody's way.
    let mut slow = rig.raw().await;
    slow.write_all(&frame(&hello)[..3]).await.unwrap();
    assert!(soon(rig.client().status()).await.is_ok());
    assert!(rig.fake.0.ran.lock().unwrap().is_empty());
}

#[tokio::test]
async fn another_version_is_told_apart() {
    let rig = Rig::start();
    let mut stream = rig.raw().await;
    stream.write_all(&frame(&pack(&Ask::Hello { protocol: 99, pid: 1 }).unwrap())).await.unwrap();
    let mut answer = Vec::new();
    soon(stream.read_to_end(&mut answer)).await.unwrap();
    let Some(Tell::Hello(about)) = wire::unpack(&answer[4..]) else { panic!("no hello") };
    assert_eq!(about.pid, 42, "the other one learns whom to end");
}

/// An owner that takes the connection and does what a test wants.
fn false_owner(answers: &'static [Tell]) -> (tempfile::TempDir, Client) {
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join("c.db");
    let path = place(&cache);
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    std::fs::set_permissions(path.parent().unwrap(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        for answer in answers {
            let mut head = [0; 4];
            stream.read_exact(&mut head).await.unwrap();
            let mut body = vec![0; usize::try_from(u32::from_be_bytes(head)).unwrap()];
            stream.read_exact(&mut body).await.unwrap();
            stream.write_all(&frame(&pack(answer).unwrap())).await.unwrap();
        }
    });
    (home, Client::new(&cache))
}

fn hello(protocol: u16) -> Tell {
    let (version, role, profile) = (String::new(), String::new(), String::new());
    Tell::Hello(About { protocol, version, pid: 1, since: Ts(0), role, profile })
}

#[tokio::test]
async fn an_owner_that_ends_in_the_middle_leaves_no_doubt_about_what_is_known() {
    let run = |client: Client| async move { client.run(&wish("cpe.set"), &CancellationToken::new(), &|_, _| ()).await };
    let before: &'static [Tell] = Box::leak(Box::new([hello(PROTOCOL)]));
    let (_home, client) = false_owner(before);
    let error = soon(run(client)).await.unwrap_err();
    assert!(matches!(error, Error::HungUp(_)), "nothing has begun: {error}");
    let after: &'static [Tell] = Box::leak(Box::new([hello(PROTOCOL), Tell::Taken]));
    let (_home, client) = false_owner(after);
    let outcome = soon(run(client)).await.unwrap();
    assert!(outcome.summary.contains("cannot tell what came of it"), "{outcome:?}");
    let other: &'static [Tell] = Box::leak(Box::new([hello(PROTOCOL + 1)]));
    let (_home, client) = false_owner(other);
    assert_eq!(soon(run(client)).await.unwrap_err(), Error::Version { theirs: PROTOCOL + 1 });
}

#[tokio::test]
async fn with_nobody_there_it_says_so_and_stops_waiting() {
    let home = tempfile::tempdir().unwrap();
    let client = Client::new(&home.path().join("c.db"));
    assert!(matches!(client.greet().await, Err(Error::Absent { .. })));
    soon(client.gone()).await;
}

#[tokio::test]
async fn the_socket_goes_with_its_owner_and_connections_end() {
    let rig = Rig::start();
    let link = rig.client().greet().await.unwrap();
    assert!(rig.supervisor.stop(PATIENCE).await);
    soon(link.closed()).await;
    assert!(!place(&rig.cache).exists());
}
