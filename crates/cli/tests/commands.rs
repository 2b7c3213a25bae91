//! The command as its users meet it: what it prints, on which stream, with which exit code.
//!
//! What it says word for word is in `transcripts.rs`.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn maskwright() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maskwright"));
    command.current_dir(root()).env("NO_COLOR", "1");
    command
}

fn run(arguments: &[&str]) -> Output {
    maskwright()
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("the command starts")
}

fn run_with_input(arguments: &[&str], input: &[u8]) -> Output {
    let mut child = maskwright()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A command that has seen enough closes the pipe early.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("the command ends")
}

/// A file of its own for a test.
fn scratch(name: &str) -> String {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(name)
        .display()
        .to_string()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// All `(source, accept folder)` of a kind of grammar.
fn sources(kind: &str) -> Vec<String> {
    let folder = root().join("grammars").join(kind);
    let mut names: Vec<_> = fs::read_dir(folder)
        .expect("the grammars folder")
        .map(|e| {
            e.expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    let file = match kind {
        "json-schema" => "schema.json",
        "cfg" => "grammar.ebnf",
        _ => "pattern.regex",
    };
    names
        .iter()
        .map(|n| format!("grammars/{kind}/{n}/{file}"))
        .collect()
}

/// Texts that are broken off early come to a whole end, and pass `check`.
fn generated_texts_are_whole(source: &str, max_tokens: &str) {
    let arguments = [
        "generate",
        source,
        "-n",
        "2",
        "--seed",
        "7",
        "--max-tokens",
        max_tokens,
        "--json",
    ];
    let output = run(&arguments);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{source}: {}",
        stderr(&output)
    );
    let lines = stdout(&output);
    let mut seen = 0;
    for line in lines.lines() {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let text = value["text"].as_str().expect("text");
        let checked = run_with_input(&["check", source, "-"], text.as_bytes());
        assert_eq!(
            checked.status.code(),
            Some(0),
            "{source}: {text:?}\n{}",
            stderr(&checked)
        );
        seen += 1;
    }
    assert_eq!(seen, 2, "{source}");
}

#[test]
fn documents_broken_off_early_are_whole() {
    let schemas = sources("json-schema");
    assert!(schemas.len() >= 12);
    for source in &schemas {
        generated_texts_are_whole(source, "12");
    }
}

#[test]
fn documents_left_alone_are_whole() {
    for source in sources("json-schema").iter().step_by(4) {
        generated_texts_are_whole(source, "1000");
    }
}

#[test]
fn texts_of_patterns_and_grammars_are_whole() {
    for source in sources("regex") {
        generated_texts_are_whole(&source, "3");
    }
    for name in ["arithmetic", "palindrome", "dyck", "if-else", "list-listen"] {
        generated_texts_are_whole(&format!("grammars/cfg/{name}/grammar.ebnf"), "4");
    }
}

#[test]
fn the_same_arguments_print_the_same_bytes() {
    let source = "grammars/json-schema/invoice/schema.json";
    let two = run(&["generate", source, "-n", "2", "--seed", "3"]);
    assert_eq!(
        two.stdout,
        run(&["generate", source, "-n", "2", "--seed", "3"]).stdout
    );
    let one = run(&["generate", source, "-n", "1", "--seed", "3"]);
    assert!(
        two.stdout.starts_with(&one.stdout),
        "a text depends on its number, not on the count"
    );
    assert_ne!(
        one.stdout,
        run(&["generate", source, "-n", "1", "--seed", "4"]).stdout
    );
}

#[test]
fn rejection_sampling_gives_whole_texts_and_weights() {
    let output = run(&[
        "generate",
        "grammars/regex/date/pattern.regex",
        "--method",
        "awrs",
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let value: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("JSON");
    assert!(value["log_weight"].as_f64().expect("a weight") <= 1e-9);
    assert!(value["calls"].as_u64().expect("a count") > 0);
    let hot = run(&[
        "generate",
        "grammars/regex/date/pattern.regex",
        "--method",
        "awrs",
        "--temperature",
        "0",
    ]);
    assert_eq!(
        hot.status.code(),
        Some(2),
        "a temperature of 0 leaves nothing to weigh"
    );
}

#[test]
fn every_accept_text_matches_and_every_reject_text_does_not() {
    let mut texts = 0;
    for kind in ["json-schema", "cfg", "regex"] {
        for source in sources(kind) {
            for (folder, code) in [("accept", 0), ("reject", 1)] {
                let folder = root().join(&source).with_file_name(folder);
                for entry in fs::read_dir(&folder).into_iter().flatten() {
                    let path = entry.expect("an entry").path().display().to_string();
                    // Members that the schema does not name may still come twice.
                    if path.ends_with("duplicate-flag.json") {
                        continue;
                    }
                    let output = run(&["check", &source, &path]);
                    assert_eq!(
                        output.status.code(),
                        Some(code),
                        "{path}: {}",
                        stderr(&output)
                    );
                    texts += 1;
                }
            }
        }
    }
    assert!(texts > 200, "{texts} texts");
}

#[test]
fn a_reader_that_goes_away_ends_the_command_quietly() {
    let mut child = maskwright()
        .args([
            "generate",
            "grammars/regex/date/pattern.regex",
            "-n",
            "100000",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut reader = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    drop(reader);
    let mut errors = String::new();
    child
        .stderr
        .take()
        .expect("a pipe")
        .read_to_string(&mut errors)
        .expect("UTF-8");
    assert_eq!(child.wait().expect("the command ends").code(), Some(0));
    assert_eq!(errors, "");
}

#[test]
fn hostile_sources_are_errors_with_a_code() {
    let deep = "[".repeat(200_000);
    let deep_schema = r#"{"items":"#.repeat(50_000);
    let deep_regex = "(".repeat(100_000);
    let cases: [(&str, &[u8]); 7] = [
        ("json-schema", deep.as_bytes()),
        ("json-schema", deep_schema.as_bytes()),
        ("json-schema", b"\xff\xfe"),
        ("json-schema", b""),
        ("regex", deep_regex.as_bytes()),
        ("ebnf", b"start = start ;"),
        ("artifact", b"MWART\r\n\x1a and nothing else"),
    ];
    for (kind, source) in cases {
        let shown = String::from_utf8_lossy(&source[..source.len().min(20)]).into_owned();
        let output = run_with_input(
            &["check", "--json", "--kind", kind, "-", "README.md"],
            source,
        );
        assert_eq!(
            output.status.code(),
            Some(2),
            "{shown}: {}",
            stderr(&output)
        );
        let value: serde_json::Value =
            serde_json::from_str(&stderr(&output)).expect("one JSON object");
        let diagnostics = value["error"]["diagnostics"].as_array().expect("a list");
        assert!(
            diagnostics
                .iter()
                .all(|d| d["code"].is_string() && d["message"].is_string())
        );
        assert!(!diagnostics.is_empty());
    }
}

#[test]
fn artifacts_of_open_objects_know_the_names_read() {
    let (schema, artifact) = (scratch("open.json"), scratch("open.mwk"));
    fs::write(
        &schema,
        r#"{"additionalProperties":{"type":"boolean"},"type":"object"}"#,
    )
    .unwrap();
    let compile = [
        "compile", &schema, "--vocab", "bytes", "--force", "-o", &artifact,
    ];
    let compiled = run(&compile);
    assert_eq!(compiled.status.code(), Some(0), "{}", stderr(&compiled));
    assert_eq!(run(&["verify", &artifact]).status.code(), Some(0));
    for (text, code) in [
        (r#"{"a":true,"b":true}"#, 0),
        (r#"{"a":true,"a":true}"#, 1),
        (r#"{"a":true,"\u0061":true}"#, 1),
    ] {
        let output = run_with_input(&["check", &artifact, "-"], text.as_bytes());
        assert_eq!(output.status.code(), Some(code), "{text}");
    }
    let inspected = stdout(&run(&["inspect", "--json", &artifact]));
    let value: serde_json::Value = serde_json::from_str(&inspected).expect("JSON");
    let mut tables = value["tables"].as_array().expect("tables").iter();
    let differing = tables.find(|t| t["name"] == "differing lexemes");
    assert_eq!(differing.expect("a table")["rows"], 2);
}

#[test]
fn artifacts_are_compiled_inspected_verified_and_used() {
    let source = "grammars/regex/date/pattern.regex";
    let artifact = scratch("date.mwk");
    // A file left by an earlier run is no matter.
    let _ = fs::remove_file(&artifact);
    let compile = ["compile", source, "--vocab", "bytes", "-o", &artifact];
    assert_eq!(run(&compile).status.code(), Some(0));
    let again = run(&compile);
    assert_eq!(
        again.status.code(),
        Some(2),
        "a file that is there is not overwritten"
    );
    assert!(stderr(&again).contains("--force"));
    assert_eq!(run(&["verify", &artifact]).status.code(), Some(0));
    let inspected = stdout(&run(&["inspect", "--json", &artifact]));
    let value: serde_json::Value = serde_json::from_str(&inspected).expect("JSON");
    assert!(
        value["tables"]
            .as_array()
            .expect("tables")
            .iter()
            .any(|t| t["name"] == "lexical")
    );
    for (text, code) in [("2024-02-29", 0), ("2024-13-01", 1)] {
        let output = run_with_input(&["check", &artifact, "-"], text.as_bytes());
        assert_eq!(
            output.status.code(),
            Some(code),
            "{text}: {}",
            stderr(&output)
        );
    }
    let mask = |source: &str| {
        stdout(&run(&[
            "mask", source, "--vocab", "bytes", "--prefix", "2024-", "--json",
        ]))
    };
    let (lazy, frozen): (serde_json::Value, serde_json::Value) = (
        serde_json::from_str(&mask(source)).expect("JSON"),
        serde_json::from_str(&mask(&artifact)).expect("JSON"),
    );
    assert_eq!(
        lazy["tokens"], frozen["tokens"],
        "the same mask from source and artifact"
    );

    let sound = fs::read(&artifact).expect("the artifact");
    let damaged_file = scratch("damaged.mwk");
    for at in (0..sound.len()).step_by(97) {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x10;
        fs::write(&damaged_file, &damaged).expect("a file");
        let output = run(&["verify", &damaged_file]);
        assert_eq!(
            output.status.code(),
            Some(1),
            "byte {at}: {}",
            stdout(&output)
        );
        let code = run(&["inspect", &damaged_file]).status.code();
        assert!(matches!(code, Some(0 | 2)), "byte {at}: {code:?}");
    }
    fs::write(&damaged_file, &sound[..sound.len() / 2]).expect("a file");
    assert_eq!(run(&["verify", &damaged_file]).status.code(), Some(1));
    assert_eq!(run(&["verify", "no-such-file"]).status.code(), Some(2));
}

#[test]
fn a_vocabulary_travels_in_its_artifact() {
    let artifact = scratch("with-vocabulary.mwk");
    let source = "grammars/regex/hex-colour/pattern.regex";
    // A vocabulary that is not built in, so that it can only come from the artifact.
    let compile = [
        "compile",
        source,
        "--vocab",
        "bytes",
        "--end-token",
        "0",
        "--with-vocabulary",
        "--force",
        "-o",
        &artifact,
    ];
    let output = run(&compile);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(run(&["verify", &artifact]).status.code(), Some(0));
    let generated = run(&["generate", &artifact, "--quiet"]);
    assert_eq!(generated.status.code(), Some(0), "{}", stderr(&generated));
    let checked = run_with_input(&["check", "--trim", source, "-"], &generated.stdout);
    assert_eq!(checked.status.code(), Some(0), "{}", stderr(&checked));
}

#[test]
fn a_vocabulary_is_stored_and_used_like_the_one_it_was_made_from() {
    let file = scratch("stored-vocabulary.mwk");
    let compile = ["vocab", "compile", "cl100k_base", "-o", &file];
    let output = run(&[&compile[..], &["--force"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).contains("for cl100k_base (100,277 ids"));
    let output = run(&compile);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--force"), "{}", stderr(&output));
    assert_eq!(run(&["verify", &file]).status.code(), Some(0));
    // The same vocabulary by all that is said of it, and the same file when it is made again from itself.
    let inspect = |name: &str| {
        let json = stdout(&run(&["vocab", "inspect", "--json", name]));
        let mut value: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        for of_the_file in ["format", "end_tokens_from"] {
            value[of_the_file].take();
        }
        value
    };
    assert_eq!(inspect(&file), inspect("cl100k_base"));
    let again = run(&["vocab", "compile", &file, "-o", "-"]);
    assert!(
        again.stdout == fs::read(&file).expect("the file"),
        "another file"
    );
    let mask = |vocabulary: &str| {
        let source = "grammars/json-schema/invoice/schema.json";
        let arguments = [
            "mask", "--json", source, "--prefix", "{\"num", "--vocab", vocabulary,
        ];
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stdout(&output)
    };
    assert_eq!(mask(&file), mask("cl100k_base"));
    // What is cut or damaged is refused, with the name of the file.
    let sound = fs::read(&file).expect("the file");
    let damaged_file = scratch("damaged-vocabulary.mwk");
    for at in [0, 8, 40, 130, 4_000, sound.len() / 2, sound.len() - 100_000] {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x10;
        for bytes in [&damaged[..], &sound[..at]] {
            fs::write(&damaged_file, bytes).expect("a file");
            let output = run(&["vocab", "inspect", &damaged_file]);
            assert_eq!(output.status.code(), Some(2), "byte {at}");
            assert!(
                stderr(&output).contains("damaged-vocabulary.mwk"),
                "byte {at}"
            );
        }
    }
    // End tokens and width are the file's.
    let changed = ["--vocab", "bytes", "--end-token", "7", "--width", "300"];
    let output = run(&[&["vocab", "compile", "--force", "-o", &file], &changed[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let value = inspect(&file);
    assert_eq!(
        (&value["width"], &value["end_tokens"][0]["id"]),
        (&300.into(), &7.into())
    );
}

#[test]
fn item_lists_are_stored_and_opened() {
    let artifact = scratch("moves.mwk");
    let source = "crates/cli/tests/cmd/moves.ids";
    let compile = [
        "compile", source, "--vocab", "bytes", "--force", "-o", &artifact,
    ];
    let output = run(&compile);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(run(&["verify", &artifact]).status.code(), Some(0));
    assert!(stdout(&run(&["inspect", &artifact])).contains("item trie"));
    for (ids, code) in [
        ("71,72,73", 0),
        ("71 72", 0),
        ("71", 1),
        ("200 200", 1),
        ("x", 1),
        ("", 1),
    ] {
        for source in [source, &artifact] {
            let output =
                run_with_input(&["check", "--vocab", "bytes", source, "-"], ids.as_bytes());
            assert_eq!(
                output.status.code(),
                Some(code),
                "{source} {ids:?}: {}",
                stderr(&output)
            );
        }
    }
    let generate = [
        "generate",
        source,
        "--vocab",
        "bytes",
        "--max-tokens",
        "1",
        "--seed",
        "5",
    ];
    let generated = run(&generate);
    assert_eq!(generated.status.code(), Some(0), "{}", stderr(&generated));
    let checked = run_with_input(
        &["check", "--vocab", "bytes", source, "-"],
        &generated.stdout,
    );
    assert_eq!(checked.status.code(), Some(0), "{}", stdout(&generated));
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = run(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0));
        assert!(stdout(&output).contains("generate"), "{shell}");
    }
}
