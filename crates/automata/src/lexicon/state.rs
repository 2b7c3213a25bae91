//! [`Lexicon`]: lexical states over the expressions, read without a lock.

mod excepted;
mod loops;
mod parts;
mod steps;

use super::ByteSet;
use super::characters::CHARACTERS;
use super::edges::Edges;
use super::expr::{Automaton, ExprId, ExprView, MarksId, Runs, Store, UNBOUNDED};
use super::pieces::{Pieces, Spelling};
use super::shape::{Bounded, Others, Shape, Text};
use super::shards::Shards;
use crate::number::{NumberSet, Spelling as NumberSpelling};
pub use excepted::{Excepted, Words};
use maskwright_grammar::{RegexId, RegexPool};
use maskwright_tables::trie::{Classes, byte_class};
use maskwright_tables::{LabelSet, LexState, LimitError, Limits, heap};
use rustc_hash::{FxBuildHasher, FxHashMap};
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use steps::Step;

/// States that behave as another one for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loose {
    /// Agrees with the state on everything that at most [`horizon`](Self::horizon) bytes can show
    /// (which strings are alive, which are accepted and with what labels). Its counts have no upper
    /// bound.
    pub same: LexState,
    /// Like `same`, its counts without a lower bound too: the same strings of that many bytes stay
    /// inside the lexeme, alive and not at its end, and all that `same` accepts is accepted.
    pub alive: LexState,
    /// A number of bytes.
    pub horizon: u32,
}

#[derive(Debug)]
struct State {
    expr: ExprId,
    fresh: bool,
    endless: bool,
    leeway: u32,
    spared: Classes,
    goes_on: Classes,
    accept: LabelSet,
    edges: OnceLock<Edges>,
    /// The first step that was asked for before the transitions were made; the next ones are in `more`.
    step: OnceLock<Step>,
    more: OnceLock<Box<More>>,
}

/// What is known of states from which rows were made.
#[derive(Debug, Default)]
struct More {
    /// Other steps than the first.
    asides: [OnceLock<Step>; 3],
    parts: OnceLock<Box<[LexState]>>,
    alternatives: OnceLock<Box<[LexState]>>,
    loose: OnceLock<Loose>,
    wide: OnceLock<(LexState, u32)>,
    far: OnceLock<LexState>,
    /// The classes all of whose bytes lead to the state itself, those of [`CHARACTERS`] left out.
    loops: OnceLock<Classes>,
    /// The same, and the classes of [`CHARACTERS`] all of whose characters do.
    all_loops: OnceLock<Classes>,
    firsts: OnceLock<Classes>,
    excepted: OnceLock<Option<Box<Excepted>>>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) store: Store,
    /// Finds a state by its expression and whether it is fresh.
    states: Shards<(ExprId, bool, LexState)>,
    /// How many mark sets are published in `Lexicon::labels`.
    published: usize,
    /// Numbers, which most grammars ask for, by what they were made from.
    numbers: FxHashMap<(NumberSet, NumberSpelling), ExprId>,
}

/// A state of a [`Lexicon`].
#[derive(Clone, Copy, Debug)]
pub struct LexPlace<'a> {
    lexicon: &'a Lexicon,
    state: LexState,
    record: &'a State,
}

impl<'a> LexPlace<'a> {
    /// The state.
    #[inline]
    pub fn state(&self) -> LexState {
        self.state
    }

    /// See [`Lexicon::edges`].
    ///
    /// # Errors
    /// A limit.
    #[inline]
    pub fn edges(&self) -> Result<&'a Edges, LimitError> {
        match self.record.edges.get() {
            Some(edges) => Ok(edges),
            None => self.lexicon.make_edges(self.state),
        }
    }

    /// See [`Lexicon::is_final`].
    ///
    /// # Errors
    /// A limit.
    #[inline]
    pub fn is_final(&self) -> Result<bool, LimitError> {
        Ok(self.record.accept != LabelSet::NONE && self.edges()?.is_dead())
    }

    /// See [`Lexicon::accept`].
    #[inline]
    pub fn accept(&self) -> LabelSet {
        self.record.accept
    }

    /// [Classes](maskwright_tables::trie::byte_class) of bytes of their own: any string of these leaves the
    /// state alive for sure, wherever each of its bytes leads. The digits of a multiple of 9973, the letters
    /// of a name that has to have ten.
    #[inline]
    pub fn goes_on(&self) -> Classes {
        self.record.goes_on
    }

    /// See [`Lexicon::keeps`].
    ///
    /// # Errors
    /// A limit.
    #[inline]
    pub fn keeps(&self, classes: Classes) -> Result<bool, LimitError> {
        let more = self.record.more.get();
        if let Some(all) = more.and_then(|more| more.all_loops.get()) {
            return Ok(classes & !all == 0);
        }
        match more.and_then(|more| more.loops.get()) {
            Some(loops) if classes & !loops & !CHARACTERS != 0 => Ok(false),
            Some(loops) if classes & !loops == 0 => Ok(true),
            _ => self.lexicon.keeps(self.state, classes),
        }
    }
}

/// Terminals of all grammars over one vocabulary. See the module documentation.
///
/// Transitions that are known are read without a lock; new ones are made under a mutex.
#[derive(Debug)]
pub struct Lexicon {
    inner: Mutex<Inner>,
    states: boxcar::Vec<State>,
    /// Label set `i + 1` is mark set `i`.
    labels: boxcar::Vec<Box<[u32]>>,
    has_gaps: bool,
    limits: Limits,
    /// Bytes of the store when it was last measured.
    last_bytes: AtomicUsize,
    /// Bytes of the transitions of states, and of their parts.
    edge_bytes: AtomicUsize,
}

/// The hash of a state.
fn hash_of(expr: ExprId, fresh: bool) -> u64 {
    FxBuildHasher.hash_one((expr, fresh))
}

/// The runs with the bytes outside an alphabet leading nowhere.
pub(super) fn within(runs: &Runs, alphabet: &ByteSet) -> Runs {
    let cuts = alphabet.cuts();
    let mut out = Vec::with_capacity(runs.len());
    let mut first = 0u8;
    for &(last, e) in runs.iter() {
        let mut start = first;
        for byte in first..=last {
            if byte == last || cuts.contains(byte + 1) {
                let alive = alphabet.contains(start);
                out.push((byte, if alive { e } else { Store::NEVER }));
                start = byte.saturating_add(1);
            }
        }
        first = last.saturating_add(1);
    }
    out.into()
}

impl Lexicon {
    /// Smaller bounds are reached by too many tokens for it to be of use to look past them.
    const SHORT: u32 = 4;

    /// A number of bytes that few tokens have.
    const WIDE: u32 = 20;

    /// A number of bytes more than nearly any token has.
    pub const FAR: u32 = 160;

    /// An empty lexicon. Each call observes `limits.steps`, the whole observes `limits.states`.
    pub fn new(limits: Limits) -> Self {
        let states = boxcar::Vec::new();
        let dead = State {
            expr: Store::NEVER,
            fresh: false,
            endless: false,
            leeway: 0,
            spared: 0,
            goes_on: 0,
            accept: LabelSet::NONE,
            edges: OnceLock::new(),
            step: OnceLock::new(),
            more: OnceLock::new(),
        };
        let _ = dead
            .edges
            .set(Edges::Runs(Box::new([(255, LexState::DEAD)])));
        states.push(dead);
        let labels = boxcar::Vec::new();
        labels.push(Box::default());
        Lexicon {
            inner: Mutex::new(Inner {
                store: Store::new(),
                states: Shards::new(),
                published: 1,
                numbers: FxHashMap::default(),
            }),
            states,
            labels,
            has_gaps: false,
            limits,
            last_bytes: AtomicUsize::new(0),
            edge_bytes: AtomicUsize::new(0),
        }
    }

    /// An empty lexicon for a vocabulary that can spell only these bytes: a lexical state from
    /// which no lexeme of these bytes leads to acceptance is dead.
    pub fn with_alphabet(limits: Limits, alphabet: ByteSet) -> Self {
        let lexicon = Self::new(limits);
        if alphabet != ByteSet([u64::MAX; 4]) {
            lexicon.lock().store.alphabet = Some(alphabet);
        }
        lexicon
    }

    /// An empty lexicon for texts that are written in these pieces. A lexical state is dead when no
    /// bytes of pieces lead from it to acceptance; whether pieces do is [`Lexicon::spelling`]'s to say.
    pub fn with_pieces(limits: Limits, pieces: &[&[u8]]) -> Self {
        let mut alphabet = ByteSet::default();
        let bytes = pieces.iter().flat_map(|p| p.iter());
        bytes.for_each(|byte| alphabet.insert(*byte));
        let mut lexicon = Self::with_alphabet(limits, alphabet);
        lexicon.has_gaps = true;
        lexicon.lock().store.pieces = Some(Box::new(Pieces::new(pieces)));
        lexicon
    }

    /// Whether the texts are [written in pieces](Self::with_pieces), so that perhaps not every lexical
    /// state that is alive can be spelled to its end.
    pub fn has_gaps(&self) -> bool {
        self.has_gaps
    }

    /// The pieces that others do not spell. Only where there are [gaps](Self::has_gaps).
    pub fn unsplittable(&self) -> Vec<Vec<u8>> {
        let inner = self.lock();
        inner.store.pieces.as_ref().map_or(Vec::new(), |p| p.list())
    }

    /// How the rest of the lexeme can be spelled when a piece ends at `state`. Exact; may search.
    ///
    /// # Errors
    /// A limit.
    pub fn spelling(&self, state: LexState) -> Result<Spelling, LimitError> {
        let mut steps = self.limits.steps;
        let expr = self.expr(state);
        self.lock().store.spelling(expr, &mut steps)
    }

    /// Whether whole pieces spell some match of `e`.
    ///
    /// # Errors
    /// A limit.
    pub fn is_whole(&self, e: ExprId) -> Result<bool, LimitError> {
        let mut steps = self.limits.steps;
        Ok(self.lock().store.spelling(e, &mut steps)? == Spelling::Whole)
    }

    /// Whether each of these bytes is a piece by itself.
    pub fn spells_each(&self, bytes: &[u8]) -> bool {
        self.lock().store.spells_each(bytes)
    }

    /// Whether each byte of the pieces is a piece, so that every lexical state that is alive is
    /// [`Whole`](Spelling::Whole).
    pub fn spells_all(&self) -> bool {
        let inner = self.lock();
        let pieces = inner.store.pieces.as_ref();
        pieces.is_none_or(|pieces| pieces.list().iter().all(|piece| piece.len() == 1))
    }

    /// Whether every byte is a piece by itself, so that every text can be spelled.
    pub fn spells_any(&self) -> bool {
        self.lock().store.alphabet.is_none() && self.spells_all()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        // A poisoned store is still consistent: every insertion is complete or absent.
        self.inner
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Matches nothing.
    pub fn never(&self) -> ExprId {
        Store::NEVER
    }

    /// Matches the empty string.
    pub fn empty(&self) -> ExprId {
        Store::EMPTY
    }

    /// Matches the empty string and records `label`.
    pub fn mark(&self, label: u32) -> ExprId {
        let mut inner = self.lock();
        let marks = inner.store.mark_of(label);
        inner.store.marks(marks)
    }

    /// Matches these bytes.
    pub fn bytes(&self, bytes: &[u8]) -> ExprId {
        self.lock().store.bytes(bytes)
    }

    /// Matches one byte out of inclusive ranges.
    pub fn byte_class(&self, ranges: &[(u8, u8)]) -> ExprId {
        self.lock().store.set(ByteSet::from_ranges(ranges))
    }

    /// Matches one character out of inclusive, sorted, disjoint ranges, in UTF-8.
    pub fn class(&self, ranges: &[(char, char)]) -> ExprId {
        self.lock().store.class(ranges)
    }

    /// One after the other.
    pub fn concat(&self, parts: &[ExprId]) -> ExprId {
        self.lock().store.concat(parts)
    }

    /// Any of them.
    pub fn alt(&self, parts: &[ExprId]) -> ExprId {
        self.lock().store.alt(parts)
    }

    /// All of them at once; of none, all byte strings.
    pub fn and(&self, parts: &[ExprId]) -> ExprId {
        self.lock().store.and(parts)
    }

    /// The complement within all byte strings. Carries no marks.
    pub fn not(&self, e: ExprId) -> ExprId {
        self.lock().store.not(e)
    }

    /// The complement within valid UTF-8 text. Carries no marks.
    pub fn text_not(&self, e: ExprId) -> ExprId {
        self.lock().store.text_not(e)
    }

    /// From `min` to `max` copies, as a counter.
    pub fn repeat(&self, e: ExprId, min: u32, max: Option<u32>) -> ExprId {
        self.lock().store.repeat(e, min, max.unwrap_or(UNBOUNDED))
    }

    /// The numbers of a set in a spelling: those that were made before, or new ones.
    pub(crate) fn numbers(
        &self,
        set: &NumberSet,
        spelling: NumberSpelling,
        new: impl FnOnce() -> Result<ExprId, LimitError>,
    ) -> Result<ExprId, LimitError> {
        let key = (set.clone(), spelling);
        if let Some(&known) = self.lock().numbers.get(&key) {
            return Ok(known);
        }
        let e = new()?;
        self.lock().numbers.insert(key, e);
        Ok(e)
    }

    /// Any valid UTF-8 text.
    pub fn any_text(&self) -> ExprId {
        self.lock().store.any_text
    }

    /// One out of a set of byte strings, each with an optional mark.
    pub fn literals(&self, strings: Vec<(Box<[u8]>, Option<u32>)>) -> ExprId {
        let mut inner = self.lock();
        let strings = strings
            .into_iter()
            .map(|(s, m)| (s, m.map_or(MarksId(0), |m| inner.store.mark_of(m))))
            .collect();
        inner.store.literals(strings)
    }

    /// The same of strings in the order of their bytes, none of which occurs twice.
    pub fn sorted_literals(&self, strings: impl Iterator<Item = (Arc<[u8]>, u32)>) -> ExprId {
        let mut inner = self.lock();
        let strings = strings.map(|(s, m)| (s, inner.store.mark_of(m))).collect();
        inner.store.sorted_literals(strings)
    }

    /// All JSON spellings, with both quotes, of the strings whose value `value` matches. Marks of
    /// `value` surface at the closing quote.
    pub fn json_string(&self, value: ExprId) -> ExprId {
        self.lock().store.json_string(value)
    }

    /// A hand-written automaton.
    pub fn leaf(&self, automaton: Arc<dyn Automaton>) -> ExprId {
        self.lock().store.leaf(automaton)
    }

    /// The expression of a regex of the grammar IR.
    pub fn import(&self, pool: &RegexPool, root: RegexId) -> Result<ExprId, LimitError> {
        self.lock().store.import(pool, root)
    }

    /// Whether no match of `e` occurs in what the vocabulary can spell. Exact of the lexeme by itself;
    /// may search (bounded by `limits.steps`). Ask it of whole lexemes, not of the values of JSON
    /// strings.
    pub fn is_never(&self, e: ExprId) -> Result<bool, LimitError> {
        let mut steps = self.limits.steps;
        self.lock().store.is_unspelled(e, &mut steps)
    }

    /// Whether `e` matches nothing at all, by whatever bytes.
    ///
    /// # Errors
    /// A limit.
    pub fn is_empty(&self, e: ExprId) -> Result<bool, LimitError> {
        let mut steps = self.limits.steps;
        self.lock().store.is_empty(e, &mut steps)
    }

    /// Whether `e` certainly matches infinitely many strings; "no" may only be unknown.
    pub fn is_endless(&self, e: ExprId) -> bool {
        self.lock().store.fact(e).endless
    }

    /// What is left of `e` after one byte, by runs: `(last byte of the run, rest)`, covering 0 to 255.
    ///
    /// # Errors
    /// A limit.
    pub fn derivatives(&self, e: ExprId) -> Result<Arc<[(u8, ExprId)]>, LimitError> {
        let mut steps = self.limits.steps;
        self.lock().store.runs_of(e, &mut steps)
    }

    /// Whether `e` matches the empty string.
    pub fn is_nullable(&self, e: ExprId) -> bool {
        self.lock().store.nullable(e)
    }

    /// What is left of `e` after one byte.
    pub fn derive(&self, e: ExprId, byte: u8) -> Result<ExprId, LimitError> {
        let mut steps = self.limits.steps;
        self.lock().store.derive(e, byte, &mut steps)
    }

    /// What kind of expression `e` is.
    pub fn view(&self, e: ExprId) -> ExprView {
        self.lock().store.view(e)
    }

    /// The number of expressions and of lexical states made so far.
    pub fn len(&self) -> (usize, usize) {
        (self.lock().store.nodes.len(), self.states.count())
    }

    /// Bytes held, about. O(1), and never waits for another thread.
    pub fn heap_bytes(&self) -> usize {
        let store = heap::behind(&self.inner, &self.last_bytes, |inner| {
            heap::table::<(ExprId, bool, LexState), ()>(inner.states.len())
                + heap::table::<(NumberSet, u8), ExprId>(inner.numbers.len())
                + inner.store.heap_bytes()
        });
        let states = heap::pieces::<State>(self.states.count());
        store + states + self.edge_bytes.load(Ordering::Relaxed)
    }

    /// The fresh state in which a lexeme matched by `e` begins; `DEAD` if there is none.
    pub fn fresh(&self, e: ExprId) -> Result<LexState, LimitError> {
        let mut steps = self.limits.steps;
        let mut inner = self.lock();
        if inner.store.is_empty_within(e, &mut steps)? {
            return Ok(LexState::DEAD);
        }
        self.intern(&mut inner, e, true)
    }

    /// The fresh state from which no byte leads anywhere: only a token as a whole may come next.
    pub fn between(&self) -> Result<LexState, LimitError> {
        let mut inner = self.lock();
        self.intern(&mut inner, Store::NEVER, true)
    }

    fn intern(&self, inner: &mut Inner, expr: ExprId, fresh: bool) -> Result<LexState, LimitError> {
        let hash = hash_of(expr, fresh);
        let same = |s: &(ExprId, bool, LexState)| (s.0, s.1) == (expr, fresh);
        if let Some(&(.., state)) = inner.states.find(hash, same) {
            return Ok(state);
        }
        if self.states.count() >= self.limits.states {
            let n = self.limits.states as u64;
            return Err(LimitError::new("lexical states", n + 1, n));
        }
        let facts = *inner.store.fact(expr);
        let accept = if facts.nullable && !fresh {
            LabelSet(facts.marks.0 + 1)
        } else {
            LabelSet::NONE
        };
        let leeway = inner.store.leeway(expr);
        let spared = inner.store.spared(expr);
        let goes_on = inner.store.goes_on(expr);
        self.publish(inner);
        let state = LexState(self.states.push(State {
            expr,
            fresh,
            endless: facts.endless,
            leeway,
            spared,
            goes_on,
            accept,
            edges: OnceLock::new(),
            step: OnceLock::new(),
            more: OnceLock::new(),
        }) as u32);
        let entry = (expr, fresh, state);
        inner
            .states
            .insert_unique(hash, entry, |s| hash_of(s.0, s.1));
        Ok(state)
    }

    /// A state, looked up once for all questions.
    #[inline]
    pub fn place(&self, state: LexState) -> LexPlace<'_> {
        LexPlace {
            lexicon: self,
            state,
            record: &self.states[state.index()],
        }
    }

    /// The transitions of a state, made on first use.
    #[inline]
    pub fn edges(&self, state: LexState) -> Result<&Edges, LimitError> {
        match self.states[state.index()].edges.get() {
            Some(edges) => Ok(edges),
            None => self.make_edges(state),
        }
    }

    #[cold]
    fn make_edges(&self, state: LexState) -> Result<&Edges, LimitError> {
        let record = &self.states[state.index()];
        let mut steps = self.limits.steps;
        let mut inner = self.lock();
        if let Some(edges) = record.edges.get() {
            return Ok(edges);
        }
        let left = inner.store.runs_of(record.expr, &mut steps)?;
        // Bytes that the vocabulary cannot spell lead nowhere.
        let left = match inner.store.alphabet {
            Some(alphabet) => within(&left, &alphabet),
            None => left,
        };
        let mut runs: Vec<(u8, LexState)> = Vec::with_capacity(left.len());
        for &(last, d) in left.iter() {
            let target = if inner.store.is_empty_within(d, &mut steps)? {
                LexState::DEAD
            } else {
                self.intern(&mut inner, d, false)?
            };
            match runs.last_mut() {
                Some(run) if run.1 == target => run.0 = last,
                _ => runs.push((last, target)),
            }
        }
        inner.store.forget();
        let edges = if runs.len() <= 8 {
            Edges::Runs(runs.into())
        } else {
            let mut table = Box::new([LexState::DEAD; 256]);
            let mut first = 0usize;
            for (last, target) in runs {
                table[first..=usize::from(last)].fill(target);
                first = usize::from(last) + 1;
            }
            Edges::Table(table)
        };
        self.edge_bytes
            .fetch_add(edges.heap_bytes(), Ordering::Relaxed);
        let _ = record.edges.set(edges);
        drop(inner);
        Ok(record.edges.get_or_init(|| Edges::Runs(Box::default())))
    }

    /// What is known of a state without its transitions. Nothing where the vocabulary cannot spell all
    /// bytes. O(parts of its expression).
    ///
    /// # Errors
    /// A limit.
    pub fn shape(&self, state: LexState) -> Result<Shape, LimitError> {
        let record = &self.states[state.index()];
        let mut inner = self.lock();
        if inner.store.alphabet.is_some() || inner.store.pieces.is_some() {
            return Ok(Shape::Other);
        }
        let Some(parts) = inner.store.text_parts(record.expr) else {
            if let Some(base) = inner.store.live_base(record.expr) {
                return Ok(Shape::Live(self.intern(&mut inner, base, record.fresh)?));
            }
            return Ok(match inner.store.bounded(record.expr) {
                Some((base, most, reach)) => Shape::Bounded(Bounded {
                    base: self.intern(&mut inner, base, record.fresh)?,
                    most,
                    reach,
                }),
                None if inner.store.json_string_of(record.expr).is_some() => Shape::String,
                None => Shape::Other,
            });
        };
        self.publish(&mut inner);
        let others = match parts.others {
            None => None,
            Some((base, excluded, chars)) => Some(Others {
                base: self.intern(&mut inner, base, record.fresh)?,
                excluded,
                chars,
            }),
        };
        Ok(Shape::Text(Text {
            opened: parts.opened,
            listed: parts.listed,
            others,
        }))
    }

    /// Whether a JSON string behind its opening quote can be completed by a value of at most so many
    /// characters more; `None` where that takes a search. O(1).
    pub fn ends_within(&self, state: LexState, chars: u32) -> Option<bool> {
        self.lock().store.ends_within(self.expr(state), chars)
    }

    #[inline]
    fn more<'a>(&self, record: &'a State) -> &'a More {
        record.more.get_or_init(|| {
            let bytes = heap::allocation(size_of::<More>());
            self.edge_bytes.fetch_add(bytes, Ordering::Relaxed);
            Box::default()
        })
    }

    /// The labels of two label sets, neither of which is `NONE`.
    pub fn union_labels(&self, a: LabelSet, b: LabelSet) -> LabelSet {
        let mut inner = self.lock();
        let marks = inner.store.union_marks(MarksId(a.0 - 1), MarksId(b.0 - 1));
        self.publish(&mut inner);
        LabelSet(marks.0 + 1)
    }

    /// The states of long strings differ only in how much is left: see [`Loose`].
    pub fn loose(&self, state: LexState) -> Result<Loose, LimitError> {
        let record = &self.states[state.index()];
        if let Some(&answer) = self.more(record).loose.get() {
            return Ok(answer);
        }
        let mut inner = self.lock();
        let mut horizon = u32::MAX;
        let same = inner
            .store
            .unbounded(record.expr, Self::SHORT, &mut horizon);
        let alive = inner.store.relaxed(same);
        let mut intern = |e: ExprId| {
            if e == record.expr {
                Ok(state)
            } else {
                self.intern(&mut inner, e, record.fresh)
            }
        };
        let answer = Loose {
            same: intern(same)?,
            alive: intern(alive)?,
            horizon,
        };
        Ok(*self.more(record).loose.get_or_init(|| answer))
    }

    /// A state that agrees with `state` on everything that at most so many bytes can show, with the small
    /// counts that `state` has: a text of at most nine words and at most 120 characters is one of at most
    /// nine words, for about 120 bytes.
    ///
    /// # Errors
    /// A limit.
    pub fn wide(&self, state: LexState) -> Result<(LexState, u32), LimitError> {
        let record = &self.states[state.index()];
        if let Some(&wide) = self.more(record).wide.get() {
            return Ok(wide);
        }
        let mut inner = self.lock();
        let mut horizon = u32::MAX;
        let e = inner.store.unbounded(record.expr, Self::WIDE, &mut horizon);
        let wide = match e == record.expr {
            true => (state, u32::MAX),
            false => (self.intern(&mut inner, e, record.fresh)?, horizon),
        };
        Ok(*self.more(record).wide.get_or_init(|| wide))
    }

    /// A state that agrees with `state` on everything that fewer than [`FAR`](Self::FAR) bytes can show:
    /// which strings are alive, which are accepted and with what labels. A string of 500 characters
    /// and one of 499 have this state in common.
    ///
    /// # Errors
    /// A limit.
    pub fn far(&self, state: LexState) -> Result<LexState, LimitError> {
        let record = &self.states[state.index()];
        if let Some(&far) = self.more(record).far.get() {
            return Ok(far);
        }
        let mut inner = self.lock();
        let mut horizon = u32::MAX;
        let e = inner.store.unbounded(record.expr, Self::FAR, &mut horizon);
        let far = match e == record.expr {
            true => state,
            false => self.intern(&mut inner, e, record.fresh)?,
        };
        Ok(*self.more(record).far.get_or_init(|| far))
    }

    /// The [classes](maskwright_tables::trie::byte_class) of bytes, one bit each, some of whose bytes lead
    /// somewhere.
    ///
    /// # Errors
    /// A limit.
    pub fn firsts(&self, state: LexState) -> Result<Classes, LimitError> {
        let record = &self.states[state.index()];
        if let Some(&firsts) = self.more(record).firsts.get() {
            return Ok(firsts);
        }
        let mut firsts = 0;
        for byte in self.first_bytes(state)?.iter() {
            firsts |= 1 << byte_class(byte);
        }
        Ok(*self.more(record).firsts.get_or_init(|| firsts))
    }

    /// The bytes with which a lexeme goes on from a state, and maybe some others.
    fn first_bytes(&self, state: LexState) -> Result<ByteSet, LimitError> {
        let record = &self.states[state.index()];
        if record.edges.get().is_none()
            && let Some(firsts) = self.lock().store.first_bytes(record.expr)
        {
            return Ok(firsts);
        }
        Ok(self.edges(state)?.alive())
    }

    /// The state of two lexemes at once, at least a byte of each being read: alive and accepting where
    /// one of them is, with the labels of both.
    ///
    /// # Errors
    /// A limit.
    pub fn join(&self, a: LexState, b: LexState) -> Result<LexState, LimitError> {
        if a == b || b == LexState::DEAD {
            return Ok(a);
        }
        if a == LexState::DEAD {
            return Ok(b);
        }
        let parts = [self.expr(a), self.expr(b)];
        let mut inner = self.lock();
        let both = inner.store.alt(&parts);
        self.intern(&mut inner, both, false)
    }

    /// The labels with which the lexeme may end here, or `NONE`. Fresh states accept nothing.
    #[inline]
    pub fn accept(&self, state: LexState) -> LabelSet {
        self.states[state.index()].accept
    }

    /// The label set of one mark.
    pub fn label_set(&self, label: u32) -> LabelSet {
        let mut inner = self.lock();
        let marks = inner.store.mark_of(label);
        self.publish(&mut inner);
        LabelSet(marks.0 + 1)
    }

    /// Makes all mark sets label sets.
    fn publish(&self, inner: &mut Inner) {
        while inner.published < inner.store.mark_sets.len() {
            self.labels
                .push(inner.store.mark_sets[inner.published].clone());
            inner.published += 1;
        }
    }

    /// The marks of a label set, strictly increasing; may be empty.
    pub fn labels(&self, labels: LabelSet) -> &[u32] {
        match labels {
            LabelSet::NONE => &[],
            LabelSet(id) => &self.labels[id as usize - 1],
        }
    }

    /// Whether no byte of a lexeme has been read.
    #[inline]
    pub fn is_fresh(&self, state: LexState) -> bool {
        self.states[state.index()].fresh
    }

    /// Whether the lexeme may end here and cannot go on.
    pub fn is_final(&self, state: LexState) -> bool {
        self.accept(state) != LabelSet::NONE && self.edges(state).is_ok_and(Edges::is_dead)
    }

    /// Whether infinitely many strings certainly complete the lexeme; "no" may only be unknown.
    pub fn is_endless_from(&self, state: LexState) -> bool {
        self.states[state.index()].endless
    }

    /// Whether the state is that of a JSON string, before or behind its opening quote, that can be
    /// completed in infinitely many ways whatever text follows; "no" may only be unknown.
    pub fn is_boundless(&self, state: LexState) -> bool {
        self.leeway(state) == u32::MAX
    }

    /// How many bytes of text may follow in a JSON string, before or behind its opening quote, that leave
    /// it alive for sure, at least; `u32::MAX` for any number, 0 where nothing is known.
    pub fn leeway(&self, state: LexState) -> u32 {
        self.states[state.index()].leeway
    }

    /// [Classes](maskwright_tables::trie::byte_class) of printable bytes: every text that lacks one of them,
    /// and has no escapes, certainly leaves a JSON string alive. None where nothing is known. Of names that
    /// must not match `.*foo_.*`, these are the bytes of `fo_`.
    pub fn spared(&self, state: LexState) -> Classes {
        self.states[state.index()].spared
    }

    /// The expression of a state.
    pub fn expr(&self, state: LexState) -> ExprId {
        self.states[state.index()].expr
    }
}
