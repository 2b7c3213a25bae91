//! The languages of strings and numbers, and the lexeme of a value.
//!
//! A string or number that several formulas judge is one lexeme whose marks say which of them hold:
//! the language is an intersection of what must hold, of the goal, and of a union that records a
//! mark for each formula that the text satisfies.

use super::core::{Core, JudgeId};
use super::form::{Form, FormId, Leaf};
use super::goal::GoalId;
use super::{Numbers, label};
use crate::lexicon::ExprId;
use crate::number::{NumberSet, Residues, Spelling, StepFormula, shortest_plain};
use maskwright_grammar::json_schema::{Node, NodeId, Types};
use maskwright_grammar::{RegexId, RegexNode};
use maskwright_tables::LimitError;
use rustc_hash::{FxHashMap, FxHashSet};
use std::sync::Arc;

/// Strings with marks.
type Marked = Vec<(Box<[u8]>, Option<u32>)>;

/// Which scalars a formula speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scalar {
    String,
    Number(Spelling),
}

impl Core {
    pub fn regex(&mut self, id: RegexId) -> Result<ExprId, LimitError> {
        if let Some(&e) = self.regexes.get(&id) {
            return Ok(e);
        }
        let e = self.lexicon.import(&self.schema.regexes, id)?;
        self.regexes.insert(id, e);
        Ok(e)
    }

    pub fn number_set(&self, id: NodeId) -> NumberSet {
        match self.schema.node(id) {
            Node::Number(n) => NumberSet::from(n),
            _ => NumberSet::default(),
        }
    }

    /// The texts of the numbers of a node.
    fn numbers(&self, id: NodeId, spelling: Spelling) -> Result<ExprId, LimitError> {
        self.number_set(id).expr(&self.lexicon, spelling)
    }

    /// The richest spelling in which all number leaves of the formulas are decidable.
    fn spelling(&self, forms: &[FormId]) -> Spelling {
        let mut least = match self.options.numbers {
            Numbers::Any => Spelling::Full,
            Numbers::Shortest => Spelling::Plain,
        };
        for (_, leaf) in self.forms.leaves(forms) {
            if let Leaf::Number(n) = leaf {
                least = least.min(self.number_set(n).spelling());
            }
        }
        least
    }

    /// Every scalar of the kind: the values of strings, the texts of numbers.
    fn whole(&self, scalar: Scalar) -> Result<ExprId, LimitError> {
        match scalar {
            Scalar::String => Ok(self.lexicon.any_text()),
            Scalar::Number(spelling) => NumberSet::default().expr(&self.lexicon, spelling),
        }
    }

    /// The scalars that satisfy a formula over leaves of their type.
    fn language(&mut self, root: FormId, scalar: Scalar) -> Result<ExprId, LimitError> {
        let known = |core: &Core, x: FormId| match scalar {
            Scalar::String => core.string_languages.get(&x).copied(),
            Scalar::Number(s) => core.number_languages.get(&(x, s)).copied(),
        };
        if let Some(e) = known(self, root) {
            return Ok(e);
        }
        match (self.forms.get(root), scalar) {
            (Form::False, _) => return Ok(self.lexicon.never()),
            (Form::True, _) => return self.whole(scalar),
            (&Form::Leaf(Leaf::String(r)), Scalar::String) => return self.regex(r),
            _ => {}
        }
        // Complements of leaves alone: what is missing to a match shows better then.
        let top = root;
        let root = match scalar {
            Scalar::String if self.is_choice_under_not(root) => self
                .forms
                .rewrite_signed(root, |forms, x, sign| if sign { x } else { forms.not(x) }),
            _ => root,
        };
        let over_steps = match scalar {
            Scalar::Number(Spelling::Plain) => self.formulas_over_steps(root),
            _ => FxHashSet::default(),
        };
        // Those that are not known yet, the largest formulas over steps as a whole.
        let mut open = vec![root];
        let mut seen = FxHashSet::default();
        while let Some(x) = open.pop() {
            if known(self, x).is_some() || !seen.insert(x) {
                continue;
            }
            if over_steps.contains(&x)
                && self.forms.as_leaf(x).is_none()
                && let Some(e) = self.steps_language(&[x])
            {
                self.number_languages.insert((x, Spelling::Plain), e);
                continue;
            }
            open.extend_from_slice(self.forms.children(x));
        }
        let mut order: Vec<FormId> = seen.into_iter().collect();
        order.sort_unstable();
        for x in order {
            if known(self, x).is_some() {
                continue;
            }
            self.spend(1)?;
            let part = |core: &Core, y: &FormId| known(core, *y).unwrap_or(core.lexicon.never());
            let e = match self.forms.get(x).clone() {
                Form::False => self.lexicon.never(),
                Form::True => self.whole(scalar)?,
                Form::Leaf(Leaf::String(r)) => self.regex(r)?,
                Form::Leaf(Leaf::Number(n)) => match scalar {
                    Scalar::Number(spelling) => self.numbers(n, spelling)?,
                    Scalar::String => self.lexicon.never(),
                },
                Form::Leaf(_) => self.lexicon.never(),
                Form::Not(y) => {
                    let inner = part(self, &y);
                    self.outside(inner, scalar)?
                }
                Form::And(p) => match scalar {
                    Scalar::Number(spelling) => {
                        self.intersect_numbers(&p, spelling, &over_steps)?
                    }
                    Scalar::String => {
                        let p: Vec<ExprId> = p.iter().map(|y| part(self, y)).collect();
                        self.lexicon.and(&p)
                    }
                },
                Form::Or(p) => {
                    let p: Vec<ExprId> = p.iter().map(|y| part(self, y)).collect();
                    self.lexicon.alt(&p)
                }
                Form::One(p) => {
                    let p: Vec<ExprId> = p.iter().map(|y| part(self, y)).collect();
                    let mut choices = Vec::with_capacity(p.len());
                    for i in 0..p.len() {
                        let others = self.lexicon.alt(&[&p[..i], &p[i + 1..]].concat());
                        choices.push(self.lexicon.and(&[p[i], self.lexicon.not(others)]));
                    }
                    self.lexicon.alt(&choices)
                }
            };
            match scalar {
                Scalar::String => self.string_languages.insert(x, e),
                Scalar::Number(s) => self.number_languages.insert((x, s), e),
            };
        }
        let e = known(self, root).unwrap_or(self.lexicon.never());
        if root != top {
            self.string_languages.insert(top, e);
        }
        Ok(e)
    }

    /// Whether some conjunction or disjunction is negated below; not where "exactly one" occurs,
    /// which takes as many terms as it has pairs.
    fn is_choice_under_not(&self, root: FormId) -> bool {
        let mut found = false;
        for x in self.forms.below(&[root]) {
            match *self.forms.get(x) {
                Form::One(_) => return false,
                Form::Not(y) => found |= self.forms.as_leaf(y).is_none(),
                _ => {}
            }
        }
        found
    }

    /// All scalars of the kind that are not in `inner`.
    fn outside(&mut self, inner: ExprId, scalar: Scalar) -> Result<ExprId, LimitError> {
        if scalar == Scalar::String {
            return Ok(self.lexicon.text_not(inner));
        }
        let whole = self.whole(scalar)?;
        Ok(self.lexicon.and(&[whole, self.lexicon.not(inner)]))
    }

    /// The formulas at and below `root` whose leaves are nothing but steps.
    fn formulas_over_steps(&self, root: FormId) -> FxHashSet<FormId> {
        let mut found = FxHashSet::default();
        for x in self.forms.below(&[root]) {
            let is_one = match *self.forms.get(x) {
                Form::False | Form::True => false,
                Form::Leaf(Leaf::Number(n)) => self.number_set(n).as_step().is_some(),
                Form::Leaf(_) => false,
                _ => self.forms.children(x).iter().all(|y| found.contains(y)),
            };
            if is_one {
                found.insert(x);
            }
        }
        found
    }

    /// The numbers that satisfy all of the formulas over steps, as one automaton; `None` if it would
    /// be too large.
    fn steps_language(&self, conjunction: &[FormId]) -> Option<ExprId> {
        let below = self.forms.below(conjunction);
        let place = |x: &FormId| below.binary_search(x).unwrap_or_default();
        let places = |p: &[FormId]| p.iter().map(place).collect::<Vec<usize>>();
        let mut formula = Vec::with_capacity(below.len() + 1);
        for &x in &below {
            formula.push(match self.forms.get(x) {
                Form::Leaf(Leaf::Number(n)) => {
                    StepFormula::Step(self.number_set(*n).as_step()?.clone())
                }
                Form::Not(y) => StepFormula::Not(place(y)),
                Form::And(p) => StepFormula::And(places(p)),
                Form::Or(p) => StepFormula::Or(places(p)),
                Form::One(p) => StepFormula::One(places(p)),
                Form::False | Form::True | Form::Leaf(_) => return None,
            });
        }
        formula.push(StepFormula::And(places(conjunction)));
        let residues = Residues::new(&formula)?;
        Some(self.lexicon.leaf(Arc::new(residues)))
    }

    /// A conjunction of number formulas: intervals and steps are intersected exactly, other formulas
    /// over steps together, and the rest is left to the lexicon.
    fn intersect_numbers(
        &mut self,
        parts: &[FormId],
        spelling: Spelling,
        over_steps: &FxHashSet<FormId>,
    ) -> Result<ExprId, LimitError> {
        let mut set = NumberSet::default();
        let mut rest = Vec::new();
        let mut parts = parts.to_vec();
        let is_choice = |x: &FormId| over_steps.contains(x) && self.forms.as_leaf(*x).is_none();
        let choices: Vec<FormId> = parts.iter().copied().filter(is_choice).collect();
        if choices.len() > 1
            && let Some(e) = self.steps_language(&choices)
        {
            parts.retain(|x| !choices.contains(x));
            rest.push(e);
        }
        for x in parts {
            match *self.forms.get(x) {
                Form::Leaf(Leaf::Number(n)) => set = set.intersect(&self.number_set(n))?,
                Form::Not(y) => {
                    let outside = match self.forms.as_leaf(y) {
                        Some(Leaf::Number(n)) => self.number_set(n).complement(),
                        _ => None,
                    };
                    match outside {
                        Some(outside) => set = set.intersect(&outside)?,
                        None => rest.push(self.number_languages[&(x, spelling)]),
                    }
                }
                _ => rest.push(self.number_languages[&(x, spelling)]),
            }
        }
        // Two steps can need a plainer spelling than each: the result is then exact within it.
        let spelling = spelling.min(set.spelling());
        rest.push(set.expr(&self.lexicon, spelling)?);
        Ok(self.lexicon.and(&rest))
    }

    /// Whether some string or number satisfies a formula of its type.
    pub fn scalar_exists(&mut self, form: FormId, ty: Types) -> Result<bool, LimitError> {
        if form.is_constant() {
            return Ok(form == FormId::TRUE);
        }
        let scalar = match ty {
            Types::STRING => Scalar::String,
            _ => Scalar::Number(self.spelling(&[form])),
        };
        let e = self.language(form, scalar)?;
        match scalar {
            Scalar::String => self.string_exists(e),
            Scalar::Number(_) => {
                let e = self.spelled(e);
                Ok(!self.lexicon.is_never(e)?)
            }
        }
    }

    /// The spellings of numbers that the options allow.
    fn spelled(&self, numbers: ExprId) -> ExprId {
        match self.options.numbers {
            Numbers::Any => numbers,
            Numbers::Shortest => self.lexicon.and(&[numbers, shortest_plain(&self.lexicon)]),
        }
    }

    /// Whether some string whose value is in the language can be written. Where the vocabulary lacks
    /// some bytes an escape may do what the bytes cannot.
    pub fn string_exists(&self, value: ExprId) -> Result<bool, LimitError> {
        Ok(!self.lexicon.is_never(value)?
            || !self.lexicon.is_never(self.lexicon.json_string(value))?)
    }

    /// The marks of the extra formulas that are true.
    pub fn truth_marks(&self, extra: &[FormId]) -> ExprId {
        let marks: Vec<ExprId> = extra
            .iter()
            .enumerate()
            .filter(|(_, f)| **f == FormId::TRUE)
            .map(|(i, _)| self.mark(label::TRUTH + i as u32))
            .collect();
        if marks.is_empty() {
            self.lexicon.empty()
        } else {
            self.lexicon.alt(&marks)
        }
    }

    /// The text of the strings or numbers that a judge admits, marked with what they satisfy.
    pub fn scalar_expr(&mut self, judge: JudgeId, ty: Types) -> Result<ExprId, LimitError> {
        let never = self.lexicon.never();
        let (must, extra, goal) = self.typed_judge(judge, ty)?;
        if must == FormId::FALSE || goal == GoalId::FALSE {
            return Ok(never);
        }
        let all: Vec<FormId> = [&[must][..], &extra].concat();
        let scalar = match ty {
            Types::STRING => Scalar::String,
            _ => Scalar::Number(self.spelling(&all)),
        };
        let vars: Vec<u32> = (0..extra.len() as u32)
            .filter(|i| !extra[*i as usize].is_constant())
            .collect();
        let value = if vars.is_empty() {
            self.language(must, scalar)?
        } else {
            let expected = self.goals.any_of(&vars);
            let any = must == FormId::TRUE && goal == expected;
            let mut parts = Vec::with_capacity(vars.len() + 1);
            if let Some(literals) = self.literals(&extra, &vars) {
                parts.push(self.lexicon.literals(literals));
            } else {
                for &i in &vars {
                    let e = self.language(extra[i as usize], scalar)?;
                    parts.push(self.lexicon.concat(&[e, self.mark(label::TRUTH + i)]));
                }
            }
            if any {
                self.lexicon.alt(&parts)
            } else {
                parts.push(self.whole(scalar)?);
                let marked = self.lexicon.alt(&parts);
                let must = self.language(must, scalar)?;
                let goal = self.goal_language(goal, &extra, scalar)?;
                self.lexicon.and(&[must, goal, marked])
            }
        };
        let value = match scalar {
            Scalar::String => value,
            Scalar::Number(_) => self.spelled(value),
        };
        let text = match scalar {
            Scalar::String if self.lexicon.is_empty(value)? => return Ok(never),
            Scalar::String => self.lexicon.json_string(value),
            Scalar::Number(_) => value,
        };
        if self.lexicon.is_never(text)? {
            return Ok(never);
        }
        let marks = self.truth_marks(&extra);
        Ok(self.lexicon.concat(&[text, marks]))
    }

    /// A judge in terms of one type, settled extra formulas taken out of the goal.
    pub fn typed_judge(
        &mut self,
        judge: JudgeId,
        ty: Types,
    ) -> Result<(FormId, Vec<FormId>, GoalId), LimitError> {
        let judge = self.judge(judge).clone();
        let must = self.typed(judge.must, ty)?;
        if judge.extra.is_empty() {
            return Ok((must, Vec::new(), judge.goal));
        }
        let mut extra = Vec::with_capacity(judge.extra.len());
        for &x in &judge.extra {
            extra.push(self.typed(x, ty)?);
        }
        let goal = self
            .goals
            .restrict(judge.goal, |v| match extra[v as usize] {
                f if f.is_constant() => Err(f == FormId::TRUE),
                _ => Ok(v),
            });
        Ok((must, extra, goal))
    }

    /// The strings of formulas that are plain sets of strings, with their marks.
    fn literals(&self, extra: &[FormId], vars: &[u32]) -> Option<Marked> {
        let mut all = Vec::new();
        for &i in vars {
            let Some(Leaf::String(r)) = self.forms.as_leaf(extra[i as usize]) else {
                return None;
            };
            let mark = Some(self.base + label::TRUTH + i);
            match self.schema.regexes.node(r) {
                RegexNode::Empty => all.push((Box::default(), mark)),
                RegexNode::Bytes(b) => all.push((b.clone(), mark)),
                RegexNode::Literals(set) => all.extend(set.iter().map(|b| (b.clone(), mark))),
                _ => return None,
            }
        }
        Some(all)
    }

    fn goal_language(
        &mut self,
        goal: GoalId,
        extra: &[FormId],
        scalar: Scalar,
    ) -> Result<ExprId, LimitError> {
        let whole = self.whole(scalar)?;
        let mut done: FxHashMap<GoalId, ExprId> = FxHashMap::default();
        done.insert(GoalId::FALSE, self.lexicon.never());
        done.insert(GoalId::TRUE, whole);
        for id in self.goals.below(goal) {
            let (var, no, yes) = self.goals.get(id);
            let x = self.language(extra[var as usize], scalar)?;
            let not_x = self.outside(x, scalar)?;
            let if_yes = if yes == GoalId::TRUE {
                x
            } else {
                self.lexicon.and(&[x, done[&yes]])
            };
            let if_no = match no {
                GoalId::TRUE => not_x,
                // What holds without the formula when it can only help holds in any case.
                _ if yes == GoalId::TRUE => done[&no],
                _ => self.lexicon.and(&[not_x, done[&no]]),
            };
            let e = self.lexicon.alt(&[if_yes, if_no]);
            done.insert(id, e);
        }
        Ok(done[&goal])
    }
}
