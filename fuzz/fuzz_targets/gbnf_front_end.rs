//! Any bytes as a GBNF grammar.
#![no_main]

use maskwright_fuzz::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::gbnf_front_end(data));
