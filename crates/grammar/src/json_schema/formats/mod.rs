//! `format`: the texts of each format, as regexes over string values.
//!
//! Each format follows its standard. Where the standard asks for more than a finite automaton can
//! reasonably hold there are two regexes ([`Texts`]): one of texts that are certainly of the format,
//! and one of all that might be. Where a schema asks for the format the first counts, and where it
//! asks for the opposite (`not`, the other branches of `oneOf`, `if`) the second does, so that what
//! is generated is always valid; a text between the two is refused on either side:
//!
//! | format | between the two |
//! |---|---|
//! | `time`, `date-time` | leap seconds at offsets other than whole, half and three-quarter hours |
//! | `hostname` since draft 7, and where it stands in `email` | labels that start with `xn--` (A-labels, whose Punycode would have to be read) |
//! | `idn-hostname`, `idn-email` | the above; labels that need the rules for bidirectional text or a normalisation check, non-ASCII labels over 20 characters, local parts over 16 |
//! | `email` | general address literals (no tag but `IPv6` is registered) |
//! | `regex` | groups nested more than six deep, named groups, back-references, class ranges other than between two digits or two letters of one case |
//!
//! Up to draft 6 a host name is one by RFC 1123 alone, which is exact.
//!
//! A format that is not known is an annotation, and the report says so.

mod dates;
mod hosts;
mod regexes;
mod uris;

use super::ecma;
use super::options::Draft;
use super::parse::Lowering;
use super::references::Site;
use crate::{RegexId, RegexPool};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The texts of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Texts {
    /// Texts that are of the format.
    pub(super) certain: RegexId,
    /// All texts that might be of it, where there are more.
    pub(super) possible: Option<RegexId>,
}

impl Texts {
    fn exact(certain: RegexId) -> Self {
        Texts {
            certain,
            possible: None,
        }
    }

    fn between(certain: RegexId, possible: RegexId) -> Self {
        Texts {
            certain,
            possible: Some(possible),
        }
    }
}

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
    pub(super) fn format(&mut self, site: &Site, name: &str) -> Option<Texts> {
        let old = self.sources.resource(site.resource).dialect.draft <= Draft::Draft6;
        let key = (name.into(), old);
        if let Some(known) = self.formats.get(&key) {
            return *known;
        }
        let texts = built(name, old).map(|built| {
            let ids = self.regexes.add_all(&built.0);
            let here = |id: RegexId| ids[id.0 as usize];
            Texts {
                certain: here(built.1.certain),
                possible: built.1.possible.map(here),
            }
        });
        self.formats.insert(key, texts);
        texts
    }
}

/// A format in a pool of its own.
type Built = Arc<(RegexPool, Texts)>;

/// The texts of a known format, built once in a process: reading the patterns of a format anew takes
/// longer than most schemas.
fn built(name: &str, old: bool) -> Option<Built> {
    static BUILT: Mutex<BTreeMap<(&str, bool), Built>> = Mutex::new(BTreeMap::new());
    let name = KNOWN.iter().find(|known| **known == name)?;
    let lock = || BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(built) = lock().get(&(*name, old)) {
        return Some(Arc::clone(built));
    }
    let mut pool = RegexPool::new();
    let texts = build(&mut pool, name, old)?;
    let built = Arc::new((pool, texts));
    lock().insert((name, old), Arc::clone(&built));
    Some(built)
}

/// The texts of one of our own patterns. They are well formed: a test builds every format.
fn whole(pool: &mut RegexPool, pattern: &str) -> Option<RegexId> {
    ecma::whole(pool, pattern).ok()
}

const JSON_POINTER: &str = "(?:/(?:[^~/]|~[01])*)*";

/// `old`: by the standards of draft 6 and before.
fn build(pool: &mut RegexPool, name: &str, old: bool) -> Option<Texts> {
    let exact = match name {
        "date" => dates::date(pool),
        "time" => return dates::time(pool),
        "date-time" => return dates::date_time(pool),
        "duration" => dates::duration(pool),
        "email" => return hosts::email(pool, false, old),
        "idn-email" => return hosts::email(pool, true, old),
        "hostname" if old => hosts::rfc1123(pool),
        "hostname" => return hosts::hostname(pool),
        "idn-hostname" => return hosts::idn_hostname(pool),
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
        "regex" => {
            let certain = regexes::regex(pool)?;
            let any = pool.any_text();
            return Some(Texts::between(certain, any));
        }
        _ => None,
    };
    exact.map(Texts::exact)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RegexNode;

    #[test]
    fn every_known_format_builds() {
        for name in KNOWN {
            let mut pool = RegexPool::new();
            assert!(build(&mut pool, name, true).is_some(), "{name}");
            assert!(build(&mut pool, name, false).is_some(), "{name}");
            println!("{name}: {} nodes", pool.len());
        }
        assert_eq!(build(&mut RegexPool::new(), "phone", false), None);
    }

    /// Nodes by what they denote: equal numbers for equal structures, in whatever pools.
    fn number(pool: &RegexPool, root: RegexId, known: &mut Vec<String>) -> usize {
        let mut numbers: Vec<usize> = Vec::new();
        for node in &pool.nodes()[..=root.0 as usize] {
            let of = |parts: &[RegexId]| -> Vec<usize> {
                parts.iter().map(|p| numbers[p.0 as usize]).collect()
            };
            let sorted = |parts: &[RegexId]| {
                let mut parts = of(parts);
                parts.sort_unstable();
                parts
            };
            let text = match node {
                RegexNode::Concat(p) => format!("concat {:?}", of(p)),
                RegexNode::Alt(p) => format!("alt {:?}", sorted(p)),
                RegexNode::And(p) => format!("and {:?}", sorted(p)),
                RegexNode::Not(p) => format!("not {:?}", of(&[*p])),
                RegexNode::Repeat { node, min, max } => {
                    format!("repeat {:?} {min} {max:?}", of(&[*node]))
                }
                other => format!("{other:?}"),
            };
            let at = known.iter().position(|k| *k == text);
            numbers.push(at.unwrap_or_else(|| {
                known.push(text);
                known.len() - 1
            }));
        }
        numbers[root.0 as usize]
    }

    #[test]
    fn formats_are_the_same_in_every_pool() {
        let mut all = RegexPool::new();
        // The classes and texts of later formats are there already, in another order.
        let _ = build(&mut all, "uri", false);
        let mut known = Vec::new();
        for name in KNOWN {
            for old in [true, false] {
                let built = built(name, old).unwrap();
                let ids = all.add_all(&built.0);
                let mut roots = vec![built.1.certain];
                roots.extend(built.1.possible);
                for root in roots {
                    let own = number(&built.0, root, &mut known);
                    let here = number(&all, ids[root.0 as usize], &mut known);
                    assert_eq!(own, here, "{name}");
                }
            }
        }
        // Parts stay sorted, so that a format built here would be the same node.
        for node in all.nodes() {
            if let RegexNode::Alt(parts) | RegexNode::And(parts) = node {
                assert!(parts.is_sorted());
            }
        }
        assert!(built("phone", false).is_none());
    }
}
