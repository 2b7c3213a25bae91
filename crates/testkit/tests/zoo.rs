//! The grammar zoo, `grammars/cfg/`, against the slow oracle: every string over a small alphabet, mutated
//! texts, and masks of a vocabulary of 4,096 tokens.
//!
//! The tests of every day look at samples; the ignored ones at everything
//! (`cargo test --release -p maskwright-testkit --test zoo -- --ignored --nocapture`).

mod common;

use common::Lazy;
use maskwright_compiler::vocabulary::VocabularyExt;
use maskwright_grammar::Grammar;
use maskwright_runtime::Matcher;
use maskwright_tables::vocabulary::TokenEntry;
use maskwright_tables::{Limits, TokenId, TokenKind, Vocabulary};
use maskwright_testkit::corpus::{self, Entry, Kind};
use maskwright_testkit::engine::Engine;
use maskwright_testkit::oracle::{self, Oracle};
use maskwright_testkit::random::Random;
use maskwright_testkit::vocab;
use std::sync::Arc;

/// The longest strings that are tried over a small alphabet.
const LENGTH: usize = 7;

/// The letters from which a grammar's strings are made: the ones that open, close, join and separate,
/// and few that fill. For a grammar that is not named here, the commonest ones of its texts.
fn alphabet(entry: &Entry) -> Vec<u8> {
    let letters: &[u8] = match entry.name.as_str() {
        "anbn-or-anb2n" | "palindrome" => b"ab",
        "ambiguous-sequence" => b"b()",
        "arithmetic" => b"1a+^(,)",
        "bounded-repeat" => b"abcd",
        "c" => b"a_t ;*()",
        "css" => b"a{:;}1 ",
        "csv" => b"a,\"\r\n",
        "cypher" => b"(a:-> ",
        "dyck" => b"()[]{}",
        "ebnf" => b"a=|\"(*;",
        "email" => b"a.@\"<>,",
        "expression-ambiguous" => b"1+?:[]!",
        "expression-left" => b"1a+*()-",
        "expression-right" => b"a=?:^[,",
        "go" => b"p a\n;(",
        "graphql" => b"{a}(:1 ",
        "hidden-left-recursion" | "inherently-ambiguous" => b"abc",
        "html" => b"<p> a/",
        "if-else" => b"a=1;{}+",
        "ini" => b"[a]=\n1#",
        "iso8601" => b"P1DT/HM",
        "java" => b"class {}",
        "json" => b"[]{}\":,",
        "json5" => b"[a:{},'",
        "keyword-identifier" => b"if ()a;",
        "latex-maths" => b"$\\pi{}^",
        "lisp" => b"(a .')\"",
        "list-listen" => b"listend",
        "lists-four-ways" => b"lrbs1,;",
        "lr1-not-lalr" => b"<[(x}]>",
        "lr2-rules" => b"ab=",
        "lua" => b"a=1;(.)",
        "mutual-recursion" => b"a/(,;)",
        "pgn" => b"e4* 1.(",
        "python" => b"a=1\n(,:",
        "regex" => b"a|(?*[]",
        "rust" => b"use a:;*",
        "semver" => b"1.x ^-+",
        "smiles" => b"C1=([])",
        "toml" => b"a=1[]\n.",
        "unit-cycles" => b"nl()[]",
        "uri" => b"a:/?#@[",
        "xml" => b"<a/> =\"",
        _ => {
            let mut uses = [0usize; 256];
            entry
                .accepted()
                .iter()
                .flat_map(|t| t.iter())
                .for_each(|b| uses[*b as usize] += 1);
            let mut bytes: Vec<u8> = (0..=255).filter(|b| uses[*b as usize] > 0).collect();
            bytes.sort_by_key(|b| std::cmp::Reverse(uses[*b as usize]));
            bytes.truncate(6);
            return bytes;
        }
    };
    letters.to_vec()
}

struct Subject {
    entry: Entry,
    oracle: Oracle,
    /// At the start, over the vocabulary of single bytes.
    matcher: Matcher,
}

impl Subject {
    fn new(entry: Entry) -> Result<Self, String> {
        let grammar = Grammar::from_ebnf(&entry.source, &Limits::trusted());
        let grammar = grammar.map_err(|e| e.to_string())?;
        Ok(Subject {
            oracle: Oracle::new(&grammar).map_err(|e| e.to_string())?,
            matcher: matcher(&entry, &Arc::new(vocab::bytes()))?,
            entry,
        })
    }

    /// How many bytes of a text are read, and whether all of it is a sentence.
    fn run(&self, text: &[u8]) -> Result<(usize, bool), String> {
        let mut matcher = self.matcher.fork();
        for (i, byte) in text.iter().enumerate() {
            match matcher.advance_bytes(&[*byte]) {
                Ok(()) => {}
                Err(e) if e.is_refusal() => return Ok((i, false)),
                Err(e) => return Err(e.to_string()),
            }
        }
        Ok((text.len(), accepts(&matcher)?))
    }
}

fn matcher(entry: &Entry, vocabulary: &Arc<Vocabulary>) -> Result<Matcher, String> {
    Ok(Lazy::default()
        .compile(entry.kind, &entry.source, vocabulary)?
        .0)
}

fn accepts(matcher: &Matcher) -> Result<bool, String> {
    matcher.is_accepting().map_err(|e| e.to_string())
}

/// Runs `check` on every grammar and reports all failures together. `ZOO=name` picks one.
fn for_each(check: impl Fn(Subject) -> Result<usize, String>) -> usize {
    let (mut total, mut ran, mut failures) = (0, 0, Vec::new());
    let only = std::env::var("ZOO").ok();
    for entry in corpus::load_kind(&corpus::root(), Kind::Cfg) {
        let name = entry.name.clone();
        if only
            .as_ref()
            .is_some_and(|o| !o.split(',').any(|o| o == name))
        {
            continue;
        }
        ran += 1;
        let begin = std::time::Instant::now();
        match Subject::new(entry).and_then(&check) {
            Ok(n) => {
                if only.is_some() || begin.elapsed().as_secs() >= 2 {
                    println!("{name}: {n} in {:.1} s", begin.elapsed().as_secs_f64());
                }
                total += n;
            }
            Err(e) => failures.push(format!("{name}: {e}")),
        }
    }
    println!("{ran} grammars, {total} compared");
    let (wrong, all) = (failures.len(), failures.join("\n"));
    assert!(failures.is_empty(), "{wrong} of {ran}:\n{all}");
    total
}

#[test]
fn the_zoo_is_large() {
    let names: Vec<String> = corpus::load_kind(&corpus::root(), Kind::Cfg)
        .into_iter()
        .map(|e| e.name)
        .collect();
    assert!(names.len() >= 32, "{names:?}");
}

/// All strings over the alphabet, of which `most` viable ones of each length are followed. Strings whose
/// beginning is dead are dead for both sides and are counted.
fn strings(subject: &Subject, most: usize, random: &mut Random) -> Result<usize, String> {
    let alphabet = alphabet(&subject.entry);
    let mut session = subject.oracle.session().map_err(|e| e.to_string())?;
    // Strings of this many more letters, the empty one included.
    let below: Vec<usize> = (0..=LENGTH)
        .map(|n| (0..=n).map(|k| alphabet.len().pow(k as u32)).sum())
        .collect();
    let mut followed = [0; LENGTH + 1];
    let mut decided = 1;
    // Nodes to visit, and `None` where one is left.
    let mut text: Vec<u8> = Vec::new();
    if accepts(&subject.matcher)? != session.is_accepting() {
        return Err("the empty text is on the wrong side".into());
    }
    let mut path = vec![(subject.matcher.fork(), shuffled(&alphabet, random))];
    while let Some((matcher, letters)) = path.last_mut() {
        let Some(letter) = letters.pop() else {
            path.pop();
            text.pop();
            session.pop();
            continue;
        };
        let mut next = matcher.fork();
        text.push(letter);
        let alive = match next.advance_bytes(&[letter]) {
            Ok(()) => true,
            Err(e) if e.is_refusal() => false,
            Err(e) => return Err(format!("{:?}: {e}", String::from_utf8_lossy(&text))),
        };
        let viable = session.push(letter).map_err(|e| e.to_string())?;
        let sentence = alive && accepts(&next)?;
        if alive != viable || sentence != session.is_accepting() {
            return Err(format!(
                "{:?}: alive {alive}, sentence {sentence}; oracle: viable {viable}, sentence {}",
                String::from_utf8_lossy(&text),
                session.is_accepting()
            ));
        }
        let left = LENGTH - text.len();
        if !alive {
            decided += below[left];
        } else {
            decided += 1;
            followed[text.len()] += 1;
            if left > 0 && followed[text.len()] <= most {
                path.push((next, shuffled(&alphabet, random)));
                continue;
            }
        }
        text.pop();
        session.pop();
    }
    if most == usize::MAX && decided != below[LENGTH] {
        return Err(format!("{decided} strings decided of {}", below[LENGTH]));
    }
    Ok(decided)
}

fn shuffled(letters: &[u8], random: &mut Random) -> Vec<u8> {
    let mut letters = letters.to_vec();
    for i in (1..letters.len()).rev() {
        letters.swap(i, random.below(i + 1));
    }
    letters
}

#[test]
fn strings_over_small_alphabets_are_on_the_right_side() {
    let strings = for_each(|s| strings(&s, 12, &mut Random::new(3)));
    assert!(strings > 1_000_000);
}

#[test]
#[ignore = "minutes: all of them"]
fn all_strings_over_small_alphabets_are_on_the_right_side() {
    for_each(|s| strings(&s, usize::MAX, &mut Random::new(3)));
}

/// A text with one to three things done to it.
fn mutant(texts: &[&[u8]], letters: &[u8], random: &mut Random) -> Vec<u8> {
    let mut text = random.pick(texts).to_vec();
    for _ in 0..1 + random.below(3) {
        let at = random.below(text.len() + 1);
        let to = text.len().min(at + 1 + random.below(4));
        match random.below(7) {
            0 => drop(text.drain(at..to)),
            1 => text.insert(at, *random.pick(letters)),
            2 if at < text.len() => text[at] = *random.pick(letters),
            3 if at + 1 < text.len() => text.swap(at, at + 1),
            4 => {
                let copy = text[at..to].to_vec();
                text.splice(to..to, copy);
            }
            5 => {
                let other = *random.pick(texts);
                let from = random.below(other.len() + 1);
                let piece = &other[from..other.len().min(from + 1 + random.below(9))];
                text.splice(at..at, piece.iter().copied());
            }
            _ => text.truncate(at.max(text.len() / 2)),
        }
    }
    text
}

fn mutations(subject: &Subject, count: usize, longest: usize) -> Result<usize, String> {
    let mut random = Random::new(9);
    let mut texts = subject.entry.accepted();
    texts.retain(|t| t.len() <= longest);
    if texts.is_empty() {
        return Ok(0);
    }
    let mut letters: Vec<u8> = subject.entry.accepted().concat();
    letters.extend(b"a0 \n\"(");
    let mut mutants: Vec<Vec<u8>> = (0..count)
        .map(|_| mutant(&texts, &letters, &mut random))
        .collect();
    // Neighbours share their beginnings, and the oracle's chart of them.
    mutants.sort_unstable();
    let mut session = subject.oracle.session().map_err(|e| e.to_string())?;
    let mut read: Vec<u8> = Vec::new();
    for text in &mutants {
        let common = read.iter().zip(text).take_while(|(a, b)| a == b).count();
        while session.len() > common {
            session.pop();
        }
        while session.is_viable() && session.len() < text.len() {
            session
                .push(text[session.len()])
                .map_err(|e| e.to_string())?;
        }
        read = text[..session.len()].to_vec();
        let viable = session.is_viable();
        let expected = (
            session.len() - usize::from(!viable),
            viable && session.is_accepting(),
        );
        let got = subject.run(text)?;
        if got != expected {
            return Err(format!(
                "{:?}: read {} bytes, sentence {}; oracle: {} bytes, sentence {}",
                String::from_utf8_lossy(text),
                got.0,
                got.1,
                expected.0,
                expected.1
            ));
        }
    }
    Ok(mutants.len())
}

#[test]
fn mutated_texts_are_on_the_right_side() {
    let texts = for_each(|s| mutations(&s, 40, 200));
    assert!(texts > 1_000);
}

#[test]
#[ignore = "minutes: 2,000 of each grammar"]
fn many_mutated_texts_are_on_the_right_side() {
    for_each(|s| mutations(&s, 2_000, usize::MAX));
}

/// The first 4,096 tokens of cl100k_base, all single bytes among them, and an end token.
fn four_thousand() -> Vocabulary {
    let whole = Vocabulary::cl100k_base();
    let mut entries: Vec<TokenEntry> = whole
        .text_tokens()
        .filter(|(t, _)| t.0 < 4_096)
        .map(|(t, bytes)| TokenEntry {
            id: t.0,
            bytes: bytes.to_vec(),
            kind: TokenKind::Text,
        })
        .collect();
    entries.push(TokenEntry {
        id: 4_096,
        bytes: b"<end>".to_vec(),
        kind: TokenKind::Special,
    });
    Vocabulary::new("four thousand", entries, &[4_096], None).expect("a vocabulary")
}

/// Masks at prefixes of the accepted texts; `pick` says at which.
fn masks(
    subject: &Subject,
    vocabulary: &Arc<Vocabulary>,
    mut pick: impl FnMut() -> bool,
) -> Result<usize, String> {
    let mut tokens: Vec<(&[u8], usize)> = vocabulary
        .text_tokens()
        .map(|(t, b)| (b, t.index()))
        .collect();
    tokens.sort_unstable();
    let mut compared = 0;
    let start = matcher(&subject.entry, vocabulary)?;
    let mut words = vec![0u32; start.mask_words()];
    for text in &subject.entry.accept {
        let mut matcher = start.fork();
        let mut session = subject.oracle.session().map_err(|e| e.to_string())?;
        for at in 0..=text.bytes.len() {
            if pick() {
                let place = || {
                    let read = String::from_utf8_lossy(&text.bytes[..at]);
                    format!("{} after {read:?}", text.name)
                };
                let expected = session.allowed_of(&tokens, vocabulary);
                let expected = expected.map_err(|e| format!("{}: {e}", place()))?;
                matcher
                    .fill_mask(&mut words)
                    .map_err(|e| format!("{}: {e}", place()))?;
                for (i, wanted) in expected.iter().enumerate() {
                    if (words[i / 32] >> (i % 32) & 1 == 1) != *wanted {
                        let bytes = vocabulary.bytes(TokenId(i as u32));
                        return Err(format!(
                            "{}: {:?} must be {}",
                            place(),
                            String::from_utf8_lossy(bytes),
                            if *wanted { "allowed" } else { "refused" }
                        ));
                    }
                }
                compared += expected.len();
            }
            if let Some(byte) = text.bytes.get(at) {
                matcher.advance_bytes(&[*byte]).map_err(|e| e.to_string())?;
                session.push(*byte).map_err(|e| e.to_string())?;
            }
        }
    }
    Ok(compared)
}

#[test]
fn masks_of_four_thousand_tokens_equal_the_oracle() {
    let vocabulary = Arc::new(four_thousand());
    assert!(oracle::is_byte_complete(&vocabulary));
    let bits = for_each(|mut s| {
        s.entry.accept.sort_by_key(|t| t.bytes.len());
        s.entry.accept.retain(|t| !t.bytes.is_empty());
        s.entry.accept.truncate(1);
        // One place a grammar.
        let mut left = Random::new(1).below(s.entry.accept[0].bytes.len());
        masks(&s, &vocabulary, || {
            let here = left == 0;
            left = left.wrapping_sub(1);
            here
        })
    });
    assert!(bits > 100_000);
}

#[test]
#[ignore = "many minutes: at every prefix of every accepted text"]
fn all_masks_of_four_thousand_tokens_equal_the_oracle() {
    let vocabulary = Arc::new(four_thousand());
    for_each(|s| masks(&s, &vocabulary, || true));
}
