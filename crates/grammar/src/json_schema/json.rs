//! An exact JSON reader: text → [`Document`], an arena of values.
//!
//! Unlike a general reader it keeps what a schema compiler must not lose: the order of members,
//! the text of numbers and the byte span of every value. Duplicate keys and lone surrogates are
//! errors. Values live in one arena, children before parents, so neither reading nor dropping
//! recurses, whatever the nesting.
//!
//! Cost: linear in the text, plus sorting the keys of objects with more than
//! [`SORT_FROM`] members, which also makes [`Document::get`] a binary search there.

use crate::{Diagnostic, Place};
use maskwright_tables::{LimitError, Limits};
use std::borrow::Cow;
use std::ops::Range;

/// Objects with at least this many members have their keys sorted for look-up.
pub const SORT_FROM: usize = 9;

/// A value of a [`Document`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ValueId(pub u32);

/// What a value is.
#[derive(Clone, Copy, Debug)]
pub enum Json<'d> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as written.
    Number(&'d str),
    /// A string, decoded.
    String(&'d str),
    /// The elements of an array.
    Array(&'d [ValueId]),
    /// The members of an object, in the order of the text.
    Object(&'d [Member<'d>]),
}

impl Json<'_> {
    /// What the value is, in words, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }
}

/// A member of an object.
#[derive(Clone, Debug)]
pub struct Member<'t> {
    /// The key, decoded.
    pub key: Cow<'t, str>,
    /// Where the key starts in the text (its opening quote).
    pub key_start: u32,
    /// The value.
    pub value: ValueId,
}

#[derive(Clone, Debug)]
enum Data<'t> {
    Null,
    Bool(bool),
    Number,
    String(Cow<'t, str>),
    /// `elements[start..start + len]`.
    Array {
        start: u32,
        len: u32,
    },
    /// `members[start..start + len]`; for large objects `sorted[at..at + len]` lists the members
    /// (relative to `start`) by key.
    Object {
        start: u32,
        len: u32,
        sorted: Option<u32>,
    },
}

#[derive(Clone, Debug)]
struct Value<'t> {
    data: Data<'t>,
    start: u32,
    end: u32,
}

/// A JSON text, read.
#[derive(Clone, Debug)]
pub struct Document<'t> {
    text: &'t str,
    values: Vec<Value<'t>>,
    elements: Vec<ValueId>,
    members: Vec<Member<'t>>,
    sorted: Vec<u32>,
}

impl<'t> Document<'t> {
    /// Reads a text that must be one JSON value and nothing else.
    ///
    /// # Errors
    /// `invalid-json`, `duplicate-key` or `limit-exceeded`, with the byte span.
    pub fn parse(text: &'t str, limits: &Limits) -> Result<Self, Diagnostic> {
        let allowed = limits.source_bytes.min(u32::MAX as usize - 1);
        if text.len() > allowed {
            let e = LimitError::new("schema text", text.len() as u64, allowed as u64);
            return Err(Diagnostic::limit(e, Place::default()));
        }
        let document = Document {
            text,
            values: Vec::with_capacity(text.len() / 16),
            elements: Vec::new(),
            members: Vec::with_capacity(text.len() / 24),
            sorted: Vec::new(),
        };
        Reader {
            text: text.as_bytes(),
            at: 0,
            document,
            limits,
        }
        .read()
    }

    /// The value of the whole text.
    pub fn root(&self) -> ValueId {
        ValueId(self.values.len() as u32 - 1)
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no values; never true of a document that was read.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The text that was read.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// What a value is.
    pub fn value(&self, id: ValueId) -> Json<'_> {
        let value = &self.values[id.0 as usize];
        match &value.data {
            Data::Null => Json::Null,
            Data::Bool(b) => Json::Bool(*b),
            Data::Number => Json::Number(&self.text[value.start as usize..value.end as usize]),
            Data::String(s) => Json::String(s),
            Data::Array { start, len } => {
                Json::Array(&self.elements[*start as usize..(*start + *len) as usize])
            }
            Data::Object { start, len, .. } => {
                Json::Object(&self.members[*start as usize..(*start + *len) as usize])
            }
        }
    }

    /// The members of all objects.
    pub(super) fn members(&self) -> impl Iterator<Item = &Member<'t>> {
        self.members.iter()
    }

    /// Where a value stands in the text.
    pub fn span(&self, id: ValueId) -> Range<usize> {
        let value = &self.values[id.0 as usize];
        value.start as usize..value.end as usize
    }

    /// The member of an object with this key; `None` also when the value is no object.
    pub fn get(&self, object: ValueId, key: &str) -> Option<ValueId> {
        let Data::Object { start, len, sorted } = self.values[object.0 as usize].data else {
            return None;
        };
        let members = &self.members[start as usize..(start + len) as usize];
        match sorted {
            None => members.iter().find(|m| m.key == key).map(|m| m.value),
            Some(at) => {
                let order = &self.sorted[at as usize..(at + len) as usize];
                let found = order.binary_search_by(|i| members[*i as usize].key.as_ref().cmp(key));
                found.ok().map(|i| members[order[i] as usize].value)
            }
        }
    }
}

impl Document<'_> {
    /// The text of a value on one line, with `, ` and `: `, as most programs write JSON: numbers as
    /// they were written, strings with no escapes but the necessary ones.
    pub fn spaced(&self, root: ValueId) -> String {
        self.spaced_in_order(root, &mut |_, _| {})
    }

    /// As [`spaced`](Self::spaced); `order` is shown the text so far, which ends with an opening
    /// brace, and may rearrange the members that come after it.
    pub fn spaced_in_order<'d>(
        &'d self,
        root: ValueId,
        order: &mut dyn FnMut(&str, &mut Vec<&'d Member<'d>>),
    ) -> String {
        enum Item<'d> {
            Value(ValueId),
            Text(&'static str),
            Key(&'d str),
        }
        let mut out = String::new();
        let mut work = vec![Item::Value(root)];
        while let Some(item) = work.pop() {
            let id = match item {
                Item::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                Item::Key(key) => {
                    push_string(key, &mut out);
                    out.push_str(": ");
                    continue;
                }
                Item::Value(id) => id,
            };
            match self.value(id) {
                Json::Null => out.push_str("null"),
                Json::Bool(b) => out.push_str(if b { "true" } else { "false" }),
                Json::Number(n) => out.push_str(n),
                Json::String(s) => push_string(s, &mut out),
                Json::Array(elements) => {
                    out.push('[');
                    work.push(Item::Text("]"));
                    for (i, element) in elements.iter().enumerate().rev() {
                        work.push(Item::Value(*element));
                        if i > 0 {
                            work.push(Item::Text(", "));
                        }
                    }
                }
                Json::Object(members) => {
                    out.push('{');
                    work.push(Item::Text("}"));
                    let mut members: Vec<&Member<'_>> = members.iter().collect();
                    order(&out, &mut members);
                    for (i, member) in members.into_iter().enumerate().rev() {
                        work.push(Item::Value(member.value));
                        work.push(Item::Key(&member.key));
                        if i > 0 {
                            work.push(Item::Text(", "));
                        }
                    }
                }
            }
        }
        out
    }
}

/// Appends a JSON string that spells `text`.
fn push_string(text: &str, out: &mut String) {
    // A string has a spelling whatever it holds; `Value` writes it without a way to fail.
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// An open bracket.
enum Open<'t> {
    Array {
        start: u32,
        elements: usize,
    },
    Object {
        start: u32,
        members: usize,
        key: Cow<'t, str>,
        key_start: u32,
    },
}

struct Reader<'t, 'l> {
    text: &'t [u8],
    at: usize,
    document: Document<'t>,
    limits: &'l Limits,
}

impl<'t> Reader<'t, '_> {
    fn read(mut self) -> Result<Document<'t>, Diagnostic> {
        if self.text.starts_with("\u{feff}".as_bytes()) {
            return Err(self
                .error(0, "the text starts with a byte order mark")
                .with_help("remove the first three bytes"));
        }
        let mut open: Vec<Open<'t>> = Vec::new();
        // Children of the open brackets; moved into the document when their bracket closes, so
        // that the children of one value end up side by side.
        let mut elements: Vec<ValueId> = Vec::new();
        let mut members: Vec<Member<'t>> = Vec::new();
        'value: loop {
            self.skip_space();
            let start = self.at as u32;
            let mut id = match self.text.get(self.at) {
                Some(b'{') => {
                    self.at += 1;
                    self.check_depth(open.len())?;
                    self.skip_space();
                    if self.text.get(self.at) == Some(&b'}') {
                        self.at += 1;
                        self.add(
                            Data::Object {
                                start: 0,
                                len: 0,
                                sorted: None,
                            },
                            start,
                        )
                    } else {
                        let (key, key_start) = self.key()?;
                        open.push(Open::Object {
                            start,
                            members: members.len(),
                            key,
                            key_start,
                        });
                        continue 'value;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    self.check_depth(open.len())?;
                    self.skip_space();
                    if self.text.get(self.at) == Some(&b']') {
                        self.at += 1;
                        self.add(Data::Array { start: 0, len: 0 }, start)
                    } else {
                        open.push(Open::Array {
                            start,
                            elements: elements.len(),
                        });
                        continue 'value;
                    }
                }
                Some(b'"') => {
                    let s = self.string()?;
                    self.add(Data::String(s), start)
                }
                Some(b'-' | b'0'..=b'9') => {
                    self.number()?;
                    self.add(Data::Number, start)
                }
                Some(b't') => self.word("true", Data::Bool(true))?,
                Some(b'f') => self.word("false", Data::Bool(false))?,
                Some(b'n') => self.word("null", Data::Null)?,
                _ => return Err(self.error(self.at, "expected a value")),
            };
            loop {
                self.skip_space();
                match open.last_mut() {
                    None => {
                        if self.at < self.text.len() {
                            return Err(self.error(self.at, "expected the end of the text"));
                        }
                        return Ok(self.document);
                    }
                    Some(Open::Array {
                        start,
                        elements: first,
                    }) => {
                        elements.push(id);
                        match self.text.get(self.at) {
                            Some(b',') => {
                                self.at += 1;
                                continue 'value;
                            }
                            Some(b']') => {
                                self.at += 1;
                                let (start, first) = (*start, *first);
                                open.pop();
                                let data = Data::Array {
                                    start: self.document.elements.len() as u32,
                                    len: (elements.len() - first) as u32,
                                };
                                self.document.elements.extend(elements.drain(first..));
                                id = self.add(data, start);
                            }
                            _ => return Err(self.error(self.at, "expected `,` or `]`")),
                        }
                    }
                    Some(Open::Object {
                        start,
                        members: first,
                        key,
                        key_start,
                    }) => {
                        members.push(Member {
                            key: std::mem::take(key),
                            key_start: *key_start,
                            value: id,
                        });
                        match self.text.get(self.at) {
                            Some(b',') => {
                                self.at += 1;
                                self.skip_space();
                                let (next, next_start) = self.key()?;
                                (*key, *key_start) = (next, next_start);
                                continue 'value;
                            }
                            Some(b'}') => {
                                self.at += 1;
                                let (start, first) = (*start, *first);
                                open.pop();
                                let sorted = self.check_keys(&members[first..])?;
                                let data = Data::Object {
                                    start: self.document.members.len() as u32,
                                    len: (members.len() - first) as u32,
                                    sorted,
                                };
                                self.document.members.extend(members.drain(first..));
                                id = self.add(data, start);
                            }
                            _ => return Err(self.error(self.at, "expected `,` or `}`")),
                        }
                    }
                }
            }
        }
    }

    fn add(&mut self, data: Data<'t>, start: u32) -> ValueId {
        self.document.values.push(Value {
            data,
            start,
            end: self.at as u32,
        });
        ValueId(self.document.values.len() as u32 - 1)
    }

    fn error(&self, at: usize, message: &str) -> Diagnostic {
        let found = match self.document.text.get(at..).map(|s| s.chars().next()) {
            Some(Some(c)) => format!(", found {c:?}"),
            Some(None) => ", found the end of the text".to_owned(),
            None => String::new(),
        };
        let end = (at + 1).min(self.text.len());
        Diagnostic::new(
            "invalid-json",
            format!("{message}{found}"),
            Place::span(at.min(end)..end),
        )
    }

    fn check_depth(&self, depth: usize) -> Result<(), Diagnostic> {
        if depth < self.limits.source_depth {
            return Ok(());
        }
        let e = LimitError::new(
            "nesting of the schema text",
            depth as u64 + 1,
            self.limits.source_depth as u64,
        );
        Err(Diagnostic::limit(e, Place::span(self.at - 1..self.at)))
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.text.get(self.at) {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &str, data: Data<'t>) -> Result<ValueId, Diagnostic> {
        if !self.text[self.at..].starts_with(word.as_bytes()) {
            return Err(self.error(self.at, "expected a value"));
        }
        let start = self.at as u32;
        self.at += word.len();
        Ok(self.add(data, start))
    }

    /// A key and its colon.
    fn key(&mut self) -> Result<(Cow<'t, str>, u32), Diagnostic> {
        let start = self.at as u32;
        if self.text.get(self.at) != Some(&b'"') {
            return Err(self.error(self.at, "expected a key in double quotes"));
        }
        let key = self.string()?;
        self.skip_space();
        if self.text.get(self.at) != Some(&b':') {
            return Err(self.error(self.at, "expected `:`"));
        }
        self.at += 1;
        Ok((key, start))
    }

    fn digits(&mut self) -> Result<(), Diagnostic> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.text.get(self.at) {
            self.at += 1;
        }
        if self.at == start {
            Err(self.error(self.at, "expected a digit"))
        } else {
            Ok(())
        }
    }

    fn number(&mut self) -> Result<(), Diagnostic> {
        if self.text[self.at] == b'-' {
            self.at += 1;
        }
        if self.text.get(self.at) == Some(&b'0') {
            self.at += 1;
            if let Some(b'0'..=b'9') = self.text.get(self.at) {
                return Err(self.error(
                    self.at,
                    "a number may not start with a zero that more digits follow",
                ));
            }
        } else {
            self.digits()?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// A string, from its opening to its closing quote.
    fn string(&mut self) -> Result<Cow<'t, str>, Diagnostic> {
        let open = self.at;
        self.at += 1;
        let mut decoded: Option<String> = None;
        let mut run = self.at;
        loop {
            match self.text.get(self.at) {
                None => {
                    return Err(Diagnostic::new(
                        "invalid-json",
                        "the string is not closed",
                        Place::span(open..self.text.len()),
                    ));
                }
                Some(b'"') => {
                    // Quotes and backslashes are ASCII, so `run..at` lies on character borders.
                    let rest = &self.document.text[run..self.at];
                    self.at += 1;
                    return Ok(match decoded {
                        None => Cow::Borrowed(rest),
                        Some(mut s) => {
                            s.push_str(rest);
                            Cow::Owned(s)
                        }
                    });
                }
                Some(b'\\') => {
                    let out = decoded.get_or_insert_default();
                    out.push_str(&self.document.text[run..self.at]);
                    let c = self.escape()?;
                    decoded.get_or_insert_default().push(c);
                    run = self.at;
                }
                Some(0..=0x1f) => {
                    return Err(self
                        .error(self.at, "a control character in a string must be escaped")
                        .with_help("write it as \\u00XX, or \\n, \\t and so on"));
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<char, Diagnostic> {
        let start = self.at;
        self.at += 2;
        Ok(match self.text.get(start + 1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let high = self.hex4(start)?;
                let code = match high {
                    0xd800..=0xdbff if self.text[self.at..].starts_with(b"\\u") => {
                        self.at += 2;
                        match self.hex4(start)? {
                            low @ 0xdc00..=0xdfff => {
                                0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00)
                            }
                            _ => high,
                        }
                    }
                    _ => high,
                };
                char::from_u32(code).ok_or_else(|| {
                    Diagnostic::new(
                        "invalid-json",
                        "a lone surrogate is not a character",
                        Place::span(start..self.at),
                    )
                })?
            }
            _ => return Err(self.error(start + 1, "unknown escape in a string")),
        })
    }

    fn hex4(&mut self, start: usize) -> Result<u32, Diagnostic> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let Some(digits) = digits else {
            return Err(Diagnostic::new(
                "invalid-json",
                "\\u needs four hexadecimal digits",
                Place::span(start..(start + 6).min(self.text.len())),
            ));
        };
        self.at += 4;
        Ok(digits
            .iter()
            .fold(0, |n, d| n * 16 + (*d as char).to_digit(16).unwrap_or(0)))
    }

    /// Refuses duplicate keys; returns where the sorted order of a large object starts.
    fn check_keys(&mut self, members: &[Member<'t>]) -> Result<Option<u32>, Diagnostic> {
        let duplicate = |a: &Member<'t>, b: &Member<'t>| {
            let start = a.key_start.max(b.key_start) as usize;
            Diagnostic::new(
                "duplicate-key",
                format!("the key {:?} occurs twice", a.key),
                Place::span(start..start + 1),
            )
            .with_help("keep one of the members")
        };
        if members.len() < SORT_FROM {
            for (i, a) in members.iter().enumerate() {
                if let Some(b) = members[..i].iter().find(|b| b.key == a.key) {
                    return Err(duplicate(a, b));
                }
            }
            return Ok(None);
        }
        let at = self.document.sorted.len();
        self.document.sorted.extend(0..members.len() as u32);
        let order = &mut self.document.sorted[at..];
        order.sort_unstable_by(|a, b| members[*a as usize].key.cmp(&members[*b as usize].key));
        for pair in order.windows(2) {
            let (a, b) = (&members[pair[0] as usize], &members[pair[1] as usize]);
            if a.key == b.key {
                return Err(duplicate(a, b));
            }
        }
        Ok(Some(at as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Document<'_>, Diagnostic> {
        Document::parse(text, &Limits::trusted())
    }

    /// A canonical dump, for comparison with another reader.
    fn dump(d: &Document<'_>, id: ValueId) -> String {
        match d.value(id) {
            Json::Null => "null".into(),
            Json::Bool(b) => b.to_string(),
            Json::Number(n) => n.into(),
            Json::String(s) => format!("{s:?}"),
            Json::Array(a) => format!(
                "[{}]",
                a.iter().map(|v| dump(d, *v)).collect::<Vec<_>>().join(",")
            ),
            Json::Object(m) => format!(
                "{{{}}}",
                m.iter()
                    .map(|m| format!("{:?}:{}", m.key, dump(d, m.value)))
                    .collect::<Vec<_>>()
                    .join(",")
            ),
        }
    }

    #[test]
    fn values_keep_order_text_and_spans() {
        let text = " {\"b\": [1.50e3, -0, {}], \"a\\u00e9\\ud83d\\ude00\": \"x\\n\", \"c\": [null,true,false,[]]} ";
        let d = read(text).unwrap();
        assert_eq!(
            dump(&d, d.root()),
            "{\"b\":[1.50e3,-0,{}],\"aé😀\":\"x\\n\",\"c\":[null,true,false,[]]}"
        );
        assert_eq!(&text[d.span(d.root())], text.trim());
        let b = d.get(d.root(), "b").unwrap();
        assert_eq!(&text[d.span(b)], "[1.50e3, -0, {}]");
        assert!(d.get(b, "b").is_none());
    }

    #[test]
    fn malformed_text_is_refused_at_its_place() {
        for (text, code, at) in [
            ("", "invalid-json", 0),
            ("[1,]", "invalid-json", 3),
            ("{\"a\":1,}", "invalid-json", 7),
            ("{'a':1}", "invalid-json", 1),
            ("01", "invalid-json", 1),
            ("1.", "invalid-json", 2),
            ("1e", "invalid-json", 2),
            ("-", "invalid-json", 1),
            ("nul", "invalid-json", 0),
            ("1 2", "invalid-json", 2),
            ("\"a", "invalid-json", 0),
            ("\"\t\"", "invalid-json", 1),
            ("\"\\x\"", "invalid-json", 2),
            ("\"\\ud800\"", "invalid-json", 1),
            ("\"\\ud800\\u0041\"", "invalid-json", 1),
            ("\"\\udc00\"", "invalid-json", 1),
            ("\"\\u12g4\"", "invalid-json", 1),
            ("\u{feff}1", "invalid-json", 0),
            ("{\"a\":1,\"\\u0061\":2}", "duplicate-key", 7),
            ("[\"é\", é]", "invalid-json", 7),
        ] {
            let e = read(text).unwrap_err();
            assert_eq!(
                (e.code, e.place.span.clone().unwrap().start),
                (code, at),
                "{text}: {e}"
            );
        }
    }

    #[test]
    fn large_objects_are_searched_by_key_and_checked_for_duplicates() {
        let members: Vec<String> = (0..500)
            .map(|i| format!("\"k{}\":{i}", i * 7919 % 500))
            .collect();
        let text = format!("{{{}}}", members.join(","));
        let d = read(&text).unwrap();
        for i in 0..500 {
            let v = d.get(d.root(), &format!("k{}", i * 7919 % 500)).unwrap();
            assert_eq!(dump(&d, v), i.to_string());
        }
        assert!(d.get(d.root(), "k500").is_none());
        let text = format!("{{{},\"k7\":0}}", members.join(","));
        assert_eq!(read(&text).unwrap_err().code, "duplicate-key");
    }

    #[test]
    fn depth_is_data() {
        let nested = |n: usize| format!("{}1{}", "[".repeat(n), "]".repeat(n));
        assert!(read(&nested(4096)).is_ok());
        let text = nested(4097);
        let e = read(&text).unwrap_err();
        assert_eq!((e.code, e.limit.unwrap().limit), ("limit-exceeded", 4096));
        let objects = format!("{}1{}", "{\"a\":".repeat(60_000), "}".repeat(60_000));
        assert!(Document::parse(&objects, &Limits::offline()).is_ok());
    }

    #[test]
    fn values_are_written_again() {
        let text = r#"{"a":[1.0,-2e+3,"\u00e9\n\/"], "b" : {} , "c\"":[true,null,[]]}"#;
        let document = read(text).unwrap();
        let spaced = document.spaced(document.root());
        assert_eq!(
            spaced,
            r#"{"a": [1.0, -2e+3, "é\n/"], "b": {}, "c\"": [true, null, []]}"#
        );
        let mut seen = Vec::new();
        let turned = document.spaced_in_order(document.root(), &mut |text, members| {
            seen.push(text.to_owned());
            members.reverse();
        });
        assert_eq!(
            turned,
            r#"{"c\"": [true, null, []], "b": {}, "a": [1.0, -2e+3, "é\n/"]}"#
        );
        assert_eq!(seen, ["{", r#"{"c\"": [true, null, []], "b": {"#]);
        // Nothing recurses.
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let document = Document::parse(
            &deep,
            &Limits {
                source_depth: 200_000,
                ..Limits::trusted()
            },
        );
        let document = document.unwrap();
        assert_eq!(document.spaced(document.root()), deep);
    }
}
