//! A slow, direct reading of a lowered [`Schema`]: does a document match it?
//!
//! Shares nothing with the automata: regexes are matched by computing, for each node and start, the
//! set of ends. Used to compare the lowering with what test suites say about documents.

use maskwright_grammar::json_schema::json::{Document, Json, ValueId};
use maskwright_grammar::json_schema::{Decimal, Node, NodeId, Schema, Types};
use maskwright_grammar::{RegexId, RegexNode, RegexPool};
use std::collections::HashMap;
use std::rc::Rc;

/// Whether the whole text matches.
pub fn regex_matches(pool: &RegexPool, id: RegexId, text: &str) -> bool {
    let mut m = Ends {
        pool,
        text,
        memo: HashMap::new(),
    };
    m.ends(id, 0)[text.len()]
}

struct Ends<'p> {
    pool: &'p RegexPool,
    text: &'p str,
    memo: HashMap<(RegexId, usize), Rc<Vec<bool>>>,
}

impl Ends<'_> {
    /// `out[j]`: the node matches `text[from..j]`.
    fn ends(&mut self, id: RegexId, from: usize) -> Rc<Vec<bool>> {
        if let Some(known) = self.memo.get(&(id, from)) {
            return known.clone();
        }
        let len = self.text.len();
        let mut out = vec![false; len + 1];
        let rest = &self.text[from..];
        match self.pool.node(id) {
            RegexNode::Never => {}
            RegexNode::Empty => out[from] = true,
            RegexNode::Bytes(b) => {
                if rest.as_bytes().starts_with(b) {
                    out[from + b.len()] = true;
                }
            }
            RegexNode::Class(ranges) => {
                if let Some(c) = rest.chars().next()
                    && ranges.iter().any(|(a, b)| *a <= c && c <= *b)
                {
                    out[from + c.len_utf8()] = true;
                }
            }
            RegexNode::Literals(all) => {
                for b in all {
                    if rest.as_bytes().starts_with(b) {
                        out[from + b.len()] = true;
                    }
                }
            }
            RegexNode::Concat(parts) => {
                let mut now = vec![false; len + 1];
                now[from] = true;
                for part in parts.clone() {
                    now = self.step(part, &now);
                }
                out = now;
            }
            RegexNode::Alt(parts) => {
                for part in parts.clone() {
                    let ends = self.ends(part, from);
                    out.iter_mut().zip(ends.iter()).for_each(|(o, e)| *o |= e);
                }
            }
            RegexNode::And(parts) => {
                out = vec![true; len + 1];
                for part in parts.clone() {
                    let ends = self.ends(part, from);
                    out.iter_mut().zip(ends.iter()).for_each(|(o, e)| *o &= e);
                }
            }
            RegexNode::Not(inner) => {
                let ends = self.ends(*inner, from);
                for (j, o) in out.iter_mut().enumerate().skip(from) {
                    *o = self.text.is_char_boundary(j) && !ends[j];
                }
            }
            RegexNode::Repeat { node, min, max } => {
                let (node, min, max) = (*node, *min, *max);
                let mut now = vec![false; len + 1];
                now[from] = true;
                // More copies than characters add nothing but empty matches.
                let cap = (len as u32 + 1).max(1);
                for copy in 0u32.. {
                    if copy >= min {
                        out.iter_mut().zip(&now).for_each(|(o, n)| *o |= n);
                    }
                    let stop = max.is_some_and(|max| copy >= max) || copy > min.saturating_add(cap);
                    if stop || now.iter().all(|n| !n) || copy > 2 * cap && copy < min {
                        // Whatever still lives after that many copies lives on empty matches.
                        if copy < min {
                            out.iter_mut().zip(&now).for_each(|(o, n)| *o |= n);
                        }
                        break;
                    }
                    now = self.step(node, &now);
                }
            }
            other => panic!("not a node of a text regex: {other:?}"),
        }
        let out = Rc::new(out);
        self.memo.insert((id, from), out.clone());
        out
    }

    fn step(&mut self, id: RegexId, now: &[bool]) -> Vec<bool> {
        let mut next = vec![false; now.len()];
        for (i, _) in now.iter().enumerate().filter(|(_, n)| **n) {
            let ends = self.ends(id, i);
            next.iter_mut().zip(ends.iter()).for_each(|(o, e)| *o |= e);
        }
        next
    }
}

/// Whether a document matches a schema.
pub fn matches(schema: &Schema, document: &Document<'_>) -> bool {
    let mut reader = Reader {
        schema,
        document,
        memo: HashMap::new(),
        texts: HashMap::new(),
    };
    reader.holds(schema.root.unwrap(), document.root())
}

struct Reader<'s> {
    schema: &'s Schema,
    document: &'s Document<'s>,
    memo: HashMap<(NodeId, ValueId), bool>,
    texts: HashMap<(RegexId, String), bool>,
}

impl Reader<'_> {
    fn text(&mut self, id: RegexId, text: &str) -> bool {
        if let Some(known) = self.texts.get(&(id, text.to_owned())) {
            return *known;
        }
        let answer = regex_matches(&self.schema.regexes, id, text);
        self.texts.insert((id, text.to_owned()), answer);
        answer
    }

    fn holds(&mut self, node: NodeId, value: ValueId) -> bool {
        if let Some(known) = self.memo.get(&(node, value)) {
            return *known;
        }
        let answer = self.compute(node, value);
        self.memo.insert((node, value), answer);
        answer
    }

    fn compute(&mut self, node: NodeId, value: ValueId) -> bool {
        let (schema, document) = (self.schema, self.document);
        let json = document.value(value);
        match schema.node(node) {
            Node::All(ids) => ids.iter().all(|id| self.holds(*id, value)),
            Node::Any(ids) => ids.iter().any(|id| self.holds(*id, value)),
            Node::One(ids) => ids.iter().filter(|id| self.holds(**id, value)).count() == 1,
            Node::Not(id) => !self.holds(*id, value),
            Node::Types(types) => types.contains(match json {
                Json::Null => Types::NULL,
                Json::Bool(false) => Types::FALSE,
                Json::Bool(true) => Types::TRUE,
                Json::Number(_) => Types::NUMBER,
                Json::String(_) => Types::STRING,
                Json::Array(_) => Types::ARRAY,
                Json::Object(_) => Types::OBJECT,
            }),
            Node::Number(n) => {
                let Json::Number(text) = json else {
                    return true;
                };
                let x = Decimal::parse(text).unwrap();
                n.min
                    .as_ref()
                    .is_none_or(|(m, open)| x > *m || !open && x == *m)
                    && n.max
                        .as_ref()
                        .is_none_or(|(m, open)| x < *m || !open && x == *m)
                    && n.multiple_of.as_ref().is_none_or(|m| x.is_multiple_of(m))
            }
            Node::String(regex) => match json {
                Json::String(s) => self.text(*regex, s),
                _ => true,
            },
            Node::Array(a) => {
                let Json::Array(elements) = json else {
                    return true;
                };
                let len = elements.len() as u64;
                if len < a.min || a.max.is_some_and(|max| len > max) {
                    return false;
                }
                for (i, element) in elements.iter().enumerate() {
                    if let Some(id) = a.prefix.get(i).copied().or(a.items)
                        && !self.holds(id, *element)
                    {
                        return false;
                    }
                }
                if let Some((id, min, max)) = a.contains {
                    let n = elements.iter().filter(|e| self.holds(id, **e)).count() as u64;
                    if n < min || max.is_some_and(|max| n > max) {
                        return false;
                    }
                }
                if a.unique {
                    let mut all: Vec<String> =
                        elements.iter().map(|e| canonical(document, *e)).collect();
                    all.sort();
                    return all.windows(2).all(|w| w[0] != w[1]);
                }
                true
            }
            Node::Object(o) => {
                let Json::Object(members) = json else {
                    return true;
                };
                let len = members.len() as u64;
                if len < o.min || o.max.is_some_and(|max| len > max) {
                    return false;
                }
                if !o
                    .required
                    .iter()
                    .all(|r| members.iter().any(|m| m.key == r.as_ref()))
                {
                    return false;
                }
                for m in members {
                    if o.names.is_some_and(|names| !self.text(names, &m.key)) {
                        return false;
                    }
                    let mut known = false;
                    if let Some((_, id)) = o.properties.iter().find(|p| p.0.as_ref() == m.key) {
                        known = true;
                        if !self.holds(*id, m.value) {
                            return false;
                        }
                    }
                    for (regex, id) in &o.patterns {
                        if self.text(*regex, &m.key) {
                            known = true;
                            if !self.holds(*id, m.value) {
                                return false;
                            }
                        }
                    }
                    if let Some(id) = o.additional
                        && !known
                        && !self.holds(id, m.value)
                    {
                        return false;
                    }
                }
                true
            }
        }
    }
}

/// A text that is the same for equal values only.
fn canonical(document: &Document<'_>, value: ValueId) -> String {
    match document.value(value) {
        Json::Null => "null".to_owned(),
        Json::Bool(b) => b.to_string(),
        Json::Number(n) => format!("{:?}", Decimal::parse(n).unwrap()),
        Json::String(s) => format!("{s:?}"),
        Json::Array(a) => {
            let all: Vec<String> = a.iter().map(|v| canonical(document, *v)).collect();
            format!("[{}]", all.join(","))
        }
        Json::Object(m) => {
            let mut all: Vec<String> = m
                .iter()
                .map(|m| format!("{:?}:{}", m.key, canonical(document, m.value)))
                .collect();
            all.sort();
            format!("{{{}}}", all.join(","))
        }
    }
}
