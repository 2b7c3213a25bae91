//! States that read what another one reads, but for some strings: names that are no keywords.

use super::Lexicon;
use crate::lexicon::expr::{ExprId, Node, Store};
use maskwright_tables::{LabelSet, LexState, LimitError};

/// A state as another one without some strings. Whatever is read from them, both are alive or neither is, and
/// both can go on or neither can: they differ in this alone, that no lexeme ends at one of the strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excepted {
    /// The other state.
    pub rest: LexState,
    /// With what labels lexemes of the other state end at the strings.
    pub labels: LabelSet,
    /// The strings at which they do, sorted; none is empty.
    pub strings: Vec<Box<[u8]>>,
}

impl Lexicon {
    /// A state as another one without some strings, if it is one for sure.
    ///
    /// # Errors
    /// A limit.
    pub fn excepted(&self, state: LexState) -> Result<Option<Excepted>, LimitError> {
        let record = &self.states[state.index()];
        let mut inner = self.lock();
        // Where not all bytes can be spelled, what is left beside the strings may be what is missing.
        if inner.store.alphabet.is_some() {
            return Ok(None);
        }
        let (mut rest, tail) = inner.store.unmarked(record.expr);
        let mut strings: Vec<Box<[u8]>> = Vec::new();
        while let Node::Except(part, literals) = *inner.store.node(rest) {
            if !inner.store.list(literals, &mut strings) {
                return Ok(None);
            }
            rest = part;
        }
        if strings.is_empty() {
            return Ok(None);
        }
        let rest = inner.store.concat2(rest, tail);
        let rest = self.intern(&mut inner, rest, record.fresh)?;
        drop(inner);
        strings.sort_unstable();
        strings.dedup();
        let mut labels = LabelSet::NONE;
        let mut read = Vec::with_capacity(strings.len());
        for string in strings {
            let mut at = rest;
            for &byte in &*string {
                at = self.edges(at)?.get(byte);
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
    /// Adds the strings that a literal set, or what is left of one, stands for; whether it is one.
    fn list(&self, literals: ExprId, out: &mut Vec<Box<[u8]>>) -> bool {
        match *self.node(literals) {
            Node::Literals { set, lo, hi, depth } => {
                let strings = &self.literal_sets[set as usize].strings[lo as usize..hi as usize];
                out.extend(strings.iter().map(|s| Box::from(&s[depth as usize..])));
                true
            }
            Node::Marks(_) => {
                out.push(Box::default());
                true
            }
            _ => false,
        }
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
            let strings = strings.map(|s| String::from_utf8_lossy(s).into_owned());
            Some((found.rest, strings.collect::<Vec<_>>()))
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
