//! A vocabulary, its trie included, as sections of an artifact.

use crate::artifact::{Artifact, ArtifactError, ArtifactWriter, kinds};
use crate::{TokenId, TokenKind, TokenTrie, Vocabulary};

impl Vocabulary {
    /// Adds the vocabulary and its trie (built now if it was not) to an artifact.
    ///
    /// # Errors
    /// The artifact holds a vocabulary already.
    pub fn write_to<'a>(&'a self, artifact: &mut ArtifactWriter<'a>) -> Result<(), ArtifactError> {
        let (offsets, bytes, token_kinds) = self.parts();
        let numbers = vec![self.width() as u32, self.leading_space().into()];
        artifact.add_words(kinds::VOCABULARY_NUMBERS, 0, numbers)?;
        artifact.add_bytes(kinds::VOCABULARY_NAME, 0, self.name().as_bytes())?;
        artifact.add_words(kinds::VOCABULARY_OFFSETS, 0, offsets)?;
        artifact.add_bytes(kinds::VOCABULARY_BYTES, 0, bytes)?;
        artifact.add_bytes(
            kinds::VOCABULARY_KINDS,
            0,
            bytemuck::cast_slice(token_kinds),
        )?;
        let ends: &[u32] = bytemuck::cast_slice(self.end_tokens());
        artifact.add_words(kinds::VOCABULARY_END_TOKENS, 0, ends)?;
        artifact.add_words(kinds::TRIE_NODES, 0, self.trie().to_words())?;
        let tokens: &[u32] = bytemuck::cast_slice(self.trie().tokens());
        artifact.add_words(kinds::TRIE_TOKENS, 0, tokens)
    }

    /// The vocabulary as an artifact of its own. The same vocabulary gives the same bytes.
    pub fn to_artifact(&self) -> Vec<u8> {
        let mut writer = ArtifactWriter::new(*self.fingerprint(), [0; 32]);
        // A fresh writer holds no section that could be there twice.
        let written = self.write_to(&mut writer);
        debug_assert!(written.is_ok());
        writer.finish()
    }

    /// Reads the vocabulary that an artifact holds.
    ///
    /// Nothing is sorted or built. Cost: one copy, the fingerprint of the tokens, the checksum of the trie
    /// and one pass over it. Never panics, whatever the artifact holds.
    ///
    /// # Errors
    /// A section is missing, damaged or breaks an invariant, or the vocabulary is not the one that
    /// the artifact's header names.
    pub fn from_artifact(artifact: &Artifact<'_>) -> Result<Self, ArtifactError> {
        // The other sections are under the fingerprint.
        let noted = [
            kinds::VOCABULARY_NUMBERS,
            kinds::VOCABULARY_NAME,
            kinds::TRIE_NODES,
            kinds::TRIE_TOKENS,
        ];
        let own = artifact
            .sections()
            .take_while(|s| s.kind < kinds::FIRST_FREE);
        for section in own.filter(|s| noted.contains(&s.kind)) {
            artifact.verify_section(&section)?;
        }
        let content = |kind, what: String| ArtifactError::Content { kind, what };
        let (width, leading_space) = match *artifact.words(kinds::VOCABULARY_NUMBERS, 0)? {
            [width, flag @ (0 | 1)] => (width as usize, flag == 1),
            _ => {
                let what = "not a width and a flag".into();
                return Err(content(kinds::VOCABULARY_NUMBERS, what));
            }
        };
        let name = std::str::from_utf8(artifact.bytes(kinds::VOCABULARY_NAME, 0)?)
            .map_err(|_| content(kinds::VOCABULARY_NAME, "the name is not UTF-8".into()))?;
        let token_kinds: &[TokenKind] =
            bytemuck::checked::try_cast_slice(artifact.bytes(kinds::VOCABULARY_KINDS, 0)?)
                .map_err(|_| content(kinds::VOCABULARY_KINDS, "unknown token kind".into()))?;
        let vocabulary = Vocabulary::from_parts(
            name,
            artifact.words(kinds::VOCABULARY_OFFSETS, 0)?.into_owned(),
            artifact.bytes(kinds::VOCABULARY_BYTES, 0)?.to_vec(),
            token_kinds.to_vec(),
            &artifact.words(kinds::VOCABULARY_END_TOKENS, 0)?,
            Some(width),
        )
        .map_err(|e| content(kinds::VOCABULARY_OFFSETS, e.to_string()))?;
        if vocabulary.fingerprint() != artifact.vocabulary_fingerprint() {
            let what = "the tokens are not those of the header's fingerprint".into();
            return Err(content(kinds::VOCABULARY_BYTES, what));
        }
        let nodes = artifact.words(kinds::TRIE_NODES, 0)?;
        let tokens = artifact.words(kinds::TRIE_TOKENS, 0)?;
        let tokens: Vec<TokenId> = bytemuck::cast_slice(&tokens).to_vec();
        let (offsets, _, token_kinds) = vocabulary.parts();
        // 0 for what must not be in the trie; text tokens have bytes, at most 65,535. One table, since they
        // are looked up in the order of their texts.
        let texts = offsets.windows(2).zip(token_kinds).take(width);
        let mut lens: Vec<u16> = texts
            .map(|(ends, kind)| match kind {
                TokenKind::Text => (ends[1] - ends[0]) as u16,
                _ => 0,
            })
            .collect();
        for end in vocabulary.end_tokens() {
            if let Some(len) = lens.get_mut(end.index()) {
                *len = 0;
            }
        }
        let bytes_len = |token: TokenId| {
            let len = lens.get(token.index()).copied();
            len.filter(|len| *len > 0).map(usize::from)
        };
        let trie = TokenTrie::from_words(&nodes, tokens, bytes_len)
            .map_err(|e| content(kinds::TRIE_NODES, e.to_string()))?;
        Ok(vocabulary.with_trie(trie).with_leading_space(leading_space))
    }

    /// Builds the trie anew and compares: what `verify` can afford and `from_artifact` cannot.
    ///
    /// # Errors
    /// The stored trie is not the vocabulary's.
    pub fn verify_trie(&self) -> Result<(), ArtifactError> {
        if *self.trie() == TokenTrie::new(self.text_tokens()) {
            return Ok(());
        }
        let what = "the trie is not the vocabulary's".into();
        Err(ArtifactError::Content {
            kind: kinds::TRIE_NODES,
            what,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::TokenEntry;

    fn vocabulary() -> Vocabulary {
        let words: [(&[u8], TokenKind); 7] = [
            (b"a", TokenKind::Text),
            (b"ab", TokenKind::Text),
            (b"", TokenKind::Text),
            (b"<end>", TokenKind::Special),
            (b"\xff\x00", TokenKind::Text),
            (b"ab", TokenKind::Text),
            (b"b", TokenKind::Text),
        ];
        let entries = words.iter().enumerate().map(|(i, (b, kind))| TokenEntry {
            id: i as u32,
            bytes: b.to_vec(),
            kind: *kind,
        });
        Vocabulary::new("toy", entries, &[3], Some(8))
            .unwrap()
            .with_leading_space(true)
    }

    fn read(bytes: &[u8]) -> Result<Vocabulary, ArtifactError> {
        Vocabulary::from_artifact(&Artifact::open(bytes)?)
    }

    /// All that a mask can depend on.
    fn facts(v: &Vocabulary) -> (String, [u8; 32], usize, TokenTrie) {
        (
            v.name().into(),
            *v.fingerprint(),
            v.width(),
            v.trie().clone(),
        )
    }

    #[test]
    fn comes_back_as_written_and_writes_the_same_bytes() {
        let given = vocabulary();
        let bytes = given.to_artifact();
        let back = read(&bytes).unwrap();
        assert_eq!(facts(&back), facts(&given));
        assert_eq!(back.verify_trie(), Ok(()));
        assert_eq!(back.to_artifact(), bytes);
    }

    /// Every payload byte is under a checksum, and padding is not read.
    #[test]
    fn every_single_byte_corruption_is_refused_or_harmless() {
        let given = vocabulary();
        let bytes = given.to_artifact();
        let (mut refused, mut harmless) = (0, 0);
        for at in 0..bytes.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                match read(&damaged) {
                    Ok(v) => {
                        assert_eq!(facts(&v), facts(&given), "byte {at}");
                        assert!(Artifact::open(&damaged).unwrap().verify().is_err());
                        harmless += 1;
                    }
                    Err(_) => refused += 1,
                }
            }
        }
        assert!(refused > 0 && harmless > 0);
    }

    /// Someone who can compute checksums still gets errors, not panics or endless walks.
    #[test]
    fn hostile_sections_with_good_checksums_are_refused_or_harmless() {
        let given = vocabulary();
        let bytes = given.to_artifact();
        let artifact = Artifact::open(&bytes).unwrap();
        let mut refused = 0;
        for target in artifact.sections() {
            for at in 0..target.len as usize {
                for flip in [0x01, 0x02, 0x04, 0x80, 0xff] {
                    let mut writer = ArtifactWriter::new(*given.fingerprint(), [0; 32]);
                    for s in artifact.sections() {
                        let mut payload = bytes[s.offset as usize..][..s.len as usize].to_vec();
                        if s == target {
                            payload[at] ^= flip;
                        }
                        match s.element {
                            crate::artifact::Element::U8 => {
                                writer.add_bytes(s.kind, s.id, payload).unwrap();
                            }
                            crate::artifact::Element::U32 => {
                                let words = crate::bytes::words(&payload).into_owned();
                                writer.add_words(s.kind, s.id, words).unwrap();
                            }
                        }
                    }
                    let damaged = writer.finish();
                    match read(&damaged) {
                        Err(_) => refused += 1,
                        Ok(v) => {
                            // A walk over the trie ends and stays in range.
                            let mut node = 0;
                            while node < v.trie().len() {
                                v.trie().tokens_at(node);
                                v.trie().tokens_below(node);
                                node = v.trie().nodes()[node].skip as usize;
                            }
                            let same = facts(&v) == facts(&given);
                            let notes = (v.name(), v.leading_space());
                            let harmless = notes != (given.name(), given.leading_space());
                            assert!(same || harmless || v.verify_trie().is_err());
                        }
                    }
                }
            }
        }
        assert!(refused > 300, "{refused}");
    }

    /// A walk down a trie trusts that a token is as long as its path.
    #[test]
    fn tokens_that_are_not_as_long_as_their_path_are_refused() {
        let given = vocabulary();
        let bytes = given.to_artifact();
        let artifact = Artifact::open(&bytes).unwrap();
        let tokens = artifact.words(kinds::TRIE_TOKENS, 0).unwrap().into_owned();
        let (mut refused, mut same_length) = (0, 0);
        for i in 0..tokens.len() {
            for j in 0..i {
                let mut swapped = tokens.clone();
                swapped.swap(i, j);
                let mut writer = ArtifactWriter::new(*given.fingerprint(), [0; 32]);
                for s in artifact.sections() {
                    let payload = &bytes[s.offset as usize..][..s.len as usize];
                    match s.element {
                        _ if s.kind == kinds::TRIE_TOKENS => {
                            writer.add_words(s.kind, 0, swapped.as_slice()).unwrap();
                        }
                        crate::artifact::Element::U8 => {
                            writer.add_bytes(s.kind, 0, payload).unwrap();
                        }
                        crate::artifact::Element::U32 => {
                            let words = crate::bytes::words(payload).into_owned();
                            writer.add_words(s.kind, 0, words).unwrap();
                        }
                    }
                }
                let len = |i: usize| given.bytes(TokenId(tokens[i])).len();
                match read(&writer.finish()) {
                    Ok(v) => {
                        assert_eq!(len(i), len(j));
                        assert!(v.verify_trie().is_err());
                        same_length += 1;
                    }
                    Err(e) => {
                        assert_ne!(len(i), len(j), "{e}");
                        refused += 1;
                    }
                }
            }
        }
        assert!(refused > 0 && same_length > 0, "{refused}, {same_length}");
    }

    #[test]
    fn an_empty_vocabulary_can_be_stored() {
        let empty = Vocabulary::new("", [], &[], None).unwrap();
        assert_eq!(facts(&read(&empty.to_artifact()).unwrap()), facts(&empty));
    }
}
