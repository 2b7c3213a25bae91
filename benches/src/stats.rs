//! What one engine did, and tables of it.

use std::collections::BTreeMap;

/// The quantities that are measured, in table order.
pub const SERIES: [&str; 5] = ["compile", "first mask", "mask", "advance", "TBM"];

/// The columns: a label and a quantile; the mean is computed apart.
const QUANTILES: [(&str, f64); 8] = [
    ("p25", 0.25),
    ("p50", 0.5),
    ("p75", 0.75),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("max", 1.0),
];

/// Nanoseconds of one file, by series.
#[derive(Clone, Debug, Default)]
pub struct Times(pub [Vec<u64>; SERIES.len()]);

/// How an engine did on one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every instance got the right answer.
    Pass,
    /// The source was not compiled.
    Refused(String),
    /// An invalid instance was accepted.
    WronglyAccepted(String),
    /// A valid instance was refused.
    WronglyRejected(String),
}

/// What one engine did.
#[derive(Debug, Default)]
pub struct Totals {
    /// Of cases, by index: those that were compiled.
    pub times: BTreeMap<usize, Times>,
    /// Of cases.
    pub verdicts: Vec<Verdict>,
    /// Masks of more than 20 µs: time, case, token.
    pub slowest: Vec<(u64, usize, usize)>,
    /// Bytes held after a case that were not held before it, by case.
    pub bytes: Vec<isize>,
}

impl Totals {
    /// The verdict counts in one line.
    pub fn verdict_line(&self) -> String {
        let count = |f: &dyn Fn(&Verdict) -> bool| self.verdicts.iter().filter(|v| f(v)).count();
        format!(
            "pass {}  refused {}  wrongly accepted {}  wrongly rejected {}",
            count(&|v| *v == Verdict::Pass),
            count(&|v| matches!(v, Verdict::Refused(_))),
            count(&|v| matches!(v, Verdict::WronglyAccepted(_))),
            count(&|v| matches!(v, Verdict::WronglyRejected(_))),
        )
    }

    /// Adds the slow masks of a case that was replayed elsewhere, by their index among all its masks.
    pub fn slow_masks(&mut self, case: usize, times: &Times) {
        let slow = times.0[2]
            .iter()
            .enumerate()
            .filter(|(_, ns)| **ns > 20_000);
        self.slowest.extend(slow.map(|(i, ns)| (*ns, case, i)));
    }

    /// All times of a series over the cases that `keep` lets through, sorted.
    pub fn series(&self, series: usize, keep: &dyn Fn(usize) -> bool) -> Vec<u64> {
        let kept = self.times.iter().filter(|(i, _)| keep(**i));
        let mut all: Vec<u64> = kept
            .flat_map(|(_, t)| t.0[series].iter().copied())
            .collect();
        all.sort_unstable();
        all
    }
}

/// Mean and quantiles of sorted values, in nanoseconds.
pub fn summary(sorted: &[u64]) -> Option<Vec<f64>> {
    let last = sorted.len().checked_sub(1)?;
    let mean = sorted.iter().sum::<u64>() as f64 / sorted.len() as f64;
    let at = |q: f64| sorted[(last as f64 * q) as usize] as f64;
    Some(
        std::iter::once(mean)
            .chain(QUANTILES.iter().map(|q| at(q.1)))
            .collect(),
    )
}

/// The head of a table.
pub fn head(first: &str) -> String {
    let mut line = format!("  {first:<12} {:>8} {:>9}", "count", "mean");
    for (label, _) in QUANTILES {
        line += &format!(" {label:>9}");
    }
    line
}

/// One line of a table: values in µs.
pub fn line(label: &str, sorted: &[u64]) -> String {
    let mut line = format!("  {label:<12} {:>8}", sorted.len());
    for value in summary(sorted).unwrap_or_default() {
        line += &format!(" {:>9.2}", value / 1e3);
    }
    line
}

/// One line of ratios, `theirs / ours`.
pub fn ratio_line(label: &str, ours: &[u64], theirs: &[u64]) -> String {
    let mut line = format!("  {label:<12} {:>8}", "");
    if let (Some(ours), Some(theirs)) = (summary(ours), summary(theirs)) {
        for (a, b) in ours.iter().zip(theirs) {
            line += &format!(" {:>8.2}x", b / a.max(1.0));
        }
    }
    line
}
