//! Verbs on a CPE against an ACS that says 200 to nearly everything: done is only what shows.

use noctule::config::schema::{Config, SourceKind};
use noctule::controllers::genieacs::client::Client;
use noctule::controllers::genieacs::wire::Filter;
use noctule::model::command::{Args, Intent, Outcome};
use noctule::model::page::Table;
use noctule::sim::genieacs::{Acs, AcsControl, AcsOptions, Answers, RunningAcs};

use super::rig::{Console, folder, targets, until};

const CHANNEL: &str = "InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.Channel";
const PPP: &str = "InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection";

struct Lab {
    acs: RunningAcs,
    client: Client,
    control: AcsControl,
    console: Console,
    id: String,
    _folder: tempfile::TempDir,
}

impl Lab {
    /// An ACS with one CPE that comes when it is called, seen by one noctule.
    async fn start() -> Self {
        let acs = Acs::start(AcsOptions { bare: true, ..AcsOptions::still() }).await.expect("an ACS");
        let control = acs.control();
        let id = control.plug_in("HG8245H", "HWTC00000001").expect("a model");
        control.answers(&id, Answers::Comes);
        control.advance(60.0);
        let source = acs.config();
        let SourceKind::Genieacs(settings) = &source.kind else { panic!("{source:?}") };
        let client = Client::new(&source.name.as_str().into(), settings).expect("a client");
        let (folder, path) = folder();
        let console = Console::start(&Config { sources: vec![source], ..Config::default() }, &path);
        let lab = Self { acs, client, control, console, id, _folder: folder };
        until("the CPE", || lab.seen()).await;
        lab
    }

    fn seen(&self) -> Option<()> {
        let mut reader = self.console.store.reader().expect("a reader");
        let rows = reader.cpes(&targets(Table::Cpes, ""), 2).expect("rows");
        (rows.len() == 1).then_some(())
    }

    async fn run(&self, command: &'static str, arg: &str, value: &str) -> Outcome {
        let args: Args = [(arg.to_owned(), value.to_owned())].into_iter().collect();
        self.console.run(Intent { command, targets: targets(Table::Cpes, ""), args, actor: "anna".into() }).await
    }

    async fn done(&self, command: &'static str, arg: &str, value: &str) {
        let outcome = self.run(command, arg, value).await;
        assert_eq!((outcome.done, outcome.errors.len()), (1, 0), "{command} {value}: {outcome:?}");
    }

    async fn refused(&self, command: &'static str, arg: &str, value: &str, why: &str) {
        let outcome = self.run(command, arg, value).await;
        assert_eq!(outcome.done, 0, "{command} {value}: {outcome:?}");
        assert!(outcome.summary.contains(why), "{command} {value}: {}", outcome.summary);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_passes_over_is_not_told_as_done() {
    let lab = Lab::start().await;
    lab.done("cpe.refresh", "object", "InternetGatewayDevice").await;
    lab.refused("cpe.refresh", "object", "InternetGatewayDevice.Nope", "no such object").await;
    lab.done("cpe.get", "names", CHANNEL).await;
    lab.refused("cpe.get", "names", "InternetGatewayDevice.Nope.X", "no such parameter").await;
    lab.refused("cpe.get", "names", "InternetGatewayDevice.LANDevice", "refresh it instead").await;
    // Believed to be so already, it is not even sent; the device tells another value.
    assert!(lab.control.change_at_device(&lab.id, CHANNEL, &serde_json::json!(3)));
    lab.done("cpe.get", "names", CHANNEL).await;
    assert!(lab.control.change_at_device(&lab.id, CHANNEL, &serde_json::json!(4)));
    lab.refused("cpe.set", "values", &format!("{CHANNEL}=3"), "still tells `4`").await;
    lab.done("cpe.add", "object", PPP).await;
    lab.refused("cpe.add", "object", "InternetGatewayDevice.LANDevice", "lets nobody add").await;
    lab.refused("cpe.add", "object", "InternetGatewayDevice.Nope", "no such object").await;
    lab.done("cpe.del-instance", "object", &format!("{PPP}.2")).await;
    lab.refused("cpe.del-instance", "object", &format!("{PPP}.2"), "no such instance").await;
    lab.refused("cpe.del-instance", "object", "InternetGatewayDevice.LANDevice.1", "lets nobody remove").await;
    lab.console.stop().await;
    lab.acs.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn three_tries_on_an_absent_device_are_one_restart() {
    let lab = Lab::start().await;
    lab.control.answers(&lab.id, Answers::Refuses);
    for _ in 0..3 {
        lab.refused("cpe.reboot", "", "", "Device is offline").await;
    }
    assert_eq!(lab.client.tasks(&Filter::all()).await.expect("tasks").len(), 1);
    lab.control.answers(&lab.id, Answers::Comes);
    // It informs, restarts, and is back.
    lab.control.advance(900.0);
    assert!(lab.client.tasks(&Filter::all()).await.expect("tasks").is_empty());
    let channel = |n: u32| format!("{CHANNEL}={n}");
    for wrong in [300, 301] {
        lab.refused("cpe.set", "values", &channel(wrong), "9007").await;
        assert_eq!(lab.client.faults(&Filter::all()).await.expect("faults").len(), 1, "the older one went");
    }
    lab.done("cpe.set", "values", &channel(9)).await;
    assert!(lab.client.faults(&Filter::all()).await.expect("faults").is_empty());
    lab.console.stop().await;
    lab.acs.stop();
}
