//! Persistent stacks, and sets of stacks: linked nodes that forks, threads and the history share.
//!
//! A stack is a pointer to its top node; a node points to the one below. Nodes never change, so a
//! copy of a stack is one reference count, and popping is following a pointer. Each node knows its
//! depth and a hash of all symbols from the bottom up to itself, so unequal stacks are told apart
//! at once and equal ones are compared only down to their first common node. A node also keeps the
//! values that lexemes read on it must differ from ([`crate::distinct`]); hash and equality take them
//! into account.
//!
//! # Sets of stacks
//!
//! An ambiguous grammar reads a text in many ways, and the stacks of these differ only somewhere deep
//! down. A node may therefore have several nodes below it ([`Below::Many`]): it stands for all stacks
//! along the paths from it to the bottom, a graph-structured stack (Tomita, "Efficient parsing for
//! natural language", 1986) without its edge labels. [`Merger::union`] makes one of two stacks with
//! the same top; it goes down only where they differ. A stack without a fork is *linear*; all stacks of
//! a deterministic grammar are, and pay nothing.
//!
//! A machine reads one stack at a time. [`Path`] is one path through a set, chosen no deeper than it is
//! read: the set is split by what was read, never by what lies below that.
//!
//! Invariants: the nodes of a fork are sorted by symbol and hash; there are at least two of them, or
//! one and the bottom. Dropping the last owner of a stack frees its nodes in a loop: a native recursion
//! would overflow on a stack of a million symbols.

use crate::distinct::{Seen, Value};
use crate::error::MatchError;
use maskwright_tables::{LimitError, StackAction, StackView, Symbol};
use smallvec::SmallVec;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

struct Node {
    below: Below,
    symbol: Symbol,
    /// The number of symbols from the bottom up to this one, along the longest path.
    depth: u32,
    /// Of those symbols, in order, and of their values. The same in every process, so thread order
    /// is too.
    hash: u64,
    /// The values from which lexemes read on this symbol must differ.
    seen: Seen,
    /// Whether this symbol or one below has any.
    any_seen: bool,
    /// Whether there is one path to the bottom.
    is_linear: bool,
}

/// What lies below a symbol.
#[derive(Clone, Default)]
enum Below {
    #[default]
    Bottom,
    One(Arc<Node>),
    Many(Arc<Fork>),
}

struct Fork {
    nodes: Vec<Arc<Node>>,
    /// Whether nothing may lie below, too.
    bottom: bool,
}

impl Below {
    fn depth(&self) -> u32 {
        match self {
            Below::Bottom => 0,
            Below::One(node) => node.depth,
            Below::Many(fork) => fork.nodes.iter().map(|n| n.depth).max().unwrap_or(0),
        }
    }

    fn hash(&self) -> u64 {
        match self {
            Below::Bottom => 0,
            Below::One(node) => node.hash,
            Below::Many(fork) => {
                let seed = 0x9e37_79b9_7f4a_7c15 + u64::from(fork.bottom);
                let mix = |h: u64, n: &Arc<Node>| (h.rotate_left(9) ^ n.hash).wrapping_mul(seed);
                fork.nodes.iter().fold(seed, mix)
            }
        }
    }

    fn nodes(&self) -> &[Arc<Node>] {
        match self {
            Below::Bottom => &[],
            Below::One(node) => std::slice::from_ref(node),
            Below::Many(fork) => &fork.nodes,
        }
    }

    fn has_bottom(&self) -> bool {
        match self {
            Below::Bottom => true,
            Below::One(_) => false,
            Below::Many(fork) => fork.bottom,
        }
    }

    fn of(mut nodes: Vec<Arc<Node>>, bottom: bool) -> Self {
        match nodes.len() {
            0 => Below::Bottom,
            1 if !bottom => nodes.pop().map_or(Below::Bottom, Below::One),
            _ => {
                nodes.sort_unstable_by_key(|n| (n.symbol, n.hash));
                Below::Many(Arc::new(Fork { nodes, bottom }))
            }
        }
    }

    fn push(self, symbol: Symbol, seen: Seen) -> Arc<Node> {
        let (depth, hash) = (self.depth() + 1, self.hash() ^ seen.hash());
        let hash = (hash.rotate_left(5) ^ u64::from(symbol.0)).wrapping_mul(0x517c_c1b7_2722_0a95);
        let nodes = self.nodes();
        Arc::new(Node {
            symbol,
            depth,
            hash,
            any_seen: !seen.is_empty() || nodes.iter().any(|n| n.any_seen),
            seen,
            is_linear: !matches!(self, Below::Many(_)) && nodes.iter().all(|n| n.is_linear),
            below: self,
        })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut next = std::mem::take(&mut self.below);
        let mut rest: Vec<Arc<Node>> = Vec::new();
        loop {
            // `into_inner` gives the node to exactly one of several threads that drop it at once.
            match next {
                Below::Bottom => {}
                Below::One(node) => rest.push(node),
                Below::Many(fork) => {
                    rest.extend(Arc::into_inner(fork).into_iter().flat_map(|f| f.nodes));
                }
            }
            match rest.pop() {
                None => return,
                Some(node) => {
                    next = match Arc::into_inner(node) {
                        Some(mut node) => std::mem::take(&mut node.below),
                        None => Below::Bottom,
                    };
                }
            }
        }
    }
}

/// A persistent stack of symbols, or a set of stacks with the same top.
#[derive(Clone, Default)]
pub(crate) struct Stack(Option<Arc<Node>>);

impl Stack {
    /// The stack that holds one symbol.
    pub(crate) fn single(symbol: Symbol) -> Self {
        Stack(Some(Below::Bottom.push(symbol, Seen::default())))
    }

    /// The symbol on top.
    pub(crate) fn top(&self) -> Option<Symbol> {
        self.0.as_ref().map(|n| n.symbol)
    }

    /// Whether it is one stack.
    #[inline]
    pub(crate) fn is_linear(&self) -> bool {
        self.0.as_ref().is_none_or(|n| n.is_linear)
    }

    /// The values from which lexemes read on the top symbol must differ.
    pub(crate) fn seen(&self) -> Option<&Seen> {
        self.0.as_ref().map(|n| &n.seen).filter(|s| !s.is_empty())
    }

    /// Whether any symbol has such values.
    pub(crate) fn any_seen(&self) -> bool {
        self.0.as_ref().is_some_and(|n| n.any_seen)
    }

    /// The number of symbols, of the deepest stack if there are several.
    pub(crate) fn depth(&self) -> usize {
        self.0.as_ref().map_or(0, |n| n.depth as usize)
    }

    /// A hash of the symbols.
    pub(crate) fn hash(&self) -> u64 {
        self.0.as_ref().map_or(0, |n| n.hash)
    }

    /// The stack for a machine to read. Of a stack that is not linear, the first path: walk the
    /// [`paths`](Self::paths) instead.
    pub(crate) fn view(&self) -> View<'_> {
        View {
            top: self.0.as_deref(),
            cursor: Cell::new((0, self.0.as_deref())),
        }
    }

    /// The first path through the stacks; [`Path::advance`] leads to the others.
    pub(crate) fn paths(&self) -> Path<'_> {
        Path {
            stack: self,
            choices: RefCell::default(),
        }
    }

    /// The stack after `action`, which ended a lexeme of this value if that must differ from others.
    /// One allocation for each symbol that is put on. For linear stacks; of another one, the first
    /// path.
    ///
    /// The first symbol put on keeps the values of the deepest one taken off, and `value`.
    pub(crate) fn apply(
        &self,
        action: &StackAction,
        max_depth: usize,
        value: Option<Value>,
    ) -> Result<Stack, MatchError> {
        // A loop that stays in its place keeps its node: no allocation, and equal stacks stay
        // equal by pointer.
        if let (1, [symbol], Some(top), None) = (action.pop, &*action.push, &self.0, &value)
            && top.symbol == *symbol
        {
            return Ok(self.clone());
        }
        let mut stacks = self.paths().apply(action, max_depth, value)?;
        Ok(stacks.pop().unwrap_or_default())
    }
}

impl PartialEq for Stack {
    /// Of sets of stacks, whether they are equal node by node; "no" for some that are equal and were
    /// merged differently.
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => equal(a, b),
            _ => false,
        }
    }
}

/// Whether two nodes stand for the same stacks, node by node.
fn equal(a: &Arc<Node>, b: &Arc<Node>) -> bool {
    /// How many pairs behind forks are looked at.
    const MOST: usize = 1 << 12;
    let mut open = vec![(a, b)];
    let mut pairs = 0;
    while let Some((a, b)) = open.pop() {
        if Arc::ptr_eq(a, b) {
            continue;
        }
        pairs += usize::from(!a.is_linear);
        if pairs > MOST
            || a.hash != b.hash
            || a.depth != b.depth
            || a.symbol != b.symbol
            || a.seen != b.seen
            || a.below.has_bottom() != b.below.has_bottom()
            || a.below.nodes().len() != b.below.nodes().len()
        {
            return false;
        }
        open.extend(a.below.nodes().iter().zip(b.below.nodes()));
    }
    true
}

impl Eq for Stack {}

/// Makes sets of stacks. Remembers for as long as it lives which pairs it has merged.
#[derive(Default)]
pub(crate) struct Merger {
    /// By the addresses of two nodes that are alive meanwhile, which the last field sees to.
    known: HashMap<(*const Node, *const Node), Option<Arc<Node>>>,
    alive: Vec<Arc<Node>>,
    /// How many nodes were made.
    pub(crate) made: u64,
}

impl Merger {
    /// How deep two stacks are laid over each other; what differs only below that stays apart.
    const DEPTH: u32 = 128;

    /// The stacks of `a` and those of `b`, which have the same top symbol, as one set; `None` where
    /// they cannot be one: when the tops differ, or the values kept there.
    pub(crate) fn union(&mut self, a: &Stack, b: &Stack) -> Option<Stack> {
        let (Some(a), Some(b)) = (&a.0, &b.0) else {
            return None;
        };
        self.merge(a, b, Self::DEPTH).map(|node| Stack(Some(node)))
    }

    fn merge(&mut self, a: &Arc<Node>, b: &Arc<Node>, depth: u32) -> Option<Arc<Node>> {
        if Arc::ptr_eq(a, b) {
            return Some(Arc::clone(a));
        }
        if a.symbol != b.symbol || a.seen != b.seen {
            return None;
        }
        if a.hash == b.hash && a.is_linear && b.is_linear && equal(a, b) {
            return Some(Arc::clone(a));
        }
        if depth == 0 {
            return None;
        }
        let key = (Arc::as_ptr(a), Arc::as_ptr(b));
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let mut nodes = a.below.nodes().to_vec();
        let mut changed = false;
        for node in b.below.nodes() {
            let mut merged = false;
            for mine in &mut nodes {
                if let Some(both) = self.merge(mine, node, depth - 1) {
                    changed |= !Arc::ptr_eq(&both, mine);
                    *mine = both;
                    merged = true;
                    break;
                }
            }
            if !merged {
                nodes.push(Arc::clone(node));
                changed = true;
            }
        }
        let bottom = a.below.has_bottom() || b.below.has_bottom();
        changed |= bottom != a.below.has_bottom();
        let both = if changed {
            self.made += 1;
            Below::of(nodes, bottom).push(a.symbol, a.seen.clone())
        } else {
            Arc::clone(a)
        };
        self.alive.extend([Arc::clone(a), Arc::clone(b)]);
        self.known.insert(key, Some(Arc::clone(&both)));
        Some(both)
    }
}

/// One path through a set of stacks, as a stack to read. Where the set forks a branch is chosen when
/// something below the fork is asked for.
pub(crate) struct Path<'a> {
    stack: &'a Stack,
    /// At each fork reached: the branch taken, and how many there are.
    choices: RefCell<SmallVec<[(u32, u32); 4]>>,
}

impl<'a> Path<'a> {
    /// Goes on to the next path that differs in what was read of this one; false after the last.
    pub(crate) fn advance(&mut self) -> bool {
        let choices = self.choices.get_mut();
        while let Some(last) = choices.last_mut() {
            if last.0 + 1 < last.1 {
                last.0 += 1;
                return true;
            }
            choices.pop();
        }
        false
    }

    /// What lies below `node` on this path, and the next fork's number.
    fn below(&self, node: &'a Node, fork: &mut usize) -> Option<&'a Arc<Node>> {
        match &node.below {
            Below::Bottom => None,
            Below::One(node) => Some(node),
            Below::Many(many) => {
                let mut choices = self.choices.borrow_mut();
                if choices.len() == *fork {
                    let of = many.nodes.len() + usize::from(many.bottom);
                    choices.push((0, of as u32));
                }
                let taken = choices[*fork].0;
                *fork += 1;
                many.nodes.get(taken as usize)
            }
        }
    }

    /// The stacks after `action` on this path. What lies below the symbols that are taken off is not
    /// split unless the machine has looked there. Several only when nothing is put on.
    pub(crate) fn apply(
        &self,
        action: &StackAction,
        max_depth: usize,
        value: Option<Value>,
    ) -> Result<SmallVec<[Stack; 1]>, MatchError> {
        let inconsistent =
            || MatchError::inconsistent("an action takes more symbols than the stack holds");
        let (rest, mut seen) = if action.pop == 0 {
            let top = self.stack.0.clone();
            (top.map_or(Below::Bottom, Below::One), Seen::default())
        } else {
            let mut fork = 0;
            let mut node = self.stack.0.as_ref().ok_or_else(inconsistent)?;
            for _ in 1..action.pop {
                node = self.below(node, &mut fork).ok_or_else(inconsistent)?;
            }
            let rest = match &node.below {
                // A fork that the machine has looked beyond.
                Below::Many(_) if fork < self.choices.borrow().len() => {
                    match self.below(node, &mut fork) {
                        Some(node) => Below::One(Arc::clone(node)),
                        None => Below::Bottom,
                    }
                }
                below => below.clone(),
            };
            (rest, node.seen.clone())
        };
        let depth = rest.depth() as usize + action.push.len();
        if depth > max_depth {
            return Err(LimitError::new("stack depth", depth as u64, max_depth as u64).into());
        }
        if let Some(value) = value {
            seen = seen.with(value);
        }
        let mut stacks = SmallVec::new();
        match &*action.push {
            [] => {
                stacks.extend(rest.nodes().iter().map(|n| Stack(Some(Arc::clone(n)))));
                if rest.has_bottom() {
                    stacks.push(Stack(None));
                }
            }
            [first, more @ ..] => {
                let first = rest.push(*first, seen);
                let push = |node, symbol: &Symbol| Below::One(node).push(*symbol, Seen::default());
                stacks.push(Stack(Some(more.iter().fold(first, push))));
            }
        }
        Ok(stacks)
    }
}

impl StackView for Path<'_> {
    fn symbol(&self, depth: usize) -> Option<Symbol> {
        let mut node = self.stack.0.as_deref()?;
        let mut fork = 0;
        for _ in 0..depth {
            node = self.below(node, &mut fork)?;
        }
        Some(node.symbol)
    }
}

/// A [`Stack`] being read. Remembers where it read last, so that reading from the top down costs
/// one pointer a symbol.
pub(crate) struct View<'a> {
    top: Option<&'a Node>,
    cursor: Cell<(usize, Option<&'a Node>)>,
}

impl StackView for View<'_> {
    fn symbol(&self, depth: usize) -> Option<Symbol> {
        let (mut at, mut node) = self.cursor.get();
        if depth < at {
            (at, node) = (0, self.top);
        }
        while at < depth {
            // A depth far below the bottom must not cost that many steps.
            node = node?.below.nodes().first().map(|n| &**n);
            at += 1;
        }
        self.cursor.set((at, node));
        node.map(|n| n.symbol)
    }
}

/// A stack as an action would leave it, without building it.
pub(crate) struct After<'a> {
    below: View<'a>,
    action: &'a StackAction,
}

impl<'a> After<'a> {
    pub(crate) fn new(stack: &'a Stack, action: &'a StackAction) -> Self {
        After {
            below: stack.view(),
            action,
        }
    }
}

impl StackView for After<'_> {
    fn symbol(&self, depth: usize) -> Option<Symbol> {
        let push = &self.action.push;
        match push.len().checked_sub(depth + 1) {
            Some(i) => Some(push[i]),
            None => self
                .below
                .symbol((depth - push.len()).saturating_add(self.action.pop as usize)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(pop: u32, push: &[u32]) -> StackAction {
        StackAction {
            pop,
            push: push.iter().copied().map(Symbol).collect(),
        }
    }

    fn push(stack: Stack, symbol: u32) -> Stack {
        stack
            .apply(&action(0, &[symbol]), usize::MAX, None)
            .unwrap()
    }

    fn stack(symbols: &[u32]) -> Stack {
        symbols.iter().fold(Stack::default(), |s, x| push(s, *x))
    }

    #[test]
    fn a_million_symbols_drop_on_a_small_native_stack() {
        let build = || {
            let mut s = Stack::default();
            for i in 0..1_000_000 {
                s = push(s, i % 7);
            }
            assert_eq!(s.depth(), 1_000_000);
            let shared = s.clone();
            drop(s);
            assert_eq!(shared.view().symbol(999_999), Some(Symbol(0)));
            assert!(shared == shared.clone());
        };
        std::thread::Builder::new()
            .stack_size(64 << 10)
            .spawn(build)
            .unwrap()
            .join()
            .unwrap();
    }

    #[test]
    fn equal_stacks_built_apart_are_equal_and_others_are_not() {
        assert!(stack(&[1, 2, 3]) == stack(&[1, 2, 3]));
        assert!(stack(&[1, 2, 3]) != stack(&[1, 3, 2]));
        assert!(stack(&[1, 2]) != stack(&[1, 2, 2]));
        assert!(Stack::default() != stack(&[0]));
    }

    #[test]
    fn the_view_reads_like_a_slice_in_any_order() {
        let symbols = [4, 5, 6, 7].map(Symbol);
        let s = stack(&[4, 5, 6, 7]);
        let view = s.view();
        for depth in [0, 3, 1, 1, 2, 9, 0, 4, 3, usize::MAX] {
            let expected = if depth < 9 {
                symbols[..].symbol(depth)
            } else {
                None
            };
            assert_eq!(view.symbol(depth), expected, "depth {depth}");
        }
    }

    #[test]
    fn an_action_seen_and_an_action_applied_agree() {
        let s = stack(&[4, 5, 6, 7]);
        for a in [
            action(0, &[]),
            action(0, &[1]),
            action(1, &[7]),
            action(3, &[1, 2]),
            action(4, &[]),
        ] {
            let applied = s.apply(&a, 100, None).unwrap();
            let seen = After::new(&s, &a);
            for depth in 0..7 {
                assert_eq!(
                    seen.symbol(depth),
                    applied.view().symbol(depth),
                    "{a:?} at {depth}"
                );
            }
        }
    }

    #[test]
    fn values_stay_with_the_deepest_symbol_taken_off() {
        let value = |text: &str| Some(Value::from(text.as_bytes()));
        let s = stack(&[4]);
        let s = s.apply(&action(1, &[5]), 9, value("a")).unwrap();
        assert!(s.seen().unwrap().contains(b"a") && s.any_seen());
        // Another symbol over it starts with none, and the one below keeps its own.
        let up = s.apply(&action(1, &[6, 7]), 9, None).unwrap();
        assert!(up.seen().is_none() && up.any_seen());
        let up = up.apply(&action(1, &[7]), 9, value("b")).unwrap();
        let down = up.apply(&action(2, &[8]), 9, None).unwrap();
        assert_eq!(down.seen().map(Seen::len), Some(1));
        let more = down.apply(&action(1, &[8]), 9, value("c")).unwrap();
        assert_eq!(more.seen().map(Seen::len), Some(2));
        assert!(more != down && more.hash() != down.hash());
    }

    #[test]
    fn hostile_actions_are_typed_errors() {
        let s = stack(&[4, 5]);
        assert!(s.apply(&action(3, &[]), 100, None).is_err());
        assert!(s.apply(&action(u32::MAX, &[1]), 100, None).is_err());
        assert!(s.apply(&action(0, &[1]), 2, None).is_err());
        assert!(s.apply(&action(1, &[1]), 2, None).is_ok());
    }

    /// All stacks of a set, top first, by reading each path to the bottom.
    fn all(stack: &Stack) -> Vec<Vec<u32>> {
        let mut path = stack.paths();
        let mut found = Vec::new();
        loop {
            let symbols = (0..).map_while(|d| path.symbol(d)).map(|s| s.0);
            found.push(symbols.collect::<Vec<u32>>());
            if !path.advance() {
                found.sort();
                return found;
            }
        }
    }

    #[test]
    fn a_union_holds_the_stacks_of_both_and_no_other() {
        let lists: [&[u32]; 7] = [
            &[1, 2, 3, 9],
            &[1, 2, 4, 9],
            &[1, 5, 3, 9],
            &[2, 3, 9],
            &[9],
            &[1, 2, 3, 9],
            &[1, 1, 2, 3, 9],
        ];
        let mut merger = Merger::default();
        let mut set = stack(lists[0]);
        for list in &lists[1..] {
            set = merger.union(&set, &stack(list)).unwrap();
        }
        let mut expected: Vec<Vec<u32>> = lists
            .iter()
            .map(|l| l.iter().rev().copied().collect())
            .collect();
        expected.sort();
        expected.dedup();
        assert_eq!(all(&set), expected);
        assert!(!set.is_linear() && set.depth() == 5);
        assert!(merger.union(&set, &stack(&[1, 8])).is_none());
        // In another order the set is the same, and nothing is added twice.
        let mut other = stack(lists[6]);
        for list in lists[..6].iter().rev() {
            other = Merger::default().union(&other, &stack(list)).unwrap();
        }
        assert!(other == set && other.hash() == set.hash());
        assert!(Merger::default().union(&set, &other).unwrap() == set);
    }

    #[test]
    fn actions_split_a_set_only_by_what_was_read() {
        let mut merger = Merger::default();
        let set = merger
            .union(&stack(&[1, 2, 9]), &stack(&[3, 4, 9]))
            .unwrap();
        // Nothing read: what lies below stays one set.
        let mut path = set.paths();
        let after = path.apply(&action(1, &[7]), 9, None).unwrap();
        assert!(after.len() == 1 && !path.advance());
        assert_eq!(all(&after[0]), [[7, 2, 1], [7, 4, 3]]);
        // Read: one path at a time.
        let mut path = set.paths();
        assert_eq!(path.symbol(1), Some(Symbol(2)));
        let after = path.apply(&action(1, &[7]), 9, None).unwrap();
        assert_eq!(all(&after[0]), [[7, 2, 1]]);
        assert!(path.advance());
        assert_eq!(path.symbol(1), Some(Symbol(4)));
        let after = path.apply(&action(2, &[7, 8]), 9, None).unwrap();
        assert_eq!(all(&after[0]), [[8, 7, 3]]);
        assert!(!path.advance());
        // Nothing put on: each node below is a top of its own.
        let after = set.paths().apply(&action(1, &[]), 9, None).unwrap();
        assert_eq!(after.len(), 2);
        assert!(set.paths().apply(&action(4, &[]), 9, None).is_err());
    }

    #[test]
    fn sets_of_stacks_stay_small_and_drop_on_a_small_native_stack() {
        let build = || {
            // Each step forks: 2 to the 100,000 stacks.
            let mut s = stack(&[0]);
            let mut merger = Merger::default();
            for i in 0..100_000 {
                let (a, b) = (push(s.clone(), 1), push(push(s, 2), 1));
                s = merger.union(&a, &b).unwrap();
                if i % 1000 == 0 {
                    merger = Merger::default();
                }
            }
            assert_eq!(s.depth(), 200_001);
            drop(merger);
        };
        std::thread::Builder::new()
            .stack_size(64 << 10)
            .spawn(build)
            .unwrap()
            .join()
            .unwrap();
    }
}
