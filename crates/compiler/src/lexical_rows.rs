//! Lexical rows: what a lexical state makes of the tokens of a trie.
//!
//! The vocabulary, seen from a lexical state `q`, falls into tokens that stay inside the lexeme
//! and tokens that end it on the way. A row keeps the first as a set and the second as *residual
//! tries*: for each label set with which the lexeme can end, the trie of what is left of the
//! tokens after that point. The next lexeme then reads the residual trie exactly as the first one
//! read the vocabulary, so a token is cut at the ends of its terminals by repeating one operation,
//! and the answers depend on terminals and vocabulary alone: every grammar that meets the same
//! lexical state and trie shares them.
//!
//! Residual tries are interned by content. Trie 0 is the vocabulary. The root of a residual trie
//! holds the tokens that end exactly where the lexeme ends; they are kept there only when the
//! lexeme cannot go on (otherwise they are inside).

use crate::sets::{SetId, Sets};
use maskwright_automata::Lexicon;
use maskwright_automata::lexicon::ByteSet;
use maskwright_tables::{LabelSet, LexState, LimitError, Limits, TokenId, TokenTrie, Vocabulary};
use papaya::HashMap;
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// An interned trie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TrieId(pub u32);

/// What a lexical state makes of a trie.
#[derive(Debug)]
pub(crate) struct LexRow {
    /// Tokens that stay inside the lexeme.
    pub inside: SetId,
    /// For each way in which the lexeme can end: what is left of the tokens after it.
    pub exits: Box<[(LabelSet, TrieId)]>,
}

/// Rows, tries and sets of one vocabulary, shared by all grammars and threads.
#[derive(Debug)]
pub(crate) struct LexicalRows {
    vocabulary: Arc<Vocabulary>,
    pub lexicon: Arc<Lexicon>,
    pub sets: Sets,
    tries: boxcar::Vec<Arc<TokenTrie>>,
    trie_ids: Mutex<FxHashMap<Arc<TokenTrie>, TrieId>>,
    rows: boxcar::Vec<LexRow>,
    row_ids: HashMap<(LexState, TrieId), u32, FxBuildHasher>,
    trie_bytes: AtomicUsize,
    limits: Limits,
}

impl LexicalRows {
    pub const VOCABULARY: TrieId = TrieId(0);

    /// A hard bound on shared lexical states, for one grammar that outgrows everything.
    const MAX_STATES: usize = 1 << 24;

    /// The same for the bytes of token sets.
    const MAX_BYTES: usize = 4 << 30;

    /// Nothing yet. What all grammars of a vocabulary share is bounded by the compiler, which starts
    /// afresh when it has grown; `limits` bounds single calls.
    pub fn new(vocabulary: Arc<Vocabulary>, limits: Limits) -> Self {
        let limits = Limits { states: Self::MAX_STATES, bytes: Self::MAX_BYTES, ..limits };
        let mut alphabet = ByteSet::default();
        for node in vocabulary.trie().nodes().iter().skip(1) {
            alphabet.insert(node.byte);
        }
        let lexicon = Arc::new(Lexicon::with_alphabet(limits, alphabet));
        let sets = Sets::new(vocabulary.mask_words());
        let tries = boxcar::Vec::new();
        // The vocabulary's trie lives in the vocabulary; its slot here stays empty.
        tries.push(Arc::new(TokenTrie::default()));
        LexicalRows {
            vocabulary,
            lexicon,
            sets,
            tries,
            trie_ids: Mutex::default(),
            rows: boxcar::Vec::new(),
            row_ids: HashMap::with_hasher(FxBuildHasher),
            trie_bytes: AtomicUsize::new(0),
            limits,
        }
    }

    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    pub fn trie(&self, id: TrieId) -> &TokenTrie {
        if id == Self::VOCABULARY { self.vocabulary.trie() } else { &self.tries[id.0 as usize] }
    }

    /// The number of rows and of tries made so far.
    pub fn len(&self) -> (usize, usize) {
        (self.rows.count(), self.tries.count())
    }

    /// Bytes held, about.
    pub fn bytes(&self) -> usize {
        let (expressions, states) = self.lexicon.len();
        self.sets.bytes() + self.trie_bytes.load(Ordering::Relaxed) + 160 * expressions + 200 * states
    }

    /// The row of a lexical state and a trie, made on first use. O(trie nodes that live).
    pub fn row(&self, state: LexState, trie: TrieId) -> Result<&LexRow, LimitError> {
        if let Some(&id) = self.row_ids.pin().get(&(state, trie)) {
            return Ok(&self.rows[id as usize]);
        }
        let row = self.make(state, trie)?;
        let id = self.rows.push(row) as u32;
        let id = *self.row_ids.pin().get_or_insert((state, trie), id);
        Ok(&self.rows[id as usize])
    }

    #[cold]
    fn make(&self, state: LexState, trie_id: TrieId) -> Result<LexRow, LimitError> {
        let trie = self.trie(trie_id);
        let nodes = trie.nodes();
        let lexicon = &*self.lexicon;
        let mut inside: Vec<TokenId> = Vec::new();
        // (labels, node, whether the lexeme cannot go on)
        let mut exits: Vec<(LabelSet, u32, bool)> = Vec::new();
        // For each node on the path from the root: where its subtree ends, and its transitions.
        let mut path = vec![(nodes[0].skip, lexicon.edges(state)?)];
        let mut i = 1;
        while i < nodes.len() {
            let node = &nodes[i];
            while path.len() > 1 && path[path.len() - 1].0 as usize <= i {
                path.pop();
            }
            let next = path[path.len() - 1].1.get(node.byte);
            if next == LexState::DEAD {
                i = node.skip as usize;
                continue;
            }
            let edges = lexicon.edges(next)?;
            let accept = lexicon.accept(next);
            let last = accept != LabelSet::NONE && edges.is_dead();
            if !last {
                inside.extend_from_slice(trie.tokens_at(i));
            }
            if accept != LabelSet::NONE && (last || node.skip as usize > i + 1) {
                exits.push((accept, i as u32, last));
            }
            if last {
                i = node.skip as usize;
            } else {
                path.push((node.skip, edges));
                i += 1;
            }
        }
        let mut residuals: Vec<(LabelSet, TrieId)> = Vec::new();
        let accept = lexicon.accept(state);
        if accept != LabelSet::NONE {
            // The lexeme ends before the token begins.
            residuals.push((accept, trie_id));
        }
        exits.sort_unstable();
        for group in exits.chunk_by(|a, b| a.0 == b.0) {
            let residual = self.residual(trie, group);
            if !self.trie(residual).is_empty() {
                residuals.push((group[0].0, residual));
            }
        }
        if self.sets.bytes() > self.limits.bytes {
            let n = self.limits.bytes as u64;
            return Err(LimitError::new("bytes of token sets", self.sets.bytes() as u64, n));
        }
        Ok(LexRow { inside: self.sets.intern(inside), exits: residuals.into() })
    }

    /// The trie of what is left of the tokens below the given nodes.
    fn residual(&self, trie: &TokenTrie, exits: &[(LabelSet, u32, bool)]) -> TrieId {
        let nodes = trie.nodes();
        let mut entries: Vec<(&[u8], TokenId)> = Vec::new();
        let mut ends: Vec<u32> = Vec::new();
        for &(_, root, last) in exits {
            let root = root as usize;
            if last {
                entries.extend(trie.tokens_at(root).iter().map(|t| (&[][..], *t)));
            }
            // Below the root, the depth is the number of open subtrees.
            ends.clear();
            for i in root + 1..nodes[root].skip as usize {
                while ends.last().is_some_and(|end| *end as usize <= i) {
                    ends.pop();
                }
                ends.push(nodes[i].skip);
                for &token in trie.tokens_at(i) {
                    let bytes = self.vocabulary.bytes(token);
                    entries.push((&bytes[bytes.len() - ends.len()..], token));
                }
            }
        }
        if let [(_, 0, _)] = exits {
            return Self::VOCABULARY;
        }
        entries.sort_unstable();
        // A token can reach the same rest along one path only, but never rely on it.
        entries.dedup();
        self.intern_trie(TokenTrie::from_sorted(&entries))
    }

    fn intern_trie(&self, trie: TokenTrie) -> TrieId {
        let mut ids = self.trie_ids.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = ids.get(&trie) {
            return id;
        }
        self.trie_bytes.fetch_add(12 * trie.len() + 4 * trie.tokens().len() + 96, Ordering::Relaxed);
        let trie = Arc::new(trie);
        let id = TrieId(self.tries.push(Arc::clone(&trie)) as u32);
        ids.insert(trie, id);
        id
    }
}
