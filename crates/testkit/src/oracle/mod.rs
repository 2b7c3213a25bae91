//! The slow oracle: which texts are sentences, and which can still become one.
//!
//! Everything here is written from the textbook and is obvious rather than fast. It shares no code
//! with the automata, compiler and runtime crates; the only common ground is the grammar IR.
//!
//! - [`language`]: terminals as Brzozowski derivatives of a plain expression tree;
//! - [`spans`]: the same terminals a second time, as a direct reading of what each node denotes
//!   (no derivatives; membership only), to check the first with;
//! - [`earley`]: an Earley recogniser over bytes, every terminal a scanner of its own, no maximal
//!   munch, with columns that can be pushed and popped;
//! - [`product`]: grammar × vocabulary as a chart over the vocabulary's prefix tree, which decides
//!   whether a text can be completed *with these tokens*;
//! - [`schema`]: JSON Schema graphs written out as grammars, a lower and an upper bound.
//!
//! Meaning of a grammar: a sentence is a sequence of lexemes, none of them empty, that the rules
//! derive, with any number of ignored lexemes before, between and after them. A terminal that
//! matches the empty string is optional.
//!
//! The oracle recurses on the nesting of regexes and refuses inputs nested deeper than
//! [`MAX_DEPTH`]; all searches stop at a budget with [`OracleError`], which is never an answer.

pub mod earley;
pub mod language;
pub mod product;
pub mod schema;
pub mod spans;

pub use earley::Session;
pub use language::{Language, Languages};

use maskwright_grammar::ir::ExprId;
use maskwright_grammar::{Expr, Grammar, TerminalId};
use maskwright_tables::Vocabulary;
use std::cell::RefCell;
use std::fmt;

/// The deepest nesting of a terminal's regex that the oracle reads.
pub const MAX_DEPTH: usize = 400;

/// Why the oracle has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OracleError {
    /// A search visited more than it may.
    Budget(&'static str),
    /// A regex is nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// The grammar has no start rule.
    NoStart,
}

impl fmt::Display for OracleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OracleError::Budget(what) => write!(f, "the oracle gave up: too many {what}"),
            OracleError::TooDeep => write!(f, "a regex is nested deeper than {MAX_DEPTH}"),
            OracleError::NoStart => f.write_str("the grammar has no start rule"),
        }
    }
}

impl std::error::Error for OracleError {}

/// The slow, obvious judge of one grammar.
#[derive(Debug)]
pub struct Oracle {
    grammar: Grammar,
    start: ExprId,
    languages: RefCell<Languages>,
    /// The language of each terminal.
    terminals: Vec<Language>,
    /// Which right sides derive any text at all over the alphabet, by expression id.
    productive: Vec<bool>,
}

impl Oracle {
    /// The oracle of a grammar over all 256 bytes.
    ///
    /// # Errors
    /// A grammar without a start rule, or terminals too large to look through.
    pub fn new(grammar: &Grammar) -> Result<Self, OracleError> {
        Self::build(grammar, None)
    }

    /// The oracle of a grammar when only these bytes exist.
    ///
    /// # Errors
    /// As for [`Oracle::new`].
    pub fn with_alphabet(grammar: &Grammar, bytes: &[u8]) -> Result<Self, OracleError> {
        Self::build(grammar, Some(bytes))
    }

    /// The oracle of a grammar and a vocabulary: when every byte of every token is itself a token,
    /// a text can be completed with tokens if and only if it can be completed with those bytes, so
    /// the Earley chart alone is exact. Otherwise use [`Oracle::viable_with`].
    ///
    /// # Errors
    /// As for [`Oracle::new`].
    pub fn with_vocabulary(
        grammar: &Grammar,
        vocabulary: &Vocabulary,
    ) -> Result<Self, OracleError> {
        Self::build(grammar, Some(&single_bytes(vocabulary)))
    }

    fn build(grammar: &Grammar, alphabet: Option<&[u8]>) -> Result<Self, OracleError> {
        let start = grammar.start.ok_or(OracleError::NoStart)?;
        let mut languages = Languages::new(alphabet);
        let imported = languages.import(&grammar.regexes)?;
        let terminals: Vec<Language> = grammar
            .terminals
            .iter()
            .map(|t| imported[t.regex.0 as usize])
            .collect();
        let mut oracle = Oracle {
            grammar: grammar.clone(),
            start: grammar.rules[start.0 as usize].expr,
            languages: RefCell::new(languages),
            terminals,
            productive: Vec::new(),
        };
        oracle.productive = oracle.find_productive()?;
        Ok(oracle)
    }

    /// The least fixpoint of "derives some text".
    fn find_productive(&self) -> Result<Vec<bool>, OracleError> {
        let mut languages = self.languages.borrow_mut();
        let mut known = vec![false; self.grammar.exprs.len()];
        loop {
            let mut changed = false;
            for i in 0..known.len() {
                let now = known[i]
                    || match &self.grammar.exprs[i] {
                        Expr::Empty => true,
                        Expr::Terminal(t) => languages.is_live(self.terminals[t.0 as usize])?,
                        Expr::Rule(r) => known[self.grammar.rules[r.0 as usize].expr.0 as usize],
                        Expr::Seq(parts) => parts.iter().all(|e| known[e.0 as usize]),
                        Expr::Alt(parts) => parts.iter().any(|e| known[e.0 as usize]),
                        Expr::Repeat { expr, min, max } => {
                            max.is_none_or(|max| *min <= max)
                                && (*min == 0 || known[expr.0 as usize])
                        }
                    };
                changed |= now != known[i];
                known[i] = now;
            }
            if !changed {
                return Ok(known);
            }
        }
    }

    /// The grammar that is judged.
    pub fn grammar(&self) -> &Grammar {
        &self.grammar
    }

    /// A chart of the empty text.
    ///
    /// # Errors
    /// The budget is exhausted.
    pub fn session(&self) -> Result<Session<'_>, OracleError> {
        Session::new(self)
    }

    /// A chart of this text.
    ///
    /// # Errors
    /// The budget is exhausted.
    pub fn session_at(&self, text: &[u8]) -> Result<Session<'_>, OracleError> {
        let mut session = self.session()?;
        for &b in text {
            session.push(b)?;
        }
        Ok(session)
    }

    /// Whether the text is a sentence.
    ///
    /// # Errors
    /// The budget is exhausted.
    pub fn accepts(&self, text: &[u8]) -> Result<bool, OracleError> {
        Ok(self.session_at(text)?.is_accepting())
    }

    /// Whether some text over the alphabet makes a sentence of this one.
    ///
    /// # Errors
    /// The budget is exhausted.
    pub fn is_viable(&self, text: &[u8]) -> Result<bool, OracleError> {
        Ok(self.session_at(text)?.is_viable())
    }

    /// Whether some sequence of text tokens makes a sentence of this text. Exact for every
    /// vocabulary; meant for toys.
    ///
    /// # Errors
    /// The budget is exhausted.
    pub fn viable_with(&self, text: &[u8], vocabulary: &Vocabulary) -> Result<bool, OracleError> {
        product::viable_with(self, text, vocabulary)
    }

    /// The mask after `prefix`, one entry for each id below the vocabulary's width: a text token
    /// is allowed when `prefix` plus its bytes can be completed, an end token when `prefix` is a
    /// sentence, every other id never.
    ///
    /// Completed over the oracle's alphabet; see [`Oracle::allowed_with`] for vocabularies in which
    /// some bytes exist only inside longer tokens.
    ///
    /// # Errors
    /// The budget is exhausted.
    pub fn allowed(
        &self,
        prefix: &[u8],
        vocabulary: &Vocabulary,
    ) -> Result<Vec<bool>, OracleError> {
        self.session_at(prefix)?.allowed(vocabulary)
    }

    /// The mask after `prefix` when only whole tokens can complete it. Slower than
    /// [`Oracle::allowed`] and exact for every vocabulary.
    ///
    /// # Errors
    /// The budget is exhausted.
    pub fn allowed_with(
        &self,
        prefix: &[u8],
        vocabulary: &Vocabulary,
    ) -> Result<Vec<bool>, OracleError> {
        let mut session = self.session_at(prefix)?;
        let mut mask = session.allowed(vocabulary)?;
        for (token, bytes) in vocabulary.text_tokens() {
            if mask[token.index()] {
                let text = [prefix, bytes].concat();
                mask[token.index()] = self.viable_with(&text, vocabulary)?;
            }
        }
        Ok(mask)
    }

    pub(crate) fn expr(&self, id: ExprId) -> &Expr {
        self.grammar.expr(id)
    }

    pub(crate) fn terminal(&self, id: TerminalId) -> Language {
        self.terminals[id.0 as usize]
    }

    pub(crate) fn is_productive(&self, id: ExprId) -> bool {
        self.productive[id.0 as usize]
    }

    /// The right side on which an item at `dot` waits, if any. `choice` is the branch of an
    /// [`Expr::Alt`].
    pub(crate) fn waits_on(&self, expr: ExprId, choice: u32, dot: u32) -> Option<ExprId> {
        match self.expr(expr) {
            Expr::Empty | Expr::Terminal(_) => None,
            Expr::Rule(r) => (dot == 0).then(|| self.grammar.rules[r.0 as usize].expr),
            Expr::Seq(parts) => parts.get(dot as usize).copied(),
            Expr::Alt(parts) => (dot == 0).then(|| parts[choice as usize]),
            Expr::Repeat { expr, max, .. } => max.is_none_or(|max| dot < max).then_some(*expr),
        }
    }

    /// Whether an item at `dot` has all that it needs.
    pub(crate) fn is_complete(&self, expr: ExprId, dot: u32) -> bool {
        match self.expr(expr) {
            Expr::Empty => true,
            Expr::Terminal(_) | Expr::Rule(_) | Expr::Alt(_) => dot == 1,
            Expr::Seq(parts) => dot as usize == parts.len(),
            Expr::Repeat { min, max, .. } => dot >= *min && max.is_none_or(|max| dot <= max),
        }
    }

    /// The dot after one more part. Copies above the minimum of an unbounded repeat are not
    /// counted, which keeps the items finite.
    pub(crate) fn next_dot(&self, expr: ExprId, dot: u32) -> u32 {
        match self.expr(expr) {
            Expr::Repeat { min, max: None, .. } => (dot + 1).min(*min),
            _ => dot + 1,
        }
    }
}

/// The bytes that are text tokens by themselves.
pub fn single_bytes(vocabulary: &Vocabulary) -> Vec<u8> {
    let mut bytes: Vec<u8> = vocabulary
        .text_tokens()
        .filter_map(|(_, b)| match b {
            [one] => Some(*one),
            _ => None,
        })
        .collect();
    bytes.sort_unstable();
    bytes.dedup();
    bytes
}

/// Whether every byte of every text token is a token by itself, so that completing with tokens
/// and completing with those bytes are one.
pub fn is_byte_complete(vocabulary: &Vocabulary) -> bool {
    let singles = single_bytes(vocabulary);
    vocabulary
        .text_tokens()
        .all(|(_, b)| b.iter().all(|b| singles.binary_search(b).is_ok()))
}
