//! Masks of many sessions at once, one thread.

use super::{Board, Ground, at};
use crate::clock::wall;
use maskwright_runtime::{Matcher, fill_batch};
use maskwright_tables::TokenId;
use std::hint::black_box;

/// How often each is timed; the least counts.
const ROUNDS: usize = 15;

fn least(mut call: impl FnMut()) -> u64 {
    (0..ROUNDS).map(|_| wall(&mut call).1).min().unwrap_or(0)
}

pub(super) fn run(board: &mut Board, ground: &Ground<'_>) {
    // Sessions in the middle of texts of different grammars, each visited before.
    let words = ground.compiler.vocabulary().mask_words();
    let mut mask = vec![0; words];
    let mut sessions: Vec<Matcher> = Vec::new();
    for (case, tokens) in ground.cases.iter().zip(&ground.tokens) {
        let Some(grammar) = ground.compile(case) else {
            continue;
        };
        let Ok(mut matcher) = Matcher::new(&grammar) else {
            continue;
        };
        let tokens = tokens.first().map_or(&[][..], |t| &t[..t.len() / 2]);
        let walked = tokens
            .iter()
            .try_for_each(|t| matcher.advance(TokenId(*t)))
            .and_then(|()| matcher.fill_mask(&mut mask));
        if walked.is_ok() {
            sessions.push(matcher);
        }
    }
    if sessions.is_empty() {
        board.note("batches", "no cases");
        return;
    }
    let mut singles: Vec<u64> = sessions
        .iter()
        .map(|m| least(|| _ = black_box(m.fill_mask(black_box(&mut mask)))))
        .collect();
    let sum: u64 = singles.iter().sum();
    let mean = sum as f64 / singles.len() as f64;
    singles.sort_unstable();
    let p50 = at(&singles, 0.5);
    board.note(
        "one at a time",
        &format!(
            "p50 {:.2} µs, mean {:.2} µs, {} sessions in different grammars",
            p50 / 1e3,
            mean / 1e3,
            sessions.len()
        ),
    );
    for n in [1usize, 64, 512] {
        let mut matrix = vec![0; n * words];
        let mut times: Vec<u64> = sessions
            .chunks_exact(n.min(sessions.len()))
            .map(|part| {
                let batch: Vec<&Matcher> = part.iter().cycle().take(n).collect();
                least(|| _ = black_box(fill_batch(&batch, black_box(&mut matrix))))
            })
            .collect();
        times.sort_unstable();
        let median = at(&times, 0.5);
        // The same traffic without a matcher: as many different rows into the same matrix.
        let sources: Vec<Vec<u32>> = (0..n as u32).map(|i| vec![!i; words]).collect();
        let floor = least(|| {
            for (row, source) in black_box(&mut matrix).chunks_exact_mut(words).zip(&sources) {
                row.copy_from_slice(source);
            }
        });
        let detail = format!(
            "{:.1} µs, {:.2} µs a session; median of {} batches; copies of as many different rows {:.1} µs; {:.2} x the mean of one at a time",
            median / 1e3,
            median / 1e3 / n as f64,
            times.len(),
            floor as f64 / 1e3,
            median / (n as f64 * mean)
        );
        match n {
            64 => board.at_most(
                "batch of 64 / 64 masks at p50",
                median / (64.0 * p50),
                1.1,
                "x",
                &detail,
            ),
            _ => board.note(&format!("batch of {n}"), &detail),
        }
    }
    // The same session many times: no other rows are in the way.
    let mut matrix = vec![0; 64 * words];
    let middle = sessions.len() / 2;
    let batch: Vec<&Matcher> = std::iter::repeat_n(&sessions[middle], 64).collect();
    let one = least(|| _ = black_box(sessions[middle].fill_mask(black_box(&mut mask))));
    let many = least(|| _ = black_box(fill_batch(&batch, black_box(&mut matrix))));
    board.note(
        "64 times one session",
        &format!(
            "{:.1} µs, {:.2} x one mask",
            many as f64 / 1e3,
            many as f64 / one.max(1) as f64 / 64.0
        ),
    );
}
