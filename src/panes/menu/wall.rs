//! The view for the wall: one word that can be read across the room, why, and the few numbers that
//! decide whether somebody has to get up. It stands somewhere else every few minutes, so that no
//! screen keeps it for ever; between that only what changed is drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::ViewCtx;
use crate::model::appliance::ApplianceRow;
use crate::model::time::MINUTE;
use crate::theme::Token;
use crate::ui::{Paint, Piece, letters};

use super::lines;

/// µs at one place.
const STAY: i64 = 5 * MINUTE;
/// Lines below the word: reasons, numbers, the line with the name.
const BELOW: u16 = 8;

/// Draws it on the whole screen.
pub(super) fn draw(buf: &mut Buffer, area: Rect, name: &str, row: Option<&ApplianceRow>, cx: &ViewCtx<'_>) {
    let paint = Paint::new(cx.theme, cx.glyphs);
    paint.fill(buf, area, Token::Text);
    let now = cx.ctx.now;
    let (verdict, reasons) = lines::standing(row, now);
    let word = verdict.word().to_uppercase();
    let scale = if area.width >= 112 && area.height >= 30 { (2, 2) } else { (1, 1) };
    // The longest word decides the place, so that a change of state moves nothing.
    let width = letters::width("CRITICAL", scale.0).max(60.min(area.width)).min(area.width);
    let height = (letters::HEIGHT * scale.1 + BELOW).min(area.height);
    let slot = now.0.div_euclid(STAY);
    let shift = |room: u16, pace: i64| u16::try_from((slot * pace).rem_euclid(i64::from(room) + 1)).unwrap_or(0);
    let (x, y) = (area.x + shift(area.width - width, 7), area.y + shift(area.height - height, 3));
    letters::render(buf, (x, y), &word, scale, lines::token(verdict), &paint);
    let mut y = y + letters::HEIGHT * scale.1 + 1;
    let mut put = |pieces: &[Piece<'_>]| {
        if y < area.bottom() {
            paint.line(buf, (x, y), width, pieces);
        }
        y += 1;
    };
    for i in 0..3 {
        put(&[Piece::plain(reasons.get(i).map_or("", String::as_str))]);
    }
    match row {
        Some(row) => {
            put(&lines::buffer(row));
            put(&lines::uplink(row, cx.ctx));
            put(&lines::services(row));
        }
        None => (0..3).for_each(|_| put(&[])),
    }
    let at = lines::clock(now, now, cx.ctx.utc_offset_s);
    put(&[Piece::new(name.to_owned(), Token::Strong), Piece::plain(format!("  {at}  ")), lines::age(row, now)]);
}
