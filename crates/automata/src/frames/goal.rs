//! Goals: which combinations of truth values a parent can use, as ordered decision diagrams.
//!
//! While a value is read that several schemas judge at once, the parent must know in the end which
//! of them held. The goal says which outcomes leave the parent alive. Diagrams are reduced and
//! shared (R. E. Bryant, "Graph-based algorithms for Boolean function manipulation", 1986), so equal
//! goals have equal ids; children have smaller ids than their parents.

use maskwright_tables::heap;
use rustc_hash::{FxHashMap, FxHashSet};

/// A hash-consed goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GoalId(pub u32);

impl GoalId {
    pub const FALSE: GoalId = GoalId(0);
    /// Every outcome will do.
    pub const TRUE: GoalId = GoalId(1);
}

/// The variable that is tested, the goal if it is false, the goal if it is true.
pub(super) type Test = (u32, GoalId, GoalId);

#[derive(Debug)]
pub(super) struct Goals {
    nodes: Vec<Test>,
    ids: FxHashMap<Test, GoalId>,
}

impl Goals {
    pub fn new() -> Self {
        let end = (u32::MAX, GoalId::FALSE, GoalId::FALSE);
        Goals {
            nodes: vec![end, end],
            ids: FxHashMap::default(),
        }
    }

    /// Bytes held, about.
    pub fn heap_bytes(&self) -> usize {
        heap::list::<Test>(self.nodes.capacity()) + heap::table::<Test, GoalId>(self.ids.len())
    }

    /// The test at the top of a goal that is not constant.
    pub fn get(&self, id: GoalId) -> Test {
        self.nodes[id.0 as usize]
    }

    pub fn test(&mut self, var: u32, no: GoalId, yes: GoalId) -> GoalId {
        if no == yes {
            return no;
        }
        let next = GoalId(self.nodes.len() as u32);
        let id = *self.ids.entry((var, no, yes)).or_insert(next);
        if id == next {
            self.nodes.push((var, no, yes));
        }
        id
    }

    /// The disjunction of the variables, which must be increasing.
    pub fn any_of(&mut self, vars: &[u32]) -> GoalId {
        vars.iter()
            .rev()
            .fold(GoalId::FALSE, |rest, v| self.test(*v, rest, GoalId::TRUE))
    }

    /// Whether the goal is the disjunction of the variables `0..n`.
    pub fn is_any(&self, id: GoalId, n: u32) -> bool {
        let mut at = id;
        for var in 0..n {
            match self.nodes[at.0 as usize] {
                (v, no, GoalId::TRUE) if v == var && at.0 > 1 => at = no,
                _ => return false,
            }
        }
        at == GoalId::FALSE
    }

    pub fn eval(&self, mut id: GoalId, truth: impl Fn(u32) -> bool) -> bool {
        while id.0 > 1 {
            let (var, no, yes) = self.nodes[id.0 as usize];
            id = if truth(var) { yes } else { no };
        }
        id == GoalId::TRUE
    }

    /// Everything at or below `root` that is not constant, ascending.
    pub fn below(&self, root: GoalId) -> Vec<GoalId> {
        let mut seen: FxHashSet<GoalId> = FxHashSet::default();
        let mut stack = vec![root];
        let mut all = Vec::new();
        while let Some(x) = stack.pop() {
            if x.0 > 1 && seen.insert(x) {
                all.push(x);
                let (_, no, yes) = self.nodes[x.0 as usize];
                stack.extend([no, yes]);
            }
        }
        all.sort_unstable();
        all
    }

    /// The goal with some variables fixed and the others renamed (`Ok`, in increasing order).
    pub fn restrict(&mut self, root: GoalId, map: impl Fn(u32) -> Result<u32, bool>) -> GoalId {
        let mut done: FxHashMap<GoalId, GoalId> = FxHashMap::default();
        done.insert(GoalId::FALSE, GoalId::FALSE);
        done.insert(GoalId::TRUE, GoalId::TRUE);
        for x in self.below(root) {
            let (var, no, yes) = self.nodes[x.0 as usize];
            let new = match map(var) {
                Err(fixed) => done[if fixed { &yes } else { &no }],
                Ok(var) => self.test(var, done[&no], done[&yes]),
            };
            done.insert(x, new);
        }
        done[&root]
    }

    /// For each variable the value that every outcome of the goal gives it, if there is one. Looks
    /// at every variable when there are few, else only at those tested at the top.
    pub fn forced(&mut self, root: GoalId, vars: u32) -> Vec<Option<bool>> {
        let mut forced = vec![None; vars as usize];
        if vars <= 24 {
            for var in 0..vars {
                for value in [false, true] {
                    let fix = |v: u32| if v == var { Err(value) } else { Ok(v) };
                    if self.restrict(root, fix) == GoalId::FALSE {
                        forced[var as usize] = Some(!value);
                    }
                }
            }
            return forced;
        }
        let mut at = root;
        while at.0 > 1 {
            let (var, no, yes) = self.nodes[at.0 as usize];
            (forced[var as usize], at) = match (no, yes) {
                (GoalId::FALSE, yes) => (Some(true), yes),
                (no, GoalId::FALSE) => (Some(false), no),
                _ => break,
            };
        }
        forced
    }

    /// The disjunction of two goals.
    pub fn or(&mut self, a: GoalId, b: GoalId) -> GoalId {
        self.combine(a, b, GoalId::TRUE)
    }

    /// The conjunction of two goals.
    pub fn and(&mut self, a: GoalId, b: GoalId) -> GoalId {
        self.combine(a, b, GoalId::FALSE)
    }

    /// `top` is the constant that decides the connective.
    fn combine(&mut self, a: GoalId, b: GoalId, top: GoalId) -> GoalId {
        let shortcut = |x: GoalId, y: GoalId| {
            if x == top || y == top {
                Some(top)
            } else if x.0 < 2 || x == y {
                Some(y)
            } else if y.0 < 2 {
                Some(x)
            } else {
                None
            }
        };
        // Post-order over pairs on an explicit stack.
        let mut done: FxHashMap<(GoalId, GoalId), GoalId> = FxHashMap::default();
        let mut stack = vec![(a, b)];
        while let Some(&(x, y)) = stack.last() {
            if done.contains_key(&(x, y)) {
                stack.pop();
                continue;
            }
            if let Some(known) = shortcut(x, y) {
                done.insert((x, y), known);
                stack.pop();
                continue;
            }
            let ((vx, nx, yx), (vy, ny, yy)) = (self.get(x), self.get(y));
            let var = vx.min(vy);
            let (nx, yx) = if vx == var { (nx, yx) } else { (x, x) };
            let (ny, yy) = if vy == var { (ny, yy) } else { (y, y) };
            match (done.get(&(nx, ny)), done.get(&(yx, yy))) {
                (Some(&no), Some(&yes)) => {
                    let r = self.test(var, no, yes);
                    done.insert((x, y), r);
                    stack.pop();
                }
                (no, yes) => {
                    let missing = [
                        no.is_none().then_some((nx, ny)),
                        yes.is_none().then_some((yx, yy)),
                    ];
                    stack.extend(missing.into_iter().flatten());
                }
            }
        }
        done[&(a, b)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forced_values_and_restrictions_agree_with_the_truth_table() {
        let mut goals = Goals::new();
        // (a or b) and c and not d
        let not_d = goals.test(3, GoalId::TRUE, GoalId::FALSE);
        let c = goals.test(2, GoalId::FALSE, not_d);
        let b = goals.test(1, GoalId::FALSE, c);
        let g = goals.test(0, b, c);
        assert_eq!(goals.forced(g, 4), [None, None, Some(true), Some(false)]);
        let rest = goals.restrict(g, |v| match v {
            2 => Err(true),
            3 => Err(false),
            v => Ok(v),
        });
        assert!(goals.is_any(rest, 2));
        assert!(!goals.is_any(g, 4));
        let (only_b, only_a) = (goals.any_of(&[1]), goals.any_of(&[0]));
        assert_eq!(goals.or(only_b, only_a), rest);
        let both = goals.and(rest, c);
        for bits in 0..16u32 {
            let expected = bits & 3 != 0 && bits & 4 != 0 && bits & 8 == 0;
            assert_eq!(goals.eval(both, |v| bits >> v & 1 == 1), expected);
        }
        for bits in 0..16u32 {
            let expected = bits & 3 != 0 && bits & 4 != 0 && bits & 8 == 0;
            assert_eq!(goals.eval(g, |v| bits >> v & 1 == 1), expected);
        }
    }
}
