//! The vocabulary that a command works with: by name, or from a file.

use crate::args::VocabularyArgs;
use crate::error::{Error, Result};
use crate::input;
use maskwright_compiler::vocabulary::{self, EndSource, EndToken, ReadOptions, embedded};
use maskwright_runtime::sampling::GreedyTokenizer;
use maskwright_tables::vocabulary::TokenEntry;
use maskwright_tables::{TokenId, TokenKind, Vocabulary};
use std::path::Path;
use std::sync::Arc;
use tiktoken_rs::CoreBPE;

/// One token for each byte, and an end token: what a text is when no model is asked for.
pub const BYTES: &str = "bytes";

/// A vocabulary and where it came from.
#[derive(Debug)]
pub struct Chosen {
    /// The vocabulary.
    pub vocabulary: Arc<Vocabulary>,
    /// The format of the file; `None` for embedded ones.
    pub format: Option<String>,
    /// Where the end tokens come from.
    pub ends_from: Option<EndSource>,
}

/// Cuts texts into tokens: as the model's tokenizer does where it is known, else by longest match.
pub enum Tokenizer {
    /// Byte pair encoding, as published.
    Tiktoken(&'static CoreBPE),
    /// The longest token that fits, again and again.
    Greedy(Arc<Vocabulary>),
}

impl Tokenizer {
    /// The tokenizer of a vocabulary.
    pub fn new(chosen: &Chosen) -> Self {
        // The built-in vocabularies are known by name; a file may be called anything.
        match (chosen.vocabulary.name(), &chosen.format) {
            ("o200k_base", None) => Tokenizer::Tiktoken(tiktoken_rs::o200k_base_singleton()),
            ("cl100k_base", None) => Tokenizer::Tiktoken(tiktoken_rs::cl100k_base_singleton()),
            _ => Tokenizer::Greedy(Arc::clone(&chosen.vocabulary)),
        }
    }

    /// The tokens of a text, or the byte that no token spells.
    pub fn tokens(&self, text: &str) -> std::result::Result<Vec<TokenId>, String> {
        match self {
            Tokenizer::Tiktoken(bpe) => {
                Ok(bpe.encode_ordinary(text).into_iter().map(TokenId).collect())
            }
            Tokenizer::Greedy(vocabulary) => GreedyTokenizer::new(vocabulary)
                .tokens(text.as_bytes())
                .map_err(|e| e.to_string()),
        }
    }
}

/// The vocabulary that the arguments name, or else `default`.
pub fn choose(args: &VocabularyArgs, default: &str) -> Result<Chosen> {
    let name = args.vocab.as_deref().unwrap_or(default);
    let built_in = match name {
        BYTES => Some(Arc::new(bytes()?)),
        name => embedded::get(name),
    };
    if let Some(vocabulary) = built_in {
        return Ok(Chosen {
            vocabulary: adjust(vocabulary, args)?,
            format: None,
            ends_from: None,
        });
    }
    if name != "-" && !Path::new(name).exists() {
        let known: Vec<_> = embedded::names().chain([BYTES]).collect();
        return Err(Error::new(
            "unknown-vocabulary",
            format!("there is no vocabulary or file {name}"),
        )
        .with_help(format!(
            "the built-in vocabularies are {}",
            known.join(", ")
        )));
    }
    let options = ReadOptions {
        name: Path::new(name)
            .file_name()
            .map(|n| n.to_string_lossy().into_owned()),
        end_tokens: (!args.end_token.is_empty())
            .then(|| args.end_token.iter().map(|t| end_token(t)).collect()),
        generation_config: args
            .generation_config
            .as_deref()
            .map(input::read)
            .transpose()?,
        width: args.width,
        ..ReadOptions::default()
    };
    let loaded = vocabulary::read(&input::read(name)?, &options)
        .map_err(|e| Error::new("bad-vocabulary", format!("{}: {e}", input::name(name))))?;
    Ok(Chosen {
        vocabulary: Arc::new(loaded.vocabulary),
        format: Some(loaded.format.to_string()),
        ends_from: Some(loaded.ends_from),
    })
}

fn end_token(text: &str) -> EndToken {
    match text.parse() {
        Ok(id) => EndToken::Id(id),
        Err(_) => EndToken::Name(text.to_owned()),
    }
}

/// The vocabulary of single bytes.
pub fn bytes() -> Result<Vocabulary> {
    let text = (0..=u8::MAX).map(|b| TokenEntry {
        id: b.into(),
        bytes: vec![b],
        kind: TokenKind::Text,
    });
    let end = TokenEntry {
        id: 256,
        bytes: b"<end>".to_vec(),
        kind: TokenKind::Special,
    };
    Vocabulary::new(BYTES, text.chain([end]), &[256], None)
        .map_err(|e| Error::new("bad-vocabulary", e.to_string()))
}

/// A built-in vocabulary with other end tokens or another width.
fn adjust(vocabulary: Arc<Vocabulary>, args: &VocabularyArgs) -> Result<Arc<Vocabulary>> {
    if args.end_token.is_empty() && args.width.is_none() {
        return Ok(vocabulary);
    }
    let failed = |message: String| Error::new("bad-vocabulary", message);
    let ends = if args.end_token.is_empty() {
        vocabulary.end_tokens().iter().map(|t| t.0).collect()
    } else {
        let ids = args.end_token.iter().map(|text| match end_token(text) {
            EndToken::Id(id) => Ok(id),
            EndToken::Name(name) => (0..vocabulary.len() as u32)
                .find(|id| vocabulary.bytes(TokenId(*id)) == name.as_bytes())
                .ok_or_else(|| failed(format!("there is no token {name}"))),
        });
        ids.collect::<Result<Vec<u32>>>()?
    };
    let entries = (0..vocabulary.len() as u32).map(|id| TokenEntry {
        id,
        bytes: vocabulary.bytes(TokenId(id)).to_vec(),
        kind: vocabulary.kind(TokenId(id)),
    });
    Vocabulary::new(vocabulary.name(), entries, &ends, args.width)
        .map(Arc::new)
        .map_err(|e| failed(e.to_string()))
}

/// Finds a token by its id or, failing that, by its text.
pub fn find(vocabulary: &Vocabulary, text: &str) -> Result<Vec<TokenId>> {
    if let Ok(id) = text.parse::<u32>() {
        return Ok(vec![TokenId(id)]);
    }
    let ids = (0..vocabulary.len() as u32).map(TokenId);
    let found: Vec<_> = ids
        .filter(|t| {
            vocabulary.kind(*t) != TokenKind::Unused && vocabulary.bytes(*t) == text.as_bytes()
        })
        .collect();
    if found.is_empty() {
        return Err(
            Error::new("unknown-token", format!("no token spells {text:?}"))
                .with_help("give an id, or the whole text of one token"),
        );
    }
    Ok(found)
}
