//! Maskwright behind the common interface.

use crate::engine::{Engine, Grammar, Session, Source};
use maskwright_automata::Order;
use maskwright_compiler::{CompileError, CompiledGrammar, Compiler, JsonSchemaOptions};
use maskwright_runtime::Matcher;
use maskwright_tables::{Limits, TokenId, Vocabulary};
use std::sync::Arc;

/// Default options, shared vocabulary rows.
pub struct Maskwright {
    compiler: Compiler,
    options: JsonSchemaOptions,
    /// Whether each source gets a compiler that has compiled nothing before.
    fresh: bool,
}

impl Maskwright {
    /// Sets up the vocabulary.
    pub fn new(vocabulary: &Arc<Vocabulary>, any_order: bool, fresh: bool) -> Self {
        let mut options = JsonSchemaOptions::default();
        if any_order {
            options.writing.order = Order::Any;
        }
        Maskwright {
            compiler: Compiler::new(Arc::clone(vocabulary), Limits::untrusted()),
            options,
            fresh,
        }
    }
}

impl Engine for Maskwright {
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Grammar>, String> {
        if self.fresh {
            let (vocabulary, limits) = (self.compiler.vocabulary(), *self.compiler.limits());
            self.compiler = Compiler::new(Arc::clone(vocabulary), limits);
        }
        match compile(&self.compiler, &self.options, source) {
            Ok(grammar) => Ok(Box::new(Compiled(grammar))),
            Err(e) => Err(e.to_string()),
        }
    }
}

/// Compiles a source.
pub fn compile(
    compiler: &Compiler,
    options: &JsonSchemaOptions,
    source: &Source,
) -> Result<CompiledGrammar, CompileError> {
    match source {
        Source::Schema(schema) => compiler.json_schema_with(schema, options),
        Source::Regex(pattern) => compiler.regex(pattern),
        Source::Grammar(text) => compiler.grammar(text),
    }
}

struct Compiled(CompiledGrammar);

impl Grammar for Compiled {
    fn session(&mut self) -> Result<Box<dyn Session + '_>, String> {
        let matcher = Matcher::new(self.0.machine()).map_err(|e| e.to_string())?;
        let mask = vec![0; matcher.mask_words()];
        Ok(Box::new(Run { matcher, mask }))
    }
}

struct Run {
    matcher: Matcher,
    mask: Vec<u32>,
}

impl Session for Run {
    fn mask(&mut self) -> Result<(), String> {
        self.matcher
            .fill_mask(&mut self.mask)
            .map_err(|e| e.to_string())
    }

    fn allowed(&self, token: u32) -> bool {
        self.mask[token as usize / 32] >> (token % 32) & 1 == 1
    }

    fn advance(&mut self, token: u32) -> Result<(), String> {
        self.matcher
            .advance(TokenId(token))
            .map_err(|e| e.to_string())
    }
}
