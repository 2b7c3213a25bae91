//! llama.cpp's GBNF → syntax tree.
//!
//! A loop over the characters with a stack of open groups, as llama.cpp reads it: a rule ends with
//! its line, but a line may end inside a group, after `::=` and after `|`. Every name is a rule, and
//! nothing is ignored between lexemes. One character of a class or of `.` is one Unicode scalar
//! value; what llama.cpp calls code points that are none (surrogates) match nothing.

use super::ast::{Kind, Node, NodeId, Tree};
use super::tokens;
use crate::{Diagnostic, Place, RegexId, RegexNode, RegexPool};
use maskwright_tables::{LimitError, Limits};
use std::ops::Range;

/// Reads a text.
pub(super) fn read<'s>(
    text: &'s str,
    pool: &mut RegexPool,
    limits: &Limits,
) -> Result<Tree<'s>, Diagnostic> {
    let mut reader = Reader {
        text,
        at: 0,
        pool,
        limits,
        tree: Tree::default(),
    };
    if text.starts_with('\u{FEFF}') {
        reader.at = '\u{FEFF}'.len_utf8();
    }
    reader.space(true);
    while reader.peek().is_some() {
        reader.rule()?;
        reader.space(true);
    }
    let mut tree = reader.tree;
    if !tree.definitions.is_empty() {
        if !tree.definitions.iter().any(|d| d.name == "root") {
            let place = Place::span(tree.definitions[0].span.clone());
            return Err(Diagnostic::new("no-root", "there is no rule `root`", place)
                .with_help("the whole text is what the rule `root` matches: define it"));
        }
        tree.set_start("root", 0..0);
    }
    Ok(tree)
}

/// An open group, or the rule itself.
struct Group {
    /// Where it begins.
    start: usize,
    alternatives: Vec<NodeId>,
    parts: Vec<NodeId>,
    /// Where the sequence under way begins.
    sequence: usize,
}

impl Group {
    fn new(start: usize, sequence: usize) -> Self {
        Group {
            start,
            alternatives: Vec::new(),
            parts: Vec::new(),
            sequence,
        }
    }
}

struct Reader<'s, 'p> {
    text: &'s str,
    at: usize,
    pool: &'p mut RegexPool,
    limits: &'p Limits,
    tree: Tree<'s>,
}

fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

impl<'s> Reader<'s, '_> {
    fn rest(&self) -> &'s str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// White space and comments; line ends too where they mean nothing.
    fn space(&mut self, lines: bool) {
        loop {
            let rest = self.rest();
            let n = match rest.chars().next() {
                Some(' ' | '\t') => 1,
                Some('\r' | '\n') if lines => 1,
                Some('#') => rest.find(['\r', '\n']).unwrap_or(rest.len()),
                _ => return,
            };
            self.at += n;
        }
    }

    fn error(
        &self,
        code: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        help: &str,
    ) -> Diagnostic {
        Diagnostic::new(code, message, Place::span(span)).with_help(help)
    }

    /// The span of the character at the current place.
    fn here(&self) -> Range<usize> {
        self.at..self.at + self.peek().map_or(0, char::len_utf8)
    }

    fn name(&mut self) -> &'s str {
        let rest = self.rest();
        let n = rest.find(|c| !in_name(c)).unwrap_or(rest.len());
        self.at += n;
        &rest[..n]
    }

    fn rule(&mut self) -> Result<(), Diagnostic> {
        let start = self.at;
        let name = self.name();
        if name.is_empty() {
            let c = self.peek().unwrap_or(' ');
            let help = if c == '|' {
                "an alternative goes on over a line end only inside parentheses, or when `|` ends the line"
            } else {
                "a rule is `name ::= …` on one line; put parentheses around what takes several lines"
            };
            let message = format!("`{c}` where a rule should begin");
            return Err(self.error("syntax-error", self.here(), message, help));
        }
        let span = start..self.at;
        self.space(false);
        if !self.rest().starts_with("::=") {
            return Err(self.error(
                "syntax-error",
                span,
                format!("`{name}` is not followed by `::=`"),
                "a rule is `name ::= …` on one line; put parentheses around what takes several lines",
            ));
        }
        self.at += 3;
        self.space(true);
        let root = self.body()?;
        self.tree.define(name, span, root, Kind::Rule);
        Ok(())
    }

    /// The right side of a rule, to the end of its line.
    fn body(&mut self) -> Result<NodeId, Diagnostic> {
        let mut open: Vec<Group> = Vec::new();
        let mut group = Group::new(self.at, self.at);
        loop {
            let start = self.at;
            let Some(c) = self.peek() else {
                if open.is_empty() {
                    return Ok(self.close(group, start));
                }
                return Err(self.error(
                    "unclosed",
                    group.start..group.start + 1,
                    "this group is not closed",
                    "close it with `)`",
                ));
            };
            match c {
                '\r' | '\n' if open.is_empty() => return Ok(self.close(group, start)),
                '"' => {
                    let regex = self.literal()?;
                    self.leaf(&mut group, regex, start);
                }
                '[' => {
                    let regex = self.class()?;
                    self.leaf(&mut group, regex, start);
                }
                '.' => {
                    self.at += 1;
                    let regex = self.pool.any_char();
                    self.leaf(&mut group, regex, start);
                }
                '<' | '!' => {
                    let regex = self.token()?;
                    self.leaf(&mut group, regex, start);
                }
                '(' => {
                    if open.len() >= self.limits.source_depth {
                        let e = LimitError::new(
                            "notation nesting depth",
                            open.len() as u64 + 1,
                            self.limits.source_depth as u64,
                        );
                        return Err(Diagnostic::limit(e, Place::span(self.here())));
                    }
                    self.at += 1;
                    self.space(true);
                    open.push(std::mem::replace(&mut group, Group::new(start, self.at)));
                }
                ')' => {
                    let Some(outer) = open.pop() else {
                        return Err(self.error(
                            "syntax-error",
                            self.here(),
                            "`)` without a `(` before it",
                            "remove it or open the group",
                        ));
                    };
                    let inner = std::mem::replace(&mut group, outer);
                    let node = self.close(inner, start);
                    self.at += 1;
                    group.parts.push(node);
                }
                '|' => {
                    let parts = std::mem::take(&mut group.parts);
                    let alternative = self.tree.seq(parts, group.sequence..start);
                    group.alternatives.push(alternative);
                    self.at += 1;
                    self.space(true);
                    group.sequence = self.at;
                }
                '*' | '+' | '?' | '{' => self.repeat(&mut group, c)?,
                c if in_name(c) => {
                    let name = self.name();
                    let end = self.at;
                    self.space(false);
                    if self.rest().starts_with("::=") {
                        return Err(self.error(
                            "syntax-error",
                            start..end,
                            format!("the rule `{name}` begins before the one above is complete"),
                            "close the group; write `\"\"` for an alternative of nothing at the end of a line",
                        ));
                    }
                    let node = self.tree.add(Node::Name(name), start..end);
                    group.parts.push(node);
                }
                c => {
                    return Err(self.error(
                        "invalid-character",
                        self.here(),
                        format!("`{c}` means nothing here"),
                        "the pieces are \"literals\", [classes], `.`, names, <tokens>, ( ) | * + ? and {m,n}",
                    ));
                }
            }
            self.space(!open.is_empty());
        }
    }

    fn leaf(&mut self, group: &mut Group, regex: RegexId, start: usize) {
        let node = self.tree.add(Node::Leaf(regex), start..self.at);
        group.parts.push(node);
    }

    fn close(&mut self, mut group: Group, end: usize) -> NodeId {
        let last = self.tree.seq(group.parts, group.sequence..end);
        if group.alternatives.is_empty() {
            return last;
        }
        let first = group.alternatives.remove(0);
        group.alternatives.push(last);
        let span = group.start..end.max(group.start);
        self.tree.many(Node::Alt, first, group.alternatives, span)
    }

    fn repeat(&mut self, group: &mut Group, c: char) -> Result<(), Diagnostic> {
        let start = self.at;
        self.at += 1;
        let (min, max) = match c {
            '*' => (None, None),
            '+' => (Some("1"), None),
            '?' => (None, Some("1")),
            _ => {
                // White space, line ends included, means nothing between the braces.
                self.space(true);
                let min = self.digits();
                self.space(true);
                let comma = self.rest().starts_with(',');
                let mut max = None;
                if comma {
                    self.at += 1;
                    self.space(true);
                    max = self.digits();
                    self.space(true);
                }
                let (Some(min), true) = (min, self.rest().starts_with('}')) else {
                    return Err(self.error(
                        "invalid-repeat",
                        start..self.at,
                        "this is no repeat count",
                        "write {m}, {m,} or {m,n}; for at most n copies, {0,n}",
                    ));
                };
                self.at += 1;
                (Some(min), if comma { max } else { Some(min) })
            }
        };
        let Some(inner) = group.parts.pop() else {
            return Err(self.error(
                "syntax-error",
                start..self.at,
                format!("`{c}` has nothing to repeat"),
                "write it after a literal, a class, a name or a group",
            ));
        };
        let from = self.tree.spans[inner.0 as usize].start;
        let node = self.tree.repeat(inner, min, max, from..self.at)?;
        group.parts.push(node);
        Ok(())
    }

    fn digits(&mut self) -> Option<&'s str> {
        let rest = self.rest();
        let n = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        self.at += n;
        (n > 0).then(|| &rest[..n])
    }

    /// One character or escape of a literal or class: a code point that may be a surrogate.
    fn char(&mut self, what: &'static str, start: usize) -> Result<u32, Diagnostic> {
        let at = self.at;
        let Some(c) = self.peek() else {
            return Err(self.error(
                "unclosed",
                start..start + 1,
                format!("this {what} is not closed"),
                "close it; inside, the closing character is written with `\\` before it",
            ));
        };
        self.at += c.len_utf8();
        if c != '\\' {
            return Ok(c as u32);
        }
        let kind = self.peek();
        self.at += kind.map_or(0, char::len_utf8);
        let len = match kind {
            Some('x') => 2,
            Some('u') => 4,
            Some('U') => 8,
            Some('t') => return Ok(9),
            Some('r') => return Ok(13),
            Some('n') => return Ok(10),
            Some(c @ ('\\' | '"' | '[' | ']')) => return Ok(c as u32),
            _ => {
                return Err(self.error(
                    "invalid-escape",
                    at..self.at,
                    "there is no such escape",
                    "the escapes are \\xHH \\uHHHH \\UHHHHHHHH \\t \\r \\n \\\\ \\\" \\[ and \\]",
                ));
            }
        };
        let digits = self
            .rest()
            .get(..len)
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|d| u32::from_str_radix(d, 16).ok());
        let Some(code) = code else {
            return Err(self.error(
                "invalid-escape",
                at..self.at,
                format!("this escape wants {len} hexadecimal digits"),
                "as in \\x7F, \\u00e4 or \\U0001F600",
            ));
        };
        self.at += len;
        if code > 0x10_ffff {
            return Err(self.error(
                "invalid-escape",
                at..self.at,
                "this is no Unicode character",
                "the last one is \\U0010FFFF",
            ));
        }
        Ok(code)
    }

    fn literal(&mut self) -> Result<RegexId, Diagnostic> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        while self.peek() != Some('"') {
            let at = self.at;
            let code = self.char("literal", start)?;
            let Some(c) = char::from_u32(code) else {
                return Err(self.error(
                    "invalid-escape",
                    at..self.at,
                    "a surrogate is no character of any text",
                    "write the character itself, or its code as \\UHHHHHHHH",
                ));
            };
            text.push(c);
        }
        self.at += 1;
        Ok(self.pool.bytes(text.into_bytes()))
    }

    fn class(&mut self) -> Result<RegexId, Diagnostic> {
        let start = self.at;
        self.at += 1;
        let negated = self.rest().starts_with('^');
        self.at += usize::from(negated);
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        while self.peek() != Some(']') {
            let at = self.at;
            let first = self.char("class", start)?;
            let mut last = first;
            if self.rest().starts_with('-') && !self.rest().starts_with("-]") {
                self.at += 1;
                last = self.char("class", start)?;
                if last < first {
                    return Err(self.error(
                        "invalid-class",
                        at..self.at,
                        "the ends of the range are out of order",
                        "write the smaller character first",
                    ));
                }
            }
            ranges.push((first, last));
        }
        self.at += 1;
        if ranges.is_empty() {
            return Err(self.error(
                "invalid-class",
                start..self.at,
                "the class is empty",
                "write `\"\"` for nothing, or `.` for any character",
            ));
        }
        Ok(scalars(self.pool, &ranges, negated))
    }

    fn token(&mut self) -> Result<RegexId, Diagnostic> {
        let start = self.at;
        let negated = self.rest().starts_with('!');
        self.at += usize::from(negated);
        let rest = self.rest();
        let end = if rest.starts_with("<[") {
            rest.find("]>").map(|i| i + 2)
        } else {
            rest.find('>').map(|i| i + 1)
        };
        let Some(end) = end.filter(|_| rest.starts_with('<') && !rest.starts_with("<>")) else {
            return Err(self.error(
                "invalid-token",
                start..self.at + self.peek().map_or(0, char::len_utf8),
                "this is no token",
                "write `<[1000]>` for a token's id, `<name>` for its text, and `!` before either for all other tokens",
            ));
        };
        let mut set = tokens::parse(&rest[..end], self.at)?;
        set.negated ^= negated;
        self.at += end;
        Ok(self.pool.add(RegexNode::Token(set)))
    }
}

/// The scalar values among these code points, or all others.
fn scalars(pool: &mut RegexPool, ranges: &[(u32, u32)], negated: bool) -> RegexId {
    let mut ranges = ranges.to_vec();
    if negated {
        ranges.sort_unstable();
        let mut others = Vec::with_capacity(ranges.len() + 1);
        let mut next = 0;
        for (first, last) in ranges {
            if first > next {
                others.push((next, first - 1));
            }
            next = next.max(last + 1);
        }
        others.push((next, 0x10_ffff));
        ranges = others;
    }
    let chars = ranges.into_iter().flat_map(|(first, last)| {
        // Surrogates are cut out.
        [(first, last.min(0xd7ff)), (first.max(0xe000), last)]
            .into_iter()
            .filter(|(a, b)| a <= b)
            .filter_map(|(a, b)| Some((char::from_u32(a)?, char::from_u32(b)?)))
    });
    pool.class(chars.collect::<Vec<_>>())
}
