//! What verbs share: targets that stay the same while their arguments are asked for.
//!
//! Between the key and the answer to "why?" rows may come and go. So the targets are held when
//! the question is put, and the answer names them by a number; the row that happens to lie under
//! the cursor by then is not touched.

use crate::app::ctx::Ctx;
use crate::app::effect::{Choose, Effect, Prompt};
use crate::model::command::{Args, Intent, Targets};

/// The argument that carries the number.
const HELD: &str = "held";

/// Targets of the question that is open.
#[derive(Debug, Default)]
pub(crate) struct Held {
    number: u64,
    targets: Option<Targets>,
}

impl Held {
    /// Holds targets for a question: `args` with their number in it.
    pub(crate) fn hold(&mut self, targets: Targets, args: &Args) -> Args {
        self.number += 1;
        self.targets = Some(targets);
        let mut args = args.clone();
        args.insert(HELD.to_owned(), self.number.to_string());
        args
    }

    /// The targets held for a command, or `current`, and its arguments without the number.
    pub(crate) fn take(&mut self, current: Targets, args: &Args) -> (Targets, Args) {
        let mut args = args.clone();
        let number = args.remove(HELD);
        let held = self.targets.take().filter(|_| number == Some(self.number.to_string()));
        (held.unwrap_or(current), args)
    }
}

/// Whether an argument is there and not blank.
pub(crate) fn given(args: &Args, name: &str) -> bool {
    args.get(name).is_some_and(|v| !v.trim().is_empty())
}

/// The wish to run a command.
pub(crate) fn intent(command: &'static str, targets: Targets, args: Args, cx: &Ctx) -> Vec<Effect> {
    vec![Effect::Intent(Intent { command, targets, args, actor: cx.operator.to_string() })]
}

/// Asks for one line.
pub(crate) fn ask(title: String, command: &'static str, arg: &'static str, args: Args) -> Vec<Effect> {
    vec![Effect::Prompt(Prompt { title, initial: String::new(), command, arg, args })]
}

/// Asks to choose.
pub(crate) fn choose(
    title: String,
    items: &[(&str, &str)],
    command: &'static str,
    arg: &'static str,
    args: Args,
) -> Vec<Effect> {
    let items = items.iter().map(|(value, words)| ((*value).to_owned(), (*words).to_owned())).collect();
    vec![Effect::Choose(Choose { title, items, selected: 0, command, arg, args })]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::RowId;
    use crate::model::page::Table;

    fn row(id: i64) -> Targets {
        Targets::Rows(Table::Alarms, vec![RowId(id)])
    }

    #[test]
    fn an_answer_works_on_what_the_question_was_about() {
        let mut held = Held::default();
        let args = held.hold(row(1), &Args::new());
        let (targets, clean) = held.take(row(2), &args);
        assert_eq!(targets, row(1));
        assert!(clean.is_empty());
        // The same answer again, as dot-repeat gives it, is for the row under the cursor.
        assert_eq!(held.take(row(2), &args).0, row(2));
    }

    #[test]
    fn an_abandoned_question_holds_nothing() {
        let mut held = Held::default();
        held.hold(row(1), &Args::new());
        assert_eq!(held.take(row(2), &Args::new()).0, row(2));
        let second = held.hold(row(3), &Args::new());
        assert_eq!(held.take(row(2), &second).0, row(3));
    }
}
