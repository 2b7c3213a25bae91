//! A small machine that is easy to believe in: a table of (top symbol, terminal) → actions, a lexer
//! by subset construction, and rows by trying every token on plain vectors.
//!
//! The reference simulation below follows the text of `maskwright_tables::machine` word for word
//! and shares nothing with the matcher: no persistent stacks, no early ending of lexemes.
#![allow(dead_code)]

use maskwright_tables::vocabulary::TokenEntry;
use maskwright_tables::{
    Crossing, LabelSet, LexState, Limits, Machine, RowRef, RunError, StackAction, StackView,
    Symbol, TokenId, TokenKind, Tokens, Vocabulary,
};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};

/// A pattern is a sequence of byte classes, each once or once and more.
type Pattern = Vec<(&'static str, bool)>;

/// A grammar: terminals, and for each top symbol what each terminal does.
pub struct Grammar {
    pub name: &'static str,
    terminals: Vec<Pattern>,
    /// (top symbol, terminal, pop, push).
    rules: Vec<(u32, usize, u32, Vec<u32>)>,
    start: u32,
    ends: Vec<u32>,
    /// Bytes from which tokens are made.
    alphabet: &'static str,
}

fn literal(text: &'static str) -> Pattern {
    (0..text.len()).map(|i| (&text[i..=i], false)).collect()
}

/// Two kinds of brackets with lexemes of two bytes. The stack grows with the nesting.
pub fn dyck() -> Grammar {
    let mut rules = Vec::new();
    for top in 0..3 {
        rules.push((top, 0, 0, vec![1]));
        rules.push((top, 2, 0, vec![2]));
    }
    rules.push((1, 1, 1, vec![]));
    rules.push((2, 3, 1, vec![]));
    Grammar {
        name: "dyck",
        terminals: vec![literal("<<"), literal(">>"), literal("[["), literal("]]")],
        rules,
        start: 0,
        ends: vec![0],
        alphabet: "<>[]",
    }
}

/// `"list" | "listen"`, then `"ed"`: both ends of the first lexeme must stay alive.
pub fn listed() -> Grammar {
    Grammar {
        name: "listed",
        terminals: vec![literal("list"), literal("listen"), literal("ed")],
        rules: vec![(0, 0, 1, vec![1]), (0, 1, 1, vec![1]), (1, 2, 1, vec![2])],
        start: 0,
        ends: vec![2],
        alphabet: "listend",
    }
}

/// Numbers and nested lists of them.
pub fn lists() -> Grammar {
    let (open, close, comma, number) = (0, 1, 2, 3);
    Grammar {
        name: "lists",
        terminals: vec![
            literal("["),
            literal("]"),
            literal(","),
            vec![("0123456789", true)],
        ],
        rules: vec![
            (0, open, 1, vec![9, 1]),
            (0, number, 1, vec![9]),
            (1, close, 1, vec![]),
            (1, number, 1, vec![2]),
            (1, open, 1, vec![2, 1]),
            (2, comma, 1, vec![3]),
            (2, close, 1, vec![]),
            (3, number, 1, vec![2]),
            (3, open, 1, vec![2, 1]),
        ],
        start: 0,
        ends: vec![9],
        alphabet: "[],12",
    }
}

/// Even palindromes: the middle is guessed, so that there are many stacks at once.
pub fn palindromes() -> Grammar {
    let mut rules = Vec::new();
    for (terminal, symbol) in [(0, 1), (1, 2)] {
        rules.push((0, terminal, 1, vec![9, symbol, 3]));
        rules.push((0, terminal, 1, vec![9, symbol]));
        rules.push((3, terminal, 1, vec![symbol, 3]));
        rules.push((3, terminal, 1, vec![symbol]));
        rules.push((symbol, terminal, 1, vec![]));
    }
    Grammar {
        name: "palindromes",
        terminals: vec![literal("a"), literal("b")],
        rules,
        start: 0,
        ends: vec![9],
        alphabet: "ab",
    }
}

/// Words and spaces, where the word `x` has two readings that lead to the same stack.
pub fn words() -> Grammar {
    Grammar {
        name: "words",
        terminals: vec![literal("x"), vec![("xyz", true)], literal(" ")],
        rules: vec![(0, 0, 1, vec![1]), (0, 1, 1, vec![1]), (1, 2, 1, vec![0])],
        start: 0,
        ends: vec![1],
        alphabet: "xyz ",
    }
}

/// `"a" X "1" | "b" X "2"` with X = `[x-z]+`: what may follow X depends on the first byte.
pub fn agreement() -> Grammar {
    let (a, b, x, one, two) = (0, 1, 2, 3, 4);
    Grammar {
        name: "agreement",
        terminals: vec![
            literal("a"),
            literal("b"),
            vec![("xyz", true)],
            literal("1"),
            literal("2"),
        ],
        rules: vec![
            (0, a, 1, vec![1]),
            (0, b, 1, vec![2]),
            (1, x, 1, vec![3]),
            (2, x, 1, vec![4]),
            (3, one, 1, vec![9]),
            (4, two, 1, vec![9]),
        ],
        start: 0,
        ends: vec![9],
        alphabet: "abxyz12",
    }
}

/// A text that is forced but for one choice: `"key: " ("yes" | "no") " end"`.
pub fn forced() -> Grammar {
    Grammar {
        name: "forced",
        terminals: vec![
            literal("key: "),
            literal("yes"),
            literal("no"),
            literal(" end"),
        ],
        rules: vec![
            (0, 0, 1, vec![1]),
            (1, 1, 1, vec![2]),
            (1, 2, 1, vec![2]),
            (2, 3, 1, vec![9]),
        ],
        start: 0,
        ends: vec![9],
        alphabet: "key: snod",
    }
}

/// Two names with different ends: what ending a name does depends on the stack.
pub fn stages() -> Grammar {
    Grammar {
        name: "stages",
        terminals: vec![vec![("xy", true)], literal(";"), literal(".")],
        rules: vec![
            (0, 0, 1, vec![1]),
            (1, 1, 1, vec![2]),
            (2, 0, 1, vec![3]),
            (3, 2, 1, vec![9]),
        ],
        start: 0,
        ends: vec![9],
        alphabet: "xy;.",
    }
}

/// `"a"*`, each `a` a step in place. Either the text may end everywhere or nowhere.
pub fn repeat(ends: bool) -> Grammar {
    Grammar {
        name: "repeat",
        terminals: vec![literal("a")],
        rules: vec![(0, 0, 1, vec![0])],
        start: 0,
        ends: if ends { vec![0] } else { vec![] },
        alphabet: "a",
    }
}

pub fn all() -> Vec<Grammar> {
    vec![
        dyck(),
        listed(),
        lists(),
        palindromes(),
        words(),
        agreement(),
        forced(),
        stages(),
        repeat(true),
    ]
}

/// All strings of up to three bytes of a small alphabet (two of a large one), some longer ones,
/// doubles, two end tokens, a control token, a hole, and padding up to an odd width.
pub fn vocabulary(alphabet: &str, longer: &[&str]) -> Arc<Vocabulary> {
    let singles: Vec<String> = alphabet.chars().map(String::from).collect();
    let mut texts = singles.clone();
    let mut last = singles.clone();
    for _ in 0..if singles.len() <= 5 { 2 } else { 1 } {
        last = last
            .iter()
            .flat_map(|t| singles.iter().map(move |s| format!("{t}{s}")))
            .collect();
        texts.extend(last.iter().cloned());
    }
    texts.extend(longer.iter().map(|t| t.to_string()));
    texts.push(singles[0].clone());
    let mut entries: Vec<TokenEntry> = Vec::new();
    let mut add = |id: usize, bytes: &str, kind| {
        entries.push(TokenEntry {
            id: id as u32,
            bytes: bytes.as_bytes().to_vec(),
            kind,
        });
    };
    // End tokens at both ends of the id space, a hole at 2.
    add(0, "<eos>", TokenKind::Special);
    add(1, &singles[0], TokenKind::Special);
    for (i, text) in texts.iter().enumerate() {
        add(i + 3, text, TokenKind::Text);
    }
    add(texts.len() + 3, "<eot>", TokenKind::Special);
    let end = texts.len() as u32 + 3;
    Arc::new(Vocabulary::new("toy", entries, &[0, end], Some(end as usize + 8)).unwrap())
}

const LONGER: &[&str] = &[
    "listed", "listened", "isten", "sten", "ened", "12,12", "]],[", "[[1],", "1],[[2", "<<<<<<<",
    ">>]]", "[[<<>>]]", "abba", "aabbaa", "xyz xyz", "x y", "ax1", "xyzz1", "key: ", "es e",
    "\u{e9}",
];

/// A row as the reference finds it.
struct ToyRow {
    few: Vec<TokenId>,
    words: Vec<u32>,
    extra: Vec<TokenId>,
    ends: bool,
}

/// A lexical state.
struct Lex {
    next: Vec<LexState>,
    labels: LabelSet,
    is_fresh: bool,
    is_final: bool,
}

/// A thread of the reference simulation.
pub type Plain = (LexState, Vec<Symbol>);

pub struct Toy {
    vocabulary: Arc<Vocabulary>,
    limits: Limits,
    start: Symbol,
    ends: BTreeSet<Symbol>,
    lexer: Vec<Lex>,
    /// For each symbol.
    starts: Vec<LexState>,
    /// For each symbol and each label set.
    actions: Vec<Vec<Vec<StackAction>>>,
    rows: Mutex<HashMap<Plain, &'static ToyRow>>,
}

/// A toy as matchers take machines.
pub fn machine(toy: &Arc<Toy>) -> Arc<dyn Machine> {
    Arc::clone(toy) as Arc<dyn Machine>
}

impl std::fmt::Debug for Toy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Toy").finish_non_exhaustive()
    }
}

impl Toy {
    pub fn new(grammar: &Grammar) -> Arc<Self> {
        Self::with(
            grammar,
            vocabulary(grammar.alphabet, LONGER),
            Limits::default(),
        )
    }

    pub fn with(grammar: &Grammar, vocabulary: Arc<Vocabulary>, limits: Limits) -> Arc<Self> {
        // Lexical states are sets of (terminal, elements matched); `true` marks the fresh ones.
        type Set = (BTreeSet<(usize, usize)>, bool);
        let mut sets: Vec<Set> = vec![(BTreeSet::new(), false)];
        let symbols = grammar
            .rules
            .iter()
            .flat_map(|r| r.3.iter().copied().chain([r.0]));
        let symbols = 1 + symbols.max().unwrap_or(0) as usize;
        let mut starts = vec![LexState::DEAD; symbols];
        for (top, ..) in &grammar.rules {
            let set = grammar
                .rules
                .iter()
                .filter(|r| r.0 == *top)
                .map(|r| (r.1, 0))
                .collect();
            let set = (set, true);
            let state = sets.iter().position(|s| *s == set).unwrap_or_else(|| {
                sets.push(set);
                sets.len() - 1
            });
            starts[*top as usize] = LexState(state as u32);
        }
        let mut labels: Vec<BTreeSet<usize>> = vec![BTreeSet::new()];
        let mut lexer = Vec::new();
        let mut i = 0;
        while i < sets.len() {
            let accepted = sets[i]
                .0
                .iter()
                .filter(|p| grammar.terminals[p.0].len() == p.1);
            let accepted: BTreeSet<usize> = accepted.map(|p| p.0).collect();
            let label = labels
                .iter()
                .position(|l| *l == accepted)
                .unwrap_or_else(|| {
                    labels.push(accepted);
                    labels.len() - 1
                });
            let mut next = Vec::new();
            for byte in 0..=255u8 {
                let mut set = BTreeSet::new();
                for &(t, n) in &sets[i].0 {
                    let pattern = &grammar.terminals[t];
                    if pattern
                        .get(n)
                        .is_some_and(|e| e.0.as_bytes().contains(&byte))
                    {
                        set.insert((t, n + 1));
                    }
                    if n > 0 && pattern[n - 1].1 && pattern[n - 1].0.as_bytes().contains(&byte) {
                        set.insert((t, n));
                    }
                }
                let set = (set, false);
                next.push(LexState(
                    sets.iter().position(|s| *s == set).unwrap_or_else(|| {
                        sets.push(set);
                        sets.len() - 1
                    }) as u32,
                ));
            }
            let is_final = label != 0 && next.iter().all(|s| *s == LexState::DEAD);
            lexer.push(Lex {
                next,
                labels: LabelSet(label as u32),
                is_fresh: sets[i].1,
                is_final,
            });
            i += 1;
        }
        let action = |r: &(u32, usize, u32, Vec<u32>)| StackAction {
            pop: r.2,
            push: r.3.iter().copied().map(Symbol).collect(),
        };
        let list = |top: usize, terminals: &BTreeSet<usize>| {
            let rules = grammar.rules.iter();
            rules
                .filter(|r| r.0 as usize == top && terminals.contains(&r.1))
                .map(action)
                .collect()
        };
        let actions = (0..symbols)
            .map(|top| labels.iter().map(|l| list(top, l)).collect())
            .collect();
        Arc::new(Toy {
            vocabulary,
            limits,
            start: Symbol(grammar.start),
            ends: grammar.ends.iter().copied().map(Symbol).collect(),
            lexer,
            starts,
            actions,
            rows: Mutex::default(),
        })
    }

    fn start_of(&self, stack: &[Symbol]) -> LexState {
        stack
            .last()
            .map_or(LexState::DEAD, |top| self.starts[top.index()])
    }

    fn actions_of(&self, stack: &[Symbol], labels: LabelSet) -> &[StackAction] {
        stack
            .last()
            .map_or(&[], |top| &self.actions[top.index()][labels.index()])
    }

    /// The stacks after the lexeme under way is ended.
    fn ended(&self, (lex, stack): &Plain) -> Vec<Vec<Symbol>> {
        let apply = |a: &StackAction| -> Vec<Symbol> {
            let kept = &stack[..stack.len() - a.pop as usize];
            kept.iter().chain(&*a.push).copied().collect()
        };
        self.actions_of(stack, self.lexer[lex.index()].labels)
            .iter()
            .map(apply)
            .collect()
    }

    /// The reference: the threads after `bytes`.
    fn simulate(&self, mut threads: Vec<Plain>, bytes: &[u8]) -> Vec<Plain> {
        for &byte in bytes {
            let mut after = BTreeSet::new();
            for thread in &threads {
                let next = self.lexer[thread.0.index()].next[byte as usize];
                after.insert((next, thread.1.clone()));
                for stack in self.ended(thread) {
                    after.insert((
                        self.lexer[self.start_of(&stack).index()].next[byte as usize],
                        stack,
                    ));
                }
            }
            threads = after
                .into_iter()
                .filter(|t| t.0 != LexState::DEAD)
                .collect();
        }
        threads
    }

    fn first(&self) -> Vec<Plain> {
        vec![(self.start_of(&[self.start]), vec![self.start])]
    }

    /// Whether `text` begins a sentence.
    pub fn is_viable(&self, text: &[u8]) -> bool {
        !self.simulate(self.first(), text).is_empty()
    }

    /// Whether `text` is a sentence.
    pub fn is_sentence(&self, text: &[u8]) -> bool {
        self.simulate(self.first(), text)
            .iter()
            .any(|t| self.is_end(t))
    }

    fn is_end(&self, thread: &Plain) -> bool {
        let top_ends = |stack: &[Symbol]| stack.last().is_some_and(|top| self.ends.contains(top));
        let fresh = thread.0 == self.start_of(&thread.1);
        (fresh && top_ends(&thread.1)) || self.ended(thread).iter().any(|s| top_ends(s))
    }
}

fn plain(stack: &dyn StackView) -> Vec<Symbol> {
    let mut symbols: Vec<Symbol> = (0..).map_while(|depth| stack.symbol(depth)).collect();
    symbols.reverse();
    symbols
}

impl Machine for Toy {
    fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    fn limits(&self) -> &Limits {
        &self.limits
    }

    fn start(&self) -> Symbol {
        self.start
    }

    fn lex_start(&self, top: Symbol) -> Result<LexState, RunError> {
        Ok(self.starts[top.index()])
    }

    fn lex_next(&self, state: LexState, byte: u8) -> Result<LexState, RunError> {
        assert_ne!(state, LexState::DEAD, "the dead state is never asked");
        Ok(self.lexer[state.index()].next[byte as usize])
    }

    fn lex_accept(&self, state: LexState) -> LabelSet {
        self.lexer[state.index()].labels
    }

    fn lex_is_fresh(&self, state: LexState) -> bool {
        self.lexer[state.index()].is_fresh
    }

    fn lex_is_final(&self, state: LexState) -> bool {
        self.lexer[state.index()].is_final
    }

    fn step(&self, stack: &dyn StackView, labels: LabelSet) -> Result<&[StackAction], RunError> {
        assert_ne!(
            labels,
            LabelSet::NONE,
            "a lexeme that does not match is never ended"
        );
        Ok(stack
            .symbol(0)
            .map_or(&[], |top| &self.actions[top.index()][labels.index()]))
    }

    fn ends(&self, stack: &dyn StackView) -> Result<bool, RunError> {
        Ok(stack.symbol(0).is_some_and(|top| self.ends.contains(&top)))
    }

    fn row(&self, state: LexState, stack: &dyn StackView) -> Result<RowRef<'_>, RunError> {
        let thread = (state, plain(stack));
        let mut rows = self.rows.lock().unwrap();
        // Rows live as long as the test: a borrow cannot leave the lock otherwise.
        let row: &'static ToyRow = rows.entry(thread.clone()).or_insert_with(|| {
            let mut row = ToyRow {
                few: Vec::new(),
                words: vec![0; self.vocabulary.mask_words()],
                extra: Vec::new(),
                ends: self.is_end(&thread),
            };
            for (token, bytes) in self.vocabulary.text_tokens() {
                if !self.simulate(vec![thread.clone()], bytes).is_empty() {
                    row.few.push(token);
                }
            }
            for (i, token) in row.few.iter().enumerate() {
                // The two parts of a union may overlap.
                if i % 3 != 0 {
                    row.words[token.index() / 32] |= 1 << (token.0 % 32);
                }
                if i % 3 != 1 {
                    row.extra.push(*token);
                }
            }
            if row.few.len() % 3 == 1 {
                for token in row.extra.drain(..) {
                    row.words[token.index() / 32] |= 1 << (token.0 % 32);
                }
            }
            if !row.extra.is_empty() && !self.vocabulary.width().is_multiple_of(32) {
                // A machine that breaks its promise: the tail is not zero.
                *row.words.last_mut().unwrap() |= 1 << 31;
            }
            Box::leak(Box::new(row))
        });
        let tokens = match row.few.len() % 3 {
            0 => Tokens::Few(&row.few),
            1 if !row.few.is_empty() && row.extra.is_empty() => Tokens::Dense(&row.words),
            _ => Tokens::Union(&row.words, &row.extra),
        };
        Ok(RowRef {
            tokens,
            ends: row.ends,
            crossing: Crossing::default(),
        })
    }
}

/// A small deterministic source of choices.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678)
    }

    pub fn roll(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % n
    }
}

/// The tokens whose bits are set.
pub fn bits(mask: &[u32]) -> Vec<TokenId> {
    (0..mask.len() as u32 * 32)
        .filter(|t| mask[*t as usize / 32] >> (t % 32) & 1 == 1)
        .map(TokenId)
        .collect()
}
