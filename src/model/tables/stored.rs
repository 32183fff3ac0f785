//! Fields of what auto-configuration servers keep: presets, provisions, virtual parameters, files.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::super::field::{FieldKind, Record, TableSpec, Value};
use super::super::ids::RowId;
use super::super::page::Table;
use super::super::stored::{Stored, StoredKind};
use super::field;

/// Presets, provisions, virtual parameters and files.
pub static STORED: TableSpec = TableSpec {
    table: Table::Stored,
    name: "objects",
    fields: &[
        field("kind", "Kind", FieldKind::Word(StoredKind::WORDS), "Preset, provision, virtual parameter or file.")
            .sortable(),
        field("name", "Name", FieldKind::Text, "Name, which is its id.").sortable().free(),
        field("source", "Source", FieldKind::Text, "Server it belongs to.").sortable().also(&["src"]),
        field("what", "What", FieldKind::Text, "What a preset does, the first line of a script, what a file is for.")
            .free(),
        field("when", "When", FieldKind::Text, "Events, precondition and schedule of a preset.").free(),
        field("weight", "Weight", FieldKind::Int, "Weight of a preset: the heavier one wins."),
        field("channel", "Channel", FieldKind::Text, "Channel of a preset: what fails together."),
        field("bytes", "Bytes", FieldKind::Int, "Length of the text or of the file.").sortable().also(&["length"]),
        field("file_type", "Type", FieldKind::Text, "Type of a file.").free(),
        field("oui", "OUI", FieldKind::Text, "Maker that a file is for."),
        field("product_class", "Class", FieldKind::Text, "Model that a file is for.").also(&["class"]),
        field("version", "Version", FieldKind::Text, "Version that a file brings.").free(),
        field("uploaded_at", "Uploaded", FieldKind::Time, "When a file was uploaded, the server's clock.").sortable(),
        field("sha256", "SHA-256", FieldKind::Text, "Checksum of a file that noctule uploaded."),
        field("text", "Text", FieldKind::Text, "The whole text; secrets of presets are masked.").free(),
    ],
    default_sort: &[("kind", false), ("name", false)],
};

impl Record for Stored {
    fn row_id(&self) -> Option<RowId> {
        Some(self.id())
    }

    fn get(&self, field: &str) -> Value<'_> {
        let owned = |text: String| Value::Text(Cow::Owned(text));
        let of_file = |pick: fn(&super::super::stored::FileFacts) -> &str| {
            self.file.as_ref().map_or(Value::None, |file| Value::text(pick(file)))
        };
        match field {
            "kind" => Value::text(self.kind.word()),
            "name" => Value::text(&self.name),
            "source" => Value::text(&self.source),
            "what" => owned(self.what()),
            "when" => owned(self.when()),
            "weight" => self.json().get("weight").and_then(Json::as_i64).map_or(Value::None, Value::Int),
            "channel" => owned(self.json().get("channel").and_then(Json::as_str).unwrap_or_default().to_owned()),
            "bytes" => Value::Int(self.file.as_ref().map_or(i64::try_from(self.text.len()).unwrap_or(i64::MAX), |f| {
                f.length.try_into().unwrap_or(i64::MAX)
            })),
            "file_type" => of_file(|f| &f.file_type),
            "oui" => of_file(|f| &f.oui),
            "product_class" => of_file(|f| &f.product_class),
            "version" => of_file(|f| &f.version),
            "uploaded_at" => self.file.as_ref().map_or(Value::None, |f| Value::Time(f.uploaded)),
            "sha256" => of_file(|f| &f.sha256),
            "text" => Value::text(&self.text),
            _ => Value::None,
        }
    }
}
