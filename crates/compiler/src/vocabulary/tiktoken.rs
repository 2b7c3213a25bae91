//! Rank files of tiktoken: one token a line, its bytes in base64, a space, and its rank, which is
//! its id. Special tokens are not in the file; the caller lists them.

use super::draft::Draft;
use super::{Encoding, Format, ReadError};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maskwright_tables::TokenKind;

pub(super) fn read(bytes: &[u8]) -> Result<Draft, ReadError> {
    let mut draft = Draft::new(Format::Tiktoken, Encoding::Raw);
    for (i, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = line.trim_ascii_end();
        if line.is_empty() {
            continue;
        }
        let wrong = |what| ReadError::line(Format::Tiktoken, i + 1, what);
        let (token, rank) =
            split(line).ok_or_else(|| wrong("not a token in base64, a space and a rank"))?;
        let token = STANDARD
            .decode(token)
            .map_err(|_| wrong("the token is not valid base64"))?;
        let rank = std::str::from_utf8(rank).ok().and_then(|r| r.parse().ok());
        let rank: u64 = rank.ok_or_else(|| wrong("the rank is not a number"))?;
        draft.push(rank, token, TokenKind::Text)?;
    }
    Ok(draft)
}

fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = line.iter().position(|b| *b == b' ')?;
    Some((&line[..space], line[space + 1..].trim_ascii_start()))
}

/// Whether the first line looks like a token and its rank.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let line = bytes
        .split(|b| *b == b'\n')
        .map(<[u8]>::trim_ascii_end)
        .find(|l| !l.is_empty());
    line.and_then(split).is_some_and(|(token, rank)| {
        let digits = !rank.is_empty() && rank.iter().all(u8::is_ascii_digit);
        digits && token.len() % 4 == 0 && STANDARD.decode(token).is_ok()
    })
}
