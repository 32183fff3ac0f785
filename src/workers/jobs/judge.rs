//! What a job would do to a device, from its document: asks [`dry_run`] with what the controller and
//! the job's context know.

use secrecy::{ExposeSecret as _, SecretString};

use crate::controllers::genieacs::device::DeviceDoc;
use crate::controllers::genieacs::map::FaultDoc;
use crate::engine::job::dry_run::{self, Age, Leaf, Verdict, View, Want};
use crate::model::job::{CpeVerb, DeviceEvent, NewValue, Old, ParamValue, SecretSource, Setting, SkipReason, Work};
use crate::model::time::Ts;

use super::context::Context;
use super::{evidence, request};

/// What a device is to have: the values wanted of it, on its own paths.
pub(super) fn wants(context: &Context, doc: &DeviceDoc) -> Result<Vec<Want>, Setting> {
    let profile = context.profiles.of_doc(doc);
    match &context.request.work {
        Work::Set(changes) => request::wants(changes, profile, doc)
            .map(|wants| wants.into_iter().map(|want| typed(want, doc)).collect())
            .map_err(Clone::clone),
        Work::RollBack => Ok(restored(context, doc)),
        Work::Firmware(_) | Work::Verb(_) => Ok(Vec::new()),
    }
}

/// The old values that can be put back.
fn restored(context: &Context, doc: &DeviceDoc) -> Vec<Want> {
    let Some(saved) = context.saved.get(doc.id().as_str()) else { return Vec::new() };
    let held = context.old_secrets();
    let of = context.request.rolls_back.unwrap_or_default();
    let one = |before: &crate::model::job::Before| {
        let new = match &before.old {
            Old::Known(value) => NewValue::Plain(value.clone()),
            Old::SecretHeld if held.contains_key(&(of, doc.id().as_str().to_owned(), before.path.clone())) => {
                NewValue::Secret(SecretSource::Typed)
            }
            Old::SecretHeld | Old::Lost => return None,
        };
        // What somebody else has changed since is theirs.
        let holds = evidence::leaf(doc, &before.path).and_then(|leaf| leaf.value);
        if let (NewValue::Plain(old), Some(written), Some(holds)) = (&new, &before.new, &holds)
            && !old.same(holds)
            && !ParamValue::Text(written.clone()).same(holds)
        {
            return None;
        }
        Some(Want { setting: Setting::Path(before.path.clone()), path: before.path.clone(), new })
    };
    saved.before.iter().filter_map(one).collect()
}

/// A text as the type that the parameter has: what was written in a request or typed at a prompt
/// does not know it.
fn typed(mut want: Want, doc: &DeviceDoc) -> Want {
    let xsd = doc.at(&want.path).and_then(|n| n.xsd.as_deref()).unwrap_or_default();
    if let NewValue::Plain(ParamValue::Text(text)) = &want.new {
        let value = match xsd.rsplit(':').next().unwrap_or_default() {
            "boolean" => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" => Some(ParamValue::Bool(true)),
                "false" | "0" | "no" => Some(ParamValue::Bool(false)),
                _ => None,
            },
            "int" | "long" | "unsignedInt" | "unsignedLong" => text.trim().parse().ok().map(ParamValue::Int),
            _ => None,
        };
        if let Some(value) = value {
            want.new = NewValue::Plain(value);
        }
    }
    want
}

/// The value of a secret on a path of a device.
pub(super) fn secret(context: &Context, device: &str, wants: &[Want], path: &str) -> Option<SecretString> {
    let want = wants.iter().find(|w| w.path == path)?;
    if let Some(of) = context.request.rolls_back {
        return context.old_secrets().get(&(of, device.to_owned(), path.to_owned())).cloned();
    }
    context.secrets.get(&want.setting).cloned()
}

/// What would be done; `busy` is another job that has the device.
pub(super) fn judge(
    context: &Context,
    device: &str,
    doc: Option<&DeviceDoc>,
    faults: &[FaultDoc],
    busy: Option<&str>,
    now: Ts,
) -> (Verdict, Vec<Want>) {
    let fault = faults.first().map(FaultDoc::summary);
    let leaf = |path: &str| -> Option<Leaf> { evidence::leaf(doc?, path) };
    let version = doc.and_then(|d| evidence::running(d, context.profiles.of_doc(d))).map(|(version, _)| version);
    let version = match (version, context.version()) {
        // Versions are compared as such: `v3.0.10` is `V3.0.10`.
        (Some(runs), Some(new)) if crate::controllers::genieacs::version::same(&runs, new) => Some(new.to_owned()),
        (runs, _) => runs,
    };
    let view = View { known: doc.is_some(), leaf: &leaf, fault: fault.as_deref(), busy, version: version.as_deref() };
    let limit = i64::from(context.request.stale_s) * crate::model::time::SECOND;
    match (&context.request.work, doc) {
        (Work::Set(_) | Work::RollBack, Some(doc)) => match wants(context, doc) {
            Ok(wants) if wants.is_empty() && context.request.rolls_back.is_some() => {
                let why = "nothing of it is saved that can be put back, or somebody changed it since".to_owned();
                (Verdict::Skip(SkipReason::NothingToRestore, why), wants)
            }
            Ok(wants) => (dry_run::values(&view, Ok(&wants), Age { now, limit }), wants),
            Err(setting) => (dry_run::values(&view, Err(&setting), Age { now, limit }), Vec::new()),
        },
        (Work::Set(_) | Work::RollBack, None) => (dry_run::values(&view, Ok(&[]), Age { now, limit }), Vec::new()),
        (Work::Firmware(_) | Work::Verb(CpeVerb::Push(_)), Some(doc)) => (file(context, &view, doc), Vec::new()),
        (Work::Verb(verb), Some(_)) => (already(verb, &view, device, doc), Vec::new()),
        (_, None) => (dry_run::verb(&view, ""), Vec::new()),
    }
}

fn file(context: &Context, view: &View<'_>, doc: &DeviceDoc) -> Verdict {
    let models: Vec<String> =
        context.file.iter().map(|f| f.product_class().to_owned()).filter(|m| !m.is_empty()).collect();
    let oui = context.file.as_ref().map_or("", |f| f.oui());
    if !oui.is_empty() && oui != doc.oui && view.known {
        return Verdict::Skip(SkipReason::WrongModel, format!("the file is for the OUI {oui}, it has {}", doc.oui));
    }
    match &context.request.work {
        Work::Firmware(_) => dry_run::firmware(view, &doc.product_class, &models, context.version()),
        _ => {
            match dry_run::firmware(&View { version: None, fault: None, ..*view }, &doc.product_class, &models, None) {
                Verdict::Go(_) => Verdict::Go(format!("fetch {}", context.firmware().map_or("", |f| f.file.as_str()))),
                skip => skip,
            }
        }
    }
}

/// A verb that is done already leaves the device out.
fn already(verb: &CpeVerb, view: &View<'_>, device: &str, doc: Option<&DeviceDoc>) -> Verdict {
    let has = |tag: &String| doc.is_some_and(|d| d.tags.contains(tag));
    let there = |path: &str| doc.is_some_and(|d| d.at(path).is_some());
    let skip = |reason, why: &str| Verdict::Skip(reason, why.to_owned());
    match verb {
        CpeVerb::Tag(tag) if has(tag) => skip(SkipReason::AlreadyEqual, "has the tag already"),
        CpeVerb::Untag(tag) if !has(tag) => skip(SkipReason::AlreadyEqual, "does not have the tag"),
        CpeVerb::AddObject(path) | CpeVerb::DeleteObject(path) if !there(path) => skip(SkipReason::PathMissing, path),
        _ => dry_run::verb(view, &format!("{} {device}", verb.word())),
    }
}

/// What a dry run journals of a device.
pub(super) fn found(verdict: Verdict) -> DeviceEvent {
    use crate::model::job::Class;
    match verdict {
        Verdict::Skip(reason, detail) => DeviceEvent::Skipped { reason, detail },
        Verdict::Go(why) => DeviceEvent::Ended { class: Class::WouldChange, why },
        Verdict::Write(diffs, before) => {
            let mut words: Vec<String> = diffs
                .iter()
                .map(|d| {
                    format!("{}: {} → {}", d.path, if d.old.is_empty() { "(empty)" } else { &d.old }, d.new.shown())
                })
                .collect();
            let lost = before.iter().filter(|b| matches!(b.old, Old::Lost)).count();
            if lost > 0 {
                words.push(format!("{lost} of them cannot be rolled back"));
            }
            DeviceEvent::Ended {
                class: Class::WouldChange,
                why: crate::model::text::clean(&words.join("; ")).into_owned(),
            }
        }
    }
}

/// The old values that are secrets, for this process to remember.
pub(super) fn remember(context: &Context, device: &str, doc: &DeviceDoc, before: &[crate::model::job::Before]) {
    for one in before.iter().filter(|b| b.old == Old::SecretHeld) {
        if let Some(value) = doc.value(&one.path).map(ToString::to_string) {
            let key = (context.job, device.to_owned(), one.path.clone());
            context.old_secrets().entry(key).or_insert_with(|| SecretString::from(value));
        }
    }
}

/// A secret as it goes into a comparison; it leaves no trace.
pub(super) fn exposed(secret: Option<&SecretString>) -> Option<&str> {
    secret.map(SecretString::expose_secret)
}
