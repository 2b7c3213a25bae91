//! Documents written under a schema's masks are valid by the judgement of another library.

mod common;

use common::Lazy;
use maskwright_testkit::check::{Generated, generate};
use maskwright_testkit::corpus::{self, Kind};
use maskwright_testkit::engine::Engine;
use maskwright_testkit::random::Random;
use maskwright_testkit::validate::Validator;
use maskwright_testkit::vocab;
use std::sync::Arc;

/// Whether a number of the text is written with an exponent that the validator's floating point
/// numbers do not reach: it reads them as 0 or as infinite.
fn has_huge_exponent(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    text.split(['e', 'E']).skip(1).any(|rest| {
        let digits = rest.trim_start_matches(['+', '-']);
        let len = digits.bytes().take_while(u8::is_ascii_digit).count();
        len > 3
            || digits[..len]
                .parse::<u32>()
                .is_ok_and(|exponent| exponent > 250)
    })
}

#[test]
fn generated_documents_validate() {
    let (mut valid, mut unfinished, mut unjudged) = (0, 0, 0);
    for entry in corpus::load()
        .into_iter()
        .filter(|e| e.kind == Kind::JsonSchema)
    {
        let vocabulary = Arc::new(vocab::toy(&entry.accepted(), 120, 3));
        let session = Lazy::default()
            .compile(entry.kind, &entry.source, &vocabulary)
            .unwrap_or_else(|e| panic!("{}: {e}", entry.name));
        let validator = Validator::new(&entry.source).expect("a valid schema");
        let mut random = Random::new(99);
        let (mut of_this, mut ended) = (0, 0);
        for _ in 0..200 {
            match generate(&session, &vocabulary, 1_500, &mut random) {
                Err(e) => panic!("{}: {e}", entry.name),
                Ok(Generated::Unfinished(_)) => unfinished += 1,
                Ok(Generated::Text(text)) => match validator.validate(&text) {
                    Ok(()) => {
                        of_this += 1;
                        ended += 1;
                    }
                    // Exponents beyond the validator's numbers: it cannot judge these.
                    Err(_) if has_huge_exponent(&text) => unjudged += 1,
                    Err(e) => panic!("{}: {e}\n{}", entry.name, String::from_utf8_lossy(&text)),
                },
            }
        }
        assert!(
            ended > 100,
            "{}: only {ended} of 200 documents came to an end",
            entry.name
        );
        valid += of_this;
    }
    println!(
        "{valid} documents validate, {unfinished} did not come to an end, {unjudged} could not be judged"
    );
}
