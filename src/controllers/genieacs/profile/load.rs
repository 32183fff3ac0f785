//! Reads profiles: the shipped ones, then the user's folder over them. Whatever is wrong is told
//! with file, line and column, all at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::{Place, Profile, Profiles, Purpose, Root, Unit};
use crate::config::Problem;
use crate::model::place::{Place as At, nearest};

/// The shipped profiles.
const SHIPPED: &[(&str, &str)] = &[
    ("tr-098.toml", include_str!("../../../../assets/cpe-profiles/tr-098.toml")),
    ("tr-181.toml", include_str!("../../../../assets/cpe-profiles/tr-181.toml")),
    ("ct-com.toml", include_str!("../../../../assets/cpe-profiles/ct-com.toml")),
    ("fiberhome.toml", include_str!("../../../../assets/cpe-profiles/fiberhome.toml")),
    ("huawei.toml", include_str!("../../../../assets/cpe-profiles/huawei.toml")),
    ("zte.toml", include_str!("../../../../assets/cpe-profiles/zte.toml")),
];

/// Everything that is wrong with the profiles; prints one a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The problems, in the order of the files.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Error {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Spanned<String>,
    root: Option<Spanned<String>>,
    extends: Option<Spanned<String>>,
    #[serde(default)]
    every: bool,
    #[serde(default)]
    secrets: Vec<String>,
    #[serde(default)]
    keep: Vec<Spanned<String>>,
    #[serde(default, rename = "match")]
    matches: Match,
    #[serde(default)]
    paths: BTreeMap<Spanned<String>, Spanned<Entry>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Match {
    manufacturer: Vec<String>,
    product_class: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Entry {
    One(String),
    Several(Vec<String>),
    Whole(Whole),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Whole {
    path: OneOrMore,
    unit: Option<String>,
    #[serde(default)]
    secret: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    Several(Vec<String>),
}

/// A profile as one file tells it.
struct Told {
    root: Option<Root>,
    extends: Option<String>,
    every: bool,
    secrets: Vec<String>,
    manufacturer: Vec<String>,
    product_class: Vec<String>,
    places: BTreeMap<Purpose, Vec<Place>>,
    keep: Vec<Keep>,
    own: bool,
    /// Where it is told, for problems.
    origin: String,
    at: Option<At>,
}

/// What the cache keeps besides the row of a device.
#[derive(Clone)]
enum Keep {
    /// Wherever the profile has it.
    Use(Purpose),
    Path(String),
}

impl Keep {
    fn read(word: &str) -> Result<Self, String> {
        if let Some(purpose) = Purpose::parse(word) {
            return Ok(Self::Use(purpose));
        }
        if word.contains('.') {
            return path(word).map(|()| Self::Path(word.to_owned()));
        }
        let near = nearest(word, Purpose::ALL.iter().map(|p| p.word()));
        let advice = near.map_or_else(String::new, |n| format!("; did you mean {n}?"));
        Err(format!("keep: {word} is neither a path nor a use that noctule knows{advice}"))
    }

    fn paths(&self, places: &BTreeMap<Purpose, Vec<Place>>) -> Vec<String> {
        match self {
            Self::Path(path) => vec![path.clone()],
            Self::Use(purpose) => places.get(purpose).into_iter().flatten().map(|p| p.path.clone()).collect(),
        }
    }
}

impl Profiles {
    /// The shipped profiles with those of a folder over them (`*.toml`, by name).
    ///
    /// # Errors
    /// When a file cannot be read or does not fit, with the places.
    pub fn load(folder: Option<&Path>) -> Result<Self, Error> {
        let mut files = Vec::new();
        if let Some(folder) = folder {
            let problem = |path: &Path, e: &std::io::Error| {
                let origin = path.display().to_string();
                Error { problems: vec![Problem { origin, place: None, message: format!("cannot be read: {e}") }] }
            };
            let entries = std::fs::read_dir(folder).map_err(|e| problem(folder, &e))?;
            let mut paths: Vec<_> = entries
                .filter_map(|e| Some(e.ok()?.path()))
                .filter(|p| p.extension().is_some_and(|e| e == "toml"))
                .collect();
            paths.sort();
            for path in paths {
                let text = std::fs::read_to_string(&path).map_err(|e| problem(&path, &e))?;
                files.push((path.display().to_string(), text));
            }
        }
        let files: Vec<_> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        Self::parse(&files)
    }

    /// The same from names and texts.
    ///
    /// # Errors
    /// When a text does not fit, with the places.
    pub fn parse(user: &[(&str, &str)]) -> Result<Self, Error> {
        let mut problems = Vec::new();
        let mut told: BTreeMap<String, Told> = BTreeMap::new();
        for (own, files) in [(false, SHIPPED), (true, user)] {
            for (origin, text) in files {
                file(origin, text, own, &mut told, &mut problems);
            }
        }
        let mut all = Vec::new();
        for (name, one) in told.iter().filter(|(_, t)| !t.every) {
            match resolve(name, one, &told) {
                Ok(profile) => all.push(profile),
                Err(message) => problems.push(Problem { origin: one.origin.clone(), place: one.at, message }),
            }
        }
        for every in told.values().filter(|t| t.every) {
            for profile in &mut all {
                profile.secrets.extend(every.secrets.iter().cloned());
                for (purpose, places) in &every.places {
                    let behind = profile.places.entry(*purpose).or_default();
                    behind.splice(0..0, places.iter().cloned());
                }
                profile.keep.extend(every.keep.iter().flat_map(|k| k.paths(&profile.places)));
            }
        }
        if problems.is_empty() { Ok(Self { all }) } else { Err(Error { problems }) }
    }
}

fn file(origin: &str, text: &str, own: bool, told: &mut BTreeMap<String, Told>, problems: &mut Vec<Problem>) {
    let mut problem = |span: Option<std::ops::Range<usize>>, message: String| {
        let place = span.map(|s| At::at(text, s.start));
        problems.push(Problem { origin: origin.to_owned(), place, message });
    };
    let file: File = match toml::from_str(text) {
        Ok(file) => file,
        Err(e) => return problem(e.span(), e.message().to_owned()),
    };
    let root = match file.root.as_ref().map(|r| (r.span(), r.get_ref().as_str())) {
        None => None,
        Some((_, "InternetGatewayDevice")) => Some(Root::Tr098),
        Some((_, "Device")) => Some(Root::Tr181),
        Some((span, _)) => {
            problem(Some(span), "root is InternetGatewayDevice or Device".to_owned());
            None
        }
    };
    let mut places = BTreeMap::new();
    for (key, entry) in &file.paths {
        let Some(purpose) = Purpose::parse(key.get_ref()) else {
            let near = nearest(key.get_ref(), Purpose::ALL.iter().map(|p| p.word()));
            let advice = near.map_or_else(String::new, |n| format!("; did you mean {n}?"));
            problem(Some(key.span()), format!("{} is nothing that noctule knows a use for{advice}", key.get_ref()));
            continue;
        };
        match entry_places(purpose, entry.get_ref()) {
            Ok(found) => drop(places.insert(purpose, found)),
            Err(why) => problem(Some(entry.span()), format!("{}: {why}", purpose.word())),
        }
    }
    let mut keep = Vec::new();
    for word in &file.keep {
        match Keep::read(word.get_ref()) {
            Ok(one) => keep.push(one),
            Err(why) => problem(Some(word.span()), why),
        }
    }
    let name = file.name.get_ref().clone();
    let at = Some(At::at(text, file.name.span().start));
    let new = Told {
        root,
        extends: file.extends.map(Spanned::into_inner),
        every: file.every,
        secrets: file.secrets,
        manufacturer: file.matches.manufacturer,
        product_class: file.matches.product_class,
        places,
        keep,
        own,
        origin: origin.to_owned(),
        at,
    };
    match told.remove(&name) {
        None => drop(told.insert(name, new)),
        Some(old) if old.own && new.own => {
            problem(Some(file.name.span()), format!("{} tells the profile {name} already", old.origin));
        }
        Some(old) => drop(told.insert(name, over(old, new))),
    }
}

/// The user's file over the shipped one, key by key.
fn over(old: Told, new: Told) -> Told {
    let mut places = old.places;
    places.extend(new.places);
    let mut secrets = old.secrets;
    secrets.extend(new.secrets);
    let mut keep = old.keep;
    keep.extend(new.keep);
    let or = |new: Vec<String>, old: Vec<String>| if new.is_empty() { old } else { new };
    Told {
        root: new.root.or(old.root),
        extends: new.extends.or(old.extends),
        secrets,
        manufacturer: or(new.manufacturer, old.manufacturer),
        product_class: or(new.product_class, old.product_class),
        places,
        keep,
        ..new
    }
}

fn entry_places(purpose: Purpose, entry: &Entry) -> Result<Vec<Place>, String> {
    let (paths, unit, secret) = match entry {
        Entry::One(path) => (vec![path.clone()], None, false),
        Entry::Several(paths) => (paths.clone(), None, false),
        Entry::Whole(Whole { path, unit, secret }) => {
            let paths = match path {
                OneOrMore::One(path) => vec![path.clone()],
                OneOrMore::Several(paths) => paths.clone(),
            };
            (paths, unit.as_deref(), *secret)
        }
    };
    if paths.is_empty() {
        return Err("at least one path belongs there".to_owned());
    }
    let unit = match unit {
        None => Unit::Plain,
        Some(word) => Unit::parse(word).ok_or_else(|| format!("a unit is one of {}", Unit::words().join(", ")))?,
    };
    let secret = secret
        || matches!(purpose, Purpose::WifiPassword | Purpose::WifiPassword5 | Purpose::PppoePassword)
        || purpose == Purpose::PokePassword;
    paths.iter().try_for_each(|p| path(p))?;
    Ok(paths.into_iter().map(|path| Place { path, unit, secret }).collect())
}

fn path(path: &str) -> Result<(), String> {
    let good = |part: &str| {
        part == "*" || (!part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c)))
    };
    if path.split('.').all(good) && path.split('.').count() >= 2 { Ok(()) } else { Err(format!("{path:?} is no path")) }
}

/// A profile with everything it extends.
fn resolve(name: &str, one: &Told, told: &BTreeMap<String, Told>) -> Result<Profile, String> {
    let mut chain = vec![one];
    let mut seen = BTreeSet::from([name]);
    while let Some(next) = chain.last().and_then(|t| t.extends.as_deref()) {
        if !seen.insert(next) {
            return Err(format!("the profile {name} extends itself"));
        }
        match told.get(next).filter(|t| !t.every) {
            Some(base) => chain.push(base),
            None => return Err(format!("there is no profile {next}")),
        }
    }
    let Some(root) = chain.iter().find_map(|t| t.root) else {
        return Err(format!("the profile {name} needs root: InternetGatewayDevice or Device"));
    };
    let mut places = BTreeMap::new();
    let (mut secrets, mut keep) = (Vec::new(), Vec::new());
    for told in chain.iter().rev() {
        places.extend(told.places.iter().map(|(p, v)| (*p, v.clone())));
        secrets.extend(told.secrets.iter().cloned());
        keep.extend(told.keep.iter().cloned());
    }
    let keep = keep.iter().flat_map(|k| k.paths(&places)).collect();
    let other = if root == Root::Tr098 { "Device." } else { "InternetGatewayDevice." };
    if let Some(place) = one.places.values().flatten().find(|p| p.path.starts_with(other)) {
        return Err(format!("{} does not begin with {}", place.path, root.word()));
    }
    Ok(Profile {
        name: name.to_owned(),
        root,
        manufacturer: one.manufacturer.clone(),
        product_class: one.product_class.clone(),
        secrets,
        places,
        keep,
        own: one.own,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        Profiles::parse(&[("mine.toml", text)]).unwrap_err().to_string()
    }

    #[test]
    fn shipped_profiles_are_whole_and_find_their_models() {
        let profiles = Profiles::load(None).unwrap();
        for (maker, model, root, name) in [
            ("Huawei Technologies Co., Ltd.", "HG8245H", Root::Tr098, "huawei"),
            ("ZTE Corporation", "ZXHN F660", Root::Tr098, "zte"),
            ("FiberHome", "AN5506-04-FA", Root::Tr098, "fiberhome"),
            ("CMCC", "x", Root::Tr098, "ct-com"),
            ("Nokia", "G-1425G-A", Root::Tr181, "tr-181"),
            ("Somebody", "Something", Root::Tr098, "tr-098"),
        ] {
            assert_eq!(profiles.of(maker, model, root).name, name, "{maker} {model}");
        }
        for profile in profiles.iter() {
            for purpose in [Purpose::SoftwareVersion, Purpose::Ssid, Purpose::RxPower, Purpose::PppoeUser, Purpose::Ip]
            {
                assert!(profile.path(purpose).is_some(), "{} {}", profile.name, purpose.word());
            }
            for purpose in [Purpose::RxPower, Purpose::TxPower] {
                assert!(profile.places(purpose).iter().all(|p| p.unit != Unit::Plain), "{}", profile.name);
            }
            for purpose in [Purpose::WifiPassword, Purpose::PppoePassword, Purpose::PokePassword] {
                assert!(profile.path(purpose).is_some_and(|p| profile.is_secret(p)), "{}", profile.name);
            }
        }
    }

    #[test]
    fn the_users_files_change_add_and_go_before_all() {
        let mine = "name = \"huawei\"\nsecrets = [\"X_Own*\"]\n[paths]\nrx_power = { path = \"VirtualParameters.Rx\", unit = \"dBm\" }\n";
        let new = "name = \"acme\"\nextends = \"tr-181\"\n[match]\nproduct_class = [\"A-*\"]\n[paths]\nssid = [\"Device.WiFi.SSID.9.SSID\"]\n";
        let every = "name = \"ours\"\nevery = true\n[paths]\npppoe_user = \"VirtualParameters.User\"\n";
        let profiles = Profiles::parse(&[("a", mine), ("b", new), ("c", every)]).unwrap();
        let huawei = profiles.of("Huawei", "HG8245H", Root::Tr098);
        assert_eq!(huawei.path(Purpose::RxPower), Some("VirtualParameters.Rx"));
        assert!(huawei.path(Purpose::TxPower).unwrap().contains("X_GponInterafceConfig"));
        assert!(huawei.own && huawei.is_secret("A.B.X_OwnThing"));
        let acme = profiles.of("Acme", "A-1", Root::Tr181);
        assert_eq!((acme.name.as_str(), acme.path(Purpose::Ssid)), ("acme", Some("Device.WiFi.SSID.9.SSID")));
        for profile in profiles.iter() {
            let places = profile.places(Purpose::PppoeUser);
            assert!(places[0].path == "VirtualParameters.User" && places.len() > 1, "{}", profile.name);
        }
        assert!(profiles.iter().all(|p| p.name != "ours"));
    }

    #[test]
    fn what_is_kept_is_told_by_use_or_path_and_handed_down() {
        let mine = "name = \"huawei\"\nkeep = [\"wifi_channel\"]\n";
        let base = "name = \"tr-098\"\nkeep = [\"InternetGatewayDevice.DeviceInfo.SpecVersion\"]\n";
        let every = "name = \"ours\"\nevery = true\nkeep = [\"VirtualParameters.Line\"]\n";
        let profiles = Profiles::parse(&[("a", mine), ("b", base), ("c", every)]).unwrap();
        let huawei = profiles.of("Huawei", "HG8245H", Root::Tr098);
        let kept: Vec<&str> = huawei.keep().collect();
        assert_eq!(
            kept,
            [
                "InternetGatewayDevice.DeviceInfo.SpecVersion",
                huawei.path(Purpose::WifiChannel).unwrap(),
                "VirtualParameters.Line"
            ]
        );
        assert_eq!(profiles.of("Nokia", "x", Root::Tr181).keep().collect::<Vec<_>>(), ["VirtualParameters.Line"]);
        assert_eq!(
            told("name = \"x\"\nroot = \"Device\"\nkeep = [\"wifi_chanel\"]\n"),
            "mine.toml:3:9: keep: wifi_chanel is neither a path nor a use that noctule knows; did you mean wifi_channel?"
        );
        assert!(told("name = \"x\"\nroot = \"Device\"\nkeep = [\"Device..X\"]\n").contains("is no path"));
    }

    #[test]
    fn mistakes_are_told_by_place() {
        assert_eq!(
            told("name = \"x\"\nroot = \"Device\"\n[paths]\nssdi = \"Device.A.B\"\n"),
            "mine.toml:4:1: ssdi is nothing that noctule knows a use for; did you mean ssid?"
        );
        assert!(told("name = \"x\"\nroot = \"D\"\n").starts_with("mine.toml:2:8: root is"));
        assert!(told("name = \"x\"\n").contains("mine.toml:1:8: the profile x needs root"));
        assert!(told("name = \"x\"\nextends = \"y\"\n").contains("there is no profile y"));
        assert!(told("name = \"x\"\nextends = \"x\"\n").contains("extends itself"));
        assert!(
            told("name = \"x\"\nroot = \"Device\"\n[paths]\nssid = \"a b\"\n")
                .contains("4:8: ssid: \"a b\" is no path")
        );
        assert!(
            told("name = \"x\"\nroot = \"Device\"\n[paths]\nrx_power = { path = \"Device.A\", unit = \"W\" }\n")
                .contains("a unit is one of")
        );
        assert!(
            told("name = \"x\"\nroot = \"Device\"\n[paths]\nssid = \"InternetGatewayDevice.A\"\n")
                .contains("does not begin with Device")
        );
        assert!(told("name = \n").starts_with("mine.toml:1:"));
        assert!(told("nam = \"x\"\n").contains("unknown field"));
        let twice =
            Profiles::parse(&[("a", "name = \"x\"\nroot = \"Device\"\n"), ("b", "name = \"x\"\nroot = \"Device\"\n")]);
        assert_eq!(twice.unwrap_err().to_string(), "b:1:8: a tells the profile x already");
        assert!(
            Profiles::load(Some(Path::new("/nowhere")))
                .unwrap_err()
                .to_string()
                .starts_with("/nowhere: cannot be read")
        );
    }
}
