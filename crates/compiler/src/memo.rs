//! Answers remembered by exactly the stack symbols that were read to find them.
//!
//! The keys form a tree: a start key (a lexical state, or a label set), then one edge for each
//! symbol read from the top down. Walked as an automaton this is the determinised stack automaton
//! that answers `classify` of an LR stack under a lookahead, grown one answer at a time: nothing is enumerated, and
//! right recursion makes a loop of answers instead of a cycle to unroll.

use maskwright_tables::{StackView, Symbol};
use papaya::HashMap;
use rustc_hash::FxBuildHasher;
use std::sync::atomic::{AtomicU32, Ordering};

/// What a key leads to.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// The answer is known without reading further.
    Answer(u32),
    /// One more symbol must be read from this node.
    Node(u32),
}

/// The symbol that stands for "below the bottom of the stack".
const BOTTOM: u32 = u32::MAX;

/// See the module documentation.
#[derive(Debug)]
pub(crate) struct StackMemo {
    /// `(node or start key, symbol)`; start keys have the top bit set.
    edges: HashMap<(u64, u32), Next, FxBuildHasher>,
    nodes: AtomicU32,
}

impl StackMemo {
    pub fn new() -> Self {
        StackMemo { edges: HashMap::with_hasher(FxBuildHasher), nodes: AtomicU32::new(0) }
    }

    /// The answer under `key` for this stack, with the number of symbols read.
    #[inline]
    pub fn get(&self, key: u32, stack: &dyn StackView) -> Option<(u32, usize)> {
        let edges = self.edges.pin();
        let mut node = u64::from(key) | 1 << 63;
        for depth in 0.. {
            let symbol = stack.symbol(depth).map_or(BOTTOM, |s| s.0);
            if symbol == BOTTOM && stack.went_below() {
                return None;
            }
            match edges.get(&(node, symbol))? {
                Next::Answer(answer) => return Some((*answer, depth + 1)),
                Next::Node(next) => node = u64::from(*next),
            }
            if symbol == BOTTOM {
                return None;
            }
        }
        None
    }

    /// Records an answer for all stacks that agree with this one on the first `read` symbols.
    pub fn insert(&self, key: u32, stack: &dyn StackView, read: usize, answer: u32) {
        let edges = self.edges.pin();
        let mut node = u64::from(key) | 1 << 63;
        for depth in 0..read.max(1) {
            let symbol = stack.symbol(depth).map_or(BOTTOM, |s| s.0);
            if depth + 1 >= read.max(1) {
                edges.insert((node, symbol), Next::Answer(answer));
                return;
            }
            let fresh = Next::Node(self.nodes.fetch_add(1, Ordering::Relaxed));
            match edges.get_or_insert((node, symbol), fresh) {
                Next::Node(next) => node = u64::from(*next),
                // Another thread found the answer with fewer symbols.
                Next::Answer(_) => return,
            }
        }
    }

    /// The number of remembered answers and inner steps.
    pub fn len(&self) -> usize {
        self.edges.len()
    }
}

/// A stack on top of another one, with a record of how deep the other one was read.
#[derive(Clone, Debug)]
pub(crate) struct Overlay {
    /// How many symbols of the base are gone.
    pub popped: usize,
    /// What lies on the rest of the base, the last one on top.
    pub pushed: smallvec::SmallVec<[Symbol; 6]>,
}

impl Overlay {
    pub fn new() -> Self {
        Overlay { popped: 0, pushed: smallvec::SmallVec::new() }
    }

    /// Applies a stack action.
    pub fn apply(&mut self, action: &maskwright_tables::StackAction) {
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
    /// The number of base symbols read so far.
    pub read: &'a std::cell::Cell<usize>,
}

impl StackView for OverlayView<'_> {
    #[inline]
    fn symbol(&self, depth: usize) -> Option<Symbol> {
        let own = self.overlay.pushed.len();
        if depth < own {
            return Some(self.overlay.pushed[own - 1 - depth]);
        }
        let below = self.overlay.popped + depth - own;
        self.read.set(self.read.get().max(below + 1));
        self.base.symbol(below)
    }

    fn went_below(&self) -> bool {
        self.base.went_below()
    }
}
