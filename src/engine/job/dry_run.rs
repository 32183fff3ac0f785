//! What a job would do to a device, from what the controller holds of it: old and new values, or
//! why the device is left out. The same check runs once more right before the write.
//!
//! It has to be done beforehand because the controller answers 200 for a path the device lacks and
//! for one that cannot be written, and silently drops both.

use crate::model::job::{Before, NewValue, Old, ParamValue, Setting, SkipReason};
use crate::model::time::{Ts, brief_duration};

/// A parameter as the controller holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// Its value; `None` where its name is known and its value was never read.
    pub value: Option<ParamValue>,
    /// Whether it can be written.
    pub writable: bool,
    /// When the value was read, the controller's clock.
    pub at: Ts,
}

/// What the controller holds of a device.
pub struct View<'a> {
    /// Whether it knows it at all.
    pub known: bool,
    /// Its parameters.
    pub leaf: &'a dyn Fn(&str) -> Option<Leaf>,
    /// A fault that stands on it, in words.
    pub fault: Option<&'a str>,
    /// Another job that has it in hand, by name.
    pub busy: Option<&'a str>,
    /// The version it runs.
    pub version: Option<&'a str>,
}

/// A parameter and the value it is to have: what a profile made of a setting.
#[derive(Debug, Clone, PartialEq)]
pub struct Want {
    /// The setting it came from.
    pub setting: Setting,
    /// Its path on this device.
    pub path: String,
    /// The value.
    pub new: NewValue,
}

/// A value that would change.
#[derive(Debug, Clone, PartialEq)]
pub struct Diff {
    /// Path.
    pub path: String,
    /// What it holds, as it may be shown.
    pub old: String,
    /// What it would hold.
    pub new: NewValue,
}

/// What would be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// These values would be written, and these saved before.
    Write(Vec<Diff>, Vec<Before>),
    /// It would get the firmware or the verb.
    Go(String),
    /// It is left out: why, and on what.
    Skip(SkipReason, String),
}

/// How old a value may be.
#[derive(Debug, Clone, Copy)]
pub struct Age {
    /// Now, the controller's clock.
    pub now: Ts,
    /// Oldest that is trusted, µs; 0 trusts any.
    pub limit: i64,
}

fn common(view: &View<'_>) -> Option<Verdict> {
    let skip = |reason, detail: &str| Some(Verdict::Skip(reason, detail.to_owned()));
    if !view.known {
        return skip(SkipReason::Gone, "");
    }
    if let Some(job) = view.busy {
        return skip(SkipReason::Busy, job);
    }
    view.fault.and_then(|fault| skip(SkipReason::Faulted, fault))
}

/// For setting values. `wants` are all settings on this device's paths; an error names the setting
/// that its model has no path for.
#[must_use]
pub fn values(view: &View<'_>, wants: Result<&[Want], &Setting>, age: Age) -> Verdict {
    if let Some(skip) = common(view) {
        return skip;
    }
    let wants = match wants {
        Ok(wants) => wants,
        Err(setting) => {
            return Verdict::Skip(SkipReason::WrongModel, format!("its profile has no {}", setting.name()));
        }
    };
    let mut diffs = Vec::new();
    let mut before = Vec::new();
    let mut stale = None;
    for want in wants {
        let Some(leaf) = (view.leaf)(&want.path) else {
            return Verdict::Skip(SkipReason::PathMissing, want.path.clone());
        };
        if !leaf.writable {
            return Verdict::Skip(SkipReason::ReadOnly, want.path.clone());
        }
        let old_age = age.now.since(leaf.at);
        match &leaf.value {
            None => stale = stale.or(Some(format!("{} was never read", want.path))),
            Some(_) if age.limit > 0 && old_age > age.limit => {
                stale = stale.or(Some(format!("{} was read {} ago", want.path, brief_duration(old_age))));
            }
            Some(_) => {}
        }
        if let (NewValue::Plain(new), Some(old)) = (&want.new, &leaf.value)
            && new.same(old)
        {
            continue;
        }
        diffs.push(Diff { path: want.path.clone(), old: shown(want, &leaf), new: want.new.clone() });
        before.push(Before { path: want.path.clone(), old: saved(want, &leaf), new: Some(shown_new(want)) });
    }
    // Reading anew may show that nothing is to be done, so this comes before "already equal".
    if let (Some(stale), true) = (stale, age.limit > 0) {
        return Verdict::Skip(SkipReason::Stale, stale);
    }
    if diffs.is_empty() {
        return Verdict::Skip(SkipReason::AlreadyEqual, String::new());
    }
    Verdict::Write(diffs, before)
}

fn shown(want: &Want, leaf: &Leaf) -> String {
    match &leaf.value {
        None => String::new(),
        Some(value) if value.is_empty() => String::new(),
        Some(_) if hidden(want) => "••••••".to_owned(),
        Some(value) => value.to_string(),
    }
}

/// The new value as it may be shown.
fn shown_new(want: &Want) -> String {
    if hidden(want) { "••••••".to_owned() } else { want.new.shown() }
}

fn hidden(want: &Want) -> bool {
    want.setting.is_secret() || matches!(want.new, NewValue::Secret(_)) || Setting::Path(want.path.clone()).is_secret()
}

fn saved(want: &Want, leaf: &Leaf) -> Old {
    match (&leaf.value, hidden(want)) {
        (None, _) => Old::Lost,
        (Some(value), true) if value.is_empty() => Old::Lost,
        (Some(_), true) => Old::SecretHeld,
        (Some(value), false) => Old::Known(value.clone()),
    }
}

/// For a firmware that gives `version` (`None`: not known) and fits `models` (empty: all).
#[must_use]
pub fn firmware(view: &View<'_>, model: &str, models: &[String], version: Option<&str>) -> Verdict {
    if let Some(skip) = common(view) {
        return skip;
    }
    if !models.is_empty() && !models.iter().any(|m| m.eq_ignore_ascii_case(model)) {
        return Verdict::Skip(SkipReason::WrongModel, format!("the file is for {}", models.join(", ")));
    }
    match (view.version, version) {
        (Some(old), Some(new)) if old == new => Verdict::Skip(SkipReason::AlreadyVersion, new.to_owned()),
        (old, new) => Verdict::Go(format!("{} → {}", old.unwrap_or("unknown"), new.unwrap_or("what the file holds"))),
    }
}

/// For any other verb; a device with a fault may be restarted or read anew.
#[must_use]
pub fn verb(view: &View<'_>, words: &str) -> Verdict {
    match common(&View { fault: None, ..*view }) {
        Some(skip) => skip,
        None => Verdict::Go(words.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::job::SecretSource;
    use crate::model::time::{DAY, HOUR};

    const NOW: Ts = Ts(1_000 * DAY);
    const AGE: Age = Age { now: NOW, limit: DAY };

    fn leaf(value: Option<&str>, writable: bool, age: i64) -> Leaf {
        Leaf { value: value.map(|v| ParamValue::Text(v.to_owned())), writable, at: NOW.plus(-age) }
    }

    fn world(path: &str) -> Option<Leaf> {
        Some(match path {
            "D.Ssid" => leaf(Some("Home"), true, HOUR),
            "D.Old" => leaf(Some("x"), true, 2 * DAY),
            "D.Never" => leaf(None, true, 0),
            "D.Version" => leaf(Some("1"), false, HOUR),
            "D.KeyPassphrase" => leaf(Some(""), true, HOUR),
            "D.Password" => leaf(Some("hunter22"), true, HOUR),
            _ => return None,
        })
    }

    fn view() -> View<'static> {
        View { known: true, leaf: &world, fault: None, busy: None, version: Some("V1") }
    }

    fn want(path: &str, new: &str) -> Want {
        let new = NewValue::Plain(ParamValue::Text(new.to_owned()));
        Want { setting: Setting::Path(path.to_owned()), path: path.to_owned(), new }
    }

    fn secret(path: &str) -> Want {
        let new = NewValue::Secret(SecretSource::Typed);
        Want { setting: Setting::WifiPassword, path: path.to_owned(), new }
    }

    fn reason(verdict: &Verdict) -> Option<SkipReason> {
        if let Verdict::Skip(reason, _) = verdict { Some(*reason) } else { None }
    }

    #[test]
    fn every_reason_to_leave_a_device_out() {
        let check = |wants: &[Want]| reason(&values(&view(), Ok(wants), AGE));
        assert_eq!(check(&[want("D.None", "x"), want("D.Ssid", "x")]), Some(SkipReason::PathMissing));
        assert_eq!(check(&[want("D.Version", "2")]), Some(SkipReason::ReadOnly));
        assert_eq!(check(&[want("D.Ssid", "Home")]), Some(SkipReason::AlreadyEqual));
        assert_eq!(check(&[want("D.Old", "x")]), Some(SkipReason::Stale), "an old equal value proves nothing");
        assert_eq!(check(&[want("D.Never", "x")]), Some(SkipReason::Stale));
        let any_age = Age { limit: 0, ..AGE };
        assert!(matches!(values(&view(), Ok(&[want("D.Old", "y")]), any_age), Verdict::Write(..)));
        assert_eq!(reason(&values(&view(), Err(&Setting::WanVlan), AGE)), Some(SkipReason::WrongModel));
        let busy = View { busy: Some("v8"), ..view() };
        assert_eq!(reason(&values(&busy, Ok(&[want("D.Ssid", "x")]), AGE)), Some(SkipReason::Busy));
        let faulted = View { fault: Some("cwmp.9002"), ..view() };
        assert_eq!(reason(&values(&faulted, Ok(&[want("D.Ssid", "x")]), AGE)), Some(SkipReason::Faulted));
        assert_eq!(verb(&faulted, "reboot"), Verdict::Go("reboot".to_owned()));
        assert_eq!(reason(&verb(&View { known: false, ..view() }, "reboot")), Some(SkipReason::Gone));
    }

    #[test]
    fn only_what_differs_is_written_and_its_old_value_saved() {
        let wants = [want("D.Ssid", "Guest"), secret("D.KeyPassphrase"), secret("D.Password")];
        let Verdict::Write(diffs, before) = values(&view(), Ok(&wants), AGE) else { panic!() };
        assert_eq!((diffs[0].old.as_str(), diffs[0].new.shown()), ("Home", "Guest".to_owned()));
        assert_eq!(before[0].old, Old::Known(ParamValue::Text("Home".to_owned())));
        assert_eq!(before[1].old, Old::Lost, "a secret that reads back empty");
        assert_eq!(before[2].old, Old::SecretHeld);
        assert!(!format!("{diffs:?}{before:?}").contains("hunter22"));
    }

    #[test]
    fn firmware_goes_only_where_it_fits_and_is_missing() {
        assert_eq!(reason(&firmware(&view(), "A", &[], Some("V1"))), Some(SkipReason::AlreadyVersion));
        assert_eq!(reason(&firmware(&view(), "A", &["B".to_owned()], Some("V2"))), Some(SkipReason::WrongModel));
        assert_eq!(firmware(&view(), "a", &["A".to_owned()], Some("V2")), Verdict::Go("V1 → V2".to_owned()));
    }
}
