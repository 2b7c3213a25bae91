//! The tables that a run prints.

use crate::engine::Engine;
use crate::stats::{self, SERIES, Totals, Verdict};
use crate::traces::Case;

/// An engine, or its name where it runs in processes of its own; and what it did.
pub struct Contender {
    /// The name in tables.
    pub name: String,
    /// The engine in this process.
    pub engine: Option<Box<dyn Engine>>,
    /// What it did.
    pub totals: Totals,
}

/// Verdicts, times and the slowest places of one engine.
pub fn print_engine(contender: &mut Contender, cases: &[Case], vocabulary: &str) {
    let totals = &mut contender.totals;
    println!(
        "\n{} over {} cases, {vocabulary}",
        contender.name,
        cases.len()
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
        let us = *ns as f64 / 1e3;
        println!("  slow first mask {us:>9.1} µs  {}", cases[*case].name);
    }
    totals.slowest.sort_unstable();
    for (ns, case, token) in totals.slowest.iter().rev().take(10) {
        let us = *ns as f64 / 1e3;
        println!(
            "  slow mask {us:>9.1} µs  {} token {token}",
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

/// Ratios of each engine to the first, on the cases that both compile.
pub fn print_ratios(contenders: &[Contender]) {
    let [ours, peers @ ..] = contenders else {
        return;
    };
    for peer in peers {
        let (us, them) = (&ours.totals, &peer.totals);
        let both = |i: usize| us.times.contains_key(&i) && them.times.contains_key(&i);
        let common = us.times.keys().filter(|i| both(**i)).count();
        println!(
            "\n{} / {} on the {common} cases that both compile",
            peer.name, ours.name
        );
        println!("{}", stats::head("ratio"));
        for (series, label) in SERIES.iter().enumerate() {
            let (a, b) = (us.series(series, &both), them.series(series, &both));
            println!("{}", stats::ratio_line(label, &a, &b));
        }
    }
}

/// All times of an engine in nanoseconds: a line for each series of each case.
pub fn all_times(cases: &[Case], contender: &Contender) -> String {
    let mut out = String::new();
    for (i, case) in cases.iter().enumerate() {
        let times = contender.totals.times.get(&i);
        for (name, series) in SERIES.iter().zip(times.iter().flat_map(|t| &t.0)) {
            let numbers: Vec<String> = series.iter().map(u64::to_string).collect();
            out += &format!("{}\t{name}\t{}\n", case.name, numbers.join(" "));
        }
    }
    out
}

/// One line a case: first mask, mean and greatest mask of each engine.
pub fn print_cases(cases: &[Case], contenders: &[Contender]) {
    println!("\nfirst mask, mean and greatest mask in µs");
    print!("  {:<44}", "");
    for contender in contenders {
        print!(" {:>30}", contender.name);
    }
    println!();
    for (i, case) in cases.iter().enumerate() {
        print!("  {:<44}", case.name);
        for Contender { totals, .. } in contenders {
            let shown = match (totals.times.get(&i), &totals.verdicts[i]) {
                (Some(times), verdict) => {
                    let us = |ns: u64| ns as f64 / 1e3;
                    let masks = &times.0[2];
                    let mean = masks.iter().sum::<u64>() as f64 / masks.len().max(1) as f64;
                    let max = masks.iter().max().copied().unwrap_or(0);
                    let wrong = if *verdict == Verdict::Pass { "" } else { "!" };
                    let first = times.0[1].first().copied().unwrap_or(0);
                    format!("{wrong}{:.0} {:.1} {:.0}", us(first), mean / 1e3, us(max))
                }
                (None, Verdict::Refused(why)) if why.starts_with("not done") => why.clone(),
                (None, _) => "refused".into(),
            };
            print!(" {shown:>30}");
        }
        println!();
    }
}
