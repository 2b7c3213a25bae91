//! Sequences with assertions → sets of whole texts.
//!
//! A sequence is a list of texts and assertions between them; around it stands free text. Let `P`
//! be the set of prefixes up to some place and `S` the set of suffixes from there on.
//!
//! - `^` cuts the free text on the left, `$` on the right.
//! - Look-behind speaks about the prefix: `P ∩ L`. Look-ahead speaks about the suffix: `S ∩ L`.
//!   When no look-ahead stands before a look-behind there is a place between the two kinds, and the
//!   answer is `P · S`.
//! - Otherwise a look-around is first made local: one that sees at most *n* characters, beside text
//!   of at least *n* characters, is an intersection with that text.
//! - A look-ahead at the beginning of the text, or a look-behind at its end, is an intersection with
//!   the whole.
//! - `\b` is one of two pairs of look-around, most often decided by the neighbouring characters.

use super::class::{CodeSet, WORD};
use super::{Budget, Frag, Item, MAX_ALTERNATIVES, PatternError, Piece, unsupported};
use crate::{RegexId, RegexNode, RegexPool};
use std::rc::Rc;

const EMPTY_LEN: (u32, Option<u32>) = (0, Some(0));

pub(super) fn concat(pool: &mut RegexPool, pieces: impl IntoIterator<Item = Piece>) -> Piece {
    let (mut min, mut max) = EMPTY_LEN;
    let mut parts = Vec::new();
    for piece in pieces {
        min = u32::saturating_add(min, piece.min);
        max = max
            .zip(piece.max)
            .and_then(|(a, b): (u32, u32)| a.checked_add(b));
        parts.push(piece.regex);
    }
    Piece {
        regex: pool.concat(parts),
        min,
        max,
    }
}

pub(super) fn alternate(pool: &mut RegexPool, pieces: &[Piece]) -> Piece {
    let max = pieces
        .iter()
        .map(|p| p.max)
        .try_fold(0, |max, p| Some(max.max(p?)));
    Piece {
        regex: pool.alt(pieces.iter().map(|p| p.regex)),
        min: pieces.iter().map(|p| p.min).min().unwrap_or(0),
        max,
    }
}

/// The texts in which one of the alternatives is found.
pub(super) fn whole_texts(
    pool: &mut RegexPool,
    alternatives: &[Vec<Item>],
    budget: &mut Budget,
) -> Result<RegexId, PatternError> {
    language(pool, alternatives, View::Whole, budget)
}

/// Copies of a group that asserts.
pub(super) fn repeat(
    pool: &mut RegexPool,
    alternatives: Vec<Vec<Item>>,
    min: u32,
    max: Option<u32>,
    offset: usize,
    budget: &mut Budget,
) -> Result<Frag, PatternError> {
    if max == Some(0) {
        return Ok(Frag::Alts(vec![Vec::new()]));
    }
    let items: usize = alternatives.iter().map(|a| a.len() + 1).sum();
    budget.spend(items * alternatives.len(), offset)?;
    let alternatives: Vec<Vec<Item>> = alternatives
        .into_iter()
        .map(|a| localise(pool, a))
        .collect();
    let text_only = |a: &[Item]| a.iter().all(|i| matches!(i, Item::Text(_)));
    let mut pieces = Vec::new();
    for a in alternatives.iter().filter(|a| text_only(a)) {
        pieces.push(concat(pool, texts(a)));
    }
    let times = |pool: &mut RegexPool, piece: Piece, min: u32, max: Option<u32>| Piece {
        regex: pool.repeat(piece.regex, min, max),
        min: piece.min.saturating_mul(min),
        max: piece.max.zip(max).and_then(|(a, b)| a.checked_mul(b)),
    };
    if pieces.len() == alternatives.len() {
        let one = alternate(pool, &pieces);
        return Ok(Frag::Text(times(pool, one, min, max)));
    }
    let mut out: Vec<Vec<Item>> = Vec::new();
    if min == 0 {
        out.push(Vec::new());
    }
    if min <= 1 {
        out.extend(alternatives.iter().cloned());
    }
    if max.is_none_or(|max| max >= 2) {
        // A copy that consumes nothing adds nothing beyond the first, so count only those that
        // consume: there `^` can hold in the first copy only and `$` in the last only, and the
        // copies between consist of the alternatives that do not assert.
        let mut copies = Vec::with_capacity(alternatives.len());
        let mut empty = Emptiness::Never;
        for a in &alternatives {
            let Some(copy) = anchored_copy(pool, a) else {
                return Err(unsupported(
                    offset,
                    "a repeated group with an assertion that reaches beyond it",
                ));
            };
            if texts(a).all(|p| p.min == 0) {
                empty = empty.max(if copy.begin || copy.end {
                    Emptiness::AtAnchor
                } else {
                    Emptiness::Anywhere
                });
            }
            copies.push(copy);
        }
        let min = match empty {
            Emptiness::Never => min,
            // Empty copies fill up whatever is missing.
            Emptiness::Anywhere => 0,
            Emptiness::AtAnchor if min <= 1 => min,
            Emptiness::AtAnchor => {
                return Err(unsupported(
                    offset,
                    "a counted group that may be empty at an anchor",
                ));
            }
        };
        let free: Vec<Piece> = copies
            .iter()
            .filter(|c| !c.begin && !c.end)
            .map(|c| c.text)
            .collect();
        let one = alternate(pool, &free);
        let middle = times(pool, one, min.max(2) - 2, max.map(|m| m - 2));
        for first in copies.iter().filter(|c| !c.end) {
            for last in copies.iter().filter(|c| !c.begin) {
                let mut all = Vec::with_capacity(5);
                all.extend(first.begin.then_some(Item::Begin));
                all.extend([first.text, middle, last.text].map(Item::Text));
                all.extend(last.end.then_some(Item::End));
                out.push(all);
            }
        }
        if min == 0 && empty == Emptiness::Anywhere {
            out.push(Vec::new());
            out.extend(alternatives.iter().cloned());
        }
    }
    if out.len() > MAX_ALTERNATIVES {
        return Err(unsupported(
            offset,
            "too many alternatives with assertions in them",
        ));
    }
    Ok(Frag::Alts(out))
}

/// Whether a copy of a group can match nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Emptiness {
    Never,
    AtAnchor,
    Anywhere,
}

/// An alternative of a repeated group that consumes something: text, perhaps anchored.
struct Copy {
    begin: bool,
    text: Piece,
    end: bool,
}

/// The alternative as a copy; `None` when it looks around.
fn anchored_copy(pool: &mut RegexPool, items: &[Item]) -> Option<Copy> {
    if !items
        .iter()
        .all(|i| matches!(i, Item::Text(_) | Item::Begin | Item::End))
    {
        return None;
    }
    let begin = items.iter().rposition(|i| matches!(i, Item::Begin));
    let end = items.iter().position(|i| matches!(i, Item::End));
    // Text outside the anchors is empty, or the alternative cannot match at all.
    let outside = items
        .iter()
        .enumerate()
        .filter(|(i, _)| begin.is_some_and(|b| *i < b) || end.is_some_and(|e| *i > e));
    let possible = outside
        .flat_map(|(_, i)| texts(std::slice::from_ref(i)))
        .all(|p| p.min == 0);
    let from = begin.map_or(0, |b| b + 1);
    let to = end.unwrap_or(items.len());
    let text = concat(pool, texts(items.get(from..to).unwrap_or(&[])));
    let any = pool.any_char();
    let some = pool.repeat(any, 1, None);
    let regex = match (possible, text.min) {
        (false, _) => pool.never(),
        (true, 0) => pool.and([text.regex, some]),
        (true, _) => text.regex,
    };
    Some(Copy {
        begin: begin.is_some(),
        text: Piece {
            regex,
            min: text.min.max(1),
            ..text
        },
        end: end.is_some(),
    })
}

fn texts(items: &[Item]) -> impl Iterator<Item = Piece> + '_ {
    items.iter().filter_map(|i| match i {
        Item::Text(piece) => Some(*piece),
        _ => None,
    })
}

/// What a set of sequences is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum View {
    /// Whole texts.
    Whole,
    /// Suffixes from a place on; whether that place is the beginning of the text, if known.
    Suffix(Option<bool>),
    /// Prefixes up to a place; whether that place is the end of the text, if known.
    Prefix(Option<bool>),
}

fn language(
    pool: &mut RegexPool,
    alternatives: &[Vec<Item>],
    view: View,
    budget: &mut Budget,
) -> Result<RegexId, PatternError> {
    let mut work: Vec<Vec<Item>> = alternatives.to_vec();
    let mut done = Vec::new();
    let mut steps = 0;
    while let Some(items) = work.pop() {
        steps += 1;
        if steps > 4 * MAX_ALTERNATIVES {
            return Err(unsupported(
                0,
                "too many alternatives with assertions in them",
            ));
        }
        let looks = items.iter().filter(|i| !matches!(i, Item::Text(_))).count();
        budget.spend((items.len() + 1) * (looks + 1), 0)?;
        let Some(anchored) = anchor(items, view)? else {
            continue;
        };
        match boundary(pool, &anchored)? {
            Some(split) => work.extend(split),
            None => done.push(sequence(pool, anchored, view, budget)?),
        }
    }
    Ok(pool.alt(done))
}

/// A sequence without `^` and `$`.
#[derive(Clone, Debug)]
struct Anchored {
    items: Vec<Item>,
    /// Whether the sequence starts at the beginning of the text, and ends at its end.
    begin: bool,
    end: bool,
    /// Whether no free text stands on the left, and on the right.
    left_closed: bool,
    right_closed: bool,
}

/// Cuts the sequence at its anchors; `None` when they cannot hold.
fn anchor(items: Vec<Item>, view: View) -> Result<Option<Anchored>, PatternError> {
    let begin_at = items.iter().rposition(|i| matches!(i, Item::Begin));
    let end_at = items.iter().position(|i| matches!(i, Item::End));
    let known = |at: Option<usize>, edge: Option<bool>| match (at, edge) {
        (Some(_), None) => Err(unsupported(
            0,
            "an anchor in a look-around that may or may not be at that edge",
        )),
        (Some(_), Some(holds)) => Ok(holds),
        (None, _) => Ok(true),
    };
    let (mut left_closed, mut right_closed) = (begin_at.is_some(), end_at.is_some());
    let (mut begin, mut end) = (left_closed, right_closed);
    match view {
        View::Whole => {}
        View::Suffix(edge) => {
            if !known(begin_at, edge)? {
                return Ok(None);
            }
            left_closed = true;
            begin = edge == Some(true);
        }
        View::Prefix(edge) => {
            if !known(end_at, edge)? {
                return Ok(None);
            }
            right_closed = true;
            end = edge == Some(true);
        }
    }
    let mut kept = Vec::with_capacity(items.len());
    for (i, item) in items.into_iter().enumerate() {
        match item {
            Item::Begin | Item::End => {}
            Item::Text(piece) => {
                if begin_at.is_some_and(|b| i < b) || end_at.is_some_and(|e| i > e) {
                    // Outside the anchors only the empty text is left.
                    if piece.min > 0 {
                        return Ok(None);
                    }
                } else {
                    kept.push(Item::Text(piece));
                }
            }
            item => kept.push(item),
        }
    }
    Ok(Some(Anchored {
        items: kept,
        begin,
        end,
        left_closed,
        right_closed,
    }))
}

/// Whether the last (or first) character of what stands beside a place is a word character.
fn neighbour(pool: &RegexPool, items: &[Item], last: bool, at_edge: bool) -> Option<bool> {
    let mut iter: Box<dyn Iterator<Item = &Item>> = if last {
        Box::new(items.iter().rev())
    } else {
        Box::new(items.iter())
    };
    let text = iter.find_map(|i| match i {
        Item::Text(piece) => Some(piece),
        _ => None,
    });
    match text {
        Some(piece) if piece.min > 0 => edge_is_word(pool, piece.regex, last, &mut 64),
        Some(_) => None,
        None => at_edge.then_some(false),
    }
}

fn edge_is_word(pool: &RegexPool, id: RegexId, last: bool, budget: &mut u32) -> Option<bool> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // The recursion is as deep as the budget at most.
    *budget = budget.checked_sub(1)?;
    match pool.node(id) {
        RegexNode::Bytes(b) => {
            let text = std::str::from_utf8(b).ok()?;
            let c = if last {
                text.chars().next_back()
            } else {
                text.chars().next()
            };
            c.map(is_word)
        }
        RegexNode::Class(ranges) => {
            let common = |(x, y): (char, char), (a, b): (u32, u32)| {
                ((y as u32).min(b) + 1).saturating_sub((x as u32).max(a))
            };
            let words: u32 = ranges
                .iter()
                .map(|r| WORD.iter().map(|w| common(*r, *w)).sum::<u32>())
                .sum();
            let all: u32 = ranges.iter().map(|&(x, y)| y as u32 - x as u32 + 1).sum();
            match words {
                0 => Some(false),
                n if n == all => Some(true),
                _ => None,
            }
        }
        RegexNode::Concat(parts) => {
            let part = if last { parts.last() } else { parts.first() };
            edge_is_word(pool, *part?, last, budget)
        }
        RegexNode::Repeat { node, min, .. } if *min > 0 => edge_is_word(pool, *node, last, budget),
        RegexNode::Alt(parts) => {
            let mut all = None;
            for part in parts {
                let one = edge_is_word(pool, *part, last, budget)?;
                if all.is_some_and(|a| a != one) {
                    return None;
                }
                all = Some(one);
            }
            all
        }
        _ => None,
    }
}

/// Replaces the first `\b` or `\B` by what it means; `None` when there is none.
fn boundary(pool: &mut RegexPool, a: &Anchored) -> Result<Option<Vec<Vec<Item>>>, PatternError> {
    let found = a.items.iter().enumerate().find_map(|(i, item)| match item {
        Item::Boundary { negated, offset } => Some((i, *negated, *offset)),
        _ => None,
    });
    let Some((at, negated, offset)) = found else {
        return Ok(None);
    };
    let before = neighbour(pool, &a.items[..at], true, a.begin);
    let after = neighbour(pool, &a.items[at + 1..], false, a.end);
    let word = pool.class(CodeSet::of(WORD).chars());
    let body = Rc::new(vec![vec![Item::Text(Piece {
        regex: word,
        min: 1,
        max: Some(1),
    })]]);
    let look = |behind: bool, is_word: bool| Item::Look {
        behind,
        negated: !is_word,
        body: body.clone(),
        depth: 1,
        offset,
    };
    let mut out = Vec::new();
    for left in [false, true] {
        for right in [false, true] {
            let holds = (left != right) != negated;
            if !holds || before.is_some_and(|b| b != left) || after.is_some_and(|b| b != right) {
                continue;
            }
            let mut items = Vec::with_capacity(a.items.len() + 3);
            if a.begin {
                items.push(Item::Begin);
            }
            items.extend_from_slice(&a.items[..at]);
            if before.is_none() {
                items.push(look(true, left));
            }
            if after.is_none() {
                items.push(look(false, right));
            }
            items.extend_from_slice(&a.items[at + 1..]);
            if a.end {
                items.push(Item::End);
            }
            out.push(items);
        }
    }
    Ok(Some(out))
}

/// The text that a look-around sees, when that is all it does.
fn plain_body(pool: &mut RegexPool, body: &[Vec<Item>]) -> Option<Piece> {
    let mut pieces = Vec::with_capacity(body.len());
    for items in body {
        if !items.iter().all(|i| matches!(i, Item::Text(_))) {
            return None;
        }
        pieces.push(concat(pool, texts(items)));
    }
    Some(alternate(pool, &pieces))
}

/// Makes every look-around local that the text beside it covers.
fn localise(pool: &mut RegexPool, mut items: Vec<Item>) -> Vec<Item> {
    let mut at = 0;
    while at < items.len() {
        let Item::Look {
            behind,
            negated,
            body,
            ..
        } = &items[at]
        else {
            at += 1;
            continue;
        };
        let (behind, negated, body) = (*behind, *negated, body.clone());
        let Some((seen, reach)) = plain_body(pool, &body).and_then(|p| Some((p, p.max?))) else {
            at += 1;
            continue;
        };
        // The run of texts beside the look-around that is long enough.
        let (mut from, mut to) = if behind { (at, at) } else { (at + 1, at + 1) };
        let mut len = 0u32;
        while len < reach {
            let next = if behind {
                from.checked_sub(1)
            } else {
                Some(to)
            };
            match next.and_then(|i| items.get(i)) {
                Some(Item::Text(piece)) => {
                    len = len.saturating_add(piece.min);
                    if behind { from -= 1 } else { to += 1 }
                }
                _ => break,
            }
        }
        if len < reach {
            at += 1;
            continue;
        }
        let text = concat(pool, texts(&items[from..to]));
        let any = pool.any_text();
        let constraint = if behind {
            pool.concat([any, seen.regex])
        } else {
            pool.concat([seen.regex, any])
        };
        let constraint = if negated {
            pool.not(constraint)
        } else {
            constraint
        };
        let merged = Piece {
            regex: pool.and([text.regex, constraint]),
            ..text
        };
        let (first, last) = (from.min(at), to.max(at + 1));
        items.splice(first..last, [Item::Text(merged)]);
        at = first;
    }
    items
}

/// The set of a sequence of texts and look-around.
fn sequence(
    pool: &mut RegexPool,
    mut a: Anchored,
    view: View,
    budget: &mut Budget,
) -> Result<RegexId, PatternError> {
    let mut whole: Vec<RegexId> = Vec::new();
    // Look-around at the edges speaks about the whole.
    let mut i = 0;
    while i < a.items.len() {
        if let Item::Look {
            behind,
            negated,
            body,
            ..
        } = &a.items[i]
        {
            let beside = if *behind {
                &a.items[i + 1..]
            } else {
                &a.items[..i]
            };
            let at_edge = texts(beside).next().is_none();
            let closed = if *behind {
                a.right_closed
            } else {
                a.left_closed
            };
            // What lies beyond the edge of the view is not known.
            let in_view = match view {
                View::Whole => true,
                View::Suffix(edge) => !*behind || edge == Some(true),
                View::Prefix(edge) => *behind || edge == Some(true),
            };
            if at_edge && closed && in_view {
                let (behind, negated, body) = (*behind, *negated, body.clone());
                let edge = if behind {
                    View::Prefix(a.end.then_some(true))
                } else {
                    View::Suffix(a.begin.then_some(true))
                };
                let inner = language(pool, &body, edge, budget)?;
                whole.push(if negated { pool.not(inner) } else { inner });
                a.items.remove(i);
                continue;
            }
        }
        i += 1;
    }
    let looks = |items: &[Item], behind: bool| {
        items
            .iter()
            .any(|i| matches!(i, Item::Look { behind: b, .. } if *b == behind))
    };
    let crosses = |items: &[Item]| {
        let last_behind = items
            .iter()
            .rposition(|i| matches!(i, Item::Look { behind: true, .. }))
            .map_or(0, |i| i + 1);
        let first_ahead = items
            .iter()
            .position(|i| matches!(i, Item::Look { behind: false, .. }))
            .unwrap_or(items.len());
        // A look-ahead and a look-behind at one place may stand in any order.
        first_ahead < last_behind && texts(&items[first_ahead..last_behind]).next().is_some()
    };
    let wrong_side = |items: &[Item]| match view {
        View::Whole => false,
        View::Suffix(edge) => edge != Some(true) && looks(items, true),
        View::Prefix(edge) => edge != Some(true) && looks(items, false),
    };
    if crosses(&a.items) || wrong_side(&a.items) {
        a.items = localise(pool, a.items);
    }
    if crosses(&a.items) || wrong_side(&a.items) {
        let offset = a.items.iter().find_map(|i| match i {
            Item::Look { offset, .. } => Some(*offset),
            _ => None,
        });
        return Err(unsupported(
            offset.unwrap_or(0),
            "look-around that depends on text on both of its sides",
        ));
    }
    // At one place, put look-behinds first.
    let border = a
        .items
        .iter()
        .rposition(|i| matches!(i, Item::Look { behind: true, .. }))
        .map_or(0, |i| i + 1);
    let (left, right) = a.items.split_at(border);
    let mut left = left.to_vec();
    let mut moved = Vec::new();
    left.retain(|i| {
        let ahead = matches!(i, Item::Look { behind: false, .. });
        if ahead {
            moved.push(i.clone());
        }
        !ahead
    });
    let right: Vec<Item> = moved.into_iter().chain(right.iter().cloned()).collect();

    let any = pool.any_text();
    let empty = pool.empty();
    let mut prefix = if a.left_closed { empty } else { any };
    let mut consumed_min = 0u32;
    for item in &left {
        match item {
            Item::Text(piece) => {
                prefix = pool.concat([prefix, piece.regex]);
                consumed_min = consumed_min.saturating_add(piece.min);
            }
            Item::Look { negated, body, .. } => {
                let inner = language(pool, body, View::Prefix(None), budget)?;
                let inner = if *negated { pool.not(inner) } else { inner };
                prefix = pool.and([prefix, inner]);
            }
            _ => {}
        }
    }
    let total: u32 = texts(&right).fold(consumed_min, |n, p| n.saturating_add(p.min));
    let mut before = total;
    let mut suffix = if a.right_closed { empty } else { any };
    for item in right.iter().rev() {
        match item {
            Item::Text(piece) => {
                suffix = pool.concat([piece.regex, suffix]);
                before = before.saturating_sub(piece.min);
            }
            Item::Look { negated, body, .. } => {
                // Known not to be at the beginning once something was consumed.
                let edge = (before > 0).then_some(false);
                let inner = language(pool, body, View::Suffix(edge), budget)?;
                let inner = if *negated { pool.not(inner) } else { inner };
                suffix = pool.and([suffix, inner]);
            }
            _ => {}
        }
    }
    whole.push(pool.concat([prefix, suffix]));
    Ok(pool.and(whole))
}
