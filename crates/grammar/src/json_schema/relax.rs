//! Lenient mode: widening a graph around a node that stands for what could not be enforced.
//!
//! Leaving an assertion out widens a schema only where the assertion stands positively: under `not`
//! it would narrow it. So each node gets two versions: the *upper* one matches whatever the node
//! might match, the *lower* one only what it surely matches; `not` swaps them. Nodes from which the
//! unknown one cannot be reached keep their single version.

use super::report::PlaceId;
use super::schema::{ArrayNode, Node, NodeId, ObjectNode};
use crate::{Diagnostic, Place};
use maskwright_tables::{LimitError, Limits};
use rustc_hash::FxHashMap;

/// The root of a graph that matches at least what `root` matches whatever `unknown` means.
pub(super) fn widen(
    nodes: &mut Vec<Node>,
    places: &mut Vec<PlaceId>,
    root: NodeId,
    unknown: NodeId,
    limits: &Limits,
) -> Result<NodeId, Diagnostic> {
    let touched = touched(nodes, unknown);
    if !touched[root.0 as usize] {
        return Ok(root);
    }
    let mut w = Widen {
        nodes,
        places,
        touched,
        unknown,
        versions: FxHashMap::default(),
        work: Vec::new(),
    };
    let root = w.version(root, true);
    while let Some((old, upper, new)) = w.work.pop() {
        if w.nodes.len() > limits.nodes {
            let e = LimitError::new("schema nodes", w.nodes.len() as u64, limits.nodes as u64);
            return Err(Diagnostic::limit(e, Place::default()));
        }
        let node = w.build(old, upper);
        w.nodes[new.0 as usize] = node;
    }
    Ok(root)
}

/// All nodes from which `unknown` can be reached.
fn touched(nodes: &[Node], unknown: NodeId) -> Vec<bool> {
    let mut parents: Vec<Vec<u32>> = vec![Vec::new(); nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        each_child(node, |child| parents[child.0 as usize].push(i as u32));
    }
    let mut touched = vec![false; nodes.len()];
    touched[unknown.0 as usize] = true;
    let mut work = vec![unknown.0];
    while let Some(at) = work.pop() {
        for parent in &parents[at as usize] {
            if !std::mem::replace(&mut touched[*parent as usize], true) {
                work.push(*parent);
            }
        }
    }
    touched
}

fn each_child(node: &Node, mut f: impl FnMut(NodeId)) {
    match node {
        Node::All(ids) | Node::Any(ids) | Node::One(ids) => ids.iter().for_each(|id| f(*id)),
        Node::Not(id) => f(*id),
        Node::Array(a) => {
            a.prefix.iter().for_each(|id| f(*id));
            a.items.iter().for_each(|id| f(*id));
            a.contains.iter().for_each(|c| f(c.0));
        }
        Node::Object(o) => {
            o.properties.iter().for_each(|p| f(p.1));
            o.patterns.iter().for_each(|p| f(p.1));
            o.additional.iter().for_each(|id| f(*id));
        }
        Node::Types(_) | Node::Number(_) | Node::String(_) => {}
    }
}

struct Widen<'n> {
    nodes: &'n mut Vec<Node>,
    places: &'n mut Vec<PlaceId>,
    touched: Vec<bool>,
    unknown: NodeId,
    versions: FxHashMap<(NodeId, bool), NodeId>,
    work: Vec<(NodeId, bool, NodeId)>,
}

impl Widen<'_> {
    fn add(&mut self, node: Node, like: NodeId) -> NodeId {
        self.nodes.push(node);
        self.places.push(self.places[like.0 as usize]);
        NodeId(self.nodes.len() as u32 - 1)
    }

    fn version(&mut self, id: NodeId, upper: bool) -> NodeId {
        if !self.touched[id.0 as usize] {
            return id;
        }
        if let Some(new) = self.versions.get(&(id, upper)) {
            return *new;
        }
        let new = self.add(Node::All(Vec::new()), id);
        self.versions.insert((id, upper), new);
        self.work.push((id, upper, new));
        new
    }

    fn list(&mut self, ids: &[NodeId], upper: bool) -> Vec<NodeId> {
        ids.iter().map(|id| self.version(*id, upper)).collect()
    }

    fn build(&mut self, id: NodeId, upper: bool) -> Node {
        if id == self.unknown {
            return if upper {
                Node::All(Vec::new())
            } else {
                Node::Any(Vec::new())
            };
        }
        match self.nodes[id.0 as usize].clone() {
            Node::All(ids) => Node::All(self.list(&ids, upper)),
            Node::Any(ids) => Node::Any(self.list(&ids, upper)),
            Node::Not(inner) => Node::Not(self.version(inner, !upper)),
            // Exactly one: some branch may match, and no two surely do. Surely exactly one: some
            // branch surely matches, and no two may.
            Node::One(ids) => {
                let some = self.list(&ids, upper);
                let some = self.add(Node::Any(some), id);
                let others = self.list(&ids, !upper);
                let mut all = vec![some];
                let mut earlier: Option<NodeId> = None;
                for other in others {
                    let before = match earlier {
                        None => other,
                        Some(before) => {
                            let both = self.add(Node::All(vec![before, other]), id);
                            all.push(self.add(Node::Not(both), id));
                            self.add(Node::Any(vec![before, other]), id)
                        }
                    };
                    earlier = Some(before);
                }
                Node::All(all)
            }
            Node::Array(a) => {
                let contains = a.contains;
                let widened = ArrayNode {
                    prefix: self.list(&a.prefix, upper),
                    items: a.items.map(|id| self.version(id, upper)),
                    contains: None,
                    ..a
                };
                match contains {
                    None => Node::Array(widened),
                    Some((inner, min, max)) => {
                        // At least `min` in the wider sense, at most `max` in the narrower one.
                        let (wide, narrow) =
                            (self.version(inner, upper), self.version(inner, !upper));
                        let least = ArrayNode {
                            contains: Some((wide, min, None)),
                            ..ArrayNode::default()
                        };
                        let most = ArrayNode {
                            contains: Some((narrow, 0, max)),
                            ..ArrayNode::default()
                        };
                        let ids = [widened, least, most].map(|a| self.add(Node::Array(a), id));
                        Node::All(ids.to_vec())
                    }
                }
            }
            Node::Object(o) => Node::Object(ObjectNode {
                properties: o
                    .properties
                    .into_iter()
                    .map(|(n, id)| (n, self.version(id, upper)))
                    .collect(),
                patterns: o
                    .patterns
                    .into_iter()
                    .map(|(r, id)| (r, self.version(id, upper)))
                    .collect(),
                additional: o.additional.map(|id| self.version(id, upper)),
                ..o
            }),
            leaf => leaf,
        }
    }
}
