//! Canonical LR(1) states, created on demand.
//!
//! A state is its kernel: items with their lookahead sets, sorted. Its actions and the kernels of
//! its successors are computed when it is first asked for something, a successor's number when it is
//! first entered. Hits read without a lock; misses are made by one thread at a time.

use super::closure::{Closing, Closure};
use super::items::Items;
use super::lookaheads::{Interner, SetId, Sets};
use crate::Outline;
use maskwright_grammar::{NormalGrammar, Sym};
use maskwright_tables::{CancelFlag, LexState, LimitError, Limits, heap};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Items with lookaheads, sorted by item.
pub(super) type Kernel = Arc<[(u32, SetId)]>;

/// The number of a successor that was never entered.
const UNKNOWN: u32 = u32::MAX;

pub(super) const STAGE: &str = "LR states";

#[derive(Debug)]
struct State {
    kernel: Kernel,
    outline: Outline,
    actions: OnceLock<Actions>,
    /// The fresh lexical state of the terminals that may come next.
    lex_start: OnceLock<LexState>,
}

impl State {
    fn new(kernel: Kernel, outline: Outline) -> Self {
        State {
            kernel,
            outline,
            actions: OnceLock::new(),
            lex_start: OnceLock::new(),
        }
    }
}

/// What states with equal items have in common.
#[derive(Debug, Default)]
struct Core {
    closure: OnceLock<Closure>,
    /// The fresh lexical state of the terminals that may come next, if that depends on no lookaheads.
    lex_start: OnceLock<LexState>,
}

/// What a state does.
#[derive(Debug)]
pub(super) struct Actions {
    /// Sorted by symbol, terminals first.
    pub(super) edges: Box<[Edge]>,
    pub(super) reduces: Box<[Reduce]>,
}

impl Actions {
    /// Bytes held, about. Kernels are shared with states, and those that depend on no lookaheads among states.
    fn heap_bytes(&self) -> usize {
        let own = self.edges.iter().filter(|e| e.inherits);
        let own: usize = own.map(|e| 16 + 8 * e.kernel.len()).sum();
        own + heap::list::<Edge>(self.edges.len()) + heap::list::<Reduce>(self.reduces.len())
    }
}

#[derive(Debug)]
pub(super) struct Edge {
    symbol: Sym,
    kernel: Kernel,
    /// Whether lookaheads of the kernel are among those of the state's own kernel.
    inherits: bool,
    target: AtomicU32,
    /// Where the symbol leads once it has been reduced as far as it is a nonterminal by itself, as of
    /// [`Goto::number`].
    settled: AtomicU32,
}

impl Edge {
    pub(super) fn new(symbol: Sym, inherits: bool, kernel: Kernel) -> Self {
        Edge {
            symbol,
            kernel,
            inherits,
            target: AtomicU32::new(UNKNOWN),
            settled: AtomicU32::new(UNKNOWN),
        }
    }
}

/// Where a symbol leads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goto {
    pub(super) target: u32,
    /// Whether that depends on lookaheads of the state that it leads from, and not on its items alone.
    pub(super) inherits: bool,
}

impl Goto {
    /// Marks a number of a state that depends on lookaheads.
    const INHERITS: u32 = 1 << 31;

    fn number(self) -> u32 {
        self.target | if self.inherits { Self::INHERITS } else { 0 }
    }

    fn of(number: u32) -> Self {
        Goto {
            target: number & !Self::INHERITS,
            inherits: number & Self::INHERITS != 0,
        }
    }
}

/// A reduction and the terminals before which it is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reduce {
    pub(super) production: u32,
    pub(super) before: SetId,
}

/// All states of one grammar.
#[derive(Debug)]
pub(super) struct States {
    pub(super) items: Items,
    pub(super) sets: Sets,
    states: boxcar::Vec<State>,
    /// By the numbers of outlines.
    cores: boxcar::Vec<Core>,
    builder: Mutex<Builder>,
    limits: Limits,
    cancel: CancelFlag,
    /// Bytes of the grammar and its items.
    grammar_bytes: usize,
    /// Bytes of what grows, when it was last measured.
    last_bytes: AtomicUsize,
}

#[derive(Debug, Default)]
pub(super) struct Builder {
    pub(super) interner: Interner,
    kernels: FxHashMap<Kernel, u32>,
    /// Kernels without lookaheads.
    outlines: FxHashMap<Box<[u32]>, u32>,
    /// FIRST of nonterminals, where it was asked for.
    pub(super) first: FxHashMap<u32, SetId>,
    /// Bytes held by kernels, closures and actions.
    pub(super) bytes: usize,
}

impl States {
    pub(super) fn new(grammar: NormalGrammar, limits: Limits, cancel: CancelFlag) -> Self {
        let items = Items::new(grammar);
        let states = States {
            grammar_bytes: items.heap_bytes(),
            last_bytes: AtomicUsize::new(0),
            items,
            sets: Sets::default(),
            states: boxcar::Vec::new(),
            cores: boxcar::Vec::new(),
            builder: Mutex::default(),
            limits,
            cancel,
        };
        let mut builder = states.builder();
        let end = builder.interner.set(&states.sets, &[states.items.end()]);
        let kernel: Kernel = states
            .items
            .start()
            .map(|item| (item, end))
            .into_iter()
            .collect();
        let outline = states.outline_of(&mut builder, &kernel);
        states.states.push(State::new(kernel.clone(), outline));
        builder.kernels.insert(kernel, 0);
        drop(builder);
        states
    }

    pub(super) fn grammar(&self) -> &NormalGrammar {
        &self.items.grammar
    }

    pub(super) fn len(&self) -> usize {
        self.states.count()
    }

    /// Bytes held, about. O(1), and never waits for whoever is making a state.
    pub(super) fn heap_bytes(&self) -> usize {
        let grown = heap::behind(&self.builder, &self.last_bytes, |builder| {
            // Kernels are shared between edges and states; each has a header.
            let tables = heap::table::<Kernel, u32>(builder.kernels.len())
                + heap::table::<Box<[u32]>, u32>(builder.outlines.len())
                + heap::table::<u32, SetId>(builder.first.len());
            tables + builder.bytes + builder.interner.size()
        });
        self.grammar_bytes
            + grown
            + heap::pieces::<State>(self.states.count())
            + heap::pieces::<Core>(self.cores.count())
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn cancel(&self) -> &CancelFlag {
        &self.cancel
    }

    /// The builder only ever adds complete entries, so a panic elsewhere leaves it usable.
    fn builder(&self) -> MutexGuard<'_, Builder> {
        self.builder.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The items of a state, without those of its closure.
    pub(super) fn kernel(&self, state: u32) -> &[(u32, SetId)] {
        self.states.get(state as usize).map_or(&[], |s| &s.kernel)
    }

    /// What a state has in common with those that differ from it in lookaheads only.
    #[inline]
    pub(super) fn outline(&self, state: u32) -> Option<Outline> {
        self.states.get(state as usize).map(|s| s.outline)
    }

    /// Whether no item of a state is complete: then what it does, it does before any terminal.
    #[inline]
    pub(super) fn only_shifts(&self, state: u32) -> bool {
        self.outline(state).is_some_and(|o| o.begins_alike)
    }

    fn outline_of(&self, builder: &mut Builder, kernel: &[(u32, SetId)]) -> Outline {
        let items: Box<[u32]> = kernel.iter().map(|k| k.0).collect();
        let begins_alike = items.iter().all(|item| self.items.next(*item).is_some());
        let bytes = heap::list::<u32>(items.len());
        let number = *builder.outlines.entry(items).or_insert_with(|| {
            builder.bytes += bytes;
            self.cores.push(Core::default()) as u32
        });
        Outline {
            number,
            begins_alike,
        }
    }

    /// Where the answer of `lex_start` is remembered; `None` for a number that is no state.
    pub(super) fn lex_start(&self, state: u32) -> Option<&OnceLock<LexState>> {
        let state = self.states.get(state as usize)?;
        Some(match state.outline.begins_alike {
            true => &self.cores[state.outline.number as usize].lex_start,
            false => &state.lex_start,
        })
    }

    /// What a state does; nothing for a number that is no state.
    pub(super) fn actions(&self, state: u32) -> Result<&Actions, LimitError> {
        static NOTHING: OnceLock<Actions> = OnceLock::new();
        let Some(s) = self.states.get(state as usize) else {
            return Ok(NOTHING.get_or_init(|| Actions {
                edges: Box::default(),
                reduces: Box::default(),
            }));
        };
        if let Some(actions) = s.actions.get() {
            return Ok(actions);
        }
        let mut builder = self.builder();
        if s.actions.get().is_none() {
            let actions = self.make_actions(&mut builder, s)?;
            let _ = s.actions.set(actions);
        }
        drop(builder);
        Ok(s.actions.get_or_init(|| Actions {
            edges: Box::default(),
            reduces: Box::default(),
        }))
    }

    fn make_actions(&self, builder: &mut Builder, state: &State) -> Result<Actions, LimitError> {
        let core = &self.cores[state.outline.number as usize];
        let mut closing = Closing::new(self, builder);
        let own;
        let closure = match core.closure.get() {
            Some(known) => {
                closing.pay()?;
                known
            }
            None if state.kernel.len() > Closure::SHARED => {
                own = closing.close(&state.kernel)?;
                &own
            }
            None => {
                let closure = closing.close(&state.kernel)?;
                builder.bytes += closure.heap_bytes();
                core.closure.get_or_init(|| closure)
            }
        };
        let actions = closure.with(&state.kernel, &self.sets, &mut builder.interner);
        builder.bytes += actions.heap_bytes();
        Ok(actions)
    }

    /// The state after `symbol`, if there is one.
    pub(super) fn after(&self, state: u32, symbol: Sym) -> Result<Option<u32>, LimitError> {
        let edges = &self.actions(state)?.edges;
        match edges.binary_search_by_key(&symbol, |e| e.symbol) {
            Ok(i) => self.enter(&edges[i]).map(Some),
            Err(_) => Ok(None),
        }
    }

    /// The state after `symbol`, if there is one; where the symbol can only be a nonterminal by itself, the state
    /// after that.
    pub(super) fn goto(&self, state: u32, symbol: Sym) -> Result<Option<Goto>, LimitError> {
        let edges = &self.actions(state)?.edges;
        let find = |symbol: Sym| {
            let found = edges.binary_search_by_key(&symbol, |e| e.symbol);
            found.ok().map(|i| &edges[i])
        };
        let Some(first) = find(symbol) else {
            return Ok(None);
        };
        let known = first.settled.load(Ordering::Acquire);
        if known != UNKNOWN {
            return Ok(Some(Goto::of(known)));
        }
        let mut edge = first;
        while let Some(nonterminal) = self.alone(&edge.kernel)
            && let Some(next) = find(Sym::Nonterminal(nonterminal))
        {
            edge = next;
        }
        let goto = Goto {
            target: self.enter(edge)?,
            inherits: edge.inherits,
        };
        first.settled.store(goto.number(), Ordering::Release);
        Ok(Some(goto))
    }

    /// The nonterminal to which a state does nothing but reduce, from one symbol.
    fn alone(&self, kernel: &[(u32, SetId)]) -> Option<u32> {
        let &[(item, _)] = kernel else {
            return None;
        };
        let production = match self.items.next(item) {
            Some(_) => return None,
            None => self.items.production(item),
        };
        match self.items.len(production) {
            1 => self.items.lhs(production),
            _ => None,
        }
    }

    fn enter(&self, edge: &Edge) -> Result<u32, LimitError> {
        let known = edge.target.load(Ordering::Acquire);
        if known != UNKNOWN {
            return Ok(known);
        }
        let mut builder = self.builder();
        let target = match builder.kernels.get(&edge.kernel) {
            Some(&found) => found,
            None => {
                let n = self.states.count();
                if n >= self.limits.states.min(Goto::INHERITS as usize - 1) {
                    return Err(LimitError::new(
                        STAGE,
                        n as u64 + 1,
                        self.limits.states as u64,
                    ));
                }
                builder.bytes += 96;
                let outline = self.outline_of(&mut builder, &edge.kernel);
                let made = self.states.push(State::new(edge.kernel.clone(), outline));
                builder.kernels.insert(edge.kernel.clone(), made as u32);
                made as u32
            }
        };
        edge.target.store(target, Ordering::Release);
        Ok(target)
    }

    /// The reductions that a state makes before a terminal.
    pub(super) fn reduces(
        &self,
        state: u32,
        before: u32,
    ) -> Result<impl Iterator<Item = u32> + '_, LimitError> {
        let reduces = self.actions(state)?.reduces.iter();
        Ok(reduces
            .filter(move |r| self.sets.contains(r.before, before))
            .map(|r| r.production))
    }

    /// The terminals on which a state has an action, increasing; the end of text is not among them.
    pub(super) fn allowed(&self, state: u32) -> Result<Vec<u32>, LimitError> {
        let actions = self.actions(state)?;
        let mut allowed = Vec::new();
        for e in &actions.edges {
            if let Sym::Terminal(t) = e.symbol {
                allowed.push(t);
            }
        }
        for r in &actions.reduces {
            allowed.extend(
                self.sets
                    .list(r.before)
                    .into_iter()
                    .filter(|t| *t != self.items.end()),
            );
        }
        allowed.sort_unstable();
        allowed.dedup();
        Ok(allowed)
    }

    /// Creates every state. For each, the state and symbol through which it was first reached.
    pub(super) fn explore(&self) -> Result<Vec<Option<(u32, Sym)>>, LimitError> {
        let mut parents: Vec<Option<(u32, Sym)>> = vec![None];
        let mut order = vec![0u32];
        let mut seen: FxHashSet<u32> = [0].into_iter().collect();
        let mut next = 0;
        while let Some(&state) = order.get(next) {
            next += 1;
            self.cancel.check(STAGE)?;
            for edge in &self.actions(state)?.edges {
                let target = self.enter(edge)?;
                if seen.insert(target) {
                    if parents.len() <= target as usize {
                        parents.resize(target as usize + 1, None);
                    }
                    parents[target as usize] = Some((state, edge.symbol));
                    order.push(target);
                }
            }
        }
        Ok(parents)
    }

    /// The kernel as text, one item a line, with lookaheads.
    pub(super) fn describe(&self, state: u32) -> String {
        let mut text = String::new();
        for &(item, set) in self.kernel(state) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&self.items.describe(item));
            text.push_str("  /");
            for t in self.sets.list(set).into_iter().take(16) {
                text.push(' ');
                text.push_str(self.items.name(Sym::Terminal(t)));
            }
        }
        text
    }
}

/// Something wrong in the tables, for tests to notice.
#[cfg(test)]
#[derive(Debug)]
pub(super) enum Fault {
    /// This edge of a state is missing; it is kept here while it is.
    Dropped(u32, usize, Option<Edge>),
    /// This edge of a state leads elsewhere; the other target is kept here.
    Turned(u32, usize, u32),
    /// This reduction of a state is made before other terminals; the other set is kept here.
    Lookahead(u32, usize, SetId),
}

#[cfg(test)]
impl States {
    /// A fault in a part of the tables that was in use: 0 drops a goto, 1 drops a shift, 2 turns a shift, 3
    /// drops a lookahead of one of the states `tops`.
    pub(super) fn pick_fault(
        &mut self,
        kind: usize,
        tops: &std::collections::BTreeSet<u32>,
        mut below: impl FnMut(usize) -> usize,
    ) -> Option<Fault> {
        let mut faults = Vec::new();
        let states = self.states.count() as u32;
        for state in 0..states {
            let actions = self
                .states
                .get(state as usize)
                .and_then(|s| s.actions.get());
            let Some(actions) = actions else { continue };
            for (i, e) in actions.edges.iter().enumerate() {
                let target = e.target.load(Ordering::Acquire);
                let is_goto = matches!(e.symbol, Sym::Nonterminal(_));
                match kind {
                    _ if target == UNKNOWN => {}
                    0 if is_goto => faults.push(Fault::Dropped(state, i, None)),
                    1 if !is_goto => faults.push(Fault::Dropped(state, i, None)),
                    // Another one would not be what the symbol comes to.
                    2 if !is_goto && states > 1 && self.alone(&e.kernel).is_none() => {
                        faults.push(Fault::Turned(state, i, (target + 1) % states));
                    }
                    _ => {}
                }
            }
            if kind == 3 && tops.contains(&state) {
                for (i, r) in actions.reduces.iter().enumerate() {
                    for t in self.sets.list(r.before) {
                        let mut left = self.sets.list(r.before);
                        left.retain(|u| *u != t);
                        let set = self.builder().interner.set(&self.sets, &left);
                        faults.push(Fault::Lookahead(state, i, set));
                    }
                }
            }
        }
        if faults.is_empty() {
            return None;
        }
        let i = below(faults.len());
        Some(faults.swap_remove(i))
    }

    /// Puts a fault in, or takes it out again.
    pub(super) fn toggle(&mut self, fault: &mut Fault) {
        let (Fault::Dropped(state, ..) | Fault::Turned(state, ..) | Fault::Lookahead(state, ..)) =
            *fault;
        let actions = self.states.get_mut(state as usize);
        let Some(actions) = actions.and_then(|s| s.actions.get_mut()) else {
            return;
        };
        match fault {
            Fault::Dropped(_, i, kept) => {
                let mut edges = std::mem::take(&mut actions.edges).into_vec();
                match kept.take() {
                    Some(edge) => edges.insert(*i, edge),
                    None => *kept = Some(edges.remove(*i)),
                }
                actions.edges = edges.into();
            }
            Fault::Turned(_, i, target) => {
                std::mem::swap(actions.edges[*i].target.get_mut(), target);
            }
            Fault::Lookahead(_, i, set) => std::mem::swap(&mut actions.reduces[*i].before, set),
        }
        // What was found through the edges.
        for edge in &mut actions.edges {
            *edge.settled.get_mut() = UNKNOWN;
        }
    }
}
