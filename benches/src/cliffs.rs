//! Sources on which published engines fall off a cliff: length bounds, bounded patterns, formats,
//! long lists of values, many alternatives, deep nesting. Neighbours stand side by side, so that a
//! cost that depends on a bound shows.

use crate::engine::Source;
use crate::stats::{Totals, Verdict};
use crate::traces::{Case, Instance, write_spaced};
use serde_json::{Value, json};

/// Words, the same at each call.
pub fn words(n: usize) -> String {
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

/// How the branches of an `anyOf` of objects differ.
#[derive(Clone, Copy, PartialEq)]
enum Branches {
    /// Each has a key of its own, then one that all have.
    OwnKeyFirst,
    /// One that all have, then a key of its own.
    OwnKeyLast,
    /// All have the same keys; the value of the first differs.
    SameFirstKey,
}

fn objects(name: &str, n: usize, branches: Branches) -> Case {
    let value = ("value".to_owned(), json!({ "type": ["integer", "string"] }));
    let branch = |i: usize| {
        let (key, body) = match branches {
            Branches::SameFirstKey => ("kind".to_owned(), json!({ "const": format!("k{i}") })),
            _ => (format!("field{i}"), json!({ "type": "string" })),
        };
        let own = (key.clone(), body);
        let members = match branches {
            Branches::OwnKeyLast => [value.clone(), own],
            _ => [own, value.clone()],
        };
        json!({
            "type": "object",
            "properties": serde_json::Map::from_iter(members),
            "required": [key, "value"],
            "additionalProperties": false,
        })
    };
    let valid = |i: usize| match branches {
        Branches::OwnKeyFirst => json!({ format!("field{i}"): "x y", "value": "z" }),
        Branches::OwnKeyLast => json!({ "value": "z", format!("field{i}"): "x y" }),
        Branches::SameFirstKey => json!({ "kind": format!("k{i}"), "value": i }),
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
    for n in [5, 10, 20, 60, 200, 2_000, 65_536] {
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
        (
            "^[A-Za-z_][A-Za-z0-9_]*$",
            "a_long_identifier_of_1_language",
            "1st",
        ),
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
    all.push(objects("anyOf 20 objects", 20, Branches::OwnKeyFirst));
    all.push(objects("anyOf 200 objects", 200, Branches::OwnKeyFirst));
    all.push(objects("anyOf 20, own key last", 20, Branches::OwnKeyLast));
    all.push(objects(
        "anyOf 200, own key last",
        200,
        Branches::OwnKeyLast,
    ));
    all.push(objects(
        "anyOf 50, equal first key",
        50,
        Branches::SameFirstKey,
    ));
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
    all.push(Case {
        name: "text before a schema".into(),
        source: Source::Grammar(
            concat!(
                "start = text \"<tool>\" call \"</tool>\" ;\n",
                "text = /(.|\\n)*/ ;\n",
                "call = @json({ \"type\": \"object\", \"properties\": { \"query\": { \"type\": \"string\" } }, ",
                "\"required\": [\"query\"] }) ;\n",
            )
            .into(),
        ),
        instances: vec![
            Instance {
                valid: true,
                text: format!("{}\n<tool>{{\"query\": \"a fox\"}}</tool>", words(40)),
            },
            Instance {
                valid: false,
                text: "some text <tool>{\"query\": 1".into(),
            },
        ],
    });
    all
}

/// Masks at the start of a case that may be slow.
const BEFORE: usize = 10;

/// Cases that differ in one bound: a mask of one must not cost more than three times one of another.
const NEIGHBOURS: [&str; 9] = [
    "maxLength ",
    "minLength ",
    "pattern ^.{1,",
    "enum ",
    "anyOf 20 objects|anyOf 200 objects",
    "anyOf 20, own|anyOf 200, own",
    "multipleOf ",
    "40 ",
    "maxLength 10|maxLength 65536",
];

/// Judges each case after its first ten masks (mean at most 5 µs, none above 100 µs), and neighbours
/// against each other.
pub fn judge(cases: &[Case], totals: &Totals) {
    let after = |i: usize| -> Option<(f64, f64)> {
        let masks = totals.times.get(&i)?.0[2].get(BEFORE..)?;
        let max = *masks.iter().max()?;
        let mean = masks.iter().sum::<u64>() as f64 / masks.len() as f64;
        Some((mean / 1e3, max as f64 / 1e3))
    };
    println!("\nafter the first {BEFORE} masks: mean (bar 5 µs), greatest (bar 100 µs)");
    let (mut slow, mut spikes, mut judged) = (0, 0, 0);
    for (i, case) in cases.iter().enumerate() {
        let wrong = match &totals.verdicts[i] {
            Verdict::Pass => "",
            Verdict::Refused(_) => "  REFUSED",
            _ => "  WRONG",
        };
        let Some((mean, max)) = after(i) else {
            println!("  {:<44} no further masks{wrong}", case.name);
            continue;
        };
        judged += 1;
        slow += usize::from(mean > 5.0);
        spikes += usize::from(max > 100.0);
        let verdict = match (mean <= 5.0, max <= 100.0) {
            (true, true) => "holds",
            (false, true) => "MISSED mean",
            (true, false) => "MISSED greatest",
            (false, false) => "MISSED both",
        };
        println!(
            "  {:<44} {mean:>9.2} {max:>9.1}  {verdict}{wrong}",
            case.name
        );
    }
    println!("  {judged} cases: mean above its bar in {slow}, greatest in {spikes}");
    println!("neighbours: greatest mean over least mean (bar 3 x)");
    for family in NEIGHBOURS {
        let is_of = |case: &Case| match family.contains('|') {
            true => family.split('|').any(|name| case.name.starts_with(name)),
            false => case.name.starts_with(family),
        };
        let members = cases.iter().enumerate().filter(|(_, c)| is_of(c));
        let mut means: Vec<(f64, &str)> = members
            .filter_map(|(i, c)| Some((after(i)?.0, &*c.name)))
            .collect();
        means.sort_by(|a, b| a.0.total_cmp(&b.0));
        if let [least, .., greatest] = &means[..] {
            let ratio = greatest.0 / least.0;
            let verdict = if ratio <= 3.0 { "holds" } else { "MISSED" };
            println!(
                "  {verdict:<6} {ratio:>8.2} x  {} {:.2} µs, {} {:.2} µs",
                greatest.1, greatest.0, least.1, least.0
            );
        }
    }
}
