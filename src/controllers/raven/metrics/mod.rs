//! The metric endpoints of the collectors: what each counts as received, sent on, dropped, failed.
//!
//! A collector has many counters; those here are its totals at its edges, so that what it took in can
//! be held against what reached the buffer. One that is not there is not told as zero.

pub mod text;

use super::map::{Unreadable, first_words};
use super::wire::{Entries, Real};
use crate::model::appliance::poll::{Meter, MeterKind};

/// A counter that adds to a meter: its name without `_total`, what it is, and the label it must have.
type Rule = (&'static str, MeterKind, Option<(&'static str, &'static str)>);

/// Fluent Bit, newer metrics.
const FLUENT_BIT: &[Rule] = &[
    ("fluentbit_input_records", MeterKind::Received, None),
    ("fluentbit_output_proc_records", MeterKind::Sent, None),
    ("fluentbit_output_dropped_records", MeterKind::Dropped, None),
    ("fluentbit_output_errors", MeterKind::Errors, None),
];

/// GoFlow2, with and without its namespace. What it received counts datagrams.
const GOFLOW2: &[Rule] = &[
    ("flow_traffic_packets", MeterKind::Received, None),
    ("flow_process_nf_flowset_records_sum", MeterKind::Sent, None),
    ("flow_process_sf_samples_sum", MeterKind::Sent, None),
    ("flow_dropped_packets", MeterKind::Dropped, None),
    ("flow_process_nf_errors_count", MeterKind::Errors, None),
    ("flow_process_nf_errors", MeterKind::Errors, None),
    ("flow_process_sf_errors_count", MeterKind::Errors, None),
    ("flow_process_sf_errors", MeterKind::Errors, None),
    ("flow_decoder_error_count", MeterKind::Errors, None),
    ("flow_decoder_error", MeterKind::Errors, None),
];

/// Telegraf's counters of itself, where they are collected.
const TELEGRAF: &[Rule] = &[
    ("internal_agent_metrics_gathered", MeterKind::Received, None),
    ("internal_agent_metrics_written", MeterKind::Sent, None),
    ("internal_agent_metrics_dropped", MeterKind::Dropped, None),
    ("internal_agent_gather_errors", MeterKind::Errors, None),
];

/// Vector: what sources took in and sinks sent. What was discarded on purpose (by a filter) is not lost.
const VECTOR: &[Rule] = &[
    ("vector_component_received_events", MeterKind::Received, Some(("component_kind", "source"))),
    ("vector_component_sent_events", MeterKind::Sent, Some(("component_kind", "sink"))),
    ("vector_component_discarded_events", MeterKind::Dropped, Some(("intentional", "false"))),
    ("vector_component_errors", MeterKind::Errors, None),
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
        let found = rules(service).iter().find(|(rule, ..)| *rule == name);
        let Some((_, kind, needs)) = found else { continue };
        if needs.is_none_or(|(label, value)| sample.label(label).is_some_and(|told| told == value)) {
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
