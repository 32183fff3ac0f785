//! The semantic tokens of a theme.

macro_rules! tokens {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// A meaning that has a style.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(usize)]
        pub enum Token { $($(#[$doc])* $variant,)* }

        impl Token {
            /// All tokens, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// Name in theme files and screen snapshots.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

tokens! {
    /// Ordinary text.
    Text = "text",
    /// Text of lesser weight.
    Dim = "dim",
    /// Text that stands out.
    Strong = "strong",
    /// Titles of panes and boxes.
    Title = "title",
    /// Lines around boxes.
    Border = "border",
    /// The line around the box with the keyboard.
    BorderFocus = "border.focus",
    /// Column headers.
    Header = "header",
    /// The row under the cursor.
    Cursor = "cursor",
    /// A marked row.
    Mark = "mark",
    /// Top bar.
    Bar = "bar",
    /// The pane shown, in the top bar.
    BarActive = "bar.active",
    /// Bottom bar.
    Status = "status",
    /// A key in hints and help.
    Key = "key",
    /// What a key does.
    KeyText = "key.text",
    /// A place matched by a search.
    Match = "match",
    /// Text being typed.
    Input = "input",
    /// What is wrong with it.
    InputError = "input.error",
    /// A completion or ghost text.
    Ghost = "ghost",
    /// Severity critical.
    Critical = "severity.critical",
    /// Severity major.
    Major = "severity.major",
    /// Severity minor.
    Minor = "severity.minor",
    /// Severity warning.
    Warning = "severity.warning",
    /// Severity indeterminate.
    Indeterminate = "severity.indeterminate",
    /// A cleared alarm.
    Cleared = "cleared",
    /// Not acknowledged.
    Unack = "unack",
    /// Works, up, active.
    Good = "state.good",
    /// Neither up nor down.
    Busy = "state.busy",
    /// Down, failed.
    Bad = "state.bad",
    /// Taken out of service.
    Off = "state.off",
    /// Data that is old because its source is silent.
    Stale = "stale",
    /// The read-only sign.
    ReadOnly = "read-only",
    /// Toasts.
    ToastGood = "toast.good",
    /// Toasts.
    ToastInfo = "toast.info",
    /// Toasts.
    ToastWarn = "toast.warn",
    /// Toasts.
    ToastError = "toast.error",
    /// Dialogs that ask.
    Dialog = "dialog",
    /// Dialogs that warn of damage.
    Danger = "danger",
    /// `N new` and other signs of arrival.
    New = "new",
    /// Scroll bar.
    Scroll = "scroll",
}

impl Token {
    /// The token of a severity.
    #[must_use]
    pub const fn severity(severity: crate::model::severity::Severity) -> Self {
        use crate::model::severity::Severity;
        match severity {
            Severity::Critical => Self::Critical,
            Severity::Major => Self::Major,
            Severity::Minor => Self::Minor,
            Severity::Warning => Self::Warning,
            Severity::Indeterminate => Self::Indeterminate,
        }
    }

    /// Finds a token by its name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|t| t.name() == name)
    }
}
