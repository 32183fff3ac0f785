//! What the shipped themes promise, and what wrong theme files are told.

use ratatui::style::{Color, Modifier, Style};

use super::colour::{Rgb, contrast, distance, linear, rgb};
use super::{Depth, Error, Theme, Token, load};

const SEVERITIES: [Token; 5] = [Token::Critical, Token::Major, Token::Minor, Token::Warning, Token::Indeterminate];
const SHIPPED: [&str; 5] = ["default", "high-contrast", "deuteranopia", "tritanopia", "tty"];

fn shipped(name: &str) -> Theme {
    load::load(name, None, Depth::True).unwrap()
}

/// Colours as they meet the eye: over the ground, reversed when the style says so.
fn seen(theme: &Theme, over: &[Token], token: Token) -> (Rgb, Rgb) {
    let mut style = theme.style(Token::Text);
    for token in over.iter().copied().chain([token]) {
        style = style.patch(theme.style(token));
    }
    let (fg, bg) = (rgb(style.fg.unwrap()).unwrap(), rgb(style.bg.unwrap()).unwrap());
    if style.add_modifier.contains(Modifier::REVERSED) { (bg, fg) } else { (fg, bg) }
}

fn assert_contrast(name: &str, least: f64) {
    let theme = shipped(name);
    // Lines and the scroll bar are not read.
    let lines = [Token::Border, Token::BorderFocus, Token::Scroll];
    for token in Token::ALL.iter().filter(|t| !lines.contains(t)) {
        let (fg, bg) = seen(&theme, &[], *token);
        let ratio = contrast(fg, bg);
        assert!(ratio >= least, "{name}: {} has {ratio:.2}", token.name());
    }
    for ground in [Token::Cursor, Token::Mark, Token::Match] {
        for token in SEVERITIES.into_iter().chain([Token::Text, Token::Strong]) {
            // The ground of a row is laid over the cells.
            let mut style = theme.style(Token::Text).patch(theme.style(token));
            style = style.patch(theme.style(ground));
            let ratio = contrast(rgb(style.fg.unwrap()).unwrap(), rgb(style.bg.unwrap()).unwrap());
            assert!(ratio >= least, "{name}: {} on {} has {ratio:.2}", token.name(), ground.name());
        }
    }
}

#[test]
fn default_is_readable() {
    assert_contrast("default", 4.5);
    assert_contrast("deuteranopia", 4.5);
    assert_contrast("tritanopia", 4.5);
}

#[test]
fn high_contrast_is_what_it_says() {
    assert_contrast("high-contrast", 7.0);
}

#[test]
fn every_shipped_theme_styles_every_token_at_every_depth() {
    for name in SHIPPED {
        for depth in [Depth::True, Depth::Ansi256, Depth::Ansi16] {
            let theme = load::load(name, None, depth).unwrap();
            assert_eq!(theme.name, name);
            for token in Token::ALL {
                assert_ne!(theme.style(*token), Style::new(), "{name} {depth:?}: {} has no style", token.name());
            }
            for (i, a) in SEVERITIES.iter().enumerate() {
                for b in SEVERITIES.iter().skip(i + 1) {
                    assert_ne!(theme.style(*a), theme.style(*b), "{name} {depth:?}: {} {}", a.name(), b.name());
                }
            }
        }
    }
}

#[test]
fn sixteen_colours_stay_readable() {
    for name in SHIPPED {
        let theme = load::load(name, None, Depth::Ansi16).unwrap();
        for token in SEVERITIES.into_iter().chain([Token::Text, Token::Strong, Token::Key, Token::Danger]) {
            let (fg, bg) = seen(&theme, &[], token);
            assert!(contrast(fg, bg) >= 3.0, "{name}: {} {:?} on {:?}", token.name(), fg, bg);
        }
    }
}

#[test]
fn sixteen_colours_carry_no_others() {
    for name in SHIPPED {
        let theme = load::load(name, None, Depth::Ansi16).unwrap();
        for token in Token::ALL {
            let style = theme.style(*token);
            for colour in [style.fg, style.bg].into_iter().flatten() {
                assert!(!matches!(colour, Color::Rgb(..) | Color::Indexed(16..)), "{name} {}", token.name());
            }
        }
    }
}

#[test]
fn the_console_theme_stands_in_for_default_on_16_colours() {
    let theme = load::load("default", None, Depth::Ansi16).unwrap();
    let tty = load::load("tty", None, Depth::Ansi16).unwrap();
    assert_eq!(theme.style(Token::Critical), tty.style(Token::Critical));
    assert_eq!(theme.name, "default");
}

/// What an eye without one kind of cone sees: matrices of Viénot, Brettel and Mollon (1999) for
/// deuteranopia and of Machado et al. (2009) for tritanopia, on linear light.
fn simulate(colour: Rgb, matrix: [[f64; 3]; 3]) -> Rgb {
    let light = linear(colour);
    let [r, g, b] = matrix.map(|row| {
        let v: f64 = row.iter().zip(light).map(|(m, c)| m * c).sum::<f64>().clamp(0.0, 1.0);
        let v = if v <= 0.003_130_8 { v * 12.92 } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 };
        (v * 255.0).round() as u8
    });
    Rgb(r, g, b)
}

const DEUTERANOPIA: [[f64; 3]; 3] = [[0.292_75, 0.707_25, 0.0], [0.292_75, 0.707_25, 0.0], [-0.022_34, 0.022_34, 1.0]];
const TRITANOPIA: [[f64; 3]; 3] =
    [[1.255_528, -0.076_749, -0.178_779], [-0.078_411, 0.930_809, 0.147_602], [0.004_733, 0.691_367, 0.303_900]];

/// Colours this far apart (root of [`distance`], of at most 765) are not taken for each other.
const FAR_ENOUGH: f64 = 60.0;

fn assert_told_apart(name: &str, matrix: [[f64; 3]; 3]) {
    let theme = shipped(name);
    let ink = |t: Token| rgb(theme.style(t).fg.unwrap()).unwrap();
    let groups: [&[Token]; 2] = [&SEVERITIES, &[Token::Good, Token::Bad, Token::Busy]];
    for group in groups {
        for (i, a) in group.iter().enumerate() {
            for b in group.iter().skip(i + 1) {
                let far = f64::from(distance(simulate(ink(*a), matrix), simulate(ink(*b), matrix))).sqrt();
                assert!(far >= FAR_ENOUGH, "{name}: {} and {} are {far:.0} apart", a.name(), b.name());
            }
        }
    }
}

#[test]
fn colour_blind_eyes_tell_severities_apart() {
    assert_told_apart("deuteranopia", DEUTERANOPIA);
    assert_told_apart("tritanopia", TRITANOPIA);
}

#[test]
fn severities_differ_by_more_than_hue() {
    // The letter is always shown; beside it the worst two levels also have an attribute.
    for name in SHIPPED {
        let theme = shipped(name);
        for token in [Token::Critical, Token::Major] {
            assert!(!theme.style(token).add_modifier.is_empty(), "{name}: {}", token.name());
        }
    }
}

fn user_theme(text: &str) -> Result<Theme, Error> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("mine.toml"), text).unwrap();
    load::load("mine", Some(dir.path()), Depth::True)
}

#[test]
fn a_user_theme_inherits_and_overrides() {
    let theme = user_theme(
        "inherits = \"default\"\n[palette]\nx = \"#010203\"\n[tokens]\ntitle = \"x\"\nbar = { fg = 9, modifiers = [\"dim\"] }\n",
    )
    .unwrap();
    assert_eq!(theme.name, "mine");
    assert_eq!(theme.style(Token::Title).fg, Some(Color::Rgb(1, 2, 3)));
    assert_eq!(theme.style(Token::Bar), Style::new().fg(Color::Indexed(9)).add_modifier(Modifier::DIM));
    assert_eq!(theme.style(Token::Critical), shipped("default").style(Token::Critical));
}

#[test]
fn mistakes_are_told_with_their_place_and_what_was_meant() {
    let cases = [
        (
            "[tokens]\n\"severity.critcal\" = \"red\"\n",
            "mine.toml:2:1: unknown token `severity.critcal` (did you mean `severity.critical`?)",
        ),
        (
            "[tokens]\ntitle = \"bright-rde\"\n",
            "mine.toml:2:9: unknown colour `bright-rde` (did you mean `bright-red`?)",
        ),
        ("[tokens]\ntitle = \"#12345\"\n", "mine.toml:2:9: `#12345` is not #rrggbb"),
        ("[tokens]\ntitle = 300\n", "mine.toml:2:9: a colour number is 0 to 255"),
        ("[tokens]\ntitle = { gf = \"red\" }\n", "mine.toml:2:11: unknown key `gf` (did you mean `fg`?)"),
        ("[tokens]\ntitle = { modifiers = [\"blod\"] }\n", "mine.toml:2:24: unknown modifier (did you mean `bold`?)"),
        ("[token]\n", "mine.toml:1:2: unknown key `token` (did you mean `tokens`?)"),
        ("inherits = \"defualt\"\n", "mine.toml:1:12: no theme `defualt` to inherit (did you mean `default`?)"),
        ("tokens = 3\n", "mine.toml:1:10: `tokens` is a table: write [tokens]"),
        ("[tokens\n", "mine.toml:1:8:"),
    ];
    for (text, expected) in cases {
        let error = user_theme(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text:?}\n got {error}\nwant {expected}");
    }
}

#[test]
fn circles_and_strange_names_end_in_an_error() {
    let error = user_theme("inherits = \"mine\"\n").unwrap_err().to_string();
    assert!(error.contains("no theme `mine` to inherit"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.toml"), "inherits = \"b\"\n").unwrap();
    std::fs::write(dir.path().join("b.toml"), "inherits = \"a\"\n").unwrap();
    let error = load::load("a", Some(dir.path()), Depth::True).unwrap_err().to_string();
    assert!(error.contains("circle"), "{error}");
    let error = load::load("../a", Some(dir.path()), Depth::True).unwrap_err();
    assert!(matches!(error, Error::Unknown { .. }), "{error}");
    let error = load::load("high-contrats", None, Depth::True).unwrap_err().to_string();
    assert!(error.contains("did you mean `high-contrast`?"), "{error}");
}

#[test]
fn a_user_theme_may_carry_a_shipped_name() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("default.toml"), "inherits = \"default\"\n[tokens]\ntitle = \"red\"\n").unwrap();
    let theme = load::load("default", Some(dir.path()), Depth::Ansi16).unwrap();
    assert_eq!(theme.style(Token::Title).fg, Some(Color::Red), "and is not replaced by `tty`");
    assert_eq!(load::names(Some(dir.path())), SHIPPED);
}
