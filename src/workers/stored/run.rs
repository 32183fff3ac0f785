//! Carries a change of what a server keeps out, and tells how it ended.

use crate::model::command::{Intent, Outcome};
use crate::model::text::clean;
use crate::workers::source::Sources;

use super::plan::{changed_meanwhile, kept};
use super::{StoredVerb, Wish, given};

/// Runs a command; with the canonical name of what it was about.
pub async fn run(sources: &Sources, intent: &Intent) -> (Vec<String>, Outcome) {
    let mut outcome = Outcome { command: intent.command.to_owned(), total: 1, ..Outcome::default() };
    let wish = match Wish::of(sources, intent) {
        Ok(wish) => wish,
        Err(why) => {
            outcome.summary.clone_from(&why);
            outcome.errors.push((intent.command.to_owned(), why));
            return (Vec::new(), outcome);
        }
    };
    let target = format!("{}/{}/{}", wish.server.name(), wish.verb.kind().word(), wish.name);
    match act(&wish, &intent.actor).await {
        Ok(words) => {
            outcome.done = 1;
            outcome.summary = clean(&words).into_owned();
        }
        Err(why) => {
            let mut why = clean(&why).into_owned();
            if let StoredVerb::Put(_, given) = &wish.verb {
                let kept = kept(given);
                if !why.ends_with(&kept) {
                    why.push_str(&kept);
                }
            }
            outcome.summary = format!("{} was not done", wish.verb.title());
            outcome.errors.push((clean(&target).into_owned(), why));
        }
    }
    (vec![target], outcome)
}

async fn act(wish: &Wish, actor: &str) -> Result<String, String> {
    let Wish { verb, name, server } = wish;
    match verb {
        StoredVerb::Put(kind, text) => {
            let new = given(*kind, &text.from).await?;
            let all = server.stored().await?;
            let old = all.iter().find(|s| s.kind == *kind && s.name == *name);
            changed_meanwhile(*kind, name, text, old)?;
            let words = server.put_stored(*kind, name, &new, old.map(|s| s.hash), actor).await?;
            if let Some(draft) = &text.draft
                && let Err(error) = tokio::fs::remove_file(draft).await
            {
                tracing::debug!(%error, "the draft of a text that was stored stays");
            }
            Ok(words)
        }
        StoredVerb::Upload(path, meta) => server.upload(path, name, meta, actor).await,
        StoredVerb::Delete(kind) => server.delete_stored(*kind, name, actor).await,
    }
}
