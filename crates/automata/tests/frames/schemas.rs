//! Small schemas, one property each.

use super::matcher::{Matcher, accepts};
use super::{build, build_with};
use maskwright_automata::{FrameOptions, Frames, Lexicon, Numbers, Order, Whitespace};
use maskwright_grammar::json_schema::{Options, parse};
use maskwright_tables::{CancelFlag, Limits};
use std::sync::Arc;

#[track_caller]
fn check_with(options: FrameOptions, schema: &str, accept: &[&str], reject: &[&str]) {
    let (frames, lexicon) = build(schema, options).unwrap_or_else(|e| panic!("{schema}: {e}"));
    for text in accept {
        if let Err(at) = accepts(&frames, &lexicon, text).unwrap() {
            panic!("{schema}: {text} is rejected at byte {at}");
        }
    }
    for text in reject {
        assert!(
            accepts(&frames, &lexicon, text).unwrap().is_err(),
            "{schema}: {text} is accepted"
        );
    }
}

#[track_caller]
fn check(schema: &str, accept: &[&str], reject: &[&str]) {
    check_with(FrameOptions::default(), schema, accept, reject);
}

#[track_caller]
fn check_any(schema: &str, accept: &[&str], reject: &[&str]) {
    check_with(
        FrameOptions {
            order: Order::Any,
            ..FrameOptions::default()
        },
        schema,
        accept,
        reject,
    );
}

#[test]
fn anything_is_any_json() {
    check(
        "true",
        &[
            "null",
            " true",
            "-0.5e3",
            "\"a\\u00e9\"",
            "[]",
            "[1, [2,{}]]",
            "{\"a\": {\"b\": []}}\n",
            "[\n  1,\n  2\n]",
        ],
        &[
            "",
            "nul",
            "01",
            "[1,]",
            "{,}",
            "{\"a\" 1}",
            "[1 2]",
            "{}{}",
            "{\"a\":1,\"a\":2}",
        ],
    );
}

#[test]
fn properties_come_in_declared_order() {
    let schema = r#"{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"},"c":true},"required":["b"]}"#;
    check(
        schema,
        &[
            r#"{"b":""}"#,
            r#"{"a":1,"b":"x","c":[],"z":1,"y":2}"#,
            r#"{"b":"","q":1}"#,
        ],
        &[
            "{}",
            r#"{"a":1}"#,
            r#"{"b":"","a":1}"#,
            r#"{"a":"x","b":""}"#,
            r#"{"q":1,"b":""}"#,
            r#"{"b":"","b":""}"#,
            r#"{"b":"","q":1,"q":1}"#,
            "1",
        ],
    );
    check_any(
        schema,
        &[
            r#"{"b":"","a":1}"#,
            r#"{"q":1,"b":""}"#,
            r#"{"a":1,"b":"x","c":[],"z":1,"y":2}"#,
        ],
        &[
            "{}",
            r#"{"a":1}"#,
            r#"{"b":"","b":""}"#,
            r#"{"a":1,"b":"","a":2}"#,
            r#"{"b":"","q":1,"q":1}"#,
        ],
    );
}

#[test]
fn properties_of_alternatives_come_in_the_order_of_each() {
    let branch = |a: &str, b: &str| {
        format!(
            r#"{{ "properties": {{ "{a}": true, "{b}": true }}, "required": ["{a}", "{b}"],
                "additionalProperties": false }}"#
        )
    };
    let any = |branches: [String; 2]| {
        format!(
            r#"{{ "type": "object", "anyOf": [{}] }}"#,
            branches.join(",")
        )
    };
    check(
        &any([branch("a", "value"), branch("b", "value")]),
        &[r#"{"a":1,"value":2}"#, r#"{"b":1,"value":2}"#],
        &[r#"{"value":1,"a":2}"#, r#"{"value":1,"b":2}"#, r#"{"a":1}"#],
    );
    // Where they contradict each other, what appears first comes first.
    check(
        &any([branch("a", "b"), branch("b", "a")]),
        &[r#"{"a":1,"b":2}"#],
        &[r#"{"b":1,"a":2}"#],
    );
    check(
        r#"{ "allOf": [
            { "properties": { "id": true, "name": true, "tags": true } },
            { "properties": { "id": true, "kind": true, "tags": true } }
        ], "type": "object", "required": ["id", "name", "kind", "tags"] }"#,
        &[r#"{"id":1,"name":2,"kind":3,"tags":4}"#],
        &[
            r#"{"id":1,"name":2,"tags":4,"kind":3}"#,
            r#"{"id":1,"kind":3,"name":2,"tags":4}"#,
        ],
    );
}

#[test]
fn names_spelled_with_escapes_are_the_same_names() {
    check(
        r#"{"properties":{"foo":{"type":"integer"}}}"#,
        &[r#"{"foo":1}"#, r#"{"\u0066oo":1}"#],
        &[
            r#"{"\u0066oo":"s"}"#,
            r#"{"foo":1,"\u0066oo":"s"}"#,
            r#"{"foo":1,"\u0066oo":1}"#,
        ],
    );
    check(
        r#"{"patternProperties":{"^a":{"type":"integer"}}}"#,
        &[r#"{"\u0061b":1,"b":""}"#],
        &[r#"{"\u0061b":"s"}"#],
    );
    check(
        r#"{"properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":{"type":"string"}}"#,
        &[r#"{"a":1,"b":""}"#],
        &[r#"{"a":1,"\u0061":"s"}"#, r#"{"a":1,"b":1}"#],
    );
}

#[test]
fn assertions_speak_of_their_type_only() {
    check(
        r#"{"minimum":5}"#,
        &["\"x\"", "null", "[]", "5", "1e1"],
        &["1", "4.99"],
    );
    check(
        r#"{"required":["a"]}"#,
        &["1", r#"{"a":0}"#, r#"{"b":1,"a":0}"#],
        &["{}", r#"{"b":1}"#],
    );
    check(r#"{"not":{"type":"string"}}"#, &["1", "[\"\"]"], &["\"a\""]);
    check(
        r#"{"type":["integer"],"enum":[1,"a"]}"#,
        &["1", "1.0"],
        &["\"a\"", "2"],
    );
}

#[test]
fn all_of_merges_objects() {
    check(
        r#"{"allOf":[{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"a":{"minimum":3},"b":{"type":"null"}},"required":["b"]}]}"#,
        &[r#"{"a":3,"b":null}"#, r#"{"a":30,"b":null,"c":1}"#],
        &[
            r#"{"a":2,"b":null}"#,
            r#"{"a":3}"#,
            "{}",
            "123",
            "\"s\"",
            r#"{"a":3.5,"b":null}"#,
        ],
    );
    check(
        r#"{"type":"object","properties":{"a":{"type":"integer"}},"anyOf":[{"required":["a"]},{"required":["b"]}]}"#,
        &[r#"{"a":1}"#, r#"{"b":1}"#, r#"{"a":1,"b":2}"#],
        &["17", "[1,2]", "{}", r#"{"c":1}"#, r#"{"a":""}"#],
    );
}

#[test]
fn unions_keep_what_is_still_possible() {
    let schema = r#"{"anyOf":[
        {"type":"object","properties":{"k":{"const":"a"},"v":{"type":"integer"}},"required":["k","v"],"additionalProperties":false},
        {"type":"object","properties":{"k":{"const":"b"},"v":{"type":"string"}},"required":["k","v"],"additionalProperties":false}]}"#;
    check(
        schema,
        &[r#"{"k":"a","v":1}"#, r#"{"k":"b","v":"x"}"#],
        &[
            r#"{"k":"a","v":""}"#,
            r#"{"k":"b","v":1}"#,
            r#"{"k":"c","v":1}"#,
            r#"{"k":"a"}"#,
            r#"{"v":1}"#,
            r#"{"k":"a","v":1,"w":1}"#,
        ],
    );
    check(
        &schema.replace("anyOf", "oneOf"),
        &[r#"{"k":"a","v":1}"#, r#"{"k":"b","v":"x"}"#],
        &[r#"{"k":"a","v":""}"#, r#"{"k":"c","v":1}"#],
    );
    // The union is decided inside a nested object, and again only at its end.
    check(
        r#"{"anyOf":[
            {"properties":{"o":{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"]},"v":{"const":1}},"required":["o","v"]},
            {"properties":{"o":{"type":"object","properties":{"y":{"type":"integer"}},"required":["y"]},"v":{"const":2}},"required":["o","v"]}],"type":"object"}"#,
        &[
            r#"{"o":{"x":1},"v":1}"#,
            r#"{"o":{"y":1},"v":2}"#,
            r#"{"o":{"x":1,"y":1},"v":1}"#,
            r#"{"o":{"x":1,"y":1},"v":2}"#,
            r#"{"o":{"x":"","y":1},"v":2}"#,
        ],
        &[
            r#"{"o":{"x":1},"v":2}"#,
            r#"{"o":{"y":1},"v":1}"#,
            r#"{"o":{},"v":1}"#,
            r#"{"o":{"x":1,"y":1},"v":3}"#,
        ],
    );
}

#[test]
fn exactly_one_is_exact() {
    check(
        r#"{"oneOf":[{"type":"integer"},{"type":"number"}]}"#,
        &["3.5"],
        &["3", "\"\""],
    );
    check(
        r#"{"oneOf":[{"type":"integer","minimum":1,"maximum":5},{"type":"integer","minimum":10,"maximum":15}]}"#,
        &["3", "12"],
        &["7", "0"],
    );
    check(
        r#"{"type":"object","oneOf":[{"required":["a"]},{"required":["b"]}]}"#,
        &[r#"{"a":1}"#, r#"{"b":1}"#, r#"{"c":0,"b":1}"#],
        &["{}", r#"{"a":1,"b":1}"#, r#"{"b":1,"a":1}"#],
    );
    check(
        r#"{"type":"object","oneOf":[{"properties":{"a":{"type":"integer"}},"required":["a"]},{"properties":{"b":{"type":"integer"}},"required":["b"]}]}"#,
        &[r#"{"a":1}"#, r#"{"a":1,"b":""}"#, r#"{"a":"","b":1}"#],
        &[r#"{"a":1,"b":1}"#, r#"{"a":"","b":""}"#, "{}"],
    );
}

#[test]
fn conditions_hold() {
    let schema = r#"{"type":"object","properties":{"a":{"type":"integer"},"b":{}},"if":{"properties":{"a":{"const":1}},"required":["a"]},"then":{"required":["b"]},"else":{"not":{"required":["b"]}}}"#;
    check(
        schema,
        &[r#"{"a":1,"b":0}"#, r#"{"a":2}"#, "{}"],
        &[r#"{"a":1}"#, r#"{"a":2,"b":0}"#, r#"{"b":0}"#],
    );
    check(
        r#"{"type":"object","dependentRequired":{"a":["b"]}}"#,
        &["{}", r#"{"a":1,"b":1}"#, r#"{"b":1,"a":1}"#, r#"{"b":1}"#],
        &[r#"{"a":1}"#],
    );
}

#[test]
fn values_outside_all_tags_are_judged_too() {
    check(
        r#"{"type":"object","properties":{"t":{},"v":{}},"required":["t"],"allOf":[
            {"if":{"properties":{"t":{"const":"a"}}},"then":{"required":["v"]}},
            {"if":{"properties":{"t":{"const":"b"}}},"then":{"properties":{"v":{"type":"null"}}}}]}"#,
        &[
            r#"{"t":"a","v":1}"#,
            r#"{"t":"b"}"#,
            r#"{"t":"b","v":null}"#,
            r#"{"t":"c"}"#,
            r#"{"t":[],"v":1}"#,
        ],
        &[r#"{"t":"a"}"#, r#"{"t":"b","v":1}"#],
    );
}

#[test]
fn counts_of_members_are_kept() {
    check(
        r#"{"type":"object","minProperties":2}"#,
        &[r#"{"a":1,"b":2}"#],
        &["{}", r#"{"a":1}"#],
    );
    check(
        r#"{"type":"object","maxProperties":1,"properties":{"a":{},"b":{}}}"#,
        &["{}", r#"{"a":1}"#, r#"{"b":1}"#, r#"{"c":1}"#],
        &[r#"{"a":1,"b":1}"#],
    );
    check(
        r#"{"type":"object","properties":{"a":{},"b":{},"c":{}},"additionalProperties":false,"minProperties":2}"#,
        &[r#"{"a":1,"c":1}"#, r#"{"b":1,"c":1}"#],
        &[r#"{"c":1}"#, r#"{"a":1}"#, "{}"],
    );
    check(
        r#"{"type":"object","patternProperties":{"^(x|y)$":{}},"additionalProperties":false,"minProperties":2}"#,
        &[r#"{"y":1,"x":1}"#],
        &[r#"{"x":1}"#, r#"{"x":1,"x":2}"#],
    );
    check(
        r#"{"type":"object","propertyNames":{"enum":["p","q"]}}"#,
        &["{}", r#"{"q":1,"p":1}"#],
        &[r#"{"r":1}"#, r#"{"p":1,"p":1}"#],
    );
}

#[test]
fn patterns_name_members() {
    check(
        r#"{"patternProperties":{"^x":{"type":"integer"}},"required":["xa"],"properties":{"a":{"type":"string"}},"type":"object"}"#,
        &[r#"{"xa":1}"#, r#"{"a":"","xb":2,"xa":1}"#],
        &["{}", r#"{"xb":1}"#, r#"{"a":"s","x1":"s"}"#, r#"{"xa":""}"#],
    );
    check(
        r#"{"type":"object","patternProperties":{".*":{"type":"integer"}},"additionalProperties":false}"#,
        &["{}", r#"{"":1}"#],
        &[r#"{"a":""}"#],
    );
    check(
        r#"{"type":"object","patternProperties":{"a":{"minimum":3},"b":{"maximum":5}},"additionalProperties":false}"#,
        &[r#"{"a":9,"b":1,"ab":4}"#, r#"{"ab":"s"}"#],
        &[r#"{"ab":9}"#, r#"{"ab":1}"#, r#"{"c":1}"#, r#"{"a":1}"#],
    );
}

#[test]
fn arrays_count_and_match() {
    check(
        r#"{"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":3}"#,
        &["[1,2]", "[1, 2, 3]"],
        &["[]", "[1]", "[1,2,3,4]", "[1,\"\"]"],
    );
    check(
        r#"{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"items":false}"#,
        &["[]", "[1]", "[1,\"\"]"],
        &["[\"\"]", "[1,\"\",1]"],
    );
    check(
        r#"{"type":"array","contains":{"const":5}}"#,
        &["[5]", "[1,5,2]", "[5,5]"],
        &["[]", "[1]"],
    );
    check(
        r#"{"type":"array","contains":{"type":"integer"},"minContains":2,"maxContains":3}"#,
        &["[1,2]", "[1,\"\",2,3]"],
        &["[1]", "[1,2,3,4]", "[\"\",\"\"]"],
    );
    check(
        r#"{"type":"array","contains":{"const":5},"maxItems":2,"items":{"type":"integer"}}"#,
        &["[5]", "[1,5]", "[5,1]"],
        &["[1,1]", "[1,1,5]", "[]"],
    );
    check(
        r#"{"not":{"type":"array","items":{"type":"integer"}}}"#,
        &["1", "[\"\"]", "[1,\"\"]"],
        &["[]", "[1]"],
    );
}

#[test]
fn elements_can_be_asked_to_differ() {
    check(
        r#"{"type":"array","items":{"enum":["a","b","c"]},"uniqueItems":true}"#,
        &["[]", r#"["a","c"]"#, r#"["c", "b", "a"]"#],
        &[
            r#"["a","a"]"#,
            r#"["a","\u0061"]"#,
            r#"["a","b","c",""#,
            r#"["d"]"#,
        ],
    );
    check(
        r#"{"type":"array","items":{"enum":["ax","ay","b"]},"uniqueItems":true,"minItems":3}"#,
        &[r#"["ax","b","ay"]"#],
        &[r#"["ax","b"]"#, r#"["ax","ay","a"#, r#"["b","b"#],
    );
    check(
        r#"{"type":"array","items":{"type":"integer","minimum":1,"maximum":3},"uniqueItems":true}"#,
        &["[1,2,3]", "[3,1]"],
        &["[1,1]", "[1,1.0]", "[1,2,3,"],
    );
    check(
        r#"{"type":"array","items":{"type":["string","null","number"]},"uniqueItems":true}"#,
        &[r#"["a",null,"b",1,2]"#],
        &[r#"["a","a"]"#, "[null,n", "[1,2,1.0]", r#"["","b",""]"#],
    );
    check(
        r#"{"not":{"type":"array","items":{"enum":[1,2]},"uniqueItems":true}}"#,
        &["[1,1]", "[3]", "[1,2,1]", "null"],
        &["[]", "[1,2]"],
    );
    check(
        r#"{"type":"array","items":{"enum":["a","b"]},"uniqueItems":true,"minItems":2}"#,
        &[r#"["a","b"]"#],
        &[r#"["a"]"#],
    );
    check(
        r#"{"type":"array","uniqueItems":true}"#,
        &[
            r#"[[],{},[[]],1,"1",[1],{"a":1,"b":2},{"a":2,"b":1}]"#,
            "[[1,2],[2,1]]",
        ],
        &[
            "[[],[]]",
            r#"[{"a":1,"b":[2]},{"b":[2.0],"a":1}]"#,
            "[null,n",
        ],
    );
    // What other schemas say of the elements counts.
    check(
        r#"{"type":"array","uniqueItems":true,"minItems":2,"allOf":[{"items":{"type":["boolean","array"]}},{"items":{"type":["boolean","null"]}}]}"#,
        &["[true,false]", "[false,true]"],
        &["[true]", "[true,t", "[true,false,", "[[]"],
    );
    check(
        r#"{"type":"array","uniqueItems":true,"items":{"type":"integer"},"contains":{"enum":[5,6]},"minContains":2,"maxItems":2}"#,
        &["[5,6]", "[6,5]"],
        &["[5,5", "[7"],
    );
    check(
        r#"{"type":"array","uniqueItems":true,"items":{"type":"array","items":{"const":1},"maxItems":1}}"#,
        &["[]", "[[],[1]]", "[[1],[]]"],
        &["[[],[]]", "[[1],[1]]"],
    );
    check(
        r#"{"anyOf":[{"type":"array","items":{"type":"string"},"uniqueItems":true},{"type":"array","maxItems":2}]}"#,
        &["[]", r#"["a","a"]"#, "[1,1]", r#"["a","b","c"]"#],
        &[r#"["a","b","a"]"#, "[1,2,3]", r#"["a","a","a"]"#],
    );
    // Where no array can stand there is nothing to enforce.
    check(
        r#"{"type":"string","items":{"type":"object"},"uniqueItems":true}"#,
        &["\"\""],
        &["[]"],
    );
    for schema in [
        r#"{"type":"array","items":{"enum":["a","b"]},"uniqueItems":true,"minItems":3}"#,
        r#"{"type":"array","uniqueItems":true,"items":{"type":"array","maxItems":0},"minItems":2}"#,
        r#"{"type":"array","items":{"type":"integer"},"uniqueItems":true,"contains":{"const":5},"minContains":2}"#,
        r#"{"oneOf":[{"type":"array","items":{"type":"string"},"uniqueItems":true},{"type":"array","maxItems":3}]}"#,
    ] {
        assert!(build(schema, FrameOptions::default()).is_err(), "{schema}");
    }
}

#[test]
fn recursion_ends() {
    check(
        r##"{"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"v":{"type":"integer"},"k":{"type":"array","items":{"$ref":"#/$defs/t"}}},"required":["v"]}}}"##,
        &[r#"{"v":1}"#, r#"{"v":1,"k":[{"v":2,"k":[]},{"v":3}]}"#],
        &[r#"{"v":1,"k":[{}]}"#],
    );
    // Every object would need another one inside: only null is left.
    check(
        r##"{"$ref":"#/$defs/t","$defs":{"t":{"anyOf":[{"type":"null"},{"type":"object","properties":{"n":{"allOf":[{"$ref":"#/$defs/t"},{"type":"object"}]}},"required":["n"]}]}}}"##,
        &["null"],
        &["{", r#"{"n":null}"#],
    );
    assert!(build(r##"{"$ref":"#/$defs/t","$defs":{"t":{"type":"object","properties":{"n":{"$ref":"#/$defs/t"}},"required":["n"]}}}"##, FrameOptions::default()).is_err());
    // Two definitions that need each other, one of which has a way out.
    check(
        r##"{"$ref":"#/$defs/a","$defs":{"a":{"type":"array","items":{"$ref":"#/$defs/b"},"minItems":1},"b":{"anyOf":[{"type":"array","items":{"$ref":"#/$defs/a"},"minItems":1},{"const":0}]}}}"##,
        &["[0]", "[[[0]]]", "[[[0],[0]],0]"],
        &["[]", "0", "[[0]]"],
    );
}

#[test]
fn unsatisfiable_parts_are_never_offered() {
    check(
        r#"{"type":"object","properties":{"a":false,"b":{"type":"string","maxLength":3,"format":"date"}}}"#,
        &["{}", r#"{"c":1}"#],
        &[r#"{"a"#, r#"{"b"#],
    );
    check(
        r#"{"type":"array","items":{"enum":[]}}"#,
        &["[]"],
        &["[1", "[n"],
    );
    check(
        r#"{"anyOf":[{"type":"object","required":["a"],"properties":{"a":false}},{"type":"integer"}]}"#,
        &["1"],
        &["{"],
    );
    let e = build(
        r#"{"type":"string","minLength":5,"maxLength":3}"#,
        FrameOptions::default(),
    )
    .unwrap_err();
    assert_eq!(e.0[0].code, "unsatisfiable");
    assert!(build("false", FrameOptions::default()).is_err());
}

#[test]
fn members_never_lead_where_the_required_ones_cannot_come() {
    // The byte at which a text is refused: the first that leads nowhere.
    for (schema, text, at) in [
        // An optional member would take the place of a required one.
        (
            r#"{ "type": "object", "properties": { "c": true, "a": true, "b": true },
                "required": ["a", "b"], "maxProperties": 2 }"#,
            r#"{"c":1,"a":2}"#,
            2,
        ),
        // No object satisfies this, only a string.
        (
            r#"{ "type": ["object", "string"], "required": ["x"], "properties": { "x": {
                "type": "string", "allOf": [{ "pattern": "^a+$" }, { "pattern": "^b+$" }] } } }"#,
            r#"{"x":"a"}"#,
            0,
        ),
    ] {
        let (frames, lexicon) = build(schema, FrameOptions::default()).unwrap();
        let refused = accepts(&frames, &lexicon, text).unwrap();
        assert_eq!(refused, Err(at), "{schema}: {text}");
    }
}

#[test]
fn constants_follow_the_white_space() {
    let schema = r#"{"const":{"a":[1,{"b":null}]}}"#;
    check(
        schema,
        &[r#"{"a":[1,{"b":null}]}"#, "{ \"a\": [1.0, {\"b\" : null}]}"],
        &[r#"{"a":[1]}"#, r#"{"a":[1,{"b":null}],"c":1}"#],
    );
    let compact = FrameOptions {
        whitespace: Whitespace::Compact,
        ..FrameOptions::default()
    };
    check_with(
        compact,
        schema,
        &[r#"{"a":[1,{"b":null}]}"#],
        &[r#"{"a": [1,{"b":null}]}"#, "{\"a\":[1,{\"b\":null}]}\n"],
    );
    let pretty = FrameOptions {
        whitespace: Whitespace::Pretty { indent: 2 },
        ..FrameOptions::default()
    };
    let text = serde_json::to_string_pretty(&serde_json::json!({"a": [1, {"b": null}]})).unwrap();
    check_with(
        pretty,
        schema,
        &[&text],
        &[r#"{"a":[1,{"b":null}]}"#, &text.replace("  ", " ")],
    );
    check_with(
        pretty,
        "true",
        &["[]", "{}", &text, "[\n  [],\n  {}\n]"],
        &["[ ]", "[\n]", "[[]]"],
    );
}

#[test]
fn deep_schemas_and_documents_do_not_overflow_the_stack() {
    let mut schema = String::new();
    let mut text = String::new();
    for _ in 0..400 {
        schema.push_str(r#"{"type":"object","required":["a"],"properties":{"a":"#);
        text.push_str("{\"a\":");
    }
    schema.push_str("{\"type\":\"null\"}");
    text.push_str("null");
    schema.push_str(&"}}".repeat(400));
    text.push_str(&"}".repeat(400));
    std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(move || {
            let limits = Limits::trusted();
            let lexicon = Arc::new(Lexicon::new(limits));
            let (parsed, _) = parse(&schema, &Options::default(), &limits).unwrap();
            let options = FrameOptions::default();
            let frames = Frames::new(parsed, lexicon.clone(), options, limits, CancelFlag::new());
            let frames = frames.unwrap();
            assert_eq!(accepts(&frames, &lexicon, &text).unwrap(), Ok(()));
            assert!(accepts(&frames, &lexicon, "{\"a\":null}").unwrap().is_err());
            let deep = format!("{}{}", "[".repeat(2_000), "]".repeat(2_000));
            check("true", &[&deep], &[]);
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn equal_positions_of_different_schemas_share_their_lexical_states() {
    let lexicon = Arc::new(Lexicon::new(Limits::untrusted()));
    let schemas = [
        r#"{"type":"object","properties":{"n":{"type":"number"},"s":{"type":"string"}},"required":["n","s"]}"#,
        r#"{"anyOf":[{"type":"object","properties":{"number":{"type":"number"},"text":{"type":"string"},"x":{}},"required":["number","text","x"]},{"type":"null"}]}"#,
    ];
    let texts = [
        [
            r#"{"n""#,
            r#"{"n": -1"#,
            r#"{"n": 1, "s": "a\"#,
            r#"{"n": 1, "s": "abc"#,
        ],
        [
            r#"{"number""#,
            r#"{"number": -2"#,
            r#"{"number": 22, "text": "\"#,
            r#"{"number": 1.5, "text": "é"#,
        ],
    ];
    let frames = schemas.map(|s| build_with(s, FrameOptions::default(), &lexicon).unwrap());
    let states = |i: usize, text: &str| {
        let mut matcher = Matcher::new(&frames[i], &lexicon).unwrap();
        assert!(text.bytes().all(|b| matcher.byte(b).unwrap()), "{text}");
        matcher.states()
    };
    for (a, b) in texts[0].iter().zip(texts[1]) {
        assert_eq!(states(0, a), states(1, b), "{a} and {b}");
    }
}

#[test]
fn numbers_in_one_spelling() {
    let shortest = FrameOptions {
        numbers: Numbers::Shortest,
        ..FrameOptions::default()
    };
    check_with(
        shortest,
        r#"{"type":"number","maximum":100}"#,
        &["0", "10", "-0.5", "99.99", "-100"],
        &["-0", "10.0", "1e1", "0.50", "1E0", "01", "101", "0.0"],
    );
    check_with(shortest, r#"{"const":1.50}"#, &["1.5"], &["1.50", "15e-1"]);
    check_with(
        shortest,
        r#"{"enum":[{"a":100}]}"#,
        &[r#"{"a":100}"#],
        &[r#"{"a":1e2}"#],
    );
    // What only another spelling satisfies is not there.
    let old = r#"{"$schema":"http://json-schema.org/draft-04/schema#","enum":[1],"not":{"type":"integer"}}"#;
    check(old, &["1.0", "1e0"], &["1", "2.0"]);
    assert!(build(old, shortest).is_err());
}

#[test]
fn one_of_alternatives_that_exclude_each_other_is_any_of_them() {
    // Tags in front of and behind what they decide, of several types; closed objects; lists.
    check(
        r#"{"oneOf":[
            {"type":"object","properties":{"v":{"type":"integer"},"t":{"const":"a"}},"required":["t"]},
            {"type":"object","properties":{"v":{"type":"string"},"t":{"enum":["b",1,null]}},"required":["t"]},
            {"type":"array","items":{"oneOf":[{"const":1},{"enum":["1",true]}]}}]}"#,
        &[
            r#"{"v":1,"t":"a"}"#,
            r#"{"v":"","t":1.0}"#,
            r#"{"v":"","t":null}"#,
            "[1,\"1\",true]",
        ],
        &[
            r#"{"v":1,"t":"b"}"#,
            r#"{"v":"","t":"a"}"#,
            "{}",
            r#"{"t":"c"}"#,
            "[2]",
        ],
    );
    // A tag that is not required does not exclude.
    check(
        r#"{"type":"object","oneOf":[{"properties":{"t":{"const":"a"}}},{"properties":{"t":{"const":"b"}}}]}"#,
        &[r#"{"t":"a"}"#, r#"{"t":"b"}"#],
        &["{}", r#"{"t":"c"}"#, r#"{"u":1}"#],
    );
    // Closed objects with a required name of their own, behind references and allOf.
    check(
        r##"{"$defs":{"x":{"allOf":[{"type":"object","properties":{"a":{},"c":{}}},{"required":["a"],"additionalProperties":true}]},
            "y":{"type":"object","properties":{"b":{},"c":{}},"additionalProperties":false}},
            "oneOf":[{"$ref":"#/$defs/x"},{"$ref":"#/$defs/y"}]}"##,
        &[
            r#"{"a":1}"#,
            r#"{"a":1,"c":1}"#,
            r#"{"b":1}"#,
            "{}",
            r#"{"c":1}"#,
            r#"{"a":1,"d":1}"#,
        ],
        &[r#"{"d":1}"#, "1"],
    );
    // Each requires what the other must not have.
    check(
        r#"{"type":"object","oneOf":[{"required":["a"],"not":{"required":["b"]}},{"required":["b"],"properties":{"a":false}}]}"#,
        &[r#"{"a":1}"#, r#"{"b":1}"#, r#"{"b":1,"c":1}"#],
        &[r#"{"a":1,"b":1}"#, "{}", r#"{"c":1}"#],
    );
    // Tags that overlap in one value, and a union of tags.
    check(
        r#"{"oneOf":[
            {"type":"object","properties":{"t":{"enum":[1,2]}},"required":["t"]},
            {"type":"object","properties":{"t":{"anyOf":[{"const":2.0},{"const":3}]}},"required":["t"]}]}"#,
        &[r#"{"t":1}"#, r#"{"t":3}"#],
        &[r#"{"t":2}"#, r#"{"t":4}"#, "{}"],
    );
}

/// Whether a name may come is seen from each object by itself: from those that list it, from those that allow
/// others, and not from those in which no value can follow it or which cannot be completed behind it.
#[test]
fn names_of_a_union_come_where_an_object_can_be_completed_behind_them() {
    let branch = |i: usize, own: &str| {
        format!(
            r#"{{"type":"object","properties":{{"value":{{"type":["integer","string"]}},"field{i}":{own}}},"required":["value","field{i}"],"additionalProperties":false}}"#
        )
    };
    let mut branches: Vec<String> = (0..15).map(|i| branch(i, r#"{"type":"string"}"#)).collect();
    // No value can follow this name, but the object does without it.
    let own =
        r#"{"type":"array","items":{"type":"string","pattern":"^a$","minLength":2},"minItems":1}"#;
    let optional = branch(15, own).replace(r#","field15"]"#, "]");
    branches.push(optional);
    let closed = format!(r#"{{"anyOf":[{}]}}"#, branches.join(","));
    branches.push(
        r#"{"type":"object","properties":{"late":{"type":"null"}},"required":["late"]}"#.into(),
    );
    let open = format!(r#"{{"anyOf":[{}]}}"#, branches.join(","));
    // What is read of each text: all of it where it is accepted.
    for (schema, text, read) in [
        (&closed, r#"{"value": 1, "field0": "x"}"#, None),
        (&closed, r#"{"value": "v", "field14": ""}"#, None),
        (
            &closed,
            r#"{"value": 1, "field15": ["a"]}"#,
            Some(r#"{"value": 1, "field1"#),
        ),
        // Without its value no object can be completed behind a field.
        (&closed, r#"{"field0": "x"}"#, Some(r#"{""#)),
        (&open, r#"{"value": 1, "field15": 7, "late": null}"#, None),
        (&open, r#"{"field3": true, "late": null}"#, None),
        // (A name that only begins like that is not listed, and may come.)
        (
            &open,
            r#"{"late": null, "field0": "x"}"#,
            Some(r#"{"late": null, "field0"#),
        ),
    ] {
        let (frames, lexicon) = build(schema, FrameOptions::default()).unwrap();
        let expected = read.map_or(Ok(()), |read: &str| Err(read.len()));
        let found = accepts(&frames, &lexicon, text).unwrap();
        assert_eq!(found, expected, "{text} under {schema:.60}");
    }
}
