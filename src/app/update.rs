//! Messages in: what each of them changes.

use std::sync::Arc;

use crossterm::event::{Event, KeyEvent, KeyEventKind, MouseButton, MouseEvent, MouseEventKind};

use crate::commands::spec::Confirm;
use crate::keymap::{Chord, Lookup};
use crate::model::command::{Args, Outcome, Targets};
use crate::model::ids::SourceName;
use crate::model::page::{RequestId, Table};
use crate::model::source::Health;
use crate::model::time::{SECOND, Ts};

use super::effect::{Effect, Level, Toast};
use super::layers::{Act, LayerCx, Reply};
use super::message::{Msg, OwnerNews};
use super::pane::Pane;
use super::port::Backend;
use super::state::{App, BANNER, TerminalAct, Undoable};

impl App {
    /// Takes a message in, at the instant `now`.
    pub fn on(&mut self, msg: &Msg, now: Ts) {
        self.ctx.now = now;
        match msg {
            Msg::Input(event) => return self.input(event),
            Msg::Tick(_) => return self.tick(now),
            Msg::Changed(generations) => self.ctx.generations = *generations,
            Msg::Counts(counts) => {
                self.dirty |= self.ctx.counts != *counts;
                self.ctx.counts = *counts;
            }
            // Until the first report is journalled the configured ones stand as "starting".
            Msg::Sources(sources) if sources.is_empty() => {}
            Msg::Sources(sources) => {
                self.ctx.sources = sources.clone();
                // That its list was rebuilt is no news any more once the source itself is away.
                let down = |name: &SourceName| {
                    sources
                        .iter()
                        .any(|s| s.name == *name && matches!(s.report.health, Health::Down | Health::Degraded))
                };
                self.banner.take_if(|(_, source, _)| down(source));
                self.dirty = true;
            }
            Msg::Unsaved(why) => self.unsaved(why.as_ref()),
            Msg::Planned(id, plan) => self.planned(*id, plan.clone()),
            Msg::Progress(id, done, total) => {
                if let Some(running) = self.running.get_mut(id) {
                    (running.1, running.2) = (*done, *total);
                    self.dirty = true;
                }
            }
            Msg::Done(id, outcome) => self.done(*id, outcome),
            Msg::Rebuilt { source, added, removed } => {
                let text = format!("{source}: list rebuilt +{added} -{removed}");
                self.banner = Some((now.plus(BANNER), source.clone(), text.clone()));
                self.toast(Toast::new(Level::Info, text));
            }
            Msg::WorkerDown { name, reason, restart_ms } => self.worker_down(name, reason, *restart_ms),
            Msg::Toast(toast) => self.toast(toast.clone()),
            Msg::Owner(news) => self.owner(news),
            Msg::ThemeFiles => self.reload_theme(),
            Msg::Terminate { .. } => self.acts.push(TerminalAct::Quit),
            Msg::Resumed => self.acts.push(TerminalAct::Redraw),
            // News of a pane that is not shown change nothing on the screen, but they are rare enough.
            Msg::Data(..)
            | Msg::Live(..)
            | Msg::Stored(..)
            | Msg::Silences(..)
            | Msg::Diag(..)
            | Msg::Console(..)
            | Msg::Host(_)
            | Msg::NotRun { .. }
            | Msg::Views(_) => self.dirty = true,
        }
        self.tell_panes(msg);
    }

    /// Tells the panes that an intent is not run, so that none of them waits for its outcome.
    pub(super) fn not_run(&mut self, command: &str, why: Option<String>) {
        self.tell_panes(&Msg::NotRun { command: command.to_owned(), why });
        self.dirty = true;
    }

    fn unsaved(&mut self, why: Option<&Arc<str>>) {
        match (why, &self.ctx.unsaved) {
            (Some(why), _) => self.toast(Toast::new(Level::Error, why.to_string())),
            (None, Some(_)) => self.toast(Toast::new(Level::Good, "the cache is written again")),
            (None, None) => {}
        }
        self.ctx.unsaved = why.cloned();
        self.dirty = true;
    }

    fn owner(&mut self, news: &OwnerNews) {
        match news {
            OwnerNews::Answers(pid) => {
                if self.ctx.cut_off.take().is_some() {
                    self.toast(Toast::new(Level::Good, format!("process {pid}, which owns the cache, answers again")));
                }
                self.ctx.attached = Some(*pid);
            }
            OwnerNews::Silent(why) => {
                self.toast(Toast::new(Level::Warn, format!("nothing can be changed here: {why}")));
                self.ctx.cut_off = Some(Arc::clone(why));
            }
            OwnerNews::Gone => {
                self.ctx.cut_off = Some("the noctule that owned this cache has ended".into());
                self.acts.push(TerminalAct::TakeOver);
            }
        }
        self.dirty = true;
    }

    /// The process that owned the cache has ended, and the workers are new: ours when `attached` is
    /// `None`, else those of the process that was faster.
    pub fn reattach(&mut self, backend: Box<dyn Backend>, attached: Option<u32>) {
        let before = self.ctx.attached;
        self.backend = backend;
        (self.ctx.attached, self.ctx.cut_off) = (attached, None);
        for (_, (intent, _)) in std::mem::take(&mut self.planning) {
            self.not_run(intent.command, Some("the process that was to plan it has ended".to_owned()));
        }
        for (_, (what, ..)) in std::mem::take(&mut self.running) {
            let why = "the process that ran it has ended; what it had done is in the log";
            self.toast(Toast::new(Level::Error, format!("{what}: {why}")));
            self.not_run(&what, Some(why.to_owned()));
        }
        let gone = before.map_or_else(|| "the owner".to_owned(), |pid| format!("process {pid}"));
        let now = attached.map_or_else(|| "this one".to_owned(), |pid| format!("process {pid}"));
        let text = format!("{gone} has ended: {now} owns the cache now");
        self.toast(Toast::new(Level::Warn, text));
    }

    /// Hands a message to every pane.
    fn tell_panes(&mut self, msg: &Msg) {
        let mut effects = Vec::new();
        for pane in &mut self.panes {
            effects.extend(pane.update(msg, &self.ctx));
            if self.settings.linear {
                self.lines.extend(pane.linear(msg, &self.ctx));
            }
        }
        self.apply(effects);
    }

    fn input(&mut self, event: &Event) {
        self.dirty = true;
        match event {
            Event::Key(key) if key.kind != KeyEventKind::Release => {
                if !self.console_key() {
                    self.key(*key);
                }
            }
            Event::Mouse(mouse) => self.mouse(*mouse),
            Event::Paste(text) => match self.with_top(|layer, cx| layer.paste(text, cx)) {
                Some(reply) => self.reply(reply),
                None if self.captured() => {
                    if let Some((pane, cx)) = self.pane_mut() {
                        let effects = pane.paste(text, cx);
                        self.apply(effects);
                    }
                }
                None => {}
            },
            Event::Resize(columns, rows) => {
                self.ctx.size = (*columns, *rows);
                self.show_active();
            }
            Event::Key(_) | Event::FocusGained | Event::FocusLost => {}
        }
    }

    fn key(&mut self, key: KeyEvent) {
        match self.with_top(|layer, cx| layer.key(key, cx)) {
            Some(Reply::Ignored) | None => {}
            Some(reply) => return self.reply(reply),
        }
        let chord = Chord::from(key);
        if self.is_console() && key.code == crossterm::event::KeyCode::Esc {
            return self.step_back();
        }
        if self.captured() && self.pending.is_empty() {
            // Only the keys that begin a command of the console are ours; all others are the guest's.
            if matches!(self.keymap.lookup(&self.contexts(), &[chord]), Lookup::None) {
                if let Some((pane, cx)) = self.pane_mut() {
                    let effects = pane.key(&key, cx);
                    self.apply(effects);
                }
                return;
            }
        }
        self.chord(chord);
    }

    /// Whether the pane at the front has taken the keyboard for a console.
    pub(super) fn captured(&self) -> bool {
        self.pane().is_some_and(Pane::captures)
    }

    /// A key for the panes: possibly one of several of a chord.
    fn chord(&mut self, chord: Chord) {
        self.pending.push(chord);
        match self.keymap.lookup(&self.contexts(), &self.pending) {
            Lookup::Command(id) => {
                self.forget_pending();
                self.run(id, Args::new());
            }
            Lookup::Prefix(_) => {
                if self.pending.len() == 1 {
                    self.which_key_at = Some(self.ctx.now.plus(self.settings.which_key));
                }
            }
            Lookup::None => {
                let chord = self.pending.len() > 1;
                self.forget_pending();
                // Esc closes nothing here and is no mistake; the pane may fold its detail away.
                if chord {
                    self.toast(Toast::new(Level::Info, "no command has these keys"));
                }
            }
        }
    }

    fn forget_pending(&mut self) {
        self.pending.clear();
        self.which_key_at = None;
    }

    fn mouse(&mut self, mouse: MouseEvent) {
        let lines = match mouse.kind {
            MouseEventKind::ScrollDown => 3,
            MouseEventKind::ScrollUp => -3,
            MouseEventKind::Down(MouseButton::Left) => 0,
            _ => return,
        };
        if let Some(layer) = self.layers.last_mut() {
            layer.wheel(lines);
            return;
        }
        let at = (mouse.column, mouse.row);
        if lines == 0 && mouse.row == 0 && !self.ctx.solo {
            if let Some(id) = super::draw::pane_at(self, mouse.column) {
                self.show_pane(id);
            }
            return;
        }
        let double = lines == 0
            && self.last_click.is_some_and(|(when, cell)| cell == at && self.ctx.now.since(when) < SECOND / 2);
        if lines == 0 {
            self.last_click = Some((self.ctx.now, at));
        }
        let area = self.pane_area(self.ctx.size);
        let inside = (at.0.saturating_sub(area.x), at.1.saturating_sub(area.y));
        if let Some((pane, cx)) = self.pane_mut() {
            let effects = pane.mouse(inside, lines, double, cx);
            self.apply(effects);
        }
    }

    /// Lets the topmost overlay do something.
    fn with_top<R>(&mut self, f: impl FnOnce(&mut dyn super::layers::Layer, &mut LayerCx<'_>) -> R) -> Option<R> {
        let contexts = self.contexts();
        let situation = self.situation();
        let layer = self.layers.last_mut()?;
        let mut cx = LayerCx {
            registry: super::registry(),
            keymap: &self.keymap,
            contexts: &contexts,
            situation: &situation,
            history: &mut self.history,
        };
        Some(f(layer.as_mut(), &mut cx))
    }

    fn reply(&mut self, reply: Reply) {
        let acts = match reply {
            Reply::Ignored => return,
            Reply::Stay(acts) => acts,
            Reply::Close(acts) => {
                self.layers.pop();
                acts
            }
        };
        for act in acts {
            match act {
                Act::Run(id, args) => self.run(id, args),
                Act::Execute(intent) => self.confirmed(intent),
                Act::Drop(command) => self.not_run(command, None),
                Act::Pin(typed) => self.pin_typed(&typed),
                Act::NoPin => self.forget_held(),
                Act::PreviewTheme(name) => self.preview_theme(name.as_deref()),
                Act::KeepHistory => self.keep_history(),
                Act::Editor(prompt) => self.acts.push(TerminalAct::Editor(prompt)),
            }
        }
    }

    fn planned(&mut self, id: RequestId, plan: Result<crate::model::command::Plan, String>) {
        let Some((mut intent, level)) = self.planning.remove(&id) else { return };
        match plan {
            // The plan may know a reason to ask for more than the command does.
            Ok(mut plan) => {
                if let Some(rows) = plan.rows.take() {
                    intent.targets = Targets::Rows(Table::Nodes, rows);
                }
                if let Some(args) = plan.args.take() {
                    intent.args = args;
                }
                let level = if plan.type_name { Confirm::TypeName } else { level };
                self.open(Box::new(super::layers::ConfirmLayer::new(intent, plan, level)));
            }
            Err(why) => {
                self.toast(Toast::new(Level::Error, why.clone()));
                self.not_run(intent.command, Some(why));
            }
        }
    }

    fn done(&mut self, id: RequestId, outcome: &Outcome) {
        self.running.remove(&id);
        let failed = outcome.errors.len();
        let level = if outcome.done < outcome.total || failed > 0 { Level::Error } else { Level::Good };
        let mut text = outcome.summary.clone();
        if let Some((target, why)) = outcome.errors.first() {
            // The summary of most commands has told the first failure already.
            if !text.contains(why.as_str()) {
                text = format!("{text}: {target}: {why}");
            }
            if failed > 1 {
                text = format!("{text} (and {} more)", failed - 1);
            }
        }
        if outcome.job.is_some()
            && !outcome.command.starts_with("job.")
            && let Some(key) = self.keymap.keys_of("cpe.jobs").into_iter().next()
        {
            text = format!("{text}  ({key} in the CPE pane shows it)");
        }
        if let Some(batch) = outcome.undo {
            self.undo.push(Undoable { batch, at: self.ctx.now, what: outcome.summary.clone() });
            if self.undo.len() > 100 {
                self.undo.remove(0);
            }
            let key = self.keymap.keys_of("app.undo").into_iter().next().unwrap_or_else(|| ":undo".into());
            text = format!("{text}  ({key} undoes)");
        }
        self.toast(Toast::new(level, text));
    }

    fn worker_down(&mut self, name: &str, reason: &str, restart_ms: Option<u64>) {
        let after = restart_ms.map_or_else(
            || "it stays down; see the log".to_owned(),
            |ms| format!("it starts again in {:.1} s", ms as f64 / 1000.0),
        );
        self.workers_down.insert(name.to_owned(), restart_ms.is_some());
        self.toast(Toast::new(Level::Error, format!("worker {name} failed: {reason}; {after}")));
    }

    /// Asks the pane at the front for what it needs now.
    pub fn show_active(&mut self) {
        let rows = self.pane_area(self.ctx.size).height;
        if let Some((pane, cx)) = self.pane_mut() {
            let effects = pane.shown(rows, cx);
            self.apply(effects);
        }
        self.dirty = true;
    }

    /// Carries effects out.
    pub(super) fn apply(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.carry_out(effect);
        }
    }
}
