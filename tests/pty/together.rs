//! Two consoles on one cache: the second one changes things through the first, and goes on when the
//! first is gone.

use super::lab::Lab;

#[test]
fn a_second_console_does_what_the_first_can_and_takes_over_from_it() {
    let lab = Lab::configured("");
    let first = lab.watching();
    let mut second = lab.start();
    second.wait_for(&format!("attached to {}", first.pid()));
    second.wait_for("UNACK");
    second.send("a");
    second.wait_for("acknowledged 1 alarm");
    second.wait_for("ACKED");
    first.wait_for(&format!("anna (process {}): acknowledged 1 alarm", second.pid()));
    first.wait_for("ACKED");
    second.send("u");
    second.wait("the alarm as it was", |s| !s.contains("ACKED"));

    first.signal("KILL");
    second.wait_for(&format!("process {} has ended: this one owns the cache now", first.pid()));
    second.wait("nobody it is attached to", |s| !s.contains("attached to"));
    second.send("a");
    second.wait_for("ACKED");
    let third = lab.start();
    third.wait_for(&format!("attached to {}", second.pid()));
    let gone = second.pid();
    second.send("q");
    assert_eq!(second.exit(), 0);
    third.wait_for(&format!("process {gone} has ended: this one owns the cache now"));
    let (log, _) = lab.noctule(&["log", "--ndjson", "--filter", "kind=action"]);
    let verbs = ["\"what\":\"ack\"", "\"what\":\"undo\""].map(|verb| log.matches(verb).count());
    assert_eq!(verbs, [2, 1], "all of it is in the history:\n{log}");
}
