//! Where tokens begin and close JSON's strings and numbers.

use super::TokenTrie;

/// What a walk along names that were read before asks of the nodes of a trie.
#[derive(Debug, Default)]
pub struct Quotes {
    /// One bit a node: whether a quote is below it.
    before: Box<[u64]>,
    /// The same: whether its byte, or one below it, is no white space.
    solid: Box<[u64]>,
    value_starts: Box<[u32]>,
    number_ends: Box<[u32]>,
}

impl Quotes {
    /// O(nodes).
    pub fn new(trie: &TokenTrie) -> Self {
        let nodes = trie.nodes();
        let mut before = vec![0u64; nodes.len().div_ceil(64)];
        let mut solid = before.clone();
        // Marks nodes, the lowest first, up to one that is marked.
        let mark = |bits: &mut [u64], nodes: &mut dyn Iterator<Item = usize>| {
            for node in nodes {
                let (word, bit) = (node / 64, 1 << (node % 64));
                if bits[word] & bit != 0 {
                    break;
                }
                bits[word] |= bit;
            }
        };
        let (mut value_starts, mut number_ends) = (Vec::new(), Vec::new());
        // The nodes from the root to the present one, with whether all bytes so far are white space.
        let mut path: Vec<(usize, bool)> = Vec::new();
        for (i, node) in nodes.iter().enumerate() {
            while path.last().is_some_and(|p| nodes[p.0].skip as usize <= i) {
                path.pop();
            }
            let blank = path.last().is_none_or(|p| p.1);
            if i > 0 && blank && matches!(node.byte, b'"' | b'-' | b'0'..=b'9') {
                value_starts.push(i as u32);
            }
            let last = path.last().map_or(0, |p| nodes[p.0].byte);
            if last.is_ascii_digit() && !node.byte.is_ascii_digit() {
                number_ends.push(i as u32);
            }
            if i > 0 && node.byte == b'"' {
                mark(&mut before, &mut path.iter().rev().map(|p| p.0));
            }
            let is_blank = matches!(node.byte, b' ' | b'\t' | b'\n' | b'\r');
            if i > 0 && !is_blank {
                let above = path.iter().rev().map(|p| p.0);
                mark(&mut solid, &mut std::iter::once(i).chain(above));
            }
            path.push((i, i == 0 || blank && is_blank));
        }
        Quotes {
            before: before.into(),
            solid: solid.into(),
            value_starts: value_starts.into(),
            number_ends: number_ends.into(),
        }
    }

    /// Whether some token goes on behind a node with a quote, at once or later.
    #[inline]
    pub fn is_before_quote(&self, node: usize) -> bool {
        let word = self.before.get(node / 64);
        word.is_some_and(|w| w >> (node % 64) & 1 == 1)
    }

    /// Whether nothing but white space leads to a node from the one before it, and on from there.
    #[inline]
    pub fn is_blank(&self, node: usize) -> bool {
        let word = self.solid.get(node / 64);
        word.is_some_and(|w| w >> (node % 64) & 1 == 0)
    }

    /// The nodes with which a string or number begins, behind white space at most, in preorder.
    pub fn value_starts(&self) -> &[u32] {
        &self.value_starts
    }

    /// The nodes below a node, in preorder, whose byte is no digit and follows one.
    pub fn number_ends_below(&self, trie: &TokenTrie, node: usize) -> &[u32] {
        let end = trie.nodes()[node].skip;
        let from = self.number_ends.partition_point(|n| *n as usize <= node);
        let count = self.number_ends[from..].partition_point(|n| *n < end);
        &self.number_ends[from..from + count]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TokenId;

    #[test]
    fn quotes_and_starts_are_found_wherever_they_are() {
        let words: &[&[u8]] = &[
            b"a\"", b"abc", b"abd\"x", b"b", b"\"", b" \"a", b" \t\n", b" \t-1", b" a1", b"7",
            b"x 7\"", b"-", b"\n5", b"\"\"", b"-1,7]",
        ];
        let mut ids: Vec<usize> = (0..words.len()).collect();
        ids.sort_by_key(|i| words[*i]);
        let entries = ids.iter().map(|i| (TokenId(*i as u32), words[*i]));
        let trie = TokenTrie::new(entries);
        let quotes = Quotes::new(&trie);
        for (i, node) in trie.nodes().iter().enumerate() {
            let below = trie.tokens_below(i).iter().map(|t| words[t.index()]);
            let depth = usize::from(node.depth);
            let before = below.clone().any(|w| w[depth..].contains(&b'"'));
            assert_eq!(quotes.is_before_quote(i), before, "node {i}");
            let mut bytes = below.clone().flat_map(|w| &w[depth.max(1) - 1..]);
            let blank = bytes.all(|b| b" \t\n\r".contains(b));
            assert_eq!(quotes.is_blank(i), blank, "node {i}");
            let path = &below.clone().next().expect("a token")[..depth];
            let starts = path.split_last().is_some_and(|(last, blanks)| {
                b"\"-0123456789".contains(last) && blanks.iter().all(|b| b" \t\n\r".contains(b))
            });
            assert_eq!(quotes.value_starts().contains(&(i as u32)), starts, "{i}");
        }
        assert!(quotes.value_starts().is_sorted() && quotes.value_starts().len() == 6);
        // Behind the sevens of `x 7"` and of `-1,7]`, and behind the one.
        let ends = |word: &[u8]| {
            let node = word.iter().try_fold(0, |n, b| trie.child(n, *b));
            quotes.number_ends_below(&trie, node.expect("a node")).len()
        };
        assert_eq!(ends(b""), 3);
        assert_eq!(
            [&b"x"[..], b"x 7", b"-", b"-1", b"-1,", b"7"].map(ends),
            [1, 1, 2, 2, 1, 0]
        );
    }
}
