//! What a terminal does to a stack: reductions, then a shift.
//!
//! Under a fixed terminal the stack is always "the old one without `cut` entries, plus at most one
//! new state". That pair is all there is to remember, and the old stack is read no deeper than the
//! reductions need.

use super::states::States;
use crate::{ControlError, Move, StackReader};
use maskwright_grammar::Sym;
use maskwright_tables::{LimitError, StackAction, Symbol};
use rustc_hash::FxHashSet;
use smallvec::{SmallVec, smallvec};

/// Partial stacks that are compared one by one.
const FEW: usize = 16;

/// A stack in the middle of reductions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Partial {
    /// Entries of the old stack that are gone.
    cut: u32,
    /// The state on top; one of the old stack while `new` is false.
    top: u32,
    new: bool,
    /// Whether it depends on the whole of the symbol that it lies on.
    inherits: bool,
}

/// All partial stacks that reductions before `terminal` lead to, breadth first, each once.
fn reductions(
    states: &States,
    stack: &mut dyn StackReader,
    terminal: u32,
    mut accepts: impl FnMut(),
) -> Result<SmallVec<[Partial; 8]>, ControlError> {
    let mut found: SmallVec<[Partial; 8]> = SmallVec::new();
    let Some(top) = stack.glance(0)? else {
        return Ok(found);
    };
    found.push(Partial {
        cut: 0,
        top: top.0,
        new: false,
        inherits: false,
    });
    let mut seen: FxHashSet<Partial> = FxHashSet::default();
    let mut next = 0;
    while let Some(&at) = found.get(next) {
        next += 1;
        if next as u64 > states.limits().steps {
            return Err(LimitError::new("reductions", next as u64, states.limits().steps).into());
        }
        states.cancel().check("reductions")?;
        if !states.only_shifts(at.top) && (!at.new || at.inherits) {
            // Its lookaheads count: they are its own, or those of the symbol that it lies on.
            stack.read(at.cut as usize)?;
        }
        for production in states.reduces(at.top, terminal)? {
            let Some(lhs) = states.items.lhs(production) else {
                accepts();
                continue;
            };
            // The new state counts as one of the symbols that the production takes off.
            let cut = at.cut + states.items.len(production) - u32::from(at.new);
            let Some(below) = stack.glance(cut as usize)? else {
                continue;
            };
            let Some(goto) = states.goto(below.0, Sym::Nonterminal(lhs))? else {
                continue;
            };
            let made = Partial {
                cut,
                top: goto.target,
                new: true,
                inherits: goto.inherits,
            };
            // Most stacks have a handful of reductions; a set pays only for the others.
            if found.len() < FEW {
                if !found.contains(&made) {
                    found.push(made);
                }
            } else {
                if seen.is_empty() {
                    seen.extend(found.iter().copied());
                }
                if seen.insert(made) {
                    found.push(made);
                }
            }
        }
    }
    Ok(found)
}

/// Adds the actions of a terminal that are not among those of others: what is a nonterminal by itself comes to
/// the same, whatever it is made of.
pub(super) fn shift(
    states: &States,
    stack: &mut dyn StackReader,
    terminal: u32,
    actions: &mut Vec<StackAction>,
) -> Result<(), ControlError> {
    for at in reductions(states, stack, terminal, || {})? {
        if let Some(goto) = states.goto(at.top, Sym::Terminal(terminal))? {
            if at.inherits || goto.inherits && !at.new {
                stack.inherit();
            }
            let mut push: SmallVec<[Symbol; 2]> = smallvec![];
            if at.new {
                push.push(Symbol(at.top));
            }
            push.push(Symbol(goto.target));
            let action = StackAction {
                pop: at.cut,
                push: push[..].into(),
            };
            if !actions.contains(&action) {
                if actions.is_empty() {
                    // Mostly there is one, and it is kept.
                    actions.reserve_exact(1);
                }
                actions.push(action);
            }
        }
    }
    Ok(())
}

/// Whether the text may end.
pub(super) fn ends(states: &States, stack: &mut dyn StackReader) -> Result<bool, ControlError> {
    if stack.read(0)? == Some(Symbol(0)) {
        // No production leads back to the start state: nothing has been shifted yet.
        return Ok(states.grammar().has_empty_sentence());
    }
    let mut ends = false;
    reductions(states, stack, states.items.end(), || ends = true)?;
    Ok(ends)
}

/// The elementary moves of a terminal, or of the end of the text, with `top` on top.
pub(super) fn moves(
    states: &States,
    top: Symbol,
    label: Option<u32>,
) -> Result<Vec<Move>, ControlError> {
    let mut moves = Vec::new();
    if label.is_none() && top == Symbol(0) {
        // As in `ends`: nothing has been shifted yet.
        if states.grammar().has_empty_sentence() {
            moves.push(Move::Accept);
        }
        return Ok(moves);
    }
    if let Some(terminal) = label
        && let Some(goto) = states.goto(top.0, Sym::Terminal(terminal))?
    {
        moves.push(Move::Shift([Symbol(goto.target)].into()));
    }
    for production in states.reduces(top.0, label.unwrap_or(states.items.end()))? {
        moves.push(match states.items.lhs(production) {
            Some(nonterminal) => Move::Reduce {
                pop: states.items.len(production),
                nonterminal,
            },
            None => Move::Accept,
        });
    }
    Ok(moves)
}
