//! [`ItemTrie`]: a list of items, each a sequence of token ids, as a trie in CSR.
//!
//! | table | shape | meaning |
//! |---|---|---|
//! | `indptr` | `[u32; nodes + 1]` | the edges of node `n` are `indptr[n] .. indptr[n + 1]` |
//! | `tokens` | `[u32; nodes - 1]` | the token on each edge, strictly increasing inside a node |
//! | `ends` | `[u32; nodes / 32, rounded up]` | bit `n % 32` of word `n / 32`: an item ends at node `n` |
//!
//! Node 0 is the root, the prefix of no tokens. Nodes are numbered breadth first, so the edges in
//! their order lead to nodes 1, 2, 3, …: *the child of edge `e` is node `e + 1`*, and no table of
//! children is needed. An end is a bit of its node and not a node of its own, so an item may be a
//! prefix of another one. (The layout of "static" constraint decoding, arXiv 2602.22647, without its
//! child column and with the end bit that it lacks.)
//!
//! Invariants, made by [`ItemTrie::build`] and checked by [`ItemTrie::read`]: the arrays are a CSR
//! matrix; each child has a larger id than its parent, so the nodes are a tree; an item ends at each
//! node without edges, so no prefix is a dead end; no bit of `ends` lies beyond the nodes.

use crate::artifact::{Artifact, ArtifactError, ArtifactWriter, kinds};
use crate::{CancelFlag, CsrView, LimitError, Limits, TokenId};
use std::borrow::Cow;

/// Kinds of the sections of an item trie.
pub mod sections {
    use super::kinds::FIRST_FREE;

    /// `[u32; 2]`: the width of the vocabulary, the number of items.
    pub const NUMBERS: u32 = FIRST_FREE + 64;
    /// `[u32; nodes + 1]`: where the edges of each node begin.
    pub const INDPTR: u32 = FIRST_FREE + 65;
    /// `[u32; nodes - 1]`: the tokens on the edges.
    pub const TOKENS: u32 = FIRST_FREE + 66;
    /// `[u32]`: one bit a node.
    pub const ENDS: u32 = FIRST_FREE + 67;
}

/// A node of an [`ItemTrie`]: a prefix of one or more items.
pub type NodeId = u32;

/// A set of token sequences. See the module for tables and invariants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemTrie<'a> {
    width: u32,
    len: u32,
    indptr: Cow<'a, [u32]>,
    tokens: Cow<'a, [u32]>,
    ends: Cow<'a, [u32]>,
}

/// Sequences of token ids, back to back: the input of [`ItemTrie::build`].
///
/// Two allocations however many items there are.
#[derive(Clone, Debug, Default)]
pub struct ItemList {
    tokens: Vec<TokenId>,
    /// Where each item ends.
    bounds: Vec<usize>,
}

impl ItemList {
    /// No items.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an item.
    pub fn push(&mut self, item: impl IntoIterator<Item = TokenId>) {
        self.tokens.extend(item);
        self.bounds.push(self.tokens.len());
    }

    /// The number of items, equal ones counted each.
    pub fn len(&self) -> usize {
        self.bounds.len()
    }

    /// Whether there are no items.
    pub fn is_empty(&self) -> bool {
        self.bounds.is_empty()
    }

    /// Item `i`; empty when there is none.
    pub fn get(&self, i: usize) -> &[TokenId] {
        let start = i.checked_sub(1).map_or(0, |before| self.bounds[before]);
        match self.bounds.get(i) {
            Some(&end) => &self.tokens[start..end],
            None => &[],
        }
    }

    /// The items, in the order of adding.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[TokenId]> {
        (0..self.len()).map(|i| self.get(i))
    }
}

/// Why a list of items is no trie.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ItemError {
    /// There are no items, so that nothing could be written at all.
    NoItems,
    /// A token lies outside the model's logits.
    Token {
        /// Which item, counted from 0.
        item: usize,
        /// The token.
        token: TokenId,
        /// The number of logits.
        width: usize,
    },
    /// A limit was crossed, or the caller cancelled.
    Limit(LimitError),
}

impl From<LimitError> for ItemError {
    fn from(e: LimitError) -> Self {
        ItemError::Limit(e)
    }
}

impl std::fmt::Display for ItemError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            ItemError::NoItems => f.write_str("the list has no items"),
            ItemError::Token { item, token, width } => {
                write!(
                    f,
                    "item {item} holds token {token}, the model has {width} logits"
                )
            }
            ItemError::Limit(e) => e.fmt(f),
        }
    }
}

impl std::error::Error for ItemError {}

/// How many steps of a loop lie between two looks at the cancel flag.
const CHECK_EVERY: usize = 4096;

impl ItemTrie<'static> {
    /// Builds the trie of a list in any order, equal items once.
    ///
    /// Cost: a sort, and one pass over all tokens. Besides the tables it needs eight bytes an item.
    ///
    /// # Errors
    /// An empty list, a token outside the logits, more nodes than `limits.bytes` allows, a cancel.
    pub fn build(
        items: &ItemList,
        width: usize,
        limits: &Limits,
        cancel: &CancelFlag,
    ) -> Result<Self, ItemError> {
        if items.is_empty() {
            return Err(ItemError::NoItems);
        }
        let stage = "item trie";
        for (i, item) in items.iter().enumerate() {
            if i.is_multiple_of(CHECK_EVERY) {
                cancel.check(stage)?;
            }
            if let Some(&token) = item.iter().find(|t| t.index() >= width) {
                return Err(ItemError::Token {
                    item: i,
                    token,
                    width,
                });
            }
        }
        let count = |n: usize| {
            u32::try_from(n).map_err(|_| LimitError::new("items", n as u64, u32::MAX.into()))
        };
        let mut order: Vec<u32> = (0..count(items.len())?).collect();
        let item = |i: u32| items.get(i as usize);
        if !order.is_sorted_by(|a, b| item(*a) < item(*b)) {
            order.sort_unstable_by(|a, b| item(*a).cmp(item(*b)));
            order.dedup_by(|a, b| item(*a) == item(*b));
        }
        // Eight bytes a node, and four that an id can count.
        let max_nodes = (limits.bytes / 8).min(u32::MAX as usize / 2);
        let mut trie = Tables {
            indptr: vec![0],
            tokens: Vec::new(),
            ends: Vec::new(),
        };
        // A node is a range of the sorted items: those that begin with its prefix. Only the nodes
        // of one level are held at a time.
        let mut level = vec![(0u32, order.len() as u32)];
        let mut depth = 0;
        while !level.is_empty() {
            let mut next = Vec::new();
            for (mut from, to) in level {
                let node = trie.indptr.len() - 1;
                if node.is_multiple_of(CHECK_EVERY) {
                    cancel.check(stage)?;
                }
                if node.is_multiple_of(32) {
                    trie.ends.push(0);
                }
                // The shortest item of a range comes first, and equal items are gone.
                if item(order[from as usize]).len() == depth {
                    trie.ends[node / 32] |= 1 << (node % 32);
                    from += 1;
                }
                while from < to {
                    let token = item(order[from as usize])[depth];
                    let group = &order[from as usize..to as usize];
                    let len = group
                        .iter()
                        .take_while(|i| item(**i)[depth] == token)
                        .count() as u32;
                    trie.tokens.push(token.0);
                    next.push((from, from + len));
                    from += len;
                }
                if trie.tokens.len() >= max_nodes {
                    let needed = trie.tokens.len() as u64 + 1;
                    return Err(LimitError::new(
                        "nodes of the item trie",
                        needed,
                        max_nodes as u64,
                    )
                    .into());
                }
                trie.indptr.push(trie.tokens.len() as u32);
            }
            level = next;
            depth += 1;
        }
        Ok(ItemTrie {
            width: width as u32,
            len: order.len() as u32,
            indptr: Cow::Owned(trie.indptr),
            tokens: Cow::Owned(trie.tokens),
            ends: Cow::Owned(trie.ends),
        })
    }
}

struct Tables {
    indptr: Vec<u32>,
    tokens: Vec<u32>,
    ends: Vec<u32>,
}

impl<'a> ItemTrie<'a> {
    /// The prefix of no tokens.
    pub const ROOT: NodeId = 0;

    /// The width of the vocabulary: all tokens are below.
    pub fn width(&self) -> usize {
        self.width as usize
    }

    /// The number of items, equal ones counted once.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether there are no items: never, a trie has at least one.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The number of nodes, the root included.
    pub fn nodes(&self) -> usize {
        self.indptr.len() - 1
    }

    /// The bytes of the tables.
    pub fn table_bytes(&self) -> usize {
        4 * (self.indptr.len() + self.tokens.len() + self.ends.len())
    }

    /// The edges of a node; none for one that is out of range.
    #[inline]
    fn edges(&self, node: NodeId) -> std::ops::Range<usize> {
        let node = node as usize;
        match (self.indptr.get(node), self.indptr.get(node + 1)) {
            (Some(&from), Some(&to)) => from as usize..to as usize,
            _ => 0..0,
        }
    }

    /// The tokens that may follow a prefix, strictly increasing.
    #[inline]
    pub fn row(&self, node: NodeId) -> &[TokenId] {
        bytemuck::cast_slice(&self.tokens[self.edges(node)])
    }

    /// The prefix that is longer by `token`. O(log of the number of edges).
    #[inline]
    pub fn child(&self, node: NodeId, token: TokenId) -> Option<NodeId> {
        let edges = self.edges(node);
        let at = self.tokens[edges.clone()].binary_search(&token.0).ok()?;
        Some((edges.start + at) as NodeId + 1)
    }

    /// Whether the prefix is an item.
    #[inline]
    pub fn ends(&self, node: NodeId) -> bool {
        let word = self.ends.get(node as usize / 32);
        word.is_some_and(|w| w >> (node % 32) & 1 == 1)
    }

    /// Adds the tables to an artifact.
    ///
    /// # Errors
    /// The artifact holds an item trie already.
    pub fn write_to(&'a self, writer: &mut ArtifactWriter<'a>) -> Result<(), ArtifactError> {
        writer.add_words(sections::NUMBERS, 0, vec![self.width, self.len])?;
        writer.add_words(sections::INDPTR, 0, &*self.indptr)?;
        writer.add_words(sections::TOKENS, 0, &*self.tokens)?;
        writer.add_words(sections::ENDS, 0, &*self.ends)
    }

    /// Whether an artifact holds an item trie.
    pub fn is_in(artifact: &Artifact<'_>) -> bool {
        artifact.section(sections::NUMBERS, 0).is_some()
    }

    /// Reads the trie of an artifact, borrowing where the bytes are aligned. One pass over all
    /// tables; afterwards the invariants of the module hold, whatever the artifact is.
    ///
    /// # Errors
    /// A missing section, or one that breaks an invariant.
    pub fn read(artifact: &Artifact<'a>) -> Result<Self, ArtifactError> {
        let [width, len] = *artifact.words(sections::NUMBERS, 0)? else {
            return Err(content(sections::NUMBERS, "not two numbers"));
        };
        let indptr = artifact.words(sections::INDPTR, 0)?;
        let tokens = artifact.words(sections::TOKENS, 0)?;
        let ends = artifact.words(sections::ENDS, 0)?;
        let nodes = CsrView::pattern(width, &indptr, &tokens)
            .map_err(|e| content(sections::TOKENS, &e.to_string()))?
            .rows();
        if nodes == 0 || nodes - 1 != tokens.len() {
            return Err(content(
                sections::INDPTR,
                "not one edge to each node but the root",
            ));
        }
        if ends.len() != nodes.div_ceil(32) {
            return Err(content(sections::ENDS, "not one bit for each node"));
        }
        let tail = nodes % 32;
        if tail != 0 && ends.last().is_some_and(|w| w >> tail != 0) {
            return Err(content(sections::ENDS, "an item ends beyond the nodes"));
        }
        let trie = ItemTrie {
            width,
            len,
            indptr,
            tokens,
            ends,
        };
        for (node, range) in trie.indptr.windows(2).enumerate() {
            let [from, to] = [range[0] as usize, range[1] as usize];
            if from < to && from < node {
                return Err(content(sections::INDPTR, "a node comes before its parent"));
            }
            if from == to && !trie.ends(node as NodeId) {
                return Err(content(sections::ENDS, "a prefix of no item"));
            }
        }
        if trie
            .ends
            .iter()
            .map(|w| u64::from(w.count_ones()))
            .sum::<u64>()
            != u64::from(len)
        {
            return Err(content(sections::NUMBERS, "not as many ends as items"));
        }
        Ok(trie)
    }

    /// Copies what is borrowed.
    pub fn into_owned(self) -> ItemTrie<'static> {
        ItemTrie {
            width: self.width,
            len: self.len,
            indptr: Cow::Owned(self.indptr.into_owned()),
            tokens: Cow::Owned(self.tokens.into_owned()),
            ends: Cow::Owned(self.ends.into_owned()),
        }
    }
}

fn content(kind: u32, what: &str) -> ArtifactError {
    ArtifactError::Content {
        kind,
        what: what.into(),
    }
}
