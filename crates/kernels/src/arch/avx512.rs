//! AVX-512: one register holds sixteen lanes, and a mask register holds half a mask word.
//!
//! Asked for: F, BW, DQ, VL and VPOPCNTDQ, which means Ice Lake and Zen 4 or later. Earlier
//! AVX-512 processors lower their clock when they run 512-bit code; they take AVX2.

use super::lanes::Lanes;
use std::arch::x86_64::*;

/// Exists only where [`Avx512::detect`] found the instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Avx512(());

impl Avx512 {
    pub(crate) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vpopcntdq"))
        .then_some(Avx512(()))
    }
}

impl Lanes for Avx512 {
    type F = __m512;

    #[inline(always)]
    fn load(self, from: &[f32; 16]) -> __m512 {
        // SAFETY: `self` proves AVX-512; sixteen floats may be read behind `from`.
        unsafe { _mm512_loadu_ps(from.as_ptr()) }
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; 16], v: __m512) {
        // SAFETY: `self` proves AVX-512; sixteen floats may be written behind `to`.
        unsafe { _mm512_storeu_ps(to.as_mut_ptr(), v) }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    fn add(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    fn sub(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_sub_ps(a, b) }
    }

    #[inline(always)]
    fn mul(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    fn max(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_max_ps(a, b) }
    }

    #[inline(always)]
    fn min(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_min_ps(a, b) }
    }

    #[inline(always)]
    fn round(self, a: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_roundscale_ps::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(a) }
    }

    #[inline(always)]
    fn pow2(self, k: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        let exponent = unsafe { _mm512_add_epi32(_mm512_cvtps_epi32(k), _mm512_set1_epi32(127)) };
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_castsi512_ps(_mm512_slli_epi32::<23>(exponent)) }
    }

    #[inline(always)]
    fn gt(self, a: __m512, b: __m512) -> u16 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b) }
    }

    #[inline(always)]
    fn ge(self, a: __m512, b: __m512) -> u16 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_cmp_ps_mask::<_CMP_GE_OQ>(a, b) }
    }

    #[inline(always)]
    fn select(self, bits: u16, a: __m512, b: __m512) -> __m512 {
        // SAFETY: `self` proves AVX-512.
        unsafe { _mm512_mask_blend_ps(bits, b, a) }
    }
}
