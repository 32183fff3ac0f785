//! What goes to a guest only after a yes: lines that whoever reads them runs, keys that end what runs
//! there, a command that is typed wherever its cursor stands.

use crate::app::effect::ConsoleRequest;
use crate::model::combination::grave_in;
use crate::model::console::ConsoleId;
use crate::model::stty;
use crate::model::text::{clean, counted, typed};

/// A request that waits for a yes.
#[derive(Debug)]
pub(super) struct Question {
    /// The console that it is for.
    pub(super) id: ConsoleId,
    /// Above the words.
    pub(super) title: &'static str,
    /// What would happen, and how it is answered.
    pub(super) words: Vec<String>,
    /// What goes out after a yes.
    pub(super) request: ConsoleRequest,
}

impl Question {
    /// About a text with line ends; `None` where it has none, and nothing is run before Enter.
    pub(super) fn paste(id: ConsoleId, text: &str) -> Option<Self> {
        let typed = typed(text);
        if !typed.contains('\n') {
            return None;
        }
        let lines = counted(typed.lines().count() as u64, "line", "lines");
        let words = vec![
            format!("Paste {lines}? Each of them is run by whoever reads it."),
            format!("It begins: {}", clean(typed.lines().next().unwrap_or_default())),
            "y pastes, any other key does not.".to_owned(),
        ];
        Some(Self { id, title: "Paste", words, request: ConsoleRequest::Paste(text.to_owned()) })
    }

    /// About keys that may end what runs in the guest; `None` where they do not.
    pub(super) fn combination(id: ConsoleId, name: &str) -> Option<Self> {
        let entry = grave_in(name)?;
        let words = vec![
            format!("Send {}?", clean(name)),
            format!("{}.", entry.label),
            "y sends it, any other key does not.".to_owned(),
        ];
        Some(Self { id, title: "Send keys", words, request: ConsoleRequest::Combination(name.to_owned()) })
    }

    /// About the command that tells a guest on a serial line its size.
    pub(super) fn size(id: ConsoleId, name: &str, columns: u16, rows: u16) -> Self {
        let words = vec![
            format!("Type `{}` and Enter into {name}?", stty::command(rows, columns)),
            "Its shell has to be at the prompt: whatever else runs there gets it as keys.".to_owned(),
            "y types it, any other key does not.".to_owned(),
        ];
        Self { id, title: "Send size", words, request: ConsoleRequest::Resize(columns, rows) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_as_they_are_run() {
        let asked = |text: &str| Question::paste(ConsoleId(1), text).map(|q| q.words.join(" "));
        assert_eq!(asked("uptime"), None);
        for (text, lines) in [("rm x\n", "1 line"), ("a\rb\r", "2 lines"), ("a\r\nb\rc\n", "3 lines"), ("\r", "1 line")]
        {
            let words = asked(text).unwrap_or_default();
            assert!(words.contains(&format!("Paste {lines}?")), "{text:?}: {words}");
        }
        // A terminal sends CR between the lines of what was pasted.
        let words = asked("ls\x03\rreboot\r").unwrap_or_default();
        assert!(words.contains("It begins: ls y pastes"), "{words}");
    }
}
