//! IR → notation text that parses back to the same language.
//!
//! Expressions are printed with an explicit stack. A regex node that is used more than once is
//! printed once, as an extra terminal in capitals, so a shared graph never unfolds into a large
//! tree, and so is what lies more than [`DEPTH`] levels deep.

use crate::ir::ExprId;
use crate::{Expr, Grammar, RegexId, RegexNode, Rule, TerminalId};
use rustc_hash::{FxHashMap, FxHashSet};
use std::fmt::Write;

/// Levels of nesting that one terminal is printed with; deeper parts get a name of their own.
const DEPTH: u32 = 32;

/// How tightly an expression binds; a looser part goes into parentheses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tight {
    Alt,
    And,
    Seq,
    Not,
    Atom,
}

enum Piece<'g> {
    Text(&'static str),
    Expr(ExprId, Tight),
    Regex(RegexId, Tight),
    Bounds(u32, Option<u32>),
    Literal(&'g [u8]),
}

struct Printer<'g> {
    grammar: &'g Grammar,
    out: String,
    rule_names: Vec<String>,
    /// Terminals that are printed under a name.
    terminal_names: FxHashMap<TerminalId, String>,
    /// Regex nodes to print under a name of their own.
    shared: FxHashSet<RegexId>,
    /// Their names, in the order in which they are needed.
    regex_names: FxHashMap<RegexId, String>,
    /// Named regex nodes, in the same order; their definitions come last.
    queue: Vec<RegexId>,
    taken: FxHashSet<String>,
}

/// The grammar as notation text. Rule and terminal names are kept where the notation has room for
/// them and they differ; the language is kept always.
pub fn print(grammar: &Grammar) -> String {
    let mut p = Printer {
        grammar,
        out: String::new(),
        taken: FxHashSet::default(),
        rule_names: Vec::new(),
        terminal_names: FxHashMap::default(),
        shared: shared_regexes(grammar),
        regex_names: FxHashMap::default(),
        queue: Vec::new(),
    };
    for rule in &grammar.rules {
        let name = p.fresh_name(&rule.name, false);
        p.rule_names.push(name);
    }
    for (i, t) in grammar.terminals.iter().enumerate() {
        // Written into a rule, a concatenation or repeat would fall apart into several terminals,
        // between which ignored text may stand: such terminals need a name.
        let compound = matches!(
            grammar.regexes.node(t.regex),
            RegexNode::Concat(_) | RegexNode::Alt(_) | RegexNode::Repeat { .. }
        );
        let named = t.name.starts_with(|c: char| c.is_ascii_alphabetic());
        if named || compound {
            let name = p.fresh_name(if named { &t.name } else { "TERMINAL" }, true);
            p.terminal_names.insert(TerminalId(i as u32), name);
        }
    }
    if let Some(start) = grammar.start {
        let _ = writeln!(p.out, "%start {} ;", p.rule_names[start.0 as usize]);
    }
    for (i, Rule { expr, .. }) in grammar.rules.iter().enumerate() {
        let name = p.rule_names[i].clone();
        p.definition(&name, Piece::Expr(*expr, Tight::Alt));
    }
    for i in 0..grammar.terminals.len() {
        if let Some(name) = p.terminal_names.get(&TerminalId(i as u32)).cloned() {
            p.definition(&name, Piece::Regex(grammar.terminals[i].regex, Tight::Alt));
        }
    }
    for id in &grammar.ignore {
        p.out.push_str("%ignore ");
        match p.terminal_names.get(id).cloned() {
            Some(name) => p.out.push_str(&name),
            None => p.drain(vec![Piece::Regex(
                grammar.terminals[id.0 as usize].regex,
                Tight::Alt,
            )]),
        }
        p.out.push_str(" ;\n");
    }
    let mut next = 0;
    while let Some(&id) = p.queue.get(next) {
        next += 1;
        let name = p.regex_names[&id].clone();
        p.out.push_str(&name);
        p.out.push_str(" = ");
        // The node itself, not its name.
        let mut stack = Vec::new();
        p.regex(id, Tight::Alt, &mut stack);
        p.drain(stack);
        p.out.push_str(" ;\n");
    }
    p.out
}

fn children(node: &RegexNode) -> &[RegexId] {
    match node {
        RegexNode::Concat(p) | RegexNode::Alt(p) | RegexNode::And(p) => p,
        RegexNode::Not(x) | RegexNode::JsonString(x) | RegexNode::Repeat { node: x, .. } => {
            std::slice::from_ref(x)
        }
        _ => &[],
    }
}

/// The nodes to print under a name of their own: inner nodes used more than once, and every
/// [`DEPTH`]th level.
fn shared_regexes(grammar: &Grammar) -> FxHashSet<RegexId> {
    let nodes = grammar.regexes.nodes();
    let mut uses = vec![0u32; nodes.len()];
    for t in &grammar.terminals {
        uses[t.regex.0 as usize] += 1;
    }
    for i in (0..nodes.len()).rev() {
        if uses[i] > 0 {
            for c in children(&nodes[i]) {
                uses[c.0 as usize] += 1;
            }
        }
    }
    let mut levels = vec![0u32; nodes.len()];
    let mut shared = FxHashSet::default();
    for (i, node) in nodes.iter().enumerate() {
        let below = children(node).iter().map(|c| levels[c.0 as usize]).max();
        if let (Some(below), true) = (below, uses[i] > 0) {
            levels[i] = below + 1;
            if uses[i] > 1 || levels[i] >= DEPTH {
                shared.insert(RegexId(i as u32));
                levels[i] = 0;
            }
        }
    }
    shared
}

impl<'g> Printer<'g> {
    /// A name like `wanted` that nothing else has. Rules need a small letter and terminals must not
    /// have one, or they would be read as the other.
    fn fresh_name(&mut self, wanted: &str, capitals: bool) -> String {
        let mut base: String = wanted
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() || c == '_' {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        base = if capitals {
            base.to_ascii_uppercase()
        } else {
            base
        };
        let begins_well = base.starts_with(|c: char| c.is_ascii_alphabetic());
        if !begins_well || (!capitals && !base.bytes().any(|b| b.is_ascii_lowercase())) {
            base = format!("{}{base}", if capitals { "T_" } else { "r_" });
        }
        let mut candidate = base.clone();
        let mut n = 2;
        while !self.taken.insert(candidate.clone()) {
            candidate = format!("{base}_{n}");
            n += 1;
        }
        candidate
    }

    fn definition(&mut self, name: &str, body: Piece<'g>) {
        self.out.push_str(name);
        self.out.push_str(" = ");
        self.drain(vec![body]);
        self.out.push_str(" ;\n");
    }

    fn drain(&mut self, mut stack: Vec<Piece<'g>>) {
        while let Some(piece) = stack.pop() {
            match piece {
                Piece::Text(text) => self.out.push_str(text),
                Piece::Bounds(min, max) => self.bounds(min, max),
                Piece::Literal(bytes) => self.literal(bytes),
                Piece::Expr(id, outer) => self.expr(id, outer, &mut stack),
                Piece::Regex(id, outer) if !self.shared.contains(&id) => {
                    self.regex(id, outer, &mut stack)
                }
                Piece::Regex(id, _) => {
                    if !self.regex_names.contains_key(&id) {
                        let name = self.fresh_name(&format!("PART_{}", self.queue.len() + 1), true);
                        self.regex_names.insert(id, name);
                        self.queue.push(id);
                    }
                    self.out.push_str(&self.regex_names[&id]);
                }
            }
        }
    }

    fn bounds(&mut self, min: u32, max: Option<u32>) {
        let _ = match (min, max) {
            (0, None) => write!(self.out, "*"),
            (1, None) => write!(self.out, "+"),
            (0, Some(1)) => write!(self.out, "?"),
            (n, Some(m)) if n == m => write!(self.out, "{{{n}}}"),
            (n, Some(m)) => write!(self.out, "{{{n},{m}}}"),
            (n, None) => write!(self.out, "{{{n},}}"),
        };
    }

    /// Pushes `parts` with `between` between them, in parentheses when `own` is looser than `outer`.
    fn list(
        &mut self,
        parts: impl DoubleEndedIterator<Item = Piece<'g>>,
        between: &'static str,
        own: Tight,
        outer: Tight,
        stack: &mut Vec<Piece<'g>>,
    ) {
        let wrap = own < outer;
        if wrap {
            self.out.push('(');
            stack.push(Piece::Text(")"));
        }
        for (i, part) in parts.rev().enumerate() {
            if i > 0 {
                stack.push(Piece::Text(between));
            }
            stack.push(part);
        }
    }

    fn expr(&mut self, id: ExprId, outer: Tight, stack: &mut Vec<Piece<'g>>) {
        let grammar = self.grammar;
        match grammar.expr(id) {
            Expr::Empty => self.out.push_str("()"),
            Expr::Rule(r) => self.out.push_str(&self.rule_names[r.0 as usize]),
            Expr::Terminal(t) => match self.terminal_names.get(t) {
                Some(name) => self.out.push_str(name),
                None => stack.push(Piece::Regex(grammar.terminals[t.0 as usize].regex, outer)),
            },
            Expr::Seq(parts) if parts.is_empty() => self.out.push_str("()"),
            Expr::Alt(parts) if parts.is_empty() => self.out.push_str(NEVER),
            Expr::Seq(parts) => {
                self.list(
                    parts.iter().map(|p| Piece::Expr(*p, Tight::Not)),
                    " ",
                    Tight::Seq,
                    outer,
                    stack,
                );
            }
            Expr::Alt(parts) => {
                self.list(
                    parts.iter().map(|p| Piece::Expr(*p, Tight::And)),
                    " | ",
                    Tight::Alt,
                    outer,
                    stack,
                );
            }
            Expr::Repeat { expr, min, max } => {
                stack.push(Piece::Bounds(*min, *max));
                stack.push(Piece::Expr(*expr, Tight::Atom));
            }
        }
    }

    fn regex(&mut self, id: RegexId, outer: Tight, stack: &mut Vec<Piece<'g>>) {
        let grammar = self.grammar;
        match grammar.regexes.node(id) {
            RegexNode::Never => self.out.push_str(NEVER),
            RegexNode::Empty => self.out.push_str("\"\""),
            RegexNode::Bytes(b) => self.literal(b),
            RegexNode::Class(ranges) => self.class(ranges),
            RegexNode::ByteClass(ranges) => {
                self.out.push_str("/(?-u:[");
                for (a, b) in ranges {
                    let _ = write!(self.out, "\\x{a:02X}-\\x{b:02X}");
                }
                self.out.push_str("])/");
            }
            RegexNode::Concat(parts) => {
                self.list(
                    parts.iter().map(|p| Piece::Regex(*p, Tight::Not)),
                    " ",
                    Tight::Seq,
                    outer,
                    stack,
                );
            }
            RegexNode::Alt(parts) => {
                self.list(
                    parts.iter().map(|p| Piece::Regex(*p, Tight::And)),
                    " | ",
                    Tight::Alt,
                    outer,
                    stack,
                );
            }
            RegexNode::And(parts) => {
                self.list(
                    parts.iter().map(|p| Piece::Regex(*p, Tight::Seq)),
                    " & ",
                    Tight::And,
                    outer,
                    stack,
                );
            }
            RegexNode::Literals(all) => {
                let parts = all.iter().map(|b| Piece::Literal(b));
                self.list(parts, " | ", Tight::Alt, outer, stack);
            }
            RegexNode::Not(inner) => {
                self.list(
                    [Piece::Regex(*inner, Tight::Not)].into_iter(),
                    "",
                    Tight::Not,
                    outer,
                    stack,
                );
                stack.push(Piece::Text("~"));
            }
            RegexNode::Repeat { node, min, max } => {
                stack.push(Piece::Bounds(*min, *max));
                stack.push(Piece::Regex(*node, Tight::Atom));
            }
            RegexNode::Json(schema) => {
                let _ = write!(self.out, "@json({schema})");
            }
            RegexNode::Token(set) => {
                let text = set.to_string();
                if text.starts_with('~') && outer > Tight::Not {
                    let _ = write!(self.out, "({text})");
                } else {
                    self.out.push_str(&text);
                }
            }
            RegexNode::JsonString(value) => {
                stack.push(Piece::Text(")"));
                stack.push(Piece::Regex(*value, Tight::Alt));
                stack.push(Piece::Text("@json_string("));
            }
        }
    }

    fn class(&mut self, ranges: &[(char, char)]) {
        self.out.push('[');
        for &(a, b) in ranges {
            self.class_char(a);
            if a != b {
                self.out.push('-');
                self.class_char(b);
            }
        }
        self.out.push(']');
    }

    fn class_char(&mut self, c: char) {
        if c.is_ascii_alphanumeric() {
            self.out.push(c);
        } else {
            let _ = write!(self.out, "\\x{{{:X}}}", c as u32);
        }
    }

    fn literal(&mut self, bytes: &[u8]) {
        let Ok(text) = std::str::from_utf8(bytes) else {
            // Raw bytes can be written in regexes only.
            self.out.push_str("/(?-u:");
            for b in bytes {
                let _ = write!(self.out, "\\x{b:02X}");
            }
            self.out.push_str(")/");
            return;
        };
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' | '\\' => {
                    self.out.push('\\');
                    self.out.push(c);
                }
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                c if c.is_control() || c == '\u{FEFF}' => {
                    let _ = write!(self.out, "\\u{{{:X}}}", c as u32);
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }
}

/// A class without members.
const NEVER: &str = r"[^\x{0}-\x{10FFFF}]";
