//! [`Schema`]: a graph of boolean combinations of single-type assertions.

use crate::{RegexId, RegexPool};
use maskwright_tables::heap;
use std::fmt;

/// A node of a [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// A set of JSON types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Types(pub u8);

impl Types {
    /// `null`.
    pub const NULL: Types = Types(1);
    /// `false`.
    pub const FALSE: Types = Types(2);
    /// `true`.
    pub const TRUE: Types = Types(4);
    /// Numbers, integers included.
    pub const NUMBER: Types = Types(8);
    /// Strings.
    pub const STRING: Types = Types(16);
    /// Arrays.
    pub const ARRAY: Types = Types(32);
    /// Objects.
    pub const OBJECT: Types = Types(64);
    /// Every type.
    pub const ALL: Types = Types(127);

    /// Whether every type of `other` is in the set.
    pub const fn contains(self, other: Types) -> bool {
        self.0 & other.0 == other.0
    }

    /// The union.
    #[must_use]
    pub const fn union(self, other: Types) -> Types {
        Types(self.0 | other.0)
    }
}

/// An exact decimal number: `(-1)^negative * digits * 10^exponent`.
///
/// Normal form: `digits` has no leading and no trailing zeros and holds values 0 to 9, most
/// significant first; zero has no digits, exponent 0 and is not negative.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Decimal {
    /// Whether the number is below zero.
    pub negative: bool,
    /// The digits, each 0 to 9, most significant first.
    pub digits: Box<[u8]>,
    /// The power of ten of the last digit.
    pub exponent: i64,
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.negative {
            f.write_str("-")?;
        }
        for d in &self.digits {
            write!(f, "{d}")?;
        }
        if self.digits.is_empty() {
            f.write_str("0")?;
        }
        if self.exponent != 0 {
            write!(f, "e{}", self.exponent)?;
        }
        Ok(())
    }
}

/// An assertion about numbers, true of everything else.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct NumberNode {
    /// Lower bound and whether it is exclusive.
    pub min: Option<(Decimal, bool)>,
    /// Upper bound and whether it is exclusive.
    pub max: Option<(Decimal, bool)>,
    /// The number must be an integral multiple of this one (positive). `1` means integer.
    pub multiple_of: Option<Decimal>,
    /// The number must be written without a fraction and without an exponent: what draft 4 calls an
    /// integer. The only assertion that looks at the spelling and not at the value.
    pub written_whole: bool,
}

/// An assertion about objects, true of everything else.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct ObjectNode {
    /// Declared properties in the order of the schema text.
    pub properties: Vec<(Box<str>, NodeId)>,
    /// What members must be whose name, as text, is matched by the regex (already "searched").
    pub patterns: Vec<(RegexId, NodeId)>,
    /// What members must be that neither `properties` nor `patterns` name; `None` is anything.
    pub additional: Option<NodeId>,
    /// What every name must match, as text.
    pub names: Option<RegexId>,
    /// Names that must be present.
    pub required: Vec<Box<str>>,
    /// The fewest members.
    pub min: u64,
    /// The most members.
    pub max: Option<u64>,
}

/// An assertion about arrays, true of everything else.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct ArrayNode {
    /// What the first elements must be, one by one.
    pub prefix: Vec<NodeId>,
    /// What the elements after the prefix must be; `None` is anything.
    pub items: Option<NodeId>,
    /// The fewest elements.
    pub min: u64,
    /// The most elements.
    pub max: Option<u64>,
    /// `(schema, at least, at most)`: how many elements the schema must match.
    pub contains: Option<(NodeId, u64, Option<u64>)>,
    /// Whether no two elements may be equal.
    pub unique: bool,
}

/// A node of the graph.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// All of them; of none: anything.
    All(Vec<NodeId>),
    /// At least one of them; of none: nothing.
    Any(Vec<NodeId>),
    /// Exactly one of them.
    One(Vec<NodeId>),
    /// Not this one.
    Not(NodeId),
    /// The value has one of these types.
    Types(Types),
    /// About numbers.
    Number(NumberNode),
    /// About strings: the value, as text, is matched by the regex. True of everything else.
    String(RegexId),
    /// About arrays.
    Array(ArrayNode),
    /// About objects.
    Object(ObjectNode),
}

/// A schema as a graph. Edges may form cycles (recursive schemas), but never a cycle of boolean
/// nodes alone: the front end refuses a schema that refers to itself without consuming anything.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// For each node the JSON pointer of the schema it comes from.
    pub pointers: Vec<Box<str>>,
    /// The node that documents must match.
    pub root: Option<NodeId>,
    /// The regexes of strings and property names, over their text (not over JSON spellings).
    pub regexes: RegexPool,
}

impl Schema {
    /// Bytes held, about. O(nodes).
    pub fn heap_bytes(&self) -> usize {
        let names = |names: &[Box<str>]| {
            let each = names.iter().map(|n| heap::allocation(n.len()));
            each.sum::<usize>()
        };
        let owned = self.nodes.iter().map(|node| match node {
            Node::All(parts) | Node::Any(parts) | Node::One(parts) => {
                heap::list::<NodeId>(parts.capacity())
            }
            Node::Number(n) => {
                let ends = [&n.min, &n.max].into_iter().flatten().map(|b| &b.0);
                let all = ends.chain(&n.multiple_of);
                all.map(|n| heap::allocation(n.digits.len())).sum()
            }
            Node::Array(array) => heap::list::<NodeId>(array.prefix.capacity()),
            Node::Object(object) => {
                let declared = object.properties.iter();
                let declared = declared.map(|(name, _)| heap::allocation(name.len()));
                heap::list::<(Box<str>, NodeId)>(object.properties.capacity())
                    + heap::list::<(RegexId, NodeId)>(object.patterns.capacity())
                    + heap::list::<Box<str>>(object.required.capacity())
                    + declared.sum::<usize>()
                    + names(&object.required)
            }
            Node::Not(_) | Node::Types(_) | Node::String(_) => 0,
        });
        heap::list::<Node>(self.nodes.capacity())
            + heap::list::<Box<str>>(self.pointers.capacity())
            + owned.sum::<usize>()
            + names(&self.pointers)
            + self.regexes.heap_bytes()
    }

    /// The node of an id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0 as usize]
    }
}
