//! Regular languages as expression trees with Brzozowski derivatives.
//!
//! A [`Language`] is an interned tree; equal trees have equal ids. The derivative of a language by
//! a byte is what may follow that byte. With alternatives kept as sets there are finitely many
//! derivatives, so emptiness is a search through them, and that search is the only algorithm here.

use super::{MAX_DEPTH, OracleError};
use maskwright_grammar::{RegexNode, RegexPool};
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};
use std::collections::BTreeSet;

/// How many derivatives one emptiness search may visit.
const SEARCH_BUDGET: usize = 200_000;
/// How many derivatives by one byte one emptiness search may take.
const STEP_BUDGET: usize = 4_000_000;
/// How many trees may exist.
const TREE_BUDGET: usize = 4_000_000;

/// An interned language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(u32);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Tree {
    Never,
    Empty,
    /// Not empty.
    Bytes(Box<[u8]>),
    /// The rest of one character of which these bytes have been read.
    Char(Box<[(char, char)]>, Vec<u8>),
    ByteClass(Box<[(u8, u8)]>),
    /// At least two parts, none a `Concat` in first place.
    Concat(Box<[Language]>),
    /// A set: sorted, at least two.
    Alt(Box<[Language]>),
    And(Box<[Language]>),
    /// The complement within all byte strings.
    Not(Language),
    Repeat(Language, u32, Option<u32>),
    Literals(Box<[Box<[u8]>]>),
    /// The rest of a JSON string whose value must still match the language (over UTF-8).
    Json(Language, Json),
}

/// Where in a JSON string the reader is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Json {
    Open,
    Body,
    Backslash,
    /// After `\u`, the surrogate that came before, the digits so far and their value.
    Hex(Option<u16>, u8, u16),
    /// A high surrogate has been read: `\` must follow.
    LowBackslash(u16),
    /// ... and then `u`.
    LowU(u16),
}

/// The arena of languages over one alphabet, with what is known about each.
#[derive(Debug)]
pub struct Languages {
    trees: Vec<Tree>,
    ids: HashMap<Tree, Language>,
    nullable: Vec<bool>,
    /// Built without intersection, complement and JSON spelling, so it is empty only when `Never`.
    plain: Vec<bool>,
    /// Built so that it can only hold valid UTF-8.
    text: Vec<bool>,
    derived: HashMap<(Language, u8), Language>,
    /// By language and whether all bytes exist.
    live: HashMap<(Language, bool), bool>,
    /// `None` is all 256 bytes.
    alphabet: Option<Vec<u8>>,
    /// Whether any character can be spelled `\uXXXX` with the bytes that exist.
    escapes: bool,
}

impl Languages {
    /// An empty arena. `alphabet` holds the bytes that exist, `None` means all.
    pub fn new(alphabet: Option<&[u8]>) -> Self {
        Languages {
            trees: Vec::new(),
            ids: HashMap::default(),
            nullable: Vec::new(),
            plain: Vec::new(),
            text: Vec::new(),
            derived: HashMap::default(),
            live: HashMap::default(),
            escapes: alphabet.is_none_or(|bytes| {
                let digit = |d: &u8| bytes.contains(d) || bytes.contains(&d.to_ascii_uppercase());
                b"\"\\u".iter().all(|b| bytes.contains(b)) && b"0123456789abcdef".iter().all(digit)
            }),
            alphabet: alphabet.map(<[u8]>::to_vec),
        }
    }

    /// The languages of all nodes of a pool.
    ///
    /// # Errors
    /// A regex nested deeper than [`MAX_DEPTH`].
    pub fn import(&mut self, pool: &RegexPool) -> Result<Vec<Language>, OracleError> {
        let mut languages: Vec<Language> = Vec::with_capacity(pool.len());
        let mut depths: Vec<usize> = Vec::with_capacity(pool.len());
        for node in pool.nodes() {
            let of = |id: &maskwright_grammar::RegexId| languages[id.0 as usize];
            let depth = |id: &maskwright_grammar::RegexId| depths[id.0 as usize] + 1;
            let (language, deep) = match node {
                RegexNode::Never | RegexNode::Token(_) | RegexNode::Json(_) => (self.never(), 0),
                RegexNode::Empty => (self.empty(), 0),
                RegexNode::Bytes(b) => (self.bytes(b), 0),
                RegexNode::Class(ranges) => (self.class(ranges), 0),
                RegexNode::ByteClass(ranges) => (self.byte_class(ranges), 0),
                RegexNode::Concat(parts) => {
                    let parts: Vec<Language> = parts.iter().map(of).collect();
                    (self.concat(parts), 0)
                }
                RegexNode::Alt(parts) => {
                    let parts: Vec<Language> = parts.iter().map(of).collect();
                    (self.alt(parts), 0)
                }
                RegexNode::And(parts) => {
                    let parts: Vec<Language> = parts.iter().map(of).collect();
                    (self.and(parts), 0)
                }
                RegexNode::Not(inner) => {
                    let inner = of(inner);
                    let text = self.any_text();
                    let other = self.not(inner);
                    (self.and(vec![text, other]), 0)
                }
                RegexNode::Repeat { node, min, max } => (self.repeat(of(node), *min, *max), 0),
                RegexNode::Literals(strings) => (self.literals(strings.to_vec()), 0),
                RegexNode::JsonString(value) => {
                    let value = of(value);
                    (self.json_string(value), 0)
                }
            };
            let deep = match node {
                RegexNode::Concat(p) | RegexNode::Alt(p) | RegexNode::And(p) => {
                    p.iter().map(depth).max().unwrap_or(deep)
                }
                RegexNode::Not(n)
                | RegexNode::JsonString(n)
                | RegexNode::Repeat { node: n, .. } => depth(n),
                _ => deep,
            };
            if deep > MAX_DEPTH {
                return Err(OracleError::TooDeep);
            }
            languages.push(language);
            depths.push(deep);
        }
        Ok(languages)
    }

    fn add(&mut self, tree: Tree) -> Language {
        if let Some(&id) = self.ids.get(&tree) {
            return id;
        }
        let nullable = match &tree {
            Tree::Empty => true,
            Tree::Never | Tree::Bytes(_) | Tree::Char(..) | Tree::ByteClass(_) | Tree::Json(..) => {
                false
            }
            Tree::Concat(parts) | Tree::And(parts) => parts.iter().all(|p| self.is_nullable(*p)),
            Tree::Alt(parts) => parts.iter().any(|p| self.is_nullable(*p)),
            Tree::Not(inner) => !self.is_nullable(*inner),
            Tree::Repeat(inner, min, _) => *min == 0 || self.is_nullable(*inner),
            Tree::Literals(strings) => strings.iter().any(|s| s.is_empty()),
        };
        let plain = match &tree {
            Tree::And(_) | Tree::Not(_) | Tree::Json(..) => false,
            Tree::Concat(parts) | Tree::Alt(parts) => {
                parts.iter().all(|p| self.plain[p.0 as usize])
            }
            Tree::Repeat(inner, ..) => self.plain[inner.0 as usize],
            _ => true,
        };
        let is_text = |p: &Language| self.text[p.0 as usize];
        let text = match &tree {
            Tree::Never | Tree::Empty => true,
            Tree::Bytes(bytes) => std::str::from_utf8(bytes).is_ok(),
            Tree::Literals(strings) => strings.iter().all(|s| std::str::from_utf8(s).is_ok()),
            Tree::Char(_, read) => read.is_empty(),
            Tree::ByteClass(ranges) => ranges.iter().all(|r| r.1 < 0x80),
            Tree::Concat(parts) | Tree::Alt(parts) => parts.iter().all(is_text),
            Tree::And(parts) => parts.iter().any(is_text),
            Tree::Repeat(inner, ..) => is_text(inner),
            Tree::Not(_) | Tree::Json(..) => false,
        };
        let id = Language(self.trees.len() as u32);
        self.text.push(text);
        self.trees.push(tree.clone());
        self.nullable.push(nullable);
        self.plain.push(plain);
        self.ids.insert(tree, id);
        id
    }

    fn tree(&self, language: Language) -> &Tree {
        &self.trees[language.0 as usize]
    }

    fn never(&mut self) -> Language {
        self.add(Tree::Never)
    }

    fn empty(&mut self) -> Language {
        self.add(Tree::Empty)
    }

    fn bytes(&mut self, bytes: &[u8]) -> Language {
        self.add(if bytes.is_empty() {
            Tree::Empty
        } else {
            Tree::Bytes(bytes.into())
        })
    }

    fn class(&mut self, ranges: &[(char, char)]) -> Language {
        self.add(if ranges.is_empty() {
            Tree::Never
        } else {
            Tree::Char(ranges.into(), Vec::new())
        })
    }

    fn byte_class(&mut self, ranges: &[(u8, u8)]) -> Language {
        self.add(if ranges.is_empty() {
            Tree::Never
        } else {
            Tree::ByteClass(ranges.into())
        })
    }

    fn literals(&mut self, strings: Vec<Box<[u8]>>) -> Language {
        let set: BTreeSet<Box<[u8]>> = strings.into_iter().collect();
        self.add(if set.is_empty() {
            Tree::Never
        } else {
            Tree::Literals(set.into_iter().collect())
        })
    }

    /// All valid UTF-8.
    fn any_text(&mut self) -> Language {
        let any = self.class(&[('\0', char::MAX)]);
        self.repeat(any, 0, None)
    }

    fn concat(&mut self, parts: Vec<Language>) -> Language {
        let mut flat = Vec::new();
        for part in parts {
            match self.tree(part) {
                Tree::Never => return part,
                Tree::Empty => {}
                Tree::Concat(inner) => flat.extend_from_slice(inner),
                _ => flat.push(part),
            }
        }
        match flat[..] {
            [] => self.empty(),
            [one] => one,
            _ => self.add(Tree::Concat(flat.into())),
        }
    }

    fn alt(&mut self, parts: Vec<Language>) -> Language {
        let mut set = BTreeSet::new();
        for part in parts {
            match self.tree(part) {
                Tree::Never => {}
                Tree::Alt(inner) => set.extend(inner.iter().copied()),
                _ => {
                    set.insert(part);
                }
            }
        }
        let flat: Vec<Language> = set.into_iter().collect();
        match flat[..] {
            [] => self.never(),
            [one] => one,
            _ => self.add(Tree::Alt(flat.into())),
        }
    }

    fn and(&mut self, parts: Vec<Language>) -> Language {
        let mut set = BTreeSet::new();
        for part in parts {
            match self.tree(part) {
                Tree::Never => return part,
                Tree::Not(inner) if *self.tree(*inner) == Tree::Never => {}
                Tree::And(inner) => set.extend(inner.iter().copied()),
                _ => {
                    set.insert(part);
                }
            }
        }
        let flat: Vec<Language> = set.into_iter().collect();
        match flat[..] {
            // An intersection of nothing: text, as the IR says.
            [] => self.any_text(),
            [one] => one,
            _ => self.add(Tree::And(flat.into())),
        }
    }

    fn not(&mut self, inner: Language) -> Language {
        match *self.tree(inner) {
            Tree::Not(twice) => twice,
            _ => self.add(Tree::Not(inner)),
        }
    }

    fn repeat(&mut self, inner: Language, min: u32, max: Option<u32>) -> Language {
        if max.is_some_and(|max| max < min) {
            return self.never();
        }
        match (self.tree(inner), min, max) {
            (_, 0, Some(0)) | (Tree::Empty, ..) | (Tree::Never, 0, _) => self.empty(),
            (Tree::Never, ..) | (_, 1, Some(1)) => inner,
            _ => self.add(Tree::Repeat(inner, min, max)),
        }
    }

    fn json_string(&mut self, value: Language) -> Language {
        // A value is text: whatever the language says of other byte strings does not matter.
        let value = if self.text[value.0 as usize] {
            value
        } else {
            let text = self.any_text();
            self.and(vec![value, text])
        };
        self.json(value, Json::Open)
    }

    fn json(&mut self, value: Language, at: Json) -> Language {
        let dead = *self.tree(value) == Tree::Never;
        self.add(if dead {
            Tree::Never
        } else {
            Tree::Json(value, at)
        })
    }

    /// Whether the empty string is in the language.
    pub fn is_nullable(&self, language: Language) -> bool {
        self.nullable[language.0 as usize]
    }

    /// What may follow the byte.
    pub fn derive(&mut self, language: Language, byte: u8) -> Language {
        if let Some(&known) = self.derived.get(&(language, byte)) {
            return known;
        }
        let result = match self.tree(language).clone() {
            Tree::Never | Tree::Empty => self.never(),
            Tree::Bytes(bytes) => {
                if bytes[0] == byte {
                    self.bytes(&bytes[1..])
                } else {
                    self.never()
                }
            }
            Tree::ByteClass(ranges) => {
                if ranges.iter().any(|&(a, b)| (a..=b).contains(&byte)) {
                    self.empty()
                } else {
                    self.never()
                }
            }
            Tree::Char(ranges, mut read) => {
                read.push(byte);
                match scalars_beginning_with(&read) {
                    Some((first, last)) if !overlaps(&ranges, first, last) => self.never(),
                    None => self.never(),
                    Some((first, last)) if first == last && char_len(first) == read.len() => {
                        self.empty()
                    }
                    Some((first, last)) => {
                        // When every way to go on is a match, which bytes were read no longer
                        // matters. Without this, text alone has 22,000 states.
                        let open = (last - first + 1).trailing_zeros() / 6;
                        let all = last - first + 1 == 1 << (6 * open)
                            && ranges
                                .iter()
                                .any(|&(a, b)| a as u32 <= first && last <= b as u32);
                        if all {
                            let continuation = self.byte_class(&[(0x80, 0xbf)]);
                            self.repeat(continuation, open, Some(open))
                        } else {
                            self.add(Tree::Char(ranges, read))
                        }
                    }
                }
            }
            Tree::Concat(parts) => {
                let mut readings = Vec::new();
                for (i, &part) in parts.iter().enumerate() {
                    let first = self.derive(part, byte);
                    let mut rest = vec![first];
                    rest.extend_from_slice(&parts[i + 1..]);
                    readings.push(self.concat(rest));
                    if !self.is_nullable(part) {
                        break;
                    }
                }
                self.alt(readings)
            }
            Tree::Alt(parts) => {
                let parts = parts.iter().map(|p| self.derive(*p, byte)).collect();
                self.alt(parts)
            }
            Tree::And(parts) => {
                let parts = parts.iter().map(|p| self.derive(*p, byte)).collect();
                self.and(parts)
            }
            Tree::Not(inner) => {
                let inner = self.derive(inner, byte);
                self.not(inner)
            }
            Tree::Repeat(inner, min, max) => {
                let first = self.derive(inner, byte);
                let rest = self.repeat(inner, min.saturating_sub(1), max.map(|m| m - 1));
                self.concat(vec![first, rest])
            }
            Tree::Literals(strings) => {
                let rest = strings
                    .iter()
                    .filter(|s| s.first() == Some(&byte))
                    .map(|s| s[1..].into())
                    .collect();
                self.literals(rest)
            }
            Tree::Json(value, at) => self.derive_json(value, at, byte),
        };
        self.derived.insert((language, byte), result);
        result
    }

    fn derive_json(&mut self, value: Language, at: Json, byte: u8) -> Language {
        match (at, byte) {
            (Json::Open, b'"') => self.json(value, Json::Body),
            (Json::Body, b'"') if self.is_nullable(value) => self.empty(),
            (Json::Body, b'\\') => self.json(value, Json::Backslash),
            (Json::Body, 0x20..) if byte != b'"' => {
                let value = self.derive(value, byte);
                self.json(value, Json::Body)
            }
            (Json::Backslash, b'u') => self.json(value, Json::Hex(None, 0, 0)),
            (Json::Backslash, _) => match b"\"\\/bfnrt".iter().position(|b| *b == byte) {
                Some(i) => self.json_char(value, char::from(b"\"\\/\x08\x0c\n\r\t"[i])),
                None => self.never(),
            },
            (Json::LowBackslash(high), b'\\') => self.json(value, Json::LowU(high)),
            (Json::LowU(high), b'u') => self.json(value, Json::Hex(Some(high), 0, 0)),
            (Json::Hex(high, digits, so_far), _) => {
                let Some(digit) = char::from(byte).to_digit(16) else {
                    return self.never();
                };
                let unit = so_far << 4 | digit as u16;
                match (digits + 1, high) {
                    (4, None) if (0xd800..0xdc00).contains(&unit) => {
                        self.json(value, Json::LowBackslash(unit))
                    }
                    (4, _) => {
                        let units = high.into_iter().chain([unit]);
                        match char::decode_utf16(units)
                            .collect::<Result<Vec<char>, _>>()
                            .as_deref()
                        {
                            Ok([one]) => self.json_char(value, *one),
                            _ => self.never(),
                        }
                    }
                    (more, _) => self.json(value, Json::Hex(high, more, unit)),
                }
            }
            _ => self.never(),
        }
    }

    /// The rest of a JSON string after one more character of its value.
    fn json_char(&mut self, value: Language, c: char) -> Language {
        let mut rest = value;
        for byte in c.encode_utf8(&mut [0; 4]).bytes() {
            rest = self.derive(rest, byte);
        }
        self.json(rest, Json::Body)
    }

    /// Whether the language holds any string over the alphabet.
    ///
    /// # Errors
    /// The search is too large.
    pub fn is_live(&mut self, language: Language) -> Result<bool, OracleError> {
        self.is_live_over(language, self.alphabet.is_none())
    }

    /// [`Languages::is_live`], over all bytes when `full`.
    fn is_live_over(&mut self, language: Language, full: bool) -> Result<bool, OracleError> {
        let alphabet = match &self.alphabet {
            Some(bytes) if !full => bytes.clone(),
            _ => (0..=255).collect(),
        };
        let mut parents: HashMap<Language, Language> = HashMap::default();
        let mut seen = HashSet::from_iter([language]);
        let mut stack = vec![language];
        let mut steps = 0;
        while let Some(next) = stack.pop() {
            let verdict = match self.tree(next) {
                Tree::Never => Some(false),
                _ if self.is_nullable(next) || (full && self.plain[next.0 as usize]) => Some(true),
                _ if self.live.contains_key(&(next, full)) => self.live.get(&(next, full)).copied(),
                // Trying all `\uXXXX` would take too long, and they can be reasoned about.
                Tree::Json(value, at) if full || self.escapes => {
                    let (value, at) = (*value, *at);
                    Some(self.is_json_live(value, at)?)
                }
                _ => None,
            };
            match verdict {
                Some(true) => {
                    // Everything on the way here is live too.
                    let mut at = next;
                    loop {
                        self.live.insert((at, full), true);
                        match parents.get(&at) {
                            Some(&parent) => at = parent,
                            None => return Ok(true),
                        }
                    }
                }
                Some(false) => {
                    self.live.insert((next, full), false);
                    continue;
                }
                None => {}
            }
            // The last one pushed is looked at first: ASCII leads to an end sooner.
            for &byte in alphabet.iter().rev() {
                let follower = self.derive(next, byte);
                if *self.tree(follower) != Tree::Never && seen.insert(follower) {
                    parents.insert(follower, next);
                    stack.push(follower);
                }
            }
            steps += alphabet.len();
            if seen.len() > SEARCH_BUDGET || steps > STEP_BUDGET || self.trees.len() > TREE_BUDGET {
                return Err(OracleError::Budget("derivatives"));
            }
        }
        for dead in seen {
            self.live.insert((dead, full), false);
        }
        Ok(false)
    }

    /// Whether the rest of a JSON string can be completed when all escapes can be written: the
    /// next character comes from a known range, and the value must go on after it.
    fn is_json_live(&mut self, value: Language, at: Json) -> Result<bool, OracleError> {
        let supplementary =
            |high: u16, low: u32| 0x1_0000 + ((u32::from(high) & 0x3ff) << 10 | low & 0x3ff);
        let range = match at {
            Json::Open | Json::Body => return self.is_live_over(value, true),
            Json::Backslash => (0, 0x10_ffff),
            Json::LowBackslash(high) | Json::LowU(high) => {
                (supplementary(high, 0), supplementary(high, 0x3ff))
            }
            Json::Hex(high, digits, so_far) => {
                let open = 4 * (4 - u32::from(digits));
                let first = u32::from(so_far) << open;
                let last = first | ((1 << open) - 1);
                match high {
                    None => {
                        let (a, b) = (first.max(0xd800), last.min(0xdbff));
                        if a <= b {
                            let pairs =
                                (supplementary(a as u16, 0), supplementary(b as u16, 0x3ff));
                            if self.has_live_char(value, &mut Vec::new(), pairs)? {
                                return Ok(true);
                            }
                        }
                        (first, last)
                    }
                    Some(high) => {
                        let (a, b) = (first.max(0xdc00), last.min(0xdfff));
                        if a > b {
                            return Ok(false);
                        }
                        (supplementary(high, a), supplementary(high, b))
                    }
                }
            }
        };
        self.has_live_char(value, &mut Vec::new(), range)
    }

    /// Whether the language, of which the bytes of half a character have been read, can go on with
    /// a character in the range. Recursion depth is four.
    fn has_live_char(
        &mut self,
        rest: Language,
        read: &mut Vec<u8>,
        range: (u32, u32),
    ) -> Result<bool, OracleError> {
        for byte in 0..=255 {
            read.push(byte);
            let mut found = false;
            if let Some((first, last)) = scalars_beginning_with(read)
                && first <= range.1
                && range.0 <= last
            {
                let follower = self.derive(rest, byte);
                found = *self.tree(follower) != Tree::Never
                    && if first == last && char_len(first) == read.len() {
                        self.is_live_over(follower, true)?
                    } else {
                        self.has_live_char(follower, read, range)?
                    };
            }
            read.pop();
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the language holds the text.
    pub fn matches(&mut self, language: Language, text: &[u8]) -> bool {
        let mut at = language;
        for &byte in text {
            at = self.derive(at, byte);
        }
        self.is_nullable(at)
    }
}

fn char_len(scalar: u32) -> usize {
    char::from_u32(scalar).map_or(0, char::len_utf8)
}

fn overlaps(ranges: &[(char, char)], first: u32, last: u32) -> bool {
    ranges
        .iter()
        .any(|&(a, b)| a as u32 <= last && first <= b as u32)
}

/// The first and last scalar value whose UTF-8 encoding begins with these (one to four) bytes;
/// all scalar values between them do too.
fn scalars_beginning_with(read: &[u8]) -> Option<(u32, u32)> {
    let len = match read[0] {
        0x00..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    if read.len() > len || read[1..].iter().any(|b| b & 0xc0 != 0x80) {
        return None;
    }
    if len == 1 {
        return Some((read[0].into(), read[0].into()));
    }
    let mut bits = u32::from(read[0]) & (0x7f >> len);
    for b in &read[1..] {
        bits = bits << 6 | u32::from(b & 0x3f);
    }
    let open = 6 * (len - read.len()) as u32;
    let (first, last) = (bits << open, bits << open | ((1 << open) - 1));
    // Overlong spellings, surrogates and what lies above U+10FFFF do not exist.
    let first = first.max([0, 0, 0x80, 0x800, 0x1_0000][len]);
    let last = last.min(0x10_ffff);
    let first = if (0xd800..0xe000).contains(&first) {
        0xe000
    } else {
        first
    };
    let last = if (0xd800..0xe000).contains(&last) {
        0xd7ff
    } else {
        last
    };
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_beginning_with_agrees_with_the_encoder_of_every_character() {
        for c in ('\0'..=char::MAX).step_by(7).chain([
            '\u{7ff}',
            '\u{800}',
            '\u{d7ff}',
            '\u{e000}',
            char::MAX,
        ]) {
            let mut buffer = [0; 4];
            let bytes = c.encode_utf8(&mut buffer).as_bytes();
            for cut in 1..=bytes.len() {
                let (a, b) =
                    scalars_beginning_with(&bytes[..cut]).expect("a prefix of a character");
                assert!((a..=b).contains(&(c as u32)), "{c:?} {cut}");
            }
            assert_eq!(scalars_beginning_with(bytes), Some((c as u32, c as u32)));
        }
        for wrong in [
            &b"\xc0"[..],
            b"\xc1\x80",
            b"\xe0\x80",
            b"\xed\xa0",
            b"\xf4\x90",
            b"\xf5",
            b"\x80",
            b"\xc3\x28",
        ] {
            assert_eq!(scalars_beginning_with(wrong), None, "{wrong:x?}");
        }
    }
}
