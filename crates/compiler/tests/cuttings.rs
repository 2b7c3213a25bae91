//! Tokens that can be cut into lexemes in a great many ways cost no more than their length.

use maskwright_compiler::Compiler;
use maskwright_runtime::Matcher;
use maskwright_tables::vocabulary::TokenEntry;
use maskwright_tables::{Limits, TokenKind, Vocabulary};
use std::sync::Arc;

/// Tokens of 1 to `longest` dashes, then a name, a blank and the end.
fn dashes(longest: usize) -> Arc<Vocabulary> {
    let texts = (1..=longest).map(|n| "-".repeat(n));
    let texts = texts.chain(["a".into(), " ".into(), "<end>".into()]);
    let tokens = texts.enumerate().map(|(id, text)| TokenEntry {
        id: id as u32,
        kind: match text.as_str() {
            "<end>" => TokenKind::Special,
            _ => TokenKind::Text,
        },
        bytes: text.into_bytes(),
    });
    Arc::new(Vocabulary::new("dashes", tokens, &[longest as u32 + 2], None).unwrap())
}

/// What a mask of all dashes costs: the remembered steps, lexical rows and rests of tokens.
fn cost(longest: usize) -> (usize, usize, usize) {
    // A token of 120 dashes can be cut in more ways than there are atoms in a grain of sand.
    let limits = Limits {
        steps: 20_000,
        ..Limits::untrusted()
    };
    let compiler = Compiler::new(dashes(longest), limits);
    let grammar = compiler
        .grammar(
            r#"start = sum ;
sum = unary | sum "-" unary ;
unary = "-" unary | "--" unary | postfix ;
postfix = NAME | postfix "--" ;
NAME = /[a-z]+/ ;
%ignore / +/ ;"#,
        )
        .unwrap();
    let mut matcher = Matcher::new(&grammar).unwrap();
    let mut words = vec![0; matcher.mask_words()];
    matcher.fill_mask(&mut words).unwrap();
    assert_eq!(matcher.allowed_count().unwrap(), longest + 2, "a prefix");
    matcher.advance_bytes(b"a").unwrap();
    matcher.fill_mask(&mut words).unwrap();
    // And the end.
    assert_eq!(matcher.allowed_count().unwrap(), longest + 3, "a suffix");
    let stats = grammar.stats();
    (stats.step_keys, stats.lexical_rows, stats.tries)
}

#[test]
fn rows_of_dashes_cost_their_length() {
    let (half, whole) = (cost(60), cost(120));
    assert!(whole.0 <= 400, "{whole:?}");
    assert!(whole.1 <= 1_200 && whole.2 <= 600, "{whole:?}");
    assert!(whole.0 <= half.0 + 100, "{half:?} {whole:?}");
    assert!(whole.1 <= 2 * half.1 + 20, "{half:?} {whole:?}");
}

/// Of letters that are lexemes by themselves: the tokens that may come in a word, and the rows that they take.
fn letters(longest: usize, source: &str) -> (Vec<String>, usize) {
    let mut texts: Vec<String> = Vec::new();
    for n in 1..=longest {
        for end in ["", ".", "..", ")", "(", "-", "(b)a.", "(b))"] {
            texts.push("ab".repeat(n) + end);
        }
    }
    let singles = ["a", "b", ".", "(", ")", "-", " ", "<end>"];
    texts.extend(singles.map(String::from));
    let tokens = texts.iter().enumerate().map(|(id, text)| TokenEntry {
        id: id as u32,
        kind: match &**text {
            "<end>" => TokenKind::Special,
            _ => TokenKind::Text,
        },
        bytes: text.clone().into_bytes(),
    });
    let end = texts.len() as u32 - 1;
    let vocabulary = Arc::new(Vocabulary::new("letters", tokens, &[end], None).unwrap());
    let compiler = Compiler::new(Arc::clone(&vocabulary), Limits::untrusted());
    let grammar = compiler.grammar(source).unwrap();
    let mut matcher = Matcher::new(&grammar).unwrap();
    let mut words = vec![0; matcher.mask_words()];
    let mut allowed = Vec::new();
    for text in ["", "ab", "(a", "-a"] {
        matcher.reset();
        if matcher.advance_bytes(text.as_bytes()).is_err() {
            continue;
        }
        matcher.fill_mask(&mut words).unwrap();
        for (token, bytes) in vocabulary.text_tokens() {
            let set = words[token.index() / 32] >> (token.index() % 32) & 1 == 1;
            let taken = matcher.is_allowed(token).unwrap();
            let bytes = String::from_utf8_lossy(bytes).into_owned();
            assert_eq!(set, taken, "{bytes:?} after {text:?}");
            if set && text == "ab" {
                allowed.push(bytes);
            }
        }
    }
    allowed.sort();
    (allowed, grammar.stats().lexical_rows)
}

/// A run of lexemes after which the stack is what it was is read at once, not lexeme by lexeme.
#[test]
fn a_run_of_lexemes_costs_the_same_however_long_it_is() {
    let source = r#"start = word "." ;
word = part* ;
part = LETTER | "(" word ")" | "-" LETTER ;
LETTER = /[a-z]/ ;
%ignore / /;"#;
    let (allowed, few) = letters(10, source);
    for (end, may_come) in [
        (".", true),
        ("..", false),
        (")", false),
        ("(", true),
        ("-", true),
        ("(b)a.", true),
        ("(b))", false),
    ] {
        assert_eq!(allowed.contains(&("ab".repeat(7) + end)), may_come, "{end}");
    }
    let (_, many) = letters(80, source);
    assert!(many <= few + 20, "{few} and {many} rows");
    // Where nothing else may follow, they are read one by one.
    let alone =
        r#"start = word | "(" start ")" ; word = LETTER | word LETTER ; LETTER = /[a-z]/ ;"#;
    let (allowed, _) = letters(10, alone);
    assert!(allowed.contains(&"ab".repeat(10)));
    assert!(!allowed.contains(&("ab".repeat(2) + ".")));
}

/// Masks come from rows, `is_allowed` from the bytes of a token: with a large vocabulary, in which what is left
/// of most tokens is spread over it, both must say the same of every token.
#[test]
#[cfg(feature = "embedded")]
#[ignore = "all tokens of o200k_base at some places of every grammar"]
fn masks_of_a_large_vocabulary_are_what_may_be_taken() {
    use maskwright_compiler::vocabulary::VocabularyExt;
    let vocabulary: Arc<Vocabulary> = Vocabulary::o200k_base();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grammars/cfg");
    let only = std::env::var("ZOO").ok();
    let places = std::env::var("PLACES").map_or(2usize, |n| n.parse().unwrap());
    let (mut grammars, mut compared) = (0, 0usize);
    let mut folders: Vec<_> = std::fs::read_dir(root)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    folders.sort();
    for (seed, folder) in folders.iter().enumerate() {
        let name = folder.file_name().unwrap().to_string_lossy().into_owned();
        if only
            .as_ref()
            .is_some_and(|o| !o.split(',').any(|o| o == name))
        {
            continue;
        }
        let source = std::fs::read_to_string(folder.join("grammar.ebnf")).unwrap();
        let compiler = Compiler::new(Arc::clone(&vocabulary), Limits::trusted());
        let grammar = compiler.grammar(&source).unwrap();
        let start = Matcher::new(&grammar).unwrap();
        let mut words = vec![0; start.mask_words()];
        let mut texts: Vec<Vec<u8>> = std::fs::read_dir(folder.join("accept"))
            .unwrap()
            .map(|e| std::fs::read(e.unwrap().path()).unwrap())
            .collect();
        texts.sort();
        for (i, text) in texts.iter().enumerate() {
            // The beginning once, and some places of each text.
            let place = |k: usize| (seed * 7919 + i * 104_729 + k * 1_299_709) % (text.len() + 1);
            for at in (1..=places).map(place).chain((i == 0).then_some(0)) {
                let mut matcher = start.fork();
                matcher.advance_bytes(&text[..at]).unwrap();
                matcher.fill_mask(&mut words).unwrap();
                for (token, bytes) in vocabulary.text_tokens() {
                    let set = words[token.index() / 32] >> (token.index() % 32) & 1 == 1;
                    assert_eq!(
                        set,
                        matcher.is_allowed(token).unwrap(),
                        "{name}: {:?} after {:?}",
                        String::from_utf8_lossy(bytes),
                        String::from_utf8_lossy(&text[at.saturating_sub(40)..at])
                    );
                    compared += 1;
                }
            }
        }
        grammars += 1;
    }
    println!("{grammars} grammars, {compared} compared");
    assert!(compared > 0);
}
