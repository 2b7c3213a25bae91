//! Terminals as lazily determinised byte automata, shared by all grammars of one vocabulary.
//!
//! A lexical state is a hash-consed regular expression over bytes: what may still come before the
//! lexeme is complete. Reading a byte takes its Brzozowski derivative ("Derivatives of Regular
//! Expressions", JACM 1964; with similarity rules as in Owens, Reppy and Turon, "Regular-expression
//! derivatives re-examined", JFP 2009). Three things come for free and are why this form was chosen
//! over subset construction: intersection and complement; counted repeats as a number instead of
//! copies; and sharing, since two grammars that ask for the same terminal meet in the same node.
//!
//! Layers, in files of their own:
//!
//! - `expr`: nodes and the facts kept with each node (nullable, marks, byte cuts);
//! - `simplify`: unions and intersections in normal form; `bounds`: counts without bounds;
//! - `derive`: derivatives by one byte, JSON string spellings included; `runs`: by all bytes at once;
//! - `empty`: exact emptiness, needed only below intersections and complements;
//! - `pieces`: what can be spelled where some bytes occur only inside longer pieces of text;
//! - `characters`: what lies below the nodes of a trie, by classes of bytes and characters;
//! - `firsts`: the bytes with which a lexeme begins, without derivatives;
//! - `shape`: JSON strings out of a list, or not out of one, that can be walked without making their states;
//! - `shards`: hash tables that grow in small steps;
//! - `state`: [`Lexicon`] itself: states with their transitions, read without a lock.
//!
//! *Marks*: an expression can record a number where it ends (`concat(t, mark(7))`). The marks of
//! an accepting state are its [`LabelSet`](maskwright_tables::LabelSet): all terminals that match
//! the lexeme so far. There is no maximal munch and no priority here.
//!
//! Invariants: ids are dense and never change their meaning; children have smaller ids than their
//! parents, so every algorithm is a loop with an explicit stack and no input can exhaust the native
//! one; a [`LexState`](maskwright_tables::LexState) other than `DEAD` can always reach acceptance.

mod bounds;
mod characters;
mod derive;
mod describe;
mod edges;
mod empty;
mod expr;
mod facts;
mod firsts;
mod import;
mod looping;
mod pieces;
mod runs;
mod shape;
mod shards;
mod simplify;
mod state;
#[cfg(test)]
mod tests;

pub use characters::{CHARACTERS, MIDDLE, classes_below};
pub use edges::Edges;
pub use expr::{Automaton, ExprId, ExprView};
pub use maskwright_tables::ByteSet;
pub use pieces::Spelling;
pub use shape::{Bounded, Others, Shape, Step, Strings, Text, TextPlace};
pub use state::{Excepted, LexPlace, Lexicon, Loose, Words};
