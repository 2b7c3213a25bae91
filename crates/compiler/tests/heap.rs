//! What grammars and their compiler say of their memory, against what the allocator gets back.

use allocation_counter::measure;
use maskwright_compiler::vocabulary::VocabularyExt;
use maskwright_compiler::{CompiledGrammar, Compiler};
use maskwright_runtime::Matcher;
use maskwright_tables::{Limits, Vocabulary};
use std::fs;
use std::path::{Path, PathBuf};

/// Each allocation has a header of eight bytes, and is rounded up by four on average.
const HEADER: i64 = 12;

fn folders(kind: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grammars");
    let mut folders: Vec<PathBuf> = fs::read_dir(root.join(kind))
        .expect("the folder of samples")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn compile(compiler: &Compiler, folder: &Path) -> CompiledGrammar {
    let read = |name: &str| fs::read_to_string(folder.join(name));
    let grammar = match read("schema.json") {
        Ok(schema) => compiler.json_schema(&schema),
        Err(_) => compiler.grammar(&read("grammar.ebnf").expect("a source")),
    };
    grammar.expect("a grammar")
}

/// Reads the samples of a folder with a mask after each byte, as sessions would.
fn read_samples(grammar: &CompiledGrammar, folder: &Path) {
    let mut mask = Vec::new();
    for entry in fs::read_dir(folder.join("accept")).expect("samples") {
        let text = fs::read(entry.expect("an entry").path()).expect("a sample");
        let mut matcher = Matcher::new(grammar).expect("a matcher");
        mask.resize(matcher.mask_words(), 0);
        for byte in text.trim_ascii_end().chunks(1) {
            if matcher.advance_bytes(byte).is_err() {
                break;
            }
            matcher.fill_mask(&mut mask).expect("a mask");
        }
    }
}

#[test]
fn machines_and_shared_rows_hold_about_what_they_say() {
    let vocabulary = Vocabulary::cl100k_base();
    let (mut said, mut held) = (0.0, 0.0);
    let mut compiler = None;
    let rows = measure(|| {
        let new = Compiler::new(vocabulary, Limits::trusted());
        for folder in [folders("json-schema"), folders("cfg")].concat() {
            let grammar = compile(&new, &folder);
            read_samples(&grammar, &folder);
            let bytes = grammar.heap_bytes() as f64;
            let freed = measure(|| drop(grammar));
            let freed = -(freed.bytes_current + HEADER * freed.count_current) as f64;
            let ratio = bytes / freed;
            let name = folder.display();
            assert!(
                (0.8..1.25).contains(&ratio),
                "{name}: {bytes} said, {freed} held"
            );
            said += bytes;
            held += freed;
        }
        compiler = Some(new);
    });
    let ratio = said / held;
    assert!((0.9..1.1).contains(&ratio), "{said} said, {held} held");
    let said = compiler.expect("it was made").shared_bytes() as f64;
    let held = (rows.bytes_current + HEADER * rows.count_current) as f64;
    let ratio = said / held;
    assert!(
        held > 1e8 && (0.85..1.15).contains(&ratio),
        "{said} said, {held} held"
    );
}
