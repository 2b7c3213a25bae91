//! `regex`: texts that are ECMA-262 patterns, with a bounded nesting of groups.

use super::whole;
use crate::{RegexId, RegexPool};

/// How deep groups may nest.
const DEPTH: usize = 6;

/// Two things in order: one alternative for each first element of a run.
fn ordered(first: char, last: char) -> String {
    let pairs: Vec<String> = (first..=last)
        .map(|c| format!("{c}-[{c}-{last}]"))
        .collect();
    pairs.join("|")
}

/// `{n}`, `{n,}` and `{n,m}` with n at most m, for numbers of up to two digits, or with fewer digits
/// in n than in m.
fn counts() -> String {
    let mut ranges = vec![
        "0,[0-9]{1,3}".to_owned(),
        "[1-9],[1-9][0-9]{1,2}".to_owned(),
        "[1-9][0-9],[1-9][0-9]{2}".to_owned(),
    ];
    for low in 1..=9 {
        ranges.push(format!("{low},[{low}-9]"));
        for unit in 0..=9 {
            ranges.push(format!("{low}{unit},{low}[{unit}-9]"));
        }
        if low < 9 {
            ranges.push(format!("{low}[0-9],[{}-9][0-9]", low + 1));
        }
    }
    format!("\\{{(?:[0-9]{{1,4}},?|{})\\}}", ranges.join("|"))
}

pub(super) fn regex(pool: &mut RegexPool) -> Option<RegexId> {
    let escape = "\\\\(?:[dDwWsStnvfr\\^$\\\\.*+?()\\[\\]{}|/]|c[A-Za-z]|x[0-9A-Fa-f]{2}|u[0-9A-Ca-cEe-fF][0-9A-Fa-f]{3}\
        |[pP]\\{(?:L|Ll|Lu|Lt|Lm|Lo|M|Mn|Mc|N|Nd|P|S|Z|Letter|ASCII|Alphabetic)\\})";
    let class_char = format!("(?:[^\\]\\\\\\-\\^\\[]|{escape}|\\\\-)");
    let range = ["0-9", "a-z", "A-Z"]
        .map(|r| {
            ordered(
                r.chars().next().unwrap_or('0'),
                r.chars().last().unwrap_or('0'),
            )
        })
        .join("|");
    let class = format!("\\[\\^?-?(?:{class_char}|{range})*-?\\]");
    let quantifier = whole(pool, &format!("(?:[*+?]|{})\\??", counts()))?;
    let quantifier = pool.repeat(quantifier, 0, Some(1));
    let single = whole(
        pool,
        &format!("[^\\^$\\\\.*+?()\\[\\]{{}}|/]|/|\\.|{escape}|{class}"),
    )?;
    let assertion = whole(pool, "[\\^$]|\\\\[bB]")?;
    let bar = pool.bytes(*b"|");
    let open = whole(pool, "\\((?:\\?:)?")?;
    let look = whole(pool, "\\(\\?<?[=!]")?;
    let close = pool.bytes(*b")");
    let mut inner: Option<RegexId> = None;
    for _ in 0..=DEPTH {
        let mut atoms = vec![single];
        let mut terms = vec![assertion];
        if let Some(inner) = inner {
            atoms.push(pool.concat([open, inner, close]));
            terms.push(pool.concat([look, inner, close]));
        }
        let atom = pool.alt(atoms);
        terms.push(pool.concat([atom, quantifier]));
        let term = pool.alt(terms);
        let terms = pool.repeat(term, 0, None);
        let more = pool.concat([bar, terms]);
        let more = pool.repeat(more, 0, None);
        inner = Some(pool.concat([terms, more]));
    }
    inner
}
