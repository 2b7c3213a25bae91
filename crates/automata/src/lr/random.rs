//! Random LR(1) grammars: the machine against two LR parsers that share nothing with it.
//!
//! Each grammar is plain productions, empty ones among them. Judges of every decision (a stack
//! and a terminal, or the end):
//!
//! - [`Textbook`] on the grammar in normal form: canonical LR(1) item sets as they are defined, each
//!   lookahead an item of its own. Verdict *and resulting stack* must be the same, state by state;
//! - `lrtable` on the grammar as it was drawn: Pager's LR(1) tables. The verdict must be the same.
//!
//! What a decision depends on is held to what the machine says it does: where it used the same of another stack
//! ([`Outlines`]), it must have decided alike.
//!
//! Which grammars are LR(1) is decided by the textbook on the grammar as drawn; then the machine must
//! have no conflict either and never more than one action. Grammars with hidden left recursion or with cycles
//! are never LR(1): the tests beside these compare them with an enumeration of their language.

use super::tests::lr;
use super::*;
use cfgrammar::yacc::{YaccGrammar, YaccKind, YaccOriginalActionKind};
use cfgrammar::{RIdx, TIdx};
use lrtable::{Action, Minimiser, StIdx, StateTable, from_yacc};
use maskwright_grammar::{RegexNode, Sym};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// Productions by nonterminal; nonterminal 0 is the start. Terminals are numbers.
#[derive(Clone, Debug, Default)]
struct Bnf(Vec<Vec<Vec<Sym>>>);

const LETTERS: &[u8] = b"abcd";

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
}

impl Bnf {
    /// A grammar with something recursive in it, of a kind that `round` chooses.
    fn draw(random: &mut Random, round: usize) -> Bnf {
        let nonterminals = 1 + random.below(5);
        let letters = 2 + random.below(3);
        let terminal = |r: &mut Random| Sym::Terminal(r.below(letters) as u32);
        let nonterminal = |r: &mut Random| Sym::Nonterminal(r.below(nonterminals) as u32);
        let mut rules: Vec<Vec<Vec<Sym>>> = Vec::new();
        for _ in 0..nonterminals {
            let alternatives = 1 + random.below(3);
            let body = |r: &mut Random| {
                let len = [0, 1, 1, 2, 2, 3, 3, 4][r.below(8)];
                (0..len)
                    .map(|_| {
                        if r.below(5) < 3 {
                            terminal(r)
                        } else {
                            nonterminal(r)
                        }
                    })
                    .collect()
            };
            rules.push((0..alternatives).map(|_| body(random)).collect());
        }
        let n = random.below(nonterminals);
        let (own, other) = (Sym::Nonterminal(n as u32), nonterminal(random));
        let extra = match round % 6 {
            0 => vec![own, terminal(random)],
            1 => vec![terminal(random), own],
            2 => vec![terminal(random), own, terminal(random)],
            3 => vec![other, terminal(random)],
            4 => vec![other],
            _ => vec![],
        };
        rules[n].push(extra);
        Bnf(rules)
    }

    /// Without what derives no text or is not reachable; nothing if the start goes.
    fn reduced(mut self) -> Option<Bnf> {
        let mut productive = vec![false; self.0.len()];
        let live = |productive: &[bool], body: &[Sym]| {
            body.iter().all(|s| match s {
                Sym::Terminal(_) => true,
                Sym::Nonterminal(m) => productive[*m as usize],
            })
        };
        loop {
            let next: Vec<bool> = self
                .0
                .iter()
                .map(|r| r.iter().any(|b| live(&productive, b)))
                .collect();
            if next == productive {
                break;
            }
            productive = next;
        }
        if !productive[0] {
            return None;
        }
        for rule in &mut self.0 {
            rule.retain(|b| live(&productive, b));
            rule.sort();
            rule.dedup();
        }
        let mut order = vec![0u32];
        let mut i = 0;
        while i < order.len() {
            for s in self.0[order[i] as usize].iter().flatten() {
                if let Sym::Nonterminal(m) = s
                    && !order.contains(m)
                {
                    order.push(*m);
                }
            }
            i += 1;
        }
        let number = |m: u32| order.iter().position(|o| *o == m).unwrap() as u32;
        Some(Bnf(order
            .iter()
            .map(|n| {
                let bodies = self.0[*n as usize].iter();
                bodies
                    .map(|b| {
                        b.iter()
                            .map(|s| match s {
                                Sym::Nonterminal(m) => Sym::Nonterminal(number(*m)),
                                t => *t,
                            })
                            .collect()
                    })
                    .collect()
            })
            .collect()))
    }

    /// The grammar in some notation: what defines, what separates, how a body is closed.
    fn text(&self, define: &str, end: &str) -> String {
        let mut text = String::new();
        for (n, rule) in self.0.iter().enumerate() {
            text.push_str(&format!("r{n} {define}"));
            for (i, body) in rule.iter().enumerate() {
                text.push_str(if i > 0 { " |" } else { "" });
                for s in body {
                    match s {
                        Sym::Terminal(t) => {
                            text.push_str(&format!(" '{}'", LETTERS[*t as usize] as char))
                        }
                        Sym::Nonterminal(m) => text.push_str(&format!(" r{m}")),
                    }
                }
            }
            text.push_str(end);
        }
        text
    }

    fn of(grammar: &NormalGrammar) -> Bnf {
        let rules = 0..grammar.nonterminals().len() as u32;
        Bnf(rules
            .map(|n| {
                let productions = &grammar.productions()[grammar.productions_of(n)];
                productions.iter().map(|p| p.rhs.to_vec()).collect()
            })
            .collect())
    }

    fn nullable(&self) -> Vec<bool> {
        let mut nullable = vec![false; self.0.len()];
        loop {
            let empty = |s: &Sym| matches!(s, Sym::Nonterminal(m) if nullable[*m as usize]);
            let next: Vec<bool> = self
                .0
                .iter()
                .map(|r| r.iter().any(|b| b.iter().all(empty)))
                .collect();
            if next == nullable {
                return nullable;
            }
            nullable = next;
        }
    }

    /// What the grammar has: empty rules, left, right and centre recursion, mutual recursion, units.
    fn features(&self) -> [bool; 6] {
        let n = self.0.len();
        let reach = |edges: Vec<Vec<usize>>| -> Vec<BTreeSet<usize>> {
            (0..n)
                .map(|from| {
                    let mut seen: BTreeSet<usize> = BTreeSet::new();
                    let mut work = edges[from].clone();
                    while let Some(m) = work.pop() {
                        if seen.insert(m) {
                            work.extend(&edges[m]);
                        }
                    }
                    seen
                })
                .collect()
        };
        let edges = |take: &dyn Fn(&[Sym], usize) -> bool| -> Vec<Vec<usize>> {
            self.0
                .iter()
                .map(|rule| {
                    let mut to = Vec::new();
                    for body in rule {
                        for (i, s) in body.iter().enumerate() {
                            if let Sym::Nonterminal(m) = s
                                && take(body, i)
                            {
                                to.push(*m as usize);
                            }
                        }
                    }
                    to
                })
                .collect()
        };
        let recursive =
            |e: Vec<Vec<usize>>| reach(e).iter().enumerate().any(|(i, r)| r.contains(&i));
        let left = edges(&|_, i| i == 0);
        let right = edges(&|b, i| i + 1 == b.len());
        let centre = edges(&|b, i| i > 0 && i + 1 < b.len());
        let mutual = reach(edges(&|_, _| true));
        [
            self.0.iter().flatten().any(Vec::is_empty),
            recursive(left),
            recursive(right),
            recursive(centre),
            (0..n).any(|a| (0..a).any(|b| mutual[a].contains(&b) && mutual[b].contains(&a))),
            self.0
                .iter()
                .flatten()
                .any(|b| matches!(b[..], [Sym::Nonterminal(_)])),
        ]
    }
}

/// Canonical LR(1), as defined. Production 0 is `start' → start`; the end is terminal `END`.
struct Textbook {
    productions: Vec<(usize, Vec<Sym>)>,
    states: Vec<BTreeSet<(usize, usize, u32)>>,
    gotos: BTreeMap<(usize, Sym), usize>,
}

const END: u32 = u32::MAX;

impl Textbook {
    /// The automaton; nothing if it has conflicts or is large.
    fn new(bnf: &Bnf) -> Option<Textbook> {
        let nullable = bnf.nullable();
        let mut first: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); bnf.0.len()];
        loop {
            let next: Vec<BTreeSet<u32>> = bnf
                .0
                .iter()
                .map(|rule| {
                    rule.iter()
                        .flat_map(|b| Self::first_of(b, None, &first, &nullable))
                        .collect()
                })
                .collect();
            if next == first {
                break;
            }
            first = next;
        }
        let mut productions = vec![(usize::MAX, vec![Sym::Nonterminal(0)])];
        for (n, rule) in bnf.0.iter().enumerate() {
            productions.extend(rule.iter().map(|b| (n, b.clone())));
        }
        let mut book = Textbook {
            productions,
            states: Vec::new(),
            gotos: BTreeMap::new(),
        };
        let close = |mut items: BTreeSet<(usize, usize, u32)>| {
            let mut work: Vec<_> = items.iter().copied().collect();
            while let Some((p, dot, ahead)) = work.pop() {
                let body = &book.productions[p].1;
                let Some(Sym::Nonterminal(n)) = body.get(dot) else {
                    continue;
                };
                let follow = Self::first_of(&body[dot + 1..], Some(ahead), &first, &nullable);
                for (q, (lhs, _)) in book.productions.iter().enumerate() {
                    if *lhs == *n as usize {
                        for &a in &follow {
                            if items.insert((q, 0, a)) {
                                work.push((q, 0, a));
                            }
                        }
                    }
                }
            }
            items
        };
        let mut states = vec![close([(0, 0, END)].into())];
        let mut gotos = BTreeMap::new();
        let mut i = 0;
        while i < states.len() {
            let mut moves: BTreeMap<Sym, BTreeSet<(usize, usize, u32)>> = BTreeMap::new();
            let mut acts: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
            for &(p, dot, ahead) in &states[i] {
                match book.productions[p].1.get(dot) {
                    Some(&s) => {
                        moves.entry(s).or_default().insert((p, dot + 1, ahead));
                        if let Sym::Terminal(t) = s {
                            acts.entry(t).or_default().insert(usize::MAX);
                        }
                    }
                    None => {
                        acts.entry(ahead).or_default().insert(p);
                    }
                }
            }
            if acts.values().any(|a| a.len() > 1) || states.len() > 400 {
                return None;
            }
            for (s, kernel) in moves {
                let target = close(kernel);
                let at = states.iter().position(|q| *q == target);
                let at = at.unwrap_or_else(|| {
                    states.push(target);
                    states.len() - 1
                });
                gotos.insert((i, s), at);
            }
            i += 1;
        }
        (book.states, book.gotos) = (states, gotos);
        Some(book)
    }

    fn first_of(
        body: &[Sym],
        after: Option<u32>,
        first: &[BTreeSet<u32>],
        nullable: &[bool],
    ) -> BTreeSet<u32> {
        let mut found = BTreeSet::new();
        for s in body {
            match s {
                Sym::Terminal(t) => {
                    found.insert(*t);
                    return found;
                }
                Sym::Nonterminal(n) => {
                    found.extend(&first[*n as usize]);
                    if !nullable[*n as usize] {
                        return found;
                    }
                }
            }
        }
        found.extend(after);
        found
    }

    /// The stack after reductions and the shift of `terminal`, or after acceptance; nothing if it is
    /// refused.
    fn decide(&self, stack: &[usize], terminal: u32) -> Option<Vec<usize>> {
        let mut stack = stack.to_vec();
        loop {
            let top = *stack.last().unwrap();
            if terminal != END
                && let Some(&next) = self.gotos.get(&(top, Sym::Terminal(terminal)))
            {
                stack.push(next);
                self.settle(&mut stack);
                return Some(stack);
            }
            let complete = self.states[top]
                .iter()
                .find(|(p, dot, ahead)| *ahead == terminal && *dot == self.productions[*p].1.len());
            let &(p, len, _) = complete?;
            if p == 0 {
                return Some(stack);
            }
            stack.truncate(stack.len() - len);
            let lhs = Sym::Nonterminal(self.productions[p].0 as u32);
            stack.push(self.gotos[&(*stack.last().unwrap(), lhs)]);
        }
    }

    /// Reduces a symbol that can only be a nonterminal by itself without a look at what comes.
    fn settle(&self, stack: &mut Vec<usize>) {
        loop {
            let items = &self.states[stack[stack.len() - 1]];
            let productions: BTreeSet<usize> = items.iter().map(|i| i.0).collect();
            let alone = items
                .iter()
                .all(|(p, dot, _)| *p > 0 && *dot == 1 && self.productions[*p].1.len() == 1);
            let &[production] = &productions.into_iter().collect::<Vec<_>>()[..] else {
                return;
            };
            if !alone {
                return;
            }
            stack.pop();
            let lhs = Sym::Nonterminal(self.productions[production].0 as u32);
            stack.push(self.gotos[&(stack[stack.len() - 1], lhs)]);
        }
    }
}

/// `lrtable`'s parser of a grammar.
struct Pager {
    grammar: YaccGrammar,
    table: StateTable<u32>,
    letters: Vec<Option<TIdx<u32>>>,
}

impl Pager {
    fn new(bnf: &Bnf) -> Pager {
        let text = format!("%start r0\n%%\n{}", bnf.text(":", " ;\n"));
        let kind = YaccKind::Original(YaccOriginalActionKind::NoAction);
        let grammar = YaccGrammar::new(kind, &text).expect("a valid grammar");
        let (_, table) = from_yacc(&grammar, Minimiser::Pager).expect("no accept/reduce conflict");
        assert!(
            table.conflicts().is_none(),
            "lrtable finds conflicts\n{text}"
        );
        let letters = LETTERS
            .iter()
            .map(|l| grammar.token_idx(&(*l as char).to_string()))
            .collect();
        Pager {
            grammar,
            table,
            letters,
        }
    }

    fn decide(&self, stack: &[StIdx<u32>], terminal: u32) -> Option<Vec<StIdx<u32>>> {
        let token = match terminal {
            END => self.grammar.eof_token_idx(),
            t => self.letters[t as usize]?,
        };
        let mut stack = stack.to_vec();
        loop {
            match self.table.action(*stack.last().unwrap(), token) {
                Action::Shift(next) => {
                    stack.push(next);
                    return Some(stack);
                }
                Action::Reduce(p) => {
                    let len = usize::from(self.grammar.prod_len(p));
                    stack.truncate(stack.len() - len);
                    let lhs: RIdx<u32> = self.grammar.prod_to_rule(p);
                    stack.push(self.table.goto(*stack.last().unwrap(), lhs).unwrap());
                }
                Action::Accept => return Some(stack),
                Action::Error => return None,
            }
        }
    }
}

/// A stack that counts which of its entries were read, and whether whole.
struct Counting<'a> {
    stack: &'a [Symbol],
    read: BTreeMap<usize, bool>,
    inherits: bool,
}

impl<'a> Counting<'a> {
    fn new(stack: &'a [Symbol]) -> Self {
        Counting {
            stack,
            read: BTreeMap::new(),
            inherits: false,
        }
    }

    fn at(&self, depth: usize) -> Option<Symbol> {
        let place = self.stack.len().checked_sub(depth + 1);
        place.map(|i| self.stack[i])
    }
}

impl StackReader for Counting<'_> {
    fn read(&mut self, depth: usize) -> Result<Option<Symbol>, ControlError> {
        self.read.insert(depth, true);
        Ok(self.at(depth))
    }

    fn glance(&mut self, depth: usize) -> Result<Option<Symbol>, ControlError> {
        self.read.entry(depth).or_insert(false);
        Ok(self.at(depth))
    }

    fn inherit(&mut self) {
        self.inherits = true;
    }
}

/// What was used of a stack: by depths the symbols read, or their outlines.
type Used = Vec<(usize, bool, Option<u32>)>;

/// What a decision was where so much was used of a stack: it must be the same wherever that is.
#[derive(Debug)]
struct Decision {
    used: Used,
    /// How much is popped, and the outlines of what is pushed.
    outlined: Vec<(u32, Vec<u32>)>,
    actions: Vec<StackAction>,
    /// If what is pushed depends on what it is put on, that.
    below: Option<Vec<Option<Symbol>>>,
}

/// The decisions of a walk, each once.
#[derive(Debug, Default)]
struct Outlines {
    /// By labels.
    decisions: BTreeMap<u32, Vec<Decision>>,
    /// The terminals that may come, by outlines that tell.
    allowed: BTreeMap<u32, Vec<u32>>,
}

impl Outlines {
    fn check(
        &mut self,
        machine: &Lr,
        label: u32,
        reader: &Counting<'_>,
        actions: &[StackAction],
    ) -> Result<(), String> {
        let outline = |symbol: Symbol| machine.outline(symbol).expect("an outline").number;
        let number = |depth: usize, whole: bool| {
            let symbol = reader.at(depth);
            symbol.map(|s| if whole { s.0 } else { outline(s) })
        };
        let below: Vec<Option<Symbol>> =
            actions.iter().map(|a| reader.at(a.pop as usize)).collect();
        let own = Decision {
            used: reader
                .read
                .iter()
                .map(|(&depth, &whole)| (depth, whole, number(depth, whole)))
                .collect(),
            outlined: actions
                .iter()
                .map(|a| (a.pop, a.push.iter().map(|s| outline(*s)).collect()))
                .collect(),
            actions: actions.to_vec(),
            below: reader.inherits.then(|| below.clone()),
        };
        let all = self.decisions.entry(label).or_default();
        let mut is_new = true;
        for known in &*all {
            let agrees = known.used.iter().all(|u| number(u.0, u.1) == u.2);
            if !agrees {
                continue;
            }
            let is_same = known.below.as_ref().is_none_or(|other| *other == below);
            if known.outlined != own.outlined || is_same && known.actions != own.actions {
                return Err(format!("label {label}: {own:?}, elsewhere {known:?}"));
            }
            is_new &= known.used != own.used || known.below != own.below;
        }
        if is_new {
            all.push(own);
        }
        Ok(())
    }

    fn check_start(&mut self, machine: &Lr, top: Symbol) -> Result<(), String> {
        let outline = machine.outline(top).expect("an outline");
        if outline.begins_alike {
            let allowed = machine.states.allowed(top.0).map_err(|e| e.to_string())?;
            let known = self
                .allowed
                .entry(outline.number)
                .or_insert(allowed.clone());
            if *known != allowed {
                return Err(format!("{allowed:?} on {top:?}, elsewhere {known:?}"));
            }
        }
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Counts {
    decisions: usize,
    accepted: usize,
    symbols_read: usize,
    deepest: usize,
}

/// The parts of a case: the machine and its judges.
struct Case {
    machine: Lr,
    /// The terminal of the machine for each letter, if it has one.
    labels: Vec<Option<u32>>,
    book: Textbook,
    pager: Pager,
    /// The states that were on top of a stack in a walk.
    tops: RefCell<BTreeSet<u32>>,
    /// Which state of the textbook each of ours is, and back, as the walks found out.
    twins: RefCell<(BTreeMap<u32, usize>, BTreeMap<usize, u32>)>,
}

impl Case {
    /// The case of a grammar as drawn, if it is LR(1) and says something.
    fn new(bnf: &Bnf) -> Result<Case, &'static str> {
        Textbook::new(bnf).ok_or("not LR(1)")?;
        let text = bnf.text("=", " ;\n");
        let machine = match lr(&text) {
            Ok(machine) => machine,
            Err(e) => panic!("{e}\n{text}"),
        };
        let normal = machine.grammar();
        if normal.start().is_none() {
            return Err("only the empty text");
        }
        let mut labels = vec![None; LETTERS.len()];
        for (t, terminal) in normal.terminals().iter().enumerate() {
            let used = normal
                .productions()
                .iter()
                .any(|p| p.rhs.contains(&Sym::Terminal(t as u32)));
            match normal.regexes().node(terminal.regex) {
                _ if !used => {}
                RegexNode::Bytes(b) if b.len() == 1 => {
                    let letter = LETTERS.iter().position(|l| *l == b[0]).unwrap();
                    assert!(labels[letter].replace(t as u32).is_none(), "{text}");
                }
                _ => return Err("terminals of several letters"),
            }
        }
        let report = machine.conflicts().unwrap();
        assert!(
            report.is_deterministic(),
            "LR(1) as drawn:\n{text}\n{report}"
        );
        let book = Textbook::new(&Bnf::of(normal))
            .unwrap_or_else(|| panic!("not LR(1) in normal form\n{text}"));
        Ok(Case {
            // States come into being as the walk needs them.
            machine: lr(&text).unwrap(),
            labels,
            book,
            pager: Pager::new(bnf),
            tops: RefCell::default(),
            twins: RefCell::new(([(0, 0)].into(), [(0, 0)].into())),
        })
    }

    /// Random walks with all decisions compared at each stop.
    fn walk(&self, random: &mut Random, walks: usize, counts: &mut Counts) -> Result<(), String> {
        let (twins, back) = &mut *self.twins.borrow_mut();
        let mut outlines = Outlines::default();
        for _ in 0..walks {
            let mut ours = vec![self.machine.start()];
            let mut book = vec![0];
            let mut pager = vec![self.pager.table.start_state()];
            for _ in 0..24 {
                let mut ways = Vec::new();
                let top = ours[ours.len() - 1];
                self.tops.borrow_mut().insert(top.0);
                outlines.check_start(&self.machine, top)?;
                for letter in 0..LETTERS.len() as u32 {
                    let by_pager = self.pager.decide(&pager, letter);
                    let Some(label) = self.labels[letter as usize] else {
                        if by_pager.is_some() {
                            return Err(format!("letter {letter} is missing"));
                        }
                        continue;
                    };
                    let mut reader = Counting::new(&ours);
                    let actions = self.machine.step(&mut reader, &[label]);
                    let actions = actions.map_err(|e| format!("{e:?}"))?;
                    counts.decisions += 1;
                    counts.symbols_read += reader.read.len();
                    counts.deepest = counts.deepest.max(reader.read.len());
                    let by_book = self.book.decide(&book, label);
                    if actions.len() > 1
                        || by_book.is_some() != (actions.len() == 1)
                        || by_pager.is_some() != by_book.is_some()
                    {
                        return Err(format!(
                            "letter {letter} on {ours:?}: {actions:?}, textbook {by_book:?}, lrtable {by_pager:?}"
                        ));
                    }
                    outlines.check(&self.machine, label, &reader, &actions)?;
                    let ([action], Some(by_book), Some(by_pager)) =
                        (&actions[..], by_book, by_pager)
                    else {
                        continue;
                    };
                    counts.accepted += 1;
                    let next = super::tests::apply(&ours, action);
                    if next.len() != by_book.len() {
                        return Err(format!("{next:?} is not as deep as {by_book:?}"));
                    }
                    for (a, b) in next.iter().zip(&by_book) {
                        if *twins.entry(a.0).or_insert(*b) != *b
                            || *back.entry(*b).or_insert(a.0) != a.0
                        {
                            return Err(format!("{next:?} is not {by_book:?}"));
                        }
                    }
                    ways.push((next, by_book, by_pager));
                }
                let mut reader = Counting::new(&ours);
                let ends = self
                    .machine
                    .ends(&mut reader)
                    .map_err(|e| format!("{e:?}"))?;
                counts.decisions += 1;
                counts.symbols_read += reader.read.len();
                let by_book = match ours.len() {
                    1 => self.machine.grammar().has_empty_sentence(),
                    _ => self.book.decide(&book, END).is_some(),
                };
                let by_pager = self.pager.decide(&pager, END).is_some();
                if ends != by_book || ends != by_pager {
                    return Err(format!(
                        "end on {ours:?}: {ends}, textbook {by_book}, lrtable {by_pager}"
                    ));
                }
                if ways.is_empty() {
                    break;
                }
                (ours, book, pager) = ways.swap_remove(random.below(ways.len()));
            }
        }
        Ok(())
    }
}

/// Runs `check` on random LR(1) grammars until it has run on `wanted`.
fn for_random_grammars(wanted: usize, mut check: impl FnMut(&Bnf, Case, &mut Random)) {
    let mut random = Random(0x5eed);
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    let mut features = [0; 6];
    let (mut ran, mut round) = (0, 0);
    while ran < wanted {
        round += 1;
        assert!(round < 200 * wanted, "too few LR(1) grammars: {skipped:?}");
        let Some(bnf) = Bnf::draw(&mut random, round).reduced() else {
            *skipped.entry("derives nothing").or_default() += 1;
            continue;
        };
        match Case::new(&bnf) {
            Ok(case) => {
                check(&bnf, case, &mut random);
                ran += 1;
                for (n, has) in features.iter_mut().zip(bnf.features()) {
                    *n += usize::from(has);
                }
            }
            Err(why) => *skipped.entry(why).or_default() += 1,
        }
    }
    let [empty, left, right, centre, mutual, units] = features;
    println!(
        "{ran} LR(1) grammars: {empty} with empty rules, {left} left, {right} right, {centre} centre, \
         {mutual} mutually recursive, {units} with units; not used: {skipped:?}"
    );
    assert!(features.iter().all(|n| n * 50 >= wanted), "{features:?}");
}

#[test]
fn two_thousand_random_lr1_grammars_run_on_one_stack_like_two_other_parsers() {
    let mut counts = Counts::default();
    for_random_grammars(2_000, |bnf, case, random| {
        if let Err(e) = case.walk(random, 12, &mut counts) {
            panic!("{e}\n{}", bnf.text("=", " ;\n"));
        }
    });
    println!(
        "{counts:?}: {:.2} stack symbols read a decision",
        counts.symbols_read as f64 / counts.decisions as f64
    );
    assert!(counts.decisions >= 500_000 && counts.accepted >= 50_000);
    assert!(counts.symbols_read <= 2 * counts.decisions);
}

#[test]
fn every_fault_in_the_tables_is_found() {
    let (mut found, mut faults) = (0, [0; 4]);
    for_random_grammars(150, |bnf, mut case, random| {
        let text = || bnf.text("=", " ;\n");
        case.walk(&mut Random(7), 8, &mut Counts::default())
            .unwrap_or_else(|e| panic!("{e}\n{}", text()));
        for (kind, faults) in faults.iter_mut().enumerate() {
            let Some(mut fault) = case
                .machine
                .states
                .pick_fault(kind, &case.tops.borrow(), |n| random.below(n))
            else {
                continue;
            };
            *faults += 1;
            case.machine.states.toggle(&mut fault);
            // The same walk as before, so the entry is read again.
            match case.walk(&mut Random(7), 8, &mut Counts::default()) {
                Err(_) => found += 1,
                Ok(()) => panic!("{fault:?} goes unnoticed\n{}", text()),
            }
            case.machine.states.toggle(&mut fault);
            assert!(case.walk(&mut Random(7), 8, &mut Counts::default()).is_ok());
        }
    });
    println!(
        "{found} faults found: gotos dropped, shifts dropped, shifts turned, lookaheads dropped: {faults:?}"
    );
    assert!(faults.iter().all(|n| *n >= 40), "{faults:?}");
}
