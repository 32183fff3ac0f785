//! Logging in at the broker: PLAIN (RFC 4616) and SCRAM (RFC 5802, SHA-256 by RFC 7677, SHA-512 by
//! the same rules), the server's side.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ring::{digest, hmac, pbkdf2};

/// What RFC 7677 asks for at least, and what brokers use.
const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(4_095);
/// The longest message of a client that is looked at, bytes.
const LONGEST: usize = 4_096;

/// Ways to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// User and password in clear.
    Plain,
    /// Challenge and proof over SHA-256.
    ScramSha256,
    /// The same over SHA-512.
    ScramSha512,
}

impl Mechanism {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Plain, Self::ScramSha256, Self::ScramSha512];

    /// Its registered name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }

    const fn hash(self) -> Hash {
        match self {
            Self::ScramSha512 => Hash {
                digest: &digest::SHA512,
                hmac: hmac::HMAC_SHA512,
                pbkdf2: pbkdf2::PBKDF2_HMAC_SHA512,
                len: digest::SHA512_OUTPUT_LEN,
            },
            _ => Hash {
                digest: &digest::SHA256,
                hmac: hmac::HMAC_SHA256,
                pbkdf2: pbkdf2::PBKDF2_HMAC_SHA256,
                len: digest::SHA256_OUTPUT_LEN,
            },
        }
    }
}

struct Hash {
    digest: &'static digest::Algorithm,
    hmac: hmac::Algorithm,
    pbkdf2: pbkdf2::Algorithm,
    len: usize,
}

impl Hash {
    fn sign(&self, key: &[u8], message: &[u8]) -> hmac::Tag {
        hmac::sign(&hmac::Key::new(self.hmac, key), message)
    }
}

/// What to answer to one message of a login.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Go on with this.
    Challenge(Vec<u8>),
    /// They are in; the last word of the server.
    In(Vec<u8>),
    /// They are not.
    Refused,
}

/// A login under way.
#[derive(Debug)]
pub(super) struct Login {
    mechanism: Mechanism,
    sent: Option<Challenge>,
}

/// What the server has sent of a SCRAM exchange, and to what.
#[derive(Debug)]
struct Challenge {
    header: String,
    bare: String,
    nonce: String,
    salt: [u8; 16],
    message: String,
}

impl Login {
    pub(super) const fn new(mechanism: Mechanism) -> Self {
        Self { mechanism, sent: None }
    }

    /// Takes a message of the client in. `known` is the one user, with the password.
    pub(super) fn step(&mut self, message: &[u8], known: (&str, &str)) -> Step {
        if self.mechanism == Mechanism::Plain {
            return plain(message, known);
        }
        let text = std::str::from_utf8(message).ok().filter(|text| text.len() <= LONGEST);
        let answer = match self.sent.take() {
            None => text.and_then(|text| challenge(text, known.0)).map(|challenge| {
                let message = challenge.message.clone().into_bytes();
                self.sent = Some(challenge);
                Step::Challenge(message)
            }),
            Some(sent) => text.and_then(|text| prove(self.mechanism, &sent, text, known.1)).map(Step::In),
        };
        answer.unwrap_or(Step::Refused)
    }
}

/// PLAIN: authorisation id, NUL, user, NUL, password.
fn plain(message: &[u8], (user, password): (&str, &str)) -> Step {
    let mut parts = message.split(|b| *b == 0).skip(1);
    let given = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if given == (user.as_bytes(), password.as_bytes()) { Step::In(Vec::new()) } else { Step::Refused }
}

/// The client's first message: `n,,n=USER,r=NONCE`.
fn challenge(text: &str, user: &str) -> Option<Challenge> {
    let mut parts = text.splitn(3, ',');
    let (flag, authorise, bare) = (parts.next()?, parts.next()?, parts.next()?);
    if !matches!(flag, "n" | "y") {
        return None; // no channel is bound here
    }
    let mut fields = bare.split(',');
    let name = fields.next()?.strip_prefix("n=")?.replace("=2C", ",").replace("=3D", "=");
    let theirs = fields.next()?.strip_prefix("r=")?;
    if name != user || theirs.is_empty() {
        return None;
    }
    let salt = uuid::Uuid::new_v4().into_bytes();
    let nonce = format!("{theirs}{}", uuid::Uuid::new_v4().simple());
    let message = format!("r={nonce},s={},i={ROUNDS}", BASE64.encode(salt));
    Some(Challenge { header: format!("{flag},{authorise},"), bare: bare.to_owned(), nonce, salt, message })
}

/// The client's last message: `c=HEADER,r=NONCE,p=PROOF`. The server's own proof, when it is right.
fn prove(mechanism: Mechanism, sent: &Challenge, text: &str, password: &str) -> Option<Vec<u8>> {
    let (unproved, proof) = text.rsplit_once(",p=")?;
    let mut fields = unproved.split(',');
    let bound = BASE64.decode(fields.next()?.strip_prefix("c=")?).ok()?;
    let nonce = fields.next()?.strip_prefix("r=")?;
    if bound != sent.header.as_bytes() || nonce != sent.nonce {
        return None;
    }
    let hash = mechanism.hash();
    let mut salted = vec![0; hash.len];
    pbkdf2::derive(hash.pbkdf2, ROUNDS, &sent.salt, password.as_bytes(), &mut salted);
    let stored = digest::digest(hash.digest, hash.sign(&salted, b"Client Key").as_ref());
    let all = format!("{},{},{unproved}", sent.bare, sent.message);
    let signature = hash.sign(stored.as_ref(), all.as_bytes());
    let proof = BASE64.decode(proof).ok()?;
    let key: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
    if proof.len() != hash.len || digest::digest(hash.digest, &key).as_ref() != stored.as_ref() {
        return None;
    }
    let server = hash.sign(&salted, b"Server Key");
    let told = hash.sign(server.as_ref(), all.as_bytes());
    Some(format!("v={}", BASE64.encode(told)).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The exchange of RFC 7677 §3.
    #[test]
    fn the_example_of_the_standard_is_accepted() {
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        let sent = Challenge {
            header: "n,,".into(),
            bare: "n=user,r=rOprNGfwEbeRWgbNEkqO".into(),
            nonce: nonce.into(),
            salt: salt.try_into().unwrap(),
            message: format!("r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"),
        };
        let last = format!("c=biws,r={nonce},p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
        let proof = prove(Mechanism::ScramSha256, &sent, &last, "pencil").expect("accepted");
        assert_eq!(proof, b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
        assert_eq!(prove(Mechanism::ScramSha256, &sent, &last, "pen"), None);
        assert_eq!(prove(Mechanism::ScramSha512, &sent, &last, "pencil"), None);
    }

    #[test]
    fn what_is_no_login_is_refused() {
        for mechanism in Mechanism::ALL {
            for message in ["", "n,,", "n,,n=anna", "p=tls-unique,,n=anna,r=x", "n,,n=eve,r=x", "\0anna\0wrong"] {
                let step = Login::new(mechanism).step(message.as_bytes(), ("anna", "right"));
                assert_eq!(step, Step::Refused, "{mechanism:?} {message:?}");
            }
        }
        let mut login = Login::new(Mechanism::ScramSha256);
        assert!(matches!(login.step(b"n,,n=anna,r=abc", ("anna", "right")), Step::Challenge(_)));
        assert_eq!(login.step(b"c=biws,r=other,p=AAAA", ("anna", "right")), Step::Refused);
    }
}
