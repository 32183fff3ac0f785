//! `noctule config check|example|schema|path`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

use super::Start;
use super::args::ConfigCommand;
use super::dashboard::keymap_of;
use super::exit::{Code, Failure};
use crate::config::{Dirs, check_text, schema_json};
use crate::model::text::counted;
use crate::theme::Depth;

/// The commented example.
const EXAMPLE: &str = include_str!("../../config/noctule.example.toml");

/// Runs a command of `config`.
pub(super) fn run(start: &Start, command: &ConfigCommand) -> Result<Code, Failure> {
    let text = match command {
        ConfigCommand::Check { file: Some(file) } => check_file(file)?,
        ConfigCommand::Check { file: None } => check_all(start)?,
        ConfigCommand::Example => EXAMPLE.to_owned(),
        ConfigCommand::Schema => schema_json(),
        ConfigCommand::Path => paths(start)?,
    };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(Code::Done)
}

fn check_file(file: &Path) -> Result<String, Failure> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|e| Failure::usage(format!("{name}: cannot be read: {e}")))?;
    let config = check_text(&name, &text)?;
    let sources = counted(config.sources.len() as u64, "source", "sources");
    Ok(format!("{name}: good, {sources}, {}\n", counted(config.profile.len() as u64, "profile", "profiles")))
}

/// Checks all layers, and the files they name.
fn check_all(start: &Start) -> Result<String, Failure> {
    let loaded = start.load()?;
    let mut out = String::new();
    for file in &loaded.files {
        let _ = writeln!(out, "{}: good", file.display());
    }
    if loaded.files.is_empty() {
        let _ = writeln!(out, "no configuration file; {} would be read", loaded.dirs.config_file().display());
    }
    for note in &loaded.notes {
        let _ = writeln!(out, "note: {note}");
    }
    let mut problems = Vec::new();
    let types = loaded.config.alarm_types.as_deref().map(Path::new);
    match crate::config::alarm_types::load(types) {
        Ok(types) => {
            let sources = counted(loaded.sources().count() as u64, "source", "sources");
            let types = counted(types.by_id.len() as u64, "alarm type", "alarm types");
            let _ = writeln!(out, "profile {}, {sources}, {types}", loaded.profile_name);
        }
        Err(e) => problems.push(e.to_string()),
    }
    if let Err(e) = crate::theme::load::load(&loaded.config.ui.theme, Some(&loaded.dirs.themes()), Depth::True) {
        problems.push(format!("ui.theme: {e}"));
    }
    problems.extend(keymap_of(&loaded).err().map(|e| e.message));
    if let Some(file) = &loaded.config.inventory.file {
        let inventory = crate::config::inventory::load(Path::new(file));
        let _ = writeln!(out, "{file}: {}", counted(inventory.items.len() as u64, "device", "devices"));
        problems.extend(inventory.errors.iter().map(|e| format!("{file}: {e}")));
    }
    if problems.is_empty() { Ok(out) } else { Err(Failure::usage(problems.join("\n"))) }
}

fn paths(start: &Start) -> Result<String, Failure> {
    let dirs = Dirs::detect(&start.vars).map_err(|e| Failure::usage(e.to_string()))?;
    let variable = start.vars.get("NOCTULE_CONFIG").map(Into::into);
    let config = start.global.config.clone().or(variable).unwrap_or_else(|| dirs.config_file());
    let rows = [
        ("configuration", config),
        ("themes", dirs.themes()),
        ("data", dirs.data.clone()),
        ("log", dirs.state.join("noctule.log")),
        ("crash files", dirs.crashes()),
    ];
    Ok(rows.iter().fold(String::new(), |mut out, (what, path)| {
        let _ = writeln!(out, "{what:<14} {}", path.display());
        out
    }))
}
