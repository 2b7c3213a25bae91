//! States that read what another one reads, but for some strings: names that are no keywords.

use super::{ByteSet, Lexicon};
use crate::lexicon::expr::{ExprId, Node, Store};
use maskwright_tables::{LabelSet, LexState, LimitError, heap};
use std::sync::atomic::Ordering;

/// A state as another one without some strings. Whatever is read from them, both are alive or neither is, and
/// both can go on or neither can: they differ in this alone, that no lexeme ends at one of the strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excepted {
    /// The other state.
    pub rest: LexState,
    /// With what labels lexemes of the other state end at the strings.
    pub labels: LabelSet,
    /// The strings at which they do, none of them empty: for each byte those that may stand there, such as a letter
    /// in either case, which lead to one state. Some may be the same.
    pub strings: Vec<Words>,
}

/// Words of equal length, by the bytes that may stand at each place.
pub type Words = Box<[ByteSet]>;

/// Words are told up to so many, of so many bytes in all.
const MOST: (usize, usize) = (1024, 1 << 14);

/// None is longer. What has been read of a word is kept for each alternative that is left.
const LONGEST: usize = 256;

impl Lexicon {
    /// A state as another one without some strings, if it is one for sure.
    ///
    /// # Errors
    /// A limit.
    pub fn excepted(&self, state: LexState) -> Result<Option<&Excepted>, LimitError> {
        let more = self.more(&self.states[state.index()]);
        if more.excepted.get().is_none() {
            let found = self.find_excepted(state)?.map(Box::new);
            let strings = found.iter().flat_map(|found| &found.strings);
            let bytes: usize = strings.map(|s| 16 + heap::list::<ByteSet>(s.len())).sum();
            if more.excepted.set(found).is_ok() {
                self.edge_bytes.fetch_add(bytes, Ordering::Relaxed);
            }
        }
        Ok(more.excepted.get().and_then(|found| found.as_deref()))
    }

    fn find_excepted(&self, state: LexState) -> Result<Option<Excepted>, LimitError> {
        let record = &self.states[state.index()];
        let mut inner = self.lock();
        // Where not all bytes can be spelled, what is left beside the strings may be what is missing.
        if inner.store.alphabet.is_some() {
            return Ok(None);
        }
        let (rest, tail) = inner.store.unmarked(record.expr);
        let mut strings: Vec<Words> = Vec::new();
        let Some(rest) = inner.store.without_strings(rest, &mut strings) else {
            return Ok(None);
        };
        let rest = inner.store.concat2(rest, tail);
        let rest = self.intern(&mut inner, rest, record.fresh)?;
        drop(inner);
        let mut labels = LabelSet::NONE;
        let mut read = Vec::with_capacity(strings.len());
        for mut string in strings {
            let mut at = rest;
            for bytes in &mut string {
                let edges = self.edges(at)?;
                let mut live = ByteSet::default();
                at = LexState::DEAD;
                for byte in bytes.iter() {
                    let target = edges.get(byte);
                    if target == LexState::DEAD {
                        continue;
                    }
                    if at != LexState::DEAD && at != target {
                        return Ok(None);
                    }
                    at = target;
                    live.insert(byte);
                }
                *bytes = live;
            }
            if at == LexState::DEAD {
                continue;
            }
            // So much can follow that something is left without the strings, here and before.
            if !self.is_endless_from(at) {
                return Ok(None);
            }
            let own = self.accept(at);
            if string.is_empty() || own == LabelSet::NONE {
                continue;
            }
            if labels != LabelSet::NONE && labels != own {
                return Ok(None);
            }
            labels = own;
            read.push(string);
        }
        Ok(Some(Excepted {
            rest,
            labels,
            strings: read,
        }))
    }
}

impl Store {
    /// What an expression is without some strings, and these; `None` if it is none that says so.
    fn without_strings(&mut self, e: ExprId, out: &mut Vec<Words>) -> Option<ExprId> {
        let mut rest = e;
        while let Node::Except(part, literals) = *self.node(rest) {
            self.list(literals, out)?;
            rest = part;
        }
        if let Node::And(parts) = self.node(rest) {
            let mut others = Vec::new();
            for part in parts {
                match *self.node(*part) {
                    Node::Not(strings) if self.is_text(strings) => self.list(strings, out)?,
                    _ => others.push(*part),
                }
            }
            rest = match others[..] {
                [] => return None,
                [only] => only,
                _ => self.and(&others),
            };
        }
        (!out.is_empty()).then_some(rest)
    }

    /// Adds the strings of an expression that [is a text](Self::is_text); `None` where they are too many.
    fn list(&self, text: ExprId, out: &mut Vec<Words>) -> Option<()> {
        let one = |byte: u8| ByteSet::from_ranges(&[(byte, byte)]);
        // What has been read of strings, and what is left, the next part on top.
        let mut open: Vec<(Vec<ByteSet>, Vec<ExprId>)> = vec![(Vec::new(), vec![text])];
        let mut bytes = 0;
        while let Some((mut read, mut left)) = open.pop() {
            if read.len() > LONGEST {
                return None;
            }
            let Some(part) = left.pop() else {
                bytes += read.len();
                out.push(read.into());
                if out.len() > MOST.0 || bytes > MOST.1 {
                    return None;
                }
                continue;
            };
            match self.node(part) {
                Node::Never => {}
                Node::Marks(_) => open.push((read, left)),
                Node::Set(set) => {
                    read.push(self.sets[*set as usize]);
                    open.push((read, left));
                }
                Node::Concat(head, rest) => {
                    left.extend([*rest, *head]);
                    open.push((read, left));
                }
                Node::Alt(parts) => {
                    if open.len() + parts.len() > MOST.0 {
                        return None;
                    }
                    let ways = parts.iter().map(|part| {
                        let left = left.iter().chain([part]).copied().collect();
                        (read.clone(), left)
                    });
                    open.extend(ways);
                }
                &Node::Literals { set, lo, hi, depth } => {
                    let all = &self.literal_sets[set as usize].strings[lo as usize..hi as usize];
                    if open.len() + all.len() > MOST.0 {
                        return None;
                    }
                    let ways = all.iter().map(|string| {
                        let string = string[depth as usize..].iter();
                        let read = read.iter().copied().chain(string.map(|b| one(*b)));
                        (read.collect(), left.clone())
                    });
                    open.extend(ways);
                }
                _ => return None,
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maskwright_tables::Limits;
    use std::sync::Arc;

    #[test]
    fn a_name_is_any_word_but_for_the_keywords() {
        let lexicon = Arc::new(Lexicon::new(Limits::untrusted()));
        let letter = lexicon.byte_class(&[(b'a', b'z')]);
        let word = lexicon.repeat(letter, 1, None);
        let keywords = ["do", "done", "in", "4th"];
        let keywords = keywords.map(|k| (Box::from(k.as_bytes()), None)).to_vec();
        let keywords = lexicon.literals(keywords);
        let marked = |e| {
            lexicon
                .fresh(lexicon.concat(&[e, lexicon.mark(7)]))
                .unwrap()
        };
        let name = |e| lexicon.and(&[e, lexicon.not(keywords)]);
        let list = |state: LexState| {
            let found = lexicon.excepted(state).unwrap()?;
            assert_eq!(lexicon.labels(found.labels), [7]);
            let strings = found.strings.iter();
            let mut strings: Vec<String> = strings
                .map(|s| {
                    let bytes = s.iter().map(|set| {
                        let bytes: String = set.iter().map(char::from).collect();
                        match bytes.len() {
                            1 => bytes,
                            _ => format!("[{bytes}]"),
                        }
                    });
                    bytes.collect()
                })
                .collect();
            strings.sort_unstable();
            Some((found.rest, strings))
        };
        let run = |from: LexState, text: &str| {
            let mut bytes = text.bytes();
            bytes.try_fold(from, |at, b| lexicon.next(at, b)).unwrap()
        };
        let start = marked(name(word));
        let (rest, strings) = list(start).unwrap();
        assert_eq!(
            (rest, strings),
            (
                marked(word),
                ["do", "done", "in"].map(String::from).to_vec()
            )
        );
        // Behind `do` nothing is left of it, and two letters of the other one.
        let behind = list(run(start, "do")).unwrap();
        assert_eq!(behind, (run(rest, "do"), vec!["ne".to_owned()]));
        assert_eq!(list(run(start, "dot")), None);
        assert_eq!(list(rest), None);
        // In either case, and where bytes are told by neither.
        let either = |text: &str| {
            let bytes = text.bytes().map(|b| {
                let (low, high) = (b.to_ascii_lowercase(), b.to_ascii_uppercase());
                lexicon.byte_class(&[(low, low), (high, high)])
            });
            lexicon.concat(&bytes.collect::<Vec<_>>())
        };
        let any = lexicon.byte_class(&[(b'a', b'z'), (b'A', b'Z')]);
        let any = lexicon.repeat(any, 1, None);
        let keywords = lexicon.alt(&[either("as"), either("asc"), either("or")]);
        let either = |word| marked(lexicon.and(&[word, lexicon.not(keywords)]));
        let start = either(any);
        let (rest, strings) = list(start).unwrap();
        assert_eq!(rest, marked(any));
        let all = ["[Aa][Ss]", "[Aa][Ss][Cc]", "[Oo][Rr]"];
        assert_eq!(strings, all.map(String::from).to_vec());
        let behind = list(run(start, "aS")).unwrap();
        assert_eq!(behind, (run(rest, "aS"), vec!["[Cc]".to_owned()]));
        // Of lower letters one case is left.
        let (rest, strings) = list(either(word)).unwrap();
        assert_eq!(rest, marked(word));
        assert_eq!(strings, ["as", "asc", "or"].map(String::from).to_vec());
        // Where the two lead apart, nothing is told.
        let apart = lexicon.alt(&[
            lexicon.concat(&[lexicon.bytes(b"A"), any]),
            lexicon.concat(&[lexicon.bytes(b"a"), word]),
        ]);
        assert_eq!(list(either(apart)), None);
        // Of short words too few may be left.
        let short = lexicon.repeat(letter, 1, Some(4));
        assert_eq!(list(marked(name(short))), None);
        // Nor is anything told where bytes are missing.
        let poor = Lexicon::with_alphabet(
            Limits::untrusted(),
            super::super::ByteSet::from_ranges(&[(b'a', b'z')]),
        );
        let letter = poor.byte_class(&[(b'a', b'z')]);
        let other = poor.and(&[
            poor.repeat(letter, 1, None),
            poor.not(poor.literals(vec![(Box::from(*b"do"), None)])),
        ]);
        assert_eq!(poor.excepted(poor.fresh(other).unwrap()).unwrap(), None);
    }
}
