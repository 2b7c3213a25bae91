//! Which symbols can lie how far below which: the saturation of post\*.
//!
//! `(s, k)` stands for the symbols that can lie `k + 1` places below `s`. Facts arrive one by one
//! (`s` was pushed on `t`; `s` took the place of `t`, so what lay below `t` lies below it) and flow on
//! to everything that was asked before: sets only grow, and every newcomer is told once to each
//! [`Listener`]. Bouajjani, Esparza and Maler, "Reachability analysis of pushdown automata" (CONCUR
//! 1997). What lies deeper than one place is taken apart place by place, so it may name stacks that
//! never arise; they cost entries and no exactness.

use super::summary::BOTTOM;
use maskwright_tables::Symbol;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::VecDeque;

/// Who is told of each newcomer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Listener {
    /// It also belongs to that set.
    Set(u32),
    /// What can lie directly below it belongs to that set.
    Below(u32),
    /// It can be found at that node.
    Node(u32),
    /// It can be on top of the stack.
    Top,
}

#[derive(Debug, Default)]
struct Set {
    members: Vec<Symbol>,
    seen: FxHashSet<Symbol>,
    listeners: Vec<Listener>,
    listening: FxHashSet<Listener>,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Reach {
    ids: FxHashMap<(Symbol, u32), u32>,
    sets: Vec<Set>,
    /// Newcomers of sets whose listeners have not been told.
    news: VecDeque<(u32, Symbol)>,
    /// What nodes and the top have not been told.
    told: Vec<(Listener, Symbol)>,
}

impl Reach {
    fn set(&mut self, symbol: Symbol, distance: u32) -> u32 {
        // Deeper sets listen to those above them; the chain is built from its start.
        for d in 0..=distance {
            if self.ids.contains_key(&(symbol, d)) {
                continue;
            }
            let id = self.sets.len() as u32;
            self.sets.push(Set::default());
            self.ids.insert((symbol, d), id);
            if d > 0 {
                let above = self.ids[&(symbol, d - 1)];
                self.listen_to(above, Listener::Below(id));
            } else if symbol == BOTTOM {
                self.insert(id, BOTTOM);
            }
        }
        self.ids[&(symbol, distance)]
    }

    fn insert(&mut self, set: u32, symbol: Symbol) {
        let data = &mut self.sets[set as usize];
        if data.seen.insert(symbol) {
            data.members.push(symbol);
            self.news.push_back((set, symbol));
        }
    }

    fn listen_to(&mut self, set: u32, listener: Listener) {
        let data = &mut self.sets[set as usize];
        if !data.listening.insert(listener) {
            return;
        }
        data.listeners.push(listener);
        // Members whose news have not gone out yet are told twice; telling is idempotent.
        for i in 0..self.sets[set as usize].members.len() {
            let symbol = self.sets[set as usize].members[i];
            self.tell(listener, symbol);
        }
    }

    fn tell(&mut self, listener: Listener, symbol: Symbol) {
        match listener {
            Listener::Set(set) => self.insert(set, symbol),
            Listener::Below(set) => {
                let below = self.set(symbol, 0);
                self.listen_to(below, Listener::Set(set));
            }
            Listener::Node(_) | Listener::Top => self.told.push((listener, symbol)),
        }
    }

    /// `lower` can lie directly below `upper`.
    pub fn lies_below(&mut self, upper: Symbol, lower: Symbol) {
        let set = self.set(upper, 0);
        self.insert(set, lower);
    }

    /// What can lie `distance + 1` places below `from` can lie directly below `upper`.
    pub fn takes_place(&mut self, upper: Symbol, from: Symbol, distance: u32) {
        let (from, to) = (self.set(from, distance), self.set(upper, 0));
        if from != to {
            self.listen_to(from, Listener::Set(to));
        }
    }

    /// `listener` hears of each symbol that can lie `distance + 1` places below `from`.
    pub fn listen(&mut self, from: Symbol, distance: u32, listener: Listener) {
        let set = self.set(from, distance);
        self.listen_to(set, listener);
    }

    /// Lets all news flow; what nodes and the top are to be told, in order of discovery. The same may
    /// be told again.
    pub fn flow(&mut self) -> Vec<(Listener, Symbol)> {
        while let Some((set, symbol)) = self.news.pop_front() {
            for i in 0..self.sets[set as usize].listeners.len() {
                let listener = self.sets[set as usize].listeners[i];
                self.tell(listener, symbol);
            }
        }
        std::mem::take(&mut self.told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(told: &[(Listener, Symbol)], node: u32) -> Vec<u32> {
        let mut all: Vec<u32> = told
            .iter()
            .filter(|t| t.0 == Listener::Node(node))
            .map(|t| t.1.0)
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// A loop of symbols: everything below is heard of, whatever the order of facts and questions.
    #[test]
    fn news_flow_whatever_comes_first() {
        let [a, b, c] = [1, 2, 3].map(Symbol);
        let mut first = Reach::default();
        first.listen(c, 0, Listener::Node(0));
        first.listen(c, 1, Listener::Node(1));
        first.listen(c, 4, Listener::Node(2));
        first.lies_below(c, b);
        first.takes_place(b, a, 0);
        first.lies_below(a, BOTTOM);
        first.lies_below(a, a);
        let told = first.flow();
        let expected = [vec![2], vec![1, u32::MAX], vec![1, u32::MAX]];
        for node in 0..3 {
            assert_eq!(heard(&told, node), expected[node as usize], "{node}");
        }

        let mut second = Reach::default();
        second.lies_below(a, a);
        second.lies_below(a, BOTTOM);
        second.takes_place(b, a, 0);
        second.lies_below(c, b);
        let _ = second.flow();
        second.listen(c, 4, Listener::Node(2));
        second.listen(c, 1, Listener::Node(1));
        second.listen(c, 0, Listener::Node(0));
        let told = second.flow();
        for node in 0..3 {
            assert_eq!(heard(&told, node), expected[node as usize], "{node}");
        }
    }
}
