//! What is asked of a cache: a source with all that its meaning depends on.

use crate::json_schema::JsonSchemaOptions;
use maskwright_grammar::pattern::Dialect;
use maskwright_tables::heap;

/// What kind of text a source is; `O` holds the options of a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind<O> {
    JsonSchema(O),
    Regex(Dialect),
    Ebnf,
    Gbnf,
    Lark,
    Items,
    IdItems,
}

impl<O> Kind<O> {
    fn map<P>(self, map: impl FnOnce(O) -> P) -> Kind<P> {
        match self {
            Kind::JsonSchema(options) => Kind::JsonSchema(map(options)),
            Kind::Regex(dialect) => Kind::Regex(dialect),
            Kind::Ebnf => Kind::Ebnf,
            Kind::Gbnf => Kind::Gbnf,
            Kind::Lark => Kind::Lark,
            Kind::Items => Kind::Items,
            Kind::IdItems => Kind::IdItems,
        }
    }

    fn as_ref(&self) -> Kind<&O> {
        match self {
            Kind::JsonSchema(options) => Kind::JsonSchema(options),
            Kind::Regex(dialect) => Kind::Regex(*dialect),
            Kind::Ebnf => Kind::Ebnf,
            Kind::Gbnf => Kind::Gbnf,
            Kind::Lark => Kind::Lark,
            Kind::Items => Kind::Items,
            Kind::IdItems => Kind::IdItems,
        }
    }
}

/// A source. Equal ones compile to the same; they are compared whole, not by a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Source<'a> {
    pub kind: Kind<&'a JsonSchemaOptions>,
    pub text: &'a str,
}

/// A source that is kept.
#[derive(Debug)]
pub(super) struct Key {
    kind: Kind<Box<JsonSchemaOptions>>,
    text: Box<str>,
}

impl Key {
    /// A copy of a source.
    pub fn new(source: Source<'_>) -> Self {
        Key {
            kind: source.kind.map(|options| Box::new(options.clone())),
            text: source.text.into(),
        }
    }

    pub fn source(&self) -> Source<'_> {
        Source {
            kind: self.kind.as_ref().map(|options| &**options),
            text: &self.text,
        }
    }

    /// Bytes held on the heap, about.
    pub fn heap_bytes(&self) -> usize {
        let options = match &self.kind {
            Kind::JsonSchema(options) => heap::list::<JsonSchemaOptions>(1) + options.heap_bytes(),
            _ => 0,
        };
        heap::allocation(self.text.len()) + options
    }
}
