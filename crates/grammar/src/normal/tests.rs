use super::*;
use crate::notation;

fn try_normal(text: &str) -> Result<(NormalGrammar, Vec<Diagnostic>), Diagnostics> {
    normalize(&Grammar::from_ebnf(text, &Limits::offline())?, &Limits::offline(), &CancelFlag::new())
}

/// The normal form in the notation, or the errors one a line.
fn check(text: &str) -> String {
    match try_normal(text) {
        Ok((normal, _)) => normal.to_string(),
        Err(errors) => errors.0.iter().map(|e| format!("{e}\n")).collect(),
    }
}

#[test]
fn probe() {
    for t in ["start = \"a\" start \"b\" | ;", "start = (\"a\" start | b)* ; b = \"b\"?;"] {
        println!("{}", check(t));
    }
    let _ = notation::print;
}
