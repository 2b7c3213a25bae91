//! Derivatives: what is left of an expression after one byte.
//!
//! `Spelled(v, mode)` is the rest of a JSON string literal (RFC 8259, section 7) whose value, as
//! UTF-8 text, is still to match `v`. Raw bytes go straight to `v`; an escape is collected in the
//! mode and then goes to `v` as the UTF-8 bytes of the character it stands for. So every mix of
//! spellings of one value is accepted, and a lone surrogate is not, because no byte string of `v`
//! stands for it. The modes:
//!
//! | mode | read so far |
//! |---|---|
//! | `NORMAL` | nothing special |
//! | `ESCAPE` | `\` |
//! | `HEX`, k, acc | `\u` and k digits of value acc |
//! | `HIGH`, h | `\uD8xx`: the offset h of a high surrogate |
//! | `HIGH_ESCAPE`, h | and `\` |
//! | `LOW`, h, k, acc | and `u` and k digits |
//!
//! A mode is entered only when some completion of the escape leaves `v` alive.

use super::ByteSet;
use super::expr::{ExprId, MarksId, Node, Store, UNBOUNDED};
use maskwright_tables::LimitError;
use smallvec::SmallVec;
use std::sync::Arc;

pub(super) const NORMAL: u32 = 0;
const ESCAPE: u32 = 1 << 28;
const HEX: u32 = 2 << 28;
const HIGH: u32 = 3 << 28;
const HIGH_ESCAPE: u32 = 4 << 28;
const LOW: u32 = 5 << 28;
const KIND: u32 = 0xf << 28;

fn hex_mode(k: u32, acc: u32) -> u32 {
    HEX | k << 16 | acc
}

fn low_mode(high: u32, k: u32, acc: u32) -> u32 {
    LOW | high << 16 | k << 12 | acc
}

/// What a one-letter escape stands for.
pub(super) fn short_escape(byte: u8) -> Option<u8> {
    Some(match byte {
        b'"' | b'\\' | b'/' => byte,
        b'b' => 8,
        b'f' => 12,
        b'n' => 10,
        b'r' => 13,
        b't' => 9,
        _ => return None,
    })
}

/// The byte cuts of a `Spelled` node from those of its value.
pub(super) fn spelled_cuts(value: &ByteSet, mode: u32) -> ByteSet {
    let mut cuts = ByteSet([1, 0, 0, 0]);
    let mut single = |b: u8| {
        cuts.insert(b);
        cuts.insert(b + 1);
    };
    match mode & KIND {
        NORMAL => {
            single(b'"');
            single(b'\\');
            cuts.insert(0x20);
            cuts = cuts.union(value);
        }
        ESCAPE => b"\"\\/bfnrtu".iter().for_each(|b| single(*b)),
        HIGH => single(b'\\'),
        HIGH_ESCAPE => single(b'u'),
        _ => b"0123456789abcdefABCDEF".iter().for_each(|b| single(*b)),
    }
    cuts
}

fn lo_hi(first: char, last: char) -> (u32, u32) {
    (first.into(), last.into())
}

/// Whether some of the sorted strings, their first `depth` bytes read, goes on with a character of
/// `first..=last`; `None` when they are not at the beginning of a character.
pub(super) fn literal_in_range(
    strings: &[Arc<[u8]>],
    depth: usize,
    first: char,
    last: char,
) -> Option<bool> {
    let mut buffer = [0; 4];
    let from = first.encode_utf8(&mut buffer).as_bytes();
    let at = strings.partition_point(|s| &s[depth..] < from);
    let Some(string) = strings.get(at) else {
        // A continuation byte is above no character of ASCII, but below all others.
        let before = strings.last().and_then(|s| s.get(depth));
        return before
            .is_none_or(|b| !(0x80..0xc0).contains(b))
            .then_some(false);
    };
    let rest = &string[depth..];
    let length = match rest[0] {
        0..0x80 => 1,
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => return None,
    };
    let next = std::str::from_utf8(rest.get(..length)?)
        .ok()?
        .chars()
        .next()?;
    Some(next <= last)
}

impl Store {
    /// The derivative by `byte`. Never deeper than its explicit stack; `steps` counts down.
    pub fn derive(
        &mut self,
        root: ExprId,
        byte: u8,
        steps: &mut u64,
    ) -> Result<ExprId, LimitError> {
        if let Some(d) = self.derive_simple(root, byte) {
            return Ok(d);
        }
        if let Some((left, _)) = self.derive_text(root, &[byte]) {
            return Ok(left);
        }
        if let Some(runs) = self.runs.get(&root) {
            return Ok(runs[runs.partition_point(|r| r.0 < byte)].1);
        }
        let mut stack = vec![root];
        while let Some(&e) = stack.last() {
            if self.derivatives.contains_key(&(e, byte)) {
                stack.pop();
                continue;
            }
            if *steps == 0 {
                return Err(LimitError::new("steps of a lexical derivative", 1, 0));
            }
            *steps -= 1;
            // Children whose derivatives are needed first.
            let before = stack.len();
            match self.node(e) {
                Node::Concat(h, t) => {
                    let (h, t) = (*h, *t);
                    self.need(h, byte, &mut stack);
                    if self.nullable(h) {
                        self.need(t, byte, &mut stack);
                    }
                }
                Node::Alt(parts) | Node::And(parts) => {
                    for p in parts.clone() {
                        self.need(p, byte, &mut stack);
                    }
                }
                Node::Not(x) | Node::Repeat(x, ..) => {
                    let x = *x;
                    self.need(x, byte, &mut stack);
                }
                Node::Except(rest, literals) => {
                    let (rest, literals) = (*rest, *literals);
                    self.need(rest, byte, &mut stack);
                    self.need(literals, byte, &mut stack);
                }
                Node::Spelled(v, mode) => {
                    let (v, mode) = (*v, *mode);
                    if mode == NORMAL && byte >= 0x20 && byte != b'"' && byte != b'\\' {
                        self.need(v, byte, &mut stack);
                    }
                }
                _ => {}
            }
            if stack.len() > before {
                continue;
            }
            let d = self.derive_ready(e, byte, steps)?;
            self.derivatives.insert((e, byte), d);
            stack.pop();
        }
        Ok(self.derivatives[&(root, byte)])
    }

    fn need(&self, e: ExprId, byte: u8, stack: &mut Vec<ExprId>) {
        if self.derive_simple(e, byte).is_none() && !self.derivatives.contains_key(&(e, byte)) {
            stack.push(e);
        }
    }

    /// Derivatives that need no memo.
    fn derive_simple(&self, e: ExprId, byte: u8) -> Option<ExprId> {
        match self.node(e) {
            Node::Never | Node::Marks(_) => Some(Self::NEVER),
            Node::Set(s) => Some(if self.sets[*s as usize].contains(byte) {
                Self::EMPTY
            } else {
                Self::NEVER
            }),
            Node::Concat(h, t) => match self.node(*h) {
                Node::Set(s) => Some(if self.sets[*s as usize].contains(byte) {
                    *t
                } else {
                    Self::NEVER
                }),
                _ => None,
            },
            _ if e == Self::ALL => Some(e),
            _ => None,
        }
    }

    /// What is left of a JSON string whose value is on a list, or is any text that is on none, after the
    /// characters that stand for themselves with which the bytes begin, and how many these are; `None` if
    /// it is not such a string or there are none.
    pub fn derive_text(&mut self, root: ExprId, bytes: &[u8]) -> Option<(ExprId, usize)> {
        let Node::Spelled(value, NORMAL) = *self.node(root) else {
            return None;
        };
        let stands_for_itself = |b: &&u8| b.is_ascii() && !matches!(b, 0..=0x1f | b'"' | b'\\');
        let len = bytes.iter().take_while(stands_for_itself).count();
        if len == 0 || !self.is_listed(value) {
            return None;
        }
        let left = self.derive_listed(value, &bytes[..len]);
        Some((self.spelled(left), len))
    }

    /// Whether a value is on a list, or is any text that is on none: then what is left of it is found
    /// sooner than looked up.
    fn is_listed(&self, value: ExprId) -> bool {
        let is_part = |e: ExprId| {
            let (mut e, _) = self.unmarked(e);
            loop {
                match *self.node(e) {
                    Node::Except(rest, _) => e = rest,
                    Node::Literals { .. } | Node::Marks(_) => return true,
                    Node::Repeat(class, ..) => return class == self.any_char,
                    _ => return false,
                }
            }
        };
        match self.node(value) {
            Node::Alt(parts) => parts.len() <= 4 && parts.iter().all(|p| is_part(*p)),
            _ => is_part(value),
        }
    }

    /// What is left of [such](Self::is_listed) a value after characters of ASCII.
    fn derive_listed(&mut self, e: ExprId, text: &[u8]) -> ExprId {
        match *self.node(e) {
            Node::Literals { set, lo, hi, depth } => self.derive_literals(set, lo, hi, depth, text),
            Node::Repeat(class, min, max) => {
                let len = text.len() as u32;
                match max {
                    UNBOUNDED => self.repeat(class, min.saturating_sub(len), max),
                    _ if max < len => Self::NEVER,
                    _ => self.repeat(class, min.saturating_sub(len), max - len),
                }
            }
            Node::Concat(head, tail) => {
                let head = self.derive_listed(head, text);
                self.concat2(head, tail)
            }
            Node::Except(rest, literals) => {
                let rest = self.derive_listed(rest, text);
                let literals = self.derive_listed(literals, text);
                self.except(rest, literals)
            }
            Node::Alt(ref parts) => {
                let mut left: SmallVec<[ExprId; 4]> = parts.iter().copied().collect();
                for part in &mut left {
                    *part = self.derive_listed(*part, text);
                }
                self.alt(&left)
            }
            _ => Self::NEVER,
        }
    }

    fn known(&self, e: ExprId, byte: u8) -> ExprId {
        self.derive_simple(e, byte)
            .unwrap_or_else(|| self.derivatives[&(e, byte)])
    }

    /// One step, the children's derivatives being known.
    fn derive_ready(&mut self, e: ExprId, byte: u8, steps: &mut u64) -> Result<ExprId, LimitError> {
        Ok(match *self.node(e) {
            Node::Never | Node::Marks(_) | Node::Set(_) => self.known(e, byte),
            Node::Concat(h, t) => {
                let dh = self.known(h, byte);
                let first = self.concat2(dh, t);
                if self.nullable(h) {
                    // Marks recorded by the head stay recorded.
                    let marks = self.fact(h).marks;
                    let dt = self.known(t, byte);
                    let prefix = self.marks(marks);
                    let second = self.concat2(prefix, dt);
                    self.alt(&[first, second])
                } else {
                    first
                }
            }
            Node::Alt(ref parts) => {
                let d: Vec<ExprId> = parts.clone().iter().map(|p| self.known(*p, byte)).collect();
                self.alt(&d)
            }
            Node::And(ref parts) => {
                let d: Vec<ExprId> = parts.clone().iter().map(|p| self.known(*p, byte)).collect();
                self.and(&d)
            }
            Node::Not(x) => {
                let d = self.known(x, byte);
                self.not(d)
            }
            Node::Repeat(x, min, max) => {
                let d = self.known(x, byte);
                let max = if max == UNBOUNDED { max } else { max - 1 };
                let rest = self.repeat(x, min.saturating_sub(1), max);
                self.concat2(d, rest)
            }
            Node::Except(rest, literals) => {
                let (rest, literals) = (self.known(rest, byte), self.known(literals, byte));
                self.except(rest, literals)
            }
            Node::Literals { set, lo, hi, depth } => {
                self.derive_literals(set, lo, hi, depth, &[byte])
            }
            Node::Leaf { automaton, state } => {
                match self.automata[automaton as usize].next(state, byte) {
                    Some(state) => self.add(Node::Leaf { automaton, state }),
                    None => Self::NEVER,
                }
            }
            Node::Spelled(v, mode) => self.derive_spelled(v, mode, byte, steps)?,
        })
    }

    /// One step of an expression without parts whose derivatives would be needed.
    pub fn derive_leaf(
        &mut self,
        e: ExprId,
        byte: u8,
        steps: &mut u64,
    ) -> Result<ExprId, LimitError> {
        self.derive_ready(e, byte, steps)
    }

    fn derive_literals(&mut self, set: u32, lo: u32, hi: u32, depth: u32, text: &[u8]) -> ExprId {
        let all = &self.literal_sets[set as usize];
        let range = &all.strings[lo as usize..hi as usize];
        let at = depth as usize;
        let from = range.partition_point(|s| s.get(at..).unwrap_or_default() < text);
        let begins = |s: &[u8]| s.get(at..).is_some_and(|left| left.starts_with(text));
        let to = from + range[from..].partition_point(|s| begins(s));
        if from == to {
            return Self::NEVER;
        }
        let (lo, hi) = (lo + from as u32, lo + to as u32);
        let depth = depth + text.len() as u32;
        if hi - lo == 1 {
            return self.literal_alone(set, lo, depth);
        }
        self.add(Node::Literals { set, lo, hi, depth })
    }

    /// The rest of a JSON string whose value must match `value`.
    pub fn spelled(&mut self, value: ExprId) -> ExprId {
        if value == Self::NEVER {
            value
        } else {
            self.add(Node::Spelled(value, NORMAL))
        }
    }

    pub fn derive_spelled(
        &mut self,
        v: ExprId,
        mode: u32,
        byte: u8,
        steps: &mut u64,
    ) -> Result<ExprId, LimitError> {
        let digit = char::from(byte).to_digit(16);
        Ok(match mode & KIND {
            NORMAL => match byte {
                b'"' if self.nullable(v) => {
                    let marks: MarksId = self.fact(v).marks;
                    self.marks(marks)
                }
                b'"' | 0..=0x1f => Self::NEVER,
                b'\\' => self.escape_mode(v, ESCAPE, 0, 0x10_ffff, steps)?,
                _ => {
                    let d = self.known(v, byte);
                    self.spelled(d)
                }
            },
            ESCAPE => match (short_escape(byte), byte) {
                (Some(value), _) => self.feed(v, u32::from(value), steps)?,
                (None, b'u') => self.escape_mode(v, hex_mode(0, 0), 0, 0x10_ffff, steps)?,
                _ => Self::NEVER,
            },
            HEX => {
                let (k, acc) = (mode >> 16 & 3, mode & 0xffff);
                let Some(d) = digit else {
                    return Ok(Self::NEVER);
                };
                let acc = acc << 4 | d;
                if k < 3 {
                    let free = 4 * (3 - k);
                    let (lo, hi) = (acc << free, (acc + 1) << free);
                    // Surrogates stand for the characters above U+FFFF.
                    let mut alive = self.range_alive(v, lo, hi - 1, steps)?;
                    if !alive {
                        let (high_lo, high_hi) = (lo.max(0xd800), hi.min(0xdc00));
                        alive = high_lo < high_hi
                            && self.range_alive(
                                v,
                                0x1_0000 + ((high_lo - 0xd800) << 10),
                                0x1_0000 + ((high_hi - 0xd800) << 10) - 1,
                                steps,
                            )?;
                    }
                    if !alive {
                        return Ok(Self::NEVER);
                    }
                    if let Some(rest) = self.any_digits(v, lo, hi - 1, 3 - k, steps)? {
                        return Ok(rest);
                    }
                    // What no character of the range leads to does not matter any more. (Those that
                    // a surrogate pair spells are not looked at.)
                    let pairs = lo < 0xe000 && hi > 0xd800;
                    let v = match (char::from_u32(lo), char::from_u32(hi - 1)) {
                        (Some(first), Some(last)) if !pairs => self.narrow(v, first, last, 4),
                        _ => v,
                    };
                    self.add(Node::Spelled(v, hex_mode(k + 1, acc)))
                } else if (0xd800..0xdc00).contains(&acc) {
                    let high = acc - 0xd800;
                    let lo = 0x1_0000 + (high << 10);
                    self.escape_mode(v, HIGH | high, lo, lo + 0x3ff, steps)?
                } else {
                    self.feed(v, acc, steps)?
                }
            }
            HIGH if byte == b'\\' => self.add(Node::Spelled(v, HIGH_ESCAPE | mode & 0x3ff)),
            HIGH_ESCAPE if byte == b'u' => self.add(Node::Spelled(v, low_mode(mode & 0x3ff, 0, 0))),
            LOW => {
                let (high, k, acc) = (mode >> 16 & 0x3ff, mode >> 12 & 3, mode & 0xfff);
                let Some(d) = digit else {
                    return Ok(Self::NEVER);
                };
                let acc = acc << 4 | d;
                let base = 0x1_0000 + (high << 10);
                if k < 3 {
                    let free = 4 * (3 - k);
                    let (lo, hi) = ((acc << free).max(0xdc00), ((acc + 1) << free).min(0xe000));
                    if lo >= hi {
                        return Ok(Self::NEVER);
                    }
                    self.escape_mode(
                        v,
                        low_mode(high, k + 1, acc),
                        base + lo - 0xdc00,
                        base + hi - 1 - 0xdc00,
                        steps,
                    )?
                } else if (0xdc00..0xe000).contains(&acc) {
                    self.feed(v, base + acc - 0xdc00, steps)?
                } else {
                    Self::NEVER
                }
            }
            _ => Self::NEVER,
        })
    }

    /// What is left of an escape whose remaining `digits` may be any hexadecimal ones, when all
    /// characters that they can spell lead to the same place: that place, behind the digits. Otherwise
    /// each prefix of an escape is a state of its own, thousands for each length of a string.
    ///
    /// `lo..=hi` are what the four digits can come to: all of them high surrogates, or none.
    fn any_digits(
        &mut self,
        v: ExprId,
        lo: u32,
        hi: u32,
        digits: u32,
        steps: &mut u64,
    ) -> Result<Option<ExprId>, LimitError> {
        let digit = ByteSet::from_ranges(&[(b'0', b'9'), (b'A', b'F'), (b'a', b'f')]);
        let digit = self.set(digit);
        let mut parts = vec![digit; digits as usize];
        let place = match (lo, hi) {
            (..0xd800, ..0xd800) | (0xe000.., _) => self.same_place(v, lo, hi, steps)?,
            (0xd800..0xdc00, ..0xdc00) => {
                // The second half is any low surrogate.
                let [backslash, u, d, c] =
                    [b"\\" as &[u8], b"u", b"Dd", b"CDEFcdef"].map(|bytes| {
                        let ranges: Vec<_> = bytes.iter().map(|b| (*b, *b)).collect();
                        self.set(ByteSet::from_ranges(&ranges))
                    });
                parts.extend([backslash, u, d, c, digit, digit]);
                let above = |half: u32| 0x1_0000 + ((half - 0xd800) << 10);
                self.same_place(v, above(lo), above(hi) + 0x3ff, steps)?
            }
            _ => None,
        };
        let Some(place) = place else { return Ok(None) };
        parts.push(self.spelled(place));
        Ok(Some(self.concat(&parts)))
    }

    /// What is left of `v` after a character of `lo..=hi`, if that is the same for all of them, and
    /// alive. No surrogate may be among them.
    fn same_place(
        &mut self,
        v: ExprId,
        lo: u32,
        hi: u32,
        steps: &mut u64,
    ) -> Result<Option<ExprId>, LimitError> {
        let (Some(a), Some(b)) = (char::from_u32(lo), char::from_u32(hi)) else {
            return Ok(None);
        };
        let mut place = None;
        for sequence in regex_syntax::utf8::Utf8Sequences::new(a, b) {
            let ranges = sequence.as_slice();
            let mut stack = vec![(v, 0usize)];
            while let Some((e, at)) = stack.pop() {
                let Some(range) = ranges.get(at) else {
                    if e == Self::NEVER || *place.get_or_insert(e) != e {
                        return Ok(None);
                    }
                    continue;
                };
                let cuts = self.fact(e).cuts;
                let mut last = None;
                for byte in range.start..=range.end {
                    if byte != range.start && !cuts.contains(byte) {
                        continue;
                    }
                    let d = self.derive(e, byte, steps)?;
                    if last != Some(d) {
                        stack.push((d, at + 1));
                    }
                    last = Some(d);
                }
            }
        }
        match place {
            Some(e) if !self.is_empty(e, steps)? => Ok(Some(e)),
            _ => Ok(None),
        }
    }

    /// An expression that agrees with `e` on all strings that begin with a character of
    /// `first..=last`, if `e` is at the beginning of a character; without the literals that do not.
    fn narrow(&mut self, e: ExprId, first: char, last: char, depth: u32) -> ExprId {
        if depth == 0 {
            return e;
        }
        match *self.node(e) {
            Node::Alt(ref parts) if parts.len() <= 16 => {
                let parts = parts.clone();
                let narrow = |p: &ExprId| self.narrow(*p, first, last, depth - 1);
                let new: Vec<ExprId> = parts.iter().map(narrow).collect();
                if *new == *parts { e } else { self.alt(&new) }
            }
            Node::Concat(h, t) if !self.nullable(h) || matches!(self.node(t), Node::Marks(_)) => {
                let head = self.narrow(h, first, last, depth - 1);
                if head == h { e } else { self.concat2(head, t) }
            }
            Node::Except(rest, literals) => {
                let less = self.narrow(literals, first, last, depth - 1);
                if less == literals {
                    e
                } else {
                    self.except(rest, less)
                }
            }
            Node::Literals { set, lo, hi, depth } => {
                let all = &self.literal_sets[set as usize];
                let strings = &all.strings[lo as usize..hi as usize];
                let mut buffer = [0; 4];
                let encoded = last.encode_utf8(&mut buffer).as_bytes();
                let at = |s: &[u8]| s[depth as usize..].iter().take(encoded.len()).cmp(encoded);
                // In the middle of a character no literal begins one: leave that to the walk.
                let begins = |s: &[u8]| s.get(depth as usize).is_none_or(|b| *b & 0xc0 != 0x80);
                if !strings
                    .iter()
                    .take(1)
                    .chain(strings.last())
                    .all(|s| begins(s))
                {
                    return e;
                }
                let to = strings.partition_point(|s| at(s).is_le());
                let mut buffer = [0; 4];
                let encoded = first.encode_utf8(&mut buffer).as_bytes();
                let from = strings.partition_point(|s| &s[depth as usize..] < encoded);
                match (from, to) {
                    (from, to) if from >= to => Self::NEVER,
                    (0, to) if to == strings.len() => e,
                    (from, to) if to - from == 1 => {
                        self.literal_alone(set, lo + from as u32, depth)
                    }
                    (from, to) => self.add(Node::Literals {
                        set,
                        lo: lo + from as u32,
                        hi: lo + to as u32,
                        depth,
                    }),
                }
            }
            _ => e,
        }
    }

    /// The node in `mode` if some character of `lo..=hi` leaves `v` alive.
    fn escape_mode(
        &mut self,
        v: ExprId,
        mode: u32,
        lo: u32,
        hi: u32,
        steps: &mut u64,
    ) -> Result<ExprId, LimitError> {
        Ok(if self.range_alive(v, lo, hi, steps)? {
            self.add(Node::Spelled(v, mode))
        } else {
            Self::NEVER
        })
    }

    /// The rest of the string after the character `c`, however it was spelled.
    fn feed(&mut self, v: ExprId, c: u32, steps: &mut u64) -> Result<ExprId, LimitError> {
        let Some(c) = char::from_u32(c) else {
            return Ok(Self::NEVER);
        };
        let mut d = v;
        for &byte in c.encode_utf8(&mut [0; 4]).as_bytes() {
            d = self.derive(d, byte, steps)?;
        }
        Ok(self.spelled(d))
    }

    /// Whether some character of `lo..=hi` (surrogates left out) leaves `v` alive.
    fn range_alive(
        &mut self,
        v: ExprId,
        lo: u32,
        hi: u32,
        steps: &mut u64,
    ) -> Result<bool, LimitError> {
        // The least and the greatest character of the range.
        let lo = if (0xd800..0xe000).contains(&lo) {
            0xe000
        } else {
            lo
        };
        let hi = if (0xd800..0xe000).contains(&hi) {
            0xd7ff
        } else {
            hi
        };
        let (Some(first), Some(last)) = (char::from_u32(lo), char::from_u32(hi)) else {
            return Ok(false);
        };
        if first > last {
            return Ok(false);
        }
        // Heads, each with the whole that it begins: a head may be less than a character.
        let mut work = vec![(v, v)];
        let mut searched = None;
        while let Some((e, whole)) = work.pop() {
            if self.fact(e).any_char {
                return Ok(true);
            }
            let known = match self.node(e) {
                Node::Never | Node::Marks(_) => Some(false),
                Node::Alt(parts) => {
                    let whole = |p: ExprId| if e == whole { p } else { whole };
                    work.extend(parts.iter().map(|p| (*p, whole(*p))));
                    continue;
                }
                Node::Concat(h, t) if !self.nullable(*h) && !self.fact(*t).doubtful => {
                    work.push((*h, whole));
                    continue;
                }
                Node::Concat(h, t) if !self.fact(*h).doubtful && !self.fact(*t).doubtful => {
                    work.extend([(*t, whole), (*h, whole)]);
                    continue;
                }
                // (What is not doubtful is not empty.)
                Node::Repeat(x, ..) if !self.fact(*x).doubtful => {
                    work.push((*x, whole));
                    continue;
                }
                Node::Set(set) => {
                    let set = &self.sets[*set as usize];
                    let is_ascii = set.0[2..] == [0, 0];
                    let mut bytes = u32::from(first)..=u32::from(last).min(0x7f);
                    is_ascii.then(|| bytes.any(|byte| set.contains(byte as u8)))
                }
                Node::Literals { set, lo, hi, depth } => {
                    let strings =
                        &self.literal_sets[*set as usize].strings[*lo as usize..*hi as usize];
                    literal_in_range(strings, *depth as usize, first, last)
                }
                _ => None,
            };
            let alive = match known {
                Some(alive) => alive,
                None if searched == Some(whole) => continue,
                None => {
                    searched = Some(whole);
                    self.search_range(whole, lo_hi(first, last), steps)?
                }
            };
            if alive {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The same by trying the characters, one representative a run of bytes.
    fn search_range(
        &mut self,
        v: ExprId,
        (lo, hi): (u32, u32),
        steps: &mut u64,
    ) -> Result<bool, LimitError> {
        for (lo, hi) in [(lo, hi.min(0xd7ff)), (lo.max(0xe000), hi)] {
            let (Some(a), Some(b)) = (char::from_u32(lo), char::from_u32(hi)) else {
                continue;
            };
            if a > b {
                continue;
            }
            for sequence in regex_syntax::utf8::Utf8Sequences::new(a, b) {
                // Depth-first over the at most four bytes.
                let ranges = sequence.as_slice();
                let mut stack = vec![(v, 0usize)];
                while let Some((e, at)) = stack.pop() {
                    let Some(range) = ranges.get(at) else {
                        if !self.is_empty(e, steps)? {
                            return Ok(true);
                        }
                        continue;
                    };
                    let cuts = self.fact(e).cuts;
                    let mut last = Self::NEVER;
                    for byte in (range.start..=range.end).rev() {
                        if byte != range.start && !cuts.contains(byte) {
                            continue;
                        }
                        let d = self.derive(e, byte, steps)?;
                        if d != Self::NEVER && d != last {
                            stack.push((d, at + 1));
                        }
                        last = d;
                    }
                }
            }
        }
        Ok(false)
    }
}
