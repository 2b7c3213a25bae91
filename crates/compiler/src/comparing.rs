//! Rows where lexemes are compared, or where tokens may not complete what they begin.
//!
//! What tokens do to lexemes that must differ is found with the tokens, so every way in which they can be
//! cut into lexemes is followed by itself: a *reading* is a stack, the next lexeme, what is left of the
//! tokens, and what they did to such lexemes so far. Most rows have a dozen of them, half of which live on
//! one stack, so stacks are kept apart from readings, and a reading is only made where a token goes on.

use crate::alive::Question;
use crate::lazy::{LazyMachine, MadeRow};
use crate::lexical_rows::{LexRow, LexicalRows, TrieId};
use crate::memo::{Overlay, OverlayView, Reads};
use crate::sets::{SetId, Sets};
use maskwright_automata::lexicon::Spelling;
use maskwright_tables::{
    LabelSet, LexState, LimitError, Machine, Part, RunError, StackView, Symbol, TokenId,
};
use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use std::cell::RefCell;

/// What tokens did to lexemes that must differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct History {
    /// Whether they have ended one.
    ended_one: bool,
    /// Whether they have entered one behind the end of another lexeme, and then whether they had ended one
    /// before.
    crossing: Option<bool>,
    /// Whether this lexeme is the first that they entered so.
    enters: bool,
}

/// What is left of the tokens of a row at the beginning of a lexeme, or (the first ones) inside one.
#[derive(Clone, Copy, Debug)]
struct Reading {
    /// The number of the stack.
    stack: u32,
    state: LexState,
    trie: TrieId,
    /// Whether the lexeme may have to differ from others.
    distinct: bool,
    history: History,
}

/// Two readings with the same of these and equal stacks are one.
type Alike = (LexState, TrieId, History);

/// The readings of a row.
#[derive(Default)]
struct Readings {
    stacks: SmallVec<[Overlay; 16]>,
    open: SmallVec<[Reading; 16]>,
    /// Those that were begun, with their stacks.
    begun: SmallVec<[(Alike, u32); 16]>,
    /// The same by content, once they are many.
    many: FxHashSet<(Alike, Overlay)>,
}

impl Readings {
    /// So many are looked through one by one.
    const FEW: usize = 32;

    /// Whether a reading like this one, on the last stack, has not been begun before.
    fn is_new(&mut self, alike: Alike) -> bool {
        let last = self.stacks.len() - 1;
        let stack = &self.stacks[last];
        if self.begun.len() >= Self::FEW {
            if self.many.is_empty() {
                let begun = self.begun.iter();
                let keys = begun.map(|(alike, s)| (*alike, self.stacks[*s as usize].clone()));
                self.many.extend(keys);
            }
            return self.many.insert((alike, stack.clone()));
        }
        let same =
            |(other, s): &(Alike, u32)| *other == alike && self.stacks[*s as usize] == *stack;
        if self.begun.iter().any(same) {
            return false;
        }
        self.begun.push((alike, last as u32));
        true
    }
}

/// What a row is found to be.
#[derive(Default)]
struct Parts {
    tokens: SmallVec<[SetId; 32]>,
    /// The tokens that cross, those that have ended a lexeme that must differ second.
    crossing: [Vec<TokenId>; 2],
}

impl LazyMachine {
    pub(crate) fn make_comparing_row(
        &self,
        state: LexState,
        stack: &dyn StackView,
    ) -> Result<(u32, Reads), RunError> {
        let shared = &**self.shared();
        let reads = RefCell::new(Reads::default());
        let mut parts = Parts::default();
        let mut readings = Readings::default();
        readings.stacks.push(Overlay::new());
        let distinct = match stack.symbol(0) {
            Some(top) => {
                reads.borrow_mut().note(0);
                self.begin(top)?.1
            }
            None => false,
        };
        for &part in shared.lexicon.parts(state)? {
            readings.open.push(Reading {
                stack: 0,
                state: part,
                trie: LexicalRows::VOCABULARY,
                distinct,
                history: History::default(),
            });
        }
        let whole = Overlay::new();
        let own = OverlayView {
            overlay: &whole,
            base: stack,
            reads: &reads,
        };
        parts.tokens.extend(self.named_tokens(state, &own)?);
        let steps = self.limits().steps;
        let mut left = steps;
        while let Some(reading) = readings.open.pop() {
            let exhausted = || LimitError::new("steps of a row", steps.saturating_add(1), steps);
            left = left.checked_sub(1).ok_or_else(exhausted)?;
            self.read(reading, &mut readings, (stack, &reads), &mut parts)?;
        }
        let ends = self.row_ends(state, &own)?;
        if stack.went_below() {
            return Err(RunError::UnknownSymbol);
        }
        let crosses = parts.crossing.iter().any(|tokens| !tokens.is_empty());
        let crossing = crosses.then(|| {
            Box::new(parts.crossing.map(|mut tokens| {
                tokens.sort_unstable();
                tokens.dedup();
                Box::from(tokens)
            }))
        });
        let row = MadeRow {
            tokens: shared.sets.union(&parts.tokens),
            ends,
            crossing,
        };
        Ok((self.push_row(row), reads.into_inner()))
    }

    /// What a reading comes to inside its lexeme, and the readings behind it.
    fn read(
        &self,
        reading: Reading,
        readings: &mut Readings,
        (base, reads): (&dyn StackView, &RefCell<Reads>),
        parts: &mut Parts,
    ) -> Result<(), RunError> {
        let shared = &**self.shared();
        let Reading {
            stack,
            state,
            trie,
            distinct,
            history,
        } = reading;
        let row = shared.row(state, trie, false)?;
        let view = OverlayView {
            overlay: &readings.stacks[stack as usize],
            base,
            reads,
        };
        self.inside(row, &view, |inside| {
            parts.tokens.push(inside);
            if let Some(twice) = history.crossing {
                let endless = match view.symbol(0) {
                    Some(top) => !self.may_run_out(top)?,
                    None => true,
                };
                let entered = (history.enters && endless).then_some(state);
                let out = &mut parts.crossing[usize::from(twice)];
                self.crossing(entered, trie, inside, out);
            }
            Ok(())
        })?;
        let top = view.symbol(0);
        for &(labels, residual) in &row.exits {
            let view = OverlayView {
                overlay: &readings.stacks[stack as usize],
                base,
                reads,
            };
            let here = shared.here(residual);
            let goes_on = top.is_some_and(|top| self.goes_on(top, labels, residual));
            if !goes_on && here == Sets::EMPTY {
                continue;
            }
            let ended_one = history.ended_one
                || (distinct || self.records())
                    && match top {
                        Some(top) => self.ends_distinct(&view, top, labels)?,
                        None => false,
                    };
            for action in self.step(&view, labels)? {
                let mut next = readings.stacks[stack as usize].clone();
                next.apply(action);
                let view = OverlayView {
                    overlay: &next,
                    base,
                    reads,
                };
                if here != Sets::EMPTY {
                    if let Some(twice) = history.crossing {
                        parts.crossing[usize::from(twice)].extend(shared.sets.iter(here));
                    }
                    if self.is_alive(Question::Rest, &view)? {
                        parts.tokens.push(here);
                    }
                    if self.records()
                        && let Some(top) = view.symbol(0)
                        && self.may_run_out(top)?
                    {
                        parts.crossing[usize::from(ended_one)].extend(shared.sets.iter(here));
                    }
                }
                let Some(top) = view.symbol(0).filter(|_| goes_on) else {
                    continue;
                };
                let (start, distinct) = self.begin(top)?;
                if start == LexState::DEAD || !shared.meets(start, residual)? {
                    continue;
                }
                let entered = distinct.then_some(ended_one);
                let history = History {
                    ended_one,
                    crossing: history.crossing.max(entered),
                    enters: distinct && history.crossing.is_none(),
                };
                readings.stacks.push(next);
                // Two readings that meet again are followed once.
                if !readings.is_new((start, residual, history)) {
                    readings.stacks.pop();
                    continue;
                }
                let stack = readings.stacks.len() as u32 - 1;
                for &part in shared.lexicon.parts(start)? {
                    if shared.meets(part, residual)? {
                        readings.open.push(Reading {
                            stack,
                            state: part,
                            trie: residual,
                            distinct,
                            history,
                        });
                    }
                }
            }
        }
        Ok(())
    }

    /// The sets of tokens that stay inside the lexeme on `stack` and can be completed.
    fn inside(
        &self,
        row: &LexRow,
        stack: &dyn StackView,
        mut each: impl FnMut(SetId) -> Result<(), RunError>,
    ) -> Result<(), RunError> {
        if (!self.has_gaps() || self.is_whole()) && row.inside != Sets::EMPTY {
            each(row.inside)?;
        }
        for &(end, spelling, tokens) in &row.ends {
            let certain = self.is_whole() && spelling == Spelling::Whole;
            if !certain && self.is_alive(Question::Inside(end), stack)? {
                each(tokens)?;
            }
        }
        Ok(())
    }

    /// Whether the lexeme with these labels is, or closes, a value that must differ.
    fn ends_distinct(
        &self,
        stack: &dyn StackView,
        top: Symbol,
        labels: LabelSet,
    ) -> Result<bool, RunError> {
        Ok(match self.meaning(top, labels)? {
            (true, _) => true,
            (false, Part::Close) => match stack.symbol(1) {
                Some(below) => self.begin(below)?.1,
                None => false,
            },
            _ => false,
        })
    }

    /// Adds the tokens of a trie that stay inside a lexeme and are crossing. Where this is the first
    /// lexeme that they enter which must differ, and infinitely many values are offered, told is the state
    /// in which it begins: a token that only opens a string cannot repeat or exhaust anything then, nor
    /// can one that goes on in a string of which every text begins infinitely many values.
    pub(crate) fn crossing(
        &self,
        entered: Option<LexState>,
        trie: TrieId,
        inside: SetId,
        out: &mut Vec<TokenId>,
    ) {
        let shared = &**self.shared();
        let mut opening: Vec<TokenId> = Vec::new();
        if let Some(state) = entered {
            if shared.lexicon.is_boundless(state) {
                return;
            }
            let (trie, mut nodes) = shared.children(trie);
            while let Some(node) = nodes.pop() {
                match trie.nodes()[node].byte {
                    b'"' => opening.extend_from_slice(trie.tokens_at(node)),
                    b' ' | b'\t' | b'\n' | b'\r' => {
                        opening.extend_from_slice(trie.tokens_at(node));
                        nodes.extend(trie.children(node));
                    }
                    _ => {}
                }
            }
        }
        let tokens = shared.sets.iter(inside);
        out.extend(tokens.filter(|t| !opening.contains(t)));
    }
}
