//! The JSON Schema front end: schema text → [`Schema`], a graph of exact assertions.
//!
//! A schema object is a conjunction of its keywords. Each keyword becomes one or more assertion
//! nodes that speak about *one* JSON type and are true of every other type, and the object becomes
//! the [`Node::All`] of them; applicators become boolean nodes. So after this stage there are no
//! keywords, no dialects and no references left: a reference is simply an edge, and recursion is a
//! cycle in the graph.
//!
//! [`parse`](parse()) is the way in. Modules in the order in which the data runs:
//!
//! 1. [`json`] reads the text exactly;
//! 2. `references` finds resources and anchors, and says what references mean;
//! 3. `parse` keeps the work list; `values`, `assertions`, `applicators` and `unevaluated` turn the
//!    `keywords` of one schema object into nodes, with [`ecma`] patterns and `formats` as regexes;
//! 4. `cycles`, `relax` and `names` finish the graph.
//!
//! The [`Report`] is written by the same code that lowers, so it cannot disagree with it.

mod applicators;
mod assertions;
mod cycles;
mod decimal;
pub mod ecma;
mod formats;
pub mod json;
mod keywords;
mod metaschemas;
mod names;
mod options;
mod parse;
mod references;
mod relax;
mod report;
pub mod schema;
mod unevaluated;
mod uri;
mod values;

pub use decimal::DecimalError;
pub use formats::KNOWN as FORMATS;
pub use options::{Draft, FormatMode, Options};
pub use parse::{parse, parse_with_report};
pub use report::{Entry, Report, Status};
pub use schema::{ArrayNode, Decimal, Node, NodeId, NumberNode, ObjectNode, Schema, Types};
