//! JSON Schemas: front end, frames, machine.

use crate::compiler::{CompileError, CompiledGrammar, Compiler, Recipe};
use maskwright_automata::embedded::{Embedded, GROUP_BITS, MAX_SCHEMAS};
use maskwright_automata::frames::{FrameOptions, Frames};
use maskwright_automata::lexicon::Lexicon;
use maskwright_grammar::json_schema::{self, Report};
use maskwright_grammar::{Diagnostic, Diagnostics, NormalGrammar, RegexNode};
use maskwright_tables::{CancelFlag, LimitError, Limits, heap};
use std::sync::Arc;

/// Options of a JSON Schema compile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct JsonSchemaOptions {
    /// How the schema text is read: dialect, formats, leniency, remote schemas.
    pub reading: json_schema::Options,
    /// How documents are written: white space and property order.
    pub writing: FrameOptions,
}

impl JsonSchemaOptions {
    /// Bytes held on the heap, about.
    pub(crate) fn heap_bytes(&self) -> usize {
        let texts = self.reading.registry.iter();
        let texts = texts.map(|(uri, text)| {
            2 * size_of::<String>() + heap::allocation(uri.len()) + heap::allocation(text.len())
        });
        heap::allocation(self.reading.base_uri.len()) + texts.sum::<usize>()
    }
}

/// Terminals with the frames of their schemas, and warnings.
pub(crate) type Schemas = (Vec<(u32, Frames)>, Vec<Diagnostic>);

/// The schemas that stand for terminals of a grammar: their terminals and frames, and what their
/// authors should know. Diagnostics have the span of the terminal and the pointer within the schema.
pub(crate) fn embedded(
    grammar: &NormalGrammar,
    lexicon: &Arc<Lexicon>,
    limits: Limits,
    cancel: &CancelFlag,
) -> Result<Schemas, CompileError> {
    let mut found = Vec::new();
    let mut warnings = Vec::new();
    let options = JsonSchemaOptions::default();
    for (index, terminal) in grammar.terminals().iter().enumerate() {
        let RegexNode::Json(text) = grammar.regexes().node(terminal.regex) else {
            continue;
        };
        if found.len() >= MAX_SCHEMAS || index >= 1 << GROUP_BITS {
            let (needed, limit) = (found.len() as u64 + 1, MAX_SCHEMAS as u64);
            let e = LimitError::new("schemas in a grammar", needed, limit);
            return Err(Diagnostic::limit(e, terminal.place.clone()).into());
        }
        let here = |mut d: Diagnostic| {
            d.place.span.clone_from(&terminal.place.span);
            d
        };
        let located = |e: Diagnostics| Diagnostics(e.0.into_iter().map(here).collect());
        let (schema, report) =
            json_schema::parse(text, &options.reading, &limits).map_err(located)?;
        warnings.extend(report.warnings().iter().cloned().map(here));
        let frames = Frames::with_labels(
            schema,
            Arc::clone(lexicon),
            options.writing,
            limits,
            cancel.clone(),
            Embedded::base(found.len()),
        )
        .map_err(located)?;
        found.push((index as u32, frames));
    }
    Ok((found, warnings))
}

impl Compiler {
    /// Compiles a JSON Schema with default options.
    ///
    /// # Errors
    /// Every keyword that cannot be enforced, with its JSON pointer; malformed JSON; a limit.
    pub fn json_schema(&self, schema: &str) -> Result<CompiledGrammar, CompileError> {
        self.json_schema_with(schema, &JsonSchemaOptions::default())
    }

    /// Compiles a JSON Schema.
    ///
    /// # Errors
    /// As [`Compiler::json_schema`].
    pub fn json_schema_with(
        &self,
        schema: &str,
        options: &JsonSchemaOptions,
    ) -> Result<CompiledGrammar, CompileError> {
        self.json_schema_reported(schema, options)
            .map_err(|(error, _)| error)
    }

    /// Compiles a JSON Schema; with the error of a schema that is refused comes what became of each
    /// keyword, as with a grammar ([`CompiledGrammar::report`]).
    ///
    /// # Errors
    /// As [`Compiler::json_schema`].
    pub fn json_schema_reported(
        &self,
        schema: &str,
        options: &JsonSchemaOptions,
    ) -> Result<CompiledGrammar, (CompileError, Box<Report>)> {
        let limits = self.limits();
        let (parsed, mut report) = json_schema::parse_with_report(schema, &options.reading, limits);
        let parsed = match parsed {
            Ok(parsed) => parsed,
            Err(e) => return Err((e.into(), Box::new(report))),
        };
        let shared = self.shared();
        let lexicon = Arc::clone(&shared.lexicon);
        let cancel = self.cancel().clone();
        match Frames::new(parsed, lexicon, options.writing, *limits, cancel) {
            Ok(control) => {
                let recipe = Recipe::Schema {
                    text: schema.into(),
                    options: Box::new(options.clone()),
                };
                match self.finish(Box::new(control), shared, recipe) {
                    Ok(mut compiled) => {
                        compiled.report = Some(Arc::new(report));
                        Ok(compiled)
                    }
                    Err(e) => {
                        e.diagnostics().iter().for_each(|d| report.refuse(d));
                        Err((e, Box::new(report)))
                    }
                }
            }
            Err(e) => {
                e.0.iter().for_each(|d| report.refuse(d));
                Err((e.into(), Box::new(report)))
            }
        }
    }
}

/// The frames of a schema's text.
pub(crate) fn frames(
    schema: &str,
    options: &JsonSchemaOptions,
    lexicon: Arc<Lexicon>,
    limits: Limits,
    cancel: &CancelFlag,
) -> Result<Frames, CompileError> {
    let (schema, _) = json_schema::parse(schema, &options.reading, &limits)?;
    let frames = Frames::new(schema, lexicon, options.writing, limits, cancel.clone())?;
    Ok(frames)
}
