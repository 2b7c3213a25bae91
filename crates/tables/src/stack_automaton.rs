//! [`StackAutomaton`]: a table that reads a stack from the top down and gathers answers on its way.
//!
//! A *node* looks at one symbol of the stack; the symbol found there is an *edge*: an output, and
//! perhaps a node further down. Which outputs a stack gathers depends on the symbols at the places
//! that were looked at and on nothing else. Nodes do not know how deep they lie: the same node
//! serves every depth, so a reduction that may go on for ever (right recursion) is a loop, and a
//! token of many closing brackets is a path whose length is the number of brackets.
//!
//! | array | shape | meaning |
//! |---|---|---|
//! | `roots` | `[u32; keys]` | edge + 1 that is taken before anything is read, or 0: not compiled |
//! | `nodes` | CSR, nodes × (symbols + 1) | edge of each symbol; column `symbols` is "below the bottom" |
//! | `defaults` | `[u32; nodes]` | edge + 1 of the symbols that have no entry, or 0: not compiled |
//! | `edges` | `[u32; 3 × edges]` | output; symbols skipped before the next one is read; node + 1 or 0 |
//!
//! A walk reads strictly downwards and ends at the latest below the bottom of the stack, whatever the
//! arrays hold. Lookups are checked one by one, so the arrays of a file can be used as they lie;
//! [`StackAutomaton::check`] is for `verify`.

use crate::artifact::{Artifact, ArtifactError, ArtifactWriter};
use crate::matrix::{Matrix, content};
use crate::{StackView, Symbol};
use std::borrow::Cow;

/// A deterministic automaton that reads a stack from the top; see the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackAutomaton<'a> {
    /// For each key the edge that is taken first + 1, or 0.
    pub roots: Cow<'a, [u32]>,
    /// Nodes × (symbols + 1): edges.
    pub nodes: Matrix<'a>,
    /// For each node the edge of all other symbols + 1, or 0.
    pub defaults: Cow<'a, [u32]>,
    /// Three words an edge.
    pub edges: Cow<'a, [u32]>,
}

/// One edge of a [`StackAutomaton`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StackEdge {
    /// What is gathered.
    pub output: u32,
    /// How many symbols lie between the one just read (for a root: above the top) and the next.
    pub gap: u32,
    /// The next node + 1, or 0 at the end.
    pub next: u32,
}

impl<'a> StackAutomaton<'a> {
    /// Sections that an automaton takes, from its first kind on.
    pub const SECTIONS: u32 = 6;

    /// Walks under `key` down a stack. `gather` gets each output and the depth of the symbol behind
    /// it (0 for the root's, as for the top's). `None` if the walk needs what was not compiled, or
    /// the table is damaged; what was gathered is then worthless.
    #[inline]
    pub fn walk(
        &self,
        key: u32,
        stack: &dyn StackView,
        mut gather: impl FnMut(u32, usize),
    ) -> Option<()> {
        let bottom = self.nodes.columns() - 1;
        let mut edge = self.edge(self.roots.get(key as usize)?.checked_sub(1)?)?;
        gather(edge.output, 0);
        let mut depth = edge.gap as usize;
        while edge.next > 0 {
            let symbol = stack.symbol(depth);
            edge = self.edge(self.find(edge.next - 1, symbol.map_or(bottom, |s| s.0))?)?;
            gather(edge.output, depth);
            if symbol.is_none() && edge.next > 0 {
                return None;
            }
            depth += 1 + edge.gap as usize;
        }
        Some(())
    }

    /// The edge of a symbol at a node.
    #[inline]
    fn find(&self, node: u32, column: u32) -> Option<u32> {
        match self.nodes.get(node as usize, column) {
            Some(edge) => Some(edge),
            None => self.defaults.get(node as usize)?.checked_sub(1),
        }
    }

    /// An edge by number.
    #[inline]
    pub fn edge(&self, edge: u32) -> Option<StackEdge> {
        let at = 3 * edge as usize;
        match self.edges.get(at..at + 3)? {
            &[output, gap, next] => Some(StackEdge { output, gap, next }),
            _ => None,
        }
    }

    /// What a node does with a symbol (`None`: below the bottom). `None` if that was not compiled.
    pub fn next(&self, node: u32, symbol: Option<Symbol>) -> Option<StackEdge> {
        let column = symbol.map_or(self.nodes.columns() - 1, |s| s.0);
        self.edge(self.find(node, column)?)
    }

    /// The edge that is taken under a key before anything is read.
    pub fn root(&self, key: u32) -> Option<StackEdge> {
        self.edge(self.roots.get(key as usize)?.checked_sub(1)?)
    }

    pub(crate) fn write(
        &'a self,
        writer: &mut ArtifactWriter<'a>,
        kind: u32,
        id: u32,
    ) -> Result<(), ArtifactError> {
        writer.add_words(kind, id, &*self.roots)?;
        self.nodes.write(writer, kind + 1, id)?;
        writer.add_words(kind + 4, id, &*self.defaults)?;
        writer.add_words(kind + 5, id, &*self.edges)
    }

    /// Borrows the arrays; looks at their lengths only.
    pub(crate) fn read(
        artifact: &Artifact<'a>,
        kind: u32,
        id: u32,
        keys: u32,
        symbols: u32,
    ) -> Result<Self, ArtifactError> {
        let automaton = StackAutomaton {
            roots: artifact.words(kind, id)?,
            nodes: Matrix::read(artifact, kind + 1, id, symbols + 1)?,
            defaults: artifact.words(kind + 4, id)?,
            edges: artifact.words(kind + 5, id)?,
        };
        if automaton.roots.len() != keys as usize {
            return Err(content(kind, "not one root for each key".into()));
        }
        if automaton.defaults.len() != automaton.nodes.rows() {
            return Err(content(kind + 4, "not one default for each node".into()));
        }
        if !automaton.edges.len().is_multiple_of(3) {
            return Err(content(kind + 5, "not three words for each edge".into()));
        }
        Ok(automaton)
    }

    /// Checks every entry. `outputs` bounds the outputs.
    ///
    /// # Errors
    /// The first broken invariant.
    pub(crate) fn check(&self, kind: u32, outputs: u32) -> Result<(), ArtifactError> {
        self.nodes.check(kind + 1)?;
        let (edges, nodes) = (self.edges.len() as u32 / 3, self.nodes.rows() as u32);
        if self.roots.iter().any(|r| *r > edges) {
            return Err(content(kind, "a root out of range".into()));
        }
        if self.nodes.data().iter().any(|e| *e >= edges) {
            return Err(content(kind + 3, "an edge out of range".into()));
        }
        if self.defaults.iter().any(|e| *e > edges) {
            return Err(content(kind + 4, "a default out of range".into()));
        }
        let (edges, _) = self.edges.as_chunks::<3>();
        if edges.iter().any(|[o, _, n]| *o >= outputs || *n > nodes) {
            return Err(content(kind + 5, "an output or a node out of range".into()));
        }
        Ok(())
    }

    pub(crate) fn into_owned(self) -> StackAutomaton<'static> {
        StackAutomaton {
            roots: Cow::Owned(self.roots.into_owned()),
            nodes: self.nodes.into_owned(),
            defaults: Cow::Owned(self.defaults.into_owned()),
            edges: Cow::Owned(self.edges.into_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Csr;

    /// Symbols 0 `(` and 1 the start: counts brackets, then answers 9 at the start.
    fn brackets() -> StackAutomaton<'static> {
        let mut nodes = Csr::new(3);
        nodes.push_row([(0, 1), (1, 2)]).unwrap();
        StackAutomaton {
            roots: vec![1, 0].into(),
            nodes: nodes.into(),
            defaults: vec![0].into(),
            edges: vec![0, 0, 1, 5, 0, 1, 9, 0, 0].into(),
        }
    }

    struct Stack<'a>(&'a [u32]);

    impl StackView for Stack<'_> {
        fn symbol(&self, depth: usize) -> Option<Symbol> {
            let i = self.0.len().checked_sub(depth + 1)?;
            Some(Symbol(self.0[i]))
        }
    }

    fn walk(automaton: &StackAutomaton<'_>, key: u32, stack: &[u32]) -> Option<Vec<(u32, usize)>> {
        let mut found = Vec::new();
        automaton.walk(key, &Stack(stack), |o, d| found.push((o, d)))?;
        Some(found)
    }

    #[test]
    fn one_node_serves_every_depth() {
        let automaton = brackets();
        assert!(automaton.check(0, 10).is_ok());
        assert_eq!(walk(&automaton, 0, &[1]), Some(vec![(0, 0), (9, 0)]));
        let mut expected = vec![(0, 0)];
        expected.extend((0..1000).map(|d| (5, d)));
        expected.push((9, 1000));
        let mut stack = vec![1];
        stack.extend([0; 1000]);
        assert_eq!(walk(&automaton, 0, &stack), Some(expected));
    }

    #[test]
    fn what_was_not_compiled_has_no_answer() {
        let automaton = brackets();
        assert_eq!(walk(&automaton, 1, &[1]), None);
        assert_eq!(walk(&automaton, 2, &[1]), None);
        assert_eq!(walk(&automaton, 0, &[]), None, "below the bottom");
        assert_eq!(walk(&automaton, 0, &[7]), None);
    }

    #[test]
    fn a_loop_below_the_bottom_ends() {
        let mut automaton = brackets();
        automaton.defaults = vec![2].into();
        assert_eq!(walk(&automaton, 0, &[0, 0]), None);
    }

    #[test]
    fn any_word_in_the_arrays_is_an_error_or_an_answer() {
        let sound = brackets();
        let mut refused = 0;
        for value in [0, 1, 2, 3, 9, 1 << 31, u32::MAX] {
            for array in 0..3 {
                let len = [&sound.roots, &sound.defaults, &sound.edges][array].len();
                for at in 0..len {
                    let mut damaged = sound.clone();
                    let words = match array {
                        0 => &mut damaged.roots,
                        1 => &mut damaged.defaults,
                        _ => &mut damaged.edges,
                    };
                    words.to_mut()[at] = value;
                    refused += usize::from(damaged.check(0, 10).is_err());
                    let _ = walk(&damaged, 0, &[1, 0, 0, 0]);
                }
            }
        }
        assert!(refused > 20, "{refused}");
    }
}
