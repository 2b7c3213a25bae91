//! `format`: the texts of each format, as regexes over string values.
//!
//! Each format follows its standard. Where the standard asks for more than a finite automaton can
//! reasonably hold, the regex allows *less*, never more, so that what is generated is always valid:
//!
//! | format | left out |
//! |---|---|
//! | `time`, `date-time` | leap seconds at offsets other than whole, half and three-quarter hours |
//! | `hostname`, and where it stands in `email` | labels with `--` in their third and fourth place (A-labels) |
//! | `idn-hostname`, `idn-email` | the above; labels that need the rules for bidirectional text or a normalisation check, non-ASCII labels over 20 characters, local parts over 16 |
//! | `email` | general address literals (no tag but `IPv6` is registered) |
//! | `regex` | groups nested more than six deep, named groups, back-references, class ranges other than between two digits or two letters of one case |
//!
//! A format that is not known is an annotation, and the report says so.

mod dates;
mod hosts;
mod regexes;
mod uris;

use super::ecma;
use super::parse::Lowering;
use crate::{RegexId, RegexPool};

/// The formats that are asserted.
pub const KNOWN: &[&str] = &[
    "date",
    "time",
    "date-time",
    "duration",
    "email",
    "idn-email",
    "hostname",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "iri-reference",
    "uri-template",
    "uuid",
    "json-pointer",
    "relative-json-pointer",
    "regex",
];

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

/// The texts of one of our own patterns. They are well formed: a test builds every format.
fn whole(pool: &mut RegexPool, pattern: &str) -> Option<RegexId> {
    ecma::whole(pool, pattern).ok()
}

const JSON_POINTER: &str = "(?:/(?:[^~/]|~[01])*)*";

fn build(pool: &mut RegexPool, name: &str) -> Option<RegexId> {
    match name {
        "date" => dates::date(pool),
        "time" => dates::time(pool),
        "date-time" => dates::date_time(pool),
        "duration" => dates::duration(pool),
        "email" => hosts::email(pool, false),
        "idn-email" => hosts::email(pool, true),
        "hostname" => hosts::hostname(pool),
        "idn-hostname" => hosts::idn_hostname(pool),
        "ipv4" => whole(pool, hosts::IPV4),
        "ipv6" => whole(pool, &hosts::ipv6()),
        "uri" => whole(pool, &uris::uri(false)),
        "uri-reference" => whole(pool, &uris::reference(false)),
        "iri" => whole(pool, &uris::uri(true)),
        "iri-reference" => whole(pool, &uris::reference(true)),
        "uri-template" => whole(pool, &uris::template()),
        "uuid" => whole(pool, "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
        "json-pointer" => whole(pool, JSON_POINTER),
        "relative-json-pointer" => whole(pool, &format!("(?:0|[1-9][0-9]*)(?:#|{JSON_POINTER})")),
        "regex" => regexes::regex(pool),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_format_builds() {
        for name in KNOWN {
            let mut pool = RegexPool::new();
            assert!(build(&mut pool, name).is_some(), "{name}");
            println!("{name}: {} nodes", pool.len());
        }
        assert_eq!(build(&mut RegexPool::new(), "phone"), None);
    }
}
