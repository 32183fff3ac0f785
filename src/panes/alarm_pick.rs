//! Picking one of the open alarms, to note something on it: a result of a test, what a console shows.

use crate::app::ctx::Ctx;
use crate::app::effect::{Choose, Effect, Level};
use crate::app::message::Msg;
use crate::model::alarm::AlarmRow;
use crate::model::command::{Args, Targets};
use crate::model::ids::{AlarmKey, RowId};
use crate::model::page::{Data, DataRequest, PageRequest, RequestId, Rows, Scope, Table};
use crate::model::text::clean;

use super::list::commands::toast;
use super::verbs::{ask, intent};

/// Alarms that are offered: the worst first.
const OFFERED: u16 = 200;
/// The answer that asks for a key.
const KEY: &str = "key";

/// The argument that carries the number of the text that is held.
const HELD: &str = "held";

/// The question for an alarm. The text is held while it is asked: what is shown by the time of the
/// answer is another one.
#[derive(Debug, Default)]
pub(crate) struct AlarmPick {
    pending: Option<RequestId>,
    number: u64,
    held: Option<String>,
}

impl AlarmPick {
    /// Whether the arguments are an answer to what was asked last, for which the text is held.
    pub(crate) fn holds(&self, args: &Args) -> bool {
        self.held.is_some() && args.get(HELD) == Some(&self.number.to_string())
    }

    /// Notes a text on the alarm that the arguments name; asks which where they name none, and holds it
    /// until then. `command` is the one that the answer is for.
    pub(crate) fn note(&mut self, command: &'static str, args: &Args, text: &str, cx: &Ctx) -> Vec<Effect> {
        let held = if self.holds(args) { self.held.clone() } else { None };
        let text = held.as_deref().unwrap_or(text);
        if let Some(key) = args.get("key").map(|k| k.trim()).filter(|k| !k.is_empty()) {
            if AlarmKey::parse(key).is_none() {
                let words = format!("`{}` is no key: 32 hexadecimal digits, in the detail of an alarm", clean(key));
                return vec![toast(Level::Error, words)];
            }
            return note(Targets::Names(Table::Alarms, vec![key.to_owned()]), text, cx);
        }
        match args.get("alarm").map(String::as_str) {
            Some(KEY) => ask("Key of the alarm (in its detail)".to_owned(), command, "key", held_of(args)),
            Some(row) => match row.strip_prefix('#').unwrap_or(row).parse() {
                Ok(row) => note(Targets::Rows(Table::Alarms, vec![RowId(row)]), text, cx),
                Err(_) => vec![toast(Level::Error, format!("`{}` is no alarm of the list", clean(row)))],
            },
            None => {
                let id = cx.request_id();
                self.pending = Some(id);
                self.number += 1;
                self.held = Some(text.to_owned());
                let open = PageRequest { limit: OFFERED, ..PageRequest::all(Table::Alarms, Scope::Open, None, cx.now) };
                vec![Effect::Query(id, DataRequest::Page(open))]
            }
        }
    }

    /// The open alarms are there: one is picked for `command`.
    pub(crate) fn picked(&mut self, msg: &Msg, command: &'static str, what: &str) -> Vec<Effect> {
        let Msg::Data(id, data) = msg else { return Vec::new() };
        if self.pending != Some(*id) {
            return Vec::new();
        }
        self.pending = None;
        let rows: &[AlarmRow] = match data {
            Data::Page(page) => match &page.rows {
                Rows::Alarms(rows) => rows,
                _ => &[],
            },
            Data::Failed(why) => return vec![toast(Level::Error, format!("the alarms cannot be read: {why}"))],
            _ => &[],
        };
        let label = |row: &AlarmRow| {
            let words = format!("{} {}  {}  {}", row.severity.letter(), row.canonical, row.type_id, row.text);
            (format!("#{}", row.id.0), clean(&words).into_owned())
        };
        let mut items: Vec<(String, String)> = rows.iter().map(label).collect();
        items.push((KEY.to_owned(), "another alarm, by its key".to_owned()));
        let none = if rows.is_empty() { "No alarm is open: attach" } else { "Attach" };
        vec![Effect::Choose(Choose {
            title: format!("{none} {what} to"),
            items,
            selected: 0,
            command,
            arg: "alarm",
            args: Args::from([(HELD.to_owned(), self.number.to_string())]),
        })]
    }
}

/// The number of the text that is held, for the next question.
fn held_of(args: &Args) -> Args {
    args.get_key_value(HELD).map(|(name, number)| (name.clone(), number.clone())).into_iter().collect()
}

/// Notes a text on alarms.
pub(crate) fn note(targets: Targets, text: &str, cx: &Ctx) -> Vec<Effect> {
    intent("alarm.note", targets, Args::from([("text".to_owned(), text.to_owned())]), cx)
}
