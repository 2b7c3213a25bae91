//! Real tokenizer files, where the data folder is there; the tests print how many they read.

use super::tests::{default, ends, load};
use super::{Format, ReadOptions};
use maskwright_tables::{Limits, TokenId, TokenKind};
use std::path::PathBuf;

fn file(name: &str) -> Option<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/tokenizers");
    let found = std::fs::read(folder.join(name)).ok();
    println!(
        "{name}: {}",
        if found.is_some() {
            "read"
        } else {
            "not there, skipped"
        }
    );
    found
}

struct Facts {
    name: &'static str,
    format: Format,
    len: usize,
    text: usize,
    special: usize,
    ends: &'static [u32],
    leading_space: bool,
}

const FILES: [Facts; 11] = [
    Facts {
        name: "gpt2.tiktoken",
        format: Format::Tiktoken,
        len: 50_256,
        text: 50_256,
        special: 0,
        ends: &[],
        leading_space: false,
    },
    Facts {
        name: "llama-3.tiktoken",
        format: Format::Tiktoken,
        len: 128_000,
        text: 128_000,
        special: 0,
        ends: &[],
        leading_space: false,
    },
    Facts {
        name: "llama-2.tokenizer.json",
        format: Format::TokenizerJson,
        len: 32_000,
        text: 31_997,
        special: 2,
        ends: &[2],
        leading_space: true,
    },
    Facts {
        name: "phi-3-mini.tokenizer.json",
        format: Format::TokenizerJson,
        len: 32_011,
        text: 31_997,
        special: 12,
        ends: &[2, 32_000, 32_007],
        leading_space: true,
    },
    Facts {
        name: "falcon.tokenizer.json",
        format: Format::TokenizerJson,
        len: 65_024,
        text: 65_012,
        special: 12,
        ends: &[11],
        leading_space: false,
    },
    Facts {
        name: "roberta-base.tokenizer.json",
        format: Format::TokenizerJson,
        len: 50_265,
        text: 50_260,
        special: 5,
        ends: &[2],
        leading_space: false,
    },
    Facts {
        name: "t5-small.tokenizer.json",
        format: Format::TokenizerJson,
        len: 32_100,
        text: 31_997,
        special: 102,
        ends: &[1],
        leading_space: true,
    },
    Facts {
        name: "added-tokens.tokenizer.json",
        format: Format::TokenizerJson,
        len: 32_011,
        text: 1,
        special: 10,
        ends: &[2, 32_007],
        leading_space: true,
    },
    Facts {
        name: "bert.vocab.txt",
        format: Format::VocabJson,
        len: 2_016,
        text: 2_011,
        special: 4,
        ends: &[3],
        leading_space: true,
    },
    Facts {
        name: "mistral-v7.tokenizer.model",
        format: Format::SentencePiece,
        len: 32_768,
        text: 32_019,
        special: 748,
        ends: &[2],
        leading_space: true,
    },
    Facts {
        name: "sentencepiece-unigram-small.model",
        format: Format::SentencePiece,
        len: 1_000,
        text: 997,
        special: 2,
        ends: &[2],
        leading_space: true,
    },
];

#[test]
fn every_file_is_recognised_and_counted() {
    let mut files = 0;
    for facts in &FILES {
        let Some(bytes) = file(facts.name) else {
            continue;
        };
        files += 1;
        let loaded = default(&bytes);
        let v = &loaded.vocabulary;
        let special = (0..v.len() as u32).filter(|t| v.kind(TokenId(*t)) == TokenKind::Special);
        let shape = (
            loaded.format,
            v.len(),
            v.text_tokens().count(),
            special.count(),
        );
        let expected = (facts.format, facts.len, facts.text, facts.special);
        assert_eq!(shape, expected, "{}", facts.name);
        assert_eq!(ends(&loaded), facts.ends, "{}", facts.name);
        assert_eq!(v.leading_space(), facts.leading_space, "{}", facts.name);
    }
    println!("{files} real files");
}

/// Vocabularies with all bytes can spell any text; this is how a wrongly guessed encoding shows.
#[test]
fn byte_complete_files_have_all_256_bytes() {
    for name in [
        "gpt2.tiktoken",
        "llama-3.tiktoken",
        "llama-2.tokenizer.json",
        "phi-3-mini.tokenizer.json",
        "falcon.tokenizer.json",
        "roberta-base.tokenizer.json",
        "mistral-v7.tokenizer.model",
    ] {
        let Some(bytes) = file(name) else { continue };
        let loaded = default(&bytes);
        let single: std::collections::BTreeSet<u8> = loaded
            .vocabulary
            .text_tokens()
            .filter_map(|(_, b)| <[u8; 1]>::try_from(b).ok())
            .map(|[b]| b)
            .collect();
        // Falcon's own file lacks 28 bytes: those that UTF-8 never has and rare controls.
        let missing = if name.starts_with("falcon") { 28 } else { 0 };
        assert_eq!(256 - single.len(), missing, "{name}");
    }
}

/// How many tokens of several bytes no others spell: characters whose bytes are no tokens; in BERT's
/// vocabulary, a space and the first letter of a word. All files but these two can spell whatever
/// consists of their bytes.
#[test]
fn tokens_that_no_others_spell() {
    for (name, characters, longer) in [
        ("gpt2.tiktoken", 0, 0),
        ("llama-3.tiktoken", 0, 0),
        ("llama-2.tokenizer.json", 0, 0),
        ("phi-3-mini.tokenizer.json", 0, 0),
        ("falcon.tokenizer.json", 0, 0),
        ("roberta-base.tokenizer.json", 0, 0),
        ("mistral-v7.tokenizer.model", 0, 0),
        ("added-tokens.tokenizer.json", 0, 0),
        ("sentencepiece-unigram-small.model", 0, 0),
        ("t5-small.tokenizer.json", 54, 0),
        ("bert.vocab.txt", 0, 37),
    ] {
        let Some(bytes) = file(name) else { continue };
        let v = default(&bytes).vocabulary;
        let pieces: Vec<&[u8]> = v.text_tokens().map(|(_, b)| b).collect();
        let lexicon = maskwright_automata::Lexicon::with_pieces(Limits::untrusted(), &pieces);
        let unsplittable = lexicon.unsplittable();
        let long = unsplittable.iter().filter(|p| p.len() > 1);
        let chars: Vec<usize> = long
            .map(|p| String::from_utf8_lossy(p).chars().count())
            .collect();
        let found = [1, 2].map(|n| chars.iter().filter(|c| **c == n).count());
        assert_eq!(found, [characters, longer], "{name}");
        assert_eq!(chars.len(), characters + longer, "{name}");
        let spelled = pieces.concat();
        let is_json = b"{}[]:,\"truefalsn".iter().all(|b| spelled.contains(b));
        assert_eq!(v.has_gaps(), !chars.is_empty() || !is_json, "{name}");
    }
}

/// From the files themselves, read by eye.
#[test]
fn known_tokens() {
    for (name, id, expected) in [
        ("gpt2.tiktoken", 15496, "Hello"),
        ("llama-3.tiktoken", 9906, "Hello"),
        ("llama-2.tokenizer.json", 15043, " Hello"),
        ("phi-3-mini.tokenizer.json", 15043, " Hello"),
        ("llama-2.tokenizer.json", 13, "\n"),
        ("roberta-base.tokenizer.json", 5, " the"),
        ("t5-small.tokenizer.json", 8, " the"),
        ("added-tokens.tokenizer.json", 13, "\n"),
        ("bert.vocab.txt", 57, "l"),
        ("bert.vocab.txt", 107, " the"),
    ] {
        let Some(bytes) = file(name) else { continue };
        let v = default(&bytes).vocabulary;
        assert_eq!(v.bytes(TokenId(id)), expected.as_bytes(), "{name} {id}");
    }
}

#[test]
fn byte_fallback_tokens_share_their_bytes_with_letters() {
    let Some(bytes) = file("llama-2.tokenizer.json") else {
        return;
    };
    let v = default(&bytes).vocabulary;
    let a = v.trie().child(0, b'A').unwrap();
    assert_eq!(v.trie().tokens_at(a), [TokenId(68), TokenId(29_909)]);
}

#[test]
fn llama_3_with_its_special_tokens() {
    let Some(bytes) = file("llama-3.tiktoken") else {
        return;
    };
    let mut special_tokens: Vec<(String, u32)> = (0..256)
        .map(|i| (format!("<|reserved_special_token_{i}|>"), 128_000 + i))
        .collect();
    special_tokens[0].0 = "<|begin_of_text|>".into();
    special_tokens[1].0 = "<|end_of_text|>".into();
    special_tokens[9].0 = "<|eot_id|>".into();
    let loaded = load(
        &bytes,
        &ReadOptions {
            special_tokens,
            ..Default::default()
        },
    );
    assert_eq!(loaded.vocabulary.len(), 128_256);
    assert_eq!(ends(&loaded), [128_001, 128_009]);
}
