//! Machine times vocabulary: token rows, CSR, artifacts, vocabulary readers.
#![forbid(unsafe_code)]

pub mod vocabulary;

mod compiler;
mod freeze;
mod lazy;
mod lexical_rows;
mod memo;
mod sets;

pub use compiler::{CompileError, CompiledGrammar, Compiler, Stats};
pub use freeze::FreezeBudget;
