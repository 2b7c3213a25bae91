//! What can follow a lexeme, by its first byte: from the kind of the symbol alone, so that nothing is made
//! of frames that no token leads to.

use super::core::Core;
use super::machine::is_spaced;
use super::{Kind, Slot, label};
use maskwright_tables::Symbol;
use maskwright_tables::trie::{Classes, byte_class, classes_of};

/// The classes of bytes, which have each a class of their own.
const fn of(bytes: &[u8]) -> Classes {
    let (mut classes, mut i) = (0, 0);
    while i < bytes.len() {
        classes |= 1 << byte_class(bytes[i]);
        i += 1;
    }
    classes
}

const SPACE: Classes = of(b" \t\n\r");
const VALUE: Classes = of(b"\"{[-tfn") | classes_of(b'0', b'9');
const NAME: Classes = of(b"\"");

impl Core {
    /// The bytes with which a lexeme of its own can begin on a symbol, gaps left out.
    fn begins(&self, kind: Kind) -> Classes {
        match kind {
            Kind::Value(_) => VALUE,
            Kind::First(frame) if self.is_object(frame) => NAME | of(b"}"),
            Kind::First(_) => VALUE | of(b"]"),
            Kind::Key(_) => NAME,
            Kind::Colon(..) => of(b":"),
            Kind::After(frame) if self.is_object(frame) => of(b",}"),
            Kind::After(_) => of(b",]"),
            Kind::Wait(_) | Kind::Done => 0,
        }
    }

    /// The bytes with which anything can begin behind a lexeme whose first label is this one. O(1).
    pub fn follows(&self, top: Symbol, label: Option<u32>) -> Classes {
        let kind = self.kind(top);
        let closes = matches!(label, Some(label::CLOSE_OBJECT | label::CLOSE_ARRAY));
        let object = |frame| self.is_object(frame);
        let next = match (kind, label) {
            // No second gap follows.
            (_, Some(label::SPACE)) if !is_spaced(top) => return self.begins(kind),
            (Kind::First(frame), _) if object(frame) && !closes => of(b":"),
            (Kind::Key(_), _) => of(b":"),
            (Kind::Colon(..), _) => VALUE,
            (Kind::After(frame), Some(label::COMMA)) if object(frame) => NAME,
            (Kind::After(_), Some(label::COMMA)) => VALUE,
            (_, Some(label::OPEN_OBJECT)) => NAME | of(b"}"),
            (_, Some(label::OPEN_ARRAY)) => VALUE | of(b"]"),
            // A whole value; where it closes a bracket, what is below is not known.
            (Kind::Value(Slot::Member(..)), _) => of(b",}"),
            (Kind::Value(Slot::Root(_)), _) => 0,
            _ if closes => of(b",}]"),
            _ => of(b",]"),
        };
        next | SPACE
    }
}
