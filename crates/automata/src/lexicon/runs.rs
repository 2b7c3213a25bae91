//! Derivatives by all bytes at once: what is left of an expression after each byte, as runs.
//!
//! A lexical state needs its derivatives by every byte, and most bytes lead its parts to the same few
//! places. So the runs of an expression are put together from the runs of its parts, which are
//! remembered: of a hundred names and "any other text", the runs of "any other text" are made once for
//! all, and only the bytes with which a name goes on make new expressions.

use super::ByteSet;
use super::derive::{NORMAL, spelled_cuts};
use super::expr::{ExprId, Node, Runs, Store, UNBOUNDED};
use maskwright_tables::LimitError;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// Runs being put together; equal neighbours are joined.
#[derive(Default)]
struct Builder(SmallVec<[(u8, ExprId); 24]>);

impl Builder {
    fn push(&mut self, last: u8, e: ExprId) {
        match self.0.last_mut() {
            Some(run) if run.1 == e => run.0 = last,
            _ => self.0.push((last, e)),
        }
    }

    fn finish(self) -> Runs {
        self.0.as_slice().into()
    }
}

impl Store {
    /// The most derivatives and runs that are remembered.
    const MAX_REMEMBERED: usize = 1 << 16;

    /// Forgets derivatives when they are many. They serve the parts that states share only.
    pub fn forget(&mut self) {
        if self.derivatives.len() > Self::MAX_REMEMBERED {
            self.derivatives.clear();
        }
        if self.runs.len() > Self::MAX_REMEMBERED {
            self.runs.clear();
        }
    }

    /// What is left of an expression after each byte. Never deeper than its explicit stack; `steps`
    /// counts down.
    pub fn runs_of(&mut self, root: ExprId, steps: &mut u64) -> Result<Runs, LimitError> {
        let mut stack = vec![root];
        while let Some(&e) = stack.last() {
            if self.runs.contains_key(&e) {
                stack.pop();
                continue;
            }
            if *steps == 0 {
                return Err(LimitError::new("steps of a lexical derivative", 1, 0));
            }
            *steps -= 1;
            let before = stack.len();
            let mut need = |x: ExprId| {
                if !self.runs.contains_key(&x) {
                    stack.push(x);
                }
            };
            match self.node(e) {
                Node::Concat(h, t) => {
                    need(*h);
                    if self.nullable(*h) {
                        need(*t);
                    }
                }
                Node::Alt(parts) | Node::And(parts) => parts.iter().for_each(|p| need(*p)),
                Node::Not(x) | Node::Repeat(x, ..) | Node::Spelled(x, NORMAL) => need(*x),
                Node::Except(rest, literals) => {
                    need(*rest);
                    need(*literals);
                }
                _ => {}
            }
            if stack.len() > before {
                continue;
            }
            let runs = self.runs_ready(e, steps)?;
            self.runs.insert(e, runs);
            stack.pop();
        }
        Ok(self.runs[&root].clone())
    }

    /// One step, the runs of the parts being known.
    fn runs_ready(&mut self, e: ExprId, steps: &mut u64) -> Result<Runs, LimitError> {
        let node = self.node(e).clone();
        Ok(match node {
            Node::Never | Node::Marks(_) => Runs::from([(255, Self::NEVER)]),
            Node::Set(s) => {
                let set = self.sets[s as usize];
                by_cuts(set.cuts(), |byte| {
                    if set.contains(byte) {
                        Self::EMPTY
                    } else {
                        Self::NEVER
                    }
                })
            }
            Node::Concat(h, t) => {
                let first = self.map(&self.runs[&h].clone(), |s, d| s.concat2(d, t));
                if !self.nullable(h) {
                    return Ok(first);
                }
                // Marks recorded by the head stay recorded.
                let prefix = self.fact(h).marks;
                let prefix = self.marks(prefix);
                let second = self.map(&self.runs[&t].clone(), |s, d| s.concat2(prefix, d));
                self.unite(&[first, second], steps)?
            }
            Node::Alt(parts) => {
                let parts: Vec<Runs> = parts.iter().map(|p| self.runs[p].clone()).collect();
                self.unite(&parts, steps)?
            }
            Node::And(parts) => {
                let parts: Vec<Runs> = parts.iter().map(|p| self.runs[p].clone()).collect();
                self.intersect(&parts, steps)?
            }
            Node::Not(x) => self.map(&self.runs[&x].clone(), Self::not),
            Node::Except(rest, literals) => {
                let (rest, literals) = (self.runs[&rest].clone(), self.runs[&literals].clone());
                let mut out = Builder::default();
                let (mut r, mut l, mut first) = (0, 0, 0usize);
                while first <= 255 {
                    let ((end, of_rest), (last, left_out)) = (rest[r], literals[l]);
                    out.push(end.min(last), self.except(of_rest, left_out));
                    r += usize::from(end <= last);
                    l += usize::from(last <= end);
                    first = usize::from(end.min(last)) + 1;
                }
                out.finish()
            }
            Node::Repeat(x, min, max) => {
                let max = if max == UNBOUNDED { max } else { max - 1 };
                let rest = self.repeat(x, min.saturating_sub(1), max);
                self.map(&self.runs[&x].clone(), |s, d| s.concat2(d, rest))
            }
            Node::Spelled(v, NORMAL) => {
                let value = self.runs[&v].clone();
                let mut out = Builder::default();
                let mut first = 0usize;
                for &(last, d) in value.iter() {
                    // The bytes that mean something of their own cut the runs of the value.
                    while first <= usize::from(last) {
                        let byte = first as u8;
                        let (end, target) = match byte {
                            0..=0x1f => (0x1f, Self::NEVER),
                            b'"' | b'\\' => (byte, self.derive_spelled(v, NORMAL, byte, steps)?),
                            0x20..b'"' => (b'"' - 1, self.spelled(d)),
                            b'#'..b'\\' => (b'\\' - 1, self.spelled(d)),
                            _ => (255, self.spelled(d)),
                        };
                        let end = end.min(last);
                        out.push(end, target);
                        first = usize::from(end) + 1;
                    }
                }
                out.finish()
            }
            Node::Literals { .. } | Node::Leaf { .. } | Node::Spelled(..) => {
                let cuts = match &node {
                    Node::Spelled(v, mode) => spelled_cuts(&self.fact(*v).cuts, *mode),
                    _ => self.fact(e).cuts,
                };
                let mut out = Builder::default();
                let mut bytes = cuts.iter().peekable();
                while let Some(byte) = bytes.next() {
                    let last = bytes.peek().map_or(255, |next| next - 1);
                    out.push(last, self.derive_leaf(e, byte, steps)?);
                }
                out.finish()
            }
        })
    }

    fn map(&mut self, runs: &Runs, f: impl Fn(&mut Self, ExprId) -> ExprId) -> Runs {
        let mut out = Builder::default();
        for &(last, d) in runs.iter() {
            out.push(last, f(self, d));
        }
        out.finish()
    }

    /// The runs of the union of the parts. O(runs that lead anywhere): of six hundred characters each leads on
    /// by a few bytes.
    fn unite(&mut self, parts: &[Runs], steps: &mut u64) -> Result<Runs, LimitError> {
        // What leads anywhere: first and last byte, in the order of the first.
        let mut living: SmallVec<[(u8, u8, ExprId); 64]> = SmallVec::new();
        for runs in parts {
            let mut first = 0u8;
            for &(last, e) in runs.iter() {
                if e != Self::NEVER {
                    living.push((first, last, e));
                }
                first = last.saturating_add(1);
            }
        }
        living.sort_by_key(|run| run.0);
        let mut left = living.iter().copied().peekable();
        let mut out = Builder::default();
        // The last bytes of the runs at hand, and what they lead to.
        let mut lasts: SmallVec<[u8; 16]> = SmallVec::new();
        let mut here: SmallVec<[ExprId; 16]> = SmallVec::new();
        let mut known: FxHashMap<SmallVec<[ExprId; 16]>, ExprId> = FxHashMap::default();
        let mut first = 0usize;
        while first <= 255 {
            while let Some((_, last, e)) = left.next_if(|run| usize::from(run.0) <= first) {
                lasts.push(last);
                here.push(e);
            }
            let spent = 1 + here.len() as u64 / 8;
            *steps = steps.checked_sub(spent).ok_or(LimitError::new(
                "steps of a lexical derivative",
                spent,
                0,
            ))?;
            let mut last = left.peek().map_or(255, |run| run.0 - 1);
            lasts.iter().for_each(|own| last = last.min(*own));
            let target = match here[..] {
                [] => Self::NEVER,
                [only] => only,
                _ => match known.get(&here) {
                    Some(&known) => known,
                    None => {
                        let target = self.alt(&here);
                        known.insert(here.clone(), target);
                        target
                    }
                },
            };
            out.push(last, target);
            let mut i = 0;
            here.retain(|_| {
                i += 1;
                lasts[i - 1] > last
            });
            lasts.retain(|own| *own > last);
            first = usize::from(last) + 1;
        }
        Ok(out.finish())
    }

    /// The runs of the intersection of the parts.
    fn intersect(&mut self, parts: &[Runs], steps: &mut u64) -> Result<Runs, LimitError> {
        let mut out = Builder::default();
        let mut at: SmallVec<[usize; 8]> = SmallVec::from_elem(0, parts.len());
        let mut here: SmallVec<[ExprId; 8]> = SmallVec::new();
        // What the parts have come to before, and what was made of it: bytes that mean nothing
        // particular come to the same, between those that do.
        let mut known: SmallVec<[(u32, ExprId); 16]> = SmallVec::new();
        let mut tuples: SmallVec<[ExprId; 64]> = SmallVec::new();
        let mut first = 0usize;
        while first <= 255 {
            let spent = 1 + parts.len() as u64 / 8;
            *steps = steps.checked_sub(spent).ok_or(LimitError::new(
                "steps of a lexical derivative",
                spent,
                0,
            ))?;
            here.clear();
            let mut last = 255u8;
            for (runs, at) in parts.iter().zip(&mut at) {
                while usize::from(runs[*at].0) < first {
                    *at += 1;
                }
                last = last.min(runs[*at].0);
                here.push(runs[*at].1);
            }
            // The sum is looked at first.
            let sum = here
                .iter()
                .fold(0u32, |sum, e| sum.rotate_left(5).wrapping_add(e.0));
            let n = parts.len();
            let same = |i: usize| known[i].0 == sum && tuples[i * n..(i + 1) * n] == here[..];
            let target = match (0..known.len()).rev().find(|i| same(*i)) {
                Some(i) => known[i].1,
                None => {
                    let target = self.and(&here);
                    known.push((sum, target));
                    tuples.extend_from_slice(&here);
                    target
                }
            };
            out.push(last, target);
            first = usize::from(last) + 1;
        }
        Ok(out.finish())
    }
}

/// Runs between cuts.
fn by_cuts(cuts: ByteSet, f: impl Fn(u8) -> ExprId) -> Runs {
    let mut out = Builder::default();
    let mut bytes = cuts.iter().peekable();
    while let Some(byte) = bytes.next() {
        let last = bytes.peek().map_or(255, |next| next - 1);
        out.push(last, f(byte));
    }
    out.finish()
}
