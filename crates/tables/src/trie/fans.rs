//! Children of trie nodes, picked by their bytes.

use super::{TokenTrie, TrieNode};
use crate::ByteSet;
use rustc_hash::FxHashMap;

/// The children of the nodes that have many: in the trie itself they lie far apart.
#[derive(Debug, Default)]
pub struct Fans {
    /// Those of which nodes.
    of: FxHashMap<u32, u32>,
    fans: Vec<Fan>,
    children: Vec<u32>,
}

/// The children of a node.
#[derive(Debug)]
struct Fan {
    /// The bytes that lead to them.
    bytes: ByteSet,
    /// Where they begin, in the order of these bytes.
    start: u32,
}

impl Fans {
    /// A node with fewer children is left out.
    const MANY: usize = 8;

    /// O(nodes).
    pub fn new(trie: &TokenTrie) -> Self {
        let mut fans = Fans::default();
        for (node, record) in trie.nodes().iter().enumerate() {
            if (record.skip as usize).saturating_sub(node) <= Self::MANY {
                continue;
            }
            let start = fans.children.len();
            let mut bytes = ByteSet::default();
            for child in trie.children(node) {
                bytes.insert(trie.nodes()[child].byte);
                fans.children.push(child as u32);
            }
            if fans.children.len() - start < Self::MANY {
                fans.children.truncate(start);
                continue;
            }
            fans.of.insert(node as u32, fans.fans.len() as u32);
            let start = start as u32;
            fans.fans.push(Fan { bytes, start });
        }
        fans
    }
}

impl TokenTrie {
    /// The children of `node` along some bytes, in their order. `fans` are those of this trie.
    pub fn picked<'a>(&'a self, node: usize, bytes: ByteSet, fans: Option<&'a Fans>) -> Picked<'a> {
        let end = self.nodes[node].skip;
        let mut picked = Picked {
            nodes: &self.nodes,
            bytes,
            fan: None,
            next: node as u32 + 1,
            end,
        };
        if end as usize - node > Fans::MANY
            && let Some(fans) = fans
            && let Some(fan) = fans.of.get(&(node as u32))
        {
            let fan = &fans.fans[*fan as usize];
            picked.bytes = bytes.intersect(&fan.bytes);
            picked.fan = Some((fan, &fans.children[fan.start as usize..]));
        }
        picked
    }
}

/// What [`TokenTrie::picked`] gives.
#[derive(Clone, Debug)]
pub struct Picked<'a> {
    nodes: &'a [TrieNode],
    /// Where the children are listed: those that are left.
    bytes: ByteSet,
    fan: Option<(&'a Fan, &'a [u32])>,
    next: u32,
    end: u32,
}

impl Iterator for Picked<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if let Some((fan, children)) = self.fan {
            let byte = self.bytes.pop_first()?;
            return Some(children[fan.bytes.rank(byte)] as usize);
        }
        while self.next < self.end {
            let child = self.next as usize;
            let node = &self.nodes[child];
            self.next = node.skip;
            if self.bytes.contains(node.byte) {
                return Some(child);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TokenId;

    #[test]
    fn children_are_picked_alike_with_and_without_fans() {
        // A root with 256 children, one of which has 9 and one 7.
        let mut words: Vec<Vec<u8>> = (0..=255).map(|b| vec![b]).collect();
        words.extend((0..9).map(|b| vec![b'a', 20 * b]));
        words.extend((0..7).map(|b| vec![b'b', 30 * b, b]));
        let entries = words.iter().enumerate();
        let trie = TokenTrie::new(entries.map(|(i, w)| (TokenId(i as u32), &w[..])));
        let fans = Fans::new(&trie);
        assert_eq!(fans.fans.len(), 2);
        for bytes in [
            ByteSet::ALL,
            ByteSet::default(),
            ByteSet::from_ranges(&[(b'"', b'"'), (b'a', b'b'), (240, 255)]),
        ] {
            for node in 0..trie.len() {
                let wanted = trie.children(node);
                let wanted = wanted.filter(|c| bytes.contains(trie.nodes()[*c].byte));
                let wanted: Vec<usize> = wanted.collect();
                assert!(trie.picked(node, bytes, Some(&fans)).eq(wanted.clone()));
                assert!(trie.picked(node, bytes, None).eq(wanted));
            }
        }
    }
}
