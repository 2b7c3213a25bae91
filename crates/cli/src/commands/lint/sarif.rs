//! Findings in the Static Analysis Results Interchange Format, version 2.1.0 (OASIS, 2020).

use super::codes::CODES;
use super::{Finding, Level};
use crate::text::Text;
use serde_json::{Value, json};

/// The levels of the format.
fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

/// A log of one run over one file.
pub fn log(findings: &[Finding], text: &Text) -> Value {
    let rules = CODES.iter().map(|code| {
        json!({
            "id": code.name,
            "shortDescription": { "text": code.short },
            "fullDescription": { "text": code.long.replace('\n', " ") },
            "defaultConfiguration": { "level": level(code.level) },
        })
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "maskwright",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": findings.iter().map(|f| result(f, text)).collect::<Vec<_>>(),
        }],
    })
}

fn result(finding: &Finding, text: &Text) -> Value {
    let message = match &finding.help {
        Some(help) => format!("{}; {}", finding.message, help.replace('\n', "; ")),
        None => finding.message.clone(),
    };
    let mut physical = json!({ "artifactLocation": { "uri": text.name() } });
    if let Some(span) = &finding.span {
        let (start, end) = (text.position(span.start), text.position(span.end));
        physical["region"] = json!({
            "startLine": start.0,
            "startColumn": start.1,
            "endLine": end.0,
            "endColumn": end.1,
            "byteOffset": span.start,
            "byteLength": span.end.saturating_sub(span.start),
        });
    }
    let mut location = json!({ "physicalLocation": physical });
    if let Some(pointer) = &finding.pointer {
        location["logicalLocations"] = json!([{ "fullyQualifiedName": pointer, "kind": "member" }]);
    }
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(finding.level),
        "message": { "text": message },
        "locations": [location],
    });
    // A rule that is not listed may not have an index.
    if let Some(index) = CODES.iter().position(|c| c.name == finding.code) {
        result["ruleIndex"] = index.into();
    }
    result
}
