//! Item lists: texts by any tokens, token sequences by their own; errors name the line.

use maskwright_compiler::{CompileError, CompiledItems, Compiler};
use maskwright_runtime::{Matcher, MatcherConfig, read_machine};
use maskwright_tables::artifact::{Artifact, ArtifactWriter};
use maskwright_tables::vocabulary::TokenEntry;
use maskwright_tables::{Limits, TokenId, TokenKind, Vocabulary};
use std::collections::BTreeSet;

/// All bytes, some longer pieces, and an end token, the last one.
fn vocabulary() -> Vocabulary {
    let mut tokens: Vec<Vec<u8>> = (0..=255u8).map(|b| vec![b]).collect();
    tokens.extend(
        ["re", "red", "ed", "green", "een", " ", "blue", "\r\n"]
            .iter()
            .map(|t| t.as_bytes().to_vec()),
    );
    let end = tokens.len() as u32;
    let kinds = tokens
        .into_iter()
        .map(|t| (t, TokenKind::Text))
        .chain([(b"<end>".to_vec(), TokenKind::Special)]);
    let entries = kinds.enumerate().map(|(id, (bytes, kind))| TokenEntry {
        id: id as u32,
        bytes,
        kind,
    });
    Vocabulary::new("toy", entries, &[end], None).unwrap()
}

fn compiler() -> Compiler {
    Compiler::new(vocabulary(), Limits::untrusted())
}

/// The first diagnostic, as `code: message`, and the text at its place.
fn refused<T>(result: Result<T, CompileError>, source: &str) -> (String, String) {
    let Err(error) = result else {
        panic!("compiles: {source:?}")
    };
    let d = &error.diagnostics()[0];
    let span = d.place.span.clone().unwrap_or_default();
    (
        format!("{}: {}", d.code, d.message),
        source[span].to_owned(),
    )
}

fn refused_ids(source: &str) -> (String, String) {
    refused(compiler().id_items(source), source)
}

fn allowed(m: &Matcher) -> BTreeSet<u32> {
    let mut mask = vec![0; m.mask_words()];
    m.fill_mask(&mut mask).unwrap();
    (0..32 * mask.len() as u32)
        .filter(|t| mask[*t as usize / 32] >> (t % 32) & 1 == 1)
        .collect()
}

#[test]
fn texts_may_be_spelled_by_any_tokens_and_by_nothing_else() {
    let items: &[&[u8]] = &[b"red", b"re", b"green", b" blue ", b"rot\xc3\xa9"];
    for source in [
        "red\nre\ngreen\n blue \nroté",
        "\u{feff}red\r\nre\r\ngreen\r\n blue \r\nroté\r\n",
    ] {
        let vocabulary = vocabulary();
        let grammar = compiler().items(source).unwrap();
        assert_eq!(grammar.warnings(), []);
        // All token sequences that spell a prefix of an item, by the list itself.
        let mut under_way = vec![(Vec::new(), Matcher::new(&grammar).unwrap())];
        let mut places = 0;
        while let Some((text, m)) = under_way.pop() {
            places += 1;
            let live = |more: &[u8]| items.iter().any(|i| i.starts_with(&[&text, more].concat()));
            let mut expected: BTreeSet<u32> = vocabulary
                .text_tokens()
                .filter(|(_, bytes)| live(bytes))
                .map(|(t, _)| t.0)
                .collect();
            if items.contains(&&*text) {
                expected.extend(vocabulary.end_tokens().iter().map(|t| t.0));
            }
            assert_eq!(
                allowed(&m),
                expected,
                "{:?}",
                String::from_utf8_lossy(&text)
            );
            for (token, bytes) in vocabulary.text_tokens().filter(|(_, bytes)| live(bytes)) {
                let mut next = m.fork();
                next.advance(token).unwrap();
                under_way.push(([&text, bytes].concat(), next));
            }
        }
        println!("{places} places");
    }
}

#[test]
fn lists_of_texts_without_items_or_with_empty_lines_are_refused() {
    let refused = |source: &str| refused(compiler().items(source), source).0;
    assert_eq!(refused(""), "no-items: the list has no items");
    assert_eq!(refused("\u{feff}"), "no-items: the list has no items");
    assert_eq!(refused("\n"), "empty-item: line 1 is empty");
    assert_eq!(refused("a\r\n\r\nb"), "empty-item: line 2 is empty");
    let limits = Limits {
        source_bytes: 3,
        ..Limits::untrusted()
    };
    let error = Compiler::new(vocabulary(), limits)
        .items("abcd")
        .unwrap_err();
    assert_eq!(error.diagnostics()[0].code, "limit-exceeded");
}

#[test]
fn equal_items_are_one_warning() {
    let source = "a\nb\na\nb\na\n";
    let texts = compiler().items(source).unwrap();
    let [warning] = texts.warnings() else {
        panic!("one warning")
    };
    assert_eq!(
        warning.to_string(),
        "duplicate-item: line 3 is there before, and 2 more are: equal items count once at bytes 4..5"
    );
    let ids = compiler().id_items("1 2\n3\n1, 2").unwrap();
    let [warning] = ids.warnings() else {
        panic!("one warning")
    };
    assert_eq!(
        (warning.code, warning.message.as_str()),
        (
            "duplicate-item",
            "line 3 is there before: equal items count once"
        )
    );
    assert_eq!(warning.place.span, Some(6..10));
    assert_eq!(ids.trie().len(), 2);
}

fn sequences(compiled: &CompiledItems) -> Vec<Vec<u32>> {
    let mut all = Vec::new();
    let mut under_way = vec![(Vec::new(), Matcher::new(compiled).unwrap())];
    while let Some((sequence, m)) = under_way.pop() {
        for token in allowed(&m).into_iter().map(TokenId) {
            let mut next = m.fork();
            next.advance(token).unwrap();
            if next.is_terminated() {
                all.push(sequence.clone());
            } else {
                under_way.push(([sequence.as_slice(), &[token.0]].concat(), next));
            }
        }
    }
    all.sort();
    all
}

#[test]
fn sequences_are_read_in_every_notation() {
    let expected = vec![vec![0], vec![3, 1, 4], vec![3, 255]];
    for source in [
        "3 1 4\n0\n3 255",
        "3,1,4\r\n0\r\n3,255\r\n",
        "\u{feff}  3 , 1\t4  \n00\n3,255\n",
    ] {
        assert_eq!(
            sequences(&compiler().id_items(source).unwrap()),
            expected,
            "{source:?}"
        );
    }
    let given = expected
        .iter()
        .map(|s| s.iter().copied().map(TokenId).collect::<Vec<_>>());
    let compiled = compiler().id_sequences(given).unwrap();
    assert_eq!(sequences(&compiled), expected);
    assert_eq!(
        compiled.trie(),
        compiler().id_items("3 255\n0\n3 1 4").unwrap().trie()
    );
}

#[test]
fn what_is_no_sequence_is_refused_with_its_line_and_place() {
    let case = |source, message: &str, place: &str| {
        assert_eq!(refused_ids(source), (message.into(), place.into()))
    };
    case("", "no-items: the list has no items", "");
    case("1\n\n2", "empty-item: line 2 is empty", "");
    case("1\n \t\n2", "empty-item: line 2 is empty", " \t");
    case(
        "1 2\n3 x4\n",
        "invalid-token-id: line 2 has `x4` where a token id must be",
        "x4",
    );
    case(
        "-1",
        "invalid-token-id: line 1 has `-1` where a token id must be",
        "-1",
    );
    case(
        "+1",
        "invalid-token-id: line 1 has `+1` where a token id must be",
        "+1",
    );
    case(
        "1,,2",
        "invalid-token-id: line 1 has a comma without a token id before or after it",
        "",
    );
    case(
        "1,2,",
        "invalid-token-id: line 1 has a comma without a token id before or after it",
        "",
    );
    case(
        "1\n2 265",
        "token-id-range: line 2 has the token id 265, the model has 265 logits",
        "265",
    );
    case(
        "4294967296",
        "token-id-range: line 1 has the token id 4294967296, the model has 265 logits",
        "4294967296",
    );
    case(
        "1\r\n7 264\r\n",
        "end-token-in-item: line 2 holds token 264, which ends the output",
        "264",
    );
    let nines = "9".repeat(100);
    assert!(
        refused_ids(&nines)
            .0
            .starts_with("token-id-range: line 1 has the token id 18446744073709551615")
    );
    let sequence = |ids: &[u32]| [vec![TokenId(1)], ids.iter().copied().map(TokenId).collect()];
    for (ids, code) in [
        (vec![], "empty-item"),
        (vec![265], "token-id-range"),
        (vec![264], "end-token-in-item"),
    ] {
        let error = compiler().id_sequences(sequence(&ids)).unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("{code}: item 2 ")),
            "{error}"
        );
    }
}

#[test]
fn artifacts_of_sequences_answer_alike_and_depend_on_the_set_alone() {
    let bytes = |source: &str| {
        let compiled = compiler().id_items(source).unwrap();
        let mut writer =
            ArtifactWriter::new(*compiled.machine().vocabulary().fingerprint(), [0; 32]);
        compiled.trie().write_to(&mut writer).unwrap();
        writer.finish()
    };
    let stored = bytes("5 6 7\n5 6\n9");
    assert_eq!(stored, bytes("9\r\n5,6\r\n5,6,7\r\n9\r\n"));
    let machine = read_machine(
        &Artifact::open(&stored).unwrap(),
        vocabulary().into(),
        Limits::untrusted(),
    )
    .unwrap();
    let mut m = Matcher::with_config(machine, MatcherConfig::new()).unwrap();
    assert_eq!(allowed(&m), [5, 9].into());
    m.advance(TokenId(5)).unwrap();
    m.advance(TokenId(6)).unwrap();
    assert_eq!(allowed(&m), [7, 264].into());
}
