//! The bodies of the fuzz targets: input in, panic when a promise is broken.
//!
//! A crash becomes a named test that calls the same function with the same bytes.

use crate::check::{self, Counts, Judge};
use crate::corpus::Kind;
use crate::engine::Engine;
use crate::generate;
use crate::oracle::Oracle;
use crate::random::Random;
use crate::vocab;
use arbitrary::Unstructured;
use maskwright_grammar::{Diagnostics, Grammar, json_schema, notation};
use maskwright_tables::artifact::Artifact;
use maskwright_tables::{Limits, Vocabulary};
use std::sync::Arc;

/// Limits under which one fuzz input is read.
pub fn limits() -> Limits {
    Limits {
        source_bytes: 1 << 16,
        nodes: 1 << 14,
        states: 1 << 14,
        bytes: 8 << 20,
        steps: 1 << 20,
        ..Limits::untrusted()
    }
}

/// Any bytes as a JSON Schema: a schema or located errors, the same ones each time.
///
/// # Panics
/// When an error says nothing, or a second reading differs.
pub fn schema_front_end(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    for lenient in [false, true] {
        let options = json_schema::Options {
            lenient,
            ..json_schema::Options::default()
        };
        let first = json_schema::parse(text, &options, &limits());
        let second = json_schema::parse(text, &options, &limits());
        match (first, second) {
            (Ok((schema, report)), Ok((again, report_again))) => {
                assert_eq!(schema.nodes, again.nodes);
                assert_eq!(format!("{report:?}"), format!("{report_again:?}"));
                assert!(
                    schema
                        .root
                        .is_some_and(|r| (r.0 as usize) < schema.nodes.len())
                );
                assert_eq!(schema.pointers.len(), schema.nodes.len());
            }
            (Err(errors), Err(again)) => {
                assert_eq!(errors, again);
                assert!(!errors.0.is_empty() && errors.0.iter().all(|e| !e.message.is_empty()));
            }
            _ => panic!("two readings of one text differ"),
        }
    }
}

/// Any bytes as a grammar: located errors, or a grammar that prints to a text that means the same.
///
/// # Panics
/// When an error says nothing or lies outside the text, or printing loses something.
pub fn ebnf_front_end(data: &[u8]) {
    notation_front_end(data, notation::parse);
}

/// Any bytes as a GBNF grammar, as [`ebnf_front_end`].
///
/// # Panics
/// As [`ebnf_front_end`].
pub fn gbnf_front_end(data: &[u8]) {
    notation_front_end(data, notation::parse_gbnf);
}

/// Any bytes as a Lark grammar, as [`ebnf_front_end`].
///
/// # Panics
/// As [`ebnf_front_end`].
pub fn lark_front_end(data: &[u8]) {
    notation_front_end(data, notation::parse_lark);
}

fn notation_front_end(
    data: &[u8],
    parse: impl Fn(&str, &Limits) -> Result<notation::Parsed, Diagnostics>,
) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match parse(text, &limits()) {
        Err(errors) => {
            assert!(!errors.0.is_empty() && errors.0.iter().all(|e| !e.message.is_empty()));
            let spans = errors.0.iter().filter_map(|e| e.place.span.clone());
            for span in spans {
                assert!(span.start <= span.end && span.end <= text.len(), "{span:?}");
            }
        }
        Ok(parsed) => {
            let printed = notation::print(&parsed.grammar);
            // What is printed may be longer than what was read, so it gets more room.
            let again = match notation::parse(&printed, &Limits::offline()) {
                Ok(again) => again.grammar,
                Err(e) => panic!("the printed grammar does not parse: {e}\n{printed}"),
            };
            same_short_sentences(&parsed.grammar, &again, &printed);
        }
    }
}

/// Compares the verdicts of two grammars on a few texts. Where the oracle gives up, nothing is said.
fn same_short_sentences(a: &Grammar, b: &Grammar, shown: &str) {
    if a.exprs.len() > 400 || a.regexes.len() > 400 {
        return;
    }
    let (Ok(a), Ok(b)) = (Oracle::new(a), Oracle::new(b)) else {
        return;
    };
    let letters = b"ab(1\"";
    let texts = letters
        .iter()
        .flat_map(|x| letters.iter().map(move |y| [*x, *y]));
    for text in texts {
        for text in [&text[..0], &text[..1], &text[..]] {
            let (Ok(x), Ok(y)) = (a.session_at(text), b.session_at(text)) else {
                return;
            };
            let verdicts = [
                x.is_viable(),
                x.is_accepting(),
                y.is_viable(),
                y.is_accepting(),
            ];
            assert_eq!(
                verdicts[..2],
                verdicts[2..],
                "{text:?} after printing:\n{shown}"
            );
        }
    }
}

/// Any bytes as an artifact: a typed error, or an artifact whose every section can be read.
/// `open_machine` opens the bytes as a compiled grammar and uses it a little.
///
/// # Panics
/// When a promise of the container is broken; whatever `open_machine` panics with.
pub fn artifact_open(data: &[u8], open_machine: impl Fn(&[u8])) {
    if let Ok(artifact) = Artifact::open(data) {
        for section in artifact.sections() {
            let read = artifact.bytes(section.kind, section.id).is_ok()
                || artifact.words(section.kind, section.id).is_ok();
            assert!(read, "a listed section cannot be read: {section:?}");
        }
        let _ = artifact.verify();
        if let Ok(vocabulary) = Vocabulary::from_artifact(&artifact) {
            let _ = vocabulary.verify_trie();
        }
    }
    open_machine(data);
}

/// A random grammar, a toy vocabulary and a random walk: masks equal the oracle's at each prefix,
/// and a sequence of operations equals its replay.
///
/// # Panics
/// At the first difference.
pub fn mask_matches_oracle<E: Engine>(data: &[u8], engine: &E) -> Counts {
    let mut u = Unstructured::new(data);
    let Ok(source) = generate::ebnf(&mut u) else {
        return Counts::default();
    };
    let seed = u.arbitrary::<u32>().unwrap_or_default().into();
    let vocabulary = Arc::new(vocab::toy(&[b"abcab", b"cabba", b"aabbcc"], 6, seed));
    let grammar = match notation::parse(&source, &limits()) {
        Ok(parsed) => parsed.grammar,
        Err(e) => panic!("a generated grammar does not parse: {e}\n{source}"),
    };
    let Ok(oracle) = Oracle::with_vocabulary(&grammar, &vocabulary) else {
        return Counts::default();
    };
    let viable = oracle.is_viable(b"");
    match engine.compile(Kind::Cfg, &source, &vocabulary) {
        Err(error) => {
            // The only reasons to refuse: nothing can be said, or a limit.
            assert!(
                viable != Ok(true) || error.contains("limit"),
                "a grammar with sentences is refused: {error}\n{source}"
            );
            Counts::default()
        }
        Ok(session) => {
            assert_ne!(
                viable,
                Ok(false),
                "a grammar without sentences is compiled\n{source}"
            );
            let mut judge = Judge::new(&oracle, &vocabulary);
            let mut counts = match check::masks_by_depth(&session, &mut judge, 5, 12, seed) {
                Ok(counts) => counts,
                // Ambiguity without bound may cross a limit, which is an answer of its own.
                Err(e) if e.contains("the limit is") => {
                    return Counts {
                        skipped: 1,
                        ..Counts::default()
                    };
                }
                Err(e) => panic!("{e}\n{source}"),
            };
            let noise = Random::new(seed).bytes(256);
            if let Ok(operations) = generate::operations(&mut Unstructured::new(&noise), 24) {
                match check::operations(&session, &operations, &vocabulary) {
                    Ok(more) => counts += more,
                    Err(e) if e.contains("the limit is") => counts.skipped += 1,
                    Err(e) => panic!("{e}\n{source}"),
                }
            }
            counts
        }
    }
}
