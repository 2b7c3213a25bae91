//! One order for the names of several objects.

use rustc_hash::FxHashMap;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The names of some lists, each once, in the order of each list as far as these agree: next comes, of the
/// names before which nothing is left in any list, the one that appears first; where there is none (one list
/// has `a` before `b`, another `b` before `a`), of all that are left. So `a c`, `b c` become `a b c`: whoever
/// keeps to the order of one alternative keeps to that of all. O(n log n).
pub(super) fn merged<'a>(lists: &[Vec<&'a str>]) -> Vec<&'a str> {
    if let [only] = lists {
        return only.clone();
    }
    let mut names: Vec<&str> = Vec::new();
    let mut ids: FxHashMap<&str, usize> = FxHashMap::default();
    // The lists that have each name.
    let mut places: Vec<Vec<usize>> = Vec::new();
    let mut numbered: Vec<Vec<usize>> = Vec::with_capacity(lists.len());
    for (l, list) in lists.iter().enumerate() {
        let mut own = Vec::with_capacity(list.len());
        for &name in list {
            let id = *ids.entry(name).or_insert(names.len());
            if id == names.len() {
                names.push(name);
                places.push(Vec::new());
            }
            if places[id].last() != Some(&l) {
                places[id].push(l);
                own.push(id);
            }
        }
        numbered.push(own);
    }
    let mut lists: Vec<_> = numbered
        .into_iter()
        .map(|list| list.into_iter().peekable())
        .collect();
    // In how many lists nothing is left before each name.
    let mut first_in = vec![0; names.len()];
    let mut next = BinaryHeap::new();
    let mut come = |id: usize, next: &mut BinaryHeap<Reverse<usize>>| {
        first_in[id] += 1;
        if first_in[id] == places[id].len() {
            next.push(Reverse(id));
        }
    };
    for list in &mut lists {
        if let Some(&id) = list.peek() {
            come(id, &mut next);
        }
    }
    let mut is_placed = vec![false; names.len()];
    let mut order = Vec::with_capacity(names.len());
    let mut left = 0;
    while order.len() < names.len() {
        let id = match next.pop() {
            Some(Reverse(id)) => id,
            None => {
                while is_placed[left] {
                    left += 1;
                }
                left
            }
        };
        is_placed[id] = true;
        order.push(names[id]);
        for &l in &places[id] {
            let list = &mut lists[l];
            if list.peek() != Some(&id) {
                continue;
            }
            while list.next_if(|id| is_placed[*id]).is_some() {}
            if let Some(&id) = list.peek() {
                come(id, &mut next);
            }
        }
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same, each name looked for anew.
    fn plainly<'a>(lists: &[Vec<&'a str>]) -> Vec<&'a str> {
        let mut left: Vec<&str> = Vec::new();
        for name in lists.iter().flatten() {
            if !left.contains(name) {
                left.push(name);
            }
        }
        let mut order = Vec::new();
        while !left.is_empty() {
            let is_next = |name: &str| {
                lists.iter().all(|list| {
                    let before = list.iter().take_while(|n| **n != name);
                    !list.contains(&name) || before.into_iter().all(|n| !left.contains(n))
                })
            };
            let at = left.iter().position(|n| is_next(n)).unwrap_or(0);
            order.push(left.remove(at));
        }
        order
    }

    #[test]
    fn the_order_of_each_list_is_kept_where_they_agree() {
        for (lists, expected) in [
            (&["a c", "b c"][..], "a b c"),
            (&["a b", "c d"], "a b c d"),
            (&["a b", "b a", "b c"], "a b c"),
            (&["c", "a b c"], "a b c"),
            (&["a b c", "x b", "c y", "y z a"], "x a b c y z"),
            (&[], ""),
            (&["b a"], "b a"),
        ] {
            let lists: Vec<Vec<&str>> = lists
                .iter()
                .map(|l| l.split_whitespace().collect())
                .collect();
            assert_eq!(plainly(&lists).join(" "), expected, "{lists:?}");
            assert_eq!(merged(&lists).join(" "), expected, "{lists:?}");
        }
    }

    #[test]
    fn any_lists_are_merged_alike() {
        let mut seed = 7u64;
        let mut random = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % n
        };
        for _ in 0..2_000 {
            let lists: Vec<Vec<&str>> = (0..random(5))
                .map(|_| {
                    let mut list = Vec::new();
                    for _ in 0..random(6) {
                        let name = ["a", "b", "c", "d", "e", "f", "g"][random(7) as usize];
                        if !list.contains(&name) {
                            list.push(name);
                        }
                    }
                    list
                })
                .collect();
            assert_eq!(merged(&lists), plainly(&lists), "{lists:?}");
        }
    }
}
