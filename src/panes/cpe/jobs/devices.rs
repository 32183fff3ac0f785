//! The devices of a job: columns, and all that is known of what it did to one of them.

use crate::app::ctx::{Ctx, ViewCtx};
use crate::model::ids::RowId;
use crate::model::job::{Class, JobDeviceDetail, JobDeviceRow};
use crate::model::page::{Rows, Table};
use crate::panes::list::columns::{age, instant, moment};
use crate::panes::list::{ColumnDef, Row};
use crate::theme::{Glyphs, Token};
use crate::ui::Piece;
use crate::ui::sections::Block;

use super::columns::state_token;
use super::view::shown;

impl Row for JobDeviceRow {
    const TABLE: Table = Table::JobDevices;

    fn rows(rows: &Rows) -> &[Self] {
        if let Rows::JobDevices(rows) = rows { rows } else { &[] }
    }

    fn id(&self) -> RowId {
        self.id
    }
}

/// The filter that leaves what failed.
pub(super) fn failures() -> String {
    let words: Vec<String> = Class::ALL.iter().filter(|c| c.failed()).map(|c| format!("state={}", c.word())).collect();
    words.join(" or ")
}

/// The columns, in their order.
pub(super) static COLUMNS: &[ColumnDef<JobDeviceRow>] = &[
    ColumnDef::left("state", "State", (9, 14), 0, |row, _| vec![Piece::new(row.state, state_token(row.state))]),
    ColumnDef::left("serial", "Serial", (12, 18), 0, |row, _| vec![Piece::new(row.serial.as_str(), Token::Strong)]),
    ColumnDef::left("model", "Model", (8, 16), 3, |row, _| vec![Piece::plain(row.model.as_str())]),
    ColumnDef::right("wave", "Wave", (4, 4), 4, |row, _| vec![Piece::plain((row.wave + 1).to_string())]),
    ColumnDef::left("why", "Why", (14, 70), 1, |row, _| vec![Piece::plain(row.why.as_str())]),
    ColumnDef::right("changed_at", "Since", (5, 8), 2, |row, cx| vec![Piece::plain(age(row.changed_at, cx.now))]),
    ColumnDef::right("attempt", "Tries", (5, 5), 5, |row, _| match row.attempt {
        0 => Vec::new(),
        n => vec![Piece::plain(n.to_string())],
    }),
    ColumnDef::right("lost", "Lost", (4, 5), 6, |row, _| match row.lost {
        0 => Vec::new(),
        n => vec![Piece::new(n.to_string(), Token::Warning)],
    }),
    ColumnDef::right("restorable", "Saved", (5, 5), 7, |row, _| match row.restorable {
        0 => Vec::new(),
        n => vec![Piece::plain(n.to_string())],
    }),
];

/// Why the list is empty and what to do about it.
pub(super) fn empty(filtered: bool) -> Vec<String> {
    let lines: &[&str] = if filtered {
        &["No device of the job matches.", "\\ clears the filter."]
    } else {
        &["The job has no device: its filter has not been resolved yet, or it gave none.", "esc goes back to the jobs."]
    };
    lines.iter().map(|l| (*l).to_owned()).collect()
}

/// Everything about a device of a job.
pub(super) fn blocks<'a>(
    row: &'a JobDeviceRow,
    detail: Option<&'a JobDeviceDetail>,
    dry_run: bool,
    cx: &ViewCtx<'a>,
) -> Vec<Block<'a>> {
    let (glyphs, cx) = (cx.glyphs, cx.ctx);
    let at = |t| moment(t, cx.now, cx.utc_offset_s);
    let mut blocks = vec![Block::Fact("state".into(), vec![Piece::new(row.state, state_token(row.state))])];
    if !row.why.is_empty() {
        blocks.push(Block::Fact("because".into(), vec![Piece::new(row.why.as_str(), Token::Strong)]));
    }
    if let Some(detail) = detail {
        if !row.why.contains(detail.cause.as_str()) {
            blocks.push(Block::fact("cause", detail.cause.as_str()));
        }
        changes(&mut blocks, detail, dry_run, glyphs);
        stages(&mut blocks, detail, cx);
    }
    blocks.extend([Block::Gap, Block::Title("The device in this job".into())]);
    blocks.push(Block::fact("model", row.model.as_str()));
    blocks.push(Block::fact("serial", row.serial.as_str()));
    blocks.push(Block::fact("id", row.device.as_str()));
    blocks.push(Block::fact("wave", (row.wave + 1).to_string()));
    if row.attempt > 0 {
        blocks.push(Block::fact("tries", row.attempt.to_string()));
    }
    for (name, t) in [("sent", row.sent_at), ("since", row.changed_at)] {
        if t.is_set() {
            blocks.push(Block::fact(name, at(t)));
        }
    }
    if !row.task.is_empty() {
        blocks.push(Block::fact("task", row.task.as_str()));
    }
    if let Some(detail) = detail {
        if detail.stuck {
            blocks.push(Block::Words("Its task could not be taken from the queue of the ACS.".into(), Token::Bad));
        }
        if !detail.onu.is_empty() {
            blocks.push(Block::fact("ONU", detail.onu.as_str()));
        }
        blocks.push(Block::Gap);
        let words = match (detail.cpe, detail.onu.is_empty()) {
            (None, _) => "The fleet does not have it any more.",
            (Some(_), true) => "c goes to the CPE.",
            (Some(_), false) => "c goes to the CPE, o to its ONU.",
        };
        blocks.push(Block::Words(words.into(), Token::Dim));
    }
    blocks
}

fn changes<'a>(blocks: &mut Vec<Block<'a>>, detail: &'a JobDeviceDetail, dry_run: bool, glyphs: &Glyphs) {
    if detail.values.is_empty() {
        return;
    }
    let title = if dry_run { "Values that would be written" } else { "Values" };
    blocks.extend([Block::Gap, Block::Title(title.into())]);
    for value in &detail.values {
        blocks.push(Block::Line(vec![Piece::plain(value.path.as_str())]));
        let old =
            if value.lost { Piece::dim("not shown by the device") } else { Piece::plain(shown(&value.old, glyphs)) };
        let mut line = vec![Piece::plain("  "), old];
        if !value.new.is_empty() {
            line.push(Piece::dim(if glyphs.ascii { " -> " } else { " → " }));
            line.push(Piece::new(shown(&value.new, glyphs), Token::Strong));
        }
        if value.lost {
            line.push(Piece::new("  cannot be rolled back", Token::Warning));
        }
        blocks.push(Block::Line(line));
    }
}

fn stages<'a>(blocks: &mut Vec<Block<'a>>, detail: &'a JobDeviceDetail, cx: &Ctx) {
    if detail.evidence.is_empty() {
        return;
    }
    blocks.extend([Block::Gap, Block::Title("Stages, and what showed them".into())]);
    for stage in &detail.evidence {
        blocks.push(Block::Line(vec![
            Piece::dim(instant(stage.at, cx.now, cx.utc_offset_s)),
            Piece::new(format!("  {:<12}  ", stage.stage), Token::Good),
            Piece::plain(stage.text.as_str()),
        ]));
    }
}
