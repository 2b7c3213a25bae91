//! What has been read of an array or object that must differ from others.
//!
//! A [`Record`] is kept with the stack entry of each open array or object that lies inside a value which
//! must differ, that value included: its elements or members so far, persistently, as forks and the
//! history share it. At its closing bracket it becomes a value in canonical bytes, which joins the
//! record around it, or the values that must differ ([`Seen`]), or both.
//!
//! # Canonical bytes
//!
//! Those of scalars are given in [`crate::distinct`]. Those of an array are `[` and its elements, those
//! of an object `{` and its members, sorted by name, each as name and value. Every part is preceded by
//! its length in bytes, seven bits a byte, the lowest first. So two values are equal as JSON if and only
//! if their bytes are.
//!
//! # Targets
//!
//! Only few of the values read before can still be repeated at any time. The *targets* of a record are
//! the values that it would have to become for that: parts of values with which one of the enclosing
//! values, or this one, has agreed so far. A record without targets repeats nothing, whatever follows,
//! and neither does any value around it. Targets follow from what is below them in the stack, so they
//! count neither for equality nor for hashes.

use crate::distinct::{Seen, Value, hash};
use crate::exclude::Read;
use std::sync::{Arc, OnceLock};

/// What is read of an open array or object. Copying one is a reference count.
#[derive(Clone)]
pub(crate) struct Record(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    object: bool,
    /// Whether the whole must differ from the values that are kept with the entry below.
    differs: bool,
    /// The last element or member.
    last: Option<Arc<Item>>,
    len: usize,
    /// The name whose value comes next.
    name: Option<Value>,
    /// `None` where there are none.
    targets: Option<Arc<[Value]>>,
    /// What they have where the next value or name stands, when it was first asked for.
    next: OnceLock<Seen>,
    /// Of the elements and members; of the latter whatever their order.
    hash: u64,
}

struct Item {
    before: Option<Arc<Item>>,
    name: Option<Value>,
    value: Value,
}

impl Drop for Item {
    fn drop(&mut self) {
        let mut before = self.before.take();
        // In a loop: a native recursion would overflow on a long array.
        while let Some(mut item) = before.and_then(Arc::into_inner) {
            before = item.before.take();
        }
    }
}

/// Appends one part of an array or object.
fn push_part(out: &mut Vec<u8>, part: &[u8]) {
    let mut len = part.len();
    while len >= 0x80 {
        out.push(len as u8 | 0x80);
        len >>= 7;
    }
    out.push(len as u8);
    out.extend_from_slice(part);
}

/// The parts of an array or object in canonical bytes: elements, or names and values in turn.
fn parts(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = value.get(1..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (mut len, mut shift) = (0usize, 0);
        loop {
            let (&byte, after) = rest.split_first()?;
            rest = after;
            len |= usize::from(byte & 0x7f).checked_shl(shift)?;
            shift += 7;
            if byte < 0x80 {
                break;
            }
        }
        let (part, after) = rest.split_at_checked(len)?;
        rest = after;
        Some(part)
    })
}

/// The value of a member of an object in canonical bytes.
fn member<'a>(object: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut parts = parts(object);
    while let Some(key) = parts.next() {
        let value = parts.next()?;
        if key == name {
            return Some(value);
        }
    }
    None
}

fn list(targets: Vec<Value>) -> Option<Arc<[Value]>> {
    (!targets.is_empty()).then(|| targets.into())
}

impl Record {
    /// An array or object of which the opening bracket was read: inside `around`, and such that it must
    /// differ from `seen` if that is given.
    pub(crate) fn open(object: bool, around: Option<&Record>, seen: Option<&Seen>) -> Self {
        let first = if object { b'{' } else { b'[' };
        let mut targets = Vec::new();
        for part in around.iter().flat_map(|r| r.next_parts()) {
            if part.first() == Some(&first) {
                targets.push(Value::from(part));
            }
        }
        let shared = seen.iter().flat_map(|s| s.values_from(first));
        targets.extend(shared.cloned());
        Record(Arc::new(Inner {
            object,
            differs: seen.is_some(),
            last: None,
            len: 0,
            name: None,
            targets: list(targets),
            next: OnceLock::new(),
            hash: u64::from(first),
        }))
    }

    /// Whether the whole must differ from the values that are kept with the entry below.
    pub(crate) fn differs(&self) -> bool {
        self.0.differs
    }

    pub(crate) fn hash(&self) -> u64 {
        let name = self.0.name.as_ref().map_or(0, |n| hash(n, 1));
        self.0.hash ^ name.rotate_left(11)
    }

    /// Whether a value read before may be repeated at all.
    pub(crate) fn has_targets(&self) -> bool {
        self.0.targets.is_some()
    }

    fn targets(&self) -> &[Value] {
        self.0.targets.as_deref().unwrap_or_default()
    }

    /// What the targets have where the next value stands.
    fn next_parts(&self) -> impl Iterator<Item = &[u8]> {
        self.targets()
            .iter()
            .filter_map(|target| match &self.0.name {
                Some(name) => member(target, name),
                None if self.0.object => None,
                None => parts(target).nth(self.0.len),
            })
    }

    fn keep(&self, agrees: impl Fn(&[u8]) -> bool) -> Option<Arc<[Value]>> {
        let targets = self.0.targets.as_ref()?;
        list(targets.iter().filter(|t| agrees(t)).cloned().collect())
    }

    /// One name further.
    pub(crate) fn named(&self, name: Value) -> Self {
        let targets = self.keep(|t| member(t, &name).is_some());
        Record(Arc::new(Inner {
            name: Some(name),
            targets,
            next: OnceLock::new(),
            ..(*self.0).clone()
        }))
    }

    /// One element, or the value of the name, further.
    pub(crate) fn with(&self, value: Value) -> Self {
        let inner = &*self.0;
        let (targets, hash) = match &inner.name {
            Some(name) => (
                self.keep(|t| member(t, name) == Some(&value)),
                inner.hash.wrapping_add(hash(&value, hash(name, 1)) | 1),
            ),
            None => (
                self.keep(|t| parts(t).nth(inner.len) == Some(&value)),
                hash(&value, inner.hash.rotate_left(3)),
            ),
        };
        Record(Arc::new(Inner {
            last: Some(Arc::new(Item {
                before: inner.last.clone(),
                name: inner.name.clone(),
                value,
            })),
            len: inner.len + 1,
            name: None,
            targets,
            next: OnceLock::new(),
            hash,
            ..*inner
        }))
    }

    /// The value, were it closed here. O(its bytes), and sorting its names.
    pub(crate) fn value(&self) -> Value {
        let mut items: Vec<&Item> = Vec::with_capacity(self.0.len);
        let mut item = self.0.last.as_deref();
        while let Some(at) = item {
            items.push(at);
            item = at.before.as_deref();
        }
        items.reverse();
        if self.0.object {
            items.sort_by(|a, b| a.name.cmp(&b.name));
        }
        let mut out = vec![if self.0.object { b'{' } else { b'[' }];
        for item in items {
            if let Some(name) = &item.name {
                push_part(&mut out, name);
            }
            push_part(&mut out, &item.value);
        }
        out.into()
    }

    /// Whether a value read before may still be repeated when this is what was read of the lexeme on top
    /// of it. "Yes" also where only the machine knows that it may not.
    pub(crate) fn is_threatened(&self, read: &Read) -> bool {
        match (&self.0.targets, read) {
            (None, _) => false,
            (Some(_), Read::Nothing) => true,
            _ => read.can_become_one(self.next()),
        }
    }

    /// The names or values that the targets have here. O(their bytes and a sort) once, O(1) after that.
    pub(crate) fn next(&self) -> &Seen {
        self.0.next.get_or_init(|| {
            let mut all: Vec<&[u8]> = match self.0.object && self.0.name.is_none() {
                true => {
                    let names = self.targets().iter().flat_map(|t| parts(t).step_by(2));
                    names.collect()
                }
                false => self.next_parts().collect(),
            };
            all.sort_unstable();
            all.dedup();
            Seen::of(all.into_iter().map(Value::from).collect())
        })
    }
}

impl PartialEq for Record {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (&*self.0, &*other.0);
        Arc::ptr_eq(&self.0, &other.0)
            || (a.object, a.differs, a.len, a.hash) == (b.object, b.differs, b.len, b.hash)
                && a.name == b.name
                && self.value() == other.value()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distinct::value;

    fn text(spelling: &str) -> Value {
        value(spelling.as_bytes())
    }

    fn array(parts: &[Value]) -> Record {
        let open = Record::open(false, None, None);
        parts.iter().fold(open, |r, v| r.with(v.clone()))
    }

    fn object(members: &[(&str, &str)]) -> Record {
        let open = Record::open(true, None, None);
        members
            .iter()
            .fold(open, |r, (n, v)| r.named(text(n)).with(text(v)))
    }

    #[test]
    fn values_are_equal_as_json_is() {
        let ab = object(&[("\"a\"", "1"), ("\"b\"", "2")]);
        let ba = object(&[("\"b\"", "2.0"), ("\"\\u0061\"", "10e-1")]);
        assert!(ab == ba && ab.hash() == ba.hash() && ab.value() == ba.value());
        assert!(ab != object(&[("\"a\"", "2"), ("\"b\"", "1")]));
        let (one, two) = (text("1"), text("2"));
        assert!(array(&[one.clone(), two.clone()]) != array(&[two.clone(), one.clone()]));
        let nested = array(&[array(std::slice::from_ref(&one)).value(), two.clone()]);
        let flat = array(&[array(&[one.clone(), two.clone()]).value()]);
        assert_ne!(nested.value(), flat.value());
        assert_ne!(array(&[]).value(), object(&[]).value());
        assert_ne!(array(&[text("true")]).value(), array(&[one]).value());
        // Parts of any length.
        let long = text(&format!("\"{}\"", "x".repeat(70_000)));
        let both = array(&[long.clone(), two.clone()]).value();
        assert_eq!(parts(&both).collect::<Vec<_>>(), [&*long, &*two]);
        // No bytes of another origin make it panic.
        for hostile in [
            &b"["[..],
            b"[\xff",
            b"[\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"[\x05a",
        ] {
            assert_eq!(parts(hostile).count(), 0);
        }
    }

    #[test]
    fn targets_are_what_can_still_be_repeated() {
        let seen = [
            array(&[text("1"), text("\"ab\"")]).value(),
            array(&[object(&[("\"a\"", "17")]).value()]).value(),
        ]
        .into_iter()
        .fold(Seen::default(), |seen, value| seen.with(value))
        .with(text("\"s\""));
        let open = Record::open(false, None, Some(&seen));
        let number = |t: &str| Read::Number(t.as_bytes().to_vec());
        assert!(open.is_threatened(&Read::Nothing) && open.is_threatened(&number("1.")));
        assert!(
            !open.is_threatened(&number("2")) && !open.is_threatened(&Read::Word(b"t".to_vec()))
        );
        let one = open.with(text("1.0"));
        assert!(one.is_threatened(&Read::of(b"\"\\u0061")));
        assert!(!one.is_threatened(&Read::of(b"\"b")));
        assert!(!one.with(text("\"abc\"")).is_threatened(&Read::Nothing));
        let inner = Record::open(true, Some(&open), None);
        assert!(inner.is_threatened(&Read::of(b"\"a")) && !inner.is_threatened(&Read::of(b"\"b")));
        let named = inner.named(text("\"a\""));
        assert!(named.is_threatened(&number("1")) && !named.is_threatened(&number("8")));
        assert!(!Record::open(false, Some(&open), None).is_threatened(&Read::Nothing));
        assert!(open.differs() && !inner.differs());
    }

    #[test]
    fn a_long_array_drops_on_a_small_native_stack() {
        let build = || {
            let one = text("1");
            let record =
                (0..200_000).fold(Record::open(false, None, None), |r, _| r.with(one.clone()));
            assert_eq!(parts(&record.value()).count(), 200_000);
        };
        std::thread::Builder::new()
            .stack_size(64 << 10)
            .spawn(build)
            .unwrap()
            .join()
            .unwrap();
    }
}
