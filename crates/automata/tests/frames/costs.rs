//! Sizes that users complain about elsewhere: counts of what is made, never times.

use super::build;
use super::matcher::accepts;
use maskwright_automata::{Control, FrameOptions, Order};
use std::fmt::Write;

fn options(order: Order) -> FrameOptions {
    FrameOptions {
        order,
        ..FrameOptions::default()
    }
}

/// Builds a schema, reads texts, and returns how many symbols were made.
#[track_caller]
fn symbols(schema: &str, order: Order, accept: &[&str], reject: &[&str]) -> usize {
    let (frames, lexicon) = build(schema, options(order)).unwrap_or_else(|e| panic!("{e}"));
    let start = std::time::Instant::now();
    for text in accept {
        assert_eq!(
            accepts(&frames, &lexicon, text).unwrap(),
            Ok(()),
            "{text:.200}"
        );
    }
    for text in reject {
        assert!(
            accepts(&frames, &lexicon, text).unwrap().is_err(),
            "{text:.200}"
        );
    }
    println!(
        "{:?} for {} texts, {} symbols",
        start.elapsed(),
        accept.len() + reject.len(),
        frames.symbols_len()
    );
    frames.symbols_len()
}

#[test]
fn a_thousand_optional_properties_cost_what_is_visited() {
    let mut schema =
        String::from(r#"{"type":"object","additionalProperties":false,"properties":{"#);
    for i in 0..1000 {
        let _ = write!(
            schema,
            "{}\"property_{i}\":{{\"type\":\"integer\"}}",
            if i > 0 { "," } else { "" }
        );
    }
    schema.push_str("}}");
    for order in [Order::Schema, Order::Any] {
        let n = symbols(
            &schema,
            order,
            &[r#"{"property_3": 1, "property_500": 2, "property_999": 3}"#],
            &[
                r#"{"property_3": 1, "property_3": 2}"#,
                r#"{"property_1000": 1}"#,
            ],
        );
        assert!(n < 40, "{n} symbols");
    }
}

#[test]
fn counts_over_many_optional_properties_are_polynomial() {
    let mut schema =
        String::from(r#"{"type":"object","minProperties":2,"maxProperties":3,"properties":{"#);
    for i in 0..500 {
        let _ = write!(
            schema,
            "{}\"p{i}\":{{\"type\":\"integer\"}}",
            if i > 0 { "," } else { "" }
        );
    }
    schema.push_str("},\"additionalProperties\":false}");
    for order in [Order::Schema, Order::Any] {
        symbols(
            &schema,
            order,
            &[
                r#"{"p0": 1, "p499": 2}"#,
                r#"{"p0": 1, "p250": 2, "p499": 3}"#,
            ],
            &[
                "{}",
                r#"{"p499": 1}"#,
                r#"{"p0": 1, "p1": 1, "p2": 1, "p3": 1}"#,
            ],
        );
    }
    // In order, the last property cannot be the first of two.
    let (frames, lexicon) = build(&schema, options(Order::Schema)).unwrap();
    assert_eq!(accepts(&frames, &lexicon, r#"{"p499"#).unwrap(), Err(5));
}

#[test]
fn unions_with_a_tag_are_decided_by_it() {
    let mut branches = Vec::new();
    for i in 0..239 {
        branches.push(format!(
            r#"{{"type":"object","properties":{{"name":{{"const":"tool_{i}"}},"arguments":{{"type":"object","properties":{{"a{i}":{{"type":"integer"}}}},"required":["a{i}"],"additionalProperties":false}}}},"required":["name","arguments"],"additionalProperties":false}}"#
        ));
    }
    for union in ["anyOf", "oneOf"] {
        let schema = format!("{{\"{union}\":[{}]}}", branches.join(","));
        let n = symbols(
            &schema,
            Order::Schema,
            &[
                r#"{"name": "tool_7", "arguments": {"a7": 1}}"#,
                r#"{"name": "tool_238", "arguments": {"a238": 1}}"#,
            ],
            &[
                r#"{"name": "tool_7", "arguments": {"a8": 1}}"#,
                r#"{"name": "tool_239", "arguments": {}}"#,
                r#"{"arguments": {"a7": 1}, "name": "tool_7"}"#,
            ],
        );
        assert!(n < 60, "{n} symbols");
        // What another branch asks for is not enough.
        let mixed = [r#"{"name": "tool_2", "arguments": {"a238": 1}}"#];
        symbols(&schema, Order::Schema, &[], &mixed);
    }
}

#[test]
fn large_enumerations_and_counters_are_cheap() {
    let values: Vec<String> = (0..10_000)
        .map(|i| format!("\"value number {i}\""))
        .collect();
    let schema = format!(
        "{{\"type\":\"array\",\"items\":{{\"enum\":[{}]}}}}",
        values.join(",")
    );
    symbols(
        &schema,
        Order::Schema,
        &[r#"["value number 9999", "value number 0"]"#],
        &[r#"["value number 10000"]"#],
    );
    let schema = r#"{"type":"array","items":{"type":"string","maxLength":65536},"maxItems":100000,"minItems":21}"#;
    let text = format!("[{}]", vec!["\"\""; 21].join(","));
    symbols(schema, Order::Schema, &[&text], &["[]"]);
}

#[test]
fn nested_alternatives_multiply_only_where_documents_go() {
    // oneOf nested twelve deep.
    let mut schema = String::from(r#"{"type":"null"}"#);
    for i in 0..12 {
        schema = format!(
            r#"{{"oneOf":[{{"type":"object","properties":{{"n{i}":{schema}}},"required":["n{i}"]}},{{"type":"array","items":{schema}}},{{"type":"integer","minimum":{i}}}]}}"#
        );
        if i > 5 {
            // Keep the text small: the growth is the schema's own.
            schema = format!(r#"{{"oneOf":[{schema},{{"type":"string","const":"{i}"}}]}}"#);
        }
        if schema.len() > 200_000 {
            break;
        }
    }
    symbols(&schema, Order::Schema, &["100"], &["true", "-1"]);
    // Twenty conditions on twenty properties.
    let conditions: Vec<String> = (0..20)
        .map(|i| format!(r#"{{"if":{{"properties":{{"a{i}":{{"const":1}}}},"required":["a{i}"]}},"then":{{"required":["b{i}"]}}}}"#))
        .collect();
    let schema = format!(r#"{{"type":"object","allOf":[{}]}}"#, conditions.join(","));
    symbols(
        &schema,
        Order::Schema,
        &[
            "{}",
            r#"{"a0": 1, "b0": 1}"#,
            r#"{"a0": 2}"#,
            r#"{"a3": 1, "a5": 1, "b3": 1, "b5": 2}"#,
        ],
        &[r#"{"a0": 1}"#, r#"{"a3": 1, "a5": 1, "b3": 1}"#],
    );
}
