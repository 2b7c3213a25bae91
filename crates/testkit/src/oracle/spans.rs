//! Membership as a direct reading of what each regex node denotes.
//!
//! For a text, a node and a position, the set of positions at which a match that begins there may
//! end. No derivatives and no automata, so that [`super::language`] can be checked against it.

use maskwright_grammar::{RegexId, RegexNode, RegexPool};
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

/// Whether the node matches the whole text. Recurses on the regex; meant for small ones.
pub fn matches(pool: &RegexPool, node: RegexId, text: &[u8]) -> bool {
    Spans {
        pool,
        text,
        known: HashMap::new(),
    }
    .ends(node, 0)
    .contains(&text.len())
}

type Ends = Rc<BTreeSet<usize>>;

struct Spans<'a> {
    pool: &'a RegexPool,
    text: &'a [u8],
    known: HashMap<(RegexId, usize), Ends>,
}

impl Spans<'_> {
    fn ends(&mut self, id: RegexId, from: usize) -> Ends {
        if let Some(known) = self.known.get(&(id, from)) {
            return known.clone();
        }
        let rest = &self.text[from..];
        let literal = |b: &[u8]| rest.starts_with(b).then_some(from + b.len());
        let set: BTreeSet<usize> = match self.pool.node(id) {
            RegexNode::Never | RegexNode::Token(_) | RegexNode::Json(_) => BTreeSet::new(),
            RegexNode::Empty => BTreeSet::from([from]),
            RegexNode::Bytes(b) => literal(b).into_iter().collect(),
            RegexNode::Literals(strings) => strings.iter().filter_map(|b| literal(b)).collect(),
            RegexNode::ByteClass(ranges) => match rest.first() {
                Some(b) if ranges.iter().any(|r| (r.0..=r.1).contains(b)) => {
                    BTreeSet::from([from + 1])
                }
                _ => BTreeSet::new(),
            },
            RegexNode::Class(ranges) => match first_char(rest) {
                Some(c) if ranges.iter().any(|r| (r.0..=r.1).contains(&c)) => {
                    BTreeSet::from([from + c.len_utf8()])
                }
                _ => BTreeSet::new(),
            },
            RegexNode::Concat(parts) => {
                let mut at = BTreeSet::from([from]);
                for part in parts {
                    at = at
                        .into_iter()
                        .flat_map(|p| self.ends(*part, p).as_ref().clone())
                        .collect();
                }
                at
            }
            RegexNode::Alt(parts) => parts
                .iter()
                .flat_map(|p| self.ends(*p, from).as_ref().clone())
                .collect(),
            RegexNode::And(parts) => {
                let sets: Vec<Ends> = parts.iter().map(|p| self.ends(*p, from)).collect();
                (from..=self.text.len())
                    .filter(|e| sets.iter().all(|s| s.contains(e)))
                    .collect()
            }
            RegexNode::Not(inner) => {
                let inner = self.ends(*inner, from);
                (from..=self.text.len())
                    .filter(|e| {
                        std::str::from_utf8(&self.text[from..*e]).is_ok() && !inner.contains(e)
                    })
                    .collect()
            }
            RegexNode::Repeat { node, min, max } => {
                let mut all = BTreeSet::new();
                let mut at = BTreeSet::from([from]);
                // Beyond this many copies every further one matches the empty string.
                let most = max
                    .unwrap_or(u32::MAX)
                    .min(min.saturating_add(self.text.len() as u32 + 1));
                for copies in 0..=most {
                    if copies >= *min {
                        all.extend(at.iter().copied());
                    }
                    let next = at
                        .iter()
                        .flat_map(|p| self.ends(*node, *p).as_ref().clone())
                        .collect();
                    if next == at && copies >= *min {
                        break;
                    }
                    at = next;
                }
                all
            }
            RegexNode::JsonString(value) => {
                let mut found = BTreeSet::new();
                for end in from + 2..=self.text.len() {
                    let Ok(decoded) = serde_json::from_slice::<String>(&self.text[from..end])
                    else {
                        continue;
                    };
                    // The parser skips white space around the string; the spelling has none.
                    let tight = self.text[from] == b'"' && self.text[end - 1] == b'"';
                    if tight && matches(self.pool, *value, decoded.as_bytes()) {
                        found.insert(end);
                    }
                }
                found
            }
        };
        let set = Rc::new(set);
        self.known.insert((id, from), set.clone());
        set
    }
}

fn first_char(text: &[u8]) -> Option<char> {
    (1..=4.min(text.len())).find_map(|len| std::str::from_utf8(&text[..len]).ok()?.chars().next())
}
