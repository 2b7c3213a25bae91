//! `vocab inspect`: what is in a vocabulary, and what is odd about it; `vocab compile`: a file of it.

use super::Manner;
use super::artifact::{keep_what_is_there, write_whole};
use super::mask::{spelled, token_json};
use crate::args::{VocabCompileArgs, VocabInspectArgs};
use crate::error::Result;
use crate::output::{Out, table, thousands};
use crate::vocabulary::{self, Chosen};
use maskwright_tables::{TokenId, TokenKind, Vocabulary};
use serde_json::json;

/// Counts over a vocabulary.
struct Facts {
    text: usize,
    special: usize,
    unused: usize,
    bytes: usize,
    longest: Option<TokenId>,
    /// Groups of text tokens that spell the same.
    duplicates: Vec<Vec<TokenId>>,
    /// Bytes that no token spells alone.
    missing: Vec<u8>,
    trie_nodes: usize,
}

fn facts(vocabulary: &Vocabulary) -> Facts {
    let mut facts = Facts {
        text: 0,
        special: 0,
        unused: 0,
        bytes: 0,
        longest: None,
        duplicates: Vec::new(),
        missing: Vec::new(),
        trie_nodes: vocabulary.trie().len(),
    };
    for id in (0..vocabulary.len() as u32).map(TokenId) {
        match vocabulary.kind(id) {
            TokenKind::Text => facts.text += 1,
            TokenKind::Special => facts.special += 1,
            TokenKind::Unused => facts.unused += 1,
        }
    }
    for (id, bytes) in vocabulary.text_tokens() {
        facts.bytes += bytes.len();
        if facts
            .longest
            .is_none_or(|l| vocabulary.bytes(l).len() < bytes.len())
        {
            facts.longest = Some(id);
        }
    }
    let trie = vocabulary.trie();
    let groups = (0..trie.len())
        .map(|n| trie.tokens_at(n))
        .filter(|t| t.len() > 1);
    facts.duplicates = groups.map(<[TokenId]>::to_vec).collect();
    let spelled_alone = |b: &u8| {
        trie.child(0, *b)
            .is_some_and(|n| !trie.tokens_at(n).is_empty())
    };
    facts.missing = (0..=u8::MAX).filter(|b| !spelled_alone(b)).collect();
    facts
}

/// Runs the command.
pub fn inspect(args: &VocabInspectArgs, manner: Manner) -> Result<bool> {
    let mut choice = args.vocabulary.clone();
    choice.vocab = args.name.clone().or(choice.vocab);
    let Chosen {
        vocabulary,
        format,
        ends_from,
    } = vocabulary::choose(&choice, super::artifact::DEFAULT)?;
    let mut out = Out::new();
    if !args.token.is_empty() {
        for text in &args.token {
            for token in vocabulary::find(&vocabulary, text)? {
                if manner.json {
                    out.json(&token_json(&vocabulary, token))?;
                } else {
                    out.line(format!("{:>8}  {}", token.0, spelled(&vocabulary, token)))?;
                }
            }
        }
        return out.finish(true);
    }
    let facts = facts(&vocabulary);
    let fingerprint: String = vocabulary
        .fingerprint()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let ends = vocabulary.end_tokens();
    if manner.json {
        out.json(&json!({
            "name": vocabulary.name(),
            "format": format,
            "fingerprint": fingerprint,
            "len": vocabulary.len(),
            "width": vocabulary.width(),
            "text": facts.text,
            "special": facts.special,
            "unused": facts.unused,
            "text_bytes": facts.bytes,
            "end_tokens": ends.iter().map(|t| token_json(&vocabulary, *t)).collect::<Vec<_>>(),
            "end_tokens_from": ends_from.map(|e| format!("{e:?}").to_lowercase()),
            "longest": facts.longest.map(|t| token_json(&vocabulary, t)),
            "duplicates": facts.duplicates.iter().map(|g| g.iter().map(|t| t.0).collect()).collect::<Vec<Vec<_>>>(),
            "missing_bytes": facts.missing,
            "trie_nodes": facts.trie_nodes,
        }))?;
        return out.finish(true);
    }
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![
        row("name", vocabulary.name().to_owned()),
        row("format", format.unwrap_or_else(|| "built in".to_owned())),
        row("ids", thousands(vocabulary.len())),
        row("logits", thousands(vocabulary.width())),
        row(
            "text tokens",
            format!(
                "{} ({} bytes)",
                thousands(facts.text),
                thousands(facts.bytes)
            ),
        ),
        row("control tokens", thousands(facts.special)),
        row("unused ids", thousands(facts.unused)),
    ];
    let names: Vec<_> = ends
        .iter()
        .map(|t| format!("{} {}", t.0, escape_name(&vocabulary, *t)))
        .collect();
    rows.push(row(
        "end tokens",
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        },
    ));
    if let Some(longest) = facts.longest {
        let len = vocabulary.bytes(longest).len();
        rows.push(row("longest token", format!("{} ({len} bytes)", longest.0)));
    }
    rows.push(row("same text twice", thousands(facts.duplicates.len())));
    rows.push(row("bytes without a token", thousands(facts.missing.len())));
    rows.push(row("trie nodes", thousands(facts.trie_nodes)));
    rows.push(row("fingerprint", fingerprint));
    for line in table(&rows, usize::MAX) {
        out.line(line)?;
    }
    out.finish(true)
}

/// Stores a vocabulary, with what is found out about it once and for all: how its tokens are sorted.
pub fn compile(args: &VocabCompileArgs, manner: Manner) -> Result<bool> {
    keep_what_is_there(&args.output, args.force)?;
    let mut choice = args.vocabulary.clone();
    choice.vocab = args.name.clone().or(choice.vocab);
    let vocabulary = vocabulary::choose(&choice, super::artifact::DEFAULT)?.vocabulary;
    let bytes = vocabulary.to_artifact();
    let mut out = Out::new();
    if args.output == "-" {
        out.bytes(&bytes)?;
        return out.finish(true);
    }
    write_whole(&args.output, &bytes)?;
    if manner.json {
        out.json(&json!({
            "output": args.output,
            "bytes": bytes.len(),
            "vocabulary": vocabulary.name(),
            "len": vocabulary.len(),
            "trie_nodes": vocabulary.trie().len(),
        }))?;
    } else if !manner.quiet {
        let (size, name) = (thousands(bytes.len()), vocabulary.name());
        let (ids, nodes) = (
            thousands(vocabulary.len()),
            thousands(vocabulary.trie().len()),
        );
        out.line(format!(
            "{}: {size} bytes for {name} ({ids} ids, {nodes} trie nodes)",
            args.output
        ))?;
    }
    out.finish(true)
}

fn escape_name(vocabulary: &Vocabulary, token: TokenId) -> String {
    crate::text::escape(vocabulary.bytes(token))
}
