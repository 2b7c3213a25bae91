//! The part of a regex's language that is not empty text.

use crate::{RegexId, RegexNode, RegexPool};
use rustc_hash::FxHashMap;

/// For each node whether it matches the empty text. Exact.
pub(super) fn nullable(pool: &RegexPool) -> Vec<bool> {
    let mut nullable: Vec<bool> = Vec::with_capacity(pool.len());
    for node in pool.nodes() {
        let get = |id: &RegexId| nullable[id.0 as usize];
        nullable.push(match node {
            RegexNode::Empty => true,
            RegexNode::Never
            | RegexNode::Bytes(_)
            | RegexNode::Class(_)
            | RegexNode::ByteClass(_)
            | RegexNode::JsonString(_)
            | RegexNode::Token(_)
            | RegexNode::Json(_) => false,
            RegexNode::Concat(parts) | RegexNode::And(parts) => parts.iter().all(get),
            RegexNode::Alt(parts) => parts.iter().any(get),
            RegexNode::Not(inner) => !get(inner),
            RegexNode::Repeat { node, min, .. } => *min == 0 || get(node),
            RegexNode::Literals(all) => all.iter().any(|b| b.is_empty()),
        });
    }
    nullable
}

/// For each root, a node that matches the same without the empty text; roots of which nothing is
/// left are dropped.
pub(super) fn parts(
    pool: &mut RegexPool,
    roots: impl IntoIterator<Item = RegexId>,
) -> Vec<RegexId> {
    let nullable = nullable(pool);
    let mut found = Vec::new();
    for root in roots {
        let part = part(pool, &nullable, root);
        if *pool.node(part) != RegexNode::Never {
            found.push(part);
        }
    }
    found
}

/// A node that matches what `root` matches, except the empty text. `nullable` covers `root`.
pub(super) fn part(pool: &mut RegexPool, nullable: &[bool], root: RegexId) -> RegexId {
    if !nullable[root.0 as usize] {
        return root;
    }
    // Nullable nodes below the root, children first (they have smaller ids).
    let mut seen = rustc_hash::FxHashSet::default();
    let mut stack = vec![root];
    let mut todo = Vec::new();
    while let Some(id) = stack.pop() {
        if !nullable[id.0 as usize] || !seen.insert(id) {
            continue;
        }
        todo.push(id);
        match pool.node(id) {
            RegexNode::Concat(parts) | RegexNode::Alt(parts) => stack.extend(parts),
            RegexNode::And(parts) => stack.extend(parts.first()),
            RegexNode::Repeat { node, .. } => stack.push(*node),
            _ => {}
        }
    }
    todo.sort_unstable();
    let mut done: FxHashMap<RegexId, RegexId> = FxHashMap::default();
    for id in todo {
        let get = |id: RegexId, done: &FxHashMap<RegexId, RegexId>| *done.get(&id).unwrap_or(&id);
        let part = match pool.node(id).clone() {
            RegexNode::Concat(parts) => {
                // All parts are nullable. Either the first is not empty and anything follows, or it
                // is and the rest is not; nesting the suffixes keeps this linear.
                let mut suffix = pool.empty();
                let mut rest = pool.never();
                for &p in parts.iter().rev() {
                    let here = get(p, &done);
                    let here = pool.concat([here, suffix]);
                    rest = pool.alt([here, rest]);
                    suffix = pool.concat([p, suffix]);
                }
                rest
            }
            RegexNode::Alt(parts) => {
                let parts: Vec<RegexId> = parts.iter().map(|&p| get(p, &done)).collect();
                pool.alt(parts)
            }
            RegexNode::And(parts) => {
                let mut parts = parts.to_vec();
                parts[0] = get(parts[0], &done);
                pool.and(parts)
            }
            RegexNode::Repeat { node, max, .. } => {
                let inner = get(node, &done);
                pool.repeat(inner, 1, max)
            }
            RegexNode::Literals(all) => {
                let rest: Vec<Box<[u8]>> = all.iter().filter(|b| !b.is_empty()).cloned().collect();
                pool.literals(rest)
            }
            RegexNode::Not(_) => {
                let (one, any) = (pool.any_char(), pool.any_text());
                let some = pool.concat([one, any]);
                pool.and([id, some])
            }
            _ => pool.never(),
        };
        done.insert(id, part);
    }
    done[&root]
}
