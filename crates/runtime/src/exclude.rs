//! What the values read so far forbid inside a lexeme that must differ from them.
//!
//! A machine knows no values: its lexical state and its row speak of all values. Of these the matcher
//! takes out what the values read so far ([`Seen`]) forbid: a lexeme may not end as a spelling of one
//! of them, nor go where every completion is one ([`Exclusion::is_live`]; the pattern `a|b[0-9]+`
//! after the name `a` was read: then `"a` is a dead end). Both need a look only along spellings of
//! values read, since a lexeme that has left these can be completed, as every live lexical state can.
//!
//! [`Exclusion::forbidden`] walks the vocabulary's trie along these spellings and collects the tokens
//! that the row must lose; for a few names of ordinary length that is some dozen nodes.

use crate::distinct::{Lexeme, Number, Pushed, Seen, StringReader, Within, value};
use crate::error::MatchError;
use crate::growing::Growing;
use crate::walk::Core;
use maskwright_tables::trie::Picked;
use maskwright_tables::{ByteSet, LabelSet, LexState, LimitError, Symbol, TokenId};
use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::{SmallVec, smallvec};

/// What was read of a lexeme.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Read {
    /// White space at most.
    Nothing,
    /// The beginning of a string, in canonical bytes.
    Text {
        spelled: Vec<u8>,
        reader: StringReader,
    },
    /// The beginning of a number.
    Number(Vec<u8>),
    /// The beginning of a literal, which the machine counts, or punctuation.
    Word(Vec<u8>),
}

impl Read {
    /// What these bytes of a lexeme are. O(bytes).
    pub(crate) fn of(lexeme: &[u8]) -> Self {
        let bytes = lexeme.trim_ascii_start();
        match bytes.first() {
            None => Read::Nothing,
            Some(b'"') => {
                let mut spelled = vec![b'"'];
                let mut reader = StringReader::default();
                for &byte in &bytes[1..] {
                    reader.push(byte, &mut spelled);
                }
                Read::Text { spelled, reader }
            }
            Some(b'-' | b'0'..=b'9') => Read::Number(bytes.to_vec()),
            Some(_) => Read::Word(bytes.to_vec()),
        }
    }

    /// Whether more bytes can make it a spelling of one of some values; "yes" where only the machine knows
    /// better.
    pub(crate) fn can_become_one(&self, values: &Seen) -> bool {
        match self {
            Read::Nothing => true,
            // An escape sequence under way stands for one more character.
            Read::Text { spelled, reader } if reader.inside_escape() => values.has_longer(spelled),
            Read::Text { spelled, .. } => values.has_beginning(spelled),
            Read::Number(text) => Number::read(text).can_become_one(values),
            Read::Word(text) => values.has_beginning(text),
        }
    }
}

/// What a byte made of a lexeme.
enum Next {
    /// It goes on, and a value read before may still come of it.
    Threatened(Read),
    /// It goes on, and none may.
    Free,
    /// It was closed as a spelling of this value.
    Closed(Vec<u8>),
}

/// A node on the path of a walk along strings that were read.
struct Opened<'a> {
    /// Those that are left of the ones along bytes that matter.
    children: Picked<'a>,
    byte: u8,
    /// What is under way.
    reader: StringReader,
}

/// What tells two beginnings of a lexeme apart.
type Spot = (LexState, Read);

/// The bytes with which a number goes on, and white space. Zero comes late: with zeros a number can stay the
/// same.
const NUMBERS: &[u8] = b"123456789.eE+-0 \n\r\t";

/// What was asked already of beginnings of a lexeme.
#[derive(Default)]
struct Fates {
    /// Whether they can be completed so that they repeat no value.
    lives: FxHashMap<Spot, bool>,
    growing: Growing,
}

/// A walk for the tokens that must not come next.
#[derive(Default)]
struct Walk {
    out: Vec<TokenId>,
    fates: Fates,
}

/// A lexeme that must differ from values read before and may still become one of them.
pub(crate) struct Exclusion<'a> {
    core: &'a Core,
    top: Symbol,
    state: LexState,
    read: Read,
    seen: &'a Seen,
}

impl<'a> Exclusion<'a> {
    /// For the lexeme that began on `top`, is in `state` now and must differ from `seen`; `None` when
    /// it can become none of these. O(bytes of the lexeme), and a search among the values.
    pub(crate) fn new(
        core: &'a Core,
        top: Symbol,
        state: LexState,
        lexeme: &Lexeme,
        seen: &'a Seen,
    ) -> Option<Self> {
        let read = Read::of(&lexeme.bytes());
        let exclusion = Exclusion {
            core,
            top,
            state,
            read,
            seen,
        };
        exclusion.threatens(&exclusion.read).then_some(exclusion)
    }

    /// Whether a value read before may come of it.
    fn threatens(&self, read: &Read) -> bool {
        !matches!(read, Read::Word(_)) && read.can_become_one(self.seen)
    }

    /// The bytes after which a value read before may still come of it, at least, or which end it.
    fn ways(&self, read: &Read) -> Option<ByteSet> {
        match read {
            Read::Nothing => {
                let mut ways = ByteSet::default();
                let begins = b" \t\n\r\"-0123456789";
                begins.iter().for_each(|b| ways.insert(*b));
                Some(ways)
            }
            Read::Text { spelled, reader } => Some(ways_of(&self.seen.within(spelled), *reader)),
            Read::Number(text) => Number::read(text).ways(self.seen),
            Read::Word(_) => None,
        }
    }

    /// One byte further; the byte is one with which the lexeme goes on.
    fn push(&self, read: &Read, byte: u8) -> Next {
        let next = match read {
            Read::Nothing => match byte {
                b' ' | b'\t' | b'\n' | b'\r' => Read::Nothing,
                b'"' => Read::Text {
                    spelled: vec![b'"'],
                    reader: StringReader::default(),
                },
                b'-' | b'0'..=b'9' => Read::Number(vec![byte]),
                _ => Read::Word(vec![byte]),
            },
            Read::Text { spelled, reader } => {
                let (mut spelled, mut reader) = (spelled.clone(), *reader);
                match reader.push(byte, &mut spelled) {
                    Pushed::Closed => return Next::Closed(spelled),
                    Pushed::Open => Read::Text { spelled, reader },
                }
            }
            Read::Number(text) => Read::Number([text, &[byte][..]].concat()),
            Read::Word(text) => Read::Word([text, &[byte][..]].concat()),
        };
        if self.threatens(&next) {
            Next::Threatened(next)
        } else {
            Next::Free
        }
    }

    /// Whether the lexeme, ending in `state` as a spelling of `value`, would have to differ from that
    /// value.
    fn repeats(&self, state: LexState, value: &[u8]) -> Result<bool, MatchError> {
        Ok(self.seen.contains(value) && self.differs(state)?)
    }

    /// Whether the lexeme, ending in `state`, would have to differ from the values read before.
    fn differs(&self, state: LexState) -> Result<bool, MatchError> {
        let labels = self.core.machine.lex_accept(state);
        Ok(labels != LabelSet::NONE && self.core.machine.must_differ(self.top, labels)?)
    }

    /// Whether a number that may end in `state` may end as it is.
    fn may_end(&self, state: LexState, text: &[u8]) -> Result<bool, MatchError> {
        Ok(self.core.machine.lex_accept(state) != LabelSet::NONE
            && !self.repeats(state, &value(text))?)
    }

    /// Whether a number may end as it is, or [grows](Growing).
    fn may_end_or_grow(
        &self,
        state: LexState,
        read: &Read,
        fates: &mut Fates,
    ) -> Result<bool, MatchError> {
        let Read::Number(text) = read else {
            return Ok(false);
        };
        let machine = &*self.core.machine;
        Ok(self.may_end(state, text)? || fates.growing.grows(machine, state, text)?)
    }

    /// Whether some completion of the lexeme repeats no value.
    pub(crate) fn is_live(&self) -> Result<bool, MatchError> {
        self.lives(self.state, &self.read, &mut Fates::default())
    }

    /// Whether some completion from `state` on, after `read`, repeats no value. Looks only along
    /// spellings of values read before: whatever leaves them can be completed.
    fn lives(&self, state: LexState, read: &Read, fates: &mut Fates) -> Result<bool, MatchError> {
        if *read == Read::Nothing {
            // White space ends, if it is a lexeme of its own, or infinitely many values follow it.
            return Ok(true);
        }
        let machine = &*self.core.machine;
        if matches!(read, Read::Text { .. }) && machine.lex_is_endless(state) {
            // A value has finitely many spellings, and finitely many values were read.
            return Ok(true);
        }
        if self.may_end_or_grow(state, read, fates)? {
            return Ok(true);
        }
        let first = (state, key(read));
        if let Some(&lives) = fates.lives.get(&first) {
            return Ok(lives);
        }
        let mut seen: FxHashSet<Spot> = [first].into_iter().collect();
        // Depth first: a few more characters are mostly enough to leave all that was read.
        let mut path = vec![(state, read.clone(), 0usize)];
        let lives = 'search: loop {
            let Some((state, read, tried)) = path.last_mut() else {
                break false;
            };
            if *tried == 0 {
                self.core.check_cancel("advance")?;
                if self.may_end_or_grow(*state, read, fates)? {
                    break true;
                }
            }
            let byte = match read {
                Read::Number(_) => NUMBERS.get(*tried).copied(),
                // Digits and letters first.
                _ => (*tried < 256).then(|| (b'1').wrapping_add(*tried as u8)),
            };
            let Some(byte) = byte else {
                path.pop();
                continue;
            };
            *tried += 1;
            let next = machine.lex_next(*state, byte)?;
            if next == LexState::DEAD {
                continue;
            }
            match self.push(read, byte) {
                Next::Free => break true,
                Next::Closed(value) => {
                    if !self.repeats(next, &value)? {
                        break true;
                    }
                }
                Next::Threatened(read) => {
                    let spot = (next, key(&read));
                    match fates.lives.get(&spot) {
                        Some(true) => break 'search true,
                        Some(false) => {}
                        None => {
                            if seen.insert(spot) {
                                path.push((next, read, 0));
                            }
                        }
                    }
                }
            }
            if seen.len() as u64 > self.core.max_steps {
                let limit = self.core.max_steps;
                let error = LimitError::new("steps along values read", seen.len() as u64, limit);
                return Err(error.into());
            }
        };
        match lives {
            // What leads on to something that lives.
            true => {
                let along = path.iter().map(|(state, read, _)| (*state, key(read)));
                fates.lives.extend(along.map(|spot| (spot, true)));
            }
            false => {
                let all = seen.into_iter().map(|spot| (spot, false));
                fates.lives.extend(all);
            }
        }
        Ok(lives)
    }

    /// Adds those of the tokens below a node in which a number ends that [grows](Growing) there: all others
    /// lead to infinitely many values.
    fn ending(
        &self,
        root: usize,
        (state, text): (LexState, &[u8]),
        walk: &mut Walk,
    ) -> Result<(), MatchError> {
        let vocabulary = &*self.core.vocabulary;
        let trie = vocabulary.trie();
        let nodes = trie.nodes();
        let mut end = 0;
        for &node in vocabulary.quotes().number_ends_below(trie, root) {
            let node = node as usize;
            // Below another one.
            if node < end {
                continue;
            }
            end = nodes[node].skip as usize;
            let Some(token) = trie.tokens_below(node).first() else {
                continue;
            };
            let bytes = &vocabulary.bytes(*token)[usize::from(nodes[root].depth)..];
            let digits = bytes.iter().take_while(|b| b.is_ascii_digit());
            let read = Read::Number(text.iter().chain(digits).copied().collect());
            if self.threatens(&read) {
                self.below((node, nodes[node].skip), state, read, walk)?;
            }
        }
        Ok(())
    }

    /// Adds the tokens below a node that close a string whose beginning was read so, in the lexical state
    /// `state`, as a value read before. Whatever they leave open can be completed, so states are made on
    /// the way to closing quotes only.
    fn closing(
        &self,
        root: usize,
        state: LexState,
        (spelled, reader): (&[u8], StringReader),
        out: &mut Vec<TokenId>,
    ) -> Result<(), MatchError> {
        let vocabulary = &*self.core.vocabulary;
        let trie = vocabulary.trie();
        let nodes = trie.nodes();
        let (fans, quotes) = (vocabulary.fans(), vocabulary.quotes());
        let open = |node: usize, byte: u8, within: &Within<'a>, reader: StringReader| Opened {
            children: trie.picked(node, ways_of(within, reader), Some(fans)),
            byte,
            reader,
        };
        let mut within = self.seen.within(spelled);
        let mut path: SmallVec<[Opened<'_>; 8]> = smallvec![open(root, 0, &within, reader)];
        // What a byte adds to the canonical bytes.
        let mut piece = Vec::new();
        while let Some(top) = path.last_mut() {
            let Some(i) = top.children.next() else {
                path.pop();
                within.back();
                continue;
            };
            let node = &nodes[i];
            let mut reader = top.reader;
            piece.clear();
            if reader.push(node.byte, &mut piece) == Pushed::Closed {
                if within.has_whole() {
                    let mut after = state;
                    for byte in path[1..].iter().map(|p| p.byte).chain([node.byte]) {
                        after = self.core.machine.lex_next(after, byte)?;
                    }
                    if after != LexState::DEAD && self.differs(after)? {
                        out.extend_from_slice(trie.tokens_below(i));
                    }
                }
            } else if quotes.is_before_quote(i) {
                within.go(&piece);
                match within.is_empty() {
                    true => within.back(),
                    false => path.push(open(i, node.byte, &within, reader)),
                }
            }
        }
        Ok(())
    }

    /// The tokens that go on inside the lexeme or end it, and must not, because a value read before
    /// would be repeated or could not be avoided. In no order; may name tokens that the row lacks.
    pub(crate) fn forbidden(&self) -> Result<Vec<TokenId>, MatchError> {
        let machine = &*self.core.machine;
        let vocabulary = &*self.core.vocabulary;
        let trie = vocabulary.trie();
        let nodes = trie.nodes();
        let mut walk = Walk::default();
        if nodes.is_empty() {
            return Ok(walk.out);
        }
        match &self.read {
            Read::Text { spelled, reader } if machine.lex_is_boundless(self.state) => {
                self.closing(0, self.state, (spelled, *reader), &mut walk.out)?;
            }
            // Nothing is repeated where no value has begun.
            Read::Nothing => {
                for node in vocabulary
                    .quotes()
                    .value_starts()
                    .iter()
                    .map(|n| *n as usize)
                {
                    let Some(&token) = trie.tokens_below(node).first() else {
                        continue;
                    };
                    let bytes = vocabulary.bytes(token).iter();
                    let mut state = self.state;
                    for &byte in bytes.take_while(|b| b" \t\n\r".contains(b)) {
                        state = match state {
                            LexState::DEAD => state,
                            state => machine.lex_next(state, byte)?,
                        };
                    }
                    if state != LexState::DEAD
                        && machine.lex_next(state, nodes[node].byte)? != LexState::DEAD
                    {
                        let below = (node, nodes[node].skip);
                        self.below(below, state, Read::Nothing, &mut walk)?;
                    }
                }
            }
            read => self.below((1, nodes[0].skip), self.state, read.clone(), &mut walk)?,
        }
        Ok(walk.out)
    }

    /// Adds those of the tokens below some nodes, which are children of one node and their subtrees.
    fn below(
        &self,
        (from, to): (usize, u32),
        state: LexState,
        read: Read,
        walk: &mut Walk,
    ) -> Result<(), MatchError> {
        let machine = &*self.core.machine;
        let trie = self.core.vocabulary.trie();
        let nodes = trie.nodes();
        // For each node on the path to here: where its subtree ends, how far it has read, the bytes that matter
        // then, and whether a number that ends there repeats one.
        let ways = self.ways(&read);
        let mut path = vec![(to, state, read, ways, None)];
        let mut i = from;
        while i < to as usize {
            let node = &nodes[i];
            while path.len() > 1 && path[path.len() - 1].0 as usize <= i {
                path.pop();
            }
            let top = path.len() - 1;
            let (_, state, read, ways, repeats) = &mut path[top];
            if ways.is_some_and(|ways| !ways.contains(node.byte)) {
                i = node.skip as usize;
                continue;
            }
            let next = machine.lex_next(*state, node.byte)?;
            if next == LexState::DEAD {
                if let Read::Number(text) = read {
                    let repeats = match *repeats {
                        Some(known) => known,
                        None => *repeats.insert(self.repeats(*state, &value(text))?),
                    };
                    if repeats {
                        walk.out.extend_from_slice(trie.tokens_below(i));
                    }
                }
                i = node.skip as usize;
                continue;
            }
            match self.push(read, node.byte) {
                Next::Free => i = node.skip as usize,
                Next::Closed(value) => {
                    if self.repeats(next, &value)? {
                        walk.out.extend_from_slice(trie.tokens_below(i));
                    }
                    i = node.skip as usize;
                }
                Next::Threatened(Read::Text { spelled, reader })
                    if machine.lex_is_boundless(next) =>
                {
                    self.closing(i, next, (&spelled, reader), &mut walk.out)?;
                    i = node.skip as usize;
                }
                Next::Threatened(read) => {
                    // (Greater depths are not told apart.)
                    if let Read::Number(text) = &read
                        && node.byte.is_ascii_digit()
                        && node.depth < u8::MAX
                        && walk.fates.growing.grows(machine, next, text)?
                    {
                        self.ending(i, (next, text), walk)?;
                        i = node.skip as usize;
                        continue;
                    }
                    let here = trie.tokens_at(i);
                    if !here.is_empty() && !self.lives(next, &read, &mut walk.fates)? {
                        walk.out.extend_from_slice(here);
                    }
                    let ways = self.ways(&read);
                    path.push((node.skip, next, read, ways, None));
                    i += 1;
                }
            }
        }
        Ok(())
    }
}

/// The bytes after which a string may still become one of these values, at least, or which close it as
/// one.
fn ways_of(within: &Within<'_>, reader: StringReader) -> ByteSet {
    let next = within.next_bytes();
    if reader.inside_escape() {
        return reader.ways(next);
    }
    let mut ways = next;
    // What it is in canonical bytes is spelled by an escape.
    ways.remove(b'"');
    ways.remove(b'\\');
    if next != ByteSet::default() {
        ways.insert(b'\\');
    }
    if within.has_whole() {
        ways.insert(b'"');
    }
    ways
}

/// What tells two beginnings apart that lead to different values. Zeros that change no value are left
/// out (of those that may change the next digit's place, 64 are told apart), so that a walk ends.
pub(crate) fn key(read: &Read) -> Read {
    let Read::Number(text) = read else {
        return read.clone();
    };
    let number = Number::read(text);
    let mut key = number.canonical();
    key.push(if number.has_exponent { b'e' } else { b'.' });
    if number.significant().is_empty() {
        key.push(if number.negative { b'-' } else { b'+' });
        if !number.has_exponent {
            key.push(number.scale().min(64) as u8);
        }
    }
    // After an `e`, its sign or a point other bytes follow than after a digit.
    let last = text.last().copied().unwrap_or_default();
    key.push(if last.is_ascii_digit() { b'0' } else { last });
    Read::Number(key)
}
