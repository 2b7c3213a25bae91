//! The vocabularies inside the library, as packed by the build script (which documents the format).

use maskwright_tables::{TokenKind, Vocabulary};
use std::sync::{Arc, OnceLock};

/// The length that marks a hole in the id space.
const HOLE: u16 = u16::MAX;

struct Pack {
    name: &'static str,
    bytes: &'static [u8],
    end_token: u32,
    loaded: OnceLock<Arc<Vocabulary>>,
}

static PACKS: [Pack; 2] = [
    Pack {
        name: "o200k_base",
        bytes: include_bytes!(concat!(env!("OUT_DIR"), "/o200k_base.pack")),
        end_token: 199_999,
        loaded: OnceLock::new(),
    },
    Pack {
        name: "cl100k_base",
        bytes: include_bytes!(concat!(env!("OUT_DIR"), "/cl100k_base.pack")),
        end_token: 100_257,
        loaded: OnceLock::new(),
    },
];

/// The names of the embedded vocabularies, the default first.
pub fn names() -> impl Iterator<Item = &'static str> {
    PACKS.iter().map(|p| p.name)
}

/// The embedded vocabulary called `name`, unpacked on first use and then shared.
pub fn get(name: &str) -> Option<Arc<Vocabulary>> {
    PACKS.iter().find(|p| p.name == name).map(Pack::load)
}

pub(super) fn o200k_base() -> Arc<Vocabulary> {
    PACKS[0].load()
}

pub(super) fn cl100k_base() -> Arc<Vocabulary> {
    PACKS[1].load()
}

impl Pack {
    fn load(&self) -> Arc<Vocabulary> {
        self.loaded
            .get_or_init(|| {
                // The pack is the build script's own output: a fault in it is a bug, and the tests
                // load both.
                Arc::new(self.unpack().expect("the build script writes valid packs"))
            })
            .clone()
    }

    fn unpack(&self) -> Option<Vocabulary> {
        let (len, rest) = self.bytes.split_first_chunk()?;
        let len = u32::from_le_bytes(*len) as usize;
        let (lengths, rest) = rest.split_at_checked(2 * len)?;
        let (special_len, rest) = rest.split_first_chunk()?;
        let (special, bytes) =
            rest.split_at_checked(4 * u32::from_le_bytes(*special_len) as usize)?;
        let mut offsets = Vec::with_capacity(len + 1);
        let mut kinds = Vec::with_capacity(len);
        let mut end = 0;
        offsets.push(end);
        for length in lengths.as_chunks().0 {
            match u16::from_le_bytes(*length) {
                HOLE => kinds.push(TokenKind::Unused),
                length => {
                    end += u32::from(length);
                    kinds.push(TokenKind::Text);
                }
            }
            offsets.push(end);
        }
        for id in special.as_chunks().0 {
            *kinds.get_mut(u32::from_le_bytes(*id) as usize)? = TokenKind::Special;
        }
        Vocabulary::from_parts(
            self.name,
            offsets,
            bytes.to_vec(),
            kinds,
            &[self.end_token],
            None,
        )
        .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maskwright_tables::TokenId;

    #[test]
    fn both_are_whole() {
        for (name, len, text, special) in [
            ("o200k_base", 200_019, 199_998, 2),
            ("cl100k_base", 100_277, 100_256, 5),
        ] {
            let v = get(name).unwrap();
            assert_eq!(v.name(), name);
            assert_eq!(v.len(), len);
            assert_eq!(v.width(), len);
            assert_eq!(v.text_tokens().count(), text);
            let ids = || (0..len as u32).map(TokenId);
            assert_eq!(
                ids().filter(|t| v.kind(*t) == TokenKind::Special).count(),
                special
            );
            assert_eq!(v.end_tokens().len(), 1);
            assert_eq!(v.bytes(v.end_tokens()[0]), b"<|endoftext|>");
            // Every byte is a token, so every text can be spelled.
            let root_children: Vec<u8> = v
                .trie()
                .children(0)
                .map(|c| v.trie().nodes()[c].byte)
                .collect();
            assert_eq!(root_children, (0..=255).collect::<Vec<u8>>());
            assert_eq!(v.trie().tokens().len(), text);
        }
        assert!(get("p50k_base").is_none());
        assert_eq!(names().count(), 2);
    }

    #[test]
    fn known_tokens() {
        // From the published rank files.
        assert_eq!(cl100k_base().bytes(TokenId(9906)), b"Hello");
        assert_eq!(cl100k_base().bytes(TokenId(1917)), b" world");
        assert_eq!(o200k_base().bytes(TokenId(13225)), b"Hello");
        assert_eq!(o200k_base().bytes(TokenId(2375)), b" world");
        assert!(Arc::ptr_eq(&o200k_base(), &o200k_base()));
    }
}
