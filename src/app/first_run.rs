//! The first screen of a run without configuration: the demo, or a first source, whose connection
//! is tested before it is saved.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;

use crate::theme::{Glyphs, Theme, Token};
use crate::ui::form::{Field, Form};
use crate::ui::fuzzy::Hit;
use crate::ui::{Paint, choose};

use super::line::Line;

/// What a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DraftKind {
    /// A VOLTHA stack.
    #[default]
    Voltha,
    /// A GenieACS.
    Genieacs,
    /// An Alertmanager.
    Alertmanager,
    /// A Prometheus.
    Prometheus,
    /// A NoC Raven.
    Raven,
}

/// A source as typed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Draft {
    /// What it is.
    pub kind: DraftKind,
    /// Name.
    pub name: String,
    /// Address of `rw_core`, or of the northbound interface.
    pub address: String,
    /// Brokers, separated by commas; empty for none.
    pub kafka: String,
    /// Topic.
    pub topic: String,
    /// Address of the file server; empty for none.
    pub fs: String,
    /// Address of the config service of an appliance; empty for none.
    pub config: String,
    /// The SSH host before an appliance; empty for none.
    pub ssh: String,
    /// Address of the Prometheus behind an Alertmanager; empty for none.
    pub prometheus: String,
    /// PEM file of the authority, for https; empty for the system's.
    pub ca: String,
}

/// What the screen wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Stay,
    /// Start the demo.
    Demo,
    /// Try the connection; answer with [`FirstRun::tested`].
    Test(Draft),
    /// Save it and start.
    Save(Draft),
    /// Leave.
    Quit,
}

type Labels = &'static [(&'static str, &'static str)];

const VOLTHA: Labels = &[
    ("Name", "shown everywhere: letters, digits, - _ ."),
    ("gRPC address", "rw_core, such as http://voltha.example:50057"),
    ("Kafka brokers", "host:port, with commas; empty: polling only"),
    ("Topic", "voltha.events unless it was changed"),
    ("CA file", "for https: a private authority's PEM file"),
];
const GENIEACS: Labels = &[
    ("Name", "shown everywhere: letters, digits, - _ ."),
    ("NBI address", "northbound interface, such as http://acs.example:7557"),
    ("File server", "to read files back, such as http://acs.example:7567; or empty"),
    ("CA file", "for https: a private authority's PEM file"),
];

const ALERTMANAGER: Labels = &[
    ("Name", "shown everywhere: letters, digits, - _ ."),
    ("Address", "such as http://alerts.example:9093, with its prefix"),
    ("Prometheus", "for rules and values, such as http://prometheus.example:9090; or empty"),
    ("CA file", "for https: a private authority's PEM file"),
];
const PROMETHEUS: Labels = &[
    ("Name", "shown everywhere: letters, digits, - _ ."),
    ("Address", "such as http://prometheus.example:9090, with its prefix"),
    ("CA file", "for https: a private authority's PEM file"),
];

const RAVEN: Labels = &[
    ("Name", "shown everywhere: letters, digits, - _ ."),
    ("Buffer service", "such as http://hall-1.example:5005; with an SSH host, as that reaches it"),
    ("Config service", "for services and ports, such as http://hall-1.example:5004; or empty"),
    ("SSH host", "user@host, when the services are not published; or empty"),
];

const CHOICES: [(&str, &str); 7] = [
    ("demo", "a living network inside this process, nothing to install"),
    ("voltha", "add a VOLTHA stack: OLTs, ONUs, their alarms"),
    ("genieacs", "add a GenieACS: the CPEs behind them"),
    ("alertmanager", "add an Alertmanager: alerts and silences"),
    ("prometheus", "add a Prometheus: the alerts of its rules, queries"),
    ("raven", "add a NoC Raven: the buffers of a telemetry appliance"),
    ("quit", "leave noctule"),
];

/// The screen.
#[derive(Debug, Default)]
pub struct FirstRun {
    choice: usize,
    form: Option<FormState>,
}

#[derive(Debug)]
struct FormState {
    kind: DraftKind,
    lines: Vec<Line>,
    focus: usize,
    testing: bool,
    /// The draft that was tested, and how it went.
    tested: Option<(Draft, Result<String, String>)>,
}

impl FormState {
    fn new(kind: DraftKind) -> Self {
        let lines: &[&str] = match kind {
            DraftKind::Voltha => &["voltha-1", "http://127.0.0.1:50057", "127.0.0.1:9092", "voltha.events", ""],
            DraftKind::Genieacs => &["acs-1", "http://127.0.0.1:7557", "http://127.0.0.1:7567", ""],
            DraftKind::Alertmanager => &["alerts-1", "http://127.0.0.1:9093", "http://127.0.0.1:9090", ""],
            DraftKind::Prometheus => &["prometheus-1", "http://127.0.0.1:9090", ""],
            DraftKind::Raven => &["raven-1", "http://127.0.0.1:5005", "http://127.0.0.1:5004", ""],
        };
        Self { kind, lines: lines.iter().copied().map(Line::new).collect(), focus: 0, testing: false, tested: None }
    }

    const fn labels(&self) -> Labels {
        match self.kind {
            DraftKind::Voltha => VOLTHA,
            DraftKind::Genieacs => GENIEACS,
            DraftKind::Alertmanager => ALERTMANAGER,
            DraftKind::Prometheus => PROMETHEUS,
            DraftKind::Raven => RAVEN,
        }
    }

    fn draft(&self) -> Draft {
        let text = |i: usize| self.lines.get(i).map(|l| l.text().trim().to_owned()).unwrap_or_default();
        let draft = Draft { kind: self.kind, name: text(0), address: text(1), ..Draft::default() };
        match self.kind {
            DraftKind::Voltha => Draft { kafka: text(2), topic: text(3), ca: text(4), ..draft },
            DraftKind::Genieacs => Draft { fs: text(2), ca: text(3), ..draft },
            DraftKind::Alertmanager => Draft { prometheus: text(2), ca: text(3), ..draft },
            DraftKind::Prometheus => Draft { ca: text(2), ..draft },
            DraftKind::Raven => Draft { config: text(2), ssh: text(3), ..draft },
        }
    }

    /// Whether what stands in the form is what was tested, and how that went.
    fn verdict(&self) -> Option<&Result<String, String>> {
        self.tested.as_ref().filter(|(draft, _)| *draft == self.draft()).map(|(_, result)| result)
    }
}

impl FirstRun {
    /// Takes a key.
    pub fn key(&mut self, key: KeyEvent) -> Step {
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        if ctrl && key.code == KeyCode::Char('c') {
            return Step::Quit;
        }
        let Some(form) = &mut self.form else { return self.choose(key) };
        match key.code {
            KeyCode::Esc => self.form = None,
            KeyCode::Tab | KeyCode::Down => form.focus = (form.focus + 1) % form.lines.len(),
            KeyCode::BackTab | KeyCode::Up => form.focus = (form.focus + form.lines.len() - 1) % form.lines.len(),
            KeyCode::Char('s') if ctrl && form.verdict().is_some() => return Step::Save(form.draft()),
            KeyCode::Enter if form.verdict().is_some_and(Result::is_ok) => return Step::Save(form.draft()),
            KeyCode::Enter if !form.testing => {
                form.testing = true;
                return Step::Test(form.draft());
            }
            _ => {
                let focus = form.focus;
                if let Some(line) = form.lines.get_mut(focus) {
                    line.key(key);
                }
            }
        }
        Step::Stay
    }

    /// Takes pasted text.
    pub fn paste(&mut self, text: &str) {
        if let Some(form) = &mut self.form {
            let focus = form.focus;
            if let Some(line) = form.lines.get_mut(focus) {
                line.insert(text);
            }
        }
    }

    /// The test of a draft ended.
    pub fn tested(&mut self, draft: Draft, result: Result<String, String>) {
        if let Some(form) = &mut self.form {
            form.testing = false;
            form.tested = Some((draft, result));
        }
    }

    fn choose(&mut self, key: KeyEvent) -> Step {
        match key.code {
            KeyCode::Up => self.choice = (self.choice + CHOICES.len() - 1) % CHOICES.len(),
            KeyCode::Down | KeyCode::Tab => self.choice = (self.choice + 1) % CHOICES.len(),
            KeyCode::Char(c @ '1'..='7') => {
                self.choice = usize::from(c as u8 - b'1');
                return self.chosen();
            }
            KeyCode::Enter => return self.chosen(),
            KeyCode::Esc | KeyCode::Char('q') => return Step::Quit,
            _ => {}
        }
        Step::Stay
    }

    fn chosen(&mut self) -> Step {
        match self.choice {
            0 => Step::Demo,
            1..=5 => {
                let kind = match self.choice {
                    1 => DraftKind::Voltha,
                    2 => DraftKind::Genieacs,
                    3 => DraftKind::Alertmanager,
                    4 => DraftKind::Prometheus,
                    _ => DraftKind::Raven,
                };
                self.form = Some(FormState::new(kind));
                Step::Stay
            }
            _ => Step::Quit,
        }
    }

    /// Draws the screen.
    pub fn draw(&self, frame: &mut Frame<'_>, theme: &Theme, glyphs: &Glyphs) {
        let paint = Paint::new(theme, glyphs);
        let area = frame.area();
        paint.fill(frame.buffer_mut(), area, Token::Text);
        let cursor = match &self.form {
            None => {
                let items: Vec<_> = CHOICES.iter().map(|(v, says)| ((*v).to_owned(), (*says).to_owned())).collect();
                let items = super::layers::choice_labels(&items);
                let hits: Vec<Hit> =
                    (0..items.len()).map(|index| Hit { index, score: 0, matched: Vec::new() }).collect();
                let list = choose::Choose {
                    title: "noctule has no configuration yet",
                    items: &items,
                    hits: &hits,
                    text: "",
                    hint: "enter or a number chooses, esc leaves",
                    cursor: 0,
                    selected: self.choice,
                };
                list.render(frame.buffer_mut(), area, &paint);
                None
            }
            Some(form) => Self::draw_form(form, frame, &paint),
        };
        if let Some(at) = cursor {
            frame.set_cursor_position(at);
        }
    }

    fn draw_form(form: &FormState, frame: &mut Frame<'_>, paint: &Paint<'_>) -> Option<(u16, u16)> {
        let fields: Vec<Field<'_>> = form
            .labels()
            .iter()
            .zip(&form.lines)
            .map(|((label, hint), line)| Field { label, text: line.text(), hint, ..Field::default() })
            .collect();
        let note = if form.testing {
            Some(("testing the connection", true))
        } else {
            form.verdict().map(|v| match v {
                Ok(text) => (text.as_str(), true),
                Err(text) => (text.as_str(), false),
            })
        };
        let keys = match form.verdict() {
            Some(Ok(_)) => "enter saves and starts   esc back",
            Some(Err(_)) => "enter tests again   ctrl-s saves all the same   esc back",
            None => "tab next field   enter tests the connection   esc back",
        };
        let cursor = form.lines.get(form.focus).map_or(0, Line::cursor);
        let area = frame.area();
        let page = Form {
            title: "A first source",
            intro: match form.kind {
                DraftKind::Voltha => "A VOLTHA stack. Secrets and certificates can be added in the file afterwards.",
                DraftKind::Genieacs => "A GenieACS. A login before its NBI (auth) can be added in the file afterwards.",
                DraftKind::Alertmanager => {
                    "An Alertmanager. How its labels become alarms (mapping) can be set in the file afterwards."
                }
                DraftKind::Prometheus => {
                    "A Prometheus. A login (auth) and the mapping can be set in the file afterwards."
                }
                DraftKind::Raven => {
                    "A NoC Raven. Its key (api_key), who restarts its services (control) and the rest go into the file."
                }
            },
            fields: &fields,
            focus: form.focus,
            cursor,
            note,
            keys,
        };
        page.render(frame.buffer_mut(), area, paint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(screen: &mut FirstRun, code: KeyCode) -> Step {
        screen.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    #[test]
    fn nothing_is_saved_that_was_not_tested_as_it_stands() {
        let mut s = FirstRun::default();
        assert_eq!(press(&mut s, KeyCode::Char('2')), Step::Stay);
        let Step::Test(draft) = press(&mut s, KeyCode::Enter) else { panic!("not tested first") };
        assert_eq!(press(&mut s, KeyCode::Enter), Step::Stay, "one test at a time");
        s.tested(draft.clone(), Ok("rw_core 3.7.13".into()));
        assert_eq!(press(&mut s, KeyCode::Char('x')), Step::Stay);
        assert!(matches!(press(&mut s, KeyCode::Enter), Step::Test(d) if d.name == "voltha-1x"), "changed since");
        press(&mut s, KeyCode::Backspace);
        s.tested(draft.clone(), Ok("rw_core 3.7.13".into()));
        assert_eq!(press(&mut s, KeyCode::Enter), Step::Save(draft));
    }

    #[test]
    fn a_failed_test_can_be_saved_only_on_purpose() {
        let mut s = FirstRun::default();
        press(&mut s, KeyCode::Char('2'));
        let Step::Test(draft) = press(&mut s, KeyCode::Enter) else { panic!("not tested first") };
        s.tested(draft.clone(), Err("connection refused".into()));
        assert!(matches!(press(&mut s, KeyCode::Enter), Step::Test(_)), "enter tests again");
        s.tested(draft.clone(), Err("connection refused".into()));
        assert_eq!(s.key(KeyEvent::new(KeyCode::Char('s'), KeyModifiers::CONTROL)), Step::Save(draft));
    }

    #[test]
    fn a_genieacs_is_asked_for_by_its_own_addresses() {
        let mut s = FirstRun::default();
        press(&mut s, KeyCode::Char('3'));
        press(&mut s, KeyCode::Tab);
        press(&mut s, KeyCode::Char('0'));
        let Step::Test(draft) = press(&mut s, KeyCode::Enter) else { panic!("not tested") };
        assert_eq!(draft.kind, DraftKind::Genieacs);
        assert_eq!((draft.address.as_str(), draft.fs.as_str()), ("http://127.0.0.1:75570", "http://127.0.0.1:7567"));
    }

    #[test]
    fn the_demo_is_one_key_away() {
        assert_eq!(press(&mut FirstRun::default(), KeyCode::Enter), Step::Demo);
    }
}
