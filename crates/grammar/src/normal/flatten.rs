//! Right sides → flat productions.
//!
//! Choices inside a sequence and repeats become helper nonterminals; equal ones are shared, which
//! matters: with two helpers for the same `x*`, an LR parser would have to choose between them before
//! it can. Repeats are lowered to the left, so that a list of any length needs constant stack:
//!
//! ```text
//! x+      R = x | R x
//! x*      S = R | ()
//! x{2,4}  C2 = x x ;  C3 = C2 x ;  C4 = C3 x ;  S = C2 | C3 | C4
//! x{2,}   S = C2 | S x
//! ```
//!
//! When `x` itself may be empty, copies of it would be ambiguous; then the copies stand for what is
//! not empty of `x` (a *strict* production) and fewer of them will do.

use super::draft::Draft;
use super::fuse::Fused;
use super::nonempty;
use super::{Meter, Nonterminal, NormalTerminal, Sym};
use crate::horn::Clauses;
use crate::ir::ExprId;
use crate::{Expr, Grammar, Place, RegexId, RegexNode, RegexPool, RuleId};
use maskwright_tables::LimitError;
use rustc_hash::{FxHashMap, FxHashSet};

/// What a helper stands for; equal keys share one helper.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Helper {
    Choice(Vec<Vec<Sym>>),
    /// One or more; strict or not.
    Loop(Vec<Sym>, bool),
    /// Exactly so many, at least two; strict or not.
    Count(Sym, u32, bool),
    /// From so many to so many.
    Range(Sym, u32, Option<u32>, bool),
}

enum Task {
    Visit(ExprId),
    /// Begins a new sequence on top of the one under way.
    Open,
    /// Ends that many sequences: they are alternatives.
    Choice(usize),
    /// Ends one sequence: it is repeated.
    Repeat(u32, Option<u32>),
}

struct Flatten<'a, 'm> {
    grammar: &'a Grammar,
    fused: &'a Fused,
    regexes: &'a mut RegexPool,
    regex_nullable: Vec<bool>,
    draft: Draft,
    /// Whether each nonterminal derives the empty text.
    nullable: Vec<bool>,
    helpers: FxHashMap<Helper, u32>,
    /// The symbol of each regex; `None` where it matches the empty text only.
    symbols: FxHashMap<RegexId, Option<Sym>>,
    rule: usize,
    meter: &'a mut Meter<'m>,
}

/// Flattens the rules that are not fused, and the start rule in any case.
pub(super) fn flatten(
    grammar: &Grammar,
    fused: &Fused,
    regexes: &mut RegexPool,
    start: RuleId,
    meter: &mut Meter<'_>,
) -> Result<Draft, LimitError> {
    let regex_nullable = nonempty::nullable(regexes);
    let nullable = nullable_rules(grammar, &regex_nullable);
    let mut draft = Draft {
        start: start.0,
        ..Draft::default()
    };
    for rule in &grammar.rules {
        draft.add_nonterminal(Nonterminal {
            name: rule.name.clone(),
            place: rule.place.clone(),
        });
    }
    let mut f = Flatten {
        grammar,
        fused,
        regexes,
        regex_nullable,
        draft,
        nullable,
        helpers: FxHashMap::default(),
        symbols: FxHashMap::default(),
        rule: 0,
        meter,
    };
    for rule in 0..grammar.rules.len() {
        if fused.rules[rule].is_some() && rule != start.0 as usize {
            continue;
        }
        f.rule = rule;
        let lhs = rule as u32;
        for part in f.alternatives(grammar.rules[rule].expr) {
            let rhs = f.sequence(part)?;
            f.draft.add(lhs, rhs, false);
        }
    }
    Ok(f.draft)
}

/// Which rules derive the empty text.
fn nullable_rules(grammar: &Grammar, regex_nullable: &[bool]) -> Vec<bool> {
    let rules_len = grammar.rules.len();
    let var = |e: &ExprId| rules_len as u32 + e.0;
    let mut clauses = Clauses::new(rules_len + grammar.exprs.len());
    for (r, rule) in grammar.rules.iter().enumerate() {
        clauses.add(r as u32, [var(&rule.expr)]);
    }
    for (e, expr) in grammar.exprs.iter().enumerate() {
        let head = (rules_len + e) as u32;
        match expr {
            Expr::Empty => clauses.add(head, []),
            Expr::Terminal(t) => {
                if regex_nullable[grammar.terminals[t.0 as usize].regex.0 as usize] {
                    clauses.add(head, []);
                }
            }
            Expr::Rule(r) => clauses.add(head, [r.0]),
            Expr::Seq(parts) => clauses.add(head, parts.iter().map(var)),
            Expr::Alt(parts) => parts.iter().for_each(|p| clauses.add(head, [var(p)])),
            Expr::Repeat { min: 0, .. } => clauses.add(head, []),
            Expr::Repeat { expr, .. } => clauses.add(head, [var(expr)]),
        }
    }
    let mut holds = clauses.holds();
    holds.truncate(rules_len);
    holds
}

impl Flatten<'_, '_> {
    /// The alternatives of an entry, those of alternatives included, each once.
    fn alternatives(&self, root: ExprId) -> Vec<ExprId> {
        let mut seen = FxHashSet::default();
        let mut stack = vec![root];
        let mut found = Vec::new();
        while let Some(e) = stack.pop() {
            if !seen.insert(e) {
                continue;
            }
            match self.grammar.expr(e) {
                Expr::Alt(parts) if self.fused.exprs[e.0 as usize].is_none() => {
                    stack.extend(parts.iter().rev())
                }
                _ => found.push(e),
            }
        }
        found
    }

    /// The symbols of one alternative.
    fn sequence(&mut self, root: ExprId) -> Result<Vec<Sym>, LimitError> {
        let mut tasks = vec![Task::Visit(root)];
        let mut open: Vec<Vec<Sym>> = vec![Vec::new()];
        while let Some(task) = tasks.pop() {
            let symbol = match task {
                Task::Open => {
                    open.push(Vec::new());
                    None
                }
                Task::Visit(e) => self.visit(e, &mut tasks)?,
                Task::Choice(n) => {
                    let parts = open.split_off(open.len() - n);
                    Some(self.choice(parts)?)
                }
                Task::Repeat(min, max) => {
                    let body = open.pop().unwrap_or_default();
                    self.repeat(body, min, max)?
                }
            };
            if let (Some(symbol), Some(top)) = (symbol, open.last_mut()) {
                self.meter.pay(1)?;
                top.push(symbol);
            }
        }
        Ok(open.pop().unwrap_or_default())
    }

    fn visit(&mut self, e: ExprId, tasks: &mut Vec<Task>) -> Result<Option<Sym>, LimitError> {
        self.meter.pay(1)?;
        let grammar = self.grammar;
        if let Some(regex) = self.fused.exprs[e.0 as usize] {
            let (name, place) = match grammar.expr(e) {
                Expr::Rule(r) => {
                    let rule = &grammar.rules[r.0 as usize];
                    (rule.name.clone(), rule.place.clone())
                }
                _ => {
                    let rule = &grammar.rules[self.rule];
                    let whole = rule.expr == e;
                    (
                        if whole {
                            rule.name.clone()
                        } else {
                            format!("text in {}", rule.name)
                        },
                        rule.place.clone(),
                    )
                }
            };
            return Ok(self.terminal(regex, name, place));
        }
        match grammar.expr(e) {
            Expr::Empty => {}
            Expr::Terminal(t) => {
                let t = &grammar.terminals[t.0 as usize];
                return Ok(self.terminal(t.regex, t.name.clone(), t.place.clone()));
            }
            Expr::Rule(r) => return Ok(Some(Sym::Nonterminal(r.0))),
            Expr::Seq(parts) => tasks.extend(parts.iter().rev().map(|p| Task::Visit(*p))),
            Expr::Alt(_) => {
                let parts = self.alternatives(e);
                tasks.push(Task::Choice(parts.len()));
                for p in parts.into_iter().rev() {
                    tasks.push(Task::Visit(p));
                    tasks.push(Task::Open);
                }
            }
            Expr::Repeat { expr, min, max } => {
                tasks.push(Task::Repeat(*min, *max));
                tasks.push(Task::Visit(*expr));
                tasks.push(Task::Open);
            }
        }
        Ok(None)
    }

    /// The symbol of a terminal: itself, a choice between it and nothing, or nothing.
    fn terminal(&mut self, regex: RegexId, name: String, place: Place) -> Option<Sym> {
        if let Some(&symbol) = self.symbols.get(&regex) {
            return symbol;
        }
        // Regexes that `nonempty` made have no entry, but they are never nullable.
        let optional = self
            .regex_nullable
            .get(regex.0 as usize)
            .copied()
            .unwrap_or(false);
        let part = if optional {
            nonempty::part(self.regexes, &self.regex_nullable, regex)
        } else {
            regex
        };
        let symbol = if optional && *self.regexes.node(part) == RegexNode::Never {
            None
        } else if optional {
            let inner = self.terminal(part, name, place);
            let choice = self.helper(Helper::Choice(vec![
                inner.into_iter().collect(),
                Vec::new(),
            ]));
            Some(Sym::Nonterminal(choice))
        } else {
            self.draft
                .terminals
                .push(NormalTerminal { name, regex, place });
            Some(Sym::Terminal(self.draft.terminals.len() as u32 - 1))
        };
        self.symbols.insert(regex, symbol);
        symbol
    }

    fn is_nullable(&self, symbol: Sym) -> bool {
        match symbol {
            Sym::Terminal(_) => false,
            Sym::Nonterminal(n) => self.nullable[n as usize],
        }
    }

    fn choice(&mut self, mut parts: Vec<Vec<Sym>>) -> Result<Sym, LimitError> {
        let mut seen = FxHashSet::default();
        parts.retain(|p| seen.insert(p.clone()));
        if let [one] = &parts[..]
            && let [symbol] = one[..]
        {
            return Ok(symbol);
        }
        self.meter.pay(parts.iter().map(|p| p.len() + 1).sum())?;
        Ok(Sym::Nonterminal(self.helper(Helper::Choice(parts))))
    }

    /// A body as one symbol.
    fn single(&mut self, body: Vec<Sym>) -> Result<Sym, LimitError> {
        self.choice(vec![body])
    }

    fn repeat(
        &mut self,
        body: Vec<Sym>,
        min: u32,
        max: Option<u32>,
    ) -> Result<Option<Sym>, LimitError> {
        if body.is_empty() || max == Some(0) {
            return Ok(None);
        }
        let strict = body.iter().all(|s| self.is_nullable(*s));
        let min = if strict { 0 } else { min };
        let looped = match (min, max) {
            (1, Some(1)) => return Ok(Some(self.single(body)?)),
            (0, Some(1)) => return Ok(Some(self.choice(vec![body, Vec::new()])?)),
            (0 | 1, None) => {
                let body = if strict {
                    vec![self.single(body)?]
                } else {
                    body
                };
                self.meter.pay(2 * body.len())?;
                Sym::Nonterminal(self.helper(Helper::Loop(body, strict)))
            }
            (_, _) => {
                let one = self.single(body)?;
                let copies = max.unwrap_or(min);
                // Paid before anything is built, so that a huge bound costs nothing.
                self.meter.pay(3 * copies as usize)?;
                let from = min.max(1);
                if max == Some(from) {
                    self.count(one, from, strict)
                } else {
                    Sym::Nonterminal(self.helper(Helper::Range(one, from, max, strict)))
                }
            }
        };
        if min == 0 {
            Ok(Some(self.choice(vec![vec![looped], Vec::new()])?))
        } else {
            Ok(Some(looped))
        }
    }

    /// Exactly `n` copies, at least one.
    fn count(&mut self, one: Sym, n: u32, strict: bool) -> Sym {
        let mut last = one;
        for k in 2..=n {
            let key = Helper::Count(one, k, strict);
            last = Sym::Nonterminal(match self.helpers.get(&key) {
                Some(&found) => found,
                None => {
                    let made = self.fresh(false);
                    self.draft.add(made, vec![last, one], strict);
                    self.helpers.insert(key, made);
                    made
                }
            });
        }
        last
    }

    fn fresh(&mut self, nullable: bool) -> u32 {
        let rule = &self.grammar.rules[self.rule];
        self.nullable.push(nullable);
        self.draft.add_nonterminal(Nonterminal {
            name: format!("{}.1", rule.name),
            place: rule.place.clone(),
        })
    }

    fn helper(&mut self, key: Helper) -> u32 {
        if let Some(&found) = self.helpers.get(&key) {
            return found;
        }
        let made = match &key {
            Helper::Choice(parts) => {
                let nullable = parts.iter().any(|p| p.iter().all(|s| self.is_nullable(*s)));
                let made = self.fresh(nullable);
                for p in parts {
                    self.draft.add(made, p.clone(), false);
                }
                made
            }
            Helper::Loop(body, strict) => {
                let made = self.fresh(false);
                self.draft.add(made, body.clone(), *strict);
                let mut more = vec![Sym::Nonterminal(made)];
                more.extend(body);
                self.draft.add(made, more, *strict);
                made
            }
            Helper::Range(one, from, Some(to), strict) => {
                let made = self.fresh(false);
                for k in *from..=*to {
                    let copies = self.count_step(*one, k, *strict);
                    self.draft.add(made, vec![copies], *strict);
                }
                made
            }
            Helper::Range(one, from, None, strict) => {
                let made = self.fresh(false);
                let copies = self.count(*one, *from, *strict);
                self.draft.add(made, vec![copies], *strict);
                self.draft
                    .add(made, vec![Sym::Nonterminal(made), *one], *strict);
                made
            }
            // Made by `count`.
            Helper::Count(one, n, strict) => match self.count(*one, *n, *strict) {
                Sym::Nonterminal(n) => n,
                Sym::Terminal(_) => self.fresh(false),
            },
        };
        self.helpers.insert(key, made);
        made
    }

    /// As [`Flatten::count`], one step from the count before: linear over a whole range.
    fn count_step(&mut self, one: Sym, n: u32, strict: bool) -> Sym {
        if n > 2
            && !self.helpers.contains_key(&Helper::Count(one, n, strict))
            && let Some(&before) = self.helpers.get(&Helper::Count(one, n - 1, strict))
        {
            let made = self.fresh(false);
            self.draft
                .add(made, vec![Sym::Nonterminal(before), one], strict);
            self.helpers.insert(Helper::Count(one, n, strict), made);
            return Sym::Nonterminal(made);
        }
        match self.helpers.get(&Helper::Count(one, n, strict)) {
            Some(&found) => Sym::Nonterminal(found),
            None => self.count(one, n, strict),
        }
    }
}
