//! A detail view: titled sections of facts, tables and wrapped words, scrolled as one.

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Paint, Piece, columns, wide, wrap};
use crate::theme::Token;

/// One line of a detail view, or what becomes several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block<'a> {
    /// A title with a rule behind it.
    Title(Cow<'a, str>),
    /// A name and its value; long values go on under themselves.
    Fact(Cow<'a, str>, Vec<Piece<'a>>),
    /// Words, wrapped.
    Words(Cow<'a, str>, Token),
    /// A line of a program: its blanks are kept, and it goes on below where it is too long.
    Code(Cow<'a, str>, Token),
    /// Runs of text, cut at the edge.
    Line(Vec<Piece<'a>>),
    /// A table with headers; columns as wide as their widest cell, the last one cut.
    Table(Vec<String>, Vec<Vec<String>>),
    /// A blank line.
    Gap,
}

impl<'a> Block<'a> {
    /// A fact of one run of plain text.
    pub fn fact(name: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        Self::Fact(name.into(), vec![Piece::plain(value)])
    }
}

/// A detail view.
#[derive(Debug, Clone, Copy)]
pub struct Sections<'a> {
    /// Title of the box.
    pub title: &'a str,
    /// What is in it.
    pub blocks: &'a [Block<'a>],
    /// First line drawn.
    pub scroll: u16,
    /// Whether it has the keyboard.
    pub focused: bool,
}

impl Sections<'_> {
    /// Draws the view with a line around it; returns the last line that can be the first shown.
    pub fn render(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>) -> u16 {
        let border = if self.focused { Token::BorderFocus } else { Token::Border };
        let inner = paint.boxed(buf, area, self.title, Token::Text, border);
        let lines = lay_out(self.blocks, inner.width, paint);
        let most = lines.len().saturating_sub(usize::from(inner.height));
        let first = usize::from(self.scroll).min(most);
        for (y, line) in (inner.y..inner.bottom()).zip(lines.iter().skip(first)) {
            paint.line(buf, (inner.x, y), inner.width, line);
        }
        let more = most - first;
        if more > 0 && area.height > 2 && area.width > 20 {
            let words = format!(" {} {more} more lines ", paint.glyphs.down);
            let width = wide(&words);
            paint.put(buf, (area.right().saturating_sub(width + 2), area.bottom() - 1), width, &words, Token::Dim);
        }
        u16::try_from(most).unwrap_or(u16::MAX)
    }
}

fn lay_out<'a>(blocks: &'a [Block<'a>], width: u16, paint: &Paint<'_>) -> Vec<Vec<Piece<'a>>> {
    let names = blocks.iter().filter_map(|b| if let Block::Fact(name, _) = b { Some(wide(name)) } else { None });
    let names = names.max().unwrap_or(0).min(width / 2) + 2;
    let mut lines = Vec::new();
    for block in blocks {
        match block {
            Block::Title(title) => {
                let rule = width.saturating_sub(wide(title) + 1);
                lines.push(vec![
                    Piece::new(title.as_ref(), Token::Title),
                    Piece::plain(" "),
                    Piece::new(paint.glyphs.horizontal.repeat(usize::from(rule)), Token::Border),
                ]);
            }
            Block::Fact(name, value) => fact(&mut lines, name, value, names, width),
            Block::Words(words, token) => {
                lines.extend(wrap(words, width).into_iter().map(|line| vec![Piece::new(line, *token)]));
            }
            Block::Code(line, token) => code(&mut lines, line, *token, width),
            Block::Line(pieces) => lines.push(pieces.clone()),
            Block::Table(headers, rows) => table(&mut lines, headers, rows),
            Block::Gap => lines.push(Vec::new()),
        }
    }
    lines
}

fn code<'a>(lines: &mut Vec<Vec<Piece<'a>>>, line: &'a str, token: Token, width: u16) {
    let line = line.replace('\t', "    ");
    let (mut run, mut used) = (String::new(), 0_u16);
    for c in line.chars() {
        let wide = wide(c.encode_utf8(&mut [0; 4]));
        if used + wide > width && !run.is_empty() {
            lines.push(vec![Piece::new(std::mem::take(&mut run), token)]);
            used = 0;
        }
        run.push(c);
        used += wide;
    }
    lines.push(vec![Piece::new(run, token)]);
}

fn fact<'a>(lines: &mut Vec<Vec<Piece<'a>>>, name: &'a str, value: &'a [Piece<'a>], names: u16, width: u16) {
    let pad = " ".repeat(usize::from(names.saturating_sub(wide(name))));
    let room = width.saturating_sub(names);
    let head = [Piece::dim(name), Piece::plain(pad)];
    if columns(value) > room {
        // Each run on lines of its own.
        let runs = value.iter().flat_map(|p| wrap(&p.text, room).into_iter().map(|line| Piece::new(line, p.token)));
        for (i, line) in runs.filter(|p| !p.text.is_empty()).enumerate() {
            let mut pieces = if i == 0 { head.to_vec() } else { vec![Piece::plain(" ".repeat(usize::from(names)))] };
            pieces.push(line);
            lines.push(pieces);
        }
        return;
    }
    let mut pieces = head.to_vec();
    pieces.extend(value.iter().cloned());
    lines.push(pieces);
}

fn table<'a>(lines: &mut Vec<Vec<Piece<'a>>>, headers: &'a [String], rows: &'a [Vec<String>]) {
    let width_of = |i: usize| {
        let cells = rows.iter().filter_map(|r| r.get(i)).map(|c| wide(c));
        cells.chain(headers.get(i).map(|h| wide(h))).max().unwrap_or(0)
    };
    let widths: Vec<u16> = (0..headers.len()).map(width_of).collect();
    let line = |cells: &'a [String], token: Token| {
        let mut pieces = Vec::new();
        for (cell, width) in cells.iter().zip(&widths) {
            pieces.push(Piece::new(cell.as_str(), token));
            pieces.push(Piece::plain(" ".repeat(usize::from(width.saturating_sub(wide(cell))) + 2)));
        }
        pieces
    };
    if headers.iter().any(|h| !h.is_empty()) {
        lines.push(line(headers, Token::Header));
    }
    lines.extend(rows.iter().map(|row| line(row, Token::Text)));
}
