//! Schemas of every draft.

use super::{NAMES, number, value};
use crate::random::Random;
use serde_json::{Map, Value, json};

/// The drafts by the URIs of their meta-schemas, oldest first.
pub const DRAFTS: [&str; 5] = [
    "http://json-schema.org/draft-04/schema#",
    "http://json-schema.org/draft-06/schema#",
    "http://json-schema.org/draft-07/schema#",
    "https://json-schema.org/draft/2019-09/schema",
    "https://json-schema.org/draft/2020-12/schema",
];

const PATTERNS: [&str; 12] = [
    "^a",
    "b$",
    "^[a-c]{1,2}$",
    "^(?!a)",
    "^\\d+$",
    "a|é",
    "^.$",
    "^(?=.*b)[a-z]*$",
    "\\w\\W",
    "^(ab?)*$",
    "(?<=a)b",
    "^[^a]*$",
];

const FORMATS: [&str; 4] = ["ipv4", "unknown", "date", "time"];

/// What a subschema may refer to, and how deep it may go.
struct Writer<'r> {
    random: &'r mut Random,
    /// Index into [`DRAFTS`].
    draft: usize,
    /// Names of the definitions.
    definitions: Vec<&'static str>,
    /// How many of them may be referred to where nothing has been consumed, so that no chain of
    /// references comes round without going into the document.
    available: usize,
}

/// A random schema that states its draft. It may be unsatisfiable, and it may refer to itself.
pub fn schema(random: &mut Random) -> Value {
    let draft = random.below(8).min(4);
    let definitions = ["d", "e/f", "g~h"][..random.below(4)].to_vec();
    let mut writer = Writer {
        random,
        draft,
        available: definitions.len(),
        definitions,
    };
    let depth = 1 + writer.random.below(3);
    let mut root = match writer.subschema(depth, false) {
        Value::Object(root) => root,
        other => {
            let mut root = Map::new();
            root.insert("allOf".into(), json!([other]));
            if draft < 1 {
                root.clear();
            }
            root
        }
    };
    root.insert("$schema".into(), json!(DRAFTS[draft]));
    if !writer.definitions.is_empty() {
        let mut all = Map::new();
        for (i, name) in writer.definitions.clone().into_iter().enumerate() {
            writer.available = i;
            let mut definition = writer.subschema(1, false);
            if name == "d"
                && let Value::Object(d) = &mut definition
            {
                if draft >= 3 {
                    d.insert("$anchor".into(), json!("anchored"));
                } else {
                    let id = if draft == 0 { "id" } else { "$id" };
                    d.insert(id.into(), json!("#anchored"));
                }
            }
            all.insert(name.into(), definition);
        }
        let word = if draft >= 3 { "$defs" } else { "definitions" };
        root.insert(word.into(), Value::Object(all));
    }
    Value::Object(root)
}

impl Writer<'_> {
    fn chance(&mut self, one_in: usize) -> bool {
        self.random.below(one_in) == 0
    }

    fn small(&mut self) -> Value {
        json!(self.random.below(4))
    }

    /// A subschema, and sometimes just true or false.
    fn subschema(&mut self, depth: usize, consumed: bool) -> Value {
        if self.draft > 0 && self.chance(16) {
            return json!(!self.chance(4));
        }
        let mut s = Map::new();
        let groups = 1 + usize::from(self.chance(3)) + usize::from(self.chance(4));
        for _ in 0..groups {
            match self.random.below(if depth == 0 { 8 } else { 17 }) {
                0 | 1 => self.types(&mut s),
                2 | 3 => self.values(&mut s),
                4 | 5 => self.numbers(&mut s),
                6 | 7 => self.strings(&mut s),
                8..=10 => self.objects(&mut s, depth - 1, consumed),
                11 | 12 => self.arrays(&mut s, depth - 1),
                13 | 14 => self.combined(&mut s, depth - 1, consumed),
                15 => self.reference(&mut s, consumed),
                _ => self.unevaluated(&mut s, depth - 1, consumed),
            }
        }
        if self.chance(12) {
            s.insert("title".into(), json!("words"));
            s.insert("default".into(), value(self.random, 1));
        }
        Value::Object(s)
    }

    fn types(&mut self, s: &mut Map<String, Value>) {
        let all = [
            "null", "boolean", "number", "integer", "string", "array", "object",
        ];
        let mut some: Vec<&str> = Vec::new();
        for _ in 0..1 + self.random.below(3) {
            let name = *self.random.pick(&all);
            if !some.contains(&name) {
                some.push(name);
            }
        }
        let types = if let [only] = some[..] {
            json!(only)
        } else {
            json!(some)
        };
        s.insert("type".into(), types);
    }

    fn values(&mut self, s: &mut Map<String, Value>) {
        if self.draft > 0 && self.chance(3) {
            s.insert("const".into(), value(self.random, 2));
            return;
        }
        let mut distinct: Vec<Value> = Vec::new();
        for _ in 0..1 + self.random.below(4) {
            let v = value(self.random, 2);
            if !distinct.contains(&v) {
                distinct.push(v);
            }
        }
        s.insert("enum".into(), Value::Array(distinct));
    }

    fn numbers(&mut self, s: &mut Map<String, Value>) {
        for (bound, exclusive) in [
            ("minimum", "exclusiveMinimum"),
            ("maximum", "exclusiveMaximum"),
        ] {
            match self.random.below(4) {
                0 | 1 => {
                    s.insert(bound.into(), number(self.random));
                    if self.draft == 0 && self.chance(2) {
                        let flag = self.chance(2);
                        s.insert(exclusive.into(), json!(flag));
                    }
                }
                2 if self.draft > 0 => {
                    s.insert(exclusive.into(), number(self.random));
                }
                _ => {}
            }
        }
        if self.chance(3) {
            let steps = [
                json!(1),
                json!(2),
                json!(3),
                json!(0.5),
                json!(2.5),
                json!(5),
            ];
            let step = self.random.pick(&steps).clone();
            s.insert("multipleOf".into(), step);
        }
        if self.chance(3) {
            let name = if self.chance(2) { "integer" } else { "number" };
            s.insert("type".into(), json!(name));
        }
    }

    fn strings(&mut self, s: &mut Map<String, Value>) {
        if self.chance(2) {
            s.insert("minLength".into(), self.small());
        }
        if self.chance(2) {
            let most = json!(1 + self.random.below(5));
            s.insert("maxLength".into(), most);
        }
        if self.chance(2) {
            s.insert("pattern".into(), json!(*self.random.pick(&PATTERNS)));
        }
        if self.chance(6) {
            // Older drafts know fewer formats.
            let known = if self.draft < 2 { 2 } else { FORMATS.len() };
            s.insert("format".into(), json!(*self.random.pick(&FORMATS[..known])));
        }
        if self.chance(2) {
            s.insert("type".into(), json!("string"));
        }
    }

    fn names(&mut self, least: usize) -> Vec<&'static str> {
        let mut names = Vec::new();
        for _ in 0..least + self.random.below(3) {
            let name = *self.random.pick(&NAMES);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    fn objects(&mut self, s: &mut Map<String, Value>, depth: usize, consumed: bool) {
        if self.chance(2) {
            s.insert("type".into(), json!("object"));
        }
        if !self.chance(4) {
            let members = self.names(1);
            let members: Map<String, Value> = members
                .into_iter()
                .map(|n| (n.to_owned(), self.subschema(depth, true)))
                .collect();
            s.insert("properties".into(), Value::Object(members));
        }
        if self.chance(2) {
            let least = usize::from(self.draft == 0);
            let names = self.names(least);
            s.insert("required".into(), json!(names));
        }
        if self.chance(3) {
            let more = self.subschema(depth, true);
            let closed = self.chance(2);
            let more = if closed { json!(false) } else { more };
            s.insert("additionalProperties".into(), more);
        }
        if self.chance(4) {
            let mut patterns = Map::new();
            for _ in 0..1 + self.random.below(2) {
                let pattern = *self.random.pick(&PATTERNS);
                patterns.insert(pattern.to_owned(), self.subschema(depth, true));
            }
            s.insert("patternProperties".into(), Value::Object(patterns));
        }
        if self.draft > 0 && self.chance(6) {
            let mut names = self.subschema(0, true);
            if self.chance(2) {
                names = json!({ "pattern": *self.random.pick(&PATTERNS) });
            }
            s.insert("propertyNames".into(), names);
        }
        if self.chance(5) {
            s.insert("minProperties".into(), self.small());
        }
        if self.chance(5) {
            s.insert("maxProperties".into(), self.small());
        }
        if self.chance(5) {
            let name = *self.random.pick(&NAMES);
            let least = usize::from(self.draft == 0);
            let names = json!(self.names(least));
            let word = if self.draft >= 3 {
                "dependentRequired"
            } else {
                "dependencies"
            };
            s.insert(word.into(), json!({ name: names }));
        }
        if self.chance(5) {
            let name = *self.random.pick(&NAMES);
            let then = self.subschema(depth, consumed);
            let word = if self.draft >= 3 {
                "dependentSchemas"
            } else {
                "dependencies"
            };
            s.insert(word.into(), json!({ name: then }));
        }
    }

    fn arrays(&mut self, s: &mut Map<String, Value>, depth: usize) {
        if self.chance(2) {
            s.insert("type".into(), json!("array"));
        }
        let prefix = self.chance(2);
        if prefix {
            let len = 1 + self.random.below(2);
            let list: Vec<Value> = (0..len).map(|_| self.subschema(depth, true)).collect();
            let word = if self.draft == 4 {
                "prefixItems"
            } else {
                "items"
            };
            s.insert(word.into(), Value::Array(list));
        }
        if self.chance(2) {
            let word = match (self.draft, prefix) {
                (4, _) | (_, false) => "items",
                _ => "additionalItems",
            };
            let rest = self.subschema(depth, true);
            s.insert(word.into(), rest);
        }
        if self.chance(3) {
            s.insert("minItems".into(), self.small());
        }
        if self.chance(2) {
            s.insert("maxItems".into(), self.small());
        }
        if self.chance(6) {
            let unique = !self.chance(4);
            s.insert("uniqueItems".into(), json!(unique));
        }
        if self.draft > 0 && self.chance(3) {
            let contained = self.subschema(depth.min(1), true);
            s.insert("contains".into(), contained);
            if self.draft >= 3 && self.chance(2) {
                s.insert("minContains".into(), self.small());
            }
            if self.draft >= 3 && self.chance(2) {
                s.insert("maxContains".into(), self.small());
            }
        }
    }

    fn combined(&mut self, s: &mut Map<String, Value>, depth: usize, consumed: bool) {
        let list = |w: &mut Self| -> Vec<Value> {
            (0..1 + w.random.below(3))
                .map(|_| w.subschema(depth, consumed))
                .collect()
        };
        match self.random.below(5) {
            0 => {
                let all = list(self);
                s.insert("allOf".into(), Value::Array(all));
            }
            1 => {
                let any = list(self);
                s.insert("anyOf".into(), Value::Array(any));
            }
            2 => {
                let one = list(self);
                s.insert("oneOf".into(), Value::Array(one));
            }
            3 => {
                let not = self.subschema(depth, consumed);
                s.insert("not".into(), not);
            }
            _ => {
                // Draft 6 and before ignore these, which is worth a try too.
                let parts = [
                    self.subschema(depth, consumed),
                    self.subschema(depth, consumed),
                    self.subschema(depth, consumed),
                ];
                for (word, part) in ["if", "then", "else"].into_iter().zip(parts) {
                    if word == "if" || !self.chance(3) {
                        s.insert(word.into(), part);
                    }
                }
            }
        }
    }

    fn reference(&mut self, s: &mut Map<String, Value>, consumed: bool) {
        let word = if self.draft >= 3 {
            "$defs"
        } else {
            "definitions"
        };
        let available = match consumed {
            true => self.definitions.len(),
            false => self.available,
        };
        let to = match self.random.below(4) {
            0 if consumed => {
                if self.draft == 3 && self.chance(2) {
                    s.insert("$recursiveRef".into(), json!("#"));
                    return;
                }
                "#".to_owned()
            }
            1 if available > 0 => {
                if self.draft == 4 && self.chance(2) {
                    s.insert("$dynamicRef".into(), json!("#anchored"));
                    return;
                }
                "#anchored".to_owned()
            }
            _ if available > 0 => {
                let name = *self.random.pick(&self.definitions[..available]);
                let name = name.replace('~', "~0").replace('/', "~1");
                format!("#/{word}/{name}")
            }
            _ => return,
        };
        s.insert("$ref".into(), json!(to));
    }

    fn unevaluated(&mut self, s: &mut Map<String, Value>, depth: usize, consumed: bool) {
        self.combined(s, depth, consumed);
        if self.chance(2) {
            self.objects(s, depth, consumed);
        } else {
            self.arrays(s, depth);
        }
        if self.draft < 3 {
            return;
        }
        let word = if self.chance(2) {
            "unevaluatedProperties"
        } else {
            "unevaluatedItems"
        };
        let rest = if self.chance(2) {
            json!(false)
        } else {
            self.subschema(0, true)
        };
        s.insert(word.into(), rest);
    }
}
