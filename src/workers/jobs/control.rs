//! What operators ask of jobs: making them, steering them, putting back what they did.

use tokio::sync::oneshot;

use crate::engine::job::{Header, State, schedule};
use crate::model::job::{
    Change, Class, Control, DeviceEvent, JobEvent, JobId, JobRequest, JobTargets, NewValue, Old, Phase, SecretSource,
    StopRule, Waves, Work,
};
use crate::model::text::counted;
use crate::workers::now;

use super::book::{Kept, kept};
use super::runner::{Ready, Runner};
use super::{Ask, Typed};

/// What was journalled, and what to say when it is on disk.
type Told<T> = Result<(T, Kept), String>;

impl Runner {
    pub(super) async fn answer(&mut self, ask: Ask) {
        match ask {
            Ask::Create(request, secrets, actor, tell) => {
                answer_when_kept(self.create(*request, secrets, &actor), tell);
            }
            Ask::Control(job, control, actor, tell) => answer_when_kept(self.control(job, control, &actor).await, tell),
            Ask::RollBack(job, dry_run, actor, tell) => {
                answer_when_kept(self.roll_back(job, dry_run, &actor).await, tell);
            }
            Ask::Secret(job, secret) => {
                let request = self.job(job).await.ok().and_then(|j| j.header.request.as_ref());
                let Some(JobRequest { work: Work::Set(changes), .. }) = request else { return };
                let typed = |c: &&Change| c.value == NewValue::Secret(SecretSource::Typed);
                let all = changes.iter().filter(typed).map(|c| (c.setting.clone(), secret.clone())).collect();
                self.shared.typed().insert(job, all);
            }
        }
    }

    pub(super) fn create(&mut self, request: JobRequest, secrets: Typed, actor: &str) -> Told<JobId> {
        let id = JobId(uuid::Uuid::now_v7().into_bytes());
        let due = match &request.schedule {
            Some(plan) => Some(schedule::parse(plan).and_then(|p| p.first(now())).map_err(|e| e.to_string())?),
            None => None,
        };
        let mut events = vec![(id, JobEvent::Created(request))];
        events.extend(due.map(|at| (id, JobEvent::Due(at))));
        if !secrets.is_empty() {
            self.shared.typed().insert(id, secrets);
        }
        Ok((id, self.book.tell(actor, events)))
    }

    async fn control(&mut self, id: JobId, control: Control, actor: &str) -> Told<String> {
        let job = self.job(id).await?;
        possible(control, &job.header)?;
        let mut events = vec![(id, JobEvent::Control(control))];
        let words = match control {
            Control::Retry => {
                let failed: Vec<u32> = job.failed().collect();
                let retried = |index| (id, JobEvent::Device { index, what: DeviceEvent::Retried });
                events.extend(failed.iter().copied().map(retried));
                format!("{} tried again", counted(failed.len() as u64, "device is", "devices are"))
            }
            _ => words(control, &job.header),
        };
        if matches!(control, Control::Resume | Control::Retry | Control::Start) {
            // What it lacked may be there now.
            self.side(id).ready = Ready::No;
        }
        Ok((words, self.book.tell(actor, events)))
    }

    async fn roll_back(&mut self, id: JobId, dry_run: bool, actor: &str) -> Told<JobId> {
        let job = self.job(id).await?;
        let old = job.header.request.clone().ok_or("the request of the job is lost")?;
        if old.dry_run {
            return Err("it was a dry run: it changed nothing".to_owned());
        }
        if !matches!(old.work, Work::Set(_) | Work::RollBack) {
            let why =
                "it saved no values: a firmware goes back by a job with the earlier file, a tag by the other verb";
            return Err(why.to_owned());
        }
        if matches!(job.header.phase, Phase::Running | Phase::Cancelling) {
            return Err("it still runs: cancel or pause it first".to_owned());
        }
        let written = |d: &crate::engine::job::Device| {
            let back = matches!(d.state, State::Ended(Class::RolledBack | Class::Skipped | Class::Cancelled));
            d.sent_at.is_set() && !back && d.before.iter().any(|b| !matches!(b.old, Old::Lost))
        };
        let devices: Vec<String> =
            job.list.iter().zip(&job.devices).filter(|(_, d)| written(d)).map(|(f, _)| f.device.clone()).collect();
        if devices.is_empty() {
            return Err(
                "there is nothing to put back: no device of it was written with its old values saved".to_owned()
            );
        }
        let request = JobRequest {
            name: format!("Roll back {}", old.name),
            description: format!("Puts back what job {id} changed."),
            targets: JobTargets::Devices(devices),
            expected_count: None,
            work: Work::RollBack,
            waves: Waves::default(),
            stop: StopRule::default(),
            schedule: None,
            dry_run,
            // What it wrote is what it looks for; how long ago it was read back does not matter.
            stale_s: 0,
            rolls_back: Some(id),
            ..old
        };
        self.create(request, Vec::new(), actor)
    }
}

fn answer_when_kept<T: Send + 'static>(told: Told<T>, tell: oneshot::Sender<Result<T, String>>) {
    match told {
        Err(why) => _ = tell.send(Err(why)),
        Ok((value, ticket)) => {
            tokio::spawn(async move {
                let outcome = kept(ticket).await.map(|()| value);
                let _ = tell.send(outcome.map_err(|why| format!("not journalled: {why}")));
            });
        }
    }
}

/// Whether a job takes a control in its phase.
fn possible(control: Control, header: &Header) -> Result<(), String> {
    let queued = header.counts.of(Class::OfflineQueued) > 0;
    let phase = header.phase;
    let good = match control {
        Control::Start => phase == Phase::Waiting,
        Control::Pause => phase == Phase::Running,
        Control::Resume => matches!(phase, Phase::Paused | Phase::Held),
        Control::Cancel => match phase {
            Phase::Ended => queued,
            Phase::Cancelling | Phase::Cancelled | Phase::Refused => false,
            _ => true,
        },
        Control::Retry if header.counts.failed() == 0 => return Err("nothing of it failed".to_owned()),
        Control::Retry => matches!(phase, Phase::Ended | Phase::Held | Phase::Paused | Phase::Running),
        Control::Priority(_) => !phase.is_over(),
    };
    if good { Ok(()) } else { Err(format!("it is {}", phase.word())) }
}

/// What comes of a control.
fn words(control: Control, header: &Header) -> String {
    let c = &header.counts;
    let active = counted(u64::from(c.active), "device goes", "devices go");
    match control {
        Control::Start => "begins now".to_owned(),
        Control::Pause if c.active > 0 => format!("paused; {active} on"),
        Control::Pause => "paused".to_owned(),
        Control::Resume => "goes on".to_owned(),
        Control::Cancel => {
            let queued = u64::from(c.of(Class::OfflineQueued));
            let waiting = counted(u64::from(c.waiting), "device has", "devices have");
            let tasks = counted(queued, "queued task is", "queued tasks are");
            format!("cancelling: {waiting} not begun, {tasks} being taken back, {active} through with what was sent")
        }
        Control::Priority(priority) => format!("priority {}", priority.word()),
        Control::Retry => "tries again".to_owned(),
    }
}
