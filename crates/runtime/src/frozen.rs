//! [`FrozenMachine`]: the machine of a grammar's artifact; [`read_machine`]: of any artifact.

use maskwright_tables::artifact::{Artifact, ArtifactError};
use maskwright_tables::pushdown::{FINAL, FRESH, PushdownTables};
use maskwright_tables::{
    Crossing, ItemMachine, ItemTrie, LabelSet, LexState, Limits, Machine, RowRef, RunError,
    StackAction, StackView, Symbol, Tokens, Vocabulary,
};
use std::sync::Arc;

/// A machine whose tables were compiled ahead of time.
///
/// What the compile left out for lack of budget answers [`RunError::NotTabulated`].
#[derive(Debug)]
pub struct FrozenMachine {
    tables: PushdownTables<'static>,
    vocabulary: Arc<Vocabulary>,
    limits: Limits,
}

impl FrozenMachine {
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
        Self::new(
            PushdownTables::read(artifact)?.into_owned(),
            vocabulary,
            limits,
        )
    }

    /// Reads the machine of an artifact that lives for ever (a mapped file, say), borrowing its
    /// tables.
    ///
    /// # Errors
    /// As [`FrozenMachine::read`].
    pub fn read_static(
        artifact: &Artifact<'static>,
        vocabulary: Arc<Vocabulary>,
        limits: Limits,
    ) -> Result<Self, ArtifactError> {
        artifact.expect_vocabulary(vocabulary.fingerprint())?;
        Self::new(PushdownTables::read(artifact)?, vocabulary, limits)
    }

    fn new(
        tables: PushdownTables<'static>,
        vocabulary: Arc<Vocabulary>,
        limits: Limits,
    ) -> Result<Self, ArtifactError> {
        let kind = maskwright_tables::pushdown::sections::BITSETS;
        let width = vocabulary.width();
        let tail = width as u32 % 32;
        let beyond = |words: &[u32]| tail != 0 && words.last().is_some_and(|w| w >> tail != 0);
        if tables.words as usize != vocabulary.mask_words()
            || tables.lists.1.iter().any(|t| *t as usize >= width)
            || (tables.words > 0 && tables.bitsets.chunks(tables.words as usize).any(beyond))
        {
            return Err(ArtifactError::Content {
                kind,
                what: "rows wider than the vocabulary".into(),
            });
        }
        Ok(FrozenMachine {
            tables,
            vocabulary,
            limits,
        })
    }

    /// The tables.
    pub fn tables(&self) -> &PushdownTables<'static> {
        &self.tables
    }
}

impl From<FrozenMachine> for Arc<dyn Machine> {
    fn from(machine: FrozenMachine) -> Self {
        Arc::new(machine)
    }
}

/// Reads the machine of an artifact, whatever was compiled: a grammar or a list of token sequences.
/// Copies its tables.
///
/// # Errors
/// Another vocabulary, a missing section, or one that breaks an invariant. Never panics, whatever
/// the artifact holds.
pub fn read_machine(
    artifact: &Artifact<'_>,
    vocabulary: Arc<Vocabulary>,
    limits: Limits,
) -> Result<Arc<dyn Machine>, ArtifactError> {
    if ItemTrie::is_in(artifact) {
        Ok(ItemMachine::read(artifact, vocabulary, limits)?.into())
    } else {
        Ok(FrozenMachine::read(artifact, vocabulary, limits)?.into())
    }
}

impl Machine for FrozenMachine {
    fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn start(&self) -> Symbol {
        self.tables.start
    }

    fn lex_start(&self, top: Symbol) -> Result<LexState, RunError> {
        let state = self.tables.lex_start.get(top.index());
        state.copied().map(LexState).ok_or(RunError::NotTabulated {
            table: "lexical starts",
        })
    }

    #[inline]
    fn lex_next(&self, state: LexState, byte: u8) -> Result<LexState, RunError> {
        Ok(self.tables.next(state, byte))
    }

    #[inline]
    fn lex_accept(&self, state: LexState) -> LabelSet {
        self.tables.accept(state)
    }

    #[inline]
    fn lex_is_fresh(&self, state: LexState) -> bool {
        self.tables.has_flag(state, FRESH)
    }

    #[inline]
    fn lex_is_final(&self, state: LexState) -> bool {
        self.tables.has_flag(state, FINAL)
    }

    fn step(&self, stack: &dyn StackView, labels: LabelSet) -> Result<&[StackAction], RunError> {
        match self.tables.steps.get(labels.0, stack) {
            Some(answer) => Ok(&self.tables.actions[answer as usize]),
            None => Err(RunError::NotTabulated { table: "steps" }),
        }
    }

    fn ends(&self, stack: &dyn StackView) -> Result<bool, RunError> {
        match self.tables.ends.get(0, stack) {
            Some(answer) => Ok(answer == 1),
            None => Err(RunError::NotTabulated { table: "ends" }),
        }
    }

    fn row(&self, state: LexState, stack: &dyn StackView) -> Result<RowRef<'_>, RunError> {
        let Some(answer) = self.tables.rows.get(state.0, stack) else {
            return Err(RunError::NotTabulated { table: "rows" });
        };
        let (base, list, ends) = self.tables.row(answer);
        let tokens = match base {
            None => Tokens::Few(list),
            Some(words) if list.is_empty() => Tokens::Dense(words),
            Some(words) => Tokens::Union(words, list),
        };
        Ok(RowRef {
            tokens,
            ends,
            crossing: Crossing::default(),
        })
    }
}
