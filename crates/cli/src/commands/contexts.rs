//! How the tokens of a frozen grammar are decided: by the row context alone, or by more of the stack.
//!
//! A *row context* is a lexical state and the symbol on top of the stack. Its tokens are *accepted*
//! (gathered when the top has been read), *rejected* (gathered nowhere below), or *context-dependent*
//! (gathered by some stacks and not by others).

use maskwright_kernels::bits;
use maskwright_tables::pushdown::{PushdownTables, StackAutomaton, StackEdge, StoredSet};
use std::collections::{BTreeMap, BTreeSet};

/// Contexts that are looked at; of more, evenly spaced ones.
const MOST: usize = 512;

/// What was found out about row contexts.
#[derive(Debug, Default)]
pub struct Contexts {
    /// Lexical states that have rows, and those whose rows were left out.
    pub states: (usize, usize),
    /// Pairs of a lexical state and a behaviour of the symbol on top.
    pub contexts: usize,
    /// How many of them were looked at.
    pub sampled: usize,
    /// Of those, how many need no more of the stack.
    pub decided: usize,
    /// Tokens over the sampled contexts: accepted, context-dependent, rejected.
    pub tokens: [u64; 3],
    /// The contexts with most context-dependent tokens: lexical state, symbol (`None`: all others),
    /// accepted, context-dependent.
    pub widest: Vec<(u32, Option<u32>, usize, usize)>,
}

/// How many readings a lexeme can have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readings {
    /// Edges on which a step can come to more than one action.
    pub conflicts: usize,
    /// Edges on which it comes to one.
    pub single: usize,
}

/// Looks for steps with several actions. Without any, a lexeme never leaves more than one stack.
pub fn readings(machine: &PushdownTables<'_>) -> Readings {
    let mut found = Readings::default();
    let (edges, _) = machine.steps.edges.as_chunks::<3>();
    for &[list, _, next] in edges {
        let mut actions = Vec::new();
        if machine.actions(list, 0, &mut actions).is_none() {
            continue;
        }
        match (actions.len(), next) {
            (0, _) => {}
            (1, 0) => found.single += 1,
            // One here, perhaps more below.
            _ => found.conflicts += 1,
        }
    }
    found
}

/// The sets that an edge gathers.
fn sets_of(machine: &PushdownTables<'_>, edge: StackEdge, out: &mut BTreeSet<u32>) {
    let sets = machine.union(edge.output >> 1).unwrap_or(&[]);
    out.extend(sets.iter().map(|s| s >> 2));
}

/// The tokens of sets.
fn tokens_of(machine: &PushdownTables<'_>, sets: &BTreeSet<u32>) -> Vec<u32> {
    let mut words = vec![0; machine.words as usize];
    for set in sets {
        match machine.set(*set) {
            Some(StoredSet::Bits(more)) => bits::or_assign(&mut words, more),
            Some(StoredSet::List(ids)) => bits::set(&mut words, ids.iter().map(|t| t.0)),
            None => {}
        }
    }
    words
}

/// The edges of a node, each with the first symbol that has it (`None`: all others).
fn edges_of(rows: &StackAutomaton<'_>, node: u32) -> BTreeMap<u32, Option<u32>> {
    let mut edges = BTreeMap::new();
    for (symbol, edge) in rows.nodes.row(node as usize) {
        edges.entry(edge).or_insert(Some(symbol));
    }
    if let Some(edge) = rows
        .defaults
        .get(node as usize)
        .and_then(|e| e.checked_sub(1))
    {
        edges.insert(edge, None);
    }
    edges
}

/// All sets that can be gathered from a node on.
fn sets_below(machine: &PushdownTables<'_>, node: u32) -> BTreeSet<u32> {
    let mut sets = BTreeSet::new();
    let (mut seen, mut work) = (BTreeSet::from([node]), vec![node]);
    while let Some(node) = work.pop() {
        for edge in edges_of(&machine.rows, node).into_keys() {
            let Some(edge) = machine.rows.edge(edge) else {
                continue;
            };
            sets_of(machine, edge, &mut sets);
            if let Some(next) = edge.next.checked_sub(1)
                && seen.insert(next)
            {
                work.push(next);
            }
        }
    }
    sets
}

/// Looks at the row contexts of a machine for `width` tokens.
pub fn contexts(machine: &PushdownTables<'_>, width: usize) -> Contexts {
    let mut found = Contexts::default();
    let mut all: Vec<(u32, Option<u32>, StackEdge, StackEdge)> = Vec::new();
    for state in 1..machine.lexical.rows() as u32 {
        let lexical = maskwright_tables::LexState(state);
        if machine.has_flag(lexical, maskwright_tables::pushdown::FINAL) {
            continue;
        }
        let Some(root) = machine.rows.root(state) else {
            found.states.1 += 1;
            continue;
        };
        found.states.0 += 1;
        let Some(node) = root.next.checked_sub(1) else {
            let end = StackEdge { next: 0, ..root };
            all.push((state, None, root, end));
            continue;
        };
        for (edge, symbol) in edges_of(&machine.rows, node) {
            if let Some(edge) = machine.rows.edge(edge) {
                all.push((state, symbol, root, edge));
            }
        }
    }
    found.contexts = all.len();
    let step = all.len().div_ceil(MOST).max(1);
    for (state, symbol, root, edge) in all.into_iter().step_by(step) {
        let mut sets = BTreeSet::new();
        sets_of(machine, root, &mut sets);
        sets_of(machine, edge, &mut sets);
        let accepted = tokens_of(machine, &sets);
        let sure = bits::count(&accepted);
        let mut open = 0;
        match edge.next.checked_sub(1) {
            None => found.decided += 1,
            Some(next) => {
                let mut below = tokens_of(machine, &sets_below(machine, next));
                bits::and_not_assign(&mut below, &accepted);
                open = bits::count(&below);
            }
        }
        found.sampled += 1;
        let rejected = width.saturating_sub(sure + open);
        for (sum, n) in found.tokens.iter_mut().zip([sure, open, rejected]) {
            *sum += n as u64;
        }
        if open > 0 {
            found.widest.push((state, symbol, sure, open));
        }
    }
    found
        .widest
        .sort_by_key(|w| (std::cmp::Reverse(w.3), w.0, w.1));
    found.widest.truncate(5);
    found
}
