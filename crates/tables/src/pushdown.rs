//! The tables of a frozen pushdown machine, and their sections in an artifact.
//!
//! | table | shape | meaning |
//! |---|---|---|
//! | `classes` | `[u8; 256]` | byte → byte class |
//! | `lexical` | CSR, lexical states × byte classes | next lexical state; absent is dead; row 0 is dead |
//! | `accept` | `[u32; lexical states]` | label set with which a lexeme may end here, 0 for none |
//! | `flags` | `[u8; lexical states]` | bit 0: fresh; bit 1: the lexeme cannot go on |
//! | `lex_start` | `[u32; symbols]` | lexical state in which the next lexeme begins |
//! | `steps` | [`StackAutomaton`] by label set | outputs are lists of actions |
//! | `ends` | [`StackAutomaton`], key 0 | outputs are 1 where the input may end |
//! | `rows` | [`StackAutomaton`] by lexical state | outputs are `union << 1`, plus 1 where the input may end |
//! | `action_lists`, `actions`, `pushes` | lists × actions × symbols | what a step does |
//! | `unions` | CSR pattern, unions × 4 sets | `set << 2`, plus a role: the tokens of an output |
//! | `bitsets` | `[u32; bitsets × mask words]` | sets `0 .. bitsets` |
//! | `lists` | CSR pattern, lists × tokens | sets `bitsets .. bitsets + lists` |
//! | `differ` | `[u32; symbols]` | class of the lexemes that begin on a symbol; 0: none must differ |
//! | `terminals` | `[u32; terminals]` | sets: the tokens that make a terminal as a whole; the last label sets are theirs |
//! | `differing` | CSR pattern, classes × label sets | with which labels they must differ from each other |
//!
//! What an automaton gathers on its walk down the stack is put together: the actions of all outputs,
//! the tokens of all unions. An action says how many symbols it takes *from the one that was read
//! last* downwards; those above it are gone in any case. List 0 and union 0 are empty.
//!
//! A set in a union has a role ([`PLAIN`], [`ONCE`], [`TWICE`]): what its tokens are among those that
//! enter a lexeme which must differ behind the end of another lexeme (see [`crate::machine`]).
//!
//! Reading the tables looks at the lengths of their sections only, so opening a mapped artifact costs
//! nothing that grows with it; each lookup checks what it touches. [`PushdownTables::check`] checks
//! everything.

use crate::artifact::{Artifact, ArtifactError, ArtifactWriter, kinds};
use crate::csr::CsrView;
pub use crate::matrix::Matrix;
use crate::matrix::content;
pub use crate::stack_automaton::{StackAutomaton, StackEdge};
use crate::{LabelSet, LexState, StackAction, Symbol, TokenId};
use std::borrow::Cow;

/// Kinds of the sections of a pushdown machine.
pub mod sections {
    use super::kinds::FIRST_FREE;

    /// `[u32; 7]`: symbols, lexical states, label sets (the empty one included), byte classes, first
    /// symbol, words of a mask, 1 if nothing was left out.
    pub const NUMBERS: u32 = FIRST_FREE;
    /// `[u8; 256]`: byte → byte class.
    pub const CLASSES: u32 = FIRST_FREE + 1;
    /// `[u32]`: `indptr` of the lexical transitions; `indices` and `data` have the next kinds.
    pub const LEXICAL: u32 = FIRST_FREE + 2;
    /// `[u32; lexical states]`: label sets.
    pub const ACCEPT: u32 = FIRST_FREE + 5;
    /// `[u8; lexical states]`: flags.
    pub const FLAGS: u32 = FIRST_FREE + 6;
    /// `[u32; symbols]`: where lexemes begin.
    pub const LEX_START: u32 = FIRST_FREE + 7;
    /// Stack automata, by id: 0 steps, 1 rows, 2 ends. `[u32; keys]`: roots; `indptr`, `indices` and
    /// `data` of the nodes, defaults and edges have the next kinds.
    pub const AUTOMATON: u32 = FIRST_FREE + 8;
    /// `[u32; lists + 1]`: where each list of actions begins.
    pub const ACTION_LISTS: u32 = FIRST_FREE + 14;
    /// `[u32; 2 × actions]`: how many symbols are taken, and where the pushed ones end.
    pub const ACTIONS: u32 = FIRST_FREE + 15;
    /// `[u32]`: pushed symbols.
    pub const PUSHES: u32 = FIRST_FREE + 16;
    /// `[u32; unions + 1]`: `indptr` of the unions; `indices` has the next kind.
    pub const UNIONS: u32 = FIRST_FREE + 17;
    /// `[u32; lists + 1]`: `indptr` of the token lists; `indices` has the next kind.
    pub const LISTS: u32 = FIRST_FREE + 19;
    /// `[u32; bitsets × words]`.
    pub const BITSETS: u32 = FIRST_FREE + 21;
    /// `[u32; symbols]`: classes of lexemes that must differ.
    pub const DIFFER: u32 = FIRST_FREE + 22;
    /// `[u32; classes + 1]`: `indptr` of the label sets with which they must; `indices` has the next
    /// kind.
    pub const DIFFERING: u32 = FIRST_FREE + 23;
    /// `[u32; terminals]`: the set of tokens of each token terminal.
    pub const TERMINALS: u32 = FIRST_FREE + 25;
}

/// Flag of a fresh lexical state.
pub const FRESH: u8 = 1;
/// Flag of a lexical state whose lexeme cannot go on.
pub const FINAL: u8 = 2;

/// Role of a set in a union: its tokens may come next.
pub const PLAIN: u32 = 0;
/// The same, and they are [`Crossing::once`](crate::Crossing::once).
pub const ONCE: u32 = 1;
/// The same, and they are [`Crossing::twice`](crate::Crossing::twice).
pub const TWICE: u32 = 2;

/// A stored set of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredSet<'a> {
    /// The ids, strictly increasing.
    List(&'a [TokenId]),
    /// One bit a token.
    Bits(&'a [u32]),
}

/// The tables of a frozen machine. See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushdownTables<'a> {
    /// The number of stack symbols.
    pub symbols: u32,
    /// The number of label sets, the empty one and those of token terminals included.
    pub label_sets: u32,
    /// The only symbol of the first stack.
    pub start: Symbol,
    /// Words of a mask.
    pub words: u32,
    /// Whether everything that can be asked has its answer here.
    pub complete: bool,
    /// Byte → byte class.
    pub classes: Cow<'a, [u8]>,
    /// Lexical transitions.
    pub lexical: Matrix<'a>,
    /// Label set of each lexical state.
    pub accept: Cow<'a, [u32]>,
    /// Flags of each lexical state.
    pub flags: Cow<'a, [u8]>,
    /// Where the next lexeme begins, by symbol on top.
    pub lex_start: Cow<'a, [u32]>,
    /// Label set → lists of actions.
    pub steps: StackAutomaton<'a>,
    /// Lexical state → unions of sets.
    pub rows: StackAutomaton<'a>,
    /// Key 0 → whether the input may end.
    pub ends: StackAutomaton<'a>,
    /// Where each list of actions begins.
    pub action_lists: Cow<'a, [u32]>,
    /// Two words an action.
    pub actions: Cow<'a, [u32]>,
    /// The symbols that the actions push.
    pub pushes: Cow<'a, [u32]>,
    /// `indptr` and `indices` of the unions.
    pub unions: (Cow<'a, [u32]>, Cow<'a, [u32]>),
    /// `indptr` and `indices` of the token lists.
    pub lists: (Cow<'a, [u32]>, Cow<'a, [u32]>),
    /// Bitsets of tokens.
    pub bitsets: Cow<'a, [u32]>,
    /// By symbol, the class of lexemes that must differ, or 0.
    pub differ: Cow<'a, [u32]>,
    /// `indptr` and `indices` of the label sets of each class.
    pub differing: (Cow<'a, [u32]>, Cow<'a, [u32]>),
    /// The set of tokens of each token terminal.
    pub terminals: Cow<'a, [u32]>,
}

/// A row of a CSR pattern, checked.
#[inline]
fn pattern_row<'b>(pattern: &'b (Cow<'_, [u32]>, Cow<'_, [u32]>), row: u32) -> Option<&'b [u32]> {
    let (start, end) = (
        *pattern.0.get(row as usize)?,
        *pattern.0.get(row as usize + 1)?,
    );
    pattern.1.get(start as usize..end as usize)
}

impl<'a> PushdownTables<'a> {
    /// Whether an artifact holds such a machine.
    pub fn is_in(artifact: &Artifact<'_>) -> bool {
        artifact.section(sections::NUMBERS, 0).is_some()
    }

    /// Adds the tables to an artifact.
    ///
    /// # Errors
    /// The artifact holds a machine already.
    pub fn write_to(&'a self, writer: &mut ArtifactWriter<'a>) -> Result<(), ArtifactError> {
        let numbers = vec![
            self.symbols,
            self.lexical.rows() as u32,
            self.label_sets,
            self.lexical.columns(),
            self.start.0,
            self.words,
            self.complete.into(),
        ];
        writer.add_words(sections::NUMBERS, 0, numbers)?;
        writer.add_bytes(sections::CLASSES, 0, &*self.classes)?;
        self.lexical.write(writer, sections::LEXICAL, 0)?;
        writer.add_words(sections::ACCEPT, 0, &*self.accept)?;
        writer.add_bytes(sections::FLAGS, 0, &*self.flags)?;
        writer.add_words(sections::LEX_START, 0, &*self.lex_start)?;
        for (id, automaton) in [(0, &self.steps), (1, &self.rows), (2, &self.ends)] {
            automaton.write(writer, sections::AUTOMATON, id)?;
        }
        writer.add_words(sections::ACTION_LISTS, 0, &*self.action_lists)?;
        writer.add_words(sections::ACTIONS, 0, &*self.actions)?;
        writer.add_words(sections::PUSHES, 0, &*self.pushes)?;
        writer.add_words(sections::UNIONS, 0, &*self.unions.0)?;
        writer.add_words(sections::UNIONS + 1, 0, &*self.unions.1)?;
        writer.add_words(sections::LISTS, 0, &*self.lists.0)?;
        writer.add_words(sections::LISTS + 1, 0, &*self.lists.1)?;
        writer.add_words(sections::BITSETS, 0, &*self.bitsets)?;
        writer.add_words(sections::DIFFER, 0, &*self.differ)?;
        writer.add_words(sections::DIFFERING, 0, &*self.differing.0)?;
        writer.add_words(sections::DIFFERING + 1, 0, &*self.differing.1)?;
        writer.add_words(sections::TERMINALS, 0, &*self.terminals)
    }

    /// Reads the tables of an artifact, borrowing where the bytes are aligned: a fixed number of
    /// lookups in the section table. Lookups in what was read never panic and never loop, whatever
    /// it holds.
    ///
    /// # Errors
    /// A missing section, or sections of different lengths.
    pub fn read(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let [symbols, states, label_sets, classes, start, words, complete] =
            *artifact.words(sections::NUMBERS, 0)?
        else {
            return Err(content(sections::NUMBERS, "not seven numbers".into()));
        };
        if symbols >= u32::MAX >> 1 || start >= symbols || states == 0 || complete > 1 {
            return Err(content(sections::NUMBERS, "a number out of range".into()));
        }
        let automaton =
            |id, keys| StackAutomaton::read(artifact, sections::AUTOMATON, id, keys, symbols);
        let tables = PushdownTables {
            symbols,
            label_sets,
            start: Symbol(start),
            words,
            complete: complete == 1,
            classes: Cow::Borrowed(artifact.bytes(sections::CLASSES, 0)?),
            lexical: Matrix::read(artifact, sections::LEXICAL, 0, classes)?,
            accept: artifact.words(sections::ACCEPT, 0)?,
            flags: Cow::Borrowed(artifact.bytes(sections::FLAGS, 0)?),
            lex_start: artifact.words(sections::LEX_START, 0)?,
            steps: automaton(0, label_sets)?,
            rows: automaton(1, states)?,
            ends: automaton(2, 1)?,
            action_lists: artifact.words(sections::ACTION_LISTS, 0)?,
            actions: artifact.words(sections::ACTIONS, 0)?,
            pushes: artifact.words(sections::PUSHES, 0)?,
            unions: (
                artifact.words(sections::UNIONS, 0)?,
                artifact.words(sections::UNIONS + 1, 0)?,
            ),
            lists: (
                artifact.words(sections::LISTS, 0)?,
                artifact.words(sections::LISTS + 1, 0)?,
            ),
            bitsets: artifact.words(sections::BITSETS, 0)?,
            differ: artifact.words(sections::DIFFER, 0)?,
            differing: (
                artifact.words(sections::DIFFERING, 0)?,
                artifact.words(sections::DIFFERING + 1, 0)?,
            ),
            terminals: artifact.words(sections::TERMINALS, 0)?,
        };
        let per_state = [
            tables.lexical.rows(),
            tables.accept.len(),
            tables.flags.len(),
        ];
        let fits = tables.classes.len() == 256
            && per_state.iter().all(|n| *n == states as usize)
            && tables.lex_start.len() == symbols as usize
            && tables.differ.len() == symbols as usize
            && tables.actions.len().is_multiple_of(2)
            && [
                &tables.action_lists,
                &tables.unions.0,
                &tables.lists.0,
                &tables.differing.0,
            ]
            .iter()
            .all(|pointers| !pointers.is_empty())
            && tables.terminals.len() < label_sets.max(1) as usize
            && tables.bitsets.len() == tables.bitset_count() * words as usize;
        if !fits {
            let what = "tables of different sizes".into();
            return Err(content(sections::NUMBERS, what));
        }
        Ok(tables)
    }

    /// Checks every entry of every table: what is looked up later is then there and in range. One
    /// pass over everything but the bitsets, of which only the last words are looked at. `width` is
    /// the vocabulary's.
    ///
    /// # Errors
    /// The first broken invariant.
    pub fn check(&self, width: usize) -> Result<(), ArtifactError> {
        let states = self.lexical.rows() as u32;
        if self.words as usize != width.div_ceil(32) {
            let what = format!("{} words for {width} tokens", self.words);
            return Err(content(sections::NUMBERS, what));
        }
        self.lexical.check(sections::LEXICAL)?;
        if self
            .classes
            .iter()
            .any(|c| u32::from(*c) >= self.lexical.columns())
        {
            return Err(content(sections::CLASSES, "a class out of range".into()));
        }
        if self.lexical.data().iter().any(|q| *q >= states) {
            return Err(content(
                sections::LEXICAL + 2,
                "a state out of range".into(),
            ));
        }
        if self.accept.iter().any(|l| *l >= self.label_sets) {
            return Err(content(sections::ACCEPT, "a label set out of range".into()));
        }
        if self.flags.iter().any(|f| f & !(FRESH | FINAL) != 0) {
            return Err(content(sections::FLAGS, "an unknown flag".into()));
        }
        if self.lex_start.iter().any(|q| *q >= states) {
            return Err(content(sections::LEX_START, "a state out of range".into()));
        }
        let pattern = |kind, columns, (pointers, indices): &(Cow<'_, [u32]>, Cow<'_, [u32]>)| {
            CsrView::pattern(columns, pointers, indices)
                .map(|view| view.rows() as u32)
                .map_err(|e| content(kind, e.to_string()))
        };
        let lists = pattern(sections::LISTS, width as u32, &self.lists)?;
        let sets = u64::from(lists) + self.bitset_count() as u64;
        let columns = u32::try_from(4 * sets)
            .map_err(|_| content(sections::LISTS, "too many sets".into()))?;
        let unions = pattern(sections::UNIONS, columns, &self.unions)?;
        if self.unions.1.iter().any(|part| part & 3 > TWICE) {
            return Err(content(sections::UNIONS + 1, "an unknown role".into()));
        }
        if self.terminals.iter().any(|set| u64::from(*set) >= sets) {
            return Err(content(sections::TERMINALS, "a set out of range".into()));
        }
        let classes = pattern(sections::DIFFERING, self.label_sets, &self.differing)?;
        if classes == 0 || self.differing.0[1] != 0 || self.differing.1.contains(&0) {
            let what = "lexemes without labels or on symbols where none must differ".into();
            return Err(content(sections::DIFFERING, what));
        }
        if self.differ.iter().any(|class| *class >= classes) {
            return Err(content(sections::DIFFER, "a class out of range".into()));
        }
        let tail = width % 32;
        let beyond = |words: &[u32]| tail != 0 && words.last().is_some_and(|w| w >> tail != 0);
        if self.words > 0 && self.bitsets.chunks(self.words as usize).any(beyond) {
            let what = "a token beyond the vocabulary".into();
            return Err(content(sections::BITSETS, what));
        }
        if self.pushes.iter().any(|s| *s >= self.symbols) {
            return Err(content(sections::PUSHES, "a symbol out of range".into()));
        }
        let (actions, _) = self.actions.as_chunks::<2>();
        let last = actions.last().map_or(0, |a| a[1] as usize);
        if !actions.is_sorted_by_key(|a| a[1]) || last != self.pushes.len() {
            return Err(content(sections::ACTIONS, "symbols out of range".into()));
        }
        let pointers = &self.action_lists;
        if pointers[0] != 0
            || !pointers.is_sorted()
            || pointers[pointers.len() - 1] as usize != actions.len()
        {
            let what = "actions out of range".into();
            return Err(content(sections::ACTION_LISTS, what));
        }
        self.steps
            .check(sections::AUTOMATON, pointers.len() as u32 - 1)?;
        self.rows.check(sections::AUTOMATON, 2 * unions)?;
        self.ends.check(sections::AUTOMATON, 2)
    }

    fn bitset_count(&self) -> usize {
        self.bitsets
            .len()
            .checked_div(self.words as usize)
            .unwrap_or(0)
    }

    /// The number of stored bitsets and of stored lists.
    pub fn set_counts(&self) -> (usize, usize) {
        (self.bitset_count(), self.lists.0.len().saturating_sub(1))
    }

    /// Copies what is borrowed.
    pub fn into_owned(self) -> PushdownTables<'static> {
        let own = |words: Cow<'a, [u32]>| Cow::Owned(words.into_owned());
        PushdownTables {
            symbols: self.symbols,
            label_sets: self.label_sets,
            start: self.start,
            words: self.words,
            complete: self.complete,
            classes: Cow::Owned(self.classes.into_owned()),
            lexical: self.lexical.into_owned(),
            accept: own(self.accept),
            flags: Cow::Owned(self.flags.into_owned()),
            lex_start: own(self.lex_start),
            steps: self.steps.into_owned(),
            rows: self.rows.into_owned(),
            ends: self.ends.into_owned(),
            action_lists: own(self.action_lists),
            actions: own(self.actions),
            pushes: own(self.pushes),
            unions: (own(self.unions.0), own(self.unions.1)),
            lists: (own(self.lists.0), own(self.lists.1)),
            bitsets: own(self.bitsets),
            differ: own(self.differ),
            differing: (own(self.differing.0), own(self.differing.1)),
            terminals: own(self.terminals),
        }
    }

    /// The lexical state after one more byte.
    #[inline]
    pub fn next(&self, state: LexState, byte: u8) -> LexState {
        let class = self.classes.get(usize::from(byte)).copied().unwrap_or(0);
        self.lexical
            .get(state.index(), class.into())
            .map_or(LexState::DEAD, LexState)
    }

    /// The label set of a lexical state.
    #[inline]
    pub fn accept(&self, state: LexState) -> LabelSet {
        LabelSet(self.accept.get(state.index()).copied().unwrap_or(0))
    }

    /// Whether a lexical state has a flag.
    #[inline]
    pub fn has_flag(&self, state: LexState, flag: u8) -> bool {
        self.flags.get(state.index()).is_some_and(|f| f & flag != 0)
    }

    /// Appends the actions of a list, gathered when the symbol at `depth` was read. `None` if the
    /// list is not there or damaged.
    pub fn actions(&self, list: u32, depth: usize, out: &mut Vec<StackAction>) -> Option<()> {
        let (from, to) = (
            *self.action_lists.get(list as usize)? as usize,
            *self.action_lists.get(list as usize + 1)? as usize,
        );
        for action in from..to {
            let pop = *self.actions.get(2 * action)?;
            let end = *self.actions.get(2 * action + 1)?;
            let start = match action.checked_sub(1) {
                Some(before) => *self.actions.get(2 * before + 1)?,
                None => 0,
            };
            let push = self.pushes.get(start as usize..end as usize)?;
            if push.iter().any(|s| *s >= self.symbols) {
                return None;
            }
            out.push(StackAction {
                pop: u32::try_from(depth).ok()?.checked_add(pop)?,
                push: push.iter().map(|s| Symbol(*s)).collect(),
            });
        }
        Some(())
    }

    /// Whether some terminals are tokens as a whole.
    pub fn reads_tokens(&self) -> bool {
        !self.terminals.is_empty()
    }

    /// The label sets of the token terminals that a token makes.
    pub fn token_labels(&self, token: TokenId) -> impl Iterator<Item = LabelSet> {
        let first = self.label_sets.saturating_sub(self.terminals.len() as u32);
        let labels = (first..).map(LabelSet).zip(&*self.terminals);
        labels.filter_map(move |(labels, set)| {
            let made = match self.set(*set)? {
                StoredSet::List(ids) => ids.binary_search(&token).is_ok(),
                StoredSet::Bits(words) => {
                    let word = words.get(token.index() / 32)?;
                    word >> (token.index() % 32) & 1 == 1
                }
            };
            made.then_some(labels)
        })
    }

    /// Whether some lexemes must differ from each other: there is a class but that of those which
    /// need not.
    pub fn compares(&self) -> bool {
        self.differing.0.len() > 2
    }

    /// Whether a lexeme that begins on `top` may have to differ. `None` for an unknown symbol.
    #[inline]
    pub fn distinct(&self, top: Symbol) -> Option<bool> {
        self.differ.get(top.index()).map(|class| *class > 0)
    }

    /// Whether a lexeme that began on `top` and ended with these labels must differ. `None` for an
    /// unknown symbol, or a damaged table.
    #[inline]
    pub fn must_differ(&self, top: Symbol, labels: LabelSet) -> Option<bool> {
        match *self.differ.get(top.index())? {
            0 => Some(false),
            class => {
                let differing = pattern_row(&self.differing, class)?;
                Some(differing.binary_search(&labels.0).is_ok())
            }
        }
    }

    /// The sets of a union, as `set << 2` plus the role. `None` if it is not there or damaged.
    #[inline]
    pub fn union(&self, union: u32) -> Option<&[u32]> {
        pattern_row(&self.unions, union)
    }

    /// A set of tokens. `None` if it is not there or damaged; its tokens are not looked at.
    pub fn set(&self, set: u32) -> Option<StoredSet<'_>> {
        let bitsets = self.bitset_count();
        let words = self.words as usize;
        match (set as usize).checked_sub(bitsets) {
            None => {
                let at = set as usize * words;
                self.bitsets.get(at..at + words).map(StoredSet::Bits)
            }
            Some(list) => pattern_row(&self.lists, list as u32)
                .map(|ids| StoredSet::List(bytemuck::cast_slice(ids))),
        }
    }
}
