//! Earley's recogniser over bytes.
//!
//! Column `k` holds the items after `k` bytes. An item is a right side, how much of it has been
//! seen, and the column where it began. Each terminal that an item waits for is read by a scanner
//! of its own: a language, derived byte by byte. When a scanner's language holds the empty string,
//! its terminal ends here *and* the scanner goes on.
//!
//! Only right sides that derive some text are ever predicted, and scanners whose language became
//! empty are dropped, so a column is viable if and only if a scanner reached it.

use super::{Language, Oracle, OracleError};
use maskwright_grammar::ir::ExprId;
use maskwright_grammar::{Expr, TerminalId};
use maskwright_tables::Vocabulary;
use rustc_hash::{FxHashMap as HashMap, FxHashSet as HashSet};

/// How many items one column may hold.
const COLUMN_BUDGET: usize = 100_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Item {
    expr: ExprId,
    choice: u32,
    dot: u32,
    origin: u32,
}

/// A lexeme under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Scanner {
    terminal: TerminalId,
    /// Whether the lexeme is one of the ignored ones.
    ignored: bool,
    start: u32,
    rest: Language,
}

#[derive(Clone, Debug, Default)]
struct Column {
    items: HashSet<Item>,
    /// Items by the right side that they wait for.
    waiting: HashMap<ExprId, Vec<Item>>,
    /// Items that wait for a terminal.
    at_terminal: Vec<(TerminalId, Item)>,
    /// `(right side, where it began)` of everything that is complete here.
    complete: HashSet<(ExprId, u32)>,
    scanners: HashSet<Scanner>,
    viable: bool,
    accepting: bool,
}

/// A chart that grows and shrinks by a byte at a time.
#[derive(Clone, Debug)]
pub struct Session<'o> {
    oracle: &'o Oracle,
    columns: Vec<Column>,
}

impl<'o> Session<'o> {
    pub(super) fn new(oracle: &'o Oracle) -> Result<Self, OracleError> {
        let mut session = Session {
            oracle,
            columns: vec![Column::default()],
        };
        let viable = oracle.is_productive(oracle.start);
        session.columns[0].viable = viable;
        let mut agenda = Vec::new();
        if viable {
            predict(oracle, oracle.start, 0, &mut agenda);
        }
        session.close(agenda)?;
        Ok(session)
    }

    /// The number of bytes read.
    pub fn len(&self) -> usize {
        self.columns.len() - 1
    }

    /// Whether no byte has been read.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether some continuation makes a sentence.
    pub fn is_viable(&self) -> bool {
        self.last().viable
    }

    /// Whether the text is a sentence.
    pub fn is_accepting(&self) -> bool {
        self.last().accepting
    }

    fn last(&self) -> &Column {
        &self.columns[self.columns.len() - 1]
    }

    /// Reads one byte and says whether the text is still viable. A text that is not can be grown
    /// further; it stays dead until enough bytes are popped.
    ///
    /// # Errors
    /// The budget is exhausted.
    pub fn push(&mut self, byte: u8) -> Result<bool, OracleError> {
        let mut column = Column::default();
        let mut agenda = Vec::new();
        let mut ends_again = false;
        {
            let mut languages = self.oracle.languages.borrow_mut();
            for scanner in &self.last().scanners {
                let rest = languages.derive(scanner.rest, byte);
                if !languages.is_live(rest)? {
                    continue;
                }
                column.viable = true;
                column.scanners.insert(Scanner { rest, ..*scanner });
                if !languages.is_nullable(rest) {
                    continue;
                }
                let began = &self.columns[scanner.start as usize];
                for (terminal, item) in &began.at_terminal {
                    if scanner.ignored {
                        agenda.push(*item);
                    } else if *terminal == scanner.terminal {
                        agenda.push(Item { dot: 1, ..*item });
                    }
                }
                ends_again |= scanner.ignored && began.accepting;
            }
        }
        column.accepting = ends_again;
        self.columns.push(column);
        self.close(agenda)?;
        Ok(self.is_viable())
    }

    /// Forgets the last byte, if there is one.
    pub fn pop(&mut self) {
        if self.columns.len() > 1 {
            self.columns.pop();
        }
    }

    /// Adds all that follows from the items in the agenda to the last column.
    fn close(&mut self, mut agenda: Vec<Item>) -> Result<(), OracleError> {
        let oracle = self.oracle;
        let here = self.len() as u32;
        let (earlier, last) = self.columns.split_at_mut(here as usize);
        let column = &mut last[0];
        while let Some(item) = agenda.pop() {
            if !column.items.insert(item) {
                continue;
            }
            if column.items.len() > COLUMN_BUDGET {
                return Err(OracleError::Budget("items"));
            }
            if let (Expr::Terminal(terminal), 0) = (oracle.expr(item.expr), item.dot) {
                column.at_terminal.push((*terminal, item));
                if oracle
                    .languages
                    .borrow()
                    .is_nullable(oracle.terminal(*terminal))
                {
                    agenda.push(Item { dot: 1, ..item });
                }
            }
            if let Some(part) = oracle.waits_on(item.expr, item.choice, item.dot)
                && oracle.is_productive(part)
            {
                column.waiting.entry(part).or_default().push(item);
                predict(oracle, part, here, &mut agenda);
                if column.complete.contains(&(part, here)) {
                    agenda.push(Item {
                        dot: oracle.next_dot(item.expr, item.dot),
                        ..item
                    });
                }
            }
            if oracle.is_complete(item.expr, item.dot)
                && column.complete.insert((item.expr, item.origin))
            {
                let began = earlier.get(item.origin as usize).unwrap_or(&*column);
                for waiter in began.waiting.get(&item.expr).into_iter().flatten() {
                    agenda.push(Item {
                        dot: oracle.next_dot(waiter.expr, waiter.dot),
                        ..*waiter
                    });
                }
            }
        }
        column.accepting |= column.complete.contains(&(oracle.start, 0));
        let fresh: HashSet<TerminalId> = column.at_terminal.iter().map(|(t, _)| *t).collect();
        let mut start = |terminal: TerminalId, ignored| {
            let rest = oracle.terminal(terminal);
            column.scanners.insert(Scanner {
                terminal,
                ignored,
                start: here,
                rest,
            });
        };
        let gap = column.accepting || !fresh.is_empty();
        for terminal in fresh {
            start(terminal, false);
        }
        if gap {
            for terminal in &oracle.grammar.ignore {
                start(*terminal, true);
            }
        }
        Ok(())
    }

    /// The mask of the text read so far; see [`Oracle::allowed`].
    ///
    /// # Errors
    /// The budget is exhausted.
    pub fn allowed(&mut self, vocabulary: &Vocabulary) -> Result<Vec<bool>, OracleError> {
        let mut tokens: Vec<(&[u8], usize)> = vocabulary
            .text_tokens()
            .map(|(t, b)| (b, t.index()))
            .collect();
        tokens.sort_unstable();
        self.allowed_of(&tokens, vocabulary)
    }

    /// [`Session::allowed`] with the text tokens already sorted by their bytes.
    ///
    /// # Errors
    /// The budget is exhausted.
    pub fn allowed_of(
        &mut self,
        tokens: &[(&[u8], usize)],
        vocabulary: &Vocabulary,
    ) -> Result<Vec<bool>, OracleError> {
        let mut mask = vec![false; vocabulary.width()];
        let base = self.len();
        // How many bytes of the previous token were pushed, the last of which may be dead.
        let mut previous: &[u8] = &[];
        for &(bytes, token) in tokens {
            let common = previous
                .iter()
                .zip(bytes)
                .take_while(|(a, b)| a == b)
                .count();
            while self.len() - base > common {
                self.pop();
            }
            while self.is_viable() && self.len() - base < bytes.len() {
                self.push(bytes[self.len() - base])?;
            }
            mask[token] = self.is_viable();
            previous = bytes;
        }
        while self.len() > base {
            self.pop();
        }
        for token in vocabulary.end_tokens() {
            if let Some(bit) = mask.get_mut(token.index()) {
                *bit = self.is_accepting();
            }
        }
        Ok(mask)
    }

    /// The shortest text that makes a sentence of this one, up to `longest` bytes, with the bytes
    /// tried in the given order.
    ///
    /// # Errors
    /// The budget is exhausted.
    pub fn shortest_completion(
        &mut self,
        alphabet: &[u8],
        longest: usize,
    ) -> Result<Option<Vec<u8>>, OracleError> {
        for length in 0..=longest {
            let mut found = Vec::new();
            if self.complete_within(alphabet, length, &mut found)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Depth-first search for a completion of exactly `length` bytes; recursion depth is `length`.
    fn complete_within(
        &mut self,
        alphabet: &[u8],
        length: usize,
        found: &mut Vec<u8>,
    ) -> Result<bool, OracleError> {
        if length == 0 || !self.is_viable() {
            return Ok(length == 0 && self.is_accepting());
        }
        for &byte in alphabet {
            self.push(byte)?;
            found.push(byte);
            let done = self.complete_within(alphabet, length - 1, found)?;
            self.pop();
            if done {
                return Ok(true);
            }
            found.pop();
        }
        Ok(false)
    }
}

/// Adds the first items of a right side.
fn predict(oracle: &Oracle, expr: ExprId, here: u32, agenda: &mut Vec<Item>) {
    let item = Item {
        expr,
        choice: 0,
        dot: 0,
        origin: here,
    };
    match oracle.expr(expr) {
        Expr::Alt(parts) => {
            let live = (0..parts.len()).filter(|i| oracle.is_productive(parts[*i]));
            agenda.extend(live.map(|i| Item {
                choice: i as u32,
                ..item
            }));
        }
        Expr::Seq(parts) if parts.iter().any(|p| !oracle.is_productive(*p)) => {}
        _ => agenda.push(item),
    }
}
