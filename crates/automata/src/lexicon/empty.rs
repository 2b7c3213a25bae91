//! Exact emptiness of expressions.
//!
//! Without intersection and complement an expression is empty only if it is `Never`, because the
//! constructors propagate `Never`. With them it is decided by searching the derivatives for a
//! nullable one, depth first, and both answers are remembered: everything on the path to a nullable
//! derivative is not empty, and when the search ends without one, everything visited is empty.

use super::expr::{ExprId, Store};
use maskwright_tables::LimitError;
use rustc_hash::FxHashSet;

impl Store {
    /// Whether `root` matches nothing at all.
    pub fn is_empty(&mut self, root: ExprId, steps: &mut u64) -> Result<bool, LimitError> {
        if root == Self::NEVER {
            return Ok(true);
        }
        let facts = self.fact(root);
        if !facts.doubtful || facts.nullable {
            return Ok(false);
        }
        if let Some(&known) = self.empty.get(&root) {
            return Ok(known);
        }
        // The stack holds (expression, cuts still to try); it is the path from the root.
        let mut visited: FxHashSet<ExprId> = FxHashSet::default();
        visited.insert(root);
        let mut path = vec![(root, self.first_bytes(root))];
        while let Some((e, bytes)) = path.last_mut() {
            let e = *e;
            let Some(byte) = bytes.pop() else {
                path.pop();
                continue;
            };
            let d = self.derive(e, byte, steps)?;
            let facts = self.fact(d);
            let alive = if d == Self::NEVER {
                continue;
            } else if !facts.doubtful || facts.nullable {
                true
            } else {
                match self.empty.get(&d) {
                    Some(true) => continue,
                    Some(false) => true,
                    None => false,
                }
            };
            if alive {
                for (e, _) in path {
                    self.empty.insert(e, false);
                }
                return Ok(false);
            }
            if visited.insert(d) {
                let bytes = self.first_bytes(d);
                path.push((d, bytes));
            }
        }
        for e in visited {
            self.empty.insert(e, true);
        }
        Ok(true)
    }

    /// One byte for each run on which the derivative is constant.
    fn first_bytes(&self, e: ExprId) -> Vec<u8> {
        self.fact(e).cuts.iter().collect()
    }
}
