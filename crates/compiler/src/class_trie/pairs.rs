//! The members of a class node by their bytes, and their children by pairs of bytes.
//!
//! A keyword that may begin at any letter of a name tells letters apart everywhere: to walk the nodes one by one
//! is to look at each letter of each word of the vocabulary for the `a` of `and`. But what is there to find can be
//! known for all of them: the tokens that end in `a`, and the nodes that `an` leads to. So large class nodes have
//! these listed ([`Pairs`]) when they are first asked for.

use maskwright_automata::Lexicon;
use maskwright_tables::{LabelSet, LexState, LimitError, TokenId, TokenTrie, heap};
use std::ops::Range;

/// Lists one after the other, with keys that increase.
#[derive(Debug)]
struct Lists<K, T> {
    all: Vec<T>,
    /// Where each of them ends.
    ends: Vec<(K, u32)>,
}

impl<K: Copy, T> Lists<K, T> {
    fn new() -> Self {
        Lists {
            all: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// Ends the list that has been added.
    fn end(&mut self, key: K) {
        self.ends.push((key, self.all.len() as u32));
    }

    /// Lists by their numbers.
    fn iter(&self, range: Range<usize>) -> impl Iterator<Item = (K, &[T])> {
        range.map(|i| {
            let from = i.checked_sub(1).map_or(0, |i| self.ends[i].1);
            let (key, end) = self.ends[i];
            (key, &self.all[from as usize..end as usize])
        })
    }

    fn heap_bytes(&self) -> usize {
        heap::list::<T>(self.all.capacity()) + heap::list::<(K, u32)>(self.ends.capacity())
    }
}

/// See the module documentation.
#[derive(Debug)]
pub(super) struct Pairs {
    /// Members by their bytes.
    members: Lists<u8, u32>,
    /// The tokens that end there.
    tokens: Lists<u8, TokenId>,
    /// The children of these members by theirs.
    children: Lists<u8, u32>,
    /// For the members of each byte, where the lists of their children end.
    ends: Vec<u32>,
}

/// What a state makes of some nodes that are told apart.
#[derive(Debug, Default)]
pub(super) struct Told<'a> {
    /// The tokens that stay inside where no more is to be seen of their nodes.
    pub inside: Vec<&'a [TokenId]>,
    /// Nodes that are left to be walked, and the states before their bytes.
    pub left: Vec<(LexState, &'a [u32])>,
}

impl Pairs {
    /// Of some nodes of a trie. O(nodes and their children).
    pub fn new(trie: &TokenTrie, nodes: &[u32]) -> Self {
        let byte_of = |node: u32| trie.nodes()[node as usize].byte;
        let mut pairs = Pairs {
            members: Lists::new(),
            tokens: Lists::new(),
            children: Lists::new(),
            ends: Vec::new(),
        };
        let mut children = Vec::new();
        let (mut sorted, mut below) = (Vec::new(), Vec::new());
        sort(&mut sorted, nodes, byte_of);
        for group in sorted.chunk_by(|a, b| byte_of(*a) == byte_of(*b)) {
            let byte = byte_of(group[0]);
            children.clear();
            for &node in group {
                let tokens = trie.tokens_at(node as usize);
                pairs.tokens.all.extend_from_slice(tokens);
                children.extend(trie.children(node as usize).map(|child| child as u32));
            }
            pairs.members.all.extend_from_slice(group);
            pairs.members.end(byte);
            pairs.tokens.end(byte);
            sort(&mut below, &children, byte_of);
            for group in below.chunk_by(|a, b| byte_of(*a) == byte_of(*b)) {
                pairs.children.all.extend_from_slice(group);
                pairs.children.end(byte_of(group[0]));
            }
            pairs.ends.push(pairs.children.ends.len() as u32);
        }
        pairs
    }

    /// Bytes held.
    pub fn heap_bytes(&self) -> usize {
        self.members.heap_bytes()
            + self.tokens.heap_bytes()
            + self.children.heap_bytes()
            + heap::list::<u32>(self.ends.capacity())
    }

    /// What a state makes of the nodes if lexemes begin with their bytes.
    pub fn tell<'a>(
        &'a self,
        lexicon: &Lexicon,
        state: LexState,
        out: &mut Told<'a>,
    ) -> Result<(), LimitError> {
        let edges = lexicon.edges(state)?;
        let all = 0..self.members.ends.len();
        let tokens = self.tokens.iter(all.clone());
        for (i, ((byte, nodes), (_, tokens))) in self.members.iter(all).zip(tokens).enumerate() {
            let next = edges.get(byte);
            if next == LexState::DEAD {
                continue;
            }
            let from = i.checked_sub(1).map_or(0, |i| self.ends[i]) as usize;
            let children = || self.children.iter(from..self.ends[i] as usize);
            let place = lexicon.place(next);
            let ends = place.accept() != LabelSet::NONE;
            let edges = place.edges()?;
            let live = || children().filter(|c| edges.get(c.0) != LexState::DEAD);
            let count: usize = children().map(|c| c.1.len()).sum();
            // Where most of them live, whole subtrees may be seen at once from their parents.
            if ends || 2 * live().map(|c| c.1.len()).sum::<usize>() > count {
                out.left.push((state, nodes));
                continue;
            }
            out.inside.push(tokens);
            out.left.extend(live().map(|(_, nodes)| (next, nodes)));
        }
        Ok(())
    }
}

/// Puts nodes in the order of their bytes, those of equal bytes in the order they have.
fn sort(out: &mut Vec<u32>, nodes: &[u32], byte_of: impl Fn(u32) -> u8) {
    let mut places = [0u32; 257];
    for &node in nodes {
        places[usize::from(byte_of(node)) + 1] += 1;
    }
    for byte in 0..256 {
        places[byte + 1] += places[byte];
    }
    out.clear();
    out.resize(nodes.len(), 0);
    for &node in nodes {
        let place = &mut places[usize::from(byte_of(node))];
        out[*place as usize] = node;
        *place += 1;
    }
}
