//! Regexes: text → [`RegexPool`] node, matching whole texts.
//!
//! There are two [`Dialect`]s. ECMA-262 has a front end of its own
//! (`json_schema::ecma`), with look-around and word boundaries; the rest of this page
//! is about the Rust dialect.
//!
//! `regex-syntax` parses and translates; this module turns its HIR into our nodes. Counted repeats
//! stay counters, Unicode classes stay ranges, greed is dropped (it cannot change which whole texts
//! match). Nothing recurses on the depth of the pattern.
//!
//! Since the whole text must match, `^` and `$` (and `\A`, `\z`) say nothing where they hold anyway
//! and never match elsewhere. Both cases are decided from where the anchor stands; an anchor after
//! something that may or may not be empty, word boundaries and line anchors are refused with a
//! message that says so.

use crate::json_schema::ecma;
use crate::{Diagnostic, Diagnostics, Grammar, Place, RegexId, RegexNode, RegexPool};
use maskwright_tables::{LimitError, Limits};
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Whose regexes a pattern is one of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// The `regex` crate's, Unicode on.
    #[default]
    Rust,
    /// That of ECMA-262 (JavaScript) with the `u` flag.
    Ecma,
}

/// Adds the language of whole texts that an ECMA-262 pattern (`u` flag) matches to `pool`.
///
/// `offset` is where the pattern begins in the source; spans of errors are shifted by it.
///
/// # Errors
/// Code `invalid-regex` for text that is no regex, `unsupported-regex` for what is no regular set or
/// cannot be compiled exactly, `limit-exceeded` for a pattern that is too long.
pub fn parse_ecma(
    pattern: &str,
    offset: usize,
    pool: &mut RegexPool,
    limits: &Limits,
) -> Result<RegexId, Diagnostic> {
    check_len(pattern, offset, limits)?;
    ecma::full_match(pool, pattern, limits.source_depth)
        .map(|found| found.regex)
        .map_err(|e| {
            let at = offset + e.offset.min(pattern.len());
            let code = if e.unsupported {
                "unsupported-regex"
            } else {
                "invalid-regex"
            };
            Diagnostic::new(code, e.message, Place::span(at..offset + pattern.len()))
        })
}

fn check_len(pattern: &str, offset: usize, limits: &Limits) -> Result<(), Diagnostic> {
    if pattern.len() <= limits.source_bytes {
        return Ok(());
    }
    let e = LimitError::new(
        "regex source bytes",
        pattern.len() as u64,
        limits.source_bytes as u64,
    );
    let whole = Place::span(offset..offset + pattern.len());
    Err(Diagnostic::limit(e, whole))
}

/// The flags that may follow a pattern.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PatternFlags {
    /// `i`: letters match in both cases (Unicode simple case folding).
    pub ignore_case: bool,
    /// `s`: `.` also matches a line feed.
    pub dot_all: bool,
    /// `x`: white space and `#` comments in the pattern mean nothing.
    pub verbose: bool,
}

impl PatternFlags {
    /// Reads a string of flag letters; on failure returns the first letter that is no flag.
    pub fn parse(letters: &str) -> Result<Self, char> {
        let mut flags = PatternFlags::default();
        for c in letters.chars() {
            match c {
                'i' => flags.ignore_case = true,
                's' => flags.dot_all = true,
                'x' => flags.verbose = true,
                'u' => {} // Unicode is always on; `(?-u:…)` turns it off inside.
                other => return Err(other),
            }
        }
        Ok(flags)
    }
}

/// Adds the language of whole texts that `pattern` matches to `pool`.
///
/// `offset` is where the pattern begins in the source; spans of errors are shifted by it.
///
/// # Errors
/// Code `invalid-regex` for text that is no regex, `unsupported-regex` for what cannot be compiled
/// yet, `limit-exceeded` for a pattern that is too long or too deep.
pub fn parse_pattern(
    pattern: &str,
    flags: PatternFlags,
    offset: usize,
    pool: &mut RegexPool,
    limits: &Limits,
) -> Result<RegexId, Diagnostic> {
    let whole = Place::span(offset..offset + pattern.len());
    check_len(pattern, offset, limits)?;
    let hir = regex_syntax::ParserBuilder::new()
        .utf8(false)
        .nest_limit(limits.source_depth.min(u32::MAX as usize) as u32)
        .case_insensitive(flags.ignore_case)
        .dot_matches_new_line(flags.dot_all)
        .ignore_whitespace(flags.verbose)
        .build()
        .parse(pattern)
        .map_err(|e| describe(&e, offset, &whole))?;
    translate(&hir, pool).map_err(|problem| {
        Diagnostic::new("unsupported-regex", problem.message(), whole).with_help(problem.help())
    })
}

/// Turns an error of `regex-syntax` into a diagnostic with a span in our source.
fn describe(error: &regex_syntax::Error, offset: usize, whole: &Place) -> Diagnostic {
    use regex_syntax::ast::ErrorKind;
    let (message, span) = match error {
        regex_syntax::Error::Parse(e) => {
            if let ErrorKind::NestLimitExceeded(limit) = e.kind() {
                let e = LimitError::new(
                    "regex nesting depth",
                    u64::from(*limit) + 1,
                    u64::from(*limit),
                );
                return Diagnostic::limit(e, whole.clone());
            }
            (e.kind().to_string(), Some(e.span()))
        }
        regex_syntax::Error::Translate(e) => (e.kind().to_string(), Some(e.span())),
        other => (other.to_string(), None),
    };
    let place = span.map_or(whole.clone(), |s| {
        Place::span(offset + s.start.offset..offset + s.end.offset)
    });
    let diagnostic = Diagnostic::new("invalid-regex", message.clone(), place);
    if message.contains("look-around") {
        diagnostic.with_help(
            "say what must match with `&` and `~` on terminals, as in `/[a-z]+/ & ~(\"if\")`",
        )
    } else if message.contains("backreference") {
        diagnostic.with_help("back-references are not regular: write the possible texts out")
    } else {
        diagnostic
    }
}

/// Why a valid regex has no node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unsupported {
    Boundary,
    Line,
    Ambiguous,
}

impl Unsupported {
    fn message(self) -> &'static str {
        match self {
            Unsupported::Boundary => "word boundaries are not supported",
            Unsupported::Line => "line anchors are not supported",
            Unsupported::Ambiguous => {
                "an anchor stands beside something that may or may not be empty, or inside a repeat"
            }
        }
    }

    fn help(self) -> &'static str {
        match self {
            Unsupported::Boundary => "spell out what may stand on either side of the boundary",
            Unsupported::Line => "the whole text must match: spell out the line ends",
            Unsupported::Ambiguous => {
                "the whole text must match anyway: leave the anchor out, or move it to the outside"
            }
        }
    }
}

/// Whether a place inside the pattern is an end of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    Yes,
    No,
    Maybe,
}

impl Edge {
    /// The edge beyond a part that lies between it and `self`.
    fn beyond(self, part: &Hir) -> Edge {
        let p = part.properties();
        if self == Edge::No || p.minimum_len().is_none_or(|n| n > 0) {
            Edge::No
        } else if p.maximum_len() == Some(0) {
            self
        } else {
            Edge::Maybe
        }
    }
}

enum Task<'h> {
    Visit(&'h Hir, Edge, Edge),
    Concat(usize),
    Alt(usize),
    Repeat(u32, Option<u32>),
}

/// HIR → node, children first, with an explicit stack.
fn translate(hir: &Hir, pool: &mut RegexPool) -> Result<RegexId, Unsupported> {
    let mut tasks = vec![Task::Visit(hir, Edge::Yes, Edge::Yes)];
    let mut done: Vec<RegexId> = Vec::new();
    while let Some(task) = tasks.pop() {
        let node = match task {
            Task::Visit(hir, left, right) => match hir.kind() {
                HirKind::Empty => pool.empty(),
                HirKind::Literal(l) => pool.bytes(l.0.clone()),
                HirKind::Class(Class::Unicode(c)) => {
                    pool.class(c.iter().map(|r| (r.start(), r.end())))
                }
                HirKind::Class(Class::Bytes(c)) => {
                    let ranges: Box<[(u8, u8)]> = c.iter().map(|r| (r.start(), r.end())).collect();
                    if ranges.is_empty() {
                        pool.never()
                    } else {
                        pool.add(RegexNode::ByteClass(ranges))
                    }
                }
                HirKind::Look(look) => {
                    let edge = match look {
                        Look::Start => left,
                        Look::End => right,
                        Look::StartLF | Look::EndLF | Look::StartCRLF | Look::EndCRLF => {
                            return Err(Unsupported::Line);
                        }
                        _ => return Err(Unsupported::Boundary),
                    };
                    match edge {
                        Edge::Yes => pool.empty(),
                        Edge::No => pool.never(),
                        Edge::Maybe => return Err(Unsupported::Ambiguous),
                    }
                }
                HirKind::Capture(c) => {
                    tasks.push(Task::Visit(&c.sub, left, right));
                    continue;
                }
                HirKind::Repetition(r) => {
                    // Copies stand beside one another, so an inner edge is known only where the
                    // outer one is known not to be an edge.
                    let inner = |e| {
                        if e == Edge::Yes && r.max != Some(1) {
                            Edge::Maybe
                        } else {
                            e
                        }
                    };
                    tasks.push(Task::Repeat(r.min, r.max));
                    tasks.push(Task::Visit(&r.sub, inner(left), inner(right)));
                    continue;
                }
                HirKind::Concat(parts) => {
                    tasks.push(Task::Concat(parts.len()));
                    let mut rights = vec![right; parts.len()];
                    for i in (1..parts.len()).rev() {
                        rights[i - 1] = rights[i].beyond(&parts[i]);
                    }
                    let mut edge = left;
                    let base = tasks.len();
                    for (part, right) in parts.iter().zip(rights) {
                        tasks.push(Task::Visit(part, edge, right));
                        edge = edge.beyond(part);
                    }
                    tasks[base..].reverse();
                    continue;
                }
                HirKind::Alternation(parts) => {
                    tasks.push(Task::Alt(parts.len()));
                    tasks.extend(parts.iter().rev().map(|p| Task::Visit(p, left, right)));
                    continue;
                }
            },
            Task::Concat(n) => {
                let parts = done.split_off(done.len() - n);
                pool.concat(parts)
            }
            Task::Alt(n) => {
                let parts = done.split_off(done.len() - n);
                pool.alt(parts)
            }
            Task::Repeat(min, max) => {
                // The visit that precedes this task left exactly one node.
                let Some(node) = done.pop() else { continue };
                pool.repeat(node, min, max)
            }
        };
        done.push(node);
    }
    Ok(done.pop().unwrap_or_else(|| pool.never()))
}

impl Grammar {
    /// The grammar of the whole texts that a Rust-dialect regex matches: one rule, one terminal.
    /// It goes through the same normal form and machine as any other grammar.
    ///
    /// # Errors
    /// As [`parse_pattern`].
    pub fn from_regex(pattern: &str, limits: &Limits) -> Result<Grammar, Diagnostics> {
        Self::from_regex_in(pattern, Dialect::Rust, limits)
    }

    /// The grammar of the whole texts that a regex of some dialect matches: one rule, one terminal.
    ///
    /// # Errors
    /// As [`parse_pattern`] or [`parse_ecma`].
    pub fn from_regex_in(
        pattern: &str,
        dialect: Dialect,
        limits: &Limits,
    ) -> Result<Grammar, Diagnostics> {
        let mut pool = RegexPool::new();
        let regex = match dialect {
            Dialect::Rust => parse_pattern(pattern, PatternFlags::default(), 0, &mut pool, limits)?,
            Dialect::Ecma => parse_ecma(pattern, 0, &mut pool, limits)?,
        };
        let place = Place::span(0..pattern.len());
        Ok(Grammar::of_regex(pool, regex, "text", place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str) -> Result<String, String> {
        let mut pool = RegexPool::new();
        let id = parse_pattern(
            pattern,
            PatternFlags::default(),
            10,
            &mut pool,
            &Limits::default(),
        )
        .map_err(|d| d.to_string())?;
        Ok(format!("{:?}", pool.node(id)))
    }

    #[test]
    fn anchors_are_decided_from_where_they_stand() {
        let bare = check("a").unwrap();
        for same in [
            "^a",
            "a$",
            "^a$",
            "^(?:^a$)$",
            r"\Aa\z",
            "(?:^)(?:a)",
            "(^|b^)a",
            "(?:$b|a)(?:$)",
        ] {
            assert_eq!(check(same).unwrap(), bare, "{same}");
        }
        for never in ["a^", "$a", "a^b", "a$b", "(a^)*b^"] {
            assert_eq!(check(never).unwrap(), "Never", "{never}");
        }
        for refused in ["a*^b", "(^a)*", "a$b*", r"\ba", "(?m)^a"] {
            assert!(
                check(refused).unwrap_err().starts_with("unsupported-regex"),
                "{refused}"
            );
        }
    }

    #[test]
    fn counted_repeats_stay_counters() {
        assert_eq!(
            check("(?:ab){2,70000}").unwrap(),
            "Repeat { node: RegexId(0), min: 2, max: Some(70000) }"
        );
    }

    #[test]
    fn errors_carry_a_span_in_the_source() {
        assert_eq!(
            check("ab(c").unwrap_err(),
            "invalid-regex: unclosed group at bytes 12..13"
        );
        assert!(
            check("a(?=b)")
                .unwrap_err()
                .starts_with("invalid-regex: look-around")
        );
    }

    #[test]
    fn deep_nesting_is_a_typed_error_or_works() {
        let deep = "(".repeat(60_000) + "a" + &")".repeat(60_000);
        let mut pool = RegexPool::new();
        let error = parse_pattern(
            &deep,
            PatternFlags::default(),
            0,
            &mut pool,
            &Limits::untrusted(),
        )
        .unwrap_err();
        assert_eq!(error.limit.unwrap().stage, "regex nesting depth");
        parse_pattern(
            &deep,
            PatternFlags::default(),
            0,
            &mut pool,
            &Limits::offline(),
        )
        .unwrap();
    }
}
