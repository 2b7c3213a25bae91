//! What a question makes of a stack of which one more symbol is known, remembered by that symbol.
//!
//! A [`Pending`] is what is left of a question when everything known of the stack is used up: a
//! lexeme that ends, a nonterminal that was read, a rest of tokens to be read on. [`Summaries::of`]
//! answers for a pending question and the symbol found below: an [`Outcome`], that is token sets and
//! actions that are certain now, and questions that are pending further down. Symbols that the
//! question itself pushes are not part of it: what is above a pushed symbol is summed up first, and
//! what is then pending is asked of the symbol (*composition*). So a pending question of a machine
//! that works by reductions is one nonterminal, one label and one residual trie, however many
//! symbols were read or pushed before, and outcomes are shared by all stacks that come to the same.
//!
//! The recursion (a lexeme shifts, what is left of the tokens is read, a lexeme ends …) runs on a
//! stack of its own: an attempt that lacks other outcomes names them and is made again when they are
//! there. It ends because every round of it reads bytes of a token or takes symbols off; a round that
//! comes back to itself is a typed error.
//!
//! Where the vocabulary has gaps, some token sets count only if whole tokens complete what they begin
//! ([`Then::Live`]). Tokens follow each other without end, so these questions may lead back to
//! themselves: their outcomes are a least fixed point ([`Summaries::solve`]), which is finite because
//! a question is one of finitely many symbols, labels and rests of tokens.
//!
//! Rests of tokens remember what their tokens have done to lexemes that must differ ([`Past`]), by the
//! rules of the lazy machine; token sets are gathered with what follows from it ([`RoleSet`]).

use crate::lazy::LazyMachine;
use crate::lexical_rows::{LexicalRows, TrieId};
use crate::sets::{SetId, Sets};
use maskwright_automata::lexicon::Spelling;
use maskwright_automata::{ControlError, Move, StackReader};
use maskwright_tables::pushdown::{ONCE, PLAIN, TWICE};
use maskwright_tables::{
    CancelFlag, LabelSet, LexState, LimitError, Machine, RunError, Symbol, heap,
};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;
use std::collections::VecDeque;

/// What happens when a lexeme has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Then {
    /// Its action is the answer.
    Act,
    /// Whether the text may end is the answer.
    End,
    /// The next lexeme reads these rests of tokens, by their number.
    Read(u32, Past),
    /// These rests of tokens are read, and then whole tokens for as long as there is text; if they
    /// come to an end of it, this token set is the answer.
    Live(TrieId, RoleSet),
    /// A token terminal is read next, and its tokens are the answer.
    Token(u32),
    /// It has been read.
    Taken(u32),
}

/// What a lexeme carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Labels {
    /// These labels.
    Set(LabelSet),
    /// The label of this token terminal, by its number in the machine.
    Token(u32),
}

/// What tokens have done to lexemes that must differ, as far as they were read. Always the same where
/// nothing must differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Past {
    /// Whether they have ended such a lexeme.
    ended_one: bool,
    /// Whether they have entered such a lexeme behind the end of another lexeme, and then whether they
    /// had ended one before.
    crossing: Option<bool>,
}

impl Past {
    /// What the tokens are to the matcher: [`PLAIN`], [`ONCE`] or [`TWICE`].
    fn role(self) -> u32 {
        match self.crossing {
            None => PLAIN,
            Some(false) => ONCE,
            Some(true) => TWICE,
        }
    }
}

/// The local number of a token set, and the role of its tokens in the two lowest bits.
pub(crate) type RoleSet = u32;

/// A set in a role.
fn in_role(set: u32, role: u32) -> RoleSet {
    set << 2 | role
}

/// What is left of a question when the known part of the stack is used up. The symbol that is then
/// found is the one just below.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pending {
    /// A lexeme with these labels ends on this symbol.
    Step { labels: Labels, then: Then },
    /// A lexeme with this label (`None`: the end of the text) does, by elementary moves.
    Label { label: Option<u32>, then: Then },
    /// A nonterminal was read before the label; it goes on top of this symbol.
    Goto {
        nonterminal: u32,
        label: Option<u32>,
        then: Then,
    },
    /// The machine reads below symbols that it has read (the last one is the top) before it says
    /// what these labels do; or, without labels, whether the text may end.
    Below {
        known: Box<[Symbol]>,
        labels: Option<Labels>,
        then: Then,
    },
    /// A token ends in this state of a lexeme that began on this symbol.
    Inside { state: LexState, then: Then },
    /// This symbol is on top and no lexeme is under way.
    Rest { then: Then },
}

/// An interned [`Pending`].
pub(crate) type PendingId = u32;
/// An interned [`Outcome`]. 0 is the empty one.
pub(crate) type OutcomeId = u32;

/// How many symbols lie between the one just read and the one that is wanted, and what for.
pub(crate) type Item = (u32, PendingId);

/// An action from the symbol read: how many symbols it takes off, that one being the first, and
/// what it then pushes.
pub(crate) type Action = (u32, Box<[Symbol]>);

/// Below the bottom of the stack.
pub(crate) const BOTTOM: Symbol = Symbol(u32::MAX);

/// What is known when one more symbol is known. All lists are sorted and free of duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Outcome {
    /// Token sets.
    pub sets: Box<[RoleSet]>,
    pub ends: bool,
    /// Interned actions.
    pub actions: Box<[u32]>,
    pub items: Box<[Item]>,
}

/// An outcome in the making.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    pub sets: Vec<RoleSet>,
    pub ends: bool,
    pub actions: Vec<u32>,
    pub items: Vec<Item>,
}

/// Interned values, numbered in order of discovery.
#[derive(Debug)]
pub(crate) struct Interner<T> {
    ids: FxHashMap<T, u32>,
    values: Vec<T>,
}

impl<T: Clone + Eq + std::hash::Hash> Interner<T> {
    pub fn new() -> Self {
        Interner {
            ids: FxHashMap::default(),
            values: Vec::new(),
        }
    }

    /// Bytes held, about, if each value owns so many.
    fn heap_bytes(&self, each: usize) -> usize {
        let own = 2 * self.values.len() * each;
        heap::list::<T>(self.values.capacity()) + heap::table::<T, u32>(self.ids.len()) + own
    }

    pub fn intern(&mut self, value: T) -> u32 {
        if let Some(&id) = self.ids.get(&value) {
            return id;
        }
        let id = self.values.len() as u32;
        self.values.push(value.clone());
        self.ids.insert(value, id);
        id
    }

    pub fn get(&self, id: u32) -> &T {
        &self.values[id as usize]
    }

    pub fn find(&self, value: &T) -> Option<u32> {
        self.ids.get(value).copied()
    }

    pub fn values(&self) -> &[T] {
        &self.values
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }
}

/// Notes that the text may end.
fn accept(gather: &mut Gather, then: Then) {
    match then {
        Then::Live(_, answer) => gather.sets.push(answer),
        _ => gather.ends = true,
    }
}

impl Pending {
    /// Whether it is about whole tokens, as many as there may be.
    fn is_live(&self) -> bool {
        matches!(
            self,
            Pending::Step {
                then: Then::Live(..),
                ..
            } | Pending::Label {
                then: Then::Live(..),
                ..
            } | Pending::Goto {
                then: Then::Live(..),
                ..
            } | Pending::Below {
                then: Then::Live(..),
                ..
            } | Pending::Inside { .. }
                | Pending::Rest {
                    then: Then::Live(..)
                }
        )
    }
}

/// See the module.
pub(crate) struct Summaries<'a> {
    pub machine: &'a LazyMachine,
    cancel: &'a CancelFlag,
    pub pending: Interner<Pending>,
    pub outcomes: Interner<Outcome>,
    pub actions: Interner<Action>,
    /// Token sets in order of discovery.
    pub sets: Interner<SetId>,
    /// Rests of tokens that are read on from the same stack: one question, of however many parts.
    rests: Interner<Box<[TrieId]>>,
    memo: FxHashMap<(PendingId, Symbol), OutcomeId>,
    /// What the attempt under way lacks.
    missing: Vec<(PendingId, Symbol)>,
    /// Outcomes found so far, the bound on their number, and what to call it.
    found: usize,
    budget: usize,
    stage: &'static str,
    solver: Option<Solver>,
}

/// A pending question and the symbol that was found.
type Goal = (PendingId, Symbol);

/// What is known so far of questions that may lead back to themselves.
#[derive(Debug, Default)]
struct Solver {
    current: Option<Goal>,
    values: FxHashMap<Goal, OutcomeId>,
    /// By question, which others its outcome is part of.
    parts_of: FxHashMap<Goal, Vec<Goal>>,
    known_parts: FxHashSet<(Goal, Goal)>,
    queue: VecDeque<Goal>,
    queued: FxHashSet<Goal>,
}

/// What [`Summaries`] remember, without the machine.
#[derive(Debug)]
pub(crate) struct Memory {
    pending: Interner<Pending>,
    outcomes: Interner<Outcome>,
    actions: Interner<Action>,
    sets: Interner<SetId>,
    rests: Interner<Box<[TrieId]>>,
    memo: FxHashMap<Goal, OutcomeId>,
}

impl Default for Memory {
    fn default() -> Self {
        let mut outcomes = Interner::new();
        outcomes.intern(Outcome::default());
        Memory {
            pending: Interner::new(),
            outcomes,
            actions: Interner::new(),
            sets: Interner::new(),
            rests: Interner::new(),
            memo: FxHashMap::default(),
        }
    }
}

impl Memory {
    /// Bytes held, about. O(1).
    pub fn heap_bytes(&self) -> usize {
        const LIST: usize = 64;
        self.pending.heap_bytes(0)
            + self.outcomes.heap_bytes(LIST)
            + self.actions.heap_bytes(LIST / 2)
            + self.sets.heap_bytes(0)
            + self.rests.heap_bytes(LIST / 2)
            + heap::table::<Goal, OutcomeId>(self.memo.len())
    }
}

/// What the machine reads of symbols that are known down to some depth.
struct Known<'a> {
    symbols: &'a [Symbol],
    /// Whether the last known one lies at the bottom.
    whole: bool,
}

impl StackReader for Known<'_> {
    fn read(&mut self, depth: usize) -> Result<Option<Symbol>, ControlError> {
        match self.symbols.len().checked_sub(depth + 1) {
            Some(i) => Ok(Some(self.symbols[i])),
            None if self.whole => Ok(None),
            None => Err(ControlError::Unknown(depth)),
        }
    }
}

impl<'a> Summaries<'a> {
    /// What [`Then::Live`] gathers where nothing but whether it does is asked.
    pub const ALIVE: RoleSet = u32::MAX;

    pub fn new(machine: &'a LazyMachine, cancel: &'a CancelFlag, budget: usize) -> Self {
        let stage = "questions of an ahead-of-time compile";
        Self::with_memory(machine, cancel, (budget, stage), Memory::default())
    }

    /// Summaries of a machine of which something is known, and a bound on questions by its name.
    pub fn with_memory(
        machine: &'a LazyMachine,
        cancel: &'a CancelFlag,
        (budget, stage): (usize, &'static str),
        memory: Memory,
    ) -> Self {
        Summaries {
            machine,
            cancel,
            pending: memory.pending,
            outcomes: memory.outcomes,
            actions: memory.actions,
            sets: memory.sets,
            rests: memory.rests,
            memo: memory.memo,
            missing: Vec::new(),
            found: 0,
            budget,
            stage,
            solver: None,
        }
    }

    pub fn into_memory(self) -> Memory {
        Memory {
            pending: self.pending,
            outcomes: self.outcomes,
            actions: self.actions,
            sets: self.sets,
            rests: self.rests,
            memo: self.memo,
        }
    }

    /// Whether the budget has run out.
    pub fn is_spent(&self) -> bool {
        self.found > self.budget
    }

    pub fn outcome(&self, id: OutcomeId) -> &Outcome {
        self.outcomes.get(id)
    }

    /// Interns what was gathered.
    pub fn finish(&mut self, mut gather: Gather) -> OutcomeId {
        fn sorted<T: Ord>(mut list: Vec<T>) -> Box<[T]> {
            list.sort_unstable();
            list.dedup();
            list.into()
        }
        // Sets that hold nothing say nothing.
        if let Some(empty) = self.sets.find(&Sets::EMPTY) {
            gather.sets.retain(|s| s >> 2 != empty);
        }
        self.outcomes.intern(Outcome {
            sets: sorted(gather.sets),
            ends: gather.ends,
            actions: sorted(gather.actions),
            items: sorted(gather.items),
        })
    }

    /// What becomes of a pending question when this symbol is found.
    pub fn of(&mut self, pending: PendingId, symbol: Symbol) -> Result<OutcomeId, RunError> {
        if let Some(&id) = self.memo.get(&(pending, symbol)) {
            return Ok(id);
        }
        let mut work = vec![(pending, symbol)];
        let mut open: FxHashSet<(PendingId, Symbol)> = FxHashSet::default();
        while let Some(&goal) = work.last() {
            if self.memo.contains_key(&goal) {
                open.remove(&goal);
                work.pop();
                continue;
            }
            if self.pending.get(goal.0).is_live() {
                self.solve(goal)?;
                continue;
            }
            self.cancel.check("ahead-of-time compile")?;
            self.missing.clear();
            let gather = self.attempt(goal.0, goal.1)?;
            if self.missing.is_empty() {
                self.count()?;
                let id = self.finish(gather);
                self.memo.insert(goal, id);
                continue;
            }
            open.insert(goal);
            for lack in std::mem::take(&mut self.missing) {
                if open.contains(&lack) {
                    return Err(LimitError::new("reductions that lead to themselves", 1, 0).into());
                }
                work.push(lack);
            }
        }
        Ok(self.memo[&(pending, symbol)])
    }

    fn count(&mut self) -> Result<(), RunError> {
        self.found += 1;
        if self.is_spent() {
            let (found, budget) = (self.found as u64, self.budget as u64);
            return Err(LimitError::new(self.stage, found, budget).into());
        }
        Ok(())
    }

    /// Finds the outcome of a question about whole tokens, which may lead back to itself: the least one
    /// that agrees with those of all questions that it leads to. They only grow: what has become part of
    /// another outcome that grew is asked again.
    fn solve(&mut self, goal: Goal) -> Result<(), RunError> {
        let mut solver = Solver::default();
        solver.values.insert(goal, 0);
        solver.queue.push_back(goal);
        self.solver = Some(solver);
        let solved = self.iterate();
        if let Some(solver) = self.solver.take()
            && solved.is_ok()
        {
            self.memo.extend(solver.values);
        }
        solved
    }

    fn iterate(&mut self) -> Result<(), RunError> {
        while let Some(goal) = self.solver.as_mut().and_then(|s| s.queue.pop_front()) {
            self.cancel.check("search for a completion")?;
            self.count()?;
            if let Some(solver) = &mut self.solver {
                solver.queued.remove(&goal);
                solver.current = Some(goal);
            }
            let gather = self.attempt(goal.0, goal.1)?;
            let id = self.finish(gather);
            let Some(solver) = &mut self.solver else {
                break;
            };
            if solver.values.insert(goal, id) != Some(id) {
                for &whole in solver.parts_of.get(&goal).into_iter().flatten() {
                    if solver.queued.insert(whole) {
                        solver.queue.push_back(whole);
                    }
                }
            }
        }
        Ok(())
    }

    /// An outcome that is there, or one that is noted as missing.
    fn want(&mut self, pending: Pending, symbol: Symbol) -> Option<OutcomeId> {
        let pending = self.pending.intern(pending);
        self.want_id(pending, symbol)
    }

    fn want_id(&mut self, pending: PendingId, symbol: Symbol) -> Option<OutcomeId> {
        let found = self.memo.get(&(pending, symbol)).copied();
        if let (None, Some(solver)) = (found, &mut self.solver) {
            let goal = (pending, symbol);
            if let Some(whole) = solver.current
                && solver.known_parts.insert((goal, whole))
            {
                solver.parts_of.entry(goal).or_default().push(whole);
            }
            let value = solver.values.entry(goal).or_insert_with(|| {
                solver.queued.insert(goal);
                solver.queue.push_back(goal);
                0
            });
            return Some(*value);
        }
        if found.is_none() && !self.missing.contains(&(pending, symbol)) {
            self.missing.push((pending, symbol));
        }
        found
    }

    pub fn add(&self, gather: &mut Gather, outcome: Option<OutcomeId>) {
        let Some(id) = outcome.filter(|id| *id != 0) else {
            return;
        };
        let outcome = self.outcomes.get(id);
        gather.sets.extend_from_slice(&outcome.sets);
        gather.ends |= outcome.ends;
        gather.actions.extend_from_slice(&outcome.actions);
        gather.items.extend_from_slice(&outcome.items);
    }

    /// Adds the outcome of a question about a stack that ends in `pushed` (the last one on top),
    /// seen from the symbol at its lowest place on.
    fn add_pushed(&mut self, gather: &mut Gather, then: Then, pushed: &[Symbol]) {
        let Some((&top, below)) = pushed.split_last() else {
            return;
        };
        let Some(id) = self.want(Pending::Rest { then }, top) else {
            return;
        };
        let mut all = self.outcome(id).clone();
        let mut above = top;
        for &symbol in below.iter().rev() {
            let mut next = Gather::default();
            self.compose(&mut next, all, above, symbol);
            if !self.missing.is_empty() {
                return;
            }
            let id = self.finish(next);
            all = self.outcome(id).clone();
            above = symbol;
        }
        gather.sets.extend_from_slice(&all.sets);
        gather.ends |= all.ends;
        gather.actions.extend_from_slice(&all.actions);
        gather.items.extend_from_slice(&all.items);
    }

    /// Adds an outcome of the pushed symbol `above` as one of the symbol on which it was pushed.
    fn compose(&mut self, gather: &mut Gather, outcome: Outcome, above: Symbol, symbol: Symbol) {
        gather.sets.extend_from_slice(&outcome.sets);
        gather.ends |= outcome.ends;
        for &action in &outcome.actions {
            let (pop, push) = self.actions.get(action).clone();
            let action = match pop.checked_sub(1) {
                Some(pop) => (pop, push),
                None => (0, [&[above][..], &push].concat().into()),
            };
            gather.actions.push(self.actions.intern(action));
        }
        for &(skip, pending) in &outcome.items {
            match skip.checked_sub(1) {
                Some(skip) => gather.items.push((skip, pending)),
                None => {
                    let found = self.want_id(pending, symbol);
                    self.add(gather, found);
                }
            }
        }
    }

    fn attempt(&mut self, pending: PendingId, symbol: Symbol) -> Result<Gather, RunError> {
        let mut gather = Gather::default();
        let gone = symbol == BOTTOM;
        match self.pending.get(pending).clone() {
            Pending::Step { labels, then } => {
                let machine = self.machine;
                let then = self.ended(then, symbol, labels)?;
                let list = self.list(labels);
                // Whether the machine works by reductions does not depend on the label.
                let reduces = !gone
                    && list.first().is_some_and(|l| {
                        matches!(machine.control().moves(symbol, Some(*l)), Ok(Some(_)))
                    });
                if reduces {
                    for &label in list {
                        let label = Some(label);
                        let found = self.want(Pending::Label { label, then }, symbol);
                        self.add(&mut gather, found);
                    }
                } else {
                    self.ask(&mut gather, &[], Some(labels), then, symbol)?;
                }
            }
            Pending::Label { label, then } => {
                if !gone {
                    let moves = self.machine.control().moves(symbol, label);
                    let moves = moves.map_err(crate::lazy::run_error)?.unwrap_or_default();
                    for m in moves {
                        self.take(&mut gather, m, label, then, symbol);
                    }
                }
            }
            Pending::Goto {
                nonterminal,
                label,
                then,
            } => {
                if !gone {
                    let target = self.machine.control().goto(symbol, nonterminal);
                    if let Some(target) = target.map_err(crate::lazy::run_error)?
                        && let Some(id) = self.want(Pending::Label { label, then }, target)
                    {
                        let outcome = self.outcome(id).clone();
                        self.compose(&mut gather, outcome, target, symbol);
                    }
                }
            }
            Pending::Below {
                known,
                labels,
                then,
            } => self.ask(&mut gather, &known, labels, then, symbol)?,
            Pending::Inside { state, then } => {
                if let (Then::Live(_, answer), false) = (then, gone) {
                    match self.machine.shared().lexicon.spelling(state)? {
                        Spelling::Whole if self.machine.is_whole() => gather.sets.push(answer),
                        Spelling::Never => {}
                        _ => {
                            let all = LexicalRows::VOCABULARY;
                            self.live_from(&mut gather, state, (all, answer), symbol)?;
                        }
                    }
                }
            }
            Pending::Rest { then } => self.rest(&mut gather, then, symbol)?,
        }
        Ok(gather)
    }

    /// The tokens of a token terminal: the local number of their set.
    pub fn terminal_set(&mut self, terminal: u32) -> u32 {
        let tokens = &self.machine.token_terminals()[terminal as usize].tokens;
        let set = self.machine.shared().sets.intern(tokens.to_vec());
        self.sets.intern(set)
    }

    /// The labels themselves.
    fn list(&self, labels: Labels) -> &'a [u32] {
        match labels {
            Labels::Set(labels) => self.machine.shared().lexicon.labels(labels),
            Labels::Token(terminal) => {
                std::slice::from_ref(&self.machine.token_terminals()[terminal as usize].label)
            }
        }
    }

    /// What happens next, when a lexeme that began on `symbol` ends with these labels.
    fn ended(&self, then: Then, symbol: Symbol, labels: Labels) -> Result<Then, RunError> {
        let (Then::Read(rests, past), Labels::Set(labels)) = (then, labels) else {
            return Ok(then);
        };
        let ended_one = past.ended_one
            || symbol != BOTTOM
                && self.machine.distinct(symbol)?
                && self.machine.must_differ(symbol, labels)?;
        Ok(Then::Read(rests, Past { ended_one, ..past }))
    }

    /// One elementary move.
    fn take(
        &mut self,
        gather: &mut Gather,
        m: Move,
        label: Option<u32>,
        then: Then,
        symbol: Symbol,
    ) {
        match m {
            Move::Accept => accept(gather, then),
            Move::Shift(pushed) => {
                let stack = [&[symbol][..], &pushed].concat();
                self.add_pushed(gather, then, &stack);
            }
            Move::Reduce { pop, nonterminal } => {
                let goto = self.pending.intern(Pending::Goto {
                    nonterminal,
                    label,
                    then,
                });
                gather.items.push((pop.saturating_sub(1), goto));
            }
        }
    }

    /// No lexeme is under way and `symbol` is on top.
    fn rest(&mut self, gather: &mut Gather, then: Then, symbol: Symbol) -> Result<(), RunError> {
        let machine = self.machine;
        match then {
            Then::Act => gather
                .actions
                .push(self.actions.intern((0, Box::default()))),
            Then::End => {
                let moves = match symbol {
                    BOTTOM => None,
                    _ => machine
                        .control()
                        .moves(symbol, None)
                        .map_err(crate::lazy::run_error)?,
                };
                match moves {
                    Some(_) => {
                        let found = self.want(Pending::Label { label: None, then }, symbol);
                        self.add(gather, found);
                    }
                    None => self.ask(gather, &[], None, then, symbol)?,
                }
            }
            Then::Token(terminal) => {
                if symbol != BOTTOM {
                    let (labels, then) = (Labels::Token(terminal), Then::Taken(terminal));
                    let found = self.want(Pending::Step { labels, then }, symbol);
                    self.add(gather, found);
                }
            }
            Then::Taken(terminal) => {
                let set = self.terminal_set(terminal);
                self.complete(gather, in_role(set, PLAIN), symbol);
            }
            Then::Live(trie, answer) => self.live(gather, (trie, answer), symbol)?,
            Then::Read(rests, mut past) => {
                let rests = self.rests.get(rests).clone();
                for &trie in &rests {
                    let here = machine.shared().here(trie);
                    if here != Sets::EMPTY {
                        let here = self.sets.intern(here);
                        self.complete(gather, in_role(here, past.role()), symbol);
                    }
                }
                if symbol == BOTTOM {
                    return Ok(());
                }
                let start = machine.lex_start(symbol)?;
                let mut met: Vec<TrieId> = Vec::new();
                for &trie in &rests {
                    if start != LexState::DEAD && machine.shared().meets(start, trie)? {
                        met.push(trie);
                    }
                }
                if met.is_empty() {
                    return Ok(());
                }
                let distinct = machine.distinct(symbol)?;
                let enters = distinct && past.crossing.is_none();
                if distinct {
                    past.crossing = past.crossing.max(Some(past.ended_one));
                }
                let mut doubtful = Vec::new();
                let exits = self.read(gather, start, &met, (enters, past), &mut doubtful)?;
                for pending in doubtful {
                    let found = self.want_id(pending, symbol);
                    self.add(gather, found);
                }
                for (labels, rests) in exits {
                    let (labels, then) = (Labels::Set(labels), Then::Read(rests, past));
                    let found = self.want(Pending::Step { labels, then }, symbol);
                    self.add(gather, found);
                }
            }
        }
        Ok(())
    }

    /// Adds tokens that end on `symbol`, with no lexeme under way, if tokens can complete that.
    fn complete(&mut self, gather: &mut Gather, tokens: RoleSet, symbol: Symbol) {
        if !self.machine.asks_rows() || self.machine.is_whole() {
            gather.sets.push(tokens);
            return;
        }
        let then = Then::Live(LexicalRows::VOCABULARY, tokens);
        let found = self.want(Pending::Rest { then }, symbol);
        self.add(gather, found);
    }

    /// Adds `answer` if rests of tokens can be read on this symbol, and then tokens, to an end of the
    /// text.
    fn live(
        &mut self,
        gather: &mut Gather,
        (trie, answer): (TrieId, RoleSet),
        symbol: Symbol,
    ) -> Result<(), RunError> {
        let machine = self.machine;
        let all = LexicalRows::VOCABULARY;
        if trie == all || machine.shared().here(trie) != Sets::EMPTY {
            if machine.is_whole() {
                gather.sets.push(answer);
                return Ok(());
            }
            let then = Then::Live(all, answer);
            if trie != all {
                let found = self.want(Pending::Rest { then }, symbol);
                self.add(gather, found);
            } else {
                self.live_at_end(gather, then, symbol)?;
            }
        }
        if symbol == BOTTOM {
            return Ok(());
        }
        let start = machine.lex_start(symbol)?;
        if start != LexState::DEAD && machine.shared().meets(start, trie)? {
            for &alternative in machine.shared().lexicon.parts(start)? {
                self.live_from(gather, alternative, (trie, answer), symbol)?;
            }
        }
        Ok(())
    }

    /// Whether the text may end here, or a token as a whole comes next.
    fn live_at_end(
        &mut self,
        gather: &mut Gather,
        then: Then,
        symbol: Symbol,
    ) -> Result<(), RunError> {
        let machine = self.machine;
        let moves = match symbol {
            BOTTOM => Ok(None),
            _ => machine.control().moves(symbol, None),
        };
        if moves.map_err(crate::lazy::run_error)?.is_some() {
            let found = self.want(Pending::Label { label: None, then }, symbol);
            self.add(gather, found);
        } else {
            self.ask(gather, &[], None, then, symbol)?;
        }
        for terminal in 0..machine.token_terminals().len() as u32 {
            let labels = Labels::Token(terminal);
            let found = self.want(Pending::Step { labels, then }, symbol);
            self.add(gather, found);
        }
        Ok(())
    }

    /// Adds `answer` if rests of tokens can be read from a lexical state on, and then tokens, to an end
    /// of the text.
    fn live_from(
        &mut self,
        gather: &mut Gather,
        state: LexState,
        (trie, answer): (TrieId, RoleSet),
        symbol: Symbol,
    ) -> Result<(), RunError> {
        let machine = self.machine;
        let row = machine.shared().row(state, trie, machine.apart)?;
        if machine.is_whole() && row.inside != Sets::EMPTY {
            gather.sets.push(answer);
            return Ok(());
        }
        for &(state, ..) in &row.ends {
            let then = Then::Live(LexicalRows::VOCABULARY, answer);
            let found = self.want(Pending::Inside { state, then }, symbol);
            self.add(gather, found);
        }
        for &(labels, rest) in &row.exits {
            let (labels, then) = (Labels::Set(labels), Then::Live(rest, answer));
            let found = self.want(Pending::Step { labels, then }, symbol);
            self.add(gather, found);
        }
        Ok(())
    }

    /// Adds the tokens of some tries that stay inside the lexeme begun in `state`; how it can end. `enters`
    /// says whether it is the first lexeme that the tokens enter which may have to differ. What the
    /// symbol on top has to say of is `doubtful`.
    pub fn read(
        &mut self,
        gather: &mut Gather,
        state: LexState,
        tries: &[TrieId],
        (enters, past): (bool, Past),
        doubtful: &mut Vec<PendingId>,
    ) -> Result<Vec<(LabelSet, u32)>, RunError> {
        let shared: &LexicalRows = self.machine.shared();
        let mut exits: Vec<(LabelSet, bool, TrieId)> = Vec::new();
        if state == LexState::DEAD {
            return Ok(Vec::new());
        }
        for &alternative in shared.lexicon.parts(state)? {
            // Only arrays and objects run out, and those that must differ are not frozen.
            let entered = enters.then_some(alternative);
            let (has_gaps, is_whole) = (self.machine.asks_rows(), self.machine.is_whole());
            for &trie in tries {
                let row = shared.row(alternative, trie, self.machine.apart)?;
                if !has_gaps || is_whole {
                    let sets = self.in_roles(row.inside, trie, (entered, past));
                    gather.sets.extend(sets);
                }
                for &(state, spelling, tokens) in &row.ends {
                    if is_whole && spelling == Spelling::Whole {
                        continue;
                    }
                    for set in self.in_roles(tokens, trie, (entered, past)) {
                        let then = Then::Live(LexicalRows::VOCABULARY, set);
                        doubtful.push(self.pending.intern(Pending::Inside { state, then }));
                    }
                }
                let own = shared.exits(row, self.machine.apart)?.iter();
                exits.extend(own.map(|&(labels, rest)| (labels, rest != trie, rest)));
            }
        }
        // By what they are: the numbers of label sets and tries depend on what was asked before, and by
        // whom. Of the same labels, the whole trie comes first.
        exits.sort_by_key(|(labels, part, _)| (shared.lexicon.labels(*labels), *part));
        let mut out = Vec::new();
        for group in exits.chunk_by(|a, b| a.0 == b.0) {
            let mut rests: Vec<TrieId> = Vec::new();
            for (_, _, rest) in group {
                if !rests.contains(rest) {
                    rests.push(*rest);
                }
            }
            out.push((group[0].0, self.rests.intern(rests.into())));
        }
        Ok(out)
    }

    /// Tokens that stay inside a lexeme, in their roles.
    fn in_roles(
        &mut self,
        inside: SetId,
        trie: TrieId,
        (entered, past): (Option<LexState>, Past),
    ) -> SmallVec<[RoleSet; 2]> {
        let shared: &LexicalRows = self.machine.shared();
        let whole = self.sets.intern(shared.sets.whole(inside));
        let mut sets = SmallVec::new();
        let mut role = PLAIN;
        if past.role() != PLAIN {
            let mut crossing = Vec::new();
            self.machine.crossing(entered, trie, inside, &mut crossing);
            let crossing = self.sets.intern(shared.sets.intern(crossing));
            if crossing == whole {
                role = past.role();
            } else {
                sets.push(in_role(crossing, past.role()));
            }
        }
        sets.push(in_role(whole, role));
        sets
    }

    /// Asks the machine about known symbols and one more below them.
    fn ask(
        &mut self,
        gather: &mut Gather,
        known: &[Symbol],
        labels: Option<Labels>,
        then: Then,
        symbol: Symbol,
    ) -> Result<(), RunError> {
        let whole = symbol == BOTTOM;
        let known: Vec<Symbol> = match whole {
            true => known.to_vec(),
            false => [&[symbol][..], known].concat(),
        };
        let control = self.machine.control();
        let mut reader = Known {
            symbols: &known,
            whole,
        };
        let unknown = |this: &mut Self, gather: &mut Gather| {
            let below = this.pending.intern(Pending::Below {
                known: known.clone().into(),
                labels,
                then,
            });
            gather.items.push((0, below));
        };
        let Some(labels) = labels else {
            match control.ends(&mut reader) {
                Ok(true) => accept(gather, then),
                Ok(false) => {}
                Err(ControlError::Unknown(_)) => unknown(self, gather),
                Err(e) => return Err(crate::lazy::run_error(e)),
            }
            return Ok(());
        };
        let list = self.list(labels);
        let actions = match control.step(&mut reader, list) {
            Ok(actions) => actions,
            Err(ControlError::Unknown(_)) => {
                unknown(self, gather);
                return Ok(());
            }
            Err(e) => return Err(crate::lazy::run_error(e)),
        };
        for action in actions {
            let pop = action.pop as usize;
            let kept = known.len().saturating_sub(pop);
            let beyond = pop.saturating_sub(known.len()) as u32;
            if then == Then::Act {
                // Seen from the lowest symbol read; what lies above it is gone and comes back.
                let (pop, from) = match kept {
                    _ if whole => (0, 0),
                    0 => (1 + beyond, 0),
                    _ => (0, 1),
                };
                let push = [&known[from..kept.max(from)], &action.push].concat();
                gather.actions.push(self.actions.intern((pop, push.into())));
                continue;
            }
            let stack = [&known[..kept], &action.push].concat();
            if stack.is_empty() {
                if !whole {
                    let rest = self.pending.intern(Pending::Rest { then });
                    gather.items.push((beyond, rest));
                }
                continue;
            }
            let mut part = Gather::default();
            self.add_pushed(&mut part, then, &stack);
            gather.sets.append(&mut part.sets);
            gather.ends |= part.ends;
            // What is pending lies below what was taken off.
            let items = part.items.into_iter();
            gather
                .items
                .extend(items.map(|(skip, p)| (skip + beyond, p)));
        }
        Ok(())
    }
}
