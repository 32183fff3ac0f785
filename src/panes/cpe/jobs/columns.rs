//! Columns of the jobs, and what a phase and a class look like: a colour, a letter and a word, so
//! that no screen needs the colour.

use crate::app::ctx::Ctx;
use crate::model::ids::RowId;
use crate::model::job::{Class, JobRow, Phase, Priority};
use crate::model::page::{Rows, Table};
use crate::model::time::{Ts, brief_duration};
use crate::panes::list::columns::instant;
use crate::panes::list::{CellCx, ColumnDef, Row};
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::gauge::bar;

/// Width of the bar in the list.
const BAR: u16 = 10;

impl Row for JobRow {
    const TABLE: Table = Table::Jobs;
    const ARRIVAL: Option<&'static str> = Some("created_at");

    fn rows(rows: &Rows) -> &[Self] {
        if let Rows::Jobs(rows) = rows { rows } else { &[] }
    }

    fn id(&self) -> RowId {
        self.id
    }

    fn arrived(&self) -> Ts {
        self.created_at
    }

    /// Whoever runs it has not been heard of.
    fn stale(&self, cx: &Ctx) -> bool {
        abandoned(self, cx.now)
    }
}

/// Whether the process that runs a job has let its lease run out.
pub(super) fn abandoned(row: &JobRow, now: Ts) -> bool {
    matches!(row.phase, Phase::Running | Phase::Freezing | Phase::Cancelling)
        && !row.owner.is_empty()
        && row.lease_until < now
}

/// The letter of a phase.
const fn letter(phase: Phase) -> &'static str {
    match phase {
        Phase::Waiting => "W",
        Phase::Freezing => "F",
        Phase::Running => "R",
        Phase::Paused => "P",
        Phase::Held => "H",
        Phase::Cancelling => "C",
        Phase::Cancelled => "X",
        Phase::Ended => "E",
        Phase::Refused => "!",
    }
}

/// The colour of a phase.
const fn phase_token(phase: Phase, failed: bool) -> Token {
    match phase {
        Phase::Waiting => Token::Dim,
        Phase::Freezing | Phase::Running => Token::Busy,
        Phase::Paused | Phase::Cancelling => Token::Warning,
        Phase::Held | Phase::Refused => Token::Bad,
        Phase::Cancelled => Token::Off,
        Phase::Ended => {
            if failed {
                Token::Warning
            } else {
                Token::Good
            }
        }
    }
}

/// A phase as it stands in lists and details.
pub(super) fn phase(row: &JobRow) -> Piece<'static> {
    let token = phase_token(row.phase, row.counts.failed() > 0);
    Piece::new(format!("{} {}", letter(row.phase), row.phase.word()), token)
}

/// The colour of a class.
pub(super) const fn class_token(class: Class) -> Token {
    match class {
        Class::Changed | Class::RolledBack | Class::WouldChange => Token::Good,
        Class::OfflineQueued => Token::Warning,
        Class::Skipped | Class::Cancelled => Token::Off,
        Class::Unchanged | Class::Faulted | Class::Unknown | Class::TimedOut | Class::WrongVersion => Token::Bad,
    }
}

/// The colour of a device's state: that of its class once it has one.
pub(in crate::panes::cpe) fn state_token(state: &str) -> Token {
    match Class::ALL.into_iter().find(|c| c.word() == state) {
        Some(class) => class_token(class),
        None if state == "waiting" => Token::Dim,
        None => Token::Busy,
    }
}

/// Through and all: `170/400`.
pub(super) fn through(row: &JobRow) -> String {
    format!("{}/{}", row.counts.through(), row.counts.total)
}

/// The rate with its unit; empty where nothing moves.
fn rate(row: &JobRow) -> String {
    if row.rate_deci == 0 { String::new() } else { format!("{}.{}/m", row.rate_deci / 10, row.rate_deci % 10) }
}

fn due<'a>(row: &'a JobRow, cx: &CellCx<'a>) -> Vec<Piece<'a>> {
    if row.phase != Phase::Waiting || !row.due_at.is_set() {
        return Vec::new();
    }
    vec![Piece::plain(instant(row.due_at, cx.now, cx.utc_offset_s))]
}

/// The columns, in their order.
pub(super) static COLUMNS: &[ColumnDef<JobRow>] = &[
    ColumnDef::left("phase", "Phase", (9, 12), 0, |row, _| vec![phase(row)]),
    ColumnDef::left("name", "Name", (16, 44), 0, |row, _| vec![Piece::new(row.name.as_str(), Token::Strong)]),
    ColumnDef::left("work", "Work", (9, 17), 3, |row, _| {
        let mut pieces = vec![Piece::plain(row.work.as_str())];
        if row.dry_run {
            pieces.push(Piece::new(" dry run", Token::New));
        }
        pieces
    }),
    ColumnDef::left("progress", "Progress", (BAR + 6, BAR + 6), 2, |row, cx| {
        if row.counts.total == 0 {
            return Vec::new();
        }
        let part = row.counts.through();
        vec![
            Piece::new(bar(BAR, part.into(), row.counts.total.into(), cx.glyphs), phase(row).token),
            Piece::plain(format!("{:>4} %", row.per_cent())),
        ]
    }),
    ColumnDef::right("through", "Through", (7, 11), 1, |row, _| match row.counts.total {
        0 => Vec::new(),
        _ => vec![Piece::plain(through(row))],
    }),
    ColumnDef::right("failed", "Failed", (6, 6), 1, |row, _| match row.counts.failed() {
        0 => Vec::new(),
        n => vec![Piece::new(n.to_string(), Token::Bad)],
    }),
    ColumnDef::right("wave", "Wave", (4, 6), 4, |row, _| match row.waves {
        0 => Vec::new(),
        n => vec![Piece::plain(format!("{}/{n}", row.wave + 1))],
    }),
    ColumnDef::right("rate", "Rate", (6, 8), 4, |row, _| vec![Piece::plain(rate(row))]),
    ColumnDef::right("left_s", "Left", (5, 7), 3, |row, _| {
        vec![Piece::plain(row.left_us.map(brief_duration).unwrap_or_default())]
    }),
    ColumnDef::left("due_at", "Due", (8, 12), 5, due),
    ColumnDef::left("last_error", "Last error", (10, 50), 6, |row, _| vec![Piece::dim(row.last_error.as_str())]),
    ColumnDef::left("actor", "By", (6, 12), 7, |row, _| vec![Piece::plain(row.actor.as_str())]),
    ColumnDef::left("owner", "Owner", (8, 20), 7, |row, cx| {
        let token = if abandoned(row, cx.now) { Token::Stale } else { Token::Dim };
        vec![Piece::new(row.owner.as_str(), token)]
    }),
    ColumnDef::<JobRow>::left("priority", "Priority", (6, 8), 8, |row, _| match row.priority {
        Priority::Normal => Vec::new(),
        Priority::High => vec![Piece::new("high", Token::Strong)],
        Priority::Low => vec![Piece::dim("low")],
    })
    .hidden(),
];
