//! Colours and glyphs by meaning. Views name a [`token::Token`], never a colour; a theme file
//! ([`load`]) says what a token looks like, and [`degrade`] what becomes of it on a terminal with
//! fewer colours.

pub(crate) mod colour;
pub mod degrade;
mod error;
pub mod load;
mod probe;
#[cfg(test)]
mod tests;
pub mod token;
pub mod watch;

pub use degrade::Depth;
pub use error::Error;
use ratatui::style::Style;
pub use token::Token;

/// A resolved theme: a style for every token, already degraded to what the terminal can show.
#[derive(Debug, Clone, PartialEq)]
pub struct Theme {
    /// Name.
    pub name: String,
    styles: [Style; Token::COUNT],
    depth: Depth,
}

impl Theme {
    /// A theme from styles in the order of [`Token::ALL`].
    #[must_use]
    pub const fn new(name: String, styles: [Style; Token::COUNT]) -> Self {
        Self { name, styles, depth: Depth::True }
    }

    /// How many colours the terminal has that it was made for: what comes with colours of its own, such
    /// as the console of a guest, has to be brought down to them with [`degrade::foreign`].
    #[must_use]
    pub const fn depth(&self) -> Depth {
        self.depth
    }

    /// The style of a token.
    #[must_use]
    pub fn style(&self, token: Token) -> Style {
        self.styles.get(token as usize).copied().unwrap_or_default()
    }

    fn set(&mut self, token: Token, style: Style) {
        if let Some(slot) = self.styles.get_mut(token as usize) {
            *slot = style;
        }
    }
}

/// Signs, in two sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    /// Whether only ASCII is used.
    pub ascii: bool,
    /// Horizontal line.
    pub horizontal: &'static str,
    /// Vertical line.
    pub vertical: &'static str,
    /// Corners: top left, top right, bottom left, bottom right.
    pub corners: [&'static str; 4],
    /// Folded branch.
    pub folded: &'static str,
    /// Unfolded branch.
    pub unfolded: &'static str,
    /// Cursor marker before a row.
    pub cursor: &'static str,
    /// Mark before a row.
    pub mark: &'static str,
    /// Up arrow (also "sorted up", "new above").
    pub up: &'static str,
    /// Down arrow.
    pub down: &'static str,
    /// Cut-off sign.
    pub ellipsis: &'static str,
    /// Filled part of a bar.
    pub bar: &'static str,
    /// Empty part of a bar.
    pub bar_empty: &'static str,
    /// Separator in breadcrumbs.
    pub crumb: &'static str,
    /// Bullet.
    pub bullet: &'static str,
    /// Good sign.
    pub good: &'static str,
    /// Bad sign.
    pub bad: &'static str,
}

impl Glyphs {
    /// Lines and blocks.
    pub const UNICODE: Self = Self {
        ascii: false,
        horizontal: "─",
        vertical: "│",
        corners: ["┌", "┐", "└", "┘"],
        folded: "▸",
        unfolded: "▾",
        cursor: "▌",
        mark: "●",
        up: "▲",
        down: "▼",
        ellipsis: "…",
        bar: "█",
        bar_empty: "░",
        crumb: "›",
        bullet: "·",
        good: "✓",
        bad: "✗",
    };

    /// Nothing beyond ASCII.
    pub const ASCII: Self = Self {
        ascii: true,
        horizontal: "-",
        vertical: "|",
        corners: ["+", "+", "+", "+"],
        folded: "+",
        unfolded: "-",
        cursor: ">",
        mark: "*",
        up: "^",
        down: "v",
        ellipsis: "~",
        bar: "#",
        bar_empty: ".",
        crumb: ">",
        bullet: "-",
        good: "ok",
        bad: "!!",
    };
}
