//! Reads and merges the layers.

use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::{Table, Value};

use super::check::{self, Places, check};
use super::dirs::Dirs;
use super::schema::{Config, Pictures, Profile, Source};
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

    /// What is wrong only together: two logins in one header, bounds in the wrong order.
    fn combinations(&mut self) {
        let sources: Vec<Value> = self.merged.get("source").and_then(Value::as_array).cloned().unwrap_or_default();
        for (i, source) in sources.iter().enumerate() {
            let kind = source.get("kind").and_then(Value::as_str).unwrap_or_default();
            if !matches!(kind, "genieacs" | "prometheus" | "alertmanager") {
                continue;
            }
            let auth = source.get("auth");
            if auth.and_then(|a| a.get("basic")).is_some() && auth.and_then(|a| a.get("bearer")).is_some() {
                let message = "basic and bearer are both sent in the header Authorization: keep one".to_owned();
                self.refer(&format!("source[{i}].auth.bearer"), message);
            }
            if kind != "genieacs" {
                continue;
            }
            let number = |key: &str, default| source.get(key).and_then(Value::as_integer).unwrap_or(default);
            let acs = super::schema::Genieacs::new("");
            if number("offline_s", acs.offline_s as i64) <= number("online_s", acs.online_s as i64) {
                let key = if source.get("offline_s").is_some() { "offline_s" } else { "online_s" };
                let message = "offline_s is longer than online_s: a CPE is online, then late, then offline".to_owned();
                self.refer(&format!("source[{i}].{key}"), message);
            }
        }
    }

    fn finish(mut self, flags: &Flags, vars: &Vars, dirs: Dirs) -> Result<Loaded, Error> {
        self.references();
        self.combinations();
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
        let mut notes = self.notes;
        if !cfg!(feature = "graphics") && matches!(config.ui.pictures, Pictures::Kitty | Pictures::Sixel) {
            notes.push(
                "ui.pictures asks for pixels and this noctule has half blocks only: build it with --features graphics"
                    .to_owned(),
            );
        }
        Ok(Loaded { config, profile, profile_name: name, files: self.files, dirs, notes })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::schema::{Colour, Glyphs, SourceKind};

    /// A home with files in it.
    fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = home.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        home
    }

    fn vars(home: &tempfile::TempDir, more: &[(&str, &str)]) -> Vars {
        let home = home.path().to_str().unwrap();
        std::iter::once(("HOME", home)).chain(more.iter().copied()).collect()
    }

    const FILE: &str = ".config/noctule/noctule.toml";
    const TEXT: &str = "default_profile = \"night\"\n[ui]\ntheme = \"tty\"\nmouse = false\n[inventory]\nfile = \"inv.csv\"\n\
        [profile.night]\nread_only = false\ntheme = \"high-contrast\"\nsources = [\"v2\"]\n[profile.day]\n\
        [[source]]\nname = \"v1\"\nkind = \"voltha\"\ngrpc = \"http://a:1\"\n\
        [[source]]\nname = \"v2\"\nkind = \"voltha\"\ngrpc = \"http://b:1\"\n";

    #[test]
    fn nothing_at_all_is_a_first_run() {
        let home = home(&[]);
        let loaded = load(&Flags::default(), &vars(&home, &[])).unwrap();
        assert!(loaded.is_first_run() && loaded.profile.read_only, "a new profile is read-only");
        assert_eq!(loaded.cache_path(), home.path().join(".local/share/noctule/noctule.db"));
    }

    #[test]
    fn each_layer_lies_over_the_one_before() {
        let home = home(&[(FILE, TEXT)]);
        let theme = |flags: &Flags, more: &[(&str, &str)]| load(flags, &vars(&home, more)).unwrap().config.ui.theme;
        let day = Flags { profile: Some("day".into()), ..Flags::default() };
        let flag = Flags { theme: Some("mine".into()), ..Flags::default() };
        assert_eq!(theme(&day, &[]), "tty", "the file's");
        assert_eq!(theme(&Flags::default(), &[]), "high-contrast", "the profile's");
        assert_eq!(theme(&Flags::default(), &[("NOCTULE_UI_THEME", "env")]), "env");
        assert_eq!(theme(&flag, &[("NOCTULE_UI_THEME", "env")]), "mine");

        let loaded = load(&Flags::default(), &vars(&home, &[])).unwrap();
        assert!(!loaded.config.ui.mouse && loaded.config.ui.clock, "what a layer does not say stays");
        assert_eq!(loaded.sources().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["v2"]);
        assert_eq!(loaded.cache_path(), home.path().join(".local/share/noctule/noctule-night.db"));
        assert_eq!(
            loaded.config.inventory.file,
            Some(home.path().join(".config/noctule/inv.csv").display().to_string())
        );
        assert!(!loaded.is_first_run() && !loaded.profile.read_only);
    }

    #[test]
    fn rights_come_from_the_profile_and_can_be_taken_away() {
        let home = home(&[(FILE, TEXT)]);
        let read_only =
            |flags: Flags, more: &[(&str, &str)]| load(&flags, &vars(&home, more)).unwrap().profile.read_only;
        let flag = Flags { read_only: true, ..Flags::default() };
        assert!(!read_only(Flags::default(), &[]));
        assert!(read_only(flag.clone(), &[]) && read_only(flag, &[("NOCTULE_READ_ONLY", "no")]));
        assert!(read_only(Flags::default(), &[("NOCTULE_READ_ONLY", "1")]));
        assert!(read_only(Flags::default(), &[("NOCTULE_PROFILE", "day")]), "not said: read-only");
        let loaded = load(&Flags::default(), &vars(&home, &[("USER", "bo\u{1b}[2Jb")])).unwrap();
        assert_eq!(loaded.operator(&vars(&home, &[("USER", "bo\u{1b}[2Jb")])), "bob", "sanitised");
    }

    #[test]
    fn pixels_that_were_not_built_in_are_noted() {
        let home = home(&[]);
        let notes = |value| load(&Flags::default(), &vars(&home, &[("NOCTULE_UI_PICTURES", value)])).unwrap().notes;
        let said = notes("sixel").iter().any(|note| note.contains("--features graphics"));
        assert_eq!(said, !cfg!(feature = "graphics"));
        assert_eq!((notes("blocks").len(), notes("auto").len()), (0, 0));
    }

    #[test]
    fn variables_have_types_and_slips_are_noted() {
        let home = home(&[]);
        let set = [
            ("NOCTULE_UI_MOUSE", "no"),
            ("NOCTULE_UI_WHICH_KEY_MS", "50"),
            ("NOCTULE_UI_COLOUR", "16"),
            ("NOCTULE_CACHE_MAX_SIZE", "1GiB"),
            ("NOCTULE_KAFKA_PASSWORD", "secret"),
            ("NOCTULE_UI_TEHME", "tty"),
        ];
        let loaded = load(&Flags { glyphs: Some("ascii".into()), ..Flags::default() }, &vars(&home, &set)).unwrap();
        let ui = &loaded.config.ui;
        assert_eq!((ui.mouse, ui.which_key_ms, ui.colour, ui.glyphs), (false, 50, Colour::Ansi16, Glyphs::Ascii));
        assert_eq!(loaded.config.cache.max_bytes(), 1 << 30);
        assert_eq!(loaded.notes, ["the variable NOCTULE_UI_TEHME means nothing; did you mean NOCTULE_UI_THEME?"]);
        let wrong = [("NOCTULE_UI_MOUSE", "mickey"), ("NOCTULE_CACHE_KEEP", "long"), ("NOCTULE_UI_GLYPHS", "runes")];
        let told = load(&Flags::default(), &vars(&home, &wrong)).unwrap_err().to_string();
        assert_eq!(told.lines().count(), 3, "{told}");
        assert!(told.contains("NOCTULE_UI_MOUSE: mouse takes true or false"), "{told}");
    }

    #[test]
    fn all_files_are_told_at_once_and_names_have_to_exist() {
        let home = home(&[(FILE, TEXT)]);
        let named = |name: &str| Flags { profile: Some(name.into()), ..Flags::default() };
        let told = load(&named("nihgt"), &vars(&home, &[])).unwrap_err().to_string();
        assert_eq!(told, "--profile: there is no profile nihgt; did you mean night?");
        let told = load(&Flags::default(), &vars(&home, &[("NOCTULE_PROFILE", "x")])).unwrap_err().to_string();
        assert_eq!(told, "NOCTULE_PROFILE: there is no profile x; there are: night, day");
        let flags = Flags { config: Some("/nowhere/x.toml".into()), colour: Some("pink".into()), ..Flags::default() };
        let told = load(&flags, &vars(&home, &[])).unwrap_err();
        assert_eq!(told.problems.len(), 2, "{told}");
    }

    #[test]
    fn a_named_file_stands_alone_and_a_later_source_replaces_an_earlier() {
        let home = home(&[(FILE, TEXT), ("other.toml", "[ui]\nclock = false\n")]);
        let file = home.path().join("other.toml");
        for (flags, more) in [
            (Flags { config: Some(file.clone()), ..Flags::default() }, None),
            (Flags::default(), Some(("NOCTULE_CONFIG", file.to_str().unwrap()))),
        ] {
            let loaded = load(&flags, &vars(&home, more.as_slice())).unwrap();
            assert_eq!((loaded.files.clone(), loaded.config.sources.len()), (vec![file.clone()], 0));
        }
        let mut base: Table = TEXT.parse().unwrap();
        let over = "[[source]]\nname = \"v2\"\nkind = \"voltha\"\ngrpc = \"http://c:1\"\n[[source]]\nname = \"v3\"\n";
        merge(&mut base, over.parse().unwrap());
        assert_eq!(source_names(&base).collect::<Vec<_>>(), ["v1", "v2", "v3"]);
        assert_eq!(base["source"][1]["grpc"].as_str(), Some("http://c:1"));
    }

    #[test]
    fn paths_are_beside_the_file() {
        let text = "[[source]]\nname = \"v\"\nkind = \"voltha\"\ngrpc = \"http://a:1\"\n\
            tls = { ca = \"ca.pem\", cert = \"~/c.pem\", key = \"file:keys/k\" }\n";
        let home = home(&[(FILE, text)]);
        let loaded = load(&Flags::default(), &vars(&home, &[])).unwrap();
        let SourceKind::Voltha(v) = &loaded.config.sources[0].kind else { panic!("another kind") };
        let at = |p: &str| home.path().join(p).display().to_string();
        assert_eq!(v.tls.ca, Some(at(".config/noctule/ca.pem")));
        assert_eq!(v.tls.cert, Some(at("c.pem")));
        assert_eq!(v.tls.key.as_ref().unwrap().reference(), format!("file:{}", at(".config/noctule/keys/k")));
    }
}
