//! The form of a silence: its Alertmanager, its matchers, how long, why. Each field is checked as it
//! is changed, and what the server refuses is told beside the form, which stays as it was filled in.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Level};
use crate::app::message::Msg;
use crate::model::command::{Args, Outcome, Targets};
use crate::model::ids::SourceName;
use crate::model::silence::{SilenceRow, SilenceState, check_comment, check_length, check_matchers};
use crate::model::time::{Ts, brief_duration};
use crate::panes::fields::{Entry, Fields, pane_area};
use crate::panes::list::commands::toast;
use crate::panes::verbs::intent;
use crate::theme::Token;
use crate::ui::Paint;
use crate::ui::paint::wrap;

/// Rows above the first field.
const ABOVE: u16 = 2;
/// Characters of the id of a silence.
const UUID: usize = 36;

/// The form.
#[derive(Debug)]
pub(super) struct Form {
    fields: Fields,
    /// The silence that it changes, and its Alertmanager; a new one is made without.
    of: Option<(String, SourceName)>,
    /// The Alertmanager of a new one where the form does not ask for it.
    server: SourceName,
    title: String,
    /// It was sent: command whose outcome it waits for.
    sent: bool,
    /// Why it was not done.
    failed: Option<String>,
}

/// Where the fields are in the area of the pane.
fn place(area: Rect) -> Rect {
    Rect {
        x: area.x + 1,
        y: area.y + ABOVE,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(ABOVE),
    }
}

impl Form {
    /// For a new silence, for a change of one, or for another one like one that is over.
    pub(super) fn new(servers: &[SourceName], of: Option<&SilenceRow>, now: Ts) -> Self {
        let changes = of.filter(|row| row.state != SilenceState::Expired);
        let mut entries = Vec::new();
        if servers.len() > 1 && changes.is_none() {
            let names: Vec<&str> = servers.iter().map(|s| &**s).collect();
            let mut entry =
                Entry::word("source", "Alertmanager", &names, "Where it is kept; enter takes the next one.");
            if let Some(row) = of {
                entry.value = row.source.to_string();
            }
            entries.push(entry);
        }
        let doc = "What alerts it takes, all of these: name=\"value\", !=, =~\"expression\", !~; commas between.";
        let matchers = Entry::text("matchers", "Matchers", of.map_or("", |row| super::view::bare(&row.matchers)), doc);
        entries.push(matchers.hint("alertname=\"OltDown\", olt=~\"olt-00[1-3]\""));
        // One that has not begun lasts from its beginning on, not from now.
        let now_on = "How long from now on: 45m, 2h, 3d; at most 30d. It ends by itself.";
        let later_on = "How long from its beginning on: 45m, 2h, 3d; at most 30d. It ends by itself.";
        entries.push(match changes.map(|row| row.state) {
            None => Entry::text("duration", "Lasts", "2h", now_on),
            Some(SilenceState::Pending) => Entry::text("duration", "Lasts", "", later_on)
                .hint("as it is; a time from its beginning on, such as 2h, moves its end"),
            Some(_) => Entry::text("duration", "Lasts", "", now_on)
                .hint("as it is; a time from now on, such as 2h, moves its end"),
        });
        let doc = "Why, for whoever finds it: a ticket, a work order.";
        let comment = Entry::text("comment", "Comment", of.map_or("", |row| &row.comment), doc);
        entries.push(comment.hint("why, for whoever finds it"));
        let title = match (of, changes) {
            (Some(row), Some(_)) if row.ends.is_set() => {
                format!("Change silence {} of {}, ends in {}", row.id, row.source, brief_duration(row.ends.since(now)))
            }
            (Some(row), Some(_)) => format!("Change silence {} of {}", row.id, row.source),
            (Some(_), None) => "New silence like the one that is over".to_owned(),
            (None, _) => "New silence".to_owned(),
        };
        let of = changes.map(|row| (row.id.clone(), row.source.clone()));
        let server = servers.first().cloned().unwrap_or_else(|| SourceName::from(""));
        Self { fields: Fields::new(entries), of, server, title, sent: false, failed: None }
    }

    /// For the breadcrumb.
    pub(super) fn title(&self) -> String {
        if self.of.is_some() { "change".to_owned() } else { "new".to_owned() }
    }

    /// The Alertmanager that keeps the silence.
    fn source(&self) -> SourceName {
        let asked = self.fields.entries.iter().find(|entry| entry.name == "source");
        match (&self.of, asked) {
            (Some((_, source)), _) => source.clone(),
            (None, Some(entry)) => SourceName::from(entry.value.as_str()),
            (None, None) => self.server.clone(),
        }
    }

    /// Takes news in. When it was done, the form is no longer needed: the source and the id of the
    /// silence, this empty where it was not told.
    pub(super) fn update(&mut self, msg: &Msg) -> Option<(SourceName, String)> {
        if !self.sent {
            return None;
        }
        match msg {
            Msg::NotRun { command, why } if command == self.command_id() => {
                self.sent = false;
                self.failed.clone_from(why);
                None
            }
            Msg::Done(_, outcome) if outcome.command == self.command_id() && self.concerned(outcome) => {
                self.sent = false;
                if outcome.done > 0 {
                    let id = outcome.summary.split(' ').rfind(|word| word.len() == UUID);
                    return Some((self.source(), id.unwrap_or_default().to_owned()));
                }
                self.failed =
                    Some(outcome.errors.first().map_or_else(|| outcome.summary.clone(), |(_, why)| why.clone()));
                None
            }
            _ => None,
        }
    }

    /// Whether an outcome may be that of what was sent: a change of another silence names that one.
    fn concerned(&self, outcome: &Outcome) -> bool {
        let Some((id, _)) = &self.of else { return true };
        let targets = outcome.errors.iter().map(|(target, _)| target.as_str());
        let mut named = outcome.summary.split([' ', ',']).chain(targets).filter(|word| word.len() == UUID).peekable();
        named.peek().is_none() || named.any(|word| word == id)
    }

    const fn command_id(&self) -> &'static str {
        if self.of.is_some() { "silence.change" } else { "silence.create" }
    }

    /// Checks what was changed; when a new one is to be sent, everything. What a change leaves as it
    /// is is not sent, and its server has taken it once.
    fn check(&mut self, everything: bool) {
        self.fields.absolve();
        let changes = self.of.is_some();
        let mut faults: Vec<(&'static str, String)> = Vec::new();
        for entry in &self.fields.entries {
            if entry.value == entry.first && (changes || !everything) {
                continue;
            }
            let checked = match entry.name {
                "matchers" => check_matchers(&entry.value).map(drop),
                "duration" if changes && entry.value.is_empty() => Ok(()),
                "duration" => check_length(&entry.value).map(drop),
                "comment" => check_comment(&entry.value),
                _ => Ok(()),
            };
            if let Err(why) = checked {
                faults.push((entry.name, why));
            }
        }
        for (name, why) in faults {
            self.fields.blame(name, &why);
        }
    }

    /// Runs a command while the form is shown; `None` when it has nothing to do with it.
    pub(super) fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        Some(match id {
            "form.set" => match (args.get("field"), args.get("value")) {
                (Some(field), Some(value)) => {
                    self.fields.set(field, value);
                    self.check(false);
                    Vec::new()
                }
                _ => self.fields.change("form.set", place(pane_area(cx.size))),
            },
            "form.unset" => {
                self.fields.reset();
                self.check(false);
                Vec::new()
            }
            "form.drop" => {
                for entry in &mut self.fields.entries {
                    entry.value.clone_from(&entry.first);
                }
                self.check(false);
                Vec::new()
            }
            "form.send" => self.send(cx),
            "list.down" => {
                self.fields.go(self.fields.at() + 1);
                Vec::new()
            }
            "list.up" => {
                self.fields.go(self.fields.at().saturating_sub(1));
                Vec::new()
            }
            "list.home" => {
                self.fields.go(0);
                Vec::new()
            }
            "list.end" => {
                self.fields.go(usize::MAX);
                Vec::new()
            }
            _ if id.starts_with("list.") || id.starts_with("form.") => {
                vec![toast(Level::Info, "the form has no such thing; x s sends it, esc goes back")]
            }
            _ => return None,
        })
    }

    fn send(&mut self, cx: &Ctx) -> Vec<Effect> {
        self.check(true);
        if let Some((name, why)) = self.fields.fault() {
            let words = format!("not sent: {why}");
            self.fields.find(name);
            return vec![toast(Level::Warn, words)];
        }
        let changed = self.fields.entries.iter().filter(|e| self.of.is_none() || e.value != e.first);
        let mut args: Args = changed.map(|e| (e.name.to_owned(), e.value.clone())).collect();
        if let Some((id, source)) = &self.of {
            if args.is_empty() {
                return vec![toast(Level::Info, "nothing is changed")];
            }
            args.insert("id".to_owned(), id.clone());
            args.insert("source".to_owned(), source.to_string());
        }
        (self.sent, self.failed) = (true, None);
        intent(self.command_id(), Targets::None, args, cx)
    }

    /// A click on a field, or the wheel.
    pub(super) fn click(&mut self, at: (u16, u16), lines: i16) {
        if lines == 0 && at.1 >= ABOVE {
            self.fields.go(usize::from(at.1 - ABOVE));
        }
    }

    /// Draws the form.
    pub(super) fn draw(&self, buf: &mut Buffer, area: Rect, cx: &ViewCtx<'_>) {
        let paint = Paint::new(cx.theme, cx.glyphs);
        paint.fill(buf, area, Token::Text);
        let room = area.width.saturating_sub(2);
        paint.put(buf, (area.x + 1, area.y), room, &self.title, Token::Title);
        let at = place(area);
        self.fields.draw(buf, at, &paint, (true, cx.focused));
        let rows = u16::try_from(self.fields.entries.len()).unwrap_or(u16::MAX);
        let mut lines = self.fields.words(room);
        if let Some(why) = &self.failed {
            lines.extend(wrap(why, room).into_iter().map(|line| (line, Token::Bad)));
        }
        lines.push((String::new(), Token::Text));
        let words = "Enter changes a field, x s shows what it would do and asks; esc goes back.";
        lines.extend(wrap(words, room).into_iter().map(|line| (line, Token::Dim)));
        for (y, (line, token)) in (at.y.saturating_add(rows + 1)..area.bottom()).zip(lines) {
            paint.put(buf, (area.x + 1, y), room, &line, token);
        }
    }
}
