//! Removes what no sentence needs, and tells the author which rules those are.
//!
//! A nonterminal is *productive* when it derives some sequence of usable terminals, and *reachable*
//! when a sentence form from the start contains it; productions with anything else are useless.

use super::Sym;
use super::draft::Draft;
use super::fuse::Fused;
use crate::horn::Clauses;
use crate::{Diagnostic, Diagnostics, Grammar, RegexNode, RegexPool, RuleId};

/// Which nonterminals are productive.
fn productive(draft: &Draft, usable: impl Fn(u32) -> bool) -> Vec<bool> {
    let mut clauses = Clauses::new(draft.nonterminals.len());
    for p in &draft.productions {
        if p.rhs.iter().all(|s| {
            if let Sym::Terminal(t) = *s {
                usable(t)
            } else {
                true
            }
        }) {
            let body = p.rhs.iter().filter_map(|s| {
                if let Sym::Nonterminal(n) = *s {
                    Some(n)
                } else {
                    None
                }
            });
            clauses.add(p.lhs, body);
        }
    }
    clauses.holds()
}

/// Removes the productions that are useless when only some terminals are usable.
pub(super) fn remove(draft: &mut Draft, usable: impl Fn(u32) -> bool) {
    let productive = productive(draft, &usable);
    draft.productions.retain(|p| {
        p.rhs.iter().all(|s| match *s {
            Sym::Terminal(t) => usable(t),
            Sym::Nonterminal(n) => productive[n as usize],
        })
    });
    let by_lhs = draft.by_lhs();
    let mut reachable = vec![false; draft.nonterminals.len()];
    let mut stack = vec![draft.start];
    reachable[draft.start as usize] = true;
    while let Some(n) = stack.pop() {
        for &p in &by_lhs[n as usize] {
            for s in &draft.productions[p as usize].rhs {
                if let Sym::Nonterminal(m) = *s
                    && !std::mem::replace(&mut reachable[m as usize], true)
                {
                    stack.push(m);
                }
            }
        }
    }
    draft.productions.retain(|p| reachable[p.lhs as usize]);
}

/// The rules that no sentence can contain, as warnings.
///
/// # Errors
/// When the start rule is among those that never end.
pub(super) fn report(
    grammar: &Grammar,
    fused: &Fused,
    draft: &Draft,
    regexes: &RegexPool,
) -> Result<Vec<Diagnostic>, Diagnostics> {
    let never = |t: u32| *regexes.node(draft.terminals[t as usize].regex) == RegexNode::Never;
    let productive = productive(draft, |t| !never(t));
    let Some(start) = grammar.start else {
        return Ok(Vec::new());
    };
    let mut used = vec![false; grammar.rules.len()];
    let mut stack = vec![start.0];
    used[start.0 as usize] = true;
    while let Some(rule) = stack.pop() {
        for &u in &fused.uses[rule as usize] {
            if !std::mem::replace(&mut used[u as usize], true) {
                stack.push(u);
            }
        }
    }
    let ends = |r: usize| fused.rules[r].is_some() || productive[r];
    if !ends(start.0 as usize) {
        let mut errors = vec![empty_language(grammar, start)];
        for (r, rule) in grammar
            .rules
            .iter()
            .enumerate()
            .filter(|(r, _)| *r != start.0 as usize)
        {
            if used[r] && !ends(r) {
                errors.push(never_ends(&rule.name, rule.place.clone()));
            }
        }
        return Err(Diagnostics(errors));
    }
    let mut warnings = Vec::new();
    for (r, rule) in grammar.rules.iter().enumerate() {
        if !used[r] {
            warnings.push(
                Diagnostic::new(
                    "unused-rule",
                    format!("`{}` is not used by any sentence", rule.name),
                    rule.place.clone(),
                )
                .with_help("remove it, or use it in a rule that the start rule reaches"),
            );
        } else if !ends(r) {
            warnings.push(never_ends(&rule.name, rule.place.clone()));
        }
    }
    Ok(warnings)
}

fn never_ends(name: &str, place: crate::Place) -> Diagnostic {
    Diagnostic::new(
        "endless-rule",
        format!("`{name}` matches nothing: each alternative needs something endless"),
        place,
    )
    .with_help("give it an alternative that does not need itself")
}

/// The error of a grammar without sentences.
pub(super) fn empty_language(grammar: &Grammar, start: RuleId) -> Diagnostic {
    let rule = &grammar.rules[start.0 as usize];
    Diagnostic::new(
        "empty-language",
        format!(
            "the start rule `{}` matches nothing: no text can ever complete it",
            rule.name
        ),
        rule.place.clone(),
    )
    .with_help("give each rule in the cycle an alternative that does not need the cycle")
}
