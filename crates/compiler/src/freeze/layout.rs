//! From what was explored to tables: only what roots lead to, numbered in order of discovery.

use super::{Explorer, FxHashMap, Interner, Labels, Outcome, OutcomeId, Pending, Then, most};
use maskwright_automata::lexicon::Edges;
use maskwright_tables::csr::Csr;
use maskwright_tables::pushdown::{
    FINAL, FRESH, Matrix, PushdownTables, StackAutomaton, StackEdge,
};
use maskwright_tables::{LexState, Machine, RunError, Symbol};
use std::borrow::Cow;

/// Interned lists of numbers; the empty one is number 0.
struct Lists {
    lists: Interner<Vec<u32>>,
}

impl Lists {
    fn new() -> Self {
        let mut lists = Interner::new();
        lists.intern(Vec::new());
        Lists { lists }
    }

    /// `indptr` and all numbers.
    fn flat(&self) -> (Vec<u32>, Vec<u32>) {
        let (mut pointers, mut all) = (vec![0u32], Vec::new());
        for list in self.lists.values() {
            all.extend_from_slice(list);
            pointers.push(all.len() as u32);
        }
        (pointers, all)
    }
}

impl Explorer<'_> {
    pub(super) fn finish(mut self) -> Result<PushdownTables<'static>, RunError> {
        let (classes, lexical) = self.lexical()?;
        // Token terminals follow the label sets.
        let labels: Vec<Labels> = self.labels.values()[1..]
            .iter()
            .map(|labels| Labels::Set(*labels))
            .chain((0..self.terminals()).map(Labels::Token))
            .collect();
        let mut step_roots = vec![None];
        for &labels in &labels {
            let then = Then::Act;
            step_roots.push(Some(self.question(Pending::Step { labels, then })));
        }
        let mut action_lists = Lists::new();
        let mut actions: Interner<u32> = Interner::new();
        let steps = self.automaton(&step_roots, |outcome| {
            let list = outcome.actions.iter().map(|a| actions.intern(*a)).collect();
            action_lists.lists.intern(list)
        })?;
        let ends = self.automaton(&[Some(self.ends)], |outcome| outcome.ends.into())?;
        let mut unions = Lists::new();
        let mut sets: Interner<u32> = Interner::new();
        let row_roots = std::mem::take(&mut self.rows);
        let rows = self.automaton(&row_roots, |outcome| {
            let parts = outcome.sets.iter();
            let list = parts
                .map(|part| sets.intern(part >> 2) << 2 | part & 3)
                .collect();
            unions.lists.intern(list) << 1 | u32::from(outcome.ends)
        })?;

        // Actions are written list by list, so that those of a list are neighbours.
        let (mut pointers, mut flat, mut pushes) = (vec![0u32], Vec::new(), Vec::new());
        for list in action_lists.lists.values() {
            for &action in list {
                let (pop, push) = self.sums.known.outcomes.action(*actions.get(action));
                pushes.extend(push.iter().map(|s| self.symbol(*s)));
                flat.extend([*pop, pushes.len() as u32]);
            }
            pointers.push(flat.len() as u32 / 2);
        }

        let mut terminals = Vec::new();
        for terminal in 0..self.terminals() {
            terminals.push(sets.intern(self.sums.terminal_set(terminal)));
        }
        let (unions, lists, bitsets) = self.sets(&unions, &sets, &mut terminals);
        let (differ, differing) = self.differing()?;
        let machine = self.machine;
        let mut flags = Vec::with_capacity(self.states.len());
        let mut accept = Vec::with_capacity(self.states.len());
        for &state in self.states.values() {
            let fresh = if machine.lex_is_fresh(state) {
                FRESH
            } else {
                0
            };
            let last = if machine.lex_is_final(state) {
                FINAL
            } else {
                0
            };
            flags.push(fresh | last);
            accept.push(self.labels.find(&machine.lex_accept(state)).unwrap_or(0));
        }
        let mut lex_start = Vec::with_capacity(self.symbols.len());
        for &symbol in self.symbols.values() {
            // A symbol that is never on top begins no lexeme.
            let first = match self.tops.contains(&symbol) {
                true => machine.lex_start(symbol)?,
                false => LexState::DEAD,
            };
            lex_start.push(self.states.find(&first).unwrap_or(0));
        }
        Ok(PushdownTables {
            symbols: self.symbols.len() as u32,
            label_sets: step_roots.len() as u32,
            start: Symbol(self.symbol(machine.start())),
            words: machine.vocabulary().mask_words() as u32,
            complete: self.complete,
            classes: Cow::Owned(classes),
            lexical,
            accept: Cow::Owned(accept),
            flags: Cow::Owned(flags),
            lex_start: Cow::Owned(lex_start),
            steps,
            rows,
            ends,
            action_lists: Cow::Owned(pointers),
            actions: Cow::Owned(flat),
            pushes: Cow::Owned(pushes),
            unions,
            lists,
            bitsets: Cow::Owned(bitsets),
            differ: Cow::Owned(differ),
            differing: (Cow::Owned(differing.0), Cow::Owned(differing.1)),
            terminals: Cow::Owned(terminals),
        })
    }

    /// By symbol, the class of label sets with which lexemes that begin there must differ; and the
    /// classes. Class 0 is of symbols where nothing must differ.
    #[allow(clippy::type_complexity)]
    fn differing(&self) -> Result<(Vec<u32>, (Vec<u32>, Vec<u32>)), RunError> {
        let mut classes = Interner::new();
        classes.intern(None);
        let mut differ = Vec::with_capacity(self.symbols.len());
        for &symbol in self.symbols.values() {
            let mut class = None;
            if self.tops.contains(&symbol) && self.machine.distinct(symbol)? {
                let start = self.machine.lex_start(symbol)?;
                let group = self
                    .group_ids
                    .get(&start)
                    .map(|g| &self.groups[*g as usize]);
                let mut differing = Vec::new();
                for &labels in group.iter().flat_map(|g| &g.labels) {
                    if self.machine.must_differ(symbol, labels)? {
                        differing.push(self.labels.find(&labels).unwrap_or(0));
                    }
                }
                differing.sort_unstable();
                class = Some(differing);
            }
            differ.push(classes.intern(class));
        }
        let (mut pointers, mut all) = (vec![0u32], Vec::new());
        for class in classes.values() {
            all.extend(class.iter().flatten());
            pointers.push(all.len() as u32);
        }
        Ok((differ, (pointers, all)))
    }

    /// The number of a symbol; that of "below the bottom" for one that is not on any stack.
    fn symbol(&self, symbol: Symbol) -> u32 {
        let bottom = self.symbols.len() as u32;
        self.symbols.find(&symbol).unwrap_or(bottom)
    }

    /// Byte classes and lexical transitions: bytes that no lexical state tells apart share a class.
    fn lexical(&self) -> Result<(Vec<u8>, Matrix<'static>), RunError> {
        let lexicon = &self.machine.shared().lexicon;
        let edges: Vec<&Edges> = self
            .states
            .values()
            .iter()
            .map(|q| lexicon.edges(*q))
            .collect::<Result<_, _>>()?;
        // Classes are split by one state after the other.
        let mut classes = [0u32; 256];
        for edges in &edges {
            let mut split: FxHashMap<(u32, LexState), u32> = FxHashMap::default();
            for (byte, class) in classes.iter_mut().enumerate() {
                let next = split.len() as u32;
                *class = *split.entry((*class, edges.get(byte as u8))).or_insert(next);
            }
        }
        let mut representatives: Vec<u8> = Vec::new();
        for (byte, class) in classes.iter().enumerate() {
            if *class as usize == representatives.len() {
                representatives.push(byte as u8);
            }
        }
        let mut lexical = Csr::new(representatives.len() as u32);
        for edges in edges {
            let entries = representatives
                .iter()
                .enumerate()
                .filter_map(|(class, byte)| {
                    let target = edges.get(*byte);
                    let live = target != LexState::DEAD;
                    live.then(|| (class as u32, self.states.find(&target).unwrap_or(0)))
                });
            let pushed = lexical.push_row(entries);
            debug_assert!(pushed.is_ok());
        }
        let classes = classes.iter().map(|c| *c as u8).collect();
        Ok((classes, lexical.into()))
    }

    /// The nodes that roots lead to, breadth first.
    fn automaton(
        &mut self,
        roots: &[Option<OutcomeId>],
        mut output: impl FnMut(&Outcome) -> u32,
    ) -> Result<StackAutomaton<'static>, RunError> {
        let mut edges: Interner<StackEdge> = Interner::new();
        let mut nodes: Interner<u32> = Interner::new();
        let mut edge_of: FxHashMap<OutcomeId, u32> = FxHashMap::default();
        let mut edge = |this: &mut Self, nodes: &mut Interner<u32>, outcome: OutcomeId| {
            if let Some(&edge) = edge_of.get(&outcome) {
                return edge;
            }
            let (gap, next) = match this.target(outcome) {
                Some((gap, node)) => (gap, nodes.intern(node) + 1),
                None => (0, 0),
            };
            let output = output(this.sums.outcome(outcome));
            let id = edges.intern(StackEdge { output, gap, next });
            edge_of.insert(outcome, id);
            id
        };
        let mut root_edges = Vec::with_capacity(roots.len());
        for root in roots {
            root_edges.push(root.map_or(0, |outcome| edge(self, &mut nodes, outcome) + 1));
        }
        let mut matrix = Csr::new(self.symbols.len() as u32 + 1);
        let mut defaults = Vec::new();
        let mut i = 0;
        while i < nodes.len() {
            let node = *nodes.get(i as u32) as usize;
            i += 1;
            self.cancel.check("ahead-of-time compile")?;
            let found = std::mem::take(&mut self.edges[node]);
            let default = most(&found).0.map(|o| edge(self, &mut nodes, o));
            let mut row = Vec::new();
            for (symbol, outcome) in &found {
                let edge = edge(self, &mut nodes, *outcome);
                if Some(edge) != default {
                    row.push((self.symbol(*symbol), edge));
                }
            }
            self.edges[node] = found;
            row.sort_unstable();
            let pushed = matrix.push_row(row);
            debug_assert!(pushed.is_ok());
            defaults.push(default.map_or(0, |e| e + 1));
        }
        let edges = edges
            .values()
            .iter()
            .flat_map(|e| [e.output, e.gap, e.next])
            .collect::<Vec<_>>();
        Ok(StackAutomaton {
            roots: Cow::Owned(root_edges),
            nodes: matrix.into(),
            defaults: Cow::Owned(defaults),
            edges: Cow::Owned(edges),
        })
    }

    /// Unions, lists and bitsets. Bitsets come first in the numbering of sets; `terminals` gets these
    /// numbers too.
    #[allow(clippy::type_complexity)]
    fn sets(
        &self,
        unions: &Lists,
        used: &Interner<u32>,
        terminals: &mut [u32],
    ) -> (
        (Cow<'static, [u32]>, Cow<'static, [u32]>),
        (Cow<'static, [u32]>, Cow<'static, [u32]>),
        Vec<u32>,
    ) {
        use crate::sets::Set;
        let shared = &self.machine.shared().sets;
        let set = |local: &u32| shared.get(*self.sums.known.sets.get(*local));
        let dense = used
            .values()
            .iter()
            .filter(|s| !matches!(set(s), Set::Few(_)))
            .count() as u32;
        let (mut bitsets, mut pointers, mut lists) = (Vec::new(), vec![0u32], Vec::new());
        let mut numbers = Vec::with_capacity(used.len());
        let mut bits = 0;
        for local in used.values() {
            match set(local) {
                // Summaries hold whole sets, so this is a bitset as it is stored.
                Set::Dense(_) | Set::Near(..) => {
                    bitsets.extend(shared.bitset(*self.sums.known.sets.get(*local)));
                    numbers.push(bits);
                    bits += 1;
                }
                Set::Few(ids) => {
                    lists.extend(ids.iter().map(|t| t.0));
                    numbers.push(dense + pointers.len() as u32 - 1);
                    pointers.push(lists.len() as u32);
                }
            }
        }
        // The checked constructor refuses what is unsorted, out of range or given twice.
        let checked = sprs::CsMatI::<u8, usize>::try_new(
            (pointers.len() - 1, self.machine.vocabulary().width()),
            pointers.iter().map(|p| *p as usize).collect(),
            lists.iter().map(|t| *t as usize).collect(),
            vec![1u8; lists.len()],
        );
        debug_assert!(checked.is_ok());
        let (union_pointers, mut flat) = unions.flat();
        for range in union_pointers.windows(2) {
            let union = &mut flat[range[0] as usize..range[1] as usize];
            for part in union.iter_mut() {
                *part = numbers[*part as usize >> 2] << 2 | *part & 3;
            }
            union.sort_unstable();
        }
        for set in terminals {
            *set = numbers[*set as usize];
        }
        (
            (Cow::Owned(union_pointers), Cow::Owned(flat)),
            (Cow::Owned(pointers), Cow::Owned(lists)),
            bitsets,
        )
    }
}
