//! Walks over the vocabulary with strings of like bytes as one.
//!
//! To the patterns of schemas all lowercase letters are alike, mostly, and all digits, and all
//! characters of a script: `[A-Za-z0-9._-]{8,40}@` tells 6 kinds of bytes apart, where the vocabulary's
//! trie has 400,000 nodes. So its nodes are put together by the classes of the bytes that lead to them: `the`,
//! `and` and `for` are one node of a [`ClassTrie`], behind three letters. A walk looks at a node of it
//! once, as long as the bytes of its class lead to one state. Where they do not, as letters do in a
//! pattern of hexadecimal digits or behind `htt`, the nodes of the vocabulary's trie are walked from there on, or,
//! where a lexeme may begin at many of them, from those on that its first two bytes lead to ([`pairs`]).
//!
//! An end of a lexeme, and an edge with which what follows it begins, is a class node then, and stands for
//! its members. [`CLASS`] marks it among those that are nodes of the vocabulary's trie.
//!
//! # Invariants
//!
//! - Nodes are in preorder, the root first; children differ in class.
//! - The members of the root are the root. Each child, in the vocabulary's trie, of a member of a node
//!   is a member of one child of the node, and the bytes of a node are those of its members.

mod pairs;

use crate::row_walk::{self, Exit, Found, Joined};
use maskwright_automata::Lexicon;
use maskwright_automata::lexicon::{ByteSet, Edges};
use maskwright_kernels::bits;
use maskwright_tables::trie::{Classes, byte_class, classes_of};
use maskwright_tables::{LabelSet, LexState, LimitError, TokenId, TokenTrie, heap};
use pairs::{Pairs, Told};
use rustc_hash::FxHashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// A class of bytes, told apart also by the byte before: the bytes of white space outside ASCII are not
/// like others there.
type Class = u8;

/// Marks the number of a class node among those of nodes of the vocabulary's trie.
pub(crate) const CLASS: u32 = 1 << 31;

/// The number of classes.
const CLASSES: usize = 66;

/// The bytes of the classes of several bytes, by ranges: the first ones.
const WIDE: [&[(u8, u8)]; 8] = [
    &[(b'a', b'z')],
    &[(b'A', b'Z')],
    &[(b'0', b'9')],
    &[(0, 8), (0x0b, 0x0c), (0x0e, 0x1f), (0x7f, 0x7f)],
    &[(0x80, 0xbf)],
    &[(0xc3, 0xdf)],
    &[(0xf1, 0xf3)],
    &[(0xc0, 0xc1), (0xf5, 0xff)],
];

/// The class of a byte behind another one.
const fn class_of(before: u8, byte: u8) -> Class {
    match (before, byte) {
        (_, b'a'..=b'z') => 0,
        (_, b'A'..=b'Z') => 1,
        (_, b'0'..=b'9') => 2,
        (_, b'\t') => 8,
        (_, b'\n') => 9,
        (_, b'\r') => 10,
        (_, 0..=0x1f | 0x7f) => 3,
        // Space and punctuation, 33 in all.
        (_, b' '..=b'/') => 11 + (byte - b' '),
        (_, b':'..=b'@') => 27 + (byte - b':'),
        (_, b'['..=b'`') => 34 + (byte - b'['),
        (_, b'{'..=b'~') => 40 + (byte - b'{'),
        // What white space begins with, or is.
        (0xc2, 0xa0) | (0xe1, 0x9a) | (0xe2..=0xe3, 0x80) | (0xef, 0xbb) => 44,
        (0xe2, 0x81) => 45,
        (_, 0x80..=0xbf) => 4,
        (_, 0xc2) => 46,
        (_, 0xc3..=0xdf) => 5,
        (_, 0xe0..=0xef) => 47 + (byte - 0xe0),
        (_, 0xf0) => 63,
        (_, 0xf1..=0xf3) => 6,
        (_, 0xf4) => 64,
        (_, 0xc0..=0xc1 | 0xf5..=0xff) => 7,
    }
}

/// The classes, as of [`byte_class`], of all bytes of a node's class.
const fn own_classes(node: &ClassNode) -> Classes {
    match node.class {
        0 => classes_of(b'a', b'z'),
        1 => classes_of(b'A', b'Z'),
        2 => classes_of(b'0', b'9'),
        3..8 => Classes::MAX,
        _ => 1 << byte_class(node.bytes as u8),
    }
}

/// Whether characters outside ASCII begin with the bytes of a class.
const fn is_lead(class: Class) -> bool {
    matches!(class, 5 | 6 | 46..=64)
}

/// Nodes of a vocabulary's trie by the classes of the bytes that lead to them. See the module
/// documentation. Space: 24 bytes a node, 4 for each node and each token of the vocabulary's trie, and a
/// mask for each node with many tokens.
#[derive(Debug)]
pub(crate) struct ClassTrie {
    /// In preorder.
    nodes: Vec<ClassNode>,
    /// Sets of bytes that lead to nodes, and sets of classes below nodes, each once.
    bytes: Vec<ByteSet>,
    below: Vec<Classes>,
    /// The nodes with so many tokens that a bitset is faster to lay over another one, increasing.
    large: Vec<(u32, Box<[u32]>)>,
    /// All tokens as a bitset.
    all: Box<[u32]>,
    /// Nodes of the vocabulary's trie, by class nodes, increasing for each.
    members: Vec<u32>,
    /// The tokens that end at members, by class nodes.
    tokens: Vec<TokenId>,
    /// Of large nodes, when it was first asked for.
    pairs: Mutex<FxHashMap<u32, Arc<Pairs>>>,
    pairs_bytes: AtomicUsize,
}

#[derive(Clone, Copy, Debug, Default)]
struct ClassNode {
    /// The bytes that lead to the members: of a [`WIDE`] class which of the sets, else the byte.
    bytes: u32,
    /// The classes of bytes below the members, as of [`classes_below`](maskwright_automata::lexicon::classes_below): which of the sets.
    below: u32,
    class: Class,
    /// The node after this one's subtree.
    skip: u32,
    /// Where the members and tokens begin; they end where those of the next node begin.
    members: u32,
    tokens: u32,
}

/// A class node while they are collected.
struct Draft {
    class: Class,
    bytes: ByteSet,
    below: Classes,
    /// The last child, and the child before this one; 0 for none.
    last_child: u32,
    before: u32,
    members: u32,
    tokens: u32,
}

impl ClassTrie {
    /// Walks skip subtrees of more nodes in one step, where they can.
    const SKIPPED: u32 = 8;

    /// Nodes of fewer members are told apart one by one.
    const PAIRED: usize = 128;

    /// Of a trie, with the classes below each of its nodes, and the words of a mask. O(nodes).
    pub fn new(trie: &TokenTrie, below: &[Classes], mask_words: usize) -> Self {
        let nodes = trie.nodes();
        let draft = |class: Class, before: u32| Draft {
            class,
            bytes: ByteSet::default(),
            below: 0,
            last_child: 0,
            before,
            members: 0,
            tokens: 0,
        };
        let mut drafts = vec![draft(0, 0)];
        // The children of each by their classes; 0 for none.
        let mut children = vec![0u32; CLASSES];
        let mut place_of = vec![0u32; nodes.len()];
        // For each node on the path: where its subtree ends, its byte and its class node.
        let mut path: Vec<(u32, u8, u32)> = vec![(u32::MAX, 0, 0)];
        drafts[0].members = 1;
        drafts[0].tokens = trie.tokens_at(0).len() as u32;
        for (i, node) in nodes.iter().enumerate().skip(1) {
            while path[path.len() - 1].0 as usize <= i {
                path.pop();
            }
            let (_, before, parent) = path[path.len() - 1];
            let class = class_of(before, node.byte);
            let slot = parent as usize * CLASSES + usize::from(class);
            if children[slot] == 0 {
                let place = drafts.len() as u32;
                children[slot] = place;
                children.resize(children.len() + CLASSES, 0);
                let before = std::mem::replace(&mut drafts[parent as usize].last_child, place);
                drafts.push(draft(class, before));
            }
            let place = children[slot];
            let own = &mut drafts[place as usize];
            own.bytes.insert(node.byte);
            own.below |= below[i];
            own.members += 1;
            own.tokens += trie.tokens_at(i).len() as u32;
            place_of[i] = place;
            if node.skip as usize > i + 1 {
                path.push((node.skip, node.byte, place));
            }
        }
        drop(children);
        let mut out = Self::ordered(trie, &drafts, &place_of);
        let mut all = vec![0; mask_words];
        set(&mut all, trie.tokens());
        out.all = all.into();
        for (i, node) in out.nodes.windows(2).enumerate() {
            let tokens = &out.tokens[node[0].tokens as usize..node[1].tokens as usize];
            if tokens.len() > mask_words / 4 {
                let mut words = vec![0; mask_words];
                bits::set(&mut words, tokens.iter().map(|t| t.0));
                out.large.push((i as u32, words.into()));
            }
        }
        out
    }

    /// The same in preorder, without bitsets.
    fn ordered(trie: &TokenTrie, drafts: &[Draft], place_of: &[u32]) -> Self {
        let mut order = vec![0u32; drafts.len()];
        let mut out = ClassTrie {
            nodes: Vec::with_capacity(drafts.len() + 1),
            bytes: Vec::new(),
            below: Vec::new(),
            large: Vec::new(),
            all: Box::default(),
            members: vec![0; place_of.len()],
            tokens: vec![TokenId(0); trie.tokens().len()],
            pairs: Mutex::default(),
            pairs_bytes: AtomicUsize::new(0),
        };
        let (mut members, mut tokens) = (0, 0);
        let mut bytes: FxHashMap<ByteSet, u32> = FxHashMap::default();
        let mut below: FxHashMap<Classes, u32> = FxHashMap::default();
        // Drafts to lay down, and the ends of subtrees.
        let mut open: Vec<Result<u32, u32>> = vec![Ok(0)];
        while let Some(next) = open.pop() {
            match next {
                Ok(place) => {
                    let draft = &drafts[place as usize];
                    let index = out.nodes.len() as u32;
                    order[place as usize] = index;
                    out.nodes.push(ClassNode {
                        bytes: match draft.bytes.iter().next() {
                            Some(byte) if usize::from(draft.class) >= WIDE.len() => byte.into(),
                            _ => *bytes.entry(draft.bytes).or_insert_with(|| {
                                out.bytes.push(draft.bytes);
                                out.bytes.len() as u32 - 1
                            }),
                        },
                        below: *below.entry(draft.below).or_insert_with(|| {
                            out.below.push(draft.below);
                            out.below.len() as u32 - 1
                        }),
                        class: draft.class,
                        skip: 0,
                        members,
                        tokens,
                    });
                    members += draft.members;
                    tokens += draft.tokens;
                    open.push(Err(index));
                    let mut child = draft.last_child;
                    while child != 0 {
                        open.push(Ok(child));
                        child = drafts[child as usize].before;
                    }
                }
                Err(index) => out.nodes[index as usize].skip = out.nodes.len() as u32,
            }
        }
        out.nodes.push(ClassNode {
            members,
            tokens,
            ..ClassNode::default()
        });
        // Where the next member and token of each goes.
        let mut next: Vec<(u32, u32)> = out.nodes.iter().map(|n| (n.members, n.tokens)).collect();
        for (i, place) in place_of.iter().enumerate() {
            let (member, token) = &mut next[order[*place as usize] as usize];
            out.members[*member as usize] = i as u32;
            *member += 1;
            for own in trie.tokens_at(i) {
                out.tokens[*token as usize] = *own;
                *token += 1;
            }
        }
        out
    }

    /// The number of tokens at nodes.
    pub fn count(&self, nodes: &[Range<u32>]) -> usize {
        self.tokens(nodes).map(<[TokenId]>::len).sum()
    }

    /// The tokens at nodes that follow each other.
    fn run(&self, nodes: Range<u32>) -> &[TokenId] {
        let at = |node: u32| self.nodes[node as usize].tokens as usize;
        &self.tokens[at(nodes.start)..at(nodes.end)]
    }

    /// The tokens at nodes, by runs.
    pub fn tokens<'a>(&'a self, nodes: &'a [Range<u32>]) -> impl Iterator<Item = &'a [TokenId]> {
        nodes.iter().map(|n| self.run(n.clone()))
    }

    /// The tokens at nodes, which are in order, as a bitset.
    pub fn bitset(&self, nodes: &[Range<u32>]) -> Vec<u32> {
        if 2 * self.count(nodes) > self.tokens.len() {
            // All but those between.
            let mut words = self.all.to_vec();
            let starts = nodes.iter().map(|n| n.start);
            let starts = starts.chain([self.nodes.len() as u32 - 1]);
            let ends = [0].into_iter().chain(nodes.iter().map(|n| n.end));
            let gaps: Vec<Range<u32>> = ends.zip(starts).map(|(from, to)| from..to).collect();
            let gone = self.tokens(&gaps).flatten();
            bits::clear(&mut words, gone.map(|t| t.0));
            return words;
        }
        let mut words = vec![0; self.all.len()];
        for run in nodes {
            let mut from = run.start;
            let large = self.large.partition_point(|l| l.0 < from);
            for (node, mask) in &self.large[large..] {
                if *node >= run.end {
                    break;
                }
                set(&mut words, self.run(from..*node));
                bits::or_assign(&mut words, mask);
                from = node + 1;
            }
            set(&mut words, self.run(from..run.end));
        }
        words
    }

    /// Bytes held.
    pub fn heap_bytes(&self) -> usize {
        let large = self.large.iter();
        let large = large.map(|(_, words)| heap::list::<u32>(words.len()));
        large.sum::<usize>()
            + heap::list::<u32>(self.all.len())
            + heap::list::<(u32, Box<[u32]>)>(self.large.capacity())
            + heap::list::<ByteSet>(self.bytes.capacity())
            + heap::list::<Classes>(self.below.capacity())
            + heap::list::<ClassNode>(self.nodes.capacity())
            + heap::list::<u32>(self.members.capacity())
            + heap::list::<TokenId>(self.tokens.capacity())
    }

    /// Bytes of what has been found since.
    pub fn grown_bytes(&self) -> usize {
        self.pairs_bytes.load(Ordering::Relaxed)
    }

    /// Adds the members of a node that are apart where lexemes begin with their bytes, but for what pairs of bytes tell.
    #[inline(never)]
    fn tell(
        &self,
        lexicon: &Lexicon,
        trie: &TokenTrie,
        (state, node): (LexState, u32),
        apart: &mut Apart,
        out: &mut ClassFound,
    ) -> Result<(), LimitError> {
        let Some(pairs) = self.pairs(trie, node) else {
            apart.add((state, LabelSet::NONE), self.members_of(node));
            return Ok(());
        };
        let mut told = Told::default();
        pairs.tell(lexicon, state, &mut told)?;
        for tokens in told.inside {
            out.tokens.extend_from_slice(tokens);
        }
        for (state, nodes) in told.left {
            apart.add((state, LabelSet::NONE), nodes);
        }
        Ok(())
    }

    /// The members of a node by pairs of bytes, if it is large.
    fn pairs(&self, trie: &TokenTrie, node: u32) -> Option<Arc<Pairs>> {
        let members = self.members_of(node);
        if members.len() < Self::PAIRED {
            return None;
        }
        let lock = || self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = lock().get(&node) {
            return Some(Arc::clone(known));
        }
        let pairs = Arc::new(Pairs::new(trie, members));
        let mut all = lock();
        let known = all.entry(node).or_insert_with(|| {
            self.pairs_bytes
                .fetch_add(pairs.heap_bytes() + 64, Ordering::Relaxed);
            pairs
        });
        Some(Arc::clone(known))
    }

    fn members_of(&self, node: u32) -> &[u32] {
        let node = node as usize;
        &self.members[self.nodes[node].members as usize..self.nodes[node + 1].members as usize]
    }

    /// The number of nodes of the vocabulary's trie in a subtree.
    pub fn size(&self, node: u32) -> usize {
        let at = |node: u32| self.nodes[node as usize].members as usize;
        at(self.nodes[node as usize].skip) - at(node)
    }

    /// The node after a subtree.
    pub fn skip(&self, node: u32) -> u32 {
        self.nodes[node as usize].skip
    }

    /// The tokens that end at the members of a node.
    pub fn tokens_at(&self, node: u32) -> &[TokenId] {
        self.run(node..node + 1)
    }

    /// The children of a node.
    pub fn children(&self, node: u32) -> impl Iterator<Item = u32> {
        let end = self.skip(node);
        let first = Some(node + 1).filter(|n| *n < end);
        std::iter::successors(first, move |n| Some(self.skip(*n)).filter(|n| *n < end))
    }

    /// The node of these bytes.
    pub fn node_of(&self, bytes: &[u8]) -> Option<u32> {
        let mut before = 0;
        bytes.iter().try_fold(0, |node, &byte| {
            let class = class_of(std::mem::replace(&mut before, byte), byte);
            let mut children = self.children(node);
            children.find(|child| self.nodes[*child as usize].class == class)
        })
    }

    /// The number of members of a node.
    pub fn members(&self, node: u32) -> usize {
        self.members_of(node).len()
    }

    /// The bytes that lead to a node.
    pub fn bytes_of(&self, node: u32) -> ByteSet {
        let node = &self.nodes[node as usize];
        match usize::from(node.class) < WIDE.len() {
            true => self.bytes[node.bytes as usize],
            false => ByteSet::from_ranges(&[(node.bytes as u8, node.bytes as u8)]),
        }
    }

    /// Nodes of the vocabulary's trie, increasing, where some are given by [`CLASS`].
    pub fn laid(&self, nodes: impl IntoIterator<Item = u32>) -> Vec<u32> {
        let mut out = Vec::new();
        for node in nodes {
            match node & CLASS != 0 {
                true => out.extend_from_slice(self.members_of(node & !CLASS)),
                false => out.push(node),
            }
        }
        out.sort();
        out.dedup();
        out
    }

    /// The ends among some that were found as nodes of the vocabulary's trie, in preorder.
    pub fn laid_exits(&self, exits: Vec<Exit>) -> Vec<Exit> {
        let mut out: Vec<Exit> = Vec::with_capacity(exits.len());
        for (labels, node, last) in exits {
            match node & CLASS != 0 {
                true => {
                    let members = self.members_of(node & !CLASS).iter();
                    out.extend(members.map(|n| (labels, *n, last)));
                }
                false => out.push((labels, node, last)),
            }
        }
        out.sort_unstable_by_key(|e| e.1);
        out
    }

    /// The whole walk of a state, as [`row_walk::plain`] finds it, from the root or from these class nodes;
    /// `None` where more than `most` nodes of the vocabulary's trie have to be looked at since bytes of a class
    /// lead apart; those that `whole` subtrees have are counted, or those that are met. `below` is as for
    /// [`ClassTrie::new`].
    pub fn walk(
        &self,
        lexicon: &Lexicon,
        (trie, below): (&TokenTrie, &[Classes]),
        state: LexState,
        (starts, whole): (Option<&[u32]>, bool),
        most: &mut usize,
    ) -> Result<Option<ClassFound>, LimitError> {
        let mut known = Known::new(lexicon)?;
        let mut joined = Joined::default();
        let mut out = ClassFound::default();
        let mut apart = Apart::default();
        // The tokens inside so far.
        let mut count = 0;
        let mut starts_left = starts.unwrap_or_default();
        let goes_on = lexicon.place(state).goes_on();
        let open = |end: u32, state: LexState| Open {
            end,
            state,
            goes_on: lexicon.place(state).goes_on(),
            labels: LabelSet::NONE,
            below: usize::MAX,
            before: (0, 0, 0),
        };
        let end = self.nodes[0].skip;
        let mut top = match starts {
            None => open(end, state),
            Some(_) => open(end, LexState::DEAD),
        };
        let mut path: Vec<Open> = Vec::new();
        let mut start = starts_left.first().map_or(u32::MAX, |s| *s);
        let mut i = 1;
        loop {
            if i >= top.end {
                match path.pop() {
                    Some(outer) => {
                        out.close(&top, count);
                        top = outer;
                        continue;
                    }
                    None => break,
                }
            }
            if top.state == LexState::DEAD && i < start {
                i = start.min(top.end);
                continue;
            }
            if *most == 0 {
                return Ok(None);
            }
            let node = &self.nodes[i as usize];
            let leads = is_lead(node.class);
            if (leads || top.goes_on | goes_on != 0)
                && (top.state != LexState::DEAD) != (i == start)
            {
                let (from, goes_on) = match i == start {
                    true => (state, goes_on),
                    false => (top.state, top.goes_on),
                };
                let below = self.below[node.below as usize];
                let stays = match leads {
                    true => row_walk::keeps_character(lexicon.place(from), below)?,
                    false => (own_classes(node) | below) & !goes_on == 0,
                };
                let after = usize::from(i == start);
                if stays && starts_left.get(after).is_none_or(|s| *s >= node.skip) {
                    starts_left = &starts_left[after..];
                    start = starts_left.first().map_or(u32::MAX, |s| *s);
                    count += self.run(i..node.skip).len();
                    out.push(i..node.skip);
                    i = node.skip;
                    continue;
                }
            }
            let (exits, edges) = (out.rest.exits.len(), out.rest.edges.len());
            let mut next = LexState::DEAD;
            if top.state != LexState::DEAD {
                match known.target(top.state, node, &self.bytes)? {
                    Some(target) => {
                        next = target;
                        if top.labels != LabelSet::NONE {
                            out.rest.edges.push((top.labels, i | CLASS));
                        }
                    }
                    None => {
                        self.charge(lexicon, trie, (top.state, i), whole, most)?;
                        apart.add((top.state, top.labels), self.members_of(i));
                    }
                }
            }
            if i == start {
                starts_left = &starts_left[1..];
                start = starts_left.first().map_or(u32::MAX, |s| *s);
                match known.target(state, node, &self.bytes)? {
                    None => {
                        self.charge(lexicon, trie, (state, i), whole, most)?;
                        match starts.is_some() && !whole {
                            true => self.tell(lexicon, trie, (state, i), &mut apart, &mut out)?,
                            false => apart.add((state, LabelSet::NONE), self.members_of(i)),
                        }
                    }
                    Some(begun) if begun == LexState::DEAD || begun == next => {}
                    Some(begun) if next == LexState::DEAD => next = begun,
                    Some(begun) => next = joined.join(lexicon, next, begun)?,
                }
            }
            let place = lexicon.place(next);
            let mut over = next == LexState::DEAD;
            if !over && place.is_final()? {
                out.rest.exits.push((place.accept(), i | CLASS, true));
                over = true;
            } else if !over {
                let size = node.skip - i;
                let labels = place.accept();
                let worth = size > Self::SKIPPED || labels != LabelSet::NONE;
                let below = self.below[node.below as usize];
                let stays = size == 1 || start >= node.skip && worth && place.keeps(below)?;
                let end = if stays { node.skip } else { i + 1 };
                count += self.run(i..end).len();
                out.push(i..end);
                if stays {
                    out.rest.edges.truncate(edges);
                } else {
                    if labels != LabelSet::NONE {
                        out.rest.exits.push((labels, i | CLASS, false));
                    }
                    let inner = Open {
                        end: node.skip,
                        state: next,
                        goes_on: place.goes_on(),
                        labels,
                        below: self.run(i + 1..node.skip).len(),
                        before: (count, exits, edges),
                    };
                    path.push(std::mem::replace(&mut top, inner));
                    i += 1;
                    continue;
                }
            }
            // Lexemes may begin below all the same.
            if over && start < node.skip {
                let inner = open(node.skip, LexState::DEAD);
                path.push(std::mem::replace(&mut top, inner));
                i = start;
            } else {
                i = node.skip;
            }
        }
        for ((state, labels), mut starts) in apart.0 {
            if labels == LabelSet::NONE {
                let edges = lexicon.edges(state)?;
                let byte = |n: &u32| trie.nodes()[*n as usize].byte;
                starts.retain(|n| edges.get(byte(n)) != LexState::DEAD);
            }
            starts.sort_unstable();
            let starts = (Some(&starts[..]), labels);
            // Whole subtrees were counted before.
            let mut free = usize::MAX;
            let most = if whole { &mut free } else { &mut *most };
            let found = row_walk::plain_within(lexicon, trie, Some(below), state, starts, most)?;
            match found {
                Some(found) => out.rest.add(found),
                None => return Ok(None),
            }
        }
        Ok(Some(out))
    }
}

impl ClassTrie {
    /// Counts down the nodes below members of a node that live where they are apart: all of them if `whole`, and
    /// behind bytes of characters outside ASCII, since classes of these hardly ever meet again.
    fn charge(
        &self,
        lexicon: &Lexicon,
        trie: &TokenTrie,
        (state, node): (LexState, u32),
        whole: bool,
        most: &mut usize,
    ) -> Result<(), LimitError> {
        let first = self.bytes_of(node).iter().next().unwrap_or_default();
        if whole || !first.is_ascii() {
            let edges = lexicon.edges(state)?;
            let nodes = trie.nodes();
            for &member in self.members_of(node) {
                let at = &nodes[member as usize];
                if edges.get(at.byte) != LexState::DEAD {
                    *most = most.saturating_sub((at.skip - member) as usize);
                }
            }
        }
        Ok(())
    }
}

/// A node on the path to the one being looked at.
struct Open {
    /// Where its subtree ends.
    end: u32,
    state: LexState,
    /// See [`LexPlace::goes_on`](maskwright_automata::lexicon::LexPlace::goes_on).
    goes_on: Classes,
    /// How the lexeme may end here.
    labels: LabelSet,
    /// The number of tokens below, those of the node left out.
    below: usize,
    /// What was found before the node, its own tokens inside counted among that: tokens inside, exits
    /// and edges.
    before: (usize, usize, usize),
}

/// Nodes of the vocabulary's trie whose bytes have to be told apart, by the state before them and how a
/// lexeme may end there.
#[derive(Default)]
struct Apart(FxHashMap<(LexState, LabelSet), Vec<u32>>);

impl Apart {
    fn add(&mut self, before: (LexState, LabelSet), nodes: &[u32]) {
        self.0.entry(before).or_default().extend_from_slice(nodes);
    }
}

/// What [`ClassTrie::walk`] finds.
#[derive(Debug, Default)]
pub(crate) struct ClassFound {
    /// Class nodes all of whose tokens stay inside the lexeme, in order.
    pub inside: Vec<Range<u32>>,
    /// Tokens that do so at nodes that were told apart.
    pub tokens: Vec<TokenId>,
    /// Further tokens, and all ends; the nodes of both tries, those of this one marked by [`CLASS`].
    pub rest: Found,
}

impl ClassFound {
    /// Adds class nodes behind all others.
    #[inline]
    fn push(&mut self, nodes: Range<u32>) {
        match self.inside.last_mut() {
            Some(last) if last.end == nodes.start => last.end = nodes.end,
            _ => self.inside.push(nodes),
        }
    }

    /// Forgets the ends at a node and below where all tokens below stay inside.
    fn close(&mut self, open: &Open, count: usize) {
        let (before, exits, edges) = open.before;
        if count - before == open.below {
            self.rest.exits.truncate(exits);
            self.rest.edges.truncate(edges);
        }
    }

    /// Adds what another walk finds.
    pub fn add(&mut self, other: ClassFound) {
        if self.inside.is_empty() {
            self.inside = other.inside;
        } else {
            self.inside.extend(other.inside);
            self.inside.sort_unstable_by_key(|run| run.start);
            self.inside.dedup_by(|next, last| {
                let meets = next.start <= last.end;
                if meets {
                    last.end = last.end.max(next.end);
                }
                meets
            });
        }
        self.tokens.extend(other.tokens);
        self.rest.add(other.rest);
    }
}

/// Where classes lead from lexical states, by the numbers of these.
struct Known<'a> {
    lexicon: &'a Lexicon,
    slots: [KnownState<'a>; 16],
}

#[derive(Clone, Copy)]
struct KnownState<'a> {
    state: LexState,
    edges: &'a Edges,
    /// Where the bytes of the [`WIDE`] classes lead.
    targets: [Target; WIDE.len()],
}

#[derive(Clone, Copy)]
enum Target {
    Unknown,
    /// All of them.
    To(LexState),
    /// To several states.
    Apart,
}

impl<'a> Known<'a> {
    fn new(lexicon: &'a Lexicon) -> Result<Self, LimitError> {
        let nowhere = KnownState {
            state: LexState::DEAD,
            edges: lexicon.edges(LexState::DEAD)?,
            targets: [Target::To(LexState::DEAD); WIDE.len()],
        };
        Ok(Known {
            lexicon,
            slots: [nowhere; 16],
        })
    }

    /// Where the bytes of a node lead from a state, if they lead to one.
    #[inline(always)]
    fn target(
        &mut self,
        state: LexState,
        node: &ClassNode,
        bytes: &[ByteSet],
    ) -> Result<Option<LexState>, LimitError> {
        let slot = &mut self.slots[state.index() % 16];
        if slot.state != state {
            *slot = KnownState {
                state,
                edges: self.lexicon.edges(state)?,
                targets: [Target::Unknown; WIDE.len()],
            };
        }
        let edges = slot.edges;
        let class = usize::from(node.class);
        let Some(target) = slot.targets.get_mut(class) else {
            return Ok(Some(edges.get(node.bytes as u8)));
        };
        if let Target::Unknown = target {
            *target = match same(edges, ByteSet::from_ranges(WIDE[class])) {
                Some(to) => Target::To(to),
                None => Target::Apart,
            };
        }
        Ok(match *target {
            Target::To(to) => Some(to),
            _ => same(edges, bytes[node.bytes as usize]),
        })
    }
}

/// Where all bytes of a set lead, if they lead to one state.
fn same(edges: &Edges, mut bytes: ByteSet) -> Option<LexState> {
    let first = bytes.pop_first().map(|byte| edges.get(byte))?;
    let mut others = bytes.iter();
    others.all(|byte| edges.get(byte) == first).then_some(first)
}

fn set(words: &mut [u32], tokens: &[TokenId]) {
    bits::set(words, tokens.iter().map(|t| t.0));
}

#[cfg(all(test, feature = "embedded"))]
mod tests {
    use super::*;
    use crate::vocabulary::VocabularyExt;
    use maskwright_automata::lexicon::classes_below;
    use maskwright_tables::{Limits, Vocabulary};
    use std::sync::Arc;

    #[test]
    fn classes_know_their_bytes_and_which_begin_characters() {
        for (before, byte) in (0..=255u8).flat_map(|a| (0..=255u8).map(move |b| (a, b))) {
            let class = class_of(before, byte);
            assert_eq!(is_lead(class), (0xc2..=0xf4).contains(&byte), "{byte}");
            let node = ClassNode {
                class,
                bytes: byte.into(),
                ..ClassNode::default()
            };
            assert_ne!(own_classes(&node) >> byte_class(byte) & 1, 0, "{byte}");
        }
    }

    fn embedded() -> (Arc<Vocabulary>, Vec<Classes>, ClassTrie) {
        let vocabulary = Vocabulary::cl100k_base();
        let below = classes_below(vocabulary.trie());
        let classes = ClassTrie::new(vocabulary.trie(), &below, vocabulary.mask_words());
        (vocabulary, below, classes)
    }

    #[test]
    fn each_node_is_a_member_of_the_class_of_its_byte() {
        let (vocabulary, below, classes) = embedded();
        let trie = vocabulary.trie();
        assert!(classes.nodes.len() * 8 < trie.len());
        let count = classes.nodes.len() as u32 - 1;
        let mut seen = vec![false; trie.len()];
        // Where each member's parent is: in which class node.
        let mut place = vec![u32::MAX; trie.len()];
        let mut path: Vec<u32> = Vec::new();
        let mut tokens = Vec::new();
        for node in 0..count {
            while path
                .last()
                .is_some_and(|p| classes.nodes[*p as usize].skip <= node)
            {
                path.pop();
            }
            let mut own = Vec::new();
            for &member in classes.members_of(node) {
                assert!(!std::mem::replace(&mut seen[member as usize], true));
                place[member as usize] = node;
                own.extend_from_slice(trie.tokens_at(member as usize));
                let at = &classes.nodes[node as usize];
                if node > 0 {
                    let byte = trie.nodes()[member as usize].byte;
                    assert!(match usize::from(at.class) < WIDE.len() {
                        true => classes.bytes[at.bytes as usize].contains(byte),
                        false => at.bytes == u32::from(byte),
                    });
                }
                let all = classes.below[at.below as usize];
                assert!(node == 0 || below[member as usize] & !all == 0);
            }
            assert_eq!(classes.run(node..node + 1), own, "tokens of node {node}");
            tokens.extend(own);
            path.push(node);
        }
        assert!(seen.iter().all(|s| *s));
        for node in 0..trie.len() {
            for child in trie.children(node) {
                let (outer, inner) = (place[node], place[child]);
                let skip = classes.nodes[outer as usize].skip;
                assert!(outer < inner && inner < skip);
            }
        }
        assert_eq!(
            classes.count(&[0..count, count..count]),
            trie.tokens().len()
        );
        let middle = count / 2;
        for runs in [
            vec![0..7, 9..count - 5],
            vec![0..count, count..count],
            vec![3..middle, middle..middle],
            vec![5..9, middle..middle + 90],
            vec![],
        ] {
            let mut wanted = vec![0; vocabulary.mask_words()];
            classes.tokens(&runs).for_each(|t| set(&mut wanted, t));
            assert_eq!(classes.bitset(&runs), wanted, "{runs:?}");
        }
        assert!(!classes.large.is_empty());
    }

    #[test]
    fn walks_find_what_plain_ones_find() {
        let (vocabulary, below, classes) = embedded();
        let trie = vocabulary.trie();
        let lexicon = Lexicon::new(Limits::untrusted());
        let class = |ranges: &[(char, char)]| lexicon.class(ranges);
        let list = |c, min, max| lexicon.repeat(c, min, max);
        let word = class(&[('a', 'z'), ('A', 'Z'), ('0', '9'), ('-', '.'), ('_', '_')]);
        let hex = class(&[('0', '9'), ('a', 'f')]);
        let any = class(&[('\0', char::MAX)]);
        let spaces = [
            (' ', ' '),
            ('\t', '\r'),
            ('\u{a0}', '\u{a0}'),
            ('\u{2000}', '\u{200a}'),
        ];
        let space = class(&spaces);
        let dark = lexicon.and(&[any, lexicon.not(space)]);
        let words = lexicon.concat(&[list(dark, 1, None), list(space, 1, None)]);
        let values = [
            lexicon.concat(&[
                list(word, 3, Some(9)),
                lexicon.bytes(b"@"),
                list(word, 1, None),
            ]),
            lexicon.concat(&[
                list(hex, 8, Some(8)),
                lexicon.bytes(b"-"),
                list(hex, 4, Some(4)),
            ]),
            lexicon.concat(&[list(words, 0, Some(4)), list(dark, 1, None)]),
            lexicon.alt(&[list(word, 2, Some(5)), lexicon.concat(&[dark, dark])]),
            lexicon.concat(&[lexicon.bytes(b"http"), list(any, 1, Some(6))]),
            lexicon.concat(&[class(&[('\u{400}', '\u{44f}')]), list(any, 0, None)]),
        ];
        let sorted = |found: &Found, inside: Vec<TokenId>| {
            let places = found.inside.of(trie.tokens()).flatten();
            let mut tokens: Vec<TokenId> = places.copied().chain(inside).collect();
            tokens.sort_unstable();
            tokens
        };
        let (mut walked, mut inside) = (0, 0);
        for (i, value) in values.into_iter().enumerate() {
            let string = lexicon.json_string(lexicon.concat(&[value, lexicon.mark(3)]));
            let mut state = lexicon.fresh(string).unwrap();
            for byte in br#""ab c-\u00e9 x@1f h"# {
                state = lexicon.next(state, *byte).unwrap();
                if state == LexState::DEAD {
                    break;
                }
                let plain = row_walk::plain(&lexicon, trie, Some(&below), state, None).unwrap();
                let all = (trie, &below[..]);
                let walk = |most| {
                    let found = classes.walk(&lexicon, all, state, (None, true), &mut { most });
                    found.unwrap()
                };
                let few = walk(500);
                let found = walk(usize::MAX).unwrap();
                walked += usize::from(few.is_some());
                inside += usize::from(!found.inside.is_empty());
                let own = classes.tokens(&found.inside).flatten().copied().collect();
                assert!(
                    sorted(&plain, Vec::new()) == sorted(&found.rest, own),
                    "value {i}"
                );
                let exits = classes.laid_exits(found.rest.exits.clone());
                assert!(plain.exits == exits, "ends of value {i}");
            }
        }
        assert!(10 < walked && walked < inside, "{walked} {inside}");
    }
}
