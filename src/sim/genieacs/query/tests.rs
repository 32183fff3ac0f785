//! The query language: what is widened, what throws, and that nothing panics.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::{Flavour, Sort, parse};
use crate::sim::genieacs::data::Value;

fn device() -> Value {
    let mut doc = Value::from(&json!({
        "_id": "00259E-HG8245H-HWTC00000001",
        "_tags": ["area-a", "vip"],
        "R": {"SSID": {"_value": "404 WiMAX Not Found"}, "Version": {"_value": "V3.0.9"},
              "Channel": {"_value": 6}, "Enable": {"_value": true}, "Path": {"_value": "a.b(c)*d"}},
    }));
    if let Value::Doc(fields) = &mut doc {
        fields.push(("_lastInform".into(), Value::Date(1_795_185_000_000)));
    }
    doc
}

fn found(query: &Json) -> bool {
    parse(query, Flavour::Devices).unwrap().matches(&device())
}

#[test]
fn strings_are_widened_for_devices() {
    assert!(found(&json!({"R.SSID": "404*"})));
    assert!(found(&json!({"R.SSID": "*WiMAX*"})));
    assert!(found(&json!({"R.SSID": "/wimax/i"})));
    assert!(!found(&json!({"R.SSID": "/wimax/"})));
    assert!(found(&json!({"R.Channel": "6"})), "a numeric string finds a number");
    assert!(found(&json!({"_lastInform": {"$gt": "2026-11-20T00:00:00Z"}})));
    assert!(!found(&json!({"_lastInform": {"$lt": "2026-11-20T00:00:00Z"}})));
    assert!(found(&json!({"R.SSID._value": {"$exists": true}})));
    assert!(!found(&json!({"R.SSID._type": {"$exists": true}})));
    assert!(found(&json!({"_tags": "vip"})) && !found(&json!({"_tags": {"$ne": "vip"}})));
    assert!(found(&json!({"_tags": {"$in": ["x", "area-*"]}})));
    assert!(found(&json!({"R.Nothing": null})), "null stands for what is not there");
}

#[test]
fn only_the_first_star_inside_and_the_first_special_character_count() {
    assert!(found(&json!({"R.SSID": "404*Not*"})));
    assert!(found(&json!({"R.SSID": "404*WiMAX Not Found"})));
    assert!(!found(&json!({"R.SSID": "404*WiMAX*Found"})), "the second star repeats the letter before it");
    assert!(parse(&json!({"R.Path": "a.b(c*"}), Flavour::Devices).is_err(), "an unescaped bracket is a bad pattern");
}

#[test]
fn versions_are_compared_as_strings() {
    assert!(!found(&json!({"R.Version": {"$lt": "V3.0.10"}})), "V3.0.9 sorts after V3.0.10");
    assert!(found(&json!({"R.Version": {"$gt": "V3.0.10"}})));
}

#[test]
fn logic_nests() {
    assert!(found(
        &json!({"$or": [{"_id": "x"}, {"$and": [{"R.Enable": true}, {"R.Channel": {"$gte": 6, "$lt": 7}}]}]})
    ));
    assert!(!found(&json!({"$nor": [{"R.Enable": true}]})));
    assert!(found(&json!({"R.SSID": {"$regex": "WIMAX", "$options": "i"}})));
}

#[test]
fn what_throws_is_a_crash() {
    let crash = |q: Json, f| parse(&q, f).is_err();
    assert!(crash(json!({"$where": "1"}), Flavour::Devices));
    assert!(crash(json!({"a": {"$ne": 1, "$gt": 0}}), Flavour::Devices));
    assert!(crash(json!({"a": {"$regex": "("}}), Flavour::Devices));
    assert!(crash(json!({"_id": {"$regex": "a"}}), Flavour::Tasks));
    assert!(crash(json!({"_id": "notanid"}), Flavour::Tasks));
    assert!(crash(json!({"timestamp": {"$regex": "a"}}), Flavour::Faults));
    assert!(!crash(json!({"_id": {"$regex": "^202BC1-BM632w-000000:"}}), Flavour::Faults));
    assert!(!crash(json!({"_id": {"$in": ["5403908ef28ea3a25c138adc"]}}), Flavour::Tasks));
}

#[test]
fn other_collections_convert_nothing() {
    let doc = Value::Doc(vec![("uploadDate".into(), Value::Date(1_795_185_000_000))]);
    let q = parse(&json!({"uploadDate": {"$gt": "2020-01-01T00:00:00Z"}}), Flavour::Plain).unwrap();
    assert!(!q.matches(&doc));
}

#[test]
fn sorts_across_types() {
    let sort = Sort::parse(&json!({"R.Channel": -1}), Flavour::Devices).unwrap();
    let (some, none) = (sort.key(&device()), sort.key(&Value::Doc(Vec::new())));
    assert!(sort.compare(&some, &none).is_lt(), "descending: what is missing comes last");
    assert!(Sort::parse(&json!({"a": 2}), Flavour::Plain).is_err());
}

fn any_json() -> impl Strategy<Value = Json> {
    let keys = prop_oneof![
        "\\$(and|or|nor|ne|not|in|nin|gt|gte|lt|lte|eq|exists|type|regex|options|size|all|mod|elemMatch|where)",
        "(_id|_tags|timestamp|retries|R\\.SSID|a\\.b|_lastInform)",
        ".{0,6}",
    ];
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        "[*/a-z0-9.(\\[\\\\-]{0,12}".prop_map(Json::from),
        "\\PC{0,12}".prop_map(Json::from),
        Just(json!("2026-11-20T00:00:00Z")),
        Just(json!("5403908ef28ea3a25c138adc")),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec((keys.clone(), inner), 0..5)
                .prop_map(|fields| Json::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn no_query_and_no_document_panics(query in any_json(), sort in any_json(), doc in any_json()) {
        for flavour in [Flavour::Devices, Flavour::Tasks, Flavour::Faults, Flavour::Plain] {
            let doc = Value::from(&doc);
            if let Ok(query) = parse(&query, flavour) {
                let _ = query.matches(&doc);
                let _ = query.matches(&device());
            }
            if let Ok(sort) = Sort::parse(&sort, flavour) {
                let _ = sort.compare(&sort.key(&doc), &sort.key(&device()));
            }
        }
    }

    #[test]
    fn a_condition_and_its_opposite_never_agree(query in any_json()) {
        let wrapped = json!({"$nor": [query]});
        if let (Ok(plain), Ok(not)) = (parse(&query, Flavour::Devices), parse(&wrapped, Flavour::Devices)) {
            prop_assert_ne!(plain.matches(&device()), not.matches(&device()));
        }
    }
}
