//! Keys as `virDomainSendKey` has them in the code set of Linux.

/// The Linux number of a key (`input-event-codes.h`), by its name.
#[must_use]
pub fn code(name: &str) -> Option<u32> {
    const ROWS: [(&str, u32); 3] = [("qwertyuiop", 16), ("asdfghjkl", 30), ("zxcvbnm", 44)];
    let code = match name {
        "esc" | "escape" => 1,
        "minus" => 12,
        "equal" => 13,
        "backspace" => 14,
        "tab" => 15,
        "enter" | "return" => 28,
        "ctrl" | "control" => 29,
        "shift" => 42,
        "alt" => 56,
        "space" => 57,
        "sysrq" | "print" => 99,
        "altgr" => 100,
        "home" => 102,
        "up" => 103,
        "pageup" => 104,
        "left" => 105,
        "right" => 106,
        "end" => 107,
        "down" => 108,
        "pagedown" => 109,
        "insert" => 110,
        "delete" | "del" => 111,
        "pause" => 119,
        "logo" | "super" => 125,
        "menu" => 139,
        "capslock" => 58,
        "numlock" => 69,
        "scrolllock" => 70,
        "f11" => 87,
        "f12" => 88,
        _ => {
            let mut chars = name.chars();
            return match (chars.next()?, chars.as_str()) {
                ('f', n) if !n.is_empty() => n.parse::<u32>().ok().filter(|n| (1..=10).contains(n)).map(|n| 58 + n),
                ('0', "") => Some(11),
                (c @ '1'..='9', "") => c.to_digit(10).map(|n| n + 1),
                (c, "") => ROWS
                    .iter()
                    .find_map(|(row, from)| row.find(c).and_then(|at| u32::try_from(at).ok()).map(|at| from + at)),
                _ => None,
            };
        }
    };
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::code;
    use crate::model::combination::MENU;

    #[test]
    fn keys_have_the_numbers_of_linux() {
        let codes = ["a", "q", "m", "1", "0", "f1", "f10", "f12", "ctrl", "alt", "delete", "sysrq"].map(code);
        let wanted = [30, 16, 50, 2, 11, 59, 68, 88, 29, 56, 111, 99].map(Some);
        assert_eq!(codes, wanted);
        assert_eq!((code("f13"), code("elephant"), code("")), (None, None, None));
    }

    #[test]
    fn all_that_the_menu_offers_can_be_sent() {
        for entry in MENU {
            assert!(entry.name.split('-').all(|key| code(key).is_some()), "{}", entry.name);
        }
    }
}
