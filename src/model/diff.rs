//! What changed between two texts, line by line, as `diff -u` shows it.

/// Lines around a change that are shown with it.
const CONTEXT: usize = 3;
/// Cells of the comparison beyond which the differing part counts as replaced whole.
const MOST: usize = 4_000_000;

/// One line of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Same(usize, usize),
    Removed(usize),
    Added(usize),
}

/// The changes from `old` to `new`: lines that begin with `@@`, a blank, `-` or `+`. Empty when
/// there is none.
#[must_use]
pub fn unified(old: &str, new: &str) -> Vec<String> {
    let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let steps = steps(&a, &b);
    let changed: Vec<usize> =
        steps.iter().enumerate().filter(|(_, s)| !matches!(s, Step::Same(..))).map(|(i, _)| i).collect();
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(first) = changed.get(at) {
        let start = first.saturating_sub(CONTEXT);
        let mut last = *first;
        // Changes whose surroundings touch are one piece.
        while let Some(next) = changed.get(at).filter(|n| **n <= last + 2 * CONTEXT + 1) {
            last = *next;
            at += 1;
        }
        piece(&steps, start, (last + CONTEXT + 1).min(steps.len()), (&a, &b), &mut out);
    }
    out
}

fn piece(steps: &[Step], start: usize, end: usize, (a, b): (&[&str], &[&str]), out: &mut Vec<String>) {
    let before = |of_old: bool| {
        let counts = |s: &&Step| matches!(s, Step::Same(..)) || matches!(s, Step::Removed(_)) == of_old;
        steps.iter().take(start).filter(counts).count()
    };
    let shown = steps.get(start..end).unwrap_or_default();
    let count = |of_old: bool| {
        shown.iter().filter(|s| matches!(s, Step::Same(..)) || matches!(s, Step::Removed(_)) == of_old).count()
    };
    let range = |of_old: bool| {
        let (first, n) = (before(of_old), count(of_old));
        format!("{},{n}", if n == 0 { first } else { first + 1 })
    };
    out.push(format!("@@ -{} +{} @@", range(true), range(false)));
    for step in shown {
        let (sign, line) = match step {
            Step::Same(_, j) => (' ', b.get(*j)),
            Step::Removed(i) => ('-', a.get(*i)),
            Step::Added(j) => ('+', b.get(*j)),
        };
        out.push(format!("{sign}{}", line.copied().unwrap_or_default()));
    }
}

/// The shortest way from one to the other.
fn steps(a: &[&str], b: &[&str]) -> Vec<Step> {
    let head = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let tail = a.iter().skip(head).rev().zip(b.iter().skip(head).rev()).take_while(|(x, y)| x == y).count();
    let (a_end, b_end) = (a.len() - tail, b.len() - tail);
    let mut out: Vec<Step> = (0..head).map(|i| Step::Same(i, i)).collect();
    let (left, right) = (a.get(head..a_end).unwrap_or_default(), b.get(head..b_end).unwrap_or_default());
    if left.len().saturating_mul(right.len()) > MOST {
        out.extend((head..a_end).map(Step::Removed));
        out.extend((head..b_end).map(Step::Added));
    } else {
        middle(left, right, head, &mut out);
    }
    out.extend((0..tail).map(|i| Step::Same(a_end + i, b_end + i)));
    out
}

/// The longest common run of lines, found backwards, walked forwards.
fn middle(a: &[&str], b: &[&str], head: usize, out: &mut Vec<Step>) {
    let wide = b.len() + 1;
    let mut common = vec![0_u32; (a.len() + 1) * wide];
    let get = |common: &[u32], i: usize, j: usize| common.get(i * wide + j).copied().unwrap_or(0);
    for (i, x) in a.iter().enumerate().rev() {
        for (j, y) in b.iter().enumerate().rev() {
            let best = if x == y {
                get(&common, i + 1, j + 1) + 1
            } else {
                get(&common, i + 1, j).max(get(&common, i, j + 1))
            };
            if let Some(cell) = common.get_mut(i * wide + j) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a.get(i) == b.get(j) {
            out.push(Step::Same(head + i, head + j));
            (i, j) = (i + 1, j + 1);
        } else if j >= b.len() || (i < a.len() && get(&common, i + 1, j) >= get(&common, i, j + 1)) {
            out.push(Step::Removed(head + i));
            i += 1;
        } else {
            out.push(Step::Added(head + j));
            j += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_shown_with_what_stands_around_it() {
        let old: Vec<String> = (1..=9).map(|n| n.to_string()).collect();
        let new = old.join("\n").replace('5', "five\nfive and a half");
        let diff = unified(&old.join("\n"), &new);
        assert_eq!(diff, ["@@ -2,7 +2,8 @@", " 2", " 3", " 4", "-5", "+five", "+five and a half", " 6", " 7", " 8"]);
    }

    #[test]
    fn far_changes_are_pieces_of_their_own() {
        let old: Vec<String> = (1..=40).map(|n| n.to_string()).collect();
        let new: Vec<String> = (1..=40).filter(|n| *n != 3 && *n != 30).map(|n| n.to_string()).collect();
        let diff = unified(&old.join("\n"), &new.join("\n"));
        let heads: Vec<&String> = diff.iter().filter(|l| l.starts_with("@@")).collect();
        assert_eq!(heads, ["@@ -1,6 +1,5 @@", "@@ -27,7 +26,6 @@"]);
    }

    #[test]
    fn new_and_gone_texts_and_no_change() {
        assert_eq!(unified("", "a\nb"), ["@@ -0,0 +1,2 @@", "+a", "+b"]);
        assert_eq!(unified("a", ""), ["@@ -1,1 +0,0 @@", "-a"]);
        assert!(unified("a\nb", "a\nb").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn applied_to_the_old_text_it_gives_the_new_one(
            old in proptest::collection::vec(0_u8..4, 0..30), new in proptest::collection::vec(0_u8..4, 0..30)
        ) {
            let text = |v: &[u8]| v.iter().map(u8::to_string).collect::<Vec<_>>();
            let (a, b) = (text(&old), text(&new));
            let (a, b): (Vec<&str>, Vec<&str>) =
                (a.iter().map(String::as_str).collect(), b.iter().map(String::as_str).collect());
            let all = steps(&a, &b);
            let taken: Vec<usize> = all.iter().filter_map(|s| match s {
                Step::Same(i, _) | Step::Removed(i) => Some(*i),
                Step::Added(_) => None,
            }).collect();
            let made: Vec<&str> = all.iter().filter_map(|s| match s {
                Step::Same(i, _) => a.get(*i).copied(),
                Step::Added(j) => b.get(*j).copied(),
                Step::Removed(_) => None,
            }).collect();
            proptest::prop_assert_eq!(taken, (0..a.len()).collect::<Vec<_>>());
            proptest::prop_assert_eq!(made, b);
        }
    }
}
