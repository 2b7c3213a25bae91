//! Masked sampling: one token from the allowed part of the law.

use super::law::{Candidate, ConfigError, SampleError, SamplerConfig, greatest, keep, log_share};
use super::random::CounterRng;
use super::tree::SumTree;
use maskwright_kernels::logits::{argmax, log_sums, weights};
use maskwright_tables::TokenId;

/// A token and how likely it was.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Draw {
    /// The token: allowed, and below the number of logits.
    pub token: TokenId,
    /// The natural logarithm of its probability under the law it was drawn from (masked, tempered
    /// and cut). 0 for temperature 0.
    pub log_prob: f64,
}

/// Draws tokens under a mask. Owns its random numbers and its buffers; one for each sequence.
///
/// A call costs a pass or three over the logits, and allocates only until its buffers have grown.
/// Each token drawn at a temperature above 0 takes one `u64` from the generator, a failed call
/// none.
#[derive(Clone, Debug)]
pub struct Sampler {
    config: SamplerConfig,
    rng: CounterRng,
    scratch: Scratch,
    /// The logits and ids of listed tokens, and a mask that allows them all.
    listed: Vec<f32>,
    listed_ids: Vec<u32>,
    all: Vec<u32>,
}

#[derive(Clone, Debug, Default)]
struct Scratch {
    tree: SumTree,
    kept: Vec<Candidate>,
}

impl Sampler {
    /// A sampler on stream 0 of its seed.
    ///
    /// # Errors
    /// A setting that is out of range.
    pub fn new(config: SamplerConfig) -> Result<Self, ConfigError> {
        Self::with_stream(config, 0)
    }

    /// A sampler whose random numbers are independent of those of all other streams of the seed.
    ///
    /// # Errors
    /// A setting that is out of range.
    pub fn with_stream(config: SamplerConfig, stream: u64) -> Result<Self, ConfigError> {
        let config = config.check()?;
        let rng = CounterRng::new(config.seed, stream);
        let scratch = Scratch::default();
        Ok(Sampler {
            config,
            rng,
            scratch,
            listed: vec![],
            listed_ids: vec![],
            all: vec![],
        })
    }

    /// The settings.
    pub fn config(&self) -> &SamplerConfig {
        &self.config
    }

    /// Draws a token whose mask bit is 1.
    ///
    /// # Errors
    /// When nothing is allowed, or an allowed logit is NaN or plus infinity. Forbidden logits may
    /// be anything.
    pub fn sample(&mut self, logits: &[f32], mask: &[u32]) -> Result<Draw, SampleError> {
        let (position, log_prob) =
            draw(&self.config, &mut self.rng, &mut self.scratch, logits, mask)?;
        Ok(Draw {
            token: TokenId(position),
            log_prob,
        })
    }

    /// Draws one of `tokens` (strictly increasing): the same law as [`Sampler::sample`] under the
    /// mask of these tokens, at a cost in proportion to their number.
    ///
    /// Ids that have no logit are left out.
    ///
    /// # Errors
    /// As for [`Sampler::sample`].
    pub fn sample_among(
        &mut self,
        logits: &[f32],
        tokens: &[TokenId],
    ) -> Result<Draw, SampleError> {
        self.listed.clear();
        self.listed_ids.clear();
        for token in tokens {
            if let Some(logit) = logits.get(token.index()) {
                self.listed.push(*logit);
                self.listed_ids.push(token.0);
            }
        }
        self.all.resize(self.listed.len().div_ceil(32), u32::MAX);
        let Sampler {
            config,
            rng,
            scratch,
            listed,
            all,
            ..
        } = self;
        let (i, log_prob) = draw(config, rng, scratch, listed, all)?;
        Ok(Draw {
            token: TokenId(self.listed_ids[i as usize]),
            log_prob,
        })
    }

    /// The natural logarithm of the share of the model's tempered law that the mask allows: the
    /// factor that makes a masked draw (nothing cut) properly weighted. Temperature 0 counts as 1.
    ///
    /// # Errors
    /// When nothing is allowed, or *any* logit is NaN or plus infinity.
    pub fn log_allowed(&self, logits: &[f32], mask: &[u32]) -> Result<f64, SampleError> {
        let greatest = greatest(logits, mask)?;
        log_share(log_sums(logits, mask, self.config.scale(), greatest))
    }
}

/// Draws a position of the row, with the logarithm of its probability.
fn draw(
    config: &SamplerConfig,
    rng: &mut CounterRng,
    scratch: &mut Scratch,
    logits: &[f32],
    mask: &[u32],
) -> Result<(u32, f64), SampleError> {
    let greatest = greatest(logits, mask)?;
    if config.temperature == 0.0 {
        let best = argmax(logits, mask).ok_or(SampleError::NothingAllowed)?;
        return Ok((best as u32, 0.0));
    }
    let Scratch { tree, kept, .. } = scratch;
    if config.keeps_all() {
        tree.rebuild(logits.len(), |leaves| {
            weights(leaves, logits, mask, config.scale(), greatest)
        });
    } else {
        keep(config, logits, mask, greatest, kept);
        tree.rebuild(kept.len(), |leaves| {
            for (leaf, c) in leaves.iter_mut().zip(kept.iter()) {
                *leaf = c.weight(config.scale(), greatest) as f32;
            }
        });
    }
    let leaf = tree.at(rng.unit()).ok_or(SampleError::NothingAllowed)?;
    let log_prob = (f64::from(tree.weight(leaf)) / tree.total()).ln();
    let position = if config.keeps_all() {
        leaf as u32
    } else {
        kept[leaf].id
    };
    Ok((position, log_prob))
}
