//! Which parameter means what, model by model: never in code, always in a profile
//! (`assets/cpe-profiles/*.toml`, and the user's folder over them).
//!
//! ```toml
//! name = "huawei"                     # a file of the user's with this name changes it key by key
//! root = "InternetGatewayDevice"      # or "Device"
//! extends = "tr-098"                  # what is not said here stands there
//! secrets = ["X_HW_*Password"]        # last parts of paths whose values nobody may see
//! keep = ["wifi_channel", "Device.X"] # more that the cache keeps, for filters: uses, or paths
//!
//! [match]                             # without it: every device with this root
//! manufacturer = ["Huawei*"]
//! product_class = ["HG8*", "EG8*"]
//!
//! [paths]                             # one path, or several: the first that the device has counts
//! ssid = "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.SSID"
//! rx_power = { path = "VirtualParameters.RXPower", unit = "dBm" }
//! ```
//! `*` in a path stands for the first instance that the device has. Virtual parameters stand
//! wherever a path does. A file with `every = true` instead of a root puts its paths before those
//! of all profiles: the place for virtual parameters that the whole fleet has.

mod load;
mod purpose;

use std::collections::BTreeMap;

pub use purpose::{Purpose, Unit};

use crate::model::secret::looks_secret;

use super::device::{DeviceDoc, Node, Root};

/// A path and how its values are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Where.
    pub path: String,
    /// In what unit.
    pub unit: Unit,
    /// Whether nobody may see it.
    pub secret: bool,
}

/// What a model's parameters mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Its data model.
    pub root: Root,
    manufacturer: Vec<String>,
    product_class: Vec<String>,
    secrets: Vec<String>,
    places: BTreeMap<Purpose, Vec<Place>>,
    keep: Vec<String>,
    /// Whether a file of the user's made or changed it.
    pub own: bool,
}

impl Profile {
    /// The path of a purpose: the first, when there are several.
    #[must_use]
    pub fn path(&self, purpose: Purpose) -> Option<&str> {
        self.places(purpose).first().map(|p| p.path.as_str())
    }

    /// All paths of a purpose, in the order in which they count.
    #[must_use]
    pub fn places(&self, purpose: Purpose) -> &[Place] {
        self.places.get(&purpose).map_or(&[], Vec::as_slice)
    }

    /// Where a device has it, with a value; else where it has the name of it.
    #[must_use]
    pub fn find<'a>(&self, purpose: Purpose, doc: &'a DeviceDoc) -> Option<(String, &Place, &'a Node)> {
        let mut named = None;
        for place in self.places(purpose) {
            if let Some((path, node)) = doc.find(&place.path) {
                if node.value.is_some() {
                    return Some((path, place, node));
                }
                named.get_or_insert((path, place, node));
            }
        }
        named
    }

    /// The purposes it knows, with their paths.
    pub fn all(&self) -> impl Iterator<Item = (Purpose, &[Place])> {
        self.places.iter().map(|(purpose, places)| (*purpose, places.as_slice()))
    }

    /// Paths that the cache keeps of a device besides those of its row.
    pub fn keep(&self) -> impl Iterator<Item = &str> {
        self.keep.iter().map(String::as_str)
    }

    /// Whether a parameter holds what nobody may see.
    #[must_use]
    pub fn is_secret(&self, path: &str) -> bool {
        let last = path.rsplit('.').next().unwrap_or(path);
        looks_secret(path)
            || self.secrets.iter().any(|s| fits(s, last))
            || self.places.values().flatten().any(|p| p.secret && same_place(&p.path, path))
    }

    /// How well it fits a device; nothing when it does not.
    fn fit(&self, manufacturer: &str, product_class: &str, root: Root) -> Option<u8> {
        let any = |patterns: &[String], text: &str| patterns.iter().any(|p| fits(p, text));
        let model = any(&self.product_class, product_class);
        let maker = any(&self.manufacturer, manufacturer);
        let fits = (self.product_class.is_empty() || model) && (self.manufacturer.is_empty() || maker);
        (fits && self.root == root).then_some(u8::from(model) * 4 + u8::from(maker) * 2 + u8::from(self.own))
    }
}

/// All profiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profiles {
    all: Vec<Profile>,
}

impl Profiles {
    /// The profile of a device: the one that fits its model best, the standard's otherwise.
    #[must_use]
    pub fn of(&self, manufacturer: &str, product_class: &str, root: Root) -> &Profile {
        let best = self.all.iter().rev().filter_map(|p| Some((p.fit(manufacturer, product_class, root)?, p)));
        best.max_by_key(|(fit, _)| *fit).map_or_else(|| none(root), |(_, profile)| profile)
    }

    /// The profile of a document.
    #[must_use]
    pub fn of_doc(&self, doc: &DeviceDoc) -> &Profile {
        self.of(&doc.manufacturer, &doc.product_class, doc.root().unwrap_or(Root::Tr098))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Profile> {
        self.all.iter()
    }

    /// Every path that some profile knows for a purpose, each once.
    #[must_use]
    pub fn paths(&self, purpose: Purpose) -> Vec<&str> {
        let mut out: Vec<&str> = Vec::new();
        for place in self.all.iter().flat_map(|p| p.places(purpose)) {
            if !out.contains(&place.path.as_str()) {
                out.push(&place.path);
            }
        }
        out
    }
}

/// A profile that knows nothing: there is always the standard's, but nobody has to rely on it.
fn none(root: Root) -> &'static Profile {
    static NONE: std::sync::LazyLock<[Profile; 2]> = std::sync::LazyLock::new(|| {
        [Root::Tr098, Root::Tr181].map(|root| Profile {
            name: "none".to_owned(),
            root,
            manufacturer: Vec::new(),
            product_class: Vec::new(),
            secrets: Vec::new(),
            places: BTreeMap::new(),
            keep: Vec::new(),
            own: false,
        })
    });
    let [tr098, tr181] = &*NONE;
    if root == Root::Tr098 { tr098 } else { tr181 }
}

/// Whether a text fits a pattern with `*` for anything, without regard to case.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_ascii_lowercase(), text.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}

/// Whether a path is a place of a pattern with `*` for instances.
fn same_place(pattern: &str, path: &str) -> bool {
    let (mut a, mut b) = (pattern.split('.'), path.split('.'));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some("*"), Some(n)) if n.bytes().all(|c| c.is_ascii_digit()) => {}
            (Some(x), Some(y)) if x == y => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_people_expect() {
        for (pattern, text, fit) in [
            ("Huawei*", "Huawei Technologies Co., Ltd.", true),
            ("huawei", "HUAWEI", true),
            ("*H267*", "ZXHN H267N", true),
            ("HG8*H", "HG8245H", true),
            ("HG8*H", "HG8245", false),
            ("a*b*a", "aba", true),
            ("a*a", "a", false),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(fits(pattern, text), fit, "{pattern} {text}");
        }
    }
}
