//! What the verbs of the pane are about, and what is asked before they are wished.

use crate::app::ctx::Ctx;
use crate::app::effect::{Choose, Effect, Level, Location, Prompt};
use crate::app::pane::PaneId;
use crate::model::combination::MENU;
use crate::model::command::{Args, Outcome, Targets};
use crate::model::page::Table;
use crate::panes::list::commands::toast;
use crate::panes::verbs::{ask, choose, given, intent};

use super::{VmsPane, nothing};

/// The argument that is chosen out of what the host keeps.
pub(super) fn chosen(command: &str) -> &'static str {
    if command == "vm.restore" { "backup" } else { "name" }
}

/// Machines that ignored the request to shut down may be forced off: their names are asked for first.
pub(super) fn offer_force(outcome: &Outcome, cx: &Ctx) -> Vec<Effect> {
    let ignored = outcome.errors.iter().filter(|(_, why)| why.contains("force it off"));
    let canonical = |label: &str| label.rsplit_once(" on ").map(|(vm, host)| format!("{host}/vm/{vm}"));
    let names: Vec<String> = ignored.filter_map(|(label, _)| canonical(label)).collect();
    if names.is_empty() {
        return Vec::new();
    }
    intent("vm.force-off", Targets::Names(Table::Vms, names), Args::new(), cx)
}

impl VmsPane {
    /// Goes to another pane, at what belongs to the host.
    pub(super) fn elsewhere(&self, pane: PaneId) -> Vec<Effect> {
        let Some(row) = self.split.list.current() else { return Vec::new() };
        let quoted = row.source.replace(['"', '\\'], "");
        let field = if pane == PaneId::Sources { "name" } else { "source" };
        let filter = Some(format!("{field}=\"{quoted}\""));
        vec![Effect::Goto(Location { pane, row: None, canonical: None, filter, below: None })]
    }

    /// Asks for what a verb lacks, else wishes it.
    pub(super) fn verb(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let (targets, args) = self.held.take(self.split.list.targets(), args);
        if targets == Targets::None {
            return nothing();
        }
        let one = self.split.list.current().filter(|_| self.split.list.marks.is_empty());
        if one.is_some_and(|row| row.nth.is_none()) && !of_hosts(id) {
            return vec![toast(Level::Info, "that is a host: put the cursor on one of its machines")];
        }
        let hosts: Vec<(String, String)> =
            self.hosts().into_iter().filter(|(name, _)| one.is_none_or(|row| *row.source != **name)).collect();
        let mut held = |args: &Args| self.held.hold(targets.clone(), args);
        match id {
            "vm.send-keys" if !given(&args, "keys") => {
                let items: Vec<(&str, &str)> = MENU.iter().map(|c| (c.name, c.label)).collect();
                choose("Send which keys?".to_owned(), &items, id, "keys", held(&args))
            }
            "vm.autostart" if !given(&args, "on") => choose(
                "Start with the host?".to_owned(),
                &[("yes", "it is started with its host"), ("no", "it is started by hand")],
                id,
                "on",
                held(&args),
            ),
            "vm.undefine" if !given(&args, "disks") => choose(
                "What happens to its disks?".to_owned(),
                &[("keep", "they stay where they are"), ("delete", "they are deleted: that cannot be undone")],
                id,
                "disks",
                held(&args),
            ),
            "vm.snapshot" if !given(&args, "kind") => choose(
                "Which kind of snapshot?".to_owned(),
                &[
                    ("internal", "inside the disk image, with the memory of a running machine; can be reverted to"),
                    ("external", "a new file on top of the disk; quick, not every libvirt reverts to it"),
                ],
                id,
                "kind",
                held(&args),
            ),
            "vm.restore" if !given(&args, "backup") && one.is_some_and(|row| row.nth.is_none()) => {
                let title = "Which backup? Its folder on the host, for a machine that is gone".to_owned();
                ask(title, id, "backup", held(&args))
            }
            "vm.snapshot-revert" | "vm.snapshot-delete" | "vm.restore" if !given(&args, chosen(id)) => {
                let Some(row) = self.split.list.current() else { return nothing() };
                let canonical = row.canonical();
                let args = held(&args);
                self.inside.ask(&canonical, Some((id, args)), cx)
            }
            "vm.backup" if !given(&args, "kind") => choose(
                "How much is backed up?".to_owned(),
                &[
                    ("incremental", "what changed since the last backup; a full one where there is none"),
                    ("full", "everything"),
                ],
                id,
                "kind",
                held(&args),
            ),
            "vm.restore" if !args.contains_key("to") => {
                let title = "Name of a new machine (empty: the same is put back)".to_owned();
                vec![Effect::Prompt(Prompt {
                    title,
                    initial: String::new(),
                    command: id,
                    arg: "to",
                    args: held(&args),
                })]
            }
            "vm.migrate" if !given(&args, "to") => {
                if hosts.is_empty() {
                    return vec![toast(Level::Warn, "there is no other host to move it to")];
                }
                vec![Effect::Choose(Choose {
                    title: "Move it to which host?".to_owned(),
                    items: hosts,
                    selected: 0,
                    command: id,
                    arg: "to",
                    args: held(&args),
                })]
            }
            "vm.migrate" if !given(&args, "storage") => choose(
                "And its disks?".to_owned(),
                &[
                    ("auto", "they stay where both hosts are seen to have them; else it is not moved"),
                    ("copy", "those that the other host does not have are copied over"),
                    ("shared", "you vouch that both hosts have them, though that cannot be seen"),
                ],
                id,
                "storage",
                held(&args),
            ),
            "vm.define" if !given(&args, "xml") && !given(&args, "file") => {
                ask("A file with the XML of the machine".to_owned(), id, "file", held(&args))
            }
            _ => intent(id, targets, args, cx),
        }
    }

    /// The hosts among the rows, each with words.
    fn hosts(&self) -> Vec<(String, String)> {
        let mut hosts: Vec<(String, String)> = Vec::new();
        for row in self.split.list.rows() {
            if !hosts.iter().any(|(name, _)| **name == *row.source) {
                let words = format!("{}: {}", row.source, row.host.contact.word());
                hosts.push((row.source.to_string(), words));
            }
        }
        hosts
    }
}

/// Whether it works on hosts, too.
fn of_hosts(id: &str) -> bool {
    matches!(id, "vm.poll" | "vm.define" | "vm.orphans" | "vm.restore")
}
