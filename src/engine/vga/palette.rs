//! The sixteen colours of a VGA card, and what a terminal calls them.

use crate::model::console::Ink;

/// Red, green, blue, by the card's number; QEMU makes 8 bits of the card's 6 in this way.
const CARD: [[u8; 3]; 16] = [
    [0x00, 0x00, 0x00],
    [0x00, 0x00, 0xa8],
    [0x00, 0xa8, 0x00],
    [0x00, 0xa8, 0xa8],
    [0xa8, 0x00, 0x00],
    [0xa8, 0x00, 0xa8],
    [0xa8, 0x57, 0x00],
    [0xa8, 0xa8, 0xa8],
    [0x57, 0x57, 0x57],
    [0x57, 0x57, 0xff],
    [0x57, 0xff, 0x57],
    [0x57, 0xff, 0xff],
    [0xff, 0x57, 0x57],
    [0xff, 0x57, 0xff],
    [0xff, 0xff, 0x57],
    [0xff, 0xff, 0xff],
];

/// How far off a colour may be, each of red, green and blue: frame buffers say `aa` and `55`.
const CLOSE: u8 = 4;

/// The card counts blue, green, red; a terminal red, green, blue.
const fn swapped(n: u8) -> u8 {
    (n & 0b1010) | (n & 1) << 2 | (n & 4) >> 2
}

/// The colour as a terminal has it: one of the sixteen where it is one, else itself.
#[must_use]
pub fn ink(rgb: [u8; 3]) -> Ink {
    let near = |a: &[u8; 3]| a.iter().zip(rgb).all(|(a, b)| a.abs_diff(b) <= CLOSE);
    match (0_u8..).zip(&CARD).find(|(_, card)| near(card)) {
        Some((n, _)) => Ink::Index(swapped(n)),
        None => Ink::Rgb(rgb[0], rgb[1], rgb[2]),
    }
}

/// A colour as the card shows it; `own` stands for the terminal's own and for what a card has not.
#[must_use]
pub fn rgb(ink: Ink, own: [u8; 3]) -> [u8; 3] {
    match ink {
        Ink::Index(n) => CARD.get(usize::from(swapped(n))).filter(|_| n < 16).copied().unwrap_or(own),
        Ink::Rgb(r, g, b) => [r, g, b],
        Ink::Default => own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_the_card_are_those_of_a_terminal() {
        for n in 0..16 {
            assert_eq!(ink(rgb(Ink::Index(n), [1, 2, 3])), Ink::Index(n));
        }
        assert_eq!(ink([0xaa, 0, 0]), Ink::Index(1), "red is 4 on a card");
        assert_eq!(ink([0xaa, 0x55, 0]), Ink::Index(3));
        assert_eq!(ink([9, 9, 9]), Ink::Rgb(9, 9, 9));
        assert_eq!(rgb(Ink::Index(200), [1, 2, 3]), [1, 2, 3]);
    }
}
