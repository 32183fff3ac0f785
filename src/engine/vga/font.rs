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

/// Shapes that only the built-in font of Linux's frame buffer console has. That font is not ours to pass
/// on, so these are no shapes but marks of them, by [`mark`]: enough to know one when it is seen.
#[rustfmt::skip]
const MARKS: &[(u64, char)] = &[
    (0x0724_df61_758e_a7d8, 'v'),
    (0x07a0_e6c0_139f_01e2, '↔'),
    (0x0b63_1d91_6613_4c4a, 'Σ'),
    (0x234f_8bf6_bc8e_2c97, 'Φ'),
    (0x2574_eb2c_f1e9_2d23, 'µ'),
    (0x267d_c1f6_8c6f_118f, 'Å'),
    (0x40c0_55bb_3a76_a41f, '·'),
    (0x41e1_ddae_b1a6_3d8c, '½'),
    (0x4cee_3ae6_c0b1_02a4, '⌡'),
    (0x5748_4a32_67b3_0125, 'ç'),
    (0x6730_c486_1d68_afdd, 'f'),
    (0x70a1_e400_e143_c800, '~'),
    (0x7653_86f3_1389_fc8f, 'ƒ'),
    (0x78bd_24d8_62b7_cf61, '¼'),
    (0x8889_0442_faff_d865, 'ª'),
    (0x8fb0_58f5_365e_53e8, '²'),
    (0x96c0_15a8_08eb_9012, '¢'),
    (0x9a07_7ccd_2c67_03dc, 'º'),
    (0xa823_c2f1_b6e4_8763, '₧'),
    (0xb2d0_9850_7cdf_8240, '■'),
    (0xba32_08b9_6d1e_8824, 'π'),
    (0xc4a0_2a5f_a3db_effc, 'Ç'),
    (0xcb5d_7b6a_bffa_97cc, 'Θ'),
    (0xcba5_7e0e_3d79_2cfd, '÷'),
    (0xe2a3_33b0_3a68_960b, '±'),
    (0xedee_839c_ed91_ad3a, 'ⁿ'),
    (0xf2da_6fb5_e5b4_df68, '`'),
    (0xf53d_689d_d71a_9d92, 'æ'),
];

/// A mark of a shape, from which the shape cannot be told.
const fn mark(key: Shape) -> u64 {
    let (low, high) = (key as u64, (key >> 64) as u64);
    let mixed = low.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(high.wrapping_mul(0xc2b2_ae3d_27d4_eb4f));
    mixed ^ mixed >> 31
}

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
            let card = characters().iter().zip(0..=255).map(|(ch, code)| (true, shape_16(code), *ch));
            let loaded = LOADED.iter().flat_map(|font| {
                font.chunks_exact(18).filter_map(|entry| {
                    let (&[low, high], rows) = entry.split_first_chunk::<2>()?;
                    Some((false, shape(rows), char::from_u32(u32::from(u16::from_le_bytes([low, high])))?))
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
            Self::new(
                !(Shape::MAX >> 64),
                characters().iter().zip(0..=255).map(|(ch, code)| (true, shape_8(code), *ch)),
            )
        })
    }

    /// What the card has comes first; a font of a guest adds only what is not there.
    fn new(mask: Shape, shapes: impl Iterator<Item = (bool, Shape, char)>) -> Self {
        let mut font = Self { mask, slots: vec![(0, Meaning::default()); 4096], known: Vec::new() };
        for (of_card, bits, ch) in shapes {
            if ch == ' ' || bits & mask == 0 {
                continue;
            }
            let negative = bits & CORNER != 0;
            let key = if negative { !bits & mask } else { bits };
            let at = font.slot(key);
            let Some((slot, meaning)) = font.slots.get_mut(at) else { continue };
            if of_card || *meaning == Meaning::default() {
                *slot = key;
                let place = if negative { &mut meaning.negative } else { &mut meaning.plain };
                place.get_or_insert(ch);
            }
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
        if *slot == key && *meaning != Meaning::default() {
            return Some(*meaning);
        }
        let found = MARKS.binary_search_by_key(&mark(key), |(mark, _)| *mark).ok()?;
        MARKS.get(found).map(|(_, ch)| Meaning { plain: Some(*ch), negative: None })
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

    /// The shape that equals this one outside of some rows; of several, that of a character which is
    /// expected, else one with few pixels in those rows.
    #[must_use]
    pub fn outside(&self, key: Shape, rows: Shape, expected: Option<char>) -> Option<Meaning> {
        let close = |(shape, _): &&(Shape, Meaning)| (shape ^ key) & !rows == 0;
        let rank = |(shape, meaning): &&(Shape, Meaning)| {
            let ascii = meaning.plain.is_some_and(|ch| ch.is_ascii());
            (meaning.plain.is_none() || meaning.plain != expected, !ascii, (shape & rows).count_ones())
        };
        self.known.iter().filter(close).min_by_key(rank).map(|(_, meaning)| *meaning)
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
    fn marks_are_in_order_and_of_no_shape_that_is_known() {
        assert!(MARKS.is_sorted_by(|a, b| a.0 < b.0));
        for font in [Font::tall(), Font::flat()] {
            for (shape, meaning) in &font.known {
                assert!(MARKS.iter().all(|(m, _)| *m != mark(*shape)), "{meaning:?}");
            }
        }
    }

    #[test]
    fn a_pixel_off_is_still_the_letter_and_two_letters_are_none() {
        let font = Font::tall();
        let bits = shape_16(b'R');
        assert_eq!(font.near(bits ^ 1 << 70, 4).and_then(|m| m.plain), Some('R'));
        assert_eq!(font.near(bits ^ (0xff << 64) ^ (0xff << 40), 4), None);
    }
}
