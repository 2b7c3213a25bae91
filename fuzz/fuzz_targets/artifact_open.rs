//! Any bytes as an artifact.
#![no_main]

use maskwright_fuzz::{fuzzing, open_and_walk};

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzing::artifact_open(data, open_and_walk));
