//! The house rules that a compiler does not check: which crate may use which, where `unsafe` may
//! stand, and that every fuzz target exists.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// For each crate the crates of ours that it may use (dev-dependencies apart).
const BORDERS: &[(&str, &[&str])] = &[
    ("tables", &[]),
    ("kernels", &[]),
    ("grammar", &["tables"]),
    ("automata", &["tables", "grammar"]),
    ("compiler", &["tables", "kernels", "grammar", "automata"]),
    ("runtime", &["tables", "kernels"]),
    (
        "cli",
        &[
            "tables", "kernels", "grammar", "automata", "compiler", "runtime",
        ],
    ),
    ("testkit", &["tables", "grammar"]),
];

/// Everything that may stand below `runtime` besides our own crates. What an engine links in stays
/// small; an addition here is a decision.
const BELOW_RUNTIME: &[&str] = &[
    // tables: plain data and fingerprints
    "bytemuck",
    "bytemuck_derive",
    "blake3",
    "crc32fast",
    "arrayref",
    "arrayvec",
    "cc",
    "cfg-if",
    "constant_time_eq",
    "cpufeatures",
    "find-msvc-tools",
    "jobserver",
    "libc",
    "shlex",
    // derive macros, at build time only
    "proc-macro2",
    "quote",
    "syn",
    "unicode-ident",
    // runtime: short vectors and random numbers
    "smallvec",
    "rand_core",
    "rustc-hash",
    // runtime: what frozen machines put together, found again without a lock
    "boxcar",
    "papaya",
    "equivalent",
    "seize",
];

const FUZZ_TARGETS: &[&str] = &[
    "artifact_open",
    "ebnf_front_end",
    "gbnf_front_end",
    "lark_front_end",
    "mask_matches_oracle",
    "schema_front_end",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The resolved workspace, as `cargo metadata` prints it.
fn metadata() -> Value {
    // Packages for other platforms need not be there.
    let version = Command::new("rustc")
        .arg("-vV")
        .output()
        .expect("rustc runs");
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version
        .lines()
        .find_map(|l| l.strip_prefix("host: "))
        .expect("a host platform");
    let run = |offline: &[&str]| {
        Command::new(env!("CARGO"))
            .args([
                "metadata",
                "--format-version",
                "1",
                "--filter-platform",
                host,
            ])
            .args(offline)
            .current_dir(root())
            .output()
            .expect("cargo runs")
    };
    // A fresh clone may lack packages of members that were not built yet.
    let mut output = run(&["--offline"]);
    if !output.status.success() {
        output = run(&[]);
    }
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

/// Package names by id, and for each id the ids of its normal and build dependencies.
fn graph(metadata: &Value) -> (BTreeMap<String, String>, BTreeMap<String, Vec<String>>) {
    let list = |v: &Value| v.as_array().cloned().unwrap_or_default();
    let text = |v: &Value| v.as_str().expect("a string").to_owned();
    let names = list(&metadata["packages"])
        .iter()
        .map(|p| (text(&p["id"]), text(&p["name"])))
        .collect();
    let edges = list(&metadata["resolve"]["nodes"])
        .iter()
        .map(|node| {
            let used = list(&node["deps"])
                .iter()
                .filter(|d| list(&d["dep_kinds"]).iter().any(|k| k["kind"] != "dev"))
                .map(|d| text(&d["pkg"]))
                .collect();
            (text(&node["id"]), used)
        })
        .collect();
    (names, edges)
}

#[test]
fn crates_use_only_the_crates_that_the_design_allows() {
    let metadata = metadata();
    let (names, edges) = graph(&metadata);
    let ours = |id: &String| {
        names[id]
            .strip_prefix("maskwright-")
            .or((names[id] == "maskwright").then_some("cli"))
    };
    let mut seen = BTreeSet::new();
    for member in metadata["workspace_members"].as_array().expect("members") {
        let id = member.as_str().expect("an id").to_owned();
        let role =
            ours(&id).unwrap_or_else(|| panic!("{} is not named maskwright-<role>", names[&id]));
        let allowed = BORDERS
            .iter()
            .find(|b| b.0 == role)
            .unwrap_or_else(|| panic!("crate {role} has no line in the table of borders"))
            .1;
        for used in edges[&id].iter().filter_map(ours) {
            assert!(allowed.contains(&used), "{role} must not depend on {used}");
        }
        seen.insert(role.to_owned());
    }
    let expected: BTreeSet<String> = BORDERS.iter().map(|b| b.0.to_owned()).collect();
    assert_eq!(seen, expected);
}

#[test]
fn the_runtime_stays_small() {
    let (names, edges) = graph(&metadata());
    let (start, _) = names
        .iter()
        .find(|n| n.1 == "maskwright-runtime")
        .expect("the runtime");
    let mut reached = BTreeSet::new();
    let mut open = vec![start.clone()];
    while let Some(id) = open.pop() {
        if reached.insert(id.clone()) {
            open.extend(edges[&id].iter().cloned());
        }
    }
    let mut found: Vec<&str> = reached.iter().map(|id| names[id].as_str()).collect();
    found.sort_unstable();
    let own = [
        "maskwright-runtime",
        "maskwright-tables",
        "maskwright-kernels",
    ];
    let stray: Vec<&&str> = found
        .iter()
        .filter(|n| !own.contains(n) && !BELOW_RUNTIME.contains(n))
        .collect();
    assert!(stray.is_empty(), "below the runtime: {stray:?}");
}

/// All Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort_unstable();
    found
}

/// Whether a line of code (not of comment) uses the word `unsafe`. `unsafe_code`, the lint, is
/// another word.
fn uses_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|word| word == "unsafe")
}

#[test]
fn unsafe_stands_in_the_kernels_only() {
    assert!(
        uses_unsafe("let x = unsafe { y };")
            && !uses_unsafe("// unsafe")
            && !uses_unsafe("#![forbid(unsafe_code)]")
    );
    let mut checked = 0;
    for (role, _) in BORDERS.iter().filter(|b| b.0 != "kernels") {
        let folder = root().join("crates").join(role);
        let main = ["src/lib.rs", "src/main.rs"].map(|f| folder.join(f));
        let first = main
            .iter()
            .find(|f| f.exists())
            .unwrap_or_else(|| panic!("{role} has no root file"));
        let text = fs::read_to_string(first).expect("a readable file");
        // The command line maps files: it denies by default and allows one audited line.
        let lints: &[&str] = if *role == "cli" {
            &["#![forbid(unsafe_code)]", "#![deny(unsafe_code)]"]
        } else {
            &["#![forbid(unsafe_code)]"]
        };
        assert!(
            lints.iter().any(|l| text.contains(l)),
            "{role} does not forbid unsafe code"
        );
        let mut uses = Vec::new();
        for file in sources(&folder.join("src")) {
            let text = fs::read_to_string(&file).expect("a readable file");
            uses.extend(
                text.lines()
                    .filter(|l| uses_unsafe(l))
                    .map(|l| format!("{}: {l}", file.display())),
            );
            checked += 1;
        }
        let most = usize::from(*role == "cli");
        // The word in this test's own texts does not count; `src` of the testkit has none.
        assert!(uses.len() <= most, "{role}: {uses:?}");
    }
    assert!(checked > 20, "only {checked} files were looked at");
}

#[test]
fn every_file_begins_with_what_it_is() {
    for (role, _) in BORDERS {
        for file in sources(&root().join("crates").join(role).join("src")) {
            let text = fs::read_to_string(&file).expect("a readable file");
            let first = text.lines().next().unwrap_or_default();
            // A file of unit tests is described by the file that it tests.
            if file.ends_with("tests.rs") {
                continue;
            }
            assert!(
                first.starts_with("//! "),
                "{}: the first line must say what the file is",
                file.display()
            );
        }
    }
}

#[test]
fn every_fuzz_target_exists_and_is_listed() {
    let folder = root().join("fuzz");
    let manifest: toml::Table = fs::read_to_string(folder.join("Cargo.toml"))
        .expect("fuzz/Cargo.toml")
        .parse()
        .expect("TOML");
    let listed: BTreeSet<String> = manifest["bin"]
        .as_array()
        .expect("[[bin]]")
        .iter()
        .map(|b| b["name"].as_str().expect("a name").to_owned())
        .collect();
    assert_eq!(
        listed,
        FUZZ_TARGETS.iter().map(|t| (*t).to_owned()).collect()
    );
    for target in FUZZ_TARGETS {
        let text = fs::read_to_string(folder.join("fuzz_targets").join(format!("{target}.rs")))
            .expect(target);
        assert!(
            text.contains("fuzz_target!") && text.contains("fuzzing::"),
            "{target} must call an oracle function"
        );
    }
    assert!(
        manifest.contains_key("workspace"),
        "fuzz/ is a workspace of its own"
    );
}

#[test]
fn the_workspace_forbids_what_the_crates_forbid() {
    let manifest: toml::Table = fs::read_to_string(root().join("Cargo.toml"))
        .expect("Cargo.toml")
        .parse()
        .expect("TOML");
    let lints = &manifest["workspace"]["lints"]["rust"];
    assert!(lints.get("missing_docs").is_some() && lints.get("unsafe_op_in_unsafe_fn").is_some());
    for (role, _) in BORDERS {
        let text = fs::read_to_string(root().join("crates").join(role).join("Cargo.toml"))
            .expect("a manifest");
        let table: toml::Table = text.parse().expect("TOML");
        assert_eq!(
            table["lints"]["workspace"].as_bool(),
            Some(true),
            "{role} does not use the workspace's lints"
        );
    }
}
