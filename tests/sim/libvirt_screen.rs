//! Screens of simulated machines over VNC: the VGA console of the same small shell.

use std::time::Duration;

use noctule::controllers::libvirt::client::{Connection, Hypervisor};
use noctule::controllers::libvirt::events::Event;
use noctule::controllers::libvirt::procs::EventKind;
use noctule::controllers::vnc::{Error, Input, Options, Session, connect};
use noctule::sim::libvirt::{RunningVirt, VirtOptions, VirtSim};
use secrecy::SecretString;
use tokio::net::{TcpStream, UnixStream};

use super::until;

const LIMIT: Duration = Duration::from_secs(10);

async fn host(sim: &RunningVirt, host: usize) -> Connection {
    let stream = UnixStream::connect(sim.path(host)).await.expect("a socket");
    Connection::open(stream, "sim", &Hypervisor::default(), LIMIT).await.expect("a connection")
}

/// What stands behind `name='` on the line of the screen in the XML of a machine.
async fn attribute(connection: &Connection, vm: &str, name: &str) -> String {
    let domain = connection.domain(vm).await.expect("a machine");
    let xml = connection.xml(&domain, 0).await.expect("XML");
    let line = xml.lines().find(|l| l.contains("<graphics")).expect("a screen");
    let (_, rest) = line.split_once(&format!("{name}='")).expect(name);
    rest.split('\'').next().expect("a value").to_owned()
}

async fn look(path: &str, password: Option<&str>) -> Result<Session, Error> {
    let stream = UnixStream::connect(path).await.expect("its socket");
    let password = password.map(|p| SecretString::from(p.to_owned()));
    connect(stream, Options { password, ..Options::default() }).await
}

#[tokio::test]
async fn what_is_typed_over_vnc_is_on_the_screen() {
    let sim = VirtSim::start(VirtOptions::still()).expect("hosts");
    let control = sim.control();
    let connection = host(&sim, 0).await;
    let mut events = connection.events();
    connection.watch(EventKind::Graphics, None).await.expect("watched");
    let path = attribute(&connection, "kafka-1", "socket").await;
    let mut session = look(&path, None).await.expect("no password is asked for");
    let first = loop {
        if let Some(frame) = session.next().await.expect("news").frame {
            break frame.picture;
        }
    };
    assert_eq!((first.width, first.height), (720, 400));
    assert!(control.screen(0, "kafka-1").ends_with("kafka-1 login:"), "{}", control.screen(0, "kafka-1"));
    session.send(Input::Type("root\rx\runame -r\r".to_owned())).expect("typed");
    until("the shell answers on the screen", || async {
        control.screen(0, "kafka-1").contains("6.1.0-28-amd64\nroot@kafka-1:~#").then_some(())
    })
    .await;
    let changed = tokio::time::timeout(LIMIT, async {
        loop {
            if session.next().await.expect("news").frame.is_some_and(|f| f.picture != first) {
                return;
            }
        }
    });
    changed.await.expect("the picture changes");
    let Event::Graphics(told) = events.recv().await.expect("an event") else { panic!("another event") };
    assert_eq!((told.phase, told.domain.name.as_str(), told.auth.as_str()), (1, "kafka-1", "none"));
    let domain = connection.domain("kafka-1").await.expect("a machine");
    let vnc = connection.monitor(&domain, r#"{"execute":"query-vnc"}"#).await.expect("an answer");
    assert_eq!(vnc.matches("websocket").count(), 1, "{vnc}");
    // The picture that libvirt takes is the same screen.
    let (kind, png) = connection.screenshot(&domain, 0).await.expect("a picture");
    assert_eq!(kind, "image/png");
    let size: Vec<u8> = png.iter().skip(16).take(8).copied().collect();
    assert_eq!(size, [0, 0, 2, 208, 0, 0, 1, 144]);
    // The machine goes off: its screen goes with it.
    connection.destroy(&domain, 0).await.expect("forced off");
    let end = tokio::time::timeout(LIMIT, async { while session.next().await.is_ok() {} });
    end.await.expect("the session ends");
    until("the socket goes", || async { (!std::path::Path::new(&path).exists()).then_some(()) }).await;
}

#[tokio::test]
async fn a_password_is_asked_for_and_named_in_the_configuration() {
    let sim = VirtSim::start(VirtOptions::still()).expect("hosts");
    let connection = host(&sim, 1).await;
    let path = attribute(&connection, "portal", "socket").await;
    assert!(look(&path, Some("wrong")).await.is_err());
    assert!(look(&path, Some("portal12")).await.is_ok());
    let source = sim.config().into_iter().nth(1).expect("a source");
    let noctule::config::schema::SourceKind::Libvirt(libvirt) = source.kind else { panic!("another kind") };
    assert!(libvirt.vnc_passwords.contains_key("portal"));
}

#[tokio::test]
async fn a_screen_on_a_port_is_where_the_definition_says() {
    let sim = VirtSim::start(VirtOptions::still()).expect("hosts");
    let connection = host(&sim, 2).await;
    let domain = connection.domain("dns-1").await.expect("a machine");
    connection.destroy(&domain, 0).await.expect("off");
    connection.start_domain(&domain, 0).await.expect("on again");
    let port: u16 = attribute(&connection, "dns-1", "port").await.parse().expect("a port");
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    let session = connect(stream, Options::default()).await.expect("a session");
    assert_eq!(session.name(), "QEMU (dns-1)");
    // It has just been started: the firmware speaks first, the login comes.
    assert!(!sim.control().screen(2, "dns-1").contains("login:"));
    for _ in 0..40 {
        sim.control().advance(250);
    }
    assert!(sim.control().screen(2, "dns-1").ends_with("dns-1 login:"));
}
