//! Terminals that are tokens as a whole: from names and ids to tokens, and what they do to a stack.
//!
//! The control knows such a terminal only by its label; which tokens it stands for is decided here,
//! once for each vocabulary. End tokens are never among them: they end the text.

use crate::compiler::CompileError;
use crate::lazy::{LazyMachine, Reader, run_error};
use crate::memo::{Overlay, OverlayView, Reads};
use maskwright_grammar::{
    Diagnostic, Diagnostics, NormalGrammar, Place, RegexNode, TokenRef, TokenSet,
};
use maskwright_tables::{
    LabelSet, LexState, Machine, RunError, StackAction, StackView, TokenId, TokenKind, Vocabulary,
};
use std::cell::RefCell;

/// A terminal that one of these tokens makes.
#[derive(Clone, Debug)]
pub(crate) struct TokenTerminal {
    /// The label by which the control knows it.
    pub label: u32,
    /// The tokens, strictly increasing.
    pub tokens: Box<[TokenId]>,
}

/// The token terminals of a grammar.
pub(crate) fn resolve(
    grammar: &NormalGrammar,
    vocabulary: &Vocabulary,
) -> Result<Box<[TokenTerminal]>, CompileError> {
    let mut found = Vec::new();
    let mut errors = Vec::new();
    for (label, terminal) in grammar.terminals().iter().enumerate() {
        let RegexNode::Token(set) = grammar.regexes().node(terminal.regex) else {
            continue;
        };
        match tokens(set, vocabulary, &terminal.place) {
            Ok(tokens) => found.push(TokenTerminal {
                label: label as u32,
                tokens,
            }),
            Err(e) => errors.push(e),
        }
    }
    if errors.is_empty() {
        Ok(found.into())
    } else {
        Err(Diagnostics(errors).into())
    }
}

/// The tokens of a set; never none.
fn tokens(
    set: &TokenSet,
    vocabulary: &Vocabulary,
    place: &Place,
) -> Result<Box<[TokenId]>, Diagnostic> {
    let width = vocabulary.width() as u32;
    let mut named = vec![false; width as usize];
    for member in &set.members {
        match member {
            TokenRef::Ids(first, last) => {
                if *last >= width {
                    let message = format!("the ids of {} end at {}", vocabulary.name(), width - 1);
                    return Err(Diagnostic::new("token-id-range", message, place.clone())
                        .with_help("use an id of this vocabulary"));
                }
                if first == last {
                    check_end(TokenId(*first), set.negated, vocabulary, place)?;
                }
                named[*first as usize..=*last as usize].fill(true);
            }
            TokenRef::Name(name) => {
                let spelled = |kind: TokenKind| {
                    (0..width).map(TokenId).filter(move |t| {
                        vocabulary.kind(*t) == kind && vocabulary.bytes(*t) == name.as_bytes()
                    })
                };
                let mut all: Vec<TokenId> = spelled(TokenKind::Special).collect();
                if all.is_empty() {
                    all = spelled(TokenKind::Text).collect();
                }
                if all.is_empty() {
                    let message = format!("{} has no token `{name}`", vocabulary.name());
                    return Err(Diagnostic::new("unknown-token", message, place.clone())
                        .with_help("name a token of this vocabulary, or its id as `<[id]>`; for the text, write a literal"));
                }
                for token in all {
                    check_end(token, set.negated, vocabulary, place)?;
                    named[token.index()] = true;
                }
            }
        }
    }
    let tokens: Box<[TokenId]> = (0..width)
        .map(TokenId)
        .filter(|t| named[t.index()] != set.negated)
        .filter(|t| vocabulary.kind(*t) != TokenKind::Unused && !vocabulary.is_end(*t))
        .collect();
    if tokens.is_empty() {
        let message = format!("{} has no token of `{set}`", vocabulary.name());
        return Err(Diagnostic::new("unknown-token", message, place.clone())
            .with_help("unused ids and end tokens do not count"));
    }
    Ok(tokens)
}

fn check_end(
    token: TokenId,
    negated: bool,
    vocabulary: &Vocabulary,
    place: &Place,
) -> Result<(), Diagnostic> {
    if negated || !vocabulary.is_end(token) {
        return Ok(());
    }
    Err(Diagnostic::new(
        "end-token-in-grammar",
        format!("token {} ends the text, so the grammar cannot ask for it", token.0),
        place.clone(),
    )
    .with_help("leave it out (end tokens are allowed where a sentence ends), or give the vocabulary other end tokens"))
}

/// What a token terminal does to the stack of the thread `(state, stack)`: the lexeme under way, if
/// there is one, ends first.
pub(crate) fn steps(
    machine: &LazyMachine,
    state: LexState,
    stack: &dyn StackView,
    label: u32,
) -> Result<Vec<StackAction>, RunError> {
    if state == LexState::DEAD {
        return Ok(Vec::new());
    }
    let mut bases = vec![Overlay::new()];
    if !machine.lex_is_fresh(state) {
        bases.clear();
        let labels = machine.lex_accept(state);
        if labels != LabelSet::NONE {
            for action in machine.step(stack, labels)? {
                let mut base = Overlay::new();
                base.apply(action);
                bases.push(base);
            }
        }
    }
    let reads = RefCell::new(Reads::default());
    let mut all: Vec<StackAction> = Vec::new();
    for base in bases {
        let view = OverlayView {
            overlay: &base,
            base: stack,
            reads: &reads,
        };
        let mut reader = Reader::new(&view);
        let actions = machine.control().step(&mut reader, &[label]);
        if stack.went_below() {
            return Err(RunError::UnknownSymbol);
        }
        for action in actions.map_err(run_error)? {
            let mut after = base.clone();
            after.apply(&action);
            let action = StackAction {
                pop: after.popped as u32,
                push: after.pushed[..].into(),
            };
            if !all.contains(&action) {
                all.push(action);
            }
        }
    }
    Ok(all)
}
