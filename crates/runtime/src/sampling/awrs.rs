//! Adaptive weighted rejection sampling: a token from p restricted to what a test accepts, with an
//! unbiased weight, from a few calls of the test.
//!
//! After Lipkin et al., "Fast controlled generation from language models with adaptive weighted
//! rejection sampling" (arXiv 2504.05410), the recursive estimator, rewritten without logarithms.
//!
//! # The estimator
//!
//! Tokens are drawn from p without replacement until one, x, is accepted. Let `rem` be the mass of
//! all tokens not rejected before x. Given the rejected ones, x is a draw from p restricted to
//! what is accepted; and the share of `rem` that is accepted, times `rem`, is the sought mass Z.
//! One more draw y tells enough about that share: with weight
//!
//! ```text
//! w = rem    when y is accepted
//! w = p(x)   when y is rejected, or there is no y
//! ```
//!
//! E[w | rejected, x] = Z exactly, hence E[w 1(x = a)] = p(a) c(a) for every a. With a budget of R
//! rejections, an x accepted right after R - 1 of them weighs `rem` with no further draw, and
//! after R rejections the weight is 0.
//!
//! By hand: p = (1/2, 1/3, 1/6), only the last two accepted, Z = 1/2. The order 1, 2, 3 rejects
//! the first, accepts x = 2 with rem = 1/2, and y = 3 is accepted: w = 1/2. The order 2, 1, 3
//! accepts x = 2 with rem = 1 and rejects y = 1: w = 1/3.
//!
//! The paper sorts keys log p - log(-log u) of the whole vocabulary. The order of such keys has
//! the law of drawing without replacement in proportion to p, so a tree of sums that draws and
//! removes gives it one token at a time, and `rem` is the sum of what is left in the tree.

use super::law::{Candidate, ConfigError, SampleError, SamplerConfig, greatest, keep};
use super::random::{CounterRng, unit};
use super::tree::SumTree;
use maskwright_kernels::bits;
use maskwright_kernels::logits::{log_sums, max, weights};
use maskwright_tables::TokenId;
use std::fmt;
use std::num::NonZeroU32;

/// What a draw by rejection gave.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighted {
    /// The first token that was accepted; `None` when none was, with weight 0.
    pub token: Option<TokenId>,
    /// The natural logarithm of the weight; minus infinity for weight 0. Its mean over draws is
    /// the mass of what is accepted, so never clip it, and never draw again because it is 0.
    pub log_weight: f64,
    /// How many times the test was called.
    pub calls: u64,
}

/// Why a draw by rejection failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AwrsError<E> {
    /// The logits are no law.
    Logits(SampleError),
    /// The test failed.
    Test(E),
}

impl<E: fmt::Display> fmt::Display for AwrsError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AwrsError::Logits(e) => e.fmt(f),
            AwrsError::Test(e) => write!(f, "the membership test failed: {e}"),
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for AwrsError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            AwrsError::Logits(e) => Some(e),
            AwrsError::Test(e) => Some(e),
        }
    }
}

impl<E> From<SampleError> for AwrsError<E> {
    fn from(e: SampleError) -> Self {
        AwrsError::Logits(e)
    }
}

/// Draws tokens by rejection. Owns its random numbers and its buffers; one for each particle.
///
/// The target is p(a) c(a), where c is the test and p the model's law at the given temperature,
/// normalised over *all* logits. A mask, top-k, top-p or min-p takes tokens out of the target
/// without raising the others: their c is 0, and their mass is missing from the weights.
///
/// The test must depend on the token alone while a draw runs. It is asked at most once for each
/// token, only for tokens with p > 0 below the number of logits. A test that accepts too much
/// gives weights that are right for what it accepts.
///
/// Cost: one pass over the logits, then O(log V) for each call of the test.
///
/// ```
/// use maskwright_runtime::sampling::{Awrs, SamplerConfig};
/// use maskwright_tables::TokenId;
/// use std::convert::Infallible;
///
/// let mut awrs = Awrs::new(SamplerConfig::default(), None)?;
/// let drawn = awrs.sample(&[1.0, 2.0, 3.0], None, |t| Ok::<_, Infallible>(t != TokenId(2)))?;
/// assert!(drawn.token == Some(TokenId(0)) || drawn.token == Some(TokenId(1)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Awrs {
    config: SamplerConfig,
    budget: Option<NonZeroU32>,
    rng: CounterRng,
    order: Order,
}

impl Awrs {
    /// A sampler on stream 0 of its seed, which gives up after `budget` rejections.
    ///
    /// # Errors
    /// A setting that is out of range; a temperature of 0, under which there is nothing to weigh.
    pub fn new(config: SamplerConfig, budget: Option<NonZeroU32>) -> Result<Self, ConfigError> {
        Self::with_stream(config, budget, 0)
    }

    /// A sampler whose random numbers are independent of those of all other streams of the seed.
    ///
    /// # Errors
    /// As for [`Awrs::new`].
    pub fn with_stream(
        config: SamplerConfig,
        budget: Option<NonZeroU32>,
        stream: u64,
    ) -> Result<Self, ConfigError> {
        let config = config.check()?;
        if config.temperature == 0.0 {
            return Err(ConfigError {
                name: "temperature",
                value: 0.0,
                range: "from 1e-6 to 1e6",
            });
        }
        Ok(Awrs {
            config,
            budget,
            rng: CounterRng::new(config.seed, stream),
            order: Order::default(),
        })
    }

    /// Draws a token that `accept` accepts; with a mask, only among the tokens that it allows.
    ///
    /// # Errors
    /// What `accept` answers with; *any* logit that is NaN or plus infinity. It is no error when
    /// nothing is allowed or accepted: the weight is 0.
    pub fn sample<E>(
        &mut self,
        logits: &[f32],
        mask: Option<&[u32]>,
        mut accept: impl FnMut(TokenId) -> Result<bool, E>,
    ) -> Result<Weighted, AwrsError<E>> {
        let Awrs {
            config,
            budget,
            rng,
            order,
        } = self;
        match order.begin(config, logits, mask) {
            Ok(()) => {}
            Err(SampleError::NothingAllowed) => {
                return Ok(Weighted {
                    token: None,
                    log_weight: f64::NEG_INFINITY,
                    calls: 0,
                });
            }
            Err(e) => return Err(e.into()),
        }
        let next = || order.next(config.scale(), logits, unit(rng));
        let estimate = recursive(budget.map(NonZeroU32::get), next, |token| {
            accept(TokenId(token))
        });
        let Estimate { accepted, calls } = estimate.map_err(AwrsError::Test)?;
        Ok(match accepted {
            Some((token, log_weight)) => Weighted {
                token: Some(TokenId(token)),
                log_weight,
                calls,
            },
            None => Weighted {
                token: None,
                log_weight: f64::NEG_INFINITY,
                calls,
            },
        })
    }
}

/// A token in the order in which tokens are drawn without replacement.
#[derive(Clone, Copy, Debug)]
struct Drawn<W> {
    token: u32,
    /// p of the token.
    mass: W,
    /// The mass of this token and of all that come after it.
    rem: W,
}

struct Estimate<W> {
    /// The first accepted token and its weight.
    accepted: Option<(u32, W)>,
    calls: u64,
}

/// The recursive estimator. It only ever *chooses* a mass and computes nothing, so it can be
/// checked in exact arithmetic as it stands: `W` is a logarithm here and a fraction in the tests.
fn recursive<W, E>(
    budget: Option<u32>,
    mut next: impl FnMut() -> Option<Drawn<W>>,
    mut accept: impl FnMut(u32) -> Result<bool, E>,
) -> Result<Estimate<W>, E> {
    let (mut rejected, mut calls) = (0u32, 0);
    while let Some(x) = next() {
        calls += 1;
        if accept(x.token)? {
            let weight = if budget.is_some_and(|b| rejected + 1 >= b) {
                x.rem
            } else if let Some(y) = next() {
                calls += 1;
                if accept(y.token)? { x.rem } else { x.mass }
            } else {
                x.mass
            };
            return Ok(Estimate {
                accepted: Some((x.token, weight)),
                calls,
            });
        }
        rejected = rejected.saturating_add(1);
        if budget.is_some_and(|b| rejected >= b) {
            break;
        }
    }
    Ok(Estimate {
        accepted: None,
        calls,
    })
}

/// The tokens in the order of a draw without replacement, one at a time.
///
/// Weights are `f32` beside the greatest one's 1, so a tree holds what is above 2^-126. Whatever
/// is smaller matters only when all of that has been rejected; then a new tree is built around the
/// greatest logit that is left.
#[derive(Clone, Debug, Default)]
struct Order {
    tree: SumTree,
    /// When something was cut: the tokens kept, which are the tree's leaves. Else leaf = token.
    kept: Vec<Candidate>,
    /// The tokens that may still come, but for those in `gone`.
    mask: Vec<u32>,
    /// The tokens drawn since `mask` was last brought up to date.
    gone: Vec<u32>,
    listed: bool,
    /// The logarithm of the sum over all logits.
    log_total: f64,
    /// The logarithm of p of a leaf of weight 1.
    log_unit: f64,
}

impl Order {
    fn begin(
        &mut self,
        config: &SamplerConfig,
        logits: &[f32],
        mask: Option<&[u32]>,
    ) -> Result<(), SampleError> {
        self.mask.clear();
        match mask {
            Some(mask) => self.mask.extend_from_slice(mask),
            None => self.mask.resize(logits.len().div_ceil(32), u32::MAX),
        }
        self.gone.clear();
        let (scale, pivot) = (config.scale(), greatest(logits, &self.mask)?);
        self.listed = !config.keeps_all();
        self.log_total = if self.listed {
            keep(config, logits, &self.mask, pivot, &mut self.kept);
            self.mask.fill(0);
            bits::set(&mut self.mask, self.kept.iter().map(|c| c.id));
            log_sums(logits, &self.mask, scale, pivot).total
        } else {
            // The sums come for free with the weights.
            let mask = &self.mask;
            self.tree
                .rebuild(logits.len(), |leaves| {
                    weights(leaves, logits, mask, scale, pivot)
                })
                .total
        };
        if self.log_total.is_nan() {
            return Err(SampleError::NotFinite);
        }
        self.log_unit = f64::from(pivot) * f64::from(scale) - self.log_total;
        if self.listed {
            self.plant_listed(scale, pivot);
        }
        Ok(())
    }

    fn plant_listed(&mut self, scale: f32, pivot: f32) {
        let Order { tree, kept, .. } = self;
        tree.rebuild(kept.len(), |leaves| {
            for (leaf, c) in leaves.iter_mut().zip(kept) {
                *leaf = c.weight(scale, pivot) as f32;
            }
        });
    }

    /// Builds the tree of what is left. False when that is nothing.
    fn replant(&mut self, scale: f32, logits: &[f32]) -> bool {
        bits::clear(&mut self.mask, self.gone.drain(..));
        let pivot = max(logits, &self.mask);
        if pivot == f32::NEG_INFINITY {
            return false;
        }
        self.log_unit = f64::from(pivot) * f64::from(scale) - self.log_total;
        if self.listed {
            let mask = &self.mask;
            self.kept.retain(|c| bits::contains(mask, c.id));
            self.plant_listed(scale, pivot);
        } else {
            let mask = &self.mask;
            self.tree.rebuild(logits.len(), |leaves| {
                weights(leaves, logits, mask, scale, pivot)
            });
        }
        true
    }

    fn next(&mut self, scale: f32, logits: &[f32], u: f64) -> Option<Drawn<f64>> {
        let leaf = match self.tree.at(u) {
            Some(leaf) => leaf,
            None if self.replant(scale, logits) => self.tree.at(u)?,
            None => return None,
        };
        let token = if self.listed {
            self.kept[leaf].id
        } else {
            leaf as u32
        };
        let mass = f64::from(self.tree.weight(leaf)).ln() + self.log_unit;
        let rem = self.tree.total().ln() + self.log_unit;
        self.tree.remove(leaf);
        self.gone.push(token);
        Some(Drawn { token, mass, rem })
    }
}

#[cfg(test)]
mod tests;
