//! Draws all that is known about one job: what it does, when, how far it is, what went wrong.

use std::borrow::Cow;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::model::job::{Class, JobDetail, JobRequest, JobRow, JobTargets, Phase, WaveBar};
use crate::model::text::{counted, grouped};
use crate::model::time::{SECOND, brief_duration};
use crate::panes::list::columns::moment;
use crate::theme::{Glyphs, Token};
use crate::ui::Piece;
use crate::ui::gauge::bar;
use crate::ui::sections::Block;

use super::columns::{abandoned, class_token, phase};

/// Width of a bar.
const BAR: u16 = 20;

/// Why the list is empty and what to do about it.
pub(super) fn empty(filtered: bool) -> Vec<String> {
    let lines: &[&str] = if filtered {
        &["No job matches.", "\\ clears the filter."]
    } else {
        &[
            "There is no job yet.",
            "n makes one: settings or firmware for many CPEs, with dry run, waves and roll-back.",
            "A verb over marked CPEs becomes a job too; J goes back to the fleet.",
        ]
    };
    lines.iter().map(|l| (*l).to_owned()).collect()
}

/// Everything about a job.
pub(super) fn blocks<'a>(row: &'a JobRow, detail: Option<&'a JobDetail>, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let mut blocks = state(row, detail, cx);
    if let Some(detail) = detail {
        waves(&mut blocks, detail, cx.glyphs);
        causes(&mut blocks, detail);
        classes(&mut blocks, row, cx.glyphs);
        asked(&mut blocks, detail, cx.glyphs, cx.ctx);
    }
    when(&mut blocks, row, detail, cx.ctx);
    blocks.extend([Block::Gap, Block::Words("d shows its devices, x what can be done with it.".into(), Token::Dim)]);
    blocks
}

fn state<'a>(row: &'a JobRow, detail: Option<&'a JobDetail>, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let c = &row.counts;
    let mut state = vec![phase(row)];
    if row.dry_run {
        state.push(Piece::new("  dry run: nothing is written", Token::New));
    }
    let mut blocks = vec![Block::Fact("state".into(), state)];
    if !row.why.is_empty() {
        blocks.push(Block::Fact("because".into(), vec![Piece::new(row.why.as_str(), Token::Strong)]));
    }
    if c.total > 0 {
        let share = bar(BAR, c.through().into(), c.total.into(), cx.glyphs);
        let words = format!(" {} %  {} of {}", row.per_cent(), grouped(c.through().into()), grouped(c.total.into()));
        blocks.push(Block::Fact("through".into(), vec![Piece::new(share, phase(row).token), Piece::plain(words)]));
    }
    if c.active > 0 {
        blocks.push(Block::fact("on their way", grouped(c.active.into())));
    }
    if c.waiting > 0 {
        blocks.push(Block::fact("not begun", grouped(c.waiting.into())));
    }
    if let Some(detail) = detail.filter(|d| d.row.phase == Phase::Running && d.rate_per_minute > 0.0) {
        let left = detail.left_us.map(|us| format!(", {} left", brief_duration(us))).unwrap_or_default();
        blocks.push(Block::fact("rate", format!("{:.1} a minute{left}", detail.rate_per_minute)));
    }
    if !row.last_error.is_empty() {
        blocks.push(Block::Fact("last error".into(), vec![Piece::new(row.last_error.as_str(), Token::Bad)]));
    }
    if !row.owner.is_empty() {
        let lease = row.lease_until.since(cx.ctx.now);
        let (words, token) = if abandoned(row, cx.ctx.now) {
            (format!("  silent: its lease ran out {} ago", brief_duration(-lease)), Token::Stale)
        } else if row.lease_until.is_set() && lease > 0 {
            (format!("  lease for {} more", brief_duration(lease)), Token::Dim)
        } else {
            (String::new(), Token::Dim)
        };
        let owner = vec![Piece::plain(row.owner.as_str()), Piece::new(words, token)];
        blocks.push(Block::Fact("run by".into(), owner));
    }
    blocks
}

/// A bar in three parts: done, failed, left; told apart without colour too.
fn parts(width: u16, wave: &WaveBar, glyphs: &Glyphs) -> Vec<Piece<'static>> {
    let total = u64::from(wave.total).max(1);
    let columns = |n: u32| (u64::from(n) * u64::from(width)).div_ceil(total).min(width.into()) as usize;
    let through = (u64::from(wave.through) * u64::from(width) / total) as usize;
    // One failure among thousands is to be seen.
    let failed = columns(wave.failed);
    let done = through.max(failed) - failed;
    let left = usize::from(width).saturating_sub(done + failed);
    vec![
        Piece::new(glyphs.bar.repeat(done), Token::Good),
        Piece::new(if glyphs.ascii { "!" } else { glyphs.bad }.repeat(failed), Token::Bad),
        Piece::new(glyphs.bar_empty.repeat(left), Token::Dim),
    ]
}

fn waves<'a>(blocks: &mut Vec<Block<'a>>, detail: &'a JobDetail, glyphs: &Glyphs) {
    let shown = detail.waves.iter().enumerate().filter(|(_, w)| w.total > 0);
    if shown.clone().count() == 0 {
        return;
    }
    blocks.extend([Block::Gap, Block::Title("Waves".into())]);
    for (i, wave) in shown {
        let now = i == usize::from(detail.row.wave) && detail.row.phase == Phase::Running;
        let mut line = vec![Piece::new(format!("{:>2} ", i + 1), if now { Token::Strong } else { Token::Text })];
        line.extend(parts(BAR, wave, glyphs));
        line.push(Piece::plain(format!("  {} of {}", grouped(wave.through.into()), grouped(wave.total.into()))));
        if wave.failed > 0 {
            line.push(Piece::new(format!(", {} failed", grouped(wave.failed.into())), Token::Bad));
        }
        if now {
            line.push(Piece::dim("  runs"));
        }
        blocks.push(Block::Line(line));
    }
}

fn classes(blocks: &mut Vec<Block<'_>>, row: &JobRow, glyphs: &Glyphs) {
    let c = &row.counts;
    if c.through() == 0 {
        return;
    }
    let title = if row.dry_run { "What would happen" } else { "Result" };
    blocks.extend([Block::Gap, Block::Title(title.into())]);
    for class in Class::ALL.into_iter().filter(|class| c.of(*class) > 0) {
        let n = c.of(class);
        blocks.push(Block::Line(vec![
            Piece::new(bar(BAR, n.into(), c.total.into(), glyphs), class_token(class)),
            Piece::plain(format!(" {:>7}  ", grouped(n.into()))),
            Piece::plain(class.word()),
        ]));
    }
}

fn causes<'a>(blocks: &mut Vec<Block<'a>>, detail: &'a JobDetail) {
    if detail.causes.is_empty() {
        return;
    }
    blocks.extend([Block::Gap, Block::Title("Failures by cause".into())]);
    for cause in &detail.causes {
        let words = if cause.cause.is_empty() { "no cause told" } else { &cause.cause };
        blocks.push(Block::Line(vec![
            Piece::new(format!("{:>6}  ", grouped(cause.devices.into())), Token::Bad),
            Piece::plain(words),
            Piece::dim(format!("  such as {}", cause.example)),
        ]));
    }
}

/// A text with what stands for a secret in signs that the terminal has.
pub(super) fn shown<'a>(text: &'a str, glyphs: &Glyphs) -> Cow<'a, str> {
    if glyphs.ascii { text.replace('•', "*").into() } else { text.into() }
}

/// What was asked for, in words.
fn asked<'a>(blocks: &mut Vec<Block<'a>>, detail: &'a JobDetail, glyphs: &Glyphs, cx: &Ctx) {
    blocks.extend([Block::Gap, Block::Title("What it does".into())]);
    blocks.extend(detail.words.iter().map(|words| Block::Line(vec![Piece::plain(shown(words, glyphs))])));
    let Some(request) = &detail.request else { return };
    if !request.description.is_empty() {
        blocks.push(Block::Words(request.description.as_str().into(), Token::Dim));
    }
    blocks.push(Block::fact("devices", targets(request)));
    if let Some(n) = request.expected_count {
        blocks
            .push(Block::fact("expected", counted(n, "device, or it does not begin", "devices, or it does not begin")));
    }
    let source = if request.source.is_empty() { "the only ACS" } else { &request.source };
    blocks.push(Block::fact("server", source));
    let pace = request.max_concurrent.map_or_else(|| "as many as the ACS allows".to_owned(), |n| n.to_string());
    blocks.push(Block::fact("at a time", pace));
    blocks.push(Block::fact("waves", waves_words(request)));
    blocks.push(Block::fact("stops", stop_words(request)));
    if !detail.rolls_back.is_empty() {
        blocks.push(Block::fact("rolls back", detail.rolls_back.as_str()));
    }
    if let Some((_, name)) = &detail.rolled_back_by {
        blocks.push(Block::fact("rolled back by", name.as_str()));
    }
    blocks.push(Block::fact("priority", detail.row.priority.word()));
    blocks.push(Block::fact("asked for by", detail.row.actor.as_str()));
    blocks.push(Block::fact("asked for", moment(detail.row.created_at, cx.now, cx.utc_offset_s)));
    blocks.push(Block::fact("id", detail.row.job.to_string()));
}

/// Which devices a request is for.
pub(super) fn targets(request: &JobRequest) -> String {
    match &request.targets {
        JobTargets::Query(query) => query.clone(),
        JobTargets::Filter(filter) => filter.clone(),
        JobTargets::Devices(list) => counted(list.len() as u64, "device of a list", "devices of a list"),
    }
}

/// In which portions.
pub(super) fn waves_words(request: &JobRequest) -> String {
    let w = &request.waves;
    match (w.canary, w.percent) {
        (0, 0) => "all in one".to_owned(),
        (n, 0) => format!("first {n}, then the rest"),
        (0, p) => format!("first {p} %, then the rest"),
        (n, p) => format!("first {n}, then {p} %, then the rest"),
    }
}

/// When it stops by itself.
pub(super) fn stop_words(request: &JobRequest) -> String {
    match request.stop.percent {
        100 => "never by itself".to_owned(),
        p => format!("when more than {p} % of a wave failed, once {} are through", request.stop.after),
    }
}

fn when<'a>(blocks: &mut Vec<Block<'a>>, row: &'a JobRow, detail: Option<&'a JobDetail>, cx: &Ctx) {
    blocks.extend([Block::Gap, Block::Title("When".into())]);
    let at = |t| moment(t, cx.now, cx.utc_offset_s);
    match detail.map(|d| d.schedule.as_str()).filter(|s| !s.is_empty()) {
        Some(words) => blocks.push(Block::fact("schedule", words)),
        None => blocks.push(Block::fact("schedule", "at once")),
    }
    if row.phase == Phase::Waiting && row.due_at.is_set() {
        blocks.push(Block::fact("next turn", at(row.due_at)));
    }
    if row.started_at.is_set() {
        blocks.push(Block::fact("began", at(row.started_at)));
    }
    if row.ended_at.is_set() {
        blocks.push(Block::fact("ended", at(row.ended_at)));
        let took = row.ended_at.since(row.started_at);
        if row.started_at.is_set() && took >= SECOND {
            blocks.push(Block::fact("took", brief_duration(took)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_failure_is_seen_in_the_bar() {
        let text = |wave: WaveBar| {
            parts(10, &wave, &Glyphs::ASCII).into_iter().map(|p| p.text.into_owned()).collect::<Vec<_>>()
        };
        let bar = |total, through, failed| WaveBar { total, through, failed };
        assert_eq!(text(bar(1_000, 500, 1)), ["####", "!", "....."]);
        assert_eq!(text(bar(10, 10, 0)), ["##########", "", ""]);
        assert_eq!(text(bar(5, 1, 1)), ["", "!!", "........"]);
        assert_eq!(text(bar(0, 0, 0)).concat(), "..........");
    }
}
