//! What `lint` can say: each code with its level and its explanation.

use super::Level;

/// A thing that can be said about a schema.
#[derive(Debug)]
pub struct Code {
    /// The stable name.
    pub name: &'static str,
    /// How bad it is.
    pub level: Level,
    /// One line.
    pub short: &'static str,
    /// What it means, why it matters, what to do.
    pub long: &'static str,
}

/// The code called `name`.
pub fn find(name: &str) -> Option<&'static Code> {
    CODES.iter().find(|c| c.name == name)
}

macro_rules! codes {
    ($($level:ident $name:literal $short:literal $long:literal)*) => {
        /// All codes: those of errors, of warnings, of notes.
        pub static CODES: &[Code] = &[$(Code {
            name: $name,
            level: Level::$level,
            short: $short,
            long: $long,
        }),*];
    };
}

codes! {
Error "invalid-json" "the schema is not JSON"
"The text of the schema is not one JSON value. The place is the first byte that is wrong. Comments,
trailing commas, single quotes and a byte order mark are not JSON."
Error "duplicate-key" "a key stands twice in one object"
"JSON readers disagree about which of two members with the same key counts, so one of them would be
dropped silently. Remove or rename one; two sets of constraints can stand side by side in `allOf`."
Error "invalid-schema" "something is no schema"
"Where a schema is expected there is neither an object nor a boolean."
Error "invalid-keyword" "the value of a keyword is not what the standard asks for"
"For example a `type` that is no type, a negative `maxLength`, `required` that is no list of strings.
Other programs would ignore the keyword or fail later."
Error "invalid-pattern" "a regular expression is malformed"
"Patterns are ECMA-262 with the `u` flag: `\\d`, `\\w`, `\\p{L}`, groups, lookahead and lookbehind are
there; a bare `{` or an unknown escape is an error."
Error "unsupported-keyword" "a keyword that cannot be enforced"
"The keyword asks for something that the machine cannot hold exactly, such as a back-reference in a
pattern. It is refused instead of being ignored. `--lenient` (option `lenient`) widens the schema at
this place and lists it as relaxed; then documents must be checked afterwards."
Error "unsupported-unique-items" "`uniqueItems` that cannot be enforced here"
"Distinct elements are enforced where it is decidable while the document is written. Here it can count
against a document that they differ (under `not`, or in a `oneOf` whose branches overlap), or they are
arrays or objects of which there may be too few for `minItems` or `contains`. Give the elements an `enum`
of scalars, tell the branches apart, or remove `uniqueItems` and check afterwards."
Error "unresolved-reference" "a reference leads nowhere"
"Nothing is ever fetched. A reference must lead into the same text (`#/$defs/name`, an anchor, an
`$id` inside it), to a meta-schema, or to a text in the registry that the caller gives."
Error "reference-cycle" "the schema refers to itself without going into the document"
"Such a schema says nothing definite: `A` is whatever `A` is. A recursive reference must stand inside
`properties`, `items` or another keyword that speaks about a part of the document."
Error "unsatisfiable" "no document satisfies the schema"
"Its constraints exclude each other: a `minimum` above the `maximum`, a `const` of another `type`, a
required property whose schema is `false`, a recursion without an end. There is nothing to generate."
Error "limit-exceeded" "a limit was crossed"
"The message names the stage, what was needed and what was allowed. `--limits trusted` and `--limits
offline` allow more; `lint --cost` names the places that are expensive."
Error "cancelled" "the caller cancelled"
"The compile was stopped from outside; nothing is wrong with the schema as far as it was read."

Warning "relaxed-keyword" "a keyword was widened"
"In lenient mode a keyword that cannot be enforced is dropped here, and only here. Documents that
violate it can be generated: check it afterwards."
Warning "unknown-keyword" "this looks like a misspelt keyword"
"A member that no draft knows is an annotation by the standard: it asserts nothing. Its name is so
near to a keyword (`uniqueItem`, `additionalproperties`), or so well known from another dialect
(`nullable`, `optional`), that something else was probably meant."
Warning "other-draft" "the keyword does not exist in this draft"
"The draft comes from `$schema` (2020-12 if there is none). In this draft the keyword asserts nothing.
Say the right `$schema`, or use the keyword that the draft has."
Warning "older-draft" "read as an older draft means it"
"The value has the form that an older draft gave it, and is read that way. State `$schema`."
Warning "newer-draft" "read as a newer draft means it"
"The value has the form that a newer draft gave it, and is read that way. State `$schema`."
Warning "vocabulary-off" "the meta-schema leaves this keyword out"
"The `$vocabulary` of the meta-schema does not hold the vocabulary of this keyword, so it asserts
nothing."
Warning "ignored-beside-ref" "ignored beside `$ref`"
"Up to draft 7 a schema with `$ref` is that reference and nothing else: all its other members are
ignored. Put both into an `allOf`, or move to 2019-09 or later, where both count."
Warning "unknown-format" "a format that is not known"
"An unknown format is an annotation: it is not checked. The known ones are those of the standard."
Warning "loose-pattern" "a pattern is enforced only in part"
"Part of the pattern could not be held exactly in this position; the message says which."
Warning "empty-enum" "an empty `enum` allows nothing"
"No value is in an empty list. Write `false` if that is meant."
Warning "unsatisfiable-branch" "no value satisfies this part of the schema"
"A branch of `anyOf` or `oneOf`, a property or an element whose constraints exclude each other, by
themselves or together with what stands beside them. It can never be generated: it is dead text, and
probably a mistake. Look for bounds that cross, a `const` of another `type`, a property that is
required here and forbidden there. Write `false` if it is meant."
Warning "required-not-declared" "a required property is not declared"
"A name in `required` has no entry in `properties`, so its value can be anything at all. Often one of
the two names is misspelt. Declare it, with `{}` if it may really be anything."
Warning "answer-before-reasoning" "the answer is written before its reasoning"
"Properties are written in the order of the schema (`--property-order schema`). A model writes from
left to right: what stands before the reasoning is decided before it, and the reasoning then only
justifies it. Put the property that holds the reasoning first."
Warning "optional-reasoning" "the reasoning may be left out"
"A property that holds the reasoning is not in `required`, so a model may go straight to the answer.
List it in `required`."
Warning "large-node" "this place is expensive"
"The machine of this place has many states or rows, which cost time when they are first visited, and
memory. Large counts often come from patterns with wide repetition (`(a|b){1,500}`), from several
patterns on one string, or from many alternatives that stay alive together: narrow the bounds, give
the alternatives a property with a `const` that tells them apart early."

Note "unbounded-string" "a string without an upper bound"
"A model can go on writing this string until its token budget is spent, and a runaway string is the
most common way in which a structured output is cut off. Add `maxLength`, a `format`, a `pattern` or
an `enum`; a length bound costs nothing, however large."
Note "unbounded-array" "an array without an upper bound"
"A model can go on adding elements until its token budget is spent. Add `maxItems`."
Note "open-object" "names that are not declared may follow"
"An object with `properties` and nothing that says otherwise may have any other members. A model can
invent some. Add `\"additionalProperties\": false`; where several subschemas together declare the
properties, `\"unevaluatedProperties\": false` beside them."
Note "unanchored-pattern" "a pattern that may match anywhere"
"Patterns are searched for: any text may stand before and after what they match. Write `^` and `$`
around it if the whole string is meant."
Note "large-enum" "a list of many values"
"More than a thousand values are fine for the machine; for the model a list of this length is hard to
choose from, and it stands in every prompt that holds the schema."
Note "unused-definition" "a definition that nothing refers to"
"Nothing reachable refers to this definition, so it was not even read. Remove it, or look for the
reference that was meant to lead here."
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_told_apart_and_explained() {
        let names: BTreeSet<_> = CODES.iter().map(|c| c.name).collect();
        assert_eq!(names.len(), CODES.len());
        for code in CODES {
            assert!(
                !code.short.is_empty() && code.long.len() > 40,
                "{}",
                code.name
            );
            assert!(
                code.name
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'-')
            );
        }
        assert!(find("unbounded-string").is_some() && find("nonsense").is_none());
    }
}
