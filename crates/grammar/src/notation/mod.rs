//! Grammar notations: text ⇄ [`Grammar`].
//!
//! In: text. Out: the IR, or every error found with its place.
//!
//! - [`parse`] reads Maskwright's own EBNF, as `NOTATION.md` describes it: `lexer` (logos) → `syntax`
//!   (lalrpop) → `ast` (a flat tree);
//! - [`parse_gbnf`] reads llama.cpp's GBNF into the same tree (`gbnf`), [`parse_lark`] the notation of
//!   Lark (`lark`).
//!
//! `lower` turns the tree into the IR (names, terminals, regexes; `tokens` reads the names of token
//! terminals), and [`print()`] goes back from any IR to EBNF. Nothing recurses on nesting.
//!
//! ```
//! use maskwright_grammar::notation;
//! use maskwright_tables::Limits;
//! let parsed = notation::parse(r#"start = "(" start ")" | NUM ; NUM = [0-9]+ ;"#, &Limits::default())?;
//! assert_eq!(parsed.grammar.rules.len(), 1);
//! assert_eq!(parsed.grammar.terminals.len(), 3);
//! # Ok::<(), maskwright_grammar::Diagnostics>(())
//! ```

mod ast;
mod gbnf;
mod lark;
mod lexer;
mod lower;
pub(crate) use lower::alternatives;
mod print;
mod tokens;

// Generated from syntax.lalrpop by build.rs.
lalrpop_util::lalrpop_mod!(
    #[allow(clippy::all, missing_docs, unused, rust_2018_idioms, unreachable_pub)]
    syntax,
    "/notation/syntax.rs"
);

pub use print::print;

use crate::{Diagnostic, Diagnostics, Grammar, Place, RegexPool};
use lalrpop_util::ParseError;
use maskwright_tables::{LimitError, Limits};

/// What a source text meant.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The grammar.
    pub grammar: Grammar,
    /// What the author should know although the text is valid.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a grammar.
///
/// # Errors
/// All errors of the first stage that finds any (units, syntax, names and terminals), each with its
/// span. Never panics, for any text.
pub fn parse(text: &str, limits: &Limits) -> Result<Parsed, Diagnostics> {
    check_len(text, limits)?;
    let units = lexer::units(text, limits)?;
    let mut tree = ast::Tree::default();
    syntax::FileParser::new()
        .parse(&mut tree, units)
        .map_err(|e| describe(e, text))?;
    lower::lower(&tree, text, RegexPool::new(), limits)
}

/// Reads a grammar in the notation of Lark, with the extensions of llguidance.
///
/// Names whose first letter is a capital are terminals, all others rules. What has no meaning for a
/// recogniser is a warning of code `no-effect`. Beyond Lark: `{m,n}`, `&` and `~` on terminals,
/// token terminals, `%regex`, options in brackets after a name. A terminal of higher priority is taken
/// out of the terminals of lower ones, text by text. A terminal whose unbounded repeats are all lazy
/// ends as soon as it can; elsewhere there is no longest or shortest match.
///
/// # Errors
/// The first error of syntax, or all errors of names, each with its span. Never panics.
pub fn parse_lark(text: &str, limits: &Limits) -> Result<Parsed, Diagnostics> {
    check_len(text, limits)?;
    lark::parse(text, limits)
}

/// Reads a grammar in llama.cpp's GBNF, the whole of it.
///
/// Beyond llama.cpp: left recursion is fine, counts are not limited to 2,000, and names may have
/// underscores. Refused although llama.cpp takes it: a rule defined twice (there the last one counts)
/// and an empty class (there it matches the empty text).
///
/// # Errors
/// The first error of syntax, or all errors of names, each with its span. Never panics.
pub fn parse_gbnf(text: &str, limits: &Limits) -> Result<Parsed, Diagnostics> {
    check_len(text, limits)?;
    let mut pool = RegexPool::new();
    let tree = gbnf::read(text, &mut pool, limits)?;
    lower::lower(&tree, text, pool, limits)
}

fn check_len(text: &str, limits: &Limits) -> Result<(), Diagnostic> {
    let limit = limits.source_bytes.min(u32::MAX as usize);
    if text.len() > limit {
        let e = LimitError::new("notation source bytes", text.len() as u64, limit as u64);
        return Err(Diagnostic::limit(e, Place::default()));
    }
    Ok(())
}

impl Grammar {
    /// Reads a grammar in Maskwright's EBNF; as [`parse`], warnings dropped.
    pub fn from_ebnf(text: &str, limits: &Limits) -> Result<Grammar, Diagnostics> {
        Ok(parse(text, limits)?.grammar)
    }
}

/// A syntax error in our words.
fn describe(error: ParseError<usize, lexer::Unit<'_>, Diagnostic>, text: &str) -> Diagnostic {
    use lexer::Unit;
    match error {
        ParseError::User { error } => error,
        ParseError::UnrecognizedToken {
            token: (l, unit, r),
            ..
        }
        | ParseError::ExtraToken {
            token: (l, unit, r),
        } => {
            let place = Place::span(l..r);
            let (message, help) = match unit {
                Unit::Define => (
                    "`=` without the name of a rule before it".to_string(),
                    "a rule is `name = expression ;` and names consist of letters, digits, `_` and `-`",
                ),
                Unit::Close => (
                    "`)` without a `(` before it".into(),
                    "remove it or open the group",
                ),
                Unit::Star | Unit::Plus | Unit::Question | Unit::OpenBrace => (
                    format!("{} has nothing to repeat", unit.describe()),
                    "write it after a name, a literal, a class, a regex or a group",
                ),
                Unit::Head(name) => (
                    format!("the rule `{name}` begins before the one above is complete"),
                    "close the group, or complete the expression before it",
                ),
                Unit::Semicolon => (
                    "`;` comes too early".to_string(),
                    "something is missing before it, such as a `)` or a rule",
                ),
                ref other => (
                    format!("{} does not fit here", other.describe()),
                    "a rule is `name = expression ;`; expressions use `|`, `&`, `~`, `* + ? {m,n}` and groups",
                ),
            };
            Diagnostic::new("syntax-error", message, place).with_help(help)
        }
        ParseError::UnrecognizedEof { location, .. } => Diagnostic::new(
            "syntax-error",
            "the text ends in the middle of a rule",
            Place::span(location.min(text.len())..text.len()),
        )
        .with_help("close the last group or directive"),
        ParseError::InvalidToken { location } => Diagnostic::new(
            "syntax-error",
            "this text means nothing here",
            Place::span(location..location),
        ),
    }
}

#[cfg(test)]
mod tests;
