//! Every schema of a public corpus with its test instances, where the corpus is present.

use super::matcher::accepts;
use maskwright_automata::{Control, FrameOptions, Frames, Lexicon, Order};
use maskwright_grammar::json_schema::json::{Document, Json};
use maskwright_grammar::json_schema::{Draft, FormatMode, Options, parse};
use maskwright_tables::{CancelFlag, Limits};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/maskbench-dev")
}

/// Names of files to run: the core list, or the whole folder when asked for.
fn files() -> Vec<PathBuf> {
    let folder = folder();
    let mut all: Vec<PathBuf> = match std::env::var("FRAMES_CORPUS").as_deref() {
        Ok("all") => std::fs::read_dir(folder.join("files"))
            .map(|d| d.filter_map(|e| Some(e.ok()?.path())).collect())
            .unwrap_or_default(),
        Ok(name) if !name.is_empty() => vec![folder.join("files").join(name)],
        _ => std::fs::read_to_string(folder.join("core.txt"))
            .map(|t| {
                t.lines()
                    .filter(|l| !l.trim().is_empty())
                    .map(|l| {
                        folder
                            .join("files")
                            .join(l.trim().trim_start_matches("files/"))
                    })
                    .collect()
            })
            .unwrap_or_default(),
    };
    all.sort();
    all
}

/// The schemas by file name.
pub fn schemas() -> Vec<(String, String)> {
    let limits = Limits::untrusted();
    let schema = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).ok()?;
        let document = Document::parse(&text, &limits).ok()?;
        let span = document.span(document.get(document.root(), "schema")?);
        Some((
            path.file_name()?.to_string_lossy().into_owned(),
            text[span].to_string(),
        ))
    };
    files().into_iter().filter_map(schema).collect()
}

#[test]
fn corpus_instances_are_judged_as_expected() {
    let files = files();
    if files.is_empty() {
        println!("0 cases: the corpus is not here");
        return;
    }
    let limits = Limits::untrusted();
    let options = FrameOptions {
        order: Order::Any,
        ..FrameOptions::default()
    };
    let (mut right, mut wrongly_accepted, mut wrongly_rejected) = (0, Vec::new(), Vec::new());
    let mut refused: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    let (mut compiled, mut slow) = (0, Vec::new());
    let mut contradicted = Vec::new();
    let mut times = Vec::new();
    for path in &files {
        let Ok(text) = std::fs::read_to_string(path) else {
            continue;
        };
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let document = Document::parse(&text, &limits).unwrap();
        let root = document.root();
        let schema = &text[document.span(document.get(root, "schema").unwrap())];
        let start = std::time::Instant::now();
        let lexicon = Arc::new(Lexicon::new(limits));
        let parsed = match parse(schema, &Options::default(), &limits) {
            Ok((parsed, _)) => parsed,
            Err(e) => {
                refused
                    .entry(e.0[0].code)
                    .or_default()
                    .push(format!("{name}: {}", e.0[0]));
                continue;
            }
        };
        let read = start.elapsed();
        let cancel = CancelFlag::new();
        let frames = match Frames::new(parsed, lexicon.clone(), options, limits, cancel) {
            Ok(frames) => frames,
            Err(e) => {
                refused
                    .entry(e.0[0].code)
                    .or_default()
                    .push(format!("{name}: {}", e.0[0]));
                continue;
            }
        };
        compiled += 1;
        let _ = frames.lex_start(frames.start());
        times.push((read, start.elapsed() - read));
        let Some(Json::Array(tests)) = document.get(root, "tests").map(|t| document.value(t))
        else {
            continue;
        };
        let mut validator = None;
        for (i, test) in tests.iter().enumerate() {
            let valid = matches!(
                document.value(document.get(*test, "valid").unwrap()),
                Json::Bool(true)
            );
            let data = document.spaced(document.get(*test, "data").unwrap());
            let verdict = match accepts(&frames, &lexicon, &data) {
                Ok(verdict) => verdict,
                Err(e) => {
                    refused
                        .entry("while matching")
                        .or_default()
                        .push(format!("{name} {i}: {e}"));
                    break;
                }
            };
            if verdict.is_ok() == valid {
                right += 1;
                continue;
            }
            // The independent validator decides whether the file contradicts its own schema.
            let validator = validator.get_or_insert_with(|| {
                let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
                jsonschema::options()
                    .should_validate_formats(true)
                    .build(&schema)
                    .ok()
            });
            let value: serde_json::Value = serde_json::from_str(&data).unwrap();
            if validator
                .as_ref()
                .is_some_and(|v| v.is_valid(&value) != valid)
            {
                contradicted.push(format!(
                    "{name} {i}: the file says {valid}, the validator does not"
                ));
                continue;
            }
            match verdict {
                Ok(()) => wrongly_accepted.push(format!("{name} {i}: {data:.300}")),
                Err(at) => {
                    let around: String = data
                        .bytes()
                        .skip(at.saturating_sub(60))
                        .take(80)
                        .map(char::from)
                        .collect();
                    wrongly_rejected.push(format!(
                        "{name} {i}: at byte {at} of {}: …{around}",
                        data.len()
                    ));
                }
            }
        }
        slow.push((start.elapsed(), name));
    }
    slow.sort();
    for (time, name) in slow.iter().rev().take(8) {
        println!("slow: {name}: {time:?}");
    }
    // For people: the time to read a schema, and to make its machine and first lexeme.
    for (what, mut list) in [
        ("read", times.iter().map(|t| t.0).collect::<Vec<_>>()),
        ("made", times.iter().map(|t| t.1).collect()),
    ] {
        list.sort();
        let at =
            |share: usize| list.get((list.len() * share / 100).min(list.len().saturating_sub(1)));
        println!(
            "{what}: median {:?}, p90 {:?}, p99 {:?}, most {:?}",
            at(50),
            at(90),
            at(99),
            at(100)
        );
    }
    for (code, list) in &refused {
        println!("refused, {code}: {}", list.len());
        list.iter().take(12).for_each(|l| println!("    {l:.300}"));
    }
    contradicted
        .iter()
        .for_each(|l| println!("contradiction: {l}"));
    wrongly_accepted
        .iter()
        .for_each(|l| println!("wrongly accepted: {l}"));
    wrongly_rejected
        .iter()
        .for_each(|l| println!("wrongly rejected: {l}"));
    println!(
        "{} files, {compiled} compiled, {right} right, {} contradictory, {} wrongly accepted, {} wrongly rejected",
        files.len(),
        contradicted.len(),
        wrongly_accepted.len(),
        wrongly_rejected.len()
    );
    assert!(wrongly_accepted.is_empty());
    assert!(wrongly_rejected.is_empty());
}

#[test]
fn conformance_suite_is_judged_as_expected() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/json-schema-test-suite/tests");
    let limits = Limits::untrusted();
    let options = FrameOptions {
        order: Order::Any,
        ..FrameOptions::default()
    };
    let (mut right, mut wrong) = (0, Vec::new());
    let mut refused: BTreeMap<&'static str, usize> = BTreeMap::new();
    for (folder, draft) in [
        ("draft4", Draft::Draft4),
        ("draft6", Draft::Draft6),
        ("draft7", Draft::Draft7),
        ("draft2019-09", Draft::Draft2019),
        ("draft2020-12", Draft::Draft2020),
    ] {
        let mut files: Vec<PathBuf> = std::fs::read_dir(root.join(folder))
            .map(|d| {
                d.filter_map(|e| Some(e.ok()?.path()))
                    .filter(|p| p.is_file())
                    .collect()
            })
            .unwrap_or_default();
        files.sort();
        for path in files {
            let text = std::fs::read_to_string(&path).unwrap();
            let document = Document::parse(&text, &limits).unwrap();
            let Json::Array(cases) = document.value(document.root()) else {
                continue;
            };
            for case in cases.iter().copied() {
                let description = &text[document.span(document.get(case, "description").unwrap())];
                let name = format!(
                    "{folder}/{}: {description}",
                    path.file_stem().unwrap().to_string_lossy()
                );
                let schema = &text[document.span(document.get(case, "schema").unwrap())];
                // As the suite has it, formats are annotations unless a test is about them.
                let reading = Options {
                    default_draft: draft,
                    format: FormatMode::Annotate,
                    ..Options::default()
                };
                let lexicon = Arc::new(Lexicon::new(limits));
                let frames = match parse(schema, &reading, &limits).and_then(|(parsed, _)| {
                    Frames::new(parsed, lexicon.clone(), options, limits, CancelFlag::new())
                }) {
                    Ok(frames) => Some(frames),
                    // A schema that nothing satisfies rightly accepts nothing.
                    Err(e) if e.0[0].code == "unsatisfiable" => None,
                    Err(e) => {
                        *refused.entry(e.0[0].code).or_default() += 1;
                        if !matches!(
                            e.0[0].code,
                            "unresolved-reference" | "unsupported-unique-items"
                        ) {
                            println!("refused: {name}: {}", e.0[0]);
                        }
                        continue;
                    }
                };
                let Some(Json::Array(tests)) =
                    document.get(case, "tests").map(|t| document.value(t))
                else {
                    continue;
                };
                for test in tests {
                    let valid = matches!(
                        document.value(document.get(*test, "valid").unwrap()),
                        Json::Bool(true)
                    );
                    let data = document.spaced(document.get(*test, "data").unwrap());
                    let verdict = frames.as_ref().map(|f| accepts(f, &lexicon, &data));
                    let accepted = match verdict {
                        None => false,
                        Some(Ok(verdict)) => verdict.is_ok(),
                        Some(Err(e)) => {
                            println!("stopped: {name}: {data:.100}: {e}");
                            *refused.entry("while matching").or_default() += 1;
                            continue;
                        }
                    };
                    if accepted == valid {
                        right += 1;
                    } else {
                        wrong.push(format!("{name}: {data:.200} should be {valid}"));
                    }
                }
            }
        }
    }
    println!(
        "{right} cases right, {} wrong, refused: {refused:?}",
        wrong.len()
    );
    wrong.iter().for_each(|w| println!("wrong: {w}"));
    assert!(
        wrong.iter().all(|w| !w.ends_with("false")),
        "something is wrongly accepted"
    );
}
