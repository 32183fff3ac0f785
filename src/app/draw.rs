//! One frame: the bars, the pane between them, overlays and messages above it.

use chrono::{DateTime, FixedOffset};
use ratatui::Frame;
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;

use crate::model::order;
use crate::model::sight::Sight;
use crate::model::source::Health;
use crate::model::time::Ts;
use crate::theme::{Glyphs, Token};
use crate::ui::density::{self, Density};
use crate::ui::status_bar::{Chip, Hint, StatusBar};
use crate::ui::top_bar::{Tab, TopBar};
use crate::ui::which_key::{self, Continuation};
use crate::ui::{Paint, Piece, toast};

use super::ctx::ViewCtx;
use super::effect::Level;
use super::pane::PaneId;
use super::state::App;
use crate::keymap::print_sequence;

/// The area a pane has on a screen of a size (columns, rows).
#[must_use]
pub fn pane_area(size: (u16, u16)) -> Rect {
    let top = TopBar::height(size.0);
    Rect { x: 0, y: top, width: size.0, height: size.1.saturating_sub(top + 1) }
}

/// The token of a message.
#[must_use]
pub const fn level_token(level: Level) -> Token {
    match level {
        Level::Good => Token::ToastGood,
        Level::Info => Token::ToastInfo,
        Level::Warn => Token::ToastWarn,
        Level::Error => Token::ToastError,
    }
}

/// The sign of a message: nobody has to see its colour.
#[must_use]
pub const fn level_sign(level: Level, glyphs: &Glyphs) -> &'static str {
    match level {
        Level::Good => glyphs.good,
        Level::Info => "",
        Level::Warn => "!",
        Level::Error => glyphs.bad,
    }
}

/// An instant as `14:02:11` of the operator's day.
#[must_use]
pub fn local_time(at: Ts, utc_offset_s: i32) -> String {
    let zone = FixedOffset::east_opt(utc_offset_s);
    match (at.to_utc(), zone) {
        (Some(utc), Some(zone)) => DateTime::with_timezone(&utc, &zone).format("%H:%M:%S").to_string(),
        _ => String::new(),
    }
}

/// The pane whose name in the top bar stands at a column.
pub(super) fn pane_at(app: &App, column: u16) -> Option<PaneId> {
    let tabs = tabs(app.ctx.active);
    let index = TopBar::tab_at(&tabs, column)?;
    PaneId::ALL.get(index).copied()
}

fn tabs(active: PaneId) -> Vec<Tab> {
    PaneId::ALL.iter().map(|p| Tab { digit: p.digit(), title: p.title(), active: *p == active }).collect()
}

/// A picture, and its cells as the pane left them: where they are others at the end, something lies over
/// it. Layers need not know that there are pictures.
struct Under {
    sight: Sight,
    rows: Vec<Vec<Cell>>,
}

impl Under {
    fn of(sight: Sight, buf: &Buffer) -> Self {
        let rows = (0..sight.size.1).map(|row| cells(&sight, row, buf).cloned().collect()).collect();
        Self { sight, rows }
    }

    fn seen(self, buf: &Buffer) -> Sight {
        let rows = (0..).zip(&self.rows);
        let covered = rows.map(|(row, before)| !cells(&self.sight, row, buf).eq(before)).collect();
        Sight { covered, ..self.sight }
    }
}

/// The cells of a row of a picture.
fn cells<'a>(sight: &Sight, row: u16, buf: &'a Buffer) -> impl Iterator<Item = &'a Cell> {
    let (x, y) = sight.at;
    (x..x.saturating_add(sight.size.0)).filter_map(move |x| buf.cell((x, y.saturating_add(row))))
}

impl App {
    /// The area that the pane has: between the bars, or all of the screen.
    pub(super) fn pane_area(&self, size: (u16, u16)) -> Rect {
        if self.ctx.solo { Rect { x: 0, y: 0, width: size.0, height: size.1 } } else { pane_area(size) }
    }

    /// Draws a frame.
    pub fn draw(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        let paint = Paint::new(&self.theme, &self.glyphs);
        self.ctx.canvas.put(None);
        if Density::of(area.width, area.height) == Density::TooSmall {
            density::too_small(frame.buffer_mut(), area, self.ctx.counts.active, &paint);
            return;
        }
        // The ground of the theme, under whatever does not fill its own area.
        frame.buffer_mut().set_style(area, self.theme.style(Token::Text));
        let console = self.console.as_ref();
        if console.is_some_and(super::console::Console::wall)
            && let Some(menu) = self.menu()
        {
            let cx = ViewCtx { ctx: &self.ctx, theme: &self.theme, glyphs: &self.glyphs, focused: false };
            return menu.wall(frame, area, &cx);
        }
        let pane_area = self.pane_area((area.width, area.height));
        let cx = ViewCtx { ctx: &self.ctx, theme: &self.theme, glyphs: &self.glyphs, focused: self.layers.is_empty() };
        let top = Rect { height: pane_area.y, ..area };
        match console {
            _ if self.ctx.solo => {}
            Some(console) => self.draw_console_top(console, frame, top, &paint),
            None => self.draw_top(frame, top, &paint),
        }
        if let Some(pane) = self.pane() {
            pane.view(frame, pane_area, &cx);
        }
        let under = self.ctx.canvas.take().map(|sight| Under::of(sight, frame.buffer_mut()));
        if !self.ctx.solo {
            self.draw_bottom(frame, Rect { y: area.bottom() - 1, height: 1, ..area }, &paint);
        }
        if self.shows_which_key() {
            self.draw_which_key(frame, pane_area, &paint);
        }
        for layer in &self.layers {
            layer.view(frame, area, &cx);
        }
        let toasts: Vec<toast::Toast<'_>> = self
            .toasts
            .iter()
            .map(|(_, t)| toast::Toast {
                token: level_token(t.level),
                sign: level_sign(t.level, &self.glyphs),
                text: &t.text,
            })
            .collect();
        // Messages stand above the line being typed, never on it.
        let shown = Rect { height: pane_area.height.saturating_sub(u16::from(!self.layers.is_empty())), ..pane_area };
        toast::render(frame.buffer_mut(), shown, &toasts, &paint);
        self.ctx.canvas.put(under.map(|under| under.seen(frame.buffer_mut())));
    }

    /// The picture that lies in the frame drawn last, and what lies over it.
    #[must_use]
    pub fn take_sight(&self) -> Option<Sight> {
        self.ctx.canvas.take()
    }

    fn draw_top(&self, frame: &mut Frame<'_>, area: Rect, paint: &Paint<'_>) {
        let counts = &self.ctx.counts;
        let mut crumbs = self.pane().map(super::pane::Pane::crumbs).unwrap_or_default();
        // Bad news before good.
        crumbs.extend(
            self.workers_down.iter().filter(|(_, back)| !**back).map(|(name, _)| format!("worker {name} is down")),
        );
        if let Some((.., banner)) = &self.banner {
            crumbs.push(banner.clone());
        }
        let bar = TopBar {
            tabs: &tabs(self.ctx.active),
            crumbs: &crumbs,
            active: counts.active,
            hidden: [counts.shelved, counts.suppressed, counts.out_of_service],
            read_only: self.ctx.read_only,
            unsaved: self.ctx.unsaved.is_some(),
            attached: self.ctx.attached,
            cut_off: self.ctx.cut_off.is_some(),
            profile: &self.ctx.profile,
        };
        bar.render(frame.buffer_mut(), area, paint);
    }

    /// The console's header: where one stands, and how the appliance does.
    fn draw_console_top(
        &self,
        console: &super::console::Console,
        frame: &mut Frame<'_>,
        area: Rect,
        paint: &Paint<'_>,
    ) {
        let buf = frame.buffer_mut();
        paint.fill(buf, area, Token::Bar);
        let menu = self.menu();
        let mut right = Vec::new();
        let mut sign = |words: &'static str, token| {
            right.push(Piece::new(words, token));
            right.push(Piece::new(" ", Token::Bar));
        };
        if self.ctx.unsaved.is_some() {
            sign("NOT SAVED", Token::InputError);
        }
        if self.ctx.cut_off.is_some() {
            sign("CUT OFF", Token::ReadOnly);
        }
        if self.ctx.read_only {
            sign("READ-ONLY", Token::ReadOnly);
        } else if let Some(words) = console.sign(self.ctx.now) {
            sign(words, if words == "UNLOCKED" { Token::ReadOnly } else { Token::Bar });
        }
        right.extend(menu.and_then(|m| m.badge(self.ctx.now)));
        let mut crumbs = vec!["Menu".to_owned()];
        if self.ctx.active != PaneId::Menu {
            crumbs.push(self.ctx.active.title().to_owned());
        }
        crumbs.extend(self.pane().map(super::pane::Pane::crumbs).unwrap_or_default());
        crumbs.extend(
            self.workers_down.iter().filter(|(_, back)| !**back).map(|(name, _)| format!("worker {name} is down")),
        );
        let place = crumbs.join(" > ");
        let who = |wide: u16| {
            let host = menu.and_then(|m| m.host());
            let mut pieces = vec![Piece::new(console.appliance().to_owned(), Token::Title)];
            for word in host.into_iter().flat_map(|h| std::iter::once(&h.name).chain(&h.addresses)) {
                if crate::ui::paint::columns(&pieces) + crate::ui::paint::wide(word) + 2 <= wide {
                    pieces.push(Piece::new(format!("  {word}"), Token::Bar));
                }
            }
            pieces
        };
        let used = crate::ui::paint::columns(&right) + 2;
        let room = area.width.saturating_sub(used + 1);
        paint.line_right(buf, (area.x, area.y), area.width.saturating_sub(1), &right);
        if area.height > 1 {
            // Where one is comes first: it is what a key changes.
            paint.put(buf, (area.x + 1, area.y), room, &place, Token::Title);
            paint.line(buf, (area.x + 1, area.y + 1), area.width.saturating_sub(2), &who(area.width.saturating_sub(2)));
        } else {
            let at = paint.put(buf, (area.x + 1, area.y), room / 2, &place, Token::Title) + 4;
            paint.line(buf, (area.x + at, area.y), room.saturating_sub(at), &who(room.saturating_sub(at)));
        }
    }

    fn draw_bottom(&self, frame: &mut Frame<'_>, area: Rect, paint: &Paint<'_>) {
        let contexts = self.contexts();
        let situation = self.situation();
        let mut specs: Vec<_> = super::registry()
            .all()
            .filter(|s| s.hint && contexts.contains(&s.context) && super::layers::disabled(s, &situation).is_none())
            .collect();
        order::by_key(&mut specs, |s| contexts.iter().position(|c| *c == s.context));
        let hints: Vec<Hint> = specs
            .into_iter()
            .filter_map(|s| {
                let key = self.keymap.key_here(s.id, &contexts)?;
                Some(Hint { key, title: s.title.to_owned(), keep: matches!(s.id, "app.help" | "detail.close") })
            })
            .collect();
        let (mut hints, mut clock) = (hints, String::new());
        if self.settings.clock {
            clock = local_time(self.ctx.now, self.ctx.utc_offset_s);
        }
        if self.console.is_some() {
            let back = |key: &str, title: &str| Hint { key: key.into(), title: title.into(), keep: true };
            hints.retain(|h| h.key != "?" && h.key != "q" && h.key != "ctrl-p");
            hints.splice(0..0, [back("0", "back"), back("1-7", "pages"), back("?", "keys")]);
            // A second's hand would keep a slow line busy.
            clock.truncate(5);
        }
        let bar = StatusBar {
            hints: &hints,
            chips: &self.chips(),
            sources: self.ctx.sources.len(),
            pending: &print_sequence(&self.pending),
            progress: &self.progress(),
            clock: &clock,
        };
        bar.render(frame.buffer_mut(), area, paint);
    }

    /// Sources that are not well.
    fn chips(&self) -> Vec<Chip> {
        let ill = self.ctx.sources.iter().filter(|s| s.report.health != Health::Up);
        ill.map(|s| Chip {
            name: s.name.to_string(),
            word: s.report.health.word(),
            token: match s.report.health {
                Health::Up => Token::Good,
                Health::Starting => Token::Busy,
                Health::Degraded => Token::Stale,
                Health::Down => Token::Bad,
                Health::Paused => Token::Off,
            },
        })
        .collect()
    }

    fn progress(&self) -> String {
        let Some((what, done, total)) = self.running.values().next() else { return String::new() };
        if *total > 1 { format!("{what} {done}/{total}") } else { String::new() }
    }

    fn draw_which_key(&self, frame: &mut Frame<'_>, area: Rect, paint: &Paint<'_>) {
        let ways: Vec<Continuation> = self
            .keymap
            .which_key(&self.contexts(), &self.pending)
            .into_iter()
            .map(|next| Continuation { key: next.chord.to_string(), title: next.title })
            .collect();
        let prefix = print_sequence(&self.pending);
        which_key::render(frame.buffer_mut(), area, &prefix, &ways, paint);
    }
}
