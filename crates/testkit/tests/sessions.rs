//! Random sequences of operations equal a replay from the start.

mod common;

use arbitrary::Unstructured;
use common::Lazy;
use maskwright_testkit::check::{self, Counts};
use maskwright_testkit::corpus;
use maskwright_testkit::engine::Engine;
use maskwright_testkit::generate;
use maskwright_testkit::random::Random;
use maskwright_testkit::vocab;
use std::sync::Arc;

#[test]
fn ten_thousand_random_sequences_equal_a_replay_from_the_start() {
    let entries = corpus::load();
    let each = 10_000usize.div_ceil(entries.len());
    let mut counts = Counts::default();
    let (mut sequences, mut limited) = (0, 0);
    for (i, entry) in entries.iter().enumerate() {
        let vocabulary = Arc::new(vocab::toy(&entry.accepted(), 40, i as u64));
        let session = Lazy::default()
            .compile(entry.kind, &entry.source, &vocabulary)
            .unwrap_or_else(|e| panic!("{}: {e}", entry.name));
        let mut random = Random::new(i as u64);
        for _ in 0..each {
            let bytes = random.bytes(200);
            let operations =
                generate::operations(&mut Unstructured::new(&bytes), 30).expect("zeros at worst");
            match check::operations(&session, &operations, &vocabulary) {
                Ok(more) => counts += more,
                // Every cut of a text is a reading of this one, and each keeps its stack.
                Err(e) if entry.name == "ambiguous-sequence" && e.contains("stacks alive") => {
                    limited += 1;
                }
                Err(e) => panic!("{}: {e}", entry.name),
            }
            sequences += 1;
        }
    }
    println!("{sequences} sequences, {limited} over the limit on stacks: {counts}");
    assert!(sequences >= 10_000 && limited < 20);
}
