//! Schemas that refer to themselves without going into the document have no meaning; find one.

use super::schema::{Node, NodeId};

/// The nodes that speak about the same value as the node itself.
pub(super) fn in_place(node: &Node) -> &[NodeId] {
    match node {
        Node::All(ids) | Node::Any(ids) | Node::One(ids) => ids,
        Node::Not(id) => std::slice::from_ref(id),
        _ => &[],
    }
}

/// A cycle of boolean nodes, if there is one. Linear in the graph.
pub(super) fn find(nodes: &[Node]) -> Option<Vec<NodeId>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; nodes.len()];
    let mut path: Vec<(NodeId, usize)> = Vec::new();
    for start in 0..nodes.len() {
        if marks[start] != Mark::New {
            continue;
        }
        path.push((NodeId(start as u32), 0));
        marks[start] = Mark::Open;
        while let Some((id, next)) = path.last_mut() {
            match in_place(&nodes[id.0 as usize]).get(*next) {
                None => {
                    marks[id.0 as usize] = Mark::Done;
                    path.pop();
                }
                Some(child) => {
                    *next += 1;
                    match marks[child.0 as usize] {
                        Mark::New => {
                            marks[child.0 as usize] = Mark::Open;
                            path.push((*child, 0));
                        }
                        Mark::Open => {
                            let from = path.iter().position(|(id, _)| id == child).unwrap_or(0);
                            return Some(path[from..].iter().map(|(id, _)| *id).collect());
                        }
                        Mark::Done => {}
                    }
                }
            }
        }
    }
    None
}

/// The nodes reachable in place from some roots, children before parents. The graph has no cycle
/// of boolean nodes.
pub(super) fn in_place_order(
    nodes: &[Node],
    roots: impl IntoIterator<Item = NodeId>,
) -> Vec<NodeId> {
    let mut seen = rustc_hash::FxHashSet::default();
    let mut order = Vec::new();
    let mut path: Vec<(NodeId, usize)> = Vec::new();
    for root in roots {
        if seen.insert(root) {
            path.push((root, 0));
        }
        while let Some((id, next)) = path.last_mut() {
            match in_place(&nodes[id.0 as usize]).get(*next) {
                None => {
                    order.push(*id);
                    path.pop();
                }
                Some(child) => {
                    *next += 1;
                    if seen.insert(*child) {
                        path.push((*child, 0));
                    }
                }
            }
        }
    }
    order
}
