//! Regex dialects against engines: patterns of the public schemas where they are present and
//! generated ones, 200 texts each.

mod common;

use common::Running;
use maskwright_compiler::Compiler;
use maskwright_grammar::pattern::Dialect;
use maskwright_tables::{Limits, TokenId};
use maskwright_testkit::engine::Session;
use maskwright_testkit::random::Random;
use maskwright_testkit::vocab;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// How many patterns are compared, and on how many texts each.
const PATTERNS: usize = 1_000;
const TEXTS: usize = 200;

/// The values of `pattern` in a schema.
fn collect(value: &serde_json::Value, found: &mut BTreeSet<String>) {
    let mut work = vec![value];
    while let Some(value) = work.pop() {
        match value {
            serde_json::Value::Object(object) => {
                if let Some(pattern) = object.get("pattern").and_then(|p| p.as_str()) {
                    found.insert(pattern.to_owned());
                }
                work.extend(object.values());
            }
            serde_json::Value::Array(items) => work.extend(items),
            _ => {}
        }
    }
}

fn public_patterns() -> Vec<String> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/maskbench-dev/files");
    let mut found = BTreeSet::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
        if let Ok(value) = serde_json::from_str::<serde_json::Value>(&text) {
            collect(&value["schema"], &mut found);
        }
    }
    found.into_iter().collect()
}

/// A random pattern of what both dialects have, and of what only this one has.
fn pattern(random: &mut Random, dialect: Dialect, depth: usize) -> String {
    let atoms = [
        "a",
        "b",
        "c",
        "é",
        "0",
        "\\d",
        "\\w",
        "\\s",
        "[a-c]",
        "[^a]",
        "[a-z0-9_]",
        ".",
        "-",
        " ",
        "\\.",
        "\\p{L}",
        "\\x41",
        "[\\w-]",
        "(?:)",
        "ab",
    ];
    let only: &[&str] = match dialect {
        Dialect::Rust => &[
            "[[:alpha:]]",
            "[a-z&&[^b]]",
            "(?i:aB)",
            "(?s:.)",
            "\\pN",
            "\\x{e9}",
            "[[a-c]--b]",
        ],
        Dialect::Ecma => &[
            "\\u00e9",
            "\\u{1F600}",
            "[^]",
            "(?=a)",
            "(?!b)",
            "(?<=a)",
            "(?<!b)",
            "\\b",
            "\\cA",
            "\\/",
        ],
    };
    if depth == 0 {
        return if random.below(6) == 0 {
            (*random.pick(only)).to_owned()
        } else {
            (*random.pick(&atoms)).to_owned()
        };
    }
    let inner = |r: &mut Random| pattern(r, dialect, depth - 1);
    match random.below(6) {
        0..=2 => format!("{}{}", inner(random), inner(random)),
        3 => format!("(?:{}|{})", inner(random), inner(random)),
        4 => format!("({})", inner(random)),
        _ => {
            let quantifier =
                *random.pick(&["*", "+", "?", "{2}", "{1,3}", "{2,}", "*?", "+?", "{0,40}"]);
            let inner = inner(random);
            // The ECMA engine takes all memory in some loops over loops that may be empty;
            // the other dialect has these. Simple loops over what may be empty are there.
            let is_loop = [")*", ")+", ")?", "){"].iter().any(|q| inner.contains(q));
            let may_be_empty = || {
                let engine = regress::Regex::with_flags(&format!("^(?:{inner})$"), "u");
                engine.is_ok_and(|e| e.find("").is_some())
            };
            if dialect == Dialect::Ecma && is_loop && may_be_empty() {
                return inner;
            }
            format!("(?:{inner}){quantifier}")
        }
    }
}

/// Texts: walks through what the pattern allows, such walks changed a little, and noise.
fn texts(start: &Running, random: &mut Random) -> Vec<String> {
    let mut texts = vec![String::new()];
    while texts.len() < TEXTS {
        let mut bytes: Vec<u8> = Vec::new();
        if random.below(8) > 0 {
            let mut session = start.clone();
            for _ in 0..random.below(24) {
                let Ok(mask) = session.mask() else { break };
                let allowed: Vec<u8> = (0..=255u8).filter(|b| mask[usize::from(*b)]).collect();
                // Mostly ASCII, where there is a choice.
                let ascii: Vec<u8> = allowed
                    .iter()
                    .copied()
                    .filter(|b| (0x20..0x7f).contains(b))
                    .collect();
                let from = if ascii.is_empty() || random.below(6) == 0 {
                    &allowed
                } else {
                    &ascii
                };
                if from.is_empty() {
                    break;
                }
                let byte = *random.pick(from);
                session.advance(TokenId(u32::from(byte))).expect("allowed");
                bytes.push(byte);
                if session.is_accepting().unwrap_or(false) && random.below(5) == 0 {
                    break;
                }
            }
        } else {
            bytes = (0..random.below(6))
                .map(|_| *random.pick(b"abcAB01 -_.\n"))
                .collect();
        }
        let mut text = String::from_utf8_lossy(&bytes).replace('\u{FFFD}', "");
        if random.below(3) == 0 {
            let mut chars: Vec<char> = text.chars().collect();
            let at = random.below(chars.len() + 1);
            match random.below(3) {
                0 => chars.insert(
                    at,
                    *random.pick(&['a', 'b', '0', ' ', '\n', 'é', 'Z', '_', '😀']),
                ),
                1 if at < chars.len() => drop(chars.remove(at)),
                _ => chars.truncate(at),
            }
            text = chars.into_iter().collect();
        }
        texts.push(text);
    }
    texts
}

#[derive(Debug, Default)]
struct Tally {
    patterns: usize,
    public: usize,
    refused: usize,
    /// Verdicts that differ on a text with a character that the engine has not met.
    unknown: usize,
    texts: usize,
    matches: usize,
}

/// Compares all patterns; `engine` gives the judge of a pattern, if it reads it.
fn compare(dialect: Dialect, engine: impl Fn(&str) -> Option<Box<dyn Fn(&str) -> bool>>) -> Tally {
    let compiler = Compiler::new(Arc::new(vocab::bytes()), Limits::trusted());
    let mut random = Random::new(7 + dialect as u64);
    let public = public_patterns();
    let mut tally = Tally::default();
    let mut wrong = Vec::new();
    let mut next = 0;
    let mut refusals: Vec<String> = Vec::new();
    // The engine may know an older Unicode: it has no say about characters that it has not met.
    let knows = engine(r"\P{Cn}*");
    while tally.patterns < PATTERNS {
        let is_public = next < public.len() && tally.patterns < PATTERNS / 2;
        let source = if is_public {
            public[next].clone()
        } else {
            let depth = 2 + random.below(3);
            pattern(&mut random, dialect, depth)
        };
        next += 1;
        let Some(judge) = engine(&source) else {
            continue;
        };
        let compiled = match compiler.regex_in(&source, dialect) {
            Ok(compiled) => compiled,
            Err(e) => {
                let code = e.diagnostics()[0].code;
                // What is refused is said to be unsupported, or has no texts at all.
                assert!(
                    ["unsupported-regex", "empty-language"].contains(&code),
                    "{source:?}: {e}"
                );
                if code == "unsupported-regex" {
                    tally.refused += 1;
                    refusals.push(source);
                }
                continue;
            }
        };
        let start = Running::new(compiled.machine()).expect("a session");
        for text in texts(&start, &mut random) {
            let mut session = start.clone();
            let alive = text
                .bytes()
                .all(|b| session.advance(TokenId(u32::from(b))).expect("a verdict"));
            let found = alive && session.is_accepting().expect("a verdict");
            if found != judge(&text) && knows.as_ref().is_some_and(|knows| !knows(&text)) {
                tally.unknown += 1;
            } else if found != judge(&text) {
                wrong.push(format!("{source:?} on {text:?}: {found}"));
            }
            tally.texts += 1;
            tally.matches += usize::from(found);
        }
        tally.patterns += 1;
        tally.public += usize::from(is_public);
    }
    println!("{dialect:?}: {tally:?}");
    assert!(tally.unknown <= 10, "{tally:?}");
    println!("refused: {:?}", &refusals[..refusals.len().min(12)]);
    assert!(
        wrong.is_empty(),
        "{} wrong: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(12)]
    );
    tally
}

#[test]
fn rust_patterns_match_what_the_regex_crate_matches() {
    let tally = compare(Dialect::Rust, |pattern| {
        let regex = regex::Regex::new(&format!("^(?:{pattern})$")).ok()?;
        Some(Box::new(move |text| regex.is_match(text)))
    });
    assert!(tally.matches > tally.texts / 4);
}

#[test]
fn ecma_patterns_match_what_an_ecma_engine_matches() {
    let tally = compare(Dialect::Ecma, |pattern| {
        let regex = regress::Regex::with_flags(&format!("^(?:{pattern})$"), "u").ok()?;
        Some(Box::new(move |text| regex.find(text).is_some()))
    });
    assert!(tally.matches > tally.texts / 4);
}
