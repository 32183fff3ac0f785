//! Words in letters as high as five rows, to be read across a room. Drawn with signs of ASCII, so
//! that they are letters in every terminal and in a printed screen too.

use ratatui::buffer::Buffer;

use super::paint::Paint;
use crate::theme::Token;

/// Rows of a letter.
pub const HEIGHT: u16 = 5;

/// Columns of a letter, and of the gap behind it.
const WIDTH: u16 = 5;
const GAP: u16 = 1;

/// Rows of a letter, five bits each, the leftmost highest. What has no letter is left blank.
const fn rows(letter: char) -> [u8; 5] {
    match letter {
        'A' => [0b01110, 0b10001, 0b11111, 0b10001, 0b10001],
        'C' => [0b01111, 0b10000, 0b10000, 0b10000, 0b01111],
        'D' => [0b11110, 0b10001, 0b10001, 0b10001, 0b11110],
        'E' => [0b11111, 0b10000, 0b11110, 0b10000, 0b11111],
        'G' => [0b01111, 0b10000, 0b10011, 0b10001, 0b01111],
        'I' => [0b11111, 0b00100, 0b00100, 0b00100, 0b11111],
        'K' => [0b10010, 0b10100, 0b11000, 0b10100, 0b10010],
        'L' => [0b10000, 0b10000, 0b10000, 0b10000, 0b11111],
        'N' => [0b10001, 0b11001, 0b10101, 0b10011, 0b10001],
        'O' => [0b01110, 0b10001, 0b10001, 0b10001, 0b01110],
        'R' => [0b11110, 0b10001, 0b11110, 0b10010, 0b10001],
        'S' => [0b01111, 0b10000, 0b01110, 0b00001, 0b11110],
        'T' => [0b11111, 0b00100, 0b00100, 0b00100, 0b00100],
        'U' => [0b10001, 0b10001, 0b10001, 0b10001, 0b01110],
        'W' => [0b10001, 0b10001, 0b10101, 0b11011, 0b10001],
        _ => [0; 5],
    }
}

/// Columns of a word, every dot `scale` columns wide.
#[must_use]
pub fn width(word: &str, scale: u16) -> u16 {
    let letters = u16::try_from(word.chars().count()).unwrap_or(u16::MAX);
    letters.saturating_mul(WIDTH + GAP).saturating_mul(scale).saturating_sub(GAP * scale)
}

/// Draws a word, every dot `scale` columns wide and `tall` rows high; what does not fit is cut.
pub fn render(
    buf: &mut Buffer,
    at: (u16, u16),
    word: &str,
    (scale, tall): (u16, u16),
    token: Token,
    paint: &Paint<'_>,
) {
    let style = paint.style(Token::Text).patch(paint.style(token));
    let mut left = at.0;
    for letter in word.chars() {
        for (row, bits) in (0_u16..).zip(rows(letter)) {
            for column in 0..WIDTH {
                if bits >> (WIDTH - 1 - column) & 1 == 0 {
                    continue;
                }
                let (x, y) = (left + column * scale, at.1 + row * tall);
                for dy in 0..tall {
                    for dx in 0..scale {
                        if let Some(cell) = buf.cell_mut((x + dx, y + dy)) {
                            cell.set_symbol("#").set_style(style);
                        }
                    }
                }
            }
        }
        left = left.saturating_add((WIDTH + GAP) * scale);
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;
    use crate::theme::{Glyphs, Theme};

    #[test]
    fn every_word_of_a_state_has_its_letters() {
        let theme = Theme::probe();
        let paint = Paint::new(&theme, &Glyphs::ASCII);
        for word in ["OK", "WARNING", "CRITICAL", "UNKNOWN", "NO DATA"] {
            let area = Rect::new(0, 0, 80, 25);
            let mut buf = Buffer::empty(area);
            render(&mut buf, (0, 0), word, (1, 1), Token::Text, &paint);
            assert!(width(word, 1) <= 76, "{word}");
            for (i, letter) in (0_u16..).zip(word.chars()) {
                let ink = (0..5)
                    .flat_map(|y| (0..5).map(move |x| (x, y)))
                    .filter(|(x, y)| buf.cell((i * 6 + x, *y)).is_some_and(|c| c.symbol() == "#"));
                assert_eq!(ink.count() == 0, letter == ' ', "{letter} of {word}");
            }
        }
    }
}
