//! Lowering: a work list of schema objects, each turned into one node.
//!
//! [`Lowering::site`] gives a schema object its node before the object is read, so references to it,
//! recursive ones included, are edges like any other and nothing recurses. What a schema object
//! asserts becomes a list of [`Part`]s; `keywords` live in the modules that turn them into parts.
//! After the work list is empty:
//!
//! 1. `cycles` refuses schemas that refer to themselves without consuming anything;
//! 2. `relax` narrows around formats that are not known exactly, where they are negated;
//! 3. `names` turns the schemas of `propertyNames` into regexes;
//! 4. `relax` (lenient mode only) widens around what could not be enforced.

use super::json::{Json, ValueId};
use super::keywords::{Keyword, Slots, suspect};
use super::options::{Draft, FormatMode, Options};
use super::references::{Site, Source, Sources, slots};
use super::report::{PlaceId, Report, Segment, Status};
use super::schema::{Node, NodeId, Schema, Types};
use super::{cycles, ecma, names, relax};
use crate::{Diagnostic, Diagnostics, Place, RegexId, RegexPool};
use maskwright_tables::{LimitError, Limits};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::rc::Rc;

/// How many errors are collected before the rest is left out.
const MAX_ERRORS: usize = 32;

/// How many warnings are kept; the report's entries are always complete.
const MAX_WARNINGS: usize = 1000;

/// The longest pointer that is kept with a node; longer ones lose their middle.
const MAX_POINTER: usize = 4096;

/// Reads a JSON Schema and lowers it to a graph of assertions, with a report of what became of
/// each keyword.
///
/// Only what documents can reach from the root is read: a definition that nothing refers to is not.
/// Cost: linear in the text for everything but `unevaluated*` and patterns with assertions, whose
/// cost is capped. No regex is compiled.
///
/// # Errors
/// All errors found, at most 32, each with the JSON pointer of its keyword: `invalid-json`,
/// `duplicate-key`, `invalid-schema`, `invalid-keyword`, `invalid-pattern`, `unsupported-keyword`,
/// `unresolved-reference`, `reference-cycle`, `unknown-vocabulary`, `limit-exceeded`.
pub fn parse(
    text: &str,
    options: &Options,
    limits: &Limits,
) -> Result<(Schema, Report), Diagnostics> {
    let (schema, report) = parse_with_report(text, options, limits);
    Ok((schema?, report))
}

/// As [`parse`], with the report also of a schema that is refused: what was refused where, beside
/// what would have been enforced. Empty when the text was not even read.
pub fn parse_with_report(
    text: &str,
    options: &Options,
    limits: &Limits,
) -> (Result<Schema, Diagnostics>, Report) {
    let mut report = Report::default();
    let mut sources = Sources::new(options, limits);
    let root = match sources.load(text, &options.base_uri, "", &mut report.places) {
        Ok(root) => root,
        Err(e) => return (Err(e.into()), report),
    };
    report.draft = sources.resource(root.resource).dialect.draft;
    let mut lowering = Lowering {
        options,
        limits,
        sources,
        report,
        nodes: Vec::new(),
        places: Vec::new(),
        regexes: RegexPool::new(),
        sites: FxHashMap::default(),
        work: Vec::new(),
        names: Vec::new(),
        patterns: BTreeMap::new(),
        pattern_steps: limits.nodes,
        formats: BTreeMap::new(),
        inexact: FxHashMap::default(),
        relaxed: None,
        errors: Vec::new(),
        first_entry: 0,
        looked_at: 0,
    };
    let schema = match lowering.run(&root) {
        Ok(root) => lowering.finish(root),
        Err(stop) => {
            let mut errors = std::mem::take(&mut lowering.errors);
            errors.push(stop);
            Err(Diagnostics(errors))
        }
    };
    let mut report = lowering.report;
    if let Err(errors) = &schema {
        for error in &errors.0 {
            report.refuse(error);
        }
    }
    (schema, report)
}

/// Something still to be lowered into a node.
enum Work {
    Schema(Site, NodeId),
    /// A value that documents must equal.
    Value(Site, ValueId, NodeId),
}

/// One conjunct of a schema object.
#[derive(Clone, Debug)]
pub(super) enum Part {
    /// A node of its own.
    New(Node),
    /// A node that exists.
    Old(NodeId),
}

/// The state of one run. Fields are public to the keyword modules.
pub(super) struct Lowering<'a> {
    pub(super) options: &'a Options,
    pub(super) limits: &'a Limits,
    pub(super) sources: Sources<'a>,
    pub(super) report: Report,
    pub(super) nodes: Vec<Node>,
    /// For each node where it comes from.
    pub(super) places: Vec<PlaceId>,
    pub(super) regexes: RegexPool,
    sites: FxHashMap<(u32, ValueId, u32), NodeId>,
    work: Vec<Work>,
    /// Objects whose names must match a schema: object, schema, site of the keyword.
    pub(super) names: Vec<(NodeId, NodeId, Place)>,
    /// Patterns read so far.
    pub(super) patterns: BTreeMap<Box<str>, Result<ecma::Pattern, ecma::PatternError>>,
    /// The steps that are left for the assertions of patterns.
    pub(super) pattern_steps: usize,
    /// Formats used so far.
    pub(super) formats: BTreeMap<(Box<str>, bool), Option<super::formats::Texts>>,
    /// Nodes of formats that hold less than the standard allows, and the regexes of all that it
    /// might allow.
    pub(super) inexact: FxHashMap<NodeId, RegexId>,
    /// The node that stands for everything that lenient mode relaxed.
    pub(super) relaxed: Option<NodeId>,
    pub(super) errors: Vec<Diagnostic>,
    /// Where the report's entries of the schema object under way start.
    first_entry: usize,
    /// How many subschemas were looked at for `unevaluated*`.
    pub(super) looked_at: usize,
}

/// Why the run stops at once; other errors are collected.
pub(super) type Stop = Diagnostic;

impl<'a> Lowering<'a> {
    fn run(&mut self, root: &Site) -> Result<NodeId, Stop> {
        let root = self.site(*root)?;
        // Taken from the end: the newest first, which keeps the list short on deep schemas.
        while let Some(work) = self.work.pop() {
            match work {
                Work::Schema(site, node) => self.schema(&site, node)?,
                Work::Value(site, value, node) => self.value(&site, value, node)?,
            }
        }
        Ok(root)
    }

    fn finish(&mut self, root: NodeId) -> Result<Schema, Diagnostics> {
        if let Some(cycle) = cycles::find(&self.nodes) {
            let places: Vec<String> = cycle
                .iter()
                .map(|n| self.report.places.pointer(self.places[n.0 as usize]))
                .collect();
            let first = places.first().cloned().unwrap_or_default();
            self.errors.push(
                Diagnostic::new(
                    "reference-cycle",
                    "the schema refers to itself without going into the document",
                    Place::pointer(first),
                )
                .with_help(
                    "a recursive reference must stand inside `properties`, `items` or the like",
                ),
            );
        }
        let mut problems = std::mem::take(&mut self.sources.problems);
        self.errors.append(&mut problems);
        let mut root = root;
        if self.errors.is_empty() {
            root = relax::narrow(self, root)?;
            names::lower(self)?;
            if let Some(relaxed) = self.relaxed {
                root = relax::widen(self, root, relaxed)?;
            }
        }
        self.seal(root)
    }

    fn seal(&mut self, root: NodeId) -> Result<Schema, Diagnostics> {
        if !self.errors.is_empty() {
            self.errors.truncate(MAX_ERRORS);
            return Err(Diagnostics(std::mem::take(&mut self.errors)));
        }
        let mut pointers: Vec<Box<str>> = Vec::with_capacity(self.nodes.len());
        let mut bytes = 0usize;
        for (i, place) in self.places.iter().enumerate() {
            let pointer = match i.checked_sub(1) {
                Some(before) if self.places[before] == *place => pointers[before].clone(),
                _ => shorten(self.report.places.short_pointer(*place)).into(),
            };
            bytes += pointer.len();
            if bytes > self.limits.bytes {
                let e = LimitError::new(
                    "pointers of the schema",
                    bytes as u64,
                    self.limits.bytes as u64,
                );
                return Err(Diagnostic::limit(e, Place::pointer(pointer)).into());
            }
            pointers.push(pointer);
        }
        Ok(Schema {
            nodes: std::mem::take(&mut self.nodes),
            pointers,
            root: Some(root),
            regexes: std::mem::take(&mut self.regexes),
        })
    }

    /// A node with the given content.
    pub(super) fn add(&mut self, node: Node, place: PlaceId) -> Result<NodeId, Stop> {
        if self.nodes.len() >= self.limits.nodes {
            let e = LimitError::new(
                "schema nodes",
                self.nodes.len() as u64 + 1,
                self.limits.nodes as u64,
            );
            return Err(Diagnostic::limit(
                e,
                Place::pointer(self.report.places.pointer(place)),
            ));
        }
        self.nodes.push(node);
        self.places.push(place);
        Ok(NodeId(self.nodes.len() as u32 - 1))
    }

    /// The node of a part.
    pub(super) fn part(&mut self, part: Part, place: PlaceId) -> Result<NodeId, Stop> {
        match part {
            Part::New(node) => self.add(node, place),
            Part::Old(id) => Ok(id),
        }
    }

    /// The node of a schema object, which is lowered later if it was not met before.
    pub(super) fn site(&mut self, site: Site) -> Result<NodeId, Stop> {
        let key = (site.source, site.value, site.context);
        if let Some(id) = self.sites.get(&key) {
            return Ok(*id);
        }
        let id = self.add(Node::All(Vec::new()), site.place)?;
        self.sites.insert(key, id);
        self.work.push(Work::Schema(site, id));
        Ok(id)
    }

    /// The node of a value that documents must equal.
    pub(super) fn value_later(&mut self, site: &Site, value: ValueId) -> Result<NodeId, Stop> {
        let id = self.add(Node::All(Vec::new()), site.place)?;
        self.work.push(Work::Value(*site, value, id));
        Ok(id)
    }

    /// The place of a keyword of a schema object, or of a step below it.
    pub(super) fn below(
        &mut self,
        site: &Site,
        keyword: Keyword,
        step: Option<Segment>,
    ) -> PlaceId {
        let place = self
            .report
            .places
            .child(site.place, Segment::Word(keyword.name()));
        match step {
            Some(step) => self.report.places.child(place, step),
            None => place,
        }
    }

    /// The site of a subschema.
    pub(super) fn child(
        &mut self,
        site: &Site,
        keyword: Keyword,
        step: Option<Segment>,
        value: ValueId,
    ) -> Site {
        let place = self.below(site, keyword, step);
        self.sources.child(site, value, place)
    }

    /// The node of a subschema.
    pub(super) fn subschema(
        &mut self,
        site: &Site,
        keyword: Keyword,
        step: Option<Segment>,
        value: ValueId,
    ) -> Result<NodeId, Stop> {
        let child = self.child(site, keyword, step, value);
        self.site(child)
    }

    /// Where a keyword stands, for messages.
    pub(super) fn place_of(&self, site: &Site, keyword: &str, value: Option<ValueId>) -> Place {
        let mut pointer = self.report.places.pointer(site.place);
        if !keyword.is_empty() {
            pointer.push('/');
            pointer.push_str(&keyword.replace('~', "~0").replace('/', "~1"));
        }
        // Spans are about the main text only.
        let span = (site.source == 0).then(|| {
            self.sources
                .source(0)
                .document
                .span(value.unwrap_or(site.value))
        });
        Place {
            pointer: Some(pointer),
            span,
        }
    }

    pub(super) fn error(&mut self, error: Diagnostic) {
        if self.errors.len() < MAX_ERRORS {
            self.errors.push(error);
        }
    }

    /// A keyword whose value is not what the standard asks for.
    pub(super) fn invalid(
        &mut self,
        site: &Site,
        keyword: Keyword,
        value: ValueId,
        message: impl Into<String>,
    ) {
        let place = self.place_of(site, keyword.name(), Some(value));
        self.mark(keyword, Status::Refused, None);
        self.error(Diagnostic::new(
            "invalid-keyword",
            format!("`{}` {}", keyword.name(), message.into()),
            place,
        ));
    }

    /// A keyword that cannot be enforced: an error, or a conjunct that stands for it in lenient
    /// mode.
    pub(super) fn unsupported(
        &mut self,
        site: &Site,
        keyword: Keyword,
        value: ValueId,
        message: impl Into<String>,
        help: &str,
        parts: &mut Vec<Part>,
    ) -> Result<(), Stop> {
        let message = message.into();
        if self.options.lenient {
            self.mark(keyword, Status::Relaxed, Some(&message));
            let id = match self.relaxed {
                Some(id) => id,
                None => {
                    let id = self.add(Node::All(Vec::new()), site.place)?;
                    self.relaxed = Some(id);
                    id
                }
            };
            parts.push(Part::Old(id));
        } else {
            self.mark(keyword, Status::Refused, Some(&message));
            let place = self.place_of(site, keyword.name(), Some(value));
            self.error(
                Diagnostic::new(
                    "unsupported-keyword",
                    format!("`{}`: {message}", keyword.name()),
                    place,
                )
                .with_help(help),
            );
        }
        Ok(())
    }

    /// Adds a warning about a keyword.
    pub(super) fn warn(
        &mut self,
        code: &'static str,
        message: String,
        (site, keyword, value): (&Site, &str, ValueId),
        help: Option<String>,
    ) {
        if self.report.warnings.len() < MAX_WARNINGS {
            let mut warning =
                Diagnostic::new(code, message, self.place_of(site, keyword, Some(value)));
            warning.help = help;
            self.report.warnings.push(warning);
        }
    }

    /// Corrects what the report says about a keyword of the schema object under way.
    pub(super) fn mark(&mut self, keyword: Keyword, status: Status, reason: Option<&str>) {
        let own = &mut self.report.entries[self.first_entry..];
        let entry = own
            .iter_mut()
            .find(|(_, k, ..)| matches!(k, Segment::Word(w) if *w == keyword.name()));
        if let Some(entry) = entry {
            entry.2 = status;
            entry.3 = reason.map(Into::into);
        }
    }

    fn schema(&mut self, site: &Site, node: NodeId) -> Result<(), Stop> {
        let source = self.sources.source(site.source);
        match source.document.value(site.value) {
            Json::Bool(true) => {}
            Json::Bool(false) => self.nodes[node.0 as usize] = Node::Any(Vec::new()),
            Json::Object([]) => {}
            Json::Object(_) => {
                let slots = slots(
                    &source.document,
                    site.value,
                    self.sources.resource(site.resource),
                );
                self.first_entry = self.report.entries.len();
                self.record(site, &source, &slots);
                let mut parts = Vec::new();
                let mut named = None;
                self.general(site, &source, &slots, &mut parts)?;
                self.numbers(site, &source, &slots, &mut parts)?;
                self.strings(site, &source, &slots, &mut parts)?;
                self.arrays(site, &source, &slots, &mut parts)?;
                self.objects(site, &source, &slots, &mut parts, &mut named)?;
                self.applicators(site, &source, &slots, &mut parts)?;
                self.unevaluated(site, &source, &slots, &mut parts)?;
                self.conclude(site, node, parts, named)?;
            }
            other => {
                let message = format!(
                    "a schema must be an object or a boolean, not {}",
                    other.kind()
                );
                let place = self.place_of(site, "", None);
                self.error(Diagnostic::new("invalid-schema", message, place));
            }
        }
        Ok(())
    }

    /// Makes a node the conjunction of parts. `named` is the part that is an object whose names
    /// must match a schema.
    fn conclude(
        &mut self,
        site: &Site,
        node: NodeId,
        mut parts: Vec<Part>,
        named: Option<(usize, NodeId, Place)>,
    ) -> Result<(), Stop> {
        let mut object = None;
        if let [Part::New(_)] = parts[..] {
            if let Some(Part::New(only)) = parts.pop() {
                self.nodes[node.0 as usize] = only;
            }
            object = Some(node);
        } else {
            let mut ids = Vec::with_capacity(parts.len());
            for (i, part) in parts.into_iter().enumerate() {
                let id = self.part(part, site.place)?;
                if named.as_ref().is_some_and(|(at, ..)| *at == i) {
                    object = Some(id);
                }
                ids.push(id);
            }
            self.nodes[node.0 as usize] = Node::All(ids);
        }
        if let (Some((_, schema, place)), Some(object)) = (named, object) {
            self.names.push((object, schema, place));
        }
        Ok(())
    }

    fn value(&mut self, site: &Site, value: ValueId, node: NodeId) -> Result<(), Stop> {
        let source = self.sources.source(site.source);
        let parts = self.values(site, &source, &[value], Keyword::Enum)?;
        self.conclude(site, node, parts, None)
    }

    /// Enters every keyword of a schema object into the report, and warns about what looks wrong.
    fn record(&mut self, site: &Site, source: &Source<'a>, slots: &Slots) {
        let Json::Object(members) = source.document.value(site.value) else {
            return;
        };
        let draft = self.sources.resource(site.resource).dialect.draft;
        let beside_ref = draft <= Draft::Draft7 && slots.get(Keyword::Ref).is_some();
        for member in members {
            let Some(keyword) = Keyword::from_name(&member.key) else {
                if let Some(help) = suspect(&member.key) {
                    let place = (site, member.key.as_ref(), member.value);
                    self.warn(
                        "unknown-keyword",
                        format!("`{}` is no keyword", member.key),
                        place,
                        Some(help),
                    );
                }
                let reason = Some("not a keyword".into());
                self.report.entries.push((
                    site.place,
                    Segment::Name(member.key.as_ref().into()),
                    Status::Annotation,
                    reason,
                ));
                continue;
            };
            let (status, reason): (_, Option<Box<str>>) = if keyword.is_annotation() {
                (Status::Annotation, None)
            } else if slots.get(keyword).is_some() {
                (Status::Enforced, None)
            } else {
                let (code, reason) = if beside_ref {
                    (
                        "ignored-beside-ref",
                        format!("{} ignores what stands beside `$ref`", draft.name()),
                    )
                } else if keyword.is_in(draft) {
                    (
                        "vocabulary-off",
                        "the meta-schema leaves the vocabulary out".to_owned(),
                    )
                } else {
                    ("other-draft", format!("not a keyword of {}", draft.name()))
                };
                let place = (site, keyword.name(), member.value);
                let help =
                    (code == "ignored-beside-ref").then(|| "put both into an `allOf`".to_owned());
                self.warn(code, format!("`{}`: {reason}", keyword.name()), place, help);
                (Status::Annotation, Some(reason.into()))
            };
            self.report
                .entries
                .push((site.place, Segment::Word(keyword.name()), status, reason));
        }
    }

    /// Whether a subschema allows everything, by its looks.
    pub(super) fn is_trivial(&self, source: &Source<'a>, value: ValueId) -> bool {
        match source.document.value(value) {
            Json::Bool(b) => b,
            Json::Object(members) => members.is_empty(),
            _ => false,
        }
    }

    /// Keywords about every type: `type`, `enum`, `const`, `$ref` and its kin.
    fn general(
        &mut self,
        site: &Site,
        source: &Rc<Source<'a>>,
        slots: &Slots,
        parts: &mut Vec<Part>,
    ) -> Result<(), Stop> {
        if let Some(value) = slots.get(Keyword::Type)
            && let Some(types) = self.types(site, source, value)
            && types.0 != Types::ALL
        {
            parts.push(Part::New(Node::Types(types.0)));
        }
        if let Some(value) = slots.get(Keyword::Enum) {
            match source.document.value(value) {
                Json::Array(values) => {
                    if values.is_empty() {
                        let place = (site, "enum", value);
                        self.warn(
                            "empty-enum",
                            "an empty `enum` allows nothing".to_owned(),
                            place,
                            None,
                        );
                    }
                    let values = self.values(site, source, values, Keyword::Enum)?;
                    parts.extend(values);
                }
                _ => self.invalid(site, Keyword::Enum, value, "must be an array"),
            }
        }
        if let Some(value) = slots.get(Keyword::Const) {
            let values = self.values(site, source, &[value], Keyword::Const)?;
            parts.extend(values);
        }
        for keyword in [Keyword::Ref, Keyword::DynamicRef, Keyword::RecursiveRef] {
            if let Some(value) = slots.get(keyword)
                && let Some(target) = self.reference(site, source, keyword, value)?
            {
                let id = self.site(target)?;
                parts.push(Part::Old(id));
            }
        }
        Ok(())
    }

    /// The site that a reference means; `None` after an error.
    pub(super) fn reference(
        &mut self,
        site: &Site,
        source: &Source<'a>,
        keyword: Keyword,
        value: ValueId,
    ) -> Result<Option<Site>, Stop> {
        let Json::String(reference) = source.document.value(value) else {
            self.invalid(site, keyword, value, "must be a string");
            return Ok(None);
        };
        let places = &mut self.report.places;
        let found = match keyword {
            Keyword::DynamicRef => self.sources.resolve_dynamic(site, reference, places),
            Keyword::RecursiveRef => self.sources.resolve_recursive(site, places),
            _ => self.sources.resolve(site, reference, places),
        };
        match found {
            Ok(target) => Ok(Some(target)),
            Err(mut e) => {
                e.place = self.place_of(site, keyword.name(), Some(value));
                if e.limit.is_some() {
                    return Err(e);
                }
                e.message = format!("{reference:?}: {}", e.message);
                self.mark(keyword, Status::Refused, Some(&e.message));
                self.error(e);
                Ok(None)
            }
        }
    }

    /// The types of a `type`, and whether numbers must be integers.
    pub(super) fn types(
        &mut self,
        site: &Site,
        source: &Source<'a>,
        value: ValueId,
    ) -> Option<(Types, bool)> {
        let single = [value];
        let names: &[ValueId] = match source.document.value(value) {
            Json::String(_) => &single,
            Json::Array(list) => list,
            _ => {
                self.invalid(
                    site,
                    Keyword::Type,
                    value,
                    "must be the name of a type or an array of names",
                );
                return None;
            }
        };
        if names.is_empty() {
            self.invalid(site, Keyword::Type, value, "must name at least one type");
            return None;
        }
        let (mut types, mut integer, mut number) = (Types(0), false, false);
        for name in names {
            types = types.union(match source.document.value(*name) {
                Json::String("null") => Types::NULL,
                Json::String("boolean") => Types::FALSE.union(Types::TRUE),
                Json::String("number") => {
                    number = true;
                    Types::NUMBER
                }
                Json::String("integer") => {
                    integer = true;
                    Types::NUMBER
                }
                Json::String("string") => Types::STRING,
                Json::String("array") => Types::ARRAY,
                Json::String("object") => Types::OBJECT,
                Json::String(other) => {
                    self.invalid(site, Keyword::Type, *name, format!("names the unknown type {other:?}"));
                    if let Some(e) = self.errors.last_mut() {
                        e.help = Some("the types are null, boolean, number, integer, string, array and object".to_owned());
                    }
                    return None;
                }
                _ => {
                    self.invalid(site, Keyword::Type, *name, "must hold names of types");
                    return None;
                }
            });
        }
        Some((types, integer && !number))
    }

    /// Whether formats are asserted.
    pub(super) fn asserts_formats(&self, site: &Site) -> bool {
        self.options.format != FormatMode::Annotate
            || self.sources.resource(site.resource).dialect.asserts_formats
    }
}

/// A pointer with its middle left out when it is very long.
fn shorten(pointer: String) -> String {
    if pointer.len() <= MAX_POINTER {
        return pointer;
    }
    let mut head = MAX_POINTER / 2;
    while !pointer.is_char_boundary(head) {
        head -= 1;
    }
    let mut tail = pointer.len() - MAX_POINTER / 2;
    while !pointer.is_char_boundary(tail) {
        tail += 1;
    }
    format!("{}…{}", &pointer[..head], &pointer[tail..])
}
