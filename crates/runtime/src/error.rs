//! What a matcher answers when it cannot do what was asked.

use maskwright_tables::{LimitError, RunError, TokenId};
use std::fmt;

/// Why a matcher could not do what was asked. The matcher is as it was before the call.
///
/// A *refusal* ([`MatchError::is_refusal`]) is an answer about the output: this token or byte may
/// not come next. Everything else is a failure (a wrong buffer, a limit, a cancel) and says nothing
/// about the language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchError {
    kind: MatchErrorKind,
}

/// The kinds of [`MatchError`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MatchErrorKind {
    /// The token is a control token, a hole or out of range, and no end token of this matcher; nor
    /// does the grammar name tokens of such kinds.
    NotText {
        /// The token.
        token: TokenId,
    },
    /// The token cannot come next, neither by its bytes nor, where the grammar names tokens, as a
    /// whole.
    Refused {
        /// The token.
        token: TokenId,
        /// The first byte of the token that cannot come next; 0 for a token that is no text.
        offset: usize,
    },
    /// A byte of a text cannot come next.
    RefusedByte {
        /// Where the byte lies in the text.
        offset: usize,
        /// The byte.
        byte: u8,
    },
    /// An end token before the output is a sentence.
    NotAccepting {
        /// The end token.
        token: TokenId,
    },
    /// An end token was taken; only end tokens may follow.
    Terminated,
    /// More steps were to be rolled back than the history holds.
    History {
        /// How many were asked for.
        asked: usize,
        /// How many can be rolled back.
        available: usize,
    },
    /// No token may come next. With a sentence already complete this means that there is no end
    /// token to take; otherwise what must follow is spelled by no token (bytes that JSON needs and no
    /// token has, a last value that must differ), or the machine broke its promise.
    DeadEnd {
        /// Whether the output is a sentence.
        accepting: bool,
    },
    /// A mask buffer has the wrong number of words. Nothing was written.
    Shape {
        /// The words given.
        given: usize,
        /// The words needed.
        expected: usize,
    },
    /// An end token that lies outside the model's logits.
    EndToken {
        /// The token.
        token: TokenId,
        /// The number of logits.
        width: usize,
    },
    /// The machine could not answer: a limit, a cancel, or a part that was not tabulated.
    Run(RunError),
    /// The machine's tables contradict each other.
    Inconsistent {
        /// What was wrong.
        what: &'static str,
    },
}

impl MatchError {
    pub(crate) const fn new(kind: MatchErrorKind) -> Self {
        MatchError { kind }
    }

    pub(crate) const fn inconsistent(what: &'static str) -> Self {
        Self::new(MatchErrorKind::Inconsistent { what })
    }

    /// What went wrong.
    pub const fn kind(&self) -> &MatchErrorKind {
        &self.kind
    }

    /// Whether the answer is "this may not come next", as opposed to a failure to answer.
    pub const fn is_refusal(&self) -> bool {
        matches!(
            self.kind,
            MatchErrorKind::NotText { .. }
                | MatchErrorKind::Refused { .. }
                | MatchErrorKind::RefusedByte { .. }
                | MatchErrorKind::NotAccepting { .. }
                | MatchErrorKind::Terminated
        )
    }

    /// Where the first byte lies that cannot come next: in the token, or in the text.
    pub const fn offset(&self) -> Option<usize> {
        match self.kind {
            MatchErrorKind::Refused { offset, .. } | MatchErrorKind::RefusedByte { offset, .. } => {
                Some(offset)
            }
            _ => None,
        }
    }
}

impl From<RunError> for MatchError {
    fn from(e: RunError) -> Self {
        MatchError::new(MatchErrorKind::Run(e))
    }
}

impl From<LimitError> for MatchError {
    fn from(e: LimitError) -> Self {
        RunError::Limit(e).into()
    }
}

impl fmt::Display for MatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use MatchErrorKind as K;
        match &self.kind {
            K::NotText { token } => write!(f, "token {token} spells no text and is no end token"),
            K::Refused { token, offset } => {
                write!(f, "token {token} may not come next (at its byte {offset})")
            }
            K::RefusedByte { offset, byte } => {
                write!(f, "byte {byte:#04x} at offset {offset} may not come next")
            }
            K::NotAccepting { token } => {
                write!(f, "end token {token} before the output is a sentence")
            }
            K::Terminated => write!(f, "an end token was taken, only end tokens may follow"),
            K::History { asked, available } => {
                write!(
                    f,
                    "cannot roll back {asked} steps, the history holds {available}"
                )
            }
            K::DeadEnd { accepting: true } => {
                write!(
                    f,
                    "the sentence is complete and there is no end token to take"
                )
            }
            K::DeadEnd { accepting: false } => {
                write!(
                    f,
                    "no token may come next: none of the vocabulary spells a way on"
                )
            }
            K::Shape { given, expected } => {
                write!(f, "the mask has {given} words, {expected} are needed")
            }
            K::EndToken { token, width } => {
                write!(f, "end token {token} lies outside the {width} logits")
            }
            K::Run(e) => e.fmt(f),
            K::Inconsistent { what } => write!(f, "the tables contradict each other: {what}"),
        }
    }
}

impl std::error::Error for MatchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            MatchErrorKind::Run(e) => Some(e),
            _ => None,
        }
    }
}

/// Some rows of a batch could not be filled; all others are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchError {
    pub(crate) failures: Vec<(usize, MatchError)>,
}

impl BatchError {
    /// The matchers that failed, by their place in the batch, in order. Their rows are zero.
    pub fn failures(&self) -> &[(usize, MatchError)] {
        &self.failures
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failures.as_slice() {
            [] => write!(f, "no matcher failed"),
            [(i, e)] => write!(f, "matcher {i} of the batch: {e}"),
            [(i, e), rest @ ..] => {
                write!(
                    f,
                    "matcher {i} of the batch: {e} ({} more failed)",
                    rest.len()
                )
            }
        }
    }
}

impl std::error::Error for BatchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.failures.first().map(|(_, e)| e as _)
    }
}
