//! The metric endpoints of the collectors, each under a path of its own.

use http::Method;

use super::{Asked, Told};
use crate::sim::raven::world::Appliance;

/// Answers a call.
pub(super) fn answer(a: &Appliance, asked: &Asked) -> Told {
    if asked.method != Method::GET {
        return Told::not_found();
    }
    let count = |service: &str| a.collectors.iter().find(|c| c.service == service && c.alive).map(|c| c.counted as u64);
    let told = match asked.path.as_str() {
        "/fluent-bit/api/v1/metrics" => count("fluent-bit").map(|n| {
            Told::json(format!(
                "{{\"input\":{{\"syslog.0\":{{\"records\":{n},\"bytes\":{}}}}},\"filter\":{{}},\"output\":{{\"http.0\":\
                 {{\"proc_records\":{n},\"proc_bytes\":{},\"errors\":0,\"retries\":0,\"retries_failed\":0,\
                 \"dropped_records\":0,\"retried_records\":0}}}}}}",
                n * 212,
                n * 212
            ))
        }),
        "/goflow2/metrics" => count("goflow2").map(|n| {
            text(format!(
                "# HELP goflow2_flow_traffic_packets_total Packets received by the application.\n\
                 # TYPE goflow2_flow_traffic_packets_total counter\n\
                 goflow2_flow_traffic_packets_total{{local_ip=\"\",local_port=\"2055\",remote_ip=\"10.20.0.1\",type=\"netflow\"}} {}\n\
                 # TYPE goflow2_flow_process_nf_flowset_records_total counter\n\
                 goflow2_flow_process_nf_flowset_records_total{{router=\"10.20.0.1\",type=\"DataFlowSet\",version=\"9\"}} {n}\n",
                n / 20
            ))
        }),
        "/telegraf/metrics" => count("telegraf").map(|n| {
            text(format!(
                "# TYPE internal_agent_metrics_gathered counter\ninternal_agent_metrics_gathered{{host=\"raven\"}} {n}\n\
                 internal_agent_metrics_written{{host=\"raven\"}} {n}\ninternal_agent_metrics_dropped{{host=\"raven\"}} 0\n\
                 internal_agent_gather_errors{{host=\"raven\"}} 0\n"
            ))
        }),
        "/vector/metrics" => count("vector").map(|n| {
            text(format!(
                "# TYPE vector_component_received_events_total counter\n\
                 vector_component_received_events_total{{component_id=\"windows\",component_kind=\"source\"}} {n} 1795186300123\n\
                 vector_component_sent_events_total{{component_id=\"buffer\",component_kind=\"sink\"}} {n} 1795186300123\n"
            ))
        }),
        _ => None,
    };
    // A collector that is dead has no endpoint either; here its port is shared with the others.
    told.unwrap_or_else(Told::not_found)
}

fn text(body: String) -> Told {
    Told { kind: Some("text/plain; version=0.0.4; charset=utf-8"), ..Told::json(body) }
}
