//! The bounded past of a matcher: what rollback returns to.
//!
//! Entries lie in chunks, a chunk points to the one before it. Chunks are shared between forks: a
//! matcher that is the only owner of its last chunk appends in place, any other begins a new chunk,
//! so a fork copies two pointers and nothing that is shared ever changes. How many entries of a
//! shared chunk a matcher sees is its own affair (`Span::visible`).
//!
//! A chain cannot be cut at its old end while forks share it. So the past is two chains, the
//! recent one and the one before: when the recent one has `capacity` entries it becomes the older
//! one, and the older one is let go. Hence at most `2 * capacity` entries are held, at least the
//! last `capacity` of them can be reached, and exactly that many are offered.

use std::sync::Arc;

/// Entries in a chunk, at most.
const CHUNK: usize = 64;

#[derive(Debug)]
struct Chunk<T> {
    before: Span<T>,
    entries: Vec<T>,
}

/// The first `visible` entries of a chunk, and what lies before that chunk. `len` counts both.
#[derive(Debug)]
struct Span<T> {
    chunk: Option<Arc<Chunk<T>>>,
    visible: usize,
    len: usize,
}

impl<T> Clone for Span<T> {
    fn clone(&self) -> Self {
        Span {
            chunk: self.chunk.clone(),
            visible: self.visible,
            len: self.len,
        }
    }
}

impl<T> Default for Span<T> {
    fn default() -> Self {
        Span {
            chunk: None,
            visible: 0,
            len: 0,
        }
    }
}

impl<T> Drop for Chunk<T> {
    fn drop(&mut self) {
        // A loop, not a recursion: after many forks there are as many chunks as entries.
        let mut before = self.before.chunk.take();
        while let Some(mut chunk) = before.and_then(Arc::into_inner) {
            before = chunk.before.chunk.take();
        }
    }
}

impl<T: Clone> Span<T> {
    fn push(&mut self, entry: T) {
        self.len += 1;
        if let Some(chunk) = self.chunk.as_mut().and_then(Arc::get_mut)
            && self.visible < CHUNK
        {
            chunk.entries.truncate(self.visible);
            chunk.entries.push(entry);
            self.visible += 1;
            return;
        }
        let before = Span {
            chunk: self.chunk.take(),
            visible: self.visible,
            len: self.len - 1,
        };
        self.chunk = Some(Arc::new(Chunk {
            before,
            entries: vec![entry],
        }));
        self.visible = 1;
    }

    /// Forgets the last entries, `n` or all.
    fn forget(&mut self, mut n: usize) {
        while n >= self.visible
            && let Some(chunk) = self.chunk.take()
        {
            n -= self.visible;
            *self = match Arc::try_unwrap(chunk) {
                Ok(mut only) => std::mem::take(&mut only.before),
                Err(shared) => shared.before.clone(),
            };
        }
        if self.chunk.is_some() {
            self.visible -= n;
            self.len -= n;
        }
    }

    fn last(&self) -> Option<&T> {
        self.chunk
            .as_ref()?
            .entries
            .get(self.visible.checked_sub(1)?)
    }
}

/// The last entries of a growing list, `capacity` of them.
#[derive(Debug)]
pub(crate) struct History<T> {
    recent: Span<T>,
    older: Span<T>,
    /// How many entries can be taken back, at most `capacity`.
    available: usize,
    capacity: usize,
}

impl<T> Clone for History<T> {
    fn clone(&self) -> Self {
        History {
            recent: self.recent.clone(),
            older: self.older.clone(),
            available: self.available,
            capacity: self.capacity,
        }
    }
}

impl<T: Clone> History<T> {
    /// An empty past that will hold up to `capacity` entries.
    pub(crate) fn new(capacity: usize) -> Self {
        History {
            recent: Span::default(),
            older: Span::default(),
            available: 0,
            capacity,
        }
    }

    /// How many entries can be taken back.
    pub(crate) fn len(&self) -> usize {
        self.available
    }

    /// How many entries can be held.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        *self = History::new(self.capacity);
    }

    /// Adds an entry; the oldest may be forgotten.
    pub(crate) fn push(&mut self, entry: T) {
        if self.capacity == 0 {
            return;
        }
        if self.recent.len >= self.capacity {
            self.older = std::mem::take(&mut self.recent);
        }
        self.recent.push(entry);
        self.available = (self.available + 1).min(self.capacity);
    }

    /// Takes back the last `n` entries and returns the oldest of these; `None`, and no change, when
    /// there are fewer or `n` is zero.
    pub(crate) fn take_back(&mut self, n: usize) -> Option<T> {
        if n == 0 || n > self.available {
            return None;
        }
        let mut skip = n - 1;
        if skip >= self.recent.len {
            skip -= self.recent.len;
            self.recent = std::mem::take(&mut self.older);
        }
        self.recent.forget(skip);
        let entry = self.recent.last().cloned();
        self.recent.forget(1);
        self.available -= n;
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small deterministic source of choices.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, n: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            ((self.0 >> 33) as usize) % n
        }
    }

    #[test]
    fn behaves_like_a_list_of_the_last_entries_in_all_forks() {
        for (seed, capacity) in [(1, 0), (2, 1), (3, 2), (4, 7), (5, 64), (6, 65), (7, 300)] {
            let mut dice = Dice(seed);
            let mut all = vec![(History::new(capacity), Vec::<u32>::new())];
            for i in 0..20_000 {
                let k = dice.roll(all.len());
                match dice.roll(12) {
                    0 if all.len() < 8 => all.push(all[k].clone()),
                    1 if all.len() > 1 => {
                        all.swap_remove(k);
                    }
                    2 | 3 => {
                        let (history, list) = &mut all[k];
                        let n = dice.roll(capacity + 3);
                        let expected = (n > 0 && n <= list.len()).then(|| list[list.len() - n]);
                        assert_eq!(history.take_back(n), expected, "capacity {capacity}");
                        if expected.is_some() {
                            list.truncate(list.len() - n);
                        }
                    }
                    _ => {
                        let (history, list) = &mut all[k];
                        history.push(i);
                        list.push(i);
                        if list.len() > capacity {
                            list.remove(0);
                        }
                    }
                }
                for (history, list) in &all {
                    assert_eq!(history.len(), list.len());
                    assert!(history.recent.len + history.older.len <= 2 * capacity);
                }
            }
        }
    }

    #[test]
    fn a_chunk_an_entry_drops_on_a_small_native_stack() {
        let build = || {
            let mut history = History::new(500_000);
            for i in 0..400_000 {
                let fork = history.clone();
                history.push(i);
                drop(fork);
            }
            assert_eq!(history.take_back(400_000), Some(0));
            for i in 0..400_000 {
                let fork = history.clone();
                history.push(i);
                drop(fork);
            }
            drop(history);
        };
        std::thread::Builder::new()
            .stack_size(64 << 10)
            .spawn(build)
            .unwrap()
            .join()
            .unwrap();
    }
}
