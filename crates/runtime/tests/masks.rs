//! A mask bit, a membership test, an advance and the reference say the same of every token.

mod common;

use common::{Dice, Toy, bits, machine};
use maskwright_runtime::{Matcher, MatcherConfig, RowScratch};
use maskwright_tables::{Machine, TokenId};
use std::sync::Arc;

fn matcher(toy: &Arc<Toy>) -> Matcher {
    Matcher::new(machine(toy)).unwrap()
}

fn mask_bits(matcher: &Matcher) -> Vec<TokenId> {
    let mut mask = vec![!0; matcher.mask_words()];
    matcher.fill_mask(&mut mask).unwrap();
    bits(&mask)
}

/// Compares all ways to ask, for all tokens, where `text` has been written.
fn check_place(
    toy: &Toy,
    matcher: &Matcher,
    text: &[u8],
    scratch: &mut RowScratch,
) -> Vec<TokenId> {
    let vocabulary = matcher.vocabulary();
    let allowed = mask_bits(matcher);
    assert_eq!(matcher.allowed_count().unwrap(), allowed.len());
    let ids: Vec<TokenId> = (0..vocabulary.width() as u32 + 40).map(TokenId).collect();
    assert_eq!(bits(&matcher.check(&ids).unwrap()), allowed);
    let accepting = toy.is_sentence(text);
    assert_eq!(
        matcher.is_accepting().unwrap(),
        accepting,
        "{}",
        text.escape_ascii()
    );
    let row = matcher.row(scratch).unwrap();
    let mut written = vec![!0; matcher.mask_words()];
    row.fill(&mut written, vocabulary.width());
    assert_eq!(bits(&written), allowed, "{row:?}");
    for &token in &ids {
        let what = format!("token {token} after {}", text.escape_ascii());
        let expected = if vocabulary.is_end(token) {
            accepting
        } else {
            let bytes = vocabulary.bytes(token);
            vocabulary.is_text(token) && toy.is_viable(&[text, bytes].concat())
        };
        assert_eq!(
            allowed.binary_search(&token).is_ok(),
            expected,
            "mask: {what}"
        );
        assert_eq!(row.contains(token), expected, "row: {what}");
        assert_eq!(
            matcher.is_allowed(token).unwrap(),
            expected,
            "is_allowed: {what}"
        );
        let mut fork = matcher.fork();
        assert_eq!(fork.advance(token).is_ok(), expected, "advance: {what}");
        if !expected {
            assert!(
                fork.is_same_configuration(matcher),
                "a refusal changes nothing: {what}"
            );
        }
        assert_eq!(
            matcher.validate(&[token, token]).unwrap() > 0,
            expected,
            "validate: {what}"
        );
    }
    allowed
}

#[test]
fn every_way_to_ask_agrees_with_the_reference() {
    let (mut places, mut sentences) = (0, 0);
    for grammar in common::all() {
        let toy = Toy::new(&grammar);
        let mut dice = Dice::new(7);
        let mut scratch = RowScratch::new();
        let mut seen = std::collections::HashSet::new();
        for _ in 0..60 {
            let mut matcher = matcher(&toy);
            let mut text = Vec::new();
            while !matcher.is_terminated() && text.len() < 24 {
                let allowed = if seen.insert(text.clone()) {
                    places += 1;
                    check_place(&toy, &matcher, &text, &mut scratch)
                } else {
                    mask_bits(&matcher)
                };
                let token = allowed[dice.roll(allowed.len())];
                matcher.advance(token).unwrap();
                if !matcher.is_terminated() {
                    text.extend_from_slice(matcher.vocabulary().bytes(token));
                }
            }
            sentences += usize::from(matcher.is_terminated());
        }
    }
    println!("{places} places, {sentences} sentences");
    assert!(
        places > 500 && sentences > 50,
        "{places} places, {sentences} sentences"
    );
}

#[test]
fn both_ends_of_a_lexeme_stay_alive() {
    let toy = Toy::new(&common::listed());
    for (text, sentence) in [
        ("listed", true),
        ("listened", true),
        ("listen", false),
        ("listeed", false),
    ] {
        let mut m = matcher(&toy);
        let accepted = m.advance_bytes(text.as_bytes()).is_ok() && m.is_accepting().unwrap();
        assert_eq!(accepted, sentence, "{text}");
    }
}

#[test]
fn lr1_like_grammars_run_on_one_thread_between_lexemes() {
    let toy = Toy::new(&common::lists());
    let mut m = matcher(&toy);
    for byte in b"[1,[22,3],[[]],12" {
        m.advance_bytes(&[*byte]).unwrap();
        assert_eq!(m.threads_len(), 1);
    }
}

/// A lexeme that nothing can extend is ended at once, so all its readings are there at once.
#[test]
fn finished_lexemes_are_ended_at_once() {
    let mut m = matcher(&Toy::new(&common::palindromes()));
    m.advance_bytes(b"a").unwrap();
    assert_eq!(m.threads_len(), 2);
    m.advance_bytes(b"a").unwrap();
    assert_eq!(m.threads_len(), 3);
}

#[test]
fn readings_that_meet_are_merged() {
    let toy = Toy::new(&common::words());
    let mut m = matcher(&toy);
    m.advance_bytes(b"x x xyz x ").unwrap();
    assert_eq!(m.threads_len(), 1);
}

/// The case `"a" X "1" | "b" X "2"`: rolling back and going another way leaves nothing behind.
#[test]
fn a_branch_taken_back_leaves_nothing_behind() {
    let toy = Toy::new(&common::agreement());
    let mut m = matcher(&toy);
    let singles = |m: &Matcher| -> String {
        let mut texts: Vec<u8> = mask_bits(m)
            .into_iter()
            .map(|t| m.vocabulary().bytes(t))
            .filter(|b| b.len() == 1)
            .map(|b| b[0])
            .collect();
        texts.sort_unstable();
        String::from_utf8(texts).unwrap()
    };
    m.advance_bytes(b"a").unwrap();
    m.advance_bytes(b"x").unwrap();
    assert_eq!(singles(&m), "1xyz");
    m.rollback(2).unwrap();
    m.advance_bytes(b"b").unwrap();
    m.advance_bytes(b"x").unwrap();
    assert_eq!(singles(&m), "2xyz");
}

#[test]
fn an_end_token_that_is_also_text_is_text_first() {
    let toy = Toy::new(&common::words());
    let x = toy
        .vocabulary()
        .text_tokens()
        .find(|(_, b)| *b == b"y")
        .unwrap()
        .0;
    let space = toy
        .vocabulary()
        .text_tokens()
        .find(|(_, b)| *b == b" ")
        .unwrap()
        .0;
    let config = MatcherConfig::new().end_tokens([x, space]);
    let mut m = Matcher::with_config(machine(&toy), config).unwrap();
    // Not a sentence yet: only as text.
    assert!(m.is_allowed(x).unwrap() && !m.is_allowed(space).unwrap());
    m.advance(x).unwrap();
    assert!(!m.is_terminated(), "the grammar's reading goes first");
    m.advance(space).unwrap();
    assert!(!m.is_terminated());
    // The vocabulary's own end tokens are out of use.
    m.advance(x).unwrap();
    assert!(m.is_accepting().unwrap());
    assert!(!m.is_allowed(TokenId(0)).unwrap());
    let mask = mask_bits(&m);
    for token in (0..toy.vocabulary().width() as u32).map(TokenId) {
        assert_eq!(mask.contains(&token), m.is_allowed(token).unwrap());
    }
}

/// A stop token overridden while inside a lexeme is not allowed there.
#[test]
fn an_overridden_end_token_waits_for_a_sentence() {
    let toy = Toy::new(&common::lists());
    let config = MatcherConfig::new().end_tokens([TokenId(1)]);
    let mut m = Matcher::with_config(machine(&toy), config).unwrap();
    m.advance_bytes(b"[1").unwrap();
    assert!(!m.is_allowed(TokenId(1)).unwrap());
    m.advance_bytes(b"]").unwrap();
    assert!(m.is_allowed(TokenId(1)).unwrap());
    assert!(!m.is_allowed(TokenId(0)).unwrap());
    m.advance(TokenId(1)).unwrap();
    assert!(m.is_terminated());
}
