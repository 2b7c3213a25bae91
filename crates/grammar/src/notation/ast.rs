//! The syntax tree of the notation: one flat arena, children before parents.

use crate::{Diagnostic, Place};
use std::ops::Range;

/// An entry of [`Tree::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeId(pub(super) u32);

/// A piece of notation, text undecoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node<'s> {
    Name(&'s str),
    Literal(&'s str),
    Class(&'s str),
    Regex(&'s str),
    /// Of no parts: the empty string.
    Seq(Vec<NodeId>),
    Alt(Vec<NodeId>),
    And(Vec<NodeId>),
    Not(NodeId),
    JsonString(NodeId),
    Repeat {
        inner: NodeId,
        min: u32,
        max: Option<u32>,
    },
}

/// A definition `name = body ;`.
#[derive(Clone, Debug)]
pub(super) struct Definition<'s> {
    pub(super) name: &'s str,
    /// The span of the name.
    pub(super) span: Range<usize>,
    pub(super) body: Body,
}

/// A whole right side: its nodes are `first ..= root`, and no other right side uses them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Body {
    pub(super) first: u32,
    pub(super) root: NodeId,
}

/// Everything a source text says.
#[derive(Clone, Debug, Default)]
pub(super) struct Tree<'s> {
    pub(super) nodes: Vec<Node<'s>>,
    pub(super) spans: Vec<Range<usize>>,
    pub(super) definitions: Vec<Definition<'s>>,
    pub(super) ignored: Vec<Body>,
    /// The `%start` directives.
    pub(super) starts: Vec<(&'s str, Range<usize>)>,
    /// Where the nodes of the right side being read begin.
    first: u32,
}

impl<'s> Tree<'s> {
    pub(super) fn node(&self, id: NodeId) -> &Node<'s> {
        &self.nodes[id.0 as usize]
    }

    pub(super) fn place(&self, id: NodeId) -> Place {
        Place::span(self.spans[id.0 as usize].clone())
    }

    pub(super) fn add(&mut self, node: Node<'s>, span: Range<usize>) -> NodeId {
        self.nodes.push(node);
        self.spans.push(span);
        NodeId(self.nodes.len() as u32 - 1)
    }

    pub(super) fn many(
        &mut self,
        kind: fn(Vec<NodeId>) -> Node<'s>,
        first: NodeId,
        mut rest: Vec<NodeId>,
        span: Range<usize>,
    ) -> NodeId {
        if rest.is_empty() {
            return first;
        }
        rest.insert(0, first);
        self.add(kind(rest), span)
    }

    pub(super) fn seq(&mut self, parts: Vec<NodeId>, span: Range<usize>) -> NodeId {
        // The parser's positions around nothing may cross.
        let span = span.start..span.end.max(span.start);
        match parts[..] {
            [one] => one,
            _ => self.add(Node::Seq(parts), span),
        }
    }

    pub(super) fn repeat(
        &mut self,
        inner: NodeId,
        min: Option<&str>,
        max: Option<&str>,
        span: Range<usize>,
    ) -> Result<NodeId, lalrpop_util::ParseError<usize, super::lexer::Unit<'s>, Diagnostic>> {
        let fault = |message: String, help: &str| lalrpop_util::ParseError::User {
            error: Diagnostic::new("invalid-repeat", message, Place::span(span.clone()))
                .with_help(help),
        };
        let number = |digits: &str| {
            digits.parse::<u32>().map_err(|_| {
                fault(
                    format!("the repeat count {digits} is too large"),
                    "the largest count is 4294967295",
                )
            })
        };
        let min = min.map(number).transpose()?.unwrap_or(0);
        let max = max.map(number).transpose()?;
        if let Some(max) = max.filter(|&max| max < min) {
            return Err(fault(
                format!("at least {min} and at most {max} copies can never match"),
                "write the smaller count first",
            ));
        }
        Ok(self.add(Node::Repeat { inner, min, max }, span))
    }

    fn take_body(&mut self, root: NodeId) -> Body {
        let body = Body {
            first: self.first,
            root,
        };
        self.first = self.nodes.len() as u32;
        body
    }

    pub(super) fn define(&mut self, name: &'s str, span: Range<usize>, root: NodeId) {
        let body = self.take_body(root);
        self.definitions.push(Definition { name, span, body });
    }

    pub(super) fn ignore(&mut self, root: NodeId) {
        let body = self.take_body(root);
        self.ignored.push(body);
    }

    pub(super) fn set_start(&mut self, name: &'s str, span: Range<usize>) {
        self.starts.push((name, span));
    }
}
