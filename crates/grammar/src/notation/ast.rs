//! The syntax tree that all grammar notations are read into: one flat arena, children before
//! parents.

use crate::{Diagnostic, Place, RegexId};
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
    /// A regex of ECMA-262.
    Ecma(&'s str),
    /// `<name>` or `<[ids]>`.
    Token(&'s str),
    /// The text of a JSON Schema.
    Json(&'s str),
    /// A regex of the tree's pool: what the front end of another notation has decoded already.
    Leaf(RegexId),
    /// Of no parts: the empty string.
    Seq(Vec<NodeId>),
    Alt(Vec<NodeId>),
    And(Vec<NodeId>),
    Not(NodeId),
    JsonString(NodeId),
    /// What the node matches, and no proper beginning of it.
    Lazy(NodeId),
    Repeat {
        inner: NodeId,
        min: u32,
        max: Option<u32>,
    },
}

/// What decides whether a definition is a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A name in capitals is one, if its body is regular.
    ByName,
    /// It is a rule.
    Rule,
    /// It has to be one.
    Terminal,
}

/// A definition `name = body ;`.
#[derive(Clone, Debug)]
pub(super) struct Definition<'s> {
    pub(super) name: &'s str,
    /// The span of the name.
    pub(super) span: Range<usize>,
    pub(super) body: Body,
    pub(super) kind: Kind,
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
    /// The `%keywords` directives: terminals that match no literal of the rules.
    pub(super) keywords: Vec<(&'s str, Range<usize>)>,
    /// Terminals that give way to those with a larger number; all others have 0.
    pub(super) priorities: Vec<(&'s str, i64)>,
    /// Terminals that end as soon as they can.
    pub(super) lazy: Vec<&'s str>,
    /// Where the nodes of the right side being read begin.
    first: u32,
}

/// The counts of a repeat, which stands at `span`.
pub(super) fn bounds(
    min: Option<&str>,
    max: Option<&str>,
    span: Range<usize>,
) -> Result<(u32, Option<u32>), Diagnostic> {
    let fault = |message: String, help: &str| {
        Diagnostic::new("invalid-repeat", message, Place::span(span.clone())).with_help(help)
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
    Ok((min, max))
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
    ) -> Result<NodeId, Diagnostic> {
        let (min, max) = bounds(min, max, span.clone())?;
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

    pub(super) fn define(&mut self, name: &'s str, span: Range<usize>, root: NodeId, kind: Kind) {
        let body = self.take_body(root);
        self.definitions.push(Definition {
            name,
            span,
            body,
            kind,
        });
    }

    pub(super) fn ignore(&mut self, root: NodeId) {
        let body = self.take_body(root);
        self.ignored.push(body);
    }

    pub(super) fn set_start(&mut self, name: &'s str, span: Range<usize>) {
        self.starts.push((name, span));
    }

    pub(super) fn keywords(&mut self, name: &'s str, span: Range<usize>) {
        self.keywords.push((name, span));
    }
}
