//! The Rust port of XGrammar behind the common interface: any white space, not strict, no cache.

use crate::engine::{Engine, Grammar, Session, Source};
use maskwright_tables::{TokenId, Vocabulary};
use xgrammar::{
    CompiledGrammar, GrammarCompiler, GrammarMatcher, TokenizerInfo, VocabType,
    allocate_token_bitmask, get_bitmask_size,
};

/// A compiler without a cache, on one thread.
pub struct Xgrammar {
    compiler: GrammarCompiler,
    width: i32,
}

/// The letter that byte-level tokenizers write for a byte.
fn letter(byte: u8) -> char {
    let printable = |b: u8| matches!(b, b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff);
    if printable(byte) {
        return char::from(byte);
    }
    let before = (0..byte).filter(|b| !printable(*b)).count() as u32;
    char::from_u32(256 + before).unwrap_or('?')
}

impl Xgrammar {
    /// Sets up the vocabulary.
    pub fn new(vocabulary: &Vocabulary) -> anyhow::Result<Self> {
        let _ = rayon::ThreadPoolBuilder::new()
            .num_threads(1)
            .build_global();
        let words: Vec<String> = (0..vocabulary.len() as u32)
            .map(|t| vocabulary.bytes(TokenId(t)).iter().map(|b| letter(*b)))
            .map(Iterator::collect)
            .collect();
        let ends = vocabulary.end_tokens().iter().map(|t| t.0 as i32).collect();
        let info = TokenizerInfo::new(&words, VocabType::ByteLevel, None, Some(ends), false)
            .map_err(|e| anyhow::anyhow!("{e}"))?;
        let width = info.vocab_size();
        Ok(Xgrammar {
            compiler: GrammarCompiler::new(info, 1, false, -1),
            width,
        })
    }
}

impl Engine for Xgrammar {
    fn compile(&mut self, source: &Source) -> Result<Box<dyn Grammar>, String> {
        let compiled = match source {
            Source::Schema(schema) => self
                .compiler
                .compile_json_schema(schema, true, None, None, false, None)
                .map_err(|e| e.to_string()),
            Source::Regex(pattern) => xgrammar::Grammar::from_regex(pattern)
                .map_err(|e| e.to_string())
                .and_then(|g| self.compiler.compile_grammar(&g).map_err(|e| e.to_string())),
            Source::Grammar(_) => return Err(Source::NOTATION.into()),
        };
        let width = self.width;
        compiled.map(|grammar| Box::new(Compiled { grammar, width }) as Box<dyn Grammar>)
    }
}

struct Compiled {
    grammar: CompiledGrammar,
    width: i32,
}

impl Grammar for Compiled {
    fn session(&mut self) -> Result<Box<dyn Session + '_>, String> {
        Ok(Box::new(Run {
            matcher: GrammarMatcher::from_compiled_grammar(&self.grammar, false),
            mask: allocate_token_bitmask(1, self.width),
            shape: [1, get_bitmask_size(self.width).into()],
        }))
    }
}

struct Run {
    matcher: GrammarMatcher,
    mask: Vec<i32>,
    shape: [i64; 2],
}

impl Session for Run {
    fn mask(&mut self) -> Result<(), String> {
        self.matcher
            .fill_next_token_bitmask(&mut self.mask, &self.shape, 0)
            .map(|_| ())
            .map_err(|e| e.to_string())
    }

    fn allowed(&self, token: u32) -> bool {
        self.mask[token as usize / 32] >> (token % 32) & 1 == 1
    }

    fn advance(&mut self, token: u32) -> Result<(), String> {
        match self.matcher.accept_token(token as i32) {
            true => Ok(()),
            false => Err("refused".into()),
        }
    }
}
