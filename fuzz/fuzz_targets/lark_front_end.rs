//! Any bytes as a Lark grammar.
#![no_main]

use maskwright_fuzz::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::lark_front_end(data));
