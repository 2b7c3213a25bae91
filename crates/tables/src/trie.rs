//! The prefix tree of a set of byte strings, flat and in preorder.
//!
//! Node 0 is the root (the empty string). Node `i` has an incoming byte, and its subtree is the
//! range `i .. skip(i)`, so a walk is one forward scan in which a refused byte jumps to `skip(i)`.
//! Every node has a (mostly empty) list of tokens: duplicate byte strings share a node. The lists
//! lie in preorder, so the tokens of a whole subtree are one contiguous slice.

use crate::TokenId;

/// The first eight bytes, zero-padded, as a number that orders like them (ties are undecided).
fn prefix_key(bytes: &[u8]) -> u64 {
    let mut key = [0; 8];
    let n = bytes.len().min(8);
    key[..n].copy_from_slice(&bytes[..n]);
    u64::from_be_bytes(key)
}

/// A node of a [`TokenTrie`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TrieNode {
    /// The node after this one's subtree.
    pub skip: u32,
    /// Where this node's tokens begin; they end where the next node's begin.
    pub tokens: u32,
    /// The byte on the edge from the parent (0 for the root).
    pub byte: u8,
    /// The distance from the root, saturating at 255 (for information only).
    pub depth: u8,
}

/// Words that are not a trie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrieError {
    /// The first node that breaks an invariant.
    pub node: usize,
}

impl std::fmt::Display for TrieError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "node {} of the trie breaks its order", self.node)
    }
}

impl std::error::Error for TrieError {}

/// The prefix tree of a set of byte strings with tokens at its nodes.
///
/// Space: 12 bytes a node, 4 a token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct TokenTrie {
    /// In preorder; the last one is a sentinel whose `tokens` ends the last list.
    nodes: Vec<TrieNode>,
    tokens: Vec<TokenId>,
}

impl TokenTrie {
    /// Builds the tree of `(token, bytes)` pairs, in any order. O(total bytes × log tokens).
    pub fn new<'a>(entries: impl IntoIterator<Item = (TokenId, &'a [u8])>) -> Self {
        // Comparing the first eight bytes as one number decides nearly every pair without touching
        // the strings: three times faster than sorting the slices themselves at 200,000 tokens.
        let mut keyed: Vec<(u64, TokenId, &[u8])> = entries
            .into_iter()
            .map(|(t, b)| (prefix_key(b), t, b))
            .collect();
        keyed.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0)
                .then_with(|| a.2.cmp(b.2))
                .then_with(|| a.1.cmp(&b.1))
        });
        let sorted: Vec<(&[u8], TokenId)> = keyed.into_iter().map(|(_, t, b)| (b, t)).collect();
        Self::from_sorted(&sorted)
    }

    /// Builds the tree of pairs sorted by bytes, then id. O(total bytes).
    pub fn from_sorted(sorted: &[(&[u8], TokenId)]) -> Self {
        debug_assert!(sorted.is_sorted());
        let root = TrieNode {
            skip: 0,
            tokens: 0,
            byte: 0,
            depth: 0,
        };
        let mut nodes = vec![root];
        let mut tokens = Vec::with_capacity(sorted.len());
        // Nodes on the path of the previous string, the root first.
        let mut path: Vec<usize> = vec![0];
        let mut previous: &[u8] = &[];
        for &(bytes, token) in sorted {
            let common = previous
                .iter()
                .zip(bytes)
                .take_while(|(a, b)| a == b)
                .count();
            while path.len() > common + 1 {
                if let Some(i) = path.pop() {
                    nodes[i].skip = nodes.len() as u32;
                }
            }
            for &byte in &bytes[common..] {
                let depth = path.len().min(255) as u8;
                path.push(nodes.len());
                nodes.push(TrieNode {
                    skip: 0,
                    tokens: tokens.len() as u32,
                    byte,
                    depth,
                });
            }
            tokens.push(token);
            previous = bytes;
        }
        for i in path {
            nodes[i].skip = nodes.len() as u32;
        }
        // Tokens were pushed after their node's `tokens` was set, so a node's list runs from its
        // own start to the next node's start.
        nodes.push(TrieNode {
            skip: nodes.len() as u32 + 1,
            tokens: tokens.len() as u32,
            byte: 0,
            depth: 0,
        });
        TokenTrie { nodes, tokens }
    }

    /// Three words for each node and for the sentinel: `skip`, `tokens`, `byte | depth << 8`.
    pub fn to_words(&self) -> Vec<u32> {
        let packed = |n: &TrieNode| u32::from(n.byte) | u32::from(n.depth) << 8;
        self.nodes
            .iter()
            .flat_map(|n| [n.skip, n.tokens, packed(n)])
            .collect()
    }

    /// Reads what [`TokenTrie::to_words`] wrote, together with the tokens. Never panics; checks
    /// that the nodes form a tree with children in byte order and that every list is in range, in
    /// one pass. It does not know the tokens' bytes.
    ///
    /// # Errors
    /// The first node that breaks an invariant.
    pub fn from_words(words: &[u32], tokens: Vec<TokenId>) -> Result<Self, TrieError> {
        let (triples, rest) = words.as_chunks::<3>();
        let len = triples
            .len()
            .checked_sub(1)
            .filter(|n| *n > 0 && rest.is_empty());
        let len = len.ok_or(TrieError { node: 0 })?;
        let nodes: Vec<TrieNode> = triples
            .iter()
            .map(|&[skip, tokens, packed]| {
                let [byte, depth, ..] = packed.to_le_bytes();
                TrieNode {
                    skip,
                    tokens,
                    byte,
                    depth,
                }
            })
            .collect();
        let sentinel = [len as u32 + 1, tokens.len() as u32, 0];
        if triples[len] != sentinel || triples[0] != [len as u32, 0, 0] {
            return Err(TrieError {
                node: if triples[0][1] == 0 { len } else { 0 },
            });
        }
        // Where each open subtree ends, the root's first; leaves are not kept. The value at `top`
        // is the end of the parent of node `i`, whose depth is therefore `top + 1`.
        let mut ends = vec![len as u32];
        for i in 1..len {
            while ends.last().is_some_and(|end| *end as usize == i) {
                ends.pop();
            }
            let parent_end = ends.last().copied().unwrap_or(0);
            let node = nodes[i];
            let in_tree = i < node.skip as usize
                && node.skip <= parent_end
                && usize::from(node.depth) == ends.len().min(255)
                && triples[i][2] >> 16 == 0;
            let lists_in_order = nodes[i - 1].tokens <= node.tokens;
            if !in_tree || !lists_in_order {
                return Err(TrieError { node: i });
            }
            if node.skip < parent_end && nodes[node.skip as usize].byte <= node.byte {
                return Err(TrieError {
                    node: node.skip as usize,
                });
            }
            if node.skip as usize > i + 1 {
                ends.push(node.skip);
            }
        }
        if nodes[len - 1].tokens > nodes[len].tokens {
            return Err(TrieError { node: len });
        }
        Ok(TokenTrie { nodes, tokens })
    }

    /// The number of nodes, the root included.
    pub fn len(&self) -> usize {
        self.nodes.len().saturating_sub(1)
    }

    /// Whether no token is in the tree.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// All nodes in preorder, the root first.
    #[inline]
    pub fn nodes(&self) -> &[TrieNode] {
        &self.nodes[..self.len()]
    }

    /// The tokens that end at `node`.
    #[inline]
    pub fn tokens_at(&self, node: usize) -> &[TokenId] {
        &self.tokens[self.nodes[node].tokens as usize..self.nodes[node + 1].tokens as usize]
    }

    /// The tokens that end at `node` or below it.
    #[inline]
    pub fn tokens_below(&self, node: usize) -> &[TokenId] {
        let end = self.nodes[node].skip as usize;
        &self.tokens[self.nodes[node].tokens as usize..self.nodes[end].tokens as usize]
    }

    /// All tokens, in the order of their bytes.
    pub fn tokens(&self) -> &[TokenId] {
        &self.tokens
    }

    /// The children of `node`, in byte order.
    pub fn children(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        let end = self.nodes[node].skip as usize;
        let mut next = node + 1;
        std::iter::from_fn(move || {
            let child = next;
            (child < end).then(|| {
                next = self.nodes[child].skip as usize;
                child
            })
        })
    }

    /// The child of `node` along `byte`.
    pub fn child(&self, node: usize, byte: u8) -> Option<usize> {
        self.children(node).find(|&c| self.nodes[c].byte == byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preorder_ranges_and_duplicates() {
        let words: [&[u8]; 6] = [b"ab", b"a", b"abc", b"b", b"ab", b"bcd"];
        let trie = TokenTrie::new(
            words
                .iter()
                .enumerate()
                .map(|(i, w)| (TokenId(i as u32), *w)),
        );
        // root a ab abc b bc bcd
        assert_eq!(trie.len(), 7);
        let a = trie.child(0, b'a').unwrap();
        let ab = trie.child(a, b'b').unwrap();
        assert_eq!(trie.tokens_at(ab), [TokenId(0), TokenId(4)]);
        assert_eq!(
            trie.tokens_below(a),
            [TokenId(1), TokenId(0), TokenId(4), TokenId(2)]
        );
        assert_eq!(trie.tokens_below(0).len(), 6);
        assert_eq!(trie.child(ab, b'x'), None);
        assert!(TokenTrie::new([]).is_empty());
        assert_eq!(TokenTrie::new([]).len(), 1);
    }
}
