//! Hash-consed boolean formulas over leaves: what is still asked of a value.
//!
//! Operands keep the order in which they were given (the order of the schema text decides the order
//! of properties), and children always have smaller ids than their parents, so every algorithm is
//! one ascending loop over the ids that it reaches and nothing recurses.

use super::core::Table;
use maskwright_grammar::RegexId;
use maskwright_grammar::json_schema::NodeId;
use rustc_hash::{FxHashMap, FxHashSet};

/// A hash-consed formula: equal structure means equal id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FormId(pub u32);

impl FormId {
    /// No value.
    pub const FALSE: FormId = FormId(0);
    /// Any value.
    pub const TRUE: FormId = FormId(1);

    /// Whether the formula is `TRUE` or `FALSE`.
    pub fn is_constant(self) -> bool {
        self.0 < 2
    }

    /// The constant of a truth value.
    pub fn constant(value: bool) -> Self {
        FormId(u32::from(value))
    }
}

/// What a formula speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Leaf {
    /// A schema node, type not yet known.
    Node(NodeId),
    /// The string is matched by the regex.
    String(RegexId),
    /// The number satisfies a number node.
    Number(NodeId),
    /// The object satisfies an object node.
    Object(NodeId),
    /// The array satisfies an array node, its `contains` and `unique` left out.
    Array(NodeId),
    /// The `contains` of an array node, so many matching elements having been read.
    Contains(NodeId, u64),
    /// The elements of the array differ; left to the matcher to enforce.
    Unique(NodeId),
}

/// A node of the arena.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    False,
    True,
    Leaf(Leaf),
    Not(FormId),
    /// At least two, distinct, no constants.
    And(Box<[FormId]>),
    /// At least two, distinct, no constants.
    Or(Box<[FormId]>),
    /// Exactly one; at least two, no constants.
    One(Box<[FormId]>),
}

/// The arena.
#[derive(Debug)]
pub(super) struct Forms(Table<Form>);

/// A conjunction of literals: leaves (as formulas) and whether they are meant positively.
pub(super) type Term = Vec<(FormId, bool)>;

impl Forms {
    pub fn new() -> Self {
        let mut forms = Forms(Table::new());
        forms.add(Form::False);
        forms.add(Form::True);
        forms
    }

    pub fn len(&self) -> usize {
        self.0.list.len()
    }

    /// Bytes held, about.
    pub fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }

    pub fn get(&self, id: FormId) -> &Form {
        &self.0.list[id.0 as usize]
    }

    fn add(&mut self, form: Form) -> FormId {
        FormId(self.0.intern(form))
    }

    pub fn leaf(&mut self, leaf: Leaf) -> FormId {
        self.add(Form::Leaf(leaf))
    }

    pub fn as_leaf(&self, id: FormId) -> Option<Leaf> {
        match *self.get(id) {
            Form::Leaf(leaf) => Some(leaf),
            _ => None,
        }
    }

    pub fn not(&mut self, x: FormId) -> FormId {
        match *self.get(x) {
            Form::False => FormId::TRUE,
            Form::True => FormId::FALSE,
            Form::Not(y) => y,
            _ => self.add(Form::Not(x)),
        }
    }

    pub fn and2(&mut self, a: FormId, b: FormId) -> FormId {
        match (a, b) {
            (FormId::TRUE, x) | (x, FormId::TRUE) => x,
            (FormId::FALSE, _) | (_, FormId::FALSE) => FormId::FALSE,
            _ if a == b => a,
            _ => self.and(&[a, b]),
        }
    }

    pub fn or2(&mut self, a: FormId, b: FormId) -> FormId {
        match (a, b) {
            (FormId::FALSE, x) | (x, FormId::FALSE) => x,
            (FormId::TRUE, _) | (_, FormId::TRUE) => FormId::TRUE,
            _ if a == b => a,
            _ => self.or(&[a, b]),
        }
    }

    pub fn and(&mut self, parts: &[FormId]) -> FormId {
        self.join(parts, FormId::TRUE)
    }

    pub fn or(&mut self, parts: &[FormId]) -> FormId {
        self.join(parts, FormId::FALSE)
    }

    /// A conjunction (`unit` is true) or disjunction (`unit` is false) in normal form.
    fn join(&mut self, parts: &[FormId], unit: FormId) -> FormId {
        let mut flat = match self.flatten(parts, unit) {
            None => return FormId::constant(unit == FormId::FALSE),
            Some(flat) => flat,
        };
        while let Some(less) = self.resolve(&flat, unit) {
            flat = match self.flatten(&less, unit) {
                None => return FormId::constant(unit == FormId::FALSE),
                Some(flat) => flat,
            };
        }
        match flat[..] {
            [] => unit,
            [one] => one,
            _ if unit == FormId::TRUE => self.add(Form::And(flat.into())),
            _ => self.add(Form::Or(flat.into())),
        }
    }

    /// `a & (!a | b)` is `a & b` and `a & (a | b)` is `a`; the same with "or" and "and" exchanged.
    /// `None` if there is nothing of the kind.
    fn resolve(&mut self, flat: &[FormId], unit: FormId) -> Option<Vec<FormId>> {
        let is_choice = |s: &Self, x: FormId| match s.get(x) {
            Form::Or(_) => unit == FormId::TRUE,
            Form::And(_) => unit == FormId::FALSE,
            _ => false,
        };
        if !flat.iter().any(|x| is_choice(self, *x)) {
            return None;
        }
        let all: FxHashSet<FormId> = flat.iter().copied().collect();
        let excluded = |s: &Self, x: FormId| match *s.get(x) {
            Form::Not(y) => all.contains(&y),
            _ => {
                let not = s.0.find(&Form::Not(x));
                not.is_some_and(|not| all.contains(&FormId(not)))
            }
        };
        let mut changed = false;
        let mut out = Vec::with_capacity(flat.len());
        for &x in flat {
            if !is_choice(self, x) {
                out.push(x);
                continue;
            }
            let choices = self.children(x);
            if choices.iter().any(|c| all.contains(c)) {
                changed = true;
                continue;
            }
            let left: Vec<FormId> = choices
                .iter()
                .copied()
                .filter(|c| !excluded(self, *c))
                .collect();
            if left.len() == choices.len() {
                out.push(x);
            } else {
                // What is left of a normal form is one.
                changed = true;
                out.push(match left[..] {
                    [] => FormId::constant(unit == FormId::FALSE),
                    [one] => one,
                    _ if unit == FormId::TRUE => self.add(Form::Or(left.into())),
                    _ => self.add(Form::And(left.into())),
                });
            }
        }
        changed.then_some(out)
    }

    /// The operands of a conjunction (`unit` is true) or disjunction (`unit` is false), nested ones
    /// merged, duplicates dropped; `None` if a constant or a complementary pair decides it.
    fn flatten(&self, parts: &[FormId], unit: FormId) -> Option<Vec<FormId>> {
        let mut flat: Vec<FormId> = Vec::with_capacity(parts.len());
        let mut set: FxHashSet<FormId> = FxHashSet::default();
        let mut negated = false;
        for &part in parts {
            let inner: &[FormId] = match self.get(part) {
                Form::And(inner) if unit == FormId::TRUE => inner,
                Form::Or(inner) if unit == FormId::FALSE => inner,
                _ => &[part],
            };
            for &x in inner {
                if x == unit {
                    continue;
                }
                if x.is_constant() {
                    return None;
                }
                negated |= matches!(self.get(x), Form::Not(_));
                let new = if flat.len() < 8 {
                    !flat.contains(&x)
                } else {
                    if set.is_empty() {
                        set.extend(flat.iter().copied());
                    }
                    set.insert(x)
                };
                if new {
                    flat.push(x);
                }
            }
        }
        if negated {
            let all: FxHashSet<FormId> = flat.iter().copied().collect();
            let clash = |x: &FormId| matches!(self.get(*x), Form::Not(y) if all.contains(y));
            if flat.iter().any(clash) {
                return None;
            }
        }
        Some(flat)
    }

    pub fn one(&mut self, parts: &[FormId]) -> FormId {
        let mut rest = Vec::with_capacity(parts.len());
        let mut sure = 0;
        for &x in parts {
            match x {
                FormId::FALSE => {}
                FormId::TRUE => sure += 1,
                _ => rest.push(x),
            }
        }
        match (sure, &rest[..]) {
            (0, []) => FormId::FALSE,
            (0, [x]) => *x,
            (0, _) => self.add(Form::One(rest.into())),
            (1, _) => {
                let none: Vec<FormId> = rest.iter().map(|x| self.not(*x)).collect();
                self.and(&none)
            }
            _ => FormId::FALSE,
        }
    }

    /// Operands.
    pub fn children(&self, id: FormId) -> &[FormId] {
        match self.get(id) {
            Form::Not(x) => std::slice::from_ref(x),
            Form::And(p) | Form::Or(p) | Form::One(p) => p,
            _ => &[],
        }
    }

    /// Everything at or below `roots`, ascending (children first).
    pub fn below(&self, roots: &[FormId]) -> Vec<FormId> {
        let mut seen: FxHashSet<FormId> = FxHashSet::default();
        let mut stack = roots.to_vec();
        let mut all = Vec::new();
        while let Some(x) = stack.pop() {
            if seen.insert(x) {
                all.push(x);
                stack.extend_from_slice(self.children(x));
            }
        }
        all.sort_unstable();
        all
    }

    /// The leaves below `roots`, each once, in the order of the formulas.
    pub fn leaves(&self, roots: &[FormId]) -> Vec<(FormId, Leaf)> {
        let mut out = Vec::new();
        if let [root] = roots
            && let Some(leaf) = self.as_leaf(*root)
        {
            out.push((*root, leaf));
            return out;
        }
        let mut seen: FxHashSet<FormId> = FxHashSet::default();
        let mut stack: Vec<FormId> = roots.iter().rev().copied().collect();
        while let Some(x) = stack.pop() {
            if !seen.insert(x) {
                continue;
            }
            match self.get(x) {
                Form::Leaf(leaf) => out.push((x, *leaf)),
                _ => stack.extend(self.children(x).iter().rev()),
            }
        }
        out
    }

    /// `roots` with each leaf replaced by what `map` gives for it.
    pub fn rewrite(
        &mut self,
        roots: &[FormId],
        mut map: impl FnMut(FormId, Leaf) -> FormId,
    ) -> Vec<FormId> {
        if let [root] = roots
            && let Some(leaf) = self.as_leaf(*root)
        {
            return vec![map(*root, leaf)];
        }
        let mut done: FxHashMap<FormId, FormId> = FxHashMap::default();
        for x in self.below(roots) {
            let new = match self.get(x).clone() {
                Form::False | Form::True => x,
                Form::Leaf(leaf) => map(x, leaf),
                Form::Not(y) => self.not(done[&y]),
                Form::And(p) => {
                    let p: Vec<FormId> = p.iter().map(|y| done[y]).collect();
                    self.and(&p)
                }
                Form::Or(p) => {
                    let p: Vec<FormId> = p.iter().map(|y| done[y]).collect();
                    self.or(&p)
                }
                Form::One(p) => {
                    let p: Vec<FormId> = p.iter().map(|y| done[y]).collect();
                    self.one(&p)
                }
            };
            done.insert(x, new);
        }
        roots.iter().map(|r| done[r]).collect()
    }

    /// A formula without `One` in which each occurrence of a leaf is replaced according to its sign:
    /// `map(leaf, true)` for positive occurrences, `map(leaf, false)` for negated ones (negation
    /// included). So a bound on each literal gives a bound on the whole.
    pub fn rewrite_signed(
        &mut self,
        root: FormId,
        mut map: impl FnMut(&mut Forms, FormId, bool) -> FormId,
    ) -> FormId {
        let all = self.below(&[root]);
        let index: FxHashMap<FormId, usize> =
            all.iter().enumerate().map(|(i, x)| (*x, i)).collect();
        // Which signs are needed: parents before children.
        let mut need = vec![[false; 2]; all.len()];
        need[index[&root]][1] = true;
        for (i, x) in all.iter().enumerate().rev() {
            let signs = need[i];
            for child in self.children(*x) {
                let n = &mut need[index[child]];
                match self.get(*x) {
                    Form::Not(_) => *n = [n[0] | signs[1], n[1] | signs[0]],
                    Form::One(_) => *n = [true, true],
                    _ => *n = [n[0] | signs[0], n[1] | signs[1]],
                }
            }
        }
        let mut done = vec![[FormId::FALSE; 2]; all.len()];
        for (i, x) in all.iter().enumerate() {
            for sign in [false, true] {
                if !need[i][usize::from(sign)] {
                    continue;
                }
                let at = |y: &FormId, sign: bool| done[index[y]][usize::from(sign)];
                done[i][usize::from(sign)] = match self.get(*x).clone() {
                    Form::False | Form::True => FormId::constant((*x == FormId::TRUE) == sign),
                    Form::Leaf(_) => map(self, *x, sign),
                    Form::Not(y) => at(&y, !sign),
                    Form::And(p) | Form::Or(p) => {
                        let conjunction = matches!(self.get(*x), Form::And(_)) == sign;
                        let p: Vec<FormId> = p.iter().map(|y| at(y, sign)).collect();
                        if conjunction {
                            self.and(&p)
                        } else {
                            self.or(&p)
                        }
                    }
                    Form::One(p) => {
                        let yes: Vec<FormId> = p.iter().map(|y| at(y, true)).collect();
                        let no: Vec<FormId> = p.iter().map(|y| at(y, false)).collect();
                        let mut choices = Vec::new();
                        if sign {
                            for (i, x) in yes.iter().enumerate() {
                                if *x != FormId::FALSE {
                                    let all = [&[*x][..], &no[..i], &no[i + 1..]].concat();
                                    choices.push(self.and(&all));
                                }
                            }
                        } else {
                            choices.push(self.and(&no));
                            for i in 0..yes.len() {
                                for j in i + 1..yes.len() {
                                    choices.push(self.and2(yes[i], yes[j]));
                                }
                            }
                        }
                        self.or(&choices)
                    }
                };
            }
        }
        done[index[&root]][1]
    }

    /// The truth of `roots`, given that of the leaves.
    pub fn eval(&self, roots: &[FormId], mut truth: impl FnMut(Leaf) -> bool) -> Vec<bool> {
        if let [root] = roots
            && let Some(leaf) = self.as_leaf(*root)
        {
            return vec![truth(leaf)];
        }
        let mut done: FxHashMap<FormId, bool> = FxHashMap::default();
        for x in self.below(roots) {
            let value = match self.get(x) {
                Form::False => false,
                Form::True => true,
                Form::Leaf(leaf) => truth(*leaf),
                Form::Not(y) => !done[y],
                Form::And(p) => p.iter().all(|y| done[y]),
                Form::Or(p) => p.iter().any(|y| done[y]),
                Form::One(p) => p.iter().filter(|y| done[*y]).count() == 1,
            };
            done.insert(x, value);
        }
        roots.iter().map(|r| done[r]).collect()
    }

    /// The formula's literals, if it is a literal or a conjunction of literals.
    pub fn as_term(&self, id: FormId) -> Option<Term> {
        let literal = |x: &FormId| match self.get(*x) {
            Form::Leaf(_) => Some((*x, true)),
            Form::Not(y) if matches!(self.get(*y), Form::Leaf(_)) => Some((*y, false)),
            _ => None,
        };
        match self.get(id) {
            Form::True => Some(Vec::new()),
            Form::And(p) => p.iter().map(literal).collect(),
            _ => literal(&id).map(|l| vec![l]),
        }
    }

    /// Whether the formula is a disjunction of leaves.
    pub fn is_union_of_leaves(&self, id: FormId) -> bool {
        match self.get(id) {
            Form::Or(p) => p.iter().all(|x| self.as_leaf(*x).is_some()),
            _ => false,
        }
    }

    /// The formula of a term.
    pub fn of_term(&mut self, term: &[(FormId, bool)]) -> FormId {
        let parts: Vec<FormId> = term
            .iter()
            .map(|&(x, sign)| if sign { x } else { self.not(x) })
            .collect();
        self.and(&parts)
    }
}

/// The terms whose union is a formula, one at a time: a tableau with unit propagation.
pub(super) struct Terms {
    open: Vec<Branch>,
    /// The branch whose literals were shown last; it goes on unless it is dropped.
    shown: Option<Branch>,
    /// Whether to show partial terms: worth it once a whole term has failed.
    careful: bool,
}

/// What a search for terms comes upon.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A term of the formula.
    Term(Term),
    /// Literals that all terms to come have, until others are shown: if these exclude each other the
    /// branch can be dropped. Only after [`Terms::be_careful`].
    Partial(Term),
    /// There are no more.
    Nothing,
}

#[derive(Clone, Default)]
struct Branch {
    literals: Term,
    /// How many of the literals have been shown.
    shown: usize,
    /// Still to be added, those that do not branch first.
    pending: Vec<(FormId, bool)>,
    choices: Vec<(FormId, bool)>,
}

impl Terms {
    pub fn new(root: FormId) -> Self {
        let first = Branch {
            pending: vec![(root, true)],
            ..Branch::default()
        };
        Terms {
            open: vec![first],
            shown: None,
            careful: false,
        }
    }

    /// Says that the last term did not do.
    pub fn be_careful(&mut self) {
        self.careful = true;
    }

    /// Gives up the branch of the literals that were shown last.
    pub fn drop_shown(&mut self) {
        self.shown = None;
    }

    /// The next find. `steps` counts down; `Err` when it is used up.
    pub fn next(&mut self, forms: &Forms, steps: &mut u64) -> Result<Found, ()> {
        while let Some(mut b) = self.shown.take().or_else(|| self.open.pop()) {
            if !b.settle(forms, steps)? {
                continue;
            }
            if b.choices.is_empty() {
                return Ok(Found::Term(b.literals));
            }
            if self.careful && b.shown < b.literals.len() {
                b.shown = b.literals.len();
                let literals = b.literals.clone();
                self.shown = Some(b);
                return Ok(Found::Partial(literals));
            }
            if b.propagate(forms, steps)? {
                self.split(b, forms, steps)?;
            }
        }
        Ok(Found::Nothing)
    }

    /// Replaces a branch by one for each way to satisfy its last choice.
    fn split(&mut self, mut b: Branch, forms: &Forms, steps: &mut u64) -> Result<(), ()> {
        let Some((x, sign)) = b.choices.pop() else {
            self.open.push(b);
            return Ok(());
        };
        let p = forms.children(x);
        let first = self.open.len();
        let mut push = |more: &[(FormId, bool)], open: &mut Vec<Branch>| {
            *steps = steps.checked_sub(1 + b.literals.len() as u64).ok_or(())?;
            let mut c = b.clone();
            c.pending.extend_from_slice(more);
            open.push(c);
            Ok(())
        };
        match (forms.get(x), sign) {
            (Form::One(_), true) => {
                for i in 0..p.len() {
                    let all: Vec<_> = p.iter().enumerate().map(|(j, y)| (*y, i == j)).collect();
                    push(&all, &mut self.open)?;
                }
            }
            (Form::One(_), false) => {
                let none: Vec<_> = p.iter().map(|y| (*y, false)).collect();
                push(&none, &mut self.open)?;
                for i in 0..p.len() {
                    for j in i + 1..p.len() {
                        push(&[(p[i], true), (p[j], true)], &mut self.open)?;
                    }
                }
            }
            _ => {
                for y in p {
                    push(&[(*y, sign)], &mut self.open)?;
                }
            }
        }
        self.open[first..].reverse();
        Ok(())
    }
}

impl Branch {
    /// Adds everything that does not branch; false if the literals contradict each other.
    fn settle(&mut self, forms: &Forms, steps: &mut u64) -> Result<bool, ()> {
        while let Some((x, sign)) = self.pending.pop() {
            *steps = steps.checked_sub(1).ok_or(())?;
            match forms.get(x) {
                Form::True | Form::False => {
                    if (x == FormId::TRUE) != sign {
                        return Ok(false);
                    }
                }
                Form::Leaf(_) => {
                    if self.literals.contains(&(x, !sign)) {
                        return Ok(false);
                    }
                    if !self.literals.contains(&(x, sign)) {
                        self.literals.push((x, sign));
                    }
                }
                Form::Not(y) => self.pending.push((*y, !sign)),
                Form::And(p) if sign => self.pending.extend(p.iter().rev().map(|y| (*y, true))),
                Form::Or(p) if !sign => self.pending.extend(p.iter().rev().map(|y| (*y, false))),
                _ => self.choices.push((x, sign)),
            }
        }
        Ok(true)
    }

    /// Drops choices that the literals settle; false if they make one impossible. Puts the choice
    /// with the fewest ways last.
    fn propagate(&mut self, forms: &Forms, steps: &mut u64) -> Result<bool, ()> {
        if self.choices.len() < 2 {
            return Ok(true);
        }
        let roots: Vec<FormId> = self.choices.iter().map(|c| c.0).collect();
        let below = forms.below(&roots);
        *steps = steps.checked_sub(below.len() as u64).ok_or(())?;
        let mut known: FxHashMap<FormId, bool> = self.literals.iter().copied().collect();
        for &x in &below {
            let truth = |y: &FormId| known.get(y).copied();
            let value = match forms.get(x) {
                Form::False => Some(false),
                Form::True => Some(true),
                Form::Leaf(_) => None,
                Form::Not(y) => truth(y).map(|v| !v),
                Form::And(p) | Form::Or(p) => {
                    let decides = matches!(forms.get(x), Form::Or(_));
                    if p.iter().any(|y| truth(y) == Some(decides)) {
                        Some(decides)
                    } else if p.iter().all(|y| truth(y).is_some()) {
                        Some(!decides)
                    } else {
                        None
                    }
                }
                Form::One(p) => {
                    let sure = p.iter().filter(|y| truth(y) == Some(true)).count();
                    let open = p.iter().filter(|y| truth(y).is_none()).count();
                    match (sure, open) {
                        (2.., _) | (0, 0) => Some(false),
                        (1, 0) => Some(true),
                        _ => None,
                    }
                }
            };
            if let Some(value) = value {
                known.insert(x, value);
            }
        }
        if self
            .choices
            .iter()
            .any(|(x, sign)| known.get(x) == Some(&!sign))
        {
            return Ok(false);
        }
        self.choices.retain(|(x, _)| !known.contains_key(x));
        let ways = |x: &FormId| {
            forms
                .children(*x)
                .iter()
                .filter(|y| !known.contains_key(y))
                .count()
        };
        // The earliest of the best keeps the order of the schema.
        let best = (0..self.choices.len()).min_by_key(|i| ways(&self.choices[*i].0));
        if let Some(best) = best {
            let choice = self.choices.remove(best);
            self.choices.push(choice);
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(forms: &mut Forms, n: u32) -> Vec<FormId> {
        (0..n).map(|i| forms.leaf(Leaf::Node(NodeId(i)))).collect()
    }

    fn truth(bits: u32) -> impl FnMut(Leaf) -> bool {
        move |leaf| matches!(leaf, Leaf::Node(NodeId(i)) if bits >> i & 1 == 1)
    }

    /// A formula over four leaves that uses every connective.
    fn sample(forms: &mut Forms) -> FormId {
        let x = leaves(forms, 4);
        let one = forms.one(&x);
        let n = forms.not(x[1]);
        let and = forms.and(&[x[0], n]);
        let not_one = forms.not(one);
        let or = forms.or(&[not_one, and]);
        let other = forms.one(&[x[2], x[3], and]);
        forms.and(&[or, other])
    }

    #[test]
    fn terms_cover_exactly_the_formula() {
        let mut forms = Forms::new();
        let f = sample(&mut forms);
        let mut terms = Terms::new(f);
        let mut steps = 10_000;
        let mut all = Vec::new();
        loop {
            terms.be_careful();
            match terms.next(&forms, &mut steps).unwrap() {
                Found::Term(t) => all.push(forms.of_term(&t)),
                Found::Partial(_) => {}
                Found::Nothing => break,
            }
        }
        for bits in 0..16 {
            let expected = forms.eval(&[f], truth(bits))[0];
            assert_eq!(
                forms.eval(&all, truth(bits)).contains(&true),
                expected,
                "{bits:04b}"
            );
        }
    }

    #[test]
    fn signed_rewriting_by_the_literals_themselves_changes_nothing() {
        let mut forms = Forms::new();
        let f = sample(&mut forms);
        let g = forms.rewrite_signed(f, |forms, x, sign| if sign { x } else { forms.not(x) });
        for bits in 0..16 {
            assert_eq!(forms.eval(&[f], truth(bits)), forms.eval(&[g], truth(bits)));
        }
    }

    #[test]
    fn constants_and_complements_simplify() {
        let mut forms = Forms::new();
        let x = leaves(&mut forms, 3);
        let n = forms.not(x[0]);
        assert_eq!(forms.and(&[x[0], x[1], n]), FormId::FALSE);
        assert_eq!(forms.or(&[x[0], n]), FormId::TRUE);
        assert_eq!(forms.one(&[x[0], FormId::FALSE]), x[0]);
        assert_eq!(forms.one(&[x[0], FormId::TRUE]), n);
        assert_eq!(
            forms.one(&[FormId::TRUE, FormId::TRUE, x[0]]),
            FormId::FALSE
        );
        let killed = forms.rewrite(&[n], |_, _| FormId::FALSE);
        assert_eq!(killed, [FormId::TRUE]);
    }

    #[test]
    fn what_is_decided_beside_a_choice_is_taken_out_of_it() {
        let mut forms = Forms::new();
        let x = leaves(&mut forms, 3);
        let n: Vec<FormId> = x.iter().map(|x| forms.not(*x)).collect();
        let choice = forms.or(&[n[0], n[1], n[2]]);
        let expected = forms.and(&[x[0], x[2], n[1]]);
        assert_eq!(forms.and(&[x[0], x[2], choice]), expected);
        assert_eq!(forms.and(&[x[0], x[1], x[2], choice]), FormId::FALSE);
        let choice = forms.or(&[x[0], x[1]]);
        assert_eq!(forms.and(&[choice, x[1]]), x[1]);
        let both = forms.and(&[x[0], x[1]]);
        let either = forms.or(&[n[0], x[1]]);
        assert_eq!(forms.or(&[n[0], both]), either);
        // Any formula of three leaves, put together at random, keeps its truth.
        let mut seed = 7u32;
        let mut made = [&x[..], &n].concat();
        let mut truths: Vec<u32> = Vec::new();
        for f in &made {
            truths.push(
                (0..8)
                    .map(|b| u32::from(forms.eval(&[*f], truth(b))[0]) << b)
                    .sum(),
            );
        }
        for _ in 0..2000 {
            let mut draw = || {
                seed = seed.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                (seed >> 8) as usize
            };
            let (a, b, c) = (
                draw() % made.len(),
                draw() % made.len(),
                draw() % made.len(),
            );
            let parts = [made[a], made[b], made[c]];
            let (f, expected) = match draw() % 2 {
                0 => (forms.and(&parts), truths[a] & truths[b] & truths[c]),
                _ => (forms.or(&parts), truths[a] | truths[b] | truths[c]),
            };
            let truth: u32 = (0..8)
                .map(|b| u32::from(forms.eval(&[f], truth(b))[0]) << b)
                .sum();
            assert_eq!(truth, expected);
            if !f.is_constant() {
                made.push(f);
                truths.push(truth);
            }
        }
    }
}
