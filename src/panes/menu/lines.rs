//! How things stand, in one line a page of the menu.

use chrono::{DateTime, FixedOffset};

use crate::app::ctx::Ctx;
use crate::model::appliance::ApplianceRow;
use crate::model::appliance::state::{Contact, Flow, PortCheck, ProcessState, UplinkState, Verdict};
use crate::model::order;
use crate::model::time::{MINUTE, Ts};
use crate::panes::buffers::words::{brief, forecast, percent, uplink_token};
use crate::theme::Token;
use crate::ui::Piece;

/// What is said while there is nothing to say.
pub(super) const HEARD_NOTHING: &str = "nothing has been heard of the appliance yet";

/// Data older than this many polls, and at least a minute, says nothing about now.
const OLD_POLLS: i64 = 6;

/// An instant as `14:02` of the operator's day, with the day before it when that is another one.
pub(super) fn clock(at: Ts, now: Ts, utc_offset_s: i32) -> String {
    let Some(zone) = FixedOffset::east_opt(utc_offset_s) else { return String::new() };
    let (Some(at), Some(now)) = (at.to_utc(), now.to_utc()) else { return String::new() };
    let (at, now) = (DateTime::with_timezone(&at, &zone), DateTime::with_timezone(&now, &zone));
    let form = if at.date_naive() == now.date_naive() { "%H:%M" } else { "%d %b %H:%M" };
    at.format(form).to_string()
}

/// The verdict and its reasons, as far as what is known still says something about now.
pub(super) fn standing(row: Option<&ApplianceRow>, now: Ts) -> (Verdict, Vec<String>) {
    let Some(row) = row else {
        return (Verdict::Unknown, vec![HEARD_NOTHING.into()]);
    };
    let state = &row.state;
    let age = now.since(state.at);
    let old = (i64::try_from(state.poll_ms).unwrap_or(0) * 1000 * OLD_POLLS).max(MINUTE);
    if age > old {
        let mut reasons = vec![format!("it has not been asked for {}: this is not how it stands now", brief(age))];
        reasons.extend(state.reasons.iter().cloned());
        return (Verdict::Unknown, reasons);
    }
    (state.verdict, state.reasons.clone())
}

/// The colour of a verdict: letters alone, without a ground of their own.
pub(super) const fn token(verdict: Verdict) -> Token {
    match verdict {
        Verdict::Unknown => Token::Stale,
        Verdict::Ok => Token::Good,
        Verdict::Warning => Token::Busy,
        Verdict::Critical => Token::Bad,
    }
}

fn one(text: impl Into<std::borrow::Cow<'static, str>>, token: Token) -> Vec<Piece<'static>> {
    vec![Piece::new(text, token)]
}

/// The line beside an entry.
pub(super) fn state(key: char, row: Option<&ApplianceRow>, cx: &Ctx) -> Vec<Piece<'static>> {
    match (key, row) {
        ('1', _) => {
            let (verdict, reasons) = standing(row, cx.now);
            let mut out = one(verdict.word().to_uppercase(), token(verdict));
            if let Some(reason) = reasons.first() {
                out.push(Piece::plain(format!("  {reason}")));
            }
            out
        }
        ('7', _) => one("what the words mean, and what to do first", Token::Dim),
        ('8', _) => one("back to where this was started from", Token::Dim),
        (_, None) => one("not known yet", Token::Off),
        ('2', Some(row)) => buffer(row),
        ('3', Some(row)) => services(row),
        ('4', Some(row)) => ports(row),
        ('5', Some(row)) => uplink(row, cx),
        (_, Some(row)) => alarms(row),
    }
}

/// The fill, and when it is full.
pub(super) fn buffer(row: &ApplianceRow) -> Vec<Piece<'static>> {
    let state = &row.state;
    if state.contact == Contact::LimitZero {
        return one("its limit is zero: it tells nothing", Token::Bad);
    }
    let Some(fill) = state.fill_permille else { return one("fill not known", Token::Off) };
    let token = match fill {
        900.. => Token::Bad,
        700.. => Token::Busy,
        _ => Token::Good,
    };
    let mut out = one(format!("{} full", percent(fill)), token);
    out.push(Piece::plain(", full in "));
    out.push(forecast(&state.full));
    if state.lost_day > 0 {
        out.push(Piece::plain(", "));
        out.push(Piece::new(format!("lost {} today", state.lost_day), Token::Bad));
    }
    out
}

/// The services that are not well, the critical ones first; else how many run.
pub(super) fn services(row: &ApplianceRow) -> Vec<Piece<'static>> {
    let mut ill: Vec<(bool, String)> = Vec::new();
    let (mut running, mut known) = (0, 0);
    for c in row.state.collectors.iter().filter(|c| !c.disabled) {
        known += usize::from(c.process != ProcessState::Unknown);
        running += usize::from(c.process == ProcessState::Running);
        let word = match (c.process, c.flow) {
            (ProcessState::Stopped | ProcessState::Failed | ProcessState::Changing, _) => c.process.word(),
            (_, Flow::Silent) => "gets no data",
            _ => continue,
        };
        ill.push((c.critical, format!("{} {word}", c.name)));
    }
    if known == 0 && ill.is_empty() {
        return one("nobody tells how they are", Token::Off);
    }
    if ill.is_empty() {
        return one(format!("{running} running"), Token::Good);
    }
    order::by_key(&mut ill, |(critical, _)| !critical);
    let token = if ill.iter().any(|(critical, _)| *critical) { Token::Bad } else { Token::Busy };
    one(ill.into_iter().map(|(_, words)| words).collect::<Vec<_>>().join(", "), token)
}

fn ports(row: &ApplianceRow) -> Vec<Piece<'static>> {
    let all: Vec<_> = row.state.collectors.iter().filter(|c| !c.disabled).flat_map(|c| &c.ports).collect();
    let numbers = |of: &dyn Fn(&crate::model::appliance::state::PortState) -> bool| -> Vec<String> {
        all.iter().filter(|p| of(p)).map(|p| p.public.to_string()).collect()
    };
    let dead = numbers(&|p| p.relay_without_collector());
    let closed = numbers(&|p| p.public_state == PortCheck::Closed);
    let mut out = Vec::new();
    if !dead.is_empty() {
        out.extend(one(format!("DEAD RELAY {}", dead.join(" ")), Token::Bad));
    }
    if !closed.is_empty() {
        out.extend(one(format!("{}closed {}", if out.is_empty() { "" } else { ", " }, closed.join(" ")), Token::Busy));
    }
    if !out.is_empty() {
        return out;
    }
    match numbers(&|p| p.public_state == PortCheck::Listening).len() {
        0 => one("nobody could look", Token::Off),
        n => one(format!("{n} listening"), Token::Good),
    }
}

/// The uplink: how it stands, since when, and why.
pub(super) fn uplink(row: &ApplianceRow, cx: &Ctx) -> Vec<Piece<'static>> {
    let up = &row.state.uplink;
    let since =
        if up.since.is_set() { format!(" since {}", clock(up.since, cx.now, cx.utc_offset_s)) } else { String::new() };
    let mut out = one(format!("uplink {}{since}", up.state.word()), uplink_token(up.state));
    match up.state {
        UplinkState::Up => out.push(Piece::plain(format!(", {} ms", up.latency_ms))),
        UplinkState::Down if !up.last_error.is_empty() => out.push(Piece::plain(format!(": {}", up.last_error))),
        _ => {}
    }
    if up.forwarding == Some(false) {
        out.push(Piece::new(", forwarding is off", Token::Busy));
    }
    out
}

fn alarms(row: &ApplianceRow) -> Vec<Piece<'static>> {
    match row.alarms {
        0 => one("no alarm stands", Token::Dim),
        1 => one("1 alarm stands", Token::Busy),
        n => one(format!("{n} alarms stand"), Token::Busy),
    }
}

/// How old the data is, in words; coarse, so that a slow line is not kept busy with it.
pub(super) fn age(row: Option<&ApplianceRow>, now: Ts) -> Piece<'static> {
    match row.map(|r| r.state.answered).filter(|t| t.is_set()) {
        None => Piece::new("it has never answered", Token::Stale),
        Some(at) if now.since(at) < MINUTE => Piece::dim("data less than a minute old"),
        Some(at) => Piece::new(format!("data {} old", brief(now.since(at))), Token::Stale),
    }
}
