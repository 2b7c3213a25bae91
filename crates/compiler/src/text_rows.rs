//! Rows of JSON strings out of a list, or not out of one, without lexical states.
//!
//! The names of an object and the values of an enumeration are what schemas have most of, and no two
//! schemas have the same ones. What tokens do to such a list is found by walking the trie along the
//! strings of the list ([`listed`]); a string that must not be on a list ends as any string does, but
//! for the ends at which it is on it ([`others`]); and of a string of at most `n` characters those tokens
//! stay inside that have at most `n` ([`Lengths`]), wherever they stay inside without the bound.

use crate::row_walk::{Difference, Exit, Found};
use crate::sets::Sets;
use maskwright_automata::Lexicon;
use maskwright_automata::lexicon::{Others, Step, Strings, Text, TextPlace};
use maskwright_kernels::bits;
use maskwright_tables::trie::{Fans, Picked};
use maskwright_tables::{LabelSet, LexState, LimitError, TokenId, TokenTrie, Vocabulary, heap};
use smallvec::{SmallVec, smallvec};
use std::ops::Range;

/// Tokens by the number of characters of JSON string text that they begin.
#[derive(Debug)]
pub(crate) struct Lengths {
    /// The longest first.
    tokens: Box<[TokenId]>,
    /// How many tokens have more than so many characters.
    longer: Box<[u32]>,
    /// The nodes of the vocabulary's trie behind a quote, with the number of characters before that, by
    /// these numbers.
    quotes: Box<[(u8, u32)]>,
    /// The tokens of no more than so many characters as bitsets, for the numbers that leave out so many
    /// tokens that sets without them are bitsets anyway.
    within: Box<[Box<[u32]>]>,
}

impl Lengths {
    /// O(nodes of the vocabulary's trie).
    pub fn new(vocabulary: &Vocabulary) -> Self {
        let trie = vocabulary.trie();
        let nodes = trie.nodes();
        let mut lengths = vec![0u8; vocabulary.width()];
        let mut counts = [0u32; 256];
        let mut quotes: Vec<(u8, u32)> = Vec::new();
        // For each node on the path: where its subtree ends, the characters up to it, and whether an
        // escape is among them.
        let mut path: SmallVec<[(u32, u8, bool); 64]> = smallvec![(u32::MAX, 0, false)];
        for (i, node) in nodes.iter().enumerate().skip(1) {
            while path[path.len() - 1].0 as usize <= i {
                path.pop();
            }
            let (_, before, escaped) = path[path.len() - 1];
            if node.byte == b'"'
                && let Some(token) = trie.tokens_below(i).first()
            {
                let text = &vocabulary.bytes(*token)[..usize::from(node.depth) - 1];
                let count = match escaped {
                    true => characters(text).min(255) as u8,
                    false => before,
                };
                quotes.push((count, i as u32));
            }
            let length = before.saturating_add(u8::from(node.byte & 0xc0 != 0x80));
            let escaped = escaped || node.byte == b'\\';
            for &token in trie.tokens_at(i) {
                let length = match escaped {
                    true => characters(vocabulary.bytes(token)).min(255) as u8,
                    false => length,
                };
                lengths[token.index()] = length;
                counts[usize::from(length)] += 1;
            }
            if node.skip as usize > i + 1 {
                path.push((node.skip, length, escaped));
            }
        }
        let longest = counts.iter().rposition(|n| *n > 0).unwrap_or(0);
        let mut longer = vec![0u32; longest + 1];
        for length in (0..longest).rev() {
            longer[length] = longer[length + 1] + counts[length + 1];
        }
        // Where the next token of each length goes.
        let mut places = longer.clone();
        let mut tokens = vec![TokenId(0); counts.iter().sum::<u32>() as usize];
        for &token in trie.tokens() {
            let place = &mut places[usize::from(lengths[token.index()])];
            tokens[*place as usize] = token;
            *place += 1;
        }
        quotes.sort_unstable();
        let many = Sets::many_of(vocabulary.mask_words()) / 2;
        let mut words = vec![0u32; vocabulary.mask_words()];
        let mut within: Vec<Box<[u32]>> = Vec::new();
        let mut rest = &tokens[..];
        for &count in longer.iter().take_while(|n| **n as usize > many) {
            let (more, own) = rest.split_at(count as usize);
            bits::set(&mut words, own.iter().map(|t| t.0));
            within.push(words.clone().into());
            rest = more;
        }
        Lengths {
            quotes: quotes.into(),
            within: within.into(),
            tokens: tokens.into(),
            longer: longer.into(),
        }
    }

    /// The tokens that begin more than `n` characters.
    pub fn longer_than(&self, n: u32) -> &[TokenId] {
        let count = self.longer.get(n as usize).map_or(0, |n| *n as usize);
        &self.tokens[..count]
    }

    /// The tokens that begin no more than `n` characters as a bitset, where many begin more.
    pub fn within(&self, n: u32) -> Option<&[u32]> {
        self.within.get(n as usize).map(|words| &**words)
    }

    /// The ends of values that have neither too few nor too many characters.
    pub fn kept(&self, base: &[Exit], least: u32, most: u32) -> Vec<Exit> {
        let few = self.quotes.partition_point(|q| u32::from(q.0) < least);
        let fit = self.quotes.partition_point(|q| u32::from(q.0) <= most);
        let fitting = &self.quotes[few..fit.max(few)];
        let mut kept: Vec<Exit> = fitting.iter().filter_map(|q| end_at(base, q.1)).collect();
        kept.sort_unstable_by_key(|e| e.1);
        kept
    }

    /// Takes out the ends of values that have too few or too many characters.
    pub fn cut(&self, base: &[Exit], least: u32, most: u32, difference: &mut Difference) {
        let few = self.quotes.partition_point(|q| u32::from(q.0) < least);
        let fit = self.quotes.partition_point(|q| u32::from(q.0) <= most);
        let outside = self.quotes[..few]
            .iter()
            .chain(&self.quotes[fit.max(few)..]);
        let gone = outside.filter_map(|q| end_at(base, q.1));
        difference.gone.extend(gone);
        difference.gone.sort_unstable_by_key(|e| e.1);
        difference.gone.dedup();
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        let bitsets = self
            .within
            .iter()
            .map(|words| heap::list::<u32>(words.len()));
        4 * (self.tokens.len() + self.longer.len())
            + size_of_val(&*self.quotes)
            + bitsets.sum::<usize>()
    }
}

/// How many characters begin in the text of a JSON string: an escape is one, and so is a pair of
/// surrogates, whole or not. What is no text of a string has some number.
pub(crate) fn characters(mut bytes: &[u8]) -> u32 {
    let begins = |b: &&u8| **b & 0xc0 != 0x80;
    if !bytes.contains(&b'\\') {
        return bytes.iter().filter(begins).count() as u32;
    }
    let mut count = 0;
    // What follows `\u` of the digits, and their value if they are all there.
    fn digits(bytes: &[u8]) -> (usize, Option<u32>) {
        let digit = |b: &u8| char::from(*b).to_digit(16);
        let all = bytes.iter().take(4).map_while(digit);
        let n = all.clone().count();
        (n, (n == 4).then(|| all.fold(0, |all, d| all << 4 | d)))
    }
    while let [first, rest @ ..] = bytes {
        bytes = rest;
        if !begins(&first) {
            continue;
        }
        count += 1;
        if *first != b'\\' {
            continue;
        }
        let [kind, rest @ ..] = bytes else { break };
        bytes = rest;
        if *kind != b'u' {
            continue;
        }
        let (n, value) = digits(bytes);
        bytes = &bytes[n..];
        if value.is_some_and(|v| (0xd800..0xdc00).contains(&v))
            && let [b'\\', rest @ ..] = bytes
        {
            bytes = rest;
            if let [b'u', rest @ ..] = bytes {
                bytes = &rest[digits(rest).0..];
            }
        }
    }
    count
}

/// Walks a trie along listed values. Their ends are closing quotes, after which nothing goes on.
fn walk(
    (trie, fans): (&TokenTrie, Option<&Fans>),
    opened: bool,
    strings: &Strings,
    mut inside: impl FnMut(Range<u32>),
    mut end: impl FnMut(u32, LabelSet),
) {
    let start = strings.start(opened);
    // For each node on the path: the children that are left of those to which something leads, and the place
    // there.
    let mut path: SmallVec<[(Picked<'_>, TextPlace); 16]> =
        smallvec![(trie.picked(0, strings.ways(start), fans), start)];
    while let Some((children, place)) = path.last_mut() {
        let Some(i) = children.next() else {
            path.pop();
            continue;
        };
        let node = &trie.nodes()[i];
        match strings.step(*place, node.byte) {
            Step::Dead => {}
            Step::End(labels) => end(i as u32, labels),
            Step::To(place) => {
                inside(trie.places_at(i));
                if node.skip as usize > i + 1 {
                    path.push((trie.picked(i, strings.ways(place), fans), place));
                }
            }
        }
    }
}

/// What a trie's tokens do to listed values only.
pub(crate) fn listed(
    lexicon: &Lexicon,
    (trie, fans): (&TokenTrie, Option<&Fans>),
    text: &Text,
) -> Found {
    let mut found = Found::default();
    for strings in &text.listed {
        walk(
            (trie, fans),
            text.opened,
            strings,
            |places| found.inside.push(places),
            |node, labels| found.exits.push((labels, node, true)),
        );
    }
    if text.listed.len() > 1 {
        join_labels(lexicon, &mut found.exits);
    }
    found
}

/// The one among ends in preorder that is at a node.
fn end_at(ends: &[Exit], node: u32) -> Option<Exit> {
    let place = ends.binary_search_by_key(&node, |e| e.1).ok()?;
    Some(ends[place])
}

/// Makes ends at the same node one.
fn join_labels(lexicon: &Lexicon, exits: &mut Vec<Exit>) {
    exits.sort_unstable_by_key(|e| (e.1, e.0));
    exits.dedup_by(|next, kept| {
        if next.1 != kept.1 {
            return false;
        }
        if next.0 != kept.0 {
            kept.0 = lexicon.union_labels(kept.0, next.0);
        }
        true
    });
}

/// How a string that may have other values than the listed ones differs from one of any of these
/// values, whose ends in the trie are `base`.
pub(crate) fn others(
    lexicon: &Lexicon,
    (trie, fans): (&TokenTrie, Option<&Fans>),
    text: &Text,
    others: &Others,
    base: &[Exit],
) -> Difference {
    let listed = listed(lexicon, (trie, fans), text);
    let mut out = Difference {
        added: listed.inside.of(trie.tokens()).flatten().copied().collect(),
        new: listed.exits,
        ..Difference::default()
    };
    let mut excluded: Vec<u32> = Vec::new();
    for strings in &others.excluded {
        // Mostly what is left out is what is listed with a label of its own.
        if let [listed] = &text.listed[..]
            && listed.lists_the_same(strings)
        {
            excluded.extend(out.new.iter().map(|e| e.1));
            continue;
        }
        walk(
            (trie, fans),
            text.opened,
            strings,
            |_| {},
            |node, _| excluded.push(node),
        );
    }
    excluded.sort_unstable();
    let of_base = |node: u32| end_at(base, node);
    // Where a value is listed and another one too, it has the labels of both.
    for exit in &mut out.new {
        if let Some(own) = of_base(exit.1) {
            if excluded.binary_search(&exit.1).is_err() {
                exit.0 = lexicon.union_labels(exit.0, own.0);
            }
            out.gone.push(own);
        }
    }
    out.gone.extend(excluded.into_iter().filter_map(of_base));
    out.gone.sort_unstable_by_key(|e| e.1);
    out.gone.dedup();
    // What did not change after all.
    let unchanged = |e: &Exit| out.new.contains(e);
    let same: Vec<Exit> = out.gone.iter().copied().filter(unchanged).collect();
    out.gone.retain(|e| !same.contains(e));
    out.new.retain(|e| !same.contains(e));
    out
}

/// The ends of a JSON string in a trie, among the places where any JSON string ends, in preorder. Only the
/// way to these is walked.
pub(crate) fn ends(
    lexicon: &Lexicon,
    trie: &TokenTrie,
    state: LexState,
    any: &[Exit],
) -> Result<Vec<Exit>, LimitError> {
    let nodes = trie.nodes();
    let mut out = Vec::new();
    let mut rest = any;
    let mut path: SmallVec<[(u32, LexState); 32]> = smallvec![(nodes[0].skip, state)];
    let mut i = 1;
    while let Some(next) = rest.first() {
        let node = &nodes[i];
        if node.skip <= next.1 {
            i = node.skip as usize;
            continue;
        }
        while path.len() > 1 && path[path.len() - 1].0 as usize <= i {
            path.pop();
        }
        let after = lexicon.edges(path[path.len() - 1].1)?.get(node.byte);
        if after != LexState::DEAD && i as u32 != next.1 {
            path.push((node.skip, after));
            i += 1;
            continue;
        }
        let labels = lexicon.accept(after);
        if after != LexState::DEAD && labels != LabelSet::NONE {
            out.push((labels, i as u32, true));
        }
        i = node.skip as usize;
        rest = &rest[rest.partition_point(|e| (e.1 as usize) < i)..];
    }
    Ok(out)
}
