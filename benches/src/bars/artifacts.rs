//! Grammars compiled ahead of time: what opening their artifacts costs.

use super::{Board, Ground};
use crate::clock::wall;
use maskwright_compiler::FreezeBudget;
use maskwright_runtime::FrozenMachine;
use maskwright_tables::artifact::{Artifact, ArtifactWriter};
use maskwright_tables::{CancelFlag, Limits};
use std::path::Path;
use std::sync::Arc;

/// Copies of an artifact that are opened; the median time counts.
const ROUNDS: usize = 5;

pub(super) fn run(board: &mut Board, ground: &Ground<'_>) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../grammars/json-schema");
    let entries = std::fs::read_dir(&root).into_iter().flatten();
    let mut folders: Vec<_> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    folders.sort();
    let vocabulary = ground.compiler.vocabulary();
    let mut worst = (0.0f64, String::new());
    for folder in folders {
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let Ok(text) = std::fs::read_to_string(folder.join("schema.json")) else {
            continue;
        };
        let Ok(grammar) = ground.compiler.json_schema(&text) else {
            continue;
        };
        // Small, so that the run ends soon: whatever needs more is named.
        let budget = FreezeBudget {
            questions: 2_000_000,
            lexical_states: 20_000,
            ..FreezeBudget::default()
        };
        let (tables, ns) = wall(|| grammar.freeze(budget, &CancelFlag::new(), &mut |_| {}));
        let tables = match tables {
            Ok(tables) => tables,
            Err(e) => {
                board.note(&name, &format!("not in this budget: {e}"));
                continue;
            }
        };
        let mut writer = ArtifactWriter::new(*vocabulary.fingerprint(), [0; 32]);
        if let Err(e) = tables.write_to(&mut writer) {
            board.note(&name, &e.to_string());
            continue;
        }
        // A copy for each opening, leaked as a mapped file is, so that nothing is warm but the first
        // time's code. `verify` is the thorough look, and not a part of opening.
        let bytes = writer.finish();
        let mut times = Vec::new();
        let mut failed = None;
        for _ in 0..ROUNDS {
            let copy: &'static [u8] = bytes.clone().leak();
            let (opened, ns) = wall(|| {
                Artifact::open(copy).and_then(|a| {
                    FrozenMachine::read_static(&a, Arc::clone(vocabulary), Limits::untrusted())
                })
            });
            failed = opened.err();
            times.push(ns);
        }
        if let Some(e) = failed {
            board.note(&name, &format!("not opened: {e}"));
            continue;
        }
        let first = times[0];
        times.sort_unstable();
        let median = times[times.len() / 2];
        board.note(
            &name,
            &format!(
                "{} KB, opens in {:.0} µs (first time {:.0}), compiled ahead of time in {:.2} s",
                bytes.len() / 1024,
                median as f64 / 1e3,
                first as f64 / 1e3,
                ns as f64 / 1e9
            ),
        );
        if median as f64 / 1e6 > worst.0 {
            worst = (median as f64 / 1e6, name);
        }
    }
    board.at_most(
        "opening a grammar's artifact, greatest",
        worst.0,
        0.2,
        "ms",
        &worst.1,
    );
}
