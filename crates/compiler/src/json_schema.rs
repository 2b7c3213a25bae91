//! JSON Schemas: front end, frames, machine.

use crate::compiler::{CompileError, CompiledGrammar, Compiler};
use maskwright_automata::frames::{FrameOptions, Frames};
use maskwright_grammar::json_schema::{self, Report};
use std::sync::Arc;

/// Options of a JSON Schema compile.
#[derive(Clone, Debug, Default)]
pub struct JsonSchemaOptions {
    /// How the schema text is read: dialect, formats, leniency, remote schemas.
    pub reading: json_schema::Options,
    /// How documents are written: white space and property order.
    pub writing: FrameOptions,
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
        let (schema, mut report) = json_schema::parse_with_report(schema, &options.reading, limits);
        let schema = match schema {
            Ok(schema) => schema,
            Err(e) => return Err((e.into(), Box::new(report))),
        };
        let shared = self.shared();
        let lexicon = Arc::clone(&shared.lexicon);
        let cancel = self.cancel().clone();
        match Frames::new(schema, lexicon, options.writing, *limits, cancel) {
            Ok(control) => {
                let mut compiled = self.finish(Box::new(control), shared);
                compiled.report = Some(report);
                Ok(compiled)
            }
            Err(e) => {
                e.0.iter().for_each(|d| report.refuse(d));
                Err((e.into(), Box::new(report)))
            }
        }
    }
}
