//! Frames for people.

use super::core::{Core, FrameId, Key, Place};
use super::form::{Form, FormId, Leaf};
use super::{Kind, Slot};
use maskwright_tables::Symbol;
use std::fmt::Write;

/// Longer formulas are cut off.
const MAX_TEXT: usize = 400;

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
        let node = match leaf {
            Leaf::Node(n)
            | Leaf::Number(n)
            | Leaf::Object(n)
            | Leaf::Array(n)
            | Leaf::Contains(n, _)
            | Leaf::Unique(n) => n,
            Leaf::String(r) => {
                let _ = write!(out, "string {}", r.0);
                return;
            }
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
