//! A theme for screen snapshots: every token has a style of its own, so a test can print which
//! token a cell was drawn with instead of which colour, and a new palette changes no snapshot
//! while a wrong token changes it.

use ratatui::style::{Color, Style};

use super::{Theme, Token};

/// Marks the colours of the probe theme among others.
const FG: u8 = 0xF0;
const BG: u8 = 0xB0;

/// Tokens that lie under text of other tokens: they colour the ground only, as in the shipped
/// themes, so that the token of the text above them stays readable from the cell.
const GROUNDS: [Token; 3] = [Token::Cursor, Token::Mark, Token::Match];

impl Theme {
    /// The theme in which every token can be told from its style.
    #[must_use]
    pub fn probe() -> Self {
        let mut styles = [Style::new(); Token::COUNT];
        for (token, style) in Token::ALL.iter().zip(styles.iter_mut()) {
            let number = *token as u8;
            *style = if GROUNDS.contains(token) {
                Style::new().bg(Color::Rgb(BG, number, 0))
            } else {
                Style::new().fg(Color::Rgb(FG, number, 0))
            };
        }
        Self::new("probe".into(), styles)
    }

    /// The token a cell drawn with [`Theme::probe`] has: that of its text, else that of its ground.
    #[must_use]
    pub fn token_of(style: Style) -> Option<Token> {
        Self::text_token(style).or_else(|| Self::ground_token(style))
    }

    /// The names of the tokens of a cell drawn with [`Theme::probe`]: `severity.major`, or
    /// `severity.major+cursor` when it lies on a ground; empty when no token was used.
    #[must_use]
    pub fn tokens_of(style: Style) -> String {
        let names = [Self::text_token(style), Self::ground_token(style)];
        names.into_iter().flatten().map(Token::name).collect::<Vec<_>>().join("+")
    }

    fn text_token(style: Style) -> Option<Token> {
        numbered(style.fg, FG)
    }

    fn ground_token(style: Style) -> Option<Token> {
        numbered(style.bg, BG)
    }
}

fn numbered(colour: Option<Color>, mark: u8) -> Option<Token> {
    match colour {
        Some(Color::Rgb(m, number, 0)) if m == mark => Token::ALL.get(usize::from(number)).copied(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_is_found_again() {
        let theme = Theme::probe();
        for token in Token::ALL {
            assert_eq!(Theme::token_of(theme.style(*token)), Some(*token), "{}", token.name());
        }
        assert_eq!(Theme::token_of(Style::new()), None);
    }

    #[test]
    fn text_on_a_ground_names_both() {
        let theme = Theme::probe();
        let cell = theme.style(Token::Major).patch(theme.style(Token::Cursor));
        assert_eq!(Theme::tokens_of(cell), "severity.major+cursor");
        assert_eq!(Theme::token_of(cell), Some(Token::Major));
        assert_eq!(Theme::tokens_of(Style::reset()), "");
    }
}
