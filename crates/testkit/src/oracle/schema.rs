//! JSON Schemas for the oracle: a schema graph, written out as a grammar.
//!
//! Only the positive part of the algebra is done, in the most obvious way: a conjunction of nodes
//! is multiplied out into branches of single-type assertions, and every branch becomes rules. What
//! is not done (complements, `oneOf`, `contains`, unique items, large counts) is an
//! [`Unsupported`], never an approximation that looks exact.
//!
//! Two things are not context-free or depend on documented restrictions of spelling: members that
//! may not be named twice, and numbers between bounds. So there are two grammars, and the truth
//! lies between: [`Bound::Lower`] holds only documents that must be allowed (a few numbers, at most
//! one undeclared member in each object), [`Bound::Upper`] all that may be.
//!
//! Documents are as Maskwright writes them by default: declared members in the order of each branch (by
//! first appearance where these contradict each other), then others; flexible, bounded white space before
//! each lexeme and at the end.

use super::spans;
use maskwright_grammar::ir::ExprId;
use maskwright_grammar::json_schema::{
    ArrayNode, Decimal, Node, NodeId, NumberNode, ObjectNode, Schema, Types,
};
use maskwright_grammar::{Expr, Grammar, Place, RegexId, Rule, RuleId, Terminal, TerminalId};
use std::collections::HashMap;
use std::fmt;

/// The most branches of one conjunction.
const MAX_BRANCHES: usize = 512;
/// The largest count that is written out.
const MAX_COUNT: u64 = 200;
/// The largest member count that is tracked.
const MAX_MEMBERS: u64 = 8;

/// What the oracle does not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsupported(pub &'static str);

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the schema oracle does not do {}", self.0)
    }
}

impl std::error::Error for Unsupported {}

/// Which side of the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// No document that is not a sentence.
    Lower,
    /// Every sentence, and some documents that are not.
    Upper,
}

/// The grammar of a schema's documents, up to `bound`.
///
/// # Errors
/// The first thing in the schema that is not done here.
pub fn grammar(schema: &Schema, bound: Bound) -> Result<Grammar, Unsupported> {
    let mut g = Grammar {
        regexes: schema.regexes.clone(),
        ..Grammar::default()
    };
    let pool = &mut g.regexes;
    let space = pool.bytes(*b" ");
    let spaces = pool.repeat(space, 1, Some(2));
    let tab = pool.bytes(*b"\t");
    let newline = pool.literals([Box::from(*b"\n"), Box::from(*b"\r\n")]);
    let (by_spaces, by_tabs) = (
        pool.repeat(space, 0, Some(64)),
        pool.repeat(tab, 0, Some(16)),
    );
    let indent = pool.alt([by_spaces, by_tabs]);
    let line = pool.concat([newline, indent]);
    let some = pool.alt([spaces, line]);
    let gap = pool.repeat(some, 0, Some(1));
    let mut builder = Builder {
        schema,
        bound,
        g,
        terminals: HashMap::new(),
        values: HashMap::new(),
        open: Vec::new(),
        gap,
    };
    let root = schema.root.ok_or(Unsupported("a schema without a root"))?;
    let value = builder.value(vec![root]);
    let trailing = builder.terminal(gap);
    let trailing = builder.g.add(Expr::Terminal(trailing));
    let text = builder.g.add(Expr::Seq(vec![value, trailing]));
    let start = builder.rule(text);
    while let Some((rule, nodes)) = builder.open.pop() {
        let expr = builder.document(&nodes)?;
        builder.g.rules[rule.0 as usize].expr = expr;
        if builder.g.rules.len() > 50_000 {
            return Err(Unsupported("so many rules"));
        }
    }
    builder.g.start = Some(start);
    Ok(builder.g)
}

/// An ordered conjunction of nodes; of none: anything.
type Conjunction = Vec<NodeId>;

struct Builder<'s> {
    schema: &'s Schema,
    bound: Bound,
    g: Grammar,
    terminals: HashMap<RegexId, TerminalId>,
    values: HashMap<Conjunction, RuleId>,
    /// Rules whose right side is not there yet.
    open: Vec<(RuleId, Conjunction)>,
    gap: RegexId,
}

impl<'s> Builder<'s> {
    fn rule(&mut self, expr: ExprId) -> RuleId {
        self.g.rules.push(Rule {
            name: format!("r{}", self.g.rules.len()),
            expr,
            place: Place::default(),
        });
        RuleId(self.g.rules.len() as u32 - 1)
    }

    fn terminal(&mut self, regex: RegexId) -> TerminalId {
        let next = TerminalId(self.g.terminals.len() as u32);
        *self.terminals.entry(regex).or_insert_with(|| {
            self.g.terminals.push(Terminal {
                name: format!("T{}", next.0),
                regex,
                place: Place::default(),
            });
            next
        })
    }

    fn seq(&mut self, parts: Vec<ExprId>) -> ExprId {
        self.g.add(Expr::Seq(parts))
    }

    /// White space, then the lexeme.
    fn lexeme(&mut self, regex: RegexId) -> ExprId {
        let parts = [self.gap, regex].map(|r| {
            let terminal = self.terminal(r);
            self.g.add(Expr::Terminal(terminal))
        });
        self.seq(parts.to_vec())
    }

    fn literal(&mut self, text: &str) -> ExprId {
        let regex = self.g.regexes.bytes(text.as_bytes());
        self.lexeme(regex)
    }

    /// A value that all nodes are true of.
    fn value(&mut self, mut nodes: Conjunction) -> ExprId {
        let mut seen = std::collections::HashSet::new();
        nodes.retain(|n| seen.insert(*n));
        let rule = match self.values.get(&nodes) {
            Some(&rule) => rule,
            None => {
                let nothing = self.g.add(Expr::Alt(Vec::new()));
                let rule = self.rule(nothing);
                self.values.insert(nodes.clone(), rule);
                self.open.push((rule, nodes));
                rule
            }
        };
        self.g.add(Expr::Rule(rule))
    }

    /// The conjunction multiplied out into branches of single-type assertions.
    fn branches(&self, nodes: &[NodeId]) -> Result<Vec<Conjunction>, Unsupported> {
        let mut done = Vec::new();
        let mut open: Vec<(Conjunction, Conjunction)> =
            vec![(Vec::new(), nodes.iter().rev().copied().collect())];
        let mut steps = 0;
        while let Some((mut leaves, mut pending)) = open.pop() {
            steps += 1;
            if steps > MAX_BRANCHES * 8 || done.len() > MAX_BRANCHES {
                return Err(Unsupported("so many branches"));
            }
            let Some(node) = pending.pop() else {
                done.push(leaves);
                continue;
            };
            match self.schema.node(node) {
                Node::All(parts) => {
                    pending.extend(parts.iter().rev());
                    open.push((leaves, pending));
                }
                Node::Any(parts) => {
                    for part in parts.iter().rev() {
                        let mut pending = pending.clone();
                        pending.push(*part);
                        open.push((leaves.clone(), pending));
                    }
                }
                Node::One(_) => return Err(Unsupported("oneOf")),
                Node::Not(_) => return Err(Unsupported("complements")),
                _ => {
                    leaves.push(node);
                    open.push((leaves, pending));
                }
            }
        }
        Ok(done)
    }

    fn document(&mut self, nodes: &[NodeId]) -> Result<ExprId, Unsupported> {
        let schema = self.schema;
        let branches = self.branches(nodes)?;
        let mut readings = Vec::new();
        let mut objects: Vec<Vec<&ObjectNode>> = Vec::new();
        for branch in &branches {
            let leaves: Vec<&Node> = branch.iter().map(|n| schema.node(*n)).collect();
            let types = leaves.iter().fold(Types::ALL, |all, n| match n {
                Node::Types(t) => Types(all.0 & t.0),
                _ => all,
            });
            let has = |t: Types| types.contains(t);
            for (t, word) in [
                (Types::NULL, "null"),
                (Types::TRUE, "true"),
                (Types::FALSE, "false"),
            ] {
                if has(t) {
                    readings.push(self.literal(word));
                }
            }
            if has(Types::STRING) {
                let mut values: Vec<RegexId> = leaves
                    .iter()
                    .filter_map(|n| {
                        if let Node::String(r) = n {
                            Some(*r)
                        } else {
                            None
                        }
                    })
                    .collect();
                values.push(self.g.regexes.any_text());
                let value = self.g.regexes.and(values);
                let spelled = self.g.regexes.json_string(value);
                readings.push(self.lexeme(spelled));
            }
            if has(Types::NUMBER) {
                let all: Vec<&NumberNode> = leaves
                    .iter()
                    .filter_map(|n| {
                        if let Node::Number(n) = n {
                            Some(n)
                        } else {
                            None
                        }
                    })
                    .collect();
                let regex = self.numbers(&all);
                readings.push(self.lexeme(regex));
            }
            if has(Types::ARRAY) {
                let all: Vec<&ArrayNode> = leaves
                    .iter()
                    .filter_map(|n| {
                        if let Node::Array(a) = n {
                            Some(a)
                        } else {
                            None
                        }
                    })
                    .collect();
                readings.push(self.array(&all)?);
            }
            if has(Types::OBJECT) {
                let all: Vec<&ObjectNode> = leaves
                    .iter()
                    .filter_map(|n| {
                        if let Node::Object(o) = n {
                            Some(o)
                        } else {
                            None
                        }
                    })
                    .collect();
                if !objects.contains(&all) {
                    objects.push(all);
                }
            }
        }
        // The order of members is that of each branch where these agree: next comes the first name, by first
        // appearance, before which no other is left.
        let lists: Vec<Vec<&str>> = objects
            .iter()
            .flatten()
            .map(|o| o.properties.iter().map(|p| &*p.0).collect())
            .collect();
        let mut left: Vec<&str> = Vec::new();
        for name in lists.iter().flatten() {
            if !left.contains(name) {
                left.push(name);
            }
        }
        let mut names: Vec<&str> = Vec::new();
        while !left.is_empty() {
            let is_next = |name: &&str| {
                lists.iter().all(|list| {
                    let place = list.iter().position(|n| n == name);
                    place.is_none_or(|p| list[..p].iter().all(|n| !left.contains(n)))
                })
            };
            let at = left.iter().position(is_next).unwrap_or(0);
            names.push(left.remove(at));
        }
        let open = |all: &[&ObjectNode]| {
            !all.iter()
                .any(|o| o.additional.is_some_and(|n| self.is_nothing(n)))
        };
        if objects.len() > 1 && objects.iter().any(|all| open(all)) {
            return Err(Unsupported("open objects in several branches"));
        }
        for all in objects {
            readings.push(self.object(&all, &names)?);
        }
        Ok(self.g.add(Expr::Alt(readings)))
    }

    fn is_nothing(&self, node: NodeId) -> bool {
        match self.schema.node(node) {
            Node::Any(parts) => parts.is_empty(),
            Node::Types(t) => t.0 == 0,
            _ => false,
        }
    }

    fn numbers(&mut self, all: &[&NumberNode]) -> RegexId {
        let free = all
            .iter()
            .all(|n| n.min.is_none() && n.max.is_none() && n.multiple_of.is_none());
        let pool = &mut self.g.regexes;
        let digit = pool.class([('0', '9')]);
        let positive = pool.class([('1', '9')]);
        let zero = pool.bytes(*b"0");
        let (some, any) = (pool.repeat(digit, 1, None), pool.repeat(digit, 0, None));
        let large = pool.concat([positive, any]);
        let natural = pool.alt([zero, large]);
        let minus = pool.bytes(*b"-");
        let minus = pool.repeat(minus, 0, Some(1));
        if free || self.bound == Bound::Upper {
            let point = pool.bytes(*b".");
            let fraction = pool.concat([point, some]);
            let e = pool.class([('e', 'e'), ('E', 'E')]);
            let sign = pool.class([('+', '+'), ('-', '-')]);
            let sign = pool.repeat(sign, 0, Some(1));
            let exponent = pool.concat([e, sign, some]);
            let (fraction, exponent) = (
                pool.repeat(fraction, 0, Some(1)),
                pool.repeat(exponent, 0, Some(1)),
            );
            return pool.concat([minus, natural, fraction, exponent]);
        }
        let one = |d: &Decimal| approximately(d) == Some(1.0);
        if all
            .iter()
            .all(|n| n.min.is_none() && n.max.is_none() && n.multiple_of.as_ref().is_none_or(one))
        {
            return pool.concat([minus, natural]);
        }
        let fits = |i: i32| all.iter().all(|n| certainly_holds(n, i));
        let some: Vec<Box<[u8]>> = (-200..=1100)
            .filter(|i| fits(*i))
            .map(|i| i.to_string().into_bytes().into())
            .collect();
        pool.literals(some)
    }

    fn array(&mut self, all: &[&ArrayNode]) -> Result<ExprId, Unsupported> {
        let min = all.iter().map(|a| a.min).max().unwrap_or(0);
        let max = all.iter().filter_map(|a| a.max).min();
        if all.iter().any(|a| a.contains.is_some()) {
            return Err(Unsupported("contains"));
        }
        if all.iter().any(|a| a.unique) && max.is_none_or(|m| m > 1) {
            return Err(Unsupported("unique items"));
        }
        let prefix = all.iter().map(|a| a.prefix.len()).max().unwrap_or(0) as u64;
        if min > MAX_COUNT || prefix > MAX_COUNT || max.is_some_and(|m| m > MAX_COUNT) {
            return Err(Unsupported("large counts"));
        }
        if max.is_some_and(|m| m < min) {
            return Ok(self.g.add(Expr::Alt(Vec::new())));
        }
        let element = |i: u64| -> Conjunction {
            all.iter()
                .filter_map(|a| a.prefix.get(i as usize).copied().or(a.items))
                .collect()
        };
        let empty = self.g.add(Expr::Empty);
        let comma = self.literal(",");
        // From the end: what may follow `i` elements.
        let tail_item = self.value(element(prefix));
        let with_comma = self.seq(vec![comma, tail_item]);
        let more = |b: &mut Self, min: u64, max: Option<u64>| {
            b.g.add(Expr::Repeat {
                expr: with_comma,
                min: min as u32,
                max: max.map(|m| m as u32),
            })
        };
        let mut rest = if prefix > 0 {
            more(
                self,
                min.saturating_sub(prefix),
                max.map(|m| m.saturating_sub(prefix)),
            )
        } else if max == Some(0) {
            empty
        } else {
            let others = more(self, min.saturating_sub(1), max.map(|m| m - 1));
            let filled = self.seq(vec![tail_item, others]);
            if min == 0 {
                self.g.add(Expr::Alt(vec![empty, filled]))
            } else {
                filled
            }
        };
        for i in (0..prefix).rev() {
            let item = self.value(element(i));
            let filled = if i == 0 {
                self.seq(vec![item, rest])
            } else {
                self.seq(vec![comma, item, rest])
            };
            rest = match (max.is_some_and(|m| m <= i), min <= i) {
                (true, _) => empty,
                (false, true) => self.g.add(Expr::Alt(vec![empty, filled])),
                (false, false) => filled,
            };
        }
        let (open, close) = (self.literal("["), self.literal("]"));
        Ok(self.seq(vec![open, rest, close]))
    }

    fn object(&mut self, all: &[&ObjectNode], names: &[&str]) -> Result<ExprId, Unsupported> {
        let pool = &self.schema.regexes;
        let required = |name: &str| all.iter().any(|o| o.required.iter().any(|r| **r == *name));
        if all
            .iter()
            .flat_map(|o| &o.required)
            .any(|r| !names.contains(&&**r))
        {
            return Err(Unsupported("required members that are not declared"));
        }
        // Declared members: what each must be, or nothing when its name is not allowed.
        let mut members = Vec::new();
        for name in names {
            let allowed = all.iter().all(|o| {
                o.names
                    .is_none_or(|r| spans::matches(pool, r, name.as_bytes()))
            });
            let mut child = Vec::new();
            for o in all {
                let own = o.properties.iter().filter(|p| *p.0 == **name).map(|p| p.1);
                let matched = o
                    .patterns
                    .iter()
                    .filter(|p| spans::matches(pool, p.0, name.as_bytes()))
                    .map(|p| p.1);
                let both: Vec<NodeId> = own.chain(matched).collect();
                if both.is_empty() {
                    child.extend(o.additional);
                }
                child.extend(both);
            }
            let regex = self.g.regexes.bytes(name.as_bytes());
            let member = if allowed {
                Some(self.member(regex, child))
            } else {
                None
            };
            members.push((member, required(name)));
        }
        let extras = self.extras(all, names)?;
        let extra = self.g.add(Expr::Alt(extras));
        let comma = self.literal(",");
        let extra_more = self.seq(vec![comma, extra]);
        let min = all.iter().map(|o| o.min).max().unwrap_or(0);
        let max = all.iter().filter_map(|o| o.max).min();
        if min > MAX_MEMBERS || max.is_some_and(|m| m > MAX_MEMBERS) {
            return Err(Unsupported("large member counts"));
        }
        // Counts above `most` are not told apart.
        let most = max.map_or(min, |m| m + 1);
        // `after[count]`: what may follow when the declared members up to here are settled.
        let more_extras = |b: &mut Self, count: u64| -> ExprId {
            let few = if b.bound == Bound::Lower {
                Some(1)
            } else {
                None
            };
            let least = min.saturating_sub(count);
            let room = max.map(|m| m.saturating_sub(count));
            let most = match (room, few) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            if max.is_some_and(|m| count > m) || most.is_some_and(|m| m < least) {
                return b.g.add(Expr::Alt(Vec::new()));
            }
            let expr = if count == 0 { extra } else { extra_more };
            if count > 0 {
                return b.g.add(Expr::Repeat {
                    expr,
                    min: least as u32,
                    max: most.map(|m| m as u32),
                });
            }
            // The first member has no comma before it.
            let others = b.g.add(Expr::Repeat {
                expr: extra_more,
                min: least.saturating_sub(1) as u32,
                max: most.map(|m| m.saturating_sub(1) as u32),
            });
            let filled = b.g.add(Expr::Seq(vec![extra, others]));
            let mut choices = Vec::new();
            if least == 0 {
                choices.push(b.g.add(Expr::Empty));
            }
            if most != Some(0) {
                choices.push(filled);
            }
            b.g.add(Expr::Alt(choices))
        };
        // A count is at least one once a member was written, so `most` must tell 0 from 1.
        let most = most.max(1);
        let mut after: Vec<ExprId> = Vec::new();
        for count in 0..=most {
            let expr = more_extras(self, count);
            let rule = self.rule(expr);
            after.push(self.g.add(Expr::Rule(rule)));
        }
        for (member, required) in members.into_iter().rev() {
            let mut before = Vec::new();
            for count in 0..=most {
                let mut choices = Vec::new();
                if !required {
                    choices.push(after[count as usize]);
                }
                if let Some(member) = member {
                    let next = after[(count + 1).min(most) as usize];
                    choices.push(if count == 0 {
                        self.seq(vec![member, next])
                    } else {
                        self.seq(vec![comma, member, next])
                    });
                }
                let expr = self.g.add(Expr::Alt(choices));
                let rule = self.rule(expr);
                before.push(self.g.add(Expr::Rule(rule)));
            }
            after = before;
        }
        let (open, close) = (self.literal("{"), self.literal("}"));
        Ok(self.seq(vec![open, after[0], close]))
    }

    fn member(&mut self, name: RegexId, child: Conjunction) -> ExprId {
        let spelled = self.g.regexes.json_string(name);
        let parts = vec![self.lexeme(spelled), self.literal(":"), self.value(child)];
        self.seq(parts)
    }

    /// Members that are not declared: one kind for each set of patterns that a name may match.
    fn extras(&mut self, all: &[&ObjectNode], names: &[&str]) -> Result<Vec<ExprId>, Unsupported> {
        let mut patterns: Vec<RegexId> = all
            .iter()
            .flat_map(|o| o.patterns.iter().map(|p| p.0))
            .collect();
        patterns.sort_unstable();
        patterns.dedup();
        if patterns.len() > 4 {
            return Err(Unsupported("so many patterns"));
        }
        let mut kinds = Vec::new();
        for subset in 0..1u32 << patterns.len() {
            let matched = |p: &RegexId| {
                patterns
                    .iter()
                    .position(|q| q == p)
                    .is_some_and(|i| subset >> i & 1 == 1)
            };
            let mut child = Vec::new();
            for o in all {
                let own: Vec<NodeId> = o
                    .patterns
                    .iter()
                    .filter(|p| matched(&p.0))
                    .map(|p| p.1)
                    .collect();
                if own.is_empty() {
                    child.extend(o.additional);
                }
                child.extend(own);
            }
            let pool = &mut self.g.regexes;
            let declared = pool.literals(names.iter().map(|n| n.as_bytes().into()));
            let mut parts = vec![pool.any_text(), pool.not(declared)];
            parts.extend(all.iter().filter_map(|o| o.names));
            for p in &patterns {
                let part = if matched(p) { *p } else { pool.not(*p) };
                parts.push(part);
            }
            let name = pool.and(parts);
            kinds.push(self.member(name, child));
        }
        Ok(kinds)
    }
}

/// The number as an `f64`, when it is small enough for that to be exact or nearly so.
fn approximately(d: &Decimal) -> Option<f64> {
    if d.digits.len() > 15 || d.exponent.abs() > 15 {
        return None;
    }
    let digits: f64 = d
        .digits
        .iter()
        .fold(0.0, |n, digit| n * 10.0 + f64::from(*digit));
    let value = digits * 10f64.powi(d.exponent as i32);
    Some(if d.negative { -value } else { value })
}

/// Whether a small integer is a member beyond doubt: bounds are met with a margin or exactly by
/// integers, and steps are whole.
fn certainly_holds(n: &NumberNode, i: i32) -> bool {
    let i = f64::from(i);
    // A bound too large to compare with decides by its sign.
    let huge = |d: &Decimal| {
        if d.exponent + d.digits.len() as i64 <= 0 {
            0.0
        } else {
            f64::MAX
        }
    };
    let value =
        |d: &Decimal| approximately(d).unwrap_or(if d.negative { -huge(d) } else { huge(d) });
    let above = n.min.as_ref().is_none_or(|(d, exclusive)| {
        let v = value(d);
        i > v || (!exclusive && i == v && v.fract() == 0.0)
    });
    let below = n.max.as_ref().is_none_or(|(d, exclusive)| {
        let v = value(d);
        i < v || (!exclusive && i == v && v.fract() == 0.0)
    });
    let step = n
        .multiple_of
        .as_ref()
        .is_none_or(|d| match approximately(d) {
            Some(v) if v.fract() == 0.0 && v >= 1.0 => i % v == 0.0,
            _ => i == 0.0,
        });
    above && below && step
}
