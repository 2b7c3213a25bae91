//! A plain matcher over frames: every reading of a text, byte by byte.

use maskwright_automata::{Control, ControlError, Frames, Lexicon, StackReader};
use maskwright_grammar::json_schema::Decimal;
use maskwright_tables::{LabelSet, LexState, Part, Symbol};
use std::collections::BTreeMap;
use std::sync::Arc;

struct Stack<'s>(&'s [Symbol]);

impl StackReader for Stack<'_> {
    fn read(&mut self, depth: usize) -> Result<Option<Symbol>, ControlError> {
        Ok(self.0.len().checked_sub(depth + 1).map(|i| self.0[i]))
    }
}

/// One reading of the text so far.
#[derive(Clone)]
struct Thread {
    state: LexState,
    stack: Vec<Symbol>,
    /// The unlisted names of each open object and the elements of some arrays, by stack entry.
    values: Vec<Vec<String>>,
    lexeme: Vec<u8>,
    text: Vec<u8>,
    /// Where an array or object that must differ began, by stack entry.
    opened: Vec<Option<usize>>,
}

/// A value in a spelling that equal values share. Numbers are compared by value, whatever their size.
fn canonical(text: &str) -> String {
    let number = |text: &str| match Decimal::parse(text) {
        Ok(number) => number.to_string(),
        Err(_) => text.to_string(),
    };
    fn write(value: &serde_json::Value, number: &dyn Fn(&str) -> String) -> String {
        match value {
            serde_json::Value::Number(n) => number(&n.to_string()),
            serde_json::Value::Array(all) => {
                let all: Vec<String> = all.iter().map(|v| write(v, number)).collect();
                format!("[{}]", all.join(","))
            }
            serde_json::Value::Object(all) => {
                let all: BTreeMap<&String, String> =
                    all.iter().map(|(k, v)| (k, write(v, number))).collect();
                format!("{all:?}")
            }
            other => other.to_string(),
        }
    }
    if text.ends_with(|c: char| c.is_ascii_digit()) {
        return number(text);
    }
    write(&serde_json::from_str(text).unwrap(), &number)
}

/// All readings of the text so far.
#[derive(Clone)]
pub struct Matcher<'f> {
    frames: &'f Frames,
    lexicon: Arc<Lexicon>,
    threads: Vec<Thread>,
}

impl<'f> Matcher<'f> {
    pub fn new(frames: &'f Frames, lexicon: &Arc<Lexicon>) -> Result<Self, ControlError> {
        let start = frames.start();
        let thread = Thread {
            state: frames.lex_start(start)?,
            stack: vec![start],
            values: vec![Vec::new()],
            lexeme: Vec::new(),
            text: Vec::new(),
            opened: vec![None],
        };
        assert_ne!(
            thread.state,
            LexState::DEAD,
            "the first lexeme is a dead end"
        );
        Ok(Matcher {
            frames,
            lexicon: lexicon.clone(),
            threads: vec![thread],
        })
    }

    /// The threads after a lexeme ends here: several where a value can be read in several ways.
    fn finish(&self, thread: &Thread) -> Result<Vec<Thread>, ControlError> {
        let set = self.lexicon.accept(thread.state);
        if set == LabelSet::NONE {
            return Ok(Vec::new());
        }
        let labels = self.lexicon.labels(set);
        let mut next = thread.clone();
        let top = *thread.stack.last().unwrap();
        if self.frames.must_differ(top, labels)? {
            assert!(self.frames.distinct(top)?);
            let text = std::str::from_utf8(thread.lexeme.trim_ascii()).unwrap();
            let value = canonical(text);
            let values = next.values.last_mut().unwrap();
            if values.contains(&value) {
                return Ok(Vec::new());
            }
            values.push(value);
        }
        let part = self.frames.part(top, labels)?;
        if part == Part::Close
            && let Some(start) = *thread.opened.last().unwrap()
        {
            let value = canonical(std::str::from_utf8(&thread.text[start..]).unwrap());
            let below = next.values.len() - 2;
            assert!(self.frames.distinct(thread.stack[below])?);
            if next.values[below].contains(&value) {
                return Ok(Vec::new());
            }
            next.values[below].push(value);
        }
        let actions = self.frames.step(&mut Stack(&thread.stack), labels)?;
        assert!(
            !actions.is_empty(),
            "lexeme {:?} is offered and refused by {}",
            String::from_utf8_lossy(&thread.lexeme),
            self.frames.describe(top)
        );
        let mut reached = Vec::new();
        for action in actions {
            let mut next = next.clone();
            next.stack.truncate(next.stack.len() - action.pop as usize);
            next.stack.extend_from_slice(&action.push);
            next.values.resize(next.stack.len(), Vec::new());
            next.opened.resize(next.stack.len(), None);
            if let Part::Open { differs: true, .. } = part {
                *next.opened.last_mut().unwrap() = Some(thread.text.len() - 1);
            }
            next.state = self.frames.lex_start(*next.stack.last().unwrap())?;
            next.lexeme.clear();
            let follows = self.frames.follows(top, labels);
            let firsts = self.lexicon.firsts(next.state)?;
            assert!(
                next.state == LexState::DEAD || firsts & !follows == 0,
                "{:?} is followed by other bytes than told at {}",
                String::from_utf8_lossy(&thread.lexeme),
                self.frames.describe(top)
            );
            if next.state == LexState::DEAD {
                assert!(
                    self.frames.ends(&mut Stack(&next.stack))?,
                    "dead end at {}",
                    self.frames.describe(*next.stack.last().unwrap())
                );
            }
            reached.push(next);
        }
        Ok(reached)
    }

    /// Reads a byte; false (and nothing changes) if no reading goes on.
    pub fn byte(&mut self, byte: u8) -> Result<bool, ControlError> {
        let mut next = Vec::new();
        for thread in &self.threads {
            let ended = self.finish(thread)?;
            for mut t in std::iter::once(thread.clone()).chain(ended) {
                t.state = self.lexicon.next(t.state, byte)?;
                t.lexeme.push(byte);
                t.text.push(byte);
                // A lexeme that cannot go on must be able to end.
                if t.state != LexState::DEAD
                    && (!self.lexicon.is_final(t.state) || !self.finish(&t)?.is_empty())
                {
                    next.push(t);
                }
            }
        }
        if next.is_empty() {
            return Ok(false);
        }
        self.threads = next;
        Ok(true)
    }

    pub fn ends(&self) -> Result<bool, ControlError> {
        for thread in &self.threads {
            if self.lexicon.is_fresh(thread.state) || thread.state == LexState::DEAD {
                if self.frames.ends(&mut Stack(&thread.stack))? {
                    return Ok(true);
                }
                continue;
            }
            for t in self.finish(thread)? {
                if self.frames.ends(&mut Stack(&t.stack))? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The bytes that can come next.
    pub fn next_bytes(&self) -> Result<Vec<u8>, ControlError> {
        let mut live = [false; 256];
        for thread in &self.threads {
            for t in std::iter::once(thread.clone()).chain(self.finish(thread)?) {
                for byte in 0..=255u8 {
                    live[usize::from(byte)] |= self.lexicon.next(t.state, byte)? != LexState::DEAD;
                }
            }
        }
        let mut bytes = Vec::new();
        for byte in (0..=255u8).filter(|b| live[usize::from(*b)]) {
            // Only the end of a name or string can be refused as a repetition.
            if byte != b'"' || self.clone().byte(byte)? {
                bytes.push(byte);
            }
        }
        Ok(bytes)
    }

    /// The lexical states of all readings.
    pub fn states(&self) -> Vec<LexState> {
        self.threads.iter().map(|t| t.state).collect()
    }

    /// What the tops of the stacks are.
    pub fn describe(&self) -> String {
        let tops = self
            .threads
            .iter()
            .map(|t| self.frames.describe(*t.stack.last().unwrap()));
        tops.collect::<Vec<_>>().join(" | ")
    }
}

/// Whether the whole text is accepted; else how many bytes were.
pub fn accepts(
    frames: &Frames,
    lexicon: &Arc<Lexicon>,
    text: &str,
) -> Result<Result<(), usize>, ControlError> {
    let mut matcher = Matcher::new(frames, lexicon)?;
    for (i, byte) in text.bytes().enumerate() {
        if !matcher.byte(byte)? {
            return Ok(Err(i));
        }
    }
    Ok(if matcher.ends()? {
        Ok(())
    } else {
        Err(text.len())
    })
}
