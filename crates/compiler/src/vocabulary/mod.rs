//! Vocabularies: the embedded ones, and readers of tokenizer files.
//!
//! A mask needs the bytes and the kind of each token, the end tokens and the width of the logits;
//! nothing here encodes text.

#[cfg(feature = "embedded")]
pub mod embedded;

#[cfg(feature = "embedded")]
use maskwright_tables::Vocabulary;
#[cfg(feature = "embedded")]
use std::sync::Arc;

/// Constructors of [`Vocabulary`] that need data or formats of this crate.
#[cfg(feature = "embedded")]
pub trait VocabularyExt {
    /// The vocabulary `o200k_base`: 199,998 text tokens. Unpacked on first use, then shared.
    fn o200k_base() -> Arc<Vocabulary>;

    /// The vocabulary `cl100k_base`: 100,256 text tokens. Unpacked on first use, then shared.
    fn cl100k_base() -> Arc<Vocabulary>;
}

#[cfg(feature = "embedded")]
impl VocabularyExt for Vocabulary {
    fn o200k_base() -> Arc<Vocabulary> {
        embedded::o200k_base()
    }

    fn cl100k_base() -> Arc<Vocabulary> {
        embedded::cl100k_base()
    }
}
