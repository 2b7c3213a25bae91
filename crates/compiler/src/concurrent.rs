//! Maps and tables that are read without a lock, and what they hold.

use maskwright_tables::heap;
use papaya::HashMap;
use rustc_hash::FxBuildHasher;
use seize::Collector;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// A map that is read without a lock.
pub(crate) type Map<K, V> = HashMap<K, V, FxBuildHasher>;

/// Makes maps that live and die together: they share the collector of tables that they have outgrown.
/// One costs 17 KB on small computers and more with each processor, more than all else that a small
/// grammar holds.
///
/// They must be dropped by one thread, one after the other, with nobody reading any of them (as the
/// fields of one value are): a map that is dropped reclaims all that its collector has to, as if it were
/// the collector's only user.
#[derive(Debug)]
pub(crate) struct Maps(Arc<Collector>);

impl Maps {
    pub fn new() -> Self {
        Maps(Arc::new(Collector::new()))
    }

    /// An empty map.
    pub fn map<K: Send + 'static, V: Send + 'static>(&self) -> Map<K, V> {
        HashMap::builder()
            .hasher(FxBuildHasher)
            .shared_collector(Arc::clone(&self.0))
            .build()
    }
}

/// Numbers by dense ids, below `u64::MAX`: of each the first that is put there. One is found without a lock
/// and without a hash.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    /// Pieces of 64 numbers, of 128 and so on; 0 for none, else the number and 1.
    pieces: [OnceLock<Box<[AtomicU64]>>; 27],
}

impl Numbers {
    const FIRST: u64 = 64;

    /// The piece, and the place in it.
    #[inline]
    fn place(id: u32) -> (usize, usize) {
        let at = u64::from(id) + Self::FIRST;
        let piece = at.ilog2() - Self::FIRST.ilog2();
        (piece as usize, (at - (Self::FIRST << piece)) as usize)
    }

    /// The number of an id.
    #[inline]
    pub fn get(&self, id: u32) -> Option<u64> {
        let (piece, place) = Self::place(id);
        self.pieces[piece].get()?[place]
            .load(Ordering::Acquire)
            .checked_sub(1)
    }

    /// Gives a number to an id; its number then.
    pub fn put(&self, id: u32, number: u64) -> u64 {
        let (piece, place) = Self::place(id);
        let piece = self.pieces[piece].get_or_init(|| {
            (0..Self::FIRST << piece)
                .map(|_| AtomicU64::new(0))
                .collect()
        });
        let order = (Ordering::AcqRel, Ordering::Acquire);
        match piece[place].compare_exchange(0, number + 1, order.0, order.1) {
            Ok(_) => number,
            Err(known) => known - 1,
        }
    }

    /// Bytes held.
    pub fn heap_bytes(&self) -> usize {
        let pieces = self.pieces.iter().filter_map(OnceLock::get);
        pieces.map(|p| heap::list::<AtomicU64>(p.len())).sum()
    }
}

/// Bytes of a map with so many entries, without what these own, about. Each entry is an allocation.
pub(crate) fn map_bytes<K, V>(len: usize) -> usize {
    let places = match len {
        0 => 0,
        // Grows when it is about this full; begins with some places.
        len => (len * 10 / 8).next_power_of_two().max(32),
    };
    let table = heap::allocation(places * (size_of::<usize>() + 1));
    table + len * heap::allocation(size_of::<(K, V)>())
}

/// Bytes of a collector: for each thread that may run at once two padded entries of four cache lines.
pub(crate) fn collector_bytes() -> usize {
    const ENTRY: usize = 256;
    static BYTES: OnceLock<usize> = OnceLock::new();
    *BYTES.get_or_init(|| {
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        // Lists of 32 entries, 64, 128 and so on.
        let entries = 32 * ((threads.div_ceil(32) + 1).next_power_of_two() - 1);
        2 * entries * ENTRY + 1024
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_keep_their_first_number() {
        let numbers = Numbers::default();
        let ids = [0, 1, 63, 64, 191, 192, 5_000, 70_000];
        for (i, id) in ids.into_iter().enumerate() {
            assert_eq!(numbers.get(id), None);
            assert_eq!(numbers.put(id, i as u64), i as u64);
            assert_eq!(numbers.put(id, 99), i as u64);
        }
        for (i, id) in ids.into_iter().enumerate() {
            assert_eq!(numbers.get(id), Some(i as u64));
        }
        assert_eq!(numbers.get(2), None);
        assert_eq!(Numbers::place(u32::MAX).0, 26);
        assert!(numbers.heap_bytes() >= 8 * 70_000);
    }
}
