//! Schemas and documents, one property a test: what the lowering means, reports and refuses.

mod support;

use maskwright_grammar::Diagnostics;
use maskwright_grammar::json_schema::json::Document;
use maskwright_grammar::json_schema::{Draft, FormatMode, Options, Report, Schema, Status, parse};
use maskwright_tables::Limits;

fn lower(schema: &str) -> Result<(Schema, Report), Diagnostics> {
    parse(schema, &Options::default(), &Limits::untrusted())
}

fn verdict(schema: &Schema, text: &str) -> bool {
    support::matches(
        schema,
        &Document::parse(text, &Limits::untrusted()).unwrap(),
    )
}

fn check_with(options: &Options, schema: &str, accept: &[&str], reject: &[&str]) {
    let (lowered, _) =
        parse(schema, options, &Limits::untrusted()).unwrap_or_else(|e| panic!("{schema}: {e}"));
    for text in accept {
        assert!(verdict(&lowered, text), "{schema} should accept {text}");
    }
    for text in reject {
        assert!(!verdict(&lowered, text), "{schema} should reject {text}");
    }
}

fn check(schema: &str, accept: &[&str], reject: &[&str]) {
    check_with(&Options::default(), schema, accept, reject);
}

/// The codes and pointers of the errors.
fn refused(schema: &str) -> Vec<(String, String)> {
    let errors = lower(schema).expect_err(schema);
    errors
        .0
        .iter()
        .map(|e| {
            (
                e.code.to_owned(),
                e.place.pointer.clone().unwrap_or_default(),
            )
        })
        .collect()
}

fn assert_refused(schema: &str, code: &str, pointer: &str) {
    assert_eq!(
        refused(schema),
        [(code.to_owned(), pointer.to_owned())],
        "{schema}"
    );
}

#[test]
fn j3_j32_j33_assertions_speak_about_one_type() {
    check(
        r#"{"properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":{"type":"string"}}"#,
        &[r#"{"a":1}"#, r#"{"a":1,"b":"x"}"#, r#"{"\u0061":1}"#, "3"],
        &[
            "{}",
            r#"{"a":"x"}"#,
            r#"{"a":1,"b":2}"#,
            r#"{"\u0061":"x"}"#,
        ],
    );
    check(
        r#"{"type":"object","required":["a"]}"#,
        &[r#"{"a":0}"#],
        &["{}", "0"],
    );
    check(r#"{"minimum":5}"#, &["5", "\"x\"", "null", "[]"], &["1"]);
    check(r#"{"required":["a"]}"#, &["1", r#"{"a":1}"#], &["{}"]);
}

#[test]
fn j2_j38_patterned_names() {
    check(
        r#"{"patternProperties":{"^a":{"type":"integer"}}}"#,
        &[r#"{"ab":1,"b":"s"}"#],
        &[r#"{"\u0061b":"s"}"#],
    );
    check(
        r#"{"patternProperties":{"^x":{"type":"integer"}},"properties":{"a":{"type":"string"}},"required":["xa"],"type":"object"}"#,
        &[r#"{"xa":1}"#],
        &["{}", r#"{"xb":1}"#, r#"{"a":"s","x1":"s"}"#],
    );
}

#[test]
fn j4_to_j12_numbers_are_exact() {
    check(
        r#"{"const":9007199254740993}"#,
        &["9007199254740993", "9007199254740993.0"],
        &["9007199254740992"],
    );
    check(
        r#"{"enum":[18446744073709551615]}"#,
        &["18446744073709551615"],
        &["18446744073709552000"],
    );
    check(
        r#"{"type":"integer","minimum":-9223372036854775808}"#,
        &["5", "-5", "-9223372036854775808"],
        &["-9223372036854775809"],
    );
    check(
        r#"{"minimum":1000000000000000000}"#,
        &["1e18"],
        &["999999999999999999", "999999999999999999.9999"],
    );
    check(
        r#"{"type":"integer","minimum":0,"maximum":18446744073709551615}"#,
        &["9223372036854775808", "18446744073709551615"],
        &["18446744073709551616", "-1", "0.5"],
    );
    check(r#"{"multipleOf":0.07}"#, &["0", "0.07", "0.14"], &["0.08"]);
    check(
        r#"{"multipleOf":1e-7}"#,
        &["0.0000001", "1"],
        &["0.00000001"],
    );
    check(
        r#"{"allOf":[{"multipleOf":65537},{"multipleOf":65539}]}"#,
        &["0", "4295229443"],
        &["262147", "65537"],
    );
    check(
        r#"{"type":"number","minimum":0}"#,
        &["1e5", "0.1234567", "0.0", "-0"],
        &["-1e-400"],
    );
    check(r#"{"const":1.0}"#, &["1", "1.0", "10e-1"], &["2", "\"1\""]);
    check(r#"{"type":"integer"}"#, &["1.0", "1e3", "-0"], &["1.5"]);
    check(
        r#"{"type":"integer","multipleOf":1.5}"#,
        &["3"],
        &["1.5", "1"],
    );
    check(
        r#"{"exclusiveMinimum":1,"minimum":1,"exclusiveMaximum":2,"maximum":3}"#,
        &["1.5"],
        &["1", "2"],
    );
    check(
        r#"{"enum":[1,2,3,10,20.5]}"#,
        &["2", "3.0", "20.5"],
        &["2.5", "4", "0"],
    );
}

#[test]
fn j13_to_j24_strings() {
    check(
        r#"{"maxLength":1}"#,
        &["\"é\"", "\"😀\""],
        &["\"e\u{301}\""],
    );
    check(
        r#"{"pattern":"^[a-z]+$","minLength":5}"#,
        &["\"abcde\"", "3"],
        &["\"a\"", "\"ABCDE\""],
    );
    check(
        r#"{"format":"date"}"#,
        &["\"2024-02-29\"", "5"],
        &["\"2023-02-29\"", "\"2023-02-30\"", "\"1900-02-29\""],
    );
    check(
        r#"{"format":"date","maxLength":3}"#,
        &[],
        &["\"2024-01-01\"", "\"x\""],
    );
    check(
        r#"{"format":"time"}"#,
        &[
            "\"23:59:60Z\"",
            "\"01:29:60+01:30\"",
            "\"15:59:60.5-08:00\"",
            "\"12:00:00.1z\"",
        ],
        &[
            "\"22:59:60Z\"",
            "\"24:00:00Z\"",
            "\"12:00:00\"",
            "\"01:29:60+01:31\"",
        ],
    );
    check(
        r#"{"format":"uuid"}"#,
        &["\"123e4567-e89b-12d3-a456-426614174000\""],
        &["\"x\""],
    );
    let (schema, report) = lower(r#"{"format":"phone"}"#).unwrap();
    assert!(verdict(&schema, "\"x\""));
    assert_eq!(report.warnings()[0].code, "unknown-format");
    let strict = Options {
        format: FormatMode::Strict,
        ..Options::default()
    };
    let source = r#"{"items":{"format":"phone"}}"#;
    let refused = parse(source, &strict, &Limits::untrusted()).unwrap_err();
    assert_eq!(refused.0[0].code, "unsupported-keyword");
    assert_eq!(refused.0[0].place.pointer.as_deref(), Some("/items/format"));
    // What speaks of numbers is known not to speak of strings.
    assert!(parse(r#"{"format":"int32"}"#, &strict, &Limits::untrusted()).is_ok());
    check_with(
        &Options {
            format: FormatMode::Annotate,
            ..Options::default()
        },
        r#"{"format":"date"}"#,
        &["\"x\""],
        &[],
    );
}

#[test]
fn j25_to_j34_combinations() {
    check(
        r#"{"allOf":[{"type":"object","required":["a"]},{"type":"object","required":["b"]}]}"#,
        &[r#"{"a":1,"b":2}"#],
        &["123", "\"str\"", "{}", r#"{"a":1}"#],
    );
    check(
        r#"{"type":"object","properties":{"a":{}},"anyOf":[{"required":["a"]},{"required":["b"]}]}"#,
        &[r#"{"a":1}"#, r#"{"b":1}"#],
        &["17", "[1,2]", "\"str\"", "{}"],
    );
    check(
        r##"{"$ref":"#/$defs/s","maxLength":2,"$defs":{"s":{"type":"string"}}}"##,
        &["\"ab\""],
        &["\"abcdef\"", "1"],
    );
    check(
        r#"{"type":"integer","enum":[1,"a"]}"#,
        &["1"],
        &["\"a\"", "2"],
    );
    check(r#"{"not":{"type":"string"}}"#, &["1"], &["\"a\""]);
    check(
        r#"{"if":{"properties":{"a":{"const":1}},"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}}"#,
        &[r#"{"a":1,"b":0}"#, r#"{"c":1}"#, r#"{"a":2,"c":1}"#, "3"],
        &[r#"{"a":1}"#, r#"{"a":1,"c":0}"#, "{}"],
    );
    check(
        r#"{"dependentRequired":{"a":["b"]}}"#,
        &["{}", r#"{"b":1}"#, r#"{"a":1,"b":1}"#, "3"],
        &[r#"{"a":1}"#],
    );
    check(
        r#"{"uniqueItems":true}"#,
        &["[1,2]", "[[],{}]"],
        &["[1,1.0]", r#"[{"a":1,"b":2},{"b":2,"a":1}]"#],
    );
    check(r#"{"uniqueItems":false}"#, &["[1,1]"], &[]);
    check(
        r#"{"contains":{"const":5}}"#,
        &["[5]", "[1,5]", "{}"],
        &["[1]", "[]"],
    );
    check(
        r#"{"contains":{"const":5},"minContains":2,"maxContains":2}"#,
        &["[5,5,1]"],
        &["[5]", "[5,5,5]"],
    );
    check(
        r#"{"oneOf":[{"type":"integer","maximum":5},{"type":"integer","minimum":9}]}"#,
        &["3", "9"],
        &["7", "\"x\""],
    );
    check(
        r#"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#,
        &["3.5"],
        &["3"],
    );
}

#[test]
fn j35_j36_j37_drafts_and_references() {
    let draft7 = "\"$schema\":\"http://json-schema.org/draft-07/schema#\"";
    check(
        &format!(r#"{{{draft7},"items":[{{"type":"integer"}}],"additionalItems":false}}"#),
        &["[1]", "[]"],
        &["[\"x\"]", "[1,2]"],
    );
    check(
        r#"{"prefixItems":[true,{"type":"null"}],"items":false}"#,
        &["[1]", "[1,null]"],
        &["[1,2]", "[1,null,3]"],
    );
    check(
        r#"{"properties":{"a":false}}"#,
        &["{}", "3"],
        &[r#"{"a":1}"#],
    );
    for reference in [
        "#/definitions/a~1b",
        "#/definitions/a%2Fb",
        "#foo",
        "#/anyOf/0",
        "http://x/y#foo",
        "y#/anyOf/0",
    ] {
        let reference = reference.replace("a%2Fb", "a~1b");
        check(
            &format!(
                r##"{{"$id":"http://x/y","$ref":"{reference}","definitions":{{"a/b":{{"$anchor":"foo","type":"integer"}}}},"anyOf":[{{"type":"integer"}}]}}"##
            ),
            &["1"],
            &["\"x\""],
        );
    }
    check(
        r##"{"$defs":{"t~%é":{"type":"null"}},"$ref":"#/$defs/t~0%25%C3%A9"}"##,
        &["null"],
        &["1"],
    );
    check(
        r##"{"type":"object","properties":{"c":{"$ref":"#","maxProperties":1}}}"##,
        &[r#"{"c":{"c":{}}}"#, r#"{"a":1,"b":2}"#],
        &[r#"{"c":{"a":1,"b":2}}"#, r#"{"c":1}"#],
    );
    // Up to draft 7 nothing beside a reference counts.
    let (schema, report) =
        lower(&format!(r##"{{{draft7},"properties":{{"a":{{"$ref":"#/definitions/s","maxLength":2}}}},"definitions":{{"s":{{"type":"string"}}}}}}"##)).unwrap();
    assert!(verdict(&schema, r#"{"a":"abcdef"}"#));
    assert_eq!(report.warnings()[0].code, "ignored-beside-ref");
    let draft4 = "\"$schema\":\"http://json-schema.org/draft-04/schema#\"";
    check(
        &format!(r#"{{{draft4},"minimum":1,"exclusiveMinimum":true}}"#),
        &["1.5"],
        &["1"],
    );
    check(r#"{"minimum":1,"exclusiveMinimum":true}"#, &["1.5"], &["1"]);
    check(&format!(r#"{{{draft4},"const":1}}"#), &["2"], &[]);
}

#[test]
fn j43_what_is_wrong_is_refused_at_its_pointer() {
    check(r#"{"enum":[]}"#, &[], &["1", "{}"]);
    check("false", &[], &["1"]);
    check(r#"{"minLength":5,"maxLength":3}"#, &["1"], &["\"abcd\""]);
    assert_refused(
        r#"{"properties":{"a":{"type":"strng"}}}"#,
        "invalid-keyword",
        "/properties/a/type",
    );
    assert_refused(r#"{"minLength":-1}"#, "invalid-keyword", "/minLength");
    assert_refused(r#"{"minLength":1.5}"#, "invalid-keyword", "/minLength");
    assert_refused(
        r#"{"items":{"$ref":"http://example.com/x"}}"#,
        "unresolved-reference",
        "/items/$ref",
    );
    assert_refused(r##"{"$ref":"#/$defs/x"}"##, "unresolved-reference", "/$ref");
    assert_refused(
        &format!(r#"{{"minimum":"{}"}}"#, "é".repeat(200)),
        "invalid-keyword",
        "/minimum",
    );
    assert_refused(r#"{"multipleOf":0}"#, "invalid-keyword", "/multipleOf");
    assert_refused(r#"{"maximum":1e9999999}"#, "invalid-keyword", "/maximum");
    assert_refused(r#"{"items":3}"#, "invalid-schema", "/items");
    assert_refused(r#"{"anyOf":[]}"#, "invalid-keyword", "/anyOf");
    assert_refused(r#"{"pattern":"(a)\\1"}"#, "unsupported-keyword", "/pattern");
    assert_refused(r#"{"pattern":"("}"#, "invalid-pattern", "/pattern");
    assert_refused(
        r##"{"properties":{"a":{"anyOf":[{"$ref":"#/properties/a"},{}]}}}"##,
        "reference-cycle",
        "/properties/a",
    );
    assert_refused(r##"{"$ref":"#"}"##, "reference-cycle", "");
    assert_eq!(refused(r#"{"type":"x","minimum":"y"}"#).len(), 2);
    assert_eq!(lower("{").unwrap_err().0[0].code, "invalid-json");
    assert_eq!(
        lower(r#"{"a":1,"a":2}"#).unwrap_err().0[0].code,
        "duplicate-key"
    );
}

#[test]
fn names_of_properties_are_strings() {
    check(
        r#"{"propertyNames":{"pattern":"^[a-z]+$","maxLength":3,"not":{"enum":["bad"]}}}"#,
        &["{}", r#"{"abc":1}"#, "[]"],
        &[r#"{"A":1}"#, r#"{"abcd":1}"#, r#"{"bad":1}"#],
    );
    check(r#"{"propertyNames":false}"#, &["{}", "1"], &[r#"{"a":1}"#]);
    check(
        r#"{"propertyNames":{"type":"integer"}}"#,
        &["{}"],
        &[r#"{"a":1}"#],
    );
    check(
        r#"{"propertyNames":{"oneOf":[{"minLength":2},{"maxLength":3}]}}"#,
        &[r#"{"a":1}"#, r#"{"abcd":1}"#],
        &[r#"{"ab":1}"#],
    );
}

#[test]
fn unevaluated_members_with_conditional_patterns() {
    check(
        r#"{"properties":{"k":{}},"anyOf":[{"patternProperties":{"^a":{"type":"integer"}},"required":["a1"]},{"patternProperties":{"b$":{}},"required":["xb"]},true],"unevaluatedProperties":false}"#,
        &[
            r#"{"k":1}"#,
            r#"{"k":1,"a1":2,"ax":3}"#,
            r#"{"xb":1,"k":1,"b":2}"#,
            r#"{"a1":1,"xb":2}"#,
        ],
        &[
            r#"{"z":1}"#,
            r#"{"ax":3}"#,
            r#"{"a1":"s"}"#,
            r#"{"a1":1,"b":2}"#,
        ],
    );
    check(
        r#"{"prefixItems":[{"type":"integer"}],"anyOf":[{"contains":{"const":"x"}},{"contains":{"const":"y"}}],"unevaluatedItems":{"type":"null"}}"#,
        &[r#"[1,"x"]"#, r#"[1,"y",null]"#, r#"[1,"x","y","x"]"#],
        &["[1]", r#"[1,"x","z"]"#, r#"[1,null]"#],
    );
}

#[test]
fn the_report_tells_what_became_of_each_keyword() {
    let (_, report) = lower(
        r#"{"title":"t","type":"object","properties":{"a/b":{"type":"string","format":"phone","minContains":2}},"uniqueItem":true,"then":{}}"#,
    )
    .unwrap();
    let entries: Vec<String> = report
        .entries()
        .map(|e| format!("{} {}", e.status, e.pointer))
        .collect();
    assert_eq!(
        entries,
        [
            "annotation /title",
            "enforced /type",
            "enforced /properties",
            "annotation /uniqueItem",
            "annotation /then",
            "enforced /properties/a~1b/type",
            "annotation /properties/a~1b/format",
            "annotation /properties/a~1b/minContains",
        ]
    );
    let codes: Vec<&str> = report.warnings().iter().map(|w| w.code).collect();
    assert_eq!(codes, ["unknown-keyword", "unknown-format"]);
    assert_eq!(
        report.warnings()[0].help.as_deref(),
        Some("did you mean `uniqueItems`?")
    );
    assert_eq!(report.draft(), Draft::Draft2020);
}

#[test]
fn lenient_mode_widens_and_never_narrows() {
    let lenient = Options {
        lenient: true,
        ..Options::default()
    };
    let bad = r#"{"pattern":"(a)\\1"}"#;
    let (_, report) = parse(bad, &lenient, &Limits::untrusted()).unwrap();
    let relaxed: Vec<String> = report.relaxed().map(|e| e.pointer).collect();
    assert_eq!(relaxed, ["/pattern"]);
    check_with(&lenient, bad, &["\"x\"", "1"], &[]);
    check_with(
        &lenient,
        &format!(r#"{{"allOf":[{bad},{{"type":"string"}}]}}"#),
        &["\"x\""],
        &["1"],
    );
    // Under `not` an unknown assertion may hold or fail: nothing may be excluded for it.
    check_with(
        &lenient,
        &format!(r#"{{"not":{bad}}}"#),
        &["\"x\"", "\"aa\""],
        &[],
    );
    check_with(
        &lenient,
        &format!(r#"{{"type":"string","oneOf":[{bad},{{"const":"x"}}]}}"#),
        &["\"x\"", "\"aa\"", "\"y\""],
        &["1"],
    );
    check_with(
        &lenient,
        &format!(r#"{{"contains":{bad},"maxContains":1}}"#),
        &["[1]", "[\"x\",\"y\"]"],
        &[],
    );
    check_with(
        &lenient,
        &format!(r#"{{"items":{{"not":{{"not":{bad}}}}},"maxItems":1}}"#),
        &["[\"x\"]"],
        &["[1,2]"],
    );
    check_with(
        &lenient,
        r#"{"patternProperties":{"(a)\\1":{"type":"null"}},"properties":{"b":{"type":"null"}},"additionalProperties":false}"#,
        &[r#"{"aa":1,"b":null}"#],
        &[r#"{"b":1}"#],
    );
}

#[test]
fn large_and_deep_schemas_stay_linear() {
    let many: Vec<String> = (0..10_000).map(|i| format!("\"value {i}\"")).collect();
    let (schema, _) = lower(&format!("{{\"enum\":[{}]}}", many.join(","))).unwrap();
    assert!(schema.nodes.len() < 8);
    let properties: Vec<String> = (0..500)
        .map(|i| format!("\"p{i}\":{{\"type\":\"string\"}}"))
        .collect();
    let (schema, _) = lower(&format!(
        "{{\"properties\":{{{}}},\"minProperties\":3}}",
        properties.join(",")
    ))
    .unwrap();
    assert!(schema.nodes.len() < 600);
    let deep = format!("{}{{}}{}", "{\"items\":".repeat(400), "}".repeat(400));
    assert!(lower(&deep).is_ok());
    let deep = format!("{}{{}}{}", "{\"items\":".repeat(20_000), "}".repeat(20_000));
    let errors = lower(&deep).unwrap_err();
    assert_eq!(errors.0[0].code, "limit-exceeded");
    assert!(parse(&deep, &Options::default(), &Limits::offline()).is_ok());
    let nested = format!(
        "{}{{}}{}",
        "{\"anyOf\":[{\"type\":\"null\"},".repeat(100),
        "]}".repeat(100)
    );
    assert!(lower(&nested).is_ok());
    let small = Limits {
        nodes: 100,
        ..Limits::untrusted()
    };
    let e = parse(
        &format!("{{\"properties\":{{{}}}}}", properties.join(",")),
        &Options::default(),
        &small,
    )
    .unwrap_err();
    assert_eq!(e.0[0].limit.as_ref().unwrap().stage, "schema nodes");
}

#[test]
fn a_status_is_refused_only_with_an_error() {
    // The report of a schema that compiles has no refused keyword.
    let (_, report) =
        lower(r#"{"type":["string","null"],"minLength":1,"format":"email"}"#).unwrap();
    assert!(report.entries().all(|e| e.status == Status::Enforced));
}

/// Damaged schema texts: a few bytes of good ones replaced, by a fixed sequence.
#[test]
fn any_text_gives_a_schema_or_an_error() {
    const SEEDS: &[&str] = &[
        r##"{"$schema":"http://json-schema.org/draft-07/schema#","type":["object","null"],"properties":{"a":{"$ref":"#/definitions/b~1c"},"n":{"minimum":-1.5e3,"multipleOf":0.01}},"patternProperties":{"^x(?=y)|z$":{"enum":[1,"a",null,{"k":[]}]}},"additionalProperties":false,"definitions":{"b/c":{"pattern":"^[a-z\\u00e9]{1,3}\\b"}}}"##,
        r##"{"$id":"http://h/r","$dynamicAnchor":"t","anyOf":[{"$dynamicRef":"#t"},{"contains":{"const":[1]},"minContains":2}],"unevaluatedProperties":{"type":"string"},"unevaluatedItems":false,"if":{"required":["q"]},"then":{"propertyNames":{"maxLength":3}},"dependentSchemas":{"w":{"format":"date-time"}}}"##,
        r##"{"allOf":[{"$ref":"#/$defs/s"},{"not":{"oneOf":[{"format":"uri"},{"format":"email"}]}}],"$defs":{"s":{"$anchor":"s","prefixItems":[{"$ref":"#s"}],"items":{"uniqueItems":true}}}}"##,
    ];
    const BYTES: &[u8] = b"{}[]\",:0-9.eE\\u$#/~%^()*+?|ab \x00\x7f";
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let mut compiled = 0;
    for round in 0..3_000 {
        let mut text = SEEDS[round % SEEDS.len()].as_bytes().to_vec();
        for _ in 0..random(4) {
            let at = random(text.len());
            match random(3) {
                0 => text[at] = BYTES[random(BYTES.len())],
                1 => {
                    text.remove(at);
                }
                _ => text.insert(at, BYTES[random(BYTES.len())]),
            }
        }
        let Ok(text) = String::from_utf8(text) else {
            continue;
        };
        for lenient in [false, true] {
            let options = Options {
                lenient,
                ..Options::default()
            };
            match parse(&text, &options, &Limits::untrusted()) {
                Ok((schema, report)) => {
                    compiled += 1;
                    assert_eq!(schema.nodes.len(), schema.pointers.len());
                    let _ = report.to_string();
                }
                Err(errors) => assert!(!errors.0.is_empty()),
            }
        }
    }
    assert!(compiled > 500, "{compiled} damaged schemas still compile");
}

#[test]
fn many_subschemas_that_decide_what_is_evaluated_are_a_limit_error() {
    let branches: Vec<String> = (0..60)
        .map(|i| format!("{{\"$ref\":\"#/$defs/d{}\"}}", i % 2))
        .collect();
    let schema = format!(
        r#"{{"anyOf":[{0}],"unevaluatedProperties":false,"$defs":{{"d0":{{"anyOf":[{1}]}},"d1":{{"anyOf":[{1}]}},"e":{{"anyOf":[{2}]}}}}}}"#,
        branches.join(","),
        vec!["{\"$ref\":\"#/$defs/e\"}"; 60].join(","),
        vec!["{\"properties\":{\"a\":{}}}"; 60].join(","),
    );
    assert_refused(&schema, "unsupported-keyword", "/unevaluatedProperties");
}
