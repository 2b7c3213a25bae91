//! Moves of frames: which members may come next, and what is asked of each.
//!
//! A member with key `k` is judged by the *children* of the leaves that are still alive. Which
//! outcomes of these children leave the frame with a completion is its *goal*. Children that have
//! the same value in all of them become part of what must hold; only the others are tracked while
//! the member is read.

use super::advance::Outcome;
use super::core::{Core, Frame, FrameId, Judge, JudgeId, Key, Place, PlaceId};
use super::form::{FormId, Leaf};
use super::goal::GoalId;
use super::object::{Layout, ObjectTable};
use super::points::Point;
use super::size::Owned;
use maskwright_tables::{LimitError, heap};
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::{Arc, OnceLock};

/// How the parent learns the truth of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// It is this in every outcome.
    Forced(bool),
    /// It is an extra formula of the judge.
    Extra(u32),
}

/// The most outcomes times children that are listed one by one.
const MAX_OUTCOMES: usize = 1 << 16;

/// What a leaf becomes: the index of the child, the leaf if it holds, the leaf if not.
type Fate = (u32, FormId, FormId);

/// A member that may come next.
#[derive(Debug)]
pub(super) struct Move {
    /// What is asked of the member.
    pub judge: JudgeId,
    place: PlaceId,
    forms: Box<[FormId]>,
    goal: GoalId,
    depth: u32,
    fates: FxHashMap<FormId, Fate>,
    roles: Box<[Role]>,
    /// The frame after the member where it depends on no truth, once it was asked for.
    after: OnceLock<FrameId>,
}

impl Owned for Move {
    fn owned(&self) -> usize {
        heap::allocation(size_of::<Move>() + 16)
            + heap::list::<FormId>(self.forms.len())
            + heap::table::<FormId, Fate>(self.fates.len())
            + heap::list::<Role>(self.roles.len())
    }
}

impl Core {
    /// The move of a frame by a key; `None` when no such member can come.
    pub fn move_by(&mut self, frame: FrameId, key: Key) -> Result<Option<Arc<Move>>, LimitError> {
        if let Some(known) = self.moves.get(&(frame, key)) {
            return Ok(known.clone());
        }
        let made = self.make_move(frame, key)?.map(Arc::new);
        self.check_size()?;
        self.owned += made.as_ref().map_or(0, |made| made.owned());
        self.moves.insert((frame, key), made.clone());
        Ok(made)
    }

    fn make_move(&mut self, id: FrameId, key: Key) -> Result<Option<Move>, LimitError> {
        let Frame {
            place,
            forms,
            goal,
            depth,
        } = self.frame(id).clone();
        let place = self.place(place).clone();
        if let ([form], GoalId::TRUE) = (&forms[..], goal)
            && let Some(leaf) = self.forms.as_leaf(*form)
            && let Some(made) = self.sole_move(&place, key, (*form, leaf), depth)?
        {
            return Ok(made);
        }
        let leaves = self.forms.leaves(&forms);
        self.spend(8 + 4 * leaves.len() as u64)?;
        // What happens to each leaf; a child that no value satisfies is false.
        let mut outcomes: FxHashMap<FormId, Outcome> = FxHashMap::default();
        for &(x, leaf) in &leaves {
            let mut outcome = self.outcome(&place, key, x, leaf, false)?;
            if let Outcome::Child { child, no, .. } = outcome
                && !self.value_exists(child)?
            {
                outcome = Outcome::Fixed(no);
            }
            outcomes.insert(x, outcome);
        }
        let after = |core: &mut Core, forms: &[FormId], outcomes: &FxHashMap<FormId, Outcome>| {
            core.forms.rewrite(forms, |x, _| match outcomes.get(&x) {
                Some(Outcome::Fixed(f)) => *f,
                _ => x,
            })
        };
        let mut next = after(self, &forms, &outcomes);
        if next[0] == FormId::FALSE {
            return Ok(None);
        }
        let mut left = self.possible_leaves(&next, &outcomes);
        let mut next_place = self.next_place(&place, key, &left, false);
        if left.len() > 1 {
            // Leaves that cannot hold in any completion are false already.
            let mut changed = false;
            for (x, leaf) in self.forms.leaves(&next) {
                let (yes, no) = match outcomes.get(&x) {
                    Some(Outcome::Child { yes, no, .. }) => (*yes, *no),
                    _ => (x, FormId::FALSE),
                };
                if matches!(leaf, Leaf::Object(_) | Leaf::Array(_))
                    && no == FormId::FALSE
                    && !self.can_complete(next_place, yes)?
                {
                    outcomes.insert(x, Outcome::Fixed(FormId::FALSE));
                    changed = true;
                }
            }
            if changed {
                next = after(self, &next, &outcomes);
                if next[0] == FormId::FALSE {
                    return Ok(None);
                }
                left = self.possible_leaves(&next, &outcomes);
                next_place = self.next_place(&place, key, &left, false);
            }
        }
        // The children that are left, each once.
        let mut children: Vec<FormId> = Vec::new();
        let mut fates: FxHashMap<FormId, Fate> = FxHashMap::default();
        for (x, _) in self.forms.leaves(&next) {
            if let Some(&Outcome::Child { child, yes, no }) = outcomes.get(&x) {
                let index = children
                    .iter()
                    .position(|c| *c == child)
                    .unwrap_or(children.len());
                if index == children.len() {
                    children.push(child);
                }
                fates.insert(x, (index as u32, yes, no));
            }
        }
        let total = self.total_of(&next, goal);
        let usable = self.usable_outcomes(next_place, total, &children, &fates)?;
        if usable == GoalId::FALSE {
            return Ok(None);
        }
        let forced = self.goals.forced(usable, children.len() as u32);
        let mut must = Vec::new();
        let mut extra = Vec::new();
        let mut roles = Vec::with_capacity(children.len());
        for (child, forced) in children.iter().zip(&forced) {
            match forced {
                Some(true) => must.push(*child),
                Some(false) => must.push(self.forms.not(*child)),
                None => extra.push(*child),
            }
            roles.push(forced.map_or(Role::Extra(extra.len().max(1) as u32 - 1), Role::Forced));
        }
        let usable = self.goals.restrict(usable, |v| match roles[v as usize] {
            Role::Forced(value) => Err(value),
            Role::Extra(i) => Ok(i),
        });
        let must = self.forms.and(&must);
        let wanted = self.goal_form(usable, &extra);
        let wanted = self.forms.and2(must, wanted);
        if !self.value_exists(wanted)? {
            return Ok(None);
        }
        let judge = self.intern_judge(Judge {
            must,
            extra: extra.into(),
            goal: usable,
        });
        Ok(Some(Move {
            judge,
            place: next_place,
            forms: next.into(),
            goal,
            depth,
            fates,
            roles: roles.into(),
            after: OnceLock::new(),
        }))
    }

    /// The move of a frame of which one leaf is asked and nothing else, as most are; the outer `None` where
    /// what comes next is not as simple.
    fn sole_move(
        &mut self,
        place: &Place,
        key: Key,
        (id, leaf): (FormId, Leaf),
        depth: u32,
    ) -> Result<Option<Option<Move>>, LimitError> {
        self.spend(12)?;
        let (must, after) = match self.outcome(place, key, id, leaf, false)? {
            Outcome::Fixed(after) => (FormId::TRUE, after),
            Outcome::Child { no, .. } if no != FormId::FALSE => return Ok(None),
            Outcome::Child { child, yes, .. } => (child, yes),
        };
        let left = self.forms.as_leaf(after);
        if left.is_none() && !after.is_constant() {
            return Ok(None);
        }
        if after == FormId::FALSE || !self.value_exists(must)? {
            return Ok(Some(None));
        }
        let place = self.next_place(place, key, left.as_slice(), false);
        if !self.can_complete(place, after)? {
            return Ok(Some(None));
        }
        let judge = self.intern_judge(Judge {
            must,
            extra: Box::default(),
            goal: GoalId::TRUE,
        });
        Ok(Some(Some(Move {
            judge,
            place,
            forms: Box::new([after]),
            goal: GoalId::TRUE,
            depth,
            fates: FxHashMap::default(),
            roles: Box::default(),
            after: OnceLock::new(),
        })))
    }

    /// The leaves that can be there after the member.
    fn possible_leaves(
        &self,
        forms: &[FormId],
        outcomes: &FxHashMap<FormId, Outcome>,
    ) -> Vec<Leaf> {
        let leaves = self.forms.leaves(forms).into_iter();
        let becomes = leaves.flat_map(|(x, _)| match outcomes.get(&x) {
            Some(Outcome::Child { yes, no, .. }) => [*yes, *no],
            _ => [x, x],
        });
        becomes.filter_map(|x| self.forms.as_leaf(x)).collect()
    }

    /// Which outcomes of the children leave a completion.
    fn usable_outcomes(
        &mut self,
        place: PlaceId,
        total: FormId,
        children: &[FormId],
        fates: &FxHashMap<FormId, Fate>,
    ) -> Result<GoalId, LimitError> {
        if total.is_constant() {
            return Ok(if total == FormId::TRUE {
                GoalId::TRUE
            } else {
                GoalId::FALSE
            });
        }
        // The common shapes: everything must hold, or any of the alternatives.
        let term = self.forms.as_term(total);
        let simple = |x: &FormId| fates.get(x).is_none_or(|f| f.2 == FormId::FALSE);
        if let Some(term) = &term
            && term.iter().all(|(x, sign)| *sign && simple(x))
        {
            let after = self.bound(total, fates, &|_, _| Some(true), true);
            if !self.can_complete(place, after)? {
                return Ok(GoalId::FALSE);
            }
            let mut used = vec![false; children.len()];
            for f in term.iter().filter_map(|(x, _)| fates.get(x)) {
                used[f.0 as usize] = true;
            }
            let all = (0..children.len() as u32)
                .rev()
                .filter(|i| used[*i as usize]);
            return Ok(all.fold(GoalId::TRUE, |rest, v| {
                self.goals.test(v, GoalId::FALSE, rest)
            }));
        }
        if let Some(term) = &term
            && let Some(goal) = self.usable_conjunction(place, term, children, fates)?
        {
            return Ok(goal);
        }
        if self.forms.is_union_of_leaves(total) && self.forms.children(total).iter().all(simple) {
            let mut vars = Vec::new();
            for x in self.forms.children(total).to_vec() {
                let fate = fates.get(&x).copied();
                if self.can_complete(place, fate.map_or(x, |f| f.1))? {
                    match fate {
                        Some(f) => vars.push(f.0),
                        None => return Ok(GoalId::TRUE),
                    }
                }
            }
            vars.sort_unstable();
            vars.dedup();
            return Ok(self.goals.any_of(&vars));
        }
        if children.len() > 1
            && let Some(goal) = self.usable_points(place, total, children, fates)?
        {
            return Ok(goal);
        }
        let all: Vec<u32> = (0..children.len() as u32).collect();
        self.usable_by_cases(place, total, &all, fates)
    }

    /// A conjunction some of whose children have only one value that it survives; decided if the
    /// others do not matter.
    fn usable_conjunction(
        &mut self,
        place: PlaceId,
        term: &[(FormId, bool)],
        children: &[FormId],
        fates: &FxHashMap<FormId, Fate>,
    ) -> Result<Option<GoalId>, LimitError> {
        let mut forced: Vec<Option<bool>> = vec![None; children.len()];
        let mut rest = Vec::new();
        for &(x, sign) in term {
            let Some(&(child, yes, no)) = fates.get(&x) else {
                rest.push(if sign { x } else { self.forms.not(x) });
                continue;
            };
            let (yes, no) = if sign {
                (yes, no)
            } else {
                (self.forms.not(yes), self.forms.not(no))
            };
            let value = match (yes, no) {
                (_, FormId::FALSE) => Some(true),
                (FormId::FALSE, _) => Some(false),
                _ => None,
            };
            match value {
                Some(value) => {
                    if forced[child as usize]
                        .replace(value)
                        .is_some_and(|other| other != value)
                    {
                        return Ok(Some(GoalId::FALSE));
                    }
                    rest.push(if value { yes } else { no });
                }
                None => rest.extend([yes, no]),
            }
        }
        // At least this much is left whatever the other children are.
        let rest = self.forms.and(&rest);
        if !self.can_complete(place, rest)? {
            return Ok(None);
        }
        let vars = (0..children.len() as u32).rev();
        Ok(Some(vars.fold(GoalId::TRUE, |rest, v| {
            match forced[v as usize] {
                Some(true) => self.goals.test(v, GoalId::FALSE, rest),
                Some(false) => self.goals.test(v, rest, GoalId::FALSE),
                None => rest,
            }
        })))
    }

    /// What is left of `total`, the truth of some children being known: at least that much
    /// (`upper`) or at most (not `upper`) must hold whatever the others are.
    fn bound(
        &mut self,
        total: FormId,
        fates: &FxHashMap<FormId, Fate>,
        truth: &dyn Fn(u32, FormId) -> Option<bool>,
        upper: bool,
    ) -> FormId {
        self.forms.rewrite_signed(total, |forms, x, sign| {
            let signed = |forms: &mut super::form::Forms, f| if sign { f } else { forms.not(f) };
            match fates.get(&x) {
                None => signed(forms, x),
                Some(&(child, yes, no)) => {
                    let (yes, no) = (signed(forms, yes), signed(forms, no));
                    match truth(child, x) {
                        Some(true) => yes,
                        Some(false) => no,
                        None if upper => forms.or2(yes, no),
                        None => forms.and2(yes, no),
                    }
                }
            }
        })
    }

    /// Case by case over some children (increasing), for as long as neither bound decides. The total
    /// speaks of no other children.
    fn usable_by_cases(
        &mut self,
        place: PlaceId,
        total: FormId,
        vars: &[u32],
        fates: &FxHashMap<FormId, Fate>,
    ) -> Result<GoalId, LimitError> {
        enum Step {
            /// Decide with the first children fixed.
            Decide(Vec<bool>),
            /// Combine the two cases of a child.
            Combine(u32),
        }
        let mut steps = vec![Step::Decide(Vec::new())];
        let mut results: Vec<GoalId> = Vec::new();
        while let Some(step) = steps.pop() {
            self.spend(16)?;
            match step {
                Step::Combine(child) => {
                    let yes = results.pop().unwrap_or(GoalId::FALSE);
                    let no = results.pop().unwrap_or(GoalId::FALSE);
                    results.push(self.goals.test(child, no, yes));
                }
                Step::Decide(fixed) => {
                    let truth = |child: u32, _| {
                        let index = vars.binary_search(&child).ok()?;
                        fixed.get(index).copied()
                    };
                    let lower = self.bound(total, fates, &truth, false);
                    if self.can_complete(place, lower)? {
                        results.push(GoalId::TRUE);
                        continue;
                    }
                    let upper = self.bound(total, fates, &truth, true);
                    if fixed.len() == vars.len() || !self.can_complete(place, upper)? {
                        results.push(GoalId::FALSE);
                        continue;
                    }
                    steps.push(Step::Combine(vars[fixed.len()]));
                    for value in [true, false] {
                        let mut fixed = fixed.clone();
                        fixed.push(value);
                        steps.push(Step::Decide(fixed));
                    }
                }
            }
        }
        Ok(results.pop().unwrap_or(GoalId::FALSE))
    }

    /// When some children are plain lists of scalars (the tag of a union, usually): each value of
    /// these lists is an outcome of its own, and in all other outcomes these children are false.
    fn usable_points(
        &mut self,
        place: PlaceId,
        total: FormId,
        children: &[FormId],
        fates: &FxHashMap<FormId, Fate>,
    ) -> Result<Option<GoalId>, LimitError> {
        let mut listed: FxHashMap<Point, Vec<u32>> = FxHashMap::default();
        let mut order = Vec::new();
        let mut open = Vec::new();
        for (i, &child) in children.iter().enumerate() {
            let Some(points) = self.points(child)? else {
                open.push(i as u32);
                continue;
            };
            for point in points {
                let truth = listed.entry(point.clone()).or_insert_with(|| {
                    order.push(point);
                    Vec::new()
                });
                if truth.last() != Some(&(i as u32)) {
                    truth.push(i as u32);
                }
            }
        }
        if open.len() == children.len() || order.len() * (open.len() + 1) > MAX_OUTCOMES {
            return Ok(None);
        }
        self.spend((order.len() * children.len()) as u64)?;
        if order.iter().any(|p| matches!(p, Point::Number(_))) {
            for &i in &open {
                if self.depends_on_spelling(children[i as usize])? {
                    return Ok(None);
                }
            }
        }
        let mut groups: Vec<(Vec<u32>, bool)> = Vec::new();
        let mut seen: FxHashSet<Vec<u32>> = FxHashSet::default();
        for point in order {
            let mut truth = listed[&point].clone();
            for &i in &open {
                if self.holds_for(children[i as usize], &point)? {
                    truth.push(i);
                }
            }
            truth.sort_unstable();
            if seen.insert(truth.clone()) {
                let usable = self.usable_exactly(place, total, fates, &truth)?;
                groups.push((truth, usable));
            }
        }
        let vars = children.len() as u32;
        if open.is_empty() {
            let usable = self.usable_exactly(place, total, fates, &[])?;
            groups.push((Vec::new(), usable));
            if let Some(goal) = self.one_hot(&groups, vars) {
                return Ok(Some(goal));
            }
        }
        if groups.len() * children.len() > MAX_OUTCOMES {
            return Ok(None);
        }
        let mut goal = GoalId::FALSE;
        if !open.is_empty() {
            // The values that are in no list.
            let rest = self.forms.rewrite(&[total], |x, _| match fates.get(&x) {
                Some(&(child, _, no)) if open.binary_search(&child).is_err() => no,
                _ => x,
            });
            // What became of a leaf may be the leaf itself, which must not be decided again.
            let still = fates
                .iter()
                .filter(|(_, f)| open.binary_search(&f.0).is_ok());
            let still: FxHashMap<FormId, Fate> = still.map(|(x, f)| (*x, *f)).collect();
            let usable = self.usable_by_cases(place, rest[0], &open, &still)?;
            let unlisted =
                (0..vars)
                    .rev()
                    .fold(GoalId::TRUE, |rest, v| match open.binary_search(&v) {
                        Ok(_) => rest,
                        Err(_) => self.goals.test(v, rest, GoalId::FALSE),
                    });
            goal = self.goals.and(usable, unlisted);
        }
        for (truth, _) in groups.into_iter().filter(|g| g.1) {
            let cube =
                (0..vars)
                    .rev()
                    .fold(GoalId::TRUE, |rest, v| match truth.binary_search(&v) {
                        Ok(_) => self.goals.test(v, GoalId::FALSE, rest),
                        Err(_) => self.goals.test(v, rest, GoalId::FALSE),
                    });
            goal = self.goals.or(goal, cube);
        }
        Ok(Some(goal))
    }

    /// Whether a completion is left when exactly these children hold.
    fn usable_exactly(
        &mut self,
        place: PlaceId,
        total: FormId,
        fates: &FxHashMap<FormId, Fate>,
        truth: &[u32],
    ) -> Result<bool, LimitError> {
        self.spend(8)?;
        let after = self.forms.rewrite(&[total], |x, _| match fates.get(&x) {
            Some(&(child, yes, no)) => {
                if truth.binary_search(&child).is_ok() {
                    yes
                } else {
                    no
                }
            }
            None => x,
        });
        self.can_complete(place, after[0])
    }

    /// A small goal for outcomes that, apart from children common to the usable ones, have at most
    /// one child each. Impossible outcomes may be in it or not.
    fn one_hot(&mut self, groups: &[(Vec<u32>, bool)], vars: u32) -> Option<GoalId> {
        let mut usable = groups.iter().filter(|g| g.1).map(|g| &g.0);
        let mut common = usable.next()?.clone();
        for truth in usable {
            common.retain(|v| truth.binary_search(v).is_ok());
        }
        let own = |truth: &[u32]| {
            truth
                .iter()
                .copied()
                .filter(|v| common.binary_search(v).is_err())
                .collect::<Vec<_>>()
        };
        let mut chosen = Vec::new();
        let mut none = false;
        for (truth, _) in groups.iter().filter(|g| g.1) {
            match own(truth)[..] {
                [] => none = true,
                [v] => chosen.push(v),
                _ => return None,
            }
        }
        let with_common = |goals: &mut super::goal::Goals, rest: GoalId| {
            common.iter().rev().fold(rest, |rest, v| {
                let only = goals.test(*v, GoalId::FALSE, GoalId::TRUE);
                goals.and(only, rest)
            })
        };
        chosen.sort_unstable();
        chosen.dedup();
        let rest = if none {
            // All but those that make an outcome useless.
            let bad = (0..vars)
                .rev()
                .filter(|v| common.binary_search(v).is_err() && chosen.binary_search(v).is_err());
            bad.fold(GoalId::TRUE, |rest, v| {
                self.goals.test(v, rest, GoalId::FALSE)
            })
        } else {
            self.goals.any_of(&chosen)
        };
        let goal = with_common(&mut self.goals, rest);
        let exact = groups.iter().all(|(truth, usable)| {
            self.goals.eval(goal, |v| truth.binary_search(&v).is_ok()) == *usable
        });
        exact.then_some(goal)
    }

    /// The frame after the member of a move, of whose extra formulas those hold for which `truth`
    /// says so.
    pub fn finish_move(&mut self, m: &Move, truth: impl Fn(u32) -> bool) -> FrameId {
        if let Some(&after) = m.after.get() {
            return after;
        }
        let forms = self.forms.rewrite(&m.forms, |x, _| match m.fates.get(&x) {
            None => x,
            Some(&(child, yes, no)) => {
                let holds = match m.roles[child as usize] {
                    Role::Forced(value) => value,
                    Role::Extra(i) => truth(i),
                };
                if holds { yes } else { no }
            }
        });
        let left: Vec<Leaf> = self.forms.leaves(&forms).into_iter().map(|l| l.1).collect();
        let mut place = self.place(m.place).clone();
        self.clamp(&mut place, &left);
        let place = self.intern_place(place);
        let after = self.intern_frame(place, forms.into(), m.goal, m.depth);
        if m.fates.is_empty() {
            let _ = m.after.set(after);
        }
        after
    }

    /// The keys with which the next member of a frame may begin, at most `most` of them.
    pub fn open_keys(&mut self, id: FrameId, most: usize) -> Result<Vec<Key>, LimitError> {
        if let Some((last, keys)) = &self.last_open
            && *last == id
        {
            return Ok(keys[..most.min(keys.len())].to_vec());
        }
        let keys = self.find_open_keys(id, most)?;
        if most == usize::MAX {
            self.last_open = Some((id, keys.clone()));
        }
        Ok(keys)
    }

    fn find_open_keys(&mut self, id: FrameId, most: usize) -> Result<Vec<Key>, LimitError> {
        let frame = self.frame(id);
        let (place, goal, depth) = (frame.place, frame.goal, frame.depth);
        let is_alone = frame.forms.len() == 1;
        let place = self.place(place).clone();
        let Place::Object {
            layout: layout_id,
            count,
            ..
        } = place
        else {
            let open = self.move_by(id, Key::Element)?.is_some();
            return Ok(if open { vec![Key::Element] } else { Vec::new() });
        };
        let layout = self.layouts[layout_id as usize].clone();
        let total = self.total(id);
        // Nodes of which all must hold bound how far names can be skipped.
        let term = self.forms.as_term(total).unwrap_or_default();
        let mut nodes = Vec::with_capacity(term.len());
        for &(x, sign) in &term {
            if let (Some(Leaf::Object(n)), true) = (self.forms.as_leaf(x), sign) {
                nodes.push(n);
            }
        }
        let simple =
            is_alone && (total == FormId::TRUE || !nodes.is_empty() && nodes.len() == term.len());
        let mut last_ordered = layout.ordered;
        let mut free = simple;
        for n in &nodes {
            let Some(table) = layout.tables.get(n) else {
                continue;
            };
            for name in layout.missing(table, &place) {
                last_ordered = last_ordered.min(name);
            }
            free &= table.max.is_none() && count >= table.min.saturating_sub(1);
        }
        let either = match is_alone && goal == GoalId::TRUE {
            true => self.union_of_objects(total, &layout),
            false => None,
        };
        let mut keys = Vec::new();
        let names = (0..layout.names.len() as u32)
            .filter(|i| layout.is_open(&place, *i))
            .map(Key::Name);
        let cells = self.cells_len(layout_id)?;
        for key in names.chain((0..cells).map(Key::Cell)) {
            let possible = match key {
                Key::Name(i) if i < layout.ordered => i <= last_ordered,
                _ => last_ordered == layout.ordered,
            };
            if !possible {
                continue;
            }
            self.spend(1)?;
            let open = if free {
                // Taking an optional member never spoils what could be completed before.
                match nodes[..] {
                    [only] => self.member_exists(layout_id, only, key)?,
                    _ => {
                        let mut form = FormId::TRUE;
                        for n in &nodes {
                            let more = self.member_form(layout_id, *n, key)?;
                            form = self.forms.and2(form, more);
                        }
                        self.value_exists(form)?
                    }
                }
            } else {
                let apart = match &either {
                    Some(either) => self.comes_in_any(either, (&place, depth), key)?,
                    None => None,
                };
                match apart {
                    Some(open) => open,
                    None => self.move_by(id, key)?.is_some(),
                }
            };
            if open {
                keys.push(key);
                if keys.len() == most {
                    break;
                }
            }
        }
        Ok(keys)
    }

    /// The objects of which any must hold, where a formula says that and nothing else.
    fn union_of_objects<'a>(
        &self,
        form: FormId,
        layout: &'a Layout,
    ) -> Option<Vec<(FormId, Leaf, &'a ObjectTable)>> {
        if !self.forms.is_union_of_leaves(form) {
            return None;
        }
        let children = self.forms.children(form).iter();
        children
            .map(|x| match self.forms.as_leaf(*x)? {
                leaf @ Leaf::Object(n) => Some((*x, leaf, layout.tables.get(&n)?)),
                _ => None,
            })
            .collect()
    }

    /// Whether any of some objects can be completed behind a name, each by itself; `None` where that has to be
    /// found out of all together.
    fn comes_in_any(
        &mut self,
        either: &[(FormId, Leaf, &ObjectTable)],
        (place, depth): (&Place, u32),
        key: Key,
    ) -> Result<Option<bool>, LimitError> {
        let Key::Name(name) = key else {
            return Ok(None);
        };
        self.spend(4 * either.len() as u64)?;
        // Mostly those that list the name are the ones.
        for listed in [true, false] {
            for &(x, leaf, table) in either {
                if table.lists(name) != listed {
                    continue;
                }
                let outcome = self.outcome(place, key, x, leaf, false)?;
                if matches!(outcome, Outcome::Fixed(FormId::FALSE)) {
                    continue;
                }
                match self.sole_move(place, key, (x, leaf), depth)? {
                    Some(Some(_)) => return Ok(Some(true)),
                    Some(None) => {}
                    None => return Ok(None),
                }
            }
        }
        Ok(Some(false))
    }

    /// Whether the object or array may end in this frame.
    pub fn may_end(&self, id: FrameId) -> bool {
        self.truth_at_end(id).is_some()
    }

    /// The truth of the extra formulas if the object or array ends here; `None` if it may not.
    pub fn truth_at_end(&self, id: FrameId) -> Option<Vec<bool>> {
        let frame = self.frame(id);
        let place = self.place(frame.place);
        let truth = self
            .forms
            .eval(&frame.forms, |leaf| self.holds_at_end(place, leaf));
        (truth[0] && self.goals.eval(frame.goal, |v| truth[v as usize + 1]))
            .then(|| truth[1..].to_vec())
    }
}
