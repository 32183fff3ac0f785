//! Several noctule processes on one cache. One of them owns it: it writes, polls and runs jobs. The
//! others read the cache themselves and hand over what they want changed: the owner listens on a
//! Unix socket beside the cache ([`server`]), the others connect to it ([`client`]).
//!
//! The gate is that of the process at which somebody asked; the owner only has the hands. Both ends
//! belong to the same user, which the kernel is asked about (`SO_PEERCRED`) on both of them.

pub mod client;
pub mod server;
pub(super) mod socket;
#[cfg(test)]
mod tests;
pub mod wire;

use tokio_util::sync::CancellationToken;

use crate::model::command::{Intent, Outcome};
use crate::model::ids::ActionId;

use super::actions::{Executor, Progress};
pub use client::Client;
pub use socket::{Error, place};

/// What runs intents: our own executor, or the one of the process that owns the cache.
#[derive(Debug, Clone)]
pub enum Hands {
    /// We own the cache.
    Own(Executor),
    /// Another process does.
    Theirs(Client),
}

impl Hands {
    /// Runs an intent to its end, or until `stop`. As [`Executor::run`].
    pub async fn run(&self, intent: Intent, stop: &CancellationToken, progress: &dyn Progress) -> Outcome {
        match self {
            Self::Own(executor) => executor.run(intent, stop, progress).await,
            Self::Theirs(client) => {
                let command = intent.command;
                let ran = match read_here(intent).await {
                    Ok(intent) => client.run(&intent, stop, progress).await,
                    Err(error) => Err(error),
                };
                ran.unwrap_or_else(|error| undone(command, &error))
            }
        }
    }

    /// Takes a batch of actions back. As [`Executor::undo`].
    pub async fn undo(
        &self,
        batch: ActionId,
        actor: &str,
        stop: &CancellationToken,
        progress: &dyn Progress,
    ) -> Outcome {
        match self {
            Self::Own(executor) => executor.undo(batch, actor, stop, progress).await,
            Self::Theirs(client) => {
                client.undo(batch, actor, stop, progress).await.unwrap_or_else(|error| undone("undo", &error))
            }
        }
    }
}

/// A file that an argument names is one of ours: the owner may stand in another folder.
async fn read_here(mut intent: Intent) -> Result<Intent, Error> {
    let text = match intent.command {
        "cpe.job.create" | "cpe.job.try" => Some("request"),
        "vm.define" => Some("xml"),
        _ => None,
    };
    if let Some(text) = text {
        if let Some(path) = intent.args.remove("file") {
            let read = super::blocking(move || super::text_of(std::path::Path::new(&path))).await;
            intent.args.insert(text.to_owned(), read.and_then(|read| read).map_err(Error::File)?);
        }
    } else if matches!(intent.command.rsplit('.').next(), Some("put" | "upload")) {
        // Too big to travel: the owner reads it, under the name that holds everywhere.
        let absolute = intent.args.get("file").map(std::path::absolute);
        if let Some(Ok(path)) = absolute
            && let Some(path) = path.to_str()
        {
            intent.args.insert("file".to_owned(), path.to_owned());
        }
    }
    Ok(intent)
}

/// The outcome of what never began.
fn undone(command: &str, error: &Error) -> Outcome {
    let why = format!("nothing was done: {error}");
    Outcome {
        command: command.to_owned(),
        summary: why.clone(),
        errors: vec![(command.to_owned(), why)],
        ..Outcome::default()
    }
}
