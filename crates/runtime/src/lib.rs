//! Matchers, masks, rollback and samplers over compiled tables.
#![forbid(unsafe_code)]
