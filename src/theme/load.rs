//! Theme files.
//!
//! ```toml
//! inherits = "default"          # a shipped or user theme; what is not said here comes from it
//!
//! [palette]                     # names for colours, to be used below
//! amber = "#ffb000"
//!
//! [tokens]                      # by token name; a plain string is the foreground
//! "severity.major" = { fg = "amber", modifiers = ["bold"] }
//! border = "bright-black"
//! ```
//!
//! A colour is a name of the palette, one of the 16 ANSI names (`red`, `bright-red` …), a number
//! of the 256-colour palette, `#rrggbb`, or `default` for the terminal's own. A token in a file
//! replaces the inherited one as a whole. A token without `bg` lies on whatever is below it; the
//! bottom of everything is `text`.

use std::collections::BTreeMap;
use std::path::Path;

use ratatui::style::{Color, Modifier, Style};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::degrade::{Depth, degrade};
use super::{Error, Theme, Token, colour};
use crate::model::place::did_you_mean;

/// Name of the theme used when none is chosen.
pub const DEFAULT: &str = "default";

/// The theme that stands in for [`DEFAULT`] on terminals with 16 colours: chosen by hand for
/// them, where arithmetic on 24-bit colours only comes near.
const DEFAULT_16: &str = "tty";

/// The themes compiled in: name and text of the file.
const SHIPPED: [(&str, &str); 5] = [
    ("default", include_str!("../../themes/default.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("deuteranopia", include_str!("../../themes/deuteranopia.toml")),
    ("tritanopia", include_str!("../../themes/tritanopia.toml")),
    ("tty", include_str!("../../themes/tty.toml")),
];

/// How many themes may inherit from each other in a row.
const MAX_DEPTH: usize = 8;

/// A theme file of more bytes than this is a mistake.
const MAX_BYTES: u64 = 256 * 1024;

/// Loads the theme `name` as a terminal of this depth can show it: a file `name.toml` in
/// `user_dir`, else a shipped theme. On 16 colours `default` is the shipped `tty`.
///
/// # Errors
/// There is no such theme, or its file is wrong: see [`Error`].
pub fn load(name: &str, user_dir: Option<&Path>, depth: Depth) -> Result<Theme, Error> {
    let stand_in = depth == Depth::Ansi16 && name == DEFAULT && user_file(name, user_dir).is_none();
    let source = if stand_in { DEFAULT_16 } else { name };
    let mut theme = load_full(source, user_dir, 0)?;
    name.clone_into(&mut theme.name);
    Ok(degrade(&theme, depth))
}

/// Names of all themes: the shipped ones in their order, then the user's by name.
#[must_use]
pub fn names(user_dir: Option<&Path>) -> Vec<String> {
    let mut names: Vec<String> = SHIPPED.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut own: Vec<String> = user_dir
        .and_then(|dir| std::fs::read_dir(dir).ok())
        .into_iter()
        .flatten()
        .filter_map(|entry| theme_name(&entry.ok()?.path()))
        .filter(|name| !names.contains(name))
        .collect();
    own.sort();
    names.append(&mut own);
    names
}

/// The theme a path holds: the stem of `*.toml`.
pub(crate) fn theme_name(path: &Path) -> Option<String> {
    let is_toml = path.extension().is_some_and(|e| e == "toml");
    is_toml.then(|| path.file_stem()?.to_str().map(str::to_owned))?
}

fn user_file(name: &str, user_dir: Option<&Path>) -> Option<std::path::PathBuf> {
    // A name is one word: `../x` must not leave the folder.
    let plain = !name.is_empty() && !name.contains(['/', '\\']) && !name.starts_with('.');
    let path = user_dir.filter(|_| plain)?.join(format!("{name}.toml"));
    path.exists().then_some(path)
}

fn load_full(name: &str, user_dir: Option<&Path>, depth: usize) -> Result<Theme, Error> {
    if let Some(path) = user_file(name, user_dir) {
        let text = read(&path)?;
        return parse(name, &path.display().to_string(), &text, user_dir, depth);
    }
    match SHIPPED.iter().find(|(shipped, _)| *shipped == name) {
        Some((_, text)) => parse(name, &format!("themes/{name}.toml"), text, user_dir, depth),
        None => Err(unknown(name, user_dir)),
    }
}

fn read(path: &Path) -> Result<String, Error> {
    let unreadable = |reason: String| Error::Unreadable { path: path.to_owned(), reason };
    let size = std::fs::metadata(path).map_err(|e| unreadable(e.to_string()))?.len();
    if size > MAX_BYTES {
        return Err(unreadable(format!("{size} bytes are too many for a theme")));
    }
    std::fs::read_to_string(path).map_err(|e| unreadable(e.to_string()))
}

fn unknown(name: &str, user_dir: Option<&Path>) -> Error {
    let names = names(user_dir);
    Error::Unknown {
        name: name.to_owned(),
        hint: did_you_mean(name, names.iter().map(String::as_str)),
        known: names.join(", "),
        folder: user_dir.map_or_else(|| "the user's themes folder".to_owned(), |d| d.display().to_string()),
    }
}

/// One file being read.
struct File<'a> {
    name: &'a str,
    text: &'a str,
    palette: BTreeMap<String, Color>,
}

fn parse(name: &str, file: &str, text: &str, user_dir: Option<&Path>, depth: usize) -> Result<Theme, Error> {
    let doc =
        DeTable::parse(text).map_err(|e| Error::invalid(file, text, e.span().map_or(0, |s| s.start), e.message()))?;
    let doc = doc.get_ref();
    let mut reader = File { name: file, text, palette: BTreeMap::new() };
    for key in doc.keys() {
        if !["inherits", "palette", "tokens"].contains(&key.get_ref().as_ref()) {
            let hint = did_you_mean(key.get_ref(), ["inherits", "palette", "tokens"]);
            return Err(reader.error(key, format!("unknown key `{}`{hint}", key.get_ref())));
        }
    }
    let mut theme = match doc.get("inherits") {
        Some(base) => reader.inherited(base, user_dir, depth)?,
        None => Theme::new(String::new(), [Style::new(); Token::COUNT]),
    };
    name.clone_into(&mut theme.name);
    if let Some(palette) = doc.get("palette") {
        for (key, value) in reader.table(palette, "palette")? {
            let colour = reader.colour(value)?;
            reader.palette.insert(key.get_ref().to_string(), colour);
        }
    }
    if let Some(tokens) = doc.get("tokens") {
        for (key, value) in reader.table(tokens, "tokens")? {
            let token = reader.token(key)?;
            theme.set(token, reader.style(value)?);
        }
    }
    Ok(theme)
}

impl File<'_> {
    fn error<T>(&self, at: &Spanned<T>, message: impl Into<String>) -> Error {
        Error::invalid(self.name, self.text, at.span().start, message)
    }

    fn inherited(&self, base: &Spanned<DeValue<'_>>, user_dir: Option<&Path>, depth: usize) -> Result<Theme, Error> {
        let Some(name) = base.get_ref().as_str() else {
            return Err(self.error(base, "`inherits` takes the name of a theme"));
        };
        if depth >= MAX_DEPTH {
            return Err(self.error(base, format!("themes inherit in a circle, or more than {MAX_DEPTH} deep")));
        }
        // A user's `default.toml` that inherits `default` means the shipped one.
        let shadowed = theme_name(Path::new(self.name)).as_deref() == Some(name);
        load_full(name, user_dir.filter(|_| !shadowed), depth + 1).map_err(|e| match e {
            Error::Unknown { name, hint, .. } => self.error(base, format!("no theme `{name}` to inherit{hint}")),
            other => other,
        })
    }

    fn table<'t, 'i>(&self, value: &'t Spanned<DeValue<'i>>, what: &str) -> Result<&'t DeTable<'i>, Error> {
        value.get_ref().as_table().ok_or_else(|| self.error(value, format!("`{what}` is a table: write [{what}]")))
    }

    fn token(&self, key: &Spanned<std::borrow::Cow<'_, str>>) -> Result<Token, Error> {
        Token::parse(key.get_ref()).ok_or_else(|| {
            let hint = did_you_mean(key.get_ref(), Token::ALL.iter().map(|t| t.name()));
            self.error(key, format!("unknown token `{}`{hint}; a name with a dot needs quotes", key.get_ref()))
        })
    }

    fn style(&self, value: &Spanned<DeValue<'_>>) -> Result<Style, Error> {
        let Some(table) = value.get_ref().as_table() else {
            return Ok(Style::new().fg(self.colour(value)?));
        };
        let mut style = Style::new();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "fg" => style.fg = Some(self.colour(value)?),
                "bg" => style.bg = Some(self.colour(value)?),
                "modifiers" => style.add_modifier = self.modifiers(value)?,
                other => {
                    let hint = did_you_mean(other, ["fg", "bg", "modifiers"]);
                    return Err(self.error(key, format!("unknown key `{other}`{hint}: a token has fg, bg, modifiers")));
                }
            }
        }
        Ok(style)
    }

    fn modifiers(&self, value: &Spanned<DeValue<'_>>) -> Result<Modifier, Error> {
        let Some(list) = value.get_ref().as_array() else {
            return Err(self.error(value, "`modifiers` is a list: [\"bold\"]"));
        };
        let mut all = Modifier::empty();
        for word in list {
            all |= self.modifier(word)?;
        }
        Ok(all)
    }

    fn modifier(&self, word: &Spanned<DeValue<'_>>) -> Result<Modifier, Error> {
        const KNOWN: [(&str, Modifier); 5] = [
            ("bold", Modifier::BOLD),
            ("dim", Modifier::DIM),
            ("italic", Modifier::ITALIC),
            ("underline", Modifier::UNDERLINED),
            ("reverse", Modifier::REVERSED),
        ];
        let text = word.get_ref().as_str().unwrap_or_default();
        KNOWN.iter().find(|(name, _)| *name == text).map(|(_, modifier)| *modifier).ok_or_else(|| {
            let hint = did_you_mean(text, KNOWN.iter().map(|(name, _)| *name));
            self.error(word, format!("unknown modifier{hint}: bold, dim, italic, underline, reverse"))
        })
    }

    fn colour(&self, value: &Spanned<DeValue<'_>>) -> Result<Color, Error> {
        if let Some(number) = value.get_ref().as_integer() {
            let parsed = u8::from_str_radix(number.as_str(), number.radix());
            return parsed.map(Color::Indexed).map_err(|_| self.error(value, "a colour number is 0 to 255"));
        }
        let Some(text) = value.get_ref().as_str() else {
            return Err(self.error(value, "a colour is a name, a number 0 to 255 or \"#rrggbb\""));
        };
        if let Some(colour) = self.palette.get(text) {
            return Ok(*colour);
        }
        if let Some(hex) = text.strip_prefix('#') {
            return hex_colour(hex).ok_or_else(|| self.error(value, format!("`{text}` is not #rrggbb")));
        }
        if text == "default" {
            return Ok(Color::Reset);
        }
        colour::ANSI_NAMES.iter().position(|name| *name == text).map(|i| colour::named(i as u8)).ok_or_else(|| {
            let known = self.palette.keys().map(String::as_str).chain(colour::ANSI_NAMES).chain(["default"]);
            self.error(value, format!("unknown colour `{text}`{}", did_you_mean(text, known)))
        })
    }
}

fn hex_colour(hex: &str) -> Option<Color> {
    let digits = hex.len() == 6 && hex.bytes().all(|b| b.is_ascii_hexdigit());
    let value = u32::from_str_radix(hex, 16).ok().filter(|_| digits)?;
    let [_, r, g, b] = value.to_be_bytes();
    Some(Color::Rgb(r, g, b))
}
