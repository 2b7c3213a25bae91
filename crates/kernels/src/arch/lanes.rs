//! The vector trait that kernels are written against: sixteen lanes of `f32`.

/// Proof that an instruction set is present, and its operations on sixteen `f32` lanes.
///
/// All operations are exact IEEE operations lane by lane, without fused multiply-add and without
/// flushing of subnormals, so every implementation returns the same bits. Comparison results are
/// 16-bit masks, lane 0 in the least significant bit.
pub(crate) trait Lanes: Copy {
    /// Sixteen lanes.
    type F: Copy;

    fn load(self, from: &[f32; 16]) -> Self::F;
    fn store(self, to: &mut [f32; 16], v: Self::F);
    fn splat(self, x: f32) -> Self::F;
    fn add(self, a: Self::F, b: Self::F) -> Self::F;
    fn sub(self, a: Self::F, b: Self::F) -> Self::F;
    fn mul(self, a: Self::F, b: Self::F) -> Self::F;
    /// `if a > b { a } else { b }`: `b` when either is NaN.
    fn max(self, a: Self::F, b: Self::F) -> Self::F;
    /// `if a < b { a } else { b }`: `b` when either is NaN.
    fn min(self, a: Self::F, b: Self::F) -> Self::F;
    /// To the nearest integer, ties to even.
    fn round(self, a: Self::F) -> Self::F;
    /// 2^k for integers k in -127..=127, where 2^-127 is taken as 0.
    fn pow2(self, k: Self::F) -> Self::F;
    /// The lanes where `a > b`; never a lane with a NaN.
    fn gt(self, a: Self::F, b: Self::F) -> u16;
    /// The lanes where `a >= b`; never a lane with a NaN.
    fn ge(self, a: Self::F, b: Self::F) -> u16;
    /// `a` where the bit is 1, `b` where it is 0.
    fn select(self, bits: u16, a: Self::F, b: Self::F) -> Self::F;
    /// `a` where the bit is 1, minus infinity where it is 0.
    #[inline(always)]
    fn allow(self, bits: u16, a: Self::F) -> Self::F {
        self.select(bits, a, self.splat(f32::NEG_INFINITY))
    }
}
