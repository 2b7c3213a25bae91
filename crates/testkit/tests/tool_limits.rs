//! The schema sizes at which users of other engines ran into limits: each compiles under the limits
//! for strangers, and what the first mask makes is counted.

mod common;

use common::Spelling;
use maskwright_compiler::vocabulary::VocabularyExt;
use maskwright_compiler::{Compiler, JsonSchemaOptions, Stats};
use maskwright_runtime::Matcher;
use maskwright_tables::{Limits, Vocabulary};
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A schema with texts.
struct Case {
    name: String,
    schema: String,
    accept: Vec<String>,
    reject: Vec<String>,
    /// The most stack symbols and lexical states that the first mask may make.
    bound: (usize, usize),
}

impl Case {
    fn new(name: &str, schema: &Value, bound: (usize, usize)) -> Self {
        Case {
            name: name.to_owned(),
            schema: schema.to_string(),
            accept: Vec::new(),
            reject: Vec::new(),
            bound,
        }
    }

    fn accept(mut self, text: impl Into<String>) -> Self {
        self.accept.push(text.into());
        self
    }

    fn reject(mut self, text: impl Into<String>) -> Self {
        self.reject.push(text.into());
        self
    }
}

/// What the first mask and the texts made.
struct Cost {
    first: Stats,
    all: Stats,
    time: Duration,
}

/// Compiles for a vocabulary whose rows nobody else has made, and reads the texts.
fn run(case: &Case, vocabulary: &Arc<Vocabulary>, spelling: &Spelling<'_>) -> Result<Cost, String> {
    let compiler = Compiler::new(Arc::clone(vocabulary), Limits::untrusted());
    let start = Instant::now();
    let compiled = compiler
        .json_schema_with(&case.schema, &JsonSchemaOptions::default())
        .map_err(|e| e.to_string())?;
    let matcher = Matcher::new(&compiled).map_err(|e| e.to_string())?;
    let mut words = vec![0u32; matcher.mask_words()];
    matcher.fill_mask(&mut words).map_err(|e| e.to_string())?;
    let time = start.elapsed();
    let first = compiled.stats();
    let texts = case.accept.iter().map(|t| (t, true));
    for (text, expected) in texts.chain(case.reject.iter().map(|t| (t, false))) {
        common::same_verdict(&matcher, text.as_bytes(), expected, spelling)
            .map_err(|e| format!("{text:.200}: {e}"))?;
    }
    Ok(Cost {
        first,
        all: compiled.stats(),
        time,
    })
}

/// A tool as an object with a name and arguments of its own.
fn tool(i: usize) -> Value {
    json!({
        "type": "object",
        "properties": {
            "name": { "const": format!("tool_{i}") },
            "arguments": {
                "type": "object",
                "properties": {
                    format!("path_{}", i % 7): { "type": "string" },
                    "count": { "type": "integer", "minimum": 0, "maximum": i },
                    "mode": { "enum": ["fast", format!("mode_{i}")] },
                },
                "required": [format!("path_{}", i % 7)],
                "additionalProperties": false,
            },
        },
        "required": ["name", "arguments"],
        "additionalProperties": false,
    })
}

fn optional(n: usize, more: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> = (0..n)
        .map(|i| (format!("p{i:03}"), json!({ "type": "integer" })))
        .collect();
    let mut schema = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    });
    for (keyword, value) in more {
        schema[*keyword] = value.clone();
    }
    schema
}

fn nested(depth: usize, leaf: Value, mut wrap: impl FnMut(Value, usize) -> Value) -> Value {
    (0..depth).fold(leaf, |inner, i| wrap(inner, depth - 1 - i))
}

fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    for word in ["anyOf", "oneOf"] {
        let tools: Vec<Value> = (0..239).map(tool).collect();
        // Members are written in the order of the text, which sorts names here.
        all.push(
            Case::new(
                &format!("239 tools, {word}"),
                &json!({ word: tools }),
                (1_000, 5_000),
            )
            .accept(r#"{"arguments":{"count":5,"path_1":"x"},"name":"tool_8"}"#)
            .accept(r#"{"arguments": {"mode": "mode_238", "path_0": ""}, "name": "tool_238"}"#)
            .reject(r#"{"arguments":{"count":9,"path_1":"x"},"name":"tool_8"}"#)
            .reject(r#"{"arguments":{"path_1":"x"},"name":"tool_239"}"#)
            .reject(r#"{"arguments":{"path_1":"x"},"name":"tool_9"}"#)
            .reject(r#"{"arguments":{"mode":"mode_7","path_1":"x"},"name":"tool_8"}"#),
        );
    }
    let values: Vec<String> = (0..10_000u64)
        .map(|i| format!("value-{:x}", i.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    all.push(
        Case::new("an enum of 10,000", &json!({ "enum": values }), (20, 500))
            .accept(format!("{:?}", values[0]))
            .accept(format!("{:?}", values[9_999]))
            .reject(r#""value-1""#)
            .reject(format!("\"{}0\"", values[5_000])),
    );
    for n in [30, 500] {
        let last = format!("p{:03}", n - 1);
        all.push(
            Case::new(
                &format!("{n} optional properties"),
                &optional(n, &[]),
                (20, 2_000),
            )
            .accept("{}")
            .accept(format!(r#"{{"p000":1,"p017":2,"{last}":3}}"#))
            .reject(format!(r#"{{"{last}":3,"p000":1}}"#))
            .reject(r#"{"q":1}"#),
        );
        all.push(
            Case::new(
                &format!("{n} optional properties, at least 2, at most 5"),
                &optional(
                    n,
                    &[("minProperties", json!(2)), ("maxProperties", json!(5))],
                ),
                (20, 2_000),
            )
            .accept(format!(r#"{{"p000":1,"{last}":3}}"#))
            .reject("{}")
            .reject(format!(r#"{{"{last}":3}}"#))
            .reject(r#"{"p000":1,"p001":1,"p002":1,"p003":1,"p004":1,"p005":1}"#),
        );
    }
    for n in [200, 65_536] {
        all.push(
            Case::new(
                &format!("maxLength {n}"),
                &json!({ "type": "string", "maxLength": n }),
                (20, 500),
            )
            .accept(format!("\"{}\"", "a".repeat(n)))
            .reject(format!("\"{}\"", "a".repeat(n + 1))),
        );
    }
    for n in [128, 129] {
        all.push(
            Case::new(
                &format!("pattern ^.{{1,{n}}}$"),
                &json!({ "type": "string", "pattern": format!("^.{{1,{n}}}$") }),
                (20, 500),
            )
            .accept(format!("\"{}\"", "a".repeat(n)))
            .reject(format!("\"{}\"", "a".repeat(n + 1))),
        );
    }
    let leaf = json!({ "type": "object", "properties": { "v": { "type": "integer" } }, "required": ["v"], "additionalProperties": false });
    let one_of = nested(12, leaf.clone(), |inner, i| {
        json!({ "oneOf": [
            inner,
            { "type": "object", "properties": { format!("k{i:02}"): { "type": "string" } }, "required": [format!("k{i:02}")], "additionalProperties": false },
        ] })
    });
    all.push(
        Case::new("oneOf in oneOf, 12 deep", &one_of, (30, 500))
            .accept(r#"{"v":1}"#)
            .accept(r#"{"k00":""}"#)
            .accept(r#"{"k11":""}"#)
            .reject(r#"{"k00":"","k01":""}"#)
            .reject(r#"{"k12":""}"#),
    );
    let one_of = nested(12, leaf, |inner, i| {
        json!({ "oneOf": [
            { "type": "object", "properties": { "n": inner, "t": { "const": i } }, "required": ["t"] },
            { "type": "object", "properties": { "n": inner, "t": { "const": -1 } }, "required": ["n", "t"] },
        ] })
    });
    all.push(
        Case::new(
            "oneOf below oneOf, 12 deep, twice each",
            &one_of,
            (200, 2_000),
        )
        .accept(r#"{"n":{"n":{"t":2,"v":1},"t":-1},"t":0}"#)
        .accept(r#"{"n":{"n":{"t":2},"t":-1},"t":0}"#)
        .reject(r#"{"n":{"n":{"t":3},"t":-1},"t":0}"#)
        .reject(r#"{"t":-1}"#),
    );
    let (open, close) = ("[".repeat(400), "]".repeat(400));
    all.push(
        Case::new(
            "arrays, 400 levels",
            &nested(
                400,
                json!({ "type": "integer" }),
                |inner, _| json!({ "type": "array", "items": inner, "minItems": 1 }),
            ),
            (30, 500),
        )
        .accept(format!("{open}1{close}"))
        .reject(format!("{open}\"\"{close}"))
        .reject(format!("{open}[1]{close}")),
    );
    let (open, close) = ("{\"a\":".repeat(400), "}".repeat(400));
    all.push(
        Case::new(
            "objects under anyOf, 400 levels",
            &nested(400, json!({ "type": "integer" }), |inner, _| {
                json!({ "anyOf": [
                    { "type": "object", "properties": { "a": inner }, "required": ["a"], "additionalProperties": false },
                    { "type": "null" },
                ] })
            }),
            (30, 500),
        )
        .accept(format!("{open}1{close}"))
        .accept(r#"{"a":{"a":null}}"#)
        .reject(format!("{open}\"\"{close}"))
        .reject(r#"{"a":{"b":null}}"#),
    );
    let mut definitions = Map::new();
    for i in 0..1_000 {
        definitions.insert(
            format!("d{i}"),
            json!({ "$ref": format!("#/$defs/d{}", i + 1) }),
        );
    }
    definitions.insert("d1000".to_owned(), json!({ "type": "integer" }));
    all.push(
        Case::new(
            "a chain of 1,000 references",
            &json!({ "$ref": "#/$defs/d0", "$defs": definitions }),
            (20, 500),
        )
        .accept("1")
        .reject("\"\""),
    );
    let choices: Vec<Value> = (0..20)
        .map(|i| {
            json!({ "anyOf": [
                { "required": [format!("a{i:02}")] },
                { "required": [format!("b{i:02}")] },
            ] })
        })
        .collect();
    let members = |first: &str| -> String {
        let list: Vec<String> = (0..20).map(|i| format!("\"{first}{i:02}\":1")).collect();
        format!("{{{}}}", list.join(","))
    };
    all.push(
        Case::new(
            "20 choices of two",
            &json!({ "type": "object", "allOf": choices }),
            (300, 2_000),
        )
        .accept(members("a"))
        .accept(members("b"))
        .reject(members("a").replace("\"a07\":1,", "")),
    );
    all
}

#[test]
fn schemas_beyond_the_limits_of_others_compile() {
    let vocabulary = Vocabulary::cl100k_base();
    let spelling = Spelling::new(&vocabulary);
    let mut failures = Vec::new();
    let mut lexical = Vec::new();
    for case in cases() {
        let cost = match run(&case, &vocabulary, &spelling) {
            Ok(cost) => cost,
            Err(e) => {
                failures.push(format!("{}: {e:.400}", case.name));
                continue;
            }
        };
        let Cost { first, all, time } = cost;
        println!(
            "{}: first mask {time:?}, {} symbols, {} lexical states, {} KB of sets; after the texts {} and {}, {} KB",
            case.name,
            first.symbols,
            first.lexical_states,
            first.set_bytes >> 10,
            all.symbols,
            all.lexical_states,
            all.set_bytes >> 10,
        );
        if first.symbols > case.bound.0 || first.lexical_states > case.bound.1 {
            failures.push(format!(
                "{}: {} symbols and {} lexical states for the first mask, not {:?}",
                case.name, first.symbols, first.lexical_states, case.bound
            ));
        }
        if case.name.starts_with("maxLength") || case.name.starts_with("pattern") {
            lexical.push(first.lexical_states);
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    // A bound on the length costs the same whatever it is.
    assert_eq!(lexical[0], lexical[1], "maxLength 200 and 65,536");
    assert_eq!(lexical[2], lexical[3], "patterns of 128 and 129");
}

#[test]
fn nothing_recurses_on_the_depth_of_a_schema() {
    let deep = nested(1_300, json!({ "type": "integer" }), |inner, i| {
        if i % 2 == 0 {
            json!({ "allOf": [{ "items": inner }] })
        } else {
            json!({ "properties": { "a": inner } })
        }
    });
    let text = deep.to_string();
    std::mem::forget(deep); // The value itself would be dropped recursively.
    let thread = std::thread::Builder::new().stack_size(256 << 10);
    let worker = thread.spawn(move || {
        let vocabulary = maskwright_testkit::vocab::bytes();
        let compiler = Compiler::new(vocabulary, Limits::untrusted());
        let compiled = compiler.json_schema(&text).expect("within the limits");
        let mut matcher = Matcher::new(&compiled).expect("a matcher");
        for _ in 0..650 {
            matcher
                .advance_bytes(b"[{\"a\":")
                .expect("one level of two");
        }
        matcher.advance_bytes(b"1").expect("the innermost value");
        for _ in 0..650 {
            matcher.advance_bytes(b"}]").expect("one level of two");
        }
        assert!(matcher.is_accepting().expect("a verdict"));
    });
    worker.expect("a thread").join().expect("no overflow");
}
