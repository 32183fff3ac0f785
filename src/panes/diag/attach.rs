//! Adding a result to the history of an alarm: of the one that the test is about, of one picked from
//! those that are open, or of one by its key.

use crate::app::ctx::Ctx;
use crate::app::effect::{Choose, Effect, Level};
use crate::app::message::Msg;
use crate::model::alarm::AlarmRow;
use crate::model::command::{Args, Targets};
use crate::model::ids::{AlarmKey, RowId};
use crate::model::page::{Data, DataRequest, PageRequest, Rows, Scope, Table};
use crate::model::text::clean;
use crate::panes::list::commands::toast;
use crate::panes::verbs::{ask, intent};

use super::DiagPane;

/// Alarms that are offered: the worst first.
const OFFERED: u16 = 200;
/// The answer that asks for a key.
const KEY: &str = "key";

impl DiagPane {
    /// To the alarm that the test is about; without one, to one that is picked.
    pub(super) fn attach(&mut self, cx: &Ctx) -> Vec<Effect> {
        match &self.about {
            Some(about) => {
                let row = about.row;
                self.note(Targets::Rows(Table::Alarms, vec![row]), cx)
            }
            None => self.attach_to(&Args::new(), cx),
        }
    }

    /// To an alarm that was picked or named; asks which where neither.
    pub(super) fn attach_to(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        if let Some(key) = args.get("key").map(|k| k.trim()).filter(|k| !k.is_empty()) {
            if AlarmKey::parse(key).is_none() {
                let words = format!("`{}` is no key: 32 hexadecimal digits, in the detail of an alarm", clean(key));
                return vec![toast(Level::Error, words)];
            }
            return self.note(Targets::Names(Table::Alarms, vec![key.to_owned()]), cx);
        }
        match args.get("alarm").map(String::as_str) {
            Some(KEY) => ask("Key of the alarm (in its detail)".to_owned(), "diag.attach-to", "key", Args::new()),
            Some(row) => match row.strip_prefix('#').unwrap_or(row).parse() {
                Ok(row) => self.note(Targets::Rows(Table::Alarms, vec![RowId(row)]), cx),
                Err(_) => vec![toast(Level::Error, format!("`{}` is no alarm of the list", clean(row)))],
            },
            None => {
                let id = cx.request_id();
                self.picking = Some(id);
                let open = PageRequest { limit: OFFERED, ..PageRequest::all(Table::Alarms, Scope::Open, None, cx.now) };
                vec![Effect::Query(id, DataRequest::Page(open))]
            }
        }
    }

    fn note(&self, targets: Targets, cx: &Ctx) -> Vec<Effect> {
        let Some(result) = &self.result else { return Vec::new() };
        let text = format!("{}: {}", result.request.kind(), result.summary());
        intent("alarm.note", targets, Args::from([("text".to_owned(), text)]), cx)
    }

    /// The open alarms are there: one is picked.
    pub(super) fn picked(&mut self, msg: &Msg) -> Vec<Effect> {
        let Msg::Data(id, data) = msg else { return Vec::new() };
        if self.picking != Some(*id) {
            return Vec::new();
        }
        self.picking = None;
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
        let title = if rows.is_empty() { "No alarm is open: attach the result to" } else { "Attach the result to" };
        vec![Effect::Choose(Choose {
            title: title.to_owned(),
            items,
            selected: 0,
            command: "diag.attach-to",
            arg: "alarm",
            args: Args::new(),
        })]
    }
}
