//! Lists that are larger than the configuration allows.

use noctule::model::observation::Observation;
use noctule::model::resource::NodeKind;
use noctule::model::source::Health;
use noctule::sim::{Scale, SimOptions};

use crate::lab::Lab;

#[tokio::test(flavor = "multi_thread")]
async fn a_list_beyond_the_limit_is_told_and_loses_nothing() {
    let options = SimOptions { scale: Scale::City, ..SimOptions::still() };
    let lab = Lab::with(options, |v| v.poll_s = 3_600).await;
    let sources = lab.network.config().sources.len();
    lab.until("every list is there", |m| {
        let settled = |o: &&noctule::model::observation::Observed| matches!(o.what, Observation::Resync(_));
        m.journal().iter().filter(settled).count() == sources
    })
    .await;
    let onus = lab.memory.nodes(NodeKind::Onu).len();
    assert!(onus > 9_000, "{onus} ONUs");
    let (network, memory) = lab.stop().await;

    let lab = Lab::on(network, memory, |v| v.max_message_mib = 1);
    lab.until("it is told", |m| m.report().last_error.contains("ListDevices")).await;
    let report = lab.memory.report();
    assert!(report.last_error.contains("answer too large"), "{report:?}");
    assert!(report.last_error.ends_with("raise max_message_mib"), "{report:?}");
    assert_ne!(report.health, Health::Up, "{report:?}");
    assert_eq!(report.breaker.word(), "closed", "the source is not at fault");
    // What is known stays, and the event stream goes on.
    let dark = lab.control.onus_of(0, 0, 0).len();
    lab.control.cut_fibre(0, 0, 0);
    lab.until("alarms arrive", |m| m.standing("pon.onu.los") == dark).await;
    assert_eq!(lab.memory.nodes(NodeKind::Onu).len(), onus);
    lab.stop().await;
}
