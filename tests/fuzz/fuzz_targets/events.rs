//! VOLTHA's event stream: no bytes panic, a message always says something, no text in it can act
//! on a terminal, and what it says survives the journal's encoding.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use noctule::config::alarm_types;
use noctule::controllers::voltha::map::{Directory, TypeIndex, message};
use noctule::model::observation::Observation;

static TYPES: LazyLock<TypeIndex> =
    LazyLock::new(|| TypeIndex::new(&alarm_types::load(None).expect("the shipped alarm types")));

fuzz_target!(|bytes: &[u8]| {
    let mut directory = Directory::default();
    let decoded = message(Some(bytes), &TYPES, &mut directory);
    assert!(!decoded.what.is_empty());
    for what in decoded.what {
        if let Observation::Alarm(alarm) = &what {
            assert!(!alarm.text.chars().any(char::is_control), "{:?}", alarm.text);
            assert!(!alarm.resource.name.chars().any(char::is_control), "{:?}", alarm.resource);
        }
        let stored = minicbor::to_vec(&what).expect("an observation has a disk form");
        assert_eq!(minicbor::decode::<Observation>(&stored).expect("and is read back"), what);
    }
});
