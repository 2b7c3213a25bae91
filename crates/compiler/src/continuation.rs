//! Rows of machines in which no lexemes are compared: what follows a lexeme, remembered.
//!
//! A row is the tokens inside the lexeme under way, and for each way in which it can end the answer to
//! another question: which of these rests of tokens may the stack read on, no lexeme being under way?
//! That question is the same whatever was read before, and its answer depends on the symbols that were
//! read to find it and on nothing else, so it is remembered by exactly those
//! ([`StackMemo`](crate::memo::StackMemo)). A token
//! that can be cut into lexemes in many ways (`--` and `-` as prefixes: in as many ways as Fibonacci's
//! numbers) then costs its length, not the number of its cuttings; and the many stacks after which an
//! operand may follow share what they know of operands.
//!
//! A lexeme that leaves the stack as it is (a character of a text, an item of a list) can be followed by another
//! one, and so on to the end of a token. What is left after the first of them is not read lexeme by lexeme but as
//! a *run* ([`Control::run_start`](maskwright_automata::Control::run_start)): one lexical state for any number of
//! such lexemes and for what comes then.
//!
//! Contexts often differ in nothing but what may come after them: inside brackets, all that is read up to the
//! closing one is the same. So where a control tells [outlines](Control::outline) of symbols, a stack is read by
//! outlines as far as these are enough, and an answer stands for all stacks that agree so far: see [`View`].
//!
//! Questions inside questions are kept on a stack of their own, at most one for each byte of a token.

use crate::concurrent::pair;
use crate::lazy::{LazyMachine, Step, run_error};
use crate::lexical_rows::{LexicalRows, TrieId};
use crate::memo::{Overlay, Reads};
use crate::sets::{SetId, Sets};
use maskwright_automata::Control;
use maskwright_tables::{LabelSet, LexState, LimitError, Machine, RunError, StackView, Symbol};
use smallvec::{SmallVec, smallvec};
use std::cell::RefCell;
use std::sync::atomic::Ordering;

/// A question that is being answered.
struct Frame {
    /// The stack, over that of the row.
    overlay: Overlay,
    /// What is left of the tokens.
    rests: Rests,
    /// The number of the question; `None` inside a lexeme.
    key: Option<u32>,
    /// The answer so far.
    parts: SmallVec<[SetId; 16]>,
    /// Questions that are part of this one and not asked yet.
    open: Vec<Child>,
    /// Where this stack was read.
    reads: RefCell<Reads>,
    by: By,
}

struct Child {
    overlay: Overlay,
    rests: Rests,
    by: By,
}

/// What an action did to the stack of a question to make that of a part of it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct By {
    /// How many symbols it took off.
    popped: usize,
    /// How many it put on.
    pushed: usize,
    /// Whether these depend on the whole of the symbol that they were put on.
    inherits: bool,
}

/// Rests of tokens that are read on from the same stack.
type Rests = SmallVec<[TrieId; 4]>;

/// Lexemes that leave a stack as it is, such as the characters of a text. What follows the first of them can
/// be another one, and so on to the end of a token, so what is left after the first ones is read as a *run*:
/// any number of them, and what comes then.
#[derive(Default)]
struct Run {
    /// The labels of these lexemes.
    labels: SmallVec<[u32; 4]>,
    /// What is left of tokens after one of them.
    rests: Rests,
    /// Whether there is one more of either than when it was last read.
    grew: bool,
}

impl Run {
    /// Adds a lexeme with these labels, of which there is one, and what is left after it.
    fn add(&mut self, labels: &[u32], rest: TrieId) {
        let new = labels.iter().filter(|l| !self.labels.contains(l));
        let new: SmallVec<[u32; 4]> = new.copied().collect();
        self.labels.extend(new);
        self.rests.push(rest);
        self.grew = true;
    }
}

/// A stack that notes where it is read, from its own top.
///
/// As a stack of its own it has, if the control tells outlines, two symbols for each: the outline, and the
/// symbol itself. Notes count these, and what is remembered is found by them.
struct View<'a> {
    overlay: &'a Overlay,
    base: &'a dyn StackView,
    reads: &'a RefCell<Reads>,
    /// If it tells outlines.
    control: Option<&'a dyn Control>,
}

impl StackView for View<'_> {
    #[inline]
    fn symbol(&self, depth: usize) -> Option<Symbol> {
        self.reads.borrow_mut().note(depth);
        let Some(control) = self.control else {
            return self.at(depth);
        };
        let symbol = self.at(depth / 2)?;
        match depth % 2 {
            0 => control.outline(symbol).map(|o| Symbol(o.number)),
            _ => Some(symbol),
        }
    }

    fn went_below(&self) -> bool {
        self.base.went_below()
    }
}

/// The same without notes, and with one symbol for each.
struct Unnoted<'a, 'b>(&'b View<'a>);

impl StackView for Unnoted<'_, '_> {
    #[inline]
    fn symbol(&self, depth: usize) -> Option<Symbol> {
        self.0.at(depth)
    }

    fn went_below(&self) -> bool {
        self.0.went_below()
    }
}

impl View<'_> {
    /// The symbol at a depth, unnoted.
    #[inline]
    fn at(&self, depth: usize) -> Option<Symbol> {
        let own = self.overlay.pushed.len();
        match own.checked_sub(depth + 1) {
            Some(i) => Some(self.overlay.pushed[i]),
            None => self.base.symbol(self.overlay.popped + depth - own),
        }
    }

    /// Notes that a symbol was read, or its outline.
    #[inline]
    fn note(&self, depth: usize, whole: bool) {
        let place = match self.control {
            Some(_) => Step::place(depth, whole),
            None => depth,
        };
        self.reads.borrow_mut().note(place);
    }

    /// The symbol at a depth, noted as read.
    #[inline]
    fn whole(&self, depth: usize) -> Option<Symbol> {
        self.note(depth, true);
        self.at(depth)
    }
}

/// Counts down what one row may cost.
struct Steps {
    left: u64,
    limit: u64,
    /// Lists for open questions that were done with, to be used again.
    spare: Vec<Vec<Child>>,
}

impl Steps {
    fn spend(&mut self) -> Result<(), LimitError> {
        self.left = self.left.checked_sub(1).ok_or(LimitError::new(
            "steps of a row",
            self.limit.saturating_add(1),
            self.limit,
        ))?;
        Ok(())
    }
}

impl LazyMachine {
    /// The tokens that keep `(state, stack)` alive, and where the stack was read.
    pub(crate) fn continue_row(
        &self,
        state: LexState,
        stack: &dyn StackView,
    ) -> Result<(SetId, Reads), RunError> {
        let limit = self.limits().steps;
        let mut steps = Steps {
            left: limit,
            limit,
            spare: Vec::new(),
        };
        let first = Frame {
            overlay: Overlay::new(),
            rests: smallvec![LexicalRows::VOCABULARY],
            key: None,
            parts: SmallVec::new(),
            open: Vec::new(),
            reads: RefCell::default(),
            by: By::default(),
        };
        let view = self.view(&first, stack);
        // Between lexemes, a row is such a question itself.
        let start = match self.lex_is_fresh(state) {
            true => self.begin_on(&view)?,
            false => LexState::DEAD,
        };
        let key = (start == state).then(|| self.question(&first.rests));
        if let Some(key) = key
            && let Some(known) = self.continuations.get(key, &view)
        {
            return Ok((SetId(known), self.symbols_read(first.reads.into_inner())));
        }
        let mut frames = vec![Frame { key, ..first }];
        self.expand(&mut frames[0], state, stack, &mut steps)?;
        loop {
            let Some(frame) = frames.last_mut() else {
                return Err(RunError::UnknownSymbol);
            };
            if let Some(child) = frame.open.pop() {
                steps.spend()?;
                if let Some(next) = self.ask(frame, child, stack, &mut steps)? {
                    frames.push(next);
                }
                continue;
            }
            let Some(mut frame) = frames.pop() else {
                return Err(RunError::UnknownSymbol);
            };
            steps.spare.push(std::mem::take(&mut frame.open));
            let set = self.shared().sets.union(&frame.parts);
            if stack.went_below() {
                return Err(RunError::UnknownSymbol);
            }
            if let Some(key) = frame.key {
                // To look for its place reads the stack, too.
                let reads = frame.reads.take();
                self.continuations
                    .insert(key, &self.view(&frame, stack), &reads, set.0);
                frame.reads.replace(reads);
            }
            let reads = frame.reads.into_inner();
            match frames.last_mut() {
                Some(asker) => {
                    asker.parts.push(set);
                    self.read_below(asker, &reads, frame.by);
                }
                None => return Ok((set, self.symbols_read(reads))),
            }
        }
    }

    /// The number of a question.
    fn question(&self, rests: &Rests) -> u32 {
        if let [only] = rests[..] {
            return only.0 << 1;
        }
        let node = rests.iter().fold(0, |node, rest| {
            let key = pair(node, rest.0);
            let new = || u64::from(self.asked.fetch_add(1, Ordering::Relaxed)) + 1;
            let known = self.questions.get(key);
            known.unwrap_or_else(|| self.questions.put(key, new())) as u32
        });
        node << 1 | 1
    }

    /// Reads the rests of a question from a lexical state on.
    fn expand(
        &self,
        frame: &mut Frame,
        state: LexState,
        stack: &dyn StackView,
        steps: &mut Steps,
    ) -> Result<(), RunError> {
        let mut run = Run::default();
        let rests = frame.rests.clone();
        self.read_on(frame, (state, &rests), stack, &mut run, steps)?;
        while std::mem::take(&mut run.grew) {
            let state = match self.view(frame, stack).whole(0) {
                Some(top) => self.control().run_start(top, &run.labels),
                None => Ok(LexState::DEAD),
            };
            let state = state.map_err(run_error)?;
            let rests = run.rests.clone();
            // What is found on the way holds, even if what it takes to know the whole run is too much.
            let is_read = state != LexState::DEAD
                && match self.read_on(frame, (state, &rests), stack, &mut run, steps) {
                    Err(RunError::Limit(_)) if steps.left > 0 => false,
                    read => read.map(|()| true)?,
                };
            if !is_read {
                frame.open.push(Child {
                    overlay: frame.overlay.clone(),
                    rests,
                    by: By::default(),
                });
                break;
            }
        }
        Ok(())
    }

    /// Reads rests from a lexical state on: that of the stack, or that of a run on it.
    fn read_on(
        &self,
        frame: &mut Frame,
        (state, rests): (LexState, &Rests),
        stack: &dyn StackView,
        run: &mut Run,
        steps: &mut Steps,
    ) -> Result<(), RunError> {
        let shared = self.shared();
        let view = View {
            overlay: &frame.overlay,
            base: stack,
            reads: &frame.reads,
            control: self.tells_outlines.then(|| self.control()),
        };
        let between = frame.key.is_some();
        let mut known: SmallVec<[(LabelSet, &Step); 8]> = SmallVec::new();
        for &part in self.parts(state)? {
            for &trie in rests {
                steps.spend()?;
                let row = shared.row(part, trie, self.apart)?;
                if row.inside != Sets::EMPTY {
                    frame.parts.push(row.inside);
                }
                for &(labels, rest) in shared.exits(row, self.apart)? {
                    let step = match known.iter().rev().find(|k| k.0 == labels) {
                        Some(known) => known.1,
                        None => {
                            let step = self.step_on(&view, labels)?;
                            known.push((labels, step));
                            step
                        }
                    };
                    let actions = &step.actions;
                    let inherits = step.inherits();
                    let here = shared.here(rest);
                    if here != Sets::EMPTY && !actions.is_empty() {
                        frame.parts.push(here);
                    }
                    if shared.firsts(rest) == 0 {
                        continue;
                    }
                    for action in actions {
                        steps.spend()?;
                        let by = By {
                            popped: action.pop as usize,
                            pushed: action.push.len(),
                            inherits,
                        };
                        let pop = by.popped;
                        let may_stay = between && pop == by.pushed;
                        if may_stay && inherits {
                            view.note(pop, true);
                        }
                        let stays = may_stay
                            && (0..pop).all(|i| view.whole(i) == Some(action.push[pop - 1 - i]));
                        if stays {
                            // What the stack as it is reads of fewer rests is part of the answer anyway.
                            let mut read = frame.rests.iter().chain(&run.rests);
                            if read.any(|r| shared.is_within(rest, *r)) {
                                continue;
                            }
                            if actions.len() == 1 && self.apart && pop > 0 {
                                run.add(shared.lexicon.labels(labels), rest);
                                continue;
                            }
                        }
                        let mut overlay = frame.overlay.clone();
                        overlay.apply(action);
                        // What is read on from the same stack is one question.
                        let mut open = frame.open.iter_mut().rev();
                        match open.find(|c| c.by == by && c.overlay == overlay) {
                            Some(child) => child.rests.push(rest),
                            None => frame.open.push(Child {
                                overlay,
                                rests: smallvec![rest],
                                by,
                            }),
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Answers a question from memory, or begins to.
    fn ask(
        &self,
        asker: &mut Frame,
        mut child: Child,
        stack: &dyn StackView,
        steps: &mut Steps,
    ) -> Result<Option<Frame>, RunError> {
        let mut frame = Frame {
            overlay: child.overlay,
            rests: Rests::new(),
            key: None,
            parts: SmallVec::new(),
            open: Vec::new(),
            reads: RefCell::default(),
            by: child.by,
        };
        let start = self.begin_on(&self.view(&frame, stack))?;
        if start != LexState::DEAD {
            child.rests.sort_unstable();
            child.rests.dedup();
            for &rest in &child.rests {
                if self.shared().meets(start, rest)? {
                    frame.rests.push(rest);
                }
            }
        }
        let mut known = Some(Sets::EMPTY.0);
        if !frame.rests.is_empty() {
            let key = self.question(&frame.rests);
            known = self.continuations.get(key, &self.view(&frame, stack));
            frame.key = Some(key);
        }
        if let Some(known) = known {
            asker.parts.push(SetId(known));
            self.read_below(asker, &frame.reads.borrow(), child.by);
            return Ok(None);
        }
        frame.open = steps.spare.pop().unwrap_or_default();
        self.expand(&mut frame, start, stack, steps)?;
        Ok(Some(frame))
    }

    /// The stack of a question.
    fn view<'a>(&'a self, frame: &'a Frame, base: &'a dyn StackView) -> View<'a> {
        View {
            overlay: &frame.overlay,
            base,
            reads: &frame.reads,
            control: self.tells_outlines.then(|| self.control()),
        }
    }

    /// Where the next lexeme begins on a stack.
    fn begin_on(&self, view: &View<'_>) -> Result<LexState, RunError> {
        let Some(top) = view.at(0) else {
            view.note(0, true);
            return Ok(LexState::DEAD);
        };
        let outline = view.control.and_then(|control| control.outline(top));
        view.note(0, outline.is_none_or(|o| !o.begins_alike));
        Ok(self.begin(top)?.0)
    }

    /// What lexemes with these labels do to a stack.
    fn step_on(&self, view: &View<'_>, labels: LabelSet) -> Result<&Step, RunError> {
        if view.control.is_none() {
            return self.known_step(view, labels);
        }
        let step = self.known_step(&Unnoted(view), labels)?;
        let mut reads = view.reads.borrow_mut();
        step.reads().for_each(|place| reads.note(place));
        Ok(step)
    }

    /// The depths of which a symbol or its outline was read.
    fn symbols_read(&self, reads: Reads) -> Reads {
        if !self.tells_outlines {
            return reads;
        }
        let mut symbols = Reads::default();
        reads.depths().for_each(|place| symbols.note(place / 2));
        symbols
    }

    /// Notes what was read of the stack of a question through one that an action made of it.
    fn read_below(&self, asker: &mut Frame, reads: &Reads, by: By) {
        let own = asker.reads.get_mut();
        let each = match self.tells_outlines {
            true => 2,
            false => 1,
        };
        for place in reads.depths() {
            match place.checked_sub(each * by.pushed) {
                Some(below) => own.note(below + each * by.popped),
                // The whole of a symbol that was put on.
                None if by.inherits && place % each == 1 => own.note(each * by.popped + 1),
                None => {}
            }
        }
    }
}
