//! Keys as RFB has them: X11 keysyms going down and up. The server makes key codes of them by its own
//! layout (US unless it was told otherwise), so Shift is pressed here for what needs it there.

use crate::model::console::{ConsoleKey, Stroke};

/// A key going down or up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyEvent {
    /// X11 keysym.
    pub keysym: u32,
    /// Down, else up.
    pub down: bool,
}

const SHIFT: u32 = 0xffe1;
const CTRL: u32 = 0xffe3;
const ALT: u32 = 0xffe9;
const SUPER: u32 = 0xffeb;
const ALT_GR: u32 = 0xfe03;
const PRINT: u32 = 0xff61;
const ENTER: u32 = 0xff0d;
const TAB: u32 = 0xff09;

/// The keysym of a character.
#[must_use]
pub fn keysym_of(ch: char) -> u32 {
    match u32::from(ch) {
        code @ (0x20..=0x7e | 0xa0..=0xff) => code,
        code => 0x0100_0000 | code,
    }
}

/// Whether a character is on the second level of its key, on a US keyboard where it is there at all.
#[must_use]
pub fn needs_shift(ch: char) -> bool {
    ch.is_uppercase() || "~!@#$%^&*()_+{}|:\"<>?".contains(ch)
}

fn keysym(key: ConsoleKey) -> u32 {
    match key {
        ConsoleKey::Char(ch) => keysym_of(ch),
        ConsoleKey::F(n) => 0xffbd + u32::from(n.clamp(1, 35)),
        ConsoleKey::Enter => ENTER,
        ConsoleKey::Esc => 0xff1b,
        ConsoleKey::Tab => TAB,
        ConsoleKey::Backspace => 0xff08,
        ConsoleKey::Delete => 0xffff,
        ConsoleKey::Insert => 0xff63,
        ConsoleKey::Home => 0xff50,
        ConsoleKey::End => 0xff57,
        ConsoleKey::PageUp => 0xff55,
        ConsoleKey::PageDown => 0xff56,
        ConsoleKey::Up => 0xff52,
        ConsoleKey::Down => 0xff54,
        ConsoleKey::Left => 0xff51,
        ConsoleKey::Right => 0xff53,
        ConsoleKey::Print => PRINT,
        ConsoleKey::Pause => 0xff13,
        ConsoleKey::Menu => 0xff67,
        ConsoleKey::Begin => 0xff9d,
    }
}

/// What is held goes down, the key down and up, what is held up.
fn chord(held: &[u32], key: u32) -> Vec<KeyEvent> {
    let down = held.iter().copied().chain([key]).map(|keysym| KeyEvent { keysym, down: true });
    let up = [key].into_iter().chain(held.iter().rev().copied()).map(|keysym| KeyEvent { keysym, down: false });
    down.chain(up).collect()
}

/// What goes over the wire for a key with its modifiers.
#[must_use]
pub fn events(stroke: Stroke) -> Vec<KeyEvent> {
    let mut key = stroke.key;
    let mut shift = stroke.shift;
    if let ConsoleKey::Char(ch) = key {
        shift |= needs_shift(ch);
        // The letter of a chord is the key, not the character: Shift is told apart.
        if (stroke.ctrl || stroke.alt || stroke.logo) && ch.is_ascii_uppercase() {
            key = ConsoleKey::Char(ch.to_ascii_lowercase());
        }
    }
    let held = [(stroke.ctrl, CTRL), (stroke.alt, ALT), (stroke.logo, SUPER), (shift, SHIFT)];
    let held: Vec<u32> = held.into_iter().filter_map(|(held, sym)| held.then_some(sym)).collect();
    chord(&held, keysym(key))
}

/// What goes over the wire for a combination by name (`ctrl-alt-delete`, `alt-sysrq-b`, `super`);
/// `None` where a word of it is no key.
#[must_use]
pub fn combination(name: &str) -> Option<Vec<KeyEvent>> {
    let words: Vec<&str> = name.split('-').collect();
    let (last, held) = words.split_last()?;
    let held: Vec<u32> = held.iter().map(|word| modifier(word)).collect::<Option<_>>()?;
    Some(chord(&held, modifier(last).or_else(|| named(last))?))
}

fn modifier(word: &str) -> Option<u32> {
    Some(match word {
        "ctrl" | "control" => CTRL,
        "alt" => ALT,
        "shift" => SHIFT,
        "super" | "win" | "meta" => SUPER,
        "altgr" => ALT_GR,
        // Held with Alt, the print key is SysRq.
        "sysrq" | "print" => PRINT,
        _ => return None,
    })
}

fn named(word: &str) -> Option<u32> {
    let mut chars = word.chars();
    if let (Some(ch), None) = (chars.next(), chars.next()) {
        return (!ch.is_control()).then(|| keysym_of(ch.to_ascii_lowercase()));
    }
    if let Some(n) = word.strip_prefix('f').and_then(|n| n.parse().ok()) {
        return (1..=24).contains(&n).then(|| keysym(ConsoleKey::F(n)));
    }
    Some(match word {
        "enter" => ENTER,
        "padenter" => 0xff8d,
        "esc" | "escape" => keysym(ConsoleKey::Esc),
        "tab" => TAB,
        "space" => 0x20,
        "minus" => 0x2d,
        "backspace" => keysym(ConsoleKey::Backspace),
        "delete" | "del" => keysym(ConsoleKey::Delete),
        "insert" => keysym(ConsoleKey::Insert),
        "home" => keysym(ConsoleKey::Home),
        "end" => keysym(ConsoleKey::End),
        "pageup" => keysym(ConsoleKey::PageUp),
        "pagedown" => keysym(ConsoleKey::PageDown),
        "up" => keysym(ConsoleKey::Up),
        "down" => keysym(ConsoleKey::Down),
        "left" => keysym(ConsoleKey::Left),
        "right" => keysym(ConsoleKey::Right),
        "pause" => keysym(ConsoleKey::Pause),
        "menu" => keysym(ConsoleKey::Menu),
        "numlock" => 0xff7f,
        "capslock" => 0xffe5,
        "scrolllock" => 0xff14,
        _ => return None,
    })
}

/// Keys that write a text. Line ends are Enter; other control characters but the tab are left out.
pub fn typed(text: &str) -> impl Iterator<Item = KeyEvent> + '_ {
    let mut after_return = false;
    text.chars()
        .filter_map(move |ch| {
            let after = std::mem::replace(&mut after_return, ch == '\r');
            match ch {
                '\n' if after => None,
                '\r' | '\n' => Some(ConsoleKey::Enter),
                '\t' => Some(ConsoleKey::Tab),
                ch if ch.is_control() => None,
                ch => Some(ConsoleKey::Char(ch)),
            }
        })
        .flat_map(|key| events(Stroke::plain(key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(events: impl IntoIterator<Item = KeyEvent>) -> String {
        let words: Vec<String> =
            events.into_iter().map(|e| format!("{}{:x}", if e.down { '+' } else { '-' }, e.keysym)).collect();
        words.join(" ")
    }

    #[test]
    fn modifiers_go_down_first_and_up_last() {
        let ctrl = |ch| Stroke { ctrl: true, ..Stroke::plain(ConsoleKey::Char(ch)) };
        assert_eq!(told(events(ctrl('c'))), "+ffe3 +63 -63 -ffe3");
        assert_eq!(told(events(ctrl('C'))), "+ffe3 +ffe1 +63 -63 -ffe1 -ffe3");
        let all = Stroke { ctrl: true, alt: true, shift: true, logo: true, key: ConsoleKey::F(12) };
        assert_eq!(told(events(all)), "+ffe3 +ffe9 +ffeb +ffe1 +ffc9 -ffc9 -ffe1 -ffeb -ffe9 -ffe3");
        let back = Stroke { shift: true, ..Stroke::plain(ConsoleKey::Tab) };
        assert_eq!(told(events(back)), "+ffe1 +ff09 -ff09 -ffe1");
    }

    #[test]
    fn text_is_typed_with_shift_where_a_keyboard_needs_it() {
        assert_eq!(told(typed("a$")), "+61 -61 +ffe1 +24 -24 -ffe1");
        assert_eq!(told(typed("\r\n\x1b")), "+ff0d -ff0d", "one Enter, and no escape sequence");
        assert_eq!(told(typed("é€")), "+e9 -e9 +10020ac -10020ac");
    }

    #[test]
    fn combinations_are_pressed_in_their_order() {
        let pressed = |name| told(combination(name).unwrap());
        assert_eq!(pressed("ctrl-alt-delete"), "+ffe3 +ffe9 +ffff -ffff -ffe9 -ffe3");
        assert_eq!(pressed("alt-sysrq-b"), "+ffe9 +ff61 +62 -62 -ff61 -ffe9");
        assert_eq!(pressed("super"), "+ffeb -ffeb");
        assert_eq!(pressed("print"), "+ff61 -ff61");
        for nonsense in ["", "-", "ctrl-", "alt-nothing", "f99", "nothing-x", "delete-x"] {
            assert_eq!(combination(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn every_entry_of_the_menu_is_one_and_leaves_nothing_down() {
        for entry in crate::model::combination::MENU {
            let mut down = Vec::new();
            for event in combination(entry.name).unwrap_or_else(|| panic!("{}", entry.name)) {
                if event.down {
                    down.push(event.keysym);
                } else {
                    assert_eq!(down.pop(), Some(event.keysym), "{}", entry.name);
                }
            }
            assert!(down.is_empty(), "{}", entry.name);
        }
    }
}
