//! Arrays whose elements must differ.
//!
//! What an element can be is split in three. Scalars out of a short list are counted in the state: each
//! may be contained at most once, so that the array ends or is refused when they run out. Other scalars
//! are left to the matcher ([`Core::must_differ`]), which compares values; there are infinitely many, so
//! a new one always exists. Arrays and objects are left to the matcher too, which records them
//! ([`Core::part`]). Where there may be finitely many of those ([`Core::runs_out`]) the matcher has to
//! look for one that is new, and the array must be able to end before each element.
//!
//! What is asked for in some alternatives only is two frames in parallel, one whose elements must differ
//! in any case and one of which nothing of the kind is claimed ([`Core::either_way`]). That is exact where
//! the claim can only help; where it can also harm (under `not`, or beside alternatives of which exactly
//! one must hold) it is refused, unless all elements are counted.
//!
//! Which scalars are counted depends on all that is asked of the elements, not on the array node that
//! asks for distinct ones alone: `{"items": {"type": "boolean"}}` can stand beside it in an `allOf`. So a
//! frame is given its counters when it opens ([`Core::counted_once`]).

use super::core::{Core, Key, Place};
use super::form::{FormId, Leaf};
use super::goal::GoalId;
use super::points::{MAX_POINTS, Point};
use super::{Kind, Slot, label};
use maskwright_grammar::json_schema::{ArrayNode, Node, NodeId, Types};
use maskwright_grammar::{Diagnostic, Place as SourcePlace};
use maskwright_tables::{LimitError, Part, Symbol};
use rustc_hash::FxHashSet;
use smallvec::SmallVec;

/// How the `uniqueItems` of one array node is enforced.
#[derive(Clone, Debug, Default)]
pub(super) struct Unique {
    /// Array nodes that each say that one value is contained at most once; none if the matcher compares.
    pub at_most_once: Vec<NodeId>,
    /// Whether the matcher has to compare values.
    pub compare: bool,
    /// Whether these can be arrays or objects, as far as the node itself tells.
    pub records: bool,
}

/// Whether new elements are always there where elements must differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Supply {
    /// They are.
    Endless,
    /// Not of arrays and objects, but the array may end before each.
    Enough,
    /// Not of arrays and objects, and the array may have to go on.
    Short,
}

/// The most formulas that decide together which of the elements are counted.
const MAX_ATOMS: usize = 6;

/// What is said of a claim that could count against the whole.
const IN_SOME: &str =
    "distinct elements that can count against a document, under `not` or in a `oneOf`,";

/// What is said of elements that run out.
const RUN_OUT: &str = "distinct arrays or objects that may run out before the array may end";

impl Core {
    /// Decides for each array with `uniqueItems` how it is enforced.
    pub fn plan_unique(&mut self) -> Result<(), Diagnostic> {
        let asks = |core: &Core, n: NodeId| match core.schema.node(n) {
            Node::Array(a) => a.unique && a.max.is_none_or(|max| max > 1),
            _ => false,
        };
        let nodes = 0..self.schema.nodes.len() as u32;
        let arrays: Vec<NodeId> = nodes.map(NodeId).filter(|n| asks(self, *n)).collect();
        let mut certain = true;
        for id in arrays {
            let plan = self.plan_array(id);
            let plan = plan.map_err(|e| Diagnostic::limit(e, self.place_of(id)))?;
            certain &= !plan.compare;
            self.unique.insert(id, plan);
        }
        // What was asked of arrays while not all plans were there lacks their part: an array whose
        // elements can be arrays of the same kind was looked at before it had a plan itself.
        self.typed.clear();
        if certain {
            return Ok(());
        }
        self.contrary = self.contrary_nodes();
        for id in self.value_nodes() {
            let form = self.node_form(id);
            let typed = self.typed(form, Types::ARRAY);
            let typed = typed.map_err(|e| Diagnostic::limit(e, self.place_of(id)))?;
            for (x, leaf) in self.forms.leaves(&[typed]) {
                let Leaf::Unique(array) = leaf else { continue };
                let term = self.forms.as_term(typed).unwrap_or_default();
                let total = match term.contains(&(x, true)) {
                    true => typed,
                    false if self.contrary.contains(&array) => {
                        return Err(self.unsupported(array, IN_SOME));
                    }
                    false => self.claimed(&[typed], true)[0],
                };
                let supply = self.runs_out(total, 0);
                if supply.map_err(|e| Diagnostic::limit(e, self.place_of(id)))? == Supply::Short {
                    return Err(self.unsupported(array, RUN_OUT));
                }
            }
        }
        Ok(())
    }

    /// The nodes of which it can count against the whole that they hold.
    fn contrary_nodes(&self) -> FxHashSet<NodeId> {
        let mut seen: FxHashSet<(NodeId, bool)> = FxHashSet::default();
        let mut stack: Vec<(NodeId, bool)> =
            self.schema.root.map(|r| (r, true)).into_iter().collect();
        while let Some((id, helps)) = stack.pop() {
            if !seen.insert((id, helps)) {
                continue;
            }
            match self.schema.node(id) {
                Node::All(p) | Node::Any(p) => stack.extend(p.iter().map(|n| (*n, helps))),
                Node::One(p) => {
                    stack.extend(p.iter().flat_map(|n| [(*n, true), (*n, false)]));
                }
                Node::Not(n) => stack.push((*n, !helps)),
                Node::Object(o) => {
                    let named = o.properties.iter().map(|p| p.1);
                    let matched = o.patterns.iter().map(|p| p.1);
                    let all = named.chain(matched).chain(o.additional);
                    stack.extend(all.map(|n| (n, helps)));
                }
                Node::Array(a) => {
                    let all = a.prefix.iter().copied().chain(a.items);
                    stack.extend(all.map(|n| (n, helps)));
                    if let Some((n, least, most)) = a.contains {
                        // More that match help towards the least number and harm towards the most.
                        if least > 0 {
                            stack.push((n, helps));
                        }
                        if most.is_some() {
                            stack.push((n, !helps));
                        }
                    }
                }
                Node::Types(_) | Node::Number(_) | Node::String(_) => {}
            }
        }
        seen.retain(|(_, helps)| !helps);
        seen.into_iter().map(|(id, _)| id).collect()
    }

    /// The nodes that stand for whole values: the root, members and elements.
    fn value_nodes(&self) -> Vec<NodeId> {
        let mut values: Vec<NodeId> = Vec::new();
        let mut seen = vec![[false; 2]; self.schema.nodes.len()];
        let mut stack: Vec<(NodeId, bool)> =
            self.schema.root.map(|r| (r, true)).into_iter().collect();
        while let Some((id, value)) = stack.pop() {
            if std::mem::replace(&mut seen[id.0 as usize][usize::from(value)], true) {
                continue;
            }
            if value {
                values.push(id);
            }
            match self.schema.node(id) {
                Node::All(p) | Node::Any(p) | Node::One(p) => {
                    stack.extend(p.iter().map(|n| (*n, false)));
                }
                Node::Not(n) => stack.push((*n, false)),
                Node::Object(o) => {
                    let named = o.properties.iter().map(|p| p.1);
                    let matched = o.patterns.iter().map(|p| p.1);
                    stack.extend(named.chain(matched).chain(o.additional).map(|n| (n, true)));
                }
                Node::Array(a) => {
                    let counted = a.contains.map(|c| c.0);
                    let elements = a.prefix.iter().copied().chain(a.items).chain(counted);
                    stack.extend(elements.map(|n| (n, true)));
                }
                Node::Types(_) | Node::Number(_) | Node::String(_) => {}
            }
        }
        values
    }

    fn place_of(&self, id: NodeId) -> SourcePlace {
        SourcePlace::pointer(self.schema.pointers.get(id.0 as usize).map_or("", |p| p))
    }

    fn unsupported(&self, id: NodeId, what: &str) -> Diagnostic {
        let pointer = self.schema.pointers.get(id.0 as usize);
        Diagnostic::new(
            "unsupported-unique-items",
            format!("{what} cannot be enforced"),
            SourcePlace::pointer(format!("{}/uniqueItems", pointer.map_or("", |p| p))),
        )
        .with_help("remove uniqueItems here, or let the elements be scalars out of a short list")
    }

    fn plan_array(&mut self, id: NodeId) -> Result<Unique, LimitError> {
        let Some(a) = self.array_node(id).cloned() else {
            return Ok(Unique::default());
        };
        let mut forms: Vec<FormId> = a.prefix.iter().map(|n| self.node_form(*n)).collect();
        if a.max.is_none_or(|max| max > a.prefix.len() as u64) {
            forms.push(self.optional_form(a.items));
        }
        let mut points = Vec::new();
        let mut plan = Unique::default();
        for form in forms {
            let parts = self.distinct_parts(form)?;
            plan.records |= !parts.composites.is_empty();
            plan.compare |= parts.scalars || plan.records;
            points.extend(parts.points);
        }
        if !plan.compare {
            plan.at_most_once = self.once(points, id)?;
        }
        Ok(plan)
    }

    /// Array nodes that each say that one of the values is contained at most once.
    fn once(&mut self, points: Vec<Point>, like: NodeId) -> Result<Vec<NodeId>, LimitError> {
        let mut nodes = Vec::new();
        for point in points {
            let node = match self.once.get(&point) {
                Some(&node) => node,
                None => {
                    let value = self.point_node(&point, like);
                    let node = ArrayNode {
                        contains: Some((value, 0, Some(1))),
                        ..ArrayNode::default()
                    };
                    let node = self.new_node(Node::Array(node), like);
                    self.once.insert(point, node);
                    self.once_nodes.insert(node);
                    node
                }
            };
            if !nodes.contains(&node) {
                nodes.push(node);
            }
            if nodes.len() > MAX_POINTS {
                return Err(LimitError::new(
                    "values of distinct elements",
                    nodes.len() as u64,
                    MAX_POINTS as u64,
                ));
            }
        }
        Ok(nodes)
    }

    /// What the elements of an array from an index on can be: formulas, each about elements that all
    /// that is asked of the array takes alike.
    fn element_classes(&mut self, total: FormId, from: u64) -> Result<Vec<FormId>, LimitError> {
        let term = self.forms.as_term(total).unwrap_or_default();
        let leaves = self.forms.leaves(&[total]);
        let mut nodes = Vec::new();
        let mut contained = Vec::new();
        let (mut last, mut most) = (from, u64::MAX);
        for &(x, leaf) in &leaves {
            match leaf {
                Leaf::Array(n) => {
                    let sure = term.contains(&(x, true));
                    nodes.push((n, sure));
                    if let Some(a) = self.array_node(n) {
                        last = last.max(a.prefix.len() as u64);
                        if sure {
                            most = most.min(a.max.unwrap_or(u64::MAX));
                        }
                    }
                }
                Leaf::Contains(n, _) if !self.once_nodes.contains(&n) => {
                    contained.push(self.contains_form(n));
                }
                _ => {}
            }
        }
        let mut classes: Vec<FormId> = Vec::new();
        for index in (from..=last).take_while(|i| *i < most) {
            self.spend(1 + nodes.len() as u64)?;
            let mut base = FormId::TRUE;
            let mut atoms = contained.clone();
            for &(n, sure) in &nodes {
                let form = self.element_form(n, index);
                match sure {
                    true => base = self.forms.and2(base, form),
                    false => atoms.push(form),
                }
            }
            atoms.retain(|a| !a.is_constant());
            atoms.sort_unstable();
            atoms.dedup();
            if atoms.len() > MAX_ATOMS {
                let (n, most) = (atoms.len() as u64, MAX_ATOMS as u64);
                return Err(LimitError::new("conditions on distinct elements", n, most));
            }
            let mut split = vec![base];
            for atom in atoms {
                let not = self.forms.not(atom);
                split = split
                    .iter()
                    .flat_map(|x| [(*x, atom), (*x, not)])
                    .map(|(x, y)| self.forms.and2(x, y))
                    .collect();
            }
            for class in split {
                if class != FormId::FALSE && !classes.contains(&class) {
                    classes.push(class);
                }
            }
        }
        Ok(classes)
    }

    /// What a formula over arrays that asks for distinct elements has to add: that each element out of
    /// a short list is contained at most once.
    pub fn counted_once(&mut self, total: FormId) -> Result<FormId, LimitError> {
        if let Some(&known) = self.once_forms.get(&total) {
            return Ok(known);
        }
        let term = self.forms.as_term(total).unwrap_or_default();
        let asked = term
            .iter()
            .find_map(|&(x, sign)| match self.forms.as_leaf(x) {
                Some(Leaf::Unique(n)) if sign => Some(n),
                _ => None,
            });
        let mut once = FormId::TRUE;
        if let Some(like) = asked {
            let mut points = Vec::new();
            for class in self.element_classes(total, 0)? {
                points.extend(self.distinct_parts(class)?.points);
            }
            let nodes = self.once(points, like)?;
            let forms: Vec<FormId> = nodes.iter().map(|n| self.settle_contains(*n, 0)).collect();
            once = self.forms.and(&forms);
        }
        self.once_forms.insert(total, once);
        Ok(once)
    }

    /// Whether new elements are always there for an array that asks for distinct ones and has read so
    /// many.
    pub fn runs_out(&mut self, total: FormId, read: u64) -> Result<Supply, LimitError> {
        if let Some(&known) = self.run_out.get(&(total, read)) {
            return Ok(known);
        }
        let mut endless = true;
        for class in self.element_classes(total, read)? {
            for (ty, typed) in self.distinct_parts(class)?.composites {
                endless &= self.is_endless(typed, ty)? || !self.composite_exists(typed, ty)?;
            }
        }
        let supply = match endless {
            true => Supply::Endless,
            false if self.may_always_end(total) => Supply::Enough,
            false => Supply::Short,
        };
        self.run_out.insert((total, read), supply);
        Ok(supply)
    }

    /// Whether an array of which this is asked may end after each of its elements.
    fn may_always_end(&self, total: FormId) -> bool {
        let Some(term) = self.forms.as_term(total) else {
            return false;
        };
        term.iter().all(|&(x, sign)| {
            sign && match self.forms.as_leaf(x) {
                Some(Leaf::Array(n)) => self.array_node(n).is_none_or(|a| a.min <= 1),
                Some(Leaf::Contains(n, _)) => {
                    let contains = self.array_node(n).and_then(|a| a.contains);
                    contains.is_none_or(|c| c.1 == 0)
                }
                Some(Leaf::Unique(_)) => true,
                _ => false,
            }
        })
    }

    /// Whether, where the formulas ask for distinct elements, these are asked for in any case.
    pub fn unique_is_certain(&self, forms: &[FormId], total: FormId) -> bool {
        let mut asked = self
            .forms
            .leaves(forms)
            .into_iter()
            .filter(|(_, l)| matches!(l, Leaf::Unique(_)))
            .peekable();
        if asked.peek().is_none() {
            return true;
        }
        let term = self.forms.as_term(total).unwrap_or_default();
        asked.all(|(x, _)| term.contains(&(x, true)))
    }

    /// The formulas with elements that differ in any case, and with elements of which that is not
    /// claimed. A document satisfies them if it satisfies either, since the claim can only help.
    ///
    /// # Errors
    /// The claim can harm, or distinct elements may run out.
    pub fn either_way(
        &mut self,
        forms: &[FormId],
        goal: GoalId,
    ) -> Result<SmallVec<[Box<[FormId]>; 2]>, LimitError> {
        let refuse = |what| Err(LimitError::new(what, 1, 0));
        for (_, leaf) in self.forms.leaves(forms) {
            if matches!(leaf, Leaf::Unique(n) if self.contrary.contains(&n)) {
                return refuse(IN_SOME);
            }
        }
        let [distinct, free] = [true, false].map(|claim| self.claimed(forms, claim));
        let total = self.total_of(&distinct, goal);
        if self.runs_out(total, 0)? == Supply::Short {
            return refuse(RUN_OUT);
        }
        Ok(SmallVec::from([distinct, free]))
    }

    /// The formulas when elements are claimed to differ, which the first of them then asks for; or when
    /// they are not.
    fn claimed(&mut self, forms: &[FormId], claim: bool) -> Box<[FormId]> {
        let mut asked = None;
        let mut forms = self.forms.rewrite(forms, |x, leaf| match leaf {
            Leaf::Unique(_) => {
                asked = asked.or(Some(x));
                FormId::constant(claim)
            }
            _ => x,
        });
        if let Some(leaf) = asked.filter(|_| claim) {
            forms[0] = self.forms.and2(forms[0], leaf);
        }
        forms.into()
    }

    /// Whether a lexeme that begins on a symbol may have to differ from earlier ones; for a symbol under
    /// an open array or object, whether that has to.
    pub fn distinct(&mut self, symbol: Symbol) -> Result<bool, LimitError> {
        Ok(match self.kind(symbol) {
            Kind::First(frame) | Kind::Key(frame) if self.is_object(frame) => {
                let keys = self.open_keys(frame, usize::MAX)?;
                keys.iter().any(|key| matches!(key, Key::Cell(_)))
            }
            Kind::First(frame)
            | Kind::Value(Slot::Element(frame))
            | Kind::Wait(Slot::Element(frame)) => {
                let total = self.total(frame);
                self.asks_unique(total)
            }
            _ => false,
        })
    }

    /// Whether a lexeme that began on a symbol and carries these labels must differ from earlier
    /// ones.
    pub fn must_differ(&mut self, symbol: Symbol, labels: &[u32]) -> Result<bool, LimitError> {
        let object = match self.kind(symbol) {
            Kind::First(frame) | Kind::Key(frame) => self.is_object(frame),
            _ => false,
        };
        if object {
            return Ok(matches!(label::key(labels), Some(Key::Cell(_))));
        }
        // Brackets, commas and white space are no values.
        let structural = labels.first().is_some_and(|l| *l < label::TRUTH);
        Ok(!structural && self.distinct(symbol)?)
    }

    /// What a lexeme that began on a symbol and carries these labels is in its value.
    pub fn part(&mut self, symbol: Symbol, labels: &[u32]) -> Result<Part, LimitError> {
        let in_object = match self.kind(symbol) {
            Kind::First(frame) | Kind::Key(frame) => self.is_object(frame),
            _ => false,
        };
        Ok(match labels.first() {
            Some(&(label::COMMA | label::COLON | label::SPACE | label::FREE)) => Part::None,
            Some(&(label::CLOSE_OBJECT | label::CLOSE_ARRAY)) => Part::Close,
            Some(&open @ (label::OPEN_OBJECT | label::OPEN_ARRAY)) => Part::Open {
                object: open == label::OPEN_OBJECT,
                differs: self.distinct(symbol)?,
            },
            _ if in_object => Part::Name,
            _ => Part::Scalar,
        })
    }

    /// Whether the elements that may begin on a symbol may be repetitions, all of them.
    pub fn may_run_out(&mut self, symbol: Symbol) -> Result<bool, LimitError> {
        let (Kind::First(frame) | Kind::Value(Slot::Element(frame))) = self.kind(symbol) else {
            return Ok(false);
        };
        let &Place::Array(read) = self.place(self.frame(frame).place) else {
            return Ok(false);
        };
        let total = self.total(frame);
        Ok(self.asks_unique(total) && self.runs_out(total, read)? != Supply::Endless)
    }

    /// Whether a formula asks for distinct elements.
    pub fn asks_unique(&self, form: FormId) -> bool {
        self.forms
            .leaves(&[form])
            .iter()
            .any(|(_, l)| matches!(l, Leaf::Unique(_)))
    }
}
