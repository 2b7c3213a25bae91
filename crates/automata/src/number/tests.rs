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

/// Formulas over steps, children first, beside what they mean.
fn step_formulas() -> Vec<Vec<StepFormula>> {
    use StepFormula::{And, Not, One, Or, Step};
    let step = |text: &str| Step(d(text));
    vec![
        vec![step("3"), Not(0)],
        vec![step("4"), step("6"), Or(vec![0, 1]), Not(2)],
        vec![step("4"), step("6"), And(vec![0, 1])],
        vec![step("2"), step("3"), step("5"), One(vec![0, 1, 2])],
        vec![step("0.3"), step("0.25"), Or(vec![0, 1])],
        vec![step("0.3"), step("0.25"), One(vec![0, 1]), Not(2)],
        vec![step("0.5"), step("0.05"), Not(0), And(vec![1, 2])],
        vec![step("20"), step("300"), Not(1), And(vec![0, 2])],
        vec![step("2"), step("4"), Not(0), And(vec![1, 2])],
        vec![step("12"), step("4"), step("3"), Not(0), And(vec![1, 2, 3])],
        // Only the period of 15 matters of 60.
        vec![step("15"), step("60"), Or(vec![0, 1])],
        vec![step("1"), Not(0)],
        vec![step("0.01"), step("10"), One(vec![0, 1])],
    ]
}

fn holds(formula: &[StepFormula], n: &Decimal) -> bool {
    let mut done: Vec<bool> = Vec::new();
    for node in formula {
        let value = match node {
            StepFormula::Step(step) => n.is_multiple_of(step),
            StepFormula::Not(x) => !done[*x],
            StepFormula::And(p) => p.iter().all(|x| done[*x]),
            StepFormula::Or(p) => p.iter().any(|x| done[*x]),
            StepFormula::One(p) => p.iter().filter(|x| done[**x]).count() == 1,
        };
        done.push(value);
    }
    *done.last().unwrap()
}

#[test]
fn formulas_over_steps_are_judged_by_the_value() {
    let lexicon = Lexicon::new(Limits::offline());
    let (mut cases, mut members) = (0, 0);
    for formula in step_formulas() {
        let e = lexicon.leaf(Arc::new(Residues::new(&formula).unwrap()));
        let mut stack = vec![String::new()];
        while let Some(t) = stack.pop() {
            cases += 1;
            let value = Decimal::parse(&t).ok();
            let expected =
                value.is_some_and(|n| holds(&formula, &n)) && is_spelled(&t, Spelling::Plain);
            members += usize::from(expected);
            assert_eq!(run(&lexicon, e, &t), expected, "{formula:?}: {t}");
            if t.len() < 6 {
                stack.extend("-.01257e".chars().map(|c| format!("{t}{c}")));
            }
        }
    }
    println!("{cases} texts, {members} members");
    assert!(members > 1000);
}

#[test]
fn every_remainder_that_is_kept_can_reach_a_member() {
    let mut states = 0;
    for formula in step_formulas() {
        let residues = Residues::new(&formula).unwrap();
        let Some(start) = residues.start() else {
            continue;
        };
        let mut edges: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        let mut queue = vec![start];
        while let Some(s) = queue.pop() {
            edges.entry(s).or_insert_with(|| {
                let next: Vec<u32> = (0..=255).filter_map(|b| residues.next(s, b)).collect();
                queue.extend_from_slice(&next);
                next
            });
        }
        let mut live: Vec<u32> = edges
            .keys()
            .copied()
            .filter(|s| residues.accepts(*s))
            .collect();
        loop {
            let more: Vec<u32> = edges
                .iter()
                .filter(|(s, t)| !live.contains(s) && t.iter().any(|t| live.contains(t)))
                .map(|(s, _)| *s)
                .collect();
            if more.is_empty() {
                break;
            }
            live.extend(more);
        }
        assert_eq!(live.len(), edges.len(), "{formula:?}: dead states");
        states += edges.len();
    }
    println!("{states} states");
    assert!(
        Residues::new(&[StepFormula::Step(d("0.0000001")), StepFormula::Step(d("3"))]).is_none()
    );
    // Nothing is a multiple of four and odd.
    let nothing = &step_formulas()[8];
    assert!(Residues::new(nothing).unwrap().start().is_none());
}

#[test]
fn members_that_are_certain_can_be_written() {
    let lexicon = Lexicon::new(Limits::offline());
    let mut unknown = Vec::new();
    for (text, written_whole) in SETS.iter().flat_map(|s| [(*s, false), (*s, true)]) {
        let set = NumberSet {
            written_whole,
            ..set(text)
        };
        let richest = set.spelling();
        for spelling in [Spelling::Plain, Spelling::Scientific, Spelling::Full] {
            if spelling > richest {
                continue;
            }
            let numbers = set.expr(&lexicon, spelling).unwrap();
            let exists = !lexicon.is_never(numbers).unwrap();
            match set.has_member() {
                true => assert!(exists, "{text} {written_whole} {spelling:?}"),
                false if exists && spelling == Spelling::Plain => {
                    unknown.push((text, written_whole));
                }
                false => {}
            }
        }
    }
    // Whose members are neither bounds nor zero.
    println!("{unknown:?}");
    assert!(unknown.len() < SETS.len() / 3, "{unknown:?}");
}
