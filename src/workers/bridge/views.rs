//! Values of the user interface in the store: the session, histories, saved views. Each profile
//! has its own.

use std::sync::{Mutex, PoisonError};

use crate::app::effect::SavedView;
use crate::model::order;
use crate::store::Store;

/// The store's key of a value of the user interface.
#[must_use]
pub fn ui_key(profile: &str, key: &str) -> String {
    format!("ui/{profile}/{key}")
}

/// A value of the user interface kept by an earlier session; `None` when there is none or it
/// cannot be read (which is logged: a lost cursor position is no reason not to start).
#[must_use]
pub fn recall(store: &Store, profile: &str, key: &str) -> Option<String> {
    store.recall(&ui_key(profile, key)).unwrap_or_else(|error| {
        tracing::warn!(%key, %error, "kept value cannot be read");
        None
    })
}

/// The saved views of a profile.
#[derive(Debug)]
pub(super) struct Views {
    profile: String,
    views: Mutex<Vec<SavedView>>,
}

impl Views {
    /// Those kept by earlier sessions. What does not read as a list of views is left out and logged.
    pub(super) fn load(store: &Store, profile: &str) -> Self {
        let views = recall(store, profile, "views").map_or_else(Vec::new, |text| {
            serde_json::from_str(&text).unwrap_or_else(|error| {
                tracing::warn!(%error, "saved views cannot be read");
                Vec::new()
            })
        });
        Self { profile: profile.to_owned(), views: Mutex::new(views) }
    }

    pub(super) fn all(&self) -> Vec<SavedView> {
        self.views.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps a view, in place of one of the same name.
    pub(super) fn save(&self, store: &Store, view: SavedView) -> Vec<SavedView> {
        self.change(store, |views| {
            views.retain(|v| !same(v, &view));
            views.push(view);
            order::by(views, |a, b| (a.pane, &a.name).cmp(&(b.pane, &b.name)));
        })
    }

    pub(super) fn drop_view(&self, store: &Store, view: &SavedView) -> Vec<SavedView> {
        self.change(store, |views| views.retain(|v| !same(v, view)))
    }

    fn change(&self, store: &Store, change: impl FnOnce(&mut Vec<SavedView>)) -> Vec<SavedView> {
        let mut views = self.views.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut views);
        match serde_json::to_string(&*views) {
            Ok(text) => store.remember(&ui_key(&self.profile, "views"), &text),
            Err(error) => tracing::warn!(%error, "views cannot be kept"),
        }
        views.clone()
    }
}

/// Whether two views are of one list and have one name.
fn same(a: &SavedView, b: &SavedView) -> bool {
    (a.pane, &a.list, &a.name) == (b.pane, &b.list, &b.name)
}
