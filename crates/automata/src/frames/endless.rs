//! Formulas that infinitely many arrays or objects satisfy.
//!
//! The answer errs on one side: "endless" is proved, anything else may only be unknown. An array is
//! endless if an element of it is, or if nothing bounds its length; an object if a member of it is, or if
//! it may have names outside all lists. What holds one element or member in place (`contains` with a
//! maximum, negated nodes) is not looked into.

use super::core::{Core, Key};
use super::form::{FormId, Found, Leaf, Term, Terms};
use super::lower::TYPES;
use maskwright_grammar::json_schema::{ArrayNode, Node, NodeId, Types};
use maskwright_tables::LimitError;

/// How deep values inside values are looked into.
const MAX_DEPTH: usize = 24;

/// How many terms of a formula are looked at.
const MAX_TERMS: usize = 16;

impl Core {
    /// Whether infinitely many values of a composite type are known to satisfy what a formula asks of
    /// that type.
    pub fn is_endless(&mut self, typed: FormId, ty: Types) -> Result<bool, LimitError> {
        self.endless_typed(typed, ty, &mut Vec::new())
    }

    /// Whether some value of a composite type satisfies what a formula asks of that type.
    pub fn composite_exists(&mut self, typed: FormId, ty: Types) -> Result<bool, LimitError> {
        let once = self.counted_once(typed)?;
        let typed = self.forms.and2(typed, once);
        let leaves = self.forms.leaves(&[typed]);
        let place = self.start_place(&leaves, ty == Types::OBJECT)?;
        self.can_complete(place, typed)
    }

    /// Whether infinitely many values satisfy a formula over nodes. `under`: the formulas whose answer
    /// needs this one; a value that needs itself proves nothing.
    fn endless_value(&mut self, form: FormId, under: &mut Vec<FormId>) -> Result<bool, LimitError> {
        if form.is_constant() || self.endless.contains(&form) {
            return Ok(form != FormId::FALSE);
        }
        if under.contains(&form) || under.len() >= MAX_DEPTH {
            return Ok(false);
        }
        under.push(form);
        let mut endless = false;
        for ty in TYPES {
            let typed = self.typed(form, ty)?;
            endless = typed != FormId::FALSE
                && match ty {
                    Types::STRING | Types::NUMBER => {
                        !self.is_short_list(typed, ty) && self.scalar_exists(typed, ty)?
                    }
                    Types::ARRAY | Types::OBJECT => self.endless_typed(typed, ty, under)?,
                    _ => false,
                };
            if endless {
                self.endless.insert(form);
                break;
            }
        }
        under.pop();
        Ok(endless)
    }

    fn endless_typed(
        &mut self,
        typed: FormId,
        ty: Types,
        under: &mut Vec<FormId>,
    ) -> Result<bool, LimitError> {
        if typed.is_constant() {
            return Ok(typed == FormId::TRUE);
        }
        if let Some(term) = self.forms.as_term(typed) {
            return self.endless_term(&term, ty, under);
        }
        let mut terms = Terms::new(typed);
        for _ in 0..MAX_TERMS {
            let mut steps = self.steps;
            let found = terms.next(&self.forms, &mut steps);
            let found = found.map_err(|()| self.exhausted())?;
            self.spend(self.steps - steps)?;
            match found {
                Found::Term(term) => {
                    if self.endless_term(&term, ty, under)? {
                        return Ok(true);
                    }
                }
                Found::Partial(_) => {}
                Found::Nothing => break,
            }
        }
        Ok(false)
    }

    fn endless_term(
        &mut self,
        term: &Term,
        ty: Types,
        under: &mut Vec<FormId>,
    ) -> Result<bool, LimitError> {
        self.spend(8 + term.len() as u64)?;
        let mut leaves = Vec::with_capacity(term.len());
        for &(x, sign) in term {
            match self.forms.as_leaf(x) {
                Some(leaf) if sign => leaves.push(leaf),
                _ => return Ok(false),
            }
        }
        let form = self.forms.of_term(term);
        if !self.composite_exists(form, ty)? {
            return Ok(false);
        }
        match ty {
            Types::OBJECT => self.endless_object(&leaves, under),
            _ => self.endless_array(form, &leaves, under),
        }
    }

    fn endless_object(
        &mut self,
        leaves: &[Leaf],
        under: &mut Vec<FormId>,
    ) -> Result<bool, LimitError> {
        let mut nodes = Vec::new();
        for leaf in leaves {
            match leaf {
                Leaf::Object(n) => nodes.push(*n),
                _ => return Ok(false),
            }
        }
        let id = self.layout(nodes.clone().into())?;
        let layout = self.layouts[id as usize].clone();
        let place = self.object_start(id);
        let tables = || nodes.iter().filter_map(|n| layout.tables.get(n));
        let mut missing: Vec<u32> = tables()
            .flat_map(|table| layout.missing(table, &place))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        let most = tables().filter_map(|t| t.max).min().unwrap_or(u64::MAX);
        let room = (missing.len() as u64) < most;
        let cells = self.cells_len(id)?;
        let names = (0..layout.names.len() as u32).map(Key::Name);
        let keys: Vec<Key> = (0..cells).map(Key::Cell).chain(names).collect();
        self.spend((keys.len() * nodes.len()) as u64)?;
        for key in keys {
            let required = matches!(key, Key::Name(i) if missing.binary_search(&i).is_ok());
            if !required && !room {
                continue;
            }
            let mut form = FormId::TRUE;
            for n in &nodes {
                let more = self.member_form(id, *n, key)?;
                form = self.forms.and2(form, more);
            }
            let endless = match key {
                Key::Cell(_) => self.value_exists(form)?,
                _ => self.endless_value(form, under)?,
            };
            if endless {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn endless_array(
        &mut self,
        form: FormId,
        leaves: &[Leaf],
        under: &mut Vec<FormId>,
    ) -> Result<bool, LimitError> {
        let (mut distinct, mut contains) = (false, false);
        let mut nodes = Vec::new();
        let (mut prefix, mut most) = (0, u64::MAX);
        for &leaf in leaves {
            match leaf {
                Leaf::Array(n) => {
                    if let Some(a) = self.array_node(n) {
                        prefix = prefix.max(a.prefix.len() as u64);
                        most = most.min(a.max.unwrap_or(u64::MAX));
                    }
                    nodes.push(n);
                }
                Leaf::Unique(_) => distinct = true,
                Leaf::Contains(n, _) if self.once_nodes.contains(&n) => distinct = true,
                Leaf::Contains(n, _) => {
                    let (_, _, max) =
                        self.array_node(n)
                            .and_then(|a| a.contains)
                            .unwrap_or((n, 0, Some(0)));
                    if max.is_some() {
                        return Ok(false);
                    }
                    contains = true;
                }
                _ => return Ok(false),
            }
        }
        for index in (0..=prefix).take_while(|i| *i < most) {
            self.spend(1 + nodes.len() as u64)?;
            let past = index == prefix && most == u64::MAX;
            // An element that a `contains` may need cannot be any: one behind the last can.
            if contains && !past {
                continue;
            }
            let mut element = FormId::TRUE;
            for n in &nodes {
                let more = self.element_form(*n, index);
                element = self.forms.and2(element, more);
            }
            if !(past && !distinct || self.endless_value(element, under)?) {
                continue;
            }
            let length = self.length_node(index + 1);
            let long = self.forms.leaf(Leaf::Array(length));
            let long = self.forms.and2(form, long);
            if self.composite_exists(long, Types::ARRAY)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// An array node that asks for so many elements, and for nothing else.
    fn length_node(&mut self, min: u64) -> NodeId {
        if let Some(&node) = self.lengths.get(&min) {
            return node;
        }
        let node = ArrayNode {
            min,
            ..ArrayNode::default()
        };
        let like = self.schema.root.unwrap_or(NodeId(0));
        let node = self.new_node(Node::Array(node), like);
        self.lengths.insert(min, node);
        node
    }
}
