//! The right side of a definition: alternatives, sequences, groups, repeats.

use super::super::{Body, Usage};
use super::{Close, Group, Reader};
use crate::notation::ast::{self, Node, NodeId};
use crate::{Diagnostic, Place};
use maskwright_tables::LimitError;

impl<'s> Reader<'s, '_> {
    pub(super) fn group(&self, close: Close, start: usize) -> Group<'s> {
        Group {
            close,
            start,
            alternatives: Vec::new(),
            ands: Vec::new(),
            parts: Vec::new(),
            sequence: self.at,
            nots: 0,
            template: "",
            args: Vec::new(),
            first: self.next_node(),
        }
    }

    /// A right side, to the end of the definition.
    pub(super) fn body(&mut self) -> Result<NodeId, Diagnostic> {
        self.space(false);
        let mut open: Vec<Group<'s>> = Vec::new();
        let mut group = self.group(Close::Line, self.at);
        loop {
            let start = self.at;
            let c = match self.peek() {
                Some('\n') => {
                    // Only at the outermost level; the definition may go on with an alternative.
                    self.space(true);
                    if !(self.rest().starts_with('|') || self.rest().starts_with("->")) {
                        return Ok(self.close(group, start));
                    }
                    continue;
                }
                None if open.is_empty() => return Ok(self.close(group, start)),
                None => {
                    return Err(self.error(
                        "unclosed",
                        group.start..group.start + 1,
                        "this group is not closed",
                        "close it with the bracket that belongs to it",
                    ));
                }
                Some(c) => c,
            };
            match c {
                '"' => {
                    let node = self.string_or_range()?;
                    self.atom(&mut group, node);
                }
                '/' => {
                    let node = self.regex()?;
                    self.atom(&mut group, node);
                }
                '<' => {
                    let node = self.token()?;
                    self.atom(&mut group, node);
                }
                '(' | '[' => {
                    self.check_depth(open.len())?;
                    self.at += 1;
                    let close = if c == '(' {
                        Close::Paren
                    } else {
                        Close::Bracket
                    };
                    let inner = self.group(close, start);
                    open.push(std::mem::replace(&mut group, inner));
                }
                ')' | ']' | '}' | ',' => {
                    let wanted = match c {
                        ')' => Close::Paren,
                        ']' => Close::Bracket,
                        _ => Close::Brace,
                    };
                    if group.close != wanted {
                        return Err(self.error(
                            "syntax-error",
                            self.here(),
                            format!("`{c}` closes nothing here"),
                            "remove it, or open the group",
                        ));
                    }
                    self.at += 1;
                    if c == ',' {
                        self.next_argument(&mut group, start);
                        self.space(true);
                        group.sequence = self.at;
                    } else if let Some(outer) = open.pop() {
                        let inner = std::mem::replace(&mut group, outer);
                        let node = self.close_group(inner, start);
                        self.atom(&mut group, node);
                    }
                }
                '|' => {
                    self.end_alternative(&mut group, start);
                    self.at += 1;
                    self.space(true);
                    group.sequence = self.at;
                }
                '&' => {
                    self.end_sequence(&mut group, start);
                    self.at += 1;
                    self.space(true);
                    group.sequence = self.at;
                }
                '-' if self.rest().starts_with("->") => {
                    self.at += 2;
                    self.space(false);
                    let (_, span) = self.expect_name("an alias")?;
                    self.source.note(
                        start..span.end,
                        "aliases (`-> name`) name nodes of parse trees, of which there are none",
                    );
                }
                '*' | '+' | '?' => {
                    self.at += 1;
                    let (min, max) = match c {
                        '*' => (None, None),
                        '+' => (Some("1"), None),
                        _ => (None, Some("1")),
                    };
                    self.repeat(&mut group, start, min, max)?;
                }
                '~' => self.tilde(&mut group, start)?,
                '{' => {
                    self.at += 1;
                    let (min, max) = self.braces(start)?;
                    self.repeat(&mut group, start, min, max)?;
                }
                '%' => {
                    let node = self.embedded()?;
                    self.atom(&mut group, node);
                }
                '@' => {
                    return Err(self.error(
                        "unsupported-embedding",
                        self.here(),
                        "other grammars cannot be named here",
                        "copy the rules of the other grammar into this one",
                    ));
                }
                _ => {
                    let name = self.name();
                    let span = start..self.at;
                    if name.is_empty() {
                        return Err(self.error(
                            "invalid-character",
                            self.here(),
                            format!("`{c}` means nothing here"),
                            "the pieces are \"strings\", /regexes/, names, ( ) [ ] | * + ? ~ and <tokens>",
                        ));
                    }
                    let braced = self.rest().strip_prefix('{');
                    let counted = braced.is_some_and(|r| {
                        r.trim_start()
                            .starts_with(|c: char| c.is_ascii_digit() || c == ',')
                    });
                    if braced.is_some() && !counted {
                        self.check_depth(open.len())?;
                        self.at += 1;
                        self.usage_depth += 1;
                        let mut inner = self.group(Close::Brace, start);
                        inner.template = name;
                        open.push(std::mem::replace(&mut group, inner));
                    } else {
                        let node = self.add(Node::Name(name), span);
                        self.atom(&mut group, node);
                    }
                }
            }
            self.space(!open.is_empty());
        }
    }

    pub(super) fn check_depth(&self, depth: usize) -> Result<(), Diagnostic> {
        if depth < self.limits.source_depth {
            return Ok(());
        }
        let e = LimitError::new(
            "notation nesting depth",
            depth as u64 + 1,
            self.limits.source_depth as u64,
        );
        Err(Diagnostic::limit(e, Place::span(self.here())))
    }

    /// Adds an atom under the complement signs before it.
    pub(super) fn atom(&mut self, group: &mut Group<'s>, node: NodeId) {
        let mut node = node;
        for _ in 0..std::mem::take(&mut group.nots) {
            let span = self.source.spans[node.0 as usize].clone();
            node = self.add(Node::Not(node), span);
        }
        group.parts.push(node);
    }

    pub(super) fn end_sequence(&mut self, group: &mut Group<'s>, end: usize) {
        let parts = std::mem::take(&mut group.parts);
        let node = match parts[..] {
            [one] => one,
            _ => self.add(Node::Seq(parts), group.sequence..end),
        };
        group.ands.push(node);
    }

    pub(super) fn end_alternative(&mut self, group: &mut Group<'s>, end: usize) {
        self.end_sequence(group, end);
        let ands = std::mem::take(&mut group.ands);
        let node = match ands[..] {
            [one] => one,
            _ => self.add(Node::And(ands), group.start..end),
        };
        group.alternatives.push(node);
    }

    /// The node of a group that ends here, brackets aside.
    pub(super) fn close(&mut self, mut group: Group<'s>, end: usize) -> NodeId {
        self.end_alternative(&mut group, end);
        match group.alternatives[..] {
            [one] => one,
            _ => self.add(Node::Alt(group.alternatives), group.start..end),
        }
    }

    pub(super) fn next_argument(&mut self, group: &mut Group<'s>, end: usize) {
        self.end_alternative(group, end);
        let alternatives = std::mem::take(&mut group.alternatives);
        let root = match alternatives[..] {
            [one] => one,
            _ => self.add(Node::Alt(alternatives), group.start..end),
        };
        group.args.push(Body {
            first: group.first,
            root: root.0,
        });
        group.first = self.next_node();
    }

    pub(super) fn close_group(&mut self, mut group: Group<'s>, end: usize) -> NodeId {
        let span = group.start..self.at;
        match group.close {
            Close::Bracket => {
                let inner = self.close(group, end);
                let repeat = Node::Repeat {
                    inner,
                    min: 0,
                    max: Some(1),
                };
                self.add(repeat, span)
            }
            Close::Brace => {
                self.next_argument(&mut group, end);
                self.usage_depth = self.usage_depth.saturating_sub(1);
                let node = self.add(Node::Name(group.template), span);
                self.source
                    .usages
                    .insert(node.0, Usage { args: group.args });
                node
            }
            Close::Paren | Close::Line => self.close(group, end),
        }
    }

    /// `~ 3`, `~ 2..5`, or the complement of what follows.
    pub(super) fn tilde(&mut self, group: &mut Group<'s>, start: usize) -> Result<(), Diagnostic> {
        self.at += 1;
        self.space(false);
        let Some(min) = self.digits() else {
            group.nots += 1;
            return Ok(());
        };
        self.space(false);
        let mut max = min;
        if self.rest().starts_with("..") {
            self.at += 2;
            self.space(false);
            max = self.digits().ok_or_else(|| {
                self.error(
                    "invalid-repeat",
                    start..self.at,
                    "this is no repeat count",
                    "write `~ 3` or `~ 2..5`",
                )
            })?;
        }
        self.repeat(group, start, Some(min), Some(max))
    }

    pub(super) fn digits(&mut self) -> Option<&'s str> {
        let rest = self.rest();
        let n = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        self.at += n;
        (n > 0).then(|| &rest[..n])
    }

    /// `{m}`, `{m,}`, `{,n}` or `{m,n}`, from behind the brace.
    #[allow(clippy::type_complexity)]
    pub(super) fn braces(
        &mut self,
        start: usize,
    ) -> Result<(Option<&'s str>, Option<&'s str>), Diagnostic> {
        self.space(true);
        let min = self.digits();
        self.space(true);
        let mut max = min;
        if self.rest().starts_with(',') {
            self.at += 1;
            self.space(true);
            max = self.digits();
            self.space(true);
        }
        if !self.rest().starts_with('}') || (min.is_none() && max.is_none()) {
            return Err(self.error(
                "invalid-repeat",
                start..self.at,
                "this is no repeat count",
                "write {m}, {m,}, {,n} or {m,n}",
            ));
        }
        self.at += 1;
        Ok((min, max))
    }

    pub(super) fn repeat(
        &mut self,
        group: &mut Group<'s>,
        start: usize,
        min: Option<&str>,
        max: Option<&str>,
    ) -> Result<(), Diagnostic> {
        let Some(inner) = group.parts.pop() else {
            let sign = &self.text[start..start + 1];
            return Err(self.error(
                "syntax-error",
                start..self.at,
                format!("`{sign}` has nothing to repeat"),
                "write it after a string, a regex, a name or a group",
            ));
        };
        let span = self.source.spans[inner.0 as usize].start.min(start)..self.at;
        let bounds = ast::bounds(min, max, span.clone())?;
        let repeat = Node::Repeat {
            inner,
            min: bounds.0,
            max: bounds.1,
        };
        let node = self.add(repeat, span);
        group.parts.push(node);
        Ok(())
    }
}
