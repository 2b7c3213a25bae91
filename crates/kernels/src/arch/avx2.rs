//! AVX2: two registers hold the sixteen lanes.

use super::lanes::Lanes;
use std::arch::x86_64::*;

/// Exists only where [`Avx2::detect`] found the instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx2(());

impl Avx2 {
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt")).then_some(Avx2(()))
    }
}

type F = [__m256; 2];

/// The lanes of a register whose bit in the low eight bits of `bits` is 1, as all-ones lanes.
#[inline(always)]
fn spread(_: Avx2, bits: u16) -> __m256 {
    // SAFETY: the `Avx2` value proves AVX2.
    let lane = unsafe { _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128) };
    // SAFETY: the `Avx2` value proves AVX2.
    let hit = unsafe { _mm256_and_si256(_mm256_set1_epi32(i32::from(bits)), lane) };
    // SAFETY: the `Avx2` value proves AVX2.
    unsafe { _mm256_castsi256_ps(_mm256_cmpeq_epi32(hit, lane)) }
}

/// `a` in the lanes whose bit is 1, minus infinity in the others, by its bits.
#[inline(always)]
fn allowed(proof: Avx2, bits: u16, a: __m256) -> __m256 {
    const INFINITY: u32 = f32::NEG_INFINITY.to_bits();
    let kept = spread(proof, bits);
    // SAFETY: the `Avx2` value proves AVX2.
    unsafe {
        let set = _mm256_andnot_ps(
            kept,
            _mm256_castsi256_ps(_mm256_set1_epi32(INFINITY as i32)),
        );
        let cleared = _mm256_andnot_ps(
            kept,
            _mm256_castsi256_ps(_mm256_set1_epi32(!INFINITY as i32)),
        );
        _mm256_andnot_ps(cleared, _mm256_or_ps(a, set))
    }
}

#[inline(always)]
fn gather(_: Avx2, low: __m256, high: __m256) -> u16 {
    // SAFETY: the `Avx2` value proves AVX2.
    let (low, high) = unsafe { (_mm256_movemask_ps(low), _mm256_movemask_ps(high)) };
    (low | high << 8) as u16
}

// Not a closure: those are not sure to be inlined into a function that has the instructions.
#[inline(always)]
fn pow2_of_register(_: Avx2, k: __m256) -> __m256 {
    // SAFETY: the `Avx2` value proves AVX2.
    let exponent = unsafe { _mm256_add_epi32(_mm256_cvtps_epi32(k), _mm256_set1_epi32(127)) };
    // SAFETY: the `Avx2` value proves AVX2.
    unsafe { _mm256_castsi256_ps(_mm256_slli_epi32::<23>(exponent)) }
}

impl Lanes for Avx2 {
    type F = F;

    #[inline(always)]
    fn load(self, from: &[f32; 16]) -> F {
        let (halves, _) = from.as_chunks::<8>();
        // SAFETY: `self` proves AVX2; eight floats may be read behind each half.
        unsafe {
            [
                _mm256_loadu_ps(halves[0].as_ptr()),
                _mm256_loadu_ps(halves[1].as_ptr()),
            ]
        }
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; 16], v: F) {
        let (halves, _) = to.as_chunks_mut::<8>();
        // SAFETY: `self` proves AVX2; eight floats may be written behind the half.
        unsafe { _mm256_storeu_ps(halves[0].as_mut_ptr(), v[0]) };
        // SAFETY: `self` proves AVX2; eight floats may be written behind the half.
        unsafe { _mm256_storeu_ps(halves[1].as_mut_ptr(), v[1]) };
    }

    #[inline(always)]
    fn splat(self, x: f32) -> F {
        // SAFETY: `self` proves AVX2.
        [unsafe { _mm256_set1_ps(x) }; 2]
    }

    #[inline(always)]
    fn add(self, a: F, b: F) -> F {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_add_ps(a[0], b[0]), _mm256_add_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn sub(self, a: F, b: F) -> F {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_sub_ps(a[0], b[0]), _mm256_sub_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn mul(self, a: F, b: F) -> F {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_mul_ps(a[0], b[0]), _mm256_mul_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn max(self, a: F, b: F) -> F {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_max_ps(a[0], b[0]), _mm256_max_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn min(self, a: F, b: F) -> F {
        // SAFETY: `self` proves AVX2.
        unsafe { [_mm256_min_ps(a[0], b[0]), _mm256_min_ps(a[1], b[1])] }
    }

    #[inline(always)]
    fn round(self, a: F) -> F {
        const NEAREST: i32 = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC;
        // SAFETY: `self` proves AVX2.
        unsafe {
            [
                _mm256_round_ps::<NEAREST>(a[0]),
                _mm256_round_ps::<NEAREST>(a[1]),
            ]
        }
    }

    #[inline(always)]
    fn pow2(self, k: F) -> F {
        [pow2_of_register(self, k[0]), pow2_of_register(self, k[1])]
    }

    #[inline(always)]
    fn gt(self, a: F, b: F) -> u16 {
        // SAFETY: `self` proves AVX2.
        let [low, high] = unsafe {
            [
                _mm256_cmp_ps::<_CMP_GT_OQ>(a[0], b[0]),
                _mm256_cmp_ps::<_CMP_GT_OQ>(a[1], b[1]),
            ]
        };
        gather(self, low, high)
    }

    #[inline(always)]
    fn ge(self, a: F, b: F) -> u16 {
        // SAFETY: `self` proves AVX2.
        let [low, high] = unsafe {
            [
                _mm256_cmp_ps::<_CMP_GE_OQ>(a[0], b[0]),
                _mm256_cmp_ps::<_CMP_GE_OQ>(a[1], b[1]),
            ]
        };
        gather(self, low, high)
    }

    #[inline(always)]
    fn select(self, bits: u16, a: F, b: F) -> F {
        let [low, high] = [spread(self, bits), spread(self, bits >> 8)];
        // SAFETY: `self` proves AVX2.
        unsafe {
            [
                _mm256_blendv_ps(b[0], a[0], low),
                _mm256_blendv_ps(b[1], a[1], high),
            ]
        }
    }

    // Not a selection: of one that is stored where it was loaded LLVM makes a store under a mask
    // (`vmaskmovps`), which takes some 20 cycles on processors of AMD without AVX-512.
    #[inline(always)]
    fn allow(self, bits: u16, a: F) -> F {
        [allowed(self, bits, a[0]), allowed(self, bits >> 8, a[1])]
    }
}
