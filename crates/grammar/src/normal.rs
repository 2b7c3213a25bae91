//! Grammar IR → normal form: flat productions with nothing useless in them.
//!
//! In: a [`Grammar`]. Out: a [`NormalGrammar`] of the same language (as a set of byte strings; parse
//! trees are not kept, since a recogniser needs none). [`normalize`] is the only way to one, so its
//! invariants hold for every value:
//!
//! - no production is empty; whether the empty text is a sentence is a flag;
//! - no nonterminal derives itself alone (`A ⇒⁺ A`), so chains of reductions always end and there is
//!   neither hidden left recursion nor a cycle;
//! - every nonterminal is reachable and derives some sequence of terminals;
//! - no terminal matches the empty text.
//!
//! Passes, in running order, and what is true from then on:
//!
//! 1. `fuse`: regular parts with repeats of literals and classes are terminals of their own;
//! 2. `nonempty`: what a terminal matches is never empty (optional ones become choices);
//! 3. `flatten`: productions are flat; repeats are left recursive, equal helpers shared;
//! 4. `useless`: every nonterminal is productive and reachable, and the author knows which were not;
//! 5. `empties`: no production is empty;
//! 6. `units`: no unit cycles, no aliases; `duplicates`: equal nonterminals are one;
//! 7. `operators`: nonterminals that recur on both sides are lists of operators (then 6 and 4 again).
//!
//! No pass makes a parser decide earlier than the grammar as written does: each only takes decisions
//! away (which empty rule, which alias, which of two equal rules). So LR(1) grammars are expected to stay
//! LR(1); the conflict report of the machine says for each grammar whether it is.

pub(crate) mod draft;
mod duplicates;
mod empties;
mod flatten;
mod fuse;
mod nonempty;
mod operators;
mod units;
mod useless;

use crate::{Diagnostic, Diagnostics, Grammar, Place, RegexId, RegexPool};
use draft::Draft;
use maskwright_tables::{CancelFlag, LimitError, Limits, heap};
use std::fmt;

/// A symbol of a production.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sym {
    /// An index into [`NormalGrammar::terminals`].
    Terminal(u32),
    /// An index into [`NormalGrammar::nonterminals`].
    Nonterminal(u32),
}

/// A terminal of a [`NormalGrammar`]; two terminals never have the same regex node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NormalTerminal {
    /// The name as written, or the literal in quotes.
    pub name: String,
    /// What it matches, never the empty text.
    pub regex: RegexId,
    /// Where it is defined or first used.
    pub place: Place,
}

/// A nonterminal of a [`NormalGrammar`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonterminal {
    /// The rule's name, or one made from the rule that it is a part of.
    pub name: String,
    /// Where the rule is defined.
    pub place: Place,
}

/// A production `lhs → rhs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Production {
    /// The nonterminal that it belongs to.
    pub lhs: u32,
    /// What it stands for; at least one symbol.
    pub rhs: Box<[Sym]>,
}

/// A grammar in normal form; see the module for its invariants.
#[derive(Clone, Debug)]
pub struct NormalGrammar {
    terminals: Vec<NormalTerminal>,
    nonterminals: Vec<Nonterminal>,
    productions: Vec<Production>,
    /// Productions of nonterminal `n`: `first[n] .. first[n + 1]`.
    first: Vec<u32>,
    has_sentences: bool,
    has_empty_sentence: bool,
    ignore: Vec<RegexId>,
    regexes: RegexPool,
}

impl NormalGrammar {
    /// Bytes held, about. O(nodes).
    pub fn heap_bytes(&self) -> usize {
        let terminals = self.terminals.iter();
        let nonterminals = self.nonterminals.iter();
        let texts = terminals.map(|t| heap::allocation(t.name.len()) + t.place.heap_bytes());
        let names = nonterminals.map(|n| heap::allocation(n.name.len()) + n.place.heap_bytes());
        let bodies = self.productions.iter();
        heap::list::<NormalTerminal>(self.terminals.capacity())
            + heap::list::<Nonterminal>(self.nonterminals.capacity())
            + heap::list::<Production>(self.productions.capacity())
            + heap::list::<u32>(self.first.capacity())
            + heap::list::<RegexId>(self.ignore.capacity())
            + texts.chain(names).sum::<usize>()
            + bodies
                .map(|p| heap::list::<Sym>(p.rhs.len()))
                .sum::<usize>()
            + self.regexes.heap_bytes()
    }

    /// The terminals. Those that no production uses any more keep their index.
    pub fn terminals(&self) -> &[NormalTerminal] {
        &self.terminals
    }

    /// The nonterminals; the first is the start symbol (see [`NormalGrammar::start`]).
    pub fn nonterminals(&self) -> &[Nonterminal] {
        &self.nonterminals
    }

    /// All productions, grouped by nonterminal.
    pub fn productions(&self) -> &[Production] {
        &self.productions
    }

    /// The indices of the productions of a nonterminal.
    pub fn productions_of(&self, nonterminal: u32) -> std::ops::Range<usize> {
        self.first[nonterminal as usize] as usize..self.first[nonterminal as usize + 1] as usize
    }

    /// The start symbol: derives the sentences that are not empty. `None` when there are none.
    pub fn start(&self) -> Option<u32> {
        self.has_sentences.then_some(0)
    }

    /// Whether the empty text is a sentence.
    pub fn has_empty_sentence(&self) -> bool {
        self.has_empty_sentence
    }

    /// What may stand between any two lexemes, before the first and after the last; never empty.
    pub fn ignore(&self) -> &[RegexId] {
        &self.ignore
    }

    /// The arena of the terminals' regexes.
    pub fn regexes(&self) -> &RegexPool {
        &self.regexes
    }

    /// The grammar without the sentences that need a terminal for which `keep` is false. Terminals
    /// keep their indices.
    ///
    /// This is how dead ends are removed once it is known which terminals can be written at all:
    /// those with an empty language, or with none that the vocabulary can spell.
    ///
    /// # Errors
    /// Code `empty-language` when no sentence is left.
    pub fn retain_terminals(
        &self,
        mut keep: impl FnMut(u32) -> bool,
    ) -> Result<NormalGrammar, Diagnostic> {
        let kept: Vec<bool> = (0..self.terminals.len() as u32).map(&mut keep).collect();
        if kept.iter().all(|k| *k) {
            return Ok(self.clone());
        }
        let mut draft = Draft::of(self);
        useless::remove(&mut draft, |t| kept[t as usize]);
        let gone: Vec<&str> = self
            .terminals
            .iter()
            .zip(&kept)
            .filter(|(_, k)| !**k)
            .take(8)
            .map(|(t, _)| t.name.as_str())
            .collect();
        draft
            .finish(self.ignore.clone(), self.regexes.clone())
            .ok_or_else(|| {
                Diagnostic::new(
                    "empty-language",
                    format!(
                        "every sentence needs a terminal that matches nothing: {}",
                        gone.join(", ")
                    ),
                    self.terminals
                        .iter()
                        .zip(&kept)
                        .find(|(_, k)| !**k)
                        .map(|(t, _)| t.place.clone())
                        .unwrap_or_default(),
                )
                .with_help("change the terminal, or add an alternative that does without it")
            })
    }
}

/// One line a nonterminal, in the notation: `name = a "b" | c ;`.
impl fmt::Display for NormalGrammar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has_empty_sentence {
            writeln!(f, "() ;")?;
        }
        for (n, nonterminal) in self.nonterminals.iter().enumerate() {
            write!(f, "{} =", nonterminal.name)?;
            for (i, p) in self.productions[self.productions_of(n as u32)]
                .iter()
                .enumerate()
            {
                if i > 0 {
                    f.write_str(" |")?;
                }
                for s in &p.rhs {
                    match s {
                        Sym::Terminal(t) => write!(f, " {}", self.terminals[*t as usize].name)?,
                        Sym::Nonterminal(n) => {
                            write!(f, " {}", self.nonterminals[*n as usize].name)?
                        }
                    }
                }
            }
            writeln!(f, " ;")?;
        }
        Ok(())
    }
}

/// What normalising spends, and how much it may.
pub(crate) struct Meter<'a> {
    spent: u64,
    limit: u64,
    cancel: &'a CancelFlag,
}

impl Meter<'_> {
    /// Pays for `n` symbols of productions.
    fn pay(&mut self, n: usize) -> Result<(), LimitError> {
        self.spent += n as u64;
        if self.spent > self.limit {
            return Err(LimitError::new(
                "production symbols",
                self.spent,
                self.limit,
            ));
        }
        self.cancel.check("normal form")
    }
}

/// Turns a grammar into normal form. Warnings are about the author's rules: unused, never complete,
/// or recurring on both sides.
///
/// # Errors
/// `empty-language` when there is no sentence, naming the rule that never ends; `no-start` for a
/// grammar without a start rule; `limit-exceeded` and `cancelled`.
pub fn normalize(
    grammar: &Grammar,
    limits: &Limits,
    cancel: &CancelFlag,
) -> Result<(NormalGrammar, Vec<Diagnostic>), Diagnostics> {
    let limit = |e: LimitError| Diagnostics::from(Diagnostic::limit(e, Place::default()));
    let Some(start) = grammar.start else {
        return Err(Diagnostic::new(
            "no-start",
            "the grammar has no start rule",
            Place::default(),
        )
        .into());
    };
    let mut meter = Meter {
        spent: 0,
        limit: limits.nodes as u64,
        cancel,
    };
    meter.pay(grammar.exprs.len()).map_err(limit)?;
    let mut regexes = grammar.regexes.clone();
    let fused = fuse::fuse(grammar, &mut regexes);
    let mut draft =
        flatten::flatten(grammar, &fused, &mut regexes, start, &mut meter).map_err(limit)?;
    let mut warnings = useless::report(grammar, &fused, &draft, &regexes)?;
    useless::remove(&mut draft, |_| true);
    empties::remove(&mut draft, &mut meter).map_err(limit)?;
    useless::remove(&mut draft, |_| true);
    simplify(&mut draft, &mut meter).map_err(limit)?;
    if operators::unfold(&mut draft, &mut warnings) {
        simplify(&mut draft, &mut meter).map_err(limit)?;
    }
    useless::remove(&mut draft, |_| true);
    let ignore = grammar
        .ignore
        .iter()
        .map(|t| grammar.terminals[t.0 as usize].regex);
    let mut ignore: Vec<RegexId> = nonempty::parts(&mut regexes, ignore);
    ignore.dedup();
    match draft.finish(ignore, regexes) {
        Some(normal) => Ok((normal, warnings)),
        None => Err(useless::empty_language(grammar, start).into()),
    }
}

/// Unit cycles, aliases and duplicates until nothing changes. The loop is cut after some rounds,
/// since all but the collapsing of unit cycles only makes the grammar smaller.
fn simplify(draft: &mut Draft, meter: &mut Meter<'_>) -> Result<(), LimitError> {
    for _ in 0..8 {
        meter.cancel.check("normal form")?;
        units::collapse_cycles(draft);
        let aliases = units::replace_aliases(draft);
        let duplicates = duplicates::merge(draft);
        if !aliases && !duplicates {
            break;
        }
    }
    units::collapse_cycles(draft);
    Ok(())
}

#[cfg(test)]
mod tests;
