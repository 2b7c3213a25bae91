//! What types alone say of schema nodes and formulas over them.
//!
//! Most questions to a schema are settled by its `type` keywords: a member of type string exists
//! because every string will do, whatever else is in the schema. So each node and formula has two sets of
//! types, found once from those of its operands: the types *all* of whose values satisfy it, and those
//! *none* of whose values do. [`Core::typed`] is that constant for them.
//!
//! A third set has the types *some* of whose values certainly satisfy it: a string with a pattern, a number
//! within bounds, an object whose required members exist. It spares most questions of existence
//! ([`Core::value_exists`]) the making of what they ask about: of the members of an object that nobody
//! writes, the patterns are never read.

use super::core::Core;
use super::form::{Form, FormId, Leaf};
use crate::number::NumberSet;
use maskwright_grammar::json_schema::{Node, NodeId, ObjectNode, Types};
use maskwright_grammar::{RegexId, RegexNode};

/// Types all of whose values satisfy something, and types none of whose values do. What is in neither set
/// is undecided.
///
/// Invariants: `all` and `none` are as much as follows from those of the operands; `some` has all of `all` and
/// nothing of `none`, and what is missing in it may only be unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByType {
    pub all: Types,
    pub none: Types,
    /// Types some of whose values certainly satisfy it.
    pub some: Types,
}

impl ByType {
    const NONE: Types = Types(0);
    const TRUE: ByType = ByType::of(Types::ALL);
    const FALSE: ByType = ByType::of(Self::NONE);
    const UNDECIDED: ByType = ByType {
        all: Self::NONE,
        none: Self::NONE,
        some: Self::NONE,
    };
    /// Not looked at yet: no set of types is both.
    const UNKNOWN: ByType = ByType {
        all: Types::ALL,
        none: Types::ALL,
        some: Types::ALL,
    };

    /// All values of these types, and no others.
    const fn of(types: Types) -> Self {
        ByType {
            all: types,
            none: Types(Types::ALL.0 & !types.0),
            some: types,
        }
    }

    /// Something that only values of one type may fail; whether some certainly do not.
    const fn all_but(ty: Types, exists: bool) -> Self {
        let all = Types(Types::ALL.0 & !ty.0);
        ByType {
            all,
            none: Self::NONE,
            some: if exists { Types::ALL } else { all },
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
            some: self.none,
        }
    }

    fn and(self, other: Self) -> Self {
        ByType {
            all: Types(self.all.0 & other.all.0),
            none: self.none.union(other.none),
            some: Types(self.some.0 & other.all.0 | self.all.0 & other.some.0),
        }
    }

    fn or(self, other: Self) -> Self {
        ByType {
            all: self.all.union(other.all),
            none: Types(self.none.0 & other.none.0),
            some: self.some.union(other.some),
        }
    }

    /// Exactly one of them.
    fn one(parts: impl Iterator<Item = Self>) -> Self {
        let (mut once, mut twice, mut undecided) = (0, 0, 0);
        // The types that one operand, and more than one, may have values of.
        let (mut some, mut possible, mut contested) = (0, 0, 0);
        for part in parts {
            twice |= once & part.all.0;
            once |= part.all.0;
            undecided |= !(part.all.0 | part.none.0);
            some |= part.some.0;
            contested |= possible & !part.none.0;
            possible |= !part.none.0;
        }
        let all = once & !twice & !undecided;
        ByType {
            all: Types(all),
            none: Types((Types::ALL.0 & !once & !undecided) | twice),
            some: Types(all | some & !contested),
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
        self.types_of(Item::Form(form))
    }

    /// The same of a node.
    pub fn node_types(&mut self, node: NodeId) -> ByType {
        self.types_of(Item::Node(node))
    }

    fn types_of(&mut self, asked: Item) -> ByType {
        if let Some(known) = self.known_by_type(asked) {
            return known;
        }
        // Neither formulas nor boolean nodes form cycles. An object may be required in itself: while its
        // members are looked at, it counts as one of which nothing is known to exist.
        let mut open = vec![(asked, false)];
        let mut needs = Vec::new();
        while let Some((item, is_begun)) = open.pop() {
            if !is_begun && self.known_by_type(item).is_some() {
                continue;
            }
            let found = match item {
                Item::Form(form) => self.form_by_type(form, &mut needs),
                Item::Node(node) => self.node_by_type(node, &mut needs),
            };
            if needs.is_empty() {
                self.set_by_type(item, found);
                continue;
            }
            open.push((item, true));
            if let Item::Node(node) = item
                && let Node::Object(_) = self.schema.node(node)
            {
                self.set_by_type(item, ByType::all_but(Types::OBJECT, false));
            }
            open.extend(needs.drain(..).map(|need| (need, false)));
        }
        self.known_by_type(asked).unwrap_or(ByType::UNDECIDED)
    }

    fn set_by_type(&mut self, item: Item, found: ByType) {
        let (list, index) = match item {
            Item::Form(form) => (&mut self.forms_by_type, form.0 as usize),
            Item::Node(node) => (&mut self.nodes_by_type, node.0 as usize),
        };
        if list.len() <= index {
            list.resize(index + 1, ByType::UNKNOWN);
        }
        list[index] = found;
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
    fn node_by_type(&mut self, node: NodeId, needs: &mut Vec<Item>) -> ByType {
        if let Node::String(regex) = *self.schema.node(node) {
            return ByType::all_but(Types::STRING, self.text_exists(regex));
        }
        let mut part = |part: &NodeId| self.need(Item::Node(*part), needs);
        match self.schema.node(node) {
            Node::All(parts) => parts.iter().map(part).fold(ByType::TRUE, ByType::and),
            Node::Any(parts) => parts.iter().map(part).fold(ByType::FALSE, ByType::or),
            Node::One(parts) => ByType::one(parts.iter().map(part)),
            Node::Not(x) => part(x).not(),
            Node::Types(types) => ByType::of(*types),
            Node::Number(n) => {
                let exists = self.spells_any && NumberSet::from(n).has_member();
                ByType::all_but(Types::NUMBER, exists)
            }
            Node::String(_) => ByType::all_but(Types::STRING, false),
            // The empty one.
            Node::Array(a) => ByType::all_but(
                Types::ARRAY,
                a.min == 0 && a.contains.is_none_or(|(_, least, _)| least == 0),
            ),
            Node::Object(o) => {
                let exists = self.spells_any && self.object_exists(o, needs);
                ByType::all_but(Types::OBJECT, exists)
            }
        }
    }

    /// Whether the object that has the required members and no others certainly satisfies a node, once
    /// what is needed is known.
    fn object_exists(&self, o: &ObjectNode, needs: &mut Vec<Item>) -> bool {
        if o.required.is_empty() {
            return o.min == 0;
        }
        // A name may be on the list twice.
        let mut required: Vec<&str> = o.required.iter().map(|name| &**name).collect();
        required.sort_unstable();
        required.dedup();
        let count = required.len() as u64;
        // Names that are matched, or matched against, are not looked at here.
        if o.min > count
            || o.max.is_some_and(|max| max < count)
            || o.names.is_some()
            || !o.patterns.is_empty()
        {
            return false;
        }
        // The nodes of the required members: of those that are declared, and of all others.
        let mut is_declared = vec![false; required.len()];
        let mut members = Vec::new();
        for (name, node) in &o.properties {
            if let Ok(at) = required.binary_search(&&**name) {
                is_declared[at] = true;
                members.push(*node);
            }
        }
        if is_declared.contains(&false) {
            members.extend(o.additional);
        }
        let mut exists = |m: &NodeId| self.need(Item::Node(*m), needs).some != Types(0);
        members.iter().all(&mut exists)
    }

    /// Whether some text is certainly matched. O(1) once it was asked of a later regex.
    fn text_exists(&mut self, regex: RegexId) -> bool {
        if !self.spells_any {
            return false;
        }
        let known = &mut self.texts_exist;
        // Children have smaller ids.
        let new = known.len()..regex.0 as usize + 1;
        for node in self.schema.regexes.nodes().get(new).unwrap_or_default() {
            let exists = |id: &RegexId| known[id.0 as usize];
            let found = match node {
                RegexNode::Empty => true,
                RegexNode::Bytes(b) => std::str::from_utf8(b).is_ok(),
                RegexNode::Class(ranges) => !ranges.is_empty(),
                RegexNode::Concat(parts) => parts.iter().all(exists),
                RegexNode::Alt(parts) => parts.iter().any(exists),
                RegexNode::Repeat { node, min, max } => {
                    max.is_none_or(|max| *min <= max) && (*min == 0 || exists(node))
                }
                RegexNode::Literals(all) => all.iter().any(|b| std::str::from_utf8(b).is_ok()),
                RegexNode::Never
                | RegexNode::ByteClass(_)
                | RegexNode::And(_)
                | RegexNode::Not(_)
                | RegexNode::JsonString(_)
                | RegexNode::Token(_)
                | RegexNode::Json(_) => false,
            };
            known.push(found);
        }
        known.get(regex.0 as usize).is_some_and(|exists| *exists)
    }
}

#[cfg(test)]
mod tests {
    use super::super::FrameOptions;
    use super::super::satisfy::Query;
    use super::*;
    use crate::lexicon::Lexicon;
    use maskwright_grammar::json_schema;
    use maskwright_tables::{CancelFlag, Limits};
    use std::sync::Arc;

    /// For each operand: whether all, none or some values of one type satisfy it.
    const CHOICES: [Option<bool>; 3] = [Some(true), Some(false), None];

    fn made(choice: Option<bool>) -> ByType {
        let types = |is: bool| if is { Types::STRING } else { ByType::NONE };
        ByType {
            all: types(choice == Some(true)),
            none: types(choice == Some(false)),
            some: types(choice == Some(true)),
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

    /// Operands by the values of a type with three values: bit `i` for the `i`-th. Each says truly what it
    /// says, with existence told or kept back.
    #[test]
    fn what_is_said_to_exist_does() {
        let operand = |values: u8, told: bool| ByType {
            all: if values == 7 { Types::STRING } else { Types(0) },
            none: if values == 0 { Types::STRING } else { Types(0) },
            some: match values == 7 || told && values != 0 {
                true => Types::STRING,
                false => Types(0),
            },
        };
        let told: Vec<(u8, ByType)> = (0..8)
            .flat_map(|v| [(v, operand(v, false)), (v, operand(v, true))])
            .collect();
        let mut found = 0;
        let mut check = |values: u8, said: ByType| {
            let says = |types: Types| types == Types::STRING;
            assert!(!says(said.some) || values != 0);
            assert!(!says(said.all) || says(said.some) && values == 7);
            assert!(!says(said.none) || !says(said.some) && values == 0);
            found += usize::from(says(said.some) && !says(said.all));
        };
        for &(a, x) in &told {
            check(!a & 7, x.not());
            for &(b, y) in &told {
                check(a & b, x.and(y));
                check(a | b, x.or(y));
                for &(c, z) in &told {
                    let once = (a & !b & !c) | (!a & b & !c) | (!a & !b & c);
                    check(once, ByType::one([x, y, z].into_iter()));
                }
            }
        }
        assert!(found > 200, "{found}");
    }

    #[test]
    fn values_exist_that_need_no_search() {
        let cases: &[(&str, Types)] = &[
            (r#"{"type": "string", "pattern": "^a+$"}"#, Types::STRING),
            (r#"{"type": "string", "pattern": "^(?=a)b$"}"#, Types(0)),
            (
                r#"{"type": "string", "format": "date-time"}"#,
                Types::STRING,
            ),
            (r#"{"type": "string", "not": {"const": "a"}}"#, Types(0)),
            (
                r#"{"type": "integer", "minimum": 1, "maximum": 9}"#,
                Types::NUMBER,
            ),
            (
                r#"{"type": "number", "exclusiveMinimum": 1, "maximum": 1}"#,
                Types(0),
            ),
            (
                r#"{"type": "array", "items": {"type": "string"}}"#,
                Types::ARRAY,
            ),
            (
                r#"{"type": "array", "minItems": 1, "items": false}"#,
                Types(0),
            ),
            (r#"{"type": "array", "contains": false}"#, Types(0)),
            (
                r#"{"type": "object", "properties": {"a": false}}"#,
                Types::OBJECT,
            ),
            (
                r#"{"type": "object", "properties": {"a": {"enum": ["b"]}}, "required": ["a"]}"#,
                Types::OBJECT,
            ),
            (
                r#"{"type": "object", "properties": {"a": false}, "required": ["a"]}"#,
                Types(0),
            ),
            (
                r#"{"type": "object", "additionalProperties": false, "required": ["a"]}"#,
                Types(0),
            ),
            (
                r##"{"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}"##,
                Types(0),
            ),
            (
                r##"{"type": "object", "properties": {"a": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
                    "required": ["a"]}"##,
                Types::OBJECT,
            ),
            (
                r#"{"type": "object", "minProperties": 2, "required": ["a"]}"#,
                Types(0),
            ),
            (
                r#"{"type": "object", "properties": {"a": true}, "additionalProperties": false,
                    "minProperties": 2, "required": ["a", "a"]}"#,
                Types(0),
            ),
            (
                r#"{"type": "object", "maxProperties": 1, "required": ["a", "b"]}"#,
                Types(0),
            ),
            (
                r#"{"type": "object", "propertyNames": {"maxLength": 1}, "required": ["aa"]}"#,
                Types(0),
            ),
            (
                r#"{"type": "object", "patternProperties": {"^a": false}, "required": ["aa"]}"#,
                Types(0),
            ),
            (
                r#"{"oneOf": [{"type": "string", "pattern": "^a"}, {"type": "integer", "minimum": 3}]}"#,
                Types(Types::STRING.0 | Types::NUMBER.0),
            ),
            (
                r#"{"oneOf": [{"type": "string", "pattern": "^a"}, {"type": "string", "pattern": "^b"}]}"#,
                Types(0),
            ),
        ];
        for (text, expected) in cases {
            let options = json_schema::Options::default();
            let limits = Limits::offline();
            let (schema, _) = json_schema::parse(text, &options, &limits).unwrap();
            let root = schema.root;
            let lexicon = Arc::new(Lexicon::new(Limits::offline()));
            let mut core = Core::new(
                schema,
                lexicon,
                FrameOptions::default(),
                limits,
                CancelFlag::default(),
                0,
            );
            core.plan_unique().unwrap();
            let form = core.optional_form(root);
            assert_eq!(core.by_type(form).some, *expected, "{text}");
            // A search finds what is said to exist, and is what tells where nothing is said.
            let found = core.solve(Query::Value(form)).unwrap();
            assert!(found || *expected == Types(0), "{text}");
            assert_eq!(core.value_exists(form).unwrap(), found, "{text}");
        }
    }
}
