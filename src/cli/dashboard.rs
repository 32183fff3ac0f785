//! `noctule`: the dashboard. Puts the parts together, shows the first frame from the cache, and
//! takes everything down again in the order that loses nothing.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use super::Start;
use super::exit::{Code, Failure};
use super::live::{Live, Role};
use super::menu::Setup;
use crate::app::effect::{Level, Toast};
use crate::app::event_loop::{self, Exit};
use crate::app::message::Msg;
use crate::app::pane::Pane;
use crate::app::tty::Tty;
use crate::app::{App, Settings, ctx, linear_loop, registry, session};
use crate::config::Loaded;
use crate::config::schema::{Source, SourceKind};
use crate::keymap::Keymap;
use crate::model::console::ConsoleTarget;
use crate::model::ids::RowId;
use crate::model::source::{SourceReport, SourceRow};
use crate::model::time::Ts;
use crate::panes::vms::OnlyConsole;
use crate::terminal::{Caps, panic};
use crate::theme::{Theme, load, watch::Watch};
use crate::workers::bridge::{self, Bridge};

/// What the kernel begins with.
#[derive(Debug, Clone, Copy)]
pub(super) enum First<'a> {
    /// The panes.
    Panes,
    /// The menu of an appliance's console.
    Menu(&'a Setup),
    /// One console of a machine, and nothing else.
    Console(&'a ConsoleTarget),
}

impl First<'_> {
    const fn role(self) -> Role {
        match self {
            Self::Panes | Self::Menu(_) => Role::Console,
            Self::Console(_) => Role::Guest,
        }
    }

    const fn is_panes(self) -> bool {
        matches!(self, Self::Panes)
    }
}

/// Runs the dashboard on the configuration.
pub(super) fn run(start: &Start) -> Result<Code, Failure> {
    let loaded = start.load()?;
    if loaded.is_first_run() {
        return super::first_run::run(start, &loaded);
    }
    show(start, loaded, First::Panes)
}

/// Shows the dashboard for a loaded configuration (the user's, or the demo's), or what else it begins
/// with over it.
pub(super) fn show(start: &Start, mut loaded: Loaded, first: First<'_>) -> Result<Code, Failure> {
    let linear = start.global.screen.linear;
    let mut caps = Caps::of_process(&loaded.config.ui);
    if let First::Menu(setup) = first {
        caps = setup.caps(caps);
    }
    if let (false, Some(refusal)) = (linear, caps.refusal) {
        return Err(Failure::usage(refusal.to_string()));
    }
    crossterm::style::force_color_output(true);
    let theme = theme_of(&loaded, &caps)?;
    let keymap = keymap_of(&loaded)?;
    let log = start.log(&mut loaded)?;
    panic::install_panic_hook(loaded.dirs.crashes());

    let mut live = Live::start(&loaded, first.role())?;
    let bridge = bridge_of(start, &loaded, &live);
    let mut app = app_of(start, &loaded, &caps, (theme, keymap), &live, bridge, first);
    let _host = matches!(first, First::Menu(_)).then(|| super::menu::follow_host(&live));
    let _watch = watch_themes(&loaded, &live);

    let runtime = live.runtime.handle().clone();
    let (mut tty, mut lines) = (None, None);
    let ran = loop {
        let ran = runtime.block_on(async {
            if linear {
                let lines = match &mut lines {
                    Some(lines) => lines,
                    none => none.insert(linear_loop::Lines::open()?),
                };
                return linear_loop::run(&mut app, lines, &mut live.news).await;
            }
            let tty = match &mut tty {
                Some(tty) => tty,
                none => {
                    let stderr = log.as_ref().map_or_else(|| PathBuf::from("/dev/null"), |l| l.path().to_owned());
                    none.insert(Tty::take(&caps, &stderr)?)
                }
            };
            app.ctx.size = tty.size();
            event_loop::run(&mut app, tty, &mut live.news).await
        });
        if !matches!(ran, Ok(Exit::Orphaned)) {
            break ran;
        }
        match live.renew(&loaded, first.role()) {
            Ok(()) => app.reattach(Box::new(bridge_of(start, &loaded, &live)), attached_to(&live)),
            // It is told again that nobody owns the cache, and this is tried again.
            Err(error) => app.toast(Toast::new(Level::Error, format!("the cache is not taken over: {error}"))),
        }
    };
    drop(tty);
    // The terminal is the shell's again; what is left is quiet.
    if first.is_panes() {
        app.save_session();
    }
    drop(app);
    live.stop();
    match ran {
        Ok(Exit::Quit | Exit::Terminated | Exit::Hangup | Exit::Orphaned) => Ok(Code::Done),
        // Whoever read the lines has heard enough (`| head`).
        Err(error) if linear && error.kind() == std::io::ErrorKind::BrokenPipe => Ok(Code::Done),
        Err(error) => Err(Failure::new(Code::Failed, format!("the terminal failed: {error}"))),
    }
}

fn bridge_of(start: &Start, loaded: &Loaded, live: &Live) -> Bridge {
    let options = bridge::Options {
        reveal_secrets: loaded.profile.reveal_secrets,
        profile: loaded.profile_name.clone(),
        operator: loaded.operator(&start.vars),
        runtime: live.runtime.handle().clone(),
    };
    Bridge::start(live.store.clone(), live.sources.clone(), live.hands.clone(), live.msgs.clone(), options)
}

/// The process that owns the cache, when it is another one.
fn attached_to(live: &Live) -> Option<u32> {
    (!live.opened.owner).then(|| live.opened.owner_pid.unwrap_or(0))
}

pub(super) fn theme_of(loaded: &Loaded, caps: &Caps) -> Result<Theme, Failure> {
    // The Linux console has sixteen colours of its own: the theme made for it is the default there.
    let name = match loaded.config.ui.theme.as_str() {
        "default" if !caps.alternate_screen => "tty",
        name => name,
    };
    load::load(name, Some(&loaded.dirs.themes()), caps.colour).map_err(|e| Failure::usage(e.to_string()))
}

pub(super) fn keymap_of(loaded: &Loaded) -> Result<Keymap, Failure> {
    let configured = loaded.config.ui.keymap.as_ref().map(PathBuf::from);
    let path = configured.clone().unwrap_or_else(|| loaded.dirs.config.join("keymap.toml"));
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => Some(text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && configured.is_none() => None,
        Err(e) => return Err(Failure::usage(format!("{}: {e}", path.display()))),
    };
    let user = text.as_deref().map(|text| (path.as_path(), text));
    Keymap::build(registry().specs(), user).map_err(|e| Failure::usage(e.to_string()))
}

fn app_of(
    start: &Start,
    loaded: &Loaded,
    caps: &Caps,
    (theme, keymap): (Theme, Keymap),
    live: &Live,
    bridge: Bridge,
    first: First<'_>,
) -> App {
    let mut cx = ctx::Ctx::new(event_loop::now());
    cx.utc_offset_s = event_loop::utc_offset_s();
    cx.profile = loaded.profile_name.as_str().into();
    cx.operator = loaded.operator(&start.vars).into();
    cx.read_only = loaded.profile.read_only;
    cx.reveal_secrets = loaded.profile.reveal_secrets;
    cx.attached = attached_to(live);
    cx.alarm_types = Arc::clone(&live.types);
    let snapshot = live.store.snapshots().borrow().clone();
    (cx.counts, cx.generations, cx.sources) = (snapshot.counts, snapshot.generations, snapshot.sources);
    if cx.sources.is_empty() {
        cx.sources = loaded.sources().enumerate().map(starting).collect();
    }

    let (themes_dir, depth) = (loaded.dirs.themes(), caps.colour);
    let settings = Settings {
        themes: Rc::new({
            let folder = themes_dir.clone();
            move || load::names(Some(&folder))
        }),
        load_theme: Rc::new(move |name| load::load(name, Some(&themes_dir), depth).map_err(|e| e.to_string())),
        clock: loaded.config.ui.clock,
        which_key: i64::try_from(loaded.config.ui.which_key_ms).unwrap_or(200).saturating_mul(1000),
        linear: start.global.screen.linear,
        drafts: loaded.dirs.state.join("drafts"),
    };
    let recall = |key: &str| bridge::recall(&live.store, &loaded.profile_name, key);
    let (kept, history, chosen) = (recall(session::KEY), recall("history"), recall("theme"));
    let mut panes = match first {
        First::Console(target) => vec![Box::new(OnlyConsole::new(target.clone())) as Box<dyn Pane>],
        First::Panes | First::Menu(_) => crate::panes::all(),
    };
    if let First::Menu(setup) = first {
        panes.push(setup.pane());
    }
    let mut app = App::new(cx, theme, *caps.glyphs(), keymap, panes, Box::new(bridge), settings);
    match first {
        // Whoever stands before a rack finds it as it always is.
        First::Menu(setup) => app = app.on_console(setup.options.clone()),
        First::Console(_) => app = app.on_one_console(),
        First::Panes => app.restore_session(kept.as_deref(), history.as_deref()),
    }
    // A theme chosen on the screen holds unless the command line or the configuration names one.
    if loaded.config.ui.theme == "default" && caps.alternate_screen && !matches!(first, First::Menu(_)) {
        app.restore_theme(chosen.as_deref());
    }
    // Who owns the cache is nothing to whoever only looks at a console.
    let of_cache = if matches!(first, First::Console(_)) { Vec::new() } else { live.notes() };
    for note in of_cache.into_iter().chain(loaded.notes.iter().cloned()) {
        app.toast(Toast::new(Level::Warn, note));
    }
    app
}

/// A source that nothing has been heard of yet.
fn starting((i, source): (usize, &Source)) -> SourceRow {
    let (kind, endpoint) = match &source.kind {
        SourceKind::Voltha(voltha) => ("voltha", voltha.grpc.clone()),
        SourceKind::Genieacs(acs) => ("genieacs", acs.nbi.clone()),
        SourceKind::Raven(raven) => ("raven", raven.buffer.clone()),
        SourceKind::Prometheus(p) => ("prometheus", p.url.clone()),
        SourceKind::Alertmanager(a) => ("alertmanager", a.url.clone()),
        SourceKind::Libvirt(host) => ("libvirt", host.endpoint()),
    };
    let report = SourceReport { kind: kind.into(), endpoint, ..SourceReport::default() };
    let id = RowId(-1 - i64::try_from(i).unwrap_or(0));
    SourceRow { id, name: source.name.as_str().into(), report, as_of: Ts::NEVER, alarms: 0 }
}

/// Follows changes of the user's theme files. Without a themes folder there is nothing to follow.
fn watch_themes(loaded: &Loaded, live: &Live) -> Option<Watch> {
    let folder = loaded.dirs.themes();
    if !folder.is_dir() {
        return None;
    }
    let msgs = live.msgs.clone();
    let watch = Watch::start(&folder, move || drop(msgs.send(Msg::ThemeFiles)));
    match watch {
        Ok(watch) => Some(watch),
        Err(error) => {
            tracing::warn!(%error, "themes are not followed");
            None
        }
    }
}
