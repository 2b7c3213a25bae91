//! The model's vocabulary: token id → bytes and kind, the end tokens, and the width of the logits.

use crate::{TokenId, TokenTrie};
use std::fmt;
use std::sync::OnceLock;

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TokenKind {
    /// The token spells its bytes.
    Text = 0,
    /// A control token: it spells nothing and is reachable only by name or id.
    Special = 1,
    /// A hole in the id space, an `<unk>`, or an empty token: never allowed.
    Unused = 2,
}

/// Why a list of tokens is not a vocabulary.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VocabularyError {
    /// The same id is given twice.
    DuplicateId(u32),
    /// An id at or above the limit of 2^24 tokens.
    IdTooLarge(u64),
    /// An end token that is not in the vocabulary.
    UnknownEndToken(u32),
    /// A token longer than 65,535 bytes.
    TokenTooLong {
        /// The token.
        id: u32,
        /// Its length.
        bytes: usize,
    },
}

impl fmt::Display for VocabularyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateId(id) => write!(f, "token id {id} is given twice"),
            Self::IdTooLarge(id) => write!(f, "token id {id} is above the limit of {}", Vocabulary::MAX_LEN),
            Self::UnknownEndToken(id) => write!(f, "end token {id} is not in the vocabulary"),
            Self::TokenTooLong { id, bytes } => write!(f, "token {id} has {bytes} bytes, the limit is 65535"),
        }
    }
}

impl std::error::Error for VocabularyError {}

/// One token for [`Vocabulary::new`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenEntry {
    /// The id that the model uses.
    pub id: u32,
    /// What the token spells (for special tokens: its name, which is never matched as text).
    pub bytes: Vec<u8>,
    /// What the token stands for.
    pub kind: TokenKind,
}

/// The model's vocabulary. Immutable; share it by `Arc`.
///
/// Ids run from 0 to `len() - 1`; `width()` is the number of logits the model returns, which may
/// be larger (padding, never allowed) or smaller (the ids above it are never allowed).
pub struct Vocabulary {
    name: String,
    bytes: Vec<u8>,
    /// `len + 1` offsets into `bytes`.
    offsets: Vec<u32>,
    kinds: Vec<TokenKind>,
    end_tokens: Vec<TokenId>,
    width: usize,
    fingerprint: [u8; 32],
    trie: OnceLock<TokenTrie>,
}

impl Vocabulary {
    /// The largest number of tokens.
    pub const MAX_LEN: usize = 1 << 24;

    /// Builds a vocabulary from its tokens, in any order. Ids that are not given are
    /// [`TokenKind::Unused`]; text tokens without bytes become unused too.
    ///
    /// `width` is the number of logits; `None` means one for each id.
    ///
    /// # Errors
    /// A duplicate or oversized id, an oversized token, an unknown end token.
    pub fn new(
        name: impl Into<String>,
        tokens: impl IntoIterator<Item = TokenEntry>,
        end_tokens: &[u32],
        width: Option<usize>,
    ) -> Result<Self, VocabularyError> {
        let mut slots: Vec<Option<TokenEntry>> = Vec::new();
        for token in tokens {
            let id = token.id as usize;
            if id >= Self::MAX_LEN {
                return Err(VocabularyError::IdTooLarge(token.id.into()));
            }
            if token.bytes.len() > usize::from(u16::MAX) {
                return Err(VocabularyError::TokenTooLong { id: token.id, bytes: token.bytes.len() });
            }
            if id >= slots.len() {
                slots.resize_with(id + 1, || None);
            }
            if slots[id].replace(token).is_some() {
                return Err(VocabularyError::DuplicateId(id as u32));
            }
        }
        let mut bytes = Vec::new();
        let mut offsets = vec![0u32];
        let mut kinds = Vec::with_capacity(slots.len());
        for slot in &slots {
            match slot {
                Some(t) => {
                    bytes.extend_from_slice(&t.bytes);
                    let empty = t.kind == TokenKind::Text && t.bytes.is_empty();
                    kinds.push(if empty { TokenKind::Unused } else { t.kind });
                }
                None => kinds.push(TokenKind::Unused),
            }
            offsets.push(u32::try_from(bytes.len()).map_err(|_| VocabularyError::IdTooLarge(u64::MAX))?);
        }
        let len = slots.len();
        let mut end_tokens: Vec<TokenId> = end_tokens.iter().copied().map(TokenId).collect();
        end_tokens.sort_unstable();
        end_tokens.dedup();
        if let Some(t) = end_tokens.iter().find(|t| t.index() >= len) {
            return Err(VocabularyError::UnknownEndToken(t.0));
        }
        let width = width.unwrap_or(len);
        let mut h = blake3::Hasher::new();
        h.update(b"maskwright vocabulary 1");
        h.update(&(len as u64).to_le_bytes());
        h.update(&(width as u64).to_le_bytes());
        h.update(bytemuck::cast_slice(&offsets));
        h.update(&kinds.iter().map(|k| *k as u8).collect::<Vec<_>>());
        h.update(&bytes);
        h.update(bytemuck::cast_slice(&end_tokens));
        Ok(Vocabulary {
            name: name.into(),
            bytes,
            offsets,
            kinds,
            end_tokens,
            width,
            fingerprint: *h.finalize().as_bytes(),
            trie: OnceLock::new(),
        })
    }

    /// A name for people, such as `o200k_base`. Not part of the fingerprint.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of ids, holes included.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether there is no token at all.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// The number of logits that the model returns for each position.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of `u32` words in a mask: `width().div_ceil(32)`.
    pub fn mask_words(&self) -> usize {
        self.width.div_ceil(32)
    }

    /// What the token spells. For special tokens this is their name. Empty for holes and for ids
    /// that are out of range.
    #[inline]
    pub fn bytes(&self, token: TokenId) -> &[u8] {
        match self.offsets.get(token.index()..token.index() + 2) {
            Some(&[a, b]) => &self.bytes[a as usize..b as usize],
            _ => &[],
        }
    }

    /// What the token stands for; out of range ids are unused.
    #[inline]
    pub fn kind(&self, token: TokenId) -> TokenKind {
        self.kinds.get(token.index()).copied().unwrap_or(TokenKind::Unused)
    }

    /// Whether the token spells its bytes and the model has a logit for it.
    #[inline]
    pub fn is_text(&self, token: TokenId) -> bool {
        token.index() < self.width && self.kind(token) == TokenKind::Text && !self.is_end(token)
    }

    /// The end-of-text tokens, strictly increasing.
    pub fn end_tokens(&self) -> &[TokenId] {
        &self.end_tokens
    }

    /// Whether `token` ends the text.
    #[inline]
    pub fn is_end(&self, token: TokenId) -> bool {
        self.end_tokens.contains(&token)
    }

    /// The text tokens with a logit, in id order, with their bytes.
    pub fn text_tokens(&self) -> impl Iterator<Item = (TokenId, &[u8])> {
        (0..self.len() as u32).map(TokenId).filter(|t| self.is_text(*t)).map(|t| (t, self.bytes(t)))
    }

    /// A digest of ids, bytes, kinds, end tokens and width.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// The prefix tree of the text tokens, built on first use.
    pub fn trie(&self) -> &TokenTrie {
        self.trie.get_or_init(|| TokenTrie::new(self.text_tokens()))
    }
}

impl fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vocabulary")
            .field("name", &self.name)
            .field("len", &self.len())
            .field("width", &self.width)
            .field("end_tokens", &self.end_tokens)
            .finish_non_exhaustive()
    }
}
