//! From the colours a theme asks for to the colours a terminal has.
//!
//! True colour becomes the nearest of the 256-colour palette or of the 16 ANSI colours; where
//! that brings text and background too close together the text gives way. Without colour every
//! token is an attribute (bold, underline, reverse, dim) from one fixed table, so that what
//! matters can still be told apart on a monochrome screen or under `NO_COLOR`.

use ratatui::style::{Color, Modifier, Style};

use super::colour::{self, Rgb};
use super::{Theme, Token};

/// How many colours a terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Depth {
    /// None: attributes only.
    Mono,
    /// The 16 ANSI colours.
    Ansi16,
    /// The 256-colour palette.
    Ansi256,
    /// 24 bit.
    True,
}

/// Least contrast between text and background that the 16-colour mapping leaves in place.
/// Below it (3:1, the WCAG limit for large text) the text becomes black or white.
const LEAST_CONTRAST_16: f64 = 3.0;

/// The theme as a terminal of this depth can show it.
#[must_use]
pub fn degrade(theme: &Theme, depth: Depth) -> Theme {
    let base = theme.style(Token::Text);
    let mut styles = [Style::new(); Token::COUNT];
    for (token, slot) in Token::ALL.iter().zip(styles.iter_mut()) {
        let style = theme.style(*token);
        *slot = match depth {
            Depth::True => style,
            Depth::Ansi256 => map_colours(style, to_256),
            Depth::Ansi16 => readable(map_colours(style, to_16), map_colours(base, to_16)),
            Depth::Mono => Style::new().add_modifier(mono(*token)),
        };
    }
    Theme { depth, ..Theme::new(theme.name.clone(), styles) }
}

/// A style with colours from elsewhere (the console of a guest) as a terminal of this depth can show
/// it; what it leaves open is that of `base`. Without colours a ground that is lighter than its text is
/// shown in reverse, so that what a guest picks out by colour alone can still be found.
#[must_use]
pub fn foreign(style: Style, base: Style, depth: Depth) -> Style {
    match depth {
        Depth::True => style,
        Depth::Ansi256 => map_colours(style, to_256),
        Depth::Ansi16 => readable(map_colours(style, to_16), base),
        Depth::Mono => {
            let light = |colour: Option<Color>, own| colour::luminance(colour.and_then(colour::rgb).unwrap_or(own));
            let (text, ground) = (light(style.fg, colour::ansi(7)), light(style.bg, colour::ansi(0)));
            let mut out = Style { fg: None, bg: None, ..style };
            if ground > text {
                let was = out.add_modifier;
                out.add_modifier = was.symmetric_difference(Modifier::REVERSED);
            }
            out
        }
    }
}

/// The attributes of a token on a screen without colour.
#[must_use]
pub const fn mono(token: Token) -> Modifier {
    let bold = Modifier::BOLD;
    let dim = Modifier::DIM;
    let line = Modifier::UNDERLINED;
    let reverse = Modifier::REVERSED;
    match token {
        Token::Critical | Token::Danger | Token::ToastError => reverse.union(bold),
        Token::Major | Token::Bad | Token::InputError => bold.union(line),
        Token::Minor
        | Token::Strong
        | Token::Title
        | Token::BorderFocus
        | Token::Key
        | Token::ReadOnly
        | Token::New
        | Token::Unack
        | Token::ToastWarn => bold,
        Token::Warning | Token::Header | Token::Match | Token::Input => line,
        Token::Indeterminate | Token::Busy => dim.union(line),
        Token::Cleared | Token::Dim | Token::Ghost | Token::Stale | Token::Off | Token::Scroll => dim,
        Token::Cursor | Token::BarActive | Token::Mark => reverse,
        Token::Text
        | Token::Border
        | Token::Bar
        | Token::Status
        | Token::KeyText
        | Token::Good
        | Token::ToastGood
        | Token::ToastInfo
        | Token::Dialog => Modifier::empty(),
    }
}

fn map_colours(style: Style, map: fn(Color) -> Color) -> Style {
    Style { fg: style.fg.map(map), bg: style.bg.map(map), ..style }
}

/// Gives the text black or white where it cannot be told from its background.
fn readable(style: Style, base: Style) -> Style {
    let (Some(fg), Some(bg)) = (style.fg.or(base.fg), style.bg.or(base.bg)) else { return style };
    let (Some(text), Some(ground)) = (colour::rgb(fg), colour::rgb(bg)) else { return style };
    if colour::contrast(text, ground) >= LEAST_CONTRAST_16 {
        return style;
    }
    let white = colour::contrast(colour::ansi(15), ground);
    let black = colour::contrast(colour::ansi(0), ground);
    style.fg(if white >= black { Color::White } else { Color::Black })
}

fn to_256(colour: Color) -> Color {
    match colour {
        Color::Rgb(r, g, b) => Color::Indexed(nearest(Rgb(r, g, b), 16..=255)),
        other => other,
    }
}

fn to_16(colour: Color) -> Color {
    let target = match colour {
        Color::Rgb(r, g, b) => Rgb(r, g, b),
        Color::Indexed(i) if i >= 16 => colour::indexed(i),
        Color::Indexed(i) => return colour::named(i),
        other => return other,
    };
    colour::named(nearest(target, 0..=15))
}

/// The palette entry that looks most like `target`.
fn nearest(target: Rgb, among: std::ops::RangeInclusive<u8>) -> u8 {
    among.min_by_key(|i| colour::distance(target, colour::indexed(*i))).unwrap_or(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_palette_colours_are_found() {
        assert_eq!(to_256(Color::Rgb(0xff, 0, 0)), Color::Indexed(196));
        assert_eq!(to_256(Color::Rgb(8, 8, 8)), Color::Indexed(232));
        assert_eq!(to_16(Color::Rgb(0xff, 0xff, 0xff)), Color::White);
        assert_eq!(to_16(Color::Indexed(1)), Color::Red);
        assert_eq!(to_16(Color::Reset), Color::Reset, "the terminal's own colour stays");
    }

    #[test]
    fn severities_differ_without_colour() {
        let tokens =
            [Token::Critical, Token::Major, Token::Minor, Token::Warning, Token::Indeterminate, Token::Cleared];
        for (i, a) in tokens.iter().enumerate() {
            assert!(!mono(*a).is_empty(), "{} looks like text", a.name());
            for b in tokens.iter().skip(i + 1) {
                assert_ne!(mono(*a), mono(*b), "{} and {}", a.name(), b.name());
            }
        }
    }

    #[test]
    fn mono_carries_no_colour_and_never_blinks() {
        let theme = degrade(&Theme::probe(), Depth::Mono);
        for token in Token::ALL {
            let style = theme.style(*token);
            assert_eq!((style.fg, style.bg), (None, None), "{}", token.name());
            assert!(!style.add_modifier.intersects(Modifier::SLOW_BLINK | Modifier::RAPID_BLINK));
        }
    }

    #[test]
    fn text_never_drowns_in_its_background() {
        let style = Style::new().fg(Color::Rgb(0x10, 0x10, 0x80)).bg(Color::Rgb(0, 0, 0x90));
        let mapped = readable(map_colours(style, to_16), Style::new());
        assert_eq!(mapped.fg, Some(Color::White));
    }
}
