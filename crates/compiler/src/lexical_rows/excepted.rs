//! Rows of names that are no keywords, from that of all names.
//!
//! Where a state reads what another one does but for some strings ([`Lexicon::excepted`]), it keeps the same
//! tokens, and a lexeme ends at the same nodes but for those that spell one of the strings. A keyword tells
//! letters apart, so a walk of such a state by classes of bytes comes to single nodes everywhere. That of the
//! other state does not, and serves all states inside a name, whichever keywords may still come.

use super::tries::Roots;
use super::{LexRow, LexicalRows, TrieId, Walk};
#[cfg(doc)]
use maskwright_automata::Lexicon;
use maskwright_automata::lexicon::{ByteSet, Excepted, Words};
use maskwright_tables::{LexState, LimitError, heap};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a walk by classes found; `None` where it came to too many nodes.
pub(super) type ByClass = Option<Arc<Walk>>;

impl LexicalRows {
    /// The state without some strings that a state is, if it is one and its row can be found by that.
    pub(super) fn excepted_base(
        &self,
        state: LexState,
        trie_id: TrieId,
    ) -> Result<Option<&Excepted>, LimitError> {
        // Where lexemes begin inside each other, one may end where a string of another one does.
        match self.is_nested(trie_id) {
            true => Ok(None),
            false => self.lexicon.excepted(state),
        }
    }

    /// The row of a state that is another one without some strings, over the vocabulary or a spread trie. `None`
    /// where too many bytes have to be told apart for the other one.
    pub(super) fn excepted_row(
        &self,
        state: LexState,
        trie_id: TrieId,
        excepted: &Excepted,
    ) -> Result<Option<LexRow>, LimitError> {
        let Some(base) = self.walk_by_class(excepted.rest, trie_id)? else {
            return Ok(None);
        };
        let gone = self.spelled_nodes(trie_id, &excepted.strings);
        let mut residuals = Vec::new();
        for group in base.residuals.chunk_by(|a, b| a.labels == b.labels) {
            if group[0].labels == excepted.labels && !gone.is_empty() {
                let known = (excepted.rest, &*base);
                let gone = (gone.clone(), base.inside);
                let rests = self.rests_without(trie_id, known, group, gone);
                residuals.extend_from_slice(&rests);
            } else {
                residuals.extend_from_slice(group);
            }
        }
        let residuals = residuals.into_iter().map(|r| (r.labels, r.trie)).collect();
        self.finish(state, trie_id, base.inside, residuals)
            .map(Some)
    }

    /// The walk of a state by classes of bytes, made on first use.
    fn walk_by_class(&self, state: LexState, trie_id: TrieId) -> Result<ByClass, LimitError> {
        if let Some(known) = self.by_class.pin().get(&(state, trie_id)) {
            return Ok(known.clone());
        }
        let large = trie_id == Self::VOCABULARY && self.lexicon.wide(state)?.0 != state;
        let found = match large {
            true => None,
            // Many states share it.
            false => self.class_walk(state, trie_id, false, usize::MAX)?,
        };
        let walk = found.map(|(inside, found)| self.walk_of(trie_id, inside, found));
        let bytes = walk.as_ref().map_or(0, Walk::heap_bytes);
        self.trie_bytes
            .fetch_add(heap::allocation(bytes), Ordering::Relaxed);
        let walk = walk.map(Arc::new);
        let walks = self.by_class.pin();
        Ok(walks.get_or_insert((state, trie_id), walk).clone())
    }

    /// The nodes of the vocabulary's trie that spell one of these strings from the root of a trie on.
    fn spelled_nodes(&self, trie_id: TrieId, strings: &[Words]) -> Roots {
        let trie = self.trie(trie_id);
        let mut out = Vec::new();
        let mut open: Vec<(usize, &[ByteSet])> = Vec::new();
        match self.laid_edges(trie_id) {
            None => open.extend(strings.iter().map(|string| (0, &string[..]))),
            Some(edges) => {
                let mut by_first: [Vec<&[ByteSet]>; 256] = std::array::from_fn(|_| Vec::new());
                for string in strings {
                    for byte in string[0].iter() {
                        by_first[usize::from(byte)].push(&string[1..]);
                    }
                }
                for edge in edges {
                    let alike = &by_first[usize::from(trie.nodes()[edge as usize].byte)];
                    open.extend(alike.iter().map(|rest| (edge as usize, *rest)));
                }
            }
        }
        while let Some((node, string)) = open.pop() {
            match string {
                [] => out.push((node as u32, false)),
                [first, rest @ ..] => {
                    let next = first.iter().filter_map(|byte| trie.child(node, byte));
                    open.extend(next.map(|child| (child, rest)));
                }
            }
        }
        out.sort_unstable();
        out.dedup();
        out.into()
    }
}
