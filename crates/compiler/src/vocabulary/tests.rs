//! Readers on small synthetic files: each trap of tokenizers is a case.

use super::*;
use maskwright_tables::{TokenId, TokenKind, VocabularyError};

pub(super) fn load(bytes: &[u8], options: &ReadOptions) -> Loaded {
    read(bytes, options).unwrap_or_else(|e| panic!("{e}"))
}

pub(super) fn default(bytes: &[u8]) -> Loaded {
    load(bytes, &ReadOptions::default())
}

/// A token as `kind bytes`, with T, S and U for the kinds.
fn show(v: &Vocabulary, id: u32) -> String {
    let kind = match v.kind(TokenId(id)) {
        TokenKind::Text => 'T',
        TokenKind::Special => 'S',
        TokenKind::Unused => 'U',
    };
    format!("{kind} {}", v.bytes(TokenId(id)).escape_ascii())
}

fn check(loaded: &Loaded, expected: &[&str]) {
    let v = &loaded.vocabulary;
    let shown: Vec<String> = (0..v.len() as u32).map(|id| show(v, id)).collect();
    assert_eq!(shown, expected);
}

pub(super) fn ends(loaded: &Loaded) -> Vec<u32> {
    loaded.vocabulary.end_tokens().iter().map(|t| t.0).collect()
}

/// A `tokenizer.json` from its model, added tokens and other members.
fn tokenizer_json(model: &str, added: &str, rest: &str) -> Vec<u8> {
    format!(r#"{{"version": "1.0", "added_tokens": [{added}], {rest} "model": {model}}}"#)
        .into_bytes()
}

const BYTE_LEVEL: &str = r#""decoder": {"type": "ByteLevel"},"#;
const METASPACE: &str = r#""decoder": {"type": "Sequence", "decoders": [
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}]},"#;

mod json {
    use super::*;

    #[test]
    fn byte_level_bpe_with_old_and_new_merges() {
        for merges in [r#"["Ġ a"]"#, r#"[["Ġ", "a"]]"#, "{}", "null"] {
            let model = format!(
                r#"{{"type": "BPE", "vocab": {{"a": 0, "Ġ": 1, "Ġa": 2, "é": 3, "<0x41>": 4}}, "merges": {merges}}}"#
            );
            let loaded = default(&tokenizer_json(&model, "", BYTE_LEVEL));
            assert_eq!(
                (loaded.format, &loaded.encoding),
                (Format::TokenizerJson, &Encoding::ByteLevel)
            );
            check(&loaded, &["T a", "T  ", "T  a", r"T \xe9", "T <0x41>"]);
            assert_eq!(loaded.ends_from, EndSource::None);
            assert!(!loaded.vocabulary.leading_space());
        }
    }

    #[test]
    fn model_type_may_be_missing() {
        let bpe = r#"{"vocab": {"Ġa": 0}, "merges": []}"#;
        check(&default(&tokenizer_json(bpe, "", BYTE_LEVEL)), &["T  a"]);
        let unigram = r#"{"unk_id": 0, "vocab": [["<unk>", 0.0], ["▁a", -1.5]]}"#;
        check(
            &default(&tokenizer_json(unigram, "", "")),
            &["U <unk>", "T  a"],
        );
        let words = r###"{"vocab": {"a": 0, "##b": 1}, "continuing_subword_prefix": "##"}"###;
        check(&default(&tokenizer_json(words, "", "")), &["T  a", "T b"]);
    }

    #[test]
    fn metaspace_with_byte_fallback_and_duplicate_bytes() {
        let model = r#"{"type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "merges": [],
            "vocab": {"<unk>": 0, "<s>": 1, "</s>": 2, "<0x41>": 3, "<0xFF>": 4, "▁▁A": 5, "A": 6}}"#;
        let added = r#"{"id": 1, "content": "<s>", "special": true}, {"id": 2, "content": "</s>", "special": true}"#;
        let loaded = default(&tokenizer_json(model, added, METASPACE));
        check(
            &loaded,
            &[
                "U <unk>", "S <s>", "S </s>", "T A", r"T \xff", "T   A", "T A",
            ],
        );
        assert_eq!(ends(&loaded), [2]);
        let trie = loaded.vocabulary.trie();
        let a = trie.child(0, b'A').unwrap();
        assert_eq!(trie.tokens_at(a), [TokenId(3), TokenId(6)], "both spell A");
    }

    #[test]
    fn special_tokens_have_no_bytes_and_added_text_has() {
        let model = r#"{"type": "BPE", "vocab": {"<|x|>": 0, "a": 1, "</s>": 2}, "merges": []}"#;
        let added = r#"{"id": 0, "content": "<|x|>", "special": true},
            {"id": 5, "content": "<tool é>", "special": false}, {"id": 6, "content": "<|im_end|>", "special": true}"#;
        let loaded = default(&tokenizer_json(model, added, BYTE_LEVEL));
        let tool = r"T <tool \xc3\xa9>";
        check(
            &loaded,
            &["S <|x|>", "T a", "T </s>", "U ", "U ", tool, "S <|im_end|>"],
        );
        // The ordinary text `</s>` ends nothing.
        assert_eq!(ends(&loaded), [6]);
        let text: Vec<u32> = loaded.vocabulary.text_tokens().map(|(t, _)| t.0).collect();
        assert_eq!(text, [1, 2, 5]);
    }

    #[test]
    fn added_metaspace_tokens_spell_spaces() {
        let model = r#"{"type": "BPE", "vocab": {"a": 0}, "merges": []}"#;
        let added = r#"{"id": 1, "content": "▁▁", "special": false}"#;
        check(
            &default(&tokenizer_json(model, added, METASPACE)),
            &["T a", "T   "],
        );
    }

    #[test]
    fn the_space_at_text_start_is_a_note_and_never_in_the_trie() {
        let model = r#"{"type": "Unigram", "vocab": [["▁a", 0], ["a", 0]]}"#;
        for (rest, expected) in [
            (
                r#""pre_tokenizer": {"type": "Metaspace", "replacement": "▁"},"#,
                true,
            ),
            (
                r#""pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "always"},"#,
                true,
            ),
            (
                r#""pre_tokenizer": {"type": "Metaspace", "prepend_scheme": "never"},"#,
                false,
            ),
            (
                r#""pre_tokenizer": {"type": "Metaspace", "add_prefix_space": false},"#,
                false,
            ),
            (
                r#""normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}]},"#,
                true,
            ),
            (METASPACE, false),
        ] {
            let loaded = default(&tokenizer_json(model, "", rest));
            assert_eq!(loaded.vocabulary.leading_space(), expected, "{rest}");
            check(&loaded, &["T  a", "T a"]);
        }
    }

    #[test]
    fn encoding_can_be_overridden() {
        let model = r#"{"type": "BPE", "vocab": {"Ġa": 0}, "merges": []}"#;
        let file = tokenizer_json(model, "", "");
        check(&default(&file), &[r"T \xc4\xa0a"]);
        let encoding = Some(Encoding::ByteLevel);
        check(
            &load(
                &file,
                &ReadOptions {
                    encoding,
                    ..Default::default()
                },
            ),
            &["T  a"],
        );
    }

    #[test]
    fn unsupported_models_are_typed_errors() {
        for (model, rest) in [
            (r#"{"type": "WordLevel", "vocab": {"a": 0}}"#, ""),
            (
                r#"{"type": "BPE", "vocab": {"a": 0}, "merges": [], "end_of_word_suffix": "</w>"}"#,
                BYTE_LEVEL,
            ),
            (
                r#"{"type": "BPE", "vocab": {"a": 0}, "merges": [], "continuing_subword_prefix": "@@"}"#,
                "",
            ),
        ] {
            let error =
                read(&tokenizer_json(model, "", rest), &ReadOptions::default()).unwrap_err();
            assert!(matches!(error, ReadError::Unsupported { .. }), "{error}");
        }
        let model =
            r#"{"type": "BPE", "vocab": {"a</w>": 0}, "merges": [], "end_of_word_suffix": "</w>"}"#;
        check(&default(&tokenizer_json(model, "", "")), &["T a "]);
    }

    #[test]
    fn ids_are_checked() {
        let big = |id: &str| {
            tokenizer_json(
                &format!(r#"{{"type": "BPE", "vocab": {{"a": {id}}}}}"#),
                "",
                "",
            )
        };
        let error = |id| read(&big(id), &ReadOptions::default()).unwrap_err();
        let too_large = |id| ReadError::Vocabulary(VocabularyError::IdTooLarge(id));
        assert_eq!(error("4294967296"), too_large(1 << 32));
        assert_eq!(error("16777216"), too_large(1 << 24));
        assert!(matches!(
            error("-1"),
            ReadError::Syntax {
                place: Place::Line(1, _),
                ..
            }
        ));
        assert!(matches!(error("1.5"), ReadError::Syntax { .. }));
        let twice = tokenizer_json(r#"{"type": "BPE", "vocab": {"a": 1, "b": 1}}"#, "", "");
        let error = read(&twice, &ReadOptions::default()).unwrap_err();
        assert_eq!(
            error,
            ReadError::Vocabulary(VocabularyError::DuplicateId(1))
        );
    }
}

mod end_tokens {
    use super::*;

    const LINES: &[u8] = b"YQ== 0\nYg== 1\n";

    fn options() -> ReadOptions {
        let special = [("<|endoftext|>", 2), ("<|eot_id|>", 3), ("<|stop|>", 4)];
        let special_tokens = special.map(|(n, i)| (n.to_owned(), i)).to_vec();
        ReadOptions {
            special_tokens,
            ..Default::default()
        }
    }

    #[test]
    fn caller_over_config_over_guess() {
        let guessed = load(LINES, &options());
        assert_eq!(
            (ends(&guessed), guessed.ends_from),
            (vec![2, 3], EndSource::Guess)
        );
        check(
            &guessed,
            &[
                "T a",
                "T b",
                "S <|endoftext|>",
                "S <|eot_id|>",
                "S <|stop|>",
            ],
        );
        for (config, expected) in [
            (r#"{"eos_token_id": [4, 2]}"#, vec![2, 4]),
            (r#"{"eos_token_id": 4}"#, vec![4]),
            (r#"{"eos_token": "<|stop|>"}"#, vec![4]),
            (r#"{"eos_token": {"content": "<|eot_id|>"}}"#, vec![3]),
        ] {
            let generation_config = Some(config.as_bytes().to_vec());
            let loaded = load(
                LINES,
                &ReadOptions {
                    generation_config,
                    ..options()
                },
            );
            assert_eq!(
                (ends(&loaded), loaded.ends_from),
                (expected, EndSource::Config)
            );
        }
        let by_name = EndToken::Name("<|stop|>".into());
        let end_tokens = Some(vec![by_name, EndToken::Id(1)]);
        let generation_config = Some(br#"{"eos_token_id": 2}"#.to_vec());
        let options = ReadOptions {
            end_tokens,
            generation_config,
            ..options()
        };
        let loaded = load(LINES, &options);
        assert_eq!(
            (ends(&loaded), loaded.ends_from),
            (vec![1, 4], EndSource::Caller)
        );
        // A text token that ends the text is not text any more.
        assert!(!loaded.vocabulary.is_text(TokenId(1)));
    }

    #[test]
    fn wrong_end_tokens_are_errors() {
        let fails = |options: ReadOptions| read(LINES, &options).unwrap_err();
        let end = |end| ReadOptions {
            end_tokens: Some(vec![end]),
            ..options()
        };
        assert_eq!(
            fails(end(EndToken::Name("<nope>".into()))),
            ReadError::UnknownEndToken {
                name: "<nope>".into()
            }
        );
        let unknown = ReadError::Vocabulary(VocabularyError::UnknownEndToken(9));
        assert_eq!(fails(end(EndToken::Id(9))), unknown);
        for config in [
            r#"{"eos_token_id": "x"}"#,
            r#"{"eos_token_id": -1}"#,
            "{",
            "[]x",
            "{\"eos_token_id\": 1e99}",
        ] {
            let generation_config = Some(config.as_bytes().to_vec());
            fails(ReadOptions {
                generation_config,
                ..options()
            });
        }
    }

    #[test]
    fn width_may_be_wider_or_narrower_than_the_ids() {
        let wide = load(
            LINES,
            &ReadOptions {
                width: Some(40),
                ..options()
            },
        )
        .vocabulary;
        assert_eq!((wide.len(), wide.width(), wide.mask_words()), (5, 40, 2));
        assert_eq!(wide.kind(TokenId(39)), TokenKind::Unused);
        let narrow = load(
            LINES,
            &ReadOptions {
                width: Some(3),
                ..options()
            },
        )
        .vocabulary;
        assert_eq!((narrow.len(), narrow.width()), (5, 3));
        assert_eq!(narrow.text_tokens().count(), 2);
        let error = read(
            LINES,
            &ReadOptions {
                width: Some(2),
                ..options()
            },
        )
        .unwrap_err();
        assert_eq!(error, ReadError::EndTokensBeyondWidth { width: 2 });
        let error = read(
            LINES,
            &ReadOptions {
                width: Some(usize::MAX),
                ..options()
            },
        )
        .unwrap_err();
        assert!(matches!(
            error,
            ReadError::Vocabulary(VocabularyError::WidthTooLarge(_))
        ));
    }

    #[test]
    fn the_unknown_token_may_be_the_end_token() {
        let model = r#"{"type": "BPE", "unk_token": "<|endoftext|>", "vocab": {"<|endoftext|>": 0, "a": 1}}"#;
        let added = r#"{"id": 0, "content": "<|endoftext|>", "special": true}"#;
        let loaded = default(&tokenizer_json(model, added, BYTE_LEVEL));
        check(&loaded, &["S <|endoftext|>", "T a"]);
        assert_eq!(ends(&loaded), [0]);
    }
}

mod lists {
    use super::*;

    #[test]
    fn tiktoken_lines() {
        check(
            &default(b"YQ== 0\r\n/w== 2\r\n\r\n"),
            &["T a", "U ", r"T \xff"],
        );
        for (text, line) in [
            ("YQ== 0\nYQ==\n", 2),
            ("YQ== 0\nYQ= 1", 2),
            ("YQ== x\n", 1),
            ("YQ== 0\n!!!! 1", 2),
        ] {
            let options = ReadOptions {
                format: Some(Format::Tiktoken),
                ..Default::default()
            };
            let error = read(text.as_bytes(), &options).unwrap_err();
            assert!(
                matches!(error, ReadError::Syntax { place: Place::Line(l, 0), .. } if l == line),
                "{error}"
            );
        }
    }

    #[test]
    fn lines_of_json() {
        let file = br#"
            {"id": 0, "text": "h\u00e9"}
            {"id": 3, "bytes": [255, 0]}
            {"id": 1, "base64": "YQ=="}

            {"id": 2}
            {"id": 5, "text": "<end>", "kind": "special", "end": true}
            {"id": 4, "text": "<x>", "kind": "unused"}"#;
        let loaded = default(file);
        assert_eq!(loaded.format, Format::JsonLines);
        check(
            &loaded,
            &[
                r"T h\xc3\xa9",
                "T a",
                "U ",
                r"T \xff\x00",
                "U <x>",
                "S <end>",
            ],
        );
        assert_eq!(
            (ends(&loaded), loaded.ends_from),
            (vec![5], EndSource::File)
        );
        for bad in [
            r#"{"id": 1, "text": "a", "bytes": []}"#,
            r#"{"id": 1, "bytes": [256]}"#,
            r#"{"id": 1, "base64": "*"}"#,
            r#"{"id": 1, "kind": "other"}"#,
            r#"{"id": 1, "surprise": 1}"#,
            r#"{"id": 1, "text": "\ud800"}"#,
            r#"{"id": 0}"#,
        ] {
            let file = format!("{{\"id\": 0, \"text\": \"a\"}}\n{bad}");
            assert!(
                read(file.as_bytes(), &ReadOptions::default()).is_err(),
                "{bad}"
            );
        }
    }

    #[test]
    fn bert_words_as_lines_and_as_a_map() {
        let pieces = [
            "[PAD]",
            "[unused1]",
            "[UNK]",
            "[CLS]",
            "[SEP]",
            "play",
            "##ing",
            "##",
        ];
        let expected = [
            "S [PAD]",
            "U [unused1]",
            "U [UNK]",
            "S [CLS]",
            "S [SEP]",
            "T  play",
            "T ing",
            "U ",
        ];
        let map: Vec<String> = pieces
            .iter()
            .enumerate()
            .map(|(i, p)| format!("{p:?}: {i}"))
            .collect();
        for (file, format) in [
            (pieces.join("\n"), Format::VocabTxt),
            (pieces.join("\r\n") + "\r\n", Format::VocabTxt),
            (format!("{{{}}}", map.join(", ")), Format::VocabJson),
        ] {
            let loaded = default(file.as_bytes());
            assert_eq!(loaded.format, format);
            check(&loaded, &expected);
            assert_eq!(ends(&loaded), [4]);
            assert!(loaded.vocabulary.leading_space());
        }
    }

    #[test]
    fn gpt2_map() {
        let loaded = default(r#"{"a": 0, "Ġa": 1, "Ċ": 2, "<|endoftext|>": 3}"#.as_bytes());
        assert_eq!(loaded.encoding, Encoding::ByteLevel);
        check(&loaded, &["T a", "T  a", r"T \n", "S <|endoftext|>"]);
        assert_eq!(ends(&loaded), [3]);
    }

    #[test]
    fn tekken_file() {
        let file = br#"{"config": {"pattern": "x", "default_vocab_size": 5, "default_num_special_tokens": 3},
            "vocab": [{"rank": 0, "token_bytes": "YQ==", "token_str": "a"}, {"rank": 1, "token_bytes": "/w==", "token_str": null},
                      {"rank": 2, "token_bytes": "Yg==", "token_str": "b"}]}"#;
        let loaded = default(file);
        assert_eq!(loaded.format, Format::Tekken);
        check(&loaded, &["U <unk>", "S <s>", "S </s>", "T a", r"T \xff"]);
        assert_eq!(ends(&loaded), [2]);
    }
}

mod sentencepiece_models {
    use super::*;

    fn varint(mut value: u64, out: &mut Vec<u8>) {
        while value >= 0x80 {
            out.push(value as u8 | 0x80);
            value >>= 7;
        }
        out.push(value as u8);
    }

    fn number(field: u64, value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        varint(field << 3, &mut out);
        varint(value, &mut out);
        out
    }

    fn message(field: u64, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        varint(field << 3 | 2, &mut out);
        varint(bytes.len() as u64, &mut out);
        out.extend_from_slice(bytes);
        out
    }

    fn piece(text: &[u8], kind: u64) -> Vec<u8> {
        let score = [0x15, 0, 0, 0, 0];
        message(
            1,
            &[message(1, text), score.to_vec(), number(3, kind)].concat(),
        )
    }

    pub fn model() -> Vec<u8> {
        [
            piece(b"<unk>", 2),
            piece(b"<s>", 3),
            piece(b"</s>", 3),
            piece(b"<0x41>", 6),
            piece("▁A".as_bytes(), 1),
            piece(b"A", 1),
            piece("▁▁x".as_bytes(), 4),
            piece(b"hole", 5),
            piece(b"", 1),
            piece(b"<0x42>", 1),
            piece(b"<end_of_turn>", 3),
            message(1, &message(1, b"no kind")),
            message(2, &number(3, 2)),
        ]
        .concat()
    }

    const PIECES: [&str; 12] = [
        "U <unk>",
        "S <s>",
        "S </s>",
        "T A",
        "T  A",
        "T A",
        "T   x",
        "U hole",
        "U ",
        "T <0x42>",
        "S <end_of_turn>",
        "T no kind",
    ];

    #[test]
    fn all_kinds_of_pieces() {
        let loaded = default(&model());
        assert_eq!(loaded.format, Format::SentencePiece);
        assert_eq!(
            loaded.encoding,
            Encoding::Metaspace {
                byte_fallback: true
            }
        );
        check(&loaded, &PIECES);
        assert_eq!(
            (ends(&loaded), loaded.ends_from),
            (vec![2, 10], EndSource::Guess)
        );
        assert!(loaded.vocabulary.leading_space());
    }

    #[test]
    fn settings_are_read() {
        let with = |extra: Vec<u8>| default(&[model(), extra].concat());
        assert!(!with(message(3, &number(3, 0))).vocabulary.leading_space());
        let explicit = with(message(2, &number(42, 10)));
        assert_eq!(
            (ends(&explicit), explicit.ends_from),
            (vec![10], EndSource::File)
        );
        // An id that is no control piece (0 is unknown), or -1 for none, is not believed.
        for id in [0, 4, 99, u64::MAX] {
            assert_eq!(ends(&with(message(2, &number(42, id)))), [2, 10]);
        }
        let unescaped = with(message(3, &number(5, 0)));
        assert_eq!(show(&unescaped.vocabulary, 4), r"T \xe2\x96\x81A");
    }

    #[test]
    fn damaged_models_are_typed_errors() {
        let options = ReadOptions {
            format: Some(Format::SentencePiece),
            ..Default::default()
        };
        let model = model();
        let mut cut = 0;
        for len in 0..model.len() {
            match read(&model[..len], &options) {
                Ok(loaded) => assert!(loaded.vocabulary.len() <= PIECES.len()),
                Err(ReadError::Syntax {
                    format: Format::SentencePiece,
                    ..
                }) => cut += 1,
                Err(e) => panic!("{e}"),
            }
        }
        assert!(cut > model.len() / 2);
        for bad in [
            piece(b"<0xZZ>", 6),
            piece(b"x", 9),
            vec![
                0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
            ],
            vec![0xff; 12],
            vec![0x0b],
            message(1, &[0x0a, 0x05, b'x']),
        ] {
            assert!(read(&bad, &options).is_err(), "{bad:?}");
        }
    }
}

#[test]
fn detection_and_refusals() {
    for (bytes, expected) in [
        (b"YQ== 0".as_slice(), Some(Format::Tiktoken)),
        (br#"{"id": 0, "text": "a"}"#, Some(Format::JsonLines)),
        (
            br#"{"version": "1.0", "model": 5}"#,
            Some(Format::TokenizerJson),
        ),
        (br#"{"model": {"x": 1}}"#, Some(Format::TokenizerJson)),
        (br#"{"model": 5}"#, Some(Format::TokenizerJson)),
        (br#"{"a": 5}"#, Some(Format::VocabJson)),
        (b"\xef\xbb\xbf {\"config\": {}}", Some(Format::Tekken)),
        (b"MWART\r\n\x1a", Some(Format::Artifact)),
        (b"[PAD]\n[UNK]\na", Some(Format::VocabTxt)),
        (b"", None),
        (b"{", None),
        (b"hello world", None),
        (b"GGUF\x03\0\0\0", None),
        (b"\x0a\xff\xff", None),
    ] {
        assert_eq!(detect(bytes), expected, "{}", bytes.escape_ascii());
    }
    let error = |bytes: &[u8]| read(bytes, &ReadOptions::default()).unwrap_err();
    assert!(error(b"GGUF\x03").to_string().contains("tokenizer.json"));
    assert_eq!(error(b"hello"), ReadError::UnknownFormat);
    let small = ReadOptions {
        max_bytes: 3,
        ..Default::default()
    };
    assert_eq!(
        read(b"YQ== 0", &small).unwrap_err(),
        ReadError::TooLarge { given: 6, limit: 3 }
    );
    let deep = format!("{{\"x\": {}", "[".repeat(100_000));
    read(deep.as_bytes(), &ReadOptions::default()).unwrap_err();
}

#[test]
fn a_stored_vocabulary_is_read_back() {
    let given = default(&sentencepiece_models::model()).vocabulary;
    let bytes = given.to_artifact();
    let loaded = default(&bytes);
    assert_eq!(loaded.format, Format::Artifact);
    assert_eq!(loaded.vocabulary.fingerprint(), given.fingerprint());
    assert!(loaded.vocabulary.leading_space());
    let changed = ReadOptions {
        width: Some(99),
        ..Default::default()
    };
    assert!(matches!(
        read(&bytes, &changed),
        Err(ReadError::Unsupported { .. })
    ));
}

/// Damages files in place, cuts them and splices them, and reads them in every format.
#[test]
fn no_bytes_make_a_reader_panic() {
    let model = r#"{"type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "merges": [["a", "b"]],
        "vocab": {"<unk>": 0, "</s>": 1, "<0x41>": 2, "▁a": 3}}"#;
    let added = r#"{"id": 1, "content": "</s>", "special": true}"#;
    let seeds: [Vec<u8>; 6] = [
        tokenizer_json(model, added, METASPACE),
        sentencepiece_models::model(),
        b"YQ== 0\nYg== 1\n".to_vec(),
        b"[PAD]\n[UNK]\n##a\nb\n".to_vec(),
        b"{\"id\": 0, \"text\": \"a\"}\n{\"id\": 1, \"bytes\": [1, 2]}\n".to_vec(),
        default(b"YQ== 0\nYg== 1\n").vocabulary.to_artifact(),
    ];
    let formats = [
        Format::Tiktoken,
        Format::TokenizerJson,
        Format::Tekken,
        Format::SentencePiece,
        Format::VocabTxt,
        Format::VocabJson,
        Format::JsonLines,
        Format::Artifact,
    ];
    let mut state = 1u64;
    let mut random = move |n: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as usize) % n.max(1)
    };
    let (mut good, mut bad) = (0, 0);
    for round in 0..6_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..random(4) {
            let at = random(bytes.len());
            match random(4) {
                0 => bytes.truncate(at),
                1 => bytes
                    .splice(at..at, b"\xff{\"\n".iter().copied())
                    .for_each(drop),
                2 if at < bytes.len() => bytes[at] = random(256) as u8,
                _ if at < bytes.len() => bytes[at] ^= 1 << random(8),
                _ => {}
            }
        }
        let format = (random(3) == 0).then(|| formats[random(formats.len())]);
        match read(
            &bytes,
            &ReadOptions {
                format,
                ..Default::default()
            },
        ) {
            Ok(loaded) => {
                loaded.vocabulary.trie();
                good += 1;
            }
            Err(e) => {
                assert!(!e.to_string().is_empty());
                bad += 1;
            }
        }
    }
    assert!(good > 500 && bad > 500, "{good} read, {bad} refused");
}
