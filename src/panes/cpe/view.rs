//! Draws all that is known about one CPE, and the fleet in bars.

use crate::app::ctx::{Ctx, ViewCtx};
use crate::model::cpe::{CpeDetail, CpeRow, FleetStats, Online};
use crate::model::secret::{MASK, looks_secret};
use crate::model::text::grouped;
use crate::model::time::{SECOND, brief_duration};
use crate::panes::health::stale_words;
use crate::panes::list::columns::{instant, moment};
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::gauge::bar;
use crate::ui::sections::Block;

use super::columns::online_token;
use super::params::{Live, arrow};

/// Width of a bar.
const BAR: u16 = 16;

/// Why the list is empty and what to do about it.
pub(super) fn empty(filtered: bool) -> Vec<String> {
    let lines: &[&str] = if filtered {
        &["No CPE matches.", "\\ clears the filter."]
    } else {
        &[
            "No CPE is known yet.",
            "They come from sources of the kind `genieacs`; 6 shows how those do,",
            "`noctule config example` how one is configured.",
        ]
    };
    lines.iter().map(|l| (*l).to_owned()).collect()
}

/// The fleet in bars.
pub(super) fn fleet<'a>(stats: &FleetStats, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let mut blocks = vec![Block::Title(format!("Fleet of this list: {} CPEs", grouped(stats.total)).into())];
    for (state, n) in Online::ALL.into_iter().zip(stats.online) {
        blocks.push(gauge(state.word(), n, stats.total, online_token(state), cx));
    }
    blocks.push(gauge("faulted", stats.faulted, stats.total, Token::Bad, cx));
    blocks.extend([Block::Gap, Block::Title("Firmware".into())]);
    for (model, version, n) in &stats.firmware {
        let version = if version.is_empty() { "not told" } else { version };
        blocks.push(gauge(&format!("{model} {version}"), *n, stats.total, Token::Text, cx));
    }
    if stats.other > 0 {
        blocks.push(gauge("other versions", stats.other, stats.total, Token::Dim, cx));
    }
    blocks.push(Block::Gap);
    blocks
}

fn gauge<'a>(name: &str, n: u64, total: u64, token: Token, cx: &ViewCtx<'a>) -> Block<'a> {
    let share = (n * 100).checked_div(total).unwrap_or(0);
    Block::Line(vec![
        Piece::new(bar(BAR, n, total, cx.glyphs), token),
        Piece::plain(format!(" {:>7} {share:>3} %  ", grouped(n))),
        Piece::plain(name.to_owned()),
    ])
}

/// Everything about a device.
pub(super) fn blocks<'a>(
    row: &'a CpeRow,
    detail: Option<&'a CpeDetail>,
    live: Option<&'a Live>,
    staged: &'a [(String, String)],
    cx: &ViewCtx<'a>,
) -> Vec<Block<'a>> {
    let mut blocks = Vec::new();
    edits(&mut blocks, row, (live, staged), arrow(cx));
    if let Some(live) = live {
        live_blocks(&mut blocks, live, cx.ctx);
        blocks.push(Block::Title("As the cache knows it".into()));
    }
    blocks.extend(facts(row, cx));
    if let Some(detail) = detail {
        around(&mut blocks, detail, cx.ctx);
    }
    if live.is_none() {
        blocks.extend([
            Block::Gap,
            Block::Words(
                "r reads faults, tasks, downloads and files from the server; p browses all parameters.".into(),
                Token::Dim,
            ),
        ]);
    }
    blocks
}

/// Staged edits, old and new.
fn edits<'a>(
    blocks: &mut Vec<Block<'a>>,
    row: &'a CpeRow,
    (live, staged): (Option<&'a Live>, &'a [(String, String)]),
    arrow: &str,
) {
    if staged.is_empty() {
        return;
    }
    blocks.push(Block::Title("Staged edits: x s sends them as one, U forgets them".into()));
    for (path, new) in staged {
        let old = old_value(row, live, path).unwrap_or("?");
        let new = if looks_secret(path) { MASK } else { new };
        blocks.push(Block::Line(vec![
            Piece::plain(path.as_str()),
            Piece::dim(format!("  {old} {arrow} ")),
            Piece::new(new, Token::Strong),
        ]));
    }
    blocks.push(Block::Gap);
}

/// The value that is known of a parameter.
fn old_value<'a>(row: &'a CpeRow, live: Option<&'a Live>, path: &str) -> Option<&'a str> {
    let read = live.and_then(|l| {
        let told = l.parameters().iter().find(|r| r.first().is_some_and(|p| p == path))?;
        told.get(1).map(String::as_str)
    });
    read.or_else(|| row.leaves.iter().find(|l| l.path == path).map(|l| l.value.as_str()))
}

fn facts<'a>(row: &'a CpeRow, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let at = |t| moment(t, cx.ctx.now, cx.ctx.utc_offset_s);
    let online = row.online_at(cx.ctx.now);
    let mut state = vec![Piece::new(online.word(), online_token(online))];
    let span = |s: u32| brief_duration(i64::from(s).saturating_mul(SECOND));
    let (first, second) = (span(row.rule.online_s), span(row.rule.offline_s));
    state.push(Piece::dim(format!("  online within {first} of an inform, late within {second}")));
    if let Some(words) = stale_words(cx.ctx, &row.source) {
        state.push(Piece::new(format!("  {words}"), Token::Stale));
    }
    let mut blocks = vec![Block::Fact("state".into(), state)];
    for (name, value) in [
        ("subscriber", &row.subscriber),
        ("ONU", &row.onu),
        ("serial", &row.serial),
        ("maker", &row.manufacturer),
        ("model", &row.model),
        ("firmware", &row.firmware),
        ("hardware", &row.hardware),
        ("address", &row.ip),
        ("SSID", &row.ssid),
        ("PPPoE user", &row.pppoe_user),
        ("tags", &row.tags),
    ] {
        if !value.is_empty() {
            blocks.push(Block::fact(name, value.as_str()));
        }
    }
    for (name, centi) in [("received", row.rx_centi_dbm), ("launched", row.tx_centi_dbm)] {
        if let Some(centi) = centi {
            blocks.push(Block::fact(name, format!("{:.2} dBm", f64::from(centi) / 100.0)));
        }
    }
    for (name, t) in [("last inform", row.last_inform), ("last boot", row.last_boot), ("registered", row.registered)] {
        if t.is_set() {
            blocks.push(Block::fact(name, at(t)));
        }
    }
    if let Some(up) = row.uptime_s {
        let span = i64::try_from(up).unwrap_or(i64::MAX).saturating_mul(SECOND);
        blocks.push(Block::fact("uptime told", brief_duration(span)));
    }
    blocks.push(Block::fact("id", row.canonical.as_str()));
    blocks.push(Block::fact("confirmed", at(row.as_of)));
    blocks
}

fn around<'a>(blocks: &mut Vec<Block<'a>>, detail: &'a CpeDetail, cx: &'a Ctx) {
    if !detail.faults.is_empty() {
        blocks.extend([Block::Gap, Block::Title("Faults".into())]);
        for fault in &detail.faults {
            blocks.push(Block::Line(vec![
                Piece::new(format!("{} ", fault.code), Token::Bad),
                Piece::plain(fault.message.as_str()),
                Piece::dim(format!("  {}  tried {}", fault.tried, fault.retries + 1)),
            ]));
            for (path, code, words) in &fault.parameters {
                blocks.push(Block::Line(vec![
                    Piece::plain(format!("  {path}  ")),
                    Piece::new(format!("{code} {words}"), Token::Bad),
                ]));
            }
        }
    }
    if !detail.alarms.is_empty() {
        blocks.extend([Block::Gap, Block::Title("Alarms of its ONU and above it".into())]);
        for alarm in &detail.alarms {
            let title = cx.alarm_types.get(&alarm.type_id).map_or(alarm.type_id.as_str(), |t| t.title.as_str());
            blocks.push(Block::Line(vec![
                Piece::new(format!("{} ", alarm.severity.letter()), Token::severity(alarm.severity)),
                Piece::plain(title),
                Piece::dim(format!("  {}", alarm.shown().word())),
            ]));
        }
    }
    if !detail.jobs.is_empty() {
        blocks.extend([Block::Gap, Block::Title("Jobs with it".into())]);
        for job in &detail.jobs {
            let dry = if job.dry_run { " dry run" } else { "" };
            blocks.push(Block::Line(vec![
                Piece::dim(format!("{}  ", instant(job.at, cx.now, cx.utc_offset_s))),
                Piece::new(format!("{:<14} ", job.state), super::jobs::state_token(job.state)),
                Piece::plain(job.name.as_str()),
                Piece::dim(format!("  {}{dry}  {}", job.work, job.why)),
            ]));
        }
    }
    if !detail.history.is_empty() {
        blocks.extend([Block::Gap, Block::Title("Done to it".into())]);
        for deed in &detail.history {
            let at = instant(deed.at, cx.now, cx.utc_offset_s);
            let mut line = vec![Piece::dim(format!("{at}  {}  ", deed.actor)), Piece::plain(deed.command.as_str())];
            if !deed.error.is_empty() {
                line.push(Piece::new(format!("  {}", deed.error), Token::Bad));
            }
            blocks.push(Block::Line(line));
        }
    }
}

fn live_blocks<'a>(blocks: &mut Vec<Block<'a>>, live: &'a Live, cx: &Ctx) {
    if live.asking {
        blocks.extend([Block::Words("asking the server".into(), Token::Busy), Block::Gap]);
    }
    if let Some(why) = &live.failed {
        blocks.extend([Block::Words(format!("the server did not answer: {why}").into(), Token::Bad), Block::Gap]);
    }
    let at = || instant(live.at, cx.now, cx.utc_offset_s);
    for section in live.others() {
        blocks.push(Block::Title(format!("{} (read at {})", section.title, at()).into()));
        blocks.push(Block::Table(section.headers.clone(), section.rows.clone()));
        blocks.push(Block::Gap);
    }
    let all = live.parameters().len();
    if all > 0 {
        let words = format!("{} parameters (read at {}): p browses and searches them.", grouped(all as u64), at());
        blocks.extend([Block::Words(words.into(), Token::Text), Block::Gap]);
    }
}
