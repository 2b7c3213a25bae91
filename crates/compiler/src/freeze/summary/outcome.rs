//! Outcomes by number, and how they are put together.
//!
//! Most outcomes are those of other questions, several together or seen from one symbol further down, and the
//! same ones are put together again and again: at each of a thousand symbols. So a union is remembered by the
//! numbers of its parts ([`Outcomes::union`]), what a pushed symbol makes of an outcome by the numbers of both
//! ([`Outcomes::lift`]), and lists are merged only where that is new.

use super::{PendingId, RoleSet};
use crate::freeze::interner::Interner;
use maskwright_tables::{Symbol, heap};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// An interned [`Outcome`]. [`NOTHING`] is the empty one.
pub(crate) type OutcomeId = u32;

/// The outcome that nothing comes of.
pub(crate) const NOTHING: OutcomeId = 0;

/// How many symbols lie between the one just read and the one that is wanted, and what for.
pub(crate) type Item = (u32, PendingId);

/// An action from the symbol read: how many symbols it takes off, that one being the first, and
/// what it then pushes.
pub(crate) type Action = (u32, Box<[Symbol]>);

/// What is known when one more symbol is known. All lists are sorted and free of duplicates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Outcome {
    /// Token sets.
    pub sets: Box<[RoleSet]>,
    pub ends: bool,
    /// Interned actions.
    pub actions: Box<[u32]>,
    pub items: Box<[Item]>,
}

/// An outcome in the making.
#[derive(Debug, Default)]
pub(crate) struct Gather {
    /// Outcomes that belong to it.
    pub parts: SmallVec<[OutcomeId; 8]>,
    /// What else does.
    pub sets: Vec<RoleSet>,
    pub ends: bool,
    pub actions: Vec<u32>,
    pub items: Vec<Item>,
}

/// An outcome of which a symbol has something to say.
#[derive(Debug)]
pub(super) struct Partial {
    /// What does not depend on that symbol.
    pub fixed: OutcomeId,
    /// What is asked of it.
    pub asks: Box<[PendingId]>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Outcomes {
    all: Interner<Outcome>,
    actions: Interner<Action>,
    /// By the outcomes that are put together, increasing and at least two.
    unions: FxHashMap<Box<[OutcomeId]>, OutcomeId>,
    /// By outcome and pushed symbol, places in `partials`.
    lifts: FxHashMap<(OutcomeId, Symbol), u32>,
    partials: Vec<Partial>,
}

impl Default for Outcomes {
    fn default() -> Self {
        let mut all = Interner::new();
        all.intern(Outcome::default());
        Outcomes {
            all,
            actions: Interner::new(),
            unions: FxHashMap::default(),
            lifts: FxHashMap::default(),
            partials: Vec::new(),
        }
    }
}

/// Sorted, and free of duplicates. Lists that are put together are runs already.
fn sorted<T: Ord>(mut list: Vec<T>) -> Box<[T]> {
    list.sort();
    list.dedup();
    list.into()
}

impl Outcomes {
    pub fn get(&self, id: OutcomeId) -> &Outcome {
        self.all.get(id)
    }

    pub fn action(&self, id: u32) -> &Action {
        self.actions.get(id)
    }

    pub fn intern_action(&mut self, action: Action) -> u32 {
        self.actions.intern(action)
    }

    /// Interns what was gathered.
    pub fn gathered(&mut self, gather: Gather) -> OutcomeId {
        let Gather {
            mut parts,
            sets,
            ends,
            actions,
            items,
        } = gather;
        if ends || !(sets.is_empty() && actions.is_empty() && items.is_empty()) {
            parts.push(self.all.intern(Outcome {
                sets: sorted(sets),
                ends,
                actions: sorted(actions),
                items: sorted(items),
            }));
        }
        self.union(parts)
    }

    /// Several outcomes together.
    fn union(&mut self, mut parts: SmallVec<[OutcomeId; 8]>) -> OutcomeId {
        parts.sort_unstable();
        parts.dedup();
        let parts = match parts[..] {
            [NOTHING, ..] => &parts[1..],
            _ => &parts[..],
        };
        match parts {
            [] => return NOTHING,
            [only] => return *only,
            _ => {}
        }
        if let Some(&known) = self.unions.get(parts) {
            return known;
        }
        let (mut sets, mut actions, mut items) = (Vec::new(), Vec::new(), Vec::new());
        let mut ends = false;
        for part in parts {
            let part = self.all.get(*part);
            sets.extend_from_slice(&part.sets);
            actions.extend_from_slice(&part.actions);
            items.extend_from_slice(&part.items);
            ends |= part.ends;
        }
        let id = self.all.intern(Outcome {
            sets: sorted(sets),
            ends,
            actions: sorted(actions),
            items: sorted(items),
        });
        self.unions.insert(parts.into(), id);
        id
    }

    /// An outcome without what is pending.
    pub fn settled(&mut self, id: OutcomeId) -> OutcomeId {
        if self.get(id).items.is_empty() {
            return id;
        }
        let settled = Outcome {
            items: Box::default(),
            ..self.get(id).clone()
        };
        self.all.intern(settled)
    }

    /// An outcome whose items lie so much further down, and which has no actions.
    pub fn lowered(&mut self, id: OutcomeId, by: u32) -> OutcomeId {
        if by == 0 || self.get(id).items.is_empty() {
            return id;
        }
        let mut lowered = self.get(id).clone();
        lowered.items.iter_mut().for_each(|item| item.0 += by);
        self.all.intern(lowered)
    }

    /// An outcome of the pushed symbol `above` as one of the symbol on which it was pushed: a place for
    /// [`Self::partial`].
    pub fn lift(&mut self, id: OutcomeId, above: Symbol) -> u32 {
        if let Some(&known) = self.lifts.get(&(id, above)) {
            return known;
        }
        let outcome = self.all.get(id).clone();
        let mut fixed = Gather {
            sets: outcome.sets.into(),
            ends: outcome.ends,
            ..Gather::default()
        };
        for &action in &outcome.actions {
            let (pop, push) = self.action(action).clone();
            let action = match pop.checked_sub(1) {
                Some(pop) => (pop, push),
                None => (0, [&[above][..], &push].concat().into()),
            };
            fixed.actions.push(self.intern_action(action));
        }
        let mut asks = Vec::new();
        for &(skip, pending) in &outcome.items {
            match skip.checked_sub(1) {
                Some(skip) => fixed.items.push((skip, pending)),
                None => asks.push(pending),
            }
        }
        let fixed = self.gathered(fixed);
        let place = self.push_partial(fixed, asks);
        self.lifts.insert((id, above), place);
        place
    }

    /// Keeps a partial outcome: its place.
    pub(super) fn push_partial(&mut self, fixed: OutcomeId, asks: Vec<PendingId>) -> u32 {
        self.partials.push(Partial {
            fixed,
            asks: asks.into(),
        });
        self.partials.len() as u32 - 1
    }

    pub(super) fn partial(&self, place: u32) -> &Partial {
        &self.partials[place as usize]
    }

    /// Bytes held, about. O(1).
    pub fn heap_bytes(&self) -> usize {
        const LIST: usize = 64;
        self.all.heap_bytes(LIST)
            + self.actions.heap_bytes(LIST / 2)
            + heap::table::<Box<[OutcomeId]>, OutcomeId>(self.unions.len())
            + self.unions.len() * LIST / 2
            + heap::table::<(OutcomeId, Symbol), u32>(self.lifts.len())
            + heap::list::<Partial>(self.partials.capacity())
            + self.partials.len() * LIST / 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(outcomes: &mut Outcomes, sets: &[u32], items: &[Item]) -> OutcomeId {
        outcomes.gathered(Gather {
            sets: sets.into(),
            items: items.into(),
            ..Gather::default()
        })
    }

    #[test]
    fn unions_are_those_of_their_lists() {
        let mut all = Outcomes::default();
        let one = outcome(&mut all, &[8, 4], &[(1, 7)]);
        let other = outcome(&mut all, &[4, 12], &[(0, 7), (1, 7)]);
        let both = all.gathered(Gather {
            parts: [other, NOTHING, one, other].into_iter().collect(),
            ends: true,
            ..Gather::default()
        });
        assert_eq!(
            *all.get(both),
            Outcome {
                sets: [4, 8, 12].into(),
                ends: true,
                actions: Box::default(),
                items: [(0, 7), (1, 7)].into(),
            }
        );
        let alone = all.gathered(Gather {
            parts: [NOTHING, one].into_iter().collect(),
            ..Gather::default()
        });
        assert_eq!(alone, one);
        assert_eq!(all.gathered(Gather::default()), NOTHING);
        let settled = all.settled(both);
        assert_eq!(*all.get(settled).sets, [4, 8, 12]);
        assert!(all.get(settled).items.is_empty());
        let lowered = all.lowered(other, 3);
        assert_eq!(*all.get(lowered).items, [(3, 7), (4, 7)]);
    }

    #[test]
    fn a_lift_asks_what_lies_directly_below_and_keeps_the_rest() {
        let mut all = Outcomes::default();
        let (above, pushed) = (Symbol(5), Symbol(6));
        let keeps = all.intern_action((0, [pushed].into()));
        let takes = all.intern_action((2, [pushed].into()));
        let id = all.gathered(Gather {
            sets: vec![4],
            actions: vec![keeps, takes],
            items: vec![(0, 1), (0, 2), (3, 1)],
            ..Gather::default()
        });
        let place = all.lift(id, above);
        assert_eq!(all.lift(id, above), place);
        assert_eq!(*all.partial(place).asks, [1, 2]);
        let fixed = all.get(all.partial(place).fixed).clone();
        assert_eq!(*fixed.items, [(2, 1)]);
        let mut actions: Vec<_> = fixed
            .actions
            .iter()
            .map(|a| all.action(*a).clone())
            .collect();
        actions.sort();
        let expected: [Action; 2] = [(0, [above, pushed].into()), (1, [pushed].into())];
        assert_eq!(actions, expected);
    }
}
