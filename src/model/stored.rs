//! What an auto-configuration server keeps beside devices: presets, provisions, virtual parameters
//! and files, as lists, screens and diffs show them.
//!
//! They are read from the server when they are asked for and are no part of the cache. Values that
//! a preset sets are masked where their parameter is a secret; [`unmask`] puts them back into an
//! edited text before it is sent.

use serde_json::{Map, Value as Json};

use super::ids::{RowId, SourceName};
use super::secret::{MASK, looks_secret};
use super::time::Ts;

/// Kinds of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StoredKind {
    /// When what is done to which devices.
    Preset,
    /// A script that presets call.
    Provision,
    /// A parameter that a script computes.
    VirtualParameter,
    /// Firmware, configuration.
    File,
}

impl StoredKind {
    /// All of them, in the order of tabs.
    pub const ALL: [Self; 4] = [Self::Preset, Self::Provision, Self::VirtualParameter, Self::File];
    /// Their words.
    pub const WORDS: &'static [&'static str] = &["preset", "provision", "vparam", "file"];

    /// As a word of commands and filters.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Preset => "preset",
            Self::Provision => "provision",
            Self::VirtualParameter => "vparam",
            Self::File => "file",
        }
    }

    /// In sentences.
    #[must_use]
    pub const fn noun(self) -> &'static str {
        match self {
            Self::VirtualParameter => "virtual parameter",
            other => other.word(),
        }
    }

    /// Title of its list.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Preset => "Presets",
            Self::Provision => "Provisions",
            Self::VirtualParameter => "Virtual parameters",
            Self::File => "Files",
        }
    }

    /// Ending of a file with its text, for editors.
    #[must_use]
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Preset => "json",
            Self::Provision | Self::VirtualParameter => "js",
            Self::File => "bin",
        }
    }
}

/// What is known of a file: its content cannot be read back through the northbound interface.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileFacts {
    /// `1 Firmware Upgrade Image`.
    pub file_type: String,
    /// The maker it is for; empty for any.
    pub oui: String,
    /// The model it is for; empty for any.
    pub product_class: String,
    /// The version it brings.
    pub version: String,
    /// Bytes.
    pub length: u64,
    /// When it was uploaded, the server's clock.
    pub uploaded: Ts,
    /// SHA-256, when noctule uploaded it; the server keeps none.
    pub sha256: String,
}

/// A thing that a server keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Server.
    pub source: SourceName,
    /// Kind.
    pub kind: StoredKind,
    /// Name, which is its id.
    pub name: String,
    /// The whole text: indented JSON of a preset without its id and with secrets masked, a script;
    /// empty for files.
    pub text: String,
    /// Stands for the text as the server has it, to see later whether somebody changed it.
    pub hash: u64,
    /// Of a file.
    pub file: Option<FileFacts>,
}

/// What one server keeps, or why it does not tell.
pub type StoredList = (SourceName, Result<Vec<Stored>, String>);

/// Stands for a text.
#[must_use]
pub fn hash(text: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(text.as_bytes())
}

impl Stored {
    /// A preset as the server has it.
    #[must_use]
    pub fn preset(source: SourceName, doc: &Json) -> Self {
        let whole = preset_text(doc);
        let mut masked = bare(doc);
        each_secret(&mut masked, &mut |value| *value = Json::from(MASK));
        Self {
            source,
            kind: StoredKind::Preset,
            name: id(doc),
            hash: hash(&whole),
            text: pretty(&Json::Object(masked)),
            file: None,
        }
    }

    /// A script as the server has it.
    #[must_use]
    pub fn script(source: SourceName, kind: StoredKind, doc: &Json) -> Self {
        let text = doc.get("script").and_then(Json::as_str).unwrap_or_default().to_owned();
        Self { source, kind, name: id(doc), hash: hash(&text), text, file: None }
    }

    /// Identity of the row.
    #[must_use]
    pub fn id(&self) -> RowId {
        let key = format!("{}\0{}\0{}", self.source, self.kind.word(), self.name);
        RowId((hash(&key) >> 1) as i64)
    }

    /// The preset as JSON; `null` of anything else and of what cannot be read.
    #[must_use]
    pub fn json(&self) -> Json {
        if self.kind == StoredKind::Preset { serde_json::from_str(&self.text).unwrap_or_default() } else { Json::Null }
    }

    /// What it does, in one line.
    #[must_use]
    pub fn what(&self) -> String {
        match (self.kind, &self.file) {
            (StoredKind::Preset, _) => deeds(&self.json()).join("; "),
            (_, Some(file)) => {
                let parts = [&file.version, &file.product_class, &file.oui];
                parts.iter().filter(|p| !p.is_empty()).map(|p| p.as_str()).collect::<Vec<_>>().join(" ")
            }
            _ => self.text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or_default().to_owned(),
        }
    }

    /// When a preset applies, in words; empty for always.
    #[must_use]
    pub fn when(&self) -> String {
        let json = self.json();
        let mut parts = Vec::new();
        let events: Vec<String> = json
            .get("events")
            .and_then(Json::as_object)
            .into_iter()
            .flatten()
            .map(|(event, on)| if on.as_bool() == Some(false) { format!("not {event}") } else { event.clone() })
            .collect();
        if !events.is_empty() {
            parts.push(events.join(", "));
        }
        for key in ["precondition", "schedule"] {
            if let Some(text) = json.get(key).and_then(Json::as_str).filter(|t| !t.trim().is_empty()) {
                parts.push(text.to_owned());
            }
        }
        parts.join("; ")
    }

    /// Whether it uses another thing: a preset that calls a provision or fetches a file, a script
    /// that names a virtual parameter.
    #[must_use]
    pub fn uses(&self, kind: StoredKind, name: &str) -> bool {
        match kind {
            StoredKind::Provision if self.kind == StoredKind::Preset => {
                calls(&self.json()).any(|called| called == name)
            }
            StoredKind::VirtualParameter => {
                let path = format!("VirtualParameters.{name}");
                self.text.match_indices(&path).any(|(at, found)| {
                    let after = self.text.get(at + found.len()..).and_then(|t| t.chars().next());
                    !after.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '-')
                })
            }
            StoredKind::File => !name.is_empty() && self.kind != StoredKind::File && self.text.contains(name),
            StoredKind::Provision | StoredKind::Preset => false,
        }
    }
}

fn id(doc: &Json) -> String {
    doc.get("_id").and_then(Json::as_str).unwrap_or_default().to_owned()
}

/// The keys of a preset in the order they are shown in, whatever the server's: what it is, when it
/// applies, what it does.
const KEYS: &[&str] = &["weight", "channel", "events", "precondition", "schedule", "configurations"];

/// A preset without its id, in the order of [`KEYS`].
fn bare(doc: &Json) -> Map<String, Json> {
    let Some(map) = doc.as_object() else { return Map::new() };
    let known = KEYS.iter().filter_map(|key| map.get_key_value(*key));
    let others = map.iter().filter(|(key, _)| !KEYS.contains(&key.as_str()) && *key != "_id");
    known.chain(others).map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn pretty(json: &Json) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default()
}

/// A preset as text for comparing and editing: indented, without its id, nothing masked.
#[must_use]
pub fn preset_text(doc: &Json) -> String {
    pretty(&Json::Object(bare(doc)))
}

/// The values that a preset gives to parameters that are secrets.
fn each_secret(preset: &mut Map<String, Json>, each: &mut dyn FnMut(&mut Json)) {
    let all = preset.get_mut("configurations").and_then(Json::as_array_mut).into_iter().flatten();
    for one in all.filter_map(Json::as_object_mut) {
        if one.get("name").and_then(Json::as_str).is_some_and(looks_secret)
            && let Some(value) = one.get_mut("value")
        {
            each(value);
        }
    }
}

/// Whether a text still holds masked secrets.
#[must_use]
pub fn is_masked(text: &str) -> bool {
    text.contains(MASK)
}

/// A preset with its secrets masked, when it can be read.
#[must_use]
pub fn mask(text: &str) -> String {
    match serde_json::from_str::<Json>(text) {
        Ok(json @ Json::Object(_)) => {
            let mut map = bare(&json);
            each_secret(&mut map, &mut |value| *value = Json::from(MASK));
            pretty(&Json::Object(map))
        }
        _ => text.to_owned(),
    }
}

/// An edited preset with the secrets that are still masked as the server has them.
///
/// # Errors
/// The parameter whose secret the server does not have, in words.
pub fn unmask(edited: &str, server: &Json) -> Result<String, String> {
    if !is_masked(edited) {
        return Ok(edited.to_owned());
    }
    let mut new: Json = serde_json::from_str(edited).map_err(|e| format!("the preset is no JSON: {e}"))?;
    let old = server.get("configurations").and_then(Json::as_array);
    for one in new.get_mut("configurations").and_then(Json::as_array_mut).into_iter().flatten() {
        if one.get("value").and_then(Json::as_str) != Some(MASK) {
            continue;
        }
        let name = one.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
        let same = |o: &&Json| o.get("name").and_then(Json::as_str) == Some(&name);
        let value = old.and_then(|all| all.iter().find(same)).and_then(|o| o.get("value")).cloned();
        let value =
            value.ok_or_else(|| format!("{name}: its value is masked, and the server has none: write it out"))?;
        if let Some(slot) = one.get_mut("value") {
            *slot = value;
        }
    }
    let text = pretty(&new);
    if is_masked(&text) { Err("a masked value stands where none was: write it out".to_owned()) } else { Ok(text) }
}

fn calls(preset: &Json) -> impl Iterator<Item = &str> {
    let all = preset.get("configurations").and_then(Json::as_array).into_iter().flatten();
    all.filter(|c| c.get("type").and_then(Json::as_str) == Some("provision"))
        .filter_map(|c| c.get("name").and_then(Json::as_str))
}

/// What a preset does, in words, one a configuration.
fn deeds(preset: &Json) -> Vec<String> {
    let all = preset.get("configurations").and_then(Json::as_array).into_iter().flatten();
    all.map(|one| {
        let text = |key: &str| match one.get(key) {
            Some(Json::String(t)) => t.clone(),
            Some(Json::Null) | None => String::new(),
            Some(other) => other.to_string(),
        };
        match text("type").as_str() {
            "provision" => {
                let args = one.get("args").and_then(Json::as_array).filter(|a| !a.is_empty());
                let args = args.map_or_else(String::new, |a| format!("({})", a.len()));
                format!("runs {}{args}", text("name"))
            }
            "value" => format!("{} = {}", text("name"), text("value")),
            "age" => format!("reads {} every {} s", text("name"), text("age")),
            "add_tag" => format!("tags {}", text("tag")),
            "delete_tag" => format!("untags {}", text("tag")),
            "add_object" => format!("adds {} {}", text("name"), text("object")),
            "delete_object" => format!("removes {} {}", text("name"), text("object")),
            other => format!("{other} {}", text("name")),
        }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn preset() -> Json {
        json!({"_id": "wifi", "weight": 1, "channel": "wifi", "events": {"0 BOOTSTRAP": true},
            "precondition": "Tags.gold IS NOT NULL", "configurations": [
            {"type": "provision", "name": "hourly", "args": null},
            {"type": "value", "name": "Device.WiFi.AccessPoint.1.Security.KeyPassphrase", "value": "hunter22"}]})
    }

    #[test]
    fn a_preset_says_what_it_does_and_hides_its_secrets() {
        let stored = Stored::preset("acs".into(), &preset());
        assert!(!stored.text.contains("hunter22") && !stored.text.contains("_id"), "{}", stored.text);
        assert!(stored.what().starts_with("runs hourly; Device.WiFi") && stored.what().ends_with(MASK));
        assert_eq!(stored.when(), "0 BOOTSTRAP; Tags.gold IS NOT NULL");
        assert!(stored.uses(StoredKind::Provision, "hourly") && !stored.uses(StoredKind::Provision, "hour"));
        let edited = stored.text.replace("\"weight\": 1", "\"weight\": 2");
        let sent: Json = serde_json::from_str(&unmask(&edited, &preset()).unwrap()).unwrap();
        assert_eq!((sent["weight"].as_i64(), sent["configurations"][1]["value"].as_str()), (Some(2), Some("hunter22")));
    }

    #[test]
    fn a_mask_without_a_secret_behind_it_is_never_sent() {
        let stored = Stored::preset("acs".into(), &preset());
        assert!(unmask(&stored.text, &json!({})).unwrap_err().contains("KeyPassphrase"));
        let moved = json!({"configurations": [{"type": "add_tag", "tag": MASK}]}).to_string();
        assert!(unmask(&moved, &preset()).is_err());
    }

    #[test]
    fn a_script_uses_whole_names_only() {
        let doc = json!({"_id": "x", "script": "\n  declare('VirtualParameters.ssid2', {});"});
        let script = Stored::script("acs".into(), StoredKind::Provision, &doc);
        assert!(script.uses(StoredKind::VirtualParameter, "ssid2"));
        assert!(!script.uses(StoredKind::VirtualParameter, "ssid"));
        assert_eq!(script.what(), "declare('VirtualParameters.ssid2', {});");
    }
}
