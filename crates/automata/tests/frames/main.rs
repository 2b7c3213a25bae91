//! Frames against an independent validator and against real documents.

mod corpus;
mod costs;
mod matcher;
mod schemas;
mod walks;

use maskwright_automata::{FrameOptions, Frames, Lexicon};
use maskwright_grammar::Diagnostics;
use maskwright_grammar::json_schema::{Options, parse};
use maskwright_tables::{CancelFlag, Limits};
use std::sync::Arc;

fn build(schema: &str, options: FrameOptions) -> Result<(Frames, Arc<Lexicon>), Diagnostics> {
    let limits = Limits::untrusted();
    let lexicon = Arc::new(Lexicon::new(limits));
    build_with(schema, options, &lexicon).map(|f| (f, lexicon))
}

fn build_with(
    schema: &str,
    options: FrameOptions,
    lexicon: &Arc<Lexicon>,
) -> Result<Frames, Diagnostics> {
    let limits = Limits::untrusted();
    let (schema, _) = parse(schema, &Options::default(), &limits)?;
    // The driver of these tests compares values, see `matcher`.
    let options = FrameOptions { ..options };
    Frames::new(schema, lexicon.clone(), options, limits, CancelFlag::new())
}

/// A small deterministic generator (splitmix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
}
