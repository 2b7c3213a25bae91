//! `format`: the texts of each format, as regexes over string values.

use super::ecma;
use super::parse::Lowering;
use crate::{RegexId, RegexPool};

/// Formats that people put on numbers; they say nothing about strings.
pub(super) fn is_numeric(name: &str) -> bool {
    matches!(
        name,
        "int32" | "int64" | "uint32" | "uint64" | "float" | "double" | "integer" | "number"
    )
}

impl Lowering<'_> {
    /// The texts of a format; `None` when it is not known.
    pub(super) fn format(&mut self, name: &str) -> Option<RegexId> {
        if let Some(known) = self.formats.get(name) {
            return *known;
        }
        let regex = build(&mut self.regexes, name);
        self.formats.insert(name.into(), regex);
        regex
    }
}

fn whole(pool: &mut RegexPool, pattern: &str) -> Option<RegexId> {
    // Our own patterns are well formed: a test builds every one.
    ecma::whole(pool, pattern).ok()
}

fn build(pool: &mut RegexPool, name: &str) -> Option<RegexId> {
    match name {
        "uuid" => whole(
            pool,
            "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
        ),
        _ => None,
    }
}
