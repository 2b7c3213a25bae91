//! Emptiness: is there a value, or a rest of an object or array, that satisfies a formula?
//!
//! A question is a [`Query`]; its answer may rest on the answers to others, and with recursive
//! schemas on its own. What is wanted is the least fixpoint: a value that exists is finite, so a
//! question that would need itself is answered no. The search keeps its own stack; a question under
//! way counts as *not yet proved*. A "no" that was found while relying on one under way is
//! provisional: it becomes final when the lowest question it relied on fails too, and is dropped
//! when one of them succeeds. "Yes" is always final.
//!
//! A question is evaluated by [`Core::evaluate`], which looks up what it needs; when an answer is
//! missing that question is pushed and the first evaluated again afterwards. So evaluation is plain
//! code, and laziness is simply its order: nothing is asked that does not matter.

use super::advance::Outcome;
use super::core::{Core, Key, Place, PlaceId};
use super::form::{FormId, Found, Leaf, Term, Terms};
use super::lower::TYPES;
use maskwright_grammar::json_schema::{Node, Types};
use maskwright_tables::LimitError;
use rustc_hash::FxHashMap;

/// A question of emptiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Query {
    /// Does some value satisfy a formula over nodes?
    Value(FormId),
    /// Can an object or array that is at the place be completed so that a formula holds?
    At(PlaceId, FormId),
}

/// A search under way.
#[derive(Default)]
struct Run {
    stack: Vec<(Query, usize)>,
    /// Where a question is on the stack.
    open: FxHashMap<Query, usize>,
    /// Provisional noes in the order of their discovery, each with the lowest open question that it
    /// relied on.
    provisional: Vec<(Query, usize)>,
    provisional_ids: FxHashMap<Query, usize>,
    /// The lowest open question that the present evaluation relied on.
    low: usize,
    /// What the present evaluation lacks.
    needs: Vec<Query>,
}

/// How many formulas may be falsified by one member in a search for the best choice.
const MAX_KILLS: usize = 12;

impl Core {
    /// Whether some value satisfies a formula over nodes.
    pub fn value_exists(&mut self, form: FormId) -> Result<bool, LimitError> {
        if form.is_constant() {
            return Ok(form == FormId::TRUE);
        }
        let by_type = self.by_type(form);
        if by_type.some != Types(0) || by_type.none == Types::ALL {
            return Ok(by_type.some != Types(0));
        }
        let query = Query::Value(form);
        if let Some(&known) = self.known.get(&query) {
            return Ok(known);
        }
        // Mostly some scalar satisfies it, or only scalars could: no search is needed then.
        match self.value_of_some_type(form, |_, _, _| Ok(None))? {
            Some(exists) => {
                self.known.insert(query, exists);
                Ok(exists)
            }
            None => self.solve(query),
        }
    }

    /// Whether a value of some type satisfies a formula, told how to find out of arrays and objects. `None`
    /// when that has to be known first.
    fn value_of_some_type(
        &mut self,
        form: FormId,
        mut of_members: impl FnMut(&mut Core, Types, FormId) -> Result<Option<bool>, LimitError>,
    ) -> Result<Option<bool>, LimitError> {
        for ty in TYPES {
            let typed = self.typed(form, ty)?;
            let exists = match ty {
                _ if typed.is_constant() => Some(typed == FormId::TRUE),
                Types::STRING | Types::NUMBER => Some(self.scalar_exists(typed, ty)?),
                _ => of_members(self, ty, typed)?,
            };
            if exists != Some(false) {
                return Ok(exists);
            }
        }
        Ok(Some(false))
    }

    /// Whether an object or array at the place can be completed so that a formula holds.
    pub fn can_complete(&mut self, place: PlaceId, form: FormId) -> Result<bool, LimitError> {
        if form.is_constant() {
            return Ok(form == FormId::TRUE);
        }
        if self.plainly_completes(place, form) {
            return Ok(true);
        }
        self.solve(Query::At(place, form))
    }

    /// Whether a formula is a leaf that holds if the object or array ends here, or once the required members
    /// have come, all of which certainly exist. "No" may only be unknown.
    fn plainly_completes(&mut self, place: PlaceId, form: FormId) -> bool {
        let Some(leaf) = self.forms.as_leaf(form) else {
            return false;
        };
        if self.holds_at_end(self.place(place), leaf) {
            return true;
        }
        match leaf {
            Leaf::Object(node) => {
                let unbounded =
                    matches!(self.schema.node(node), Node::Object(o) if o.max.is_none());
                unbounded && self.node_types(node).some.contains(Types::OBJECT)
            }
            _ => false,
        }
    }

    /// Answers a question by a search, unless it is known.
    pub fn solve(&mut self, query: Query) -> Result<bool, LimitError> {
        if let Some(&known) = self.known.get(&query) {
            return Ok(known);
        }
        let mut run = Run::default();
        run.stack.push((query, 0));
        run.open.insert(query, 0);
        while let Some(&(top, watermark)) = run.stack.last() {
            self.spend(16)?;
            let index = run.stack.len() - 1;
            run.low = usize::MAX;
            run.needs.clear();
            let answer = self.evaluate(&mut run, top)?;
            let Some(answer) = answer else {
                // A few at once, the first on top.
                let needs = std::mem::take(&mut run.needs);
                for need in needs.into_iter().take(8).rev() {
                    if !run.open.contains_key(&need) {
                        run.open.insert(need, run.stack.len());
                        run.stack.push((need, run.provisional.len()));
                    }
                }
                continue;
            };
            run.stack.pop();
            run.open.remove(&top);
            if answer {
                self.known.insert(top, true);
                for (q, _) in run.provisional.drain(watermark..) {
                    run.provisional_ids.remove(&q);
                }
            } else if run.low >= index {
                self.known.insert(top, false);
                let mut kept = Vec::new();
                for (q, low) in run.provisional.drain(watermark..) {
                    if low >= index {
                        self.known.insert(q, false);
                        run.provisional_ids.remove(&q);
                    } else {
                        kept.push((q, low));
                    }
                }
                run.provisional.extend(kept);
            } else {
                run.provisional.push((top, run.low));
                run.provisional_ids.insert(top, run.low);
            }
        }
        self.check_size()?;
        Ok(self.known.get(&query).copied().unwrap_or(false))
    }

    fn ask(&mut self, run: &mut Run, query: Query) -> Option<bool> {
        if let Query::Value(f) | Query::At(_, f) = query
            && f.is_constant()
        {
            return Some(f == FormId::TRUE);
        }
        if let Query::Value(f) = query
            && self.by_type(f).some != Types(0)
        {
            return Some(true);
        }
        if let Some(&known) = self.known.get(&query) {
            return Some(known);
        }
        if let Some(&index) = run.open.get(&query) {
            run.low = run.low.min(index);
            return Some(false);
        }
        if let Some(&low) = run.provisional_ids.get(&query) {
            run.low = run.low.min(low);
            return Some(false);
        }
        run.needs.push(query);
        None
    }

    /// The answer as far as it follows from what is known; `None` when more must be known first.
    fn evaluate(&mut self, run: &mut Run, query: Query) -> Result<Option<bool>, LimitError> {
        match query {
            Query::Value(form) => self.value_of_some_type(form, |core, ty, typed| {
                let once = core.counted_once(typed)?;
                let typed = core.forms.and2(typed, once);
                let leaves = core.forms.leaves(&[typed]);
                let place = core.start_place(&leaves, ty == Types::OBJECT)?;
                Ok(core.ask(run, Query::At(place, typed)))
            }),
            Query::At(place, form) => {
                if let Some(term) = self.forms.as_term(form) {
                    return self.evaluate_term(run, place, term);
                }
                let mut terms = Terms::new(form);
                loop {
                    let mut steps = self.steps;
                    let found = terms.next(&self.forms, &mut steps);
                    let found = found.map_err(|()| self.exhausted())?;
                    self.spend(self.steps - steps)?;
                    let (term, whole) = match found {
                        Found::Term(term) => (term, true),
                        Found::Partial(term) => (term, false),
                        Found::Nothing => return Ok(Some(false)),
                    };
                    let form = self.forms.of_term(&term);
                    match self.ask(run, Query::At(place, form)) {
                        Some(false) if !whole => terms.drop_shown(),
                        Some(true) if !whole => {}
                        Some(false) => terms.be_careful(),
                        exists => return Ok(exists),
                    }
                }
            }
        }
    }

    fn evaluate_term(
        &mut self,
        run: &mut Run,
        id: PlaceId,
        term: Term,
    ) -> Result<Option<bool>, LimitError> {
        let place = self.place(id).clone();
        let mut leaves = Vec::with_capacity(term.len());
        for &(x, sign) in &term {
            if let Some(leaf) = self.forms.as_leaf(x) {
                leaves.push((x, leaf, sign));
            }
        }
        let plain =
            |leaf: &Leaf| matches!(leaf, Leaf::Object(_) | Leaf::Array(_) | Leaf::Unique(_));
        if leaves.iter().all(|(_, leaf, sign)| *sign && plain(leaf)) {
            return match place {
                Place::Object { .. } => self.evaluate_object(run, &place, &leaves),
                Place::Array(read) => self.evaluate_array(run, read, &leaves),
            };
        }
        if leaves
            .iter()
            .all(|(_, leaf, sign)| self.holds_at_end(&place, *leaf) == *sign)
        {
            return Ok(Some(true));
        }
        for key in self.search_keys(&place, &leaves)? {
            match self.evaluate_key(run, &place, &leaves, key)? {
                Some(false) => {}
                other => return Ok(other),
            }
        }
        Ok(Some(false))
    }

    /// An object of which only positive nodes are asked: its members do not depend on each other.
    fn evaluate_object(
        &mut self,
        run: &mut Run,
        place: &Place,
        leaves: &[(FormId, Leaf, bool)],
    ) -> Result<Option<bool>, LimitError> {
        let Place::Object {
            layout: id, count, ..
        } = *place
        else {
            return Ok(Some(false));
        };
        let layout = self.layouts[id as usize].clone();
        let nodes: Vec<_> = leaves
            .iter()
            .filter_map(|(_, leaf, _)| match leaf {
                Leaf::Object(n) => Some((*n, layout.tables.get(n)?)),
                _ => None,
            })
            .collect();
        let mut missing: Vec<u32> = nodes
            .iter()
            .flat_map(|(_, t)| layout.missing(t, place))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        let least = nodes.iter().map(|(_, t)| t.min).max().unwrap_or(0);
        let most = nodes
            .iter()
            .filter_map(|(_, t)| t.max)
            .min()
            .unwrap_or(u64::MAX);
        let needed = count + missing.len() as u64;
        if needed > most || least > most {
            return Ok(Some(false));
        }
        self.spend(missing.len() as u64)?;
        let mut unknown = false;
        for &name in &missing {
            let mut form = FormId::TRUE;
            for (n, _) in &nodes {
                let more = self.member_form(id, *n, Key::Name(name))?;
                form = self.forms.and2(form, more);
            }
            match self.ask(run, Query::Value(form)) {
                Some(true) => {}
                Some(false) => return Ok(Some(false)),
                None => unknown = true,
            }
        }
        if unknown {
            return Ok(None);
        }
        let mut wanted = least.saturating_sub(needed);
        if wanted == 0 {
            return Ok(Some(true));
        }
        // More members than the required ones: each other name can give one, each cell any number.
        let cells = self.cells_len(id)?;
        let names = (0..layout.names.len() as u32)
            .filter(|i| layout.is_open(place, *i) && missing.binary_search(i).is_err())
            .map(Key::Name);
        let keys: Vec<Key> = (0..cells).map(Key::Cell).chain(names).collect();
        self.spend(keys.len() as u64)?;
        for key in keys {
            let mut form = FormId::TRUE;
            for (n, _) in &nodes {
                let more = self.member_form(id, *n, key)?;
                form = self.forms.and2(form, more);
            }
            match (self.ask(run, Query::Value(form)), key) {
                (None, _) => return Ok(None),
                (Some(false), _) => {}
                (Some(true), Key::Cell(_)) => return Ok(Some(true)),
                (Some(true), _) => {
                    wanted -= 1;
                    if wanted == 0 {
                        return Ok(Some(true));
                    }
                }
            }
        }
        Ok(Some(false))
    }

    /// An array of which only prefixes, items and lengths are asked.
    fn evaluate_array(
        &mut self,
        run: &mut Run,
        read: u64,
        leaves: &[(FormId, Leaf, bool)],
    ) -> Result<Option<bool>, LimitError> {
        let nodes: Vec<_> = leaves
            .iter()
            .filter_map(|(_, leaf, _)| match leaf {
                Leaf::Array(n) => {
                    let a = self.array_node(*n)?;
                    Some((*n, a.min, a.max, a.prefix.len() as u64))
                }
                _ => None,
            })
            .collect();
        let least = nodes.iter().map(|n| n.1).max().unwrap_or(0);
        let most = nodes.iter().filter_map(|n| n.2).min().unwrap_or(u64::MAX);
        if least > most {
            return Ok(Some(false));
        }
        // Past the longest prefix all elements are alike.
        let prefix = nodes.iter().map(|n| n.3).max().unwrap_or(0);
        for index in read..least.min(prefix.max(read) + 1) {
            self.spend(1)?;
            let mut form = FormId::TRUE;
            for (n, ..) in &nodes {
                let more = self.element_form(*n, index);
                form = self.forms.and2(form, more);
            }
            match self.ask(run, Query::Value(form)) {
                Some(true) => {}
                other => return Ok(other),
            }
        }
        Ok(Some(true))
    }

    /// The keys that can matter for a completion, in the order of the search.
    fn search_keys(
        &mut self,
        place: &Place,
        leaves: &[(FormId, Leaf, bool)],
    ) -> Result<Vec<Key>, LimitError> {
        let Place::Object { layout: id, .. } = *place else {
            return Ok(vec![Key::Element]);
        };
        let layout = self.layouts[id as usize].clone();
        let mut counts = false;
        let mut wanted = Vec::new();
        let mut negative = Vec::new();
        for (_, leaf, sign) in leaves {
            let Leaf::Object(n) = leaf else { continue };
            let Some(table) = layout.tables.get(n) else {
                continue;
            };
            if *sign {
                counts |= table.min > 0;
                wanted.extend(layout.missing(table, place));
            } else {
                counts |= table.max.is_some();
                negative.push(*n);
            }
        }
        wanted.sort_unstable();
        let cells = self.cells_len(id)?;
        let names = (0..layout.names.len() as u32)
            .filter(|i| layout.is_open(place, *i))
            .map(Key::Name);
        let all: Vec<Key> = names.chain((0..cells).map(Key::Cell)).collect();
        self.spend((all.len() * (1 + negative.len())) as u64)?;
        let mut keys = Vec::new();
        for key in all {
            let mut matters =
                counts || matches!(key, Key::Name(i) if wanted.binary_search(&i).is_ok());
            for n in &negative {
                if matters {
                    break;
                }
                matters = self.member_form(id, *n, key)? != FormId::TRUE;
            }
            if matters {
                keys.push(key);
            }
        }
        Ok(keys)
    }

    /// Whether a completion exists whose next member (of those that matter) has this key.
    fn evaluate_key(
        &mut self,
        run: &mut Run,
        place: &Place,
        leaves: &[(FormId, Leaf, bool)],
        key: Key,
    ) -> Result<Option<bool>, LimitError> {
        let mut value = FormId::TRUE;
        let mut next: Term = Vec::new();
        // Negated leaves that stay unless the member falsifies them.
        let mut kills: Vec<(FormId, FormId)> = Vec::new();
        let mut contains = Vec::new();
        for &(x, leaf, sign) in leaves {
            match self.outcome(place, key, x, leaf, true)? {
                Outcome::Fixed(f) if f.is_constant() => {
                    if (f == FormId::TRUE) != sign {
                        return Ok(Some(false));
                    }
                }
                Outcome::Fixed(f) => next.push((f, sign)),
                Outcome::Child {
                    child,
                    yes,
                    no: FormId::FALSE,
                } if sign => {
                    value = self.forms.and2(value, child);
                    if yes != FormId::TRUE {
                        next.push((yes, true));
                    }
                }
                Outcome::Child {
                    child,
                    yes,
                    no: FormId::FALSE,
                } => kills.push((child, yes)),
                Outcome::Child { child, yes, no } => contains.push((child, yes, no, sign)),
            }
        }
        // Which `contains` the member matches: sets of them in order of size. A set that no value
        // matches has no larger one that some value matches.
        let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
        let mut at = 0;
        'set: while let Some(set) = sets.get(at).cloned() {
            at += 1;
            self.spend(4 + contains.len() as u64)?;
            let mut matched = value;
            for &i in &set {
                matched = self.forms.and2(matched, contains[i].0);
            }
            match self.ask(run, Query::Value(matched)) {
                Some(true) => {}
                Some(false) => continue,
                None => return Ok(None),
            }
            let from = set.last().map_or(0, |last| last + 1);
            sets.extend((from..contains.len()).map(|i| [&set[..], &[i]].concat()));
            let mut next = next.clone();
            let mut parts = vec![matched];
            for (i, &(child, yes, no, sign)) in contains.iter().enumerate() {
                let holds = set.contains(&i);
                if !holds {
                    parts.push(self.forms.not(child));
                }
                let leaf = if holds { yes } else { no };
                if leaf.is_constant() {
                    if (leaf == FormId::TRUE) != sign {
                        continue 'set;
                    }
                } else {
                    next.push((leaf, sign));
                }
            }
            let exactly = self.forms.and(&parts);
            match self.evaluate_kills(run, place, key, exactly, next, &kills)? {
                Some(false) => {}
                other => return Ok(other),
            }
        }
        Ok(Some(false))
    }

    /// Chooses which negated leaves the member falsifies. The more the better, so only largest
    /// choices that some value makes need to be tried.
    fn evaluate_kills(
        &mut self,
        run: &mut Run,
        place: &Place,
        key: Key,
        value: FormId,
        next: Term,
        kills: &[(FormId, FormId)],
    ) -> Result<Option<bool>, LimitError> {
        match self.ask(run, Query::Value(value)) {
            Some(true) => {}
            other => return Ok(other),
        }
        let mut single = Vec::new();
        let mut spared = Vec::new();
        for &(child, yes) in kills {
            let not = self.forms.not(child);
            let with = self.forms.and2(value, not);
            match self.ask(run, Query::Value(with)) {
                None => return Ok(None),
                Some(true) => single.push((not, yes)),
                Some(false) => spared.push(yes),
            }
        }
        // All ones stands for all of them, however many.
        let mut tried: Vec<u64> = Vec::new();
        let mut masks = vec![u64::MAX];
        let mut at = 0;
        while let Some(&mask) = masks.get(at) {
            at += 1;
            if tried.iter().any(|t| t & mask == mask) {
                continue;
            }
            self.spend(4)?;
            let mut with = value;
            for (i, (not, _)) in single.iter().enumerate() {
                if mask == u64::MAX || mask >> i & 1 == 1 {
                    with = self.forms.and2(with, *not);
                }
            }
            match self.ask(run, Query::Value(with)) {
                None => return Ok(None),
                Some(false) => {
                    if single.len() > MAX_KILLS {
                        let n = single.len() as u64;
                        return Err(LimitError::new(
                            "alternatives to tell apart",
                            n,
                            MAX_KILLS as u64,
                        ));
                    }
                    for i in (0..single.len()).filter(|i| mask >> i & 1 == 1) {
                        let smaller = mask & ((1 << single.len()) - 1) & !(1 << i);
                        if !masks.contains(&smaller) {
                            masks.push(smaller);
                        }
                    }
                    continue;
                }
                Some(true) => tried.push(mask),
            }
            let mut term = next.clone();
            let rest = single
                .iter()
                .enumerate()
                .filter(|(i, _)| mask != u64::MAX && mask >> i & 1 == 0);
            let rest = rest.map(|(_, s)| s.1);
            term.extend(spared.iter().copied().chain(rest).map(|leaf| (leaf, false)));
            let form = self.forms.of_term(&term);
            let left: Vec<Leaf> = self
                .forms
                .leaves(&[form])
                .into_iter()
                .map(|l| l.1)
                .collect();
            let place = self.next_place(place, key, &left, true);
            match self.ask(run, Query::At(place, form)) {
                Some(false) => {}
                other => return Ok(other),
            }
        }
        Ok(Some(false))
    }
}
