//! Which alternatives exclude each other, as far as their nodes plainly show it.
//!
//! *Exactly one* of alternatives that exclude each other is the same as *any* of them, and costs far
//! less: a count of the alternatives that hold need not be kept. Most `oneOf`s are such: their
//! branches are of different types, or objects whose tag (a required member) has different values,
//! or closed objects of which one requires a name that the other does not know.
//!
//! What is gathered about a node holds of every value that satisfies it; about what is not plain
//! nothing is said. So the answer "they exclude each other" is always right, and "perhaps not" is
//! only slower.

use super::core::Core;
use super::finite::finite_strings;
use super::points::{MAX_POINTS, Point};
use super::size::Owned;
use maskwright_grammar::json_schema::{Decimal, Node, NodeId, ObjectNode, Types};
use maskwright_tables::{LimitError, heap};
use rustc_hash::FxHashSet;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What holds of all values of a node, members left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scalars {
    types: Types,
    /// The strings among the values are among these.
    strings: Option<BTreeSet<Box<[u8]>>>,
    /// The numbers among the values are among these.
    numbers: Option<Vec<Decimal>>,
}

/// What holds of all values of a node.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    scalars: Arc<Scalars>,
    /// Names that every object has.
    required: BTreeSet<Box<str>>,
    /// What members are, where that is a short list.
    members: BTreeMap<Box<str>, Arc<Scalars>>,
    /// Objects have no other names than these.
    names: Option<BTreeSet<Box<str>>>,
    /// Names that no object has.
    absent: BTreeSet<Box<str>>,
}

/// About what a value of an ordered set takes, with its share of the nodes of the set.
fn of_set<'a, T: AsRef<[u8]> + ?Sized + 'a>(texts: impl Iterator<Item = &'a T>) -> usize {
    texts.map(|t| 24 + heap::allocation(t.as_ref().len())).sum()
}

impl Owned for Scalars {
    fn owned(&self) -> usize {
        let strings = self.strings.iter().flatten();
        let numbers = self.numbers.iter().flatten();
        heap::allocation(size_of::<Scalars>() + 16)
            + of_set(strings.map(|s| &**s))
            + numbers
                .map(|n| size_of::<Decimal>() + heap::allocation(n.digits.len()))
                .sum::<usize>()
    }
}

impl Owned for Facts {
    fn owned(&self) -> usize {
        let names = self.names.iter().flatten();
        let members = self.members.keys();
        let all = self.required.iter().chain(names).chain(members);
        heap::allocation(size_of::<Facts>() + 16) + of_set(all.chain(&self.absent).map(|s| &**s))
    }
}

/// The most alternatives that are compared two by two.
const MAX_PAIRWISE: usize = 48;

impl Scalars {
    fn anything() -> Self {
        Scalars {
            types: Types::ALL,
            strings: None,
            numbers: None,
        }
    }

    fn has(&self, ty: Types) -> bool {
        self.types.contains(ty)
    }

    fn and(&mut self, other: &Scalars) {
        self.types = Types(self.types.0 & other.types.0);
        match (&mut self.strings, &other.strings) {
            (Some(a), Some(b)) => a.retain(|s| b.contains(s)),
            (a @ None, b) => *a = b.clone(),
            _ => {}
        }
        match (&mut self.numbers, &other.numbers) {
            (Some(a), Some(b)) => a.retain(|n| b.contains(n)),
            (a @ None, b) => *a = b.clone(),
            _ => {}
        }
    }

    fn or(&mut self, other: &Scalars) {
        if other.has(Types::STRING) {
            match (&mut self.strings, &other.strings) {
                (Some(a), Some(b)) if self.types.contains(Types::STRING) => {
                    a.extend(b.iter().cloned());
                }
                (a, b) if !self.types.contains(Types::STRING) => *a = b.clone(),
                (a, _) => *a = None,
            }
        }
        if other.has(Types::NUMBER) {
            match (&mut self.numbers, &other.numbers) {
                (Some(a), Some(b)) if self.types.contains(Types::NUMBER) => {
                    a.extend(b.iter().cloned());
                }
                (a, b) if !self.types.contains(Types::NUMBER) => *a = b.clone(),
                (a, _) => *a = None,
            }
        }
        self.types = self.types.union(other.types);
    }

    /// The values, where they are listed.
    fn points(&self) -> Option<Vec<Point>> {
        if self.has(Types::ARRAY) || self.has(Types::OBJECT) {
            return None;
        }
        let mut points = Vec::new();
        for ty in [Types::NULL, Types::TRUE, Types::FALSE] {
            if self.has(ty) {
                points.push(Point::Literal(ty));
            }
        }
        if self.has(Types::STRING) {
            points.extend(self.strings.as_ref()?.iter().cloned().map(Point::String));
        }
        if self.has(Types::NUMBER) {
            let mut numbers = self.numbers.clone()?;
            numbers.sort_unstable();
            numbers.dedup();
            points.extend(numbers.into_iter().map(Point::Number));
        }
        Some(points)
    }

    /// Whether no value but an object is one of both.
    fn excludes_but_for_objects(&self, other: &Scalars) -> bool {
        let both = Types(self.types.0 & other.types.0);
        let apart = |ty: Types| match ty {
            Types::OBJECT => true,
            Types::STRING => match (&self.strings, &other.strings) {
                (Some(a), Some(b)) => a.is_disjoint(b),
                _ => false,
            },
            Types::NUMBER => match (&self.numbers, &other.numbers) {
                (Some(a), Some(b)) => !a.iter().any(|n| b.contains(n)),
                _ => false,
            },
            _ => false,
        };
        super::lower::TYPES
            .into_iter()
            .all(|ty| !both.contains(ty) || apart(ty))
    }
}

impl Facts {
    fn anything() -> Self {
        Facts {
            scalars: Arc::new(Scalars::anything()),
            required: BTreeSet::new(),
            members: BTreeMap::new(),
            names: None,
            absent: BTreeSet::new(),
        }
    }

    fn is_object(&self) -> bool {
        self.scalars.has(Types::OBJECT)
    }

    fn and(&mut self, other: &Facts) {
        Arc::make_mut(&mut self.scalars).and(&other.scalars);
        self.required.extend(other.required.iter().cloned());
        self.absent.extend(other.absent.iter().cloned());
        for (name, value) in &other.members {
            match self.members.get_mut(name) {
                Some(own) => Arc::make_mut(own).and(value),
                None => {
                    self.members.insert(name.clone(), value.clone());
                }
            }
        }
        match (&mut self.names, &other.names) {
            (Some(a), Some(b)) => a.retain(|n| b.contains(n)),
            (a @ None, b) => *a = b.clone(),
            _ => {}
        }
    }

    fn or(&mut self, other: &Facts) {
        if other.is_object() && !self.is_object() {
            let scalars = self.scalars.clone();
            *self = other.clone();
            Arc::make_mut(&mut self.scalars).or(&scalars);
            return;
        }
        if other.is_object() {
            self.required.retain(|n| other.required.contains(n));
            self.absent.retain(|n| other.absent.contains(n));
            self.members.retain(|n, _| other.members.contains_key(n));
            for (name, value) in &mut self.members {
                Arc::make_mut(value).or(&other.members[name]);
            }
            match (&mut self.names, &other.names) {
                (Some(a), Some(b)) => a.extend(b.iter().cloned()),
                (a, _) => *a = None,
            }
        }
        Arc::make_mut(&mut self.scalars).or(&other.scalars);
    }

    /// Whether one value of this requires a name that the other has not.
    fn requires_more(&self, other: &Facts) -> bool {
        let missing = |names: &BTreeSet<Box<str>>| self.required.iter().any(|n| !names.contains(n));
        other.names.as_ref().is_some_and(missing) || !self.required.is_disjoint(&other.absent)
    }

    fn excludes(&self, other: &Facts) -> bool {
        if !self.scalars.excludes_but_for_objects(&other.scalars) {
            return false;
        }
        if !self.is_object() || !other.is_object() {
            return true;
        }
        let tagged = self.required.iter().any(|name| {
            let tags = (self.members.get(name), other.members.get(name));
            matches!(tags, (Some(a), Some(b))
                if other.required.contains(name)
                    && a.excludes_but_for_objects(b)
                    && !(a.has(Types::OBJECT) && b.has(Types::OBJECT)))
        });
        tagged || self.requires_more(other) || other.requires_more(self)
    }
}

impl Core {
    /// Whether no value satisfies two of the nodes, for all that is plain to see.
    pub fn exclude_each_other(&mut self, nodes: &[NodeId]) -> Result<bool, LimitError> {
        let mut all = Vec::with_capacity(nodes.len());
        for node in nodes {
            all.push(self.facts(*node)?);
        }
        if self.tags_differ(&all)? {
            return Ok(true);
        }
        if all.len() > MAX_PAIRWISE {
            return Ok(false);
        }
        for (i, a) in all.iter().enumerate() {
            for b in &all[..i] {
                self.spend(1 + a.required.len() as u64)?;
                if !a.excludes(b) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Whether all are objects with a common tag. Linear, unlike comparing them two by two.
    fn tags_differ(&mut self, all: &[Arc<Facts>]) -> Result<bool, LimitError> {
        let Some((first, rest)) = all.split_first() else {
            return Ok(false);
        };
        if all.iter().any(|f| f.scalars.types != Types::OBJECT) {
            return Ok(false);
        }
        'name: for name in &first.required {
            self.spend(all.len() as u64)?;
            let common = |f: &Arc<Facts>| f.required.contains(name) && f.members.contains_key(name);
            if !common(first) || !rest.iter().all(common) {
                continue;
            }
            let mut seen: FxHashSet<Point> = FxHashSet::default();
            for facts in all {
                let Some(points) = facts.members[name].points() else {
                    continue 'name;
                };
                self.spend(points.len() as u64)?;
                if !points.into_iter().all(|p| seen.insert(p)) {
                    continue 'name;
                }
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// The name, if all that a node asks of objects is that they have it.
    fn only_required(&self, node: NodeId) -> Option<Box<str>> {
        let all = [node];
        let parts = match self.schema.node(node) {
            Node::All(parts) => parts,
            _ => &all[..],
        };
        let mut only = None;
        for part in parts {
            match self.schema.node(*part) {
                Node::Types(types) if types.contains(Types::OBJECT) => {}
                Node::Object(o) if only.is_none() => {
                    let plain = ObjectNode {
                        required: o.required.clone(),
                        ..ObjectNode::default()
                    };
                    match &o.required[..] {
                        [name] if *o == plain => only = Some(name.clone()),
                        _ => return None,
                    }
                }
                _ => return None,
            }
        }
        only
    }

    /// What holds of all values of a node, its members left out.
    fn scalars(&mut self, root: NodeId) -> Result<Arc<Scalars>, LimitError> {
        let mut stack = vec![root];
        while let Some(&id) = stack.last() {
            if self.scalars.contains_key(&id) {
                stack.pop();
                continue;
            }
            let node = self.schema.node(id);
            let parts: &[NodeId] = match node {
                Node::All(p) | Node::Any(p) | Node::One(p) => p,
                _ => &[],
            };
            let before = stack.len();
            stack.extend(parts.iter().filter(|p| !self.scalars.contains_key(p)));
            let spent = 1 + parts.len() as u64;
            if stack.len() > before {
                self.spend(spent)?;
                continue;
            }
            let mut scalars = Scalars::anything();
            match node {
                Node::All(p) => p.iter().for_each(|n| scalars.and(&self.scalars[n])),
                Node::Any(p) | Node::One(p) => {
                    scalars.types = Types(0);
                    p.iter().for_each(|n| scalars.or(&self.scalars[n]));
                }
                Node::Types(types) => scalars.types = *types,
                Node::String(r) => {
                    scalars.strings = finite_strings(&self.schema.regexes, *r, MAX_POINTS)
                        .map(|all| all.into_iter().collect());
                }
                Node::Number(_) => scalars.numbers = self.number_set(id).members(MAX_POINTS),
                Node::Not(_) | Node::Array(_) | Node::Object(_) => {}
            }
            self.spend(spent)?;
            self.owned += scalars.owned();
            self.scalars.insert(id, Arc::new(scalars));
            stack.pop();
        }
        Ok(self.scalars[&root].clone())
    }

    /// What holds of all values of a node.
    fn facts(&mut self, root: NodeId) -> Result<Arc<Facts>, LimitError> {
        let mut stack = vec![root];
        while let Some(&id) = stack.last() {
            if self.facts.contains_key(&id) {
                stack.pop();
                continue;
            }
            let node = self.schema.node(id).clone();
            let parts: &[NodeId] = match &node {
                Node::All(p) | Node::Any(p) | Node::One(p) => p,
                _ => &[],
            };
            let before = stack.len();
            stack.extend(parts.iter().filter(|p| !self.facts.contains_key(p)));
            self.spend(1 + parts.len() as u64)?;
            if stack.len() > before {
                continue;
            }
            let mut facts = Facts::anything();
            match &node {
                Node::All(p) => {
                    for n in p {
                        facts.and(&self.facts[n]);
                    }
                }
                Node::Any(p) | Node::One(p) => {
                    Arc::make_mut(&mut facts.scalars).types = Types(0);
                    for n in p {
                        facts.or(&self.facts[n]);
                    }
                }
                Node::Object(o) => {
                    self.spend((o.properties.len() + o.required.len()) as u64)?;
                    facts.required = o.required.iter().cloned().collect();
                    for (name, node) in &o.properties {
                        let value = self.scalars(*node)?;
                        if value.types == Types(0) {
                            facts.absent.insert(name.clone());
                        } else if value.points().is_some_and(|p| p.len() <= MAX_POINTS) {
                            facts.members.insert(name.clone(), value);
                        }
                    }
                    if o.patterns.is_empty() && o.additional.is_some_and(|n| self.is_false(n)) {
                        facts.names = Some(o.properties.iter().map(|p| p.0.clone()).collect());
                    }
                }
                Node::Not(inner) => facts.absent.extend(self.only_required(*inner)),
                _ => facts.scalars = self.scalars(id)?,
            }
            self.owned += facts.owned();
            self.facts.insert(id, Arc::new(facts));
            stack.pop();
        }
        Ok(self.facts[&root].clone())
    }
}
