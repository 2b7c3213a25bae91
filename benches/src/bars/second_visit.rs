//! The second visit: the same compiled grammar, a new session. Every row and step is remembered, so a
//! mask should cost what copying its words costs, a borrowed row nothing that grows with the vocabulary.

use super::{Board, Ground, at, spread};
use crate::clock::{Clock, wall};
use maskwright_compiler::CompiledGrammar;
use maskwright_runtime::{Matcher, RowScratch};
use maskwright_tables::TokenId;
use std::collections::BTreeMap;
use std::hint::black_box;

/// Timed passes after the first visit. Of each place the least time counts.
const PASSES: usize = 7;

/// Rows that the plain copy takes in turn, so that its source comes from the second-level cache, as
/// the rows of a machine do.
const SOURCES: usize = 8;

/// The least times of one place, in nanoseconds.
#[derive(Clone, Copy)]
struct Place {
    mask: u64,
    copy: u64,
    row: u64,
    /// After the place; none at the end of a text.
    advance: u64,
}

impl Place {
    const UNKNOWN: Place = Place {
        mask: u64::MAX,
        copy: u64::MAX,
        row: u64::MAX,
        advance: u64::MAX,
    };
}

struct Timer {
    mask: Vec<u32>,
    target: Vec<u32>,
    sources: Vec<Vec<u32>>,
    scratch: RowScratch,
    /// What a reading of the clock costs.
    clock: u64,
}

/// Runs a text as far as the grammar takes it; tells the places passed.
fn first_visit(
    grammar: &CompiledGrammar,
    tokens: &[u32],
    mask: &mut [u32],
    advances: &mut Vec<u64>,
) -> Option<usize> {
    let mut matcher = Matcher::new(grammar.machine()).ok()?;
    for (i, &token) in tokens.iter().enumerate() {
        matcher.fill_mask(mask).ok()?;
        let (taken, ns) = wall(|| matcher.advance(TokenId(token)));
        if taken.is_err() {
            return Some(i + 1);
        }
        advances.push(ns);
    }
    matcher.fill_mask(mask).ok()?;
    Some(tokens.len() + 1)
}

impl Timer {
    /// One pass over a text: masks and copies, or rows.
    fn pass(
        &mut self,
        grammar: &CompiledGrammar,
        tokens: &[u32],
        places: &mut [Place],
        rows: bool,
    ) -> Option<u64> {
        let (mask, clock) = (&mut self.mask, self.clock);
        let least = |old: &mut u64, ns: u64| *old = (*old).min(ns.saturating_sub(clock));
        let (matcher, first) = wall(|| {
            let matcher = Matcher::new(grammar.machine()).ok()?;
            matcher.fill_mask(black_box(mask)).ok()?;
            Some(matcher)
        });
        let mut matcher = matcher?;
        for (i, place) in places.iter_mut().enumerate() {
            match rows {
                true => {
                    let (row, ns) =
                        wall(|| matcher.row(&mut self.scratch).map(|r| _ = black_box(r)));
                    row.ok()?;
                    least(&mut place.row, ns);
                }
                false => {
                    let (filled, ns) = wall(|| matcher.fill_mask(black_box(mask)));
                    filled.ok()?;
                    least(&mut place.mask, ns);
                    let source = &self.sources[i % SOURCES];
                    let target = &mut self.target;
                    let ((), ns) = wall(|| black_box(target).copy_from_slice(black_box(source)));
                    least(&mut place.copy, ns);
                }
            }
            let Some(&token) = tokens.get(i) else { break };
            let (taken, ns) = wall(|| matcher.advance(TokenId(token)));
            if taken.is_err() {
                break;
            }
            least(&mut place.advance, ns);
        }
        Some(first.saturating_sub(clock))
    }
}

/// The slowest by name: `which` of all places.
fn slowest(all: &[(usize, usize, Place)], which: fn(&Place) -> u64, names: &[&str]) -> String {
    let mut order: Vec<_> = all.iter().filter(|p| which(&p.2) != u64::MAX).collect();
    order.sort_unstable_by_key(|p| std::cmp::Reverse(which(&p.2)));
    let mut told: Vec<usize> = Vec::new();
    let mut out = String::from("slowest");
    for (case, token, place) in order {
        if !told.contains(case) && told.len() < 6 {
            told.push(*case);
            let us = which(place) as f64 / 1e3;
            out += &format!(" {us:.2} µs {} token {token},", names[*case]);
        }
    }
    out.trim_end_matches(',').to_owned()
}

pub(super) fn run(board: &mut Board, ground: &Ground<'_>) {
    let words = ground.compiler.vocabulary().mask_words();
    let mut timer = Timer {
        mask: vec![0; words],
        target: vec![0; words],
        sources: (0..SOURCES as u32).map(|i| vec![!i; words]).collect(),
        scratch: RowScratch::new(),
        clock: Clock::own_cost(false),
    };
    let (mut all, mut firsts) = (Vec::new(), Vec::new());
    let mut first_advances = Vec::new();
    for (index, (case, tokens)) in ground.cases.iter().zip(&ground.tokens).enumerate() {
        let Some(grammar) = ground.compile(case) else {
            continue;
        };
        let mut least_first = u64::MAX;
        // A case without instances still has a first mask.
        let none: Vec<Vec<u32>> = vec![Vec::new()];
        for tokens in if tokens.is_empty() { &none } else { tokens } {
            let passed = first_visit(&grammar, tokens, &mut timer.mask, &mut first_advances);
            let mut places = vec![Place::UNKNOWN; passed.unwrap_or(0)];
            for rows in [false, true] {
                for _ in 0..PASSES {
                    if let Some(first) = timer.pass(&grammar, tokens, &mut places, rows) {
                        least_first = least_first.min(first);
                    }
                }
            }
            all.extend(places.into_iter().enumerate().map(|(i, p)| (index, i, p)));
        }
        if least_first != u64::MAX {
            firsts.push((least_first, index));
        }
    }
    let names: Vec<&str> = ground.cases.iter().map(|c| &*c.name).collect();
    let sorted = |which: fn(&Place) -> u64| {
        let mut values: Vec<u64> = all
            .iter()
            .map(|p| which(&p.2))
            .filter(|v| *v != u64::MAX)
            .collect();
        values.sort_unstable();
        values
    };
    firsts.sort_unstable();
    let only: Vec<u64> = firsts.iter().map(|f| f.0).collect();
    let slow: Vec<String> = firsts
        .iter()
        .rev()
        .take(3)
        .map(|(ns, i)| format!("{:.2} µs {}", *ns as f64 / 1e3, names[*i]))
        .collect();
    let detail = format!(
        "a new session and its mask: {}; slowest {}",
        spread(&only),
        slow.join(", ")
    );
    board.at_most(
        "second visit, first mask, greatest",
        at(&only, 1.0) / 1e3,
        5.0,
        "µs",
        &detail,
    );
    let (masks, copies) = (sorted(|p| p.mask), sorted(|p| p.copy));
    let copy = at(&copies, 0.5).max(1.0);
    board.note(
        "plain copy of a mask's words",
        &format!(
            "{} ({words} words, from one of {SOURCES} rows in turn)",
            spread(&copies)
        ),
    );
    let ratio = |share| at(&masks, share) / copy;
    board.at_most(
        "second visit, mask p50 / copy p50",
        ratio(0.5),
        2.0,
        "x",
        &spread(&masks),
    );
    let detail = slowest(&all, |p| p.mask, &names);
    board.at_most(
        "second visit, mask p99 / copy p50",
        ratio(0.99),
        4.0,
        "x",
        &detail,
    );
    let is_above =
        |p: &&(usize, usize, Place)| p.2.mask != u64::MAX && p.2.mask as f64 > 4.0 * copy;
    let mut above: BTreeMap<usize, usize> = BTreeMap::new();
    for (case, ..) in all.iter().filter(is_above) {
        *above.entry(*case).or_default() += 1;
    }
    let count: usize = above.values().sum();
    let mut most: Vec<(usize, &str)> = above.iter().map(|(i, n)| (*n, names[*i])).collect();
    most.sort_unstable_by(|a, b| b.cmp(a));
    let most: Vec<String> = most
        .iter()
        .take(6)
        .map(|(n, name)| format!("{n} {name}"))
        .collect();
    board.note(
        "masks above 4 copies",
        &format!(
            "{count} of {}, {:.2} %, in {} of {} cases: {}",
            masks.len(),
            100.0 * count as f64 / masks.len().max(1) as f64,
            above.len(),
            firsts.len(),
            most.join(", ")
        ),
    );
    let rows = sorted(|p| p.row);
    board.at_most(
        "second visit, borrowed row p50",
        at(&rows, 0.5),
        100.0,
        "ns",
        &spread(&rows),
    );
    let advances = sorted(|p| p.advance);
    board.at_most(
        "second visit, advance p50",
        at(&advances, 0.5),
        200.0,
        "ns",
        &spread(&advances),
    );
    let detail = slowest(&all, |p| p.advance, &names);
    board.at_most(
        "second visit, advance p99",
        at(&advances, 0.99) / 1e3,
        3.0,
        "µs",
        &detail,
    );
    let mut first: Vec<u64> = first_advances
        .iter()
        .map(|a| a.saturating_sub(timer.clock))
        .collect();
    first.sort_unstable();
    board.at_most(
        "first visit, advance p50",
        at(&first, 0.5),
        200.0,
        "ns",
        &spread(&first),
    );
    board.at_most(
        "first visit, advance p99",
        at(&first, 0.99) / 1e3,
        3.0,
        "µs",
        "one pass, of the wall",
    );
}
