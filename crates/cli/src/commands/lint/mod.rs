//! `lint`: what becomes of each keyword of a schema, what it costs, and what was probably not meant.
//!
//! What becomes of a keyword comes from the compiler itself ([`Report`]); `smells` looks at the text
//! for what is legal and unfortunate, `codes` explains everything that can be said, `sarif` writes it
//! in the form that code scanners read.

mod codes;
mod sarif;
mod smells;

use super::Manner;
use crate::args::{LintArgs, LintFormat, Order};
use crate::error::{Error, Result};
use crate::input;
use crate::output::{Out, table, thousands};
use crate::source::{format_mode, frame_options, limits};
use crate::text::Text;
use crate::vocabulary::{self, BYTES};
use codes::CODES;
use maskwright_compiler::{
    CompiledGrammar, Compiler, CostBudget, CostReport, JsonSchemaOptions, NodeCost,
};
use maskwright_grammar::Diagnostic;
use maskwright_grammar::json_schema::json::{Document, Json, ValueId};
use maskwright_grammar::json_schema::{Entry, Options, Report, Status};
use maskwright_tables::CancelFlag;
use serde_json::{Value, json};
use std::ops::Range;
use std::time::{Duration, Instant};

/// A place with more states is large.
const LARGE_STATES: usize = 2_000;
/// A place with more rows is large.
const LARGE_ROWS: usize = 2_000;
/// A place whose rows take more bytes is large.
const LARGE_BYTES: usize = 4 << 20;
/// A place whose rows take longer is large, where times are told: half of it spoils a first mask.
const LARGE_TIME: Duration = Duration::from_millis(20);
/// How many places are listed with their cost.
const COSTS_SHOWN: usize = 12;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The schema is refused.
    Error,
    /// Probably a mistake.
    Warning,
    /// Worth a thought.
    Note,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        }
    }
}

/// Something to say about a schema.
#[derive(Clone, Debug)]
pub struct Finding {
    level: Level,
    code: String,
    message: String,
    pointer: Option<String>,
    span: Option<Range<usize>>,
    help: Option<String>,
}

impl Finding {
    fn of(
        code: &str,
        message: String,
        pointer: Option<String>,
        span: Option<Range<usize>>,
    ) -> Self {
        Finding {
            level: codes::find(code).map_or(Level::Warning, |c| c.level),
            code: code.to_owned(),
            message,
            pointer,
            span,
            help: None,
        }
    }

    fn with_help(mut self, help: Option<String>) -> Self {
        self.help = help;
        self
    }

    fn of_diagnostic(diagnostic: &Diagnostic, level: Level) -> Self {
        let place = diagnostic.place.clone();
        let mut finding = Finding::of(
            diagnostic.code,
            diagnostic.message.clone(),
            place.pointer,
            place.span,
        )
        .with_help(diagnostic.help.clone());
        finding.level = level;
        finding
    }

    fn to_json(&self, text: &Text) -> Value {
        let place = self.span.as_ref().map(|s| text.position(s.start));
        json!({
            "level": self.level.name(),
            "code": self.code,
            "message": self.message,
            "pointer": self.pointer,
            "span": self.span.as_ref().map(|s| [s.start, s.end]),
            "line": place.map(|p| p.0),
            "column": place.map(|p| p.1),
            "help": self.help,
        })
    }
}

/// What was found out about a schema.
struct Linted {
    report: Report,
    /// The entries of the report in the order of the text.
    order: Vec<usize>,
    findings: Vec<Finding>,
    cost: Option<CostReport>,
}

impl Linted {
    fn keywords(&self) -> Vec<Entry<'_>> {
        let entries: Vec<_> = self.report.entries().collect();
        self.order.iter().map(|i| entries[*i].clone()).collect()
    }
}

/// Runs the command. The answer is yes if there is neither an error nor a warning.
pub fn run(args: &LintArgs, manner: Manner) -> Result<bool> {
    if let Some(code) = &args.explain {
        return explain(code, manner);
    }
    let source = args.source.as_deref().unwrap_or("-");
    let name = input::name(source);
    let bytes = input::read(source)?;
    let schema = std::str::from_utf8(&bytes).map_err(|e| {
        let at = e.valid_up_to();
        Error::new("not-utf8", format!("{name}: byte {at} is not UTF-8"))
    })?;
    let linted = lint(args, schema)?;
    let text = Text::new(name, &bytes);
    let format = match args.format {
        LintFormat::Human if manner.json => LintFormat::Json,
        format => format,
    };
    let mut out = Out::new();
    match format {
        LintFormat::Human => print(&mut out, &linted, &text, args)?,
        LintFormat::Json => out.json(&to_json(&linted, &text))?,
        LintFormat::Sarif => out.json(&sarif::log(&linted.findings, &text))?,
    }
    out.finish(linted.findings.iter().all(|f| f.level == Level::Note))
}

/// Says what a code means.
fn explain(name: &str, manner: Manner) -> Result<bool> {
    let Some(code) = codes::find(name) else {
        let known: Vec<_> = CODES.iter().map(|c| c.name).collect();
        return Err(
            Error::new("unknown-code", format!("lint never says {name}"))
                .with_help(format!("the codes are {}", known.join(", "))),
        );
    };
    let mut out = Out::new();
    if manner.json {
        out.json(&json!({
            "code": code.name,
            "level": code.level.name(),
            "short": code.short,
            "long": code.long.replace('\n', " "),
        }))?;
    } else {
        out.line(format!(
            "{} ({}): {}",
            code.name,
            code.level.name(),
            code.short
        ))?;
        out.line("")?;
        out.line(code.long)?;
    }
    out.finish(true)
}

/// Looks at a schema.
fn lint(args: &LintArgs, schema: &str) -> Result<Linted> {
    let limits = limits(args.limits);
    let default = if args.cost {
        super::artifact::DEFAULT
    } else {
        BYTES
    };
    let vocabulary = vocabulary::choose(&args.vocabulary, default)?.vocabulary;
    if args.cost {
        // Built on first use, which is no place's cost.
        vocabulary.trie();
    }
    let compiler = Compiler::new(vocabulary, limits);
    let options = JsonSchemaOptions {
        reading: Options {
            lenient: args.lenient,
            format: format_mode(args.formats),
            ..Options::default()
        },
        writing: frame_options(args.writing),
    };
    let mut findings = Vec::new();
    let start = Instant::now();
    let (report, grammar) = match compiler.json_schema_reported(schema, &options) {
        Ok(grammar) => {
            let report = grammar.report().cloned().unwrap_or_default();
            (report, Some(grammar))
        }
        Err((error, report)) => {
            let errors = error.diagnostics().iter();
            findings.extend(errors.map(|d| Finding::of_diagnostic(d, Level::Error)));
            (*report, None)
        }
    };
    let warnings = report.warnings().iter();
    findings.extend(warnings.map(|d| Finding::of_diagnostic(d, Level::Warning)));
    let compile = start.elapsed();
    let document = Document::parse(schema, &limits).ok();
    for entry in report.relaxed() {
        let reason = entry.reason.unwrap_or("it cannot be enforced");
        let message = format!("`{}` was widened: {reason}", entry.keyword);
        let span = span_at(document.as_ref(), &entry.pointer);
        let finding = Finding::of("relaxed-keyword", message, Some(entry.pointer), span);
        findings.push(finding.with_help(Some("check documents afterwards".to_owned())));
    }
    let mut cost = None;
    if let Some(grammar) = &grammar {
        unsatisfiable(grammar, document.as_ref(), &mut findings)?;
        if args.cost {
            let measured = grammar
                .cost(CostBudget::default(), &CancelFlag::new())
                .map_err(|e| Error::new("run-failed", e.to_string()))?;
            findings.extend(large(&measured, document.as_ref(), !args.no_times));
            if !args.no_times && compile > LARGE_TIME {
                let message = format!("compiling took {} ms", ms(compile));
                findings.push(
                    Finding::of("large-node", message, Some(String::new()), None).with_help(Some(
                        "the search for a document that satisfies the schema took long: narrow \
                         wide repetition in patterns that meet in one string"
                            .to_owned(),
                    )),
                );
            }
            cost = Some(measured);
        }
    }
    if let Some(document) = &document {
        let ordered = args.writing.property_order == Order::Schema;
        findings.extend(smells::smells(document, &report, ordered));
    }
    // Errors first; then in the order of the text.
    findings.sort_by_key(|f| (f.level, f.span.as_ref().map_or(usize::MAX, |s| s.start)));
    let place = |pointer: &str| span_at(document.as_ref(), pointer).map_or(usize::MAX, |s| s.start);
    let mut order: Vec<_> = report
        .entries()
        .enumerate()
        .map(|(i, e)| (place(&e.pointer), i))
        .collect();
    order.sort_unstable();
    Ok(Linted {
        order: order.into_iter().map(|(_, i)| i).collect(),
        report,
        findings,
        cost,
    })
}

/// Branches that nothing satisfies.
fn unsatisfiable(
    grammar: &CompiledGrammar,
    document: Option<&Document<'_>>,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let places = grammar
        .dead_places()
        .map_err(|e| Error::new("run-failed", e.to_string()))?;
    for pointer in places {
        let span = span_at(document, &pointer);
        let message = "no value satisfies this part of the schema".to_owned();
        let help = "look for bounds or types that exclude each other, here or beside it";
        let finding = Finding::of("unsatisfiable-branch", message, Some(pointer), span);
        findings.push(finding.with_help(Some(help.to_owned())));
    }
    Ok(())
}

/// Places that cost much.
fn large(cost: &CostReport, document: Option<&Document<'_>>, timed: bool) -> Vec<Finding> {
    let is_large = cost.nodes.iter().filter(|n| {
        n.states > LARGE_STATES
            || n.rows > LARGE_ROWS
            || n.row_bytes > LARGE_BYTES
            || timed && n.time > LARGE_TIME
    });
    let finding = is_large.map(|n| {
        let message = format!(
            "{} states, {} rows, {} bytes of token sets{}",
            thousands(n.states),
            thousands(n.rows),
            thousands(n.row_bytes),
            if timed {
                format!(", {} ms", ms(n.time))
            } else {
                String::new()
            }
        );
        let span = span_at(document, &n.pointer);
        Finding::of("large-node", message, Some(n.pointer.clone()), span).with_help(Some(
            "narrow wide repetition in patterns; tell alternatives apart early".to_owned(),
        ))
    });
    finding.collect()
}

/// The value that a JSON pointer leads to in a text; `None` for pointers into other texts.
fn value_at(document: &Document<'_>, pointer: &str) -> Option<ValueId> {
    if !pointer.is_empty() && !pointer.starts_with('/') {
        return None;
    }
    let mut at = document.root();
    for step in pointer.split('/').skip(1) {
        at = match document.value(at) {
            Json::Array(elements) => *elements.get(step.parse::<usize>().ok()?)?,
            Json::Object(_) => document.get(at, &step.replace("~1", "/").replace("~0", "~"))?,
            _ => return None,
        };
    }
    Some(at)
}

fn span_at(document: Option<&Document<'_>>, pointer: &str) -> Option<Range<usize>> {
    let document = document?;
    value_at(document, pointer).map(|v| document.span(v))
}

/// A name as a step of a JSON pointer.
fn pointer_step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A pointer for people.
fn shown(pointer: &str) -> &str {
    if pointer.is_empty() {
        "the root"
    } else {
        pointer
    }
}

fn print(out: &mut Out, linted: &Linted, text: &Text, args: &LintArgs) -> Result<()> {
    let entries = linted.keywords();
    let rows: Vec<_> = entries
        .iter()
        .map(|e| {
            let reason = e.reason.map_or_else(String::new, |r| format!("({r})"));
            vec![e.status.to_string(), e.pointer.clone(), reason]
        })
        .collect();
    for line in table(&rows, usize::MAX) {
        out.line(line)?;
    }
    if !rows.is_empty() {
        out.line("")?;
    }
    if let Some(cost) = &linted.cost {
        for line in cost_lines(cost, !args.no_times) {
            out.line(line)?;
        }
        out.line("")?;
    }
    for f in &linted.findings {
        let place = match (&f.pointer, &f.span) {
            (Some(pointer), Some(span)) => {
                let (line, column) = text.position(span.start);
                format!(" at {} (line {line}, column {column})", shown(pointer))
            }
            (Some(pointer), None) => format!(" at {}", shown(pointer)),
            (None, Some(span)) => {
                let (line, column) = text.position(span.start);
                format!(" at line {line}, column {column}")
            }
            (None, None) => String::new(),
        };
        out.line(format!(
            "{} {}{place}: {}",
            f.level.name(),
            f.code,
            f.message
        ))?;
        for help in f.help.iter().flat_map(|h| h.lines()) {
            out.line(format!("  help: {help}"))?;
        }
    }
    if !linted.findings.is_empty() {
        out.line("")?;
    }
    let of_status = |s| entries.iter().filter(|e| e.status == s).count();
    let of_level = |l| linted.findings.iter().filter(|f| f.level == l).count();
    let statuses = [
        (Status::Enforced, "enforced"),
        (Status::Annotation, "annotations"),
        (Status::Relaxed, "relaxed"),
        (Status::Refused, "refused"),
    ];
    let statuses = statuses.map(|(s, name)| format!("{} {name}", thousands(of_status(s))));
    let levels = [Level::Error, Level::Warning, Level::Note];
    let levels = levels.map(|l| format!("{} {}s", thousands(of_level(l)), l.name()));
    out.line(format!(
        "{}, {}: {} keywords: {}; {}",
        text.name(),
        linted.report.draft().name(),
        thousands(entries.len()),
        statuses.join(", "),
        levels.join(", ")
    ))
}

fn ms(time: Duration) -> String {
    format!("{:.2}", time.as_secs_f64() * 1e3)
}

/// The most expensive places and the sum.
fn cost_lines(cost: &CostReport, with_times: bool) -> Vec<String> {
    let mut nodes: Vec<_> = cost.nodes.iter().collect();
    // Counts alone where times are not told, so that the order is the same each time.
    let micros = |n: &NodeCost| {
        if with_times {
            n.time.as_micros() as usize
        } else {
            0
        }
    };
    let weight = |n: &NodeCost| n.states + n.rows + n.row_bytes / 64 + micros(n);
    // Of equals the first.
    nodes.sort_by_key(|n| std::cmp::Reverse(weight(n)));
    let heads = [
        "place",
        "states",
        "lexical states",
        "rows",
        "row bytes",
        "ms",
    ];
    let width = heads.len() - usize::from(!with_times);
    let mut rows = vec![heads.map(str::to_owned).to_vec()];
    let row = |name: &str, n: &NodeCost| {
        let mut row = vec![name.to_owned()];
        row.extend([n.states, n.lexical_states, n.rows, n.row_bytes].map(thousands));
        if n.lexical_states_cut {
            row[2].push('+');
        }
        row.push(ms(n.time));
        row
    };
    rows.extend(
        nodes
            .iter()
            .take(COSTS_SHOWN)
            .map(|n| row(shown(&n.pointer), n)),
    );
    let mut sum = NodeCost::default();
    for n in &cost.nodes {
        sum.states += n.states;
        sum.lexical_states += n.lexical_states;
        sum.lexical_states_cut |= n.lexical_states_cut;
        sum.rows += n.rows;
        sum.row_bytes += n.row_bytes;
        sum.time += n.time;
    }
    rows.push(row(
        &format!("all {} places", thousands(cost.nodes.len())),
        &sum,
    ));
    for row in &mut rows {
        row.truncate(width);
    }
    let mut lines = table(&rows, 1);
    if !cost.complete {
        lines.push("the budget ended the walk: there is more".to_owned());
    }
    lines
}

fn to_json(linted: &Linted, text: &Text) -> Value {
    let keywords = linted.keywords().into_iter().map(|e| {
        json!({
            "pointer": e.pointer,
            "keyword": e.keyword,
            "status": e.status.to_string(),
            "reason": e.reason,
        })
    });
    let cost = linted.cost.as_ref().map(|cost| {
        let nodes = cost.nodes.iter().map(|n| {
            json!({
                "pointer": n.pointer,
                "states": n.states,
                "lexical_states": n.lexical_states,
                "lexical_states_cut": n.lexical_states_cut,
                "rows": n.rows,
                "row_bytes": n.row_bytes,
                "ns": u64::try_from(n.time.as_nanos()).unwrap_or(u64::MAX),
            })
        });
        json!({ "complete": cost.complete, "nodes": nodes.collect::<Vec<_>>() })
    });
    json!({
        "file": text.name(),
        "draft": linted.report.draft().name(),
        "keywords": keywords.collect::<Vec<_>>(),
        "findings": linted.findings.iter().map(|f| f.to_json(text)).collect::<Vec<_>>(),
        "cost": cost,
    })
}
