//! The bytes with which lexemes begin, without their derivatives.
//!
//! Most states at which lexemes begin are asked for one row over a few rests of tokens, or for a row that
//! is found from a list of strings, so nobody needs their transitions. Which bytes begin them can be read
//! off the expression.

use super::ByteSet;
use super::expr::{ExprId, Node, Store};
use smallvec::{SmallVec, smallvec};

impl Store {
    /// So many parts are looked at; more of them is work that derivatives are remembered for.
    const MAX_PARTS: usize = 64;

    /// The bytes with which matches of an expression begin, and maybe some others; `None` where its
    /// derivatives have to tell. O(1).
    pub(super) fn first_bytes(&self, e: ExprId) -> Option<ByteSet> {
        let mut all = ByteSet::default();
        let mut open: SmallVec<[ExprId; 16]> = smallvec![e];
        let mut left = Self::MAX_PARTS;
        while let Some(e) = open.pop() {
            left = left.checked_sub(1)?;
            match self.node(e) {
                Node::Never | Node::Marks(_) => {}
                Node::Set(set) => all = all.union(&self.sets[*set as usize]),
                Node::Concat(head, tail) => {
                    open.push(*head);
                    if self.nullable(*head) {
                        open.push(*tail);
                    }
                }
                Node::Alt(parts) if parts.len() <= left => open.extend_from_slice(parts),
                Node::Repeat(part, ..) | Node::Except(part, _) => open.push(*part),
                // Any of the parts tells enough.
                Node::And(parts) => {
                    let tells =
                        |p: &&ExprId| !matches!(self.node(**p), Node::Not(_) | Node::Leaf { .. });
                    open.push(*parts.iter().find(tells)?);
                }
                &Node::Literals { set, lo, hi, depth } => {
                    let literals = &self.literal_sets[set as usize].strings;
                    let mut rest = &literals[lo as usize..hi as usize];
                    while let Some(string) = rest.first() {
                        left = left.checked_sub(1)?;
                        let byte = string.get(depth as usize).copied();
                        byte.into_iter().for_each(|byte| all.insert(byte));
                        // Sorted, and alike up to this byte.
                        rest = &rest
                            [rest.partition_point(|s| s.get(depth as usize).copied() == byte)..];
                    }
                }
                _ => return None,
            }
        }
        Some(all)
    }
}
