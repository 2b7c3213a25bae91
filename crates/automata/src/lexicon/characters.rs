//! Characters in what lies below a node of a trie, as classes.
//!
//! A lexeme that is in a loop (text of a string, the rest of a name) stays inside for a whole subtree
//! where all of the bytes below lead from its state to itself. ASCII is told by bytes; of other characters
//! each byte leads to a state of its own, so these are told as a whole: those of names ([`LETTERS`],
//! [`MARKS`]), which are most of them and are alike to most patterns, and the others by the range that
//! their first byte gives.

use maskwright_tables::TokenTrie;
use maskwright_tables::trie::{Classes, byte_class};
use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};
use std::sync::OnceLock;

/// The classes of characters outside ASCII, which no byte has: those that are neither [`LETTERS`] nor
/// [`MARKS`], by ranges of their first bytes. Patterns leave out a few blocks more often than all.
const RANGES: [(u32, [char; 2]); 11] = [
    (11, ['\u{80}', '\u{bf}']),
    (12, ['\u{c0}', '\u{7ff}']),
    (14, ['\u{800}', '\u{fff}']),
    (15, ['\u{1000}', '\u{1fff}']),
    (16, ['\u{2000}', '\u{2fff}']),
    (17, ['\u{3000}', '\u{3fff}']),
    (18, ['\u{4000}', '\u{cfff}']),
    (19, ['\u{d000}', '\u{d7ff}']),
    (20, ['\u{e000}', '\u{efff}']),
    (21, ['\u{f000}', '\u{ffff}']),
    (22, ['\u{10000}', char::MAX]),
];

/// The class of letters with which names go on by any usual definition.
const LETTERS: u32 = 23;

/// The class of marks and digits with which names go on by most definitions.
const MARKS: u32 = 24;

/// What [`LETTERS`] and [`MARKS`] are. The letters of Latin-1 below `À` are in no names of XML, and behind the
/// planes that have letters there are selectors of variants only.
const NAMES: [(u32, &str); 2] = [
    (LETTERS, r"[\p{L}&&\p{XID_Continue}&&[\x{c0}-\x{31fff}]]"),
    (
        MARKS,
        r"[[\p{M}\p{Nd}]&&\p{XID_Continue}&&[\x{c0}-\x{31fff}]]",
    ),
];

/// All classes of characters, one bit each.
pub const CHARACTERS: Classes = {
    let mut all = 1 << LETTERS | 1 << MARKS;
    let mut i = 0;
    while i < RANGES.len() {
        all |= 1 << RANGES[i].0;
        i += 1;
    }
    all
};

/// Stands for no bytes: the node is in the middle of a character, and the other classes are of whole ones.
pub const MIDDLE: Classes = 1 << 25;

/// Stands for no bytes: a token below is not text in UTF-8, so the other classes do not tell what it is.
pub(super) const BROKEN: Classes = 1 << 26;

/// The characters of [`NAMES`], 64 to a word.
const WORDS: usize = 0x3_2000 / 64;

struct Names {
    /// Of [`LETTERS`] and of [`MARKS`].
    words: [Box<[u64]>; 2],
    /// The characters of each class of [`CHARACTERS`], as increasing ranges.
    characters: Vec<(u32, Vec<[u32; 2]>)>,
}

impl Names {
    fn get() -> &'static Names {
        static NAMES: OnceLock<Names> = OnceLock::new();
        NAMES.get_or_init(Names::new)
    }

    fn new() -> Names {
        let names = NAMES.map(|(class, pattern)| (class, unicode(pattern)));
        let words = names.each_ref().map(|(_, characters)| {
            let mut words = vec![0u64; WORDS].into_boxed_slice();
            for range in characters.iter() {
                for c in u32::from(range.start())..=u32::from(range.end()) {
                    words[c as usize / 64] |= 1 << (c % 64);
                }
            }
            words
        });
        let others = RANGES.map(|(class, [first, last])| {
            let mut characters = ClassUnicode::new([ClassUnicodeRange::new(first, last)]);
            for (_, named) in &names {
                characters.difference(named);
            }
            (class, characters)
        });
        let lists = names.into_iter().chain(others);
        let ranges = |list: ClassUnicode| {
            let ranges = list.iter().map(|r| [r.start().into(), r.end().into()]);
            ranges.collect()
        };
        Names {
            words,
            characters: lists.map(|(class, list)| (class, ranges(list))).collect(),
        }
    }

    /// The class of a character, or of one that is cut off: of some one among those that it may be.
    fn class(&self, first: u32, last: u32) -> u32 {
        let any = |words: &[u64]| {
            let (from, to) = (first as usize / 64, last as usize / 64);
            (from..=to.min(WORDS - 1)).any(|i| {
                let low = if i == from { first % 64 } else { 0 };
                let high = if i == to { last % 64 } else { 63 };
                words[i] & (u64::MAX << low) & (u64::MAX >> (63 - high)) != 0
            })
        };
        for (words, (class, _)) in self.words.iter().zip(NAMES) {
            if any(words) {
                return class;
            }
        }
        let range = RANGES.iter().find(|r| first <= u32::from(r.1[1]));
        range.map_or(RANGES[RANGES.len() - 1].0, |r| r.0)
    }
}

/// The characters of a class of a regex.
fn unicode(pattern: &str) -> ClassUnicode {
    match regex_syntax::parse(pattern).map(|hir| hir.into_kind()) {
        Ok(HirKind::Class(Class::Unicode(class))) => class,
        _ => ClassUnicode::empty(),
    }
}

/// The characters of each class of [`CHARACTERS`], as increasing ranges.
pub(super) fn characters() -> &'static [(u32, Vec<[u32; 2]>)] {
    &Names::get().characters
}

/// A text in UTF-8 as far as it is read.
#[derive(Clone, Copy)]
struct Utf8 {
    /// What may come next: 0 where a character may begin, [`Utf8::INVALID`] where it is no text; else how many
    /// bytes are missing, 4 to 7 being those after E0, ED, F0 and F4.
    state: u8,
    /// The bits of the character so far.
    value: u32,
}

impl Utf8 {
    const START: Utf8 = Utf8 { state: 0, value: 0 };
    const INVALID: u8 = 8;

    fn next(self, byte: u8) -> Utf8 {
        let state = match (self.state, byte) {
            (0, 0..=0x7f) | (1, 0x80..=0xbf) => 0,
            (0, 0xc2..=0xdf) | (2, 0x80..=0xbf) | (4, 0xa0..=0xbf) | (5, 0x80..=0x9f) => 1,
            (0, 0xe1..=0xec | 0xee..=0xef) | (3, 0x80..=0xbf) => 2,
            (6, 0x90..=0xbf) | (7, 0x80..=0x8f) => 2,
            (0, 0xf1..=0xf3) => 3,
            (0, 0xe0) => 4,
            (0, 0xed) => 5,
            (0, 0xf0) => 6,
            (0, 0xf4) => 7,
            _ => Self::INVALID,
        };
        let bits = u32::from(byte);
        let value = match (self.state, byte) {
            (0, 0xf0..) => bits & 0x07,
            (0, 0xe0..) => bits & 0x0f,
            (0, _) => bits & 0x1f,
            _ => self.value << 6 | bits & 0x3f,
        };
        Utf8 { state, value }
    }

    /// Whether a character is cut off here.
    fn is_inside(self) -> bool {
        !matches!(self.state, 0 | Self::INVALID)
    }

    /// The class of the character, whole or cut off.
    fn class(self, names: &Names) -> u32 {
        let missing = [0, 1, 2, 3, 2, 2, 3, 3][usize::from(self.state)];
        let first = self.value << (6 * missing);
        let last = first | ((1 << (6 * missing)) - 1);
        // No character has a longer spelling than it needs.
        let least = if self.state == 6 { 0x1_0000 } else { 0x80 };
        names.class(first.max(least), last)
    }
}

/// For each node the [classes](byte_class) of the bytes below it, one bit each: those on the edges
/// of its subtree, its own edge left out. Characters outside ASCII that begin where one may have
/// classes of their own ([`CHARACTERS`]). In the middle of a character ([`MIDDLE`]) they are those of
/// the subtree as seen from where the character begins, so the character counts too.
pub fn classes_below(trie: &TokenTrie) -> Vec<Classes> {
    let names = Names::get();
    let nodes = trie.nodes();
    let mut below = vec![0; trie.len()];
    // With the text up to each node.
    let mut path: Vec<(usize, Utf8)> = Vec::new();
    let close = |below: &mut [Classes], path: &mut Vec<(usize, Utf8)>| {
        let Some((child, text)) = path.pop() else {
            return;
        };
        let byte = nodes[child].byte;
        let mut seen = below[child];
        if text.is_inside() {
            if !trie.tokens_at(child).is_empty() {
                seen |= 1 << text.class(names);
            }
            below[child] = seen | MIDDLE;
        } else if text.state == Utf8::INVALID {
            seen |= 1 << byte_class(byte) | BROKEN;
        } else if byte.is_ascii() {
            seen |= 1 << byte_class(byte);
        } else {
            seen |= 1 << text.class(names);
        }
        if let Some(&(parent, _)) = path.last() {
            below[parent] |= seen;
        }
    };
    for (i, node) in nodes.iter().enumerate() {
        while path.last().is_some_and(|p| nodes[p.0].skip as usize <= i) {
            close(&mut below, &mut path);
        }
        let text = match path.last() {
            Some(&(_, text)) => text.next(node.byte),
            None => Utf8::START,
        };
        path.push((i, text));
    }
    while !path.is_empty() {
        close(&mut below, &mut path);
    }
    below
}

#[cfg(test)]
mod tests {
    use super::*;
    use maskwright_tables::TokenId;

    #[test]
    fn each_character_outside_ascii_has_one_class() {
        let mut all: Vec<[u32; 2]> = Vec::new();
        for (class, list) in characters() {
            assert_ne!(CHARACTERS >> class & 1, 0);
            assert!(list.windows(2).all(|w| w[0][1] < w[1][0]), "{class}");
            all.extend(list);
        }
        assert_eq!(characters().len(), CHARACTERS.count_ones() as usize);
        all.sort_unstable();
        let surrogates = |from: u32| if from == 0xd800 { 0xe000 } else { from };
        let end = all.iter().fold(0x80, |from, range| {
            assert_eq!(surrogates(from), range[0]);
            range[1] + 1
        });
        assert_eq!(end, 0x11_0000);
        let class = |c: char| Names::get().class(c as u32, c as u32);
        for letter in ['é', 'ж', '中', 'あ', '한', '𐐀'] {
            assert_eq!(class(letter), LETTERS, "{letter}");
        }
        for mark in ['\u{301}', '٣', '\u{94d}'] {
            assert_eq!(class(mark), MARKS, "{mark}");
        }
        for (other, range) in [('ª', 11), ('×', 12), ('“', 16), ('。', 17), ('😀', 22)] {
            assert_eq!(class(other), range, "{other}");
        }
    }

    #[test]
    fn classes_below_tell_characters_from_bytes() {
        let words: [&[u8]; 8] = [
            b"a\xc3\xa9b",
            b"ab",
            b"c\xa9",
            b"d\xe0\xa0",
            b"d\xed\xa0\x80",
            b"\xf0\x9f\x98",
            b"e\xc3A",
            b"f\xe2\x80\xaf",
        ];
        let entries = words.iter().enumerate();
        let trie = TokenTrie::new(entries.map(|(i, w)| (TokenId(i as u32), *w)));
        let below = classes_below(&trie);
        let at = |path: &[u8]| {
            let node = path
                .iter()
                .try_fold(0, |node, byte| trie.child(node, *byte));
            below[node.unwrap()]
        };
        let (b, letter) = (1 << byte_class(b'b'), 1 << LETTERS);
        assert_eq!(at(b"a"), b | letter);
        // In the middle of a character, what follows is bytes to begin with.
        assert_eq!(at(b"a\xc3"), b | letter | MIDDLE);
        assert_eq!(at(b"a\xc3\xa9"), b);
        assert_eq!(at(b"c"), 1 << byte_class(0xa9) | BROKEN);
        // U+0800 to U+083F: Samaritan letters are among them.
        assert_eq!(at(b"d\xe0"), letter | MIDDLE);
        assert_ne!(at(b"d") & BROKEN, 0, "a surrogate is no character");
        assert_ne!(at(b"e") & BROKEN, 0, "a character is cut off by another");
        assert_eq!(at(b"f"), 1 << 16, "a narrow space is no letter");
        // U+1F600 to U+1F63F.
        assert_eq!(at(b"\xf0"), 1 << 22 | MIDDLE);
        assert_ne!(at(b"") & 1 << 22, 0);
    }

    #[test]
    fn classes_below_are_those_of_all_tokens_below() {
        let words = [
            "the", "then", "they are", "größe", "中文", "中間a", "“x”", "\u{301}b",
        ];
        let entries = words.iter().enumerate();
        let trie = TokenTrie::new(entries.map(|(i, w)| (TokenId(i as u32), w.as_bytes())));
        let below = classes_below(&trie);
        for prefix in words
            .iter()
            .flat_map(|w| w.char_indices().map(|(i, _)| &w[..i]))
        {
            let bytes = prefix.bytes();
            let node = bytes.fold(0, |node, byte| trie.child(node, byte).unwrap());
            let mut all = 0;
            for rest in words.iter().filter_map(|w| w.strip_prefix(prefix)) {
                for c in rest.chars() {
                    all |= 1
                        << match u8::try_from(c) {
                            Ok(byte) if byte.is_ascii() => byte_class(byte),
                            _ => Names::get().class(c as u32, c as u32),
                        };
                }
            }
            assert_eq!(below[node], all, "{prefix:?}");
        }
    }
}
