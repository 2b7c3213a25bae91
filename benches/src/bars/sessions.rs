//! What a session costs after 20,000 tokens: fork, rollback, memory.

use super::{Board, Ground, at, spread};
use crate::clock::{bytes_held, wall};
use maskwright_compiler::CompiledGrammar;
use maskwright_runtime::{MatchError, Matcher, MatcherConfig};
use maskwright_tables::TokenId;
use std::fmt::Write;
use std::hint::black_box;

/// Tokens before anything is measured.
const BEFORE: usize = 20_000;

/// Steps in one timed round.
const STEPS: usize = 128;

/// Timed rounds; medians are shown.
const ROUNDS: usize = 101;

/// The texts: a name, a schema, and more than enough text.
fn texts() -> Vec<(&'static str, String, String)> {
    let words = crate::cliffs::words(BEFORE * 2);
    let mut records = String::from("[");
    for (i, word) in crate::cliffs::words(BEFORE / 4).split(' ').enumerate() {
        let comma = if i > 0 { ", " } else { "" };
        let _ = write!(
            records,
            "{comma}{{\"id\": {i}, \"name\": \"{word}\", \"tags\": [\"a\", \"b\"]}}"
        );
    }
    let record = r#"{ "type": "object", "properties": { "id": { "type": "integer" }, "name": { "type": "string" },
        "tags": { "type": "array", "items": { "type": "string" } } }, "required": ["id", "name"],
        "additionalProperties": false }"#;
    let (mut numbers, mut nested) = (String::from("["), String::new());
    for i in 0..BEFORE {
        let _ = write!(numbers, "{i}, ");
        let _ = write!(nested, "{{\"value\": \"v{i}\", \"next\": ");
    }
    let node = r##"{ "$defs": { "node": { "type": "object", "properties": { "value": { "type": "string" },
        "next": { "$ref": "#/$defs/node" } } } }, "$ref": "#/$defs/node" }"##;
    vec![
        (
            "one string",
            r#"{ "type": "string" }"#.into(),
            format!("\"{words}"),
        ),
        (
            "list of records",
            format!(r#"{{ "type": "array", "items": {record} }}"#),
            records.clone(),
        ),
        ("any JSON", "{}".into(), records),
        ("nested 2,000 deep", node.into(), nested),
        (
            "distinct numbers",
            r#"{ "type": "array", "items": { "type": "integer" }, "uniqueItems": true }"#.into(),
            numbers,
        ),
    ]
}

fn median(mut round: impl FnMut() -> u64) -> f64 {
    let mut all: Vec<u64> = (0..ROUNDS).map(|_| round()).collect();
    all.sort_unstable();
    at(&all, 0.5)
}

fn walk(
    grammar: &CompiledGrammar,
    config: MatcherConfig,
    tokens: &[u32],
) -> Result<Matcher, MatchError> {
    let mut matcher = Matcher::with_config(grammar, config)?;
    for token in tokens {
        matcher.advance(TokenId(*token))?;
    }
    Ok(matcher)
}

pub(super) fn run(board: &mut Board, ground: &Ground<'_>) {
    let (mut worst_fork, mut worst_back) = ((0.0, ""), (0.0, ""));
    let (mut worst_bytes, mut detail) = ((0.0, ""), String::new());
    for (name, schema, text) in texts() {
        let tokens = ground.encoder.encode(&text);
        let grammar = match ground.compiler.json_schema(&schema) {
            Ok(grammar) => grammar,
            Err(e) => {
                board.note(name, &format!("refused: {e}"));
                continue;
            }
        };
        let (before, after) = tokens.split_at(BEFORE.min(tokens.len().saturating_sub(2 * STEPS)));
        let lean = walk(&grammar, MatcherConfig::new().history(0), before);
        // What the grammar learns on the way is not the session's: count what a drop frees.
        let with = bytes_held();
        drop(lean);
        let held = with - bytes_held();
        let matcher = match walk(&grammar, MatcherConfig::new(), before) {
            Ok(matcher) => matcher,
            Err(e) => {
                board.note(name, &format!("not walked: {e}"));
                continue;
            }
        };
        let mut mask = vec![0; matcher.mask_words()];
        // Known ground, so that only the session is timed.
        let mut known = matcher.fork();
        for token in &after[..STEPS] {
            if known.fill_mask(&mut mask).is_err() || known.advance(TokenId(*token)).is_err() {
                break;
            }
        }
        drop(known);
        let mut forks: Vec<Matcher> = Vec::with_capacity(STEPS);
        let fork = median(|| {
            forks.clear();
            wall(|| (0..STEPS).for_each(|_| forks.push(black_box(&matcher).fork()))).1
        }) / STEPS as f64;
        let drops = median(|| {
            forks.extend((forks.len()..STEPS).map(|_| matcher.fork()));
            wall(|| forks.clear()).1
        }) / STEPS as f64;
        let mut advances = Vec::new();
        let mut first_after_fork = Vec::new();
        let back = median(|| {
            let mut run = matcher.fork();
            let mut taken = 0;
            for token in &after[..STEPS] {
                let (ok, ns) = wall(|| run.advance(TokenId(*token)));
                if ok.is_err() {
                    break;
                }
                match taken {
                    0 => first_after_fork.push(ns),
                    _ => advances.push(ns),
                }
                taken += 1;
            }
            let ns = wall(|| (0..taken).for_each(|_| _ = black_box(run.rollback(1)))).1;
            ns * STEPS as u64 / taken.max(1) as u64
        }) / STEPS as f64;
        advances.sort_unstable();
        first_after_fork.sort_unstable();
        let fill = median(|| wall(|| _ = black_box(matcher.fill_mask(black_box(&mut mask)))).1);
        let memory = match cfg!(feature = "memory") {
            true => format!(", {held} bytes without history"),
            false => String::new(),
        };
        board.note(
            name,
            &format!(
                "after {} tokens, {} deep: fork {fork:.0} ns, drop of a fork {drops:.0} ns, rollback {back:.0} ns, advance {}, first advance of a fork p50 {:.2} µs, mask p50 {:.2} µs{memory}",
                before.len(),
                matcher.stack_depth(),
                spread(&advances),
                at(&first_after_fork, 0.5) / 1e3,
                fill / 1e3
            ),
        );
        for (worst, value) in [(&mut worst_fork, fork), (&mut worst_back, back)] {
            if value > worst.0 {
                *worst = (value, name);
            }
        }
        // A stack is as deep as its text is nested: that is no session's constant.
        if matcher.stack_depth() < 100 && held as f64 > worst_bytes.0 {
            worst_bytes = (held as f64, name);
        }
        let _ = write!(detail, "{name} {held}, ");
    }
    board.at_most(
        "fork after 20,000 tokens, greatest",
        worst_fork.0,
        100.0,
        "ns",
        worst_fork.1,
    );
    board.at_most(
        "rollback after 20,000 tokens, greatest",
        worst_back.0,
        100.0,
        "ns",
        worst_back.1,
    );
    if cfg!(feature = "memory") {
        board.at_most(
            "bytes of a session after 20,000 tokens, no history",
            worst_bytes.0,
            2048.0,
            "bytes",
            detail.trim_end_matches(", "),
        );
    }
}
