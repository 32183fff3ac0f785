//! Labels of alerts and samples: templates that name a thing by its labels, and matchers that pick
//! alerts. Pure text, shared by the configuration, the controllers and the commands.

use std::collections::BTreeMap;
use std::fmt;

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

/// The longest text of a template or of a matcher, bytes.
const LONGEST: usize = 1024;

/// A name made of labels: `{olt}/{pon}/{onu}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Label(String),
}

/// Whether it can be the name of a label.
#[must_use]
pub fn is_label(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let usage = "a template names labels in braces: {olt}/{pon}";
        if text.len() > LONGEST {
            return Err(format!("a template has at most {LONGEST} characters"));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after.split_once('}').ok_or_else(|| format!("a brace is not closed; {usage}"))?;
            if before.contains('}') {
                return Err(format!("a brace is not opened; {usage}"));
            }
            if !is_label(name) {
                return Err(format!("{{{name}}} is no label; {usage}"));
            }
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Label(name.to_owned()));
            rest = behind;
        }
        if rest.contains('}') {
            return Err(format!("a brace is not opened; {usage}"));
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        if text.chars().any(char::is_control) {
            return Err("a template has no control characters".into());
        }
        if parts.iter().all(|p| matches!(p, Part::Text(_))) {
            return Err(format!("it names no label; {usage}"));
        }
        Ok(Self { parts })
    }

    /// The name by these labels; nothing when one of them is missing or empty.
    #[must_use]
    pub fn render(&self, labels: &Labels) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Label(name) => out.push_str(labels.get(name).filter(|v| !v.is_empty())?),
            }
        }
        Some(out)
    }

    /// The labels it uses.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|p| match p {
            Part::Label(name) => Some(name.as_str()),
            Part::Text(_) => None,
        })
    }
}

/// A condition on one label: `olt="olt-001"`, `severity=~"critical|major"`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Matcher {
    /// The label.
    pub name: String,
    /// The value, or a regular expression for all of it.
    pub value: String,
    /// Whether it is a regular expression.
    pub regex: bool,
    /// Whether the value has to match; else it must not.
    pub equal: bool,
}

impl Matcher {
    /// The label has this very value.
    #[must_use]
    pub fn is(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), value: value.to_owned(), regex: false, equal: true }
    }

    /// Reads one matcher.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        match Self::parse_all(text)?.as_slice() {
            [only] => Ok(only.clone()),
            _ => Err("one condition is written olt=\"olt-001\"".into()),
        }
    }

    /// Reads matchers with commas between, in braces or without: `{olt="olt-001", pon=~"1/.*"}`.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, String> {
        let usage = "conditions are written olt=\"olt-001\", severity=~\"critical|major\" (=, !=, =~, !~)";
        if text.len() > LONGEST * 8 {
            return Err("there are too many conditions".into());
        }
        let inner = text.trim();
        let inner = match inner.strip_prefix('{') {
            Some(rest) => rest.strip_suffix('}').ok_or_else(|| format!("a brace is not closed; {usage}"))?,
            None => inner,
        };
        let mut out = Vec::new();
        let mut rest = inner.trim();
        while !rest.is_empty() {
            let end = rest.find(['=', '!']).ok_or_else(|| format!("{} has no comparison; {usage}", shown(rest)))?;
            let (name, after) = rest.split_at(end);
            let name = name.trim();
            if !is_label(name) {
                return Err(format!("{} is no label; {usage}", shown(name)));
            }
            let (regex, equal, after) = match after.as_bytes() {
                [b'=', b'~', ..] => (true, true, after.get(2..)),
                [b'!', b'~', ..] => (true, false, after.get(2..)),
                [b'!', b'=', ..] => (false, false, after.get(2..)),
                [b'=', ..] => (false, true, after.get(1..)),
                _ => return Err(format!("{} has no comparison; {usage}", shown(rest))),
            };
            let (value, behind) = value(after.unwrap_or_default().trim_start())
                .ok_or_else(|| format!("the value of {name} is not closed; {usage}"))?;
            let matcher = Self { name: name.to_owned(), value, regex, equal };
            matcher.compiled()?;
            out.push(matcher);
            let behind = behind.trim_start();
            rest = match behind.strip_prefix(',') {
                Some(more) => more.trim_start(),
                None if behind.is_empty() => behind,
                None => return Err(format!("a comma belongs before {}; {usage}", shown(behind))),
            };
        }
        if out.is_empty() { Err(format!("there is no condition; {usage}")) } else { Ok(out) }
    }

    /// What decides, made once.
    ///
    /// # Errors
    /// When the regular expression is none.
    pub fn compiled(&self) -> Result<Compiled<'_>, String> {
        let regex = if self.regex {
            let whole = format!("^(?:{})$", self.value);
            let built = regex::RegexBuilder::new(&whole).size_limit(1 << 20).build();
            Some(built.map_err(|_| format!("{} is no regular expression", shown(&self.value)))?)
        } else {
            None
        };
        Ok(Compiled { matcher: self, regex })
    }

    /// Whether it is true of an object that does not have the label at all.
    #[must_use]
    pub fn takes_empty(&self) -> bool {
        self.compiled().is_ok_and(|m| m.holds(&Labels::new()))
    }
}

/// A matcher ready for many alerts.
#[derive(Debug)]
pub struct Compiled<'a> {
    matcher: &'a Matcher,
    regex: Option<regex::Regex>,
}

impl Compiled<'_> {
    /// Whether it is true of these labels; one that is missing counts as empty.
    #[must_use]
    pub fn holds(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.matcher.name).map_or("", String::as_str);
        let hit = self.regex.as_ref().map_or_else(|| value == self.matcher.value, |r| r.is_match(value));
        hit == self.matcher.equal
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match (self.equal, self.regex) {
            (true, false) => "=",
            (false, false) => "!=",
            (true, true) => "=~",
            (false, true) => "!~",
        };
        let value = self.value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        write!(f, "{}{sign}\"{value}\"", self.name)
    }
}

/// Matchers as they are written: `{a="1", b="2"}`.
#[must_use]
pub fn matchers_text(matchers: &[Matcher]) -> String {
    format!("{{{}}}", matchers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
}

/// A value in quotes with escapes, or bare up to a comma; and what follows it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return Some((value.trim().to_owned(), rest));
    };
    let mut out = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, quoted.get(at + 1..).unwrap_or_default())),
            '\\' => match chars.next()?.1 {
                'n' => out.push('\n'),
                'x' => out.push_str("\\x"),
                c @ ('"' | '\\') => out.push(c),
                // An escape of the regular expression.
                c => out.extend(['\\', c]),
            },
            c => out.push(c),
        }
    }
    None
}

fn shown(text: &str) -> String {
    let short: String = text.chars().take(40).collect();
    format!("`{}`", super::text::clean(&short))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn templates_need_all_their_labels() {
        let template = Template::parse("{olt}/{pon}").unwrap();
        assert_eq!(template.render(&labels(&[("olt", "o1"), ("pon", "3")])), Some("o1/3".into()));
        assert_eq!(template.render(&labels(&[("olt", "o1"), ("pon", "")])), None);
        assert_eq!(template.labels().collect::<Vec<_>>(), ["olt", "pon"]);
        for bad in ["", "x", "{", "{a", "a}", "{a}}", "{1a}", "{a b}", "{}", "{a}\n"] {
            assert!(Template::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn matchers_are_read_as_prometheus_writes_them() {
        let all = Matcher::parse_all(r#"{olt="olt-001", sev!="x", a=~"c.*",b!~"d", c="q\"\\"}"#).unwrap();
        assert_eq!(matchers_text(&all), r#"{olt="olt-001", sev!="x", a=~"c.*", b!~"d", c="q\"\\"}"#);
        assert_eq!(Matcher::parse("olt=olt-001"), Ok(Matcher::is("olt", "olt-001")));
        for bad in ["", "{}", "a", "=x", "a=\"x", "a=\"x\" b=\"y\"", "a=~\"(\"", "1=\"x\"", "{a=\"x\""] {
            assert!(Matcher::parse_all(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn missing_labels_are_empty_and_expressions_match_whole_values() {
        let holds = |m: &str, l: &[(&str, &str)]| Matcher::parse(m).unwrap().compiled().unwrap().holds(&labels(l));
        assert!(holds("a!=\"x\"", &[]) && holds("a=\"\"", &[]) && !holds("a=\"x\"", &[]));
        assert!(holds("a=~\"x|y\"", &[("a", "y")]) && !holds("a=~\"x|y\"", &[("a", "xy")]));
        assert!(Matcher::parse("a=~\".*\"").unwrap().takes_empty());
        assert!(!Matcher::parse("a=~\".+\"").unwrap().takes_empty());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(name in "[a-z_][a-z0-9_]{0,8}", value in "[^\\\\]{0,20}", equal: bool) {
            let matcher = Matcher { name, value, regex: false, equal };
            prop_assert_eq!(Matcher::parse(&matcher.to_string()), Ok(matcher));
        }

        #[test]
        fn no_text_panics(text in ".{0,60}") {
            let _ = Matcher::parse_all(&text);
            let _ = Template::parse(&text);
        }
    }
}
