//! Nonterminals that recur on both sides become flat lists.
//!
//! `E → E + E | - E | E ! | n` is ambiguous in the number of its operators, but a recogniser does not
//! care how they nest. With `X = X Γ X ∪ X Δ ∪ Π X ∪ B` the least solution is
//! `T (Γ T ∪ Δ)*` where `T = Π* B`: it satisfies the equation (`R Γ R ⊆ R`, `R Δ ⊆ R`, `Π R ⊆ R`, `B ⊆ R`,
//! as `R` begins with `T` and `Π T ⊆ T`), and each of its words is built by `X`'s own productions. The
//! middles may contain `X` again: fixing them first and then taking the outer fixpoint gives
//! the same least solution. So
//!
//! ```text
//! E = E + E | - E | E ! | n      becomes      E = E + T | E ! | T ;  T = - T | n
//! ```
//!
//! which is left recursive and, for usual operators, deterministic. A nonterminal that recurs on
//! one side only is left alone; one that recurs on both is always ambiguous, so no
//! deterministic grammar is changed. Needs a draft without empty and without unit cycles.

use super::draft::Draft;
use super::{Nonterminal, Sym};
use crate::Diagnostic;

/// Unfolds them, with a note for each rule; whether there were any.
pub(super) fn unfold(draft: &mut Draft, notes: &mut Vec<Diagnostic>) -> bool {
    let by_lhs = draft.by_lhs();
    let mut found = false;
    for (n, productions) in by_lhs.iter().enumerate() {
        let me = Sym::Nonterminal(n as u32);
        let rhs = |p: &u32| &draft.productions[*p as usize].rhs;
        let left = productions.iter().any(|p| rhs(p).first() == Some(&me));
        let right = productions.iter().any(|p| rhs(p).last() == Some(&me));
        let base = productions
            .iter()
            .any(|p| rhs(p).first() != Some(&me) && rhs(p).last() != Some(&me));
        if !left || !right || !base {
            continue;
        }
        found = true;
        let old = draft.nonterminals[n].clone();
        notes.push(
            Diagnostic::new(
                "ambiguous-rule",
                format!(
                    "`{}` recurs on both sides, so its operators nest in several ways",
                    old.name
                ),
                old.place.clone(),
            )
            .with_help("the same texts match either way; nothing needs to be done"),
        );
        let operand = draft.add_nonterminal(Nonterminal {
            name: format!("{}.operand", old.name),
            place: old.place,
        });
        let other = Sym::Nonterminal(operand);
        for &p in productions {
            let production = &mut draft.productions[p as usize];
            let last = production.rhs.len() - 1;
            let (first_is_me, last_is_me) = (production.rhs[0] == me, production.rhs[last] == me);
            if last_is_me {
                production.rhs[last] = other;
            }
            if !first_is_me {
                production.lhs = operand;
            }
        }
        draft.add(n as u32, vec![other], false);
    }
    if found {
        draft.drop_repeated();
    }
    found
}
