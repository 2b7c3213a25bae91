//! Small finite languages as lists.

use maskwright_grammar::{RegexId, RegexNode, RegexPool};
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// The strings of a regex, sorted, if its structure shows that there are at most `limit`.
///
/// Complements count as infinite and an intersection is the list of one part filtered by lists of
/// the others, so `None` says nothing about the language.
pub(super) fn finite_strings(
    pool: &RegexPool,
    root: RegexId,
    limit: usize,
) -> Option<Vec<Box<[u8]>>> {
    type Set = BTreeSet<Box<[u8]>>;
    let mut needed = vec![root];
    let mut seen: FxHashMap<RegexId, Option<Set>> = FxHashMap::default();
    // Children have smaller ids: collect, then build upwards.
    let mut all = Vec::new();
    while let Some(id) = needed.pop() {
        if seen.insert(id, None).is_some() {
            continue;
        }
        all.push(id);
        match pool.node(id) {
            // Anything that repeats without bound is infinite or not worth a list.
            RegexNode::Repeat { max: None, .. } | RegexNode::Not(_) | RegexNode::JsonString(_) => {}
            RegexNode::Repeat { node, .. } => needed.push(*node),
            RegexNode::Concat(p) | RegexNode::Alt(p) | RegexNode::And(p) => needed.extend(p.iter()),
            _ => {}
        }
        if all.len() > 4 * limit {
            return None;
        }
    }
    all.sort_unstable();
    let join = |a: &Set, b: &Set| -> Option<Set> {
        if a.len() * b.len() > limit * 4 {
            return None;
        }
        Some(
            a.iter()
                .flat_map(|x| b.iter().map(move |y| [&x[..], &y[..]].concat().into()))
                .collect(),
        )
    };
    for id in all {
        let get = |id: &RegexId| seen.get(id).and_then(Option::as_ref);
        let set: Option<Set> = match pool.node(id) {
            RegexNode::Never => Some(Set::new()),
            RegexNode::Empty => Some(Set::from([Box::default()])),
            RegexNode::Bytes(b) => Some(Set::from([b.clone()])),
            RegexNode::Class(ranges) => {
                let count: u64 = ranges
                    .iter()
                    .map(|(a, b)| u64::from(*b) - u64::from(*a) + 1)
                    .sum();
                (count <= limit as u64).then(|| {
                    let chars = ranges.iter().flat_map(|(a, b)| *a..=*b);
                    chars.map(|c| c.to_string().into_bytes().into()).collect()
                })
            }
            RegexNode::ByteClass(ranges) => Some(
                ranges
                    .iter()
                    .flat_map(|(a, b)| *a..=*b)
                    .map(|b| Box::from([b]))
                    .collect(),
            ),
            RegexNode::Concat(p) => p
                .iter()
                .try_fold(Set::from([Box::default()]), |acc, x| join(&acc, get(x)?)),
            RegexNode::Alt(p) => p.iter().try_fold(Set::new(), |mut acc, x| {
                acc.extend(get(x)?.iter().cloned());
                (acc.len() <= limit * 4).then_some(acc)
            }),
            RegexNode::And(p) => p
                .iter()
                .map(get)
                .try_fold(None::<Set>, |acc, x| {
                    let x = x?;
                    Some(Some(acc.map_or_else(
                        || x.clone(),
                        |a| a.intersection(x).cloned().collect(),
                    )))
                })
                .flatten(),
            RegexNode::Repeat {
                node,
                min,
                max: Some(max),
            } if *max <= 16 => {
                let one = get(node);
                let mut power = Some(Set::from([Box::default()]));
                let mut sum = Some(Set::new());
                for n in 0..=*max {
                    if n >= *min
                        && let (Some(s), Some(p)) = (&mut sum, &power)
                    {
                        s.extend(p.iter().cloned());
                    }
                    power = match (&power, one) {
                        (Some(p), Some(o)) if n < *max => join(p, o),
                        (p, _) if n == *max => p.clone(),
                        _ => None,
                    };
                    if power.is_none() {
                        sum = None;
                    }
                }
                sum
            }
            RegexNode::Literals(set) if set.len() <= limit => Some(set.iter().cloned().collect()),
            _ => None,
        };
        seen.insert(id, set);
    }
    let set = seen.remove(&root).flatten()?;
    (set.len() <= limit).then(|| set.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finite_languages_are_listed_and_others_are_not() {
        let mut pool = RegexPool::new();
        let (a, b) = (pool.bytes(&b"a"[..]), pool.bytes(&b"b"[..]));
        let ab = pool.alt([a, b]);
        let twice = pool.repeat(ab, 1, Some(2));
        let list = |pool: &RegexPool, r| finite_strings(pool, r, 100).map(|v| v.len());
        assert_eq!(list(&pool, twice), Some(6));
        let both = pool.and([twice, a]);
        assert_eq!(
            finite_strings(&pool, both, 100).unwrap(),
            [Box::from(&b"a"[..])]
        );
        let any = pool.any_text();
        let open = pool.concat([a, any]);
        assert_eq!(list(&pool, open), None);
        let long = pool.repeat(ab, 10, Some(10));
        assert_eq!(list(&pool, long), None);
    }
}
