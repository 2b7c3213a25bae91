//! Every kernel once, over [`Lanes`].
//!
//! All functions are `inline(always)`, so that they are compiled inside the function that has the
//! instructions. Integer loops are left to the compiler, which vectorises them for whatever that
//! function may use; loops over floats are written out, since their order of operations is fixed.
//!
//! # Shape
//!
//! A row of logits is cut into blocks of 32, one for each mask word, and a block into two halves
//! of sixteen lanes. A last block that is not full is copied to a buffer whose rest is forbidden.

use super::lanes::Lanes;
use crate::logits::LogSums;

// ---------------------------------------------------------------------------------------------
// Bitsets

#[inline(always)]
pub(super) fn copy<L: Lanes>(_: L, dst: &mut [u32], src: &[u32]) {
    let shared = dst.len().min(src.len());
    let (head, tail) = dst.split_at_mut(shared);
    head.copy_from_slice(&src[..shared]);
    tail.fill(0);
}

#[inline(always)]
pub(super) fn or_assign<L: Lanes>(_: L, dst: &mut [u32], src: &[u32]) {
    for (d, s) in dst.iter_mut().zip(src) {
        *d |= s;
    }
}

#[inline(always)]
pub(super) fn or_assign_all<L: Lanes>(proof: L, dst: &mut [u32], sources: &[&[u32]]) {
    // A piece of 8 KB stays in the first-level cache while all sources pass over it.
    const PIECE: usize = 2048;
    for (i, piece) in dst.chunks_mut(PIECE).enumerate() {
        for source in sources {
            or_assign(proof, piece, source.get(i * PIECE..).unwrap_or(&[]));
        }
    }
}

#[inline(always)]
pub(super) fn and_assign<L: Lanes>(_: L, dst: &mut [u32], src: &[u32]) {
    let shared = dst.len().min(src.len());
    for (d, s) in dst.iter_mut().zip(src) {
        *d &= s;
    }
    dst[shared..].fill(0);
}

#[inline(always)]
pub(super) fn and_not_assign<L: Lanes>(_: L, dst: &mut [u32], src: &[u32]) {
    for (d, s) in dst.iter_mut().zip(src) {
        *d &= !s;
    }
}

#[inline(always)]
pub(super) fn count<L: Lanes>(_: L, words: &[u32]) -> usize {
    // Sums of `u32` fill twice as many lanes as sums of `usize`, and cannot overflow in a piece.
    words
        .chunks(1 << 20)
        .map(|piece| piece.iter().map(|w| w.count_ones()).sum::<u32>() as usize)
        .sum()
}

#[inline(always)]
pub(super) fn any<L: Lanes>(_: L, words: &[u32]) -> bool {
    words
        .chunks(128)
        .any(|piece| piece.iter().fold(0, |all, w| all | w) != 0)
}

// ---------------------------------------------------------------------------------------------
// Rows of logits

/// A block of logits: one mask word's worth.
type Block = [f32; 32];

/// The two halves of a block.
#[inline(always)]
fn halves(block: &Block) -> (&[f32; 16], &[f32; 16]) {
    let (halves, _) = block.as_chunks::<16>();
    (&halves[0], &halves[1])
}

#[inline(always)]
fn halves_mut(block: &mut Block) -> (&mut [f32; 16], &mut [f32; 16]) {
    let (low, high) = block.split_at_mut(16);
    let ((low, _), (high, _)) = (low.as_chunks_mut::<16>(), high.as_chunks_mut::<16>());
    (&mut low[0], &mut high[0])
}

/// A block that is not full, filled up with `fill`.
#[inline(always)]
fn padded(tail: &[f32], fill: f32) -> Block {
    let mut block = [fill; 32];
    for (b, t) in block.iter_mut().zip(tail) {
        *b = *t;
    }
    block
}

/// The mask word of block `i`.
#[inline(always)]
fn word(mask: &[u32], i: usize) -> u32 {
    mask.get(i).copied().unwrap_or(0)
}

#[inline(always)]
pub(super) fn mask_in_place<L: Lanes>(l: L, logits: &mut [f32], mask: &[u32]) {
    let forbidden = l.splat(f32::NEG_INFINITY);
    let covered = (mask.len() * 32).min(logits.len());
    let (covered, beyond) = logits.split_at_mut(covered);
    let (blocks, tail) = covered.as_chunks_mut::<32>();
    for (block, &bits) in blocks.iter_mut().zip(mask) {
        let (low, high) = halves_mut(block);
        l.store(low, l.select(bits as u16, l.load(low), forbidden));
        l.store(high, l.select((bits >> 16) as u16, l.load(high), forbidden));
    }
    let bits = word(mask, blocks.len());
    for (i, x) in tail.iter_mut().enumerate() {
        if bits >> i & 1 == 0 {
            *x = f32::NEG_INFINITY;
        }
    }
    beyond.fill(f32::NEG_INFINITY);
}

#[inline(always)]
pub(super) fn mask_copy<L: Lanes>(l: L, dst: &mut [f32], src: &[f32], mask: &[u32]) {
    let forbidden = l.splat(f32::NEG_INFINITY);
    let covered = dst.len().min(src.len()).min(mask.len() * 32);
    let (covered, beyond) = dst.split_at_mut(covered);
    let (to, to_tail) = covered.as_chunks_mut::<32>();
    let (from, from_tail) = src[..covered_len(to, to_tail)].as_chunks::<32>();
    for ((to, from), &bits) in to.iter_mut().zip(from).zip(mask) {
        let (low, high) = halves(from);
        let (low_to, high_to) = halves_mut(to);
        l.store(low_to, l.select(bits as u16, l.load(low), forbidden));
        l.store(
            high_to,
            l.select((bits >> 16) as u16, l.load(high), forbidden),
        );
    }
    let bits = word(mask, from.len());
    for (i, (to, from)) in to_tail.iter_mut().zip(from_tail).enumerate() {
        *to = if bits >> i & 1 == 1 {
            *from
        } else {
            f32::NEG_INFINITY
        };
    }
    beyond.fill(f32::NEG_INFINITY);
}

#[inline(always)]
fn covered_len(blocks: &[Block], tail: &[f32]) -> usize {
    blocks.len() * 32 + tail.len()
}

/// Calls `each` for every half block: its lanes, which of them are allowed, which exist.
#[inline(always)]
fn for_halves<L: Lanes>(l: L, logits: &[f32], mask: &[u32], mut each: impl FnMut(L::F, u16, u16)) {
    let (halves, tail) = logits.as_chunks::<16>();
    let mut last = [f32::NEG_INFINITY; 16];
    for (to, from) in last.iter_mut().zip(tail) {
        *to = *from;
    }
    // One place that calls `each`, since all of it is inlined there.
    for i in 0..logits.len().div_ceil(16) {
        let (half, exists) = match halves.get(i) {
            Some(half) => (half, u16::MAX),
            None => (&last, (1u16 << tail.len()) - 1),
        };
        let bits = (word(mask, i / 2) >> (16 * (i % 2))) as u16 & exists;
        each(l.load(half), bits, exists);
    }
}

#[inline(always)]
pub(super) fn max<L: Lanes>(l: L, logits: &[f32], mask: &[u32]) -> f32 {
    let lowest = l.splat(f32::NEG_INFINITY);
    // The order of operands matters: NaN is never greater, so what was best stays.
    let (mut even, mut odd) = (lowest, lowest);
    let (blocks, tail) = logits.as_chunks::<32>();
    for (block, &bits) in blocks.iter().zip(mask) {
        let (low, high) = halves(block);
        even = l.max(l.select(bits as u16, l.load(low), lowest), even);
        odd = l.max(l.select((bits >> 16) as u16, l.load(high), lowest), odd);
    }
    let last = padded(tail, f32::NEG_INFINITY);
    let bits = word(mask, blocks.len());
    let (low, high) = halves(&last);
    even = l.max(l.select(bits as u16, l.load(low), lowest), even);
    odd = l.max(l.select((bits >> 16) as u16, l.load(high), lowest), odd);
    let mut lanes = [0.0; 16];
    l.store(&mut lanes, l.max(even, odd));
    let greatest = lanes
        .into_iter()
        .fold(f32::NEG_INFINITY, |a, b| if b > a { b } else { a });
    // Which zero comes first depends on the lanes; say +0 for both.
    greatest + 0.0
}

#[inline(always)]
pub(super) fn has_nan_or_infinity<L: Lanes>(l: L, logits: &[f32], mask: &[u32]) -> bool {
    let infinity = l.splat(f32::INFINITY);
    let mut bad = 0;
    for_halves(
        l,
        logits,
        mask,
        #[inline(always)]
        |x, bits, _| bad |= bits & !l.gt(infinity, x),
    );
    bad != 0
}

#[inline(always)]
pub(super) fn find_at_least<L: Lanes>(
    l: L,
    logits: &[f32],
    mask: &[u32],
    from: usize,
    least: f32,
) -> Option<usize> {
    let wanted = l.splat(least);
    let (blocks, tail) = logits.as_chunks::<32>();
    let mut first = u32::MAX << (from % 32);
    for (i, &bits) in mask.iter().enumerate().skip(from / 32) {
        let bits = bits & first;
        first = u32::MAX;
        if bits == 0 {
            continue;
        }
        let last;
        let block = match blocks.get(i) {
            Some(block) => block,
            None if i == blocks.len() && !tail.is_empty() => {
                // The lanes that do not exist are NaN, which is at least nothing.
                last = padded(tail, f32::NAN);
                &last
            }
            None => return None,
        };
        let (low, high) = halves(block);
        let found =
            u32::from(l.ge(l.load(low), wanted)) | u32::from(l.ge(l.load(high), wanted)) << 16;
        if found & bits != 0 {
            return Some(i * 32 + (found & bits).trailing_zeros() as usize);
        }
    }
    None
}

// ---------------------------------------------------------------------------------------------
// Sums of exponentials
//
// After Dukhan and Ablavatski, "Two-pass softmax algorithm": e^y is kept as m * 2^n with a float
// n, and sums are kept as such pairs too. No sum overflows, so no pass for the maximum is needed.

/// Stands for the exponent of 0, and bounds all exponents so that none is infinite.
const FAR: f32 = f32::MAX;

/// How many half blocks are added up in `f32` before the lanes go to an `f64`.
const FLUSH: u32 = 128;

/// e^y = m * 2^n with m in [0.7, 1.42] and integer n, for every y that is not NaN.
#[inline(always)]
fn exp_parts<L: Lanes>(l: L, y: L::F) -> (L::F, L::F) {
    let n = l.round(l.mul(y, l.splat(std::f32::consts::LOG2_E)));
    let n = l.max(l.min(n, l.splat(FAR)), l.splat(-FAR));
    // ln 2 in two parts, the first of 9 bits, so that its product with n is exact for n < 2^15.
    let r = l.sub(y, l.mul(n, l.splat(0.693_359_4)));
    let r = l.sub(r, l.mul(n, l.splat(-2.121_944_4e-4)));
    // Further out r is mere rounding error, and must not become large.
    let r = l.max(l.min(r, l.splat(0.35)), l.splat(-0.35));
    // Cephes expf, whose error is below 2 units in the last place.
    let mut p = l.splat(1.987_569_1e-4);
    for c in [
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        0.166_666_65,
        0.5,
    ] {
        p = l.add(l.mul(p, r), l.splat(c));
    }
    let m = l.add(l.add(l.mul(p, l.mul(r, r)), r), l.splat(1.0));
    (m, n)
}

/// 2^k for integers k of any size: 0 below -126, 2^127 above 127.
#[inline(always)]
fn pow2_clamped<L: Lanes>(l: L, k: L::F) -> L::F {
    l.pow2(l.max(l.min(k, l.splat(127.0)), l.splat(-127.0)))
}

/// Sixteen sums m * 2^n.
#[derive(Clone, Copy)]
struct PairLanes<F> {
    m: F,
    n: F,
}

impl<F: Copy> PairLanes<F> {
    #[inline(always)]
    fn zero<L: Lanes<F = F>>(l: L) -> Self {
        PairLanes {
            m: l.splat(0.0),
            n: l.splat(-FAR),
        }
    }

    /// Adds m * 2^n in the lanes of `bits`.
    #[inline(always)]
    fn add<L: Lanes<F = F>>(&mut self, l: L, bits: u16, m: F, n: F) {
        let n = l.select(bits, n, l.splat(-FAR));
        let m = l.select(bits, m, l.splat(0.0));
        let top = l.max(n, self.n);
        let old = l.mul(self.m, pow2_clamped(l, l.sub(self.n, top)));
        let new = l.mul(m, pow2_clamped(l, l.sub(n, top)));
        *self = PairLanes {
            m: l.add(old, new),
            n: top,
        };
    }
}

/// The sum m * 2^n in double precision.
#[derive(Clone, Copy)]
struct Pair {
    m: f64,
    n: f64,
}

/// 2^k for k <= 0 with integer value, 0 far below.
#[inline(always)]
fn pow2_f64(k: f64) -> f64 {
    if k < -1022.0 {
        0.0
    } else {
        f64::from_bits(((1023 + k as i64) as u64) << 52)
    }
}

impl Pair {
    const ZERO: Pair = Pair {
        m: 0.0,
        n: -(FAR as f64),
    };

    /// Moves the lanes' sums here, lane 0 first.
    #[inline(always)]
    fn take<L: Lanes>(&mut self, l: L, lanes: &mut PairLanes<L::F>) {
        let (mut m, mut n) = ([0.0; 16], [0.0; 16]);
        l.store(&mut m, lanes.m);
        l.store(&mut n, lanes.n);
        *lanes = PairLanes::zero(l);
        let top = n.iter().fold(self.n, |a, &b| a.max(f64::from(b)));
        self.m *= pow2_f64(self.n - top);
        self.n = top;
        for (m, n) in m.into_iter().zip(n) {
            self.m += f64::from(m) * pow2_f64(f64::from(n) - top);
        }
    }

    /// The natural logarithm of the sum.
    #[inline(always)]
    fn ln(self) -> f64 {
        if self.m > 0.0 {
            self.m.ln() + self.n * std::f64::consts::LN_2
        } else {
            f64::NEG_INFINITY
        }
    }
}

/// Adds up e^((x - pivot) * scale), and hands each half block's m, n and live lanes to `write`.
#[inline(always)]
fn exp_sums<L: Lanes>(
    l: L,
    logits: &[f32],
    mask: &[u32],
    scale: f32,
    pivot: f32,
    mut write: impl FnMut(u16, L::F, L::F),
) -> Sums {
    let (scale_lanes, pivot_lanes) = (l.splat(scale), l.splat(pivot));
    let (lowest, infinity) = (l.splat(f32::NEG_INFINITY), l.splat(f32::INFINITY));
    let (mut allowed, mut total) = (Pair::ZERO, Pair::ZERO);
    let (mut allowed_lanes, mut total_lanes) = (PairLanes::zero(l), PairLanes::zero(l));
    let (mut bad_allowed, mut bad, mut since) = (0, 0, 0);
    for_halves(
        l,
        logits,
        mask,
        #[inline(always)]
        |x, bits, exists| {
            let (m, n) = exp_parts(l, l.mul(l.sub(x, pivot_lanes), scale_lanes));
            let not_finite = exists & !l.gt(infinity, x);
            bad |= not_finite;
            bad_allowed |= not_finite & bits;
            // Minus infinity adds nothing, and NaN must not spoil the other lanes' sums.
            let live = l.gt(x, lowest);
            total_lanes.add(l, live, m, n);
            if bits != 0 {
                allowed_lanes.add(l, live & bits, m, n);
            }
            write(live & bits, m, n);
            since += 1;
            if since == FLUSH {
                since = 0;
                allowed.take(l, &mut allowed_lanes);
                total.take(l, &mut total_lanes);
            }
        },
    );
    allowed.take(l, &mut allowed_lanes);
    total.take(l, &mut total_lanes);
    Sums {
        allowed,
        total,
        bad_allowed: bad_allowed != 0,
        bad: bad != 0,
    }
}

struct Sums {
    allowed: Pair,
    total: Pair,
    bad_allowed: bool,
    bad: bool,
}

impl Sums {
    #[inline(always)]
    fn logs(&self, scale: f32, pivot: f32) -> LogSums {
        let offset = f64::from(pivot) * f64::from(scale);
        LogSums {
            allowed: if self.bad_allowed {
                f64::NAN
            } else {
                self.allowed.ln() + offset
            },
            total: if self.bad {
                f64::NAN
            } else {
                self.total.ln() + offset
            },
        }
    }
}

#[inline(always)]
pub(super) fn log_sums<L: Lanes>(
    l: L,
    logits: &[f32],
    mask: &[u32],
    scale: f32,
    pivot: f32,
) -> LogSums {
    exp_sums(
        l,
        logits,
        mask,
        scale,
        pivot,
        #[inline(always)]
        |_, _, _| {},
    )
    .logs(scale, pivot)
}

/// Stores sixteen results at half block `*next` of `out`, as far as `out` reaches.
#[inline(always)]
fn store_half<L: Lanes>(l: L, out: &mut [f32], next: &mut usize, v: L::F) {
    let rest = out.get_mut(*next * 16..).unwrap_or(&mut []);
    *next += 1;
    match rest.first_chunk_mut::<16>() {
        Some(half) => l.store(half, v),
        None => {
            let mut lanes = [0.0; 16];
            l.store(&mut lanes, v);
            for (to, from) in rest.iter_mut().zip(lanes) {
                *to = from;
            }
        }
    }
}

#[inline(always)]
pub(super) fn weights<L: Lanes>(
    l: L,
    out: &mut [f32],
    logits: &[f32],
    mask: &[u32],
    scale: f32,
    pivot: f32,
) -> LogSums {
    let zero = l.splat(0.0);
    let mut next = 0;
    let sums = exp_sums(
        l,
        logits,
        mask,
        scale,
        pivot,
        #[inline(always)]
        |live, m, n| {
            let weight = l.select(live, l.mul(m, pow2_clamped(l, n)), zero);
            store_half(l, out, &mut next, weight);
        },
    );
    out.get_mut(logits.len()..).unwrap_or(&mut []).fill(0.0);
    sums.logs(scale, pivot)
}

#[inline(always)]
pub(super) fn softmax<L: Lanes>(
    l: L,
    out: &mut [f32],
    logits: &[f32],
    mask: &[u32],
    scale: f32,
    pivot: f32,
) -> LogSums {
    let sums = exp_sums(
        l,
        logits,
        mask,
        scale,
        pivot,
        #[inline(always)]
        |_, _, _| {},
    );
    let (zero, lowest) = (l.splat(0.0), l.splat(f32::NEG_INFINITY));
    // With nothing allowed there is nothing to write but zeros.
    let inverse = if sums.allowed.m > 0.0 {
        1.0 / sums.allowed.m
    } else {
        0.0
    };
    let (inverse, top) = (l.splat(inverse as f32), l.splat(sums.allowed.n as f32));
    let (scale_lanes, pivot_lanes) = (l.splat(scale), l.splat(pivot));
    let mut next = 0;
    for_halves(
        l,
        logits,
        mask,
        #[inline(always)]
        |x, bits, _| {
            let mut p = zero;
            if bits != 0 {
                let (m, n) = exp_parts(l, l.mul(l.sub(x, pivot_lanes), scale_lanes));
                p = l.mul(l.mul(m, inverse), pow2_clamped(l, l.sub(n, top)));
                p = l.select(bits & l.gt(x, lowest), p, zero);
            }
            store_half(l, out, &mut next, p);
        },
    );
    out.get_mut(logits.len()..).unwrap_or(&mut []).fill(0.0);
    sums.logs(scale, pivot)
}

// ---------------------------------------------------------------------------------------------
// Plain sums

/// Eight running sums fill a register or two; always added up in this order.
#[inline(always)]
fn sum_of_64(values: &[f32; 64]) -> f64 {
    let mut sums = [0.0f64; 8];
    for row in values.as_chunks::<8>().0 {
        for lane in 0..8 {
            sums[lane] += f64::from(row[lane]);
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

#[inline(always)]
pub(super) fn sums_of_64<L: Lanes>(_: L, values: &[f32], out: &mut [f64]) {
    let (pieces, tail) = values.as_chunks::<64>();
    for (sum, piece) in out.iter_mut().zip(pieces) {
        *sum = sum_of_64(piece);
    }
    if let Some((sum, beyond)) = out
        .get_mut(pieces.len()..)
        .and_then(|o| o.split_first_mut())
    {
        let mut last = [0.0; 64];
        for (to, from) in last.iter_mut().zip(tail) {
            *to = *from;
        }
        *sum = sum_of_64(&last);
        beyond.fill(0.0);
    }
}
