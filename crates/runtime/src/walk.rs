//! Threads, and the one function that moves them over bytes, and over tokens that are terminals.
//!
//! Advancing, membership tests, validation and forced text all go through [`Core::run`] (bytes) and
//! [`Core::token`] (its bytes, and the token as a whole), so they cannot disagree. Bytes go both ways that [`maskwright_tables::machine`] names (go on inside the
//! lexeme, end it), and ends a lexeme at once when no byte can extend it: a thread then rests on a
//! fresh lexical state, whatever it read before, and shares its row with all that rest there.
//!
//! A thread's stack is one stack or a set of stacks with the same top ([`crate::stack`]): after each
//! byte, threads that differ in the depths of their stacks only become one, so that there are at most
//! as many as lexical states times stack symbols, however ambiguous the grammar is. A machine then
//! reads one path after the other; where a stack is one stack (always, for a deterministic grammar)
//! there is one.
//!
//! Invariants of a [`State`]: its threads are alive, pairwise different and sorted; none of them
//! rests on a final lexical state. [`LexState::DEAD`] marks a thread whose sentence is complete.

use crate::distinct::{Lexeme, Value, value};
use crate::error::{MatchError, MatchErrorKind};
use crate::exclude::Exclusion;
use crate::stack::{After, Merger, Stack};
use maskwright_tables::{
    CancelFlag, LabelSet, LexState, LimitError, Machine, StackAction, StackView, TokenId,
    Vocabulary,
};
use smallvec::SmallVec;
use std::sync::Arc;

/// One reading of the output: a lexical state, and the stack before the lexeme being read; or all
/// readings that agree in the lexical state and the top of the stack.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) lex: LexState,
    pub(crate) stack: Stack,
    /// The bytes of the lexeme under way, where it may have to differ from others.
    pub(crate) lexeme: Lexeme,
}

/// What ending a lexeme means where lexemes must differ.
enum Ending {
    /// Nothing.
    Plain,
    /// This value joins those read before.
    Adds(Value),
    /// It was read before: the lexeme may not end here.
    Repeats,
}

impl Ending {
    fn value(self) -> Option<Value> {
        match self {
            Ending::Adds(value) => Some(value),
            Ending::Plain | Ending::Repeats => None,
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

/// Where bytes led.
pub(crate) enum Run {
    /// To these readings.
    Alive(State),
    /// Nowhere: this byte has no reading.
    Dead { offset: usize },
}

type Threads = SmallVec<[Thread; 2]>;

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
            Some(top) if self.compares => Ok(Lexeme::new(self.machine.distinct(top)?)),
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
        match stack.top() {
            Some(top) if lexeme.is_tracked() && self.machine.must_differ(top, labels)? => {
                let mut bytes = lexeme.bytes();
                bytes.extend_from_slice(more);
                let value = value(&bytes);
                let repeats = stack.seen().is_some_and(|seen| seen.contains(&value));
                Ok(if repeats {
                    Ending::Repeats
                } else {
                    Ending::Adds(value)
                })
            }
            _ => Ok(Ending::Plain),
        }
    }

    /// What the values read before forbid inside the lexeme of a thread, if anything.
    pub(crate) fn exclusion<'a>(&'a self, thread: &'a Thread) -> Option<Exclusion<'a>> {
        let (Some(top), Some(seen)) = (thread.stack.top(), thread.stack.seen()) else {
            return None;
        };
        if !thread.lexeme.is_tracked() || thread.lex == LexState::DEAD {
            return None;
        }
        Exclusion::new(self, top, thread.lex, &thread.lexeme, seen)
    }

    /// Whether the lexeme under way can still come to differ from the values read before.
    fn can_differ(&self, thread: &Thread) -> Result<bool, MatchError> {
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
            if thread.lex == LexState::DEAD || self.machine.lex_is_fresh(thread.lex) {
                if self.ends(&thread.stack)? {
                    return Ok(true);
                }
                continue;
            }
            let labels = self.labels(thread.lex);
            if labels == LabelSet::NONE {
                continue;
            }
            let mut path = thread.stack.paths();
            loop {
                for action in self.machine.step(&path, labels)? {
                    for stack in path.apply(action, self.max_depth, None)? {
                        if self.ends(&stack)? {
                            return Ok(true);
                        }
                    }
                }
                if !path.advance() {
                    break;
                }
            }
        }
        Ok(false)
    }

    /// Whether the input may end on a stack with no lexeme under way.
    pub(crate) fn ends(&self, stack: &Stack) -> Result<bool, MatchError> {
        let mut path = stack.paths();
        loop {
            if self.machine.ends(&path)? {
                return Ok(true);
            }
            if !path.advance() {
                return Ok(false);
            }
        }
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

    /// Moves `state` over `bytes`.
    pub(crate) fn run(&self, state: &State, bytes: &[u8]) -> Result<Run, MatchError> {
        let mut walk = Walk::new(self);
        let mut from = 0;
        let mut threads = match state {
            State::One(thread) if thread.stack.is_linear() => match walk.solo(thread, bytes)? {
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
            State::One(_) | State::Many(_) => state.threads().iter().cloned().collect(),
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
}

impl<'a> Walk<'a> {
    fn new(core: &'a Core) -> Self {
        Walk {
            core,
            next: Threads::new(),
            steps: 0,
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
            let mut path = thread.stack.paths();
            loop {
                for action in &*core.machine.token_step(thread.lex, &path, token)? {
                    self.spend()?;
                    for stack in path.apply(action, core.max_depth, None)? {
                        self.push(core.rest(stack)?)?;
                    }
                }
                if !path.advance() {
                    break;
                }
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
        for (offset, &byte) in bytes.iter().enumerate() {
            core.check_cancel("advance")?;
            self.spend()?;
            if lex == LexState::DEAD {
                return Ok(Solo::Dead { offset });
            }
            let stack = moved.as_ref().unwrap_or(&thread.stack);
            let mut next = machine.lex_next(lex, byte)?;
            let mut ways = usize::from(next != LexState::DEAD);
            // The stack after this byte if it is another one, and where its lexeme begins.
            let mut pushed: Option<(Stack, usize)> = None;
            let labels = machine.lex_accept(lex);
            if labels != LabelSet::NONE {
                if ends.0 != labels {
                    ends = (labels, machine.step(&stack.view(), labels)?);
                }
                let ending = core.ending(stack, (&lexeme, &bytes[begun..offset]), labels)?;
                let mut after = None;
                if !matches!(ending, Ending::Repeats) {
                    for action in ends.1 {
                        self.spend()?;
                        let reached = core.lex_after(stack, action, byte)?;
                        if reached != LexState::DEAD {
                            ways += 1;
                            (next, after) = (reached, Some(action));
                        }
                    }
                }
                if let Some(action) = after
                    && ways == 1
                {
                    pushed = Some((stack.apply(action, core.max_depth, ending.value())?, offset));
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
                match machine.step(&stack.view(), labels)? {
                    [] => return Ok(Solo::Dead { offset }),
                    _ if matches!(ending, Ending::Repeats) => return Ok(Solo::Dead { offset }),
                    [action] => {
                        self.spend()?;
                        let stack = stack.apply(action, core.max_depth, ending.value())?;
                        next = core.lex_start(&stack.view())?;
                        pushed = Some((stack, offset + 1));
                    }
                    _ => ways = 2,
                }
            }
            if ways > 1 {
                let stack = moved.unwrap_or_else(|| thread.stack.clone());
                let lexeme = lexeme.with(&bytes[begun..offset]);
                return Ok(Solo::Split {
                    offset,
                    thread: Thread { lex, stack, lexeme },
                });
            }
            lex = next;
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
                if matches!(ending, Ending::Repeats) {
                } else if thread.stack.is_linear() {
                    let value = ending.value();
                    for action in core.machine.step(&thread.stack.view(), labels)? {
                        self.spend()?;
                        let lex = core.lex_after(&thread.stack, action, byte)?;
                        if lex != LexState::DEAD {
                            let stack =
                                thread.stack.apply(action, core.max_depth, value.clone())?;
                            let lexeme = core.begin(&stack)?.with(&[byte]);
                            self.arrive(Thread { lex, stack, lexeme })?;
                        }
                    }
                } else {
                    self.end_each(&thread.stack, labels, ending.value(), |walk, stack| {
                        let fresh = core.lex_start(&stack.view())?;
                        if fresh == LexState::DEAD {
                            return Ok(());
                        }
                        let lex = core.machine.lex_next(fresh, byte)?;
                        if lex == LexState::DEAD {
                            return Ok(());
                        }
                        let lexeme = core.begin(&stack)?.with(&[byte]);
                        walk.arrive(Thread { lex, stack, lexeme })
                    })?;
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
            if matches!(ending, Ending::Repeats) {
                return Ok(());
            }
            self.end_each(&thread.stack, labels, ending.value(), |walk, stack| {
                let thread = core.rest(stack)?;
                walk.push(thread)
            })
        } else {
            self.push(thread)
        }
    }

    /// Ends a lexeme on each of the stacks, and calls `then` with what each becomes.
    fn end_each(
        &mut self,
        stacks: &Stack,
        labels: LabelSet,
        value: Option<Value>,
        mut then: impl FnMut(&mut Self, Stack) -> Result<(), MatchError>,
    ) -> Result<(), MatchError> {
        let core = self.core;
        let mut path = stacks.paths();
        loop {
            for action in core.machine.step(&path, labels)? {
                self.spend()?;
                for stack in path.apply(action, core.max_depth, value.clone())? {
                    then(self, stack)?;
                }
            }
            if !path.advance() {
                return Ok(());
            }
            self.spend()?;
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

    /// Makes the new threads sorted and pairwise different, those one that differ below the tops of
    /// their stacks only.
    fn merge(&mut self) -> Result<(), MatchError> {
        if self.next.len() > 1 {
            self.next.sort_unstable_by_key(|t| {
                let key = (t.lex, t.stack.top(), t.lexeme.hash());
                (key, t.stack.depth(), t.stack.hash())
            });
            self.next.dedup();
        }
        if self.next.len() > 1 {
            let mut merger = Merger::default();
            let mut merged = Threads::new();
            for thread in self.next.drain(..) {
                if let Some(last) = merged.last_mut()
                    && last.lex == thread.lex
                    && last.lexeme == thread.lexeme
                    && let Some(both) = merger.union(&last.stack, &thread.stack)
                {
                    last.stack = both;
                } else {
                    merged.push(thread);
                }
            }
            self.next = merged;
            self.spend_more(merger.made)?;
        }
        let (needed, limit) = (self.next.len(), self.core.max_stacks);
        if needed > limit {
            return Err(LimitError::new("stacks alive", needed as u64, limit as u64).into());
        }
        Ok(())
    }

    fn spend(&mut self) -> Result<(), MatchError> {
        self.spend_more(1)
    }

    fn spend_more(&mut self, steps: u64) -> Result<(), MatchError> {
        self.steps += steps;
        if self.steps > self.core.max_steps {
            return Err(LimitError::new("advance steps", self.steps, self.core.max_steps).into());
        }
        Ok(())
    }
}
