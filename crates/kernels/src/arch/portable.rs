//! Plain Rust on arrays of sixteen, for processors without a vector file of their own.

use super::lanes::Lanes;

/// Always present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Portable;

#[inline(always)]
fn map(a: [f32; 16], f: impl Fn(f32) -> f32) -> [f32; 16] {
    std::array::from_fn(|i| f(a[i]))
}

#[inline(always)]
fn zip(a: [f32; 16], b: [f32; 16], f: impl Fn(f32, f32) -> f32) -> [f32; 16] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

#[inline(always)]
fn compare(a: [f32; 16], b: [f32; 16], f: impl Fn(&f32, &f32) -> bool) -> u16 {
    let mut bits = 0;
    for i in 0..16 {
        bits |= u16::from(f(&a[i], &b[i])) << i;
    }
    bits
}

impl Lanes for Portable {
    type F = [f32; 16];

    #[inline(always)]
    fn load(self, from: &[f32; 16]) -> [f32; 16] {
        *from
    }

    #[inline(always)]
    fn store(self, to: &mut [f32; 16], v: [f32; 16]) {
        *to = v;
    }

    #[inline(always)]
    fn splat(self, x: f32) -> [f32; 16] {
        [x; 16]
    }

    #[inline(always)]
    fn add(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn max(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn min(self, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        zip(a, b, |a, b| if a < b { a } else { b })
    }

    #[inline(always)]
    fn round(self, a: [f32; 16]) -> [f32; 16] {
        // Adding and taking away 2^23 leaves no room for a fraction. `round_ties_even` says the
        // same but is a library call for each lane on x86-64 without SSE4.1.
        map(a, |x| {
            let big = f32::copysign(8_388_608.0, x);
            if x.abs() < 8_388_608.0 {
                (x + big) - big
            } else {
                x
            }
        })
    }

    #[inline(always)]
    fn pow2(self, k: [f32; 16]) -> [f32; 16] {
        map(k, |k| f32::from_bits(((k as i32 + 127) as u32) << 23))
    }

    #[inline(always)]
    fn gt(self, a: [f32; 16], b: [f32; 16]) -> u16 {
        compare(a, b, |a, b| a > b)
    }

    #[inline(always)]
    fn ge(self, a: [f32; 16], b: [f32; 16]) -> u16 {
        compare(a, b, |a, b| a >= b)
    }

    #[inline(always)]
    fn select(self, bits: u16, a: [f32; 16], b: [f32; 16]) -> [f32; 16] {
        std::array::from_fn(|i| if bits >> i & 1 == 1 { a[i] } else { b[i] })
    }
}
