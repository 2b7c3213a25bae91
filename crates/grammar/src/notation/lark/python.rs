//! Regexes of Python's `re` → regex nodes.
//!
//! The pattern is rewritten, character by character, into the Rust dialect; one that looks around or
//! asks for word boundaries into ECMA-262 without classes of its own (every set is written out),
//! whose front end knows assertions as intersections and complements. In both cases the regex has to
//! match a whole lexeme, and its assertions see the lexeme only.

use crate::pattern::{PatternFlags, parse_ecma, parse_pattern};
use crate::{Diagnostic, Place, RegexId, RegexPool};
use maskwright_tables::Limits;
use regex_syntax::hir::{Class, Hir, HirKind};
use std::fmt::Write;

/// A regex, read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) regex: RegexId,
    /// Whether some unbounded repeat is lazy, and whether some is greedy.
    pub(super) lazy: bool,
    pub(super) greedy: bool,
}

/// The regex between the slashes of `/body/flags`, which begins at `offset` in the source.
pub(super) fn regex(
    body: &str,
    flags: &str,
    offset: usize,
    pool: &mut RegexPool,
    limits: &Limits,
) -> Result<Read, Diagnostic> {
    let place = Place::span(offset..offset + body.len());
    let mut rewriter = Rewriter {
        body,
        offset,
        at: 0,
        out: String::with_capacity(body.len() + 16),
        ignore_case: flags.contains('i'),
        dot_all: flags.contains('s'),
        verbose: flags.contains('x'),
        ecma: looks(body),
        lazy: false,
        greedy: false,
    };
    if flags.contains('m') {
        rewriter.out.push_str("(?m)");
    }
    rewriter.run()?;
    let (out, ecma) = (rewriter.out, rewriter.ecma);
    let regex = if ecma {
        // The rewritten pattern has other offsets.
        parse_ecma(&out, 0, pool, limits).map_err(|mut e| {
            e.place = place.clone();
            e.with_help("say what must match with `&` and `~` on terminals")
        })?
    } else {
        let flags = PatternFlags {
            ignore_case: rewriter.ignore_case,
            dot_all: rewriter.dot_all,
            verbose: false,
        };
        parse_pattern(&out, flags, offset, pool, limits).map_err(|mut e| {
            // The rewritten pattern has other offsets.
            e.place = place.clone();
            e
        })?
    };
    Ok(Read {
        regex,
        lazy: rewriter.lazy,
        greedy: rewriter.greedy,
    })
}

/// Whether the pattern has assertions beyond `^` and `$`.
fn looks(body: &str) -> bool {
    let bytes = body.as_bytes();
    let mut i = 0;
    let mut class = false;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' => {
                if !class && matches!(bytes.get(i + 1), Some(b'b' | b'B')) {
                    return true;
                }
                i += 1;
            }
            b'[' if !class => {
                class = true;
                // A bracket that comes first is a member.
                if bytes.get(i + 1) == Some(&b'^') {
                    i += 1;
                }
                if bytes.get(i + 1) == Some(&b']') {
                    i += 1;
                }
            }
            b']' => class = false,
            b'(' if !class => {
                let rest = &bytes[i + 1..];
                if [&b"?="[..], b"?!", b"?<=", b"?<!"]
                    .iter()
                    .any(|p| rest.starts_with(p))
                {
                    return true;
                }
            }
            _ => {}
        }
        i += 1;
    }
    false
}

struct Rewriter<'s> {
    body: &'s str,
    offset: usize,
    at: usize,
    out: String,
    ignore_case: bool,
    dot_all: bool,
    verbose: bool,
    ecma: bool,
    lazy: bool,
    greedy: bool,
}

impl<'s> Rewriter<'s> {
    fn rest(&self) -> &'s str {
        &self.body[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn fault(&self, code: &'static str, from: usize, message: impl Into<String>) -> Diagnostic {
        let place = Place::span(self.offset + from..self.offset + self.at.max(from));
        Diagnostic::new(code, message, place)
    }

    fn back_reference(&self, from: usize) -> Diagnostic {
        let message = "back-references are no regular expressions";
        self.fault("unsupported-regex", from, message)
            .with_help("write the possible texts out")
    }

    fn run(&mut self) -> Result<(), Diagnostic> {
        while let Some(c) = self.peek() {
            let from = self.at;
            self.at += c.len_utf8();
            match c {
                '\\' => self.escape(from)?,
                '[' => self.class(from)?,
                '(' => self.group(from)?,
                ')' | '|' => self.out.push(c),
                '^' | '$' => self.out.push(c),
                '.' => {
                    let any = if self.ecma {
                        if self.dot_all { "[^]" } else { "[^\\n]" }
                    } else {
                        "."
                    };
                    self.out.push_str(any);
                }
                '*' | '+' | '?' => {
                    self.out.push(c);
                    self.quantified(from, c != '?')?;
                }
                '{' => self.braces(from)?,
                c if self.verbose && c.is_ascii_whitespace() => {}
                '#' if self.verbose => {
                    let rest = self.rest();
                    self.at += rest.find('\n').unwrap_or(rest.len());
                }
                c => self.char(c as u32, from)?,
            }
        }
        Ok(())
    }

    /// What may follow a quantifier: `?` (lazy) or `+` (possessive).
    fn quantified(&mut self, from: usize, unbounded: bool) -> Result<(), Diagnostic> {
        match self.peek() {
            Some('?') => {
                self.at += 1;
                self.lazy |= unbounded;
            }
            Some('+') => {
                self.at += 1;
                return Err(self
                    .fault(
                        "unsupported-regex",
                        from,
                        "possessive repeats are not supported",
                    )
                    .with_help("a lexeme is any text that the regex matches: drop the `+`"));
            }
            _ => self.greedy |= unbounded,
        }
        Ok(())
    }

    fn braces(&mut self, from: usize) -> Result<(), Diagnostic> {
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        let inner = self.rest().find('}').map(|end| &self.rest()[..end]);
        let bounds = inner.and_then(|inner| {
            let (low, high) = inner
                .split_once(',')
                .map_or((inner, None), |(l, h)| (l, Some(h)));
            (digits(low) && high.is_none_or(digits) && !inner.is_empty())
                .then_some((inner, low, high))
        });
        let Some((inner, low, high)) = bounds else {
            return self.char('{' as u32, from);
        };
        self.at += inner.len() + 1;
        let low = if low.is_empty() { "0" } else { low };
        let unbounded = match high {
            None => {
                let _ = write!(self.out, "{{{low}}}");
                false
            }
            Some("") => {
                let _ = write!(self.out, "{{{low},}}");
                true
            }
            Some(high) => {
                let _ = write!(self.out, "{{{low},{high}}}");
                false
            }
        };
        self.quantified(from, unbounded)
    }

    fn group(&mut self, from: usize) -> Result<(), Diagnostic> {
        let rest = self.rest();
        let Some(kind) = rest.strip_prefix('?') else {
            self.out.push('(');
            return Ok(());
        };
        if kind.starts_with('#') {
            self.at += rest.find(')').map_or(rest.len(), |end| end + 1);
            return Ok(());
        }
        if let Some(name) = kind.strip_prefix("P<").or_else(|| {
            kind.strip_prefix('<')
                .filter(|k| !k.starts_with(['=', '!']))
        }) {
            let Some(end) = name.find('>') else {
                return Err(self.fault(
                    "invalid-regex",
                    from,
                    "the name of the group is not closed",
                ));
            };
            self.at += rest.len() - name.len() + end + 1;
            self.out.push_str("(?:");
            return Ok(());
        }
        for look in ["=", "!", "<=", "<!"] {
            if kind.starts_with(look) {
                return self.look(from, look);
            }
        }
        if kind.starts_with(':') {
            self.at += 2;
            self.out.push_str("(?:");
            return Ok(());
        }
        if kind.starts_with("P=") || kind.starts_with('(') {
            self.at += 2;
            return Err(self.back_reference(from));
        }
        // Inline flags.
        let end = kind.find([':', ')']);
        let letters = end.map(|end| &kind[..end]);
        let known = |s: &str| s.chars().all(|c| "aiLmsux-".contains(c));
        let (Some(letters), Some(end)) = (letters.filter(|l| known(l)), end) else {
            return Err(self
                .fault(
                    "unsupported-regex",
                    from,
                    "this kind of group is not supported",
                )
                .with_help("the kinds are (…) (?:…) (?P<name>…) (?flags:…) and look-around"));
        };
        let scoped = kind[end..].starts_with(':');
        self.at += 1 + end + 1;
        let kept: String = letters.chars().filter(|c| !"aLux".contains(*c)).collect();
        if letters.contains('x') {
            self.verbose = true;
        }
        if self.ecma {
            if scoped || letters.contains('-') {
                return Err(self.fault(
                    "unsupported-regex",
                    from,
                    "flags for a group together with look-around are not supported",
                ));
            }
            self.ignore_case |= letters.contains('i');
            self.dot_all |= letters.contains('s');
            return Ok(());
        }
        if !scoped && (kept.is_empty() || kept == "-") {
            return Ok(());
        }
        let kept = kept.trim_end_matches('-');
        let _ = write!(self.out, "(?{kept}{}", if scoped { ':' } else { ')' });
        Ok(())
    }

    /// Look-around. At an edge of the regex it would speak about the lexeme's neighbours, which
    /// nobody sees.
    fn look(&mut self, from: usize, kind: &str) -> Result<(), Diagnostic> {
        self.at += 1 + kind.len();
        let behind = kind.starts_with('<');
        let at_edge = if behind {
            from == 0
        } else {
            self.close().is_none_or(|rest| rest.is_empty())
        };
        if at_edge {
            return Err(self.at_edge(from));
        }
        let _ = write!(self.out, "(?{kind}");
        Ok(())
    }

    /// What follows the group that has just been opened.
    fn close(&self) -> Option<&'s str> {
        let rest = self.rest();
        let (mut depth, mut class, mut escaped) = (1usize, false, false);
        for (i, c) in rest.char_indices() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '[' => class = true,
                ']' => class = false,
                '(' if !class => depth += 1,
                ')' if !class => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(&rest[i + 1..]);
                    }
                }
                _ => {}
            }
        }
        None
    }

    fn at_edge(&self, from: usize) -> Diagnostic {
        self.fault(
            "assertion-at-edge",
            from,
            "an assertion at the edge of a terminal speaks about what stands beside the lexeme",
        )
        .with_help("a terminal decides by its own text: leave the assertion out, or take texts out of a terminal with `& ~(…)`")
    }

    fn escape(&mut self, from: usize) -> Result<(), Diagnostic> {
        let Some(c) = self.peek() else {
            return Err(self.fault("invalid-regex", from, "the regex ends in a backslash"));
        };
        self.at += c.len_utf8();
        match c {
            'A' => self.out.push('^'),
            'Z' => self.out.push('$'),
            'b' | 'B' => {
                if from == 0 || self.rest().is_empty() {
                    return Err(self.at_edge(from));
                }
                self.out.push('\\');
                self.out.push(c);
            }
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                let atom = format!("\\{c}");
                self.set(&atom, from)?;
            }
            'p' | 'P' => {
                let atom = self.property(from)?;
                self.set(&atom, from)?;
            }
            _ => {
                let code = self.code(c, from)?;
                self.char(code, from)?;
            }
        }
        Ok(())
    }

    /// `\p{…}` whose letter has just been read.
    fn property(&mut self, from: usize) -> Result<String, Diagnostic> {
        let rest = self.rest();
        let end = if rest.starts_with('{') {
            rest.find('}').map(|end| end + 1)
        } else {
            rest.chars().next().map(char::len_utf8)
        };
        let Some(end) = end else {
            return Err(self.fault("invalid-regex", from, "`\\p` without a property"));
        };
        self.at += end;
        Ok(self.body[from..self.at].to_owned())
    }

    /// The character of an escape whose letter `c` has just been read.
    fn code(&mut self, c: char, from: usize) -> Result<u32, Diagnostic> {
        let rest = self.rest();
        let hex = |digits: &str| {
            Some(digits)
                .filter(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_hexdigit()))
                .and_then(|d| u32::from_str_radix(d, 16).ok())
        };
        let len = match c {
            'a' => return Ok(7),
            'f' => return Ok(12),
            'n' => return Ok(10),
            'r' => return Ok(13),
            't' => return Ok(9),
            'v' => return Ok(11),
            'x' | 'u' if rest.starts_with('{') => {
                let end = rest.find('}').unwrap_or(rest.len());
                let code = rest.get(1..end).and_then(hex);
                self.at += (end + 1).min(rest.len());
                return code.ok_or_else(|| {
                    self.fault(
                        "invalid-regex",
                        from,
                        "`\\x{` wants hexadecimal digits and `}`",
                    )
                });
            }
            'x' => 2,
            'u' => 4,
            'U' => 8,
            '0'..='7' => {
                let more = rest
                    .bytes()
                    .take(2)
                    .take_while(|b| (b'0'..=b'7').contains(b))
                    .count();
                if c != '0' && more < 2 {
                    return Err(self.back_reference(from));
                }
                self.at += more;
                let digits = &self.body[from + 1..self.at];
                return u32::from_str_radix(digits, 8)
                    .map_err(|_| self.fault("invalid-regex", from, "this is no octal number"));
            }
            '8' | '9' => {
                return Err(self.back_reference(from));
            }
            c if c.is_ascii_alphabetic() => {
                return Err(self.fault(
                    "invalid-regex",
                    from,
                    format!("there is no escape `\\{c}`"),
                ));
            }
            c => return Ok(c as u32),
        };
        let Some(code) = rest.get(..len).and_then(hex) else {
            let message = format!("`\\{c}` wants {len} hexadecimal digits");
            return Err(self.fault("invalid-regex", from, message));
        };
        self.at += len;
        Ok(code)
    }

    fn char(&mut self, code: u32, from: usize) -> Result<(), Diagnostic> {
        let Some(c) = char::from_u32(code) else {
            return Err(self.fault("invalid-regex", from, "this is no Unicode character"));
        };
        let atom = format!("\\x{{{code:X}}}");
        if self.ecma {
            if self.ignore_case {
                return self.set(&atom, from);
            }
            let _ = write!(self.out, "\\u{{{code:x}}}");
        } else if c.is_alphanumeric() {
            self.out.push(c);
        } else {
            self.out.push_str(&atom);
        }
        Ok(())
    }

    /// Adds a set that is written in the Rust dialect.
    fn set(&mut self, atom: &str, from: usize) -> Result<(), Diagnostic> {
        if !self.ecma {
            self.out.push_str(atom);
            return Ok(());
        }
        let hir = regex_syntax::ParserBuilder::new()
            .case_insensitive(self.ignore_case)
            .build()
            .parse(atom)
            .map_err(|e| self.fault("invalid-regex", from, first_line(&e)))?;
        self.out.push('[');
        for (a, b) in ranges(&hir) {
            let _ = write!(self.out, "\\u{{{a:x}}}-\\u{{{b:x}}}");
        }
        self.out.push(']');
        Ok(())
    }

    /// A class, from behind its `[` at `from`: only `\`, `]`, `^` and `-` are special in it.
    fn class(&mut self, from: usize) -> Result<(), Diagnostic> {
        let mut atom = String::from("[");
        if self.rest().starts_with('^') {
            self.at += 1;
            atom.push('^');
        }
        let mut first = true;
        // The start of a range that a `-` may still continue.
        let mut low: Option<u32> = None;
        loop {
            let at = self.at;
            let Some(c) = self.peek() else {
                return Err(self.fault("invalid-regex", from, "the class is not closed"));
            };
            self.at += c.len_utf8();
            if c == ']' && !first {
                break;
            }
            first = false;
            if c == '-'
                && let Some(start) = low.take()
                && !self.rest().starts_with(']')
            {
                match self.member(&mut atom)? {
                    Some(end) if end >= start => {
                        let _ = write!(atom, "\\x{{{start:X}}}-\\x{{{end:X}}}");
                    }
                    _ => {
                        let message = "the ends of the range are out of order, or no characters";
                        return Err(self.fault("invalid-regex", at, message));
                    }
                }
                continue;
            }
            if let Some(c) = low.take() {
                let _ = write!(atom, "\\x{{{c:X}}}");
            }
            self.at = at;
            low = self.member(&mut atom)?;
            // `a-` before the end of the class is read as two members above.
            if let Some(c) = low
                && self.rest().starts_with("-]")
            {
                let _ = write!(atom, "\\x{{{c:X}}}");
                low = None;
            }
        }
        if let Some(c) = low {
            let _ = write!(atom, "\\x{{{c:X}}}");
        }
        atom.push(']');
        self.set(&atom, from)
    }

    /// A member of a class: a character, or a set that is added at once.
    fn member(&mut self, atom: &mut String) -> Result<Option<u32>, Diagnostic> {
        let from = self.at;
        let Some(c) = self.peek() else {
            return Err(self.fault("invalid-regex", from, "the class is not closed"));
        };
        self.at += c.len_utf8();
        if c != '\\' {
            return Ok(Some(c as u32));
        }
        let Some(c) = self.peek() else {
            return Err(self.fault("invalid-regex", from, "the regex ends in a backslash"));
        };
        self.at += c.len_utf8();
        match c {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                atom.push('\\');
                atom.push(c);
                Ok(None)
            }
            'p' | 'P' => {
                let property = self.property(from)?;
                atom.push_str(&property);
                Ok(None)
            }
            'b' => Ok(Some(8)),
            c => self.code(c, from).map(Some),
        }
    }
}

/// The first line of an error of `regex-syntax` that is not a picture.
fn first_line(error: &regex_syntax::Error) -> String {
    match error {
        regex_syntax::Error::Parse(e) => e.kind().to_string(),
        regex_syntax::Error::Translate(e) => e.kind().to_string(),
        other => other.to_string(),
    }
}

/// The characters of a set.
fn ranges(hir: &Hir) -> Vec<(u32, u32)> {
    match hir.kind() {
        HirKind::Class(Class::Unicode(class)) => class
            .iter()
            .map(|r| (r.start() as u32, r.end() as u32))
            .collect(),
        HirKind::Class(Class::Bytes(class)) => class
            .iter()
            .map(|r| (u32::from(r.start()), u32::from(r.end())))
            .collect(),
        HirKind::Literal(text) => std::str::from_utf8(&text.0)
            .iter()
            .flat_map(|t| t.chars())
            .map(|c| (c as u32, c as u32))
            .collect(),
        _ => Vec::new(),
    }
}
