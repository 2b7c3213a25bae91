//! The leaves of a right side: tokens, embedded sources, strings, ranges, regexes.

use super::super::python;
use super::{Reader, words};
use crate::notation::ast::{Node, NodeId};
use crate::notation::tokens;
use crate::{Diagnostic, RegexId, RegexNode};

impl<'s> Reader<'s, '_> {
    pub(super) fn token(&mut self) -> Result<NodeId, Diagnostic> {
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
    pub(super) fn embedded(&mut self) -> Result<NodeId, Diagnostic> {
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

    pub(super) fn string_or_range(&mut self) -> Result<NodeId, Diagnostic> {
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
    pub(super) fn string(&mut self) -> Result<RegexId, Diagnostic> {
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

    pub(super) fn regex(&mut self) -> Result<NodeId, Diagnostic> {
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
