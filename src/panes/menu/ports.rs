//! The ports that devices send to, what stands behind each, and moving them.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::app::ctx::{Ctx, ViewCtx};
use crate::app::effect::{Effect, Prompt};
use crate::model::appliance::ApplianceRow;
use crate::model::appliance::state::{CollectorState, PortCheck, PortState};
use crate::model::command::{Args, Targets};
use crate::model::page::Table;
use crate::model::resource::{NodeKind, Resource};
use crate::panes::verbs::{given, intent};
use crate::theme::Token;
use crate::ui::Paint;

/// Columns of the table: title and width.
const COLUMNS: [(&str, u16); 7] =
    [("Service", 16), ("Collects", 10), ("Public", 10), ("State", 12), ("Held by", 10), ("Inner", 7), ("State", 12)];

/// A line of the table.
pub(super) fn rows(row: Option<&ApplianceRow>) -> Vec<(&CollectorState, &PortState)> {
    row.map(|r| r.state.collectors.iter().flat_map(|c| c.ports.iter().map(move |p| (c, p))).collect())
        .unwrap_or_default()
}

const fn token(check: PortCheck) -> Token {
    match check {
        PortCheck::Listening => Token::Good,
        PortCheck::Closed => Token::Bad,
        PortCheck::NotChecked => Token::Off,
    }
}

/// Draws the page.
pub(super) fn draw(buf: &mut Buffer, area: Rect, row: Option<&ApplianceRow>, cursor: usize, cx: &ViewCtx<'_>) {
    let paint = Paint::new(cx.theme, cx.glyphs);
    paint.fill(buf, area, Token::Text);
    let found = rows(row);
    if found.is_empty() {
        let words = if row.is_some() {
            "Nobody tells the ports of this appliance: its config service is not among the settings of the source."
        } else {
            "Nothing has been heard of the appliance yet."
        };
        for (y, line) in (area.y + 1..area.bottom()).zip(crate::ui::paint::wrap(words, area.width.saturating_sub(4))) {
            paint.put(buf, (area.x + 2, y), area.width.saturating_sub(4), &line, Token::Text);
        }
        return;
    }
    let mut x = area.x + 2;
    for (title, width) in COLUMNS {
        paint.put(buf, (x, area.y), width.min(area.right().saturating_sub(x)), title, Token::Header);
        x += width;
    }
    let room = usize::from(area.height.saturating_sub(3)).max(1);
    let first = crate::ui::palette::first_row(cursor, room);
    for (i, (service, port)) in found.iter().enumerate().skip(first).take(room) {
        let y = area.y + 1 + u16::try_from(i - first).unwrap_or(0);
        if i == cursor {
            paint.put(buf, (area.x, y), 1, ">", Token::Strong);
        }
        let public = format!("{}/{}", port.public, if port.tcp { "tcp" } else { "udp" });
        let inner = port.inner.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let dead = port.relay_without_collector();
        let off = service.disabled;
        let cells: [(&str, Token); 7] = [
            (&service.name, if i == cursor { Token::Cursor } else { Token::Strong }),
            (&service.collects, Token::Text),
            (&public, Token::Text),
            if off { ("off", Token::Off) } else { (port.public_state.word(), token(port.public_state)) },
            (if port.holder.is_empty() { "-" } else { &port.holder }, Token::Text),
            (&inner, Token::Text),
            match (port.inner.is_some(), dead) {
                (false, _) => ("", Token::Text),
                (true, true) => ("DEAD RELAY", Token::Bad),
                (true, false) => (port.inner_state.word(), token(port.inner_state)),
            },
        ];
        let mut x = area.x + 2;
        for ((text, token), (_, width)) in cells.into_iter().zip(COLUMNS) {
            paint.put(buf, (x, y), (width - 1).min(area.right().saturating_sub(x)), text, token);
            x += width;
        }
    }
    if let Some((_, port)) = found.get(cursor).filter(|(_, port)| port.relay_without_collector()) {
        let words = format!(
            "Port {} takes data and nobody reads it: it is lost without an error. r restarts the service.",
            port.public
        );
        paint.put(buf, (area.x + 2, area.bottom() - 1), area.width.saturating_sub(3), &words, Token::Bad);
    }
}

/// The setting that a port of a shipped appliance comes from; `None` for others.
fn setting(service: &str, port: u16) -> Option<&'static str> {
    Some(match (service, port) {
        ("fluent-bit", _) => "collection.syslog.port",
        ("goflow2", 2055) => "collection.netflow.ports.netflow_v5",
        ("goflow2", 4739) => "collection.netflow.ports.ipfix",
        ("goflow2", 6343) => "collection.netflow.ports.sflow",
        ("telegraf", _) => "collection.snmp.trap_port",
        ("vector", _) => "collection.windows.port",
        _ => return None,
    })
}

/// Runs a command of the page.
pub(super) fn act(id: &str, args: &Args, row: Option<&ApplianceRow>, cursor: usize, cx: &Ctx) -> Vec<Effect> {
    let Some(row) = row else { return Vec::new() };
    let found = rows(Some(row));
    let Some((service, port)) = found.get(cursor) else { return Vec::new() };
    if id == "menu.port-restart" {
        let name = Resource::new(NodeKind::Collector, service.name.as_str()).canonical(&row.source);
        return intent("service.restart", Targets::Names(Table::Collectors, vec![name]), Args::new(), cx);
    }
    let (command, verb) =
        if id == "menu.port-move" { ("port.apply", "Move") } else { ("port.plan", "Check a move of") };
    if given(args, "set") {
        let set: Args = args.iter().filter(|(name, _)| *name == "set").map(|(n, v)| (n.clone(), v.clone())).collect();
        return intent(command, Targets::Names(Table::Appliances, vec![row.source.to_string()]), set, cx);
    }
    let initial = setting(&service.name, port.public).map_or_else(String::new, |s| format!("{s}={}", port.public));
    vec![Effect::Prompt(Prompt {
        title: format!("{verb} ports: setting=port, e.g. collection.syslog.port=1515"),
        initial,
        command: if id == "menu.port-move" { "menu.port-move" } else { "menu.port-check" },
        arg: "set",
        args: Args::new(),
    })]
}
