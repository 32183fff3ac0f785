//! Sorting of the many short lists of the program: what is shown, told, or put into words.
//!
//! The standard library's stable sort is made anew for every kind of element and every comparison, 5 kB each
//! time: a fiftieth of the program, for lists of a few rows. Here it is made once, for places, and the elements
//! are moved to theirs. A list that may be long, or is sorted often, is sorted by the standard library.

use std::cmp::Ordering;

/// Sorts by a comparison; what is equal stays in its order.
pub fn by<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    let mut places = {
        let items = &*items;
        places(items.len(), &|a, b| match (items.get(a), items.get(b)) {
            (Some(a), Some(b)) => compare(a, b),
            _ => Ordering::Equal,
        })
    };
    for at in 0..places.len() {
        while let Some(to) = places.get(at).copied().filter(|to| *to != at) {
            items.swap(at, to);
            places.swap(at, to);
        }
    }
}

/// Sorts by a key; what is equal stays in its order.
pub fn by_key<T, K: Ord>(items: &mut [T], key: impl Fn(&T) -> K) {
    by(items, |a, b| key(a).cmp(&key(b)));
}

/// Where each element belongs.
fn places(len: usize, compare: &dyn Fn(usize, usize) -> Ordering) -> Vec<usize> {
    let mut order: Vec<usize> = (0..len).collect();
    order.sort_by(|a, b| compare(*a, *b));
    let mut places = vec![0; len];
    for (to, from) in order.into_iter().enumerate() {
        if let Some(place) = places.get_mut(from) {
            *place = to;
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_sorts_as_the_standard_library_does(mut items in proptest::collection::vec((0_u8..6, any::<u16>()), 0..80)) {
            let mut expected = items.clone();
            expected.sort_by_key(|(key, _)| *key);
            by_key(&mut items, |(key, _)| *key);
            prop_assert_eq!(&items, &expected);
            expected.sort_by_key(|(_, value)| std::cmp::Reverse(*value));
            by(&mut items, |a, b| b.1.cmp(&a.1));
            prop_assert_eq!(items, expected);
        }
    }
}
