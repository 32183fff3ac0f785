//! The kernel against a pane and workers that only write down what they are asked.

use std::cell::RefCell;
use std::rc::Rc;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::Rect;

use super::ctx::{Ctx, ViewCtx};
use super::effect::{Effect, Location};
use super::message::Msg;
use super::pane::{Pane, PaneId};
use super::port::{Backend, Request};
use super::state::{App, Settings, TerminalAct};
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::keymap::Keymap;
use crate::model::command::{Args, Intent, Outcome, Plan, Targets};
use crate::model::ids::{ActionId, RowId};
use crate::model::page::Table;
use crate::model::time::{SECOND, Ts};
use crate::theme::{Glyphs, Theme};

/// Requests the kernel sent.
type Sent = Rc<RefCell<Vec<Request>>>;

struct Workers(Sent);

impl Backend for Workers {
    fn send(&mut self, request: Request) {
        self.0.borrow_mut().push(request);
    }
}

/// A pane with `rows` rows marked; every command becomes an intent on them.
struct Listed {
    id: PaneId,
    rows: Vec<RowId>,
    seen: Rc<RefCell<Vec<String>>>,
}

impl Pane for Listed {
    fn id(&self) -> PaneId {
        self.id
    }
    fn update(&mut self, _: &Msg, _: &Ctx) -> Vec<Effect> {
        Vec::new()
    }
    fn shown(&mut self, _: u16, _: &Ctx) -> Vec<Effect> {
        self.seen.borrow_mut().push(format!("{:?} shown", self.id));
        Vec::new()
    }
    fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        self.seen.borrow_mut().push(id.to_owned());
        vec![Effect::Intent(Intent {
            command: id,
            targets: Targets::Rows(Table::Alarms, self.rows.clone()),
            args: args.clone(),
            actor: cx.operator.to_string(),
        })]
    }
    fn goto(&mut self, _: &Location, _: &Ctx) -> Vec<Effect> {
        Vec::new()
    }
    fn mouse(&mut self, _: (u16, u16), _: i16, _: bool, _: &Ctx) -> Vec<Effect> {
        Vec::new()
    }
    fn situation(&self, _: &Ctx) -> Situation {
        Situation {
            table: Some(Table::Alarms),
            has_cursor: true,
            node_kind: Some("onu"),
            admin_state: Some("enabled".into()),
            ..Situation::default()
        }
    }
    fn contexts(&self) -> Vec<Context> {
        vec![Context::Alarms, Context::List]
    }
    fn view(&self, _: &mut Frame<'_>, _: Rect, _: &ViewCtx<'_>) {}
    fn crumbs(&self) -> Vec<String> {
        Vec::new()
    }
    fn commands(&self) -> &'static [CommandSpec] {
        &[]
    }
    fn linear(&mut self, _: &Msg, _: &Ctx) -> Vec<String> {
        Vec::new()
    }
    fn session(&self) -> serde_json::Value {
        serde_json::Value::Null
    }
    fn restore(&mut self, _: &serde_json::Value) {}
}

struct Bench {
    app: App,
    sent: Sent,
    seen: Rc<RefCell<Vec<String>>>,
    now: Ts,
}

impl Bench {
    fn new(rows: &[i64], read_only: bool) -> Self {
        let (sent, seen): (Sent, _) = (Sent::default(), Rc::new(RefCell::new(Vec::new())));
        let now = Ts(1_795_186_238 * SECOND);
        let mut ctx = Ctx::new(now);
        ctx.read_only = read_only;
        let pane = |id| -> Box<dyn Pane> {
            Box::new(Listed { id, rows: rows.iter().copied().map(RowId).collect(), seen: Rc::clone(&seen) })
        };
        let settings = Settings {
            themes: Rc::new(|| vec!["probe".into()]),
            load_theme: Rc::new(|_| Ok(Theme::probe())),
            clock: false,
            which_key: SECOND / 5,
            linear: false,
            drafts: std::env::temp_dir(),
        };
        let keymap = Keymap::build(super::registry().specs(), None).unwrap();
        let panes = PaneId::ALL.into_iter().map(pane).collect();
        let app = App::new(
            ctx,
            Theme::probe(),
            Glyphs::UNICODE,
            keymap,
            panes,
            Box::new(Workers(Rc::clone(&sent))),
            settings,
        );
        Self { app, sent, seen, now }
    }

    fn msg(&mut self, msg: &Msg) {
        self.app.on(msg, self.now);
    }

    fn key(&mut self, code: KeyCode) {
        self.msg(&Msg::Input(Event::Key(KeyEvent::new(code, KeyModifiers::NONE))));
    }

    fn typed(&mut self, text: &str) {
        for c in text.chars() {
            self.key(KeyCode::Char(c));
        }
    }

    fn take(&self) -> Vec<Request> {
        self.sent.borrow_mut().drain(..).collect()
    }

    fn last_message(&self) -> String {
        self.app.messages.front().map(|(_, t)| t.text.clone()).unwrap_or_default()
    }
}

#[test]
fn one_row_runs_at_once_and_can_be_taken_back_and_repeated() {
    let mut b = Bench::new(&[7], false);
    b.app.run("alarm.ack", Args::new());
    let Some(Request::Execute(id, intent)) = b.take().pop() else { panic!("not executed") };
    assert_eq!(intent.command, "alarm.ack");
    let batch = ActionId([9; 16]);
    let outcome =
        Outcome { summary: "acknowledged 1 alarm".into(), total: 1, done: 1, undo: Some(batch), ..Outcome::default() };
    assert!(b.app.is_busy());
    b.msg(&Msg::Done(id, outcome));
    assert!(!b.app.is_busy());
    assert!(b.last_message().contains("undoes"), "{}", b.last_message());
    b.key(KeyCode::Char('.'));
    assert!(matches!(b.take().as_slice(), [Request::Execute(_, again)] if again.command == "alarm.ack"));
    b.key(KeyCode::Char('u'));
    assert!(matches!(b.take().as_slice(), [Request::Undo(_, of)] if *of == batch));
    b.key(KeyCode::Char('u'));
    assert!(b.take().is_empty());
    assert!(b.last_message().contains("nothing to undo"), "{}", b.last_message());
}

#[test]
fn several_rows_are_planned_and_asked_about_first() {
    let mut b = Bench::new(&[1, 2, 3], false);
    b.app.run("alarm.ack", Args::new());
    let Some(Request::Plan(id, _)) = b.take().pop() else { panic!("not planned") };
    b.msg(&Msg::Planned(id, Ok(Plan { title: "Acknowledge 3 alarms".into(), total: 3, ..Plan::default() })));
    b.key(KeyCode::Char('n'));
    assert!(b.take().is_empty(), "n does nothing");
    b.app.run("alarm.ack", Args::new());
    let Some(Request::Plan(id, _)) = b.take().pop() else { panic!("not planned") };
    b.msg(&Msg::Planned(id, Ok(Plan { total: 3, ..Plan::default() })));
    b.key(KeyCode::Char('y'));
    assert!(matches!(b.take().as_slice(), [Request::Execute(..)]));
}

#[test]
fn a_name_that_has_to_be_typed_cannot_be_pasted_or_answered_with_y() {
    let mut b = Bench::new(&[1], false);
    // A reboot asks y or n, but the plan knows that it is an OLT's.
    b.app.run("pon.reboot", Args::new());
    let Some(Request::Plan(id, _)) = b.take().pop() else { panic!("not planned") };
    b.msg(&Msg::Planned(id, Ok(Plan { total: 1, phrase: "OLT1".into(), type_name: true, ..Plan::default() })));
    b.key(KeyCode::Char('y'));
    b.key(KeyCode::Backspace);
    b.msg(&Msg::Input(Event::Paste("OLT1".into())));
    b.key(KeyCode::Enter);
    assert!(b.take().is_empty());
    b.typed("OLT1");
    b.key(KeyCode::Enter);
    assert!(matches!(b.take().as_slice(), [Request::Execute(_, i)] if i.command == "pon.reboot"));
}

#[test]
fn only_the_rows_that_were_planned_are_touched() {
    let mut b = Bench::new(&[1], false);
    b.app.run("pon.reboot", Args::new());
    let Some(Request::Plan(id, _)) = b.take().pop() else { panic!("not planned") };
    let rows = vec![RowId(7), RowId(8)];
    b.msg(&Msg::Planned(id, Ok(Plan { total: 2, rows: Some(rows.clone()), ..Plan::default() })));
    b.key(KeyCode::Char('y'));
    let sent = b.take();
    let [Request::Execute(_, intent)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(intent.targets, Targets::Rows(Table::Nodes, rows), "a filter is not asked again");
}

#[test]
fn what_was_read_for_the_plan_is_what_is_done() {
    let mut b = Bench::new(&[1], false);
    b.app.run("pon.reboot", Args::new());
    let Some(Request::Plan(id, _)) = b.take().pop() else { panic!("not planned") };
    let args: Args = [("xml".to_owned(), "<domain/>".to_owned())].into();
    b.msg(&Msg::Planned(id, Ok(Plan { total: 1, args: Some(args.clone()), ..Plan::default() })));
    b.key(KeyCode::Char('y'));
    let sent = b.take();
    assert!(matches!(sent.as_slice(), [Request::Execute(_, intent)] if intent.args == args), "{sent:?}");
}

#[test]
fn a_plan_that_touches_nothing_is_left_by_any_answer() {
    for answer in [KeyCode::Char('y'), KeyCode::Char('n'), KeyCode::Enter, KeyCode::Esc] {
        let mut b = Bench::new(&[1], false);
        b.app.run("pon.reboot", Args::new());
        let Some(Request::Plan(id, _)) = b.take().pop() else { panic!("not planned") };
        let skipped = vec![("no such device".to_owned(), 1)];
        b.msg(&Msg::Planned(id, Ok(Plan { skipped, phrase: "0".into(), type_name: true, ..Plan::default() })));
        let shown = b.app.layers.len();
        b.key(answer);
        assert!(b.take().is_empty(), "{answer:?}");
        assert_eq!(b.app.layers.len() + 1, shown, "{answer:?} leaves it");
    }
}

#[test]
fn a_read_only_profile_refuses_with_the_reason() {
    let mut b = Bench::new(&[1], true);
    b.app.run("alarm.ack", Args::new());
    assert!(b.take().is_empty());
    assert!(b.last_message().contains("read-only"), "{}", b.last_message());
}

#[test]
fn the_topmost_overlay_gets_the_keys_and_esc_closes_only_it() {
    let mut b = Bench::new(&[1], false);
    b.key(KeyCode::Char('?'));
    b.key(KeyCode::Char('2'));
    assert_eq!(b.app.active(), PaneId::Alarms, "typed into the help, not a pane key");
    b.key(KeyCode::Esc);
    b.key(KeyCode::Char('2'));
    assert_eq!(b.app.active(), PaneId::Pon);
    assert!(b.seen.borrow().contains(&"Pon shown".to_owned()));
}

#[test]
fn a_typed_command_runs_and_a_wrong_one_stays_to_be_mended() {
    let mut b = Bench::new(&[1], false);
    b.key(KeyCode::Char(':'));
    b.typed("pane.pno");
    b.key(KeyCode::Enter);
    assert_eq!(b.app.active(), PaneId::Alarms);
    assert_eq!(b.app.layers.len(), 1, "the line stays");
    b.key(KeyCode::Backspace);
    b.key(KeyCode::Backspace);
    b.typed("on");
    b.key(KeyCode::Enter);
    assert_eq!(b.app.active(), PaneId::Pon);
    assert!(b.take().iter().any(|r| matches!(r, Request::Remember { key, .. } if key == "history")));
}

#[test]
fn messages_go_by_themselves_and_are_kept() {
    let mut b = Bench::new(&[1], false);
    b.msg(&Msg::WorkerDown { name: "poll".into(), reason: "index".into(), restart_ms: Some(500) });
    let until = b.app.next_tick().unwrap();
    b.now = until;
    b.msg(&Msg::Tick(until));
    assert!(b.app.toasts.is_empty());
    assert_eq!(b.app.next_tick(), None, "nothing moves by itself any more");
    b.key(KeyCode::Char('M'));
    assert_eq!(b.app.layers.len(), 1);
}

#[test]
fn ctrl_c_leaves_only_when_pressed_twice() {
    let mut b = Bench::new(&[1], false);
    let ctrl_c = Msg::Input(Event::Key(KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)));
    b.msg(&ctrl_c);
    assert!(b.app.take_acts().is_empty());
    b.msg(&ctrl_c);
    assert_eq!(b.app.take_acts(), [TerminalAct::Quit]);
}
