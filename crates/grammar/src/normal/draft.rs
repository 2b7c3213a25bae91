//! The grammar while it is being normalised.

use super::{Nonterminal, NormalGrammar, NormalTerminal, Production, Sym};
use crate::{RegexId, RegexPool};
use rustc_hash::FxHashSet;
use std::collections::BTreeMap;

/// A production in the making.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Rough {
    pub(super) lhs: u32,
    pub(super) rhs: Vec<Sym>,
    /// The nonterminals of `rhs` stand for what they derive *except the empty text*.
    pub(super) strict: bool,
}

/// Nonterminals keep their index through all passes; only [`Draft::finish`] renumbers them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    pub(super) terminals: Vec<NormalTerminal>,
    pub(super) nonterminals: Vec<Nonterminal>,
    pub(super) productions: Vec<Rough>,
    pub(super) start: u32,
    pub(super) has_empty_sentence: bool,
    /// Terminals are numbered as in the grammar that this came from.
    pub(super) keep_terminals: bool,
}

impl Draft {
    /// The draft of a finished grammar.
    pub(super) fn of(normal: &NormalGrammar) -> Self {
        Draft {
            terminals: normal.terminals.clone(),
            nonterminals: normal.nonterminals.clone(),
            productions: normal
                .productions
                .iter()
                .map(|p| Rough {
                    lhs: p.lhs,
                    rhs: p.rhs.to_vec(),
                    strict: false,
                })
                .collect(),
            start: 0,
            has_empty_sentence: normal.has_empty_sentence,
            keep_terminals: true,
        }
    }

    pub(super) fn add_nonterminal(&mut self, nonterminal: Nonterminal) -> u32 {
        self.nonterminals.push(nonterminal);
        self.nonterminals.len() as u32 - 1
    }

    pub(super) fn add(&mut self, lhs: u32, rhs: Vec<Sym>, strict: bool) {
        self.productions.push(Rough { lhs, rhs, strict });
    }

    /// The productions of each nonterminal, in order.
    pub(super) fn by_lhs(&self) -> Vec<Vec<u32>> {
        let mut by_lhs = vec![Vec::new(); self.nonterminals.len()];
        for (i, p) in self.productions.iter().enumerate() {
            by_lhs[p.lhs as usize].push(i as u32);
        }
        by_lhs
    }

    /// Replaces nonterminals on both sides, then drops repeated productions and `A → A`.
    pub(super) fn replace(&mut self, lhs: impl Fn(u32) -> u32, rhs: impl Fn(u32) -> Sym) {
        for p in &mut self.productions {
            p.lhs = lhs(p.lhs);
            for s in &mut p.rhs {
                if let Sym::Nonterminal(n) = *s {
                    *s = rhs(n);
                }
            }
        }
        self.drop_repeated();
    }

    /// Drops repeated productions and `A → A`.
    pub(super) fn drop_repeated(&mut self) {
        let mut seen = FxHashSet::default();
        self.productions
            .retain(|p| p.rhs[..] != [Sym::Nonterminal(p.lhs)] && seen.insert(p.clone()));
    }

    /// The finished grammar; nonterminals in breadth-first order from the start, unused terminals
    /// dropped. `None` when there is no sentence at all.
    pub(super) fn finish(self, ignore: Vec<RegexId>, regexes: RegexPool) -> Option<NormalGrammar> {
        let by_lhs = self.by_lhs();
        let has_sentences = !by_lhs.get(self.start as usize).is_none_or(Vec::is_empty);
        if !has_sentences && !self.has_empty_sentence {
            return None;
        }
        let mut order = Vec::new();
        let mut number: Vec<Option<u32>> = vec![None; self.nonterminals.len()];
        let mut used = vec![self.keep_terminals; self.terminals.len()];
        if has_sentences {
            order.push(self.start);
            number[self.start as usize] = Some(0);
        }
        let mut next = 0;
        while let Some(&n) = order.get(next) {
            next += 1;
            for &p in &by_lhs[n as usize] {
                for s in &self.productions[p as usize].rhs {
                    match *s {
                        Sym::Terminal(t) => used[t as usize] = true,
                        Sym::Nonterminal(m) => {
                            if number[m as usize].is_none() {
                                number[m as usize] = Some(order.len() as u32);
                                order.push(m);
                            }
                        }
                    }
                }
            }
        }
        let mut terminals = Vec::new();
        let mut terminal_number = vec![0; self.terminals.len()];
        for (i, t) in self.terminals.into_iter().enumerate() {
            if used[i] {
                terminal_number[i] = terminals.len() as u32;
                terminals.push(t);
            }
        }
        let mut productions = Vec::new();
        let mut first = vec![0];
        for &n in &order {
            for &p in &by_lhs[n as usize] {
                let rhs = self.productions[p as usize]
                    .rhs
                    .iter()
                    .map(|s| match *s {
                        Sym::Terminal(t) => Sym::Terminal(terminal_number[t as usize]),
                        // Everything reachable has been numbered.
                        Sym::Nonterminal(m) => Sym::Nonterminal(number[m as usize].unwrap_or(0)),
                    })
                    .collect();
                productions.push(Production {
                    lhs: first.len() as u32 - 1,
                    rhs,
                });
            }
            first.push(productions.len() as u32);
        }
        let nonterminals = order
            .iter()
            .map(|&n| self.nonterminals[n as usize].clone())
            .collect();
        let mut normal = NormalGrammar {
            terminals,
            nonterminals,
            productions,
            first,
            has_sentences,
            has_empty_sentence: self.has_empty_sentence,
            ignore,
            regexes,
        };
        tell_names_apart(&mut normal);
        Some(normal)
    }
}

/// Numbers the parts of a rule that got the same name.
fn tell_names_apart(normal: &mut NormalGrammar) {
    let mut taken: FxHashSet<String> = normal.nonterminals.iter().map(|n| n.name.clone()).collect();
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for n in &mut normal.nonterminals {
        let count = seen.entry(n.name.clone()).or_insert(0);
        *count += 1;
        if *count > 1 {
            let base = n.name.clone();
            loop {
                let candidate = format!("{base}.{count}");
                if taken.insert(candidate.clone()) {
                    n.name = candidate;
                    break;
                }
                *count += 1;
            }
        }
    }
}
