//! Ahead of time: asking the lazy machine for everything, and writing the answers down.
//!
//! The machine is explored symbolically. A *question* is a step, an end test or a row, asked of a
//! stack of which only the symbols at some depths are known. When the answer needs another depth,
//! the question is asked again for every symbol that can lie there (steps in [`Explorer::below`]
//! from the nearest known symbol above); when that set grows, so do the questions. This is the saturation of post\* of the pushdown system (Bouajjani, Esparza
//! and Maler, "Reachability analysis of pushdown automata", CONCUR 1997), with the control as the
//! oracle for its rules; it ends because symbols, lexical states and reads are finite, or at the
//! budget.
//!
//! Questions are answered in a fixed order and all ids are renumbered in order of discovery, so a
//! fresh compiler gives the same artifact for the same source, vocabulary and options.

use crate::lazy::LazyMachine;
use maskwright_tables::csr::Csr;
use maskwright_tables::pushdown::{FINAL, FRESH, PushdownTables, StackAutomaton};
use maskwright_tables::{
    CancelFlag, LabelSet, LexState, LimitError, Machine, RunError, StackAction, StackView, Symbol,
    TokenId, Tokens,
};
use rustc_hash::{FxHashMap, FxHashSet};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};

/// How much an ahead-of-time compile may build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreezeBudget {
    /// Questions asked: steps, end tests and rows, each for one known upper part of the stack.
    pub questions: usize,
    /// Bytes of rows.
    pub row_bytes: usize,
}

impl Default for FreezeBudget {
    fn default() -> Self {
        FreezeBudget {
            questions: 2_000_000,
            row_bytes: 256 << 20,
        }
    }
}

/// Below the bottom of the stack.
const BOTTOM: Symbol = Symbol(u32::MAX);

/// What is known of a stack: `(depth, symbol)` in the order of reading. The first is the top.
type Known = Vec<(u32, Symbol)>;

/// A stack of which only some symbols are known.
struct KnownStack<'a> {
    known: &'a Known,
    wanted: Cell<Option<u32>>,
}

impl StackView for KnownStack<'_> {
    fn symbol(&self, depth: usize) -> Option<Symbol> {
        let depth = depth as u32;
        for &(at, symbol) in self.known {
            if at == depth {
                return (symbol != BOTTOM).then_some(symbol);
            }
            if symbol == BOTTOM && at < depth {
                return None;
            }
        }
        self.wanted.set(self.wanted.get().or(Some(depth)));
        None
    }

    fn went_below(&self) -> bool {
        self.wanted.get().is_some()
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    Step(LabelSet),
    Row(LexState),
    Ends,
}

struct Explorer<'a> {
    machine: &'a LazyMachine,
    budget: FreezeBudget,
    cancel: &'a CancelFlag,
    /// Symbols in order of discovery, and what can lie directly below each.
    symbols: Vec<Symbol>,
    symbol_ids: FxHashMap<Symbol, u32>,
    below: FxHashMap<Symbol, Vec<Symbol>>,
    /// Questions that need one more depth, with the symbols for which they were asked again.
    waiting: Vec<(Key, Known, u32, FxHashSet<Symbol>)>,
    queue: VecDeque<(Key, Known)>,
    tops: FxHashSet<Symbol>,
    /// Lexical states in order of discovery, the dead one first.
    states: Vec<LexState>,
    state_ids: FxHashMap<LexState, u32>,
    labels: Vec<LabelSet>,
    label_ids: FxHashMap<LabelSet, u32>,
    actions: Vec<Vec<StackAction>>,
    action_ids: FxHashMap<Vec<StackAction>, u32>,
    answers: BTreeMap<(Key, Known), u32>,
    rows: Rows,
    asked: usize,
}

#[derive(Default)]
struct Rows {
    answers: Vec<[u32; 3]>,
    answer_ids: FxHashMap<[u32; 3], u32>,
    lists: Vec<Vec<u32>>,
    list_ids: FxHashMap<Vec<u32>, u32>,
    bitsets: Vec<Vec<u32>>,
    bitset_ids: FxHashMap<Vec<u32>, u32>,
    bytes: usize,
}

impl Rows {
    fn add(&mut self, row: maskwright_tables::RowRef<'_>) -> u32 {
        let without: Vec<u32>;
        let (base, list): (Option<&[u32]>, &[TokenId]) = match row.tokens {
            Tokens::Few(list) => (None, list),
            Tokens::Dense(words) => (Some(words), &[]),
            Tokens::Union(words, list) => (Some(words), list),
            Tokens::Exceptions {
                base,
                added,
                removed,
            } => {
                let mut words = base.to_vec();
                maskwright_kernels::bits::clear(&mut words, removed.iter().map(|t| t.0));
                without = words;
                (Some(&without), added)
            }
        };
        let base = base.map_or(0, |words| {
            if let Some(&id) = self.bitset_ids.get(words) {
                return id;
            }
            self.bitsets.push(words.to_vec());
            self.bytes += 4 * words.len();
            let id = self.bitsets.len() as u32;
            self.bitset_ids.insert(words.to_vec(), id);
            id
        });
        let list = if list.is_empty() {
            0
        } else {
            let list: Vec<u32> = list.iter().map(|t| t.0).collect();
            match self.list_ids.get(&list) {
                Some(&id) => id,
                None => {
                    self.bytes += 4 * list.len() + 4;
                    self.lists.push(list.clone());
                    let id = self.lists.len() as u32;
                    self.list_ids.insert(list, id);
                    id
                }
            }
        };
        let answer = [base, list, u32::from(row.ends)];
        let next = self.answers.len() as u32;
        let id = *self.answer_ids.entry(answer).or_insert(next);
        if id == next {
            self.answers.push(answer);
        }
        id
    }
}

/// Everything that can be asked of a machine, as tables.
pub(crate) fn freeze(
    machine: &LazyMachine,
    budget: FreezeBudget,
    cancel: &CancelFlag,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PushdownTables<'static>, RunError> {
    let mut explorer = Explorer {
        machine,
        budget,
        cancel,
        symbols: Vec::new(),
        symbol_ids: FxHashMap::default(),
        below: FxHashMap::default(),
        waiting: Vec::new(),
        queue: VecDeque::new(),
        tops: FxHashSet::default(),
        states: vec![LexState::DEAD],
        state_ids: FxHashMap::from_iter([(LexState::DEAD, 0)]),
        labels: vec![LabelSet::NONE],
        label_ids: FxHashMap::from_iter([(LabelSet::NONE, 0)]),
        actions: Vec::new(),
        action_ids: FxHashMap::default(),
        answers: BTreeMap::new(),
        rows: Rows::default(),
        asked: 0,
    };
    let start = machine.start();
    explorer.lies_below(start, BOTTOM);
    explorer.becomes_top(start)?;
    loop {
        while let Some((key, known)) = explorer.queue.pop_front() {
            explorer.ask(key, known)?;
            if explorer.asked.is_multiple_of(256) {
                progress(explorer.asked, explorer.asked + explorer.queue.len());
            }
        }
        // What lies below has grown since the questions that wait were asked last.
        for i in 0..explorer.waiting.len() {
            explorer.ask_again(i)?;
        }
        if explorer.queue.is_empty() {
            break;
        }
    }
    explorer.finish()
}

impl Explorer<'_> {
    /// Notes that `lower` can lie directly below `upper`.
    fn lies_below(&mut self, upper: Symbol, lower: Symbol) {
        if !self.symbol_ids.contains_key(&upper) {
            self.symbol_ids.insert(upper, self.symbols.len() as u32);
            self.symbols.push(upper);
        }
        let below = self.below.entry(upper).or_default();
        if !below.contains(&lower) {
            below.push(lower);
        }
    }

    /// The symbols that can lie at `depth`, in order of discovery.
    fn candidates(&self, known: &Known, depth: u32) -> Vec<Symbol> {
        let above = known
            .iter()
            .filter(|(d, _)| *d < depth)
            .max_by_key(|(d, _)| *d);
        let Some(&(from, symbol)) = above else {
            return Vec::new();
        };
        let mut level = vec![symbol];
        for _ in from..depth {
            let mut seen = FxHashSet::default();
            let mut next = Vec::new();
            for upper in level {
                let below = self.below.get(&upper).map_or(&[BOTTOM][..], |b| b);
                next.extend(below.iter().filter(|s| seen.insert(**s)));
            }
            level = next;
        }
        level
    }

    /// Asks question `i` of those that wait for each symbol that is new at its depth.
    fn ask_again(&mut self, i: usize) -> Result<(), RunError> {
        let (key, known, depth, _) = &self.waiting[i];
        let candidates = self.candidates(known, *depth);
        let (key, depth) = (*key, *depth);
        for symbol in candidates {
            if self.waiting[i].3.insert(symbol) {
                let mut more = self.waiting[i].1.clone();
                more.push((depth, symbol));
                self.queue.push_back((key, more));
            }
        }
        self.check(0)
    }

    /// Notes that `symbol` can be on top: asks for its end, and for the rows and steps of all
    /// lexical states of the lexemes that begin there.
    fn becomes_top(&mut self, symbol: Symbol) -> Result<(), RunError> {
        if !self.tops.insert(symbol) {
            return Ok(());
        }
        if self.machine.distinct(symbol)? {
            return Err(RunError::NotTabulated {
                table: "lexemes that must differ",
            });
        }
        self.queue.push_back((Key::Ends, vec![(0, symbol)]));
        let first = self.machine.lex_start(symbol)?;
        let mut seen = FxHashSet::default();
        let mut states = vec![first];
        seen.insert(first);
        let mut i = 0;
        let mut labels = Vec::new();
        while let Some(&state) = states.get(i) {
            i += 1;
            let next = self.states.len() as u32;
            if *self.state_ids.entry(state).or_insert(next) == next {
                self.states.push(state);
            }
            self.queue.push_back((Key::Row(state), vec![(0, symbol)]));
            let accept = self.machine.lex_accept(state);
            if accept != LabelSet::NONE && !labels.contains(&accept) {
                labels.push(accept);
                let next = self.labels.len() as u32;
                if *self.label_ids.entry(accept).or_insert(next) == next {
                    self.labels.push(accept);
                }
                self.queue.push_back((Key::Step(accept), vec![(0, symbol)]));
            }
            for (_, _, target) in self.machine.shared().lexicon.edges(state)?.runs() {
                if seen.insert(target) {
                    states.push(target);
                }
            }
            self.check(states.len())?;
        }
        Ok(())
    }

    fn check(&self, more: usize) -> Result<(), RunError> {
        self.cancel.check("ahead-of-time compile")?;
        let asked = self.asked + self.queue.len().max(more);
        if asked > self.budget.questions {
            let limit = self.budget.questions as u64;
            return Err(LimitError::new(
                "questions of an ahead-of-time compile",
                asked as u64,
                limit,
            )
            .into());
        }
        if self.rows.bytes > self.budget.row_bytes {
            let limit = self.budget.row_bytes as u64;
            return Err(LimitError::new(
                "row bytes of an ahead-of-time compile",
                self.rows.bytes as u64,
                limit,
            )
            .into());
        }
        Ok(())
    }

    fn ask(&mut self, key: Key, known: Known) -> Result<(), RunError> {
        self.asked += 1;
        self.check(0)?;
        let view = KnownStack {
            known: &known,
            wanted: Cell::new(None),
        };
        let answer = match key {
            Key::Row(state) => self.machine.row(state, &view).map(|row| self.rows.add(row)),
            Key::Ends => self.machine.ends(&view).map(u32::from),
            Key::Step(labels) => self.machine.step(&view, labels).and_then(|actions| {
                // What the pops expose must be known too.
                let exposed: Vec<Symbol> = actions
                    .iter()
                    .map(|a| view.symbol(a.pop as usize).unwrap_or(BOTTOM))
                    .collect();
                if view.went_below() {
                    return Err(RunError::UnknownSymbol);
                }
                for (action, mut top) in actions.iter().zip(exposed) {
                    for &pushed in &action.push {
                        self.lies_below(pushed, top);
                        top = pushed;
                    }
                    if top != BOTTOM {
                        self.becomes_top(top)?;
                    }
                }
                let next = self.actions.len() as u32;
                let id = *self.action_ids.entry(actions.to_vec()).or_insert(next);
                if id == next {
                    self.actions.push(actions.to_vec());
                }
                Ok(id)
            }),
        };
        match (answer, view.wanted.get()) {
            (Ok(answer), None) => {
                self.answers.insert((key, known), answer);
                Ok(())
            }
            (Ok(_) | Err(RunError::UnknownSymbol), Some(depth)) => {
                self.waiting.push((key, known, depth, FxHashSet::default()));
                self.ask_again(self.waiting.len() - 1)
            }
            (Err(e), _) => Err(e),
        }
    }

    fn symbol(&self, symbol: Symbol) -> u32 {
        if symbol == BOTTOM {
            self.symbols.len() as u32
        } else {
            self.symbol_ids[&symbol]
        }
    }

    /// The answers under some keys as an automaton.
    fn automaton(
        &self,
        keys: usize,
        select: impl Fn(Key) -> Option<u32>,
    ) -> StackAutomaton<'static> {
        let mut roots = vec![0u32; keys];
        // For each node where it reads, and its edges.
        let mut nodes: Vec<(u32, BTreeMap<u32, u32>)> = Vec::new();
        for ((key, known), answer) in &self.answers {
            let Some(key) = select(*key) else { continue };
            if roots[key as usize] == 0 {
                nodes.push((0, BTreeMap::new()));
                roots[key as usize] = nodes.len() as u32;
            }
            let mut node = roots[key as usize] as usize - 1;
            for (i, &(_, symbol)) in known.iter().enumerate() {
                let symbol = self.symbol(symbol);
                match known.get(i + 1) {
                    None => {
                        nodes[node].1.insert(symbol, answer << 1 | 1);
                    }
                    // Which depth is read next depends on the symbols read before alone.
                    Some(&(depth, _)) => {
                        let fresh = nodes.len() as u32;
                        let next = *nodes[node].1.entry(symbol).or_insert(fresh << 1) >> 1;
                        if next == fresh {
                            nodes.push((depth, BTreeMap::new()));
                        }
                        node = next as usize;
                    }
                }
            }
        }
        let mut matrix = Csr::new(self.symbols.len() as u32 + 1);
        let mut depths = Vec::with_capacity(nodes.len());
        for (depth, edges) in nodes {
            // A BTreeMap's keys are sorted and distinct.
            let pushed = matrix.push_row(edges);
            debug_assert!(pushed.is_ok());
            depths.push(depth);
        }
        StackAutomaton {
            roots: Cow::Owned(roots),
            nodes: matrix.into(),
            depths: Cow::Owned(depths),
        }
    }

    fn finish(self) -> Result<PushdownTables<'static>, RunError> {
        // Bytes that no lexical state tells apart share a class.
        let lexicon = &self.machine.shared().lexicon;
        let mut columns: Vec<Vec<u32>> = vec![Vec::new(); 256];
        for &state in &self.states {
            let edges = lexicon.edges(state)?;
            for byte in 0..=255u8 {
                columns[usize::from(byte)].push(self.state_ids[&edges.get(byte)]);
            }
        }
        let mut class_ids: FxHashMap<&[u32], u8> = FxHashMap::default();
        let mut representatives = Vec::new();
        let mut classes = Vec::with_capacity(256);
        for column in &columns {
            let next = class_ids.len() as u8;
            let class = *class_ids.entry(column).or_insert(next);
            if usize::from(class) == representatives.len() {
                representatives.push(column);
            }
            classes.push(class);
        }
        let mut lexical = Csr::new(representatives.len() as u32);
        for row in 0..self.states.len() {
            let entries = representatives
                .iter()
                .enumerate()
                .filter(|(_, c)| c[row] != 0);
            let pushed = lexical.push_row(entries.map(|(class, c)| (class as u32, c[row])));
            debug_assert!(pushed.is_ok());
        }
        let mut flags = Vec::with_capacity(self.states.len());
        let mut accept = Vec::with_capacity(self.states.len());
        for &state in &self.states {
            let fresh = if self.machine.lex_is_fresh(state) {
                FRESH
            } else {
                0
            };
            let last = if self.machine.lex_is_final(state) {
                FINAL
            } else {
                0
            };
            flags.push(fresh | last);
            accept.push(self.label_ids[&self.machine.lex_accept(state)]);
        }
        let mut lex_start = Vec::with_capacity(self.symbols.len());
        for &symbol in &self.symbols {
            // A symbol that is never on top begins no lexeme.
            let first = if self.tops.contains(&symbol) {
                self.machine.lex_start(symbol)?
            } else {
                LexState::DEAD
            };
            lex_start.push(self.state_ids[&first]);
        }
        let steps = self.automaton(self.labels.len(), |key| match key {
            Key::Step(labels) => Some(self.label_ids[&labels]),
            _ => None,
        });
        let rows = self.automaton(self.states.len(), |key| match key {
            Key::Row(state) => Some(self.state_ids[&state]),
            _ => None,
        });
        let ends = self.automaton(1, |key| (key == Key::Ends).then_some(0));
        let actions = self
            .actions
            .iter()
            .map(|list| {
                let renumber = |a: &StackAction| StackAction {
                    pop: a.pop,
                    push: a.push.iter().map(|s| Symbol(self.symbol(*s))).collect(),
                };
                list.iter().map(renumber).collect()
            })
            .collect();
        let mut indptr = vec![0u32];
        for list in &self.rows.lists {
            indptr.push(indptr[indptr.len() - 1] + list.len() as u32);
        }
        // The checked constructor refuses what is unsorted, out of range or given twice.
        let width = self.machine.vocabulary().width();
        let lists: Vec<usize> = self
            .rows
            .lists
            .iter()
            .flatten()
            .map(|t| *t as usize)
            .collect();
        let checked = sprs::CsMatI::<u8, usize>::try_new(
            (self.rows.lists.len(), width),
            indptr.iter().map(|p| *p as usize).collect(),
            lists.clone(),
            vec![1u8; lists.len()],
        );
        debug_assert!(checked.is_ok());
        Ok(PushdownTables {
            symbols: self.symbols.len() as u32,
            label_sets: self.labels.len() as u32,
            start: Symbol(self.symbol_ids[&self.machine.start()]),
            words: self.machine.vocabulary().mask_words() as u32,
            classes: Cow::Owned(classes),
            lexical: lexical.into(),
            accept: Cow::Owned(accept),
            flags: Cow::Owned(flags),
            lex_start: Cow::Owned(lex_start),
            steps,
            rows,
            ends,
            actions,
            row_answers: Cow::Owned(self.rows.answers.concat()),
            lists: (Cow::Owned(indptr), Cow::Owned(self.rows.lists.concat())),
            bitsets: Cow::Owned(self.rows.bitsets.concat()),
        })
    }
}
