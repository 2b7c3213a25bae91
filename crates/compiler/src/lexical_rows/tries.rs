//! What is left of tokens: residual tries, laid out or spread over the vocabulary's.

use super::{LexicalRows, TrieId};
use crate::class_trie::CLASS;
use crate::concurrent::pair;
use crate::row_walk::{Edge, Found, Weights};
use crate::sets::{SetId, Sets};
use maskwright_automata::lexicon::{ByteSet, classes_below};
use maskwright_kernels::bits;
use maskwright_tables::trie::{Classes, byte_class};
use maskwright_tables::{LabelSet, LexState, LimitError, TokenId, TokenTrie};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock, PoisonError};

/// What is left of the tokens after some ends of a lexeme, or a part of it.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    pub(super) labels: LabelSet,
    pub(super) trie: TrieId,
    /// The edges with which it begins, where it was too large to be laid over each other as a whole.
    pub(super) edges: Option<Arc<[u32]>>,
}

impl Rest {
    pub(super) fn whole(labels: LabelSet, trie: TrieId) -> Self {
        Rest {
            labels,
            trie,
            edges: None,
        }
    }
}

/// A trie of what is left of some tokens.
#[derive(Debug)]
pub(super) struct Residual {
    /// Without nodes for a spread one.
    pub(super) trie: Arc<TokenTrie>,
    /// The tokens of its root: of these nothing is left. A spread trie has none.
    pub(super) here: SetId,
    /// The classes of the bytes with which it goes on, at least.
    pub(super) firsts: Classes,
    pub(super) spread: Option<Spread>,
}

/// A residual trie as edges of the vocabulary's: the nodes that are its root's children once those with
/// equal bytes are laid over each other, strictly increasing; class nodes, marked by [`CLASS`], stand for
/// all of their members.
#[derive(Debug)]
pub(super) struct Spread {
    pub(super) edges: OnceLock<Arc<[u32]>>,
    /// Whether an edge lies below another one.
    pub(super) nested: OnceLock<bool>,
    /// What the edges are found from when they are first asked for: those of another one, without the
    /// edges that begin at these nodes, and the tokens that are inside anyway.
    pub(super) without: Option<(Arc<[u32]>, Roots, SetId)>,
}

/// Kinds of bytes: of words, white space, of characters outside ASCII, and what is left. Lexemes often differ in what kinds may follow them.
const KINDS: [fn(u8) -> bool; 3] = [
    |b| b.is_ascii_alphanumeric() || b == b'_',
    |b| b.is_ascii_whitespace(),
    |b| !b.is_ascii(),
];

fn kind_of(byte: u8) -> usize {
    let found = KINDS.iter().position(|kind| kind(byte));
    found.unwrap_or(KINDS.len())
}

/// What is known of the nodes of a large trie.
#[derive(Debug)]
pub(super) struct NodeFacts {
    /// The bytes to the deepest node below each. Only of a trie in which no token lies at two nodes: in
    /// another one, to take a node out of a set of tokens would take out tokens that another node
    /// puts there.
    pub(super) heights: Option<Vec<u8>>,
    /// The classes of the bytes below each.
    pub(super) below: Vec<Classes>,
    /// How much lies below which children of the root.
    pub(super) weights: Weights,
}

impl NodeFacts {
    /// The heights of the nodes and the classes below them, where no token lies at two nodes.
    pub(super) fn nodes(&self) -> Option<(&[u8], &[Classes])> {
        self.heights
            .as_deref()
            .map(|heights| (heights, &self.below[..]))
    }
}

/// Nodes of a trie, and whether the tokens that end at each count.
pub(super) type Roots = Box<[(u32, bool)]>;

/// The tokens of the root of a trie that is laid out, and the edges that it comes from.
pub(super) type LaidKey = (SetId, Arc<[u32]>);

impl LexicalRows {
    /// A trie that is laid out, or the vocabulary's for one that is spread over it.
    pub(super) fn trie(&self, id: TrieId) -> &TokenTrie {
        let residual = &self.tries[id.0 as usize];
        if id == Self::VOCABULARY || residual.spread.is_some() {
            self.vocabulary.trie()
        } else {
            &residual.trie
        }
    }

    /// The edges of a spread trie.
    pub(super) fn edges(&self, id: TrieId) -> Option<&Arc<[u32]>> {
        let spread = self.tries[id.0 as usize].spread.as_ref()?;
        Some(spread.edges.get_or_init(|| {
            let edges = spread.without.as_ref().and_then(|(all, roots, inside)| {
                self.edges_without(all, (roots, *inside), usize::MAX)
            });
            let edges: Arc<[u32]> = edges.unwrap_or_default().into();
            self.trie_bytes
                .fetch_add(4 * edges.len(), Ordering::Relaxed);
            edges
        }))
    }

    /// The edges of a spread trie as nodes of the vocabulary's, increasing.
    pub(super) fn laid_edges(&self, id: TrieId) -> Option<Vec<u32>> {
        self.edges(id).map(|edges| self.laid(edges))
    }

    /// Nodes of the vocabulary's trie, increasing, where some are given by [`CLASS`].
    fn laid(&self, nodes: &[u32]) -> Vec<u32> {
        match self.classes.get() {
            Some(classes) => classes.laid(nodes.iter().copied()),
            None => nodes.to_vec(),
        }
    }

    /// The number of nodes of a subtree of the vocabulary's trie, or of those of the members of a class node.
    fn size(&self, node: u32) -> usize {
        match self.classes.get() {
            Some(classes) if node & CLASS != 0 => classes.size(node & !CLASS),
            _ => (self.vocabulary.trie().nodes()[node as usize].skip - node) as usize,
        }
    }

    /// The trie in which the children of the root of a trie lie, and these children.
    pub fn children(&self, id: TrieId) -> (&TokenTrie, Vec<usize>) {
        let trie = self.trie(id);
        let children = match self.laid_edges(id) {
            Some(edges) => edges.iter().map(|e| *e as usize).collect(),
            None => trie.children(0).collect(),
        };
        (trie, children)
    }

    /// The tokens of the root of a trie.
    pub fn here(&self, id: TrieId) -> SetId {
        self.tries[id.0 as usize].here
    }

    /// The classes of the bytes with which the rests of a trie go on.
    pub fn firsts(&self, id: TrieId) -> Classes {
        self.tries[id.0 as usize].firsts
    }

    /// Whether a lexeme that begins in this state can read on in this trie.
    pub fn meets(&self, state: LexState, id: TrieId) -> Result<bool, LimitError> {
        let firsts = self.tries[id.0 as usize].firsts;
        Ok(firsts & self.lexicon.firsts(state)? != 0)
    }

    /// Whether a trie certainly holds nothing that the other one does not hold too.
    pub fn is_within(&self, id: TrieId, other: TrieId) -> bool {
        if id == other || other == Self::VOCABULARY {
            // What is left of a token is never the whole of it.
            return id == other;
        }
        let key = pair(id.0, other.0);
        if let Some(known) = self.within.get(key) {
            return known == 1;
        }
        let within = match (self.edges(id), self.edges(other)) {
            (Some(edges), Some(others)) => {
                let mut rest = others.iter();
                edges.iter().all(|e| rest.any(|o| o == e))
            }
            // Not worth the search.
            (Some(_), None) | (None, Some(_)) => false,
            (None, None) => self.holds(other, id),
        };
        self.within.put(key, u64::from(within)) == 1
    }

    /// Whether a trie holds all that one holds which is laid out.
    pub(super) fn holds(&self, id: TrieId, other: TrieId) -> bool {
        let wanted = self.trie(other);
        let (trie, children) = self.children(id);
        let has = |t: &TokenId| self.sets.contains(self.here(id), *t);
        if !wanted.tokens_at(0).iter().all(has) {
            return false;
        }
        // For each node on the path, the nodes of the trie that spell what comes below it.
        let mut path: Vec<(u32, Vec<usize>)> = vec![(wanted.nodes()[0].skip, children)];
        for (i, node) in wanted.nodes().iter().enumerate().skip(1) {
            while path.last().is_some_and(|p| p.0 as usize <= i) {
                path.pop();
            }
            let Some((_, below)) = path.last() else {
                return false;
            };
            let alike = below.iter().filter(|c| trie.nodes()[**c].byte == node.byte);
            let alike: Vec<usize> = alike.copied().collect();
            let has = |t: &TokenId| alike.iter().any(|c| trie.tokens_at(*c).contains(t));
            if alike.is_empty() || !wanted.tokens_at(i).iter().all(has) {
                return false;
            }
            let children = alike.iter().flat_map(|c| trie.children(*c));
            path.push((node.skip, children.collect()));
        }
        true
    }

    /// Whether one of the edges of a spread trie lies below another one.
    pub(super) fn is_nested(&self, id: TrieId) -> bool {
        let Some(spread) = &self.tries[id.0 as usize].spread else {
            return false;
        };
        *spread.nested.get_or_init(|| {
            let edges = self.edges(id).map_or(&[][..], |edges| edges);
            let (nodes, classes) = parted(edges);
            let skip = |node: u32| self.vocabulary.trie().nodes()[node as usize].skip;
            match self.classes.get() {
                Some(trie) if !classes.is_empty() => {
                    let skip = |node: u32| trie.skip(node & !CLASS) | CLASS;
                    !nodes.is_empty() || !are_apart(classes, skip)
                }
                _ => !are_apart(nodes, skip),
            }
        })
    }

    /// Whether a trie is laid out by itself.
    pub(super) fn is_laid_out(&self, id: TrieId) -> bool {
        id != Self::VOCABULARY && self.tries[id.0 as usize].spread.is_none()
    }

    /// Tries that are laid out, as one.
    pub(super) fn unite(&self, ids: &[TrieId]) -> Option<TrieId> {
        let mut entries: Vec<(&[u8], TokenId)> = Vec::new();
        for &id in ids {
            let trie = self.trie(id);
            let mut ends: Vec<u32> = Vec::new();
            for (i, node) in trie.nodes().iter().enumerate() {
                while ends.last().is_some_and(|end| *end as usize <= i) {
                    ends.pop();
                }
                if i > 0 {
                    ends.push(node.skip);
                }
                for &token in trie.tokens_at(i) {
                    let bytes = self.vocabulary.bytes(token);
                    entries.push((&bytes[bytes.len() - ends.len()..], token));
                }
            }
        }
        entries.sort_unstable();
        entries.dedup();
        self.intern_trie(TokenTrie::from_sorted(&entries))
    }

    /// What is left of rests when some of the ends they come from are none; `left` are the others. Edges may be
    /// left out below which all tokens are `inside`.
    pub(super) fn without(
        &self,
        trie: &TokenTrie,
        group: &[Rest],
        left: &[(u32, bool)],
        (gone, inside): (&[(u32, bool)], SetId),
    ) -> Vec<Rest> {
        let last: Roots = left.iter().filter(|e| e.1).copied().collect();
        let last = self.laid_roots(&last, &[]);
        let last = last.iter().flat_map(|e| trie.tokens_at(e.0 as usize));
        let mut here: Vec<TokenId> = last.copied().collect();
        let mut rests = Vec::new();
        for rest in group {
            let here = std::mem::take(&mut here);
            let trie_id = match &rest.edges {
                Some(edges) if self.edges(rest.trie).is_some() => {
                    match self.edges_without(edges, (gone, inside), Self::SPREAD[0]) {
                        Some(fewer) if fewer == **edges => Some(rest.trie),
                        Some(fewer) => Some(self.intern_spread(fewer.into())),
                        None => {
                            let firsts = self.tries[rest.trie.0 as usize].firsts;
                            let spread = Spread {
                                edges: OnceLock::new(),
                                nested: OnceLock::new(),
                                without: Some((Arc::clone(edges), gone.into(), inside)),
                            };
                            self.trie_bytes
                                .fetch_add(128 + 8 * gone.len(), Ordering::Relaxed);
                            Some(self.push_trie(
                                TokenTrie::default(),
                                Vec::new(),
                                firsts,
                                Some(spread),
                            ))
                        }
                    }
                }
                Some(edges) => {
                    let fewer = self.edges_without(edges, (gone, inside), usize::MAX);
                    let fewer = self.laid(&fewer.unwrap_or_default());
                    self.intern_trie(trie.laid_over(here, fewer))
                }
                None => self.intern_trie(trie.merged(&self.laid_roots(left, gone))),
            };
            rests.extend(trie_id.map(|trie| Rest {
                trie,
                ..rest.clone()
            }));
        }
        rests
    }

    /// The bytes that lead to a node of the vocabulary's trie.
    fn spelling_of(&self, node: u32) -> &[u8] {
        let trie = self.vocabulary.trie();
        let token = trie.tokens_below(node as usize).first();
        let bytes = token.map_or(&[][..], |token| self.vocabulary.bytes(*token));
        let (mut at, mut depth) = (0, 0);
        while at != node as usize
            && let Some(next) = bytes.get(depth).and_then(|byte| trie.child(at, *byte))
        {
            (at, depth) = (next, depth + 1);
        }
        &bytes[..depth]
    }

    /// Edges of the vocabulary's trie without those that begin at some nodes; `None` where class nodes stand for
    /// some of them that have more than `most` members. Of many members, those below which all tokens are `inside` are
    /// left out.
    fn edges_without(
        &self,
        edges: &[u32],
        (roots, inside): (&[(u32, bool)], SetId),
        most: usize,
    ) -> Option<Vec<u32>> {
        let trie = self.vocabulary.trie();
        let mut gone: Vec<u32> = Vec::new();
        let mut by_class: Vec<u32> = Vec::new();
        let marked = edges.last().is_some_and(|e| e & CLASS != 0);
        for &(root, _) in roots {
            let children = trie.children(root as usize);
            let mut bytes = ByteSet::default();
            gone.extend(children.map(|child| {
                bytes.insert(trie.nodes()[child].byte);
                child as u32
            }));
            if let Some(classes) = self.classes.get().filter(|_| marked)
                && let Some(place) = classes.node_of(self.spelling_of(root))
            {
                let own = classes.children(place).filter(|child| {
                    edges.binary_search(&(child | CLASS)).is_ok()
                        && !classes.bytes_of(*child).intersect(&bytes).is_empty()
                });
                by_class.extend(own.map(|child| child | CLASS));
            }
        }
        gone.sort_unstable();
        by_class.sort_unstable();
        by_class.dedup();
        let classes = self.classes.get();
        let members = |n: &u32| classes.map_or(0, |classes| classes.members(n & !CLASS));
        let members: usize = by_class.iter().map(members).sum();
        if members > most {
            return None;
        }
        let mut left: Vec<u32> = Vec::with_capacity(edges.len());
        // Few are not worth the search.
        let words = match inside == Sets::EMPTY || members <= Self::SPREAD[0] {
            true => Vec::new(),
            false => self.sets.bitset(inside),
        };
        let is_inside = |t: &TokenId| !words.is_empty() && bits::contains(&words, t.0);
        for edge in edges {
            match by_class.binary_search(edge) {
                Ok(_) => {
                    let members = self.laid(&[*edge]).into_iter();
                    left.extend(members.filter(|m| {
                        let below = trie.tokens_below(*m as usize);
                        !below.iter().all(is_inside)
                    }));
                }
                Err(_) => left.push(*edge),
            }
        }
        left.retain(|e| gone.binary_search(e).is_err());
        left.sort_unstable();
        Some(left)
    }

    pub(super) fn node_facts(&self, trie_id: TrieId) -> Arc<NodeFacts> {
        if let Some(facts) = self.node_facts.pin().get(&trie_id) {
            return Arc::clone(facts);
        }
        let trie = self.trie(trie_id);
        let mut words = vec![0; self.vocabulary.mask_words()];
        bits::set(&mut words, trie.tokens().iter().map(|t| t.0));
        let once = bits::count(&words) == trie.tokens().len();
        let facts = Arc::new(NodeFacts {
            heights: once.then(|| trie.heights()),
            below: classes_below(trie),
            weights: Weights::new(trie, trie.children(0)),
        });
        self.trie_bytes
            .fetch_add(17 * trie.len() + 64, Ordering::Relaxed);
        Arc::clone(self.node_facts.pin().get_or_insert(trie_id, facts))
    }

    /// What is left of the tokens after each label set that occurs among the ends, but for what is left
    /// of tokens `inside`; whether nothing was left out. Without edges, all of those that the ends have.
    pub(super) fn residuals(
        &self,
        trie_id: TrieId,
        found: &mut Found,
        inside: SetId,
    ) -> (Vec<Rest>, bool) {
        // (They are runs in order, which a stable sort merges.)
        found.exits.sort();
        found.exits.dedup();
        found.edges.sort();
        found.edges.dedup();
        let mut out = Vec::new();
        let mut whole = true;
        let mut words: Option<Vec<u32>> = None;
        for group in found.exits.chunk_by(|a, b| a.0 == b.0) {
            let labels = group[0].0;
            let roots: Roots = group.iter().map(|e| (e.1, e.2)).collect();
            let trie = self.trie(trie_id);
            let all = || group.iter().map(|e| self.size(e.1)).sum::<usize>();
            let mut of = trie_id;
            if std::ptr::eq(trie, self.vocabulary.trie()) {
                let by_class = roots.iter().any(|r| r.0 & CLASS != 0);
                if all() > Self::SPREAD[usize::from(by_class)] && !self.lexicon.has_gaps() {
                    out.append(&mut self.spread(labels, &roots, &found.edges));
                    whole = false;
                    continue;
                }
                of = Self::VOCABULARY;
            }
            let key = (of, self.laid_roots(&roots, &[]));
            let known = self.merges.pin().get(&key).copied();
            let rest = known.unwrap_or_else(|| {
                let rest = self.intern_trie(trie.merged(&key.1));
                let bytes = 8 * key.1.len() + 64;
                self.trie_bytes.fetch_add(bytes, Ordering::Relaxed);
                *self.merges.pin().get_or_insert(key, rest)
            });
            let Some(rest) = rest else { continue };
            let mut left = Some(rest);
            // Where the lexeme could go on at an end.
            if inside != Sets::EMPTY && group.iter().any(|e| !e.2) {
                let key = pair(rest.0, inside.0);
                let number = self.trimmed.get(key).unwrap_or_else(|| {
                    let trie = self.trie(rest);
                    // Few tokens are looked up one by one.
                    let words = match trie.tokens().len() > Self::LOOKED_UP {
                        true => &words.get_or_insert_with(|| self.sets.bitset(inside))[..],
                        false => &[],
                    };
                    let is_gone = |t: TokenId| match words {
                        [] => self.sets.contains(inside, t),
                        words => bits::contains(words, t.0),
                    };
                    let left = match trie.tokens().iter().any(|t| is_gone(*t)) {
                        true => self.intern_trie(trie.without(is_gone)),
                        false => Some(rest),
                    };
                    let number = left.map_or(0, |left| u64::from(left.0) + 1);
                    self.trimmed.put(key, number)
                });
                left = number.checked_sub(1).map(|id| TrieId(id as u32));
            }
            whole &= left == Some(rest);
            out.extend(left.map(|rest| Rest::whole(labels, rest)));
        }
        (out, whole)
    }

    /// The same roots as nodes of the vocabulary's trie, but for some that are gone.
    pub(super) fn laid_roots(&self, roots: &[(u32, bool)], gone: &[(u32, bool)]) -> Roots {
        let mut laid: Vec<(u32, bool)> = Vec::with_capacity(roots.len());
        for &(root, last) in roots {
            match self.classes.get() {
                Some(classes) if root & CLASS != 0 => {
                    laid.extend(classes.laid([root]).into_iter().map(|n| (n, last)));
                }
                _ => laid.push((root, last)),
            }
        }
        laid.sort_unstable();
        laid.dedup();
        laid.retain(|root| gone.binary_search(root).is_err());
        laid.into()
    }

    /// Rests of the vocabulary after these ends, by the kind of the bytes with which they begin.
    pub(super) fn spread(
        &self,
        labels: LabelSet,
        roots: &[(u32, bool)],
        edges: &[Edge],
    ) -> Vec<Rest> {
        let trie = self.vocabulary.trie();
        let mut here: Vec<TokenId> = Vec::new();
        let mut kinds: [Vec<u32>; KINDS.len() + 1] = Default::default();
        let all = self.classes.get();
        let class_node = |node: u32| {
            all.filter(|_| node & CLASS != 0)
                .map(|c| (c, node & !CLASS))
        };
        let mut add = |node: u32| {
            let byte = match class_node(node) {
                Some((classes, node)) => classes.bytes_of(node).iter().next().unwrap_or_default(),
                None => trie.nodes()[node as usize].byte,
            };
            kinds[kind_of(byte)].push(node);
        };
        let from = edges.partition_point(|e| e.0 < labels);
        let edges = &edges[from..edges.partition_point(|e| e.0 <= labels)];
        edges.iter().for_each(|e| add(e.1));
        for &(root, last) in roots {
            let class = class_node(root);
            if last {
                here.extend_from_slice(match class {
                    Some((classes, root)) => classes.tokens_at(root),
                    None => trie.tokens_at(root as usize),
                });
            }
            if last || edges.is_empty() {
                match class {
                    Some((classes, root)) => classes.children(root).for_each(|c| add(c | CLASS)),
                    None => trie.children(root as usize).for_each(|c| add(c as u32)),
                }
            }
        }
        let mut out = Vec::new();
        let mut add = |edges: Vec<u32>, here: Vec<TokenId>| {
            let edges: Arc<[u32]> = edges.into();
            let by_class = !parted(&edges).1.is_empty();
            let nodes: usize = edges.iter().map(|e| self.size(*e)).sum();
            let id = match nodes > Self::SPREAD[usize::from(by_class)] {
                true => Some(self.intern_spread(Arc::clone(&edges))),
                false => self.laid_out(here, &edges),
            };
            out.extend(id.map(|trie| Rest {
                labels,
                trie,
                edges: Some(edges),
            }));
        };
        // By themselves: what is read on from an end does not depend on what ends there.
        if !here.is_empty() {
            add(Vec::new(), here);
        }
        for mut edges in kinds {
            if !edges.is_empty() {
                edges.sort_unstable();
                edges.dedup();
                add(edges, Vec::new());
            }
        }
        out
    }

    /// The trie of what is left of the vocabulary's tokens along edges, laid out, unless it holds no token.
    fn laid_out(&self, here: Vec<TokenId>, edges: &Arc<[u32]>) -> Option<TrieId> {
        let key = (self.sets.intern(here.clone()), Arc::clone(edges));
        let ids = || self.laid_ids.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(&known) = ids().get(&key) {
            return known;
        }
        let trie = self.vocabulary.trie().laid_over(here, self.laid(edges));
        let id = self.intern_trie(trie);
        self.trie_bytes
            .fetch_add(64 + 4 * edges.len(), Ordering::Relaxed);
        ids().insert(key, id);
        id
    }

    /// The id of a trie, unless it holds no token.
    pub(super) fn intern_trie(&self, trie: TokenTrie) -> Option<TrieId> {
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
        let (here, firsts) = (trie.tokens_at(0).to_vec(), trie.classes_at(0));
        let id = self.push_trie(trie, here, firsts, None);
        ids.insert(Arc::clone(&self.tries[id.0 as usize].trie), id);
        Some(id)
    }

    /// The id of a spread trie.
    pub(super) fn intern_spread(&self, edges: Arc<[u32]>) -> TrieId {
        let lock = self.spread_ids.lock();
        let mut ids = lock.unwrap_or_else(PoisonError::into_inner);
        if let Some(&id) = ids.get(&edges) {
            return id;
        }
        let nodes = self.vocabulary.trie().nodes();
        let (own, marked) = parted(&edges);
        let mut firsts: Classes = 0;
        for edge in own {
            firsts |= 1 << byte_class(nodes[*edge as usize].byte);
        }
        if let Some(classes) = self.classes.get() {
            for edge in marked {
                let bytes = classes.bytes_of(edge & !CLASS);
                bytes.iter().for_each(|b| firsts |= 1 << byte_class(b));
            }
        }
        let spread = Spread {
            edges: OnceLock::from(Arc::clone(&edges)),
            nested: OnceLock::new(),
            without: None,
        };
        self.trie_bytes
            .fetch_add(128 + 4 * edges.len(), Ordering::Relaxed);
        let id = self.push_trie(TokenTrie::default(), Vec::new(), firsts, Some(spread));
        ids.insert(edges, id);
        id
    }

    pub(super) fn push_trie(
        &self,
        trie: TokenTrie,
        here: Vec<TokenId>,
        firsts: Classes,
        spread: Option<Spread>,
    ) -> TrieId {
        TrieId(self.tries.push(Residual {
            here: self.sets.intern(here),
            trie: Arc::new(trie),
            firsts,
            spread,
        }) as u32)
    }
}

/// Edges that are nodes of the vocabulary's trie, and those that are marked by [`CLASS`].
pub(super) fn parted(edges: &[u32]) -> (&[u32], &[u32]) {
    edges.split_at(edges.partition_point(|e| e & CLASS == 0))
}

/// Increasing nodes in lists in which none lies below another one, by the ends of their subtrees.
pub(super) fn layers(nodes: &[u32], skip: impl Fn(u32) -> u32) -> Vec<Vec<u32>> {
    let mut layers: Vec<Vec<u32>> = Vec::new();
    // Where the subtrees around a node end, the outermost first.
    let mut ends: Vec<u32> = Vec::new();
    for &node in nodes {
        while ends.last().is_some_and(|end| *end <= node) {
            ends.pop();
        }
        if layers.len() == ends.len() {
            layers.push(Vec::new());
        }
        layers[ends.len()].push(node);
        ends.push(skip(node));
    }
    layers
}

/// Whether no node lies below another one.
fn are_apart(nodes: &[u32], skip: impl Fn(u32) -> u32) -> bool {
    nodes.windows(2).all(|p| skip(p[0]) <= p[1])
}
