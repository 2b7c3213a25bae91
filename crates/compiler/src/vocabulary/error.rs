//! Why a tokenizer file could not be read.

use super::Format;
use maskwright_tables::{ArtifactError, VocabularyError};
use std::fmt;

/// Why a tokenizer file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// The file is larger than [`super::ReadOptions::max_bytes`].
    TooLarge {
        /// The size of the file.
        given: usize,
        /// The limit.
        limit: usize,
    },
    /// The contents look like none of the formats.
    UnknownFormat,
    /// The format, or a part of it, cannot be read.
    Unsupported {
        /// What it is.
        what: String,
        /// What to do instead.
        help: &'static str,
    },
    /// The contents break the rules of the format.
    Syntax {
        /// The format that was read.
        format: Format,
        /// Where: a line, an offset or a piece.
        place: Place,
        /// What is wrong there.
        what: String,
    },
    /// An end token, asked for by name, that the vocabulary does not have.
    UnknownEndToken {
        /// The name.
        name: String,
    },
    /// None of the end tokens has a logit, so no text could ever end.
    EndTokensBeyondWidth {
        /// The number of logits.
        width: usize,
    },
    /// The tokens do not make a vocabulary.
    Vocabulary(VocabularyError),
    /// The stored vocabulary cannot be opened.
    Artifact(ArtifactError),
}

/// A place in a tokenizer file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A line of text, from 1, and a column, from 1 (0 for the whole line).
    Line(usize, usize),
    /// A byte offset.
    Offset(usize),
    /// The piece or token with this number.
    Piece(usize),
    /// The file as a whole.
    File,
}

impl ReadError {
    /// The error of a JSON reader. Its message ends with the position, which has its own field.
    pub(super) fn json(format: Format, error: &serde_json::Error) -> Self {
        let text = error.to_string();
        let what = text
            .split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned();
        ReadError::Syntax {
            format,
            place: Place::Line(error.line(), error.column()),
            what,
        }
    }

    /// The error at line `line` (from 1) of a file of lines.
    pub(super) fn line(format: Format, line: usize, what: impl Into<String>) -> Self {
        ReadError::Syntax {
            format,
            place: Place::Line(line, 0),
            what: what.into(),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Line(line, 0) => write!(f, "line {line}"),
            Place::Line(line, column) => write!(f, "line {line}, column {column}"),
            Place::Offset(offset) => write!(f, "byte {offset}"),
            Place::Piece(piece) => write!(f, "piece {piece}"),
            Place::File => f.write_str("the file"),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge { given, limit } => {
                write!(
                    f,
                    "the vocabulary file has {given} bytes, the limit is {limit}"
                )
            }
            Self::UnknownFormat => f.write_str(
                "not a known vocabulary format (tokenizer.json, tiktoken ranks, SentencePiece \
                 model, vocab.txt, vocab.json, lines of JSON, stored vocabulary): name the format",
            ),
            Self::Unsupported { what, help } => write!(f, "{what} cannot be read: {help}"),
            Self::Syntax {
                format,
                place,
                what,
            } => write!(f, "{format}: {place}: {what}"),
            Self::UnknownEndToken { name } => {
                write!(
                    f,
                    "the vocabulary has no end token {name:?}: give its id instead"
                )
            }
            Self::EndTokensBeyondWidth { width } => write!(
                f,
                "no end token is among the {width} logits: give another width or end token"
            ),
            Self::Vocabulary(e) => e.fmt(f),
            Self::Artifact(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for ReadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Vocabulary(e) => Some(e),
            Self::Artifact(e) => Some(e),
            _ => None,
        }
    }
}

impl From<VocabularyError> for ReadError {
    fn from(e: VocabularyError) -> Self {
        ReadError::Vocabulary(e)
    }
}

impl From<ArtifactError> for ReadError {
    fn from(e: ArtifactError) -> Self {
        ReadError::Artifact(e)
    }
}
