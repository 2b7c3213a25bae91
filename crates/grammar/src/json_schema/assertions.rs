//! Keywords that assert something about one type: numbers, strings, arrays, objects.

use super::ecma;
use super::json::{Json, ValueId};
use super::keywords::{Keyword, Slots};
use super::options::{Draft, FormatMode};
use super::parse::{Lowering, Part, Stop};
use super::references::{Site, Source};
use super::report::{Segment, Status};
use super::schema::{ArrayNode, Decimal, Node, NodeId, NumberNode, ObjectNode};
use crate::{Place, RegexId};
use std::rc::Rc;

impl<'a> Lowering<'a> {
    /// A number that a keyword asks for.
    fn decimal(
        &mut self,
        site: &Site,
        source: &Source<'a>,
        keyword: Keyword,
        value: ValueId,
    ) -> Option<Decimal> {
        match source.document.value(value) {
            Json::Number(text) => match Decimal::parse(text) {
                Ok(n) => return Some(n),
                Err(e) => self.invalid(site, keyword, value, format!("is {text}: {e}")),
            },
            other => self.invalid(
                site,
                keyword,
                value,
                format!("must be a number, not {}", other.kind()),
            ),
        }
        None
    }

    /// A count that a keyword asks for; beyond `u64` it is as good as the largest one.
    fn count(
        &mut self,
        site: &Site,
        source: &Source<'a>,
        slots: &Slots,
        keyword: Keyword,
    ) -> Option<u64> {
        let value = slots.get(keyword)?;
        let n = self.decimal(site, source, keyword, value)?;
        if n.negative || !n.is_integer() {
            self.invalid(
                site,
                keyword,
                value,
                format!("must be a whole number from 0 up, not {n}"),
            );
            return None;
        }
        Some(n.to_u64().unwrap_or(u64::MAX))
    }

    pub(super) fn numbers(
        &mut self,
        site: &Site,
        source: &Rc<Source<'a>>,
        slots: &Slots,
        parts: &mut Vec<Part>,
    ) -> Result<(), Stop> {
        let mut node = NumberNode::default();
        for (keyword, exclusive, lower) in [
            (Keyword::Minimum, Keyword::ExclusiveMinimum, true),
            (Keyword::Maximum, Keyword::ExclusiveMaximum, false),
        ] {
            let mut bound = match slots.get(keyword) {
                Some(value) => self
                    .decimal(site, source, keyword, value)
                    .map(|n| (n, false)),
                None => None,
            };
            if let Some(value) = slots.get(exclusive) {
                let (old, declared) = {
                    let resource = self.sources.resource(site.resource).dialect;
                    (resource.draft == Draft::Draft4, resource.declared)
                };
                match source.document.value(value) {
                    Json::Bool(excludes) if old || !declared => {
                        if !old {
                            let place = (site, exclusive.name(), value);
                            let message = format!(
                                "a boolean `{}` is draft 4, which this schema does not state",
                                exclusive.name()
                            );
                            self.warn(
                                "older-draft",
                                message,
                                place,
                                Some("state `$schema`".to_owned()),
                            );
                        }
                        match &mut bound {
                            Some(bound) => bound.1 = excludes,
                            None => self.mark(
                                exclusive,
                                Status::Annotation,
                                Some("no effect without its bound"),
                            ),
                        }
                    }
                    Json::Number(_) => {
                        if old {
                            let place = (site, exclusive.name(), value);
                            let message = format!(
                                "a number as `{}` is newer than the stated draft 4",
                                exclusive.name()
                            );
                            self.warn("newer-draft", message, place, None);
                        }
                        if let Some(n) = self.decimal(site, source, exclusive, value) {
                            let tighter = match &bound {
                                None => true,
                                Some((b, _)) if lower => n >= *b,
                                Some((b, _)) => n <= *b,
                            };
                            if tighter {
                                bound = Some((n, true));
                            }
                        }
                    }
                    _ => self.invalid(
                        site,
                        exclusive,
                        value,
                        if old {
                            "must be a boolean"
                        } else {
                            "must be a number"
                        },
                    ),
                }
            }
            if lower {
                node.min = bound
            } else {
                node.max = bound
            }
        }
        if let Some(value) = slots.get(Keyword::MultipleOf)
            && let Some(n) = self.decimal(site, source, Keyword::MultipleOf, value)
        {
            if n.negative || n.is_zero() {
                self.invalid(
                    site,
                    Keyword::MultipleOf,
                    value,
                    format!("must be greater than 0, not {n}"),
                );
            } else {
                node.multiple_of = Some(n);
            }
        }
        let integer = slots
            .get(Keyword::Type)
            .is_some_and(|value| self.asks_integer(source, value));
        if integer {
            // To draft 4 an integer is a number without a fraction or exponent part; since draft 6 it
            // is a value.
            node.written_whole =
                self.sources.resource(site.resource).dialect.draft == Draft::Draft4;
            match &node.multiple_of {
                None => node.multiple_of = Some(Decimal::one()),
                Some(n) if n.is_integer() => {}
                Some(_) => {
                    let integers = NumberNode {
                        multiple_of: Some(Decimal::one()),
                        ..NumberNode::default()
                    };
                    parts.push(Part::New(Node::Number(integers)));
                }
            }
        }
        if node != NumberNode::default() {
            parts.push(Part::New(Node::Number(node)));
        }
        Ok(())
    }

    /// Whether a well-formed `type` allows integers but not all numbers.
    fn asks_integer(&self, source: &Source<'a>, value: ValueId) -> bool {
        match source.document.value(value) {
            Json::String(name) => name == "integer",
            Json::Array(list) => {
                let names = |wanted: &str| {
                    list.iter().any(|v| matches!(source.document.value(*v), Json::String(name) if name == wanted))
                };
                names("integer") && !names("number")
            }
            _ => false,
        }
    }

    pub(super) fn strings(
        &mut self,
        site: &Site,
        source: &Rc<Source<'a>>,
        slots: &Slots,
        parts: &mut Vec<Part>,
    ) -> Result<(), Stop> {
        let mut regexes: Vec<RegexId> = Vec::new();
        let min = self
            .count(site, source, slots, Keyword::MinLength)
            .unwrap_or(0);
        let max = self.count(site, source, slots, Keyword::MaxLength);
        if min > 0 || max.is_some() {
            let any = self.regexes.any_char();
            match u32::try_from(min) {
                // A length that large as an upper bound is no bound for any text.
                Ok(min) => regexes.push(self.regexes.repeat(
                    any,
                    min,
                    max.and_then(|m| u32::try_from(m).ok()),
                )),
                Err(_) => regexes.push(self.regexes.never()),
            }
        }
        if let Some(value) = slots.get(Keyword::Pattern) {
            match source.document.value(value) {
                Json::String(pattern) => {
                    if let Some(regex) =
                        self.pattern(site, Keyword::Pattern, value, pattern, parts)?
                    {
                        regexes.push(regex);
                    }
                }
                other => self.invalid(
                    site,
                    Keyword::Pattern,
                    value,
                    format!("must be a string, not {}", other.kind()),
                ),
            }
        }
        if let Some(value) = slots.get(Keyword::Format) {
            match source.document.value(value) {
                Json::String(name) => {
                    if !self.asserts_formats(site) {
                        self.mark(
                            Keyword::Format,
                            Status::Annotation,
                            Some("formats are annotations by option"),
                        );
                    } else if let Some(texts) = self.format(site, name) {
                        match texts.possible {
                            None => regexes.push(texts.certain),
                            // A node of its own, so that its other side can take its place.
                            Some(possible) => {
                                let node = self.add(Node::String(texts.certain), site.place)?;
                                self.inexact.insert(node, possible);
                                parts.push(Part::Old(node));
                            }
                        }
                    } else if self.options.format == FormatMode::Strict
                        && !super::formats::is_numeric(name)
                    {
                        let message = format!("the format {name:?} is not known");
                        let help = "use `pattern`, or let unknown formats be annotations";
                        self.unsupported(site, Keyword::Format, value, message, help, parts)?;
                    } else {
                        self.mark(Keyword::Format, Status::Annotation, Some("unknown format"));
                        if !super::formats::is_numeric(name) {
                            let place = (site, "format", value);
                            self.warn(
                                "unknown-format",
                                format!("the format {name:?} is not known and not checked"),
                                place,
                                None,
                            );
                        }
                    }
                }
                other => self.invalid(
                    site,
                    Keyword::Format,
                    value,
                    format!("must be a string, not {}", other.kind()),
                ),
            }
        }
        if !regexes.is_empty() {
            parts.push(Part::New(Node::String(self.regexes.and(regexes))));
        }
        Ok(())
    }

    /// The regex of a pattern, read once.
    pub(super) fn search(&mut self, pattern: &str) -> Result<ecma::Pattern, ecma::PatternError> {
        if let Some(known) = self.patterns.get(pattern) {
            return known.clone();
        }
        // Each pattern may take what a pattern may take by itself, all together no more than nodes.
        let mut budget = ecma::Budget(ecma::MAX_STEPS.min(self.pattern_steps));
        let given = budget.0;
        let found = ecma::search_within(
            &mut self.regexes,
            pattern,
            self.limits.source_depth,
            &mut budget,
        );
        self.pattern_steps -= given - budget.0;
        self.patterns.insert(pattern.into(), found.clone());
        found
    }

    /// The regex of a pattern; `None` after an error or when it was relaxed.
    pub(super) fn pattern(
        &mut self,
        site: &Site,
        keyword: Keyword,
        value: ValueId,
        pattern: &str,
        parts: &mut Vec<Part>,
    ) -> Result<Option<RegexId>, Stop> {
        match self.search(pattern) {
            Ok(found) => {
                if let Some(offset) = found.loose {
                    let place = (site, keyword.name(), value);
                    let message = format!(
                        "the pattern {pattern:?} is not valid with the `u` flag at byte {offset}; read as without it"
                    );
                    self.warn("loose-pattern", message, place, None);
                }
                Ok(Some(found.regex))
            }
            Err(e) if e.unsupported => {
                let message = format!(
                    "the pattern {pattern:?} at byte {}: {}",
                    e.offset, e.message
                );
                self.unsupported(
                    site,
                    keyword,
                    value,
                    message,
                    "rewrite the pattern without it",
                    parts,
                )?;
                Ok(None)
            }
            Err(e) => {
                self.mark(keyword, Status::Refused, None);
                let place = self.place_of(site, keyword.name(), Some(value));
                let message = format!(
                    "the pattern {pattern:?} at byte {}: {}",
                    e.offset, e.message
                );
                let error = crate::Diagnostic::new("invalid-pattern", message, place)
                    .with_help("patterns are ECMA-262 regular expressions with the `u` flag");
                self.error(error);
                Ok(None)
            }
        }
    }

    /// A list of subschemas.
    pub(super) fn list(
        &mut self,
        site: &Site,
        source: &Rc<Source<'a>>,
        keyword: Keyword,
        value: ValueId,
    ) -> Result<Vec<NodeId>, Stop> {
        let Json::Array(values) = source.document.value(value) else {
            self.invalid(site, keyword, value, "must be an array of schemas");
            return Ok(Vec::new());
        };
        let mut ids = Vec::with_capacity(values.len());
        for (i, v) in values.iter().enumerate() {
            ids.push(self.subschema(site, keyword, Some(Segment::Index(i as u32)), *v)?);
        }
        Ok(ids)
    }

    pub(super) fn arrays(
        &mut self,
        site: &Site,
        source: &Rc<Source<'a>>,
        slots: &Slots,
        parts: &mut Vec<Part>,
    ) -> Result<(), Stop> {
        let mut node = ArrayNode {
            min: self
                .count(site, source, slots, Keyword::MinItems)
                .unwrap_or(0),
            max: self.count(site, source, slots, Keyword::MaxItems),
            ..ArrayNode::default()
        };
        if let Some(value) = slots.get(Keyword::PrefixItems) {
            node.prefix = self.list(site, source, Keyword::PrefixItems, value)?;
        }
        let mut rest = slots.get(Keyword::Items).map(|v| (Keyword::Items, v));
        if let Some(value) = slots.get(Keyword::Items)
            && let Json::Array(_) = source.document.value(value)
        {
            let resource = self.sources.resource(site.resource).dialect;
            let (new, declared) = (resource.draft == Draft::Draft2020, resource.declared);
            if new && (declared || slots.get(Keyword::PrefixItems).is_some()) {
                self.invalid(
                    site,
                    Keyword::Items,
                    value,
                    "must be a schema in 2020-12; the array form is called `prefixItems`",
                );
            } else {
                if new {
                    let place = (site, "items", value);
                    let message = "an array as `items` is older than 2020-12, which this schema does not state".to_owned();
                    self.warn(
                        "older-draft",
                        message,
                        place,
                        Some("state `$schema`, or write `prefixItems`".to_owned()),
                    );
                }
                node.prefix = self.list(site, source, Keyword::Items, value)?;
            }
            rest = slots
                .get(Keyword::AdditionalItems)
                .map(|v| (Keyword::AdditionalItems, v));
        } else if slots.get(Keyword::AdditionalItems).is_some() {
            self.mark(
                Keyword::AdditionalItems,
                Status::Annotation,
                Some("no effect without an array as `items`"),
            );
        }
        if let Some((keyword, value)) = rest
            && !self.is_trivial(source, value)
        {
            node.items = Some(self.subschema(site, keyword, None, value)?);
        }
        if let Some(value) = slots.get(Keyword::UniqueItems) {
            match source.document.value(value) {
                Json::Bool(unique) => node.unique = unique,
                _ => self.invalid(site, Keyword::UniqueItems, value, "must be a boolean"),
            }
        }
        let min = self.count(site, source, slots, Keyword::MinContains);
        let max = self.count(site, source, slots, Keyword::MaxContains);
        if let Some(value) = slots.get(Keyword::Contains) {
            let min = min.unwrap_or(1);
            if min > 0 || max.is_some() {
                node.contains = Some((
                    self.subschema(site, Keyword::Contains, None, value)?,
                    min,
                    max,
                ));
            }
        } else {
            for keyword in [Keyword::MinContains, Keyword::MaxContains] {
                self.mark(
                    keyword,
                    Status::Annotation,
                    Some("no effect without `contains`"),
                );
            }
        }
        if node != ArrayNode::default() {
            parts.push(Part::New(Node::Array(node)));
        }
        Ok(())
    }

    /// The names in an array of distinct strings.
    pub(super) fn name_list(
        &mut self,
        site: &Site,
        source: &Source<'a>,
        keyword: Keyword,
        value: ValueId,
    ) -> Vec<Box<str>> {
        let mut names: Vec<Box<str>> = Vec::new();
        let list = match source.document.value(value) {
            Json::Array(list) => list,
            other => {
                self.invalid(
                    site,
                    keyword,
                    value,
                    format!("must be an array of property names, not {}", other.kind()),
                );
                return names;
            }
        };
        for v in list {
            match source.document.value(*v) {
                Json::String(name) => names.push(name.into()),
                other => {
                    self.invalid(
                        site,
                        keyword,
                        *v,
                        format!("must hold property names, not {}", other.kind()),
                    );
                    return Vec::new();
                }
            }
        }
        if names.len() > 1 {
            let mut seen = rustc_hash::FxHashSet::default();
            names.retain(|n| seen.insert(n.clone()));
        }
        names
    }

    pub(super) fn objects(
        &mut self,
        site: &Site,
        source: &Rc<Source<'a>>,
        slots: &Slots,
        parts: &mut Vec<Part>,
        named: &mut Option<(usize, NodeId, Place)>,
    ) -> Result<(), Stop> {
        let mut node = ObjectNode {
            min: self
                .count(site, source, slots, Keyword::MinProperties)
                .unwrap_or(0),
            max: self.count(site, source, slots, Keyword::MaxProperties),
            ..ObjectNode::default()
        };
        if let Some(value) = slots.get(Keyword::Properties) {
            match source.document.value(value) {
                Json::Object(members) => {
                    node.properties.reserve(members.len());
                    for m in members {
                        let name: Box<str> = m.key.as_ref().into();
                        let id = self.subschema(
                            site,
                            Keyword::Properties,
                            Some(Segment::Name(name.clone())),
                            m.value,
                        )?;
                        node.properties.push((name, id));
                    }
                }
                _ => self.invalid(
                    site,
                    Keyword::Properties,
                    value,
                    "must be an object of schemas",
                ),
            }
        }
        // Which members `additionalProperties` speaks about is not known when a pattern is relaxed.
        let mut patterns_known = true;
        if let Some(value) = slots.get(Keyword::PatternProperties) {
            match source.document.value(value) {
                Json::Object(members) => {
                    for m in members {
                        match self.pattern(
                            site,
                            Keyword::PatternProperties,
                            value,
                            &m.key,
                            parts,
                        )? {
                            Some(regex) => {
                                let step = Segment::Name(m.key.as_ref().into());
                                let id = self.subschema(
                                    site,
                                    Keyword::PatternProperties,
                                    Some(step),
                                    m.value,
                                )?;
                                node.patterns.push((regex, id));
                            }
                            None => patterns_known = false,
                        }
                    }
                }
                _ => self.invalid(
                    site,
                    Keyword::PatternProperties,
                    value,
                    "must be an object of schemas",
                ),
            }
        }
        if let Some(value) = slots.get(Keyword::AdditionalProperties)
            && !self.is_trivial(source, value)
        {
            if patterns_known {
                node.additional =
                    Some(self.subschema(site, Keyword::AdditionalProperties, None, value)?);
            } else {
                self.mark(
                    Keyword::AdditionalProperties,
                    Status::Relaxed,
                    Some("depends on a pattern that was relaxed"),
                );
            }
        }
        if let Some(value) = slots.get(Keyword::Required) {
            node.required = self.name_list(site, source, Keyword::Required, value);
        }
        if let Some(value) = slots.get(Keyword::PropertyNames)
            && !self.is_trivial(source, value)
        {
            let schema = self.subschema(site, Keyword::PropertyNames, None, value)?;
            let place = self.place_of(site, "propertyNames", Some(value));
            *named = Some((parts.len(), schema, place));
        }
        if node != ObjectNode::default() || named.is_some() {
            parts.push(Part::New(Node::Object(node)));
        }
        Ok(())
    }
}
