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
//!
//! A lexeme that may end at every byte (a name, a number, a comment) leaves rests of most of the
//! vocabulary. Two things keep that cheap. What follows an end below which all tokens stay inside
//! the lexeme anyway adds nothing to a row, and is left out. And of what remains, a large rest is not laid
//! over each other but kept as the *edges* of the vocabulary with which it begins (`tries::Spread`), apart by
//! the kind of their bytes: the grammar asks for few kinds (after a name, for no letter), and the others
//! are never looked at. The tokens that end with the lexeme are a trie by themselves there, so that edges which
//! several lexemes share are one trie.
//!
//! A row is found in the cheapest of these ways: from the strings of a list ([`text_rows`](crate::text_rows)); from that of
//! a pattern, where the length is bounded too; from the ways to closing quotes alone, where every character leads on
//! (all of these in `strings`); over the vocabulary and spread tries by the whole
//! walk, where strings of like bytes are one (`by_class`), names that are no keywords by that of all names
//! (`excepted`); where too many have to be told apart, by its
//! difference from the row of a base near it (one with its small counts only, or one in which most of the
//! trie stays); by the whole walk of all strings by themselves ([`row_walk::plain`]). `tries` keeps what is left
//! of tokens.

mod by_class;
mod excepted;
mod strings;
mod tries;

#[cfg(all(test, feature = "embedded"))]
mod tests;

use crate::class_trie::ClassTrie;
use crate::concurrent::{Keyed, Map, Maps, collector_bytes, map_bytes, pair};
use crate::row_walk::{self, Base, Difference, Exit, Found, Weights};
use crate::sets::{SetId, Sets};
use crate::text_rows::Lengths;
use excepted::ByClass;
use maskwright_automata::Lexicon;
use maskwright_automata::lexicon::{ByteSet, Shape, Spelling};
use maskwright_tables::trie::Classes;
use maskwright_tables::{LabelSet, LexState, LimitError, Limits, TokenTrie, Vocabulary, heap};
use rustc_hash::FxHashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use tries::{LaidKey, NodeFacts, Residual, Rest, Roots, layers};

/// An interned trie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TrieId(pub u32);

/// Ways in which a lexeme can end, and what is left of the tokens then.
type Ends = Box<[(LabelSet, TrieId)]>;

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
    pub exits: Ends,
    /// The same for each label by itself, where that is not the same.
    apart: OnceLock<Option<Ends>>,
}

/// The whole walk of a state, kept to answer for the states near it.
#[derive(Debug)]
struct Walk {
    /// Tokens that stay inside the lexeme.
    inside: SetId,
    /// Its ends in preorder.
    exits: Vec<Exit>,
    residuals: Vec<Rest>,
    /// Whether these name all tokens that are left after all the ends.
    whole: bool,
}

impl Walk {
    /// Bytes held.
    fn heap_bytes(&self) -> usize {
        12 * self.exits.len() + 8 * self.residuals.len() + 128
    }
}

/// A trie, a state, labels with which a lexeme ends from there, ends that are left out, and tokens that are inside
/// anyway.
type Cut = (TrieId, LexState, LabelSet, Roots, SetId);

/// Rows, tries and sets of one vocabulary, shared by all grammars and threads.
#[derive(Debug)]
pub(crate) struct LexicalRows {
    vocabulary: Arc<Vocabulary>,
    pub lexicon: Arc<Lexicon>,
    pub sets: Sets,
    tries: boxcar::Vec<Residual>,
    trie_ids: Mutex<FxHashMap<Arc<TokenTrie>, TrieId>>,
    /// Tries by the nodes below which they were collected: `None` where no token is left.
    merges: Map<(TrieId, Roots), Option<TrieId>>,
    /// Tries without the tokens of a set: by trie and set, the number of what is left and 1, or 0 for
    /// nothing.
    trimmed: Keyed,
    /// What is left after the ends of a state with these labels without some of them.
    cuts: Map<Cut, Arc<[Rest]>>,
    /// Tries that are spread, by their edges.
    spread_ids: Mutex<FxHashMap<Arc<[u32]>, TrieId>>,
    /// Tries that are laid out, by the edges that they come from; `None` where no token is left.
    laid_ids: Mutex<FxHashMap<LaidKey, Option<TrieId>>>,
    /// By two tries, whether the edges of the first are among those of the second: 1 if so.
    within: Keyed,
    rows: boxcar::Vec<LexRow>,
    /// Rows by [`Self::row_key`].
    row_ids: Keyed,
    walks: Map<(LexState, TrieId), Arc<Walk>>,
    /// Walks by classes of bytes, kept for the states that differ from these in some strings.
    by_class: Map<(LexState, TrieId), ByClass>,
    node_facts: Map<TrieId, Arc<NodeFacts>>,
    trie_bytes: AtomicUsize,
    /// The tokens by their number of characters.
    lengths: OnceLock<Lengths>,
    /// The vocabulary's trie by classes of bytes.
    classes: OnceLock<ClassTrie>,
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
        // All maps go to the one thread, and a new field is an error here: they share a collector, which the
        // drop of each of them takes for its own, so two threads must not drop two of them at once.
        let LexicalRows {
            vocabulary: _,
            lexicon,
            sets,
            tries,
            trie_ids,
            merges,
            trimmed,
            cuts,
            spread_ids,
            laid_ids,
            within,
            rows,
            row_ids,
            walks,
            by_class,
            node_facts,
            trie_bytes: _,
            lengths,
            classes,
            is_low: _,
            limits: _,
        } = self;
        use std::mem::take;
        let sets = std::mem::replace(sets, Sets::new(0));
        let tries = (
            take(tries),
            take(trie_ids),
            take(spread_ids),
            take(laid_ids),
        );
        let tables = (take(lengths), take(classes));
        let rests = (take(merges), take(trimmed), take(cuts), take(within));
        let walks = (take(walks), take(by_class));
        let rows = (take(rows), take(row_ids), walks, take(node_facts));
        let all = (rows, rests, tries, tables, sets, Arc::clone(lexicon));
        // Without a thread the closure, and all that it holds, is dropped here.
        let _ = std::thread::Builder::new().spawn(move || drop(all));
    }
}

impl LexicalRows {
    pub const VOCABULARY: TrieId = TrieId(0);

    /// Tries of fewer nodes are walked as they are.
    const LARGE: usize = 1024;

    /// Rests whose subtrees have more nodes than this together are spread: those that are given by nodes of
    /// the vocabulary's trie, and those that are given by class nodes, which are few.
    const SPREAD: [usize; 2] = [4096, 1024];

    /// More tokens than this are looked for in a bitset of a set, which has to be made.
    const LOOKED_UP: usize = 128;

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
            firsts: Classes::MAX,
            spread: None,
        });
        let rows = boxcar::Vec::new();
        rows.push(LexRow {
            inside: Sets::EMPTY,
            ends: Box::default(),
            exits: Box::default(),
            apart: OnceLock::new(),
        });
        let maps = Maps::new();
        LexicalRows {
            vocabulary,
            lexicon,
            sets,
            tries,
            trie_ids: Mutex::default(),
            merges: maps.map(),
            trimmed: Keyed::default(),
            cuts: maps.map(),
            spread_ids: Mutex::default(),
            laid_ids: Mutex::default(),
            within: Keyed::default(),
            rows,
            row_ids: Keyed::default(),
            walks: maps.map(),
            by_class: maps.map(),
            node_facts: maps.map(),
            trie_bytes: AtomicUsize::new(0),
            lengths: OnceLock::new(),
            classes: OnceLock::new(),
            is_low,
            limits,
        }
    }

    /// Makes the rows that every JSON Schema needs: those inside a string, and inside a name.
    pub fn warm(&self) -> Result<(), LimitError> {
        for value in maskwright_automata::frames::common_texts(&self.lexicon) {
            let text = self.lexicon.fresh(self.lexicon.json_string(value))?;
            let state = self.lexicon.next(text, b'"')?;
            self.row(state, Self::VOCABULARY, false)?;
        }
        self.lengths();
        self.class_trie();
        self.vocabulary.fans();
        self.vocabulary.quotes();
        Ok(())
    }

    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    /// The number of rows and of tries made so far.
    pub fn len(&self) -> (usize, usize) {
        (self.rows.count(), self.tries.count())
    }

    /// Bytes held, about. O(1), and waits for no one who does more than to find a set.
    pub fn bytes(&self) -> usize {
        let tries = heap::pieces::<Residual>(self.tries.count())
            + self.tries.count() * heap::allocation(size_of::<TokenTrie>() + 16)
            + map_bytes::<TrieId, Arc<NodeFacts>>(self.node_facts.len())
            + self.within.heap_bytes();
        let rests = map_bytes::<(TrieId, Roots), Option<TrieId>>(self.merges.len())
            + self.trimmed.heap_bytes()
            + map_bytes::<Cut, Arc<[Rest]>>(self.cuts.len())
            + map_bytes::<(LexState, TrieId), Arc<Walk>>(self.walks.len())
            + map_bytes::<(LexState, TrieId), ByClass>(self.by_class.len());
        let rows = heap::pieces::<LexRow>(self.rows.count()) + self.row_ids.heap_bytes();
        self.sets.heap_bytes()
            + self.lexicon.heap_bytes()
            + self.trie_bytes.load(Ordering::Relaxed)
            + self.classes.get().map_or(0, ClassTrie::grown_bytes)
            + tries
            + rests
            + rows
            + collector_bytes()
    }

    /// The row of a lexical state and a trie, made on first use. O(trie nodes that live).
    ///
    /// In a spread trie, a lexeme can begin where another one is under way. For a control that reads labels
    /// `apart` both are followed as one, and where both end their labels are one set; a control to which a
    /// set of labels means something of its own has each followed by itself.
    pub fn row(&self, state: LexState, trie: TrieId, apart: bool) -> Result<&LexRow, LimitError> {
        if trie != Self::VOCABULARY
            && !self.meets(state, trie)?
            && self.lexicon.accept(state) == LabelSet::NONE
        {
            return Ok(&self.rows[0]);
        }
        let joined = apart && self.is_nested(trie);
        let key = Self::row_key(state, trie, joined);
        if let Some(id) = self.row_ids.get(key) {
            return Ok(&self.rows[id as usize]);
        }
        let far = match self.is_low && !self.lexicon.has_gaps() {
            true => self.lexicon.far(state)?,
            false => state,
        };
        let id = self.row_id(far, trie, joined)?;
        if far != state {
            self.row_ids.put(key, u64::from(id));
        }
        Ok(&self.rows[id as usize])
    }

    /// A state and a trie, with whether lexemes that begin inside each other are followed as one.
    fn row_key(state: LexState, trie: TrieId, joined: bool) -> u64 {
        pair(state.0, trie.0 << 1 | u32::from(joined))
    }

    /// How the lexeme of a row can end, and what is left of the tokens then. With the labels `apart`, each
    /// by itself: of a blank that may be a terminal and white space, where further blanks are white
    /// space only, the white space is then of any length, and what follows more of it is no news.
    ///
    /// # Errors
    /// A limit.
    pub fn exits<'a>(
        &self,
        row: &'a LexRow,
        apart: bool,
    ) -> Result<&'a [(LabelSet, TrieId)], LimitError> {
        if !apart {
            return Ok(&row.exits);
        }
        let exits = row.apart.get_or_init(|| self.exits_apart(&row.exits));
        Ok(exits.as_deref().unwrap_or(&row.exits))
    }

    fn exits_apart(&self, exits: &[(LabelSet, TrieId)]) -> Option<Ends> {
        let marks = |labels: LabelSet| self.lexicon.labels(labels);
        if exits.iter().all(|e| marks(e.0).len() <= 1) {
            return None;
        }
        let mut all: Vec<u32> = exits.iter().flat_map(|e| marks(e.0)).copied().collect();
        all.sort_unstable();
        all.dedup();
        let mut out: Vec<(LabelSet, TrieId)> = Vec::new();
        let unmarked = exits.iter().filter(|e| marks(e.0).is_empty());
        out.extend(unmarked);
        for label in all {
            let own = exits.iter().filter(|e| marks(e.0).contains(&label));
            let (mut laid, spread): (Vec<TrieId>, Vec<TrieId>) =
                own.map(|e| e.1).partition(|id| self.is_laid_out(*id));
            laid.sort_unstable();
            laid.dedup();
            let labels = self.lexicon.label_set(label);
            if laid.len() > 1 {
                laid = self.unite(&laid).into_iter().collect();
            }
            out.extend(laid.into_iter().chain(spread).map(|id| (labels, id)));
        }
        Some(out.into())
    }

    fn row_id(&self, state: LexState, trie: TrieId, joined: bool) -> Result<u32, LimitError> {
        let key = Self::row_key(state, trie, joined);
        if let Some(id) = self.row_ids.get(key) {
            return Ok(id as u32);
        }
        let row = self.make(state, trie, joined)?;
        let bytes = heap::list::<(LabelSet, TrieId)>(row.exits.len())
            + heap::list::<(LexState, Spelling, SetId)>(row.ends.len());
        self.trie_bytes.fetch_add(bytes, Ordering::Relaxed);
        let id = self.rows.push(row) as u64;
        Ok(self.row_ids.put(key, id) as u32)
    }

    #[cold]
    fn make(&self, state: LexState, trie_id: TrieId, joined: bool) -> Result<LexRow, LimitError> {
        let trie = self.trie(trie_id);
        if self.lexicon.has_gaps() {
            return self.with_gaps(state, trie_id);
        }
        let is_spread = self.edges(trie_id).is_some();
        if !is_spread {
            let row = match self.lexicon.shape(state)? {
                Shape::Text(text) => self.text_row(state, trie_id, &text)?,
                Shape::Live(base) => self.live_row(state, trie_id, base)?,
                Shape::Bounded(bounded) if trie_id == Self::VOCABULARY => {
                    match self.bounded_row(state, bounded)? {
                        None => self.string_row(state)?,
                        row => row,
                    }
                }
                Shape::String if trie_id == Self::VOCABULARY => self.string_row(state)?,
                Shape::Bounded(_) | Shape::String | Shape::Other => None,
            };
            if let Some(row) = row {
                return Ok(row);
            }
        }
        let mut by_class = is_spread || trie_id == Self::VOCABULARY;
        if by_class && let Some(base) = self.excepted_base(state, trie_id)? {
            match self.excepted_row(state, trie_id, base)? {
                Some(row) => return Ok(row),
                // Nor are there fewer nodes to walk for the state itself.
                None => by_class = false,
            }
        }
        // Of a state with large counts walks make many states.
        if by_class
            && (is_spread || self.lexicon.wide(state)?.0 == state)
            && let Some((inside, found)) =
                self.class_walk(state, trie_id, joined, Self::few_of(trie))?
        {
            return self.found_row(state, trie_id, inside, found);
        }
        let facts = match is_spread {
            true => Some(self.node_facts(Self::VOCABULARY)),
            false => (trie.len() >= Self::LARGE).then(|| self.node_facts(trie_id)),
        };
        let starts = self.laid_edges(trie_id);
        let starts = starts.as_deref();
        if let Some(facts) = &facts
            && let Some(heights) = &facts.heights
            && !self.is_nested(trie_id)
        {
            let mut base = self.base(state, trie_id, &facts.weights)?;
            if base.is_none() && starts.is_some() {
                // Where the edges begin with a part of a character, the states in which it ends are not
                // seen; they are those of characters of a byte.
                base = facts.weights.base_of(&self.lexicon, state)?;
                let firsts = self.tries[trie_id.0 as usize].firsts;
                let first = |state| Ok::<_, LimitError>(self.lexicon.firsts(state)? & firsts);
                if let Some(found) = base
                    && first(found)? != first(state)?
                {
                    base = None;
                }
            }
            if let Some(base) = base
                && let Some(row) = self.near(
                    state,
                    trie_id,
                    (base, false),
                    (starts, heights, &facts.below),
                    self.few(state, base, trie)?,
                )?
            {
                return Ok(row);
            }
        }
        let below = facts.as_ref().map(|s| &s.below[..]);
        let mut found = Found::default();
        match starts {
            Some(starts) if !joined => {
                for layer in layers(starts, |n| trie.nodes()[n as usize].skip) {
                    let more = row_walk::plain(&self.lexicon, trie, below, state, Some(&layer))?;
                    found.add(more);
                }
            }
            _ => {
                found = row_walk::plain(&self.lexicon, trie, below, state, starts)?;
            }
        }
        let inside = self.sets.intern_places(trie.tokens(), &found.inside);
        self.found_row(state, trie_id, inside, found)
    }

    /// The row of a state with these tokens inside and these ends.
    fn found_row(
        &self,
        state: LexState,
        trie_id: TrieId,
        inside: SetId,
        mut found: Found,
    ) -> Result<LexRow, LimitError> {
        let residuals = self.residuals(trie_id, &mut found, inside).0;
        let residuals = residuals.into_iter().map(|r| (r.labels, r.trie));
        self.finish(state, trie_id, inside, residuals.collect())
    }

    /// The row of a state where tokens may leave a lexeme that no tokens complete. All ends count there:
    /// a token that stays inside may have to end behind the lexeme.
    fn with_gaps(&self, state: LexState, trie_id: TrieId) -> Result<LexRow, LimitError> {
        let trie = self.trie(trie_id);
        let facts = (trie.len() >= Self::LARGE).then(|| self.node_facts(trie_id));
        let below = facts.as_ref().map(|s| &s.below[..]);
        let (by_end, exits) = row_walk::by_end(&self.lexicon, trie, below, state)?;
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
        let mut found = Found {
            exits,
            ..Found::default()
        };
        let residuals = self.residuals(trie_id, &mut found, Sets::EMPTY).0;
        let residuals = residuals.into_iter().map(|r| (r.labels, r.trie));
        let inside = self.sets.intern(inside);
        let row = self.finish(state, trie_id, inside, residuals.collect())?;
        Ok(LexRow {
            ends: ends.into(),
            ..row
        })
    }

    /// The state near which to look for the row of a state: one with its small counts only, or the one in
    /// which most of the trie stays.
    fn base(
        &self,
        state: LexState,
        trie_id: TrieId,
        weights: &Weights,
    ) -> Result<Option<LexState>, LimitError> {
        if let Some(starts) = self.laid_edges(trie_id) {
            let starts = starts.iter().map(|s| *s as usize);
            return Weights::new(self.trie(trie_id), starts).base_of(&self.lexicon, state);
        }
        let wide = self.lexicon.wide(state)?.0;
        if wide != state {
            return Ok(Some(wide));
        }
        weights.base_of(&self.lexicon, state)
    }

    /// How many nodes may be looked at for the difference of a state from its base, before the whole walk is
    /// cheaper. Of a state with large counts that makes too many states.
    fn few(&self, state: LexState, base: LexState, trie: &TokenTrie) -> Result<usize, LimitError> {
        Ok(match self.lexicon.wide(state)?.0 == base {
            true => usize::MAX,
            false => Self::few_of(trie),
        })
    }

    fn few_of(trie: &TokenTrie) -> usize {
        1024 + trie.len() / 16
    }

    /// The row of a state by its difference from a base, where that is of at most so many nodes; told is
    /// whether the base is any JSON string.
    fn near(
        &self,
        state: LexState,
        trie_id: TrieId,
        (base, any): (LexState, bool),
        nodes: (Option<&[u32]>, &[u8], &[Classes]),
        most: usize,
    ) -> Result<Option<LexRow>, LimitError> {
        let trie = self.trie(trie_id);
        let walk = self.walk(base, trie_id)?;
        let known = Base {
            state: base,
            exits: &walk.exits,
            edges: !walk.whole,
            any,
        };
        let difference = row_walk::against(&self.lexicon, trie, nodes, state, known, most)?;
        let row = difference.map(|d| self.differing(state, trie_id, (base, &walk), d));
        row.transpose()
    }

    /// The row of a state that differs so from a base.
    fn differing(
        &self,
        state: LexState,
        trie_id: TrieId,
        base: (LexState, &Walk),
        difference: Difference,
    ) -> Result<LexRow, LimitError> {
        let (inside, rests) = self.changed(trie_id, base, difference);
        let residuals = rests.into_iter().map(|r| (r.labels, r.trie));
        self.finish(state, trie_id, inside, residuals.collect())
    }

    /// The tokens inside and the rests of a state that differs so from a base.
    fn changed(
        &self,
        trie_id: TrieId,
        (base, walk): (LexState, &Walk),
        mut difference: Difference,
    ) -> (SetId, Vec<Rest>) {
        let inside = self
            .sets
            .near(walk.inside, difference.added, difference.removed);
        // What ends elsewhere than in the base has a trie of its own, beside that of the base.
        difference.new.sort_unstable();
        let mut new = Found {
            exits: difference.new,
            ..Found::default()
        };
        let mut residuals: Vec<Rest> = Vec::new();
        for group in walk.residuals.chunk_by(|a, b| a.labels == b.labels) {
            let labels = group[0].labels;
            let gone = difference.gone.iter().filter(|e| e.0 == labels);
            let gone: Roots = gone.map(|e| (e.1, e.2)).collect();
            if gone.is_empty() {
                residuals.extend_from_slice(group);
                continue;
            }
            let rests = self.rests_without(trie_id, (base, walk), group, (gone, Sets::EMPTY));
            residuals.extend_from_slice(&rests);
        }
        residuals.extend(self.residuals(trie_id, &mut new, Sets::EMPTY).0);
        residuals.sort_by_key(|r| r.labels);
        (inside, residuals)
    }

    /// What is left after the ends of a base with certain labels where some of these ends are none, for a state
    /// with these tokens inside at least.
    fn rests_without(
        &self,
        trie_id: TrieId,
        (base, walk): (LexState, &Walk),
        group: &[Rest],
        (gone, inside): (Roots, SetId),
    ) -> Arc<[Rest]> {
        let labels = group[0].labels;
        let key = (trie_id, base, labels, gone, inside);
        if let Some(known) = self.cuts.pin().get(&key) {
            return Arc::clone(known);
        }
        let trie = self.trie(trie_id);
        let left = walk
            .exits
            .iter()
            .filter(|e| e.0 == labels && key.3.binary_search(&(e.1, e.2)).is_err());
        let left: Vec<(u32, bool)> = left.map(|e| (e.1, e.2)).collect();
        let rests = match walk.whole {
            false => self.without(trie, group, &left, (&key.3, inside)),
            true => {
                let left = self.laid_roots(&left, &key.3);
                let rest = self.intern_trie(trie.merged(&left));
                rest.map(|r| Rest::whole(labels, r)).into_iter().collect()
            }
        };
        self.remember(key, rests)
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
        // Of the same labels in the order in which they were found: numbers of tries depend on what else
        // was asked for.
        residuals.sort_by_key(|r| r.0);
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
            apart: OnceLock::new(),
        })
    }

    /// How many bases in a row a walk may come from: a state with large counts, one with small counts only,
    /// one without, and the one that these end in.
    const BASES: u32 = 4;

    /// The whole walk of a state that others are near to, made on first use.
    fn walk(&self, state: LexState, trie_id: TrieId) -> Result<Arc<Walk>, LimitError> {
        self.walk_over(state, trie_id, Self::BASES)
    }

    /// The same over at most so many bases.
    fn walk_over(
        &self,
        state: LexState,
        trie_id: TrieId,
        bases: u32,
    ) -> Result<Arc<Walk>, LimitError> {
        if let Some(walk) = self.walks.pin().get(&(state, trie_id)) {
            return Ok(Arc::clone(walk));
        }
        let walk = match self.string_walk(state, trie_id)? {
            Some(walk) => walk,
            None => match self.derived_walk(state, trie_id, bases)? {
                Some(walk) => walk,
                None => self.whole_walk(state, trie_id)?,
            },
        };
        let walk = Arc::new(walk);
        self.trie_bytes
            .fetch_add(walk.heap_bytes(), Ordering::Relaxed);
        Ok(Arc::clone(
            self.walks.pin().get_or_insert((state, trie_id), walk),
        ))
    }

    fn walk_of(&self, trie_id: TrieId, inside: SetId, mut found: Found) -> Walk {
        let exits = found.exits.clone();
        let (residuals, whole) = self.residuals(trie_id, &mut found, inside);
        Walk {
            inside,
            exits,
            residuals,
            whole,
        }
    }

    fn whole_walk(&self, state: LexState, trie_id: TrieId) -> Result<Walk, LimitError> {
        let trie = self.trie(trie_id);
        let starts = self.laid_edges(trie_id);
        let starts = starts.as_deref();
        let facts = self.node_facts(match starts {
            Some(_) => Self::VOCABULARY,
            None => trie_id,
        });
        let below = Some(&facts.below[..]);
        let found = row_walk::plain(&self.lexicon, trie, below, state, starts)?;
        let inside = self.sets.intern_places(trie.tokens(), &found.inside);
        Ok(self.walk_of(trie_id, inside, found))
    }

    /// The walk of a state near another one, where lexemes end by a byte of their own (a closing quote).
    fn derived_walk(
        &self,
        state: LexState,
        trie_id: TrieId,
        bases: u32,
    ) -> Result<Option<Walk>, LimitError> {
        let trie = self.trie(trie_id);
        if bases == 0 || self.edges(trie_id).is_some() || trie.len() < Self::LARGE {
            return Ok(None);
        }
        let facts = self.node_facts(trie_id);
        let base = self.base(state, trie_id, &facts.weights)?;
        let base = base.filter(|base| *base != state);
        let (Some(heights), Some(base)) = (&facts.heights, base) else {
            return Ok(None);
        };
        let walk = self.walk_over(base, trie_id, bases - 1)?;
        let are_last = |exits: &[Exit]| exits.iter().all(|e| e.2);
        if !walk.whole || !are_last(&walk.exits) {
            return Ok(None);
        }
        let known = Base {
            state: base,
            exits: &walk.exits,
            edges: false,
            any: false,
        };
        let nodes = (None, &heights[..], &facts.below[..]);
        let left = self.few(state, base, trie)?;
        let difference = row_walk::against(&self.lexicon, trie, nodes, state, known, left)?;
        let Some(difference) = difference.filter(|d| are_last(&d.new)) else {
            return Ok(None);
        };
        let mut gone: Vec<u32> = difference.gone.iter().map(|e| e.1).collect();
        gone.sort_unstable();
        let kept = walk
            .exits
            .iter()
            .filter(|e| gone.binary_search(&e.1).is_err());
        let mut exits: Vec<Exit> = kept.chain(&difference.new).copied().collect();
        exits.sort_unstable_by_key(|e| e.1);
        let (inside, residuals) = self.changed(trie_id, (base, &walk), difference);
        Ok(Some(Walk {
            inside,
            exits,
            residuals,
            whole: true,
        }))
    }

    fn remember(&self, key: Cut, rests: Vec<Rest>) -> Arc<[Rest]> {
        let edges = rests.iter().filter_map(|r| r.edges.as_ref());
        let edges: usize = edges.map(|e| 4 * e.len()).sum();
        let bytes = 8 * key.3.len() + 64 + edges;
        self.trie_bytes.fetch_add(bytes, Ordering::Relaxed);
        Arc::clone(self.cuts.pin().get_or_insert(key, rests.into()))
    }
}
