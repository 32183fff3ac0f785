//! Who looks at a console and who types into it: one control token, never two. Pure, with the time as
//! an argument.
//!
//! Who opened the console holds the token first. Others ask for it; it moves when its holder hands it
//! over, gives it back, leaves, or has not typed for so long that the next in the queue may have it.

use std::time::Duration;

use tokio::time::Instant;

/// A member, as long as it is there.
pub(in crate::workers::console) type Member = u64;

/// Somebody who looks.
#[derive(Debug, Clone)]
struct Someone {
    id: Member,
    name: String,
    /// Never types: its profile is read-only.
    looks_only: bool,
}

/// Something that was done, for the log and for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::workers::console) enum Done {
    /// Came to look.
    Joined(String),
    /// Went.
    Left(String),
    /// Asks for control.
    Asks(String),
    /// Has control from now on.
    Took(String),
    /// Had control, and nobody has it now.
    Freed(String),
}

impl Done {
    /// What they did, for a row of the log.
    pub(in crate::workers::console) const fn words(&self) -> &'static str {
        match self {
            Self::Joined(_) => "looks at it",
            Self::Left(_) => "left",
            Self::Asks(_) => "asks for control",
            Self::Took(_) => "has control",
            Self::Freed(_) => "no longer has control, nobody has",
        }
    }

    /// Who did it.
    pub(in crate::workers::console) fn who(&self) -> &str {
        match self {
            Self::Joined(who) | Self::Left(who) | Self::Asks(who) | Self::Took(who) | Self::Freed(who) => who,
        }
    }
}

/// Everybody at a console.
#[derive(Debug)]
pub(super) struct Control {
    everybody: Vec<Someone>,
    holder: Option<Member>,
    /// Who asks, in the order of asking.
    asking: Vec<Member>,
    /// When the holder typed last, or got the token.
    typed: Instant,
    idle: Duration,
}

impl Control {
    /// Nobody yet; a holder that does not type for `idle` loses control to whoever asks.
    pub(super) fn new(idle: Duration, now: Instant) -> Self {
        Self { everybody: Vec::new(), holder: None, asking: Vec::new(), typed: now, idle }
    }

    fn find(&self, id: Member) -> Option<&Someone> {
        self.everybody.iter().find(|s| s.id == id)
    }

    fn name(&self, id: Member) -> String {
        self.find(id).map(|s| s.name.clone()).unwrap_or_default()
    }

    /// Names, in the order they came.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.everybody.iter().map(|s| s.name.as_str())
    }

    /// Who has control.
    pub(super) const fn holder(&self) -> Option<Member> {
        self.holder
    }

    /// The name of who has control.
    pub(super) fn holder_name(&self) -> Option<String> {
        self.holder.map(|id| self.name(id))
    }

    /// The name of the first who asks.
    pub(super) fn wants(&self) -> Option<String> {
        self.asking.first().map(|id| self.name(*id))
    }

    fn give(&mut self, id: Member, now: Instant, done: &mut Vec<Done>) {
        self.asking.retain(|a| *a != id);
        self.holder = Some(id);
        self.typed = now;
        done.push(Done::Took(self.name(id)));
    }

    /// The holder has it no longer: the first who asks gets it.
    fn free(&mut self, name: String, now: Instant, done: &mut Vec<Done>) {
        self.holder = None;
        match self.asking.first().copied() {
            Some(next) => self.give(next, now, done),
            None => done.push(Done::Freed(name)),
        }
    }

    /// Somebody comes.
    pub(super) fn join(&mut self, id: Member, name: String, looks_only: bool) -> Vec<Done> {
        if self.find(id).is_some() {
            return Vec::new();
        }
        self.everybody.push(Someone { id, name: name.clone(), looks_only });
        vec![Done::Joined(name)]
    }

    /// Somebody goes.
    pub(super) fn leave(&mut self, id: Member, now: Instant) -> Vec<Done> {
        let Some(at) = self.everybody.iter().position(|s| s.id == id) else { return Vec::new() };
        let gone = self.everybody.remove(at);
        self.asking.retain(|a| *a != id);
        let mut done = vec![Done::Left(gone.name.clone())];
        if self.holder == Some(id) {
            self.free(gone.name, now, &mut done);
        }
        done
    }

    /// Somebody asks for control. It is there at once where nobody has it, or its holder has been idle.
    ///
    /// # Errors
    /// Why not, in words for who asked.
    pub(super) fn request(&mut self, id: Member, now: Instant) -> Result<Vec<Done>, &'static str> {
        let Some(someone) = self.find(id) else { return Ok(Vec::new()) };
        if someone.looks_only {
            return Err("your profile is read-only: the console is only looked at");
        }
        if self.holder == Some(id) {
            return Ok(Vec::new());
        }
        let mut done = Vec::new();
        if self.holder.is_none() {
            self.give(id, now, &mut done);
        } else if !self.asking.contains(&id) {
            self.asking.push(id);
            done.push(Done::Asks(self.name(id)));
            done.append(&mut self.expire(now));
        }
        Ok(done)
    }

    /// Somebody gives control back, or no longer asks for it.
    pub(super) fn release(&mut self, id: Member, now: Instant) -> Vec<Done> {
        let mut done = Vec::new();
        self.asking.retain(|a| *a != id);
        if self.holder == Some(id) {
            self.free(self.name(id), now, &mut done);
        }
        done
    }

    /// The holder gives control to the first who asks.
    ///
    /// # Errors
    /// Why not, in words for who did it.
    pub(super) fn hand_over(&mut self, id: Member, now: Instant) -> Result<Vec<Done>, &'static str> {
        if self.holder != Some(id) {
            return Err("you do not have control: there is nothing to hand over");
        }
        let next = self.asking.first().copied().ok_or("nobody asks for control")?;
        let mut done = Vec::new();
        self.give(next, now, &mut done);
        Ok(done)
    }

    /// Somebody types: whether it may. Who is alone takes control by typing.
    ///
    /// # Errors
    /// Why not, in words for who typed.
    pub(super) fn types(&mut self, id: Member, now: Instant) -> Result<Vec<Done>, String> {
        if self.holder == Some(id) {
            self.typed = now;
            return Ok(Vec::new());
        }
        match self.find(id) {
            Some(someone) if someone.looks_only => {
                Err("your profile is read-only: the console is only looked at".to_owned())
            }
            Some(_) if self.holder.is_none() && self.everybody.len() == 1 => {
                let mut done = Vec::new();
                self.give(id, now, &mut done);
                Ok(done)
            }
            _ => {
                let who = self.holder_name();
                let who = who.map_or_else(|| "nobody has control".to_owned(), |who| format!("{who} has control"));
                Err(format!("{who}: what you typed was not sent"))
            }
        }
    }

    /// Time has passed: a holder that does not type loses control, unless it is alone.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<Done> {
        let mut done = Vec::new();
        if let (Some(id), Some(due)) = (self.holder, self.due())
            && due <= now
        {
            self.free(self.name(id), now, &mut done);
        }
        done
    }

    /// When the holder loses control if it does not type until then.
    pub(super) fn due(&self) -> Option<Instant> {
        (self.holder.is_some() && self.everybody.len() > 1).then(|| self.typed + self.idle)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const IDLE: Duration = Duration::from_secs(60);

    #[derive(Debug, Clone, Copy)]
    enum Act {
        Join(Member, bool),
        Leave(Member),
        Request(Member),
        Release(Member),
        HandOver(Member),
        Type(Member),
        Wait(u64),
    }

    fn act() -> impl Strategy<Value = Act> {
        let who = || 0_u64..5;
        prop_oneof![
            (who(), any::<bool>()).prop_map(|(m, only)| Act::Join(m, only)),
            who().prop_map(Act::Leave),
            who().prop_map(Act::Request),
            who().prop_map(Act::Release),
            who().prop_map(Act::HandOver),
            who().prop_map(Act::Type),
            (0_u64..90).prop_map(Act::Wait),
        ]
    }

    proptest! {
        #[test]
        fn there_is_one_holder_at_most_and_nobody_steals(acts in prop::collection::vec(act(), 0..80)) {
            let mut now = Instant::now();
            let mut control = Control::new(IDLE, now);
            let mut idle_since = now;
            for act in acts {
                let (before, asked) = (control.holder(), control.asking.clone());
                let mut accepted = None;
                let done = match act {
                    Act::Join(m, only) => control.join(m, m.to_string(), only),
                    Act::Leave(m) => control.leave(m, now),
                    Act::Request(m) => control.request(m, now).unwrap_or_default(),
                    Act::Release(m) => control.release(m, now),
                    Act::HandOver(m) => control.hand_over(m, now).unwrap_or_default(),
                    Act::Type(m) => {
                        let typed = control.types(m, now);
                        accepted = typed.is_ok().then_some(m);
                        typed.unwrap_or_default()
                    }
                    Act::Wait(s) => {
                        now += Duration::from_secs(s);
                        control.expire(now)
                    }
                };
                let after = control.holder();
                // Each change of hands is told, in the order it happened, and nothing else is.
                let told = done.iter().filter(|d| matches!(d, Done::Took(_) | Done::Freed(_))).count();
                prop_assert_eq!(told, usize::from(before != after), "{:?} {:?}", act, done);
                // Who holds it is there and may type; who asks is there, too, and does not hold it.
                if let Some(id) = after {
                    prop_assert!(control.find(id).is_some_and(|s| !s.looks_only));
                    prop_assert!(!control.asking.contains(&id));
                }
                for id in &control.asking {
                    prop_assert!(control.find(*id).is_some_and(|s| !s.looks_only));
                }
                // It is only ever taken from who gives it, leaves or sleeps.
                if let (Some(had), true) = (before, before != after) {
                    let gave = matches!(act, Act::Leave(m) | Act::Release(m) | Act::HandOver(m) if m == had);
                    prop_assert!(gave || now >= idle_since + IDLE, "{act:?}");
                    // The first who asked gets it.
                    let asked = asked.iter().copied().chain(match act { Act::Request(m) => Some(m), _ => None });
                    prop_assert_eq!(after, asked.into_iter().find(|m| *m != had));
                }
                // What is typed goes to the guest from the holder alone.
                if let Some(id) = accepted {
                    prop_assert_eq!(after, Some(id));
                }
                if before != after || accepted.is_some() {
                    idle_since = now;
                }
            }
        }
    }

    fn three() -> (Control, Instant) {
        let now = Instant::now();
        let mut control = Control::new(IDLE, now);
        for (id, name) in ["anna", "ben", "carla"].into_iter().enumerate() {
            control.join(id as u64, name.into(), name == "carla");
        }
        control.request(0, now).unwrap();
        (control, now)
    }

    #[test]
    fn it_is_asked_for_and_handed_over() {
        let (mut control, now) = three();
        assert_eq!(control.hand_over(0, now), Err("nobody asks for control"));
        assert_eq!(control.types(1, now).unwrap_err(), "anna has control: what you typed was not sent");
        assert_eq!(control.request(1, now).unwrap(), [Done::Asks("ben".into())]);
        assert_eq!(control.wants().as_deref(), Some("ben"));
        assert!(control.request(2, now).unwrap_err().contains("read-only"));
        assert!(control.hand_over(1, now).is_err(), "only who has it hands it over");
        assert_eq!(control.hand_over(0, now).unwrap(), [Done::Took("ben".into())]);
        assert!(control.types(0, now).is_err() && control.types(1, now).is_ok());
    }

    #[test]
    fn who_does_not_type_loses_it_to_who_asks() {
        let (mut control, now) = three();
        let later = now + IDLE;
        assert_eq!(control.expire(later - Duration::from_millis(1)), []);
        control.types(0, now + IDLE / 2).unwrap();
        assert_eq!(control.expire(later), [], "typing keeps it");
        assert_eq!(control.request(1, later).unwrap(), [Done::Asks("ben".into())]);
        assert_eq!(control.expire(later + IDLE), [Done::Took("ben".into())]);
        let mut alone = Control::new(IDLE, now);
        alone.join(7, "dora".into(), false);
        assert_eq!(alone.types(7, now).unwrap(), [Done::Took("dora".into())]);
        assert_eq!(alone.due(), None, "nobody else could have it");
    }
}
