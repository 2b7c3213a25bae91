//! Reading a pattern: a loop over its characters with a stack of open groups.

use super::class::{CodeSet, DIGIT, LINE_END, SPACE, WORD};
use super::{
    Budget, Frag, Item, MAX_ALTERNATIVES, MAX_LOOK_DEPTH, PatternError, Piece, assertions,
    unsupported,
};
use crate::RegexPool;
use std::rc::Rc;

/// The most copies that a counted repeat may ask for.
const MAX_REPEAT: u32 = u32::MAX / 2;

pub(super) fn parse(
    pool: &mut RegexPool,
    pattern: &str,
    depth: usize,
    budget: &mut Budget,
) -> Result<(Frag, Option<usize>), PatternError> {
    Parser {
        pool,
        text: pattern,
        at: 0,
        depth,
        budget,
        loose: None,
        groups: Vec::new(),
    }
    .run()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Plain,
    Look { behind: bool, negated: bool },
}

/// An open group: the finished branches, and the branch under way as parts plus literal text.
struct Group {
    kind: Kind,
    start: usize,
    branches: Vec<Frag>,
    parts: Vec<Frag>,
    literal: String,
}

impl Group {
    fn new(kind: Kind, start: usize) -> Self {
        Group {
            kind,
            start,
            branches: Vec::new(),
            parts: Vec::new(),
            literal: String::new(),
        }
    }
}

/// One element of a class, or an escape.
enum Atom {
    Char(u32),
    Set(CodeSet),
    Boundary(bool),
}

struct Parser<'p> {
    pool: &'p mut RegexPool,
    text: &'p str,
    at: usize,
    depth: usize,
    budget: &'p mut Budget,
    loose: Option<usize>,
    groups: Vec<Group>,
}

impl Parser<'_> {
    fn run(mut self) -> Result<(Frag, Option<usize>), PatternError> {
        let mut group = Group::new(Kind::Plain, 0);
        while let Some(c) = self.peek() {
            let start = self.at;
            self.at += c.len_utf8();
            match c {
                '|' => self.end_branch(&mut group)?,
                '(' => {
                    let kind = self.group_kind(start)?;
                    if self.groups.len() >= self.depth {
                        return Err(unsupported(
                            start,
                            format!("groups nested more than {} deep", self.depth),
                        ));
                    }
                    self.groups
                        .push(std::mem::replace(&mut group, Group::new(kind, start)));
                }
                ')' => {
                    let Some(outer) = self.groups.pop() else {
                        return Err(self.malformed(start, "a `)` without its `(`"));
                    };
                    let inner = std::mem::replace(&mut group, outer);
                    let (kind, offset) = (inner.kind, inner.start);
                    let frag = self.end_group(inner)?;
                    match kind {
                        Kind::Plain => self.push(&mut group, frag)?,
                        Kind::Look { behind, negated } => {
                            let body = match frag {
                                Frag::Text(piece) => vec![vec![Item::Text(piece)]],
                                Frag::Alts(alternatives) => alternatives,
                            };
                            let inner = body.iter().flatten().map(|i| match i {
                                Item::Look { depth, .. } => *depth,
                                _ => 0,
                            });
                            let depth = 1 + inner.max().unwrap_or(0);
                            if depth > MAX_LOOK_DEPTH {
                                let message =
                                    format!("look-around nested more than {MAX_LOOK_DEPTH} deep");
                                return Err(unsupported(offset, message));
                            }
                            let body = Rc::new(body);
                            self.assert(
                                &mut group,
                                Item::Look {
                                    behind,
                                    negated,
                                    body,
                                    depth,
                                    offset,
                                },
                            )?;
                        }
                    }
                }
                '^' => self.assert(&mut group, Item::Begin)?,
                '$' => self.assert(&mut group, Item::End)?,
                '.' => {
                    let set = CodeSet::of(LINE_END).complement();
                    self.push_set(&mut group, &set)?;
                }
                '[' => {
                    let set = self.class(start)?;
                    self.push_set(&mut group, &set)?;
                }
                '\\' => match self.escape(start, false)? {
                    Atom::Char(code) => match char::from_u32(code) {
                        Some(c) => self.push_char(&mut group, c)?,
                        // A lone surrogate is no character of any text.
                        None => self.push_set(&mut group, &CodeSet::default())?,
                    },
                    Atom::Set(set) => self.push_set(&mut group, &set)?,
                    Atom::Boundary(negated) => {
                        self.assert(
                            &mut group,
                            Item::Boundary {
                                negated,
                                offset: start,
                            },
                        )?;
                    }
                },
                '*' | '+' | '?' => {
                    return Err(self.malformed(start, format!("nothing before `{c}` to repeat")));
                }
                '{' => {
                    self.at = start;
                    if self.quantifier()?.is_some() {
                        return Err(self.malformed(start, "nothing before `{` to repeat"));
                    }
                    self.at = start + 1;
                    self.loosen(start);
                    self.push_char(&mut group, '{')?;
                }
                '}' | ']' => {
                    self.loosen(start);
                    self.push_char(&mut group, c)?;
                }
                c => self.push_char(&mut group, c)?,
            }
        }
        if !self.groups.is_empty() {
            return Err(self.malformed(group.start, "the group is not closed"));
        }
        let frag = self.end_group(group)?;
        Ok((frag, self.loose))
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn eat(&mut self, prefix: &str) -> bool {
        let found = self.text[self.at..].starts_with(prefix);
        if found {
            self.at += prefix.len();
        }
        found
    }

    fn malformed(&self, offset: usize, message: impl Into<String>) -> PatternError {
        PatternError {
            offset,
            unsupported: false,
            message: message.into(),
        }
    }

    fn loosen(&mut self, offset: usize) {
        self.loose.get_or_insert(offset);
    }

    fn group_kind(&mut self, start: usize) -> Result<Kind, PatternError> {
        if !self.eat("?") {
            return Ok(Kind::Plain);
        }
        for (prefix, behind, negated) in [
            ("=", false, false),
            ("!", false, true),
            ("<=", true, false),
            ("<!", true, true),
        ] {
            if self.eat(prefix) {
                return Ok(Kind::Look { behind, negated });
            }
        }
        if self.eat(":") {
            return Ok(Kind::Plain);
        }
        if self.eat("<") || self.text[self.at..].starts_with("P<") {
            if self.eat("P<") {
                self.loosen(start);
            }
            let end = self.text[self.at..].find('>').map(|i| self.at + i);
            let name = end.map(|end| &self.text[self.at..end]).filter(|name| {
                let mut chars = name.chars();
                chars
                    .next()
                    .is_some_and(|c| c.is_alphabetic() || c == '_' || c == '$')
                    && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '$')
            });
            let (Some(_), Some(end)) = (name, end) else {
                return Err(self.malformed(start, "a group needs a name between `<` and `>`"));
            };
            self.at = end + 1;
            return Ok(Kind::Plain);
        }
        Err(self.malformed(
            start,
            "unknown kind of group; ECMA-262 has no inline flags or atomic groups",
        ))
    }

    /// `* + ?` or a counted repeat at the current place.
    fn quantifier(&mut self) -> Result<Option<(u32, Option<u32>)>, PatternError> {
        let start = self.at;
        let range = match self.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => {
                let Some(end) = self.text[start..].find('}').map(|i| start + i) else {
                    return Ok(None);
                };
                let body = &self.text[start + 1..end];
                let (low, high) = match body.split_once(',') {
                    None => (body, Some(body)),
                    Some((low, "")) => (low, None),
                    Some((low, high)) => (low, Some(high)),
                };
                let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
                if !digits(low) || !high.is_none_or(digits) {
                    return Ok(None);
                }
                let number = |s: &str| {
                    s.parse::<u32>()
                        .ok()
                        .filter(|n| *n <= MAX_REPEAT)
                        .ok_or_else(|| unsupported(start, format!("more than {MAX_REPEAT} copies")))
                };
                let (low, high) = (number(low)?, high.map(number).transpose()?);
                if high.is_some_and(|high| high < low) {
                    return Err(self.malformed(start, "the numbers of the repeat are out of order"));
                }
                self.at = end;
                (low, high)
            }
            _ => return Ok(None),
        };
        self.at += 1;
        // Lazy or greedy makes no difference to which texts match.
        self.eat("?");
        if let Some('*' | '+' | '?') = self.peek() {
            return Err(self.malformed(self.at, "a repeat may not follow a repeat"));
        }
        Ok(Some(range))
    }

    fn push_char(&mut self, group: &mut Group, c: char) -> Result<(), PatternError> {
        if let Some('*' | '+' | '?' | '{') = self.peek()
            && let Some((min, max)) = self.quantifier()?
        {
            self.flush(group);
            let regex = self.pool.bytes(c.encode_utf8(&mut [0; 4]).as_bytes());
            let piece = self.repeat(
                Piece {
                    regex,
                    min: 1,
                    max: Some(1),
                },
                min,
                max,
            );
            group.parts.push(Frag::Text(piece));
        } else {
            group.literal.push(c);
        }
        Ok(())
    }

    fn push_set(&mut self, group: &mut Group, set: &CodeSet) -> Result<(), PatternError> {
        let regex = self.pool.class(set.chars());
        self.push(
            group,
            Frag::Text(Piece {
                regex,
                min: 1,
                max: Some(1),
            }),
        )
    }

    /// Adds a finished atom and the quantifier behind it.
    fn push(&mut self, group: &mut Group, frag: Frag) -> Result<(), PatternError> {
        self.flush(group);
        let start = self.at;
        let frag = match (self.quantifier()?, frag) {
            (None, frag) => frag,
            (Some((min, max)), Frag::Text(piece)) => Frag::Text(self.repeat(piece, min, max)),
            (Some((min, max)), Frag::Alts(alternatives)) => {
                assertions::repeat(self.pool, alternatives, min, max, start, self.budget)?
            }
        };
        group.parts.push(frag);
        Ok(())
    }

    fn assert(&mut self, group: &mut Group, item: Item) -> Result<(), PatternError> {
        self.flush(group);
        if let Some('*' | '+' | '?') = self.peek() {
            return Err(self.malformed(self.at, "an assertion may not be repeated"));
        }
        group.parts.push(Frag::Alts(vec![vec![item]]));
        Ok(())
    }

    fn repeat(&mut self, piece: Piece, min: u32, max: Option<u32>) -> Piece {
        Piece {
            regex: self.pool.repeat(piece.regex, min, max),
            min: piece.min.saturating_mul(min),
            max: match (piece.max, max) {
                (Some(a), Some(b)) => a.checked_mul(b),
                (Some(0), None) | (None, Some(0)) => Some(0),
                _ => None,
            },
        }
    }

    fn flush(&mut self, group: &mut Group) {
        if !group.literal.is_empty() {
            let text = std::mem::take(&mut group.literal);
            let len = u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
            let regex = self.pool.bytes(text.into_bytes());
            group.parts.push(Frag::Text(Piece {
                regex,
                min: len,
                max: Some(len),
            }));
        }
    }

    fn end_branch(&mut self, group: &mut Group) -> Result<(), PatternError> {
        self.flush(group);
        let parts = std::mem::take(&mut group.parts);
        let branch = if parts.iter().all(|p| matches!(p, Frag::Text(_))) {
            let pieces = parts.iter().filter_map(|p| match p {
                Frag::Text(piece) => Some(*piece),
                Frag::Alts(_) => None,
            });
            Frag::Text(assertions::concat(self.pool, pieces))
        } else {
            let mut sequences: Vec<Vec<Item>> = vec![Vec::new()];
            // Neighbouring texts are one item.
            let mut texts: Vec<Piece> = Vec::new();
            let mut parts = parts.into_iter().peekable();
            while let Some(part) = parts.next() {
                match part {
                    Frag::Text(piece) => {
                        texts.push(piece);
                        if !matches!(parts.peek(), Some(Frag::Text(_))) {
                            let text = assertions::concat(self.pool, texts.drain(..));
                            self.budget.spend(sequences.len(), group.start)?;
                            sequences.iter_mut().for_each(|s| s.push(Item::Text(text)));
                        }
                    }
                    Frag::Alts(alternatives) => {
                        if sequences.len() * alternatives.len() > MAX_ALTERNATIVES {
                            return Err(unsupported(
                                group.start,
                                "too many alternatives with assertions in them",
                            ));
                        }
                        let mut longer = Vec::with_capacity(sequences.len() * alternatives.len());
                        for s in &sequences {
                            for a in &alternatives {
                                self.budget.spend(s.len() + a.len(), group.start)?;
                                longer.push(s.iter().chain(a).cloned().collect());
                            }
                        }
                        sequences = longer;
                    }
                }
            }
            Frag::Alts(sequences)
        };
        group.branches.push(branch);
        Ok(())
    }

    fn end_group(&mut self, mut group: Group) -> Result<Frag, PatternError> {
        self.end_branch(&mut group)?;
        if group.branches.len() == 1
            && let Some(only) = group.branches.pop()
        {
            return Ok(only);
        }
        if group.branches.iter().all(|b| matches!(b, Frag::Text(_))) {
            let pieces: Vec<Piece> = group
                .branches
                .iter()
                .filter_map(|b| match b {
                    Frag::Text(piece) => Some(*piece),
                    Frag::Alts(_) => None,
                })
                .collect();
            return Ok(Frag::Text(assertions::alternate(self.pool, &pieces)));
        }
        let mut all = Vec::new();
        for branch in group.branches {
            match branch {
                Frag::Text(piece) => all.push(vec![Item::Text(piece)]),
                Frag::Alts(alternatives) => all.extend(alternatives),
            }
        }
        if all.len() > MAX_ALTERNATIVES {
            return Err(unsupported(
                group.start,
                "too many alternatives with assertions in them",
            ));
        }
        Ok(Frag::Alts(all))
    }

    fn hex(&mut self, start: usize, len: usize) -> Result<u32, PatternError> {
        let digits = self
            .text
            .as_bytes()
            .get(self.at..self.at + len)
            .filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let Some(digits) = digits else {
            return Err(self.malformed(start, format!("the escape needs {len} hexadecimal digits")));
        };
        self.at += len;
        Ok(digits
            .iter()
            .fold(0, |n, d| n * 16 + (*d as char).to_digit(16).unwrap_or(0)))
    }

    /// What stands behind a backslash at `start`.
    fn escape(&mut self, start: usize, in_class: bool) -> Result<Atom, PatternError> {
        let Some(c) = self.peek() else {
            return Err(self.malformed(start, "the pattern ends in a backslash"));
        };
        self.at += c.len_utf8();
        let set = |ranges: &[(u32, u32)], negated: bool| {
            let set = CodeSet::of(ranges);
            Atom::Set(if negated { set.complement() } else { set })
        };
        Ok(match c {
            'd' | 'D' => set(DIGIT, c == 'D'),
            'w' | 'W' => set(WORD, c == 'W'),
            's' | 'S' => set(SPACE, c == 'S'),
            'b' if in_class => Atom::Char(8),
            'b' | 'B' if !in_class => Atom::Boundary(c == 'B'),
            't' => Atom::Char(9),
            'n' => Atom::Char(10),
            'v' => Atom::Char(11),
            'f' => Atom::Char(12),
            'r' => Atom::Char(13),
            'c' => match self.peek() {
                Some(letter) if letter.is_ascii_alphabetic() => {
                    self.at += 1;
                    Atom::Char(letter as u32 % 32)
                }
                _ => return Err(self.malformed(start, "`\\c` needs a letter")),
            },
            '0' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => Atom::Char(0),
            '0' => return Err(self.malformed(start, "octal escapes are not allowed")),
            '1'..='9' | 'k' if !in_class => {
                return Err(unsupported(
                    start,
                    "a back-reference is no regular expression",
                ));
            }
            'x' => Atom::Char(self.hex(start, 2)?),
            'u' if self.eat("{") => {
                let end = self.text[self.at..].find('}').map(|i| self.at + i);
                let code = end
                    .map(|end| &self.text[self.at..end])
                    .filter(|s| !s.is_empty() && s.bytes().all(|b| b.is_ascii_hexdigit()))
                    .and_then(|s| u32::from_str_radix(s, 16).ok())
                    .filter(|code| *code <= 0x10ffff);
                match (code, end) {
                    (Some(code), Some(end)) => {
                        self.at = end + 1;
                        Atom::Char(code)
                    }
                    _ => return Err(self.malformed(start, "`\\u{` needs a code point and `}`")),
                }
            }
            'u' => {
                let high = self.hex(start, 4)?;
                let back = self.at;
                if (0xd800..0xdc00).contains(&high) && self.eat("\\u") {
                    match self.hex(start, 4) {
                        Ok(low @ 0xdc00..=0xdfff) => {
                            return Ok(Atom::Char(
                                0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00),
                            ));
                        }
                        _ => self.at = back,
                    }
                }
                Atom::Char(high)
            }
            'p' | 'P' => {
                let end = self.text[self.at..].find('}').map(|i| self.at + i);
                let name = end
                    .filter(|_| self.text[self.at..].starts_with('{'))
                    .map(|end| &self.text[self.at + 1..end]);
                let (Some(name), Some(end)) = (name, end) else {
                    return Err(
                        self.malformed(start, format!("`\\{c}` needs a property in braces"))
                    );
                };
                let Some(found) = CodeSet::property(name) else {
                    return Err(self.malformed(start, format!("unknown Unicode property `{name}`")));
                };
                self.at = end + 1;
                Atom::Set(if c == 'P' { found.complement() } else { found })
            }
            '^' | '$' | '\\' | '.' | '*' | '+' | '?' | '(' | ')' | '[' | ']' | '{' | '}' | '|'
            | '/' => Atom::Char(c as u32),
            '-' if in_class => Atom::Char(c as u32),
            c if !c.is_alphanumeric() => {
                self.loosen(start);
                Atom::Char(c as u32)
            }
            c => return Err(self.malformed(start, format!("unknown escape `\\{c}`"))),
        })
    }

    /// A class, from behind its `[` at `start` to its `]`.
    fn class(&mut self, start: usize) -> Result<CodeSet, PatternError> {
        let negated = self.eat("^");
        let mut set = CodeSet::default();
        // The start of a range that a `-` may still continue.
        let mut low: Option<u32> = None;
        let mut after_set = false;
        loop {
            let at = self.at;
            let Some(c) = self.peek() else {
                return Err(self.malformed(start, "the class is not closed"));
            };
            self.at += c.len_utf8();
            if c == ']' {
                break;
            }
            if c == '-'
                && let Some(from) = low
                && !self.text[self.at..].starts_with(']')
            {
                let next = self.at;
                match self.class_atom()? {
                    Atom::Char(to) if to >= from => set.0.push((from, to)),
                    Atom::Char(_) => {
                        return Err(self.malformed(at, "the ends of the range are out of order"));
                    }
                    // `[\w-\d]`: no range, so the dash is one; `u` forbids it.
                    Atom::Set(other) => {
                        self.loosen(next);
                        set.0.push((0x2d, 0x2d));
                        set.0.extend(other.0);
                    }
                    Atom::Boundary(_) => {
                        return Err(self.malformed(next, "unknown escape in a class"));
                    }
                }
                low = None;
                continue;
            }
            // `[\w-.]`: no range either.
            if c == '-' && after_set && !self.text[self.at..].starts_with(']') {
                self.loosen(at);
            }
            after_set = false;
            self.at = at;
            match self.class_atom()? {
                Atom::Char(code) => {
                    set.0.push((code, code));
                    low = Some(code);
                }
                Atom::Set(other) => {
                    set.0.extend(other.0);
                    after_set = true;
                    low = None;
                }
                Atom::Boundary(_) => return Err(self.malformed(at, "unknown escape in a class")),
            }
        }
        Ok(if negated { set.complement() } else { set })
    }

    fn class_atom(&mut self) -> Result<Atom, PatternError> {
        let start = self.at;
        match self.peek() {
            Some('\\') => {
                self.at += 1;
                self.escape(start, true)
            }
            Some(c) => {
                self.at += c.len_utf8();
                Ok(Atom::Char(c as u32))
            }
            None => Err(self.malformed(start, "the class is not closed")),
        }
    }
}
