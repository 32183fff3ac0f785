//! The question before a change: what will be touched, what it takes down, the equivalent calls,
//! what cannot be undone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::paint::{Paint, popup, wrap};
use super::text_input::TextInput;
use crate::model::command::Plan;
use crate::model::text::grouped;
use crate::theme::Token;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask<'a> {
    /// Nothing: the plan touches nothing.
    Nothing,
    /// `y` or `n`.
    YesNo,
    /// [`Plan::phrase`] has to be typed.
    Phrase {
        /// Typed so far.
        text: &'a str,
        /// Cursor in it, in characters.
        cursor: usize,
    },
}

/// The question.
#[derive(Debug, Clone, Copy)]
pub struct Confirm<'a> {
    /// The plan; `None` while it is made.
    pub plan: Option<&'a Plan>,
    /// What is asked for.
    pub ask: Ask<'a>,
    /// Other answers: key and what it does. Where a phrase is typed they take Ctrl.
    pub others: &'a [(char, &'a str)],
    /// First line of the plan shown, where it is longer than the box.
    pub scroll: u16,
}

impl Confirm<'_> {
    /// Draws the question; returns the cell of the text cursor.
    pub fn render(&self, buf: &mut Buffer, screen: Rect, paint: &Paint<'_>) -> Option<(u16, u16)> {
        let danger = self.plan.is_some_and(|p| !p.irreversible.is_empty()) || matches!(self.ask, Ask::Phrase { .. });
        // A difference has lines of its own length: they are cut and not wrapped, so they get more room.
        let wide = self.plan.is_some_and(|p| p.diff.iter().any(|l| usize::from(super::paint::wide(l)) > 72));
        let width = if wide { 132 } else { 78 }.min(screen.width);
        let lines = self.plan.map_or_else(
            || vec![(Token::Dim, "working out what this would do".to_owned())],
            |plan| plan_lines(plan, width.saturating_sub(2)),
        );
        let asked = if matches!(self.ask, Ask::Phrase { .. }) { 3 + u16::from(!self.others.is_empty()) } else { 2 };
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(asked + 2);
        let area = popup(screen, width, height);
        let title = self.plan.map_or("One moment", |p| p.title.as_str());
        let border = if danger { Token::Danger } else { Token::BorderFocus };
        let inner = paint.boxed(buf, area, title, Token::Dialog, border);
        let base = paint.style(Token::Dialog);
        let body = inner.height.saturating_sub(asked);
        let most = lines.len().saturating_sub(usize::from(body));
        let first = usize::from(self.scroll).min(most);
        for (y, (token, line)) in (inner.y..inner.y + body).zip(lines.iter().skip(first)) {
            paint.put_styled(
                buf,
                (inner.x + 1, y),
                inner.width.saturating_sub(2),
                line,
                base.patch(paint.style(*token)),
            );
        }
        if most > first {
            let more = format!("{} {} more lines: down, page down", paint.glyphs.down, most - first);
            paint.put_styled(
                buf,
                (inner.x + 1, inner.y + body),
                inner.width.saturating_sub(2),
                &more,
                base.patch(paint.style(Token::Dim)),
            );
        }
        self.question(buf, Rect { y: inner.bottom().saturating_sub(asked - 1), height: asked - 1, ..inner }, paint)
    }

    fn question(&self, buf: &mut Buffer, area: Rect, paint: &Paint<'_>) -> Option<(u16, u16)> {
        let base = paint.style(Token::Dialog);
        let key = base.patch(paint.style(Token::Key));
        let words = base.patch(paint.style(Token::KeyText));
        let plan = self.plan?;
        let x = area.x + 1;
        let width = area.width.saturating_sub(2);
        match self.ask {
            Ask::YesNo | Ask::Nothing => {
                let mut at = x;
                let others = self.others.iter().map(|(k, w)| (k.to_string(), format!(" {w}    ")));
                let yes = (self.ask == Ask::YesNo).then(|| ("y".to_owned(), " do it    ".to_owned()));
                for (k, w) in yes.into_iter().chain(others).chain([("n".to_owned(), " leave it".to_owned())]) {
                    at += paint.put_styled(buf, (at, area.y), width, &k, key);
                    at += paint.put_styled(buf, (at, area.y), width, &w, words);
                }
                None
            }
            Ask::Phrase { text, cursor } => {
                let line = format!("Type {} and enter to do it; esc leaves it.", plan.phrase);
                paint.put_styled(buf, (x, area.y), width, &line, words);
                let right: Vec<char> = plan.phrase.chars().collect();
                let same = text.chars().zip(&right).take_while(|(a, b)| a == *b).count();
                let wrong = (same < text.chars().count()).then(|| same..text.chars().count());
                let mut at = x;
                for (k, w) in self.others {
                    at += paint.put_styled(buf, (at, area.y + 2), width, &format!("ctrl-{k}"), key);
                    at += paint.put_styled(buf, (at, area.y + 2), width, &format!(" {w}    "), words);
                }
                let field = Rect { x, y: area.y + 1, width, height: 1 };
                TextInput { text, cursor: Some(cursor), error: wrong, ..TextInput::default() }.render(buf, field, paint)
            }
        }
    }
}

fn plan_lines(plan: &Plan, width: u16) -> Vec<(Token, String)> {
    let mut lines = Vec::new();
    let room = width.saturating_sub(4);
    // What is lost comes first: in a long plan the lists go over the edge, never this.
    if plan.onus > 0 || plan.subscribers > 0 {
        let onus = if plan.onus == 1 { "ONU" } else { "ONUs" };
        let subscribers = if plan.subscribers == 1 { "subscriber" } else { "subscribers" };
        lines.push((
            Token::Danger,
            format!("takes down {} {onus}, {} {subscribers}", grouped(plan.onus), grouped(plan.subscribers)),
        ));
    }
    section(&mut lines, "cannot be undone", &plan.irreversible, Token::Danger, room);
    section(&mut lines, "good to know", &plan.notes, Token::Text, room);
    let count = if plan.total == 1 { "target".to_owned() } else { format!("{} targets", grouped(plan.total)) };
    lines.push((Token::Strong, count));
    lines.extend(plan.first.iter().map(|name| (Token::Text, format!("  {name}"))));
    let shown = u64::try_from(plan.first.len()).unwrap_or(u64::MAX);
    if plan.total > shown && shown > 0 {
        lines.push((Token::Dim, format!("  and {} more", grouped(plan.total - shown))));
    }
    for (reason, n) in &plan.skipped {
        lines.push((Token::Off, format!("  {} left out: {reason}", grouped(*n))));
    }
    section(&mut lines, "equivalent calls", &plan.calls, Token::Dim, room);
    if !plan.diff.is_empty() {
        lines.push((Token::Strong, "what changes".to_owned()));
    }
    lines.extend(plan.diff.iter().map(|line| {
        let token = match line.as_bytes().first() {
            Some(b'+') => Token::Good,
            Some(b'-') => Token::Bad,
            Some(b'@') => Token::Dim,
            _ => Token::Text,
        };
        (token, line.clone())
    }));
    lines
}

fn section(lines: &mut Vec<(Token, String)>, title: &str, items: &[String], token: Token, room: u16) {
    if items.is_empty() {
        return;
    }
    lines.push((Token::Strong, title.to_owned()));
    for item in items {
        lines.extend(wrap(item, room).into_iter().map(|line| (token, format!("  {line}"))));
    }
}
