//! What can go wrong, and how it is shown: as a diagnostic with its place, or as JSON.

use crate::text::Text;
use maskwright_compiler::CompileError;
use maskwright_grammar::{Diagnostic, Place};
use maskwright_runtime::MatchError;
use miette::{LabeledSpan, MietteHandlerOpts, ReportHandler, Severity, SourceCode};
use serde_json::json;
use std::fmt;
use std::io::{self, IsTerminal};

/// Why a command could not do what was asked.
#[derive(Debug)]
pub enum Error {
    /// Nobody reads standard output any more.
    ClosedPipe,
    /// One or more things to say, perhaps about a text.
    Said(Option<Box<Text>>, Vec<Diagnostic>),
}

/// The result of a step of a command.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error without a place.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Error::Said(None, vec![Diagnostic::new(code, message, Place::default())])
    }

    /// Adds what to do about it.
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        if let Error::Said(_, diagnostics) = &mut self
            && let Some(last) = diagnostics.pop()
        {
            diagnostics.push(last.with_help(help));
        }
        self
    }

    /// A file that cannot be read or written.
    pub fn file(code: &'static str, name: &str, error: &io::Error) -> Self {
        Error::new(code, format!("{name}: {error}"))
    }

    /// A source that does not compile.
    pub fn compile(text: Text, error: &CompileError) -> Self {
        Error::Said(Some(Box::new(text)), error.diagnostics().to_vec())
    }
}

impl From<MatchError> for Error {
    fn from(e: MatchError) -> Self {
        Error::new("run-failed", e.to_string())
            .with_help("a limit can be raised with --limits trusted or --limits offline")
    }
}

impl From<io::Error> for Error {
    /// Errors of standard output; those of files know their name.
    fn from(e: io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::BrokenPipe => Error::ClosedPipe,
            _ => Error::new("cannot-write", format!("standard output: {e}")),
        }
    }
}

/// A diagnostic as JSON: the keys are stable, absent facts are null.
pub fn to_json(d: &Diagnostic) -> serde_json::Value {
    json!({
        "code": d.code,
        "message": d.message,
        "pointer": d.place.pointer,
        "span": d.place.span.as_ref().map(|s| [s.start, s.end]),
        "help": d.help,
        "limit": d.limit.as_ref().map(|l| json!({ "stage": l.stage, "needed": l.needed, "limit": l.limit })),
    })
}

/// Prints an error on standard error.
pub fn print(error: &Error, as_json: bool) {
    let Error::Said(text, diagnostics) = error else {
        return;
    };
    if as_json {
        let list: Vec<_> = diagnostics.iter().map(to_json).collect();
        let source = text.as_ref().map(|t| t.name());
        eprintln!(
            "{}",
            json!({ "error": { "source": source, "diagnostics": list } })
        );
    } else {
        for d in diagnostics {
            show(text.as_deref(), d, Severity::Error);
        }
    }
}

/// Prints a diagnostic on standard error, for people.
pub fn show(text: Option<&Text>, diagnostic: &Diagnostic, severity: Severity) {
    eprint!("{}", Rendered(&Shown::new(text, diagnostic, severity)));
}

/// A diagnostic as `miette` wants it.
#[derive(Debug)]
pub struct Shown<'a> {
    text: Option<&'a Text>,
    diagnostic: &'a Diagnostic,
    severity: Severity,
}

impl<'a> Shown<'a> {
    /// A diagnostic about `text`.
    pub fn new(text: Option<&'a Text>, diagnostic: &'a Diagnostic, severity: Severity) -> Self {
        Shown {
            text,
            diagnostic,
            severity,
        }
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.diagnostic.message)?;
        if let Some(pointer) = &self.diagnostic.place.pointer {
            write!(
                f,
                " (at {})",
                if pointer.is_empty() {
                    "the root"
                } else {
                    pointer
                }
            )?;
        }
        // With a span the file's name stands above the excerpt.
        match self.text {
            Some(text) if self.diagnostic.place.span.is_none() => write!(f, " in {}", text.name()),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        Some(Box::new(self.diagnostic.code))
    }

    fn severity(&self) -> Option<Severity> {
        Some(self.severity)
    }

    fn help<'b>(&'b self) -> Option<Box<dyn fmt::Display + 'b>> {
        self.diagnostic.help.as_ref().map(|h| Box::new(h) as _)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.text
            .filter(|_| self.diagnostic.place.span.is_some())
            .map(|t| t as _)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.diagnostic.place.span.as_ref()?;
        let len = span.end.saturating_sub(span.start);
        Some(Box::new(std::iter::once(LabeledSpan::new(
            Some("here".to_owned()),
            span.start,
            len,
        ))))
    }
}

/// Renders by `miette`: colour on terminals only (and never with `NO_COLOR`), the same text
/// everywhere else.
struct Rendered<'a>(&'a Shown<'a>);

impl fmt::Display for Rendered<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options = MietteHandlerOpts::new()
            .context_lines(1)
            .terminal_links(false);
        if !io::stderr().is_terminal() {
            options = options.color(false).unicode(true).width(100);
        }
        options.build().debug(self.0, f)?;
        f.write_str("\n")
    }
}
