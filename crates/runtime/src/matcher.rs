//! The matcher: one output being written, and what may come next.

use crate::error::{MatchError, MatchErrorKind};
use crate::history::History;
use crate::row::{Row, RowScratch, Rows};
use crate::stack::Stack;
use crate::walk::{Core, Run, State, Taken};
use maskwright_tables::{CancelFlag, LexState, Machine, StackView, Symbol, TokenId, Vocabulary};
use std::fmt;
use std::sync::Arc;

/// Settings of a [`Matcher`].
#[derive(Clone, Debug)]
pub struct MatcherConfig {
    history: usize,
    end_tokens: Option<Vec<TokenId>>,
    cancel: Option<CancelFlag>,
}

impl MatcherConfig {
    /// How many steps can be rolled back by default.
    pub const DEFAULT_HISTORY: usize = 1024;

    /// The defaults: a history of [`Self::DEFAULT_HISTORY`] steps, the vocabulary's end tokens, no
    /// cancel flag.
    pub const fn new() -> Self {
        MatcherConfig {
            history: Self::DEFAULT_HISTORY,
            end_tokens: None,
            cancel: None,
        }
    }

    /// How many steps can be rolled back; 0 keeps no history. Default: 1,024.
    ///
    /// A matcher holds at most twice as many entries, of 40 bytes plus the stack nodes that only
    /// they need (56 bytes for each symbol that a step pushed), and where names or elements must
    /// differ the bytes of these.
    pub const fn history(mut self, steps: usize) -> Self {
        self.history = steps;
        self
    }

    /// The tokens that end the output, instead of the vocabulary's. Default: the vocabulary's.
    ///
    /// A token of this list that spells text is still text where its bytes may come next, and ends
    /// the output elsewhere. End tokens of the vocabulary that are not in this list are never
    /// allowed.
    pub fn end_tokens(mut self, tokens: impl Into<Vec<TokenId>>) -> Self {
        self.end_tokens = Some(tokens.into());
        self
    }

    /// A flag that stops any call of the matcher or its forks at its next check, with a typed
    /// error. Default: none.
    pub fn cancel(mut self, flag: CancelFlag) -> Self {
        self.cancel = Some(flag);
        self
    }
}

impl Default for MatcherConfig {
    fn default() -> Self {
        Self::new()
    }
}

/// One way in which the output can be read: what [`Matcher::readings`] tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The lexical state.
    pub lex: LexState,
    /// The symbol on top of the stack, on which the lexeme under way began.
    pub top: Option<Symbol>,
    /// The number of symbols on the stack.
    pub depth: usize,
}

/// One output being written under a grammar, and the tokens that may come next.
///
/// A matcher is a few words and a persistent stack over a shared [`Machine`]: forking copies a
/// handful of pointers however long the output is, and rolling back costs O(1) a step. It takes no
/// locks; a matcher belongs to one thread at a time, forks may go to others.
///
/// A *step* is one accepted call of [`advance`](Self::advance) or
/// [`advance_bytes`](Self::advance_bytes): it is what [`rollback`](Self::rollback) counts.
/// Whatever a call answers with `Err`, the matcher is as it was before.
#[derive(Clone)]
pub struct Matcher {
    core: Arc<Core>,
    state: State,
    history: History<State>,
}

impl Matcher {
    /// A matcher at the start of the output, with the default [`MatcherConfig`].
    ///
    /// Takes what is a machine or has one: a compiled grammar by reference, a [`FrozenMachine`] by
    /// value, an `Arc<dyn Machine>`.
    ///
    /// [`FrozenMachine`]: crate::FrozenMachine
    ///
    /// # Errors
    /// When the machine cannot answer for the start.
    pub fn new(machine: impl Into<Arc<dyn Machine>>) -> Result<Self, MatchError> {
        Self::with_config(machine, MatcherConfig::new())
    }

    /// A matcher at the start of the output, of a machine as [`new`](Self::new) takes it.
    ///
    /// # Errors
    /// When the machine cannot answer for the start, or an end token lies outside the logits.
    pub fn with_config(
        machine: impl Into<Arc<dyn Machine>>,
        config: MatcherConfig,
    ) -> Result<Self, MatchError> {
        let machine = machine.into();
        let vocabulary = Arc::clone(machine.vocabulary());
        let width = vocabulary.width();
        let mut end_tokens = match config.end_tokens {
            Some(tokens) => {
                if let Some(&token) = tokens.iter().find(|t| t.index() >= width) {
                    return Err(MatchError::new(MatchErrorKind::EndToken { token, width }));
                }
                tokens
            }
            // Those that the model cannot return are no use, and no error of the caller's.
            None => vocabulary
                .end_tokens()
                .iter()
                .copied()
                .filter(|t| t.index() < width)
                .collect(),
        };
        end_tokens.sort_unstable();
        end_tokens.dedup();
        let limits = *machine.limits();
        let stack = Stack::single(machine.start());
        let mut core = Core {
            reads_tokens: machine.reads_tokens(),
            asks_rows: machine.asks_rows(),
            compares: machine.compares(),
            machine,
            vocabulary,
            end_tokens: end_tokens.into(),
            cancel: config.cancel,
            start: State::Ended,
            max_stacks: limits.stacks,
            max_depth: limits.stack_depth.min(u32::MAX as usize),
            max_steps: limits.steps,
        };
        core.start = State::One(core.rest(stack)?);
        let state = core.start.clone();
        Ok(Matcher {
            core: Arc::new(core),
            state,
            history: History::new(config.history),
        })
    }

    /// The machine that the matcher reads.
    pub fn machine(&self) -> &Arc<dyn Machine> {
        &self.core.machine
    }

    /// The vocabulary that masks speak about.
    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.core.vocabulary
    }

    /// The tokens that end the output, strictly increasing.
    pub fn end_tokens(&self) -> &[TokenId] {
        &self.core.end_tokens
    }

    /// The number of `u32` words in a mask.
    pub fn mask_words(&self) -> usize {
        self.core.vocabulary.mask_words()
    }

    /// Sets bit `t` of `mask` (bit `t % 32` of word `t / 32`) for every token `t` that may come
    /// next and clears all others, the tail included.
    ///
    /// Once an end token was taken these are the end tokens. Cost: a copy of the words, plus one
    /// pass for each further reading of the output.
    ///
    /// # Errors
    /// A `mask` that is not [`mask_words`](Self::mask_words) long; a dead end (see
    /// [`MatchErrorKind::DeadEnd`]); a machine that cannot answer. Nothing is written then.
    pub fn fill_mask(&self, mask: &mut [u32]) -> Result<(), MatchError> {
        let (given, expected) = (mask.len(), self.mask_words());
        if given != expected {
            return Err(MatchError::new(MatchErrorKind::Shape { given, expected }));
        }
        self.rows()?.fill(mask)
    }

    /// The tokens that may come next, borrowed from the machine where it holds them in one piece,
    /// else built in `scratch`.
    ///
    /// # Errors
    /// As [`fill_mask`](Self::fill_mask).
    pub fn row<'a>(&'a self, scratch: &'a mut RowScratch) -> Result<Row<'a>, MatchError> {
        self.rows()?.union(scratch)
    }

    /// How many tokens may come next. Zero in a dead end.
    ///
    /// # Errors
    /// When the machine cannot answer.
    pub fn allowed_count(&self) -> Result<usize, MatchError> {
        Ok(self.rows()?.count())
    }

    fn rows(&self) -> Result<Rows<'_>, MatchError> {
        Rows::new(&self.core, &self.state)
    }

    /// Whether `token` may come next: whether [`advance`](Self::advance) would take it. Builds no
    /// mask; runs the token's bytes, and the token as a whole where the grammar names tokens.
    ///
    /// # Errors
    /// When the machine cannot answer. A token that is refused, or out of range, is `Ok(false)`.
    pub fn is_allowed(&self, token: TokenId) -> Result<bool, MatchError> {
        answer(self.core.after(&self.state, token))
    }

    /// Which of `ids` may come next: bit `i % 32` of word `i / 32` stands for `ids[i]`.
    ///
    /// # Errors
    /// As [`is_allowed`](Self::is_allowed).
    pub fn check(&self, ids: &[TokenId]) -> Result<Vec<u32>, MatchError> {
        let mut bits = vec![0; ids.len().div_ceil(32)];
        for (i, &token) in ids.iter().enumerate() {
            bits[i / 32] |= u32::from(self.is_allowed(token)?) << (i % 32);
        }
        Ok(bits)
    }

    /// Takes `token` as the next token of the output.
    ///
    /// An end token is taken if and only if the output is a sentence; after it the matcher is
    /// terminated, and further end tokens change nothing (they count as steps all the same).
    ///
    /// # Errors
    /// A refusal ([`MatchError::is_refusal`]) when the token may not come next, a failure when a
    /// limit is crossed or the machine cannot answer.
    pub fn advance(&mut self, token: TokenId) -> Result<(), MatchError> {
        let state = self.core.after(&self.state, token)?;
        self.commit(state);
        Ok(())
    }

    /// Takes `bytes` as the next piece of the output, whatever tokens spell it. One step, however
    /// long it is. Tokens that the grammar names as such (those of a list of ids) are no text and
    /// cannot be taken in this way. Where the vocabulary [has gaps](Vocabulary::has_gaps), tokens must
    /// be able to go on where the bytes end: not in the middle of a character that is only one token.
    ///
    /// # Errors
    /// As [`advance`](Self::advance); [`MatchError::offset`] is that of the first byte that cannot
    /// come next.
    pub fn advance_bytes(&mut self, bytes: &[u8]) -> Result<(), MatchError> {
        let state = match self.core.run(&self.state, bytes)? {
            Run::Alive(state) => {
                if self.core.asks_rows && !Rows::new(&self.core, &state)?.is_live() {
                    let offset = bytes.len().saturating_sub(1);
                    let byte = bytes.last().copied().unwrap_or_default();
                    return Err(MatchError::new(MatchErrorKind::RefusedByte {
                        offset,
                        byte,
                    }));
                }
                state
            }
            Run::Dead { offset } => {
                let byte = bytes.get(offset).copied().unwrap_or_default();
                return Err(MatchError::new(MatchErrorKind::RefusedByte {
                    offset,
                    byte,
                }));
            }
        };
        self.commit(state);
        Ok(())
    }

    fn commit(&mut self, state: State) {
        self.history.push(std::mem::replace(&mut self.state, state));
    }

    /// How many of `tokens` could be taken one after the other, end tokens included. The matcher
    /// does not move.
    ///
    /// # Errors
    /// When the machine cannot answer.
    pub fn validate(&self, tokens: &[TokenId]) -> Result<usize, MatchError> {
        let mut state = self.state.clone();
        for (len, &token) in tokens.iter().enumerate() {
            match self.core.after(&state, token) {
                Ok(next) => state = next,
                Err(e) if e.is_refusal() => return Ok(len),
                Err(e) => return Err(e),
            }
        }
        Ok(tokens.len())
    }

    /// The tokens, at most `max`, that are the only choice one after the other. The matcher does
    /// not move.
    ///
    /// The run stops where two tokens are allowed, two that spell the same text included, and where
    /// the output is a sentence: an end token is never forced. See
    /// [`forced_bytes`](Self::forced_bytes) for text that is forced however it is cut into tokens.
    ///
    /// # Errors
    /// When the machine cannot answer.
    pub fn forced_tokens(&self, max: usize) -> Result<Vec<TokenId>, MatchError> {
        let mut forced = Vec::new();
        let mut state = self.state.clone();
        while forced.len() < max {
            let Some(token) = Rows::new(&self.core, &state)?.sole() else {
                break;
            };
            state = self.core.after(&state, token)?;
            forced.push(token);
        }
        Ok(forced)
    }

    /// The bytes, at most `max`, with which every sentence goes on from here. The matcher does not
    /// move.
    ///
    /// Empty where the output is a sentence. It may end inside a UTF-8 character.
    ///
    /// # Errors
    /// When the machine cannot answer.
    pub fn forced_bytes(&self, max: usize) -> Result<Vec<u8>, MatchError> {
        let mut forced = Vec::new();
        let mut state = self.state.clone();
        while forced.len() < max && !self.core.accepts(&state)? {
            let mut sole = None;
            for byte in 0..=u8::MAX {
                if let Run::Alive(next) = self.core.run(&state, &[byte])?
                    && sole.replace((byte, next)).is_some()
                {
                    return Ok(forced);
                }
            }
            let Some((byte, next)) = sole else { break };
            forced.push(byte);
            state = next;
        }
        Ok(forced)
    }

    /// Takes back the last `n` steps, an end token among them or not. O(1) a step.
    ///
    /// # Errors
    /// [`MatchErrorKind::History`] when fewer than `n` steps can be taken back.
    pub fn rollback(&mut self, n: usize) -> Result<(), MatchError> {
        if n == 0 {
            return Ok(());
        }
        let available = self.history.len();
        match self.history.take_back(n) {
            Some(state) => {
                self.state = state;
                Ok(())
            }
            None => Err(MatchError::new(MatchErrorKind::History {
                asked: n,
                available,
            })),
        }
    }

    /// How many steps can be rolled back.
    pub fn rollback_len(&self) -> usize {
        self.history.len()
    }

    /// How many steps the history can hold.
    pub fn history_capacity(&self) -> usize {
        self.history.capacity()
    }

    /// A second matcher in the same place, with the same past; the two go on independently. O(1):
    /// copies pointers, allocates nothing. The same as `clone`.
    pub fn fork(&self) -> Self {
        self.clone()
    }

    /// Goes back to the start of the output and forgets the past. Cannot be rolled back.
    pub fn reset(&mut self) {
        self.state = self.core.start.clone();
        self.history.clear();
    }

    /// Whether the output is a sentence. Stays true after an end token.
    ///
    /// # Errors
    /// When the machine cannot answer.
    pub fn is_accepting(&self) -> Result<bool, MatchError> {
        self.core.accepts(&self.state)
    }

    /// Whether an end token was taken.
    pub fn is_terminated(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    /// Whether `other` is a matcher of the same machine in the same configuration, so that it will
    /// answer everything but [`rollback`](Self::rollback) in the same way.
    pub fn is_same_configuration(&self, other: &Matcher) -> bool {
        Arc::ptr_eq(&self.core.machine, &other.core.machine)
            && self.core.end_tokens == other.core.end_tokens
            && self.state == other.state
    }

    /// The readings that are alive, for dumps, messages and searches. Empty after an end token.
    pub fn readings(&self) -> impl Iterator<Item = Reading> + '_ {
        let threads = self.state.threads().iter();
        threads.map(|t| Reading {
            lex: t.lex,
            top: t.stack.view().symbol(0),
            depth: t.stack.depth(),
        })
    }

    /// A hash of the configuration, the same in every process: equal for matchers that
    /// [`is_same_configuration`](Self::is_same_configuration) calls equal, so that a search need
    /// not look at a configuration twice.
    pub fn configuration_hash(&self) -> u64 {
        let threads = self.state.threads().iter();
        let seed = u64::from(self.is_terminated());
        threads.fold(seed, |hash, t| {
            let thread = t.stack.hash().rotate_left(17) ^ t.lexeme.hash() ^ u64::from(t.lex.0);
            (hash.rotate_left(5) ^ thread).wrapping_mul(0x9e37_79b9_7f4a_7c15)
        })
    }

    /// How many readings of the output are alive: one for an LR(1) grammar between lexemes, none
    /// after an end token.
    pub fn threads_len(&self) -> usize {
        self.state.threads().len()
    }

    /// The depth of the deepest stack.
    pub fn stack_depth(&self) -> usize {
        self.state
            .threads()
            .iter()
            .map(|t| t.stack.depth())
            .max()
            .unwrap_or(0)
    }
}

/// A refusal is an answer, every other error is none.
fn answer<T>(result: Result<T, MatchError>) -> Result<bool, MatchError> {
    match result {
        Ok(_) => Ok(true),
        Err(e) if e.is_refusal() => Ok(false),
        Err(e) => Err(e),
    }
}

impl Core {
    /// The state after `token`. What the grammar makes of it comes first: an end token that also
    /// spells text, or is a terminal, ends the output only where it cannot come next as that.
    fn after(&self, state: &State, token: TokenId) -> Result<State, MatchError> {
        if matches!(state, State::Ended) {
            let kind = MatchErrorKind::Terminated;
            return if self.is_end(token) {
                Ok(State::Ended)
            } else {
                Err(MatchError::new(kind))
            };
        }
        let mut refusal = match self.token(state, token)? {
            Taken::Alive(next) => {
                // Tokens may not be able to complete what bytes can.
                if !self.asks_rows || Rows::new(self, state)?.contains(token) {
                    return Ok(next);
                }
                let offset = self.vocabulary.bytes(token).len().saturating_sub(1);
                MatchErrorKind::Refused { token, offset }
            }
            Taken::Dead { offset } => MatchErrorKind::Refused { token, offset },
            Taken::NotText => MatchErrorKind::NotText { token },
        };
        if self.is_end(token) {
            if self.accepts(state)? {
                return Ok(State::Ended);
            }
            refusal = MatchErrorKind::NotAccepting { token };
        }
        Err(MatchError::new(refusal))
    }
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matcher")
            .field("threads", &self.threads_len())
            .field("stack_depth", &self.stack_depth())
            .field("terminated", &self.is_terminated())
            .field("rollback_len", &self.rollback_len())
            .finish_non_exhaustive()
    }
}
