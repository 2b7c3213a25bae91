//! Vocabularies by name or from a file, each with what cuts texts into its tokens.

use anyhow::Context;
use maskwright_compiler::vocabulary::{self, EndToken, Format, ReadOptions, VocabularyExt};
use maskwright_tables::{TokenId, Vocabulary};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use tiktoken_rs::CoreBPE;

/// How the tokenizers of Llama 3 cut a text before they merge.
const LLAMA_3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Text to tokens.
pub enum Encoder {
    /// Byte pairs by rank, as the model's own tokenizer merges them.
    Ranks(Box<CoreBPE>),
    /// A `tokenizer.json`, read by the package that defines it.
    #[cfg(feature = "tokenizers")]
    TokenizerJson(Box<tokenizers::Tokenizer>),
    /// The longest token that fits, again and again: for files whose tokenizer is not at hand. The tokens
    /// are valid, but not always those that the model was trained on, and a little fewer.
    Longest(HashMap<Vec<u8>, u32>, usize),
}

impl Encoder {
    /// The tokens of a text.
    pub fn encode(&self, text: &str) -> Vec<u32> {
        match self {
            Encoder::Ranks(bpe) => bpe.encode_ordinary(text),
            #[cfg(feature = "tokenizers")]
            Encoder::TokenizerJson(tokenizer) => tokenizer
                .encode_fast(text, false)
                .map_or_else(|_| Vec::new(), |e| e.get_ids().to_vec()),
            Encoder::Longest(tokens, longest) => longest_match(tokens, *longest, text.as_bytes()),
        }
    }

    /// The longest-match encoder of a vocabulary.
    pub fn longest(vocabulary: &Vocabulary) -> Self {
        let tokens: HashMap<Vec<u8>, u32> = vocabulary
            .text_tokens()
            .map(|(t, b)| (b.to_vec(), t.0))
            .collect();
        let longest = tokens.keys().map(Vec::len).max().unwrap_or(0);
        Encoder::Longest(tokens, longest)
    }
}

fn longest_match(tokens: &HashMap<Vec<u8>, u32>, longest: usize, mut text: &[u8]) -> Vec<u32> {
    let mut out = Vec::new();
    while !text.is_empty() {
        let mut lengths = (1..=longest.min(text.len())).rev();
        let Some((n, token)) = lengths.find_map(|n| Some((n, *tokens.get(&text[..n])?))) else {
            break;
        };
        out.push(token);
        text = &text[n..];
    }
    out
}

/// A vocabulary and its encoder: `cl100k_base`, `o200k_base`, or the path of a tokenizer file.
///
/// A file of ranks is read as Llama 3's: its pattern cuts the text, and its two first and 254 further
/// special tokens follow the ranks. Every other format is cut by the longest match, `tokenizer.json`
/// by its own package where the feature `tokenizers` is on.
pub fn load(name: &str) -> anyhow::Result<(Arc<Vocabulary>, Encoder)> {
    match name {
        "o200k_base" => {
            let encoder = tiktoken_rs::o200k_base()?;
            return Ok((Vocabulary::o200k_base(), Encoder::Ranks(Box::new(encoder))));
        }
        "cl100k_base" => {
            let encoder = tiktoken_rs::cl100k_base()?;
            return Ok((Vocabulary::cl100k_base(), Encoder::Ranks(Box::new(encoder))));
        }
        _ => {}
    }
    let path = Path::new(name);
    let bytes =
        std::fs::read(path).with_context(|| format!("no vocabulary or tokenizer file {name}"))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut options = ReadOptions {
        name: Some(stem.into_owned()),
        ..ReadOptions::default()
    };
    let is_ranks = vocabulary::detect(&bytes) == Some(Format::Tiktoken);
    if is_ranks {
        let ranks = vocabulary::read(&bytes, &options)?.vocabulary.len() as u32;
        options.special_tokens = vec![
            ("<|begin_of_text|>".into(), ranks),
            ("<|end_of_text|>".into(), ranks + 1),
        ];
        options.end_tokens = Some(vec![EndToken::Id(ranks + 1)]);
        options.width = Some(ranks as usize + 256);
    }
    let vocabulary = vocabulary::read(&bytes, &options)?.vocabulary;
    anyhow::ensure!(
        !vocabulary.end_tokens().is_empty(),
        "{name} names no end token"
    );
    let encoder = match is_ranks {
        true => {
            let text = |t: u32| vocabulary.is_text(TokenId(t));
            let ids = (0..vocabulary.len() as u32).filter(|t| text(*t));
            let ranks = ids
                .map(|t| (vocabulary.bytes(TokenId(t)).to_vec(), t))
                .collect();
            let bpe = CoreBPE::new(ranks, Default::default(), LLAMA_3)?;
            Encoder::Ranks(Box::new(bpe))
        }
        false => other_encoder(&bytes, &vocabulary),
    };
    Ok((Arc::new(vocabulary), encoder))
}

#[cfg(feature = "tokenizers")]
fn other_encoder(bytes: &[u8], vocabulary: &Vocabulary) -> Encoder {
    match tokenizers::Tokenizer::from_bytes(bytes) {
        Ok(tokenizer) => Encoder::TokenizerJson(Box::new(tokenizer)),
        Err(_) => Encoder::longest(vocabulary),
    }
}

#[cfg(not(feature = "tokenizers"))]
fn other_encoder(_: &[u8], vocabulary: &Vocabulary) -> Encoder {
    Encoder::longest(vocabulary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_token_that_fits_is_taken() {
        let words = ["a", "ab", "abc", "b", "c"].map(|w| w.as_bytes().to_vec());
        let tokens = words.into_iter().zip(0..).collect();
        assert_eq!(longest_match(&tokens, 3, b"ababcc"), [1, 2, 4]);
        // What no token spells ends the trace.
        assert_eq!(longest_match(&tokens, 3, b"axb"), [0]);
    }
}
