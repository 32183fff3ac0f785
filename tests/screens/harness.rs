//! Drives the whole application without a terminal and prints what is on the screen: the grid, and
//! below it which runs of cells were drawn with which token.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::rc::Rc;
use std::sync::Arc;

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use noctule::app::console::ConsoleOptions;
use noctule::app::ctx::Ctx;
use noctule::app::message::{HostFacts, Msg};
use noctule::app::pane::PaneId;
use noctule::app::port::{Backend, Request};
use noctule::app::registry;
use noctule::app::state::{App, Settings};
use noctule::commands::pin::{Guarded, Lock};
use noctule::keymap::Keymap;
use noctule::model::alarm::Counts;
use noctule::model::command::{Args, CONFIGURATION, Intent, LiveRequest, LiveSection, Outcome, Plan};
use noctule::model::ids::ActionId;
use noctule::model::page::Generations;
use noctule::model::time::{MINUTE, Ts};
use noctule::panes::menu::MenuPane;
use noctule::theme::{Depth, Glyphs, Theme, load};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::common::rows::{NOW, alarm_types};
use super::common::world::World;

type Queue = Rc<RefCell<VecDeque<Request>>>;

struct Post(Queue);

impl Backend for Post {
    fn send(&mut self, request: Request) {
        self.0.borrow_mut().push_back(request);
    }
}

/// The application over a small world.
pub struct Screen {
    pub app: App,
    pub world: World,
    pub now: Ts,
    queue: Queue,
    /// Requests the cache does not answer: intents, exports, live reads …
    pub sent: Vec<Request>,
    size: (u16, u16),
}

impl Screen {
    /// On a screen of a size.
    pub fn new(world: World, size: (u16, u16), glyphs: Glyphs) -> Self {
        Self::themed(world, size, glyphs, Theme::probe())
    }

    /// With a theme of one's own.
    pub fn themed(world: World, size: (u16, u16), glyphs: Glyphs, theme: Theme) -> Self {
        Self::build(world, size, glyphs, theme, false, None)
    }

    /// The small network in plain lines.
    pub fn linear() -> Self {
        Self::build(World::small(), (80, 24), Glyphs::ASCII, Theme::probe(), true, None)
    }

    /// The console of an appliance.
    pub fn console(world: World, size: (u16, u16), appliance: &str, guarded: Guarded) -> Self {
        let options = ConsoleOptions {
            appliance: appliance.to_owned(),
            idle_us: 2 * MINUTE,
            wall: true,
            lock: Lock::new(guarded, 5),
            leave: false,
        };
        Self::build(world, size, Glyphs::ASCII, Theme::probe(), false, Some(options))
    }

    fn build(
        world: World,
        size: (u16, u16),
        glyphs: Glyphs,
        theme: Theme,
        linear: bool,
        console: Option<ConsoleOptions>,
    ) -> Self {
        let mut ctx = Ctx::new(NOW);
        ctx.size = size;
        ctx.profile = "lab".into();
        ctx.operator = "anna".into();
        ctx.alarm_types = Arc::new(alarm_types());
        let queue = Queue::default();
        let settings = Settings {
            themes: Rc::new(|| vec!["default".into()]),
            load_theme: Rc::new(|_| Err("no themes here".into())),
            clock: true,
            which_key: 0,
            linear,
            drafts: std::env::temp_dir(),
        };
        let keymap = Keymap::build(registry().specs(), None).expect("the default keys fit together");
        let mut panes = noctule::panes::all();
        if let Some(console) = &console {
            ctx.sources = world.sources.clone().into();
            panes.push(Box::new(MenuPane::new(console.appliance.clone(), console.leave, HostFacts::default())));
        }
        let mut app = App::new(ctx, theme, glyphs, keymap, panes, Box::new(Post(queue.clone())), settings);
        if let Some(console) = console {
            app = app.on_console(console);
        }
        let mut screen = Self { app, world, now: NOW, queue, sent: Vec::new(), size };
        let sources: Arc<[_]> = screen.world.sources.clone().into();
        screen.tell(Msg::Sources(sources));
        let mut counts = Counts::default();
        for row in &screen.world.alarms {
            match row.visibility {
                noctule::model::alarm::Visibility::Visible if !row.cleared => {
                    counts.active[row.severity.rank() as usize] += 1
                }
                noctule::model::alarm::Visibility::Shelved => counts.shelved += 1,
                _ => {}
            }
        }
        screen.tell(Msg::Counts(counts));
        screen.app.show_active();
        screen.settle();
        screen
    }

    /// The small network, unicode.
    pub fn small(size: (u16, u16)) -> Self {
        Self::new(World::small(), size, Glyphs::UNICODE)
    }

    /// The same with a pane shown.
    pub fn on(pane: PaneId, size: (u16, u16)) -> Self {
        let mut screen = Self::small(size);
        screen.pane(pane);
        screen
    }

    /// On a terminal without colours.
    pub fn mono(size: (u16, u16)) -> Self {
        let theme = load::load("default", None, Depth::Mono).expect("the default theme");
        Self::themed(World::small(), size, Glyphs::ASCII, theme)
    }

    /// What was asked of the workers, in its order.
    pub fn intents(&self) -> Vec<Intent> {
        let wishes = self.sent.iter().filter_map(|r| match r {
            Request::Execute(_, intent) | Request::Plan(_, intent) => Some(intent.clone()),
            _ => None,
        });
        wishes.collect()
    }

    /// The only wish there is.
    pub fn wish(&self) -> Intent {
        let all = self.intents();
        assert_eq!(all.len(), 1, "{all:?}\n{}", self.grid());
        all[0].clone()
    }

    /// Hands a message over and waits for what it sets off.
    pub fn tell(&mut self, msg: Msg) {
        self.app.on(&msg, self.now);
        self.settle();
    }

    /// The cache has changed.
    pub fn changed(&mut self) {
        self.world.seq.0 += 1;
        let seq = self.world.seq;
        let n = seq.0 as u64;
        self.tell(Msg::Changed(Generations {
            alarms: n,
            nodes: n,
            sources: n,
            log: n,
            cpes: n,
            jobs: n,
            appliances: n,
            vms: n,
            seq,
        }));
    }

    fn settle(&mut self) {
        loop {
            let Some(request) = self.queue.borrow_mut().pop_front() else { return };
            match request {
                Request::Data(id, data) => {
                    let answer = self.world.answer(&data);
                    self.app.on(&Msg::Data(id, answer), self.now);
                }
                Request::Cancel(_) => {}
                other => self.sent.push(other),
            }
        }
    }

    /// Presses keys: `j j space enter`; text in quotes is typed.
    pub fn keys(&mut self, keys: &str) {
        for key in keys.split(' ').filter(|k| !k.is_empty()) {
            if let Some(text) = key.strip_prefix('\'') {
                for c in text.chars() {
                    self.press(KeyCode::Char(if c == '_' { ' ' } else { c }), KeyModifiers::NONE);
                }
                continue;
            }
            let (code, modifiers) = match key {
                "enter" => (KeyCode::Enter, KeyModifiers::NONE),
                "esc" => (KeyCode::Esc, KeyModifiers::NONE),
                "space" => (KeyCode::Char(' '), KeyModifiers::NONE),
                "up" => (KeyCode::Up, KeyModifiers::NONE),
                "down" => (KeyCode::Down, KeyModifiers::NONE),
                "backspace" => (KeyCode::Backspace, KeyModifiers::NONE),
                "right" => (KeyCode::Right, KeyModifiers::NONE),
                "left" => (KeyCode::Left, KeyModifiers::NONE),
                "pagedown" => (KeyCode::PageDown, KeyModifiers::NONE),
                "ctrl-u" => (KeyCode::Char('u'), KeyModifiers::CONTROL),
                "ctrl-p" => (KeyCode::Char('p'), KeyModifiers::CONTROL),
                "ctrl-]" => (KeyCode::Char(']'), KeyModifiers::CONTROL),
                other => (KeyCode::Char(other.chars().next().expect("a key")), KeyModifiers::NONE),
            };
            self.press(code, modifiers);
        }
    }

    /// Gives the terminal another size.
    pub fn resize(&mut self, size: (u16, u16)) {
        self.size = size;
        self.tell(Msg::Input(Event::Resize(size.0, size.1)));
    }

    /// The workers answer all that they were asked.
    pub fn answer(&mut self) {
        for request in std::mem::take(&mut self.sent) {
            let answer = match request {
                Request::Plan(id, intent) => {
                    let plan = Plan { title: intent.command.into(), total: 1, phrase: "go".into(), ..Plan::default() };
                    Msg::Planned(id, Ok(plan))
                }
                Request::Execute(id, intent) => {
                    let (command, undo) = (intent.command.into(), Some(ActionId([1; 16])));
                    Msg::Done(
                        id,
                        Outcome { command, summary: "done".into(), total: 1, done: 1, undo, ..Outcome::default() },
                    )
                }
                Request::Live(id, _) => {
                    Msg::Live(id, Ok(vec![LiveSection { title: "Ports".into(), ..LiveSection::default() }]))
                }
                _ => continue,
            };
            self.tell(answer);
        }
    }

    /// The server tells the parameters of a CPE.
    pub fn parameters(&mut self) {
        for request in std::mem::take(&mut self.sent) {
            if let Request::Live(id, _) = request {
                self.tell(Msg::Live(id, Ok(vec![super::common::cpes::parameters()])));
            }
        }
    }

    /// The appliance tells its configuration.
    pub fn configuration(&mut self, answer: Result<String, String>) {
        for request in std::mem::take(&mut self.sent) {
            if let Request::Live(id, LiveRequest::BufferConfig { .. }) = request {
                let section = |text: String| LiveSection {
                    title: CONFIGURATION.into(),
                    rows: vec![vec![text]],
                    ..LiveSection::default()
                };
                self.tell(Msg::Live(id, answer.clone().map(|text| vec![section(text)])));
            }
        }
    }

    /// The servers tell what they keep.
    pub fn objects(&mut self) {
        for request in std::mem::take(&mut self.sent) {
            if let Request::Stored(id) = request {
                self.tell(Msg::Stored(id, super::common::cpes::stored()));
            }
        }
    }

    /// Presses a key.
    pub fn press(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.tell(Msg::Input(Event::Key(KeyEvent::new(code, modifiers))));
    }

    /// Runs a command with arguments, as the palette does.
    pub fn run(&mut self, id: &'static str, all: &[(&str, &str)]) {
        self.app.run(id, args(all));
        self.settle();
    }

    /// Shows a pane.
    pub fn pane(&mut self, pane: PaneId) {
        self.press(KeyCode::Char(pane.digit()), KeyModifiers::NONE);
    }

    fn terminal(&self) -> Terminal<TestBackend> {
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        terminal.draw(|frame| self.app.draw(frame)).unwrap();
        terminal
    }

    /// The picture that a terminal which can would show pixel by pixel, and what lies over it.
    pub fn sight(&self) -> Option<noctule::model::sight::Sight> {
        self.terminal();
        self.app.take_sight()
    }

    /// The grid alone.
    pub fn grid(&self) -> String {
        grid_of(self.terminal().backend().buffer())
    }

    /// Every style on the screen with the first words drawn in it.
    pub fn legend(&self) -> String {
        let terminal = self.terminal();
        let mut seen: Vec<(String, String)> = Vec::new();
        for cell in terminal.backend().buffer().content() {
            let style = cell.style();
            let (fg, bg, with) = (style.fg.unwrap_or_default(), style.bg.unwrap_or_default(), style.add_modifier);
            let name = format!("{fg:?} on {bg:?} {with:?}");
            match seen.iter_mut().find(|(style, _)| *style == name) {
                Some((_, words)) if words.chars().count() < 40 => words.push_str(cell.symbol()),
                Some(_) => {}
                None => seen.push((name, cell.symbol().to_owned())),
            }
        }
        let lines = seen.iter().map(|(style, words)| {
            let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("{style}: {words}\n")
        });
        lines.collect()
    }

    /// Every colour on the screen but the terminal's own.
    pub fn colours(&self) -> Vec<Color> {
        let terminal = self.terminal();
        let cells = terminal.backend().buffer().content();
        cells.iter().flat_map(|c| [c.fg, c.bg]).filter(|c| *c != Color::Reset).collect()
    }

    /// The attributes of every cell.
    pub fn modifiers(&self) -> Vec<Modifier> {
        self.terminal().backend().buffer().content().iter().map(|c| c.modifier).collect()
    }

    /// The grid and the runs of tokens.
    pub fn print(&self) -> String {
        print_of(self.terminal().backend().buffer())
    }
}

/// Arguments of a command.
pub fn args(all: &[(&str, &str)]) -> Args {
    all.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

/// Draws something that is no [`App`], and prints it.
pub fn print_frame(size: (u16, u16), draw: impl FnOnce(&mut ratatui::Frame<'_>)) -> String {
    let mut terminal = Terminal::new(TestBackend::new(size.0, size.1)).unwrap();
    terminal.draw(draw).unwrap();
    print_of(terminal.backend().buffer())
}

fn grid_of(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let cell = buffer.cell((x, y)).unwrap();
            line.push_str(cell.symbol());
            x += u16::try_from(noctule::model::text::width(cell.symbol()).max(1)).unwrap();
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn print_of(buffer: &Buffer) -> String {
    let mut out = grid_of(buffer);
    out.push_str("---\n");
    let mut before = String::new();
    let mut repeats = 0;
    for y in 0..buffer.area.height {
        let tokens: Vec<String> =
            (0..buffer.area.width).map(|x| Theme::tokens_of(buffer.cell((x, y)).unwrap().style())).collect();
        let mut line = String::new();
        let mut x = 0;
        while x < tokens.len() {
            let end = (x..tokens.len()).find(|e| tokens[*e] != tokens[x]).unwrap_or(tokens.len());
            if !tokens[x].is_empty() && tokens[x] != "text" {
                let _ = write!(line, " {x}..{end} {}", tokens[x]);
            }
            x = end;
        }
        if line == before && !line.is_empty() {
            repeats += 1;
            continue;
        }
        if repeats > 0 {
            let _ = writeln!(out, "    the same {repeats} more");
            repeats = 0;
        }
        if !line.is_empty() {
            let _ = writeln!(out, "{y:>3}:{line}");
        }
        before = line;
    }
    out
}
