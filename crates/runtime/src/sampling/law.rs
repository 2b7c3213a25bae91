//! Which tokens a draw chooses among: mask, temperature, then top-k, top-p and min-p.

use maskwright_kernels::logits::{self as rows, LogSums};
use std::cmp::Ordering;
use std::fmt;

/// How tokens are drawn. Plain data; [`Sampler::new`](super::Sampler::new) and
/// [`Awrs::new`](super::Awrs::new) check it.
///
/// The order is fixed: the mask first, then temperature, then top-k, then top-p, then min-p, each
/// on the renormalised law that the one before leaves. Cutting before masking could leave nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SamplerConfig {
    /// Logits are divided by it. 0 means the most likely token, the lowest id of several; else
    /// 1e-6 to 1e6. Default 1.
    pub temperature: f32,
    /// Keep the k most likely tokens, lower ids first among equals. 0, the default, keeps all.
    pub top_k: usize,
    /// Keep the fewest most likely tokens that have this share of the mass together, lower ids
    /// first among equals. Above 0; 1, the default, keeps all.
    pub top_p: f32,
    /// Keep the tokens whose probability is at least this share of the greatest one. 0 to 1; 0,
    /// the default, keeps all.
    pub min_p: f32,
    /// The seed of the random numbers. Default 0.
    pub seed: u64,
}

impl Default for SamplerConfig {
    fn default() -> Self {
        SamplerConfig {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            seed: 0,
        }
    }
}

impl SamplerConfig {
    pub(crate) fn check(self) -> Result<Self, ConfigError> {
        let t = self.temperature;
        let wrong = |name, value, range| Err(ConfigError { name, value, range });
        if t != 0.0 && !(1e-6..=1e6).contains(&t) {
            return wrong("temperature", t, "0 or from 1e-6 to 1e6");
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return wrong("top_p", self.top_p, "above 0 and up to 1");
        }
        if !(0.0..=1.0).contains(&self.min_p) {
            return wrong("min_p", self.min_p, "from 0 to 1");
        }
        Ok(self)
    }

    /// One over the temperature; 1 for temperature 0, which needs no scale.
    pub(crate) fn scale(&self) -> f32 {
        if self.temperature == 0.0 {
            1.0
        } else {
            1.0 / self.temperature
        }
    }

    pub(crate) fn keeps_all(&self) -> bool {
        self.top_k == 0 && self.top_p >= 1.0 && self.min_p <= 0.0
    }
}

/// A setting that is out of range.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigError {
    pub(crate) name: &'static str,
    pub(crate) value: f32,
    pub(crate) range: &'static str,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is {}, but must be {}",
            self.name, self.value, self.range
        )
    }
}

impl std::error::Error for ConfigError {}

/// Why a row of logits is no law to draw from. The generator has not moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SampleError {
    /// No allowed token has a logit above minus infinity (or none is allowed at all).
    NothingAllowed,
    /// A logit that counts is NaN or plus infinity.
    NotFinite,
}

impl fmt::Display for SampleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SampleError::NothingAllowed => "no allowed token has a logit above minus infinity",
            SampleError::NotFinite => "a logit is nan or plus infinity",
        })
    }
}

impl std::error::Error for SampleError {}

/// The greatest allowed logit, which is finite.
pub(crate) fn greatest(logits: &[f32], mask: &[u32]) -> Result<f32, SampleError> {
    if rows::has_nan_or_infinity(logits, mask) {
        return Err(SampleError::NotFinite);
    }
    match rows::max(logits, mask) {
        f32::NEG_INFINITY => Err(SampleError::NothingAllowed),
        greatest => Ok(greatest),
    }
}

/// A token that may be kept.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Candidate {
    pub(crate) logit: f32,
    /// The position in the row.
    pub(crate) id: u32,
}

impl Candidate {
    /// Most likely first, lower ids first among equals. Zeros of both signs are equal.
    fn order(&self, other: &Self) -> Ordering {
        other
            .logit
            .partial_cmp(&self.logit)
            .unwrap_or(Ordering::Equal)
            .then(self.id.cmp(&other.id))
    }

    /// Its weight beside the greatest logit's 1.
    pub(crate) fn weight(&self, scale: f32, greatest: f32) -> f64 {
        ((f64::from(self.logit) - f64::from(greatest)) * f64::from(scale)).exp()
    }
}

/// Writes the candidates that top-k, top-p and min-p keep, by increasing id.
///
/// `greatest` is the greatest allowed logit. Only logits that can be kept are looked at one by
/// one: a vector search finds the next one that is high enough.
pub(crate) fn keep(
    config: &SamplerConfig,
    logits: &[f32],
    mask: &[u32],
    greatest: f32,
    kept: &mut Vec<Candidate>,
) {
    let scale = config.scale();
    kept.clear();
    // The logarithm of min-p is the distance from the greatest logit at which tokens are cut.
    let cut = f64::from(config.min_p).ln();
    let high_enough =
        |c: &Candidate| (f64::from(c.logit) - f64::from(greatest)) * f64::from(scale) >= cut;
    if config.top_k > 0 {
        top_k(config.top_k, logits, mask, kept);
    } else if config.top_p < 1.0 {
        // Reach down until enough mass is there: few tokens have it in nearly every row.
        let sum = rows::log_sums(logits, mask, scale, greatest).allowed;
        let beside_greatest = (sum - f64::from(greatest) * f64::from(scale)).exp();
        let wanted = beside_greatest * f64::from(config.top_p);
        let mut reach = 4.0;
        loop {
            let least = greatest - reach / scale;
            at_least(least, logits, mask, kept);
            let mass: f64 = kept.iter().map(|c| c.weight(scale, greatest)).sum();
            // Further down, weights are 0 even in double precision.
            if mass >= wanted || reach > 800.0 {
                return top_p(config, wanted, greatest, kept, high_enough);
            }
            reach *= 2.0;
        }
    } else {
        // A little more than rounding can cost; the exact test follows.
        let least = greatest + ((cut - 1e-3) / f64::from(scale)) as f32;
        at_least(least.next_down(), logits, mask, kept);
    }
    if config.top_p < 1.0 {
        let mass: f64 = kept.iter().map(|c| c.weight(scale, greatest)).sum();
        return top_p(
            config,
            mass * f64::from(config.top_p),
            greatest,
            kept,
            high_enough,
        );
    }
    kept.retain(high_enough);
    kept.sort_unstable_by_key(|c| c.id);
}

/// Cuts the candidates where their mass reaches `wanted`, then at min-p.
fn top_p(
    config: &SamplerConfig,
    wanted: f64,
    greatest: f32,
    kept: &mut Vec<Candidate>,
    high_enough: impl FnMut(&Candidate) -> bool,
) {
    kept.sort_unstable_by(Candidate::order);
    let mut mass = 0.0;
    let enough = kept.iter().position(|c| {
        mass += c.weight(config.scale(), greatest);
        mass >= wanted
    });
    kept.truncate(enough.map_or(kept.len(), |last| last + 1));
    kept.retain(high_enough);
    kept.sort_unstable_by_key(|c| c.id);
}

/// All allowed tokens whose logit is at least `least` (and above minus infinity).
fn at_least(least: f32, logits: &[f32], mask: &[u32], kept: &mut Vec<Candidate>) {
    kept.clear();
    let least = least.max(f32::MIN);
    let mut from = 0;
    while let Some(i) = rows::find_at_least(logits, mask, from, least) {
        kept.push(Candidate {
            logit: logits[i],
            id: i as u32,
        });
        from = i + 1;
    }
}

/// The `k` first candidates in [`Candidate::order`], in any order. O(n).
///
/// Candidates are gathered until there are twice as many as are wanted; then the lower half goes,
/// and from there on only logits above all that went are looked at. So each candidate is paid for
/// a constant number of times, even when the logits increase with the id.
fn top_k(k: usize, logits: &[f32], mask: &[u32], kept: &mut Vec<Candidate>) {
    let room = k.saturating_mul(2).max(256);
    let (mut least, mut from) = (f32::MIN, 0);
    while let Some(i) = rows::find_at_least(logits, mask, from, least) {
        kept.push(Candidate {
            logit: logits[i],
            id: i as u32,
        });
        from = i + 1;
        if kept.len() == room {
            let (_, last, _) = kept.select_nth_unstable_by(k - 1, Candidate::order);
            // A later token of the same logit has a higher id, and so comes after the last one.
            least = last.logit.next_up();
            kept.truncate(k);
        }
    }
    if kept.len() > k {
        kept.select_nth_unstable_by(k - 1, Candidate::order);
        kept.truncate(k);
    }
}

/// The logarithm of the share that the allowed logits have of all.
pub(crate) fn log_share(sums: LogSums) -> Result<f64, SampleError> {
    if sums.total.is_nan() || sums.allowed.is_nan() {
        return Err(SampleError::NotFinite);
    }
    if sums.allowed == f64::NEG_INFINITY {
        return Err(SampleError::NothingAllowed);
    }
    Ok((sums.allowed - sums.total).min(0.0))
}
