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
//! A grammar of a programming language has ten million of these answers and a few hundred thousand different
//! outcomes. So outcomes are put together by their numbers (`outcome`), how tokens are read from the start of a
//! lexeme is found once for all symbols on which it begins ([`Start`]), and each question has a small table of its
//! own ([`Goals`]), since it is asked of many symbols in a row: one large table costs a cache miss an answer.
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

mod outcome;
mod questions;

use crate::freeze::interner::Interner;
use crate::lazy::LazyMachine;
use crate::lexical_rows::TrieId;
use crate::sets::{SetId, Sets};
use maskwright_tables::pushdown::{ONCE, PLAIN, TWICE};
use maskwright_tables::{CancelFlag, LabelSet, LexState, LimitError, RunError, Symbol, heap};
pub(crate) use outcome::{Gather, Item, NOTHING, Outcome, OutcomeId, Outcomes};
use rustc_hash::{FxHashMap, FxHashSet};
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

/// Below the bottom of the stack.
pub(crate) const BOTTOM: Symbol = Symbol(u32::MAX);

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
    pub known: Memory,
    /// What the attempt under way lacks; empty between attempts.
    missing: Vec<Goal>,
    /// Goals that are to be found before others, and those that wait for them.
    work: Vec<Goal>,
    open: FxHashSet<Goal>,
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

/// How tokens are read on from the start of a lexeme: its state, the rests of tokens, whether it may have
/// to differ, and what the tokens have done before.
type Start = (LexState, u32, bool, Past);

/// Numbers by question and symbol. A question is asked of many symbols in a row, so each has a table of its
/// own, and a small one.
#[derive(Debug, Default)]
struct Goals {
    tables: Vec<FxHashMap<Symbol, u32>>,
    len: usize,
}

impl Goals {
    #[inline]
    fn get(&self, (pending, symbol): Goal) -> Option<u32> {
        let table = self.tables.get(pending as usize)?;
        table.get(&symbol).copied()
    }

    fn insert(&mut self, (pending, symbol): Goal, number: u32) {
        let pending = pending as usize;
        if self.tables.len() <= pending {
            self.tables.resize_with(pending + 1, FxHashMap::default);
        }
        let before = self.tables[pending].insert(symbol, number);
        self.len += usize::from(before.is_none());
    }

    /// Bytes held, about. O(1).
    fn heap_bytes(&self) -> usize {
        let tables = heap::list::<FxHashMap<Symbol, u32>>(self.tables.capacity());
        tables + heap::table::<Symbol, u32>(self.len)
    }
}

/// What [`Summaries`] remember, without the machine.
#[derive(Debug)]
pub(crate) struct Memory {
    pub pending: Interner<Pending>,
    pub outcomes: Outcomes,
    /// Token sets in order of discovery.
    pub sets: Interner<SetId>,
    /// Rests of tokens that are read on from the same stack: one question, of however many parts.
    rests: Interner<Box<[TrieId]>>,
    /// Outcomes.
    memo: Goals,
    /// By a question about a nonterminal and the symbol that goes on top: the place of a partial outcome.
    gotos: Goals,
    /// How tokens are read on from the start of a lexeme: places of partial outcomes.
    readings: FxHashMap<Start, u32>,
}

impl Default for Memory {
    fn default() -> Self {
        Memory {
            pending: Interner::new(),
            outcomes: Outcomes::default(),
            sets: Interner::new(),
            rests: Interner::new(),
            memo: Goals::default(),
            gotos: Goals::default(),
            readings: FxHashMap::default(),
        }
    }
}

impl Memory {
    /// Bytes held, about. O(1).
    pub fn heap_bytes(&self) -> usize {
        const LIST: usize = 32;
        self.pending.heap_bytes(0)
            + self.outcomes.heap_bytes()
            + self.sets.heap_bytes(0)
            + self.rests.heap_bytes(LIST)
            + self.memo.heap_bytes()
            + self.gotos.heap_bytes()
            + heap::table::<Start, u32>(self.readings.len())
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
            known: memory,
            missing: Vec::new(),
            work: Vec::new(),
            open: FxHashSet::default(),
            found: 0,
            budget,
            stage,
            solver: None,
        }
    }

    pub fn into_memory(self) -> Memory {
        self.known
    }

    /// Whether the budget has run out.
    pub fn is_spent(&self) -> bool {
        self.found > self.budget
    }

    pub fn outcome(&self, id: OutcomeId) -> &Outcome {
        self.known.outcomes.get(id)
    }

    /// Interns what was gathered.
    pub fn finish(&mut self, mut gather: Gather) -> OutcomeId {
        // Sets that hold nothing say nothing.
        if !gather.sets.is_empty()
            && let Some(empty) = self.known.sets.find(&Sets::EMPTY)
        {
            gather.sets.retain(|s| s >> 2 != empty);
        }
        self.known.outcomes.gathered(gather)
    }

    /// What becomes of a pending question when this symbol is found.
    #[inline]
    pub fn of(&mut self, pending: PendingId, symbol: Symbol) -> Result<OutcomeId, RunError> {
        match self.known.memo.get((pending, symbol)) {
            Some(id) => Ok(id),
            None => self.find(pending, symbol),
        }
    }

    fn find(&mut self, pending: PendingId, symbol: Symbol) -> Result<OutcomeId, RunError> {
        self.work.clear();
        self.open.clear();
        self.missing.clear();
        self.work.push((pending, symbol));
        let mut last = NOTHING;
        while let Some(&goal) = self.work.last() {
            // One goal may be part of several, and of the first one first.
            if let Some(id) = self.known.memo.get(goal) {
                last = id;
                self.open.remove(&goal);
                self.work.pop();
                continue;
            }
            if self.known.pending.get(goal.0).is_live() {
                self.solve(goal)?;
                continue;
            }
            self.cancel.check("ahead-of-time compile")?;
            let gather = self.attempt(goal.0, goal.1)?;
            if self.missing.is_empty() {
                self.count()?;
                last = self.finish(gather);
                self.known.memo.insert(goal, last);
                self.open.remove(&goal);
                self.work.pop();
                continue;
            }
            self.open.insert(goal);
            for lack in self.missing.drain(..) {
                if self.open.contains(&lack) {
                    return Err(LimitError::new("reductions that lead to themselves", 1, 0).into());
                }
                self.work.push(lack);
            }
        }
        Ok(last)
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
        solver.values.insert(goal, NOTHING);
        solver.queue.push_back(goal);
        self.solver = Some(solver);
        let solved = self.iterate();
        if let Some(solver) = self.solver.take()
            && solved.is_ok()
        {
            for (goal, id) in solver.values {
                self.known.memo.insert(goal, id);
            }
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
        let pending = self.known.pending.intern(pending);
        self.want_id(pending, symbol)
    }

    fn want_id(&mut self, pending: PendingId, symbol: Symbol) -> Option<OutcomeId> {
        let found = self.known.memo.get((pending, symbol));
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
                NOTHING
            });
            return Some(*value);
        }
        if found.is_none() && !self.missing.contains(&(pending, symbol)) {
            self.missing.push((pending, symbol));
        }
        found
    }
}
