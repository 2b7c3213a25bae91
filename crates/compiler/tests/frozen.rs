//! A frozen machine answers as the lazy one does, and depends on its source alone.

use maskwright_compiler::{CompiledGrammar, Compiler, FreezeBudget};
use maskwright_runtime::{FrozenMachine, Matcher};
use maskwright_tables::artifact::{Artifact, ArtifactWriter};
use maskwright_tables::pushdown::{ONCE, PushdownTables, TWICE};
use maskwright_tables::vocabulary::TokenEntry;
use maskwright_tables::{CancelFlag, Limits, Machine, RunError, TokenId, TokenKind, Vocabulary};
use std::path::PathBuf;
use std::sync::Arc;

/// All bytes, and every third piece of two to five bytes of the texts.
fn toy_vocabulary(texts: &[String]) -> Arc<Vocabulary> {
    vocabulary_of_pieces(texts, 5, 3)
}

/// All bytes, and the pieces of at most `longest` bytes of the texts that begin at multiples of `step`.
fn vocabulary_of_pieces(texts: &[String], longest: usize, step: usize) -> Arc<Vocabulary> {
    let mut tokens: Vec<Vec<u8>> = (0..=255u8).map(|b| vec![b]).collect();
    for text in texts {
        for len in 2..=longest {
            let pieces = text.as_bytes().windows(len).step_by(step);
            tokens.extend(pieces.map(<[u8]>::to_vec));
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
        frozen >= 8 && masks > 10_000,
        "{frozen} schemas, {masks} masks"
    );
}

/// Schemas under which names or elements must differ, and texts that repeat some, or nearly.
const DIFFERING: &[(&str, &str, &[&str])] = &[
    (
        "open",
        r#"{"type":"object","properties":{"id":{"type":"integer"}},"additionalProperties":{"type":"integer"}}"#,
        &[
            r#"{"id":1,"a":1,"ab":2,"a":3}"#,
            r#"{"id":1,"b":1,"a":1,"c":2,"\u0061":3}"#,
            r#"{"x": 12, "y": 3, "x": 4}"#,
        ],
    ),
    (
        "any",
        r#"{"type":"object"}"#,
        &[
            r#"{"a":{"a":1,"b":[{"a":2}]},"b":{"a":null},"b":1}"#,
            r#"{"a":{"b":{"b":""},"c":{"b":1},"b":2}}"#,
            r#"{"a":true,"aa":true,"aaa":false,"aa":0}"#,
        ],
    ),
    (
        "patterns",
        r#"{"type":"object","patternProperties":{"^(k|v[0-9]+)$":{"type":"boolean"}},"additionalProperties":false}"#,
        &[
            r#"{"k":true,"v1":true,"v12":false,"v1":true}"#,
            r#"{"v0":false,"k":true,"k":false}"#,
        ],
    ),
    (
        "counted",
        r#"{"type":"object","additionalProperties":{"type":"string","maxLength":2},"minProperties":2,"maxProperties":3}"#,
        &[r#"{"a":"b","b":"a","c":"","d":""}"#, r#"{"a":"","a":""}"#],
    ),
    (
        "integers",
        r#"{"type":"array","items":{"type":"integer"},"uniqueItems":true}"#,
        &["[1,2,12,121,1,2]", "[10, 1, 0, 100, 10]", "[-1,1,-11,-1]"],
    ),
    (
        "numbers",
        r#"{"type":"array","items":{"type":["number","string"]},"uniqueItems":true,"maxItems":4}"#,
        &[
            r#"[1,1.5,"1",1.50]"#,
            r#"[10,"a","aa",1e1]"#,
            r#"[0,"","a",-0]"#,
        ],
    ),
    (
        "strings",
        r#"{"type":"array","items":{"type":"string","pattern":"^(a|b[0-9]+)$"},"uniqueItems":true}"#,
        &[
            r#"["a","b1","b12","b1"]"#,
            r#"["b0", "a", "a"]"#,
            r#"["b1","b2","\u0061","a"]"#,
        ],
    ),
    (
        "nested",
        r#"{"type":"object","additionalProperties":{"type":"array","uniqueItems":true,"items":{"type":"integer"}}}"#,
        &[
            r#"{"a":[1,2],"b":[1,2,1]}"#,
            r#"{"a":[],"b":[1],"a":[2]}"#,
            r#"{"1":[1,11,111],"11":[11,1],"1":[]}"#,
        ],
    ),
];

#[test]
fn frozen_machines_keep_names_and_elements_apart() {
    let (mut masks, mut once, mut twice) = (0, 0, 0);
    for (name, schema, texts) in DIFFERING {
        let texts: Vec<String> = texts.iter().map(|t| (*t).to_owned()).collect();
        let vocabulary = vocabulary_of_pieces(&texts, 9, 1);
        let compile = |c: &Compiler| c.json_schema(schema).unwrap();
        masks += check(name, &vocabulary, compile, &texts).unwrap();

        let compiler = Compiler::new(Arc::clone(&vocabulary), Limits::trusted());
        let tables = freeze(&compile(&compiler), 1).unwrap();
        assert!(tables.compares(), "{name}");
        let with = |role| {
            let parts = tables.unions.1.iter();
            parts.filter(|part| *part & 3 == role).count()
        };
        (once, twice) = (once + with(ONCE), twice + with(TWICE));
    }
    println!("{masks} masks, {once} sets to try once, {twice} twice");
    assert!(masks > 700 && once > 100 && twice > 100);
}
