//! Rows of JSON strings that are near those of simpler ones: listed values and others, bounded lengths, and
//! patterns into which every character leads on.

use super::{LexRow, LexicalRows, TrieId, Walk};
use crate::row_walk::{Difference, Exit, Found};
use crate::text_rows::{self, Lengths};
use maskwright_automata::lexicon::{Bounded, Text};
use maskwright_tables::{LexState, LimitError, TokenId};
use std::sync::atomic::Ordering;

impl LexicalRows {
    /// The row of a JSON string of listed values and others, where that is known without walking its states.
    pub(super) fn text_row(
        &self,
        state: LexState,
        trie_id: TrieId,
        text: &Text,
    ) -> Result<Option<LexRow>, LimitError> {
        let trie = self.trie(trie_id);
        let fans = (trie_id == Self::VOCABULARY).then(|| self.vocabulary.fans());
        let Some(others) = &text.others else {
            let found = text_rows::listed(&self.lexicon, (trie, fans), text);
            let inside = self.sets.intern_places(trie.tokens(), &found.inside);
            return Ok(Some(self.found_row(state, trie_id, inside, found)?));
        };
        if others.base == state {
            return Ok(None);
        }
        let counted = others.chars != (0, u32::MAX);
        let is_simple = trie_id == Self::VOCABULARY && text.opened && text.listed.is_empty();
        if counted && !(is_simple && self.is_low) {
            return Ok(None);
        }
        let walk = self.walk(others.base, trie_id)?;
        let base = (others.base, &*walk);
        let row = if counted {
            self.of_length(state, base, others.chars, Vec::new())
        } else {
            let difference =
                text_rows::others(&self.lexicon, (trie, fans), text, others, &walk.exits);
            self.differing(state, trie_id, base, difference)
        };
        row.map(Some)
    }

    /// The row of a JSON string behind its opening quote and the vocabulary whose values have so many
    /// characters, at least and at most, by that of such strings of any length, without these tokens.
    fn of_length(
        &self,
        state: LexState,
        (base, walk): (LexState, &Walk),
        (least, most): (u32, u32),
        mut removed: Vec<TokenId>,
    ) -> Result<LexRow, LimitError> {
        let trie_id = Self::VOCABULARY;
        let lengths = self.lengths();
        if let Some(words) = lengths.within(most) {
            let mut inside = self.sets.meet(walk.inside, words);
            if !removed.is_empty() {
                inside = self.sets.near(inside, Vec::new(), removed);
            }
            let found = Found {
                exits: lengths.kept(&walk.exits, least, most),
                ..Found::default()
            };
            return self.found_row(state, trie_id, inside, found);
        }
        removed.extend_from_slice(lengths.longer_than(most));
        let mut difference = Difference {
            removed,
            ..Difference::default()
        };
        lengths.cut(&walk.exits, least, most, &mut difference);
        self.differing(state, trie_id, (base, walk), difference)
    }

    pub(super) fn lengths(&self) -> &Lengths {
        self.lengths.get_or_init(|| {
            let lengths = Lengths::new(&self.vocabulary);
            self.trie_bytes
                .fetch_add(lengths.bytes(), Ordering::Relaxed);
            lengths
        })
    }

    /// The row of a JSON string which no token leaves but by its closing quote, as none leaves `base`.
    pub(super) fn live_row(
        &self,
        state: LexState,
        trie_id: TrieId,
        base: LexState,
    ) -> Result<Option<LexRow>, LimitError> {
        let trie = self.trie(trie_id);
        if self.lexicon.leeway(state) < u32::MAX {
            // Only tokens that are longer may leave it.
            let facts = (trie.len() >= Self::LARGE).then(|| self.node_facts(trie_id));
            let Some((heights, below)) = facts.as_ref().and_then(|f| f.nodes()) else {
                return Ok(None);
            };
            let (base, nodes) = ((base, true), (None, heights, below));
            return self.near(state, trie_id, base, nodes, Self::few_of(trie));
        }
        let walk = self.walk(base, trie_id)?;
        let found = Found {
            exits: text_rows::ends(&self.lexicon, trie, state, &walk.exits)?,
            ..Found::default()
        };
        // Most ends are those of any string, or few are.
        let is_ours = |e: &Exit| found.exits.binary_search_by_key(&e.1, |f| f.1).is_ok();
        let alike = found
            .exits
            .iter()
            .all(|e| walk.exits.first().is_some_and(|b| b.0 == e.0));
        if alike && 2 * found.exits.len() > walk.exits.len() {
            let gone = walk.exits.iter().copied().filter(|e| !is_ours(e));
            let difference = Difference {
                gone: gone.collect(),
                ..Difference::default()
            };
            let row = self.differing(state, trie_id, (base, &walk), difference)?;
            return Ok(Some(row));
        }
        let row = self.found_row(state, trie_id, walk.inside, found)?;
        Ok(Some(row))
    }

    /// The row of a JSON string of bounded length behind its opening quote and the vocabulary, by that of its
    /// pattern: tokens of more characters than are left lead nowhere, and those after which any beginning can
    /// still be completed are as without the bound. `None` where many tokens are between these.
    pub(super) fn bounded_row(
        &self,
        state: LexState,
        bounded: Bounded,
    ) -> Result<Option<LexRow>, LimitError> {
        const FEW: usize = 512;
        let Bounded { base, most, reach } = bounded;
        let lengths = self.lengths();
        let longer = lengths.longer_than(most);
        let near = &lengths.longer_than(most.saturating_sub(reach))[longer.len()..];
        if !self.is_low || near.len() > FEW {
            return Ok(None);
        }
        let walk = self.walk(base, Self::VOCABULARY)?;
        let mut removed = Vec::new();
        for &token in near {
            if self.sets.contains(walk.inside, token) && !self.ends_within(state, bounded, token)? {
                removed.push(token);
            }
        }
        let row = self.of_length(state, (base, &walk), (0, most), removed)?;
        Ok(Some(row))
    }

    /// Whether a token that stays inside the pattern leaves enough characters to complete it.
    fn ends_within(
        &self,
        state: LexState,
        bounded: Bounded,
        token: TokenId,
    ) -> Result<bool, LimitError> {
        let bytes = self.vocabulary.bytes(token);
        let left = bounded.most.saturating_sub(text_rows::characters(bytes));
        let mut at = bounded.base;
        for &byte in bytes {
            at = self.lexicon.next(at, byte)?;
        }
        if let Some(ends) = self.lexicon.ends_within(at, left) {
            return Ok(ends);
        }
        at = state;
        for &byte in bytes {
            at = self.lexicon.next(at, byte)?;
        }
        Ok(at != LexState::DEAD)
    }
}
