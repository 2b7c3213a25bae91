//! Maskwright as an [`Engine`]: the lazy path, and the artifact path.

#![allow(dead_code)] // Each test file uses its part.

pub mod bounds;

use maskwright_compiler::{CompiledGrammar, Compiler, FreezeBudget};
use maskwright_runtime::{FrozenMachine, MatchError, MatchErrorKind, Matcher};
use maskwright_tables::artifact::{Artifact, ArtifactWriter};
use maskwright_tables::{CancelFlag, Limits, Machine, TokenId, Vocabulary};
use maskwright_testkit::corpus::Kind;
use maskwright_testkit::engine::{Engine, Session};
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
    let budget = FreezeBudget {
        questions: 200_000,
        ..FreezeBudget::default()
    };
    let tables = compiled
        .freeze(budget, &CancelFlag::new(), &mut |_, _| {})
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
