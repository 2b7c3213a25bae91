//! What every reader produces, and the rules that turn it into a vocabulary.

use super::special::guess_ends;
use super::{Encoding, EndSource, EndToken, Format, Loaded, ReadError, ReadOptions};
use maskwright_tables::vocabulary::TokenEntry;
use maskwright_tables::{TokenKind, Vocabulary, VocabularyError};
use serde_json::Value;

/// The tokens of a file, with what it says about them.
#[derive(Debug)]
pub(super) struct Draft {
    pub format: Format,
    pub encoding: Encoding,
    pub leading_space: bool,
    /// In any order, each id once.
    pub tokens: Vec<TokenEntry>,
    /// The tokens that were added to the model's own, sorted: end tokens are guessed among these
    /// and the special ones.
    pub added: Vec<u32>,
    /// The end tokens that the file names.
    pub ends: Option<Vec<u32>>,
    /// The token for text that the vocabulary lacks.
    pub unknown: Option<u32>,
}

impl Draft {
    pub fn new(format: Format, encoding: Encoding) -> Self {
        Draft {
            format,
            encoding,
            leading_space: false,
            tokens: Vec::new(),
            added: Vec::new(),
            ends: None,
            unknown: None,
        }
    }

    /// Adds a token. Ids that no vocabulary can have are refused at once.
    pub fn push(&mut self, id: u64, bytes: Vec<u8>, kind: TokenKind) -> Result<(), ReadError> {
        let id = token_id(id)?;
        self.tokens.push(TokenEntry { id, bytes, kind });
        Ok(())
    }

    /// Applies the caller's options: special tokens, end tokens, name and width.
    pub fn finish(mut self, options: &ReadOptions) -> Result<Loaded, ReadError> {
        self.add_special(options)?;
        self.tokens.sort_by_key(|t| t.id);
        let (ends, ends_from) = self.end_tokens(options)?;
        if let Some(unknown) = self.unknown.filter(|u| !ends.contains(u))
            && let Ok(i) = self.tokens.binary_search_by_key(&unknown, |t| t.id)
        {
            self.tokens[i].kind = TokenKind::Unused;
        }
        if let Some(width) = options.width
            && !ends.is_empty()
            && ends.iter().all(|e| *e as usize >= width)
        {
            return Err(ReadError::EndTokensBeyondWidth { width });
        }
        let name = options
            .name
            .clone()
            .unwrap_or_else(|| self.format.to_string());
        let vocabulary = Vocabulary::new(name, self.tokens, &ends, options.width)?
            .with_leading_space(self.leading_space);
        Ok(Loaded {
            vocabulary,
            format: self.format,
            encoding: self.encoding,
            ends_from,
        })
    }

    /// The caller's special tokens replace whatever the file has at their ids.
    fn add_special(&mut self, options: &ReadOptions) -> Result<(), ReadError> {
        let mut ids: Vec<u32> = options.special_tokens.iter().map(|(_, id)| *id).collect();
        ids.sort_unstable();
        if !ids.is_empty() {
            self.tokens.retain(|t| ids.binary_search(&t.id).is_err());
        }
        for (name, id) in &options.special_tokens {
            self.push((*id).into(), name.as_bytes().to_vec(), TokenKind::Special)?;
        }
        Ok(())
    }

    fn end_tokens(&self, options: &ReadOptions) -> Result<(Vec<u32>, EndSource), ReadError> {
        if let Some(ends) = &options.end_tokens {
            let ids = ends
                .iter()
                .map(|e| self.resolve(e))
                .collect::<Result<_, _>>()?;
            return Ok((ids, EndSource::Caller));
        }
        if let Some(config) = &options.generation_config {
            let ends = config_ends(config)?;
            if !ends.is_empty() {
                let ids = ends
                    .iter()
                    .map(|e| self.resolve(e))
                    .collect::<Result<_, _>>()?;
                return Ok((ids, EndSource::Config));
            }
        }
        if let Some(ends) = &self.ends {
            return Ok((ends.clone(), EndSource::File));
        }
        let named = self
            .tokens
            .iter()
            .filter(|t| t.kind == TokenKind::Special || self.added.binary_search(&t.id).is_ok());
        let ends = guess_ends(named.map(|t| (t.id, t.bytes.as_slice())));
        let source = if ends.is_empty() {
            EndSource::None
        } else {
            EndSource::Guess
        };
        Ok((ends, source))
    }

    /// The id of an end token; a special or added token wins over ordinary text of that name.
    fn resolve(&self, end: &EndToken) -> Result<u32, ReadError> {
        let name = match end {
            EndToken::Id(id) => return Ok(*id),
            EndToken::Name(name) => name,
        };
        let mut same = self.tokens.iter().filter(|t| t.bytes == name.as_bytes());
        let special = same
            .clone()
            .find(|t| t.kind == TokenKind::Special || self.added.binary_search(&t.id).is_ok());
        let found = special.or_else(|| same.next()).map(|t| t.id);
        found.ok_or_else(|| ReadError::UnknownEndToken { name: name.clone() })
    }
}

/// An id that fits a vocabulary.
pub(super) fn token_id(id: u64) -> Result<u32, VocabularyError> {
    let small = u32::try_from(id)
        .ok()
        .filter(|i| (*i as usize) < Vocabulary::MAX_LEN);
    small.ok_or(VocabularyError::IdTooLarge(id))
}

/// The end tokens that a `generation_config.json`, `config.json` or `tokenizer_config.json` names:
/// `eos_token_id`, a number or a list, or `eos_token`, a name or an object with its `content`.
fn config_ends(config: &[u8]) -> Result<Vec<EndToken>, ReadError> {
    let config: Value = serde_json::from_slice(config)
        .map_err(|e| ReadError::json(Format::GenerationConfig, &e))?;
    let id = |value: &Value| -> Result<EndToken, ReadError> {
        let id = value.as_u64().ok_or_else(|| ReadError::Syntax {
            format: Format::GenerationConfig,
            place: super::Place::File,
            what: format!("eos_token_id {value} is no token id"),
        })?;
        Ok(EndToken::Id(token_id(id)?))
    };
    match (&config["eos_token_id"], &config["eos_token"]) {
        (Value::Array(ids), _) => ids.iter().map(id).collect(),
        (Value::Null, Value::String(name)) => Ok(vec![EndToken::Name(name.clone())]),
        (Value::Null, Value::Object(token)) => match token.get("content") {
            Some(Value::String(name)) => Ok(vec![EndToken::Name(name.clone())]),
            _ => Ok(Vec::new()),
        },
        (Value::Null, _) => Ok(Vec::new()),
        (one, _) => Ok(vec![id(one)?]),
    }
}
