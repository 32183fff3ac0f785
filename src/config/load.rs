//! Reads and merges the layers.

use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::{Table, Value};

use super::check::{self, Places, check};
use super::dirs::Dirs;
use super::schema::{Config, Profile, Source};
use super::{Error, Problem, Vars, env, file_name, folder_of};
use crate::model::place::{Place, nearest};

/// The system's file, below the user's.
const SYSTEM: &str = "/etc/noctule/noctule.toml";

/// What the command line says; the topmost layer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--config`: read this file and no other.
    pub config: Option<PathBuf>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--read-only`: refuse changes even where the profile allows them.
    pub read_only: bool,
    /// `--theme`.
    pub theme: Option<String>,
    /// `--colour`: a word of [`super::schema::Colour`].
    pub colour: Option<String>,
    /// `--glyphs`: a word of [`super::schema::Glyphs`].
    pub glyphs: Option<String>,
}

/// The merged configuration and where it came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// All layers merged; `ui.theme` already holds the profile's, the variables' or the flags' theme.
    /// Paths are absolute.
    pub config: Config,
    /// The profile in force, with variables and flags applied.
    pub profile: Profile,
    /// Its name.
    pub profile_name: String,
    /// Files that were read.
    pub files: Vec<PathBuf>,
    /// Folders.
    pub dirs: Dirs,
    /// What is odd but no error, to be shown once.
    pub notes: Vec<String>,
}

impl Loaded {
    /// A configuration that comes from no file (the demo's, a test's), with the right to write.
    #[must_use]
    pub fn of(config: Config, profile_name: &str, dirs: Dirs) -> Self {
        let profile = Profile { read_only: false, ..Profile::default() };
        let profile = config.profile.get(profile_name).cloned().unwrap_or(profile);
        Self { config, profile, profile_name: profile_name.to_owned(), files: Vec::new(), dirs, notes: Vec::new() }
    }

    /// The cache file of the profile.
    #[must_use]
    pub fn cache_path(&self) -> PathBuf {
        match (&self.config.cache.path, self.profile_name.as_str()) {
            (Some(path), _) => PathBuf::from(path),
            (None, "default") => self.dirs.data.join("noctule.db"),
            (None, name) => self.dirs.data.join(format!("noctule-{name}.db")),
        }
    }

    /// Sources of the profile.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        let only = &self.profile.sources;
        self.config.sources.iter().filter(move |s| only.is_empty() || only.contains(&s.name))
    }

    /// Name written into actions: the profile's, else the login name.
    #[must_use]
    pub fn operator(&self, vars: &Vars) -> String {
        let login = || vars.get("USER").or_else(|| vars.get("LOGNAME"));
        let name = self.profile.operator.as_deref().or_else(login).unwrap_or("operator");
        crate::model::text::clean(name).into_owned()
    }

    /// Whether there is nothing to watch and no file says so: the first run.
    #[must_use]
    pub fn is_first_run(&self) -> bool {
        self.files.is_empty() && self.config.sources.is_empty()
    }
}

/// Loads all layers.
///
/// # Errors
/// Everything that is wrong in any of them.
pub fn load(flags: &Flags, vars: &Vars) -> Result<Loaded, Error> {
    let dirs = Dirs::detect(vars).map_err(|e| Error::one("environment", e.to_string()))?;
    let mut layers = Layers::default();
    for (path, required) in files(flags, vars, &dirs) {
        layers.file(&path, required, &dirs);
    }
    layers.variables(vars);
    layers.flags(flags);
    layers.finish(flags, vars, dirs)
}

/// Checks one text as `noctule config check FILE` does, without any other layer.
///
/// # Errors
/// Everything that is wrong in it.
pub fn check_text(origin: &str, text: &str) -> Result<Config, Error> {
    let mut layers = Layers::default();
    let dirs = Dirs { config: "/".into(), data: "/".into(), state: "/".into(), home: "/".into() };
    layers.text(origin, text, Path::new(""), &dirs);
    layers.finish(&Flags::default(), &Vars::default(), dirs).map(|l| l.config)
}

/// The files to read, and whether each has to exist.
fn files(flags: &Flags, vars: &Vars, dirs: &Dirs) -> Vec<(PathBuf, bool)> {
    if let Some(path) = flags.config.clone().or_else(|| vars.get("NOCTULE_CONFIG").map(PathBuf::from)) {
        // The first run may write it.
        let required = flags.config.is_some();
        return vec![(path, required)];
    }
    vec![(PathBuf::from(SYSTEM), false), (dirs.config_file(), false)]
}

#[derive(Default)]
struct Layers {
    merged: Table,
    above: Table,
    problems: Vec<Problem>,
    places: Vec<(String, Places)>,
    files: Vec<PathBuf>,
    notes: Vec<String>,
}

impl Layers {
    fn file(&mut self, path: &Path, required: bool, dirs: &Dirs) {
        let origin = file_name(path);
        match std::fs::read_to_string(path) {
            Ok(text) => {
                self.files.push(path.to_path_buf());
                let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
                self.text(&origin, &text, &folder_of(&absolute), dirs);
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !required => {}
            Err(e) => self.problems.push(Problem { origin, place: None, message: format!("cannot be read: {e}") }),
        }
    }

    fn text(&mut self, origin: &str, text: &str, folder: &Path, dirs: &Dirs) {
        let checked = check(origin, text);
        self.problems.extend(checked.problems);
        if !checked.readable {
            return;
        }
        match text.parse::<Table>() {
            Ok(mut table) => {
                check::each_path(&mut table, &|written| dirs.resolve(folder, written).display().to_string());
                self.twice(origin, &table, &checked.places);
                merge(&mut self.merged, table);
                self.places.push((origin.to_owned(), checked.places));
            }
            Err(e) => self.problems.push(Problem { origin: origin.to_owned(), place: None, message: e.to_string() }),
        }
    }

    /// Source names are unique within a file; a later file replaces a source of the same name.
    fn twice(&mut self, origin: &str, table: &Table, places: &Places) {
        let mut seen = std::collections::HashSet::new();
        for (i, name) in source_names(table).enumerate() {
            if !seen.insert(name.to_owned()) {
                let place = places.get(&format!("source[{i}].name")).copied();
                let message = format!("there is a source {name} above already; every source has its own name");
                self.problems.push(Problem { origin: origin.to_owned(), place, message });
            }
        }
    }

    fn variables(&mut self, vars: &Vars) {
        let read = env::read(vars);
        self.problems.extend(read.problems);
        self.notes.extend(read.notes);
        merge(&mut self.above, read.table);
    }

    fn flags(&mut self, flags: &Flags) {
        let mut ui = Table::new();
        for (key, value) in [("theme", &flags.theme), ("colour", &flags.colour), ("glyphs", &flags.glyphs)] {
            if let Some(value) = value {
                ui.insert(key.to_owned(), Value::String(value.clone()));
            }
        }
        let table = Table::from_iter([("ui".to_owned(), Value::Table(ui))]);
        for problem in check("command line", &table.to_string()).problems {
            self.problems.push(Problem { place: None, ..problem });
        }
        merge(&mut self.above, table);
    }

    fn place_of(&self, path: &str) -> Option<(String, Place)> {
        self.places.iter().rev().find_map(|(origin, places)| Some((origin.clone(), *places.get(path)?)))
    }

    fn refer(&mut self, path: &str, message: String) {
        let (origin, place) =
            self.place_of(path).map_or_else(|| (path.to_owned(), None), |(origin, place)| (origin, Some(place)));
        self.problems.push(Problem { origin, place, message });
    }

    /// Names that have to exist: the default profile, the sources of profiles.
    fn references(&mut self) {
        let sources: Vec<String> = source_names(&self.merged).map(str::to_owned).collect();
        let profiles = self.merged.get("profile").and_then(Value::as_table).cloned().unwrap_or_default();
        if let Some(name) = self.merged.get("default_profile").and_then(Value::as_str).map(str::to_owned)
            && name != "default"
            && !profiles.contains_key(&name)
        {
            let message = no_such("profile", &name, &profiles.keys().map(String::as_str).collect::<Vec<_>>());
            self.refer("default_profile", message);
        }
        for (profile, settings) in &profiles {
            let list = settings.get("sources").and_then(Value::as_array).into_iter().flatten();
            for (i, name) in list.filter_map(Value::as_str).enumerate() {
                if !sources.iter().any(|s| s == name) {
                    let message = no_such("source", name, &sources.iter().map(String::as_str).collect::<Vec<_>>());
                    self.refer(&format!("profile.{profile}.sources[{i}]"), message);
                }
            }
        }
    }

    fn finish(mut self, flags: &Flags, vars: &Vars, dirs: Dirs) -> Result<Loaded, Error> {
        self.references();
        if !self.problems.is_empty() {
            return Err(Error { problems: self.problems });
        }
        let default = self.merged.get("default_profile").and_then(Value::as_str);
        let variable = vars.get("NOCTULE_PROFILE");
        let name = flags.profile.as_deref().or(variable).or(default).unwrap_or("default").to_owned();
        let profiles = self.merged.get("profile").and_then(Value::as_table);
        let own = profiles.and_then(|p| p.get(&name)).and_then(Value::as_table).cloned();
        if own.is_none() && name != "default" {
            let origin = if flags.profile.is_some() { "--profile" } else { "NOCTULE_PROFILE" };
            let known: Vec<_> = profiles.into_iter().flatten().map(|(k, _)| k.as_str()).collect();
            return Err(Error::one(origin, no_such("profile", &name, &known)));
        }
        let theme = own.as_ref().and_then(|p| p.get("theme")).cloned();
        if let Some(theme) = theme {
            let ui = Table::from_iter([("theme".to_owned(), theme)]);
            merge(&mut self.merged, Table::from_iter([("ui".to_owned(), Value::Table(ui))]));
        }
        merge(&mut self.merged, self.above);
        let config =
            Config::deserialize(self.merged).map_err(|e| Error::one("configuration", e.message().to_owned()))?;
        let mut profile = config.profile.get(&name).cloned().unwrap_or_default();
        env::apply(vars, &mut profile)?;
        profile.read_only |= flags.read_only;
        Ok(Loaded { config, profile, profile_name: name, files: self.files, dirs, notes: self.notes })
    }
}

fn no_such(what: &str, name: &str, known: &[&str]) -> String {
    let name = crate::model::text::clean(name);
    match nearest(&name, known.iter().copied()) {
        Some(near) => format!("there is no {what} {name}; did you mean {near}?"),
        None if known.is_empty() => format!("there is no {what} {name}, nor any other"),
        None => format!("there is no {what} {name}; there are: {}", known.join(", ")),
    }
}

fn source_names(table: &Table) -> impl Iterator<Item = &str> {
    let sources = table.get("source").and_then(Value::as_array).into_iter().flatten();
    sources.filter_map(|s| s.get("name")?.as_str())
}

/// Lays `above` over `base`: tables key by key, sources by name, everything else whole.
pub(super) fn merge(base: &mut Table, above: Table) {
    for (key, value) in above {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(old)), Value::Table(new)) => merge(old, new),
            (Some(Value::Array(old)), Value::Array(new)) if key == "source" => {
                for source in new {
                    let same = |s: &&mut Value| s.get("name").is_some() && s.get("name") == source.get("name");
                    match old.iter_mut().find(same) {
                        Some(place) => *place = source,
                        None => old.push(source),
                    }
                }
            }
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}
