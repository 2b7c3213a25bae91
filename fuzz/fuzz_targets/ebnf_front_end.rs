//! Any bytes as a grammar.
#![no_main]

use maskwright_fuzz::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::ebnf_front_end(data));
