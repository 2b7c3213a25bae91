//! Exact emptiness of expressions.
//!
//! Without intersection and complement an expression is empty only if it is `Never`, because the
//! constructors propagate `Never`. With them it is decided by searching the derivatives for a
//! nullable one, depth first, and both answers are remembered: everything on the path to a nullable
//! derivative is not empty, and when the search ends without one, everything visited is empty.
//! Before that the structure is used as far as it goes: a sequence is empty if a part is, and the
//! rest of a JSON string if its value is (its escape modes are entered only when they are alive).
//!
//! Emptiness *within an alphabet* asks for a string of the alphabet's bytes. It decides which
//! lexical states live when the vocabulary cannot spell every byte. Inside a JSON string it must
//! not be asked of the value: a character whose bytes are missing can still be spelled by an escape.

use super::expr::{ExprId, Node, Store};
use maskwright_tables::LimitError;
use rustc_hash::FxHashSet;

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
        } else if facts.nullable || !(facts.doubtful || within) {
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
        // The stack holds (expression, cuts still to try); it is the path from the root.
        let mut visited: FxHashSet<ExprId> = FxHashSet::default();
        visited.insert(root);
        let mut path = vec![(root, self.first_bytes(root, within))];
        while let Some((e, bytes)) = path.last_mut() {
            let e = *e;
            let Some(byte) = bytes.pop() else {
                path.pop();
                continue;
            };
            let mut d = self.derive(e, byte, steps)?;
            if !within {
                d = self.reduce(d);
            }
            match self.known_empty(d, within) {
                Some(true) => {}
                Some(false) => {
                    for (e, _) in path {
                        self.remember(e, within, false);
                    }
                    return Ok(false);
                }
                None => {
                    if visited.insert(d) {
                        let bytes = self.first_bytes(d, within);
                        path.push((d, bytes));
                    }
                }
            }
        }
        for e in visited {
            self.remember(e, within, true);
        }
        Ok(true)
    }

    fn remember(&mut self, e: ExprId, within: bool, empty: bool) {
        let map = if within {
            &mut self.empty_within
        } else {
            &mut self.empty
        };
        map.insert(e, empty);
    }

    /// One byte for each run on which the derivative is constant, and which the alphabet has.
    fn first_bytes(&self, e: ExprId, within: bool) -> Vec<u8> {
        let cuts = self.fact(e).cuts;
        match self.alphabet {
            Some(alphabet) if within => cuts
                .union(&alphabet.cuts())
                .iter()
                .filter(|b| alphabet.contains(*b))
                .collect(),
            _ => cuts.iter().collect(),
        }
    }
}
