//! The parameter tree of a model: what every CPE of it has in common, read once from the tables in
//! `assets/demo/cpe`.

use std::collections::HashMap;

use super::models::Model;
use super::source::{Source, Type};

const TR098: &str = include_str!("../../../../assets/demo/cpe/tr098.txt");
const TR181: &str = include_str!("../../../../assets/demo/cpe/tr181.txt");

/// Objects of which a controller may add and delete instances.
const CREATABLE: [&str; 6] =
    ["PortMapping", "WANPPPConnection", "WANIPConnection", "IPv4Address", "Pool", "VLANTermination"];

/// One parameter.
#[derive(Debug)]
pub(crate) struct Leaf {
    /// From the root.
    pub(crate) path: String,
    pub(crate) writable: bool,
    /// It comes with every inform.
    pub(crate) informed: bool,
    /// Its value is not known until somebody refreshes it.
    pub(crate) deep: bool,
    pub(crate) kind: Type,
    pub(crate) source: Source,
}

/// A node of the tree.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) of: Of,
}

/// What a node is.
#[derive(Debug)]
pub(crate) enum Of {
    /// Index into [`Template::leaves`].
    Leaf(u16),
    Object {
        writable: bool,
        children: Vec<Node>,
    },
}

/// A model's tree.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) root: &'static str,
    pub(crate) top: Vec<Node>,
    pub(crate) leaves: Vec<Leaf>,
    by_path: HashMap<String, u16>,
    /// Path and whether instances may be added or deleted.
    objects: HashMap<String, bool>,
    /// Leaves of an instance that may be added, by the path of its object.
    prototypes: HashMap<String, Vec<(String, Type, Source)>>,
}

impl Template {
    /// Reads the tree of a model; `virtuals` adds the virtual parameters of the seeded fleet.
    pub(crate) fn build(model: &'static Model, virtuals: bool) -> Self {
        let mut template = Self {
            root: model.root(),
            top: Vec::new(),
            leaves: Vec::new(),
            by_path: HashMap::new(),
            objects: HashMap::new(),
            prototypes: HashMap::new(),
        };
        let mut wanted = true;
        for line in if model.tr181 { TR181 } else { TR098 }.lines() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(section) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                wanted = model.sections.contains(&section);
            } else if wanted {
                template.line(line);
            }
        }
        if virtuals {
            for (name, source) in VIRTUALS {
                template.add(format!("VirtualParameters.{name}"), "r", Type::Text, source);
            }
        }
        template
    }

    fn line(&mut self, line: &str) {
        let mut columns = line.splitn(4, ' ');
        let (Some(path), Some(access), Some(kind), Some(value)) =
            (columns.next(), columns.next(), columns.next(), columns.next())
        else {
            return;
        };
        let Some(kind) = Type::parse(kind) else { return };
        let Some(source) = Source::parse(value, kind) else { return };
        let path = format!("{}.{path}", self.root);
        match path.split_once(".{}.") {
            Some((object, leaf)) => {
                self.object(object);
                self.prototypes.entry(object.to_owned()).or_default().push((leaf.to_owned(), kind, source));
            }
            None => self.add(path, access, kind, source),
        }
    }

    fn add(&mut self, path: String, access: &str, kind: Type, source: Source) {
        let at = self.leaves.len() as u16;
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", &path));
        let node = Node { name: name.to_owned(), path: path.clone(), of: Of::Leaf(at) };
        if let Some(children) = self.object(parent) {
            children.push(node);
        }
        self.by_path.insert(path.clone(), at);
        self.leaves.push(Leaf {
            path,
            writable: access.contains('w'),
            informed: access.contains('i'),
            deep: access.contains('d'),
            kind,
            source,
        });
    }

    /// The object at a path, made where it is missing; its children.
    fn object(&mut self, path: &str) -> Option<&mut Vec<Node>> {
        let mut here = &mut self.top;
        let (mut end, mut above) = (0, "");
        for part in path.split('.') {
            end += part.len();
            let so_far = path.get(..end)?;
            end += 1;
            let at = here.iter().position(|n| n.name == part).unwrap_or_else(|| {
                // Of an instance it tells whether it can be removed.
                let instance = part.bytes().all(|b| b.is_ascii_digit()) && CREATABLE.contains(&above);
                let writable = instance || CREATABLE.contains(&part) || part.starts_with("X_");
                self.objects.insert(so_far.to_owned(), CREATABLE.contains(&part));
                let of = Of::Object { writable, children: Vec::new() };
                here.push(Node { name: part.to_owned(), path: so_far.to_owned(), of });
                here.len() - 1
            });
            match &mut here.get_mut(at)?.of {
                Of::Object { children, .. } => here = children,
                Of::Leaf(_) => return None,
            }
            above = part;
        }
        Some(here)
    }

    /// The parameter at a path.
    pub(crate) fn leaf(&self, path: &str) -> Option<(u16, &Leaf)> {
        let at = *self.by_path.get(path)?;
        Some((at, self.leaves.get(usize::from(at))?))
    }

    /// Whether there is an object at a path, and whether instances of it may be added.
    pub(crate) fn has_object(&self, path: &str) -> Option<bool> {
        self.objects.get(path).copied()
    }

    /// What a new instance of an object consists of.
    pub(crate) fn prototype(&self, object: &str) -> &[(String, Type, Source)] {
        self.prototypes.get(object).map_or(&[], Vec::as_slice)
    }

    /// Parameters under an object (or the parameter itself); everything for an empty path.
    pub(crate) fn under<'a>(&'a self, path: &'a str) -> impl Iterator<Item = (u16, &'a Leaf)> + 'a {
        self.leaves.iter().enumerate().filter(move |(_, l)| is_under(&l.path, path)).map(|(n, l)| (n as u16, l))
    }
}

/// Whether a path is an object or below it.
pub(crate) fn is_under(path: &str, object: &str) -> bool {
    object.is_empty() || path.strip_prefix(object).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Virtual parameters that a seeded fleet has, and the scripts that the ACS holds for them.
pub(crate) const VIRTUALS: [(&str, Source); 2] = [("RXPower", Source::RxText), ("pppoeUsername", Source::User)];

#[cfg(test)]
mod tests {
    use super::super::models::MODELS;
    use super::*;

    #[test]
    fn every_line_of_every_table_is_understood() {
        for text in [TR098, TR181] {
            for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with(['#', '['])) {
                let columns: Vec<&str> = line.splitn(4, ' ').collect();
                assert_eq!(columns.len(), 4, "{line}");
                let kind = Type::parse(columns[2]).expect(line);
                assert!(Source::parse(columns[3], kind).is_some(), "{line}");
            }
        }
    }

    #[test]
    fn models_differ_where_makers_do() {
        let has = |product: &str, path: &str| {
            let model = MODELS.iter().find(|m| m.product == product).unwrap();
            Template::build(model, false).leaf(path).is_some()
        };
        let rx = "InternetGatewayDevice.WANDevice.1.X_GponInterafceConfig.RXPower";
        assert!(has("HG8245H", rx) && !has("F660", rx));
        assert!(has("G-1425G-A", "Device.Optical.Interface.1.OpticalSignalLevel"));
    }

    #[test]
    fn instances_may_be_added_where_a_standard_says_so() {
        let nokia = Template::build(&MODELS[6], false);
        assert_eq!(nokia.has_object("Device.NAT.PortMapping"), Some(true));
        assert_eq!(nokia.has_object("Device.WiFi.SSID"), Some(false));
        assert_eq!(nokia.prototype("Device.NAT.PortMapping").len(), 5);
    }
}
