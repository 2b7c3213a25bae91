//! Ids, CSR matrices, vocabularies, token tries and artifact bytes.
//!
//! This crate holds what a compiler leaves behind and what a runtime reads: plain tables over
//! dense `u32` ids, the [`Machine`] trait through which a matcher reads them, and the bytes of an
//! artifact. It knows no grammars and runs no algorithm on them.
//!
//! Words: a *token* is an entry of the model's vocabulary, a *terminal* a leaf of the grammar, a
//! *lexical state* a state of the automaton that reads lexemes byte by byte, a *symbol* an entry
//! of the pushdown stack.
#![forbid(unsafe_code)]

pub mod artifact;
mod byte_set;
mod bytes;
pub mod csr;
pub mod heap;
pub mod ids;
mod item_machine;
pub mod item_trie;
pub mod limits;
pub mod machine;
mod matrix;
pub mod pushdown;
mod stack_automaton;
mod stored;
pub mod trie;
pub mod vocabulary;

pub use artifact::{Artifact, ArtifactError, ArtifactWriter};
pub use byte_set::ByteSet;
pub use csr::{Csr, CsrError, CsrRow, CsrView};
pub use ids::{LabelSet, LexState, Symbol, TokenId};
pub use item_machine::ItemMachine;
pub use item_trie::{ItemError, ItemList, ItemTrie};
pub use limits::{CancelFlag, LimitError, Limits};
pub use machine::{Crossing, Machine, Part, RowRef, RunError, StackAction, StackView, Tokens};
pub use trie::TokenTrie;
pub use vocabulary::{TokenKind, Vocabulary, VocabularyError};
