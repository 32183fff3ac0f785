//! What the appliance's own system tells beside its services: sockets, disks, load, and the processes
//! as supervisor or systemd see them. In its own time, beside the heartbeat and never before it: what
//! takes long comes with a later poll.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::config::schema::{Control, Probe};
use crate::controllers::host::{self, Look, Place};
use crate::controllers::route::Route;
use crate::model::appliance::Poll;
use crate::model::appliance::poll::{Answer, HostStatus, ProcessStatus};
use crate::model::time::{SECOND, Ts};
use crate::workers::{lock, restart};

use super::shared::Shared;

/// Between two looks on this machine, and through SSH.
const NEAR: i64 = 10 * SECOND;
const FAR: i64 = 20 * SECOND;
/// How long a poll waits for a look that was begun with it.
const BESIDE: Duration = Duration::from_millis(300);

/// When the system was last looked at, and what was seen since the last poll.
#[derive(Debug, Default)]
pub(super) struct Pace {
    at: Ts,
    seen: Arc<Mutex<Board>>,
    own: Own,
}

/// Who tells of the system: while it is looked at, the config service does not, since its figures are
/// others (used over size, where a disk is full sooner) and rows would go to and fro between the two.
#[derive(Debug, Default)]
pub(super) struct Own {
    /// The last look succeeded.
    looks: bool,
    /// What only the config service told so far.
    told: Option<HostStatus>,
}

/// What came in.
#[derive(Debug, Default)]
struct Board {
    flying: bool,
    seen: Seen,
}

/// What was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    host: Option<Answer<HostStatus>>,
    processes: Option<Answer<Vec<ProcessStatus>>>,
}

impl Seen {
    /// Puts what was seen into a poll. What is measured here stands over what the config service says;
    /// what is only known there stays.
    pub(super) fn into_poll(self, pace: &mut Pace, poll: &mut Poll) {
        let pace = &mut pace.own;
        if let Answer::Said(told) = &poll.host {
            pace.told = Some(told.clone());
        }
        match self.host {
            None | Some(Answer::NotAsked) if pace.looks => poll.host = Answer::NotAsked,
            None | Some(Answer::NotAsked) => {}
            Some(Answer::Said(mut own)) => {
                pace.looks = true;
                if let Some(told) = &pace.told {
                    own.memory_pct = own.memory_pct.or(told.memory_pct);
                    if own.disks.is_empty() {
                        own.disks.clone_from(&told.disks);
                    }
                }
                poll.host = Answer::Said(own);
            }
            // What the config service tells is better than nothing.
            Some(trouble) => {
                pace.looks = false;
                if poll.host.said().is_none() {
                    poll.host = trouble;
                }
            }
        }
        match (self.processes, &mut poll.processes) {
            (Some(Answer::Said(own)), Answer::Said(told)) => {
                for process in own {
                    match told.iter_mut().find(|p| p.service == process.service) {
                        Some(known) => *known = ProcessStatus { critical: known.critical, ..process },
                        None => told.push(process),
                    }
                }
            }
            (Some(Answer::Said(own)), processes) => *processes = Answer::Said(own),
            (Some(trouble), processes) if processes.said().is_none() => *processes = trouble,
            (Some(_) | None, _) => {}
        }
    }
}

/// Looks, when it is time; what was seen since the last poll.
pub(super) async fn look(shared: &Arc<Shared>, pace: &mut Pace, at: Ts, everything: bool) -> Seen {
    let every = if shared.config.ssh.is_some() { FAR } else { NEAR };
    let due = everything || !pace.at.is_set() || at.since(pace.at) >= every || at < pace.at;
    if due && !std::mem::replace(&mut lock(&pace.seen).flying, true) {
        pace.at = at;
        let (shared, board) = (Arc::clone(shared), Arc::clone(&pace.seen));
        let task = tokio::spawn(async move {
            let (host, processes) = tokio::join!(system(&shared), processes(&shared));
            if let Some(Answer::Said(status)) = &host {
                lock(&shared.sockets).clone_from(&status.listening);
            }
            *lock(&board) = Board { flying: false, seen: Seen { host, processes } };
        });
        let patience = if everything { Duration::from_secs(20) } else { BESIDE };
        let _ = tokio::time::timeout(patience, task).await;
    }
    std::mem::take(&mut lock(&pace.seen).seen)
}

/// The system, where it may be looked at.
pub(super) async fn system(shared: &Shared) -> Option<Answer<HostStatus>> {
    let place = match (shared.config.probe, Route::of(shared.config.ssh.as_ref())) {
        (Probe::None, _) => return None,
        (Probe::Local, _) => Place::Local,
        (Probe::Ssh, Route::Ssh(master)) => Place::Ssh(master),
        (Probe::Ssh, Route::Direct) => {
            return Some(Answer::Refused("probe = \"ssh\" needs [source.ssh]".to_owned()));
        }
    };
    Some(match host::probe(&place, &Look::at(&shared.config.data_path)).await {
        Ok(status) => Answer::Said(status),
        Err(error) => Answer::Silent(error.to_string()),
    })
}

/// Processes, as whoever starts them sees them.
async fn processes(shared: &Shared) -> Option<Answer<Vec<ProcessStatus>>> {
    let answer = match (&shared.config.control, shared.control().await) {
        (Control::Api | Control::None, _) | (_, Ok(restart::Control::Api)) => return None,
        (_, Err(why)) => Answer::Refused(why),
        (_, Ok(restart::Control::Supervisor(supervisor))) => match supervisor.processes().await {
            Ok(all) => Answer::Said(all.iter().map(|p| named(shared, p.status(), &p.full_name())).collect()),
            Err(error) => Answer::Silent(error.to_string()),
        },
        (_, Ok(restart::Control::Systemd(systemd))) => {
            let mut all = Vec::new();
            for (service, unit) in units(shared) {
                match systemd.unit(&unit).await {
                    Ok(found) => all.push(ProcessStatus { service, ..found.status() }),
                    Err(error) => return Some(Answer::Silent(error.to_string())),
                }
            }
            Answer::Said(all)
        }
    };
    Some(answer)
}

/// The services of the appliance with their units.
fn units(shared: &Shared) -> Vec<(String, String)> {
    super::settings::settings(&shared.config)
        .services
        .into_iter()
        .map(|s| {
            let unit = shared.unit(&s.name);
            (s.name, unit)
        })
        .collect()
}

/// A process under the name that the appliance has for its service.
fn named(shared: &Shared, status: ProcessStatus, full_name: &str) -> ProcessStatus {
    let ours = units(shared).into_iter().find(|(_, unit)| *unit == status.service || unit == full_name);
    match ours {
        Some((service, _)) => ProcessStatus { service, ..status },
        None => status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::appliance::poll::Disk;

    fn disk(mount: &str, used_pct: u32) -> Disk {
        Disk { mount: mount.into(), used_pct, ..Disk::default() }
    }

    fn config_service() -> Poll {
        let host = HostStatus {
            disks: vec![disk("/", 20)],
            memory_pct: Some(4),
            told_by: "config service".into(),
            ..HostStatus::default()
        };
        Poll { host: Answer::Said(host), ..Poll::default() }
    }

    fn seen(host: Answer<HostStatus>) -> Seen {
        Seen { host: Some(host), processes: None }
    }

    fn looked() -> Answer<HostStatus> {
        Answer::Said(HostStatus {
            disks: vec![disk("/", 57), disk("/data", 57)],
            wal_bytes: Some(4_140_632),
            told_by: "this machine".into(),
            ..HostStatus::default()
        })
    }

    #[test]
    fn while_the_system_is_looked_at_the_config_service_tells_nothing_of_it() {
        let mut pace = Pace::default();
        let mut poll = config_service();
        Seen::default().into_poll(&mut pace, &mut poll);
        assert_eq!(poll.host.said().map(|h| h.told_by.as_str()), Some("config service"), "there is nothing better yet");
        let mut poll = Poll::default();
        seen(looked()).into_poll(&mut pace, &mut poll);
        let host = poll.host.said().unwrap();
        assert_eq!((host.told_by.as_str(), host.disks.len()), ("this machine", 2));
        assert_eq!(host.memory_pct, Some(4), "what only the config service told stays");
        // Between two looks it alone answers: the row stays as it was seen.
        let mut poll = config_service();
        Seen::default().into_poll(&mut pace, &mut poll);
        assert_eq!(poll.host, Answer::NotAsked);
        // A look that fails is no reason to know nothing.
        let mut poll = config_service();
        seen(Answer::Silent("no ssh".into())).into_poll(&mut pace, &mut poll);
        assert_eq!(poll.host.said().map(|h| h.told_by.as_str()), Some("config service"));
        let mut poll = config_service();
        Seen::default().into_poll(&mut pace, &mut poll);
        assert!(poll.host.said().is_some());
    }
}
