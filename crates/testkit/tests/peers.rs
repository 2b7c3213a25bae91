//! Cases in which other engines fail, as far as they need more than one text or mask; the rest are data, in
//! `cases/`. The ids are those of our list of peers' bugs.

mod common;

use common::{Lazy, artifact, open};
use maskwright_compiler::{CompileCache, CompiledGrammar, Compiler};
use maskwright_runtime::Matcher;
use maskwright_tables::{Limits, TokenId, Vocabulary};
use maskwright_testkit::corpus::Kind;
use maskwright_testkit::engine::{Engine, Session};
use maskwright_testkit::vocab;
use std::sync::Arc;

fn start(source: &str, vocabulary: &Arc<Vocabulary>) -> Result<Matcher, String> {
    Ok(Lazy(Limits::untrusted())
        .compile(Kind::Cfg, source, vocabulary)?
        .0)
}

fn words(list: &[&str]) -> Arc<Vocabulary> {
    Arc::new(vocab::from_words(list))
}

/// The words that may come next.
fn next(matcher: &Matcher) -> Vec<String> {
    let mask = common::Running(matcher.clone()).mask().unwrap();
    let tokens = (0..mask.len()).filter(|i| mask[*i]);
    tokens
        .map(|i| {
            let bytes = matcher.vocabulary().bytes(TokenId(i as u32));
            String::from_utf8_lossy(bytes).into_owned()
        })
        .collect()
}

fn take(matcher: &mut Matcher, text: &str) {
    let found = matcher
        .vocabulary()
        .text_tokens()
        .find(|(_, b)| *b == text.as_bytes());
    matcher.advance(found.unwrap().0).unwrap();
}

#[test]
fn l1_a_mask_does_not_outlive_a_rollback() {
    let vocabulary = words(&["a", "b", "x", "y", "z", "1", "2", "<eos>"]);
    let source = "start = 'a' X '1' | 'b' X '2' ; X = /[x-z]+/ ;";
    let mut matcher = start(source, &vocabulary).unwrap();
    take(&mut matcher, "a");
    take(&mut matcher, "x");
    assert_eq!(next(&matcher), ["x", "y", "z", "1"]);
    let parked = matcher.fork();
    matcher.rollback(2).unwrap();
    take(&mut matcher, "b");
    take(&mut matcher, "x");
    assert_eq!(next(&matcher), ["x", "y", "z", "2"]);
    assert_eq!(next(&parked), ["x", "y", "z", "1"]);
    // Drafts on a fork leave the original as it was.
    let mut draft = matcher.fork();
    take(&mut draft, "z");
    take(&mut draft, "2");
    assert!(draft.is_accepting().unwrap());
    assert_eq!(next(&matcher), ["x", "y", "z", "2"]);

    let vocabulary = words(&["{", "}", "\"", "a", "b", ":", "1", ",", "<eos>"]);
    let source = r#"{"type":"object","properties":{"a":{"const":1},"b":{"const":1}},"additionalProperties":false}"#;
    let mut matcher = Lazy::default()
        .compile(Kind::JsonSchema, source, &vocabulary)
        .unwrap()
        .0;
    for token in ["{", "\"", "a", "\"", ":", "1"] {
        take(&mut matcher, token);
    }
    assert_eq!(next(&matcher), ["}", ","]);
    matcher.rollback(5).unwrap();
    for token in ["\"", "b", "\"", ":", "1"] {
        take(&mut matcher, token);
    }
    assert_eq!(next(&matcher), ["}"]);
}

#[test]
fn g10_a_token_and_a_schema_share_a_rule() {
    let vocabulary = words(&["[", "]", "1", ",", "x", "<tool>", "<eos>"]);
    let source = r#"start = ( <tool> | @json({"type":"array","items":{"const":1}}) ) 'x' ;"#;
    let mut matcher = start(source, &vocabulary).unwrap();
    assert_eq!(next(&matcher), ["[", "<tool>"]);
    let mut named = matcher.fork();
    named.advance(TokenId(5)).unwrap();
    assert_eq!(next(&named), ["x"]);
    for token in ["[", "1", ",", "1", "]"] {
        take(&mut matcher, token);
    }
    assert_eq!(next(&matcher), ["x"]);
    take(&mut matcher, "x");
    assert!(matcher.is_accepting().unwrap());
}

#[test]
fn l4_rules_without_an_end_are_errors_that_name_them() {
    let vocabulary = Arc::new(vocab::bytes());
    for (source, name) in [
        ("start = 'x' start ;", "start"),
        ("start = a | b ; a = '(' a ')' ; b = a b ;", "start"),
        ("start = 'x' missing ;", "missing"),
        ("start = NAME ; NAME = [a-c] & [d-f] ;", "NAME"),
    ] {
        let error = start(source, &vocabulary).unwrap_err();
        assert!(error.contains(name), "{source}: {error}");
    }
}

#[test]
fn l5_two_choices_force_nothing() {
    let vocabulary = words(&["a", "b", "ab", "c", "<eos>"]);
    let mut matcher = start("start = 'ab' | 'cab' ;", &vocabulary).unwrap();
    assert_eq!(matcher.forced_bytes(9).unwrap(), b"");
    take(&mut matcher, "c");
    assert_eq!(matcher.forced_bytes(9).unwrap(), b"ab");
    let matcher = start(
        "start = loop ; loop = 'x' loop | 'x' 'y' loop | 'z' ;",
        &words(&["x", "y", "z", "<eos>"]),
    );
    assert_eq!(matcher.unwrap().forced_bytes(1_000).unwrap(), b"");
}

/// A cache that tells rules apart by a hash of their text alone gives the second the mask of the first.
#[test]
fn x1_a_cache_tells_tokens_of_the_same_spelling_apart() {
    let vocabulary = words(&["x", "b", "y", "b", "y", "<eos>"]);
    let compiler = || Compiler::new(Arc::clone(&vocabulary), Limits::untrusted());
    let mask = |grammar: CompiledGrammar| {
        let mask = common::Running(Matcher::new(&grammar).unwrap())
            .mask()
            .unwrap();
        (0..mask.len()).filter(|i| mask[*i]).collect::<Vec<usize>>()
    };
    let (alone, cache) = (compiler(), CompileCache::new(compiler(), 64 << 20));
    for (source, first) in [
        ("start = <[2]> 'x' ;", 2),
        ("start = <[4]> 'x' ;", 4),
        ("start = <[2]> 'x' ;", 2),
        ("start = <[1]> 'x' | <[3]> 'x' 'x' ;", 1),
        ("start = <[3]> 'x' | <[1]> 'x' 'x' ;", 3),
    ] {
        let both = match first {
            1 | 3 => vec![1, 3],
            only => vec![only],
        };
        assert_eq!(mask(alone.grammar(source).unwrap()), both, "{source}");
        let cached = cache.grammar(source).unwrap();
        assert_eq!(mask(cached.clone()), both, "{source}");
        let mut matcher = Matcher::new(&cached).unwrap();
        matcher.advance(TokenId(first as u32)).unwrap();
        matcher.advance(TokenId(0)).unwrap();
        assert!(matcher.is_accepting().unwrap(), "{source}");
    }
    let stats = cache.stats();
    assert_eq!((stats.misses, stats.hits, stats.entries), (4, 1, 4));
}

#[test]
fn x3_an_artifact_of_another_vocabulary_is_refused() {
    let (one, other) = (words(&["a", "b", "<eos>"]), words(&["b", "a", "<eos>"]));
    let grammar = Lazy::default()
        .grammar(Kind::Cfg, "start = 'a'+ ;", &one)
        .unwrap();
    let bytes = artifact(&grammar, &one).unwrap();
    assert!(open(&bytes, &one).is_ok());
    let error = open(&bytes, &other).unwrap_err();
    assert!(error.contains("vocabulary"), "{error}");
}

#[test]
fn x4_tokens_with_nul_bytes_survive_an_artifact() {
    let vocabulary = words(&["\0", "a\0b", "a", "b", "<eos>"]);
    let grammar = Lazy::default()
        .grammar(Kind::Cfg, r"start = /a\x00b|\x00/ ;", &vocabulary)
        .unwrap();
    let session = open(&artifact(&grammar, &vocabulary).unwrap(), &vocabulary).unwrap();
    assert_eq!(next(&session.0), ["\0", "a\0b", "a"]);
}

#[test]
fn x7_a_wide_alternation_lets_no_stranger_in() {
    let vocabulary = Arc::new(vocab::bytes());
    for count in [1_200, 2_500] {
        let names: Vec<String> = (0..count).map(|i| format!("\"w{}x\"", i * 7)).collect();
        let matcher = start(&format!("start = {} ;", names.join(" | ")), &vocabulary).unwrap();
        for i in (0..7 * count).step_by(97) {
            let mut m = matcher.fork();
            let text = format!("w{i}x");
            let read = m.advance_bytes(text.as_bytes()).is_ok() && m.is_accepting().unwrap();
            assert_eq!(read, i % 7 == 0, "{text}");
        }
    }
}

fn on_a_small_stack(run: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn s1_long_chains_need_no_native_stack() {
    on_a_small_stack(|| {
        let vocabulary = Arc::new(vocab::bytes());
        for (step, text) in [("", "x"), ("'a' | 'b' ", "bbbx")] {
            let rules: String = (0..3_000)
                .map(|i| format!("r{i} = {step}r{} ;\n", i + 1))
                .collect();
            let mut matcher = start(&format!("{rules}r3000 = 'x' ;"), &vocabulary).unwrap();
            let text = text.replace("bbb", &"b".repeat(3_000));
            matcher.advance_bytes(text.as_bytes()).unwrap();
            assert!(matcher.is_accepting().unwrap());
        }
        let terminals: String = (0..5_000).map(|i| format!("'{}' ", i % 10)).collect();
        let mut matcher = start(&format!("start = {terminals} ;"), &vocabulary).unwrap();
        matcher.advance_bytes(&b"0123456789".repeat(500)).unwrap();
        assert!(matcher.is_accepting().unwrap());
    });
}

#[test]
fn s2_large_grammars_work_or_say_why_not() {
    on_a_small_stack(|| {
        let vocabulary = Arc::new(vocab::bytes());
        let groups = format!("start = {}'x'{} ;", "( 'a' | ".repeat(300), ")".repeat(300));
        let mut matcher = start(&groups, &vocabulary).unwrap();
        matcher.advance_bytes(b"x").unwrap();
        assert!(matcher.is_accepting().unwrap());
        let deep = format!("start = {}'x'{} ;", "(".repeat(60_000), ")".repeat(60_000));
        let error = start(&deep, &vocabulary).unwrap_err();
        assert!(error.contains("the limit is 4096"), "{error}");
        let symbols: String = (0..35_000)
            .map(|i| format!("r{i} = 'a' r{} | 'b' ;\n", (i * 7 + 1) % 35_000))
            .collect();
        match start(&symbols, &vocabulary) {
            Ok(mut matcher) => matcher.advance_bytes(b"aaaab").unwrap(),
            Err(e) => assert!(e.contains("limit"), "{e}"),
        }
    });
}

/// Ambiguity without bound: the number of readings grows exponentially, the stacks must not.
#[test]
fn s3_six_hundred_tokens_of_a_cyclic_grammar() {
    let vocabulary = words(&["a", "aa", "b", "<eos>"]);
    let mut matcher = start("start = start start | 'a' | '' ;", &vocabulary).unwrap();
    for _ in 0..600 {
        assert_eq!(next(&matcher), ["a", "aa", "<eos>"]);
        take(&mut matcher, "a");
    }
    assert!(matcher.is_accepting().unwrap());
    let depth = 400;
    let mut matcher = start(
        "start = '[' (start (',' start)*)? ']' ;",
        &Arc::new(vocab::bytes()),
    )
    .unwrap();
    matcher.advance_bytes(&vec![b'['; depth]).unwrap();
    matcher.advance_bytes(&vec![b']'; depth]).unwrap();
    assert!(matcher.is_accepting().unwrap());
}
