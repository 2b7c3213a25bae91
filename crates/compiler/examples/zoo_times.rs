//! Times the grammar zoo with o200k_base, one thread: the first mask of a new compiler, then the masks of its
//! accepted texts on a first and on a second visit.
//!
//! ```sh
//! cargo run --release -p maskwright-compiler --example zoo_times [--slowest=N] [name ...]
//! ```
//!
//! Texts are cut into the longest tokens that fit. Microseconds, less (on Linux) those in which the thread waited
//! for a processor.

use maskwright_compiler::Compiler;
use maskwright_compiler::vocabulary::VocabularyExt;
use maskwright_runtime::Matcher;
use maskwright_tables::{Limits, TokenId, Vocabulary};
use std::collections::HashMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// What is in a folder, by name.
fn inside(folder: &Path) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let mut paths = fs::read_dir(folder)?
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<Vec<_>, _>>()?;
    paths.sort_unstable();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// Text → token, and the length of the longest.
struct Cutter<'a>(HashMap<&'a [u8], TokenId>, usize);

impl Cutter<'_> {
    fn cut(&self, mut text: &[u8]) -> Vec<TokenId> {
        let mut tokens = Vec::new();
        while !text.is_empty() {
            let lengths = (1..=self.1.min(text.len())).rev();
            let found = lengths
                .into_iter()
                .find_map(|n| self.0.get(&text[..n]).map(|t| (n, *t)));
            let Some((n, token)) = found else { break };
            tokens.push(token);
            text = &text[n..];
        }
        tokens
    }
}

/// Starts a clock; the closure gives the microseconds since, without those that the thread waited for a
/// processor.
fn clock() -> impl Fn() -> f64 {
    let waited = || -> Option<u64> {
        let text = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        text.split(' ').nth(1)?.parse().ok()
    };
    let (before, begin) = (waited(), Instant::now());
    move || {
        let wall = begin.elapsed().as_secs_f64() * 1e6;
        match (before, waited()) {
            (Some(a), Some(b)) => wall - b.saturating_sub(a) as f64 / 1e3,
            _ => wall,
        }
    }
}

/// Of sorted numbers, the one at this share.
fn at(sorted: &[Timed], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get((last as f64 * share).round() as usize)
        .map_or(0.0, |m| m.0)
}

/// The time of a mask, and where it was.
type Timed = (f64, String);

/// The masks of a grammar's texts, the slowest last.
fn replay(
    start: &Matcher,
    texts: &[PathBuf],
    cutter: &Cutter<'_>,
    words: &mut [u32],
) -> Result<Vec<Timed>, Box<dyn Error>> {
    let mut times: Vec<Timed> = Vec::new();
    for path in texts {
        let text = fs::read(path)?;
        let mut matcher = start.fork();
        let mut read = 0;
        for token in cutter.cut(&text) {
            let clock = clock();
            matcher.fill_mask(words)?;
            let time = clock();
            let before = String::from_utf8_lossy(&text[read.max(16) - 16..read]);
            times.push((time, format!("{} after {before:?}", name(path))));
            matcher.advance(token)?;
            read += matcher.vocabulary().bytes(token).len();
        }
        let clock = clock();
        matcher.fill_mask(words)?;
        times.push((clock(), format!("{} at its end", name(path))));
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    Ok(times)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (options, names): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|a| a.starts_with("--"));
    let mut slowest = 0;
    for option in &options {
        let number = option.strip_prefix("--slowest=");
        slowest = number.ok_or(format!("unknown option {option}"))?.parse()?;
    }
    let vocabulary = Vocabulary::o200k_base();
    let tokens: HashMap<&[u8], TokenId> = vocabulary.text_tokens().map(|(t, b)| (b, t)).collect();
    let longest = tokens.keys().map(|b| b.len()).max().unwrap_or(0);
    let cutter = Cutter(tokens, longest);
    println!(
        "{:22}{:>9}{:>9}{:>7}{:>9}{:>9}{:>9}{:>7}{:>7}{:>7}  slowest first visit",
        "grammar", "compile", "mask 1", "masks", "p50", "p99", "max", "p50'", "p99'", "max'"
    );
    let (mut all_first, mut all_second) = (Vec::new(), Vec::new());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grammars/cfg");
    for folder in inside(&root)? {
        let grammar_name = name(&folder);
        if !names.is_empty() && !names.contains(&grammar_name) {
            continue;
        }
        let source = fs::read_to_string(folder.join("grammar.ebnf"))?;
        let texts = inside(&folder.join("accept"))?;
        let compiler = Compiler::new(Arc::clone(&vocabulary), Limits::trusted());
        let since = clock();
        let grammar = compiler.grammar(&source)?;
        let start = Matcher::new(&grammar)?;
        let compile = since();
        let mut words = vec![0; start.mask_words()];
        let since = clock();
        start.fill_mask(&mut words)?;
        let mask = since();
        let first = replay(&start, &texts, &cutter, &mut words)?;
        let second = replay(&start, &texts, &cutter, &mut words)?;
        let worst = first.last().map_or("", |m| &m.1);
        println!(
            "{:22}{compile:9.0}{mask:9.0}{:7}{:9.1}{:9.1}{:9.0}{:7.1}{:7.1}{:7.0}  {worst}",
            grammar_name,
            first.len(),
            at(&first, 0.5),
            at(&first, 0.99),
            at(&first, 1.0),
            at(&second, 0.5),
            at(&second, 0.99),
            at(&second, 1.0),
        );
        let named = |(time, at)| (time, format!("{grammar_name}: {at}"));
        all_first.extend(first.into_iter().map(named));
        all_second.extend(second);
    }
    for all in [&mut all_first, &mut all_second] {
        all.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    for (time, at) in all_first.iter().rev().take(slowest) {
        println!("{time:9.1}  {at}");
    }
    println!(
        "all: first visit p50 {:.1} p99 {:.1}; second visit p50 {:.1} p99 {:.1}",
        at(&all_first, 0.5),
        at(&all_first, 0.99),
        at(&all_second, 0.5),
        at(&all_second, 0.99)
    );
    Ok(())
}
