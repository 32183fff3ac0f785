//! Cuts a filter into tokens. The parser says whether it expects a term or a value, because
//! `:` splits `text:fiber` but belongs to `2026-11-20T14:00:00Z`.

use super::QueryError;

/// What the parser expects next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// A field name, free text, a parenthesis: a word ends at an operator.
    Term,
    /// The right side of an operator: a word ends at a blank or a parenthesis.
    Value,
    /// An element of a list: a comma ends it too.
    Item,
}

/// A piece of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word without quotes.
    Word(String),
    /// `"…"`, without the quotes and escapes.
    Quoted(String),
    /// `/…/`, without the slashes.
    Regex(String),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `,`
    Comma,
    /// `!` or `-` before a term.
    Negate,
    /// An operator where a term was expected.
    Stray(char),
    /// Nothing is left.
    End,
}

/// A piece and where it stands, in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: usize,
    pub(super) len: usize,
}

/// An operator as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    Has,
    Like,
    Unlike,
}

impl Sign {
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::Has => ":",
            Self::Like => "~",
            Self::Unlike => "!~",
        }
    }
}

/// A reader of characters with a place that can be set back.
#[derive(Debug)]
pub(super) struct Lexer {
    chars: Vec<char>,
    pub(super) at: usize,
}

impl Lexer {
    pub(super) fn new(text: &str) -> Self {
        Self { chars: text.chars().collect(), at: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.chars.len()
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    /// Passes over blanks; says whether there were any.
    pub(super) fn blanks(&mut self) -> bool {
        let from = self.at;
        while self.peek(0).is_some_and(char::is_whitespace) {
            self.at += 1;
        }
        self.at > from
    }

    /// Reads an operator, if one stands here.
    pub(super) fn sign(&mut self) -> Option<Sign> {
        let (sign, len) = match (self.peek(0)?, self.peek(1)) {
            ('>', Some('=')) => (Sign::Ge, 2),
            ('<', Some('=')) => (Sign::Le, 2),
            ('<', Some('>')) | ('!', Some('=')) => (Sign::Ne, 2),
            ('!', Some('~')) => (Sign::Unlike, 2),
            ('=', Some('=')) => (Sign::Eq, 2),
            ('=', Some('~')) => (Sign::Like, 2),
            ('>', _) => (Sign::Gt, 1),
            ('<', _) => (Sign::Lt, 1),
            ('=', _) => (Sign::Eq, 1),
            (':', _) => (Sign::Has, 1),
            ('~', _) => (Sign::Like, 1),
            _ => return None,
        };
        self.at += len;
        Some(sign)
    }

    /// Reads the next token.
    ///
    /// # Errors
    /// When a quotation or a regular expression is not closed.
    pub(super) fn next(&mut self, mode: Mode) -> Result<Token, QueryError> {
        self.blanks();
        let at = self.at;
        let Some(c) = self.peek(0) else {
            return Ok(Token { kind: Kind::End, at, len: 1 });
        };
        let kind = match c {
            '(' => self.one(Kind::Open),
            ')' => self.one(Kind::Close),
            ',' if mode == Mode::Item => self.one(Kind::Comma),
            '"' => Kind::Quoted(self.quoted()?),
            '/' => Kind::Regex(self.regex()?),
            '!' | '-' if mode == Mode::Term => self.one(Kind::Negate),
            '=' | '<' | '>' | '~' | ':' if mode == Mode::Term => self.one(Kind::Stray(c)),
            _ => Kind::Word(self.word(mode)),
        };
        Ok(Token { kind, at, len: (self.at - at).max(1) })
    }

    /// Looks at the next token without taking it; an error counts as no token.
    pub(super) fn look(&mut self, mode: Mode) -> Option<Token> {
        let at = self.at;
        let token = self.next(mode).ok();
        self.at = at;
        token
    }

    fn one(&mut self, kind: Kind) -> Kind {
        self.at += 1;
        kind
    }

    fn word(&mut self, mode: Mode) -> String {
        let ends = |c: char| match c {
            '(' | ')' | '"' => true,
            ',' => mode == Mode::Item,
            '=' | '<' | '>' | '~' | '!' | ':' => mode == Mode::Term,
            c => c.is_whitespace(),
        };
        let mut word = String::new();
        while let Some(c) = self.peek(0).filter(|c| !ends(*c)) {
            word.push(c);
            self.at += 1;
        }
        word
    }

    fn quoted(&mut self) -> Result<String, QueryError> {
        let from = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match c {
                '"' => return Ok(text),
                '\\' => match self.peek(0) {
                    Some(e @ ('"' | '\\')) => {
                        text.push(e);
                        self.at += 1;
                    }
                    _ => text.push('\\'),
                },
                c => text.push(c),
            }
        }
        Err(self.unclosed(from, "the quotation is not closed: add \""))
    }

    fn regex(&mut self) -> Result<String, QueryError> {
        let from = self.at;
        self.at += 1;
        let mut text = String::new();
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match (c, self.peek(0)) {
                ('/', _) => return Ok(text),
                // An escaped character stays escaped, so that `\\` before the closing slash works.
                ('\\', Some(e)) => {
                    text.push('\\');
                    text.push(e);
                    self.at += 1;
                }
                _ => text.push(c),
            }
        }
        Err(self.unclosed(from, "the regular expression is not closed: add / (a text with a slash goes in quotes)"))
    }

    fn unclosed(&self, from: usize, message: &str) -> QueryError {
        QueryError { at: from, len: (self.chars.len() - from).max(1), message: message.to_owned() }
    }
}
