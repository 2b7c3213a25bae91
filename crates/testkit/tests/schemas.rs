//! Masks of schemas against the schema oracle: what must be allowed is, what must not be is not.

mod common;

use common::bounds::{Counts, check};
use maskwright_grammar::json_schema::{self, Options};
use maskwright_tables::Limits;
use maskwright_testkit::corpus::{self, Kind};
use maskwright_testkit::oracle::Oracle;
use maskwright_testkit::oracle::schema::{Bound, grammar};

#[test]
fn masks_of_schemas_lie_between_the_bounds() {
    let mut counts = Counts::default();
    let mut failures = Vec::new();
    for entry in corpus::load()
        .into_iter()
        .filter(|e| e.kind == Kind::JsonSchema)
    {
        let texts: Vec<&[u8]> = entry.accept.iter().map(|t| t.bytes.as_slice()).collect();
        if let Err(e) = check(&entry.source, &texts, 20, &mut counts) {
            failures.push(format!("{}: {e}", entry.name));
        }
    }
    println!("{counts:?}");
    assert!(
        failures.is_empty(),
        "{}:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(counts.schemas >= 12, "{counts:?}");
}

#[test]
fn the_bounds_put_the_texts_of_the_folder_on_their_sides() {
    let mut decided = 0;
    for entry in corpus::load()
        .into_iter()
        .filter(|e| e.kind == Kind::JsonSchema)
    {
        let Ok((schema, _)) =
            json_schema::parse(&entry.source, &Options::default(), &Limits::trusted())
        else {
            panic!("{} does not parse", entry.name)
        };
        let Ok(upper) = grammar(&schema, Bound::Upper) else {
            continue;
        };
        let upper = Oracle::new(&upper).expect("a small grammar");
        for text in &entry.accept {
            assert_eq!(
                upper.accepts(&text.bytes),
                Ok(true),
                "{}/{}",
                entry.name,
                text.name
            );
            decided += 1;
        }
        let lower = Oracle::new(&grammar(&schema, Bound::Lower).expect("as the upper"))
            .expect("a small grammar");
        for text in &entry.reject {
            assert_eq!(
                lower.accepts(&text.bytes),
                Ok(false),
                "{}/{}",
                entry.name,
                text.name
            );
            decided += 1;
        }
    }
    println!("{decided} verdicts");
    assert!(decided > 100);
}
