//! Widening and narrowing a graph around nodes that are known only from two sides.
//!
//! Leaving an assertion out widens a schema only where the assertion stands positively: under `not`
//! it would narrow it. So each node gets two versions: the *upper* one matches whatever the node
//! might match, the *lower* one only what it surely matches; `not` swaps them. Nodes from which no
//! unknown one can be reached keep their single version.
//!
//! Lenient mode asks for the upper version of the root, with what could not be enforced unknown
//! altogether. Formats that are not known exactly ask for the lower version, so that what is allowed
//! is valid whatever the texts in between are.

use super::parse::{Lowering, Stop};
use super::schema::{ArrayNode, Node, NodeId, ObjectNode};
use crate::{Diagnostic, Place};
use maskwright_tables::LimitError;
use rustc_hash::FxHashMap;

/// The root of a graph that matches at least what `root` matches whatever `unknown` means.
pub(super) fn widen(
    lowering: &mut Lowering<'_>,
    root: NodeId,
    unknown: NodeId,
) -> Result<NodeId, Stop> {
    let sides = (Node::Any(Vec::new()), Node::All(Vec::new()));
    version_of(
        lowering,
        root,
        true,
        [(unknown, sides)].into_iter().collect(),
    )
}

/// The root of a graph that matches nothing but what `root` matches wherever, between their two
/// regexes, the formats are. Only where one of them is negated is there anything to do.
pub(super) fn narrow(lowering: &mut Lowering<'_>, root: NodeId) -> Result<NodeId, Stop> {
    if lowering.inexact.is_empty() {
        return Ok(root);
    }
    let touched = touched(lowering, lowering.inexact.keys().copied());
    let negates = |(i, node): (usize, &Node)| {
        touched[i]
            && match node {
                Node::Not(_) | Node::One(_) => true,
                Node::Array(a) => a.contains.is_some_and(|c| c.2.is_some()),
                _ => false,
            }
    };
    if !lowering.nodes.iter().enumerate().any(negates) {
        return Ok(root);
    }
    let sides = lowering
        .inexact
        .iter()
        .map(|(id, possible)| {
            let certain = lowering.nodes[id.0 as usize].clone();
            (*id, (certain, Node::String(*possible)))
        })
        .collect();
    version_of(lowering, root, false, sides)
}

/// The lower and the upper version of nodes that are known from two sides.
type Sides = FxHashMap<NodeId, (Node, Node)>;

fn version_of(
    lowering: &mut Lowering<'_>,
    root: NodeId,
    upper: bool,
    sides: Sides,
) -> Result<NodeId, Stop> {
    let touched = touched(lowering, sides.keys().copied());
    if !touched[root.0 as usize] {
        return Ok(root);
    }
    let mut names: FxHashMap<NodeId, Vec<(NodeId, Place)>> = FxHashMap::default();
    for (object, schema, place) in &lowering.names {
        let of = names.entry(*object).or_default();
        of.push((*schema, place.clone()));
    }
    let mut w = Widen {
        lowering,
        touched,
        sides,
        names,
        versions: FxHashMap::default(),
        work: Vec::new(),
    };
    let root = w.version(root, upper);
    while let Some((old, upper, new)) = w.work.pop() {
        let (len, most) = (w.lowering.nodes.len(), w.lowering.limits.nodes);
        if len > most {
            let e = LimitError::new("schema nodes", len as u64, most as u64);
            return Err(Diagnostic::limit(e, Place::default()));
        }
        let node = w.build(old, upper);
        w.lowering.nodes[new.0 as usize] = node;
        for (schema, place) in w.names.get(&old).cloned().unwrap_or_default() {
            let schema = w.version(schema, upper);
            w.lowering.names.push((new, schema, place));
        }
    }
    Ok(root)
}

/// All nodes from which one of `unknown` can be reached.
fn touched(lowering: &Lowering<'_>, unknown: impl Iterator<Item = NodeId>) -> Vec<bool> {
    let nodes = &lowering.nodes;
    let mut parents: Vec<Vec<u32>> = vec![Vec::new(); nodes.len()];
    for (i, node) in nodes.iter().enumerate() {
        each_child(node, |child| parents[child.0 as usize].push(i as u32));
    }
    for (object, schema, _) in &lowering.names {
        parents[schema.0 as usize].push(object.0);
    }
    let mut touched = vec![false; nodes.len()];
    let mut work: Vec<u32> = unknown.map(|id| id.0).collect();
    for id in &work {
        touched[*id as usize] = true;
    }
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

struct Widen<'w, 'a> {
    lowering: &'w mut Lowering<'a>,
    touched: Vec<bool>,
    sides: Sides,
    /// The schemas of names by object.
    names: FxHashMap<NodeId, Vec<(NodeId, Place)>>,
    versions: FxHashMap<(NodeId, bool), NodeId>,
    work: Vec<(NodeId, bool, NodeId)>,
}

impl Widen<'_, '_> {
    fn add(&mut self, node: Node, like: NodeId) -> NodeId {
        let Lowering { nodes, places, .. } = &mut *self.lowering;
        nodes.push(node);
        places.push(places[like.0 as usize]);
        NodeId(nodes.len() as u32 - 1)
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
        if let Some((lower_side, upper_side)) = self.sides.get(&id) {
            return if upper { upper_side } else { lower_side }.clone();
        }
        match self.lowering.nodes[id.0 as usize].clone() {
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
