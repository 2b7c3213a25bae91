//! The keywords of every draft: names, drafts, and what is probably a misspelling of one.

use super::json::ValueId;
use super::options::Draft;

/// How subschemas stand in the value of a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// No subschemas.
    Plain,
    /// The value is a schema.
    One,
    /// The value is an array of schemas.
    List,
    /// The value is an object of schemas.
    Map,
    /// A schema or an array of schemas.
    OneOrList,
}

macro_rules! keywords {
    ($($variant:ident $name:literal $shape:ident $from:ident $to:ident,)*) => {
        /// A keyword of some draft.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Keyword { $($variant),* }

        impl Keyword {
            pub(super) const ALL: &[Keyword] = &[$(Keyword::$variant),*];

            pub(super) fn from_name(name: &str) -> Option<Keyword> {
                match name {
                    $($name => Some(Keyword::$variant),)*
                    _ => None,
                }
            }

            pub(super) fn name(self) -> &'static str {
                match self { $(Keyword::$variant => $name),* }
            }

            pub(super) fn shape(self) -> Shape {
                match self { $(Keyword::$variant => Shape::$shape),* }
            }

            /// The first and the last draft that know the keyword.
            pub(super) fn drafts(self) -> (Draft, Draft) {
                match self { $(Keyword::$variant => (Draft::$from, Draft::$to)),* }
            }
        }
    };
}

keywords! {
    Schema "$schema" Plain Draft4 Draft2020,
    Id "$id" Plain Draft6 Draft2020,
    OldId "id" Plain Draft4 Draft4,
    Anchor "$anchor" Plain Draft2019 Draft2020,
    DynamicAnchor "$dynamicAnchor" Plain Draft2020 Draft2020,
    RecursiveAnchor "$recursiveAnchor" Plain Draft2019 Draft2019,
    Vocabulary "$vocabulary" Plain Draft2019 Draft2020,
    Comment "$comment" Plain Draft7 Draft2020,
    Ref "$ref" Plain Draft4 Draft2020,
    DynamicRef "$dynamicRef" Plain Draft2020 Draft2020,
    RecursiveRef "$recursiveRef" Plain Draft2019 Draft2019,
    Defs "$defs" Map Draft2019 Draft2020,
    Definitions "definitions" Map Draft4 Draft2020,
    Type "type" Plain Draft4 Draft2020,
    Enum "enum" Plain Draft4 Draft2020,
    Const "const" Plain Draft6 Draft2020,
    Properties "properties" Map Draft4 Draft2020,
    PatternProperties "patternProperties" Map Draft4 Draft2020,
    AdditionalProperties "additionalProperties" One Draft4 Draft2020,
    PropertyNames "propertyNames" One Draft6 Draft2020,
    Required "required" Plain Draft4 Draft2020,
    MinProperties "minProperties" Plain Draft4 Draft2020,
    MaxProperties "maxProperties" Plain Draft4 Draft2020,
    DependentRequired "dependentRequired" Plain Draft2019 Draft2020,
    DependentSchemas "dependentSchemas" Map Draft2019 Draft2020,
    Dependencies "dependencies" Map Draft4 Draft2020,
    UnevaluatedProperties "unevaluatedProperties" One Draft2019 Draft2020,
    PrefixItems "prefixItems" List Draft2020 Draft2020,
    Items "items" OneOrList Draft4 Draft2020,
    AdditionalItems "additionalItems" One Draft4 Draft2019,
    Contains "contains" One Draft6 Draft2020,
    MinContains "minContains" Plain Draft2019 Draft2020,
    MaxContains "maxContains" Plain Draft2019 Draft2020,
    MinItems "minItems" Plain Draft4 Draft2020,
    MaxItems "maxItems" Plain Draft4 Draft2020,
    UniqueItems "uniqueItems" Plain Draft4 Draft2020,
    UnevaluatedItems "unevaluatedItems" One Draft2019 Draft2020,
    Minimum "minimum" Plain Draft4 Draft2020,
    Maximum "maximum" Plain Draft4 Draft2020,
    ExclusiveMinimum "exclusiveMinimum" Plain Draft4 Draft2020,
    ExclusiveMaximum "exclusiveMaximum" Plain Draft4 Draft2020,
    MultipleOf "multipleOf" Plain Draft4 Draft2020,
    MinLength "minLength" Plain Draft4 Draft2020,
    MaxLength "maxLength" Plain Draft4 Draft2020,
    Pattern "pattern" Plain Draft4 Draft2020,
    Format "format" Plain Draft4 Draft2020,
    AllOf "allOf" List Draft4 Draft2020,
    AnyOf "anyOf" List Draft4 Draft2020,
    OneOf "oneOf" List Draft4 Draft2020,
    Not "not" One Draft4 Draft2020,
    If "if" One Draft7 Draft2020,
    Then "then" One Draft7 Draft2020,
    Else "else" One Draft7 Draft2020,
    Title "title" Plain Draft4 Draft2020,
    Description "description" Plain Draft4 Draft2020,
    Default "default" Plain Draft4 Draft2020,
    Examples "examples" Plain Draft4 Draft2020,
    ReadOnly "readOnly" Plain Draft4 Draft2020,
    WriteOnly "writeOnly" Plain Draft4 Draft2020,
    Deprecated "deprecated" Plain Draft4 Draft2020,
    ContentEncoding "contentEncoding" Plain Draft4 Draft2020,
    ContentMediaType "contentMediaType" Plain Draft4 Draft2020,
    ContentSchema "contentSchema" One Draft4 Draft2020,
}

impl Keyword {
    /// Whether the draft knows the keyword. `dependencies` lives on in later drafts, where the
    /// meta-schemas still describe it.
    pub(super) fn is_in(self, draft: Draft) -> bool {
        let (from, to) = self.drafts();
        from <= draft && draft <= to
    }

    /// Whether the keyword belongs to the vocabulary of assertions.
    pub(super) fn is_validation(self) -> bool {
        use Keyword::*;
        matches!(
            self,
            Type | Enum
                | Const
                | Required
                | MinProperties
                | MaxProperties
                | DependentRequired
                | MinContains
                | MaxContains
                | MinItems
                | MaxItems
                | UniqueItems
                | Minimum
                | Maximum
                | ExclusiveMinimum
                | ExclusiveMaximum
                | MultipleOf
                | MinLength
                | MaxLength
                | Pattern
        )
    }

    /// Whether the keyword belongs to the vocabulary of applicators.
    pub(super) fn is_applicator(self) -> bool {
        use Keyword::*;
        matches!(
            self,
            PrefixItems
                | Items
                | AdditionalItems
                | Contains
                | AdditionalProperties
                | Properties
                | PatternProperties
                | DependentSchemas
                | Dependencies
                | PropertyNames
                | If
                | Then
                | Else
                | AllOf
                | AnyOf
                | OneOf
                | Not
        )
    }

    /// Whether the keyword belongs to the vocabulary of unevaluated locations.
    pub(super) fn is_unevaluated(self) -> bool {
        matches!(
            self,
            Keyword::UnevaluatedProperties | Keyword::UnevaluatedItems
        )
    }

    /// Whether the keyword says nothing about documents, whatever the draft.
    pub(super) fn is_annotation(self) -> bool {
        use Keyword::*;
        matches!(
            self,
            Schema
                | Id
                | OldId
                | Anchor
                | DynamicAnchor
                | RecursiveAnchor
                | Vocabulary
                | Comment
                | Defs
                | Definitions
                | Title
                | Description
                | Default
                | Examples
                | ReadOnly
                | WriteOnly
                | Deprecated
                | ContentEncoding
                | ContentMediaType
                | ContentSchema
        )
    }
}

/// The keywords of one schema object.
#[derive(Clone, Debug)]
pub(super) struct Slots([Option<ValueId>; Keyword::ALL.len()]);

impl Slots {
    pub(super) fn new() -> Self {
        Slots([None; Keyword::ALL.len()])
    }

    pub(super) fn set(&mut self, keyword: Keyword, value: ValueId) {
        self.0[keyword as usize] = Some(value);
    }

    pub(super) fn get(&self, keyword: Keyword) -> Option<ValueId> {
        self.0[keyword as usize]
    }
}

/// Keywords of other dialects that people expect to work, with what to write instead.
const FOREIGN: &[(&str, &str)] = &[
    ("nullable", "write \"null\" as one of the types"),
    (
        "discriminator",
        "give each branch of `oneOf` a property with a `const`",
    ),
    ("divisibleBy", "write `multipleOf`"),
    ("disallow", "write `not` with a `type`"),
    ("extends", "write `allOf`"),
    ("optional", "list the other properties in `required`"),
    ("minimumLength", "write `minLength`"),
    ("maximumLength", "write `maxLength`"),
    ("min", "write `minimum`, `minLength` or `minItems`"),
    ("max", "write `maximum`, `maxLength` or `maxItems`"),
    ("regex", "write `pattern`"),
    ("oneof", "write `oneOf`"),
    ("values", "write `enum`"),
];

/// What to say about an unknown keyword that looks like a mistake: the help line.
pub(super) fn suspect(name: &str) -> Option<String> {
    if let Some((_, help)) = FOREIGN.iter().find(|(n, _)| *n == name) {
        return Some((*help).to_owned());
    }
    if name.len() < 3 || name.len() > 24 || name.starts_with("x-") {
        return None;
    }
    // `example` is OpenAPI's, and a true annotation.
    let known = Keyword::ALL
        .iter()
        .map(|k| k.name())
        .filter(|n| *n != "id" && *n != "examples");
    known
        .filter(|n| n.len().abs_diff(name.len()) <= 1)
        .find(|n| n.eq_ignore_ascii_case(name) || near(n.as_bytes(), name.as_bytes()))
        .map(|n| format!("did you mean `{n}`?"))
}

/// Whether one insertion, deletion, substitution or swap of neighbours makes the names equal.
/// Short names need more in common: `xor` is no misspelt `not`.
fn near(a: &[u8], b: &[u8]) -> bool {
    let prefix = a.iter().zip(b).take_while(|(x, y)| x == y).count();
    let suffix = a[prefix..]
        .iter()
        .rev()
        .zip(b[prefix..].iter().rev())
        .take_while(|(x, y)| x == y)
        .count();
    let (x, y) = (&a[prefix..a.len() - suffix], &b[prefix..b.len() - suffix]);
    let close =
        x.len().max(y.len()) <= 1 || x.len() == 2 && y.len() == 2 && x[0] == y[1] && x[1] == y[0];
    close && a.len().min(b.len()) >= 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again() {
        for k in Keyword::ALL {
            assert_eq!(Keyword::from_name(k.name()), Some(*k));
        }
        assert_eq!(Keyword::from_name("uniqueItem"), None);
    }

    #[test]
    fn misspellings_are_suspected_and_other_names_are_not() {
        for (name, help) in [
            ("uniqueItem", "did you mean `uniqueItems`?"),
            (
                "additionalproperties",
                "did you mean `additionalProperties`?",
            ),
            ("requried", "did you mean `required`?"),
            ("minLenght", "did you mean `minLength`?"),
            ("nullable", "write \"null\" as one of the types"),
        ] {
            assert_eq!(suspect(name).as_deref(), Some(help), "{name}");
        }
        for name in [
            "x-type", "name", "example", "kind", "xor", "types_", "order",
        ] {
            assert_eq!(suspect(name), None, "{name}");
        }
    }
}
