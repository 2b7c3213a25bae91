//! From the grammar IR's regexes to expressions.

use super::ByteSet;
use super::expr::{ExprId, MarksId, Store, UNBOUNDED};
use maskwright_grammar::{RegexId, RegexNode, RegexPool};
use maskwright_tables::LimitError;

impl Store {
    /// The expression of a node and of everything below it. O(nodes below), iterative.
    pub fn import(&mut self, pool: &RegexPool, root: RegexId) -> Result<ExprId, LimitError> {
        // Children have smaller ids, so marking downwards and building upwards are two loops.
        let top = root.0 as usize;
        let mut needed = vec![false; top + 1];
        needed[top] = true;
        for i in (0..=top).rev() {
            if needed[i] {
                for child in children(&pool.nodes()[i]) {
                    needed[child.0 as usize] = true;
                }
            }
        }
        let mut done = vec![Self::NEVER; top + 1];
        for i in 0..=top {
            if needed[i] {
                done[i] = self.import_node(&pool.nodes()[i], &done);
            }
        }
        Ok(done[top])
    }

    fn import_node(&mut self, node: &RegexNode, done: &[ExprId]) -> ExprId {
        let get = |id: &RegexId| done[id.0 as usize];
        match node {
            // Tokens as a whole and embedded schemas have no bytes of their own.
            RegexNode::Never | RegexNode::Token(_) | RegexNode::Json(_) => Self::NEVER,
            RegexNode::Empty => Self::EMPTY,
            RegexNode::Bytes(b) if b.len() > 4 => self.literals(vec![(b.clone(), MarksId(0))]),
            RegexNode::Bytes(b) => self.bytes(b),
            RegexNode::Class(ranges) => self.class(ranges),
            RegexNode::ByteClass(ranges) => self.set(ByteSet::from_ranges(ranges)),
            RegexNode::Concat(parts) => {
                let parts: Vec<ExprId> = parts.iter().map(get).collect();
                self.concat(&parts)
            }
            RegexNode::Alt(parts) => {
                let parts: Vec<ExprId> = parts.iter().map(get).collect();
                self.alt(&parts)
            }
            RegexNode::And(parts) => {
                let parts: Vec<ExprId> = parts.iter().map(get).collect();
                self.and(&parts)
            }
            RegexNode::Not(e) => self.text_not(get(e)),
            RegexNode::Repeat { node, min, max } => {
                self.repeat(get(node), *min, max.unwrap_or(UNBOUNDED))
            }
            RegexNode::Literals(strings) => {
                self.literals(strings.iter().map(|s| (s.clone(), MarksId(0))).collect())
            }
            RegexNode::JsonString(value) => self.json_string(get(value)),
        }
    }

    /// Valid UTF-8 text that `e` does not match.
    pub fn text_not(&mut self, e: ExprId) -> ExprId {
        let (text, not) = (self.any_text, self.not(e));
        self.and(&[text, not])
    }

    /// All JSON spellings, quotes included, of the strings whose value `value` matches.
    pub fn json_string(&mut self, value: ExprId) -> ExprId {
        let rest = self.spelled(value);
        self.concat2(self.quote, rest)
    }
}

fn children(node: &RegexNode) -> &[RegexId] {
    match node {
        RegexNode::Concat(p) | RegexNode::Alt(p) | RegexNode::And(p) => p,
        RegexNode::Not(e) | RegexNode::JsonString(e) | RegexNode::Repeat { node: e, .. } => {
            std::slice::from_ref(e)
        }
        _ => &[],
    }
}
