//! Frames for people.

use super::core::{Core, FrameId, Key, Place};
use super::form::{Form, FormId, Leaf};
use super::{Kind, Slot};
use maskwright_grammar::json_schema::NodeId;
use maskwright_tables::Symbol;
use rustc_hash::FxHashSet;
use std::fmt::Write;

/// Longer formulas are cut off.
const MAX_TEXT: usize = 400;

/// The most pointers that are listed.
const MAX_POINTERS: usize = 16;

/// The schema node that a leaf speaks of; strings are shared by all nodes with the same pattern.
fn node_of(leaf: Leaf) -> Option<NodeId> {
    match leaf {
        Leaf::Node(n)
        | Leaf::Number(n)
        | Leaf::Object(n)
        | Leaf::Array(n)
        | Leaf::Contains(n, _)
        | Leaf::Unique(n) => Some(n),
        Leaf::String(_) => None,
    }
}

impl Core {
    pub fn describe(&self, symbol: Symbol) -> String {
        let Some(kind) = self.symbols.list.get(symbol.index() / 2) else {
            return "?".into();
        };
        match *kind {
            Kind::Value(slot) => format!("value of {}", self.describe_slot(slot)),
            Kind::Wait(slot) => format!("inside the value of {}", self.describe_slot(slot)),
            Kind::First(f) => format!("opened {}", self.describe_frame(f)),
            Kind::Key(f) => format!("name in {}", self.describe_frame(f)),
            Kind::Colon(f, key) => format!(
                "colon after {} in {}",
                self.describe_key(f, key),
                self.describe_frame(f)
            ),
            Kind::After(f) => format!("member read in {}", self.describe_frame(f)),
            Kind::Done => "done".into(),
        }
    }

    /// The frame that the members of the open object or array of a symbol belong to, and the key
    /// under way.
    fn frame_of(&self, symbol: Symbol) -> Option<(FrameId, Option<Key>)> {
        match *self.symbols.list.get(symbol.index() / 2)? {
            Kind::First(f) | Kind::Key(f) | Kind::After(f) => Some((f, None)),
            Kind::Colon(f, key) => Some((f, Some(key))),
            Kind::Value(Slot::Member(f, key)) | Kind::Wait(Slot::Member(f, key)) => {
                Some((f, Some(key)))
            }
            Kind::Value(Slot::Element(f)) | Kind::Wait(Slot::Element(f)) => {
                Some((f, Some(Key::Element)))
            }
            Kind::Value(Slot::Root(_)) | Kind::Wait(Slot::Root(_)) | Kind::Done => None,
        }
    }

    /// The pointers of the schema nodes that judge what comes next, the nearest first.
    pub fn pointers(&self, symbol: Symbol) -> Vec<String> {
        let mut roots: Vec<FormId> = Vec::new();
        match self.symbols.list.get(symbol.index() / 2) {
            Some(Kind::Value(Slot::Root(judge)) | Kind::Wait(Slot::Root(judge))) => {
                roots.push(self.judge(*judge).must);
            }
            _ => {
                let Some((frame, key)) = self.frame_of(symbol) else {
                    return Vec::new();
                };
                if let Some(key) = key
                    && let Some(Some(way)) = self.moves.get(&(frame, key))
                {
                    let judge = self.judge(way.judge);
                    roots.push(judge.must);
                    roots.extend(&judge.extra);
                }
                roots.extend(&self.frame(frame).forms);
            }
        }
        let mut found: Vec<String> = Vec::new();
        let mut seen: FxHashSet<FormId> = FxHashSet::default();
        let mut work: Vec<FormId> = roots.into_iter().rev().collect();
        while let Some(id) = work.pop() {
            if found.len() >= MAX_POINTERS {
                break;
            }
            if !seen.insert(id) {
                continue;
            }
            if let Some(leaf) = self.forms.as_leaf(id)
                && let Some(node) = node_of(leaf)
                && let Some(pointer) = self.schema.pointers.get(node.0 as usize)
                && !found.iter().any(|p| **p == **pointer)
            {
                found.push(pointer.to_string());
            }
            work.extend(self.forms.children(id).iter().rev());
        }
        found
    }

    /// The names that come in order in the object of a symbol.
    pub fn member_order(&self, symbol: Symbol) -> Vec<String> {
        let Some((frame, None)) = self.frame_of(symbol) else {
            return Vec::new();
        };
        match self.place(self.frame(frame).place) {
            Place::Object { layout, .. } => {
                let layout = &self.layouts[*layout as usize];
                let ordered = layout.names.iter().take(layout.ordered as usize);
                ordered.map(|n| n.to_string()).collect()
            }
            Place::Array(_) => Vec::new(),
        }
    }

    fn describe_slot(&self, slot: Slot) -> String {
        match slot {
            Slot::Root(judge) => format!(
                "the document: {}",
                self.describe_form(self.judge(judge).must)
            ),
            Slot::Member(f, key) => format!(
                "{} in {}",
                self.describe_key(f, key),
                self.describe_frame(f)
            ),
            Slot::Element(f) => format!("an element of {}", self.describe_frame(f)),
        }
    }

    fn describe_key(&self, frame: FrameId, key: Key) -> String {
        match (self.place(self.frame(frame).place), key) {
            (Place::Object { layout, .. }, Key::Name(i)) => {
                format!("{:?}", self.layouts[*layout as usize].names[i as usize])
            }
            (_, Key::Cell(c)) => format!("other name {c}"),
            _ => "element".into(),
        }
    }

    fn describe_frame(&self, id: FrameId) -> String {
        let frame = self.frame(id);
        let mut text = match self.place(frame.place) {
            Place::Object {
                layout,
                position,
                seen,
                count,
                ..
            } => {
                let layout = &self.layouts[*layout as usize];
                let mut text = format!("object at {position}/{}", layout.ordered);
                if seen.iter().any(|w| *w != 0) {
                    let _ = write!(text, " seen {seen:x?}");
                }
                if *count > 0 {
                    let _ = write!(text, " count {count}");
                }
                text
            }
            Place::Array(read) => format!("array at {read}"),
        };
        for (i, form) in frame.forms.iter().enumerate() {
            let _ = write!(
                text,
                "{} {}",
                if i == 0 { ":" } else { " and whether" },
                self.describe_form(*form)
            );
        }
        text
    }

    fn describe_form(&self, root: FormId) -> String {
        let mut out = String::new();
        let mut stack: Vec<Result<FormId, &'static str>> = vec![Ok(root)];
        while let Some(item) = stack.pop() {
            if out.len() > MAX_TEXT {
                out.push('…');
                break;
            }
            let id = match item {
                Ok(id) => id,
                Err(text) => {
                    out.push_str(text);
                    continue;
                }
            };
            let separator = match self.forms.get(id) {
                Form::False => {
                    out.push_str("nothing");
                    continue;
                }
                Form::True => {
                    out.push_str("anything");
                    continue;
                }
                Form::Leaf(leaf) => {
                    self.describe_leaf(&mut out, *leaf);
                    continue;
                }
                Form::Not(x) => {
                    out.push_str("not ");
                    stack.push(Ok(*x));
                    continue;
                }
                Form::And(_) => " and ",
                Form::Or(_) => " or ",
                Form::One(_) => " xor ",
            };
            out.push('(');
            stack.push(Err(")"));
            for (i, x) in self.forms.children(id).iter().enumerate().rev() {
                stack.push(Ok(*x));
                if i > 0 {
                    stack.push(Err(separator));
                }
            }
        }
        out
    }

    fn describe_leaf(&self, out: &mut String, leaf: Leaf) {
        let node = match (leaf, node_of(leaf)) {
            (Leaf::String(r), _) => {
                let _ = write!(out, "string {}", r.0);
                return;
            }
            (_, Some(node)) => node,
            (_, None) => return,
        };
        let pointer = self.schema.pointers.get(node.0 as usize).map_or("?", |p| p);
        let _ = write!(out, "#{pointer}");
        match leaf {
            Leaf::Contains(_, n) => {
                let _ = write!(out, " contains {n} so far");
            }
            Leaf::Unique(_) => out.push_str(" distinct"),
            _ => {}
        }
    }
}
