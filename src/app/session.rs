//! What is restored at the next start: the pane shown, each pane's own state, typed lines.

use serde::{Deserialize, Serialize};

use super::line::History;
use super::pane::PaneId;
use super::port::Request;
use super::state::App;

/// The name it is kept under.
pub const KEY: &str = "session";

#[derive(Debug, Serialize, Deserialize)]
struct Session {
    active: PaneId,
    panes: Vec<(PaneId, serde_json::Value)>,
}

impl App {
    /// Keeps the session.
    pub fn save_session(&mut self) {
        let session =
            Session { active: self.ctx.active, panes: self.panes.iter().map(|p| (p.id(), p.session())).collect() };
        if let Ok(value) = serde_json::to_string(&session) {
            self.backend.send(Request::Remember { key: KEY.into(), value });
        }
    }

    /// Takes the theme that an earlier run chose, when it still can be read.
    pub fn restore_theme(&mut self, chosen: Option<&str>) {
        let name = chosen.and_then(|c| serde_json::from_str::<String>(c).ok());
        if let Some(Ok(theme)) = name.map(|n| (self.settings.load_theme)(&n)) {
            self.theme = theme;
        }
    }

    /// Restores what an earlier run kept; what cannot be read is ignored.
    pub fn restore_session(&mut self, session: Option<&str>, history: Option<&str>) {
        if let Some(history) = history.and_then(|h| serde_json::from_str::<History>(h).ok()) {
            self.history = history;
        }
        let Some(session) = session.and_then(|s| serde_json::from_str::<Session>(s).ok()) else { return };
        self.ctx.active = session.active;
        for (id, state) in &session.panes {
            if let Some(pane) = self.panes.iter_mut().find(|p| p.id() == *id) {
                pane.restore(state);
            }
        }
    }
}
