//! Toy vocabularies: small enough to try every token at every prefix, awkward on purpose.

use crate::random::Random;
use maskwright_tables::vocabulary::TokenEntry;
use maskwright_tables::{TokenId, TokenKind, Vocabulary};
use std::collections::BTreeSet;

/// Collects entries under consecutive ids.
#[derive(Debug, Default)]
struct Builder {
    entries: Vec<TokenEntry>,
    ends: Vec<u32>,
}

impl Builder {
    fn push(&mut self, bytes: impl Into<Vec<u8>>, kind: TokenKind) -> u32 {
        let id = self.entries.len() as u32;
        self.entries.push(TokenEntry {
            id,
            bytes: bytes.into(),
            kind,
        });
        id
    }

    fn finish(self, name: &str, padding: usize) -> Vocabulary {
        let width = self.entries.len() + padding;
        Vocabulary::new(name, self.entries, &self.ends, Some(width)).expect("ids are consecutive")
    }
}

/// A vocabulary from words as a case file writes them: `<eos>` and `<eot>` end the text, other
/// words in angle brackets with more than two characters are special, the rest is text.
pub fn from_words<S: AsRef<str>>(words: &[S]) -> Vocabulary {
    let mut b = Builder::default();
    for word in words {
        let word = word.as_ref();
        let special = word.len() > 2 && word.starts_with('<') && word.ends_with('>');
        let id = b.push(
            word,
            if special {
                TokenKind::Special
            } else {
                TokenKind::Text
            },
        );
        if matches!(word, "<eos>" | "<eot>") {
            b.ends.push(id);
        }
    }
    b.finish("words", 0)
}

/// All 256 bytes and one end token, id 256.
pub fn bytes() -> Vocabulary {
    let mut b = Builder::default();
    for byte in 0..=255u8 {
        b.push([byte], TokenKind::Text);
    }
    let end = b.push("<eos>", TokenKind::Special);
    b.ends.push(end);
    b.finish("bytes", 0)
}

/// The vocabulary for trying one grammar, from texts in and around its language: each byte that
/// they use, about `longer` tokens of two to six bytes cut from them (so most cross the border of
/// a terminal), two byte strings under two ids, a token that fits nowhere, a special token that
/// spells like text, an empty token, two end tokens and padding above the last id.
///
/// Every byte of every token is a token, so [`crate::oracle::Oracle::with_vocabulary`] is exact.
pub fn toy(texts: &[&[u8]], longer: usize, seed: u64) -> Vocabulary {
    let mut random = Random::new(seed);
    let mut b = Builder::default();
    let mut used: BTreeSet<u8> = texts.iter().flat_map(|t| t.iter().copied()).collect();
    if used.contains(&b'\\') && used.contains(&b'"') {
        // JSON escapes can be written, so let all of them be.
        used.extend(b"u0123456789abcdef");
    }
    for byte in &used {
        b.push([*byte], TokenKind::Text);
    }
    let foreign = (b'!'..=b'~').find(|f| !used.contains(f)).unwrap_or(0x01);
    b.push([foreign], TokenKind::Text);
    b.push(Vec::new(), TokenKind::Text);
    let cut = pieces(texts, longer, &mut random);
    for piece in &cut {
        b.push(piece.clone(), TokenKind::Text);
    }
    // Look-alikes: the same bytes as text, which must never count as text.
    if let Some(piece) = cut.first() {
        b.push(piece.clone(), TokenKind::Special);
        b.push(piece.clone(), TokenKind::Text);
    }
    if let Some(byte) = used.first() {
        b.push([*byte], TokenKind::Special);
        b.push([*byte], TokenKind::Text);
    }
    for name in ["<eos>", "<eot>"] {
        let id = b.push(name, TokenKind::Special);
        b.ends.push(id);
    }
    b.finish("toy", 5)
}

/// A vocabulary without most single bytes: only pieces from which each text can be put together,
/// so that many texts that the grammar would allow cannot be completed with these tokens.
pub fn sparse(texts: &[&[u8]], seed: u64) -> Vocabulary {
    let mut random = Random::new(seed);
    let mut all = BTreeSet::new();
    for text in texts {
        let mut rest = *text;
        while !rest.is_empty() {
            let (piece, later) = rest.split_at((1 + random.below(4)).min(rest.len()));
            all.insert(piece.to_vec());
            rest = later;
        }
    }
    let mut b = Builder::default();
    for piece in all {
        b.push(piece, TokenKind::Text);
    }
    let id = b.push("<eos>", TokenKind::Special);
    b.ends.push(id);
    b.finish("sparse", 1)
}

fn pieces(texts: &[&[u8]], most: usize, random: &mut Random) -> Vec<Vec<u8>> {
    let texts: Vec<&&[u8]> = texts.iter().filter(|t| t.len() >= 2).collect();
    let mut found = BTreeSet::new();
    if texts.is_empty() {
        return Vec::new();
    }
    for _ in 0..most * 4 {
        if found.len() >= most {
            break;
        }
        let text = random.pick(&texts);
        let from = random.below(text.len() - 1);
        let len = 2 + random.below(5);
        found.insert(text[from..text.len().min(from + len)].to_vec());
    }
    // In an order that is not the order of the bytes: ids must not matter.
    let mut list: Vec<Vec<u8>> = found.into_iter().collect();
    for i in (1..list.len()).rev() {
        list.swap(i, random.below(i + 1));
    }
    list
}

/// A random way to spell `text` with text tokens; `None` when there is none.
pub fn tokenise(vocabulary: &Vocabulary, text: &[u8], random: &mut Random) -> Option<Vec<TokenId>> {
    // `open[i]`: the rest from `i` can be spelled.
    let tokens: Vec<(TokenId, &[u8])> = vocabulary.text_tokens().collect();
    let mut open = vec![false; text.len() + 1];
    open[text.len()] = true;
    for i in (0..text.len()).rev() {
        open[i] = tokens
            .iter()
            .any(|(_, b)| text[i..].starts_with(b) && open[i + b.len()]);
    }
    let mut at = 0;
    let mut spelling = Vec::new();
    if !open[0] {
        return None;
    }
    while at < text.len() {
        let fitting: Vec<&(TokenId, &[u8])> = tokens
            .iter()
            .filter(|(_, b)| text[at..].starts_with(b) && open[at + b.len()])
            .collect();
        let (token, bytes) = random.pick(&fitting);
        spelling.push(*token);
        at += bytes.len();
    }
    Some(spelling)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::is_byte_complete;

    #[test]
    fn toy_holds_every_awkward_kind_of_token() {
        let v = toy(&[b"{\"a\": 1}", "ü".as_bytes()], 12, 7);
        assert!(is_byte_complete(&v));
        assert_eq!(v.end_tokens().len(), 2);
        assert!(v.width() > v.len());
        let ids: Vec<TokenId> = (0..v.len() as u32).map(TokenId).collect();
        let special: Vec<_> = ids
            .iter()
            .filter(|t| v.kind(**t) == TokenKind::Special && !v.is_end(**t))
            .collect();
        assert!(
            special
                .iter()
                .all(|s| v.text_tokens().any(|(_, b)| b == v.bytes(**s)))
        );
        assert_eq!(special.len(), 2);
        assert!(ids.iter().any(|t| v.kind(*t) == TokenKind::Unused));
        let distinct: BTreeSet<&[u8]> = v.text_tokens().map(|(_, b)| b).collect();
        assert!(
            distinct.len() + 2 <= v.text_tokens().count(),
            "byte strings under two ids"
        );
    }

    #[test]
    fn tokenise_spells_the_text() {
        let text = b"{\"name\": \"x\"}";
        let v = toy(&[text], 10, 3);
        let mut random = Random::new(1);
        for _ in 0..50 {
            let tokens = tokenise(&v, text, &mut random).expect("all bytes are tokens");
            let back: Vec<u8> = tokens.iter().flat_map(|t| v.bytes(*t).to_vec()).collect();
            assert_eq!(back, text);
        }
        assert_eq!(tokenise(&v, b"Z", &mut random), None);
    }

    #[test]
    fn sparse_can_spell_its_texts() {
        let texts: [&[u8]; 2] = [b"alpha beta", b"gamma"];
        let v = sparse(&texts, 5);
        for text in texts {
            assert!(tokenise(&v, text, &mut Random::new(0)).is_some());
        }
    }
}
