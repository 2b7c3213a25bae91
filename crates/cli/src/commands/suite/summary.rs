//! Counts and times of a whole run, for people: as text, and as Markdown between marker lines.

use super::corpus::CorpusFile;
use super::verdict::{Row, Times, Verdict};
use crate::args::SuiteFormat;
use crate::error::{Error, Result};
use crate::input;
use crate::output::{table, thousands};
use std::collections::BTreeMap;
use std::fs;

/// First masks that take longer are listed.
const SLOW_NS: u64 = 50_000_000;
/// So many of them.
const SLOW_SHOWN: usize = 10;

/// How many there are of each verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts([usize; Verdict::ALL.len()]);

impl Counts {
    fn add(&mut self, verdict: Verdict) {
        self.0[verdict as usize] += 1;
    }

    fn get(&self, verdict: Verdict) -> usize {
        self.0[verdict as usize]
    }

    fn all(&self) -> usize {
        self.0.iter().sum()
    }

    fn cells(&self, name: &str) -> Vec<String> {
        let counts = Verdict::ALL.map(|v| thousands(self.get(v)));
        let head = [name.to_owned(), thousands(self.all())];
        head.into_iter().chain(counts).collect()
    }
}

/// The counts of a run.
#[derive(Debug)]
pub struct Summary<'a> {
    format: SuiteFormat,
    files: &'a [CorpusFile],
    all: Counts,
    with_tests: Counts,
    groups: BTreeMap<&'a str, Counts>,
    parts: BTreeMap<&'a str, Counts>,
    codes: BTreeMap<(Verdict, String), usize>,
    slow: Vec<(u64, usize)>,
}

impl<'a> Summary<'a> {
    /// Of no rows yet.
    pub fn new(format: SuiteFormat, files: &'a [CorpusFile]) -> Self {
        Summary {
            format,
            files,
            all: Counts::default(),
            with_tests: Counts::default(),
            groups: BTreeMap::new(),
            parts: BTreeMap::new(),
            codes: BTreeMap::new(),
            slow: Vec::new(),
        }
    }

    /// Counts a row.
    pub fn add(&mut self, row: &Row) {
        let file = &self.files[row.file];
        let verdict = row.line.verdict;
        self.all.add(verdict);
        if row.has_tests {
            self.with_tests.add(verdict);
        }
        self.groups.entry(&file.group).or_default().add(verdict);
        if let Some(part) = &file.part {
            self.parts.entry(part).or_default().add(verdict);
        }
        if verdict != Verdict::Pass {
            let code = row.line.code.clone().unwrap_or_default();
            *self.codes.entry((verdict, code)).or_default() += 1;
        }
        if let Some(ns) = row.line.first_mask_ns.filter(|ns| *ns > SLOW_NS) {
            let entry = (ns, row.file);
            // The cases of one schema share its time.
            if self.slow.last() != Some(&entry) {
                self.slow.push(entry);
            }
        }
    }

    /// Whether all rows pass.
    pub fn all_pass(&self) -> bool {
        self.all.get(Verdict::Pass) == self.all.all()
    }

    /// The tables of counts: a heading row each.
    fn tables(&self) -> Vec<Vec<Vec<String>>> {
        let (unit, group) = match self.format {
            SuiteFormat::Maskbench => ("files", "source set"),
            SuiteFormat::JsonSchemaTestSuite => ("cases", "keyword"),
        };
        let head = |name: &str| {
            let verdicts = Verdict::ALL.map(|v| v.name().replace('_', " "));
            let names = [name.to_owned(), unit.to_owned()];
            names.into_iter().chain(verdicts).collect::<Vec<_>>()
        };
        let rows = |counts: &BTreeMap<&str, Counts>| -> Vec<_> {
            counts.iter().map(|(name, c)| c.cells(name)).collect()
        };
        let mut groups = vec![head(group)];
        groups.extend(rows(&self.groups));
        match self.format {
            SuiteFormat::Maskbench => {
                groups.push(self.all.cells("all"));
                groups.push(self.with_tests.cells("those with tests"));
                vec![groups]
            }
            SuiteFormat::JsonSchemaTestSuite => {
                let mut parts = vec![head("draft and part")];
                parts.extend(rows(&self.parts));
                parts.push(self.all.cells("all"));
                vec![groups, parts]
            }
        }
    }

    /// The lines for people; `times` are left out where they would differ from run to run.
    pub fn lines(&self, times: Option<&mut Times>) -> Vec<String> {
        let mut lines = Vec::new();
        for rows in self.tables() {
            lines.extend(table(&rows, 1));
            lines.push(String::new());
        }
        if !self.codes.is_empty() {
            let rows: Vec<_> = self
                .codes
                .iter()
                .map(|((v, code), n)| vec![v.name().replace('_', " "), code.clone(), thousands(*n)])
                .collect();
            lines.extend(table(&rows, 2));
            lines.push(String::new());
        }
        if let Some(times) = times {
            lines.extend(time_lines(times));
            let slow = self.slow.len();
            lines.push(format!(
                "{slow} over {} ms to the first mask",
                SLOW_NS / 1_000_000
            ));
            let mut slowest = self.slow.clone();
            slowest.sort_by(|a, b| b.cmp(a));
            for (ns, file) in slowest.into_iter().take(SLOW_SHOWN) {
                let ms = ns as f64 / 1e6;
                lines.push(format!("  {ms:.1} ms  {}", self.files[file].name));
            }
        }
        while lines.last().is_some_and(String::is_empty) {
            lines.pop();
        }
        lines
    }

    /// The table for a README: parts of the official suite, or source sets.
    fn markdown(&self) -> String {
        let rows = self.tables().pop().unwrap_or_default();
        let mut out = String::new();
        for (i, row) in rows.iter().enumerate() {
            out.push_str(&format!("| {} |\n", row.join(" | ")));
            if i == 0 {
                let numbers = "---:|".repeat(row.len() - 1);
                out.push_str(&format!("|---|{numbers}\n"));
            }
        }
        out
    }

    /// Puts the table between the marker lines of a file.
    pub fn write_markdown(&self, path: &str) -> Result<()> {
        let text = String::from_utf8_lossy(&input::read(path)?).into_owned();
        let name = match self.format {
            SuiteFormat::Maskbench => "maskbench",
            SuiteFormat::JsonSchemaTestSuite => "json-schema-test-suite",
        };
        let (begin, end) = (
            format!("<!-- suite:{name}:begin -->\n"),
            format!("<!-- suite:{name}:end -->"),
        );
        let Some(new) = between(&text, &begin, &end, &self.markdown()) else {
            return Err(Error::new(
                "no-markers",
                format!(
                    "{path} does not hold {} and, after it, {end}",
                    begin.trim_end()
                ),
            )
            .with_help("put both on lines of their own where the table should be"));
        };
        fs::write(path, new).map_err(|e| Error::file("cannot-write", path, &e))
    }
}

/// The text with what stands between two markers replaced.
fn between(text: &str, begin: &str, end: &str, new: &str) -> Option<String> {
    let (before, rest) = text.split_once(begin)?;
    let (_, after) = rest.split_once(end)?;
    Some(format!("{before}{begin}{new}{end}{after}"))
}

fn time_lines(times: &mut Times) -> Vec<String> {
    let head = ["µs", "count", "mean", "p50", "p90", "p99", "p99.9", "max"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (name, list) in [
        ("compile", &mut times.compile),
        ("first mask", &mut times.first_mask),
        ("mask", &mut times.mask),
        ("advance", &mut times.advance),
        ("advance and mask", &mut times.between),
    ] {
        if list.is_empty() {
            continue;
        }
        list.sort_unstable();
        let mean = list.iter().map(|ns| *ns as f64).sum::<f64>() / list.len() as f64;
        let at = [50.0, 90.0, 99.0, 99.9, 100.0].map(|p| percentile(list, p) as f64);
        let numbers = [mean].into_iter().chain(at);
        let mut row = vec![name.to_owned(), thousands(list.len())];
        row.extend(numbers.map(|ns| format!("{:.1}", ns / 1e3)));
        rows.push(row);
    }
    table(&rows, 1)
}

/// The smallest value that so many per cent of a sorted list do not exceed.
fn percentile(sorted: &[u64], percent: f64) -> u64 {
    let rank = (sorted.len() as f64 * percent / 100.0).ceil() as usize;
    sorted
        .get(rank.clamp(1, sorted.len().max(1)) - 1)
        .copied()
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let list: Vec<u64> = (1..=100).collect();
        assert_eq!(percentile(&list, 50.0), 50);
        assert_eq!(percentile(&list, 99.0), 99);
        assert_eq!(percentile(&list, 99.9), 100);
        assert_eq!(percentile(&[7], 50.0), 7);
        assert_eq!(percentile(&[], 50.0), 0);
    }

    #[test]
    fn markers_stay() {
        let text = "a\n<b>\nold\n<e>\nz";
        let once = between(text, "<b>\n", "<e>", "new\n").unwrap();
        assert_eq!(once, "a\n<b>\nnew\n<e>\nz");
        assert_eq!(between(&once, "<b>\n", "<e>", "new\n").unwrap(), once);
        assert!(between("<e><b>\n", "<b>\n", "<e>", "").is_none());
    }
}
