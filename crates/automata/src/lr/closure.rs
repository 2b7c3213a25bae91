//! What a state does, as far as its items tell: its closure without lookaheads.
//!
//! States with equal items differ in the lookaheads of these only, and most of what a state does is the same
//! in all of them: which nonterminals begin there, which symbols lead on, and to which items. So that is found
//! once for all of them ([`Closure`]), with where each lookahead comes from. A state then only puts in its own.
//!
//! # Invariants
//!
//! - An item of the closure has its dot at the beginning, so a nonterminal and its lookaheads ([`Before`]) stand
//!   for one item per production.
//! - The lookaheads of an item are the least ones that closure asks for (Knuth 1965): FIRST of what
//!   follows the nonterminal before which it stands, or, where nothing follows, those of the item that has the
//!   nonterminal behind its dot. Both ways only unite sets, so those that come from the kernel can be put in last.
//!   They are never empty: each has some of its own, or inherits those of an item.
//! - A kernel of more than [`Closure::SHARED`] items has a closure for each state: to keep from which of 3,000 items each of
//!   3,000 nonterminals inherits would be quadratic. The lookaheads of its items are then their own.

use super::lookaheads::{Interner, SetId, Sets};
use super::states::{Actions, Builder, Edge, Kernel, Reduce, STAGE, States};
use maskwright_grammar::Sym;
use maskwright_tables::{LimitError, heap};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

/// Where lookaheads come from.
#[derive(Clone, Copy, Debug, Default)]
struct Before {
    /// Those that are known: the same for all states with these items.
    own: Option<SetId>,
    /// The items of the kernel whose lookaheads they have, a bit each; of a closure that is not shared the lowest bit
    /// alone, if there is any.
    inherited: u64,
}

/// A symbol that leads on, and the items it leads to.
#[derive(Debug)]
struct Transition {
    symbol: Sym,
    /// Items, and which of the lookaheads of the closure they have.
    items: Box<[(u32, u32)]>,
    /// The kernel that it leads to, where none of these come from the kernel.
    kernel: Option<Kernel>,
}

/// See the module documentation.
#[derive(Debug)]
pub(super) struct Closure {
    /// Whether it is that of all states with these items.
    shared: bool,
    /// Those of the items of the kernel, and then those of nonterminals.
    before: Box<[Before]>,
    /// By symbol, terminals first.
    transitions: Box<[Transition]>,
    /// Productions, and which item of the kernel they complete.
    reduces: Box<[(u32, u32)]>,
}

/// Makes closures.
pub(super) struct Closing<'a> {
    states: &'a States,
    builder: &'a mut Builder,
    steps: u64,
}

impl<'a> Closing<'a> {
    pub(super) fn new(states: &'a States, builder: &'a mut Builder) -> Self {
        Closing {
            states,
            builder,
            steps: 0,
        }
    }

    /// The closure of some items, for all states with these if there are few.
    pub(super) fn close(&mut self, kernel: &[(u32, SetId)]) -> Result<Closure, LimitError> {
        let items = &self.states.items;
        let mut before: FxHashMap<u32, Before> = FxHashMap::default();
        let mut queue: Vec<u32> = Vec::new();
        let mut queued: FxHashMap<u32, bool> = FxHashMap::default();
        let mut pending: Vec<(u32, Before)> = Vec::new();
        let shared = kernel.len() <= Closure::SHARED;
        let own = |item: usize| Before {
            own: (!shared).then(|| kernel[item].1),
            inherited: if shared { 1 << item } else { 1 },
        };
        for (i, &(item, _)) in kernel.iter().enumerate() {
            if let Some(Sym::Nonterminal(n)) = items.next(item) {
                pending.push((n, self.follow(item, &own(i))?));
            }
        }
        loop {
            for (n, more) in pending.drain(..) {
                let grew = self.add(before.entry(n).or_default(), &more);
                if grew && !queued.insert(n, true).unwrap_or(false) {
                    queue.push(n);
                }
            }
            let Some(n) = queue.pop() else { break };
            queued.insert(n, false);
            let known = before[&n];
            for p in items.grammar.productions_of(n) {
                self.pay()?;
                let item = items.first(p as u32);
                if let Some(Sym::Nonterminal(m)) = items.next(item) {
                    pending.push((m, self.follow(item, &known)?));
                }
            }
        }
        let mut all: Vec<Before> = (0..kernel.len()).map(own).collect();
        let mut moves: Vec<(Sym, u32, u32)> = Vec::new();
        let mut reduces = Vec::new();
        for (i, &(item, _)) in kernel.iter().enumerate() {
            match items.next(item) {
                Some(symbol) => moves.push((symbol, item + 1, i as u32)),
                None => reduces.push((items.production(item), i as u32)),
            }
        }
        for (n, before) in before {
            let at = all.len() as u32;
            all.push(before);
            for p in items.grammar.productions_of(n) {
                let item = items.first(p as u32);
                // No production is empty.
                if let Some(symbol) = items.next(item) {
                    moves.push((symbol, item + 1, at));
                }
            }
        }
        moves.sort_unstable();
        let transitions = moves.chunk_by(|a, b| a.0 == b.0).map(|group| {
            let fixed = group.iter().map(|&(_, item, at)| {
                let before = &all[at as usize];
                let own = before.own.filter(|_| before.inherited == 0);
                own.map(|own| (item, own))
            });
            Transition {
                symbol: group[0].0,
                kernel: fixed.collect(),
                items: group.iter().map(|m| (m.1, m.2)).collect(),
            }
        });
        Ok(Closure {
            shared,
            transitions: transitions.collect(),
            before: all.into(),
            reduces: reduces.into(),
        })
    }

    /// Adds lookaheads to others; whether they are new.
    fn add(&mut self, known: &mut Before, more: &Before) -> bool {
        let own = match (known.own, more.own) {
            (Some(a), Some(b)) => Some(self.builder.interner.union(&self.states.sets, a, b)),
            (a, b) => a.or(b),
        };
        let all = Before {
            own,
            inherited: known.inherited | more.inherited,
        };
        let grew = all.own != known.own || all.inherited != known.inherited;
        *known = all;
        grew
    }

    /// What may come after the nonterminal behind the dot of an item with these lookaheads: FIRST of the symbol
    /// after it, or the item's own when there is none (no symbol derives the empty text).
    fn follow(&mut self, item: u32, before: &Before) -> Result<Before, LimitError> {
        let own = match self.states.items.next(item + 1) {
            None => return Ok(*before),
            Some(Sym::Terminal(t)) => self.builder.interner.set(&self.states.sets, &[t]),
            Some(Sym::Nonterminal(n)) => self.first(n)?,
        };
        Ok(Before {
            own: Some(own),
            inherited: 0,
        })
    }

    /// The terminals with which the texts of a nonterminal begin.
    fn first(&mut self, root: u32) -> Result<SetId, LimitError> {
        if let Some(&set) = self.builder.first.get(&root) {
            return Ok(set);
        }
        let grammar = self.states.grammar();
        let mut seen: FxHashSet<u32> = [root].into_iter().collect();
        let mut stack = vec![root];
        let mut terminals = Vec::new();
        while let Some(n) = stack.pop() {
            for p in grammar.productions_of(n) {
                self.pay()?;
                match grammar.productions()[p].rhs[0] {
                    Sym::Terminal(t) => terminals.push(t),
                    Sym::Nonterminal(m) => {
                        if let Some(&known) = self.builder.first.get(&m) {
                            terminals.extend(self.states.sets.list(known));
                        } else if seen.insert(m) {
                            stack.push(m);
                        }
                    }
                }
            }
        }
        terminals.sort_unstable();
        terminals.dedup();
        let set = self.builder.interner.set(&self.states.sets, &terminals);
        self.builder.first.insert(root, set);
        Ok(set)
    }

    /// Spends a step.
    pub(super) fn pay(&mut self) -> Result<(), LimitError> {
        let limits = self.states.limits();
        self.steps += 1;
        if self.steps > limits.steps {
            return Err(LimitError::new(
                "LR closure steps",
                self.steps,
                limits.steps,
            ));
        }
        let bytes = self.builder.bytes + self.builder.interner.bytes;
        if bytes > limits.bytes {
            return Err(LimitError::new(
                "LR table bytes",
                bytes as u64,
                limits.bytes as u64,
            ));
        }
        self.states.cancel().check(STAGE)
    }
}

impl Closure {
    /// Kernels of so many items have a closure for all states: their numbers are bits of [`Before::inherited`].
    pub(super) const SHARED: usize = u64::BITS as usize;

    /// What a state with these lookaheads does. O(what depends on them).
    pub(super) fn with(
        &self,
        kernel: &[(u32, SetId)],
        sets: &Sets,
        interner: &mut Interner,
    ) -> Actions {
        let before = self.before.iter().map(|before| {
            let mut all = before.own;
            let mut left = if self.shared { before.inherited } else { 0 };
            while left != 0 {
                let set = kernel[left.trailing_zeros() as usize].1;
                all = Some(all.map_or(set, |all| interner.union(sets, all, set)));
                left &= left - 1;
            }
            all
        });
        let before: SmallVec<[Option<SetId>; 64]> = before.collect();
        let edges = self.transitions.iter().map(|own| {
            let put_in = || {
                let items = own.items.iter();
                let items = items.filter_map(|&(item, at)| Some((item, before[at as usize]?)));
                items.collect()
            };
            let kernel = own.kernel.clone().unwrap_or_else(put_in);
            Edge::new(own.symbol, own.kernel.is_none(), kernel)
        });
        let reduces = self.reduces.iter().map(|&(production, item)| Reduce {
            production,
            before: kernel[item as usize].1,
        });
        Actions {
            edges: edges.collect(),
            reduces: reduces.collect(),
        }
    }

    /// Bytes held, about.
    pub(super) fn heap_bytes(&self) -> usize {
        let items = self.transitions.iter().map(|own| {
            let kernel = own.kernel.as_ref().map_or(0, |k| 16 + 8 * k.len());
            heap::list::<(u32, u32)>(own.items.len()) + kernel
        });
        items.sum::<usize>()
            + heap::list::<Transition>(self.transitions.len())
            + heap::list::<Before>(self.before.len())
            + heap::list::<(u32, u32)>(self.reduces.len())
    }
}
