//! Any bytes as a JSON Schema.
#![no_main]

use maskwright_fuzz::fuzzing;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::schema_front_end(data));
