//! Keys of our own terminal as keys for a console.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, ModifierKeyCode};

use crate::model::console::{ConsoleKey, Stroke};

/// A key press as a stroke for a console; `None` for keys that only matter here (modifiers alone, media
/// keys, locks). The release of a key is the caller's to leave out.
#[must_use]
pub fn stroke(event: KeyEvent) -> Option<Stroke> {
    let has = |m| event.modifiers.contains(m);
    let mut stroke = Stroke {
        key: ConsoleKey::Esc,
        shift: has(KeyModifiers::SHIFT),
        alt: has(KeyModifiers::ALT) || has(KeyModifiers::META),
        ctrl: has(KeyModifiers::CONTROL),
        logo: has(KeyModifiers::SUPER) || has(KeyModifiers::HYPER),
    };
    stroke.key = match event.code {
        KeyCode::Char(c) => ConsoleKey::Char(c),
        KeyCode::F(n) => ConsoleKey::F(n),
        KeyCode::Enter => ConsoleKey::Enter,
        KeyCode::Esc => ConsoleKey::Esc,
        KeyCode::Tab => ConsoleKey::Tab,
        KeyCode::BackTab => {
            stroke.shift = true;
            ConsoleKey::Tab
        }
        KeyCode::Backspace => ConsoleKey::Backspace,
        KeyCode::Delete => ConsoleKey::Delete,
        KeyCode::Insert => ConsoleKey::Insert,
        KeyCode::Home => ConsoleKey::Home,
        KeyCode::End => ConsoleKey::End,
        KeyCode::PageUp => ConsoleKey::PageUp,
        KeyCode::PageDown => ConsoleKey::PageDown,
        KeyCode::Up => ConsoleKey::Up,
        KeyCode::Down => ConsoleKey::Down,
        KeyCode::Left => ConsoleKey::Left,
        KeyCode::Right => ConsoleKey::Right,
        KeyCode::PrintScreen => ConsoleKey::Print,
        KeyCode::Pause => ConsoleKey::Pause,
        KeyCode::Menu => ConsoleKey::Menu,
        KeyCode::KeypadBegin => ConsoleKey::Begin,
        // A terminal that sends NUL for Ctrl-Space.
        KeyCode::Null => {
            stroke.ctrl = true;
            ConsoleKey::Char(' ')
        }
        KeyCode::CapsLock
        | KeyCode::ScrollLock
        | KeyCode::NumLock
        | KeyCode::Media(_)
        | KeyCode::Modifier(
            ModifierKeyCode::LeftShift
            | ModifierKeyCode::LeftControl
            | ModifierKeyCode::LeftAlt
            | ModifierKeyCode::LeftSuper
            | ModifierKeyCode::LeftHyper
            | ModifierKeyCode::LeftMeta
            | ModifierKeyCode::RightShift
            | ModifierKeyCode::RightControl
            | ModifierKeyCode::RightAlt
            | ModifierKeyCode::RightSuper
            | ModifierKeyCode::RightHyper
            | ModifierKeyCode::RightMeta
            | ModifierKeyCode::IsoLevel3Shift
            | ModifierKeyCode::IsoLevel5Shift,
        ) => return None,
    };
    Some(stroke)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_their_modifiers() {
        let event = |code, modifiers| stroke(KeyEvent::new(code, modifiers));
        let all = KeyModifiers::SHIFT | KeyModifiers::ALT | KeyModifiers::CONTROL | KeyModifiers::SUPER;
        assert_eq!(
            event(KeyCode::Up, all),
            Some(Stroke { key: ConsoleKey::Up, shift: true, alt: true, ctrl: true, logo: true })
        );
        assert_eq!(event(KeyCode::Char('G'), KeyModifiers::SHIFT).map(|s| s.key), Some(ConsoleKey::Char('G')));
        let tab = event(KeyCode::BackTab, KeyModifiers::NONE);
        assert_eq!(tab, Some(Stroke { shift: true, ..Stroke::plain(ConsoleKey::Tab) }));
        assert_eq!(event(KeyCode::CapsLock, KeyModifiers::NONE), None);
        let nul = event(KeyCode::Null, KeyModifiers::NONE);
        assert_eq!(nul, Some(Stroke { ctrl: true, ..Stroke::plain(ConsoleKey::Char(' ')) }));
    }
}
