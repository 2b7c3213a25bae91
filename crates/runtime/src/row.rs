//! Rows: which tokens may come next, borrowed from the machine where it has them in one piece.

use crate::distinct::{Start, may_repeat};
use crate::error::{MatchError, MatchErrorKind};
use crate::growing::Growing;
use crate::survive::Survival;
use crate::walk::{Core, Run, State, Thread};
use maskwright_kernels::bits;
use maskwright_tables::{Crossing, LexState, TokenId, Tokens};
use rustc_hash::FxHashMap;
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
    /// A bitset that many rows share, with exceptions: nothing that grows with the vocabulary is
    /// written. What is added is in the row, whatever is removed.
    Near {
        /// One bit a token.
        base: &'a [u32],
        /// Ids that are in the row beside those of the base, strictly increasing.
        added: &'a [TokenId],
        /// Ids that are taken out of the base, strictly increasing.
        removed: &'a [TokenId],
    },
}

impl Row<'_> {
    /// Writes the row as [`fill_mask`](crate::Matcher::fill_mask) does, for a model with `width`
    /// logits.
    ///
    /// Ids and words that `mask` has no place for are left out.
    pub fn fill(&self, mask: &mut [u32], width: usize) {
        match *self {
            Row::All => mask.fill(u32::MAX),
            Row::Few(ids) => {
                mask.fill(0);
                bits::set(mask, ids.iter().map(|t| t.0));
            }
            Row::Dense(words) => bits::copy(mask, words),
            Row::Near {
                base,
                added,
                removed,
            } => {
                bits::copy(mask, base);
                bits::clear(mask, removed.iter().map(|t| t.0));
                bits::set(mask, added.iter().map(|t| t.0));
            }
        }
        bits::clear_from(mask, width);
    }

    /// Whether `token` is in the row.
    pub fn contains(&self, token: TokenId) -> bool {
        match self {
            Row::All => true,
            Row::Few(ids) => ids.binary_search(&token).is_ok(),
            Row::Dense(words) => bits::contains(words, token.0),
            Row::Near {
                base,
                added,
                removed,
            } => {
                added.binary_search(&token).is_ok()
                    || bits::contains(base, token.0) && removed.binary_search(&token).is_err()
            }
        }
    }
}

/// Space for the rows that no machine holds in one piece. Reuse it; it keeps its allocations.
#[derive(Clone, Debug, Default)]
pub struct RowScratch {
    ids: Vec<TokenId>,
    removed: Vec<TokenId>,
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
    parts: SmallVec<[Part<'a>; 1]>,
    /// Whether the output is a sentence.
    pub(crate) ends: bool,
}

impl<'a> Rows<'a> {
    #[inline]
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
            let words = Parts::of(&row.tokens).base;
            if !words.is_empty() && words.len() != core.vocabulary.mask_words() {
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

    /// Whether `token`, which is no end token here, may come next.
    pub(crate) fn contains(&self, token: TokenId) -> bool {
        self.parts.iter().any(|part| {
            let Parts {
                base,
                added,
                removed,
            } = Parts::of(&part.tokens);
            let kept = bits::contains(base, token.0) && removed.binary_search(&token).is_err();
            (kept || added.contains(&token)) && !part.forbidden.contains(&token)
        })
    }

    /// Whether any token may come next, or the output is a sentence.
    pub(crate) fn is_live(&self) -> bool {
        self.ends || self.parts.iter().any(|p| first_two(p)[0].is_some())
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
        let mut first = true;
        for part in &self.parts {
            let Parts {
                base,
                added,
                removed,
            } = Parts::of(&part.tokens);
            // What this part leaves out stays as the others have it.
            let out = removed.iter().chain(&part.forbidden).map(|t| t.0);
            let out: SmallVec<[u32; 16]> = match first {
                true => out.collect(),
                false => out.filter(|t| !bits::contains(mask, *t)).collect(),
            };
            match (first, base) {
                (true, []) => mask.fill(0),
                (true, base) => mask.copy_from_slice(base),
                (false, base) => bits::or_assign(mask, base),
            }
            bits::set(mask, added.iter().map(|t| t.0));
            bits::clear(mask, out);
            first = false;
        }
        if first {
            mask.fill(0);
        }
        bits::set(mask, self.end_tokens().iter().map(|t| t.0));
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
            ([part], ends) => match (part.tokens, &*part.forbidden) {
                (Tokens::Few(ids), []) if ends.is_empty() => return Ok(Row::Few(ids)),
                (Tokens::Few(_), _) => {}
                (Tokens::Dense(words) | Tokens::Union(words, []), []) if ends.is_empty() => {
                    return Ok(self.dense(words));
                }
                (tokens, forbidden) if self.is_clean(Parts::of(&tokens).base) => {
                    return Ok(near(&tokens, forbidden, ends, scratch));
                }
                _ => {}
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

    /// Whether a bitset of the right length names no token behind the logits, as machines promise.
    fn is_clean(&self, words: &[u32]) -> bool {
        let past = self.core.vocabulary.width() % 32;
        past == 0 || words.last().is_none_or(|last| last >> past == 0)
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
                let parts = Parts::of(&part.tokens);
                (bits::count(parts.base) + parts.added.len()).saturating_sub(parts.removed.len())
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

/// A row that is no list, less what is forbidden, and with the end tokens. O(exceptions).
fn near<'a>(
    tokens: &Tokens<'a>,
    forbidden: &[TokenId],
    ends: &'a [TokenId],
    scratch: &'a mut RowScratch,
) -> Row<'a> {
    let Parts {
        base,
        mut added,
        mut removed,
    } = Parts::of(tokens);
    let RowScratch {
        ids, removed: out, ..
    } = scratch;
    if !forbidden.is_empty() {
        out.clear();
        out.extend_from_slice(removed);
        out.extend_from_slice(forbidden);
        out.sort_unstable();
        out.dedup();
        removed = out;
    }
    if !ends.is_empty() || !forbidden.is_empty() && !added.is_empty() {
        ids.clear();
        ids.extend(added.iter().filter(|t| !forbidden.contains(t)));
        ids.extend_from_slice(ends);
        ids.sort_unstable();
        ids.dedup();
        added = ids;
    }
    Row::Near {
        base,
        added,
        removed,
    }
}

/// A row as a bitset (no words for an empty one), ids added to it and ids taken out of it.
struct Parts<'a> {
    base: &'a [u32],
    added: &'a [TokenId],
    removed: &'a [TokenId],
}

impl<'a> Parts<'a> {
    fn of(tokens: &Tokens<'a>) -> Self {
        let (base, added, removed): (&[u32], &[TokenId], &[TokenId]) = match *tokens {
            Tokens::Few(ids) => (&[], ids, &[]),
            Tokens::Dense(words) => (words, &[], &[]),
            Tokens::Union(words, ids) => (words, ids, &[]),
            Tokens::Exceptions {
                base,
                added,
                removed,
            } => (base, added, removed),
        };
        Parts {
            base,
            added,
            removed,
        }
    }

    /// The ids of the bitset that are not taken out of it.
    fn kept(&self) -> impl Iterator<Item = TokenId> + 'a {
        let removed = self.removed;
        bits::ones(self.base)
            .map(TokenId)
            .filter(move |t| removed.binary_search(t).is_err())
    }
}

#[inline]
fn is_empty(tokens: &Tokens<'_>) -> bool {
    let parts = Parts::of(tokens);
    if !parts.added.is_empty() {
        return false;
    }
    // Nearly every bitset has more tokens among its first words than are taken out.
    let mut left = parts.removed.len();
    for word in parts.base {
        let ones = word.count_ones() as usize;
        if ones > left {
            return false;
        }
        left -= ones;
    }
    parts.kept().next().is_none()
}

/// The tokens that would repeat a value read before, or leave none but such, in a thread.
fn forbidden(
    core: &Core,
    thread: &Thread,
    crossing: Crossing<'_>,
) -> Result<Vec<TokenId>, MatchError> {
    let mut out = match thread.lexeme.is_tracked() {
        false => Vec::new(),
        true if core.needs_walk(thread)? => Survival::new(core).forbidden(thread)?,
        true => match core.exclusion(thread) {
            Some(exclusion) => exclusion.forbidden()?,
            None => Vec::new(),
        },
    };
    let once = match thread.stack.any_seen() {
        true => crossing.once,
        false => &[],
    };
    if once.is_empty() && crossing.twice.is_empty() {
        return Ok(out);
    }
    // Where only strings were read, only tokens with the beginning of such a string can repeat one.
    let strings = thread.stack.few_seen();
    let strings = strings.filter(|all| all.iter().all(|seen| seen.are_strings()));
    let start = match thread.lexeme.is_tracked() {
        true => thread.lexeme.start(),
        false if core.machine.lex_is_fresh(thread.lex) => Start::Outside,
        false => Start::Unknown,
    };
    let repeats = |token: &&TokenId| {
        let bytes = core.vocabulary.bytes(**token);
        strings
            .as_ref()
            .is_none_or(|all| all.iter().any(|seen| may_repeat(seen, bytes, start)))
    };
    let mut state = None;
    let mut growing = Growing::default();
    // Whether a number grows at the first of the digits with which a token ends, by the bytes up to there.
    let mut grown: FxHashMap<&[u8], bool> = FxHashMap::default();
    for &token in once.iter().filter(repeats).chain(crossing.twice) {
        let state = state.get_or_insert_with(|| State::One(thread.clone()));
        let bytes = core.vocabulary.bytes(token);
        let digits = bytes.iter().rev().take_while(|b| b.is_ascii_digit());
        let digits = digits.count();
        if digits > 0 {
            let begun = &bytes[..bytes.len() - digits + 1];
            let grows = match grown.get(begun) {
                Some(&known) => known,
                None => {
                    let grows = match core.run(state, begun)? {
                        Run::Alive(state) => core.grows(state.threads(), &mut growing)?,
                        Run::Dead { .. } => false,
                    };
                    grown.insert(begun, grows);
                    grows
                }
            };
            if grows {
                continue;
            }
        }
        if let Run::Dead { .. } = core.run(state, bytes)? {
            out.push(token);
        }
    }
    Ok(out)
}

/// Two of the tokens, or all.
fn first_two(part: &Part<'_>) -> [Option<TokenId>; 2] {
    let parts = Parts::of(&part.tokens);
    let allowed = |t: &TokenId| !part.forbidden.contains(t);
    let mut found = [None; 2];
    // An id may be in both parts of a union.
    for token in parts
        .kept()
        .filter(allowed)
        .take(2)
        .chain(parts.added.iter().copied().filter(allowed).take(2))
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
    fn rows_near_a_bitset_lose_what_is_forbidden_and_keep_the_ends() {
        let t = |ids: &[u32]| -> Vec<TokenId> { ids.iter().copied().map(TokenId).collect() };
        let (added, removed, ends) = (t(&[33, 40]), t(&[1, 3]), t(&[3, 5]));
        let words = [0b11111, 0b1];
        let tokens = Tokens::Exceptions {
            base: &words,
            added: &added,
            removed: &removed,
        };
        let mut scratch = RowScratch::new();
        for (forbidden, ends, expected) in [
            (t(&[]), &[][..], t(&[0, 2, 4, 32, 33, 40])),
            (t(&[33, 2, 50]), &[], t(&[0, 4, 32, 40])),
            (t(&[]), &ends, t(&[0, 2, 3, 4, 5, 32, 33, 40])),
            (t(&[40, 4, 5]), &ends, t(&[0, 2, 3, 5, 32, 33])),
        ] {
            let row = near(&tokens, &forbidden, ends, &mut scratch);
            let Row::Near { added, removed, .. } = row else {
                panic!("{row:?}");
            };
            assert!(added.is_sorted() && removed.is_sorted());
            let mut mask = [u32::MAX; 2];
            row.fill(&mut mask, 64);
            let ids: Vec<TokenId> = bits::ones(&mask).map(TokenId).collect();
            assert_eq!(ids, expected);
            for id in 0..64 {
                assert_eq!(row.contains(TokenId(id)), expected.contains(&TokenId(id)));
            }
        }
    }

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
        let without = |removed: &'static [TokenId]| Tokens::Exceptions {
            base: &[0b1101],
            added: &[TokenId(5)],
            removed,
        };
        assert_eq!(first_two(&without(&[TokenId(0), TokenId(2)])), [t(3), t(5)]);
        assert_eq!(first_two(&without(&[TokenId(0)])), [t(2), t(3)]);
        let none = [TokenId(0), TokenId(2), TokenId(3)];
        let gone = Tokens::Exceptions {
            base: &[0b1101],
            added: &[],
            removed: &none,
        };
        assert!(is_empty(&gone));
    }
}
