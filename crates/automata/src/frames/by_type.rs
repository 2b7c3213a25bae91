//! What types alone say of schema nodes and formulas over them.
//!
//! Most questions to a schema are settled by its `type` keywords: a member of type string exists
//! because every string will do, whatever else is in the schema. So each node and formula has two sets of
//! types, found once from those of its operands: the types *all* of whose values satisfy it, and those
//! *none* of whose values do. [`Core::typed`] is that constant for them.

use super::core::Core;
use super::form::{Form, FormId, Leaf};
use maskwright_grammar::json_schema::{Node, NodeId, Types};

/// Types all of whose values satisfy something, and types none of whose values do. What is in neither set
/// is undecided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByType {
    pub all: Types,
    pub none: Types,
}

impl ByType {
    const NONE: Types = Types(0);
    const TRUE: ByType = ByType::of(Types::ALL);
    const FALSE: ByType = ByType::of(Self::NONE);
    const UNDECIDED: ByType = ByType {
        all: Self::NONE,
        none: Self::NONE,
    };
    /// Not looked at yet: no set of types is both.
    const UNKNOWN: ByType = ByType {
        all: Types::ALL,
        none: Types::ALL,
    };

    /// All values of these types, and no others.
    const fn of(types: Types) -> Self {
        ByType {
            all: types,
            none: Types(Types::ALL.0 & !types.0),
        }
    }

    /// Something that only values of one type may fail.
    const fn all_but(ty: Types) -> Self {
        ByType {
            all: Types(Types::ALL.0 & !ty.0),
            none: Self::NONE,
        }
    }

    /// What holds for all values of a type: that they satisfy it, or that they do not.
    pub fn decides(self, ty: Types) -> Option<bool> {
        match (self.all.contains(ty), self.none.contains(ty)) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }

    fn not(self) -> Self {
        ByType {
            all: self.none,
            none: self.all,
        }
    }

    fn and(self, other: Self) -> Self {
        ByType {
            all: Types(self.all.0 & other.all.0),
            none: self.none.union(other.none),
        }
    }

    fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    /// Exactly one of them.
    fn one(parts: impl Iterator<Item = Self>) -> Self {
        let (mut once, mut twice, mut undecided) = (0, 0, 0);
        for part in parts {
            twice |= once & part.all.0;
            once |= part.all.0;
            undecided |= !(part.all.0 | part.none.0);
        }
        ByType {
            all: Types(once & !twice & !undecided),
            none: Types((Types::ALL.0 & !once & !undecided) | twice),
        }
    }
}

/// Something whose types were not looked at yet.
#[derive(Clone, Copy)]
enum Item {
    Node(NodeId),
    Form(FormId),
}

impl Core {
    /// What types alone say of a formula. O(1) once it was asked of it.
    pub fn by_type(&mut self, form: FormId) -> ByType {
        if let Some(known) = self.known_by_type(Item::Form(form)) {
            return known;
        }
        // Neither formulas nor boolean nodes form cycles.
        let mut open = vec![Item::Form(form)];
        while let Some(&item) = open.last() {
            if self.known_by_type(item).is_some() {
                open.pop();
                continue;
            }
            let before = open.len();
            let found = match item {
                Item::Form(form) => self.form_by_type(form, &mut open),
                Item::Node(node) => self.node_by_type(node, &mut open),
            };
            if open.len() > before {
                continue;
            }
            let (list, index) = match item {
                Item::Form(form) => (&mut self.forms_by_type, form.0 as usize),
                Item::Node(node) => (&mut self.nodes_by_type, node.0 as usize),
            };
            if list.len() <= index {
                list.resize(index + 1, ByType::UNKNOWN);
            }
            list[index] = found;
            open.pop();
        }
        self.known_by_type(Item::Form(form))
            .unwrap_or(ByType::UNDECIDED)
    }

    fn known_by_type(&self, item: Item) -> Option<ByType> {
        let known = match item {
            Item::Form(FormId::FALSE) => return Some(ByType::FALSE),
            Item::Form(FormId::TRUE) => return Some(ByType::TRUE),
            Item::Form(form) => self.forms_by_type.get(form.0 as usize),
            Item::Node(node) => self.nodes_by_type.get(node.0 as usize),
        };
        known.copied().filter(|known| *known != ByType::UNKNOWN)
    }

    /// The types of something, or it is noted that they have to be known first.
    fn need(&self, item: Item, needs: &mut Vec<Item>) -> ByType {
        self.known_by_type(item).unwrap_or_else(|| {
            needs.push(item);
            ByType::UNDECIDED
        })
    }

    /// The types of a formula, once those of its operands are known; those that are not become `needs`.
    fn form_by_type(&self, form: FormId, needs: &mut Vec<Item>) -> ByType {
        let mut part = |part: &FormId| self.need(Item::Form(*part), needs);
        match self.forms.get(form) {
            Form::False => ByType::FALSE,
            Form::True => ByType::TRUE,
            Form::Leaf(Leaf::Node(node)) => self.need(Item::Node(*node), needs),
            Form::Leaf(_) => ByType::UNDECIDED,
            Form::Not(x) => part(x).not(),
            Form::And(parts) => parts.iter().map(part).fold(ByType::TRUE, ByType::and),
            Form::Or(parts) => parts.iter().map(part).fold(ByType::FALSE, ByType::or),
            Form::One(parts) => ByType::one(parts.iter().map(part)),
        }
    }

    /// The same of a node.
    fn node_by_type(&self, node: NodeId, needs: &mut Vec<Item>) -> ByType {
        let mut part = |part: &NodeId| self.need(Item::Node(*part), needs);
        match self.schema.node(node) {
            Node::All(parts) => parts.iter().map(part).fold(ByType::TRUE, ByType::and),
            Node::Any(parts) => parts.iter().map(part).fold(ByType::FALSE, ByType::or),
            Node::One(parts) => ByType::one(parts.iter().map(part)),
            Node::Not(x) => part(x).not(),
            Node::Types(types) => ByType::of(*types),
            Node::Number(_) => ByType::all_but(Types::NUMBER),
            Node::String(_) => ByType::all_but(Types::STRING),
            Node::Array(_) => ByType::all_but(Types::ARRAY),
            Node::Object(_) => ByType::all_but(Types::OBJECT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For each operand: whether all, none or some values of one type satisfy it.
    const CHOICES: [Option<bool>; 3] = [Some(true), Some(false), None];

    fn made(choice: Option<bool>) -> ByType {
        let types = |is: bool| if is { Types::STRING } else { ByType::NONE };
        ByType {
            all: types(choice == Some(true)),
            none: types(choice == Some(false)),
        }
    }

    /// What every way of filling in the operands says, if they agree.
    fn expected(choices: &[Option<bool>], holds: impl Fn(&[bool]) -> bool) -> Option<bool> {
        let mut answers = (0..1u32 << choices.len()).filter_map(|bits| {
            let values: Vec<bool> = (0..choices.len()).map(|i| bits >> i & 1 == 1).collect();
            let fits = choices
                .iter()
                .zip(&values)
                .all(|(c, v)| c.is_none_or(|c| c == *v));
            fits.then(|| holds(&values))
        });
        let first = answers.next();
        first.filter(|first| answers.all(|a| a == *first))
    }

    #[test]
    fn operands_decide_what_they_decide_however_the_others_turn_out() {
        for a in CHOICES {
            assert_eq!(made(a).not().decides(Types::STRING), a.map(|a| !a));
            for b in CHOICES {
                for c in CHOICES {
                    let all = [a, b, c];
                    let parts = all.map(made);
                    let decided = |t: ByType| t.decides(Types::STRING);
                    let and = parts.into_iter().fold(ByType::TRUE, ByType::and);
                    let or = parts.into_iter().fold(ByType::FALSE, ByType::or);
                    let one = ByType::one(parts.into_iter());
                    let count = |v: &[bool]| v.iter().filter(|v| **v).count();
                    assert_eq!(decided(and), expected(&all, |v| count(v) == 3), "{all:?}");
                    assert_eq!(decided(or), expected(&all, |v| count(v) > 0), "{all:?}");
                    assert_eq!(decided(one), expected(&all, |v| count(v) == 1), "{all:?}");
                }
            }
        }
    }
}
