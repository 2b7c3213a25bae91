//! `check`: does a text match, and if not, where and what was expected.

use super::Manner;
use crate::args::CheckArgs;
use crate::error::{self, Error, Result};
use crate::expected::Expected;
use crate::input;
use crate::output::Out;
use crate::source::{Opened, Source};
use crate::text::{Text, escape};
use crate::vocabulary::BYTES;
use maskwright_grammar::{Diagnostic, Place};
use maskwright_runtime::{MatchErrorKind, Matcher, MatcherConfig};
use maskwright_tables::TokenId;
use miette::Severity;
use serde_json::{Value, json};

/// Where a text stops being the beginning of a sentence.
struct Mismatch {
    offset: usize,
    /// The length of what may not come there; `None` when the text ends too early.
    len: Option<usize>,
    expected: Expected,
}

/// Runs the command. The answer is yes if every text matches.
pub fn run(args: &CheckArgs, manner: Manner) -> Result<bool> {
    let source = Source::read(&args.source)?;
    let vocabulary = source.vocabulary(&args.vocabulary, BYTES)?;
    let opened = source.compile(vocabulary, manner.quiet)?;
    let mut out = Out::new();
    let mut all = true;
    for file in &args.files {
        let bytes = input::read(file)?;
        let name = input::name(file);
        let bytes = if args.trim {
            strip_line_end(&bytes)
        } else {
            &bytes
        };
        let mismatch = check(&opened, bytes)?;
        all &= mismatch.is_none();
        let text = Text::new(name, bytes);
        if manner.json {
            out.json(&to_json(&text, bytes, mismatch.as_ref()))?;
            continue;
        }
        let Some(mismatch) = mismatch else {
            out.line(format!("{name}: matches"))?;
            continue;
        };
        let (line, column) = text.position(mismatch.offset);
        let what = if mismatch.len.is_some() {
            "does not match"
        } else {
            "ends too early"
        };
        out.line(format!(
            "{name}: {what} at line {line}, column {column} (byte {})",
            mismatch.offset
        ))?;
        out.flush()?;
        if !manner.quiet {
            error::show(
                Some(&text.with_room_at_end()),
                &diagnostic(&mismatch, bytes),
                Severity::Error,
            );
        }
    }
    out.finish(all)
}

fn strip_line_end(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}

fn check(opened: &Opened, bytes: &[u8]) -> Result<Option<Mismatch>> {
    let mut matcher = matcher(opened)?;
    match advance(&mut matcher, opened, bytes)? {
        Some(mismatch) => Ok(Some(mismatch)),
        None if matcher.is_accepting()? => Ok(None),
        None => {
            let expected = Expected::at(&matcher, opened)?;
            Ok(Some(Mismatch {
                offset: bytes.len(),
                len: None,
                expected,
            }))
        }
    }
}

fn matcher(opened: &Opened) -> Result<Matcher> {
    Ok(Matcher::with_config(
        opened.machine.clone(),
        MatcherConfig::new().history(0),
    )?)
}

/// Moves `matcher` over a text, or over the tokens whose ids the text lists where the grammar names
/// tokens; up to the first that may not come.
fn advance(matcher: &mut Matcher, opened: &Opened, bytes: &[u8]) -> Result<Option<Mismatch>> {
    let mismatch = |matcher: &Matcher, offset, len| {
        let expected = Expected::at(matcher, opened)?;
        Ok(Some(Mismatch {
            offset,
            len: Some(len),
            expected,
        }))
    };
    if opened.machine.reads_tokens() {
        for (offset, field) in fields(bytes) {
            let token = std::str::from_utf8(field)
                .ok()
                .and_then(|f| f.parse().ok())
                .map(TokenId);
            let taken = token.map(|t| matcher.advance(t)).transpose();
            match taken {
                Ok(Some(())) => {}
                Ok(None) => return mismatch(matcher, offset, field.len()),
                Err(e) if e.is_refusal() => return mismatch(matcher, offset, field.len()),
                Err(e) => return Err(e.into()),
            }
        }
        return Ok(None);
    }
    match matcher.advance_bytes(bytes) {
        Ok(()) => Ok(None),
        Err(e) => match *e.kind() {
            MatchErrorKind::RefusedByte { offset, .. } => {
                let mut good = offset.min(bytes.len());
                // In the middle of a token that cannot be split no prefix ends.
                while let Err(e) = matcher.advance_bytes(&bytes[..good]) {
                    if good == 0 || !e.is_refusal() {
                        return Err(e.into());
                    }
                    good -= 1;
                }
                mismatch(
                    matcher,
                    offset,
                    first_character(&bytes[offset.min(bytes.len())..]),
                )
            }
            _ => Err(Error::from(e)),
        },
    }
}

/// The fields between blanks and commas, with their offsets.
pub(super) fn fields(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let is_gap = |b: &u8| b.is_ascii_whitespace() || *b == b',';
    let mut offset = 0;
    bytes.split(is_gap).filter_map(move |field| {
        let at = offset;
        offset += field.len() + 1;
        (!field.is_empty()).then_some((at, field))
    })
}

/// A matcher after a prefix, or, for a prefix that no sentence begins with, its mismatch as JSON
/// (and shown).
pub(super) fn after_prefix(
    opened: &Opened,
    name: &str,
    bytes: &[u8],
    manner: Manner,
) -> Result<std::result::Result<Matcher, Value>> {
    let mut matcher = matcher(opened)?;
    let Some(mismatch) = advance(&mut matcher, opened, bytes)? else {
        return Ok(Ok(matcher));
    };
    let text = Text::new(name, bytes);
    if !manner.json && !manner.quiet {
        error::show(Some(&text), &diagnostic(&mismatch, bytes), Severity::Error);
    }
    Ok(Err(to_json(&text, bytes, Some(&mismatch))))
}

fn diagnostic(mismatch: &Mismatch, bytes: &[u8]) -> Diagnostic {
    let Mismatch {
        offset,
        len,
        expected,
    } = mismatch;
    let rest = bytes.get(*offset..).unwrap_or_default();
    let (code, message) = match len {
        Some(len) => {
            let shown = escape(rest.get(..*len).unwrap_or_default());
            ("unexpected-text", format!("`{shown}` may not come here"))
        }
        None => ("unexpected-end", "the text is not complete".to_owned()),
    };
    let mut help = format!("expected {}", expected.sentence());
    for inside in &expected.inside {
        help.push_str("\nin ");
        help.push_str(inside);
    }
    if expected.end && matches!(rest, b"\n" | b"\r\n") {
        help.push_str(
            "\nthe text ends with a line end that is no part of the language: --trim takes it off",
        );
    }
    Diagnostic::new(
        code,
        message,
        Place::span(*offset..offset + len.unwrap_or(1)),
    )
    .with_help(help)
}

/// The length of the first character, 1 for a byte that is none.
fn first_character(bytes: &[u8]) -> usize {
    let head = bytes.get(..bytes.len().min(4)).unwrap_or_default();
    let valid = head
        .utf8_chunks()
        .next()
        .and_then(|c| c.valid().chars().next());
    valid.map_or(1, char::len_utf8).min(bytes.len())
}

fn to_json(text: &Text, bytes: &[u8], mismatch: Option<&Mismatch>) -> Value {
    let Some(m) = mismatch else {
        return json!({ "file": text.name(), "matches": true });
    };
    let (line, column) = text.position(m.offset);
    json!({
        "file": text.name(),
        "matches": false,
        "reason": if m.len.is_some() { "unexpected-text" } else { "unexpected-end" },
        "offset": m.offset,
        "line": line,
        "column": column,
        "byte": m.len.and_then(|_| bytes.get(m.offset)),
        "expected": m.expected.to_json(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_shown_whole() {
        assert_eq!(first_character("é!".as_bytes()), 2);
        assert_eq!(first_character(b"\xc3"), 1);
        assert_eq!(first_character(b""), 0);
        assert_eq!(first_character("🦀🦀".as_bytes()), 4);
    }

    #[test]
    fn fields_know_where_they_are() {
        let found: Vec<_> = fields(b" 12,, 7\n").collect();
        assert_eq!(found, [(1, &b"12"[..]), (6, &b"7"[..])]);
        assert_eq!(fields(b"").count(), 0);
    }

    #[test]
    fn one_line_end_is_taken_off() {
        assert_eq!(strip_line_end(b"a\r\n"), b"a");
        assert_eq!(strip_line_end(b"a\n\n"), b"a\n");
        assert_eq!(strip_line_end(b"a"), b"a");
    }
}
