//! A random grammar, a toy vocabulary, a random walk: masks against the oracle.
#![no_main]

use maskwright_fuzz::{engine::Lazy, fuzzing};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    fuzzing::mask_matches_oracle(data, &Lazy::default());
});
