//! `propertyNames`: a schema about strings as one regex.

use super::cycles::in_place_order;
use super::parse::Lowering;
use super::schema::{Node, NodeId, Types};
use crate::{Diagnostic, RegexId, RegexPool};
use maskwright_tables::LimitError;
use rustc_hash::FxHashMap;

/// Sets `names` of all objects that have a schema for their names.
pub(super) fn lower(lowering: &mut Lowering<'_>) -> Result<(), Diagnostic> {
    if lowering.names.is_empty() {
        return Ok(());
    }
    let names = std::mem::take(&mut lowering.names);
    let mut regexes: FxHashMap<NodeId, RegexId> = FxHashMap::default();
    for id in in_place_order(&lowering.nodes, names.iter().map(|n| n.1)) {
        let pool = &mut lowering.regexes;
        if pool.len() > lowering.limits.nodes {
            let e = LimitError::new(
                "regex nodes",
                pool.len() as u64,
                lowering.limits.nodes as u64,
            );
            return Err(Diagnostic::limit(e, names[0].2.clone()));
        }
        let regex = of(pool, &lowering.nodes[id.0 as usize], &regexes);
        regexes.insert(id, regex);
    }
    for (object, schema, _) in names {
        // What was relaxed may be any set of names.
        let unknown = lowering.relaxed;
        if unknown.is_some_and(|u| in_place_order(&lowering.nodes, [schema]).contains(&u)) {
            continue;
        }
        if let Node::Object(object) = &mut lowering.nodes[object.0 as usize] {
            object.names = regexes.get(&schema).copied();
        }
    }
    Ok(())
}

/// The strings that a node matches, given those of its children.
fn of(pool: &mut RegexPool, node: &Node, children: &FxHashMap<NodeId, RegexId>) -> RegexId {
    let any = pool.any_text();
    let child = |id: &NodeId| children.get(id).copied().unwrap_or(any);
    match node {
        Node::All(ids) => {
            let parts: Vec<RegexId> = ids.iter().map(child).filter(|r| *r != any).collect();
            pool.and(parts)
        }
        Node::Any(ids) => {
            let parts: Vec<RegexId> = ids.iter().map(child).collect();
            if parts.contains(&any) {
                any
            } else {
                pool.alt(parts)
            }
        }
        Node::One(ids) => {
            // At least one, and no one together with an earlier one.
            let parts: Vec<RegexId> = ids.iter().map(child).collect();
            let mut earlier = pool.never();
            let mut twice = Vec::new();
            for part in &parts {
                twice.push(pool.and([earlier, *part]));
                earlier = pool.alt([earlier, *part]);
            }
            let twice = pool.alt(twice);
            let not_twice = pool.not(twice);
            pool.and([earlier, not_twice])
        }
        Node::Not(id) => {
            let inner = child(id);
            if inner == any {
                pool.never()
            } else {
                pool.not(inner)
            }
        }
        Node::Types(types) if !types.contains(Types::STRING) => pool.never(),
        Node::String(regex) => *regex,
        Node::Types(_) | Node::Number(_) | Node::Array(_) | Node::Object(_) => any,
    }
}
