//! [`Edges`]: the transitions of a lexical state.

use super::ByteSet;
use maskwright_tables::trie::{Classes, classes_of};
use maskwright_tables::{LexState, heap};

/// The transitions of a lexical state: runs of bytes with their targets.
#[derive(Debug)]
pub enum Edges {
    /// `(last byte of the run, target)`, covering 0 to 255.
    Runs(Box<[(u8, LexState)]>),
    /// One target a byte.
    Table(Box<[LexState; 256]>),
}

impl Edges {
    /// The target of one byte.
    #[inline]
    pub fn get(&self, byte: u8) -> LexState {
        match self {
            Edges::Runs(runs) => {
                for &(last, target) in runs {
                    if byte <= last {
                        return target;
                    }
                }
                LexState::DEAD
            }
            Edges::Table(table) => table[usize::from(byte)],
        }
    }

    /// Bytes held on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Edges::Runs(runs) => heap::list::<(u8, LexState)>(runs.len()),
            Edges::Table(_) => heap::list::<LexState>(256),
        }
    }

    /// Whether no byte leads anywhere.
    pub fn is_dead(&self) -> bool {
        match self {
            Edges::Runs(runs) => runs.iter().all(|r| r.1 == LexState::DEAD),
            Edges::Table(table) => table.iter().all(|t| *t == LexState::DEAD),
        }
    }

    /// The bytes that lead somewhere.
    pub fn alive(&self) -> ByteSet {
        let mut alive = ByteSet::default();
        self.each_run(|first, last, target| {
            if target != LexState::DEAD {
                alive.insert_range(first, last);
            }
        });
        alive
    }

    /// Runs `(first, last, target)` of bytes with a live target, in byte order.
    pub fn runs(&self) -> Vec<(u8, u8, LexState)> {
        let mut runs: Vec<(u8, u8, LexState)> = Vec::new();
        self.each_run(|first, last, target| {
            if target != LexState::DEAD {
                runs.push((first, last, target));
            }
        });
        runs
    }

    /// Calls for each run of bytes with one target, dead ones too, in byte order.
    pub fn each_run(&self, mut each: impl FnMut(u8, u8, LexState)) {
        let mut first = 0;
        match self {
            Edges::Runs(runs) => {
                for &(last, target) in runs {
                    each(first, last, target);
                    first = last.saturating_add(1);
                }
            }
            Edges::Table(table) => {
                for byte in 0..=255u8 {
                    let target = table[usize::from(byte)];
                    if byte == 255 || table[usize::from(byte) + 1] != target {
                        each(first, byte, target);
                        first = byte.saturating_add(1);
                    }
                }
            }
        }
    }

    /// The classes of the bytes whose targets pass.
    pub(super) fn classes(&self, passes: impl Fn(LexState) -> bool) -> Classes {
        let mut classes = 0;
        self.each_run(|first, last, target| {
            if passes(target) {
                classes |= classes_of(first, last);
            }
        });
        classes
    }
}
