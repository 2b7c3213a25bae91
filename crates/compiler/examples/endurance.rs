//! Whether anything grows: many different schemas through a cache, or many tokens of one session.
//!
//! ```sh
//! cargo run --release -p maskwright-compiler --example endurance -- schemas 100000 256
//! cargo run --release -p maskwright-compiler --example endurance -- session 1000000
//! ```
//!
//! The first compiles so many generated schemas through a cache of so many megabytes, over o200k_base,
//! and takes a mask and a token twelve times of each; every fourth lookup asks for an earlier schema. The
//! second takes so many tokens of one array of objects in one session, with a mask for each. Both print
//! the resident memory of the process (`VmRSS`) as they go.

use maskwright_compiler::vocabulary::VocabularyExt;
use maskwright_compiler::{CompileCache, Compiler};
use maskwright_runtime::Matcher;
use maskwright_tables::{Limits, TokenId, Vocabulary};
use std::error::Error;
use std::fmt::Write;
use std::time::Instant;

/// Xorshift: the same schemas in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % n
    }
}

const WORDS: [&str; 24] = [
    "account", "address", "amount", "author", "code", "colour", "country", "created", "currency",
    "customer", "date", "email", "height", "item", "language", "message", "name", "order", "price",
    "quantity", "status", "title", "user", "width",
];

/// A value schema of a kind that APIs have.
fn value(random: &mut Random, depth: usize, out: &mut String) {
    let kinds = if depth == 0 { 7 } else { 9 };
    match random.below(kinds) {
        0 => out.push_str(r#"{"type": "string"}"#),
        1 => {
            let (low, high) = (random.below(50), 50 + random.below(5_000));
            let _ = write!(
                out,
                r#"{{"type": "integer", "minimum": {low}, "maximum": {high}}}"#
            );
        }
        2 => out.push_str(r#"{"type": "number"}"#),
        3 => out.push_str(r#"{"type": ["boolean", "null"]}"#),
        4 => {
            let n = 2 + random.below(5);
            let all: Vec<String> = (0..n)
                .map(|_| format!("{:?}", format!("{}-{}", word(random), random.below(1_000))))
                .collect();
            let _ = write!(out, r#"{{"enum": [{}]}}"#, all.join(", "));
        }
        5 => out.push_str(r#"{"type": "string", "format": "date"}"#),
        6 => {
            let _ = write!(
                out,
                r#"{{"type": "string", "maxLength": {}}}"#,
                1 + random.below(300)
            );
        }
        7 => {
            out.push_str(r#"{"type": "array", "items": "#);
            value(random, depth - 1, out);
            out.push('}');
        }
        _ => object(random, depth - 1, out),
    }
}

fn word(random: &mut Random) -> &'static str {
    WORDS[random.below(WORDS.len())]
}

fn object(random: &mut Random, depth: usize, out: &mut String) {
    out.push_str(r#"{"type": "object", "properties": {"#);
    let mut required = Vec::new();
    for i in 0..1 + random.below(8) {
        let name = match random.below(3) {
            0 => format!("{}_{}", word(random), random.below(10_000)),
            _ => format!("{}_{}", word(random), word(random)),
        };
        let _ = write!(out, "{}{name:?}: ", if i > 0 { ", " } else { "" });
        value(random, depth, out);
        if random.below(2) == 0 && !required.contains(&name) {
            required.push(name);
        }
    }
    let _ = write!(
        out,
        r#"}}, "required": {required:?}, "additionalProperties": false}}"#
    );
}

/// Kilobytes that the system says the process has in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    let field = line.and_then(|l| l.split_whitespace().next());
    field.and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// A token of the mask, any.
fn choose(mask: &[u32], random: &mut Random) -> Option<TokenId> {
    let count: u32 = mask.iter().map(|w| w.count_ones()).sum();
    let mut left = random.below((count as usize).max(1)) as u32;
    for (i, &word) in mask.iter().enumerate() {
        if left >= word.count_ones() {
            left -= word.count_ones();
            continue;
        }
        let mut word = word;
        (0..left).for_each(|_| word &= word - 1);
        return (word != 0).then(|| TokenId(32 * i as u32 + word.trailing_zeros()));
    }
    None
}

fn schemas(count: usize, megabytes: usize) -> Result<(), Box<dyn Error>> {
    let compiler = Compiler::new(Vocabulary::o200k_base(), Limits::untrusted());
    println!("before: {} KB", resident());
    let cache = CompileCache::new(compiler, megabytes << 20);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut recent: Vec<String> = Vec::new();
    let mut mask = Vec::new();
    let (begun, mut most, mut refused) = (Instant::now(), 0, 0);
    for i in 1..=count {
        let mut schema = String::new();
        object(&mut random, 2, &mut schema);
        let again = (i % 4 == 0).then(|| recent[random.below(recent.len())].clone());
        for text in [Some(&schema), again.as_ref()].into_iter().flatten() {
            let Ok(grammar) = cache.json_schema(text) else {
                refused += 1;
                continue;
            };
            let mut matcher = Matcher::new(&grammar)?;
            mask.resize(matcher.mask_words(), 0);
            for _ in 0..12 {
                matcher.fill_mask(&mut mask)?;
                let Some(token) = choose(&mask, &mut random) else {
                    break;
                };
                matcher.advance(token)?;
                if matcher.is_terminated() {
                    break;
                }
            }
        }
        match recent.len() {
            64 => recent[i % 64] = schema,
            _ => recent.push(schema),
        }
        let now = resident();
        most = most.max(now);
        if i % (count / 20).max(1) == 0 {
            let s = cache.stats();
            println!(
                "{i:7} schemas {:6.1} s, resident {now:8} KB (most {most:8}), entries {:5}: {:6} KB, rows {:6} KB, \
                 hits {}, misses {}, evicted {}, outdated {}, refused {refused}",
                begun.elapsed().as_secs_f64(),
                s.entries,
                s.bytes >> 10,
                s.shared_bytes >> 10,
                s.hits,
                s.misses,
                s.evictions,
                s.outdated,
            );
        }
    }
    Ok(())
}

/// The longest token of the mask with which the text begins.
fn longest(vocabulary: &Vocabulary, text: &[u8], mask: &[u32]) -> Option<TokenId> {
    let (trie, mut node, mut found) = (vocabulary.trie(), 0, None);
    for &byte in text {
        let Some(next) = trie.child(node, byte) else {
            break;
        };
        node = next;
        let in_mask = |t: &&TokenId| mask[t.index() / 32] >> (t.index() % 32) & 1 == 1;
        found = trie.tokens_at(node).iter().find(in_mask).copied().or(found);
    }
    found
}

fn session(count: usize) -> Result<(), Box<dyn Error>> {
    let compiler = Compiler::new(Vocabulary::o200k_base(), Limits::untrusted());
    let grammar = compiler.json_schema(
        r#"{"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"},
            "size": {"type": "integer"}}, "required": ["name", "size"], "additionalProperties": false}}"#,
    )?;
    let mut matcher = Matcher::new(&grammar)?;
    let mut mask = vec![0; matcher.mask_words()];
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    // The text of an array without an end, by tokens that are looked for in the masks.
    let vocabulary = Vocabulary::o200k_base();
    let (begun, mut taken, mut items) = (Instant::now(), 0, 0);
    matcher.advance_bytes(b"[")?;
    while taken < count {
        let item = format!(
            r#"{{"name": "{} {}", "size": {}}}, "#,
            word(&mut random),
            word(&mut random),
            random.below(1_000_000)
        );
        let mut rest = item.as_bytes();
        items += 1;
        while !rest.is_empty() {
            matcher.fill_mask(&mut mask)?;
            let token = longest(&vocabulary, rest, &mask).ok_or("no token goes on")?;
            matcher.advance(token)?;
            rest = &rest[vocabulary.bytes(token).len()..];
            taken += 1;
            if taken % (count / 20).max(1) == 0 {
                println!(
                    "{taken:8} tokens, {items:7} items, {:6.1} s, resident {:7} KB, history {} of {} places, \
                     machine {} KB, rows {} KB",
                    begun.elapsed().as_secs_f64(),
                    resident(),
                    matcher.rollback_len(),
                    matcher.history_capacity(),
                    grammar.heap_bytes() >> 10,
                    compiler.shared_bytes() >> 10,
                );
            }
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize, default: usize| match arguments.get(i) {
        Some(text) => text.parse(),
        None => Ok(default),
    };
    match arguments.first().map(String::as_str) {
        Some("schemas") => schemas(number(1, 100_000)?, number(2, 256)?),
        Some("session") => session(number(1, 1_000_000)?),
        _ => Err("usage: endurance schemas [COUNT] [MEGABYTES] | session [TOKENS]".into()),
    }
}
