//! Machine times vocabulary: sources in, machines over tokens out.
//!
//! [`Compiler`] takes schemas, grammars and patterns for one [`vocabulary`] and leaves
//! [`CompiledGrammar`]s, whose rows come into being when first asked for; [`CompiledGrammar::freeze`]
//! asks for all of them and leaves CSR tables for an artifact. Lists of token sequences become tries
//! ([`CompiledItems`]) at once. Inside:
//!
//! 1. `lexical_rows`: what a lexical state makes of a set of tokens, shared by all grammars;
//! 2. `memo`: answers remembered by the stack symbols that were read to find them;
//! 3. `lazy`: the machine of one grammar, made of 1 and 2 and a control; `continuation` and
//!    `comparing`: its rows, where no lexemes are compared and where some are;
//! 4. `freeze`: the lazy machine as tables; `cost`: what places of a schema cost; `sets`: token sets, stored once each;
//! 5. `token_terminals`: tokens as terminals of a grammar;
//! 6. `items`: lists of texts and of token sequences;
//! 7. `alive`: what tokens can complete, where some bytes are no tokens by themselves;
//! 8. `cache`: compiled grammars by their sources.
#![forbid(unsafe_code)]

pub mod vocabulary;

mod alive;
mod cache;
mod class_trie;
mod comparing;
mod compiler;
mod concurrent;
mod continuation;
mod cost;
mod freeze;
mod items;
mod json_schema;
mod lazy;
mod lexical_rows;
mod memo;
mod row_walk;
mod sets;
mod text_rows;
mod token_terminals;

pub use cache::{CacheStats, CompileCache};
pub use compiler::{CompileError, CompiledGrammar, Compiler, Stats};
pub use cost::{CostBudget, CostReport, NodeCost};
pub use freeze::{FreezeBudget, FreezeProgress};
pub use items::CompiledItems;
pub use json_schema::JsonSchemaOptions;
pub use maskwright_automata::frames::{FrameOptions, Numbers, Order, Whitespace};
