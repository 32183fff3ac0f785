//! What the words mean and what to do first, for somebody who stands before the rack at night.

use crate::theme::Token;
use crate::ui::sections::Block;

const TEXT: &[(&str, &[&str])] = &[
    (
        "Keys",
        &[
            "1 to 7 open a page from everywhere. Up, Down and Enter choose. 0, q or Esc go one level back.",
            "? lists everything that can be done on the page you see. 9 locks the console again.",
        ],
    ),
    (
        "CRITICAL: data is being lost, or will be within hours",
        &[
            "1. Page 1 says why. Is the uplink down (page 5: ping the gateway, then the target)? Mend that first.",
            "2. Is a service stopped (page 3)? Put the cursor on it and press x r. See whether data comes in again.",
            "3. Is the buffer nearly full (page 2)? x f sends what waits; x c deletes what is over its time.",
        ],
    ),
    (
        "WARNING: nothing is lost yet, but something needs a look",
        &[
            "1. Page 1 says what. 2. Page 2: in how long is it full? That is the time you have.",
            "3. Page 6: what was done, and what failed, in the last hours.",
        ],
    ),
    (
        "UNKNOWN: the appliance does not answer, or has not been asked yet",
        &[
            "1. Wait half a minute: its own check of the uplink can hold its answers up for 5 seconds.",
            "2. Page 5, Port: is anything listening on 5005 (buffer) and 5004 (configuration)?",
            "3. Page 6 says what the last calls came back with.",
        ],
    ),
    ("OK", &["Nothing speaks against it. The state is the appliance's own only where nothing better is known."]),
    (
        "Words",
        &[
            "fill: bytes in the buffer against its limit. Full in: when it is full if all goes on as it does.",
            "first loss: when the first record is deleted, by overflow or because it is too old.",
            "records: calls that stored something; one may hold many messages.",
            "public port: where devices send to. Inner port: where the service itself listens, behind a relay.",
            "dead relay: the public port takes data and nobody reads it. It is lost without an error.",
            "stale: the appliance is silent, and what you see is what it told last.",
        ],
    ),
    (
        "Changes",
        &[
            "Everything that changes something shows its plan first, and asks for the PIN where one is set.",
            "There is no power switch here: switching the machine off is not something this console can do.",
        ],
    ),
];

/// The page.
pub(super) fn blocks() -> Vec<Block<'static>> {
    let mut out = Vec::new();
    for (i, (title, lines)) in TEXT.iter().enumerate() {
        if i > 0 {
            out.push(Block::Gap);
        }
        out.push(Block::Title((*title).into()));
        out.extend(lines.iter().map(|line| Block::Words((*line).into(), Token::Text)));
    }
    out
}
