//! Rows: which tokens may come next, borrowed from the machine where it has them in one piece.

use crate::error::{MatchError, MatchErrorKind};
use crate::survive::Survival;
use crate::walk::{Core, Run, State, Thread};
use maskwright_kernels::bits;
use maskwright_tables::{Crossing, LexState, TokenId, Tokens};
use smallvec::SmallVec;

/// The tokens that may come next, end tokens included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row<'a> {
    /// Every token for which the model has a logit.
    All,
    /// These tokens, strictly increasing.
    Few(&'a [TokenId]),
    /// One bit a token, as [`fill_mask`](crate::Matcher::fill_mask) writes them.
    Dense(&'a [u32]),
}

impl Row<'_> {
    /// Whether `token` is in the row.
    pub fn contains(&self, token: TokenId) -> bool {
        match self {
            Row::All => true,
            Row::Few(ids) => ids.binary_search(&token).is_ok(),
            Row::Dense(words) => bits::contains(words, token.0),
        }
    }
}

/// Space for the rows that no machine holds in one piece. Reuse it; it keeps its allocations.
#[derive(Clone, Debug, Default)]
pub struct RowScratch {
    ids: Vec<TokenId>,
    words: Vec<u32>,
}

impl RowScratch {
    /// Empty space.
    pub fn new() -> Self {
        Self::default()
    }
}

/// The tokens of one thread: a row of the machine, less those that would repeat a value where values
/// must differ.
struct Part<'a> {
    tokens: Tokens<'a>,
    /// In no order; may name tokens that the row lacks.
    forbidden: Vec<TokenId>,
}

/// The rows of all threads; what may come next is their union.
pub(crate) struct Rows<'a> {
    core: &'a Core,
    parts: SmallVec<[Part<'a>; 2]>,
    /// Whether the output is a sentence.
    pub(crate) ends: bool,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(core: &'a Core, state: &State) -> Result<Self, MatchError> {
        core.check_cancel("mask")?;
        let mut rows = Rows {
            core,
            parts: SmallVec::new(),
            ends: matches!(state, State::Ended),
        };
        for thread in state.threads() {
            let view = thread.stack.view();
            if thread.lex == LexState::DEAD {
                rows.ends |= core.machine.ends(&view)?;
                continue;
            }
            let row = core.machine.row(thread.lex, &view)?;
            rows.ends |= row.ends;
            if let Tokens::Dense(words) | Tokens::Union(words, _) = row.tokens
                && words.len() != core.vocabulary.mask_words()
            {
                return Err(MatchError::inconsistent(
                    "a row and the vocabulary differ in width",
                ));
            }
            if !is_empty(&row.tokens) {
                let forbidden = match core.compares {
                    true => forbidden(core, thread, row.crossing)?,
                    false => Vec::new(),
                };
                rows.parts.push(Part {
                    tokens: row.tokens,
                    forbidden,
                });
            }
        }
        Ok(rows)
    }

    /// The end tokens that may come next.
    fn end_tokens(&self) -> &'a [TokenId] {
        if self.ends {
            &self.core.end_tokens
        } else {
            &[]
        }
    }

    /// An error when nothing may come next, so that no kernel ever sees an empty mask.
    fn check_live(&self) -> Result<(), MatchError> {
        let is_dead = |p: &Part<'_>| !p.forbidden.is_empty() && first_two(p)[0].is_none();
        if self.end_tokens().is_empty() && self.parts.iter().all(is_dead) {
            return Err(MatchError::new(MatchErrorKind::DeadEnd {
                accepting: self.ends,
            }));
        }
        Ok(())
    }

    /// Writes the union into `mask`, which has the right length.
    fn write(&self, mask: &mut [u32]) {
        // Parts that lack tokens of their row come first: the others may allow these.
        let mut first = true;
        for part in self.parts.iter().filter(|p| !p.forbidden.is_empty()) {
            let (words, ids) = split(&part.tokens);
            let mut alone = Vec::new();
            let out = if first {
                &mut *mask
            } else {
                alone.resize(mask.len(), 0);
                &mut alone[..]
            };
            match words {
                [] => out.fill(0),
                words => out.copy_from_slice(words),
            }
            bits::set(out, ids.iter().map(|t| t.0));
            bits::clear(out, part.forbidden.iter().map(|t| t.0));
            if !first {
                bits::or_assign(mask, &alone);
            }
            first = false;
        }
        let whole = || self.parts.iter().filter(|p| p.forbidden.is_empty());
        for words in whole()
            .map(|p| split(&p.tokens).0)
            .filter(|w| !w.is_empty())
        {
            if first {
                mask.copy_from_slice(words);
                first = false;
            } else {
                bits::or_assign(mask, words);
            }
        }
        if first {
            mask.fill(0);
        }
        let lists = whole()
            .map(|p| split(&p.tokens).1)
            .chain([self.end_tokens()]);
        bits::set(mask, lists.flatten().map(|t| t.0));
        bits::clear_from(mask, self.core.vocabulary.width());
    }

    /// Writes the mask, or nothing at all.
    pub(crate) fn fill(&self, mask: &mut [u32]) -> Result<(), MatchError> {
        self.check_live()?;
        self.write(mask);
        Ok(())
    }

    /// The union in the smallest form at hand.
    pub(crate) fn union(&self, scratch: &'a mut RowScratch) -> Result<Row<'a>, MatchError> {
        self.check_live()?;
        let end_tokens = self.end_tokens();
        match (&*self.parts, end_tokens) {
            ([], ends) => return Ok(Row::Few(ends)),
            ([part], []) if part.forbidden.is_empty() => match part.tokens {
                Tokens::Few(ids) => return Ok(Row::Few(ids)),
                Tokens::Dense(words) | Tokens::Union(words, []) => return Ok(self.dense(words)),
                Tokens::Union(..) => {}
            },
            _ => {}
        }
        if self
            .parts
            .iter()
            .all(|p| matches!(p.tokens, Tokens::Few(_)))
        {
            scratch.ids.clear();
            for part in &self.parts {
                if let Tokens::Few(ids) = part.tokens {
                    let allowed = ids.iter().filter(|t| !part.forbidden.contains(t));
                    scratch.ids.extend(allowed);
                }
            }
            scratch.ids.extend_from_slice(end_tokens);
            scratch.ids.sort_unstable();
            scratch.ids.dedup();
            return Ok(Row::Few(&scratch.ids));
        }
        scratch.words.resize(self.core.vocabulary.mask_words(), 0);
        self.write(&mut scratch.words);
        Ok(self.dense(&scratch.words))
    }

    fn dense<'b>(&self, words: &'b [u32]) -> Row<'b> {
        let width = self.core.vocabulary.width();
        let (full, tail) = words.split_at((width / 32).min(words.len()));
        let last = (1u32 << (width % 32)) - 1;
        // Nearly every row has a forbidden token among its first words.
        let all = full.iter().all(|w| *w == u32::MAX) && tail.iter().all(|w| *w == last);
        if all { Row::All } else { Row::Dense(words) }
    }

    /// How many tokens may come next.
    pub(crate) fn count(&self) -> usize {
        let ends = self.end_tokens();
        match (&*self.parts, ends) {
            ([], _) => ends.len(),
            ([part], [])
                if part.forbidden.is_empty() && !matches!(part.tokens, Tokens::Union(..)) =>
            {
                match part.tokens {
                    Tokens::Few(ids) => ids.len(),
                    Tokens::Dense(words) | Tokens::Union(words, _) => bits::count(words),
                }
            }
            _ => {
                let mut words = vec![0; self.core.vocabulary.mask_words()];
                self.write(&mut words);
                bits::count(&words)
            }
        }
    }

    /// The only token that may come next, when the output is not a sentence and there is just one.
    pub(crate) fn sole(&self) -> Option<TokenId> {
        if self.ends {
            return None;
        }
        let mut all = self
            .parts
            .iter()
            .flat_map(|part| first_two(part).into_iter().flatten());
        let sole = all.next()?;
        all.all(|t| t == sole).then_some(sole)
    }
}

/// A row as a bitset (no words for an empty one) and further ids.
fn split<'a>(tokens: &Tokens<'a>) -> (&'a [u32], &'a [TokenId]) {
    match *tokens {
        Tokens::Few(ids) => (&[], ids),
        Tokens::Dense(words) => (words, &[]),
        Tokens::Union(words, ids) => (words, ids),
    }
}

fn is_empty(tokens: &Tokens<'_>) -> bool {
    let (words, ids) = split(tokens);
    // Nearly every bitset has a token among its first words.
    ids.is_empty() && words.iter().all(|w| *w == 0)
}

/// The tokens that would repeat a value read before, or leave none but such, in a thread.
fn forbidden(
    core: &Core,
    thread: &Thread,
    crossing: Crossing<'_>,
) -> Result<Vec<TokenId>, MatchError> {
    let mut out = if core.needs_walk(thread)? {
        Survival::new(core).forbidden(thread)?
    } else {
        match core.exclusion(thread) {
            Some(exclusion) => exclusion.forbidden()?,
            None => Vec::new(),
        }
    };
    let once = match thread.stack.any_seen() {
        true => crossing.once,
        false => &[],
    };
    let mut state = None;
    for &token in once.iter().chain(crossing.twice) {
        let state = state.get_or_insert_with(|| State::One(thread.clone()));
        if let Run::Dead { .. } = core.run(state, core.vocabulary.bytes(token))? {
            out.push(token);
        }
    }
    Ok(out)
}

/// Two of the tokens, or all.
fn first_two(part: &Part<'_>) -> [Option<TokenId>; 2] {
    let (words, ids) = split(&part.tokens);
    let allowed = |t: &TokenId| !part.forbidden.contains(t);
    let mut found = [None; 2];
    // An id may be in both parts of a union.
    for token in bits::ones(words)
        .map(TokenId)
        .filter(allowed)
        .take(2)
        .chain(ids.iter().copied().filter(allowed).take(2))
    {
        match found {
            [None, _] => found[0] = Some(token),
            [Some(first), None] if first != token => found[1] = Some(token),
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_two_sees_every_token_of_small_rows() {
        let t = |id| Some(TokenId(id));
        let first_two = |tokens: &Tokens<'_>| {
            let forbidden = vec![TokenId(7)];
            first_two(&Part {
                tokens: *tokens,
                forbidden,
            })
        };
        let words = [0, 1 << 31, 0, 1 << 3];
        assert_eq!(first_two(&Tokens::Dense(&words)), [t(63), t(99)]);
        assert_eq!(first_two(&Tokens::Few(&[TokenId(4)])), [t(4), None]);
        assert_eq!(
            first_two(&Tokens::Union(&words[..2], &[TokenId(63)])),
            [t(63), None]
        );
        assert_eq!(
            first_two(&Tokens::Union(&[0, 4], &[TokenId(34), TokenId(40)])),
            [t(34), t(40)]
        );
        assert_eq!(
            first_two(&Tokens::Union(&[0], &[TokenId(34), TokenId(40)])),
            [t(34), t(40)]
        );
        assert_eq!(first_two(&Tokens::Few(&[])), [None, None]);
        let listed = [TokenId(3), TokenId(7), TokenId(9)];
        assert_eq!(first_two(&Tokens::Few(&listed)), [t(3), t(9)]);
        assert_eq!(first_two(&Tokens::Dense(&[1 << 7 | 1 << 4])), [t(4), None]);
    }
}
