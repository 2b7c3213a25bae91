//! Loops over the words of a mask and over the logits of a position, one for each instruction set.
//!
//! Two modules: [`bits`] works on bitsets, [`logits`] on rows of `f32` under such a bitset. All
//! functions take slices, are safe, never panic, and have an answer for every pair of lengths.
//! Each call picks the widest instruction set that the processor has (see [`Isa`]), and the answer
//! is the same **bit for bit** on all of them: floating-point kernels work on sixteen lanes
//! whatever the width of a register, add in one fixed order and never fuse a multiplication with
//! an addition. So a seed gives the same tokens on every machine.
//!
//! # Masks
//!
//! A mask is a slice of `u32` words. Bit `t % 32` of word `t / 32`, counted from the least
//! significant bit, is 1 when token `t` is allowed. Bits that no word holds are 0, so a short mask
//! forbids what it does not reach.
//!
//! # Example
//!
//! ```
//! use maskwright_kernels::{bits, logits};
//!
//! let mut mask = [0u32; 2];
//! bits::set(&mut mask, [1, 33, 34]);
//! let mut row = vec![0.5f32; 40];
//! row[33] = 2.0;
//! logits::mask_in_place(&mut row, &mask);
//! assert_eq!(row[0], f32::NEG_INFINITY);
//! assert_eq!(logits::argmax(&row, &mask), Some(33));
//! ```
//!
//! # Layout
//!
//! `arch/generic.rs` has every kernel once, over a small vector trait, `arch/lanes.rs`;
//! `arch/{portable,avx2,avx512,neon}.rs` implement the trait. A value of an instruction set's type
//! exists only where the processor has its instructions, so holding one is the proof that the
//! `unsafe` blocks need.
#![deny(unsafe_op_in_unsafe_fn)]
#![warn(clippy::undocumented_unsafe_blocks)]

mod arch;
pub mod bits;
pub mod logits;

pub use arch::Isa;
