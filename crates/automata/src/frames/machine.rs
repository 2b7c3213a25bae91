//! Stack symbols: which lexemes each offers, and what they do to the stack.

use super::core::{Core, FrameId, Judge, JudgeId, Key, Place};
use super::form::FormId;
use super::goal::GoalId;
use super::space::{Gap, free_gap, gap};
use super::{Kind, Slot, Whitespace, label};
use crate::control::{ControlError, StackReader};
use crate::lexicon::ExprId;
use maskwright_grammar::json_schema::Types;
use maskwright_tables::{LexState, LimitError, StackAction, Symbol};
use smallvec::SmallVec;
use std::sync::Arc;

/// Lexemes between names and values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Punctuation {
    Colon,
    /// After a member or element: whether another one may come, and whether this may be the end, of an object
    /// or not. The depth is that of the indentation.
    After {
        more: bool,
        close: Option<bool>,
        depth: u32,
    },
}

/// The symbol after a gap.
pub(super) fn spaced(symbol: Symbol) -> Symbol {
    Symbol(symbol.0 | 1)
}

/// Whether a gap was just read.
pub(super) fn is_spaced(symbol: Symbol) -> bool {
    symbol.0 & 1 == 1
}

impl Core {
    /// The symbol of a kind, no gap read. Symbols come in pairs: the odd one has read the gap.
    pub fn intern_symbol(&mut self, kind: Kind) -> Symbol {
        Symbol(self.symbols.intern(kind) << 1)
    }

    /// What a symbol is, its gap aside.
    pub fn kind(&self, symbol: Symbol) -> Kind {
        self.symbols.list[symbol.index() / 2]
    }

    /// The next lexeme, or a gap unless one was just read.
    pub fn lex_start(&mut self, symbol: Symbol) -> Result<LexState, LimitError> {
        let e = self.lex_expr(symbol)?;
        self.lexicon.fresh(e)
    }

    /// What [`Core::lex_start`] begins.
    pub fn lex_expr(&mut self, symbol: Symbol) -> Result<ExprId, LimitError> {
        Ok(match self.exprs.get(&symbol) {
            Some(&e) => e,
            None => {
                let kind = self.kind(symbol);
                let e = match is_spaced(symbol) || matches!(kind, Kind::Wait(_)) {
                    true => self.lexeme(kind)?,
                    false => {
                        let own = self.lex_expr(spaced(symbol))?;
                        match self.free_gap() {
                            Some(gap) => self.lexicon.alt(&[gap, own]),
                            None => own,
                        }
                    }
                };
                self.check_size()?;
                self.exprs.insert(symbol, e);
                e
            }
        })
    }

    fn free_gap(&mut self) -> Option<ExprId> {
        if self.free_gap.is_none() {
            let gap = free_gap(&self.lexicon, self.options.whitespace);
            let mark = self.mark(label::SPACE);
            self.free_gap = Some(gap.map(|gap| self.lexicon.concat(&[gap, mark])));
        }
        self.free_gap.flatten()
    }

    /// Records a label of this machine.
    pub fn mark(&self, label: u32) -> ExprId {
        self.lexicon.mark(self.base + label)
    }

    fn gap(&self, at: Gap) -> ExprId {
        gap(&self.lexicon, self.options.whitespace, at)
    }

    /// A text that is the same in all grammars, and the label that it records.
    fn text(&mut self, text: &'static str, label: Option<u32>) -> ExprId {
        let (lexicon, base) = (&self.lexicon, self.base);
        *self.texts.entry((text, label)).or_insert_with(|| {
            let bytes = lexicon.bytes(text.as_bytes());
            match label {
                Some(label) => lexicon.concat(&[bytes, lexicon.mark(base + label)]),
                None => bytes,
            }
        })
    }

    /// The next lexeme when this symbol is on top.
    fn lexeme(&mut self, kind: Kind) -> Result<ExprId, LimitError> {
        let lexicon = self.lexicon.clone();
        Ok(match kind {
            Kind::Value(slot) => {
                let (at, judge) = match slot {
                    Slot::Root(judge) => (Gap::Start, judge),
                    Slot::Member(frame, key) => (Gap::Value, self.judge_of(frame, key)?),
                    Slot::Element(frame) => (
                        Gap::Member(self.frame(frame).depth),
                        self.judge_of(frame, Key::Element)?,
                    ),
                };
                let value = self.value_expr(judge)?;
                lexicon.concat(&[self.gap(at), value])
            }
            Kind::First(frame) => {
                let object = self.is_object(frame);
                let depth = self.frame(frame).depth;
                let inner = if object {
                    self.key_expr(frame)?
                } else if let Some(m) = self.move_by(frame, Key::Element)? {
                    self.value_expr(m.judge)?
                } else {
                    lexicon.never()
                };
                let close = if self.may_end(frame) {
                    self.close_expr(object)
                } else {
                    lexicon.never()
                };
                let (before, empty) = (self.gap(Gap::Member(depth)), self.gap(Gap::CloseEmpty));
                if before == empty {
                    lexicon.concat(&[before, lexicon.alt(&[inner, close])])
                } else {
                    let inner = lexicon.concat(&[before, inner]);
                    lexicon.alt(&[inner, lexicon.concat(&[empty, close])])
                }
            }
            Kind::Key(frame) => {
                let depth = self.frame(frame).depth;
                let keys = self.key_expr(frame)?;
                lexicon.concat(&[self.gap(Gap::Member(depth)), keys])
            }
            Kind::Colon(..) => self.punctuation(Punctuation::Colon),
            Kind::After(frame) => {
                let more = !self.open_keys(frame, 1)?.is_empty();
                let object = self.is_object(frame);
                let close = self.may_end(frame).then_some(object);
                let depth = self.frame(frame).depth;
                self.punctuation(Punctuation::After { more, close, depth })
            }
            Kind::Wait(_) | Kind::Done => lexicon.never(),
        })
    }

    /// A lexeme that is the same in all frames.
    fn punctuation(&mut self, which: Punctuation) -> ExprId {
        if let Some(&known) = self.punctuation.get(&which) {
            return known;
        }
        let lexicon = self.lexicon.clone();
        let tight = self.gap(Gap::Tight);
        let e = match which {
            Punctuation::Colon => lexicon.concat(&[tight, self.text(":", Some(label::COLON))]),
            Punctuation::After { more, close, depth } => {
                let more = match more {
                    true => self.text(",", Some(label::COMMA)),
                    false => lexicon.never(),
                };
                let close = close.map_or(lexicon.never(), |object| self.close_expr(object));
                let before = self.gap(Gap::Close(depth));
                if tight == before {
                    lexicon.concat(&[tight, lexicon.alt(&[more, close])])
                } else {
                    let more = lexicon.concat(&[tight, more]);
                    lexicon.alt(&[more, lexicon.concat(&[before, close])])
                }
            }
        };
        self.punctuation.insert(which, e);
        e
    }

    fn close_expr(&mut self, object: bool) -> ExprId {
        match object {
            true => self.text("}", Some(label::CLOSE_OBJECT)),
            false => self.text("]", Some(label::CLOSE_ARRAY)),
        }
    }

    pub fn is_object(&self, frame: FrameId) -> bool {
        matches!(self.place(self.frame(frame).place), Place::Object { .. })
    }

    fn judge_of(&mut self, frame: FrameId, key: Key) -> Result<JudgeId, LimitError> {
        // Only keys that `open_keys` offered get here, and those have a move.
        match self.move_by(frame, key)? {
            Some(m) => Ok(m.judge),
            None => Ok(self.intern_judge(Judge {
                must: FormId::FALSE,
                extra: Box::default(),
                goal: GoalId::TRUE,
            })),
        }
    }

    /// The first lexeme of a value: a whole scalar, or an opening bracket.
    fn value_expr(&mut self, judge: JudgeId) -> Result<ExprId, LimitError> {
        if let Some(&e) = self.value_exprs.get(&judge) {
            return Ok(e);
        }
        let lexicon = self.lexicon.clone();
        let mut parts = Vec::new();
        // Types of which nothing is asked for, and those of which something certainly is.
        let Judge { must, extra, goal } = self.judge(judge);
        let alone = extra.is_empty() && *goal == GoalId::TRUE;
        let types = self.by_type(*must);
        let some = |ty: Types| alone && types.some.contains(ty);
        let none = |ty: Types| types.none.contains(ty);
        for (ty, text) in [
            (Types::NULL, "null"),
            (Types::TRUE, "true"),
            (Types::FALSE, "false"),
        ] {
            if none(ty) {
                continue;
            }
            let (must, extra, goal) = self.typed_judge(judge, ty)?;
            if must == FormId::TRUE && goal == GoalId::TRUE {
                let marks = self.truth_marks(&extra);
                let text = self.text(text, None);
                parts.push(lexicon.concat(&[text, marks]));
            }
        }
        for ty in [Types::STRING, Types::NUMBER] {
            if !none(ty) {
                parts.push(self.scalar_expr(judge, ty)?);
            }
        }
        for (ty, text, mark) in [
            (Types::OBJECT, "{", label::OPEN_OBJECT),
            (Types::ARRAY, "[", label::OPEN_ARRAY),
        ] {
            if some(ty) || !none(ty) && !self.open(judge, ty == Types::OBJECT, 0)?.is_empty() {
                parts.push(self.text(text, Some(mark)));
            }
        }
        let e = lexicon.alt(&parts);
        self.value_exprs.insert(judge, e);
        Ok(e)
    }

    /// The frames of an object or array that begins under a judge: none if none can, two where it
    /// matters in some alternatives only whether elements differ ([`Core::either_way`]).
    fn open(
        &mut self,
        judge: JudgeId,
        object: bool,
        depth: u32,
    ) -> Result<SmallVec<[FrameId; 2]>, LimitError> {
        let mut frames = SmallVec::new();
        let ty = if object { Types::OBJECT } else { Types::ARRAY };
        let (must, extra, goal) = self.typed_judge(judge, ty)?;
        if must == FormId::FALSE || goal == GoalId::FALSE {
            return Ok(frames);
        }
        let forms: Box<[FormId]> = [&[must][..], &extra].concat().into();
        let leaves = self.forms.leaves(&forms);
        let place = self.start_place(&leaves, object)?;
        let total = self.total_of(&forms, goal);
        let ways = match self.unique_is_certain(&forms, total) {
            true => SmallVec::from_elem(forms, 1),
            false => self.either_way(&forms, goal)?,
        };
        for mut forms in ways {
            let mut total = self.total_of(&forms, goal);
            let once = self.counted_once(total)?;
            if once != FormId::TRUE {
                forms[0] = self.forms.and2(forms[0], once);
                total = self.total_of(&forms, goal);
            }
            if forms[0] != FormId::FALSE && self.can_complete(place, total)? {
                frames.push(self.intern_frame(place, forms, goal, depth));
            }
        }
        Ok(frames)
    }

    /// A name of the next member: listed names with their own mark, others with that of their cell.
    fn key_expr(&mut self, frame: FrameId) -> Result<ExprId, LimitError> {
        let Place::Object { layout: id, .. } = *self.place(self.frame(frame).place) else {
            return Ok(self.lexicon.never());
        };
        let layout = self.layouts[id as usize].clone();
        let mut listed: Vec<u32> = Vec::new();
        let mut parts = Vec::new();
        let mut open_cells: Vec<u32> = Vec::new();
        for key in self.open_keys(frame, usize::MAX)? {
            match key {
                Key::Name(i) => listed.push(i),
                Key::Cell(c) => {
                    open_cells.push(c);
                    let names = self.cells(id)?[c as usize].names;
                    parts.push(self.lexicon.concat(&[names, self.mark(label::CELL + c)]));
                }
                Key::Element => {}
            }
        }
        if !listed.is_empty() {
            layout.in_byte_order(&mut listed);
            let names = listed.into_iter().map(|i| {
                let name = Arc::clone(&layout.names[i as usize]);
                (name.into(), self.base + label::NAME + i)
            });
            parts.push(self.lexicon.sorted_literals(names));
        }
        // Cells part all names that are not listed. Those that are open as a whole say nothing more, but
        // show that every text leads on, or all that are shorter than the names of closed cells.
        if open_cells.len() > 1 {
            let all = self.cells(id)?;
            let closed = |c: &usize| open_cells.binary_search(&(*c as u32)).is_err();
            let closed: Vec<ExprId> = (0..all.len())
                .filter(closed)
                .map(|c| all[c].names)
                .collect();
            if let Some(&unlisted) = self.unlisted.get(&id) {
                let not = self.lexicon.not(self.lexicon.alt(&closed));
                parts.push(self.lexicon.and(&[unlisted, not]));
            }
        }
        let names = self.lexicon.alt(&parts);
        Ok(if names == self.lexicon.never() {
            names
        } else {
            self.lexicon.json_string(names)
        })
    }

    pub fn step(
        &mut self,
        stack: &mut dyn StackReader,
        labels: &[u32],
    ) -> Result<Vec<StackAction>, ControlError> {
        let Some(top) = stack.read(0)? else {
            return Ok(Vec::new());
        };
        let first = labels.first().copied();
        let one = |pop: u32, push: &[Symbol]| {
            Ok(vec![StackAction {
                pop,
                push: push.into(),
            }])
        };
        if first == Some(label::SPACE) {
            return one(1, &[spaced(top)]);
        }
        match self.kind(top) {
            Kind::First(frame) => match first {
                Some(label::CLOSE_OBJECT | label::CLOSE_ARRAY) => self.close(stack, frame),
                _ if self.is_object(frame) => self.name(frame, labels),
                _ => self.value(Slot::Element(frame), labels),
            },
            Kind::Key(frame) => self.name(frame, labels),
            Kind::Colon(frame, key) => {
                let next = self.intern_symbol(Kind::Value(Slot::Member(frame, key)));
                one(1, &[next])
            }
            Kind::Value(slot) => self.value(slot, labels),
            Kind::After(frame) => match first {
                Some(label::COMMA) => {
                    let next = match self.is_object(frame) {
                        true => Kind::Key(frame),
                        false => Kind::Value(Slot::Element(frame)),
                    };
                    let next = self.intern_symbol(next);
                    one(1, &[next])
                }
                Some(label::CLOSE_OBJECT | label::CLOSE_ARRAY) => self.close(stack, frame),
                _ => Ok(Vec::new()),
            },
            Kind::Wait(_) | Kind::Done => Ok(Vec::new()),
        }
    }

    fn name(&mut self, frame: FrameId, labels: &[u32]) -> Result<Vec<StackAction>, ControlError> {
        let Some(key) = label::key(labels) else {
            return Ok(Vec::new());
        };
        let next = self.intern_symbol(Kind::Colon(frame, key));
        Ok(vec![StackAction {
            pop: 1,
            push: Box::new([next]),
        }])
    }

    fn value(&mut self, slot: Slot, labels: &[u32]) -> Result<Vec<StackAction>, ControlError> {
        let object = match labels {
            [label::OPEN_OBJECT] => true,
            [label::OPEN_ARRAY] => false,
            _ => {
                let next =
                    self.finish(slot, |i| labels.binary_search(&(label::TRUTH + i)).is_ok())?;
                return Ok(vec![StackAction {
                    pop: 1,
                    push: Box::new([next]),
                }]);
            }
        };
        let (judge, depth) = match slot {
            Slot::Root(judge) => (judge, 0),
            Slot::Member(frame, key) => (self.judge_of(frame, key)?, self.frame(frame).depth),
            Slot::Element(frame) => (self.judge_of(frame, Key::Element)?, self.frame(frame).depth),
        };
        let depth = match self.options.whitespace {
            Whitespace::Pretty { .. } => depth + 1,
            _ => 0,
        };
        let mut actions = Vec::new();
        for child in self.open(judge, object, depth)? {
            let wait = self.intern_symbol(Kind::Wait(slot));
            let first = self.intern_symbol(Kind::First(child));
            actions.push(StackAction {
                pop: 1,
                push: Box::new([wait, first]),
            });
        }
        Ok(actions)
    }

    /// The closing bracket: takes the frame off and tells the symbol below what held.
    fn close(
        &mut self,
        stack: &mut dyn StackReader,
        frame: FrameId,
    ) -> Result<Vec<StackAction>, ControlError> {
        let Some(truth) = self.truth_at_end(frame) else {
            return Ok(Vec::new());
        };
        let Some(below) = stack.read(1)? else {
            return Ok(Vec::new());
        };
        let Kind::Wait(slot) = self.kind(below) else {
            return Ok(Vec::new());
        };
        let next = self.finish(slot, |i| truth.get(i as usize).copied().unwrap_or(false))?;
        Ok(vec![StackAction {
            pop: 2,
            push: Box::new([next]),
        }])
    }

    /// The symbol after a value of which some extra formulas held.
    fn finish(&mut self, slot: Slot, truth: impl Fn(u32) -> bool) -> Result<Symbol, ControlError> {
        let (frame, key) = match slot {
            Slot::Root(_) => return Ok(self.intern_symbol(Kind::Done)),
            Slot::Member(frame, key) => (frame, key),
            Slot::Element(frame) => (frame, Key::Element),
        };
        let next = match self.move_by(frame, key)? {
            Some(m) => self.finish_move(&m, truth),
            None => frame,
        };
        Ok(self.intern_symbol(Kind::After(next)))
    }
}
