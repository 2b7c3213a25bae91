//! The `grammars/` folder: that it is complete and, for schemas, on the right side by the judgement
//! of another library.

use maskwright_testkit::corpus::{self, Kind};
use maskwright_testkit::validate::{Validator, parse_strictly};

#[test]
fn every_kind_has_enough_grammars_and_every_grammar_enough_texts() {
    let entries = corpus::load();
    for (kind, least) in [(Kind::JsonSchema, 12), (Kind::Cfg, 8), (Kind::Regex, 6)] {
        let of_kind = entries.iter().filter(|e| e.kind == kind).count();
        assert!(of_kind >= least, "{kind:?}: {of_kind}");
    }
    for entry in &entries {
        let (accept, reject) = if entry.kind == Kind::JsonSchema {
            (3, 4)
        } else {
            (2, 3)
        };
        assert!(
            entry.accept.len() >= accept && entry.reject.len() >= reject,
            "{}",
            entry.name
        );
    }
}

#[test]
fn documents_are_on_the_side_that_the_jsonschema_crate_puts_them() {
    let (mut accepted, mut rejected, mut spelling) = (0, 0, 0);
    for entry in corpus::load()
        .into_iter()
        .filter(|e| e.kind == Kind::JsonSchema)
    {
        let validator =
            Validator::new(&entry.source).unwrap_or_else(|e| panic!("{}: {e}", entry.name));
        for text in &entry.accept {
            validator
                .validate(&text.bytes)
                .unwrap_or_else(|e| panic!("{}/{}: {e}", entry.name, text.name));
            accepted += 1;
        }
        for text in &entry.reject {
            if text.is_about_spelling() {
                let value: serde_json::Value = serde_json::from_slice(&text.bytes).expect("JSON");
                assert!(
                    validator.is_valid(&value),
                    "{}/{} is invalid in itself",
                    entry.name,
                    text.name
                );
                spelling += 1;
            } else {
                assert!(
                    validator.validate(&text.bytes).is_err(),
                    "{}/{} is valid",
                    entry.name,
                    text.name
                );
            }
            rejected += 1;
        }
    }
    println!("{accepted} accepted, {rejected} rejected ({spelling} for their spelling)");
    assert!(parse_strictly(b"{\"a\":1,\"a\":1}").is_err());
}
