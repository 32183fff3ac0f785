//! XML-RPC, as much of it as a supervisor speaks: calls are written, answers are read strictly.
//!
//! The parser of XML is quick-xml; the crates for the whole protocol bring derive macros and clients
//! of their own for what is one page here. A document type is refused (nothing is expanded), depth and
//! size are bounded, and any bytes give an answer or an error.

use quick_xml::events::Event;
use quick_xml::{Reader, escape::escape};

/// Deepest nesting of values.
const MOST_DEPTH: usize = 16;

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `int`, `i4`, `i8`.
    Int(i64),
    /// `boolean`.
    Bool(bool),
    /// `string`, or no type at all.
    Str(String),
    /// `double`.
    Double(f64),
    /// `array`.
    Array(Vec<Self>),
    /// `struct`, in its order.
    Struct(Vec<(String, Self)>),
    /// `nil`.
    Nil,
    /// `dateTime.iso8601` or `base64`, as it was written.
    Other(String),
}

impl Value {
    /// A member of a struct.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(members) => members.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// A number.
    #[must_use]
    pub const fn int(&self) -> Option<i64> {
        match self {
            Self::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// A text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }
}

/// An answer: a value, or a fault with its code and words.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The value.
    Value(Value),
    /// Code and words.
    Fault(i64, String),
}

/// A call as it is sent.
#[must_use]
pub fn call(method: &str, params: &[Value]) -> String {
    let mut out = format!("<?xml version=\"1.0\"?><methodCall><methodName>{}</methodName><params>", escape(method));
    for param in params {
        out.push_str("<param>");
        write(&mut out, param);
        out.push_str("</param>");
    }
    out.push_str("</params></methodCall>");
    out
}

/// An answer as a server writes it.
#[must_use]
pub fn answer(answer: &Answer) -> String {
    let mut out = "<?xml version='1.0'?>\n<methodResponse>\n".to_owned();
    match answer {
        Answer::Value(value) => {
            out.push_str("<params>\n<param>\n");
            write(&mut out, value);
            out.push_str("\n</param>\n</params>\n");
        }
        Answer::Fault(code, words) => {
            out.push_str("<fault>\n");
            let members = vec![
                ("faultCode".to_owned(), Value::Int(*code)),
                ("faultString".to_owned(), Value::Str(words.clone())),
            ];
            write(&mut out, &Value::Struct(members));
            out.push_str("\n</fault>\n");
        }
    }
    out.push_str("</methodResponse>\n");
    out
}

/// An element with a content that is escaped already.
fn element(out: &mut String, name: &str, content: &str) {
    for part in ["<", name, ">", content, "</", name, ">"] {
        out.push_str(part);
    }
}

fn write(out: &mut String, value: &Value) {
    out.push_str("<value>");
    match value {
        Value::Int(n) => element(out, "int", &n.to_string()),
        Value::Bool(b) => element(out, "boolean", if *b { "1" } else { "0" }),
        // Carriage returns would be read back as line feeds.
        Value::Str(s) => element(out, "string", &escape(s).replace('\r', "&#13;")),
        Value::Double(d) => element(out, "double", &d.to_string()),
        Value::Nil => out.push_str("<nil/>"),
        Value::Other(s) => element(out, "base64", &escape(s)),
        Value::Array(items) => {
            out.push_str("<array><data>");
            for item in items {
                write(out, item);
            }
            out.push_str("</data></array>");
        }
        Value::Struct(members) => {
            out.push_str("<struct>");
            for (name, value) in members {
                out.push_str("<member>");
                element(out, "name", &escape(name));
                write(out, value);
                out.push_str("</member>");
            }
            out.push_str("</struct>");
        }
    }
    out.push_str("</value>");
}

/// Reads an answer.
///
/// # Errors
/// What in it is not as it should be, in words.
pub fn read_answer(text: &str) -> Result<Answer, String> {
    let mut parser = Parser::new(text);
    parser.open("methodResponse")?;
    let answer = match parser.any_open()?.as_str() {
        "params" => {
            parser.open("param")?;
            let value = parser.value(0)?;
            parser.close("param")?;
            parser.close("params")?;
            Answer::Value(value)
        }
        "fault" => {
            let value = parser.value(0)?;
            parser.close("fault")?;
            let code = value.get("faultCode").and_then(Value::int).ok_or("a fault without a code")?;
            let words = value.get("faultString").and_then(Value::text).unwrap_or_default();
            Answer::Fault(code, words.to_owned())
        }
        other => return Err(format!("<{other}> where an answer was expected")),
    };
    parser.close("methodResponse")?;
    parser.end()?;
    Ok(answer)
}

/// Reads a call: method and parameters.
///
/// # Errors
/// What in it is not as it should be, in words.
pub fn read_call(text: &str) -> Result<(String, Vec<Value>), String> {
    let mut parser = Parser::new(text);
    parser.open("methodCall")?;
    parser.open("methodName")?;
    let method = parser.text_until("methodName")?.trim().to_owned();
    let mut params = Vec::new();
    if parser.opens_or_closes("params", "methodCall")? {
        while parser.opens_or_closes("param", "params")? {
            params.push(parser.value(0)?);
            parser.close("param")?;
        }
        parser.close("methodCall")?;
    }
    parser.end()?;
    Ok((method, params))
}

/// What matters of a document: tags and texts.
enum Token {
    Open(String),
    Close(String),
    End,
}

struct Parser<'a> {
    reader: Reader<&'a [u8]>,
    /// Text since the last tag.
    text: String,
    /// The closing half of an empty element.
    pending: Option<String>,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Self {
        Self { reader: Reader::from_str(text), text: String::new(), pending: None }
    }

    /// The next tag; the text before it is in `self.text`.
    fn tag(&mut self) -> Result<Token, String> {
        self.text.clear();
        if let Some(name) = self.pending.take() {
            return Ok(Token::Close(name));
        }
        loop {
            match self.reader.read_event().map_err(|e| e.to_string())? {
                Event::Start(tag) => return Ok(Token::Open(tag.name().0.to_owned())),
                Event::End(tag) => return Ok(Token::Close(tag.name().0.to_owned())),
                Event::Empty(tag) => {
                    let name = tag.name().0.to_owned();
                    self.pending = Some(name.clone());
                    return Ok(Token::Open(name));
                }
                Event::Text(text) => self.text.push_str(&text),
                Event::CData(text) => self.text.push_str(&text),
                Event::GeneralRef(name) => match name.resolve_char_ref().map_err(|e| e.to_string())? {
                    Some(c) => self.text.push(c),
                    None => self.text.push_str(match &*name {
                        "lt" => "<",
                        "gt" => ">",
                        "amp" => "&",
                        "quot" => "\"",
                        "apos" => "'",
                        _ => return Err("an entity that XML does not have".to_owned()),
                    }),
                },
                Event::DocType(_) => return Err("a document type, which is refused".to_owned()),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => return Ok(Token::End),
            }
        }
    }

    /// The next tag, with nothing but blanks before it.
    fn bare_tag(&mut self) -> Result<Token, String> {
        let token = self.tag()?;
        if self.text.trim().is_empty() { Ok(token) } else { Err("text where a tag was expected".to_owned()) }
    }

    fn any_open(&mut self) -> Result<String, String> {
        match self.bare_tag()? {
            Token::Open(name) => Ok(name),
            Token::Close(name) => Err(format!("</{name}> too early")),
            Token::End => Err("it ends too early".to_owned()),
        }
    }

    fn open(&mut self, wanted: &str) -> Result<(), String> {
        let name = self.any_open()?;
        if name == wanted { Ok(()) } else { Err(format!("<{name}> where <{wanted}> was expected")) }
    }

    fn close(&mut self, wanted: &str) -> Result<(), String> {
        match self.bare_tag()? {
            Token::Close(name) if name == wanted => Ok(()),
            _ => Err(format!("</{wanted}> is missing")),
        }
    }

    /// Whether `open` opens; else `close` has to close.
    fn opens_or_closes(&mut self, open: &str, close: &str) -> Result<bool, String> {
        match self.bare_tag()? {
            Token::Open(name) if name == open => Ok(true),
            Token::Close(name) if name == close => Ok(false),
            _ => Err(format!("neither <{open}> nor </{close}>")),
        }
    }

    fn text_until(&mut self, name: &str) -> Result<String, String> {
        match self.tag()? {
            Token::Close(closed) if closed == name => Ok(std::mem::take(&mut self.text)),
            _ => Err(format!("</{name}> is missing")),
        }
    }

    fn end(&mut self) -> Result<(), String> {
        match self.bare_tag()? {
            Token::End => Ok(()),
            _ => Err("more after its end".to_owned()),
        }
    }

    /// A `<value>` with all that is in it.
    fn value(&mut self, depth: usize) -> Result<Value, String> {
        self.open("value")?;
        self.value_inside(depth)
    }

    /// What stands behind `<value>`, to `</value>`.
    fn value_inside(&mut self, depth: usize) -> Result<Value, String> {
        if depth > MOST_DEPTH {
            return Err("values nested too deep".to_owned());
        }
        let kind = match self.tag()? {
            Token::Close(name) if name == "value" => return Ok(Value::Str(std::mem::take(&mut self.text))),
            Token::Open(name) if self.text.trim().is_empty() => name,
            _ => return Err("a value that is none".to_owned()),
        };
        let value = match kind.as_str() {
            "int" | "i4" | "i8" => {
                let text = self.text_until(&kind)?;
                Value::Int(text.trim().parse().map_err(|_| "an integer that is none".to_owned())?)
            }
            "boolean" => match self.text_until(&kind)?.trim() {
                "0" => Value::Bool(false),
                "1" => Value::Bool(true),
                _ => return Err("a boolean that is neither 0 nor 1".to_owned()),
            },
            "string" => Value::Str(self.text_until(&kind)?),
            "double" => {
                let text = self.text_until(&kind)?;
                Value::Double(text.trim().parse().map_err(|_| "a number that is none".to_owned())?)
            }
            "dateTime.iso8601" | "base64" => Value::Other(self.text_until(&kind)?),
            "nil" => {
                self.close("nil")?;
                Value::Nil
            }
            "array" => self.array(depth)?,
            "struct" => {
                let mut members = Vec::new();
                while self.opens_or_closes("member", "struct")? {
                    self.open("name")?;
                    let name = self.text_until("name")?;
                    members.push((name, self.value(depth + 1)?));
                    self.close("member")?;
                }
                Value::Struct(members)
            }
            other => return Err(format!("a value of the unknown type <{other}>")),
        };
        self.close("value")?;
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Result<Value, String> {
        self.open("data")?;
        let mut items = Vec::new();
        while self.opens_or_closes("value", "data")? {
            items.push(self.value_inside(depth + 1)?);
        }
        self.close("array")?;
        Ok(Value::Array(items))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Value::Int),
            any::<bool>().prop_map(Value::Bool),
            "[ -~äö\r\n\t]{0,20}".prop_map(Value::Str),
            (-1e9..1e9).prop_map(Value::Double),
            Just(Value::Nil),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::vec(("[a-z<&]{1,8}", inner), 0..4).prop_map(Value::Struct),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(method in "[a-zA-Z.]{1,20}", params in prop::collection::vec(value(), 0..3)) {
            let text = call(&method, &params);
            prop_assert_eq!(read_call(&text), Ok((method, params.clone())));
            for value in params {
                let text = answer(&Answer::Value(value.clone()));
                prop_assert_eq!(read_answer(&text), Ok(Answer::Value(value)));
            }
        }

        #[test]
        fn any_text_gives_an_answer_or_an_error(text in "\\PC*", cut in 0usize..400, junk in "[<>/&;a-z\\[\\]!]{0,6}") {
            let _ = read_answer(&text);
            let _ = read_call(&text);
            let good = answer(&Answer::Fault(10, "BAD_NAME: a".into()));
            let cut = cut.min(good.len());
            let (before, after) = good.split_at(cut);
            let bent = format!("{before}{junk}{after}");
            let _ = read_answer(&bent);
        }

        #[test]
        fn a_cut_answer_is_an_error(value in value(), at in 0.0f64..1.0) {
            let whole = answer(&Answer::Value(value));
            let whole = whole.trim_end();
            let mut at = (whole.len() as f64 * at) as usize;
            while !whole.is_char_boundary(at) { at -= 1; }
            prop_assert!(read_answer(whole.split_at(at).0).is_err());
        }
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = format!(
            "<methodResponse><params><param>{}{}</param></params></methodResponse>",
            "<value><array><data>".repeat(5000),
            "</data></array></value>".repeat(5000)
        );
        assert_eq!(read_answer(&deep), Err("values nested too deep".into()));
        let bomb = "<!DOCTYPE a [<!ENTITY b \"b\">]><methodResponse><params><param><value>&b;</value></param></params></methodResponse>";
        assert!(read_answer(bomb).unwrap_err().contains("document type"));
        let unknown = "<methodResponse><params><param><value>&b;</value></param></params></methodResponse>";
        assert!(read_answer(unknown).unwrap_err().contains("entity"));
        for bad in ["", "<a/>", "<html>502 Bad Gateway</html>", "<methodResponse/>", "not xml at all"] {
            assert!(read_answer(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_fault_is_told() {
        let text = "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n<member>\n<name>faultCode</name>\n<value><int>10</int></value>\n</member>\n<member>\n<name>faultString</name>\n<value><string>BAD_NAME: x</string></value>\n</member>\n</struct></value>\n</fault>\n</methodResponse>\n";
        assert_eq!(read_answer(text), Ok(Answer::Fault(10, "BAD_NAME: x".into())));
    }
}
