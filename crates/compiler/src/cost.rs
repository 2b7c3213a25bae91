//! What the places of a source cost: how many states and rows, measured on the machine itself.
//!
//! The machine is walked over lexemes, not tokens: from each stack, each set of labels that a lexeme
//! can end with leads to the next stacks. Two stacks that agree in their two upper symbols go on in
//! the same way as long as nothing below is uncovered, so each such pair is visited once. At each
//! the row is asked for with which the next lexeme begins, which is what a matcher asks for when it
//! gets there. What that built is put down to the place that the machine names
//! ([`Control::places`](maskwright_automata::Control::places)).

use crate::lazy::LazyMachine;
use maskwright_tables::{CancelFlag, LabelSet, LexState, Machine, RunError, StackView, Symbol};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How far [`CompiledGrammar::cost`](crate::CompiledGrammar::cost) looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CostBudget {
    /// Stacks that are visited.
    pub stacks: usize,
    /// Lexical states of one lexeme.
    pub lexical_states: usize,
    /// Symbols of one stack.
    pub depth: usize,
}

impl Default for CostBudget {
    fn default() -> Self {
        CostBudget {
            stacks: 20_000,
            lexical_states: 4_096,
            depth: 256,
        }
    }
}

/// What one place costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeCost {
    /// The place; for schemas a JSON pointer.
    pub pointer: String,
    /// Stack symbols.
    pub states: usize,
    /// Lexical states of the lexemes that can come next there. Lexemes that several places share
    /// count at each. Those of counted repetition are many, but share their rows.
    pub lexical_states: usize,
    /// Whether the budget cut the counting of lexical states short.
    pub lexical_states_cut: bool,
    /// Rows that were built for the first tokens of those lexemes. A row is built once, at the first
    /// place that asks for it.
    pub rows: usize,
    /// Bytes of token sets that these rows added.
    pub row_bytes: usize,
    /// The time that building them took.
    pub time: Duration,
}

/// What the places of a source cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CostReport {
    /// The places in the order in which they were met.
    pub nodes: Vec<NodeCost>,
    /// Whether all stacks were looked at; otherwise the budget ended the walk. A lexeme whose states
    /// were cut short may hide some.
    pub complete: bool,
}

/// The lexemes that begin in a fresh lexical state.
#[derive(Debug)]
struct Lexemes {
    states: usize,
    labels: Vec<LabelSet>,
    complete: bool,
}

/// A whole stack, its last symbol on top.
struct Known<'a>(&'a [Symbol]);

impl StackView for Known<'_> {
    fn symbol(&self, depth: usize) -> Option<Symbol> {
        self.0.symbol(depth)
    }
}

/// Walks the machine.
pub(crate) fn measure(
    machine: &LazyMachine,
    budget: CostBudget,
    cancel: &CancelFlag,
) -> Result<CostReport, RunError> {
    let mut report = CostReport {
        nodes: Vec::new(),
        complete: true,
    };
    let mut ids: FxHashMap<String, usize> = FxHashMap::default();
    let mut lexemes: FxHashMap<LexState, Arc<Lexemes>> = FxHashMap::default();
    let mut counted: FxHashSet<(usize, LexState)> = FxHashSet::default();
    let mut symbols: FxHashSet<Symbol> = FxHashSet::default();
    let mut seen: FxHashSet<(Symbol, Option<Symbol>)> = FxHashSet::default();
    let mut queue = VecDeque::from([vec![machine.start()]]);
    seen.insert((machine.start(), None));
    while let Some(stack) = queue.pop_front() {
        cancel.check("cost of a source")?;
        let Some(&top) = stack.last() else { continue };
        let place = machine.control().places(top).into_iter().next();
        let place = place.unwrap_or_default();
        let node = *ids.entry(place).or_insert_with_key(|pointer| {
            report.nodes.push(NodeCost {
                pointer: pointer.clone(),
                ..NodeCost::default()
            });
            report.nodes.len() - 1
        });
        let (start, rows, bytes) = (
            Instant::now(),
            machine.len().0,
            machine.shared().sets.bytes(),
        );
        let first = machine.lex_start(top)?;
        if first != LexState::DEAD {
            machine.row(first, &Known(&stack))?;
        }
        let cost = &mut report.nodes[node];
        cost.time += start.elapsed();
        cost.rows += machine.len().0 - rows;
        cost.row_bytes += machine.shared().sets.bytes().saturating_sub(bytes);
        cost.states += usize::from(symbols.insert(top));
        if first == LexState::DEAD {
            continue;
        }
        let known = match lexemes.get(&first) {
            Some(known) => Arc::clone(known),
            None => {
                let known = Arc::new(explore(machine, first, budget.lexical_states, cancel)?);
                lexemes.insert(first, Arc::clone(&known));
                known
            }
        };
        report.nodes[node].lexical_states_cut |= !known.complete;
        if counted.insert((node, first)) {
            report.nodes[node].lexical_states += known.states;
        }
        for &labels in &known.labels {
            for action in machine.step(&Known(&stack), labels)? {
                let mut next = stack.clone();
                next.truncate(next.len().saturating_sub(action.pop as usize));
                next.extend_from_slice(&action.push);
                let Some(&top) = next.last() else { continue };
                let below = next.len().checked_sub(2).map(|i| next[i]);
                if !seen.contains(&(top, below)) {
                    if seen.len() >= budget.stacks || next.len() > budget.depth {
                        report.complete = false;
                        continue;
                    }
                    seen.insert((top, below));
                    queue.push_back(next);
                }
            }
        }
    }
    Ok(report)
}

/// The lexical states from `first` on, and what lexemes can end with.
fn explore(
    machine: &LazyMachine,
    first: LexState,
    most: usize,
    cancel: &CancelFlag,
) -> Result<Lexemes, RunError> {
    let mut states = vec![first];
    let mut seen = FxHashSet::from_iter([first]);
    let mut labels = Vec::new();
    let mut at = 0;
    let mut complete = true;
    while let Some(&state) = states.get(at) {
        at += 1;
        if at % 256 == 0 {
            cancel.check("cost of a source")?;
        }
        let accept = machine.lex_accept(state);
        if accept != LabelSet::NONE && !labels.contains(&accept) {
            labels.push(accept);
        }
        for (_, _, target) in machine.shared().lexicon.edges(state)?.runs() {
            if target == LexState::DEAD || seen.contains(&target) {
                continue;
            }
            if states.len() >= most {
                complete = false;
                continue;
            }
            seen.insert(target);
            states.push(target);
        }
    }
    Ok(Lexemes {
        states: states.len(),
        labels,
        complete,
    })
}
