//! Effects out: commands run, intents pass the gate, requests leave for the workers.

use crate::commands::gate::{self, Decision, Rights};
use crate::commands::spec::Mutates;
use crate::model::command::{Args, Intent, is_private};
use crate::model::page::Table;

use super::effect::{Choose, Effect, Level, Location, Toast};
use super::layers::{
    ChooseLayer, CommandLine, HelpLayer, Layer, LayerCx, MessagesLayer, PaletteLayer, PromptLayer, disabled,
};
use super::pane::PaneId;
use super::port::Request;
use super::state::{App, TerminalAct};

impl App {
    /// Runs a command, as its key, the palette, `:` or another command asks for it.
    pub fn run(&mut self, id: &'static str, args: Args) {
        let Some(spec) = super::registry().get(id) else { return };
        let situation = self.situation();
        if let Some(why) = disabled(spec, &situation) {
            self.toast(Toast::new(Level::Warn, format!("{}: {why}", spec.title)));
            return;
        }
        self.dirty = true;
        if self.run_console(id) || self.run_global(id, &args) {
            return;
        }
        let Some((pane, cx)) = self.pane_mut() else { return };
        let effects = pane.command(id, &args, cx);
        let intended = effects.iter().any(|e| matches!(e, Effect::Intent(_)));
        if spec.mutates != Mutates::Nothing && intended {
            // What holds a secret is not kept for a repetition.
            let private = args.keys().any(|name| is_private(name)) || crate::commands::secrets::holds(id, &args);
            self.last_verb = (!private).then_some((id, args));
        }
        self.apply(effects);
    }

    /// Commands of the kernel itself. Whether `id` was one.
    fn run_global(&mut self, id: &str, args: &Args) -> bool {
        match id {
            "pane.alarms" => self.show_pane(PaneId::Alarms),
            "pane.pon" => self.show_pane(PaneId::Pon),
            "pane.cpe" => self.show_pane(PaneId::Cpe),
            "pane.buffers" => self.show_pane(PaneId::Buffers),
            "diag.open" => {
                let to = Location { pane: PaneId::Diag, row: None, canonical: None, filter: None, below: None };
                self.goto(&to);
                if let Some((pane, cx)) = self.pane_mut() {
                    let effects = pane.command("diag.open", args, cx);
                    self.apply(effects);
                }
            }
            "pane.vms" => self.show_pane(PaneId::Vms),
            "pane.sources" => self.show_pane(PaneId::Sources),
            "pane.log" => self.show_pane(PaneId::Log),
            "pane.next" => self.step_pane(1),
            "pane.previous" => self.step_pane(PaneId::ALL.len() - 1),
            "app.back" => self.go_back(),
            "app.help" => self.open_with(|cx| Box::new(HelpLayer::new(cx))),
            "app.palette" => self.open_with(|cx| Box::new(PaletteLayer::new(cx))),
            "app.command" => self.open_with(|cx| Box::new(CommandLine::new("", cx))),
            "app.undo" => self.undo_last(),
            "app.repeat" => {
                if let Some((id, args)) = self.last_verb.clone() {
                    self.run(id, args);
                }
            }
            "app.messages" => {
                let messages = self.messages.iter().cloned().collect();
                self.open(Box::new(MessagesLayer::new(messages)));
            }
            "app.theme" => self.choose_theme(args),
            "app.redraw" => self.acts.push(TerminalAct::Redraw),
            "app.suspend" => self.acts.push(TerminalAct::Suspend),
            "app.quit" => self.acts.push(TerminalAct::Quit),
            "app.interrupt" => self.interrupt(),
            _ => return false,
        }
        true
    }

    /// Carries one effect out.
    pub(super) fn carry_out(&mut self, effect: Effect) {
        if self.bars(&effect) {
            return;
        }
        match effect {
            Effect::Query(id, request) => self.backend.send(Request::Data(id, request)),
            Effect::Cancel(id) => self.backend.send(Request::Cancel(id)),
            Effect::Intent(intent) => self.gate(intent),
            Effect::Undo(batch) => {
                let id = self.ctx.request_id();
                self.running.insert(id, ("undo".into(), 0, 0));
                self.backend.send(Request::Undo(id, batch));
            }
            Effect::Live(id, request) => self.backend.send(Request::Live(id, request)),
            Effect::Stored(id) => self.backend.send(Request::Stored(id)),
            Effect::Silences(id) => self.backend.send(Request::Silences(id)),
            Effect::Diag(id, request) => self.backend.send(Request::Diag(id, request)),
            Effect::Console(id, request) => self.backend.send(Request::Console(id, request)),
            Effect::DiagExport(request) => {
                let id = self.ctx.request_id();
                self.running.insert(id, (format!("export to {}", request.path), 0, 0));
                self.backend.send(Request::DiagExport(id, request));
            }
            Effect::EditFile(edit) => self.acts.push(TerminalAct::EditFile(edit)),
            Effect::Copy { text, what } => self.acts.push(TerminalAct::Copy { text, what }),
            Effect::Export(request) => {
                let id = self.ctx.request_id();
                self.running.insert(id, (format!("export to {}", request.path), 0, 0));
                self.backend.send(Request::Export(id, request));
            }
            Effect::Report(request) => {
                let id = self.ctx.request_id();
                self.running.insert(id, (format!("report to {}", request.path), 0, 0));
                self.backend.send(Request::Report(id, request));
            }
            Effect::Toast(toast) => self.toast(toast),
            Effect::Prompt(prompt) => {
                let table = self.pane().and_then(|p| p.situation(&self.ctx).table);
                self.open(Box::new(PromptLayer::new(prompt, table)));
            }
            Effect::Inline(prompt, at) => {
                let size = self.ctx.size;
                self.open(Box::new(PromptLayer::inline(prompt, at, size)));
            }
            Effect::Secret(prompt) => self.open(Box::new(PromptLayer::masked(prompt))),
            Effect::Edit(prompt) => self.acts.push(TerminalAct::Editor(prompt)),
            Effect::Choose(choose) => self.open(Box::new(ChooseLayer::new(choose))),
            Effect::Goto(to) => self.goto(&to),
            Effect::SaveView(view) => self.backend.send(Request::SaveView(view)),
            Effect::DropView(view) => self.backend.send(Request::DropView(view)),
            Effect::Run(id, args) => self.run(id, args),
            Effect::Quit => self.acts.push(TerminalAct::Quit),
        }
    }

    /// The gate: nothing that changes anything passes it by.
    fn gate(&mut self, intent: Intent) {
        let Some(spec) = super::registry().get(intent.command) else { return };
        let cut_off = self.ctx.cut_off.as_deref();
        let rights = Rights { profile: &self.ctx.profile, read_only: self.ctx.read_only, cut_off, bar: self.bar() };
        match gate::decide(spec, &intent.targets, rights) {
            Decision::Refuse(why) => {
                self.toast(Toast::new(Level::Warn, why.clone()));
                self.not_run(intent.command, Some(why));
            }
            Decision::Run => self.execute(intent),
            Decision::AskPin => self.ask_pin_for(intent),
            Decision::Ask(level) => {
                let id = self.ctx.request_id();
                self.planning.insert(id, (intent.clone(), level));
                self.backend.send(Request::Plan(id, intent));
            }
        }
    }

    /// Runs an intent that has passed the gate.
    pub(super) fn execute(&mut self, intent: Intent) {
        let id = self.ctx.request_id();
        self.running.insert(id, (intent.command.to_owned(), 0, 0));
        self.backend.send(Request::Execute(id, intent));
    }

    pub(super) fn open(&mut self, layer: Box<dyn Layer>) {
        if self.settings.linear {
            self.lines.extend(layer.linear());
        }
        self.layers.push(layer);
        self.dirty = true;
    }

    fn open_with(&mut self, make: impl FnOnce(&LayerCx<'_>) -> Box<dyn Layer>) {
        let contexts = self.contexts();
        let situation = self.situation();
        let layer = make(&LayerCx {
            registry: super::registry(),
            keymap: &self.keymap,
            contexts: &contexts,
            situation: &situation,
            history: &mut self.history,
        });
        self.open(layer);
    }

    pub(super) fn show_pane(&mut self, id: PaneId) {
        if self.ctx.active != id {
            self.ctx.active = id;
            self.show_active();
        }
    }

    fn step_pane(&mut self, by: usize) {
        let at = PaneId::ALL.iter().position(|p| *p == self.ctx.active).unwrap_or(0);
        if let Some(id) = PaneId::ALL.get((at + by) % PaneId::ALL.len()) {
            self.show_pane(*id);
        }
    }

    pub(super) fn goto(&mut self, to: &Location) {
        self.back.push(Location { pane: self.ctx.active, row: None, canonical: None, filter: None, below: None });
        if self.back.len() > 50 {
            self.back.remove(0);
        }
        self.ctx.active = to.pane;
        self.show_active();
        if let Some((pane, cx)) = self.pane_mut() {
            let effects = pane.goto(to, cx);
            self.apply(effects);
        }
    }

    fn go_back(&mut self) {
        match self.back.pop() {
            Some(place) => self.show_pane(place.pane),
            None => self.toast(Toast::new(Level::Info, "no jump to go back from")),
        }
    }

    fn undo_last(&mut self) {
        if let Some(last) = self.undo.pop() {
            self.carry_out(Effect::Undo(last.batch));
        }
    }

    fn interrupt(&mut self) {
        if !self.pending.is_empty() {
            self.pending.clear();
            self.which_key_at = None;
        } else if self.interrupted.is_some_and(|at| self.ctx.now.since(at) < crate::model::time::SECOND) {
            self.acts.push(TerminalAct::Quit);
        } else {
            self.interrupted = Some(self.ctx.now);
            self.toast(Toast::new(Level::Info, "press Ctrl-C again to leave noctule"));
        }
    }

    fn choose_theme(&mut self, args: &Args) {
        if let Some(name) = args.get("name") {
            match (self.settings.load_theme)(name) {
                Ok(theme) => {
                    self.theme = theme;
                    self.theme_before = None;
                    self.backend
                        .send(Request::Remember { key: "theme".into(), value: serde_json::json!(name).to_string() });
                }
                Err(why) => self.toast(Toast::new(Level::Error, why)),
            }
            return;
        }
        let themes = (self.settings.themes)();
        let selected = themes.iter().position(|t| *t == self.theme.name).unwrap_or(0);
        let items = themes.into_iter().map(|t| (t, String::new())).collect();
        self.carry_out(Effect::Choose(Choose {
            title: "Theme".into(),
            items,
            selected,
            command: "app.theme",
            arg: "name",
            args: Args::new(),
        }));
    }

    /// The theme in use may have been written anew: the one that was chosen, not one only looked at.
    pub(super) fn reload_theme(&mut self) {
        let used = self.theme_before.as_mut().unwrap_or(&mut self.theme);
        match (self.settings.load_theme)(&used.name) {
            Ok(theme) if theme == *used => {}
            Ok(theme) => {
                *used = theme;
                self.dirty = true;
            }
            Err(why) => self.toast(Toast::new(Level::Error, format!("theme left as it was: {why}"))),
        }
    }

    pub(super) fn preview_theme(&mut self, name: Option<&str>) {
        let before = self.theme_before.take().unwrap_or_else(|| self.theme.clone());
        self.theme = name.and_then(|n| (self.settings.load_theme)(n).ok()).unwrap_or_else(|| before.clone());
        self.theme_before = name.map(|_| before);
        self.dirty = true;
    }

    pub(super) fn keep_history(&mut self) {
        if let Ok(value) = serde_json::to_string(&self.history) {
            self.backend.send(Request::Remember { key: "history".into(), value });
        }
    }

    /// The table of the pane at the front.
    #[must_use]
    pub fn table(&self) -> Option<Table> {
        self.pane().and_then(|p| p.situation(&self.ctx).table)
    }
}
