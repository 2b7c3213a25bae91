//! The one interface of pushdown machines.
//!
//! A [`Control`] owns the stack symbols of one grammar and creates them on demand. It decides what
//! ends a lexeme does to the stack; it never sees bytes or tokens. What it may know of the stack it
//! reads through a [`StackReader`], which records how deep it looked: the answer is then remembered
//! for every stack that agrees on the symbols read. That cache, grown on demand, *is* the stack
//! automaton of `D_a` (one per terminal) in determinised form.

use crate::lr::ConflictReport;
use maskwright_tables::trie::Classes;
use maskwright_tables::{LexState, LimitError, Part, StackAction, Symbol};
use std::fmt;

/// The stack, read from the top down, with a record of how deep it was read.
pub trait StackReader {
    /// The symbol `depth` entries below the top (0 is the top); `Ok(None)` below the bottom.
    ///
    /// # Errors
    /// [`ControlError::Unknown`] when the caller explores symbolically and does not know that
    /// symbol yet: the control must return this error as it is.
    fn read(&mut self, depth: usize) -> Result<Option<Symbol>, ControlError>;

    /// The same for a control to which of this symbol its [outline](Control::outline) is enough.
    ///
    /// # Errors
    /// As of [`StackReader::read`].
    fn glance(&mut self, depth: usize) -> Result<Option<Symbol>, ControlError> {
        self.read(depth)
    }

    /// Says that what an action pushes depends on the whole of the symbol that it is put on, even where only its
    /// outline was read.
    fn inherit(&mut self) {}
}

/// What a symbol has in common with others: see [`Control::outline`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Equal for symbols that have it in common.
    pub number: u32,
    /// Whether [`Control::lex_start`] is the same for all of them.
    pub begins_alike: bool,
}

/// Why a control could not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlError {
    /// A limit was crossed, or the caller cancelled.
    Limit(LimitError),
    /// The reader does not know the symbol at this depth.
    Unknown(usize),
}

impl From<LimitError> for ControlError {
    fn from(e: LimitError) -> Self {
        ControlError::Limit(e)
    }
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ControlError::Limit(e) => e.fmt(f),
            ControlError::Unknown(depth) => write!(f, "stack symbol at depth {depth} is not known"),
        }
    }
}

impl std::error::Error for ControlError {}

/// One elementary move of a machine that works by reductions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Move {
    /// Put these symbols on the stack, the last one on top: the lexeme is read. Nothing at all for a
    /// lexeme that is ignored.
    Shift(Box<[Symbol]>),
    /// Take this many symbols off (one at least), put [`Control::goto`] of the symbol then exposed
    /// and of this nonterminal on, and go on with the same label.
    Reduce {
        /// How many symbols are taken off.
        pop: u32,
        /// What has been read.
        nonterminal: u32,
    },
    /// The text may end.
    Accept,
}

/// A pushdown machine over lexemes. Symbols are created on demand; an id never changes its meaning.
///
/// Contract: every answer depends only on the symbols read through the reader, on the labels and on
/// the grammar. No stack that `step` makes is a dead end, and [`Control::lex_start`] offers exactly
/// the terminals that the stack accepts (no terminal whose end `step` would refuse for every
/// lexeme).
pub trait Control: Send + Sync + fmt::Debug {
    /// The only symbol of the first stack.
    fn start(&self) -> Symbol;

    /// What a symbol has in common with others that differ from it in what may come after the phrases that are under
    /// way: of an LR(1) state, its items without lookaheads. `None`, for all symbols, where a machine tells no
    /// outlines.
    ///
    /// Contract: where two stacks agree on the symbols that [`Control::step`] reads and on the outlines of those
    /// that it glances at, its actions pop alike and push symbols with equal outlines; and equal symbols, unless it
    /// calls [`StackReader::inherit`] and those that they are put on differ.
    fn outline(&self, symbol: Symbol) -> Option<Outline> {
        let _ = symbol;
        None
    }

    /// The fresh lexical state in which the next lexeme begins when `top` is on top, or
    /// [`LexState::DEAD`] when the sentence is complete and nothing may follow.
    fn lex_start(&self, top: Symbol) -> Result<LexState, ControlError>;

    /// What ending a lexeme that carries `labels` (strictly increasing; empty when the lexeme
    /// matched without a label) does to the stack: one action for each reading. An empty list
    /// refuses the lexeme.
    fn step(
        &self,
        stack: &mut dyn StackReader,
        labels: &[u32],
    ) -> Result<Vec<StackAction>, ControlError>;

    /// [Classes](maskwright_tables::trie::byte_class) of bytes: with no others does anything begin that may
    /// follow a lexeme which began on `top` and carries these labels. Quick, and makes nothing: it spares
    /// [`Control::step`] and [`Control::lex_start`] for what no token goes on with. All classes where that is
    /// not known.
    fn follows(&self, top: Symbol, labels: &[u32]) -> Classes {
        let _ = (top, labels);
        Classes::MAX
    }

    /// The fresh lexical state of any number of lexemes, each with one of these labels and none of them
    /// seen, and then of a lexeme that may come when `top` is on top and has none of these labels. Asked for
    /// labels that leave the stack as it is: what comes after a run of such lexemes is then found at once,
    /// however long it is. [`LexState::DEAD`] where a machine has no such state; never otherwise.
    ///
    /// # Errors
    /// A limit.
    fn run_start(&self, top: Symbol, labels: &[u32]) -> Result<LexState, ControlError> {
        let _ = (top, labels);
        Ok(LexState::DEAD)
    }

    /// Whether the machine counts on no lexeme but such as whole pieces of the lexicon spell, each from
    /// its beginning to its end: then every stack can be completed from the end of any lexeme on.
    /// Always true where the lexicon has no gaps.
    fn is_whole(&self) -> bool {
        true
    }

    /// Whether the input may end on this stack with no lexeme under way.
    fn ends(&self, stack: &mut dyn StackReader) -> Result<bool, ControlError>;

    /// Whether a lexeme with several labels is always read as with each of them by itself: the actions
    /// of [`Control::step`] for all are those for each.
    fn reads_labels_apart(&self) -> bool {
        false
    }

    /// Whether some lexemes must differ from each other: names of an object, elements of an array.
    /// See `maskwright_tables::machine`; the control does not compare values, it only says where they
    /// are to be compared.
    fn compares(&self) -> bool {
        false
    }

    /// Whether a lexeme that begins on `top` may have to differ from earlier ones; for a symbol under an
    /// open array or object, whether that has to.
    ///
    /// # Errors
    /// A limit.
    fn distinct(&self, top: Symbol) -> Result<bool, ControlError> {
        let _ = top;
        Ok(false)
    }

    /// Whether a lexeme that began on `top` and carries these labels must differ from earlier ones.
    ///
    /// # Errors
    /// A limit.
    fn must_differ(&self, top: Symbol, labels: &[u32]) -> Result<bool, ControlError> {
        let _ = (top, labels);
        Ok(false)
    }

    /// Whether arrays or objects may have to differ from each other. Never true where
    /// [`Control::compares`] is not.
    fn records(&self) -> bool {
        false
    }

    /// What a lexeme that began on `top` and carries these labels is in its JSON value.
    ///
    /// # Errors
    /// A limit.
    fn part(&self, top: Symbol, labels: &[u32]) -> Result<Part, ControlError> {
        let _ = (top, labels);
        Ok(Part::None)
    }

    /// Whether all lexemes that begin on `top` may be repetitions of earlier ones at some time.
    ///
    /// # Errors
    /// A limit.
    fn may_run_out(&self, top: Symbol) -> Result<bool, ControlError> {
        let _ = top;
        Ok(false)
    }

    /// What a lexeme with this label (`None`: the end of the text) does to a stack with `top` on
    /// top, one elementary move for each reading. `None` if this machine does not work by
    /// reductions and has to be asked by [`Control::step`] and [`Control::ends`], which then read
    /// no further than a few symbols.
    ///
    /// The moves of all labels of a lexeme, taken to their shifts, are the actions of `step`. Whoever
    /// explores stacks of which only the upper part is known goes by moves, since the state in the
    /// middle of a reduction says all that matters of what has been read, however deep.
    ///
    /// # Errors
    /// A limit.
    fn moves(&self, top: Symbol, label: Option<u32>) -> Result<Option<Vec<Move>>, ControlError> {
        let _ = (top, label);
        Ok(None)
    }

    /// The symbol to put on `below` when `nonterminal` has been read there; `None` refuses.
    ///
    /// # Errors
    /// A limit.
    fn goto(&self, below: Symbol, nonterminal: u32) -> Result<Option<Symbol>, ControlError> {
        let _ = (below, nonterminal);
        Ok(None)
    }

    /// Bytes held by this control alone, about, what it has remembered so far included; what it shares
    /// with others, as its lexicon, left out. O(1), and never waits for another thread.
    fn heap_bytes(&self) -> usize;

    /// The number of symbols created so far.
    fn symbols_len(&self) -> usize;

    /// A name of the symbol for people, such as an item set or a frame, for dumps.
    fn describe(&self, symbol: Symbol) -> String;

    /// The places of the source that speak about what comes next when `symbol` is on top, the
    /// nearest first: JSON pointers of schema nodes. Empty where the machine keeps none.
    fn places(&self, symbol: Symbol) -> Vec<String> {
        let _ = symbol;
        Vec::new()
    }

    /// The places of schema nodes that no value satisfies, neither by themselves nor, for branches,
    /// together with what stands beside them; those that are `false` on purpose left out. The
    /// innermost of several.
    ///
    /// # Errors
    /// A limit in the search for a value, or a cancel.
    fn dead_places(&self) -> Result<Vec<String>, ControlError> {
        Ok(Vec::new())
    }

    /// The names whose members must come in this order in the object that `symbol` is the open
    /// frame of. Empty where any order will do, and for symbols that are no open object.
    fn member_order(&self, symbol: Symbol) -> Vec<String> {
        let _ = symbol;
        Vec::new()
    }

    /// What needs several stacks, explained; `None` where the machine never does by construction. Creates
    /// all symbols.
    ///
    /// # Errors
    /// When there are more symbols than the limits allow.
    fn conflicts(&self) -> Result<Option<ConflictReport>, ControlError> {
        Ok(None)
    }
}
