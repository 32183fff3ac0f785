//! The way through an SSH host, against a real sshd.

use std::time::{Duration, Instant};

use noctule::controllers::route::{Route, RouteStream};
use noctule::controllers::ssh::{self, Failure, Master};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};

use super::process::{free_tcp, processes_with, signal, until};
use super::sshd::Sshd;

const LIMIT: Duration = Duration::from_secs(10);

/// Answers each connection by what it read, in capitals.
async fn shout(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) {
    let mut buf = [0; 1024];
    while let Ok(n @ 1..) = stream.read(&mut buf).await {
        let said = buf[..n].to_ascii_uppercase();
        if stream.write_all(&said).await.is_err() {
            return;
        }
    }
}

/// A port where somebody shouts.
async fn shouter() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(shout(stream));
        }
    });
    port
}

async fn say(stream: &mut RouteStream, words: &str) -> std::io::Result<String> {
    stream.write_all(words.as_bytes()).await?;
    let mut buf = vec![0; words.len()];
    stream.read_exact(&mut buf).await?;
    Ok(String::from_utf8(buf).expect("text"))
}

fn why(error: &std::io::Error) -> &Failure {
    &error.get_ref().and_then(|e| e.downcast_ref::<ssh::Error>()).unwrap_or_else(|| panic!("{error:?}")).why
}

#[tokio::test]
async fn ports_and_sockets_of_the_host_are_reached_through_one_login() {
    let sshd = Sshd::start("").await;
    let port = shouter().await;
    let path = sshd.path("there's a 100% socket");
    let unix = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = unix.accept().await {
            tokio::spawn(shout(stream));
        }
    });

    let route = Route::of(Some(&sshd.ssh()));
    let begun = Instant::now();
    let mut first = route.connect("127.0.0.1", port).await.unwrap();
    assert_eq!(say(&mut first, "hello").await.unwrap(), "HELLO");
    let opened = begun.elapsed();
    let begun = Instant::now();
    let mut more = Vec::new();
    for _ in 0..20 {
        let mut stream = route.connect("127.0.0.1", port).await.unwrap();
        assert_eq!(say(&mut stream, "again").await.unwrap(), "AGAIN");
        more.push(stream);
    }
    let each = begun.elapsed() / 20;
    let mut socket = route.connect_unix(&path).await.unwrap();
    assert_eq!(say(&mut socket, "unix").await.unwrap(), "UNIX");
    let Route::Ssh(master) = &route else { panic!("a route through ssh") };
    assert_eq!(master.connections().await, 1, "one login for all");
    eprintln!("ssh: first connection {opened:?}, each of 20 more {each:?}");

    // The sockets are ours alone, and gone afterwards.
    let folder = socket_folder(master).await;
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&folder).unwrap());
    assert_eq!(mode & 0o777, 0o700);
    drop((first, more, socket));
    master.close().await;
    assert!(!folder.exists());
    assert_eq!(processes_with(&sshd.path("config").display().to_string()), []);
}

/// The folder with the control socket, by the command line of the master.
async fn socket_folder(master: &Master) -> std::path::PathBuf {
    let pid = master.check().await.expect("a master");
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    let words: Vec<_> = line.split(|b| *b == 0).map(|w| String::from_utf8_lossy(w).into_owned()).collect();
    let at = words.iter().position(|w| w == "-S").unwrap();
    std::path::Path::new(&words[at + 1]).parent().unwrap().to_owned()
}

#[tokio::test]
async fn programs_run_with_their_arguments_as_they_are() {
    let sshd = Sshd::start("").await;
    let master = ssh::master(&sshd.ssh());
    let odd = ["printf", "%s|", "a b", "it's", "$HOME", "`id`", "a;b", "", "\\n", "é", "*"];
    let out = master.run(&odd, LIMIT).await.unwrap();
    assert_eq!(String::from_utf8(out.stdout).unwrap(), "a b|it's|$HOME|`id`|a;b||\\n|é|*|");
    assert_eq!(out.status, Some(0));
    let out = master.run(&["sh", "-c", "echo oops >&2; exit 7"], LIMIT).await.unwrap();
    assert_eq!((out.status, out.words().as_str()), (Some(7), "oops\n"));
    let out = master.run(&["sh", "-c", "exit 255"], LIMIT).await.unwrap();
    assert_eq!(out.status, Some(255), "a program may end so; the connection stands");
    let out = master.run(&["head", "-c", "20000000", "/dev/zero"], LIMIT).await.unwrap();
    assert_eq!((out.stdout.len(), out.cut), (ssh::Output::MOST, true));
    let slow = master.run(&["sleep", "20"], Duration::from_millis(300)).await.unwrap_err();
    assert_eq!(slow.why, Failure::TimedOut(Duration::from_millis(300)));

    let mut stream = master.stream(&["tr", "a-z", "A-Z"]).await.unwrap();
    stream.write_all(b"through a pipe").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut all = String::new();
    tokio::time::timeout(LIMIT, stream.read_to_string(&mut all)).await.expect("tr ends").unwrap();
    assert_eq!(all, "THROUGH A PIPE");
    master.close().await;
}

#[tokio::test]
async fn unknown_and_changed_host_keys_are_refused_with_the_fingerprint() {
    let mut sshd = Sshd::start("").await;
    std::fs::write(sshd.path("known"), "").unwrap();
    let master = ssh::master(&sshd.ssh());
    let error = master.ensure().await.unwrap_err();
    let Failure::HostKeyUnknown { fingerprint, command } = &error.why else { panic!("{error}") };
    assert_eq!(*fingerprint, format!("ssh-ed25519 {}", sshd.fingerprint()));
    assert_eq!(*command, format!("ssh -F {} lab true", sshd.path("config").display()));
    assert!(error.to_string().contains("accept it with"), "{error}");
    assert_eq!(std::fs::read_to_string(sshd.path("known")).unwrap(), "", "nothing was accepted by itself");
    let again = master.ensure().await.unwrap_err();
    assert!(matches!(again.why, Failure::Waiting { .. }), "{again}");

    // What a person would do by hand; then the same master gets in.
    std::fs::write(sshd.path("known"), sshd.known_line()).unwrap();
    until("the pause is over", || async { master.ensure().await.is_ok() }).await;
    master.close().await;

    sshd.change_key().await;
    let error = master.ensure().await.unwrap_err();
    let Failure::HostKeyChanged { fingerprint, forget, .. } = &error.why else { panic!("{error}") };
    assert_eq!(*fingerprint, sshd.fingerprint());
    assert!(forget.starts_with("ssh-keygen -f") && forget.contains("-R"), "{forget}");
}

#[tokio::test]
async fn what_keeps_people_out_is_told_in_words() {
    let sshd = Sshd::start("").await;
    std::fs::write(sshd.path("authorized"), "").unwrap();
    let error = ssh::master(&sshd.ssh()).ensure().await.unwrap_err();
    assert!(matches!(&error.why, Failure::KeyNotAccepted { methods, .. } if methods == "publickey"), "{error}");

    let mut ssh = sshd.ssh();
    ssh.port = Some(free_tcp());
    let error = ssh::master(&ssh).ensure().await.unwrap_err();
    assert_eq!(error.why, Failure::NotReached("connection refused".into()));
    ssh.host = "nowhere.invalid".into();
    let error = ssh::master(&ssh).ensure().await.unwrap_err();
    assert_eq!(error.why, Failure::UnknownHost);
    ssh.host = "-oProxyCommand=touch /tmp/never".into();
    let error = ssh::master(&ssh).ensure().await.unwrap_err();
    assert!(matches!(error.why, Failure::Refused(_)), "{error}");
}

#[tokio::test]
async fn forbidden_forwarding_and_dead_targets_are_told_apart() {
    let mut sshd = Sshd::start("").await;
    let dead = free_tcp();
    let route = Route::of(Some(&sshd.ssh()));
    let mut stream = route.connect("127.0.0.1", dead).await.unwrap();
    let error = say(&mut stream, "anyone?").await.unwrap_err();
    assert!(matches!(why(&error), Failure::TargetNotReached { words, .. } if words == "Connection refused"), "{error}");
    let Route::Ssh(master) = &route else { panic!("a route through ssh") };
    master.close().await;

    sshd.run("AllowTcpForwarding no\nAllowStreamLocalForwarding no").await;
    let mut stream = route.connect("127.0.0.1", sshd.port).await.unwrap();
    let error = say(&mut stream, "anyone?").await.unwrap_err();
    assert_eq!(*why(&error), Failure::Forbidden(format!("127.0.0.1:{}", sshd.port)));
    assert!(error.to_string().contains("AllowTcpForwarding"), "{error}");
    // What forwards nothing still runs programs.
    assert_eq!(master.run(&["true"], LIMIT).await.unwrap().status, Some(0));
    master.close().await;
}

#[tokio::test]
async fn a_master_that_was_killed_is_made_again() {
    let sshd = Sshd::start("").await;
    let port = shouter().await;
    let route = Route::of(Some(&sshd.ssh()));
    let mut stream = route.connect("127.0.0.1", port).await.unwrap();
    assert_eq!(say(&mut stream, "one").await.unwrap(), "ONE");
    let Route::Ssh(master) = &route else { panic!("a route through ssh") };
    let pid = master.check().await.expect("a master");
    let folder = socket_folder(master).await;
    signal(pid, rustix::process::Signal::KILL);
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
    let begun = Instant::now();
    let mut stream = route.connect("127.0.0.1", port).await.unwrap();
    assert_eq!(say(&mut stream, "two").await.unwrap(), "TWO");
    eprintln!("ssh: connected again {:?} after the master was killed", begun.elapsed());
    assert_eq!(master.connections().await, 2);
    until("the watchdog removes the old sockets", || async { !folder.exists() }).await;
    master.close().await;
}

#[tokio::test]
async fn a_master_without_users_ends_by_itself() {
    let sshd = Sshd::start("").await;
    let master = ssh::master(&sshd.ssh());
    master.ensure().await.unwrap();
    let folder = socket_folder(&master).await;
    let config = sshd.path("config").display().to_string();
    assert_eq!(processes_with(&config).len(), 3, "ssh, its watchdog and the one that waits for us to end");
    // As at the end of the process, in whatever way: the pipe closes.
    drop(master);
    until("nothing is left", || async { processes_with(&config).is_empty() && !folder.exists() }).await;
}
