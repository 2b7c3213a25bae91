//! The properties, as functions over [`crate::engine`]. Each returns what it counted, or the first
//! thing that is wrong as one readable text.

use crate::corpus::{Entry, Text};
use crate::engine::Session;
use crate::generate::Operation;
use crate::oracle::{Oracle, OracleError};
use crate::random::Random;
use crate::vocab::tokenise;
use maskwright_tables::{TokenId, Vocabulary};
use std::collections::HashMap;
use std::fmt;
use std::ops::AddAssign;

/// How much a check looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Token sequences at which something was compared.
    pub prefixes: usize,
    /// Masks compared.
    pub masks: usize,
    /// Bits compared.
    pub bits: usize,
    /// Bits that were set.
    pub allowed: usize,
    /// Texts run or generated.
    pub texts: usize,
    /// Places where the oracle's budget ended, which count as nothing.
    pub skipped: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.prefixes += other.prefixes;
        self.masks += other.masks;
        self.bits += other.bits;
        self.allowed += other.allowed;
        self.texts += other.texts;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} prefixes, {} masks, {} bits ({} set), {} texts, {} skipped",
            self.prefixes, self.masks, self.bits, self.allowed, self.texts, self.skipped
        )
    }
}

/// A judge of masks, with its answers remembered by text.
///
/// Equal texts must have equal masks however they were tokenised, so the key is the text.
pub struct Judge<'a> {
    oracle: &'a Oracle,
    vocabulary: &'a Vocabulary,
    tokens: Vec<(&'a [u8], usize)>,
    /// Whether completions must be made of whole tokens (any vocabulary) or of bytes.
    by_token: bool,
    known: HashMap<Vec<u8>, Vec<bool>>,
}

impl fmt::Debug for Judge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge")
            .field("vocabulary", self.vocabulary)
            .finish_non_exhaustive()
    }
}

impl<'a> Judge<'a> {
    /// A judge for a vocabulary. Whether tokens or bytes complete a text follows from the
    /// vocabulary: see [`crate::oracle::is_byte_complete`]. For a byte-complete vocabulary the
    /// oracle should be made by [`Oracle::with_vocabulary`].
    pub fn new(oracle: &'a Oracle, vocabulary: &'a Vocabulary) -> Self {
        let mut tokens: Vec<(&[u8], usize)> = vocabulary
            .text_tokens()
            .map(|(t, b)| (b, t.index()))
            .collect();
        tokens.sort_unstable();
        let by_token = !crate::oracle::is_byte_complete(vocabulary);
        Judge {
            oracle,
            vocabulary,
            tokens,
            by_token,
            known: HashMap::new(),
        }
    }

    /// The exact mask after `text`.
    ///
    /// # Errors
    /// The oracle's budget is exhausted.
    pub fn mask(&mut self, text: &[u8]) -> Result<&[bool], OracleError> {
        if !self.known.contains_key(text) {
            let mask = if self.by_token {
                self.oracle.allowed_with(text, self.vocabulary)?
            } else {
                self.oracle
                    .session_at(text)?
                    .allowed_of(&self.tokens, self.vocabulary)?
            };
            self.known.insert(text.to_vec(), mask);
        }
        Ok(&self.known[text])
    }
}

/// Compares one mask with the judge's, bit by bit, and `is_allowed` and `is_accepting` with both.
///
/// # Errors
/// The first difference.
pub fn mask_at<S: Session>(
    session: &mut S,
    text: &[u8],
    judge: &mut Judge<'_>,
) -> Result<Counts, String> {
    let place = || format!("after {:?}", String::from_utf8_lossy(text));
    let vocabulary = judge.vocabulary;
    let expected = match judge.mask(text) {
        Ok(mask) => mask,
        Err(_) => {
            return Ok(Counts {
                skipped: 1,
                ..Counts::default()
            });
        }
    };
    let mask = session.mask().map_err(|e| format!("{}: {e}", place()))?;
    if mask.len() != expected.len() {
        return Err(format!(
            "{}: the mask has {} bits, not {}",
            place(),
            mask.len(),
            expected.len()
        ));
    }
    for (i, (&got, &wanted)) in mask.iter().zip(expected).enumerate() {
        let token = TokenId(i as u32);
        let name = || {
            format!(
                "{token} {:?}",
                String::from_utf8_lossy(vocabulary.bytes(token))
            )
        };
        if got != wanted {
            let verdict = if wanted {
                "must be allowed and is not"
            } else {
                "is allowed and must not be"
            };
            return Err(format!("{}: {} {verdict}", place(), name()));
        }
        if session
            .is_allowed(token)
            .map_err(|e| format!("{}: {e}", place()))?
            != got
        {
            return Err(format!(
                "{}: is_allowed({}) is not the mask's bit",
                place(),
                name()
            ));
        }
    }
    let accepting = session
        .is_accepting()
        .map_err(|e| format!("{}: {e}", place()))?;
    if let Some(end) = vocabulary
        .end_tokens()
        .iter()
        .find(|t| t.index() < mask.len())
        && accepting != mask[end.index()]
    {
        return Err(format!(
            "{}: is_accepting is {accepting}, the end token's bit is not",
            place()
        ));
    }
    Ok(Counts {
        prefixes: 1,
        masks: 1,
        bits: mask.len(),
        allowed: mask.iter().filter(|b| **b).count(),
        ..Counts::default()
    })
}

/// Compares masks at every sequence of up to `depth` tokens. Of each length, at most `most`
/// sequences are followed; which ones is decided by the seed.
///
/// # Errors
/// The first difference.
pub fn masks_by_depth<S: Session>(
    start: &S,
    judge: &mut Judge<'_>,
    depth: usize,
    most: usize,
    seed: u64,
) -> Result<Counts, String> {
    let mut random = Random::new(seed);
    let mut counts = Counts::default();
    let mut level = vec![(start.clone(), Vec::new())];
    for length in 0..=depth {
        let mut next = Vec::new();
        for (session, text) in &mut level {
            counts += mask_at(session, text, judge)?;
            if length == depth {
                continue;
            }
            let Ok(mask) = judge.mask(text) else { continue };
            let allowed: Vec<TokenId> = (0..mask.len())
                .filter(|i| mask[*i])
                .map(|i| TokenId(i as u32))
                .collect();
            next.extend(
                allowed
                    .into_iter()
                    .map(|t| (session.clone(), text.clone(), t)),
            );
        }
        for i in 0..next.len().min(most) {
            let j = i + random.below(next.len() - i);
            next.swap(i, j);
        }
        next.truncate(most);
        level = Vec::new();
        for (mut session, mut text, token) in next {
            if !session.advance(token)? {
                return Err(format!(
                    "after {:?}: {token} is allowed and refused",
                    String::from_utf8_lossy(&text)
                ));
            }
            if judge.vocabulary.is_end(token) {
                check_terminated(&mut session, judge.vocabulary)?;
                continue;
            }
            text.extend_from_slice(judge.vocabulary.bytes(token));
            level.push((session, text));
        }
    }
    Ok(counts)
}

/// After an end token the mask is the end tokens.
fn check_terminated<S: Session>(session: &mut S, vocabulary: &Vocabulary) -> Result<(), String> {
    let mask = session.mask()?;
    let ends_only = (0..mask.len()).all(|i| mask[i] == vocabulary.is_end(TokenId(i as u32)));
    if !session.is_terminated() || !ends_only {
        return Err(
            "after an end token the mask must be the end tokens and is_terminated true".into(),
        );
    }
    Ok(())
}

/// Runs a sentence token by token in `ways` random spellings, with masks compared at every token
/// when there is a judge.
///
/// # Errors
/// The first refused token or wrong mask.
pub fn accepts<S: Session>(
    start: &S,
    text: &[u8],
    vocabulary: &Vocabulary,
    mut judge: Option<&mut Judge<'_>>,
    ways: usize,
    random: &mut Random,
) -> Result<Counts, String> {
    let mut counts = Counts::default();
    for _ in 0..ways {
        let Some(tokens) = tokenise(vocabulary, text, random) else {
            return Err(format!(
                "{:?} has no spelling",
                String::from_utf8_lossy(text)
            ));
        };
        let mut session = start.clone();
        let mut at = 0;
        for token in tokens {
            if let Some(judge) = judge.as_deref_mut() {
                counts += mask_at(&mut session, &text[..at], judge)?;
            }
            if !session.advance(token)? {
                let (read, rest) = text.split_at(at);
                return Err(format!(
                    "after {:?}: refused at {:?}",
                    String::from_utf8_lossy(read),
                    String::from_utf8_lossy(&rest[..rest.len().min(20)])
                ));
            }
            at += vocabulary.bytes(token).len();
        }
        if let Some(judge) = judge.as_deref_mut() {
            counts += mask_at(&mut session, text, judge)?;
        }
        if !session.is_accepting()? {
            return Err(format!(
                "{:?} is complete and not accepted",
                String::from_utf8_lossy(text)
            ));
        }
        let Some(&end) = vocabulary.end_tokens().first() else {
            continue;
        };
        if !session.advance(end)? {
            return Err(format!(
                "the end token is refused after {:?}",
                String::from_utf8_lossy(text)
            ));
        }
        check_terminated(&mut session, vocabulary)?;
        counts.texts += 1;
    }
    Ok(counts)
}

/// Runs a text that is no sentence in `ways` random spellings: some token or the end is refused,
/// and the refused token changes nothing.
///
/// # Errors
/// The text was accepted, or a refusal changed the mask.
pub fn rejects<S: Session>(
    start: &S,
    text: &[u8],
    vocabulary: &Vocabulary,
    ways: usize,
    random: &mut Random,
) -> Result<Counts, String> {
    let mut counts = Counts::default();
    for _ in 0..ways {
        let Some(tokens) = tokenise(vocabulary, text, random) else {
            return Err(format!(
                "{:?} has no spelling",
                String::from_utf8_lossy(text)
            ));
        };
        let mut session = start.clone();
        let mut refused = false;
        for token in tokens {
            let before = session.mask()?;
            if !session.advance(token)? {
                refused = true;
                if before[token.index()] || session.mask()? != before {
                    return Err(format!(
                        "the refused {token} was in the mask, or changed it"
                    ));
                }
                break;
            }
        }
        let end = vocabulary.end_tokens().first();
        if !refused
            && (session.is_accepting()? || end.is_some_and(|e| session.advance(*e) != Ok(false)))
        {
            return Err(format!("{:?} is accepted", String::from_utf8_lossy(text)));
        }
        counts.texts += 1;
    }
    Ok(counts)
}

/// Runs all texts of a `grammars/` folder.
///
/// # Errors
/// The first text on the wrong side, with the name of its file.
pub fn texts<S: Session>(
    start: &S,
    entry: &Entry,
    vocabulary: &Vocabulary,
    ways: usize,
    random: &mut Random,
) -> Result<Counts, String> {
    let mut counts = Counts::default();
    let name = |t: &Text, e| format!("{}/{}: {e}", entry.name, t.name);
    for text in &entry.accept {
        counts += accepts(start, &text.bytes, vocabulary, None, ways, random)
            .map_err(|e| name(text, e))?;
    }
    for text in &entry.reject {
        counts +=
            rejects(start, &text.bytes, vocabulary, ways, random).map_err(|e| name(text, e))?;
    }
    Ok(counts)
}

/// Runs a sequence of operations and compares the outcome with a replay, from the start, of the
/// tokens that count.
///
/// # Errors
/// The first operation that did not do what the model says, or a difference at the end.
pub fn operations<S: Session>(
    start: &S,
    operations: &[Operation],
    vocabulary: &Vocabulary,
) -> Result<Counts, String> {
    let mut session = start.clone();
    let mut history: Vec<TokenId> = Vec::new();
    let mut parked: Option<(S, Vec<TokenId>)> = None;
    let fail = |i: usize, what: &str| Err(format!("operation {i} of {operations:?}: {what}"));
    for (i, operation) in operations.iter().enumerate() {
        match *operation {
            Operation::Advance(choice) | Operation::AdvanceAny(choice) => {
                let mask = session.mask()?;
                let allowed: Vec<usize> = (0..mask.len()).filter(|t| mask[*t]).collect();
                if allowed.is_empty() {
                    return fail(i, "a mask without a token");
                }
                let token = match operation {
                    Operation::Advance(_) => allowed[choice as usize % allowed.len()] as u32,
                    // Ids at and above the width are refused like any other.
                    _ => choice % (vocabulary.width() as u32 + 3),
                };
                let expected = mask.get(token as usize).copied().unwrap_or(false);
                let terminated = session.is_terminated();
                let taken = session.advance(TokenId(token))?;
                if terminated && vocabulary.is_end(TokenId(token)) {
                    // A further end token may be refused, or taken as a step that changes nothing.
                    if !session.is_terminated() {
                        return fail(i, "an end token after the end changed the state");
                    }
                    if taken {
                        history.push(TokenId(token));
                    }
                    continue;
                }
                if taken != expected {
                    return fail(i, "mask and advance disagree");
                }
                if taken {
                    history.push(TokenId(token));
                }
            }
            Operation::Rollback(n) => {
                let n = n as usize;
                let done = session.rollback(n)?;
                if done != (n <= history.len()) {
                    return fail(i, "rollback does not agree with the number of tokens taken");
                }
                if done {
                    history.truncate(history.len() - n);
                }
            }
            Operation::Fork => parked = Some((session.clone(), history.clone())),
            Operation::Swap => {
                if let Some(other) = parked.take() {
                    parked = Some((std::mem::replace(&mut session, other.0), history));
                    history = other.1;
                }
            }
            Operation::Reset => {
                session.reset();
                history.clear();
            }
        }
    }
    let mut compared = Counts::default();
    for (mut session, history) in [Some((session, history)), parked].into_iter().flatten() {
        let mut replay = start.clone();
        for token in &history {
            if !replay.advance(*token)? {
                return fail(operations.len(), "the replay refuses a token");
            }
        }
        let mask = session.mask()?;
        if mask != replay.mask()?
            || session.is_accepting()? != replay.is_accepting()?
            || session.is_terminated() != replay.is_terminated()
        {
            return fail(
                operations.len(),
                "the state differs from a replay of its tokens",
            );
        }
        compared += Counts {
            prefixes: 1,
            masks: 1,
            bits: mask.len(),
            texts: 1,
            ..Counts::default()
        };
    }
    Ok(compared)
}

/// How [`generate`] ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Generated {
    /// With an end token.
    Text(Vec<u8>),
    /// Not within the number of tokens.
    Unfinished(Vec<u8>),
}

/// Writes a random text: the end token as soon as a coin says so, and after half of `most` tokens
/// whichever allowed token closes something.
///
/// # Errors
/// A dead end (an empty mask), or an allowed token that is refused.
pub fn generate<S: Session>(
    start: &S,
    vocabulary: &Vocabulary,
    most: usize,
    random: &mut Random,
) -> Result<Generated, String> {
    let mut session = start.clone();
    let mut text = Vec::new();
    for step in 0..most {
        let mask = session.mask()?;
        let allowed: Vec<TokenId> = (0..mask.len())
            .filter(|i| mask[*i])
            .map(|i| TokenId(i as u32))
            .collect();
        if allowed.is_empty() {
            return Err(format!(
                "dead end after {:?}",
                String::from_utf8_lossy(&text)
            ));
        }
        let end = allowed.iter().find(|t| vocabulary.is_end(**t));
        let hurry = step * 2 > most;
        let token = match end {
            Some(end) if hurry || random.below(4) == 0 => *end,
            _ if hurry || random.below(8) == 0 => *allowed
                .iter()
                .find(|t| matches!(vocabulary.bytes(**t), b"\"" | b"}" | b"]" | b")" | b";"))
                .unwrap_or_else(|| random.pick(&allowed)),
            _ => *random.pick(&allowed),
        };
        if !session.advance(token)? {
            return Err(format!(
                "after {:?}: {token} is allowed and refused",
                String::from_utf8_lossy(&text)
            ));
        }
        if vocabulary.is_end(token) {
            return Ok(Generated::Text(text));
        }
        text.extend_from_slice(vocabulary.bytes(token));
    }
    Ok(Generated::Unfinished(text))
}
