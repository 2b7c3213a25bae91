//! Sources: from a name to a machine.

use crate::args::{
    DialectChoice, Formats, Kind, LimitsChoice, Numbers, Order, SourceArgs, VocabularyArgs,
    Whitespace, WritingArgs,
};
use crate::error::{self, Error, Result};
use crate::input;
use crate::text::Text;
use crate::vocabulary;
use maskwright_automata::frames::{self, FrameOptions};
use maskwright_compiler::{CompiledGrammar, CompiledItems, Compiler, JsonSchemaOptions};
use maskwright_grammar::json_schema::{FormatMode, Options, Report};
use maskwright_grammar::pattern::Dialect;
use maskwright_grammar::{Diagnostic, Place};
use maskwright_tables::{Limits, Machine, Symbol, Vocabulary, artifact};
use miette::Severity;
use std::path::Path;
use std::sync::Arc;

/// A source, read but not compiled.
#[derive(Debug)]
pub struct Source<'a> {
    args: &'a SourceArgs,
    kind: Kind,
    bytes: Vec<u8>,
}

/// A source, compiled or opened.
#[derive(Debug)]
pub struct Opened {
    /// What matchers run on.
    pub machine: Arc<dyn Machine>,
    /// What was compiled.
    pub compiled: Compiled,
}

/// What a source was compiled to.
#[derive(Debug)]
pub enum Compiled {
    /// A grammar: the machine is lazy.
    Grammar(CompiledGrammar),
    /// Token sequences: the machine is complete.
    Items(CompiledItems),
    /// Nothing: it was an artifact.
    Artifact,
}

/// The limits of a choice.
pub fn limits(choice: LimitsChoice) -> Limits {
    match choice {
        LimitsChoice::Untrusted => Limits::untrusted(),
        LimitsChoice::Trusted => Limits::trusted(),
        LimitsChoice::Offline => Limits::offline(),
    }
}

/// The dialect of a choice.
pub fn dialect(choice: DialectChoice) -> Dialect {
    match choice {
        DialectChoice::Rust => Dialect::Rust,
        DialectChoice::Ecma => Dialect::Ecma,
    }
}

/// What `format` means, by choice.
pub fn format_mode(choice: Formats) -> FormatMode {
    match choice {
        Formats::Assert => FormatMode::Assert,
        Formats::Strict => FormatMode::Strict,
        Formats::Annotate => FormatMode::Annotate,
    }
}

/// How documents are written, by choice.
pub fn frame_options(args: WritingArgs) -> FrameOptions {
    FrameOptions {
        whitespace: match args.whitespace {
            Whitespace::Compact => frames::Whitespace::Compact,
            Whitespace::Flexible => frames::Whitespace::Flexible,
            Whitespace::Pretty => frames::Whitespace::Pretty {
                indent: args.indent,
            },
        },
        order: match args.property_order {
            Order::Schema => frames::Order::Schema,
            Order::Any => frames::Order::Any,
        },
        numbers: match args.numbers {
            Numbers::Any => frames::Numbers::Any,
            Numbers::Shortest => frames::Numbers::Shortest,
        },
    }
}

impl<'a> Source<'a> {
    /// Reads a source and finds out what it is.
    pub fn read(args: &'a SourceArgs) -> Result<Self> {
        let bytes = input::read(&args.source)?;
        let kind = match args.kind {
            Some(kind) => kind,
            None if bytes.starts_with(&artifact::MAGIC) => Kind::Artifact,
            None => kind_of(&args.source)?,
        };
        Ok(Source { args, kind, bytes })
    }

    /// What it is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The vocabulary that the arguments name; else the one that an artifact was compiled for; else
    /// `default`.
    pub fn vocabulary(&self, args: &VocabularyArgs, default: &str) -> Result<Arc<Vocabulary>> {
        if self.kind == Kind::Artifact && args.vocab.is_none() {
            let name = input::name(&self.args.source);
            return crate::commands::vocabulary_of(&self.bytes, name)?.ok_or_else(|| {
                Error::new(
                    "unknown-vocabulary",
                    format!("{name} was compiled for a vocabulary that is not built in"),
                )
                .with_help("name it with --vocab")
            });
        }
        vocabulary::choose(args, default).map(|chosen| chosen.vocabulary)
    }

    /// Compiles it for a vocabulary. Warnings and what was relaxed go to standard error unless
    /// `quiet`.
    pub fn compile(&self, vocabulary: Arc<Vocabulary>, quiet: bool) -> Result<Opened> {
        let name = input::name(&self.args.source);
        if self.kind == Kind::Artifact {
            return crate::commands::open_artifact(
                &self.bytes,
                vocabulary,
                limits(self.args.limits),
                name,
            );
        }
        let text = std::str::from_utf8(&self.bytes).map_err(|e| {
            let at = e.valid_up_to();
            Error::new("not-utf8", format!("{name}: byte {at} is not UTF-8"))
        })?;
        let compiler = Compiler::new(vocabulary, limits(self.args.limits));
        let compiled = match self.kind {
            Kind::JsonSchema => compiler.json_schema_with(text, &self.json_schema_options()),
            Kind::Regex => compiler.regex_in(strip_line_end(text), dialect(self.args.dialect)),
            Kind::Ebnf => compiler.grammar(text),
            Kind::Gbnf => compiler.gbnf(text),
            Kind::Lark => compiler.lark(text),
            Kind::Items => compiler.items(text),
            Kind::Ids => {
                let items = compiler.id_items(text);
                let items = items.map_err(|e| Error::compile(Text::new(name, &self.bytes), &e))?;
                self.warn(items.warnings(), None, quiet);
                return Ok(Opened {
                    machine: items.machine(),
                    compiled: Compiled::Items(items),
                });
            }
            // Opened above.
            Kind::Artifact => {
                return Err(Error::new(
                    "bad-kind",
                    format!("{name} is compiled already"),
                ));
            }
        };
        let grammar = compiled.map_err(|e| Error::compile(Text::new(name, &self.bytes), &e))?;
        self.warn(grammar.warnings(), grammar.report(), quiet);
        Ok(Opened {
            machine: grammar.machine(),
            compiled: Compiled::Grammar(grammar),
        })
    }

    fn json_schema_options(&self) -> JsonSchemaOptions {
        JsonSchemaOptions {
            reading: Options {
                lenient: self.args.lenient,
                format: format_mode(self.args.formats),
                ..Options::default()
            },
            writing: frame_options(self.args.writing),
        }
    }

    /// Shows what a source's author should know although it compiles.
    fn warn(&self, warnings: &[Diagnostic], report: Option<&Report>, quiet: bool) {
        if quiet {
            return;
        }
        let text = Text::new(input::name(&self.args.source), &self.bytes);
        for warning in warnings {
            error::show(Some(&text), warning, Severity::Warning);
        }
        let Some(report) = report else { return };
        for warning in report.warnings() {
            error::show(Some(&text), warning, Severity::Warning);
        }
        for entry in report.relaxed() {
            let reason = entry.reason.unwrap_or("it cannot be enforced");
            let message = format!("`{}` was widened: {reason}", entry.keyword);
            let d = Diagnostic::new("relaxed-keyword", message, Place::pointer(entry.pointer));
            error::show(Some(&text), &d, Severity::Warning);
        }
    }
}

impl Opened {
    /// A readable form of a stack symbol, where the machine knows one.
    pub fn describe(&self, symbol: Symbol) -> Option<String> {
        match &self.compiled {
            Compiled::Grammar(grammar) => Some(grammar.describe(symbol)),
            Compiled::Items(_) | Compiled::Artifact => None,
        }
    }
}

/// Editors end the last line of a pattern's file; the pattern does not end with it.
pub fn strip_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

/// What a name says that a source is.
pub fn kind_of(path: &str) -> Result<Kind> {
    let extension = Path::new(path)
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "json" => Ok(Kind::JsonSchema),
        "regex" => Ok(Kind::Regex),
        "ebnf" => Ok(Kind::Ebnf),
        "gbnf" => Ok(Kind::Gbnf),
        "lark" => Ok(Kind::Lark),
        "txt" => Ok(Kind::Items),
        "ids" => Ok(Kind::Ids),
        "mwk" => Ok(Kind::Artifact),
        _ => Err(Error::new(
            "unknown-kind",
            format!("{}: the name does not say what it is", input::name(path)),
        )
        .with_help(
            "name it .json, .regex, .ebnf, .gbnf, .lark, .txt, .ids or .mwk, or say --kind",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_come_from_names() {
        assert_eq!(kind_of("a/b.JSON").unwrap(), Kind::JsonSchema);
        assert_eq!(kind_of("b.x.regex").unwrap(), Kind::Regex);
        assert!(kind_of("schema").is_err());
        assert!(kind_of("-").is_err());
    }

    #[test]
    fn one_line_end_is_no_part_of_a_pattern() {
        assert_eq!(strip_line_end("a\r\n"), "a");
        assert_eq!(strip_line_end("a\n\n"), "a\n");
    }
}
