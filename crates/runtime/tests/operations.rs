//! Any sequence of operations leaves a matcher where a replay of what it took from the start is.

mod common;

use common::{Dice, Toy, bits, machine};
use maskwright_runtime::{Matcher, MatcherConfig};
use maskwright_tables::{Machine, TokenId};

#[derive(Clone, Debug)]
enum Step {
    Token(TokenId),
    Bytes(Vec<u8>),
}

fn apply(matcher: &mut Matcher, step: &Step) -> bool {
    match step {
        Step::Token(token) => matcher.advance(*token).is_ok(),
        Step::Bytes(bytes) => matcher.advance_bytes(bytes).is_ok(),
    }
}

fn mask(matcher: &Matcher) -> Vec<TokenId> {
    let mut mask = vec![0; matcher.mask_words()];
    matcher.fill_mask(&mut mask).unwrap();
    bits(&mask)
}

fn check_against_replay(toy: &std::sync::Arc<Toy>, matcher: &Matcher, taken: &[Step]) {
    let mut replay = Matcher::new(machine(toy)).unwrap();
    for step in taken {
        assert!(apply(&mut replay, step), "{step:?} of {taken:?}");
    }
    assert!(matcher.is_same_configuration(&replay), "{taken:?}");
    assert_eq!(mask(matcher), mask(&replay), "{taken:?}");
    assert_eq!(matcher.is_accepting(), replay.is_accepting());
    assert_eq!(matcher.is_terminated(), replay.is_terminated());
}

#[test]
fn random_operations_equal_a_replay() {
    let (mut sequences, mut refused, mut rolled, mut forked, mut ended) = (0, 0, 0, 0, 0);
    let grammars = common::all();
    let toys: Vec<_> = grammars.iter().map(Toy::new).collect();
    for seed in 0..10_000 {
        let toy = &toys[seed % toys.len()];
        let mut dice = Dice::new(seed as u64);
        let capacity = [3, 7, 1000][dice.roll(3)];
        let config = MatcherConfig::new().history(capacity);
        let mut matcher = Matcher::with_config(machine(toy), config).unwrap();
        let mut taken: Vec<Step> = Vec::new();
        // How many of the steps taken can be rolled back.
        let mut available = 0;
        let mut others: Vec<(Matcher, Vec<Step>)> = Vec::new();
        for _ in 0..20 {
            match dice.roll(10) {
                0 => {
                    let n = dice.roll(taken.len() + 2);
                    let ok = matcher.rollback(n).is_ok();
                    assert_eq!(ok, n <= available, "rollback {n} of {available}");
                    if ok {
                        taken.truncate(taken.len() - n);
                        available -= n;
                        rolled += 1;
                    }
                }
                1 => {
                    others.push((matcher.fork(), taken.clone()));
                    forked += 1;
                }
                2 | 3 => {
                    let token = TokenId(dice.roll(toy.vocabulary().width() + 20) as u32);
                    let before = matcher.fork();
                    let allowed = matcher.is_allowed(token).unwrap();
                    assert_eq!(matcher.advance(token).is_ok(), allowed);
                    if allowed {
                        taken.push(Step::Token(token));
                        available = (available + 1).min(capacity);
                    } else {
                        assert!(matcher.is_same_configuration(&before));
                        assert_eq!(matcher.rollback_len(), before.rollback_len());
                        refused += 1;
                    }
                }
                4 if !matcher.is_terminated() => {
                    let forced = matcher.forced_bytes(1 + dice.roll(4)).unwrap();
                    matcher.advance_bytes(&forced).unwrap();
                    taken.push(Step::Bytes(forced));
                    available = (available + 1).min(capacity);
                }
                5 if dice.roll(8) == 0 => {
                    matcher.reset();
                    taken.clear();
                    available = 0;
                }
                _ => {
                    let allowed = mask(&matcher);
                    let token = allowed[dice.roll(allowed.len())];
                    matcher.advance(token).unwrap();
                    taken.push(Step::Token(token));
                    available = (available + 1).min(capacity);
                }
            }
            assert_eq!(matcher.rollback_len(), available);
        }
        ended += usize::from(matcher.is_terminated());
        check_against_replay(toy, &matcher, &taken);
        for (other, taken) in &others {
            check_against_replay(toy, other, taken);
        }
        sequences += 1;
    }
    println!(
        "{sequences} sequences: {refused} refused, {rolled} rolled back, {forked} forks, {ended} ended"
    );
    for count in [refused, rolled, forked, ended] {
        assert!(
            count > 1000,
            "the choices cover little: {refused} {rolled} {forked} {ended}"
        );
    }
}
