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

use crate::concurrent::{Chain, Keyed, pair};
use maskwright_tables::{StackAction, StackView, Symbol};
use smallvec::SmallVec;
use std::cell::RefCell;

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
///
/// Of most nodes one edge is ever asked for, and an answer that is new makes all nodes on the rest of its way.
/// So the first edge of a node lies with the node, nodes that were made together lie beside each other, and
/// only further edges are looked up in a table.
#[derive(Debug, Default)]
pub(crate) struct StackMemo {
    /// By start key and the symbol on top.
    starts: Keyed,
    /// By node the symbol of its first edge, and where that leads.
    nodes: Chain,
    /// Further edges, by node and the symbol read there.
    edges: Keyed,
}

/// Where a search stands: before the first read, or at a node.
#[derive(Clone, Copy)]
enum Place {
    Start(u32),
    Node(u32),
}

fn symbol_at(stack: &dyn StackView, depth: u32) -> u32 {
    stack.symbol(depth as usize).map_or(BOTTOM, |s| s.0)
}

impl StackMemo {
    /// Where a symbol leads from a place.
    #[inline]
    fn next(&self, at: Place, symbol: u32) -> Option<Next> {
        let number = match at {
            Place::Start(key) => self.starts.get(pair(key, symbol)),
            Place::Node(node) => match self.nodes.get(node) {
                (first, number) if first == u64::from(symbol) => Some(number),
                _ => self.edges.get(pair(node, symbol)),
            },
        };
        number.map(Next::of)
    }

    /// The answer under `key` for this stack.
    #[inline]
    pub fn get(&self, key: u32, stack: &dyn StackView) -> Option<u32> {
        let (mut at, mut depth) = (Place::Start(key), 0);
        loop {
            let symbol = symbol_at(stack, depth);
            if symbol == BOTTOM && stack.went_below() {
                return None;
            }
            match self.next(at, symbol)? {
                Next::Answer(answer) => return Some(answer),
                Next::Read { depth: next, node } => (at, depth) = (Place::Node(node), next),
            }
        }
    }

    /// Records an answer for all stacks that agree with this one at the depths read.
    pub fn insert(&self, key: u32, stack: &dyn StackView, reads: &Reads, answer: u32) {
        let mut open: SmallVec<[u32; 8]> = reads.depths.clone();
        if open.iter().any(|d| *d >= Next::DEPTHS) {
            return;
        }
        let (mut at, mut depth) = (Place::Start(key), 0);
        loop {
            open.retain(|d| *d != depth);
            let symbol = symbol_at(stack, depth);
            let next = match self.next(at, symbol) {
                Some(known) => known,
                None => {
                    let rest = self.chain(stack, &open, answer).number();
                    let found = match at {
                        Place::Start(key) => self.starts.put(pair(key, symbol), rest),
                        Place::Node(node) => self.edges.put(pair(node, symbol), rest),
                    };
                    // Another thread may have been here meanwhile.
                    if found == rest {
                        return;
                    }
                    Next::of(found)
                }
            };
            match next {
                Next::Answer(_) => return,
                Next::Read { depth: next, node } => (at, depth) = (Place::Node(node), next),
            }
        }
    }

    /// The way to an answer over nodes of its own that read a stack at these depths.
    fn chain(&self, stack: &dyn StackView, depths: &[u32], answer: u32) -> Next {
        let nodes = depths.iter().enumerate().map(|(i, depth)| {
            let symbol = u64::from(symbol_at(stack, *depth));
            let next = depths.get(i + 1).copied();
            move |node| {
                let next = next.map_or(Next::Answer(answer), |depth| Next::Read {
                    depth,
                    node: node + 1,
                });
                (symbol, next.number())
            }
        });
        match depths.first() {
            None => Next::Answer(answer),
            Some(&depth) => Next::Read {
                depth,
                node: self.nodes.push(nodes),
            },
        }
    }

    /// Bytes held, about.
    pub fn heap_bytes(&self) -> usize {
        self.starts.heap_bytes() + self.nodes.heap_bytes() + self.edges.heap_bytes()
    }

    /// The number of remembered answers and inner steps.
    pub fn len(&self) -> usize {
        self.starts.len() + self.nodes.len() + self.edges.len()
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

#[cfg(test)]
mod tests {
    use super::*;

    struct Stack(Vec<Symbol>);

    impl StackView for Stack {
        fn symbol(&self, depth: usize) -> Option<Symbol> {
            let at = self.0.len().checked_sub(depth + 1)?;
            Some(self.0[at])
        }

        fn went_below(&self) -> bool {
            false
        }
    }

    /// A stack of few symbols and any depth, by its number.
    fn stack(number: u32) -> Stack {
        let mut left = number.wrapping_mul(0x9e37_79b9) >> 8;
        let depth = left % 9;
        let symbols = (0..depth).map(|_| {
            left = left / 3 + 7 * number;
            Symbol(left % 3)
        });
        Stack(symbols.collect())
    }

    /// A question that reads a stack here and there, as far as what it finds tells it to; the answer.
    fn asked(key: u32, stack: &Stack) -> (Reads, u32) {
        let mut reads = Reads::default();
        let (mut depth, mut answer) = (key as usize % 2, key);
        for _ in 0..5 {
            reads.note(depth);
            let symbol = stack.symbol(depth).map_or(3, |s| s.0);
            answer = answer * 4 + symbol;
            if symbol == 3 || (answer >> 2) % 5 == 0 {
                break;
            }
            depth = (depth + symbol as usize + key as usize % 3) % 7;
        }
        (reads, answer)
    }

    #[test]
    fn answers_are_remembered_by_what_was_read_and_no_more() {
        let memo = StackMemo::default();
        let (mut missed, mut all) = (0, 0);
        for number in 0..30_000 {
            let (key, stack) = (number % 11, stack(number));
            let (reads, answer) = asked(key, &stack);
            all += 1;
            match memo.get(key, &stack) {
                Some(known) => assert_eq!(known, answer),
                None => {
                    missed += 1;
                    memo.insert(key, &stack, &reads, answer);
                    // What is known stays as it is.
                    memo.insert(key, &stack, &reads, answer + 1);
                    assert_eq!(memo.get(key, &stack), Some(answer));
                }
            }
        }
        assert!(missed * 10 < all, "{missed} of {all}");
        assert!(memo.nodes.len() > 0 && memo.edges.len() > 0);
    }

    #[test]
    fn threads_agree_on_answers() {
        let memo = StackMemo::default();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let memo = &memo;
                scope.spawn(move || {
                    for number in 0..10_000 {
                        let number = number ^ (thread * 0x155);
                        let (key, stack) = (number % 11, stack(number));
                        let (reads, answer) = asked(key, &stack);
                        let known = memo.get(key, &stack);
                        assert!(known.is_none_or(|known| known == answer));
                        memo.insert(key, &stack, &reads, answer);
                        assert_eq!(memo.get(key, &stack), Some(answer));
                    }
                });
            }
        });
    }
}
