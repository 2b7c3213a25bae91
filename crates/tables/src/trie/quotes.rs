//! Where tokens begin and close JSON's strings.

use super::TokenTrie;

/// What a walk along names that were read before asks of the nodes of a trie.
#[derive(Debug, Default)]
pub struct Quotes {
    /// One bit a node: whether a quote is below it.
    before: Box<[u64]>,
    value_starts: Box<[u32]>,
}

impl Quotes {
    /// O(nodes).
    pub fn new(trie: &TokenTrie) -> Self {
        let nodes = trie.nodes();
        let mut before = vec![0u64; nodes.len().div_ceil(64)];
        let mut value_starts = Vec::new();
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
            if i > 0 && node.byte == b'"' {
                for (above, _) in path.iter().rev() {
                    let (word, bit) = (above / 64, 1 << (above % 64));
                    if before[word] & bit != 0 {
                        break;
                    }
                    before[word] |= bit;
                }
            }
            let blank = i == 0 || blank && matches!(node.byte, b' ' | b'\t' | b'\n' | b'\r');
            path.push((i, blank));
        }
        Quotes {
            before: before.into(),
            value_starts: value_starts.into(),
        }
    }

    /// Whether some token goes on behind a node with a quote, at once or later.
    #[inline]
    pub fn is_before_quote(&self, node: usize) -> bool {
        let word = self.before.get(node / 64);
        word.is_some_and(|w| w >> (node % 64) & 1 == 1)
    }

    /// The nodes with which a string or number begins, behind white space at most, in preorder.
    pub fn value_starts(&self) -> &[u32] {
        &self.value_starts
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
            b"x 7\"", b"-", b"\n5", b"\"\"",
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
            let path = &below.clone().next().expect("a token")[..depth];
            let starts = path.split_last().is_some_and(|(last, blanks)| {
                b"\"-0123456789".contains(last) && blanks.iter().all(|b| b" \t\n\r".contains(b))
            });
            assert_eq!(quotes.value_starts().contains(&(i as u32)), starts, "{i}");
        }
        assert!(quotes.value_starts().is_sorted() && quotes.value_starts().len() == 6);
    }
}
