//! Arrays: what each element is asked to be, and how many of them match a `contains`.

use super::core::Core;
use super::form::{FormId, Leaf};
use maskwright_grammar::json_schema::{ArrayNode, Node, NodeId};

impl Core {
    pub fn array_node(&self, id: NodeId) -> Option<&ArrayNode> {
        match self.schema.node(id) {
            Node::Array(a) => Some(a),
            _ => None,
        }
    }

    /// What an array node asks of arrays: its parts as separate leaves.
    pub fn lower_array(&mut self, id: NodeId) -> FormId {
        let base = self.settle_array(id, 0);
        let contains = self.settle_contains(id, 0);
        let mut parts = vec![base, contains];
        if let Some(plan) = self.unique.get(&id).cloned() {
            parts.extend(
                plan.at_most_once
                    .iter()
                    .map(|n| self.settle_contains(*n, 0)),
            );
            if plan.compare {
                parts.push(self.forms.leaf(Leaf::Unique(id)));
            }
        }
        self.forms.and(&parts)
    }

    /// The array leaf of a node once so many elements have been read: `TRUE` when it asks nothing
    /// more.
    pub fn settle_array(&mut self, id: NodeId, read: u64) -> FormId {
        let Some(a) = self.array_node(id) else {
            return FormId::TRUE;
        };
        let (items, past) = (
            a.items,
            a.prefix.len() as u64 <= read && a.min <= read && a.max.is_none(),
        );
        if past && self.optional_form(items) == FormId::TRUE {
            return FormId::TRUE;
        }
        self.forms.leaf(Leaf::Array(id))
    }

    /// The `contains` leaf of a node with so many matches.
    pub fn settle_contains(&mut self, id: NodeId, matched: u64) -> FormId {
        let Some((_, min, max)) = self.array_node(id).and_then(|a| a.contains) else {
            return FormId::TRUE;
        };
        match max {
            Some(max) if matched > max => FormId::FALSE,
            None if matched >= min => FormId::TRUE,
            _ => self.forms.leaf(Leaf::Contains(id, matched)),
        }
    }

    /// What an array node asks of the element at an index, its `contains` left out.
    pub fn element_form(&mut self, id: NodeId, index: u64) -> FormId {
        let Some(a) = self.array_node(id) else {
            return FormId::TRUE;
        };
        let node = usize::try_from(index)
            .ok()
            .and_then(|i| a.prefix.get(i).copied())
            .or(a.items);
        self.optional_form(node)
    }

    /// What an element must be to count for the `contains` of an array node.
    pub fn contains_form(&mut self, id: NodeId) -> FormId {
        let node = self.array_node(id).and_then(|a| a.contains).map(|c| c.0);
        self.optional_form(node)
    }
}
