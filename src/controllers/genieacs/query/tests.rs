//! Translations, held against a small evaluator of the server's queries: whatever the server lets
//! through and the console then filters is exactly what the filter means.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::controllers::genieacs::device::{DeviceDoc, instant};
use crate::controllers::genieacs::map::cpe;
use crate::controllers::genieacs::validate;
use crate::controllers::genieacs::wire::Collection;
use crate::model::field::{FieldKind, FieldSpec};
use crate::model::query::{LeafTest, Literal, Op};

const NOW: Ts = Ts(1_795_186_238_574_366);

const fn field(name: &'static str, kind: FieldKind) -> FieldSpec {
    FieldSpec {
        name,
        aliases: &[],
        header: "",
        kind,
        sortable: false,
        free_text: false,
        versions: false,
        listed: false,
        doc: "",
    }
}

static TEXTS: &[FieldSpec] = &[
    field("id", FieldKind::Text),
    field("manufacturer", FieldKind::Text),
    field("product_class", FieldKind::Text),
    field("serial", FieldKind::Text),
    field("model", FieldKind::Text),
    FieldSpec { versions: true, ..field("firmware", FieldKind::Text) },
    FieldSpec { listed: true, ..field("tags", FieldKind::Text) },
    field("ssid", FieldKind::Text),
    field("ip", FieldKind::Text),
    field("pppoe_user", FieldKind::Text),
    field("online", FieldKind::Text),
    field("InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Channel", FieldKind::Text),
    field("VirtualParameters.x", FieldKind::Text),
];
static TIMES: &[FieldSpec] =
    &[field("last_inform", FieldKind::Time), field("last_boot", FieldKind::Time), field("registered", FieldKind::Time)];
static PATHS: &[&str] = &[
    "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Channel",
    "InternetGatewayDevice.WANDevice.1.X_GponInterafceConfig.RXPower",
    "Device.WiFi.SSID.1.SSID",
    "VirtualParameters.x",
    "VirtualParameters.nobody",
];
static POWER: FieldSpec = field("rx_dbm", FieldKind::Float);

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "a",
        "A",
        "ab",
        "V3.0.9",
        "V3.0.10",
        "6",
        "6.0",
        "true",
        "a.b",
        "a*",
        "/a/",
        "x y",
        "k",
        "\u{212a}",
        "",
        "online",
        "late",
        "offline",
        "acs-1/cpe/ida",
        "acs-1/cpe/idab",
        "x/cpe/ida",
        "2026-11-20T14:00:00.000Z",
        "1",
        "(",
        "ſ",
    ])
    .prop_map(str::to_owned)
}

fn instants() -> impl Strategy<Value = Ts> {
    prop_oneof![
        (-400_000_i64..400_000).prop_map(|s| NOW.plus(s * 1_000_000)),
        (-5_i64..5).prop_map(|us| Ts(NOW.0 + us))
    ]
}

fn filter() -> impl Strategy<Value = Expr> {
    let raw_op = prop::sample::select(vec![Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge, Op::Has]);
    let op = prop::sample::select(vec![Op::Eq, Op::Ne, Op::Lt, Op::Le, Op::Gt, Op::Ge, Op::Has]);
    let leaf = prop_oneof![
        (prop::sample::select(TEXTS), op.clone(), word()).prop_map(|(f, op, w)| {
            let field = TEXTS.iter().find(|t| t.name == f.name).unwrap();
            Expr::Compare { field, op, value: if w.is_empty() { Literal::Empty } else { Literal::Text(w) } }
        }),
        (0..TIMES.len(), op.clone(), instants()).prop_map(|(i, op, t)| Expr::Compare {
            field: &TIMES[i],
            op,
            value: Literal::Time(t)
        }),
        (0..TIMES.len(), op.clone(), -400_000_i64..400_000).prop_map(|(i, op, s)| Expr::Compare {
            field: &TIMES[i],
            op,
            value: Literal::Ago(s * 1_000_000)
        }),
        (op, -40_i64..5).prop_map(|(op, n)| Expr::Compare { field: &POWER, op, value: Literal::Int(n) }),
        word().prop_map(Expr::Text),
        (prop::sample::select(PATHS), raw_op, word())
            .prop_map(|(path, op, w)| Expr::Leaf { path: path.to_owned(), test: LeafTest::Compare(op, w) }),
        Just(Expr::All),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Expr::And),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Expr::Or),
            inner.prop_map(|e| Expr::Not(Box::new(e))),
        ]
    })
}

fn value() -> impl Strategy<Value = Json> {
    prop_oneof![
        word().prop_map(Json::from),
        (0..8).prop_map(Json::from),
        Just(json!(6.0)),
        any::<bool>().prop_map(Json::from),
        Just(json!("2026-11-20T14:00:00.000Z")),
    ]
}

/// What names a device and its tags is text at the server, whatever it looks like. The evaluator here
/// cannot tell a text from an instant that is written the same way: there is none of those.
fn name() -> impl Strategy<Value = String> {
    word().prop_filter("an instant", |w| !w.ends_with("00.000Z"))
}

fn document() -> impl Strategy<Value = Json> {
    let times = || prop::option::of(instants());
    (
        (name(), name(), name(), prop::collection::vec(name(), 0..3)),
        (times(), times(), times()),
        prop::collection::vec(prop::option::of(value()), 7),
        any::<bool>(),
    )
        .prop_map(|((id, maker, model, tags), (inform, boot, registered), values, tr098)| {
            let mut doc = json!({
                "_id": format!("id{}", id.replace([' ', '/', '*', '('], "")),
                "_deviceId": {"_Manufacturer": maker, "_ProductClass": model, "_SerialNumber": id},
                "_tags": tags.into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>(),
            });
            for (key, at) in [("_lastInform", inform), ("_lastBoot", boot), ("_registered", registered)] {
                if let Some(at) = at {
                    doc[key] = json!(at.to_rfc3339());
                }
            }
            let paths: &[&str] = if tr098 {
                &[
                    "InternetGatewayDevice.DeviceInfo.SoftwareVersion",
                    "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.SSID",
                    "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Channel",
                    "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1.Username",
                    "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.2.WANPPPConnection.1.Username",
                    "InternetGatewayDevice.WANDevice.1.X_GponInterafceConfig.RXPower",
                    "VirtualParameters.x",
                ]
            } else {
                &["Device.DeviceInfo.SoftwareVersion", "Device.WiFi.SSID.1.SSID", "VirtualParameters.x"]
            };
            for (path, value) in paths.iter().zip(values) {
                let Some(value) = value else { continue };
                let mut at = &mut doc;
                for part in path.split('.') {
                    at = &mut at[part];
                }
                *at = json!({"_value": value, "_writable": true});
            }
            doc
        })
}

/// What the server keeps as a date, told by its form.
fn date(value: &Json) -> Option<Ts> {
    value.as_str().map(instant).filter(|t| t.is_set())
}

/// The queries that the translation writes, as MongoDB understands them.
fn passes(query: &Json, doc: &Json) -> bool {
    query.as_object().unwrap().iter().all(|(key, condition)| {
        let parts = || condition.as_array().unwrap().iter();
        match key.as_str() {
            "$and" => parts().all(|p| passes(p, doc)),
            "$or" => parts().any(|p| passes(p, doc)),
            "$nor" => !parts().any(|p| passes(p, doc)),
            path => {
                let found = path.split('.').try_fold(doc, |at, p| at.get(p));
                condition_holds(condition, found)
            }
        }
    })
}

fn condition_holds(condition: &Json, found: Option<&Json>) -> bool {
    let ops = condition.as_object().unwrap();
    // A list passes when one of its elements does.
    if let Some(Json::Array(all)) = found
        && !ops.contains_key("$exists")
    {
        return all.iter().any(|one| condition_holds(condition, Some(one)));
    }
    ops.iter().all(|(op, want)| match (op.as_str(), found) {
        ("$exists", found) => found.is_some() == want.as_bool().unwrap(),
        ("$options", _) => true,
        (_, None) => false,
        ("$regex", Some(have)) => {
            let (Some(text), None) = (have.as_str(), date(have)) else { return false };
            let pattern = want.as_str().unwrap();
            let insensitive = ops.get("$options").is_some();
            regex::RegexBuilder::new(pattern).case_insensitive(insensitive).build().unwrap().is_match(text)
        }
        ("$type", Some(have)) => {
            let kind = match have {
                Json::Number(_) => "number",
                Json::Bool(_) => "bool",
                value if date(value).is_some() => "date",
                _ => "string",
            };
            want == kind || want.as_array().is_some_and(|all| all.iter().any(|k| k == kind))
        }
        (op, Some(Json::Number(have))) => {
            let (have, Some(want)) = (have.as_f64().unwrap(), want.as_f64()) else { return false };
            match op {
                "$gte" => have >= want,
                "$lte" => have <= want,
                "$gt" => have > want,
                "$lt" => have < want,
                other => panic!("{other}"),
            }
        }
        (op, Some(have)) => match (date(have), date(want)) {
            (Some(have), Some(want)) => match op {
                "$gt" => have > want,
                "$gte" => have >= want,
                "$lt" => have < want,
                "$lte" => have <= want,
                other => panic!("{other}"),
            },
            _ => false,
        },
    })
}

fn context(profiles: &Profiles) -> Context<'_> {
    Context { source: "acs-1", profiles, now: NOW, online_s: 300, offline_s: 86_400 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn the_two_halves_are_the_filter(expr in filter(), docs in prop::collection::vec(document(), 1..4)) {
        let profiles = Profiles::load(None).unwrap();
        let context = context(&profiles);
        let told = translate(&expr, &context);
        prop_assert_eq!(validate::query(Collection::Devices, told.nbi.json()), Ok(()));
        for json in docs {
            let doc: DeviceDoc = serde_json::from_value(json.clone()).unwrap();
            let cpe = cpe(&doc, &profiles);
            let row = Document::new(&cpe, &doc, &context);
            let wanted = matches(&expr, &row, NOW);
            let sent = passes(told.nbi.json(), &json);
            let kept = sent && told.rest.as_ref().is_none_or(|rest| matches(rest, &row, NOW));
            prop_assert_eq!(kept, wanted, "{} on {} by {:?}", expr, json, told);
        }
    }
}

fn told(expr: &Expr) -> Translated {
    let profiles = Profiles::load(None).unwrap();
    translate(expr, &context(&profiles))
}

fn is(name: &str, op: Op, words: &str) -> Expr {
    let field = TEXTS.iter().find(|f| f.name == name).unwrap();
    Expr::Compare { field, op, value: Literal::Text(words.to_owned()) }
}

#[test]
fn versions_are_never_left_to_the_server() {
    let older = told(&is("firmware", Op::Lt, "V3.0.10"));
    assert!(older.nbi.is_all() && older.rest.is_some());
}

#[test]
fn what_the_server_can_answer_it_is_asked() {
    let since = told(&Expr::Compare { field: &TIMES[0], op: Op::Gt, value: Literal::Time(Ts(1_795_186_238_574_000)) });
    assert_eq!((since.nbi.json(), since.rest), (&json!({"_lastInform": {"$gt": "2026-11-20T14:50:38.574Z"}}), None));
    let both = told(&Expr::And(vec![is("manufacturer", Op::Has, "Hua.wei"), is("firmware", Op::Lt, "V2")]));
    assert_eq!(both.nbi.json(), &json!({"_deviceId._Manufacturer": {"$regex": "Hua\\.wei", "$options": "i"}}));
    assert!(both.rest.is_some());
    let ssid = told(&is("ssid", Op::Eq, "Home-1"));
    let text = ssid.nbi.json().to_string();
    assert!(text.contains("InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.SSID._value"), "{text}");
    assert!(text.contains("Device.WiFi.SSID.1.SSID._value"), "{text}");
    assert_eq!(told(&Expr::All), Translated { nbi: Filter::all(), rest: None });
    let not = told(&Expr::Not(Box::new(is("manufacturer", Op::Eq, "Nokia"))));
    assert!(not.nbi.json().to_string().starts_with("{\"$nor\""), "{not:?}");
}

#[test]
fn raw_parameters_are_asked_for_as_numbers_where_they_are_some() {
    let path = "Device.WiFi.Radio.1.Channel";
    let above = told(&Expr::Leaf { path: path.to_owned(), test: LeafTest::Compare(Op::Gt, "6".to_owned()) });
    let text = above.nbi.json().to_string();
    assert!(text.contains("\"$gte\":6.0") && above.rest.is_some(), "{text}");
    let version = told(&Expr::Leaf { path: path.to_owned(), test: LeafTest::Compare(Op::Gt, "V3.0.9".to_owned()) });
    assert!(version.nbi.is_all());
}

#[test]
fn what_only_the_console_knows_is_named() {
    static FAULTS: FieldSpec = field("faults", FieldKind::Int);
    let faults = Expr::Compare { field: &FAULTS, op: Op::Gt, value: Literal::Int(0) };
    assert_eq!(foreign(&Expr::Not(Box::new(faults))), ["faults"]);
    assert!(foreign(&is("ssid", Op::Eq, "x")).is_empty());
}

#[test]
fn a_query_too_long_for_an_address_is_filtered_here() {
    let many = Expr::Or((0..100).map(|i| is("serial", Op::Eq, &format!("SERIAL-NUMBER-{i:08}"))).collect());
    let many = told(&many);
    assert!(many.nbi.is_all() && many.rest.is_some());
}
