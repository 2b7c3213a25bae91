//! Random walks over live bytes: they never get stuck, and what they spell is valid.

use super::matcher::Matcher;
use super::{Random, build_with};
use maskwright_automata::{FrameOptions, Frames, Lexicon, Order, Whitespace};
use maskwright_tables::Limits;
use std::sync::Arc;

/// A document spelled at random; `None` if it grew too long. Panics at a dead end.
fn walk(
    frames: &Frames,
    lexicon: &Arc<Lexicon>,
    random: &mut Random,
    most: usize,
    schema: &str,
) -> Option<String> {
    let mut matcher = Matcher::new(frames, lexicon).ok()?;
    let mut text = Vec::new();
    while text.len() < most {
        let ends = matcher.ends().ok()?;
        let bytes = matcher.next_bytes().ok()?;
        if ends && (bytes.is_empty() || random.below(2) == 0) {
            return Some(String::from_utf8(text).unwrap());
        }
        assert!(
            !bytes.is_empty(),
            "{schema:.300}\ndead end after {} at {}",
            String::from_utf8_lossy(&text),
            matcher.describe()
        );
        // The longer the text, the more a walk wants to close what is open.
        let closing: Vec<u8> = bytes
            .iter()
            .copied()
            .filter(|b| b"\"}]".contains(b))
            .collect();
        let plain: Vec<u8> = bytes
            .iter()
            .copied()
            .filter(|b| b.is_ascii_alphanumeric() || b"\",:{}[]-.".contains(b))
            .collect();
        let chosen = if !closing.is_empty() && random.below(400) < text.len() + 40 {
            closing
        } else if !plain.is_empty() && random.below(8) > 0 {
            plain
        } else {
            bytes
        };
        let byte = chosen[random.below(chosen.len())];
        assert!(matcher.byte(byte).ok()?, "a live byte is refused");
        text.push(byte);
    }
    None
}

/// The value with integral numbers as integers (draft 4 tells 1.0 from 1, we do not); `None` if a
/// number is too large or small for a validator that uses f64.
fn plain_numbers(mut value: serde_json::Value) -> Option<serde_json::Value> {
    let mut stack = vec![&mut value];
    while let Some(v) = stack.pop() {
        match v {
            serde_json::Value::Number(n) => {
                let f = n.as_f64()?;
                if f.abs() > 1e9 || f != 0.0 && f.abs() < 1e-6 {
                    return None;
                }
                if f.fract() == 0.0 {
                    *v = serde_json::Value::from(f as i64);
                }
            }
            serde_json::Value::Array(a) => stack.extend(a),
            serde_json::Value::Object(o) => stack.extend(o.values_mut()),
            _ => {}
        }
    }
    Some(value)
}

/// Walks a schema in several policies; returns (finished, unfinished) and complains about texts that
/// the validator rejects.
fn check(schema: &str, walks: usize, seed: u64, wrong: &mut Vec<String>) -> (usize, usize) {
    let Ok(parsed) = serde_json::from_str::<serde_json::Value>(schema) else {
        return (0, 0);
    };
    let Ok(validator) = jsonschema::options()
        .should_validate_formats(true)
        .build(&parsed)
    else {
        return (0, 0);
    };
    let lexicon = Arc::new(Lexicon::new(Limits::untrusted()));
    let mut random = Random(seed);
    let (mut finished, mut unfinished) = (0, 0);
    for (order, whitespace) in [
        (Order::Schema, Whitespace::Compact),
        (Order::Any, Whitespace::Flexible),
    ] {
        let options = FrameOptions {
            order,
            whitespace,
            ..FrameOptions::default()
        };
        let Ok(frames) = build_with(schema, options, &lexicon) else {
            continue;
        };
        for _ in 0..walks {
            let Some(text) = walk(&frames, &lexicon, &mut random, 1500, schema) else {
                unfinished += 1;
                continue;
            };
            // Numbers beyond f64 are outside the validator's reach.
            let Some(value) = serde_json::from_str(&text).ok().and_then(plain_numbers) else {
                continue;
            };
            finished += 1;
            if let Err(e) = validator.validate(&value) {
                let line = format!("{text:.400}\n    {e:.200}");
                wrong.push(line);
            }
        }
    }
    (finished, unfinished)
}

const SCHEMAS: &[&str] = &[
    "true",
    r#"{"type":"object","properties":{"a":{"type":"integer","minimum":-5,"maximum":105},"b":{"type":"string","maxLength":3},"c":{"type":"boolean"}},"required":["b"]}"#,
    r#"{"type":"object","properties":{"a":{"enum":[1,"x",null]},"b":{"multipleOf":5,"type":"number","maximum":1000}},"additionalProperties":false,"minProperties":1}"#,
    r#"{"oneOf":[{"type":"object","properties":{"k":{"const":"a"},"v":{"type":"integer"}},"required":["k"]},{"type":"object","properties":{"k":{"const":"b"},"v":{"type":"null"}},"required":["k","v"]},{"type":"array","items":{"type":"boolean"},"minItems":2,"maxItems":4}]}"#,
    r#"{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"},"c":{}},"oneOf":[{"required":["a"]},{"required":["b"]},{"properties":{"c":{"type":"string"}},"required":["c"]}],"additionalProperties":{"type":"null"},"maxProperties":3}"#,
    r#"{"type":"object","properties":{"t":{"enum":["x","y","z"]},"v":{}},"required":["t"],"if":{"properties":{"t":{"const":"x"}}},"then":{"properties":{"v":{"type":"integer"}},"required":["v"]},"else":{"properties":{"v":{"type":"string"}}}}"#,
    r#"{"type":"object","allOf":[{"if":{"properties":{"a":{"const":1}},"required":["a"]},"then":{"required":["b"]}},{"if":{"required":["b"]},"then":{"required":["c"]}},{"if":{"required":["c"]},"then":{"properties":{"d":false}}}],"properties":{"a":{"enum":[1,2]},"b":{"type":"null"},"c":{"type":"null"},"d":{"type":"null"}},"additionalProperties":false}"#,
    r#"{"type":"array","contains":{"type":"integer","minimum":3},"minContains":1,"maxContains":2,"items":{"type":["integer","null"]},"maxItems":5}"#,
    r#"{"type":"array","items":{"enum":["a","b","c"]},"uniqueItems":true,"minItems":2}"#,
    r#"{"type":"array","items":{"type":"integer","minimum":1,"maximum":4},"uniqueItems":true,"minItems":3}"#,
    r#"{"type":"array","items":{"anyOf":[{"type":"string","pattern":"^[ab]+$"},{"type":["null","boolean","number"]}]},"uniqueItems":true}"#,
    r#"{"not":{"anyOf":[{"type":"object","required":["a"]},{"type":"array","minItems":1},{"type":"string","minLength":2},{"type":"number","minimum":10}]}}"#,
    r#"{"not":{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["a"]},"type":"object","additionalProperties":{"type":["integer","string"]}}"#,
    r#"{"type":"object","patternProperties":{"^x":{"type":"integer"},"y$":{"minimum":3,"type":["integer","string"]}},"additionalProperties":false,"propertyNames":{"maxLength":3}}"#,
    r#"{"anyOf":[{"type":"object","properties":{"o":{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]},"v":{"const":1}},"required":["o","v"]},{"type":"object","properties":{"o":{"type":"object","properties":{"y":{"type":"integer"}},"required":["y"]},"v":{"const":2}},"required":["o","v"]}]}"#,
    r##"{"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"v":{"type":"integer"},"k":{"type":"array","items":{"$ref":"#/$defs/t"},"maxItems":2}},"required":["v"],"additionalProperties":false}}}"##,
    r#"{"oneOf":[{"type":"string","pattern":"^a"},{"type":"string","pattern":"b$"},{"type":"integer","minimum":3},{"type":"integer","maximum":10}]}"#,
    r#"{"type":"array","prefixItems":[{"type":"integer"},{"type":"string","format":"date"}],"items":{"type":"object","minProperties":1,"propertyNames":{"enum":["p","q"]}},"minItems":3,"maxItems":4}"#,
    r#"{"type":"object","dependentSchemas":{"a":{"properties":{"b":{"type":"integer"}},"required":["b"]}},"dependentRequired":{"b":["c"]},"properties":{"a":{},"b":{},"c":{"type":"null"}},"additionalProperties":false}"#,
    r#"{"allOf":[{"anyOf":[{"properties":{"a":{"const":1}}},{"properties":{"b":{"const":1}}}]},{"anyOf":[{"properties":{"a":{"const":2}}},{"properties":{"c":{"const":1}}}]},{"oneOf":[{"required":["a"]},{"required":["d"]}]}],"type":"object","properties":{"a":{"enum":[1,2,3]},"b":{"enum":[1,2]},"c":{"enum":[1,2]},"d":{}},"additionalProperties":false}"#,
];

#[test]
fn walks_over_small_schemas_are_valid_and_never_stuck() {
    let mut wrong = Vec::new();
    let (mut finished, mut unfinished) = (0, 0);
    for (i, schema) in SCHEMAS.iter().enumerate() {
        let before = wrong.len();
        let (f, u) = check(schema, 60, i as u64, &mut wrong);
        assert!(f > 20, "{schema}: only {f} walks finished");
        if wrong.len() > before {
            println!("{schema}");
            wrong[before..]
                .iter()
                .take(3)
                .for_each(|w| println!("  {w}"));
        }
        (finished, unfinished) = (finished + f, unfinished + u);
    }
    println!(
        "{finished} walks finished, {unfinished} did not, {} invalid",
        wrong.len()
    );
    assert!(wrong.is_empty());
}

#[test]
fn walks_over_the_corpus_are_valid_and_never_stuck() {
    let mut wrong = Vec::new();
    let (mut finished, mut unfinished, mut schemas) = (0, 0, 0);
    for (i, (name, schema)) in super::corpus::schemas().into_iter().enumerate() {
        // A share of the schemas each time keeps the test short; all of them when asked for.
        if std::env::var("FRAMES_CORPUS").is_err() && i % 6 != 0 {
            continue;
        }
        schemas += 1;
        let before = wrong.len();
        let (f, u) = check(&schema, 2, i as u64, &mut wrong);
        wrong[before..]
            .iter()
            .take(2)
            .for_each(|w| println!("{name}: {w}"));
        (finished, unfinished) = (finished + f, unfinished + u);
    }
    println!(
        "{schemas} schemas: {finished} walks finished, {unfinished} did not, {} invalid",
        wrong.len()
    );
    assert!(wrong.is_empty());
}
