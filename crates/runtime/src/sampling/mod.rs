//! From logits to tokens: models, masked sampling, and sampling by rejection with exact weights.
//!
//! [`LanguageModel`] gives logits, [`Sampler`] draws under a mask, [`Awrs`] draws with a membership
//! test alone and says how likely it was to end where it did. [`Ngram`] is a model small enough
//! to be learned while a command starts; [`GreedyTokenizer`] makes the token sequences that it
//! learns from.
//!
//! Promises: a token that is drawn is allowed and has a logit above minus infinity; the same seed
//! gives the same tokens on every machine and instruction set; sums are carried in `f64`, weights
//! are never clipped. Nothing panics, whatever the logits; a row that is no law (NaN, plus
//! infinity, nothing allowed) is a typed error.
//!
//! ```
//! use maskwright_runtime::sampling::{Sampler, SamplerConfig};
//! use maskwright_tables::TokenId;
//!
//! let config = SamplerConfig { temperature: 0.8, top_p: 0.95, seed: 1, ..SamplerConfig::default() };
//! let mut sampler = Sampler::new(config)?;
//! let logits = [0.0, 5.0, 1.0, 9.0];
//! let mask = [0b0101];
//! let draw = sampler.sample(&logits, &mask)?;
//! assert!(draw.token == TokenId(0) || draw.token == TokenId(2));
//! assert!(draw.log_prob <= 0.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Words: the *law* is what a token is drawn from; a *log-weight* is the logarithm of an importance
//! weight; a draw is *properly weighted* for p and c when E[w 1(x = a)] = p(a) c(a) for every a.

mod awrs;
mod law;
mod masked;
mod model;
mod ngram;
mod random;
mod tokenise;
mod tree;

pub use awrs::{Awrs, AwrsError, Weighted};
pub use law::{ConfigError, SampleError, SamplerConfig};
pub use masked::{Draw, Sampler};
pub use model::LanguageModel;
pub use ngram::Ngram;
pub use random::CounterRng;
pub use tokenise::{GreedyTokenizer, UnknownByte};
