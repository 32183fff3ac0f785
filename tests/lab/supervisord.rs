//! Restarts through a real supervisord: over its Unix socket, over HTTP with a password, and through
//! a real sshd.

use std::process::Command;
use std::time::Duration;

use noctule::config::schema::SupervisorControl;
use noctule::controllers::route::Route;
use noctule::controllers::supervisor::error::{Failure, FaultKind};
use noctule::controllers::supervisor::{State, Supervisor};
use noctule::engine::restart::Verdict;
use noctule::workers::restart::Control;
use tempfile::TempDir;

use super::process::{Program, free_tcp, processes_with, until};
use super::restarts::{Told, quick, restart, words};
use super::sshd::Sshd;

struct Supervisord {
    folder: TempDir,
    port: u16,
    _program: Program,
}

impl Supervisord {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path().display();
        let port = free_tcp();
        let program = |name: &str, command: &str, more: &str| {
            format!(
                "[program:{name}]\ncommand={command}\nstartsecs=1\nstdout_logfile={at}/{name}.log\nstderr_logfile=NONE\n{more}\n"
            )
        };
        let mut config = format!(
            "[supervisord]\nnodaemon=true\nlogfile={at}/supervisord.log\npidfile={at}/supervisord.pid\nchildlogdir={at}\n\
             [unix_http_server]\nfile={at}/s.sock\nchmod=0700\n\
             [inet_http_server]\nport=127.0.0.1:{port}\nusername=admin\npassword=s3cret\n\
             [rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
        );
        config += &program("good", "sh -c 'echo \"ready <&> $$\"; exec sleep 10007'", "");
        config += &program("stubborn", "sh -c 'trap \"\" TERM; while :; do sleep 0.2; done'", "stopwaitsecs=3600\n");
        config += &program("broken", "sh -c 'exit 3'", "autostart=false\nstartretries=1\n");
        config += &program("missing", "/nonexistent/program", "autostart=false\nstartretries=0\n");
        std::fs::write(folder.path().join("supervisord.conf"), config).expect("written");
        let mut command = Command::new("supervisord");
        command.args(["-n", "-c"]).arg(folder.path().join("supervisord.conf"));
        let program = Program::start(&mut command, &folder.path().join("out.log"));
        let this = Self { folder, port, _program: program };
        let supervisor = this.client(Route::Direct);
        until("good and stubborn run", || async {
            let running =
                |p: Result<noctule::controllers::supervisor::Process, _>| p.is_ok_and(|p| p.state == State::Running);
            running(supervisor.process("good").await) && running(supervisor.process("stubborn").await)
        })
        .await;
        this
    }

    fn socket(&self) -> String {
        self.folder.path().join("s.sock").display().to_string()
    }

    /// By its Unix socket.
    fn client(&self, route: Route) -> Supervisor {
        let control = SupervisorControl { socket: Some(self.socket()), ..SupervisorControl::default() };
        Supervisor::new(&control, route).expect("a client")
    }

    /// By HTTP, with that password.
    fn http(&self, password: &str, route: Route) -> Supervisor {
        let file = self.folder.path().join(format!("password-{}", password.len()));
        std::fs::write(&file, password).expect("written");
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("private");
        let control = SupervisorControl {
            url: Some(format!("http://127.0.0.1:{}", self.port)),
            username: Some("admin".into()),
            password: Some(format!("file:{}", file.display()).parse().expect("a reference")),
            ..SupervisorControl::default()
        };
        Supervisor::new(&control, route).expect("a client")
    }
}

#[tokio::test]
async fn a_real_supervisor_is_read_on_every_way() {
    let real = Supervisord::start().await;
    let sshd = Sshd::start("").await;
    let route = Route::of(Some(&sshd.ssh()));
    let ways = [
        real.client(Route::Direct),
        real.http("s3cret", Route::Direct),
        real.client(route.clone()),
        real.http("s3cret", route.clone()),
    ];
    for supervisor in &ways {
        let version = supervisor.version().await.unwrap();
        assert!(version.starts_with("4."), "{version}");
        assert_eq!(supervisor.state().await.unwrap(), "RUNNING");
        let mut names: Vec<_> = supervisor.processes().await.unwrap().into_iter().map(|p| p.full_name()).collect();
        names.sort();
        assert_eq!(names, ["broken", "good", "missing", "stubborn"]);
        let good = supervisor.process("good").await.unwrap();
        assert_eq!(good.status().running, Some(true));
        assert!(good.pid > 0 && good.start.is_set());
        let log = supervisor.tail_stdout("good", 1000).await.unwrap();
        assert!(log.starts_with("ready <&> "), "{log:?}");
        assert_eq!(supervisor.stop("no & such").await.unwrap_err().fault(), Some(FaultKind::BadName));
        assert_eq!(supervisor.start("good").await.unwrap_err().fault(), Some(FaultKind::AlreadyStarted));
        assert_eq!(supervisor.stop("broken").await.unwrap_err().fault(), Some(FaultKind::NotRunning));
    }
    assert_eq!(real.http("wrong", route).version().await.unwrap_err().what, Failure::Login);
    assert_eq!(real.client(Route::Direct).start("missing").await.unwrap_err().fault(), Some(FaultKind::NoFile));
    let nobody = SupervisorControl { socket: Some("/nonexistent/s.sock".into()), ..SupervisorControl::default() };
    let route = Route::of(Some(&sshd.ssh()));
    for route in [Route::Direct, route] {
        let error = Supervisor::new(&nobody, route).unwrap().version().await.unwrap_err();
        assert!(matches!(error.what, Failure::NotReached(_)), "nothing was sent: {error}");
    }
}

#[tokio::test]
async fn real_programs_are_restarted() {
    let real = Supervisord::start().await;
    let supervisor = real.client(Route::Direct);
    let control = Control::Supervisor(supervisor.clone());
    let before = supervisor.process("good").await.unwrap().pid;
    let good = restart(&control, &Told::default(), "good", quick()).await;
    assert_eq!((good.verdict.clone(), good.killed), (Verdict::Done, false), "{good:?}");
    eprintln!("restart of a good program: {} ms, {:?}", good.took_us() / 1000, words(&good));
    let after = supervisor.process("good").await.unwrap();
    assert!(after.pid != before && after.state == State::Running, "{after:?}");

    let before = supervisor.process("stubborn").await.unwrap().pid;
    let stubborn = restart(&control, &Told::default(), "stubborn", quick()).await;
    assert_eq!((stubborn.verdict.clone(), stubborn.killed), (Verdict::Done, true), "{stubborn:?}");
    assert!(!std::path::Path::new(&format!("/proc/{before}")).exists(), "it was killed");
    eprintln!("restart of one that ignores TERM: {} ms, {:?}", stubborn.took_us() / 1000, words(&stubborn));

    for (name, word) in [("broken", "log"), ("missing", "NO_FILE")] {
        let told = restart(&control, &Told::default(), name, quick()).await;
        assert!(matches!(&told.verdict, Verdict::Failed(why) if why.contains(word)), "{told:?}");
        eprintln!("restart of {name}: {} ms, {:?}", told.took_us() / 1000, words(&told));
    }
    // It stays as it was when it was started once more.
    assert_eq!(supervisor.process("good").await.unwrap().state, State::Running);
    let folder = real.folder.path().display().to_string();
    drop(real);
    tokio::time::timeout(Duration::from_secs(10), until("all ended", || async { processes_with(&folder).is_empty() }))
        .await
        .expect("nothing is left");
}
