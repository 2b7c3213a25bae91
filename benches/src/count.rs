//! Fixed scenarios for counting instructions: `benches/instructions` runs them under callgrind, which counts
//! in the functions of [`Counted`] only. Times differ from run to run, counts do not.

use crate::traces::{Case, Instance};
use crate::vocabularies::Encoder;
use crate::{cliffs, zoo};
use maskwright_compiler::vocabulary::VocabularyExt;
use maskwright_compiler::{Compiler, JsonSchemaOptions};
use maskwright_runtime::Matcher;
use maskwright_tables::{Limits, TokenId, Vocabulary};
use std::path::Path;
use std::sync::Arc;

/// What is counted: everything in a call of one of these, and nothing else.
struct Counted {
    name: &'static str,
    counted_compile_and_first_mask: fn(Call<'_>) -> anyhow::Result<()>,
    counted_first_visit: fn(Call<'_>) -> anyhow::Result<()>,
    counted_second_visit_advances: fn(Call<'_>) -> anyhow::Result<()>,
    counted_second_visit_masks: fn(Call<'_>) -> anyhow::Result<()>,
}

type Call<'a> = &'a mut dyn FnMut() -> anyhow::Result<()>;

/// Scenarios with functions of their own, by whose names callgrind keeps their counts apart.
macro_rules! scenarios {
    ($($module:ident: $name:literal,)*) => {
        $(mod $module {
            scenarios!(@functions $name: counted_compile_and_first_mask counted_first_visit counted_second_visit_advances counted_second_visit_masks);
        })*
        const SCENARIOS: &[Counted] = &[$(Counted {
            name: $name,
            counted_compile_and_first_mask: $module::counted_compile_and_first_mask,
            counted_first_visit: $module::counted_first_visit,
            counted_second_visit_advances: $module::counted_second_visit_advances,
            counted_second_visit_masks: $module::counted_second_visit_masks,
        },)*];
    };
    (@functions $name:literal: $($function:ident)*) => {
        $(
            #[inline(never)]
            pub fn $function(call: super::Call<'_>) -> anyhow::Result<()> {
                // Functions that do the same would become one.
                std::hint::black_box(concat!($name, stringify!($function)));
                // Keeps the call from becoming a jump, after which callgrind would not see its end.
                std::hint::black_box(call())
            }
        )*
    };
}

// From the cliffs and from the zoo, what a change is likely to slow down.
scenarios! {
    plain_string: "plain string",
    max_length_60: "maxLength 60",
    max_length_65536: "maxLength 65536",
    pattern: "pattern ^[A-Z][a-z ]{3,40}$",
    format_uri: "format uri",
    properties_40: "40 properties",
    properties_40_and_additional: "40 + additional",
    enum_2000: "enum 2000",
    any_of_200: "anyOf 200, own key last",
    recursion_100_deep: "recursion 100 deep",
    any_json: "any JSON",
    text_before_a_tag: "text before a tag",
    invoice_schema: "invoice",
    json: "json",
    sql_select: "sql-select",
}

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

/// Runs all scenarios.
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
    for scenario in SCENARIOS {
        let Some(case) = cases.iter().find(|c| c.name == scenario.name) else {
            anyhow::bail!("no scenario {}", scenario.name);
        };
        let texts: Vec<Vec<u32>> = case
            .instances
            .iter()
            .filter(|i| i.valid)
            .map(|i| encoder.encode(&i.text))
            .collect();
        let compiler = Compiler::new(Arc::clone(&vocabulary), Limits::untrusted());
        let mut mask = vec![0; vocabulary.mask_words()];
        let mut compiled = None;
        (scenario.counted_compile_and_first_mask)(&mut || {
            let grammar = crate::maskwright::compile(&compiler, &options, &case.source)?;
            Matcher::new(&grammar)?.fill_mask(&mut mask)?;
            compiled = Some(grammar);
            Ok(())
        })?;
        let Some(grammar) = compiled else {
            anyhow::bail!("{} was not compiled", scenario.name);
        };
        (scenario.counted_first_visit)(&mut || {
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
        (scenario.counted_second_visit_advances)(&mut || {
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
        (scenario.counted_second_visit_masks)(&mut || {
            for matcher in &places {
                matcher.fill_mask(&mut mask)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
