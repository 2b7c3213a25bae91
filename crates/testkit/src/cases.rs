//! Cases as data: a grammar, a vocabulary, a prefix and the tokens that may follow.
//!
//! ```toml
//! [[case]]
//! name = "token-spans-two-terminals"
//! grammar = 'start = "(" number ")" ;  number = /[0-9]+/ ;'
//! vocab = ["(", "(1", "1", "1)", ")", "a", "<eos>"]
//! prefix = "("
//! allowed = ["1", "1)"]
//! ```
//!
//! In place of `grammar` a case may have `schema` (JSON Schema text) or `regex`. `accept` and
//! `reject` list whole texts; `accept_any_order` lists those that are accepted when the members of
//! objects may come in any order and refused when they come in the order of the schema. `refused`
//! is the code and the JSON pointer of the first diagnostic of a source that must not compile, and
//! `warnings` are the codes of what a schema is warned of. A case knows no API: whoever runs it
//! brings an [`crate::engine::Engine`] or the oracle. Words of the vocabulary are read by
//! [`crate::vocab::from_words`]; `allowed` names them, and a word that stands twice in the
//! vocabulary is allowed under both ids.

use crate::corpus::Kind;
use crate::vocab;
use maskwright_tables::Vocabulary;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What the case shows, in kebab case.
    pub name: String,
    grammar: Option<String>,
    schema: Option<String>,
    regex: Option<String>,
    /// The words of the vocabulary, in id order. Empty: all single bytes and `<eos>`.
    #[serde(default)]
    pub vocab: Vec<String>,
    /// The text before the mask.
    #[serde(default)]
    pub prefix: String,
    /// The words allowed after `prefix`; absent when the case is about texts only.
    pub allowed: Option<Vec<String>>,
    /// Sentences.
    #[serde(default)]
    pub accept: Vec<String>,
    /// Sentences when members may come in any order, and only then.
    #[serde(default)]
    pub accept_any_order: Vec<String>,
    /// Texts that are no sentences.
    #[serde(default)]
    pub reject: Vec<String>,
    /// The source must not compile.
    pub refused: Option<Refusal>,
    /// The codes of the warnings about a schema, in order.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// The first diagnostic of a source that does not compile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Its code.
    pub code: String,
    /// The JSON pointer of its place.
    pub pointer: String,
}

impl Case {
    /// The source and its notation.
    ///
    /// # Errors
    /// When there is not exactly one source.
    pub fn source(&self) -> Result<(Kind, &str), String> {
        match (&self.grammar, &self.schema, &self.regex) {
            (Some(s), None, None) => Ok((Kind::Cfg, s)),
            (None, Some(s), None) => Ok((Kind::JsonSchema, s)),
            (None, None, Some(s)) => Ok((Kind::Regex, s)),
            _ => Err(format!("{}: give one of grammar, schema, regex", self.name)),
        }
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> Vocabulary {
        if self.vocab.is_empty() {
            vocab::bytes()
        } else {
            vocab::from_words(&self.vocab)
        }
    }

    /// The expected mask, if the case has one.
    ///
    /// # Errors
    /// A word in `allowed` that is not in the vocabulary.
    pub fn mask(&self) -> Result<Option<Vec<bool>>, String> {
        let Some(allowed) = &self.allowed else {
            return Ok(None);
        };
        let known: BTreeSet<&String> = self.vocab.iter().collect();
        if let Some(word) = allowed.iter().find(|w| !known.contains(w)) {
            return Err(format!("{}: {word:?} is not in the vocabulary", self.name));
        }
        Ok(Some(
            self.vocab.iter().map(|w| allowed.contains(w)).collect(),
        ))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    case: Vec<Case>,
}

/// Reads a case file.
///
/// # Errors
/// The TOML error, a name used twice, or a case that is not well formed.
pub fn parse(text: &str) -> Result<Vec<Case>, String> {
    let file: File = toml::from_str(text).map_err(|e| e.to_string())?;
    let mut names = BTreeSet::new();
    for case in &file.case {
        if !names.insert(&case.name) {
            return Err(format!("{}: the name is used twice", case.name));
        }
        case.source()?;
        case.mask()?;
        let says = !case.accept.is_empty() || !case.reject.is_empty() || case.allowed.is_some();
        if says == case.refused.is_some() {
            return Err(format!(
                "{}: give texts, a mask, or what is refused",
                case.name
            ));
        }
    }
    Ok(file.case)
}

/// Reads the case files of a folder, those of its sub-folders not.
///
/// # Panics
/// When a file cannot be read or is not well formed: the cases are part of the tests.
pub fn load(folder: &Path) -> Vec<Case> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut files: Vec<_> = entries
        .map(|e| e.expect("an entry").path())
        .filter(|path| path.is_file())
        .collect();
    files.sort_unstable();
    let read = |file: &PathBuf| {
        let text = fs::read_to_string(file).expect("a readable file");
        parse(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
    };
    files.iter().flat_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_is_not_well_formed_is_refused() {
        let good = "[[case]]\nname='a'\nregex='a'\nvocab=['a','<eos>']\nallowed=['a']\n";
        let cases = parse(good).expect("well formed");
        assert_eq!(cases[0].mask(), Ok(Some(vec![true, false])));
        assert_eq!(cases[0].vocabulary().end_tokens().len(), 1);
        for (wrong, why) in [
            (good.replace("regex='a'", ""), "give one of"),
            (
                good.replace("regex='a'", "regex='a'\nschema='true'"),
                "give one of",
            ),
            (
                good.replace("allowed=['a']", "allowed=['b']"),
                "not in the vocabulary",
            ),
            (good.replace("regex", "regexp"), "regexp"),
            (format!("{good}{good}"), "twice"),
        ] {
            let error = parse(&wrong).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }
}
