//! Replays traces through Maskwright and published engines in one process and thread, alternating
//! case by case, and prints verdicts and times side by side; or measures Maskwright against its bars.
//!
//! ```text
//! cargo run --release --manifest-path benches/Cargo.toml -- DIR [--list core.txt] [--vocab o200k_base]
//! cargo run --release --manifest-path benches/Cargo.toml -- DIR --list core.txt --bars
//! cargo run --release --manifest-path benches/Cargo.toml -- --cliffs
//! ```
//!
//! DIR holds `files/*.json` in MaskBench's format. A trace is the instance's text in the tokens of
//! the model's own tokenizer. Time to first mask is compile plus the first mask of the first
//! session; TBM is advance plus the next mask. Masks are counted on valid and invalid instances up
//! to the refusal. Verdicts come before times; ratios compare two engines on the cases that both
//! compile. `benches/README.md` has the figures, and what each peer needs.

mod adversarial;
mod bars;
mod cliffs;
mod clock;
mod count;
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
#[cfg(feature = "plots")]
mod plots;
mod replay;
mod report;
mod stats;
mod traces;
mod vocabularies;
#[cfg(feature = "xgrammar")]
mod xgrammar;
mod zoo;

use clap::Parser;
use clock::{Clock, bytes_held};
use replay::Settings;
use report::Contender;
use stats::{Totals, Verdict};
use std::path::PathBuf;
use std::time::Duration;

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
    /// Runs the grammars of `grammars/cfg` instead.
    #[arg(long)]
    zoo: bool,
    /// Runs sources that mean harm instead.
    #[arg(long)]
    adversarial: bool,
    /// Measures Maskwright against its bars, over the same cases.
    #[arg(long)]
    bars: bool,
    /// Runs the scenarios of `benches/instructions`.
    #[arg(long)]
    count: bool,
    /// With --bars, the groups whose name contains this; else the cases.
    #[arg(long)]
    only: Option<String>,
    /// `cl100k_base`, `o200k_base`, or the path of a tokenizer file.
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
    /// Gives each case a compiler that has compiled nothing before (Maskwright only; the default is
    /// one compiler for all, as a server has it).
    #[arg(long)]
    fresh: bool,
    /// Runs each case of every engine but the first in a process of its own, and kills it after so
    /// many seconds: for engines that take minutes or crash.
    #[arg(long)]
    apart: Option<u64>,
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
    /// Writes the first engine's times into this file, a line for each series of each case: what is done is
    /// the same in every run, so the least of several runs can be taken time by time where others use the
    /// machine
    #[arg(long)]
    times: Option<PathBuf>,
    /// Writes percentile curves as SVG files into this folder (feature `plots`).
    #[arg(long)]
    plot: Option<PathBuf>,
    #[arg(long, hide = true)]
    child_engine: Option<String>,
    #[arg(long, hide = true, default_value_t = 0)]
    child_case: usize,
    #[arg(long, hide = true)]
    child_out: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    anyhow::ensure!(
        arguments.plot.is_none() || cfg!(feature = "plots"),
        "--plot needs a build with `--features plots`"
    );
    if arguments.count {
        return count::run();
    }
    // Before anything else touches the vocabulary.
    let set_up = match arguments.bars {
        true => Some(bars::SetUp::measure(&arguments.vocab)?),
        false => None,
    };
    let (vocabulary, encoder) = vocabularies::load(&arguments.vocab)?;
    let workloads = [arguments.cliffs, arguments.zoo, arguments.adversarial];
    let mut cases = match (&arguments.dir, workloads) {
        (_, [true, ..]) => cliffs::all(),
        (_, [_, true, _]) => zoo::all()?,
        (_, [.., true]) => adversarial::all(),
        (Some(dir), _) => traces::all(dir, arguments.list.as_deref(), arguments.every)?,
        (None, _) if arguments.bars => Vec::new(),
        (None, _) => anyhow::bail!("give a folder of traces, --cliffs, --zoo or --adversarial"),
    };
    if let Some(set_up) = set_up {
        let only = arguments.only.as_deref();
        bars::run(set_up, &encoder, &cases, arguments.any_order, only);
        return Ok(());
    }
    if let Some(only) = &arguments.only {
        cases.retain(|c| c.name.contains(only));
    }
    let settings = Settings {
        end: vocabulary.end_tokens()[0].0,
        passes: arguments.passes,
        cpu: arguments.cpu,
    };
    let variant = (arguments.any_order, arguments.fresh);
    let encode = |case: &traces::Case| -> Vec<Vec<u32>> {
        let instances = case.instances.iter();
        instances.map(|i| encoder.encode(&i.text)).collect()
    };
    if let (Some(name), Some(out)) = (&arguments.child_engine, &arguments.child_out) {
        let index = arguments.child_case;
        let Some(case) = cases.get(index) else {
            anyhow::bail!("no case {index}");
        };
        let mut engine = engine::set_up(name, &vocabulary, variant)?;
        let mut totals = Totals::default();
        let tokens = encode(case);
        let verdict = replay::replay(&mut *engine, &mut totals, (index, case), &tokens, settings);
        std::fs::write(out, replay::write(&verdict, totals.times.get(&index)))?;
        return Ok(());
    }
    let mut contenders: Vec<Contender> = Vec::new();
    for (i, name) in arguments.engines.iter().enumerate() {
        let apart = arguments.apart.is_some() && i > 0;
        let before = bytes_held();
        let start = Clock::start(arguments.cpu);
        let engine = match apart {
            true => None,
            false => Some(engine::set_up(name, &vocabulary, variant)?),
        };
        if !apart {
            print!(
                "{name}: vocabulary set-up {:.1} ms",
                start.nanos() as f64 / 1e6
            );
            match cfg!(feature = "memory") {
                true => println!(", {} KB", (bytes_held() - before) / 1024),
                false => println!(),
            }
        }
        contenders.push(Contender {
            name: name.clone(),
            engine,
            totals: Totals::default(),
        });
    }
    for (index, case) in cases.iter().enumerate() {
        let tokens = encode(case);
        for Contender {
            name,
            engine,
            totals,
        } in &mut contenders
        {
            let before = bytes_held();
            let verdict = match engine {
                Some(engine) => {
                    replay::replay(&mut **engine, totals, (index, case), &tokens, settings)
                }
                None => {
                    let limit = Duration::from_secs(arguments.apart.unwrap_or(0));
                    replay::replay_apart(name, totals, index, limit)
                }
            };
            totals.bytes.push(bytes_held() - before);
            if arguments.verbose && verdict != Verdict::Pass {
                println!("{name} {}: {verdict:?}", case.name);
            }
            totals.verdicts.push(verdict);
        }
    }
    for contender in &mut contenders {
        report::print_engine(contender, &cases, vocabulary.name());
    }
    report::print_ratios(&contenders);
    if let Some(file) = &arguments.times {
        std::fs::write(file, report::all_times(&cases, &contenders[0]))?;
    }
    if arguments.cases {
        report::print_cases(&cases, &contenders);
    }
    if arguments.cliffs {
        cliffs::judge(&cases, &contenders[0].totals);
    }
    #[cfg(feature = "plots")]
    if let Some(folder) = &arguments.plot {
        plots::write(folder, &contenders, vocabulary.name())?;
    }
    Ok(())
}
