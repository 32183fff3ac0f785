//! The past of an appliance or of one of its collectors, as a chart: which series, how far back, and
//! what the cache said about it.

use std::fmt;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::Effect;
use crate::model::appliance::{HistoryRequest, Point, Span};
use crate::model::page::{Data, DataRequest, RequestId};
use crate::model::time::{DAY, MINUTE, SECOND, Ts};
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::chart::{Chart, round_top};
use crate::ui::sections::Block;

use super::words::{compact, rate, took};

/// What a chart shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Series {
    /// Fill against the limit.
    #[default]
    Fill,
    /// Records coming in.
    In,
    /// Records forwarded.
    Out,
    /// Records that wait.
    Pending,
    /// Records lost.
    Lost,
    /// How long the appliance took to answer.
    Response,
}

impl Series {
    /// All of them.
    const ALL: [Self; 6] = [Self::Fill, Self::In, Self::Out, Self::Pending, Self::Lost, Self::Response];
    /// Those that collectors have.
    const OF_COLLECTORS: [Self; 4] = [Self::In, Self::Out, Self::Pending, Self::Lost];

    /// What is drawn, with its unit.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Fill => "Fill, % of the limit",
            Self::In => "Coming in, records a second",
            Self::Out => "Forwarded, records a second",
            Self::Pending => "Waiting to be forwarded, records",
            Self::Lost => "Lost, records a step, at least",
            Self::Response => "Time to answer",
        }
    }

    /// In a word, for commands.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Fill => "fill",
            Self::In => "in",
            Self::Out => "out",
            Self::Pending => "pending",
            Self::Lost => "lost",
            Self::Response => "response",
        }
    }

    fn value(self, point: &Point) -> Option<f64> {
        match self {
            Self::Fill => point.fill_permille().map(|f| f as f64 / 10.0),
            Self::In => point.in_milli.map(|n| n as f64 / 1000.0),
            Self::Out => point.out_milli.map(|n| n as f64 / 1000.0),
            Self::Pending => point.pending.map(|n| n as f64),
            Self::Lost => (point.answered > 0).then_some(point.lost as f64),
            Self::Response => (point.answered > 0).then_some(point.response_us as f64),
        }
    }

    const fn label(self) -> fn(f64) -> String {
        match self {
            Self::Fill => |v| if v < 10.0 && v > 0.0 { format!("{v:.1} %") } else { format!("{v:.0} %") },
            Self::In | Self::Out => |v| if v > 0.0 { rate((v * 1000.0) as u64) } else { "0/s".to_owned() },
            Self::Pending | Self::Lost => |v| compact(v as u64),
            Self::Response => |v| if v > 0.0 { took(v as i64) } else { "0".to_owned() },
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The words of all series, for the argument of a command.
pub(super) const WORDS: &[&str] = &["fill", "in", "out", "pending", "lost", "response"];

/// Of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subject {
    /// Appliance.
    pub(super) source: String,
    /// Collector of it; `None`: all of it.
    pub(super) collector: Option<String>,
    /// When it was polled last: what is newer is to be drawn.
    pub(super) at: Ts,
    /// Time between polls, ms.
    pub(super) poll_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    of: Subject,
    span: Span,
    points: u16,
}

/// A chart with what it shows.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) series: Series,
    pub(super) span: Span,
    pending: Option<(RequestId, Wanted)>,
    known: Option<(Wanted, Result<Vec<Point>, String>)>,
}

impl Past {
    /// Asks for what is to be drawn on `width` columns, unless it is known or on its way.
    pub(super) fn ask(&mut self, of: Subject, width: u16, cx: &Ctx) -> Vec<Effect> {
        let points = points(self.span, Chart::room(width), of.poll_ms);
        let wanted = Wanted { of, span: self.span, points };
        if points == 0 || self.pending.is_some() || self.known.as_ref().is_some_and(|(k, _)| *k == wanted) {
            return Vec::new();
        }
        let id = cx.request_id();
        let request = HistoryRequest {
            source: wanted.of.source.clone(),
            collector: wanted.of.collector.clone(),
            span: wanted.span,
            points,
            until: cx.now,
        };
        self.pending = Some((id, wanted));
        vec![Effect::Query(id, DataRequest::History(request))]
    }

    /// Takes an answer in; whether it was the one waited for.
    pub(super) fn answer(&mut self, id: RequestId, data: &Data) -> bool {
        let Some((_, wanted)) = self.pending.take_if(|(asked, _)| *asked == id) else { return false };
        match data {
            Data::History(points) => self.known = Some((wanted, Ok(points.clone()))),
            Data::Failed(why) => self.known = Some((wanted, Err(why.clone()))),
            _ => {}
        }
        true
    }

    /// A longer or shorter stretch; tells whether there is one.
    pub(super) fn zoom(&mut self, longer: bool) -> bool {
        let span = if longer { self.span.longer() } else { self.span.shorter() };
        let moved = span != self.span;
        self.span = span;
        moved
    }

    /// The series named, or the next one.
    pub(super) fn choose(&mut self, word: Option<&str>, collectors: bool) -> bool {
        let all = if collectors { &Series::OF_COLLECTORS[..] } else { &Series::ALL[..] };
        let found = if let Some(word) = word {
            all.iter().find(|s| s.word() == word.trim())
        } else {
            let at = all.iter().position(|s| *s == self.series);
            all.get(at.map_or(0, |at| (at + 1) % all.len()))
        };
        found.is_some_and(|series| {
            self.series = *series;
            true
        })
    }

    /// The chart as lines of a detail view `width` wide.
    pub(super) fn blocks<'a>(
        &self,
        source: &str,
        collector: Option<&str>,
        room: (u16, u16),
        cx: &ViewCtx<'a>,
    ) -> Vec<Block<'a>> {
        let series =
            if collector.is_some() && !Series::OF_COLLECTORS.contains(&self.series) { Series::In } else { self.series };
        let mut blocks = vec![Block::Title(format!("{}, last {}", series.title(), self.span.word()).into())];
        let known = self
            .known
            .as_ref()
            .filter(|(k, _)| k.of.source == source && k.of.collector.as_deref() == collector && k.span == self.span);
        match known {
            None => blocks.push(Block::Words("reading the past".into(), Token::Busy)),
            Some((_, Err(why))) => {
                blocks.push(Block::Words(format!("the cache could not tell its past: {why}").into(), Token::Bad));
            }
            Some((_, Ok(points))) => blocks.extend(drawn(series, points, room, cx)),
        }
        blocks.push(Block::Line(vec![
            Piece::new("w", Token::Key),
            Piece::dim(" another curve   "),
            Piece::new("+ -", Token::Key),
            Piece::dim(" closer, farther"),
        ]));
        blocks
    }
}

fn drawn<'a>(series: Series, points: &[Point], (width, height): (u16, u16), cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let values: Vec<Option<f64>> = points.iter().map(|p| series.value(p)).collect();
    let known = values.iter().flatten().copied();
    let Some(most) = known.clone().reduce(f64::max) else {
        return vec![Block::Words("Nothing was measured in this time.".into(), Token::Off)];
    };
    let limit = (series == Series::Fill).then_some(100.0);
    // Near the limit the limit is to be seen; far below it, what moves.
    let top = if series == Series::Fill && most >= 40.0 { most.max(100.0) } else { round_top(most) };
    let chart = Chart {
        values: &values,
        top,
        limit,
        label: series.label(),
        times: &times(points, cx.ctx.utc_offset_s),
        height,
        width,
        token: Token::Dim,
    };
    let mut blocks: Vec<Block<'a>> = chart.lines(cx.glyphs).into_iter().map(Block::Line).collect();
    let (least, last) = (known.reduce(f64::min).unwrap_or(most), values.last().copied().flatten());
    let label = series.label();
    let now = last.map_or_else(|| "not known".to_owned(), label);
    let mut words = vec![Piece::dim(format!("now {now}   least {}   most {}", label(least), label(most)))];
    let gaps = values.iter().filter(|v| v.is_none()).count();
    if gaps > 0 {
        let sign = if cx.glyphs.ascii { "?" } else { cx.glyphs.bullet };
        words.push(Piece::plain("   "));
        words.push(Piece::new(sign, Token::Busy));
        words
            .push(Piece::dim(format!(" nothing heard ({} % of the time)", (gaps * 100).div_ceil(values.len().max(1)))));
    }
    blocks.push(Block::Line(words));
    blocks
}

/// Where the stretch begins, its middle and its end, local time.
fn times(points: &[Point], utc_offset_s: i32) -> Vec<String> {
    let (Some(first), Some(last)) = (points.first(), points.last()) else { return Vec::new() };
    let (from, until) = (first.at, last.at.plus(last.step_us));
    let long = until.since(from) > 2 * DAY;
    let words = |t: Ts| {
        let local = t.to_utc().map(|t| t + chrono::Duration::seconds(i64::from(utc_offset_s)));
        let form = if long { "%m-%d" } else { "%H:%M" };
        local.map_or_else(String::new, |t| t.format(form).to_string())
    };
    [from, from.plus(until.since(from) / 2), until].map(words).to_vec()
}

/// How many points a stretch is drawn with: no more than fit, and no more than were measured.
fn points(span: Span, room: u16, poll_ms: u64) -> u16 {
    let kept = match span {
        Span::TenMinutes | Span::Hour => 10 * SECOND,
        Span::SixHours | Span::Day => 2 * MINUTE,
        Span::Week | Span::Month => 30 * MINUTE,
    };
    // Polls wait for the answer before: a step a little longer than theirs has one in it.
    let polled = i64::try_from(poll_ms.saturating_mul(1500)).unwrap_or(i64::MAX);
    let most = span.us() / kept.max(polled).max(1);
    room.min(u16::try_from(most.max(1)).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_points_than_polls() {
        assert_eq!(points(Span::TenMinutes, 100, 5_000), 60);
        assert_eq!(points(Span::TenMinutes, 100, 30_000), 13);
        assert_eq!(points(Span::Hour, 100, 5_000), 100);
        assert_eq!(points(Span::Month, 100, u64::MAX), 1);
        assert_eq!(points(Span::Month, 0, 1), 0);
    }

    #[test]
    fn a_series_that_collectors_do_not_have_is_not_chosen_for_them() {
        let mut past = Past::default();
        assert!(!past.choose(Some("fill"), true));
        assert!(past.choose(Some("pending"), true));
        assert!(past.choose(None, true));
        assert_eq!(past.series, Series::Lost);
        for _ in 0..Series::ALL.len() {
            past.choose(None, false);
        }
        assert_eq!(past.series, Series::Lost);
        assert_eq!(Series::ALL.map(Series::word), WORDS);
    }
}
