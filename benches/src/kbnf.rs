//! kbnf behind the common interface. It has no JSON Schemas; a regex is one terminal.

use crate::engine::{Engine as Compiler, Grammar, Session, Source};
use ahash::AHashMap;
use kbnf::{AcceptTokenResult, Engine, EngineLike, Token, Vocabulary};
use maskwright_tables::{TokenId, Vocabulary as Tokens};

/// A vocabulary.
pub struct Kbnf {
    vocabulary: Vocabulary,
}

impl Kbnf {
    /// Sets up the vocabulary.
    pub fn new(tokens: &Tokens) -> anyhow::Result<Self> {
        let text = (0..tokens.len() as u32).filter(|t| tokens.is_text(TokenId(*t)));
        let (mut bytes, mut strings) = (AHashMap::default(), AHashMap::default());
        for t in text {
            let b = tokens.bytes(TokenId(t));
            bytes.insert(t, Token(b.into()));
            strings.insert(t, String::from_utf8_lossy(b).into_owned());
        }
        let vocabulary = Vocabulary::new(bytes, strings).map_err(|e| anyhow::anyhow!("{e:?}"))?;
        Ok(Kbnf { vocabulary })
    }
}

impl Compiler for Kbnf {
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Grammar>, String> {
        let Source::Regex(pattern) = source else {
            return Err("no JSON Schemas".into());
        };
        let quoted = pattern.replace('\\', "\\\\").replace('"', "\\\"");
        let engine = Engine::new(
            &format!("start ::= #\"{quoted}\";"),
            self.vocabulary.clone(),
        );
        engine
            .map(|e| Box::new(Compiled(e)) as Box<dyn Grammar>)
            .map_err(|e| format!("{e:?}"))
    }
}

struct Compiled(Engine);

impl Grammar for Compiled {
    fn session(&mut self) -> Result<Box<dyn Session + '_>, String> {
        self.0.reset();
        Ok(Box::new(Run(&mut self.0)))
    }
}

struct Run<'a>(&'a mut Engine);

impl Session for Run<'_> {
    fn mask(&mut self) -> Result<(), String> {
        self.0.compute_allowed_token_ids();
        Ok(())
    }

    fn allowed(&self, token: u32) -> bool {
        self.0
            .allowed_token_ids_from_last_computation()
            .contains(token as usize)
    }

    fn may_end(&mut self, _: u32) -> bool {
        self.0.is_finished()
    }

    fn advance(&mut self, token: u32) -> Result<(), String> {
        match self.0.try_accept_new_token(token) {
            Ok(AcceptTokenResult::Ongoing | AcceptTokenResult::Finished) => Ok(()),
            Err(e) => Err(format!("{e:?}")),
        }
    }
}
