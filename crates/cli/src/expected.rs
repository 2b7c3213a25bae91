//! [`Expected`]: what may come next, for people.
//!
//! A matcher knows tokens and bytes; a person wants `"due"` or `}`. So the bytes that may come next
//! are followed while there are few of them: up to the end of the lexeme, or to a length at which
//! the point is clear.

use crate::error::Result;
use crate::source::Opened;
use crate::text::escape;
use maskwright_runtime::{MatchError, MatchErrorKind, Matcher};
use maskwright_tables::TokenId;
use serde_json::{Value, json};

/// How many texts are spelled out at most.
const MAX_TEXTS: usize = 10;
/// How many bytes a text has at most.
const MAX_LEN: usize = 32;

/// A way on.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Way {
    /// Its first bytes.
    pub bytes: Vec<u8>,
    /// Whether the lexeme goes on after them, in more than one way.
    pub open: bool,
}

/// What may come next at some place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Whether the text may end here.
    pub end: bool,
    /// The bytes that may come next, as inclusive ranges.
    pub bytes: Vec<(u8, u8)>,
    /// How the text may go on, spelled out as far as it is worth; empty where too much may come.
    pub texts: Vec<Way>,
    /// Whether white space may come next and is left out of `texts`.
    pub white_space: bool,
    /// The first tokens that may come next, where the grammar names tokens and not texts.
    pub tokens: Option<Vec<TokenId>>,
    /// What the text is inside of, the machine's own words for it.
    pub inside: Vec<String>,
}

impl Expected {
    /// What may come next for `matcher`.
    pub fn at(matcher: &Matcher, opened: &Opened) -> Result<Self> {
        let allowed = allowed_bytes(matcher)?;
        let mut inside = Vec::new();
        for symbol in matcher.readings().filter_map(|r| r.top) {
            if let Some(name) = opened.describe(symbol)
                && !inside.contains(&name)
                && inside.len() < 3
            {
                inside.push(name);
            }
        }
        Ok(Expected {
            end: matcher.is_accepting()?,
            bytes: ranges(&allowed),
            texts: spell(matcher)?,
            white_space: allowed.iter().any(|b| is_white(*b)),
            tokens: opened
                .machine
                .reads_tokens()
                .then(|| first_tokens(matcher))
                .transpose()?,
            inside,
        })
    }

    /// One line: `"due", "currency" or white space`.
    pub fn sentence(&self) -> String {
        let show = |w: &Way| format!("`{}{}`", escape(&w.bytes), if w.open { "…" } else { "" });
        let mut parts: Vec<String> = self.texts.iter().map(show).collect();
        if parts.is_empty() {
            let shown = self.bytes.iter().copied();
            let mut shown: Vec<_> = shown.filter(|(a, b)| a != b || !is_white(*a)).collect();
            // As above.
            if shown.len() > 1 {
                shown.retain(|range| *range != (b'\\', b'\\'));
            }
            parts = describe_ranges(&shown);
        }
        for token in self.tokens.iter().flatten() {
            parts.push(format!("token {}", token.0));
        }
        if self.white_space {
            parts.push("white space".to_owned());
        }
        if self.end {
            parts.push("the end".to_owned());
        }
        match parts.split_last() {
            None => "nothing".to_owned(),
            Some((last, [])) => last.clone(),
            Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        }
    }

    /// The stable JSON form.
    pub fn to_json(&self) -> Value {
        json!({
            "end": self.end,
            "bytes": self.bytes.iter().map(|(a, b)| [a, b]).collect::<Vec<_>>(),
            "texts": self.texts.iter().map(|w| json!({
                "text": String::from_utf8_lossy(&w.bytes),
                "open": w.open,
            })).collect::<Vec<_>>(),
            "tokens": self.tokens.as_ref().map(|t| t.iter().map(|t| t.0).collect::<Vec<_>>()),
            "inside": self.inside,
        })
    }
}

/// The tokens that may come next, at most [`MAX_TEXTS`].
fn first_tokens(matcher: &Matcher) -> std::result::Result<Vec<TokenId>, MatchError> {
    let mut mask = vec![0; matcher.mask_words()];
    match matcher.fill_mask(&mut mask) {
        Ok(()) => {}
        Err(e) if matches!(e.kind(), MatchErrorKind::DeadEnd { .. }) => {}
        Err(e) => return Err(e),
    }
    let ends = matcher.end_tokens();
    let tokens = maskwright_kernels::bits::ones(&mask).map(TokenId);
    Ok(tokens
        .filter(|t| ends.binary_search(t).is_err())
        .take(MAX_TEXTS)
        .collect())
}

fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The matcher after one more byte, if it may come next.
fn after(matcher: &Matcher, byte: u8) -> std::result::Result<Option<Matcher>, MatchError> {
    let mut next = matcher.fork();
    match next.advance_bytes(&[byte]) {
        Ok(()) => Ok(Some(next)),
        Err(e) if e.is_refusal() => Ok(None),
        Err(e) => Err(e),
    }
}

fn allowed_bytes(matcher: &Matcher) -> std::result::Result<Vec<u8>, MatchError> {
    let mut allowed = Vec::new();
    for byte in 0..=u8::MAX {
        if after(matcher, byte)?.is_some() {
            allowed.push(byte);
        }
    }
    Ok(allowed)
}

/// The ways on, white space left out; empty where there are too many, or where they say no more
/// than the bytes do.
fn spell(matcher: &Matcher) -> Result<Vec<Way>> {
    // Ways that came to the end of a lexeme, and those that can still be followed.
    let mut done: Vec<Vec<u8>> = Vec::new();
    let mut under_way = vec![(Vec::new(), matcher.fork())];
    // A round lengthens every way by a byte. A round that makes too many ways is not taken.
    for round in 0..MAX_LEN {
        let (mut ended, mut longer) = (Vec::new(), Vec::new());
        for (bytes, here) in &under_way {
            let mut found = Vec::new();
            for byte in (0..=u8::MAX).filter(|b| round > 0 || !is_white(*b)) {
                found.extend(after(here, byte)?.map(|there| (byte, there)));
            }
            // An escape is another spelling of what is there already.
            if found.len() > 1 {
                found.retain(|(byte, _)| *byte != b'\\');
            }
            for (byte, there) in found {
                let way = [bytes.as_slice(), &[byte]].concat();
                // At the end of a lexeme the rest is another matter.
                let fresh = there
                    .readings()
                    .all(|r| there.machine().lex_is_fresh(r.lex));
                if fresh || there.is_accepting()? {
                    ended.push(way);
                } else {
                    longer.push((way, there));
                }
            }
        }
        if done.len() + ended.len() + longer.len() > MAX_TEXTS {
            break;
        }
        done.append(&mut ended);
        under_way = longer;
    }
    let whole = done.into_iter().map(|bytes| Way { bytes, open: false });
    let open = under_way
        .into_iter()
        .map(|(bytes, _)| Way { bytes, open: true });
    let mut ways: Vec<_> = whole.chain(open).collect();
    if ways.iter().all(|way| way.bytes.len() <= 1) {
        return Ok(Vec::new());
    }
    ways.sort();
    Ok(ways)
}

fn ranges(bytes: &[u8]) -> Vec<(u8, u8)> {
    let mut out: Vec<(u8, u8)> = Vec::new();
    for &byte in bytes {
        match out.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(byte) => *last = byte,
            _ => out.push((byte, byte)),
        }
    }
    out
}

/// Ranges of bytes in words: characters where they are ASCII, `non-ASCII text` for the first bytes
/// of all other characters.
fn describe_ranges(ranges: &[(u8, u8)]) -> Vec<String> {
    let has = |byte: u8| ranges.iter().any(|(a, b)| (*a..=*b).contains(&byte));
    let printable = b' '..=b'~';
    let mut parts = Vec::new();
    if printable.clone().filter(|b| has(*b)).count() >= 64 {
        let except: Vec<_> = printable
            .filter(|b| !has(*b))
            .map(|b| format!("`{}`", b as char))
            .collect();
        parts.push(if except.is_empty() {
            "any printable character".to_owned()
        } else {
            format!("any printable character except {}", except.join(" "))
        });
    } else {
        for &(a, b) in ranges.iter().filter(|(a, _)| *a < 0x80) {
            let b = b.min(0x7f);
            let show = |byte: u8| format!("`{}`", escape(&[byte]));
            match b - a {
                0 => parts.push(show(a)),
                1 => parts.extend([show(a), show(b)]),
                _ => parts.push(format!("{} to {}", show(a), show(b))),
            }
        }
    }
    let high: Vec<_> = ranges.iter().filter(|(_, b)| *b >= 0x80).collect();
    if (0xc2..=0xf4).all(has) {
        parts.push("any character outside ASCII".to_owned());
    } else {
        let bytes = high.iter().map(|(a, b)| match ((*a).max(0x80), *b) {
            (a, b) if a == b => format!("byte {a:#04x}"),
            (a, b) => format!("bytes {a:#04x} to {b:#04x}"),
        });
        parts.extend(bytes);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_maximal() {
        assert_eq!(
            ranges(b"abcx\xff"),
            [(b'a', b'c'), (b'x', b'x'), (255, 255)]
        );
        assert_eq!(ranges(&[]), []);
    }

    #[test]
    fn words_for_ranges() {
        assert_eq!(
            describe_ranges(&[(b'0', b'9'), (b'E', b'E')]),
            ["`0` to `9`", "`E`"]
        );
        let string = [(0x20, 0x21), (0x23, 0x7f), (0xc2, 0xf4)];
        assert_eq!(
            describe_ranges(&string),
            [
                "any printable character except `\"`",
                "any character outside ASCII"
            ]
        );
        assert_eq!(describe_ranges(&[(0x80, 0xbf)]), ["bytes 0x80 to 0xbf"]);
    }
}
