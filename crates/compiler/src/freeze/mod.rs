//! Ahead of time: everything that a machine can be asked, as tables.
//!
//! Three questions can be asked of a stack: what a lexeme does to it (*steps*), whether the text may
//! end (*ends*), and which tokens may come next (*rows*). Which stacks give which answer is a regular
//! set: under a fixed lexeme a stack is read from the top, and what has been read comes down to a
//! finite amount (`research`: weighted pre\* of the pushdown system; for LR machines one nonterminal
//! for each lexeme that is still alive). So each question becomes an automaton that reads the stack
//! from the top and gathers answers on its edges ([`StackAutomaton`]):
//!
//! - a **node** is the sorted set of what is pending ([`summary::Pending`]), each with its distance to
//!   the symbol that it waits for, and interned. It does not depend on the symbols that led to it:
//!   a token of many closing brackets is a path, right recursion is a loop;
//! - an **edge** is the [`Outcome`] of all that waits for the symbol found: token sets by number,
//!   actions, and the next node.
//!
//! Where lexemes must differ, the answers are those of the machine alone, as they are from the lazy
//! one: which lexemes are concerned is a small table of symbols and label sets, and a token set that
//! is gathered may say that the matcher has to try its tokens ([`summary::Past`]). A terminal that is a
//! token as a whole is one more lexeme that can come next ([`summary::Labels`]).
//!
//! Which symbols can be found at a node is known from the symbol read just above it and from what can
//! lie below that ([`reach`]). Steps and ends come first: they say what can lie below what, and which
//! symbols can be on top. Rows come after that, one lexical state at a time in order of discovery, so
//! that a budget that runs out leaves whole lexical states out ([`RunError::NotTabulated`]) and all
//! others complete.
//!
//! Rows are *not* stored as masks, and not as lexical rows to be finished at run time either. Masks
//! would be 25 KB for each of thousands of contexts; lexical rows are smaller, but every first visit
//! would again have to try all lexemes against the stack (10 to 100 µs). Numbers of shared token sets
//! gathered on one or two edges cost a few hundred bytes for each context and some ten nanoseconds.
//!
//! # Determinism
//!
//! Everything is numbered in order of discovery, and the machine that is explored is a private one
//! that nobody has asked anything: the same source, options and vocabulary give the same tables,
//! whatever was asked of the grammar before and however many threads help.

mod interner;
mod layout;
mod reach;
pub(crate) mod summary;

use crate::lazy::LazyMachine;
use crate::lexical_rows::LexicalRows;
use interner::Interner;
use maskwright_tables::pushdown::PushdownTables;
use maskwright_tables::{CancelFlag, LabelSet, LexState, LimitError, Machine, RunError, Symbol};
use reach::{Listener, Reach};
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use summary::{BOTTOM, Gather, Item, Labels, Outcome, OutcomeId, Past, Pending, Summaries, Then};

/// How much an ahead-of-time compile may build, and with how many threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreezeBudget {
    /// Questions asked of the machine, each about one more symbol of a stack.
    pub questions: usize,
    /// Lexical states. A string with several counts has a great many: `email` in a JSON string has
    /// one for each length of its parts, and others for each half-read escape.
    pub lexical_states: usize,
    /// Bytes of the tables, about.
    pub bytes: usize,
    /// Threads. The tables do not depend on it.
    pub jobs: usize,
    /// Whether a budget that runs out while rows are made leaves out the rows of the lexical states
    /// that are not done ([`PushdownTables::complete`] is then false), or is an error.
    pub partial: bool,
}

impl Default for FreezeBudget {
    fn default() -> Self {
        FreezeBudget {
            questions: 50_000_000,
            lexical_states: 200_000,
            bytes: 256 << 20,
            jobs: 1,
            partial: false,
        }
    }
}

/// How far an ahead-of-time compile is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreezeProgress {
    /// What is being made.
    pub stage: &'static str,
    /// How many steps of the stage are done; for rows, lexical states.
    pub done: usize,
    /// How many there are, as far as is known.
    pub of: usize,
}

/// How many symbols are skipped, and the node; none where nothing is pending.
type Target = Option<(u32, u32)>;

/// The lexemes that begin in one lexical state.
struct Group {
    tops: Vec<Symbol>,
    labels: Vec<LabelSet>,
}

struct Explorer<'a> {
    machine: &'a LazyMachine,
    cancel: &'a CancelFlag,
    sums: Summaries<'a>,
    reach: Reach,
    /// What is pending at each node, with the least distance 0.
    nodes: Interner<Box<[Item]>>,
    /// By node: what each symbol leads to, in order of discovery.
    edges: Vec<Vec<(Symbol, OutcomeId)>>,
    /// By node: what does not want the symbol that is found, with that symbol taken off.
    later: Vec<OutcomeId>,
    /// By outcome, where it goes on, once that is known.
    targets: Vec<Option<Target>>,
    edge_count: usize,
    /// By node, what was asked of it.
    seen: Vec<FxHashSet<Symbol>>,
    queue: VecDeque<(u32, Symbol)>,
    done_actions: FxHashSet<(Symbol, u32)>,
    symbols: Interner<Symbol>,
    tops: FxHashSet<Symbol>,
    /// Lexical states, the dead one first.
    states: Interner<LexState>,
    /// By lexical state, the groups whose lexemes pass it.
    passed_by: Vec<Vec<u32>>,
    groups: Vec<Group>,
    group_ids: FxHashMap<LexState, u32>,
    /// Label sets, the empty one first.
    labels: Interner<LabelSet>,
    ends: OutcomeId,
    /// By lexical state; what is not there was left out or is never asked.
    rows: Vec<Option<OutcomeId>>,
    max_states: usize,
    complete: bool,
    /// Bytes of the sets counted so far, and how many those are.
    counted: (usize, usize),
    /// Bytes of the outcomes that edges have led to.
    outcome_bytes: usize,
}

/// Everything that can be asked of a machine, as tables. The machine must be fresh.
pub(crate) fn freeze(
    machine: &LazyMachine,
    budget: FreezeBudget,
    cancel: &CancelFlag,
    progress: &mut dyn FnMut(FreezeProgress),
) -> Result<PushdownTables<'static>, RunError> {
    if machine.control().records() {
        return Err(RunError::Unsupported {
            what: "distinct elements that are arrays or objects",
        });
    }
    let mut explorer = Explorer {
        machine,
        cancel,
        sums: Summaries::new(machine, cancel, budget.questions),
        reach: Reach::default(),
        nodes: Interner::new(),
        edges: Vec::new(),
        later: Vec::new(),
        targets: Vec::new(),
        edge_count: 0,
        seen: Vec::new(),
        queue: VecDeque::new(),
        done_actions: FxHashSet::default(),
        symbols: Interner::new(),
        tops: FxHashSet::default(),
        states: Interner::new(),
        passed_by: Vec::new(),
        groups: Vec::new(),
        group_ids: FxHashMap::default(),
        labels: Interner::new(),
        ends: 0,
        rows: Vec::new(),
        max_states: budget.lexical_states,
        complete: true,
        counted: (0, 0),
        outcome_bytes: 0,
    };
    explorer.steps(budget, progress)?;
    explorer.rows(budget, progress)?;
    progress(FreezeProgress {
        stage: "tables",
        done: 0,
        of: 1,
    });
    explorer.finish()
}

fn over(stage: &'static str, needed: usize, limit: usize) -> RunError {
    LimitError::new(stage, needed as u64, limit as u64).into()
}

impl Explorer<'_> {
    /// Explores steps and ends until nothing is new.
    fn steps(
        &mut self,
        budget: FreezeBudget,
        progress: &mut dyn FnMut(FreezeProgress),
    ) -> Result<(), RunError> {
        self.states.intern(LexState::DEAD);
        self.passed_by.push(Vec::new());
        self.labels.intern(LabelSet::NONE);
        self.ends = self.question(Pending::Rest { then: Then::End });
        let start = self.machine.start();
        self.symbols.intern(start);
        self.reach.lies_below(start, BOTTOM);
        self.becomes_top(start)?;
        loop {
            while let Some((node, symbol)) = self.queue.pop_front() {
                self.explore(node, symbol)?;
                if self.edge_count.is_multiple_of(1024) {
                    progress(FreezeProgress {
                        stage: "steps",
                        done: self.edge_count,
                        of: self.edge_count + self.queue.len(),
                    });
                    let bytes = self.bytes();
                    if bytes > budget.bytes {
                        let stage = "bytes of the steps of an ahead-of-time compile";
                        return Err(over(stage, bytes, budget.bytes));
                    }
                }
            }
            if !self.hear()? {
                return Ok(());
            }
        }
    }

    /// Explores the rows of one lexical state after the other.
    fn rows(
        &mut self,
        budget: FreezeBudget,
        progress: &mut dyn FnMut(FreezeProgress),
    ) -> Result<(), RunError> {
        self.rows = vec![None; self.states.len()];
        let states = self.states.values().to_vec();
        prepare(
            self.machine.shared(),
            &states[1..],
            budget.jobs,
            self.cancel,
        )?;
        // The estimate knows nothing of default edges; where it crosses the budget, it is corrected.
        let mut correction = 1.0;
        for (i, &state) in states.iter().enumerate().skip(1) {
            progress(FreezeProgress {
                stage: "rows",
                done: i - 1,
                of: states.len() - 1,
            });
            // No thread rests on a final state.
            if self.machine.lex_is_final(state) {
                continue;
            }
            let made = self.row(i, state);
            let outcome = match made {
                Ok(outcome) => outcome,
                Err(RunError::Limit(e)) if self.sums.is_spent() && budget.partial => {
                    debug_assert!(!e.is_cancelled());
                    self.complete = false;
                    return Ok(());
                }
                Err(e) => return Err(e),
            };
            let mut bytes = self.bytes();
            if (bytes as f64 * correction) as usize > budget.bytes {
                let exact = self.exact_bytes();
                correction = exact as f64 / bytes as f64;
                bytes = exact;
                if bytes > budget.bytes {
                    if !budget.partial {
                        let stage = "bytes of an ahead-of-time compile";
                        return Err(over(stage, bytes, budget.bytes));
                    }
                    self.complete = false;
                    return Ok(());
                }
            }
            self.rows[i] = Some(outcome);
        }
        Ok(())
    }

    fn row(&mut self, index: usize, state: LexState) -> Result<OutcomeId, RunError> {
        let mut gather = Gather::default();
        // What the lexeme under way must differ from is the matcher's to look at.
        let start = (false, Past::default());
        let all = LexicalRows::VOCABULARY;
        let asks = self.sums.read(&mut gather, state, &[all], start)?;
        gather.items.extend(asks.into_iter().map(|p| (0, p)));
        // With no lexeme under way, or when the one under way ends here.
        let labels = self.machine.lex_accept(state);
        let tokens = (0..self.terminals()).map(Then::Token);
        for then in tokens.chain([Then::End]) {
            let next = if self.machine.lex_is_fresh(state) {
                Pending::Rest { then }
            } else if labels != LabelSet::NONE {
                let labels = Labels::Set(labels);
                Pending::Step { labels, then }
            } else {
                break;
            };
            gather.items.push((0, self.sums.known.pending.intern(next)));
        }
        let outcome = self.sums.finish(gather);
        if let Some((_, node)) = self.target(outcome) {
            for group in self.passed_by[index].clone() {
                for top in self.groups[group as usize].tops.clone() {
                    self.wonder(node, top);
                }
            }
        }
        loop {
            while let Some((node, symbol)) = self.queue.pop_front() {
                self.explore(node, symbol)?;
            }
            if !self.hear()? {
                return Ok(outcome);
            }
        }
    }

    /// How many terminals are tokens.
    fn terminals(&self) -> u32 {
        self.machine.token_terminals().len() as u32
    }

    /// The root of a question.
    fn question(&mut self, pending: Pending) -> OutcomeId {
        let pending = self.sums.known.pending.intern(pending);
        let mut gather = Gather::default();
        gather.items.push((0, pending));
        self.sums.finish(gather)
    }

    /// Where an outcome goes on: how many symbols are skipped, and the node.
    fn target(&mut self, outcome: OutcomeId) -> Target {
        let place = outcome as usize;
        if let Some(&Some(known)) = self.targets.get(place) {
            return known;
        }
        let found = self.sums.outcome(outcome);
        self.outcome_bytes += 16 + 4 * (found.sets.len() + found.actions.len());
        let target = normal(&self.sums.outcome(outcome).items).map(|(gap, items)| {
            let node = self.nodes.intern(items);
            if self.edges.len() <= node as usize {
                let items = self.nodes.get(node).iter();
                let later = items.filter_map(|i| Some((i.0.checked_sub(1)?, i.1)));
                let mut gather = Gather::default();
                gather.items.extend(later);
                self.later.push(self.sums.finish(gather));
                self.edges.push(Vec::new());
                self.seen.push(FxHashSet::default());
            }
            (gap, node)
        });
        if self.targets.len() <= place {
            self.targets.resize(place + 1, None);
        }
        self.targets[place] = Some(target);
        target
    }

    /// Asks what a node does with a symbol, unless that was asked before.
    fn wonder(&mut self, node: u32, symbol: Symbol) {
        if self.seen[node as usize].insert(symbol) {
            self.queue.push_back((node, symbol));
        }
    }

    /// Hears of symbols that can be found at nodes or on top; whether there is anything to do.
    fn hear(&mut self) -> Result<bool, RunError> {
        for (listener, symbol) in self.reach.flow() {
            match listener {
                Listener::Node(node) => self.wonder(node, symbol),
                Listener::Top if symbol != BOTTOM => self.becomes_top(symbol)?,
                _ => {}
            }
        }
        Ok(!self.queue.is_empty())
    }

    /// Finds what a node does with a symbol.
    fn explore(&mut self, node: u32, symbol: Symbol) -> Result<(), RunError> {
        self.cancel.check("ahead-of-time compile")?;
        let mut gather = Gather::default();
        gather.parts.push(self.later[node as usize]);
        for i in 0..self.nodes.get(node).len() {
            let (0, pending) = self.nodes.get(node)[i] else {
                break;
            };
            gather.parts.push(self.sums.of(pending, symbol)?);
        }
        let mut outcome = self.sums.finish(gather);
        if symbol == BOTTOM {
            // Nothing is left of what wants a symbol below the bottom.
            outcome = self.sums.known.outcomes.settled(outcome);
        }
        self.edges[node as usize].push((symbol, outcome));
        self.edge_count += 1;
        if let Some((gap, next)) = self.target(outcome) {
            self.reach.listen(symbol, gap, Listener::Node(next));
        }
        for i in 0..self.sums.outcome(outcome).actions.len() {
            let action = self.sums.outcome(outcome).actions[i];
            if self.done_actions.insert((symbol, action)) {
                self.act(symbol, action)?;
            }
        }
        Ok(())
    }

    /// Notes what an action makes of a stack on which it reads down to `symbol`.
    fn act(&mut self, symbol: Symbol, action: u32) -> Result<(), RunError> {
        let (pop, push) = self.sums.known.outcomes.action(action).clone();
        let mut lower = None;
        for &pushed in &push {
            self.symbols.intern(pushed);
            match (lower, pop.checked_sub(1)) {
                (Some(lower), _) => self.reach.lies_below(pushed, lower),
                (None, None) => self.reach.lies_below(pushed, symbol),
                (None, Some(more)) => self.reach.takes_place(pushed, symbol, more),
            }
            lower = Some(pushed);
        }
        match (lower, pop.checked_sub(1)) {
            (Some(top), _) => self.becomes_top(top),
            (None, None) if symbol != BOTTOM => self.becomes_top(symbol),
            (None, None) => Ok(()),
            (None, Some(more)) => {
                self.reach.listen(symbol, more, Listener::Top);
                Ok(())
            }
        }
    }

    /// Notes that `symbol` can be on top: asks for its end, and for the steps of all lexemes that
    /// begin there.
    fn becomes_top(&mut self, symbol: Symbol) -> Result<(), RunError> {
        if !self.tops.insert(symbol) {
            return Ok(());
        }
        self.symbols.intern(symbol);
        if let Some((_, node)) = self.target(self.ends) {
            self.wonder(node, symbol);
        }
        let start = self.machine.lex_start(symbol)?;
        let group = match self.group_ids.get(&start) {
            Some(&group) => group,
            None => self.group(start)?,
        };
        self.groups[group as usize].tops.push(symbol);
        let labels = self.groups[group as usize].labels.iter();
        let labels: Vec<Labels> = labels
            .map(|labels| Labels::Set(*labels))
            .chain((0..self.terminals()).map(Labels::Token))
            .collect();
        for labels in labels {
            let step = self.question(Pending::Step {
                labels,
                then: Then::Act,
            });
            if let Some((_, node)) = self.target(step) {
                self.wonder(node, symbol);
            }
        }
        Ok(())
    }

    /// The lexemes that begin in a lexical state: its states and labels, found breadth first.
    fn group(&mut self, start: LexState) -> Result<u32, RunError> {
        let id = self.groups.len() as u32;
        self.group_ids.insert(start, id);
        let mut labels = Vec::new();
        let mut seen: FxHashSet<LexState> = FxHashSet::from_iter([start]);
        let mut order = Vec::new();
        if start != LexState::DEAD {
            order.push(start);
        }
        let mut i = 0;
        while let Some(&state) = order.get(i) {
            i += 1;
            self.cancel.check("ahead-of-time compile")?;
            let index = self.states.intern(state) as usize;
            if self.passed_by.len() <= index {
                self.passed_by.push(Vec::new());
            }
            self.passed_by[index].push(id);
            let accept = self.machine.lex_accept(state);
            if accept != LabelSet::NONE && !labels.contains(&accept) {
                labels.push(accept);
                self.labels.intern(accept);
            }
            if order.len().max(self.states.len()) > self.max_states {
                let stage = "lexical states of an ahead-of-time compile";
                let needed = order.len().max(self.states.len());
                return Err(over(stage, needed, self.max_states));
            }
            for (_, _, target) in self.machine.shared().lexicon.edges(state)?.runs() {
                if seen.insert(target) {
                    order.push(target);
                }
            }
        }
        self.groups.push(Group {
            tops: Vec::new(),
            labels,
        });
        Ok(id)
    }

    /// The size of the tables so far, as if no node had a default edge.
    fn bytes(&mut self) -> usize {
        let (mut bytes, sets) = self.counted;
        let shared = self.machine.shared();
        for set in &self.sums.known.sets.values()[sets..] {
            bytes += shared.sets.get(*set).bytes();
        }
        self.counted = (bytes, self.sums.known.sets.len());
        bytes
            + self.outcome_bytes
            + 8 * self.edge_count
            + 8 * self.nodes.len()
            + 64 * self.states.len()
    }

    /// The same, with default edges.
    fn exact_bytes(&mut self) -> usize {
        let saved: usize = self.edges.iter().map(|edges| most(edges).1).sum();
        self.bytes() - 8 * saved
    }
}

/// Items with their least distance taken off; `None` if there are none.
fn normal(items: &[Item]) -> Option<(u32, Box<[Item]>)> {
    let gap = items.iter().map(|i| i.0).min()?;
    let mut items: Box<[Item]> = items.iter().map(|(skip, p)| (skip - gap, *p)).collect();
    items.sort_unstable();
    Some((gap, items))
}

/// The outcome that most symbols lead to, and how many do; of equally frequent ones the first found.
fn most(edges: &[(Symbol, OutcomeId)]) -> (Option<OutcomeId>, usize) {
    let mut counts: FxHashMap<OutcomeId, usize> = FxHashMap::default();
    for (_, outcome) in edges {
        *counts.entry(*outcome).or_default() += 1;
    }
    let mut best = (None, 0);
    for (_, outcome) in edges {
        if counts[outcome] > best.1 {
            best = (Some(*outcome), counts[outcome]);
        }
    }
    best
}

/// Makes the rows of lexical states over the vocabulary, which take most of the time, with several
/// threads. They are the same whoever makes them, and nothing depends on their numbers.
fn prepare(
    shared: &LexicalRows,
    states: &[LexState],
    jobs: usize,
    cancel: &CancelFlag,
) -> Result<(), RunError> {
    if jobs <= 1 {
        return Ok(());
    }
    let next = AtomicUsize::new(0);
    let work = || -> Result<(), LimitError> {
        while let Some(&state) = states.get(next.fetch_add(1, Ordering::Relaxed)) {
            cancel.check("ahead-of-time compile")?;
            for &part in shared.lexicon.parts(state)? {
                shared.row(part, LexicalRows::VOCABULARY, false)?;
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..jobs).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            match thread.join() {
                Ok(done) => done?,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        Ok(())
    })
}
