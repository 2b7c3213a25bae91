//! Fixed scenarios for counting instructions: `benches/instructions` runs them under callgrind, which
//! dumps what it counted after each call of [`counted`]. Times differ from run to run, counts do not.

use crate::traces::{Case, Instance};
use crate::vocabularies::Encoder;
use crate::{cliffs, zoo};
use maskwright_compiler::vocabulary::VocabularyExt;
use maskwright_compiler::{Compiler, JsonSchemaOptions};
use maskwright_runtime::Matcher;
use maskwright_tables::{Limits, TokenId, Vocabulary};
use std::path::Path;
use std::sync::Arc;

/// From the cliffs and from the zoo, what a change is likely to slow down.
const SCENARIOS: [&str; 15] = [
    "plain string",
    "maxLength 60",
    "maxLength 65536",
    "pattern ^[A-Z][a-z ]{3,40}$",
    "format uri",
    "40 properties",
    "40 + additional",
    "enum 2000",
    "anyOf 200, own key last",
    "recursion 100 deep",
    "any JSON",
    "text before a tag",
    "invoice",
    "json",
    "sql-select",
];

/// A document as a server sees it, from `grammars/json-schema`.
fn invoice() -> anyhow::Result<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../grammars/json-schema/invoice");
    Ok(Case {
        name: "invoice".into(),
        source: crate::engine::Source::Schema(std::fs::read_to_string(root.join("schema.json"))?),
        instances: vec![Instance {
            valid: true,
            text: std::fs::read_to_string(root.join("accept/01.json"))?,
        }],
    })
}

/// What is counted: everything in a call of this, and nothing else.
#[inline(never)]
fn counted<T>(call: impl FnOnce() -> T) -> T {
    // Keeps the call from becoming a jump, after which callgrind would not see its end.
    let value = call();
    std::hint::black_box(value)
}

/// Runs all scenarios and prints the name of each counted call, in order.
///
/// Each scenario has a compiler of its own. Texts are the valid ones, cut by the longest match, so
/// that no tokenizer is set up under callgrind.
pub fn run() -> anyhow::Result<()> {
    let vocabulary = Vocabulary::o200k_base();
    vocabulary.trie();
    let encoder = Encoder::longest(&vocabulary);
    let mut cases = cliffs::all();
    cases.extend(zoo::all()?);
    cases.push(invoice()?);
    let options = JsonSchemaOptions::default();
    for name in SCENARIOS {
        let Some(case) = cases.iter().find(|c| c.name == name) else {
            anyhow::bail!("no scenario {name}");
        };
        let texts: Vec<Vec<u32>> = case
            .instances
            .iter()
            .filter(|i| i.valid)
            .map(|i| encoder.encode(&i.text))
            .collect();
        let compiler = Compiler::new(Arc::clone(&vocabulary), Limits::untrusted());
        let mut mask = vec![0; vocabulary.mask_words()];
        println!("{name}: compile and first mask");
        let grammar = counted(|| -> anyhow::Result<_> {
            let grammar = crate::maskwright::compile(&compiler, &options, &case.source)?;
            Matcher::new(&grammar)?.fill_mask(&mut mask)?;
            Ok(grammar)
        })?;
        println!("{name}: first visit, masks and advances");
        counted(|| -> anyhow::Result<()> {
            for text in &texts {
                let mut matcher = Matcher::new(&grammar)?;
                for token in text {
                    matcher.fill_mask(&mut mask)?;
                    matcher.advance(TokenId(*token))?;
                }
                matcher.fill_mask(&mut mask)?;
            }
            Ok(())
        })?;
        let start = Matcher::new(&grammar)?;
        println!("{name}: second visit, advances");
        counted(|| -> anyhow::Result<()> {
            for text in &texts {
                let mut matcher = start.fork();
                for token in text {
                    matcher.advance(TokenId(*token))?;
                }
            }
            Ok(())
        })?;
        let mut places = Vec::new();
        for text in &texts {
            let mut matcher = start.fork();
            for token in text {
                places.push(matcher.fork());
                matcher.advance(TokenId(*token))?;
            }
            places.push(matcher);
        }
        println!("{name}: second visit, masks");
        counted(|| places.iter().try_for_each(|m| m.fill_mask(&mut mask)))?;
    }
    Ok(())
}
