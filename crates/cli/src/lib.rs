//! The `maskwright` command: compile, check, mask, generate, inspect.
//!
//! In: the command line and the files that it names (no other crate opens files). Out: answers on
//! standard output (text, or JSON with `--json`), everything else on standard error, and an exit
//! code: [`YES`], [`NO`] or [`FAILED`].
//!
//! The data run through these modules:
//!
//! 1. `args` says what can be asked;
//! 2. `input` reads bytes, `source` and `vocabulary` turn them into a machine;
//! 3. `commands` holds one file for each subcommand, which use `expected` (what may come next, for
//!    people), `complete` (the way to the end of a sentence) and `samples` (the texts from which
//!    the built-in model learns);
//! 4. `output` and `error` print.
//!
//! Promises: no input makes the command panic; what `generate` prints is whole; the same arguments
//! print the same bytes.
#![deny(unsafe_code)]

mod args;
mod commands;
mod complete;
mod error;
mod expected;
mod input;
mod output;
mod progress;
mod samples;
mod source;
mod text;
mod vocabulary;

use clap::Parser;
use std::process::ExitCode;

/// The exit code of a command that did what was asked and, where it was a question, answered yes.
pub const YES: u8 = 0;

/// The exit code of a question answered with no: a text that does not match, a prefix that cannot
/// be continued, an artifact that does not verify.
pub const NO: u8 = 1;

/// The exit code of everything that went wrong: usage, files, sources that do not compile, limits.
pub const FAILED: u8 = 2;

/// Runs the command on the arguments of the process.
pub fn main() -> ExitCode {
    let cli = args::Cli::parse();
    match commands::run(&cli) {
        Ok(true) => YES.into(),
        Ok(false) => NO.into(),
        // Whoever reads has seen enough; this is how `| head` ends.
        Err(error::Error::ClosedPipe) => YES.into(),
        Err(e) => {
            error::print(&e, cli.answers_json());
            FAILED.into()
        }
    }
}

/// The README's library example, compiled and run as a test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
pub struct ReadmeExamples;
