//! Everything of facts genieacs-api §6, and what is like it.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::controllers::genieacs::wire::{Filter, Projection};

fn told<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    result.unwrap_err().0
}

#[test]
fn tasks_of_wrong_shape_are_refused() {
    for (task, why) in [
        (json!({"name": "bogus"}), "there is no task called \"bogus\""),
        (json!({"name": "rebot"}), "did you mean reboot?"),
        (json!({}), "there is no task called"),
        (json!([{"name": "reboot"}]), "several are sent one by one"),
        (json!("reboot"), "a task is a JSON object"),
        (json!({"name": "refreshObject"}), "objectName is missing"),
        (json!({"name": "refreshObject", "objectName": 5}), "objectName: a text belongs there"),
        (json!({"name": "getParameterValues"}), "parameterNames is missing"),
        (json!({"name": "getParameterValues", "parameterNames": []}), "names no parameter"),
        (json!({"name": "getParameterValues", "parameterNames": "A.B"}), "parameterNames is a list"),
        (json!({"name": "getParameterValues", "parameterNames": ["A..B"]}), "is no path"),
        (json!({"name": "setParameterValues", "parameterValues": []}), "sets no parameter"),
        (json!({"name": "setParameterValues", "parameterValues": [["A.B"]]}), "[path, value]"),
        (json!({"name": "setParameterValues", "parameterValues": [["A.B", null]]}), "a text, a number"),
        (json!({"name": "setParameterValues", "parameterValues": [["A.B", {"x": 1}]]}), "a text, a number"),
        (json!({"name": "setParameterValues", "parameterValues": [["A.B", 1, "int"]]}), "xsd:string"),
        (json!({"name": "setParameterValues", "parameterValues": [["A.B", 1], ["A.B", 2]]}), "set twice"),
        (json!({"name": "setParameterValues", "parameterValues": [["A.B", "\u{1b}"]]}), "control characters"),
        (json!({"name": "addObject"}), "objectName is missing"),
        (json!({"name": "deleteObject", "objectName": "A.B"}), "does not end with a number"),
        (json!({"name": "deleteObject", "objectName": "A.B.1."}), "ends with a dot"),
        (json!({"name": "download"}), "either file, or fileType and fileName"),
        (json!({"name": "download", "fileName": "x"}), "either file, or fileType and fileName"),
        (json!({"name": "download", "file": ""}), "the file is empty"),
        (json!({"name": "provisions"}), "provisions is missing"),
        (json!({"name": "provisions", "provisions": [[]]}), "[name, argument, …]"),
        (json!({"name": "provisions", "provisions": [["x", [1]]]}), "a text, a number"),
        (json!({"name": "reboot", "expiry": 60}), "runs it again at every session"),
        (json!({"name": "reboot", "timestamp": "tomorrow"}), "timestamp is written"),
        (json!({"name": "reboot", "uniqueKey": ""}), "uniqueKey is empty"),
        (json!({"name": "reboot", "objectName": "A"}), "reboot has no field \"objectName\""),
        (json!({"name": "getParameterValues", "parameterNames": ["A.B"], "expiry": -1}), "expiry is a number"),
    ] {
        let found = told(task_of(&task));
        assert!(found.contains(why), "{task}: {found}");
    }
}

#[test]
fn tasks_are_sent_as_they_are_documented() {
    for task in [
        json!({"name": "getParameterValues", "parameterNames": ["Device.DeviceInfo.UpTime"]}),
        json!({"name": "setParameterValues", "parameterValues": [["A.B", "x"], ["A.C", 6, "xsd:unsignedInt"], ["A.D", true]]}),
        json!({"name": "refreshObject", "objectName": ""}),
        json!({"name": "addObject", "objectName": "A.PortMapping", "parameterValues": [["ExternalPort", 80]]}),
        json!({"name": "addObject", "objectName": "A.PortMapping"}),
        json!({"name": "deleteObject", "objectName": "A.PortMapping.1"}),
        json!({"name": "reboot", "timestamp": "2030-01-01T00:00:00.000Z", "uniqueKey": "k1"}),
        json!({"name": "factoryReset"}),
        json!({"name": "download", "file": "HG8245H_V3.0.10.bin"}),
        json!({"name": "download", "fileType": "1 Firmware Upgrade Image", "fileName": "x.bin", "targetFileName": ""}),
        json!({"name": "provisions", "provisions": [["noc-hourly", 1, "x", true]]}),
    ] {
        assert_eq!(task_of(&task).unwrap_or_else(|e| panic!("{task}: {e}")).json(), task);
    }
}

#[test]
fn ids_that_kill_are_refused() {
    for bad in ["x", "", "6b005847cdf9841db800a59", "6b005847cdf9841db800a5970", "6b005847cdf9841db800a59g", "notanid"]
    {
        assert!(told(task_id(bad)).contains("24 hexadecimal digits"), "{bad}");
    }
    assert_eq!(task_id("6B005847cdf9841db800a597").unwrap().as_str(), "6b005847cdf9841db800a597");
    for bad in ["", " ", "a\nb", "..", "x\u{0}"] {
        assert!(device_id(&DeviceId::new(bad)).is_err(), "{bad:?}");
        assert!(name("name", bad).is_err(), "{bad:?}");
        assert!(tag(bad).is_err(), "{bad:?}");
    }
    for bad in ["x", "x:", ":y", ""] {
        assert!(fault_id(bad).is_err(), "{bad}");
    }
    fault_id("202BC1-BM632w-000000:task_6b00584ccdf9841db800a59e").unwrap();
    for bad in ["", "-c 1", "-f", "a b", "a;b", "::1", "$(x)", ".."] {
        assert!(ping_host(bad).is_err(), "{bad}");
    }
    ping_host("cpe-1.example.net").unwrap();
    for bad in ["", "a.b", "a b", "é"] {
        assert!(virtual_parameter(bad).is_err(), "{bad}");
    }
}

#[test]
fn queries_that_kill_are_refused() {
    use Collection::{Devices, Faults, Tasks};
    let id = "6b005847cdf9841db800a597";
    for (collection, q, why) in [
        (Tasks, json!({"_id": {"$regex": "a"}}), "cannot be asked with $regex"),
        (Tasks, json!({"_id": "x"}), "24 hexadecimal digits"),
        (Tasks, json!({"_id": {"$in": [id, "x"]}}), "24 hexadecimal digits"),
        (Tasks, json!({"$or": [{"_id": {"$mod": [2, 0]}}]}), "cannot be asked with $mod"),
        (Tasks, json!({"timestamp": {"$not": {"$gt": "2026-01-01T00:00:00Z"}}}), "cannot be asked with $not"),
        (Tasks, json!({"timestamp": "yesterday"}), "an instant is written"),
        (Faults, json!({"retries": {"$size": 1}}), "cannot be asked with $size"),
        (Faults, json!({"retries": "2"}), "is a number"),
        (Devices, json!({"A.B": {"$ne": 1, "$gt": 0}}), "cannot stand beside another"),
        (Devices, json!({"A.B": {"$not": {"$gt": 1}, "$lt": 5}}), "cannot stand beside another"),
        (Devices, json!({"$where": "1"}), "$where cannot stand where a field belongs"),
        (Devices, json!({"$or": {"a": 1}}), "$or takes a list"),
        (Devices, json!({"$and": []}), "$and takes a list"),
        (Devices, json!({"$and": [1]}), "a query is a JSON object"),
        (Devices, json!({"A": {"$in": 5}}), "$in takes a list"),
        (Devices, json!({"A": null}), "use $exists"),
        (Devices, json!({"A": {"b": 1}}), "not known to be harmless"),
        (Devices, json!({"A": {}}), "there is no operator"),
        (Devices, json!({"A": [1]}), "use $in"),
        (Devices, json!({"A": {"$regex": "("}}), "is no regular expression"),
        (Devices, json!({"A": {"$regex": "a(?=b)"}}), "is no regular expression"),
        (Devices, json!({"A": "/(/i"}), "is no regular expression"),
        (Devices, json!({"A": "/a/q"}), "each once"),
        (Devices, json!({"A": "/a/ii"}), "each once"),
        (Devices, json!({"A": "a*(b("}), "write /…/"),
        (Devices, json!({"A": "a*b*c"}), "write /…/"),
        (Devices, json!({"A": {"$exists": 1}}), "true or false"),
        (Devices, json!({"A": {"$type": "nonsense"}}), "$type takes"),
        (Devices, json!({"A": {"$regex": "a", "$options": "g"}}), "takes i, m, s, x"),
        (Devices, json!({"a b": 1}), "is no field"),
        (Devices, json!([]), "a query is a JSON object"),
        (Devices, json!({"A": {"$elemMatch": {"$where": "1"}}}), "not known to be harmless"),
    ] {
        let found = told(query(collection, &q));
        assert!(found.contains(why), "{q}: {found}");
    }
}

#[test]
fn queries_of_the_facts_pass() {
    use Collection::{Devices, Faults, Files, Tasks};
    for (collection, q) in [
        (Devices, json!({})),
        (Devices, json!({"_lastInform": {"$lt": "2026-11-20T00:00:00Z"}})),
        (Devices, json!({"InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.SSID": "404*"})),
        (Devices, json!({"A.SSID": "/wimax/i"})),
        (Devices, json!({"A.SSID._value": {"$exists": true}})),
        (Devices, json!({"$or": [{"_id": "202BC1-BM632w-000000"}, {"_tags": "nope"}]})),
        (Devices, json!({"_deviceId._Manufacturer": "Huawei*"})),
        (Devices, json!({"A": {"$regex": "^a\\.b$", "$options": "i"}})),
        (Devices, json!({"A": {"$not": {"$gt": 1}}})),
        (Tasks, json!({"_id": {"$in": ["5403908ef28ea3a25c138adc"]}, "device": {"$in": ["a", "x"]}})),
        (Tasks, json!({"uniqueKey": "job-1", "timestamp": {"$gt": "2026-11-20T00:00:00.000Z"}})),
        (Faults, json!({"_id": {"$regex": "^202BC1-BM632w-000000:"}, "retries": {"$gte": 1}})),
        (Files, json!({"metadata.productClass": "BM632w"})),
    ] {
        query(collection, &q).unwrap_or_else(|e| panic!("{q}: {e}"));
    }
}

#[test]
fn questions_that_would_hurt_are_refused() {
    let sorted = |limit| Find { sort: vec![("_lastInform".into(), true)], limit, ..Find::default() };
    assert!(told(find(Collection::Devices, &sorted(0))).contains("need a limit"));
    find(Collection::Devices, &sorted(50)).unwrap();
    find(Collection::Devices, &Find::default().after(Some("x"), 0)).unwrap();
    assert!(told(find(Collection::Users, &Find::default())).contains("password hashes"));
    let hashes = Find::default().only(Projection::of(["_id", "password"]));
    assert!(told(find(Collection::Users, &hashes)).contains("password hashes"));
    find(Collection::Users, &Find::default().only(Projection::ids())).unwrap();
    let bad = Find::new(Filter::all()).only(Projection::of(["a,b"]));
    assert!(told(find(Collection::Devices, &bad)).contains("is no field"));
}

#[test]
fn presets_that_would_break_sessions_are_refused() {
    for (text, why) in [
        ("{\"weight\":", "is no JSON"),
        ("[]", "is JSON, but no object"),
        ("{\"hello\":1}", "a preset has no \"hello\""),
        ("{\"weight\":0}", "has configurations"),
        ("{\"weight\":\"0\",\"configurations\":[]}", "weight of a preset is a number"),
        ("{\"events\":{\"a\":1},\"configurations\":[]}", "true and false"),
        ("{\"configurations\":[{\"type\":\"nonsense\"}]}", "configurations[0]: type is one of"),
        ("{\"configurations\":[{\"type\":\"value\",\"name\":\"A\"}]}", "value needs value"),
        ("{\"configurations\":[{\"type\":\"provision\",\"name\":\"\"}]}", "provision needs name"),
        ("{\"schedule\":\"0 2 * * *\",\"configurations\":[]}", "schedule is written"),
    ] {
        let found = told(preset(text));
        assert!(found.contains(why), "{text}: {found}");
    }
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/genieacs/presets.json");
    let samples: Vec<Json> = serde_json::from_str(&std::fs::read_to_string(samples).unwrap()).unwrap();
    for sample in samples.iter().filter(|s| s["_id"] != "nonsense") {
        preset(&sample.to_string()).unwrap_or_else(|e| panic!("{sample}: {e}"));
    }
}

#[test]
fn files_carry_their_facts_in_headers() {
    let good = FileMeta { name: "a.bin".into(), file_type: "1 Firmware Upgrade Image".into(), ..FileMeta::default() };
    file(&good).unwrap();
    for bad in [
        FileMeta { name: String::new(), ..good.clone() },
        FileMeta { name: "a/b".into(), ..good.clone() },
        FileMeta { file_type: String::new(), ..good.clone() },
        FileMeta { version: "é".into(), ..good.clone() },
        FileMeta { oui: "a\r\nx: y".into(), ..good },
    ] {
        assert!(file(&bad).is_err(), "{bad:?}");
    }
}

fn anything() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i32>().prop_map(Json::from),
        "[a-zA-Z0-9*/().$ ]{0,10}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 30, 4, |inner| {
        let key = prop_oneof![
            "[a-z.]{1,4}",
            prop::sample::select(vec![
                "$and",
                "$or",
                "$nor",
                "$ne",
                "$not",
                "$in",
                "$regex",
                "$gt",
                "$exists",
                "$where",
                "_id",
                "timestamp",
                "name"
            ])
            .prop_map(str::to_owned),
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((key, inner), 0..4).prop_map(|p| Json::Object(p.into_iter().collect())),
        ]
    })
}

/// What the facts say a worker dies of, as one looks for it in a query.
fn kills(collection: Collection, q: &Json) -> bool {
    let Some(map) = q.as_object() else { return true };
    map.iter().any(|(key, value)| match key.as_str() {
        "$and" | "$or" | "$nor" => value.as_array().is_none_or(|all| all.iter().any(|p| kills(collection, p))),
        key if key.starts_with('$') => true,
        key => value.as_object().is_some_and(|ops| {
            let negative = ops.keys().any(|k| k == "$ne" || k == "$not");
            let typed = collection == Collection::Tasks && (key == "_id" || key == "timestamp");
            (negative && ops.len() > 1) || (typed && ops.keys().any(|k| k == "$regex" || k == "$not"))
        }),
    })
}

proptest! {
    #[test]
    fn nothing_that_kills_passes(q in anything()) {
        for collection in [Collection::Devices, Collection::Tasks] {
            if query(collection, &q).is_ok() {
                prop_assert!(!kills(collection, &q), "{q}");
            }
        }
    }

    #[test]
    fn a_task_that_passes_is_read_back_the_same(json in anything(), name in prop::sample::select(vec!["reboot", "provisions", "refreshObject", "x"])) {
        let mut json = json;
        if let Some(map) = json.as_object_mut() {
            map.insert("name".into(), name.into());
        }
        if let Ok(read) = task_of(&json) {
            prop_assert_eq!(task_of(&read.json()).unwrap(), read);
        }
    }
}

#[test]
fn a_reading_of_now_is_the_servers_own_refresh_to_the_millisecond() {
    let now = Task::new(TaskKind::read_now(["Device.WiFi.SSID.1.SSID"]));
    assert_eq!(now.json()["provisions"], serde_json::json!([["refresh", "Device.WiFi.SSID.1.SSID", 0.001]]));
    assert!(task(&now).is_ok());
    assert!(task(&Task::new(TaskKind::read_now(["Device..SSID"]))).is_err());
}
