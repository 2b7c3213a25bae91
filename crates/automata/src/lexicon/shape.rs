//! Shapes of lexical states: JSON strings whose values are listed, or are any others than those.
//!
//! The names of an object and the values of an enumeration are most of what a schema adds to a
//! vocabulary. Their states could be walked like any others, but each of them would be made for one walk
//! only: an expression, its derivatives and a table of transitions for every byte of every string.
//! What a list of strings makes of a byte is a search in the list, so [`Text`] shows a state as its
//! lists, and [`Strings::step`] reads bytes without making states.
//!
//! [`Strings::step`] agrees with the derivatives of `Spelled` (see `derive`): the modes of an escape are
//! the same ones.

use super::ByteSet;
use super::derive::{NORMAL, literal_in_range, short_escape};
use super::expr::{ExprId, LiteralSet, MarksId, Node, Store, UNBOUNDED};
use maskwright_tables::trie::{Classes, classes_of};
use maskwright_tables::{LabelSet, LexState};
use std::sync::Arc;

/// What is known of a lexical state without its transitions.
#[derive(Clone, Debug)]
pub enum Shape {
    /// A JSON string of listed values or of others.
    Text(Text),
    /// A JSON string into which every character leads on, for as many bytes as its
    /// [leeway](super::Lexicon::leeway) says, or up to bytes that it is [spared](super::Lexicon::spared): as
    /// long as it is not closed, it is like any string, whose state this is.
    Live(LexState),
    /// A JSON string behind its opening quote, of bounded length.
    Bounded(Bounded),
    /// Another JSON string.
    String,
    /// Nothing.
    Other,
}

/// A lexical state as a JSON string of listed values or of others.
#[derive(Clone, Debug)]
pub struct Text {
    /// Whether the opening quote has been read.
    pub opened: bool,
    /// Lists of values; a value on several of them has the labels of all.
    pub listed: Vec<Strings>,
    /// Further values.
    pub others: Option<Others>,
}

/// Values that are not listed: sequences of characters of one class.
#[derive(Clone, Debug)]
pub struct Others {
    /// The state of these values, however long, with those that are left out.
    pub base: LexState,
    /// The values that are left out. None where the number of characters is bounded.
    pub excluded: Vec<Strings>,
    /// How many characters are left at least, and at most (`u32::MAX` for any number).
    pub chars: (u32, u32),
}

/// A JSON string behind its opening quote of values of some pattern that are of bounded length too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounded {
    /// The state of the values of the pattern, however long.
    pub base: LexState,
    /// How many characters are left at most.
    pub most: u32,
    /// At least as many characters as complete any beginning of a value of the pattern.
    pub reach: u32,
}

/// What is left of a sorted list of values.
#[derive(Clone, Debug)]
pub struct Strings {
    set: Arc<LiteralSet>,
    lo: u32,
    hi: u32,
    depth: u32,
}

/// How far a list of values is read: those that are left, and where in the spelling of a character
/// the last byte was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextPlace {
    lo: u32,
    hi: u32,
    depth: u32,
    mode: Mode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Before the opening quote.
    Unopened,
    Normal,
    Escape,
    /// After `\u` and this many digits of this value.
    Hex(u8, u16),
    /// After a high surrogate, by its offset.
    High(u16),
    HighEscape(u16),
    /// After a high surrogate, `\u` and this many digits of this value.
    Low(u16, u8, u16),
}

/// What a byte does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// No value goes on so.
    Dead,
    /// Some do.
    To(TextPlace),
    /// The closing quote of a value with these labels.
    End(LabelSet),
}

impl Strings {
    fn one(marks: MarksId) -> Self {
        Strings {
            set: Arc::new(LiteralSet::new(vec![Arc::default()], vec![marks])),
            lo: 0,
            hi: 1,
            depth: 0,
        }
    }

    /// The number of values.
    pub fn count(&self) -> usize {
        (self.hi - self.lo) as usize
    }

    /// Whether what is left of two lists is the same but for labels.
    pub fn lists_the_same(&self, other: &Strings) -> bool {
        fn rests(list: &Strings) -> impl Iterator<Item = Option<&[u8]>> {
            let strings = &list.set.strings[list.lo as usize..list.hi as usize];
            strings.iter().map(|s| s.get(list.depth as usize..))
        }
        self.count() == other.count() && rests(self).eq(rests(other))
    }

    /// The place before the next byte.
    pub fn start(&self, opened: bool) -> TextPlace {
        TextPlace {
            lo: self.lo,
            hi: self.hi,
            depth: self.depth,
            mode: if opened { Mode::Normal } else { Mode::Unopened },
        }
    }

    /// The bytes that lead on from a place, and maybe some others. O(log of the number of values) for each.
    pub fn ways(&self, at: TextPlace) -> ByteSet {
        const DIGITS: ByteSet = ByteSet([0x03ff << 48, 0x7e | 0x7e << 32, 0, 0]);
        let mut ways = ByteSet::default();
        match at.mode {
            Mode::Unopened => ways.insert(b'"'),
            Mode::Normal => {
                ways = self.next_bytes(at);
                // No escape begins inside of a character.
                if ways.0[..2] != [0, 0] || ways.0[3] != 0 {
                    ways.insert(b'\\');
                }
                if self.set.strings[at.lo as usize].len() == at.depth as usize {
                    ways.insert(b'"');
                }
            }
            Mode::Escape => {
                let next = self.next_bytes(at);
                ways.insert(b'u');
                for escape in *b"\"\\/bfnrt" {
                    if short_escape(escape).is_some_and(|value| next.contains(value)) {
                        ways.insert(escape);
                    }
                }
            }
            Mode::Hex(..) | Mode::Low(..) => return DIGITS,
            Mode::High(_) => ways.insert(b'\\'),
            Mode::HighEscape(_) => ways.insert(b'u'),
        }
        ways
    }

    /// The bytes with which values go on.
    fn next_bytes(&self, at: TextPlace) -> ByteSet {
        let mut bytes = ByteSet::default();
        let depth = at.depth as usize;
        let mut rest = &self.set.strings[at.lo as usize..at.hi as usize];
        while let [first, ..] = rest {
            let byte = first.get(depth);
            byte.into_iter().for_each(|b| bytes.insert(*b));
            rest = match rest {
                [_] => &[],
                _ => &rest[rest.partition_point(|s| s.get(depth) == byte)..],
            };
        }
        bytes
    }

    /// Reads a byte. O(log of the number of values).
    pub fn step(&self, at: TextPlace, byte: u8) -> Step {
        let to = |mode: Mode| Step::To(TextPlace { mode, ..at });
        let to_if = |alive: bool, mode: Mode| if alive { to(mode) } else { Step::Dead };
        let digit = || char::from(byte).to_digit(16);
        match at.mode {
            Mode::Unopened => to_if(byte == b'"', Mode::Normal),
            Mode::Normal => match byte {
                b'"' => {
                    let first = &self.set.strings[at.lo as usize];
                    if first.len() == at.depth as usize {
                        Step::End(LabelSet(self.set.marks[at.lo as usize].0 + 1))
                    } else {
                        Step::Dead
                    }
                }
                0..=0x1f => Step::Dead,
                b'\\' => {
                    // Some value goes on, with the beginning of a character.
                    let last = &self.set.strings[at.hi as usize - 1];
                    let next = last.get(at.depth as usize);
                    to_if(next.is_some_and(|b| b & 0xc0 != 0x80), Mode::Escape)
                }
                _ => match self.narrow(at, byte) {
                    Some(next) => Step::To(next),
                    None => Step::Dead,
                },
            },
            Mode::Escape => match (short_escape(byte), byte) {
                (Some(value), _) => self.feed(at, u32::from(value)),
                (None, b'u') => to(Mode::Hex(0, 0)),
                _ => Step::Dead,
            },
            Mode::Hex(k, value) => {
                let Some(digit) = digit() else {
                    return Step::Dead;
                };
                let value = value << 4 | digit as u16;
                let all = u32::from(value);
                if k < 3 {
                    let free = 4 * (3 - u32::from(k));
                    let (lo, hi) = (all << free, (all + 1) << free);
                    let (high_lo, high_hi) = (lo.max(0xd800), hi.min(0xdc00));
                    let alive = self.has(at, lo, hi - 1)
                        || high_lo < high_hi
                            && self.has(at, above(high_lo - 0xd800), above(high_hi - 0xd800) - 1);
                    to_if(alive, Mode::Hex(k + 1, value))
                } else if (0xd800..0xdc00).contains(&value) {
                    let high = value - 0xd800;
                    let lo = above(u32::from(high));
                    to_if(self.has(at, lo, lo + 0x3ff), Mode::High(high))
                } else {
                    self.feed(at, all)
                }
            }
            Mode::High(high) => to_if(byte == b'\\', Mode::HighEscape(high)),
            Mode::HighEscape(high) => to_if(byte == b'u', Mode::Low(high, 0, 0)),
            Mode::Low(high, k, value) => {
                let Some(digit) = digit() else {
                    return Step::Dead;
                };
                let value = value << 4 | digit as u16;
                let (all, base) = (u32::from(value), above(u32::from(high)));
                if k < 3 {
                    let free = 4 * (3 - u32::from(k));
                    let (lo, hi) = ((all << free).max(0xdc00), ((all + 1) << free).min(0xe000));
                    let alive = lo < hi && self.has(at, base + lo - 0xdc00, base + hi - 1 - 0xdc00);
                    to_if(alive, Mode::Low(high, k + 1, value))
                } else if (0xdc00..0xe000).contains(&value) {
                    self.feed(at, base + all - 0xdc00)
                } else {
                    Step::Dead
                }
            }
        }
    }

    /// The values that go on with a byte.
    fn narrow(&self, at: TextPlace, byte: u8) -> Option<TextPlace> {
        let depth = at.depth as usize;
        let range = &self.set.strings[at.lo as usize..at.hi as usize];
        let key = |s: &[u8]| s.get(depth).map_or(-1, |b| i32::from(*b));
        let (from, to) = match range {
            [only] if key(only) == i32::from(byte) => (0, 1),
            [_] => return None,
            _ => {
                let from = range.partition_point(|s| key(s) < i32::from(byte));
                let same = range[from..].partition_point(|s| key(s) == i32::from(byte));
                (from as u32, (from + same) as u32)
            }
        };
        (from < to).then_some(TextPlace {
            lo: at.lo + from,
            hi: at.lo + to,
            depth: at.depth + 1,
            mode: Mode::Normal,
        })
    }

    /// The values that go on with a character, however it was spelled.
    fn feed(&self, at: TextPlace, c: u32) -> Step {
        let Some(c) = char::from_u32(c) else {
            return Step::Dead;
        };
        let mut buffer = [0; 4];
        let bytes = c.encode_utf8(&mut buffer).as_bytes();
        let narrow = |at, byte: &u8| self.narrow(at, *byte);
        match bytes.iter().try_fold(at, narrow) {
            Some(next) => Step::To(next),
            None => Step::Dead,
        }
    }

    /// Whether some value goes on with a character of `lo..=hi`, surrogates left out.
    fn has(&self, at: TextPlace, lo: u32, hi: u32) -> bool {
        let is_surrogate = |c: u32| (0xd800..0xe000).contains(&c);
        let first = char::from_u32(if is_surrogate(lo) { 0xe000 } else { lo });
        let last = char::from_u32(if is_surrogate(hi) { 0xd7ff } else { hi });
        let (Some(first), Some(last)) = (first, last) else {
            return false;
        };
        let depth = at.depth as usize;
        let range = &self.set.strings[at.lo as usize..at.hi as usize];
        // No escape begins inside of a character.
        literal_in_range(range, depth, first, last) == Some(true)
    }
}

/// The first character of a high surrogate's, by its offset.
fn above(high: u32) -> u32 {
    0x1_0000 + (high << 10)
}

/// The parts of [`Text`] as expressions.
pub(super) struct Parts {
    pub opened: bool,
    pub listed: Vec<Strings>,
    pub others: Option<(ExprId, Vec<Strings>, (u32, u32))>,
}

impl Store {
    /// As many bytes as most tokens have.
    const LEEWAY: u32 = 8;

    /// The state's expression as a JSON string of values that are listed and others, if it is one.
    pub(super) fn text_parts(&mut self, e: ExprId) -> Option<Parts> {
        let (opened, value) = self.json_string_of(e)?;
        let values: Vec<ExprId> = match self.node(value) {
            Node::Alt(parts) => parts.to_vec(),
            _ => vec![value],
        };
        let mut listed = Vec::new();
        let mut others = None;
        for value in values {
            match self.strings(value) {
                Some(strings) => listed.push(strings),
                None if others.is_some() => return None,
                None => others = Some(self.others(value, opened)?),
            }
        }
        Some(Parts {
            opened,
            listed,
            others,
        })
    }

    /// How many bytes of text may follow in a JSON string that leaves it alive for sure, at least;
    /// `u32::MAX` for any number, 0 where nothing is known.
    pub(super) fn leeway(&self, e: ExprId) -> u32 {
        let facts = match self.json_string_of(e) {
            Some((_, value)) if self.alphabet.is_none() && self.pieces.is_none() => {
                self.fact(value)
            }
            _ => return 0,
        };
        // A character that is cut off may be one of the few that lead to no match, but other text does.
        match (facts.live, facts.dense) {
            (true, _) | (_, u32::MAX) => u32::MAX,
            (_, dense) => dense.saturating_sub(4),
        }
    }

    /// Bytes of which text has to have all to end a JSON string's being alive, as long as it has no escapes;
    /// none where nothing is known.
    pub(super) fn spared(&self, e: ExprId) -> Classes {
        // Classes of printable bytes are those bytes; quotes and escapes mean something of their own.
        const PRINTABLE: Classes = (Classes::MAX >> 1) & !((1 << b' ') - 1);
        match self.json_string_of(e) {
            Some((true, value)) if self.alphabet.is_none() && self.pieces.is_none() => {
                self.fact(value).spared & PRINTABLE & !(1 << b'"' | 1 << b'\\')
            }
            _ => 0,
        }
    }

    /// [Classes](maskwright_tables::trie::byte_class) of bytes of their own, any string of which leaves `e` alive
    /// for sure; none where the vocabulary cannot spell all bytes.
    pub(super) fn goes_on(&self, e: ExprId) -> Classes {
        const OWN: Classes =
            classes_of(b' ', b'~') | 1 << b'\t' as u32 | 1 << b'\n' as u32 | 1 << b'\r' as u32;
        match self.alphabet.is_none() && self.pieces.is_none() {
            true => self.fact(e).goes_on & OWN,
            false => 0,
        }
    }

    /// Any JSON string, where `e` is one into which every character leads on for a while.
    pub(super) fn live_base(&mut self, e: ExprId) -> Option<ExprId> {
        let (_, value) = self.json_string_of(e)?;
        let is_text = self.fact(value).text;
        let is_live = self.leeway(e) >= Self::LEEWAY || self.spared(e) != 0;
        if !is_live || !is_text || value == self.any_text {
            return None;
        }
        let any = self.spelled(self.any_text);
        let tail = match *self.node(e) {
            Node::Concat(quote, _) => self.concat2(quote, any),
            _ => any,
        };
        Some(tail)
    }

    /// Where `e` is a JSON string behind its opening quote whose values are bounded in length and of another
    /// language: the string of that language, the bound, and how many characters complete any beginning.
    pub(super) fn bounded(&mut self, e: ExprId) -> Option<(ExprId, u32, u32)> {
        let Node::Spelled(value, NORMAL) = *self.node(e) else {
            return None;
        };
        let (value, marks) = self.unmarked(value);
        let Node::And(parts) = self.node(value) else {
            return None;
        };
        let &[a, b] = &parts[..] else { return None };
        let lengths = |x: ExprId| match *self.node(x) {
            Node::Repeat(c, min, max) if c == self.any_char && max != UNBOUNDED => Some((min, max)),
            _ => None,
        };
        let ((least, most), other) = match (lengths(a), lengths(b)) {
            (Some(bounds), None) => (bounds, b),
            (None, Some(bounds)) => (bounds, a),
            _ => return None,
        };
        let fact = self.fact(other);
        let reach = fact.reach;
        if !fact.text || fact.chars.0 < least || reach == u32::MAX {
            return None;
        }
        let value = self.concat2(other, marks);
        Some((self.spelled(value), most, reach))
    }

    /// Whether a JSON string behind its opening quote has a value of at most so many characters more; `None`
    /// where that is not known.
    pub(super) fn ends_within(&self, e: ExprId, chars: u32) -> Option<bool> {
        let Some((true, value)) = self.json_string_of(e) else {
            return None;
        };
        let fact = self.fact(value);
        match (fact.short <= chars, fact.chars.0 > chars) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }

    /// Whether the opening quote of a JSON string has been read, and what is left of its value.
    pub(super) fn json_string_of(&self, e: ExprId) -> Option<(bool, ExprId)> {
        match *self.node(e) {
            Node::Spelled(value, NORMAL) => Some((true, value)),
            Node::Concat(quote, rest) => match (self.node(quote), self.node(rest)) {
                (Node::Set(s), Node::Spelled(value, NORMAL))
                    if self.sets[*s as usize].iter().eq([b'"']) =>
                {
                    Some((false, *value))
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn strings(&self, e: ExprId) -> Option<Strings> {
        match *self.node(e) {
            Node::Literals { set, lo, hi, depth } => {
                let set = Arc::clone(&self.literal_sets[set as usize]);
                set.text.then_some(Strings { set, lo, hi, depth })
            }
            Node::Marks(marks) => Some(Strings::one(marks)),
            _ => None,
        }
    }

    /// The base of values that are not listed, those left out, and their numbers of characters.
    fn others(
        &mut self,
        value: ExprId,
        opened: bool,
    ) -> Option<(ExprId, Vec<Strings>, (u32, u32))> {
        let (mut head, marks) = self.unmarked(value);
        let mut excluded = Vec::new();
        while let Node::Except(rest, literals) = *self.node(head) {
            excluded.push(self.strings(literals)?);
            head = rest;
        }
        let Node::Repeat(class, min, max) = *self.node(head) else {
            return None;
        };
        let fact = self.fact(class);
        let is_character = fact.text && fact.chars == (1, 1) && !fact.marked && !fact.doubtful;
        if !is_character || max != UNBOUNDED && !excluded.is_empty() {
            return None;
        }
        let any = self.repeat(class, 0, UNBOUNDED);
        let base = self.concat2(any, marks);
        let base = self.spelled(base);
        let base = match opened {
            true => base,
            false => {
                let quote = self.bytes(b"\"");
                self.concat2(quote, base)
            }
        };
        Some((base, excluded, (min, max)))
    }
}
