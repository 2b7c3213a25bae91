//! Tree → IR: names are resolved, terminals told from rules, literals decoded.
//!
//! A definition is a *terminal* when its name is in capitals and everything that it names is a
//! terminal too (so it is regular: recursion is impossible). Its whole body is then one regex. All
//! other definitions are rules, in whose bodies literals, classes and regexes are terminals of
//! their own. Every right side owns a contiguous range of the arena with children first, so each
//! step below is a loop.

use super::Parsed;
use super::ast::{Body, Node, NodeId, Tree};
use crate::horn::Clauses;
use crate::ir::ExprId;
use crate::pattern::{PatternFlags, parse_pattern};
use crate::{Diagnostic, Diagnostics, Expr, Grammar, Place, RegexId, RegexNode, RegexPool};
use crate::{Rule, RuleId, Terminal, TerminalId};
use maskwright_tables::{LimitError, Limits};
use rustc_hash::FxHashMap;

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

/// Resolves a tree.
pub(super) fn lower<'s>(
    tree: &Tree<'s>,
    text: &'s str,
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
        grammar: Grammar::default(),
        anonymous: FxHashMap::default(),
        errors: Vec::new(),
        warnings: Vec::new(),
    };
    l.names();
    l.check()?;
    let terminals = l.terminals_in_order();
    l.terminals(&terminals);
    l.check()?;
    l.rules();
    l.ignored();
    l.start();
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
        for (name, span) in &tree.starts {
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
            if in_capitals(d.name) {
                clauses.add(
                    i as u32,
                    self.names_in(d.body).map(|(_, name)| self.names[name]),
                );
            }
        }
        clauses.solve()
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
                if in_capitals(d.name) && !self.tree.ignored.is_empty() {
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

    /// The regex of each node of a body, `None` for what names a rule.
    fn regexes(&mut self, body: Body) -> Vec<Option<RegexId>> {
        let mut found: Vec<Option<RegexId>> =
            Vec::with_capacity((body.root.0 - body.first) as usize + 1);
        let tree = self.tree;
        for id in (body.first..=body.root.0).map(NodeId) {
            let get = |id: &NodeId| found[(id.0 - body.first) as usize];
            let all = |ids: &[NodeId]| ids.iter().map(get).collect::<Option<Vec<_>>>();
            let regex = match tree.node(id) {
                Node::Name(name) => match self.meanings[self.names[name] as usize] {
                    Meaning::Terminal(regex, _) => Some(regex),
                    Meaning::Rule(_) => None,
                },
                Node::Literal(_) | Node::Class(_) | Node::Regex(_) => Some(self.leaf(id)),
                Node::Seq(parts) => all(parts).map(|p| self.grammar.regexes.concat(p)),
                Node::Alt(parts) => all(parts).map(|p| alternatives(&mut self.grammar.regexes, p)),
                Node::And(parts) => all(parts).map(|p| self.grammar.regexes.and(p)),
                Node::Not(inner) => get(inner).map(|p| self.grammar.regexes.not(p)),
                Node::JsonString(inner) => get(inner).map(|p| self.grammar.regexes.json_string(p)),
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
            Node::Class(text) => parse_pattern(
                text,
                PatternFlags::default(),
                start,
                &mut self.grammar.regexes,
                self.limits,
            ),
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
        // Parts of `&`, `~` and `@json_string` live inside a terminal.
        let mut inside = vec![false; regexes.len()];
        for id in (body.first..=body.root.0).rev().map(NodeId) {
            let here = inside[index(&id)];
            let (parts, below): (&[NodeId], bool) = match tree.node(id) {
                Node::Seq(parts) | Node::Alt(parts) => (parts, here),
                Node::And(parts) => (parts, true),
                Node::Not(inner) | Node::JsonString(inner) => (std::slice::from_ref(inner), true),
                Node::Repeat { inner, .. } => (std::slice::from_ref(inner), here),
                Node::Name(name) => {
                    if here && regexes[index(&id)].is_none() {
                        self.errors.push(
                            Diagnostic::new(
                                "not-a-terminal",
                                format!("`{name}` is a rule, but `&`, `~` and `@json_string` work on terminals"),
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
                    // Reported above.
                    None => Expr::Empty,
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
            let id = match (tree.node(body.root), self.regexes(body).pop().flatten()) {
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
