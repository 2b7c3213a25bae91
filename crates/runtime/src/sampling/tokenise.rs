//! Text to tokens by longest match, for models that learn from sample texts.

use maskwright_tables::{TokenId, TokenTrie, Vocabulary};
use std::fmt;

/// Cuts text into the longest tokens from left to right.
///
/// This is not how a model's own tokenizer cuts (byte-pair merges may prefer shorter tokens), but
/// the text is the same, and it needs the vocabulary only.
#[derive(Clone, Debug)]
pub struct GreedyTokenizer<'a> {
    trie: &'a TokenTrie,
    /// The root's child for each byte, 0 for none: the root has up to 256 children, and finding
    /// one in the trie is a scan over its siblings.
    first: Box<[u32; 256]>,
}

/// No token spells the byte at this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownByte {
    /// Where the byte lies in the text.
    pub offset: usize,
    /// The byte.
    pub byte: u8,
}

impl fmt::Display for UnknownByte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no token begins with byte {:#04x} at offset {}",
            self.byte, self.offset
        )
    }
}

impl std::error::Error for UnknownByte {}

impl<'a> GreedyTokenizer<'a> {
    /// A tokenizer over the vocabulary's trie, which is built if this is its first use.
    pub fn new(vocabulary: &'a Vocabulary) -> Self {
        let trie = vocabulary.trie();
        let mut first = Box::new([0; 256]);
        for child in trie.children(0) {
            first[usize::from(trie.nodes()[child].byte)] = child as u32;
        }
        GreedyTokenizer { trie, first }
    }

    /// The longest token that `text` begins with, the lowest id of several, and its length.
    pub fn longest(&self, text: &[u8]) -> Option<(TokenId, usize)> {
        let mut node = match self.first[usize::from(*text.first()?)] {
            0 => return None,
            node => node as usize,
        };
        let mut best = None;
        let mut len = 1;
        loop {
            if let Some(token) = self.trie.tokens_at(node).first() {
                best = Some((*token, len));
            }
            match text.get(len).and_then(|b| self.trie.child(node, *b)) {
                Some(child) => node = child,
                None => return best,
            }
            len += 1;
        }
    }

    /// Cuts all of `text`. Where the longest match leads into a corner, no shorter one is tried.
    ///
    /// # Errors
    /// The first byte at which no token begins.
    pub fn tokens(&self, text: &[u8]) -> Result<Vec<TokenId>, UnknownByte> {
        let mut tokens = Vec::new();
        let mut offset = 0;
        while let Some(&byte) = text.get(offset) {
            let (token, len) = self
                .longest(&text[offset..])
                .ok_or(UnknownByte { offset, byte })?;
            tokens.push(token);
            offset += len;
        }
        Ok(tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maskwright_tables::{TokenKind, vocabulary::TokenEntry};

    fn vocabulary(words: &[&str]) -> Vocabulary {
        let entry = |(id, w): (usize, &&str)| TokenEntry {
            id: id as u32,
            bytes: w.as_bytes().to_vec(),
            kind: if w.starts_with('<') {
                TokenKind::Special
            } else {
                TokenKind::Text
            },
        };
        Vocabulary::new("toy", words.iter().enumerate().map(entry), &[], None).unwrap()
    }

    #[test]
    fn longest_token_wins_and_duplicates_take_the_lowest_id() {
        let v = vocabulary(&["a", "ab", "abcd", "b", "ab", "c", "<x>"]);
        let t = GreedyTokenizer::new(&v);
        let ids = |text: &str| {
            t.tokens(text.as_bytes())
                .map(|v| v.iter().map(|t| t.0).collect::<Vec<_>>())
        };
        assert_eq!(ids("abab"), Ok(vec![1, 1]));
        assert_eq!(ids("abcabcd"), Ok(vec![1, 5, 2]));
        assert_eq!(ids(""), Ok(vec![]));
        assert_eq!(
            ids("ab<x>"),
            Err(UnknownByte {
                offset: 2,
                byte: b'<'
            }),
            "a special token is no text"
        );
        assert_eq!(
            ids("abd"),
            Err(UnknownByte {
                offset: 2,
                byte: b'd'
            })
        );
    }
}
