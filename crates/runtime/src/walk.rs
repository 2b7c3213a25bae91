//! Threads, and the one function that moves them over bytes, and over tokens that are terminals.
//!
//! Advancing, membership tests, validation and forced text all go through [`Core::run`] (bytes) and
//! [`Core::token`] (its bytes, and the token as a whole), so they cannot disagree. Bytes go both ways that [`maskwright_tables::machine`] names (go on inside the
//! lexeme, end it), and ends a lexeme at once when no byte can extend it: a thread then rests on a
//! fresh lexical state, whatever it read before, and shares its row with all that rest there.
//!
//! Invariants of a [`State`]: its threads are alive, pairwise different and sorted; none of them
//! rests on a final lexical state. [`LexState::DEAD`] marks a thread whose sentence is complete.

use crate::distinct::{Lexeme, Seen, value};
use crate::error::{MatchError, MatchErrorKind};
use crate::exclude::Exclusion;
use crate::record::Record;
use crate::stack::{After, Change, Effect, Stack};
use maskwright_tables::{
    CancelFlag, LabelSet, LexState, LimitError, Machine, Part, StackAction, StackView, TokenId,
    Vocabulary,
};
use smallvec::SmallVec;
use std::sync::Arc;

/// One reading of the output: a lexical state, and the stack before the lexeme being read.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) lex: LexState,
    pub(crate) stack: Stack,
    /// The bytes of the lexeme under way, where it may have to differ from others.
    pub(crate) lexeme: Lexeme,
}

/// What ending a lexeme means where lexemes must differ.
enum Ending {
    /// This is added to what was read before, if anything.
    Adds(Effect),
    /// It was read before: the lexeme may not end here.
    Repeats,
}

impl Ending {
    const PLAIN: Ending = Ending::Adds(Effect {
        seen: None,
        change: Change::None,
    });

    /// `None`: the lexeme may not end here.
    fn effect(self) -> Option<Effect> {
        match self {
            Ending::Adds(effect) => Some(effect),
            Ending::Repeats => None,
        }
    }
}

/// All readings of the output. Copying one is at most one reference count.
#[derive(Clone)]
pub(crate) enum State {
    /// The common case: there is one reading.
    One(Thread),
    /// Two or more readings.
    Many(Arc<[Thread]>),
    /// An end token was taken.
    Ended,
}

impl State {
    pub(crate) fn threads(&self) -> &[Thread] {
        match self {
            State::One(thread) => std::slice::from_ref(thread),
            State::Many(threads) => threads,
            State::Ended => &[],
        }
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        self.threads() == other.threads()
    }
}

/// What forks of a matcher share: the machine, and settings that never change.
pub(crate) struct Core {
    pub(crate) machine: Arc<dyn Machine>,
    pub(crate) vocabulary: Arc<Vocabulary>,
    /// Strictly increasing, all below the vocabulary's width.
    pub(crate) end_tokens: Box<[TokenId]>,
    pub(crate) cancel: Option<CancelFlag>,
    pub(crate) start: State,
    /// Whether the machine has terminals that are tokens.
    pub(crate) reads_tokens: bool,
    /// Whether a row may lack tokens whose bytes can be read.
    pub(crate) asks_rows: bool,
    /// Whether the machine has lexemes that must differ.
    pub(crate) compares: bool,
    pub(crate) max_stacks: usize,
    pub(crate) max_depth: usize,
    pub(crate) max_steps: u64,
}

/// Where a token led.
pub(crate) enum Taken {
    /// To these readings.
    Alive(State),
    /// Nowhere: its bytes have no reading from this one on, nor has the token as a whole.
    Dead { offset: usize },
    /// Nowhere: it spells nothing and is no terminal.
    NotText,
}

/// Where one byte led.
pub(crate) struct Moved {
    /// To these readings.
    pub(crate) threads: Threads,
    /// Whether a reading was refused for its value.
    pub(crate) repeats: bool,
}

/// Where bytes led.
pub(crate) enum Run {
    /// To these readings.
    Alive(State),
    /// Nowhere: this byte has no reading.
    Dead { offset: usize },
}

pub(crate) type Threads = SmallVec<[Thread; 2]>;

impl Core {
    pub(crate) fn check_cancel(&self, stage: &'static str) -> Result<(), MatchError> {
        match &self.cancel {
            Some(flag) => Ok(flag.check(stage)?),
            None => Ok(()),
        }
    }

    pub(crate) fn is_end(&self, token: TokenId) -> bool {
        self.end_tokens.contains(&token)
    }

    /// The thread that rests on `stack` with no lexeme under way.
    pub(crate) fn rest(&self, stack: Stack) -> Result<Thread, MatchError> {
        let lex = self.lex_start(&stack.view())?;
        let lexeme = self.begin(&stack)?;
        Ok(Thread { lex, stack, lexeme })
    }

    /// The lexeme that begins on `stack`.
    #[inline]
    fn begin(&self, stack: &Stack) -> Result<Lexeme, MatchError> {
        match stack.top() {
            Some(top) if self.compares => {
                let tracked = stack.record().is_some() || self.machine.distinct(top)?;
                Ok(Lexeme::new(tracked))
            }
            _ => Ok(Lexeme::default()),
        }
    }

    /// What it means that the lexeme `lexeme` and `more` ends on `stack` with these labels.
    #[inline]
    fn ending(
        &self,
        stack: &Stack,
        (lexeme, more): (&Lexeme, &[u8]),
        labels: LabelSet,
    ) -> Result<Ending, MatchError> {
        let Some(top) = stack.top().filter(|_| lexeme.is_tracked()) else {
            return Ok(Ending::PLAIN);
        };
        let record = stack.record();
        let differs = self.machine.must_differ(top, labels)?;
        let part = self.machine.part(top, labels)?;
        match part {
            Part::Open { object, differs } if differs || record.is_some() => {
                let none = Seen::default();
                let seen = differs.then(|| stack.seen().unwrap_or(&none));
                return Ok(Ending::Adds(Effect {
                    seen: None,
                    change: Change::Open(Record::open(object, record, seen)),
                }));
            }
            Part::Close => {
                let Some(record) = record else {
                    return Ok(Ending::PLAIN);
                };
                let (below, value) = (stack.below(), record.value());
                if record.differs() && below.seen().is_some_and(|seen| seen.contains(&value)) {
                    return Ok(Ending::Repeats);
                }
                return Ok(Ending::Adds(Effect {
                    seen: record.differs().then(|| value.clone()),
                    change: Change::Value(value),
                }));
            }
            Part::Name | Part::Scalar if differs || record.is_some() => {}
            _ if differs => {}
            _ => return Ok(Ending::PLAIN),
        }
        let mut bytes = lexeme.bytes();
        bytes.extend_from_slice(more);
        let value = value(&bytes);
        if differs && stack.seen().is_some_and(|seen| seen.contains(&value)) {
            return Ok(Ending::Repeats);
        }
        Ok(Ending::Adds(Effect {
            seen: differs.then(|| value.clone()),
            change: match part {
                _ if record.is_none() => Change::None,
                Part::Name => Change::Name(value),
                _ => Change::Value(value),
            },
        }))
    }

    /// What the values read before forbid inside the lexeme of a thread, if anything.
    pub(crate) fn exclusion<'a>(&'a self, thread: &'a Thread) -> Option<Exclusion<'a>> {
        let (Some(top), Some(seen)) = (thread.stack.top(), thread.stack.seen()) else {
            return None;
        };
        let lexeme = &thread.lexeme;
        if !lexeme.is_tracked() || thread.lex == LexState::DEAD || lexeme.is_free() {
            return None;
        }
        let exclusion = Exclusion::new(self, top, thread.lex, lexeme, seen);
        if exclusion.is_none() && lexeme.is_text() {
            lexeme.set_free();
        }
        exclusion
    }

    /// Whether a string is under way which any text leaves infinitely many completions: it and the values
    /// that it belongs to can still differ from all others.
    #[inline]
    pub(crate) fn is_boundless(&self, thread: &Thread) -> bool {
        !thread.lexeme.is_empty() && self.machine.lex_is_boundless(thread.lex)
    }

    /// Whether the values under way can still come to differ from those read before.
    fn can_differ(&self, thread: &Thread) -> Result<bool, MatchError> {
        if self.is_boundless(thread) {
            return Ok(true);
        }
        if self.compares && self.needs_walk(thread)? {
            return self.survives(thread);
        }
        // Where a lexeme begins, infinitely many values are offered.
        if thread.lexeme.is_empty() {
            return Ok(true);
        }
        match self.exclusion(thread) {
            Some(exclusion) => exclusion.is_live(),
            None => Ok(true),
        }
    }

    fn lex_start(&self, stack: &dyn StackView) -> Result<LexState, MatchError> {
        match stack.symbol(0) {
            Some(top) => Ok(self.machine.lex_start(top)?),
            None => Ok(LexState::DEAD),
        }
    }

    /// The lexical state when `action` has ended a lexeme and `byte` begins the next one. Most ends
    /// die here, before their stack is built.
    fn lex_after(
        &self,
        stack: &Stack,
        action: &StackAction,
        byte: u8,
    ) -> Result<LexState, MatchError> {
        match self.lex_start(&After::new(stack, action))? {
            LexState::DEAD => Ok(LexState::DEAD),
            fresh => Ok(self.machine.lex_next(fresh, byte)?),
        }
    }

    fn labels(&self, lex: LexState) -> LabelSet {
        if lex == LexState::DEAD {
            LabelSet::NONE
        } else {
            self.machine.lex_accept(lex)
        }
    }

    /// Whether the output is a sentence.
    pub(crate) fn accepts(&self, state: &State) -> Result<bool, MatchError> {
        if matches!(state, State::Ended) {
            return Ok(true);
        }
        for thread in state.threads() {
            let view = thread.stack.view();
            if thread.lex == LexState::DEAD || self.machine.lex_is_fresh(thread.lex) {
                if self.machine.ends(&view)? {
                    return Ok(true);
                }
                continue;
            }
            let labels = self.labels(thread.lex);
            if labels != LabelSet::NONE {
                for action in self.machine.step(&view, labels)? {
                    if self.machine.ends(&After::new(&thread.stack, action))? {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// Moves `state` over a token, which is no end of the output here: over the bytes that it
    /// spells, and over the token as a whole where the machine has such terminals.
    pub(crate) fn token(&self, state: &State, token: TokenId) -> Result<Taken, MatchError> {
        let mut taken = Taken::NotText;
        if self.vocabulary.is_text(token) {
            taken = match self.run(state, self.vocabulary.bytes(token))? {
                Run::Alive(next) => Taken::Alive(next),
                Run::Dead { offset } => Taken::Dead { offset },
            };
        }
        if !self.reads_tokens || token.index() >= self.vocabulary.width() {
            return Ok(taken);
        }
        let mut walk = Walk::new(self);
        if let Taken::Alive(next) = &taken {
            walk.next.extend(next.threads().iter().cloned());
        }
        let by_bytes = walk.next.len();
        walk.whole(state.threads(), token)?;
        if walk.next.len() == by_bytes {
            return Ok(match taken {
                Taken::NotText => Taken::Dead { offset: 0 },
                taken => taken,
            });
        }
        walk.merge()?;
        Ok(Taken::Alive(collect(walk.next)?))
    }

    /// Moves threads over one byte, whether or not values can differ after it.
    pub(crate) fn step(&self, threads: &[Thread], byte: u8) -> Result<Moved, MatchError> {
        let mut walk = Walk::new(self);
        let mut threads = threads.iter().cloned().collect();
        walk.byte(&mut threads, byte)?;
        Ok(Moved {
            threads,
            repeats: walk.repeats,
        })
    }

    /// Moves `state` over `bytes`.
    pub(crate) fn run(&self, state: &State, bytes: &[u8]) -> Result<Run, MatchError> {
        let mut walk = Walk::new(self);
        let mut from = 0;
        let mut threads = match state {
            State::One(thread) => match walk.solo(thread, bytes)? {
                Solo::Alive(thread) if self.can_differ(&thread)? => {
                    return Ok(Run::Alive(State::One(thread)));
                }
                Solo::Alive(_) => {
                    let offset = bytes.len().saturating_sub(1);
                    return Ok(Run::Dead { offset });
                }
                Solo::Dead { offset } => return Ok(Run::Dead { offset }),
                Solo::Split { offset, thread } => {
                    from = offset;
                    Threads::from_iter([thread])
                }
            },
            State::Many(many) => many.iter().cloned().collect(),
            State::Ended => return Err(MatchError::new(MatchErrorKind::Terminated)),
        };
        for (offset, &byte) in bytes.iter().enumerate().skip(from) {
            walk.byte(&mut threads, byte)?;
            if threads.is_empty() {
                return Ok(Run::Dead { offset });
            }
        }
        if self.compares {
            let mut alive = Threads::new();
            for thread in threads {
                if self.can_differ(&thread)? {
                    alive.push(thread);
                }
            }
            threads = alive;
            if threads.is_empty() {
                let offset = bytes.len().saturating_sub(1);
                return Ok(Run::Dead { offset });
            }
        }
        collect(threads).map(Run::Alive)
    }
}

/// The configuration of merged threads.
fn collect(mut threads: Threads) -> Result<State, MatchError> {
    if threads.len() > 1 {
        return Ok(State::Many(threads.into_iter().collect()));
    }
    match threads.pop() {
        Some(thread) => Ok(State::One(thread)),
        None => Err(MatchError::inconsistent("a configuration without threads")),
    }
}

/// Where bytes led while there was only one reading.
enum Solo {
    /// There still is.
    Alive(Thread),
    /// This byte has no reading.
    Dead { offset: usize },
    /// This byte has several; the thread is the one before it.
    Split { offset: usize, thread: Thread },
}

/// One call's walk: the threads after the current byte, and what the call has spent.
struct Walk<'a> {
    core: &'a Core,
    next: Threads,
    steps: u64,
    /// Whether a reading was refused for its value.
    repeats: bool,
}

impl<'a> Walk<'a> {
    fn new(core: &'a Core) -> Self {
        Walk {
            core,
            next: Threads::new(),
            steps: 0,
            repeats: false,
        }
    }

    /// Adds where threads come by reading `token` as a whole.
    fn whole(&mut self, threads: &[Thread], token: TokenId) -> Result<(), MatchError> {
        let core = self.core;
        for thread in threads {
            core.check_cancel("advance")?;
            self.spend()?;
            if thread.lex == LexState::DEAD {
                continue;
            }
            let view = thread.stack.view();
            for action in &*core.machine.token_step(thread.lex, &view, token)? {
                self.spend()?;
                let stack = thread
                    .stack
                    .apply(action, core.max_depth, Effect::default())?;
                self.push(core.rest(stack)?)?;
            }
        }
        Ok(())
    }

    /// Moves one thread for as long as there is only one: as [`Walk::byte`], without the lists.
    fn solo(&mut self, thread: &Thread, bytes: &[u8]) -> Result<Solo, MatchError> {
        let core = self.core;
        let machine = &*core.machine;
        let mut lex = thread.lex;
        // The stack, once it is another one than the thread's.
        let mut moved: Option<Stack> = None;
        // The lexeme is this and the bytes from there on.
        let (mut lexeme, mut begun) = (thread.lexeme.clone(), 0);
        // What ending the lexeme does to this stack. It is asked anew at each byte of a number or
        // a name, with the same labels.
        let mut ends: (LabelSet, &[StackAction]) = (LabelSet::NONE, &[]);
        let mut read = 0;
        while let Some(&byte) = bytes.get(read) {
            core.check_cancel("advance")?;
            self.spend()?;
            // The bytes that are read now are from here to the offset.
            let from = read;
            let mut offset = from;
            if lex == LexState::DEAD {
                return Ok(Solo::Dead { offset });
            }
            let stack = moved.as_ref().unwrap_or(&thread.stack);
            let labels = machine.lex_accept(lex);
            let mut next;
            // The stack after this byte if it is another one, and where its lexeme begins.
            let mut pushed: Option<(Stack, usize)> = None;
            let mut ways;
            if labels == LabelSet::NONE {
                // As long as no lexeme ends there is but one way.
                let (after, len) = match bytes[from..] {
                    [only] => (machine.lex_next(lex, only)?, 1),
                    ref several => machine.lex_run(lex, several)?,
                };
                (next, ways) = (after, usize::from(after != LexState::DEAD));
                offset += len.saturating_sub(1);
                self.steps += (offset - from) as u64;
            } else {
                next = machine.lex_next(lex, byte)?;
                ways = usize::from(next != LexState::DEAD);
                if ends.0 != labels {
                    ends = (labels, machine.step(&stack.view(), labels)?);
                }
                let ending = core.ending(stack, (&lexeme, &bytes[begun..offset]), labels)?;
                let mut after = None;
                if let Some(effect) = ending.effect() {
                    for action in ends.1 {
                        self.spend()?;
                        let reached = core.lex_after(stack, action, byte)?;
                        if reached != LexState::DEAD {
                            ways += 1;
                            (next, after) = (reached, Some(action));
                        }
                    }
                    if let Some(action) = after
                        && ways == 1
                    {
                        pushed = Some((stack.apply(action, core.max_depth, effect)?, offset));
                    }
                }
            }
            if ways == 0 {
                return Ok(Solo::Dead { offset });
            }
            if ways == 1 && machine.lex_is_final(next) {
                let labels = machine.lex_accept(next);
                let (stack, ending) = match &pushed {
                    None => {
                        let read = (&lexeme, &bytes[begun..=offset]);
                        (stack, core.ending(stack, read, labels)?)
                    }
                    Some((stack, _)) => {
                        let fresh = core.begin(stack)?;
                        (stack, core.ending(stack, (&fresh, &[byte]), labels)?)
                    }
                };
                let Some(effect) = ending.effect() else {
                    return Ok(Solo::Dead { offset });
                };
                match machine.step(&stack.view(), labels)? {
                    [] => return Ok(Solo::Dead { offset }),
                    [action] => {
                        self.spend()?;
                        let stack = stack.apply(action, core.max_depth, effect)?;
                        next = core.lex_start(&stack.view())?;
                        pushed = Some((stack, offset + 1));
                    }
                    _ => ways = 2,
                }
            }
            if ways > 1 {
                let stack = moved.unwrap_or_else(|| thread.stack.clone());
                let lexeme = lexeme.with(&bytes[begun..from]);
                return Ok(Solo::Split {
                    offset: from,
                    thread: Thread { lex, stack, lexeme },
                });
            }
            (lex, read) = (next, offset + 1);
            if let Some((stack, from)) = pushed {
                (lexeme, begun) = (core.begin(&stack)?, from);
                moved = Some(stack);
                ends.0 = LabelSet::NONE;
            }
        }
        Ok(Solo::Alive(Thread {
            lex,
            stack: moved.unwrap_or_else(|| thread.stack.clone()),
            lexeme: lexeme.with(&bytes[begun..]),
        }))
    }

    fn byte(&mut self, threads: &mut Threads, byte: u8) -> Result<(), MatchError> {
        let core = self.core;
        core.check_cancel("advance")?;
        for thread in threads.drain(..) {
            self.spend()?;
            if thread.lex == LexState::DEAD {
                continue;
            }
            let labels = core.machine.lex_accept(thread.lex);
            if labels != LabelSet::NONE {
                let ending = core.ending(&thread.stack, (&thread.lexeme, &[]), labels)?;
                let effect = ending.effect();
                let actions = core.machine.step(&thread.stack.view(), labels)?;
                self.repeats |= effect.is_none() && !actions.is_empty();
                for (action, effect) in actions.iter().filter_map(|a| Some((a, effect.clone()?))) {
                    self.spend()?;
                    let lex = core.lex_after(&thread.stack, action, byte)?;
                    if lex != LexState::DEAD {
                        let stack = thread.stack.apply(action, core.max_depth, effect)?;
                        let lexeme = core.begin(&stack)?.with(&[byte]);
                        self.arrive(Thread { lex, stack, lexeme })?;
                    }
                }
            }
            let lex = core.machine.lex_next(thread.lex, byte)?;
            if lex != LexState::DEAD {
                self.arrive(Thread {
                    lex,
                    lexeme: thread.lexeme.with(&[byte]),
                    stack: thread.stack,
                })?;
            }
        }
        self.merge()?;
        std::mem::swap(threads, &mut self.next);
        Ok(())
    }

    /// Adds a thread that has just read a byte; ends its lexeme if nothing can extend it.
    fn arrive(&mut self, thread: Thread) -> Result<(), MatchError> {
        let core = self.core;
        if core.machine.lex_is_final(thread.lex) {
            let labels = core.machine.lex_accept(thread.lex);
            let ending = core.ending(&thread.stack, (&thread.lexeme, &[]), labels)?;
            let Some(effect) = ending.effect() else {
                self.repeats = true;
                return Ok(());
            };
            for action in core.machine.step(&thread.stack.view(), labels)? {
                self.spend()?;
                let stack = thread.stack.apply(action, core.max_depth, effect.clone())?;
                self.push(core.rest(stack)?)?;
            }
            Ok(())
        } else {
            self.push(thread)
        }
    }

    fn push(&mut self, thread: Thread) -> Result<(), MatchError> {
        self.next.push(thread);
        // Equal threads may be many before they are merged; never let them pile up.
        if self.next.len() > self.core.max_stacks.saturating_mul(2) {
            self.merge()
        } else {
            Ok(())
        }
    }

    /// Makes the new threads sorted and pairwise different.
    fn merge(&mut self) -> Result<(), MatchError> {
        if self.next.len() > 1 {
            // Threads with equal keys and different stacks (equal hashes) may keep a copy apart;
            // that costs time, not exactness.
            self.next.sort_unstable_by_key(|t| {
                (t.lex, t.stack.depth(), t.stack.hash(), t.lexeme.hash())
            });
            self.next.dedup();
        }
        let (needed, limit) = (self.next.len(), self.core.max_stacks);
        if needed > limit {
            return Err(LimitError::new("stacks alive", needed as u64, limit as u64).into());
        }
        Ok(())
    }

    fn spend(&mut self) -> Result<(), MatchError> {
        self.steps += 1;
        if self.steps > self.core.max_steps {
            return Err(LimitError::new("advance steps", self.steps, self.core.max_steps).into());
        }
        Ok(())
    }
}
