//! [`Compiler`]: sources in, [`CompiledGrammar`]s out.

use crate::cost::{CostBudget, CostReport};
use crate::freeze::{FreezeBudget, FreezeProgress, freeze};
use crate::json_schema::{self, JsonSchemaOptions};
use crate::lazy::{LazyMachine, run_error};
use crate::lexical_rows::LexicalRows;
use crate::token_terminals;
use maskwright_automata::lr::{ConflictReport, Lr};
use maskwright_automata::{Control, ControlError, Embedded, Lexicon};
use maskwright_grammar::json_schema::Report;
use maskwright_grammar::notation::Parsed;
use maskwright_grammar::pattern::Dialect;
use maskwright_grammar::{Diagnostic, Diagnostics, Grammar, NormalGrammar, Place, normalize};
use maskwright_tables::pushdown::PushdownTables;
use maskwright_tables::{
    CancelFlag, LimitError, Limits, Machine, RunError, Symbol, Vocabulary, heap,
};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

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
    shared: Arc<Mutex<Shared>>,
    /// When the shared rows are replaced.
    shared_bytes: usize,
}

/// The rows shared by the grammars of a compiler. Replaced by fresh ones when they have grown past
/// their bound, by a thread of their own, so that no compile waits for it; grammars in use keep the
/// old ones alive.
#[derive(Debug)]
struct Shared {
    rows: Arc<LexicalRows>,
    /// How often they were replaced.
    generation: u64,
    /// Whether fresh ones are being made.
    renewing: bool,
}

impl Shared {
    fn new(rows: Arc<LexicalRows>) -> Mutex<Self> {
        Mutex::new(Shared {
            rows,
            generation: 0,
            renewing: false,
        })
    }

    fn lock(shared: &Mutex<Self>) -> MutexGuard<'_, Self> {
        shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn renew(shared: &Mutex<Self>, vocabulary: &Arc<Vocabulary>, limits: Limits) {
        let rows = Compiler::rows(vocabulary, limits);
        let mut shared = Self::lock(shared);
        let old = std::mem::replace(&mut shared.rows, rows);
        shared.generation += 1;
        shared.renewing = false;
        drop(shared);
        drop(old);
    }
}

impl Compiler {
    /// The default bound on shared rows, in bytes.
    pub const SHARED_BYTES: usize = 256 << 20;

    /// A compiler for one vocabulary.
    pub fn new(vocabulary: impl Into<Arc<Vocabulary>>, limits: Limits) -> Self {
        let vocabulary = vocabulary.into();
        Compiler {
            shared: Arc::new(Shared::new(Self::rows(&vocabulary, limits))),
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

    /// Compiles a regex of a dialect; it must match the whole output.
    ///
    /// # Errors
    /// As [`Compiler::regex`].
    pub fn regex_in(
        &self,
        pattern: &str,
        dialect: Dialect,
    ) -> Result<CompiledGrammar, CompileError> {
        self.grammar_ir(&Grammar::from_regex_in(pattern, dialect, &self.limits)?)
    }

    /// Compiles a grammar in Maskwright's EBNF.
    ///
    /// # Errors
    /// Malformed text, undefined or useless rules, an empty language, a limit.
    pub fn grammar(&self, text: &str) -> Result<CompiledGrammar, CompileError> {
        self.parsed(maskwright_grammar::notation::parse(text, &self.limits)?)
    }

    /// Compiles a grammar in llama.cpp's GBNF.
    ///
    /// # Errors
    /// As [`Compiler::grammar`].
    pub fn gbnf(&self, text: &str) -> Result<CompiledGrammar, CompileError> {
        self.parsed(maskwright_grammar::notation::parse_gbnf(
            text,
            &self.limits,
        )?)
    }

    /// Compiles a grammar in the notation of Lark, with the extensions of llguidance.
    ///
    /// # Errors
    /// As [`Compiler::grammar`].
    pub fn lark(&self, text: &str) -> Result<CompiledGrammar, CompileError> {
        self.parsed(maskwright_grammar::notation::parse_lark(
            text,
            &self.limits,
        )?)
    }

    fn parsed(&self, parsed: Parsed) -> Result<CompiledGrammar, CompileError> {
        let mut compiled = self.grammar_ir(&parsed.grammar)?;
        let mut warnings = parsed.warnings;
        warnings.extend_from_slice(&compiled.warnings);
        compiled.warnings = warnings.into();
        Ok(compiled)
    }

    /// Compiles a grammar given as IR.
    ///
    /// # Errors
    /// An empty language, a token that the vocabulary lacks, a limit.
    pub fn grammar_ir(&self, grammar: &Grammar) -> Result<CompiledGrammar, CompileError> {
        let (normal, warnings) = normalize(grammar, &self.limits, &self.cancel)?;
        let shared = self.shared();
        let tokens = token_terminals::resolve(&normal, &self.vocabulary)?;
        let recipe = Recipe::Grammar(normal.clone());
        let made = grammar_control(normal, &shared.lexicon, self.limits, &self.cancel)?;
        let (control, more) = made;
        let mut warnings = warnings;
        warnings.extend(more);
        let machine = LazyMachine::new(control, shared, self.limits).with_token_terminals(tokens);
        self.check_start(&machine, "empty-language")?;
        Ok(CompiledGrammar {
            machine: Arc::new(machine),
            recipe: Arc::new(recipe),
            report: None,
            warnings: warnings.into(),
        })
    }

    /// Bytes of the rows that the grammars of this compiler share, about. They grow as grammars are used;
    /// past [`Compiler::SHARED_BYTES`] the next compile has fresh ones made.
    pub fn shared_bytes(&self) -> usize {
        let rows = Arc::clone(&Shared::lock(&self.shared).rows);
        rows.bytes()
    }

    /// The same compiler with another bound on its shared rows.
    pub(crate) fn with_shared_bound(mut self, bytes: usize) -> Self {
        self.shared_bytes = bytes;
        self
    }

    pub(crate) fn shared(&self) -> Arc<LexicalRows> {
        self.generation().0
    }

    /// The shared rows, and how often they were replaced. Has fresh ones made where they have grown past
    /// their bound.
    pub(crate) fn generation(&self) -> (Arc<LexicalRows>, u64) {
        let mut shared = Shared::lock(&self.shared);
        if shared.rows.bytes() > self.shared_bytes && !shared.renewing {
            shared.renewing = true;
            drop(shared);
            let (to, vocabulary) = (Arc::clone(&self.shared), Arc::clone(&self.vocabulary));
            let limits = self.limits;
            let renew = move || Shared::renew(&to, &vocabulary, limits);
            let spawned = std::thread::Builder::new().spawn(renew);
            if spawned.is_err() {
                Shared::renew(&self.shared, &self.vocabulary, self.limits);
            }
            shared = Shared::lock(&self.shared);
        }
        (Arc::clone(&shared.rows), shared.generation)
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

    /// Checks that tokens spell a sentence of a machine.
    pub(crate) fn check_start(
        &self,
        machine: &LazyMachine,
        code: &'static str,
    ) -> Result<(), CompileError> {
        match crate::alive::starts(machine) {
            Ok(true) => Ok(()),
            Ok(false) => {
                let name = self.vocabulary.name();
                let message = format!("the tokens of {name} spell no text that this accepts");
                let help =
                    "some bytes are no tokens by themselves: use a vocabulary with byte tokens";
                Err(Diagnostic::new(code, message, Place::default())
                    .with_help(help)
                    .into())
            }
            Err(RunError::Limit(e)) => Err(e.into()),
            Err(e) => Err(Diagnostic::new("no-completion", e.to_string(), Place::default()).into()),
        }
    }

    pub(crate) fn finish(
        &self,
        control: Box<dyn Control>,
        shared: Arc<LexicalRows>,
        recipe: Recipe,
    ) -> Result<CompiledGrammar, CompileError> {
        let machine = LazyMachine::new(control, shared, self.limits);
        self.check_start(&machine, "unsatisfiable")?;
        Ok(CompiledGrammar {
            machine: Arc::new(machine),
            recipe: Arc::new(recipe),
            report: None,
            warnings: Arc::default(),
        })
    }
}

/// The control of a grammar and of the schemas inside it, with what their authors should know.
fn grammar_control(
    normal: NormalGrammar,
    lexicon: &Arc<Lexicon>,
    limits: Limits,
    cancel: &CancelFlag,
) -> Result<(Box<dyn Control>, Vec<Diagnostic>), CompileError> {
    let (schemas, warnings) = json_schema::embedded(&normal, lexicon, limits, cancel)?;
    let control = Lr::new(normal, Arc::clone(lexicon), limits, cancel.clone())?;
    if schemas.is_empty() {
        return Ok((Box::new(control), warnings));
    }
    let control = Embedded::new(control, Arc::clone(lexicon), schemas);
    Ok((Box::new(control), warnings))
}

/// What a machine can be made from again, with nothing asked of it yet.
#[derive(Debug)]
pub(crate) enum Recipe {
    /// An LR machine.
    Grammar(NormalGrammar),
    /// A machine of frames.
    Schema {
        /// The schema's text.
        text: Box<str>,
        /// How it is read and written.
        options: Box<JsonSchemaOptions>,
    },
}

/// A compiled grammar: a machine, and for schemas the report of what became of each keyword.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct CompiledGrammar {
    machine: Arc<LazyMachine>,
    recipe: Arc<Recipe>,
    pub(crate) report: Option<Arc<Report>>,
    pub(crate) warnings: Arc<[Diagnostic]>,
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
        self.report.as_deref()
    }

    /// What the author of the source should know although it compiles.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// A readable form of a stack symbol of the machine, for messages and dumps.
    pub fn describe(&self, symbol: Symbol) -> String {
        self.machine.control().describe(symbol)
    }

    /// Where the source speaks about what comes next when `symbol` is on top of the stack, the
    /// nearest place first: for schemas JSON pointers, at most 16. Empty for other sources.
    pub fn places(&self, symbol: Symbol) -> Vec<String> {
        self.machine.control().places(symbol)
    }

    /// For a schema: the pointers of nodes that no value satisfies and that do not say so by their
    /// looks, as `false` does; the innermost of several. They are probably mistakes.
    ///
    /// # Errors
    /// A limit in the search for a value, or a cancel.
    pub fn dead_places(&self) -> Result<Vec<String>, CompileError> {
        match self.machine.control().dead_places() {
            Ok(places) => Ok(places),
            Err(ControlError::Limit(e)) => Err(e.into()),
            // Nothing that looks at a schema alone reads a stack.
            Err(_) => Ok(Vec::new()),
        }
    }

    /// What the places of a schema cost: see [`CostReport`].
    ///
    /// # Errors
    /// A limit, or a cancel.
    pub fn cost(&self, budget: CostBudget, cancel: &CancelFlag) -> Result<CostReport, RunError> {
        crate::cost::measure(&self.machine, budget, cancel)
    }

    /// For a schema that is written in the order of its properties, and a symbol on top of the
    /// stack right after an opening brace: the names whose members must come in this order. All
    /// other members come after them. Empty for everything else.
    pub fn member_order(&self, symbol: Symbol) -> Vec<String> {
        self.machine.control().member_order(symbol)
    }

    /// What in a context-free grammar is not LR(1), so that texts may need several stacks at once, explained
    /// with sentences; `None` for schemas, whose machine decides as it reads. Makes all states of the machine.
    ///
    /// # Errors
    /// More states than the limits allow, or a cancel.
    pub fn conflicts(&self) -> Result<Option<ConflictReport>, RunError> {
        self.machine.control().conflicts().map_err(run_error)
    }

    /// Asks a machine for everything and writes the answers down as tables: an ahead-of-time compile.
    /// `progress` hears now and then how far it is.
    ///
    /// The machine that is asked is made afresh, so that the same source, options and vocabulary
    /// give the same tables, whatever this grammar was used for before and however many threads help.
    ///
    /// # Errors
    /// The budget is too small, a limit, or a cancel.
    pub fn freeze(
        &self,
        budget: FreezeBudget,
        cancel: &CancelFlag,
        progress: &mut dyn FnMut(FreezeProgress),
    ) -> Result<PushdownTables<'static>, RunError> {
        freeze(&self.afresh(cancel)?, budget, cancel, progress)
    }

    /// The machine of this grammar, with nothing asked of it or of its lexical rows.
    fn afresh(&self, cancel: &CancelFlag) -> Result<LazyMachine, RunError> {
        let limits = *self.machine.limits();
        let vocabulary = Arc::clone(self.machine.vocabulary());
        let shared = Arc::new(LexicalRows::new(vocabulary, limits));
        let lexicon = Arc::clone(&shared.lexicon);
        // What compiled once compiles again, unless it is cancelled or a limit is as near as that.
        let stopped = |_: CompileError| match cancel.check("ahead-of-time compile") {
            Err(e) => RunError::from(e),
            Ok(()) => LimitError::new("compiling again", 1, 0).into(),
        };
        let control: Box<dyn Control> = match &*self.recipe {
            Recipe::Grammar(grammar) => {
                let made = grammar_control(grammar.clone(), &lexicon, limits, cancel);
                made.map_err(stopped)?.0
            }
            Recipe::Schema { text, options } => {
                let made = json_schema::frames(text, options, lexicon, limits, cancel);
                Box::new(made.map_err(stopped)?)
            }
        };
        // The same grammar has the same terminals.
        let terminals = self.machine.token_terminals().into();
        Ok(LazyMachine::new(control, shared, limits).with_token_terminals(terminals))
    }

    /// Bytes held by this grammar alone, about: its machine with all that sessions have made it
    /// remember so far, so the number grows; the report, and what [`freeze`](Self::freeze) starts from.
    /// The rows of terminals, which it shares with the other grammars of its compiler, are left out
    /// ([`Compiler::shared_bytes`]). Clones share everything. O(nodes of the source), and never waits
    /// for a session.
    ///
    /// ```
    /// use maskwright_compiler::Compiler;
    /// use maskwright_compiler::vocabulary::VocabularyExt;
    /// use maskwright_tables::{Limits, Vocabulary};
    ///
    /// let compiler = Compiler::new(Vocabulary::cl100k_base(), Limits::untrusted());
    /// let grammar = compiler.json_schema(r#"{"type": "array", "items": {"enum": [1, 2]}}"#)?;
    /// let before = grammar.heap_bytes();
    /// let mut matcher = maskwright_runtime::Matcher::new(&grammar)?;
    /// let mut mask = vec![0; matcher.mask_words()];
    /// matcher.advance_bytes(b"[1,")?;
    /// matcher.fill_mask(&mut mask)?;
    /// assert!(grammar.heap_bytes() > before);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn heap_bytes(&self) -> usize {
        self.machine_bytes() + self.source_bytes()
    }

    /// The part that grows. O(1).
    pub(crate) fn machine_bytes(&self) -> usize {
        self.machine.heap_bytes()
    }

    /// The part that does not.
    pub(crate) fn source_bytes(&self) -> usize {
        let recipe = match &*self.recipe {
            Recipe::Grammar(grammar) => grammar.heap_bytes(),
            Recipe::Schema { text, options } => {
                heap::allocation(text.len()) + options.heap_bytes() + size_of::<JsonSchemaOptions>()
            }
        };
        let report = self.report.as_ref().map_or(0, |r| r.heap_bytes());
        let warnings = self.warnings.iter().map(Diagnostic::heap_bytes);
        size_of::<Recipe>() + recipe + report + warnings.sum::<usize>()
    }

    /// Whether its machine shares these rows.
    pub(crate) fn is_over(&self, rows: &Arc<LexicalRows>) -> bool {
        Arc::ptr_eq(self.machine.shared(), rows)
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

#[cfg(test)]
mod tests {
    use super::*;
    use maskwright_tables::TokenKind;
    use maskwright_tables::vocabulary::TokenEntry;
    use std::time::{Duration, Instant};

    #[test]
    fn shared_rows_past_their_bound_are_renewed_and_old_grammars_go_on() {
        let tokens = (0..=255u8).map(|byte| TokenEntry {
            id: byte.into(),
            bytes: vec![byte],
            kind: TokenKind::Text,
        });
        let vocabulary = Vocabulary::new("bytes", tokens, &[], None).expect("a vocabulary");
        let mut compiler = Compiler::new(vocabulary, Limits::untrusted());
        let first = compiler.shared();
        assert!(Arc::ptr_eq(&first, &compiler.shared()), "within the bound");
        let grammar = compiler.regex("a+b").expect("a grammar");
        compiler.shared_bytes = 0;
        let begun = Instant::now();
        while Arc::ptr_eq(&first, &compiler.shared()) {
            assert!(begun.elapsed() < Duration::from_secs(30), "never renewed");
            std::thread::sleep(Duration::from_millis(1));
        }
        for grammar in [grammar, compiler.regex("a+b").expect("another")] {
            let mut matcher = maskwright_runtime::Matcher::new(&grammar).expect("a matcher");
            assert_eq!(matcher.allowed_count().expect("a count"), 1);
            matcher.advance_bytes(b"aab").expect("in the language");
            assert!(matcher.is_accepting().expect("an answer"));
        }
    }
}
