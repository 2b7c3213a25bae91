//! Ambiguous grammars: many stacks are followed as few, and none is lost.

mod common;

use common::Lazy;
use maskwright_grammar::Grammar;
use maskwright_tables::Limits;
use maskwright_testkit::corpus::Kind;
use maskwright_testkit::oracle::Oracle;
use maskwright_testkit::vocab;
use std::sync::Arc;

/// Grammar, alphabet, a text to repeat, and the most threads that it may take.
const GRAMMARS: [(&str, &[u8], &[u8], usize); 6] = [
    // Every way to cut a text in two or three.
    (
        r#"start = start start | start start start | "a" | "b" | ;"#,
        b"ab",
        b"ab",
        16,
    ),
    // Operators without precedence.
    (
        r#"start = start "+" start | start "*" start | "n" | "(" start ")" ;"#,
        b"n+*()",
        b"n+n*",
        16,
    ),
    // Hidden recursion through two empty rules.
    (
        r#"start = x start y | "a" ; x = "" | "x" ; y = "" | "a" | "y" ;"#,
        b"axy",
        b"a",
        16,
    ),
    // The middle is guessed: as many stacks as middles, with shared tails.
    (
        r#"start = "a" start "a" | "b" start "b" | ;"#,
        b"ab",
        b"ab",
        16,
    ),
    // An else that belongs to either of two.
    (
        r#"start = "i" start | "i" start "e" start | "s" ;"#,
        b"ies",
        b"iise",
        16,
    ),
    // Two readings of each item, of different depth.
    (
        r#"start = item* ; item = "a" | pair ; pair = "a" "b"? | "b" item? ;"#,
        b"ab",
        b"aab",
        16,
    ),
];

#[test]
fn readings_that_agree_at_the_top_are_one_thread() {
    for (source, _, piece, most) in GRAMMARS {
        let vocabulary = Arc::new(vocab::bytes());
        let grammar = Lazy::default()
            .grammar(Kind::Cfg, source, &vocabulary)
            .expect("a grammar");
        let mut matcher = maskwright_runtime::Matcher::new(&grammar).expect("a start");
        let (mut threads, mut depth) = (0, 0);
        for byte in piece.iter().cycle().take(400) {
            matcher
                .advance_bytes(&[*byte])
                .expect("a prefix of a sentence");
            threads = threads.max(matcher.threads_len());
            depth = depth.max(matcher.stack_depth());
        }
        println!("{threads} threads, depth {depth}: {source}");
        assert!(threads <= most, "{threads} threads: {source}");
    }
}

#[test]
fn every_text_is_judged_as_by_the_oracle() {
    let mut judged = [0, 0];
    for (source, alphabet, ..) in GRAMMARS {
        let limits = Limits::trusted();
        let oracle =
            Oracle::new(&Grammar::from_ebnf(source, &limits).expect("a grammar")).expect("small");
        let vocabulary = Arc::new(vocab::bytes());
        let grammar = Lazy::default()
            .grammar(Kind::Cfg, source, &vocabulary)
            .expect("a grammar");
        let start = maskwright_runtime::Matcher::new(&grammar).expect("a start");
        // Depth first over all texts that are prefixes of sentences, rolling back.
        let length = if alphabet.len() > 3 { 5 } else { 7 };
        let mut open = vec![(start, Vec::new())];
        while let Some((matcher, text)) = open.pop() {
            let accepts = oracle.accepts(&text).expect("an answer");
            assert_eq!(
                matcher.is_accepting(),
                Ok(accepts),
                "{source} {:?}",
                String::from_utf8_lossy(&text)
            );
            judged[usize::from(accepts)] += 1;
            if text.len() == length {
                continue;
            }
            for &byte in alphabet {
                let longer = [&text[..], &[byte]].concat();
                let mut next = matcher.fork();
                let viable = oracle.is_viable(&longer).expect("an answer");
                assert_eq!(
                    next.advance_bytes(&[byte]).is_ok(),
                    viable,
                    "{source} {:?}",
                    String::from_utf8_lossy(&longer)
                );
                if viable {
                    open.push((next, longer));
                }
            }
        }
    }
    println!("{judged:?}");
    assert!(judged[0] > 100 && judged[1] > 100);
}
