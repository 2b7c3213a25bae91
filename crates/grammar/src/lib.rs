//! Front ends: text → grammar IR → normal form, with diagnostics.
//!
//! Modules in the order in which the data runs:
//!
//! 1. a front end ([`json_schema`], [`notation`], [`pattern`]) reads text and reports
//!    [`Diagnostic`]s;
//! 2. it leaves a [`Grammar`] (rules over terminals, terminals over a [`RegexPool`]) or, for
//!    schemas, a [`json_schema::Schema`] graph;
//! 3. [`normal`] turns a [`Grammar`] into flat productions.
//!
//! This crate knows no tokens and builds no automata.
#![forbid(unsafe_code)]

pub mod diagnostic;
mod horn;
pub mod ir;
pub mod json_schema;
pub mod normal;
pub mod notation;
pub mod pattern;
pub mod regex;

pub use diagnostic::{Diagnostic, Diagnostics, Place};
pub use ir::{Expr, ExprId, Grammar, Rule, RuleId, Terminal, TerminalId};
pub use normal::{NormalGrammar, Sym, normalize};
pub use regex::{RegexId, RegexNode, RegexPool, TokenRef, TokenSet};
