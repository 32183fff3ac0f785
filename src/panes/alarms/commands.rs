//! The verbs of triage: what can be done to alarms, and what is asked before.

use crate::app::ctx::Ctx;
use crate::app::effect::{Effect, Level};
use crate::commands::spec::{ArgKind, ArgSpec, CommandSpec, Confirm, Context, Mutates, Reason, Situation};
use crate::model::command::{Args, LiveRequest, Targets};
use crate::model::resource::NodeKind;
use crate::panes::list::commands::toast;
use crate::panes::verbs::{ask, choose, given, intent};

use super::AlarmsPane;
use super::live::Live;

const NOTE: ArgSpec = ArgSpec { name: "note", doc: "a note", required: false, kind: ArgKind::Text };
const REASON: ArgSpec = ArgSpec { name: "reason", doc: "why", required: true, kind: ArgKind::Text };
const FOR: ArgSpec = ArgSpec { name: "for", doc: "for how long, e.g. 2h", required: false, kind: ArgKind::Duration };

const fn verb(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec {
        keys,
        mutates: Mutates::Journal,
        confirm: Confirm::None,
        on_rows: true,
        headless: true,
        enabled: on_alarm,
        ..CommandSpec::view(id, title, doc, Context::Alarms)
    }
}

const fn view(id: &'static str, title: &'static str, doc: &'static str, keys: &'static [&'static str]) -> CommandSpec {
    CommandSpec { keys, enabled: on_alarm, ..CommandSpec::view(id, title, doc, Context::Alarms) }
}

const SOURCE: ArgSpec = ArgSpec {
    name: "source",
    doc: "name of the Alertmanager, where there are several",
    required: false,
    kind: ArgKind::Text,
};

const fn silence(
    id: &'static str,
    title: &'static str,
    doc: &'static str,
    keys: &'static [&'static str],
) -> CommandSpec {
    CommandSpec { mutates: Mutates::Device, confirm: Confirm::YesNo, ..verb(id, title, doc, keys) }
}

/// The commands.
pub(crate) static ALARMS: &[CommandSpec] = &[
    CommandSpec {
        args: &[NOTE, FOR],
        aliases: &["acknowledge"],
        hint: true,
        enabled: not_acked,
        ..verb("alarm.ack", "Acknowledge", "Says that somebody has seen the alarm. Its condition stays.", &["a"])
    },
    CommandSpec {
        args: &[FOR],
        ..view(
            "alarm.ack-with",
            "Acknowledge with note",
            "Acknowledges with a note and, if wanted, for a time only: then the alarm asks again.",
            &["A"],
        )
    },
    CommandSpec {
        args: &[NOTE],
        enabled: acked,
        ..verb("alarm.unack", "Take the acknowledgement back", "Makes the alarm ask for attention again.", &["U"])
    },
    CommandSpec {
        headless: false,
        hint: true,
        ..verb("alarm.take", "Take", "Makes the operator the owner of the alarm.", &["o"])
    },
    CommandSpec {
        args: &[ArgSpec {
            name: "owner",
            doc: "who takes care of it; empty for nobody",
            required: true,
            kind: ArgKind::Text,
        }],
        ..verb("alarm.assign", "Assign", "Gives the alarm an owner; an empty name takes the owner away.", &["O"])
    },
    CommandSpec {
        args: &[ArgSpec { required: true, ..FOR }, REASON],
        hint: true,
        ..verb("alarm.shelve", "Shelve", "Hides the alarm for a time, with a reason. It comes back by itself.", &["z"])
    },
    CommandSpec {
        enabled: shelved,
        ..verb("alarm.unshelve", "Unshelve", "Brings a shelved alarm back before its time.", &["Z"])
    },
    CommandSpec {
        args: &[ArgSpec { required: false, ..REASON }],
        enabled: not_closed,
        ..verb(
            "alarm.close",
            "Close",
            "Declares the alarm dealt with, with a reason. While its condition lasts it is shown as disputed.",
            &["x"],
        )
    },
    CommandSpec {
        args: &[ArgSpec { name: "text", doc: "the note", required: true, kind: ArgKind::Text }],
        ..verb("alarm.note", "Note", "Adds a note to the alarm's history.", &["n"])
    },
    CommandSpec {
        args: &[
            ArgSpec {
                name: "duration",
                doc: "for how long, e.g. 2h; it ends by itself",
                required: true,
                kind: ArgKind::Duration,
            },
            ArgSpec { name: "comment", doc: "why, for whoever finds it", required: true, kind: ArgKind::Text },
            ArgSpec {
                name: "matchers",
                doc: "conditions instead of the alerts' own labels: olt=\"olt-001\", pon=~\"1/.*\"",
                required: false,
                kind: ArgKind::Text,
            },
            SOURCE,
        ],
        aliases: &["silence", "mute"],
        enabled: on_alertmanager,
        ..silence(
            "silence.create",
            "Silence at the Alertmanager",
            "Makes a silence at the Alertmanager for the alerts behind the alarms, or for conditions of your own. It has an end.",
            &["m"],
        )
    },
    CommandSpec {
        args: &[
            ArgSpec { name: "id", doc: "id of the silence", required: true, kind: ArgKind::Text },
            ArgSpec {
                name: "duration",
                doc: "how long it lasts from now on, e.g. 2h",
                required: false,
                kind: ArgKind::Duration,
            },
            ArgSpec { name: "comment", doc: "why", required: false, kind: ArgKind::Text },
            ArgSpec {
                name: "matchers",
                doc: "other conditions: the server then makes another silence in its place",
                required: false,
                kind: ArgKind::Text,
            },
            SOURCE,
        ],
        enabled: crate::commands::spec::always,
        ..silence(
            "silence.change",
            "Change a silence",
            "Gives a silence another end, comment or conditions; what is not told stays.",
            &[],
        )
    },
    CommandSpec {
        args: &[
            ArgSpec {
                name: "id",
                doc: "ids of silences instead of those of the alarms",
                required: false,
                kind: ArgKind::Text,
            },
            SOURCE,
        ],
        aliases: &["unsilence", "unmute"],
        enabled: on_alertmanager,
        ..silence(
            "silence.expire",
            "End the silence",
            "Ends the silences of the alerts behind the alarms, or those of these ids, before their time.",
            &["g m"],
        )
    },
    view(
        "alarm.live",
        "Ask the source",
        "Reads the alert from its Alertmanager or Prometheus now: labels, silences, rule and values.",
        &["r"],
    ),
    CommandSpec {
        enabled: crate::commands::spec::always,
        hint: true,
        ..view("alarm.feed", "Live feed", "Shows the newest changes first and follows them; again goes back.", &["f"])
    },
    view(
        "alarm.device",
        "Go to the device",
        "Shows the alarmed object in the PON tree, or the appliance that it belongs to.",
        &["d"],
    ),
    view(
        "alarm.network",
        "Network diagnostics",
        "Tests the way to the controller of the alarm; the result can be attached to the alarm.",
        &["T"],
    ),
    view("alarm.cpe", "Go to the CPE", "Shows the CPE with the serial number of the alarmed ONU.", &["c"]),
];

fn on_alarm(s: &Situation) -> Result<(), Reason> {
    if s.has_cursor || s.marked > 0 { Ok(()) } else { Err("there is no alarm under the cursor") }
}

fn on_alertmanager(s: &Situation) -> Result<(), Reason> {
    on_alarm(s)?;
    if s.marked == 0 && s.node_kind != Some("object") { Err("the alarm is from no Alertmanager") } else { Ok(()) }
}

fn not_acked(s: &Situation) -> Result<(), Reason> {
    on_alarm(s)?;
    if s.marked == 0 && s.acked { Err("the alarm is acknowledged already") } else { Ok(()) }
}

fn acked(s: &Situation) -> Result<(), Reason> {
    on_alarm(s)?;
    if s.marked == 0 && !s.acked { Err("the alarm is not acknowledged") } else { Ok(()) }
}

fn shelved(s: &Situation) -> Result<(), Reason> {
    on_alarm(s)?;
    if s.marked == 0 && !s.shelved { Err("the alarm is not shelved") } else { Ok(()) }
}

fn not_closed(s: &Situation) -> Result<(), Reason> {
    on_alarm(s)?;
    if s.marked == 0 && s.closed { Err("the alarm is closed already") } else { Ok(()) }
}

const SHELVE_FOR: &[(&str, &str)] = &[
    ("30m", "30 minutes"),
    ("1h", "1 hour"),
    ("2h", "2 hours"),
    ("4h", "4 hours"),
    ("8h", "8 hours"),
    ("24h", "24 hours"),
    ("3d", "3 days"),
    ("7d", "7 days"),
    (OTHER, "another time"),
];

const ACK_FOR: &[(&str, &str)] = &[
    (NO_END, "until somebody takes it back"),
    ("1h", "1 hour, then ask again"),
    ("4h", "4 hours, then ask again"),
    ("8h", "8 hours, then ask again"),
    ("24h", "24 hours, then ask again"),
    (OTHER, "another time"),
];

const OTHER: &str = "other";
const NO_END: &str = "no end";

impl AlarmsPane {
    /// Runs one of the pane's own commands; `None` when it is none.
    pub(super) fn verb(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Option<Vec<Effect>> {
        let spec = ALARMS.iter().find(|c| c.id == id)?;
        if self.split.list.follow && self.split.list.marks.is_empty() && spec.on_rows {
            // In the feed the row under the cursor changes by itself: first it has to stand still.
            self.split.list.follow = false;
            return Some(vec![toast(
                Level::Info,
                "the feed stands still now; press again for the row under the cursor",
            )]);
        }
        Some(match id {
            "alarm.ack" | "alarm.unack" | "alarm.unshelve" | "silence.expire" => self.plain(id, args, cx),
            "alarm.ack-with" => self.ack_with(args),
            "alarm.take" => self.take(args, cx),
            "alarm.assign" => self.with(id, "owner", "Owner (empty for nobody) of", true, args, cx),
            "alarm.shelve" => self.shelve(args, cx),
            "alarm.close" => self.close(args, cx),
            "alarm.note" => self.with(id, "text", "Note on", false, args, cx),
            "silence.create" => self.silence(args, cx),
            "alarm.live" => self.ask_source(cx),
            "alarm.feed" => self.feed(cx),
            "alarm.device" => self.device(cx),
            "alarm.network" => self.network(cx),
            "alarm.cpe" => match self.split.list.current() {
                Some(row) => crate::panes::cpe::behind(&row.resource.name),
                None => Vec::new(),
            },
            _ => return None,
        })
    }

    fn plain(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let (targets, args) = self.held.take(self.split.list.targets(), args);
        intent(id, targets, args, cx)
    }

    /// A verb with one argument that is asked for when it is not given.
    fn with(
        &mut self,
        id: &'static str,
        arg: &'static str,
        question: &str,
        may_be_empty: bool,
        args: &Args,
        cx: &Ctx,
    ) -> Vec<Effect> {
        let (targets, args) = self.held.take(self.split.list.targets(), args);
        if given(&args, arg) || (may_be_empty && args.contains_key(arg)) {
            return intent(id, targets, args, cx);
        }
        let title = format!("{question} {}", self.words(&targets));
        let args = self.held.hold(targets, &args);
        ask(title, id, arg, args)
    }

    fn ack_with(&mut self, args: &Args) -> Vec<Effect> {
        let (targets, mut args) = self.held.take(self.split.list.targets(), args);
        let what = self.words(&targets);
        match args.get("for").map(String::as_str) {
            None => choose(
                format!("Acknowledge until: {what}"),
                ACK_FOR,
                "alarm.ack-with",
                "for",
                self.held.hold(targets, &args),
            ),
            Some(OTHER) => {
                args.remove("for");
                ask(
                    format!("Acknowledge for how long (2h, 1d)? {what}"),
                    "alarm.ack-with",
                    "for",
                    self.held.hold(targets, &args),
                )
            }
            Some(length) => {
                if length == NO_END {
                    args.remove("for");
                }
                ask(format!("Acknowledge with note: {what}"), "alarm.ack", "note", self.held.hold(targets, &args))
            }
        }
    }

    fn take(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let (targets, mut args) = self.held.take(self.split.list.targets(), args);
        args.insert("owner".into(), cx.operator.to_string());
        intent("alarm.assign", targets, args, cx)
    }

    fn shelve(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let (targets, mut args) = self.held.take(self.split.list.targets(), args);
        let what = self.words(&targets);
        match args.get("for").map(String::as_str) {
            None => {
                choose(format!("Shelve for: {what}"), SHELVE_FOR, "alarm.shelve", "for", self.held.hold(targets, &args))
            }
            Some(OTHER) => {
                args.remove("for");
                ask(
                    format!("Shelve for how long (45m, 2d; at most 30d)? {what}"),
                    "alarm.shelve",
                    "for",
                    self.held.hold(targets, &args),
                )
            }
            Some(_) if !given(&args, "reason") => {
                ask(format!("Why shelve {what}"), "alarm.shelve", "reason", self.held.hold(targets, &args))
            }
            Some(_) => intent("alarm.shelve", targets, args, cx),
        }
    }

    fn silence(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let (targets, mut args) = self.held.take(self.split.list.targets(), args);
        let what = self.words(&targets);
        let id = "silence.create";
        match args.get("duration").map(String::as_str) {
            None => choose(format!("Silence for: {what}"), SHELVE_FOR, id, "duration", self.held.hold(targets, &args)),
            Some(OTHER) => {
                args.remove("duration");
                let title = format!("Silence for how long (45m, 2d; at most 30d)? {what}");
                ask(title, id, "duration", self.held.hold(targets, &args))
            }
            Some(_) if !given(&args, "comment") => {
                ask(format!("Why silence {what}"), id, "comment", self.held.hold(targets, &args))
            }
            Some(_) => intent(id, targets, args, cx),
        }
    }

    /// Asks the source of the alarm under the cursor for all that it knows of it now.
    fn ask_source(&mut self, cx: &Ctx) -> Vec<Effect> {
        let Some(row) = self.split.list.current() else { return Vec::new() };
        if row.resource.kind != NodeKind::Object {
            return vec![toast(Level::Info, "only a Prometheus or an Alertmanager can be asked about an alarm")];
        }
        let request = LiveRequest::Alarm {
            node: row.canonical.clone(),
            type_id: row.type_id.clone(),
            qualifier: row.qualifier.clone(),
        };
        let id = row.id;
        if self.live.as_ref().is_none_or(|(of, _)| *of != id) {
            self.live = Some((id, Live::default()));
        }
        if let Some((_, live)) = &mut self.live {
            (live.asking, live.failed) = (true, None);
        }
        self.split.detail.focus = true;
        self.split.detail.scroll = 0;
        let asked = cx.request_id();
        self.live_asked = Some(asked);
        let mut effects = vec![Effect::Live(asked, request)];
        effects.extend(self.split.shown(crate::panes::detail::pane_rows(cx.size), cx));
        effects
    }

    /// A reason is asked for while the alarm is active; for several alarms, always.
    fn close(&mut self, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let one_cleared = matches!(self.split.list.targets(), Targets::Rows(_, rows) if rows.len() == 1)
            && self.split.list.current().is_some_and(|row| row.cleared);
        if one_cleared && self.split.list.marks.is_empty() {
            return self.plain("alarm.close", args, cx);
        }
        self.with("alarm.close", "reason", "Why close", false, args, cx)
    }

    /// Opens the network diagnostics about the alarm under the cursor, aimed at its controller.
    fn network(&self, cx: &Ctx) -> Vec<Effect> {
        let Some(row) = self.split.list.current() else { return Vec::new() };
        let source = cx.sources.iter().find(|s| s.name == row.source);
        let mut args = Args::from([
            ("alarm".to_owned(), row.id.0.to_string()),
            ("label".to_owned(), format!("{} {}", row.type_id, row.canonical)),
        ]);
        if let Some(host) = source.and_then(|s| crate::panes::diag::host_of(&s.report.endpoint)) {
            args.insert("host".to_owned(), host);
        }
        vec![Effect::Run("diag.open", args)]
    }

    fn device(&self, cx: &Ctx) -> Vec<Effect> {
        let Some(row) = self.split.list.current() else { return Vec::new() };
        let appliance = cx.sources.iter().any(|s| s.name == row.source && &*s.report.kind == "raven");
        if row.resource.kind == NodeKind::Collector || (row.resource.kind == NodeKind::Source && appliance) {
            return vec![Effect::Goto(crate::app::effect::Location {
                pane: crate::app::pane::PaneId::Buffers,
                row: None,
                canonical: Some(row.source.to_string()),
                filter: None,
                below: None,
            })];
        }
        if row.node.is_none() {
            return vec![toast(Level::Info, "the tree does not know this object (yet)")];
        }
        vec![Effect::Goto(crate::app::effect::Location {
            pane: crate::app::pane::PaneId::Pon,
            row: row.node,
            canonical: Some(row.canonical.clone()),
            filter: None,
            below: None,
        })]
    }
}
