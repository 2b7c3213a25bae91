//! [`ItemMachine`]: a trie of items as a machine.
//!
//! Each token is a terminal of its own, so no byte is ever read: the machine has one fresh lexical
//! state besides the dead one, with no moves. The stack is one symbol, the node of the trie; a
//! whole-token move takes it off and puts the child on. A compile and an artifact leave the same
//! tables, so this is the machine of both.

use crate::artifact::{Artifact, ArtifactError};
use crate::item_trie::{ItemTrie, NodeId, sections};
use crate::{
    Crossing, LabelSet, LexState, Limits, Machine, RowRef, RunError, StackAction, StackView,
    Symbol, TokenId, Tokens, Vocabulary,
};
use std::borrow::Cow;
use std::sync::Arc;

/// The machine of a list of token sequences: an output is a sentence if and only if its tokens are
/// one of the items. How the tokens spell text does not matter.
#[derive(Debug)]
pub struct ItemMachine {
    trie: ItemTrie<'static>,
    vocabulary: Arc<Vocabulary>,
    limits: Limits,
}

/// Between two tokens, where another one may come.
const BETWEEN: LexState = LexState(1);

impl ItemMachine {
    /// The machine of a trie over a vocabulary.
    ///
    /// # Errors
    /// The trie was built for another width of logits.
    pub fn new(
        trie: ItemTrie<'static>,
        vocabulary: Arc<Vocabulary>,
        limits: Limits,
    ) -> Result<Self, ArtifactError> {
        if trie.width() != vocabulary.width() {
            let what = format!(
                "a trie for {} logits, the vocabulary has {}",
                trie.width(),
                vocabulary.width()
            );
            return Err(ArtifactError::Content {
                kind: sections::NUMBERS,
                what,
            });
        }
        Ok(ItemMachine {
            trie,
            vocabulary,
            limits,
        })
    }

    /// Reads the machine of an artifact, copying its tables.
    ///
    /// # Errors
    /// Another vocabulary, a missing section, or one that breaks an invariant. Never panics,
    /// whatever the artifact holds.
    pub fn read(
        artifact: &Artifact<'_>,
        vocabulary: Arc<Vocabulary>,
        limits: Limits,
    ) -> Result<Self, ArtifactError> {
        artifact.expect_vocabulary(vocabulary.fingerprint())?;
        Self::new(ItemTrie::read(artifact)?.into_owned(), vocabulary, limits)
    }

    /// Reads the machine of an artifact that lives for ever (a mapped file, say), borrowing its
    /// tables.
    ///
    /// # Errors
    /// As [`ItemMachine::read`].
    pub fn read_static(
        artifact: &Artifact<'static>,
        vocabulary: Arc<Vocabulary>,
        limits: Limits,
    ) -> Result<Self, ArtifactError> {
        artifact.expect_vocabulary(vocabulary.fingerprint())?;
        Self::new(ItemTrie::read(artifact)?, vocabulary, limits)
    }

    /// The trie.
    pub fn trie(&self) -> &ItemTrie<'static> {
        &self.trie
    }
}

impl From<ItemMachine> for Arc<dyn Machine> {
    fn from(machine: ItemMachine) -> Self {
        Arc::new(machine)
    }
}

/// The node on top; a symbol that is no node has no edges and ends nothing.
fn node(stack: &dyn StackView) -> NodeId {
    stack.symbol(0).map_or(NodeId::MAX, |s| s.0)
}

/// Refuses an answer that rests on an unknown top.
fn known<T>(stack: &dyn StackView, answer: T) -> Result<T, RunError> {
    if stack.went_below() {
        Err(RunError::UnknownSymbol)
    } else {
        Ok(answer)
    }
}

impl Machine for ItemMachine {
    fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn start(&self) -> Symbol {
        Symbol(ItemTrie::ROOT)
    }

    fn lex_start(&self, top: Symbol) -> Result<LexState, RunError> {
        Ok(if self.trie.row(top.0).is_empty() {
            LexState::DEAD
        } else {
            BETWEEN
        })
    }

    fn lex_next(&self, _: LexState, _: u8) -> Result<LexState, RunError> {
        Ok(LexState::DEAD)
    }

    fn lex_accept(&self, _: LexState) -> LabelSet {
        LabelSet::NONE
    }

    fn lex_is_fresh(&self, state: LexState) -> bool {
        state == BETWEEN
    }

    fn lex_is_final(&self, _: LexState) -> bool {
        false
    }

    fn step(&self, _: &dyn StackView, _: LabelSet) -> Result<&[StackAction], RunError> {
        Ok(&[])
    }

    fn ends(&self, stack: &dyn StackView) -> Result<bool, RunError> {
        known(stack, self.trie.ends(node(stack)))
    }

    fn row(&self, _: LexState, stack: &dyn StackView) -> Result<RowRef<'_>, RunError> {
        let node = node(stack);
        known(
            stack,
            RowRef {
                tokens: Tokens::Few(self.trie.row(node)),
                ends: self.trie.ends(node),
                crossing: Crossing::default(),
            },
        )
    }

    fn reads_tokens(&self) -> bool {
        true
    }

    fn token_step(
        &self,
        _: LexState,
        stack: &dyn StackView,
        token: TokenId,
    ) -> Result<Cow<'_, [StackAction]>, RunError> {
        let child = self.trie.child(node(stack), token);
        let action = |child| StackAction {
            pop: 1,
            push: Box::new([Symbol(child)]),
        };
        known(stack, child.map(action).into_iter().collect())
    }
}
