//! The manners of Go's JSON: how it writes, and in which words it refuses.

use serde_json::Value;

/// A text as Go's encoder writes it.
pub(crate) fn string(text: &str) -> String {
    let mut out = serde_json::to_string(text).unwrap_or_default();
    for (sign, escaped) in [('<', "\\u003c"), ('>', "\\u003e"), ('&', "\\u0026")] {
        if out.contains(sign) {
            out = out.replace(sign, escaped);
        }
    }
    out
}

/// A number with a fraction as Go's encoder writes it.
pub(crate) fn float(n: f64) -> String {
    if n == 0.0 && n.is_sign_negative() {
        "-0".to_owned()
    } else if n.fract() == 0.0 && n.abs() < 1e15 {
        format!("{n:.0}")
    } else {
        serde_json::to_string(&n).unwrap_or_default()
    }
}

/// Why a value is none of a type, in the decoder's words.
pub(crate) fn cannot(value: &Value, field: &str, kind: &str) -> String {
    let what = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "bool".to_owned(),
        Value::Number(n) if field.is_empty() => {
            let _ = n;
            "number".to_owned()
        }
        Value::Number(n) => format!("number {n}"),
        Value::String(_) => "string".to_owned(),
        Value::Array(_) => "array".to_owned(),
        Value::Object(_) => "object".to_owned(),
    };
    if field.is_empty() {
        format!("json: cannot unmarshal {what} into Go value of type {kind}")
    } else {
        format!("json: cannot unmarshal {what} into Go struct field {field} of type {kind}")
    }
}

/// The first value of a body; whatever follows it is never read.
pub(crate) fn value(body: &[u8]) -> Result<Value, String> {
    if let Some(why) = fault(body) {
        return Err(why);
    }
    let mut values = serde_json::Deserializer::from_slice(body).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => Ok(value),
        Some(Err(e)) if e.is_eof() => Err("unexpected EOF".to_owned()),
        // What only the one of the two decoders refuses: a lone surrogate, a depth of hundreds.
        Some(Err(_)) => Err("invalid character in the value".to_owned()),
        None => Err("EOF".to_owned()),
    }
}

/// Where the scanner stops, in its words; `None` when the first value is whole.
fn fault(body: &[u8]) -> Option<String> {
    let mut at = Scan { body, at: 0 };
    at.blank();
    if at.body.len() == at.at {
        return Some("EOF".to_owned());
    }
    at.value("looking for beginning of value", 0).err()
}

struct Scan<'a> {
    body: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> Result<u8, String> {
        self.body.get(self.at).copied().ok_or_else(|| "unexpected EOF".to_owned())
    }

    fn blank(&mut self) {
        while self.body.get(self.at).is_some_and(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn bad(&self, context: &str) -> String {
        let byte = self.body.get(self.at).copied().unwrap_or_default();
        let shown = match byte {
            b'\'' => "'\\''".to_owned(),
            b'"' => "'\"'".to_owned(),
            b'\n' => "'\\n'".to_owned(),
            b'\t' => "'\\t'".to_owned(),
            b'\r' => "'\\r'".to_owned(),
            0x20.. => format!("'{}'", char::from(byte)),
            _ => format!("'\\x{byte:02x}'"),
        };
        format!("invalid character {shown} {context}")
    }

    fn value(&mut self, context: &str, depth: usize) -> Result<(), String> {
        self.blank();
        if depth > 500 {
            return Err("exceeded max depth".to_owned());
        }
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.text(),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            b'-' | b'0'..=b'9' => {
                self.at += 1;
                while self.body.get(self.at).is_some_and(|b| b.is_ascii_digit() || b"+-.eE".contains(b)) {
                    self.at += 1;
                }
                Ok(())
            }
            _ => Err(self.bad(context)),
        }
    }

    fn literal(&mut self, word: &'static str) -> Result<(), String> {
        for expected in word.bytes() {
            if self.peek()? != expected {
                return Err(self.bad(&format!("in literal {word} (expecting '{}')", char::from(expected))));
            }
            self.at += 1;
        }
        Ok(())
    }

    fn text(&mut self) -> Result<(), String> {
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.at += 2,
                0..0x20 => return Err(self.bad("in string literal")),
                _ => self.at += 1,
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), String> {
        self.at += 1;
        self.blank();
        if self.peek()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.blank();
            if self.peek()? != b'"' {
                return Err(self.bad("looking for beginning of object key string"));
            }
            self.text()?;
            self.blank();
            if self.peek()? != b':' {
                return Err(self.bad("after object key"));
            }
            self.at += 1;
            self.value("looking for beginning of value", depth + 1)?;
            self.blank();
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.bad("after object key:value pair")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), String> {
        self.at += 1;
        self.blank();
        if self.peek()? == b']' {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value("looking for beginning of value", depth + 1)?;
            self.blank();
            match self.peek()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Ok(());
                }
                _ => return Err(self.bad("after array element")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_in_the_words_of_the_decoder() {
        for (body, words) in [
            ("", "EOF"),
            ("{\"a\":", "unexpected EOF"),
            ("{bad", "invalid character 'b' looking for beginning of object key string"),
            ("nope", "invalid character 'o' in literal null (expecting 'u')"),
            ("\u{1f}", "invalid character '\\x1f' looking for beginning of value"),
        ] {
            assert_eq!(value(body.as_bytes()).unwrap_err(), words, "{body}");
        }
        assert_eq!(value(b"{\"a\":1}{\"b\":2}").unwrap(), serde_json::json!({"a": 1}));
    }

    #[test]
    fn numbers_and_texts() {
        let told = [0.0, -0.0, 400.0, 17.0 / 1000.0 * 100.0, 17.1].map(float);
        assert_eq!(told, ["0", "-0", "400", "1.7000000000000002", "17.1"]);
        assert_eq!(string("<a&b>"), "\"\\u003ca\\u0026b\\u003e\"");
    }
}
