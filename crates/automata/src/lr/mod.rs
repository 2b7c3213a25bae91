//! Context-free grammars as pushdown machines: canonical LR(1), built lazily.
//!
//! In: a [`NormalGrammar`] and a [`Lexicon`]. Out: [`Lr`], a [`Control`] whose stack symbols are
//! canonical LR(1) states, each a set of items with lookaheads, created on first visit and
//! hash-consed (equal item sets are one symbol).
//!
//! Layers: `items` (productions with dots, FIRST) → `lookaheads` (interned terminal sets) →
//! `closure` (what items come to) → `states` (item sets, actions, gotos) → `reduce` (what a terminal does
//! to a stack) → this file (labels and lexemes); `conflicts` explains what is not LR(1).
//!
//! # Why `lex_start` is exact
//!
//! It offers the terminals `a` for which the top state has an action. *Theorem* (Knuth 1965, for any
//! reduced grammar, LR(1) or not): the canonical state of a viable prefix `γ` contains the item
//! `[A → α·β, b]` if and only if there is a rightmost derivation `S ⇒* δ A w ⇒ δ α β w` with
//! `γ = δ α` and `b` the first terminal of `w` (the end of text if there is none). So an action on
//! `a`, be it a shift or a reduction, exists only where `γ a` begins some sentence, and the item of
//! that derivation is among the actions: reducing by it leads to a viable prefix with an action on
//! `a` again, until `a` is shifted. A canonical LR(1) machine never reduces under a lookahead that it
//! then refuses (LALR machines do).
//!
//! # What is reduced at once
//!
//! A state whose only item is `[A → X·]` can do nothing but reduce, so wherever `X` leads there, it is taken for `A`
//! (`States::goto`), and such a state is on no stack. Nothing is lost: the lookaheads of
//! that item are all that may follow `A` in the state below, since they come from the items there that have `A`
//! behind the dot, and these are the items that `A` leads to. So an error is noticed at the same lexeme. What may
//! follow an operand is then asked once, not once for each kind of operand.
//!
//! # Outlines
//!
//! The *outline* of a state ([`Control::outline`]) is its items without lookaheads. What a state with no complete item
//! shifts, and to which items, depends on these alone; so do the lookaheads of what a symbol leads to, unless some
//! of them come from those of the state (`Edge::inherits`). `step` says which symbols it reads whole and which by
//! their outlines. Inside brackets lookaheads end at the closing one, so nothing that is read there depends on those of the
//! state before the opening one, and what is known of one context is known of all that have the same outline.
//!
//! # Why `step` ends
//!
//! The normal form has neither empty productions nor `A ⇒⁺ A`. So while reducing under a fixed
//! terminal, the stack is always what is left of the old one plus at most one new symbol, and the pair
//! (how much is left, that symbol) never comes back: at most depth × nonterminals pairs exist, and
//! repeats, which several ambiguous readings can cause, are dropped. There are no loops of empty
//! reductions to detect.
//!
//! # Conflicts
//!
//! Several actions on one terminal are all taken: each makes a stack of its own. A grammar
//! is LR(1) in normal form exactly if [`Lr::conflicts`] finds none; then one lexeme with one
//! label never leaves more than one stack.

mod closure;
mod conflicts;
mod items;
mod lookaheads;
#[cfg(test)]
mod random;
mod reduce;
mod states;
#[cfg(test)]
mod tests;

pub use conflicts::{Conflict, ConflictReport};

use crate::lexicon::ExprId;
use crate::{Control, ControlError, Lexicon, Move, Outline, StackReader};
use maskwright_grammar::{Diagnostic, NormalGrammar, Place, RegexNode, Sym};
use maskwright_tables::{CancelFlag, LexState, LimitError, Limits, StackAction, Symbol, heap};
use states::States;
use std::sync::Arc;

/// The label of lexemes that are ignored; other labels are indices into the grammar's terminals.
pub const IGNORE: u32 = u32::MAX;

/// The LR(1) machine of one grammar. Shared by `Arc`; states appear as they are needed.
#[derive(Debug)]
pub struct Lr {
    states: States,
    lexicon: Arc<Lexicon>,
    /// Each terminal, and the same followed by its mark.
    terminals: Vec<[ExprId; 2]>,
    /// Which terminals no text of their own makes (tokens as a whole, embedded schemas): whoever
    /// reads them gives `step` their index as the label.
    without_text: Vec<bool>,
    /// What is ignored, and the same followed by its mark; never if nothing is.
    ignore: [ExprId; 2],
    is_whole: bool,
}

impl Lr {
    /// The machine of a grammar. Terminals that match nothing are removed together with the
    /// sentences that need them.
    ///
    /// # Errors
    /// `empty-language` when no sentence is left, `limit-exceeded` and `cancelled`.
    pub fn new(
        grammar: NormalGrammar,
        lexicon: Arc<Lexicon>,
        limits: Limits,
        cancel: CancelFlag,
    ) -> Result<Lr, Diagnostic> {
        let limit = |e: LimitError| Diagnostic::limit(e, Place::default());
        let mut terminals = Vec::with_capacity(grammar.terminals().len());
        let mut empty = Vec::new();
        let mut is_whole = true;
        let mut without_text = Vec::with_capacity(grammar.terminals().len());
        for (t, terminal) in grammar.terminals().iter().enumerate() {
            cancel.check("terminals").map_err(limit)?;
            let node = grammar.regexes().node(terminal.regex);
            let no_text = matches!(node, RegexNode::Token(_) | RegexNode::Json(_));
            without_text.push(no_text);
            let expr = lexicon
                .import(grammar.regexes(), terminal.regex)
                .map_err(|e| Diagnostic::limit(e, terminal.place.clone()))?;
            let here = |e: LimitError| Diagnostic::limit(e, terminal.place.clone());
            if !no_text {
                if lexicon.is_never(expr).map_err(here)? {
                    empty.push(t as u32);
                } else if lexicon.has_gaps() {
                    is_whole &= lexicon.is_whole(expr).map_err(here)?;
                }
            }
            terminals.push([expr, lexicon.concat(&[expr, lexicon.mark(t as u32)])]);
        }
        let mut ignore = Vec::new();
        for &regex in grammar.ignore() {
            ignore.push(lexicon.import(grammar.regexes(), regex).map_err(limit)?);
        }
        let ignore = lexicon.alt(&ignore);
        let ignore = [ignore, lexicon.concat(&[ignore, lexicon.mark(IGNORE)])];
        let grammar = if empty.is_empty() {
            grammar
        } else {
            grammar.retain_terminals(|t| empty.binary_search(&t).is_err())?
        };
        let states = States::new(grammar, limits, cancel);
        Ok(Lr {
            states,
            lexicon,
            terminals,
            without_text,
            ignore,
            is_whole,
        })
    }

    /// The grammar that the machine recognises.
    pub fn grammar(&self) -> &NormalGrammar {
        self.states.grammar()
    }

    /// Creates all states and counts them.
    ///
    /// # Errors
    /// When there are more than the limits allow.
    pub fn explore(&self) -> Result<usize, LimitError> {
        self.states.explore()?;
        Ok(self.states.len())
    }

    /// Creates all states and explains every conflict: what must be on several stacks at once.
    ///
    /// # Errors
    /// When there are more states than the limits allow.
    pub fn conflicts(&self) -> Result<ConflictReport, LimitError> {
        conflicts::report(&self.states)
    }

    /// What [`Control::lex_start`] begins at a state, and the terminals that it allows beside that:
    /// those that no text of their own makes.
    ///
    /// # Errors
    /// A limit.
    pub fn start_expr(&self, top: Symbol) -> Result<(ExprId, Vec<u32>), LimitError> {
        let allowed = self.states.allowed(top.0)?;
        let mut parts: Vec<ExprId> = allowed
            .iter()
            .map(|t| self.terminals[*t as usize][1])
            .collect();
        parts.push(self.ignore[1]);
        let mut without_text = allowed;
        without_text.retain(|t| self.without_text[*t as usize]);
        Ok((self.lexicon.alt(&parts), without_text))
    }

    fn make_start(&self, top: Symbol) -> Result<LexState, LimitError> {
        let (text, without_text) = self.start_expr(top)?;
        let start = self.lexicon.fresh(text)?;
        if start == LexState::DEAD && !without_text.is_empty() {
            return self.lexicon.between();
        }
        Ok(start)
    }
}

impl Control for Lr {
    fn is_whole(&self) -> bool {
        self.is_whole
    }

    fn start(&self) -> Symbol {
        Symbol(0)
    }

    fn outline(&self, symbol: Symbol) -> Option<Outline> {
        self.states.outline(symbol.0)
    }

    fn lex_start(&self, top: Symbol) -> Result<LexState, ControlError> {
        let Some(slot) = self.states.lex_start(top.0) else {
            return Ok(LexState::DEAD);
        };
        if let Some(&state) = slot.get() {
            return Ok(state);
        }
        let state = self.make_start(top)?;
        Ok(*slot.get_or_init(|| state))
    }

    fn run_start(&self, top: Symbol, labels: &[u32]) -> Result<LexState, ControlError> {
        let never = self.lexicon.never();
        let (mut run, mut last) = (Vec::new(), Vec::new());
        let allowed = self.states.allowed(top.0)?;
        let all = allowed.iter().map(|t| (*t, self.terminals[*t as usize]));
        for (label, [plain, marked]) in all.chain([(IGNORE, self.ignore)]) {
            match labels.contains(&label) {
                true => run.push(plain),
                false if plain != never => last.push(marked),
                false => {}
            }
        }
        if run.is_empty() || last.is_empty() {
            return Ok(LexState::DEAD);
        }
        let run = self.lexicon.repeat(self.lexicon.alt(&run), 0, None);
        let text = self.lexicon.concat(&[run, self.lexicon.alt(&last)]);
        Ok(self.lexicon.fresh(text)?)
    }

    fn step(
        &self,
        stack: &mut dyn StackReader,
        labels: &[u32],
    ) -> Result<Vec<StackAction>, ControlError> {
        let mut actions = Vec::new();
        for &label in labels {
            if label == IGNORE {
                let unchanged = StackAction::default();
                if !actions.contains(&unchanged) {
                    actions.push(unchanged);
                }
            } else {
                reduce::shift(&self.states, stack, label, &mut actions)?;
            }
        }
        Ok(actions)
    }

    fn ends(&self, stack: &mut dyn StackReader) -> Result<bool, ControlError> {
        reduce::ends(&self.states, stack)
    }

    fn reads_labels_apart(&self) -> bool {
        true
    }

    fn moves(&self, top: Symbol, label: Option<u32>) -> Result<Option<Vec<Move>>, ControlError> {
        if label == Some(IGNORE) {
            return Ok(Some(vec![Move::Shift(Box::default())]));
        }
        Ok(Some(reduce::moves(&self.states, top, label)?))
    }

    fn goto(&self, below: Symbol, nonterminal: u32) -> Result<Option<Symbol>, ControlError> {
        let target = self.states.goto(below.0, Sym::Nonterminal(nonterminal))?;
        Ok(target.map(|g| Symbol(g.target)))
    }

    fn heap_bytes(&self) -> usize {
        let terminals = heap::list::<ExprId>(self.terminals.capacity())
            + heap::list::<bool>(self.without_text.capacity());
        size_of::<Self>() + terminals + self.states.heap_bytes()
    }

    fn symbols_len(&self) -> usize {
        self.states.len()
    }

    fn describe(&self, symbol: Symbol) -> String {
        self.states.describe(symbol.0)
    }

    fn conflicts(&self) -> Result<Option<ConflictReport>, ControlError> {
        Ok(Some(Lr::conflicts(self)?))
    }
}
