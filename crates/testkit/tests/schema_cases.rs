//! The schema cases over a real vocabulary: byte by byte and token by token, in both property orders.

mod common;

use common::Spelling;
use maskwright_compiler::vocabulary::VocabularyExt;
use maskwright_compiler::{Compiler, FrameOptions, JsonSchemaOptions, Order};
use maskwright_runtime::Matcher;
use maskwright_tables::{Limits, Vocabulary};
use maskwright_testkit::cases::{self, Case};
use maskwright_testkit::corpus::Kind;
use std::path::Path;
use std::sync::Arc;

fn all() -> Vec<Case> {
    cases::load(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/schemas"))
}

/// Runs a case in one property order; returns the number of texts.
fn run(
    case: &Case,
    order: Order,
    compiler: &Compiler,
    spelling: &Spelling<'_>,
) -> Result<usize, String> {
    let (Kind::JsonSchema, schema) = case.source()? else {
        return Err("not a schema".to_owned());
    };
    let options = JsonSchemaOptions {
        writing: FrameOptions {
            order,
            ..FrameOptions::default()
        },
        ..JsonSchemaOptions::default()
    };
    let compiled = match (compiler.json_schema_with(schema, &options), &case.refused) {
        (Ok(compiled), None) => compiled,
        (Ok(_), Some(_)) => return Err("compiles".to_owned()),
        (Err(e), None) => return Err(e.to_string()),
        (Err(e), Some(refusal)) => {
            let first = &e.diagnostics()[0];
            let pointer = first.place.pointer.as_deref().unwrap_or_default();
            return if first.code == refusal.code && pointer == refusal.pointer {
                Ok(0)
            } else {
                Err(format!("refused otherwise: {e}"))
            };
        }
    };
    let report = compiled.report().ok_or("a schema without a report")?;
    let codes: Vec<&str> = report.warnings().iter().map(|w| w.code).collect();
    if codes != case.warnings {
        return Err(format!("warnings {codes:?}, not {:?}", case.warnings));
    }
    let start = Matcher::new(&compiled).map_err(|e| e.to_string())?;
    let any = order == Order::Any;
    let texts = case
        .accept
        .iter()
        .map(|t| (t, true))
        .chain(case.accept_any_order.iter().map(|t| (t, any)))
        .chain(case.reject.iter().map(|t| (t, false)));
    let mut count = 0;
    for (text, expected) in texts {
        common::same_verdict(&start, text.as_bytes(), expected, spelling)
            .map_err(|e| format!("{text}: {e}"))?;
        count += 1;
    }
    Ok(count)
}

#[test]
fn every_schema_case_holds() {
    let vocabulary = Vocabulary::cl100k_base();
    let compiler = Compiler::new(Arc::clone(&vocabulary), Limits::untrusted());
    let spelling = Spelling::new(&vocabulary);
    let cases = all();
    let (mut failures, mut texts) = (Vec::new(), 0);
    for case in &cases {
        for order in [Order::Schema, Order::Any] {
            match run(case, order, &compiler, &spelling) {
                Ok(count) => texts += count,
                Err(e) => failures.push(format!("{} in order {order:?}: {e}", case.name)),
            }
        }
    }
    println!(
        "{} cases, {texts} texts, each byte by byte and token by token",
        cases.len()
    );
    assert!(
        failures.is_empty(),
        "{} failures:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
