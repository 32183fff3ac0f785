//! Rules whose alerts come and go by the clock.

use super::Planned;
use crate::model::labels::{Labels, Matcher};

/// A rule and when its alert fires.
#[derive(Debug, Clone, Default)]
pub struct SimRule {
    /// Name of the alert.
    pub name: String,
    /// The expression.
    pub expr: String,
    /// Seconds that it has to be true before the alert fires.
    pub wait_s: u32,
    /// Labels of the alert, its name aside.
    pub labels: Labels,
    /// Words about it.
    pub annotations: Labels,
    /// The value of the expression while it is true.
    pub value: String,
    /// Seconds of a turn; 0: it is true all the time.
    pub period_s: u32,
    /// Seconds of each turn in which it is true, from its beginning.
    pub on_s: u32,
    /// Seconds that it has been so at the start.
    pub since_s: u32,
}

type Told<'a> = (&'a str, &'a str, &'a str, &'a [(&'a str, &'a str)], (u32, u32, u32));

/// What happens around an access network.
pub(super) fn demo() -> Vec<SimRule> {
    let all: &[Told<'_>] = &[
        (
            "TransportLinkDown",
            "ifOperStatus{role=\"uplink\"} == 2",
            "Uplink of the aggregation router agg-2 towards the core is down; traffic takes the other ring",
            &[("instance", "agg-2.transport"), ("interface", "xe-0/0/3"), ("severity", "critical")],
            (0, 0, 1_560),
        ),
        (
            "RectifierFailed",
            "rectifier_ok == 0",
            "One of three rectifiers at the site is out; the load is carried by the others",
            &[("instance", "pdu-1.site-north"), ("rectifier", "3"), ("severity", "major")],
            (0, 0, 14_400),
        ),
        (
            "BatteryOnDischarge",
            "battery_current_amperes < 0",
            "The site runs on its batteries",
            &[("instance", "pdu-1.site-east"), ("severity", "major")],
            (420, 150, 60),
        ),
        (
            "DnsLatencyHigh",
            "histogram_quantile(0.99, rate(dns_request_duration_seconds_bucket[5m])) > 0.2",
            "Answers of the subscribers' resolver take longer than 200 ms",
            &[("instance", "resolver-a"), ("severity", "warning")],
            (180, 110, 30),
        ),
        (
            "DnsServfailRate",
            "rate(dns_responses_total{rcode=\"SERVFAIL\"}[5m]) > 5",
            "More than five failed look-ups a second",
            &[("instance", "resolver-b"), ("severity", "minor")],
            (300, 90, 200),
        ),
        (
            "OpticalLaneDegraded",
            "optics_rx_dbm{role=\"ring\"} < -21",
            "Received light on the ring between agg-1 and agg-2 is near its limit",
            &[("instance", "agg-1.transport"), ("lane", "2"), ("severity", "warning")],
            (0, 0, 86_000),
        ),
    ];
    let pairs = |all: &[(&str, &str)]| all.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    all.iter()
        .map(|(name, expr, summary, labels, (period_s, on_s, since_s))| SimRule {
            name: (*name).to_owned(),
            expr: (*expr).to_owned(),
            wait_s: 10,
            labels: pairs(labels),
            annotations: pairs(&[("summary", summary)]),
            value: "1".into(),
            period_s: *period_s,
            on_s: *on_s,
            since_s: *since_s,
        })
        .collect()
}

type Kept<'a> = (&'a [Matcher], &'a str, &'a str, (i64, i64));

/// What operators silenced before: one that holds an alert back, one for the coming night, one that
/// is over.
pub(super) fn demo_silences() -> Vec<Planned> {
    let all: [Kept<'_>; 3] = [
        (
            &[Matcher::is("alertname", "OpticalLaneDegraded"), Matcher::is("instance", "agg-1.transport")],
            "mira",
            "MW-42: the ring optics are exchanged in the next window",
            (-11_000, 18_000),
        ),
        (
            &[Matcher { regex: true, ..Matcher::is("instance", "pdu-1\\.site-(north|east)") }],
            "jonas",
            "battery test at both sites",
            (5_400, 12_600),
        ),
        (&[Matcher::is("alertname", "DnsServfailRate")], "mira", "resolver-b was rebuilt", (-90_000, -4_000)),
    ];
    all.into_iter()
        .map(|(matchers, by, comment, span_s)| Planned {
            matchers: matchers.to_vec(),
            created_by: by.to_owned(),
            comment: comment.to_owned(),
            span_s,
        })
        .collect()
}
