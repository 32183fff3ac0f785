//! The requests a consumer and a producer send, and their answers.
//!
//! Only versions without flexible fields are offered (but for `ApiVersions` 3, which clients try
//! first), so that librdkafka and rskafka both settle on what is written here.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::log::{Fetched, Topics};
use super::sasl::{Login, Mechanism, Step};
use super::wire::{Reader, WireError, Writer};

/// A consumer may ask to wait this long at most.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// Bytes in one fetch answer at most, whatever the consumer asks.
const LARGEST_FETCH: usize = 64 << 20;

/// API keys and the versions served.
const SERVED: [(i16, i16, i16); 9] = [
    (PRODUCE, 3, 7),
    (FETCH, 4, 4),
    (LIST_OFFSETS, 0, 3),
    (METADATA, 0, 4),
    (SASL_HANDSHAKE, 0, 1),
    (API_VERSIONS, 0, 3),
    (CREATE_TOPICS, 0, 4),
    (DELETE_TOPICS, 0, 3),
    (SASL_AUTHENTICATE, 0, 1),
];

const PRODUCE: i16 = 0;
const FETCH: i16 = 1;
const LIST_OFFSETS: i16 = 2;
const METADATA: i16 = 3;
const SASL_HANDSHAKE: i16 = 17;
const API_VERSIONS: i16 = 18;
const CREATE_TOPICS: i16 = 19;
const DELETE_TOPICS: i16 = 20;
const SASL_AUTHENTICATE: i16 = 36;

mod code {
    pub(super) const NONE: i16 = 0;
    pub(super) const OFFSET_OUT_OF_RANGE: i16 = 1;
    pub(super) const CORRUPT_MESSAGE: i16 = 2;
    pub(super) const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
    pub(super) const NOT_LEADER: i16 = 6;
    pub(super) const UNSUPPORTED_SASL_MECHANISM: i16 = 33;
    pub(super) const UNSUPPORTED_VERSION: i16 = 35;
    pub(super) const TOPIC_ALREADY_EXISTS: i16 = 36;
    pub(super) const SASL_AUTHENTICATION_FAILED: i16 = 58;
}

/// What all connections of a cluster share.
#[derive(Debug)]
pub(crate) struct Cluster {
    /// The data.
    pub(crate) topics: Topics,
    /// Port of each node on loopback, by node id.
    pub(crate) ports: Vec<u16>,
    /// Whether asking for an unknown topic creates it.
    pub(crate) auto_create: bool,
    /// User and password that SASL must prove; `None` = no login.
    pub(crate) login: Option<(String, String)>,
    /// Ways to log in that are offered.
    pub(crate) mechanisms: Vec<Mechanism>,
}

/// What one connection remembers.
#[derive(Debug)]
pub(crate) struct Session {
    cluster: Arc<Cluster>,
    node: i32,
    authenticated: bool,
    /// Since the handshake.
    login: Option<Login>,
}

/// What to do after a request.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Send this.
    Send(Bytes),
    /// The producer wants no answer (acks = 0).
    Nothing,
    /// Close the connection: not a request we can answer.
    Close,
}

struct Fetch {
    topic: String,
    partition: i32,
    offset: i64,
    max: usize,
}

impl Session {
    pub(crate) fn new(cluster: Arc<Cluster>, node: i32) -> Self {
        let authenticated = cluster.login.is_none();
        Self { cluster, node, authenticated, login: None }
    }

    /// Answers one request frame (without its length).
    pub(crate) async fn answer(&mut self, frame: Bytes) -> Reply {
        self.route(frame).await.unwrap_or(Reply::Close)
    }

    async fn route(&mut self, frame: Bytes) -> Result<Reply, WireError> {
        let mut r = Reader::new(frame);
        let (key, version, correlation) = (r.i16()?, r.i16()?, r.i32()?);
        r.nullable_string()?;
        let mut w = Writer::default();
        w.i32(correlation);
        let served = SERVED.iter().any(|(k, min, max)| *k == key && (*min..=*max).contains(&version));
        if key == API_VERSIONS {
            api_versions(&mut w, if served { version } else { 0 }, served);
            return Ok(Reply::Send(w.finish()));
        }
        let login = matches!(key, SASL_HANDSHAKE | SASL_AUTHENTICATE);
        if !served || (!self.authenticated && !login) {
            return Ok(Reply::Close);
        }
        match key {
            PRODUCE => {
                if !self.produce(&mut r, &mut w, version)? {
                    return Ok(Reply::Nothing);
                }
            }
            FETCH => self.fetch(&mut r, &mut w).await?,
            LIST_OFFSETS => self.list_offsets(&mut r, &mut w, version)?,
            METADATA => self.metadata(&mut r, &mut w, version)?,
            CREATE_TOPICS => self.create_topics(&mut r, &mut w, version)?,
            DELETE_TOPICS => self.delete_topics(&mut r, &mut w, version)?,
            SASL_HANDSHAKE => self.handshake(&mut r, &mut w)?,
            _ => self.authenticate(&mut r, &mut w, version)?,
        }
        Ok(Reply::Send(w.finish()))
    }

    fn metadata(&self, r: &mut Reader, w: &mut Writer, version: i16) -> Result<(), WireError> {
        let mut wanted = r.items(Reader::string)?;
        if version == 0 && wanted.as_ref().is_some_and(Vec::is_empty) {
            wanted = None;
        }
        let may_create = if version >= 4 { r.bool()? } else { true };
        if may_create && self.cluster.auto_create {
            for topic in wanted.iter().flatten() {
                self.cluster.topics.create(topic, 1);
            }
        }
        let known = self.cluster.topics.describe();
        if version >= 3 {
            w.i32(0);
        }
        let nodes: Vec<(usize, u16)> = self.cluster.ports.iter().copied().enumerate().collect();
        w.items(&nodes, |w, (id, port)| {
            w.i32(*id as i32).string("127.0.0.1").i32(i32::from(*port));
            if version >= 1 {
                w.null_string();
            }
        });
        if version >= 2 {
            w.string("noctule-sim");
        }
        if version >= 1 {
            w.i32(0);
        }
        let topics: Vec<(String, Option<&Vec<i32>>)> = match &wanted {
            None => known.iter().map(|(n, p)| (n.clone(), Some(p))).collect(),
            Some(names) => names
                .iter()
                .map(|n| (n.clone(), known.iter().find(|(name, _)| name == n).map(|(_, leaders)| leaders)))
                .collect(),
        };
        w.items(&topics, |w, (name, leaders)| {
            w.i16(if leaders.is_some() { code::NONE } else { code::UNKNOWN_TOPIC_OR_PARTITION }).string(name);
            if version >= 1 {
                w.bool(false);
            }
            let leaders: Vec<(usize, i32)> = leaders.iter().flat_map(|l| l.iter().copied()).enumerate().collect();
            w.items(&leaders, |w, (partition, leader)| {
                w.i16(code::NONE).i32(*partition as i32).i32(*leader);
                w.items(&[*leader], |w, id| {
                    w.i32(*id);
                });
                w.items(&[*leader], |w, id| {
                    w.i32(*id);
                });
            });
        });
        Ok(())
    }

    fn list_offsets(&self, r: &mut Reader, w: &mut Writer, version: i16) -> Result<(), WireError> {
        r.i32()?;
        if version >= 2 {
            r.i8()?;
            w.i32(0);
        }
        let topics = r.items(|r| {
            let topic = r.string()?;
            let partitions = r.items(|r| {
                let wanted = (r.i32()?, r.i64()?);
                if version == 0 {
                    r.i32()?;
                }
                Ok(wanted)
            })?;
            Ok((topic, partitions.unwrap_or_default()))
        })?;
        w.items(&topics.unwrap_or_default(), |w, (topic, partitions)| {
            w.string(topic).items(partitions, |w, (partition, time)| {
                w.i32(*partition);
                let found = self.cluster.topics.offset_at(topic, *partition, *time);
                w.i16(if found.is_some() { code::NONE } else { code::UNKNOWN_TOPIC_OR_PARTITION });
                let (time, offset) = found.unwrap_or((-1, -1));
                if version == 0 {
                    w.items(&[offset], |w, o| {
                        w.i64(*o);
                    });
                } else {
                    w.i64(time).i64(offset);
                }
            });
        });
        Ok(())
    }

    async fn fetch(&self, r: &mut Reader, w: &mut Writer) -> Result<(), WireError> {
        r.i32()?;
        let wait = Duration::from_millis(u64::try_from(r.i32()?).unwrap_or(0)).min(LONGEST_WAIT);
        let min = usize::try_from(r.i32()?).unwrap_or(0);
        let max = usize::try_from(r.i32()?).unwrap_or(0).min(LARGEST_FETCH);
        r.i8()?;
        let topics = r.items(|r| {
            let topic = r.string()?;
            let partitions = r.items(|r| {
                let (partition, offset, max) = (r.i32()?, r.i64()?, r.i32()?);
                let max = usize::try_from(max).unwrap_or(0);
                Ok(Fetch { topic: topic.clone(), partition, offset, max })
            })?;
            Ok((topic, partitions.unwrap_or_default()))
        })?;
        let topics = topics.unwrap_or_default();
        let deadline = Instant::now() + wait;
        let grown = self.cluster.topics.grown();
        let found = loop {
            let more = grown.notified();
            tokio::pin!(more);
            more.as_mut().enable();
            let (found, bytes, settled) = self.collect(&topics, max);
            if settled || bytes >= min.max(1) || tokio::time::timeout_at(deadline, more).await.is_err() {
                break found;
            }
        };
        w.i32(0);
        let mut found = found.into_iter();
        w.items(&topics, |w, (topic, partitions)| {
            w.string(topic).items(partitions, |w, wanted| {
                let (error, end, batches) = match found.next() {
                    Some(Fetched::Batches { end, batches }) => (code::NONE, end, batches),
                    Some(Fetched::OutOfRange { end }) => (code::OFFSET_OUT_OF_RANGE, end, Vec::new()),
                    Some(Fetched::NotLeader) => (code::NOT_LEADER, -1, Vec::new()),
                    _ => (code::UNKNOWN_TOPIC_OR_PARTITION, -1, Vec::new()),
                };
                w.i32(wanted.partition).i16(error).i64(end).i64(end).i32(-1).pieces(&batches);
            });
        });
        Ok(())
    }

    /// What there is now, its bytes, and whether an error makes waiting pointless.
    fn collect(&self, topics: &[(String, Vec<Fetch>)], max: usize) -> (Vec<Fetched>, usize, bool) {
        let (mut found, mut bytes, mut settled) = (Vec::new(), 0, false);
        for wanted in topics.iter().flat_map(|(_, partitions)| partitions) {
            let room = wanted.max.min(max.saturating_sub(bytes));
            let room = if bytes == 0 { room.max(1) } else { room };
            let one = self.cluster.topics.fetch(&wanted.topic, wanted.partition, self.node, wanted.offset, room);
            match &one {
                Fetched::Batches { batches, .. } => bytes += batches.iter().map(Bytes::len).sum::<usize>(),
                _ => settled = true,
            }
            found.push(one);
        }
        (found, bytes, settled)
    }

    /// False when the producer wants no answer.
    fn produce(&self, r: &mut Reader, w: &mut Writer, version: i16) -> Result<bool, WireError> {
        r.nullable_string()?;
        let acks = r.i16()?;
        r.i32()?;
        let topics = r.items(|r| {
            let topic = r.string()?;
            let partitions = r.items(|r| Ok((r.i32()?, r.nullable_bytes()?)))?;
            Ok((topic, partitions.unwrap_or_default()))
        })?;
        w.items(&topics.unwrap_or_default(), |w, (topic, partitions)| {
            w.string(topic).items(partitions, |w, (partition, data)| {
                let data = data.clone().unwrap_or_default();
                let (error, offset) = match self.cluster.topics.produce(topic, *partition, self.node, data) {
                    Ok(Some(offset)) => (code::NONE, offset),
                    Ok(None) => (code::NOT_LEADER, -1),
                    Err(_) => (code::CORRUPT_MESSAGE, -1),
                };
                w.i32(*partition).i16(error).i64(offset).i64(-1);
                if version >= 5 {
                    let first = usize::try_from(*partition).ok().and_then(|p| self.cluster.topics.range(topic, p));
                    w.i64(first.map_or(-1, |(start, _)| start));
                }
            });
        });
        w.i32(0);
        Ok(acks != 0)
    }

    fn create_topics(&self, r: &mut Reader, w: &mut Writer, version: i16) -> Result<(), WireError> {
        let topics = r.items(|r| {
            let name = r.string()?;
            let partitions = r.i32()?;
            r.i16()?;
            r.items(|r| {
                r.i32()?;
                r.items(Reader::i32)
            })?;
            r.items(|r| {
                r.string()?;
                r.nullable_string()
            })?;
            Ok((name, usize::try_from(partitions).unwrap_or(1)))
        })?;
        r.i32()?;
        let dry = version >= 1 && r.bool()?;
        if version >= 2 {
            w.i32(0);
        }
        w.items(&topics.unwrap_or_default(), |w, (name, partitions)| {
            let made = dry || self.cluster.topics.create(name, *partitions);
            w.string(name).i16(if made { code::NONE } else { code::TOPIC_ALREADY_EXISTS });
            if version >= 1 {
                w.null_string();
            }
        });
        Ok(())
    }

    fn delete_topics(&self, r: &mut Reader, w: &mut Writer, version: i16) -> Result<(), WireError> {
        let topics = r.items(Reader::string)?.unwrap_or_default();
        r.i32()?;
        if version >= 1 {
            w.i32(0);
        }
        w.items(&topics, |w, name| {
            let gone = self.cluster.topics.remove(name);
            w.string(name).i16(if gone { code::NONE } else { code::UNKNOWN_TOPIC_OR_PARTITION });
        });
        Ok(())
    }

    fn handshake(&mut self, r: &mut Reader, w: &mut Writer) -> Result<(), WireError> {
        let wanted = r.string()?;
        let offered = &self.cluster.mechanisms;
        self.login = offered.iter().find(|m| m.name() == wanted).map(|m| Login::new(*m));
        w.i16(if self.login.is_some() { code::NONE } else { code::UNSUPPORTED_SASL_MECHANISM });
        w.items(offered, |w, m| {
            w.string(m.name());
        });
        Ok(())
    }

    fn authenticate(&mut self, r: &mut Reader, w: &mut Writer, version: i16) -> Result<(), WireError> {
        let given = r.nullable_bytes()?.unwrap_or_default();
        let step = match (&self.cluster.login, &mut self.login) {
            (None, _) => Step::In(Vec::new()),
            (Some(_), None) => Step::Refused,
            (Some((user, password)), Some(login)) => login.step(&given, (user, password)),
        };
        self.authenticated = matches!(step, Step::In(_));
        let answer = match step {
            Step::Challenge(answer) | Step::In(answer) => {
                w.i16(code::NONE).null_string();
                answer
            }
            Step::Refused => {
                w.i16(code::SASL_AUTHENTICATION_FAILED).string("Authentication failed: invalid user or password");
                Vec::new()
            }
        };
        w.pieces(&[Bytes::from(answer)]);
        if version >= 1 {
            w.i64(0);
        }
        Ok(())
    }
}

fn api_versions(w: &mut Writer, version: i16, served: bool) {
    w.i16(if served { code::NONE } else { code::UNSUPPORTED_VERSION });
    if version >= 3 {
        w.uvarint(SERVED.len() as u64 + 1);
        for (key, min, max) in SERVED {
            w.i16(key).i16(min).i16(max).uvarint(0);
        }
    } else {
        w.items(&SERVED, |w, (key, min, max)| {
            w.i16(*key).i16(*min).i16(*max);
        });
    }
    if version >= 1 {
        w.i32(0);
    }
    if version >= 3 {
        w.uvarint(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn session() -> Session {
        let topics = Topics::new(1 << 20);
        topics.create("voltha.events", 2);
        Session::new(
            Arc::new(Cluster { topics, ports: vec![1], auto_create: false, login: None, mechanisms: Vec::new() }),
            0,
        )
    }

    fn ask(frame: Vec<u8>) -> Reply {
        let rt = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        rt.block_on(session().answer(Bytes::from(frame)))
    }

    #[test]
    fn an_unknown_version_of_api_versions_gets_the_list_in_version_0() {
        let mut w = Writer::default();
        w.i16(API_VERSIONS).i16(9).i32(7).null_string();
        let Reply::Send(answer) = ask(w.finish().to_vec()) else { panic!("no answer") };
        let mut r = Reader::new(answer);
        assert_eq!((r.i32(), r.i16()), (Ok(7), Ok(code::UNSUPPORTED_VERSION)));
        assert_eq!(r.items(|r| Ok((r.i16()?, r.i16()?, r.i16()?))).unwrap().unwrap().len(), SERVED.len());
    }

    proptest! {
        #[test]
        fn any_frame_is_survived(
            key in prop::sample::select(SERVED.to_vec()),
            tail in proptest::collection::vec(any::<u8>(), 0..120),
        ) {
            let mut w = Writer::default();
            w.i16(key.0).i16(key.2).i32(1).null_string().raw(&tail);
            let _ = ask(w.finish().to_vec());
        }
    }
}
