//! glrmask behind the common interface, default options.

use crate::engine::{Engine, Grammar, Session, Source};
use glrmask::{Constraint, ConstraintState, Vocab};
use maskwright_tables::{TokenId, Vocabulary};

/// A vocabulary.
pub struct Glrmask {
    vocab: Vocab,
}

impl Glrmask {
    /// Sets up the vocabulary, and one thread for all that is done in parallel.
    pub fn new(vocabulary: &Vocabulary) -> anyhow::Result<Self> {
        let _ = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build_global();
        let words = (0..vocabulary.len() as u32)
            .filter(|t| vocabulary.is_text(TokenId(*t)))
            .map(|t| (t, vocabulary.bytes(TokenId(t)).to_vec()));
        Ok(Glrmask {
            vocab: Vocab::new(words.collect::<Vec<_>>()),
        })
    }
}

impl Engine for Glrmask {
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Grammar>, String> {
        let grammar = match source {
            Source::Schema(schema) => glrmask::Grammar::from_json_schema(schema),
            Source::Regex(pattern) => {
                let pattern = pattern.replace('/', "\\/");
                glrmask::Grammar::from_lark(format!("start: /{pattern}/"))
            }
            Source::Grammar(_) => return Err(Source::NOTATION.into()),
        };
        let compiled = grammar.and_then(|g| g.compile(&self.vocab));
        compiled
            .map(|c| Box::new(Compiled(c)) as Box<dyn Grammar>)
            .map_err(|e| e.to_string())
    }
}

struct Compiled(Constraint);

impl Grammar for Compiled {
    fn session(&mut self) -> Result<Box<dyn Session + '_>, String> {
        Ok(Box::new(Run {
            mask: vec![0; self.0.mask_len()],
            state: self.0.start(),
        }))
    }
}

struct Run<'a> {
    state: ConstraintState<'a>,
    mask: Vec<u32>,
}

impl Session for Run<'_> {
    fn mask(&mut self) -> Result<(), String> {
        self.state.fill_mask(&mut self.mask);
        Ok(())
    }

    fn allowed(&self, token: u32) -> bool {
        self.mask
            .get(token as usize / 32)
            .is_some_and(|w| w >> (token % 32) & 1 == 1)
    }

    fn may_end(&mut self, _: u32) -> bool {
        self.state.is_accepting()
    }

    fn advance(&mut self, token: u32) -> Result<(), String> {
        match self.state.commit_token(token) {
            true => Ok(()),
            false => Err("refused".into()),
        }
    }
}
