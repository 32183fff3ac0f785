//! The gate: the only place that decides whether a mutating command runs, is asked about, or is
//! refused. Keys, palette, `:` and `noctule run` all come through here, so none can forget it.

use crate::model::command::Targets;

use super::spec::{CommandSpec, Confirm, Mutates};

/// What the profile and the cache allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rights<'a> {
    /// Name of the profile.
    pub profile: &'a str,
    /// The profile refuses changes.
    pub read_only: bool,
    /// Why the noctule that owns the cache cannot be spoken to, when it is another one.
    pub cut_off: Option<&'a str>,
    /// What the console of an appliance puts before changes.
    pub bar: Bar<'a>,
}

/// What stands before changes on the console of an appliance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bar<'a> {
    /// Nothing.
    #[default]
    None,
    /// A PIN that has not been typed.
    Pin,
    /// There is no way past it, and why.
    Refuse(&'a str),
}

/// The gate's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// No, and why.
    Refuse(String),
    /// Yes.
    Run,
    /// Yes, once this has been answered with the plan on the screen.
    Ask(Confirm),
    /// Not before the PIN of the console has been typed; then decide again.
    AskPin,
}

/// Decides about a command on `targets`.
#[must_use]
pub fn decide(spec: &CommandSpec, targets: &Targets, rights: Rights<'_>) -> Decision {
    if spec.mutates == Mutates::Nothing {
        return Decision::Run;
    }
    if rights.read_only {
        return Decision::Refuse(format!(
            "{} changes things and profile `{}` is read-only: set read_only = false in [profile.{}], or use another profile",
            spec.id, rights.profile, rights.profile
        ));
    }
    if let Some(why) = rights.cut_off {
        return Decision::Refuse(format!("{} is not possible here and now: {why}", spec.id));
    }
    match rights.bar {
        Bar::None => {}
        Bar::Pin => return Decision::AskPin,
        Bar::Refuse(why) => return Decision::Refuse(format!("{} changes things: {why}", spec.title)),
    }
    match (spec.confirm, many(targets)) {
        (Confirm::None, false) => Decision::Run,
        (Confirm::None, true) => Decision::Ask(Confirm::YesNo),
        (level, _) => Decision::Ask(level),
    }
}

/// Whether more than one thing is meant, or an unknown number.
const fn many(targets: &Targets) -> bool {
    match targets {
        Targets::None => false,
        Targets::Rows(_, rows) => rows.len() > 1,
        Targets::Names(_, names) => names.len() > 1,
        Targets::Filter { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::spec::Context;
    use crate::model::ids::RowId;
    use crate::model::page::Table;

    fn spec(mutates: Mutates, confirm: Confirm) -> CommandSpec {
        CommandSpec { mutates, confirm, ..CommandSpec::view("x.y", "X", "x", Context::Global) }
    }

    #[test]
    fn read_only_refuses_changes_and_nothing_else() {
        let rights = Rights { profile: "noc", read_only: true, ..Rights::default() };
        for (mutates, runs) in [(Mutates::Nothing, true), (Mutates::Journal, false), (Mutates::Device, false)] {
            let decision = decide(&spec(mutates, Confirm::None), &Targets::None, rights);
            assert_eq!(decision == Decision::Run, runs, "{mutates:?}: {decision:?}");
        }
        let Decision::Refuse(why) = decide(&spec(Mutates::Journal, Confirm::None), &Targets::None, rights) else {
            panic!("not refused")
        };
        assert!(why.contains("noc") && why.contains("read_only = false"), "{why}");
    }

    #[test]
    fn several_targets_are_asked_about_even_without_a_level() {
        let one = Targets::Rows(Table::Alarms, vec![RowId(1)]);
        let two = Targets::Rows(Table::Alarms, vec![RowId(1), RowId(2)]);
        let ack = spec(Mutates::Journal, Confirm::None);
        assert_eq!(decide(&ack, &one, Rights::default()), Decision::Run);
        assert_eq!(decide(&ack, &two, Rights::default()), Decision::Ask(Confirm::YesNo));
        let delete = spec(Mutates::Device, Confirm::TypeName);
        assert_eq!(decide(&delete, &one, Rights::default()), Decision::Ask(Confirm::TypeName));
    }

    #[test]
    fn cut_off_from_the_owner_of_the_cache_nothing_is_changed() {
        let rights = Rights { profile: "noc", cut_off: Some("process 42 does not answer"), ..Rights::default() };
        let decision = decide(&spec(Mutates::Journal, Confirm::None), &Targets::None, rights);
        assert!(matches!(decision, Decision::Refuse(why) if why.contains("process 42 does not answer")));
        assert_eq!(decide(&spec(Mutates::Nothing, Confirm::None), &Targets::None, rights), Decision::Run);
    }

    #[test]
    fn a_locked_console_asks_for_its_pin_before_anything_else_is_asked() {
        let rights = Rights { profile: "rack", bar: Bar::Pin, ..Rights::default() };
        for confirm in [Confirm::None, Confirm::YesNo, Confirm::TypeName] {
            assert_eq!(decide(&spec(Mutates::Device, confirm), &Targets::None, rights), Decision::AskPin);
        }
        assert_eq!(decide(&spec(Mutates::Nothing, Confirm::None), &Targets::None, rights), Decision::Run);
        // Read-only says so; a PIN would not help.
        let read_only = Rights { read_only: true, ..rights };
        let decision = decide(&spec(Mutates::Device, Confirm::YesNo), &Targets::None, read_only);
        assert!(matches!(decision, Decision::Refuse(why) if why.contains("read-only")));
        let refused = Rights { bar: Bar::Refuse("no PIN is set"), ..rights };
        let decision = decide(&spec(Mutates::Journal, Confirm::None), &Targets::None, refused);
        assert!(matches!(decision, Decision::Refuse(why) if why.contains("no PIN is set")));
    }
}
