//! Jobs on the screen: list, detail, devices one level deeper; and what keys do with them.

use crossterm::event::{KeyCode, KeyModifiers};
use noctule::app::effect::{ReportFormat, ReportRequest};
use noctule::app::message::Msg;
use noctule::app::pane::PaneId;
use noctule::app::port::Request;
use noctule::app::state::TerminalAct;
use noctule::model::command::{Outcome, Plan, Targets};
use noctule::model::ids::RowId;
use noctule::model::job::{JobId, Phase};
use noctule::model::page::Table;

use super::each;
use super::harness::Screen;

fn jobs(size: (u16, u16)) -> Screen {
    let mut screen = Screen::small(size);
    screen.pane(PaneId::Cpe);
    screen.keys("J");
    screen
}

#[test]
fn the_list_of_jobs() {
    each("jobs", |s| {
        s.pane(PaneId::Cpe);
        s.keys("J");
    });
}

#[test]
fn a_job_in_detail() {
    each("job_detail", |s| {
        s.pane(PaneId::Cpe);
        s.keys("J enter");
    });
}

#[test]
fn the_devices_of_a_job() {
    each("job_devices", |s| {
        s.pane(PaneId::Cpe);
        s.keys("J d j j");
    });
}

#[test]
fn a_device_of_a_job() {
    each("job_device", |s| {
        s.pane(PaneId::Cpe);
        s.keys("J d enter");
    });
}

#[test]
fn the_fleet_and_the_jobs_each_remember_where_they_were() {
    let mut s = jobs((120, 30));
    assert!(s.grid().contains("Guest WiFi north") && s.grid().contains("HG8245H to C20"), "{}", s.grid());
    s.keys("j j");
    assert!(s.grid().contains("3 of 5"), "{}", s.grid());
    s.keys("J j j j");
    assert!(s.grid().contains("4 of 7"), "{}", s.grid());
    s.keys("J");
    assert!(s.grid().contains("3 of 5"), "{}", s.grid());
    s.keys("J");
    assert!(s.grid().contains("4 of 7"), "{}", s.grid());
}

#[test]
fn enter_goes_deeper_and_esc_comes_back_up() {
    let mut s = jobs((80, 24));
    s.keys("enter");
    assert!(s.grid().contains("Failures by cause"), "{}", s.grid());
    s.keys("enter");
    assert!(s.grid().contains("BBSM00000002") && s.grid().contains("timed-out"), "{}", s.grid());
    s.keys("/ 'state=faulted_wave=2 enter");
    assert!(s.grid().contains("BBSM00000003") && !s.grid().contains("BBSM00000002"), "{}", s.grid());
    s.keys("esc");
    assert!(s.grid().contains("BBSM00000002"), "the filter goes first: {}", s.grid());
    s.keys("esc");
    assert!(s.grid().contains("HG8245H to C20"), "{}", s.grid());
    s.keys("d ! enter");
    assert!(s.grid().contains("BBSM00000002") && !s.grid().contains("BBSM00000005"), "{}", s.grid());
}

#[test]
fn a_job_moves_on_while_it_is_looked_at() {
    let mut s = jobs((200, 50));
    s.keys("d");
    assert!(s.grid().contains("150/400"), "{}", s.grid());
    s.world.jobs[0].counts.ended[0] += 50;
    s.world.jobs[0].counts.waiting -= 50;
    s.world.job_devices[5].state = "changed";
    s.changed();
    assert!(s.grid().contains("200/400"), "{}", s.grid());
    assert!(!s.grid().contains("waiting"), "{}", s.grid());
}

/// What was asked of the workers, and for what.
fn intents(s: &Screen) -> Vec<(&'static str, Targets)> {
    s.intents().into_iter().map(|i| (i.command, i.targets)).collect()
}

#[test]
fn verbs_are_for_the_job_and_say_why_not() {
    let mut s = jobs((120, 30));
    s.keys("x p");
    assert_eq!(intents(&s), [("job.pause", Targets::Rows(Table::Jobs, vec![RowId(1)]))]);
    s.sent.clear();
    s.keys("d j x c");
    assert_eq!(intents(&s), [("job.cancel", Targets::Rows(Table::Jobs, vec![RowId(1)]))], "of its devices too");
    s.sent.clear();
    s.keys("esc x r");
    assert!(s.sent.is_empty() && s.grid().contains("neither paused nor held"), "{}", s.grid());
    s.keys("x y");
    assert!(s.grid().contains("it was no dry run"), "{}", s.grid());
    s.keys("j j j j x p");
    assert!(s.sent.is_empty() && s.grid().contains("the job is through"), "{}", s.grid());
    s.keys("g g x P");
    assert!(s.grid().contains("before all others"), "{}", s.grid());
    s.world.jobs.rotate_left(1);
    s.changed();
    s.keys("enter");
    assert_eq!(intents(&s), [("job.priority", Targets::Rows(Table::Jobs, vec![RowId(1)]))], "whatever moved meanwhile");
}

#[test]
fn a_report_asks_for_its_form_and_its_file() {
    let mut s = jobs((80, 24));
    s.keys("x e enter");
    assert!(s.grid().contains("job-guest-wifi-north-20261120-"), "{}", s.grid());
    s.keys("enter");
    let report = s.sent.iter().find(|r| matches!(r, Request::Report(..)));
    let Some(Request::Report(_, ReportRequest { job, format: ReportFormat::Markdown, path, .. })) = report else {
        panic!("{:?}", s.sent)
    };
    assert_eq!(*job, JobId([1; 16]));
    assert!(path.ends_with(".md"));
}

/// The text that the editor opened with.
fn opened(s: &mut Screen) -> String {
    match s.app.take_acts().pop() {
        Some(TerminalAct::Editor(prompt)) => {
            assert_eq!((prompt.command, prompt.arg), ("cpe.job.create", "request"));
            prompt.initial
        }
        other => panic!("no editor: {other:?}\n{}", s.grid()),
    }
}

/// The editor closes with a text.
fn closed(s: &mut Screen, text: &str) {
    s.app.run("cpe.job.create", [("request".to_owned(), text.to_owned())].into());
    s.keys("");
    s.tell(Msg::Tick(s.now));
}

#[test]
fn a_request_is_written_for_the_filter_or_the_marks() {
    let mut s = Screen::small((120, 30));
    s.pane(PaneId::Cpe);
    s.keys("/ 'model=F670L enter x j");
    let text = opened(&mut s);
    assert!(text.contains("filter = \"model=F670L\"") && text.contains("expected_count = 3"), "{text}");
    assert!(text.contains("source = \"acs-1\""), "{text}");
    closed(&mut s, &text);
    assert!(intents(&s).is_empty() && s.grid().contains("no job is made"), "left as it was: {}", s.grid());
    s.keys("space space x w");
    let text = opened(&mut s);
    assert!(text.contains("devices = [\n  \"00D09E-F670L-") && text.contains("expected_count = 2"), "{text}");
    assert!(text.contains("firmware_file = \"\""), "{text}");
}

const REQUEST: &str = "name = 'x'\nfilter = 'model=F670L'\nexpected_count = 3\n[wifi]\nssid = 'Guest'\n";

#[test]
fn a_wrong_request_is_edited_again_and_nothing_is_lost() {
    let mut s = Screen::small((120, 30));
    s.pane(PaneId::Cpe);
    closed(&mut s, &REQUEST.replace("'Guest'", "''"));
    assert!(s.grid().contains("line 5: wifi.ssid") && s.grid().contains("edit it again"), "{}", s.grid());
    s.keys("enter");
    assert!(opened(&mut s).contains("ssid = ''"));
    // The plan refuses it: again it is kept.
    closed(&mut s, REQUEST);
    let Some(Request::Plan(id, intent)) = s.sent.pop() else { panic!("{:?}", s.sent) };
    assert_eq!(intent.command, "cpe.job.create");
    s.tell(Msg::Planned(id, Err("expected 3 devices, the filter gives 4".into())));
    assert!(s.grid().contains("edit it again"), "{}", s.grid());
    s.keys("esc x j");
    assert!(s.grid().contains("not made into a job yet"), "{}", s.grid());
    s.keys("enter");
    assert_eq!(opened(&mut s), REQUEST);
}

#[test]
fn the_plan_can_be_tried_edited_or_done_and_the_job_is_shown() {
    let mut s = Screen::small((120, 30));
    s.pane(PaneId::Cpe);
    let planned = |s: &mut Screen, type_name| {
        closed(s, REQUEST);
        let Some(Request::Plan(id, _)) = s.sent.pop() else { panic!("{:?}", s.sent) };
        let plan =
            Plan { title: "Configure 3 CPEs".into(), total: 3, phrase: "3".into(), type_name, ..Plan::default() };
        s.tell(Msg::Planned(id, Ok(plan)));
    };
    planned(&mut s, false);
    assert!(s.grid().contains("d dry run") && s.grid().contains("e edit again"), "{}", s.grid());
    s.keys("e");
    assert_eq!(opened(&mut s), REQUEST);
    planned(&mut s, true);
    assert!(s.grid().contains("ctrl-d dry run"), "{}", s.grid());
    s.press(KeyCode::Char('d'), KeyModifiers::CONTROL);
    let Some(Request::Execute(id, intent)) = s.sent.pop() else { panic!("{:?}", s.sent) };
    assert_eq!((intent.command, intent.args["request"].as_str()), ("cpe.job.try", REQUEST));
    let outcome = Outcome {
        command: "cpe.job.try".into(),
        summary: "made job x".into(),
        total: 1,
        done: 1,
        job: Some(JobId([4; 16])),
        ..Outcome::default()
    };
    s.tell(Msg::Done(id, outcome));
    assert!(s.grid().contains("J in the CPE pane shows it"), "{}", s.grid());
    s.keys("J");
    assert!(s.grid().contains("1 of 5"), "{}", s.grid());
}

#[test]
fn a_dry_run_is_done_for_real_with_as_many_devices() {
    let mut s = jobs((200, 50));
    s.keys("j j j x y");
    assert!(s.grid().contains("dry run"), "{}", s.grid());
    let Some(Request::Plan(_, intent)) = s.sent.pop() else { panic!("{:?}\n{}", s.sent, s.grid()) };
    let text = &intent.args["request"];
    assert!(text.contains("expected_count = 5") && !text.contains("dry_run"), "{text}");
    assert!(text.contains("password = \"env:GUEST_KEY\""), "{text}");
}

#[test]
fn a_password_is_asked_for_masked_and_kept_nowhere() {
    let mut s = Screen::small((120, 30));
    s.pane(PaneId::Cpe);
    closed(&mut s, &format!("{REQUEST}password = 'ask'\n"));
    s.keys("'short enter");
    assert!(s.grid().contains("8 to 63"), "{}", s.grid());
    s.keys("'hunter2222");
    assert!(!s.grid().contains("hunter"), "{}", s.grid());
    s.keys("enter");
    let Some(Request::Plan(_, intent)) = s.sent.pop() else { panic!("{:?}", s.sent) };
    assert_eq!(intent.args["secret.wifi.password"], "hunter2222");
    assert!(!format!("{intent:?} {:?}", s.app).contains("hunter"));
    assert!(!intent.args.contains_key("answer"));
    let kept = s.sent.iter().any(|r| matches!(r, Request::Remember { value, .. } if value.contains("hunter")));
    assert!(!kept);
}

#[test]
fn from_a_device_of_a_job_to_the_fleet_and_to_its_onu() {
    let mut s = jobs((120, 30));
    s.keys("d c");
    assert!(s.grid().contains("/serial=\"BBSM00000001\"") && !s.grid().contains("jobs"), "{}", s.grid());
    s.keys("J");
    assert!(s.grid().contains("timed-out"), "still at the devices: {}", s.grid());
    s.keys("o");
    assert!(s.grid().contains("voltha-1") || s.grid().contains("Mill Lane"), "{}", s.grid());
}

#[test]
fn a_lost_owner_is_told() {
    let mut s = jobs((200, 50));
    s.world.jobs[0].lease_until = s.now.plus(-90_000_000);
    s.changed();
    assert!(s.grid().contains("its lease ran out 90s ago"), "{}", s.grid());
    assert_eq!(s.world.jobs[0].phase, Phase::Running);
}

#[test]
fn a_cpe_tells_its_jobs() {
    let mut s = Screen::small((200, 50));
    s.pane(PaneId::Cpe);
    s.keys("/ 'BBSM00000003 enter");
    assert!(s.grid().contains("Jobs with it") && s.grid().contains("Guest WiFi north"), "{}", s.grid());
}
