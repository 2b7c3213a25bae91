//! [`Compiler`]: sources in, [`CompiledGrammar`]s out.

use crate::freeze::{FreezeBudget, freeze};
use crate::lazy::LazyMachine;
use crate::lexical_rows::LexicalRows;
use maskwright_automata::Control;
use maskwright_automata::lr::Lr;
use maskwright_grammar::json_schema::Report;
use maskwright_grammar::{Diagnostic, Diagnostics, Grammar, Place, normalize};
use maskwright_tables::pushdown::PushdownTables;
use maskwright_tables::{CancelFlag, LimitError, Limits, Machine, RunError, Symbol, Vocabulary};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// Compiles sources for one vocabulary. Cheap to share by reference; all grammars that it makes
/// share the rows of their terminals.
///
/// ```
/// use maskwright_compiler::Compiler;
/// use maskwright_tables::{Limits, TokenKind, Vocabulary};
/// use maskwright_tables::vocabulary::TokenEntry;
///
/// let tokens = ["a", "b", "ab", "<end>"].iter().enumerate().map(|(id, text)| TokenEntry {
///     id: id as u32,
///     bytes: text.as_bytes().to_vec(),
///     kind: if id == 3 { TokenKind::Special } else { TokenKind::Text },
/// });
/// let vocabulary = Vocabulary::new("toy", tokens, &[3], None)?;
/// let compiler = Compiler::new(vocabulary, Limits::untrusted());
/// let grammar = compiler.regex("(ab)+")?;
/// let mut matcher = maskwright_runtime::Matcher::new(&grammar)?;
/// assert!(!matcher.is_accepting()?);
/// matcher.advance(maskwright_tables::TokenId(2))?;
/// assert!(matcher.is_accepting()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Compiler {
    vocabulary: Arc<Vocabulary>,
    limits: Limits,
    cancel: CancelFlag,
    /// The rows shared by the grammars of this compiler. Replaced by an empty one when it has
    /// grown past its bound: grammars in use keep the old one alive.
    shared: Mutex<Arc<LexicalRows>>,
    /// When the shared rows are replaced.
    shared_bytes: usize,
}

impl Compiler {
    /// The default bound on shared rows, in bytes.
    pub const SHARED_BYTES: usize = 256 << 20;

    /// A compiler for one vocabulary.
    pub fn new(vocabulary: impl Into<Arc<Vocabulary>>, limits: Limits) -> Self {
        let vocabulary = vocabulary.into();
        Compiler {
            shared: Mutex::new(Self::rows(&vocabulary, limits)),
            vocabulary,
            limits,
            cancel: CancelFlag::new(),
            shared_bytes: Self::SHARED_BYTES,
        }
    }

    /// Uses `cancel` to stop compiles; another thread may raise it.
    #[must_use]
    pub fn with_cancel(mut self, cancel: CancelFlag) -> Self {
        self.cancel = cancel;
        self
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    /// The limits of every compile and of the matchers of its grammars.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Compiles a regex in the dialect of the `regex` crate; it must match the whole output.
    ///
    /// # Errors
    /// A malformed pattern, an empty language, a limit.
    pub fn regex(&self, pattern: &str) -> Result<CompiledGrammar, CompileError> {
        self.grammar_ir(&Grammar::from_regex(pattern, &self.limits)?)
    }

    /// Compiles a grammar in Maskwright's EBNF.
    ///
    /// # Errors
    /// Malformed text, undefined or useless rules, an empty language, a limit.
    pub fn grammar(&self, text: &str) -> Result<CompiledGrammar, CompileError> {
        let parsed = maskwright_grammar::notation::parse(text, &self.limits)?;
        let mut compiled = self.grammar_ir(&parsed.grammar)?;
        compiled.warnings.splice(0..0, parsed.warnings);
        Ok(compiled)
    }

    /// Compiles a grammar given as IR.
    ///
    /// # Errors
    /// An empty language, a limit.
    pub fn grammar_ir(&self, grammar: &Grammar) -> Result<CompiledGrammar, CompileError> {
        let (normal, warnings) = normalize(grammar, &self.limits, &self.cancel)?;
        let shared = self.shared();
        let control = Lr::new(
            normal,
            Arc::clone(&shared.lexicon),
            self.limits,
            self.cancel.clone(),
        )?;
        let mut compiled = self.finish(Box::new(control), shared);
        compiled.warnings = warnings;
        Ok(compiled)
    }

    pub(crate) fn shared(&self) -> Arc<LexicalRows> {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.bytes() > self.shared_bytes {
            *shared = Self::rows(&self.vocabulary, self.limits);
        }
        Arc::clone(&shared)
    }

    fn rows(vocabulary: &Arc<Vocabulary>, limits: Limits) -> Arc<LexicalRows> {
        let rows = LexicalRows::new(Arc::clone(vocabulary), limits);
        // A limit that is crossed here is crossed again, and told of, when a grammar needs the rows.
        let _ = rows.warm();
        Arc::new(rows)
    }

    pub(crate) fn cancel(&self) -> &CancelFlag {
        &self.cancel
    }

    pub(crate) fn finish(
        &self,
        control: Box<dyn Control>,
        shared: Arc<LexicalRows>,
    ) -> CompiledGrammar {
        CompiledGrammar {
            machine: Arc::new(LazyMachine::new(control, shared, self.limits)),
            report: None,
            warnings: Vec::new(),
        }
    }
}

/// A compiled grammar: a machine, and for schemas the report of what became of each keyword.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct CompiledGrammar {
    machine: Arc<LazyMachine>,
    pub(crate) report: Option<Report>,
    pub(crate) warnings: Vec<Diagnostic>,
}

impl From<&CompiledGrammar> for Arc<dyn Machine> {
    fn from(grammar: &CompiledGrammar) -> Self {
        grammar.machine()
    }
}

impl CompiledGrammar {
    /// The machine that matchers run on.
    pub fn machine(&self) -> Arc<dyn Machine> {
        Arc::clone(&self.machine) as Arc<dyn Machine>
    }

    /// For a schema: what became of each keyword.
    pub fn report(&self) -> Option<&Report> {
        self.report.as_ref()
    }

    /// What the author of the source should know although it compiles.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// A readable form of a stack symbol of the machine, for messages and dumps.
    pub fn describe(&self, symbol: Symbol) -> String {
        self.machine.control().describe(symbol)
    }

    /// Asks the machine for everything and writes the answers down as tables: an ahead-of-time
    /// compile. `progress` hears now and then how many questions are answered and known.
    ///
    /// Frozen by a compiler and a grammar that were not asked anything before, the same source,
    /// options and vocabulary give the same tables. What was asked before can change the order in
    /// which stacks are read, and so the tables, though not their answers.
    ///
    /// # Errors
    /// The budget is too small, a limit, or a cancel.
    pub fn freeze(
        &self,
        budget: FreezeBudget,
        cancel: &CancelFlag,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<PushdownTables<'static>, RunError> {
        freeze(&self.machine, budget, cancel, progress)
    }

    /// What has been built so far.
    pub fn stats(&self) -> Stats {
        let shared = self.machine.shared();
        let (rows, row_keys, step_keys) = self.machine.len();
        let (expressions, lexical_states) = shared.lexicon.len();
        let (lexical_rows, tries) = shared.len();
        Stats {
            symbols: self.machine.control().symbols_len(),
            rows,
            row_keys,
            step_keys,
            expressions,
            lexical_states,
            lexical_rows,
            tries,
            set_bytes: shared.sets.bytes(),
        }
    }
}

/// Counts of what a grammar and its compiler have built so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Stack symbols of this grammar.
    pub symbols: usize,
    /// Rows of this grammar.
    pub rows: usize,
    /// Remembered keys of rows.
    pub row_keys: usize,
    /// Remembered keys of steps.
    pub step_keys: usize,
    /// Expressions of the shared lexicon.
    pub expressions: usize,
    /// Lexical states of the shared lexicon.
    pub lexical_states: usize,
    /// Shared rows of lexical states.
    pub lexical_rows: usize,
    /// Shared residual tries.
    pub tries: usize,
    /// Bytes of shared token sets.
    pub set_bytes: usize,
}

/// Why a source could not be compiled: one or more diagnostics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError(Diagnostics);

impl CompileError {
    /// What is wrong, each with code, place and help. Never empty.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0.0
    }
}

impl From<Diagnostics> for CompileError {
    fn from(d: Diagnostics) -> Self {
        CompileError(d)
    }
}

impl From<Diagnostic> for CompileError {
    fn from(d: Diagnostic) -> Self {
        CompileError(d.into())
    }
}

impl From<LimitError> for CompileError {
    fn from(e: LimitError) -> Self {
        Diagnostic::limit(e, Place::default()).into()
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for CompileError {}
