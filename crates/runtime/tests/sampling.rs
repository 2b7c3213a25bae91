//! The laws of the samplers: exact laws, fixed seeds, and a chi-square limit that is written down.
//! That the same seed gives the same tokens in later versions is a test of its own.

use maskwright_kernels::bits;
use maskwright_runtime::sampling::{
    Awrs, AwrsError, CounterRng, Draw, SampleError, Sampler, SamplerConfig, Weighted,
};
use maskwright_tables::TokenId;
use std::convert::Infallible;
use std::num::NonZeroU32;

fn mask(width: usize, allowed: impl Fn(usize) -> bool) -> Vec<u32> {
    let mut words = vec![0; width.div_ceil(32)];
    bits::set(
        &mut words,
        (0..width).filter(|i| allowed(*i)).map(|i| i as u32),
    );
    words
}

/// Logits with a spread like a model's.
fn row(width: usize, seed: u64) -> Vec<f32> {
    let mut rng = CounterRng::new(seed, 99);
    (0..width)
        .map(|_| ((rng.unit() + rng.unit() + rng.unit() - 1.5) * 6.0) as f32)
        .collect()
}

/// The law that a sampler should have, by the definitions of mask, temperature, top-k, top-p and
/// min-p, in double precision and without any shortcut.
fn exact_law(config: &SamplerConfig, logits: &[f32], mask: &[u32]) -> Vec<f64> {
    let allowed = |i: usize| bits::contains(mask, i as u32) && logits[i] > f32::NEG_INFINITY;
    let top = (0..logits.len())
        .filter(|i| allowed(*i))
        .map(|i| logits[i])
        .fold(f32::NEG_INFINITY, f32::max);
    let weight =
        |i: usize| ((f64::from(logits[i]) - f64::from(top)) / f64::from(config.temperature)).exp();
    let mut kept: Vec<(usize, f64)> = (0..logits.len())
        .filter(|i| allowed(*i))
        .map(|i| (i, weight(i)))
        .collect();
    kept.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    if config.top_k > 0 {
        kept.truncate(config.top_k);
    }
    if config.top_p < 1.0 {
        let all: f64 = kept.iter().map(|k| k.1).sum();
        let mut mass = 0.0;
        let enough = kept.iter().position(|k| {
            mass += k.1;
            mass >= all * f64::from(config.top_p)
        });
        kept.truncate(enough.map_or(kept.len(), |i| i + 1));
    }
    kept.retain(|k| k.1 >= f64::from(config.min_p));
    let all: f64 = kept.iter().map(|k| k.1).sum();
    let mut law = vec![0.0; logits.len()];
    for (i, w) in kept {
        law[i] = w / all;
    }
    law
}

/// Fails when counts are too far from a law: Pearson's statistic over cells of at least 10
/// expected draws (the rest make one cell), at alpha = 1e-5 by Wilson and Hilferty.
fn assert_law(counts: &[u64], law: &[f64], case: &str) {
    let draws = counts.iter().sum::<u64>() as f64;
    let (mut chi2, mut cells) = (0.0, 0);
    let mut rest = (0.0, 0.0);
    for (count, p) in counts.iter().zip(law) {
        assert!(
            *count == 0 || *p > 0.0,
            "{case}: a token outside the law was drawn"
        );
        if p * draws >= 10.0 {
            chi2 += (*count as f64 - p * draws).powi(2) / (p * draws);
            cells += 1;
        } else {
            rest = (rest.0 + *count as f64, rest.1 + p * draws);
        }
    }
    if rest.1 >= 5.0 {
        chi2 += (rest.0 - rest.1).powi(2) / rest.1;
        cells += 1;
    }
    let df = f64::from((cells - 1).max(1));
    let limit = df * (1.0 - 2.0 / (9.0 * df) + 4.265 * (2.0 / (9.0 * df)).sqrt()).powi(3);
    assert!(
        chi2 <= limit,
        "{case}: chi square {chi2:.1} above {limit:.1} with {df} degrees of freedom"
    );
}

fn configs() -> Vec<SamplerConfig> {
    let base = SamplerConfig {
        seed: 11,
        ..SamplerConfig::default()
    };
    vec![
        base,
        SamplerConfig {
            temperature: 0.5,
            ..base
        },
        SamplerConfig {
            temperature: 2.0,
            ..base
        },
        SamplerConfig { top_k: 1, ..base },
        SamplerConfig {
            top_k: 7,
            temperature: 3.0,
            ..base
        },
        SamplerConfig { top_k: 150, ..base },
        SamplerConfig { top_p: 0.5, ..base },
        SamplerConfig {
            top_p: 0.9,
            temperature: 1.3,
            ..base
        },
        SamplerConfig {
            top_p: 0.9999,
            ..base
        },
        SamplerConfig { min_p: 0.1, ..base },
        SamplerConfig { min_p: 1.0, ..base },
        SamplerConfig {
            top_k: 40,
            top_p: 0.8,
            min_p: 0.05,
            temperature: 0.9,
            ..base
        },
    ]
}

#[test]
fn draws_follow_the_masked_tempered_and_cut_law() {
    for (case, config) in configs().into_iter().enumerate() {
        for width in [5, 33, 700] {
            let mut logits = row(width, case as u64);
            logits[width / 2] = f32::NEG_INFINITY;
            let mask = mask(width, |i| i % 3 != 1);
            let law = exact_law(&config, &logits, &mask);
            let mut sampler = Sampler::new(config).unwrap();
            let mut counts = vec![0; width];
            for _ in 0..20_000 {
                let Draw { token, log_prob } = sampler.sample(&logits, &mask).unwrap();
                counts[token.index()] += 1;
                let want = law[token.index()].ln();
                assert!(
                    (log_prob - want).abs() < 1e-5,
                    "{config:?}: {log_prob} and {want}"
                );
            }
            assert_law(&counts, &law, &format!("{config:?} width {width}"));
        }
    }
}

#[test]
fn a_listed_row_has_the_law_of_its_mask() {
    for config in configs() {
        let logits = row(500, 3);
        let tokens: Vec<TokenId> = [0, 3, 31, 32, 64, 65, 200, 499, 5000].map(TokenId).to_vec();
        let words = mask(500, |i| tokens.contains(&TokenId(i as u32)));
        let law = exact_law(&config, &logits, &words);
        let (mut a, mut b) = (Sampler::new(config).unwrap(), Sampler::new(config).unwrap());
        for _ in 0..500 {
            let (listed, masked) = (
                a.sample_among(&logits, &tokens).unwrap(),
                b.sample(&logits, &words).unwrap(),
            );
            assert_eq!(listed.token, masked.token, "{config:?}");
            assert!((listed.log_prob - law[listed.token.index()].ln()).abs() < 1e-5);
        }
    }
}

#[test]
fn cuts_are_exact_on_ties_and_on_rows_that_rise() {
    // Equal logits: the lower ids stay. Rising logits: every one beats all that came before.
    for (name, logits) in [
        ("equal", vec![1.0; 5000]),
        ("rising", (0..5000).map(|i| i as f32 * 1e-3).collect()),
        (
            "falling",
            (0..5000).map(|i| i as f32 * -1e-3).collect::<Vec<f32>>(),
        ),
        ("two values", (0..5000).map(|i| (i % 2) as f32).collect()),
    ] {
        let words = mask(5000, |i| i != 4999 && i != 0);
        for top_k in [1, 2, 100, 200, 2499, 2500, 4998, 9999] {
            let config = SamplerConfig {
                top_k,
                seed: 5,
                ..SamplerConfig::default()
            };
            let law = exact_law(&config, &logits, &words);
            let mut sampler = Sampler::new(config).unwrap();
            for _ in 0..200 {
                let draw = sampler.sample(&logits, &words).unwrap();
                assert!(
                    law[draw.token.index()] > 0.0,
                    "{name}, top {top_k}: {}",
                    draw.token
                );
                assert!(
                    (draw.log_prob - law[draw.token.index()].ln()).abs() < 1e-5,
                    "{name}, top {top_k}"
                );
            }
        }
    }
}

#[test]
fn forbidden_tokens_are_never_drawn_whatever_their_logits() {
    let width = 1003;
    for config in configs() {
        let mut sampler = Sampler::new(config).unwrap();
        for odd in [
            f32::INFINITY,
            f32::NAN,
            f32::MAX,
            1e30,
            0.0,
            f32::NEG_INFINITY,
        ] {
            let mut logits = row(width, 8);
            let words = mask(width, |i| i % 101 == 7);
            for (i, logit) in logits.iter_mut().enumerate() {
                if i % 101 != 7 {
                    *logit = odd;
                }
            }
            for _ in 0..50 {
                let draw = sampler.sample(&logits, &words).unwrap();
                assert_eq!(draw.token.0 % 101, 7);
            }
        }
    }
}

#[test]
fn a_mask_reaches_no_further_than_the_logits() {
    let mut sampler = Sampler::new(SamplerConfig {
        temperature: 1e6,
        ..SamplerConfig::default()
    })
    .unwrap();
    let all = [u32::MAX; 4];
    for width in [1, 31, 32, 33, 70] {
        for _ in 0..300 {
            assert!(sampler.sample(&row(width, 1), &all).unwrap().token.index() < width);
        }
    }
    assert_eq!(sampler.sample(&[], &all), Err(SampleError::NothingAllowed));
    assert_eq!(
        sampler.sample(&row(70, 1), &[]),
        Err(SampleError::NothingAllowed)
    );
    // Logits behind the mask are forbidden.
    for _ in 0..300 {
        assert!(
            sampler
                .sample(&row(70, 1), &[u32::MAX])
                .unwrap()
                .token
                .index()
                < 32
        );
    }
}

#[test]
fn rows_that_are_no_law_are_errors_and_draw_nothing() {
    let good = [1.0f32, 2.0, 3.0];
    for config in configs().into_iter().chain([SamplerConfig {
        temperature: 0.0,
        ..SamplerConfig::default()
    }]) {
        let mut sampler = Sampler::new(config).unwrap();
        let mut untouched = sampler.clone();
        for (logits, mask, want) in [
            (good, 0, SampleError::NothingAllowed),
            ([f32::NEG_INFINITY; 3], 7, SampleError::NothingAllowed),
            (
                [f32::NEG_INFINITY, 5.0, 5.0],
                1,
                SampleError::NothingAllowed,
            ),
            ([f32::NAN, 5.0, 5.0], 7, SampleError::NotFinite),
            ([f32::NAN; 3], 7, SampleError::NotFinite),
            ([1.0, f32::INFINITY, 5.0], 7, SampleError::NotFinite),
        ] {
            assert_eq!(
                sampler.sample(&logits, &[mask]),
                Err(want),
                "{config:?} {logits:?} {mask}"
            );
        }
        assert_eq!(
            sampler.sample(&good, &[7]),
            untouched.sample(&good, &[7]),
            "an error moves no generator"
        );
    }
}

#[test]
fn temperature_zero_takes_the_first_of_the_greatest() {
    let mut sampler = Sampler::new(SamplerConfig {
        temperature: 0.0,
        ..SamplerConfig::default()
    })
    .unwrap();
    let logits = [9.0, 3.0, 7.0, 7.0, -0.0];
    assert_eq!(
        sampler.sample(&logits, &[0b11110]),
        Ok(Draw {
            token: TokenId(2),
            log_prob: 0.0
        })
    );
    assert_eq!(
        sampler.sample(&[-0.0, 0.0], &[3]).unwrap().token,
        TokenId(0)
    );
    assert_eq!(
        sampler.sample(&[-5.0, -1e30], &[2]).unwrap().token,
        TokenId(1)
    );
}

#[test]
fn settings_out_of_range_are_refused() {
    let base = SamplerConfig::default();
    for wrong in [
        SamplerConfig {
            temperature: -1.0,
            ..base
        },
        SamplerConfig {
            temperature: f32::NAN,
            ..base
        },
        SamplerConfig {
            temperature: 1e-30,
            ..base
        },
        SamplerConfig {
            temperature: f32::INFINITY,
            ..base
        },
        SamplerConfig { top_p: 0.0, ..base },
        SamplerConfig { top_p: 1.5, ..base },
        SamplerConfig {
            top_p: f32::NAN,
            ..base
        },
        SamplerConfig {
            min_p: -0.1,
            ..base
        },
        SamplerConfig {
            min_p: f32::NAN,
            ..base
        },
    ] {
        assert!(Sampler::new(wrong).is_err(), "{wrong:?}");
        assert!(Awrs::new(wrong, None).is_err(), "{wrong:?}");
    }
    let cold = SamplerConfig {
        temperature: 0.0,
        ..base
    };
    assert!(Sampler::new(cold).is_ok());
    assert_eq!(
        Awrs::new(cold, None).unwrap_err().to_string(),
        "temperature is 0, but must be from 1e-6 to 1e6"
    );
}

#[test]
fn the_allowed_share_is_that_of_the_mask() {
    let sampler = Sampler::new(SamplerConfig {
        temperature: 2.0,
        ..SamplerConfig::default()
    })
    .unwrap();
    let logits = [2.0f32.ln() * 2.0, 0.0, 5.0f32.ln() * 2.0];
    assert!((sampler.log_allowed(&logits, &[0b011]).unwrap() - (3.0f64 / 8.0).ln()).abs() < 1e-6);
    assert_eq!(
        sampler.log_allowed(&logits, &[0]),
        Err(SampleError::NothingAllowed)
    );
    assert_eq!(
        sampler.log_allowed(&[0.0, f32::NAN], &[1]),
        Err(SampleError::NotFinite)
    );
    // Far below the rest the share is small, but not zero.
    let share = sampler.log_allowed(&[-400.0, 400.0], &[1]).unwrap();
    assert!((share + 400.0).abs() < 1e-3, "{share}");
}

/// Value stability: these tokens may change only together with a line in the changelog.
#[test]
fn the_same_seed_gives_the_same_tokens() {
    let logits = row(2000, 42);
    let words = mask(2000, |i| i % 2 == 0);
    let tokens = |config: SamplerConfig| {
        let mut sampler = Sampler::new(config).unwrap();
        (0..8)
            .map(|_| sampler.sample(&logits, &words).unwrap().token.0)
            .collect::<Vec<_>>()
    };
    let config = SamplerConfig {
        seed: 1234,
        ..SamplerConfig::default()
    };
    let mut awrs = Awrs::new(config, None).unwrap();
    let by_rejection: Vec<(u32, u64)> = (0..8)
        .map(|_| {
            awrs.sample(&logits, None, |t| {
                Ok::<_, Infallible>(t.0.is_multiple_of(5))
            })
            .unwrap()
        })
        .map(|w| (w.token.unwrap().0, w.calls))
        .collect();
    assert_eq!(tokens(config), PINNED_PLAIN);
    assert_eq!(
        tokens(SamplerConfig {
            top_k: 20,
            top_p: 0.9,
            ..config
        }),
        PINNED_CUT
    );
    assert_eq!(by_rejection, PINNED_AWRS);
}

const PINNED_PLAIN: [u32; 8] = [1824, 1620, 218, 194, 1982, 1152, 292, 1894];
const PINNED_CUT: [u32; 8] = [1944, 1844, 218, 194, 1982, 1284, 482, 1964];
const PINNED_AWRS: [(u32, u64); 8] = [
    (1765, 3),
    (1315, 19),
    (460, 8),
    (380, 8),
    (585, 16),
    (1755, 8),
    (1155, 13),
    (1590, 33),
];

// ---------------------------------------------------------------------------------------------
// Rejection

/// Runs many draws; returns the counts of tokens, the mean of w 1(x = a) for each a, the standard
/// error of E[w], and the mean number of calls.
fn run_awrs(
    awrs: &mut Awrs,
    logits: &[f32],
    mask: Option<&[u32]>,
    draws: u32,
    accept: impl Fn(usize) -> bool,
) -> (Vec<u64>, Vec<f64>, f64, f64) {
    let mut counts = vec![0; logits.len()];
    let mut mean = vec![0.0; logits.len()];
    let (mut sum, mut squares, mut calls) = (0.0, 0.0, 0);
    for _ in 0..draws {
        let mut asked = Vec::new();
        let drawn = awrs.sample(logits, mask, |t| {
            assert!(!asked.contains(&t), "{t} was asked about twice");
            asked.push(t);
            Ok::<_, Infallible>(accept(t.index()))
        });
        let Weighted {
            token,
            log_weight,
            calls: c,
        } = drawn.unwrap();
        assert_eq!(c, asked.len() as u64);
        let w = log_weight.exp();
        if let Some(t) = token {
            assert!(accept(t.index()) && w > 0.0 && w <= 1.0 + 1e-6);
            counts[t.index()] += 1;
            mean[t.index()] += w / f64::from(draws);
        } else {
            assert_eq!(w, 0.0);
        }
        sum += w;
        squares += w * w;
        calls += c;
    }
    let n = f64::from(draws);
    let error = ((squares / n - (sum / n).powi(2)).max(0.0) / n).sqrt();
    (counts, mean, error, calls as f64 / n)
}

#[test]
fn rejection_has_the_conditional_law_and_the_right_mass() {
    let logits = row(300, 21);
    for (seed, (temperature, budget)) in [(1.0, None), (0.6, None), (1.0, Some(2)), (1.0, Some(5))]
        .into_iter()
        .enumerate()
    {
        let config = SamplerConfig {
            temperature,
            seed: seed as u64,
            ..SamplerConfig::default()
        };
        let p = exact_law(&config, &logits, &[u32::MAX; 10]);
        let accept = |i: usize| i % 4 == 1 || i == 100;
        let z: f64 = (0..300).filter(|i| accept(*i)).map(|i| p[i]).sum();
        let mut awrs = Awrs::new(config, budget.and_then(NonZeroU32::new)).unwrap();
        let (counts, mean, error, calls) = run_awrs(&mut awrs, &logits, None, 40_000, accept);
        let law: Vec<f64> = (0..300)
            .map(|i| if accept(i) { p[i] / z } else { 0.0 })
            .collect();
        // Without a budget, and with one for those that are not given up: the law of x among what
        // is accepted does not depend on it.
        assert_law(&counts, &law, &format!("budget {budget:?}"));
        let got: f64 = mean.iter().sum();
        assert!(
            (got - z).abs() < 4.5 * error,
            "budget {budget:?}: mass {got} and {z}, error {error}"
        );
        for a in 0..300 {
            let error = 4.5 * (p[a] / 40_000.0).sqrt() + 1e-9;
            assert!(
                (mean[a] - if accept(a) { p[a] } else { 0.0 }).abs() < error,
                "token {a}"
            );
        }
        println!("budget {budget:?}: mass {z:.4}, {calls:.2} calls a draw");
    }
}

#[test]
fn what_is_left_is_exact_after_nearly_all_is_rejected() {
    // The published code returns weight 0 here, since it stops at a rejected mass of 1 - 1e-5.
    let p = [0.5f64, 0.499_995, 5e-6];
    let logits = p.map(|p| p.ln() as f32);
    let mut awrs = Awrs::new(SamplerConfig::default(), None).unwrap();
    let (counts, mean, error, calls) = run_awrs(&mut awrs, &logits, None, 1000, |i| i == 2);
    assert_eq!(counts, [0, 0, 1000]);
    assert!((mean[2] / 5e-6 - 1.0).abs() < 1e-5, "{mean:?}");
    assert!(
        error < 1e-9,
        "with one accepted token the weight is always its own mass"
    );
    assert!(calls > 2.9);
}

#[test]
fn tokens_of_vanishing_mass_keep_their_mass() {
    // Each next one is far below what a 32-bit float holds beside the one before.
    let logits = [0.0f32, -300.0, -300.0, -900.0, f32::NEG_INFINITY, -5000.0];
    let mut awrs = Awrs::new(SamplerConfig::default(), None).unwrap();
    for (accepted, want) in [(1, -300.0), (3, -900.0), (5, -5000.0)] {
        let drawn = awrs
            .sample(&logits, None, |t| Ok::<_, Infallible>(t.0 == accepted))
            .unwrap();
        assert_eq!(drawn.token, Some(TokenId(accepted)));
        assert!((drawn.log_weight - want).abs() < 1e-3, "{drawn:?}");
    }
    let drawn = awrs
        .sample(&logits, None, |_| Ok::<_, Infallible>(false))
        .unwrap();
    assert_eq!(
        (drawn.token, drawn.log_weight, drawn.calls),
        (None, f64::NEG_INFINITY, 5),
        "minus infinity is not asked about"
    );
    // The same through a cut law.
    let mut awrs = Awrs::new(
        SamplerConfig {
            top_k: 4,
            ..SamplerConfig::default()
        },
        None,
    )
    .unwrap();
    let drawn = awrs
        .sample(&logits, None, |t| Ok::<_, Infallible>(t.0 == 3))
        .unwrap();
    assert!(drawn.token == Some(TokenId(3)) && (drawn.log_weight + 900.0).abs() < 1e-3);
    let drawn = awrs
        .sample(&logits, None, |t| Ok::<_, Infallible>(t.0 == 5))
        .unwrap();
    assert_eq!((drawn.token, drawn.calls), (None, 4));
}

#[test]
fn a_mask_or_a_cut_takes_its_mass_out_of_the_weights() {
    let logits = [4.0f32, 3.0, 2.0, 1.0].map(f32::ln);
    let z = |config, mask: Option<&[u32]>| {
        let mut awrs = Awrs::new(config, None).unwrap();
        let (_, mean, error, _) = run_awrs(&mut awrs, &logits, mask, 20_000, |i| i != 1);
        (mean.iter().sum::<f64>(), 4.5 * error + 1e-6)
    };
    let config = SamplerConfig {
        seed: 3,
        ..SamplerConfig::default()
    };
    for (config, mask, want) in [
        (config, None, 0.7),
        (config, Some([0b1010]), 0.1),
        (config, Some([0b1111_0110]), 0.2),
        (SamplerConfig { top_k: 3, ..config }, None, 0.6),
        (
            SamplerConfig {
                min_p: 0.9,
                ..config
            },
            None,
            0.4,
        ),
        (
            SamplerConfig {
                top_p: 0.6,
                ..config
            },
            Some([0b1110]),
            0.2,
        ),
    ] {
        let (got, error) = z(config, mask.as_ref().map(|m| &m[..]));
        assert!(
            (got - want).abs() <= error,
            "{config:?} {mask:?}: {got} and {want}"
        );
    }
}

#[test]
fn rejection_of_rows_that_are_no_law() {
    let mut awrs = Awrs::new(SamplerConfig::default(), None).unwrap();
    let mut sample = |logits: &[f32], mask: Option<&[u32]>| {
        awrs.sample(logits, mask, |_| Ok::<_, Infallible>(true))
    };
    let nothing = Weighted {
        token: None,
        log_weight: f64::NEG_INFINITY,
        calls: 0,
    };
    assert_eq!(sample(&[], None), Ok(nothing));
    assert_eq!(sample(&[1.0, 2.0], Some(&[0])), Ok(nothing));
    assert_eq!(sample(&[f32::NEG_INFINITY; 3], None), Ok(nothing));
    assert_eq!(
        sample(&[0.0, f32::NAN], None),
        Err(AwrsError::Logits(SampleError::NotFinite))
    );
    assert_eq!(
        sample(&[0.0, f32::INFINITY], Some(&[1])),
        Err(AwrsError::Logits(SampleError::NotFinite))
    );
    let sure = sample(&[0.5], None).unwrap();
    assert!(sure.token == Some(TokenId(0)) && sure.log_weight.abs() < 1e-6 && sure.calls == 1);
    let failed = awrs.sample(&[1.0, 1.0], None, |_| Err("broken"));
    assert_eq!(failed, Err(AwrsError::Test("broken")));
}

#[test]
fn drawing_without_replacement_has_the_law_of_its_order() {
    // A test that rejects all shows the whole order.
    let weights = [4.0f64, 3.0, 2.0, 1.0];
    let logits = weights.map(|w| w.ln() as f32);
    let mut awrs = Awrs::new(
        SamplerConfig {
            seed: 77,
            ..SamplerConfig::default()
        },
        None,
    )
    .unwrap();
    let (mut counts, mut law) = (vec![0u64; 64], vec![0.0; 64]);
    for a in 0..4 {
        for b in (0..4).filter(|b| *b != a) {
            for c in (0..4).filter(|c| *c != a && *c != b) {
                let chance = |i: usize, left: f64| weights[i] / left;
                let left = [10.0, 10.0 - weights[a], 10.0 - weights[a] - weights[b]];
                law[a * 16 + b * 4 + c] =
                    chance(a, left[0]) * chance(b, left[1]) * chance(c, left[2]);
            }
        }
    }
    for _ in 0..50_000 {
        let mut order = Vec::new();
        let drawn = awrs.sample(&logits, None, |t| {
            order.push(t.index());
            Ok::<_, Infallible>(false)
        });
        assert_eq!(drawn.unwrap().calls, 4);
        counts[order[0] * 16 + order[1] * 4 + order[2]] += 1;
    }
    assert_law(&counts, &law, "orders");
}
