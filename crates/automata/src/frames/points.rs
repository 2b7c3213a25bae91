//! Single values, and formulas that only a few values satisfy.

use super::core::Core;
use super::form::{Form, FormId, Leaf};
use super::lower::TYPES;
use crate::number::NumberSet;
use maskwright_grammar::RegexNode;
use maskwright_grammar::json_schema::{Decimal, Node, NodeId, Types};
use maskwright_tables::LimitError;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;

/// A scalar value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Point {
    Literal(Types),
    String(Box<[u8]>),
    Number(Decimal),
}

impl Point {
    fn ty(&self) -> Types {
        match self {
            Point::Literal(ty) => *ty,
            Point::String(_) => Types::STRING,
            Point::Number(_) => Types::NUMBER,
        }
    }
}

/// What an element can be whose array asks for distinct ones.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Values that are counted in the state.
    pub points: Vec<Point>,
    /// Whether there are scalars beyond those: infinitely many.
    pub scalars: bool,
    /// What it is as an array and as an object, where it can be one.
    pub composites: Vec<(Types, FormId)>,
}

/// The most points of one formula.
pub(super) const MAX_POINTS: usize = 256;

impl Core {
    /// All values that satisfy a formula, where it is plainly a list of scalars.
    pub fn points(&mut self, form: FormId) -> Result<Option<Vec<Point>>, LimitError> {
        let mut points = Vec::new();
        for ty in TYPES {
            let typed = self.typed(form, ty)?;
            match ty {
                _ if typed == FormId::FALSE => {}
                Types::NULL | Types::TRUE | Types::FALSE => points.push(Point::Literal(ty)),
                Types::STRING => {
                    let Some(Leaf::String(r)) = self.forms.as_leaf(typed) else {
                        return Ok(None);
                    };
                    match self.schema.regexes.node(r) {
                        RegexNode::Empty => points.push(Point::String(Box::default())),
                        RegexNode::Bytes(b) => points.push(Point::String(b.clone())),
                        RegexNode::Literals(set) => {
                            points.extend(set.iter().cloned().map(Point::String))
                        }
                        _ => return Ok(None),
                    }
                }
                Types::NUMBER => {
                    let single = [typed];
                    let leaves = match self.forms.get(typed) {
                        Form::Or(p) => p,
                        _ => &single[..],
                    };
                    for x in leaves {
                        let Some(Leaf::Number(n)) = self.forms.as_leaf(*x) else {
                            return Ok(None);
                        };
                        let set = self.number_set(n);
                        if set.depends_on_spelling() {
                            return Ok(None);
                        }
                        let Some(all) = set.members(MAX_POINTS) else {
                            return Ok(None);
                        };
                        points.extend(all.into_iter().map(Point::Number));
                    }
                }
                _ => return Ok(None),
            }
        }
        self.spend(points.len() as u64)?;
        Ok(Some(points))
    }

    /// Whether a number can satisfy a formula in one spelling and not in another.
    pub fn depends_on_spelling(&mut self, form: FormId) -> Result<bool, LimitError> {
        let typed = self.typed(form, Types::NUMBER)?;
        let leaves = self.forms.leaves(&[typed]);
        self.spend(leaves.len() as u64)?;
        Ok(leaves.iter().any(|(_, leaf)| match leaf {
            Leaf::Number(n) => self.number_set(*n).depends_on_spelling(),
            _ => false,
        }))
    }

    /// Whether a value satisfies a formula over nodes, which does not depend on its spelling.
    pub fn holds_for(&mut self, form: FormId, point: &Point) -> Result<bool, LimitError> {
        let typed = self.typed(form, point.ty())?;
        let mut truth: FxHashMap<Leaf, bool> = FxHashMap::default();
        for (_, leaf) in self.forms.leaves(&[typed]) {
            self.spend(1)?;
            let holds = match (leaf, point) {
                (Leaf::String(r), Point::String(text)) => {
                    let mut e = self.regex(r)?;
                    for &byte in text {
                        e = self.lexicon.derive(e, byte)?;
                    }
                    self.lexicon.is_nullable(e)
                }
                (Leaf::Number(n), Point::Number(value)) => self.number_set(n).contains(value),
                _ => true,
            };
            truth.insert(leaf, holds);
        }
        Ok(self
            .forms
            .eval(&[typed], |leaf| truth.get(&leaf).copied().unwrap_or(true))[0])
    }

    /// A list of strings that contains all that satisfy a formula of their type, if a short one is
    /// plain to see.
    fn some_strings(&self, root: FormId) -> Option<BTreeSet<Box<[u8]>>> {
        let mut done: FxHashMap<FormId, Option<BTreeSet<Box<[u8]>>>> = FxHashMap::default();
        for x in self.forms.below(&[root]) {
            let parts = || {
                self.forms
                    .children(x)
                    .iter()
                    .map(|y| done.get(y).cloned().flatten())
            };
            let set = match self.forms.get(x) {
                Form::False => Some(BTreeSet::new()),
                Form::Leaf(Leaf::String(r)) => {
                    super::finite::finite_strings(&self.schema.regexes, *r, MAX_POINTS)
                        .map(|all| all.into_iter().collect())
                }
                Form::And(_) => parts().flatten().min_by_key(BTreeSet::len),
                Form::Or(_) | Form::One(_) => parts().try_fold(BTreeSet::new(), |mut all, part| {
                    all.extend(part?);
                    Some(all)
                }),
                _ => None,
            };
            done.insert(x, set);
        }
        done.remove(&root)
            .flatten()
            .filter(|set| set.len() <= MAX_POINTS)
    }

    /// The same for numbers.
    fn some_numbers(&self, root: FormId) -> Option<Vec<Decimal>> {
        let mut done: FxHashMap<FormId, Option<Vec<Decimal>>> = FxHashMap::default();
        for x in self.forms.below(&[root]) {
            let parts = || {
                self.forms
                    .children(x)
                    .iter()
                    .map(|y| done.get(y).cloned().flatten())
            };
            let set = match self.forms.get(x) {
                Form::False => Some(Vec::new()),
                Form::Leaf(Leaf::Number(n)) => self.number_set(*n).members(MAX_POINTS),
                Form::And(p) => {
                    let leaves = p.iter().filter_map(|y| match self.forms.as_leaf(*y) {
                        Some(Leaf::Number(n)) => Some(self.number_set(n)),
                        _ => None,
                    });
                    let all = leaves
                        .into_iter()
                        .try_fold(NumberSet::default(), |a, b| a.intersect(&b));
                    let all = all.ok().and_then(|set| set.members(MAX_POINTS));
                    all.or_else(|| parts().flatten().min_by_key(Vec::len))
                }
                Form::Or(_) | Form::One(_) => parts().try_fold(Vec::new(), |mut all, part| {
                    all.extend(part?);
                    Some(all)
                }),
                _ => None,
            };
            done.insert(x, set);
        }
        done.remove(&root)
            .flatten()
            .filter(|set| set.len() <= MAX_POINTS)
    }

    /// Splits what an element of a `uniqueItems` array can be.
    pub fn distinct_parts(&mut self, form: FormId) -> Result<Parts, LimitError> {
        let mut parts = Parts::default();
        for ty in TYPES {
            let typed = self.typed(form, ty)?;
            match ty {
                _ if typed == FormId::FALSE => {}
                Types::NULL | Types::TRUE | Types::FALSE => parts.points.push(Point::Literal(ty)),
                Types::STRING => match self.some_strings(typed) {
                    Some(set) => parts.points.extend(set.into_iter().map(Point::String)),
                    None => parts.scalars = true,
                },
                Types::NUMBER => match self.some_numbers(typed) {
                    Some(set) => parts.points.extend(set.into_iter().map(Point::Number)),
                    None => parts.scalars = true,
                },
                _ => parts.composites.push((ty, typed)),
            }
        }
        self.spend(parts.points.len() as u64)?;
        Ok(parts)
    }

    /// Whether a formula about strings or numbers is satisfied by values out of a short list only.
    pub fn is_short_list(&self, typed: FormId, ty: Types) -> bool {
        match ty {
            Types::STRING => self.some_strings(typed).is_some(),
            _ => self.some_numbers(typed).is_some(),
        }
    }

    /// A new node that only one value satisfies.
    pub fn point_node(&mut self, point: &Point, like: NodeId) -> NodeId {
        let assertion = match point {
            Point::Literal(ty) => Node::Types(*ty),
            Point::String(text) => Node::String(self.schema.regexes.bytes(text.clone())),
            Point::Number(n) => Node::Number(NumberSet::point(n.clone())),
        };
        let content = self.new_node(assertion, like);
        let ty = self.new_node(Node::Types(point.ty()), like);
        self.new_node(Node::All(vec![ty, content]), like)
    }

    /// A node that stands where another came from.
    pub fn new_node(&mut self, node: Node, like: NodeId) -> NodeId {
        let id = NodeId(self.schema.nodes.len() as u32);
        self.schema.nodes.push(node);
        let pointer = self
            .schema
            .pointers
            .get(like.0 as usize)
            .cloned()
            .unwrap_or_default();
        self.schema.pointers.push(pointer);
        id
    }
}
