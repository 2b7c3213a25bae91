//! The case files, by the engine and by the oracle.

mod common;

use common::Lazy;
use maskwright_grammar::Grammar;
use maskwright_tables::Limits;
use maskwright_testkit::cases::{self, Case};
use maskwright_testkit::check;
use maskwright_testkit::corpus::Kind;
use maskwright_testkit::engine::{Engine, Session};
use maskwright_testkit::oracle::Oracle;
use maskwright_testkit::random::Random;
use maskwright_testkit::vocab;
use std::path::Path;
use std::sync::Arc;

fn all() -> Vec<Case> {
    cases::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"))
}

fn run(case: &Case) -> Result<(), String> {
    let (kind, source) = case.source()?;
    let vocabulary = Arc::new(case.vocabulary());
    if let Some(expected) = case.mask()? {
        let mut session = Lazy::default().compile(kind, source, &vocabulary)?;
        let prefix = vocab::tokenise(&vocabulary, case.prefix.as_bytes(), &mut Random::new(0))
            .ok_or("the prefix has no spelling")?;
        for token in prefix {
            if !session.advance(token)? {
                return Err(format!("{token} of the prefix is refused"));
            }
        }
        let named = |mask: &[bool]| -> Vec<&String> {
            mask.iter()
                .zip(&case.vocab)
                .filter(|(bit, _)| **bit)
                .map(|(_, word)| word)
                .collect()
        };
        let mask = session.mask()?;
        if mask != expected {
            return Err(format!(
                "allowed {:?}, not {:?}",
                named(&mask),
                named(&expected)
            ));
        }
        let limits = Limits::trusted();
        let grammar = match kind {
            Kind::Cfg => Grammar::from_ebnf(source, &limits),
            Kind::Regex => Grammar::from_regex(source, &limits),
            Kind::JsonSchema => return Ok(()),
        };
        let oracle =
            Oracle::new(&grammar.map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
        let judged = oracle
            .allowed_with(case.prefix.as_bytes(), &vocabulary)
            .map_err(|e| e.to_string())?;
        if judged != expected {
            return Err(format!(
                "the oracle allows {:?}, not {:?}",
                named(&judged),
                named(&expected)
            ));
        }
    }
    let bytes = Arc::new(vocab::bytes());
    let session = Lazy::default().compile(kind, source, &bytes)?;
    let mut random = Random::new(0);
    for text in &case.accept {
        check::accepts(&session, text.as_bytes(), &bytes, None, 1, &mut random)?;
    }
    for text in &case.reject {
        check::rejects(&session, text.as_bytes(), &bytes, 1, &mut random)?;
    }
    Ok(())
}

#[test]
fn every_case_holds() {
    let cases = all();
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|c| run(c).err().map(|e| format!("{}: {e}", c.name)))
        .collect();
    println!("{} cases", cases.len());
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}
