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

use super::lookaheads::{Interner, SetId, Sets};
use super::states::{Actions, Builder, Edge, Kernel, Reduce, STAGE, States};
use maskwright_grammar::Sym;
use maskwright_tables::{LimitError, heap};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

/// Where lookaheads come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Before {
    /// Those that are the same for all states with these items.
    own: Option<SetId>,
    /// The items of the kernel whose lookaheads they have, increasing.
    inherited: SmallVec<[u32; 4]>,
}

/// A symbol that leads on, and the items it leads to.
#[derive(Debug)]
struct Step {
    symbol: Sym,
    /// Items, and which of the lookaheads of the closure they have.
    items: Box<[(u32, u32)]>,
    /// The kernel that it leads to, where none of these come from the kernel.
    kernel: Option<Kernel>,
}

/// See the module documentation.
#[derive(Debug)]
pub(super) struct Closure {
    /// Those of the items of the kernel, and then those of nonterminals.
    before: Box<[Before]>,
    /// By symbol, terminals first.
    steps: Box<[Step]>,
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

    /// The closure of some items.
    pub(super) fn close(&mut self, kernel: &[u32]) -> Result<Closure, LimitError> {
        let items = &self.states.items;
        let mut before: FxHashMap<u32, Before> = FxHashMap::default();
        let mut queue: Vec<u32> = Vec::new();
        let mut queued: FxHashMap<u32, bool> = FxHashMap::default();
        let mut pending: Vec<(u32, Before)> = Vec::new();
        let own = |item: usize| Before {
            own: None,
            inherited: [item as u32].into_iter().collect(),
        };
        for (i, &item) in kernel.iter().enumerate() {
            if let Some(Sym::Nonterminal(n)) = items.next(item) {
                pending.push((n, self.follow(item, &own(i))?));
            }
        }
        loop {
            for (n, more) in pending.drain(..) {
                let is_new = !before.contains_key(&n);
                let grew = self.add(before.entry(n).or_default(), &more);
                if (grew || is_new) && !queued.insert(n, true).unwrap_or(false) {
                    queue.push(n);
                }
            }
            let Some(n) = queue.pop() else { break };
            queued.insert(n, false);
            let known = before[&n].clone();
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
        for (i, &item) in kernel.iter().enumerate() {
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
        let steps = moves.chunk_by(|a, b| a.0 == b.0).map(|group| {
            let fixed = group.iter().map(|&(_, item, at)| {
                let before = &all[at as usize];
                let own = before.own.filter(|_| before.inherited.is_empty());
                own.map(|own| (item, own))
            });
            Step {
                symbol: group[0].0,
                kernel: fixed.collect(),
                items: group.iter().map(|m| (m.1, m.2)).collect(),
            }
        });
        Ok(Closure {
            steps: steps.collect(),
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
        let mut grew = own != known.own;
        known.own = own;
        for &item in &more.inherited {
            if let Err(at) = known.inherited.binary_search(&item) {
                known.inherited.insert(at, item);
                grew = true;
            }
        }
        grew
    }

    /// What may come after the nonterminal behind the dot of an item with these lookaheads: FIRST of the symbol
    /// after it, or the item's own when there is none (no symbol derives the empty text).
    fn follow(&mut self, item: u32, before: &Before) -> Result<Before, LimitError> {
        let own = match self.states.items.next(item + 1) {
            None => return Ok(before.clone()),
            Some(Sym::Terminal(t)) => self.builder.interner.set(&self.states.sets, &[t]),
            Some(Sym::Nonterminal(n)) => self.first(n)?,
        };
        Ok(Before {
            own: Some(own),
            inherited: SmallVec::new(),
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
    /// What a state with these lookaheads does. O(what depends on them).
    pub(super) fn with(&self, kernel: &[(u32, SetId)], sets: &Sets, own: &mut Interner) -> Actions {
        let before = self.before.iter().map(|before| {
            let inherited = before.inherited.iter().map(|i| kernel[*i as usize].1);
            let all = before.own.into_iter().chain(inherited);
            all.reduce(|a, b| own.union(sets, a, b))
        });
        let before: SmallVec<[Option<SetId>; 64]> = before.collect();
        let edges = self.steps.iter().map(|step| {
            let put_in = || {
                let items = step.items.iter();
                let items = items.filter_map(|&(item, at)| Some((item, before[at as usize]?)));
                items.collect()
            };
            let kernel = step.kernel.clone();
            Edge::new(
                step.symbol,
                step.kernel.is_none(),
                kernel.unwrap_or_else(put_in),
            )
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
        let items = self.steps.iter().map(|step| {
            let kernel = step.kernel.as_ref().map_or(0, |k| 16 + 8 * k.len());
            heap::list::<(u32, u32)>(step.items.len()) + kernel
        });
        items.sum::<usize>()
            + heap::list::<Step>(self.steps.len())
            + heap::list::<Before>(self.before.len())
            + heap::list::<(u32, u32)>(self.reduces.len())
    }
}
