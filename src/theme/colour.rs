//! Arithmetic of colours: the palettes of terminals, contrast as WCAG 2 defines it, and how far
//! apart two colours look.

use ratatui::style::Color;

/// Red, green, blue, 0 to 255 each, sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rgb(pub(crate) u8, pub(crate) u8, pub(crate) u8);

/// The 16 ANSI colours with the values xterm gives them. Terminals differ; these are the middle.
const ANSI: [Rgb; 16] = [
    Rgb(0, 0, 0),
    Rgb(205, 0, 0),
    Rgb(0, 205, 0),
    Rgb(205, 205, 0),
    Rgb(0, 0, 238),
    Rgb(205, 0, 205),
    Rgb(0, 205, 205),
    Rgb(229, 229, 229),
    Rgb(127, 127, 127),
    Rgb(255, 0, 0),
    Rgb(0, 255, 0),
    Rgb(255, 255, 0),
    Rgb(92, 92, 255),
    Rgb(255, 0, 255),
    Rgb(0, 255, 255),
    Rgb(255, 255, 255),
];

/// Names of the 16 ANSI colours in theme files, in the order of their numbers.
pub(crate) const ANSI_NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

const NAMED: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];

/// An ANSI colour by number; numbers beyond 15 are white.
pub(crate) fn named(number: u8) -> Color {
    NAMED.get(usize::from(number)).copied().unwrap_or(Color::White)
}

/// The value of an ANSI colour.
pub(crate) fn ansi(number: u8) -> Rgb {
    ANSI.get(usize::from(number)).copied().unwrap_or(Rgb(255, 255, 255))
}

/// The value of an entry of the 256-colour palette: 16 ANSI colours, a 6x6x6 cube, 24 greys.
pub(crate) fn indexed(number: u8) -> Rgb {
    match number {
        0..=15 => ansi(number),
        16..=231 => {
            let n = number - 16;
            let step = |v: u8| if v == 0 { 0 } else { 55 + 40 * v };
            Rgb(step(n / 36), step(n / 6 % 6), step(n % 6))
        }
        232.. => {
            let grey = 8 + 10 * (number - 232);
            Rgb(grey, grey, grey)
        }
    }
}

/// The value of a colour; `None` for the terminal's own.
pub(crate) fn rgb(colour: Color) -> Option<Rgb> {
    match colour {
        Color::Rgb(r, g, b) => Some(Rgb(r, g, b)),
        Color::Indexed(i) => Some(indexed(i)),
        Color::Reset => None,
        other => NAMED.iter().position(|c| *c == other).map(|i| ansi(i as u8)),
    }
}

/// Channels as linear light, 0 to 1.
pub(crate) fn linear(c: Rgb) -> [f64; 3] {
    [c.0, c.1, c.2].map(|v| {
        let v = f64::from(v) / 255.0;
        if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
    })
}

/// How light a colour is, 0 to 1, after WCAG 2.
pub(crate) fn luminance(c: Rgb) -> f64 {
    let [r, g, b] = linear(c);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// Contrast ratio of two colours, 1 (equal) to 21 (black on white), after WCAG 2.
pub(crate) fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// How different two colours look, as a squared distance that weighs red and blue by the mean red
/// ("redmean"): near enough to perception to choose a palette entry, and whole numbers only.
pub(crate) fn distance(a: Rgb, b: Rgb) -> u32 {
    let d = |x: u8, y: u8| i32::from(x) - i32::from(y);
    let mean = i32::midpoint(i32::from(a.0), i32::from(b.0));
    let (r, g, b) = (d(a.0, b.0), d(a.1, b.1), d(a.2, b.2));
    let sum = (((512 + mean) * r * r) >> 8) + 4 * g * g + (((767 - mean) * b * b) >> 8);
    sum.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_wcag() {
        let black = Rgb(0, 0, 0);
        let white = Rgb(255, 255, 255);
        assert!((contrast(black, white) - 21.0).abs() < 1e-9);
        assert!((contrast(white, white) - 1.0).abs() < 1e-9);
        // The textbook grey: #767676 on white is just above 4.5.
        let grey = contrast(Rgb(0x76, 0x76, 0x76), white);
        assert!((4.5..4.6).contains(&grey), "{grey}");
    }

    #[test]
    fn the_palette_has_its_known_entries() {
        assert_eq!(indexed(16), Rgb(0, 0, 0));
        assert_eq!(indexed(231), Rgb(255, 255, 255));
        assert_eq!(indexed(208), Rgb(255, 135, 0));
        assert_eq!(indexed(244), Rgb(128, 128, 128));
        assert_eq!(rgb(Color::LightRed), Some(Rgb(255, 0, 0)));
        assert_eq!(rgb(Color::Reset), None);
    }

    #[test]
    fn distance_is_zero_only_for_equals_and_symmetric() {
        let (a, b) = (Rgb(10, 200, 30), Rgb(200, 10, 90));
        assert_eq!(distance(a, a), 0);
        assert_eq!(distance(a, b), distance(b, a));
        assert!(distance(Rgb(0, 0, 0), Rgb(255, 255, 255)) > distance(a, b));
    }
}
