//! Text → lexical units of the notation (`logos`), with spans.
//!
//! Strings, classes and regexes are cut out whole here and decoded later; white space and comments
//! vanish. A name directly before `=`, `::=` or `:` becomes [`Unit::Head`]: thanks to that one
//! unit of lookahead the `;` after a rule is optional and the parser stays LR(1).

use crate::{Diagnostic, Place};
use logos::{FilterResult, Lexer, Logos};
use maskwright_tables::{LimitError, Limits};

/// Why a piece of text is no lexical unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum LexError {
    #[default]
    Character,
    Unclosed(&'static str),
}

/// A lexical unit of the notation; text is a slice of the source, delimiters included.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(error = LexError, skip r"[ \t\r\n\f\u{FEFF}]+", skip(r"#[^\n]*", allow_greedy = true))]
pub(super) enum Unit<'s> {
    /// A name that is defined here (set by [`units`]).
    Head(&'s str),
    #[regex(r"[A-Za-z_][A-Za-z0-9_]*(-[A-Za-z0-9_]+)*")]
    Name(&'s str),
    #[token("\"", |lex| quoted(lex, '"'))]
    #[token("'", |lex| quoted(lex, '\''))]
    Literal(&'s str),
    #[token("[", class)]
    Class(&'s str),
    #[token("/", slash)]
    Regex(&'s str),
    /// A token as a whole: `<[ids]>` or `<name>`.
    #[regex(r"<\[[^\]>\n]*\]>")]
    #[regex(r"<[^>\[\s][^>\n]*>")]
    Token(&'s str),
    #[regex("[0-9]+")]
    Number(&'s str),
    #[token("=")]
    #[token("::=")]
    #[token(":")]
    Define,
    #[token(";")]
    Semicolon,
    #[token("|")]
    Bar,
    #[token("&")]
    Ampersand,
    #[token("~")]
    Tilde,
    #[token("*")]
    Star,
    #[token("+")]
    Plus,
    #[token("?")]
    Question,
    #[token("(")]
    Open,
    #[token(")")]
    Close,
    #[token("{")]
    OpenBrace,
    #[token("}")]
    CloseBrace,
    #[token(",")]
    Comma,
    #[token("%start")]
    Start,
    #[token("%ignore")]
    Ignore,
    #[token("%keywords")]
    Keywords,
    #[token("@json_string")]
    JsonString,
    #[token("@lazy")]
    Lazy,
    #[token("@ecma")]
    Ecma,
    /// A schema inside `@json(…)`; the text is the schema's.
    #[token("@json", schema)]
    Json(&'s str),
}

impl Unit<'_> {
    /// The unit as a person would name it.
    pub(super) fn describe(&self) -> String {
        match self {
            Unit::Head(t) | Unit::Name(t) | Unit::Number(t) => format!("`{t}`"),
            Unit::Literal(t) => format!("the literal {t}"),
            Unit::Class(t) => format!("the class {t}"),
            Unit::Regex(t) => format!("the regex {t}"),
            Unit::Token(t) => format!("the token {t}"),
            Unit::Define => "`=`".into(),
            Unit::Semicolon => "`;`".into(),
            Unit::Bar => "`|`".into(),
            Unit::Ampersand => "`&`".into(),
            Unit::Tilde => "`~`".into(),
            Unit::Star => "`*`".into(),
            Unit::Plus => "`+`".into(),
            Unit::Question => "`?`".into(),
            Unit::Open => "`(`".into(),
            Unit::Close => "`)`".into(),
            Unit::OpenBrace => "`{`".into(),
            Unit::CloseBrace => "`}`".into(),
            Unit::Comma => "`,`".into(),
            Unit::Start => "`%start`".into(),
            Unit::Ignore => "`%ignore`".into(),
            Unit::Keywords => "`%keywords`".into(),
            Unit::JsonString => "`@json_string`".into(),
            Unit::Lazy => "`@lazy`".into(),
            Unit::Ecma => "`@ecma`".into(),
            Unit::Json(_) => "`@json(…)`".into(),
        }
    }
}

/// Bytes of `rest` up to and including the first unescaped `close`; a line end is no match unless
/// `lines` allows it.
fn until(rest: &str, close: u8) -> Option<usize> {
    let mut bytes = rest.bytes().enumerate();
    while let Some((i, b)) = bytes.next() {
        match b {
            b'\\' => {
                bytes.next();
            }
            b'\n' => return None,
            b if b == close => return Some(i + 1),
            _ => {}
        }
    }
    None
}

fn quoted<'s>(lex: &mut Lexer<'s, Unit<'s>>, quote: char) -> Result<&'s str, LexError> {
    let n = until(lex.remainder(), quote as u8).ok_or(LexError::Unclosed("literal"))?;
    lex.bump(n);
    Ok(lex.slice())
}

/// The length of a class body up to its closing bracket. `]` directly after `[` or `[^` is a
/// member; classes nest, as in the Rust regex dialect.
fn class_len(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let (mut i, mut depth, mut fresh) = (0, 1usize, true);
    while let Some(&b) = bytes.get(i) {
        match b {
            b'\n' => return None,
            b'\\' => i += 1,
            b'^' if fresh => {
                i += 1;
                continue;
            }
            b'[' => {
                depth += 1;
                i += 1;
                fresh = true;
                continue;
            }
            b']' if !fresh => {
                depth -= 1;
                if depth == 0 {
                    return Some(i + 1);
                }
            }
            _ => {}
        }
        fresh = false;
        i += 1;
    }
    None
}

/// `(schema)` after `@json`: the parentheses close where the JSON inside is balanced.
fn schema<'s>(lex: &mut Lexer<'s, Unit<'s>>) -> Result<&'s str, LexError> {
    let rest = lex.remainder();
    let open = rest.len() - rest.trim_start().len();
    if !rest[open..].starts_with('(') {
        return Err(LexError::Unclosed("schema"));
    }
    let (mut depth, mut string, mut escaped) = (0usize, false, false);
    for (i, b) in rest.bytes().enumerate().skip(open) {
        match b {
            _ if escaped => escaped = false,
            b'\\' if string => escaped = true,
            b'"' => string = !string,
            _ if string => {}
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth -= 1;
                if depth == 0 {
                    lex.bump(i + 1);
                    return Ok(rest[open + 1..i].trim());
                }
            }
            _ => {}
        }
    }
    Err(LexError::Unclosed("schema"))
}

fn class<'s>(lex: &mut Lexer<'s, Unit<'s>>) -> Result<&'s str, LexError> {
    let n = class_len(lex.remainder()).ok_or(LexError::Unclosed("class"))?;
    lex.bump(n);
    Ok(lex.slice())
}

/// What begins with a slash: a line comment, a block comment, or a regex with its flags.
fn slash<'s>(lex: &mut Lexer<'s, Unit<'s>>) -> FilterResult<&'s str, LexError> {
    let rest = lex.remainder();
    match rest.as_bytes().first() {
        Some(b'/') => {
            lex.bump(rest.find('\n').unwrap_or(rest.len()));
            FilterResult::Skip
        }
        Some(b'*') => match rest[1..].find("*/") {
            Some(n) => {
                lex.bump(n + 3);
                FilterResult::Skip
            }
            None => FilterResult::Error(LexError::Unclosed("comment")),
        },
        _ => {
            let bytes = rest.as_bytes();
            let mut i = 0;
            while let Some(&b) = bytes.get(i) {
                match b {
                    b'\n' => break,
                    b'\\' => i += 1,
                    b'[' => match class_len(&rest[i + 1..]) {
                        Some(n) => i += n,
                        None => break,
                    },
                    b'/' => {
                        i += 1;
                        i += bytes[i..]
                            .iter()
                            .take_while(|b| b.is_ascii_lowercase())
                            .count();
                        lex.bump(i);
                        return FilterResult::Emit(lex.slice());
                    }
                    _ => {}
                }
                i += 1;
            }
            FilterResult::Error(LexError::Unclosed("regex"))
        }
    }
}

/// A unit between two byte offsets, as the parser wants it.
pub(super) type Spanned<'s> = (usize, Unit<'s>, usize);

/// All units of `text`.
pub(super) fn units<'s>(text: &'s str, limits: &Limits) -> Result<Vec<Spanned<'s>>, Diagnostic> {
    let mut units: Vec<Spanned<'s>> = Vec::new();
    let mut depth = 0usize;
    for (unit, span) in Unit::lexer(text).spanned() {
        let unit = unit.map_err(|e| match e {
            LexError::Character => {
                let c = text[span.start..].chars().next().unwrap_or(' ');
                let d = Diagnostic::new("invalid-character", format!("`{c}` means nothing here"), Place::span(span.clone()));
                if text[span.start..].starts_with(['%', '@']) {
                    d.with_help("the directives are `%start name ;`, `%ignore expression ;`, `%keywords NAME ;`, `@json_string(…)`, `@lazy(…)`, `@ecma(/…/)` and `@json(schema)`")
                } else {
                    d
                }
            }
            LexError::Unclosed(what) => {
                Diagnostic::new("unclosed", format!("this {what} is not closed"), Place::span(span.clone())).with_help(
                    match what {
                        "comment" => "close it with `*/`",
                        "schema" => "write `@json(schema)` with a whole JSON Schema between the parentheses",
                        "regex" => "close it with `/` on the same line; write `\\/` for a slash inside",
                        "class" => "close it with `]` on the same line; write `\\]` for a bracket inside",
                        _ => "close it with the quote it began with, on the same line; write `\\n` for a line feed",
                    },
                )
            }
        })?;
        match unit {
            Unit::Open => {
                depth += 1;
                if depth > limits.source_depth {
                    let e = LimitError::new(
                        "notation nesting depth",
                        depth as u64,
                        limits.source_depth as u64,
                    );
                    return Err(Diagnostic::limit(e, Place::span(span)));
                }
            }
            Unit::Close => depth = depth.saturating_sub(1),
            Unit::Define => {
                if let Some((_, last, _)) = units.last_mut()
                    && let Unit::Name(name) = *last
                {
                    *last = Unit::Head(name);
                }
            }
            _ => {}
        }
        units.push((span.start, unit, span.end));
    }
    Ok(units)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> String {
        match units(text, &Limits::default()) {
            Ok(units) => units
                .iter()
                .map(|(_, u, _)| u.describe())
                .collect::<Vec<_>>()
                .join(" "),
            Err(d) => d.to_string(),
        }
    }

    #[test]
    fn delimiters_inside_strings_classes_and_regexes_do_not_close_them() {
        assert_eq!(
            check(r#"a = "x\"y;" '"' []/"] [^]a] /[/"]\/b/i 'z'"#),
            r#"`a` `=` the literal "x\"y;" the literal '"' the class []/"] the class [^]a] the regex /[/"]\/b/i the literal 'z'"#
        );
    }

    #[test]
    fn comments_of_all_three_kinds_vanish() {
        assert_eq!(check("a # x \"\n// y '\n/* z / \n */ b"), "`a` `b`");
    }

    #[test]
    fn unclosed_units_point_at_their_beginning() {
        for (text, what) in [
            ("\"a", "literal"),
            ("'a\n'", "literal"),
            ("[a", "class"),
            ("/a", "regex"),
            ("/* a", "comment"),
        ] {
            let message = check(text);
            assert!(
                message.starts_with(&format!("unclosed: this {what} is not closed at bytes 0")),
                "{message}"
            );
        }
    }

    #[test]
    fn nesting_beyond_the_limit_is_a_typed_error() {
        assert!(check(&"(".repeat(60_000)).starts_with("limit-exceeded: notation nesting depth"));
    }
}
