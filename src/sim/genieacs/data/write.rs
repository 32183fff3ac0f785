//! Values as the JSON that goes over the wire.

use super::{Value, stamp};

/// Appends a string in JSON.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    // Writing to memory cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// Appends a number as JavaScript prints it: whole ones without a point.
fn number(out: &mut Vec<u8>, n: f64) {
    if !n.is_finite() {
        out.extend_from_slice(b"null");
    } else if n.fract() == 0.0 && n.abs() < 1e15 {
        out.extend_from_slice((n as i64).to_string().as_bytes());
    } else {
        let _ = serde_json::to_writer(out, &n);
    }
}

/// Appends a value in JSON.
pub(crate) fn json(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(n) => number(out, *n),
        Value::Text(t) => text(out, t),
        Value::Date(ms) => stamp::write(out, *ms),
        Value::Id(id) => {
            out.push(b'"');
            for byte in id {
                for nibble in [byte >> 4, byte & 15] {
                    out.push(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 });
                }
            }
            out.push(b'"');
        }
        Value::List(items) => {
            out.push(b'[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                json(out, item);
            }
            out.push(b']');
        }
        Value::Doc(fields) => {
            out.push(b'{');
            for (n, (key, value)) in fields.iter().enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                text(out, key);
                out.push(b':');
                json(out, value);
            }
            out.push(b'}');
        }
    }
}
