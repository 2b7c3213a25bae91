//! Plain lists of tokens: lines of JSON, BERT's `vocab.txt`, and `vocab.json`.

use super::draft::{Draft, token_id};
use super::special::{is_control, is_placeholder, is_unknown};
use super::tokenizer_json::Pieces;
use super::{Encoding, Format, ReadError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maskwright_tables::TokenKind;
use serde::Deserialize;

/// One token of a list in lines of JSON: its id, exactly one of `text`, `bytes` and `base64` (none
/// for tokens without bytes), and optionally its kind and whether it ends the text.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: u64,
    text: Option<String>,
    bytes: Option<Vec<u8>>,
    base64: Option<String>,
    #[serde(default)]
    kind: Kind,
    #[serde(default)]
    end: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Text,
    Special,
    Unused,
}

pub(super) fn read_json_lines(bytes: &[u8]) -> Result<Draft, ReadError> {
    const FORMAT: Format = Format::JsonLines;
    let mut draft = Draft::new(FORMAT, Encoding::Raw);
    let mut ends = Vec::new();
    for (i, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        let wrong = |what: &str| ReadError::line(FORMAT, i + 1, what);
        let token: Line = serde_json::from_slice(line).map_err(|e| {
            ReadError::line(
                FORMAT,
                i + 1,
                e.to_string().replace(" at line 1 column", ", column"),
            )
        })?;
        let bytes = match (token.text, token.bytes, token.base64) {
            (Some(text), None, None) => text.into_bytes(),
            (None, Some(bytes), None) => bytes,
            (None, None, Some(text)) => STANDARD
                .decode(text)
                .map_err(|_| wrong("not valid base64"))?,
            (None, None, None) => Vec::new(),
            _ => return Err(wrong("more than one of text, bytes and base64")),
        };
        if token.end {
            ends.push(token_id(token.id)?);
        }
        let kind = match token.kind {
            Kind::Text => TokenKind::Text,
            Kind::Special => TokenKind::Special,
            Kind::Unused => TokenKind::Unused,
        };
        draft.push(token.id, bytes, kind)?;
    }
    draft.ends = (!ends.is_empty()).then_some(ends);
    Ok(draft)
}

/// Whether the first line is a token.
pub(super) fn looks_like_json_lines(bytes: &[u8]) -> bool {
    let line = bytes
        .split(|b| *b == b'\n')
        .map(<[u8]>::trim_ascii)
        .find(|l| !l.is_empty());
    line.is_some_and(|l| serde_json::from_slice::<Line>(l).is_ok())
}

/// One piece a line; its id is the number of its line, from 0.
pub(super) fn read_vocab_txt(
    bytes: &[u8],
    encoding: Option<&Encoding>,
) -> Result<Draft, ReadError> {
    let mut pieces = Vec::new();
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    for (i, line) in text.split(|b| *b == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let piece = std::str::from_utf8(line)
            .map_err(|_| ReadError::line(Format::VocabTxt, i + 1, "not UTF-8"))?;
        pieces.push((piece.to_owned(), i as u64));
    }
    named_pieces(Format::VocabTxt, pieces, encoding)
}

/// A map from pieces to ids.
pub(super) fn read_vocab_json(
    bytes: &[u8],
    encoding: Option<&Encoding>,
) -> Result<Draft, ReadError> {
    let pieces: Pieces =
        serde_json::from_slice(bytes).map_err(|e| ReadError::json(Format::VocabJson, &e))?;
    named_pieces(Format::VocabJson, pieces.list, encoding)
}

/// Pieces of a file that says nothing about them: encoding and special tokens go by their looks.
fn named_pieces(
    format: Format,
    pieces: Vec<(String, u64)>,
    encoding: Option<&Encoding>,
) -> Result<Draft, ReadError> {
    let found = || guess_encoding(pieces.iter().map(|(p, _)| p.as_str()));
    let mut draft = Draft::new(format, encoding.cloned().unwrap_or_else(found));
    draft.leading_space = matches!(
        draft.encoding,
        Encoding::Metaspace { .. } | Encoding::WordPiece { .. }
    );
    for (piece, id) in pieces {
        if is_unknown(&piece) || is_placeholder(&piece) {
            draft.push(id, piece.into_bytes(), TokenKind::Unused)?;
        } else if is_control(&piece) {
            draft.push(id, piece.into_bytes(), TokenKind::Special)?;
        } else if piece.is_empty() {
            draft.push(id, Vec::new(), TokenKind::Unused)?;
        } else {
            let bytes = draft.encoding.decode(&piece);
            draft.push(id, bytes, TokenKind::Text)?;
        }
    }
    Ok(draft)
}

/// The encoding whose mark most pieces carry.
fn guess_encoding<'a>(pieces: impl Iterator<Item = &'a str>) -> Encoding {
    let (mut words, mut byte_level, mut metaspace, mut fallback) = (0, 0, 0, 0);
    for piece in pieces {
        words += usize::from(piece.len() > 2 && piece.starts_with("##"));
        byte_level += usize::from(piece.starts_with('Ġ'));
        metaspace += usize::from(piece.starts_with('▁'));
        fallback += usize::from(super::pieces::fallback_byte(piece.as_bytes()).is_some());
    }
    match words.max(byte_level).max(metaspace) {
        0 => Encoding::Raw,
        n if n == words => Encoding::WordPiece {
            prefix: "##".to_owned(),
        },
        n if n == byte_level => Encoding::ByteLevel,
        _ => Encoding::Metaspace {
            byte_fallback: fallback == 256,
        },
    }
}

/// Whether the bytes are lines of text with one of BERT's special tokens among them.
pub(super) fn looks_like_vocab_txt(bytes: &[u8]) -> bool {
    const MARKS: [&[u8]; 3] = [b"[UNK]", b"[PAD]", b"[CLS]"];
    std::str::from_utf8(bytes).is_ok()
        && bytes
            .split(|b| *b == b'\n')
            .any(|l| MARKS.contains(&l.trim_ascii_end()))
}
