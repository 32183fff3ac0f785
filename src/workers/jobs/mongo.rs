//! Queries of the source documents (JSON, Mongo style, friendly field names) as our own filters, so
//! that one language decides which devices a job gets. Pure.

use serde_json::{Map, Value as Json};

use crate::controllers::genieacs::query::is_path;
use crate::model::text::clean;

/// The filter that means the same.
///
/// # Errors
/// The field or operator that has no counterpart, in words.
pub(crate) fn filter_of(query: &str) -> Result<String, String> {
    let json: Json = serde_json::from_str(query).map_err(|e| format!("the query is no JSON: {e}"))?;
    let Json::Object(map) = json else { return Err("a query is a table of fields and values".to_owned()) };
    if map.is_empty() { Ok("*".to_owned()) } else { all(&map, 0) }
}

fn all(map: &Map<String, Json>, depth: usize) -> Result<String, String> {
    if depth > 20 {
        return Err("the query nests too deep".to_owned());
    }
    let parts: Vec<String> = map.iter().map(|(key, value)| part(key, value, depth)).collect::<Result<_, _>>()?;
    Ok(if parts.is_empty() { "*".to_owned() } else { joined(&parts, " and ") })
}

fn joined(parts: &[String], with: &str) -> String {
    if let [one] = parts { one.clone() } else { format!("({})", parts.join(with)) }
}

fn part(key: &str, value: &Json, depth: usize) -> Result<String, String> {
    if let "$and" | "$or" | "$nor" = key {
        let Json::Array(list) = value else { return Err(format!("{key} takes a list of queries")) };
        let one = |q: &Json| match q {
            Json::Object(map) => all(map, depth + 1),
            _ => Err(format!("{key} takes a list of queries")),
        };
        let parts: Vec<String> = list.iter().map(one).collect::<Result<_, _>>()?;
        if parts.is_empty() {
            return Err(format!("{key} takes a list of queries"));
        }
        return Ok(match key {
            "$and" => joined(&parts, " and "),
            "$or" => joined(&parts, " or "),
            _ => format!("not {}", joined(&parts, " or ")),
        });
    }
    let fields = fields(key).ok_or_else(|| format!("no field {} of a CPE; name it as in `noctule cpe`", clean(key)))?;
    let each: Vec<String> = fields.iter().map(|field| condition(field, value)).collect::<Result<_, _>>()?;
    // "model is not X" has to hold for either meaning of "model".
    let negative = value.as_object().is_some_and(|m| m.contains_key("$ne") || m.contains_key("$nin"));
    Ok(joined(&each, if negative { " and " } else { " or " }))
}

/// What a friendly name stands for.
fn fields(key: &str) -> Option<Vec<String>> {
    let known: &[&str] = match key.trim_end_matches("._value") {
        "manufacturer" | "_deviceId._Manufacturer" => &["manufacturer"],
        "oui" | "_deviceId._OUI" => &["oui"],
        "product_class" | "_deviceId._ProductClass" => &["product_class"],
        "model" | "model_name" => &["product_class", "model"],
        "serial" | "serial_number" | "_deviceId._SerialNumber" => &["serial"],
        "software_version" | "firmware" | "firmware_version" => &["firmware"],
        "hardware_version" | "hardware" => &["hardware"],
        "tags" | "tag" | "_tags" => &["tags"],
        "last_inform" | "_lastInform" => &["last_inform"],
        "last_boot" | "_lastBoot" => &["last_boot"],
        "registered" | "_registered" => &["registered"],
        "_id" | "device_id" | "id" => &["id"],
        "ssid" => &["ssid"],
        "ip" | "ip_address" => &["ip"],
        "pppoe_user" => &["pppoe_user"],
        "online" => &["online"],
        path if is_path(path) => return Some(vec![path.to_owned()]),
        _ => return None,
    };
    Some(known.iter().map(|f| (*f).to_owned()).collect())
}

fn condition(field: &str, value: &Json) -> Result<String, String> {
    let Json::Object(operators) = value else { return equal(field, value) };
    let mut parts = Vec::new();
    for (op, want) in operators {
        let list = || match want {
            Json::Array(all) if !all.is_empty() => {
                all.iter().map(|one| equal(field, one)).collect::<Result<Vec<_>, _>>().map(|p| joined(&p, " or "))
            }
            _ => Err(format!("{field}: {op} takes a list")),
        };
        parts.push(match op.as_str() {
            "$eq" => equal(field, want)?,
            "$ne" => format!("not ({})", equal(field, want)?),
            "$in" => list()?,
            "$nin" => format!("not ({})", list()?),
            "$gt" => format!("{field}>{}", plain(field, want)?),
            "$gte" => format!("{field}>={}", plain(field, want)?),
            "$lt" => format!("{field}<{}", plain(field, want)?),
            "$lte" => format!("{field}<={}", plain(field, want)?),
            "$exists" if *want == Json::Bool(true) => format!("{field}!="),
            "$exists" if *want == Json::Bool(false) => format!("{field}="),
            "$regex" => match want {
                Json::String(pattern) => format!("{field}~{}", slashes(pattern)),
                _ => return Err(format!("{field}: $regex takes a text")),
            },
            "$options" => continue,
            other => return Err(format!("{field}: the operator {} has no counterpart", clean(other))),
        });
    }
    if parts.is_empty() { Err(format!("{field}: there is no operator")) } else { Ok(joined(&parts, " and ")) }
}

/// Equal, the way the server reads texts: `/re/` is an expression, `*` stands for anything.
fn equal(field: &str, value: &Json) -> Result<String, String> {
    let text = plain_text(field, value)?;
    let inner = text.strip_prefix('/').and_then(|t| t.rsplit_once('/')).map(|(pattern, _)| pattern);
    if let Some(pattern) = inner {
        return Ok(format!("{field}~{}", slashes(pattern)));
    }
    let starred = |t: &str| t.split('*').map(regex::escape).collect::<Vec<_>>().join(".*");
    Ok(match field {
        // A device has several tags; its row shows them as one text.
        "tags" => format!("tags~{}", slashes(&format!("(^|, ){}(,|$)", starred(&text)))),
        // The canonical name begins with the source.
        "id" => format!("id~{}", slashes(&format!("(^|/cpe/){}$", starred(&text)))),
        _ if text.contains('*') => format!("{field}~{}", slashes(&format!("^{}$", starred(&text)))),
        _ => format!("{field}={}", quoted(&text)),
    })
}

fn plain_text(field: &str, value: &Json) -> Result<String, String> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Number(n) => Ok(n.to_string()),
        Json::Bool(b) => Ok(b.to_string()),
        _ => Err(format!("{field}: a text, a number, true or false is needed")),
    }
}

fn plain(field: &str, value: &Json) -> Result<String, String> {
    plain_text(field, value).map(|text| quoted(&text))
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn slashes(pattern: &str) -> String {
    let mut out = String::from("/");
    let mut escaped = false;
    for c in pattern.chars() {
        if c == '/' && !escaped {
            out.push('\\');
        }
        escaped = c == '\\' && !escaped;
        out.push(c);
    }
    out.push('/');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::page::Table;
    use crate::model::query::Query;
    use crate::workers::fixture::{NOW, cpe};

    fn passes(query: &str) -> bool {
        let filter = filter_of(query).unwrap();
        let query = Query::parse(&filter, Table::Cpes).unwrap_or_else(|e| panic!("{filter}: {e}"));
        let row = crate::model::cpe::CpeRow {
            manufacturer: "Huawei".into(),
            product_class: "HG8245H".into(),
            model: "EchoLife".into(),
            firmware: "V3.0.9".into(),
            tags: "lab, beta".into(),
            canonical: "acs/cpe/00E0-HG%2D1-S1".into(),
            ..cpe("S1")
        };
        query.matches(&row, NOW)
    }

    #[test]
    fn friendly_names_and_operators_mean_what_they_say() {
        assert!(passes(r#"{"manufacturer":"Huawei","model":"HG8245H"}"#));
        assert!(passes(r#"{"model":"EchoLife"}"#) && !passes(r#"{"model":{"$ne":"HG8245H"}}"#));
        assert!(passes(r#"{"tags":"beta"}"#) && !passes(r#"{"_tags":"bet"}"#));
        assert!(passes(r#"{"tags":{"$in":["x","lab"]}}"#) && !passes(r#"{"tags":{"$nin":["lab"]}}"#));
        assert!(passes(r#"{"software_version":{"$ne":"V3.0.10"}}"#));
        assert!(passes(r#"{"serial":"S*"}"#) && passes(r#"{"serial":"/^s1$/i"}"#));
        assert!(passes(r#"{"$or":[{"oui":"none"},{"_id":"00E0-HG%2D1-S1"}]}"#));
        assert!(!passes(r#"{"$nor":[{"manufacturer":"Huawei"}]}"#));
        assert!(passes("{}"));
    }

    #[test]
    fn what_has_no_counterpart_is_named() {
        assert!(filter_of(r#"{"colour":"red"}"#).unwrap_err().contains("colour"));
        assert!(filter_of(r#"{"serial":{"$where":"1"}}"#).unwrap_err().contains("$where"));
        assert!(filter_of("[1]").is_err() && filter_of("nonsense").is_err());
    }
}
