//! Vocabularies: the embedded ones, and readers of tokenizer files.
//!
//! A mask needs the bytes and the kind of each token, the end tokens and the width of the logits;
//! nothing here encodes text. [`read`] takes the bytes of a file, finds out which [`Format`] they
//! are in (or is told), and never panics, whatever the bytes.
//!
//! # Kinds of tokens
//!
//! Control tokens are [`Special`](maskwright_tables::TokenKind::Special): they have a name but
//! spell nothing, even if their name is also ordinary text. Tokens that were added to a model as
//! ordinary text are text. Holes, empty tokens, placeholders and the token for unknown text are
//! [`Unused`](maskwright_tables::TokenKind::Unused) and never allowed.
//!
//! # End tokens
//!
//! In this order: what the caller says, what a generation config says, what the file says, and
//! last all well-known names among special and added tokens. [`Loaded::ends_from`] tells which.
//!
//! # The space at the start of a text
//!
//! SentencePiece and its relatives put a space before a text and take it off again after decoding.
//! Here `▁` is always a space, because that is what it spells everywhere but at the start; whether
//! a first space may be dropped is known to whoever decodes, and
//! [`Vocabulary::leading_space`] says that the tokenizer works so. Word pieces likewise: one that
//! begins a word spells a space first. Their decoders also drop spaces before punctuation, which
//! is not modelled.

mod draft;
#[cfg(feature = "embedded")]
pub mod embedded;
mod error;
mod lists;
mod pieces;
mod sentencepiece;
mod special;
mod tekken;
mod tiktoken;
mod tokenizer_json;

#[cfg(test)]
mod real_files;
#[cfg(test)]
mod tests;

pub use error::{Place, ReadError};
pub use pieces::Encoding;

use maskwright_tables::{Artifact, Vocabulary, artifact};
use serde::de::{MapAccess, Visitor};
use serde_json::Value;
use std::fmt;
#[cfg(feature = "embedded")]
use std::sync::Arc;

/// A form in which vocabularies are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// Rank files of tiktoken. Special tokens are given in [`ReadOptions::special_tokens`].
    Tiktoken,
    /// Hugging Face `tokenizer.json`.
    TokenizerJson,
    /// Mistral's `tekken.json`.
    Tekken,
    /// A SentencePiece `.model`.
    SentencePiece,
    /// BERT's `vocab.txt`: one piece a line.
    VocabTxt,
    /// `vocab.json`: a map from pieces to ids.
    VocabJson,
    /// Lines such as `{"id": 7, "text": "a"}`: see `crates/compiler/src/vocabulary/lists.rs`.
    JsonLines,
    /// A vocabulary stored by [`Vocabulary::to_artifact`], or an artifact that holds one.
    Artifact,
    /// `generation_config.json`: holds no vocabulary, only end tokens. Named in errors.
    GenerationConfig,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Format::Tiktoken => "tiktoken",
            Format::TokenizerJson => "tokenizer.json",
            Format::Tekken => "tekken.json",
            Format::SentencePiece => "sentencepiece",
            Format::VocabTxt => "vocab.txt",
            Format::VocabJson => "vocab.json",
            Format::JsonLines => "json-lines",
            Format::Artifact => "artifact",
            Format::GenerationConfig => "generation_config.json",
        })
    }
}

/// An end token, by id or by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum EndToken {
    /// Its id.
    Id(u32),
    /// Its name, such as `<|im_end|>`.
    Name(String),
}

/// Where the end tokens of a vocabulary come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndSource {
    /// [`ReadOptions::end_tokens`].
    Caller,
    /// [`ReadOptions::generation_config`].
    Config,
    /// The file itself.
    File,
    /// Well-known names.
    Guess,
    /// There are none: no text can end. Give them in [`ReadOptions::end_tokens`].
    None,
}

/// How to read a vocabulary. [`Default`] is right for most files.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// The name of the vocabulary; the format's name if there is none.
    pub name: Option<String>,
    /// The format, instead of what the contents look like.
    pub format: Option<Format>,
    /// How pieces spell bytes, instead of what the file says. Formats that hold bytes (tiktoken,
    /// tekken, lines of JSON, artifacts) have no use for it.
    pub encoding: Option<Encoding>,
    /// Special tokens, by name and id, that are not in the file. They replace the file's own.
    pub special_tokens: Vec<(String, u32)>,
    /// The end tokens, instead of what config or file say. An empty list means none.
    pub end_tokens: Option<Vec<EndToken>>,
    /// The contents of a `generation_config.json` (or of another config with `eos_token_id` or
    /// `eos_token`).
    pub generation_config: Option<Vec<u8>>,
    /// The number of logits that the model returns, if it is not one for each id.
    pub width: Option<usize>,
    /// The largest file to read; 256 MiB unless told.
    pub max_bytes: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        ReadOptions {
            name: None,
            format: None,
            encoding: None,
            special_tokens: Vec::new(),
            end_tokens: None,
            generation_config: None,
            width: None,
            max_bytes: 256 << 20,
        }
    }
}

/// A vocabulary that was read, and what was found out on the way.
#[derive(Debug)]
pub struct Loaded {
    /// The vocabulary. Its `leading_space()` says whether the tokenizer puts a space before texts.
    pub vocabulary: Vocabulary,
    /// The format that was read.
    pub format: Format,
    /// How its pieces spelled bytes.
    pub encoding: Encoding,
    /// Where its end tokens come from.
    pub ends_from: EndSource,
}

/// Reads a vocabulary from the bytes of a file.
///
/// A [`Format::Artifact`] is taken as it is, name included: options that would change its tokens, end
/// tokens or width are an error.
///
/// # Errors
/// Never panics: any bytes give a vocabulary or the first thing that is wrong with them.
pub fn read(bytes: &[u8], options: &ReadOptions) -> Result<Loaded, ReadError> {
    if bytes.len() > options.max_bytes {
        return Err(ReadError::TooLarge {
            given: bytes.len(),
            limit: options.max_bytes,
        });
    }
    let format = match options.format {
        Some(format) => format,
        None => detect(bytes).ok_or_else(|| unknown_format(bytes))?,
    };
    let encoding = options.encoding.as_ref();
    // Editors put a byte order mark before text.
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let draft = match format {
        Format::Tiktoken => tiktoken::read(text)?,
        Format::TokenizerJson => tokenizer_json::read(text, encoding)?,
        Format::Tekken => tekken::read(text)?,
        Format::SentencePiece => sentencepiece::read(bytes, encoding)?,
        Format::VocabTxt => lists::read_vocab_txt(text, encoding)?,
        Format::VocabJson => lists::read_vocab_json(text, encoding)?,
        Format::JsonLines => lists::read_json_lines(text)?,
        Format::Artifact => return read_artifact(bytes, options),
        Format::GenerationConfig => {
            return Err(ReadError::Unsupported {
                what: "a generation config".to_owned(),
                help: "it holds no vocabulary, give it beside one",
            });
        }
    };
    draft.finish(options)
}

fn read_artifact(bytes: &[u8], options: &ReadOptions) -> Result<Loaded, ReadError> {
    let changes = options.end_tokens.is_some()
        || options.generation_config.is_some()
        || options.width.is_some()
        || !options.special_tokens.is_empty();
    if changes {
        return Err(ReadError::Unsupported {
            what: "a stored vocabulary with other tokens, end tokens or width".to_owned(),
            help: "read the file that it was made from with these options, and store that",
        });
    }
    let vocabulary = Vocabulary::from_artifact(&Artifact::open(bytes)?)?;
    let none = vocabulary.end_tokens().is_empty();
    Ok(Loaded {
        vocabulary,
        format: Format::Artifact,
        encoding: Encoding::Raw,
        ends_from: if none {
            EndSource::None
        } else {
            EndSource::File
        },
    })
}

/// The format that the contents look like.
pub fn detect(bytes: &[u8]) -> Option<Format> {
    if bytes.starts_with(&artifact::MAGIC) {
        return Some(Format::Artifact);
    }
    if sentencepiece::looks_like(bytes) {
        return Some(Format::SentencePiece);
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if text.trim_ascii_start().starts_with(b"{") {
        return detect_json(text);
    }
    if tiktoken::looks_like(text) {
        return Some(Format::Tiktoken);
    }
    lists::looks_like_vocab_txt(text).then_some(Format::VocabTxt)
}

/// Tells JSON files apart by their first entry, without reading the rest.
fn detect_json(text: &[u8]) -> Option<Format> {
    struct First<'a>(&'a mut Option<Format>);

    impl<'de> Visitor<'de> for First<'_> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            let Some(key) = map.next_key::<String>()? else {
                *self.0 = Some(Format::VocabJson);
                return Ok(());
            };
            match key.as_str() {
                "config" => *self.0 = Some(Format::Tekken),
                "model" | "added_tokens" => *self.0 = Some(Format::TokenizerJson),
                _ => {
                    // Ids are numbers; whatever else begins a file is not a list of pieces.
                    let number = matches!(map.next_value()?, Value::Number(_));
                    let format = if number {
                        Format::VocabJson
                    } else {
                        Format::TokenizerJson
                    };
                    *self.0 = Some(format);
                }
            }
            Ok(())
        }
    }

    if lists::looks_like_json_lines(text) {
        return Some(Format::JsonLines);
    }
    let mut format = None;
    // The error says that the rest was not read, or will come again when the file is read.
    let _ = serde::Deserializer::deserialize_map(
        &mut serde_json::Deserializer::from_slice(text),
        First(&mut format),
    );
    format
}

fn unknown_format(bytes: &[u8]) -> ReadError {
    match bytes {
        [b'G', b'G', b'U', b'F', ..] => ReadError::Unsupported {
            what: "a GGUF file".to_owned(),
            help: "give the tokenizer.json or .model that it was made from",
        },
        _ => ReadError::UnknownFormat,
    }
}

/// Constructors of [`Vocabulary`] that need data or formats of this crate.
pub trait VocabularyExt {
    /// The vocabulary `o200k_base`: 199,998 text tokens. Unpacked on first use, then shared.
    #[cfg(feature = "embedded")]
    fn o200k_base() -> Arc<Vocabulary>;

    /// The vocabulary `cl100k_base`: 100,256 text tokens. Unpacked on first use, then shared.
    #[cfg(feature = "embedded")]
    fn cl100k_base() -> Arc<Vocabulary>;

    /// Reads a vocabulary from the bytes of a file in any known format: [`read`].
    ///
    /// # Errors
    /// As [`read`].
    fn from_file_bytes(bytes: &[u8], options: &ReadOptions) -> Result<Loaded, ReadError>;
}

impl VocabularyExt for Vocabulary {
    #[cfg(feature = "embedded")]
    fn o200k_base() -> Arc<Vocabulary> {
        embedded::o200k_base()
    }

    #[cfg(feature = "embedded")]
    fn cl100k_base() -> Arc<Vocabulary> {
        embedded::cl100k_base()
    }

    fn from_file_bytes(bytes: &[u8], options: &ReadOptions) -> Result<Loaded, ReadError> {
        read(bytes, options)
    }
}
