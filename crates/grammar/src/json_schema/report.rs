//! [`Report`]: what became of each keyword at each place, recorded by the lowering itself.

use super::options::Draft;
use crate::Diagnostic;
use maskwright_tables::heap;
use std::fmt;

/// What became of a keyword at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// The keyword is part of what documents must match.
    Enforced,
    /// The keyword asserts nothing, by the standard or by option.
    Annotation,
    /// The keyword could not be enforced and was widened (lenient mode only).
    Relaxed,
    /// The keyword could not be enforced, so the schema was refused.
    Refused,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Status::Enforced => "enforced",
            Status::Annotation => "annotation",
            Status::Relaxed => "relaxed",
            Status::Refused => "refused",
        })
    }
}

/// A line of a [`Report`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<'r> {
    /// The JSON pointer of the keyword, after the URI and `#` of its text if it is not the main one.
    pub pointer: String,
    /// The keyword.
    pub keyword: &'r str,
    /// What became of it.
    pub status: Status,
    /// Why, where the status does not say it all.
    pub reason: Option<&'r str>,
}

/// What became of each keyword at each place that documents can reach.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub(super) draft: Draft,
    pub(super) places: Places,
    pub(super) entries: Vec<(PlaceId, Segment, Status, Option<Box<str>>)>,
    pub(super) warnings: Vec<Diagnostic>,
}

impl Report {
    /// Bytes held, about. O(keywords).
    pub fn heap_bytes(&self) -> usize {
        let reasons = self.entries.iter();
        let reasons = reasons.map(|e| e.3.as_ref().map_or(0, |text| heap::allocation(text.len())));
        let entries = self.entries.capacity();
        heap::list::<(PlaceId, Segment, Status, Option<Box<str>>)>(entries)
            + reasons.sum::<usize>()
            + self.places.heap_bytes()
            + self
                .warnings
                .iter()
                .map(Diagnostic::heap_bytes)
                .sum::<usize>()
    }

    /// The draft of the root schema.
    pub fn draft(&self) -> Draft {
        self.draft
    }

    /// All keywords, in the order in which they were met.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.entries.iter().map(|(place, keyword, status, reason)| {
            let mut pointer = self.places.pointer(*place);
            keyword.write(&mut pointer);
            Entry {
                pointer,
                keyword: keyword.name(),
                status: *status,
                reason: reason.as_deref(),
            }
        })
    }

    /// Notes that a keyword was refused after all, by a later stage or for a reason of the schema
    /// as a whole. Cost: linear in the entries.
    pub fn refuse(&mut self, error: &Diagnostic) {
        let Some(pointer) = &error.place.pointer else {
            return;
        };
        for (place, keyword, status, reason) in &mut self.entries {
            // Words end the pointer: most entries are told apart without spelling theirs.
            if !pointer.ends_with(keyword.name()) {
                continue;
            }
            let mut own = self.places.pointer(*place);
            keyword.write(&mut own);
            if own == *pointer && *status == Status::Enforced {
                *status = Status::Refused;
                *reason = Some(error.message.as_str().into());
            }
        }
    }

    /// The keywords that were widened.
    pub fn relaxed(&self) -> impl Iterator<Item = Entry<'_>> {
        self.entries().filter(|e| e.status == Status::Relaxed)
    }

    /// What looks like a mistake without being an error.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for e in self.entries() {
            write!(f, "{:<10} {}", e.status.to_string(), e.pointer)?;
            match e.reason {
                Some(reason) => writeln!(f, " ({reason})")?,
                None => writeln!(f)?,
            }
        }
        for w in &self.warnings {
            writeln!(f, "warning    {w}")?;
        }
        Ok(())
    }
}

/// A place of [`Places`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct PlaceId(pub u32);

/// The last step of a pointer.
#[derive(Clone, Debug)]
pub(super) enum Segment {
    /// What stands before the pointer: empty, or a URI and `#`.
    Root(Box<str>),
    Word(&'static str),
    Name(Box<str>),
    Index(u32),
}

impl Segment {
    fn name(&self) -> &str {
        match self {
            Segment::Root(s) | Segment::Name(s) => s,
            Segment::Word(s) => s,
            Segment::Index(_) => "",
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Segment::Root(uri) => out.push_str(uri),
            Segment::Word(word) => {
                out.push('/');
                out.push_str(word);
            }
            Segment::Index(i) => {
                out.push('/');
                out.push_str(&i.to_string());
            }
            Segment::Name(name) => {
                out.push('/');
                for c in name.chars() {
                    match c {
                        '~' => out.push_str("~0"),
                        '/' => out.push_str("~1"),
                        c => out.push(c),
                    }
                }
            }
        }
    }
}

/// Places in schema texts as a tree of steps, so that a pointer costs nothing until it is shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Places(Vec<Step>);

#[derive(Clone, Debug)]
struct Step {
    parent: u32,
    segment: Segment,
}

impl Places {
    fn heap_bytes(&self) -> usize {
        let owned = self.0.iter().map(|step| match &step.segment {
            Segment::Root(text) | Segment::Name(text) => heap::allocation(text.len()),
            Segment::Word(_) | Segment::Index(_) => 0,
        });
        heap::list::<Step>(self.0.capacity()) + owned.sum::<usize>()
    }

    pub(super) fn root(&mut self, prefix: &str) -> PlaceId {
        self.0.push(Step {
            parent: 0,
            segment: Segment::Root(prefix.into()),
        });
        PlaceId(self.0.len() as u32 - 1)
    }

    pub(super) fn child(&mut self, parent: PlaceId, segment: Segment) -> PlaceId {
        self.0.push(Step {
            parent: parent.0,
            segment,
        });
        PlaceId(self.0.len() as u32 - 1)
    }

    /// The pointer of a place.
    pub(super) fn pointer(&self, place: PlaceId) -> String {
        self.tail(place, u32::MAX)
    }

    /// The pointer of a place, or `…` and its last steps when there are too many.
    pub(super) fn short_pointer(&self, place: PlaceId) -> String {
        self.tail(place, SHORT_STEPS)
    }

    fn tail(&self, place: PlaceId, most: u32) -> String {
        let mut steps = Vec::new();
        let mut out = String::new();
        let mut at = place.0;
        loop {
            let Step {
                parent, segment, ..
            } = &self.0[at as usize];
            steps.push(segment);
            if let Segment::Root(_) = segment {
                break;
            }
            if steps.len() as u32 >= most {
                out.push('…');
                break;
            }
            at = *parent;
        }
        for step in steps.iter().rev() {
            step.write(&mut out);
        }
        out
    }
}

/// How many steps of a pointer are kept with a node.
const SHORT_STEPS: u32 = 600;
