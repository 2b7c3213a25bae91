//! Masks of many matchers at once.

use crate::error::{BatchError, MatchError, MatchErrorKind};
use crate::matcher::Matcher;
use std::borrow::Borrow;

/// Fills one mask for each matcher into `masks`, of shape `(matchers, words)`, row-major, where
/// `words` is the longest [`Matcher::mask_words`] among them. A shorter mask is padded with zeros.
///
/// A matcher that cannot answer does not hold up the others: its row becomes zero, so that nothing
/// stale is left there, and it is named in the error.
///
/// # Errors
/// The matchers that failed. When `masks` has the wrong length all of them do, and nothing is
/// written.
pub fn fill_batch<M: Borrow<Matcher>>(matchers: &[M], masks: &mut [u32]) -> Result<(), BatchError> {
    let words = matchers
        .iter()
        .map(|m| m.borrow().mask_words())
        .max()
        .unwrap_or(0);
    let (given, expected) = (masks.len(), words.saturating_mul(matchers.len()));
    if given != expected {
        let error = MatchError::new(MatchErrorKind::Shape { given, expected });
        // An empty batch has no matcher to blame: name the first place.
        let failures = (0..matchers.len().max(1))
            .map(|i| (i, error.clone()))
            .collect();
        return Err(BatchError { failures });
    }
    let mut failures = Vec::new();
    // Without words (an empty vocabulary) there is nothing to fill.
    for (i, (matcher, row)) in matchers
        .iter()
        .zip(masks.chunks_exact_mut(words.max(1)))
        .enumerate()
    {
        let matcher = matcher.borrow();
        let (mask, padding) = row.split_at_mut(matcher.mask_words());
        padding.fill(0);
        if let Err(e) = matcher.fill_mask(mask) {
            mask.fill(0);
            failures.push((i, e));
        }
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(BatchError { failures })
    }
}
