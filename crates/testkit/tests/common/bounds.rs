//! Masks of a schema against the schema oracle's two bounds.

#![allow(dead_code)] // Each test file uses its part.

use super::{Lazy, Running};
use maskwright_grammar::json_schema::{self, Options};
use maskwright_tables::{Limits, TokenId, Vocabulary};
use maskwright_testkit::corpus::Kind;
use maskwright_testkit::engine::{Engine, Session};
use maskwright_testkit::oracle::schema::{Bound, grammar};
use maskwright_testkit::oracle::{Oracle, is_byte_complete};
use maskwright_testkit::random::Random;
use maskwright_testkit::vocab;
use std::collections::HashMap;
use std::sync::Arc;

/// The two bounds of a schema over a vocabulary.
struct Judge<'v> {
    lower: Oracle,
    upper: Oracle,
    vocabulary: &'v Vocabulary,
    known: HashMap<Vec<u8>, (Vec<bool>, Vec<bool>)>,
}

/// How much was looked at.
#[derive(Debug, Default)]
pub struct Counts {
    /// Schemas with both bounds.
    pub schemas: usize,
    /// Schemas that the oracle does not do.
    pub unsupported: usize,
    /// Positions where the oracle gave up.
    pub skipped: usize,
    /// Masks compared.
    pub masks: usize,
    /// Bits compared.
    pub bits: usize,
    /// Bits of which the two bounds leave the value open.
    pub between: usize,
}

impl<'v> Judge<'v> {
    fn new(source: &str, vocabulary: &'v Vocabulary) -> Result<Self, String> {
        assert!(is_byte_complete(vocabulary));
        let (schema, _) = json_schema::parse(source, &Options::default(), &Limits::trusted())
            .map_err(|e| e.to_string())?;
        let side = |bound| {
            let g = grammar(&schema, bound).map_err(|e| e.to_string())?;
            Oracle::with_vocabulary(&g, vocabulary).map_err(|e| e.to_string())
        };
        Ok(Judge {
            lower: side(Bound::Lower)?,
            upper: side(Bound::Upper)?,
            vocabulary,
            known: HashMap::new(),
        })
    }

    fn compare(
        &mut self,
        session: &mut Running,
        text: &[u8],
        counts: &mut Counts,
    ) -> Result<(), String> {
        if !self.known.contains_key(text) {
            let both = (
                self.lower.allowed(text, self.vocabulary),
                self.upper.allowed(text, self.vocabulary),
            );
            let (Ok(lower), Ok(upper)) = both else {
                counts.skipped += 1;
                return Ok(());
            };
            self.known.insert(text.to_vec(), (lower, upper));
        }
        let (lower, upper) = &self.known[text];
        let mask = session.mask()?;
        for i in 0..mask.len() {
            let token = TokenId(i as u32);
            let wrong = if lower[i] && !mask[i] {
                "must be allowed and is not"
            } else if mask[i] && !upper[i] {
                "is allowed and must not be"
            } else {
                counts.bits += 1;
                counts.between += usize::from(lower[i] != upper[i]);
                continue;
            };
            return Err(format!(
                "after {:?}: {token} {:?} {wrong}",
                String::from_utf8_lossy(text),
                String::from_utf8_lossy(self.vocabulary.bytes(token))
            ));
        }
        counts.masks += 1;
        Ok(())
    }
}

/// Masks along random spellings of the texts and at sequences of up to six tokens.
pub fn check(
    source: &str,
    texts: &[&[u8]],
    sequences: usize,
    counts: &mut Counts,
) -> Result<(), String> {
    let vocabulary = Arc::new(vocab::toy(texts, 24, 9));
    let mut judge = match Judge::new(source, &vocabulary) {
        Ok(judge) => judge,
        Err(e) if e.starts_with("the schema oracle does not do") => {
            counts.unsupported += 1;
            return Ok(());
        }
        Err(e) if e.starts_with("the oracle gave up") => {
            counts.skipped += 1;
            return Ok(());
        }
        Err(e) => return Err(e),
    };
    counts.schemas += 1;
    let start = Lazy::default().compile(Kind::JsonSchema, source, &vocabulary)?;
    let mut random = Random::new(8);
    for text in texts {
        let tokens = vocab::tokenise(&vocabulary, text, &mut random).ok_or("no spelling")?;
        let mut session = start.clone();
        let mut at = 0;
        for (i, token) in tokens.iter().enumerate() {
            // Every fifth position, and all at the start, where the bugs are.
            if i < 8 || i % 5 == 0 {
                judge.compare(&mut session, &text[..at], counts)?;
            }
            if !session.advance(*token)? {
                return Err(format!(
                    "refused after {:?}",
                    String::from_utf8_lossy(&text[..at])
                ));
            }
            at += vocabulary.bytes(*token).len();
        }
        judge.compare(&mut session, text, counts)?;
    }
    for _ in 0..sequences {
        let (mut session, mut text) = (start.clone(), Vec::new());
        for _ in 0..6 {
            judge.compare(&mut session, &text, counts)?;
            let mask = session.mask()?;
            let allowed: Vec<usize> = (0..mask.len())
                .filter(|i| mask[*i] && !vocabulary.is_end(TokenId(*i as u32)))
                .collect();
            if allowed.is_empty() {
                break;
            }
            let token = TokenId(*random.pick(&allowed) as u32);
            session.advance(token)?;
            text.extend_from_slice(vocabulary.bytes(token));
        }
    }
    Ok(())
}
