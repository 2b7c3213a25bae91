//! Grammar × vocabulary: can a text be completed with these tokens?
//!
//! The texts `prefix · token*` are the paths of a small nondeterministic automaton: a chain for the
//! prefix, then the vocabulary's prefix tree with an edge back to its root where a token ends. The
//! grammar derives one of them if and only if the usual chart rules, with automaton states in the
//! place of positions, complete the start rule between the first state and the tree's root. The
//! chart is closed to a fixpoint; nothing is assumed about the order of states.

use super::{Oracle, OracleError};
use maskwright_grammar::ir::ExprId;
use maskwright_grammar::{Expr, TerminalId};
use maskwright_tables::Vocabulary;
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};
use std::collections::{BTreeMap, BTreeSet};

/// How many chart entries one question may create.
const CHART_BUDGET: usize = 2_000_000;

type State = usize;

/// The chain of the prefix, then the prefix tree of the text tokens.
struct Paths {
    edges: Vec<BTreeMap<u8, Vec<State>>>,
    last: State,
}

impl Paths {
    fn new(prefix: &[u8], vocabulary: &Vocabulary) -> Self {
        let mut edges: Vec<BTreeMap<u8, Vec<State>>> = vec![BTreeMap::new(); prefix.len() + 1];
        for (i, b) in prefix.iter().enumerate() {
            edges[i].insert(*b, vec![i + 1]);
        }
        let root = prefix.len();
        let mut tree: HashMap<&[u8], State> = HashMap::default();
        for (_, bytes) in vocabulary.text_tokens() {
            for cut in 1..=bytes.len() {
                let from = tree.get(&bytes[..cut - 1]).copied().unwrap_or(root);
                let mut to = Vec::new();
                if cut == bytes.len() {
                    to.push(root);
                } else {
                    to.push(*tree.entry(&bytes[..cut]).or_insert_with(|| {
                        edges.push(BTreeMap::new());
                        edges.len() - 1
                    }));
                }
                let targets = edges[from].entry(bytes[cut - 1]).or_default();
                to.retain(|t| !targets.contains(t));
                targets.extend(to);
            }
        }
        Paths { edges, last: root }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Item {
    expr: ExprId,
    choice: u32,
    dot: u32,
    origin: State,
    at: State,
}

/// Whether `text` followed by some tokens is a sentence.
pub(super) fn viable_with(
    oracle: &Oracle,
    text: &[u8],
    vocabulary: &Vocabulary,
) -> Result<bool, OracleError> {
    let paths = Paths::new(text, vocabulary);
    let mut lexemes: HashMap<(TerminalId, State), Vec<State>> = HashMap::default();
    let mut items: HashSet<Item> = HashSet::default();
    let mut waiting: HashMap<(ExprId, State), Vec<Item>> = HashMap::default();
    let mut complete: HashMap<(ExprId, State), BTreeSet<State>> = HashMap::default();
    let mut agenda = Vec::new();
    predict(oracle, oracle.start, 0, &mut agenda);
    while let Some(item) = agenda.pop() {
        if !items.insert(item) {
            continue;
        }
        if items.len() > CHART_BUDGET {
            return Err(OracleError::Budget("chart entries"));
        }
        if let (Expr::Terminal(terminal), 0) = (oracle.expr(item.expr), item.dot) {
            for to in ends(oracle, &paths, &mut lexemes, *terminal, item.at)? {
                agenda.push(Item {
                    dot: 1,
                    at: to,
                    ..item
                });
            }
            if oracle
                .languages
                .borrow()
                .is_nullable(oracle.terminal(*terminal))
            {
                agenda.push(Item { dot: 1, ..item });
            }
            for ignored in &oracle.grammar.ignore {
                for to in ends(oracle, &paths, &mut lexemes, *ignored, item.at)? {
                    agenda.push(Item { at: to, ..item });
                }
            }
        }
        if let Some(part) = oracle.waits_on(item.expr, item.choice, item.dot) {
            waiting.entry((part, item.at)).or_default().push(item);
            predict(oracle, part, item.at, &mut agenda);
            for to in complete.get(&(part, item.at)).into_iter().flatten() {
                agenda.push(Item {
                    dot: oracle.next_dot(item.expr, item.dot),
                    at: *to,
                    ..item
                });
            }
        }
        if oracle.is_complete(item.expr, item.dot)
            && complete
                .entry((item.expr, item.origin))
                .or_default()
                .insert(item.at)
        {
            for waiter in waiting.get(&(item.expr, item.origin)).into_iter().flatten() {
                agenda.push(Item {
                    dot: oracle.next_dot(waiter.expr, waiter.dot),
                    at: item.at,
                    ..*waiter
                });
            }
        }
    }
    // Ignored lexemes may follow the sentence.
    let mut reached = BTreeSet::new();
    let mut open: Vec<State> = complete
        .get(&(oracle.start, 0))
        .into_iter()
        .flatten()
        .copied()
        .collect();
    while let Some(state) = open.pop() {
        if reached.insert(state) {
            for ignored in &oracle.grammar.ignore {
                open.extend(ends(oracle, &paths, &mut lexemes, *ignored, state)?);
            }
        }
    }
    Ok(reached.contains(&paths.last))
}

fn predict(oracle: &Oracle, expr: ExprId, at: State, agenda: &mut Vec<Item>) {
    let choices = if let Expr::Alt(parts) = oracle.expr(expr) {
        parts.len() as u32
    } else {
        1
    };
    agenda.extend((0..choices).map(|choice| Item {
        expr,
        choice,
        dot: 0,
        origin: at,
        at,
    }));
}

/// Where lexemes of the terminal that begin in `from` may end.
fn ends(
    oracle: &Oracle,
    paths: &Paths,
    known: &mut HashMap<(TerminalId, State), Vec<State>>,
    terminal: TerminalId,
    from: State,
) -> Result<Vec<State>, OracleError> {
    if let Some(states) = known.get(&(terminal, from)) {
        return Ok(states.clone());
    }
    let mut languages = oracle.languages.borrow_mut();
    let mut found = BTreeSet::new();
    let mut seen = HashSet::default();
    let mut open = vec![(oracle.terminal(terminal), from)];
    while let Some((rest, state)) = open.pop() {
        for (byte, targets) in &paths.edges[state] {
            let rest = languages.derive(rest, *byte);
            if !languages.is_live(rest)? {
                continue;
            }
            for to in targets {
                if seen.insert((rest, *to)) {
                    if languages.is_nullable(rest) {
                        found.insert(*to);
                    }
                    open.push((rest, *to));
                }
            }
        }
        if seen.len() > CHART_BUDGET {
            return Err(OracleError::Budget("lexeme ends"));
        }
    }
    let states: Vec<State> = found.into_iter().collect();
    known.insert((terminal, from), states.clone());
    Ok(states)
}
