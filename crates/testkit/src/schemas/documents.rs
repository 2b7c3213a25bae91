//! Documents that follow a schema more or less.

use super::{NAMES, number, string, value};
use crate::random::Random;
use serde_json::{Map, Number, Value, json};

/// A document that tries to be valid. It often is; when it is not, it is close.
pub fn document(schema: &Value, random: &mut Random) -> Value {
    Follower {
        root: schema,
        random,
        left: 60,
    }
    .instance(schema, 5)
}

/// Changes one thing of a document: a value, a member, an element, a number by a little.
pub fn mutate(document: &mut Value, random: &mut Random) {
    change(descend(document, random), random);
}

/// A random value inside a document, or the whole.
fn descend<'v>(mut at: &'v mut Value, random: &mut Random) -> &'v mut Value {
    loop {
        let len = match at {
            Value::Array(items) => items.len(),
            Value::Object(members) => members.len(),
            _ => 0,
        };
        if len == 0 || random.below(2) == 0 {
            return at;
        }
        let i = random.below(len);
        at = match at {
            Value::Array(items) => &mut items[i],
            Value::Object(members) => members.values_mut().nth(i).expect("within its length"),
            _ => unreachable!("nothing else has a length"),
        };
    }
}

fn change(at: &mut Value, random: &mut Random) {
    let new = match at {
        Value::Array(items) => match random.below(4) {
            0 => return items.push(value(random, 1)),
            1 if !items.is_empty() => {
                let copy = random.pick(items).clone();
                return items.push(copy);
            }
            2 if !items.is_empty() => {
                items.remove(random.below(items.len()));
                return;
            }
            3 if items.len() > 1 => {
                let (i, j) = (random.below(items.len()), random.below(items.len()));
                return items.swap(i, j);
            }
            _ => value(random, 1),
        },
        Value::Object(members) => match random.below(4) {
            0 | 1 => {
                members.insert((*random.pick(&NAMES)).to_owned(), value(random, 1));
                return;
            }
            2 if !members.is_empty() => {
                let name = members.keys().nth(random.below(members.len())).cloned();
                members.remove(&name.unwrap_or_default());
                return;
            }
            _ => value(random, 1),
        },
        Value::Number(n) => {
            let steps = [1.0, -1.0, 0.5, 2.0];
            tidy(n.as_f64().unwrap_or(0.0) + random.pick(&steps))
        }
        _ => value(random, 1),
    };
    *at = new;
}

/// Integral numbers without a fraction, most of the time that is how they are written.
fn tidy(n: f64) -> Value {
    if n.fract() == 0.0 {
        json!(n as i64)
    } else {
        Number::from_f64(n).map_or(Value::Null, Value::Number)
    }
}

struct Follower<'s, 'r> {
    root: &'s Value,
    random: &'r mut Random,
    /// Values that may still be made.
    left: usize,
}

impl<'s> Follower<'s, '_> {
    fn chance(&mut self, one_in: usize) -> bool {
        self.random.below(one_in) == 0
    }

    fn target(&self, reference: &str) -> Option<&'s Value> {
        match reference.strip_prefix('#')? {
            "anchored" => ["$defs", "definitions"]
                .iter()
                .find_map(|word| self.root.get(word)?.get("d")),
            pointer => self.root.pointer(pointer),
        }
    }

    /// A schema and what it refers to and combines, a random branch of each choice.
    fn conjuncts(&mut self, schema: &'s Value) -> Vec<&'s Map<String, Value>> {
        let mut all = Vec::new();
        let mut work = vec![schema];
        while let Some(schema) = work.pop() {
            let Value::Object(s) = schema else { continue };
            if all.len() > 20 {
                break;
            }
            all.push(s);
            for word in ["$ref", "$dynamicRef", "$recursiveRef"] {
                if let Some(Value::String(to)) = s.get(word) {
                    work.extend(self.target(to));
                }
            }
            if let Some(Value::Array(parts)) = s.get("allOf") {
                work.extend(parts);
            }
            for word in ["anyOf", "oneOf"] {
                if let Some(Value::Array(parts)) = s.get(word)
                    && !parts.is_empty()
                {
                    work.push(self.random.pick(parts));
                }
            }
            if self.chance(2) {
                work.extend([s.get("if"), s.get("then")].into_iter().flatten());
            } else {
                work.extend(s.get("else"));
            }
            for word in ["dependentSchemas", "dependencies"] {
                if let Some(Value::Object(parts)) = s.get(word)
                    && self.chance(2)
                {
                    work.extend(parts.values());
                }
            }
        }
        all
    }

    fn instance(&mut self, schema: &'s Value, depth: usize) -> Value {
        if depth == 0 || self.left == 0 {
            return value(self.random, 0);
        }
        self.left -= 1;
        let all = self.conjuncts(schema);
        if all.is_empty() || self.chance(20) {
            return value(self.random, 1);
        }
        // The most specific first.
        for s in &all {
            if let Some(v) = s.get("const")
                && !self.chance(6)
            {
                return v.clone();
            }
            if let Some(Value::Array(values)) = s.get("enum")
                && !values.is_empty()
                && !self.chance(6)
            {
                return self.random.pick(values).clone();
            }
        }
        let mut types: Vec<&str> = Vec::new();
        for s in &all {
            match s.get("type") {
                Some(Value::String(name)) => types.push(name),
                Some(Value::Array(names)) => {
                    types.extend(names.iter().filter_map(Value::as_str));
                }
                _ => {}
            }
        }
        if types.is_empty() || self.chance(6) {
            let has = |words: &[&str]| all.iter().any(|s| words.iter().any(|w| s.contains_key(*w)));
            let hints = [
                (
                    "object",
                    &[
                        "properties",
                        "required",
                        "patternProperties",
                        "propertyNames",
                        "minProperties",
                        "additionalProperties",
                        "unevaluatedProperties",
                        "dependentRequired",
                        "dependentSchemas",
                        "dependencies",
                        "maxProperties",
                    ][..],
                ),
                (
                    "array",
                    &[
                        "items",
                        "prefixItems",
                        "contains",
                        "minItems",
                        "uniqueItems",
                        "unevaluatedItems",
                        "maxItems",
                    ],
                ),
                ("string", &["pattern", "minLength", "maxLength", "format"]),
                ("number", &["minimum", "maximum", "multipleOf"]),
            ];
            types.extend(hints.iter().filter(|(_, w)| has(w)).map(|(name, _)| *name));
        }
        if types.is_empty() {
            return value(self.random, 2);
        }
        match *self.random.pick(&types) {
            "null" => Value::Null,
            "boolean" => json!(self.random.below(2) == 0),
            "string" => self.string(&all),
            "array" => self.array(&all, depth),
            "object" => self.object(&all, depth),
            "integer" => {
                let n = self.number(&all);
                tidy(n.round())
            }
            _ => {
                let n = self.number(&all);
                tidy(n)
            }
        }
    }

    fn number(&mut self, all: &[&'s Map<String, Value>]) -> f64 {
        let mut n = number(self.random).as_f64().unwrap_or(0.0);
        let words = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
        let bounds: Vec<f64> = all
            .iter()
            .flat_map(|s| words.iter().filter_map(|w| s.get(*w)?.as_f64()))
            .collect();
        if !bounds.is_empty() && !self.chance(4) {
            n = *self.random.pick(&bounds);
            n += *self.random.pick(&[0.0, 0.0, 1.0, -1.0, 0.5, -0.5]);
        }
        let step = all.iter().find_map(|s| s.get("multipleOf")?.as_f64());
        match step {
            Some(step) if !self.chance(4) => (n / step).ceil() * step,
            _ => n,
        }
    }

    fn string(&mut self, all: &[&'s Map<String, Value>]) -> Value {
        let least = all
            .iter()
            .filter_map(|s| s.get("minLength")?.as_u64())
            .max()
            .unwrap_or(0);
        let Value::String(mut s) = string(self.random) else {
            return Value::Null;
        };
        if self.chance(2) {
            while (s.chars().count() as u64) < least {
                s.push(*self.random.pick(&['a', 'b', 'é', '1', '\\']));
            }
        }
        Value::String(s)
    }

    fn array(&mut self, all: &[&'s Map<String, Value>], depth: usize) -> Value {
        let least = all.iter().filter_map(|s| s.get("minItems")?.as_u64());
        let most = all.iter().filter_map(|s| s.get("maxItems")?.as_u64());
        let least = least.max().unwrap_or(0) as usize;
        let most = most.min().unwrap_or(4) as usize;
        let mut len = least + self.random.below(3);
        if !self.chance(6) {
            len = len.min(most);
        }
        let mut items = Vec::new();
        for i in 0..len {
            // One of the schemas that speak of the element.
            let mut of: Vec<&'s Value> = Vec::new();
            for s in all {
                for word in ["prefixItems", "items"] {
                    if let Some(Value::Array(list)) = s.get(word) {
                        of.extend(list.get(i));
                    }
                }
                if of.is_empty() {
                    of.extend(s.get("items").filter(|v| !v.is_array()));
                    of.extend(s.get("additionalItems"));
                    of.extend(s.get("unevaluatedItems"));
                }
                if self.chance(2) {
                    of.extend(s.get("contains"));
                }
            }
            let item = match of.is_empty() {
                true => value(self.random, 1),
                false => {
                    let schema = *self.random.pick(&of);
                    self.instance(schema, depth - 1)
                }
            };
            items.push(item);
        }
        Value::Array(items)
    }

    fn object(&mut self, all: &[&'s Map<String, Value>], depth: usize) -> Value {
        let mut names: Vec<String> = Vec::new();
        for s in all {
            if let Some(Value::Array(list)) = s.get("required") {
                for name in list.iter().filter_map(Value::as_str) {
                    if !self.chance(12) {
                        names.push(name.to_owned());
                    }
                }
            }
            if let Some(Value::Object(list)) = s.get("properties") {
                for name in list.keys() {
                    if self.chance(2) {
                        names.push(name.clone());
                    }
                }
            }
            for word in ["dependentRequired", "dependencies"] {
                if let Some(Value::Object(list)) = s.get(word)
                    && self.chance(2)
                {
                    for (name, then) in list {
                        names.push(name.clone());
                        if let Value::Array(then) = then {
                            names.extend(then.iter().filter_map(Value::as_str).map(str::to_owned));
                        }
                    }
                }
            }
        }
        let open = !all
            .iter()
            .any(|s| s.get("additionalProperties") == Some(&Value::Bool(false)));
        if open || self.chance(4) {
            for _ in 0..self.random.below(3) {
                names.push((*self.random.pick(&NAMES)).to_owned());
            }
        }
        let mut members = Map::new();
        for name in names {
            let mut of: Vec<&'s Value> = Vec::new();
            for s in all {
                of.extend(s.get("properties").and_then(|p| p.get(&name)));
            }
            if of.is_empty() {
                for s in all {
                    if let Some(Value::Object(list)) = s.get("patternProperties") {
                        of.extend(list.values());
                    }
                    of.extend(s.get("additionalProperties"));
                    of.extend(s.get("unevaluatedProperties"));
                }
            }
            let member = match of.is_empty() {
                true => value(self.random, 1),
                false => {
                    let schema = *self.random.pick(&of);
                    self.instance(schema, depth - 1)
                }
            };
            members.insert(name, member);
        }
        Value::Object(members)
    }
}
