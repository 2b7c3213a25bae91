//! Sources from somebody who means harm: small texts that blow up in one engine or another. A typed
//! refusal is a good answer here, a slow one is not.

use crate::engine::Source;
use crate::traces::{Case, Instance};
use serde_json::{Value, json};

fn instances(valid: &[String], invalid: &[String]) -> Vec<Instance> {
    let valid = valid.iter().map(|text| (true, text));
    let all = valid.chain(invalid.iter().map(|text| (false, text)));
    all.map(|(valid, text)| Instance {
        valid,
        text: text.clone(),
    })
    .collect()
}

fn case(name: &str, source: Source, valid: &[String], invalid: &[String]) -> Case {
    Case {
        name: name.into(),
        source,
        instances: instances(valid, invalid),
    }
}

fn schema(name: &str, schema: &Value, valid: &[String], invalid: &[String]) -> Case {
    case(name, Source::Schema(schema.to_string()), valid, invalid)
}

fn regex(name: &str, pattern: &str, valid: &[String], invalid: &[String]) -> Case {
    case(name, Source::Regex(pattern.into()), valid, invalid)
}

fn grammar(name: &str, text: String, valid: &[String], invalid: &[String]) -> Case {
    case(name, Source::Grammar(text), valid, invalid)
}

/// All of them.
pub fn all() -> Vec<Case> {
    let a = |n: usize| "a".repeat(n);
    let mut all = vec![
        regex(
            "regex (a|b)*a(a|b){18}c",
            "(a|b)*a(a|b){18}c",
            &[format!("ab{}bc", "ab".repeat(20))],
            &["abc".into()],
        ),
        regex(
            "regex .*a.{16}",
            ".*a.{16}",
            &[format!("xxa{}", "y".repeat(16))],
            &["a".into()],
        ),
        regex(
            "regex (a{1,500}b){1,500}",
            "(a{1,500}b){1,500}",
            &[format!("{}b", a(300)).repeat(3)],
            &["b".into()],
        ),
        regex(
            "regex ((a*)*)*b",
            "((a*)*)*b",
            &[format!("{}b", a(500))],
            &[a(500)],
        ),
        regex(
            "regex of 2,500 words",
            &(0..2_500)
                .map(|i| format!("word{}x", i * 7919 % 100_003))
                .collect::<Vec<_>>()
                .join("|"),
            &["word7919x".into()],
            &["word7919y".into()],
        ),
        schema(
            "multipleOf 262147",
            &json!({ "type": "integer", "multipleOf": 262_147 }),
            &["524294".into()],
            &["524295".into()],
        ),
        schema(
            "multipleOf 1000000007",
            &json!({ "type": "integer", "multipleOf": 1_000_000_007u64 }),
            &["2000000014".into()],
            &["2000000015".into()],
        ),
    ];
    let two_ways: Vec<Value> = (0..20)
        .map(|i| {
            json!({ "anyOf": [
                { "required": [format!("a{i}")] }, { "required": [format!("b{i}")] },
            ] })
        })
        .collect();
    let names = (0..20).flat_map(|i| [format!("a{i}"), format!("b{i}")]);
    let integers: serde_json::Map<String, Value> =
        names.map(|n| (n, json!({ "type": "integer" }))).collect();
    let members: Vec<String> = (0..20).map(|i| format!("\"b{i}\": {i}")).collect();
    all.push(schema(
        "allOf of 20 two-way anyOfs",
        &json!({ "type": "object", "properties": integers, "allOf": two_ways }),
        &[format!("{{{}}}", members.join(", "))],
        &[format!("{{{}}}", members[1..].join(", "))],
    ));
    let optional: serde_json::Map<String, Value> = (0..500)
        .map(|i| (format!("p{i}"), json!({ "type": "integer" })))
        .collect();
    all.push(schema(
        "500 optional, minProperties 2",
        &json!({ "type": "object", "properties": optional, "minProperties": 2 }),
        &["{\"p3\": 1, \"p499\": 2}".into()],
        &["{\"p3\": 1}".into()],
    ));
    let mut definitions = serde_json::Map::new();
    for i in 0..1_000 {
        definitions.insert(
            format!("d{i}"),
            json!({ "$ref": format!("#/$defs/d{}", i + 1) }),
        );
    }
    definitions.insert("d1000".into(), json!({ "type": "integer" }));
    all.push(schema(
        "1,000 references in a chain",
        &json!({ "$defs": definitions, "$ref": "#/$defs/d0" }),
        &["7".into()],
        &["\"x\"".into()],
    ));
    let mut nested = json!({ "type": "integer" });
    for _ in 0..400 {
        nested = json!({ "type": "array", "items": nested });
    }
    all.push(schema(
        "array 400 deep",
        &nested,
        &[format!("{}1{}", "[".repeat(400), "]".repeat(400))],
        &[format!("{}1{}", "[".repeat(399), "]".repeat(399))],
    ));
    let chain: Vec<String> = (0..3_000).map(|i| format!("r{i} = r{} ;", i + 1)).collect();
    all.push(grammar(
        "3,000 rules in a chain",
        format!("%start r0 ;\n{}\nr3000 = \"x\" ;\n", chain.join("\n")),
        &["x".into()],
        &["y".into()],
    ));
    all.push(grammar(
        "s = s s | a | nothing",
        "%start s ;\ns = s s | \"a\" | \"\" ;\n".into(),
        &[a(600)],
        &["b".into()],
    ));
    all.push(grammar(
        "right-recursive list",
        "%start s ;\ns = \"a,\" s | \"a\" ;\n".into(),
        &[format!("{}a", "a,".repeat(10_000))],
        &["a,,".into()],
    ));
    all.push(schema(
        "uniqueItems over 2,000 numbers",
        &json!({ "type": "array", "items": { "type": "integer" }, "uniqueItems": true }),
        &[format!(
            "[{}]",
            (0..2_000)
                .map(|i| i.to_string())
                .collect::<Vec<_>>()
                .join(", ")
        )],
        &["[1, 2, 1]".into()],
    ));
    all.push(schema(
        "uniqueItems over 300 pairs of numbers",
        &json!({
            "type": "array",
            "items": { "type": "array", "items": { "type": "number" }, "minItems": 2, "maxItems": 2 },
            "uniqueItems": true,
        }),
        &[format!(
            "[{}]",
            (0..300)
                .map(|i| format!("[{}, {}.5]", i * 37 % 300, i / 3))
                .collect::<Vec<_>>()
                .join(", ")
        )],
        &["[[1, 2], [1, 3], [1.0, 2e0]]".into()],
    ));
    let same_start: Vec<String> = (0..5_000)
        .map(|i| format!("{}{i}", "x".repeat(200)))
        .collect();
    all.push(schema(
        "enum of 5,000 with one beginning",
        &json!({ "enum": same_start }),
        &[format!("\"{}4321\"", "x".repeat(200))],
        &[format!("\"{}\"", "x".repeat(200))],
    ));
    all
}
