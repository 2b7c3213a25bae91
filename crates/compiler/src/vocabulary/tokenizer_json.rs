//! Hugging Face `tokenizer.json`: BPE (byte-level, or Metaspace with byte fallback), Unigram and
//! WordPiece, with added tokens.
//!
//! Only the pieces, the added tokens and the components that say how pieces spell bytes are read.
//! Merges are skipped in whichever form they come: a mask does not encode.

use super::draft::{Draft, token_id};
use super::{Encoding, Format, ReadError};
use maskwright_tables::TokenKind;
use maskwright_tables::vocabulary::TokenEntry;
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use std::fmt;

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    added_tokens: Vec<Added>,
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    decoder: Value,
    model: Model,
}

#[derive(Deserialize)]
struct Added {
    id: u64,
    content: String,
    #[serde(default)]
    special: bool,
}

#[derive(Deserialize)]
struct Model {
    /// Missing in old files.
    #[serde(default, rename = "type")]
    kind: Option<String>,
    vocab: Pieces,
    #[serde(default)]
    merges: Option<IgnoredAny>,
    #[serde(default)]
    unk_token: Option<String>,
    #[serde(default)]
    unk_id: Option<u64>,
    #[serde(default)]
    byte_fallback: Option<bool>,
    #[serde(default)]
    continuing_subword_prefix: Option<String>,
    #[serde(default)]
    end_of_word_suffix: Option<String>,
}

/// Pieces with their ids, from a map of ids by piece or from a list of pieces with scores.
pub(super) struct Pieces {
    pub list: Vec<(String, u64)>,
    /// Whether they came as a list with scores.
    pub scored: bool,
}

impl<'de> Deserialize<'de> for Pieces {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PiecesVisitor;

        impl<'de> Visitor<'de> for PiecesVisitor {
            type Value = Pieces;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map from pieces to ids or a list of pieces with scores")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pieces, A::Error> {
                let mut list = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    list.push(entry);
                }
                Ok(Pieces {
                    list,
                    scored: false,
                })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Pieces, A::Error> {
                let mut list = Vec::new();
                while let Some((piece, _)) = seq.next_element::<(String, IgnoredAny)>()? {
                    list.push((piece, list.len() as u64));
                }
                Ok(Pieces { list, scored: true })
            }
        }

        deserializer.deserialize_any(PiecesVisitor)
    }
}

pub(super) fn read(bytes: &[u8], encoding: Option<&Encoding>) -> Result<Draft, ReadError> {
    let file: File =
        serde_json::from_slice(bytes).map_err(|e| ReadError::json(Format::TokenizerJson, &e))?;
    let parts = Parts::of(&file);
    let encoding = match encoding {
        Some(encoding) => encoding.clone(),
        None => detect_encoding(&file.model, &parts)?,
    };
    let mut draft = Draft::new(Format::TokenizerJson, encoding);
    draft.leading_space = match &draft.encoding {
        Encoding::Metaspace { .. } => parts.adds_prefix_space,
        Encoding::WordPiece { .. } => true,
        _ => false,
    };
    let unknown = file.model.unk_token.as_deref();
    draft.unknown = file.model.unk_id.map(token_id).transpose()?;
    // A token that was added replaces the model's own piece at its id.
    let mut added: FxHashMap<u32, TokenEntry> = FxHashMap::default();
    for token in file.added_tokens {
        let id = token_id(token.id)?;
        if unknown == Some(token.content.as_str()) {
            draft.unknown = Some(id);
        }
        let (bytes, kind) = if token.special {
            (token.content.into_bytes(), TokenKind::Special)
        } else {
            (draft.encoding.decode_added(&token.content), TokenKind::Text)
        };
        added.insert(id, TokenEntry { id, bytes, kind });
    }
    draft
        .tokens
        .reserve(file.model.vocab.list.len() + added.len());
    for (piece, id) in file.model.vocab.list {
        let id = token_id(id)?;
        if added.contains_key(&id) {
            continue;
        }
        if unknown == Some(piece.as_str()) {
            draft.unknown = Some(id);
        }
        let bytes = draft.encoding.decode(&piece);
        draft.tokens.push(TokenEntry {
            id,
            bytes,
            kind: TokenKind::Text,
        });
    }
    draft.added = added.keys().copied().collect();
    draft.added.sort_unstable();
    draft.tokens.extend(added.into_values());
    Ok(draft)
}

/// What normalizer, pre-tokenizer and decoder say about the pieces.
#[derive(Default)]
struct Parts {
    byte_level: bool,
    metaspace: bool,
    byte_fallback: bool,
    adds_prefix_space: bool,
    word_piece_prefix: Option<String>,
    word_suffix: Option<String>,
}

impl Parts {
    fn of(file: &File) -> Self {
        let mut parts = Parts::default();
        // Sequences nest; the JSON reader bounds how deeply, and this list needs no recursion.
        let mut open = vec![&file.normalizer, &file.pre_tokenizer, &file.decoder];
        while let Some(part) = open.pop() {
            for list in ["normalizers", "pretokenizers", "decoders"] {
                open.extend(part[list].as_array().into_iter().flatten());
            }
            match part["type"].as_str().unwrap_or_default() {
                "ByteLevel" => parts.byte_level = true,
                "ByteFallback" => parts.byte_fallback = true,
                "Metaspace" => {
                    parts.metaspace = true;
                    let never = part["prepend_scheme"] == "never"
                        || (part["prepend_scheme"].is_null() && part["add_prefix_space"] == false);
                    parts.adds_prefix_space |= !never;
                }
                "Prepend" if part["prepend"] == "▁" => parts.adds_prefix_space = true,
                "Replace" if part["content"] == "▁" || part["pattern"]["String"] == "▁" => {
                    parts.metaspace = true;
                }
                "WordPiece" => {
                    parts.word_piece_prefix = part["prefix"].as_str().map(str::to_owned);
                }
                "BPEDecoder" => parts.word_suffix = part["suffix"].as_str().map(str::to_owned),
                _ => {}
            }
        }
        parts
    }
}

fn detect_encoding(model: &Model, parts: &Parts) -> Result<Encoding, ReadError> {
    let prefix = model
        .continuing_subword_prefix
        .as_deref()
        .filter(|p| !p.is_empty());
    let suffix = model
        .end_of_word_suffix
        .as_deref()
        .filter(|s| !s.is_empty());
    let kind = match model.kind.as_deref() {
        Some(kind) => kind,
        None if model.vocab.scored => "Unigram",
        None if model.merges.is_some() => "BPE",
        None if prefix.is_some() => "WordPiece",
        None => "BPE",
    };
    let metaspace = Encoding::Metaspace {
        byte_fallback: parts.byte_fallback || model.byte_fallback == Some(true),
    };
    match kind {
        "WordPiece" => {
            let prefix = prefix
                .or(parts.word_piece_prefix.as_deref())
                .unwrap_or("##");
            Ok(Encoding::WordPiece {
                prefix: prefix.to_owned(),
            })
        }
        "BPE" if prefix.is_some() => Err(ReadError::Unsupported {
            what: "a BPE model with continuing_subword_prefix".to_owned(),
            help: "name the encoding, or give lines of JSON with each token's bytes",
        }),
        "BPE" if parts.byte_level && suffix.is_some() => Err(ReadError::Unsupported {
            what: "a byte-level BPE model with end_of_word_suffix".to_owned(),
            help: "name the encoding, or give lines of JSON with each token's bytes",
        }),
        "BPE" | "Unigram" => Ok(if parts.byte_level {
            Encoding::ByteLevel
        } else if parts.metaspace || model.byte_fallback == Some(true) {
            metaspace
        } else if let Some(suffix) = suffix.or(parts.word_suffix.as_deref()) {
            Encoding::WordSuffix {
                suffix: suffix.to_owned(),
            }
        } else if kind == "Unigram" {
            metaspace
        } else {
            Encoding::Raw
        }),
        other => Err(ReadError::Unsupported {
            what: format!("a tokenizer.json with a model of type {other:?}"),
            help: "give lines of JSON with each token's bytes",
        }),
    }
}
