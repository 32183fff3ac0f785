//! The buffers pane: what is on the screen in every state, and what its keys do.

use noctule::app::pane::PaneId;

use super::{each, once};

#[test]
fn appliances() {
    each("buffers", |s| s.pane(PaneId::Buffers));
}

#[test]
fn one_appliance() {
    each("buffers_detail", |s| {
        s.pane(PaneId::Buffers);
        s.keys("j enter enter");
    });
}

#[test]
fn services() {
    each("buffers_services", |s| {
        s.pane(PaneId::Buffers);
        s.keys("j j j c");
    });
    once("buffers_services_all", (120, 30), |s| {
        s.pane(PaneId::Buffers);
        s.keys("c A");
    });
}

#[test]
fn health() {
    each("buffers_health", |s| {
        s.pane(PaneId::Buffers);
        s.keys("j j j H");
    });
}

#[test]
fn charts() {
    for (name, keys) in [
        ("in_6h", "w -"),
        ("pending_30d", "w w w - - - -"),
        ("lost_10min", "w w w w +"),
        ("response_24h", "w w w w w - -"),
    ] {
        once(&format!("buffers_chart_{name}"), (80, 24), |s| {
            s.pane(PaneId::Buffers);
            s.keys("enter enter");
            s.keys(keys);
            s.keys("pagedown");
        });
    }
}
