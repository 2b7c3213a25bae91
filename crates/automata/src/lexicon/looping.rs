//! The characters that lead from an expression to itself, without its derivatives.
//!
//! A name or a text goes on with thousands of characters that lead back to where it was. Each of them has
//! derivatives of its own in the middle of its spelling, a hundred for a class of letters, and to a state that
//! differs in a count they are new again. Which characters these are can be read off most expressions: where
//! copies of a class come first, those of the class that nothing behind the copies begins with.

use super::derive::NORMAL;
use super::expr::{ExprId, Node, Store, UNBOUNDED};
use smallvec::{SmallVec, smallvec};

/// Increasing ranges of characters outside ASCII.
pub(super) type Characters = SmallVec<[[u32; 2]; 4]>;

impl Store {
    /// So deep are expressions looked at.
    const DEEPEST: usize = 8;

    /// Characters outside ASCII that lead from an expression to itself, and maybe not all of them; `None` where
    /// derivatives have to tell. Not where bytes are missing in the vocabulary.
    pub(super) fn looping(&self, e: ExprId) -> Option<Characters> {
        match self.alphabet {
            Some(_) => None,
            None => self.loops_of(e, Self::DEEPEST),
        }
    }

    fn loops_of(&self, e: ExprId, deepest: usize) -> Option<Characters> {
        let deepest = deepest.checked_sub(1)?;
        match *self.node(e) {
            Node::Repeat(part, 0, UNBOUNDED) => self.class_ranges(part),
            Node::Concat(head, tail) => {
                if !matches!(self.node(head), Node::Repeat(_, 0, UNBOUNDED)) {
                    return None;
                }
                let own = self.loops_of(head, deepest)?;
                Some(minus(&own, &self.begins_with(tail, deepest)?))
            }
            Node::Spelled(value, NORMAL) => self.loops_of(value, deepest),
            // Of a union, where each part stays as it is: one that ends would be gone.
            Node::And(ref parts) | Node::Alt(ref parts) => {
                let mut all: Option<Characters> = None;
                for &part in parts {
                    // A count goes down by each character.
                    let own = match *self.node(part) {
                        Node::Repeat(_, _, max) if max != UNBOUNDED => Characters::new(),
                        _ => self.loops_of(part, deepest)?,
                    };
                    all = Some(match all {
                        Some(all) => both(&all, &own),
                        None => own,
                    });
                }
                all
            }
            _ => None,
        }
    }

    /// The characters outside ASCII with which matches of an expression begin, and maybe others.
    fn begins_with(&self, e: ExprId, deepest: usize) -> Option<Characters> {
        let deepest = deepest.checked_sub(1)?;
        if let Some(own) = self.class_ranges(e) {
            return Some(own);
        }
        match *self.node(e) {
            Node::Never | Node::Marks(_) => Some(Characters::new()),
            Node::Set(set) => self.sets[set as usize].is_ascii().then(Characters::new),
            Node::Concat(head, tail) => {
                let own = self.begins_with(head, deepest)?;
                match self.nullable(head) {
                    true => Some(either(&own, &self.begins_with(tail, deepest)?)),
                    false => Some(own),
                }
            }
            Node::Alt(ref parts) if parts.len() <= 16 => {
                let mut all = Characters::new();
                for &part in parts {
                    all = either(&all, &self.begins_with(part, deepest)?);
                }
                Some(all)
            }
            Node::Repeat(part, ..) => self.begins_with(part, deepest),
            _ => None,
        }
    }

    /// The characters outside ASCII of a class.
    fn class_ranges(&self, e: ExprId) -> Option<Characters> {
        match self.node(e) {
            Node::Set(set) if self.sets[*set as usize].is_ascii() => Some(Characters::new()),
            _ => self
                .class_ranges
                .get(&e)
                .map(|r| r.iter().copied().collect()),
        }
    }
}

/// Those of the first that are not among the second.
fn minus(all: &[[u32; 2]], less: &[[u32; 2]]) -> Characters {
    let mut out = Characters::new();
    for &[mut first, last] in all {
        let from = less.partition_point(|r| r[1] < first);
        for gap in less[from..].iter().take_while(|r| r[0] <= last) {
            if first < gap[0] {
                out.push([first, gap[0] - 1]);
            }
            first = gap[1] + 1;
        }
        if first <= last {
            out.push([first, last]);
        }
    }
    out
}

/// Those of both.
fn both(one: &[[u32; 2]], other: &[[u32; 2]]) -> Characters {
    minus(one, &minus(one, other))
}

/// Those of any of the two.
fn either(one: &[[u32; 2]], other: &[[u32; 2]]) -> Characters {
    let mut all: Characters = smallvec![];
    all.extend_from_slice(one);
    all.extend(minus(other, one));
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_sets() {
        let mut random = 7u32;
        let mut next = |below: u32| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) % below
        };
        let members = |ranges: &[[u32; 2]]| -> Vec<u32> {
            let all = ranges.iter().flat_map(|r| r[0]..=r[1]);
            let all: Vec<u32> = all.collect();
            assert!(all.windows(2).all(|w| w[0] < w[1]), "{ranges:?}");
            all
        };
        for _ in 0..2_000 {
            let [one, other] = [(); 2].map(|_| {
                let (mut at, mut out) = (0, Characters::new());
                for _ in 0..next(5) {
                    let first = at + next(4);
                    let last = first + next(4);
                    out.push([first, last]);
                    at = last + 1;
                }
                out
            });
            let (a, b) = (members(&one), members(&other));
            let kept: Vec<u32> = a.iter().copied().filter(|c| !b.contains(c)).collect();
            assert_eq!(members(&minus(&one, &other)), kept);
            let kept: Vec<u32> = a.iter().copied().filter(|c| b.contains(c)).collect();
            assert_eq!(members(&both(&one, &other)), kept);
            let mut all = [a, b].concat();
            all.sort_unstable();
            all.dedup();
            assert_eq!(members(&either(&one, &other)), all);
        }
    }
}
