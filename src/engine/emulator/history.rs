//! Lines that have left the screen, packed: the text of a line with its runs of colour, in blocks that
//! are thrown away whole. Nothing is allocated for a line, so that a guest that prints as fast as it
//! can costs no more here than on the screen, and a console of ten thousand log lines a megabyte.

use std::collections::VecDeque;

use super::cell::{Marks, Paint, Pen, Slot};
use super::grid::Row;
use crate::model::text;

/// Bytes of a block, where the bound leaves room for several.
const BLOCK: usize = 64 << 10;

const WRAPPED: u8 = 1;
const STYLED: u8 = 2;

/// Lines above the screen.
#[derive(Debug)]
pub(super) struct History {
    blocks: VecDeque<Block>,
    most_lines: u64,
    most_bytes: usize,
    block: usize,
    /// Number that the next line gets: as many as there ever were.
    next: u64,
    bytes: usize,
    spare: Option<Block>,
}

#[derive(Debug, Default)]
struct Block {
    first: u64,
    starts: Vec<u32>,
    bytes: Vec<u8>,
}

/// A line as it is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packed<'a>(&'a [u8]);

/// A character of a packed line with its marks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    /// The character.
    pub(super) ch: char,
    /// What combines with it.
    pub(super) marks: &'a str,
    /// How it is drawn.
    pub(super) pen: Pen,
    /// Columns, 1 or 2.
    pub(super) width: u8,
}

impl History {
    /// Of at most so many lines and, packed, bytes.
    pub(super) const fn new(most_lines: u32, most_bytes: usize) -> Self {
        let block = most_bytes / 8;
        let block = if block > BLOCK { BLOCK } else { block };
        Self {
            blocks: VecDeque::new(),
            most_lines: most_lines as u64,
            most_bytes,
            block,
            next: 0,
            bytes: 0,
            spare: None,
        }
    }

    /// The number of the first line that is still here.
    pub(super) fn first(&self) -> u64 {
        let kept = self.blocks.front().map_or(self.next, |b| b.first);
        kept.max(self.next.saturating_sub(self.most_lines))
    }

    /// The number that the next line gets.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Bytes that the lines take.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds a line.
    pub(super) fn push(&mut self, row: &Row, marks: &Marks) {
        let full = self.blocks.back().is_none_or(|b| b.bytes.len() >= self.block);
        if full {
            let mut fresh = self.spare.take().unwrap_or_default();
            fresh.first = self.next;
            self.blocks.push_back(fresh);
        }
        let Some(block) = self.blocks.back_mut() else { return };
        let before = block.bytes.len();
        block.starts.push(before as u32);
        pack(row, marks, &mut block.bytes);
        self.bytes += block.bytes.len() - before + size_of::<u32>();
        self.next += 1;
        if full {
            self.evict();
        }
    }

    fn evict(&mut self) {
        let wanted = self.next.saturating_sub(self.most_lines);
        while self.blocks.len() > 1 {
            let gone = self.blocks.get(1).is_some_and(|b| b.first <= wanted);
            if !gone && self.bytes <= self.most_bytes.saturating_sub(self.block) {
                break;
            }
            let Some(mut block) = self.blocks.pop_front() else { break };
            self.bytes -= block.bytes.len() + block.starts.len() * size_of::<u32>();
            block.bytes.clear();
            block.starts.clear();
            self.spare = Some(block);
        }
    }

    /// A line by its number.
    pub(super) fn line(&self, number: u64) -> Option<Packed<'_>> {
        if number < self.first() {
            return None;
        }
        let at = self.blocks.partition_point(|b| b.first <= number).checked_sub(1)?;
        let block = self.blocks.get(at)?;
        let index = usize::try_from(number - block.first).ok()?;
        let from = *block.starts.get(index)? as usize;
        let to = block.starts.get(index + 1).map_or(block.bytes.len(), |end| *end as usize);
        block.bytes.get(from..to).map(Packed)
    }

    /// Takes the newest line back, as a row of `columns`.
    pub(super) fn pop(&mut self, columns: u16, marks: &mut Marks) -> Option<Row> {
        let row = self.next.checked_sub(1).and_then(|n| self.line(n))?.row(columns, marks);
        while self.blocks.back().is_some_and(|b| b.starts.is_empty()) {
            self.blocks.pop_back();
        }
        let block = self.blocks.back_mut()?;
        let from = block.starts.pop()? as usize;
        self.bytes -= block.bytes.len() - from + size_of::<u32>();
        block.bytes.truncate(from);
        if block.starts.is_empty() {
            self.blocks.pop_back();
        }
        self.next -= 1;
        Some(row)
    }
}

/// Adds a row to `out`.
fn pack(row: &Row, marks: &Marks, out: &mut Vec<u8>) {
    let slots = row.used();
    let slots = if row.wrapped {
        slots
    } else {
        let kept = slots.iter().rposition(|s| *s != Slot::BLANK).map_or(0, |last| last + 1);
        slots.get(..kept).unwrap_or(slots)
    };
    out.push(u8::from(row.wrapped) * WRAPPED);
    let plain = |s: &Slot| s.fg.0 | s.bg.0 | u32::from(s.attrs) | u32::from(s.marks) | (s.ch as u32 & !0x7f) == 0;
    if slots.iter().all(plain) {
        out.extend(slots.iter().map(|s| s.ch as u8));
        return;
    }
    if let Some(tag) = out.last_mut() {
        *tag |= STYLED;
    }
    let mut rest = slots;
    while let Some(first) = rest.first() {
        let pen = first.pen();
        let len = rest.iter().position(|s| s.pen() != pen).unwrap_or(rest.len());
        let (run, after) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        rest = after;
        let header = out.len();
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&pen.fg.0.to_le_bytes());
        out.extend_from_slice(&pen.bg.0.to_le_bytes());
        out.push(pen.attrs);
        let text_at = out.len();
        for slot in run.iter().filter(|s| s.width > 0) {
            push(slot.ch, out);
            if slot.marks > 0 {
                out.extend_from_slice(marks.get(slot.marks).unwrap_or("").as_bytes());
            }
        }
        let size = u16::try_from(out.len() - text_at).unwrap_or(u16::MAX).to_le_bytes();
        if let Some(slot) = out.get_mut(header..header + 2) {
            slot.copy_from_slice(&size);
        }
    }
}

/// Adds a character as UTF-8, without a call for the copy of a byte or two.
fn push(c: char, out: &mut Vec<u8>) {
    match *c.encode_utf8(&mut [0; 4]).as_bytes() {
        [a] => out.push(a),
        [a, b] => out.extend_from_slice(&[a, b]),
        [a, b, c] => out.extend_from_slice(&[a, b, c]),
        ref all => out.extend_from_slice(all),
    }
}

impl<'a> Packed<'a> {
    /// Whether the next line goes on with this one.
    pub(super) fn wrapped(self) -> bool {
        self.0.first().is_some_and(|tag| tag & WRAPPED != 0)
    }

    /// Walks over the characters.
    pub(super) fn each(self, mut f: impl FnMut(Piece<'a>)) {
        let Some((tag, mut rest)) = self.0.split_first() else { return };
        if tag & STYLED == 0 {
            characters(rest, Pen::PLAIN, &mut f);
            return;
        }
        while let Some((&[l0, l1, f0, f1, f2, f3, b0, b1, b2, b3, attrs], body)) = rest.split_first_chunk::<11>() {
            let len = usize::from(u16::from_le_bytes([l0, l1])).min(body.len());
            let (run, after) = body.split_at_checked(len).unwrap_or((body, &[]));
            let pen = Pen {
                fg: Paint(u32::from_le_bytes([f0, f1, f2, f3])),
                bg: Paint(u32::from_le_bytes([b0, b1, b2, b3])),
                attrs,
            };
            characters(run, pen, &mut f);
            rest = after;
        }
    }

    fn row(self, columns: u16, marks: &mut Marks) -> Row {
        let mut row = Row::new(columns);
        let mut slots = Vec::with_capacity(usize::from(columns));
        self.each(|piece| {
            let mut slot = Slot { width: piece.width, ..Slot::new(piece.ch, piece.pen) };
            for mark in piece.marks.chars() {
                slot.marks = marks.with(slot.marks, mark);
            }
            slots.push(slot);
            if piece.width == 2 {
                slots.push(Slot { ch: ' ', width: 0, marks: 0, ..slot });
            }
        });
        row.replace(&slots);
        row.wrapped = self.wrapped() && slots.len() == usize::from(columns);
        row
    }
}

fn characters<'a>(bytes: &'a [u8], pen: Pen, f: &mut impl FnMut(Piece<'a>)) {
    // What was packed is UTF-8; whatever is not would be a defect here, not in the guest.
    let text = std::str::from_utf8(bytes).unwrap_or("");
    let mut chars = text.char_indices().peekable();
    while let Some((at, ch)) = chars.next() {
        let from = at + ch.len_utf8();
        let mut to = from;
        if !ch.is_ascii() || chars.peek().is_some_and(|(_, next)| !next.is_ascii()) {
            while let Some((at, mark)) = chars.next_if(|(_, next)| text::is_mark(*next)) {
                to = at + mark.len_utf8();
            }
        }
        f(Piece { ch, marks: text.get(from..to).unwrap_or(""), pen, width: super::grid::columns_of(ch).max(1) });
    }
}
