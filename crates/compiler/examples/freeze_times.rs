//! Compiles grammars ahead of time and prints time and size of each.
//!
//! `cargo run --release -p maskwright-compiler --example freeze_times -- [FOLDER …]`, by default those
//! in `grammars/cfg` and `grammars/json-schema`.

use maskwright_compiler::vocabulary::VocabularyExt;
use maskwright_compiler::{Compiler, FreezeBudget, FreezeProgress};
use maskwright_tables::artifact::{Artifact, ArtifactWriter};
use maskwright_tables::{CancelFlag, Limits, Vocabulary};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

fn main() {
    let mut folders: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if folders.is_empty() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grammars");
        for kind in ["cfg", "json-schema"] {
            let entries = std::fs::read_dir(root.join(kind)).into_iter().flatten();
            folders.extend(entries.filter_map(|e| Some(e.ok()?.path())));
        }
        folders.sort();
    }
    let vocabulary: Arc<Vocabulary> = Vocabulary::o200k_base();
    vocabulary.trie();
    println!(
        "{:<28}{:>10}{:>10}{:>9}{:>9}{:>10}{:>8}{:>7}{:>10}",
        "grammar", "ms", "KB", "symbols", "states", "entries", "nodes", "dense", "open us"
    );
    for folder in folders {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let compiler = Compiler::new(Arc::clone(&vocabulary), Limits::offline());
        let compiled = if let Ok(text) = std::fs::read_to_string(folder.join("grammar.ebnf")) {
            compiler.grammar(&text)
        } else if let Ok(text) = std::fs::read_to_string(folder.join("schema.json")) {
            compiler.json_schema(&text)
        } else {
            continue;
        };
        let compiled = match compiled {
            Ok(compiled) => compiled,
            Err(e) => {
                println!("{name:<28} {e}");
                continue;
            }
        };
        let start = Instant::now();
        let budget = FreezeBudget {
            bytes: 1 << 30,
            ..FreezeBudget::default()
        };
        // With a variable `VERBOSE`, how far it is now and then.
        let (verbose, mut said) = (std::env::var_os("VERBOSE").is_some(), Instant::now());
        let mut progress = |at: FreezeProgress| {
            if verbose && said.elapsed().as_secs() >= 2 {
                eprintln!("{name}: {} {} of {}", at.stage, at.done, at.of);
                said = Instant::now();
            }
        };
        let tables = match compiled.freeze(budget, &CancelFlag::new(), &mut progress) {
            Ok(tables) => tables,
            Err(e) => {
                println!("{name:<28}{:>10} {e}", start.elapsed().as_millis());
                continue;
            }
        };
        let elapsed = start.elapsed();
        let mut writer = ArtifactWriter::new(*vocabulary.fingerprint(), [0; 32]);
        if let Err(e) = tables.write_to(&mut writer) {
            println!("{name:<28} {e}");
            continue;
        }
        let bytes: &'static [u8] = writer.finish().leak();
        let start = Instant::now();
        let opened = Artifact::open(bytes).and_then(|artifact| {
            maskwright_runtime::FrozenMachine::read_static(
                &artifact,
                Arc::clone(&vocabulary),
                Limits::untrusted(),
            )
        });
        let open = start.elapsed();
        println!(
            "{name:<28}{:>10}{:>10}{:>9}{:>9}{:>10}{:>8}{:>7}{:>10.1}{}",
            elapsed.as_millis(),
            bytes.len() / 1024,
            tables.symbols,
            tables.lexical.rows(),
            tables.rows.nodes.nnz() + tables.steps.nodes.nnz(),
            tables.rows.nodes.rows() + tables.steps.nodes.rows(),
            tables.set_counts().0,
            open.as_secs_f64() * 1e6,
            if opened.is_err() { " not opened" } else { "" },
        );
    }
}
