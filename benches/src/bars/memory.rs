//! Bytes: of a session, of a compiled grammar, of what a compiler learns for all grammars.

use super::{Board, Ground, at};
use crate::clock::bytes_held;
use maskwright_compiler::Compiler;
use maskwright_runtime::Matcher;
use maskwright_tables::TokenId;
use std::sync::Arc;

pub(super) fn run(board: &mut Board, ground: &Ground<'_>) {
    if !cfg!(feature = "memory") {
        board.note("memory", "not counted: build with `--features memory`");
        return;
    }
    let limits = *ground.compiler.limits();
    let vocabulary = ground.compiler.vocabulary();
    let compiler = Compiler::new(Arc::clone(vocabulary), limits);
    let mut mask = vec![0; vocabulary.mask_words()];
    let n = ground.cases.len();
    let (mut compiled, mut own, mut all) = (
        Vec::with_capacity(n),
        Vec::with_capacity(n),
        Vec::with_capacity(n),
    );
    let mut sessions = Vec::with_capacity(n);
    let start = bytes_held();
    for (case, tokens) in ground.cases.iter().zip(&ground.tokens) {
        let before = bytes_held();
        let Ok(grammar) = crate::maskwright::compile(&compiler, &ground.options, &case.source)
        else {
            continue;
        };
        compiled.push((bytes_held() - before).max(0) as u64);
        for tokens in tokens {
            let Ok(mut matcher) = Matcher::new(&grammar) else {
                continue;
            };
            let walked = tokens.iter().try_for_each(|t| {
                matcher.fill_mask(&mut mask)?;
                matcher.advance(TokenId(*t))
            });
            let _ = walked.and_then(|()| matcher.fill_mask(&mut mask));
        }
        // A second session, half-way, to see what a session holds.
        if let Some(tokens) = tokens.first() {
            let bytes = bytes_held();
            if let Ok(mut matcher) = Matcher::new(&grammar) {
                let half = &tokens[..tokens.len() / 2];
                let _ = half.iter().try_for_each(|t| matcher.advance(TokenId(*t)));
                sessions.push((bytes_held() - bytes).max(0) as u64);
            }
        }
        let with = bytes_held();
        drop(grammar);
        let after = bytes_held();
        own.push((with - after).max(0) as u64);
        all.push((with - before).max(0) as u64);
    }
    let learnt = bytes_held() - start;
    for values in [&mut compiled, &mut own, &mut all, &mut sessions] {
        values.sort_unstable();
    }
    let kb = |sorted: &[u64]| {
        let at = |share| at(sorted, share) / 1024.0;
        format!(
            "p50 {:.1} KB, p99 {:.1} KB, max {:.1} KB",
            at(0.5),
            at(0.99),
            at(1.0)
        )
    };
    board.note("after compile alone", &kb(&compiled));
    board.note(
        "with rows of the vocabulary that other grammars share",
        &kb(&all),
    );
    board.note(
        "shared rows in the end",
        &format!("{:.1} MB over {} grammars", learnt as f64 / 1e6, own.len()),
    );
    board.at_most(
        "a compiled grammar after its texts, median",
        at(&own, 0.5) / 1024.0,
        64.0,
        "KB",
        &kb(&own),
    );
    board.note(
        "a session in the middle of its text, history included",
        &kb(&sessions),
    );
}
