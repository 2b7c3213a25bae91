//! A frozen machine answers as the lazy one does, and depends on its source alone.

use maskwright_compiler::{CompiledGrammar, Compiler, FreezeBudget};
use maskwright_runtime::{FrozenMachine, Matcher};
use maskwright_tables::artifact::{Artifact, ArtifactWriter};
use maskwright_tables::pushdown::PushdownTables;
use maskwright_tables::vocabulary::TokenEntry;
use maskwright_tables::{CancelFlag, Limits, Machine, RunError, TokenId, TokenKind, Vocabulary};
use std::path::PathBuf;
use std::sync::Arc;

/// All bytes, and all pieces of two to five bytes of the texts.
fn toy_vocabulary(texts: &[String]) -> Arc<Vocabulary> {
    let mut tokens: Vec<Vec<u8>> = (0..=255u8).map(|b| vec![b]).collect();
    for text in texts {
        for len in 2..=5 {
            tokens.extend(text.as_bytes().windows(len).step_by(3).map(<[u8]>::to_vec));
        }
    }
    tokens.sort();
    tokens.dedup();
    let end = tokens.len() as u32;
    let entries = tokens
        .into_iter()
        .map(|bytes| (bytes, TokenKind::Text))
        .chain([(b"<end>".to_vec(), TokenKind::Special)])
        .enumerate()
        .map(|(id, (bytes, kind))| TokenEntry {
            id: id as u32,
            bytes,
            kind,
        });
    Arc::new(Vocabulary::new("toy", entries, &[end], None).unwrap())
}

/// `(name, source, accept texts)` of each folder of a kind.
fn folders(kind: &str, file: &str) -> Vec<(String, String, Vec<String>)> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../grammars")
        .join(kind);
    let mut folders: Vec<_> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join(file).is_file())
        .map(|path| {
            let mut texts: Vec<PathBuf> = std::fs::read_dir(path.join("accept"))
                .unwrap()
                .map(|e| e.unwrap().path())
                .collect();
            texts.sort();
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                std::fs::read_to_string(path.join(file)).unwrap(),
                texts
                    .iter()
                    .map(|t| std::fs::read_to_string(t).unwrap())
                    .collect(),
            )
        })
        .collect();
    folders.sort();
    folders
}

fn freeze(grammar: &CompiledGrammar, jobs: usize) -> Result<PushdownTables<'static>, RunError> {
    let budget = FreezeBudget {
        jobs,
        lexical_states: LEXICAL_STATES,
        ..FreezeBudget::default()
    };
    grammar.freeze(budget, &CancelFlag::new(), &mut |_| {})
}

fn artifact(vocabulary: &Vocabulary, tables: &PushdownTables<'_>) -> Vec<u8> {
    let mut writer = ArtifactWriter::new(*vocabulary.fingerprint(), [7; 32]);
    tables.write_to(&mut writer).unwrap();
    writer.finish()
}

/// Above this a test takes too long.
const LEXICAL_STATES: usize = 6_000;

/// Freezes, opens and compares; the number of masks compared, or the lexical states needed.
fn check(
    name: &str,
    vocabulary: &Arc<Vocabulary>,
    compile: impl Fn(&Compiler) -> CompiledGrammar,
    texts: &[String],
) -> Result<usize, u64> {
    let compiler = Compiler::new(Arc::clone(vocabulary), Limits::trusted());
    let lazy = compile(&compiler);
    let tables = match freeze(&lazy, 1) {
        Ok(tables) => tables,
        Err(RunError::Limit(e)) => {
            let stage = "lexical states of an ahead-of-time compile";
            assert_eq!(e.stage, stage, "{name}: {e}");
            println!("{name}: {e}");
            return Err(e.needed);
        }
        Err(RunError::Unsupported { what }) if what.contains("differ") => {
            println!("{name}: {what}");
            return Err(0);
        }
        Err(e) => panic!("{name}: {e}"),
    };
    let bytes = artifact(vocabulary, &tables);
    tables.check(vocabulary.width()).unwrap();

    let opened = Artifact::open(&bytes).unwrap();
    opened.verify().unwrap();
    let frozen: Arc<dyn Machine> =
        FrozenMachine::read(&opened, Arc::clone(vocabulary), Limits::trusted())
            .unwrap()
            .into();
    let mut masks = 0;
    for text in texts {
        for stride in 1..=3 {
            let mut a = Matcher::new(&lazy).unwrap();
            let mut b = Matcher::new(frozen.clone()).unwrap();
            let (mut left, mut right) = (vec![0; a.mask_words()], vec![0; a.mask_words()]);
            for piece in text.as_bytes().chunks(stride) {
                a.fill_mask(&mut left).unwrap();
                b.fill_mask(&mut right).unwrap();
                assert_eq!(left, right, "{name}: {text}");
                for t in (0..vocabulary.len() as u32).step_by(7).map(TokenId) {
                    let bit = left[t.index() / 32] >> (t.0 % 32) & 1 == 1;
                    assert_eq!(
                        bit,
                        a.is_allowed(t).unwrap(),
                        "{name}: {text}: {t} {:?}",
                        vocabulary.bytes(t)
                    );
                }
                masks += 1;
                if a.advance_bytes(piece).is_err() {
                    assert!(b.advance_bytes(piece).is_err());
                    break;
                }
                b.advance_bytes(piece).unwrap();
                assert_eq!(a.is_accepting().unwrap(), b.is_accepting().unwrap());
            }
        }
    }
    // The grammar was used in the meantime, and more threads help.
    assert!(
        artifact(vocabulary, &freeze(&lazy, 3).unwrap()) == bytes,
        "{name}: same source, same bytes"
    );
    println!(
        "{name}: {} bytes, {} nodes, {} entries, {masks} masks equal",
        bytes.len(),
        tables.rows.nodes.rows(),
        tables.rows.nodes.nnz(),
    );
    Ok(masks)
}

#[test]
fn frozen_grammars_and_patterns_answer_as_lazy_ones() {
    let mut masks = 0;
    for (name, source, texts) in folders("cfg", "grammar.ebnf") {
        // Programming languages take minutes to run into the budget.
        if source.len() > 450 {
            continue;
        }
        let compile = |c: &Compiler| c.grammar(&source).unwrap();
        masks += check(&name, &toy_vocabulary(&texts), compile, &texts).unwrap();
    }
    for (name, source, texts) in folders("regex", "pattern.regex") {
        let compile = |c: &Compiler| c.regex(source.trim_end_matches('\n')).unwrap();
        masks += check(&name, &toy_vocabulary(&texts), compile, &texts).unwrap();
    }
    assert!(masks > 1_000, "{masks}");
}

#[test]
fn frozen_schemas_answer_as_lazy_ones() {
    let (mut masks, mut frozen) = (0, 0);
    for (name, source, texts) in folders("json-schema", "schema.json") {
        let compile = |c: &Compiler| c.json_schema(&source).unwrap();
        if let Ok(more) = check(&name, &toy_vocabulary(&texts), compile, &texts) {
            (masks, frozen) = (masks + more, frozen + 1);
        }
    }
    println!("{frozen} schemas, {masks} masks");
    assert!(
        frozen >= 3 && masks > 500,
        "{frozen} schemas, {masks} masks"
    );
}
