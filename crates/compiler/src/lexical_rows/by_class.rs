//! Rows over the vocabulary and spread tries, with strings of like bytes as one.

use super::tries::{NodeFacts, layers, parted};
use super::{LexRow, LexicalRows, TrieId, Walk};
use crate::class_trie::{CLASS, ClassFound, ClassTrie};
use crate::row_walk::{self, Found};
use crate::sets::SetId;
use maskwright_automata::lexicon::Shape;
use maskwright_kernels::bits;
use maskwright_tables::{LabelSet, LexState, LimitError};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl LexicalRows {
    /// The row of a JSON string and the vocabulary, where few bytes have to be told apart.
    pub(super) fn string_row(&self, state: LexState) -> Result<Option<LexRow>, LimitError> {
        let trie_id = Self::VOCABULARY;
        let facts = self.node_facts(trie_id);
        let wide = self.lexicon.wide(state)?.0;
        // Of a state with large counts walks make many states.
        if wide != state
            && let Some((heights, below)) = facts.nodes()
            && let Some(row) = self.near(
                state,
                trie_id,
                (wide, false),
                (None, heights, below),
                Self::few_of(self.trie(trie_id)),
            )?
        {
            return Ok(Some(row));
        }
        let found = self.quoted_walk(state)?;
        let row = found.map(|(inside, found)| self.found_row(state, trie_id, inside, found));
        row.transpose()
    }

    /// The [`class_walk`](Self::class_walk) of a JSON string and the vocabulary, the ends as nodes of its trie: little is left behind
    /// closing quotes, and not worth its kinds.
    fn quoted_walk(&self, state: LexState) -> Result<Option<(SetId, Found)>, LimitError> {
        let most = Self::few_of(self.trie(Self::VOCABULARY));
        let found = self.class_walk(state, Self::VOCABULARY, true, most)?;
        Ok(found.map(|(inside, mut found)| {
            if let Some(classes) = self.classes.get() {
                found.exits = classes.laid_exits(found.exits);
            }
            (inside, found)
        }))
    }

    /// The walk of a state over the vocabulary or a spread trie with strings of like bytes as one: the tokens
    /// inside, and the ends. `None` where bytes have to be told apart at more than so many nodes.
    pub(super) fn class_walk(
        &self,
        state: LexState,
        trie_id: TrieId,
        joined: bool,
        mut most: usize,
    ) -> Result<Option<(SetId, Found)>, LimitError> {
        let Some((classes, facts)) = self.class_trie() else {
            return Ok(None);
        };
        let trie = self.trie(trie_id);
        let whole = !matches!(self.lexicon.shape(state)?, Shape::Other);
        let all = (trie, &facts.below[..]);
        let mut found = ClassFound::default();
        match self.edges(trie_id) {
            None => match classes.walk(&self.lexicon, all, state, (None, whole), &mut most)? {
                Some(own) => found = own,
                None => return Ok(None),
            },
            Some(edges) => {
                let (nodes, marked) = parted(edges);
                let marked: Vec<u32> = marked.iter().map(|e| e & !CLASS).collect();
                let (nodes, marked) = match joined {
                    true => (vec![nodes.to_vec()], vec![marked]),
                    false => (
                        layers(nodes, |n| trie.nodes()[n as usize].skip),
                        layers(&marked, |n| classes.skip(n)),
                    ),
                };
                for layer in marked {
                    let starts = (Some(&layer[..]), whole);
                    match classes.walk(&self.lexicon, all, state, starts, &mut most)? {
                        Some(own) => found.add(own),
                        None => return Ok(None),
                    }
                }
                for layer in nodes {
                    let starts = (Some(&layer[..]), LabelSet::NONE);
                    let below = Some(all.1);
                    let lexicon = &self.lexicon;
                    match row_walk::plain_within(lexicon, trie, below, state, starts, &mut most)? {
                        Some(own) => found.rest.add(own),
                        None => return Ok(None),
                    }
                }
            }
        }
        let ClassFound {
            inside,
            tokens,
            mut rest,
        } = found;
        let places = std::mem::take(&mut rest.inside);
        let apart = places.of(trie.tokens()).chain([&tokens[..]]);
        let count = classes.count(&inside) + places.len() + tokens.len();
        let tokens = if count <= self.sets.many() {
            let runs = classes.tokens(&inside).chain(apart);
            self.sets.intern_runs(count, runs)
        } else {
            let mut words = classes.bitset(&inside);
            for run in apart {
                bits::set(&mut words, run.iter().map(|t| t.0));
            }
            self.sets.intern_words(words)
        };
        Ok(Some((tokens, rest)))
    }

    /// The vocabulary's trie by classes of bytes, and what is known of its nodes; `None` where it is small.
    pub(super) fn class_trie(&self) -> Option<(&ClassTrie, Arc<NodeFacts>)> {
        let trie = self.trie(Self::VOCABULARY);
        if trie.len() < Self::LARGE {
            return None;
        }
        let facts = self.node_facts(Self::VOCABULARY);
        let classes = self.classes.get_or_init(|| {
            let classes = ClassTrie::new(trie, &facts.below, self.vocabulary.mask_words());
            self.trie_bytes
                .fetch_add(classes.heap_bytes(), Ordering::Relaxed);
            classes
        });
        Some((classes, facts))
    }

    /// The walk of a JSON string over the vocabulary, where strings of like bytes are one.
    pub(super) fn string_walk(
        &self,
        state: LexState,
        trie_id: TrieId,
    ) -> Result<Option<Walk>, LimitError> {
        if trie_id != Self::VOCABULARY || matches!(self.lexicon.shape(state)?, Shape::Other) {
            return Ok(None);
        }
        let found = self.quoted_walk(state)?;
        Ok(found.map(|(inside, found)| self.walk_of(trie_id, inside, found)))
    }
}
