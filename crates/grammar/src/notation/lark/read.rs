//! Text → definitions.
//!
//! A definition ends with its line unless the next line begins with `|`; inside brackets a line may
//! end anywhere. Each right side owns the nodes `first ..= root` of the arena, children first.

use super::super::ast::{Kind, Node, NodeId};
use super::super::tokens;
use super::{Body, Definition, Source, Usage, library, node_id, python};
use crate::{Diagnostic, Place, RegexId, RegexNode, RegexPool};
use maskwright_tables::{LimitError, Limits};
use rustc_hash::FxHashSet;
use std::ops::Range;

/// Reads a text; `library` allows dots in names.
pub(super) fn read<'s>(
    text: &'s str,
    library: bool,
    source: &mut Source<'s>,
    pool: &mut RegexPool,
    limits: &Limits,
) -> Result<(), Diagnostic> {
    let mut reader = Reader {
        text,
        at: 0,
        library,
        source,
        pool,
        limits,
        usage_depth: 0,
    };
    if text.starts_with('\u{FEFF}') {
        reader.at = '\u{FEFF}'.len_utf8();
    }
    reader.space(true);
    while let Some(c) = reader.peek() {
        if c == '%' {
            reader.directive()?;
        } else {
            reader.definition(Mode::New)?;
        }
        reader.space(true);
    }
    Ok(())
}

/// What becomes of a definition whose name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    New,
    Override,
    Extend,
}

/// What an open group is closed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Close {
    /// The end of the definition.
    Line,
    Paren,
    Bracket,
    /// Arguments of a template.
    Brace,
}

/// An open group.
struct Group<'s> {
    close: Close,
    start: usize,
    alternatives: Vec<NodeId>,
    ands: Vec<NodeId>,
    parts: Vec<NodeId>,
    /// Where the sequence under way begins.
    sequence: usize,
    /// Complement signs before the next atom.
    nots: u32,
    /// Of arguments: the template, those that are complete, and where the current one begins.
    template: &'s str,
    args: Vec<Body>,
    first: u32,
}

struct Reader<'s, 'p> {
    text: &'s str,
    at: usize,
    library: bool,
    source: &'p mut Source<'s>,
    pool: &'p mut RegexPool,
    limits: &'p Limits,
    usage_depth: u32,
}

/// The options of a definition in square brackets.
#[derive(Default)]
struct Attributes {
    lazy: bool,
    suffix: Option<NodeId>,
}

impl<'s> Reader<'s, '_> {
    fn rest(&self) -> &'s str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn here(&self) -> Range<usize> {
        self.at..self.at + self.peek().map_or(0, char::len_utf8)
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

    /// White space and comments; line ends too where they mean nothing.
    fn space(&mut self, lines: bool) {
        loop {
            let rest = self.rest();
            let n = match rest.as_bytes().first() {
                Some(b' ' | b'\t' | b'\r' | 0x0c) => 1,
                Some(b'\n') if lines => 1,
                Some(b'#') => rest.find('\n').unwrap_or(rest.len()),
                Some(b'/') if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
                // A line goes on after a backslash.
                Some(b'\\') => match rest[1..].trim_start_matches([' ', '\t', '\r']) {
                    next if next.starts_with('\n') => rest.len() - next.len() + 1,
                    _ => return,
                },
                _ => return,
            };
            self.at += n;
        }
    }

    fn add(&mut self, node: Node<'s>, span: Range<usize>) -> NodeId {
        self.source.nodes.push(node);
        self.source.spans.push(span.start..span.end.max(span.start));
        self.source.depth.push(self.usage_depth);
        node_id(self.source.nodes.len() as u32 - 1)
    }

    fn next_node(&self) -> u32 {
        self.source.nodes.len() as u32
    }

    fn name(&mut self) -> &'s str {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let mut n = 0;
        while let Some(&b) = bytes.get(n) {
            let inside = n > 0
                && bytes.get(n + 1).is_some_and(u8::is_ascii_alphanumeric)
                && (b == b'-' || (self.library && b == b'.'));
            let start = n == 0 && b.is_ascii_digit();
            if !(b.is_ascii_alphanumeric() || b == b'_' || inside) || start {
                // Names of libraries go on with an underscore after their dot.
                if !(self.library && b == b'.' && bytes.get(n + 1) == Some(&b'_')) {
                    break;
                }
            }
            n += 1;
        }
        self.at += n;
        &rest[..n]
    }

    fn expect_name(&mut self, what: &str) -> Result<(&'s str, Range<usize>), Diagnostic> {
        let start = self.at;
        let name = self.name();
        if name.is_empty() {
            let found = match self.peek() {
                Some('\n') | None => "the line ends".to_owned(),
                Some(c) => format!("`{c}`"),
            };
            let message = format!("{found} where {what} should be");
            return Err(self.error(
                "syntax-error",
                self.here(),
                message,
                "a definition is `name: …`; it goes on over a line end only inside brackets, or when the next line begins with `|`",
            ));
        }
        Ok((name, start..self.at))
    }

    fn definition(&mut self, mode: Mode) -> Result<(), Diagnostic> {
        while matches!(self.peek(), Some('?' | '!')) {
            self.source.note(
                self.here(),
                "`?` and `!` before a rule shape parse trees, of which there are none",
            );
            self.at += 1;
        }
        let (name, span) = self.expect_name("a definition")?;
        let kind = kind_of(name);
        let first = self.next_node();
        let params = self.params()?;
        self.space(false);
        let attributes = if self.rest().starts_with('[') {
            self.attributes()?
        } else {
            Attributes::default()
        };
        self.space(false);
        if self.rest().starts_with('.') {
            self.at += 1;
            let start = self.at;
            let rest = self.rest();
            let n = rest
                .find(|c: char| !(c.is_ascii_digit() || c == '-' || c == '+'))
                .unwrap_or(rest.len());
            self.at += n;
            let Ok(priority) = rest[..n].parse::<i64>() else {
                return Err(self.error(
                    "invalid-priority",
                    start..self.at,
                    "this is no priority",
                    "write a whole number, as in `NAME.2: …`",
                ));
            };
            if kind == Kind::Terminal {
                self.source.priorities.push((name, priority));
            } else {
                self.source.note(
                    start..self.at,
                    "priorities of rules choose between parse trees, of which there are none",
                );
            }
        }
        self.space(false);
        if !self.rest().starts_with(':') {
            return Err(self.error(
                "syntax-error",
                span,
                format!("`{name}` is not followed by `:`"),
                "a definition is `name: …`; it goes on over a line end only inside brackets, or when the next line begins with `|`",
            ));
        }
        self.at += 1;
        let mut root = self.body()?;
        if let Some(suffix) = attributes.suffix {
            root = self.add(Node::Seq(vec![root, suffix]), span.clone());
        }
        if attributes.lazy || attributes.suffix.is_some() {
            root = self.add(Node::Lazy(root), span.clone());
        }
        let body = Body {
            first,
            root: root.0,
        };
        self.define(name, span, kind, params, body, mode)
    }

    fn define(
        &mut self,
        name: &'s str,
        span: Range<usize>,
        kind: Kind,
        params: Vec<&'s str>,
        body: Body,
        mode: Mode,
    ) -> Result<(), Diagnostic> {
        let new = Definition {
            name,
            span: span.clone(),
            kind,
            params,
            bodies: vec![body],
        };
        match (self.source.names.get(name), mode) {
            (None, Mode::New) => {
                self.source
                    .names
                    .insert(name, self.source.definitions.len());
                self.source.definitions.push(new);
            }
            (Some(&old), Mode::Override) => self.source.definitions[old] = new,
            (Some(&old), Mode::Extend) => self.source.definitions[old].bodies.push(body),
            (Some(&old), Mode::New) => {
                let at = &self.source.definitions[old].span;
                let message = format!(
                    "`{name}` is already defined at bytes {}..{}",
                    at.start, at.end
                );
                return Err(self.error(
                    "duplicate-rule",
                    span,
                    message,
                    "rename one of the two, or write `%override` or `%extend` before the second",
                ));
            }
            (None, _) => {
                let message = format!("there is no `{name}` yet to override or extend");
                return Err(self.error(
                    "undefined-rule",
                    span,
                    message,
                    "define or import it first",
                ));
            }
        }
        Ok(())
    }

    /// `{a, b}` after the name of a template.
    fn params(&mut self) -> Result<Vec<&'s str>, Diagnostic> {
        let mut params = Vec::new();
        if !self.rest().starts_with('{') {
            return Ok(params);
        }
        self.at += 1;
        loop {
            self.space(true);
            let (name, span) = self.expect_name("the name of a parameter")?;
            if params.contains(&name) {
                let message = format!("there are two parameters `{name}`");
                return Err(self.error("duplicate-rule", span, message, "rename one of the two"));
            }
            params.push(name);
            self.space(true);
            match self.peek() {
                Some(',') => self.at += 1,
                Some('}') => {
                    self.at += 1;
                    return Ok(params);
                }
                _ => {
                    return Err(self.error(
                        "syntax-error",
                        self.here(),
                        "a list of parameters goes on with `,` and ends with `}`",
                        "as in `list{item, separator}: …`",
                    ));
                }
            }
        }
    }

    /// `[lazy, suffix="…"]` after the name of a definition.
    fn attributes(&mut self) -> Result<Attributes, Diagnostic> {
        let mut attributes = Attributes::default();
        self.at += 1;
        loop {
            self.space(true);
            if self.peek() == Some(']') {
                self.at += 1;
                return Ok(attributes);
            }
            let (name, span) = self.expect_name("an option")?;
            self.space(true);
            let has_value = self.rest().starts_with('=');
            if has_value {
                self.at += 1;
                self.space(true);
            }
            match (name, has_value) {
                ("lazy", false) => attributes.lazy = true,
                ("suffix", true) => attributes.suffix = Some(self.terminal_value()?),
                ("capture" | "temperature" | "stop_capture", _) => {
                    if has_value {
                        self.skip_value()?;
                    }
                    self.source.note(
                        span,
                        "captures and temperatures are up to the engine, which sees the text",
                    );
                }
                _ => {
                    return Err(self.error(
                        "unsupported-option",
                        span,
                        format!("the option `{name}` is not supported"),
                        "the options are `lazy`, `suffix=…`, `capture` and `temperature=…`",
                    ));
                }
            }
            self.space(true);
            if self.peek() == Some(',') {
                self.at += 1;
            } else if self.peek() != Some(']') {
                return Err(self.error(
                    "syntax-error",
                    self.here(),
                    "a list of options goes on with `,` and ends with `]`",
                    "as in `text[lazy]: …`",
                ));
            }
        }
    }

    fn terminal_value(&mut self) -> Result<NodeId, Diagnostic> {
        let start = self.at;
        match self.peek() {
            Some('"') => {
                let regex = self.string()?;
                Ok(self.add(Node::Leaf(regex), start..self.at))
            }
            Some('/') => self.regex(),
            _ => {
                let (name, span) = self.expect_name("a terminal")?;
                Ok(self.add(Node::Name(name), span))
            }
        }
    }

    fn skip_value(&mut self) -> Result<(), Diagnostic> {
        if self.peek() == Some('"') {
            return self.string().map(drop);
        }
        let rest = self.rest();
        self.at += rest.find([',', ']', '\n']).unwrap_or(rest.len());
        Ok(())
    }

    fn directive(&mut self) -> Result<(), Diagnostic> {
        let start = self.at;
        self.at += 1;
        let name = self.name();
        let span = start..self.at;
        self.space(false);
        match name {
            "ignore" => {
                let first = self.next_node();
                let root = self.body()?;
                self.source.ignored.push(Body {
                    first,
                    root: root.0,
                });
                Ok(())
            }
            "declare" => {
                while self.peek().is_some_and(|c| c != '\n') {
                    let declared = self.expect_name("the name of a terminal")?;
                    self.source.declared.push(declared);
                    self.space(false);
                }
                Ok(())
            }
            "override" => self.definition(Mode::Override),
            "extend" => self.definition(Mode::Extend),
            "import" => self.import(span),
            "llguidance" => {
                let options = self.json(&span)?;
                match options.as_object().and_then(|o| o.get("skip_repetition")) {
                    Some(how) if how != "many" => Err(self.error(
                        "unsupported-option",
                        span,
                        "the option `skip_repetition` is not supported",
                        "ignored text may be repeated",
                    )),
                    _ => {
                        self.source
                            .note(span, "options of another engine change no text");
                        Ok(())
                    }
                }
            }
            _ => Err(self.error(
                "unknown-directive",
                span,
                format!("there is no directive `%{name}`"),
                "the directives are %ignore, %import, %declare, %override and %extend",
            )),
        }
    }

    /// A JSON value at the current place.
    fn json(&mut self, span: &Range<usize>) -> Result<serde_json::Value, Diagnostic> {
        let mut values =
            serde_json::Deserializer::from_str(self.rest()).into_iter::<serde_json::Value>();
        let value = match values.next() {
            Some(Ok(value)) => value,
            Some(Err(e)) => {
                return Err(self.error(
                    "invalid-json",
                    span.clone(),
                    format!("what follows is no JSON value: {e}"),
                    "as in `%regex { \"substring_words\": \"a b c\" }`",
                ));
            }
            None => {
                return Err(self.error(
                    "invalid-json",
                    span.clone(),
                    "a JSON value should follow",
                    "as in `%regex { \"substring_words\": \"a b c\" }`",
                ));
            }
        };
        self.at += values.byte_offset();
        Ok(value)
    }

    /// `library.NAME`, `library.NAME -> OTHER`, `library (A, B)`.
    fn import(&mut self, span: Range<usize>) -> Result<(), Diagnostic> {
        let start = self.at;
        let rest = self.rest();
        let n = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.'))
            .unwrap_or(rest.len());
        let path = &rest[..n];
        self.at += n;
        let path_span = start..self.at;
        self.space(false);
        let mut wanted: Vec<(&'s str, &'s str, Range<usize>)> = Vec::new();
        let library = if self.rest().starts_with('(') {
            self.at += 1;
            loop {
                self.space(true);
                if self.peek() == Some(')') {
                    self.at += 1;
                    break;
                }
                let (name, span) = self.expect_name("a name to import")?;
                wanted.push((name, name, span));
                self.space(true);
                if self.peek() == Some(',') {
                    self.at += 1;
                } else if self.peek() != Some(')') {
                    return Err(self.error(
                        "syntax-error",
                        self.here(),
                        "a list of names goes on with `,` and ends with `)`",
                        "as in `%import common (INT, WS)`",
                    ));
                }
            }
            path
        } else {
            let (library, name) = path.rsplit_once('.').unwrap_or((path, ""));
            let mut alias = name;
            if self.rest().starts_with("->") {
                self.at += 2;
                self.space(false);
                alias = self.expect_name("the new name")?.0;
            }
            wanted.push((name, alias, path_span.clone()));
            library
        };
        if library != "common" {
            return Err(self.error(
                "unsupported-import",
                path_span,
                format!("there is no library `{library}` to import from"),
                "only `common` is built in: copy the definitions into the grammar",
            ));
        }
        if !self.source.names.contains_key("common.INT") {
            self.load_library(&span)?;
        }
        for (name, alias, span) in wanted {
            let known = self
                .source
                .definitions
                .iter()
                .find(|d| d.name.strip_prefix("common.") == Some(name))
                .map(|d| d.name);
            let Some(target) = known else {
                return Err(self.error(
                    "unsupported-import",
                    span,
                    format!("`common` has no terminal `{name}`"),
                    &format!("it has {}", library::NAMES),
                ));
            };
            if let Some(&old) = self.source.names.get(alias) {
                // The same import twice is fine.
                let body = self.source.definitions[old].bodies[0];
                if self.source.nodes[body.root as usize] == Node::Name(target) {
                    continue;
                }
            }
            let node = self.add(Node::Name(target), span.clone());
            let body = Body {
                first: node.0,
                root: node.0,
            };
            self.define(alias, span, Kind::Terminal, Vec::new(), body, Mode::New)?;
        }
        Ok(())
    }

    /// Adds the library's definitions; their place is the import.
    fn load_library(&mut self, span: &Range<usize>) -> Result<(), Diagnostic> {
        let (nodes, definitions) = (self.source.spans.len(), self.source.definitions.len());
        read(
            library::COMMON,
            true,
            self.source,
            self.pool,
            &Limits::default(),
        )?;
        for place in &mut self.source.spans[nodes..] {
            place.clone_from(span);
        }
        for definition in &mut self.source.definitions[definitions..] {
            definition.span.clone_from(span);
        }
        Ok(())
    }

    fn group(&self, close: Close, start: usize) -> Group<'s> {
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
    fn body(&mut self) -> Result<NodeId, Diagnostic> {
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

    fn check_depth(&self, depth: usize) -> Result<(), Diagnostic> {
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
    fn atom(&mut self, group: &mut Group<'s>, node: NodeId) {
        let mut node = node;
        for _ in 0..std::mem::take(&mut group.nots) {
            let span = self.source.spans[node.0 as usize].clone();
            node = self.add(Node::Not(node), span);
        }
        group.parts.push(node);
    }

    fn end_sequence(&mut self, group: &mut Group<'s>, end: usize) {
        let parts = std::mem::take(&mut group.parts);
        let node = match parts[..] {
            [one] => one,
            _ => self.add(Node::Seq(parts), group.sequence..end),
        };
        group.ands.push(node);
    }

    fn end_alternative(&mut self, group: &mut Group<'s>, end: usize) {
        self.end_sequence(group, end);
        let ands = std::mem::take(&mut group.ands);
        let node = match ands[..] {
            [one] => one,
            _ => self.add(Node::And(ands), group.start..end),
        };
        group.alternatives.push(node);
    }

    /// The node of a group that ends here, brackets aside.
    fn close(&mut self, mut group: Group<'s>, end: usize) -> NodeId {
        self.end_alternative(&mut group, end);
        match group.alternatives[..] {
            [one] => one,
            _ => self.add(Node::Alt(group.alternatives), group.start..end),
        }
    }

    fn next_argument(&mut self, group: &mut Group<'s>, end: usize) {
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

    fn close_group(&mut self, mut group: Group<'s>, end: usize) -> NodeId {
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
    fn tilde(&mut self, group: &mut Group<'s>, start: usize) -> Result<(), Diagnostic> {
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

    fn digits(&mut self) -> Option<&'s str> {
        let rest = self.rest();
        let n = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        self.at += n;
        (n > 0).then(|| &rest[..n])
    }

    /// `{m}`, `{m,}`, `{,n}` or `{m,n}`, from behind the brace.
    #[allow(clippy::type_complexity)]
    fn braces(&mut self, start: usize) -> Result<(Option<&'s str>, Option<&'s str>), Diagnostic> {
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

    fn repeat(
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
        let bounds = super::super::ast::bounds(min, max, span.clone())?;
        let repeat = Node::Repeat {
            inner,
            min: bounds.0,
            max: bounds.1,
        };
        let node = self.add(repeat, span);
        group.parts.push(node);
        Ok(())
    }

    fn token(&mut self) -> Result<NodeId, Diagnostic> {
        let start = self.at;
        let rest = self.rest();
        let end = if rest.starts_with("<[") {
            rest.find("]>").map(|i| i + 2)
        } else {
            rest.find('>').map(|i| i + 1)
        };
        let line = rest.find('\n').unwrap_or(rest.len());
        let Some(end) = end.filter(|end| *end <= line && !rest.starts_with("<>")) else {
            return Err(self.error(
                "invalid-token",
                self.here(),
                "this is no token",
                "write `<name>` for a token's text, `<[1000]>` for its id",
            ));
        };
        let set = tokens::parse(&rest[..end], start)?;
        self.at += end;
        let regex = self.pool.add(RegexNode::Token(set));
        Ok(self.add(Node::Leaf(regex), start..self.at))
    }

    /// `%json {…}`, `%regex {…}` inside a right side.
    fn embedded(&mut self) -> Result<NodeId, Diagnostic> {
        let start = self.at;
        self.at += 1;
        let name = self.name();
        let span = start..self.at;
        if name == "json" {
            self.space(true);
            let from = self.at;
            self.json(&span)?;
            let schema = self.text[from..self.at].trim();
            let regex = self.pool.add(RegexNode::Json(schema.into()));
            return Ok(self.add(Node::Leaf(regex), start..self.at));
        }
        if name != "regex" {
            return Err(self.error(
                "unsupported-embedding",
                span,
                format!("`%{name}` inside a grammar is not supported"),
                "copy the rules of the other grammar into this one",
            ));
        }
        self.space(true);
        let value = self.json(&span)?;
        let object = value.as_object().filter(|o| o.len() == 1);
        let strings = |v: &serde_json::Value| -> Option<Vec<String>> {
            v.as_array()?
                .iter()
                .map(|s| s.as_str().map(str::to_owned))
                .collect()
        };
        let chunks = object
            .and_then(|o| o.iter().next())
            .and_then(|(key, v)| match key.as_str() {
                "substring_chunks" => strings(v),
                "substring_chars" => v.as_str().map(|s| s.chars().map(String::from).collect()),
                "substring_words" => v.as_str().map(words),
                _ => None,
            });
        let Some(chunks) = chunks else {
            return Err(self.error(
                "unsupported-option",
                span,
                "this regex is not supported",
                "`%regex` takes one of \"substring_chunks\": […], \"substring_words\": \"…\", \"substring_chars\": \"…\"",
            ));
        };
        // From each chunk on, any number of the chunks that follow; each suffix is built once.
        let mut from = self.pool.empty();
        let mut all = vec![from];
        for chunk in chunks.into_iter().rev() {
            let chunk = self.pool.bytes(chunk.into_bytes());
            let here = self.pool.concat([chunk, from]);
            from = self.pool.repeat(here, 0, Some(1));
            all.push(from);
        }
        let regex = self.pool.alt(all);
        Ok(self.add(Node::Leaf(regex), start..self.at))
    }

    fn string_or_range(&mut self) -> Result<NodeId, Diagnostic> {
        let start = self.at;
        let first = self.string()?;
        let end = self.at;
        self.space(false);
        if !self.rest().starts_with("..") {
            self.at = end;
            return Ok(self.add(Node::Leaf(first), start..end));
        }
        self.at += 2;
        self.space(false);
        let last = if self.peek() == Some('"') {
            Some(self.string()?)
        } else {
            None
        };
        let char_of = |regex: Option<RegexId>| match self.pool.node(regex?) {
            RegexNode::Bytes(b) => {
                let mut chars = std::str::from_utf8(b).ok()?.chars();
                chars.next().filter(|_| chars.next().is_none())
            }
            _ => None,
        };
        match (char_of(Some(first)), char_of(last)) {
            (Some(a), Some(b)) if a <= b => {
                let regex = self.pool.class([(a, b)]);
                Ok(self.add(Node::Leaf(regex), start..self.at))
            }
            _ => Err(self.error(
                "invalid-range",
                start..self.at,
                "a range goes from one character to a later one",
                "as in \"a\"..\"z\"",
            )),
        }
    }

    /// A string and its flag.
    fn string(&mut self) -> Result<RegexId, Diagnostic> {
        let start = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            let at = self.at;
            let Some(c) = self.peek().filter(|c| *c != '\n') else {
                return Err(self.error(
                    "unclosed",
                    start..start + 1,
                    "this string is not closed",
                    "close it with `\"` on the same line; write `\\n` for a line feed",
                ));
            };
            self.at += c.len_utf8();
            match c {
                '"' => break,
                '\\' => {}
                c => {
                    text.push(c);
                    continue;
                }
            }
            let kind = self.peek().unwrap_or('\n');
            let len = match kind {
                'x' => 2,
                'u' => 4,
                'U' => 8,
                _ => 0,
            };
            if len == 0 {
                let c = match kind {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    'f' => '\u{c}',
                    '\n' => continue,
                    c @ ('"' | '\\') => c,
                    // Any other backslash is one, as in Lark.
                    _ => {
                        text.push('\\');
                        continue;
                    }
                };
                self.at += kind.len_utf8();
                text.push(c);
                continue;
            }
            self.at += 1;
            let code = self
                .rest()
                .get(..len)
                .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
                .and_then(|d| u32::from_str_radix(d, 16).ok());
            let Some(c) = code.and_then(char::from_u32) else {
                return Err(self.error(
                    "invalid-escape",
                    at..self.at,
                    format!("`\\{kind}` wants {len} hexadecimal digits of a character"),
                    "as in \\x7F, \\u00e4 or \\U0001F600",
                ));
            };
            self.at += len;
            text.push(c);
        }
        let flag = self.rest().starts_with('i')
            && !self.rest()[1..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if !flag {
            return Ok(self.pool.bytes(text.into_bytes()));
        }
        self.at += 1;
        let flags = crate::pattern::PatternFlags {
            ignore_case: true,
            ..Default::default()
        };
        crate::pattern::parse_pattern(
            &regex_syntax::escape(&text),
            flags,
            start,
            self.pool,
            self.limits,
        )
    }

    fn regex(&mut self) -> Result<NodeId, Diagnostic> {
        let start = self.at;
        let bytes = self.rest().as_bytes();
        let mut i = 1;
        loop {
            match bytes.get(i) {
                Some(b'\\') => i += 2,
                Some(b'/') => break,
                Some(_) => i += 1,
                None => {
                    return Err(self.error(
                        "unclosed",
                        start..start + 1,
                        "this regex is not closed",
                        "close it with `/`; write `\\/` for a slash inside",
                    ));
                }
            }
        }
        let body = &self.rest()[1..i];
        let rest = &self.rest()[i + 1..];
        let n = rest
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(rest.len());
        let flags = &rest[..n];
        if let Some(bad) = flags.chars().find(|c| !"imsux".contains(*c)) {
            let at = start + i + 1;
            return Err(self.error(
                "invalid-regex",
                at..at + n,
                format!("the flag `{bad}` is not supported"),
                "the flags are i, m, s, u and x",
            ));
        }
        self.at += i + 1 + n;
        let read = python::regex(body, flags, start + 1, self.pool, self.limits)?;
        if read.lazy && read.greedy {
            self.source.note(
                start..self.at,
                "lazy repeats beside greedy ones make no difference: a lexeme is any text that the regex matches",
            );
        }
        let node = self.add(Node::Leaf(read.regex), start..self.at);
        if read.lazy || read.greedy {
            self.source.repeats.insert(node.0, (read.lazy, read.greedy));
        }
        Ok(node)
    }
}

/// Whether a name is that of a terminal: its first letter is a capital.
fn kind_of(name: &str) -> Kind {
    let name = name.rsplit('.').next().unwrap_or(name);
    let capital = name
        .bytes()
        .find(u8::is_ascii_alphabetic)
        .is_some_and(|b| b.is_ascii_uppercase());
    if capital { Kind::Terminal } else { Kind::Rule }
}

/// Runs of word characters and what lies between them.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = None;
    for c in text.chars() {
        let is_word = c.is_alphanumeric() || c == '_';
        match words.last_mut() {
            Some(word) if is_word && last == Some(true) => word.push(c),
            _ => words.push(c.into()),
        }
        last = Some(is_word);
    }
    words
}

/// Names that are declared but not defined.
pub(super) fn undefined_declared<'s>(source: &Source<'s>) -> FxHashSet<&'s str> {
    source
        .declared
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !source.names.contains_key(name))
        .collect()
}
