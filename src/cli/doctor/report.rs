//! What was checked and what came of it: a table for people, JSON for scripts.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::model::text;

/// How a check ended, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Verdict {
    Ok,
    Warn,
    Fail,
}

impl Verdict {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Check {
    /// What was checked (`tcp`, `size`).
    pub(crate) name: String,
    pub(crate) verdict: Verdict,
    /// What was found.
    pub(crate) found: String,
    /// What to do about it; empty when nothing.
    pub(crate) advice: String,
    /// How long it took, where that says something.
    pub(crate) took: Option<Duration>,
    /// The source cannot be reached: decides the exit code.
    pub(crate) unreachable: bool,
}

impl Check {
    pub(crate) fn new(name: &str, verdict: Verdict, found: impl AsRef<str>, advice: impl AsRef<str>) -> Self {
        Self {
            name: name.to_owned(),
            verdict,
            found: text::clean(found.as_ref()).into_owned(),
            advice: text::clean(advice.as_ref()).into_owned(),
            took: None,
            unreachable: false,
        }
    }

    pub(crate) fn ok(name: &str, found: impl AsRef<str>) -> Self {
        Self::new(name, Verdict::Ok, found, "")
    }

    pub(crate) fn warn(name: &str, found: impl AsRef<str>, advice: impl AsRef<str>) -> Self {
        Self::new(name, Verdict::Warn, found, advice)
    }

    pub(crate) fn fail(name: &str, found: impl AsRef<str>, advice: impl AsRef<str>) -> Self {
        Self::new(name, Verdict::Fail, found, advice)
    }

    pub(crate) fn unreachable(self) -> Self {
        Self { unreachable: true, ..self }
    }

    pub(crate) fn took(self, took: Duration) -> Self {
        Self { took: Some(took), ..self }
    }
}

/// The checks of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Area {
    /// `terminal`, `configuration`, `cache`, or `source NAME`.
    pub(crate) name: String,
    pub(crate) checks: Vec<Check>,
}

/// All of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Report {
    pub(crate) areas: Vec<Area>,
}

impl Report {
    pub(crate) fn add(&mut self, name: impl Into<String>, checks: Vec<Check>) {
        self.areas.push(Area { name: name.into(), checks });
    }

    fn checks(&self) -> impl Iterator<Item = &Check> {
        self.areas.iter().flat_map(|a| &a.checks)
    }

    /// The worst of all.
    pub(crate) fn verdict(&self) -> Verdict {
        self.checks().map(|c| c.verdict).max().unwrap_or(Verdict::Ok)
    }

    /// Whether a source cannot be reached.
    pub(crate) fn unreachable(&self) -> bool {
        self.checks().any(|c| c.unreachable)
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.checks().filter(|c| c.verdict == verdict).count()
    }

    pub(crate) fn to_json(&self) -> Json {
        let checks: Vec<Json> = self
            .areas
            .iter()
            .flat_map(|area| area.checks.iter().map(move |c| (area, c)))
            .map(|(area, c)| {
                json!({
                    "area": area.name,
                    "check": c.name,
                    "verdict": c.verdict.word(),
                    "found": c.found,
                    "advice": c.advice,
                    "duration_ms": c.took.map(|d| d.as_secs_f64() * 1000.0),
                })
            })
            .collect();
        json!({"version": env!("CARGO_PKG_VERSION"), "verdict": self.verdict().word(), "checks": checks})
    }

    pub(crate) fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let wide = self.checks().map(|c| text::width(&c.name)).max().unwrap_or(0);
        for area in &self.areas {
            writeln!(out, "{}", area.name)?;
            for c in &area.checks {
                let pad = " ".repeat(wide - text::width(&c.name));
                let took = c.took.map_or_else(String::new, |d| format!(" ({:.1} ms)", d.as_secs_f64() * 1000.0));
                writeln!(out, "  {:<4}  {}{pad}  {}{took}", c.verdict.word(), c.name, c.found)?;
                if !c.advice.is_empty() {
                    writeln!(out, "        {}  > {}", " ".repeat(wide), c.advice)?;
                }
            }
        }
        let (ok, warn, fail) = (self.count(Verdict::Ok), self.count(Verdict::Warn), self.count(Verdict::Fail));
        writeln!(out, "{ok} ok, {warn} to look at, {fail} failed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_counts_and_advice_stands_below() {
        let mut report = Report::default();
        report.add("terminal", vec![Check::ok("TERM", "xterm")]);
        report.add("source a", vec![Check::fail("tcp", "refused\u{1b}[2J", "check the port").unreachable()]);
        assert_eq!(report.verdict(), Verdict::Fail);
        assert!(report.unreachable());
        let mut out = Vec::new();
        report.print(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("> check the port") && text.ends_with("1 ok, 0 to look at, 1 failed\n"), "{text}");
        assert!(!text.contains('\u{1b}'));
        assert_eq!(report.to_json()["checks"][1]["verdict"], "fail");
    }
}
