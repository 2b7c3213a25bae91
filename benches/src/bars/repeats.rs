//! Repeated schemas: the same text again, and the same schema as a part of another.

use super::{Board, Ground, spread};
use crate::clock::cpu;
use crate::engine::Source;
use crate::traces::Case;
use maskwright_compiler::Compiler;
use maskwright_runtime::Matcher;
use maskwright_tables::TokenId;
use serde_json::Value;
use std::sync::Arc;

/// Compile and first mask, then the masks of the first instance, of a schema under a compiler.
fn visit(
    compiler: &Compiler,
    ground: &Ground<'_>,
    schema: &Source,
    text: &str,
    masks: &mut Vec<u64>,
) -> Option<u64> {
    let mut mask = vec![0; compiler.vocabulary().mask_words()];
    let (matcher, first) = cpu(|| {
        let grammar = crate::maskwright::compile(compiler, &ground.options, schema).ok()?;
        let matcher = Matcher::new(&grammar).ok()?;
        matcher.fill_mask(&mut mask).ok()?;
        Some(matcher)
    });
    let mut matcher = matcher?;
    for token in ground.encoder.encode(text) {
        let (filled, ns) = cpu(|| matcher.fill_mask(&mut mask));
        if filled.is_err() || matcher.advance(TokenId(token)).is_err() {
            break;
        }
        masks.push(ns);
    }
    Some(first)
}

pub(super) fn run(board: &mut Board, ground: &Ground<'_>) {
    const LABELS: [&str; 3] = [
        "a new compiler",
        "the same text again",
        "as a part of another schema",
    ];
    let mut firsts: [Vec<u64>; 3] = Default::default();
    let mut masks: [Vec<u64>; 3] = Default::default();
    // References are relative to the whole schema: such a schema is no part of another as it stands.
    let with_text = ground.cases.iter().filter_map(|c: &Case| match &c.source {
        Source::Schema(s) if !s.contains("\"$ref\"") && !s.contains("\"$id\"") => {
            Some((s, c.instances.iter().find(|i| i.valid)?))
        }
        _ => None,
    });
    for (schema, instance) in with_text.step_by(3) {
        let limits = *ground.compiler.limits();
        let compiler = Compiler::new(Arc::clone(ground.compiler.vocabulary()), limits);
        let whole = Source::Schema(schema.clone());
        let Ok(inner) = serde_json::from_str::<Value>(schema) else {
            continue;
        };
        let around = serde_json::json!({
            "type": "object",
            "properties": { "id": { "type": "integer" }, "part": inner },
            "required": ["id", "part"],
        });
        let around = Source::Schema(around.to_string());
        let wrapped = format!("{{\"id\": 7, \"part\": {}}}", instance.text);
        let runs = [
            (&whole, &instance.text),
            (&whole, &instance.text),
            (&around, &wrapped),
        ];
        for (i, (schema, text)) in runs.into_iter().enumerate() {
            firsts[i].extend(visit(&compiler, ground, schema, text, &mut masks[i]));
        }
    }
    for (i, label) in LABELS.iter().enumerate() {
        firsts[i].sort_unstable();
        masks[i].sort_unstable();
        board.note(
            label,
            &format!(
                "compile and first mask {}; masks {} ({} schemas)",
                spread(&firsts[i]),
                spread(&masks[i]),
                firsts[i].len()
            ),
        );
    }
}
