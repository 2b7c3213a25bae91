//! Steps: from a state to the next, by one byte or by some at once.
//!
//! Most states inside names are passed once, on one way. Their transitions are not made, but the first few
//! steps that are asked for are kept ([`Step`]); and where the bytes are plain characters of a string whose value is
//! on a list, or on none, what is left after several of them is found as fast as after one. The states in
//! between then never come to be: they would be most of all states there are, and whatever is looked up
//! would be found among them.

use super::{Inner, Lexicon, State};
use crate::lexicon::expr::ExprId;
use maskwright_tables::{LabelSet, LexState, LimitError};
use std::sync::OnceLock;

/// Some bytes, and the state that they lead to. No lexeme ends in between.
#[derive(Debug)]
pub(super) struct Step {
    bytes: [u8; Step::MOST],
    len: u8,
    target: LexState,
}

impl Step {
    /// As many as most tokens have that are parts of names.
    const MOST: usize = 15;

    fn new(bytes: &[u8], target: LexState) -> Self {
        let mut step = Step {
            bytes: [0; Step::MOST],
            len: bytes.len() as u8,
            target,
        };
        step.bytes[..bytes.len()].copy_from_slice(bytes);
        step
    }

    fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl Lexicon {
    /// The state after one more byte of the lexeme, or `DEAD`.
    #[inline]
    pub fn next(&self, state: LexState, byte: u8) -> Result<LexState, LimitError> {
        let record = &self.states[state.index()];
        if let Some(edges) = record.edges.get() {
            return Ok(edges.get(byte));
        }
        match record.step.get() {
            Some(step) if step.bytes() == [byte] => Ok(step.target),
            _ => Ok(self.other_step(state, &[byte])?.0),
        }
    }

    /// The state after bytes of the lexeme, and how many of them were read: all, or those to the first that
    /// leads to a state in which the lexeme may end, or to `DEAD`. At least one is read where there is one.
    ///
    /// # Errors
    /// A limit.
    pub fn run(&self, state: LexState, bytes: &[u8]) -> Result<(LexState, usize), LimitError> {
        let (mut state, mut read) = (state, 0);
        while let Some(left) = bytes.get(read..)
            && let Some(&byte) = left.first()
        {
            let record = &self.states[state.index()];
            let (next, len) = match (record.edges.get(), record.step.get()) {
                (Some(edges), _) => (edges.get(byte), 1),
                (None, Some(step)) if left.starts_with(step.bytes()) => {
                    (step.target, usize::from(step.len))
                }
                _ => self.other_step(state, left)?,
            };
            (state, read) = (next, read + len);
            if state == LexState::DEAD || self.accept(state) != LabelSet::NONE {
                break;
            }
        }
        Ok((state, read))
    }

    /// Another step from a state than the first one, or that: over one of the bytes, or over some of them.
    /// Of a state from which there are many steps the transitions are made.
    #[cold]
    fn other_step(&self, state: LexState, bytes: &[u8]) -> Result<(LexState, usize), LimitError> {
        let record = &self.states[state.index()];
        if record.step.get().is_none() {
            return self.make_step(record, &record.step, bytes);
        }
        for slot in &self.more(record).asides {
            match slot.get() {
                None => return self.make_step(record, slot, bytes),
                Some(step) if bytes.starts_with(step.bytes()) => {
                    return Ok((step.target, usize::from(step.len)));
                }
                Some(_) => {}
            }
        }
        match bytes.first() {
            Some(&byte) => Ok((self.edges(state)?.get(byte), 1)),
            None => Ok((state, 0)),
        }
    }

    fn make_step(
        &self,
        record: &State,
        slot: &OnceLock<Step>,
        bytes: &[u8],
    ) -> Result<(LexState, usize), LimitError> {
        let mut steps = self.limits.steps;
        let mut inner = self.lock();
        let alphabet = inner.store.alphabet;
        let can_spell = |byte: &u8| alphabet.is_none_or(|a| a.contains(*byte));
        let most = bytes.len().min(Step::MOST);
        let spelled = bytes[..most].iter().take_while(|b| can_spell(b)).count();
        let text = inner.store.derive_text(record.expr, &bytes[..spelled]);
        if let Some((left, len)) = text {
            let target = self.alive(&mut inner, left, &mut steps)?;
            if target != LexState::DEAD {
                let _ = slot.set(Step::new(&bytes[..len], target));
                return Ok((target, len));
            }
        }
        let target = match bytes.first() {
            Some(byte) if spelled > 0 => {
                let left = inner.store.derive(record.expr, *byte, &mut steps)?;
                self.alive(&mut inner, left, &mut steps)?
            }
            _ => LexState::DEAD,
        };
        inner.store.forget();
        let _ = slot.set(Step::new(&bytes[..1], target));
        Ok((target, 1))
    }

    /// The state of what is left, or `DEAD`.
    fn alive(
        &self,
        inner: &mut Inner,
        left: ExprId,
        steps: &mut u64,
    ) -> Result<LexState, LimitError> {
        match inner.store.is_empty_within(left, steps)? {
            true => Ok(LexState::DEAD),
            false => self.intern(inner, left, false),
        }
    }
}
