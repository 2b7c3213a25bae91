//! Values by source, the least recently used last, with the sum of what they hold.
//!
//! What a value holds grows while it is used elsewhere, so the sum is as old as the last look at each
//! value. A *hand* goes round and looks at one after another ([`Entries::look_on`]).

use super::key::{Key, Source};
use hashbrown::HashTable;
use maskwright_tables::heap;

/// What is kept.
pub(super) trait Weigh {
    /// Bytes held now, about.
    fn heap_bytes(&self) -> usize;
}

/// No place.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct Entry<V> {
    key: Key,
    value: V,
    hash: u64,
    /// Bytes of the key and of the value when it was last looked at.
    bytes: usize,
    newer: u32,
    older: u32,
}

/// See the module documentation. Nothing here compiles, waits or frees a value under way: whoever calls
/// holds a lock.
#[derive(Debug)]
pub(super) struct Entries<V> {
    /// Places by hash; what lies there is compared.
    table: HashTable<u32>,
    places: Vec<Option<Entry<V>>>,
    free: Vec<u32>,
    newest: u32,
    oldest: u32,
    hand: u32,
    bytes: usize,
}

impl<V: Weigh> Entries<V> {
    pub fn new() -> Self {
        Entries {
            table: HashTable::new(),
            places: Vec::new(),
            free: Vec::new(),
            newest: NONE,
            oldest: NONE,
            hand: 0,
            bytes: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Bytes of keys and values as far as looked at.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The value of a source, which is then the most recently used one.
    pub fn get(&mut self, hash: u64, source: Source<'_>) -> Option<&V> {
        let places = &self.places;
        let is_it = |place: &u32| {
            let entry = places[*place as usize].as_ref();
            entry.is_some_and(|e| e.hash == hash && e.key.source() == source)
        };
        let place = *self.table.find(hash, is_it)?;
        self.unlink(place);
        self.link(place);
        self.look_at(place);
        self.places[place as usize].as_ref().map(|e| &e.value)
    }

    /// Keeps a value for a source that has none.
    pub fn insert(&mut self, hash: u64, key: Key, value: V) {
        let bytes = Self::entry_bytes(&key, &value);
        self.bytes += bytes;
        let entry = Entry {
            key,
            value,
            hash,
            bytes,
            newer: NONE,
            older: NONE,
        };
        let place = match self.free.pop() {
            Some(place) => {
                self.places[place as usize] = Some(entry);
                place
            }
            None => {
                self.places.push(Some(entry));
                self.places.len() as u32 - 1
            }
        };
        let places = &self.places;
        let hash_of = |p: &u32| places[*p as usize].as_ref().map_or(0, |e| e.hash);
        self.table.insert_unique(hash, place, hash_of);
        self.link(place);
    }

    /// Takes the least recently used value out.
    pub fn pop_oldest(&mut self) -> Option<V> {
        self.remove(self.oldest)
    }

    /// Takes out what is not to be kept.
    pub fn take_unless(&mut self, keep: impl Fn(&V) -> bool) -> Vec<V> {
        let gone = |entry: &Option<Entry<V>>| entry.as_ref().is_some_and(|e| !keep(&e.value));
        let gone: Vec<u32> = (0..self.places.len() as u32)
            .filter(|place| gone(&self.places[*place as usize]))
            .collect();
        gone.into_iter().filter_map(|p| self.remove(p)).collect()
    }

    /// Looks at the next value of the round, to see what it holds now.
    pub fn look_on(&mut self) {
        if self.hand as usize >= self.places.len() {
            self.hand = 0;
        }
        self.look_at(self.hand);
        self.hand += 1;
    }

    fn look_at(&mut self, place: u32) {
        if let Some(Some(entry)) = self.places.get_mut(place as usize) {
            let bytes = Self::entry_bytes(&entry.key, &entry.value);
            self.bytes = self.bytes - entry.bytes + bytes;
            entry.bytes = bytes;
        }
    }

    /// With a share of the tables.
    fn entry_bytes(key: &Key, value: &V) -> usize {
        key.heap_bytes() + value.heap_bytes() + heap::list::<Option<Entry<V>>>(1) + 16
    }

    fn remove(&mut self, place: u32) -> Option<V> {
        let hash = self.places.get(place as usize)?.as_ref()?.hash;
        self.unlink(place);
        let found = self.table.find_entry(hash, |p| *p == place);
        if let Ok(found) = found {
            found.remove();
        }
        let entry = self.places[place as usize].take()?;
        self.bytes -= entry.bytes;
        self.free.push(place);
        Some(entry.value)
    }

    fn entry(&mut self, place: u32) -> Option<&mut Entry<V>> {
        self.places.get_mut(place as usize)?.as_mut()
    }

    /// Takes a place out of the order.
    fn unlink(&mut self, place: u32) {
        let Some(entry) = self.entry(place) else {
            return;
        };
        let (newer, older) = (entry.newer, entry.older);
        match self.entry(newer) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
        match self.entry(older) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
    }

    /// Makes a place the newest.
    fn link(&mut self, place: u32) {
        let older = self.newest;
        if let Some(entry) = self.entry(place) {
            (entry.newer, entry.older) = (NONE, older);
        }
        match self.entry(older) {
            Some(entry) => entry.newer = place,
            None => self.oldest = place,
        }
        self.newest = place;
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::Kind;
    use super::*;
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    impl Weigh for Arc<AtomicUsize> {
        fn heap_bytes(&self) -> usize {
            self.load(Ordering::Relaxed)
        }
    }

    fn source(text: &str) -> Source<'_> {
        Source {
            kind: Kind::Ebnf,
            text,
        }
    }

    /// All in one place of the table: only a comparison of the keys tells them apart.
    #[test]
    fn keys_with_equal_hashes_are_different_keys() {
        let mut entries = Entries::new();
        let text = |i: usize| format!("start = {i} ;");
        for i in 0..200 {
            let key = Key::new(source(&text(i)));
            entries.insert(7, key, Arc::new(AtomicUsize::new(i)));
        }
        for i in (0..200).rev() {
            let found = entries.get(7, source(&text(i))).expect("it was kept");
            assert_eq!(found.heap_bytes(), i);
            let kind = Kind::Gbnf;
            assert!(
                entries
                    .get(
                        7,
                        Source {
                            kind,
                            text: &text(i)
                        }
                    )
                    .is_none()
            );
        }
        assert!(entries.get(7, source(&text(200))).is_none());
        // The one that was asked for first is the oldest now.
        assert_eq!(entries.pop_oldest().expect("many").heap_bytes(), 199);
        assert!(entries.get(7, source(&text(199))).is_none());
        assert!(entries.get(7, source(&text(198))).is_some());
    }

    /// Against a list that is searched.
    #[test]
    fn the_order_is_that_of_use() {
        let mut entries = Entries::new();
        let mut order: VecDeque<usize> = VecDeque::new();
        let mut random = 1u64;
        for _ in 0..20_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let i = (random % 50) as usize;
            let text = i.to_string();
            let hash = i as u64 % 5;
            match random >> 32 & 7 {
                0 => {
                    let oldest = entries.pop_oldest();
                    let oldest = oldest.map(|v: Arc<AtomicUsize>| v.heap_bytes());
                    assert_eq!(oldest, order.pop_back());
                }
                1 if random >> 40 & 7 == 0 => {
                    let mut gone = entries.take_unless(|v| v.heap_bytes() % 3 == 0);
                    gone.sort_by_key(Weigh::heap_bytes);
                    let mut expected: Vec<usize> =
                        order.iter().copied().filter(|i| i % 3 != 0).collect();
                    expected.sort_unstable();
                    let gone: Vec<usize> = gone.iter().map(Weigh::heap_bytes).collect();
                    assert_eq!(gone, expected);
                    order.retain(|i| i % 3 == 0);
                }
                _ => {
                    let known = order.iter().position(|k| *k == i);
                    let found = entries.get(hash, source(&text)).map(Weigh::heap_bytes);
                    assert_eq!(found, known.map(|_| i));
                    if let Some(at) = known {
                        order.remove(at);
                    } else {
                        let value = Arc::new(AtomicUsize::new(i));
                        entries.insert(hash, Key::new(source(&text)), value);
                    }
                    order.push_front(i);
                }
            }
            assert_eq!(entries.len(), order.len());
        }
        while entries.pop_oldest().is_some() {}
        assert_eq!((entries.len(), entries.bytes()), (0, 0));
    }

    #[test]
    fn what_grows_elsewhere_is_seen_in_one_round() {
        let mut entries = Entries::new();
        let values: Vec<_> = (0..10).map(|_| Arc::new(AtomicUsize::new(5))).collect();
        for (i, value) in values.iter().enumerate() {
            let key = Key::new(source(&i.to_string()));
            entries.insert(i as u64, key, Arc::clone(value));
        }
        let before = entries.bytes();
        values[3].store(1_005, Ordering::Relaxed);
        values[9].store(105, Ordering::Relaxed);
        assert_eq!(entries.bytes(), before);
        entries.get(3, source("3")).expect("it was kept");
        assert_eq!(entries.bytes(), before + 1_000, "seen as it is used");
        (0..10).for_each(|_| entries.look_on());
        assert_eq!(entries.bytes(), before + 1_100);
    }
}
