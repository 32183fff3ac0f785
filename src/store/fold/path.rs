//! Keys that sort the tree: bytes that compare as the operator reads.
//!
//! A row lies in the group of its OLT (or, above OLTs, of its site), and `path` orders it inside
//! the group with everything below it right behind. So an OLT can move to another site by changing
//! one row, a window is a range of an index, and a folded subtree is skipped by one seek.

use crate::model::resource::{NodeKind, Resource};

/// Appends the step from a node to its child; `id` is the child's row and keeps siblings apart
/// whose names differ only in case or leading zeros.
pub(crate) fn step(path: &mut Vec<u8>, child: &Resource, number: u32, id: i64) {
    path.push(child.kind.code());
    match child.kind {
        NodeKind::PonPort | NodeKind::NniPort | NodeKind::Uni => path.extend(child.index.to_be_bytes()),
        NodeKind::Onu => {
            path.extend(number.to_be_bytes());
            natural(path, &child.name, id);
        }
        _ => natural(path, &child.name, id),
    }
}

/// Appends a name so that `OLT-9` sorts before `OLT-10`, without regard to case.
fn natural(path: &mut Vec<u8>, name: &str, id: i64) {
    let bytes = name.as_bytes();
    let mut i = 0;
    while let Some(b) = bytes.get(i) {
        if b.is_ascii_digit() {
            let digits: Vec<u8> = bytes.iter().skip(i).copied().take_while(u8::is_ascii_digit).collect();
            i += digits.len();
            let zeros = digits.iter().take_while(|d| **d == b'0').count().min(digits.len() - 1);
            path.push(b'0');
            path.push(u8::try_from(digits.len() - zeros).unwrap_or(u8::MAX));
            path.extend(digits.iter().skip(zeros));
        } else {
            path.push(b.to_ascii_lowercase().max(1));
            i += 1;
        }
    }
    path.push(0);
    path.extend((id as u32).to_be_bytes());
}

/// The first key behind everything that begins with `path`; `None` when nothing can be behind.
pub(crate) fn behind(path: &[u8]) -> Option<Vec<u8>> {
    let mut key = path.to_vec();
    while let Some(last) = key.pop() {
        if last < u8::MAX {
            key.push(last + 1);
            return Some(key);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, id: i64) -> Vec<u8> {
        let mut path = Vec::new();
        natural(&mut path, name, id);
        path
    }

    #[test]
    fn names_sort_naturally_and_keep_apart() {
        assert!(key("OLT-9", 2) < key("olt-10", 1));
        assert!(key("a", 9) < key("ab", 1));
        assert!(key("x007y", 9) < key("x8", 1));
        assert_ne!(key("OLT-07", 1), key("OLT-7", 2));
        assert_ne!(key("OLT", 1), key("olt", 2));
    }

    #[test]
    fn children_lie_between_a_node_and_what_is_behind() {
        let mut pon = Vec::new();
        step(&mut pon, &Resource::port(NodeKind::PonPort, "O", 0xff), 0, 1);
        let mut onu = pon.clone();
        step(&mut onu, &Resource::new(NodeKind::Onu, "S1"), u32::MAX, 2);
        let mut next = Vec::new();
        step(&mut next, &Resource::port(NodeKind::PonPort, "O", 0x100), 0, 3);
        let end = behind(&pon).expect("has a successor");
        assert!(pon < onu && onu < end && end <= next);
        assert_eq!(behind(&[0xff, 0xff]), None);
    }
}
