//! The grammar IR: rules over terminals, terminals over regexes.
//!
//! Expressions live in one arena and refer to earlier entries only (rules are referred to by id,
//! so recursion goes through [`Expr::Rule`]); nothing recurses on the depth of user input.

use crate::{Place, RegexId, RegexPool};

/// A rule of a [`Grammar`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

/// A terminal of a [`Grammar`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TerminalId(pub u32);

/// An entry of [`Grammar::exprs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExprId(pub u32);

/// The right side of a rule, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// Nothing at all (the empty string).
    Empty,
    /// A terminal.
    Terminal(TerminalId),
    /// A rule.
    Rule(RuleId),
    /// One after the other.
    Seq(Vec<ExprId>),
    /// Any of them.
    Alt(Vec<ExprId>),
    /// From `min` to `max` copies (`None`: no upper bound).
    Repeat {
        /// What is repeated.
        expr: ExprId,
        /// The fewest copies.
        min: u32,
        /// The most copies.
        max: Option<u32>,
    },
}

/// A rule: a name and its right side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The name as written.
    pub name: String,
    /// The right side.
    pub expr: ExprId,
    /// Where it is defined.
    pub place: Place,
}

/// A terminal: what the lexer reads as one unit. A terminal whose regex matches the empty string
/// is treated as optional by the normal form; lexemes themselves are never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// The name as written, or the literal in quotes.
    pub name: String,
    /// What it matches.
    pub regex: RegexId,
    /// Where it is defined or first used.
    pub place: Place,
}

/// A grammar over terminals. The only way in which a front end that is not a schema leaves text.
#[derive(Clone, Debug, Default)]
pub struct Grammar {
    /// The rules.
    pub rules: Vec<Rule>,
    /// Where sentences begin.
    pub start: Option<RuleId>,
    /// The arena of right sides.
    pub exprs: Vec<Expr>,
    /// The terminals.
    pub terminals: Vec<Terminal>,
    /// Terminals that may stand between any two lexemes, and before the first and after the last.
    pub ignore: Vec<TerminalId>,
    /// The arena of the terminals' regexes.
    pub regexes: RegexPool,
}

impl Grammar {
    /// The grammar of what one regex of a pool matches: one rule, one terminal of this name, both at
    /// this place.
    ///
    /// ```
    /// use maskwright_grammar::{Grammar, Place, RegexPool};
    ///
    /// let mut regexes = RegexPool::new();
    /// let regex = regexes.literals([b"yes".as_slice().into(), b"no".as_slice().into()]);
    /// let grammar = Grammar::of_regex(regexes, regex, "answer", Place::default());
    /// assert_eq!(grammar.terminals[0].name, "answer");
    /// ```
    pub fn of_regex(regexes: RegexPool, regex: RegexId, name: &str, place: Place) -> Self {
        let mut grammar = Grammar {
            regexes,
            ..Grammar::default()
        };
        grammar.terminals.push(Terminal {
            name: name.into(),
            regex,
            place: place.clone(),
        });
        let expr = grammar.add(Expr::Terminal(TerminalId(0)));
        grammar.rules.push(Rule {
            name: "start".into(),
            expr,
            place,
        });
        grammar.start = Some(RuleId(0));
        grammar
    }

    /// Adds an entry to the arena of right sides.
    pub fn add(&mut self, expr: Expr) -> ExprId {
        self.exprs.push(expr);
        ExprId(self.exprs.len() as u32 - 1)
    }

    /// The entry of an id.
    pub fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.0 as usize]
    }
}
