//! What running a job needs of its controller: client, profiles, the file it loads, its secrets.
//! Made once a job is to do something, and again after a restart.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;

use crate::config::secret::SecretRef;
use crate::controllers::genieacs::client::Client;
use crate::controllers::genieacs::error::Error;
use crate::controllers::genieacs::map::FileDoc;
use crate::controllers::genieacs::profile::Profiles;
use crate::controllers::genieacs::wire::{Filter, Projection};
use crate::engine::job::Kind;
use crate::model::job::{Before, CpeVerb, Firmware, JobId, JobRequest, NewValue, SecretSource, Setting, Work};
use crate::workers::acs::AcsHandle;

use super::paths;
use super::runner::{Options, Shared};

/// Why a job cannot go on now.
#[derive(Debug)]
pub(super) enum Stop {
    /// It is wrong: it never begins.
    Refuse(String),
    /// Something is missing that an operator can give.
    Hold(String),
    /// The controller does not answer.
    Down(String),
}

impl Stop {
    /// A failed call: the controller's fault, or the request's.
    pub(super) fn call(error: &Error) -> Self {
        if error.what.counts_against_source() {
            Self::Down(error.what.words())
        } else {
            Self::Refuse(format!("{}: {}", error.call, error.what.words()))
        }
    }
}

/// Old values that are secrets: remembered by this process and written nowhere.
pub(super) type OldSecrets = Mutex<HashMap<(JobId, String, String), SecretString>>;

/// A device of a job that is rolled back.
#[derive(Debug, Clone)]
pub(super) struct Saved {
    /// Its place in that job's list.
    pub(super) index: u32,
    /// What it held.
    pub(super) before: Vec<Before>,
}

/// What running a job needs.
pub(super) struct Context {
    pub(super) job: JobId,
    pub(super) request: JobRequest,
    pub(super) kind: Kind,
    pub(super) acs: AcsHandle,
    pub(super) client: Client,
    pub(super) profiles: Arc<Profiles>,
    /// What of a document is needed.
    pub(super) projection: Projection,
    pub(super) secrets: HashMap<Setting, SecretString>,
    /// The file that it loads, as the controller describes it.
    pub(super) file: Option<FileDoc>,
    /// The devices of the job that it rolls back.
    pub(super) saved: HashMap<String, Saved>,
    pub(super) old_secrets: Arc<OldSecrets>,
    pub(super) options: Options,
    /// How far the controller's clock is ahead of ours, µs.
    skew: i64,
}

impl Context {
    /// How far the controller's clock is ahead of ours, µs; exact to about a second.
    pub(super) const fn skew(&self) -> i64 {
        self.skew
    }

    /// What is loaded, where something is.
    pub(super) const fn firmware(&self) -> Option<&Firmware> {
        match &self.request.work {
            Work::Firmware(file) | Work::Verb(CpeVerb::Push(file)) => Some(file),
            _ => None,
        }
    }

    /// The version that devices run afterwards.
    pub(super) fn version(&self) -> Option<&str> {
        let asked = self.firmware().and_then(|f| f.version.as_deref());
        asked.or_else(|| self.file.as_ref().map(FileDoc::version).filter(|v| !v.is_empty()))
    }

    pub(super) fn old_secrets(&self) -> MutexGuard<'_, HashMap<(JobId, String, String), SecretString>> {
        self.old_secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds all of it; file and secrets only have to be there when the job is to begin devices (`whole`).
pub(super) async fn make(
    shared: Arc<Shared>,
    job: JobId,
    request: JobRequest,
    saved: HashMap<String, Saved>,
    whole: bool,
) -> Result<Context, Stop> {
    let acs = source(&shared, &request.source).map_err(Stop::Refuse)?;
    let (client, profiles) = acs.tools().await.map_err(Stop::Down)?;
    let about = client.about().await.map_err(|e| Stop::call(&e))?;
    let skew = about.skew_us.unwrap_or(0);
    let file = match file(&client, &request.work).await {
        Err(Stop::Refuse(_)) if !whole => None,
        file => file?,
    };
    let typed = shared.typed().get(&job).cloned().unwrap_or_default();
    let wanted = request.clone();
    let read = crate::workers::blocking(move || secrets(&wanted.work, &typed));
    let secrets = match read.await.map_err(Stop::Hold)? {
        // A dry run writes nothing: it finds out without them.
        Err(_) if !whole || request.dry_run => HashMap::new(),
        secrets => secrets.map_err(Stop::Hold)?,
    };
    let raw = saved.values().flat_map(|s| &s.before).map(|b| b.path.clone());
    let projection = paths::projection(&request.work, &profiles, raw);
    Ok(Context {
        kind: Kind::of(&request.work),
        old_secrets: Arc::clone(&shared.old_secrets),
        options: shared.options,
        job,
        request,
        acs,
        client,
        profiles,
        projection,
        secrets,
        file,
        saved,
        skew,
    })
}

/// The controller of a job.
pub(super) fn source(shared: &Shared, name: &str) -> Result<AcsHandle, String> {
    let found = match name {
        "" => {
            let mut all = shared.sources.iter().filter_map(|s| s.genieacs());
            all.next().filter(|_| all.next().is_none())
        }
        name => shared.sources.get(name).and_then(|s| s.genieacs()),
    };
    found.cloned().ok_or_else(|| match name {
        "" => "there is no GenieACS source, or more than one: say which with `source`".to_owned(),
        name => format!("there is no GenieACS source {name} in this configuration"),
    })
}

/// The file of a job, as the controller has it.
async fn file(client: &Client, work: &Work) -> Result<Option<FileDoc>, Stop> {
    let (Work::Firmware(wanted) | Work::Verb(CpeVerb::Push(wanted))) = work else { return Ok(None) };
    let found = client.files(&Filter::id(&wanted.file)).await.map_err(|e| Stop::call(&e))?;
    let Some(file) = found.into_iter().next() else {
        return Err(Stop::Refuse(format!("the server has no file {}: upload it first", wanted.file)));
    };
    let said = !file.file_type().is_empty() && !wanted.file_type.is_empty();
    if said && file.file_type() != wanted.file_type {
        let (has, asked) = (file.file_type(), &wanted.file_type);
        return Err(Stop::Refuse(format!("the file {} is a `{has}`, not a `{asked}`", wanted.file)));
    }
    Ok(Some(file))
}

/// The values of all secrets; blocking.
fn secrets(work: &Work, typed: &[(Setting, SecretString)]) -> Result<HashMap<Setting, SecretString>, String> {
    let Work::Set(changes) = work else { return Ok(HashMap::new()) };
    let mut found = HashMap::new();
    for change in changes {
        let NewValue::Secret(source) = &change.value else { continue };
        let name = change.setting.name();
        let value = match source {
            SecretSource::Reference(text) => {
                let reference: SecretRef = text.parse().map_err(|e| format!("needs its secret {name} again: {e}"))?;
                reference.resolve().map_err(|e| format!("needs its secret {name} again: {e}"))?
            }
            SecretSource::Typed => match typed.iter().find(|(setting, _)| *setting == change.setting) {
                Some((_, value)) => value.clone(),
                None => return Err(format!("needs its secret again: {name} was typed, and noctule keeps no secrets")),
            },
            SecretSource::Lost => return Err(format!("the secret {name} is lost")),
        };
        found.insert(change.setting.clone(), value);
    }
    Ok(found)
}
