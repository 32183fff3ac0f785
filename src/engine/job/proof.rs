//! Proof, not hope: what reading back, time stamps and versions say of what a device did. The
//! controller's 200 only says that a session ran without a fault.

use super::device::{Device, State, stage_word};
use super::dry_run::Leaf;
use crate::model::job::{Answer, Class, DeviceEvent, NewValue, ParamFault, ParamValue, Proof, ReadBack, Stage};
use crate::model::time::{MINUTE, Ts, brief_duration};

/// Compares one parameter with what was wanted. `since` is when it was written, the controller's
/// clock: an older reading proves nothing. `secret` is the value wanted of a secret.
#[must_use]
pub fn compare(path: &str, new: &NewValue, secret: Option<&str>, leaf: Option<&Leaf>, since: Ts) -> ReadBack {
    let proof = match leaf.and_then(|l| l.value.as_ref().map(|v| (l, v))) {
        Some((leaf, _)) if leaf.at < since => Proof::Missing,
        None => Proof::Missing,
        Some((_, found)) => match (new, secret) {
            (NewValue::Plain(new), _) if new.same(found) => Proof::Same,
            (NewValue::Plain(_), _) => Proof::Differs(found.to_string()),
            (NewValue::Secret(_), _) if found.is_empty() || masked(found) => Proof::Hidden,
            (NewValue::Secret(_), Some(secret)) if found.to_string() == secret => Proof::Same,
            (NewValue::Secret(_), Some(_)) => Proof::Differs(String::new()),
            (NewValue::Secret(_), None) => Proof::Hidden,
        },
    };
    ReadBack { path: path.to_owned(), proof }
}

/// Some devices answer a secret with stars.
fn masked(value: &ParamValue) -> bool {
    matches!(value, ParamValue::Text(t) if t.chars().all(|c| c == '*' || c == '•'))
}

/// Judges a device by what was read back: class, cause in short, words.
#[must_use]
pub fn judge(read: &[ReadBack]) -> (Class, &'static str, String) {
    let same = read.iter().filter(|r| r.proof == Proof::Same).count();
    let differs: Vec<_> = read.iter().filter(|r| matches!(r.proof, Proof::Differs(_))).collect();
    let missing: Vec<_> = read.iter().filter(|r| r.proof == Proof::Missing).collect();
    let names = |list: &[&ReadBack]| list.iter().map(|r| r.path.as_str()).collect::<Vec<_>>().join(", ");
    if let Some(first) = differs.first() {
        let holds = match &first.proof {
            Proof::Differs(value) if !value.is_empty() => format!("; {} is {value}", first.path),
            _ => String::new(),
        };
        let why = format!("not taken: {}{holds}", names(&differs));
        return match same {
            0 => (Class::Unchanged, "the device did not take it", why),
            _ => (Class::Faulted, "the device took only a part", why),
        };
    }
    if !missing.is_empty() {
        return (Class::Unknown, "could not be read back", format!("not read back: {}", names(&missing)));
    }
    let hidden = read.len() - same;
    match (same, hidden) {
        (0, _) => {
            let why = "ran without a fault, but the device does not show the value".to_owned();
            (Class::Unknown, "the device does not show the value", why)
        }
        (_, 0) => (Class::Changed, "", String::new()),
        (_, n) => (Class::Changed, "", format!("{n} secret values are not shown by the device")),
    }
}

/// What was found of a write that nobody answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trace {
    /// Its task, found by its key.
    pub task: Option<String>,
    /// The fault of that task (or of the download it became).
    pub fault: Option<(String, String, Vec<ParamFault>)>,
    /// What shows that it was done (values are as wanted, a time stamp moved).
    pub done: Option<String>,
    /// Whether it would show if it had been done, and does not.
    pub excluded: bool,
}

/// What to make of it. What may be done only once is sent again only on proof that it was not done.
#[must_use]
pub fn recover(once_only: bool, trace: Trace) -> DeviceEvent {
    if let Some((code, message, params)) = trace.fault {
        return DeviceEvent::Faulted { code, message, params, task: trace.task };
    }
    if trace.task.is_some() {
        let answer = Answer::Queued("found in the controller's queue".to_owned());
        return DeviceEvent::Answered { answer, task: trace.task };
    }
    if trace.done.is_some() {
        return DeviceEvent::Answered { answer: Answer::Done, task: None };
    }
    if !once_only || trace.excluded {
        return DeviceEvent::NotSent("the controller has no task of ours and the device shows no change".to_owned());
    }
    let why = "no answer came, and nothing shows whether it was done; it is not sent twice".to_owned();
    DeviceEvent::Ended { class: Class::Unknown, why }
}

/// What the controller holds of a download, its own clock.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transfer {
    /// A pending operation of the device.
    pub operation: bool,
    /// When the order was given (`Downloads.N.Download`).
    pub ordered: Ts,
    /// The order that last completed (`LastDownload`).
    pub last_done: Ts,
    /// When it last started (`_lastBoot`).
    pub last_boot: Ts,
    /// The version it runs, and when that was read.
    pub version: Option<(String, Ts)>,
    /// A fault of the download.
    pub fault: Option<(String, String)>,
}

/// How long stages may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// From the order to the end of the transfer, µs.
    pub transfer: i64,
    /// From the transfer to the restart, µs.
    pub reboot: i64,
    /// From the restart until the version is read, µs.
    pub verify: i64,
}

impl Default for Patience {
    fn default() -> Self {
        Self { transfer: 70 * MINUTE, reboot: 30 * MINUTE, verify: 30 * MINUTE }
    }
}

/// The next event of a download, if what is seen makes one. `since` is when the order was sent, the
/// controller's clock; `wanted` the version it is to run and `before` the one it ran.
#[must_use]
pub fn transfer(
    device: &Device,
    seen: &Transfer,
    since: Ts,
    wanted: Option<&str>,
    before: Option<&str>,
    now: Ts,
    patience: Patience,
) -> Option<DeviceEvent> {
    let State::Stage(stage) = device.state else { return None };
    if let Some((code, message)) = &seen.fault {
        return Some(DeviceEvent::Faulted {
            code: code.clone(),
            message: message.clone(),
            params: Vec::new(),
            task: None,
        });
    }
    let at = |t: Ts| t.to_rfc3339();
    let reached = |stage, evidence| Some(DeviceEvent::Stage { stage, evidence });
    let complete = !seen.operation && seen.last_done.is_set() && seen.last_done >= since;
    let booted = seen.last_boot > since;
    // A version counts when it was read after the restart; the restart itself may not be told.
    let fresh = seen.version.as_ref().filter(|(_, read)| *read > since && *read >= seen.last_boot);
    match stage {
        Stage::Accepted if seen.operation => {
            reached(Stage::Transferring, format!("operation pending, ordered {}", at(seen.ordered)))
        }
        Stage::Accepted | Stage::Transferring if complete => {
            reached(Stage::Transferred, format!("transfer complete, LastDownload {}", at(seen.last_done)))
        }
        Stage::Transferred if booted => reached(Stage::Rebooted, format!("last boot {}", at(seen.last_boot))),
        Stage::Rebooted => match (fresh, wanted) {
            (Some((version, read)), Some(wanted)) if version == wanted => {
                reached(Stage::Verified, format!("runs {version}, read {}", at(*read)))
            }
            (Some((version, read)), None) if Some(version.as_str()) != before => {
                reached(Stage::Verified, format!("runs {version}, read {}", at(*read)))
            }
            (Some((version, _)), Some(wanted)) => Some(DeviceEvent::Ended {
                class: Class::WrongVersion,
                why: format!("runs {version} after the restart, {wanted} was wanted"),
            }),
            (Some((version, _)), None) => Some(DeviceEvent::Ended {
                class: Class::Unchanged,
                why: format!("runs {version} after the restart, as before"),
            }),
            (None, _) => overdue(device, stage, now, patience.verify),
        },
        Stage::Accepted | Stage::Transferring => overdue(device, stage, now, patience.transfer),
        Stage::Transferred => overdue(device, stage, now, patience.reboot),
        Stage::Verified => None,
    }
}

fn overdue(device: &Device, stage: Stage, now: Ts, limit: i64) -> Option<DeviceEvent> {
    let begun = if stage <= Stage::Transferring { device.sent_at } else { device.changed_at };
    let waited = now.since(begun);
    (waited > limit).then(|| DeviceEvent::Ended {
        class: Class::TimedOut,
        why: format!("{} for {} and nothing more", stage_word(stage), brief_duration(waited)),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::device::Kind;
    use super::*;
    use crate::model::job::SecretSource;
    use crate::model::time::{HOUR, SECOND};

    const SENT: Ts = Ts(1_000 * HOUR);

    fn read(proofs: &[Proof]) -> Vec<ReadBack> {
        (0..).zip(proofs).map(|(i, p)| ReadBack { path: format!("D.{i}"), proof: p.clone() }).collect()
    }

    #[test]
    fn reading_back_decides() {
        let class = |p: &[Proof]| judge(&read(p)).0;
        let differs = || Proof::Differs("old".to_owned());
        assert_eq!(class(&[Proof::Same, Proof::Same]), Class::Changed);
        assert_eq!(class(&[Proof::Same, Proof::Hidden]), Class::Changed);
        assert_eq!(class(&[Proof::Hidden]), Class::Unknown);
        assert_eq!(class(&[differs(), Proof::Hidden]), Class::Unchanged);
        assert_eq!(class(&[Proof::Same, differs()]), Class::Faulted);
        assert_eq!(class(&[Proof::Same, Proof::Missing]), Class::Unknown);
        assert_eq!(class(&[]), Class::Unknown);
        assert!(judge(&read(&[differs()])).2.contains("D.0 is old"));
    }

    #[test]
    fn a_reading_from_before_the_write_proves_nothing() {
        let new = NewValue::Plain(ParamValue::Int(6));
        let leaf = |at| Leaf { value: Some(ParamValue::Text("6".to_owned())), writable: true, at };
        assert_eq!(compare("p", &new, None, Some(&leaf(SENT.plus(SECOND))), SENT).proof, Proof::Same);
        assert_eq!(compare("p", &new, None, Some(&leaf(SENT.plus(-SECOND))), SENT).proof, Proof::Missing);
        let secret = NewValue::Secret(SecretSource::Typed);
        let found = |text: &str| Leaf { value: Some(ParamValue::Text(text.to_owned())), writable: true, at: SENT };
        assert_eq!(compare("p", &secret, Some("pw"), Some(&found("***")), SENT).proof, Proof::Hidden);
        assert_eq!(compare("p", &secret, Some("pw"), Some(&found("pw")), SENT).proof, Proof::Same);
        let other = compare("p", &secret, Some("pw"), Some(&found("geheim")), SENT).proof;
        assert_eq!(other, Proof::Differs(String::new()), "what a device holds as a secret is never told");
    }

    fn sent() -> Device {
        let mut device = Device::default();
        device.apply(Kind::Transfer, SENT, &DeviceEvent::Intent);
        device.apply(Kind::Transfer, SENT, &DeviceEvent::Answered { answer: Answer::Done, task: None });
        device
    }

    fn step(device: &mut Device, seen: &Transfer, now: Ts) -> Option<DeviceEvent> {
        let event = transfer(device, seen, SENT, Some("V2"), Some("V1"), now, Patience::default());
        if let Some(event) = &event {
            assert!(device.apply(Kind::Transfer, now, event));
        }
        event
    }

    #[test]
    fn a_download_goes_by_stages_each_with_its_evidence() {
        let mut device = sent();
        let mut seen = Transfer { ordered: SENT, last_boot: SENT.plus(-HOUR), ..Transfer::default() };
        let now = SENT.plus(MINUTE);
        assert_eq!(step(&mut device, &seen, now), None);
        seen.operation = true;
        step(&mut device, &seen, now);
        assert_eq!(device.state, State::Stage(Stage::Transferring));
        seen.operation = false;
        assert_eq!(step(&mut device, &seen, now), None, "an operation that is gone is no proof of a transfer");
        seen.last_done = SENT.plus(SECOND);
        step(&mut device, &seen, now);
        seen.version = Some(("V1".to_owned(), SENT.plus(2 * SECOND)));
        assert_eq!(step(&mut device, &seen, now), None, "not restarted yet");
        seen.last_boot = SENT.plus(3 * SECOND);
        step(&mut device, &seen, now);
        assert_eq!(step(&mut device, &seen, now), None, "the version was read before the restart");
        seen.version = Some(("V2".to_owned(), SENT.plus(4 * SECOND)));
        step(&mut device, &seen, now);
        assert_eq!(device.state, State::Ended(Class::Changed));
        assert_eq!(device.evidence.len(), 5);
        assert!(device.evidence[4].text.contains("runs V2"));
    }

    #[test]
    fn downloads_that_go_wrong_say_how() {
        let late = SENT.plus(2 * HOUR);
        let mut device = sent();
        step(&mut device, &Transfer::default(), late);
        assert_eq!(device.state, State::Ended(Class::TimedOut));
        let mut device = sent();
        let fault = Some(("cwmp.9010".to_owned(), "Download failure".to_owned()));
        step(&mut device, &Transfer { fault, ..Transfer::default() }, late);
        assert_eq!((device.state, device.cause.as_str()), (State::Ended(Class::Faulted), "cwmp.9010"));
        let mut device = sent();
        let after = SENT.plus(MINUTE);
        let seen = Transfer {
            last_done: SENT,
            last_boot: after,
            version: Some(("V1".to_owned(), after.plus(SECOND))),
            ..Transfer::default()
        };
        while step(&mut device, &seen, after.plus(MINUTE)).is_some() {}
        assert_eq!(device.state, State::Ended(Class::WrongVersion));
        assert_eq!(device.why, "runs V1 after the restart, V2 was wanted");
    }

    #[test]
    fn a_write_without_an_answer_is_sent_again_only_when_that_is_safe() {
        let again = |once, trace| matches!(recover(once, trace), DeviceEvent::NotSent(_));
        assert!(again(false, Trace::default()));
        assert!(!again(true, Trace::default()), "a reboot is not sent on a guess");
        assert!(again(true, Trace { excluded: true, ..Trace::default() }));
        assert!(!again(false, Trace { task: Some("t".to_owned()), ..Trace::default() }));
        assert!(!again(false, Trace { done: Some("value".to_owned()), ..Trace::default() }));
        let fault = Some(("cwmp.9002".to_owned(), String::new(), Vec::new()));
        assert!(!again(false, Trace { fault, ..Trace::default() }));
    }

    fn proof() -> impl Strategy<Value = Proof> {
        prop_oneof![Just(Proof::Same), "[a-z]{0,3}".prop_map(Proof::Differs), Just(Proof::Hidden), Just(Proof::Missing)]
    }

    proptest! {
        #[test]
        fn changed_means_proven(proofs in proptest::collection::vec(proof(), 0..6)) {
            let (class, cause, _) = judge(&read(&proofs));
            let good = |p: &Proof| matches!(p, Proof::Same | Proof::Hidden);
            let proven = proofs.iter().all(good) && proofs.contains(&Proof::Same);
            prop_assert_eq!(class == Class::Changed, proven);
            prop_assert_eq!(class.failed(), !cause.is_empty(), "a failure has a cause to be grouped by");
            let order: Vec<_> = proofs.iter().rev().cloned().collect();
            prop_assert_eq!(judge(&read(&order)).0, class, "the order of answers does not matter");
        }
    }
}
