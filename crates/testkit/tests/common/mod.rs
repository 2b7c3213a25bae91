//! Maskwright as an [`Engine`]: the lazy path, and the artifact path.

#![allow(dead_code)] // Each test file uses its part.

pub mod bounds;
pub mod maskbench;

use maskwright_compiler::{CompiledGrammar, Compiler, FreezeBudget};
use maskwright_runtime::{FrozenMachine, MatchError, MatchErrorKind, Matcher};
use maskwright_tables::artifact::{Artifact, ArtifactWriter};
use maskwright_tables::{CancelFlag, Limits, Machine, TokenId, Vocabulary};
use maskwright_testkit::corpus::Kind;
use maskwright_testkit::engine::{Engine, Session};
use std::collections::HashMap;
use std::sync::Arc;

/// Rows come into being when first asked for.
#[derive(Clone, Copy, Debug)]
pub struct Lazy(pub Limits);

impl Default for Lazy {
    fn default() -> Self {
        Lazy(Limits::trusted())
    }
}

impl Lazy {
    /// The compiled grammar behind a session.
    pub fn grammar(
        &self,
        kind: Kind,
        source: &str,
        vocabulary: &Arc<Vocabulary>,
    ) -> Result<CompiledGrammar, String> {
        let compiler = Compiler::new(Arc::clone(vocabulary), self.0);
        let compiled = match kind {
            Kind::JsonSchema => compiler.json_schema(source),
            Kind::Cfg => compiler.grammar(source),
            Kind::Regex => compiler.regex(source),
        };
        compiled.map_err(|e| e.to_string())
    }
}

impl Engine for Lazy {
    type Session = Running;

    fn compile(
        &self,
        kind: Kind,
        source: &str,
        vocabulary: &Arc<Vocabulary>,
    ) -> Result<Running, String> {
        Running::new(self.grammar(kind, source, vocabulary)?.machine())
    }
}

/// Everything is asked for ahead of time, written to an artifact and read back.
#[derive(Clone, Copy, Debug, Default)]
pub struct Frozen;

/// The artifact of a grammar.
pub fn artifact(compiled: &CompiledGrammar, vocabulary: &Vocabulary) -> Result<Vec<u8>, String> {
    let tables = compiled
        .freeze(FreezeBudget::default(), &CancelFlag::new(), &mut |_| {})
        .map_err(|e| e.to_string())?;
    let mut writer = ArtifactWriter::new(*vocabulary.fingerprint(), [7; 32]);
    tables.write_to(&mut writer).map_err(|e| e.to_string())?;
    Ok(writer.finish())
}

impl Engine for Frozen {
    type Session = Running;

    fn compile(
        &self,
        kind: Kind,
        source: &str,
        vocabulary: &Arc<Vocabulary>,
    ) -> Result<Running, String> {
        let bytes = artifact(
            &Lazy::default().grammar(kind, source, vocabulary)?,
            vocabulary,
        )?;
        open(&bytes, vocabulary)
    }
}

/// A session of an artifact's machine.
pub fn open(bytes: &[u8], vocabulary: &Arc<Vocabulary>) -> Result<Running, String> {
    let artifact = Artifact::open(bytes).map_err(|e| e.to_string())?;
    let machine = FrozenMachine::read(&artifact, Arc::clone(vocabulary), Limits::trusted());
    Running::new(Arc::new(machine.map_err(|e| e.to_string())?))
}

/// A matcher as a [`Session`].
#[derive(Clone, Debug)]
pub struct Running(pub Matcher);

impl Running {
    /// The matcher of a machine.
    pub fn new(machine: Arc<dyn Machine>) -> Result<Self, String> {
        Matcher::new(machine)
            .map(Running)
            .map_err(|e| e.to_string())
    }
}

/// `Ok(false)` for a refusal, the text of any other error.
fn verdict(result: Result<(), MatchError>) -> Result<bool, String> {
    match result {
        Ok(()) => Ok(true),
        Err(e) if e.is_refusal() => Ok(false),
        Err(e) => Err(e.to_string()),
    }
}

impl Session for Running {
    fn mask(&mut self) -> Result<Vec<bool>, String> {
        // Garbage that a correct fill overwrites.
        let mut words = vec![0xdead_beef; self.0.mask_words()];
        match self.0.fill_mask(&mut words) {
            Ok(()) => {}
            Err(e) => return Err(e.to_string()),
        }
        let width = self.0.vocabulary().width();
        let bit = |i: usize| words[i / 32] >> (i % 32) & 1 == 1;
        if (width..words.len() * 32).any(bit) {
            return Err("a bit above the width is set".into());
        }
        Ok((0..width).map(bit).collect())
    }

    fn is_allowed(&mut self, token: TokenId) -> Result<bool, String> {
        self.0.is_allowed(token).map_err(|e| e.to_string())
    }

    fn advance(&mut self, token: TokenId) -> Result<bool, String> {
        verdict(self.0.advance(token))
    }

    fn rollback(&mut self, n: usize) -> Result<bool, String> {
        match self.0.rollback(n) {
            Ok(()) => Ok(true),
            Err(e) if matches!(e.kind(), MatchErrorKind::History { .. }) => Ok(false),
            Err(e) => Err(e.to_string()),
        }
    }

    fn reset(&mut self) {
        self.0.reset();
    }

    fn is_accepting(&mut self) -> Result<bool, String> {
        self.0.is_accepting().map_err(|e| e.to_string())
    }

    fn is_terminated(&self) -> bool {
        self.0.is_terminated()
    }
}

/// The longest way to spell texts with a real vocabulary: at each place the longest token.
pub struct Spelling<'v> {
    ids: HashMap<&'v [u8], TokenId>,
    longest: usize,
}

impl<'v> Spelling<'v> {
    /// Of the text tokens of a vocabulary.
    pub fn new(vocabulary: &'v Vocabulary) -> Self {
        let ids: HashMap<&[u8], TokenId> =
            vocabulary.text_tokens().map(|(id, b)| (b, id)).collect();
        let longest = ids.keys().map(|b| b.len()).max().unwrap_or(0);
        Spelling { ids, longest }
    }

    /// The tokens of a text, none of more than `most` bytes; `None` if it has no spelling.
    pub fn tokens(&self, text: &[u8], most: usize) -> Option<Vec<TokenId>> {
        let mut at = 0;
        let mut tokens = Vec::new();
        while at < text.len() {
            let most = most.min(self.longest).min(text.len() - at);
            let (len, id) = (1..=most)
                .rev()
                .find_map(|len| Some((len, *self.ids.get(&text[at..at + len])?)))?;
            tokens.push(id);
            at += len;
        }
        Some(tokens)
    }
}

/// Reads a text byte by byte, and token by token in long and in short tokens with the mask's bit and
/// `is_allowed` held against `advance`. All must come to the expected verdict.
pub fn same_verdict(
    start: &Matcher,
    text: &[u8],
    expected: bool,
    spelling: &Spelling<'_>,
) -> Result<(), String> {
    let wrong = |how: &str, verdict: bool, at: usize| {
        let verdict = if verdict { "accepted" } else { "refused" };
        Err(format!("{verdict} {how} (byte {at} of {})", text.len()))
    };
    let mut matcher = start.fork();
    let mut at = 0;
    let mut verdict = true;
    for byte in text {
        verdict = self::verdict(matcher.advance_bytes(&[*byte]))?;
        if !verdict {
            break;
        }
        at += 1;
    }
    verdict = verdict && matcher.is_accepting().map_err(|e| e.to_string())?;
    if verdict != expected {
        return wrong("byte by byte", verdict, at);
    }
    for most in [usize::MAX, 3] {
        let tokens = spelling.tokens(text, most).ok_or("no spelling")?;
        let mut matcher = start.fork();
        let mut words = vec![0u32; matcher.mask_words()];
        let mut at = 0;
        let mut verdict = true;
        for token in tokens {
            matcher.fill_mask(&mut words).map_err(|e| e.to_string())?;
            let bit = words[token.index() / 32] >> (token.index() % 32) & 1 == 1;
            let allowed = matcher.is_allowed(token).map_err(|e| e.to_string())?;
            verdict = self::verdict(matcher.advance(token))?;
            if verdict != bit || verdict != allowed {
                return Err(format!(
                    "mask {bit}, is_allowed {allowed}, advance {verdict} at byte {at}"
                ));
            }
            if !verdict {
                break;
            }
            at += matcher.vocabulary().bytes(token).len();
        }
        if verdict {
            verdict = matcher.is_accepting().map_err(|e| e.to_string())?;
            let end = matcher.end_tokens()[0];
            matcher.fill_mask(&mut words).map_err(|e| e.to_string())?;
            if (words[end.index() / 32] >> (end.index() % 32) & 1 == 1) != verdict {
                return Err("the end token's bit is not is_accepting".to_owned());
            }
        }
        if verdict != expected {
            return wrong("token by token", verdict, at);
        }
    }
    Ok(())
}
