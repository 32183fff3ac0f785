//! The client against a peer that does what a test tells it to, over a pipe in memory.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use tokio::io::{AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::broadcast::error::RecvError;

use super::client::{Connection, Hypervisor};
use super::error::{Error, Failure, RemoteKind};
use super::events::Event;
use super::frame::{Frame, FrameReader, Header, Kind, MOST_DATA, Status};
use super::procs::{self, EventKind, KEEPALIVE, PING, PONG, Proc, message, refusal};
use super::stream::TAKE;
use super::wire::{Domain, LifecycleMsg, RemoteError};
use super::xdr::Wire;

const LIMIT: Duration = Duration::from_secs(10);

/// The other end.
struct Peer {
    reader: FrameReader<ReadHalf<DuplexStream>>,
    writer: WriteHalf<DuplexStream>,
}

impl Peer {
    fn over(io: DuplexStream) -> Self {
        let (reader, writer) = tokio::io::split(io);
        Self { reader: FrameReader::new(reader), writer }
    }

    async fn next(&mut self) -> Frame {
        self.reader.next().await.unwrap().expect("the client sends something")
    }

    async fn send(&mut self, frame: &Frame) {
        let mut bytes = BytesMut::new();
        frame.write(&mut bytes);
        self.writer.write_all(&bytes).await.unwrap();
    }

    /// Takes a call of a procedure: its arguments, and its header.
    async fn called<A: Wire, R: Wire>(&mut self, procedure: &Proc<A, R>) -> (A, Header) {
        let call = self.next().await;
        assert!(procedure.is(&call.header), "{} instead of {}", call.header.procedure, procedure.name);
        assert_eq!((call.header.kind, call.header.status), (Kind::Call, Status::Ok));
        (procedure.args(&call).unwrap(), call.header)
    }

    /// Takes a call and answers it.
    async fn serve<A: Wire, R: Wire>(&mut self, procedure: &Proc<A, R>, answer: R) -> A {
        let (args, call) = self.called(procedure).await;
        self.send(&procedure.reply(call.serial, &answer)).await;
        args
    }

    async fn refuse<A: Wire, R: Wire>(&mut self, procedure: &Proc<A, R>, code: i32, words: &str) -> A {
        let (args, call) = self.called(procedure).await;
        self.send(&refusal(call, &said(code, words))).await;
        args
    }
}

fn said(code: i32, words: &str) -> RemoteError {
    RemoteError { code, domain: 10, message: Some(words.into()), level: 2, ..RemoteError::default() }
}

fn vm(name: &str) -> Domain {
    Domain { name: name.into(), uuid: [7; 16], id: 1 }
}

/// A connection that is open, and its other end.
async fn open() -> (Connection, Peer) {
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    let mut peer = Peer::over(theirs);
    let hypervisor = Hypervisor::default();
    let (connection, ()) = tokio::join!(Connection::open(ours, "libvirt in a test", &hypervisor, LIMIT), async {
        peer.serve(&procs::AUTH_LIST, vec![0]).await;
        let args = peer.serve(&procs::CONNECT_OPEN, ()).await;
        assert_eq!(args, (Some("qemu:///system".to_owned()), 0));
    });
    (connection.unwrap(), peer)
}

/// Opening against a peer that answers the question for logins so.
async fn log_in(ways: Vec<u32>, polkit: Option<Result<bool, RemoteError>>) -> Result<Connection, Error> {
    let (ours, theirs) = tokio::io::duplex(4096);
    let mut peer = Peer::over(theirs);
    let hypervisor = Hypervisor { read_only: true, ..Hypervisor::default() };
    let served = tokio::spawn(async move {
        peer.serve(&procs::AUTH_LIST, ways).await;
        match polkit {
            Some(Ok(done)) => peer.serve(&procs::AUTH_POLKIT, done).await,
            Some(Err(error)) => {
                let ((), call) = peer.called(&procs::AUTH_POLKIT).await;
                peer.send(&refusal(call, &error)).await;
                return;
            }
            None => return,
        }
        let args = peer.serve(&procs::CONNECT_OPEN, ()).await;
        assert_eq!(args.1, 1, "read only");
    });
    let told = Connection::open(ours, "libvirt in a test", &hypervisor, LIMIT).await;
    served.await.unwrap();
    told
}

#[tokio::test]
async fn logins_that_are_not_spoken_offer_ssh() {
    let error = log_in(vec![1], None).await.unwrap_err();
    assert_eq!(error.what, Failure::Login("SASL".into()));
    assert!(error.refused() && error.to_string().contains("over SSH instead"), "{error}");
    assert!(log_in(vec![1, 2], Some(Ok(true))).await.is_ok());
    let denied = log_in(vec![2], Some(Err(said(45, "authentication failed: access denied by policy")))).await;
    let denied = denied.unwrap_err();
    assert_eq!(denied.what, Failure::Denied("authentication failed: access denied by policy".into()));
    assert!(denied.refused() && denied.to_string().contains("polkit"), "{denied}");
}

#[tokio::test]
async fn answers_find_their_calls_in_any_order() {
    let (connection, mut peer) = open().await;
    let (a, b) = (vm("a"), vm("b"));
    let (first, second, ()) = tokio::join!(connection.autostart(&a), connection.xml(&b, 2), async {
        let one = peer.next().await;
        let two = peer.next().await;
        for call in [two, one] {
            if procs::DOMAIN_GET_AUTOSTART.is(&call.header) {
                peer.send(&procs::DOMAIN_GET_AUTOSTART.reply(call.header.serial, &true)).await;
            } else {
                assert_eq!(procs::DOMAIN_GET_XML_DESC.args(&call), Ok((vm("b"), 2)));
                peer.send(&procs::DOMAIN_GET_XML_DESC.reply(call.header.serial, &"<domain/>".to_owned())).await;
            }
        }
    });
    assert_eq!((first.unwrap(), second.unwrap()), (true, "<domain/>".to_owned()));
}

#[tokio::test]
async fn refusals_carry_code_and_words() {
    let (connection, mut peer) = open().await;
    let a = vm("a");
    let (told, _) = tokio::join!(
        connection.start_domain(&a, 0),
        peer.refuse(&procs::DOMAIN_CREATE_WITH_FLAGS, 55, "domain is already running")
    );
    let error = told.unwrap_err();
    assert_eq!(error.kind(), Some(RemoteKind::Invalid));
    assert_eq!(
        error.to_string(),
        "libvirt in a test: start a: domain is already running (55): not possible in its present state"
    );
    assert!(!error.uncertain() && !error.connection_lost());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_answered_ends_and_the_connection_after_five() {
    let (connection, mut peer) = open().await;
    let a = vm("a");
    let (error, call) = tokio::join!(connection.info(&a), peer.called(&procs::DOMAIN_GET_INFO));
    let error = error.unwrap_err();
    assert_eq!(error.what, Failure::TimedOut(LIMIT));
    assert!(error.uncertain() && !error.connection_lost());
    // An answer that comes late is nobody's, and no harm.
    peer.send(&refusal(call.1, &said(1, "late"))).await;
    let (name, ()) = tokio::join!(connection.hostname(), peer.serve(&procs::CONNECT_GET_HOSTNAME, "kvm-1".into()));
    assert_eq!(name.unwrap(), "kvm-1");
    for _ in 0..5 {
        assert!(matches!(connection.hostname().await.unwrap_err().what, Failure::TimedOut(_)));
    }
    let error = connection.hostname().await.unwrap_err();
    assert!(error.connection_lost(), "{error}");
    assert!(connection.ended().await.contains("5 calls"), "{:?}", connection.why_ended());
}

#[tokio::test]
async fn a_lost_connection_tells_what_may_have_been_done() {
    let (connection, mut peer) = open().await;
    let a = vm("a");
    let (told, ()) = tokio::join!(connection.destroy(&a, 0), async {
        peer.called(&procs::DOMAIN_DESTROY_FLAGS).await;
        drop(peer);
    });
    let error = told.unwrap_err();
    assert!(matches!(error.what, Failure::Broken(_)) && error.uncertain() && error.connection_lost(), "{error}");
    assert_eq!(connection.ended().await, "libvirt closed it");
    let error = connection.destroy(&a, 0).await.unwrap_err();
    assert_eq!(error.what, Failure::Closed("libvirt closed it".into()));
    assert!(!error.uncertain());
}

#[tokio::test]
async fn it_is_closed_in_good_order_and_with_its_last_handle() {
    let (connection, mut peer) = open().await;
    let other = connection.clone();
    tokio::join!(connection.close(), peer.serve(&procs::CONNECT_CLOSE, ()));
    assert!(peer.reader.next().await.unwrap().is_none(), "the other side sees its end");
    assert!(matches!(other.hostname().await.unwrap_err().what, Failure::Closed(_)));

    let (connection, mut peer) = open().await;
    drop(connection);
    assert!(peer.reader.next().await.unwrap().is_none());
}

#[tokio::test]
async fn signs_of_life_are_answered() {
    let (_connection, mut peer) = open().await;
    let ping =
        Header { program: KEEPALIVE, version: 1, procedure: PING, kind: Kind::Message, serial: 0, status: Status::Ok };
    peer.send(&Frame { header: ping, payload: Bytes::new() }).await;
    assert_eq!(peer.next().await.header, Header { procedure: PONG, ..ping });
}

#[tokio::test]
async fn what_is_no_libvirt_is_told() {
    let (ours, mut theirs) = tokio::io::duplex(4096);
    theirs.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
    let error = Connection::open(ours, "x", &Hypervisor::default(), LIMIT).await.unwrap_err();
    assert!(matches!(&error.what, Failure::NotReached(why) if why.contains("no libvirt")), "{error}");

    let (connection, mut peer) = open().await;
    let (told, ()) = tokio::join!(connection.hostname(), async {
        let ((), call) = peer.called(&procs::CONNECT_GET_HOSTNAME).await;
        peer.send(&Frame::new(call.with(Kind::Reply, Status::Ok), &7_u32)).await;
    });
    assert!(matches!(told.unwrap_err().what, Failure::Answer(_)));
}

/// A console that is open: its stream, and the header that its pieces go by.
async fn console(connection: &Connection, peer: &mut Peer) -> (super::stream::Stream, Header) {
    let a = vm("a");
    let (stream, call) = tokio::join!(connection.console(&a, Some("serial0"), 2), async {
        let (args, call) = peer.called(&procs::DOMAIN_OPEN_CONSOLE).await;
        assert_eq!(args, (vm("a"), Some("serial0".to_owned()), 2));
        peer.send(&procs::DOMAIN_OPEN_CONSOLE.reply(call.serial, &())).await;
        call
    });
    (stream.unwrap(), call)
}

#[tokio::test]
async fn pieces_that_come_before_the_answer_are_not_lost() {
    let (connection, mut peer) = open().await;
    let domain = vm("a");
    let (stream, ()) = tokio::join!(connection.console(&domain, None, 0), async {
        let call = peer.next().await.header;
        peer.send(&Frame::piece(call, Status::Continue, "early".into())).await;
        peer.send(&Frame::piece(call, Status::Continue, Bytes::new())).await;
        peer.send(&procs::DOMAIN_OPEN_CONSOLE.reply(call.serial, &())).await;
    });
    let mut stream = stream.unwrap();
    assert_eq!(stream.read().await.unwrap().unwrap(), "early");
    assert_eq!(stream.read().await.unwrap(), None);
}

#[tokio::test]
async fn a_console_is_read_and_written() {
    let (connection, mut peer) = open().await;
    let (mut stream, call) = console(&connection, &mut peer).await;
    peer.send(&Frame::piece(call, Status::Continue, "login: ".into())).await;
    assert_eq!(stream.read().await.unwrap().unwrap(), "login: ");
    peer.send(&Frame::piece(call, Status::Continue, "more".into())).await;
    // Its answer comes behind that piece.
    let (name, ()) = tokio::join!(connection.hostname(), peer.serve(&procs::CONNECT_GET_HOSTNAME, "kvm-1".into()));
    name.unwrap();
    stream.write("root\n".into()).await.unwrap();
    assert_eq!(stream.read().await.unwrap().unwrap(), "more", "writing loses nothing that was to be read");
    let typed = peer.next().await;
    assert_eq!((typed.header, typed.payload), (call.with(Kind::Stream, Status::Continue), "root\n".into()));
    peer.send(&Frame::piece(call, Status::Continue, Bytes::new())).await;
    assert_eq!(stream.read().await.unwrap(), None, "the guest has ended");
    assert_eq!(stream.read().await.unwrap(), None);
    assert_eq!(peer.next().await.header, call.with(Kind::Stream, Status::Ok), "and libvirt is told that it was seen");
    drop(stream);
    // No abort of what has ended: the next packet is this call.
    let (name, ()) = tokio::join!(connection.hostname(), peer.serve(&procs::CONNECT_GET_HOSTNAME, "kvm-1".into()));
    name.unwrap();
}

#[tokio::test]
async fn a_console_that_is_let_go_of_is_broken_off() {
    let (connection, mut peer) = open().await;
    let (stream, call) = console(&connection, &mut peer).await;
    drop(stream);
    assert_eq!(peer.next().await.header, call.with(Kind::Stream, Status::Error));
    peer.send(&Frame::piece(call, Status::Continue, "too late".into())).await;
    let (mut stream, call) = console(&connection, &mut peer).await;
    peer.send(&Frame::new(call.with(Kind::Stream, Status::Error), &said(39, "stream had I/O failure"))).await;
    let error = stream.read().await.unwrap_err();
    assert!(error.taken_over(), "{error}");
    assert_eq!(stream.read().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_opens_too_late_is_broken_off() {
    let (connection, mut peer) = open().await;
    let a = vm("a");
    let (told, (_, call)) = tokio::join!(connection.console(&a, None, 0), peer.called(&procs::DOMAIN_OPEN_CONSOLE));
    assert!(matches!(told.unwrap_err().what, Failure::TimedOut(_)));
    peer.send(&procs::DOMAIN_OPEN_CONSOLE.reply(call.serial, &())).await;
    assert_eq!(peer.next().await.header, call.with(Kind::Stream, Status::Error));
}

#[tokio::test(start_paused = true)]
async fn a_stalled_reader_stops_the_other_side_and_loses_nothing() {
    const PIECE: usize = 32 << 10;
    const ALL: usize = 400;
    let (connection, mut peer) = open().await;
    let (mut stream, call) = console(&connection, &mut peer).await;
    let (told, mut count) = tokio::sync::watch::channel(0_usize);
    let flood = tokio::spawn(async move {
        for n in 0..ALL {
            peer.send(&Frame::piece(call, Status::Continue, vec![n as u8; PIECE].into())).await;
            told.send_replace(n + 1);
        }
        peer
    });
    // With time standing still, this ends when nothing can move any more.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let sent = *count.borrow_and_update();
    assert!(sent < 40, "{sent} pieces of {PIECE} bytes were taken for a reader that reads nothing");
    let mut read = 0;
    while read < ALL * PIECE {
        let bytes = stream.read().await.unwrap().unwrap();
        assert!(bytes.iter().all(|b| *b == (read / PIECE) as u8), "in order");
        read += bytes.len();
    }
    let mut peer = flood.await.unwrap();
    let (name, ()) = tokio::join!(connection.hostname(), peer.serve(&procs::CONNECT_GET_HOSTNAME, "kvm-1".into()));
    name.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stalled_stream_that_is_let_go_of_frees_the_connection() {
    let (connection, mut peer) = open().await;
    let (stream, call) = console(&connection, &mut peer).await;
    let flood = tokio::spawn(async move {
        for _ in 0..100 {
            peer.send(&Frame::piece(call, Status::Continue, vec![0; 4096].into())).await;
        }
        peer
    });
    tokio::time::sleep(Duration::from_secs(60)).await;
    drop(stream);
    let mut peer = flood.await.unwrap();
    assert_eq!(peer.next().await.header, call.with(Kind::Stream, Status::Error));
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_reads_nothing_stops_the_writer() {
    let (connection, mut peer) = open().await;
    let (stream, call) = console(&connection, &mut peer).await;
    let writer = stream.writer();
    let (told, count) = tokio::sync::watch::channel(0_usize);
    let flood = tokio::spawn(async move {
        for n in 1..=100 {
            writer.write(vec![1; 100 << 10].into()).await.unwrap();
            told.send_replace(n);
        }
    });
    tokio::time::sleep(TAKE / 2).await;
    let taken = *count.borrow();
    assert!(taken < 20, "{taken} pieces of 100 KiB were taken for a peer that reads nothing");
    let mut bytes = 0;
    while bytes < 100 * (100 << 10) {
        let piece = peer.next().await;
        assert_eq!(piece.header, call.with(Kind::Stream, Status::Continue));
        bytes += piece.payload.len();
    }
    flood.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_nothing_any_more_ends_the_writing_in_words() {
    let (connection, mut peer) = open().await;
    let (stream, _) = console(&connection, &mut peer).await;
    let writer = stream.writer();
    let began = tokio::time::Instant::now();
    let error = loop {
        if let Err(error) = writer.write(vec![1; 100 << 10].into()).await {
            break error;
        }
    };
    assert_eq!((&error.what, began.elapsed()), (&Failure::Stuck(TAKE), TAKE));
    let words = error.to_string();
    assert!(words.contains("libvirt in a test") && words.contains("20 s") && words.contains("try again"), "{words}");
    assert!(error.connection_lost() && error.uncertain());
    connection.close().await;
    assert!(began.elapsed() < TAKE * 2, "and it can be closed all the same");
}

#[tokio::test]
async fn a_volume_is_written_in_pieces_and_its_end_is_acknowledged() {
    let (connection, mut peer) = open().await;
    let volume = super::wire::Volume::default();
    let bytes = vec![5; MOST_DATA + 1];
    let (told, ()) = tokio::join!(connection.upload_all(&volume, &bytes), async {
        let args = peer.serve(&procs::STORAGE_VOL_UPLOAD, ()).await;
        assert_eq!((args.1, args.2), (0, MOST_DATA as u64 + 1));
        let mut sizes = Vec::new();
        loop {
            let piece = peer.next().await;
            if piece.header.status == Status::Ok {
                peer.send(&Frame::piece(piece.header, Status::Ok, Bytes::new())).await;
                break;
            }
            sizes.push(piece.payload.len());
        }
        assert_eq!(sizes, [MOST_DATA, 1]);
    });
    told.unwrap();

    let (told, ()) = tokio::join!(connection.upload_all(&volume, &bytes), async {
        let (_, call) = peer.called(&procs::STORAGE_VOL_UPLOAD).await;
        peer.send(&procs::STORAGE_VOL_UPLOAD.reply(call.serial, &())).await;
        peer.next().await;
        let full = said(38, "cannot write to stream: No space left on device");
        peer.send(&Frame::new(call.with(Kind::Stream, Status::Error), &full)).await;
    });
    assert!(told.unwrap_err().to_string().contains("No space left on device"));
}

#[tokio::test]
async fn events_come_and_a_slow_reader_is_told() {
    let (connection, mut peer) = open().await;
    let mut events = connection.events();
    let (told, args) = tokio::join!(
        connection.watch(EventKind::Lifecycle, None),
        peer.serve(&procs::CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY, 3)
    );
    assert_eq!((told.unwrap(), args), (3, (0, None)));
    let body = |n| LifecycleMsg { callback: 3, domain: vm("a"), event: 2, detail: n };
    peer.send(&message(EventKind::Lifecycle.procedure(), &body(0))).await;
    assert_eq!(events.recv().await, Ok(Event::Lifecycle(body(0))));
    // One that cannot be read, and one that is not known, end nothing.
    peer.send(&message(EventKind::Lifecycle.procedure(), &1_u32)).await;
    peer.send(&message(320, &1_u32)).await;
    for n in 0..2000 {
        peer.send(&message(EventKind::Lifecycle.procedure(), &body(n))).await;
    }
    let (name, ()) = tokio::join!(connection.hostname(), peer.serve(&procs::CONNECT_GET_HOSTNAME, "kvm-1".into()));
    name.unwrap();
    assert!(matches!(events.recv().await, Err(RecvError::Lagged(missed)) if missed > 500));
    assert!(matches!(events.recv().await, Ok(Event::Lifecycle(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end_the_connection_or_are_waited_on(bytes in prop::collection::vec(any::<u8>(), 0..400), real in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (ours, mut theirs) = tokio::io::duplex(4096);
            let hypervisor = Hypervisor::default();
            let told = tokio::join!(Connection::open(ours, "x", &hypervisor, LIMIT), async move {
                if real {
                    let mut answer = BytesMut::new();
                    procs::AUTH_LIST.reply(1, &vec![0]).write(&mut answer);
                    theirs.write_all(&answer).await.ok();
                }
                theirs.write_all(&bytes).await.ok();
            });
            prop_assert!(told.0.is_err());
            Ok(())
        })?;
    }
}
