//! Times the set-up of the embedded vocabularies: unpacking, trie, storing, opening, the first rows.

use maskwright_compiler::Compiler;
use maskwright_compiler::vocabulary::embedded;
use maskwright_tables::{Artifact, Limits, TokenTrie, Vocabulary};
use std::sync::Arc;
use std::time::Instant;

fn main() {
    for name in embedded::names() {
        let start = Instant::now();
        let Some(vocabulary) = embedded::get(name) else {
            continue;
        };
        let unpacked = start.elapsed();
        let nodes = vocabulary.trie().len();
        let total = start.elapsed();
        println!("{name}: unpack {unpacked:.1?}, with trie of {nodes} nodes {total:.1?}");
        let best = |f: &mut dyn FnMut()| {
            let times = (0..10).map(|_| {
                let start = Instant::now();
                f();
                start.elapsed()
            });
            times.min().unwrap_or_default()
        };
        let trie = best(&mut || drop(TokenTrie::new(vocabulary.text_tokens())));
        println!("  trie, best of 10: {trie:.1?}");
        let bytes = vocabulary.to_artifact();
        let start = Instant::now();
        let first = Artifact::open(&bytes)
            .and_then(|a| Vocabulary::from_artifact(&a))
            .is_ok();
        let cold = start.elapsed();
        let open =
            best(&mut || drop(Artifact::open(&bytes).and_then(|a| Vocabulary::from_artifact(&a))));
        println!(
            "  artifact of {} bytes: open {cold:.1?} first ({first}), best of 10 {open:.1?}",
            bytes.len()
        );
        let path = std::env::temp_dir().join(format!("{name}-{}.mwk", std::process::id()));
        if std::fs::write(&path, &bytes).is_ok() {
            let file = best(&mut || {
                let bytes = std::fs::read(&path).unwrap_or_default();
                drop(Artifact::open(&bytes).and_then(|a| Vocabulary::from_artifact(&a)));
            });
            println!("  read from a file and opened, best of 10: {file:.1?}");
            // A file that cannot be removed is small.
            let _ = std::fs::remove_file(&path);
        }
        let rows = best(&mut || drop(Compiler::new(Arc::clone(&vocabulary), Limits::untrusted())));
        println!("  rows of strings (`Compiler::new`), best of 10: {rows:.1?}");
    }
}
