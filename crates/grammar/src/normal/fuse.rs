//! Finds the parts of right sides that become one terminal.
//!
//! A part is *regular* when it is built from literals and classes, by sequences, choices, repeats
//! and rules that are not recursive. A regular part with a repeat in it is worth a terminal: a run of
//! characters is then one lexeme instead of one reduction a character. The language stays the same,
//! because lexemes are not cut by longest match: only where something is ignored would the
//! ignored text be lost between the pieces, and there nothing is fused.
//!
//! Parts without a repeat are left alone: fused, `"a" | "b"` could overlap another terminal where
//! the grammar as written tells them apart. Terminals with regexes of their own are left alone too:
//! they are the author's units, and their rows are shared between all places that use them.

use crate::ir::ExprId;
use crate::notation::alternatives;
use crate::{Expr, Grammar, RegexId, RegexNode, RegexPool};
use petgraph::algo::kosaraju_scc;
use petgraph::graph::{DiGraph, NodeIndex};

/// What becomes one terminal.
pub(super) struct Fused {
    /// For each entry of [`Grammar::exprs`], its regex if it becomes one terminal.
    pub(super) exprs: Vec<Option<RegexId>>,
    /// The same for each rule's whole right side.
    pub(super) rules: Vec<Option<RegexId>>,
    /// The rules that each rule uses.
    pub(super) uses: Vec<Vec<u32>>,
}

/// A regular part: its regex, and whether there is a repeat in it.
type Regular = Option<(RegexId, bool)>;

/// Finds them.
pub(super) fn fuse(grammar: &Grammar, regexes: &mut RegexPool) -> Fused {
    let trees: Vec<Vec<ExprId>> = grammar
        .rules
        .iter()
        .map(|r| tree(grammar, r.expr))
        .collect();
    let uses: Vec<Vec<u32>> = trees
        .iter()
        .map(|tree| {
            let mut uses: Vec<u32> = tree
                .iter()
                .filter_map(|e| {
                    if let Expr::Rule(r) = grammar.expr(*e) {
                        Some(r.0)
                    } else {
                        None
                    }
                })
                .collect();
            uses.sort_unstable();
            uses.dedup();
            uses
        })
        .collect();
    let mut rules: Vec<Regular> = vec![None; grammar.rules.len()];
    let mut exprs: Vec<Regular> = vec![None; grammar.exprs.len()];
    if grammar.ignore.is_empty() {
        for rule in rules_in_order(&uses) {
            for &e in &trees[rule as usize] {
                exprs[e.0 as usize] = regular(grammar, e, &exprs, &rules, regexes);
            }
            if uses[rule as usize].iter().all(|&used| used != rule) {
                rules[rule as usize] = exprs[grammar.rules[rule as usize].expr.0 as usize];
            }
        }
    }
    let keep = |r: Regular| r.filter(|(_, repeats)| *repeats).map(|(regex, _)| regex);
    Fused {
        exprs: exprs.into_iter().map(keep).collect(),
        rules: rules.into_iter().map(keep).collect(),
        uses,
    }
}

/// The entries of a right side, children first.
fn tree(grammar: &Grammar, root: ExprId) -> Vec<ExprId> {
    let mut seen = rustc_hash::FxHashSet::default();
    let mut stack = vec![root];
    let mut tree = Vec::new();
    while let Some(e) = stack.pop() {
        if !seen.insert(e) {
            continue;
        }
        tree.push(e);
        match grammar.expr(e) {
            Expr::Seq(parts) | Expr::Alt(parts) => stack.extend(parts),
            Expr::Repeat { expr, .. } => stack.push(*expr),
            _ => {}
        }
    }
    // Children have smaller ids than their parents.
    tree.sort_unstable();
    tree
}

/// The rules, each after those that it uses, except in cycles.
fn rules_in_order(uses: &[Vec<u32>]) -> Vec<u32> {
    let mut graph: DiGraph<(), (), u32> = DiGraph::with_capacity(uses.len(), 0);
    for _ in uses {
        graph.add_node(());
    }
    for (rule, used) in uses.iter().enumerate() {
        for &u in used {
            graph.add_edge(NodeIndex::new(rule), NodeIndex::new(u as usize), ());
        }
    }
    // In a cycle, some rule is met before one that it uses: its tree is then not regular, since
    // rules that are not done yet count as not regular, and neither is any other of the cycle.
    kosaraju_scc(&graph)
        .into_iter()
        .flatten()
        .map(|n| n.index() as u32)
        .collect()
}

fn regular(
    grammar: &Grammar,
    e: ExprId,
    exprs: &[Regular],
    rules: &[Regular],
    pool: &mut RegexPool,
) -> Regular {
    let of = |e: &ExprId| exprs[e.0 as usize];
    match grammar.expr(e) {
        Expr::Empty => Some((pool.empty(), false)),
        Expr::Terminal(t) => {
            let regex = grammar.terminals[t.0 as usize].regex;
            matches!(
                pool.node(regex),
                RegexNode::Bytes(_) | RegexNode::Class(_) | RegexNode::ByteClass(_)
            )
            .then_some((regex, false))
        }
        Expr::Rule(r) => rules[r.0 as usize],
        Expr::Seq(parts) => {
            let all: Vec<(RegexId, bool)> = parts.iter().map(of).collect::<Option<_>>()?;
            Some((
                pool.concat(all.iter().map(|p| p.0)),
                all.iter().any(|p| p.1),
            ))
        }
        Expr::Alt(parts) => {
            let all: Vec<(RegexId, bool)> = parts.iter().map(of).collect::<Option<_>>()?;
            let many = all.len() >= 64;
            let repeats = many || all.iter().any(|p| p.1);
            Some((
                alternatives(pool, all.iter().map(|p| p.0).collect()),
                repeats,
            ))
        }
        Expr::Repeat { expr, min, max } => {
            let (inner, repeats) = of(expr)?;
            Some((
                pool.repeat(inner, *min, *max),
                repeats || max.is_none_or(|max| max > 1),
            ))
        }
    }
}
