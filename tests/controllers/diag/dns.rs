//! Name servers that answer, fail, forge, cut short and say nothing.

use std::net::SocketAddr;
use std::time::Duration;

use domain::base::iana::{Rcode, Rtype};
use domain::base::name::Name;
use domain::base::{Message, MessageBuilder};
use domain::rdata::{A, Cname, Mx, Txt};
use noctule::model::diag::{
    DiagData, DiagRequest, DnsAnswer, DnsName, DnsOutcome, DnsRequest, DnsType, Host, Protocol, Verdict,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use super::ended;

fn name(text: &str) -> Name<Vec<u8>> {
    text.parse().unwrap()
}

/// What our server says to a question; `None` for nothing.
fn answer(question: &[u8], tcp: bool) -> Option<Vec<u8>> {
    let question = Message::from_octets(question).unwrap();
    let asked = question.sole_question().unwrap();
    let (about, kind) = (asked.qname().to_string(), asked.qtype());
    let start = |code| MessageBuilder::new_vec().start_answer(&question, code).unwrap();
    let mut reply = match about.as_str() {
        "nx.test" => return Some(start(Rcode::NXDOMAIN).finish()),
        "fail.test" => return Some(start(Rcode::SERVFAIL).finish()),
        "refused.test" => return Some(start(Rcode::REFUSED).finish()),
        "silent.test" => return None,
        "noedns.test" if question.opt().is_some() => return Some(start(Rcode::FORMERR).finish()),
        _ => start(Rcode::NOERROR),
    };
    match (about.as_str(), kind) {
        ("www.test", Rtype::A) => {
            reply.push((name("www.test"), 300, Cname::new(name("real.test")))).unwrap();
            reply.push((name("real.test"), 60, A::from_octets(192, 0, 2, 1))).unwrap();
        }
        ("www.test", Rtype::MX) => reply.push((name("www.test"), 60, Mx::new(10, name("mail.test")))).unwrap(),
        ("noedns.test", Rtype::A) => reply.push((name("noedns.test"), 60, A::from_octets(192, 0, 2, 2))).unwrap(),
        ("long.test", Rtype::TXT) if tcp => {
            for i in 0..80_u8 {
                let text = Txt::<Vec<u8>>::build_from_slice(&[b'a' + i % 26; 60]).unwrap();
                reply.push((name("long.test"), 60, text)).unwrap();
            }
        }
        ("long.test", _) => reply.header_mut().set_tc(true),
        _ => {}
    }
    Some(reply.finish())
}

/// Serves UDP and TCP on one port. Each answer comes after a forged one with another id.
async fn server(address: &str) -> SocketAddr {
    let (udp, tcp) = loop {
        let udp = UdpSocket::bind((address, 0)).await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            break (udp, tcp);
        }
    };
    let at = udp.local_addr().unwrap();
    tokio::spawn(async move {
        let mut buffer = [0; 2000];
        while let Ok((n, from)) = udp.recv_from(&mut buffer).await {
            if let Some(reply) = answer(&buffer[..n], false) {
                let mut forged = reply.clone();
                forged[0] ^= 0x55;
                forged[3] = 3;
                let _ = udp.send_to(&forged, from).await;
                let _ = udp.send_to(&reply, from).await;
            }
        }
    });
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = tcp.accept().await {
            let len = stream.read_u16().await.unwrap();
            let mut question = vec![0; len.into()];
            stream.read_exact(&mut question).await.unwrap();
            if let Some(reply) = answer(&question, true) {
                stream.write_u16(reply.len() as u16).await.unwrap();
                stream.write_all(&reply).await.unwrap();
            }
        }
    });
    at
}

async fn ask(server: SocketAddr, about: &str, types: &[DnsType]) -> (Verdict, Vec<DnsAnswer>) {
    let mut request = DnsRequest::new(DnsName::parse(about).unwrap());
    request.types = types.to_vec();
    request.server = Some((Host::parse(&server.ip().to_string()).unwrap(), server.port()));
    (request.timeout, request.attempts) = (Duration::from_millis(400), 2);
    let (result, _) = ended(DiagRequest::Dns(request)).await;
    let result = result.unwrap();
    let DiagData::Dns(answers) = &result.data else { panic!() };
    (result.verdict(), answers.clone())
}

#[tokio::test]
async fn records_come_by_type_with_aliases_and_times() {
    for address in super::BOTH {
        let at = server(address).await;
        let (verdict, answers) = ask(at, "www.test", &[DnsType::A, DnsType::Mx, DnsType::Aaaa]).await;
        assert_eq!(verdict, Verdict::Reached);
        let [a, mx, aaaa] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!(
            (&a.outcome, a.records.len(), a.server, a.protocol),
            (&DnsOutcome::Answered, 2, Some(at), Protocol::Udp)
        );
        assert_eq!((a.records[0].kind.as_str(), a.records[0].ttl_s), ("CNAME", 300));
        assert_eq!(a.records[1].value, "192.0.2.1");
        assert_eq!(mx.records[0].value, "10 mail.test.");
        assert_eq!(aaaa.outcome, DnsOutcome::NoData);
        assert!(answers.iter().all(|a| a.rtt_us.is_some() && a.tries == 1), "the forged answer was passed over");
    }
}

#[tokio::test]
async fn failures_are_told_apart() {
    let at = server("127.0.0.1").await;
    let cases = [
        ("nx.test", DnsOutcome::NxDomain, Verdict::Failed, 1),
        ("fail.test", DnsOutcome::ServFail, Verdict::Failed, 1),
        ("refused.test", DnsOutcome::Refused, Verdict::Failed, 1),
        ("silent.test", DnsOutcome::TimedOut, Verdict::Unreachable, 2),
        ("other.test", DnsOutcome::NoData, Verdict::Failed, 1),
        ("noedns.test", DnsOutcome::Answered, Verdict::Reached, 1),
    ];
    for (about, outcome, verdict, tries) in cases {
        let (said, answers) = ask(at, about, &[DnsType::A]).await;
        assert_eq!((said, &answers[0].outcome, answers[0].tries), (verdict, &outcome, tries), "{about}");
    }
    let gone = UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (verdict, answers) = ask(gone, "www.test", &[DnsType::A]).await;
    assert_eq!(verdict, Verdict::Unreachable);
    assert!(
        matches!(&answers[0].outcome, DnsOutcome::Unreachable(why) if why.contains("nothing listens")),
        "{answers:?}"
    );
}

#[tokio::test]
async fn an_answer_cut_short_is_asked_for_again_over_tcp() {
    let at = server("127.0.0.1").await;
    let (_, answers) = ask(at, "long.test", &[DnsType::Txt]).await;
    let answer = &answers[0];
    assert_eq!((answer.protocol, answer.truncated, answer.records.len()), (Protocol::Tcp, true, 80));
}
