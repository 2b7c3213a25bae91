//! What in each grammar of the zoo is not LR(1), as golden files `grammars/cfg/*/expected/conflicts.txt`.
//!
//! `UPDATE_EXPECTED=1 cargo test -p maskwright-testkit --test conflicts` writes them anew.

mod common;

use common::Lazy;
use maskwright_testkit::corpus::{self, Kind};
use maskwright_testkit::vocab;
use std::fs;
use std::sync::Arc;

/// Grammars that are what they are for: one stack is enough, or provably not.
const DETERMINISTIC: [&str; 7] = [
    "arithmetic",
    "dyck",
    "expression-ambiguous",
    "expression-left",
    "json",
    "lr1-not-lalr",
    "sql-query",
];
const NOT_DETERMINISTIC: [&str; 5] = [
    "anbn-or-anb2n",
    "dangling-else",
    "inherently-ambiguous",
    "lr2-rules",
    "palindrome",
];

#[test]
fn conflicts_are_explained_as_the_golden_files_say() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let vocabulary = Arc::new(vocab::bytes());
    let (mut failures, mut reports, mut lr1) = (Vec::new(), 0, 0);
    for entry in corpus::load_kind(&corpus::root(), Kind::Cfg) {
        let grammar = Lazy::default()
            .grammar(Kind::Cfg, &entry.source, &vocabulary)
            .unwrap_or_else(|e| panic!("{}: {e}", entry.name));
        let report = match grammar.conflicts() {
            Ok(Some(report)) => report,
            other => panic!("{}: {other:?}", entry.name),
        };
        reports += 1;
        lr1 += usize::from(report.is_deterministic());
        let name = entry.name.as_str();
        assert!(
            !DETERMINISTIC.contains(&name) || report.is_deterministic(),
            "{name}:\n{report}"
        );
        assert!(
            !NOT_DETERMINISTIC.contains(&name) || !report.is_deterministic(),
            "{name}:\n{report}"
        );
        let folder = corpus::root().join("cfg").join(name).join("expected");
        let file = folder.join("conflicts.txt");
        let got = format!("{report}\n");
        if update {
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(&file, &got).expect("a file");
        } else if fs::read_to_string(&file).ok().as_ref() != Some(&got) {
            failures.push(format!("{}: now\n{got}", file.display()));
        }
    }
    println!("{reports} grammars, {lr1} of them LR(1)");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
