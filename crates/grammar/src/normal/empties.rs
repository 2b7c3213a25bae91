//! Removes empty productions: from here on a nonterminal stands for what it derives *except* the
//! empty text.
//!
//! A production with `k` symbols that may be empty becomes up to `2^k` productions; beyond three
//! such symbols its tail gets a nonterminal first, which keeps the growth linear. This is also what
//! ends hidden left recursion (`S → A S b` with `A` empty) and loops of empty reductions.

use super::draft::{Draft, Rough};
use super::{Meter, Nonterminal, Sym};
use crate::horn::Clauses;
use maskwright_tables::LimitError;
use rustc_hash::{FxHashMap, FxHashSet};

/// Symbols that may be empty in one production before its tail is split off.
const WIDE: usize = 3;

/// Removes them.
pub(super) fn remove(draft: &mut Draft, meter: &mut Meter<'_>) -> Result<(), LimitError> {
    let mut nullable = nullable(draft);
    draft.has_empty_sentence = nullable[draft.start as usize];
    let mut tails: FxHashMap<Vec<Sym>, u32> = FxHashMap::default();
    let mut done: Vec<Rough> = Vec::new();
    let mut seen = FxHashSet::default();
    for production in std::mem::take(&mut draft.productions) {
        // Splitting leaves one tail to do, which may be split again.
        let mut next = Some(production);
        while let Some(mut p) = next.take() {
            let may_be_empty = |s: &Sym| matches!(s, Sym::Nonterminal(n) if nullable[*n as usize]);
            let mut optional: Vec<usize> = if p.strict {
                Vec::new()
            } else {
                (0..p.rhs.len())
                    .filter(|i| may_be_empty(&p.rhs[*i]))
                    .collect()
            };
            if optional.len() > WIDE {
                let tail = p.rhs.split_off(optional[WIDE - 1] + 1);
                optional.truncate(WIDE);
                let tail_nullable = tail.iter().all(may_be_empty);
                let known = tails.get(&tail).copied();
                let n = match known {
                    Some(n) => n,
                    None => {
                        let base = &draft.nonterminals[p.lhs as usize];
                        let nonterminal = Nonterminal {
                            name: base.name.clone(),
                            place: base.place.clone(),
                        };
                        let n = draft.add_nonterminal(nonterminal);
                        nullable.push(tail_nullable);
                        tails.insert(tail.clone(), n);
                        next = Some(Rough {
                            lhs: n,
                            rhs: tail,
                            strict: false,
                        });
                        n
                    }
                };
                if tail_nullable {
                    optional.push(p.rhs.len());
                }
                p.rhs.push(Sym::Nonterminal(n));
            }
            for left_out in 0u32..1 << optional.len() {
                let mut rhs = p.rhs.clone();
                for (bit, &i) in optional.iter().enumerate().rev() {
                    if left_out >> bit & 1 == 1 {
                        rhs.remove(i);
                    }
                }
                let made = Rough {
                    lhs: p.lhs,
                    rhs,
                    strict: false,
                };
                if !made.rhs.is_empty()
                    && made.rhs[..] != [Sym::Nonterminal(p.lhs)]
                    && seen.insert(made.clone())
                {
                    meter.pay(made.rhs.len())?;
                    done.push(made);
                }
            }
        }
    }
    draft.productions = done;
    Ok(())
}

fn nullable(draft: &Draft) -> Vec<bool> {
    let mut clauses = Clauses::new(draft.nonterminals.len());
    for p in &draft.productions {
        if p.rhs.is_empty() {
            clauses.add(p.lhs, []);
        } else if !p.strict && p.rhs.iter().all(|s| matches!(s, Sym::Nonterminal(_))) {
            clauses.add(
                p.lhs,
                p.rhs.iter().filter_map(|s| {
                    if let Sym::Nonterminal(n) = *s {
                        Some(n)
                    } else {
                        None
                    }
                }),
            );
        }
    }
    clauses.holds()
}
