//! Asks for the PIN of an appliance's console. What is typed is never drawn, not even its length
//! beyond a few stars, and is wiped when the question is over.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Frame;
use ratatui::layout::Rect;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::app::ctx::ViewCtx;
use crate::model::time::{SECOND, Ts};
use crate::ui;

use super::{Act, Layer, LayerCx, Reply, draw, is_cancel};

/// The most that is typed.
const MOST: usize = 64;

/// What was typed.
#[derive(Debug, Clone)]
pub struct Typed(pub SecretString);

impl PartialEq for Typed {
    /// Never: nobody compares PINs so.
    fn eq(&self, _: &Self) -> bool {
        false
    }
}

/// The overlay.
pub struct PinLayer {
    what: String,
    typed: Zeroizing<String>,
    wrong: u32,
    until: Option<Ts>,
}

impl std::fmt::Debug for PinLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PinLayer").field("what", &self.what).finish_non_exhaustive()
    }
}

impl PinLayer {
    /// Asks before something, after so many wrong tries in a row; until then none is taken.
    #[must_use]
    pub fn new(what: &str, wrong: u32, until: Option<Ts>) -> Self {
        // Room for all of it from the beginning: growing would leave copies behind.
        Self { what: what.to_owned(), typed: Zeroizing::new(String::with_capacity(MOST)), wrong, until }
    }
}

impl Layer for PinLayer {
    fn key(&mut self, key: KeyEvent, _: &mut LayerCx<'_>) -> Reply {
        if is_cancel(key) {
            return Reply::Close(vec![Act::NoPin]);
        }
        match key.code {
            KeyCode::Enter if self.typed.is_empty() => Reply::stay(),
            KeyCode::Enter => Reply::Close(vec![Act::Pin(Typed(SecretString::from(self.typed.as_str())))]),
            KeyCode::Backspace => {
                self.typed.pop();
                Reply::stay()
            }
            KeyCode::Char(c)
                if c.is_ascii_alphanumeric()
                    && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
                    && self.typed.len() < MOST =>
            {
                self.typed.push(c);
                Reply::stay()
            }
            _ => Reply::stay(),
        }
    }

    fn view(&self, frame: &mut Frame<'_>, area: Rect, cx: &ViewCtx<'_>) {
        let stars = "*".repeat(self.typed.len());
        let title = format!("{}: PIN", self.what);
        let left = self.until.map_or(0, |until| (until.since(cx.ctx.now) + SECOND - 1) / SECOND);
        let error = match (self.wrong, left) {
            (0, ..=0) => None,
            (0, left) => Some(format!("no PIN is taken for another {left} s")),
            (n, left) if left > 0 => Some(format!("wrong PIN ({n} in a row): the next is taken in {left} s")),
            (n, _) => Some(format!("wrong PIN ({n} in a row): type it again")),
        };
        draw(frame, cx, |buf, paint| {
            let prompt = ui::prompt::Prompt {
                title: &title,
                text: &stars,
                cursor: stars.len(),
                hint: "Enter accepts, Esc leaves everything as it is",
                error: error.as_deref(),
            };
            prompt.render(buf, area, paint)
        });
    }

    fn linear(&self) -> Vec<String> {
        vec![format!("{}: type the PIN and Enter", self.what)]
    }
}
