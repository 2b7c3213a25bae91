//! What the fuzz targets share: Maskwright as an engine, the same one that the tests use.

#[path = "../../crates/testkit/tests/common/mod.rs"]
pub mod engine;

pub use maskwright_testkit::fuzzing;

use maskwright_testkit::engine::Session;
use std::sync::Arc;

/// Opens the bytes as an artifact for the vocabulary of all bytes and walks a few tokens.
pub fn open_and_walk(bytes: &[u8]) {
    let vocabulary = Arc::new(maskwright_testkit::vocab::bytes());
    let Ok(mut session) = engine::open(bytes, &vocabulary) else { return };
    for _ in 0..16 {
        let Ok(mask) = session.mask() else { return };
        let Some(token) = mask.iter().position(|allowed| *allowed) else { return };
        if session.advance(maskwright_tables::TokenId(token as u32)) != Ok(true) {
            return;
        }
    }
}
