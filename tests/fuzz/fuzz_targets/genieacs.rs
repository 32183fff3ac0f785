//! Answers of a GenieACS: no bytes panic, cuts change nothing, and what is read of a device can be
//! shown.
#![no_main]

use libfuzzer_sys::fuzz_target;
use noctule::controllers::genieacs::device::DeviceDoc;
use noctule::controllers::genieacs::map::{FaultDoc, OperationDoc, cpe, leaves};
use noctule::controllers::genieacs::profile::Profiles;
use noctule::controllers::genieacs::stream::{Documents, Fault};
use noctule::controllers::genieacs::validate;
use noctule::controllers::genieacs::wire::Collection;

fn read(pieces: &[&[u8]]) -> (Vec<DeviceDoc>, Result<(), Fault>) {
    let mut documents = Documents::<DeviceDoc>::with_limit(1 << 16);
    let mut out = Vec::new();
    let mut result = Ok(());
    for piece in pieces {
        result = result.and_then(|()| documents.feed(piece));
        out.extend(std::iter::from_fn(|| documents.next()));
    }
    let result = result.and_then(|()| documents.finish());
    out.extend(std::iter::from_fn(|| documents.next()));
    (out, result)
}

fuzz_target!(|input: (u16, &[u8])| {
    let (at, bytes) = input;
    let (head, tail) = bytes.split_at(usize::from(at) % (bytes.len() + 1));
    let whole = read(&[bytes]);
    assert_eq!(whole, read(&[head, tail]));
    let profiles = Profiles::load(None).expect("the shipped ones");
    for doc in &whole.0 {
        let row = cpe(doc, &profiles);
        assert!(!row.firmware.chars().any(char::is_control));
        let _ = leaves(doc, profiles.of_doc(doc));
    }
    if let Ok(json) = serde_json::from_slice::<serde_json::Value>(bytes) {
        let _ = validate::query(Collection::Devices, &json);
        let _ = validate::query(Collection::Tasks, &json);
        if let Ok(task) = validate::task_of(&json) {
            assert_eq!(validate::task_of(&task.json()).as_ref(), Ok(&task));
        }
        let _ = serde_json::from_value::<FaultDoc>(json.clone()).map(|f| f.summary());
        let _ = serde_json::from_value::<OperationDoc>(json).map(|o| o.tasks());
    }
});
