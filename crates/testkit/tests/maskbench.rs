//! A public corpus of schemas with instances, where it is present: verdicts through the compiler and
//! the matcher, and masks of some schemas against the schema oracle.

mod common;

use common::Lazy;
use common::bounds::{Counts, check};
use common::maskbench::core;
use maskwright_compiler::Compiler;
use maskwright_compiler::vocabulary::VocabularyExt;
use maskwright_runtime::Matcher;
use maskwright_tables::{Limits, TokenId, Vocabulary};
use maskwright_testkit::corpus::Kind;
use maskwright_testkit::engine::Engine;
use maskwright_testkit::vocab;
use std::sync::Arc;

#[test]
fn no_invalid_instance_is_accepted() {
    let vocabulary = Arc::new(vocab::bytes());
    let engine = Lazy(Limits::untrusted());
    let (mut refused, mut right, mut too_strict, mut failed) = (0, 0, 0, 0);
    let mut wrong = Vec::new();
    let instances = core();
    for instance in &instances {
        let start = match engine.compile(Kind::JsonSchema, &instance.schema, &vocabulary) {
            Ok(start) => start,
            Err(_) => {
                refused += 1;
                continue;
            }
        };
        for (i, (valid, text)) in instance.texts.iter().enumerate() {
            let mut matcher = start.0.fork();
            let accepted = match matcher.advance_bytes(text.as_bytes()) {
                Ok(()) => matcher.is_accepting(),
                Err(e) if e.is_refusal() => Ok(false),
                Err(e) => Err(e),
            };
            match (accepted, valid) {
                (Err(_), _) => failed += 1,
                (Ok(true), false) => wrong.push(format!("{} instance {i}", instance.name)),
                // Members in another order than the schema's are refused by default.
                (Ok(false), true) => too_strict += 1,
                _ => right += 1,
            }
        }
    }
    println!(
        "{} schemas, {refused} refused at compile; instances: {right} right, {too_strict} valid and refused, \
         {failed} ended at a limit, {} wrongly accepted",
        instances.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn masks_of_some_schemas_lie_between_the_bounds() {
    let vocabulary = Arc::new(vocab::bytes());
    let engine = Lazy(Limits::untrusted());
    let mut counts = Counts::default();
    let mut failures = Vec::new();
    let instances = core();
    for instance in instances
        .iter()
        .filter(|i| i.schema.len() < 3_000)
        .step_by(5)
    {
        let Ok(start) = engine.compile(Kind::JsonSchema, &instance.schema, &vocabulary) else {
            continue;
        };
        let accepted = |text: &&str| {
            let mut matcher = start.0.fork();
            matcher.advance_bytes(text.as_bytes()).is_ok() && matcher.is_accepting() == Ok(true)
        };
        let texts: Vec<&[u8]> = instance
            .texts
            .iter()
            .map(|t| t.1.as_str())
            .filter(|t| t.len() < 400)
            .filter(accepted)
            .map(str::as_bytes)
            .collect();
        if texts.is_empty() {
            continue;
        }
        if let Err(e) = check(&instance.schema, &texts, 5, &mut counts) {
            failures.push(format!("{}: {e}", instance.name));
        }
    }
    println!("{counts:?}");
    assert!(
        failures.is_empty(),
        "{}:\n{}",
        failures.len(),
        failures.join("\n")
    );
}

/// The tokens of a large vocabulary, all of them: the rows say what reading their bytes says.
/// Together with the comparison above, which holds the bytes against the oracle, this holds masks
/// of a real vocabulary against it.
#[test]
fn masks_of_a_real_vocabulary_say_what_the_bytes_of_each_token_say() {
    let vocabulary = Vocabulary::cl100k_base();
    let compiler = Compiler::new(Arc::clone(&vocabulary), Limits::untrusted());
    let (mut schemas, mut masks, mut allowed, mut refused) = (0, 0, 0u64, 0u64);
    for instance in core().iter().step_by(4) {
        let Ok(grammar) = compiler.json_schema(&instance.schema) else {
            continue;
        };
        let whole = |text: &&(bool, String)| {
            let mut matcher = Matcher::new(&grammar).expect("a matcher");
            matcher.advance_bytes(text.1.as_bytes()).is_ok() && matcher.is_accepting() == Ok(true)
        };
        let Some((_, text)) = instance.texts.iter().find(whole) else {
            continue;
        };
        let mut matcher = Matcher::new(&grammar).expect("a matcher");
        let mut mask = vec![0u32; matcher.mask_words()];
        // Five positions, the first and the last byte among them.
        let mut read = 0;
        for part in 0..5 {
            let to = text.len() * part / 4;
            matcher
                .advance_bytes(&text.as_bytes()[read..to])
                .expect("an accepted text");
            read = to;
            matcher.fill_mask(&mut mask).expect("a mask");
            for token in (0..vocabulary.width() as u32).map(TokenId) {
                let bit = mask[token.index() / 32] >> (token.0 % 32) & 1 == 1;
                assert_eq!(
                    bit,
                    matcher.is_allowed(token).expect("an answer"),
                    "{} after {to} bytes: {token} {:?}",
                    instance.name,
                    vocabulary.bytes(token).escape_ascii().to_string()
                );
                allowed += u64::from(bit);
                refused += u64::from(!bit);
            }
            masks += 1;
        }
        schemas += 1;
        if schemas == 100 {
            break;
        }
    }
    println!("{schemas} schemas, {masks} masks, {allowed} tokens allowed, {refused} refused");
}
