//! The pushdown machine as a matcher sees it: lexical states, a stack, actions and rows.
//!
//! A *configuration* is a set of threads; a thread is a lexical state `q` plus a stack `S` of
//! [`Symbol`]s, where `S` is the stack *before* the lexeme being read is shifted. A byte `b` moves
//! a thread in up to two ways, and both are taken (there is no maximal munch):
//!
//! 1. go on inside the lexeme: `q' = lex_next(q, b)`, if not dead;
//! 2. end the lexeme, when `lex_accept(q) != NONE`: each action of `step(S, lex_accept(q))` makes
//!    a stack `S'`, whose next lexeme starts in `lex_start(top(S'))` and reads `b` there.
//!
//! A token may also be a terminal by itself, whatever it spells: a token of an item list, a control
//! token. A machine that has such terminals says so ([`Machine::reads_tokens`]); a token `t` then
//! moves a thread in a third way, taken beside those of its bytes:
//!
//! 3. read the whole token: each action of `token_step(q, S, t)` makes a stack `S'`, on which the
//!    thread rests with no lexeme under way. Where a lexeme is under way, the action first ends it.
//!
//! Rows hold the tokens of all three ways. A row's text tokens live by their bytes or as a whole;
//! tokens that are no text live as a whole only.
//!
//! # Distinct lexemes
//!
//! Some conditions are not finite-state: that the names of an object differ, or the elements of an
//! array. A machine that has such conditions says so ([`Machine::compares`]) and tells which lexemes
//! they concern ([`Machine::distinct`], [`Machine::must_differ`]): JSON strings and numbers, compared
//! by value. The matcher keeps the values with the stack: a lexeme that must differ adds its value to
//! the entry that its action pushes first; that entry inherits the values of the deepest entry that
//! the action popped, all others start with none. The matcher takes the tokens that would repeat a
//! value out of the row. Which tokens can begin such a lexeme *and* end or exhaust it on the way is
//! known to the machine alone ([`Crossing`]). Such conditions never lead to a dead end by
//! themselves: where a lexeme that must differ is offered, infinitely many values are, or the machine
//! warns that they [may run out](Machine::may_run_out).
//!
//! A value that must differ can be a JSON array or object. What has to be compared then is the whole of
//! it, so the matcher records what is read from its opening bracket on; the machine tells what each
//! lexeme is in it ([`Machine::part`]). An action that opens a bracket pushes an entry for the value
//! around it and, last, one for the inside; the action of its closing bracket pops both.
//!
//! Invariants that every machine keeps: `lex_start` states are *fresh* (`lex_is_fresh`), are never
//! the target of `lex_next`, and accept nothing; every live lexical state can be completed to a
//! lexeme that `step` does not refuse *for the stacks under which it arises*; no stack reached by
//! actions is a dead end. So a thread that lives can be completed to a sentence.
//!
//! The lazy compiler and the frozen artifact both implement [`Machine`].

use crate::{LabelSet, LexState, LimitError, Symbol, TokenId, Vocabulary};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The net effect of one lexeme (or one token) on the stack.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct StackAction {
    /// How many symbols are taken off the top.
    pub pop: u32,
    /// What is then put on, the last one on top.
    pub push: Box<[Symbol]>,
}

/// A stack that can be read from the top down, without being changed.
pub trait StackView {
    /// The symbol `depth` entries below the top (0 is the top); `None` below the bottom.
    fn symbol(&self, depth: usize) -> Option<Symbol>;

    /// Whether a read went below what is known of the stack. Only a symbolic stack, of which
    /// just the upper part is given, ever says so; `symbol` then answered `None`, and whatever was
    /// concluded from that must be thrown away ([`RunError::UnknownSymbol`]).
    fn went_below(&self) -> bool {
        false
    }
}

impl StackView for [Symbol] {
    /// A slice is a stack with its last element on top.
    fn symbol(&self, depth: usize) -> Option<Symbol> {
        self.len().checked_sub(depth + 1).map(|i| self[i])
    }
}

/// A set of tokens, in whichever form the machine holds it.
#[derive(Clone, Copy, Debug)]
pub enum Tokens<'a> {
    /// The ids, strictly increasing.
    Few(&'a [TokenId]),
    /// One bit a token, `width.div_ceil(32)` words, tail bits zero.
    Dense(&'a [u32]),
    /// The union of a bitset and of further ids, strictly increasing.
    Union(&'a [u32], &'a [TokenId]),
    /// A bitset that many rows share, with exceptions.
    Exceptions {
        /// One bit a token.
        base: &'a [u32],
        /// Ids that are not in the base, strictly increasing.
        added: &'a [TokenId],
        /// Ids of the base that are not in the set, strictly increasing.
        removed: &'a [TokenId],
    },
}

/// The tokens of a row that enter a lexeme that must differ behind the end of another lexeme: those
/// that have to be tried one by one, since the row knows no values. May name tokens that are not in
/// the row. Each list is strictly increasing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Crossing<'a> {
    /// The token ends no other lexeme that must differ: it can only repeat a value read before it.
    pub once: &'a [TokenId],
    /// It does: it can repeat its own value.
    pub twice: &'a [TokenId],
}

/// What a lexeme is in the JSON value that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Punctuation, white space, or something that is no JSON.
    None,
    /// The name of a member.
    Name,
    /// A whole scalar.
    Scalar,
    /// The bracket that opens an array or object.
    Open {
        /// Whether it is an object.
        object: bool,
        /// Whether the value must differ from the others that are kept with the stack entry on which
        /// the bracket was read.
        differs: bool,
    },
    /// The bracket that closes an array or object.
    Close,
}

/// The tokens that may come next in one thread.
#[derive(Clone, Copy, Debug)]
pub struct RowRef<'a> {
    /// The tokens that keep the thread alive, by their bytes or as a whole, whatever must differ.
    /// Tokens that are read as a whole may be of any kind.
    pub tokens: Tokens<'a>,
    /// Whether the output is a sentence here, so that every end token is allowed.
    pub ends: bool,
    /// The tokens that can repeat a value of a lexeme that begins inside them.
    pub crossing: Crossing<'a>,
}

/// Why a machine could not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RunError {
    /// A limit was crossed, or the caller cancelled.
    Limit(LimitError),
    /// A symbolic stack was read below what is known of it.
    UnknownSymbol,
    /// A frozen machine was compiled with a budget that left this part out.
    NotTabulated {
        /// The table that lacks the entry.
        table: &'static str,
    },
    /// What cannot be compiled ahead of time yet, with whatever budget.
    Unsupported {
        /// What it is.
        what: &'static str,
    },
    /// An artifact that was opened without being verified is damaged.
    Damaged {
        /// The table with the impossible entry.
        table: &'static str,
    },
}

impl From<LimitError> for RunError {
    fn from(e: LimitError) -> Self {
        RunError::Limit(e)
    }
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Limit(e) => e.fmt(f),
            RunError::UnknownSymbol => f.write_str("the stack was read below what is known of it"),
            RunError::NotTabulated { table } => write!(
                f,
                "the artifact does not hold this part of the machine ({table}): compile it with a larger budget"
            ),
            RunError::Unsupported { what } => write!(
                f,
                "{what} cannot be compiled ahead of time yet: compile the source where it is used"
            ),
            RunError::Damaged { table } => write!(
                f,
                "the artifact is damaged ({table}): copy it again, or compile it again"
            ),
        }
    }
}

impl std::error::Error for RunError {}

/// Tables of one compiled grammar over one vocabulary. Immutable to its users, shared by `Arc`.
///
/// Ids may be created while it is used (lazily), but an id once given never changes its meaning.
pub trait Machine: Send + Sync + fmt::Debug {
    /// The vocabulary that the rows speak about.
    fn vocabulary(&self) -> &Arc<Vocabulary>;

    /// Limits that a matcher of this machine observes.
    fn limits(&self) -> &crate::Limits;

    /// The only symbol of the first stack.
    fn start(&self) -> Symbol;

    /// The fresh lexical state in which the next lexeme begins when `top` is on top of the stack.
    /// [`LexState::DEAD`] when no lexeme may follow (the sentence is complete).
    fn lex_start(&self, top: Symbol) -> Result<LexState, RunError>;

    /// The lexical state after one more byte of the lexeme, or [`LexState::DEAD`].
    fn lex_next(&self, state: LexState, byte: u8) -> Result<LexState, RunError>;

    /// The lexical state after bytes of the lexeme, and how many of them were read: all, or those to the
    /// first that leads to a state in which the lexeme may end, or to [`LexState::DEAD`]. At least one is
    /// read where there is one.
    fn lex_run(&self, state: LexState, bytes: &[u8]) -> Result<(LexState, usize), RunError> {
        let (mut state, mut read) = (state, 0);
        for &byte in bytes {
            state = self.lex_next(state, byte)?;
            read += 1;
            if state == LexState::DEAD || self.lex_accept(state) != LabelSet::NONE {
                break;
            }
        }
        Ok((state, read))
    }

    /// The terminals that match the lexeme as read so far.
    fn lex_accept(&self, state: LexState) -> LabelSet;

    /// Whether `state` is a start state: no byte of a lexeme has been read.
    fn lex_is_fresh(&self, state: LexState) -> bool;

    /// Whether no byte can extend the lexeme: `state` accepts and has no live successor.
    fn lex_is_final(&self, state: LexState) -> bool;

    /// Whether infinitely many strings certainly complete the lexeme in this state; "no" may only be
    /// unknown.
    fn lex_is_endless(&self, _state: LexState) -> bool {
        false
    }

    /// Whether `state` is inside a JSON string, and infinitely many strings certainly complete it after
    /// any further text; "no" may only be unknown.
    fn lex_is_boundless(&self, _state: LexState) -> bool {
        false
    }

    /// What ending a lexeme with these labels does to the stack: one action for each reading, none
    /// when the stack refuses all of them.
    fn step(&self, stack: &dyn StackView, labels: LabelSet) -> Result<&[StackAction], RunError>;

    /// Whether the input may end on this stack with no lexeme under way.
    fn ends(&self, stack: &dyn StackView) -> Result<bool, RunError>;

    /// The tokens that keep the thread `(state, stack)` alive, and whether the input may end.
    fn row(&self, state: LexState, stack: &dyn StackView) -> Result<RowRef<'_>, RunError>;

    /// Whether some lexemes must differ from each other (see the [module](self)). The same at every
    /// call.
    fn compares(&self) -> bool {
        false
    }

    /// Whether a lexeme that begins on `top` may have to differ from others; for an entry under an open
    /// array or object, whether that has to.
    ///
    /// # Errors
    /// As the other questions.
    fn distinct(&self, top: Symbol) -> Result<bool, RunError> {
        let _ = top;
        Ok(false)
    }

    /// Whether a lexeme that began on `top` and ended with these labels must differ from the others
    /// that are kept with that stack entry. Never true where [`distinct`](Self::distinct) is false.
    ///
    /// # Errors
    /// As the other questions.
    fn must_differ(&self, top: Symbol, labels: LabelSet) -> Result<bool, RunError> {
        let _ = (top, labels);
        Ok(false)
    }

    /// What a lexeme that began on `top` and ended with these labels is in its JSON value. Asked only
    /// where [`distinct`](Self::distinct) is true, or inside a value of which that was said.
    ///
    /// # Errors
    /// As the other questions.
    fn part(&self, top: Symbol, labels: LabelSet) -> Result<Part, RunError> {
        let _ = (top, labels);
        Ok(Part::None)
    }

    /// Whether all lexemes that may begin on `top` may be repetitions once enough values are kept with
    /// it; if not, infinitely many are none. Never true where [`distinct`](Self::distinct) is false.
    ///
    /// # Errors
    /// As the other questions.
    fn may_run_out(&self, top: Symbol) -> Result<bool, RunError> {
        let _ = top;
        Ok(false)
    }

    /// Whether a thread that a token's bytes keep alive may be one that no tokens complete, so that only
    /// the row says whether the token may come next. The same at every call; true only where the
    /// vocabulary [has gaps](Vocabulary::has_gaps).
    fn asks_rows(&self) -> bool {
        false
    }

    /// Whether some token is a terminal by itself, so that [`token_step`](Self::token_step) must be
    /// asked. The same at every call.
    fn reads_tokens(&self) -> bool {
        false
    }

    /// What reading `token` as a whole, as one terminal, does to the stack of the thread
    /// `(state, stack)`: one action for each reading, none when it may not come next as a whole.
    ///
    /// `state` is alive. The text that the token spells is read beside this, and not by it.
    fn token_step(
        &self,
        state: LexState,
        stack: &dyn StackView,
        token: TokenId,
    ) -> Result<Cow<'_, [StackAction]>, RunError> {
        let _ = (state, stack, token);
        Ok(Cow::Borrowed(&[]))
    }
}
