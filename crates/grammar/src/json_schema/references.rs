//! Where schemas stand: texts, resources (`$id`), anchors, and what references mean.
//!
//! A *source* is a text, a *resource* a schema with a URI of its own, a *site* one schema object
//! together with the resource and the dynamic scope in which it is read. Of the dynamic scope only
//! one thing matters: for each dynamic anchor, the outermost resource that has it. That map is
//! interned as a *context*, so `$dynamicRef` is decided here, once and exactly: a schema that is
//! read in two contexts is two sites.

use super::json::{Document, Json, ValueId};
use super::keywords::{Keyword, Shape, Slots};
use super::options::{Draft, Options};
use super::report::{PlaceId, Places, Segment};
use super::uri::{decode_percent, resolve, split_fragment};
use crate::{Diagnostic, Place};
use maskwright_tables::Limits;
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A schema text.
#[derive(Debug)]
pub(super) struct Source<'a> {
    pub(super) document: Document<'a>,
    /// The values at which a resource starts.
    resources: FxHashMap<ValueId, u32>,
}

/// How the keywords of a resource are to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dialect {
    pub(super) draft: Draft,
    /// Whether the draft was stated, as opposed to the default.
    pub(super) declared: bool,
    /// Whether the vocabulary of assertions is on (a custom meta-schema may leave it out).
    pub(super) asserts: bool,
    /// Whether the vocabulary of applicators is on.
    pub(super) applies: bool,
    /// Whether the vocabulary of `unevaluated*` is on.
    pub(super) applies_to_rest: bool,
    /// Whether the meta-schema asks for formats to be asserted.
    pub(super) asserts_formats: bool,
}

/// A schema with a URI of its own.
#[derive(Debug)]
pub(super) struct Resource {
    source: u32,
    value: ValueId,
    place: PlaceId,
    base: String,
    pub(super) dialect: Dialect,
    dynamic: Vec<Box<str>>,
}

/// A schema object, with how it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    pub(super) source: u32,
    pub(super) value: ValueId,
    pub(super) resource: u32,
    pub(super) context: u32,
    pub(super) place: PlaceId,
}

/// The standard vocabularies, after the year and month of their draft.
const VOCABULARIES: [&str; 10] = [
    "/vocab/core",
    "/vocab/applicator",
    "/vocab/unevaluated",
    "/vocab/validation",
    "/vocab/meta-data",
    "/vocab/format",
    "/vocab/format-annotation",
    "/vocab/format-assertion",
    "/vocab/content",
    "/vocab/hyper-schema",
];

/// The name under which `$recursiveAnchor` is kept among the dynamic anchors.
const RECURSIVE: &str = "";

/// All texts seen so far.
pub(super) struct Sources<'a> {
    options: &'a Options,
    limits: &'a Limits,
    texts: Vec<Rc<Source<'a>>>,
    resources: Vec<Resource>,
    by_uri: BTreeMap<String, u32>,
    /// Resource and name → value, place, and whether the anchor is dynamic.
    anchors: BTreeMap<(u32, Box<str>), (ValueId, PlaceId, bool)>,
    contexts: Vec<Vec<(Box<str>, u32)>>,
    context_ids: BTreeMap<Vec<(Box<str>, u32)>, u32>,
    /// The context after entering a resource in a context.
    entered: FxHashMap<(u32, u32), u32>,
    /// What is wrong with meta-schemas.
    pub(super) problems: Vec<Diagnostic>,
}

impl<'a> Sources<'a> {
    pub(super) fn new(options: &'a Options, limits: &'a Limits) -> Self {
        Sources {
            options,
            limits,
            texts: Vec::new(),
            resources: Vec::new(),
            by_uri: BTreeMap::new(),
            anchors: BTreeMap::new(),
            contexts: vec![Vec::new()],
            context_ids: BTreeMap::new(),
            entered: FxHashMap::default(),
            problems: Vec::new(),
        }
    }

    pub(super) fn source(&self, id: u32) -> Rc<Source<'a>> {
        self.texts[id as usize].clone()
    }

    pub(super) fn resource(&self, id: u32) -> &Resource {
        &self.resources[id as usize]
    }

    /// Reads a text and returns the site of its root.
    pub(super) fn load(
        &mut self,
        text: &'a str,
        uri: &str,
        prefix: &str,
        places: &mut Places,
    ) -> Result<Site, Diagnostic> {
        let document = Document::parse(text, self.limits)?;
        let place = places.root(prefix);
        let source = self.texts.len() as u32;
        let value = document.root();
        let mut resources = FxHashMap::default();
        let dialect = self.dialect_of(&document, value, None, &places.pointer(place));
        let draft = dialect.draft;
        let base = match id_of(&document, value, draft) {
            Some(id) => resolve(uri, split_fragment(id).0),
            None => uri.to_owned(),
        };
        let root = self.add(source, value, place, base, dialect);
        self.by_uri.entry(uri.to_owned()).or_insert(root);
        resources.insert(value, root);
        if has_names(&document, draft) {
            self.index(&document, source, root, place, &mut resources, places);
        }
        self.texts.push(Rc::new(Source {
            document,
            resources,
        }));
        Ok(self.enter(Site {
            source,
            value,
            resource: root,
            context: 0,
            place,
        }))
    }

    fn add(
        &mut self,
        source: u32,
        value: ValueId,
        place: PlaceId,
        base: String,
        dialect: Dialect,
    ) -> u32 {
        let id = self.resources.len() as u32;
        self.by_uri.entry(base.clone()).or_insert(id);
        self.resources.push(Resource {
            source,
            value,
            place,
            base,
            dialect,
            dynamic: Vec::new(),
        });
        id
    }

    /// The dialect of a schema that may state one.
    fn dialect_of(
        &mut self,
        document: &Document<'_>,
        value: ValueId,
        parent: Option<u32>,
        pointer: &str,
    ) -> Dialect {
        let inherited = match parent {
            Some(p) => self.resource(p).dialect,
            None => Dialect {
                draft: self.options.default_draft,
                declared: false,
                asserts: true,
                applies: true,
                applies_to_rest: true,
                asserts_formats: false,
            },
        };
        let Some(Json::String(uri)) = document.get(value, "$schema").map(|v| document.value(v))
        else {
            return inherited;
        };
        let declared = Dialect {
            declared: true,
            asserts: true,
            applies: true,
            applies_to_rest: true,
            asserts_formats: false,
            ..inherited
        };
        if let Some(draft) = Draft::from_uri(uri) {
            return Dialect { draft, ..declared };
        }
        // A custom meta-schema: its own `$schema` and `$vocabulary` say what it means.
        let Some(text) = self.registry(uri.trim_end_matches('#')) else {
            return inherited;
        };
        let Ok(meta) = Document::parse(text, self.limits) else {
            return inherited;
        };
        let draft = match meta.get(meta.root(), "$schema").map(|v| meta.value(v)) {
            Some(Json::String(uri)) => Draft::from_uri(uri).unwrap_or(inherited.draft),
            _ => inherited.draft,
        };
        let Some(Json::Object(members)) =
            meta.get(meta.root(), "$vocabulary").map(|v| meta.value(v))
        else {
            return Dialect { draft, ..declared };
        };
        for m in members {
            let known = VOCABULARIES.iter().any(|v| {
                let rest = m.key.strip_prefix("https://json-schema.org/draft/20");
                rest.is_some_and(|rest| rest.get(5..) == Some(v))
            });
            if let Json::Bool(true) = meta.value(m.value)
                && !known
            {
                let message = format!(
                    "the meta-schema {uri:?} requires the vocabulary {:?}, which is not known",
                    m.key
                );
                let place = Place::pointer(format!("{pointer}/$schema"));
                let error = Diagnostic::new("unknown-vocabulary", message, place);
                self.problems.push(error.with_help(
                    "give the vocabulary the value false in the meta-schema, if its keywords may be ignored",
                ));
            }
        }
        let has = |name: &str| members.iter().any(|m| m.key.ends_with(name));
        let asserts_formats = has("/vocab/format-assertion");
        let applies = has("/vocab/applicator");
        Dialect {
            draft,
            asserts: has("/vocab/validation"),
            applies,
            applies_to_rest: match draft {
                Draft::Draft2019 => applies,
                _ => has("/vocab/unevaluated"),
            },
            asserts_formats,
            ..declared
        }
    }

    fn registry(&self, uri: &str) -> Option<&'a str> {
        let registry = &self.options.registry;
        registry
            .get(uri)
            .or_else(|| registry.get(&format!("{uri}#")))
            .map(String::as_str)
    }

    /// Finds the resources and anchors inside a text by walking its subschemas.
    fn index(
        &mut self,
        document: &Document<'_>,
        source: u32,
        root: u32,
        place: PlaceId,
        found: &mut FxHashMap<ValueId, u32>,
        places: &mut Places,
    ) {
        let mut work = vec![(document.root(), root, place)];
        while let Some((value, outer, place)) = work.pop() {
            let Json::Object(members) = document.value(value) else {
                continue;
            };
            let mut resource = outer;
            let draft = self.resource(outer).dialect.draft;
            if let Some(id) = id_of(document, value, draft) {
                let (uri, fragment) = split_fragment(id);
                if !uri.is_empty() && value != document.root() {
                    let base = resolve(&self.resource(outer).base, uri);
                    let pointer = places.pointer(place);
                    let dialect = self.dialect_of(document, value, Some(outer), &pointer);
                    resource = self.add(source, value, place, base, dialect);
                    found.insert(value, resource);
                }
                if let Some(name) = fragment
                    .filter(|f| !f.is_empty() && !f.starts_with('/') && draft <= Draft::Draft7)
                {
                    self.anchors
                        .entry((resource, name.into()))
                        .or_insert((value, place, false));
                }
            }
            let draft = self.resource(resource).dialect.draft;
            for member in members {
                let Some(keyword) = Keyword::from_name(&member.key) else {
                    continue;
                };
                match (keyword, document.value(member.value)) {
                    (Keyword::Anchor, Json::String(name)) if keyword.is_in(draft) => {
                        self.anchors
                            .entry((resource, name.into()))
                            .or_insert((value, place, false));
                    }
                    (Keyword::DynamicAnchor, Json::String(name)) if keyword.is_in(draft) => {
                        self.anchors
                            .insert((resource, name.into()), (value, place, true));
                        self.resources[resource as usize].dynamic.push(name.into());
                    }
                    (Keyword::RecursiveAnchor, Json::Bool(true))
                        if keyword.is_in(draft) && value == self.resource(resource).value =>
                    {
                        self.resources[resource as usize]
                            .dynamic
                            .push(RECURSIVE.into());
                    }
                    (_, content) if keyword.shape() != Shape::Plain => {
                        let at = places.child(place, Segment::Word(keyword.name()));
                        match (keyword.shape(), content) {
                            (Shape::One | Shape::OneOrList, Json::Object(_)) => {
                                work.push((member.value, resource, at))
                            }
                            (Shape::List | Shape::OneOrList, Json::Array(list)) => {
                                for (i, v) in list.iter().enumerate() {
                                    work.push((
                                        *v,
                                        resource,
                                        places.child(at, Segment::Index(i as u32)),
                                    ));
                                }
                            }
                            (Shape::Map, Json::Object(map)) => {
                                for m in map {
                                    work.push((
                                        m.value,
                                        resource,
                                        places.child(at, Segment::Name(m.key.as_ref().into())),
                                    ));
                                }
                            }
                            _ => {}
                        }
                    }
                    _ => {}
                }
            }
        }
    }

    /// The site of a subschema of `site`.
    pub(super) fn child(&mut self, site: &Site, value: ValueId, place: PlaceId) -> Site {
        let child = Site {
            value,
            place,
            ..*site
        };
        match self.texts[site.source as usize].resources.get(&value) {
            Some(resource) if *resource != site.resource => self.enter(Site {
                resource: *resource,
                ..child
            }),
            _ => child,
        }
    }

    /// Puts the site's resource into its dynamic scope.
    fn enter(&mut self, mut site: Site) -> Site {
        let dynamic = &self.resources[site.resource as usize].dynamic;
        if dynamic.is_empty() {
            return site;
        }
        if let Some(context) = self.entered.get(&(site.context, site.resource)) {
            site.context = *context;
            return site;
        }
        let before = site.context;
        let mut context = self.contexts[site.context as usize].clone();
        for name in dynamic {
            if let Err(at) = context.binary_search_by(|(n, _)| n.cmp(name)) {
                context.insert(at, (name.clone(), site.resource));
            }
        }
        site.context = match self.context_ids.get(&context) {
            Some(id) => *id,
            None => {
                let id = self.contexts.len() as u32;
                self.contexts.push(context.clone());
                self.context_ids.insert(context, id);
                id
            }
        };
        self.entered.insert((before, site.resource), site.context);
        site
    }

    /// What `$ref` means at a site.
    pub(super) fn resolve(
        &mut self,
        site: &Site,
        reference: &str,
        places: &mut Places,
    ) -> Result<Site, Diagnostic> {
        let (uri, fragment) = split_fragment(reference);
        let resource = if uri.is_empty() {
            site.resource
        } else {
            self.find(site, uri, places)?
        };
        self.target(site, resource, fragment.unwrap_or(""), places)
    }

    /// What `$dynamicRef` means at a site.
    pub(super) fn resolve_dynamic(
        &mut self,
        site: &Site,
        reference: &str,
        places: &mut Places,
    ) -> Result<Site, Diagnostic> {
        let target = self.resolve(site, reference, places)?;
        let name = split_fragment(reference).1.unwrap_or("");
        // Only a reference that first finds a dynamic anchor of that name looks further out.
        match self.anchors.get(&(target.resource, name.into())) {
            Some((value, _, true)) if *value == target.value => {}
            _ => return Ok(target),
        }
        match self.outermost(site, name) {
            Some(resource) => self.target(site, resource, name, places),
            None => Ok(target),
        }
    }

    /// What `$recursiveRef` means at a site.
    pub(super) fn resolve_recursive(
        &mut self,
        site: &Site,
        places: &mut Places,
    ) -> Result<Site, Diagnostic> {
        let own = &self.resources[site.resource as usize];
        let resource = match own.dynamic.iter().any(|n| n.as_ref() == RECURSIVE) {
            true => self.outermost(site, RECURSIVE).unwrap_or(site.resource),
            false => site.resource,
        };
        self.target(site, resource, "", places)
    }

    fn outermost(&self, site: &Site, name: &str) -> Option<u32> {
        let context = &self.contexts[site.context as usize];
        let at = context
            .binary_search_by(|(n, _)| n.as_ref().cmp(name))
            .ok()?;
        Some(context[at].1)
    }

    /// The resource with a URI, read from the registry if need be.
    fn find(&mut self, site: &Site, uri: &str, places: &mut Places) -> Result<u32, Diagnostic> {
        let absolute = resolve(&self.resource(site.resource).base, uri);
        if let Some(id) = self.by_uri.get(&absolute) {
            return Ok(*id);
        }
        let Some(text) = self
            .registry(&absolute)
            .or_else(|| super::metaschemas::text(&absolute))
        else {
            return Err(Diagnostic::new(
                "unresolved-reference",
                format!("nothing is known about {absolute:?}"),
                Place::default(),
            )
            .with_help("references are never fetched: add the schema's text to the registry under this URI"));
        };
        let loaded = self
            .load(text, &absolute, &format!("{absolute}#"), places)
            .map_err(|mut e| {
                e.message = format!("in the registry's {absolute:?}: {}", e.message);
                e
            })?;
        Ok(loaded.resource)
    }

    /// The site that a fragment names inside a resource.
    fn target(
        &mut self,
        site: &Site,
        resource: u32,
        fragment: &str,
        places: &mut Places,
    ) -> Result<Site, Diagnostic> {
        let unresolved =
            |message: String| Diagnostic::new("unresolved-reference", message, Place::default());
        let r = self.resource(resource);
        let mut found = Site {
            source: r.source,
            value: r.value,
            resource,
            context: site.context,
            place: r.place,
        };
        let Some(decoded) = decode_percent(fragment) else {
            return Err(unresolved(format!(
                "the fragment {fragment:?} has a bad percent escape"
            )));
        };
        if let Some(pointer) = decoded.strip_prefix('/') {
            let source = self.source(found.source);
            for step in pointer.split('/') {
                let Some(name) = unescape(step) else {
                    return Err(unresolved(format!(
                        "the JSON pointer step {step:?} has a bad `~` escape"
                    ))
                    .with_help("`~` is written `~0` and `/` is written `~1`"));
                };
                let (next, segment) = match source.document.value(found.value) {
                    Json::Object(_) => (
                        source.document.get(found.value, &name),
                        Segment::Name(name.as_ref().into()),
                    ),
                    Json::Array(list) => {
                        let index = name.parse::<u32>().ok().filter(|i| i.to_string() == *name);
                        (
                            index.and_then(|i| list.get(i as usize).copied()),
                            Segment::Index(index.unwrap_or(0)),
                        )
                    }
                    _ => (None, Segment::Index(0)),
                };
                let Some(next) = next else {
                    return Err(unresolved(format!(
                        "the JSON pointer {decoded:?} leads nowhere: there is no {name:?}"
                    )));
                };
                found.value = next;
                found.place = places.child(found.place, segment);
                if let Some(inner) = source.resources.get(&next) {
                    found.resource = *inner;
                }
            }
        } else if !decoded.is_empty() {
            let Some((value, place, _)) = self.anchors.get(&(resource, decoded.as_ref().into()))
            else {
                return Err(unresolved(format!("there is no anchor {decoded:?}")));
            };
            (found.value, found.place) = (*value, *place);
        }
        Ok(self.enter(found))
    }
}

/// A JSON pointer step without its escapes.
fn unescape(step: &str) -> Option<std::borrow::Cow<'_, str>> {
    if !step.contains('~') {
        return Some(step.into());
    }
    let mut out = String::with_capacity(step.len());
    let mut chars = step.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '~' => match chars.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            c => c,
        });
    }
    Some(out.into())
}

/// The `$id` of a schema, where the draft reads it.
fn id_of<'d>(document: &'d Document<'_>, value: ValueId, draft: Draft) -> Option<&'d str> {
    let key = if draft == Draft::Draft4 { "id" } else { "$id" };
    let id = document.get(value, key)?;
    // Up to draft 7 nothing beside `$ref` counts.
    if draft <= Draft::Draft7
        && document
            .get(value, "$ref")
            .is_some_and(|r| matches!(document.value(r), Json::String(_)))
    {
        return None;
    }
    match document.value(id) {
        Json::String(s) => Some(s),
        _ => None,
    }
}

/// Whether some schema below the root may have a name; if not, there is nothing to index.
fn has_names(document: &Document<'_>, draft: Draft) -> bool {
    let below = document.members().filter(|m| match m.key.as_ref() {
        "$id" => draft != Draft::Draft4,
        "id" => draft == Draft::Draft4,
        "$anchor" | "$dynamicAnchor" | "$recursiveAnchor" => true,
        _ => false,
    });
    let own = id_of(document, document.root(), draft);
    // The root's own `$id` needs no index unless it names an anchor.
    below.count() > usize::from(own.is_some_and(|id| !id.contains('#') || id.ends_with('#')))
}

/// The keywords of a schema object that count at its place; unknown ones are left out.
pub(super) fn slots(document: &Document<'_>, value: ValueId, resource: &Resource) -> Slots {
    let mut slots = Slots::new();
    if let Json::Object(members) = document.value(value) {
        for member in members {
            if let Some(keyword) = Keyword::from_name(&member.key)
                && resource.reads(keyword)
            {
                slots.set(keyword, member.value);
            }
        }
    }
    if resource.dialect.draft <= Draft::Draft7
        && let Some(reference) = slots.get(Keyword::Ref)
    {
        let mut only = Slots::new();
        only.set(Keyword::Ref, reference);
        return only;
    }
    slots
}

impl Resource {
    /// Whether the resource's draft and vocabularies give the keyword a meaning.
    pub(super) fn reads(&self, keyword: Keyword) -> bool {
        let Dialect {
            draft,
            declared,
            asserts,
            applies,
            applies_to_rest,
            ..
        } = self.dialect;
        // Schemas that state no draft are most often older than the default.
        let known = keyword.is_in(draft) || keyword == Keyword::AdditionalItems && !declared;
        known
            && (asserts || !keyword.is_validation())
            && (applies || !keyword.is_applicator())
            && (applies_to_rest || !keyword.is_unevaluated())
    }
}
