//! The health of one appliance on one page: the verdict, why, and how each part of it stands.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::model::appliance::ApplianceRow;
use crate::model::appliance::state::{CollectorState, Flow, ProcessState};
use crate::model::text;
use crate::panes::detail::DetailState;
use crate::theme::Token;
use crate::ui::Piece;
use crate::ui::sections::Block;

use super::parts;
use super::services::ports;
use super::view::answers;
use super::words::{
    ago, coverage, flow, flow_token, forecast, percent, process_token, replay_token, uplink_token, verdict,
};

/// The page.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// It is shown in place of the list.
    pub(super) open: bool,
    state: DetailState,
}

impl Health {
    /// Shows or hides it.
    pub(super) fn toggle(&mut self) {
        self.open = !self.open;
        self.state = DetailState::default();
        self.state.focus = true;
    }

    /// Scrolls; whether the command was one that does.
    pub(super) fn command(&mut self, id: &str, size: (u16, u16)) -> bool {
        let own = match id {
            "list.down" => "detail.down",
            "list.up" => "detail.up",
            "list.half-down" | "list.page-down" => "detail.page-down",
            "list.half-up" | "list.page-up" => "detail.page-up",
            "list.home" => "detail.home",
            _ => return false,
        };
        self.state.command(own, size)
    }

    /// Scrolls by the wheel.
    pub(super) fn wheel(&mut self, lines: i16) {
        self.state.wheel(lines);
    }

    /// Draws the page.
    pub(super) fn draw(&self, buf: &mut Buffer, area: Rect, row: Option<&ApplianceRow>, cx: &ViewCtx<'_>) {
        let Some(row) = row else {
            let nothing = [Block::Words("no appliance under the cursor".into(), Token::Dim)];
            self.state.draw(buf, area, "Health", &nothing, cx);
            return;
        };
        let mut blocks = blocks(row, cx);
        blocks
            .extend([Block::Gap, Block::Words("H or esc goes back, c its services, a its alarms.".into(), Token::Dim)]);
        self.state.draw(buf, area, &format!("Health of {}", row.source), &blocks, cx);
    }
}

/// Columns of a service's name.
const NAME: usize = 14;

/// The page's blocks.
pub(crate) fn blocks<'a>(row: &'a ApplianceRow, cx: &ViewCtx<'a>) -> Vec<Block<'a>> {
    let state = &*row.state;
    let (sign, token) = verdict(state.verdict);
    let mut blocks = vec![Block::Fact(
        "verdict".into(),
        vec![Piece::new(if sign == "ok" { sign } else { state.verdict.word() }, token)],
    )];
    if state.reasons.is_empty() {
        let words = if state.answered.is_set() { "nothing speaks against it" } else { "nothing is known yet" };
        blocks.push(Block::fact("because", words));
    }
    for (i, reason) in state.reasons.iter().enumerate() {
        blocks.push(Block::fact(if i == 0 { "because" } else { "" }, reason.as_str()));
    }
    blocks.extend([Block::Gap, Block::Title("Buffer".into())]);
    blocks.push(Block::Fact("answers".into(), answers(state, &row.source, cx)));
    let fill = state.fill_permille.map_or_else(|| "not known".to_owned(), percent);
    let mut line = vec![Piece::plain(format!("{fill}   full in "))];
    line.push(forecast(&state.full));
    line.push(Piece::plain("   first loss in "));
    line.push(forecast(&state.first_loss));
    line.push(Piece::plain(format!("   reaches back {}", coverage(state))));
    blocks.push(Block::Fact("fill".into(), line));
    let mut line = vec![Piece::new(state.uplink.state.word(), uplink_token(state.uplink.state))];
    if state.uplink.since.is_set() {
        line.push(Piece::plain(format!(" for {}", ago(state.uplink.since, cx.ctx.now))));
    }
    line.push(Piece::plain("   replay "));
    line.push(Piece::new(state.replay.state.word(), replay_token(state.replay.state)));
    blocks.push(Block::Fact("uplink".into(), line));
    if !state.collectors.is_empty() {
        blocks.extend([Block::Gap, Block::Title("Services".into())]);
        blocks.extend(state.collectors.iter().map(|c| service(c, cx)));
    }
    for danger in &state.dangers {
        blocks.push(Block::Fact("danger".into(), vec![Piece::new(danger.as_str(), Token::Bad)]));
    }
    blocks.extend(parts::system(state));
    blocks
}

fn service<'a>(c: &'a CollectorState, cx: &ViewCtx<'a>) -> Block<'a> {
    let well = c.process == ProcessState::Running && c.flow != Flow::Silent;
    let dead = c.ports.iter().any(crate::model::appliance::state::PortState::relay_without_collector);
    let (sign, token) = match (c.disabled, well && !dead) {
        (true, _) => ("-", Token::Off),
        (_, true) => (cx.glyphs.good, Token::Good),
        (_, false) if c.process == ProcessState::Unknown && !dead && c.flow != Flow::Silent => ("?", Token::Off),
        (_, false) => (cx.glyphs.bad, if c.critical { Token::Critical } else { Token::Bad }),
    };
    let gap = if cx.glyphs.ascii && sign.len() > 1 { " " } else { "  " };
    let name = text::clip(&text::clean(&c.name), NAME, cx.glyphs.ellipsis).into_owned();
    let pad = " ".repeat(NAME.saturating_sub(text::width(&name)));
    let mut line = vec![Piece::new(sign, token), Piece::plain(format!("{gap}{name}{pad}  "))];
    if c.disabled {
        line.push(Piece::dim("switched off on purpose"));
        return Block::Line(line);
    }
    line.push(Piece::new(format!("{:<8}", c.process.word()), process_token(c.process)));
    line.push(Piece::plain("  data "));
    line.push(Piece::new(format!("{:<9}", flow(c.flow)), flow_token(c.flow)));
    line.push(Piece::plain(format!("last {:<5} ", ago(c.last_data, cx.ctx.now))));
    line.extend(ports(&c.ports, cx.glyphs));
    Block::Line(line)
}
