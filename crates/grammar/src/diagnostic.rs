//! What a front end has to say about its input: errors, warnings and notes with a place.

use maskwright_tables::{LimitError, heap};
use std::fmt;
use std::ops::Range;

/// Where in the input something is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The JSON pointer of a schema node, such as `/properties/a/minimum`.
    pub pointer: Option<String>,
    /// The byte range in the source text.
    pub span: Option<Range<usize>>,
}

impl Place {
    /// Bytes held on the heap, about.
    pub fn heap_bytes(&self) -> usize {
        self.pointer
            .as_ref()
            .map_or(0, |p| heap::allocation(p.len()))
    }

    /// A place given by a byte range.
    pub fn span(span: Range<usize>) -> Self {
        Place {
            pointer: None,
            span: Some(span),
        }
    }

    /// A place given by a JSON pointer.
    pub fn pointer(pointer: impl Into<String>) -> Self {
        Place {
            pointer: Some(pointer.into()),
            span: None,
        }
    }
}

/// One thing to say about the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// A stable name in kebab case, such as `unsupported-keyword`.
    pub code: &'static str,
    /// One lower-case line without a full stop.
    pub message: String,
    /// Where.
    pub place: Place,
    /// What to do about it.
    pub help: Option<String>,
    /// Set when a limit was crossed. Boxed to keep results small.
    pub limit: Option<Box<LimitError>>,
}

impl Diagnostic {
    /// Bytes held, about.
    pub fn heap_bytes(&self) -> usize {
        let help = self.help.as_ref().map_or(0, String::len);
        let limit = usize::from(self.limit.is_some()) * heap::list::<LimitError>(1);
        let texts = heap::allocation(self.message.len()) + heap::allocation(help);
        size_of::<Self>() + texts + self.place.heap_bytes() + limit
    }

    /// A diagnostic without help.
    pub fn new(code: &'static str, message: impl Into<String>, place: Place) -> Self {
        Diagnostic {
            code,
            message: message.into(),
            place,
            help: None,
            limit: None,
        }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The diagnostic of a crossed limit (code `limit-exceeded`).
    pub fn limit(error: LimitError, place: Place) -> Self {
        Diagnostic {
            code: if error.is_cancelled() {
                "cancelled"
            } else {
                "limit-exceeded"
            },
            message: error.to_string(),
            place,
            help: None,
            limit: Some(Box::new(error)),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        if let Some(p) = &self.place.pointer {
            write!(f, " at {}", if p.is_empty() { "the root" } else { p })?;
        }
        if let Some(s) = &self.place.span {
            write!(f, " at bytes {}..{}", s.start, s.end)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// One or more errors; never empty when returned as an `Err`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl From<Diagnostic> for Diagnostics {
    fn from(d: Diagnostic) -> Self {
        Diagnostics(vec![d])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, d) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            d.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
