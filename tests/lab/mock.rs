//! librdkafka's own mock cluster: three brokers of another implementation, held by a `kcat` process
//! that waits for messages of a topic nobody writes to.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// A running mock cluster; its process ends with it.
pub(crate) struct Cluster {
    process: Child,
    /// `host:port` of the brokers.
    pub(crate) brokers: Vec<String>,
}

impl Cluster {
    /// Starts one and reads its addresses off the notice that librdkafka prints.
    pub(crate) async fn start() -> Self {
        let mut process = Command::new("kcat")
            .args(["-X", "test.mock.num.brokers=3", "-b", "mock", "-C", "-t", "hold"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("kcat is installed (Debian package kcat)");
        let mut lines = BufReader::new(process.stderr.take().expect("stderr")).lines();
        let read = async {
            while let Some(line) = lines.next_line().await.expect("a line") {
                if let Some((_, list)) = line.split_once("replaced with ") {
                    return list.trim().split(',').map(str::to_owned).collect();
                }
            }
            Vec::new()
        };
        let brokers: Vec<String> =
            tokio::time::timeout(Duration::from_secs(20), read).await.expect("addresses in time");
        assert_eq!(brokers.len(), 3, "kcat told no brokers");
        // The rest of its notices must not fill the pipe.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { process, brokers }
    }

    fn signal(&self, signal: &str) {
        let id = self.process.id().expect("a process").to_string();
        let sent = std::process::Command::new("kill").args([signal, &id]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Stops the process where it is: connections stay open, nothing answers.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Ends the process: connections break, ports are closed.
    pub(crate) async fn end(mut self) {
        self.process.kill().await.expect("ended");
    }
}
