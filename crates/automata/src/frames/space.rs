//! White space between lexemes.
//!
//! Under the flexible policy a gap is a lexeme of its own, which changes nothing but that no second
//! gap follows ([`Core::lex_start`](super::core::Core::lex_start)): so the lexical states of the gap
//! are the same few for all lexemes that may follow it. Under the other policies the gap, one fixed
//! text, is the beginning of the lexeme.

use super::Whitespace;
use crate::lexicon::{ExprId, Lexicon};

/// Where a gap stands. Depths count the open brackets around the gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gap {
    /// Before the whole text.
    Start,
    /// Before a member or element.
    Member(u32),
    /// Before the closing bracket of something that is not empty; the depth inside.
    Close(u32),
    /// Before the closing bracket of something empty.
    CloseEmpty,
    /// Before a comma or colon.
    Tight,
    /// Between the colon and the value.
    Value,
}

/// The most spaces of an indentation under the flexible policy.
const MAX_SPACES: u32 = 64;
/// The most tabs of an indentation under the flexible policy.
const MAX_TABS: u32 = 16;

/// The white space with which a lexeme begins.
pub(super) fn gap(lexicon: &Lexicon, policy: Whitespace, gap: Gap) -> ExprId {
    match policy {
        Whitespace::Compact | Whitespace::Flexible => lexicon.empty(),
        Whitespace::Pretty { indent } => {
            let line = |depth: u32| {
                let spaces = lexicon.bytes(b" ");
                let spaces = lexicon.repeat(
                    spaces,
                    indent.saturating_mul(depth),
                    Some(indent.saturating_mul(depth)),
                );
                lexicon.concat(&[lexicon.bytes(b"\n"), spaces])
            };
            match gap {
                Gap::Start | Gap::CloseEmpty | Gap::Tight => lexicon.empty(),
                Gap::Value => lexicon.bytes(b" "),
                Gap::Member(depth) => line(depth),
                Gap::Close(depth) => line(depth.saturating_sub(1)),
            }
        }
    }
}

/// The gap that is a lexeme of its own, never empty; `None` when there is none.
pub(super) fn free_gap(lexicon: &Lexicon, policy: Whitespace) -> Option<ExprId> {
    (policy == Whitespace::Flexible).then(|| some_space(lexicon))
}

/// One or two spaces, or a line break with an indentation.
fn some_space(lexicon: &Lexicon) -> ExprId {
    let (space, tab) = (lexicon.bytes(b" "), lexicon.bytes(b"\t"));
    let spaces = lexicon.repeat(space, 1, Some(2));
    let carriage = lexicon.repeat(lexicon.bytes(b"\r"), 0, Some(1));
    let indent = lexicon.alt(&[
        lexicon.repeat(space, 0, Some(MAX_SPACES)),
        lexicon.repeat(tab, 1, Some(MAX_TABS)),
    ]);
    let line = lexicon.concat(&[carriage, lexicon.bytes(b"\n"), indent]);
    lexicon.alt(&[spaces, line])
}
