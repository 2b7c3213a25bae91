//! Schema nodes that no value satisfies: probably mistakes, for a person to look at.

use super::core::Core;
use super::form::FormId;
use maskwright_grammar::json_schema::{Node, NodeId};
use maskwright_tables::LimitError;
use std::collections::BTreeSet;

/// How many combinations of a branch with what stands beside it are tried.
const MAX_BRANCHES: usize = 20_000;

impl Core {
    /// The pointers of nodes that no value satisfies, the innermost only, sorted. A node that is
    /// `false` by its looks was meant so.
    ///
    /// Cost: one search for a value for each node and for each branch of an alternative; searches
    /// share their answers.
    pub fn dead_places(&mut self) -> Result<Vec<String>, LimitError> {
        let mut dead: BTreeSet<String> = BTreeSet::new();
        let mut tried = 0;
        for id in (0..self.schema.nodes.len() as u32).map(NodeId) {
            let form = self.node_form(id);
            if form == FormId::FALSE {
                continue;
            }
            if !self.exists_afresh(form)? {
                dead.insert(self.pointer_of(id));
                continue;
            }
            let Node::All(parts) = self.schema.node(id).clone() else {
                continue;
            };
            for (i, part) in parts.iter().enumerate() {
                let (Node::Any(branches) | Node::One(branches)) = self.schema.node(*part).clone()
                else {
                    continue;
                };
                let mut beside = FormId::TRUE;
                for (_, other) in parts.iter().enumerate().filter(|(j, _)| *j != i) {
                    let other = self.node_form(*other);
                    beside = self.forms.and2(beside, other);
                }
                for branch in branches {
                    tried += 1;
                    if tried > MAX_BRANCHES {
                        break;
                    }
                    let form = self.node_form(branch);
                    if form == FormId::FALSE {
                        continue;
                    }
                    let both = self.forms.and2(beside, form);
                    if !self.exists_afresh(both)? {
                        dead.insert(self.pointer_of(branch));
                    }
                }
            }
        }
        // What holds a dead node is often dead because of it.
        let all: Vec<String> = dead.into_iter().collect();
        let holds = |outer: &str, inner: &str| {
            inner.len() > outer.len()
                && inner.starts_with(outer)
                && inner.as_bytes()[outer.len()] == b'/'
        };
        let innermost = |p: &&String| !all.iter().any(|q| holds(p, q));
        Ok(all.iter().filter(innermost).cloned().collect())
    }

    fn pointer_of(&self, id: NodeId) -> String {
        let pointer = self.schema.pointers.get(id.0 as usize);
        pointer.map_or_else(String::new, |p| p.to_string())
    }

    /// Whether some value satisfies a formula, with a whole budget for the search.
    fn exists_afresh(&mut self, form: FormId) -> Result<bool, LimitError> {
        self.steps = self.limits.steps;
        self.cancel.check("schema frames")?;
        self.value_exists(form)
    }
}
