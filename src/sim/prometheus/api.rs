//! Prometheus' API v1. It evaluates the expressions of its rules, `up`, and numbers.

use http::StatusCode;
use serde_json::{Value as Json, json};

use super::Live;
use super::answer::{Answer, Asked, json as answer_json, text};
use super::state::{Alert, now};
use crate::model::time::{SECOND, Ts};

/// Points a series that it gives at most.
const MOST: f64 = 11_000.0;

pub(super) fn answer(live: &Live, asked: &Asked) -> Answer {
    let path: Vec<&str> = asked.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["-", "healthy" | "ready"] => text(StatusCode::OK, "Prometheus Server is Healthy.\n"),
        ["api", "v1", rest @ ..] => match rest {
            ["status", "buildinfo"] => {
                good(&json!({ "version": "2.42.0", "revision": "sim", "goVersion": "go1.19.8" }))
            }
            ["status", "runtimeinfo"] => {
                let started = live.state().started.to_rfc3339();
                good(&json!({ "startTime": started, "storageRetention": "15d" }))
            }
            ["alerts"] => {
                let alerts: Vec<Json> = live.state().alerts(now()).iter().map(written).collect();
                good(&json!({ "alerts": alerts }))
            }
            ["rules"] => rules(live),
            ["targets"] => {
                let target = json!({ "labels": { "instance": "agg-2.transport", "job": "snmp" }, "health": "up", "lastError": "" });
                good(&json!({ "activeTargets": [target], "droppedTargets": [] }))
            }
            ["query"] => query(live, asked),
            ["query_range"] => query_range(live, asked),
            _ => text(StatusCode::NOT_FOUND, "404 page not found\n"),
        },
        _ => text(StatusCode::NOT_FOUND, "404 page not found\n"),
    }
}

fn good(data: &Json) -> Answer {
    answer_json(StatusCode::OK, &json!({ "status": "success", "data": data }))
}

fn bad(words: &str) -> Answer {
    let body = json!({ "status": "error", "errorType": "bad_data", "error": words });
    answer_json(StatusCode::BAD_REQUEST, &body)
}

fn written(alert: &Alert) -> Json {
    json!({
        "labels": alert.labels,
        "annotations": alert.annotations,
        "state": if alert.pending { "pending" } else { "firing" },
        "activeAt": alert.starts.to_rfc3339(),
        "value": alert.value,
    })
}

fn rules(live: &Live) -> Answer {
    let state = live.state();
    let alerts = state.alerts(now());
    let rules: Vec<Json> = state
        .rules()
        .iter()
        .map(|rule| {
            let own: Vec<Json> =
                alerts.iter().filter(|a| a.labels.get("alertname") == Some(&rule.name)).map(written).collect();
            let state = own.first().map_or(Json::from("inactive"), |a| a["state"].clone());
            json!({
                "state": state, "name": rule.name, "query": rule.expr, "duration": rule.wait_s, "keepFiringFor": 0,
                "labels": {}, "annotations": rule.annotations, "alerts": own, "health": "ok",
                "evaluationTime": 0.0002, "lastEvaluation": now().to_rfc3339(), "type": "alerting",
            })
        })
        .collect();
    good(&json!({ "groups": [{ "name": "noc", "file": "rules.yml", "rules": rules, "interval": 2, "limit": 0 }] }))
}

/// The series of an expression at an instant: labels and value.
fn series(live: &Live, expr: &str, at: Ts) -> Result<Vec<(Json, String)>, &'static str> {
    let opened = expr.matches('(').count();
    if opened != expr.matches(')').count() {
        return Err("invalid parameter \"query\": 1:4: parse error: unclosed left parenthesis");
    }
    let state = live.state();
    if expr == "up" {
        return Ok(vec![(json!({ "__name__": "up", "instance": "agg-2.transport", "job": "snmp" }), "1".into())]);
    }
    if let Some(rule) = state.rules().iter().find(|r| r.expr == expr) {
        let own = state.alerts(at).into_iter().filter(|a| a.labels.get("alertname") == Some(&rule.name));
        return Ok(own
            .map(|a| {
                let labels: crate::model::labels::Labels =
                    a.labels.into_iter().filter(|(k, _)| k != "alertname" && k != "severity").collect();
                (json!(labels), a.value)
            })
            .collect());
    }
    Ok(Vec::new())
}

fn seconds(at: Ts) -> f64 {
    at.0 as f64 / SECOND as f64
}

fn query(live: &Live, asked: &Asked) -> Answer {
    let expr = asked.get("query").unwrap_or_default();
    let at = now();
    if let Ok(number) = expr.trim().parse::<f64>() {
        return good(&json!({ "resultType": "scalar", "result": [seconds(at), number.to_string()] }));
    }
    match series(live, expr, at) {
        Ok(all) => {
            let result: Vec<Json> =
                all.into_iter().map(|(metric, v)| json!({ "metric": metric, "value": [seconds(at), v] })).collect();
            good(&json!({ "resultType": "vector", "result": result }))
        }
        Err(words) => bad(words),
    }
}

fn query_range(live: &Live, asked: &Asked) -> Answer {
    let number = |name: &str| asked.get(name).and_then(|v| v.parse::<f64>().ok());
    let (Some(start), Some(end), Some(step)) = (number("start"), number("end"), number("step")) else {
        return bad("invalid parameter \"start\": cannot parse \"\" to a valid timestamp");
    };
    if step <= 0.0 || end < start {
        return bad("zero or negative query resolution step widths are not accepted. Try a positive integer");
    }
    if (end - start) / step > MOST {
        return bad(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        );
    }
    let expr = asked.get("query").unwrap_or_default();
    let mut lines: Vec<(Json, Vec<Json>)> = Vec::new();
    let mut at = start;
    while at <= end {
        match series(live, expr, Ts((at * SECOND as f64) as i64)) {
            Ok(all) => {
                for (metric, value) in all {
                    let point = json!([at, value]);
                    match lines.iter_mut().find(|(m, _)| *m == metric) {
                        Some((_, points)) => points.push(point),
                        None => lines.push((metric, vec![point])),
                    }
                }
            }
            Err(words) => return bad(words),
        }
        at += step;
    }
    let result: Vec<Json> =
        lines.into_iter().map(|(metric, values)| json!({ "metric": metric, "values": values })).collect();
    good(&json!({ "resultType": "matrix", "result": result }))
}
