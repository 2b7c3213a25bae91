//! Text → definitions.
//!
//! A definition ends with its line unless the next line begins with `|`; inside brackets a line may
//! end anywhere. Each right side owns the nodes `first ..= root` of the arena, children first.

mod body;
mod leaves;

use super::super::ast::{Kind, Node, NodeId};
use super::{Body, Definition, Source, library, node_id};
use crate::{Diagnostic, Place, RegexPool};
use maskwright_tables::Limits;
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
