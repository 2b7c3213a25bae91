//! Random JSON Schemas that use every keyword, and documents near a schema.
//!
//! Two questions need them. Is every document that the masks allow valid? That takes schemas only:
//! the documents are drawn from the masks. Is every valid document accepted? That takes documents
//! that are often valid and, when they are not, nearly so: [`document`] follows the keywords of a
//! schema with values at and around their bounds, and [`mutate`] changes one thing.
//!
//! Numbers are small or have few digits, so that a validator that computes with `f64` is right about
//! them.

mod documents;
mod schema;

pub use documents::{document, mutate};
pub use schema::{DRAFTS, schema};

use crate::random::Random;
use serde_json::{Value, json};

/// The names of properties.
pub const NAMES: [&str; 7] = ["a", "b", "c", "ab", "é", "x y", ""];

/// Strings, some of them of a format, with what JSON escapes and what is long in UTF-8.
pub const STRINGS: [&str; 18] = [
    "",
    "a",
    "b",
    "c",
    "ab",
    "abc",
    "ba",
    "1",
    "12",
    "é",
    "aé",
    "😀",
    "a\"b\\",
    "\n",
    "x y",
    "2024-02-29",
    "127.0.0.1",
    "12:30:00Z",
];

/// Numbers, as `f64` and decimal text hold them alike.
pub fn number(random: &mut Random) -> Value {
    match random.below(12) {
        0 => json!(0.5),
        1 => json!(-0.5),
        2 => json!(1.5),
        3 => json!(2.0),
        4 => json!(10),
        5 => json!(100),
        6 => json!(1e3),
        7 => json!(-2.25),
        n => json!(n as i64 - 9),
    }
}

/// A string out of [`STRINGS`].
pub fn string(random: &mut Random) -> Value {
    json!(*random.pick(&STRINGS))
}

/// Any value, `depth` levels deep at most.
pub fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 6 } else { 8 }) {
        0 => Value::Null,
        1 => json!(random.below(2) == 0),
        2 | 3 => number(random),
        4 | 5 => string(random),
        6 => {
            let len = random.below(4);
            Value::Array((0..len).map(|_| value(random, depth - 1)).collect())
        }
        _ => {
            let len = random.below(4);
            let members =
                (0..len).map(|_| ((*random.pick(&NAMES)).to_owned(), value(random, depth - 1)));
            Value::Object(members.collect())
        }
    }
}
