//! What is legal and probably not meant, by the look of the text: one pass over the schema objects
//! that documents can reach.

use super::{Finding, codes};
use maskwright_grammar::json_schema::json::{Document, Json, ValueId};
use maskwright_grammar::json_schema::{Report, Status};
use std::collections::{BTreeMap, BTreeSet};

/// Lists of more values are remarked on.
const LARGE_ENUM: usize = 1_000;

/// Names of properties that hold the way to an answer.
const REASONING: &[&str] = &[
    "analysis",
    "chainofthought",
    "cot",
    "explanation",
    "justification",
    "rationale",
    "reason",
    "reasoning",
    "reasons",
    "scratchpad",
    "thinking",
    "thought",
    "thoughts",
];

/// Keywords that combine schemas: beside or inside them a schema need not say everything itself.
const COMBINING: &[&str] = &[
    "$dynamicRef",
    "$recursiveRef",
    "$ref",
    "allOf",
    "anyOf",
    "dependencies",
    "dependentSchemas",
    "else",
    "if",
    "not",
    "oneOf",
    "then",
];

/// A schema object and the keywords that the compiler enforces there.
struct Site<'d> {
    document: &'d Document<'d>,
    pointer: &'d str,
    value: ValueId,
    enforced: &'d BTreeSet<&'d str>,
}

impl<'d> Site<'d> {
    /// The value of a keyword, if it is one here.
    fn get(&self, keyword: &str) -> Option<Json<'d>> {
        if !self.enforced.contains(keyword) {
            return None;
        }
        let value = self.document.get(self.value, keyword)?;
        Some(self.document.value(value))
    }

    fn has(&self, keywords: &[&str]) -> bool {
        keywords.iter().any(|k| self.enforced.contains(k))
    }

    /// Whether `type` names a type.
    fn names_type(&self, name: &str) -> bool {
        match self.get("type") {
            Some(Json::String(only)) => only == name,
            Some(Json::Array(list)) => list
                .iter()
                .any(|t| matches!(self.document.value(*t), Json::String(s) if s == name)),
            _ => false,
        }
    }

    fn strings(&self, keyword: &str) -> Vec<&'d str> {
        let Some(Json::Array(list)) = self.get(keyword) else {
            return Vec::new();
        };
        let strings = list.iter().map(|v| self.document.value(*v));
        strings
            .filter_map(|v| match v {
                Json::String(s) => Some(s),
                _ => None,
            })
            .collect()
    }

    fn properties(&self) -> Vec<&'d str> {
        match self.get("properties") {
            Some(Json::Object(members)) => members.iter().map(|m| m.key.as_ref()).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the schema stands in a keyword that combines schemas, or holds one.
    fn is_part(&self) -> bool {
        self.has(COMBINING)
            || self
                .pointer
                .split('/')
                .any(|step| COMBINING.contains(&step))
    }

    fn finding(&self, code: &str, message: String, help: String) -> Finding {
        self.finding_at(self.pointer.to_owned(), code, message, help)
    }

    fn finding_at(&self, pointer: String, code: &str, message: String, help: String) -> Finding {
        let span = super::value_at(self.document, &pointer).map(|v| self.document.span(v));
        Finding::of(code, message, Some(pointer), span).with_help(Some(help))
    }

    fn strings_and_arrays(&self, found: &mut Vec<Finding>) {
        let closed = self.has(&["enum", "const"]) || self.has(COMBINING);
        if self.names_type("string") && !closed && !self.has(&["maxLength", "pattern", "format"]) {
            found.push(self.finding(
                "unbounded-string",
                "a string without an upper bound".to_owned(),
                "add `\"maxLength\"`, at whatever length is too much".to_owned(),
            ));
        }
        let bounded = self.has(&["maxItems"])
            || matches!(self.get("items"), Some(Json::Bool(false)))
            || matches!(self.get("additionalItems"), Some(Json::Bool(false)));
        if self.names_type("array") && !closed && !bounded {
            found.push(self.finding(
                "unbounded-array",
                "an array without an upper bound".to_owned(),
                "add `\"maxItems\"`".to_owned(),
            ));
        }
        if let Some(Json::String(pattern)) = self.get("pattern")
            && !(pattern.starts_with('^') && pattern.ends_with('$'))
        {
            found.push(self.finding_at(
                format!("{}/pattern", self.pointer),
                "unanchored-pattern",
                format!("{pattern:?} may match anywhere in the string"),
                "write `^` and `$` around it if the whole string is meant".to_owned(),
            ));
        }
        if let Some(Json::Array(values)) = self.get("enum")
            && values.len() > LARGE_ENUM
        {
            found.push(self.finding_at(
                format!("{}/enum", self.pointer),
                "large-enum",
                format!("a list of {} values", values.len()),
                "a `pattern`, or two properties that narrow it down, may say the same".to_owned(),
            ));
        }
    }

    fn objects(&self, ordered: bool, found: &mut Vec<Finding>) {
        let declared = self.properties();
        let closed = [
            "additionalProperties",
            "unevaluatedProperties",
            "patternProperties",
            "propertyNames",
        ];
        if !declared.is_empty() && !self.has(&closed) {
            let keyword = if self.has(COMBINING) {
                "unevaluatedProperties"
            } else {
                "additionalProperties"
            };
            // Inside an `allOf` or a branch the outer schema closes the object.
            if self.has(COMBINING) || !self.is_part() {
                found.push(self.finding(
                    "open-object",
                    "names that are not declared may follow".to_owned(),
                    format!("add `\"{keyword}\": false`"),
                ));
            }
        }
        let required = self.strings("required");
        if !declared.is_empty() && !self.is_part() && !self.has(&["patternProperties"]) {
            for name in required.iter().filter(|n| !declared.contains(n)) {
                let near = declared
                    .iter()
                    .find(|d| d.eq_ignore_ascii_case(name) || plain(d) == plain(name));
                found.push(self.finding_at(
                    format!("{}/required", self.pointer),
                    "required-not-declared",
                    format!("{name:?} is required, but not declared in `properties`"),
                    match near {
                        Some(near) => format!("is {near:?} meant?"),
                        None => format!("declare {name:?}, with `{{}}` if it may be anything"),
                    },
                ));
            }
        }
        if let Some(at) = declared.iter().position(|n| is_reasoning(n)) {
            let name = declared[at];
            if ordered && at > 0 {
                let before: Vec<_> = declared[..at].iter().map(|n| format!("{n:?}")).collect();
                found.push(self.finding_at(
                    format!("{}/properties/{}", self.pointer, super::pointer_step(name)),
                    "answer-before-reasoning",
                    format!("{name:?} is written after {}", before.join(", ")),
                    format!("put {name:?} first: properties are written in this order"),
                ));
            }
            if !required.contains(&name) {
                found.push(self.finding_at(
                    format!("{}/properties/{}", self.pointer, super::pointer_step(name)),
                    "optional-reasoning",
                    format!("{name:?} may be left out"),
                    format!("list {name:?} in `required`"),
                ));
            }
        }
    }
}

/// A name without what people put between words.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '_' | '-' | ' '));
    letters.flat_map(char::to_lowercase).collect()
}

fn is_reasoning(name: &str) -> bool {
    REASONING.contains(&plain(name).as_str())
}

/// Everything that smells, in the order of the report. `ordered`: properties are written in the
/// order of the schema.
pub fn smells(document: &Document<'_>, report: &Report, ordered: bool) -> Vec<Finding> {
    let entries: Vec<_> = report.entries().collect();
    let mut sites: Vec<(&str, BTreeSet<&str>)> = Vec::new();
    let mut index: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &entries {
        let Some((pointer, _)) = entry.pointer.rsplit_once('/') else {
            continue;
        };
        let at = *index.entry(pointer).or_insert_with(|| {
            sites.push((pointer, BTreeSet::new()));
            sites.len() - 1
        });
        if entry.status == Status::Enforced {
            sites[at].1.insert(entry.keyword);
        }
    }
    let mut found = Vec::new();
    for (pointer, enforced) in &sites {
        // Other texts of the registry are looked at by themselves.
        let Some(value) = super::value_at(document, pointer) else {
            continue;
        };
        let site = Site {
            document,
            pointer,
            value,
            enforced,
        };
        site.strings_and_arrays(&mut found);
        site.objects(ordered, &mut found);
    }
    // A schema of nothing but trivial definitions has no entries below them.
    for keyword in ["$defs", "definitions"] {
        let Some(definitions) = document.get(document.root(), keyword) else {
            continue;
        };
        let Json::Object(members) = document.value(definitions) else {
            continue;
        };
        for member in members {
            let pointer = format!("/{keyword}/{}", super::pointer_step(&member.key));
            let is_used = |p: &str| {
                p.strip_prefix(pointer.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            let trivial = match document.value(member.value) {
                Json::Object(members) => members.is_empty(),
                _ => true,
            };
            if !trivial && !entries.iter().any(|e| is_used(&e.pointer)) {
                let span = document.span(member.value);
                let message = format!("nothing refers to {:?}", member.key);
                found.push(
                    Finding::of("unused-definition", message, Some(pointer), Some(span))
                        .with_help(Some("remove it, or refer to it".to_owned())),
                );
            }
        }
    }
    debug_assert!(found.iter().all(|f| codes::find(&f.code).is_some()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use maskwright_grammar::json_schema::{Options, parse_with_report};
    use maskwright_tables::Limits;

    /// Codes with pointers.
    fn of(schema: &str) -> Vec<String> {
        let limits = Limits::untrusted();
        let document = Document::parse(schema, &limits).unwrap();
        let (_, report) = parse_with_report(schema, &Options::default(), &limits);
        let found = smells(&document, &report, true);
        let line = |f: &Finding| format!("{} {}", f.code, f.pointer.clone().unwrap_or_default());
        found.iter().map(line).collect()
    }

    #[test]
    fn strings_and_arrays_without_bounds() {
        assert_eq!(of(r#"{"type": "string"}"#), ["unbounded-string "]);
        assert_eq!(of(r#"{"type": ["null", "array"]}"#), ["unbounded-array "]);
        for bounded in [
            r#"{"type": "string", "maxLength": 9}"#,
            r#"{"type": "string", "enum": ["a"]}"#,
            r#"{"type": "string", "format": "date"}"#,
            r#"{"type": "array", "maxItems": 2}"#,
            r#"{"type": "integer"}"#,
            r#"{"const": {"type": "string"}}"#,
        ] {
            assert_eq!(of(bounded), [""; 0], "{bounded}");
        }
        assert_eq!(of(r#"{"pattern": "^a"}"#), ["unanchored-pattern /pattern"]);
    }

    #[test]
    fn objects_that_are_open_and_names_that_are_not_there() {
        assert_eq!(of(r#"{"properties": {"a": {}}}"#), ["open-object "]);
        assert_eq!(
            of(
                r#"{"properties": {"userId": {}}, "required": ["user_id"], "additionalProperties": false}"#
            ),
            ["required-not-declared /required"]
        );
        assert_eq!(of(r#"{"allOf": [{"properties": {"a": {}}}]}"#), [""; 0]);
    }

    #[test]
    fn reasoning_comes_first() {
        let schema = |first: &str, second: &str| {
            format!(
                r#"{{"properties": {{"{first}": {{}}, "{second}": {{}}}}, "required": ["answer"], "additionalProperties": false}}"#
            )
        };
        assert_eq!(
            of(&schema("answer", "reasoning")),
            [
                "answer-before-reasoning /properties/reasoning",
                "optional-reasoning /properties/reasoning"
            ]
        );
        assert_eq!(
            of(&schema("Chain-of_thought", "answer")),
            ["optional-reasoning /properties/Chain-of_thought"]
        );
    }

    #[test]
    fn definitions_that_nothing_uses() {
        let schema = r##"{"$ref": "#/$defs/a/items", "$defs": {"a": {"items": {"type": "null"}}, "b/c": {"type": "null"}}}"##;
        assert_eq!(of(schema), ["unused-definition /$defs/b~1c"]);
    }
}
