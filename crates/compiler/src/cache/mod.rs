//! [`CompileCache`]: compiled grammars by their sources, within a bound of bytes.
//!
//! 1. `key`: what is asked for, compared whole;
//! 2. `entries`: what is kept, in the order of its use, and what it holds now;
//! 3. this file: one compile for each source, however many ask; what goes when there is too much.

mod entries;
mod key;
#[cfg(test)]
mod tests;

use crate::compiler::{CompileError, CompiledGrammar, Compiler};
use crate::items::CompiledItems;
use crate::json_schema::JsonSchemaOptions;
use crate::lexical_rows::LexicalRows;
use entries::{Entries, Weigh};
use key::{Key, Kind, Source};
use maskwright_grammar::pattern::Dialect;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// A [`Compiler`] that keeps what it has compiled, within a bound of bytes.
///
/// In: the sources that a compiler takes. Out: what it makes of them, shared: all who ask for equal
/// sources hold the same machine, with all that any of their sessions has made it remember. `Send` and
/// `Sync`; one for each vocabulary serves all threads of an engine.
///
/// - **Keys** are whole sources: what kind of text, with which options, and the text itself, compared byte
///   by byte. A hash only finds them. Sources that mean the same but are written differently are
///   different.
/// - **One compile a source**: who asks for a source that another thread is compiling waits for that
///   compile. Compiles of different sources do not wait for each other.
/// - **The bound** counts everything: sources, machines (as they are now: they grow while sessions use
///   them, and are looked at again as time goes on), and the rows of terminals that all grammars share.
///   What was not used for the longest time goes first. A grammar that goes is alive for as long as
///   someone holds it, and no longer counts.
/// - **Shared rows** may take half of the bound. Past that the compiler makes fresh ones, and all grammars
///   over the old ones go, since they would keep these alive: the next to ask compiles them again.
///   Grammars with a part in common share the rows of its terminals through the compiler, whether
///   they are kept or not, so a grammar of which only little is new costs little.
/// - **Errors** are not kept: most come up in less time than a compile takes, and some, such as a
///   cancel, are not for ever. Who waited for a compile that failed gets the same error.
///
/// A lookup costs O(bytes of the source) for the hash and one comparison, and holds a lock while it
/// compares. The sizes are estimates, within a few per cent over many grammars; what the system's
/// allocator keeps for itself comes on top.
///
/// ```
/// use maskwright_compiler::vocabulary::VocabularyExt;
/// use maskwright_compiler::{CompileCache, Compiler};
/// use maskwright_runtime::Matcher;
/// use maskwright_tables::{Limits, Vocabulary};
///
/// let compiler = Compiler::new(Vocabulary::cl100k_base(), Limits::untrusted());
/// let cache = CompileCache::new(compiler, 256 << 20);
/// for answer in ["yes", "no", "yes"] {
///     let grammar = cache.json_schema(r#"{"enum": ["yes", "no"]}"#)?;
///     let mut matcher = Matcher::new(&grammar)?;
///     matcher.advance_bytes(format!("{answer:?}").as_bytes())?;
///     assert!(matcher.is_accepting()?);
/// }
/// let stats = cache.stats();
/// assert_eq!((stats.misses, stats.hits, stats.entries), (1, 2, 1));
/// assert!(stats.bytes + stats.shared_bytes <= stats.limit);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct CompileCache {
    compiler: Compiler,
    limit: usize,
    hasher: RandomState,
    state: Mutex<State>,
}

/// What a cache has done so far, and what it holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Lookups that found what they asked for.
    pub hits: u64,
    /// Lookups that compiled, successfully or not.
    pub misses: u64,
    /// Lookups that waited for another thread to compile the same.
    pub joined: u64,
    /// Grammars that went because there was too much.
    pub evictions: u64,
    /// Grammars that went because their shared rows were replaced.
    pub outdated: u64,
    /// Grammars that are kept.
    pub entries: usize,
    /// Bytes of sources and machines that are kept, about, as far as they were looked at.
    pub bytes: usize,
    /// Bytes of the rows that they share, about.
    pub shared_bytes: usize,
    /// The bound on both together.
    pub limit: usize,
}

#[derive(Debug)]
struct State {
    entries: Entries<Kept>,
    /// Compiles under way: as many as threads compile.
    flights: Vec<Flight>,
    /// The number of the shared rows that all entries are over.
    generation: u64,
    /// What is counted; what is held is filled in when asked for.
    stats: CacheStats,
}

#[derive(Debug)]
struct Flight {
    hash: u64,
    key: Key,
    landing: Arc<Landing>,
}

/// What a compile leaves for those who wait.
type Landing = OnceLock<Result<Value, CompileError>>;

#[derive(Clone, Debug)]
enum Value {
    Grammar(CompiledGrammar),
    Items(CompiledItems),
}

/// A value, and the bytes of it that never change.
#[derive(Debug)]
struct Kept {
    value: Value,
    fixed_bytes: usize,
}

impl Kept {
    fn new(value: Value) -> Self {
        let fixed_bytes = match &value {
            Value::Grammar(grammar) => grammar.source_bytes(),
            Value::Items(items) => items.heap_bytes(),
        };
        Kept { value, fixed_bytes }
    }
}

impl Weigh for Kept {
    fn heap_bytes(&self) -> usize {
        self.fixed_bytes
            + match &self.value {
                Value::Grammar(grammar) => grammar.machine_bytes(),
                Value::Items(_) => 0,
            }
    }
}

impl Value {
    /// Whether nothing here is over rows other than these.
    fn is_over(&self, rows: &Arc<LexicalRows>) -> bool {
        match self {
            Value::Grammar(grammar) => grammar.is_over(rows),
            Value::Items(_) => true,
        }
    }
}

impl State {
    /// Takes out what is over older rows than these.
    fn renew(&mut self, rows: &Arc<LexicalRows>, generation: u64) -> Vec<Kept> {
        if generation <= self.generation {
            return Vec::new();
        }
        self.generation = generation;
        let gone = self.entries.take_unless(|kept| kept.value.is_over(rows));
        self.stats.outdated += gone.len() as u64;
        gone
    }

    /// Takes out the least recently used until `left` bytes are enough for the rest.
    fn shrink(&mut self, left: usize, gone: &mut Vec<Kept>) {
        while self.entries.bytes() > left
            && let Some(kept) = self.entries.pop_oldest()
        {
            self.stats.evictions += 1;
            gone.push(kept);
        }
    }
}

impl CompileCache {
    /// Values that are looked at by the way, in each lookup, to see whether they have grown.
    const LOOKS: usize = 2;

    /// A cache around a compiler, for so many bytes of sources, machines and shared rows together.
    ///
    /// The least that shared rows need (those of strings: a few megabytes for a vocabulary of 200,000
    /// tokens) is held in any case; with a bound below that nothing is kept.
    pub fn new(compiler: Compiler, bytes: usize) -> Self {
        let least = 2 * compiler.shared_bytes();
        CompileCache {
            compiler: compiler.with_shared_bound(least.max(bytes / 2)),
            limit: bytes,
            hasher: RandomState::new(),
            state: Mutex::new(State {
                entries: Entries::new(),
                flights: Vec::new(),
                generation: 0,
                stats: CacheStats::default(),
            }),
        }
    }

    /// The compiler. What it compiles by itself is not kept.
    pub fn compiler(&self) -> &Compiler {
        &self.compiler
    }

    /// As [`Compiler::json_schema`].
    ///
    /// # Errors
    /// As there.
    pub fn json_schema(&self, schema: &str) -> Result<CompiledGrammar, CompileError> {
        self.json_schema_with(schema, &JsonSchemaOptions::default())
    }

    /// As [`Compiler::json_schema_with`]; all options are part of the key.
    ///
    /// # Errors
    /// As there.
    pub fn json_schema_with(
        &self,
        schema: &str,
        options: &JsonSchemaOptions,
    ) -> Result<CompiledGrammar, CompileError> {
        self.grammar_of(Kind::JsonSchema(options), schema, |compiler| {
            compiler.json_schema_with(schema, options)
        })
    }

    /// As [`Compiler::regex`].
    ///
    /// # Errors
    /// As there.
    pub fn regex(&self, pattern: &str) -> Result<CompiledGrammar, CompileError> {
        self.regex_in(pattern, Dialect::Rust)
    }

    /// As [`Compiler::regex_in`].
    ///
    /// # Errors
    /// As there.
    pub fn regex_in(
        &self,
        pattern: &str,
        dialect: Dialect,
    ) -> Result<CompiledGrammar, CompileError> {
        self.grammar_of(Kind::Regex(dialect), pattern, |compiler| {
            compiler.regex_in(pattern, dialect)
        })
    }

    /// As [`Compiler::grammar`].
    ///
    /// # Errors
    /// As there.
    pub fn grammar(&self, text: &str) -> Result<CompiledGrammar, CompileError> {
        self.grammar_of(Kind::Ebnf, text, |compiler| compiler.grammar(text))
    }

    /// As [`Compiler::gbnf`].
    ///
    /// # Errors
    /// As there.
    pub fn gbnf(&self, text: &str) -> Result<CompiledGrammar, CompileError> {
        self.grammar_of(Kind::Gbnf, text, |compiler| compiler.gbnf(text))
    }

    /// As [`Compiler::lark`].
    ///
    /// # Errors
    /// As there.
    pub fn lark(&self, text: &str) -> Result<CompiledGrammar, CompileError> {
        self.grammar_of(Kind::Lark, text, |compiler| compiler.lark(text))
    }

    /// As [`Compiler::items`].
    ///
    /// # Errors
    /// As there.
    pub fn items(&self, text: &str) -> Result<CompiledGrammar, CompileError> {
        self.grammar_of(Kind::Items, text, |compiler| compiler.items(text))
    }

    /// As [`Compiler::id_items`].
    ///
    /// # Errors
    /// As there.
    pub fn id_items(&self, text: &str) -> Result<CompiledItems, CompileError> {
        let kind = Kind::IdItems;
        let compile = || self.compiler.id_items(text).map(Value::Items);
        match self.get(Source { kind, text }, compile)? {
            Value::Items(items) => Ok(items),
            // Not reached: values of this kind are lists of items.
            Value::Grammar(_) => self.compiler.id_items(text),
        }
    }

    /// What was counted so far, and what is held now. O(1).
    pub fn stats(&self) -> CacheStats {
        let shared_bytes = self.compiler.shared_bytes();
        let state = self.lock();
        CacheStats {
            entries: state.entries.len(),
            bytes: state.entries.bytes(),
            shared_bytes,
            limit: self.limit,
            ..state.stats
        }
    }

    /// Forgets everything that is kept.
    pub fn clear(&self) {
        let entries = std::mem::replace(&mut self.lock().entries, Entries::new());
        drop(entries);
    }

    /// Nothing below panics while it holds the lock, and a panic elsewhere leaves it whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn grammar_of(
        &self,
        kind: Kind<&JsonSchemaOptions>,
        text: &str,
        compile: impl Fn(&Compiler) -> Result<CompiledGrammar, CompileError>,
    ) -> Result<CompiledGrammar, CompileError> {
        let make = || compile(&self.compiler).map(Value::Grammar);
        match self.get(Source { kind, text }, make)? {
            Value::Grammar(grammar) => Ok(grammar),
            // Not reached: values of these kinds are grammars.
            Value::Items(_) => compile(&self.compiler),
        }
    }

    fn get(
        &self,
        source: Source<'_>,
        compile: impl FnOnce() -> Result<Value, CompileError>,
    ) -> Result<Value, CompileError> {
        let hash = self.hasher.hash_one(source);
        if let Some(value) = self.find(hash, source) {
            return Ok(value);
        }
        // Copied before the lock is taken again.
        let key = Key::new(source);
        let landing = {
            let mut state = self.lock();
            let mut flights = state.flights.iter();
            let flight = flights.find(|f| f.hash == hash && f.key.source() == source);
            if let Some(flight) = flight {
                let landing = Arc::clone(&flight.landing);
                state.stats.joined += 1;
                landing
            } else if let Some(kept) = state.entries.get(hash, source) {
                // It has landed in between.
                let value = kept.value.clone();
                state.stats.hits += 1;
                return Ok(value);
            } else {
                state.stats.misses += 1;
                let landing = Arc::new(Landing::new());
                state.flights.push(Flight {
                    hash,
                    key,
                    landing: Arc::clone(&landing),
                });
                landing
            }
        };
        let mut is_mine = false;
        let result = landing.get_or_init(|| {
            is_mine = true;
            compile()
        });
        if is_mine {
            self.land(&landing, result);
        }
        result.clone()
    }

    /// What is kept for a source. The rest of the cache is looked after by the way.
    fn find(&self, hash: u64, source: Source<'_>) -> Option<Value> {
        let (rows, generation) = self.compiler.generation();
        let left = self.limit.saturating_sub(rows.bytes());
        let mut state = self.lock();
        // Freed after the lock is.
        let mut gone = state.renew(&rows, generation);
        let found = state.entries.get(hash, source).map(|k| k.value.clone());
        state.stats.hits += u64::from(found.is_some());
        (0..Self::LOOKS).for_each(|_| state.entries.look_on());
        state.shrink(left, &mut gone);
        drop(state);
        drop(gone);
        found
    }

    /// Ends a flight and keeps what came of it.
    fn land(&self, landing: &Arc<Landing>, result: &Result<Value, CompileError>) {
        let kept = result.as_ref().ok().cloned().map(Kept::new);
        let (rows, generation) = self.compiler.generation();
        let left = self.limit.saturating_sub(rows.bytes());
        let mut state = self.lock();
        let mut gone = state.renew(&rows, generation);
        let mut flights = state.flights.iter();
        if let Some(at) = flights.position(|f| Arc::ptr_eq(&f.landing, landing)) {
            let flight = state.flights.swap_remove(at);
            if let Some(kept) = kept
                && kept.value.is_over(&rows)
                && generation == state.generation
            {
                state.entries.insert(flight.hash, flight.key, kept);
                state.shrink(left, &mut gone);
            }
        }
        drop(state);
        drop(gone);
    }
}
