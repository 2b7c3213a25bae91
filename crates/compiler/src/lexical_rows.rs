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
//! Where the vocabulary has gaps (bytes that are no tokens by themselves), a token that stays inside
//! the lexeme may leave it where no tokens spell the rest. Those are left out, and the others are
//! kept by the state in which they end too, for whoever has to know more of it ([`LexRow::ends`]).
//!
//! Residual tries are interned by content. Trie 0 is the vocabulary. The root of a residual trie
//! holds the tokens that end exactly where the lexeme ends; they are kept there only when the
//! lexeme cannot go on (otherwise they are inside).

use crate::row_walk::{self, Exit};
use crate::sets::{SetId, Sets};
use maskwright_automata::Lexicon;
use maskwright_automata::lexicon::{ByteSet, Spelling};
use maskwright_tables::{LabelSet, LexState, LimitError, Limits, TokenTrie, Vocabulary};
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
    /// Tokens that stay inside the lexeme. Where the vocabulary has gaps, those after which whole tokens
    /// spell the rest of it.
    pub inside: SetId,
    /// Where the vocabulary has gaps: all tokens that stay inside the lexeme and after which tokens
    /// spell the rest, be it that one goes on behind it, by the state in which they end.
    pub ends: Box<[(LexState, Spelling, SetId)]>,
    /// For each way in which the lexeme can end: what is left of the tokens after it.
    pub exits: Box<[(LabelSet, TrieId)]>,
}

/// The whole walk of a state, kept to answer for the states near it.
#[derive(Debug)]
struct Walk {
    /// Tokens that stay inside the lexeme.
    inside: SetId,
    /// Its ends in preorder.
    exits: Vec<Exit>,
    residuals: Vec<(LabelSet, TrieId)>,
}

/// A trie of what is left of some tokens.
#[derive(Debug)]
struct Residual {
    trie: Arc<TokenTrie>,
    /// The tokens of its root: of these nothing is left.
    here: SetId,
}

/// What is known of the nodes of a large trie.
#[derive(Debug)]
struct Shape {
    /// The bytes to the deepest node below each. Only of a trie in which no token lies at two nodes: in
    /// another one, to take a node out of a set of tokens would take out tokens that another node
    /// puts there.
    heights: Option<Vec<u8>>,
    /// The classes of the bytes below each.
    below: Vec<u64>,
}

/// Nodes of a trie, and whether the tokens that end at each count.
type Roots = Box<[(u32, bool)]>;

/// Rows, tries and sets of one vocabulary, shared by all grammars and threads.
#[derive(Debug)]
pub(crate) struct LexicalRows {
    vocabulary: Arc<Vocabulary>,
    pub lexicon: Arc<Lexicon>,
    pub sets: Sets,
    tries: boxcar::Vec<Residual>,
    trie_ids: Mutex<FxHashMap<Arc<TokenTrie>, TrieId>>,
    /// Tries by the nodes below which they were collected: `None` where no token is left. The
    /// second key is the state whose ends the nodes were taken out of, or `DEAD`.
    merges: HashMap<(TrieId, LexState, LabelSet, Roots), Option<TrieId>, FxBuildHasher>,
    rows: boxcar::Vec<LexRow>,
    row_ids: HashMap<(LexState, TrieId), u32, FxBuildHasher>,
    walks: HashMap<(LexState, TrieId), Arc<Walk>, FxBuildHasher>,
    shapes: HashMap<TrieId, Arc<Shape>, FxBuildHasher>,
    trie_bytes: AtomicUsize,
    /// Whether no token has [`Lexicon::FAR`] bytes, so that states which agree that far have the same
    /// rows.
    is_low: bool,
    limits: Limits,
}

/// Rows that have grown large are freed by a thread of their own: hundreds of megabytes in small
/// pieces take half a second, and the last owner may be a grammar in the middle of a batch.
impl Drop for LexicalRows {
    fn drop(&mut self) {
        const LARGE: usize = 16 << 20;
        if self.bytes() < LARGE {
            return;
        }
        let sets = std::mem::replace(&mut self.sets, Sets::new(0));
        let tries = (
            std::mem::take(&mut self.tries),
            std::mem::take(&mut self.trie_ids),
        );
        let rows = (
            std::mem::take(&mut self.merges),
            std::mem::take(&mut self.rows),
            std::mem::take(&mut self.row_ids),
        );
        let walks = (
            std::mem::take(&mut self.walks),
            std::mem::take(&mut self.shapes),
        );
        let all = (rows, walks, tries, sets, Arc::clone(&self.lexicon));
        // Without a thread the closure, and all that it holds, is dropped here.
        let _ = std::thread::Builder::new().spawn(move || drop(all));
    }
}

impl LexicalRows {
    pub const VOCABULARY: TrieId = TrieId(0);

    /// Tries of fewer nodes are walked as they are.
    const LARGE: usize = 1024;

    /// A hard bound on shared lexical states, for one grammar that outgrows everything.
    const MAX_STATES: usize = 1 << 24;

    /// The same for the bytes of token sets.
    const MAX_BYTES: usize = 4 << 30;

    /// Nothing yet. What all grammars of a vocabulary share is bounded by the compiler, which starts
    /// afresh when it has grown; `limits` bounds single calls.
    pub fn new(vocabulary: Arc<Vocabulary>, limits: Limits) -> Self {
        let limits = Limits {
            states: Self::MAX_STATES,
            bytes: Self::MAX_BYTES,
            ..limits
        };
        // One byte more than a token has: whether an accepting state can go on is asked too.
        let deepest = vocabulary
            .trie()
            .nodes()
            .iter()
            .map(|n| u32::from(n.depth))
            .max();
        let is_low = deepest.is_some_and(|depth| depth + 1 < Lexicon::FAR);
        let lexicon = Arc::new(if vocabulary.has_gaps() {
            let pieces: Vec<&[u8]> = vocabulary.text_tokens().map(|(_, bytes)| bytes).collect();
            Lexicon::with_pieces(limits, &pieces)
        } else {
            let mut alphabet = ByteSet::default();
            for node in vocabulary.trie().nodes().iter().skip(1) {
                alphabet.insert(node.byte);
            }
            Lexicon::with_alphabet(limits, alphabet)
        });
        let sets = Sets::new(vocabulary.mask_words());
        let tries = boxcar::Vec::new();
        // The vocabulary's trie lives in the vocabulary; its slot here stays empty.
        tries.push(Residual {
            trie: Arc::new(TokenTrie::default()),
            here: sets.intern(vocabulary.trie().tokens_at(0).to_vec()),
        });
        LexicalRows {
            vocabulary,
            lexicon,
            sets,
            tries,
            trie_ids: Mutex::default(),
            merges: HashMap::with_hasher(FxBuildHasher),
            rows: boxcar::Vec::new(),
            row_ids: HashMap::with_hasher(FxBuildHasher),
            walks: HashMap::with_hasher(FxBuildHasher),
            shapes: HashMap::with_hasher(FxBuildHasher),
            trie_bytes: AtomicUsize::new(0),
            is_low,
            limits,
        }
    }

    /// Makes the rows that every JSON Schema needs: those inside a string, and inside a name.
    pub fn warm(&self) -> Result<(), LimitError> {
        for value in maskwright_automata::frames::common_texts(&self.lexicon) {
            let text = self.lexicon.fresh(self.lexicon.json_string(value))?;
            self.row(self.lexicon.next(text, b'"')?, Self::VOCABULARY)?;
        }
        Ok(())
    }

    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    pub fn trie(&self, id: TrieId) -> &TokenTrie {
        if id == Self::VOCABULARY {
            self.vocabulary.trie()
        } else {
            &self.tries[id.0 as usize].trie
        }
    }

    /// The tokens of the root of a trie.
    pub fn here(&self, id: TrieId) -> SetId {
        self.tries[id.0 as usize].here
    }

    /// The number of rows and of tries made so far.
    pub fn len(&self) -> (usize, usize) {
        (self.rows.count(), self.tries.count())
    }

    /// Bytes held, about.
    pub fn bytes(&self) -> usize {
        let (expressions, states) = self.lexicon.len();
        self.sets.bytes()
            + self.trie_bytes.load(Ordering::Relaxed)
            + 160 * expressions
            + 200 * states
    }

    /// The row of a lexical state and a trie, made on first use. O(trie nodes that live).
    pub fn row(&self, state: LexState, trie: TrieId) -> Result<&LexRow, LimitError> {
        if let Some(&id) = self.row_ids.pin().get(&(state, trie)) {
            return Ok(&self.rows[id as usize]);
        }
        let far = match self.is_low && !self.lexicon.has_gaps() {
            true => self.lexicon.far(state)?,
            false => state,
        };
        let id = self.row_id(far, trie)?;
        if far != state {
            self.row_ids.pin().insert((state, trie), id);
        }
        Ok(&self.rows[id as usize])
    }

    fn row_id(&self, state: LexState, trie: TrieId) -> Result<u32, LimitError> {
        if let Some(&id) = self.row_ids.pin().get(&(state, trie)) {
            return Ok(id);
        }
        let row = self.make(state, trie)?;
        let id = self.rows.push(row) as u32;
        Ok(*self.row_ids.pin().get_or_insert((state, trie), id))
    }

    #[cold]
    fn make(&self, state: LexState, trie_id: TrieId) -> Result<LexRow, LimitError> {
        let trie = self.trie(trie_id);
        let shape = (trie.len() >= Self::LARGE).then(|| self.shape(trie_id));
        if self.lexicon.has_gaps() {
            let below = shape.as_ref().map(|s| &s.below[..]);
            return self.with_gaps(state, trie_id, below);
        }
        if let Some(shape) = &shape
            && let Some(heights) = &shape.heights
            && let Some(base) = row_walk::base_of(&self.lexicon, trie, state)?
        {
            return self.near(state, trie_id, base, heights);
        }
        let below = shape.as_ref().map(|s| &s.below[..]);
        let (inside, mut exits) = row_walk::plain(&self.lexicon, trie, below, state)?;
        let residuals = self.residuals(trie_id, &mut exits);
        self.finish(state, trie_id, self.sets.intern(inside), residuals)
    }

    /// The row of a state where tokens may leave a lexeme that no tokens complete.
    fn with_gaps(
        &self,
        state: LexState,
        trie_id: TrieId,
        below: Option<&[u64]>,
    ) -> Result<LexRow, LimitError> {
        let trie = self.trie(trie_id);
        let (by_end, mut exits) = row_walk::by_end(&self.lexicon, trie, below, state)?;
        let mut inside = Vec::new();
        let mut ends = Vec::new();
        for (end, tokens) in by_end {
            let spelling = self.lexicon.spelling(end)?;
            if spelling == Spelling::Whole {
                inside.extend_from_slice(&tokens);
            }
            if spelling != Spelling::Never {
                ends.push((end, spelling, self.sets.intern(tokens)));
            }
        }
        let residuals = self.residuals(trie_id, &mut exits);
        let inside = self.sets.intern(inside);
        let row = self.finish(state, trie_id, inside, residuals)?;
        Ok(LexRow {
            ends: ends.into(),
            ..row
        })
    }

    /// The row of a state by its difference from a base.
    fn near(
        &self,
        state: LexState,
        trie_id: TrieId,
        base: LexState,
        heights: &[u8],
    ) -> Result<LexRow, LimitError> {
        let trie = self.trie(trie_id);
        let walk = self.walk(base, trie_id)?;
        let mut found =
            row_walk::against(&self.lexicon, trie, heights, state, (base, &walk.exits))?;
        let inside = self.sets.near(walk.inside, found.added, found.removed);
        // What ends elsewhere than in the base has a trie of its own, beside that of the base.
        let mut residuals = self.residuals(trie_id, &mut found.new);
        for &(labels, whole) in &walk.residuals {
            let gone = found.gone.iter().filter(|e| e.0 == labels);
            let gone: Roots = gone.map(|e| (e.1, e.2)).collect();
            let rest = match gone.is_empty() {
                true => Some(whole),
                false => {
                    let key = (trie_id, base, labels, gone);
                    let known = self.merges.pin().get(&key).copied();
                    known.unwrap_or_else(|| {
                        let left = walk
                            .exits
                            .iter()
                            .filter(|e| e.0 == labels && key.3.binary_search(&(e.1, e.2)).is_err());
                        let left: Vec<(u32, bool)> = left.map(|e| (e.1, e.2)).collect();
                        let rest = self.intern_trie(trie.merged(&left));
                        self.remember(key, rest)
                    })
                }
            };
            residuals.extend(rest.map(|rest| (labels, rest)));
        }
        self.finish(state, trie_id, inside, residuals)
    }

    fn finish(
        &self,
        state: LexState,
        trie: TrieId,
        inside: SetId,
        mut residuals: Vec<(LabelSet, TrieId)>,
    ) -> Result<LexRow, LimitError> {
        let accept = self.lexicon.accept(state);
        if accept != LabelSet::NONE {
            // The lexeme ends before the token begins.
            residuals.push((accept, trie));
        }
        residuals.sort_unstable();
        if self.sets.bytes() > self.limits.bytes {
            let n = self.limits.bytes as u64;
            return Err(LimitError::new(
                "bytes of token sets",
                self.sets.bytes() as u64,
                n,
            ));
        }
        Ok(LexRow {
            inside,
            ends: Box::default(),
            exits: residuals.into(),
        })
    }

    /// The whole walk of a state that others are near to, made on first use.
    fn walk(&self, state: LexState, trie_id: TrieId) -> Result<Arc<Walk>, LimitError> {
        if let Some(walk) = self.walks.pin().get(&(state, trie_id)) {
            return Ok(Arc::clone(walk));
        }
        let trie = self.trie(trie_id);
        let shape = self.shape(trie_id);
        let below = Some(&shape.below[..]);
        let (inside, exits) = row_walk::plain(&self.lexicon, trie, below, state)?;
        let walk = Arc::new(Walk {
            inside: self.sets.intern(inside),
            residuals: self.residuals(trie_id, &mut exits.clone()),
            exits,
        });
        let bytes = 12 * walk.exits.len() + 8 * walk.residuals.len() + 128;
        self.trie_bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(Arc::clone(
            self.walks.pin().get_or_insert((state, trie_id), walk),
        ))
    }

    fn shape(&self, trie_id: TrieId) -> Arc<Shape> {
        if let Some(shape) = self.shapes.pin().get(&trie_id) {
            return Arc::clone(shape);
        }
        let trie = self.trie(trie_id);
        let mut words = vec![0; self.vocabulary.mask_words()];
        maskwright_kernels::bits::set(&mut words, trie.tokens().iter().map(|t| t.0));
        let once = maskwright_kernels::bits::count(&words) == trie.tokens().len();
        let shape = Arc::new(Shape {
            heights: once.then(|| trie.heights()),
            below: trie.classes_below(),
        });
        self.trie_bytes
            .fetch_add(9 * trie.len() + 64, Ordering::Relaxed);
        Arc::clone(self.shapes.pin().get_or_insert(trie_id, shape))
    }

    /// The residual trie of each label set that occurs in `exits`.
    fn residuals(&self, trie_id: TrieId, exits: &mut [Exit]) -> Vec<(LabelSet, TrieId)> {
        exits.sort_unstable();
        let mut out = Vec::new();
        for group in exits.chunk_by(|a, b| a.0 == b.0) {
            let roots: Roots = group.iter().map(|e| (e.1, e.2)).collect();
            let key = (trie_id, LexState::DEAD, LabelSet::NONE, roots);
            let known = self.merges.pin().get(&key).copied();
            let rest = known.unwrap_or_else(|| {
                let rest = self.intern_trie(self.trie(trie_id).merged(&key.3));
                self.remember(key, rest)
            });
            out.extend(rest.map(|rest| (group[0].0, rest)));
        }
        out
    }

    fn remember(
        &self,
        key: (TrieId, LexState, LabelSet, Roots),
        rest: Option<TrieId>,
    ) -> Option<TrieId> {
        let bytes = 8 * key.3.len() + 64;
        self.trie_bytes.fetch_add(bytes, Ordering::Relaxed);
        *self.merges.pin().get_or_insert(key, rest)
    }

    /// The id of a trie, unless it holds no token.
    fn intern_trie(&self, trie: TokenTrie) -> Option<TrieId> {
        if trie.is_empty() {
            return None;
        }
        let mut ids = self.trie_ids.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = ids.get(&trie) {
            return Some(id);
        }
        self.trie_bytes.fetch_add(
            12 * trie.len() + 4 * trie.tokens().len() + 96,
            Ordering::Relaxed,
        );
        let trie = Arc::new(trie);
        let id = TrieId(self.tries.push(Residual {
            here: self.sets.intern(trie.tokens_at(0).to_vec()),
            trie: Arc::clone(&trie),
        }) as u32);
        ids.insert(trie, id);
        Some(id)
    }
}

#[cfg(all(test, feature = "embedded"))]
mod tests {
    use super::*;
    use crate::Compiler;
    use crate::vocabulary::VocabularyExt;
    use maskwright_tables::TokenId;

    /// The rests by labels, root tokens left out where the lexeme goes on.
    #[allow(clippy::type_complexity)]
    fn contents<'a>(
        rows: &'a LexicalRows,
        row: &LexRow,
    ) -> (Vec<TokenId>, Vec<(LabelSet, Vec<(&'a [u8], TokenId)>)>) {
        let words = rows.sets.bitset(row.inside);
        let inside = maskwright_kernels::bits::ones(&words)
            .map(TokenId)
            .collect();
        let mut exits: std::collections::BTreeMap<LabelSet, Vec<&TokenTrie>> = Default::default();
        for &(labels, trie) in &row.exits {
            exits.entry(labels).or_default().push(rows.trie(trie));
        }
        let exits = exits
            .into_iter()
            .map(|(labels, tries)| (labels, entries(rows, &tries)));
        (inside, exits.collect())
    }

    /// What is left of the tokens of some tries, sorted.
    fn entries<'a>(rows: &'a LexicalRows, tries: &[&TokenTrie]) -> Vec<(&'a [u8], TokenId)> {
        let mut all: Vec<(&[u8], TokenId)> = Vec::new();
        for trie in tries {
            let mut ends: Vec<u32> = Vec::new();
            for i in 0..trie.len() {
                while ends.last().is_some_and(|end| *end as usize <= i) {
                    ends.pop();
                }
                ends.push(trie.nodes()[i].skip);
                for &token in trie.tokens_at(i) {
                    let bytes = rows.vocabulary.bytes(token);
                    all.push((&bytes[bytes.len() + 1 - ends.len()..], token));
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Compares the row of a state with the plain walk; the number of tokens inside.
    fn check(rows: &LexicalRows, state: LexState, trie_id: TrieId, what: &str) -> usize {
        let (inside, exits) = contents(rows, rows.row(state, trie_id).unwrap());
        let trie = rows.trie(trie_id);
        let (mut plain, plain_exits) = row_walk::plain(&rows.lexicon, trie, None, state).unwrap();
        plain.sort_unstable();
        plain.dedup();
        assert!(plain == inside, "{what}: tokens inside");
        // The tries by sorting the tokens' bytes, not by merging nodes.
        let mut by_labels: std::collections::BTreeMap<LabelSet, Vec<(&[u8], TokenId)>> =
            Default::default();
        for (labels, root, last) in plain_exits {
            let entries = by_labels.entry(labels).or_default();
            let root = root as usize;
            if last {
                entries.extend(trie.tokens_at(root).iter().map(|t| (&b""[..], *t)));
            }
            let mut ends: Vec<u32> = Vec::new();
            for i in root + 1..trie.nodes()[root].skip as usize {
                while ends.last().is_some_and(|end| *end as usize <= i) {
                    ends.pop();
                }
                ends.push(trie.nodes()[i].skip);
                for &token in trie.tokens_at(i) {
                    let bytes = rows.vocabulary.bytes(token);
                    entries.push((&bytes[bytes.len() - ends.len()..], token));
                }
            }
        }
        let accept = rows.lexicon.accept(state);
        if accept != LabelSet::NONE {
            by_labels
                .entry(accept)
                .or_default()
                .append(&mut entries(rows, &[trie]));
        }
        let mut expected = Vec::new();
        for (labels, mut entries) in by_labels {
            entries.sort_unstable();
            entries.dedup();
            if !entries.is_empty() {
                expected.push((labels, entries));
            }
        }
        assert!(expected == exits, "{what}: what is left after the lexeme");
        inside.len()
    }

    /// Walks texts through the states of an expression and checks the rows on the way.
    fn check_along(
        rows: &LexicalRows,
        expr: maskwright_automata::lexicon::ExprId,
        texts: &[&str],
        what: &str,
    ) -> usize {
        let mut seen = rustc_hash::FxHashSet::default();
        let start = rows.lexicon.fresh(expr).unwrap();
        for text in texts {
            let mut state = start;
            for (i, byte) in text.bytes().enumerate() {
                if seen.insert(state) {
                    let what = format!(
                        "{what} after {:?}",
                        String::from_utf8_lossy(&text.as_bytes()[..i])
                    );
                    check(rows, state, LexicalRows::VOCABULARY, &what);
                    let exits = rows
                        .row(state, LexicalRows::VOCABULARY)
                        .unwrap()
                        .exits
                        .clone();
                    for (_, trie) in exits.iter().filter(|e| e.1 != LexicalRows::VOCABULARY) {
                        check(rows, start, *trie, &format!("{what}, over a rest"));
                    }
                }
                state = rows.lexicon.next(state, byte).unwrap();
                if state == LexState::DEAD {
                    break;
                }
            }
        }
        seen.len()
    }

    #[test]
    fn rows_equal_the_plain_walk() {
        let vocabulary: Arc<Vocabulary> = Vocabulary::cl100k_base();
        let rows = LexicalRows::new(vocabulary, Limits::untrusted());
        let lexicon = Arc::clone(&rows.lexicon);
        let any = lexicon.class(&[('\0', char::MAX)]);
        let mut states = 0;
        let long = format!("\"{}\"", "ab é中\\n\\u0041\u{1f600}".repeat(5));
        for (min, max) in [
            (0, 0),
            (0, 1),
            (1, 3),
            (0, 5),
            (1, 9),
            (0, 20),
            (3, 40),
            (0, 127),
            (0, 200),
            (1, 255),
            (150, 70_000),
        ] {
            let value = lexicon.concat(&[lexicon.repeat(any, min, Some(max)), lexicon.mark(7)]);
            let string = lexicon.json_string(value);
            states += check_along(
                &rows,
                string,
                &["\"", "\"a\\u00", "\"日本", &long],
                &format!("{min}..={max}"),
            );
        }
        // Names and any other name, bounded and not.
        for max in [None, Some(30)] {
            let names: Vec<Box<[u8]>> = ["", "name", "names", "type", "a\\b", "größe"]
                .iter()
                .map(|n| n.as_bytes().into())
                .collect();
            let marked = names
                .iter()
                .zip(10..)
                .map(|(n, i)| (n.clone(), Some(i)))
                .collect();
            let plain = lexicon.literals(names.iter().map(|n| (n.clone(), None)).collect());
            let other = lexicon.and(&[lexicon.not(plain), lexicon.repeat(any, 0, max)]);
            let other = lexicon.concat(&[other, lexicon.mark(3)]);
            let string = lexicon.json_string(lexicon.alt(&[other, lexicon.literals(marked)]));
            states += check_along(
                &rows,
                string,
                &["\"names\"", "\"typ\\u0065x", "\"gr\\u00f6ß", "\"x"],
                "names",
            );
        }
        // Bare counts, where the lexeme ends without a quote.
        let letter = lexicon.class(&[('a', 'z'), ('à', 'ö')]);
        for max in [3, 4, 6, 12, 40] {
            let word = lexicon.concat(&[lexicon.repeat(letter, 2, Some(max)), lexicon.mark(1)]);
            states += check_along(
                &rows,
                word,
                &["thequickbrownfoxjumpsoverthelazydog", "éà"],
                "bare count",
            );
        }
        assert!(states > 80, "{states} states");
    }

    #[test]
    fn rows_of_patterns_equal_the_plain_walk() {
        let vocabulary: Arc<Vocabulary> = Vocabulary::cl100k_base();
        let rows = LexicalRows::new(vocabulary, Limits::untrusted());
        let mut states = 0;
        for (pattern, text) in [
            ("[a-z]+", "\"abc"),
            ("[A-Z][a-z ]{3,40}", "\"Abc def ghi"),
            ("\\\\d+(\\\\.\\\\d{1,6})?", "\"12.345"),
            ("\\\\p{L}{1,30}", "\"aé日"),
            ("/.*", "\"/a/b"),
            ("([^/]+/){0,8}[^/]*", "\"a/b/c"),
        ] {
            let schema = format!(r#"{{"type":"string","pattern":"^{pattern}$","maxLength":60}}"#);
            let compiler = Compiler::new(Arc::clone(&rows.vocabulary), Limits::untrusted());
            let grammar = compiler.json_schema(&schema).unwrap();
            let shared = compiler.shared();
            let machine = grammar.machine();
            let start = machine.lex_start(machine.start()).unwrap();
            states += check_along(&shared, shared.lexicon.expr(start), &[text], pattern);
        }
        for format in ["uri", "email", "date-time", "uuid", "hostname", "ipv4"] {
            let schema = format!(r#"{{"type":"string","format":"{format}"}}"#);
            let compiler = Compiler::new(Arc::clone(&rows.vocabulary), Limits::untrusted());
            let grammar = compiler.json_schema(&schema).unwrap();
            let shared = compiler.shared();
            let machine = grammar.machine();
            let start = machine.lex_start(machine.start()).unwrap();
            let texts = [
                "\"https://a.bc/d",
                "\"ab.c@d.ef",
                "\"2020-01-01T",
                "\"0123abcd-0",
            ];
            states += check_along(&shared, shared.lexicon.expr(start), &texts, format);
        }
        assert!(states > 40, "{states} states");
    }
}
