//! Words, short numbers and colours that list, detail view and inner views share. What is not known
//! is [`UNKNOWN`] or said in words, and never zero.

use crate::app::ctx::Ctx;
use crate::model::appliance::ApplianceState;
use crate::model::appliance::state::{
    Confidence, Contact, Flow, Forecast, ProcessState, ReplayState, UplinkState, Verdict,
};
use crate::model::time::{DAY, HOUR, MINUTE, SECOND, Ts, ahead};
use crate::panes::health::stale_words;
use crate::theme::Token;
use crate::ui::Piece;

/// What stands for what is not known.
pub(super) const UNKNOWN: &str = "-";

/// Fill from which it is worth a look, and from which it is urgent, thousandths.
const FILLING: u64 = 700;
const FULL: u64 = 900;

/// Letter, word and colour of a verdict.
pub(crate) const fn verdict(verdict: Verdict) -> (&'static str, Token) {
    match verdict {
        Verdict::Unknown => ("?", Token::Off),
        Verdict::Ok => ("ok", Token::Good),
        Verdict::Warning => ("W", Token::Minor),
        Verdict::Critical => ("C", Token::Critical),
    }
}

/// The colour of a fill.
pub(super) const fn fill_token(permille: u64) -> Token {
    match permille {
        FULL.. => Token::Bad,
        FILLING.. => Token::Busy,
        _ => Token::Good,
    }
}

/// The colour of a contact.
pub(super) const fn contact_token(contact: Contact) -> Token {
    match contact {
        Contact::Answering => Token::Good,
        Contact::Slow => Token::Busy,
        Contact::NotAsked => Token::Off,
        Contact::Unreadable | Contact::LimitZero | Contact::Refusing | Contact::Silent => Token::Bad,
    }
}

/// The colour of an uplink.
pub(crate) const fn uplink_token(state: UplinkState) -> Token {
    match state {
        UplinkState::Up => Token::Good,
        UplinkState::Down => Token::Bad,
        UplinkState::NotChecked | UplinkState::Unknown => Token::Off,
    }
}

/// The colour of a replay.
pub(super) const fn replay_token(state: ReplayState) -> Token {
    match state {
        ReplayState::Running => Token::Busy,
        ReplayState::Stuck => Token::Bad,
        ReplayState::Idle => Token::Text,
        ReplayState::Unknown => Token::Off,
    }
}

/// The colour of a process.
pub(super) const fn process_token(state: ProcessState) -> Token {
    match state {
        ProcessState::Running => Token::Good,
        ProcessState::Changing => Token::Busy,
        ProcessState::Stopped | ProcessState::Failed => Token::Bad,
        ProcessState::Unknown => Token::Off,
    }
}

/// A flow of data in a short word.
pub(super) const fn flow(flow: Flow) -> &'static str {
    match flow {
        Flow::Flowing => "flowing",
        Flow::Silent => "silent",
        Flow::NotExpected => "none due",
        Flow::Unknown => UNKNOWN,
    }
}

/// The colour of a flow of data.
pub(super) const fn flow_token(flow: Flow) -> Token {
    match flow {
        Flow::Flowing => Token::Good,
        Flow::Silent => Token::Bad,
        Flow::NotExpected | Flow::Unknown => Token::Off,
    }
}

/// Whether the appliance tells nothing at present, so that what is known of it is old.
pub(super) const fn mute(contact: Contact) -> bool {
    matches!(contact, Contact::Silent | Contact::Refusing | Contact::Unreadable)
}

/// Since when its data is old, in words, where it is.
pub(super) fn old_words(state: &ApplianceState, source: &str, cx: &Ctx) -> Option<String> {
    if !mute(state.contact) {
        return stale_words(cx, source);
    }
    Some(if state.answered.is_set() {
        format!("stale {}", brief(cx.now.since(state.answered)))
    } else {
        "never answered".to_owned()
    })
}

/// A length of time in one unit, at most four columns up to ten years: `90s`, `45m`, `47h`, `13d`.
pub(crate) fn brief(us: i64) -> String {
    let us = us.max(0);
    match us {
        _ if us < 100 * SECOND => format!("{}s", us / SECOND),
        _ if us < 100 * MINUTE => format!("{}m", us / MINUTE),
        _ if us < 72 * HOUR => format!("{}h", us / HOUR),
        _ => format!("{}d", us / DAY),
    }
}

/// How long ago; [`UNKNOWN`] when unset.
pub(super) fn ago(t: Ts, now: Ts) -> String {
    if t.is_set() { brief(now.since(t)) } else { UNKNOWN.to_owned() }
}

/// A number of at most five columns: `812`, `12.3k`, `4.1M`.
pub(super) fn compact(n: u64) -> String {
    let scaled = |unit: u64, word: &str| {
        let tenths = n / (unit / 10);
        if tenths < 1000 { format!("{}.{}{word}", tenths / 10, tenths % 10) } else { format!("{}{word}", tenths / 10) }
    };
    match n {
        0..=9_999 => n.to_string(),
        10_000..=999_999 => scaled(1_000, "k"),
        1_000_000..=999_999_999 => scaled(1_000_000, "M"),
        _ => scaled(1_000_000_000, "G"),
    }
}

/// A rate from thousandths a second.
pub(super) fn rate(milli: u64) -> String {
    match milli {
        0 => "0".to_owned(),
        1..=99 => "<0.1".to_owned(),
        100..=99_949 => format!("{:.1}", milli as f64 / 1000.0),
        _ => compact((milli + 500) / 1000),
    }
}

/// A rate, or [`UNKNOWN`].
pub(super) fn maybe_rate(milli: Option<u64>) -> String {
    milli.map_or_else(|| UNKNOWN.to_owned(), rate)
}

/// A number, or [`UNKNOWN`].
pub(super) fn maybe(n: Option<u64>) -> String {
    n.map_or_else(|| UNKNOWN.to_owned(), compact)
}

/// Thousandths as per cent, without decimals from ten on.
pub(crate) fn percent(permille: u64) -> String {
    if permille == 0 || permille >= 100 {
        format!("{}%", permille / 10)
    } else {
        format!("{:.1}%", permille as f64 / 10.0)
    }
}

/// How long it took, from µs.
pub(super) fn took(us: i64) -> String {
    match us {
        i64::MIN..=999 => "<1ms".to_owned(),
        1_000..=999_999 => format!("{}ms", us / 1000),
        _ => format!("{:.1}s", us as f64 / 1e6),
    }
}

/// The sign of how far a forecast is to be trusted: none for a good one.
pub(crate) const fn doubt(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "",
        Confidence::Medium => "~",
        Confidence::Low | Confidence::None => "?",
    }
}

/// A forecast in a cell: `3h`, `~3h`, `?3h`, `>1y`, `now`, `never`, `-`.
pub(crate) fn forecast(f: &Forecast) -> Piece<'static> {
    match f.in_us {
        None if f.never => Piece::dim("never"),
        None => Piece::new(UNKNOWN, Token::Off),
        Some(us) if us <= 0 => Piece::new("now", Token::Critical),
        Some(us) => Piece::new(format!("{}{}", doubt(f.confidence), ahead(us, brief)), soon(us)),
    }
}

/// The colour of how soon something bad happens.
const fn soon(us: i64) -> Token {
    if us < HOUR {
        Token::Bad
    } else if us < DAY {
        Token::Busy
    } else {
        Token::Text
    }
}

/// How far back the buffer reaches, and how far it is to: `9d of 14d`.
pub(super) fn coverage(state: &ApplianceState) -> String {
    let Some(reaches) = state.coverage_us else { return UNKNOWN.to_owned() };
    let goal = state.coverage_goal_us;
    if goal > 0 { format!("{} of {}", brief(reaches), brief(goal)) } else { brief(reaches) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_invented() {
        let shown = [0, 812, 9_999, 12_345, 999_999, 4_100_000].map(compact);
        assert_eq!(shown, ["0", "812", "9999", "12.3k", "999k", "4.1M"]);
        assert_eq!([0, 40, 12_340, 850_000, 12_000_000].map(rate), ["0", "<0.1", "12.3", "850", "12.0k"]);
        assert_eq!((maybe(None), maybe_rate(None)), ("-".to_owned(), "-".to_owned()));
        assert_eq!([0, 4, 73, 730, 1_042].map(percent), ["0%", "0.4%", "7.3%", "73%", "104%"]);
        assert_eq!([90, 5_400, 7_200, 1_209_600].map(|s| brief(s * SECOND)), ["90s", "90m", "2h", "14d"]);
        assert_eq!([300, 12_000, 4_100_000].map(took), ["<1ms", "12ms", "4.1s"]);
    }

    #[test]
    fn a_forecast_says_how_far_to_trust_it() {
        let f = |in_us, confidence, never| Forecast { in_us, confidence, never, method: String::new() };
        let words = |f: Forecast| forecast(&f).text.into_owned();
        assert_eq!(words(f(Some(3 * HOUR), Confidence::High, false)), "3h");
        assert_eq!(words(f(Some(3 * HOUR), Confidence::Medium, false)), "~3h");
        assert_eq!(words(f(Some(3 * HOUR), Confidence::Low, false)), "?3h");
        assert_eq!(words(f(Some(658 * DAY), Confidence::Low, false)), "?>1y");
        assert_eq!(words(f(Some(0), Confidence::High, false)), "now");
        assert_eq!(words(f(None, Confidence::None, true)), "never");
        assert_eq!(words(f(None, Confidence::None, false)), "-");
    }
}
