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
use miette::Severity;
use serde_json::{Value, json};

/// Where a text stops being the beginning of a sentence.
struct Mismatch {
    offset: usize,
    /// The byte there; `None` when the text ends too early.
    byte: Option<u8>,
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
            out.json(&to_json(&text, mismatch.as_ref()))?;
            continue;
        }
        let Some(mismatch) = mismatch else {
            out.line(format!("{name}: matches"))?;
            continue;
        };
        let (line, column) = text.position(mismatch.offset);
        let what = if mismatch.byte.is_some() {
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
    let config = MatcherConfig::new().history(0);
    let mut matcher = Matcher::with_config(opened.machine.clone(), config)?;
    match matcher.advance_bytes(bytes) {
        Ok(()) if matcher.is_accepting()? => Ok(None),
        Ok(()) => {
            let expected = Expected::at(&matcher, opened)?;
            Ok(Some(Mismatch {
                offset: bytes.len(),
                byte: None,
                expected,
            }))
        }
        Err(e) => match *e.kind() {
            MatchErrorKind::RefusedByte { offset, byte } => {
                matcher.advance_bytes(bytes.get(..offset).unwrap_or(bytes))?;
                let expected = Expected::at(&matcher, opened)?;
                Ok(Some(Mismatch {
                    offset,
                    byte: Some(byte),
                    expected,
                }))
            }
            _ => Err(Error::from(e)),
        },
    }
}

/// The mismatch of a prefix, as `mask` shows it.
pub(super) fn refused_prefix(
    opened: &Opened,
    name: &str,
    bytes: &[u8],
    manner: Manner,
) -> Result<Option<Value>> {
    let Some(mismatch) = check(opened, bytes)?.filter(|m| m.byte.is_some()) else {
        return Ok(None);
    };
    let text = Text::new(name, bytes);
    if !manner.json && !manner.quiet {
        error::show(Some(&text), &diagnostic(&mismatch, bytes), Severity::Error);
    }
    Ok(Some(to_json(&text, Some(&mismatch))))
}

fn diagnostic(mismatch: &Mismatch, bytes: &[u8]) -> Diagnostic {
    let Mismatch {
        offset,
        byte,
        expected,
    } = mismatch;
    let (code, message, len) = match byte {
        Some(_) => {
            let rest = bytes.get(*offset..).unwrap_or_default();
            let len = first_character(rest);
            let shown = escape(rest.get(..len).unwrap_or_default());
            (
                "unexpected-text",
                format!("`{shown}` may not come here"),
                len,
            )
        }
        None => ("unexpected-end", "the text is not complete".to_owned(), 1),
    };
    let mut help = format!("expected {}", expected.sentence());
    for inside in &expected.inside {
        help.push_str("\nin ");
        help.push_str(inside);
    }
    if expected.end && matches!(bytes.get(*offset..), Some(b"\n" | b"\r\n")) {
        help.push_str(
            "\nthe text ends with a line end that is no part of the language: --trim takes it off",
        );
    }
    Diagnostic::new(code, message, Place::span(*offset..offset + len)).with_help(help)
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

fn to_json(text: &Text, mismatch: Option<&Mismatch>) -> Value {
    let Some(m) = mismatch else {
        return json!({ "file": text.name(), "matches": true });
    };
    let (line, column) = text.position(m.offset);
    json!({
        "file": text.name(),
        "matches": false,
        "reason": if m.byte.is_some() { "unexpected-text" } else { "unexpected-end" },
        "offset": m.offset,
        "line": line,
        "column": column,
        "byte": m.byte,
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
    fn one_line_end_is_taken_off() {
        assert_eq!(strip_line_end(b"a\r\n"), b"a");
        assert_eq!(strip_line_end(b"a\n\n"), b"a\n");
        assert_eq!(strip_line_end(b"a"), b"a");
    }
}
