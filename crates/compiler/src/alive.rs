//! Which threads tokens can complete, where the vocabulary has gaps.
//!
//! Where some bytes occur only inside longer tokens, that a thread lives byte by byte does not mean
//! that tokens complete it. Mostly the lexeme under way decides: where the machine counts on nothing
//! but lexemes that whole tokens spell ([`Control::is_whole`]), a stack can be completed once a token
//! and a lexeme end together. What is left is for the whole stack to say: a lexeme that only a token
//! spells which goes on behind it, brackets that come in pairs only.
//!
//! That is the reachability of an accepting end in the product of the pushdown system with the
//! prefix tree of the tokens, and decided as such (Bouajjani, Esparza and Maler, "Reachability
//! analysis of pushdown automata", CONCUR 1997): what becomes of a question at a symbol of which
//! nothing is known below is a least fixed point ([`Summaries`]), and the stack is read from the top
//! with what is then still pending. So the answer is exact for stacks of any depth; what it costs is
//! bounded by the machine and the tokens, and by a limit.
//!
//! [`Control::is_whole`]: maskwright_automata::Control::is_whole

use crate::freeze::summary::{BOTTOM, Memory, Pending, Summaries, Then};
use crate::lazy::LazyMachine;
use crate::lexical_rows::LexicalRows;
use maskwright_tables::{CancelFlag, LexState, Machine, RunError, StackView, Symbol, heap};
use rustc_hash::FxHashSet;
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, PoisonError};

/// Where a token ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Question {
    /// With no lexeme under way.
    Rest,
    /// In this lexical state.
    Inside(LexState),
}

/// A stack of one symbol.
#[derive(Debug)]
struct Single(Symbol);

impl StackView for Single {
    fn symbol(&self, depth: usize) -> Option<Symbol> {
        (depth == 0).then_some(self.0)
    }
}

/// Whether tokens spell any sentence.
pub(crate) fn starts(machine: &LazyMachine) -> Result<bool, RunError> {
    machine.is_alive(Question::Rest, &Single(machine.start()))
}

/// What was found out about one machine.
#[derive(Debug, Default)]
pub(crate) struct Alive {
    memory: Mutex<Memory>,
    /// Bytes of it, when last measured.
    last_bytes: AtomicUsize,
}

impl Alive {
    /// Bytes held, about. Never waits.
    pub fn heap_bytes(&self) -> usize {
        heap::behind(&self.memory, &self.last_bytes, Memory::heap_bytes)
    }

    /// Whether tokens can complete a thread at whose place a token ends.
    pub fn ask(
        &self,
        machine: &LazyMachine,
        question: Question,
        stack: &dyn StackView,
    ) -> Result<bool, RunError> {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let cancel = CancelFlag::new();
        let budget = machine.limits().states;
        let stage = "questions of a search for a completion";
        let taken = std::mem::take(&mut *memory);
        let mut sums = Summaries::with_memory(machine, &cancel, (budget, stage), taken);
        let answer = walk(&mut sums, question, stack);
        *memory = sums.into_memory();
        answer
    }
}

/// Reads the stack from the top for as long as something is pending and nothing is certain.
fn walk(
    sums: &mut Summaries<'_>,
    question: Question,
    stack: &dyn StackView,
) -> Result<bool, RunError> {
    let then = Then::Live(LexicalRows::VOCABULARY, Summaries::ALIVE);
    let first = sums.known.pending.intern(match question {
        Question::Rest => Pending::Rest { then },
        Question::Inside(state) => Pending::Inside { state, then },
    });
    let mut seen = FxHashSet::from_iter([(0, first)]);
    let mut open = vec![(0usize, first)];
    // What is pending nearest to the top comes first.
    while let Some(nearest) = (0..open.len()).min_by_key(|i| open[*i]) {
        let (depth, pending) = open.swap_remove(nearest);
        let symbol = stack.symbol(depth).unwrap_or(BOTTOM);
        if stack.went_below() {
            return Err(RunError::UnknownSymbol);
        }
        let outcome = sums.of(pending, symbol)?;
        let outcome = sums.outcome(outcome);
        if !outcome.sets.is_empty() {
            return Ok(true);
        }
        if symbol == BOTTOM {
            continue;
        }
        for &(skip, pending) in &outcome.items {
            let next = (depth + 1 + skip as usize, pending);
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    Ok(false)
}
