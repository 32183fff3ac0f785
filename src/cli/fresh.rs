//! `--fresh`: every source is asked once before anything is printed.

use std::io::Write as _;

use futures_util::stream::{self, StreamExt as _};

use super::exit::Code;
use super::live::{Live, attached};

/// Sources asked at a time.
const AT_ONCE: usize = 16;

/// Polls the sources called `only` once, all of them when it is empty. [`Code::Unreachable`] when
/// one could not be reached: the data of the others, and its own old data, are of use all the same.
pub(crate) fn poll(live: &Live, only: &[String]) -> Code {
    if !live.opened.owner {
        say(&attached(live.opened.owner_pid));
        return Code::Done;
    }
    let meant = |name: &str| only.is_empty() || only.iter().any(|n| n == name);
    let handles: Vec<_> = live.sources.iter().filter(|s| meant(s.name())).cloned().collect();
    let failed = live.runtime.block_on(async {
        stream::iter(handles)
            .map(|source| async move {
                let result = source.poll_now().await;
                result.err().map(|why| format!("{}: {why}", source.name()))
            })
            .buffer_unordered(AT_ONCE)
            .filter_map(std::future::ready)
            .collect::<Vec<_>>()
            .await
    });
    for line in &failed {
        say(line);
    }
    if failed.is_empty() { Code::Done } else { Code::Unreachable }
}

/// A line for people, beside the data.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "noctule: {}", crate::model::text::clean(line));
}
