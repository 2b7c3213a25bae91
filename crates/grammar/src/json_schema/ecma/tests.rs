//! Patterns against a table of texts, read by the slow matcher below.

use super::*;
use crate::RegexNode;

/// Whether the whole text matches: for each node and start, the set of ends.
fn matches(pool: &RegexPool, id: RegexId, text: &str) -> bool {
    ends(pool, id, text, 0).contains(&text.len())
}

fn ends(pool: &RegexPool, id: RegexId, text: &str, from: usize) -> Vec<usize> {
    let rest = &text[from..];
    let mut out = match pool.node(id) {
        RegexNode::Never => vec![],
        RegexNode::Empty => vec![from],
        RegexNode::Bytes(b) => rest
            .as_bytes()
            .starts_with(b)
            .then_some(from + b.len())
            .into_iter()
            .collect(),
        RegexNode::Class(ranges) => {
            let first = rest
                .chars()
                .next()
                .filter(|c| ranges.iter().any(|(a, b)| a <= c && c <= b));
            first.map(|c| from + c.len_utf8()).into_iter().collect()
        }
        RegexNode::Concat(parts) => parts.iter().fold(vec![from], |now, part| {
            let mut next: Vec<usize> = now
                .iter()
                .flat_map(|i| ends(pool, *part, text, *i))
                .collect();
            next.sort_unstable();
            next.dedup();
            next
        }),
        RegexNode::Alt(parts) => parts
            .iter()
            .flat_map(|p| ends(pool, *p, text, from))
            .collect(),
        RegexNode::And(parts) => {
            let all: Vec<Vec<usize>> = parts.iter().map(|p| ends(pool, *p, text, from)).collect();
            (from..=text.len())
                .filter(|j| all.iter().all(|e| e.contains(j)))
                .collect()
        }
        RegexNode::Not(inner) => {
            let inner = ends(pool, *inner, text, from);
            (from..=text.len())
                .filter(|j| text.is_char_boundary(*j) && !inner.contains(j))
                .collect()
        }
        RegexNode::Repeat { node, min, max } => {
            let (mut now, mut out) = (vec![from], vec![]);
            for copy in 0..=max.unwrap_or(u32::MAX).min(*min + text.len() as u32 + 1) {
                if copy >= *min {
                    out.extend(&now);
                }
                now = now
                    .iter()
                    .flat_map(|i| ends(pool, *node, text, *i))
                    .collect();
                now.sort_unstable();
                now.dedup();
            }
            out
        }
        other => panic!("{other:?}"),
    };
    out.sort_unstable();
    out.dedup();
    out
}

fn check(pattern: &str, found: &[&str], missing: &[&str]) {
    let mut pool = RegexPool::new();
    let regex = search(&mut pool, pattern, 64)
        .unwrap_or_else(|e| panic!("{pattern}: {e:?}"))
        .regex;
    for text in found {
        assert!(
            matches(&pool, regex, text),
            "{pattern} should be found in {text:?}"
        );
    }
    for text in missing {
        assert!(
            !matches(&pool, regex, text),
            "{pattern} should not be found in {text:?}"
        );
    }
}

#[test]
fn a_pattern_is_searched_for() {
    check("foo", &["foo", "xfoox"], &["fo", "f oo"]);
    check("", &["", "x"], &[]);
    check("a|b", &["a", "xb"], &["", "c"]);
    check("x*", &["", "y"], &[]);
}

#[test]
fn anchors_hold_where_they_stand() {
    check("^foo", &["foo", "foox"], &["xfoo"]);
    check("foo$", &["foo", "xfoo"], &["foox"]);
    check("(^a|b)", &["ac", "cb"], &["cd", "ca"]);
    check("^a$|^b$", &["a", "b"], &["c", "ab"]);
    check("^$", &[""], &["a"]);
    check("^(a$|b)", &["a", "bx"], &["ax", "xb"]);
    check("a*^b", &["b", "bx"], &["ab", "xb"]);
    check("b$a*", &["b"], &["ba"]);
    check("a^b", &[], &["ab", "a", "b"]);
    check(
        "(?:^|,)x(?:,|$)",
        &["x", "a,x", "x,b", "a,x,b"],
        &["ax", "xb", ""],
    );
}

#[test]
fn repeated_anchors_hold_in_the_first_and_the_last_copy() {
    check("^(?:a(?:,|$))+$", &["a", "a,", "a,a"], &["aa", ",", ""]);
    check(
        "^(?:[a-z]*(?:$|/))*$",
        &["", "a", "a/", "a/b", "//"],
        &["a/B", "1"],
    );
    check(
        "(?:^a|b){2,3}",
        &["ab", "abb", "bb", "xbb"],
        &["a", "ba", "xab"],
    );
    check(
        "^(?:a|b$){0,2}$",
        &["", "a", "aa", "ab", "b"],
        &["ba", "aaa"],
    );
    check("(^x)?y", &["xy", "y", "ay"], &["x"]);
}

#[test]
fn look_ahead_is_intersection_with_what_follows() {
    check("^(?!foo).*$", &["", "fo", "xfoo"], &["foo", "foox"]);
    check("^(?=.*[0-9])[a-z0-9]+$", &["a1", "1"], &["abc", "", "A1"]);
    check(
        "^(?=.*[A-Z])(?=.*[0-9]).{4,}$",
        &["Abc1", "1xxZ"],
        &["abc1", "Abcd", "A1"],
    );
    check(
        "^(?!^lucene|builtin).*",
        &["x", "", "xlucene"],
        &["lucene", "builtins"],
    );
    check("a(?!b)", &["a", "ac", "aba", "aab a"], &["ab", "b", "abab"]);
    check("a(?=b)c", &[], &["abc", "ac"]);
    check("(?=a)a", &["a", "ba"], &["b"]);
    check("x(?=$)", &["x", "ax"], &["xa"]);
    check(
        "^(?:(?!-)[a-z\\-]{1,5}\\.)+[a-z]{2,}$",
        &["a.bc", "a-.b.cd"],
        &["-a.bc", "a.-b.cd", "a."],
    );
    check(
        "^(?!.*--)[a-z\\-]+(?<!-)$",
        &["a-b", "a"],
        &["a--b", "a-", "-"],
    );
}

#[test]
fn look_behind_is_intersection_with_what_precedes() {
    check("(?<=a)b", &["ab", "xab"], &["b", "cb"]);
    check("(?<!a)b", &["b", "cb", "abb"], &["ab", "a"]);
    check("^[a-z]+(?<!x)$", &["a", "xa"], &["x", "ax"]);
    check("(?<=^a)b", &["ab"], &["xab", "b"]);
    check("(?<!-)-(?!-)", &["-", "a-b", "--a-"], &["--", "", "---"]);
}

#[test]
fn word_boundaries_lie_between_word_and_other_characters() {
    check(
        "\\bfoo\\b",
        &["foo", "a foo b", "-foo-"],
        &["foob", "afoo", "é_foo"],
    );
    check("\\Bo", &["foo", "oo"], &["o", "o o", "f-o"]);
    check("^\\b", &["a", "a-"], &["", "-a"]);
    check("\\b$", &["a", "-a"], &["", "a-"]);
    check("a\\b.", &["a-", "xa b"], &["ab", "a"]);
    check("\\b[a-]", &["a", "a-"], &["-", "--"]);
    check("(?:x\\b)?y", &["y", "xy"], &["x"]);
}

#[test]
fn escapes_and_classes_mean_what_ecma_says() {
    check("^\\d$", &["5"], &["٣", "a"]);
    check("^\\w$", &["_", "Z"], &["é", "-"]);
    check(
        "^\\s$",
        &[" ", "\u{a0}", "\u{feff}", "\u{2003}", "\n"],
        &["a", "\u{85}"],
    );
    check("^\\S\\W\\D$", &["a-b"], &["a b1", " -b"]);
    check(
        "^.$",
        &["a", "é", "\u{85}"],
        &["\n", "\r", "\u{2028}", "ab"],
    );
    check("^\\cA$", &["\u{1}"], &["A"]);
    check("^[[]$", &["["], &["]"]);
    check("^[\\b]$", &["\u{8}"], &["b"]);
    check("^[^\\u00e9]+$", &["abc"], &["é", "aé"]);
    check("^\\u00e9\\x41\\0$", &["éA\0"], &[]);
    check("^\\ud83d\\ude00$", &["😀"], &["x"]);
    check("^\\u{1F600}$", &["😀"], &[]);
    check(
        "^[\\ud83d\\ude00-\\ud83d\\ude02]$",
        &["😀", "😁", "😂"],
        &["😃"],
    );
    check("\\ud83d", &[], &["😀", ""]);
    check("^[]$", &[], &["", "a"]);
    check("^[^]$", &["a", "\n"], &[""]);
    check("^[a-c\\-x-]$", &["b", "-", "x"], &["d"]);
    check("^[-a]$", &["-", "a"], &["b"]);
    check("^\\p{Lu}\\P{Lu}$", &["Éé"], &["éÉ"]);
    check("^\\p{Script=Greek}+$", &["αβγ"], &["abc"]);
    check("^a\\/b\\.c$", &["a/b.c"], &["a/bxc"]);
    check("^(?<year>\\d{4})-(?:x)$", &["2024-x"], &["24-x"]);
}

#[test]
fn repeats_count() {
    check("^a{2,3}?$", &["aa", "aaa"], &["a", "aaaa"]);
    check("^ab*c+d?$", &["ac", "abbccd"], &["ab", "abd"]);
    check("^(?:ab){2}$", &["abab"], &["ab", "ababab"]);
    check("^é{2}$", &["éé"], &["é"]);
    check(
        "^[^\"]{1,129}$",
        &["a", &"x".repeat(129)],
        &["", &"x".repeat(130)],
    );
}

#[test]
fn loose_escapes_are_read_and_reported() {
    let mut pool = RegexPool::new();
    for (pattern, loose) in [
        ("a\\-b", Some(1)),
        ("a{x}", Some(1)),
        ("a\\.b", None),
        ("[\\w-.]", Some(3)),
        ("x]", Some(1)),
    ] {
        assert_eq!(
            search(&mut pool, pattern, 8).map(|p| p.loose),
            Ok(loose),
            "{pattern}"
        );
    }
    check("^a\\-\\_\\@$", &["a-_@"], &[]);
    check("^a{x}$", &["a{x}"], &["ax"]);
    check("^[\\w-.]$", &["-", ".", "a"], &["/"]);
}

#[test]
fn what_is_malformed_or_no_regular_set_is_refused_at_its_place() {
    for (pattern, offset, unsupported) in [
        ("a(b", 1, false),
        ("ab)", 2, false),
        ("x[a", 1, false),
        ("*a", 0, false),
        ("a**", 2, false),
        ("a{3,2}", 1, false),
        ("[z-a]", 2, false),
        ("\\q", 0, false),
        ("\\u12", 0, false),
        ("\\p{Nope}", 0, false),
        ("(?i)a", 0, false),
        ("(?>a)", 0, false),
        ("a\\", 1, false),
        ("^*", 1, false),
        ("\\A", 0, false),
        ("(a)\\1", 3, true),
        ("(?<n>a)\\k<n>", 7, true),
        ("(?:(?!ab).)*c", 11, true),
        ("a{99999999999}", 1, true),
    ] {
        let e = search(&mut RegexPool::new(), pattern, 8).unwrap_err();
        assert_eq!(
            (e.offset, e.unsupported),
            (offset, unsupported),
            "{pattern}: {}",
            e.message
        );
    }
    let deep = format!("{}a{}", "(".repeat(9), ")".repeat(9));
    assert!(search(&mut RegexPool::new(), &deep, 8).is_err());
    let deep = format!("{}a{}", "(".repeat(50_000), ")".repeat(50_000));
    assert!(search(&mut RegexPool::new(), &deep, usize::MAX).is_ok());
    let deep = format!("{}a{}", "(?=".repeat(9), ")".repeat(9));
    assert!(
        search(&mut RegexPool::new(), &deep, 64)
            .unwrap_err()
            .unsupported
    );
    let wide = "(?:^a|b)".repeat(10);
    assert!(
        search(&mut RegexPool::new(), &wide, 8)
            .unwrap_err()
            .unsupported
    );
}

#[test]
fn hostile_assertions_end_in_an_error_soon() {
    // Each level would double or multiply the work of the one inside it.
    let mut look = "a".to_owned();
    for _ in 0..8 {
        look = format!("{}(?={look})", "(?:(?<=x)a|b)".repeat(5));
    }
    assert!(
        search(&mut RegexPool::new(), &look, 64)
            .unwrap_err()
            .unsupported
    );
    let nested = format!(
        "{}{}{}",
        "(x^".repeat(300),
        "^a".repeat(2_000),
        ")".repeat(300)
    );
    assert!(
        search(&mut RegexPool::new(), &nested, 512)
            .unwrap_err()
            .unsupported
    );
}
