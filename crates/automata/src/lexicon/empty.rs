//! Exact emptiness of expressions.
//!
//! Without intersection and complement an expression is empty only if it is `Never`, because the
//! constructors propagate `Never`. With them it is decided by searching the derivatives for a
//! nullable one, depth first and there where least seems to be missing ([`Facts::distance`]) first,
//! and both answers are remembered: everything on the path to a nullable
//! derivative is not empty, and when the search ends without one, everything visited is empty.
//! An intersection with a range of lengths is passed over when the same one was met with a wider
//! range: it has no match that the other lacks. (Otherwise a search that gets no nearer to a match
//! goes through all lengths first.)
//! Before that the structure is used as far as it goes: a sequence is empty if a part is, and the
//! rest of a JSON string if its value is (its escape modes are entered only when they are alive).
//!
//! Emptiness *within an alphabet* asks for a string of the alphabet's bytes. It decides which
//! lexical states live when the vocabulary cannot spell every byte; where it cannot spell everything
//! that its bytes make up either, `pieces` says where tokens may end. Inside a JSON string it must
//! not be asked of the value: a character whose bytes are missing can still be spelled by an escape.

use super::expr::{ExprId, Node, Store, UNBOUNDED};
#[cfg(doc)]
use super::facts::Facts;
use maskwright_tables::LimitError;
use rustc_hash::{FxHashMap, FxHashSet};

impl Store {
    /// Whether `root` matches nothing at all.
    pub fn is_empty(&mut self, root: ExprId, steps: &mut u64) -> Result<bool, LimitError> {
        self.search(root, false, steps)
    }

    /// Whether `root` matches no string of the vocabulary's bytes.
    pub fn is_empty_within(&mut self, root: ExprId, steps: &mut u64) -> Result<bool, LimitError> {
        self.search(root, self.alphabet.is_some(), steps)
    }

    /// What is known of an expression without a search.
    fn known_empty(&self, e: ExprId, within: bool) -> Option<bool> {
        let facts = self.fact(e);
        if e == Self::NEVER {
            Some(true)
        } else if facts.nullable || !within && (!facts.doubtful || facts.dense > 0) {
            Some(false)
        } else if within {
            self.empty_within.get(&e).copied()
        } else {
            self.empty.get(&e).copied()
        }
    }

    /// A smaller expression that is empty exactly if `e` is. Not within an alphabet.
    fn reduce(&self, mut e: ExprId) -> ExprId {
        loop {
            e = match *self.node(e) {
                Node::Spelled(value, super::derive::NORMAL) => value,
                Node::Spelled(..) => return Self::EMPTY,
                Node::Concat(head, tail) if !self.fact(head).doubtful => tail,
                Node::Concat(head, tail) if !self.fact(tail).doubtful => head,
                Node::Repeat(part, ..) if !self.nullable(e) => part,
                Node::Alt(ref parts)
                    if parts
                        .iter()
                        .any(|p| self.known_empty(*p, false) == Some(false)) =>
                {
                    return Self::EMPTY;
                }
                _ => return e,
            };
        }
    }

    fn search(&mut self, root: ExprId, within: bool, steps: &mut u64) -> Result<bool, LimitError> {
        let root = if within { root } else { self.reduce(root) };
        if let Some(known) = self.known_empty(root, within) {
            return Ok(known);
        }
        // The stack holds (expression, derivatives still to try); it is the path from the root.
        let mut visited: FxHashSet<ExprId> = FxHashSet::default();
        let mut lengths: FxHashMap<ExprId, Vec<(u32, u32)>> = FxHashMap::default();
        visited.insert(root);
        let mut path = vec![(root, self.successors(root, within, steps)?)];
        while let Some((_, open)) = path.last_mut() {
            let Some(d) = open.pop() else {
                path.pop();
                continue;
            };
            match self.known_empty(d, within) {
                Some(true) => {}
                Some(false) => {
                    for (e, _) in path {
                        self.remember(e, within, false);
                    }
                    return Ok(false);
                }
                None => {
                    let (rest, min, max) = self.without_length(d);
                    let ranges = lengths.entry(rest).or_default();
                    if ranges.iter().any(|r| r.0 <= min && max <= r.1) {
                        continue;
                    }
                    ranges.push((min, max));
                    if visited.insert(d) {
                        let open = self.successors(d, within, steps)?;
                        path.push((d, open));
                    }
                }
            }
        }
        for e in visited {
            self.remember(e, within, true);
        }
        Ok(true)
    }

    /// An intersection without its range of lengths in characters, and the range.
    fn without_length(&mut self, e: ExprId) -> (ExprId, u32, u32) {
        if let Node::And(parts) = self.node(e) {
            for (i, p) in parts.iter().enumerate() {
                // In the middle of a character the rest of it comes first.
                let mut end = *p;
                while let Node::Concat(_, tail) = *self.node(end) {
                    end = tail;
                }
                let Node::Repeat(x, min, max) = *self.node(end) else {
                    continue;
                };
                if x != self.any_char || (min, max) == (0, UNBOUNDED) {
                    continue;
                }
                let mut parts = parts.to_vec();
                let mut heads = Vec::new();
                let mut at = *p;
                while let Node::Concat(head, tail) = *self.node(at) {
                    heads.push(head);
                    at = tail;
                }
                let text = self.any_text;
                parts[i] = heads.iter().rev().fold(text, |t, h| self.concat2(*h, t));
                return (self.and(&parts), min, max);
            }
        }
        (e, 0, UNBOUNDED)
    }

    fn remember(&mut self, e: ExprId, within: bool, empty: bool) {
        let map = if within {
            &mut self.empty_within
        } else {
            &mut self.empty
        };
        map.insert(e, empty);
    }

    /// The derivatives, the one that seems nearest to a match last.
    fn successors(
        &mut self,
        e: ExprId,
        within: bool,
        steps: &mut u64,
    ) -> Result<Vec<ExprId>, LimitError> {
        let mut runs = self.runs_of(e, steps)?;
        if let Some(alphabet) = self.alphabet
            && within
        {
            runs = super::state::within(&runs, &alphabet);
        }
        let mut all: Vec<ExprId> = runs.iter().map(|r| r.1).collect();
        if !within {
            all.iter_mut().for_each(|d| *d = self.reduce(*d));
        }
        // Among equals the later bytes are tried last: letters before those of longer characters.
        let mut seen = FxHashSet::default();
        all.retain(|d| *d != Self::NEVER && seen.insert(*d));
        all.reverse();
        all.sort_by_key(|d| std::cmp::Reverse(self.fact(*d).distance));
        Ok(all)
    }
}
