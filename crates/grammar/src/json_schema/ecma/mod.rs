//! ECMA-262 patterns with the `u` flag → [`RegexPool`].
//!
//! A pattern in a schema is *searched*: the result denotes the whole texts in which the pattern is
//! found somewhere, as a regular set without anchors or assertions. In running order:
//!
//! 1. `parse` reads the pattern with a stack of open groups. What only consumes becomes a regex at
//!    once (`Piece`); what asserts (`^ $ \b` and look-around) stays visible as alternatives of
//!    flat sequences (`Item`).
//! 2. `assertions` turns each such sequence into a set of whole texts: anchors cut the free text on
//!    their side, look-around becomes intersection and complement.
//!
//! Everything is exact or a located [`PatternError`]. Back-references are no regular sets and are
//! refused. Identity escapes that `u` forbids but every engine reads the same way (`\-`, `\_`) are
//! accepted and reported.

mod assertions;
mod class;
mod parse;
#[cfg(test)]
mod tests;

use crate::{RegexId, RegexPool};
use std::rc::Rc;

/// How deep look-around may nest in look-around.
const MAX_LOOK_DEPTH: u32 = 8;

/// The most alternatives into which a pattern with assertions may fall.
const MAX_ALTERNATIVES: usize = 64;

/// Why a pattern was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatternError {
    /// The byte of the pattern at which it happened.
    pub offset: usize,
    /// Whether the pattern is well formed but cannot be compiled exactly.
    pub unsupported: bool,
    /// What is wrong.
    pub message: String,
}

/// A pattern, compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// The texts in which the pattern is found.
    pub regex: RegexId,
    /// Where the pattern uses an escape that `u` forbids, read as every engine does.
    pub loose: Option<usize>,
}

/// The steps that one pattern may take beyond its length.
pub(super) const MAX_STEPS: usize = 50_000;

/// The set of texts in which `pattern` is found.
///
/// Cost: linear in the pattern, times at most 64 alternatives when it has assertions inside groups;
/// the steps that assertions take are capped.
///
/// # Errors
/// [`PatternError`] for what is malformed, nested more than `depth` groups deep, or no regular set.
pub fn search(pool: &mut RegexPool, pattern: &str, depth: usize) -> Result<Pattern, PatternError> {
    search_within(pool, pattern, depth, &mut Budget(MAX_STEPS))
}

/// As [`search`], with steps shared between patterns.
pub(super) fn search_within(
    pool: &mut RegexPool,
    pattern: &str,
    depth: usize,
    budget: &mut Budget,
) -> Result<Pattern, PatternError> {
    let (frag, loose) = parse::parse(pool, pattern, depth, budget)?;
    let regex = match frag {
        Frag::Text(piece) => {
            let any = pool.any_text();
            pool.concat([any, piece.regex, any])
        }
        Frag::Alts(alternatives) => assertions::whole_texts(pool, &alternatives, budget)?,
    };
    Ok(Pattern { regex, loose })
}

/// The set of texts that `pattern` matches as a whole: what stands between `^` and `$` put around it.
///
/// Cost and errors: as [`search`].
///
/// # Errors
/// As [`search`].
pub fn full_match(
    pool: &mut RegexPool,
    pattern: &str,
    depth: usize,
) -> Result<Pattern, PatternError> {
    let budget = &mut Budget(MAX_STEPS);
    let (frag, loose) = parse::parse(pool, pattern, depth, budget)?;
    let regex = match frag {
        Frag::Text(piece) => piece.regex,
        Frag::Alts(mut alternatives) => {
            for items in &mut alternatives {
                items.insert(0, Item::Begin);
                items.push(Item::End);
            }
            assertions::whole_texts(pool, &alternatives, budget)?
        }
    };
    Ok(Pattern { regex, loose })
}

/// The set of texts that `pattern`, which has no assertions, matches as a whole. For our own
/// patterns.
pub(super) fn whole(pool: &mut RegexPool, pattern: &str) -> Result<RegexId, PatternError> {
    match parse::parse(pool, pattern, 64, &mut Budget(MAX_STEPS))?.0 {
        Frag::Text(piece) => Ok(piece.regex),
        Frag::Alts(_) => Err(unsupported(0, "an assertion in a whole-text pattern")),
    }
}

/// The steps that are left for assertions.
#[derive(Debug)]
pub(super) struct Budget(pub(super) usize);

impl Budget {
    fn spend(&mut self, steps: usize, offset: usize) -> Result<(), PatternError> {
        match self.0.checked_sub(steps) {
            Some(left) => {
                self.0 = left;
                Ok(())
            }
            None => Err(unsupported(
                offset,
                "the assertions of the pattern take too many steps",
            )),
        }
    }
}

fn unsupported(offset: usize, message: impl Into<String>) -> PatternError {
    PatternError {
        offset,
        unsupported: true,
        message: message.into(),
    }
}

/// A part of a pattern that only consumes, and how many characters.
#[derive(Clone, Copy, Debug)]
struct Piece {
    regex: RegexId,
    min: u32,
    max: Option<u32>,
}

/// A part of a pattern that may assert.
#[derive(Clone, Debug)]
enum Item {
    Text(Piece),
    Begin,
    End,
    /// `\b`, or `\B` when negated.
    Boundary {
        negated: bool,
        offset: usize,
    },
    Look {
        behind: bool,
        negated: bool,
        body: Rc<Vec<Vec<Item>>>,
        /// How deep look-around nests here, itself included.
        depth: u32,
        offset: usize,
    },
}

/// A group or atom: text, or alternatives of sequences of which some assert.
#[derive(Clone, Debug)]
enum Frag {
    Text(Piece),
    Alts(Vec<Vec<Item>>),
}
