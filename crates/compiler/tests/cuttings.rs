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
