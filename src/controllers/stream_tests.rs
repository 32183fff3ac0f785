//! Lists cut anywhere, and what is wrong with them.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

fn read(text: &[u8], cuts: &[usize]) -> (Vec<Json>, Result<(), Fault>) {
    read_by(Documents::default(), text, cuts)
}

fn read_by(mut documents: Documents<Json>, text: &[u8], cuts: &[usize]) -> (Vec<Json>, Result<(), Fault>) {
    let (mut out, mut from) = (Vec::new(), 0);
    let mut ends: Vec<usize> = cuts.iter().map(|c| c % (text.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(text.len());
    let mut result = Ok(());
    for end in ends {
        result = result.and_then(|()| documents.feed(&text[from..end]));
        from = end;
        out.extend(std::iter::from_fn(|| documents.take()));
    }
    let result = result.and_then(|()| documents.finish());
    out.extend(std::iter::from_fn(|| documents.take()));
    (out, result)
}

fn written(list: &[Json]) -> String {
    format!("[\n{}\n]", list.iter().map(Json::to_string).collect::<Vec<_>>().join(",\n"))
}

fn documents() -> impl Strategy<Value = Vec<Json>> {
    let one = (any::<String>(), any::<String>(), any::<i64>(), any::<bool>())
        .prop_map(|(id, text, n, b)| json!({"_id": id, "t": {"_value": text, "]": [n, "},\n{"]}, "b": b}));
    prop::collection::vec(one, 0..8)
}

proptest! {
    #[test]
    fn lists_are_read_wherever_they_are_cut(list in documents(), cuts in prop::collection::vec(0_usize.., 0..20)) {
        let (found, result) = read(written(&list).as_bytes(), &cuts);
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(found, list);
    }

    #[test]
    fn a_list_cut_short_is_never_taken_for_a_whole(list in documents(), at in 0_usize.., cuts in prop::collection::vec(0_usize.., 0..5)) {
        let text = written(&list);
        let at = at % text.len();
        let (found, result) = read(&text.as_bytes()[..at], &cuts);
        prop_assert!(matches!(result, Err(Fault::Truncated { .. })), "{result:?}");
        prop_assert!(list.starts_with(&found));
    }

    #[test]
    fn elements_are_found_wherever_they_are_cut(list in documents(), cuts in prop::collection::vec(0_usize.., 0..20)) {
        let one_line = serde_json::to_string(&list).unwrap();
        prop_assert_eq!(read_by(Documents::elements(MAX_LINE), one_line.as_bytes(), &cuts), (list.clone(), Ok(())));
        let pretty = serde_json::to_string_pretty(&list).unwrap();
        prop_assert_eq!(read_by(Documents::elements(MAX_LINE), pretty.as_bytes(), &cuts), (list.clone(), Ok(())));
        prop_assert_eq!(read_by(Documents::inside(MAX_LINE), wrapped(&list).as_bytes(), &cuts), (list, Ok(())));
    }

    #[test]
    fn elements_cut_short_are_never_taken_for_a_whole(list in documents(), at in 0_usize.., cuts in prop::collection::vec(0_usize.., 0..5)) {
        for (text, inside) in [(serde_json::to_string(&list).unwrap(), false), (wrapped(&list), true)] {
            let by = if inside { Documents::inside(MAX_LINE) } else { Documents::elements(MAX_LINE) };
            let at = at % text.len();
            let (found, result) = read_by(by, &text.as_bytes()[..at], &cuts);
            prop_assert!(matches!(result, Err(Fault::Truncated { .. })), "{result:?}");
            prop_assert!(list.starts_with(&found));
        }
    }

    #[test]
    fn no_bytes_panic_the_elements(bytes in "[\\[\\]{}\",:a1 \\\\]{0,80}", cuts in prop::collection::vec(0_usize.., 0..8)) {
        let _ = read_by(Documents::elements(64), bytes.as_bytes(), &cuts);
        let _ = read_by(Documents::inside(64), bytes.as_bytes(), &cuts);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cuts in prop::collection::vec(0_usize.., 0..8)) {
        let _ = read(&bytes, &cuts);
    }

    #[test]
    fn lines_are_those_of_the_whole(text in "[ab\n]{0,60}", cuts in prop::collection::vec(0_usize.., 0..8)) {
        let mut lines = Lines::new(100);
        let mut found: Vec<String> = Vec::new();
        let mut each = |_: Spot, l: &[u8]| { found.push(String::from_utf8_lossy(l).into_owned()); Ok(()) };
        let mut ends: Vec<usize> = cuts.iter().map(|c| c % (text.len() + 1)).collect();
        ends.sort_unstable();
        ends.push(text.len());
        let mut from = 0;
        for end in ends {
            lines.feed(&text.as_bytes()[from..end], &mut each).unwrap();
            from = end;
        }
        lines.finish(&mut each).unwrap();
        let mut whole: Vec<&str> = text.split('\n').collect();
        if whole.last() == Some(&"") { whole.pop(); }
        prop_assert_eq!(found, whole);
    }
}

#[test]
fn other_layouts_are_lists_as_well() {
    let two = vec![json!({"a": 1}), json!({"b": 2})];
    for text in [
        "[{\"a\":1},{\"b\":2}]",
        "[\n{\"a\":1}\n,{\"b\":2}]\n",
        "[\n{\"a\":1},\n{\"b\":2},\n]",
        "\r\n[\r\n{\"a\":1},\r\n{\"b\":2}\r\n]\r\n\r\n",
    ] {
        assert_eq!(read(text.as_bytes(), &[]), (two.clone(), Ok(())), "{text}");
    }
    for text in ["[]", "[\n\n]", "[\n]\n"] {
        assert_eq!(read(text.as_bytes(), &[]), (vec![], Ok(())), "{text}");
    }
}

#[test]
fn what_is_wrong_is_told() {
    let fault = |text: &str| read(text.as_bytes(), &[]).1.unwrap_err().to_string();
    assert_eq!(fault("404 Not Found\n"), "it is no list, but begins with \"404 Not Found\"");
    assert_eq!(fault("<html>\u{1b}[2J\n"), "it is no list, but begins with \"<html>\"");
    assert!(fault("[\n{\"a\":},\n{}\n]").starts_with("line 2 is no document: expected value"));
    assert_eq!(fault("[\n{}\n{}\n]"), "line 3 is no document: \"{}\" where a document or the end of the list belongs");
    assert!(fault("[\n1\n]").starts_with("line 2 is no document"));
    assert_eq!(fault("[\n{},\n{\"a\":1},\n"), "it ended after 2 documents, before the end of the list");
    assert_eq!(fault("[\n{},\n{\"a\""), "it ended after 1 documents, before the end of the list");
    assert_eq!(fault(""), "it ended after 0 documents, before the end of the list");
    assert_eq!(fault("[]\n[]\n"), "something follows the end of the list in line 2");
    assert!(fault("[\n{},\n,{}]\n").starts_with("line 3 is no document"));
}

#[test]
fn a_line_beyond_the_limit_is_refused_before_it_is_kept() {
    let mut documents = Documents::<Json>::with_limit(100);
    documents.feed(b"[\n{\"a\":1},\n{\"b\":\"").unwrap();
    assert_eq!(documents.take(), Some(json!({"a": 1})));
    let mut fed = 0;
    let fault = loop {
        if let Err(fault) = documents.feed(&[b'x'; 30]) {
            break fault;
        }
        fed += 1;
    };
    assert_eq!((fault, fed), (Fault::TooLong { at: Spot::Line(3), limit: 100 }, 3));
}

#[test]
fn what_is_kept_does_not_grow_with_the_answer() {
    let line = format!("{},\n", json!({"_id": "x".repeat(300)}));
    let mut documents = Documents::<Json>::default();
    documents.feed(b"[\n").unwrap();
    for _ in 0..20_000 {
        for piece in line.as_bytes().chunks(100) {
            documents.feed(piece).unwrap();
            while documents.take().is_some() {}
        }
    }
    assert_eq!(documents.read(), 20_000);
    let Cut::Lines(lines) = &documents.cut else { panic!("cut otherwise") };
    assert!(lines.kept.capacity() < 4096 && documents.list.ready.capacity() < 64);
}

/// What Prometheus puts around a list.
fn wrapped(list: &[Json]) -> String {
    json!({"status": "success [x", "data": {"alerts": list}, "warnings": ["a ] b"]}).to_string()
}

#[test]
fn elements_of_one_endless_line_do_not_pile_up() {
    let element = json!({"labels": {"x": "y".repeat(300)}}).to_string();
    let mut documents = Documents::<Json>::elements(4096);
    documents.feed(b"[").unwrap();
    for n in 0..20_000 {
        if n > 0 {
            documents.feed(b",").unwrap();
        }
        for piece in element.as_bytes().chunks(100) {
            documents.feed(piece).unwrap();
            while documents.take().is_some() {}
        }
    }
    documents.feed(b"]\n").unwrap();
    assert_eq!((documents.finish(), documents.read()), (Ok(()), 20_000));
    let Cut::Elements(elements) = &documents.cut else { panic!("cut otherwise") };
    assert!(elements.kept.capacity() < 4096 && documents.list.ready.capacity() < 64);
}

#[test]
fn what_is_wrong_with_elements_is_told() {
    let by = |text: &str| read_by(Documents::elements(100), text.as_bytes(), &[]).1.map_err(|e| e.to_string());
    assert_eq!(by("[]\n"), Ok(()));
    assert_eq!(by(" [ {\"a\": [\"]\"]} , {} ] "), Ok(()));
    assert!(by("[{},{\"a\":}]").unwrap_err().starts_with("element 2 is no document: expected value"));
    assert!(by("[{}]x").unwrap_err().starts_with("something follows the end of the list in element"));
    assert!(by("[1]").is_err() && by("{}").is_err() && by("[{}").is_err() && by("").is_err());
    assert!(by(&format!("[{{\"a\":\"{}\"}}]", "x".repeat(200))).unwrap_err().starts_with("element 1 is longer"));
    let inside = |text: &str| read_by(Documents::inside(100), text.as_bytes(), &[]).1.map_err(|e| e.to_string());
    assert_eq!(inside("{\"a\":{\"b\":[]}}"), Ok(()));
    assert!(inside("<html>").unwrap_err().contains("<html>"));
    assert!(inside("[{}]").is_err() && inside("{\"a\":{\"b\":[]}").is_err() && inside("{\"a\":1}").is_err());
}
