//! Maps that are read without a lock, and what they hold.

use maskwright_tables::heap;
use papaya::HashMap;
use rustc_hash::FxBuildHasher;
use seize::Collector;
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
