//! Arrays whose elements must differ.
//!
//! What an element can be is split in two. Values out of a short list are counted in the state: each
//! may be contained at most once, so that the array ends or is refused when they run out. All other
//! scalars are left to the matcher ([`Core::must_differ`]), which compares values; there are infinitely many, so a new one always exists. Elements that are arrays
//! or objects are refused, and so are distinct elements that hold in some alternatives only: no side
//! condition of one frame can enforce those.

use super::core::{Core, Key};
use super::form::{FormId, Leaf};
use super::points::MAX_POINTS;
use super::{Kind, Slot, label};
use maskwright_grammar::json_schema::{ArrayNode, Node, NodeId, Types};
use maskwright_grammar::{Diagnostic, Place};
use maskwright_tables::{LimitError, Symbol};

/// How the `uniqueItems` of one array node is enforced.
#[derive(Clone, Debug, Default)]
pub(super) struct Unique {
    /// Array nodes that each say that one value is contained at most once.
    pub at_most_once: Vec<NodeId>,
    /// Whether the matcher has to compare values.
    pub compare: bool,
    /// Whether elements can be arrays or objects.
    nested: bool,
}

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
            certain &= !plan.compare && !plan.nested;
            self.unique.insert(id, plan);
        }
        // What was asked of arrays while not all plans were there lacks their part: an array whose
        // elements can be arrays of the same kind was looked at before it had a plan itself.
        self.typed.clear();
        if certain {
            return Ok(());
        }
        // What is asked of arrays where a value can stand: distinct elements must be asked for in any
        // case or not at all.
        for id in self.value_nodes() {
            let form = self.node_form(id);
            let typed = self.typed(form, Types::ARRAY);
            let typed = typed.map_err(|e| Diagnostic::limit(e, self.place_of(id)))?;
            for (x, leaf) in self.forms.leaves(&[typed]) {
                let Leaf::Unique(array) = leaf else { continue };
                if self.unique.get(&array).is_some_and(|p| p.nested) {
                    return Err(
                        self.unsupported(array, "distinct elements that are arrays or objects")
                    );
                }
                if !self
                    .forms
                    .as_term(typed)
                    .is_some_and(|term| term.contains(&(x, true)))
                {
                    return Err(
                        self.unsupported(array, "distinct elements in some alternatives only")
                    );
                }
            }
        }
        Ok(())
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

    fn place_of(&self, id: NodeId) -> Place {
        Place::pointer(self.schema.pointers.get(id.0 as usize).map_or("", |p| p))
    }

    fn unsupported(&self, id: NodeId, what: &str) -> Diagnostic {
        Diagnostic::new(
            "unsupported-unique-items",
            format!("{what} cannot be enforced"),
            self.place_of(id),
        )
        .with_help("remove uniqueItems here, or let the elements be values out of a short list")
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
        let mut compare = false;
        for form in forms {
            let Some((some, others)) = self.distinct_parts(form)? else {
                return Ok(Unique {
                    nested: true,
                    ..Unique::default()
                });
            };
            points.extend(some);
            compare |= others;
        }
        let mut unique = Vec::new();
        for point in points {
            if !unique.contains(&point) {
                unique.push(point);
            }
        }
        if unique.len() > MAX_POINTS {
            return Err(LimitError::new(
                "values of distinct elements",
                unique.len() as u64,
                MAX_POINTS as u64,
            ));
        }
        let mut at_most_once = Vec::new();
        for point in unique {
            let node = self.point_node(&point, id);
            let once = ArrayNode {
                contains: Some((node, 0, Some(1))),
                ..ArrayNode::default()
            };
            at_most_once.push(self.new_node(Node::Array(once), id));
        }
        Ok(Unique {
            at_most_once,
            compare,
            nested: false,
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

    /// Whether the matcher has a part in the distinct elements of a node.
    pub fn compares(plan: &Unique) -> bool {
        plan.compare || plan.nested
    }

    /// Whether a lexeme that begins on a symbol may have to differ from earlier ones.
    pub fn distinct(&mut self, symbol: Symbol) -> Result<bool, LimitError> {
        Ok(match self.kind(symbol) {
            Kind::First(frame) | Kind::Key(frame) if self.is_object(frame) => {
                let keys = self.open_keys(frame, usize::MAX)?;
                keys.iter().any(|key| matches!(key, Key::Cell(_)))
            }
            Kind::First(frame) | Kind::Value(Slot::Element(frame)) => {
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

    /// Whether a formula asks for distinct elements.
    pub fn asks_unique(&self, form: FormId) -> bool {
        self.forms
            .leaves(&[form])
            .iter()
            .any(|(_, l)| matches!(l, Leaf::Unique(_)))
    }
}
