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
}
