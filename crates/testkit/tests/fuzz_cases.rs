//! The fuzz bodies on fixed seeds, and every input that once broke a promise, by name.

mod common;

use common::{Lazy, artifact, open};
use maskwright_tables::artifact::Artifact;
use maskwright_testkit::check::Counts;
use maskwright_testkit::corpus::{self, Kind};
use maskwright_testkit::engine::Session;
use maskwright_testkit::fuzzing;
use maskwright_testkit::random::Random;
use maskwright_testkit::vocab;
use std::sync::Arc;

#[test]
fn masks_of_random_grammars_equal_the_oracle() {
    let mut counts = Counts::default();
    for seed in 0..300 {
        counts += fuzzing::mask_matches_oracle(&Random::new(seed).bytes(160), &Lazy::default());
    }
    println!("300 grammars: {counts}");
    assert!(
        counts.skipped < 30,
        "too many grammars cross a limit: {counts}"
    );
    assert!(
        counts.allowed > 1_000,
        "the generator must draw grammars with sentences: {counts}"
    );
}

/// A source with a few bytes changed, removed, doubled or exchanged.
fn mutate(source: &[u8], random: &mut Random) -> Vec<u8> {
    let mut text = source.to_vec();
    for _ in 0..=random.below(3) {
        if text.is_empty() {
            break;
        }
        let at = random.below(text.len());
        let end = text.len().min(at + 1 + random.below(8));
        match random.below(4) {
            0 => text[at] = *random.pick(b"{}[]()\"'\\/|&~*+?,;:=0-9a\x00\xff"),
            1 => drop(text.drain(at..end)),
            2 => {
                let copy = text[at..end].to_vec();
                text.splice(at..at, copy);
            }
            _ => {
                let other = random.below(text.len());
                text.swap(at, other);
            }
        }
    }
    text
}

#[test]
fn front_ends_survive_mutated_sources() {
    let mut random = Random::new(2);
    let mut inputs = 0;
    for entry in corpus::load() {
        for _ in 0..60 {
            let text = mutate(entry.source.as_bytes(), &mut random);
            match entry.kind {
                Kind::JsonSchema => fuzzing::schema_front_end(&text),
                _ => fuzzing::ebnf_front_end(&text),
            }
            inputs += 1;
        }
    }
    println!("{inputs} inputs");
}

#[test]
fn other_notations_survive_mutated_sources() {
    let gbnf =
        "root ::= (\"a\\x41\" | [^a-b\\]]{2,3} b)* # c\nb ::= b \"1\" | \"(\" root \")\" |\n .+\n";
    let lark = "?start.2: pair{\"a\", B}+ [ /[^(1]*?(?=a)b/i ] ~ 2..3 & ~B -> c\npair{x, y}: x y // d\nB.1: \"a\"..\"b\" | INT\n%import common (INT, WS)\n%ignore WS\n%extend B: \"(\"i\nL[lazy]: /.*/ \"1\"\n";
    let mut random = Random::new(11);
    for _ in 0..3_000 {
        fuzzing::gbnf_front_end(&mutate(gbnf.as_bytes(), &mut random));
        fuzzing::lark_front_end(&mutate(lark.as_bytes(), &mut random));
    }
}

#[test]
fn every_single_byte_corruption_of_an_artifact_is_an_error_or_changes_nothing() {
    let vocabulary = Arc::new(vocab::from_words(&["a", "b", "(", ")", "((", "<eos>"]));
    let source = "start = \"(\" start \")\" | /[ab]{1,3}/ ;";
    let compiled = Lazy::default()
        .grammar(Kind::Cfg, source, &vocabulary)
        .expect("a small grammar");
    let bytes = artifact(&compiled, &vocabulary).expect("a small artifact");
    let walk = |bytes: &[u8]| -> Result<Vec<Vec<bool>>, String> {
        let mut session = open(bytes, &vocabulary)?;
        let mut masks = vec![session.mask()?];
        for token in [4, 0, 1, 3, 3, 5] {
            session.advance(maskwright_tables::TokenId(token))?;
            masks.push(session.mask()?);
        }
        Ok(masks)
    };
    let expected = walk(&bytes).expect("the artifact as written");
    let (mut refused, mut found) = (0, 0);
    for i in 0..bytes.len() {
        for change in [0x01, 0x80, 0xff] {
            let mut corrupt = bytes.clone();
            corrupt[i] ^= change;
            // Opening alone promises that nothing panics; verifying, that nothing is wrong.
            fuzzing::artifact_open(&corrupt, |b| drop(walk(b)));
            let verified = Artifact::open(&corrupt).and_then(|a| a.verify());
            match verified {
                Err(_) => found += 1,
                Ok(()) => assert_eq!(
                    walk(&corrupt).as_ref(),
                    Ok(&expected),
                    "byte {i} ^ {change:#x}"
                ),
            }
            refused += usize::from(open(&corrupt, &vocabulary).is_err());
        }
    }
    for cut in 0..bytes.len() {
        assert!(
            open(&bytes[..cut], &vocabulary).is_err(),
            "cut to {cut} bytes"
        );
    }
    println!(
        "{} corruptions of {} bytes: {refused} refused at open, {found} found by verify",
        bytes.len() * 3,
        bytes.len()
    );
}

#[test]
fn deep_complements_do_not_keep_the_oracle_busy() {
    let tildes = "~".repeat(48);
    let text =
        format!("start = r field ;\nfield = {tildes} EOL? ;\nr =\nEOL = \"\\n\" | \"\\r\\n\" ;\n");
    fuzzing::ebnf_front_end(text.as_bytes());
    fuzzing::ebnf_front_end(text.replace("r =\n", "r = ;\n").as_bytes());
}
