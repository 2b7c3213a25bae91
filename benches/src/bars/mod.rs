//! Maskwright against its own bars: what is measured, the bar, and whether it holds.
//!
//! Each file measures one group. Times of the wall, less what reading the clock costs, the least of
//! several passes for each place in each text: other work on the machine only ever adds time. What
//! cannot be repeated (a compile, a first visit) is in processor time.

mod artifacts;
mod batches;
mod kernels;
mod memory;
mod repeats;
mod second_visit;
mod sessions;
pub mod setup;

pub use setup::SetUp;

use crate::traces::Case;
use crate::vocabularies::Encoder;
use maskwright_automata::Order;
use maskwright_compiler::{CompiledGrammar, Compiler, JsonSchemaOptions};

/// One bar.
struct Bar {
    what: &'static str,
    holds: bool,
}

/// All bars so far; each is printed when it is measured.
#[derive(Default)]
pub struct Board(Vec<Bar>);

impl Board {
    /// A figure that must not be above its bar.
    fn at_most(&mut self, what: &'static str, value: f64, bar: f64, unit: &str, detail: &str) {
        self.judge(
            what,
            value <= bar,
            &format!("{value:.3} {unit}, bar <= {bar} {unit}"),
            detail,
        );
    }

    /// A figure that must not be below its bar.
    fn at_least(&mut self, what: &'static str, value: f64, bar: f64, unit: &str, detail: &str) {
        self.judge(
            what,
            value >= bar,
            &format!("{value:.3} {unit}, bar >= {bar} {unit}"),
            detail,
        );
    }

    fn judge(&mut self, what: &'static str, holds: bool, figure: &str, detail: &str) {
        let verdict = if holds { "holds " } else { "MISSED" };
        println!(
            "{verdict} {what}: {figure}{}{detail}",
            if detail.is_empty() { "" } else { "; " }
        );
        self.0.push(Bar { what, holds });
    }

    /// A figure without a bar.
    fn note(&self, what: &str, figure: &str) {
        println!("       {what}: {figure}");
    }

    /// The tally.
    pub fn finish(&self) {
        let held = self.0.iter().filter(|b| b.holds).count();
        println!("\n{held} of {} bars hold", self.0.len());
        for bar in self.0.iter().filter(|b| !b.holds) {
            println!("  missed: {}", bar.what);
        }
    }
}

/// What the groups work on.
struct Ground<'a> {
    compiler: &'a Compiler,
    options: JsonSchemaOptions,
    cases: &'a [Case],
    /// Of each case, the tokens of each instance.
    tokens: Vec<Vec<Vec<u32>>>,
    encoder: &'a Encoder,
}

impl Ground<'_> {
    /// Compiles a case; `None` where it is refused.
    fn compile(&self, case: &Case) -> Option<CompiledGrammar> {
        crate::maskwright::compile(self.compiler, &self.options, &case.source).ok()
    }
}

/// Measures all groups whose name contains `only` over the cases; those that need none run without.
pub fn run(set_up: SetUp, encoder: &Encoder, cases: &[Case], any_order: bool, only: Option<&str>) {
    let mut options = JsonSchemaOptions::default();
    if any_order {
        options.writing.order = Order::Any;
    }
    let mut board = set_up.board;
    let ground = Ground {
        compiler: &set_up.compiler,
        options,
        cases,
        tokens: cases
            .iter()
            .map(|c| {
                c.instances
                    .iter()
                    .map(|i| encoder.encode(&i.text))
                    .collect()
            })
            .collect(),
        encoder,
    };
    type Group = fn(&mut Board, &Ground<'_>);
    let groups: [(&str, Group); 7] = [
        ("second visit", second_visit::run),
        ("batches", batches::run),
        ("sessions", sessions::run),
        ("kernels", kernels::run),
        ("artifacts", artifacts::run),
        ("repeats", repeats::run),
        ("memory", memory::run),
    ];
    for (name, group) in groups {
        if only.is_none_or(|o| name.contains(o)) {
            println!("\n{name}");
            group(&mut board, &ground);
        }
    }
    board.finish();
}

/// Of sorted values, the one at this share, in the same unit.
fn at(sorted: &[u64], share: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    sorted
        .get((last as f64 * share) as usize)
        .map_or(0.0, |v| *v as f64)
}

/// Median, p99 and greatest of sorted nanoseconds, in microseconds.
fn spread(sorted: &[u64]) -> String {
    let us = |share| at(sorted, share) / 1e3;
    format!(
        "p50 {:.2} µs, p99 {:.2} µs, max {:.2} µs",
        us(0.5),
        us(0.99),
        us(1.0)
    )
}
