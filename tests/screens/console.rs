//! The console of a guest as it is drawn: a menu of the kind installers show, with a search and a
//! selection, and a log that is scrolled up, at four sizes.

use noctule::engine::emulator::{Emulator, View};
use noctule::model::console::{Found, Place, Selection};
use noctule::theme::{Glyphs, Theme};
use noctule::ui::Paint;
use noctule::ui::console::{ConsoleView, thumbnail};
use ratatui::layout::Rect;

use super::SIZES;
use super::harness::print_frame;

fn menu() -> Emulator {
    let mut emulator = Emulator::default();
    let mut out = "\x1b[H\x1b[J\x1b[44;37m".to_owned();
    let line = "q".repeat(28);
    out.push_str(&format!("\x1b[6;26H\x1b(0\x1b[30;47ml{line}k\x1b(B"));
    for (n, item) in ["Start", "Repair a disk", "Open a shell"].iter().enumerate() {
        let look = if n == 1 { "\x1b[37;41m" } else { "\x1b[30;47m" };
        out.push_str(&format!("\x1b[{};26H\x1b[30;47m\x1b(0x\x1b(B {look}{item:<26}\x1b[30;47m \x1b(0x\x1b(B", n + 7));
    }
    out.push_str(&format!("\x1b[10;26H\x1b(0m{line}j\x1b(B\x1b[m\x1b[1;1HGr\u{fc}\u{df}e \u{65e5}\u{672c}\u{8a9e}"));
    out.push_str("\x1b[24;60H\x1b[1mpanic\x1b[m: no panic \x1b[8;29H");
    let _ = emulator.feed(out.as_bytes());
    emulator
}

fn each(name: &str, draw: impl Fn(&Paint<'_>, Rect, &mut ratatui::buffer::Buffer)) {
    let theme = Theme::probe();
    for size in SIZES {
        for (kind, glyphs) in [("unicode", Glyphs::UNICODE), ("ascii", Glyphs::ASCII)] {
            let printed = print_frame(size, |frame| {
                let area = frame.area();
                draw(&Paint::new(&theme, &glyphs), area, frame.buffer_mut());
            });
            insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
                insta::assert_snapshot!(format!("{name}_{}x{}_{kind}", size.0, size.1), printed);
            });
        }
    }
}

#[test]
fn a_guest_with_a_search() {
    let emulator = menu();
    let screen = emulator.screen(0);
    let found = emulator.found_on(&screen, "panic");
    assert_eq!(found.len(), 2);
    let place = |line, column| Place { line, column };
    each("console", |paint, area, buf| {
        let view = ConsoleView {
            found: &found,
            current: found.last().copied(),
            selection: Some(Selection { from: place(6, 27), to: place(7, 31) }),
            focused: true,
            ..ConsoleView::new(&screen)
        };
        view.render(paint, area, buf);
    });
}

#[test]
fn a_log_that_is_scrolled_up() {
    let mut emulator = Emulator::default();
    for n in 0..3000 {
        let _ = emulator.feed(format!("[{n:>6}.000000] \x1b[3{}meth0\x1b[m: link is up\r\n", n % 8).as_bytes());
    }
    let from = Place { line: 2000, column: 0 };
    let mut view = View::default();
    view.show(&emulator, Found { from, to: from });
    let screen = view.changed(&emulator).expect("a first look");
    each("console_scrolled", |paint, area, buf| {
        ConsoleView::new(&screen).render(paint, area, buf);
    });
}

#[test]
fn a_wall() {
    let screen = menu().screen(0);
    each("console_thumbnail", |paint, area, buf| {
        thumbnail(&screen, paint, Rect { width: area.width / 3, height: area.height / 3, ..area }, buf);
    });
}
