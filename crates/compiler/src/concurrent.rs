//! Maps and tables that are read without a lock, and what they hold.

use maskwright_tables::heap;
use papaya::HashMap;
use rustc_hash::FxBuildHasher;
use seize::Collector;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

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

/// Numbers by keys of 64 bits, below `u64::MAX`: of each key the first that is put there. One is found
/// without a lock, and in one look where nobody else is.
///
/// Places in pieces, each twice as long as the one before; in a piece a key is at the first free place from
/// the one that its hash names. When the last piece is three quarters full the next one follows, and with
/// each number that is put there some of the old ones move along, so that no call does much at once; both
/// pieces are looked at until all have moved. Pieces left behind stay, since someone may be reading one.
///
/// Invariants: a place that is taken does not change; whoever puts something there holds the lock.
#[derive(Debug, Default)]
pub(crate) struct Keyed {
    pieces: [OnceLock<Box<[Place]>>; 28],
    /// Twice the number of pieces, and 1 while the one before the last is looked at too.
    known: AtomicU32,
    /// The number of keys.
    len: AtomicUsize,
    /// How many places of the piece before the last have moved.
    moved: Mutex<usize>,
}

#[derive(Debug, Default)]
struct Place {
    key: AtomicU64,
    /// 0 for a free place, else the number and 1.
    number: AtomicU64,
}

impl Place {
    /// Finds a key in a piece, or the place where it would be.
    #[inline]
    fn find(places: &[Place], key: u64) -> Result<u64, &Place> {
        let last = places.len() - 1;
        // Fibonacci hashing: the upper bits of a product depend on all bits of the key.
        let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut at = (hash >> (u64::BITS - places.len().ilog2())) as usize;
        loop {
            let place = &places[at & last];
            match place.number.load(Ordering::Acquire).checked_sub(1) {
                None => return Err(place),
                Some(number) if place.key.load(Ordering::Relaxed) == key => return Ok(number),
                Some(_) => at += 1,
            }
        }
    }

    fn put(places: &[Place], key: u64, number: u64) {
        if let Err(place) = Self::find(places, key) {
            place.key.store(key, Ordering::Relaxed);
            place.number.store(number + 1, Ordering::Release);
        }
    }
}

impl Keyed {
    const FIRST: usize = 64;

    /// How many old places move with each number that is put there: all have before the piece is full.
    const MOVES: usize = 4;

    #[inline]
    fn piece(&self, number: u32) -> &[Place] {
        self.pieces[number as usize].get().map_or(&[], |p| p)
    }

    /// The number of a key.
    #[inline]
    pub fn get(&self, key: u64) -> Option<u64> {
        let known = self.known.load(Ordering::Acquire);
        let last = (known >> 1).checked_sub(1)?;
        match Place::find(self.piece(last), key) {
            Ok(number) => Some(number),
            Err(_) if known & 1 == 1 => Place::find(self.piece(last - 1), key).ok(),
            Err(_) => None,
        }
    }

    /// Gives a number to a key; its number then.
    pub fn put(&self, key: u64, number: u64) -> u64 {
        let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = self.get(key) {
            return known;
        }
        let mut known = self.known.load(Ordering::Relaxed);
        let len = self.len.load(Ordering::Relaxed);
        let pieces = known >> 1;
        if pieces == 0 || (len + 1) * 4 > (Self::FIRST << (pieces - 1)) * 3 {
            let places = Self::FIRST << pieces;
            self.pieces[pieces as usize]
                .get_or_init(|| (0..places).map(|_| Place::default()).collect());
            *moved = 0;
            known = (pieces + 1) << 1 | u32::from(pieces > 0);
            self.known.store(known, Ordering::Release);
        }
        let last = (known >> 1) - 1;
        let places = self.piece(last);
        Place::put(places, key, number);
        self.len.store(len + 1, Ordering::Relaxed);
        if known & 1 == 1 {
            let old = self.piece(last - 1);
            for place in old.iter().skip(*moved).take(Self::MOVES) {
                if let Some(number) = place.number.load(Ordering::Relaxed).checked_sub(1) {
                    Place::put(places, place.key.load(Ordering::Relaxed), number);
                }
            }
            *moved += Self::MOVES;
            if *moved >= old.len() {
                self.known.store(known - 1, Ordering::Release);
            }
        }
        number
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Bytes held.
    pub fn heap_bytes(&self) -> usize {
        let pieces = self.pieces.iter().filter_map(OnceLock::get);
        pieces.map(|p| heap::list::<Place>(p.len())).sum()
    }
}

/// Pairs of a key and a number in a row, in as many rows as are asked for. One is found without a lock and
/// without a hash, and those of a row lie beside each other.
///
/// Invariant: a pair is written once, before its place is told to anyone else: whoever tells it synchronises.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    /// Pieces of 64 places, of 128 and so on.
    pieces: [OnceLock<Box<[Place]>>; 27],
    len: AtomicU32,
}

impl Chain {
    #[inline]
    fn place(&self, at: u32) -> Option<&Place> {
        let (piece, place) = Numbers::place(at);
        self.pieces[piece].get()?.get(place)
    }

    /// The pair at a place that was told by [`Self::push`]; zeros elsewhere.
    #[inline]
    pub fn get(&self, at: u32) -> (u64, u64) {
        let read = |place: &Place| {
            let number = place.number.load(Ordering::Relaxed);
            (place.key.load(Ordering::Relaxed), number)
        };
        self.place(at).map_or((0, 0), read)
    }

    /// Writes a row of pairs, each given its place; the place of the first.
    pub fn push(
        &self,
        pairs: impl ExactSizeIterator<Item = impl FnOnce(u32) -> (u64, u64)>,
    ) -> u32 {
        let first = self.len.fetch_add(pairs.len() as u32, Ordering::Relaxed);
        for (at, pair) in (first..).zip(pairs) {
            let piece = Numbers::place(at).0;
            self.pieces[piece].get_or_init(|| {
                let places = Numbers::FIRST << piece;
                (0..places).map(|_| Place::default()).collect()
            });
            let (key, number) = pair(at);
            if let Some(place) = self.place(at) {
                place.key.store(key, Ordering::Relaxed);
                place.number.store(number, Ordering::Relaxed);
            }
        }
        first
    }

    /// The number of pairs.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed) as usize
    }

    /// Bytes held.
    pub fn heap_bytes(&self) -> usize {
        let pieces = self.pieces.iter().filter_map(OnceLock::get);
        pieces.map(|p| heap::list::<Place>(p.len())).sum()
    }
}

/// Two numbers as one key.
#[inline]
pub(crate) fn pair(first: u32, second: u32) -> u64 {
    u64::from(first) << 32 | u64::from(second)
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

    #[test]
    fn keys_keep_their_first_number_while_their_table_grows() {
        let table = Keyed::default();
        let key = |i: u32| pair(i % 7, i.wrapping_mul(0x1234_5671));
        let limit = 20_000;
        for i in 0..limit {
            assert_eq!(table.get(key(i)), None);
            assert_eq!(table.put(key(i), u64::from(i)), u64::from(i));
            assert_eq!(table.put(key(i), 7), u64::from(i));
            // Old keys are found wherever they are just now.
            for other in [0, i / 3, i / 2, i] {
                assert_eq!(table.get(key(other)), Some(u64::from(other)));
            }
        }
        assert_eq!(table.len(), limit as usize);
        for i in 0..limit {
            assert_eq!(table.get(key(i)), Some(u64::from(i)));
            assert_eq!(table.get(key(i + limit)), None);
        }
    }

    #[test]
    fn threads_agree_on_the_numbers_of_keys() {
        let table = Keyed::default();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let table = &table;
                scope.spawn(move || {
                    for i in 0..5_000u64 {
                        let key = i.wrapping_mul(0x9e37_79b9) ^ i << 40;
                        let number = table.put(key, thread << 32 | i);
                        assert_eq!(number & 0xffff_ffff, i);
                        assert_eq!(table.get(key), Some(number));
                    }
                });
            }
        });
        assert_eq!(table.len(), 5_000);
    }
}
