//! What arrays and objects read so far forbid inside others that must differ from them.
//!
//! As in [`crate::exclude`], the machine's row speaks of all values, and the matcher takes out of it the
//! tokens that would repeat one, or after which every continuation would. Here the value is not one
//! lexeme but many, so the configuration itself walks: over the vocabulary's trie, to find the tokens,
//! and along the spellings of what was read before, to find out whether anything else is left.
//!
//! Both walks end where no value read before can be repeated any more ([`Core::is_near`]): from there on
//! the row stands as it is, since a thread that lives can be completed and new elements are there (what
//! a token begins behind that is among the crossing tokens, which are tried one by one).

use crate::distinct::{Number, Pushed, StringReader};
use crate::error::MatchError;
use crate::exclude::{Read, key};
use crate::growing::Growing;
use crate::stack::Stack;
use crate::walk::{Core, Moved, Thread};
use maskwright_tables::{ByteSet, LabelSet, LexState, LimitError, TokenId};
use rustc_hash::FxHashSet;
use smallvec::SmallVec;

/// The bytes that JSON has outside strings, those first that lead soonest to a name or value that is new. What
/// ends a number comes before what makes it longer, white space late, and zero last: with zeros a number can
/// stay equal to another one for ever.
const OUTSIDE: &[u8] = b",\":]}987654321[{tfn-.eE+aulrs \n\r\t0";
/// White space.
const GAPS: &[u8] = b" \n\r\t";

impl Core {
    /// Whether a value read before may be repeated in what is open; what comes after that aside.
    fn is_threatened(&self, thread: &Thread, read: &Read) -> Result<bool, MatchError> {
        if let Some(record) = thread.stack.record()
            && record.is_threatened(read)
        {
            return Ok(true);
        }
        if *read != Read::Nothing {
            return Ok(self.exclusion(thread).is_some());
        }
        match thread.stack.top() {
            Some(top) if thread.lexeme.is_tracked() && thread.stack.seen().is_some() => {
                Ok(self.machine.may_run_out(top)?)
            }
            _ => Ok(false),
        }
    }

    /// Whether the thread is at a place from which a few bytes can lead to a repetition of an array or
    /// object, or to a place where only such are left.
    pub(crate) fn needs_walk(&self, thread: &Thread) -> Result<bool, MatchError> {
        if thread.lex == LexState::DEAD || !thread.lexeme.is_tracked() {
            return Ok(false);
        }
        let record = thread.stack.record().filter(|r| r.has_targets());
        let seen = thread.stack.seen();
        if record.is_none() && (seen.is_none() || thread.lexeme.is_begun()) {
            return Ok(false);
        }
        let read = Read::of(&thread.lexeme.bytes());
        if record.is_some_and(|r| r.is_threatened(&read)) {
            return Ok(true);
        }
        let Some(seen) = seen.filter(|_| read == Read::Nothing) else {
            return Ok(false);
        };
        let composites = seen.has_beginning(b"[") || seen.has_beginning(b"{");
        Ok(composites || self.is_threatened(thread, &read)?)
    }

    /// Whether any value read before may be repeated from here on without another lexeme that must
    /// differ having begun first.
    fn is_near(&self, thread: &Thread) -> bool {
        let record = thread.stack.record();
        thread.lex != LexState::DEAD
            && thread.lexeme.is_tracked()
            && (record.is_some_and(|r| r.is_threatened(&Read::of(&thread.lexeme.bytes())))
                || self.exclusion(thread).is_some())
    }

    /// Whether a byte may go on inside a lexeme, or behind one.
    fn goes_on(&self, threads: &[Thread], byte: u8) -> Result<bool, MatchError> {
        for thread in threads.iter().filter(|t| t.lex != LexState::DEAD) {
            if self.machine.lex_accept(thread.lex) != LabelSet::NONE
                || self.machine.lex_next(thread.lex, byte)? != LexState::DEAD
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The bytes after which threads may still come to repeat something, at least, and the closing quote of a
    /// string; `None` where that is not known, or a thread was refused.
    fn ways(&self, moved: &Moved) -> Option<ByteSet> {
        let [thread] = &moved.threads[..] else {
            return None;
        };
        if moved.repeats || !thread.lexeme.is_tracked() {
            return None;
        }
        let bytes = thread.lexeme.bytes();
        if !thread.lexeme.is_text() {
            let all = || OUTSIDE.iter().copied().collect();
            let Read::Number(text) = Read::of(&bytes) else {
                return Some(all());
            };
            let number = Number::read(&text);
            let mut ways = ByteSet::default();
            let next = thread.stack.record().map(|record| record.next());
            for values in next.into_iter().chain(thread.stack.seen()) {
                match number.ways(values) {
                    Some(own) => ways = ways.union(&own),
                    None => return Some(all()),
                }
            }
            return Some(ways);
        }
        let (mut reader, mut spelled) = (StringReader::default(), vec![b'"']);
        for &byte in &bytes.trim_ascii_start()[1..] {
            if reader.push(byte, &mut spelled) == Pushed::Closed {
                return None;
            }
        }
        if reader.inside_escape() {
            return None;
        }
        let mut ways = ByteSet::default();
        if let Some(record) = thread.stack.record() {
            ways = record.next().within(&spelled).next_bytes();
        }
        if let Some(seen) = thread.stack.seen() {
            ways = ways.union(&seen.within(&spelled).next_bytes());
        }
        // An escape sequence may spell any of them.
        ways.insert(b'\\');
        ways.insert(b'"');
        Some(ways)
    }

    /// Whether a number is under way in one of these threads that [grows](Growing).
    pub(crate) fn grows(
        &self,
        threads: &[Thread],
        growing: &mut Growing,
    ) -> Result<bool, MatchError> {
        let machine = &*self.machine;
        for thread in threads.iter().filter(|t| t.lexeme.is_tracked()) {
            if let Read::Number(text) = Read::of(&thread.lexeme.bytes())
                && growing.grows(machine, thread.lex, &text)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether some continuation of the thread repeats nothing.
    pub(crate) fn survives(&self, thread: &Thread) -> Result<bool, MatchError> {
        Survival::new(self).lives(thread)
    }
}

/// What tells two threads apart that are near a repetition.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Spot(LexState, Stack, Read);

/// A place on the way of a search.
struct Visit {
    thread: Thread,
    in_text: bool,
    /// Whether white space is being read.
    in_gap: bool,
    /// Whether some byte led on.
    moved: bool,
    /// How many bytes were tried.
    tried: usize,
}

impl Visit {
    fn new(thread: Thread, read: &Read) -> Self {
        Visit {
            in_text: matches!(read, Read::Text { .. }),
            in_gap: *read == Read::Nothing && !thread.lexeme.is_empty(),
            moved: false,
            tried: 0,
            thread,
        }
    }

    /// The next byte to try: of text, those first of which it is likely that nothing read before goes on
    /// with them.
    fn next_byte(&mut self) -> Option<u8> {
        const TEXT: usize = 256 - b' ' as usize;
        let n = self.tried;
        self.tried += 1;
        match self.in_text {
            // From the digits to the end, and what comes before them.
            true if n < TEXT => {
                let byte = b'0' as usize + n;
                Some(if byte > 0xff { byte - TEXT } else { byte } as u8)
            }
            true => None,
            false => OUTSIDE.get(n).copied(),
        }
    }
}

/// A node on the path of a walk along what was read before.
struct Reached {
    /// Where its subtree ends.
    end: u32,
    /// The threads, and whether another one was refused for its value on the way.
    moved: Moved,
    /// The bytes after which something may be repeated, at least; `None` where that is not known.
    ways: Option<ByteSet>,
}

/// The searches of one mask, or of one question.
pub(crate) struct Survival<'a> {
    core: &'a Core,
    alive: FxHashSet<Spot>,
    dead: FxHashSet<Spot>,
    growing: Growing,
    steps: u64,
}

impl<'a> Survival<'a> {
    pub(crate) fn new(core: &'a Core) -> Self {
        Survival {
            core,
            alive: FxHashSet::default(),
            dead: FxHashSet::default(),
            growing: Growing::default(),
            steps: 0,
        }
    }

    fn spend(&mut self) -> Result<(), MatchError> {
        self.core.check_cancel("advance")?;
        self.steps += 1;
        if self.steps > self.core.max_steps {
            let (needed, limit) = (self.steps, self.core.max_steps);
            return Err(LimitError::new("steps along values read", needed, limit).into());
        }
        Ok(())
    }

    /// Whether a number is under way that [grows](Growing): it and the values that it belongs to can still
    /// differ from all others.
    fn grows(&mut self, thread: &Thread, read: &Read) -> Result<bool, MatchError> {
        let Read::Number(text) = read else {
            return Ok(false);
        };
        let machine = &*self.core.machine;
        Ok(self.growing.grows(machine, thread.lex, text)?)
    }

    /// Whether some continuation of the thread repeats nothing. Looks only along spellings of values
    /// read before.
    // What a record finds out later counts neither for equality nor for hashes.
    #[expect(clippy::mutable_key_type)]
    fn lives(&mut self, thread: &Thread) -> Result<bool, MatchError> {
        let core = self.core;
        if thread.lex == LexState::DEAD || !thread.lexeme.is_tracked() || core.is_boundless(thread)
        {
            return Ok(true);
        }
        let read = Read::of(&thread.lexeme.bytes());
        if self.grows(thread, &read)? || !core.is_threatened(thread, &read)? {
            return Ok(true);
        }
        let first = Spot(thread.lex, thread.stack.clone(), key(&read));
        if self.alive.contains(&first) {
            return Ok(true);
        }
        if self.dead.contains(&first) {
            return Ok(false);
        }
        let mut visited: FxHashSet<Spot> = [first.clone()].into_iter().collect();
        let mut path = vec![Visit::new(thread.clone(), &read)];
        // Deep first: the first name or value that is new ends the search.
        'search: while let Some(at) = path.last_mut() {
            while let Some(byte) = at.next_byte() {
                // More white space changes nothing where a gap may end.
                if at.moved && at.in_gap && GAPS.contains(&byte) {
                    continue;
                }
                self.spend()?;
                let mut deeper: SmallVec<[Visit; 1]> = SmallVec::new();
                for next in core.step(std::slice::from_ref(&at.thread), byte)?.threads {
                    at.moved = true;
                    let read = Read::of(&next.lexeme.bytes());
                    let spot = Spot(next.lex, next.stack.clone(), key(&read));
                    if next.lex == LexState::DEAD
                        || !next.lexeme.is_tracked()
                        || core.is_boundless(&next)
                        || self.grows(&next, &read)?
                        || self.alive.contains(&spot)
                        || !core.is_threatened(&next, &read)?
                    {
                        self.alive.insert(first);
                        return Ok(true);
                    }
                    if !self.dead.contains(&spot) && visited.insert(spot) {
                        deeper.push(Visit::new(next, &read));
                    }
                }
                if !deeper.is_empty() {
                    path.extend(deeper);
                    continue 'search;
                }
            }
            path.pop();
        }
        self.dead.extend(visited);
        Ok(false)
    }

    /// The tokens that would repeat a value read before on this thread, or leave no other way. In no
    /// order; may name tokens that the row lacks.
    pub(crate) fn forbidden(&mut self, thread: &Thread) -> Result<Vec<TokenId>, MatchError> {
        let core = self.core;
        let trie = core.vocabulary.trie();
        let quotes = core.vocabulary.quotes();
        let nodes = trie.nodes();
        let mut out = Vec::new();
        if nodes.is_empty() {
            return Ok(out);
        }
        let root = Moved {
            threads: [thread.clone()].into_iter().collect(),
            repeats: false,
        };
        let reached = |end: u32, moved: Moved| Reached {
            end,
            ways: core.ways(&moved),
            moved,
        };
        let mut path = vec![reached(nodes[0].skip, root)];
        let mut i = 1;
        while i < nodes.len() {
            let node = &nodes[i];
            while path.len() > 1 && path[path.len() - 1].end as usize <= i {
                path.pop();
            }
            let before = &path[path.len() - 1];
            if before.ways.is_some_and(|ways| !ways.contains(node.byte)) {
                i = node.skip as usize;
                continue;
            }
            if !before.moved.repeats && !core.goes_on(&before.moved.threads, node.byte)? {
                i = node.skip as usize;
                continue;
            }
            self.spend()?;
            let mut moved = core.step(&before.moved.threads, node.byte)?;
            moved.repeats |= before.moved.repeats;
            if moved.threads.is_empty() {
                if moved.repeats {
                    out.extend_from_slice(trie.tokens_below(i));
                }
                i = node.skip as usize;
                continue;
            }
            if !moved.repeats && !moved.threads.iter().any(|t| core.is_near(t)) {
                i = node.skip as usize;
                continue;
            }
            // Numbers that grow with all digits below.
            if node.byte.is_ascii_digit()
                && quotes.number_ends_below(trie, i).is_empty()
                && core.grows(&moved.threads, &mut self.growing)?
            {
                i = node.skip as usize;
                continue;
            }
            // More white space changes nothing.
            if let [thread] = &moved.threads[..]
                && quotes.is_blank(i)
                && thread.lexeme.is_tracked()
                && !thread.lexeme.is_begun()
                && self.lives(thread)?
            {
                i = node.skip as usize;
                continue;
            }
            let here = trie.tokens_at(i);
            if !here.is_empty() {
                let mut lives = false;
                for thread in &moved.threads {
                    lives = lives || self.lives(thread)?;
                }
                if !lives {
                    out.extend_from_slice(here);
                }
            }
            path.push(reached(node.skip, moved));
            i += 1;
        }
        Ok(out)
    }
}
