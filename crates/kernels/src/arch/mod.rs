//! Which instruction sets there are, which of them this processor has, and the way from a call to
//! the kernel that is compiled for one.

mod generic;
mod lanes;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;

use crate::logits::LogSums;
use std::fmt;
use std::sync::OnceLock;

/// An instruction set that this processor has: a value exists only where its instructions do.
///
/// The functions of [`crate::bits`] and [`crate::logits`] use [`Isa::best`]. The methods here run
/// one kernel on one instruction set; they are for tests and benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable(portable::Portable),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Avx512),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Neon),
}

impl Isa {
    /// The widest instruction set of this processor. Detected once.
    #[inline]
    pub fn best() -> Isa {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            Isa::available()
                .pop()
                .unwrap_or(Isa(Kind::Portable(portable::Portable)))
        })
    }

    /// All instruction sets of this processor, the portable one first, the widest last.
    pub fn available() -> Vec<Isa> {
        let kinds = [
            Some(Kind::Portable(portable::Portable)),
            #[cfg(target_arch = "x86_64")]
            avx2::Avx2::detect().map(Kind::Avx2),
            #[cfg(target_arch = "x86_64")]
            avx512::Avx512::detect().map(Kind::Avx512),
            #[cfg(target_arch = "aarch64")]
            neon::Neon::detect().map(Kind::Neon),
        ];
        kinds.into_iter().flatten().map(Isa).collect()
    }

    /// Its name: `portable`, `avx2`, `avx512` or `neon`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Kind::Portable(_) => "portable",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512(_) => "avx512",
            #[cfg(target_arch = "aarch64")]
            Kind::Neon(_) => "neon",
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The list of all kernels: hands it to `$then`, after `$extra`.
macro_rules! with_kernels {
    ($then:ident $extra:tt) => {
        $then! { $extra
            bits fn copy(dst: &mut [u32], src: &[u32]);
            bits fn or_assign(dst: &mut [u32], src: &[u32]);
            bits fn or_assign_all(dst: &mut [u32], sources: &[&[u32]]);
            bits fn and_assign(dst: &mut [u32], src: &[u32]);
            bits fn and_not_assign(dst: &mut [u32], src: &[u32]);
            bits fn count(words: &[u32]) -> usize;
            bits fn any(words: &[u32]) -> bool;
            logits fn mask_in_place(logits: &mut [f32], mask: &[u32]);
            logits fn mask_copy(dst: &mut [f32], src: &[f32], mask: &[u32]);
            logits fn max(logits: &[f32], mask: &[u32]) -> f32;
            logits fn has_nan_or_infinity(logits: &[f32], mask: &[u32]) -> bool;
            logits fn find_at_least(logits: &[f32], mask: &[u32], from: usize, least: f32) -> Option<usize>;
            logits fn log_sums(logits: &[f32], mask: &[u32], scale: f32, pivot: f32) -> LogSums;
            logits fn weights(out: &mut [f32], logits: &[f32], mask: &[u32], scale: f32, pivot: f32) -> LogSums;
            logits fn softmax(out: &mut [f32], logits: &[f32], mask: &[u32], scale: f32, pivot: f32) -> LogSums;
            logits fn sums_of_64(values: &[f32], out: &mut [f64]);
        }
    };
}

/// Compiles all kernels for one instruction set: a module of safe functions that take the proof.
macro_rules! compile {
    ({ $module:ident, $proof:ty, $features:literal }
     $($home:ident fn $name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)?;)*) => {
        mod $module {
            #[allow(unused_imports)]
            use super::{LogSums, generic};
            $(
                #[inline]
                pub(super) fn $name(proof: $proof, $($arg: $ty),*) $(-> $ret)? {
                    #[target_feature(enable = $features)]
                    fn with_features(proof: $proof, $($arg: $ty),*) $(-> $ret)? {
                        generic::$name(proof, $($arg),*)
                    }
                    // SAFETY: a value of the proof's type exists only where `detect` found all of
                    // these features.
                    unsafe { with_features(proof, $($arg),*) }
                }
            )*
        }
    };
}

#[cfg(target_arch = "x86_64")]
with_kernels!(compile { on_avx2, super::avx2::Avx2, "avx2,popcnt" });
#[cfg(target_arch = "x86_64")]
with_kernels!(compile { on_avx512, super::avx512::Avx512, "avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,popcnt" });
#[cfg(target_arch = "aarch64")]
with_kernels!(compile { on_neon, super::neon::Neon, "neon" });

/// Makes a method of [`Isa`] for each kernel.
macro_rules! dispatch {
    ({} $($home:ident fn $name:ident($($arg:ident: $ty:ty),*) $(-> $ret:ty)?;)*) => {
        impl Isa {
            $(
                #[doc = concat!("[`crate::", stringify!($home), "::", stringify!($name), "`] on this instruction set.")]
                #[inline]
                pub fn $name(self, $($arg: $ty),*) $(-> $ret)? {
                    match self.0 {
                        Kind::Portable(proof) => generic::$name(proof, $($arg),*),
                        #[cfg(target_arch = "x86_64")]
                        Kind::Avx2(proof) => on_avx2::$name(proof, $($arg),*),
                        #[cfg(target_arch = "x86_64")]
                        Kind::Avx512(proof) => on_avx512::$name(proof, $($arg),*),
                        #[cfg(target_arch = "aarch64")]
                        Kind::Neon(proof) => on_neon::$name(proof, $($arg),*),
                    }
                }
            )*
        }
    };
}

with_kernels!(dispatch {});
