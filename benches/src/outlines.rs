//! outlines-core behind the common interface: a schema becomes one regex, a regex an index.
//!
//! Its index holds lists of tokens, so a mask is those lists written into words.

use crate::engine::{Engine, Grammar, Session, Source};
use maskwright_tables::{TokenId, Vocabulary as Tokens};
use outlines_core::prelude::{Index, Vocabulary};

/// A vocabulary.
pub struct Outlines {
    vocabulary: Vocabulary,
    words: usize,
}

impl Outlines {
    /// Sets up the vocabulary.
    pub fn new(tokens: &Tokens) -> anyhow::Result<Self> {
        let end = tokens.end_tokens().first().map_or(0, |t| t.0);
        let mut vocabulary = Vocabulary::new(end);
        for t in (0..tokens.len() as u32).filter(|t| *t != end && tokens.is_text(TokenId(*t))) {
            vocabulary.try_insert(tokens.bytes(TokenId(t)).to_vec(), t)?;
        }
        Ok(Outlines {
            vocabulary,
            words: tokens.mask_words(),
        })
    }
}

impl Engine for Outlines {
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Grammar>, String> {
        let regex = match source {
            Source::Schema(schema) => {
                outlines_core::json_schema::regex_from_str(schema, None, None)
                    .map_err(|e| e.to_string())?
            }
            Source::Regex(pattern) => pattern.clone(),
            Source::Grammar(_) => return Err(Source::NOTATION.into()),
        };
        let index = Index::new(&regex, &self.vocabulary).map_err(|e| e.to_string())?;
        Ok(Box::new(Compiled {
            index,
            words: self.words,
        }))
    }
}

struct Compiled {
    index: Index,
    words: usize,
}

impl Grammar for Compiled {
    fn session(&mut self) -> Result<Box<dyn Session + '_>, String> {
        Ok(Box::new(Run {
            index: &self.index,
            state: self.index.initial_state(),
            mask: vec![0; self.words],
        }))
    }
}

struct Run<'a> {
    index: &'a Index,
    state: u32,
    mask: Vec<u32>,
}

impl Session for Run<'_> {
    fn mask(&mut self) -> Result<(), String> {
        self.mask.fill(0);
        for &token in self
            .index
            .allowed_tokens_iter(&self.state)
            .into_iter()
            .flatten()
        {
            self.mask[token as usize / 32] |= 1 << (token % 32);
        }
        Ok(())
    }

    fn allowed(&self, token: u32) -> bool {
        self.mask[token as usize / 32] >> (token % 32) & 1 == 1
    }

    fn may_end(&mut self, _: u32) -> bool {
        self.index.is_final_state(&self.state)
    }

    fn advance(&mut self, token: u32) -> Result<(), String> {
        self.state = self
            .index
            .next_state(&self.state, &token)
            .ok_or("refused")?;
        Ok(())
    }
}
