//! The Prometheus text format, strictly: a line that is none spoils the whole, so that half an answer
//! is never taken for the counters of a collector. Nothing is copied but label values with escapes.

use std::borrow::Cow;

/// Most samples of one answer.
const MOST: usize = 100_000;

/// One sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample<'a> {
    /// Metric name.
    pub name: &'a str,
    labels: &'a str,
    /// Value; may be NaN or infinite.
    pub value: f64,
    /// Milliseconds since 1970, when told.
    pub at_ms: Option<i64>,
}

impl<'a> Sample<'a> {
    /// Its labels: name, value.
    pub fn labels(self) -> impl Iterator<Item = (&'a str, Cow<'a, str>)> {
        let mut rest = self.labels;
        // The text was checked when the sample was made.
        std::iter::from_fn(move || {
            let (name, value, after) = label(rest)?;
            rest = after;
            Some((name, unescape(value)))
        })
    }

    /// One of its labels.
    #[must_use]
    pub fn label(self, name: &str) -> Option<Cow<'a, str>> {
        self.labels().find_map(|(n, value)| (n == name).then_some(value))
    }
}

/// Where and why a text is none of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct NotMetrics {
    /// Line, from 1.
    pub line: usize,
    /// Why.
    pub why: &'static str,
}

/// All samples of a text.
///
/// # Errors
/// Where the first line is that is none.
pub fn samples(text: &str) -> Result<Vec<Sample<'_>>, NotMetrics> {
    let mut out = Vec::new();
    for (at, line) in text.split('\n').enumerate() {
        let fail = |why| NotMetrics { line: at + 1, why };
        let line = line.strip_suffix('\r').unwrap_or(line).trim_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if out.len() == MOST {
            return Err(fail("more than 100000 samples"));
        }
        out.push(sample(line).map_err(fail)?);
    }
    Ok(out)
}

fn sample(line: &str) -> Result<Sample<'_>, &'static str> {
    let (name, mut rest) = word(line, true).ok_or("it begins with no metric name")?;
    rest = rest.trim_start_matches([' ', '\t']);
    let mut labels = "";
    if let Some(inside) = rest.strip_prefix('{') {
        let mut at = inside;
        loop {
            at = at.trim_start_matches([' ', '\t']);
            if let Some(after) = at.strip_prefix('}') {
                labels = inside.get(..inside.len() - at.len()).unwrap_or_default();
                rest = after;
                break;
            }
            (_, _, at) = label(at).ok_or("a label is none")?;
        }
    } else if rest.len() == line.len() - name.len() {
        return Err("no blank behind the name");
    }
    let mut words = rest.split([' ', '\t']).filter(|w| !w.is_empty());
    let value = number(words.next().ok_or("there is no value")?).ok_or("the value is no number")?;
    let at_ms = match words.next() {
        None => None,
        Some(word) => Some(word.parse().map_err(|_| "the time is no whole number")?),
    };
    if words.next().is_some() {
        return Err("something follows the time");
    }
    Ok(Sample { name, labels, value, at_ms })
}

/// A number of the format: no other words than its own for what is none or endless.
fn number(word: &str) -> Option<f64> {
    match word {
        "NaN" => Some(f64::NAN),
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        _ if word.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) => {
            word.parse().ok()
        }
        _ => None,
    }
}

/// A name at the beginning; metric names may hold colons.
fn word(text: &str, colon: bool) -> Option<(&str, &str)> {
    let part = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colon && c == ':');
    let end = text.find(|c| !part(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at_checked(end)?;
    (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some((name, rest))
}

/// A label at the beginning, its value with escapes, and what follows it and its comma. A comma may
/// stand before the closing brace, no label without one before the next.
fn label(text: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = word(text.trim_start_matches([' ', '\t']), false)?;
    let rest = rest.trim_start_matches([' ', '\t']).strip_prefix('=')?;
    let rest = rest.trim_start_matches([' ', '\t']).strip_prefix('"')?;
    let mut escaped = false;
    let end = rest.bytes().position(|b| {
        let ends = b == b'"' && !escaped;
        escaped = b == b'\\' && !escaped;
        ends
    })?;
    let (value, after) = rest.split_at_checked(end)?;
    let after = after.strip_prefix('"')?.trim_start_matches([' ', '\t']);
    match after.strip_prefix(',') {
        Some(next) => Some((name, value, next)),
        // The end of the labels: the brace, or the end of what was checked before.
        None if after.is_empty() || after.starts_with('}') => Some((name, value, after)),
        None => None,
    }
}

fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some(c @ ('\\' | '"')) => out.push(c),
            Some(c) => out.extend(['\\', c]),
            None => out.push('\\'),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn lines_read() {
        let text = "# HELP up x\n# TYPE up counter\r\nup 1\nup{} +Inf\n\
                    a:b{x=\"1\", y = \"q\\\"\\n\\\\\",} 1.5e3 1700000000000\n\n  c{z=\"}\"}NaN";
        let all = samples(text).unwrap();
        assert_eq!(all.len(), 4);
        assert_eq!((all[2].name, all[2].value, all[2].at_ms), ("a:b", 1500.0, Some(1_700_000_000_000)));
        assert_eq!(all[2].label("y").unwrap(), "q\"\n\\");
        assert_eq!(all[3].label("z").unwrap(), "}");
        assert!(all[3].value.is_nan() && all[1].value.is_infinite());
    }

    #[test]
    fn a_line_that_is_none_spoils_the_whole() {
        for (bad, line) in [
            ("up 1\nup", 2),
            ("up one", 1),
            ("up 1 2 3", 1),
            ("up 1 1.5", 1),
            ("9up 1", 1),
            ("up{a=1} 1", 1),
            ("up{a=\"1\" b=\"2\"} 1", 1),
            ("up{a=\"1} 1", 1),
            ("up{,} 1", 1),
            ("<html>", 1),
            ("up nan", 1),
            ("up infinity", 1),
        ] {
            assert_eq!(samples(bad).unwrap_err().line, line, "{bad}");
        }
        assert_eq!(samples("").unwrap(), []);
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(
            rows in proptest::collection::vec(
                (
                    "[a-zA-Z_:][a-zA-Z0-9_:]{0,12}",
                    proptest::collection::vec(("[a-zA-Z_][a-zA-Z0-9_]{0,6}", "[^\r]{0,8}"), 0..4),
                    any::<f64>().prop_filter("a number", |v| v.is_finite()),
                    proptest::option::of(any::<i64>()),
                ),
                0..12,
            )
        ) {
            let mut text = String::new();
            for (name, labels, value, at) in &rows {
                let labels: Vec<String> = labels
                    .iter()
                    .map(|(n, v)| format!("{n}=\"{}\"", v.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")))
                    .collect();
                let at = at.map_or_else(String::new, |t| format!(" {t}"));
                let _ = writeln!(text, "{name}{{{}}} {value:e}{at}", labels.join(","));
            }
            let read = samples(&text).unwrap();
            prop_assert_eq!(read.len(), rows.len());
            for (sample, (name, labels, value, at)) in read.iter().zip(&rows) {
                prop_assert_eq!(sample.name, name);
                prop_assert_eq!(sample.value.to_bits(), value.to_bits());
                prop_assert_eq!(sample.at_ms, *at);
                let told: Vec<(String, String)> = sample.labels().map(|(n, v)| (n.to_owned(), v.into_owned())).collect();
                prop_assert_eq!(&told, labels);
            }
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,60}|([a-z{}\"=,\\\\ \n#0-9.]){0,80}") {
            if let Ok(all) = samples(&text) {
                for sample in all {
                    for (name, _) in sample.labels() {
                        prop_assert!(!name.is_empty());
                    }
                }
            }
        }
    }
}
