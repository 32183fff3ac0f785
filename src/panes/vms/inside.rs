//! What a host keeps of one machine beside what every poll tells: snapshots, backups, addresses, the
//! definition. It is asked for, shown below the figures, and chosen from by verbs.

use crate::app::ctx::Ctx;
use crate::app::effect::{Choose, Effect, Level};
use crate::model::command::{Args, LiveRequest, LiveSection};
use crate::model::page::RequestId;
use crate::model::text::clean;
use crate::panes::list::commands::toast;
use crate::theme::Token;
use crate::ui::sections::Block;

use super::verbs::chosen;

/// What was asked for last.
#[derive(Debug, Default)]
pub(super) struct Inside {
    canonical: String,
    pending: Option<RequestId>,
    /// The verb that wants to choose, with what it has already.
    verb: Option<(&'static str, Args)>,
    sections: Vec<LiveSection>,
    failed: Option<String>,
}

impl Inside {
    /// Asks about a machine or host; `verb` chooses out of the answer.
    pub(super) fn ask(&mut self, canonical: &str, verb: Option<(&'static str, Args)>, cx: &Ctx) -> Vec<Effect> {
        let id = cx.request_id();
        let before = self.pending.replace(id).map(Effect::Cancel);
        if self.canonical != canonical {
            self.sections.clear();
        }
        canonical.clone_into(&mut self.canonical);
        self.verb = verb;
        self.failed = None;
        before.into_iter().chain([Effect::Live(id, LiveRequest::Detail(canonical.to_owned()))]).collect()
    }

    /// The host answered.
    pub(super) fn answer(&mut self, id: RequestId, answer: &Result<Vec<LiveSection>, String>) -> Vec<Effect> {
        if self.pending != Some(id) {
            return Vec::new();
        }
        self.pending = None;
        match answer {
            Ok(sections) => {
                self.sections.clone_from(sections);
                self.verb.take().map_or_else(Vec::new, |(command, args)| self.choose(command, args))
            }
            Err(why) => {
                self.failed = Some(why.clone());
                self.verb.take().map_or_else(Vec::new, |_| vec![toast(Level::Error, clean(why))])
            }
        }
    }

    fn choose(&self, command: &'static str, args: Args) -> Vec<Effect> {
        let (title, what) = match command {
            "vm.restore" => ("Backups", "backup"),
            _ => ("Snapshots", "snapshot"),
        };
        let section = self.sections.iter().find(|section| section.title == title);
        let item = |row: &Vec<String>| {
            let name = row.first()?.trim().to_owned();
            (!name.is_empty()).then(|| (name, row.join("  ")))
        };
        let items: Vec<(String, String)> = section.into_iter().flat_map(|s| &s.rows).filter_map(item).collect();
        if items.is_empty() {
            let note = section.map(|s| s.note.as_str()).filter(|note| !note.is_empty());
            let why = note.map_or_else(String::new, |note| format!(": {note}"));
            return vec![toast(Level::Info, format!("{} has no {what}{why}", clean(&self.canonical)))];
        }
        let selected = items.len() - 1;
        let title = format!("Which {what} of {}?", clean(&self.canonical));
        vec![Effect::Choose(Choose { title, items, selected, command, arg: chosen(command), args })]
    }

    /// What is known of it, when it is what was asked about.
    pub(super) fn blocks(&self, canonical: &str) -> Vec<Block<'_>> {
        if self.canonical != canonical {
            return Vec::new();
        }
        let mut blocks = Vec::new();
        if self.pending.is_some() {
            blocks.extend([Block::Gap, Block::Words("The host is being asked.".into(), Token::Dim)]);
        }
        if let Some(why) = &self.failed {
            blocks.extend([Block::Gap, Block::Words(clean(why), Token::Bad)]);
        }
        for section in &self.sections {
            blocks.extend([Block::Gap, Block::Title(section.title.as_str().into())]);
            if section.headers.iter().all(String::is_empty) {
                blocks.extend(
                    section
                        .rows
                        .iter()
                        .filter_map(|row| row.first())
                        .map(|line| Block::Code(line.as_str().into(), Token::Text)),
                );
            } else if !section.rows.is_empty() {
                blocks.push(Block::Table(section.headers.clone(), section.rows.clone()));
            }
            if !section.note.is_empty() {
                blocks.push(Block::Words(section.note.as_str().into(), Token::Bad));
            } else if section.rows.is_empty() {
                blocks.push(Block::Words("none".into(), Token::Dim));
            }
        }
        blocks
    }
}
