//! Every grammar of the `grammars/` folder: texts on both sides, and masks against the oracle.

mod common;

use common::{Frozen, Lazy};
use maskwright_grammar::Grammar;
use maskwright_tables::{Limits, Vocabulary};
use maskwright_testkit::check::{self, Counts, Judge};
use maskwright_testkit::corpus::{self, Entry, Kind};
use maskwright_testkit::engine::Engine;
use maskwright_testkit::oracle::Oracle;
use maskwright_testkit::random::Random;
use maskwright_testkit::vocab;
use std::cell::Cell;
use std::sync::Arc;

/// How many token sequences of each length are followed. The ignored test follows more.
const SEQUENCES: usize = 40;

fn all_texts(entry: &Entry) -> Vec<&[u8]> {
    entry
        .accept
        .iter()
        .chain(&entry.reject)
        .map(|t| t.bytes.as_slice())
        .collect()
}

/// The grammar IR of an entry, for the oracle. Schemas have their own test.
fn ir(entry: &Entry) -> Option<Grammar> {
    let limits = Limits::trusted();
    let grammar = match entry.kind {
        Kind::JsonSchema => return None,
        Kind::Cfg => Grammar::from_ebnf(&entry.source, &limits),
        Kind::Regex => Grammar::from_regex(&entry.source, &limits),
    };
    Some(grammar.unwrap_or_else(|e| panic!("{}: {e}", entry.name)))
}

/// Runs `check` on every entry and reports all failures together.
fn for_each_entry(check: impl Fn(&Entry) -> Result<Counts, String>) {
    let mut counts = Counts::default();
    let mut failures = Vec::new();
    let entries = corpus::load();
    for entry in &entries {
        match check(entry) {
            Ok(more) => counts += more,
            Err(e) => failures.push(format!("{:?}/{}: {e}", entry.kind, entry.name)),
        }
    }
    println!("{} grammars: {counts}", entries.len());
    assert!(
        failures.is_empty(),
        "{} of {}:\n{}",
        failures.len(),
        entries.len(),
        failures.join("\n")
    );
}

#[test]
fn texts_are_on_the_right_side_byte_by_byte() {
    let vocabulary = Arc::new(vocab::bytes());
    for_each_entry(|entry| {
        let session = Lazy::default().compile(entry.kind, &entry.source, &vocabulary)?;
        check::texts(&session, entry, &vocabulary, 1, &mut Random::new(0))
    });
}

#[test]
fn texts_are_on_the_right_side_token_by_token() {
    for_each_entry(|entry| {
        let vocabulary = Arc::new(vocab::toy(&all_texts(entry), 60, 11));
        let session = Lazy::default().compile(entry.kind, &entry.source, &vocabulary)?;
        check::texts(&session, entry, &vocabulary, 3, &mut Random::new(1))
    });
}

#[test]
fn the_oracle_puts_texts_on_the_same_side() {
    for_each_entry(|entry| {
        let Some(grammar) = ir(entry) else {
            return Ok(Counts::default());
        };
        let oracle = Oracle::new(&grammar).map_err(|e| e.to_string())?;
        for (texts, expected) in [(&entry.accept, true), (&entry.reject, false)] {
            for text in texts {
                if oracle.accepts(&text.bytes) != Ok(expected) {
                    return Err(format!("{}: the oracle does not say {expected}", text.name));
                }
            }
        }
        Ok(Counts {
            texts: entry.accept.len() + entry.reject.len(),
            ..Counts::default()
        })
    });
}

/// Masks of one engine at sequences of up to `depth` tokens and along the accepted texts.
fn masks<E: Engine>(
    engine: &E,
    entry: &Entry,
    vocabulary: Vocabulary,
    depth: usize,
    most: usize,
) -> Result<Counts, String> {
    let Some(grammar) = ir(entry) else {
        return Ok(Counts::default());
    };
    let vocabulary = Arc::new(vocabulary);
    let oracle = Oracle::with_vocabulary(&grammar, &vocabulary).map_err(|e| e.to_string())?;
    let session = engine.compile(entry.kind, &entry.source, &vocabulary)?;
    let mut judge = Judge::new(&oracle, &vocabulary);
    let mut counts = check::masks_by_depth(&session, &mut judge, depth, most, 17)?;
    let mut random = Random::new(4);
    for text in entry.accept.iter().filter(|t| t.bytes.len() <= 80) {
        counts += check::accepts(
            &session,
            &text.bytes,
            &vocabulary,
            Some(&mut judge),
            1,
            &mut random,
        )
        .map_err(|e| format!("{}: {e}", text.name))?;
    }
    Ok(counts)
}

#[test]
fn masks_equal_the_oracle_at_every_prefix_of_up_to_six_tokens() {
    for_each_entry(|entry| {
        masks(
            &Lazy::default(),
            entry,
            vocab::toy(&entry.accepted(), 24, 5),
            6,
            SEQUENCES,
        )
    });
}

#[test]
fn masks_of_artifacts_equal_the_oracle() {
    let frozen = Cell::new(0);
    for_each_entry(|entry| {
        // Programming languages take minutes.
        if entry.kind == Kind::Cfg && entry.source.len() > 450 {
            return Ok(Counts::default());
        }
        frozen.set(frozen.get() + usize::from(entry.kind != Kind::JsonSchema));
        masks(&Frozen, entry, vocab::toy(&entry.accepted(), 16, 6), 4, 10)
    });
    println!("{} frozen", frozen.get());
    assert!(frozen.get() >= 21);
}

#[test]
#[ignore = "minutes: more sequences, several vocabularies"]
fn masks_equal_the_oracle_at_many_more_prefixes() {
    for seed in 0..4 {
        for_each_entry(|entry| {
            masks(
                &Lazy::default(),
                entry,
                vocab::toy(&entry.accepted(), 24, 100 + seed),
                6,
                2_000,
            )
        });
    }
}
