//! Lexemes that must differ: the values read so far, and the lexeme under way.
//!
//! A machine says which lexemes must differ from the others that are kept with the same stack entry
//! ([`maskwright_tables::machine`]). Here is what a matcher remembers for that: [`Seen`], the values
//! of one entry, persistent, so that forks and the history share it; and [`Lexeme`], the bytes of a
//! lexeme that may turn out to be one of those. Nothing is kept where nothing must differ.
//!
//! A *value* is JSON in canonical bytes: what two spellings of it have in common. Those of a scalar are
//! given here ([`value`]), those of arrays and objects in [`crate::record`]; the first byte tells one
//! from another.

use maskwright_tables::ByteSet;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A value in canonical bytes.
pub(crate) type Value = Arc<[u8]>;

/// The canonical bytes of the scalar that `text` spells, white space around it aside: `"` and the
/// characters of a string; for a number `#`, its sign, its digits without zeros at either end, and the
/// power of ten of the last one; any other text as it is.
///
/// ```text
/// "\u0061b"  ->  "ab          -1.50e2  ->  #-15e1          true  ->  true
/// ```
pub(crate) fn value(text: &[u8]) -> Value {
    let text = text.trim_ascii();
    match text.first() {
        Some(b'"') => {
            let mut reader = StringReader::default();
            let mut out = vec![b'"'];
            for &byte in &text[1..] {
                if reader.push(byte, &mut out) == Pushed::Closed {
                    break;
                }
            }
            out.into()
        }
        Some(b'-' | b'0'..=b'9') => Number::read(text).canonical().into(),
        _ => text.into(),
    }
}

/// What a byte did to a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    /// The string goes on.
    Open,
    /// It was the closing quote.
    Closed,
}

/// An escape sequence under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Escape {
    #[default]
    None,
    /// After the backslash; the high surrogate before it, or 0.
    Begun(u16),
    /// This many digits of a code unit are read; the high surrogate before it, or 0.
    Unit { digits: u8, unit: u16, high: u16 },
    /// After a high surrogate, whose other half must follow.
    Half(u16),
}

/// Reads the inside of a JSON string, byte by byte. O(1) a byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct StringReader(Escape);

impl StringReader {
    /// Whether an escape sequence is under way.
    pub(crate) fn inside_escape(self) -> bool {
        self.0 != Escape::None
    }

    /// The bytes with which an escape sequence goes on that may stand for a character which begins with
    /// one of these bytes, at least.
    pub(crate) fn ways(self, next: ByteSet) -> ByteSet {
        match self.0 {
            Escape::Begun(0) => {
                let mut ways = ByteSet::default();
                let letters = [
                    (b'b', 8),
                    (b'f', 12),
                    (b'n', b'\n'),
                    (b'r', b'\r'),
                    (b't', b'\t'),
                ];
                let itself = b"\"\\/".iter().map(|b| (*b, *b));
                for (letter, byte) in letters.into_iter().chain(itself) {
                    if next.contains(byte) {
                        ways.insert(letter);
                    }
                }
                if next != ByteSet::default() {
                    ways.insert(b'u');
                }
                ways
            }
            _ => ByteSet::ALL,
        }
    }

    /// Reads one byte; appends what it completes to `out`.
    pub(crate) fn push(&mut self, byte: u8, out: &mut Vec<u8>) -> Pushed {
        self.0 = match (self.0, byte) {
            (Escape::None, b'"') => return Pushed::Closed,
            (Escape::None, b'\\') => Escape::Begun(0),
            (Escape::Half(high), b'\\') => Escape::Begun(high),
            (Escape::Begun(high), b'u') => Escape::Unit {
                digits: 0,
                unit: 0,
                high,
            },
            (Escape::Begun(_), b) => {
                out.push(match b {
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b => b,
                });
                Escape::None
            }
            (Escape::Unit { digits, unit, high }, b) => {
                let digit = char::from(b).to_digit(16).unwrap_or(0) as u16;
                let unit = unit << 4 | digit;
                match (digits, high, unit) {
                    (0..=2, ..) => Escape::Unit {
                        digits: digits + 1,
                        unit,
                        high,
                    },
                    (_, 0, 0xd800..=0xdbff) => Escape::Half(unit),
                    _ => {
                        let pair = [high, unit];
                        let units = if high == 0 { &pair[1..] } else { &pair[..] };
                        for c in char::decode_utf16(units.iter().copied()) {
                            let c = c.unwrap_or(char::REPLACEMENT_CHARACTER);
                            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                        }
                        Escape::None
                    }
                }
            }
            (Escape::None | Escape::Half(_), b) => {
                out.push(b);
                Escape::None
            }
        };
        Pushed::Open
    }
}

/// A JSON number, or the beginning of one, in parts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Number {
    pub(crate) negative: bool,
    /// The significant digits so far: no zeros in front.
    digits: Vec<u8>,
    /// How many digits are behind the point.
    scale: i64,
    /// Whether an `e` was read.
    pub(crate) has_exponent: bool,
    exponent_negative: bool,
    /// The digits of the exponent: no zeros in front.
    exponent: Vec<u8>,
}

impl Number {
    /// Reads a number or the beginning of one. O(bytes).
    pub(crate) fn read(text: &[u8]) -> Self {
        let mut number = Number::default();
        let mut point = false;
        for &byte in text {
            match byte {
                b'-' if number.has_exponent => number.exponent_negative = true,
                b'-' => number.negative = true,
                b'.' => point = true,
                b'e' | b'E' => number.has_exponent = true,
                // Zeros in front say nothing.
                b'0' if number.has_exponent && number.exponent.is_empty() => {}
                b'0'..=b'9' if number.has_exponent => number.exponent.push(byte),
                b'0'..=b'9' => {
                    if byte != b'0' || !number.digits.is_empty() {
                        number.digits.push(byte);
                    }
                    number.scale += i64::from(point);
                }
                _ => {}
            }
        }
        number
    }

    /// The digits without zeros at either end.
    pub(crate) fn significant(&self) -> &[u8] {
        let end = self.digits.iter().rposition(|d| *d != b'0');
        &self.digits[..end.map_or(0, |i| i + 1)]
    }

    /// How many digits are behind the point.
    pub(crate) fn scale(&self) -> i64 {
        self.scale
    }

    /// See [`value`].
    pub(crate) fn canonical(&self) -> Vec<u8> {
        let significant = self.significant();
        let mut out = vec![b'#'];
        if significant.is_empty() {
            out.push(b'0');
            return out;
        }
        if self.negative {
            out.push(b'-');
        }
        out.extend_from_slice(significant);
        out.push(b'e');
        let cut = (self.digits.len() - significant.len()) as i64;
        out.extend(add(
            &self.exponent,
            self.exponent_negative,
            cut - self.scale,
        ));
        out
    }

    /// Whether more bytes can make this beginning of a number a spelling of one of `seen`; "yes" where
    /// an exponent decides.
    pub(crate) fn can_become_one(&self, seen: &Seen) -> bool {
        let with = |more: &[u8]| [if self.negative { b"#-" } else { &b"#"[..] }, more].concat();
        if self.digits.is_empty() {
            let begins = |d: u8| seen.has_beginning(&with(&[d]));
            return seen.contains(b"#0") || !self.has_exponent && (b'1'..=b'9').any(begins);
        }
        let whole = with(&[self.significant(), b"e"].concat());
        seen.has_beginning(&whole) || !self.has_exponent && seen.has_beginning(&with(&self.digits))
    }

    /// The bytes after which that may still be so, at least, or which end the number; `None` where it is not
    /// told. A digit behind the number goes on inside it.
    pub(crate) fn ways(&self, seen: &Seen) -> Option<ByteSet> {
        if self.has_exponent || self.digits.is_empty() {
            return None;
        }
        let sign = if self.negative { b"#-" } else { &b"#"[..] };
        let mut ways = seen.within(&[sign, &self.digits].concat()).next_bytes();
        // As in canonical bytes an exponent follows the digits: zeros may too, or the end.
        ways.remove(b'e');
        let whole = [sign, self.significant(), b"e"].concat();
        if seen.has_beginning(&whole) {
            ways = ways.union(&ByteSet::from_ranges(&[(0, b'0'), (b'9' + 1, 0xff)]));
        }
        ways.insert(b'.');
        Some(ways)
    }
}

/// A decimal integer of any size plus a small one, in canonical text.
fn add(digits: &[u8], negative: bool, small: i64) -> Vec<u8> {
    // Both as little-endian digits; exponents of more than 18 digits are rare but legal.
    let mut big: Vec<u8> = digits.iter().rev().map(|d| d - b'0').collect();
    let other: Vec<u8> = small.unsigned_abs().to_string().into_bytes();
    let mut other: Vec<u8> = other.iter().rev().map(|d| d - b'0').collect();
    let mut sign = negative;
    let len = big.len().max(other.len()) + 1;
    big.resize(len, 0);
    other.resize(len, 0);
    if negative == (small < 0) {
        let mut carry = 0;
        for (a, b) in big.iter_mut().zip(&other) {
            let sum = *a + b + carry;
            (*a, carry) = (sum % 10, sum / 10);
        }
    } else {
        if big.iter().rev().lt(other.iter().rev()) {
            std::mem::swap(&mut big, &mut other);
            sign = small < 0;
        }
        let mut borrow = 0;
        for (a, b) in big.iter_mut().zip(&other) {
            let difference = 10 + *a - b - borrow;
            (*a, borrow) = (difference % 10, u8::from(difference < 10));
        }
    }
    while big.last() == Some(&0) {
        big.pop();
    }
    let mut out: Vec<u8> = big.iter().rev().map(|d| d + b'0').collect();
    if out.is_empty() {
        out.push(b'0');
    } else if sign {
        out.insert(0, b'-');
    }
    out
}

/// The hash of some bytes that follow others, whose hash is `before`: the same in every process, and
/// however the bytes are cut (after FNV-1a, 64 bits).
pub(crate) fn hash(bytes: &[u8], before: u64) -> u64 {
    bytes.iter().fold(before, |h, b| {
        (h ^ u64::from(*b) ^ 0xcbf2_9ce4_8422_2325)
            .wrapping_mul(0x100_0000_01b3)
            .rotate_left(7)
    })
}

/// The values read so far, of one stack entry. Copying one is a reference count.
///
/// Sorted runs of geometrically falling length, as in a log-structured tree: adding a value is O(log
/// n) amortised and shares what it can, looking one up O(log² n).
#[derive(Clone, Default)]
pub(crate) struct Seen(Option<Arc<Runs>>);

struct Runs {
    /// Each sorted; each more than [`Seen::RATIO`] times as long as the next.
    runs: SmallVec<[Arc<[Value]>; 8]>,
    /// Of the values, whatever their order.
    hash: u64,
}

impl Seen {
    /// Eight runs hold 65,000 values.
    const RATIO: usize = 4;

    /// These values, which are in order and different.
    pub(crate) fn of(values: Arc<[Value]>) -> Self {
        let hashes = values.iter().map(|v| hash(v, 1) | 1);
        let hash = hashes.fold(0u64, u64::wrapping_add);
        let some = !values.is_empty();
        let runs = std::iter::once(values).collect();
        Seen(some.then(|| Arc::new(Runs { runs, hash })))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn len(&self) -> usize {
        let runs = self.0.iter().flat_map(|r| &r.runs);
        runs.map(|run| run.len()).sum()
    }

    /// A hash of the values, whatever the order in which they were read.
    pub(crate) fn hash(&self) -> u64 {
        self.0.as_ref().map_or(0, |r| r.hash)
    }

    pub(crate) fn contains(&self, value: &[u8]) -> bool {
        let mut runs = self.0.iter().flat_map(|r| &r.runs);
        runs.any(|run| run.binary_search_by(|v| (**v).cmp(value)).is_ok())
    }

    /// These values and one more.
    pub(crate) fn with(&self, value: Value) -> Self {
        let mut runs = self.0.as_ref().map(|r| r.runs.clone()).unwrap_or_default();
        let hash = self.hash().wrapping_add(hash(&value, 1) | 1);
        let mut last: Arc<[Value]> = Arc::from([value]);
        while let Some(before) = runs.last()
            && before.len() <= Self::RATIO * last.len()
        {
            let mut merged: Vec<Value> = before.iter().chain(&*last).cloned().collect();
            // Two runs: one pass.
            merged.sort();
            last = merged.into();
            runs.pop();
        }
        runs.push(last);
        Seen(Some(Arc::new(Runs { runs, hash })))
    }

    /// Whether one of the values begins with `prefix`.
    pub(crate) fn has_beginning(&self, prefix: &[u8]) -> bool {
        let mut runs = self.0.iter().flat_map(|r| &r.runs);
        runs.any(|run| {
            let at = run.partition_point(|v| &**v < prefix);
            run.get(at).is_some_and(|v| v.starts_with(prefix))
        })
    }

    /// The values that begin with `prefix`. O(log n) for each run.
    pub(crate) fn within(&self, prefix: &[u8]) -> Within<'_> {
        let mut within = Within::default();
        for run in self.0.iter().flat_map(|r| &r.runs) {
            let from = run.partition_point(|v| &**v < prefix);
            let to = run[from..].partition_point(|v| v.starts_with(prefix));
            if to > 0 {
                within.slices.push(&run[from..from + to]);
            }
        }
        within.len = prefix.len();
        within
    }

    /// Whether one of the values begins with `prefix` and goes on.
    pub(crate) fn has_longer(&self, prefix: &[u8]) -> bool {
        let mut runs = self.0.iter().flat_map(|r| &r.runs);
        runs.any(|run| {
            let at = run.partition_point(|v| &**v <= prefix);
            run.get(at).is_some_and(|v| v.starts_with(prefix))
        })
    }

    /// The values whose canonical bytes begin with this one, in no order.
    pub(crate) fn values_from(&self, first: u8) -> impl Iterator<Item = &Value> {
        let runs = self.0.iter().flat_map(|r| &r.runs);
        runs.flat_map(move |run| {
            let start = run.partition_point(|v| v.first() < Some(&first));
            let end = run.partition_point(|v| v.first() <= Some(&first));
            &run[start..end.max(start)]
        })
    }

    /// Whether all values are strings. O(number of runs).
    pub(crate) fn are_strings(&self) -> bool {
        let runs = self.0.iter().flat_map(|r| &r.runs);
        let mut ends = runs.flat_map(|run| [run.first(), run.last()]).flatten();
        ends.all(|value| value.first() == Some(&b'"'))
    }

    /// All values, in no order.
    pub(crate) fn values(&self) -> impl Iterator<Item = &[u8]> {
        let runs = self.0.iter().flat_map(|r| &r.runs);
        runs.flat_map(|run| run.iter().map(|v| &**v))
    }
}

/// Values that begin with the same bytes, and a way to go along them and back.
#[derive(Default)]
pub(crate) struct Within<'a> {
    /// Those of each run, in order, no run without any; before them those of fewer bytes.
    slices: SmallVec<[&'a [Value]; 16]>,
    /// Where the present ones begin.
    from: usize,
    /// How many bytes they have in common.
    len: usize,
    /// Where they began before, and how many bytes those had.
    path: SmallVec<[(usize, usize); 16]>,
}

impl Within<'_> {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.slices.len() == self.from
    }

    /// Whether the bytes in common are one of the values.
    pub(crate) fn has_whole(&self) -> bool {
        let mut slices = self.slices[self.from..].iter();
        slices.any(|s| s[0].len() == self.len)
    }

    /// Leaves those that go on with these bytes, until [`back`](Self::back). O(log n) a byte for each run.
    pub(crate) fn go(&mut self, bytes: &[u8]) {
        self.path.push((self.from, self.len));
        let (start, end) = (self.from, self.slices.len());
        self.from = end;
        (start..end).for_each(|at| self.slices.push(self.slices[at]));
        for byte in bytes {
            let mut kept = self.from;
            for at in self.from..self.slices.len() {
                let slice = going_on(self.slices[at], self.len, *byte);
                if !slice.is_empty() {
                    self.slices[kept] = slice;
                    kept += 1;
                }
            }
            self.slices.truncate(kept);
            self.len += 1;
        }
    }

    /// Takes the last step back, if there was one.
    pub(crate) fn back(&mut self) {
        if let Some((from, len)) = self.path.pop() {
            self.slices.truncate(self.from);
            (self.from, self.len) = (from, len);
        }
    }

    /// The bytes with which they go on. O(log n) for each such byte.
    pub(crate) fn next_bytes(&self) -> ByteSet {
        let mut bytes = ByteSet::default();
        for slice in &self.slices[self.from..] {
            if let [only] = slice {
                only.get(self.len)
                    .into_iter()
                    .for_each(|b| bytes.insert(*b));
                continue;
            }
            let mut at = slice.partition_point(|v| v.len() == self.len);
            while let Some(value) = slice.get(at) {
                let byte = value[self.len];
                bytes.insert(byte);
                at += slice[at..].partition_point(|v| v[self.len] == byte);
            }
        }
        bytes
    }
}

/// Those of values with so many bytes in common that have this one next.
fn going_on(slice: &[Value], len: usize, byte: u8) -> &[Value] {
    if let [only] = slice {
        return match only.get(len) == Some(&byte) {
            true => slice,
            false => &[],
        };
    }
    let from = slice.partition_point(|v| v.get(len) < Some(&byte));
    let to = slice[from..].partition_point(|v| v.get(len) == Some(&byte));
    &slice[from..from + to]
}

/// Where a token begins, as far as JSON's strings go.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Start {
    /// Inside none.
    Outside,
    /// Inside one.
    Inside(StringReader),
    /// Nobody knows.
    Unknown,
}

/// Whether a string that begins in a token may come to be one of these strings, or the token closes it as
/// one. Values are kept only while JSON is read, so outside strings a quote opens one; where nobody knows in
/// what the token begins, that is asked behind each quote.
pub(crate) fn may_repeat(seen: &Seen, token: &[u8], start: Start) -> bool {
    let mut spelled = Vec::new();
    let close = |rest: &[u8], reader: &mut StringReader, spelled: &mut Vec<u8>| {
        let mut bytes = rest.iter();
        bytes.position(|b| reader.push(*b, spelled) == Pushed::Closed)
    };
    let mut rest = token;
    if let Start::Inside(mut reader) = start {
        match close(rest, &mut reader, &mut spelled) {
            Some(end) => rest = &rest[end + 1..],
            None => return false,
        }
    }
    while let Some(at) = rest.iter().position(|b| *b == b'"') {
        rest = &rest[at + 1..];
        let mut reader = StringReader::default();
        spelled.clear();
        spelled.push(b'"');
        let closed = close(rest, &mut reader, &mut spelled);
        let may = match (closed, reader.inside_escape()) {
            (Some(_), _) => seen.contains(&spelled),
            (None, true) => seen.has_longer(&spelled),
            (None, false) => seen.has_beginning(&spelled),
        };
        if may {
            return true;
        }
        match (start, closed) {
            (Start::Unknown, _) => {}
            (_, Some(end)) => rest = &rest[end + 1..],
            (_, None) => return false,
        }
    }
    false
}

impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(a), Some(b)) => {
                Arc::ptr_eq(a, b)
                    || a.hash == b.hash
                        && self.len() == other.len()
                        && self.values().all(|v| other.contains(v))
            }
            _ => false,
        }
    }
}

/// The bytes of the lexeme under way, where it may have to differ from others.
///
/// Persistent, as the history and forks keep every state of it: a piece for each step, linked to the
/// piece before. Appending costs O(bytes appended).
#[derive(Clone, Default)]
pub(crate) struct Lexeme {
    /// Whether the bytes matter; there are none if not.
    tracked: bool,
    /// The first byte that is no white space, or 0.
    first: u8,
    last: Option<Arc<Piece>>,
}

struct Piece {
    before: Option<Arc<Piece>>,
    bytes: SmallVec<[u8; 16]>,
    /// Of all bytes up to here.
    hash: u64,
    len: usize,
    /// See [`Lexeme::is_free`].
    free: AtomicBool,
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut before = self.before.take();
        // In a loop: a native recursion would overflow on a long lexeme.
        while let Some(mut piece) = before.and_then(Arc::into_inner) {
            before = piece.before.take();
        }
    }
}

impl Lexeme {
    /// A lexeme of which nothing was read yet.
    pub(crate) fn new(tracked: bool) -> Self {
        Lexeme {
            tracked,
            ..Lexeme::default()
        }
    }

    #[inline]
    pub(crate) fn is_tracked(&self) -> bool {
        self.tracked
    }

    /// Whether no byte of it is kept.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    pub(crate) fn hash(&self) -> u64 {
        self.last.as_ref().map_or(0, |p| p.hash)
    }

    /// This lexeme and more bytes.
    pub(crate) fn with(&self, bytes: &[u8]) -> Self {
        if !self.tracked || bytes.is_empty() {
            return self.clone();
        }
        let first = match self.first {
            0 => bytes.trim_ascii_start().first().map_or(0, |b| *b),
            first => first,
        };
        Lexeme {
            tracked: true,
            first,
            last: Some(Arc::new(Piece {
                before: self.last.clone(),
                bytes: bytes.into(),
                hash: hash(bytes, self.hash()),
                len: self.len() + bytes.len(),
                free: AtomicBool::new(self.is_free()),
            })),
        }
    }

    /// Whether it has more than white space.
    #[inline]
    pub(crate) fn is_begun(&self) -> bool {
        self.first != 0
    }

    /// Whether it is the beginning of a string.
    #[inline]
    pub(crate) fn is_text(&self) -> bool {
        self.first == b'"'
    }

    /// Whether it was found that no value read before can come of it, which stays so.
    #[inline]
    pub(crate) fn is_free(&self) -> bool {
        let free = |p: &Arc<Piece>| p.free.load(Ordering::Relaxed);
        self.last.as_ref().is_some_and(free)
    }

    /// Notes that no value read before can come of it. What else begins with these bytes was read on the
    /// same stack, and must differ from the same values.
    pub(crate) fn set_free(&self) {
        if let Some(piece) = &self.last {
            piece.free.store(true, Ordering::Relaxed);
        }
    }

    /// Where a token begins that goes on from here. The lexeme of a string ends with its closing quote.
    pub(crate) fn start(&self) -> Start {
        if !self.is_text() {
            return Start::Outside;
        }
        let mut last = self.last.as_deref();
        let mut backslashes = 0;
        while let Some(piece) = last {
            let here = piece
                .bytes
                .iter()
                .rev()
                .take_while(|b| **b == b'\\')
                .count();
            backslashes += here;
            last = piece
                .before
                .as_deref()
                .filter(|_| here == piece.bytes.len());
        }
        Start::Inside(StringReader(match backslashes % 2 {
            0 => Escape::None,
            _ => Escape::Begun(0),
        }))
    }

    fn len(&self) -> usize {
        self.last.as_ref().map_or(0, |p| p.len)
    }

    /// All its bytes. O(bytes).
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = vec![0; self.len()];
        let mut end = out.len();
        let mut piece = self.last.as_deref();
        while let Some(p) = piece {
            let start = end - p.bytes.len();
            out[start..end].copy_from_slice(&p.bytes);
            end = start;
            piece = p.before.as_deref();
        }
        out
    }
}

impl PartialEq for Lexeme {
    fn eq(&self, other: &Self) -> bool {
        self.tracked == other.tracked
            && match (&self.last, &other.last) {
                (None, None) => true,
                (Some(a), Some(b)) => {
                    Arc::ptr_eq(a, b)
                        || a.hash == b.hash && a.len == b.len && self.bytes() == other.bytes()
                }
                _ => false,
            }
    }
}

impl Eq for Lexeme {}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> String {
        String::from_utf8_lossy(bytes).into_owned()
    }

    #[test]
    fn tokens_may_repeat_a_string_they_begin_or_hold() {
        let seen = Seen::default()
            .with(value(b"\"ab\""))
            .with(value(b"\"a\\\"b\""));
        assert!(seen.are_strings());
        for (token, expected) in [
            (&b",\"ab\":1"[..], true),
            (b",\"a", true),
            (b",\"", true),
            (b"1,\"\\u0061", true),
            (b"\"\\u00", true),
            (b"x\",\"a\\\"", true),
            (b",\"abc\":", false),
            (b",\"a\":", false),
            (b",\"b", false),
            (b"\"\":{\"", true),
            (b"\"\":{", false),
            (b"}, [1", false),
            (b",\"abc", false),
        ] {
            let found = may_repeat(&seen, token, Start::Unknown);
            assert_eq!(found, expected, "{}", text(token));
        }
        let inside = |text: &[u8]| {
            let lexeme = Lexeme::new(true).with(b" \"");
            text.iter().fold(lexeme, |l, b| l.with(&[*b])).start()
        };
        let outside = Lexeme::new(true).with(b" ").start();
        for (token, start, expected) in [
            // A quote that closes opens nothing.
            (&b" \",\""[..], outside, false),
            (b" \"ab\"", outside, true),
            (b"\"b\":\"", outside, true),
            (b"ab\"", inside(b"x"), false),
            (b"x\",\"", inside(b""), true),
            (b"x\",\"a\"", inside(b""), false),
            (b"x\",\"ab\"", inside(b""), true),
            (b"\",\"ab", inside(b"x\\"), false),
            (b"\",\"ab\"", inside(b"x\\\\"), true),
            (b"22\",\"c\",\"ab", inside(b"\\u00"), true),
        ] {
            let found = may_repeat(&seen, token, start);
            assert_eq!(found, expected, "{} {start:?}", text(token));
        }
        for other in [&b"1"[..], b"true", b"-0.5"] {
            assert!(!seen.with(value(other)).are_strings());
        }
    }

    #[test]
    fn spellings_of_one_value_are_one_value() {
        for (value_text, spellings) in [
            ("\"ab", &["\"ab\"", " \"\\u0061b\"", "\n\"a\\u0062\" "][..]),
            (
                "\"\u{1f600}/\n",
                &["\"\u{1f600}/\\n\"", "\"\\ud83d\\uDE00\\/\\u000a\""],
            ),
            ("\"\"\\", &["\"\\\"\\\\\"", "\"\\u0022\\u005C\""]),
            (
                "#0",
                &[
                    "0",
                    "-0",
                    "0.0",
                    "0e7",
                    "-0.00E-12",
                    "0e99999999999999999999999",
                ],
            ),
            (
                "#1e0",
                &[
                    "1",
                    "1.0",
                    "1e0",
                    "10e-1",
                    "0.1E+1",
                    "0.001e003",
                    "1.000e-0",
                ],
            ),
            ("#-15e1", &["-150", "-1.5e2", "-1500.0e-1"]),
            ("#12e-3", &["0.012", "12e-3", "1.20e-2"]),
            (
                "#1e100000000000000000000",
                &[
                    "1e100000000000000000000",
                    "10e99999999999999999999",
                    "0.1e100000000000000000001",
                ],
            ),
            (
                "#1e-100000000000000000000",
                &["1e-100000000000000000000", "0.1e-99999999999999999999"],
            ),
            ("true", &["true", " true"]),
        ] {
            for s in spellings {
                assert_eq!(text(&value(s.as_bytes())), value_text, "{s}");
            }
        }
    }

    #[test]
    fn sums_agree_with_machine_integers() {
        for a in [
            -12_345i64, -1000, -999, -10, -9, -1, 0, 1, 5, 10, 99, 100, 1001,
        ] {
            for b in [-1001i64, -100, -99, -10, -7, -1, 0, 1, 9, 10, 11, 99, 1000] {
                let digits = a.unsigned_abs().to_string();
                let digits = if a == 0 { "" } else { &digits };
                let sum = add(digits.as_bytes(), a < 0, b);
                assert_eq!(text(&sum), (a + b).to_string(), "{a} + {b}");
            }
        }
    }

    #[test]
    fn beginnings_of_numbers_know_what_they_can_become() {
        for (beginning, canonical, expected) in [
            ("1", "#1e0", true),
            ("1", "#12e0", true),
            ("10", "#1e0", true),
            ("13", "#12e0", false),
            ("-1", "#1e0", false),
            ("0.0", "#1e0", true),
            ("1.20", "#12e0", true),
            ("1.2e", "#12e0", true),
            ("1e", "#12e0", false),
            ("0.0e", "#0", true),
            ("1", "#0", false),
            ("1", "\"1", false),
            ("-", "#-5e3", true),
        ] {
            let number = Number::read(beginning.as_bytes());
            let seen = Seen::default().with(canonical.as_bytes().into());
            assert_eq!(
                number.can_become_one(&seen),
                expected,
                "{beginning} {canonical}"
            );
        }
    }

    #[test]
    fn seen_values_are_a_set_whatever_their_order() {
        let mut forward = Seen::default();
        let mut backward = Seen::default();
        let values: Vec<Value> = (0..500u32)
            .map(|i| Value::from(format!("\"{:x}", i.wrapping_mul(2_654_435_761)).as_bytes()))
            .collect();
        for (a, b) in values.iter().zip(values.iter().rev()) {
            assert!(!forward.contains(a));
            forward = forward.with(a.clone());
            backward = backward.with(b.clone());
            assert!(forward.contains(a));
        }
        assert!(forward == backward && forward.hash() == backward.hash());
        assert_eq!(forward.len(), 500);
        assert!(
            forward
                != values[1..]
                    .iter()
                    .fold(Seen::default(), |s, v| s.with(v.clone()))
        );
        for prefix in ["", "\"", "\"a", "\"9e", "#"] {
            let matching = || values.iter().filter(|v| v.starts_with(prefix.as_bytes()));
            assert_eq!(
                forward.has_beginning(prefix.as_bytes()),
                matching().count() > 0,
                "{prefix}"
            );
            let mut next = ByteSet::default();
            let longer = matching().filter_map(|v| v.get(prefix.len()));
            longer.for_each(|b| next.insert(*b));
            assert_eq!(forward.within(prefix.as_bytes()).next_bytes(), next);
            for value in matching().take(20) {
                assert!(forward.has_beginning(value));
                let longer = values
                    .iter()
                    .any(|v| v.len() > value.len() && v.starts_with(value));
                assert_eq!(forward.has_longer(value), longer);
                let (first, rest) = value.split_at(prefix.len());
                let mut within = forward.within(first);
                let before = within.next_bytes();
                within.go(rest);
                assert!(within.has_whole());
                assert_eq!(within.next_bytes() != ByteSet::default(), longer);
                within.go(b"\x01");
                assert!(within.is_empty());
                within.back();
                assert!(within.has_whole());
                within.back();
                assert_eq!(within.next_bytes(), before);
                assert!(forward.has_longer(&value[..value.len() - 1]));
            }
        }
    }

    #[test]
    fn a_long_lexeme_drops_on_a_small_native_stack() {
        let build = || {
            let mut lexeme = Lexeme::new(true);
            for _ in 0..200_000 {
                lexeme = lexeme.with(b"ab");
            }
            assert_eq!(lexeme.bytes().len(), 400_000);
            assert!(lexeme != Lexeme::new(true));
        };
        std::thread::Builder::new()
            .stack_size(64 << 10)
            .spawn(build)
            .unwrap()
            .join()
            .unwrap();
    }
}
