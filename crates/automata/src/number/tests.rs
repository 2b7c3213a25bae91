//! Number automata against exact arithmetic on every short text.

use super::*;
use crate::lexicon::ExprId;
use maskwright_tables::Limits;
use std::collections::VecDeque;

fn d(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

/// `min max step`; `-` for none, a trailing `x` for an exclusive bound.
fn set(text: &str) -> NumberSet {
    let parts: Vec<&str> = text.split(' ').collect();
    let bound = |t: &str| (t != "-").then(|| (d(t.trim_end_matches('x')), t.ends_with('x')));
    NumberSet {
        min: bound(parts[0]),
        max: bound(parts[1]),
        step: (parts[2] != "-").then(|| d(parts[2])),
        ..NumberSet::default()
    }
}

/// Whether the text is one of the spellings, whatever its value.
fn is_spelled(text: &str, spelling: Spelling) -> bool {
    if Decimal::parse(text).is_err() {
        return false;
    }
    match (spelling, text.find(['e', 'E'])) {
        (_, None) | (Spelling::Full, _) => true,
        (Spelling::Plain, _) => false,
        (Spelling::Scientific, Some(e)) => {
            let mantissa = text[..e].trim_start_matches('-');
            !mantissa.starts_with('0') && mantissa.find('.').unwrap_or(mantissa.len()) == 1
        }
    }
}

const SETS: &[&str] = &[
    "- - -",
    "0 - -",
    "0x - -",
    "- 0 -",
    "- 0x -",
    "0 0 -",
    "0x 0x -",
    "- - 1",
    "0 - 1",
    "0x - 1",
    "1 9 1",
    "-5 5 1",
    "-5x 5x 1",
    "0.5 0.5 -",
    "0.5 - -",
    "0.5x - -",
    "- 0.5x -",
    "0.1 0.15 -",
    "0.1x 0.15x -",
    "9 19 -",
    "9x 19x -",
    "99 101 -",
    "95.5 1000 -",
    "-1.5 -0.1 -",
    "-0.5 0.5 -",
    "-10x - 1",
    "1.2 1.8 1",
    "0.2 1.5 1",
    "100 - -",
    "1000 - 1",
    "- 1000 1",
    "- -1000 -",
    "5 5 -",
    "50 50 1",
    "0.05 0.05 -",
    "0.09 0.11 -",
    "1e-3 - -",
    "- 1e4 1",
    "1e20 - -",
    "1.5e3 1.6e3 -",
    "- - 5",
    "- - 0.5",
    "- - 0.07",
    "- - 15",
    "0 100 15",
    "10 20 9",
    "10x 18x 9",
    "-9 9 4.5",
    "0.1 0.5 0.15",
    "- - 0.01",
    "- - 10",
    "- - 100",
    "95 - 50",
    "- 1 0.1",
    "1e2 1e3 250",
    "11 14 15",
    "1 2 0.75",
];

fn run(lexicon: &Lexicon, e: ExprId, text: &str) -> bool {
    let mut e = e;
    for byte in text.bytes() {
        e = lexicon.derive(e, byte).unwrap();
    }
    lexicon.is_nullable(e)
}

#[test]
fn every_short_text_is_judged_by_its_value() {
    let lexicon = Lexicon::new(Limits::offline());
    let mut cases = 0;
    for text in SETS {
        let set = set(text);
        let best = set.spelling();
        let exprs: Vec<(Spelling, ExprId)> =
            [Spelling::Plain, Spelling::Scientific, Spelling::Full]
                .into_iter()
                .filter(|s| *s <= best)
                .map(|s| (s, set.expr(&lexicon, s).unwrap()))
                .collect();
        // Depth first over all texts of at most six bytes that begin like a number.
        let mut stack = vec![String::new()];
        while let Some(t) = stack.pop() {
            cases += 1;
            let value = Decimal::parse(&t).ok();
            for &(spelling, e) in &exprs {
                let expected =
                    value.as_ref().is_some_and(|n| set.contains(n)) && is_spelled(&t, spelling);
                assert_eq!(run(&lexicon, e, &t), expected, "{text:?} {spelling:?}: {t}");
            }
            if t.len() < 5 {
                stack.extend("-.0159e".chars().map(|c| format!("{t}{c}")));
            }
        }
    }
    println!("{cases} texts");
}

#[test]
fn every_state_can_reach_a_member() {
    let mut states = 0;
    for text in SETS {
        let set = set(text);
        let sides = [set.side(false).unwrap(), set.side(true).unwrap()];
        let (scale, modulus) = set.grid().unwrap();
        let plain = plain::Plain::new(sides.clone(), scale, modulus, false, "");
        let mut automata: Vec<Box<dyn Automaton>> = vec![Box::new(plain)];
        if set.spelling() >= Spelling::Scientific {
            automata.push(Box::new(scientific::Scientific::new(
                &sides,
                set.step.is_some(),
                "",
            )));
        }
        for a in automata {
            let Some(start) = a.start() else { continue };
            let mut edges: Vec<Vec<u32>> = Vec::new();
            let mut seen = vec![start];
            let mut queue = VecDeque::from([start]);
            while let Some(s) = queue.pop_front() {
                edges.resize(edges.len().max(s as usize + 1), Vec::new());
                for byte in 0..=255 {
                    if let Some(t) = a.next(s, byte) {
                        edges[s as usize].push(t);
                        if !seen.contains(&t) {
                            seen.push(t);
                            queue.push_back(t);
                        }
                    }
                }
                assert!(seen.len() < 20_000, "{text}: too many states");
            }
            let mut live: Vec<bool> = (0..edges.len()).map(|s| a.accepts(s as u32)).collect();
            loop {
                let before = live.iter().filter(|l| **l).count();
                for s in 0..edges.len() {
                    live[s] |= edges[s].iter().any(|t| live[*t as usize]);
                }
                if live.iter().filter(|l| **l).count() == before {
                    break;
                }
            }
            let dead: Vec<usize> = (0..live.len())
                .filter(|s| !live[*s] && seen.contains(&(*s as u32)))
                .collect();
            // An automaton without a member has no states at all, but for the scientific start.
            assert!(dead.is_empty(), "{text}: {a:?} has dead states {dead:?}");
            states += seen.len();
        }
    }
    println!("{states} states");
}

#[test]
fn small_sets_are_listed() {
    let list = |text: &str| {
        set(text)
            .members(5)
            .map(|v| v.iter().map(Decimal::to_string).collect::<Vec<_>>())
    };
    assert_eq!(list("-1.5 1 1").unwrap(), ["-1", "0", "1"]);
    assert_eq!(list("0x 0.3 0.1").unwrap(), ["0.1", "0.2", "0.3"]);
    assert_eq!(list("0.05 0.05 1").unwrap(), [""; 0]);
    assert_eq!(list("7 7 -").unwrap(), ["7"]);
    assert_eq!(list("0 10 1"), None);
    assert_eq!(list("0 1 -"), None);
}

#[test]
fn large_numbers_are_exact() {
    let lexicon = Lexicon::new(Limits::untrusted());
    let check = |text: &str, accept: &[&str], reject: &[&str]| {
        let set = set(text);
        let e = set.expr(&lexicon, set.spelling()).unwrap();
        accept
            .iter()
            .for_each(|t| assert!(run(&lexicon, e, t), "{text:?} {t}"));
        reject
            .iter()
            .for_each(|t| assert!(!run(&lexicon, e, t), "{text:?} {t}"));
    };
    check(
        "9007199254740993 9007199254740993 -",
        &["9007199254740993", "9007199254740993.0"],
        &["9007199254740992", "9007199254740994"],
    );
    check(
        "0 18446744073709551615 1",
        &["9223372036854775808", "18446744073709551615"],
        &["18446744073709551616", "-1"],
    );
    check(
        "-9223372036854775808 - 1",
        &["-9223372036854775808", "5", "-5"],
        &["-9223372036854775809"],
    );
    check(
        "- - 0.07",
        &["0", "0.07", "0.14", "-7", "700.00"],
        &["0.08", "1"],
    );
    check(
        "- 1e308 -",
        &["1e308", "9.99e307", "1"],
        &["1.0001e308", "1e309"],
    );
    check(
        "0x 5e-324 -",
        &["5e-324", "4.9e-324"],
        &["6e-324", "0", "5e-323"],
    );
    check("- - 1e-7", &["0.0000001", "1"], &["0.00000001"]);
    let both = set("- - 65537").intersect(&set("- - 65539")).unwrap();
    let e = both.expr(&lexicon, Spelling::Plain).unwrap();
    assert!(
        run(&lexicon, e, "0") && run(&lexicon, e, "4295229443") && run(&lexicon, e, "-8590458886")
    );
    assert!(
        !run(&lexicon, e, "65537") && !run(&lexicon, e, "262147") && !run(&lexicon, e, "65539")
    );
    assert!(set("- 1e5000 -").expr(&lexicon, Spelling::Plain).is_err());
}
