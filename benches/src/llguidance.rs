//! llguidance behind the common interface, with its slices for JSON.

use crate::engine::{Engine, Grammar, Session, Source};
use llguidance::api::TopLevelGrammar;
use llguidance::earley::SlicedBiasComputer;
use llguidance::toktrie::{
    ApproximateTokEnv, InferenceCapabilities, SimpleVob, TokEnv, TokRxInfo, TokTrie,
};
use llguidance::{Matcher, ParserFactory};
use maskwright_tables::{TokenId, TokenKind, Vocabulary};
use std::sync::Arc;

/// One factory for one vocabulary.
pub struct Llguidance {
    factory: ParserFactory,
}

impl Llguidance {
    /// Sets up the vocabulary.
    pub fn new(vocabulary: &Vocabulary) -> anyhow::Result<Self> {
        let words: Vec<Vec<u8>> = (0..vocabulary.len() as u32)
            .map(|t| match vocabulary.kind(TokenId(t)) {
                TokenKind::Text => vocabulary.bytes(TokenId(t)).to_vec(),
                // 0xff marks a special token in this engine's trie.
                TokenKind::Special => [&[0xff], vocabulary.bytes(TokenId(t))].concat(),
                TokenKind::Unused => Vec::new(),
            })
            .collect();
        let eos = vocabulary.end_tokens().first().map_or(0, |t| t.0);
        let info = TokRxInfo::new(words.len() as u32, eos);
        let env: TokEnv = Arc::new(ApproximateTokEnv::new(TokTrie::from(&info, &words)));
        let mut factory = ParserFactory::new(
            &env,
            InferenceCapabilities::default(),
            &SlicedBiasComputer::json_slices(),
        )?;
        factory.quiet();
        Ok(Llguidance { factory })
    }
}

impl Engine for Llguidance {
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Grammar>, String> {
        let grammar = match source {
            Source::Schema(schema) => TopLevelGrammar::from_json_schema(
                serde_json::from_str(schema).map_err(|e| e.to_string())?,
            ),
            Source::Regex(pattern) => TopLevelGrammar::from_regex(pattern),
            Source::Grammar(_) => return Err(Source::NOTATION.into()),
        };
        let parser = self.factory.create_parser(grammar);
        let matcher = Matcher::new(parser);
        match matcher.get_error() {
            Some(e) => Err(e),
            None => Ok(Box::new(Compiled(matcher))),
        }
    }
}

struct Compiled(Matcher);

impl Grammar for Compiled {
    fn session(&mut self) -> Result<Box<dyn Session + '_>, String> {
        Ok(Box::new(Run {
            matcher: self.0.deep_clone(),
            mask: None,
        }))
    }
}

struct Run {
    matcher: Matcher,
    mask: Option<SimpleVob>,
}

impl Session for Run {
    fn mask(&mut self) -> Result<(), String> {
        self.mask = Some(
            self.matcher
                .compute_mask_or_eos()
                .map_err(|e| e.to_string())?,
        );
        Ok(())
    }

    fn allowed(&self, token: u32) -> bool {
        self.mask.as_ref().is_some_and(|m| m.is_allowed(token))
    }

    fn advance(&mut self, token: u32) -> Result<(), String> {
        self.matcher.consume_token(token).map_err(|e| e.to_string())
    }
}
