//! Interned sets of terminals.
//!
//! A set is a sorted list while it is small and a bitset when that is smaller; equal sets have equal
//! ids, so comparing lookaheads is comparing numbers, and unions are remembered.

use maskwright_tables::heap;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// An interned set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct SetId(pub(super) u32);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Set {
    Few(Box<[u32]>),
    Dense(Box<[u64]>),
}

impl Set {
    /// The one form of a strictly increasing list.
    fn new(sorted: &[u32]) -> Set {
        let words = sorted.last().map_or(0, |&last| last as usize / 64 + 1);
        if sorted.len() > 2 * words {
            let mut bits = vec![0u64; words];
            for &t in sorted {
                bits[t as usize / 64] |= 1 << (t % 64);
            }
            Set::Dense(bits.into())
        } else {
            Set::Few(sorted.into())
        }
    }

    fn contains(&self, t: u32) -> bool {
        match self {
            Set::Few(list) => list.binary_search(&t).is_ok(),
            Set::Dense(bits) => bits
                .get(t as usize / 64)
                .is_some_and(|w| w >> (t % 64) & 1 == 1),
        }
    }

    fn to_list(&self) -> Vec<u32> {
        match self {
            Set::Few(list) => list.to_vec(),
            Set::Dense(bits) => {
                let count = bits.iter().map(|word| word.count_ones() as usize);
                let mut list = Vec::with_capacity(count.sum());
                for (i, &word) in bits.iter().enumerate() {
                    let mut word = word;
                    while word != 0 {
                        list.push(i as u32 * 64 + word.trailing_zeros());
                        word &= word - 1;
                    }
                }
                list
            }
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Set::Few(list) => 4 * list.len(),
            Set::Dense(bits) => 8 * bits.len(),
        }
    }
}

/// The sets themselves: append-only, read without a lock.
#[derive(Debug, Default)]
pub(super) struct Sets(boxcar::Vec<Arc<Set>>);

impl Sets {
    pub(super) fn contains(&self, set: SetId, t: u32) -> bool {
        self.0.get(set.0 as usize).is_some_and(|s| s.contains(t))
    }

    /// The members, increasing.
    pub(super) fn list(&self, set: SetId) -> Vec<u32> {
        self.0
            .get(set.0 as usize)
            .map(|s| s.to_list())
            .unwrap_or_default()
    }
}

/// What finds equal sets; belongs to the one thread that builds.
#[derive(Debug, Default)]
pub(super) struct Interner {
    ids: FxHashMap<Arc<Set>, SetId>,
    unions: FxHashMap<(SetId, SetId), SetId>,
    /// Bytes held by sets and remembered unions.
    pub(super) bytes: usize,
}

impl Interner {
    /// Bytes held, about, the sets and the tables by which they are found included.
    pub(super) fn size(&self) -> usize {
        heap::table::<Arc<Set>, SetId>(self.ids.len())
            + heap::table::<(SetId, SetId), SetId>(self.unions.len())
            + self.bytes
    }

    /// The set of a strictly increasing list.
    pub(super) fn set(&mut self, sets: &Sets, sorted: &[u32]) -> SetId {
        let set = Arc::new(Set::new(sorted));
        if let Some(&id) = self.ids.get(&set) {
            return id;
        }
        self.bytes += set.heap_bytes() + 64;
        // Only the builder pushes, so ids are dense and in order.
        let id = SetId(sets.0.push(set.clone()) as u32);
        self.ids.insert(set, id);
        id
    }

    pub(super) fn union(&mut self, sets: &Sets, a: SetId, b: SetId) -> SetId {
        if a == b {
            return a;
        }
        let key = (a.min(b), a.max(b));
        if let Some(&id) = self.unions.get(&key) {
            return id;
        }
        let mut all = sets.list(a);
        all.extend(sets.list(b));
        all.sort_unstable();
        all.dedup();
        let id = self.set(sets, &all);
        self.bytes += 16;
        self.unions.insert(key, id);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_sets_have_one_id_in_either_form() {
        let (sets, mut interner) = (Sets::default(), Interner::default());
        let few = interner.set(&sets, &[3, 500]);
        let dense = interner.set(&sets, &[0, 1, 2, 3, 4, 63]);
        let both = interner.union(&sets, few, dense);
        assert_eq!(sets.list(both), [0, 1, 2, 3, 4, 63, 500]);
        assert_eq!(interner.set(&sets, &[0, 1, 2, 3, 4, 63, 500]), both);
        assert_eq!(interner.union(&sets, dense, few), both);
        for t in 0..600 {
            assert_eq!(
                sets.contains(both, t),
                sets.contains(few, t) || sets.contains(dense, t),
                "{t}"
            );
        }
    }
}
