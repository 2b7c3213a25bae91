//! Matchers, masks, rollback and samplers over compiled tables.
//!
//! In: a [`Machine`] (the lazy compiler or an opened artifact) and the tokens generated so far.
//! Out: the exact set of tokens that may come next, as a mask, a borrowed row or a membership test;
//! and tokens sampled from it. This crate knows no grammar: all that it does is move threads (a
//! lexical state and a persistent stack each) by the tables of the machine.
//!
//! ```
//! use maskwright_runtime::{MatchError, Matcher};
//! use maskwright_tables::{Machine, TokenId};
//! use std::sync::Arc;
//!
//! /// Writes one sentence; `pick` chooses among the tokens that may come next.
//! fn write(
//!     machine: Arc<dyn Machine>,
//!     mut pick: impl FnMut(&[u32]) -> TokenId,
//! ) -> Result<Vec<TokenId>, MatchError> {
//!     let mut matcher = Matcher::new(machine)?;
//!     let mut mask = vec![0; matcher.mask_words()];
//!     let mut output = Vec::new();
//!     while !matcher.is_terminated() {
//!         matcher.fill_mask(&mut mask)?;
//!         let token = pick(&mask);
//!         matcher.advance(token)?;
//!         output.push(token);
//!     }
//!     Ok(output)
//! }
//! ```
//!
//! Promises: a mask bit is set if and only if [`Matcher::advance`] takes the token; a call that
//! answers with `Err` changes nothing; nothing panics, nothing recurses on the depth of a stack or
//! the length of an output, and memory does not grow with the number of tokens; a limit that is
//! crossed is a typed error and never "no".
//!
//! Words: a *thread* is one reading of the output, a *configuration* all of them; a *step* is one
//! accepted call, which rollback counts; an output is *accepting* when it is a sentence and
//! *terminated* when an end token was taken.
//!
//! [`Machine`]: maskwright_tables::Machine
#![forbid(unsafe_code)]

mod batch;
mod distinct;
mod error;
mod exclude;
pub mod frozen;
mod growing;
mod history;
mod matcher;
mod record;
mod row;
pub mod sampling;
mod stack;
mod survive;
mod walk;

pub use batch::fill_batch;
pub use error::{BatchError, MatchError, MatchErrorKind};
pub use frozen::{FrozenMachine, read_machine};
pub use maskwright_tables::ItemMachine;
pub use matcher::{Matcher, MatcherConfig, Reading};
pub use row::{Row, RowScratch};
