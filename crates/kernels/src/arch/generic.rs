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
    let covered = (mask.len() * 32).min(logits.len());
    let (covered, beyond) = logits.split_at_mut(covered);
    let (blocks, tail) = covered.as_chunks_mut::<32>();
    for (block, &bits) in blocks.iter_mut().zip(mask) {
        let (low, high) = halves_mut(block);
        l.store(low, l.allow(bits as u16, l.load(low)));
        l.store(high, l.allow((bits >> 16) as u16, l.load(high)));
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
// n, and sums are kept as such pairs too, so that none overflows and no pass for the maximum is
// needed. They rescale a running sum at each step; here a piece of the row that fits the
// first-level cache is read twice, first for the greatest exponent of each lane, then for sums
// that need no rescaling. That is still one pass over memory, and takes three fifths of the time.

/// Bounds all exponents, so that none is infinite; negated it stands for the exponent of 0.
const FAR: f32 = f32::MAX;

/// How many logits make a piece. Its sums are carried in `f32`, those of pieces in `f64`.
const PIECE: usize = 2048;

/// e^y = m * 2^n with m in [0.7, 1.42] and integer n.
///
/// NaN has n NaN and some m; minus infinity has n minus infinity and some m.
#[inline(always)]
fn exp_parts<L: Lanes>(l: L, y: L::F) -> (L::F, L::F) {
    let n = l.round(l.mul(y, l.splat(std::f32::consts::LOG2_E)));
    let n = l.min(l.splat(FAR), n);
    // ln 2 in two parts, the first of 9 bits, so that its product with n is exact for n < 2^15.
    let r = l.sub(y, l.mul(n, l.splat(0.693_359_4)));
    let r = l.sub(r, l.mul(n, l.splat(-2.121_944_4e-4)));
    // Further out r is mere rounding error, and must not become large.
    let r = l.max(l.min(r, l.splat(0.35)), l.splat(-0.35));
    // The minimax polynomial of XNNPACK's `expminus` kernels; off by less than 2^-22.
    let mut p = l.splat(8.289_284e-3);
    for c in [4.189_015e-2, 0.166_676_52, 0.499_991_5, 0.999_999_7, 1.0] {
        p = l.add(l.mul(p, r), l.splat(c));
    }
    (p, n)
}

/// 2^k for integers k up to 0; 0 below -126 and for NaN.
#[inline(always)]
fn pow2_down<L: Lanes>(l: L, k: L::F) -> L::F {
    l.pow2(l.max(k, l.splat(-127.0)))
}

/// 2^k for integers k of any size: 0 below -126, 2^127 above 127.
#[inline(always)]
fn pow2_clamped<L: Lanes>(l: L, k: L::F) -> L::F {
    l.pow2(l.max(l.min(k, l.splat(127.0)), l.splat(-127.0)))
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

    /// Adds sixteen sums m * 2^n, lane 0 first. No n may be far above those of the lanes that count.
    #[inline(always)]
    fn add<L: Lanes>(&mut self, l: L, m_lanes: L::F, n_lanes: L::F) {
        let (mut m, mut n) = ([0.0; 16], [0.0; 16]);
        l.store(&mut m, m_lanes);
        l.store(&mut n, n_lanes);
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

/// The way from a logit to its exponent.
#[derive(Clone, Copy)]
struct Affine<F> {
    pivot: F,
    scale: F,
}

impl<F: Copy> Affine<F> {
    #[inline(always)]
    fn new<L: Lanes<F = F>>(l: L, scale: f32, pivot: f32) -> Self {
        Affine {
            pivot: l.splat(pivot),
            scale: l.splat(scale),
        }
    }

    #[inline(always)]
    fn parts<L: Lanes<F = F>>(self, l: L, x: F) -> (F, F) {
        exp_parts(l, l.mul(l.sub(x, self.pivot), self.scale))
    }

    /// The exponent n of the greatest logit of each lane: no other one's is above it, since every
    /// step towards n is monotone.
    #[inline(always)]
    fn top<L: Lanes<F = F>>(self, l: L, greatest: F) -> F {
        l.max(self.parts(l, greatest).1, l.splat(-FAR))
    }
}

/// Adds up e^((x - pivot) * scale). With WRITE, `out` gets the allowed terms themselves.
#[inline(always)]
fn exp_sums<L: Lanes, const WRITE: bool>(
    l: L,
    logits: &[f32],
    mask: &[u32],
    scale: f32,
    pivot: f32,
    out: &mut [f32],
) -> Sums {
    let affine = Affine::new(l, scale, pivot);
    let (lowest, infinity) = (l.splat(f32::NEG_INFINITY), l.splat(f32::INFINITY));
    let (mut allowed, mut total) = (Pair::ZERO, Pair::ZERO);
    let (mut bad_allowed, mut bad) = (0, 0);
    for (i, piece) in logits.chunks(PIECE).enumerate() {
        let mask = mask.get(i * (PIECE / 32)..).unwrap_or(&[]);
        let out = out.get_mut(i * PIECE..).unwrap_or(&mut []);
        let (mut max, mut max_allowed, mut any) = (lowest, lowest, 0);
        for_halves(
            l,
            piece,
            mask,
            #[inline(always)]
            |x, bits, exists| {
                max = l.max(x, max);
                max_allowed = l.max(l.select(bits, x, lowest), max_allowed);
                let not_finite = exists & !l.gt(infinity, x);
                bad |= not_finite;
                bad_allowed |= not_finite & bits;
                any |= bits;
            },
        );
        let top = affine.top(l, max);
        let top_allowed = affine.top(l, max_allowed);
        // Where allowed terms are not far below the rest, as nearly always, both sums can share
        // their terms.
        let near = l.ge(top_allowed, l.sub(top, l.splat(60.0)));
        let none = !l.gt(max_allowed, lowest);
        if near | none == u16::MAX {
            let sums = piece_sums::<L, WRITE, true>(l, piece, mask, affine, top, top, out);
            total.add(l, sums.0, top);
            if any != 0 {
                // A lane with nothing allowed must not lend its exponent to the others.
                allowed.add(l, sums.1, l.select(none, l.splat(-FAR), top));
            }
        } else {
            let sums = piece_sums::<L, WRITE, false>(l, piece, mask, affine, top, top_allowed, out);
            total.add(l, sums.0, top);
            allowed.add(l, sums.1, top_allowed);
        }
    }
    Sums {
        allowed,
        total,
        bad_allowed: bad_allowed != 0,
        bad: bad != 0,
    }
}

/// The sums of one piece, over all and over the allowed terms, in units of 2^top and
/// 2^top_allowed. With SHARED the two are the same.
#[inline(always)]
fn piece_sums<L: Lanes, const WRITE: bool, const SHARED: bool>(
    l: L,
    piece: &[f32],
    mask: &[u32],
    affine: Affine<L::F>,
    top: L::F,
    top_allowed: L::F,
    out: &mut [f32],
) -> (L::F, L::F) {
    let zero = l.splat(0.0);
    let unit = pow2_clamped(l, top_allowed);
    let (mut total, mut allowed, mut next) = (zero, zero, 0);
    for_halves(
        l,
        piece,
        mask,
        #[inline(always)]
        |x, bits, _| {
            let (m, n) = affine.parts(l, x);
            let term = l.mul(m, pow2_down(l, l.sub(n, top)));
            total = l.add(total, term);
            let own = if SHARED {
                term
            } else {
                // Forbidden terms may be above the greatest allowed one.
                let k = l.min(l.splat(0.0), l.sub(n, top_allowed));
                l.mul(m, pow2_down(l, k))
            };
            let own = l.select(bits, own, zero);
            allowed = l.add(allowed, own);
            if WRITE {
                store_half(l, out, &mut next, l.mul(own, unit));
            }
        },
    );
    (total, allowed)
}

#[inline(always)]
pub(super) fn log_sums<L: Lanes>(
    l: L,
    logits: &[f32],
    mask: &[u32],
    scale: f32,
    pivot: f32,
) -> LogSums {
    exp_sums::<L, false>(l, logits, mask, scale, pivot, &mut []).logs(scale, pivot)
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
    let sums = exp_sums::<L, true>(l, logits, mask, scale, pivot, out);
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
    let sums = exp_sums::<L, false>(l, logits, mask, scale, pivot, &mut []);
    // With nothing allowed there is nothing to write but zeros.
    let inverse = if sums.allowed.m > 0.0 {
        1.0 / sums.allowed.m
    } else {
        0.0
    };
    let (inverse, top) = (l.splat(inverse as f32), l.splat(sums.allowed.n as f32));
    let affine = Affine::new(l, scale, pivot);
    let mut next = 0;
    for_halves(
        l,
        logits,
        mask,
        #[inline(always)]
        |x, bits, _| {
            let mut p = l.splat(0.0);
            if bits != 0 {
                let (m, n) = affine.parts(l, x);
                p = l.mul(l.mul(m, inverse), pow2_clamped(l, l.sub(n, top)));
                p = l.select(bits, p, l.splat(0.0));
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
