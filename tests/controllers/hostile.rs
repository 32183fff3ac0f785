//! Bytes that nobody meant to send.

use noctule::controllers::voltha::map::{Directory, message};
use noctule::controllers::voltha::proto::event;
use noctule::model::observation::Observation;
use proptest::prelude::*;
use prost::Message;

use crate::events::{recorded, types};

#[test]
fn a_tombstone_only_moves_the_offset() {
    let decoded = message(None, &types(), &mut Directory::default());
    assert_eq!(decoded.what, [Observation::Skipped]);
}

#[test]
fn what_is_no_event_is_kept_for_a_bug_report() {
    for bytes in [&b""[..], b"{\"json\":1}", &[0xff; 4000]] {
        let decoded = message(Some(bytes), &types(), &mut Directory::default());
        let [Observation::Unreadable(unreadable)] = decoded.what.as_slice() else { panic!("{decoded:?}") };
        assert_eq!(unreadable.len as usize, bytes.len());
        assert_eq!(unreadable.head, bytes.get(..bytes.len().min(512)).expect("a head"));
        assert!(!unreadable.reason.is_empty());
    }
}

#[test]
fn escape_sequences_in_a_serial_number_do_not_survive() {
    let context = [("serial-number", "BB\u{1b}[2J\u{7}SM\u{202e}1"), ("onu-id", "1"), ("onu-device-id", "x")];
    let body = event::DeviceEvent {
        device_event_name: "ONU_LOSS_OF_SIGNAL_RAISE_EVENT".into(),
        context: context.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        ..Default::default()
    };
    let event = event::Event { header: None, event_type: Some(event::event::EventType::DeviceEvent(body)) };
    let decoded = message(Some(&event.encode_to_vec()), &types(), &mut Directory::default());
    let [Observation::Alarm(alarm)] = decoded.what.as_slice() else { panic!("{decoded:?}") };
    assert!(alarm.resource.name.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{:?}", alarm.resource.name);
}

#[test]
fn endless_names_are_cut() {
    let body = event::DeviceEvent {
        device_event_name: format!("ONU_{}_RAISE_EVENT", "X".repeat(1 << 20)),
        context: [("serial-number".to_owned(), "é".repeat(1 << 16)), ("blob".to_owned(), "ü".repeat(1 << 20))].into(),
        ..Default::default()
    };
    let event = event::Event { header: None, event_type: Some(event::event::EventType::DeviceEvent(body)) };
    let decoded = message(Some(&event.encode_to_vec()), &types(), &mut Directory::default());
    let [Observation::Alarm(alarm)] = decoded.what.as_slice() else { panic!("{decoded:?}") };
    assert!(alarm.resource.name.len() <= 256 && alarm.type_id.len() <= 80 && alarm.event.len() <= 256);
    assert!(alarm.context.iter().all(|(_, v)| v.len() <= 4096));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Truncated anywhere, flipped anywhere, spliced: always an answer, never a panic.
    #[test]
    fn mutated_frames_never_panic(
        pick in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        splice in any::<bool>(),
    ) {
        let all = frames();
        let mut bytes = all[pick.index(all.len())].clone();
        if splice {
            bytes.extend_from_slice(&all[other.index(all.len())]);
        }
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] ^= value;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        let decoded = message(Some(&bytes), &types(), &mut Directory::default());
        prop_assert!(!decoded.what.is_empty());
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(!message(Some(&bytes), &types(), &mut Directory::default()).what.is_empty());
    }
}

fn frames() -> &'static [Vec<u8>] {
    static FRAMES: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    FRAMES.get_or_init(recorded)
}
