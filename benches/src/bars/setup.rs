//! What a vocabulary costs before the first grammar: time and memory of its set-up.

use super::Board;
use crate::clock::{bytes_held, cpu};
use maskwright_compiler::Compiler;
use maskwright_compiler::vocabulary::VocabularyExt;
use maskwright_runtime::Matcher;
use maskwright_tables::{Limits, Vocabulary};
use std::sync::Arc;

/// A compiler that was set up under a clock, and the bars so far.
pub struct SetUp {
    pub(super) compiler: Compiler,
    pub(super) board: Board,
}

/// The bars on set-up are for the largest vocabulary at hand.
const LARGEST: &str = "o200k_base";

impl SetUp {
    /// Sets up a vocabulary that this process has not touched before, and everything that does not
    /// depend on a grammar.
    pub fn measure(name: &str) -> anyhow::Result<Self> {
        let mut board = Board::default();
        println!("set-up");
        let before = bytes_held();
        let (compiler, ns) = cpu(|| -> anyhow::Result<Compiler> {
            let vocabulary = match name {
                "o200k_base" => Vocabulary::o200k_base(),
                "cl100k_base" => Vocabulary::cl100k_base(),
                file => crate::vocabularies::load(file)?.0,
            };
            vocabulary.trie();
            Ok(Compiler::new(Arc::clone(&vocabulary), Limits::untrusted()))
        });
        let compiler = compiler?;
        let bytes = bytes_held() - before;
        let (first, first_ns) = cpu(|| -> anyhow::Result<()> {
            let grammar = compiler.json_schema("{}")?;
            let matcher = Matcher::new(&grammar)?;
            let mut mask = vec![0; matcher.mask_words()];
            Ok(matcher.fill_mask(&mut mask)?)
        });
        first?;
        let (ms, mib) = (ns as f64 / 1e6, bytes as f64 / f64::from(1 << 20));
        let detail = format!(
            "processor time; compile and first mask of the first schema after it {:.2} ms",
            first_ns as f64 / 1e6
        );
        if name == LARGEST {
            board.at_most("set-up of o200k_base", ms, 120.0, "ms", &detail);
            if cfg!(feature = "memory") {
                let kept = (bytes_held() - before) as f64 / f64::from(1 << 20);
                let detail = format!("{kept:.2} MiB after the first schema");
                board.at_most("memory of o200k_base", mib, 24.0, "MiB", &detail);
            }
        } else {
            board.note(
                &format!("set-up of {name}"),
                &format!("{ms:.1} ms; {detail}"),
            );
        }
        Ok(SetUp { compiler, board })
    }
}
