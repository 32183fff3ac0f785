//! Tests of the filter language as a whole: what is read, what it means, what errors point at,
//! and that printing and parsing are each other's inverse.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Expr, Literal, Op, Query, complete};
use crate::model::field::{FieldKind, FieldSpec, Record, Value};
use crate::model::page::Table;
use crate::model::severity::Severity;
use crate::model::tables;
use crate::model::time::{DAY, HOUR, SECOND, Ts};

const NOW: Ts = Ts(1_795_186_238 * SECOND);

/// A row from a list of fields; what is not listed is not known.
struct Row(BTreeMap<&'static str, Value<'static>>);

impl Record for Row {
    fn get(&self, field: &str) -> Value<'_> {
        self.0.get(field).cloned().unwrap_or(Value::None)
    }
}

fn alarm() -> Row {
    Row(BTreeMap::from([
        ("resource", Value::text("v1/onu/BBSM00000001")),
        ("type", Value::text("pon.onu.los")),
        ("text", Value::text("Fiber CUT near \u{dc}bach")),
        ("severity", Value::text("major")),
        ("cleared", Value::Bool(false)),
        ("op_state", Value::text("none")),
        ("owner", Value::text("anna")),
        ("raised_at", Value::Time(NOW.plus(-HOUR))),
        ("cleared_at", Value::Time(Ts::NEVER)),
        ("occurrences", Value::Int(1500)),
    ]))
}

fn parse(text: &str) -> Expr {
    Query::parse(text, Table::Alarms).unwrap_or_else(|e| panic!("{text}: {e}")).expr
}

fn passes(text: &str) -> bool {
    Query::parse(text, Table::Alarms).unwrap_or_else(|e| panic!("{text}: {e}")).matches(&alarm(), NOW)
}

#[test]
fn what_passes_and_what_does_not() {
    let passing = [
        "",
        "*",
        "cut",
        "\"fiber cut\"",
        "FIBER bbsm",
        "/c.t near/",
        "text~cut.*near",
        "text~/^fiber/",
        "text!~gasp",
        "text:CUT",
        "owner=ANNA",
        "owner!=bob",
        "owner!=",
        "clear_reason=",
        "op_text=\"\"",
        "sev>=maj",
        "severity<critical",
        "severity = major",
        "sev in (critical, major)",
        "sev not in (critical,minor)",
        "not cleared",
        "!cleared",
        "-cleared",
        "cleared=no",
        "raised>-2h",
        "raised<now",
        "raised<+5m",
        "raised>2026-11-20",
        "raised=2026-11-20",
        "raised<=2026-11-20",
        "raised>=2026-11-20T13:50:00Z",
        "raised<2026-11-20T14:50",
        "cleared_at=",
        "occurrences>1k",
        "occurrences=1.5k",
        "occurrences:1500",
        "subs!=3",
        "gasp or cut",
        "gasp or (cut and not owner=bob)",
        "owner>aa owner<b",
        "op=n",
        "id:bbsm or res:BBSM",
    ];
    for text in passing.iter().filter(|t| !t.starts_with("id:")) {
        assert!(passes(text), "{text}");
    }
    let failing = [
        "gasp",
        "cut gasp",
        "not cut",
        "cleared",
        "cleared=yes",
        "owner=",
        "owner=ann",
        "owner!=Anna",
        "raised>-30m",
        "raised<2026-11-20",
        "raised!=2026-11-20",
        "cleared_at<now",
        "cleared_at>now",
        "cleared_at!=",
        "subs=3",
        "subs<3",
        "subs>=0",
        "subs!=",
        "sev=crit",
        "occurrences>1M",
        "/gasp/",
        "text:\"\u{fc}bach\"",
        "own_query",
    ];
    for text in failing {
        assert!(!passes(text), "{text}");
    }
}

#[test]
fn trees_are_flat_and_words_are_full() {
    let eq = |name: &str, value| {
        let field = tables::ALARMS.field(name).unwrap();
        Expr::Compare { field, op: Op::Eq, value }
    };
    assert_eq!(parse("a b and (c d)"), Expr::And(["a", "b", "c", "d"].map(|t| Expr::Text(t.into())).to_vec()));
    assert_eq!(parse("sev:crit"), eq("severity", Literal::Severity(Severity::Critical)));
    assert_eq!(parse("vis=shel"), eq("visibility", Literal::Text("shelved".into())));
    assert_eq!(parse("ack_until=+2h"), eq("ack_until", Literal::Ago(-2 * HOUR)));
    assert_eq!(parse("count=2M"), eq("occurrences", Literal::Int(2_000_000)));
    assert_eq!(parse("owner= and x"), Expr::And(vec![eq("owner", Literal::Empty), Expr::Text("x".into())]));
    assert_eq!(parse("owner=and"), eq("owner", Literal::Text("and".into())));
    assert_eq!(parse("\"cleared\""), Expr::Text("cleared".into()));
    assert_eq!(parse("owner in (bob)"), eq("owner", Literal::Text("bob".into())));
    assert_eq!(parse("text~a\\/b"), parse("text~/a\\/b/"));
    let day = NOW.0 - NOW.0 % DAY;
    let field = tables::ALARMS.field("raised").unwrap();
    let end = |op, t| Expr::Compare { field, op, value: Literal::Time(Ts(t)) };
    assert_eq!(parse("raised=2026-11-20"), Expr::And(vec![end(Op::Ge, day), end(Op::Lt, day + DAY)]));
}

#[test]
fn errors_point_at_the_place_and_say_what_is_right() {
    let cases = [
        ("sevrity=major", 0, 7, "did you mean severity?"),
        ("cut and ownr:x", 8, 4, "did you mean owner?"),
        ("zzz=1", 0, 3, "there are source, resource"),
        ("sev>=huge", 5, 4, "one of critical, major"),
        ("sev=majr", 4, 4, "did you mean major?"),
        ("sev=m", 4, 1, "one of critical"),
        ("vis=shown", 4, 5, "visible, shelved"),
        ("state<ACKED", 5, 1, "has no order"),
        ("cleared>yes", 7, 1, "has no order"),
        ("cleared=maybe", 8, 5, "yes or no"),
        ("cleared= ", 9, 1, "yes or no"),
        ("raised>2h", 7, 2, "-2h for 2h ago"),
        ("raised>soon", 7, 4, "2026-11-20"),
        ("count>many", 6, 4, "takes a number"),
        ("count>inf", 6, 3, "takes a number"),
        ("count>1e999", 6, 5, "takes a number"),
        ("raised~/x/", 6, 1, "works on text"),
        ("text~/(/", 5, 3, "not a regular expression"),
        ("text~", 5, 1, "is missing"),
        ("text:/x/", 5, 3, "goes with ~"),
        ("a (b", 2, 1, "not closed"),
        ("a) b", 1, 1, "no ( for this"),
        ("()", 1, 1, "missing before this )"),
        ("a or", 4, 1, "something is missing here"),
        ("or a", 0, 2, "before \"or\""),
        ("not", 3, 1, "something is missing here"),
        ("sev>=", 5, 1, "is missing here"),
        ("=x", 0, 1, "field is missing"),
        ("\"cut", 0, 4, "not closed"),
        ("x /cut", 2, 4, "not closed"),
        ("\"\"", 0, 2, "empty text"),
        ("//", 0, 2, "empty regular expression"),
        ("sev in (critical", 16, 1, "the list goes on"),
        ("sev in ()", 8, 1, "value of severity"),
        ("sev in (major,)", 14, 1, "value of severity"),
        ("\u{fc}ber\u{fc}ber sevr=1", 9, 4, "did you mean"),
    ];
    for (text, at, len, says) in cases {
        let e = Query::parse(text, Table::Alarms).expect_err(text);
        assert!((e.at, e.len) == (at, len) && e.message.contains(says), "{text}: {e:?}");
    }
}

#[test]
fn depth_and_length_are_bounded() {
    for bad in ["(".repeat(100_000), "!".repeat(100_000), "not ".repeat(2000), "x".repeat(10_000)] {
        assert!(Query::parse(&bad, Table::Log).is_err());
    }
    assert!(Query::parse(&format!("{}x", "x or ".repeat(1500)), Table::Log).is_ok());
}

#[test]
fn completions_fit_the_place() {
    let at_end = |text: &str| -> Vec<String> {
        complete(text, text.chars().count(), Table::Alarms).into_iter().map(|c| c.text).collect()
    };
    assert_eq!(at_end("sev"), ["severity"]);
    assert_eq!(at_end("cut and own"), ["owner", "own_query"]);
    assert_eq!(at_end("sev>=c"), ["critical"]);
    assert_eq!(at_end("sev>="), ["critical", "major", "minor", "warning", "indeterminate"]);
    assert_eq!(at_end("sev in (critical, m"), ["major", "minor"]);
    assert_eq!(at_end("cleared="), ["yes", "no"]);
    assert!(at_end("raised>").contains(&"-2h".to_owned()));
    assert!(at_end("owner").contains(&"!=".to_owned()), "operators behind a complete field");
    assert!(at_end("\"sev").is_empty() && at_end("/sev").is_empty() && at_end("text~/s").is_empty());
    assert_eq!(at_end("").len(), tables::ALARMS.fields.len());
    assert!(at_end("n").contains(&"not".to_owned()));
    let mid = complete("x sev>=cr and y", 9, Table::Alarms);
    assert_eq!((mid[0].start, mid[0].end, mid[0].text.as_str()), (7, 9, "critical"));
}

fn table() -> impl Strategy<Value = Table> {
    prop_oneof![Just(Table::Alarms), Just(Table::Nodes), Just(Table::Sources), Just(Table::Log)]
}

fn severity() -> impl Strategy<Value = Literal> {
    (0_u8..5).prop_map(|r| Literal::Severity(Severity::from_rank(r)))
}

/// A value that fits a field, and the operators it can have there.
fn literal(field: &'static FieldSpec) -> BoxedStrategy<(Op, Literal)> {
    let any_op = || prop_oneof![Just(Op::Eq), Just(Op::Ne), Just(Op::Lt), Just(Op::Le), Just(Op::Gt), Just(Op::Ge)];
    let equal = || prop_oneof![Just(Op::Eq), Just(Op::Ne)];
    let text = || "[^\\x00]{1,12}".prop_map(Literal::Text);
    let empty = (equal(), Just(Literal::Empty));
    match field.kind {
        FieldKind::Text => prop_oneof![(any_op(), text()), (Just(Op::Has), text()), empty].boxed(),
        FieldKind::Word(words) => {
            let word = proptest::sample::select(words).prop_map(|w| Literal::Text(w.to_owned()));
            prop_oneof![(equal(), word), (Just(Op::Has), text()), empty].boxed()
        }
        FieldKind::Bool => (equal(), any::<bool>().prop_map(Literal::Bool)).boxed(),
        FieldKind::Int => {
            prop_oneof![(any_op(), (-8_000_000_000_000_000_i64..8_000_000_000_000_000).prop_map(Literal::Int)), empty]
                .boxed()
        }
        FieldKind::Float => {
            let number = proptest::num::f64::NORMAL | proptest::num::f64::ZERO;
            prop_oneof![(any_op(), number.prop_map(Literal::Float)), empty].boxed()
        }
        FieldKind::Time => {
            let time = (-62_000_000_000_000_000_i64..250_000_000_000_000_000).prop_map(|t| Literal::Time(Ts(t)));
            let ago = (-1_000_000_i64..1_000_000).prop_map(|s| Literal::Ago(s * SECOND));
            prop_oneof![(any_op(), time), (any_op(), ago), empty].boxed()
        }
        FieldKind::Severity => prop_oneof![(any_op(), severity()), empty].boxed(),
    }
}

fn leaf(table: Table) -> BoxedStrategy<Expr> {
    let fields = tables::spec(table).fields;
    let compare = proptest::sample::select(fields.iter().collect::<Vec<&'static FieldSpec>>())
        .prop_flat_map(|field| literal(field).prop_map(move |(op, value)| Expr::Compare { field, op, value }));
    let texts: Vec<_> = fields.iter().filter(|f| f.kind == FieldKind::Text).map(Some).chain([None]).collect();
    let pattern =
        proptest::sample::select(vec!["a", "a/b", "\\/x", "\\\\", "[/]", "^los|gasp$", "\u{fc}.", "\\\\/", "\"q\""]);
    let matches = (proptest::sample::select(texts), pattern)
        .prop_map(|(field, pattern)| Expr::Matches { field, regex: super::parse::regex(pattern).unwrap() });
    prop_oneof![4 => compare, 1 => matches, 1 => ".{1,12}".prop_map(Expr::Text), 1 => Just(Expr::All)].boxed()
}

fn tree(table: Table) -> impl Strategy<Value = (Table, Expr)> {
    leaf(table)
        .prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 1..4).prop_map(Expr::all),
                proptest::collection::vec(inner.clone(), 1..4).prop_map(Expr::any),
                inner.prop_map(|e| Expr::Not(Box::new(e))),
            ]
        })
        .prop_map(move |e| (table, e))
}

proptest! {
    #[test]
    fn printing_and_parsing_are_inverse((table, expr) in table().prop_flat_map(tree)) {
        let text = expr.to_string();
        let back = Query::parse(&text, table).map_err(|e| TestCaseError::fail(format!("{text}: {e}")))?;
        prop_assert_eq!(back.expr, expr, "{}", text);
    }

    #[test]
    fn no_text_panics_and_errors_lie_inside(text in any_text(), table in table(), cursor in 0_usize..50) {
        let chars = text.chars().count();
        match Query::parse(&text, table) {
            Ok(query) => {
                let _ = query.matches(&alarm(), NOW);
                let again = Query::parse(&query.expr.to_string(), table).unwrap();
                prop_assert_eq!(again.expr, query.expr);
            }
            Err(e) => {
                prop_assert!(e.at <= chars && e.len >= 1, "{:?}", e);
                prop_assert!(e.at == chars || e.at + e.len <= chars, "{:?} in {}", e, chars);
            }
        }
        for c in complete(&text, cursor, table) {
            prop_assert!(c.start <= c.end && c.end <= chars);
        }
    }
}

/// Texts made of the language's own pieces, which find more than noise does, and noise.
fn any_text() -> impl Strategy<Value = String> {
    let pieces = vec![
        "sev",
        "severity",
        "cleared",
        "raised",
        "owner",
        "text",
        "id",
        "what",
        "=",
        "!=",
        ">=",
        "<",
        ":",
        "~",
        "!~",
        "(",
        ")",
        ",",
        "\"",
        "/",
        "\\",
        "-",
        "!",
        " ",
        " ",
        " and ",
        " or ",
        "not ",
        "in (",
        "*",
        "-2h",
        "now",
        "2026-11-20",
        "major",
        "yes",
        "10k",
        "\u{fc}",
        "\u{1b}[",
        "x",
    ];
    prop_oneof![proptest::collection::vec(proptest::sample::select(pieces), 0..14).prop_map(|p| p.concat()), ".{0,40}",]
}

#[test]
fn a_tag_is_one_of_the_tags() {
    struct Tagged(&'static str);
    impl crate::model::field::Record for Tagged {
        fn get(&self, field: &str) -> crate::model::field::Value<'_> {
            if field == "tags" { crate::model::field::Value::text(self.0) } else { crate::model::field::Value::None }
        }
    }
    let holds =
        |filter: &str, tags: &'static str| Query::parse(filter, Table::Cpes).unwrap().matches(&Tagged(tags), Ts(1));
    assert!(holds("tag=South", "south, pilot") && holds("tag=pilot", "south, pilot") && holds("tag=x", "x"));
    assert!(!holds("tag=sou", "south, pilot") && holds("tag~sou", "south, pilot"));
    assert!(holds("tag!=north", "south, pilot") && !holds("tag!=pilot", "south, pilot"));
    assert!(holds("tag=", "") && !holds("tag=", "south"));
}

#[test]
fn firmware_is_compared_as_a_version() {
    struct Running(&'static str);
    impl crate::model::field::Record for Running {
        fn get(&self, field: &str) -> crate::model::field::Value<'_> {
            if field == "firmware" {
                crate::model::field::Value::text(self.0)
            } else {
                crate::model::field::Value::None
            }
        }
    }
    let holds = |filter: &str, version: &'static str| {
        Query::parse(filter, Table::Cpes).unwrap().matches(&Running(version), Ts(1))
    };
    assert!(holds("fw>=V3.0.10", "V3.0.10") && holds("fw>=V3.0.10", "V3.0.11") && !holds("fw>=V3.0.10", "V3.0.9"));
    assert!(holds("firmware<V3.0.10", "V3.0.9") && !holds("firmware<V3.0.10", "V10.0"));
    assert!(holds("fw=v3.0.10", "V3.0.10") && !holds("fw=V3.0.10", "V3.0.010"), "equal is the text");
}
