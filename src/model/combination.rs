//! The menu of keys that a terminal cannot send, or does not let through: combinations by name
//! (`ctrl-alt-delete`, `alt-sysrq-b`), the words of modifiers first, the key last.

/// An entry of the menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Combination {
    /// As it is asked for.
    pub name: &'static str,
    /// As it is written on keyboards, with what it does where that is not plain.
    pub label: &'static str,
    /// Whether it may end what runs in the guest: to be confirmed.
    pub grave: bool,
}

const fn entry(name: &'static str, label: &'static str) -> Combination {
    Combination { name, label, grave: false }
}

const fn grave(name: &'static str, label: &'static str) -> Combination {
    Combination { name, label, grave: true }
}

/// The menu.
pub const MENU: &[Combination] = &[
    grave("ctrl-alt-delete", "Ctrl-Alt-Delete: restarts most systems"),
    grave("ctrl-alt-backspace", "Ctrl-Alt-Backspace: ends an X server"),
    entry("ctrl-alt-f1", "Ctrl-Alt-F1"),
    entry("ctrl-alt-f2", "Ctrl-Alt-F2"),
    entry("ctrl-alt-f3", "Ctrl-Alt-F3"),
    entry("ctrl-alt-f4", "Ctrl-Alt-F4"),
    entry("ctrl-alt-f5", "Ctrl-Alt-F5"),
    entry("ctrl-alt-f6", "Ctrl-Alt-F6"),
    entry("ctrl-alt-f7", "Ctrl-Alt-F7"),
    entry("ctrl-alt-f8", "Ctrl-Alt-F8"),
    entry("ctrl-alt-f9", "Ctrl-Alt-F9"),
    entry("ctrl-alt-f10", "Ctrl-Alt-F10"),
    entry("ctrl-alt-f11", "Ctrl-Alt-F11"),
    entry("ctrl-alt-f12", "Ctrl-Alt-F12"),
    entry("esc", "Esc"),
    entry("shift-pageup", "Shift-PageUp: scrolls a Linux console back"),
    entry("shift-pagedown", "Shift-PageDown: scrolls a Linux console forth"),
    entry("alt-tab", "Alt-Tab: next window"),
    entry("alt-f4", "Alt-F4: closes a window"),
    entry("ctrl-shift-esc", "Ctrl-Shift-Esc: task manager of Windows"),
    entry("super", "Super"),
    entry("super-l", "Super-L: locks most desktops"),
    entry("super-r", "Super-R: runs a program, Windows"),
    entry("print", "Print Screen"),
    entry("pause", "Pause"),
    entry("menu", "Menu"),
    entry("numlock", "Num Lock"),
    entry("capslock", "Caps Lock"),
    entry("scrolllock", "Scroll Lock"),
    entry("alt-sysrq-h", "Alt-SysRq-H: Linux lists these commands"),
    entry("alt-sysrq-t", "Alt-SysRq-T: Linux lists tasks"),
    entry("alt-sysrq-w", "Alt-SysRq-W: Linux lists tasks that are blocked"),
    entry("alt-sysrq-m", "Alt-SysRq-M: Linux tells of memory"),
    entry("alt-sysrq-r", "Alt-SysRq-R: Linux takes the keyboard back from X"),
    entry("alt-sysrq-s", "Alt-SysRq-S: write everything to disk"),
    grave("alt-sysrq-u", "Alt-SysRq-U: file systems read-only"),
    grave("alt-sysrq-e", "Alt-SysRq-E: asks all processes to end"),
    grave("alt-sysrq-i", "Alt-SysRq-I: kills all processes"),
    grave("alt-sysrq-f", "Alt-SysRq-F: kills what uses the most memory"),
    grave("alt-sysrq-b", "Alt-SysRq-B: reboot at once"),
    grave("alt-sysrq-o", "Alt-SysRq-O: power off at once"),
    grave("alt-sysrq-c", "Alt-SysRq-C: crashes Linux, for a dump"),
];

/// The entry of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Combination> {
    MENU.iter().find(|entry| entry.name == name)
}

/// The grave entry that somebody presses with a combination, whatever words it is written in and
/// whatever is held beside it: `ctrl-alt-del` restarts a guest like `ctrl-alt-delete`.
#[must_use]
pub fn grave_in(name: &str) -> Option<&'static Combination> {
    let keys: Vec<String> = name.split('-').map(key).collect();
    MENU.iter().find(|entry| entry.grave && entry.name.split('-').all(|word| keys.contains(&key(word))))
}

/// One spelling of a key.
fn key(word: &str) -> String {
    let word = word.trim().to_lowercase();
    match word.as_str() {
        "control" => "ctrl".to_owned(),
        // Linux takes either Alt for its commands.
        "altgr" => "alt".to_owned(),
        "del" => "delete".to_owned(),
        "print" => "sysrq".to_owned(),
        _ => word,
    }
}

/// Where a menu begins: an entry that ends nothing, for whoever presses Enter without reading.
#[must_use]
pub fn first() -> usize {
    MENU.iter().position(|entry| !entry.grave).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_menu_has_no_entry_twice_and_marks_what_ends_a_guest() {
        for (n, entry) in MENU.iter().enumerate() {
            assert!(MENU.iter().skip(n + 1).all(|e| e.name != entry.name && e.label != entry.label), "{}", entry.name);
        }
        let grave = |name: &str| named(name).unwrap().grave;
        assert!(grave("ctrl-alt-delete") && grave("alt-sysrq-b") && !grave("ctrl-alt-f2"));
        assert!(!MENU[first()].grave);
        assert!((1..=12).all(|n| named(&format!("ctrl-alt-f{n}")).is_some()));
    }

    #[test]
    fn what_ends_a_guest_is_known_in_any_spelling() {
        for (typed, name) in [
            ("ctrl-alt-delete", "ctrl-alt-delete"),
            ("alt-control-del", "ctrl-alt-delete"),
            ("ctrl-altgr-shift-delete", "ctrl-alt-delete"),
            ("alt-print-B", "alt-sysrq-b"),
            ("ctrl-alt-sysrq-o", "alt-sysrq-o"),
        ] {
            assert_eq!(grave_in(typed).map(|entry| entry.name), Some(name), "{typed}");
        }
        for harmless in ["", "-", "ctrl-alt-f2", "alt-f4", "delete", "ctrl-delete", "alt-sysrq-s", "b", "alt-tab"] {
            assert_eq!(grave_in(harmless), None, "{harmless}");
        }
    }
}
