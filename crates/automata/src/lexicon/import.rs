//! From the grammar IR's regexes to expressions.

use super::ByteSet;
use super::expr::{ExprId, MarksId, Store, UNBOUNDED};
use maskwright_grammar::{RegexId, RegexNode, RegexPool};
use maskwright_tables::{LimitError, heap};

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
        let key = content(pool, &needed);
        if let Some(known) = key.as_ref().and_then(|key| self.imported.get(key)) {
            return Ok(*known);
        }
        let mut done = vec![Self::NEVER; top + 1];
        for i in 0..=top {
            if needed[i] {
                done[i] = self.import_node(&pool.nodes()[i], &done);
            }
        }
        if let Some(key) = key {
            let nodes = key.iter().map(RegexNode::heap_bytes);
            self.owned += heap::list::<RegexNode>(key.len()) + nodes.sum::<usize>();
            self.imported.insert(key, done[top]);
        }
        Ok(done[top])
    }

    fn import_node(&mut self, node: &RegexNode, done: &[ExprId]) -> ExprId {
        let get = |id: &RegexId| done[id.0 as usize];
        match node {
            // Tokens as a whole and embedded schemas have no bytes of their own.
            RegexNode::Never | RegexNode::Token(_) | RegexNode::Json(_) => Self::NEVER,
            RegexNode::Empty => Self::EMPTY,
            RegexNode::Bytes(b) if b.len() > 4 => self.literals(vec![(&**b, MarksId(0))]),
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
                self.literals(strings.iter().map(|s| (&**s, MarksId(0))).collect())
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

/// The needed nodes of a pool, numbered by themselves: equal regexes have equal ones, whatever else is in
/// their pools. `None` of a small regex, which is imported sooner than looked up.
fn content(pool: &RegexPool, needed: &[bool]) -> Option<Box<[RegexNode]>> {
    const LARGE: usize = 64;
    if needed.iter().filter(|n| **n).count() < LARGE {
        return None;
    }
    let mut numbers = vec![RegexId(0); needed.len()];
    let mut nodes: Vec<RegexNode> = Vec::new();
    for (i, node) in pool.nodes().iter().enumerate().take(needed.len()) {
        if needed[i] {
            numbers[i] = RegexId(nodes.len() as u32);
            nodes.push(node.over(|child| numbers[child.0 as usize]));
        }
    }
    Some(nodes.into())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A large regex, the `change`th variant of it, in a pool that holds other things too.
    fn variant(change: usize, before: usize) -> (RegexPool, RegexId) {
        let mut pool = RegexPool::new();
        for i in 0..before {
            pool.bytes(format!("other {i}").into_bytes());
        }
        let is = |n: usize| change == n;
        let mut parts = Vec::new();
        for i in 0..40u8 {
            let last = if is(1) && i == 20 { 'y' } else { 'z' };
            let class = pool.class([('a', last), (char::from(b'A' + i % 26), 'Z')]);
            let max = match i {
                7 if is(2) => None,
                7 if is(3) => Some(9),
                _ => Some(u32::from(i) + 3),
            };
            parts.push(pool.repeat(class, u32::from(i), max));
            parts.push(pool.bytes(vec![b'0' + i % 10; 1 + usize::from(i)]));
        }
        let texts: [&[u8]; 2] = if is(4) { [b"ab", b"c"] } else { [b"a", b"bc"] };
        parts.push(pool.literals(texts.map(Box::from)));
        if is(5) {
            parts.swap(3, 5);
        }
        let half = parts.split_off(30);
        let (one, other) = (pool.concat(parts), pool.concat(half));
        let root = match change {
            6 => pool.and([one, other]),
            7 => pool.concat([one, other]),
            _ => pool.alt([one, other]),
        };
        let root = if is(8) { pool.not(root) } else { root };
        (pool, root)
    }

    #[test]
    fn large_regexes_are_known_by_all_of_their_content() {
        let mut store = Store::new();
        let mut found = Vec::new();
        for change in 0..9 {
            let (pool, root) = variant(change, 0);
            let first = store.import(&pool, root).unwrap();
            let known = store.imported.len();
            let (pool, root) = variant(change, 17);
            assert_eq!(store.import(&pool, root).unwrap(), first);
            assert_eq!(
                store.imported.len(),
                known,
                "variant {change} is found again"
            );
            // The memo says what an import without it says.
            let mut fresh = Store::new();
            let expected = fresh.import(&pool, root).unwrap();
            fresh.imported.clear();
            assert_eq!(fresh.import(&pool, root).unwrap(), expected);
            found.push(first);
        }
        assert_eq!(store.imported.len(), 9);
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 9, "each variant is an expression of its own");
    }
}
