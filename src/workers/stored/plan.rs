//! The plan of a change of what a server keeps: the difference to what it has, who uses it, what
//! is lost.

use crate::controllers::genieacs::client::checksum;
use crate::controllers::genieacs::validate;
use crate::controllers::genieacs::wire::FileMeta;
use crate::model::command::{Intent, Plan};
use crate::model::diff::unified;
use crate::model::stored::{Stored, StoredKind, mask};
use crate::model::text::{clean, grouped};
use crate::workers::source::Sources;

use super::{Given, StoredVerb, Wish, given};

/// Users of a thing that a plan names.
const NAMED: usize = 8;
/// Lines of a difference that a plan shows.
const LINES: usize = 2_000;

/// What a command would do, as the server is now.
///
/// # Errors
/// Why it cannot be done, in words.
pub async fn plan(sources: &Sources, intent: &Intent) -> Result<Plan, String> {
    let Wish { verb, name, server } = Wish::of(sources, intent)?;
    let all = server.stored().await?;
    let source = server.name();
    let old = all.iter().find(|s| s.kind == verb.kind() && s.name == name);
    let mut plan = Plan {
        total: 1,
        first: vec![clean(&format!("{source}/{}/{name}", verb.kind().word())).into_owned()],
        phrase: clean(&name).into_owned(),
        ..Plan::default()
    };
    match &verb {
        StoredVerb::Put(kind, wish) => put(&mut plan, *kind, (&name, source), wish, old).await?,
        StoredVerb::Delete(kind) => delete(&mut plan, *kind, (&name, source), old)?,
        StoredVerb::Upload(path, meta) => {
            let meta = FileMeta { name: name.clone(), ..meta.clone() };
            upload(&mut plan, path.clone(), (&meta, source), old).await?;
        }
    }
    users(&mut plan, &verb, &name, &all);
    Ok(plan)
}

async fn put(
    plan: &mut Plan,
    kind: StoredKind,
    (name, source): (&str, &str),
    wish: &Given,
    old: Option<&Stored>,
) -> Result<(), String> {
    let text = given(kind, &wish.from).await?;
    changed_meanwhile(kind, name, wish, old)?;
    let shown = if kind == StoredKind::Preset { mask(&text) } else { text.clone() };
    let before = old.map_or("", |s| s.text.as_str());
    let head = if old.is_some() { "Change" } else { "Create" };
    plan.title = clean(&format!("{head} {} {name} on {source}", kind.noun())).into_owned();
    plan.diff = lines(&unified(before, &shown));
    plan.calls =
        vec![clean(&format!("PUT /{}/{name} ({} bytes)", collection(kind), grouped(text.len() as u64))).into_owned()];
    if plan.diff.is_empty() && old.is_some() {
        plan.total = 0;
        plan.skipped.push(("the server has it so already".to_owned(), 1));
    }
    if kind == StoredKind::Preset {
        let new = Stored { text: shown, kind, name: name.to_owned(), source: source.into(), hash: 0, file: None };
        plan.notes.push(format!("It then {}.", clean(&new.what())));
        let when = new.when();
        let when =
            if when.is_empty() { "at every session of every device".to_owned() } else { format!("when: {when}") };
        plan.notes.push(format!("It applies {}.", clean(&when)));
    }
    plan.notes.push("It is read back after writing: only what the server then tells counts as stored.".to_owned());
    Ok(())
}

/// Whether the server's text is still the one that the new text was made from.
pub(super) fn changed_meanwhile(
    kind: StoredKind,
    name: &str,
    wish: &Given,
    old: Option<&Stored>,
) -> Result<(), String> {
    let Some(base) = wish.base else { return Ok(()) };
    let what = match old {
        Some(stored) if stored.hash == base => return Ok(()),
        None if base == 0 => return Ok(()),
        Some(_) if base == 0 => "somebody made one of that name meanwhile",
        Some(_) => "somebody changed it meanwhile",
        None => "somebody deleted it meanwhile",
    };
    Err(format!("the {} {}: {what}; look at it again before you send yours{}", kind.noun(), clean(name), kept(wish)))
}

/// Where the text is kept that was not written.
pub(super) fn kept(wish: &Given) -> String {
    wish.draft.as_ref().map_or_else(String::new, |path| format!("; your text is kept in {}", path.display()))
}

fn delete(plan: &mut Plan, kind: StoredKind, (name, source): (&str, &str), old: Option<&Stored>) -> Result<(), String> {
    let old = old.ok_or_else(|| format!("{source} has no {} called {}", kind.noun(), clean(name)))?;
    plan.title = clean(&format!("Delete {} {name} from {source}", kind.noun())).into_owned();
    plan.calls = vec![clean(&format!("DELETE /{}/{name}", collection(kind))).into_owned()];
    plan.type_name = true;
    if let Some(file) = &old.file {
        let bytes = grouped(file.length);
        plan.irreversible
            .push(format!("Its {bytes} bytes are gone: they cannot be read back through the northbound interface."));
    } else {
        plan.irreversible
            .push("Its text is gone from the server; it is shown below, to be kept if need be.".to_owned());
        plan.diff = lines(&unified(&old.text, ""));
    }
    Ok(())
}

async fn upload(
    plan: &mut Plan,
    path: std::path::PathBuf,
    (meta, source): (&FileMeta, &str),
    old: Option<&Stored>,
) -> Result<(), String> {
    validate::file(meta).map_err(|refusal| refusal.to_string())?;
    let words = path.display().to_string();
    let read = crate::workers::blocking(move || std::fs::File::open(&path).and_then(checksum)).await;
    let sum = read?.map_err(|e| format!("{words}: {e}"))?;
    if sum.bytes == 0 {
        return Err(format!("{words}: the file is empty"));
    }
    let name = &meta.name;
    plan.title = clean(&format!("Upload {name} to {source}")).into_owned();
    plan.calls = vec![clean(&format!("PUT /files/{name} ({} bytes)", grouped(sum.bytes))).into_owned()];
    plan.notes.push(format!("From {}: {} bytes.", clean(&words), grouped(sum.bytes)));
    plan.notes.push(format!("SHA-256 {}", sum.sha256));
    let of = |what: &str, value: &str| {
        if value.is_empty() { format!("{what}: any") } else { format!("{what}: {}", clean(value)) }
    };
    plan.notes.push(format!("{}; {}.", of("type", &meta.file_type), of("version", &meta.version)));
    plan.notes.push(format!("{}; {}.", of("OUI", &meta.oui), of("product class", &meta.product_class)));
    if let Some(file) = old.and_then(|s| s.file.as_ref()) {
        plan.irreversible.push(format!(
            "It replaces the file of that name: {} bytes, uploaded {}{}.",
            grouped(file.length),
            file.uploaded.to_rfc3339(),
            if file.sha256.is_empty() { String::new() } else { format!(", SHA-256 {}", file.sha256) }
        ));
        if file.sha256 == sum.sha256 {
            plan.notes.push("The server has these very bytes already.".to_owned());
        }
    }
    Ok(())
}

/// Who uses the thing, and what that means for them.
fn users(plan: &mut Plan, verb: &StoredVerb, name: &str, all: &[Stored]) {
    let kind = verb.kind();
    let found: Vec<String> = all
        .iter()
        .filter(|s| (s.kind, s.name.as_str()) != (kind, name) && s.uses(kind, name))
        .map(|s| clean(&format!("{} {}", s.kind.noun(), s.name)).into_owned())
        .collect();
    if kind == StoredKind::Preset {
        return;
    }
    if found.is_empty() {
        let users = if kind == StoredKind::Provision { "No preset calls it." } else { "No preset or script names it." };
        plan.notes.push(users.to_owned());
        return;
    }
    let mut names = found.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if found.len() > NAMED {
        names = format!("{names} and {} more", found.len() - NAMED);
    }
    match verb {
        StoredVerb::Delete(StoredKind::Provision) => {
            plan.irreversible.push(format!("{names} call it and do nothing from then on, without a fault."));
        }
        StoredVerb::Delete(_) => plan.irreversible.push(format!("{names} name it and fail from then on.")),
        _ => plan.notes.push(format!("Used by {names}: it takes effect at their next sessions.")),
    }
}

fn lines(diff: &[String]) -> Vec<String> {
    let more = diff.len().saturating_sub(LINES);
    let mut out: Vec<String> = diff.iter().take(LINES).map(|l| clean(l).into_owned()).collect();
    if more > 0 {
        out.push(format!("@@ {more} more lines"));
    }
    out
}

pub(super) const fn collection(kind: StoredKind) -> &'static str {
    match kind {
        StoredKind::Preset => "presets",
        StoredKind::Provision => "provisions",
        StoredKind::VirtualParameter => "virtual_parameters",
        StoredKind::File => "files",
    }
}
