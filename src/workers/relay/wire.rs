//! What travels on the socket: CBOR in frames with their length in front. Field numbers are the
//! protocol: append, never renumber. Whoever is at the other end is another noctule of the same
//! user, but its bytes are read as if they were not.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use minicbor::{Decode, Encode};
use tokio_util::codec::LengthDelimitedCodec;

use crate::model::command::{Args, Intent, Outcome, Targets};
use crate::model::ids::{ActionId, RowId};
use crate::model::job::JobId;
use crate::model::page::{Scope, Table};
use crate::model::query::Query;
use crate::model::time::Ts;

/// The version of what is said here. Both ends have to speak the same.
pub const PROTOCOL: u16 = 1;
/// The longest frame, bytes: 100,000 marked rows, or the text of a job over 50,000 devices.
pub const MAX_FRAME: usize = 4 << 20;

/// Said to the owner.
#[derive(Clone, PartialEq, Encode, Decode)]
pub enum Ask {
    /// The first frame.
    #[n(0)]
    Hello {
        /// [`PROTOCOL`] of the one who asks.
        #[n(0)]
        protocol: u16,
        /// Its process id.
        #[n(1)]
        pid: u32,
    },
    /// How it goes.
    #[n(1)]
    Status,
    /// Run an intent that the asker's gate has let through.
    #[n(2)]
    Run(#[n(0)] Wish),
    /// Take a batch of actions back.
    #[n(3)]
    Undo {
        /// Which.
        #[n(0)]
        batch: ActionId,
        /// On whose behalf.
        #[n(1)]
        actor: String,
    },
    /// End what runs for this connection.
    #[n(4)]
    Cancel,
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hello { protocol, pid } => write!(f, "Hello({protocol}, {pid})"),
            Self::Status => f.write_str("Status"),
            Self::Run(wish) => wish.fmt(f),
            Self::Undo { batch, actor } => write!(f, "Undo({batch}, {actor:?})"),
            Self::Cancel => f.write_str("Cancel"),
        }
    }
}

/// Said by the owner.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub enum Tell {
    /// The answer to [`Ask::Hello`].
    #[n(0)]
    Hello(#[n(0)] About),
    /// Nothing was done, and why.
    #[n(1)]
    Refused(#[n(0)] String),
    /// It has begun: whatever happens to the connection now, something may have been done.
    #[n(2)]
    Taken,
    /// How far it is; said again every few seconds as a sign of life.
    #[n(3)]
    Progress {
        /// Targets dealt with.
        #[n(0)]
        done: u64,
        /// Targets.
        #[n(1)]
        total: u64,
    },
    /// It has ended.
    #[n(4)]
    Outcome(#[n(0)] Ended),
    /// The answer to [`Ask::Status`].
    #[n(5)]
    Status(#[n(0)] Status),
}

/// Who the owner is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct About {
    /// [`PROTOCOL`] of the owner.
    #[n(0)]
    pub protocol: u16,
    /// Its version.
    #[n(1)]
    pub version: String,
    /// Its process id.
    #[n(2)]
    pub pid: u32,
    /// Since when it owns the cache.
    #[n(3)]
    pub since: Ts,
    /// What it is: `agent`, `console`, `run` …
    #[n(4)]
    pub role: String,
    /// Its profile.
    #[n(5)]
    pub profile: String,
}

/// How the owner does.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Status {
    /// Who it is.
    #[n(0)]
    pub about: About,
    /// The sources it polls.
    #[n(1)]
    pub sources: Vec<String>,
    /// The jobs that are not over.
    #[n(2)]
    pub jobs: Vec<JobLine>,
}

/// A job in a status.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct JobLine {
    /// Identity.
    #[n(0)]
    pub id: String,
    /// Name.
    #[n(1)]
    pub name: String,
    /// Where it stands.
    #[n(2)]
    pub phase: String,
    /// Devices that are through.
    #[n(3)]
    pub through: u32,
    /// Devices.
    #[n(4)]
    pub total: u32,
}

/// An [`Outcome`] on its way.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Ended {
    #[n(0)]
    command: String,
    #[n(1)]
    summary: String,
    #[n(2)]
    total: u64,
    #[n(3)]
    done: u64,
    #[n(4)]
    errors: Vec<Failed>,
    #[n(5)]
    undo: Option<ActionId>,
    #[n(6)]
    job: Option<JobId>,
}

/// A target and why it failed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct Failed {
    #[n(0)]
    target: String,
    #[n(1)]
    why: String,
}

impl From<Outcome> for Ended {
    fn from(outcome: Outcome) -> Self {
        let Outcome { command, summary, total, done, errors, undo, job } = outcome;
        let errors = errors.into_iter().map(|(target, why)| Failed { target, why }).collect();
        Self { command, summary, total, done, errors, undo, job }
    }
}

impl From<Ended> for Outcome {
    fn from(ended: Ended) -> Self {
        let Ended { command, summary, total, done, errors, undo, job } = ended;
        let errors = errors.into_iter().map(|f| (f.target, f.why)).collect();
        Self { command, summary, total, done, errors, undo, job }
    }
}

/// An [`Intent`] on its way. Its arguments may be secrets: they are shown nowhere.
#[derive(Clone, PartialEq, Encode, Decode)]
pub struct Wish {
    #[n(0)]
    command: String,
    #[n(1)]
    on: On,
    #[n(2)]
    args: Args,
    #[n(3)]
    actor: String,
}

impl fmt::Debug for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wish({:?} by {:?})", self.command, self.actor)
    }
}

/// [`Targets`] on their way.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
enum On {
    #[n(0)]
    Nothing,
    #[n(1)]
    Rows(#[n(0)] u8, #[n(1)] Vec<RowId>),
    #[n(2)]
    Names(#[n(0)] u8, #[n(1)] Vec<String>),
    #[n(3)]
    Filter {
        #[n(0)]
        table: u8,
        #[n(1)]
        scope: u8,
        /// As it was typed.
        #[n(2)]
        filter: Option<String>,
        #[n(3)]
        below: Option<RowId>,
        #[n(4)]
        except: Vec<RowId>,
    },
}

/// The number of a table: its place in [`Table::ALL`]. A new table does not compile before it has one.
const fn code_of(table: Table) -> u8 {
    match table {
        Table::Alarms => 0,
        Table::Nodes => 1,
        Table::Sources => 2,
        Table::Log => 3,
        Table::Cpes => 4,
        Table::Jobs => 5,
        Table::JobDevices => 6,
        Table::Faults => 7,
        Table::Stored => 8,
        Table::Appliances => 9,
        Table::Collectors => 10,
        Table::Vms => 11,
    }
}

/// Scopes by their numbers here.
const SCOPES: [Scope; 3] = [Scope::Open, Scope::Hidden, Scope::All];

fn number<T: PartialEq>(all: &[T], one: &T) -> u8 {
    all.iter().position(|t| t == one).and_then(|n| u8::try_from(n).ok()).unwrap_or(u8::MAX)
}

fn numbered<T: Copy>(all: &[T], n: u8, what: &str) -> Result<T, String> {
    all.get(usize::from(n)).copied().ok_or_else(|| format!("no {what} has the number {n}"))
}

impl From<&Intent> for Wish {
    fn from(intent: &Intent) -> Self {
        let on = match &intent.targets {
            Targets::None => On::Nothing,
            Targets::Rows(table, rows) => On::Rows(code_of(*table), rows.clone()),
            Targets::Names(table, names) => On::Names(code_of(*table), names.clone()),
            Targets::Filter { table, scope, filter, below, except } => On::Filter {
                table: code_of(*table),
                scope: number(&SCOPES, scope),
                filter: filter.as_ref().map(|q| q.text.clone()),
                below: *below,
                except: {
                    let mut rows: Vec<RowId> = except.iter().copied().collect();
                    rows.sort_unstable();
                    rows
                },
            },
        };
        Self { command: intent.command.to_owned(), on, args: intent.args.clone(), actor: intent.actor.clone() }
    }
}

impl Wish {
    /// The command asked for.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }

    /// On whose behalf.
    #[must_use]
    pub fn actor(&self) -> &str {
        &self.actor
    }

    /// The intent, for the command that `known` finds by its id.
    ///
    /// # Errors
    /// Why it cannot be one here, in words without its arguments.
    pub fn intent(self, known: impl FnOnce(&str) -> Option<&'static str>) -> Result<Intent, String> {
        let Some(command) = known(&self.command) else {
            return Err(format!(
                "this noctule has no command `{}`: the other one is of another version",
                crate::model::text::clean(&self.command)
            ));
        };
        let table = |n| numbered(&Table::ALL, n, "table");
        let targets = match self.on {
            On::Nothing => Targets::None,
            On::Rows(n, rows) => Targets::Rows(table(n)?, rows),
            On::Names(n, names) => Targets::Names(table(n)?, names),
            On::Filter { table: n, scope, filter, below, except } => {
                let table = table(n)?;
                let filter = match filter {
                    Some(text) => Some(Arc::new(Query::parse(&text, table).map_err(|e| e.to_string())?)),
                    None => None,
                };
                let scope = numbered(&SCOPES, scope, "scope")?;
                Targets::Filter { table, scope, filter, below, except: except.into_iter().collect::<HashSet<_>>() }
            }
        };
        Ok(Intent { command, targets, args: self.args, actor: self.actor })
    }
}

/// Frames of bounded length.
pub(super) fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().max_frame_length(MAX_FRAME).new_codec()
}

/// A message as the body of a frame; `None` when it is longer than a frame may be.
pub(in crate::workers) fn pack<T: Encode<()>>(message: &T) -> Option<bytes::Bytes> {
    let bytes = minicbor::to_vec(message).ok()?;
    (bytes.len() <= MAX_FRAME).then(|| bytes.into())
}

/// A message from the body of a frame; nothing may be left over.
pub(in crate::workers) fn unpack<T: for<'b> Decode<'b, ()>>(frame: &[u8]) -> Option<T> {
    let mut decoder = minicbor::Decoder::new(frame);
    let message = decoder.decode().ok()?;
    (decoder.position() == frame.len()).then_some(message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows() -> impl Strategy<Value = Vec<RowId>> {
        prop::collection::vec(any::<i64>().prop_map(RowId), 0..20)
    }

    #[test]
    fn every_table_has_its_place() {
        for (n, table) in (0..).zip(Table::ALL) {
            assert_eq!(code_of(table), n);
        }
    }

    fn targets() -> impl Strategy<Value = Targets> {
        let table = || prop::sample::select(Table::ALL.to_vec());
        let filter = prop::option::of(Just(Arc::new(Query::parse("online=offline -(tags:x)", Table::Cpes).unwrap())));
        let names = prop::collection::vec(".{0,20}", 0..5);
        prop_oneof![
            Just(Targets::None),
            (table(), rows()).prop_map(|(t, r)| Targets::Rows(t, r)),
            (table(), names).prop_map(|(t, n)| Targets::Names(t, n)),
            (prop::sample::select(SCOPES.to_vec()), filter, prop::option::of(any::<i64>().prop_map(RowId)), rows())
                .prop_map(|(scope, filter, below, except)| Targets::Filter {
                    table: Table::Cpes,
                    scope,
                    filter,
                    below,
                    except: except.into_iter().collect(),
                }),
        ]
    }

    proptest! {
        #[test]
        fn an_intent_arrives_as_it_left(
            targets in targets(),
            args in prop::collection::btree_map("[a-z]{1,8}", ".{0,30}", 0..4),
            actor in ".{0,12}",
        ) {
            let intent = Intent { command: "cpe.reboot", targets, args, actor };
            let frame = pack(&Ask::Run(Wish::from(&intent))).unwrap();
            let Some(Ask::Run(wish)) = unpack(&frame) else { panic!("no wish") };
            let known = |id: &str| (id == "cpe.reboot").then_some("cpe.reboot");
            prop_assert_eq!(wish.intent(known), Ok(intent));
        }

        #[test]
        fn hostile_bytes_are_no_message_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let asked: Option<Ask> = unpack(&bytes);
            let _ = asked.map(|ask| if let Ask::Run(wish) = ask { wish.intent(|_| Some("x")).is_ok() } else { false });
            let _: Option<Tell> = unpack(&bytes);
        }

        #[test]
        fn a_damaged_message_is_another_one_or_none(targets in targets(), at in any::<prop::sample::Index>(), bit in 0..8) {
            let intent = Intent { command: "cpe.reboot", targets, args: Args::new(), actor: "anna".into() };
            let mut frame = pack(&Ask::Run(Wish::from(&intent))).unwrap().to_vec();
            let at = at.index(frame.len());
            frame[at] ^= 1_u8 << bit;
            if let Some(Ask::Run(wish)) = unpack(&frame) {
                let _ = wish.intent(|_| Some("cpe.reboot"));
            }
        }
    }

    #[test]
    fn a_length_that_promises_more_than_there_is_takes_no_memory() {
        // An array and a text of 2^62 items each, with nothing behind.
        for head in [0x9b_u8, 0x7b, 0x5b, 0xbb] {
            let bytes = [&[0x82, 0x02, 0x81, 0x84, head][..], &(1_u64 << 62).to_be_bytes()].concat();
            assert_eq!(unpack::<Ask>(&bytes), None);
        }
    }

    #[test]
    fn arguments_are_not_shown() {
        let args = Args::from([("value".to_owned(), "s3cret".to_owned())]);
        let intent = Intent { command: "cpe.set", targets: Targets::None, args, actor: "anna".into() };
        let shown = format!("{:?}", Ask::Run(Wish::from(&intent)));
        assert!(shown.contains("cpe.set") && !shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn an_outcome_arrives_as_it_left() {
        let outcome = Outcome {
            command: "cpe.reboot".into(),
            summary: "rebooted 1 of 2 CPEs".into(),
            total: 2,
            done: 1,
            errors: vec![("acs-1/cpe/x".into(), "no answer".into())],
            undo: Some(ActionId([9; 16])),
            job: Some(JobId([3; 16])),
        };
        let frame = pack(&Tell::Outcome(outcome.clone().into())).unwrap();
        let Some(Tell::Outcome(ended)) = unpack(&frame) else { panic!("no outcome") };
        assert_eq!(Outcome::from(ended), outcome);
    }

    #[test]
    fn what_is_longer_than_a_frame_is_not_sent() {
        assert!(pack(&Tell::Refused("x".repeat(MAX_FRAME))).is_none());
    }
}
