//! NEON (64-bit Arm): four registers hold the sixteen lanes.

use super::lanes::Lanes;
use std::arch::aarch64::*;

/// Exists only where [`Neon::detect`] found the instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Neon(());

impl Neon {
    pub(crate) fn detect() -> Option<Self> {
        std::arch::is_aarch64_feature_detected!("neon").then_some(Neon(()))
    }
}

type F = [float32x4_t; 4];

/// One bit for each lane of a register.
const BITS: [u32; 4] = [1, 2, 4, 8];

#[inline(always)]
fn zip(a: F, b: F, f: impl Fn(float32x4_t, float32x4_t) -> float32x4_t) -> F {
    [f(a[0], b[0]), f(a[1], b[1]), f(a[2], b[2]), f(a[3], b[3])]
}

/// The lanes of a register whose bit in the low four bits of `bits` is 1, as all-ones lanes.
#[inline(always)]
fn spread(_: Neon, bits: u16) -> uint32x4_t {
    // SAFETY: the `Neon` value proves NEON; four words may be read behind `BITS`.
    let lane = unsafe { vld1q_u32(BITS.as_ptr()) };
    // SAFETY: the `Neon` value proves NEON.
    unsafe { vtstq_u32(vdupq_n_u32(u32::from(bits)), lane) }
}

#[inline(always)]
fn gather(_: Neon, hits: [uint32x4_t; 4]) -> u16 {
    // SAFETY: the `Neon` value proves NEON; four words may be read behind `BITS`.
    let lane = unsafe { vld1q_u32(BITS.as_ptr()) };
    let mut bits = 0;
    for (i, hit) in hits.into_iter().enumerate() {
        // SAFETY: the `Neon` value proves NEON.
        bits |= (unsafe { vaddvq_u32(vandq_u32(hit, lane)) } as u16) << (4 * i);
    }
    bits
}

impl Lanes for Neon {
    type F = F;

    #[inline(always)]
    fn load(self, from: &[f32; 16]) -> F {
        let (quarters, _) = from.as_chunks::<4>();
        // SAFETY: `self` proves NEON; four floats may be read behind each quarter.
        let load = |q: &[f32; 4]| unsafe { vld1q_f32(q.as_ptr()) };
        [
            load(&quarters[0]),
            load(&quarters[1]),
            load(&quarters[2]),
            load(&quarters[3]),
        ]
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; 16], v: F) {
        let (quarters, _) = to.as_chunks_mut::<4>();
        for (quarter, v) in quarters.iter_mut().zip(v) {
            // SAFETY: `self` proves NEON; four floats may be written behind `quarter`.
            unsafe { vst1q_f32(quarter.as_mut_ptr(), v) };
        }
    }

    #[inline(always)]
    fn splat(self, x: f32) -> F {
        // SAFETY: `self` proves NEON.
        [unsafe { vdupq_n_f32(x) }; 4]
    }

    #[inline(always)]
    fn add(self, a: F, b: F) -> F {
        // SAFETY: `self` proves NEON.
        zip(a, b, |a, b| unsafe { vaddq_f32(a, b) })
    }

    #[inline(always)]
    fn sub(self, a: F, b: F) -> F {
        // SAFETY: `self` proves NEON.
        zip(a, b, |a, b| unsafe { vsubq_f32(a, b) })
    }

    #[inline(always)]
    fn mul(self, a: F, b: F) -> F {
        // SAFETY: `self` proves NEON.
        zip(a, b, |a, b| unsafe { vmulq_f32(a, b) })
    }

    // `vmaxq_f32` and `vminq_f32` return NaN for a NaN, the trait asks for `b`.
    #[inline(always)]
    fn max(self, a: F, b: F) -> F {
        // SAFETY: `self` proves NEON.
        zip(a, b, |a, b| unsafe { vbslq_f32(vcgtq_f32(a, b), a, b) })
    }

    #[inline(always)]
    fn min(self, a: F, b: F) -> F {
        // SAFETY: `self` proves NEON.
        zip(a, b, |a, b| unsafe { vbslq_f32(vcltq_f32(a, b), a, b) })
    }

    #[inline(always)]
    fn round(self, a: F) -> F {
        // SAFETY: `self` proves NEON.
        a.map(|a| unsafe { vrndnq_f32(a) })
    }

    #[inline(always)]
    fn pow2(self, k: F) -> F {
        k.map(|k| {
            // SAFETY: `self` proves NEON.
            let exponent = unsafe { vaddq_s32(vcvtq_s32_f32(k), vdupq_n_s32(127)) };
            // SAFETY: `self` proves NEON.
            unsafe { vreinterpretq_f32_s32(vshlq_n_s32::<23>(exponent)) }
        })
    }

    #[inline(always)]
    fn gt(self, a: F, b: F) -> u16 {
        // SAFETY: `self` proves NEON.
        gather(
            self,
            std::array::from_fn(|i| unsafe { vcgtq_f32(a[i], b[i]) }),
        )
    }

    #[inline(always)]
    fn ge(self, a: F, b: F) -> u16 {
        // SAFETY: `self` proves NEON.
        gather(
            self,
            std::array::from_fn(|i| unsafe { vcgeq_f32(a[i], b[i]) }),
        )
    }

    #[inline(always)]
    fn select(self, bits: u16, a: F, b: F) -> F {
        let hits: [uint32x4_t; 4] = std::array::from_fn(|i| spread(self, bits >> (4 * i)));
        // SAFETY: `self` proves NEON.
        std::array::from_fn(|i| unsafe { vbslq_f32(hits[i], a[i], b[i]) })
    }
}
