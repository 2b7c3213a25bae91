//! Test support: case format, slow oracle, toy vocabularies, generators.
#![forbid(unsafe_code)]
