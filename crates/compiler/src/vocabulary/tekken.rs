//! Mistral's `tekken.json`: tokens in base64 by rank; special tokens come first in the id space.

use super::draft::Draft;
use super::{Encoding, Format, Place, ReadError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maskwright_tables::TokenKind;
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    config: Config,
    vocab: Vec<Token>,
    #[serde(default)]
    special_tokens: Option<Vec<Special>>,
}

#[derive(Deserialize)]
struct Config {
    /// Ids in all, special ones included; tokens beyond are not used.
    default_vocab_size: u64,
    /// The ids that special tokens take; ranks are counted from there.
    default_num_special_tokens: u64,
}

#[derive(Deserialize)]
struct Token {
    rank: u64,
    token_bytes: String,
}

#[derive(Deserialize)]
struct Special {
    rank: u64,
    token_str: String,
}

/// The special tokens of files that do not list any, in order of their ids.
const DEFAULT_SPECIAL: [&str; 20] = [
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
];

pub(super) fn read(bytes: &[u8]) -> Result<Draft, ReadError> {
    let file: File =
        serde_json::from_slice(bytes).map_err(|e| ReadError::json(Format::Tekken, &e))?;
    let mut draft = Draft::new(Format::Tekken, Encoding::Raw);
    let special_len = file.config.default_num_special_tokens;
    let special: Vec<(u64, String)> = match file.special_tokens {
        Some(list) => list.into_iter().map(|t| (t.rank, t.token_str)).collect(),
        None => (0..).zip(DEFAULT_SPECIAL.map(str::to_owned)).collect(),
    };
    for (id, name) in special.into_iter().filter(|(id, _)| *id < special_len) {
        if name == "<unk>" {
            draft.unknown = Some(super::draft::token_id(id)?);
        }
        draft.push(id, name.into_bytes(), TokenKind::Special)?;
    }
    let text_len = file.config.default_vocab_size.saturating_sub(special_len);
    for (i, token) in file
        .vocab
        .into_iter()
        .enumerate()
        .filter(|(_, t)| t.rank < text_len)
    {
        let bytes = STANDARD
            .decode(token.token_bytes)
            .map_err(|_| ReadError::Syntax {
                format: Format::Tekken,
                place: Place::Piece(i),
                what: "the token is not valid base64".to_owned(),
            })?;
        draft.push(
            special_len.saturating_add(token.rank),
            bytes,
            TokenKind::Text,
        )?;
    }
    Ok(draft)
}
