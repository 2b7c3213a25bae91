//! From schema nodes to formulas about values of one type.
//!
//! A formula over [`Leaf::Node`] says what is asked of a value whose type is not known. Once the
//! first byte tells the type, each node becomes what it asks of that type: a constant for the
//! literals, and a formula over string, number, array or object leaves for the others.

use super::core::Core;
use super::form::{Form, FormId, Leaf};
use maskwright_grammar::json_schema::{Node, NodeId, Types};
use maskwright_tables::LimitError;

/// The types, those that are decided fastest first.
pub(super) const TYPES: [Types; 7] = [
    Types::NULL,
    Types::TRUE,
    Types::FALSE,
    Types::STRING,
    Types::NUMBER,
    Types::ARRAY,
    Types::OBJECT,
];

impl Core {
    /// The formula of a schema node, trivial wrappers taken off.
    pub fn node_form(&mut self, node: NodeId) -> FormId {
        if let Some(&form) = self.node_forms.get(&node) {
            return form;
        }
        let mut at = node;
        // Boolean nodes never form a cycle; the bound only guards against a broken schema.
        let mut form = None;
        for _ in 0..=self.schema.nodes.len() {
            match self.schema.node(at) {
                Node::All(p) | Node::Any(p) | Node::One(p) if p.len() == 1 => at = p[0],
                Node::All(p) if p.is_empty() => form = Some(FormId::TRUE),
                Node::Any(p) | Node::One(p) if p.is_empty() => form = Some(FormId::FALSE),
                Node::Types(Types::ALL) => form = Some(FormId::TRUE),
                Node::Types(Types(0)) => form = Some(FormId::FALSE),
                _ => break,
            }
            if form.is_some() {
                break;
            }
        }
        let form = form.unwrap_or_else(|| self.forms.leaf(Leaf::Node(at)));
        self.node_forms.insert(node, form);
        form
    }

    pub fn optional_form(&mut self, node: Option<NodeId>) -> FormId {
        node.map_or(FormId::TRUE, |n| self.node_form(n))
    }

    /// What a formula over nodes asks of values of the type `ty`.
    pub fn typed(&mut self, root: FormId, ty: Types) -> Result<FormId, LimitError> {
        if let Some(all) = self.by_type(root).decides(ty) {
            return Ok(FormId::constant(all));
        }
        if let Some(&known) = self.typed.get(&(root, ty.0)) {
            return Ok(known);
        }
        let mut stack = vec![root];
        while let Some(&x) = stack.last() {
            if self.typed.contains_key(&(x, ty.0)) {
                stack.pop();
                continue;
            }
            if let Some(all) = self.by_type(x).decides(ty) {
                self.typed.insert((x, ty.0), FormId::constant(all));
                stack.pop();
                continue;
            }
            let form = self.forms.get(x).clone();
            let children: &[FormId] = match &form {
                Form::Not(y) => std::slice::from_ref(y),
                Form::And(p) | Form::Or(p) | Form::One(p) => p,
                _ => &[],
            };
            self.spend(1 + children.len() as u64)?;
            let known = |core: &Core, y: &FormId| {
                if y.is_constant() {
                    Some(*y)
                } else {
                    core.typed.get(&(*y, ty.0)).copied()
                }
            };
            // One operand can decide: types usually come first.
            let decides = match form {
                Form::And(_) => Some(FormId::FALSE),
                Form::Or(_) => Some(FormId::TRUE),
                _ => None,
            };
            let done = if let Form::Leaf(leaf) = form {
                if let Leaf::Node(n) = leaf
                    && let Node::One(parts) = self.schema.node(n)
                    && !self.exclusive.contains_key(&n)
                {
                    let parts = parts.clone();
                    let exclusive = self.exclude_each_other(&parts)?;
                    self.exclusive.insert(n, exclusive);
                }
                match leaf {
                    Leaf::Node(n) => match self.lower(n, ty) {
                        Ok(done) => done,
                        Err(inner) => match known(self, &inner) {
                            Some(done) => done,
                            None => {
                                stack.push(inner);
                                continue;
                            }
                        },
                    },
                    _ => x,
                }
            } else if decides.is_some() && children.iter().any(|y| known(self, y) == decides) {
                decides.unwrap_or(x)
            } else if known(self, &children[0]).is_none() {
                stack.push(children[0]);
                continue;
            } else {
                let before = stack.len();
                stack.extend(children.iter().filter(|y| known(self, y).is_none()));
                if stack.len() > before {
                    continue;
                }
                let p: Vec<FormId> = children.iter().filter_map(|y| known(self, y)).collect();
                match form {
                    Form::Not(_) => self.forms.not(p[0]),
                    Form::And(_) => self.forms.and(&p),
                    Form::Or(_) => self.forms.or(&p),
                    _ => self.forms.one(&p),
                }
            };
            self.typed.insert((x, ty.0), done);
            stack.pop();
        }
        self.check_size()?;
        Ok(self.typed[&(root, ty.0)])
    }

    /// `Ok`: what the node asks of the type. `Err`: the formula over nodes that it stands for.
    fn lower(&mut self, id: NodeId, ty: Types) -> Result<FormId, FormId> {
        let of_type = |leaf_type: Types| ty == leaf_type;
        match self.schema.node(id) {
            Node::All(p) | Node::Any(p) | Node::One(p) => {
                let p = p.clone();
                let forms: Vec<FormId> = p.iter().map(|n| self.node_form(*n)).collect();
                Err(match self.schema.node(id) {
                    Node::All(_) => self.forms.and(&forms),
                    Node::Any(_) => self.forms.or(&forms),
                    _ if self.exclusive.get(&id) == Some(&true) => self.forms.or(&forms),
                    _ => self.forms.one(&forms),
                })
            }
            Node::Not(n) => {
                let n = *n;
                let form = self.node_form(n);
                Err(self.forms.not(form))
            }
            Node::Types(types) => Ok(FormId::constant(types.contains(ty))),
            Node::Number(n) => Ok(if of_type(Types::NUMBER) && *n != Default::default() {
                self.forms.leaf(Leaf::Number(id))
            } else {
                FormId::TRUE
            }),
            Node::String(r) => {
                let r = *r;
                Ok(if of_type(Types::STRING) {
                    self.forms.leaf(Leaf::String(r))
                } else {
                    FormId::TRUE
                })
            }
            Node::Array(_) => Ok(if of_type(Types::ARRAY) {
                self.lower_array(id)
            } else {
                FormId::TRUE
            }),
            Node::Object(o) => Ok(if of_type(Types::OBJECT) && *o != Default::default() {
                self.forms.leaf(Leaf::Object(id))
            } else {
                FormId::TRUE
            }),
        }
    }
}
