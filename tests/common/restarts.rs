//! Restarts as tests make them: short spans, an appliance that tells what it is told to tell.

use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::BoxFuture;
use noctule::engine::restart::{Outcome, Policy};
use noctule::model::time::{SECOND, Ts};
use noctule::workers::restart::{Appliance, Control, Desk, Job, run};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Spans of tenths of a second.
pub fn quick() -> Policy {
    Policy {
        cool_down_us: vec![0, 10 * SECOND],
        stop_us: SECOND / 2,
        term_us: SECOND / 2,
        kill_us: 5 * SECOND,
        start_us: 10 * SECOND,
        settle_us: SECOND / 5,
        data_us: Some(5 * SECOND),
        ..Policy::default()
    }
}

/// An appliance whose data always flows, or never; its own call of a restart is counted.
#[derive(Default)]
pub struct Told {
    pub silent: bool,
    pub refuses: bool,
    pub calls: Mutex<Vec<String>>,
}

impl Appliance for Told {
    fn restart<'a>(&'a self, service: &'a str) -> BoxFuture<'a, Result<(), String>> {
        self.calls.lock().unwrap().push(service.to_owned());
        let told = if self.refuses { Err("supervisorctl: not found".to_owned()) } else { Ok(()) };
        Box::pin(async move { told })
    }

    fn runs<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Option<bool>> {
        Box::pin(async { Some(true) })
    }

    fn last_data<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Option<Ts>> {
        Box::pin(async move { (!self.silent).then(noctule::workers::now) })
    }
}

/// Restarts a program that has the same name with whoever restarts it.
pub async fn restart(control: &Control, appliance: &Told, name: &str, policy: Policy) -> Outcome {
    let (progress, mut steps) = mpsc::channel(64);
    let desk = Desk::default();
    let permit = desk.admit("a", name, &policy).unwrap();
    assert!(desk.admit("a", name, &policy).is_err(), "never two at once");
    let job = Job { service: name.into(), unit: name.into(), policy };
    let cancel = CancellationToken::new();
    let work = run(permit, control, appliance, &job, &progress, &cancel);
    let outcome = tokio::time::timeout(Duration::from_secs(60), work).await.expect("it ends");
    let mut told = Vec::new();
    while let Ok(step) = steps.try_recv() {
        told.push(step);
    }
    assert_eq!(told, outcome.steps, "each step was told when it was taken");
    assert!(desk.may("a", name, &job.policy).is_ok(), "the first pause is none");
    outcome
}

/// The words of its steps.
pub fn words(outcome: &Outcome) -> Vec<&str> {
    outcome.steps.iter().map(|s| s.what.as_str()).collect()
}
