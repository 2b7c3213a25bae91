//! Which bytes and characters lead from a state to itself.

use super::Lexicon;
use crate::lexicon::characters::{BROKEN, CHARACTERS, MIDDLE, characters};
use crate::lexicon::edges::Edges;
use maskwright_tables::trie::Classes;
use maskwright_tables::{LexState, LimitError};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use std::rc::Rc;

/// Increasing ranges of characters, or of the rests of their bits.
type Ranges = Rc<[[u32; 2]]>;

impl Lexicon {
    /// Whether all bytes of these [classes](maskwright_tables::trie::byte_class), one bit each, lead from a
    /// state to itself, and all characters of those of [`CHARACTERS`].
    ///
    /// # Errors
    /// A limit.
    pub fn keeps(&self, state: LexState, classes: Classes) -> Result<bool, LimitError> {
        let more = self.more(&self.states[state.index()]);
        let loops = match more.loops.get() {
            Some(&loops) => loops,
            None => {
                let edges = self.edges(state)?;
                let any = state != LexState::DEAD
                    && match edges {
                        Edges::Runs(runs) => runs.iter().any(|r| r.1 == state),
                        Edges::Table(table) => table.contains(&state),
                    };
                let loops = match any {
                    true => {
                        !edges.classes(|target| target != state) & !(CHARACTERS | MIDDLE | BROKEN)
                    }
                    false => 0,
                };
                *more.loops.get_or_init(|| loops)
            }
        };
        let missing = classes & !loops;
        if missing == 0 || loops == 0 || missing & !CHARACTERS != 0 {
            return Ok(missing == 0);
        }
        let all = match more.all_loops.get() {
            Some(&all) => all,
            None => {
                let characters = self.looping_characters(state)?;
                *more.all_loops.get_or_init(|| loops | characters)
            }
        };
        Ok(classes & !all == 0)
    }

    /// The classes of [`CHARACTERS`] all of whose characters lead from a state to itself.
    fn looping_characters(&self, state: LexState) -> Result<Classes, LimitError> {
        let read = match self.is_fresh(state) {
            true => None,
            false => self.lock().store.looping(self.expr(state)),
        };
        let own = match read {
            Some(own) => own.into_vec(),
            None => self.derived_loops(state)?,
        };
        let mut classes = 0;
        for (class, wanted) in characters() {
            let mut rest = &own[..];
            let kept = wanted.iter().all(|w| {
                rest = &rest[rest.partition_point(|r| r[1] < w[0])..];
                rest.first().is_some_and(|r| r[0] <= w[0] && w[1] <= r[1])
            });
            classes |= Classes::from(kept) << class;
        }
        Ok(classes)
    }

    /// The characters outside ASCII that lead from a state to itself, by its transitions.
    fn derived_loops(&self, state: LexState) -> Result<Vec<[u32; 2]>, LimitError> {
        let mut known = FxHashMap::default();
        let edges = self.edges(state)?;
        let mut own: Vec<[u32; 2]> = Vec::new();
        for lead in 0xc2..=0xf4u8 {
            let (missing, bits) = match lead {
                0xf0.. => (3, lead & 0x07),
                0xe0.. => (2, lead & 0x0f),
                _ => (1, lead & 0x1f),
            };
            let rests = self.rests_to(edges.get(lead), missing, state, &mut known)?;
            append(&mut own, u32::from(bits) << (6 * missing), &rests);
        }
        Ok(own)
    }

    /// The bits of so many continuation bytes that lead from one state to another.
    fn rests_to(
        &self,
        from: LexState,
        missing: u32,
        to: LexState,
        known: &mut FxHashMap<(LexState, u32), Ranges>,
    ) -> Result<Ranges, LimitError> {
        if from == LexState::DEAD {
            return Ok(Rc::default());
        }
        if missing == 0 {
            let here: &[[u32; 2]] = if from == to { &[[0, 0]] } else { &[] };
            return Ok(here.into());
        }
        if let Some(known) = known.get(&(from, missing)) {
            return Ok(Rc::clone(known));
        }
        let mut out: Vec<[u32; 2]> = Vec::new();
        let mut runs: SmallVec<[(u8, u8, LexState); 32]> = SmallVec::new();
        self.edges(from)?.each_run(|first, last, target| {
            let (first, last) = (first.max(0x80), last.min(0xbf));
            if first <= last && target != LexState::DEAD {
                runs.push((first, last, target));
            }
        });
        let bits = 6 * (missing - 1);
        for (first, last, target) in runs {
            let rests = self.rests_to(target, missing - 1, to, known)?;
            let [first, last] = [first, last].map(|byte| u32::from(byte & 0x3f));
            if *rests == [[0, (1 << bits) - 1]] {
                append(&mut out, 0, &[[first << bits, ((last + 1) << bits) - 1]]);
                continue;
            }
            for byte in first..=last {
                append(&mut out, byte << bits, &rests);
            }
        }
        let out: Ranges = out.into();
        known.insert((from, missing), Rc::clone(&out));
        Ok(out)
    }
}

/// Appends ranges, moved up, to others that lie below them.
fn append(out: &mut Vec<[u32; 2]>, by: u32, ranges: &[[u32; 2]]) {
    for &[first, last] in ranges {
        match out.last_mut() {
            Some(range) if range[1] + 1 == first + by => range[1] = last + by,
            _ => out.push([first + by, last + by]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maskwright_tables::Limits;

    #[test]
    fn a_state_keeps_a_class_if_all_of_its_characters_lead_to_it() {
        let lexicon = Lexicon::new(Limits::untrusted());
        let character = |c: u32| char::from_u32(c).unwrap();
        // With one letter of ASCII: a state without a byte that leads to it is not asked for characters.
        let state_of = |ranges: &[[u32; 2]]| {
            let ranges = ranges.iter().map(|r| (character(r[0]), character(r[1])));
            let ranges: Vec<(char, char)> = [('a', 'a')].into_iter().chain(ranges).collect();
            let any = lexicon.repeat(lexicon.class(&ranges), 0, None);
            let first = lexicon.fresh(any).unwrap();
            lexicon.next(first, b'a').unwrap()
        };
        for (class, ranges) in characters() {
            let state = state_of(ranges);
            for (other, _) in characters() {
                let kept = lexicon.keeps(state, 1 << other).unwrap();
                assert_eq!(kept, other == class, "{other} of {class}");
            }
            assert!(!lexicon.keeps(state, 1 << class | MIDDLE).unwrap());
            assert!(!lexicon.keeps(state, 1 << class | BROKEN).unwrap());
            // All but one character.
            let mut fewer = ranges.clone();
            let last = fewer.len() - 1;
            match fewer[last] {
                [first, end] if first == end => drop(fewer.pop()),
                [_, ref mut end] => *end -= 1,
            }
            let state = state_of(&fewer);
            assert!(!lexicon.keeps(state, 1 << class).unwrap(), "{class}");
        }
    }

    /// What is read off expressions against their transitions.
    #[test]
    fn looping_characters_are_those_that_lead_back() {
        let lexicon = Lexicon::new(Limits::untrusted());
        let character = |c: u32| char::from_u32(c).unwrap();
        let class = |ranges: &[[u32; 2]]| {
            let ranges = ranges.iter().map(|r| (character(r[0]), character(r[1])));
            lexicon.class(&ranges.collect::<Vec<_>>())
        };
        let letters = class(&[[0x61, 0x7a], [0xc0, 0x24f], [0x4e00, 0x9fff]]);
        let blanks = class(&[
            [9, 13],
            [0x20, 0x20],
            [0xa0, 0xa0],
            [0x2000, 0x200a],
            [0x3000, 0x3000],
        ]);
        let visible = class(&[
            [0x21, 0x7e],
            [0xa1, 0x1fff],
            [0x200b, 0x2fff],
            [0x3001, 0xd7ff],
            [0xe000, 0x10ffff],
        ]);
        let many = |e, min, max| lexicon.repeat(e, min, max);
        let any = many(visible, 0, None);
        let word = lexicon.concat(&[many(visible, 1, None), many(blanks, 1, None)]);
        let words = |max| lexicon.concat(&[many(word, 0, max), many(visible, 1, None)]);
        let names = ["do", "été"]
            .map(|k| (Box::from(k.as_bytes()), None))
            .to_vec();
        let lexemes = [
            many(letters, 1, None),
            lexicon.concat(&[many(letters, 1, None), lexicon.mark(1)]),
            lexicon.concat(&[any, many(blanks, 0, Some(3)), letters]),
            words(None),
            words(Some(9)),
            lexicon.and(&[
                words(Some(9)),
                many(lexicon.class(&[('\0', char::MAX)]), 0, Some(40)),
            ]),
            lexicon.and(&[many(letters, 0, None), any]),
            lexicon.and(&[many(letters, 1, None), lexicon.not(lexicon.literals(names))]),
            lexicon.alt(&[lexicon.concat(&[any, blanks]), many(letters, 1, None)]),
            lexicon.concat(&[any, lexicon.bytes("·".as_bytes()), any]),
        ];
        let (mut read, mut all, mut states) = (0, 0, 0);
        for lexeme in lexemes
            .into_iter()
            .flat_map(|e| [e, lexicon.json_string(e)])
        {
            let mut open = vec![lexicon.fresh(lexeme).unwrap()];
            let mut seen = Vec::new();
            while let Some(state) = open.pop() {
                if state == LexState::DEAD || seen.contains(&state) || seen.len() == 40 {
                    continue;
                }
                seen.push(state);
                states += 1;
                for text in ["a", "\"", " ", "é", "中", "\u{3000}", "·", "do"] {
                    let mut bytes = text.bytes();
                    let next = bytes.try_fold(state, |at, b| lexicon.next(at, b));
                    open.push(next.unwrap());
                }
                let expr = lexicon.expr(state);
                let found = lexicon.lock().store.looping(expr);
                if let Some(found) = found.filter(|_| !lexicon.is_fresh(state)) {
                    read += 1;
                    let derived = lexicon.derived_loops(state).unwrap();
                    // Surrogates are no characters.
                    let is_one = |c: &u32| char::from_u32(*c).is_some();
                    let list = |ranges: &[[u32; 2]]| -> Vec<u32> {
                        ranges
                            .iter()
                            .flat_map(|r| r[0]..=r[1])
                            .filter(is_one)
                            .collect()
                    };
                    let (found, derived) = (list(&found), list(&derived));
                    assert!(
                        found.iter().all(|c| derived.binary_search(c).is_ok()),
                        "{}",
                        lexicon.describe(expr)
                    );
                    all += usize::from(found == derived && !found.is_empty());
                }
            }
        }
        assert!(read > 40 && all > 30, "{read} and {all} of {states}");
    }
}
