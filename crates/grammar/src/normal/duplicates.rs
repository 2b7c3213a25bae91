//! Merges nonterminals with the same productions.
//!
//! Two nonterminals are equal when their productions are, where a nonterminal's own occurrences count
//! as equal. They are visited users last, so that a whole chain of equal parts merges in one pass.

use super::Sym;
use super::draft::Draft;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use rustc_hash::FxHashMap;

/// Stands for the nonterminal itself.
const ITSELF: Sym = Sym::Nonterminal(u32::MAX);

/// Merges them; whether there were any.
pub(super) fn merge(draft: &mut Draft) -> bool {
    let mut graph: DiGraph<(), (), u32> =
        DiGraph::with_capacity(draft.nonterminals.len(), draft.productions.len());
    for _ in &draft.nonterminals {
        graph.add_node(());
    }
    for p in &draft.productions {
        for s in &p.rhs {
            if let Sym::Nonterminal(n) = *s {
                graph.add_edge(
                    NodeIndex::new(p.lhs as usize),
                    NodeIndex::new(n as usize),
                    (),
                );
            }
        }
    }
    let by_lhs = draft.by_lhs();
    let mut same: Vec<u32> = (0..draft.nonterminals.len() as u32).collect();
    let mut known: FxHashMap<Vec<Vec<Sym>>, u32> = FxHashMap::default();
    let mut found = false;
    for n in kosaraju_scc(&graph)
        .into_iter()
        .flatten()
        .map(|n| n.index() as u32)
    {
        if by_lhs[n as usize].is_empty() {
            continue;
        }
        let mut key: Vec<Vec<Sym>> = by_lhs[n as usize]
            .iter()
            .map(|&p| {
                let of = |s: &Sym| match *s {
                    Sym::Nonterminal(m) if m == n => ITSELF,
                    Sym::Nonterminal(m) => Sym::Nonterminal(same[m as usize]),
                    t => t,
                };
                draft.productions[p as usize].rhs.iter().map(of).collect()
            })
            .collect();
        key.sort_unstable();
        let first = *known.entry(key).or_insert(n);
        found |= first != n;
        same[n as usize] = first;
    }
    if found {
        // The class is named after its first member, as written by the author.
        let mut least: Vec<u32> = (0..same.len() as u32).collect();
        for (n, &class) in same.iter().enumerate().rev() {
            least[class as usize] = n as u32;
        }
        let name = |n: u32| least[same[n as usize] as usize];
        draft.productions.retain(|p| same[p.lhs as usize] == p.lhs);
        draft.start = name(draft.start);
        draft.replace(name, |n| Sym::Nonterminal(name(n)));
    }
    found
}
