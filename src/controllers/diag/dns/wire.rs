//! DNS messages as bytes: the question we send, and whatever comes back.

use domain::base::iana::{Class, Rtype};
use domain::base::message_builder::MessageBuilder;
use domain::base::name::Name;
use domain::base::{Message, ParsedRecord};
use domain::rdata::AllRecordData;

use crate::model::diag::{DnsName, DnsRecord, DnsType};
use crate::model::text::clean;

/// Most records that are read of one answer.
const MAX_RECORDS: usize = 500;
/// Size of the answers that we take over UDP: what gets through without fragments (RFC 9715).
const UDP_SIZE: u16 = 1232;

/// What an answer says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// The server's code, with the bits that EDNS adds.
    pub code: u16,
    /// Whether it was cut short.
    pub truncated: bool,
    /// Whether the server is an authority.
    pub authoritative: bool,
    /// Whether the server verified it.
    pub verified: bool,
    /// The records of its answer section, cleaned.
    pub records: Vec<DnsRecord>,
}

impl Answer {
    /// Whether there is a record of this type.
    #[must_use]
    pub fn has(&self, kind: DnsType) -> bool {
        self.records.iter().any(|r| r.kind == kind.word())
    }
}

/// What bytes from a server are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// The answer to another question: somebody else's, or a forgery.
    NotOurs,
    /// Ours, and not readable: why.
    Broken(String),
    /// Ours.
    Answer(Answer),
}

fn name(name: &DnsName) -> Option<Name<Vec<u8>>> {
    name.as_str().parse().ok()
}

/// A question as bytes. `None` when the name has no form on the wire, which is longer than its text
/// by at most two bytes.
#[must_use]
pub fn question(id: u16, about: &DnsName, kind: DnsType, edns: bool) -> Option<Vec<u8>> {
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_id(id);
    builder.header_mut().set_rd(true);
    let mut builder = builder.question();
    builder.push((name(about)?, Rtype::from_int(kind.number()))).ok()?;
    let mut builder = builder.additional();
    if edns {
        let set = builder.opt(|opt| {
            opt.set_udp_payload_size(UDP_SIZE);
            Ok(())
        });
        set.ok()?;
    }
    Some(builder.finish())
}

/// Reads what a server sent.
#[must_use]
pub fn read(bytes: &[u8], id: u16, about: &DnsName, kind: DnsType) -> Read {
    let Ok(message) = Message::from_octets(bytes) else { return Read::NotOurs };
    let header = message.header();
    if header.id() != id || !header.qr() {
        return Read::NotOurs;
    }
    let code = message.opt_rcode().to_int();
    match message.sole_question() {
        Ok(q) => {
            let same = name(about).is_some_and(|n| n == *q.qname());
            if !same || q.qtype().to_int() != kind.number() || q.qclass() != Class::IN {
                return Read::NotOurs;
            }
        }
        // Servers that cannot read a question may send it back without it.
        Err(_) if code != 0 => {}
        Err(e) => return Read::Broken(format!("its question cannot be read: {e}")),
    }
    let mut answer =
        Answer { code, truncated: header.tc(), authoritative: header.aa(), verified: header.ad(), records: Vec::new() };
    let section = match message.answer() {
        Ok(section) => section,
        Err(_) if code != 0 => return Read::Answer(answer),
        Err(e) => return Read::Broken(format!("its answers cannot be read: {e}")),
    };
    for item in section.take(MAX_RECORDS) {
        match item.map_err(|e| e.to_string()).and_then(|r| record(&r)) {
            Ok(record) => answer.records.push(record),
            // What was cut short may end anywhere; it is asked for again over TCP.
            Err(_) if answer.truncated => break,
            Err(e) => return Read::Broken(format!("a record cannot be read: {e}")),
        }
    }
    Read::Answer(answer)
}

fn record(record: &ParsedRecord<'_, &[u8]>) -> Result<DnsRecord, String> {
    let whole = record.to_any_record::<AllRecordData<_, _>>().map_err(|e| e.to_string())?;
    let text = |what: &dyn std::fmt::Display| clean(&what.to_string()).into_owned();
    Ok(DnsRecord {
        owner: text(&whole.owner()),
        ttl_s: whole.ttl().as_secs(),
        kind: text(&whole.rtype()),
        value: text(&whole.data()),
    })
}

#[cfg(test)]
mod tests {
    use domain::rdata::{A, Cname, Txt};
    use proptest::prelude::*;

    use super::*;

    fn about() -> DnsName {
        DnsName::parse("www.example.net").unwrap()
    }

    fn reply(code: domain::base::iana::Rcode) -> Vec<u8> {
        let asked = question(7, &about(), DnsType::A, false).unwrap();
        let asked = Message::from_octets(asked).unwrap();
        let mut answer = MessageBuilder::new_vec().start_answer(&asked, code).unwrap();
        let (www, real): (Name<Vec<u8>>, Name<Vec<u8>>) =
            ("www.example.net".parse().unwrap(), "real.example.net".parse().unwrap());
        answer.push((&www, 300, Cname::new(&real))).unwrap();
        answer.push((&real, 60, A::from_octets(192, 0, 2, 7))).unwrap();
        answer.push((&real, 60, Txt::<Vec<u8>>::build_from_slice(b"a \x1b[2J text").unwrap())).unwrap();
        answer.finish()
    }

    #[test]
    fn answers_come_with_their_aliases_and_times_to_live() {
        let bytes = reply(domain::base::iana::Rcode::NOERROR);
        let Read::Answer(answer) = read(&bytes, 7, &about(), DnsType::A) else { panic!() };
        assert!(answer.has(DnsType::A) && answer.has(DnsType::Cname) && !answer.has(DnsType::Mx));
        let shown: Vec<_> =
            answer.records.iter().map(|r| format!("{} {} {} {}", r.owner, r.ttl_s, r.kind, r.value)).collect();
        assert_eq!(shown[0], "www.example.net 300 CNAME real.example.net.");
        assert_eq!(shown[1], "real.example.net 60 A 192.0.2.7");
        assert!(!shown[2].chars().any(char::is_control), "{:?}", shown[2]);
    }

    #[test]
    fn what_answers_another_question_is_not_ours() {
        let bytes = reply(domain::base::iana::Rcode::NOERROR);
        assert_eq!(read(&bytes, 8, &about(), DnsType::A), Read::NotOurs);
        assert_eq!(read(&bytes, 7, &about(), DnsType::Mx), Read::NotOurs);
        assert_eq!(read(&bytes, 7, &DnsName::parse("other.net").unwrap(), DnsType::A), Read::NotOurs);
        let own = question(7, &about(), DnsType::A, true).unwrap();
        assert_eq!(read(&own, 7, &about(), DnsType::A), Read::NotOurs, "a question is no answer");
        let upper = DnsName::parse("WWW.Example.NET").unwrap();
        assert!(matches!(read(&bytes, 7, &upper, DnsType::A), Read::Answer(_)), "case does not count");
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_none_act(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            cut in 0_usize..120,
            flips in proptest::collection::vec((0_usize..120, any::<u8>()), 0..4),
        ) {
            let mut changed = reply(domain::base::iana::Rcode::NOERROR);
            changed.truncate(cut.max(4));
            for (at, with) in flips {
                if let Some(b) = changed.get_mut(at) { *b = with; }
            }
            for message in [&bytes, &changed] {
                if let Read::Answer(a) = read(message, 7, &about(), DnsType::A) {
                    for r in a.records {
                        prop_assert!(!r.value.chars().chain(r.owner.chars()).any(char::is_control));
                    }
                }
            }
        }
    }
}
