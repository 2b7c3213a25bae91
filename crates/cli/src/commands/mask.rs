//! `mask`: which tokens may come next after a prefix, and why.

use super::Manner;
use crate::args::MaskArgs;
use crate::error::{Error, Result};
use crate::expected::Expected;
use crate::input;
use crate::output::{Out, thousands};
use crate::progress::Progress;
use crate::source::Source;
use crate::text::escape;
use crate::vocabulary;
use maskwright_runtime::{MatchErrorKind, Matcher};
use maskwright_tables::{TokenId, TokenKind, Vocabulary};
use serde_json::{Value, json};

/// How many forced bytes are shown.
const FORCED: usize = 64;

/// Runs the command. The answer is no if the prefix cannot be continued at all.
pub fn run(args: &MaskArgs, manner: Manner) -> Result<bool> {
    let (progress, _) = Progress::start(!manner.quiet, "preparing the vocabulary", None);
    let source = Source::read(&args.source)?;
    let vocabulary = source.vocabulary(&args.vocabulary, super::artifact::DEFAULT)?;
    let opened = source.compile(vocabulary, manner.quiet)?;
    drop(progress);
    let prefix = match &args.prefix_file {
        Some(file) => input::read(file)?,
        None => args.prefix.clone().into_bytes(),
    };
    let name = args.prefix_file.as_deref().map_or("prefix", input::name);
    let mut out = Out::new();
    let matcher = match super::check::after_prefix(&opened, name, &prefix, manner)? {
        Ok(matcher) => matcher,
        Err(value) => {
            if manner.json {
                out.json(&value)?;
            } else {
                out.line("no token may come next: no sentence begins with the prefix")?;
            }
            return out.finish(false);
        }
    };
    let (progress, _) = Progress::start(!manner.quiet, "making the mask", None);
    let mut mask = vec![0u32; matcher.mask_words()];
    matcher.fill_mask(&mut mask)?;
    let allowed = ones(&mask);
    let expected = Expected::at(&matcher, &opened)?;
    let forced = matcher.forced_bytes(FORCED)?;
    drop(progress);

    let vocabulary = matcher.vocabulary().clone();
    let shown = spread(&allowed, args.show);
    let mut verdicts = Vec::new();
    for text in &args.token {
        for token in vocabulary::find(&vocabulary, text)? {
            verdicts.push((token, verdict(&matcher, token)?));
        }
    }
    if manner.json {
        let explained = verdicts.iter().map(|(t, v)| {
            let mut value = token_json(&vocabulary, *t);
            value["allowed"] = v.allowed.into();
            value["why"] = v.why.clone().into();
            value["offset"] = v.offset.into();
            value
        });
        out.json(&json!({
            "allowed": allowed.len(),
            "width": vocabulary.width(),
            "accepting": expected.end,
            "forced": String::from_utf8_lossy(&forced),
            "expected": expected.to_json(),
            "tokens": shown.iter().map(|t| token_json(&vocabulary, *t)).collect::<Vec<_>>(),
            "explained": explained.collect::<Vec<_>>(),
        }))?;
        return out.finish(true);
    }
    out.line(format!(
        "{} of {} tokens may come next",
        thousands(allowed.len()),
        thousands(vocabulary.width())
    ))?;
    out.line(format!("expected: {}", expected.sentence()))?;
    for inside in &expected.inside {
        out.line(format!("in: {inside}"))?;
    }
    if !forced.is_empty() {
        out.line(format!("forced: `{}`", escape(&forced)))?;
    }
    if shown.len() < allowed.len() {
        out.line(format!("{} of them, evenly spread by id:", shown.len()))?;
    }
    for token in shown {
        out.line(format!("{:>8}  {}", token.0, spelled(&vocabulary, token)))?;
    }
    for (token, verdict) in verdicts {
        let answer = if verdict.allowed {
            "allowed"
        } else {
            "refused"
        };
        out.line(format!(
            "token {} {}: {answer}, {}",
            token.0,
            spelled(&vocabulary, token),
            verdict.why
        ))?;
    }
    out.finish(true)
}

/// The set bits.
fn ones(mask: &[u32]) -> Vec<TokenId> {
    maskwright_kernels::bits::ones(mask).map(TokenId).collect()
}

/// `n` of the tokens, evenly spread, the first among them.
fn spread(tokens: &[TokenId], n: usize) -> Vec<TokenId> {
    let n = n.min(tokens.len());
    (0..n).map(|i| tokens[i * tokens.len() / n]).collect()
}

/// A token's text in backquotes; its name alone when it spells nothing.
pub(super) fn spelled(vocabulary: &Vocabulary, token: TokenId) -> String {
    let bytes = escape(vocabulary.bytes(token));
    match vocabulary.kind(token) {
        TokenKind::Text => format!("`{bytes}`"),
        TokenKind::Special if vocabulary.is_end(token) => format!("{bytes} (end token)"),
        TokenKind::Special => format!("{bytes} (control token)"),
        TokenKind::Unused => "(unused)".to_owned(),
    }
}

/// A token as JSON. `text` is null when its bytes are not UTF-8.
pub(super) fn token_json(vocabulary: &Vocabulary, token: TokenId) -> Value {
    let bytes = vocabulary.bytes(token);
    json!({
        "id": token.0,
        "kind": match vocabulary.kind(token) {
            TokenKind::Text => "text",
            TokenKind::Special => "special",
            TokenKind::Unused => "unused",
        },
        "end": vocabulary.is_end(token),
        "text": std::str::from_utf8(bytes).ok(),
        "hex": bytes.iter().map(|b| format!("{b:02x}")).collect::<String>(),
    })
}

struct Verdict {
    allowed: bool,
    why: String,
    /// The first byte of the token that cannot come next.
    offset: Option<usize>,
}

/// Why a token may or may not come next.
fn verdict(matcher: &Matcher, token: TokenId) -> Result<Verdict> {
    let vocabulary = matcher.vocabulary();
    let refused = |why: String, offset| {
        Ok(Verdict {
            allowed: false,
            why,
            offset,
        })
    };
    let mut next = matcher.fork();
    let e = match next.advance(token) {
        Ok(()) if next.is_terminated() => {
            let why = "the text may end here".to_owned();
            return Ok(Verdict {
                allowed: true,
                why,
                offset: None,
            });
        }
        Ok(()) => {
            let why = "a sentence can go on from here".to_owned();
            return Ok(Verdict {
                allowed: true,
                why,
                offset: None,
            });
        }
        Err(e) => e,
    };
    match e.kind() {
        MatchErrorKind::NotText { .. } if token.index() >= vocabulary.width() => {
            refused("the model has no logit for it".to_owned(), None)
        }
        MatchErrorKind::NotText { .. } => refused("it spells no text".to_owned(), None),
        MatchErrorKind::NotAccepting { .. } => refused(
            "the text is not complete and may not end here".to_owned(),
            None,
        ),
        MatchErrorKind::Refused { offset, .. } => {
            let bytes = vocabulary.bytes(token);
            let (good, bad) = bytes.split_at((*offset).min(bytes.len()));
            let bad = escape(bad.get(..1).unwrap_or_default());
            let why = if good.is_empty() {
                format!("no sentence goes on with `{bad}`")
            } else {
                format!("no sentence goes on with `{bad}` after `{}`", escape(good))
            };
            refused(why, Some(*offset))
        }
        _ => Err(Error::from(e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spread_takes_all_or_evenly() {
        let tokens: Vec<_> = (0..10).map(TokenId).collect();
        assert_eq!(spread(&tokens, 20), tokens);
        assert_eq!(spread(&tokens, 3), [TokenId(0), TokenId(3), TokenId(6)]);
        assert_eq!(spread(&tokens, 0), []);
        assert_eq!(spread(&[], 3), []);
    }
}
