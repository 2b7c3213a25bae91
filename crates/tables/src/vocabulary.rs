//! The model's vocabulary: token id → bytes and kind, the end tokens, and the width of the logits.

use crate::bytes::little_endian;
use crate::trie::{Fans, Quotes};
use crate::{TokenId, TokenTrie};
use bytemuck::{CheckedBitPattern, NoUninit};
use std::fmt;
use std::sync::OnceLock;

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, NoUninit, CheckedBitPattern)]
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
    /// The tokens together have more bytes than [`Vocabulary::MAX_BYTES`].
    TooManyBytes(usize),
    /// The width of the logits is above the limit of 2^24.
    WidthTooLarge(usize),
    /// The offsets given to [`Vocabulary::from_parts`] do not cut its bytes into tokens.
    BadOffsets {
        /// The first token whose bytes are not a range, or the number of tokens when the ends of
        /// the array are wrong.
        token: usize,
    },
}

impl fmt::Display for VocabularyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DuplicateId(id) => write!(f, "token id {id} is given twice"),
            Self::IdTooLarge(id) => write!(
                f,
                "token id {id} is above the limit of {}",
                Vocabulary::MAX_LEN
            ),
            Self::UnknownEndToken(id) => write!(f, "end token {id} is not in the vocabulary"),
            Self::TokenTooLong { id, bytes } => {
                write!(f, "token {id} has {bytes} bytes, the limit is 65535")
            }
            Self::TooManyBytes(given) => {
                write!(
                    f,
                    "the tokens have {given} bytes together, the limit is {}",
                    Vocabulary::MAX_BYTES
                )
            }
            Self::WidthTooLarge(given) => {
                write!(
                    f,
                    "a width of {given} logits is above the limit of {}",
                    Vocabulary::MAX_LEN
                )
            }
            Self::BadOffsets { token } => {
                write!(f, "the byte offsets around token {token} are not in order")
            }
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
    leading_space: bool,
    has_gaps: OnceLock<bool>,
    fingerprint: [u8; 32],
    trie: OnceLock<TokenTrie>,
    fans: OnceLock<Fans>,
    quotes: OnceLock<Quotes>,
}

/// The bytes of JSON's brackets, separators and literals.
const JSON: &[u8] = b"{}[]:,\"truefalsn";

impl Vocabulary {
    /// The largest number of tokens.
    pub const MAX_LEN: usize = 1 << 24;

    /// The largest number of bytes of all tokens together (1 GiB).
    pub const MAX_BYTES: usize = 1 << 30;

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
        // Sorting the entries that are there keeps memory in proportion to them; a slot for each
        // id would let one large id allocate half a gigabyte.
        let mut entries: Vec<TokenEntry> = tokens.into_iter().collect();
        if !entries.is_sorted_by_key(|t| t.id) {
            entries.sort_by_key(|t| t.id);
        }
        if let Some(pair) = entries.windows(2).find(|w| w[0].id == w[1].id) {
            return Err(VocabularyError::DuplicateId(pair[0].id));
        }
        let len = entries.last().map_or(0, |t| t.id as usize + 1);
        if len > Self::MAX_LEN {
            return Err(VocabularyError::IdTooLarge(len as u64 - 1));
        }
        let mut bytes = Vec::with_capacity(entries.iter().map(|t| t.bytes.len()).sum());
        let mut offsets = Vec::with_capacity(len + 1);
        let mut kinds = Vec::with_capacity(len);
        offsets.push(0);
        for t in &entries {
            let hole = bytes.len() as u32;
            offsets.resize(t.id as usize + 1, hole);
            kinds.resize(t.id as usize, TokenKind::Unused);
            bytes.extend_from_slice(&t.bytes);
            if bytes.len() > Self::MAX_BYTES {
                return Err(VocabularyError::TooManyBytes(bytes.len()));
            }
            offsets.push(bytes.len() as u32);
            kinds.push(t.kind);
        }
        Self::from_parts(name, offsets, bytes, kinds, end_tokens, width)
    }

    /// Builds a vocabulary from its flat form: token `t` has the bytes
    /// `bytes[offsets[t]..offsets[t + 1]]` and the kind `kinds[t]`. Text tokens without bytes become
    /// unused.
    ///
    /// Shapes: `offsets: [u32; len + 1]`, `kinds: [TokenKind; len]`. Cost: one pass, one digest.
    ///
    /// # Errors
    /// As [`Vocabulary::new`], and offsets that do not cut `bytes` into `kinds.len()` ranges.
    pub fn from_parts(
        name: impl Into<String>,
        offsets: Vec<u32>,
        bytes: Vec<u8>,
        mut kinds: Vec<TokenKind>,
        end_tokens: &[u32],
        width: Option<usize>,
    ) -> Result<Self, VocabularyError> {
        let len = kinds.len();
        if len > Self::MAX_LEN {
            return Err(VocabularyError::IdTooLarge(len as u64 - 1));
        }
        if bytes.len() > Self::MAX_BYTES {
            return Err(VocabularyError::TooManyBytes(bytes.len()));
        }
        let ends = (
            offsets.first().copied(),
            offsets.last().map(|&e| e as usize),
        );
        if offsets.len() != len + 1 || ends != (Some(0), Some(bytes.len())) {
            return Err(VocabularyError::BadOffsets { token: len });
        }
        for (token, pair) in offsets.windows(2).enumerate() {
            let Some(token_bytes) = pair[1].checked_sub(pair[0]) else {
                return Err(VocabularyError::BadOffsets { token });
            };
            if token_bytes > u32::from(u16::MAX) {
                return Err(VocabularyError::TokenTooLong {
                    id: token as u32,
                    bytes: token_bytes as usize,
                });
            }
            if token_bytes == 0 && kinds[token] == TokenKind::Text {
                kinds[token] = TokenKind::Unused;
            }
        }
        let mut end_tokens: Vec<TokenId> = end_tokens.iter().copied().map(TokenId).collect();
        end_tokens.sort_unstable();
        end_tokens.dedup();
        if let Some(t) = end_tokens.iter().find(|t| t.index() >= len) {
            return Err(VocabularyError::UnknownEndToken(t.0));
        }
        let width = width.unwrap_or(len);
        if width > Self::MAX_LEN {
            return Err(VocabularyError::WidthTooLarge(width));
        }
        let fingerprint = digest(&offsets, &bytes, &kinds, &end_tokens, width);
        Ok(Vocabulary {
            name: name.into(),
            bytes,
            offsets,
            kinds,
            end_tokens,
            width,
            leading_space: false,
            has_gaps: OnceLock::new(),
            fingerprint,
            trie: OnceLock::new(),
            fans: OnceLock::new(),
            quotes: OnceLock::new(),
        })
    }

    /// A name for people, such as `o200k_base`. Not part of the fingerprint.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same vocabulary with [`Vocabulary::leading_space`] set.
    pub fn with_leading_space(self, leading_space: bool) -> Self {
        Vocabulary {
            leading_space,
            ..self
        }
    }

    /// Whether the tokenizer puts a space before each text and takes it off after decoding, so
    /// that the first token of a text usually spells a space that is not part of the text.
    ///
    /// The tokens' bytes do not depend on it: a leading space is always spelled. It is a note to
    /// whoever decodes or feeds a matcher, and not part of the fingerprint.
    pub fn leading_space(&self) -> bool {
        self.leading_space
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
        self.kinds
            .get(token.index())
            .copied()
            .unwrap_or(TokenKind::Unused)
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
        self.end_tokens.binary_search(&token).is_ok()
    }

    /// The text tokens with a logit, in id order, with their bytes.
    pub fn text_tokens(&self) -> impl Iterator<Item = (TokenId, &[u8])> {
        (0..self.len() as u32)
            .map(TokenId)
            .filter(|t| self.is_text(*t))
            .map(|t| (t, self.bytes(t)))
    }

    /// Whether some byte occurs in text tokens and is none by itself, so that not everything that
    /// consists of their bytes can be spelled with them; or whether some byte with which every JSON
    /// text is built occurs in no token, so that not every kind of value can be spelled. Found on first
    /// use, in the trie.
    pub fn has_gaps(&self) -> bool {
        *self.has_gaps.get_or_init(|| self.find_gaps())
    }

    fn find_gaps(&self) -> bool {
        let (mut all, mut single) = ([false; 256], [false; 256]);
        let trie = self.trie();
        for node in trie.nodes().iter().skip(1) {
            all[usize::from(node.byte)] = true;
        }
        for child in trie.children(0) {
            let byte = usize::from(trie.nodes()[child].byte);
            single[byte] = !trie.tokens_at(child).is_empty();
        }
        all != single || JSON.iter().any(|byte| !all[usize::from(*byte)])
    }

    /// Offsets, bytes and kinds, as [`Vocabulary::from_parts`] takes them.
    pub(crate) fn parts(&self) -> (&[u32], &[u8], &[TokenKind]) {
        (&self.offsets, &self.bytes, &self.kinds)
    }

    /// The vocabulary with a trie that was stored with it.
    pub(crate) fn with_trie(self, trie: TokenTrie) -> Self {
        Vocabulary {
            trie: OnceLock::from(trie),
            ..self
        }
    }

    /// A digest of ids, bytes, kinds, end tokens and width.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// The prefix tree of the text tokens, built on first use.
    pub fn trie(&self) -> &TokenTrie {
        self.trie.get_or_init(|| TokenTrie::new(self.text_tokens()))
    }

    /// The children of those nodes of the trie that have many, listed on first use.
    pub fn fans(&self) -> &Fans {
        self.fans.get_or_init(|| Fans::new(self.trie()))
    }

    /// Where tokens begin and close JSON's strings, found on first use.
    pub fn quotes(&self) -> &Quotes {
        self.quotes.get_or_init(|| Quotes::new(self.trie()))
    }
}

/// The fingerprint of a vocabulary: all that a mask can depend on, numbers in little-endian order.
fn digest(
    offsets: &[u32],
    bytes: &[u8],
    kinds: &[TokenKind],
    ends: &[TokenId],
    width: usize,
) -> [u8; 32] {
    let mut h = blake3::Hasher::new();
    h.update(b"maskwright vocabulary 1");
    h.update(&(kinds.len() as u64).to_le_bytes());
    h.update(&(width as u64).to_le_bytes());
    h.update(&little_endian(offsets));
    h.update(bytemuck::cast_slice(kinds));
    h.update(bytes);
    h.update(&little_endian(bytemuck::cast_slice(ends)));
    *h.finalize().as_bytes()
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
