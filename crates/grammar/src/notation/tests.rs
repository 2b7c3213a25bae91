//! Tests of the notation: text to IR and back.

use super::{parse, print};
use crate::{Expr, Grammar};
use maskwright_tables::Limits;

/// The grammar as printed, or the errors one a line.
fn check(text: &str) -> String {
    match parse(text, &Limits::default()) {
        Ok(parsed) => print(&parsed.grammar),
        Err(errors) => errors.0.iter().map(|e| format!("{e}\n")).collect(),
    }
}

#[test]
fn the_three_define_signs_and_optional_semicolons_mean_the_same() {
    let expected = check("start = a \"x\" ; a = \"y\" ;");
    assert_eq!(expected, "%start start ;\nstart = a \"x\" ;\na = \"y\" ;\n");
    assert_eq!(check("start ::= a \"x\"\na ::= \"y\""), expected);
    assert_eq!(
        check("a: 'y' start: a 'x' %start start"),
        "%start start ;\na = \"y\" ;\nstart = a \"x\" ;\n"
    );
}

#[test]
fn operators_bind_as_documented() {
    assert_eq!(
        check(r#"start = "a" "b"* | ("c" | "d"){2,3} ~"e"+ & [a-z] ~~"f" | ;"#),
        "%start start ;\nstart = \"a\" \"b\"* | (\"c\" | \"d\"){2,3} ~\"e\"+ & [a-z] ~~\"f\" | () ;\n"
    );
}

#[test]
fn names_in_capitals_are_terminals_when_they_are_regular() {
    let grammar = Grammar::from_ebnf(
        r#"start = INT "+" INT | E ; INT = DIGIT+ ; DIGIT = [0-9] ; E = E "x" | INT ; UNUSED = "u" ;"#,
        &Limits::default(),
    )
    .unwrap();
    let rules: Vec<_> = grammar.rules.iter().map(|r| r.name.as_str()).collect();
    let terminals: Vec<_> = grammar.terminals.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(rules, ["start", "E"]);
    assert_eq!(terminals, ["INT", "\"+\"", "\"x\""]);
}

#[test]
fn a_recursive_name_in_capitals_is_reported_where_text_is_ignored() {
    let parsed = parse("S = \"a\" S | ; %ignore / /", &Limits::default()).unwrap();
    assert_eq!(parsed.warnings.len(), 1);
    assert_eq!(parsed.warnings[0].code, "not-a-terminal");
}

#[test]
fn the_start_rule_is_the_directive_or_start_or_the_first() {
    let start = |text: &str| {
        let g = Grammar::from_ebnf(text, &Limits::default()).unwrap();
        g.rules[g.start.unwrap().0 as usize].name.clone()
    };
    assert_eq!(start("a = \"x\" ; start = a ;"), "start");
    assert_eq!(start("a = \"x\" ; b = a ;"), "a");
    assert_eq!(start("a = \"x\" ; b = a ; %start b ;"), "b");
    assert_eq!(start("NUM = [0-9] ; b = NUM ;"), "NUM");
}

#[test]
fn every_duplicate_and_undefined_name_is_listed_with_its_place() {
    assert_eq!(
        check("start = a | b | a ; start = c ; %start d"),
        "duplicate-rule: `start` is already defined at bytes 0..5 at bytes 20..25\n\
         undefined-rule: `a` is used but not defined at bytes 8..9\n\
         undefined-rule: `b` is used but not defined at bytes 12..13\n\
         undefined-rule: `c` is used but not defined at bytes 28..29\n\
         undefined-rule: `d` is used but not defined at bytes 39..40\n"
    );
    let errors = parse(
        "start = expresion ; expression = \"x\" ;",
        &Limits::default(),
    )
    .unwrap_err();
    assert_eq!(
        errors.0[0].help.as_deref(),
        Some("did you mean `expression`?")
    );
}

#[test]
fn syntax_errors_say_what_does_not_fit() {
    for (text, expected) in [
        ("", "no-rules: the grammar has no rules"),
        (
            "= \"a\" ;",
            "syntax-error: `=` without the name of a rule before it",
        ),
        ("a = ( \"x\" ;", "syntax-error: `;` comes too early"),
        ("a = \"x\" ) ;", "syntax-error: `)` without a `(` before it"),
        ("a = * \"x\" ;", "syntax-error: `*` has nothing to repeat"),
        (
            "a = ( \"x\"\nb = \"y\"",
            "syntax-error: the rule `b` begins before the one above is complete",
        ),
        (
            "a = ( \"x\"",
            "syntax-error: the text ends in the middle of a rule",
        ),
        (
            "a = \"x\"{3,2} ;",
            "invalid-repeat: at least 3 and at most 2 copies",
        ),
        (
            "a = \"x\"{99999999999} ;",
            "invalid-repeat: the repeat count 99999999999 is too large",
        ),
        (
            "a = \"x\" %import b ;",
            "invalid-character: `%` means nothing here",
        ),
        (
            "a = [z-a] ;",
            "invalid-regex: invalid character class range",
        ),
        ("a = /(/ ;", "invalid-regex: unclosed group at bytes 5..6"),
        ("a = /x/q ;", "invalid-regex: there is no flag `q`"),
        ("a = ~b ; b = \"x\" b ;", "not-a-terminal: `b` is a rule"),
        (
            "a = \"x\" ; %ignore a ;",
            "not-a-terminal: only terminals can be ignored",
        ),
        (
            "a = \"\\q\" ;",
            "invalid-escape: there is no such escape at bytes 5..7",
        ),
        (
            "a = \"x\" ; %start a %start a",
            "duplicate-start: there is more than one `%start`",
        ),
    ] {
        let message = check(text);
        assert!(message.starts_with(expected), "{text:?} gives {message:?}");
    }
}

#[test]
fn printed_grammars_parse_back_to_what_prints_the_same() {
    for text in [
        "start = \"a\" start \"b\" | ;",
        "start = A (B | \"c\"?)* ; A = [a-z^\\]\\\\-]+ ; B = A & ~(\"if\" | \"else\") ; %ignore /[ \\t]+/ ; %ignore /#.*/",
        "start = @json_string([a-z]{2,5}) | /(?-u:[\\x80-\\xff]a\\xff)/ | [^\\x{0}-\\x{10FFFF}] ;",
        "start = ~(\"a\" \"b\")* \"\" ;",
        "S = \"\\\"\\\\\\n\\u{0}\" S | T ; T = S T | \"x\"{3} ;",
        "start = /a+b|c(d|e){2,}/ \"x\" /a+b|c(d|e){2,}/ Y; Y = /(a|b)*c(a|b)*/ /(a|b)*c(a|b)*/ ;",
    ] {
        let once = check(text);
        assert!(once.starts_with("%start"), "{text} gives {once}");
        assert_eq!(check(&once), once, "from {text}");
    }
}

#[test]
fn printing_a_shared_graph_stays_small() {
    // Doubling eighty times: a tree of 2^80 leaves, a graph of 81 nodes.
    let mut grammar = Grammar::from_regex("ab", &Limits::default()).unwrap();
    let mut id = grammar.terminals[0].regex;
    for _ in 0..80 {
        id = grammar.regexes.concat([id, id]);
    }
    grammar.terminals[0].regex = id;
    let text = print(&grammar);
    assert!(text.len() < 10_000);
    assert_eq!(check(&text), text);
}

#[test]
fn sixty_thousand_nested_groups_are_an_error_or_work() {
    let deep = format!(
        "start = {}\"a\"{} ;",
        "(".repeat(60_000),
        ")".repeat(60_000)
    );
    let error = parse(&deep, &Limits::untrusted()).unwrap_err();
    assert_eq!(
        error.0[0].limit.as_ref().unwrap().stage,
        "notation nesting depth"
    );
    let grammar = parse(&deep, &Limits::offline()).unwrap().grammar;
    assert!(matches!(
        grammar.expr(grammar.rules[0].expr),
        Expr::Terminal(_)
    ));
    let deep = format!(
        "start = {}\"a\"{} ;",
        "(\"b\" ".repeat(60_000),
        "| )".repeat(60_000)
    );
    let grammar = parse(&deep, &Limits::offline()).unwrap().grammar;
    assert_eq!(
        parse(&print(&grammar), &Limits::offline())
            .unwrap()
            .grammar
            .exprs
            .len(),
        grammar.exprs.len()
    );
    parse(
        &format!("start = {}\"a\" ;", "~".repeat(100_000)),
        &Limits::offline(),
    )
    .unwrap();
    parse(
        &format!("start = \"a\"{} ;", "*".repeat(100_000)),
        &Limits::offline(),
    )
    .unwrap();
}

#[test]
fn every_grammar_of_the_repository_parses_and_prints_back() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../grammars/cfg");
    let mut ran = 0;
    for entry in std::fs::read_dir(root).into_iter().flatten().flatten() {
        if let Ok(text) = std::fs::read_to_string(entry.path().join("grammar.ebnf")) {
            let once = check(&text);
            assert!(
                once.starts_with("%start"),
                "{}: {once}",
                entry.path().display()
            );
            // Alternatives of terminals are a set, so their order may change.
            let words = |text: &str| {
                let mut words: Vec<String> = text
                    .replace(['(', ')'], " ")
                    .split_whitespace()
                    .map(String::from)
                    .collect();
                words.sort_unstable();
                words
            };
            assert_eq!(
                words(&check(&once)),
                words(&once),
                "{}",
                entry.path().display()
            );
            ran += 1;
        }
    }
    println!("{ran} grammars");
}

#[test]
fn mutilated_sources_never_panic() {
    let source = r#"start = A ("b" | 'c\x41')* [a-z]{2,} /x\/[/]/i & ~B ; A ::= "é" ; B : [^"] ; %ignore / +/ # c"#;
    for cut in (0..source.len()).filter(|i| source.is_char_boundary(*i)) {
        let _ = parse(&source[..cut], &Limits::default());
        let _ = parse(&source[cut..], &Limits::default());
        for insert in ["\"", "/", "(", ")", "[", "{", "\\", "=", ";", "~", "é"] {
            let _ = parse(
                &format!("{}{insert}{}", &source[..cut], &source[cut..]),
                &Limits::default(),
            );
        }
    }
}
