//! What the runtime asks of a language model.

use maskwright_tables::TokenId;

/// A source of logits.
///
/// The context is the whole text so far; a model that keeps its own state compares it with what it
/// has read and goes on from there.
pub trait LanguageModel {
    /// The number of logits, at least the width of the vocabulary's masks that are put over them.
    fn vocabulary_width(&self) -> usize;

    /// Writes the logits of the token after `context`: `out[t]` for token `t`.
    ///
    /// `out` has [`vocabulary_width`](LanguageModel::vocabulary_width) entries. Logits are natural
    /// logarithms of weights, up to a constant; minus infinity means never.
    fn logits(&mut self, context: &[TokenId], out: &mut [f32]);
}

impl<M: LanguageModel + ?Sized> LanguageModel for &mut M {
    fn vocabulary_width(&self) -> usize {
        (**self).vocabulary_width()
    }

    fn logits(&mut self, context: &[TokenId], out: &mut [f32]) {
        (**self).logits(context, out);
    }
}

impl<M: LanguageModel + ?Sized> LanguageModel for Box<M> {
    fn vocabulary_width(&self) -> usize {
        (**self).vocabulary_width()
    }

    fn logits(&mut self, context: &[TokenId], out: &mut [f32]) {
        (**self).logits(context, out);
    }
}
