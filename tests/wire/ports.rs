//! Moving ports of an appliance's collectors: planned, carried out, and put back whole when a restart or
//! the look at the new ports fails; and what is told when putting back fails, too.

use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use noctule::model::command::Outcome;
use noctule::sim::raven::RavenControl;
use serde_json::Value;

use crate::appliances::{Rig, hall, rig};
use crate::rig::until;

const WINDOWS: &str = "collection.windows.port";
const TRAPS: &str = "collection.snmp.trap_port";

fn port(config: &Value, path: &str) -> u16 {
    let at = path.split('.').fold(config, |at, key| &at[key]);
    at.as_u64().and_then(|n| u16::try_from(n).ok()).expect("a port")
}

fn answers(port: u16) -> bool {
    TcpStream::connect_timeout(&(Ipv4Addr::LOCALHOST, port).into(), Duration::from_secs(5)).is_ok()
}

/// An appliance whose syslog and Windows ports are to be moved, and where to.
struct Move {
    rig: Rig,
    old: Value,
    traps: u16,
    windows: u16,
}

async fn wanted() -> Move {
    let rig = rig().await;
    rig.until("its ports", |r| r.state.collectors.iter().any(|c| !c.ports.is_empty())).await;
    let old = rig.control.configuration().expect("a configuration");
    let free = |tcp| RavenControl::free_port(tcp).expect("a port");
    Move { old, traps: free(false), windows: free(true), rig }
}

impl Move {
    async fn apply(&self) -> Outcome {
        let set = format!("{TRAPS}={}\n{WINDOWS}={}", self.traps, self.windows);
        self.rig.run("port.apply", hall(), &[("set", &set)]).await
    }

    /// Why it failed.
    async fn fails(&self) -> String {
        let outcome = self.apply().await;
        assert_eq!((outcome.done, outcome.total, outcome.errors.len()), (0, 1, 1), "{outcome:?}");
        let (place, why) = outcome.errors[0].clone();
        assert_eq!(place, "hall-1");
        why
    }

    /// Everything is as it was.
    fn is_as_before(&self) {
        assert_eq!(self.rig.control.configuration().as_ref(), Some(&self.old), "the old configuration, whole");
        assert!(self.rig.control.lives("telegraf") && self.rig.control.lives("vector"));
        assert!(answers(port(&self.old, WINDOWS)) && !answers(self.windows));
    }

    /// Waits until the journal tells of the move: whether it failed, and in which words.
    async fn journalled(&self) -> (bool, String) {
        let told = || self.rig.log().into_iter().find(|row| row.what == "PORT_MOVE").map(|row| (row.failed, row.text));
        until("the move in the journal", told).await
    }

    fn logged(&self, what: &str, status: &str) -> usize {
        self.rig.log().iter().filter(|row| row.what == what && row.status == status).count()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ports_are_moved_with_what_has_to_take_them_up() {
    let wanted = wanted().await;
    let outcome = wanted.apply().await;
    assert_eq!(outcome.done, 1, "{outcome:?}");
    assert!(outcome.summary.contains("the new ports listen"), "{}", outcome.summary);
    let has = wanted.rig.control.configuration().expect("a configuration");
    assert_eq!((port(&has, TRAPS), port(&has, WINDOWS)), (wanted.traps, wanted.windows));
    assert!(answers(wanted.windows) && !answers(port(&wanted.old, WINDOWS)));
    let (failed, words) = wanted.journalled().await;
    assert!(!failed && words.contains(&format!("to {}", wanted.windows)), "{words}");
    wanted.rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_that_fails_puts_everything_back() {
    let wanted = wanted().await;
    // The first service takes up its port, the second cannot.
    wanted.rig.control.deny_port(Some(wanted.windows));
    let why = wanted.fails().await;
    for part in [
        "hall-1: vector: restart failed",
        "exit status 1",
        "the old configuration is back, and was read back",
        "telegraf runs with it",
        "vector runs with it",
        "the old ports listen",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    wanted.is_as_before();
    let (failed, words) = wanted.journalled().await;
    assert!(failed && why.ends_with(&words), "{words}");
    assert_eq!(wanted.logged("POST appliance config", "OK"), 2, "there and back");
    let ordered = |row: &&noctule::model::log::LogRow| row.what == "SERVICE_RESTART" && row.text.contains("ordered");
    assert_eq!(wanted.rig.log().iter().filter(ordered).count(), 4, "two services, there and back");
    wanted.rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ports_that_do_not_listen_put_everything_back() {
    let wanted = wanted().await;
    wanted.rig.control.keep_ports(true);
    let why = wanted.fails().await;
    for part in ["hall-1: nobody listens on UDP", "the old configuration is back", "the old ports listen"] {
        assert!(why.contains(part), "{part}: {why}");
    }
    wanted.is_as_before();
    assert!(wanted.journalled().await.0);
    wanted.rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_roll_back_whose_restart_fails_says_what_does_not_run() {
    let wanted = wanted().await;
    wanted.rig.control.fail_restarts(true);
    let why = wanted.fails().await;
    for part in ["hall-1: telegraf: restart failed", "the old configuration is back", "telegraf does NOT run with it"] {
        assert!(why.contains(part), "{part}: {why}");
    }
    assert!(!why.contains("vector"), "it was not touched: {why}");
    assert_eq!(wanted.rig.control.configuration().as_ref(), Some(&wanted.old));
    assert!(wanted.journalled().await.0);
    wanted.rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_that_cannot_be_put_back_says_what_to_do_by_hand() {
    let wanted = wanted().await;
    wanted.rig.control.deny_port(Some(wanted.windows));
    wanted.rig.control.saves_left(Some(1));
    let why = wanted.fails().await;
    let by_hand = format!(
        "by hand: set {TRAPS} to {}, {WINDOWS} to {} and restart telegraf, vector",
        port(&wanted.old, TRAPS),
        port(&wanted.old, WINDOWS)
    );
    for part in ["vector: restart failed", "could NOT be put back in 3 tries", "no space left on device", &by_hand] {
        assert!(why.contains(part), "{part}: {why}");
    }
    let has = wanted.rig.control.configuration().expect("a configuration");
    assert_eq!(port(&has, WINDOWS), wanted.windows, "it is told as it is");
    let (failed, words) = wanted.journalled().await;
    assert!(failed && words.contains("NOT"), "{words}");
    assert_eq!(wanted.logged("POST appliance config", "failed"), 3);
    wanted.rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_configuration_that_is_not_taken_changes_nothing() {
    let wanted = wanted().await;
    wanted.rig.control.saves_left(Some(0));
    let why = wanted.fails().await;
    assert!(why.starts_with("hall-1: nothing was changed:") && why.contains("no space left"), "{why}");
    wanted.is_as_before();
    let ordered = wanted.rig.log().iter().filter(|row| row.what == "SERVICE_RESTART").count();
    assert_eq!(ordered, 0, "nothing was restarted");
    wanted.rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_could_not_be_put_back_is_not_begun() {
    let wanted = wanted().await;
    wanted.rig.control.saved(None);
    let why = wanted.fails().await;
    assert!(why.contains("nothing was changed") && why.contains("file is missing"), "{why}");
    assert_eq!(wanted.rig.control.configuration(), None);
    assert_eq!(wanted.logged("POST appliance config", "OK"), 0);
    wanted.rig.console.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ports_that_belong_to_others_are_refused_before_anything_is_sent() {
    let rig = rig().await;
    rig.until("an answer", |r| r.state.records.is_some()).await;
    let taken = rig.run("port.apply", hall(), &[("set", "collection.windows.port=8080")]).await;
    assert_eq!(taken.done, 0);
    assert!(taken.errors[0].1.contains("web panel"), "{taken:?}");
    let odd = rig.run("port.apply", hall(), &[("set", "collection.syslog.host=1")]).await;
    assert_eq!(odd.done, 0, "{odd:?}");
    let plan = rig.run("port.plan", hall(), &[("set", "collection.windows.port=8099")]).await;
    assert!(plan.summary.contains("8099") && plan.summary.contains("restart vector"), "{}", plan.summary);
    let sent = rig.log().iter().filter(|row| row.what == "POST appliance config").count();
    assert_eq!(sent, 0, "nothing was sent");
    rig.console.stop().await;
}
