//! What the verbs of the pane are about, and what is asked before they are wished.

use crate::app::ctx::Ctx;
use crate::app::effect::{Choose, Effect, Level, Location};
use crate::app::pane::PaneId;
use crate::model::command::{Args, Targets};
use crate::model::resource::{NodeKind, Resource};
use crate::panes::list::commands::toast;
use crate::panes::verbs::{ask, choose, given, intent};

use super::BuffersPane;
use super::commands::MODES;

impl BuffersPane {
    /// The appliances meant: in the list of services that of the service under the cursor.
    fn meant(&self) -> Targets {
        if self.services.open { self.services.appliance() } else { self.split.list.targets() }
    }

    /// The name of the appliance under the cursor.
    pub(super) fn source(&self) -> Option<String> {
        if self.services.open {
            return self.services.split.list.current().map(|row| row.source.to_string());
        }
        self.split.list.current().map(|row| row.source.to_string())
    }

    /// Goes to another pane, at what belongs to the appliance.
    pub(super) fn elsewhere(&self, pane: PaneId) -> Vec<Effect> {
        let Some(source) = self.source() else { return Vec::new() };
        let quoted = source.replace(['"', '\\'], "");
        let field = if pane == PaneId::Sources { "name" } else { "source" };
        let filter = Some(format!("{field}=\"{quoted}\""));
        vec![Effect::Goto(Location { pane, row: None, canonical: None, filter, below: None })]
    }

    /// Asks for what a verb lacks, else wishes it.
    pub(super) fn verb(&mut self, id: &'static str, args: &Args, cx: &Ctx) -> Vec<Effect> {
        let (targets, args) = self.held.take(self.meant(), args);
        if targets == Targets::None {
            return vec![toast(Level::Info, "there is no appliance under the cursor")];
        }
        match id {
            "buffer.config" if !given(&args, "set") => self.edit(cx),
            "port.plan" | "port.apply" if !given(&args, "set") => {
                let title = "Move which ports? (collection.syslog.port=1515; blanks between several)";
                let args = self.held.hold(targets, &args);
                ask(title.to_owned(), id, "set", args)
            }
            "buffer.retention" | "buffer.compression" if !given(&args, "service") => {
                let args = self.held.hold(targets, &args);
                self.which(id, "service", str::to_owned, args)
            }
            "buffer.retention" if !given(&args, "hours") => {
                let title = format!("Keep the records of {} for how many hours?", service(&args));
                let args = self.held.hold(targets, &args);
                ask(title, id, "hours", args)
            }
            "buffer.compression" if !given(&args, "mode") => {
                let title = format!("How are the records of {} to be stored?", service(&args));
                let items: Vec<(&str, &str)> = MODES
                    .iter()
                    .map(|mode| (*mode, if *mode == "none" { "as they come" } else { "compressed" }))
                    .collect();
                let args = self.held.hold(targets, &args);
                choose(title, &items, id, "mode", args)
            }
            _ => intent(id, targets, args, cx),
        }
    }

    /// Asks which service of the appliance is to be restarted.
    pub(super) fn choose_restart(&self) -> Vec<Effect> {
        if self.services.open {
            return Vec::new();
        }
        let Some(source) = self.source() else { return Vec::new() };
        let canonical = |name: &str| Resource::new(NodeKind::Collector, name).canonical(&source);
        self.which("service.restart", "service", canonical, Args::new())
    }

    /// Asks to choose one of the services of the appliance under the cursor.
    fn which(
        &self,
        command: &'static str,
        arg: &'static str,
        value: impl Fn(&str) -> String,
        args: Args,
    ) -> Vec<Effect> {
        let own;
        let (source, services): (&str, Vec<(&str, String)>) = if self.services.open {
            let Some(row) = self.services.split.list.current() else { return Vec::new() };
            own = row.state.clone();
            (&row.source, vec![(own.name.as_str(), own.process.word().to_owned())])
        } else {
            let Some(row) = self.split.list.current() else { return Vec::new() };
            let words = |c: &crate::model::appliance::CollectorState| {
                format!("{}, process {}, data {}", c.collects, c.process.word(), c.flow.word())
            };
            let of_buffer = |c: &&crate::model::appliance::CollectorState| arg != "service" || !c.collects.is_empty();
            (&row.source, row.state.collectors.iter().filter(of_buffer).map(|c| (c.name.as_str(), words(c))).collect())
        };
        if services.is_empty() {
            return vec![toast(Level::Info, format!("nothing is known of the services of {source} yet"))];
        }
        let items = services.into_iter().map(|(name, words)| (value(name), format!("{name}: {words}"))).collect();
        vec![Effect::Choose(Choose {
            title: format!("Which service of {source}?"),
            items,
            selected: 0,
            command,
            arg,
            args,
        })]
    }
}

fn service(args: &Args) -> &str {
    args.get("service").map_or("", String::as_str)
}
