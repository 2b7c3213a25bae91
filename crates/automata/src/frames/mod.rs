//! JSON schemas as a pushdown machine: one *frame* for each open bracket.
//!
//! JSON text opens and closes its brackets in lockstep for every alternative of a schema, so all
//! alternatives can be followed at once on **one** stack (a visibly pushdown machine: closed under
//! union, intersection and complement). A stack symbol is the state of one open object or array:
//! where it is among its names or elements, and a boolean formula over the schema nodes that are
//! still alive. Everything is hash-consed and made when it is first asked for.
//!
//! Files, in the order in which the data runs:
//!
//! - `form`, `goal`: boolean formulas over schema leaves; goals as decision diagrams;
//! - `by_type`, `lower`, `disjoint`: what types alone decide; what a schema node asks of a value of one
//!   type; which alternatives exclude each other;
//! - `scalar`, `points`: strings and numbers as lexical expressions, marked with what they satisfy;
//!   short lists of values;
//! - `object`, `order`, `finite`, `array`: names, order, counts; what a member or element must be;
//! - `unique`, `endless`: elements that must differ; formulas that infinitely many values satisfy;
//! - `advance`, `moves`: one member further: what it must be, and the frame after it;
//! - `satisfy`: emptiness, so that no frame is entered that nothing completes;
//! - `space`, `machine`, `follows`, `describe`: lexemes, stack actions, the bytes after a lexeme, and
//!   frames for people; `dead`: schema nodes that nothing satisfies, for people too.
//!
//! # Invariants
//!
//! - A frame on the stack can be completed, and so can each lexeme that it offers (with what is said
//!   below of distinct names and elements).
//! - The stack has one symbol for each open bracket and one for the whole text: it grows with
//!   nesting, not with the number of members. A scalar replaces the top; an opening bracket replaces
//!   the top by a symbol that waits and pushes the child's frame; a closing bracket takes both off.
//! - Truth values, not branches: while a value is read that several formulas judge, its frame holds
//!   what is left of each, and at its end the symbol below learns which held.
//!
//! # What is left to the matcher
//!
//! Two conditions are not finite-state: that names outside all lists differ from each other, and that
//! the elements of some arrays do. [`Control::distinct`] and [`Control::must_differ`] say where, and
//! [`Control::part`] what a lexeme is in an element that is an array or object. Names and scalars out of
//! short lists are counted by the machine, so that it never leads to a place where they have run out.
//! Where arrays and objects may run out ([`Control::may_run_out`]) the array may end at any time.
//!
//! # White space
//!
//! [`Whitespace::Compact`]: none. [`Whitespace::Flexible`]: in each gap nothing, one or two spaces,
//! or a line break (`\n` or `\r\n`) followed by up to 64 spaces or up to 16 tabs; also after the
//! text. [`Whitespace::Pretty`]: exactly what pretty-printers write: each member and element on a line
//! of its own, `": "`, empty brackets closed at once.

mod advance;
mod array;
mod by_type;
mod core;
mod dead;
mod describe;
mod disjoint;
mod endless;
mod finite;
mod follows;
mod form;
mod goal;
mod lower;
mod machine;
mod moves;
mod object;
mod order;
mod points;
mod satisfy;
mod scalar;
mod size;
mod space;
mod unique;

use self::core::{Core, FrameId, Judge, JudgeId, Key};
use crate::control::{Control, ControlError, StackReader};
use crate::lexicon::{ExprId, Lexicon};
use goal::GoalId;
use maskwright_grammar::json_schema::Schema;
use maskwright_grammar::{Diagnostic, Diagnostics, Place as SourcePlace};
use maskwright_tables::trie::Classes;
use maskwright_tables::{
    CancelFlag, LexState, LimitError, Limits, Part, StackAction, Symbol, heap,
};
use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The white space between lexemes. See the module documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Whitespace {
    /// None at all.
    Compact,
    /// Bounded, anywhere between lexemes.
    #[default]
    Flexible,
    /// Exactly that of a pretty-printer.
    Pretty {
        /// Spaces for each level.
        indent: u32,
    },
}

/// The order of the members of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Order {
    /// Declared properties in the order of the schema text, then all others in any order. Where several
    /// subschemas declare some, in the order of each of them; where these contradict each other, by first
    /// appearance.
    #[default]
    Schema,
    /// Any order.
    Any,
}

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Numbers {
    /// As the schema's bounds allow: every JSON spelling where they can be decided for it, else
    /// without an exponent (see [`Spelling`](crate::number::Spelling)).
    #[default]
    Any,
    /// Each number in one way: no exponent, no fraction that ends in zero, no minus before zero. So 10
    /// is `10` and not `10.0`, `1e1` or `1.0e+1`.
    Shortest,
}

/// How documents are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct FrameOptions {
    /// The white space between lexemes.
    pub whitespace: Whitespace,
    /// The order of members.
    pub order: Order,
    /// How numbers are written.
    pub numbers: Numbers,
}

/// The labels of lexemes: small numbers that mean the same in every frame.
mod label {
    use super::core::Key;

    pub const COMMA: u32 = 0;
    pub const CLOSE_OBJECT: u32 = 1;
    pub const CLOSE_ARRAY: u32 = 2;
    pub const COLON: u32 = 3;
    pub const OPEN_OBJECT: u32 = 4;
    pub const OPEN_ARRAY: u32 = 5;
    pub const SPACE: u32 = 6;
    /// Of whoever embeds the schema.
    pub const FREE: u32 = 7;
    /// Plus the index of the extra formula that holds.
    pub const TRUTH: u32 = 8;
    /// Plus the index of the cell of names.
    pub const CELL: u32 = 8;
    /// Plus the index of the name.
    pub const NAME: u32 = 1 << 16;

    /// The key of a name's labels.
    pub fn key(labels: &[u32]) -> Option<Key> {
        match *labels {
            [l] if l >= NAME => Some(Key::Name(l - NAME)),
            [l] if l >= CELL => Some(Key::Cell(l - CELL)),
            _ => None,
        }
    }
}

/// The values of the strings that nearly every schema admits: any string, and any name. What a
/// compiler knows of these before it sees a schema serves them all.
pub fn common_texts(lexicon: &Lexicon) -> [ExprId; 2] {
    let any = lexicon.any_text();
    [any, lexicon.concat(&[any, lexicon.mark(label::CELL)])]
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Slot {
    Root(JudgeId),
    Member(FrameId, Key),
    Element(FrameId),
}

/// What a stack symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// A value comes next.
    Value(Slot),
    /// The value is an object or array whose frame is the next symbol up.
    Wait(Slot),
    /// After the opening bracket.
    First(FrameId),
    /// After a comma of an object.
    Key(FrameId),
    /// After a name.
    Colon(FrameId, Key),
    /// After a member or element.
    After(FrameId),
    /// After the whole value.
    Done,
}

/// With these bytes every JSON value can be spelled: whatever else a string holds, by an escape.
const JSON: &[u8] = b"{}[]:,\"\\-.0123456789abcdeflnrstu";

/// The pushdown machine of a schema. See the module documentation.
pub struct Frames {
    core: Mutex<Core>,
    start: Symbol,
    is_whole: bool,
    /// Bytes of the schema.
    schema_bytes: usize,
    /// Bytes of the arenas when they were last measured.
    last_bytes: AtomicUsize,
}

impl fmt::Debug for Frames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames")
            .field("symbols", &self.symbols_len())
            .finish_non_exhaustive()
    }
}

impl Frames {
    /// The machine of a schema. Makes only the first symbol; the rest comes on demand.
    ///
    /// # Errors
    /// `unsupported-unique-items` where it can count against a document that elements differ (under
    /// `not`, or in a `oneOf` whose branches overlap), or where they can be arrays or objects that run out
    /// before the array may end; `unsatisfiable` when no document satisfies the schema;
    /// `limit-exceeded` or `cancelled`.
    pub fn new(
        schema: Schema,
        lexicon: Arc<Lexicon>,
        options: FrameOptions,
        limits: Limits,
        cancel: CancelFlag,
    ) -> Result<Frames, Diagnostics> {
        Self::with_labels(schema, lexicon, options, limits, cancel, 0)
    }

    /// The same machine with labels that begin at `base`, so that they can be told from those of
    /// another one. There are fewer than 2^24 of them.
    ///
    /// # Errors
    /// As [`Frames::new`].
    pub fn with_labels(
        schema: Schema,
        lexicon: Arc<Lexicon>,
        options: FrameOptions,
        limits: Limits,
        cancel: CancelFlag,
        base: u32,
    ) -> Result<Frames, Diagnostics> {
        let root = schema.root;
        let pointer = root.and_then(|r| schema.pointers.get(r.0 as usize));
        let place = SourcePlace::pointer(pointer.map_or("", |p| p));
        let schema_bytes = schema.heap_bytes();
        let mut core = Core::new(schema, lexicon, options, limits, cancel, base);
        core.plan_unique()?;
        let must = core.optional_form(root);
        if !core
            .value_exists(must)
            .map_err(|e| Diagnostic::limit(e, place.clone()))?
        {
            let message = "no document satisfies this schema";
            let help = "look for bounds or types that exclude each other";
            return Err(Diagnostic::new("unsatisfiable", message, place)
                .with_help(help)
                .into());
        }
        let judge = core.intern_judge(Judge {
            must,
            extra: Box::default(),
            goal: GoalId::TRUE,
        });
        let start = core.intern_symbol(Kind::Value(Slot::Root(judge)));
        let is_whole = !core.lexicon.has_gaps()
            || core.lexicon.spells_each(JSON)
                && (!matches!(core.options.whitespace, Whitespace::Pretty { .. })
                    || core.lexicon.spells_each(b" \n"));
        Ok(Frames {
            last_bytes: AtomicUsize::new(core.heap_bytes()),
            core: Mutex::new(core),
            start,
            is_whole,
            schema_bytes,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Core> {
        // A poisoned core is still consistent: every insertion is complete or absent.
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        core.steps = core.limits.steps;
        core
    }

    /// A label that no lexeme of a schema carries, counted from the first.
    pub const FREE_LABEL: u32 = label::FREE;

    /// The symbol of a whole document, before its first character; white space does not belong to
    /// it.
    pub fn document(&self) -> Symbol {
        machine::spaced(self.start)
    }

    /// The first lexeme of a document: a whole scalar or an opening bracket.
    ///
    /// # Errors
    /// A limit.
    pub fn document_expr(&self) -> Result<ExprId, LimitError> {
        self.lock().lex_expr(self.document())
    }

    /// Whether a symbol stands for a complete document.
    pub fn is_done(&self, symbol: Symbol) -> bool {
        matches!(self.lock().kind(symbol), Kind::Done)
    }
}

impl Control for Frames {
    fn is_whole(&self) -> bool {
        self.is_whole
    }

    fn start(&self) -> Symbol {
        self.start
    }

    fn lex_start(&self, top: Symbol) -> Result<LexState, ControlError> {
        Ok(self.lock().lex_start(top)?)
    }

    fn step(
        &self,
        stack: &mut dyn StackReader,
        labels: &[u32],
    ) -> Result<Vec<StackAction>, ControlError> {
        let mut core = self.lock();
        let base = core.base;
        let actions = if base == 0 {
            core.step(stack, labels)?
        } else {
            let own: Vec<u32> = labels.iter().map(|l| l.wrapping_sub(base)).collect();
            core.step(stack, &own)?
        };
        core.check_size()?;
        Ok(actions)
    }

    fn follows(&self, top: Symbol, labels: &[u32]) -> Classes {
        let core = self.lock();
        core.follows(top, labels.first().map(|l| l.wrapping_sub(core.base)))
    }

    fn ends(&self, stack: &mut dyn StackReader) -> Result<bool, ControlError> {
        let Some(top) = stack.read(0)? else {
            return Ok(false);
        };
        Ok(matches!(self.lock().kind(top), Kind::Done))
    }

    fn compares(&self) -> bool {
        true
    }

    /// Names that the machine does not list must differ from each other (as strings, not as
    /// spellings), and so must the elements of an array with `uniqueItems` (as values: 1 and 1.0 are
    /// equal, and so are objects with the same members in another order).
    ///
    /// Listed names are never repeated by the machine itself, and values out of short lists are
    /// counted by it; the matcher may compare those values too.
    fn distinct(&self, top: Symbol) -> Result<bool, ControlError> {
        Ok(self.lock().distinct(top)?)
    }

    fn must_differ(&self, top: Symbol, labels: &[u32]) -> Result<bool, ControlError> {
        let mut core = self.lock();
        let own: Vec<u32> = labels.iter().map(|l| l.wrapping_sub(core.base)).collect();
        Ok(core.must_differ(top, &own)?)
    }

    fn records(&self) -> bool {
        self.lock().unique.values().any(|plan| plan.records)
    }

    fn part(&self, top: Symbol, labels: &[u32]) -> Result<Part, ControlError> {
        let mut core = self.lock();
        let own: Vec<u32> = labels.iter().map(|l| l.wrapping_sub(core.base)).collect();
        Ok(core.part(top, &own)?)
    }

    fn may_run_out(&self, top: Symbol) -> Result<bool, ControlError> {
        Ok(self.lock().may_run_out(top)?)
    }

    fn heap_bytes(&self) -> usize {
        let arenas = heap::behind(&self.core, &self.last_bytes, Core::heap_bytes);
        size_of::<Self>() + self.schema_bytes + arenas
    }

    fn symbols_len(&self) -> usize {
        2 * self.lock().symbols.list.len()
    }

    fn describe(&self, symbol: Symbol) -> String {
        self.lock().describe(symbol)
    }

    fn places(&self, symbol: Symbol) -> Vec<String> {
        self.lock().pointers(symbol)
    }

    fn dead_places(&self) -> Result<Vec<String>, ControlError> {
        Ok(self.lock().dead_places()?)
    }

    fn member_order(&self, symbol: Symbol) -> Vec<String> {
        self.lock().member_order(symbol)
    }
}
