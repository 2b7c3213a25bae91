//! Replays MaskBench traces through Maskwright and published engines in one process and thread,
//! alternating file by file, and prints verdicts and times side by side.
//!
//! ```text
//! cargo run --release --manifest-path benches/Cargo.toml -- DIR [--list core.txt] [--vocab cl100k_base]
//! ```
//!
//! DIR holds `files/*.json` in MaskBench's format. A trace is the instance's text in the tokens of
//! the model's own tokenizer. Time to first mask is compile plus the first mask of the first
//! session; TBM is advance plus the next mask. Masks are counted on valid and invalid instances up
//! to the refusal. A benchmark that gives wrong answers prints them before its times.

mod engine;
mod llguidance_engine;
mod maskwright;
mod traces;

use clap::Parser;
use engine::Engine;
use maskwright_compiler::vocabulary::VocabularyExt;
use maskwright_tables::Vocabulary;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

#[derive(Parser)]
struct Arguments {
    /// A folder with `files/*.json` in MaskBench's format.
    dir: PathBuf,
    /// A file in DIR that lists the names to run; all files without it.
    #[arg(long)]
    list: Option<String>,
    /// `cl100k_base` or `o200k_base`.
    #[arg(long, default_value = "cl100k_base")]
    vocab: String,
    /// Engines to run.
    #[arg(long, value_delimiter = ',', default_value = "maskwright,llguidance")]
    engines: Vec<String>,
    /// How often each file's instances are replayed; times are of the last pass only.
    #[arg(long, default_value_t = 1)]
    passes: usize,
    /// Accepts members in any order (Maskwright only; the default is the schema's order).
    #[arg(long)]
    any_order: bool,
    /// Prints each file's verdict where it is not a pass.
    #[arg(long)]
    verbose: bool,
}

#[derive(Default)]
struct Totals {
    pass: usize,
    refused: usize,
    wrongly_accepted: usize,
    wrongly_rejected: usize,
    compile: Vec<u64>,
    first: Vec<u64>,
    mask: Vec<u64>,
    advance: Vec<u64>,
    tbm: Vec<u64>,
    slowest: Vec<(u64, String)>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut names: Vec<String> = match &arguments.list {
        Some(list) => std::fs::read_to_string(arguments.dir.join(list))?
            .split_whitespace()
            .map(String::from)
            .collect(),
        None => std::fs::read_dir(arguments.dir.join("files"))?
            .map(|e| e.map(|e| e.file_name().to_string_lossy().into_owned()))
            .collect::<Result<_, _>>()?,
    };
    names.sort();
    let (vocabulary, encoder) = match arguments.vocab.as_str() {
        "o200k_base" => (Vocabulary::o200k_base(), tiktoken_rs::o200k_base()?),
        _ => (Vocabulary::cl100k_base(), tiktoken_rs::cl100k_base()?),
    };
    let end = vocabulary.end_tokens()[0].0;
    let mut engines: Vec<(Box<dyn Engine>, Totals)> = Vec::new();
    for name in &arguments.engines {
        let start = Instant::now();
        let engine: Box<dyn Engine> = match name.as_str() {
            "maskwright" => Box::new(maskwright::Maskwright::new(
                Arc::clone(&vocabulary),
                arguments.any_order,
            )),
            "llguidance" => Box::new(llguidance_engine::Llguidance::new(&vocabulary)?),
            other => anyhow::bail!("unknown engine {other}"),
        };
        println!(
            "{name}: vocabulary set-up {:.1} ms",
            start.elapsed().as_secs_f64() * 1e3
        );
        engines.push((engine, Totals::default()));
    }
    for name in &names {
        let case = traces::read(&arguments.dir.join("files").join(name))?;
        let tokens: Vec<Vec<u32>> = case
            .instances
            .iter()
            .map(|i| encoder.encode_ordinary(&i.text))
            .collect();
        for (engine, totals) in &mut engines {
            let verdict = replay(&mut **engine, totals, &case, &tokens, end, arguments.passes);
            if arguments.verbose
                && let Err(verdict) = verdict
            {
                println!("{} {name}: {verdict}", engine.name());
            }
        }
    }
    for (engine, totals) in &mut engines {
        println!(
            "\n{} over {} files, {}",
            engine.name(),
            names.len(),
            vocabulary.name()
        );
        println!(
            "  pass {}  refused {}  wrongly accepted {}  wrongly rejected {}",
            totals.pass, totals.refused, totals.wrongly_accepted, totals.wrongly_rejected
        );
        println!(
            "  {:<12} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "µs", "count", "mean", "p50", "p90", "p99", "p99.9", "max", ""
        );
        for (label, values) in [
            ("compile", &mut totals.compile),
            ("first mask", &mut totals.first),
            ("mask", &mut totals.mask),
            ("advance", &mut totals.advance),
            ("TBM", &mut totals.tbm),
        ] {
            print_percentiles(label, values);
        }
        totals.slowest.sort_unstable();
        for (ns, what) in totals.slowest.iter().rev().take(10) {
            println!("  slow mask {:>9.1} µs  {what}", *ns as f64 / 1e3);
        }
    }
    Ok(())
}

fn replay(
    engine: &mut dyn Engine,
    totals: &mut Totals,
    case: &traces::Case,
    tokens: &[Vec<u32>],
    end: u32,
    passes: usize,
) -> Result<(), String> {
    let start = Instant::now();
    let mut grammar = match engine.compile(&case.schema) {
        Ok(grammar) => grammar,
        Err(e) => {
            totals.refused += 1;
            return Err(format!(
                "refused: {}",
                e.chars().take(300).collect::<String>()
            ));
        }
    };
    let compile = start.elapsed().as_nanos() as u64;
    totals.compile.push(compile);
    let mut first = None;
    let mut verdict = Ok(());
    for pass in 0..passes {
        let timed = pass + 1 == passes;
        for (instance, tokens) in case.instances.iter().zip(tokens) {
            let mut refused = None;
            let session = Instant::now();
            let mut run = match grammar.session() {
                Ok(run) => run,
                Err(e) => {
                    verdict = Err(e);
                    continue;
                }
            };
            let session = session.elapsed().as_nanos() as u64;
            let mut advance = 0;
            for (i, &token) in tokens.iter().chain([&end]).enumerate() {
                let start = Instant::now();
                let ok = run.mask();
                let mask = start.elapsed().as_nanos() as u64;
                first.get_or_insert(compile + session + mask);
                if timed {
                    totals.mask.push(mask);
                    totals.tbm.push(mask + advance);
                    if mask > 20_000 {
                        totals
                            .slowest
                            .push((mask, format!("{} token {i}", case.name)));
                    }
                }
                if ok.is_err() || !run.allowed(token) {
                    refused = Some((i, ok.err()));
                    break;
                }
                if token == end {
                    break;
                }
                let start = Instant::now();
                if let Err(e) = run.advance(token) {
                    refused = Some((i, Some(e)));
                    break;
                }
                advance = start.elapsed().as_nanos() as u64;
                if timed {
                    totals.advance.push(advance);
                }
            }
            match (&refused, instance.valid) {
                (Some((i, why)), true) => {
                    verdict = Err(format!(
                        "wrongly rejected at token {i}: {}{}",
                        instance.text.chars().take(200).collect::<String>(),
                        why.as_ref().map_or_else(String::new, |w| format!(" ({w})"))
                    ));
                }
                (None, false) => {
                    verdict = Err(format!(
                        "wrongly accepted: {}",
                        instance.text.chars().take(200).collect::<String>()
                    ));
                }
                _ => {}
            }
        }
    }
    if first.is_none() {
        let start = Instant::now();
        if let Ok(mut run) = grammar.session() {
            let _ = run.mask();
        }
        first = Some(compile + start.elapsed().as_nanos() as u64);
    }
    totals.first.extend(first);
    match &verdict {
        Ok(()) => totals.pass += 1,
        Err(e) if e.starts_with("wrongly accepted") => totals.wrongly_accepted += 1,
        Err(_) => totals.wrongly_rejected += 1,
    }
    verdict
}

fn print_percentiles(label: &str, values: &mut [u64]) {
    if values.is_empty() {
        return;
    }
    values.sort_unstable();
    let at = |q: f64| values[((values.len() - 1) as f64 * q) as usize] as f64 / 1e3;
    let mean = values.iter().sum::<u64>() as f64 / values.len() as f64 / 1e3;
    println!(
        "  {label:<12} {:>9} {mean:>9.2} {:>9.2} {:>9.2} {:>9.2} {:>9.2} {:>9.2}",
        values.len(),
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999),
        at(1.0)
    );
}
