//! A real sshd on loopback with keys and known hosts of its own, for whoever needs a host to go
//! through.

use std::path::{Path, PathBuf};
use std::process::Command;

use noctule::config::schema::Ssh;
use tempfile::TempDir;

use super::process::{Program, free_tcp, until};

/// An sshd, and what a client needs to get in.
pub struct Sshd {
    pub folder: TempDir,
    pub port: u16,
    /// The process whose namespaces it has, and which of them; `None`: those of everybody.
    beside: Option<(u32, &'static [&'static str])>,
    program: Option<Program>,
}

fn keygen(path: &Path) {
    let _ = std::fs::remove_file(path);
    let done = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(path).status();
    assert!(done.expect("ssh-keygen is installed (Debian package openssh-client)").success());
}

impl Sshd {
    /// Starts one; `more` are lines of its configuration.
    pub async fn start(more: &str) -> Self {
        Self::start_at(None, more).await
    }

    /// Starts one that sees the files, users and sockets which that process sees.
    pub async fn start_beside(process: Option<u32>, more: &str) -> Self {
        Self::start_at(process.map(|id| (id, &["--mount"][..])), more).await
    }

    /// Starts one on the host that this process is on: also its name and its processes are that host's.
    pub async fn start_inside(process: u32) -> Self {
        Self::start_at(Some((process, &["--mount", "--uts", "--pid"])), "").await
    }

    async fn start_at(beside: Option<(u32, &'static [&'static str])>, more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        keygen(&folder.path().join("host"));
        keygen(&folder.path().join("id"));
        std::fs::copy(folder.path().join("id.pub"), folder.path().join("authorized")).expect("copied");
        let mut sshd = Self { port: free_tcp(), folder, beside, program: None };
        sshd.run(more).await;
        let known = sshd.known_line();
        std::fs::write(sshd.path("known"), known).expect("written");
        let config = format!(
            "Host lab\n HostName 127.0.0.1\n Port {}\n IdentityFile {}\n IdentitiesOnly yes\n IdentityAgent none\n UserKnownHostsFile {}\n GlobalKnownHostsFile /dev/null\n LocalForward 127.0.0.1:9 127.0.0.1:9\n",
            sshd.port,
            sshd.path("id").display(),
            sshd.path("known").display()
        );
        std::fs::write(sshd.path("config"), config).expect("written");
        sshd
    }

    /// Starts it again with other lines in its configuration.
    pub async fn run(&mut self, more: &str) {
        self.program = None;
        // sshd wants the folder it separates privileges in.
        let _ = std::fs::create_dir_all("/run/sshd");
        let config = format!(
            "Port {}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nMaxStartups 100\n{more}\n",
            self.port,
            self.path("host").display(),
            self.path("authorized").display(),
        );
        std::fs::write(self.path("sshd_config"), config).expect("written");
        let mut command = Command::new("/usr/sbin/sshd");
        if let Some((process, namespaces)) = self.beside {
            command = Command::new("nsenter");
            command.args(namespaces).arg(format!("--target={process}")).args(["--", "/usr/sbin/sshd"]);
        }
        command.args(["-D", "-e", "-f"]).arg(self.path("sshd_config"));
        self.program = Some(Program::start(&mut command, &self.path("sshd.log")));
        let port = self.port;
        until("sshd listens", || async move { tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() })
            .await;
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The line of its host key for a file of known hosts.
    pub fn known_line(&self) -> String {
        let key = std::fs::read_to_string(self.path("host.pub")).expect("a key");
        let words: Vec<&str> = key.split_whitespace().take(2).collect();
        format!("[127.0.0.1]:{} {}\n", self.port, words.join(" "))
    }

    /// The fingerprint of its host key, as `ssh-keygen` has it.
    pub fn fingerprint(&self) -> String {
        let out = Command::new("ssh-keygen").arg("-lf").arg(self.path("host.pub")).output().expect("ssh-keygen");
        String::from_utf8_lossy(&out.stdout).split_whitespace().nth(1).expect("a fingerprint").to_owned()
    }

    /// Gives it another host key and starts it again.
    pub async fn change_key(&mut self) {
        keygen(&self.path("host"));
        self.run("").await;
    }

    /// How noctule is told of it.
    pub fn ssh(&self) -> Ssh {
        Ssh { host: "lab".into(), port: None, config_file: Some(self.path("config").display().to_string()) }
    }
}
