//! noctule's own verdict. The appliance's word is worth nothing: with two of its five services dead
//! it calls itself healthy (facts: raven-run §7).

use super::alarms::AlarmChange;
use super::words;
use crate::model::appliance::state::{ApplianceState, Contact, UplinkState, Verdict};
use crate::model::order;
use crate::model::severity::Severity;
use crate::model::text::grouped;

/// Alarms that mean lost data, whatever their severity.
const LOST: [&str; 3] = ["buffer.loss", "buffer.emptied", "buffer.limit_zero"];
/// Load of five minutes a processor, thousandths, that needs a look.
const LOAD: u64 = 4000;
/// Memory used, %, that needs a look.
const MEMORY: u32 = 95;

/// The verdict and its reasons, the worst first.
pub(super) fn judge(state: &ApplianceState, standing: &[AlarmChange]) -> (Verdict, Vec<String>) {
    let mut reasons: Vec<(Verdict, String)> = standing
        .iter()
        .filter_map(|a| {
            let (severity, text) = a.raise.as_ref()?;
            let verdict = if *severity == Severity::Critical || LOST.contains(&a.type_id) {
                Verdict::Critical
            } else {
                Verdict::Warning
            };
            let about = a.collector.as_ref().map(|c| format!("{c}: ")).unwrap_or_default();
            Some((verdict, format!("{about}{text}")))
        })
        .collect();
    let mut warn = |text: String| reasons.push((Verdict::Warning, text));
    if let (Some([_, five, _]), Some(cpus)) = (state.load_milli, state.cpus.filter(|n| *n > 0)) {
        let each = five / u64::from(cpus);
        if each >= LOAD {
            warn(format!("load {}.{} on {cpus} processors", five / 1000, five % 1000 / 100));
        }
    }
    if !state.services_trouble.is_empty() && state.contact != Contact::Silent {
        warn(format!("its services are not told: {}", state.services_trouble));
    }
    if let Some(pct) = state.memory_pct.filter(|p| *p >= MEMORY) {
        warn(format!("memory {pct} % used"));
    }
    // Where forwarding is switched off, the buffer is where records are meant to stay.
    if state.uplink.state == UplinkState::Up
        && state.uplink.forwarding != Some(false)
        && state.replay.done_in_us.is_none()
        && let Some(pending) = state.pending.filter(|n| *n > 0)
        && !standing.iter().any(|a| a.type_id == "buffer.replay_stuck")
        && state.out_milli.is_none_or(|n| n == 0)
    {
        warn(format!("{} records wait though the uplink is up: forward them", grouped(pending)));
    }
    for danger in state
        .dangers
        .iter()
        .filter(|d| !reasons.iter().any(|(_, r)| r.contains(d.as_str())))
        .cloned()
        .collect::<Vec<_>>()
    {
        reasons.push((Verdict::Warning, danger));
    }
    order::by_key(&mut reasons, |(v, _)| std::cmp::Reverse(*v));
    let worst = reasons.first().map(|(v, _)| *v);
    let (verdict, own) = match state.contact {
        Contact::NotAsked => (Verdict::Unknown, Some("nobody has asked yet".to_owned())),
        Contact::Silent | Contact::Refusing => {
            (Verdict::Unknown, Some(format!("{}: {}", state.contact.word(), state.trouble)))
        }
        Contact::Unreadable if worst.is_none() => {
            (Verdict::Unknown, Some(format!("answers, and cannot be read: {}", state.trouble)))
        }
        _ => (worst.unwrap_or(Verdict::Ok), None),
    };
    let mut words: Vec<String> = own.into_iter().chain(reasons.into_iter().map(|(_, r)| r)).collect();
    if words.is_empty()
        && let Some(permille) = state.fill_permille
    {
        words.push(format!("{} full, nothing lost", words::percent(permille)));
    }
    (verdict, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_critical_service_is_critical_and_a_dead_other_one_a_warning() {
        let state = ApplianceState { contact: Contact::Answering, ..ApplianceState::default() };
        let down = |name: &str, severity| AlarmChange {
            type_id: "service.down",
            collector: Some(name.into()),
            qualifier: String::new(),
            raise: Some((severity, "its process is stopped".into())),
        };
        assert_eq!(judge(&state, &[]).0, Verdict::Ok);
        assert_eq!(judge(&state, &[down("telegraf", Severity::Major)]).0, Verdict::Warning);
        let both = [down("telegraf", Severity::Major), down("vector", Severity::Critical)];
        let (verdict, reasons) = judge(&state, &both);
        assert_eq!(verdict, Verdict::Critical);
        assert!(reasons[0].starts_with("vector"), "{reasons:?}");
    }

    #[test]
    fn silence_is_not_known_and_says_so_first() {
        let state =
            ApplianceState { contact: Contact::Silent, trouble: "time-out".into(), ..ApplianceState::default() };
        let (verdict, reasons) = judge(&state, &[]);
        assert_eq!((verdict, reasons[0].as_str()), (Verdict::Unknown, "silent: time-out"));
        assert_eq!(judge(&ApplianceState::default(), &[]).0, Verdict::Unknown);
    }

    #[test]
    fn load_memory_and_waiting_records_need_a_look() {
        let state = ApplianceState {
            contact: Contact::Answering,
            load_milli: Some([9000, 9000, 9000]),
            cpus: Some(2),
            memory_pct: Some(97),
            pending: Some(5),
            uplink: crate::model::appliance::state::Uplink { state: UplinkState::Up, ..Default::default() },
            ..ApplianceState::default()
        };
        let (verdict, reasons) = judge(&state, &[]);
        assert_eq!((verdict, reasons.len()), (Verdict::Warning, 3), "{reasons:?}");
    }
}
