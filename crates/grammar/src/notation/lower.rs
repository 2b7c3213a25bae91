//! Tree → IR: names are resolved, terminals told from rules, literals decoded.
//!
//! A definition is a *terminal* when its name is in capitals and everything that it names is a
//! terminal too (so it is regular: recursion is impossible). Its whole body is then one regex. All
//! other definitions are rules, in whose bodies literals, classes and regexes are terminals of
//! their own. Every right side owns a contiguous range of the arena with children first, so each
//! step below is a loop.

use super::Parsed;
use super::ast::{Body, Kind, Node, NodeId, Tree};
use super::tokens;
use crate::horn::Clauses;
use crate::ir::ExprId;
use crate::pattern::{PatternFlags, parse_ecma, parse_pattern};
use crate::{Diagnostic, Diagnostics, Expr, Grammar, Place, RegexId, RegexNode, RegexPool};
use crate::{Rule, RuleId, Terminal, TerminalId};
use maskwright_tables::{LimitError, Limits};
use rustc_hash::{FxHashMap, FxHashSet};

/// What a defined name stands for.
#[derive(Clone, Copy, Debug)]
enum Meaning {
    Rule(RuleId),
    /// A terminal: its regex, and its place in the grammar once a rule has used it.
    Terminal(RegexId, Option<TerminalId>),
}

struct Lowering<'t, 's> {
    tree: &'t Tree<'s>,
    text: &'s str,
    limits: &'t Limits,
    names: FxHashMap<&'s str, u32>,
    meanings: Vec<Meaning>,
    grammar: Grammar,
    /// Terminals without a name, by regex.
    anonymous: FxHashMap<RegexId, TerminalId>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

/// Resolves a tree, whose leaves are in `regexes`.
pub(super) fn lower<'s>(
    tree: &Tree<'s>,
    text: &'s str,
    regexes: RegexPool,
    limits: &Limits,
) -> Result<Parsed, Diagnostics> {
    if tree.nodes.len() > limits.nodes {
        let e = LimitError::new(
            "notation nodes",
            tree.nodes.len() as u64,
            limits.nodes as u64,
        );
        return Err(Diagnostic::limit(e, Place::default()).into());
    }
    let mut l = Lowering {
        tree,
        text,
        limits,
        names: FxHashMap::default(),
        meanings: Vec::new(),
        grammar: Grammar {
            regexes,
            ..Grammar::default()
        },
        anonymous: FxHashMap::default(),
        errors: Vec::new(),
        warnings: Vec::new(),
    };
    l.names();
    l.check()?;
    let terminals = l.terminals_in_order();
    l.check()?;
    l.terminals(&terminals);
    l.check()?;
    l.rules();
    l.ignored();
    l.start();
    l.check()?;
    l.lazy();
    l.priorities();
    l.keywords();
    l.check()?;
    Ok(Parsed {
        grammar: l.grammar,
        warnings: l.warnings,
    })
}

/// Whether a name says "terminal": no small letters, and at least one capital.
fn in_capitals(name: &str) -> bool {
    name.bytes().any(|b| b.is_ascii_uppercase()) && !name.bytes().any(|b| b.is_ascii_lowercase())
}

/// The defined name that a misspelt one most likely meant.
fn nearest<'a>(name: &str, defined: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Cheap on purpose: sources with thousands of unknown names must stay linear, so only names of
    // about the same length that share all but two characters at their ends are considered.
    let key = |s: &str| s.to_ascii_lowercase().replace(['-', '_'], "");
    let wanted = key(name);
    defined
        .filter(|d| d.len().abs_diff(name.len()) <= 2)
        .filter_map(|d| {
            let d_key = key(d);
            let front = wanted
                .bytes()
                .zip(d_key.bytes())
                .take_while(|(a, b)| a == b)
                .count();
            let shorter = wanted.len().min(d_key.len());
            let back = wanted
                .bytes()
                .rev()
                .zip(d_key.bytes().rev())
                .take_while(|(a, b)| a == b)
                .count();
            let off = wanted.len().max(d_key.len()) - (front + back).min(shorter);
            (off <= 2 && off < shorter).then_some((off, d))
        })
        .min()
        .map(|(_, d)| d)
}

impl<'s> Lowering<'_, 's> {
    fn check(&mut self) -> Result<(), Diagnostics> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Diagnostics(std::mem::take(&mut self.errors)))
        }
    }

    fn names_in(&self, body: Body) -> impl Iterator<Item = (NodeId, &'s str)> + '_ {
        (body.first..=body.root.0)
            .map(NodeId)
            .filter_map(|id| match *self.tree.node(id) {
                Node::Name(name) => Some((id, name)),
                _ => None,
            })
    }

    /// Collects the definitions; reports duplicate and undefined names, each once.
    fn names(&mut self) {
        let tree = self.tree;
        if tree.definitions.is_empty() {
            self.errors.push(
                Diagnostic::new(
                    "no-rules",
                    "the grammar has no rules",
                    Place::span(0..self.text.len()),
                )
                .with_help("write at least one rule, such as `start = \"a\" ;`"),
            );
            return;
        }
        for (i, d) in tree.definitions.iter().enumerate() {
            if let Some(&first) = self.names.get(d.name) {
                let at = &tree.definitions[first as usize].span;
                self.errors.push(
                    Diagnostic::new(
                        "duplicate-rule",
                        format!(
                            "`{}` is already defined at bytes {}..{}",
                            d.name, at.start, at.end
                        ),
                        Place::span(d.span.clone()),
                    )
                    .with_help("rename one of the two, or join them with `|`"),
                );
            } else {
                self.names.insert(d.name, i as u32);
            }
        }
        let mut reported: FxHashMap<&str, ()> = FxHashMap::default();
        let bodies = tree
            .definitions
            .iter()
            .map(|d| d.body)
            .chain(tree.ignored.iter().copied());
        let mut undefined = Vec::new();
        for body in bodies {
            for (id, name) in self.names_in(body) {
                if !self.names.contains_key(name) && reported.insert(name, ()).is_none() {
                    undefined.push((name, self.tree.place(id)));
                }
            }
        }
        for (name, span) in tree.starts.iter().chain(&tree.keywords) {
            if !self.names.contains_key(name) && reported.insert(name, ()).is_none() {
                undefined.push((name, Place::span(span.clone())));
            }
        }
        let suggest = undefined.len() <= 32;
        for (name, place) in undefined {
            let near = suggest
                .then(|| nearest(name, tree.definitions.iter().map(|d| d.name)))
                .flatten();
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("define it: `{name} = … ;`"),
            };
            let message = format!("`{name}` is used but not defined");
            self.errors
                .push(Diagnostic::new("undefined-rule", message, place).with_help(help));
        }
    }

    /// The definitions that are terminals, each after those that it names.
    fn terminals_in_order(&mut self) -> Vec<u32> {
        let mut clauses = Clauses::new(self.tree.definitions.len());
        for (i, d) in self.tree.definitions.iter().enumerate() {
            let wanted = match d.kind {
                // What names a token is a rule: tokens are no part of terminals.
                Kind::ByName => in_capitals(d.name) && self.token_in(d.body).is_none(),
                Kind::Rule => false,
                Kind::Terminal => true,
            };
            if wanted {
                clauses.add(
                    i as u32,
                    self.names_in(d.body).map(|(_, name)| self.names[name]),
                );
            }
        }
        let order = clauses.solve();
        let mut found = vec![false; self.tree.definitions.len()];
        order.iter().for_each(|&i| found[i as usize] = true);
        for (i, d) in self.tree.definitions.iter().enumerate() {
            if d.kind != Kind::Terminal {
                continue;
            }
            if !found[i] {
                let place = Place::span(d.span.clone());
                let message = format!("the terminal `{}` is recursive or names a rule", d.name);
                self.errors.push(
                    Diagnostic::new("not-a-terminal", message, place)
                        .with_help("terminals are regular: make it a rule, in small letters"),
                );
            } else if let Some(node) = self.token_in(d.body) {
                self.errors.push(token_inside(self.tree.place(node)));
            }
        }
        order
    }

    /// A token in a body.
    fn token_in(&self, body: Body) -> Option<NodeId> {
        (body.first..=body.root.0)
            .map(NodeId)
            .find(|id| match self.tree.node(*id) {
                Node::Token(_) | Node::Json(_) => true,
                Node::Leaf(regex) => self.is_whole(*regex),
                _ => false,
            })
    }

    /// Whether a regex can only be a whole terminal.
    fn is_whole(&self, regex: RegexId) -> bool {
        let node = self.grammar.regexes.node(regex);
        matches!(node, RegexNode::Token(_) | RegexNode::Json(_))
    }

    /// Gives every definition its meaning.
    fn terminals(&mut self, order: &[u32]) {
        let placeholder = self.grammar.regexes.never();
        self.meanings = vec![Meaning::Rule(RuleId(u32::MAX)); self.tree.definitions.len()];
        for &i in order {
            self.meanings[i as usize] = Meaning::Terminal(placeholder, None);
        }
        let mut rules = 0;
        for (i, d) in self.tree.definitions.iter().enumerate() {
            if let Meaning::Rule(id) = &mut self.meanings[i] {
                *id = RuleId(rules);
                rules += 1;
                if d.kind == Kind::ByName
                    && in_capitals(d.name)
                    && !self.tree.ignored.is_empty()
                    && self.token_in(d.body).is_none()
                {
                    self.warnings.push(
                        Diagnostic::new(
                            "not-a-terminal",
                            format!(
                                "`{}` is in capitals but is a rule: it is recursive or names rules",
                                d.name
                            ),
                            Place::span(d.span.clone()),
                        )
                        .with_help(
                            "ignored text may stand between its parts; use a name in small letters",
                        ),
                    );
                }
            }
        }
        for &i in order {
            let body = self.tree.definitions[i as usize].body;
            // Every name in the body is a terminal, so the root has a regex unless it had an error.
            if let Some(regex) = self.regexes(body).pop().flatten() {
                self.meanings[i as usize] = Meaning::Terminal(regex, None);
            }
        }
    }

    /// The regex of each node of a body, `None` for what names a rule or has tokens for parts.
    fn regexes(&mut self, body: Body) -> Vec<Option<RegexId>> {
        let mut found: Vec<Option<RegexId>> =
            Vec::with_capacity((body.root.0 - body.first) as usize + 1);
        let tree = self.tree;
        for id in (body.first..=body.root.0).map(NodeId) {
            let at = |id: &NodeId| found[(id.0 - body.first) as usize];
            let get = |id: &NodeId| at(id).filter(|regex| !self.is_whole(*regex));
            let all = |ids: &[NodeId]| ids.iter().map(get).collect::<Option<Vec<_>>>();
            let regex = match tree.node(id) {
                Node::Name(name) => match self.meanings[self.names[name] as usize] {
                    Meaning::Terminal(regex, _) => Some(regex),
                    Meaning::Rule(_) => None,
                },
                Node::Leaf(regex) => Some(*regex),
                Node::Literal(_)
                | Node::Class(_)
                | Node::Regex(_)
                | Node::Ecma(_)
                | Node::Token(_)
                | Node::Json(_) => Some(self.leaf(id)),
                Node::Seq(parts) => all(parts).map(|p| self.grammar.regexes.concat(p)),
                Node::Alt(parts) => all(parts).map(|p| alternatives(&mut self.grammar.regexes, p)),
                Node::And(parts) => all(parts).map(|p| self.grammar.regexes.and(p)),
                Node::Not(inner) => match at(inner).map(|p| self.grammar.regexes.node(p).clone()) {
                    Some(RegexNode::Token(mut set)) => {
                        set.negated = !set.negated;
                        Some(self.grammar.regexes.add(RegexNode::Token(set)))
                    }
                    _ => get(inner).map(|p| self.grammar.regexes.not(p)),
                },
                Node::JsonString(inner) => get(inner).map(|p| self.grammar.regexes.json_string(p)),
                Node::Lazy(inner) => get(inner).map(|p| self.grammar.regexes.lazy(p)),
                Node::Repeat { inner, min, max } => {
                    get(inner).map(|p| self.grammar.regexes.repeat(p, *min, *max))
                }
            };
            found.push(regex);
        }
        found
    }

    /// The regex of a literal, class or regex; reports what is wrong with it.
    fn leaf(&mut self, id: NodeId) -> RegexId {
        let start = self.tree.spans[id.0 as usize].start;
        let result = match *self.tree.node(id) {
            Node::Literal(text) => {
                decode(text, start).map(|bytes| self.grammar.regexes.bytes(bytes))
            }
            Node::Json(text) => Ok(self.grammar.regexes.add(RegexNode::Json(text.into()))),
            Node::Token(text) => tokens::parse(text, start)
                .map(|set| self.grammar.regexes.add(RegexNode::Token(set))),
            Node::Class(text) => parse_pattern(
                text,
                PatternFlags::default(),
                start,
                &mut self.grammar.regexes,
                self.limits,
            ),
            Node::Ecma(text) => {
                let end = text.rfind('/').unwrap_or(0);
                match &text[end + 1..] {
                    "" | "u" => parse_ecma(
                        &text[1..end],
                        start + 1,
                        &mut self.grammar.regexes,
                        self.limits,
                    ),
                    flags => Err(Diagnostic::new(
                        "invalid-regex",
                        format!("the flags `{flags}` are not supported"),
                        self.tree.place(id),
                    )
                    .with_help("ECMA-262 regexes are read with the flag `u`, and no others")),
                }
            }
            Node::Regex(text) => {
                let end = text.rfind('/').unwrap_or(0);
                match PatternFlags::parse(&text[end + 1..]) {
                    Ok(flags) => {
                        parse_pattern(&text[1..end], flags, start + 1, &mut self.grammar.regexes, self.limits)
                    }
                    Err(c) => Err(Diagnostic::new("invalid-regex", format!("there is no flag `{c}`"), self.tree.place(id))
                        .with_help("the flags are `i` (both cases), `s` (`.` matches line feeds), `x` (verbose) and `u`")),
                }
            }
            _ => Ok(self.grammar.regexes.never()),
        };
        result.unwrap_or_else(|e| {
            self.errors.push(e);
            self.grammar.regexes.never()
        })
    }

    /// Turns the bodies of the rules into expressions.
    fn rules(&mut self) {
        let tree = self.tree;
        for (i, d) in tree.definitions.iter().enumerate() {
            if let Meaning::Rule(_) = self.meanings[i] {
                let expr = self.body(d.body);
                let place = Place::span(d.span.clone());
                self.grammar.rules.push(Rule {
                    name: d.name.to_string(),
                    expr,
                    place,
                });
            }
        }
    }

    fn body(&mut self, body: Body) -> ExprId {
        let tree = self.tree;
        let index = |id: &NodeId| (id.0 - body.first) as usize;
        let regexes = self.regexes(body);
        // Parts of `&`, `~`, `@json_string` and `@lazy` live inside a terminal.
        let mut inside = vec![false; regexes.len()];
        for id in (body.first..=body.root.0).rev().map(NodeId) {
            let here = inside[index(&id)];
            let (parts, below): (&[NodeId], bool) = match tree.node(id) {
                Node::Seq(parts) | Node::Alt(parts) => (parts, here),
                Node::And(parts) => (parts, true),
                Node::Not(inner) | Node::JsonString(inner) | Node::Lazy(inner) => {
                    (std::slice::from_ref(inner), true)
                }
                Node::Repeat { inner, .. } => (std::slice::from_ref(inner), here),
                Node::Name(name) => {
                    if here && regexes[index(&id)].is_none() {
                        self.errors.push(
                            Diagnostic::new(
                                "not-a-terminal",
                                format!("`{name}` is a rule, but `&`, `~`, `@json_string` and `@lazy` work on terminals"),
                                tree.place(id),
                            )
                            .with_help("if it is not recursive, write its name in capitals to make it a terminal"),
                        );
                    }
                    continue;
                }
                _ => continue,
            };
            for part in parts {
                inside[index(part)] |= below;
            }
        }
        let mut exprs: Vec<ExprId> = Vec::with_capacity(regexes.len());
        let nothing = ExprId(u32::MAX);
        for id in (body.first..=body.root.0).map(NodeId) {
            if inside[index(&id)] {
                exprs.push(nothing);
                continue;
            }
            let all = |ids: &[NodeId]| ids.iter().map(|i| exprs[index(i)]).collect::<Vec<_>>();
            let expr = match tree.node(id) {
                Node::Name(name) => {
                    let definition = self.names[name] as usize;
                    match self.meanings[definition] {
                        Meaning::Rule(rule) => Expr::Rule(rule),
                        Meaning::Terminal(..) => Expr::Terminal(self.named_terminal(definition)),
                    }
                }
                Node::Seq(parts) if parts.is_empty() => Expr::Empty,
                Node::Seq(parts) => Expr::Seq(all(parts)),
                Node::Alt(parts) => Expr::Alt(all(parts)),
                Node::Repeat { inner, min, max } => Expr::Repeat {
                    expr: exprs[index(inner)],
                    min: *min,
                    max: *max,
                },
                _ => match regexes[index(&id)] {
                    Some(regex) if *self.grammar.regexes.node(regex) == RegexNode::Empty => {
                        Expr::Empty
                    }
                    Some(regex) => Expr::Terminal(self.anonymous_terminal(regex, id)),
                    None => {
                        // Rules were reported above.
                        if self.errors.is_empty() {
                            self.errors.push(token_inside(tree.place(id)));
                        }
                        Expr::Empty
                    }
                },
            };
            exprs.push(self.grammar.add(expr));
        }
        exprs.pop().unwrap_or(nothing)
    }

    fn named_terminal(&mut self, definition: usize) -> TerminalId {
        let Meaning::Terminal(regex, slot) = &mut self.meanings[definition] else {
            return TerminalId(0);
        };
        *slot.get_or_insert_with(|| {
            let d = &self.tree.definitions[definition];
            let place = Place::span(d.span.clone());
            self.grammar.terminals.push(Terminal {
                name: d.name.to_string(),
                regex: *regex,
                place,
            });
            TerminalId(self.grammar.terminals.len() as u32 - 1)
        })
    }

    fn anonymous_terminal(&mut self, regex: RegexId, node: NodeId) -> TerminalId {
        *self.anonymous.entry(regex).or_insert_with(|| {
            let span = self.tree.spans[node.0 as usize].clone();
            let name = self.text.get(span.clone()).unwrap_or_default().to_string();
            self.grammar.terminals.push(Terminal {
                name,
                regex,
                place: Place::span(span),
            });
            TerminalId(self.grammar.terminals.len() as u32 - 1)
        })
    }

    fn ignored(&mut self) {
        let tree = self.tree;
        for &body in &tree.ignored {
            let regex = self.regexes(body).pop().flatten();
            let regex = regex.filter(|regex| !self.is_whole(*regex));
            let id = match (tree.node(body.root), regex) {
                (Node::Name(name), Some(_)) => self.named_terminal(self.names[name] as usize),
                (_, Some(regex)) => self.anonymous_terminal(regex, body.root),
                (_, None) => {
                    self.errors.push(
                        Diagnostic::new(
                            "not-a-terminal",
                            "only terminals can be ignored",
                            tree.place(body.root),
                        )
                        .with_help(
                            "write what is ignored as a regex, such as `%ignore /[ \\t\\n]+/ ;`",
                        ),
                    );
                    continue;
                }
            };
            if !self.grammar.ignore.contains(&id) {
                self.grammar.ignore.push(id);
            }
        }
    }

    /// Lets the terminals of the tree's list end as soon as they can.
    fn lazy(&mut self) {
        let lazy: FxHashSet<&str> = self.tree.lazy.iter().copied().collect();
        for terminal in &mut self.grammar.terminals {
            if lazy.contains(&*terminal.name) {
                terminal.regex = self.grammar.regexes.lazy(terminal.regex);
            }
        }
    }

    /// Takes out of each named terminal what terminals of higher priority match.
    fn priorities(&mut self) {
        if self.tree.priorities.is_empty() {
            return;
        }
        let given: FxHashMap<&str, i64> = self.tree.priorities.iter().copied().collect();
        let named: Vec<(usize, i64, RegexId)> = self
            .grammar
            .terminals
            .iter()
            .enumerate()
            .filter(|(_, t)| self.names.contains_key(&*t.name))
            .map(|(i, t)| (i, given.get(&*t.name).copied().unwrap_or(0), t.regex))
            .collect();
        for &(i, priority, regex) in &named {
            let above = named.iter().filter(|(_, p, _)| *p > priority);
            let pool = &mut self.grammar.regexes;
            let above = pool.alt(above.map(|(_, _, regex)| *regex));
            if *pool.node(above) != RegexNode::Never {
                let others = pool.not(above);
                self.grammar.terminals[i].regex = pool.and([regex, others]);
            }
        }
    }

    /// Takes the literals of the rules out of the terminals that `%keywords` names.
    fn keywords(&mut self) {
        let tree = self.tree;
        if tree.keywords.is_empty() {
            return;
        }
        let literals: Vec<Box<[u8]>> = self
            .grammar
            .terminals
            .iter()
            .filter_map(|t| match self.grammar.regexes.node(t.regex) {
                RegexNode::Bytes(b) => Some(b.clone()),
                _ => None,
            })
            .collect();
        let pool = &mut self.grammar.regexes;
        let literals = pool.literals(literals);
        let others = pool.not(literals);
        for (name, span) in &tree.keywords {
            match self.meanings[self.names[name] as usize] {
                Meaning::Terminal(_, Some(id)) => {
                    let terminal = &mut self.grammar.terminals[id.0 as usize];
                    terminal.regex = self.grammar.regexes.and([terminal.regex, others]);
                }
                // Used by no rule, or only inside other terminals, which are units of their own.
                Meaning::Terminal(_, None) => self.warnings.push(
                    Diagnostic::new(
                        "unused-keywords",
                        format!(
                            "`{name}` is no terminal of any rule, so no keyword is taken out of it"
                        ),
                        Place::span(span.clone()),
                    )
                    .with_help("name the terminal that the rules use"),
                ),
                Meaning::Rule(_) => self.errors.push(
                    Diagnostic::new(
                        "not-a-terminal",
                        format!("`{name}` is a rule, but keywords are taken out of terminals"),
                        Place::span(span.clone()),
                    )
                    .with_help("write its name in capitals to make it a terminal"),
                ),
            }
        }
    }

    fn start(&mut self) {
        let tree = self.tree;
        if let [_, (_, again), ..] = &tree.starts[..] {
            self.errors.push(
                Diagnostic::new(
                    "duplicate-start",
                    "there is more than one `%start`",
                    Place::span(again.clone()),
                )
                .with_help("keep one"),
            );
        }
        let chosen = match tree.starts.first() {
            Some((name, _)) => self.names[name],
            None => self.names.get("start").copied().unwrap_or(0),
        };
        let rule = match self.meanings[chosen as usize] {
            Meaning::Rule(rule) => rule,
            Meaning::Terminal(..) => {
                // The IR begins at a rule: wrap the terminal into one of the same name.
                let terminal = self.named_terminal(chosen as usize);
                let d = &tree.definitions[chosen as usize];
                let expr = self.grammar.add(Expr::Terminal(terminal));
                let place = Place::span(d.span.clone());
                self.grammar.rules.push(Rule {
                    name: d.name.to_string(),
                    expr,
                    place,
                });
                RuleId(self.grammar.rules.len() as u32 - 1)
            }
        };
        self.grammar.start = Some(rule);
    }
}

/// A token or schema where only text can be.
fn token_inside(place: Place) -> Diagnostic {
    Diagnostic::new(
        "token-in-terminal",
        "a token or a schema is a terminal by itself and no part of another one",
        place,
    )
    .with_help("use it in a rule; of the operators on terminals only `~<token>` works, on tokens")
}

/// Alternatives as one regex; many literals become one set, which is what large sets are fast as.
pub(crate) fn alternatives(pool: &mut RegexPool, parts: Vec<RegexId>) -> RegexId {
    let literal =
        |p: &RegexId| matches!(pool.node(*p), RegexNode::Bytes(_) | RegexNode::Literals(_));
    if parts.iter().filter(|p| literal(p)).count() < 8 {
        return pool.alt(parts);
    }
    let mut strings: Vec<Box<[u8]>> = Vec::new();
    let mut rest = Vec::new();
    for p in parts {
        match pool.node(p) {
            RegexNode::Bytes(b) => strings.push(b.clone()),
            RegexNode::Literals(all) => strings.extend(all.iter().cloned()),
            _ => rest.push(p),
        }
    }
    rest.push(pool.literals(strings));
    pool.alt(rest)
}

/// The bytes of a quoted literal that begins at `start` in the source.
fn decode(text: &str, start: usize) -> Result<Vec<u8>, Diagnostic> {
    let body = &text[1..text.len() - 1];
    let mut out = String::with_capacity(body.len());
    let mut chars = body.char_indices();
    while let Some((at, c)) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        let rest = &body[at + 1..];
        let fault = |len: usize, message: &str, help: &str| {
            let from = start + 1 + at;
            let to = (from + 1 + len).min(start + text.len() - 1);
            Err(
                Diagnostic::new("invalid-escape", message, Place::span(from..to))
                    .with_help(help.to_string()),
            )
        };
        let (digits, skip) = match rest.as_bytes().first() {
            Some(b'n') => ("a", 1),
            Some(b'r') => ("d", 1),
            Some(b't') => ("9", 1),
            Some(b'0') => ("0", 1),
            Some(b'x') => (rest.get(1..3).unwrap_or(""), 3),
            Some(b'u') if rest[1..].starts_with('{') => match rest.find('}') {
                Some(end) => (&rest[2..end], end + 1),
                None => ("", 2),
            },
            Some(b'u') => (rest.get(1..5).unwrap_or(""), 5),
            Some(b'U') => (rest.get(1..9).unwrap_or(""), 9),
            Some(b) if b.is_ascii_punctuation() => {
                out.push(*b as char);
                chars.next();
                continue;
            }
            _ => {
                return fault(
                    1,
                    "there is no such escape",
                    "the escapes are \\n \\r \\t \\0 \\xHH \\uHHHH \\u{H…} \\UHHHHHHHH and \\ before punctuation",
                );
            }
        };
        let hex = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let Some(code) = hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten() else {
            return fault(
                skip,
                "this escape wants hexadecimal digits",
                "as in \\x7F, \\u00e4 or \\u{1F600}",
            );
        };
        if skip == 3 && rest.starts_with('x') && code >= 0x80 {
            return fault(
                3,
                "\\x stands for ASCII only",
                "write \\u{HH} for the character, or a regex such as /(?-u:\\xFF)/ for the raw byte",
            );
        }
        let Some(c) = char::from_u32(code) else {
            return fault(
                skip,
                "this is no Unicode character",
                "surrogates and codes above 10FFFF are none",
            );
        };
        out.push(c);
        for _ in 0..rest[..skip].chars().count() {
            chars.next();
        }
    }
    Ok(out.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::{decode, nearest};

    #[test]
    fn escapes_decode_or_say_what_is_wrong() {
        let ok = |text: &str| String::from_utf8(decode(text, 0).unwrap()).unwrap();
        assert_eq!(
            ok(r#""a\n\t\"\\\x41\u00e4\u{1F600}\U0001F600\/ä""#),
            "a\n\t\"\\Aä😀😀/ä"
        );
        for (text, code) in [
            (r#""\q""#, "no such escape"),
            (r#""\xZZ""#, "hexadecimal"),
            (r#""\xff""#, "ASCII only"),
            (r#""\ud800""#, "no Unicode"),
            (r#""\u{}""#, "hexadecimal"),
            (r#""\u{ffffffffff}""#, "hexadecimal"),
            (r#""\u12""#, "hexadecimal"),
            (r#""\uä""#, "hexadecimal"),
        ] {
            let error = decode(text, 5).unwrap_err();
            assert!(error.message.contains(code), "{text}: {}", error.message);
            assert_eq!(error.place.span.unwrap().start, 6, "{text}");
        }
    }

    #[test]
    fn the_nearest_name_is_suggested() {
        let defined = ["expression", "term", "FACTOR"];
        let near = |n| nearest(n, defined.iter().copied());
        assert_eq!(near("expresion"), Some("expression"));
        assert_eq!(near("factor"), Some("FACTOR"));
        assert_eq!(near("tern"), Some("term"));
        assert_eq!(near("x"), None);
    }
}
