//! One console and nothing else: what `noctule console` shows. There is no list to go back to: leaving
//! the console, or closing it, ends the program.

use crossterm::event::KeyEvent;
use ratatui::Frame;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Location};
use crate::app::message::Msg;
use crate::app::pane::{Pane, PaneId};
use crate::commands::spec::{CommandSpec, Context, Situation};
use crate::model::command::Args;
use crate::model::console::ConsoleTarget;

use super::commands;
use super::console::Consoles;

/// The pane of one console.
#[derive(Debug)]
pub struct OnlyConsole {
    consoles: Consoles,
    /// The console, until it is asked for.
    first: Option<ConsoleTarget>,
}

impl OnlyConsole {
    /// The pane of that console; it is opened when the pane is first shown.
    #[must_use]
    pub fn new(target: ConsoleTarget) -> Self {
        Self { consoles: Consoles::default(), first: Some(target) }
    }

    /// Ends the program where the console was left.
    fn or_end(&self, mut effects: Vec<Effect>) -> Vec<Effect> {
        if self.first.is_none() && !self.consoles.is_shown() {
            effects.push(Effect::Quit);
        }
        effects
    }
}

impl Pane for OnlyConsole {
    fn id(&self) -> PaneId {
        PaneId::Vms
    }

    fn update(&mut self, msg: &Msg, _: &Ctx) -> Vec<Effect> {
        let mut effects = self.consoles.picked(msg);
        if let Msg::Console(id, news) = msg {
            // There is nothing else to look at.
            effects.extend(self.consoles.news(*id, news, true));
        }
        effects
    }

    fn shown(&mut self, _: u16, cx: &Ctx) -> Vec<Effect> {
        self.first.take().map_or_else(Vec::new, |target| self.consoles.open(target, cx))
    }

    fn command(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let effects = self.consoles.command(id, args, cx).unwrap_or_default();
        self.or_end(effects)
    }

    fn captures(&self) -> bool {
        self.consoles.is_shown()
    }

    fn key(&mut self, key: &KeyEvent, _: &Ctx) -> Vec<Effect> {
        let effects = self.consoles.key(key);
        self.or_end(effects)
    }

    fn paste(&mut self, text: &str, _: &Ctx) -> Vec<Effect> {
        self.consoles.paste(text)
    }

    fn goto(&mut self, _: &Location, _: &Ctx) -> Vec<Effect> {
        Vec::new()
    }

    fn mouse(&mut self, at: (u16, u16), lines: i16, double: bool, _: &Ctx) -> Vec<Effect> {
        self.consoles.mouse(at, lines, double)
    }

    fn situation(&self, _: &Ctx) -> Situation {
        Situation::default()
    }

    fn contexts(&self) -> Vec<Context> {
        vec![Context::Terminal]
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        self.consoles.draw(frame.buffer_mut(), area, cx);
    }

    fn crumbs(&self) -> Vec<String> {
        self.consoles.crumbs()
    }

    fn commands(&self) -> &'static [CommandSpec] {
        commands::VMS
    }

    fn linear(&mut self, _: &Msg, _: &Ctx) -> Vec<String> {
        Vec::new()
    }

    fn session(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn restore(&mut self, _: &serde_json::Value) {}
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::*;
    use crate::app::effect::ConsoleRequest;
    use crate::model::console::{ConsoleId, ConsoleKind, ConsoleNews, ConsolePhase};
    use crate::model::time::Ts;

    fn opened() -> (OnlyConsole, Ctx, ConsoleId) {
        let target = ConsoleTarget {
            source: "kvm-a".into(),
            uuid: "u".into(),
            name: "web-1".into(),
            kind: ConsoleKind::Serial,
            device: String::new(),
        };
        let mut cx = Ctx::new(Ts(0));
        cx.solo = true;
        let mut pane = OnlyConsole::new(target.clone());
        let effects = pane.shown(23, &cx);
        let [Effect::Console(id, ConsoleRequest::Open { target: asked, view_only: false })] = effects.as_slice() else {
            panic!("{effects:?}");
        };
        assert_eq!(*asked, target);
        let id = *id;
        assert!(pane.shown(40, &cx).is_empty(), "another size opens it no second time");
        (pane, cx, id)
    }

    fn press(pane: &mut OnlyConsole, code: KeyCode, cx: &Ctx) -> Vec<Effect> {
        pane.key(&KeyEvent::new(code, KeyModifiers::NONE), cx)
    }

    #[test]
    fn leaving_and_closing_end_the_program() {
        let (mut pane, cx, _) = opened();
        assert_eq!(pane.command("console.leave", &Args::new(), &cx), [Effect::Quit]);
        let (mut pane, cx, id) = opened();
        let closed = [Effect::Console(id, ConsoleRequest::Close), Effect::Quit];
        assert_eq!(pane.command("console.close", &Args::new(), &cx), closed);
        let (mut pane, cx, _) = opened();
        pane.command("console.wall", &Args::new(), &cx);
        assert!(press(&mut pane, KeyCode::Enter, &cx).is_empty(), "the wall leads back to the console");
        pane.command("console.wall", &Args::new(), &cx);
        assert_eq!(press(&mut pane, KeyCode::Esc, &cx), [Effect::Quit]);
    }

    #[test]
    fn keys_are_the_guests_while_it_is_open_and_esc_leaves_one_that_has_ended() {
        let (mut pane, cx, id) = opened();
        pane.update(&Msg::Console(id, ConsoleNews::Phase(ConsolePhase::Open)), &cx);
        let sent = press(&mut pane, KeyCode::Esc, &cx);
        assert!(matches!(sent.as_slice(), [Effect::Console(_, ConsoleRequest::Key(_))]), "{sent:?}");
        pane.update(&Msg::Console(id, ConsoleNews::Phase(ConsolePhase::Ended("shut down".into()))), &cx);
        let again = press(&mut pane, KeyCode::Enter, &cx);
        assert!(matches!(again.as_slice(), [Effect::Console(_, ConsoleRequest::Open { .. })]), "{again:?}");
        assert_eq!(press(&mut pane, KeyCode::Esc, &cx).last(), Some(&Effect::Quit));
    }
}
