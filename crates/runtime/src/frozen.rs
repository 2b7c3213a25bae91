//! [`FrozenMachine`]: the machine of a grammar's artifact; [`read_machine`]: of any artifact.
//!
//! A question is answered by a walk down the stack (see [`PushdownTables`]) that gathers the numbers
//! of a few outputs. What they come to, a list of actions or the union of some sets of tokens, is made
//! when they are first gathered together and kept under those numbers (`Gathered`): from then on an
//! answer costs the walk and one lookup, without a lock or an allocation. A union that is one stored
//! set is borrowed from the artifact. What is kept is bounded by `Limits::bytes`; unions beyond the
//! bound are an error of their own ([`RunError::Limit`]), never a wrong answer. The tokens that a
//! matcher has to try where lexemes must differ ([`Crossing`]) are put together with their union.

use maskwright_kernels::bits;
use maskwright_tables::artifact::{Artifact, ArtifactError};
use maskwright_tables::pushdown::{FINAL, FRESH, ONCE, PushdownTables, StoredSet, TWICE};
use maskwright_tables::{
    Crossing, ItemMachine, ItemTrie, LabelSet, LexState, LimitError, Limits, Machine, RowRef,
    RunError, StackAction, StackView, Symbol, TokenId, Tokens, Vocabulary,
};
use papaya::HashMap;
use rustc_hash::FxBuildHasher;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Numbers gathered on a walk.
type Key = SmallVec<[u32; 8]>;

/// What was made of gathered numbers, by those numbers. Grows only; read without a lock.
#[derive(Debug)]
struct Gathered<T> {
    ids: HashMap<Key, u32, FxBuildHasher>,
    made: boxcar::Vec<T>,
}

impl<T> Gathered<T> {
    fn new() -> Self {
        Gathered {
            ids: HashMap::with_hasher(FxBuildHasher),
            made: boxcar::Vec::new(),
        }
    }

    #[inline]
    fn get(&self, key: &Key) -> Option<&T> {
        let id = *self.ids.pin().get(key)?;
        self.made.get(id as usize)
    }

    /// Keeps `made` under `key`, unless another thread was faster.
    fn insert(&self, key: Key, made: T) -> &T {
        let id = self.made.push(made) as u32;
        let id = *self.ids.pin().get_or_insert(key, id);
        &self.made[id as usize]
    }
}

/// A union of stored sets.
#[derive(Debug)]
enum Union {
    /// One stored set, by number.
    Stored(u32),
    /// Ids of several lists.
    Few(Box<[TokenId]>),
    /// Several bitsets.
    Dense(Box<[u32]>),
    /// A stored bitset and ids that are not in it.
    Both(u32, Box<[TokenId]>),
}

/// What a row comes to.
#[derive(Debug)]
struct MadeRow {
    tokens: Union,
    /// See [`Crossing`]: `once` and `twice`. Most rows have none.
    crossing: [Box<[TokenId]>; 2],
}

/// A machine whose tables were compiled ahead of time.
///
/// What the compile left out for lack of budget answers [`RunError::NotTabulated`].
#[derive(Debug)]
pub struct FrozenMachine {
    tables: PushdownTables<'static>,
    vocabulary: Arc<Vocabulary>,
    limits: Limits,
    actions: Gathered<Box<[StackAction]>>,
    rows: Gathered<MadeRow>,
    /// Bytes of `rows`.
    bytes: AtomicUsize,
}

impl FrozenMachine {
    /// Reads the machine of an artifact, copying its tables.
    ///
    /// # Errors
    /// Another vocabulary, a missing section, or sections that do not fit each other. What is in
    /// them is looked at when it is used: a damaged artifact gives errors there, or wrong answers if
    /// it was not verified ([`PushdownTables::check`]), but never a panic.
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
    /// tables. The cost does not depend on the size of the artifact.
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
        if tables.words as usize != vocabulary.mask_words() {
            return Err(ArtifactError::Content {
                kind: maskwright_tables::pushdown::sections::NUMBERS,
                what: "rows of another width than the vocabulary's".into(),
            });
        }
        Ok(FrozenMachine {
            tables,
            vocabulary,
            limits,
            actions: Gathered::new(),
            rows: Gathered::new(),
            bytes: AtomicUsize::new(0),
        })
    }

    /// The tables.
    pub fn tables(&self) -> &PushdownTables<'static> {
        &self.tables
    }

    /// How many lists of actions and how many rows were made so far, and the bytes of the latter.
    pub fn made(&self) -> (usize, usize, usize) {
        (
            self.actions.made.count(),
            self.rows.made.count(),
            self.bytes.load(Ordering::Relaxed),
        )
    }

    /// The actions of outputs gathered with their depths.
    #[cold]
    fn make_actions(&self, key: Key) -> Result<&[StackAction], RunError> {
        let damaged = RunError::Damaged { table: "steps" };
        let mut actions = Vec::new();
        for pair in key.chunks_exact(2) {
            self.tables
                .actions(pair[0], pair[1] as usize, &mut actions)
                .ok_or(damaged.clone())?;
        }
        Ok(self.actions.insert(key, actions.into()))
    }

    /// The row of all sets of these unions.
    #[cold]
    fn make_row(&self, key: Key) -> Result<&MadeRow, RunError> {
        let damaged = RunError::Damaged { table: "rows" };
        let mut parts: Vec<u32> = Vec::new();
        for &union in &key {
            parts.extend_from_slice(self.tables.union(union).ok_or(damaged.clone())?);
        }
        parts.sort_unstable();
        parts.dedup();
        let crossing = [
            self.tokens_of(&parts, ONCE)?,
            self.tokens_of(&parts, TWICE)?,
        ];
        let mut sets: Vec<u32> = parts.iter().map(|part| part >> 2).collect();
        sets.dedup();
        let width = self.vocabulary.width();
        let (mut few, mut dense) = (Vec::<TokenId>::new(), Vec::<(u32, &[u32])>::new());
        let mut lists = 0;
        let mut last = 0;
        for set in sets {
            match self.tables.set(set).ok_or(damaged.clone())? {
                StoredSet::Bits(words) => dense.push((set, words)),
                StoredSet::List([]) => {}
                StoredSet::List(ids) => {
                    let last_id = ids[ids.len() - 1].index();
                    if !ids.is_sorted_by(|a, b| a < b) || last_id >= width {
                        return Err(damaged);
                    }
                    few.extend_from_slice(ids);
                    (lists, last) = (lists + 1, set);
                }
            }
        }
        let made = match &dense[..] {
            [] if lists == 1 => Union::Stored(last),
            [(set, _)] if few.is_empty() => Union::Stored(*set),
            [] if few.len() <= self.tables.words as usize => {
                few.sort_unstable();
                few.dedup();
                Union::Few(few.into())
            }
            // A list this long takes as long to write into a mask as a second bitset.
            [(set, words)] if few.len() <= self.tables.words as usize => {
                few.retain(|t| !bits::contains(words, t.0));
                few.sort_unstable();
                few.dedup();
                if few.is_empty() {
                    Union::Stored(*set)
                } else {
                    Union::Both(*set, few.into())
                }
            }
            all => {
                let mut words = vec![0; self.tables.words as usize];
                for (_, more) in all {
                    bits::or_assign(&mut words, more);
                }
                bits::set(&mut words, few.iter().map(|t| t.0));
                Union::Dense(words.into())
            }
        };
        let tried: usize = crossing.iter().map(|list| list.len()).sum();
        let size = 96
            + 4 * tried
            + 4 * match &made {
                Union::Stored(_) => 0,
                Union::Few(ids) | Union::Both(_, ids) => ids.len(),
                Union::Dense(words) => words.len(),
            };
        let bytes = self.bytes.fetch_add(size, Ordering::Relaxed) + size;
        if bytes > self.limits.bytes {
            self.bytes.fetch_sub(size, Ordering::Relaxed);
            return Err(LimitError::new(
                "bytes of rows put together at run time",
                bytes as u64,
                self.limits.bytes as u64,
            )
            .into());
        }
        let tokens = made;
        Ok(self.rows.insert(key, MadeRow { tokens, crossing }))
    }

    /// The tokens of all parts in a role, strictly increasing.
    fn tokens_of(&self, parts: &[u32], role: u32) -> Result<Box<[TokenId]>, RunError> {
        let mut tokens: Vec<TokenId> = Vec::new();
        for part in parts.iter().filter(|part| *part & 3 == role) {
            match self.tables.set(part >> 2) {
                Some(StoredSet::List(ids)) => tokens.extend_from_slice(ids),
                Some(StoredSet::Bits(words)) => tokens.extend(bits::ones(words).map(TokenId)),
                None => return Err(RunError::Damaged { table: "rows" }),
            }
        }
        tokens.sort_unstable();
        tokens.dedup();
        let width = self.vocabulary.width();
        match tokens.last() {
            Some(last) if last.index() >= width => Err(RunError::Damaged { table: "rows" }),
            _ => Ok(tokens.into()),
        }
    }

    fn stored(&self, set: u32) -> Result<Tokens<'_>, RunError> {
        match self.tables.set(set) {
            Some(StoredSet::Bits(words)) => Ok(Tokens::Dense(words)),
            Some(StoredSet::List(ids)) => Ok(Tokens::Few(ids)),
            None => Err(RunError::Damaged { table: "rows" }),
        }
    }
}

/// A stack after an action.
struct After<'a> {
    stack: &'a dyn StackView,
    end: &'a StackAction,
}

impl After<'_> {
    /// The effect of the action and then of another one.
    fn and(&self, action: &StackAction) -> StackAction {
        let (end, pop) = (self.end, action.pop as usize);
        let kept = end.push.len().saturating_sub(pop);
        let beyond = pop.saturating_sub(end.push.len()) as u32;
        StackAction {
            pop: end.pop.saturating_add(beyond),
            push: [&end.push[..kept], &action.push].concat().into(),
        }
    }
}

impl StackView for After<'_> {
    fn symbol(&self, depth: usize) -> Option<Symbol> {
        let push = &self.end.push;
        match push.len().checked_sub(depth + 1) {
            Some(i) => Some(push[i]),
            None => (depth - push.len())
                .checked_add(self.end.pop as usize)
                .and_then(|below| self.stack.symbol(below)),
        }
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

    fn lex_is_final(&self, state: LexState) -> bool {
        self.tables.has_flag(state, FINAL)
    }

    fn step(&self, stack: &dyn StackView, labels: LabelSet) -> Result<&[StackAction], RunError> {
        let mut key = Key::new();
        let gather = |list, depth: usize| {
            if list > 0 {
                key.extend([list, depth as u32]);
            }
        };
        self.tables
            .steps
            .walk(labels.0, stack, gather)
            .ok_or(RunError::NotTabulated { table: "steps" })?;
        if key.is_empty() {
            return Ok(&[]);
        }
        match self.actions.get(&key) {
            Some(actions) => Ok(actions),
            None => self.make_actions(key),
        }
    }

    fn ends(&self, stack: &dyn StackView) -> Result<bool, RunError> {
        let mut ends = false;
        self.tables
            .ends
            .walk(0, stack, |output, _| ends |= output == 1)
            .ok_or(RunError::NotTabulated { table: "ends" })?;
        Ok(ends)
    }

    fn row(&self, state: LexState, stack: &dyn StackView) -> Result<RowRef<'_>, RunError> {
        let mut key = Key::new();
        let mut ends = false;
        let gather = |output: u32, _| {
            ends |= output & 1 == 1;
            if output > 1 {
                key.push(output >> 1);
            }
        };
        self.tables
            .rows
            .walk(state.0, stack, gather)
            .ok_or(RunError::NotTabulated { table: "rows" })?;
        let row = match self.rows.get(&key) {
            Some(row) => row,
            None => self.make_row(key)?,
        };
        let tokens = match &row.tokens {
            Union::Stored(set) => self.stored(*set)?,
            Union::Few(ids) => Tokens::Few(ids),
            Union::Dense(words) => Tokens::Dense(words),
            Union::Both(set, ids) => match self.stored(*set)? {
                Tokens::Dense(words) => Tokens::Union(words, ids),
                _ => return Err(RunError::Damaged { table: "rows" }),
            },
        };
        Ok(RowRef {
            tokens,
            ends,
            crossing: Crossing {
                once: &row.crossing[0],
                twice: &row.crossing[1],
            },
        })
    }

    fn asks_rows(&self) -> bool {
        self.vocabulary.has_gaps()
    }

    fn reads_tokens(&self) -> bool {
        self.tables.reads_tokens()
    }

    fn token_step(
        &self,
        state: LexState,
        stack: &dyn StackView,
        token: TokenId,
    ) -> Result<Cow<'_, [StackAction]>, RunError> {
        let nothing = [StackAction::default()];
        let ends: &[StackAction] = if self.lex_is_fresh(state) {
            &nothing
        } else {
            match self.lex_accept(state) {
                LabelSet::NONE => &[],
                labels => self.step(stack, labels)?,
            }
        };
        let mut all = Vec::new();
        for labels in self.tables.token_labels(token) {
            for end in ends {
                let after = After { stack, end };
                for action in self.step(&after, labels)? {
                    let both = after.and(action);
                    if !all.contains(&both) {
                        all.push(both);
                    }
                }
            }
        }
        Ok(Cow::Owned(all))
    }

    fn compares(&self) -> bool {
        self.tables.compares()
    }

    fn distinct(&self, top: Symbol) -> Result<bool, RunError> {
        self.tables.distinct(top).ok_or(RunError::NotTabulated {
            table: "lexemes that must differ",
        })
    }

    fn must_differ(&self, top: Symbol, labels: LabelSet) -> Result<bool, RunError> {
        self.tables
            .must_differ(top, labels)
            .ok_or(RunError::Damaged {
                table: "lexemes that must differ",
            })
    }
}
