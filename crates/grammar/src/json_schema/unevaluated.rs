//! `unevaluatedProperties` and `unevaluatedItems`, rewritten as ordinary assertions.
//!
//! What a schema object evaluates depends on which of its in-place subschemas hold. [`Source`]s list
//! that: under this condition (a node), these names, patterns or positions are evaluated. Since more
//! evaluated members only make the keyword easier to satisfy, a condition never has to be negated
//! (`else` apart), and each *region* of names or positions can be treated by itself: either one of
//! the sources that cover the region holds, or the members there match the keyword's schema. With
//! *n* named sources that is linear, not 2^n; only patterns that are evaluated conditionally split
//! the names into regions that must be enumerated, and that is capped.

use super::json::{Json, ValueId};
use super::keywords::{Keyword, Slots};
use super::options::Draft;
use super::parse::{Lowering, Part, Stop};
use super::references::{Site, Source, slots};
use super::report::Segment;
use super::schema::{ArrayNode, Node, NodeId, ObjectNode, Types};
use crate::{Diagnostic, RegexId};
use maskwright_tables::LimitError;
use std::collections::BTreeMap;
use std::rc::Rc;

/// The most in-place subschemas that are looked at for one keyword.
const MAX_SITES: usize = 4096;
/// The most conditional sources with patterns, or with `contains`.
const MAX_SPLIT: usize = 6;

/// Names that are evaluated under the same conditions; no names are all the rest.
type Region = (Vec<NodeId>, Option<Vec<Box<str>>>);

/// What is evaluated under a condition.
#[derive(Debug, Default)]
struct Evaluated {
    /// All of these hold.
    conditions: Vec<NodeId>,
    /// Everything is evaluated.
    all: bool,
    names: Vec<Box<str>>,
    patterns: Vec<RegexId>,
    /// The first positions, this many.
    prefix: usize,
    /// Elements that match this.
    contains: Option<NodeId>,
}

impl<'a> Lowering<'a> {
    pub(super) fn unevaluated(
        &mut self,
        site: &Site,
        source: &Rc<Source<'a>>,
        slots: &Slots,
        parts: &mut Vec<Part>,
    ) -> Result<(), Stop> {
        for keyword in [Keyword::UnevaluatedProperties, Keyword::UnevaluatedItems] {
            let Some(value) = slots.get(keyword) else {
                continue;
            };
            if self.is_trivial(source, value) {
                continue;
            }
            let Some(sources) = self.evaluated(site, keyword)? else {
                let message = format!("more than {MAX_SITES} subschemas decide what is evaluated");
                self.unsupported(
                    site,
                    keyword,
                    value,
                    message,
                    "simplify the schema, or use `additionalProperties`",
                    parts,
                )?;
                continue;
            };
            let rest = self.subschema(site, keyword, None, value)?;
            let done = match keyword {
                Keyword::UnevaluatedProperties => {
                    self.unevaluated_properties(site, sources, rest, parts)?
                }
                _ => self.unevaluated_items(site, sources, rest, parts)?,
            };
            if !done {
                let message =
                    format!("more than {MAX_SPLIT} conditional patterns decide what is evaluated");
                self.unsupported(
                    site,
                    keyword,
                    value,
                    message,
                    "simplify the schema, or use `additionalProperties`",
                    parts,
                )?;
            }
        }
        Ok(())
    }

    /// What is evaluated at a site, by itself and by its in-place subschemas; `None` when there are
    /// too many of them.
    fn evaluated(&mut self, site: &Site, keyword: Keyword) -> Result<Option<Vec<Evaluated>>, Stop> {
        let mut out = Vec::new();
        let mut work: Vec<(Site, Vec<NodeId>)> = vec![(*site, Vec::new())];
        let mut seen = 0;
        while let Some((at, conditions)) = work.pop() {
            seen += 1;
            if seen > MAX_SITES {
                return Ok(None);
            }
            let source = self.sources.source(at.source);
            self.looked_at += 1 + conditions.len();
            if let Json::Object(members) = source.document.value(at.value) {
                self.looked_at += members.len();
            }
            if self.looked_at > self.limits.nodes {
                let e = LimitError::new(
                    "subschemas of unevaluated keywords",
                    self.looked_at as u64,
                    self.limits.nodes as u64,
                );
                return Err(Diagnostic::limit(
                    e,
                    self.place_of(site, keyword.name(), None),
                ));
            }
            let slots = slots(
                &source.document,
                at.value,
                self.sources.resource(at.resource),
            );
            let nested = seen > 1 && slots.get(keyword).is_some();
            let own = match keyword {
                Keyword::UnevaluatedProperties => self.own_properties(&source, &slots, nested),
                _ => self.own_items(&at, &source, &slots, nested)?,
            };
            if let Some(own) = own {
                self.looked_at += own.names.len() + own.patterns.len();
                out.push(Evaluated {
                    conditions: conditions.clone(),
                    ..own
                });
            }
            self.in_place(&at, &source, &slots, &conditions, &mut work)?;
        }
        Ok(Some(out))
    }

    fn own_properties(
        &mut self,
        source: &Rc<Source<'a>>,
        slots: &Slots,
        nested: bool,
    ) -> Option<Evaluated> {
        let mut own = Evaluated {
            all: nested || slots.get(Keyword::AdditionalProperties).is_some(),
            ..Evaluated::default()
        };
        if !own.all {
            if let Some(Json::Object(members)) = slots
                .get(Keyword::Properties)
                .map(|v| source.document.value(v))
            {
                own.names = members.iter().map(|m| m.key.as_ref().into()).collect();
            }
            if let Some(value) = slots.get(Keyword::PatternProperties)
                && let Json::Object(members) = source.document.value(value)
            {
                for m in members {
                    // Errors are reported where the keyword is lowered; a pattern that was relaxed
                    // there may match anything.
                    match self.search(&m.key) {
                        Ok(found) => own.patterns.push(found.regex),
                        Err(_) => own.all = true,
                    }
                }
            }
        }
        (own.all || !own.names.is_empty() || !own.patterns.is_empty()).then_some(own)
    }

    fn own_items(
        &mut self,
        site: &Site,
        source: &Rc<Source<'a>>,
        slots: &Slots,
        nested: bool,
    ) -> Result<Option<Evaluated>, Stop> {
        let mut own = Evaluated {
            all: nested,
            ..Evaluated::default()
        };
        let len = |v: Option<ValueId>| match v.map(|v| source.document.value(v)) {
            Some(Json::Array(list)) => Some(list.len()),
            _ => None,
        };
        own.prefix = len(slots.get(Keyword::PrefixItems)).unwrap_or(0);
        if let Some(items) = slots.get(Keyword::Items) {
            match len(Some(items)) {
                Some(n) => {
                    own.prefix = n;
                    own.all |= slots.get(Keyword::AdditionalItems).is_some();
                }
                None => own.all = true,
            }
        }
        // In 2019-09 `contains` evaluates nothing.
        if let Some(value) = slots.get(Keyword::Contains)
            && self.sources.resource(site.resource).dialect.draft >= Draft::Draft2020
        {
            own.contains = Some(self.subschema(site, Keyword::Contains, None, value)?);
        }
        Ok((own.all || own.prefix > 0 || own.contains.is_some()).then_some(own))
    }

    /// The in-place subschemas of a site, each with the conditions under which it counts.
    fn in_place(
        &mut self,
        site: &Site,
        source: &Rc<Source<'a>>,
        slots: &Slots,
        conditions: &[NodeId],
        work: &mut Vec<(Site, Vec<NodeId>)>,
    ) -> Result<(), Stop> {
        let with = |extra: NodeId| {
            conditions
                .iter()
                .copied()
                .chain([extra])
                .collect::<Vec<_>>()
        };
        for keyword in [Keyword::Ref, Keyword::DynamicRef, Keyword::RecursiveRef] {
            if let Some(value) = slots.get(keyword)
                && let Json::String(reference) = source.document.value(value)
            {
                // Errors are reported where the reference is lowered.
                let places = &mut self.report.places;
                let target = match keyword {
                    Keyword::DynamicRef => self.sources.resolve_dynamic(site, reference, places),
                    Keyword::RecursiveRef => self.sources.resolve_recursive(site, places),
                    _ => self.sources.resolve(site, reference, places),
                };
                if let Ok(target) = target {
                    work.push((target, conditions.to_vec()));
                }
            }
        }
        for keyword in [Keyword::AllOf, Keyword::AnyOf, Keyword::OneOf] {
            let Some(Json::Array(list)) = slots.get(keyword).map(|v| source.document.value(v))
            else {
                continue;
            };
            for (i, value) in list.iter().enumerate() {
                let child = self.child(site, keyword, Some(Segment::Index(i as u32)), *value);
                let conditions = match keyword {
                    Keyword::AllOf => conditions.to_vec(),
                    _ => with(self.site(child)?),
                };
                work.push((child, conditions));
            }
        }
        if let Some(value) = slots.get(Keyword::If) {
            let child = self.child(site, Keyword::If, None, value);
            let holds = self.site(child)?;
            work.push((child, with(holds)));
            if let Some(value) = slots.get(Keyword::Then) {
                work.push((self.child(site, Keyword::Then, None, value), with(holds)));
            }
            if let Some(value) = slots.get(Keyword::Else) {
                let fails = self.add(Node::Not(holds), site.place)?;
                work.push((self.child(site, Keyword::Else, None, value), with(fails)));
            }
        }
        for keyword in [Keyword::DependentSchemas, Keyword::Dependencies] {
            let Some(Json::Object(members)) = slots.get(keyword).map(|v| source.document.value(v))
            else {
                continue;
            };
            for m in members {
                if let Json::Array(_) = source.document.value(m.value) {
                    continue;
                }
                let has = ObjectNode {
                    required: vec![m.key.as_ref().into()],
                    ..ObjectNode::default()
                };
                // Values of other types have no members, though what is asked of objects holds of them.
                let object = self.add(Node::Types(Types::OBJECT), site.place)?;
                let has = self.add(Node::Object(has), site.place)?;
                let has = self.add(Node::All(vec![object, has]), site.place)?;
                let step = Segment::Name(m.key.as_ref().into());
                work.push((self.child(site, keyword, Some(step), m.value), with(has)));
            }
        }
        Ok(())
    }

    /// One node for all conditions of a source.
    fn condition(&mut self, site: &Site, conditions: &[NodeId]) -> Result<NodeId, Stop> {
        match conditions {
            [one] => Ok(*one),
            _ => self.add(Node::All(conditions.to_vec()), site.place),
        }
    }

    /// At least one of the conditions, as at most one node, so that it can be shared.
    fn any_condition(
        &mut self,
        site: &Site,
        conditions: Vec<NodeId>,
    ) -> Result<Option<NodeId>, Stop> {
        Ok(match conditions[..] {
            [] => None,
            [one] => Some(one),
            _ => Some(self.add(Node::Any(conditions), site.place)?),
        })
    }

    /// `rest` of the members in a region, unless one of the conditions holds.
    fn unless(
        &mut self,
        site: &Site,
        conditions: &[NodeId],
        node: Node,
        parts: &mut Vec<Part>,
    ) -> Result<(), Stop> {
        if conditions.is_empty() {
            parts.push(Part::New(node));
        } else {
            let mut ids = conditions.to_vec();
            ids.push(self.add(node, site.place)?);
            parts.push(Part::New(Node::Any(ids)));
        }
        Ok(())
    }

    fn unevaluated_properties(
        &mut self,
        site: &Site,
        sources: Vec<Evaluated>,
        rest: NodeId,
        parts: &mut Vec<Part>,
    ) -> Result<bool, Stop> {
        if sources.iter().any(|s| s.all && s.conditions.is_empty()) {
            return Ok(true);
        }
        let any = self.add(Node::All(Vec::new()), site.place)?;
        let (always, sometimes): (Vec<Evaluated>, Vec<Evaluated>) =
            sources.into_iter().partition(|s| s.conditions.is_empty());
        let mut base = ObjectNode::default();
        for s in always {
            base.properties
                .extend(s.names.into_iter().map(|n| (n, any)));
            base.patterns
                .extend(s.patterns.into_iter().map(|p| (p, any)));
        }
        base.properties.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        base.properties.dedup_by(|a, b| a.0 == b.0);
        let evaluated = |base: &ObjectNode, name: &str| {
            base.properties
                .binary_search_by(|p| p.0.as_ref().cmp(name))
                .is_ok()
        };

        let mut everything = Vec::new();
        let mut named = Vec::new();
        let mut patterned = Vec::new();
        for s in sometimes {
            let condition = self.condition(site, &s.conditions)?;
            if s.all {
                everything.push(condition);
            } else if s.patterns.is_empty() {
                named.push((condition, s.names));
            } else {
                let names: Vec<Box<[u8]>> = s.names.iter().map(|n| n.as_bytes().into()).collect();
                let literals = self.regexes.literals(names);
                let regex = self.regexes.alt(s.patterns.into_iter().chain([literals]));
                patterned.push((condition, regex));
            }
        }
        if patterned.len() > MAX_SPLIT {
            return Ok(false);
        }
        let everything = self.any_condition(site, everything)?;
        // Names by the conditions under which they are evaluated.
        let mut by_name: BTreeMap<Box<str>, Vec<NodeId>> = BTreeMap::new();
        for (condition, names) in named {
            for name in names {
                if !evaluated(&base, &name) {
                    by_name.entry(name).or_default().push(condition);
                }
            }
        }
        let mut by_conditions: BTreeMap<Vec<NodeId>, Vec<Box<str>>> = BTreeMap::new();
        for (name, mut conditions) in by_name {
            conditions.sort_unstable();
            conditions.dedup();
            by_conditions.entry(conditions).or_default().push(name);
        }
        // The regions: the named groups, and what is left; each cut by the conditional patterns.
        let mut regions: Vec<Region> = Vec::new();
        let all_names: Vec<Box<str>> = by_conditions.values().flatten().cloned().collect();
        regions.extend(
            by_conditions
                .into_iter()
                .map(|(conditions, names)| (conditions, Some(names))),
        );
        regions.push((Vec::new(), None));
        for (conditions, names) in regions {
            for subset in 0..1u32 << patterned.len() {
                let mut unless = conditions.clone();
                unless.extend(everything);
                let mut cut = Vec::new();
                for (i, (condition, regex)) in patterned.iter().enumerate() {
                    if subset >> i & 1 == 1 {
                        unless.push(*condition);
                        cut.push(*regex);
                    } else {
                        cut.push(self.regexes.not(*regex));
                    }
                }
                // Members outside the region are anybody's.
                let node = if patterned.is_empty() && (base.patterns.is_empty() || names.is_none())
                {
                    match &names {
                        Some(names) => ObjectNode {
                            properties: names.iter().map(|n| (n.clone(), rest)).collect(),
                            ..ObjectNode::default()
                        },
                        None => {
                            let mut node = base.clone();
                            node.properties
                                .extend(all_names.iter().map(|n| (n.clone(), any)));
                            node.additional = Some(rest);
                            node
                        }
                    }
                } else {
                    let literals = |l: &mut Self, names: &[Box<str>]| {
                        l.regexes.literals(
                            names
                                .iter()
                                .map(|n| n.as_bytes().into())
                                .collect::<Vec<Box<[u8]>>>(),
                        )
                    };
                    for (pattern, _) in &base.patterns {
                        cut.push(self.regexes.not(*pattern));
                    }
                    match &names {
                        Some(names) => cut.push(literals(self, names)),
                        None => {
                            let known: Vec<Box<str>> = base
                                .properties
                                .iter()
                                .map(|p| p.0.clone())
                                .chain(all_names.iter().cloned())
                                .collect();
                            let known = literals(self, &known);
                            cut.push(self.regexes.not(known));
                        }
                    }
                    let region = self.regexes.and(cut);
                    ObjectNode {
                        patterns: vec![(region, rest)],
                        ..ObjectNode::default()
                    }
                };
                self.unless(site, &unless, Node::Object(node), parts)?;
            }
        }
        Ok(true)
    }

    fn unevaluated_items(
        &mut self,
        site: &Site,
        sources: Vec<Evaluated>,
        rest: NodeId,
        parts: &mut Vec<Part>,
    ) -> Result<bool, Stop> {
        if sources.iter().any(|s| s.all && s.conditions.is_empty()) {
            return Ok(true);
        }
        let any = self.add(Node::All(Vec::new()), site.place)?;
        // Elements that match a `contains` are evaluated wherever they stand.
        let mut rest = vec![rest];
        let mut contains = Vec::new();
        let mut lengths = Vec::new();
        let mut everything = Vec::new();
        let mut start = 0;
        for s in sources {
            if s.conditions.is_empty() {
                start = start.max(s.prefix);
                rest.extend(s.contains);
                continue;
            }
            let condition = self.condition(site, &s.conditions)?;
            if s.all {
                everything.push(condition);
                continue;
            }
            if s.prefix > 0 {
                lengths.push((s.prefix, condition));
            }
            if let Some(inner) = s.contains {
                contains.push((condition, inner));
            }
        }
        if contains.len() > MAX_SPLIT {
            return Ok(false);
        }
        let everything = self.any_condition(site, everything)?;
        lengths.retain(|(len, _)| *len > start);
        lengths.sort_unstable();
        // For each length the sources that reach it or go further, as a chain of shared nodes.
        let mut reaching = vec![everything; lengths.len() + 1];
        for (i, (_, condition)) in lengths.iter().enumerate().rev() {
            let both = [Some(*condition), reaching[i + 1]]
                .into_iter()
                .flatten()
                .collect();
            reaching[i] = self.any_condition(site, both)?;
        }
        // For each set of conditional `contains` that hold: elements match the rest or one of them.
        let mut subsets: Vec<NodeId> = Vec::new();
        for subset in 0..1u32 << contains.len() {
            let chosen: Vec<&(NodeId, NodeId)> = contains
                .iter()
                .enumerate()
                .filter(|(i, _)| subset >> i & 1 == 1)
                .map(|(_, c)| c)
                .collect();
            let mut choices = rest.clone();
            choices.extend(chosen.iter().map(|c| c.1));
            let element = match choices[..] {
                [one] => one,
                _ => self.add(Node::Any(choices), site.place)?,
            };
            let mut all: Vec<NodeId> = chosen.iter().map(|c| c.0).collect();
            let mut own = Vec::new();
            let mut from = start;
            for (i, unless) in reaching.iter().enumerate() {
                // Positions from here to the next length are evaluated by all sources that reach it.
                let to = lengths.get(i).map(|l| l.0);
                if to == Some(from) {
                    continue;
                }
                let unless: Vec<NodeId> = unless.iter().copied().collect();
                let mut prefix = vec![any; from];
                let items = match to {
                    Some(to) => {
                        prefix.extend(std::iter::repeat_n(element, to - from));
                        None
                    }
                    None => Some(element),
                };
                self.unless(
                    site,
                    &unless,
                    Node::Array(ArrayNode {
                        prefix,
                        items,
                        ..ArrayNode::default()
                    }),
                    &mut own,
                )?;
                from = to.unwrap_or(from);
            }
            if contains.is_empty() {
                parts.extend(own);
                return Ok(true);
            }
            for part in own {
                all.push(self.part(part, site.place)?);
            }
            subsets.push(self.add(Node::All(all), site.place)?);
        }
        parts.push(Part::New(Node::Any(subsets)));
        Ok(true)
    }
}
