//! Answers remembered by exactly the stack symbols that were read to find them.
//!
//! The keys form decision trees: a start key (a lexical state, or a label set), then at each node
//! the depth at which the stack is read next and one edge for each symbol found there. Walked as an
//! automaton this is the stack automaton that answers `classify` of an LR stack under a lookahead,
//! grown one answer at a time: nothing is enumerated, symbols that a reduction merely pops are
//! never looked at, and right recursion makes a loop of answers instead of a cycle to unroll.
//!
//! Invariant: below a node of depth `d`, no other node reads depth `d` again. An answer may stand
//! under more symbols than it needs (two ways of asking may meet in one tree), never under fewer.

use crate::concurrent::{Keyed, pair};
use maskwright_tables::{StackAction, StackView, Symbol};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};

/// Depths in the order in which they were first read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    depths: SmallVec<[u32; 8]>,
    /// Which of the first 64 depths are among them.
    near: u64,
}

impl Reads {
    /// Whether a depth was read.
    #[inline]
    pub fn contains(&self, depth: usize) -> bool {
        match depth < 64 {
            true => self.near >> depth & 1 == 1,
            false => self.depths.contains(&(depth as u32)),
        }
    }

    /// Notes a read.
    #[inline]
    pub fn note(&mut self, depth: usize) {
        if !self.contains(depth) {
            self.depths.push(depth as u32);
            if depth < 64 {
                self.near |= 1 << depth;
            }
        }
    }

    /// The depths.
    pub fn depths(&self) -> impl Iterator<Item = usize> + '_ {
        self.depths.iter().map(|d| *d as usize)
    }
}

/// What a key leads to.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// The answer is known without reading further.
    Answer(u32),
    /// The stack must be read at this depth, and the search goes on at this node.
    Read { depth: u32, node: u32 },
}

impl Next {
    /// Depths below this are told apart from answers.
    const DEPTHS: u32 = 1 << 30;

    #[inline]
    fn number(self) -> u64 {
        match self {
            Next::Answer(answer) => pair(u32::MAX >> 1, answer),
            Next::Read { depth, node } => pair(depth, node),
        }
    }

    #[inline]
    fn of(number: u64) -> Self {
        let (depth, node) = ((number >> 32) as u32, number as u32);
        match depth < Self::DEPTHS {
            true => Next::Read { depth, node },
            false => Next::Answer(node),
        }
    }
}

/// The symbol that stands for "below the bottom of the stack".
const BOTTOM: u32 = u32::MAX;

/// See the module documentation.
#[derive(Debug, Default)]
pub(crate) struct StackMemo {
    /// By start key and the symbol on top.
    starts: Keyed,
    /// By node and the symbol read there.
    edges: Keyed,
    nodes: AtomicU32,
}

fn symbol_at(stack: &dyn StackView, depth: u32) -> u32 {
    stack.symbol(depth as usize).map_or(BOTTOM, |s| s.0)
}

impl StackMemo {
    /// The answer under `key` for this stack.
    #[inline]
    pub fn get(&self, key: u32, stack: &dyn StackView) -> Option<u32> {
        let (mut table, mut at, mut depth) = (&self.starts, key, 0);
        loop {
            let symbol = symbol_at(stack, depth);
            if symbol == BOTTOM && stack.went_below() {
                return None;
            }
            match Next::of(table.get(pair(at, symbol))?) {
                Next::Answer(answer) => return Some(answer),
                Next::Read { depth: next, node } => {
                    (table, at, depth) = (&self.edges, node, next);
                }
            }
        }
    }

    /// Records an answer for all stacks that agree with this one at the depths read.
    pub fn insert(&self, key: u32, stack: &dyn StackView, reads: &Reads, answer: u32) {
        let mut open: SmallVec<[u32; 8]> = reads.depths.clone();
        if open.iter().any(|d| *d >= Next::DEPTHS) {
            return;
        }
        let (mut table, mut at, mut depth) = (&self.starts, key, 0);
        loop {
            open.retain(|d| *d != depth);
            let key = pair(at, symbol_at(stack, depth));
            let next = match (table.get(key), open.first()) {
                (Some(known), _) => Next::of(known),
                (None, None) => Next::of(table.put(key, Next::Answer(answer).number())),
                (None, Some(&depth)) => {
                    let node = self.nodes.fetch_add(1, Ordering::Relaxed);
                    Next::of(table.put(key, Next::Read { depth, node }.number()))
                }
            };
            match next {
                Next::Answer(_) => return,
                Next::Read { depth: next, node } => {
                    (table, at, depth) = (&self.edges, node, next);
                }
            }
        }
    }

    /// Bytes held, about.
    pub fn heap_bytes(&self) -> usize {
        self.starts.heap_bytes() + self.edges.heap_bytes()
    }

    /// The number of remembered answers and inner steps.
    pub fn len(&self) -> usize {
        self.starts.len() + self.edges.len()
    }
}

/// A stack on top of another one, with a record of how deep the other one was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Overlay {
    /// How many symbols of the base are gone.
    pub popped: usize,
    /// What lies on the rest of the base, the last one on top.
    pub pushed: SmallVec<[Symbol; 6]>,
}

impl Overlay {
    pub fn new() -> Self {
        Overlay {
            popped: 0,
            pushed: SmallVec::new(),
        }
    }

    /// Applies a stack action.
    pub fn apply(&mut self, action: &StackAction) {
        let pop = action.pop as usize;
        let own = pop.min(self.pushed.len());
        self.pushed.truncate(self.pushed.len() - own);
        self.popped += pop - own;
        self.pushed.extend_from_slice(&action.push);
    }
}

/// An overlay over a base stack: a stack to read.
pub(crate) struct OverlayView<'a> {
    pub overlay: &'a Overlay,
    pub base: &'a dyn StackView,
    /// Where the base was read so far.
    pub reads: &'a RefCell<Reads>,
}

impl StackView for OverlayView<'_> {
    #[inline]
    fn symbol(&self, depth: usize) -> Option<Symbol> {
        let own = self.overlay.pushed.len();
        if depth < own {
            return Some(self.overlay.pushed[own - 1 - depth]);
        }
        let below = self.overlay.popped + depth - own;
        self.reads.borrow_mut().note(below);
        self.base.symbol(below)
    }

    fn went_below(&self) -> bool {
        self.base.went_below()
    }
}
