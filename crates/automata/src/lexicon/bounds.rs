//! Expressions without their bounds on counts, which tokens are too short to tell apart from these.

use super::expr::{ExprId, Node, Store, UNBOUNDED};

impl Store {
    /// `e` without the upper bounds of its counts, as far as they are near the top; `horizon` is
    /// lowered to the number of bytes that the least of these bounds takes.
    ///
    /// A copy takes a byte at least for each of its characters (the spelling of a character in a JSON
    /// string too), so a string of at most `horizon` bytes is at most so many copies: it is a word, or the beginning of
    /// one, with the bound exactly when it is without. Concatenation, union and spelling keep this
    /// equivalence; intersection and complement do not keep beginnings, and are left alone. But text
    /// with a greatest length only, cut with what is always completed in a few bytes more, is that
    /// other part for as long as these bytes are left.
    ///
    /// Bounds below `least` are kept.
    pub fn unbounded(&mut self, e: ExprId, least: u32, horizon: &mut u32) -> ExprId {
        self.unbounded_within(e, (least, horizon), 12, &mut 64)
    }

    fn unbounded_within(
        &mut self,
        e: ExprId,
        (least, horizon): (u32, &mut u32),
        depth: u32,
        visits: &mut u32,
    ) -> ExprId {
        if depth == 0 || *visits == 0 {
            return e;
        }
        *visits -= 1;
        match *self.node(e) {
            Node::Concat(h, t) => {
                let head = self.unbounded_within(h, (least, horizon), depth - 1, visits);
                let tail = self.unbounded_within(t, (least, horizon), depth - 1, visits);
                if (head, tail) == (h, t) {
                    e
                } else {
                    self.concat2(head, tail)
                }
            }
            Node::Alt(ref parts) if parts.len() <= 16 => {
                let parts = parts.clone();
                let new: Vec<ExprId> = parts
                    .iter()
                    .map(|p| self.unbounded_within(*p, (least, horizon), depth - 1, visits))
                    .collect();
                if *new == *parts { e } else { self.alt(&new) }
            }
            Node::Repeat(x, min, max) if (least..UNBOUNDED).contains(&max) && !self.nullable(x) => {
                let shortest = self.fact(x).chars.0.max(1);
                *horizon = max.saturating_mul(shortest).min(*horizon);
                self.repeat(x, min, UNBOUNDED)
            }
            // (What completes a beginning may need bytes that an alphabet lacks.)
            Node::And(ref parts) if parts.len() == 2 && self.alphabet.is_none() => {
                let (a, b) = (parts[0], parts[1]);
                let most = |s: &Self, x: ExprId| match *s.node(x) {
                    Node::Repeat(c, 0, max) if c == s.any_char && max != UNBOUNDED => Some(max),
                    _ => None,
                };
                let (max, other) = match (most(self, a), most(self, b)) {
                    (Some(max), _) => (max, b),
                    (_, Some(max)) => (max, a),
                    _ => return e,
                };
                let left = max.saturating_sub(self.fact(other).reach);
                if left < least {
                    return e;
                }
                *horizon = left.min(*horizon);
                self.unbounded_within(other, (least, horizon), depth - 1, visits)
            }
            Node::Spelled(value, mode) => {
                let new = self.unbounded_within(value, (least, horizon), depth - 1, visits);
                if new == value {
                    e
                } else {
                    self.add(Node::Spelled(new, mode))
                }
            }
            _ => e,
        }
    }

    /// `e` without the lower bounds of the counts that stand at its end. More is accepted, but the same
    /// strings are beginnings of words; but for the closing quote of a JSON string, after which
    /// nothing follows.
    pub fn relaxed(&mut self, e: ExprId) -> ExprId {
        self.relaxed_within(e, 12)
    }

    fn relaxed_within(&mut self, e: ExprId, depth: u32) -> ExprId {
        if depth == 0 {
            return e;
        }
        match *self.node(e) {
            Node::Concat(h, t) if matches!(self.node(t), Node::Marks(_)) => {
                let head = self.relaxed_within(h, depth - 1);
                if head == h { e } else { self.concat2(head, t) }
            }
            Node::Concat(h, t) => {
                let tail = self.relaxed_within(t, depth - 1);
                if tail == t { e } else { self.concat2(h, tail) }
            }
            Node::Alt(ref parts) if parts.len() <= 16 => {
                let parts = parts.clone();
                let relaxed = |p: &ExprId| self.relaxed_within(*p, depth - 1);
                let new: Vec<ExprId> = parts.iter().map(relaxed).collect();
                if *new == *parts { e } else { self.alt(&new) }
            }
            Node::Repeat(x, min, max) if min > 0 => self.repeat(x, 0, max),
            Node::Spelled(value, mode) => {
                let new = self.relaxed_within(value, depth - 1);
                if new == value {
                    e
                } else {
                    self.add(Node::Spelled(new, mode))
                }
            }
            _ => e,
        }
    }
}
