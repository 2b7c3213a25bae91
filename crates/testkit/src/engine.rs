//! What is tested: the little that every check needs of a compiler and its matcher.
//!
//! The checks of [`crate::check`] are written against these two traits, so that they run on the
//! lazy path, on artifacts, inside fuzz targets and on deliberately wrong engines alike.

use crate::corpus::Kind;
use maskwright_tables::{TokenId, Vocabulary};
use std::sync::Arc;

/// Compiles sources.
pub trait Engine {
    /// A matcher at the start of a text.
    type Session: Session;

    /// Compiles a source for a vocabulary.
    ///
    /// # Errors
    /// The diagnostics, as one text.
    fn compile(
        &self,
        kind: Kind,
        source: &str,
        vocabulary: &Arc<Vocabulary>,
    ) -> Result<Self::Session, String>;
}

/// A matcher. Cloning it forks it.
pub trait Session: Clone {
    /// The allowed tokens, one entry for each id below the vocabulary's width.
    ///
    /// # Errors
    /// The matcher's error, as text.
    fn mask(&mut self) -> Result<Vec<bool>, String>;

    /// Whether one token is allowed, without a mask.
    ///
    /// # Errors
    /// The matcher's error, as text.
    fn is_allowed(&mut self, token: TokenId) -> Result<bool, String>;

    /// Takes a token; `Ok(false)` when it was refused.
    ///
    /// # Errors
    /// An error other than a refusal, as text.
    fn advance(&mut self, token: TokenId) -> Result<bool, String>;

    /// Takes back the last `n` tokens; `Ok(false)` when there are not as many.
    ///
    /// # Errors
    /// An error other than that, as text.
    fn rollback(&mut self, n: usize) -> Result<bool, String>;

    /// Goes back to the start.
    fn reset(&mut self);

    /// Whether the text is a sentence.
    ///
    /// # Errors
    /// The matcher's error, as text.
    fn is_accepting(&mut self) -> Result<bool, String>;

    /// Whether an end token was taken.
    fn is_terminated(&self) -> bool;
}
