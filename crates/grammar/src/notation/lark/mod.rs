//! Lark grammars → syntax tree.
//!
//! The dialect is that of Lark itself with the extensions of llguidance. In running order:
//!
//! 1. `read` reads the text into definitions: a loop over characters with a stack of open groups;
//!    `python` turns regexes of Python's `re` into ours; `library` holds what `%import common…` names;
//! 2. `expand` joins `%override` and `%extend`, writes templates out for the arguments with which they
//!    are used, and leaves the syntax tree that all notations share.
//!
//! What a recogniser has no use for (aliases, `?` and `!` before rules, priorities of rules,
//! captures) is accepted and reported as a note.

mod expand;
mod library;
mod python;
mod read;
#[cfg(test)]
mod tests;

use super::ast::{Kind, Node, NodeId, Tree};
use crate::{Diagnostic, Diagnostics, Place, RegexPool};
use maskwright_tables::Limits;
use std::ops::Range;

/// A definition as written.
#[derive(Clone, Debug)]
struct Definition<'s> {
    name: &'s str,
    span: Range<usize>,
    kind: Kind,
    params: Vec<&'s str>,
    /// Its alternatives, one body each; several with `%extend`.
    bodies: Vec<Body>,
}

/// Nodes `first ..= root` of the source's arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Body {
    first: u32,
    root: u32,
}

/// The use of a template: the node is its name.
#[derive(Clone, Debug)]
struct Usage {
    args: Vec<Body>,
}

/// A source, read.
#[derive(Debug, Default)]
struct Source<'s> {
    nodes: Vec<Node<'s>>,
    spans: Vec<Range<usize>>,
    /// For each node, in how many arguments of templates it stands.
    depth: Vec<u32>,
    usages: rustc_hash::FxHashMap<u32, Usage>,
    /// Of regexes with unbounded repeats: whether some are lazy, and whether some are greedy.
    repeats: rustc_hash::FxHashMap<u32, (bool, bool)>,
    definitions: Vec<Definition<'s>>,
    names: rustc_hash::FxHashMap<&'s str, usize>,
    ignored: Vec<Body>,
    declared: Vec<(&'s str, Range<usize>)>,
    priorities: Vec<(&'s str, i64)>,
    notes: Vec<Diagnostic>,
}

impl Source<'_> {
    /// Adds a note unless there is one of its kind.
    fn note(&mut self, span: Range<usize>, message: &'static str) {
        if self.notes.iter().all(|n| n.message != message) {
            self.notes
                .push(Diagnostic::new("no-effect", message, Place::span(span)));
        }
    }
}

/// Reads a grammar; the notes come with the tree.
pub(super) fn parse(text: &str, limits: &Limits) -> Result<super::Parsed, Diagnostics> {
    let mut pool = RegexPool::new();
    let mut source = Source::default();
    read::read(text, false, &mut source, &mut pool, limits)?;
    let plan = expand::plan(&source, limits)?;
    let tree: Tree<'_> = expand::tree(&source, &plan, &mut pool)?;
    let mut parsed = super::lower::lower(&tree, text, pool, limits)?;
    parsed.warnings.splice(0..0, source.notes.iter().cloned());
    Ok(parsed)
}

/// A node of the source.
fn node_id(index: u32) -> NodeId {
    NodeId(index)
}
