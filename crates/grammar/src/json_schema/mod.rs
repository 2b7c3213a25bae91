//! The JSON Schema front end: schema text → [`Schema`], a graph of exact assertions.
//!
//! A schema object is a conjunction of its keywords. Each keyword becomes one or more assertion
//! nodes that speak about *one* JSON type and are true of every other type, and the object becomes
//! the [`Node::All`] of them; applicators become boolean nodes. So after this stage there are no
//! keywords, no dialects and no references left: a reference is simply an edge, and recursion is a
//! cycle in the graph.

pub mod schema;

pub use schema::{ArrayNode, Decimal, Node, NodeId, NumberNode, ObjectNode, Schema, Types};
