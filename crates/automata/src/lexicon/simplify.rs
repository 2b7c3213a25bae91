//! Unions and intersections in normal form.
//!
//! Equal languages should meet in one node as often as a look at the parts can tell: it keeps lexical
//! states few, and every node that is [`Never`](Node::Never) at once is a search for a match less
//! (see `empty`). Besides the laws of sets, three things are specific to text:
//!
//! - what any text may follow is any text, whatever else may ([`Facts::text`]): a pattern that has
//!   been found is no longer looked for;
//! - parts that need more characters than others have exclude each other ([`Facts::chars`]);
//! - in the middle of a character parts are put together behind its remaining bytes, so that all
//!   characters that mean nothing particular lead to one place.

use super::ByteSet;
use super::expr::{Characters, ExprId, MarksId, Node, Store};
#[cfg(doc)]
use super::facts::Facts;
use smallvec::SmallVec;

/// Parts of a union or an intersection while it is put together.
type Parts = SmallVec<[ExprId; 16]>;

impl Store {
    pub fn alt(&mut self, parts: &[ExprId]) -> ExprId {
        let mut flat = Parts::new();
        let mut set: Option<ByteSet> = None;
        let mut all_marks: SmallVec<[MarksId; 8]> = SmallVec::new();
        let mut stack: Parts = parts.iter().rev().copied().collect();
        while let Some(p) = stack.pop() {
            match self.node(p) {
                Node::Never => {}
                Node::Alt(inner) => stack.extend(inner.iter().rev().copied()),
                Node::Set(s) => {
                    let s = self.sets[*s as usize];
                    set = Some(set.map_or(s, |t| t.union(&s)));
                }
                Node::Marks(m) => all_marks.push(*m),
                _ => flat.push(p),
            }
        }
        if let Some(set) = set {
            flat.push(self.set(set));
        }
        let marks = (!all_marks.is_empty()).then(|| self.union_of_marks(&all_marks));
        flat.sort_unstable();
        flat.dedup();
        if flat.contains(&Self::ALL)
            && flat.iter().all(|p| !self.fact(*p).marked)
            && marks.is_none_or(|m| m.0 == 0)
        {
            return Self::ALL;
        }
        // Beside any text, other text adds nothing.
        if flat.len() > 1 && flat.binary_search(&self.any_text).is_ok() {
            flat.retain(|p| {
                let fact = &self.facts[p.0 as usize];
                *p == self.any_text || !fact.text || fact.marked
            });
        }
        if let Some(m) = marks {
            // The bare empty string adds nothing when another part matches it already.
            if m.0 != 0 || !flat.iter().any(|p| self.nullable(*p)) {
                flat.push(self.marks(m));
                flat.sort_unstable();
            }
        }
        self.drop_unmarked(&mut flat);
        self.merge_heads(&mut flat);
        self.merge_tails(&mut flat);
        match flat[..] {
            [] => Self::NEVER,
            [one] => one,
            _ => self.add_parts(&flat, Node::Alt),
        }
    }

    /// Beside `x` with marks at its end, `x` itself adds nothing. The parts are sorted.
    fn drop_unmarked(&self, flat: &mut Parts) {
        let whole = |s: &Self, p: ExprId| match *s.node(p) {
            Node::Concat(x, end) if matches!(s.node(end), Node::Marks(_)) => Some(x),
            _ => None,
        };
        let bare = flat.iter().filter_map(|p| whole(self, *p));
        let bare = bare.filter(|x| flat.binary_search(x).is_ok());
        let bare: SmallVec<[ExprId; 4]> = bare.collect();
        if !bare.is_empty() {
            flat.retain(|p| !bare.contains(p));
        }
    }

    /// `[ab]x | [cd]x` is `[a-d]x`. Keeps the states of large classes few.
    fn merge_tails(&mut self, flat: &mut Parts) {
        let split = |s: &Self, p: ExprId| match *s.node(p) {
            Node::Concat(h, t) => match *s.node(h) {
                Node::Set(set) => Some((s.sets[set as usize], t)),
                _ => None,
            },
            _ => None,
        };
        // By tail: equal ones become neighbours.
        let mut heads: SmallVec<[(ExprId, ByteSet, ExprId); 8]> = SmallVec::new();
        for &p in flat.iter() {
            if let Some((set, tail)) = split(self, p) {
                heads.push((tail, set, p));
            }
        }
        if heads.len() < 2 {
            return;
        }
        heads.sort_unstable_by_key(|h| h.0);
        if heads.windows(2).all(|w| w[0].0 != w[1].0) {
            return;
        }
        flat.retain(|p| split(self, *p).is_none());
        for group in heads.chunk_by(|a, b| a.0 == b.0) {
            flat.push(match group {
                [(_, _, single)] => *single,
                _ => {
                    let all = group
                        .iter()
                        .fold(ByteSet::default(), |all, h| all.union(&h.1));
                    let head = self.set(all);
                    self.concat2(head, group[0].0)
                }
            });
        }
        flat.sort_unstable();
        flat.dedup();
    }

    pub fn and(&mut self, parts: &[ExprId]) -> ExprId {
        let mut flat = Parts::new();
        let mut set: Option<ByteSet> = None;
        let mut excluded: Vec<ExprId> = Vec::new();
        let mut stack: Parts = parts.iter().rev().copied().collect();
        while let Some(p) = stack.pop() {
            if p == Self::ALL {
                continue;
            }
            match self.node(p) {
                Node::Never => return Self::NEVER,
                Node::And(inner) => stack.extend(inner.iter().rev().copied()),
                Node::Except(rest, literals) => {
                    excluded.push(*literals);
                    stack.push(*rest);
                }
                Node::Set(s) => {
                    let s = self.sets[*s as usize];
                    set = Some(set.map_or(s, |t| t.intersect(&s)));
                }
                _ => flat.push(p),
            }
        }
        if let Some(set) = set {
            let s = self.set(set);
            if s == Self::NEVER {
                return s;
            }
            flat.push(s);
        }
        flat.sort_unstable();
        flat.dedup();
        self.join_lengths(&mut flat);
        // Beside text, any text adds nothing, and no text is left of its complement.
        let is_text = flat.iter().any(|p| self.fact(*p).text);
        if is_text && flat.len() > 1 && flat.binary_search(&self.any_text).is_ok() {
            let other = |p: &ExprId| *p != self.any_text && self.fact(*p).text;
            if flat.iter().any(other) {
                flat.retain(|p| *p != self.any_text);
            }
        }
        if flat.contains(&Self::NEVER) {
            return Self::NEVER;
        }
        // An expression and its complement exclude each other.
        for &p in &flat {
            if let Node::Not(e) = *self.node(p)
                && (flat.binary_search(&e).is_ok() || is_text && e == self.any_text)
            {
                return Self::NEVER;
            }
        }
        // Without some literals: what is left is one step a byte from the whole.
        flat.retain(|p| match *self.node(*p) {
            Node::Not(e) if matches!(self.node(e), Node::Literals { .. }) => {
                excluded.push(e);
                false
            }
            _ => true,
        });
        if !excluded.is_empty() {
            excluded.sort_unstable();
            excluded.dedup();
            let rest = self.and_flat(flat);
            return excluded.iter().fold(rest, |rest, e| self.except(rest, *e));
        }
        self.and_flat(flat)
    }

    /// Makes one of the parts of an intersection that only bound the number of characters, and leaves it
    /// out where another part has so many anyway.
    fn join_lengths(&mut self, flat: &mut Parts) {
        let length = |s: &Self, p: ExprId| match *s.node(p) {
            Node::Repeat(c, min, max) if c == s.any_char => Some((min, max)),
            _ => None,
        };
        let lengths = flat.iter().filter_map(|p| length(self, *p));
        let Some((min, max)) = lengths.reduce(|a, b| (a.0.max(b.0), a.1.min(b.1))) else {
            return;
        };
        let is_within = |p: &ExprId| {
            let facts = self.fact(*p);
            facts.text && min <= facts.chars.0 && facts.chars.1 <= max
        };
        let others = |p: &&ExprId| length(self, **p).is_none();
        let joined = match flat.iter().filter(others).any(is_within) {
            true => None,
            false if min > max => Some(Self::NEVER),
            false => Some(self.repeat(self.any_char, min, max)),
        };
        flat.retain(|p| length(self, *p).is_none());
        flat.extend(joined);
        flat.sort_unstable();
    }

    /// A byte of the middle or the end of a character, and what follows it. A character has at most
    /// three: where more follow one another there is no telling how many, and nothing is said.
    fn continued(&self, e: ExprId) -> Option<(ByteSet, ExprId)> {
        let split = |e: ExprId| {
            if let Node::Concat(head, tail) = *self.node(e)
                && let Node::Set(s) = *self.node(head)
            {
                let set = self.sets[s as usize];
                return (set.characters() == (0, 0)).then_some((set, tail));
            }
            None
        };
        let first = split(e)?;
        let mut rest = first.1;
        for _ in 0..3 {
            match split(rest) {
                Some((_, tail)) => rest = tail,
                None => return Some(first),
            }
        }
        None
    }

    /// In the middle of a character: `[ab]x & [bc]y & ~([bd]z)` is `b(x & y & ~z)`. So the rest of a
    /// character is a sequence again, and all characters that lead to one place are seen to.
    fn and_within_character(&mut self, flat: &[ExprId]) -> Option<ExprId> {
        let mut set: Option<ByteSet> = None;
        let mut tails = Vec::with_capacity(flat.len());
        let mut without = Vec::new();
        for &p in flat {
            if let Some((s, tail)) = self.continued(p) {
                set = Some(set.map_or(s, |t| t.intersect(&s)));
                tails.push(tail);
            } else if let Node::Not(x) = *self.node(p) {
                without.push(self.continued(x)?);
            } else {
                return None;
            }
        }
        let set = set?;
        for (s, tail) in without {
            match set.intersect(&s) {
                common if common.is_empty() => {}
                common if common == set => tails.push(self.not(tail)),
                _ => return None,
            }
        }
        let head = self.set(set);
        let tail = self.and(&tails);
        Some(self.concat2(head, tail))
    }

    /// In the middle of a character: `[ab]x | [ab]y` is `[ab](x | y)`.
    fn merge_heads(&mut self, flat: &mut Parts) {
        let heads = |s: &Self, p: ExprId| match *s.node(p) {
            Node::Concat(head, _) => s.continued(p).map(|(_, tail)| (head, tail)),
            _ => None,
        };
        if flat.iter().filter(|p| heads(self, **p).is_some()).count() < 2 {
            return;
        }
        let mut groups: Vec<(ExprId, Vec<ExprId>)> = Vec::new();
        for &p in flat.iter() {
            if let Some((head, tail)) = heads(self, p) {
                match groups.iter_mut().find(|g| g.0 == head) {
                    Some(group) => group.1.push(tail),
                    None => groups.push((head, vec![tail])),
                }
            }
        }
        groups.retain(|g| g.1.len() > 1);
        if groups.is_empty() {
            return;
        }
        flat.retain(|p| heads(self, *p).is_none_or(|(head, _)| groups.iter().all(|g| g.0 != head)));
        for (head, tails) in groups {
            let tail = self.alt(&tails);
            let merged = self.concat2(head, tail);
            flat.push(merged);
        }
        flat.sort_unstable();
        flat.dedup();
    }

    /// The intersection of sorted, distinct parts that are no intersections.
    fn and_flat(&mut self, flat: Parts) -> ExprId {
        if let Some(e) = self.and_within_character(&flat) {
            return e;
        }
        // Beside a bare empty string only nullability counts.
        if let Some(&m) = flat
            .iter()
            .find(|p| matches!(self.node(**p), Node::Marks(_)))
        {
            if !flat.iter().all(|p| self.nullable(*p)) {
                return Self::NEVER;
            }
            let all = flat.iter().fold(self.fact(m).marks, |acc, p| {
                let marks = self.fact(*p).marks;
                self.union_marks(acc, marks)
            });
            return self.marks(all);
        }
        match flat[..] {
            [] => Self::ALL,
            [one] => one,
            _ => {
                // Some part may need more characters than another has.
                let bounds = flat.iter().map(|p| self.fact(*p).chars);
                let least = bounds.clone().map(|b| b.0).max();
                if least > bounds.map(|b| b.1).min() {
                    return Self::NEVER;
                }
                self.add_parts(&flat, Node::And)
            }
        }
    }

    /// `rest` without the strings of `literals`: a literal set, or what is left of one.
    pub fn except(&mut self, rest: ExprId, literals: ExprId) -> ExprId {
        if rest == Self::NEVER || literals == Self::NEVER {
            return rest;
        }
        let only_empty = |e: &Node| matches!(e, Node::Marks(_));
        match (only_empty(self.node(rest)), only_empty(self.node(literals))) {
            (true, _) if self.nullable(literals) => Self::NEVER,
            (true, _) => rest,
            (false, true) if !self.nullable(rest) => rest,
            _ => self.add(Node::Except(rest, literals)),
        }
    }
}
