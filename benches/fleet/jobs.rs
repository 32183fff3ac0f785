//! What jobs cost: a dry run over a tenth of the fleet, and a job beside the bare calls it consists
//! of, made to the same devices by as many at a time.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use noctule::config::schema::Genieacs;
use noctule::controllers::genieacs::client::Client;
use noctule::controllers::genieacs::task::{ConnectionRequest, Setting, Task, TaskKind};
use noctule::controllers::genieacs::wire::{DeviceId, Scalar};
use noctule::engine::job::Header;
use noctule::model::command::Targets;
use noctule::model::job::JobId;
use noctule::model::job::read::{Format, read};
use noctule::model::page::{Scope, Table};
use noctule::model::query::Query;
use noctule::workers::jobs::{Jobs, me};

use super::acs::Acs;
use super::console::Console;
use super::row;

/// CPEs worked on at a time, by both.
const TOGETHER: usize = 20;
/// Nobody waits longer for a job.
const PATIENCE: Duration = Duration::from_secs(120);
/// A tenth of the fleet, and the part of it that is written to.
const MANY: &str = "model=SDG-8622";
const SOME: &str = "model=SDG-8622 online=online serial~/7$/";
const SSID: &str = "Device.WiFi.SSID.1.SSID";

pub fn measure(acs: &Acs, path: &Path) {
    // Only what is asked for is read beside the job.
    let quiet = Genieacs { poll_s: 86_400, full_s: 604_800, ..Genieacs::new(acs.url.clone()) };
    let console = Console::start(quiet, path);
    let jobs = Jobs::start(&console.store, &console.sources, me(), &console.supervisor);
    console.poll();
    let request = |name: &str, filter: &str, dry: bool| {
        format!(
            "name = '{name}'\nsource = 'acs'\nfilter = '{filter}'\nmax_concurrent = {TOGETHER}\ndry_run = {dry}\n\
             [wifi]\nssid = '{name}'\n"
        )
    };
    match run(&console, &jobs, &request("bench-dry", MANY, true)) {
        Ok((took, counts)) => {
            row(&format!("dry run of a setting over `{MANY}`"), &format!("{:.2} s ({counts})", took.as_secs_f64()));
        }
        Err(why) => row("dry run", &format!("not measured: {why}")),
    }
    let ids = targets(&console, SOME);
    let bare = bare(&console, acs, &ids);
    match run(&console, &jobs, &request("bench-set", SOME, false)) {
        Ok((took, counts)) => row(
            &format!("job over {} devices, {TOGETHER} at a time, beside the same calls bare", ids.len()),
            &format!(
                "{:.2} s and {:.2} s: {:+.1} % ({counts})",
                took.as_secs_f64(),
                bare.as_secs_f64(),
                (took.as_secs_f64() / bare.as_secs_f64() - 1.0) * 100.0
            ),
        ),
        Err(why) => row("job", &format!("not measured: {why}")),
    }
    console.stop();
}

fn targets(console: &Console, filter: &str) -> Vec<DeviceId> {
    let targets = Targets::Filter {
        table: Table::Cpes,
        scope: Scope::All,
        filter: Some(std::sync::Arc::new(Query::parse(filter, Table::Cpes).expect("parses"))),
        below: None,
        except: std::iter::empty().collect(),
    };
    let mut reader = console.store.reader().expect("a reader");
    let rows = reader.cpes(&targets, usize::MAX).expect("CPEs");
    rows.iter().map(|row| DeviceId::new(row.device_id.as_str())).collect()
}

/// A job from its making to its end, and how its devices ended.
fn run(console: &Console, jobs: &Jobs, request: &str) -> Result<(Duration, String), String> {
    let parsed = read(request, Format::Toml).map_err(|e| e.to_string())?;
    let began = Instant::now();
    let id: JobId = console.runtime.block_on(jobs.create(parsed.request, Vec::new(), "bench"))?;
    let mut reader = console.store.reader().map_err(|e| e.to_string())?;
    // Devices whose task waits for their next inform do not keep a job from its end.
    let runs = |(open, header): &(JobId, Header)| *open == id && !header.phase.is_over();
    while reader.open_jobs().map_err(|e| e.to_string())?.iter().any(runs) {
        if began.elapsed() > PATIENCE {
            return Err(format!("no end within {} s", PATIENCE.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let took = began.elapsed();
    let job = reader.job(id).map_err(|e| e.to_string())?.ok_or("it is gone")?;
    let counts = &job.header.counts;
    let ended: Vec<String> = noctule::model::job::Class::ALL
        .iter()
        .filter_map(|class| {
            let n = counts.ended.get(*class as usize).copied().filter(|n| *n > 0)?;
            Some(format!("{n} {}", class.word()))
        })
        .collect();
    Ok((took, ended.join(", ")))
}

/// The calls that setting and proving take, and nothing around them.
fn bare(console: &Console, acs: &Acs, ids: &[DeviceId]) -> Duration {
    let client = Client::new(&"acs".into(), &Genieacs::new(acs.url.clone())).expect("a client");
    let began = Instant::now();
    console.runtime.block_on(async {
        let one = |id: &DeviceId| {
            let (client, id) = (client.clone(), id.clone());
            async move {
                let setting = Setting::new(SSID, Scalar::Text("bare".to_owned()));
                let set = Task::new(TaskKind::SetParameterValues(vec![setting]));
                let get = Task::new(TaskKind::GetParameterValues(vec![SSID.to_owned()]));
                for task in [set, get] {
                    client.post_task(&id, &task, ConnectionRequest::Yes).await.expect("an answer");
                }
            }
        };
        futures_util::stream::iter(ids.iter().map(one)).buffer_unordered(TOGETHER).collect::<Vec<()>>().await;
    });
    began.elapsed()
}
