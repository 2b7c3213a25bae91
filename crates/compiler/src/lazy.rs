//! [`LazyMachine`]: the tables of one grammar, made when they are first asked for.
//!
//! A row of the thread `(q, S)` is found by walking from `q` over the vocabulary: the tokens inside
//! the lexeme, and for each way in which the lexeme can end, the stack after that and the next
//! lexeme over the residual trie, and so on until no token is left. The lexical half comes from
//! [`LexicalRows`], shared by all grammars; the stack half from the grammar's [`Control`]. Both
//! the whole answer and each step are remembered by exactly the symbols read ([`StackMemo`]), so
//! the second visit is a lookup.

use crate::lexical_rows::{LexicalRows, TrieId};
use crate::memo::{Overlay, OverlayView, Reads, StackMemo};
use crate::sets::{FinalId, SetId};
use maskwright_automata::{Control, ControlError, StackReader};
use maskwright_tables::{
    LabelSet, LexState, LimitError, Limits, Machine, RowRef, RunError, StackAction, StackView,
    Symbol, Vocabulary,
};
use papaya::HashMap;
use rustc_hash::{FxBuildHasher, FxHashSet};
use std::cell::RefCell;
use std::sync::Arc;

/// The lazily built machine of one grammar.
#[derive(Debug)]
pub(crate) struct LazyMachine {
    control: Box<dyn Control>,
    shared: Arc<LexicalRows>,
    limits: Limits,
    starts: HashMap<Symbol, LexState, FxBuildHasher>,
    steps: StackMemo,
    actions: boxcar::Vec<Box<[StackAction]>>,
    row_memo: StackMemo,
    rows: boxcar::Vec<(FinalId, bool)>,
}

/// Reads a stack for a control, noting where.
struct Reader<'a> {
    stack: &'a dyn StackView,
    reads: Reads,
}

impl StackReader for Reader<'_> {
    fn read(&mut self, depth: usize) -> Result<Option<Symbol>, ControlError> {
        self.reads.note(depth);
        let symbol = self.stack.symbol(depth);
        if self.stack.went_below() {
            Err(ControlError::Unknown(depth))
        } else {
            Ok(symbol)
        }
    }
}

fn run_error(e: ControlError) -> RunError {
    match e {
        ControlError::Limit(e) => RunError::Limit(e),
        ControlError::Unknown(_) => RunError::UnknownSymbol,
        _ => RunError::NotTabulated {
            table: "stack symbols",
        },
    }
}

impl LazyMachine {
    pub fn new(control: Box<dyn Control>, shared: Arc<LexicalRows>, limits: Limits) -> Self {
        LazyMachine {
            control,
            shared,
            limits,
            starts: HashMap::with_hasher(FxBuildHasher),
            steps: StackMemo::new(),
            actions: boxcar::Vec::new(),
            row_memo: StackMemo::new(),
            rows: boxcar::Vec::new(),
        }
    }

    pub fn control(&self) -> &dyn Control {
        &*self.control
    }

    pub fn shared(&self) -> &Arc<LexicalRows> {
        &self.shared
    }

    /// Rows, remembered row keys, remembered steps.
    pub fn len(&self) -> (usize, usize, usize) {
        (self.rows.count(), self.row_memo.len(), self.steps.len())
    }

    fn make_row(&self, state: LexState, stack: &dyn StackView) -> Result<(u32, Reads), RunError> {
        let reads = RefCell::new(Reads::default());
        let mut parts: Vec<SetId> = Vec::new();
        let mut work: Vec<(Overlay, LexState, TrieId)> = Vec::new();
        for &part in self.shared.lexicon.parts(state)? {
            work.push((Overlay::new(), part, LexicalRows::VOCABULARY));
        }
        let mut seen: FxHashSet<(Vec<Symbol>, usize, LexState, TrieId)> = FxHashSet::default();
        let mut budget = self.limits.steps;
        while let Some((overlay, q, trie)) = work.pop() {
            if budget == 0 {
                return Err(LimitError::new(
                    "steps of a row",
                    self.limits.steps + 1,
                    self.limits.steps,
                )
                .into());
            }
            budget -= 1;
            let row = self.shared.row(q, trie)?;
            parts.push(row.inside);
            for &(labels, residual) in &row.exits {
                let view = OverlayView {
                    overlay: &overlay,
                    base: stack,
                    reads: &reads,
                };
                for action in self.step(&view, labels)? {
                    let mut next = overlay.clone();
                    next.apply(action);
                    let rest = self.shared.trie(residual);
                    let here = rest.tokens_at(0);
                    if !here.is_empty() {
                        parts.push(self.shared.sets.intern(here.to_vec()));
                    }
                    if rest.len() <= 1 {
                        continue;
                    }
                    let view = OverlayView {
                        overlay: &next,
                        base: stack,
                        reads: &reads,
                    };
                    let Some(top) = view.symbol(0) else { continue };
                    let start = self.lex_start(top)?;
                    if start == LexState::DEAD {
                        continue;
                    }
                    // Two readings that meet again are followed once.
                    if work.len() > 1
                        && !seen.insert((next.pushed.to_vec(), next.popped, start, residual))
                    {
                        continue;
                    }
                    for &part in self.shared.lexicon.parts(start)? {
                        work.push((next.clone(), part, residual));
                    }
                }
            }
        }
        let overlay = Overlay::new();
        let view = OverlayView {
            overlay: &overlay,
            base: stack,
            reads: &reads,
        };
        let ends = if state == LexState::DEAD || self.lex_is_fresh(state) {
            self.ends(&view)?
        } else {
            match self.lex_accept(state) {
                LabelSet::NONE => false,
                labels => {
                    let mut ends = false;
                    for action in self.step(&view, labels)? {
                        let mut next = Overlay::new();
                        next.apply(action);
                        ends |= self.ends(&OverlayView {
                            overlay: &next,
                            base: stack,
                            reads: &reads,
                        })?;
                    }
                    ends
                }
            }
        };
        if stack.went_below() {
            return Err(RunError::UnknownSymbol);
        }
        let tokens = self.shared.sets.union(parts);
        Ok((self.rows.push((tokens, ends)) as u32, reads.into_inner()))
    }
}

impl Machine for LazyMachine {
    fn vocabulary(&self) -> &Arc<Vocabulary> {
        self.shared.vocabulary()
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn start(&self) -> Symbol {
        self.control.start()
    }

    fn lex_start(&self, top: Symbol) -> Result<LexState, RunError> {
        if let Some(&state) = self.starts.pin().get(&top) {
            return Ok(state);
        }
        let state = self.control.lex_start(top).map_err(run_error)?;
        self.starts.pin().insert(top, state);
        Ok(state)
    }

    #[inline]
    fn lex_next(&self, state: LexState, byte: u8) -> Result<LexState, RunError> {
        Ok(self.shared.lexicon.next(state, byte)?)
    }

    #[inline]
    fn lex_accept(&self, state: LexState) -> LabelSet {
        self.shared.lexicon.accept(state)
    }

    #[inline]
    fn lex_is_fresh(&self, state: LexState) -> bool {
        self.shared.lexicon.is_fresh(state)
    }

    fn lex_is_final(&self, state: LexState) -> bool {
        self.shared.lexicon.is_final(state)
    }

    fn step(&self, stack: &dyn StackView, labels: LabelSet) -> Result<&[StackAction], RunError> {
        if let Some(answer) = self.steps.get(labels.0, stack) {
            return Ok(&self.actions[answer as usize]);
        }
        let mut reader = Reader {
            stack,
            reads: Reads::default(),
        };
        let actions = self
            .control
            .step(&mut reader, self.shared.lexicon.labels(labels));
        if stack.went_below() {
            return Err(RunError::UnknownSymbol);
        }
        let actions = actions.map_err(run_error)?;
        let answer = self.actions.push(actions.into());
        self.steps
            .insert(labels.0, stack, &reader.reads, answer as u32);
        Ok(&self.actions[answer])
    }

    fn ends(&self, stack: &dyn StackView) -> Result<bool, RunError> {
        let ends = self.control.ends(&mut Reader {
            stack,
            reads: Reads::default(),
        });
        if stack.went_below() {
            Err(RunError::UnknownSymbol)
        } else {
            ends.map_err(run_error)
        }
    }

    fn row(&self, state: LexState, stack: &dyn StackView) -> Result<RowRef<'_>, RunError> {
        let answer = match self.row_memo.get(state.0, stack) {
            Some(answer) => answer,
            None => {
                let (answer, reads) = self.make_row(state, stack)?;
                self.row_memo.insert(state.0, stack, &reads, answer);
                answer
            }
        };
        let (tokens, ends) = self.rows[answer as usize];
        Ok(RowRef {
            tokens: self.shared.sets.tokens(tokens),
            ends,
        })
    }
}
