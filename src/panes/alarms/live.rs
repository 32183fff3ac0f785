//! What the source of an alarm says of it when it is asked.

use crate::app::ctx::Ctx;
use crate::model::command::LiveSection;
use crate::model::time::Ts;
use crate::panes::list::columns::instant;
use crate::theme::Token;
use crate::ui::sections::Block;

/// The answer, or that it is on its way.
#[derive(Debug, Default)]
pub(super) struct Live {
    pub(super) asking: bool,
    pub(super) failed: Option<String>,
    at: Ts,
    sections: Vec<LiveSection>,
}

impl Live {
    /// Takes the answer.
    pub(super) fn heard(&mut self, answer: &Result<Vec<LiveSection>, String>, now: Ts) {
        self.asking = false;
        match answer {
            Ok(sections) => (self.at, self.sections) = (now, sections.clone()),
            Err(why) => self.failed = Some(why.clone()),
        }
    }

    /// Draws it.
    pub(super) fn blocks<'a>(&'a self, blocks: &mut Vec<Block<'a>>, cx: &Ctx) {
        blocks.push(Block::Gap);
        if self.asking {
            blocks.push(Block::Words("asking the source".into(), Token::Dim));
        }
        if let Some(why) = &self.failed {
            blocks.push(Block::Words(why.as_str().into(), Token::Bad));
        }
        if self.at.is_set() {
            let when = format!("At the source, {}", instant(self.at, cx.now, cx.utc_offset_s).trim());
            blocks.push(Block::Words(when.into(), Token::Dim));
        }
        for section in &self.sections {
            blocks.push(Block::Gap);
            blocks.push(Block::Title(section.title.as_str().into()));
            if !section.rows.is_empty() {
                blocks.push(Block::Table(section.headers.clone(), section.rows.clone()));
            }
            if !section.note.is_empty() {
                blocks.push(Block::Words(section.note.as_str().into(), Token::Dim));
            }
        }
    }
}
