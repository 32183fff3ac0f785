//! What a master says on its standard error: the last lines, kept to explain a broken connection or
//! a channel that the host did not open.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, BufReader};

use super::error::{Failure, not_opened};

/// Lines kept.
const MOST_LINES: usize = 64;

/// Bytes a line may have; the rest begins another.
const MOST_BYTES: u64 = 1024;

/// The last lines of a stream, numbered.
#[derive(Debug, Default)]
pub(super) struct Log {
    lines: Mutex<(u64, VecDeque<String>)>,
}

impl Log {
    /// Reads a stream to its end.
    pub(super) async fn follow(&self, stream: impl AsyncRead + Unpin) {
        let mut reader = BufReader::new(stream);
        loop {
            let mut line = Vec::new();
            match (&mut reader).take(MOST_BYTES).read_until(b'\n', &mut line).await {
                Ok(0) | Err(_) => return,
                Ok(_) => self.push(String::from_utf8_lossy(&line).trim_end().to_owned()),
            }
        }
    }

    fn push(&self, line: String) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.0 += 1;
        lines.1.push_back(line);
        if lines.1.len() > MOST_LINES {
            lines.1.pop_front();
        }
    }

    /// How many lines there have been.
    pub(super) fn count(&self) -> u64 {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// All lines that are kept.
    pub(super) fn text(&self) -> String {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.1.iter().fold(String::new(), |all, line| all + line + "\n")
    }

    /// Why a channel was not opened, by the lines after the first `mark`.
    pub(super) fn refusal(&self, mark: u64, target: &str) -> Option<Failure> {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let new = usize::try_from(lines.0.saturating_sub(mark)).unwrap_or(usize::MAX);
        lines.1.iter().rev().take(new).find_map(|line| not_opened(line, target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_last_lines_are_kept_and_only_new_ones_explain() {
        let log = Log::default();
        let mut text = "x\n".repeat(100);
        text.push_str("channel 3: open failed: connect failed: Connection refused\n");
        text.push_str(&"y".repeat(5000));
        log.follow(text.as_bytes()).await;
        assert_eq!(log.count(), 106, "a long line is several");
        assert!(log.text().lines().count() <= MOST_LINES);
        assert!(matches!(log.refusal(100, "a:1"), Some(Failure::TargetNotReached { .. })));
        assert_eq!(log.refusal(101, "a:1"), None);
    }
}
