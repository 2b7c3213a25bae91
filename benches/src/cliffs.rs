//! Sources on which published engines fall off a cliff: length bounds, bounded patterns, formats,
//! long lists of values, many alternatives, deep nesting. Neighbours stand side by side, so that a
//! cost that depends on a bound shows.

use crate::engine::Source;
use crate::traces::{Case, Instance, write_spaced};
use serde_json::{Value, json};

/// Words, the same at each call.
fn words(n: usize) -> String {
    const WORDS: [&str; 12] = [
        "the", "quick", "brown", "fox", "jumps", "over", "a", "lazy", "dog", "near", "river",
        "bank",
    ];
    let mut x = 7u32;
    let word = |_| {
        x = x.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        WORDS[(x >> 16) as usize % WORDS.len()]
    };
    (0..n).map(word).collect::<Vec<_>>().join(" ")
}

/// The first `n` letters of endless text.
fn text(n: usize) -> String {
    words(n).chars().take(n).collect()
}

fn instance(value: &Value, valid: bool) -> Instance {
    let mut text = String::new();
    write_spaced(value, &mut text);
    Instance { valid, text }
}

fn schema(name: &str, schema: Value, valid: &[Value], invalid: &[Value]) -> Case {
    let valid = valid.iter().map(|v| instance(v, true));
    Case {
        name: name.into(),
        source: Source::Schema(schema.to_string()),
        instances: valid
            .chain(invalid.iter().map(|v| instance(v, false)))
            .collect(),
    }
}

fn regex(name: &str, pattern: &str, valid: &[&str], invalid: &[&str]) -> Case {
    let instance = |text: &&str, valid| Instance {
        valid,
        text: (*text).into(),
    };
    Case {
        name: name.into(),
        source: Source::Regex(pattern.into()),
        instances: valid
            .iter()
            .map(|t| instance(t, true))
            .chain(invalid.iter().map(|t| instance(t, false)))
            .collect(),
    }
}

/// An object with one member `s` that satisfies `inner`.
fn member(name: &str, inner: Value, valid: &[Value], invalid: &[Value]) -> Case {
    let wrap = |v: &Value| json!({ "s": v });
    schema(
        name,
        json!({ "type": "object", "properties": { "s": inner }, "required": ["s"] }),
        &valid.iter().map(wrap).collect::<Vec<_>>(),
        &invalid.iter().map(wrap).collect::<Vec<_>>(),
    )
}

fn string_of_length(name: &str, keyword: &str, n: usize) -> Case {
    let (inside, outside) = match keyword {
        "maxLength" => (n.min(400), n + 1),
        _ => (n + 100, n - 1),
    };
    let invalid = if n <= 2_000 {
        vec![json!(text(outside))]
    } else {
        Vec::new()
    };
    member(
        name,
        json!({ "type": "string", keyword: n }),
        &[
            json!(text(inside)),
            json!(
                "café ☕ \"q\" \\ "
                    .chars()
                    .take(n.min(12))
                    .collect::<String>()
                    + &text(inside.saturating_sub(12))
            ),
        ],
        &invalid,
    )
}

fn enumeration(name: &str, n: usize) -> Case {
    let value = |i: usize| {
        json!(format!(
            "{} {}",
            ["red", "green", "blue", "grey"][i % 4],
            i * 7919 % 100_003
        ))
    };
    let values: Vec<Value> = (0..n).map(value).collect();
    let valid: Vec<Value> = (0..n).step_by(n / 8).map(value).collect();
    member(name, json!({ "enum": values }), &valid, &[json!("red x")])
}

fn objects(name: &str, n: usize, same_first_key: bool) -> Case {
    let branch = |i: usize| {
        let (key, body) = match same_first_key {
            true => ("kind".to_owned(), json!({ "const": format!("k{i}") })),
            false => (format!("field{i}"), json!({ "type": "string" })),
        };
        json!({
            "type": "object",
            "properties": { key.clone(): body, "value": { "type": ["integer", "string"] } },
            "required": [key, "value"],
            "additionalProperties": false,
        })
    };
    let valid = |i: usize| match same_first_key {
        true => json!({ "kind": format!("k{i}"), "value": i }),
        false => json!({ format!("field{i}"): "x y", "value": "z" }),
    };
    schema(
        name,
        json!({ "anyOf": (0..n).map(branch).collect::<Vec<_>>() }),
        &(0..n).step_by(n / 5).map(valid).collect::<Vec<_>>(),
        &[json!({ "value": 1 })],
    )
}

fn many_properties(name: &str, extra: Value) -> Case {
    let properties: serde_json::Map<String, Value> = (0..40)
        .map(|i| {
            (
                format!("property_{i}"),
                json!({ "type": ["string", "integer"] }),
            )
        })
        .collect();
    let mut whole = json!({ "type": "object", "properties": properties });
    for (key, value) in extra.as_object().into_iter().flatten() {
        whole[key] = value.clone();
    }
    let valid =
        json!({ "property_1": "a", "property_7": 2, "property_23": "some text", "property_39": 4 });
    schema(name, whole, &[valid], &[json!({ "property_3": [] })])
}

/// All cases.
pub fn all() -> Vec<Case> {
    let mut all = Vec::new();
    for n in [5, 20, 60, 200, 2_000, 65_536] {
        all.push(string_of_length(&format!("maxLength {n}"), "maxLength", n));
    }
    for n in [1, 60, 2_000] {
        all.push(string_of_length(&format!("minLength {n}"), "minLength", n));
    }
    let string = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    for n in [127, 128, 129, 1_000] {
        let pattern = format!("^.{{1,{n}}}$");
        let (valid, invalid) = ([json!(text(n)), json!("x")], [json!(text(n + 1))]);
        all.push(member(
            &format!("pattern {pattern}"),
            string(&pattern),
            &valid,
            &invalid,
        ));
    }
    for (pattern, valid, invalid) in [
        ("^[A-Z][a-z ]{3,40}$", "Some words of lower case", "some"),
        ("^[a-z]{1,200}$", "abcdefghijklmnopqrstuvwxyz", "a b"),
        (
            "^[a-z_][a-z0-9_]*(, [a-z_][a-z0-9_]*)*$",
            "alpha, beta_2, gamma_delta, x",
            "a,b",
        ),
        ("^(\\w+ )*\\w+$", "several words in a row", "two  spaces"),
        ("^[0-9]{3}-[0-9]{2}-[0-9]{4}$", "123-45-6789", "123-456-789"),
        ("foo", "some foo in the middle", "bar"),
    ] {
        all.push(member(
            &format!("pattern {pattern}"),
            string(pattern),
            &[json!(valid)],
            &[json!(invalid)],
        ));
    }
    for (format, valid, invalid) in [
        ("email", "someone.else@example.org", "nobody"),
        (
            "uri",
            "https://example.org:8080/a/b%20c?q=1#frag",
            "no uri at all",
        ),
        (
            "date-time",
            "2024-02-29T23:59:59.123Z",
            "2023-02-29T00:00:00Z",
        ),
        ("uuid", "123e4567-e89b-12d3-a456-426614174000", "123e4567"),
        ("ipv4", "192.168.10.254", "192.168.10.256"),
    ] {
        let inner = json!({ "type": "string", "format": format });
        all.push(member(
            &format!("format {format}"),
            inner,
            &[json!(valid)],
            &[json!(invalid)],
        ));
    }
    all.push(enumeration("enum 20", 20));
    all.push(enumeration("enum 2000", 2_000));
    all.push(enumeration("enum 10000", 10_000));
    all.push(objects("anyOf 20 objects", 20, false));
    all.push(objects("anyOf 200 objects", 200, false));
    all.push(objects("anyOf 50, equal first key", 50, true));
    all.push(many_properties("40 properties", json!({})));
    all.push(many_properties(
        "40 + minProperties",
        json!({ "minProperties": 2 }),
    ));
    all.push(many_properties(
        "40 + additional",
        json!({ "additionalProperties": { "type": ["string", "integer"] } }),
    ));
    for n in [7u32, 9_973] {
        let inner = json!({ "type": "integer", "multipleOf": n });
        all.push(member(
            &format!("multipleOf {n}"),
            inner,
            &[json!(n * 1_234)],
            &[json!(n * 1_234 + 1)],
        ));
    }
    all.push(member(
        "integer range",
        json!({ "type": "integer", "minimum": -17, "maximum": 123_456 }),
        &[json!(99_999), json!(-17)],
        &[json!(123_457)],
    ));
    all.push(member(
        "plain string",
        json!({ "type": "string" }),
        &[json!(text(400))],
        &[json!(1)],
    ));
    let mut deep = json!("leaf");
    for i in 0..100 {
        deep = json!({ "value": format!("v{i}"), "next": deep });
    }
    let node = json!({
        "$defs": { "node": { "anyOf": [{ "type": "string" }, {
            "type": "object",
            "properties": { "value": { "type": "string" }, "next": { "$ref": "#/$defs/node" } },
            "required": ["value", "next"],
            "additionalProperties": false,
        }] } },
        "$ref": "#/$defs/node",
    });
    all.push(schema(
        "recursion 100 deep",
        node,
        &[deep],
        &[json!({ "next": 1 })],
    ));
    all.push(schema(
        "any JSON",
        json!({}),
        &[json!({ "a": [1, true, null, { "b": "text" }], "c": -1.5e3 })],
        &[],
    ));
    all.push(regex(
        "regex .{0,1000}",
        ".{0,1000}",
        &[&text(900)],
        &["a\nb"],
    ));
    all.push(regex(
        "regex (\\w+ )*\\w+",
        "(\\w+ )*\\w+",
        &[&words(60)],
        &["a  b"],
    ));
    let call = format!("{}\n<tool>search</tool>", words(40));
    all.push(regex(
        "text before a tag",
        "(.|\\n)*<tool>[a-z]+</tool>",
        &[&call],
        &["<tool>A"],
    ));
    all
}
