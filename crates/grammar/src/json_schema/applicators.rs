//! Keywords that combine subschemas about the same value: boolean nodes.

use super::json::{Json, ValueId};
use super::keywords::{Keyword, Slots};
use super::parse::{Lowering, Part, Stop};
use super::references::{Site, Source};
use super::report::{Segment, Status};
use super::schema::{Node, NodeId, ObjectNode};
use std::rc::Rc;

impl<'a> Lowering<'a> {
    pub(super) fn applicators(
        &mut self,
        site: &Site,
        source: &Rc<Source<'a>>,
        slots: &Slots,
        parts: &mut Vec<Part>,
    ) -> Result<(), Stop> {
        for keyword in [Keyword::AllOf, Keyword::AnyOf, Keyword::OneOf] {
            let Some(value) = slots.get(keyword) else {
                continue;
            };
            let ids = self.list(site, source, keyword, value)?;
            if ids.is_empty() {
                if let Json::Array(_) = source.document.value(value) {
                    self.invalid(site, keyword, value, "must hold at least one schema");
                }
                continue;
            }
            match keyword {
                Keyword::AllOf => parts.extend(ids.into_iter().map(Part::Old)),
                _ if ids.len() == 1 => parts.push(Part::Old(ids[0])),
                Keyword::AnyOf => parts.push(Part::New(Node::Any(ids))),
                _ => parts.push(Part::New(Node::One(ids))),
            }
        }
        if let Some(value) = slots.get(Keyword::Not) {
            let inner = self.subschema(site, Keyword::Not, None, value)?;
            parts.push(Part::New(Node::Not(inner)));
        }
        self.conditional(site, slots, parts)?;
        for keyword in [
            Keyword::DependentRequired,
            Keyword::DependentSchemas,
            Keyword::Dependencies,
        ] {
            if let Some(value) = slots.get(keyword) {
                self.dependent(site, source, keyword, value, parts)?;
            }
        }
        Ok(())
    }

    /// `if`, `then`, `else`: not the condition or the consequence, and the condition or the
    /// alternative.
    fn conditional(
        &mut self,
        site: &Site,
        slots: &Slots,
        parts: &mut Vec<Part>,
    ) -> Result<(), Stop> {
        let branches = [
            (Keyword::Then, slots.get(Keyword::Then)),
            (Keyword::Else, slots.get(Keyword::Else)),
        ];
        let Some(condition) = slots.get(Keyword::If) else {
            for (keyword, _) in branches {
                self.mark(keyword, Status::Annotation, Some("no effect without `if`"));
            }
            return Ok(());
        };
        if branches.iter().all(|(_, value)| value.is_none()) {
            self.mark(
                Keyword::If,
                Status::Annotation,
                Some("no effect without `then` or `else`"),
            );
            return Ok(());
        }
        let condition = self.subschema(site, Keyword::If, None, condition)?;
        for (keyword, value) in branches {
            let Some(value) = value else { continue };
            let branch = self.subschema(site, keyword, None, value)?;
            let otherwise = match keyword {
                Keyword::Then => self.add(Node::Not(condition), site.place)?,
                _ => condition,
            };
            parts.push(Part::New(Node::Any(vec![otherwise, branch])));
        }
        Ok(())
    }

    /// Objects that lack a member, and everything that is no object.
    pub(super) fn lacks(&mut self, site: &Site, name: &str) -> Result<NodeId, Stop> {
        let never = self.add(Node::Any(Vec::new()), site.place)?;
        let object = ObjectNode {
            properties: vec![(name.into(), never)],
            ..ObjectNode::default()
        };
        self.add(Node::Object(object), site.place)
    }

    /// What must hold of objects that have a member: other members, or a schema.
    fn dependent(
        &mut self,
        site: &Site,
        source: &Rc<Source<'a>>,
        keyword: Keyword,
        value: ValueId,
        parts: &mut Vec<Part>,
    ) -> Result<(), Stop> {
        let Json::Object(members) = source.document.value(value) else {
            self.invalid(site, keyword, value, "must be an object");
            return Ok(());
        };
        for m in members {
            let content = source.document.value(m.value);
            let names = match (keyword, content) {
                (Keyword::DependentRequired, _) => true,
                (Keyword::Dependencies, Json::Array(_)) => true,
                // Draft 3, still seen: one name as a string.
                (Keyword::Dependencies, Json::String(_)) => {
                    self.invalid(
                        site,
                        keyword,
                        m.value,
                        "must hold arrays of names or schemas, not strings",
                    );
                    continue;
                }
                _ => false,
            };
            let consequence = if names {
                let required = self.name_list(site, source, keyword, m.value);
                if required.is_empty() {
                    continue;
                }
                self.add(
                    Node::Object(ObjectNode {
                        required,
                        ..ObjectNode::default()
                    }),
                    site.place,
                )?
            } else if self.is_trivial(source, m.value) {
                continue;
            } else {
                self.subschema(
                    site,
                    keyword,
                    Some(Segment::Name(m.key.as_ref().into())),
                    m.value,
                )?
            };
            let lacks = self.lacks(site, &m.key)?;
            parts.push(Part::New(Node::Any(vec![lacks, consequence])));
        }
        Ok(())
    }
}
