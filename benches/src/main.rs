//! Replays traces through Maskwright and published engines in one process and thread, alternating
//! case by case, and prints verdicts and times side by side.
//!
//! ```text
//! cargo run --release --manifest-path benches/Cargo.toml -- DIR [--list core.txt] [--vocab cl100k_base]
//! cargo run --release --manifest-path benches/Cargo.toml -- --cliffs
//! ```
//!
//! DIR holds `files/*.json` in MaskBench's format. A trace is the instance's text in the tokens of
//! the model's own tokenizer. Time to first mask is compile plus the first mask of the first
//! session; TBM is advance plus the next mask. Masks are counted on valid and invalid instances up
//! to the refusal. Verdicts come before times; ratios compare two engines on the cases that both
//! compile.

mod cliffs;
mod engine;
#[cfg(feature = "glrmask")]
mod glrmask;
#[cfg(feature = "kbnf")]
mod kbnf;
#[cfg(feature = "llguidance")]
mod llguidance;
mod maskwright;
#[cfg(feature = "outlines")]
mod outlines;
mod stats;
mod traces;
#[cfg(feature = "xgrammar")]
mod xgrammar;

use clap::Parser;
use engine::Engine;
use maskwright_compiler::vocabulary::VocabularyExt;
use maskwright_tables::Vocabulary;
use stats::{SERIES, Times, Totals, Verdict};
use std::path::PathBuf;
use std::time::Instant;

#[cfg(feature = "memory")]
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

/// Bytes held by the process, where they are counted.
fn bytes_held() -> isize {
    #[cfg(feature = "memory")]
    {
        let stats = ALLOCATOR.stats();
        return stats.bytes_allocated as isize - stats.bytes_deallocated as isize;
    }
    #[cfg(not(feature = "memory"))]
    0
}

/// A point in time, on the wall or of the thread's own processor time.
#[derive(Clone, Copy)]
enum Clock {
    Wall(Instant),
    Cpu(cpu_time::ThreadTime),
}

impl Clock {
    fn start(cpu: bool) -> Self {
        match cpu {
            true => Clock::Cpu(cpu_time::ThreadTime::now()),
            false => Clock::Wall(Instant::now()),
        }
    }

    fn nanos(self) -> u64 {
        match self {
            Clock::Wall(start) => start.elapsed().as_nanos() as u64,
            Clock::Cpu(start) => start.elapsed().as_nanos() as u64,
        }
    }
}

#[derive(Parser)]
struct Arguments {
    /// A folder with `files/*.json` in MaskBench's format.
    dir: Option<PathBuf>,
    /// A file in DIR that lists the names to run; all files without it.
    #[arg(long)]
    list: Option<String>,
    /// Every n-th file only.
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// Runs the list of cliffs instead: lengths, patterns, formats, long lists of values.
    #[arg(long)]
    cliffs: bool,
    /// Cases whose name contains this.
    #[arg(long)]
    only: Option<String>,
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
    /// Counts the thread's processor time instead of wall-clock time: for a machine that others use.
    /// A reading costs about 0.2 µs more.
    #[arg(long)]
    cpu: bool,
    /// Prints each case's mean and greatest mask time.
    #[arg(long)]
    cases: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let (vocabulary, encoder) = match arguments.vocab.as_str() {
        "o200k_base" => (Vocabulary::o200k_base(), tiktoken_rs::o200k_base()?),
        "cl100k_base" => (Vocabulary::cl100k_base(), tiktoken_rs::cl100k_base()?),
        other => anyhow::bail!("no vocabulary {other}"),
    };
    let mut cases = match (&arguments.dir, arguments.cliffs) {
        (_, true) => cliffs::all(),
        (Some(dir), false) => traces::all(dir, arguments.list.as_deref(), arguments.every)?,
        (None, false) => anyhow::bail!("give a folder of traces, or --cliffs"),
    };
    if let Some(only) = &arguments.only {
        cases.retain(|c| c.name.contains(only));
    }
    let end = vocabulary.end_tokens()[0].0;
    let mut engines: Vec<(Box<dyn Engine>, Totals)> = Vec::new();
    for name in &arguments.engines {
        let (start, before) = (Instant::now(), bytes_held());
        let engine = engine::set_up(name, &vocabulary, arguments.any_order)?;
        print!(
            "{name}: vocabulary set-up {:.1} ms",
            start.elapsed().as_secs_f64() * 1e3
        );
        match cfg!(feature = "memory") {
            true => println!(", {} KB", (bytes_held() - before) / 1024),
            false => println!(),
        }
        engines.push((engine, Totals::default()));
    }
    for (index, case) in cases.iter().enumerate() {
        let tokens: Vec<Vec<u32>> = case
            .instances
            .iter()
            .map(|i| encoder.encode_ordinary(&i.text))
            .collect();
        for (engine, totals) in &mut engines {
            let before = bytes_held();
            let verdict = replay(
                &mut **engine,
                totals,
                (index, case),
                &tokens,
                end,
                (arguments.passes, arguments.cpu),
            );
            totals.bytes.push(bytes_held() - before);
            if arguments.verbose && verdict != Verdict::Pass {
                println!("{} {}: {verdict:?}", engine.name(), case.name);
            }
            totals.verdicts.push(verdict);
        }
    }
    for (engine, totals) in &mut engines {
        println!(
            "\n{} over {} cases, {}",
            engine.name(),
            cases.len(),
            vocabulary.name()
        );
        println!("  {}", totals.verdict_line());
        println!("{}", stats::head("µs"));
        for (series, label) in SERIES.iter().enumerate() {
            println!("{}", stats::line(label, &totals.series(series, &|_| true)));
        }
        let mut firsts: Vec<(u64, usize)> = totals
            .times
            .iter()
            .filter_map(|(i, t)| Some((*t.0[1].first()?, *i)))
            .collect();
        firsts.sort_unstable();
        for (ns, case) in firsts.iter().rev().take(10) {
            println!(
                "  slow first mask {:>9.1} µs  {}",
                *ns as f64 / 1e3,
                cases[*case].name
            );
        }
        totals.slowest.sort_unstable();
        for (ns, case, token) in totals.slowest.iter().rev().take(10) {
            println!(
                "  slow mask {:>9.1} µs  {} token {token}",
                *ns as f64 / 1e3,
                cases[*case].name
            );
        }
        if cfg!(feature = "memory") {
            let mut bytes: Vec<isize> = totals.bytes.clone();
            bytes.sort_unstable();
            let at = |percent: usize| {
                let i = (bytes.len() * percent / 100).min(bytes.len().saturating_sub(1));
                bytes.get(i).map_or(0, |b| b / 1024)
            };
            println!(
                "  KB kept of a case: p50 {}, p99 {}, max {}; {} in all",
                at(50),
                at(99),
                at(100),
                bytes.iter().sum::<isize>() / 1024
            );
        }
    }
    if let [(ours, us), peers @ ..] = &engines[..] {
        for (peer, them) in peers {
            let both = |i: usize| us.times.contains_key(&i) && them.times.contains_key(&i);
            let common = us.times.keys().filter(|i| both(**i)).count();
            println!(
                "\n{} / {} on the {common} cases that both compile",
                peer.name(),
                ours.name()
            );
            println!("{}", stats::head("ratio"));
            for (series, label) in SERIES.iter().enumerate() {
                let (a, b) = (us.series(series, &both), them.series(series, &both));
                println!("{}", stats::ratio_line(label, &a, &b));
            }
        }
    }
    if arguments.cases {
        print_cases(&cases, &engines);
    }
    Ok(())
}

/// One line a case: first mask, mean and greatest mask of each engine.
fn print_cases(cases: &[traces::Case], engines: &[(Box<dyn Engine>, Totals)]) {
    println!("\nfirst mask, mean and greatest mask in µs");
    print!("  {:<32}", "");
    for (engine, _) in engines {
        print!(" {:>30}", engine.name());
    }
    println!();
    for (i, case) in cases.iter().enumerate() {
        print!("  {:<32}", case.name);
        for (_, totals) in engines {
            let shown = match (totals.times.get(&i), &totals.verdicts[i]) {
                (Some(times), verdict) => {
                    let us = |ns: u64| ns as f64 / 1e3;
                    let masks = &times.0[2];
                    let mean = masks.iter().sum::<u64>() / masks.len().max(1) as u64;
                    let max = masks.iter().max().copied().unwrap_or(0);
                    let wrong = if *verdict == Verdict::Pass { "" } else { "!" };
                    let first = times.0[1].first().copied().unwrap_or(0);
                    format!("{wrong}{:.0} {:.1} {:.0}", us(first), us(mean), us(max))
                }
                (None, _) => "refused".into(),
            };
            print!(" {shown:>30}");
        }
        println!();
    }
}

#[inline(never)]
fn replay(
    engine: &mut dyn Engine,
    totals: &mut Totals,
    (index, case): (usize, &traces::Case),
    tokens: &[Vec<u32>],
    end: u32,
    (passes, cpu): (usize, bool),
) -> Verdict {
    let start = Clock::start(cpu);
    let mut grammar = match engine.compile(&case.source) {
        Ok(grammar) => grammar,
        Err(e) => return Verdict::Refused(e.chars().take(300).collect()),
    };
    let compile = start.nanos();
    let mut times = Times::default();
    let [compiles, firsts, masks, advances, betweens] = &mut times.0;
    compiles.push(compile);
    let mut first = None;
    let mut verdict = Verdict::Pass;
    let text = |i: &traces::Instance| i.text.chars().take(200).collect::<String>();
    for pass in 0..passes {
        let timed = pass + 1 == passes;
        for (instance, tokens) in case.instances.iter().zip(tokens) {
            let mut refused = None;
            let session = Clock::start(cpu);
            let mut run = match grammar.session() {
                Ok(run) => run,
                Err(e) => {
                    verdict = Verdict::WronglyRejected(e);
                    continue;
                }
            };
            let session = session.nanos();
            let mut advance = 0;
            for (i, &token) in tokens.iter().chain([&end]).enumerate() {
                let start = Clock::start(cpu);
                let ok = run.mask();
                let mask = start.nanos();
                first.get_or_insert(compile + session + mask);
                if timed {
                    masks.push(mask);
                    if i > 0 {
                        betweens.push(mask + advance);
                    }
                    if mask > 20_000 {
                        totals.slowest.push((mask, index, i));
                    }
                }
                let last = i == tokens.len();
                let allowed = match last {
                    true => run.may_end(end),
                    false => run.allowed(token),
                };
                if ok.is_err() || !allowed {
                    refused = Some((i, ok.err()));
                    break;
                }
                if last {
                    break;
                }
                let start = Clock::start(cpu);
                if let Err(e) = run.advance(token) {
                    refused = Some((i, Some(e)));
                    break;
                }
                advance = start.nanos();
                if timed {
                    advances.push(advance);
                }
            }
            match (&refused, instance.valid) {
                (Some((i, why)), true) => {
                    let why = why.as_ref().map_or_else(String::new, |w| format!(" ({w})"));
                    verdict =
                        Verdict::WronglyRejected(format!("token {i}: {}{why}", text(instance)));
                }
                (None, false) => verdict = Verdict::WronglyAccepted(text(instance)),
                _ => {}
            }
        }
    }
    if first.is_none() {
        let start = Clock::start(cpu);
        if let Ok(mut run) = grammar.session() {
            let _ = run.mask();
        }
        first = Some(compile + start.nanos());
    }
    firsts.extend(first);
    totals.times.insert(index, times);
    verdict
}
