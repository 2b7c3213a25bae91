//! Terminals, LR tables and schema frames: from grammars to pushdown machines.
//!
//! - [`lexicon`]: terminals as lazily determinised byte automata, shared by all grammars.
//! - [`control`]: the one interface of pushdown machines, [`Control`], with two producers:
//!   [`lr`] (context-free grammars) and [`frames`] (JSON schemas).
//! - [`embedded`]: schemas inside grammars, made of both.
//! - [`number`]: sets of JSON numbers as automata.
//!
//! This crate knows no tokens.
#![forbid(unsafe_code)]

pub mod control;
pub mod embedded;
pub mod frames;
pub mod lexicon;
pub mod lr;
pub mod number;

pub use control::{Control, ControlError, Move, Outline, StackReader};
pub use embedded::Embedded;
pub use frames::{FrameOptions, Frames, Numbers, Order, Whitespace};
pub use lexicon::Lexicon;
pub use lr::Lr;
