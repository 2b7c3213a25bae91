//! Values by number.

use maskwright_tables::heap;
use rustc_hash::FxHashMap;
use std::hash::Hash;

/// Interned values, numbered in order of discovery.
#[derive(Debug)]
pub(crate) struct Interner<T> {
    ids: FxHashMap<T, u32>,
    values: Vec<T>,
}

impl<T: Clone + Eq + Hash> Interner<T> {
    pub fn new() -> Self {
        Interner {
            ids: FxHashMap::default(),
            values: Vec::new(),
        }
    }

    /// Bytes held, about, if each value owns so many.
    pub fn heap_bytes(&self, each: usize) -> usize {
        let own = 2 * self.values.len() * each;
        heap::list::<T>(self.values.capacity()) + heap::table::<T, u32>(self.ids.len()) + own
    }

    pub fn intern(&mut self, value: T) -> u32 {
        if let Some(&id) = self.ids.get(&value) {
            return id;
        }
        let id = self.values.len() as u32;
        self.values.push(value.clone());
        self.ids.insert(value, id);
        id
    }

    pub fn get(&self, id: u32) -> &T {
        &self.values[id as usize]
    }

    pub fn find(&self, value: &T) -> Option<u32> {
        self.ids.get(value).copied()
    }

    pub fn values(&self) -> &[T] {
        &self.values
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }
}
