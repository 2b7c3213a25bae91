//! Least solutions of Horn clauses: the one fixpoint behind "nullable", "productive" and
//! "is a terminal".
//!
//! A clause `head :- b1, …, bn` says that `head` holds when all of `b1 … bn` hold. The solver is
//! the textbook counter algorithm: linear in the total length of the clauses, with no recursion.

/// A set of clauses over the variables `0 .. vars_len`.
#[derive(Debug)]
pub(crate) struct Clauses {
    vars_len: usize,
    heads: Vec<u32>,
    /// Bodies one after the other; clause `i` owns `bodies[ends[i - 1] .. ends[i]]`.
    bodies: Vec<u32>,
    ends: Vec<u32>,
}

impl Clauses {
    /// No clauses over so many variables.
    pub(crate) fn new(vars_len: usize) -> Self {
        Clauses {
            vars_len,
            heads: Vec::new(),
            bodies: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Adds `head :- body`; an empty body is a fact.
    pub(crate) fn add(&mut self, head: u32, body: impl IntoIterator<Item = u32>) {
        self.heads.push(head);
        self.bodies.extend(body);
        self.ends.push(self.bodies.len() as u32);
    }

    /// The variables that hold, in an order in which each follows from earlier ones.
    pub(crate) fn solve(&self) -> Vec<u32> {
        // Occurrences of each variable in bodies, as CSR: a variable may occur twice in one body
        // and is then counted twice.
        let mut starts = vec![0u32; self.vars_len + 1];
        for &v in &self.bodies {
            starts[v as usize + 1] += 1;
        }
        for i in 0..self.vars_len {
            starts[i + 1] += starts[i];
        }
        let mut fill = starts.clone();
        let mut clauses = vec![0u32; self.bodies.len()];
        let mut missing = Vec::with_capacity(self.heads.len());
        let mut begin = 0;
        for (clause, &end) in self.ends.iter().enumerate() {
            missing.push(end - begin);
            for &v in &self.bodies[begin as usize..end as usize] {
                clauses[fill[v as usize] as usize] = clause as u32;
                fill[v as usize] += 1;
            }
            begin = end;
        }
        let mut holds = vec![false; self.vars_len];
        let mut order = Vec::new();
        let mut conclude = |head: u32, order: &mut Vec<u32>| {
            if !std::mem::replace(&mut holds[head as usize], true) {
                order.push(head);
            }
        };
        for (clause, &n) in missing.iter().enumerate() {
            if n == 0 {
                conclude(self.heads[clause], &mut order);
            }
        }
        let mut next = 0;
        while let Some(&v) = order.get(next) {
            next += 1;
            for &clause in &clauses[starts[v as usize] as usize..starts[v as usize + 1] as usize] {
                missing[clause as usize] -= 1;
                if missing[clause as usize] == 0 {
                    conclude(self.heads[clause as usize], &mut order);
                }
            }
        }
        order
    }

    /// Which variables hold.
    pub(crate) fn holds(&self) -> Vec<bool> {
        let mut holds = vec![false; self.vars_len];
        for v in self.solve() {
            holds[v as usize] = true;
        }
        holds
    }
}

#[cfg(test)]
mod tests {
    use super::Clauses;

    #[test]
    fn circular_support_does_not_count_and_repeated_premises_do() {
        let mut c = Clauses::new(5);
        c.add(0, [1, 1]); // 0 :- 1, 1
        c.add(1, []);
        c.add(2, [3]);
        c.add(3, [2]);
        c.add(4, [0, 1]);
        assert_eq!(c.solve(), [1, 0, 4]);
        assert_eq!(c.holds(), [true, true, false, false, true]);
    }
}
