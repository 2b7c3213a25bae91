//! Test support: a slow oracle, toy vocabularies, generators, cases and the checks that use them.
//!
//! Nothing here is part of what users run. The oracle and the generators know the grammar IR and
//! the vocabulary type only; compilers and matchers come in through the traits of [`engine`], so
//! this crate tests them without depending on them.
//!
//! - [`oracle`]: which texts are sentences, which can still become one, which tokens may follow;
//! - [`validate`]: JSON Schema verdicts on finished documents, by an independent library;
//! - [`vocab`]: toy vocabularies; [`random`]: a seeded generator; [`generate`]: arbitrary grammars,
//!   schemas and operation sequences; [`schemas`]: schemas of every keyword, documents near them;
//! - [`corpus`]: the `grammars/` folder; [`cases`]: single cases as TOML;
//! - [`engine`] and [`check`]: what is tested, and the properties;
//! - [`fuzzing`]: the bodies of the fuzz targets.
#![forbid(unsafe_code)]

pub mod cases;
pub mod check;
pub mod corpus;
pub mod engine;
pub mod fuzzing;
pub mod generate;
pub mod oracle;
pub mod random;
pub mod schemas;
pub mod validate;
pub mod vocab;
