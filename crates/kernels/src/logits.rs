//! Rows of `f32` logits under a mask.
//!
//! A position counts as *allowed* when its mask bit is 1 and it has a logit. `scale` is one over
//! the temperature. `pivot` is any finite number that is taken off each logit first; results do
//! not depend on it but for rounding, and are most exact when it is near the greatest logit that
//! matters (take [`max`]). Sums neither overflow nor vanish, as long as (logit - pivot) × scale stays
//! within ±2e38; beyond that a logit counts as if it were there.
//!
//! Precision: with the greatest allowed logit as pivot, [`weights`] and [`softmax`] have a
//! relative error below 2^-20 for weights above e^-16, growing with the distance from the pivot
//! as that distance's rounding does; sums are exact to about 2^-20.

use crate::Isa;

/// Natural logarithms of sums of e^(logit × scale).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogSums {
    /// Over the allowed logits. Minus infinity when no allowed logit is above minus infinity, NaN
    /// when one is NaN or plus infinity.
    pub allowed: f64,
    /// Over all logits, with the same two exceptions.
    pub total: f64,
}

/// Makes every logit minus infinity that is not allowed.
///
/// PERF: runs at the speed of a copy, `examples/bandwidth.rs`.
#[inline]
pub fn mask_in_place(logits: &mut [f32], mask: &[u32]) {
    Isa::best().mask_in_place(logits, mask);
}

/// Copies the logits that are allowed and writes minus infinity for the others, and behind the
/// end of `src`.
#[inline]
pub fn mask_copy(dst: &mut [f32], src: &[f32], mask: &[u32]) {
    Isa::best().mask_copy(dst, src, mask);
}

/// The greatest allowed logit, NaN aside. Minus infinity when there is none.
#[inline]
pub fn max(logits: &[f32], mask: &[u32]) -> f32 {
    Isa::best().max(logits, mask)
}

/// Whether an allowed logit is NaN or plus infinity, so that the row is no law.
#[inline]
pub fn has_nan_or_infinity(logits: &[f32], mask: &[u32]) -> bool {
    Isa::best().has_nan_or_infinity(logits, mask)
}

/// The first position from `from` on that is allowed and whose logit is at least `least`.
#[inline]
pub fn find_at_least(logits: &[f32], mask: &[u32], from: usize, least: f32) -> Option<usize> {
    Isa::best().find_at_least(logits, mask, from, least)
}

/// The position of the greatest allowed logit, the first of several. NaN is never greatest, and
/// minus infinity neither: with nothing else there is no answer.
#[inline]
pub fn argmax(logits: &[f32], mask: &[u32]) -> Option<usize> {
    let greatest = max(logits, mask);
    if greatest == f32::NEG_INFINITY {
        return None;
    }
    find_at_least(logits, mask, 0, greatest)
}

/// Both sums in one pass, without an array of weights.
#[inline]
pub fn log_sums(logits: &[f32], mask: &[u32], scale: f32, pivot: f32) -> LogSums {
    Isa::best().log_sums(logits, mask, scale, pivot)
}

/// Writes e^((logit - pivot) × scale) for allowed logits and 0 elsewhere, and returns the sums.
///
/// Weights below 2^-126 become 0, those above 2^127 stay near it. When [`LogSums::allowed`] is
/// NaN, the weights mean nothing.
#[inline]
pub fn weights(out: &mut [f32], logits: &[f32], mask: &[u32], scale: f32, pivot: f32) -> LogSums {
    Isa::best().weights(out, logits, mask, scale, pivot)
}

/// Writes the law: weights that sum to 1 over the allowed logits, 0 elsewhere. Two passes.
///
/// All zeros when nothing is allowed; nothing that means anything when [`LogSums::allowed`] is
/// NaN.
#[inline]
pub fn softmax(out: &mut [f32], logits: &[f32], mask: &[u32], scale: f32, pivot: f32) -> LogSums {
    Isa::best().softmax(out, logits, mask, scale, pivot)
}

/// The sum of each 64 values, the last few included, until `out` is full; 0 behind the values.
#[inline]
pub fn sums_of_64(values: &[f32], out: &mut [f64]) {
    Isa::best().sums_of_64(values, out);
}
