//! The PIN of an appliance's console: who stands before the rack may look at everything, and change
//! things only with it. Only a salted hash is kept in memory; comparing takes the same time whatever
//! was typed, and wrong tries cost more and more of it.

use std::fmt;
use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as B64;
use ring::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use ring::rand::{SecureRandom as _, SystemRandom};
use secrecy::{ExposeSecret as _, SecretString};

use crate::model::time::{MINUTE, SECOND, Ts};

/// What a hashed PIN begins with.
const PREFIX: &str = "pbkdf2-sha256$";
/// Rounds of a hash that is made here.
const ROUNDS: u32 = 60_000;
/// The most rounds that are accepted: more would hold the console up for seconds.
const MOST_ROUNDS: u32 = 2_000_000;
/// Characters of a PIN.
const LENGTH: std::ops::RangeInclusive<usize> = 4..=64;

/// Why a text is no PIN. Never quotes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPin {
    /// Too short, too long, or with signs that no keyboard at a rack has.
    #[error("a PIN has 4 to 64 letters and digits")]
    Form,
    /// It begins like a hash and is none.
    #[error("a hashed PIN is pbkdf2-sha256$ROUNDS$SALT$HASH; `noctule menu --hash-pin` makes one")]
    Hash,
    /// The system gave no random numbers.
    #[error("the system has no random numbers for the salt of the PIN")]
    Random,
}

/// A PIN, as its hash.
#[derive(Clone)]
pub struct Pin {
    rounds: NonZeroU32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

impl Pin {
    /// Reads a PIN in clear or hashed, as it stands behind a reference.
    ///
    /// # Errors
    /// It is neither.
    pub fn read(text: &SecretString) -> Result<Self, BadPin> {
        match text.expose_secret().strip_prefix(PREFIX) {
            Some(rest) => Self::parse(rest).ok_or(BadPin::Hash),
            None => Self::hash(text),
        }
    }

    fn parse(rest: &str) -> Option<Self> {
        let mut parts = rest.split('$');
        let rounds = parts.next()?.parse().ok().filter(|r: &NonZeroU32| r.get() <= MOST_ROUNDS)?;
        let salt = B64.decode(parts.next()?.trim_end_matches('=')).ok()?;
        let hash = B64.decode(parts.next()?.trim_end_matches('=')).ok()?;
        (parts.next().is_none() && salt.len() >= 8 && hash.len() == 32).then_some(Self { rounds, salt, hash })
    }

    /// Hashes a PIN with a salt of its own.
    ///
    /// # Errors
    /// It is none, or there are no random numbers.
    pub fn hash(clear: &SecretString) -> Result<Self, BadPin> {
        let clear = clear.expose_secret();
        if !LENGTH.contains(&clear.len()) || !clear.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(BadPin::Form);
        }
        let (mut salt, mut hash) = (vec![0; 16], vec![0; 32]);
        SystemRandom::new().fill(&mut salt).map_err(|_| BadPin::Random)?;
        let rounds = NonZeroU32::new(ROUNDS).unwrap_or(NonZeroU32::MIN);
        pbkdf2::derive(PBKDF2_HMAC_SHA256, rounds, &salt, clear.as_bytes(), &mut hash);
        Ok(Self { rounds, salt, hash })
    }

    /// As it is written into a file.
    #[must_use]
    pub fn written(&self) -> String {
        format!("{PREFIX}{}${}${}", self.rounds, B64.encode(&self.salt), B64.encode(&self.hash))
    }

    /// Whether this was typed, in a time that tells nothing.
    #[must_use]
    pub fn is(&self, typed: &SecretString) -> bool {
        let typed = typed.expose_secret().as_bytes();
        pbkdf2::verify(PBKDF2_HMAC_SHA256, self.rounds, &self.salt, typed, &self.hash).is_ok()
    }
}

/// What stands between a console and changes.
#[derive(Debug, Clone)]
pub enum Guarded {
    /// Nothing, by the configuration's express word.
    Open,
    /// A PIN.
    Pin(Pin),
    /// Nothing is set, or it cannot be read: then nothing is changed. Why, and what to do.
    Refused(String),
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Try {
    /// It was right: changes are let through until then.
    Unlocked(Ts),
    /// It was wrong, so often in a row, and the next try is taken then.
    Wrong(u32, Ts),
    /// It was not even looked at: the pause lasts until then.
    TooSoon(Ts),
}

/// The lock of a console.
#[derive(Debug, Clone)]
pub struct Lock {
    guarded: Guarded,
    /// How long it stays open, µs.
    lasts: i64,
    until: Ts,
    wrong: u32,
    again: Ts,
}

impl Lock {
    /// A locked lock that stays open for `minutes`.
    #[must_use]
    pub fn new(guarded: Guarded, minutes: u64) -> Self {
        let lasts = i64::try_from(minutes).unwrap_or(5).saturating_mul(MINUTE);
        Self { guarded, lasts, until: Ts::NEVER, wrong: 0, again: Ts::NEVER }
    }

    /// How the gate sees it.
    #[must_use]
    pub fn bar(&self, now: Ts) -> super::gate::Bar<'_> {
        match &self.guarded {
            Guarded::Open => super::gate::Bar::None,
            Guarded::Pin(_) if self.is_open(now) => super::gate::Bar::None,
            Guarded::Pin(_) => super::gate::Bar::Pin,
            Guarded::Refused(why) => super::gate::Bar::Refuse(why),
        }
    }

    /// Whether a PIN was typed and holds still.
    #[must_use]
    pub fn is_open(&self, now: Ts) -> bool {
        self.until.is_set() && now < self.until
    }

    /// When it locks by itself, while it is open.
    #[must_use]
    pub fn until(&self) -> Option<Ts> {
        self.until.is_set().then_some(self.until)
    }

    /// What is guarded, and how.
    #[must_use]
    pub const fn guarded(&self) -> &Guarded {
        &self.guarded
    }

    /// Until when no PIN is taken, when that is still to come.
    #[must_use]
    pub fn paused(&self, now: Ts) -> Option<Ts> {
        (self.again.is_set() && now < self.again).then_some(self.again)
    }

    /// Wrong tries in a row.
    #[must_use]
    pub const fn wrong(&self) -> u32 {
        self.wrong
    }

    /// Locks.
    pub const fn lock(&mut self) {
        self.until = Ts::NEVER;
    }

    /// Somebody typed a PIN.
    pub fn try_pin(&mut self, typed: &SecretString, now: Ts) -> Try {
        if let Some(again) = self.paused(now) {
            return Try::TooSoon(again);
        }
        match &self.guarded {
            Guarded::Pin(pin) if pin.is(typed) => {
                self.wrong = 0;
                self.again = Ts::NEVER;
                self.until = now.plus(self.lasts);
                Try::Unlocked(self.until)
            }
            _ => {
                self.wrong = self.wrong.saturating_add(1);
                self.again = now.plus(pause(self.wrong));
                Try::Wrong(self.wrong, self.again)
            }
        }
    }
}

/// How long after so many wrong tries in a row the next one is taken, µs: 1 s, 2 s, 4 s … 15 min.
/// Ten thousand PINs of four digits then take months.
const fn pause(wrong: u32) -> i64 {
    let doubled = if wrong > 10 { 1 << 10 } else { 1_i64 << wrong.saturating_sub(1) };
    let longest = 15 * MINUTE;
    let pause = doubled * SECOND;
    if pause > longest { longest } else { pause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text)
    }

    #[test]
    fn a_pin_is_read_in_clear_and_hashed_and_never_shown() {
        let pin = Pin::read(&secret("4711")).unwrap();
        let again = Pin::read(&secret(&pin.written())).unwrap();
        for pin in [&pin, &again] {
            assert!(pin.is(&secret("4711")) && !pin.is(&secret("4712")) && !pin.is(&secret("")));
        }
        assert_ne!(pin.written(), Pin::read(&secret("4711")).unwrap().written(), "a salt of its own");
        assert_eq!(format!("{pin:?} {:?}", Guarded::Pin(again)), "Pin(…) Pin(Pin(…))");
        for bad in ["123", "", "12 34", "12345ä"] {
            assert_eq!(Pin::read(&secret(bad)).unwrap_err(), BadPin::Form);
        }
        for bad in ["pbkdf2-sha256$", "pbkdf2-sha256$1$AA$AA", "pbkdf2-sha256$99999999$AAAAAAAAAAAA$x"] {
            assert_eq!(Pin::read(&secret(bad)).unwrap_err(), BadPin::Hash);
        }
    }

    #[test]
    fn wrong_tries_cost_more_and_more_and_a_right_one_opens_for_a_time() {
        let mut lock = Lock::new(Guarded::Pin(Pin::read(&secret("4711")).unwrap()), 5);
        let mut now = Ts(1_000 * SECOND);
        assert!(!lock.is_open(now));
        for (n, pause_s) in [(1, 1), (2, 2), (3, 4), (4, 8)] {
            let again = now.plus(pause_s * SECOND);
            assert_eq!(lock.try_pin(&secret("0000"), now), Try::Wrong(n, again));
            // Even the right one is not looked at in the pause.
            assert_eq!(lock.try_pin(&secret("4711"), now), Try::TooSoon(again));
            assert!(!lock.is_open(now));
            now = again;
        }
        let until = now.plus(5 * MINUTE);
        assert_eq!(lock.try_pin(&secret("4711"), now), Try::Unlocked(until));
        assert!(lock.is_open(now) && lock.is_open(Ts(until.0 - 1)) && !lock.is_open(until));
        assert_eq!(lock.wrong(), 0);
        lock.lock();
        assert!(!lock.is_open(now));
        assert_eq!((pause(30), pause(u32::MAX)), (15 * MINUTE, 15 * MINUTE));
    }
}
