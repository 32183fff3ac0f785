//! Presets, provisions, virtual parameters, objects, files and what else the ACS keeps.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Value as Json, json};

use crate::sim::genieacs::data::Value;
use crate::sim::genieacs::fleet::models::MODELS;

/// Bytes of a piece of a file in the database.
const CHUNK: f64 = 261_120.0;

/// A file.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) bytes: Bytes,
    /// Milliseconds since 1970.
    pub(crate) uploaded: i64,
    /// `fileType`, `oui`, `productClass`, `version`, as far as they were given.
    pub(crate) metadata: Vec<(&'static str, String)>,
}

impl File {
    pub(crate) fn metadata(&self, field: &str) -> Option<&str> {
        self.metadata.iter().find(|(name, _)| *name == field).map(|(_, value)| value.as_str())
    }

    /// Its document.
    pub(crate) fn doc(&self, name: &str) -> Value {
        let metadata = self.metadata.iter().map(|(k, v)| (*k, Value::text(v.as_str())));
        Value::doc([
            ("_id", Value::text(name)),
            ("length", Value::Number(self.bytes.len() as f64)),
            ("chunkSize", Value::Number(CHUNK)),
            ("uploadDate", Value::Date(self.uploaded)),
            ("filename", Value::text(name)),
            ("metadata", Value::doc(metadata)),
        ])
    }
}

/// Documents by name.
pub(crate) type Shelf = BTreeMap<String, Value>;

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Store {
    pub(crate) presets: Shelf,
    pub(crate) provisions: Shelf,
    pub(crate) virtuals: Shelf,
    pub(crate) objects: Shelf,
    pub(crate) config: Shelf,
    pub(crate) users: Shelf,
    pub(crate) permissions: Shelf,
    pub(crate) cache: Shelf,
    pub(crate) files: BTreeMap<String, File>,
}

/// Puts a document on a shelf under its name.
pub(crate) fn put(shelf: &mut Shelf, name: &str, fields: &Json) {
    let mut doc = vec![("_id".to_owned(), Value::text(name))];
    if let Json::Object(fields) = fields {
        doc.extend(fields.iter().filter(|(k, _)| *k != "_id").map(|(k, v)| (k.clone(), Value::from(v))));
    }
    shelf.insert(name.to_owned(), Value::Doc(doc));
}

impl Store {
    /// What a fresh installation holds.
    pub(crate) fn fresh() -> Self {
        let mut store = Self::default();
        for (name, events) in
            [("bootstrap", json!({"0 BOOTSTRAP": true})), ("default", json!({})), ("inform", json!({}))]
        {
            let preset = json!({
                "weight": 0, "channel": name, "events": events, "precondition": "",
                "configurations": [{"type": "provision", "name": name, "args": null}],
            });
            put(&mut store.presets, name, &preset);
            let script = format!("// What every CPE is asked at \"{name}\".\nconst hourly = Date.now(3600000);\n");
            put(&mut store.provisions, name, &json!({ "script": script }));
        }
        for (name, hash) in [("cwmp-local-cache-hash", "3f1c"), ("ui-local-cache-hash", "9ab0")] {
            put(&mut store.cache, name, &json!({ "value": hash }));
        }
        let admin = json!({"password": "b7a4f0", "salt": "5d1e", "roles": "admin"});
        put(&mut store.users, "admin", &admin);
        let all = json!({"role": "admin", "resource": "devices", "access": 3, "validate": "true", "filter": "true"});
        put(&mut store.permissions, "admin:devices:3", &all);
        for (name, value) in [("cwmp.downloadTimeout", "3600"), ("ui.overview.charts.online.label", "'Online status'")]
        {
            put(&mut store.config, name, &json!({ "value": value }));
        }
        store
    }

    /// What the operator of a seeded fleet has set up: newest firmware, virtual parameters.
    pub(crate) fn seeded(uploaded: i64) -> Self {
        let mut store = Self::fresh();
        let script = |path: &str| {
            format!(
                "let m = declare(\"{path}\", {{value: Date.now()}});\nreturn {{writable: false, value: [m.value[0], \"xsd:string\"]}};"
            )
        };
        let rx = "InternetGatewayDevice.WANDevice.1.X_GponInterafceConfig.RXPower";
        put(&mut store.virtuals, "RXPower", &json!({ "script": script(rx) }));
        let user = "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1.Username";
        put(&mut store.virtuals, "pppoeUsername", &json!({ "script": script(user) }));
        for (n, model) in MODELS.iter().enumerate().filter(|(_, m)| !m.plain) {
            let metadata = vec![
                ("fileType", "1 Firmware Upgrade Image".to_owned()),
                ("oui", model.oui.to_owned()),
                ("productClass", model.product.to_owned()),
                ("version", model.newest().to_owned()),
            ];
            let bytes = Bytes::from(vec![n as u8; 96 << 10]);
            let safe = model.newest().replace(['(', ')'], "-");
            store.files.insert(format!("{}_{safe}.bin", model.product), File { bytes, uploaded, metadata });
        }
        store
    }

    /// Type of a file, for a download that names the file alone.
    pub(crate) fn file_type(&self, name: &str) -> String {
        let given = self.files.get(name).and_then(|f| f.metadata("fileType"));
        given.unwrap_or("1 Firmware Upgrade Image").to_owned()
    }

    /// The parameter that the script of a virtual parameter declares first.
    pub(crate) fn virtual_path(&self, name: &str) -> Option<String> {
        let script = self.virtuals.get(name)?.field("script")?.as_text()?;
        let after = script.split_once("declare(").map_or("", |(_, rest)| rest).trim_start();
        let quote = after.chars().next().filter(|c| "\"'`".contains(*c));
        let path = quote.and_then(|q| after.get(1..)?.split_once(q)).map_or("", |(path, _)| path);
        Some(path.to_owned())
    }
}
