//! A short way from an unfinished text to the end of a sentence.
//!
//! A best-first search over configurations. Steps are the shortest tokens (those of which no
//! proper prefix is a token: for most vocabularies the single bytes). Of all texts reached so far
//! the search goes on with one whose stack is shallowest, and of those with the longest, taking
//! closing characters first: so it runs straight ahead, closes what is open, and tries to open
//! something only when nothing else is left. Configurations seen before are dropped, so it cannot
//! run in circles; a budget bounds it all the same.
//!
//! The way found is good, not the shortest: what is promised is that it ends in a sentence.

use crate::error::Result;
use maskwright_runtime::Matcher;
use maskwright_runtime::sampling::GreedyTokenizer;
use maskwright_tables::{TokenId, Vocabulary};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

/// How many configurations are looked at.
const BUDGET: usize = 20_000;

/// Searches for ways to the end.
#[derive(Debug)]
pub struct Completer {
    /// The shortest tokens and how gladly they are taken.
    steps: Vec<(TokenId, u8)>,
}

/// A text reached by the search, best first.
#[derive(Debug)]
struct Reached {
    /// Shallowest stack of any reading, length of the way, eagerness of the last step, age.
    rank: (Reverse<usize>, usize, u8, Reverse<usize>),
    /// The step that led here, an index into the trail.
    step: usize,
    matcher: Matcher,
}

impl PartialEq for Reached {
    fn eq(&self, other: &Self) -> bool {
        self.rank == other.rank
    }
}

impl Eq for Reached {}

impl PartialOrd for Reached {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Reached {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank.cmp(&other.rank)
    }
}

impl Completer {
    /// A completer for texts over `vocabulary`.
    pub fn new(vocabulary: &Vocabulary) -> Self {
        let trie = vocabulary.trie();
        let mut steps = Vec::new();
        let mut nodes: Vec<usize> = trie.children(0).collect();
        while let Some(node) = nodes.pop() {
            match trie.tokens_at(node).first() {
                Some(token) => steps.push((*token, eagerness(vocabulary.bytes(*token)))),
                None => nodes.extend(trie.children(node)),
            }
        }
        steps.sort_by_key(|(token, _)| *token);
        Completer { steps }
    }

    /// Tokens that lead from where `matcher` stands to a sentence, none if it stands at one.
    /// `Ok(None)` when the budget is spent.
    pub fn complete(&self, matcher: &Matcher) -> Result<Option<Vec<TokenId>>> {
        // Steps as (the step before, token); the first one is no step.
        let mut trail: Vec<(usize, TokenId)> = vec![(0, TokenId(0))];
        let mut seen = HashSet::from([matcher.configuration_hash()]);
        let start = Reached {
            rank: (Reverse(0), 0, 0, Reverse(0)),
            step: 0,
            matcher: matcher.fork(),
        };
        let mut frontier = BinaryHeap::from([start]);
        for _ in 0..BUDGET {
            let Some(here) = frontier.pop() else {
                return Ok(None);
            };
            if here.matcher.is_accepting()? {
                let way = way(&trail, here.step);
                let whole_tokens = here.matcher.machine().reads_tokens();
                let vocabulary = here.matcher.vocabulary();
                return Ok(Some(if whole_tokens {
                    way
                } else {
                    respell(vocabulary, &way)
                }));
            }
            let own;
            let steps = if here.matcher.machine().reads_tokens() {
                own = allowed(&here.matcher)?;
                &own
            } else {
                &self.steps
            };
            for &(token, eagerness) in steps {
                let mut there = here.matcher.fork();
                match there.advance(token) {
                    Ok(()) => {}
                    Err(e) if e.is_refusal() => continue,
                    Err(e) => return Err(e.into()),
                }
                if there.is_terminated() || !seen.insert(there.configuration_hash()) {
                    continue;
                }
                let depth = there.readings().map(|r| r.depth).min().unwrap_or(0);
                let rank = (
                    Reverse(depth),
                    here.rank.1 + 1,
                    eagerness,
                    Reverse(trail.len()),
                );
                frontier.push(Reached {
                    rank,
                    step: trail.len(),
                    matcher: there,
                });
                trail.push((here.step, token));
            }
        }
        Ok(None)
    }
}

/// The tokens that may come next, for machines that read tokens: theirs are few, and their bytes
/// are not what counts.
fn allowed(matcher: &Matcher) -> Result<Vec<(TokenId, u8)>> {
    let mut mask = vec![0; matcher.mask_words()];
    matcher.fill_mask(&mut mask)?;
    Ok(maskwright_kernels::bits::ones(&mask)
        .map(|t| (TokenId(t), 0))
        .collect())
}

/// The tokens of the steps up to `step`.
fn way(trail: &[(usize, TokenId)], mut step: usize) -> Vec<TokenId> {
    let mut tokens = Vec::new();
    while step != 0 {
        let (before, token) = trail[step];
        tokens.push(token);
        step = before;
    }
    tokens.reverse();
    tokens
}

/// The same bytes in as long tokens as there are.
fn respell(vocabulary: &Vocabulary, tokens: &[TokenId]) -> Vec<TokenId> {
    let bytes: Vec<u8> = tokens
        .iter()
        .flat_map(|t| vocabulary.bytes(*t))
        .copied()
        .collect();
    GreedyTokenizer::new(vocabulary)
        .tokens(&bytes)
        .unwrap_or_else(|_| tokens.to_vec())
}

/// How gladly a step is taken: what closes first, what opens or needs more bytes last.
fn eagerness(bytes: &[u8]) -> u8 {
    match bytes {
        [b'}' | b']' | b')' | b'>'] => 9,
        [b'"' | b'\''] => 8,
        [b';' | b'\n'] => 7,
        [b'0'..=b'9'] => 6,
        [b'a'..=b'z' | b'A'..=b'Z'] => 5,
        [b',' | b':' | b'=' | b'-' | b'.'] => 4,
        [b' '] => 3,
        [b'\\' | b'{' | b'[' | b'(' | b'<'] => 1,
        [0x20..0x7f] => 2,
        _ => 0,
    }
}
