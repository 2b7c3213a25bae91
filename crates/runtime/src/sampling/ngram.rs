//! A language model that is learned from a few sample texts while a command starts.

use super::LanguageModel;
use maskwright_tables::{TokenId, Vocabulary};
use std::collections::{BTreeMap, HashMap};

/// Stands before the first token of every text.
const START: TokenId = TokenId(u32::MAX);

/// An n-gram model: the law of the next token is that of the sample texts after the last n - 1
/// tokens, blended with that after the last n - 2, and so on.
///
/// Blending is Witten-Bell's: a context that was followed by c tokens, d of them different, gives
/// its own counts the share c / (c + d), and what is shorter the rest. Under the last one, which
/// knows no context, lies a law over spellings: each token weighs what its bytes would weigh one
/// by one in the samples, with a hundredth spread evenly over all ids. So every token has a
/// probability above 0, and a token of likely bytes more than one of unlikely bytes.
///
/// It is for demonstrations and tests: it knows its samples by heart and nothing else. Equal
/// samples give equal logits. A call costs one pass over the logits.
///
/// ```
/// use maskwright_runtime::sampling::{GreedyTokenizer, LanguageModel, Ngram};
/// use maskwright_tables::{TokenKind, Vocabulary, vocabulary::TokenEntry};
///
/// let words = ["a", "b", "c"];
/// let tokens = (0..).zip(words).map(|(id, w)| TokenEntry { id, bytes: w.into(), kind: TokenKind::Text });
/// let vocabulary = Vocabulary::new("toy", tokens, &[], None)?;
/// let text = GreedyTokenizer::new(&vocabulary).tokens(b"abcabcab")?;
/// let mut model = Ngram::learn(&vocabulary, 3, [&text]);
/// let mut logits = [0.0; 3];
/// model.logits(&text, &mut logits);
/// assert!(logits[2] > logits[0] && logits[2] > logits[1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Ngram {
    order: usize,
    /// The logarithm of the probability with no context, for each id.
    unigram: Vec<f32>,
    /// What followed each context of 1 to `order - 1` tokens.
    contexts: HashMap<Box<[TokenId]>, Successors>,
}

/// What followed a context.
#[derive(Clone, Debug, Default)]
struct Successors {
    counts: BTreeMap<TokenId, u32>,
    sum: u32,
}

impl Successors {
    /// The share of the shorter context.
    fn shorter_share(&self) -> f64 {
        let kinds = self.counts.len() as f64;
        kinds / (f64::from(self.sum) + kinds)
    }

    /// The probability that one occurrence of a token adds.
    fn unit(&self) -> f64 {
        1.0 / (f64::from(self.sum) + self.counts.len() as f64)
    }
}

impl Ngram {
    /// The largest order.
    pub const MAX_ORDER: usize = 8;

    /// Learns from token sequences, each one whole text; put the end token behind a text if the
    /// model is to end texts. `order` is taken between 1 and [`Ngram::MAX_ORDER`]; tokens at or
    /// above the vocabulary's width are left out.
    ///
    /// About half a microsecond for each token and each length of context.
    pub fn learn<T: AsRef<[TokenId]>>(
        vocabulary: &Vocabulary,
        order: usize,
        texts: impl IntoIterator<Item = T>,
    ) -> Self {
        let order = order.clamp(1, Self::MAX_ORDER);
        let width = vocabulary.width();
        let mut contexts: HashMap<Box<[TokenId]>, Successors> = HashMap::new();
        let mut counts = vec![0u32; width];
        let mut padded = Vec::new();
        for text in texts {
            padded.clear();
            padded.push(START);
            padded.extend(text.as_ref().iter().filter(|t| t.index() < width));
            for (i, &token) in padded.iter().enumerate().skip(1) {
                counts[token.index()] = counts[token.index()].saturating_add(1);
                for length in 1..order.min(i + 1) {
                    let context = &padded[i - length..i];
                    // Most contexts were seen before: look before making a key.
                    let successors = match contexts.get_mut(context) {
                        Some(successors) => successors,
                        None => contexts.entry(context.into()).or_default(),
                    };
                    *successors.counts.entry(token).or_default() += 1;
                    successors.sum = successors.sum.saturating_add(1);
                }
            }
        }
        Ngram {
            order,
            unigram: unigram(vocabulary, &counts),
            contexts,
        }
    }

    /// n: one more than the number of tokens that are looked back at.
    pub fn order(&self) -> usize {
        self.order
    }

    /// The number of different contexts learned.
    pub fn context_len(&self) -> usize {
        self.contexts.len()
    }
}

/// The logarithms of the law with no context.
fn unigram(vocabulary: &Vocabulary, counts: &[u32]) -> Vec<f32> {
    let width = counts.len();
    // How often each byte occurs in the samples, once more for each so that none has weight 0.
    let mut bytes = [1.0f64; 256];
    for (token, text) in vocabulary.text_tokens() {
        for byte in text {
            bytes[usize::from(*byte)] += f64::from(counts[token.index()]);
        }
    }
    let all: f64 = bytes.iter().sum();
    let log_bytes = bytes.map(|b| (b / all).ln());
    let mut spelling = vec![0.0f64; width];
    for (token, text) in vocabulary.text_tokens() {
        spelling[token.index()] = text
            .iter()
            .map(|b| log_bytes[usize::from(*b)])
            .sum::<f64>()
            .exp();
    }
    let spelled: f64 = spelling.iter().sum();
    let evenly = 1.0 / width.max(1) as f64;
    let (sum, kinds) = counts.iter().fold((0.0, 0.0), |(sum, kinds), &c| {
        (sum + f64::from(c), kinds + f64::from(u8::from(c > 0)))
    });
    // With no samples at all the spelling is all there is.
    let kinds = if kinds == 0.0 { 1.0 } else { kinds };
    let law = spelling.iter().zip(counts).map(|(spelling, &count)| {
        let spelling = if spelled > 0.0 {
            0.99 * spelling / spelled + 0.01 * evenly
        } else {
            evenly
        };
        ((f64::from(count) + kinds * spelling) / (sum + kinds)).ln() as f32
    });
    law.collect()
}

impl LanguageModel for Ngram {
    fn vocabulary_width(&self) -> usize {
        self.unigram.len()
    }

    fn logits(&mut self, context: &[TokenId], out: &mut [f32]) {
        let from = context.len().saturating_sub(self.order - 1);
        let mut tail = [START; Self::MAX_ORDER];
        // The start of the text is one more token to look back at.
        let reach = (self.order - 1).min(context.len() + 1);
        let tail = &mut tail[..reach];
        let tokens = &context[from..];
        tail[reach - tokens.len()..].copy_from_slice(tokens);

        // The contexts that were seen, the longest first: once the shorter share has been taken
        // off, the next one's counts come with it.
        let mut share = 1.0;
        let mut seen: Vec<(TokenId, f64)> = Vec::new();
        for length in (1..=reach).rev() {
            if let Some(successors) = self.contexts.get(&tail[reach - length..]) {
                let unit = share * successors.unit();
                seen.extend(
                    successors
                        .counts
                        .iter()
                        .map(|(t, c)| (*t, unit * f64::from(*c))),
                );
                share *= successors.shorter_share();
            }
        }
        // Stable, so that each token's parts are added up from the longest context down.
        seen.sort_by_key(|(token, _)| *token);

        let log_share = share.ln() as f32;
        let known = out.len().min(self.unigram.len());
        for (to, from) in out.iter_mut().zip(&self.unigram) {
            *to = from + log_share;
        }
        out[known..].fill(f32::NEG_INFINITY);
        for parts in seen.chunk_by(|a, b| a.0 == b.0) {
            let token = parts[0].0.index();
            if let Some(to) = out.get_mut(token) {
                let blended = f64::from(self.unigram[token]).exp() * share;
                *to = (blended + parts.iter().map(|(_, p)| p).sum::<f64>()).ln() as f32;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use maskwright_tables::{TokenKind, vocabulary::TokenEntry};

    fn vocabulary() -> Vocabulary {
        let text = ["a", "b", "c", "ab", "", "zz"]
            .into_iter()
            .map(|w| (w, TokenKind::Text));
        let all = text.chain([("<end>", TokenKind::Special)]);
        let entries = (0..).zip(all).map(|(id, (w, kind))| TokenEntry {
            id,
            bytes: w.into(),
            kind,
        });
        Vocabulary::new("toy", entries, &[6], Some(9)).unwrap()
    }

    fn law(model: &mut Ngram, context: &[TokenId]) -> Vec<f64> {
        let mut out = vec![0.0; 9];
        model.logits(context, &mut out);
        out.into_iter().map(|x| f64::from(x).exp()).collect()
    }

    fn ids(ids: &[u32]) -> Vec<TokenId> {
        ids.iter().map(|i| TokenId(*i)).collect()
    }

    #[test]
    fn every_context_gives_a_law_in_which_no_token_is_impossible() {
        let v = vocabulary();
        let texts = [
            ids(&[0, 1, 2, 6]),
            ids(&[0, 1, 1, 2, 6]),
            ids(&[]),
            ids(&[77, 0]),
        ];
        for order in 0..6 {
            let mut model = Ngram::learn(&v, order, &texts);
            for context in [
                &[][..],
                &[0],
                &[0, 1],
                &[2, 6],
                &[5, 5, 5],
                &[0, 1, 1, 2],
                &[400, 1],
            ] {
                let law = law(&mut model, &ids(context));
                assert!(
                    (law.iter().sum::<f64>() - 1.0).abs() < 1e-5,
                    "{order} {context:?}: {law:?}"
                );
                assert!(law.iter().all(|p| *p > 0.0), "{law:?}");
            }
        }
        let mut unlearned = Ngram::learn(&v, 3, [[]; 0]);
        assert!((law(&mut unlearned, &[]).iter().sum::<f64>() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn blending_is_witten_bell() {
        let v = vocabulary();
        let mut model = Ngram::learn(&v, 2, [ids(&[0, 1, 0, 1, 0, 2])]);
        let p1 = law(&mut Ngram::learn(&v, 1, [ids(&[0, 1, 0, 1, 0, 2])]), &[]);
        // After 0 came 1 twice and 2 once: three tokens, two kinds.
        let p2 = law(&mut model, &ids(&[5, 0]));
        for t in 0..9 {
            let count = [0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0][t];
            let want = (count + 2.0 * p1[t]) / 5.0;
            assert!(
                (p2[t] - want).abs() < 1e-6,
                "token {t}: {} and {want}",
                p2[t]
            );
        }
    }

    #[test]
    fn texts_begin_and_end_as_the_samples_do() {
        let v = vocabulary();
        let texts = vec![ids(&[2, 0, 1, 6]); 5];
        let mut model = Ngram::learn(&v, 3, &texts);
        let likeliest = |law: Vec<f64>| (0..law.len()).max_by(|a, b| law[*a].total_cmp(&law[*b]));
        let mut context = vec![];
        for want in [2, 0, 1, 6] {
            assert_eq!(likeliest(law(&mut model, &context)), Some(want));
            context.push(TokenId(want as u32));
        }
    }

    #[test]
    fn spelling_ranks_what_was_never_seen() {
        let v = vocabulary();
        let law = law(
            &mut Ngram::learn(&v, 3, [ids(&[0, 1, 0, 1, 2])]),
            &ids(&[5]),
        );
        assert!(law[3] > law[5], "ab is made of seen bytes, zz is not");
        assert!(law[3] > law[4], "and a hole has the least there is");
    }

    #[test]
    fn buffers_of_any_length_are_filled() {
        let mut model = Ngram::learn(&vocabulary(), 2, [ids(&[0, 1])]);
        let mut long = [1.0; 12];
        model.logits(&[], &mut long);
        assert_eq!(long[9..], [f32::NEG_INFINITY; 3]);
        let mut short = [1.0; 2];
        model.logits(&ids(&[0]), &mut short);
        assert!(short[1] > short[0]);
    }
}
