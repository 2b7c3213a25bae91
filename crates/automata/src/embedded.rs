//! Schemas inside a grammar: one [`Control`] made of an [`Lr`] machine and the [`Frames`] of each schema.
//!
//! A terminal of the grammar may be a whole JSON document. The LR machine knows such a terminal by its
//! index alone, and shifts it when the document is complete. Until then the frames of the document lie
//! on top of the LR stack:
//!
//! - a stack symbol is tagged with the machine that it belongs to (`id = own · machines + machine`),
//!   and below the frames of a document there are LR symbols only;
//! - where an LR state allows a document, its lexical start also offers the first lexeme of that
//!   document; labels of different machines lie in different ranges (`machine << GROUP_BITS`), so that a
//!   lexeme that both can read takes both ways;
//! - the lexeme that completes a document takes its frames off and shifts the terminal at once. So no
//!   "document complete" symbol ever rests on the stack, and tokens cross the border like any other.
//!
//! Exactness follows from that of the parts: an LR state has an action on the terminal exactly if some
//! sentence goes on with it, and a frame is entered only if it can be completed.
//!
//! A document has no white space before its first and after its last character; the grammar around it
//! says what may stand there.

use crate::control::{Control, ControlError, StackReader};
use crate::frames::Frames;
use crate::lexicon::Lexicon;
use crate::lr::{IGNORE, Lr};
use maskwright_tables::{LexState, LimitError, Part, StackAction, Symbol};
use std::sync::Arc;

/// Bits of a label that are a machine's own.
pub const GROUP_BITS: u32 = 24;

/// The most schemas in one grammar.
pub const MAX_SCHEMAS: usize = 250;

/// The label that all first lexemes of a document carry, beside the schema's own.
const FIRST: u32 = Frames::FREE_LABEL;

/// A schema and the terminal for which its documents stand.
#[derive(Debug)]
struct Inner {
    frames: Frames,
    terminal: u32,
    base: u32,
}

/// The machine of a grammar with schemas inside. See the module documentation.
#[derive(Debug)]
pub struct Embedded {
    lr: Lr,
    lexicon: Arc<Lexicon>,
    inner: Vec<Inner>,
}

impl Embedded {
    /// The first label of the schema with this index (counted from 0).
    pub fn base(index: usize) -> u32 {
        (index as u32 + 1) << GROUP_BITS
    }

    /// The machine of a grammar and of the schemas for which some of its terminals stand. The frames
    /// of the `i`th schema were made with the labels of [`Embedded::base`]`(i)`; there are at most
    /// [`MAX_SCHEMAS`], and fewer than 2^24 terminals.
    pub fn new(lr: Lr, lexicon: Arc<Lexicon>, schemas: Vec<(u32, Frames)>) -> Self {
        let inner = schemas
            .into_iter()
            .enumerate()
            .map(|(i, (terminal, frames))| Inner {
                frames,
                terminal,
                base: Self::base(i),
            })
            .collect();
        Embedded { lr, lexicon, inner }
    }

    fn machines(&self) -> u32 {
        self.inner.len() as u32 + 1
    }

    /// The machine of a symbol (0: LR), and its name there.
    fn split(&self, symbol: Symbol) -> (u32, Symbol) {
        (
            symbol.0 % self.machines(),
            Symbol(symbol.0 / self.machines()),
        )
    }

    fn join(&self, machine: u32, own: Symbol) -> Result<Symbol, ControlError> {
        let joined = own.0.checked_mul(self.machines());
        let joined = joined.and_then(|s| s.checked_add(machine));
        joined.map(Symbol).ok_or_else(|| {
            let limit = u64::from(u32::MAX / self.machines());
            LimitError::new("stack symbols", u64::from(own.0), limit).into()
        })
    }

    fn action(&self, machine: u32, pop: u32, push: &[Symbol]) -> Result<StackAction, ControlError> {
        let push: Result<Box<[Symbol]>, ControlError> =
            push.iter().map(|s| self.join(machine, *s)).collect();
        Ok(StackAction { pop, push: push? })
    }

    /// The actions of the LR machine on the stack below its first `skip` symbols, which it takes off
    /// too.
    fn shift(
        &self,
        stack: &mut dyn StackReader,
        skip: usize,
        labels: &[u32],
        actions: &mut Vec<StackAction>,
    ) -> Result<(), ControlError> {
        let mut view = View {
            all: self,
            stack,
            machine: 0,
            skip,
        };
        for action in self.lr.step(&mut view, labels)? {
            let action = self.action(0, action.pop + skip as u32, &action.push)?;
            if !actions.contains(&action) {
                actions.push(action);
            }
        }
        Ok(())
    }

    /// What an action of a schema's frames comes to: where it completes the document, the frames go
    /// and the grammar goes on.
    fn frames_action(
        &self,
        stack: &mut dyn StackReader,
        machine: u32,
        action: &StackAction,
        actions: &mut Vec<StackAction>,
    ) -> Result<(), ControlError> {
        let inner = &self.inner[machine as usize - 1];
        if action.push.last().is_some_and(|s| inner.frames.is_done(*s)) {
            return self.shift(stack, action.pop as usize, &[inner.terminal], actions);
        }
        let action = self.action(machine, action.pop, &action.push)?;
        if !actions.contains(&action) {
            actions.push(action);
        }
        Ok(())
    }
}

/// A stack as one of the machines sees it.
struct View<'a> {
    all: &'a Embedded,
    stack: &'a mut dyn StackReader,
    machine: u32,
    skip: usize,
}

impl StackReader for View<'_> {
    fn read(&mut self, depth: usize) -> Result<Option<Symbol>, ControlError> {
        let symbol = self.stack.read(depth + self.skip)?;
        Ok(symbol
            .map(|s| self.all.split(s))
            .filter(|(machine, _)| *machine == self.machine)
            .map(|(_, own)| own))
    }
}

/// The stack of one symbol.
struct Only(Symbol);

impl StackReader for Only {
    fn read(&mut self, depth: usize) -> Result<Option<Symbol>, ControlError> {
        Ok((depth == 0).then_some(self.0))
    }
}

impl Control for Embedded {
    fn is_whole(&self) -> bool {
        self.lr.is_whole() && self.inner.iter().all(|i| i.frames.is_whole())
    }

    fn start(&self) -> Symbol {
        // The first LR state has the number 0.
        self.lr.start()
    }

    fn lex_start(&self, top: Symbol) -> Result<LexState, ControlError> {
        let (machine, own) = self.split(top);
        if machine > 0 {
            return self.inner[machine as usize - 1].frames.lex_start(own);
        }
        let (text, without_text) = self.lr.start_expr(own)?;
        let mut parts = vec![text];
        let mut waits = false;
        for terminal in without_text {
            match self.inner.iter().find(|i| i.terminal == terminal) {
                Some(inner) => {
                    let first = inner.frames.document_expr()?;
                    let mark = self.lexicon.mark(inner.base + FIRST);
                    parts.push(self.lexicon.concat(&[first, mark]));
                }
                None => waits = true,
            }
        }
        let start = self.lexicon.fresh(self.lexicon.alt(&parts))?;
        if start == LexState::DEAD && waits {
            return Ok(self.lexicon.between()?);
        }
        Ok(start)
    }

    fn step(
        &self,
        stack: &mut dyn StackReader,
        labels: &[u32],
    ) -> Result<Vec<StackAction>, ControlError> {
        let Some(top) = stack.read(0)? else {
            return Ok(Vec::new());
        };
        let (machine, _) = self.split(top);
        let mut actions = Vec::new();
        if machine > 0 {
            // Inside a document only its own lexemes are read: no token of the grammar around it.
            let own: Vec<u32> = labels
                .iter()
                .copied()
                .filter(|l| l >> GROUP_BITS == machine)
                .collect();
            if own.is_empty() && !labels.is_empty() {
                return Ok(actions);
            }
            let frames = &self.inner[machine as usize - 1].frames;
            let mut view = View {
                all: self,
                stack,
                machine,
                skip: 0,
            };
            for action in frames.step(&mut view, &own)? {
                self.frames_action(stack, machine, &action, &mut actions)?;
            }
            return Ok(actions);
        }
        let lr_labels: Vec<u32> = labels
            .iter()
            .copied()
            .filter(|l| *l >> GROUP_BITS == 0 || *l == IGNORE)
            .collect();
        if !lr_labels.is_empty() {
            self.shift(stack, 0, &lr_labels, &mut actions)?;
        }
        for (i, inner) in self.inner.iter().enumerate() {
            if labels.binary_search(&(inner.base + FIRST)).is_err() {
                continue;
            }
            let own: Vec<u32> = labels
                .iter()
                .copied()
                .filter(|l| *l >> GROUP_BITS == inner.base >> GROUP_BITS)
                .filter(|l| *l != inner.base + FIRST)
                .collect();
            let mut document = Only(inner.frames.document());
            for mut action in inner.frames.step(&mut document, &own)? {
                // The one symbol that was taken off never lay on the stack.
                action.pop -= 1;
                self.frames_action(stack, i as u32 + 1, &action, &mut actions)?;
            }
        }
        Ok(actions)
    }

    fn ends(&self, stack: &mut dyn StackReader) -> Result<bool, ControlError> {
        let Some(top) = stack.read(0)? else {
            return Ok(false);
        };
        if self.split(top).0 > 0 {
            return Ok(false);
        }
        self.lr.ends(&mut View {
            all: self,
            stack,
            machine: 0,
            skip: 0,
        })
    }

    fn compares(&self) -> bool {
        true
    }

    /// As the frames of the document say; in the grammar around it nothing has to differ, nor has a
    /// document as a whole.
    fn distinct(&self, top: Symbol) -> Result<bool, ControlError> {
        match self.split(top) {
            (0, _) => Ok(false),
            (machine, own) => self.inner[machine as usize - 1].frames.distinct(own),
        }
    }

    fn must_differ(&self, top: Symbol, labels: &[u32]) -> Result<bool, ControlError> {
        match self.split(top) {
            (0, _) => Ok(false),
            (machine, own) => self.inner[machine as usize - 1]
                .frames
                .must_differ(own, labels),
        }
    }

    fn records(&self) -> bool {
        self.inner.iter().any(|i| i.frames.records())
    }

    fn part(&self, top: Symbol, labels: &[u32]) -> Result<Part, ControlError> {
        match self.split(top) {
            (0, _) => Ok(Part::None),
            (machine, own) => self.inner[machine as usize - 1].frames.part(own, labels),
        }
    }

    fn may_run_out(&self, top: Symbol) -> Result<bool, ControlError> {
        match self.split(top) {
            (0, _) => Ok(false),
            (machine, own) => self.inner[machine as usize - 1].frames.may_run_out(own),
        }
    }

    fn heap_bytes(&self) -> usize {
        let inner = self.inner.iter().map(|inner| inner.frames.heap_bytes());
        self.lr.heap_bytes() + inner.sum::<usize>()
    }

    fn symbols_len(&self) -> usize {
        let inner = self.inner.iter().map(|i| i.frames.symbols_len());
        self.lr.symbols_len() + inner.sum::<usize>()
    }

    fn describe(&self, symbol: Symbol) -> String {
        match self.split(symbol) {
            (0, own) => self.lr.describe(own),
            (machine, own) => self.inner[machine as usize - 1].frames.describe(own),
        }
    }
}
