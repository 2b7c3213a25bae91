//! The prefix tree of a set of byte strings, flat and in preorder.
//!
//! Node 0 is the root (the empty string). Node `i` has an incoming byte, and its subtree is the
//! range `i .. skip(i)`, so a walk is one forward scan in which a refused byte jumps to `skip(i)`.
//! Every node has a (mostly empty) list of tokens: duplicate byte strings share a node. The lists
//! lie in preorder, so the tokens of a whole subtree are one contiguous slice.

mod classes;
mod fans;
mod quotes;

pub use classes::{Classes, byte_class, classes_of};
pub use fans::{Fans, Picked};
pub use quotes::Quotes;

use crate::TokenId;
use bytemuck::{Pod, Zeroable};
use std::hash::{Hash, Hasher};

/// The first eight bytes, zero-padded, as a number that orders like them (ties are undecided).
fn prefix_key(bytes: &[u8]) -> u64 {
    let mut key = [0; 8];
    let n = bytes.len().min(8);
    key[..n].copy_from_slice(&bytes[..n]);
    u64::from_be_bytes(key)
}

/// A node of a [`TokenTrie`], laid out as in artifacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct TrieNode {
    /// The node after this one's subtree.
    pub skip: u32,
    /// Where this node's tokens begin; they end where the next node's begin.
    pub tokens: u32,
    /// The byte on the edge from the parent (0 for the root).
    pub byte: u8,
    /// The distance from the root, saturating at 255 (for information only).
    pub depth: u8,
    /// Always 0.
    zero: u16,
}

impl Hash for TrieNode {
    /// In two pieces: tries are interned, and have many nodes.
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.skip) << 32 | u64::from(self.tokens));
        state.write_u16(u16::from_le_bytes([self.byte, self.depth]));
    }
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
            zero: 0,
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
                    zero: 0,
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
            zero: 0,
        });
        TokenTrie { nodes, tokens }
    }

    /// The tree of what is left of the tokens below some nodes, as if each of these were the root
    /// of its subtree and all subtrees were laid over each other. The tokens at a root itself are
    /// kept where the flag says so. O(size of the result), but for nodes at which subtrees meet.
    pub fn merged(&self, roots: &[(u32, bool)]) -> Self {
        let here = roots.iter().filter(|r| r.1);
        let here = here.flat_map(|r| self.tokens_at(r.0 as usize)).copied();
        let children = roots.iter().flat_map(|r| self.children(r.0 as usize));
        self.laid_over(here.collect(), children.map(|c| c as u32))
    }

    /// The tree whose root holds these tokens and has these nodes as children, those with the same byte
    /// laid over each other. O(size of the result), but for nodes at which subtrees meet.
    pub fn laid_over(
        &self,
        mut here: Vec<TokenId>,
        children: impl IntoIterator<Item = u32>,
    ) -> Self {
        let mut out = TokenTrie::default();
        let tokens_of_meeting = |out: &mut Self, here: &mut Vec<TokenId>| {
            here.sort_unstable();
            here.dedup();
            out.tokens.append(here);
        };
        out.nodes.push(TrieNode {
            skip: 0,
            tokens: 0,
            byte: 0,
            depth: 0,
            zero: 0,
        });
        tokens_of_meeting(&mut out, &mut here);
        // Children still to lay down, with their byte, the next one last; and where the groups of
        // the open nodes begin.
        let mut open: Vec<(u8, u32)> = Vec::new();
        let mut levels: Vec<(usize, usize)> = Vec::new();
        let expand = |open: &mut Vec<(u8, u32)>, nodes: &mut dyn Iterator<Item = u32>| {
            let start = open.len();
            open.extend(nodes.map(|c| (self.nodes[c as usize].byte, c)));
            open[start..].sort_by(|a, b| b.cmp(a));
            start
        };
        let start = expand(&mut open, &mut children.into_iter());
        levels.push((0, start));
        // At most so much, and mostly about that.
        let all = open.iter().map(|c| c.1 as usize);
        let tokens = all.clone().map(|c| self.tokens_below(c).len());
        out.tokens.reserve_exact(tokens.sum());
        let nodes = all.map(|c| self.nodes[c].skip as usize - c);
        out.nodes.reserve_exact(nodes.sum::<usize>() + 1);
        let mut group: Vec<u32> = Vec::new();
        while let Some(&(node, start)) = levels.last() {
            if open.len() == start {
                out.nodes[node].skip = out.nodes.len() as u32;
                levels.pop();
                continue;
            }
            let depth = levels.len().min(255) as u8;
            let byte = open[open.len() - 1].0;
            group.clear();
            while open.len() > start && open[open.len() - 1].0 == byte {
                group.extend(open.pop().map(|c| c.1));
            }
            if let [only] = group[..] {
                self.append_subtree(&mut out, only as usize, depth);
                continue;
            }
            let index = out.nodes.len();
            out.nodes.push(TrieNode {
                skip: 0,
                tokens: out.tokens.len() as u32,
                byte,
                depth,
                zero: 0,
            });
            here.extend(group.iter().flat_map(|n| self.tokens_at(*n as usize)));
            tokens_of_meeting(&mut out, &mut here);
            let children = group.iter().flat_map(|n| self.children(*n as usize));
            let start = expand(&mut open, &mut children.map(|c| c as u32));
            levels.push((index, start));
        }
        out.end();
        out.nodes.shrink_to_fit();
        out.tokens.shrink_to_fit();
        out
    }

    /// Adds the node behind the last one, which says where the last one's tokens end.
    fn end(&mut self) {
        self.nodes.push(TrieNode {
            skip: self.nodes.len() as u32 + 1,
            tokens: self.tokens.len() as u32,
            byte: 0,
            depth: 0,
            zero: 0,
        });
    }

    /// The tree without some tokens, and without the nodes below which none is left.
    pub fn without(&self, is_gone: impl Fn(TokenId) -> bool) -> Self {
        let mut out = TokenTrie::default();
        // The nodes on the path, with their places in the new tree.
        let mut path: Vec<(u32, usize)> = Vec::new();
        let close = |out: &mut Self, (_, place): (u32, usize)| {
            if place > 0 && out.nodes[place].tokens as usize == out.tokens.len() {
                // Nothing is left of it; whatever lay below is gone already.
                out.nodes.truncate(place);
            } else {
                out.nodes[place].skip = out.nodes.len() as u32;
            }
        };
        for (i, node) in self.nodes().iter().enumerate() {
            while path.last().is_some_and(|p| p.0 as usize <= i) {
                path.pop().into_iter().for_each(|p| close(&mut out, p));
            }
            path.push((node.skip, out.nodes.len()));
            out.nodes.push(TrieNode {
                tokens: out.tokens.len() as u32,
                ..*node
            });
            let kept = self.tokens_at(i).iter().filter(|t| !is_gone(**t));
            out.tokens.extend(kept);
        }
        while let Some(open) = path.pop() {
            close(&mut out, open);
        }
        out.end();
        out
    }

    /// Copies a subtree to the end of another tree, its root at `depth`.
    fn append_subtree(&self, out: &mut Self, root: usize, depth: u8) {
        let source = &self.nodes[root..self.nodes[root].skip as usize];
        let by = (out.nodes.len() as u32).wrapping_sub(root as u32);
        let tokens_by = (out.tokens.len() as u32).wrapping_sub(source[0].tokens);
        let moved = |node: &TrieNode, below: usize| TrieNode {
            skip: node.skip.wrapping_add(by),
            tokens: node.tokens.wrapping_add(tokens_by),
            byte: node.byte,
            depth: (usize::from(depth) + below).min(255) as u8,
            zero: 0,
        };
        let top = source[0].depth;
        if source.iter().all(|n| n.depth < u8::MAX) {
            let nodes = source.iter();
            out.nodes
                .extend(nodes.map(|n| moved(n, usize::from(n.depth - top))));
        } else {
            // Where the nodes above the one at hand end.
            let mut ends: Vec<u32> = Vec::new();
            for (i, node) in source.iter().enumerate() {
                let i = (root + i) as u32;
                while ends.last().is_some_and(|end| *end <= i) {
                    ends.pop();
                }
                out.nodes.push(moved(node, ends.len()));
                ends.push(node.skip);
            }
        }
        out.tokens.extend_from_slice(self.tokens_below(root));
    }

    /// For each node the number of bytes to the deepest node below it, saturating at 255.
    pub fn heights(&self) -> Vec<u8> {
        let mut heights = vec![0u8; self.len()];
        let mut path: Vec<usize> = Vec::new();
        let close = |heights: &mut [u8], path: &mut Vec<usize>| {
            if let Some(child) = path.pop()
                && let Some(&parent) = path.last()
            {
                heights[parent] = heights[parent].max(heights[child].saturating_add(1));
            }
        };
        for i in 0..self.len() {
            while path
                .last()
                .is_some_and(|p| self.nodes[*p].skip as usize <= i)
            {
                close(&mut heights, &mut path);
            }
            path.push(i);
        }
        while !path.is_empty() {
            close(&mut heights, &mut path);
        }
        heights
    }

    /// The [classes](byte_class) of the bytes with which a node goes on, one bit each.
    pub fn classes_at(&self, node: usize) -> Classes {
        let classes = self.children(node).map(|c| byte_class(self.nodes[c].byte));
        classes.fold(0, |all, class| all | 1 << class)
    }

    /// Three words for each node and for the sentinel: `skip`, `tokens`, `byte | depth << 8`.
    pub fn to_words(&self) -> Vec<u32> {
        let packed = |n: &TrieNode| u32::from(n.byte) | u32::from(n.depth) << 8;
        self.nodes
            .iter()
            .flat_map(|n| [n.skip, n.tokens, packed(n)])
            .collect()
    }

    /// Reads what [`TokenTrie::to_words`] wrote, together with the tokens. Never panics; checks in one
    /// pass that the nodes form a tree with children in byte order, that every list is in range, and that
    /// each token is as long as the path to it. `bytes_len` says how long a token is, `None` for one
    /// that must not be in the tree. What the bytes of tokens are is not looked at.
    ///
    /// # Errors
    /// The first node that breaks an invariant.
    pub fn from_words(
        words: &[u32],
        tokens: Vec<TokenId>,
        bytes_len: impl Fn(TokenId) -> Option<usize>,
    ) -> Result<Self, TrieError> {
        // The sentinel is a node too.
        let len = (words.len() / 3).saturating_sub(1);
        if len == 0 || !words.len().is_multiple_of(3) {
            return Err(TrieError { node: 0 });
        }
        let nodes: Vec<TrieNode> = match bytemuck::try_cast_slice(words) {
            Ok(nodes) if cfg!(target_endian = "little") => nodes.to_vec(),
            _ => {
                let node = |&[skip, tokens, packed]: &[u32; 3]| {
                    let [byte, depth, low, high] = packed.to_le_bytes();
                    let zero = u16::from_le_bytes([low, high]);
                    TrieNode {
                        skip,
                        tokens,
                        byte,
                        depth,
                        zero,
                    }
                };
                words.as_chunks().0.iter().map(node).collect()
            }
        };
        let end = |skip: usize, tokens: usize| TrieNode {
            skip: skip as u32,
            tokens: tokens as u32,
            ..TrieNode::zeroed()
        };
        if nodes[len] != end(len + 1, tokens.len()) || nodes[0] != end(len, 0) {
            return Err(TrieError {
                node: if nodes[0].tokens == 0 { len } else { 0 },
            });
        }
        // Where a list begins: how deep its node is. An empty list leaves that to the next node, and in a
        // list of several tokens the others have 0: so there is nothing to be decided at each node.
        let mut depths = vec![0u16; tokens.len() + 1];
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
                && node.zero == 0;
            let depth = u16::try_from(ends.len()).ok();
            let depths = depths.get_mut(node.tokens as usize);
            let (true, Some(at), Some(depth)) = (in_tree, depths, depth) else {
                return Err(TrieError { node: i });
            };
            *at = depth;
            if nodes[i - 1].tokens > node.tokens {
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
        let mut depth = 0;
        for (i, token) in tokens.iter().enumerate() {
            if depths[i] != 0 {
                depth = depths[i];
            }
            if bytes_len(*token) != Some(usize::from(depth)) {
                let after = nodes.partition_point(|n| n.tokens as usize <= i);
                return Err(TrieError {
                    node: after.saturating_sub(1),
                });
            }
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

    /// The tokens that end at `node`, as places among [all of them](Self::tokens).
    #[inline]
    pub fn places_at(&self, node: usize) -> std::ops::Range<u32> {
        self.nodes[node].tokens..self.nodes[node + 1].tokens
    }

    /// The tokens that end at `node` or below it, as places among [all of them](Self::tokens).
    #[inline]
    pub fn places_below(&self, node: usize) -> std::ops::Range<u32> {
        let end = self.nodes[node].skip as usize;
        self.nodes[node].tokens..self.nodes[end].tokens
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

    #[test]
    fn merged_subtrees_are_the_tree_of_the_rests() {
        let words: Vec<Vec<u8>> = (0..400u32)
            .map(|i| {
                let mut x = i.wrapping_mul(2_654_435_761);
                let length = 1 + x as usize % 6;
                let byte = |_| {
                    x = x.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                    b'a' + (x >> 16) as u8 % 3
                };
                (0..length).map(byte).collect()
            })
            .collect();
        let entries = words.iter().enumerate();
        let trie = TokenTrie::new(entries.map(|(i, w)| (TokenId(i as u32), &w[..])));
        let spelled = |node: usize| {
            let mut bytes = Vec::new();
            let mut at = 0;
            while at != node {
                at = trie
                    .children(at)
                    .find(|c| (*c..trie.nodes[*c].skip as usize).contains(&node))
                    .unwrap();
                bytes.push(trie.nodes[at].byte);
            }
            bytes
        };
        let heights = trie.heights();
        for step in 1..40usize {
            // Incomparable nodes: no root below another one.
            let mut roots: Vec<(u32, bool)> = Vec::new();
            let mut i = step;
            while i < trie.len() {
                roots.push((i as u32, i % 2 == 0));
                i = trie.nodes[i].skip as usize + step;
            }
            let mut rests: Vec<(Vec<u8>, TokenId)> = Vec::new();
            for &(root, keep) in &roots {
                let prefix = spelled(root as usize);
                let mut deepest = 0;
                for (i, word) in words.iter().enumerate() {
                    if let Some(rest) = word.strip_prefix(&prefix[..]) {
                        deepest = deepest.max(rest.len());
                        if keep || !rest.is_empty() {
                            rests.push((rest.to_vec(), TokenId(i as u32)));
                        }
                    }
                }
                assert_eq!(usize::from(heights[root as usize]), deepest);
            }
            rests.sort();
            let rests: Vec<(&[u8], TokenId)> = rests.iter().map(|(b, t)| (&b[..], *t)).collect();
            assert_eq!(trie.merged(&roots), TokenTrie::from_sorted(&rests));
            let is_gone = |token: TokenId| token.index() % step < step / 2;
            let kept = rests.iter().filter(|e| !is_gone(e.1));
            let kept: Vec<(&[u8], TokenId)> = kept.copied().collect();
            let without = trie.merged(&roots).without(is_gone);
            assert_eq!(without, TokenTrie::from_sorted(&kept));
        }
    }
}
