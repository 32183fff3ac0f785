//! The metric endpoints of the collectors: what each counts as received, sent on, dropped, failed.
//!
//! A collector has many counters; those here are its totals at its edges, so that what it took in can
//! be held against what reached the buffer. One that is not there is not told as zero.

pub mod text;

use super::map::{Unreadable, first_words};
use super::wire::{Entries, Real};
use crate::model::appliance::poll::{Meter, MeterKind};

/// A counter that adds to a meter: its name without `_total`, what it is, and the labels it must have.
type Rule = (&'static str, MeterKind, &'static [(&'static str, &'static str)]);

/// Fluent Bit, newer metrics.
const FLUENT_BIT: &[Rule] = &[
    ("fluentbit_input_records", MeterKind::Received, &[]),
    ("fluentbit_output_proc_records", MeterKind::Sent, &[]),
    ("fluentbit_output_dropped_records", MeterKind::Dropped, &[]),
    ("fluentbit_output_errors", MeterKind::Errors, &[]),
];

/// GoFlow2. What it received counts datagrams, what it sent on counts flows: records of data alone, and
/// of NetFlow v5 the flows it counts as sets. Its first version has other names, no namespace, and
/// `_sum` or `_count` at their ends; it never counts errors of its decoder, the others count those of
/// NetFlow among them.
const GOFLOW2: &[Rule] = &[
    ("flow_traffic_packets", MeterKind::Received, &[]),
    ("flow_process_nf_flowset_records", MeterKind::Sent, &[DATA]),
    ("flow_process_nf_flowset", MeterKind::Sent, &[DATA, ("version", "5")]),
    ("flow_process_sf_samples", MeterKind::Sent, &[("type", "FlowSample")]),
    ("flow_process_sf_samples", MeterKind::Sent, &[("type", "ExpandedFlowSample")]),
    ("flow_process_nf_flowset_records_sum", MeterKind::Sent, &[DATA]),
    ("flow_process_nf_flowset_sum", MeterKind::Sent, &[DATA, ("version", "5")]),
    ("flow_process_sf_samples_sum", MeterKind::Sent, &[("type", "FlowSample")]),
    ("flow_process_sf_samples_sum", MeterKind::Sent, &[("type", "ExpandedFlowSample")]),
    ("flow_dropped_packets", MeterKind::Dropped, &[]),
    ("flow_decoder_error", MeterKind::Errors, &[]),
    ("flow_process_nf_errors_count", MeterKind::Errors, &[]),
    ("flow_process_sf_errors_count", MeterKind::Errors, &[]),
];

/// Sets of flows; the others hold templates and options.
const DATA: (&str, &str) = ("type", "DataFlowSet");

/// Telegraf's counters of itself, where they are collected.
const TELEGRAF: &[Rule] = &[
    ("internal_agent_metrics_gathered", MeterKind::Received, &[]),
    ("internal_agent_metrics_written", MeterKind::Sent, &[]),
    ("internal_agent_metrics_dropped", MeterKind::Dropped, &[]),
    // What an output refused for good.
    ("internal_agent_metrics_rejected", MeterKind::Dropped, &[]),
    ("internal_agent_gather_errors", MeterKind::Errors, &[]),
    ("internal_agent_write_errors", MeterKind::Errors, &[]),
];

/// Vector: what sources took in and sinks sent. What was discarded on purpose (by a filter) is not lost.
const VECTOR: &[Rule] = &[
    ("vector_component_received_events", MeterKind::Received, &[("component_kind", "source")]),
    ("vector_component_sent_events", MeterKind::Sent, &[("component_kind", "sink")]),
    ("vector_component_discarded_events", MeterKind::Dropped, &[("intentional", "false")]),
    ("vector_component_errors", MeterKind::Errors, &[]),
];

fn rules(service: &str) -> &'static [Rule] {
    match service {
        "fluent-bit" => FLUENT_BIT,
        "goflow2" => GOFLOW2,
        "telegraf" => TELEGRAF,
        "vector" => VECTOR,
        _ => &[],
    }
}

/// The meters of a service in an answer in Prometheus' text format.
///
/// # Errors
/// When it is none.
pub fn prometheus(service: &str, bytes: &[u8]) -> Result<Vec<Meter>, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|_| format!("it is no UTF-8: {}", first_words(bytes)))?;
    let mut sums = Sums::default();
    for sample in text::samples(text).map_err(|e| format!("{e}: {}", first_words(bytes)))? {
        let name = sample.name.strip_suffix("_total").unwrap_or(sample.name);
        let name = if service == "goflow2" { name.strip_prefix("goflow2_").unwrap_or(name) } else { name };
        let has = |(label, value): &(&str, &str)| sample.label(label).is_some_and(|told| told == *value);
        let found = rules(service).iter().find(|(rule, _, needs)| *rule == name && needs.iter().all(has));
        if let Some((_, kind, _)) = found {
            sums.add(*kind, sample.value);
        }
    }
    Ok(sums.meters(service))
}

/// The plugins of Fluent Bit's older metrics.
#[derive(serde::Deserialize)]
struct Older {
    input: Entries<Input>,
    output: Entries<Output>,
}

#[derive(serde::Deserialize)]
struct Input {
    records: Real,
}

#[derive(serde::Deserialize)]
struct Output {
    proc_records: Real,
    #[serde(default)]
    dropped_records: Option<Real>,
    #[serde(default)]
    errors: Option<Real>,
}

/// The meters of Fluent Bit in its older metrics (JSON).
///
/// # Errors
/// When it is none.
pub fn fluent_bit(bytes: &[u8]) -> Result<Vec<Meter>, Unreadable> {
    let told: Older = serde_json::from_slice(bytes).map_err(|e| format!("{e}: {}", first_words(bytes)))?;
    let mut sums = Sums::default();
    for (_, input) in &told.input.0 {
        sums.add(MeterKind::Received, input.records.0);
    }
    for (_, output) in &told.output.0 {
        sums.add(MeterKind::Sent, output.proc_records.0);
        for (kind, value) in [(MeterKind::Dropped, output.dropped_records), (MeterKind::Errors, output.errors)] {
            if let Some(value) = value {
                sums.add(kind, value.0);
            }
        }
    }
    Ok(sums.meters("fluent-bit"))
}

/// What was added up so far, in the order of the kinds.
#[derive(Default)]
struct Sums([Option<f64>; 4]);

impl Sums {
    /// Adds a counter. What is no count (NaN, endless, negative) adds nothing.
    fn add(&mut self, kind: MeterKind, value: f64) {
        if let Some(sum) = self.0.get_mut(kind as usize)
            && value.is_finite()
            && value >= 0.0
        {
            *sum = Some((sum.unwrap_or(0.0) + value).min(1e18));
        }
    }

    fn meters(self, service: &str) -> Vec<Meter> {
        let kinds = [MeterKind::Received, MeterKind::Sent, MeterKind::Dropped, MeterKind::Errors];
        let told = kinds.into_iter().zip(self.0);
        told.filter_map(|(what, sum)| sum.map(|value| Meter { service: service.to_owned(), what, value })).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(meters: &[Meter]) -> Vec<(MeterKind, f64)> {
        meters.iter().map(|m| (m.what, m.value)).collect()
    }

    #[test]
    fn counters_are_added_up_at_the_edges() {
        let vector = "vector_component_received_events_total{component_kind=\"source\",component_id=\"a\"} 10\n\
                      vector_component_received_events_total{component_kind=\"sink\",component_id=\"b\"} 99\n\
                      vector_component_received_events_total{component_kind=\"source\",component_id=\"c\"} 5\n\
                      vector_component_sent_events_total{component_kind=\"sink\"} 12\n\
                      vector_component_discarded_events_total{intentional=\"true\"} 4\n\
                      vector_component_discarded_events_total{intentional=\"false\"} 2\n";
        let meters = prometheus("vector", vector.as_bytes()).unwrap();
        assert_eq!(told(&meters), [(MeterKind::Received, 15.0), (MeterKind::Sent, 12.0), (MeterKind::Dropped, 2.0)]);
        let goflow2 = "goflow2_flow_traffic_packets_total{remote_ip=\"10.0.0.1\"} 7\nflow_traffic_packets 3\n";
        assert_eq!(told(&prometheus("goflow2", goflow2.as_bytes()).unwrap()), [(MeterKind::Received, 10.0)]);
        assert_eq!(prometheus("telegraf", b"cpu_usage_idle 99\n").unwrap(), []);
        assert!(prometheus("telegraf", b"<html>404</html>").unwrap_err().contains("<html>"));
        assert_eq!(prometheus("telegraf", b"internal_agent_metrics_dropped NaN\n").unwrap(), []);
    }

    #[test]
    fn goflow2_as_it_really_tells() {
        // Our own recording of a GoFlow2 2.2.3 that was sent five datagrams of NetFlow v5 (15 flows), four
        // of v9 (8 flows), three of sFlow (6 flow samples, 3 of counters), one that is none, and one whose
        // template was never seen; it wrote 29 flows.
        let told_by_it = include_bytes!("../../../../tests/fixtures/collectors/goflow2-v2.metrics");
        let expect = [(MeterKind::Received, 14.0), (MeterKind::Sent, 29.0), (MeterKind::Errors, 2.0)];
        assert_eq!(told(&prometheus("goflow2", told_by_it).unwrap()), expect);
        let first = "flow_process_nf_flowset_records_sum{type=\"DataFlowSet\",version=\"9\"} 8\n\
                     flow_process_nf_flowset_records_sum{type=\"TemplateFlowSet\",version=\"9\"} 4\n\
                     flow_process_nf_flowset_sum{type=\"DataFlowSet\",version=\"9\"} 4\n\
                     flow_process_sf_samples_sum{type=\"ExpandedFlowSample\"} 6\n\
                     flow_process_nf_errors_count{error=\"template_not_found\"} 2\n";
        let told = told(&prometheus("goflow2", first.as_bytes()).unwrap());
        assert_eq!(told, [(MeterKind::Sent, 14.0), (MeterKind::Errors, 2.0)]);
    }

    #[test]
    fn fluent_bit_in_its_older_form() {
        let json = br#"{"input":{"syslog.0":{"records":120,"bytes":9000},"tail.1":{"records":3,"bytes":4}},
            "filter":{"grep.0":{"drop_records":5,"add_records":0}},
            "output":{"http.0":{"proc_records":110,"proc_bytes":1,"errors":2,"retries":4,"retries_failed":1,"dropped_records":7,"retried_records":9}}}"#;
        let meters = fluent_bit(json).unwrap();
        let expect = [
            (MeterKind::Received, 123.0),
            (MeterKind::Sent, 110.0),
            (MeterKind::Dropped, 7.0),
            (MeterKind::Errors, 2.0),
        ];
        assert_eq!(told(&meters), expect);
        assert!(fluent_bit(b"{}").is_err());
    }
}
