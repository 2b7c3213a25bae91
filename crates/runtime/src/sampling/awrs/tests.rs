//! The estimator in exact arithmetic: every order of a draw without replacement, with its
//! probability as a fraction, for every set of accepted tokens.

use super::*;
use num_rational::Ratio;
use std::convert::Infallible;

type Q = Ratio<i128>;

/// Laws over one to six tokens, as integer weights: flat, peaked, geometric, uneven, and nearly
/// all mass on two.
const LAWS: [&[i128]; 14] = [
    &[1],
    &[1, 1],
    &[9, 1],
    &[1, 1, 1],
    &[1, 2, 4],
    &[100_000, 99_999, 1],
    &[1, 1, 1, 1],
    &[8, 4, 2, 1],
    &[5, 1, 7, 3],
    &[1, 1, 1, 1, 1],
    &[50, 1, 20, 5, 2],
    &[1, 1, 1, 1, 1, 1],
    &[90, 4, 3, 1, 1, 1],
    &[32, 16, 8, 4, 2, 1],
];

/// Calls `visit` with every order of the tokens and its probability.
fn for_orders(law: &[i128], visit: &mut dyn FnMut(&[Drawn<Q>], Q)) {
    fn extend(
        law: &[i128],
        path: &mut Vec<Drawn<Q>>,
        chance: Q,
        visit: &mut dyn FnMut(&[Drawn<Q>], Q),
    ) {
        let left = |t: usize| !path.iter().any(|d| d.token as usize == t);
        let tokens: Vec<usize> = (0..law.len()).filter(|t| left(*t)).collect();
        if tokens.is_empty() {
            return visit(path, chance);
        }
        let all: i128 = law.iter().sum();
        let rem: i128 = tokens.iter().map(|t| law[*t]).sum();
        for t in tokens {
            path.push(Drawn {
                token: t as u32,
                mass: Q::new(law[t], all),
                rem: Q::new(rem, all),
            });
            extend(law, path, chance * Q::new(law[t], rem), visit);
            path.pop();
        }
    }
    extend(law, &mut Vec::new(), Q::new(1, 1), visit);
}

type Next<'a> = &'a mut dyn FnMut() -> Option<Drawn<Q>>;
type Accept<'a> = &'a mut dyn FnMut(u32) -> bool;
type Estimator = fn(Option<u32>, Next<'_>, Accept<'_>) -> Option<(u32, Q)>;

/// The tokens for which E[w 1(x = a)] is not p(a) c(a), and the mean number of calls.
fn biased(estimator: Estimator, law: &[i128], accepted: u32, budget: Option<u32>) -> (usize, Q) {
    let mut mean = vec![Q::new(0, 1); law.len()];
    let mut calls = Q::new(0, 1);
    for_orders(law, &mut |order, chance| {
        let mut rest = order.iter().copied();
        let mut asked = 0;
        let drawn = estimator(budget, &mut || rest.next(), &mut |t| {
            asked += 1;
            accepted >> t & 1 == 1
        });
        calls += chance * Q::new(asked, 1);
        if let Some((x, weight)) = drawn {
            mean[x as usize] += chance * weight;
        }
    });
    let all: i128 = law.iter().sum();
    let wrong =
        (0..law.len()).filter(|&a| mean[a] != Q::new(law[a] * i128::from(accepted >> a & 1), all));
    (wrong.count(), calls)
}

/// How many of all cases (law, accepted set, budget) are biased, and how many there are.
fn biased_cases(estimator: Estimator, budgets: &[Option<u32>]) -> (usize, usize) {
    let (mut wrong, mut cases) = (0, 0);
    for law in LAWS {
        for accepted in 0..1 << law.len() {
            for &budget in budgets {
                wrong += usize::from(biased(estimator, law, accepted, budget).0 > 0);
                cases += 1;
            }
        }
    }
    (wrong, cases)
}

fn ours(budget: Option<u32>, next: Next<'_>, accept: Accept<'_>) -> Option<(u32, Q)> {
    recursive(budget, next, |t| Ok::<_, Infallible>(accept(t)))
        .unwrap_or_else(|e| match e {})
        .accepted
}

#[test]
fn every_token_is_properly_weighted() {
    let (wrong, cases) = biased_cases(ours, &[None, Some(1), Some(2), Some(3)]);
    println!("{cases} cases of law, accepted set and budget");
    assert_eq!((wrong, cases), (0, 1352));
}

// Estimators that are wrong in one place each: the enumeration must see it.

/// Takes what is left for what is accepted, without a second draw.
fn no_second_draw(_: Option<u32>, next: Next<'_>, accept: Accept<'_>) -> Option<(u32, Q)> {
    while let Some(x) = next() {
        if accept(x.token) {
            return Some((x.token, x.rem));
        }
    }
    None
}

/// Weighs what is left after x, too.
fn remainder_without_x(_: Option<u32>, next: Next<'_>, accept: Accept<'_>) -> Option<(u32, Q)> {
    while let Some(x) = next() {
        if accept(x.token) {
            let Some(y) = next() else {
                return Some((x.token, x.mass));
            };
            return Some((x.token, if accept(y.token) { y.rem } else { x.mass }));
        }
    }
    None
}

/// Stops, as the published code does, when what is left is below 1e-5.
fn stops_early(_: Option<u32>, next: Next<'_>, accept: Accept<'_>) -> Option<(u32, Q)> {
    while let Some(x) = next() {
        if x.rem < Q::new(1, 100_000) {
            return None;
        }
        if accept(x.token) {
            let Some(y) = next() else {
                return Some((x.token, x.mass));
            };
            return Some((x.token, if accept(y.token) { x.rem } else { x.mass }));
        }
    }
    None
}

/// Goes on to the second draw where the budget forbids it.
fn ignores_the_last_of_the_budget(
    budget: Option<u32>,
    next: Next<'_>,
    accept: Accept<'_>,
) -> Option<(u32, Q)> {
    let mut rejected = 0;
    while let Some(x) = next() {
        if accept(x.token) {
            let Some(y) = next() else {
                return Some((x.token, x.mass));
            };
            return Some((x.token, if accept(y.token) { x.rem } else { x.mass }));
        }
        rejected += 1;
        if Some(rejected) == budget {
            return None;
        }
    }
    None
}

#[test]
fn wrong_estimators_are_found_out() {
    for (name, estimator, budgets) in [
        ("no second draw", no_second_draw as Estimator, &[None][..]),
        ("remainder without x", remainder_without_x, &[None]),
        ("stops early", stops_early, &[None]),
        (
            "ignores the last of the budget",
            ignores_the_last_of_the_budget,
            &[Some(1), Some(2)],
        ),
    ] {
        let (wrong, cases) = biased_cases(estimator, budgets);
        println!("{name}: biased in {wrong} of {cases} cases");
        assert!(wrong > 0, "{name} passes for unbiased");
    }
}

#[test]
fn few_calls_are_made() {
    // Flat law over six tokens, the second half rejected: the mean of all orders.
    let (_, calls) = biased(ours, &[1; 6], 0b111, None);
    assert_eq!(calls, Q::new(11, 4));
    // All accepted: two calls, always. A budget of one rejection: one call, always.
    assert_eq!(biased(ours, &[1; 6], 0b11_1111, None).1, Q::new(2, 1));
    assert_eq!(biased(ours, &[1; 6], 0b10_1010, Some(1)).1, Q::new(1, 1));
}

#[test]
fn the_second_draw_ends_with_the_tokens() {
    // The last token of an order is accepted: there is no y, and its own mass is the weight.
    let drawn = |token, mass, rem| Drawn { token, mass, rem };
    let mut order = [drawn(0, 7, 10), drawn(1, 3, 3)].into_iter();
    let got = recursive(None, || order.next(), |t| Ok::<_, Infallible>(t == 1));
    let Ok(got) = got;
    assert_eq!((got.accepted, got.calls), (Some((1, 3)), 2));
}

#[test]
fn a_failing_test_ends_the_draw() {
    let order = || {
        Some(Drawn {
            token: 0,
            mass: 1.0,
            rem: 1.0,
        })
    };
    assert_eq!(
        recursive(None, order, |_| Err::<bool, _>("no")).err(),
        Some("no")
    );
}
