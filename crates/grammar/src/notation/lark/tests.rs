//! What Lark grammars read as, printed as EBNF, and what is wrong with them.

use crate::notation::{parse_lark, print};
use maskwright_tables::Limits;

/// The grammar as printed, or the errors one a line.
fn check(text: &str) -> String {
    match parse_lark(text, &Limits::default()) {
        Ok(parsed) => print(&parsed.grammar),
        Err(errors) => errors.0.iter().map(|e| format!("{e}\n")).collect(),
    }
}

/// The right side of `start`, as printed.
fn start(body: &str) -> String {
    let printed = check(&format!("start: {body}\n"));
    match printed.strip_prefix("%start start ;\nstart = ") {
        Some(rest) => rest.trim_end_matches(" ;\n").to_owned(),
        None => printed,
    }
}

#[test]
fn every_piece_of_a_right_side_reads_as_documented() {
    for (text, expected) in [
        (r#""a" "b" | "c""#, r#""a" "b" | "c""#),
        (r#""a\"\\\n\x41\u00e4\q""#, r#""a\"\\\nAä\\q""#),
        (r#""ab"i"#, "TERMINAL ;\nTERMINAL = [Aa] [Bb]"),
        (r#""a".."f""#, "[a-f]"),
        (r#"("a" | "b")* "c"+ "d"?"#, r#"("a" | "b")* "c"+ "d"?"#),
        (r#"["a" "b"]"#, r#"("a" "b")?"#),
        (r#""a" ~ 3 "b"~2..4"#, r#""a"{3} "b"{2,4}"#),
        (
            r#""a"{3} "b"{2,} "c"{,4} "d"{1,2}"#,
            r#""a"{3} "b"{2,} "c"{0,4} "d"{1,2}"#,
        ),
        (r#"/[a-z]/ & ~"x""#, r#"[a-z] & ~"x""#),
        (r#"~"x"+"#, r#"(~"x")+"#),
        (r#""a" -> first | "b" -> second"#, r#""a" | "b""#),
        (
            "\"a\"\n   | \"b\" // one\n\n   # two\n   | \"c\"",
            r#""a" | "b" | "c""#,
        ),
        ("(\"a\"\n  \"b\")", r#""a" "b""#),
        ("\"a\" \\\n  \"b\"", r#""a" "b""#),
        (
            "<[7]> <|im_start|> <[^1,3-5]>",
            "<[7]> <|im_start|> ~<[1,3-5]>",
        ),
        (
            r#"<t> %json {"type": "null"} "x""#,
            r#"<t> @json({"type": "null"}) "x""#,
        ),
        (
            r#"%regex {"substring_words": "a b"}"#,
            "TERMINAL ;\nTERMINAL = (\"b\"? | (\" \" \"b\"?)? | (\"a\" (\" \" \"b\"?)?)?)",
        ),
        ("", "()"),
    ] {
        let found = start(text);
        if text.starts_with("%regex") {
            assert!(found.starts_with("TERMINAL"), "{text}: {found}");
            continue;
        }
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn terminals_rules_and_what_is_ignored() {
    assert_eq!(
        check(
            "?start: _item+\n!_item.2: NAME \"=\" INT\nNAME: LETTER (LETTER | DIGIT)*\nLETTER: /[a-z]/\n%import common.DIGIT\n%import common (INT, WS)\n%ignore WS\n"
        ),
        "%start start ;\n\
         start = r__item+ ;\n\
         r__item = NAME \"=\" INT ;\n\
         NAME = [a-z] ([a-z] | [0-9])* ;\n\
         INT = PART_1 ;\n\
         WS = [\\x{9}-\\x{A}\\x{C}-\\x{D}\\x{20}]+ ;\n\
         %ignore WS ;\n\
         PART_1 = [0-9]+ ;\n"
            .replace("INT = PART_1", "INT = [0-9]+")
            .replace("PART_1 = [0-9]+ ;\n", "")
    );
}

#[test]
fn templates_are_written_out_once_for_equal_arguments() {
    assert_eq!(
        check(
            "start: list{item, \",\"} | list{item, \",\"} \";\" list{(\"a\" | item), \";\"}\nlist{x, sep}: x (sep x)*\nitem: pair{\"b\"}\npair{y}: y list{y, y}\n"
        ),
        "%start start ;\n\
         start = list_2 | list_2 \";\" list_4 ;\n\
         item = pair_5 ;\n\
         list_2 = item (SEP item)* ;\n\
         start_argument_3 = \"a\" | item ;\n\
         list_4 = start_argument_3 (\";\" start_argument_3)* ;\n\
         pair_5 = Y list_6 ;\n\
         list_6 = Y (Y Y)* ;\n\
         SEP = \",\" ;\n\
         Y = \"b\" ;\n"
    );
    assert!(check("start: a{\"x\"}\na{x}: a{b{x}} | x\nb{x}: x x\n").starts_with("limit-exceeded"));
}

#[test]
fn override_extend_priorities_and_lazy_terminals() {
    assert_eq!(
        check("start: A\nA: \"a\"\n%extend A: \"b\"\n"),
        "%start start ;\nstart = A ;\nA = \"a\" | \"b\" ;\n"
    );
    assert_eq!(
        check("start: INT\n%import common.INT\n%override INT: \"0\"\n"),
        "%start start ;\nstart = INT ;\nINT = \"0\" ;\n"
    );
    assert_eq!(
        check("start: NAME | IF\nNAME: /[a-z]+/\nIF.2: \"if\"\n"),
        "%start start ;\nstart = NAME | IF ;\nNAME = [a-z]+ & ~\"if\" ;\nIF = \"if\" ;\n"
    );
    let lazy = check("start: C\n%import common.C_COMMENT -> C\n");
    assert!(lazy.contains("& ~("), "{lazy}");
}

#[test]
fn what_has_no_meaning_is_reported_once() {
    let text = "?start: \"a\" -> x | b -> y\n?b.3: \"b\"\n!c[capture]: \"c\"\n%llguidance {}\n";
    let parsed = parse_lark(text, &Limits::default()).unwrap();
    let codes: Vec<_> = parsed.warnings.iter().map(|w| w.code).collect();
    assert_eq!(codes, ["no-effect"; 5]);
}

#[test]
fn python_regexes_map_to_ours() {
    for (regex, same) in [
        (r"/a\/b/", r#""a/b""#),
        (r"/[[]/", r#""[""#),
        (
            r"/[^]a-]/",
            r#"[\x{0}-\x{2C}\x{2E}-\x{5C}\x{5E}-\x{60}b-\x{10FFFF}]"#,
        ),
        (
            r"/[\d_-]/a",
            "invalid-regex: the flag `a` is not supported at bytes 15..16\n",
        ),
        (
            r"/a{,2}b{1}c{/",
            "TERMINAL ;\nTERMINAL = \"a\"{0,2} \"bc{\"",
        ),
        (r"/(?P<n>a)(?#no)b/", r#""ab""#),
        (r"/a # b/x", r#""a""#),
        (r"/\101\0/", r#""A\u{0}""#),
        (r"/./s", r"[\x{0}-\x{10FFFF}]"),
        (r"/\<\>/", r#""<>""#),
        (r"/(?i:a)b/", "TERMINAL ;\nTERMINAL = [Aa] \"b\""),
        (r"/\w(?<!_)x/", ""),
        (r"/(?!if\b)[a-z]+x/", ""),
        (
            r"/(a)\1/",
            "unsupported-regex: back-references are no regular expressions at bytes 11..13\n",
        ),
        (
            r"/a(?!b)/",
            "assertion-at-edge: an assertion at the edge of a terminal speaks about what stands beside the lexeme at bytes 9..12\n",
        ),
        (
            r"/if\b/",
            "assertion-at-edge: an assertion at the edge of a terminal speaks about what stands beside the lexeme at bytes 10..12\n",
        ),
        (
            r"/a++/",
            "unsupported-regex: possessive repeats are not supported at bytes 9..11\n",
        ),
        (
            r"/\y/",
            "invalid-regex: there is no escape `\\y` at bytes 8..10\n",
        ),
        (
            r"/[b-a]/",
            "invalid-regex: the ends of the range are out of order, or no characters at bytes 10..12\n",
        ),
    ] {
        let found = start(regex);
        if same.is_empty() {
            assert!(
                found.starts_with("TERMINAL") || found.starts_with('['),
                "{regex}: {found}"
            );
        } else {
            assert_eq!(found, same, "{regex}");
        }
    }
}

#[test]
fn errors_say_what_and_where() {
    for (text, expected) in [
        ("", "no-rules: the grammar has no rules at bytes 0..0"),
        (
            "a: \"x\"",
            "no-start: there is no rule `start` at bytes 0..1",
        ),
        (
            "start: a",
            "undefined-rule: `a` is used but not defined at bytes 7..8",
        ),
        (
            "start: \"a\nb: \"c\"",
            "unclosed: this string is not closed at bytes 7..8",
        ),
        (
            "start: /a",
            "unclosed: this regex is not closed at bytes 7..8",
        ),
        (
            "start: (\"a\"",
            "unclosed: this group is not closed at bytes 7..8",
        ),
        (
            "start: \"a\")",
            "syntax-error: `)` closes nothing here at bytes 10..11",
        ),
        (
            "start: *",
            "syntax-error: `*` has nothing to repeat at bytes 7..8",
        ),
        (
            "start: \"a\"\n  \"b\"",
            "syntax-error: `\"` where a definition should be at bytes 13..14",
        ),
        (
            "start \"a\"",
            "syntax-error: `start` is not followed by `:` at bytes 0..5",
        ),
        (
            "start: \"a\"\nstart: \"b\"",
            "duplicate-rule: `start` is already defined at bytes 0..5 at bytes 11..16",
        ),
        (
            "start: A\nA: b\nb: \"x\"",
            "not-a-terminal: the terminal `A` is recursive or names a rule at bytes 9..10",
        ),
        (
            "start: A\nA: \"x\" A",
            "not-a-terminal: the terminal `A` is recursive or names a rule at bytes 9..10",
        ),
        (
            "start: A\nA: <x> \"a\"",
            "token-in-terminal: a token or a schema is a terminal by itself and no part of another one at bytes 12..15",
        ),
        (
            "start: _I\n%declare _I",
            "declared-terminal: `_I` is declared, but nothing says what text it is at bytes 7..9",
        ),
        (
            "start: a{\"x\"}\na: \"y\"",
            "wrong-arguments: `a` takes no arguments at bytes 7..13",
        ),
        (
            "start: a\na{x}: x",
            "wrong-arguments: `a` is a template and wants its arguments at bytes 7..8",
        ),
        (
            "start: a{\"x\", \"y\"}\na{x}: x",
            "wrong-arguments: `a` takes 1 arguments, not 2 at bytes 7..18",
        ),
        (
            "start: \"b\"..\"a\"",
            "invalid-range: a range goes from one character to a later one at bytes 7..15",
        ),
        (
            "%import python.NAME\nstart: NAME",
            "unsupported-import: there is no library `python` to import from at bytes 8..19",
        ),
        (
            "%import common.NAME\nstart: NAME",
            "unsupported-import: `common` has no terminal `NAME` at bytes 8..19",
        ),
        (
            "start: %lark {}",
            "unsupported-embedding: `%lark` inside a grammar is not supported at bytes 7..12",
        ),
        (
            "start: %json {",
            "invalid-json: what follows is no JSON value: EOF while parsing an object at line 1 column 1 at bytes 7..12",
        ),
        (
            "start[stop=\"x\"]: /a/",
            "unsupported-option: the option `stop` is not supported at bytes 6..10",
        ),
        (
            "%override a: \"x\"\nstart: a",
            "undefined-rule: there is no `a` yet to override or extend at bytes 10..11",
        ),
        (
            "%foo\nstart: \"a\"",
            "unknown-directive: there is no directive `%foo` at bytes 0..4",
        ),
        (
            "start: b\nb: \"x\"\n%ignore b",
            "not-a-terminal: only terminals can be ignored at bytes 24..25",
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
fn nesting_is_a_loop() {
    let deep = format!("start: {}\"a\"{}", "(".repeat(60_000), ")".repeat(60_000));
    let error = parse_lark(&deep, &Limits::untrusted()).unwrap_err();
    assert_eq!(error.0[0].code, "limit-exceeded");
    parse_lark(&deep, &Limits::offline()).unwrap();
    parse_lark(
        &format!("start: {}\"a\"", "~".repeat(60_000)),
        &Limits::offline(),
    )
    .unwrap();
}

#[test]
fn mutilated_sources_never_panic() {
    let source = "?start.2: a{\"x\", B}+ [ /[é-ü\\]]*?(?=a)b/i ] ~ 2..3 | <[1]> & ~B -> c\na{x, y}[lazy]: x y // d\nB.1: \"a\"..\"é\"i\n%import common (INT, WS)\n%ignore WS\n%declare C\n%extend B: \"q\"\n";
    for cut in (0..source.len()).filter(|i| source.is_char_boundary(*i)) {
        check(&source[..cut]);
        check(&source[cut..]);
        for insert in [
            "\"", "/", "(", ")", "[", "]", "{", "}", "\\", "|", "<", "~", "é", "\n", ":", "%", ",",
        ] {
            check(&format!("{}{insert}{}", &source[..cut], &source[cut..]));
        }
    }
}
