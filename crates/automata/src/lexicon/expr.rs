//! Expressions: nodes, simplification, and the facts kept with each node.

use super::facts::Facts;
use super::shards::Shards;
use hashbrown::HashTable;
use maskwright_grammar::RegexNode;
use maskwright_tables::{ByteSet, heap};
use regex_syntax::utf8::{Utf8Sequence, Utf8Sequences};
use rustc_hash::{FxHashMap, FxHasher};
use smallvec::SmallVec;
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::ops::{Index, IndexMut};
use std::sync::Arc;

/// A hash-consed expression: equal structure means equal id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExprId(pub u32);

/// A hand-written automaton over bytes, used as a leaf of an expression.
///
/// Every state that is returned can reach an accepting one.
pub trait Automaton: Send + Sync + Debug {
    /// Structural identity: equal keys mean equal automata. Include a tag for the type.
    fn key(&self) -> Vec<u8>;
    /// The first state; `None` when the automaton accepts nothing.
    fn start(&self) -> Option<u32>;
    /// The state after one more byte; `None` when nothing can be accepted any more.
    fn next(&self, state: u32, byte: u8) -> Option<u32>;
    /// Whether the bytes read so far are accepted.
    fn accepts(&self, state: u32) -> bool;
    /// Bytes of ASCII that never end it: after any string of these something can still be accepted. Maybe
    /// not all of them.
    fn goes_on(&self, _state: u32) -> ByteSet {
        ByteSet::default()
    }
}

/// What sets of bytes say of characters.
pub(super) trait Characters {
    /// The set as one of ASCII bytes if there is one byte in it, else none.
    fn only_ascii(&self) -> u128;

    /// How many characters a byte of the set is at least and at most; none in the middle or at the
    /// end of one.
    fn characters(&self) -> (u32, u32);
}

impl Characters for ByteSet {
    fn only_ascii(&self) -> u128 {
        let ascii = u128::from(self.0[0]) | u128::from(self.0[1]) << 64;
        match ascii.is_power_of_two() && self.0[2..] == [0, 0] {
            true => ascii,
            false => 0,
        }
    }

    fn characters(&self) -> (u32, u32) {
        let begins = self.0[0] | self.0[1] | self.0[3] != 0;
        (u32::from(self.0[2] == 0), u32::from(begins))
    }
}

/// An interned, sorted set of marks. The empty set is id 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct MarksId(pub u32);

/// No upper bound in [`Node::Repeat`].
pub(super) const UNBOUNDED: u32 = u32::MAX;

///
/// Unions and intersections are hashed by [`hash_of_parts`], so that one can be looked for before its
/// parts are boxed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    /// The empty set.
    Never,
    /// The empty string, recording marks.
    Marks(MarksId),
    /// One byte out of a set (never an empty one).
    Set(u32),
    /// Right-nested as a rule: the head is a `Concat` only when it is long.
    Concat(ExprId, ExprId),
    /// At least two, sorted, no `Never`, no `Alt`, at most one `Marks` and one unmarked `Set`.
    Alt(Box<[ExprId]>),
    /// At least two, sorted, no `Never`, no `And`.
    And(Box<[ExprId]>),
    /// Complement within all byte strings.
    Not(ExprId),
    /// The first without the strings of the second, which are literals (or the empty string).
    Except(ExprId, ExprId),
    /// `min..=max` copies.
    Repeat(ExprId, u32, u32),
    /// Strings `lo..hi` of a literal set, their first `depth` bytes already read.
    Literals {
        set: u32,
        lo: u32,
        hi: u32,
        depth: u32,
    },
    /// A state of a hand-written automaton.
    Leaf { automaton: u32, state: u32 },
    /// The rest of a JSON string, closing quote included, whose value is still to match the
    /// expression; see `derive` for the modes.
    Spelled(ExprId, u32),
}

/// What a node is, for code that looks for shapes it can answer faster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExprView {
    /// The empty set.
    Never,
    /// The empty string, with or without marks.
    Empty,
    /// One byte.
    Set(ByteSet),
    /// One after the other.
    Concat(ExprId, ExprId),
    /// Any of them.
    Alt(Vec<ExprId>),
    /// All of them.
    And(Vec<ExprId>),
    /// Complement.
    Not(ExprId),
    /// The first without the literals that the second stands for.
    Except(ExprId, ExprId),
    /// Copies; `None` is unbounded.
    Repeat(ExprId, u32, Option<u32>),
    /// Literals left.
    Literals(u32),
    /// A hand-written automaton.
    Leaf,
    /// The rest of a JSON string in the normal mode (outside an escape).
    Spelled(ExprId),
    /// The rest of a JSON string inside an escape.
    Escape(ExprId),
}

/// What is left after each byte: `(last byte of the run, expression)`, covering 0 to 255.
pub(super) type Runs = Arc<[(u8, ExprId)]>;

#[derive(Debug)]
pub(super) struct LiteralSet {
    /// Sorted by bytes, distinct bytes. Sets share them: the names of an object are in one for each member that
    /// may be the next.
    pub strings: Vec<Arc<[u8]>>,
    pub marks: Vec<MarksId>,
    /// Whether all of them are UTF-8.
    pub text: bool,
}

impl LiteralSet {
    pub fn new(strings: Vec<Arc<[u8]>>, marks: Vec<MarksId>) -> Self {
        let text = strings.iter().all(|s| std::str::from_utf8(s).is_ok());
        LiteralSet {
            strings,
            marks,
            text,
        }
    }
}

fn hash_of(node: &Node) -> u64 {
    match node {
        Node::Alt(parts) => hash_of_parts(true, parts),
        Node::And(parts) => hash_of_parts(false, parts),
        _ => {
            let mut hasher = FxHasher::default();
            node.hash(&mut hasher);
            hasher.finish()
        }
    }
}

fn hash_of_literals<S: Hash>(strings: &[(S, MarksId)]) -> u64 {
    let mut hasher = FxHasher::default();
    strings.hash(&mut hasher);
    hasher.finish()
}

fn hash_of_parts(is_union: bool, parts: &[ExprId]) -> u64 {
    let mut hasher = FxHasher::default();
    (is_union, parts).hash(&mut hasher);
    hasher.finish()
}

/// A list that grows without moving what it holds: of half a million expressions, a move would be a pause
/// of tens of milliseconds.
#[derive(Debug)]
pub(super) struct Segments<T>(Vec<Vec<T>>);

impl<T> Segments<T> {
    const BITS: usize = 10;

    fn new() -> Self {
        Segments(Vec::new())
    }

    pub fn len(&self) -> usize {
        let full = self.0.len().saturating_sub(1) << Self::BITS;
        full + self.0.last().map_or(0, Vec::len)
    }

    fn capacity(&self) -> usize {
        self.0.len() << Self::BITS
    }

    fn push(&mut self, value: T) {
        if self.0.last().is_none_or(|s| s.len() == 1 << Self::BITS) {
            self.0.push(Vec::with_capacity(1 << Self::BITS));
        }
        if let Some(last) = self.0.last_mut() {
            last.push(value);
        }
    }
}

impl<T> Index<usize> for Segments<T> {
    type Output = T;

    #[inline]
    fn index(&self, i: usize) -> &T {
        &self.0[i >> Self::BITS][i & ((1 << Self::BITS) - 1)]
    }
}

impl<T> IndexMut<usize> for Segments<T> {
    fn index_mut(&mut self, i: usize) -> &mut T {
        &mut self.0[i >> Self::BITS][i & ((1 << Self::BITS) - 1)]
    }
}

/// The arena of expressions and the caches of derivatives and emptiness.
#[derive(Debug)]
pub(super) struct Store {
    pub nodes: Segments<Node>,
    pub facts: Segments<Facts>,
    /// Finds a node's id by its content; the hash is kept, so that growing does not look at the nodes.
    ids: Shards<(u64, ExprId)>,
    pub sets: Vec<ByteSet>,
    set_ids: FxHashMap<ByteSet, u32>,
    pub mark_sets: Vec<Box<[u32]>>,
    mark_ids: FxHashMap<Box<[u32]>, MarksId>,
    pub literal_sets: Vec<Arc<LiteralSet>>,
    /// With the hashes of the sets, which are long to hash again.
    literal_ids: HashTable<(u64, u32)>,
    pub automata: Vec<Arc<dyn Automaton>>,
    automaton_ids: FxHashMap<Vec<u8>, u32>,
    pub classes: FxHashMap<Box<[(char, char)]>, ExprId>,
    /// The characters outside ASCII of classes, as increasing ranges.
    pub class_ranges: FxHashMap<ExprId, Box<[[u32; 2]]>>,
    /// Large regexes that were imported, by their content: formats come with schema after schema.
    pub imported: FxHashMap<Box<[RegexNode]>, ExprId>,
    /// Any one character.
    pub any_char: ExprId,
    /// Any text: characters in UTF-8.
    pub any_text: ExprId,
    /// The quote of a JSON string.
    pub quote: ExprId,
    /// The set of which a literal of a larger set is the only one.
    alone: FxHashMap<(u32, u32), u32>,
    /// What is left after each byte, of expressions that larger ones were derived from.
    pub runs: FxHashMap<ExprId, Runs>,
    pub derivatives: FxHashMap<(ExprId, u8), ExprId>,
    /// Known emptiness of doubtful nodes: `true` is empty.
    pub empty: FxHashMap<ExprId, bool>,
    /// The only bytes that the vocabulary can spell, when they are not all bytes.
    pub alphabet: Option<ByteSet>,
    /// Known emptiness over the alphabet.
    pub empty_within: FxHashMap<ExprId, bool>,
    /// The pieces of text that there are, when some bytes are none by themselves.
    pub pieces: Option<Box<super::pieces::Pieces>>,
    /// Bytes that the values of the tables own.
    pub(super) owned: usize,
}

impl Store {
    pub const NEVER: ExprId = ExprId(0);
    pub const EMPTY: ExprId = ExprId(1);
    /// All byte strings.
    pub const ALL: ExprId = ExprId(2);

    pub fn new() -> Self {
        let mut store = Store {
            nodes: Segments::new(),
            facts: Segments::new(),
            ids: Shards::new(),
            sets: Vec::new(),
            set_ids: FxHashMap::default(),
            mark_sets: vec![Box::default()],
            mark_ids: FxHashMap::default(),
            literal_sets: Vec::new(),
            literal_ids: HashTable::new(),
            automata: Vec::new(),
            automaton_ids: FxHashMap::default(),
            classes: FxHashMap::default(),
            class_ranges: FxHashMap::default(),
            imported: FxHashMap::default(),
            any_char: Self::NEVER,
            any_text: Self::NEVER,
            quote: Self::NEVER,
            alone: FxHashMap::default(),
            runs: FxHashMap::default(),
            derivatives: FxHashMap::default(),
            empty: FxHashMap::default(),
            alphabet: None,
            empty_within: FxHashMap::default(),
            pieces: None,
            owned: 0,
        };
        store.mark_ids.insert(Box::default(), MarksId(0));
        store.add(Node::Never);
        store.add(Node::Marks(MarksId(0)));
        store.add(Node::Not(Self::NEVER));
        store.any_char = store.class(&[('\0', char::MAX)]);
        store.any_text = store.repeat(store.any_char, 0, UNBOUNDED);
        store.quote = store.bytes(b"\"");
        store
    }

    pub fn node(&self, id: ExprId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    pub fn fact(&self, id: ExprId) -> &Facts {
        &self.facts[id.0 as usize]
    }

    pub fn nullable(&self, id: ExprId) -> bool {
        self.facts[id.0 as usize].nullable
    }

    /// Bytes held, about; hand-written automata count a little each. O(1).
    pub fn heap_bytes(&self) -> usize {
        const AUTOMATON: usize = 512;
        let expressions = heap::list::<Node>(self.nodes.capacity())
            + heap::list::<Facts>(self.facts.capacity())
            + heap::table::<(u64, ExprId), ()>(self.ids.len());
        let parts = heap::list::<ByteSet>(self.sets.capacity())
            + heap::table::<ByteSet, u32>(self.set_ids.len())
            + heap::list::<Box<[u32]>>(self.mark_sets.capacity())
            + heap::table::<Box<[u32]>, MarksId>(self.mark_ids.len())
            + heap::list::<Arc<LiteralSet>>(self.literal_sets.capacity())
            + self.literal_sets.len() * heap::allocation(size_of::<LiteralSet>() + 16)
            + heap::table::<(u64, u32), ()>(self.literal_ids.len())
            + heap::table::<(u32, u32), u32>(self.alone.len())
            + heap::table::<Box<[(char, char)]>, ExprId>(self.classes.len())
            + heap::table::<Box<[RegexNode]>, ExprId>(self.imported.len())
            + self.automata.len() * AUTOMATON;
        let known = heap::table::<ExprId, Runs>(self.runs.capacity() / 8 * 7)
            + self.runs.len() * heap::list::<(u8, ExprId)>(8)
            + heap::table::<(ExprId, u8), ExprId>(self.derivatives.capacity() / 8 * 7)
            + heap::table::<ExprId, bool>(self.empty.len())
            + heap::table::<ExprId, bool>(self.empty_within.len());
        let pieces = self.pieces.as_ref().map_or(0, |pieces| pieces.heap_bytes());
        expressions + parts + known + pieces + self.owned
    }

    pub fn add(&mut self, node: Node) -> ExprId {
        let hash = hash_of(&node);
        let same = |e: &(u64, ExprId)| e.0 == hash && self.nodes[e.1.0 as usize] == node;
        match self.ids.find(hash, same) {
            Some(&(_, id)) => id,
            None => self.add_new(hash, node),
        }
    }

    /// A union or intersection of parts in normal form; nothing is allocated when it is known.
    pub(super) fn add_parts(
        &mut self,
        parts: &[ExprId],
        kind: fn(Box<[ExprId]>) -> Node,
    ) -> ExprId {
        let is_union = matches!(kind(Box::default()), Node::Alt(_));
        let hash = hash_of_parts(is_union, parts);
        let same = |e: &(u64, ExprId)| match &self.nodes[e.1.0 as usize] {
            Node::Alt(p) => is_union && **p == *parts,
            Node::And(p) => !is_union && **p == *parts,
            _ => false,
        };
        match self.ids.find(hash, |e| e.0 == hash && same(e)) {
            Some(&(_, id)) => id,
            None => self.add_new(hash, kind(parts.into())),
        }
    }

    fn add_new(&mut self, hash: u64, node: Node) -> ExprId {
        let facts = self.compute_facts(&node);
        if let Node::Alt(parts) | Node::And(parts) = &node {
            self.owned += heap::list::<ExprId>(parts.len());
        }
        let id = ExprId(self.nodes.len() as u32);
        self.nodes.push(node);
        self.facts.push(facts);
        self.ids.insert_unique(hash, (hash, id), |e| e.0);
        id
    }

    pub fn intern_marks(&mut self, marks: Box<[u32]>) -> MarksId {
        if let Some(&id) = self.mark_ids.get(&marks) {
            return id;
        }
        let id = MarksId(self.mark_sets.len() as u32);
        self.owned += 2 * heap::list::<u32>(marks.len());
        self.mark_sets.push(marks.clone());
        self.mark_ids.insert(marks, id);
        id
    }

    /// The set of one mark.
    pub fn mark_of(&mut self, mark: u32) -> MarksId {
        match self.mark_ids.get(&[mark][..]) {
            Some(&id) => id,
            None => self.intern_marks(Box::new([mark])),
        }
    }

    pub fn union_marks(&mut self, a: MarksId, b: MarksId) -> MarksId {
        if a == b || b.0 == 0 {
            return a;
        }
        if a.0 == 0 {
            return b;
        }
        let (one, other) = (&self.mark_sets[a.0 as usize], &self.mark_sets[b.0 as usize]);
        // Two runs: a stable sort merges them.
        let mut all = [&**one, other].concat();
        all.sort();
        all.dedup();
        // Mostly one has all of them.
        match all.len() {
            n if n == one.len() => a,
            n if n == other.len() => b,
            _ => self.intern_marks(all.into()),
        }
    }

    /// The union of any number of mark sets.
    pub fn union_of_marks(&mut self, all: &[MarksId]) -> MarksId {
        match *all {
            [] => MarksId(0),
            [only] => only,
            [a, b] => self.union_marks(a, b),
            _ => {
                let sets = all.iter().flat_map(|m| &*self.mark_sets[m.0 as usize]);
                let mut marks: Vec<u32> = sets.copied().collect();
                marks.sort();
                marks.dedup();
                self.intern_marks(marks.into())
            }
        }
    }

    pub fn marks(&mut self, marks: MarksId) -> ExprId {
        self.add(Node::Marks(marks))
    }

    pub fn set(&mut self, set: ByteSet) -> ExprId {
        if set.is_empty() {
            return Self::NEVER;
        }
        let next = self.sets.len() as u32;
        let id = *self.set_ids.entry(set).or_insert(next);
        if id == next {
            self.sets.push(set);
        }
        self.add(Node::Set(id))
    }

    pub fn concat2(&mut self, head: ExprId, tail: ExprId) -> ExprId {
        if head == Self::NEVER || tail == Self::NEVER {
            return Self::NEVER;
        }
        if tail == Self::EMPTY {
            return head;
        }
        // Unwind a left-nested head so that equal strings of parts meet in one node. A long head
        // stays as it is: unwinding it at each level of a deep nest would cost its square.
        let mut spine: SmallVec<[ExprId; 8]> = SmallVec::new();
        let mut h = head;
        while let Node::Concat(a, b) = *self.node(h) {
            if spine.len() == 8 {
                return self.add(Node::Concat(head, tail));
            }
            spine.push(a);
            h = b;
        }
        let mut result = tail;
        spine.push(h);
        while let Some(part) = spine.pop() {
            if part != Self::EMPTY {
                result = self.add(Node::Concat(part, result));
            }
        }
        result
    }

    pub fn concat(&mut self, parts: &[ExprId]) -> ExprId {
        parts
            .iter()
            .rev()
            .fold(Self::EMPTY, |tail, &part| self.concat2(part, tail))
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> ExprId {
        let mut result = Self::EMPTY;
        for &b in bytes.iter().rev() {
            let one = self.set(ByteSet::from_ranges(&[(b, b)]));
            result = self.concat2(one, result);
        }
        result
    }

    pub fn not(&mut self, e: ExprId) -> ExprId {
        match *self.node(e) {
            Node::Not(inner) => inner,
            _ => self.add(Node::Not(e)),
        }
    }

    /// `max == UNBOUNDED` is no upper bound.
    pub fn repeat(&mut self, e: ExprId, min: u32, max: u32) -> ExprId {
        if max < min {
            return Self::NEVER;
        }
        let min = if self.nullable(e) { 0 } else { min };
        match (self.node(e), min, max) {
            (_, _, 0) => Self::EMPTY,
            (Node::Never, 0, _) => Self::EMPTY,
            (Node::Never, ..) => Self::NEVER,
            (Node::Marks(_), ..) => Self::EMPTY,
            (_, 1, 1) => e,
            (Node::Repeat(_, 0, UNBOUNDED), ..) => e,
            _ if e == Self::ALL => e,
            _ => self.add(Node::Repeat(e, min, max)),
        }
    }

    pub fn literals<S>(&mut self, mut strings: Vec<(S, MarksId)>) -> ExprId
    where
        S: AsRef<[u8]> + Ord + Hash + Into<Arc<[u8]>>,
    {
        strings.sort_unstable();
        // Equal strings unite their marks.
        let mut unique: Vec<(S, MarksId)> = Vec::with_capacity(strings.len());
        for (s, m) in strings {
            match unique.last_mut() {
                Some(last) if last.0 == s => last.1 = self.union_marks(last.1, m),
                _ => unique.push((s, m)),
            }
        }
        self.sorted_literals(unique)
    }

    /// The same of strings that are sorted and distinct.
    pub fn sorted_literals<S>(&mut self, strings: Vec<(S, MarksId)>) -> ExprId
    where
        S: AsRef<[u8]> + Hash + Into<Arc<[u8]>>,
    {
        if let [(string, marks)] = &strings[..]
            && string.as_ref().is_empty()
        {
            return self.marks(*marks);
        }
        let hi = strings.len() as u32;
        if hi == 0 {
            return Self::NEVER;
        }
        let set = self.find_literals(&strings).unwrap_or_else(|| {
            let shared = strings.into_iter().map(|(s, m)| (s.into(), m));
            self.add_literals(shared.collect())
        });
        self.add(Node::Literals {
            set,
            lo: 0,
            hi,
            depth: 0,
        })
    }

    /// The set of sorted, distinct strings, if it is there.
    fn find_literals<S: AsRef<[u8]> + Hash>(&self, strings: &[(S, MarksId)]) -> Option<u32> {
        let hash = hash_of_literals(strings);
        let same = |e: &(u64, u32)| {
            let known = &self.literal_sets[e.1 as usize];
            let all = known.strings.iter().map(|s| &**s).zip(&known.marks);
            e.0 == hash && all.eq(strings.iter().map(|(s, m)| (s.as_ref(), m)))
        };
        self.literal_ids.find(hash, same).map(|e| e.1)
    }

    /// A set of sorted, distinct strings that is not there.
    fn add_literals(&mut self, strings: Vec<(Arc<[u8]>, MarksId)>) -> u32 {
        let hash = hash_of_literals(&strings);
        let id = self.literal_sets.len() as u32;
        // Texts of other sets are counted there. One that only this set and its caller have is new.
        let new = strings.iter().filter(|(t, _)| Arc::strong_count(t) <= 2);
        let texts = new.map(|(text, _)| heap::allocation(text.len() + 16));
        self.owned += texts.sum::<usize>()
            + heap::list::<Arc<[u8]>>(strings.len())
            + heap::list::<MarksId>(strings.len());
        let (strings, marks) = strings.into_iter().unzip();
        self.literal_sets
            .push(Arc::new(LiteralSet::new(strings, marks)));
        self.literal_ids.insert_unique(hash, (hash, id), |e| e.0);
        id
    }

    /// One literal of a set, its first `depth` bytes read: the same node whatever set it came from.
    pub fn literal_alone(&mut self, set: u32, index: u32, depth: u32) -> ExprId {
        let all = &self.literal_sets[set as usize];
        let (string, marks) = (&all.strings[index as usize], all.marks[index as usize]);
        if string.len() == depth as usize {
            return self.marks(marks);
        }
        let (mut set, mut lo) = (set, index);
        if all.strings.len() > 1 {
            if let Some(&own) = self.alone.get(&(set, index)) {
                (set, lo) = (own, 0);
            } else {
                let known = self.find_literals(&[(&**string, marks)]);
                let own = known.unwrap_or_else(|| {
                    let string = self.literal_sets[set as usize].strings[index as usize].clone();
                    self.add_literals(vec![(string, marks)])
                });
                self.alone.insert((set, index), own);
                (set, lo) = (own, 0);
            }
        }
        let hi = lo + 1;
        self.add(Node::Literals { set, lo, hi, depth })
    }

    pub fn leaf(&mut self, automaton: Arc<dyn Automaton>) -> ExprId {
        let Some(state) = automaton.start() else {
            return Self::NEVER;
        };
        let next = self.automata.len() as u32;
        let id = *self.automaton_ids.entry(automaton.key()).or_insert(next);
        if id == next {
            self.automata.push(automaton);
        }
        self.add(Node::Leaf {
            automaton: id,
            state,
        })
    }

    /// One character out of sorted, disjoint ranges, in UTF-8.
    pub fn class(&mut self, ranges: &[(char, char)]) -> ExprId {
        if let Some(&id) = self.classes.get(ranges) {
            return id;
        }
        let sequences = ranges
            .iter()
            .flat_map(|&(a, b)| Utf8Sequences::new(a, b))
            .collect::<Vec<_>>();
        let id = self.sequences(&sequences, 0);
        self.facts[id.0 as usize].text = true;
        self.owned += 2 * heap::list::<(char, char)>(ranges.len());
        self.classes.insert(ranges.into(), id);
        let outside = ranges.iter().filter(|r| !r.1.is_ascii());
        let outside = outside.map(|r| [u32::from(r.0).max(0x80), u32::from(r.1)]);
        self.class_ranges.insert(id, outside.collect());
        id
    }

    /// Any of these spellings, in their order, of characters whose first bytes, so many, are the same. What
    /// is behind a byte is in one place, so that a derivative looks at few alternatives.
    fn sequences(&mut self, sequences: &[Utf8Sequence], depth: usize) -> ExprId {
        // What may follow, by the bytes that lead there.
        let mut tails: SmallVec<[(ExprId, ByteSet); 16]> = SmallVec::new();
        for group in sequences.chunk_by(|a, b| a.as_slice()[depth] == b.as_slice()[depth]) {
            let range = group[0].as_slice()[depth];
            let tail = match group[0].len() == depth + 1 {
                true => Self::EMPTY,
                false => self.sequences(group, depth + 1),
            };
            let bytes = ByteSet::from_ranges(&[(range.start, range.end)]);
            match tails.iter_mut().find(|known| known.0 == tail) {
                Some(known) => known.1 = known.1.union(&bytes),
                None => tails.push((tail, bytes)),
            }
        }
        let parts: SmallVec<[ExprId; 16]> = tails
            .into_iter()
            .map(|(tail, bytes)| {
                let set = self.set(bytes);
                self.concat2(set, tail)
            })
            .collect();
        self.alt(&parts)
    }

    /// An expression without the marks at its end, and these; the empty string for none.
    pub fn unmarked(&self, e: ExprId) -> (ExprId, ExprId) {
        match *self.node(e) {
            Node::Concat(head, tail) if matches!(self.node(tail), Node::Marks(_)) => (head, tail),
            _ => (e, Self::EMPTY),
        }
    }

    /// Whether an expression is made of bytes that follow each other and of alternatives alone.
    pub fn is_text(&self, mut id: ExprId) -> bool {
        loop {
            match self.node(id) {
                Node::Never | Node::Marks(_) | Node::Set(_) | Node::Literals { .. } => return true,
                Node::Concat(head, rest) if self.is_text(*head) => id = *rest,
                Node::Alt(parts) => return parts.iter().all(|p| self.is_text(*p)),
                _ => return false,
            }
        }
    }

    pub fn view(&self, id: ExprId) -> ExprView {
        match self.node(id) {
            Node::Never => ExprView::Never,
            Node::Marks(_) => ExprView::Empty,
            Node::Set(s) => ExprView::Set(self.sets[*s as usize]),
            Node::Concat(a, b) => ExprView::Concat(*a, *b),
            Node::Alt(p) => ExprView::Alt(p.to_vec()),
            Node::And(p) => ExprView::And(p.to_vec()),
            Node::Not(e) => ExprView::Not(*e),
            Node::Except(rest, literals) => ExprView::Except(*rest, *literals),
            Node::Repeat(e, min, max) => {
                ExprView::Repeat(*e, *min, (*max != UNBOUNDED).then_some(*max))
            }
            Node::Literals { lo, hi, .. } => ExprView::Literals(hi - lo),
            Node::Leaf { .. } => ExprView::Leaf,
            Node::Spelled(v, super::derive::NORMAL) => ExprView::Spelled(*v),
            Node::Spelled(v, _) => ExprView::Escape(*v),
        }
    }
}
