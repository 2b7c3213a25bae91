//! Masked logits: the kernels next to a plain copy of the same row, and next to what peers offer.

use super::{Board, Ground};
use crate::clock::wall;
use maskwright_kernels::{Isa, logits};
use std::hint::black_box;

/// Logits in a row.
const WIDTH: usize = 200_000;

/// Rounds; all contenders take turns in each, and the least time of each counts.
const ROUNDS: usize = 300;

/// A contender: what it is, and its call on (out, row, mask).
type Contender = (&'static str, fn(&mut [f32], &[f32], &Mask));

/// One mask in the forms that the contenders take.
struct Mask {
    words: Vec<u32>,
    #[cfg(feature = "llguidance")]
    vob: llguidance::toktrie::SimpleVob,
    #[cfg(feature = "xgrammar")]
    signed: Vec<i32>,
}

impl Mask {
    fn new(words: Vec<u32>) -> Self {
        #[cfg(feature = "llguidance")]
        let vob = {
            let mut vob = llguidance::toktrie::SimpleVob::alloc(WIDTH);
            for t in maskwright_kernels::bits::ones(&words) {
                vob.allow_token(t);
            }
            vob
        };
        Mask {
            #[cfg(feature = "xgrammar")]
            signed: words.iter().map(|w| w.cast_signed()).collect(),
            words,
            #[cfg(feature = "llguidance")]
            vob,
        }
    }
}

/// What an engine does with llguidance's kernel: it writes 0 for what is allowed into a row of biases,
/// and the biases are added.
#[cfg(feature = "llguidance")]
fn biases(out: &mut [f32], _: &[f32], mask: &Mask) {
    thread_local! {
        static BIASES: std::cell::RefCell<Vec<f32>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    BIASES.with_borrow_mut(|biases| {
        biases.resize(out.len(), 0.0);
        biases.fill(f32::NEG_INFINITY);
        mask.vob.apply_to(biases);
        for (logit, bias) in out.iter_mut().zip(biases) {
            *logit += *bias;
        }
    });
}

/// The loop that everybody writes first.
fn naive(out: &mut [f32], _: &[f32], mask: &Mask) {
    for (t, logit) in out.iter_mut().enumerate() {
        if mask.words[t / 32] >> (t % 32) & 1 == 0 {
            *logit = f32::NEG_INFINITY;
        }
    }
}

fn contenders() -> Vec<Contender> {
    vec![
        ("plain copy", |out, row, _| out.copy_from_slice(row)),
        ("mask_copy", |out, row, mask| {
            logits::mask_copy(out, row, &mask.words)
        }),
        ("mask_in_place", |out, _, mask| {
            logits::mask_in_place(out, &mask.words)
        }),
        ("a loop over bits, in place", naive),
        #[cfg(feature = "xgrammar")]
        (
            "xgrammar-rs apply_token_bitmask_inplace_cpu",
            |out, _, mask| {
                xgrammar::apply_token_bitmask_inplace_cpu(out, &mask.signed, WIDTH as i32);
            },
        ),
        #[cfg(feature = "llguidance")]
        ("llguidance SimpleVob::apply_to, biases added", biases),
    ]
}

pub(super) fn run(board: &mut Board, _: &Ground<'_>) {
    let mut x = 1u32;
    let mut next = || {
        x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        x >> 8
    };
    let row: Vec<f32> = (0..WIDTH)
        .map(|_| next() as f32 / (1 << 20) as f32 - 8.0)
        .collect();
    let len = WIDTH / 32;
    let dense = (0..len).map(|_| !(1 << (next() % 32))).collect();
    let mixed = (0..len).map(|_| next() ^ next() << 10).collect();
    let sparse = (0..len)
        .map(|i| if i % 50 == 0 { 1 << (next() % 32) } else { 0 })
        .collect();
    let masks: [(&str, Vec<u32>); 3] = [("dense", dense), ("mixed", mixed), ("sparse", sparse)];
    let contenders = contenders();
    let (mut worst_copy, mut worst_place) = ((f64::INFINITY, ""), (f64::INFINITY, ""));
    let mut slowest_peer_ratio = (f64::INFINITY, String::new());
    board.note("instruction set", Isa::best().name());
    for (name, words) in masks {
        let mask = Mask::new(words);
        let mut out = row.clone();
        let mut best = vec![u64::MAX; contenders.len()];
        for _ in 0..ROUNDS {
            for ((_, call), best) in contenders.iter().zip(&mut best) {
                // The same start for everybody: the row warm, the output as it was.
                out.copy_from_slice(&row);
                let ns = wall(|| call(black_box(&mut out), black_box(&row), black_box(&mask))).1;
                *best = (*best).min(ns);
            }
        }
        let copy = best[0] as f64;
        let figures: Vec<String> = contenders
            .iter()
            .zip(&best)
            .map(|(c, ns)| {
                format!(
                    "{} {:.1} µs ({:.0} %)",
                    c.0,
                    *ns as f64 / 1e3,
                    100.0 * copy / *ns as f64
                )
            })
            .collect();
        board.note(
            &format!("{WIDTH} logits, {name} mask (share of the copy's bandwidth)"),
            &figures.join(", "),
        );
        for (worst, i) in [(&mut worst_copy, 1), (&mut worst_place, 2)] {
            let share = 100.0 * copy / best[i] as f64;
            if share < worst.0 {
                *worst = (share, name);
            }
        }
        for (peer, ns) in contenders.iter().zip(&best).skip(4) {
            let ratio = *ns as f64 / best[2] as f64;
            if ratio < slowest_peer_ratio.0 {
                slowest_peer_ratio = (ratio, format!("{}, {name} mask", peer.0));
            }
        }
    }
    board.at_least(
        "mask_copy at 200,000 logits, share of the copy's bandwidth",
        worst_copy.0,
        80.0,
        "%",
        worst_copy.1,
    );
    board.at_least(
        "mask_in_place at 200,000 logits, share of the copy's bandwidth",
        worst_place.0,
        80.0,
        "%",
        worst_place.1,
    );
    if slowest_peer_ratio.0.is_finite() {
        board.at_least(
            "peers' kernels / mask_in_place, nearest",
            slowest_peer_ratio.0,
            1.0,
            "x",
            &slowest_peer_ratio.1,
        );
    }
}
