//! Real schemas over a real vocabulary, compiled ahead of time, where the corpus is present: at each
//! token of their instances the artifact gives the mask of the lazy machine.

mod common;

use common::Spelling;
use common::maskbench::{Instance, core};
use maskwright_compiler::vocabulary::VocabularyExt;
use maskwright_compiler::{CompiledGrammar, Compiler, FreezeBudget};
use maskwright_runtime::{FrozenMachine, Matcher};
use maskwright_tables::artifact::{Artifact, ArtifactWriter};
use maskwright_tables::{CancelFlag, Limits, Machine, RunError, TokenId, Vocabulary};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What was done, and what became of it.
#[derive(Debug, Default)]
struct Totals {
    /// Schemas with an artifact, and those among them with lexemes that must differ.
    schemas: usize,
    comparing: usize,
    /// Schemas that the lazy compiler refuses.
    refused: usize,
    /// Schemas that need more than the budget.
    over: usize,
    /// Instances read to their end, and those refused on the way.
    accepted: usize,
    stopped: usize,
    /// Instances with all members given twice.
    repeated: usize,
    masks: usize,
    bytes: usize,
    freezing: Duration,
}

impl Totals {
    fn traces(&self) -> usize {
        self.accepted + self.stopped + self.repeated
    }
}

/// The machine of a grammar by way of an artifact's bytes; `None` where the budget is too small.
fn frozen(
    name: &str,
    grammar: &CompiledGrammar,
    budget: FreezeBudget,
    vocabulary: &Arc<Vocabulary>,
    totals: &mut Totals,
) -> Option<Arc<dyn Machine>> {
    let start = Instant::now();
    let tables = match grammar.freeze(budget, &CancelFlag::new(), &mut |_| {}) {
        Ok(tables) => tables,
        Err(RunError::Limit(e)) => {
            println!("{name}: {e}");
            totals.over += 1;
            return None;
        }
        Err(e) => panic!("{name}: {e}"),
    };
    let elapsed = start.elapsed();
    totals.freezing += elapsed;
    assert!(tables.complete, "{name}");
    tables.check(vocabulary.width()).expect("sound tables");
    let mut writer = ArtifactWriter::new(*vocabulary.fingerprint(), [7; 32]);
    tables.write_to(&mut writer).expect("an artifact");
    let bytes = writer.finish();
    println!("{name}: {} bytes in {elapsed:.1?}", bytes.len());
    totals.bytes += bytes.len();
    totals.schemas += 1;
    totals.comparing += usize::from(tables.compares());
    let artifact = Artifact::open(&bytes).expect("an artifact");
    let machine = FrozenMachine::read(&artifact, Arc::clone(vocabulary), Limits::untrusted());
    Some(machine.expect("a machine").into())
}

/// Reads tokens with both machines, masks compared before each and after the last one; whether all
/// were read.
fn trace(place: &str, starts: &[Matcher; 2], tokens: &[TokenId], totals: &mut Totals) -> bool {
    let [mut lazy, mut frozen] = starts.clone();
    let mut masks = [(); 2].map(|()| vec![0u32; lazy.mask_words()]);
    let mut same = |lazy: &Matcher, frozen: &Matcher, read: usize| {
        lazy.fill_mask(&mut masks[0]).expect("a mask");
        let filled = frozen.fill_mask(&mut masks[1]);
        filled.unwrap_or_else(|e| panic!("{place} after {read} tokens: {e}"));
        assert!(masks[0] == masks[1], "{place}: masks after {read} tokens");
        totals.masks += 1;
    };
    for (read, token) in tokens.iter().enumerate() {
        same(&lazy, &frozen, read);
        match (lazy.advance(*token), frozen.advance(*token)) {
            (Ok(()), Ok(())) => {}
            (Err(a), Err(b)) if a.is_refusal() && b.is_refusal() => return false,
            (a, b) => panic!("{place} after {read} tokens: {a:?}, {b:?}"),
        }
    }
    same(&lazy, &frozen, tokens.len());
    assert_eq!(lazy.is_accepting(), frozen.is_accepting(), "{place}");
    true
}

/// Compiles schemas ahead of time and compares along their instances, in tokens of at most each of
/// these lengths.
fn compare<'a>(
    instances: impl Iterator<Item = &'a Instance>,
    budget: FreezeBudget,
    lengths: &[usize],
) -> Totals {
    let vocabulary = Vocabulary::cl100k_base();
    let spelling = Spelling::new(&vocabulary);
    let compiler = Compiler::new(Arc::clone(&vocabulary), Limits::untrusted());
    let mut totals = Totals::default();
    for instance in instances {
        let name = &instance.name;
        let Ok(grammar) = compiler.json_schema(&instance.schema) else {
            totals.refused += 1;
            continue;
        };
        let Some(machine) = frozen(name, &grammar, budget, &vocabulary, &mut totals) else {
            continue;
        };
        let starts = [grammar.machine(), machine].map(|m| Matcher::new(m).expect("a matcher"));
        for (i, (_, text)) in instance.texts.iter().enumerate() {
            for &most in lengths {
                let place = format!("{name} instance {i} in tokens of {most} bytes at most");
                let tokens = |text: &str| spelling.tokens(text.as_bytes(), most);
                match trace(
                    &place,
                    &starts,
                    &tokens(text).expect("a spelling"),
                    &mut totals,
                ) {
                    true => totals.accepted += 1,
                    false => totals.stopped += 1,
                }
                // Every name once more: none is accepted, and where names are compared, the masks say
                // so only since they were read.
                if let Some(inside) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}'))
                    && inside.contains('"')
                {
                    let twice = tokens(&format!("{{{inside}, {inside}}}")).expect("a spelling");
                    let place = format!("{place}, repeated");
                    assert!(!trace(&place, &starts, &twice, &mut totals), "{place}");
                    totals.repeated += 1;
                }
            }
        }
    }
    println!("{totals:#?}");
    totals
}

#[test]
fn artifacts_give_the_masks_of_the_lazy_machine_along_real_instances() {
    let all = core();
    if all.is_empty() {
        return;
    }
    let budget = FreezeBudget {
        questions: 200_000,
        lexical_states: 6_000,
        bytes: 8 << 20,
        ..FreezeBudget::default()
    };
    // Those of few words, which rarely need much; every fifth, since neighbours are alike.
    let few = all.iter().filter(|i| i.schema.len() < 1_500).step_by(5);
    let totals = compare(few, budget, &[usize::MAX]);
    assert!(totals.accepted + totals.stopped >= 100, "{totals:?}");
    assert!(totals.comparing >= 20, "{totals:?}");
}

/// The whole list with the default budget: minutes in a release build.
#[test]
#[ignore = "minutes"]
fn artifacts_give_the_masks_of_the_lazy_machine_along_the_whole_list() {
    let all = core();
    if all.is_empty() {
        return;
    }
    let totals = compare(all.iter(), FreezeBudget::default(), &[usize::MAX, 3]);
    assert!(totals.traces() >= 1_000, "{totals:?}");
}
