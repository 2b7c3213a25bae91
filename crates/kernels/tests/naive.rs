//! Every kernel on every instruction set of this processor against one bit or one logit at a time.
//!
//! What can be exact is compared exactly: integers, copies and maxima with the naive answer, sums
//! and weights with the portable answer bit for bit. Sums and weights are then compared with
//! double precision within the documented error.

use maskwright_kernels::{Isa, bits, logits, logits::LogSums};

/// Row widths: around a word, and the widths of real vocabularies.
const WIDTHS: [usize; 14] = [
    0, 1, 15, 16, 17, 31, 32, 33, 63, 500, 32_000, 32_001, 32_011, 128_256,
];
const WIDEST: usize = 199_998;

/// A small generator (SplitMix64), so that the tests need no package.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn word(&mut self) -> u32 {
        self.next() as u32
    }

    /// Between -1 and 1.
    fn signed(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    /// Words of one of several densities, including all zeros and all ones.
    fn words(&mut self, len: usize) -> Vec<u32> {
        let kind = self.next() % 5;
        (0..len)
            .map(|_| match kind {
                0 => 0,
                1 => u32::MAX,
                2 => self.word() & self.word() & self.word() & self.word() & self.word(),
                3 => self.word() | self.word() | self.word() | self.word(),
                _ => self.word(),
            })
            .collect()
    }

    /// Logits like those of a model; `odd` mixes in zeros, infinities, NaN and huge numbers.
    fn logits(&mut self, len: usize, odd: bool) -> Vec<f32> {
        const ODD: [f32; 12] = [
            0.0,
            -0.0,
            f32::NEG_INFINITY,
            f32::INFINITY,
            f32::NAN,
            9e37,
            -9e37,
            1e38,
            -1e38,
            f32::MIN_POSITIVE,
            1e-45,
            88.8,
        ];
        (0..len)
            .map(|_| {
                if odd && self.next().is_multiple_of(4) {
                    ODD[(self.next() % ODD.len() as u64) as usize]
                } else {
                    self.signed() * 20.0
                }
            })
            .collect()
    }
}

/// The widths, each with a few offsets into the allocation, so that nothing is aligned by luck.
fn shapes() -> impl Iterator<Item = (usize, usize)> {
    let few = |w: &usize| if *w > 1000 { 2 } else { 4 };
    WIDTHS
        .into_iter()
        .chain([WIDEST])
        .flat_map(move |w| (0..few(&w)).map(move |offset| (w, offset)))
}

fn allowed(mask: &[u32], i: usize) -> bool {
    mask.get(i / 32).is_some_and(|w| w >> (i % 32) & 1 == 1)
}

fn bits_of(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

fn all_isas() -> Vec<Isa> {
    let all = Isa::available();
    println!(
        "instruction sets: {}",
        all.iter().map(|i| i.name()).collect::<Vec<_>>().join(", ")
    );
    assert_eq!(all.last(), Some(&Isa::best()));
    all
}

/// A kernel that combines words, and what it does to one bit.
type Combine = (
    &'static str,
    fn(Isa, &mut [u32], &[u32]),
    fn(bool, bool) -> bool,
);

#[test]
fn word_kernels_agree_with_single_bits() {
    let combine: [Combine; 4] = [
        ("copy", Isa::copy, |_, s| s),
        ("or_assign", Isa::or_assign, |d, s| d | s),
        ("and_assign", Isa::and_assign, |d, s| d & s),
        ("and_not_assign", Isa::and_not_assign, |d, s| d & !s),
    ];
    let mut random = Random(1);
    for isa in all_isas() {
        for (width, offset) in shapes() {
            let words = width.div_ceil(32);
            // The source is shorter, equal, longer.
            for extra in [-3isize, 0, 2] {
                let (dst, src) = (
                    random.words(words + offset),
                    random.words(words.saturating_add_signed(extra) + offset),
                );
                let src = &src[offset.min(src.len())..];
                for (name, kernel, truth) in combine {
                    let mut got = dst.clone();
                    kernel(isa, &mut got[offset..], src);
                    assert_eq!(
                        got[..offset],
                        dst[..offset],
                        "{isa} {name} wrote before the slice"
                    );
                    let got = &got[offset..];
                    for i in 0..words * 32 {
                        let want = truth(allowed(&dst[offset..], i), allowed(src, i));
                        assert_eq!(allowed(got, i), want, "{isa} {name} width {width} bit {i}");
                    }
                }
            }
        }
    }
}

#[test]
fn several_sources_equal_one_after_another() {
    let mut random = Random(2);
    for isa in all_isas() {
        for (width, _) in shapes() {
            let words = width.div_ceil(32);
            let sources: Vec<Vec<u32>> = (0..5)
                .map(|i| random.words(words.saturating_sub(i)))
                .collect();
            let start = random.words(words);
            let (mut together, mut apart) = (start.clone(), start);
            isa.or_assign_all(
                &mut together,
                &sources.iter().map(Vec::as_slice).collect::<Vec<_>>(),
            );
            for source in &sources {
                Isa::available()[0].or_assign(&mut apart, source);
            }
            assert_eq!(together, apart, "{isa} width {width}");
        }
    }
}

#[test]
fn counts_and_iteration_agree_with_single_bits() {
    let mut random = Random(3);
    for isa in all_isas() {
        for (width, offset) in shapes() {
            let words = random.words(width.div_ceil(32) + offset);
            let words = &words[offset..];
            let ids: Vec<u32> = (0..words.len() * 32)
                .filter(|&i| allowed(words, i))
                .map(|i| i as u32)
                .collect();
            assert_eq!(isa.count(words), ids.len(), "{isa} {width}");
            assert_eq!(isa.any(words), !ids.is_empty(), "{isa} {width}");
            assert_eq!(bits::ones(words).collect::<Vec<_>>(), ids);
            // `collect` may go through `fold`; `next` must agree with it, from any point on.
            let mut stepped = bits::ones(words);
            let mut head: Vec<u32> = stepped.by_ref().take(3).collect();
            stepped.for_each(|id| head.push(id));
            assert_eq!(head, ids);
            let mut rebuilt = vec![0; words.len()];
            bits::set(
                &mut rebuilt,
                ids.iter()
                    .copied()
                    .chain([u32::MAX, words.len() as u32 * 32]),
            );
            assert_eq!(rebuilt, words);
            bits::clear(&mut rebuilt, ids.iter().copied().chain([u32::MAX]));
            assert!(!isa.any(&rebuilt));
            if let Some(&last) = ids.last() {
                bits::set(&mut rebuilt, [last]);
                assert!(isa.any(&rebuilt) && bits::contains(&rebuilt, last));
            }
        }
    }
}

#[test]
fn ranges_agree_with_single_bits() {
    let mut random = Random(4);
    for _ in 0..2000 {
        let words = random.words((random.0 % 7) as usize);
        let (from, to) = (
            (random.next() % 250) as usize,
            (random.next() % 250) as usize,
        );
        let (mut set, mut cleared) = (words.clone(), words.clone());
        bits::set_range(&mut set, from, to);
        bits::clear_from(&mut cleared, from);
        for i in 0..words.len() * 32 {
            assert_eq!(
                allowed(&set, i),
                allowed(&words, i) || (from..to).contains(&i),
                "{from}..{to} bit {i}"
            );
            assert_eq!(
                allowed(&cleared, i),
                allowed(&words, i) && i < from,
                "{from}.. bit {i}"
            );
        }
    }
}

#[test]
fn masked_logits_keep_allowed_bits_and_forbid_the_rest() {
    let mut random = Random(5);
    for isa in all_isas() {
        for (width, offset) in shapes() {
            for mask_words in [width.div_ceil(32), width / 64, width.div_ceil(32) + 2] {
                let mask = random.words(mask_words);
                let row = random.logits(width + offset, true);
                let want: Vec<u32> = row[offset..]
                    .iter()
                    .enumerate()
                    .map(|(i, x)| {
                        if allowed(&mask, i) {
                            x.to_bits()
                        } else {
                            f32::NEG_INFINITY.to_bits()
                        }
                    })
                    .collect();
                let mut in_place = row.clone();
                isa.mask_in_place(&mut in_place[offset..], &mask);
                assert_eq!(bits_of(&in_place[offset..]), want, "{isa} {width}");
                assert_eq!(bits_of(&in_place[..offset]), bits_of(&row[..offset]));
                // The copy's target is as long, longer, shorter.
                for len in [width, width + 40, width / 2] {
                    let mut copied = vec![7.0; len];
                    isa.mask_copy(&mut copied, &row[offset..], &mask);
                    let mut want = want.clone();
                    want.resize(len, f32::NEG_INFINITY.to_bits());
                    assert_eq!(bits_of(&copied), want, "{isa} {width} to {len}");
                }
            }
        }
    }
}

#[test]
fn maxima_and_searches_agree_with_a_scan() {
    let mut random = Random(6);
    for isa in all_isas() {
        for (width, offset) in shapes() {
            for odd in [false, true] {
                let (row, mask) = (
                    random.logits(width + offset, odd),
                    random.words(width.div_ceil(32)),
                );
                let row = &row[offset..];
                let mut max = f32::NEG_INFINITY;
                let mut bad = false;
                for i in (0..width).filter(|&i| allowed(&mask, i)) {
                    if row[i] > max {
                        max = row[i];
                    }
                    bad |= row[i].is_nan() || row[i] == f32::INFINITY;
                }
                assert_eq!(isa.max(row, &mask), max, "{isa} {width}");
                assert_eq!(isa.has_nan_or_infinity(row, &mask), bad, "{isa} {width}");
                let peak = (0..width)
                    .find(|&i| allowed(&mask, i) && row[i] == max && max > f32::NEG_INFINITY);
                assert_eq!(logits::argmax(row, &mask), peak, "{width}");
                for least in [f32::NEG_INFINITY, -19.0, 0.0, 19.9, max] {
                    for from in [0, 1, width / 2, width.saturating_sub(1), width, width + 100] {
                        let want = (from..width).find(|&i| allowed(&mask, i) && row[i] >= least);
                        assert_eq!(
                            isa.find_at_least(row, &mask, from, least),
                            want,
                            "{isa} {width} {from} {least}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn a_mask_longer_than_the_row_finds_nothing_behind_it() {
    for isa in all_isas() {
        for width in [0, 1, 31, 32, 33] {
            let row = vec![f32::NEG_INFINITY; width];
            let mask = [u32::MAX; 4];
            assert_eq!(
                isa.find_at_least(&row, &mask, width, f32::NEG_INFINITY),
                None
            );
            assert_eq!(logits::argmax(&row, &mask), None);
            assert_eq!(
                isa.log_sums(&row, &mask, 1.0, 0.0).allowed,
                f64::NEG_INFINITY
            );
        }
    }
}

/// ln of the sums, in double precision, around the greatest term.
fn naive_log_sums(row: &[f32], mask: &[u32], scale: f32) -> LogSums {
    let ln_sum = |take: &dyn Fn(usize) -> bool| {
        let terms: Vec<f64> = (0..row.len())
            .filter(|&i| take(i))
            .map(|i| f64::from(row[i]) * f64::from(scale))
            .collect();
        if terms.iter().any(|y| y.is_nan() || *y == f64::INFINITY) {
            return f64::NAN;
        }
        let top = terms.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if top == f64::NEG_INFINITY {
            top
        } else {
            terms.iter().map(|y| (y - top).exp()).sum::<f64>().ln() + top
        }
    };
    LogSums {
        allowed: ln_sum(&|i| allowed(mask, i)),
        total: ln_sum(&|_| true),
    }
}

fn close(got: f64, want: f64, error: f64) -> bool {
    got == want || got.is_nan() && want.is_nan() || (got - want).abs() <= error
}

#[test]
fn sums_and_weights_are_the_same_bits_everywhere_and_near_double_precision() {
    let mut random = Random(7);
    let all = all_isas();
    for (width, offset) in shapes() {
        for (odd, scale) in [
            (false, 1.0),
            (false, 10.0),
            (false, 0.3),
            (true, 1.0),
            (true, 1e-3),
        ] {
            let row = random.logits(width + offset, odd);
            let row = &row[offset..];
            let mask = random.words(width.div_ceil(32));
            let greatest = logits::max(row, &mask);
            let pivot = if greatest.is_finite() { greatest } else { 0.0 };
            let naive = naive_log_sums(row, &mask, scale);
            let case = format!("width {width} odd {odd} scale {scale}");
            let reference = (all[0].log_sums(row, &mask, scale, pivot), {
                let mut out = vec![9.0; width + 3];
                (all[0].weights(&mut out, row, &mask, scale, pivot), out)
            });
            let reference_softmax = {
                let mut out = vec![9.0; width + 3];
                (all[0].softmax(&mut out, row, &mask, scale, pivot), out)
            };
            let allowed_error = 2e-6 + naive.allowed.abs() * 1e-9;
            assert!(
                close(reference.0.allowed, naive.allowed, allowed_error),
                "{case}: {:?} {naive:?}",
                reference.0
            );
            // Forbidden logits may lie far from the pivot, where a logit's rounding counts.
            let far = 2e-6 + (naive.total - f64::from(pivot) * f64::from(scale)).abs() * 2.4e-7;
            assert!(
                close(reference.0.total, naive.total, far),
                "{case}: {:?} {naive:?}",
                reference.0
            );
            let same = |a: LogSums, b: LogSums| {
                a.allowed.to_bits() == b.allowed.to_bits() && a.total.to_bits() == b.total.to_bits()
            };
            for &isa in &all {
                assert!(
                    same(isa.log_sums(row, &mask, scale, pivot), reference.0),
                    "{isa} {case}"
                );
                let mut out = vec![9.0; width + 3];
                assert!(
                    same(
                        isa.weights(&mut out, row, &mask, scale, pivot),
                        reference.1.0
                    ),
                    "{isa} {case}"
                );
                assert_eq!(
                    bits_of(&out),
                    bits_of(&reference.1.1),
                    "{isa} weights {case}"
                );
                let mut out = vec![9.0; width + 3];
                assert!(
                    same(
                        isa.softmax(&mut out, row, &mask, scale, pivot),
                        reference_softmax.0
                    ),
                    "{isa} {case}"
                );
                assert_eq!(
                    bits_of(&out),
                    bits_of(&reference_softmax.1),
                    "{isa} softmax {case}"
                );
                let mut short = vec![9.0; width / 3];
                isa.softmax(&mut short, row, &mask, scale, pivot);
                assert_eq!(
                    bits_of(&short),
                    bits_of(&out[..width / 3]),
                    "{isa} short {case}"
                );
                let mut sums = vec![9.0; width.div_ceil(64) + 1];
                isa.sums_of_64(&reference.1.1[..width], &mut sums);
                let mut portable = vec![9.0; width.div_ceil(64) + 1];
                all[0].sums_of_64(&reference.1.1[..width], &mut portable);
                assert_eq!(sums, portable, "{isa} sums {case}");
                for (sum, piece) in sums
                    .iter()
                    .zip(reference.1.1[..width].chunks(64).chain([&[][..]]))
                {
                    let want: f64 = piece.iter().map(|v| f64::from(*v)).sum();
                    assert!((sum - want).abs() <= want * 1e-14, "{isa} sums {case}");
                }
            }
            if !naive.allowed.is_finite() {
                continue;
            }
            let (weights, law) = (&reference.1.1, &reference_softmax.1);
            for i in 0..width {
                let y = (f64::from(row[i]) - f64::from(pivot)) * f64::from(scale);
                if !allowed(&mask, i) || row[i] == f32::NEG_INFINITY {
                    assert_eq!(
                        (weights[i], law[i]),
                        (0.0, 0.0),
                        "{case} {i}: forbidden, yet it has weight"
                    );
                } else if y > -80.0 {
                    let error = 5e-7 + y.abs() * 2.4e-7;
                    let want = y.exp();
                    assert!(
                        (f64::from(weights[i]) - want).abs() <= want * error,
                        "{case} weight {i} at {y}"
                    );
                    let want = (f64::from(row[i]) * f64::from(scale) - naive.allowed).exp();
                    if want > 1e-37 {
                        assert!(
                            (f64::from(law[i]) - want).abs() <= want * (error + 2e-6),
                            "{case} law {i} at {y}"
                        );
                    }
                }
            }
            assert_eq!(weights[width..], [0.0; 3]);
            assert_eq!(law[width..], [0.0; 3]);
            let sum: f64 = law.iter().map(|p| f64::from(*p)).sum();
            assert!((sum - 1.0).abs() < 5e-6, "{case}: the law sums to {sum}");
        }
    }
}

#[test]
fn extreme_rows_have_the_right_sums() {
    let ln2 = std::f64::consts::LN_2;
    for isa in all_isas() {
        let sums = |row: &[f32], mask: u32, pivot: f32| isa.log_sums(row, &[mask], 1.0, pivot);
        // No pivot helps here, and none is needed.
        assert!(close(sums(&[1e4, 1e4], 3, 0.0).allowed, 1e4 + ln2, 1e-2));
        assert!(close(sums(&[-1e4, -1e4], 3, 0.0).allowed, -1e4 + ln2, 1e-2));
        assert!(
            close(sums(&[1e4, -1e4], 2, 0.0).allowed, -1e4, 1e-2),
            "what is allowed must not vanish beside the rest"
        );
        assert!(close(
            sums(&[1e38, 1e38], 3, 1e38).allowed,
            1e38f32.into(),
            1e22
        ));
        assert!(close(
            sums(&[1e38, 9e37], 2, 1e38).allowed,
            9e37f32.into(),
            1e31
        ));
        assert!(close(
            sums(&[f32::MAX, f32::MIN], 3, f32::MAX).allowed,
            f32::MAX.into(),
            1e32
        ));
        assert!(close(sums(&[-0.0, 0.0], 3, 0.0).allowed, ln2, 1e-7));
        assert_eq!(
            sums(&[f32::NEG_INFINITY; 20], u32::MAX, 0.0).total,
            f64::NEG_INFINITY
        );
        assert_eq!(sums(&[1.0; 20], 0, 0.0).allowed, f64::NEG_INFINITY);
        let spoiled = sums(&[1.0, f32::NAN, 1.0], 5, 1.0);
        assert!(
            close(spoiled.allowed, 1.0 + ln2, 1e-6) && spoiled.total.is_nan(),
            "a forbidden NaN stays outside"
        );
        assert!(sums(&[1.0, f32::NAN], 2, 0.0).allowed.is_nan());
        assert!(sums(&[1.0, f32::INFINITY], 2, 0.0).allowed.is_nan());
        // Out of the documented range: a wrong number, but a number.
        assert!(sums(&[f32::MAX], 1, f32::MIN).allowed.is_finite());
        let mut weights = [9.0; 3];
        isa.weights(&mut weights, &[f32::MAX, f32::MIN, 0.0], &[7], 1e6, 0.0);
        assert!(weights[0].is_finite() && weights[0] > 1e38 && weights[1..] == [0.0, 1.0]);
        let mut law = [9.0; 4];
        isa.softmax(&mut law, &[1.0, 2.0, 3.0, f32::NAN], &[0], 1.0, 0.0);
        assert_eq!(law, [0.0; 4], "nothing allowed, nothing written but zeros");
        isa.softmax(&mut law, &[3e38, -3e38, 3e38, f32::NAN], &[7], 1.0, 3e38);
        assert_eq!(law, [0.5, 0.0, 0.5, 0.0]);
    }
}
