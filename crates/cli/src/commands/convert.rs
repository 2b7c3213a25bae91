//! `convert`: grammars of other notations, and regexes, as Maskwright's EBNF.

use super::Manner;
use crate::args::{ConvertArgs, Kind};
use crate::error::{self, Error, Result};
use crate::input;
use crate::output::Out;
use crate::source::{dialect, kind_of, limits, strip_line_end};
use crate::text::Text;
use maskwright_grammar::notation::{self, Parsed};
use maskwright_grammar::pattern::Dialect;
use maskwright_grammar::{Diagnostics, Grammar, Place, RegexNode, RegexPool, json_schema};
use maskwright_tables::Limits;
use miette::Severity;
use serde_json::json;

/// Runs the command.
pub fn run(args: &ConvertArgs, manner: Manner) -> Result<bool> {
    let name = input::name(&args.source);
    let bytes = input::read(&args.source)?;
    let kind = match args.kind {
        Some(kind) => kind,
        None => kind_of(&args.source)?,
    };
    let source = std::str::from_utf8(&bytes).map_err(|e| {
        let at = e.valid_up_to();
        Error::new("not-utf8", format!("{name}: byte {at} is not UTF-8"))
    })?;
    let parsed = parse(source, kind, dialect(args.dialect), &limits(args.limits))
        .ok_or_else(|| {
            Error::new(
                "not-a-grammar",
                format!("{name} is no grammar, regex or schema, so it cannot be converted"),
            )
            .with_help("convert reads .ebnf, .gbnf, .lark, .regex and .json; lists are compiled as they are")
        })?
        .map_err(|e| Error::Said(Some(Box::new(Text::new(name, &bytes))), e.0))?;
    if !manner.quiet {
        let text = Text::new(name, &bytes);
        for warning in &parsed.warnings {
            error::show(Some(&text), warning, Severity::Warning);
        }
    }
    let printed = notation::print(&parsed.grammar);
    let mut out = Out::new();
    if manner.json {
        let warnings: Vec<_> = parsed.warnings.iter().map(error::to_json).collect();
        out.json(&json!({ "source": name, "grammar": printed, "warnings": warnings }))?;
    } else {
        out.bytes(printed.as_bytes())?;
    }
    out.finish(true)
}

/// The grammar of a schema's documents, which takes the schema as it is.
fn schema(source: &str, limits: &Limits) -> std::result::Result<Parsed, Diagnostics> {
    let (_, report) = json_schema::parse(source, &json_schema::Options::default(), limits)?;
    let mut regexes = RegexPool::new();
    let regex = regexes.add(RegexNode::Json(source.trim().into()));
    let place = Place::span(0..source.len());
    let grammar = Grammar::of_regex(regexes, regex, "document", place);
    Ok(Parsed {
        grammar,
        warnings: report.warnings().to_vec(),
    })
}

/// The grammar of a source; `None` for what is none.
fn parse(
    source: &str,
    kind: Kind,
    dialect: Dialect,
    limits: &Limits,
) -> Option<std::result::Result<Parsed, Diagnostics>> {
    Some(match kind {
        Kind::Ebnf => notation::parse(source, limits),
        Kind::Gbnf => notation::parse_gbnf(source, limits),
        Kind::Lark => notation::parse_lark(source, limits),
        Kind::Regex => {
            Grammar::from_regex_in(strip_line_end(source), dialect, limits).map(|grammar| Parsed {
                grammar,
                warnings: Vec::new(),
            })
        }
        Kind::JsonSchema => schema(source, limits),
        Kind::Items | Kind::Ids | Kind::Artifact => return None,
    })
}
