//! Regular expressions as an arena: the form in which every front end leaves its terminals.
//!
//! A [`RegexPool`] is an arena of nodes that refer to earlier nodes only, so every algorithm on it
//! is a loop over ids and nothing recurses on the depth of user input, dropping included. Equal
//! nodes are shared.
//!
//! Meaning: a node denotes a set of byte strings. [`RegexNode::Class`] speaks of Unicode scalar
//! values and denotes their UTF-8 encodings. [`RegexNode::Not`] is the complement *within valid
//! UTF-8 text*.

use hashbrown::HashTable;
use maskwright_tables::heap;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

/// A node of a [`RegexPool`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegexId(pub u32);

/// What a regex node denotes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RegexNode {
    /// Nothing: the empty set.
    Never,
    /// The empty string only.
    Empty,
    /// These bytes.
    Bytes(Box<[u8]>),
    /// One character out of these ranges of Unicode scalar values (sorted, disjoint, inclusive).
    Class(Box<[(char, char)]>),
    /// One byte out of these ranges (sorted, disjoint, inclusive).
    ByteClass(Box<[(u8, u8)]>),
    /// One after the other.
    Concat(Box<[RegexId]>),
    /// Any of them.
    Alt(Box<[RegexId]>),
    /// All of them at once.
    And(Box<[RegexId]>),
    /// Valid UTF-8 text that the node does not match.
    Not(RegexId),
    /// From `min` to `max` copies (`None`: no upper bound). Never expanded into copies.
    Repeat {
        /// What is repeated.
        node: RegexId,
        /// The fewest copies.
        min: u32,
        /// The most copies.
        max: Option<u32>,
    },
    /// One of these byte strings; for large sets.
    Literals(Box<[Box<[u8]>]>),
    /// All JSON spellings, quotes included, of the strings whose value the node matches: each
    /// character raw or escaped, in any mix.
    JsonString(RegexId),
    /// One token as a whole, whatever it spells. As a set of byte strings it is empty; only a whole
    /// terminal may be such a node, and front ends see to that.
    Token(TokenSet),
    /// A JSON document that satisfies the schema with this text, read by a machine of its own. As a
    /// set of byte strings it is empty here; only a whole terminal may be such a node.
    Json(Box<str>),
}

impl RegexNode {
    /// Bytes that the node owns, about. O(strings).
    pub fn heap_bytes(&self) -> usize {
        match self {
            RegexNode::Bytes(bytes) => heap::allocation(bytes.len()),
            RegexNode::Class(ranges) => heap::list::<(char, char)>(ranges.len()),
            RegexNode::ByteClass(ranges) => heap::list::<(u8, u8)>(ranges.len()),
            RegexNode::Concat(ids) | RegexNode::Alt(ids) | RegexNode::And(ids) => {
                heap::list::<RegexId>(ids.len())
            }
            RegexNode::Literals(all) => {
                let texts = all.iter().map(|text| heap::allocation(text.len()));
                heap::list::<Box<[u8]>>(all.len()) + texts.sum::<usize>()
            }
            RegexNode::Token(set) => heap::list::<TokenRef>(set.members.len()),
            RegexNode::Json(text) => heap::allocation(text.len()),
            _ => 0,
        }
    }

    /// The same node over other children, in the order of these.
    #[must_use]
    pub fn over(&self, child: impl Fn(RegexId) -> RegexId) -> RegexNode {
        let all = |parts: &[RegexId]| parts.iter().map(|p| child(*p)).collect::<Box<[RegexId]>>();
        match self {
            RegexNode::Concat(parts) => RegexNode::Concat(all(parts)),
            RegexNode::Alt(parts) => RegexNode::Alt(all(parts)),
            RegexNode::And(parts) => RegexNode::And(all(parts)),
            RegexNode::Not(part) => RegexNode::Not(child(*part)),
            RegexNode::JsonString(part) => RegexNode::JsonString(child(*part)),
            RegexNode::Repeat { node, min, max } => RegexNode::Repeat {
                node: child(*node),
                min: *min,
                max: *max,
            },
            leaf => leaf.clone(),
        }
    }
}

/// Which tokens a token terminal takes. What the names stand for is known only together with a
/// vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenSet {
    /// Whether all tokens but these are meant.
    pub negated: bool,
    /// The tokens.
    pub members: Box<[TokenRef]>,
}

/// One token, or a range of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TokenRef {
    /// The ids from the first to the last, inclusive.
    Ids(u32, u32),
    /// The token with this text, angle brackets included, such as `<think>`.
    Name(Box<str>),
}

impl std::fmt::Display for TokenSet {
    /// As the notation writes it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.negated != self.members.is_empty() {
            f.write_str("~")?;
        }
        if self.members.is_empty() {
            return f.write_str("<[*]>");
        }
        if let [TokenRef::Name(name)] = &*self.members {
            return f.write_str(name);
        }
        f.write_str("<[")?;
        for (i, member) in self.members.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            match member {
                TokenRef::Ids(a, b) if a == b => write!(f, "{a}")?,
                TokenRef::Ids(a, b) => write!(f, "{a}-{b}")?,
                TokenRef::Name(name) => f.write_str(name)?,
            }
        }
        f.write_str("]>")
    }
}

/// An arena of regex nodes. Children always have smaller ids than their parents.
#[derive(Clone, Debug, Default)]
pub struct RegexPool {
    nodes: Vec<RegexNode>,
    /// Finds a node by its content.
    ids: HashTable<RegexId>,
}

impl RegexPool {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes held, about. O(nodes).
    pub fn heap_bytes(&self) -> usize {
        let owned = self.nodes.iter().map(RegexNode::heap_bytes);
        heap::list::<RegexNode>(self.nodes.capacity())
            + heap::table::<RegexId, ()>(self.ids.len())
            + owned.sum::<usize>()
    }

    /// The number of nodes.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The node of an id.
    pub fn node(&self, id: RegexId) -> &RegexNode {
        &self.nodes[id.0 as usize]
    }

    /// All nodes, children before parents.
    pub fn nodes(&self) -> &[RegexNode] {
        &self.nodes
    }

    /// Adds a node as it is, sharing an equal one.
    pub fn add(&mut self, node: RegexNode) -> RegexId {
        let nodes = &self.nodes;
        let hash = FxBuildHasher.hash_one(&node);
        if let Some(&id) = self.ids.find(hash, |id| nodes[id.0 as usize] == node) {
            return id;
        }
        let id = RegexId(nodes.len() as u32);
        let hash_of = |id: &RegexId| FxBuildHasher.hash_one(&nodes[id.0 as usize]);
        self.ids.insert_unique(hash, id, hash_of);
        self.nodes.push(node);
        id
    }

    /// Adds all nodes of another pool; tells the id that each has here. O(nodes of the other pool).
    pub fn add_all(&mut self, other: &RegexPool) -> Vec<RegexId> {
        let mut ids: Vec<RegexId> = Vec::with_capacity(other.len());
        for node in &other.nodes {
            let mut node = node.over(|id| ids[id.0 as usize]);
            // The parts of unions and intersections are sorted.
            if let RegexNode::Alt(parts) | RegexNode::And(parts) = &mut node {
                parts.sort_unstable();
            }
            let id = self.add(node);
            ids.push(id);
        }
        ids
    }

    /// Nothing.
    pub fn never(&mut self) -> RegexId {
        self.add(RegexNode::Never)
    }

    /// The empty string.
    pub fn empty(&mut self) -> RegexId {
        self.add(RegexNode::Empty)
    }

    /// The given bytes.
    pub fn bytes(&mut self, bytes: impl Into<Box<[u8]>>) -> RegexId {
        let bytes = bytes.into();
        self.add(if bytes.is_empty() {
            RegexNode::Empty
        } else {
            RegexNode::Bytes(bytes)
        })
    }

    /// One character out of the given ranges, in any order, overlapping or not.
    pub fn class(&mut self, ranges: impl IntoIterator<Item = (char, char)>) -> RegexId {
        let mut sorted: Vec<(char, char)> = ranges.into_iter().filter(|(a, b)| a <= b).collect();
        sorted.sort_unstable();
        let mut merged: Vec<(char, char)> = Vec::with_capacity(sorted.len());
        for (a, b) in sorted {
            match merged.last_mut() {
                Some(last)
                    if a as u32 <= last.1 as u32 + 1
                        || (last.1 == '\u{d7ff}' && a == '\u{e000}') =>
                {
                    last.1 = last.1.max(b);
                }
                _ => merged.push((a, b)),
            }
        }
        self.add(if merged.is_empty() {
            RegexNode::Never
        } else {
            RegexNode::Class(merged.into())
        })
    }

    /// Any character.
    pub fn any_char(&mut self) -> RegexId {
        self.class([('\0', char::MAX)])
    }

    /// Any text.
    pub fn any_text(&mut self) -> RegexId {
        let c = self.any_char();
        self.repeat(c, 0, None)
    }

    /// One after the other.
    pub fn concat(&mut self, parts: impl IntoIterator<Item = RegexId>) -> RegexId {
        let mut flat = Vec::new();
        for p in parts {
            match self.node(p) {
                RegexNode::Never => return p,
                RegexNode::Empty => {}
                _ => flat.push(p),
            }
        }
        match flat[..] {
            [] => self.empty(),
            [one] => one,
            _ => self.add(RegexNode::Concat(flat.into())),
        }
    }

    /// Any of them.
    pub fn alt(&mut self, parts: impl IntoIterator<Item = RegexId>) -> RegexId {
        let mut flat: Vec<RegexId> = parts
            .into_iter()
            .filter(|p| *self.node(*p) != RegexNode::Never)
            .collect();
        flat.sort_unstable();
        flat.dedup();
        match flat[..] {
            [] => self.never(),
            [one] => one,
            _ => self.add(RegexNode::Alt(flat.into())),
        }
    }

    /// All of them at once; of none, any text.
    pub fn and(&mut self, parts: impl IntoIterator<Item = RegexId>) -> RegexId {
        let mut flat: Vec<RegexId> = parts.into_iter().collect();
        flat.sort_unstable();
        flat.dedup();
        if let Some(&never) = flat.iter().find(|p| *self.node(**p) == RegexNode::Never) {
            return never;
        }
        match flat[..] {
            [] => self.any_text(),
            [one] => one,
            _ => self.add(RegexNode::And(flat.into())),
        }
    }

    /// Valid text that `node` does not match.
    pub fn not(&mut self, node: RegexId) -> RegexId {
        match *self.node(node) {
            RegexNode::Never => self.any_text(),
            _ => self.add(RegexNode::Not(node)),
        }
    }

    /// From `min` to `max` copies.
    pub fn repeat(&mut self, node: RegexId, min: u32, max: Option<u32>) -> RegexId {
        if max.is_some_and(|max| max < min) {
            return self.never();
        }
        match (self.node(node), min, max) {
            (_, 0, Some(0)) | (RegexNode::Empty, _, _) => self.empty(),
            (RegexNode::Never, 0, _) => self.empty(),
            (RegexNode::Never, _, _) => node,
            (_, 1, Some(1)) => node,
            _ => self.add(RegexNode::Repeat { node, min, max }),
        }
    }

    /// One of these byte strings.
    pub fn literals(&mut self, strings: impl IntoIterator<Item = Box<[u8]>>) -> RegexId {
        let mut all: Vec<Box<[u8]>> = strings.into_iter().collect();
        all.sort_unstable();
        all.dedup();
        match all.len() {
            0 => self.never(),
            1 => {
                let one = all.swap_remove(0);
                self.bytes(one)
            }
            _ => self.add(RegexNode::Literals(all.into())),
        }
    }

    /// What `node` matches, without the texts of which it matches a proper beginning already.
    pub fn lazy(&mut self, node: RegexId) -> RegexId {
        let one = self.add(RegexNode::ByteClass(Box::new([(0, 255)])));
        let some = self.repeat(one, 1, None);
        let longer = self.concat([node, some]);
        let shortest = self.not(longer);
        self.and([node, shortest])
    }

    /// All JSON spellings, quotes included, of the strings that `value` matches.
    pub fn json_string(&mut self, value: RegexId) -> RegexId {
        match self.node(value) {
            RegexNode::Never => value,
            _ => self.add(RegexNode::JsonString(value)),
        }
    }
}
