//! What a key costs on the real binary while the whole fleet is being read.

use std::time::{Duration, Instant};

use super::acs::Acs;
use super::tty::{Start, Tty};
use super::{quantile, row};

/// End of a frame.
const END: &[u8] = b"\x1b[?2026l";
/// Keys pressed.
const KEYS: usize = 200;

pub fn keys(acs: &Acs) {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join("config/noctule");
    std::fs::create_dir_all(&folder).expect("a folder");
    let nbi = &acs.wire.config().nbi;
    let text = format!(
        "[profile.default]\nread_only = false\n[[source]]\nname = \"acs\"\nkind = \"genieacs\"\nnbi = \"{nbi}\"\n"
    );
    std::fs::write(folder.join("noctule.toml"), text).expect("a configuration");
    let began = Instant::now();
    let mut tty = Tty::start(home.path(), &Start { args: &[], size: (200, 60), ..Start::default() });
    tty.wait_for("noctule");
    tty.send("3");
    tty.wait("the first CPEs", |s| s.contains(" of "));
    row(
        "the binary with an empty cache: first CPEs on the screen",
        &format!("{:.0} ms", began.elapsed().as_secs_f64() * 1000.0),
    );
    let mut ms = Vec::new();
    for i in 0..KEYS {
        let (from, pressed) = (tty.raw_len(), Instant::now());
        tty.send(if i % 40 < 20 { "j" } else { "k" });
        tty.wait_raw(from, END);
        ms.push(pressed.elapsed().as_secs_f64() * 1000.0);
        tty.wait_process("the next press", |_| pressed.elapsed() > Duration::from_millis(30));
    }
    row(
        "key to finished frame while the fleet is read for the first time, 200x60",
        &format!(
            "p50 {:.2} ms, p95 {:.2} ms, p99 {:.2} ms over {:.0} s",
            quantile(&mut ms, 0.5),
            quantile(&mut ms, 0.95),
            quantile(&mut ms, 0.99),
            began.elapsed().as_secs_f64()
        ),
    );
}
