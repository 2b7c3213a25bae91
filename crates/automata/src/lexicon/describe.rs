//! Expressions in readable form, for tests and for whoever looks for the state that costs.

use super::Lexicon;
use super::expr::{ExprId, Node, UNBOUNDED};

impl Lexicon {
    /// A readable form of an expression, cut off after some hundred characters.
    pub fn describe(&self, e: ExprId) -> String {
        let inner = self.lock();
        let mut out = String::new();
        let mut stack: Vec<Result<ExprId, &'static str>> = vec![Ok(e)];
        while let Some(item) = stack.pop() {
            if out.len() > 400 {
                out.push('…');
                break;
            }
            let e = match item {
                Ok(e) => e,
                Err(text) => {
                    out.push_str(text);
                    continue;
                }
            };
            if e == inner.store.any_char {
                out.push('.');
                continue;
            }
            match inner.store.node(e) {
                Node::Never => out.push('∅'),
                Node::Marks(m) => {
                    out.push_str(&format!("ε{:?}", inner.store.mark_sets[m.0 as usize]))
                }
                Node::Set(s) => {
                    let set = &inner.store.sets[*s as usize];
                    out.push('[');
                    for b in set.iter().take(8) {
                        out.push_str(&std::ascii::escape_default(b).to_string());
                    }
                    out.push_str(if set.iter().count() > 8 { "…]" } else { "]" });
                }
                Node::Concat(a, b) => stack.extend([Ok(*b), Ok(*a)]),
                Node::Alt(parts) | Node::And(parts) => {
                    let separator = if matches!(inner.store.node(e), Node::Alt(_)) {
                        "|"
                    } else {
                        "&"
                    };
                    out.push('(');
                    stack.push(Err(")"));
                    for (i, p) in parts.iter().enumerate().rev() {
                        stack.push(Ok(*p));
                        if i > 0 {
                            stack.push(Err(separator));
                        }
                    }
                }
                Node::Not(x) => {
                    out.push('~');
                    stack.push(Ok(*x));
                }
                Node::Except(rest, literals) => {
                    stack.extend([Ok(*literals), Err("\\"), Ok(*rest)]);
                }
                Node::Repeat(x, min, max) => {
                    let max = if *max == UNBOUNDED {
                        String::new()
                    } else {
                        max.to_string()
                    };
                    out.push_str(&format!("{{{min},{max}}}"));
                    stack.push(Ok(*x));
                }
                Node::Literals { set, lo, hi, depth } => {
                    out.push_str(&format!("literals{set}[{lo}..{hi}]+{depth}"))
                }
                Node::Leaf { automaton, state } => {
                    out.push_str(&format!("leaf{automaton}@{state}"))
                }
                Node::Spelled(v, mode) => {
                    out.push_str(&format!("spelled{mode:x}("));
                    stack.push(Err(")"));
                    stack.push(Ok(*v));
                }
            }
        }
        out
    }
}
