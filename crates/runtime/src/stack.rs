//! Persistent stacks: linked nodes that forks, threads and the history share.
//!
//! A stack is a pointer to its top node; a node points to the one below. Nodes never change, so a
//! copy of a stack is one reference count, and popping is following a pointer. Each node knows its
//! depth and a hash of all symbols from the bottom up to itself, so unequal stacks are told apart
//! at once and equal ones are compared only down to their first common node. A node also keeps the
//! values that lexemes read on it must differ from ([`crate::distinct`]) and what was read of an array
//! or object that is compared as a whole ([`crate::record`]); hash and equality take them into account.
//!
//! Dropping the last owner of a stack frees its nodes in a loop: a native recursion would overflow
//! on a stack of a million symbols.

use crate::distinct::{Seen, Value};
use crate::error::MatchError;
use crate::record::Record;
use maskwright_tables::{LimitError, StackAction, StackView, Symbol};
use smallvec::SmallVec;
use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

struct Node {
    below: Option<Arc<Node>>,
    symbol: Symbol,
    /// The number of symbols from the bottom up to this one.
    depth: u32,
    /// Of those symbols, in order, and of their values. The same in every process, so thread order
    /// is too.
    hash: u64,
    /// The values from which lexemes read on this symbol must differ.
    seen: Seen,
    /// What was read of the array or object of this symbol, where that counts.
    record: Option<Record>,
    /// Whether this symbol or one below has values to differ from.
    any_seen: bool,
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut below = self.below.take();
        // `into_inner` gives the node to exactly one of several threads that drop it at once.
        while let Some(mut node) = below.and_then(Arc::into_inner) {
            below = node.below.take();
        }
    }
}

/// What a lexeme adds to a stack beside symbols.
#[derive(Clone, Default)]
pub(crate) struct Effect {
    /// A value from which later lexemes must differ.
    pub(crate) seen: Option<Value>,
    /// What becomes of the array or object being recorded.
    pub(crate) change: Change,
}

/// What a lexeme does to the array or object in which it stands.
#[derive(Clone, Default)]
pub(crate) enum Change {
    #[default]
    None,
    /// It is the name of the next member.
    Name(Value),
    /// It ends the next element or member.
    Value(Value),
    /// It opens one inside, which is recorded.
    Open(Record),
}

impl Effect {
    fn is_none(&self) -> bool {
        self.seen.is_none() && matches!(self.change, Change::None)
    }
}

/// A persistent stack of symbols.
#[derive(Clone, Default)]
pub(crate) struct Stack(Option<Arc<Node>>);

impl Stack {
    /// The stack that holds one symbol.
    pub(crate) fn single(symbol: Symbol) -> Self {
        Stack::default().push(symbol, Seen::default(), None)
    }

    fn push(self, symbol: Symbol, seen: Seen, record: Option<Record>) -> Self {
        let recorded = record.as_ref().map_or(0, |r| r.hash().rotate_left(23));
        let hash = self.hash() ^ seen.hash() ^ recorded;
        let depth = self.depth() as u32 + 1;
        let hash = (hash.rotate_left(5) ^ u64::from(symbol.0)).wrapping_mul(0x517c_c1b7_2722_0a95);
        let any_seen = self.any_seen() || !seen.is_empty();
        Stack(Some(Arc::new(Node {
            below: self.0,
            symbol,
            depth,
            hash,
            seen,
            record,
            any_seen,
        })))
    }

    /// The symbol on top.
    pub(crate) fn top(&self) -> Option<Symbol> {
        self.0.as_ref().map(|n| n.symbol)
    }

    /// The values from which lexemes read on the top symbol must differ.
    pub(crate) fn seen(&self) -> Option<&Seen> {
        self.0.as_ref().map(|n| &n.seen).filter(|s| !s.is_empty())
    }

    /// What was read of the array or object of the top symbol, where that counts.
    pub(crate) fn record(&self) -> Option<&Record> {
        self.0.as_ref().and_then(|n| n.record.as_ref())
    }

    /// The stack without its top symbol.
    pub(crate) fn below(&self) -> Stack {
        Stack(self.0.as_ref().and_then(|n| n.below.clone()))
    }

    /// The values of all symbols that have such, where these are near the top and belong to no array or object
    /// that counts as a whole. O(1).
    pub(crate) fn few_seen(&self) -> Option<SmallVec<[&Seen; 4]>> {
        let mut all = SmallVec::new();
        let mut next = self.0.as_ref();
        let mut left = 16;
        while let Some(node) = next.filter(|n| n.any_seen) {
            if node.record.is_some() || left == 0 {
                return None;
            }
            left -= 1;
            if !node.seen.is_empty() {
                all.push(&node.seen);
            }
            next = node.below.as_ref();
        }
        Some(all)
    }

    /// Whether any symbol has such values.
    pub(crate) fn any_seen(&self) -> bool {
        self.0.as_ref().is_some_and(|n| n.any_seen)
    }

    /// The number of symbols.
    pub(crate) fn depth(&self) -> usize {
        self.0.as_ref().map_or(0, |n| n.depth as usize)
    }

    /// A hash of the symbols.
    pub(crate) fn hash(&self) -> u64 {
        self.0.as_ref().map_or(0, |n| n.hash)
    }

    /// The stack for a machine to read.
    pub(crate) fn view(&self) -> View<'_> {
        View {
            top: self.0.as_deref(),
            cursor: Cell::new((0, self.0.as_deref())),
        }
    }

    /// The stack after `action`, which ended a lexeme with this effect. One allocation for each symbol
    /// that is put on.
    ///
    /// The first symbol put on keeps the values and the record of the deepest one taken off, as `effect`
    /// changes them; the last one has what is opened.
    pub(crate) fn apply(
        &self,
        action: &StackAction,
        max_depth: usize,
        effect: Effect,
    ) -> Result<Stack, MatchError> {
        // A loop that stays in its place keeps its node: no allocation, and equal stacks stay
        // equal by pointer.
        if let (1, [symbol], Some(top), true) =
            (action.pop, &*action.push, &self.0, effect.is_none())
            && top.symbol == *symbol
        {
            return Ok(self.clone());
        }
        let pop = action.pop as usize;
        let kept = self
            .depth()
            .checked_sub(pop)
            .ok_or(MatchError::inconsistent(
                "an action takes more symbols than the stack holds",
            ))?;
        let depth = kept + action.push.len();
        if depth > max_depth {
            return Err(LimitError::new("stack depth", depth as u64, max_depth as u64).into());
        }
        let mut rest = &self.0;
        let (mut seen, mut record) = (Seen::default(), None);
        for i in 0..pop {
            if let Some(node) = rest {
                if i + 1 == pop {
                    (seen, record) = (node.seen.clone(), node.record.clone());
                }
                rest = &node.below;
            }
        }
        if let Some(value) = effect.seen {
            seen = seen.with(value);
        }
        let mut opened = None;
        match effect.change {
            Change::None => {}
            Change::Name(name) => record = record.map(|r| r.named(name)),
            Change::Value(value) => record = record.map(|r| r.with(value)),
            Change::Open(inside) => opened = Some(inside),
        }
        let mut stack = Stack(rest.clone());
        for (i, symbol) in action.push.iter().enumerate() {
            if i + 1 == action.push.len() && opened.is_some() {
                record = opened.take();
            }
            stack = stack.push(*symbol, std::mem::take(&mut seen), record.take());
        }
        Ok(stack)
    }
}

impl PartialEq for Stack {
    fn eq(&self, other: &Self) -> bool {
        let (mut a, mut b) = (&self.0, &other.0);
        loop {
            match (a, b) {
                (None, None) => return true,
                (Some(x), Some(y)) => {
                    if Arc::ptr_eq(x, y) {
                        return true;
                    }
                    if x.hash != y.hash
                        || x.depth != y.depth
                        || x.symbol != y.symbol
                        || x.seen != y.seen
                        || x.record != y.record
                    {
                        return false;
                    }
                    (a, b) = (&x.below, &y.below);
                }
                _ => return false,
            }
        }
    }
}

impl Eq for Stack {}

impl Hash for Stack {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(Stack::hash(self));
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
            node = node?.below.as_deref();
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

    fn stack(symbols: &[u32]) -> Stack {
        symbols.iter().fold(Stack::default(), |s, x| {
            s.push(Symbol(*x), Seen::default(), None)
        })
    }

    #[test]
    fn a_million_symbols_drop_on_a_small_native_stack() {
        let build = || {
            let mut s = Stack::default();
            for i in 0..1_000_000 {
                s = s.push(Symbol(i % 7), Seen::default(), None);
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
            let applied = s.apply(&a, 100, Effect::default()).unwrap();
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
        let value = |text: &str| Effect {
            seen: Some(Value::from(text.as_bytes())),
            ..Effect::default()
        };
        let s = stack(&[4]);
        let s = s.apply(&action(1, &[5]), 9, value("a")).unwrap();
        assert!(s.seen().unwrap().contains(b"a") && s.any_seen());
        // Another symbol over it starts with none, and the one below keeps its own.
        let up = s.apply(&action(1, &[6, 7]), 9, Effect::default()).unwrap();
        assert!(up.seen().is_none() && up.any_seen());
        let up = up.apply(&action(1, &[7]), 9, value("b")).unwrap();
        let down = up.apply(&action(2, &[8]), 9, Effect::default()).unwrap();
        assert_eq!(down.seen().map(Seen::len), Some(1));
        let more = down.apply(&action(1, &[8]), 9, value("c")).unwrap();
        assert_eq!(more.seen().map(Seen::len), Some(2));
        assert!(more != down && more.hash() != down.hash());
    }

    #[test]
    fn hostile_actions_are_typed_errors() {
        let s = stack(&[4, 5]);
        assert!(s.apply(&action(3, &[]), 100, Effect::default()).is_err());
        assert!(
            s.apply(&action(u32::MAX, &[1]), 100, Effect::default())
                .is_err()
        );
        assert!(s.apply(&action(0, &[1]), 2, Effect::default()).is_err());
        assert!(s.apply(&action(1, &[1]), 2, Effect::default()).is_ok());
    }
}
