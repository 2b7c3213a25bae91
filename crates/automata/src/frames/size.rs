//! What the frames of a schema hold, about.

use super::by_type::ByType;
use super::core::{Core, Frame, FrameId, Judge, JudgeId, Key, Place, Table};
use super::form::{Form, FormId};
use super::machine::Punctuation;
use super::moves::Move;
use super::object::{Cell, Layout};
use super::{Kind, satisfy::Query};
use crate::lexicon::ExprId;
use maskwright_grammar::json_schema::NodeId;
use maskwright_tables::{Symbol, heap};
use std::sync::Arc;

/// What a value owns on the heap.
pub(super) trait Owned {
    /// Bytes, about, the value itself left out.
    fn owned(&self) -> usize;
}

impl Owned for Place {
    fn owned(&self) -> usize {
        match self {
            Place::Object { seen, .. } if seen.spilled() => heap::list::<u64>(seen.capacity()),
            _ => 0,
        }
    }
}

impl Owned for Judge {
    fn owned(&self) -> usize {
        heap::list::<FormId>(self.extra.len())
    }
}

impl Owned for Frame {
    fn owned(&self) -> usize {
        heap::list::<FormId>(self.forms.len())
    }
}

impl Owned for Form {
    fn owned(&self) -> usize {
        match self {
            Form::And(parts) | Form::Or(parts) | Form::One(parts) => {
                heap::list::<FormId>(parts.len())
            }
            _ => 0,
        }
    }
}

impl Owned for Kind {
    fn owned(&self) -> usize {
        0
    }
}

impl<T> Table<T> {
    pub(super) fn heap_bytes(&self) -> usize {
        heap::list::<T>(self.list.capacity()) + heap::table::<u32, ()>(self.list.len()) + self.owned
    }
}

impl Core {
    /// Bytes held, about, the schema left out. O(1).
    pub fn heap_bytes(&self) -> usize {
        let arenas = self.forms.heap_bytes()
            + self.goals.heap_bytes()
            + self.places.heap_bytes()
            + self.judges.heap_bytes()
            + self.frames.heap_bytes()
            + self.symbols.heap_bytes();
        let members = heap::list::<Arc<Layout>>(self.layouts.capacity())
            + heap::table::<Box<[NodeId]>, u32>(self.layout_ids.len())
            + heap::table::<u32, Arc<[Cell]>>(self.cells.len())
            + self.cells.len() * heap::list::<Cell>(3)
            + heap::table::<u32, ExprId>(self.unlisted.len())
            + heap::table::<(u32, u32), u64>(self.name_tests.len())
            + heap::table::<(u32, NodeId), Box<[Option<bool>]>>(self.members.len())
            + heap::table::<(FrameId, Key), Option<Arc<Move>>>(self.moves.len());
        let languages = heap::table::<FormId, ExprId>(self.string_languages.len())
            + heap::table::<(FormId, u8), ExprId>(self.number_languages.len())
            + heap::table::<(&str, u32), ExprId>(self.texts.len())
            + heap::table::<Symbol, ExprId>(self.exprs.len())
            + heap::table::<JudgeId, ExprId>(self.value_exprs.len())
            + heap::table::<Punctuation, ExprId>(self.punctuation.len())
            + heap::table::<u32, ExprId>(self.regexes.len());
        let questions = heap::table::<Query, bool>(self.known.len())
            + heap::table::<FrameId, FormId>(self.totals.len())
            + heap::table::<(FormId, u64), u8>(self.run_out.len())
            + heap::table::<FormId, ()>(self.endless.len());
        // By node, each with a few words.
        let nodes = heap::list::<ByType>(self.forms_by_type.capacity())
            + heap::list::<ByType>(self.nodes_by_type.capacity())
            + heap::list::<bool>(self.texts_exist.capacity())
            + heap::table::<NodeId, FormId>(self.node_forms.len())
            + heap::table::<(FormId, u8), FormId>(self.typed.len())
            + heap::table::<NodeId, [u64; 4]>(self.unique.len())
            + heap::table::<NodeId, Arc<()>>(self.facts.len())
            + heap::table::<NodeId, Arc<()>>(self.scalars.len())
            + heap::table::<NodeId, bool>(self.exclusive.len())
            + heap::table::<NodeId, ()>(self.contrary.len());
        arenas + members + languages + questions + nodes + self.owned
    }
}
