//! A device's document: the tree of its parameters, read in one pass without keeping what nobody
//! asks for (facts: genieacs-api §8). Whatever has an unexpected shape is left out, never an error:
//! one odd device must not cost the other hundred thousand.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::model::order;
use crate::model::time::Ts;

use super::wire::{DeviceId, Scalar};

/// A device's document, or what a projection left of it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeviceDoc {
    id: String,
    /// `_deviceId._Manufacturer`.
    pub manufacturer: String,
    /// `_deviceId._OUI`.
    pub oui: String,
    /// `_deviceId._ProductClass`.
    pub product_class: String,
    /// `_deviceId._SerialNumber`.
    pub serial: String,
    /// When it was first seen.
    pub registered: Ts,
    /// When it last informed.
    pub last_inform: Ts,
    /// When it last started.
    pub last_boot: Ts,
    /// When it last introduced itself.
    pub last_bootstrap: Ts,
    /// Tags.
    pub tags: Vec<String>,
    /// `InternetGatewayDevice`, `Device`, `VirtualParameters`, `Downloads`, `Reboot`, `FactoryReset`.
    pub tree: Node,
}

impl DeviceDoc {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> DeviceId {
        DeviceId::new(self.id.as_str())
    }

    /// What stands at a path (`InternetGatewayDevice.DeviceInfo.UpTime`).
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Node> {
        path.split('.').try_fold(&self.tree, |node, part| node.child(part))
    }

    /// The value at a path.
    #[must_use]
    pub fn value(&self, path: &str) -> Option<&Scalar> {
        self.at(path)?.value.as_ref()
    }

    /// The first place that fits a path with `*` for any instance and that is known; with its whole
    /// path.
    #[must_use]
    pub fn find(&self, pattern: &str) -> Option<(String, &Node)> {
        if !pattern.contains('*') {
            return self.at(pattern).map(|node| (pattern.to_owned(), node));
        }
        let parts: Vec<&str> = pattern.split('.').collect();
        let mut trail = Vec::new();
        let node = search(&self.tree, &parts, &mut trail)?;
        Some((trail.join("."), node))
    }

    /// All parameters with their paths, in the order of people: instance 2 before instance 10.
    #[must_use]
    pub fn leaves(&self) -> Vec<(String, &Node)> {
        let mut out = Vec::new();
        collect(&self.tree, &mut String::new(), &mut out);
        out
    }

    /// The root of its data model.
    #[must_use]
    pub fn root(&self) -> Option<Root> {
        if self.tree.child("InternetGatewayDevice").is_some() {
            Some(Root::Tr098)
        } else if self.tree.child("Device").is_some() {
            Some(Root::Tr181)
        } else {
            None
        }
    }
}

fn search<'a>(node: &'a Node, parts: &[&str], trail: &mut Vec<String>) -> Option<&'a Node> {
    let Some((part, rest)) = parts.split_first() else {
        return (node.value.is_some() || node.object).then_some(node);
    };
    for (name, child) in node.ordered() {
        if *part == name || (*part == "*" && name.bytes().all(|b| b.is_ascii_digit())) {
            trail.push(name.to_owned());
            if let Some(found) = search(child, rest, trail) {
                return Some(found);
            }
            trail.pop();
        }
    }
    None
}

fn collect<'a>(node: &'a Node, path: &mut String, out: &mut Vec<(String, &'a Node)>) {
    let whole = path.len();
    for (name, child) in node.ordered() {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        if child.children.is_empty() && !child.object {
            out.push((path.clone(), child));
        } else {
            collect(child, path, out);
        }
        path.truncate(whole);
    }
}

/// The data models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Root {
    /// `InternetGatewayDevice.`
    Tr098,
    /// `Device.`
    Tr181,
}

impl Root {
    /// The first part of its paths.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tr098 => "InternetGatewayDevice",
            Self::Tr181 => "Device",
        }
    }
}

/// An object or a parameter.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// Whether it is an object.
    pub object: bool,
    /// Whether it can be set (of objects: whether instances can be added).
    pub writable: Option<bool>,
    /// Its value; none when only the name is known, and it was never read.
    pub value: Option<Scalar>,
    /// `xsd:…`.
    pub xsd: Option<Box<str>>,
    /// When the value was read (of objects: discovered).
    pub timestamp: Ts,
    children: Vec<(Box<str>, Node)>,
}

impl Node {
    /// What hangs below under this name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|(n, _)| **n == *name).map(|(_, child)| child)
    }

    /// What hangs below, in the order of the document.
    pub fn children(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.children.iter().map(|(name, child)| (&**name, child))
    }

    /// What hangs below, numbers in their order before names in theirs.
    fn ordered(&self) -> Vec<(&str, &Self)> {
        let mut all: Vec<_> = self.children().collect();
        order::by_key(&mut all, |(name, _)| (name.parse::<u64>().unwrap_or(u64::MAX), *name));
        all
    }
}

/// Reads instants as the server writes them (`2026-11-20T14:24:09.530Z`).
#[must_use]
pub fn instant(text: &str) -> Ts {
    fixed(text.as_bytes()).or_else(|| Ts::parse_rfc3339(text)).unwrap_or(Ts::NEVER)
}

/// The one form that the server writes, by hand: there are dozens of them in every document.
fn fixed(b: &[u8]) -> Option<Ts> {
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1, b'.', f0, f1, f2, b'Z'] =
        b
    else {
        return None;
    };
    let number =
        |digits: &[u8]| digits.iter().try_fold(0_i64, |n, d| d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0')));
    let (year, month, day) = (number(&[y0, y1, y2, y3])?, number(&[m0, m1])?, number(&[d0, d1])?);
    let (hour, minute, second) = (number(&[h0, h1])?, number(&[n0, n1])?, number(&[s0, s1])?);
    let millis = number(&[f0, f1, f2])?;
    if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    // Days since the epoch: years run from March, so that the leap day is the last of one.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let era = y.div_euclid(400);
    let of_era = y.rem_euclid(400);
    let of_year = (153 * m + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second;
    Some(Ts(seconds * 1_000_000 + millis * 1000))
}

enum Key {
    Value,
    Type,
    Timestamp,
    Writable,
    Object,
    Id,
    DeviceId,
    Registered,
    LastInform,
    LastBoot,
    LastBootstrap,
    Tags,
    /// Others that begin with `_`.
    Hidden,
    Child(Box<str>),
}

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Key;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Key, E> {
                Ok(match name {
                    "_value" => Key::Value,
                    "_type" => Key::Type,
                    "_timestamp" => Key::Timestamp,
                    "_writable" => Key::Writable,
                    "_object" => Key::Object,
                    "_id" => Key::Id,
                    "_deviceId" => Key::DeviceId,
                    "_registered" => Key::Registered,
                    "_lastInform" => Key::LastInform,
                    "_lastBoot" => Key::LastBoot,
                    "_lastBootstrap" => Key::LastBootstrap,
                    "_tags" => Key::Tags,
                    hidden if hidden.starts_with('_') => Key::Hidden,
                    child => Key::Child(child.into()),
                })
            }
        }
        deserializer.deserialize_str(Read)
    }
}

/// Anything at all: a value, a node, a list of texts.
enum Any {
    Scalar(Scalar),
    Texts(Vec<String>),
    Node(Node),
    Nothing,
}

impl Any {
    fn text(self) -> Option<String> {
        if let Self::Scalar(Scalar::Text(text)) = self { Some(text) } else { None }
    }

    fn instant(self) -> Ts {
        self.text().map_or(Ts::NEVER, |t| instant(&t))
    }

    fn yes(&self) -> bool {
        matches!(self, Self::Scalar(Scalar::Bool(true)))
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Any;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_bool<E>(self, b: bool) -> Result<Any, E> {
                Ok(Any::Scalar(Scalar::Bool(b)))
            }

            fn visit_i64<E>(self, n: i64) -> Result<Any, E> {
                Ok(Any::Scalar(Scalar::Int(n)))
            }

            fn visit_u64<E>(self, n: u64) -> Result<Any, E> {
                Ok(Any::Scalar(i64::try_from(n).map_or(Scalar::Float(n as f64), Scalar::Int)))
            }

            fn visit_f64<E>(self, x: f64) -> Result<Any, E> {
                Ok(Any::Scalar(Scalar::Float(x)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Any, E> {
                Ok(Any::Scalar(Scalar::Text(text.to_owned())))
            }

            fn visit_unit<E>(self) -> Result<Any, E> {
                Ok(Any::Nothing)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Any, A::Error> {
                let mut texts = Vec::new();
                while let Some(one) = list.next_element::<Any>()? {
                    texts.extend(one.text());
                }
                Ok(Any::Texts(texts))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Any, A::Error> {
                let mut node = Node::default();
                while let Some(key) = map.next_key::<Key>()? {
                    match key {
                        Key::Value => {
                            if let Any::Scalar(value) = map.next_value::<Any>()? {
                                node.value = Some(value);
                            }
                        }
                        Key::Type => node.xsd = map.next_value::<Any>()?.text().map(String::into_boxed_str),
                        Key::Timestamp => node.timestamp = map.next_value::<Any>()?.instant(),
                        Key::Writable => node.writable = Some(map.next_value::<Any>()?.yes()),
                        Key::Object => node.object = map.next_value::<Any>()?.yes(),
                        Key::Child(name) => {
                            if let Any::Node(child) = map.next_value::<Any>()? {
                                node.children.push((name, child));
                            }
                        }
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Any::Node(node))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

/// A part of `_deviceId`, whose own keys begin with `_`.
fn part(identity: &serde_json::Value, name: &str) -> String {
    identity.get(name).and_then(Scalar::of).map(|v| v.to_string()).unwrap_or_default()
}

impl<'de> Deserialize<'de> for DeviceDoc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = DeviceDoc;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a device")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<DeviceDoc, A::Error> {
                let mut doc = DeviceDoc::default();
                while let Some(key) = map.next_key::<Key>()? {
                    match key {
                        Key::Id => doc.id = map.next_value::<Any>()?.text().unwrap_or_default(),
                        Key::DeviceId => {
                            let identity: serde_json::Value = map.next_value()?;
                            doc.manufacturer = part(&identity, "_Manufacturer");
                            doc.oui = part(&identity, "_OUI");
                            doc.product_class = part(&identity, "_ProductClass");
                            doc.serial = part(&identity, "_SerialNumber");
                        }
                        Key::Registered => doc.registered = map.next_value::<Any>()?.instant(),
                        Key::LastInform => doc.last_inform = map.next_value::<Any>()?.instant(),
                        Key::LastBoot => doc.last_boot = map.next_value::<Any>()?.instant(),
                        Key::LastBootstrap => doc.last_bootstrap = map.next_value::<Any>()?.instant(),
                        Key::Tags => {
                            if let Any::Texts(tags) = map.next_value()? {
                                doc.tags = tags;
                            }
                        }
                        Key::Child(name) => {
                            if let Any::Node(child) = map.next_value()? {
                                doc.tree.children.push((name, child));
                            }
                        }
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                if doc.id.is_empty() {
                    return Err(serde::de::Error::custom("a device without _id"));
                }
                Ok(doc)
            }
        }
        deserializer.deserialize_map(Read)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn instants_are_read_as_chrono_reads_them() {
        for text in ["2026-11-20T14:24:09.530Z", "1970-01-01T00:00:00.001Z", "2000-02-29T23:59:59.999Z"] {
            assert_eq!(fixed(text.as_bytes()), Ts::parse_rfc3339(text), "{text}");
        }
        for text in ["2026-02-29T00:00:00.000Z", "2026-13-01T00:00:00.000Z", "x", "", "2026-11-20T24:00:00.000Z"] {
            assert_eq!((fixed(text.as_bytes()), instant(text)), (None, Ts::NEVER), "{text}");
        }
        assert_eq!(instant("2026-11-20T14:24:09Z").to_rfc3339(), "2026-11-20T14:24:09.000Z");
    }

    proptest! {
        #[test]
        fn any_instant_is_read_back(millis in -62_000_000_000_000_i64..250_000_000_000_000) {
            let ts = Ts(millis * 1000);
            prop_assume!(ts.is_set());
            prop_assert_eq!(fixed(ts.to_rfc3339().as_bytes()), Some(ts));
        }
    }

    #[test]
    fn odd_shapes_are_left_out() {
        let text = r#"{"_id":"x","_lastInform":5,"_tags":["a",1,null,"b"],"_deviceId":{"_OUI":7},"_other":[{}],
            "Device":{"_object":true,"A":5,"B":{"_value":{"x":1},"_timestamp":[]},"C":{"_value":null,"_writable":"no"},
            "10":{"_value":"ten"},"2":{"_value":18446744073709551615},"D":[[]]}}"#;
        let doc: DeviceDoc = serde_json::from_str(text).unwrap();
        assert_eq!((doc.id.as_str(), doc.oui.as_str(), doc.last_inform), ("x", "7", Ts::NEVER));
        assert_eq!(doc.tags, ["a", "b"]);
        let leaves = doc.leaves();
        let paths: Vec<_> = leaves.iter().map(|(p, _)| p.as_str()).collect();
        assert_eq!(paths, ["Device.2", "Device.10", "Device.B", "Device.C"]);
        assert!(doc.at("Device.C").unwrap().value.is_none());
        assert!(serde_json::from_str::<DeviceDoc>(r#"{"Device":{}}"#).is_err());
        assert!(serde_json::from_str::<DeviceDoc>("[]").is_err());
    }

    #[test]
    fn stars_find_the_first_instance_that_is_known() {
        let text = r#"{"_id":"x","Device":{"P":{"_object":true,"1":{"U":{"_object":false}},"10":{"U":{"_value":"ten"}},
            "2":{"U":{"_value":"two"}},"X":{"U":{"_value":"no instance"}}}}}"#;
        let doc: DeviceDoc = serde_json::from_str(text).unwrap();
        assert_eq!(doc.find("Device.P.*.U").unwrap().0, "Device.P.2.U");
        assert!(doc.find("Device.P.*.V").is_none());
        assert_eq!(doc.root(), Some(Root::Tr181));
    }
}
