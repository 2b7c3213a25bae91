//! What is not LR(1), explained with sentences.
//!
//! A conflict is a state and a terminal with several actions. For each kind of conflict (the items
//! that disagree) the report has one example: the shortest way to the state, and for each reading the
//! shortest text that completes it to a sentence.

use super::reduce;
use super::states::States;
use crate::{ControlError, StackReader};
use maskwright_grammar::Sym;
use maskwright_tables::{LimitError, StackAction, Symbol};
use rustc_hash::{FxHashMap, FxHashSet};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;

/// Kinds of conflict that get an example.
const EXAMPLES: usize = 16;
/// Terminals of an example sentence that are written out.
const LENGTH: usize = 48;

/// What stands in the way of one stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConflictReport {
    /// All states of the machine.
    pub states: usize,
    /// Pairs of state and terminal with a shift and at least one reduction.
    pub shift_reduce: usize,
    /// Pairs of state and terminal with several reductions and no shift.
    pub reduce_reduce: usize,
    /// One example for each kind, at most 16.
    pub examples: Vec<Conflict>,
}

/// An example of a conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// What has been read, as grammar symbols.
    pub prefix: String,
    /// The terminal that can be taken in several ways.
    pub terminal: String,
    /// For each reading the item that it follows and a sentence of it.
    pub readings: Vec<(String, String)>,
}

impl ConflictReport {
    /// Whether every text needs one stack only, as long as each lexeme is one terminal.
    pub fn is_deterministic(&self) -> bool {
        self.shift_reduce + self.reduce_reduce == 0
    }
}

impl fmt::Display for ConflictReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} states, {} shift/reduce conflicts, {} reduce/reduce conflicts",
            self.states, self.shift_reduce, self.reduce_reduce
        )?;
        for c in &self.examples {
            write!(
                f,
                "\n\nafter  {} •\n{} can be read in {} ways:",
                c.prefix,
                c.terminal,
                c.readings.len()
            )?;
            for (item, sentence) in &c.readings {
                write!(f, "\n  {item}\n      {sentence}")?;
            }
        }
        Ok(())
    }
}

/// A stack that is known whole.
struct Known<'a>(&'a [u32]);

impl StackReader for Known<'_> {
    fn read(&mut self, depth: usize) -> Result<Option<Symbol>, ControlError> {
        Ok(self
            .0
            .len()
            .checked_sub(depth + 1)
            .map(|i| Symbol(self.0[i])))
    }
}

fn limit(e: ControlError) -> LimitError {
    match e {
        ControlError::Limit(e) => e,
        // `Known` knows every entry.
        _ => LimitError::new("conflict report", 1, 0),
    }
}

/// Creates all states and reports.
pub(super) fn report(states: &States) -> Result<ConflictReport, LimitError> {
    let parents = states.explore()?;
    let mut report = ConflictReport {
        states: parents.len(),
        ..ConflictReport::default()
    };
    let yields = Yields::new(states);
    let mut seen: FxHashSet<Vec<u32>> = FxHashSet::default();
    for state in 0..parents.len() as u32 {
        states.cancel().check("conflict report")?;
        let mut lookaheads = states.allowed(state)?;
        lookaheads.push(states.items.end());
        for terminal in lookaheads {
            let reduces: Vec<u32> = states.reduces(state, terminal)?.collect();
            if reduces.is_empty() {
                continue;
            }
            let shift = terminal != states.items.end()
                && states.after(state, Sym::Terminal(terminal))?.is_some();
            match (shift, reduces.len()) {
                (true, _) => report.shift_reduce += 1,
                (false, 1) => continue,
                (false, _) => report.reduce_reduce += 1,
            }
            let mut kind = reduces.clone();
            kind.sort_unstable();
            kind.push(if shift { terminal } else { u32::MAX });
            if report.examples.len() < EXAMPLES && seen.insert(kind) {
                report.examples.push(example(
                    states, &yields, &parents, state, terminal, &reduces, shift,
                )?);
            }
        }
    }
    Ok(report)
}

fn example(
    states: &States,
    yields: &Yields,
    parents: &[Option<(u32, Sym)>],
    state: u32,
    terminal: u32,
    reduces: &[u32],
    shift: bool,
) -> Result<Conflict, LimitError> {
    let items = &states.items;
    let mut symbols = Vec::new();
    let mut stack = vec![state];
    while let Some((from, symbol)) = parents[stack[stack.len() - 1] as usize] {
        symbols.push(symbol);
        stack.push(from);
    }
    symbols.reverse();
    stack.reverse();
    let prefix: Vec<&str> = symbols.iter().map(|s| items.name(*s)).collect();
    let mut read = Vec::new();
    for s in &symbols {
        yields.write(states, *s, &mut read);
    }
    let sentence = |after: Option<Vec<u32>>| -> String {
        let mut all = read.clone();
        if terminal != items.end() {
            all.push(terminal);
        }
        all.extend(after.unwrap_or_default());
        let mut words: Vec<&str> = all
            .iter()
            .take(LENGTH)
            .map(|t| items.name(Sym::Terminal(*t)))
            .collect();
        if all.len() > LENGTH {
            words.push("…");
        }
        words.join(" ")
    };
    let mut readings = Vec::new();
    if shift {
        let mut shifted = stack.clone();
        if let Some(target) = states.after(state, Sym::Terminal(terminal))? {
            // The reading is shown by an item that the shift goes on with.
            let item = states
                .kernel(target)
                .first()
                .map(|(item, _)| items.describe(item - 1))
                .unwrap_or_default();
            shifted.push(target);
            readings.push((item, sentence(complete(states, yields, &shifted)?)));
        }
    }
    for &production in reduces {
        let item = items.describe(items.first(production) + items.len(production));
        let mut reduced = stack.clone();
        let after = match items.lhs(production) {
            None => Some(Vec::new()),
            Some(lhs) => {
                reduced.truncate(stack.len() - items.len(production) as usize);
                let below = reduced.last().copied().unwrap_or(0);
                reduced.extend(states.after(below, Sym::Nonterminal(lhs))?);
                if terminal == items.end() {
                    Some(Vec::new())
                } else {
                    let mut actions: Vec<StackAction> = Vec::new();
                    reduce::shift(states, &mut Known(&reduced), terminal, &mut actions)
                        .map_err(limit)?;
                    match actions.first() {
                        Some(action) => {
                            reduced.truncate(reduced.len() - action.pop as usize);
                            reduced.extend(action.push.iter().map(|s| s.0));
                            complete(states, yields, &reduced)?
                        }
                        None => None,
                    }
                }
            }
        };
        readings.push((item, sentence(after)));
    }
    Ok(Conflict {
        prefix: prefix.join(" "),
        terminal: items.name(Sym::Terminal(terminal)).to_string(),
        readings,
    })
}

/// The shortest text that completes a stack to a sentence: Dijkstra over partial stacks (how many old
/// entries are left, the state on top), where an edge completes one item of the top state.
fn complete(
    states: &States,
    yields: &Yields,
    stack: &[u32],
) -> Result<Option<Vec<u32>>, LimitError> {
    let items = &states.items;
    let Some((&top, below)) = stack.split_last() else {
        return Ok(None);
    };
    type Node = (usize, u32);
    let mut best: FxHashMap<Node, (u64, Option<(Node, u32)>)> = FxHashMap::default();
    let mut heap = BinaryHeap::new();
    let start: Node = (below.len(), top);
    best.insert(start, (0, None));
    heap.push(Reverse((0u64, start)));
    let mut goal: Option<(u64, Node, u32)> = None;
    while let Some(Reverse((cost, node))) = heap.pop() {
        if best[&node].0 < cost {
            continue;
        }
        if goal.is_some_and(|(g, ..)| g <= cost) {
            break;
        }
        states.cancel().check("conflict report")?;
        let (left, top) = node;
        for &(item, _) in states.kernel(top) {
            let cost = cost.saturating_add(
                items
                    .rest(item)
                    .map(|s| yields.cost(s))
                    .fold(0, u64::saturating_add),
            );
            let Some(lhs) = items.lhs(items.production(item)) else {
                if goal.is_none_or(|(g, ..)| cost < g) {
                    goal = Some((cost, node, item));
                }
                continue;
            };
            let Some(exposed) = left.checked_sub(items.dot(item) as usize) else {
                continue;
            };
            if let Some(target) = states.after(stack[exposed], Sym::Nonterminal(lhs))? {
                let next = (exposed + 1, target);
                if best.get(&next).is_none_or(|(c, _)| cost < *c) {
                    best.insert(next, (cost, Some((node, item))));
                    heap.push(Reverse((cost, next)));
                }
            }
        }
    }
    let Some((_, mut node, item)) = goal else {
        return Ok(None);
    };
    let mut path = vec![item];
    while let Some(&(_, Some((from, item)))) = best.get(&node) {
        path.push(item);
        node = from;
    }
    let mut text = Vec::new();
    for item in path.into_iter().rev() {
        for s in items.rest(item) {
            yields.write(states, s, &mut text);
        }
    }
    Ok(Some(text))
}

/// The shortest text of each nonterminal, as a production to take (Knuth's generalisation of Dijkstra).
struct Yields {
    cost: Vec<u64>,
    production: Vec<usize>,
}

impl Yields {
    fn new(states: &States) -> Self {
        let grammar = states.grammar();
        let productions = grammar.productions();
        let n = grammar.nonterminals().len();
        let mut yields = Yields {
            cost: vec![u64::MAX; n],
            production: vec![0; n],
        };
        let mut uses: Vec<Vec<u32>> = vec![Vec::new(); n];
        let mut missing = Vec::with_capacity(productions.len());
        let mut heap = BinaryHeap::new();
        for (i, p) in productions.iter().enumerate() {
            let mut count = 0;
            for s in &p.rhs {
                if let Sym::Nonterminal(m) = s {
                    uses[*m as usize].push(i as u32);
                    count += 1;
                }
            }
            missing.push(count);
            if count == 0 {
                heap.push(Reverse((p.rhs.len() as u64, i)));
            }
        }
        while let Some(Reverse((cost, i))) = heap.pop() {
            let lhs = productions[i].lhs as usize;
            if yields.cost[lhs] != u64::MAX {
                continue;
            }
            yields.cost[lhs] = cost.min(u64::MAX - 1);
            yields.production[lhs] = i;
            for &user in &uses[lhs] {
                missing[user as usize] -= 1;
                if missing[user as usize] == 0 {
                    let cost = productions[user as usize]
                        .rhs
                        .iter()
                        .map(|s| yields.cost(*s))
                        .fold(0, u64::saturating_add);
                    heap.push(Reverse((cost, user as usize)));
                }
            }
        }
        yields
    }

    fn cost(&self, symbol: Sym) -> u64 {
        match symbol {
            Sym::Terminal(_) => 1,
            Sym::Nonterminal(n) => self.cost[n as usize],
        }
    }

    /// Appends the shortest text of a symbol, cut where nobody reads on.
    fn write(&self, states: &States, symbol: Sym, out: &mut Vec<u32>) {
        let mut stack = vec![symbol];
        while let Some(s) = stack.pop() {
            if out.len() > LENGTH {
                return;
            }
            match s {
                Sym::Terminal(t) => out.push(t),
                Sym::Nonterminal(n) => {
                    let p = &states.grammar().productions()[self.production[n as usize]];
                    stack.extend(p.rhs.iter().rev());
                }
            }
        }
    }
}
