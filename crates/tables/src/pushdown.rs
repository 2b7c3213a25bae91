//! The tables of a frozen pushdown machine, and their sections in an artifact.
//!
//! | table | shape | meaning |
//! |---|---|---|
//! | `classes` | `[u8; 256]` | byte → byte class |
//! | `lexical` | CSR, lexical states × byte classes | next lexical state; absent is dead; row 0 is dead |
//! | `accept` | `[u32; lexical states]` | label set with which a lexeme may end here, 0 for none |
//! | `flags` | `[u8; lexical states]` | bit 0: fresh; bit 1: the lexeme cannot go on |
//! | `lex_start` | `[u32; symbols]` | lexical state in which the next lexeme begins |
//! | `steps` | stack automaton by label set | which list of actions |
//! | `ends` | stack automaton, key 0 | 1 if the input may end here, else 0 |
//! | `rows` | stack automaton by lexical state | which row |
//! | `row_answers` | `[u32; 3 × rows]` | base bitset + 1 or 0, list + 1 or 0, 1 if the input may end |
//! | `lists` | CSR pattern, lists × tokens | explicit tokens of rows |
//! | `bitsets` | `[u32; bitsets × mask words]` | base bitsets of rows |
//!
//! A *stack automaton* ([`StackAutomaton`]) decides by reading the stack at a few depths:
//! `roots[key]` is its first node, a CSR row; the column is the symbol found at the node's depth
//! (`symbols` stands for "below the bottom"), the value is `answer << 1 | 1` or `node << 1`, where
//! nodes follow their parents. What is not there was not compiled.

use crate::artifact::{Artifact, ArtifactError, ArtifactWriter, kinds};
use crate::csr::{Csr, CsrError, CsrView};
use crate::{LabelSet, LexState, StackAction, StackView, Symbol, TokenId};
use std::borrow::Cow;

/// Kinds of the sections of a pushdown machine.
pub mod sections {
    use super::kinds::FIRST_FREE;

    /// `[u32; 5]`: symbols, lexical states, label sets (the empty one included), first symbol,
    /// words of a mask.
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
    /// Stack automata, by id: 0 steps, 1 rows, 2 ends. `[u32]`: roots, node + 1 or 0; `indptr`,
    /// `indices`, `data` and the depths of the nodes have the next kinds.
    pub const AUTOMATON: u32 = FIRST_FREE + 8;
    /// `[u32; answers + 1]`: where each list of actions begins.
    pub const ACTION_LISTS: u32 = FIRST_FREE + 13;
    /// `[u32; 2 × actions]`: how many symbols are popped, and where the pushed ones end.
    pub const ACTIONS: u32 = FIRST_FREE + 14;
    /// `[u32]`: pushed symbols.
    pub const PUSHES: u32 = FIRST_FREE + 15;
    /// `[u32; 3 × rows]`.
    pub const ROW_ANSWERS: u32 = FIRST_FREE + 16;
    /// `[u32]`: `indptr` of the token lists; `indices` has the next kind.
    pub const LISTS: u32 = FIRST_FREE + 17;
    /// `[u32; bitsets × words]`.
    pub const BITSETS: u32 = FIRST_FREE + 19;
}

/// Flag of a fresh lexical state.
pub const FRESH: u8 = 1;
/// Flag of a lexical state whose lexeme cannot go on.
pub const FINAL: u8 = 2;

/// A CSR matrix of words, owned or borrowed from an artifact, with its invariants checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matrix<'a> {
    columns: u32,
    indptr: Cow<'a, [u32]>,
    indices: Cow<'a, [u32]>,
    data: Cow<'a, [u32]>,
}

impl<'a> Matrix<'a> {
    fn new(
        columns: u32,
        indptr: Cow<'a, [u32]>,
        indices: Cow<'a, [u32]>,
        data: Cow<'a, [u32]>,
    ) -> Result<Self, CsrError> {
        CsrView::new(columns, &indptr, &indices, &data)?;
        Ok(Matrix {
            columns,
            indptr,
            indices,
            data,
        })
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.indptr.len() - 1
    }

    /// The number of columns.
    pub fn columns(&self) -> u32 {
        self.columns
    }

    /// The number of entries.
    pub fn nnz(&self) -> usize {
        self.indices.len()
    }

    /// The value at `row`, `column`.
    #[inline]
    pub fn get(&self, row: usize, column: u32) -> Option<u32> {
        let (start, end) = (
            *self.indptr.get(row)? as usize,
            *self.indptr.get(row + 1)? as usize,
        );
        let i = self.indices[start..end].binary_search(&column).ok()?;
        Some(self.data[start + i])
    }

    fn into_owned(self) -> Matrix<'static> {
        Matrix {
            columns: self.columns,
            indptr: Cow::Owned(self.indptr.into_owned()),
            indices: Cow::Owned(self.indices.into_owned()),
            data: Cow::Owned(self.data.into_owned()),
        }
    }

    fn write(
        &'a self,
        writer: &mut ArtifactWriter<'a>,
        kind: u32,
        id: u32,
    ) -> Result<(), ArtifactError> {
        writer.add_words(kind, id, &*self.indptr)?;
        writer.add_words(kind + 1, id, &*self.indices)?;
        writer.add_words(kind + 2, id, &*self.data)
    }

    fn read(
        artifact: &Artifact<'a>,
        kind: u32,
        id: u32,
        columns: u32,
    ) -> Result<Self, ArtifactError> {
        let (p, i, d) = (
            artifact.words(kind, id)?,
            artifact.words(kind + 1, id)?,
            artifact.words(kind + 2, id)?,
        );
        Matrix::new(columns, p, i, d).map_err(|e| content(kind, e.to_string()))
    }
}

impl From<Csr<u32>> for Matrix<'static> {
    fn from(csr: Csr<u32>) -> Self {
        Matrix {
            columns: csr.columns(),
            indptr: Cow::Owned(csr.indptr().to_vec()),
            indices: Cow::Owned(csr.indices().to_vec()),
            data: Cow::Owned(csr.data().to_vec()),
        }
    }
}

/// A deterministic automaton that reads a stack from the top; see the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackAutomaton<'a> {
    /// For each key its first node + 1, or 0.
    pub roots: Cow<'a, [u32]>,
    /// Nodes × (symbols + 1).
    pub nodes: Matrix<'a>,
    /// Where each node reads the stack, 0 being the top.
    pub depths: Cow<'a, [u32]>,
}

impl<'a> StackAutomaton<'a> {
    /// The answer under `key` for a stack.
    #[inline]
    pub fn get(&self, key: u32, stack: &dyn StackView) -> Option<u32> {
        let bottom = self.nodes.columns() - 1;
        let mut node = self.roots.get(key as usize)?.checked_sub(1)?;
        loop {
            let depth = *self.depths.get(node as usize)? as usize;
            let symbol = stack.symbol(depth).map_or(bottom, |s| s.0.min(bottom));
            let next = self.nodes.get(node as usize, symbol)?;
            if next & 1 == 1 {
                return Some(next >> 1);
            }
            node = next >> 1;
        }
    }

    fn read(
        artifact: &Artifact<'a>,
        id: u32,
        keys: u32,
        symbols: u32,
        answers: u32,
    ) -> Result<Self, ArtifactError> {
        let kind = sections::AUTOMATON;
        let roots = artifact.words(kind, id)?;
        let nodes = Matrix::read(artifact, kind + 1, id, symbols + 1)?;
        let depths = artifact.words(kind + 4, id)?;
        let rows = nodes.rows() as u32;
        if depths.len() != nodes.rows() {
            return Err(content(kind + 4, "not one depth for each node".into()));
        }
        if roots.len() != keys as usize || roots.iter().any(|r| *r > rows) {
            return Err(content(kind, "roots out of range".into()));
        }
        // A node's children follow it, so every decision ends.
        for (node, range) in nodes.indptr.windows(2).enumerate() {
            let values = &nodes.data[range[0] as usize..range[1] as usize];
            let bad = |d: u32| match d & 1 {
                1 => d >> 1 >= answers,
                _ => d >> 1 >= rows || (d >> 1) as usize <= node,
            };
            if values.iter().any(|d| bad(*d)) {
                return Err(content(kind + 3, "a value out of range".into()));
            }
        }
        Ok(StackAutomaton {
            roots,
            nodes,
            depths,
        })
    }

    fn into_owned(self) -> StackAutomaton<'static> {
        StackAutomaton {
            roots: Cow::Owned(self.roots.into_owned()),
            nodes: self.nodes.into_owned(),
            depths: Cow::Owned(self.depths.into_owned()),
        }
    }
}

/// The tables of a frozen machine. See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushdownTables<'a> {
    /// The number of stack symbols.
    pub symbols: u32,
    /// The number of label sets, the empty one included.
    pub label_sets: u32,
    /// The only symbol of the first stack.
    pub start: Symbol,
    /// Words of a mask.
    pub words: u32,
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
    /// Label set → list of actions.
    pub steps: StackAutomaton<'a>,
    /// Lexical state → row.
    pub rows: StackAutomaton<'a>,
    /// Key 0 → whether the input may end.
    pub ends: StackAutomaton<'a>,
    /// The lists of actions.
    pub actions: Vec<Box<[StackAction]>>,
    /// Three words a row.
    pub row_answers: Cow<'a, [u32]>,
    /// `indptr` and `indices` of the token lists.
    pub lists: (Cow<'a, [u32]>, Cow<'a, [u32]>),
    /// Base bitsets.
    pub bitsets: Cow<'a, [u32]>,
}

fn content(kind: u32, what: String) -> ArtifactError {
    ArtifactError::Content { kind, what }
}

impl<'a> PushdownTables<'a> {
    /// Adds the tables to an artifact.
    ///
    /// # Errors
    /// The artifact holds a machine already.
    pub fn write_to(&'a self, writer: &mut ArtifactWriter<'a>) -> Result<(), ArtifactError> {
        let numbers = vec![
            self.symbols,
            self.lexical.rows() as u32,
            self.label_sets,
            self.start.0,
            self.words,
        ];
        writer.add_words(sections::NUMBERS, 0, numbers)?;
        writer.add_bytes(sections::CLASSES, 0, &*self.classes)?;
        self.lexical.write(writer, sections::LEXICAL, 0)?;
        writer.add_words(sections::ACCEPT, 0, &*self.accept)?;
        writer.add_bytes(sections::FLAGS, 0, &*self.flags)?;
        writer.add_words(sections::LEX_START, 0, &*self.lex_start)?;
        for (id, automaton) in [(0, &self.steps), (1, &self.rows), (2, &self.ends)] {
            writer.add_words(sections::AUTOMATON, id, &*automaton.roots)?;
            automaton.nodes.write(writer, sections::AUTOMATON + 1, id)?;
            writer.add_words(sections::AUTOMATON + 4, id, &*automaton.depths)?;
        }
        let (mut lists, mut actions, mut pushes) = (vec![0u32], Vec::new(), Vec::new());
        for list in &self.actions {
            for action in list {
                pushes.extend(action.push.iter().map(|s| s.0));
                actions.extend([action.pop, pushes.len() as u32]);
            }
            lists.push(actions.len() as u32 / 2);
        }
        writer.add_words(sections::ACTION_LISTS, 0, lists)?;
        writer.add_words(sections::ACTIONS, 0, actions)?;
        writer.add_words(sections::PUSHES, 0, pushes)?;
        writer.add_words(sections::ROW_ANSWERS, 0, &*self.row_answers)?;
        writer.add_words(sections::LISTS, 0, &*self.lists.0)?;
        writer.add_words(sections::LISTS + 1, 0, &*self.lists.1)?;
        writer.add_words(sections::BITSETS, 0, &*self.bitsets)
    }

    /// Reads the tables of an artifact, borrowing where the bytes are aligned. One pass over
    /// everything but the bitsets; afterwards no lookup can leave its table.
    ///
    /// # Errors
    /// A missing section, or one that breaks an invariant.
    pub fn read(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let [symbols, states, label_sets, start, words] = *artifact.words(sections::NUMBERS, 0)?
        else {
            return Err(content(sections::NUMBERS, "not five numbers".into()));
        };
        let classes = Cow::Borrowed(artifact.bytes(sections::CLASSES, 0)?);
        let class_count = classes.iter().max().map_or(0, |c| u32::from(*c) + 1);
        let lexical = Matrix::read(artifact, sections::LEXICAL, 0, class_count)?;
        let accept = artifact.words(sections::ACCEPT, 0)?;
        let flags = Cow::Borrowed(artifact.bytes(sections::FLAGS, 0)?);
        let lex_start = artifact.words(sections::LEX_START, 0)?;
        let per_state = [lexical.rows(), accept.len(), flags.len()];
        if classes.len() != 256
            || symbols >= u32::MAX >> 1
            || start >= symbols
            || states == 0
            || per_state.iter().any(|n| *n != states as usize)
            || lex_start.len() != symbols as usize
            || lexical.data.iter().chain(&*lex_start).any(|q| *q >= states)
            || accept.iter().any(|l| *l >= label_sets)
        {
            return Err(content(
                sections::NUMBERS,
                "tables of different sizes".into(),
            ));
        }
        let actions = Self::read_actions(artifact, symbols)?;
        let row_answers = artifact.words(sections::ROW_ANSWERS, 0)?;
        let lists = (
            artifact.words(sections::LISTS, 0)?,
            artifact.words(sections::LISTS + 1, 0)?,
        );
        let list_count = CsrView::pattern(words.saturating_mul(32), &lists.0, &lists.1)
            .map_err(|e| content(sections::LISTS, e.to_string()))?
            .rows();
        let bitsets = artifact.words(sections::BITSETS, 0)?;
        let bitset_count = if words == 0 {
            0
        } else {
            bitsets.len() / words as usize
        };
        let (answers, rest) = row_answers.as_chunks::<3>();
        if !rest.is_empty()
            || bitsets.len() != bitset_count * words as usize
            || answers
                .iter()
                .any(|[b, l, e]| *b as usize > bitset_count || *l as usize > list_count || *e > 1)
        {
            return Err(content(sections::ROW_ANSWERS, "a row out of range".into()));
        }
        let row_count = answers.len() as u32;
        Ok(PushdownTables {
            symbols,
            label_sets,
            start: Symbol(start),
            words,
            steps: StackAutomaton::read(artifact, 0, label_sets, symbols, actions.len() as u32)?,
            rows: StackAutomaton::read(artifact, 1, states, symbols, row_count)?,
            ends: StackAutomaton::read(artifact, 2, 1, symbols, 2)?,
            classes,
            lexical,
            accept,
            flags,
            lex_start,
            actions,
            row_answers,
            lists,
            bitsets,
        })
    }

    fn read_actions(
        artifact: &Artifact<'a>,
        symbols: u32,
    ) -> Result<Vec<Box<[StackAction]>>, ArtifactError> {
        let lists = artifact.words(sections::ACTION_LISTS, 0)?;
        let actions = artifact.words(sections::ACTIONS, 0)?;
        let pushes = artifact.words(sections::PUSHES, 0)?;
        let bad = || content(sections::ACTIONS, "an action out of range".into());
        if pushes.iter().any(|s| *s >= symbols) {
            return Err(bad());
        }
        let (pairs, _) = actions.as_chunks::<2>();
        let mut from = 0;
        let mut all = Vec::with_capacity(pairs.len());
        for &[pop, end] in pairs {
            let push = pushes.get(from..end as usize).ok_or_else(bad)?;
            all.push(StackAction {
                pop,
                push: push.iter().map(|s| Symbol(*s)).collect(),
            });
            from = end as usize;
        }
        lists
            .windows(2)
            .map(|w| {
                all.get(w[0] as usize..w[1] as usize)
                    .map(Box::from)
                    .ok_or_else(bad)
            })
            .collect()
    }

    /// Copies what is borrowed.
    pub fn into_owned(self) -> PushdownTables<'static> {
        PushdownTables {
            symbols: self.symbols,
            label_sets: self.label_sets,
            start: self.start,
            words: self.words,
            classes: Cow::Owned(self.classes.into_owned()),
            lexical: self.lexical.into_owned(),
            accept: Cow::Owned(self.accept.into_owned()),
            flags: Cow::Owned(self.flags.into_owned()),
            lex_start: Cow::Owned(self.lex_start.into_owned()),
            steps: self.steps.into_owned(),
            rows: self.rows.into_owned(),
            ends: self.ends.into_owned(),
            actions: self.actions,
            row_answers: Cow::Owned(self.row_answers.into_owned()),
            lists: (
                Cow::Owned(self.lists.0.into_owned()),
                Cow::Owned(self.lists.1.into_owned()),
            ),
            bitsets: Cow::Owned(self.bitsets.into_owned()),
        }
    }

    /// The lexical state after one more byte.
    #[inline]
    pub fn next(&self, state: LexState, byte: u8) -> LexState {
        let class = u32::from(self.classes[usize::from(byte)]);
        self.lexical
            .get(state.index(), class)
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

    /// The base bitset, the explicit tokens and the end flag of a row.
    #[inline]
    pub fn row(&self, row: u32) -> (Option<&[u32]>, &[TokenId], bool) {
        let at = 3 * row as usize;
        let &[base, list, ends] = &self.row_answers[at..at + 3] else {
            return (None, &[], false);
        };
        let words = self.words as usize;
        let base =
            (base > 0).then(|| &self.bitsets[(base as usize - 1) * words..base as usize * words]);
        let list = match list {
            0 => &[],
            list => {
                let (start, end) = (self.lists.0[list as usize - 1], self.lists.0[list as usize]);
                &self.lists.1[start as usize..end as usize]
            }
        };
        (base, bytemuck::cast_slice(list), ends == 1)
    }
}
