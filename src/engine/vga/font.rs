//! The shapes of characters on a text console, and which character a shape is. What the tables are
//! made of, where they come from and on which terms they may be passed on: `assets/fonts/README.md`.

use std::sync::OnceLock;

/// The font of a PC's VGA card, 8x16, by code: what SeaBIOS loads, cut from the screen of a guest.
static CARD_16: &[u8; 4096] = include_bytes!("../../../assets/fonts/cp437-8x16.bin");
/// The same, 8x8: the font of 50 lines.
static CARD_8: &[u8; 2048] = include_bytes!("../../../assets/fonts/cp437-8x8.bin");
/// Fonts that a guest loads over it: character (two bytes, little-endian), then 16 rows, each time.
static LOADED: [&[u8]; 2] = [
    include_bytes!("../../../assets/fonts/console-vga-8x16.bin"),
    include_bytes!("../../../assets/fonts/console-fixed-8x16.bin"),
];

/// Characters of the codes 0 to 31 of code page 437, as a screen shows them.
const LOW: &str = " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼";
/// Characters of the codes 127 to 255.
const HIGH: &str = "⌂ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■ ";

/// The character of each code of code page 437.
#[must_use]
pub fn characters() -> &'static [char; 256] {
    static TABLE: OnceLock<[char; 256]> = OnceLock::new();
    TABLE.get_or_init(|| {
        let all = LOW.chars().chain((32..127).map(char::from)).chain(HIGH.chars());
        let mut out = [' '; 256];
        for (slot, ch) in out.iter_mut().zip(all) {
            *slot = ch;
        }
        out
    })
}

/// The code of a character in code page 437.
#[must_use]
pub fn code(ch: char) -> Option<u8> {
    match ch {
        '\0' | ' ' => Some(b' '),
        '!'..='~' => Some(ch as u8),
        _ => characters().iter().position(|c| *c == ch).map(|code| code as u8),
    }
}

/// A shape: eight pixels a row, the first in the highest bit, the first row in the highest byte. A
/// shape of eight rows leaves the lower half empty.
pub type Shape = u128;

/// The shape of a code of code page 437, 16 rows.
#[must_use]
pub fn shape_16(code: u8) -> Shape {
    let from = usize::from(code) * 16;
    CARD_16.get(from..from + 16).map_or(0, shape)
}

/// The same, eight rows.
#[must_use]
pub fn shape_8(code: u8) -> Shape {
    let from = usize::from(code) * 8;
    CARD_8.get(from..from + 8).map_or(0, shape)
}

fn shape(rows: &[u8]) -> Shape {
    rows.iter().zip((0..16).rev()).fold(0, |bits, (row, place)| bits | Shape::from(*row) << (place * 8))
}

/// What a shape means. A shape and its negative are looked up as one: the pixel top left is always
/// taken as ground, so that a letter in reverse video needs no entry of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Meaning {
    /// The character that has the shape, drawn with the other colour.
    pub plain: Option<char>,
    /// The character that has the negative of the shape, drawn with the colour top left.
    pub negative: Option<char>,
}

/// Top left pixel.
const CORNER: Shape = 1 << 127;

/// Shapes of one height.
#[derive(Debug)]
pub struct Font {
    mask: Shape,
    /// Open addressing; an empty slot has no meaning.
    slots: Vec<(Shape, Meaning)>,
    known: Vec<(Shape, Meaning)>,
}

impl Font {
    /// Shapes of 16 rows, all fonts together.
    #[must_use]
    pub fn tall() -> &'static Self {
        static FONT: OnceLock<Font> = OnceLock::new();
        FONT.get_or_init(|| {
            let card = characters().iter().zip(0..=255).map(|(ch, code)| (shape_16(code), *ch));
            let loaded = LOADED.iter().flat_map(|font| {
                font.chunks_exact(18).filter_map(|entry| {
                    let (&[low, high], rows) = entry.split_first_chunk::<2>()?;
                    Some((shape(rows), char::from_u32(u32::from(u16::from_le_bytes([low, high])))?))
                })
            });
            Self::new(Shape::MAX, card.chain(loaded))
        })
    }

    /// Shapes of eight rows.
    #[must_use]
    pub fn flat() -> &'static Self {
        static FONT: OnceLock<Font> = OnceLock::new();
        FONT.get_or_init(|| {
            Self::new(!(Shape::MAX >> 64), characters().iter().zip(0..=255).map(|(ch, code)| (shape_8(code), *ch)))
        })
    }

    fn new(mask: Shape, shapes: impl Iterator<Item = (Shape, char)>) -> Self {
        let mut font = Self { mask, slots: vec![(0, Meaning::default()); 4096], known: Vec::new() };
        for (bits, ch) in shapes {
            if ch == ' ' || bits & mask == 0 {
                continue;
            }
            let negative = bits & CORNER != 0;
            let key = if negative { !bits & mask } else { bits };
            let at = font.slot(key);
            let Some((slot, meaning)) = font.slots.get_mut(at) else { continue };
            *slot = key;
            let place = if negative { &mut meaning.negative } else { &mut meaning.plain };
            // The first font that has a shape says what it is.
            place.get_or_insert(ch);
        }
        font.known = font.slots.iter().copied().filter(|(_, m)| *m != Meaning::default()).collect();
        font
    }

    fn slot(&self, key: Shape) -> usize {
        let folded = (key as u64) ^ ((key >> 64) as u64).rotate_left(29);
        let mut at = (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize;
        while let Some((slot, meaning)) = self.slots.get(at) {
            if *slot == key || *meaning == Meaning::default() {
                break;
            }
            at = (at + 1) % self.slots.len();
        }
        at
    }

    /// What a shape means whose top left pixel is ground.
    #[must_use]
    pub fn exact(&self, key: Shape) -> Option<Meaning> {
        let (slot, meaning) = self.slots.get(self.slot(key))?;
        (*slot == key && *meaning != Meaning::default()).then_some(*meaning)
    }

    /// The shape that differs in the fewest pixels, at most `most`, where no other character comes
    /// nearly as close.
    #[must_use]
    pub fn near(&self, key: Shape, most: u32) -> Option<Meaning> {
        let (mut best, mut second) = ((most + 1, Meaning::default()), u32::MAX);
        for (shape, meaning) in &self.known {
            let off = (shape ^ key).count_ones();
            if off < best.0 {
                second = if best.1 == *meaning { second } else { best.0 };
                best = (off, *meaning);
            } else if *meaning != best.1 {
                second = second.min(off);
            }
        }
        (best.0 <= most && second >= best.0 + 2).then_some(best.1)
    }

    /// The shape that equals this one outside of some rows.
    #[must_use]
    pub fn outside(&self, key: Shape, rows: Shape) -> Option<Meaning> {
        let close = |(shape, _): &&(Shape, Meaning)| (shape ^ key) & !rows == 0;
        let fewest = |(shape, _): &&(Shape, Meaning)| (shape & rows).count_ones();
        self.known.iter().filter(close).min_by_key(fewest).map(|(_, meaning)| *meaning)
    }

    /// The pixels that a shape of this height has.
    #[must_use]
    pub const fn mask(&self) -> Shape {
        self.mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_character_and_finds_back() {
        assert_eq!(LOW.chars().count(), 32);
        assert_eq!(HIGH.chars().count(), 129);
        for (n, ch) in characters().iter().enumerate() {
            let back = code(*ch).map(usize::from);
            assert!(back == Some(n) || *ch == ' ' && back == Some(32), "{n}: {ch:?} is {back:?}");
        }
        assert_eq!((code('é'), code('╬'), code('█'), code('☃')), (Some(0x82), Some(0xce), Some(0xdb), None));
    }

    #[test]
    fn every_shape_of_the_card_is_known() {
        for (n, ch) in (0..=255).zip(characters()) {
            for (font, bits) in [(Font::tall(), shape_16(n)), (Font::flat(), shape_8(n))] {
                if *ch == ' ' || *ch == '█' {
                    continue;
                }
                let negative = bits & CORNER != 0;
                let meaning = font.exact(if negative { !bits & font.mask() } else { bits }).unwrap();
                assert_eq!(if negative { meaning.negative } else { meaning.plain }, Some(*ch), "{n:#x}");
            }
        }
        assert_eq!(Font::tall().exact(0x0102_0304), None);
    }

    #[test]
    fn a_pixel_off_is_still_the_letter_and_two_letters_are_none() {
        let font = Font::tall();
        let bits = shape_16(b'R');
        assert_eq!(font.near(bits ^ 1 << 70, 4).and_then(|m| m.plain), Some('R'));
        assert_eq!(font.near(bits ^ (0xff << 64) ^ (0xff << 40), 4), None);
    }
}
