//! How the pieces in a tokenizer file spell bytes.

use std::fmt;

/// How the pieces in a tokenizer file spell bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Encoding {
    /// A piece is its UTF-8 bytes.
    Raw,
    /// GPT-2's table: each character stands for one byte (`Ġ` is a space). A piece with a character
    /// outside the table is its UTF-8 bytes, as decoders have it.
    ByteLevel,
    /// `▁` stands for a space; with `byte_fallback`, `<0xHH>` stands for one byte.
    Metaspace {
        /// Whether pieces of the form `<0xHH>` are bytes.
        byte_fallback: bool,
    },
    /// A piece with the prefix continues a word, any other begins one and spells a space first.
    WordPiece {
        /// The prefix, usually `##`.
        prefix: String,
    },
    /// A piece with the suffix ends a word, so that the suffix spells a space.
    WordSuffix {
        /// The suffix, usually `</w>`.
        suffix: String,
    },
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Encoding::Raw => f.write_str("raw"),
            Encoding::ByteLevel => f.write_str("byte-level"),
            Encoding::Metaspace {
                byte_fallback: false,
            } => f.write_str("metaspace"),
            Encoding::Metaspace {
                byte_fallback: true,
            } => f.write_str("metaspace with byte fallback"),
            Encoding::WordPiece { prefix } => write!(f, "word pieces, continued by {prefix}"),
            Encoding::WordSuffix { suffix } => write!(f, "words ended by {suffix}"),
        }
    }
}

impl Encoding {
    /// The bytes of an ordinary piece.
    pub fn decode(&self, piece: &str) -> Vec<u8> {
        match self {
            Encoding::Raw => piece.as_bytes().to_vec(),
            Encoding::ByteLevel => {
                let bytes: Option<Vec<u8>> = piece.chars().map(byte_of).collect();
                bytes.unwrap_or_else(|| piece.as_bytes().to_vec())
            }
            Encoding::Metaspace { byte_fallback } => {
                match byte_fallback
                    .then(|| fallback_byte(piece.as_bytes()))
                    .flatten()
                {
                    Some(byte) => vec![byte],
                    None => unescape_spaces(piece.as_bytes()),
                }
            }
            Encoding::WordPiece { prefix } => match piece.strip_prefix(prefix.as_str()) {
                Some(rest) => rest.as_bytes().to_vec(),
                None => [b" ", piece.as_bytes()].concat(),
            },
            Encoding::WordSuffix { suffix } => match piece.strip_suffix(suffix.as_str()) {
                Some(rest) => [rest.as_bytes(), b" "].concat(),
                None => piece.as_bytes().to_vec(),
            },
        }
    }

    /// The bytes of a piece that was added to the vocabulary as literal text. The byte-level table
    /// does not apply to those, while `▁` still stands for a space.
    pub fn decode_added(&self, piece: &str) -> Vec<u8> {
        match self {
            Encoding::Metaspace { .. } => unescape_spaces(piece.as_bytes()),
            _ => piece.as_bytes().to_vec(),
        }
    }
}

/// The byte that a character stands for in GPT-2's table: printable Latin-1 stands for itself, and
/// the 68 other bytes, in order, have the characters from U+0100 on.
fn byte_of(c: char) -> Option<u8> {
    match u32::from(c) {
        c @ (0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff) => Some(c as u8),
        c @ 0x100..=0x120 => Some((c - 0x100) as u8),
        c @ 0x121..=0x142 => Some((c - 0x121 + 0x7f) as u8),
        0x143 => Some(0xad),
        _ => None,
    }
}

/// The byte of a piece `<0xHH>`.
pub(super) fn fallback_byte(piece: &[u8]) -> Option<u8> {
    let [b'<', b'0', b'x', high, low, b'>'] = piece else {
        return None;
    };
    let digit = |c: &u8| (*c as char).to_digit(16);
    Some((digit(high)? << 4 | digit(low)?) as u8)
}

/// `▁` (U+2581) to spaces.
pub(super) fn unescape_spaces(piece: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(piece.len());
    let mut rest = piece;
    while let Some((&byte, tail)) = rest.split_first() {
        match rest.strip_prefix("▁".as_bytes()) {
            Some(tail) => {
                out.push(b' ');
                rest = tail;
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table as GPT-2's own code builds it.
    fn gpt2_table() -> Vec<char> {
        let own: Vec<u32> = (0x21..=0x7e)
            .chain(0xa1..=0xac)
            .chain(0xae..=0xff)
            .collect();
        let mut next = 0x100;
        let chars = (0..=255).map(|b| {
            let c = if own.contains(&b) {
                b
            } else {
                next += 1;
                next - 1
            };
            char::from_u32(c).unwrap()
        });
        chars.collect()
    }

    #[test]
    fn byte_level_round_trips_all_bytes() {
        for (byte, c) in gpt2_table().into_iter().enumerate() {
            assert_eq!(
                Encoding::ByteLevel.decode(&c.to_string()),
                [byte as u8],
                "{c}"
            );
        }
        assert_eq!(Encoding::ByteLevel.decode("Ġhé"), b" h\xe9");
        assert_eq!(Encoding::ByteLevel.decode("a b"), b"a b");
        assert_eq!(Encoding::ByteLevel.decode_added("é"), "é".as_bytes());
        assert_eq!(Encoding::ByteLevel.decode("<0x41>"), b"<0x41>");
    }

    #[test]
    fn metaspace_with_fallback_round_trips_all_bytes() {
        let encoding = Encoding::Metaspace {
            byte_fallback: true,
        };
        for byte in 0..=255u8 {
            assert_eq!(encoding.decode(&format!("<0x{byte:02X}>")), [byte]);
            assert_eq!(encoding.decode(&format!("<0x{byte:02x}>")), [byte]);
        }
        assert_eq!(encoding.decode("▁▁a▁"), b"  a ");
        for piece in ["<0x4>", "<0x+1>", "<0x411>", "<0xGG>", "a<0x41>"] {
            assert_eq!(encoding.decode(piece), piece.as_bytes());
        }
        let without = Encoding::Metaspace {
            byte_fallback: false,
        };
        assert_eq!(without.decode("<0x41>"), b"<0x41>");
        // An added token is literal text even if it looks like a byte.
        assert_eq!(encoding.decode_added("<0x41>"), b"<0x41>");
        assert_eq!(encoding.decode_added("▁▁"), b"  ");
    }

    #[test]
    fn words_carry_their_space() {
        let pieces = Encoding::WordPiece {
            prefix: "##".into(),
        };
        assert_eq!(pieces.decode("play"), b" play");
        assert_eq!(pieces.decode("##ing"), b"ing");
        let suffix = Encoding::WordSuffix {
            suffix: "</w>".into(),
        };
        assert_eq!(suffix.decode("ing</w>"), b"ing ");
        assert_eq!(suffix.decode("play"), b"play");
    }
}
