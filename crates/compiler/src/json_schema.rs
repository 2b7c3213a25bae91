//! JSON Schemas: front end, frames, machine.

use crate::compiler::{CompileError, CompiledGrammar, Compiler};
use maskwright_automata::frames::{FrameOptions, Frames};
use maskwright_grammar::json_schema;
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
        let (schema, report) = json_schema::parse(schema, &options.reading, self.limits())?;
        let shared = self.shared();
        let lexicon = Arc::clone(&shared.lexicon);
        let control = Frames::new(
            schema,
            lexicon,
            options.writing,
            *self.limits(),
            self.cancel().clone(),
        )?;
        let mut compiled = self.finish(Box::new(control), shared);
        compiled.report = Some(report);
        Ok(compiled)
    }
}
