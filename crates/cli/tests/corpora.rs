//! `suite` and `lint` as programs use them: lines and fields, lists of times, marker lines, and files
//! that lose nothing but themselves. What they print for people is in `transcripts.rs`.

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const CORPUS: &str = "crates/cli/tests/cmd/suite/maskbench";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_maskwright"))
        .args(arguments)
        .current_dir(root())
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .expect("the command starts")
}

fn scratch(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

fn lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    text.lines()
        .map(|l| serde_json::from_str(l).expect("JSON"))
        .collect()
}

fn keys(value: &Value) -> Vec<&str> {
    value
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn each_file_has_a_line_with_all_fields() {
    let arguments = ["--format", "maskbench", "--vocab", "bytes", "--json", "-"];
    let output = run(&[&["suite", CORPUS][..], &arguments].concat());
    assert_eq!(output.status.code(), Some(1));
    let lines = lines(&output);
    assert_eq!(lines.len(), 5);
    for line in &lines {
        let mut expected = vec![
            "file",
            "case",
            "verdict",
            "code",
            "pointer",
            "message",
            "compile_ns",
            "first_mask_ns",
        ];
        // A file that is no corpus file was not replayed.
        if line["code"] != "bad-file" {
            expected.extend(["mask_ns", "advance_ns"]);
        }
        expected.sort_unstable();
        let mut found = keys(line);
        found.sort_unstable();
        assert_eq!(found, expected, "{line}");
    }
    let of = |name: &str| lines.iter().find(|l| l["file"] == name).expect("a line");
    // A token a byte: a mask before each and one at the end; the refused ones up to the refusal.
    let text = r#"{"id": 7, "items": ["bread", "milk"], "note": "Grüße"}"#.len();
    let too_many = r#"{"id": 7, "items": ["bread", "milk""#.len();
    let no_id = r#"{"i"#.len();
    let order = of("Orders---1.json");
    assert_eq!(order["verdict"], "pass");
    assert_eq!(
        order["advance_ns"].as_array().expect("a list").len(),
        text + too_many + no_id
    );
    assert_eq!(
        order["mask_ns"].as_array().expect("a list").len(),
        text + 1 + too_many + 1 + no_id + 1
    );
    assert!(order["first_mask_ns"].as_u64() >= order["compile_ns"].as_u64());
    let refused = of("Wrong---2.json");
    assert_eq!(refused["verdict"], "compile_error");
    assert_eq!(refused["pointer"], "/properties/next/$ref");
    assert_eq!(refused["first_mask_ns"], Value::Null);
    assert_eq!(of("Wrong---1.json")["case"], "1: said to be invalid");
    assert_eq!(of("Orders---2.json")["code"], "property-order");
}

#[test]
fn each_case_of_the_official_form_has_a_line() {
    let output = run(&[
        "suite",
        "crates/cli/tests/cmd/suite/conformance",
        "--format",
        "json-schema-test-suite",
        "--remotes",
        "crates/cli/tests/cmd/suite/remotes",
        "--vocab",
        "cl100k_base",
        "--json",
        "-",
    ]);
    assert_eq!(output.status.code(), Some(0));
    let lines = lines(&output);
    assert_eq!(lines.len(), 7);
    assert!(
        lines
            .iter()
            .all(|l| l["verdict"] == "pass" && l.get("mask_ns").is_none())
    );
    assert_eq!(lines[0]["file"], "draft7/minimum.json");
    assert_eq!(lines[0]["case"], "minimum / above");
}

#[test]
fn a_file_over_a_limit_loses_only_itself() {
    let folder = scratch("limits");
    fs::create_dir_all(&folder).expect("a folder");
    let file = |name: &str, schema: String| {
        let text = format!(r#"{{"schema": {schema}, "tests": [{{"valid": true, "data": 1}}]}}"#);
        fs::write(folder.join(name), text).expect("a file");
    };
    let deep = |n: usize| format!("{}{{}}{}", r#"{"items":"#.repeat(n), "}".repeat(n));
    file("a---1.json", deep(2));
    file("a---2.json", deep(4_200));
    file("a---3.json", "{".to_owned());
    file("a---4.json", deep(3));
    let folder = folder.display().to_string();
    let arguments = ["--format", "maskbench", "--vocab", "bytes", "--json", "-"];
    let output = run(&[&["suite", &folder][..], &arguments].concat());
    assert_eq!(output.status.code(), Some(1));
    let verdicts: Vec<_> = lines(&output)
        .iter()
        .map(|l| format!("{} {}", l["verdict"], l["code"]).replace('"', ""))
        .collect();
    let expected = [
        "pass null",
        "compile_error limit-exceeded",
        "crash bad-file",
        "pass null",
    ];
    assert_eq!(verdicts, expected);
    // With more room the deep one passes too.
    let output = run(&[&["suite", &folder, "--limits", "offline"][..], &arguments].concat());
    assert_eq!(lines(&output)[1]["verdict"], "pass");
}

#[test]
fn the_table_goes_between_the_markers_of_a_file() {
    let readme = scratch("matrix.md");
    let arguments = |readme: &Path| {
        let readme = readme.display().to_string();
        let fixed = ["suite", CORPUS, "--format", "maskbench", "--vocab", "bytes"];
        let mut all: Vec<String> = fixed.map(str::to_owned).to_vec();
        all.extend(["--property-order", "any", "--markdown"].map(str::to_owned));
        all.push(readme);
        all
    };
    fs::write(
        &readme,
        "before\n<!-- suite:maskbench:begin -->\nold\n<!-- suite:maskbench:end -->\nafter\n",
    )
    .expect("a file");
    let all = arguments(&readme);
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    assert_eq!(run(&all).status.code(), Some(1));
    let text = fs::read_to_string(&readme).expect("a file");
    assert!(
        text.starts_with("before\n<!-- suite:maskbench:begin -->\n| source set | files | pass |")
    );
    assert!(text.contains("\n| Orders | 2 | 2 | 0 | 0 | 0 | 0 |\n"));
    assert!(text.ends_with("\n<!-- suite:maskbench:end -->\nafter\n") && !text.contains("old"));
    fs::write(&readme, "nothing here").expect("a file");
    assert_eq!(run(&all).status.code(), Some(2));
}

/// A part of a public corpus, where it is present: nothing is wrongly accepted, and what is wrongly
/// rejected passes in the schema's order.
#[test]
fn a_public_corpus_is_judged_as_it_says() {
    let folder = root().join("../shared/data/maskbench-dev");
    let Ok(core) = fs::read_to_string(folder.join("core.txt")) else {
        println!("0 files: the corpus is not here");
        return;
    };
    let list = scratch("part.txt");
    let part: Vec<&str> = core.lines().step_by(20).collect();
    fs::write(&list, part.join("\n")).expect("a list");
    let (folder, list) = (folder.display().to_string(), list.display().to_string());
    let output = run(&[
        "suite",
        &folder,
        "--list",
        &list,
        "--format",
        "maskbench",
        "--vocab",
        "cl100k_base",
        "--json",
        "-",
    ]);
    let lines = lines(&output);
    assert_eq!(lines.len(), part.len());
    let mut passed = 0;
    for line in &lines {
        match line["verdict"].as_str() {
            Some("pass") => passed += 1,
            Some("compile_error") => assert!(line["pointer"].is_string(), "{line}"),
            Some("wrongly_rejected") => assert_eq!(line["code"], "property-order", "{line}"),
            _ => panic!("{line}"),
        }
    }
    println!("{} files, {passed} passed", lines.len());
}

#[test]
fn lint_answers_in_sarif() {
    let output = run(&[
        "lint",
        "crates/cli/tests/cmd/lint.json",
        "--format",
        "sarif",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let log: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let results = run["results"].as_array().expect("results");
    assert!(results.len() >= 6, "{results:?}");
    for result in results {
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert!(
            place["region"]["startLine"]
                .as_u64()
                .is_some_and(|l| l >= 1)
        );
    }
}

/// Everything that the commands can say about a schema has an explanation.
#[test]
fn what_lint_says_it_can_explain() {
    let mut said = std::collections::BTreeSet::new();
    for schema in [
        "{",
        r#"{"a": 1, "a": 2}"#,
        "3",
        r#"{"type": "strin"}"#,
        r#"{"pattern": "("}"#,
        r#"{"pattern": "(a)\\1"}"#,
        r##"{"$ref": "#/nowhere"}"##,
        r##"{"$ref": "#"}"##,
        r#"{"type": "string", "const": 1}"#,
        r#"{"format": "postcode", "enum": [], "uniqueItem": true}"#,
        r##"{"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/a", "definitions": {"a": {"prefixItems": []}}, "minimum": 1}"##,
        r#"{"items": [{}], "minimum": 3, "exclusiveMinimum": true}"#,
    ] {
        let file = scratch("explained.json");
        fs::write(&file, schema).expect("a file");
        let output = run(&["lint", &file.display().to_string(), "--format", "json"]);
        let answer = &lines(&output)[0];
        for finding in answer["findings"].as_array().expect("findings") {
            said.insert(finding["code"].as_str().expect("a code").to_owned());
        }
    }
    assert!(said.len() >= 10, "{said:?}");
    for code in said {
        let output = run(&["lint", "--explain", &code]);
        assert_eq!(output.status.code(), Some(0), "{code}");
    }
}
