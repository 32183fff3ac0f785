//! Commands from the wish to the controller, and back as rows and log.

use noctule::app::effect::{ExportFormat, ExportRequest};
use noctule::app::message::Msg;
use noctule::app::port::{Backend as _, Request};
use noctule::model::command::{Args, Intent, Targets};
use noctule::model::page::{Anchor, Data, DataRequest, PageRequest, RequestId, Rows, Scope, Table};
use noctule::workers::bridge::{Bridge, Options};
use noctule::workers::now;
use noctule::workers::relay::Hands;
use noctule::workers::resolve::plan;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::rig::{targets, watched};

fn intent(command: &'static str, targets: Targets, args: &[(&str, &str)]) -> Intent {
    let args: Args = args.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Intent { command, targets, args, actor: "anna".into() }
}

pub(crate) fn page(table: Table) -> PageRequest {
    PageRequest {
        table,
        scope: Scope::All,
        filter: None,
        below: None,
        sort: Vec::new(),
        anchor: Anchor::Start,
        limit: 20,
        new_since: None,
        now: now(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alarms_are_acknowledged_in_bulk_and_taken_back() {
    let (_network, control, _folder, console) = watched().await;
    let onus = console.cut(&control, 0).await;

    let wish = intent("alarm.ack", targets(Table::Alarms, "type=pon.onu.los"), &[("note", "splicing")]);
    let outcome = console.run(wish.clone()).await;
    assert_eq!((outcome.done, outcome.total), (onus as u64, onus as u64), "{outcome:?}");
    // Told means kept: no waiting here.
    let rows = console.alarms("op=ack");
    assert_eq!(rows.len(), onus);
    assert!(rows.iter().all(|r| r.op_user == "anna" && r.op_text == "splicing"));

    let again = console.run(wish).await;
    assert_eq!((again.done, again.total), (0, 0));
    assert!(again.summary.contains("already acknowledged"), "{}", again.summary);

    let batch = outcome.undo.expect("can be undone");
    let (executor, stop) = (console.executor(), CancellationToken::new());
    let undone = executor.undo(batch, "anna", &stop, &|_, _| ()).await;
    assert_eq!(undone.done, onus as u64, "{undone:?}");
    assert_eq!(console.alarms("op=ack").len(), 0);
    let twice = executor.undo(batch, "anna", &stop, &|_, _| ()).await;
    assert_eq!(twice.done, 0, "{twice:?}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shelf_ends_by_itself() {
    let (_network, control, _folder, console) = watched().await;
    let onus = console.cut(&control, 0).await;
    let args = [("for", "1s"), ("reason", "planned works")];
    let wish = intent("alarm.shelve", targets(Table::Alarms, "type=pon.onu.los"), &args);
    let outcome = console.run(wish).await;
    assert_eq!(outcome.done, onus as u64, "{outcome:?}");
    console.until_alarms("vis=shelved", 0).await;
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_tells_who_loses_service_and_the_call_reaches_the_device() {
    let (_network, control, _folder, console) = watched().await;
    let olt = console.nodes("kind=olt").into_iter().find(|n| n.serial == control.olt_serial(0, 0).unwrap()).unwrap();
    let wish = intent("pon.disable", Targets::Names(Table::Nodes, vec![olt.canonical.clone()]), &[]);
    let plan = plan(&mut console.store.reader().unwrap(), &wish, now()).expect("a plan");
    assert_eq!(plan.onus, u64::from(olt.onus));
    assert!(plan.type_name && plan.phrase == olt.serial, "{plan:?}");
    assert_eq!(plan.calls, [format!(r#"/voltha.VolthaService/DisableDevice {{"id": "{}"}}"#, olt.device_id)]);

    let outcome = console.run(wish).await;
    assert_eq!((outcome.done, outcome.errors.len()), (1, 0), "{outcome:?}");
    console.until_nodes(&format!("kind=olt admin=disabled sn={}", olt.serial), 1).await;

    // The outcome and the call are in the log.
    let mut reader = console.store.reader().unwrap();
    let mut kinds = Vec::new();
    reader
        .each_row(&page(Table::Log), &mut |row| {
            kinds.push(row.get("kind").to_plain().into_owned());
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert!(kinds.iter().any(|k| k == "command") && kinds.iter().any(|k| k == "call"), "{kinds:?}");
    console.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bridge_answers_every_kind_of_request() {
    let (_network, control, folder, mut console) = watched().await;
    control.cut_fibre(0, 0, 0);
    let onus = control.onus_of(0, 0, 0).len();
    console.until_alarms("type=pon.onu.los cleared=no", onus).await;
    let options =
        Options { profile: "noc".into(), operator: "anna".into(), reveal_secrets: false, runtime: Handle::current() };
    let hands = Hands::Own(console.executor());
    let mut bridge =
        Bridge::start(console.store.clone(), console.sources.clone(), hands, console.msgs.clone(), options);

    bridge.send(Request::Data(RequestId(1), DataRequest::Page(page(Table::Nodes))));
    let rows = console
        .until_news("a page", |msg| match msg {
            Msg::Data(RequestId(1), Data::Page(page)) => Some(page.rows),
            _ => None,
        })
        .await;
    assert!(matches!(rows, Rows::Nodes(rows) if rows.len() == 20));

    let wish = intent("alarm.ack", targets(Table::Alarms, "cleared=no"), &[]);
    bridge.send(Request::Plan(RequestId(2), wish.clone()));
    let plan = console.until_news("a plan", |msg| match msg {
        Msg::Planned(RequestId(2), plan) => Some(plan),
        _ => None,
    });
    assert!(plan.await.expect("a plan").total >= onus as u64);

    bridge.send(Request::Execute(RequestId(3), wish));
    let outcome = console.until_news("an outcome", |msg| match msg {
        Msg::Done(RequestId(3), outcome) => Some(outcome),
        _ => None,
    });
    let outcome = outcome.await;
    assert!(outcome.done >= onus as u64 && outcome.undo.is_some(), "{outcome:?}");

    let file = folder.path().join("alarms.csv");
    let export = ExportRequest {
        rows: page(Table::Alarms),
        only: Vec::new(),
        except: Vec::new(),
        format: ExportFormat::Csv,
        path: file.display().to_string(),
        fields: vec!["key", "op_state"],
    };
    for (id, good) in [(RequestId(4), true), (RequestId(5), false)] {
        bridge.send(Request::Export(id, export.clone()));
        let outcome = console.until_news("an export", |msg| match msg {
            Msg::Done(done, outcome) if done == id => Some(outcome),
            _ => None,
        });
        let outcome = outcome.await;
        assert_eq!(outcome.errors.is_empty(), good, "an existing file stays as it is: {outcome:?}");
    }
    let text = std::fs::read_to_string(&file).expect("the file");
    assert!(text.starts_with("key,op_state\n") && text.lines().count() > onus, "{text}");
    assert!(bridge.stop(std::time::Duration::from_secs(5)).await);
    console.stop().await;
}
