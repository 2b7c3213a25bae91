//! Unit productions: cycles are collapsed, aliases replaced. Needs a draft without empty productions.

use super::Sym;
use super::draft::Draft;
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// Merges nonterminals that derive each other alone: they derive the same texts. Afterwards no
/// nonterminal derives itself alone.
pub(super) fn collapse_cycles(draft: &mut Draft) {
    let mut graph: DiGraph<(), (), u32> = DiGraph::with_capacity(draft.nonterminals.len(), 0);
    for _ in &draft.nonterminals {
        graph.add_node(());
    }
    for p in &draft.productions {
        if let [Sym::Nonterminal(n)] = p.rhs[..] {
            graph.add_edge(
                NodeIndex::new(p.lhs as usize),
                NodeIndex::new(n as usize),
                (),
            );
        }
    }
    let mut representative: Vec<u32> = (0..draft.nonterminals.len() as u32).collect();
    if graph.edge_count() > 0 {
        for component in kosaraju_scc(&graph) {
            let least = component
                .iter()
                .map(|n| n.index() as u32)
                .min()
                .unwrap_or(0);
            for n in component {
                representative[n.index()] = least;
            }
        }
    }
    let of = |n: u32| representative[n as usize];
    draft.start = of(draft.start);
    draft.replace(of, |n| Sym::Nonterminal(of(n)));
}

/// Replaces every nonterminal whose only production is a single symbol by that symbol; the start
/// only by another nonterminal. Whether there were any. Needs a draft without unit cycles.
pub(super) fn replace_aliases(draft: &mut Draft) -> bool {
    let mut only: Vec<Option<Sym>> = vec![None; draft.nonterminals.len()];
    let mut counts = vec![0u32; draft.nonterminals.len()];
    for p in &draft.productions {
        counts[p.lhs as usize] += 1;
        only[p.lhs as usize] = if let [s] = p.rhs[..] { Some(s) } else { None };
    }
    let mut found = false;
    for n in 0..only.len() {
        let keep = n as u32 == draft.start && !matches!(only[n], Some(Sym::Nonterminal(_)));
        if counts[n] != 1 || keep {
            only[n] = None;
        }
        found |= only[n].is_some();
    }
    if !found {
        return false;
    }
    for (n, target) in only.iter().enumerate() {
        // A rule that is nothing but a repeat gives its name to the helper of the repeat.
        if let Some(Sym::Nonterminal(m)) = *target {
            let (rule, helper) = (
                &draft.nonterminals[n].name,
                &draft.nonterminals[m as usize].name,
            );
            if helper
                .strip_prefix(rule.as_str())
                .is_some_and(|rest| rest.starts_with('.'))
            {
                draft.nonterminals[m as usize].name = rule.clone();
            }
        }
    }
    // Follow chains to their end and shorten them, so that long ones stay linear.
    let mut end: Vec<Sym> = (0..only.len() as u32).map(Sym::Nonterminal).collect();
    let mut done = vec![false; only.len()];
    for n in 0..only.len() {
        let mut path = Vec::new();
        let mut at = Sym::Nonterminal(n as u32);
        while let Sym::Nonterminal(m) = at {
            if done[m as usize] {
                at = end[m as usize];
                break;
            }
            let Some(next) = only[m as usize] else { break };
            path.push(m);
            at = next;
        }
        for m in path {
            end[m as usize] = at;
            done[m as usize] = true;
        }
    }
    draft.productions.retain(|p| only[p.lhs as usize].is_none());
    if let Sym::Nonterminal(n) = end[draft.start as usize] {
        draft.start = n;
    } else {
        // The chain from the start ends in a terminal: one production has to stay.
        draft.add(draft.start, vec![end[draft.start as usize]], false);
        end[draft.start as usize] = Sym::Nonterminal(draft.start);
    }
    draft.replace(|n| n, |n| end[n as usize]);
    true
}
