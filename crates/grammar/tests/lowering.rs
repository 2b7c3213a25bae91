//! The lowering against what others say about documents: the official suite and MaskBench files.
//!
//! Both are read from a data folder beside the repository where there is one; without it these tests
//! run no cases and say so. What the front end compiles must agree with every expectation; what it
//! refuses is counted and may only become less.

mod support;

use maskwright_grammar::json_schema::json::{Document, Json, ValueId};
use maskwright_grammar::json_schema::{Draft, FormatMode, Options, parse};
use maskwright_tables::Limits;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn data(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(folder);
    path.is_dir().then_some(path)
}

fn json_files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut work = vec![folder.to_path_buf()];
    while let Some(folder) = work.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                work.push(path);
            } else if path.extension().is_some_and(|e| e == "json") {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// Deep native recursion of the reader needs a large stack.
fn with_stack(f: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(256 << 20)
        .spawn(f)
        .unwrap()
        .join()
        .unwrap();
}

#[derive(Default)]
struct Tally {
    pass: usize,
    wrongly_accepted: Vec<String>,
    wrongly_rejected: Vec<String>,
    refused: Vec<String>,
    refused_cases: usize,
}

impl Tally {
    fn print(&self, title: &str) {
        println!(
            "{title}: {} pass, {} wrongly accepted, {} wrongly rejected, {} cases of {} schemas refused",
            self.pass,
            self.wrongly_accepted.len(),
            self.wrongly_rejected.len(),
            self.refused_cases,
            self.refused.len(),
        );
        for (title, list) in [
            ("accepted", &self.wrongly_accepted),
            ("rejected", &self.wrongly_rejected),
            ("refused", &self.refused),
        ] {
            for line in list {
                println!("  {title}: {line}");
            }
        }
    }

    /// One schema with its documents: `(description, document, valid)`.
    fn schema(
        &mut self,
        name: &str,
        schema: &str,
        options: &Options,
        cases: &[(String, &str, bool)],
    ) {
        match parse(schema, options, &Limits::trusted()) {
            Err(e) => {
                self.refused_cases += cases.len();
                self.refused.push(format!("{name}: {e}"));
            }
            Ok((lowered, _)) => {
                for (description, text, valid) in cases {
                    let document = Document::parse(text, &Limits::trusted()).unwrap();
                    let line = || format!("{name}: {description}");
                    match (support::matches(&lowered, &document), valid) {
                        (a, b) if a == *b => self.pass += 1,
                        (true, _) => self.wrongly_accepted.push(line()),
                        _ => self.wrongly_rejected.push(line()),
                    }
                }
            }
        }
    }
}

fn text<'t>(document: &Document<'t>, id: ValueId) -> &'t str {
    &document.text()[document.span(id)]
}

fn string(document: &Document<'_>, id: Option<ValueId>) -> String {
    match id.map(|id| document.value(id)) {
        Some(Json::String(s)) => s.to_owned(),
        _ => String::new(),
    }
}

/// The cases of a list of `{description, data, valid}`.
fn cases<'t>(document: &Document<'t>, tests: ValueId) -> Vec<(String, &'t str, bool)> {
    let Json::Array(tests) = document.value(tests) else {
        panic!("tests are an array")
    };
    tests
        .iter()
        .map(|t| {
            let valid = matches!(
                document.value(document.get(*t, "valid").unwrap()),
                Json::Bool(true)
            );
            (
                string(document, document.get(*t, "description")),
                text(document, document.get(*t, "data").unwrap()),
                valid,
            )
        })
        .collect()
}

#[test]
fn the_official_suite_agrees_with_what_compiles() {
    let Some(suite) = data("json-schema-test-suite") else {
        println!("the official suite is not here: 0 cases");
        return;
    };
    with_stack(move || {
        let mut registry = BTreeMap::new();
        for path in json_files(&suite.join("remotes")) {
            let name = path
                .strip_prefix(suite.join("remotes"))
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            registry.insert(
                format!("http://localhost:1234/{name}"),
                std::fs::read_to_string(&path).unwrap(),
            );
        }
        let mut wrong = 0;
        for (folder, draft, most_refused) in [
            ("draft4", Draft::Draft4, REFUSED[0]),
            ("draft6", Draft::Draft6, REFUSED[1]),
            ("draft7", Draft::Draft7, REFUSED[2]),
            ("draft2019-09", Draft::Draft2019, REFUSED[3]),
            ("draft2020-12", Draft::Draft2020, REFUSED[4]),
        ] {
            let mut required = Tally::default();
            let mut optional = Tally::default();
            let mut formats = Tally::default();
            let root = suite.join("tests").join(folder);
            for path in json_files(&root) {
                let name = path
                    .strip_prefix(&root)
                    .unwrap()
                    .to_str()
                    .unwrap()
                    .to_owned();
                let (tally, format) = if name.starts_with("optional/format/") {
                    (&mut formats, FormatMode::Assert)
                } else if name.starts_with("optional/") {
                    (&mut optional, FormatMode::Annotate)
                } else {
                    (&mut required, FormatMode::Annotate)
                };
                let options = Options {
                    default_draft: draft,
                    format,
                    registry: registry.clone(),
                    ..Options::default()
                };
                let content = std::fs::read_to_string(&path).unwrap();
                let document = match Document::parse(&content, &Limits::trusted()) {
                    Ok(document) => document,
                    Err(e) => {
                        println!("  {name} is not read: {e}");
                        continue;
                    }
                };
                let Json::Array(groups) = document.value(document.root()) else {
                    panic!()
                };
                for group in groups {
                    let title = format!(
                        "{name}: {}",
                        string(&document, document.get(*group, "description"))
                    );
                    let schema = text(&document, document.get(*group, "schema").unwrap());
                    tally.schema(
                        &title,
                        schema,
                        &options,
                        &cases(&document, document.get(*group, "tests").unwrap()),
                    );
                }
            }
            required.print(&format!("{folder} required"));
            optional.print(&format!("{folder} optional"));
            formats.print(&format!("{folder} formats"));
            wrong += required.wrongly_accepted.len() + required.wrongly_rejected.len();
            // A format may leave out what an automaton cannot hold, but never add.
            assert_eq!(
                formats.wrongly_accepted.len(),
                0,
                "{folder}: a format accepts too much"
            );
            let left_out = formats.wrongly_rejected.len();
            assert!(
                left_out <= FORMAT_CASES_LEFT_OUT,
                "{folder}: formats leave out more"
            );
            assert!(
                required.refused_cases <= most_refused,
                "{folder}: more is refused than before"
            );
        }
        assert_eq!(wrong, 0, "disagreements with required cases");
    });
}

/// The most required cases of each draft that may be refused.
const REFUSED: [usize; 5] = [0; 5];

/// The most format cases of one draft that may be left out: A-labels, bidirectional names and such.
const FORMAT_CASES_LEFT_OUT: usize = 32;

#[test]
fn maskbench_agrees_with_what_compiles() {
    let Some(folder) = data("maskbench-dev") else {
        println!("MaskBench is not here: 0 cases");
        return;
    };
    with_stack(move || {
        let mut tally = Tally::default();
        let options = Options::default();
        let mut times: Vec<(std::time::Duration, usize, String)> = Vec::new();
        for path in json_files(&folder.join("files")) {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let content = std::fs::read_to_string(&path).unwrap();
            let document = match Document::parse(&content, &Limits::trusted()) {
                Ok(document) => document,
                Err(e) => {
                    println!("  {name} is not read: {e}");
                    continue;
                }
            };
            let root = document.root();
            let schema = text(&document, document.get(root, "schema").unwrap());
            let start = std::time::Instant::now();
            let _ = parse(schema, &options, &Limits::trusted());
            times.push((start.elapsed(), schema.len(), name.clone()));
            tally.schema(
                &name,
                schema,
                &options,
                &cases(&document, document.get(root, "tests").unwrap()),
            );
        }
        tally.print("MaskBench");
        times.sort_unstable();
        let bytes: usize = times.iter().map(|t| t.1).sum();
        let total: std::time::Duration = times.iter().map(|t| t.0).sum();
        println!(
            "lowered {} schemas, {bytes} bytes, in {total:?}",
            times.len()
        );
        for (time, bytes, name) in
            [times.len() / 2, times.len() * 99 / 100, times.len() - 1].map(|i| &times[i])
        {
            println!("  {time:?} for {bytes} bytes of {name}");
        }
        let wrong = tally.wrongly_accepted.len() + tally.wrongly_rejected.len();
        assert_eq!(tally.refused.len(), 0, "files are refused");
        assert_eq!(wrong, 0, "disagreements");
    });
}
