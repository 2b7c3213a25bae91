//! A hash table that grows in small steps.
//!
//! A table that has to grow moves all of its entries. Of a quarter of a million that is a pause of
//! milliseconds, in the middle of some token. Here each part of a table grows by itself.

use hashbrown::HashTable;

/// A hash table in parts, each entry in the part that its hash tells.
#[derive(Debug)]
pub(super) struct Shards<T>(Box<[HashTable<T>]>);

impl<T> Shards<T> {
    const BITS: u32 = 6;

    pub fn new() -> Self {
        Shards((0..1 << Self::BITS).map(|_| HashTable::new()).collect())
    }

    /// Other bits than those by which a part tells its entries apart.
    fn part(hash: u64) -> usize {
        (hash >> 40) as usize & ((1 << Self::BITS) - 1)
    }

    #[inline]
    pub fn find(&self, hash: u64, same: impl FnMut(&T) -> bool) -> Option<&T> {
        self.0[Self::part(hash)].find(hash, same)
    }

    /// Adds an entry that is not there.
    pub fn insert_unique(&mut self, hash: u64, value: T, hash_of: impl Fn(&T) -> u64) {
        self.0[Self::part(hash)].insert_unique(hash, value, hash_of);
    }

    /// The number of entries. O(1).
    pub fn len(&self) -> usize {
        self.0.iter().map(HashTable::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_in_their_parts() {
        let hash_of = |n: &u32| u64::from(*n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut all = Shards::new();
        for n in 0..5_000 {
            assert!(all.find(hash_of(&n), |m| *m == n).is_none());
            all.insert_unique(hash_of(&n), n, hash_of);
        }
        assert_eq!(all.len(), 5_000);
        assert!((0..5_000).all(|n| all.find(hash_of(&n), |m| *m == n) == Some(&n)));
        // No part holds much more than its share.
        assert!(all.0.iter().all(|part| part.len() < 200));
    }
}
