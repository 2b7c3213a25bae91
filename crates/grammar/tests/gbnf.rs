//! llama.cpp's GBNF: what it reads as, printed as EBNF, and what is wrong with it.

use maskwright_grammar::notation::{parse_gbnf, print};
use maskwright_tables::Limits;

/// The grammar as printed, or the errors one a line.
fn check(text: &str) -> String {
    match parse_gbnf(text, &Limits::default()) {
        Ok(parsed) => print(&parsed.grammar),
        Err(errors) => errors.0.iter().map(|e| format!("{e}\n")).collect(),
    }
}

#[test]
fn every_piece_of_the_notation_reads_as_documented() {
    for (text, expected) in [
        ("root ::= \"a\" [b-d] .", "r [b-d] [\\x{0}-\\x{10FFFF}]"),
        (
            "root ::= \"\\x41\\u00e4\\U0001F600\\t\\r\\n\\\\\\\"\\[\\]\"",
            "\"Aä😀\\t\\r\\n\\\\\\\"[]\"",
        ),
        ("root ::= \"two\nlines\"", "\"two\\nlines\""),
        (
            "root ::= [^\"\\\\\\x7F\\x00-\\x1F]",
            "[\\x{20}-\\x{21}\\x{23}-\\x{5B}\\x{5D}-\\x{7E}\\x{80}-\\x{10FFFF}]",
        ),
        ("root ::= [a-]", "[\\x{2D}a]"),
        ("root ::= [-a]", "[\\x{2D}a]"),
        ("root ::= [\\]\\[^]", "[\\x{5B}\\x{5D}-\\x{5E}]"),
        ("root ::= [あ-ん]", "[\\x{3042}-\\x{3093}]"),
        // Surrogates are no characters.
        ("root ::= [\\uD700-\\uE000]", "[\\x{D700}-\\x{E000}]"),
        (
            "root ::= [\\uD800] | \"a\"",
            "[^\\x{0}-\\x{10FFFF}] | \"a\"",
        ),
        ("root ::= \"a\"* \"b\"+ \"c\"?", "\"a\"* \"b\"+ \"c\"?"),
        (
            "root ::= \"a\"{2} \"b\"{2,} \"c\"{2,3} \"d\"{0,4}",
            "\"a\"{2} \"b\"{2,} \"c\"{2,3} \"d\"{0,4}",
        ),
        ("root ::= \"a\"{ 2 , 3 }", "\"a\"{2,3}"),
        ("root ::= \"ab\"**", "\"ab\"**"),
        ("root ::= (\"a\" | \"b\" \"c\")+", "(\"a\" | \"b\" \"c\")+"),
        (
            "root ::= (\n \"a\" # first\n | \"b\"\n \"c\" )\n",
            "\"a\" | \"b\" \"c\"",
        ),
        ("root ::= \"a\" |\n \"b\"", "\"a\" | \"b\""),
        ("root ::=\n \"a\"", "\"a\""),
        ("root ::= | \"a\"", "() | \"a\""),
        ("root ::= \"\" | \"a\"", "() | \"a\""),
        ("root ::= \"a\" # b\r\n", "\"a\""),
        (
            "root ::= <[7]> <think> !<[7]> !</think>*",
            "<[7]> <think> ~<[7]> (~</think>)*",
        ),
    ] {
        let expected = expected.replace("r [b-d]", "\"a\" [b-d]");
        let printed = check(text);
        assert_eq!(
            printed,
            format!("%start root ;\nroot = {expected} ;\n"),
            "{text:?}"
        );
    }
}

#[test]
fn names_rules_and_recursion() {
    assert_eq!(
        check(
            "# a list\nroot ::= items\n\nitems ::= items \",\" UPPER-case | UPPER-case\nUPPER-case ::= [0-9]+ under_score\nunder_score ::= \"_\"\n"
        ),
        "%start root ;\nroot = items ;\nitems = items \",\" UPPER_case | UPPER_case ;\nUPPER_case = [0-9]+ under_score ;\nunder_score = \"_\" ;\n"
    );
    // A name in capitals is a rule like any other.
    assert_eq!(
        check("root ::= A\nA ::= \"a\" \"b\""),
        "%start root ;\nroot = r_A ;\nr_A = \"a\" \"b\" ;\n"
    );
}

#[test]
fn errors_say_what_and_where() {
    for (text, expected) in [
        ("", "no-rules: the grammar has no rules at bytes 0..0"),
        (
            "# nothing",
            "no-rules: the grammar has no rules at bytes 0..9",
        ),
        (
            "a ::= \"x\"",
            "no-root: there is no rule `root` at bytes 0..1",
        ),
        (
            "root ::= a b\na ::= c",
            "undefined-rule: `b` is used but not defined at bytes 11..12",
        ),
        (
            "root ::= \"a\"\nroot ::= \"b\"",
            "duplicate-rule: `root` is already defined at bytes 0..4 at bytes 13..17",
        ),
        (
            "root ::= (\"a\"",
            "unclosed: this group is not closed at bytes 9..10",
        ),
        (
            "root ::= \"a\")",
            "syntax-error: `)` without a `(` before it at bytes 12..13",
        ),
        (
            "root ::= \"a",
            "unclosed: this literal is not closed at bytes 9..10",
        ),
        (
            "root ::= [a",
            "unclosed: this class is not closed at bytes 9..10",
        ),
        (
            "root ::= []",
            "invalid-class: the class is empty at bytes 9..11",
        ),
        (
            "root ::= [z-a]",
            "invalid-class: the ends of the range are out of order at bytes 10..13",
        ),
        (
            "root ::= *",
            "syntax-error: `*` has nothing to repeat at bytes 9..10",
        ),
        (
            "root ::= \"a\"{,3}",
            "invalid-repeat: this is no repeat count at bytes 12..15",
        ),
        (
            "root ::= \"a\"{3,2}",
            "invalid-repeat: at least 3 and at most 2 copies can never match at bytes 9..17",
        ),
        (
            "root ::= \"a\"{99999999999}",
            "invalid-repeat: the repeat count 99999999999 is too large at bytes 9..25",
        ),
        (
            "root ::= \"\\q\"",
            "invalid-escape: there is no such escape at bytes 10..12",
        ),
        (
            "root ::= \"\\xZ\"",
            "invalid-escape: this escape wants 2 hexadecimal digits at bytes 10..12",
        ),
        (
            "root ::= \"\\uD800\"",
            "invalid-escape: a surrogate is no character of any text at bytes 10..16",
        ),
        (
            "root ::= \"\\U00110000\"",
            "invalid-escape: this is no Unicode character at bytes 10..20",
        ),
        (
            "root ::= \"a\"\n | \"b\"",
            "syntax-error: `|` where a rule should begin at bytes 14..15",
        ),
        (
            "root ::= \"a\" |\na ::= \"b\"",
            "syntax-error: the rule `a` begins before the one above is complete at bytes 15..16",
        ),
        (
            "root = \"a\"",
            "syntax-error: `root` is not followed by `::=` at bytes 0..4",
        ),
        (
            "root ::= \"a\" $",
            "invalid-character: `$` means nothing here at bytes 13..14",
        ),
        (
            "root ::= <[x]>",
            "invalid-token: `x` is no token id at bytes 9..14",
        ),
        (
            "root ::= !\"a\"",
            "invalid-token: this is no token at bytes 9..11",
        ),
        (
            "root ::= <a",
            "invalid-token: this is no token at bytes 9..10",
        ),
    ] {
        let message = check(text);
        assert!(
            message.lines().any(|line| line == expected),
            "{text:?} gives {message:?}"
        );
    }
}

#[test]
fn nesting_and_chains_are_loops() {
    let deep = format!("root ::= {}\"a\"{}", "(".repeat(60_000), ")".repeat(60_000));
    let error = parse_gbnf(&deep, &Limits::untrusted()).unwrap_err();
    assert_eq!(error.0[0].code, "limit-exceeded");
    parse_gbnf(&deep, &Limits::offline()).unwrap();
    let mut chain = String::from("root ::= r0\n");
    for i in 0..100_000 {
        chain += &format!("r{i} ::= r{}\n", i + 1);
    }
    chain += "r100000 ::= \"a\"\n";
    let parsed = parse_gbnf(&chain, &Limits::trusted()).unwrap();
    assert_eq!(parsed.grammar.rules.len(), 100_002);
}

#[test]
fn mutilated_sources_never_panic() {
    let source = "root ::= (\"a\\x41\" | [^é-ü\\]]{2,3})* <[1]> !<b> # c\nb ::= .+\n";
    for cut in (0..source.len()).filter(|i| source.is_char_boundary(*i)) {
        check(&source[..cut]);
        check(&source[cut..]);
        for insert in [
            "\"", "(", ")", "[", "]", "{", "\\", "|", "<", "!", "é", "\n", "::=",
        ] {
            check(&format!("{}{insert}{}", &source[..cut], &source[cut..]));
        }
    }
}
