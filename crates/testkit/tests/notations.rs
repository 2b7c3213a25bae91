//! Notations against the oracle: what `print` writes means what was read, and token terminals mean
//! what a reading of them, token by token, says.

mod common;

use common::{Running, artifact, open};
use maskwright_compiler::Compiler;
use maskwright_grammar::notation::{parse, parse_gbnf, parse_lark, print};
use maskwright_grammar::pattern::Dialect;
use maskwright_grammar::{Grammar, RegexNode, TokenRef};
use maskwright_tables::{Limits, TokenId, TokenKind, Vocabulary};
use maskwright_testkit::engine::Session;
use maskwright_testkit::oracle::Oracle;
use maskwright_testkit::vocab;
use std::sync::Arc;

/// All texts of at most `len` letters.
fn texts(letters: &[u8], len: usize) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..len {
        let to = all.len();
        for i in from..to {
            for &letter in letters {
                let mut text: Vec<u8> = all[i].clone();
                text.push(letter);
                all.push(text);
            }
        }
        from = to;
    }
    all
}

/// Sources with the letters over which they are compared.
fn sources() -> Vec<(&'static str, Grammar, &'static [u8])> {
    let limits = Limits::default();
    let gbnf = |text: &str| parse_gbnf(text, &limits).expect(text).grammar;
    let lark = |text: &str| parse_lark(text, &limits).expect(text).grammar;
    let ebnf = |text: &str| parse(text, &limits).expect(text).grammar;
    let regex = |text: &str, dialect| Grammar::from_regex_in(text, dialect, &limits).expect(text);
    vec![
        (
            "gbnf lists",
            gbnf(
                "root ::= \"[\" ws (item (\",\" ws item)*)? \"]\"\nitem ::= root | [ab]{1,2}\nws ::= | \" \" ws",
            ),
            b"[],a ",
        ),
        (
            "gbnf left recursion",
            gbnf("root ::= root \"+\" t | t\nt ::= t \"*\" f | f\nf ::= \"(\" root \")\" | [a]"),
            b"a+*()",
        ),
        (
            "gbnf hidden left recursion",
            gbnf("root ::= e root \"a\" | \"b\"\ne ::= \"\" | \"c\""),
            b"abc",
        ),
        (
            "gbnf nullable loop",
            gbnf("root ::= (\"a\"*)* \"b\"+?"),
            b"ab",
        ),
        (
            "gbnf classes",
            gbnf("root ::= [^a-c\\]]{2,} | .\"\\x62\" | [\\]-]+"),
            b"abd]-",
        ),
        (
            "gbnf counted",
            gbnf("root ::= (\"a\" | \"bc\"){2,3} [c]{0,2}"),
            b"abc",
        ),
        (
            "lark keywords",
            lark("start: (NAME | KEYWORD \" \")+\nNAME: /[a-c]+/\nKEYWORD.1: \"ab\" | \"c\""),
            b"abc ",
        ),
        (
            "lark templates",
            lark(
                "start: _sep{x, \",\"} | \"(\" _sep{start, \";\"} \")\"\nx: \"a\" ~ 1..2\n_sep{e, s}: e (s e)*",
            ),
            b"a,;()",
        ),
        (
            "lark comments",
            lark("start: (A | C)*\nA: \"a\"\nC: /\\/\\*.*?\\*\\//"),
            b"/*a",
        ),
        (
            "lark ignored",
            lark("start: \"a\" [\"b\"] \"c\"\n%import common.WS_INLINE\n%ignore WS_INLINE"),
            b"abc ",
        ),
        (
            "lark booleans",
            lark("start: X \"c\"*\nX: /[abc]{1,3}/ & ~(/.*/ \"b\" /.*/)"),
            b"abc",
        ),
        ("lark flags", lark("start: \"ab\"i /c.d/is"), b"aBcCd\n"),
        (
            "lark look-around",
            lark("start: W+\nW: /(?!ab)[a-c]+(?<!c)[ab]/"),
            b"abc",
        ),
        (
            "lark substrings",
            lark("start: %regex { \"substring_chars\": \"abac\" }"),
            b"abc",
        ),
        (
            "ebnf keywords",
            ebnf("start = (NAME | \"ab\" | \"c\") ;\n%keywords NAME ;\nNAME = [a-c]+ ;"),
            b"abc",
        ),
        (
            "ebnf lazy",
            ebnf("start = L* ;\nL = @lazy(\"a\" [abc]* \"c\") ;"),
            b"abc",
        ),
        (
            "ebnf ecma",
            ebnf("start = @ecma(/(?=a)\\w+\\b.?/) \"c\" ;"),
            b"ab c",
        ),
        (
            "regex rust",
            regex("(?:a|b(?:c|a){2,3})*c?", Dialect::Rust),
            b"abc",
        ),
        (
            "regex ecma",
            regex("(?!.*bb)[a-c]*(?<!a)", Dialect::Ecma),
            b"abc",
        ),
    ]
}

#[test]
fn printed_grammars_parse_back_to_the_same_language() {
    let (mut compared, mut accepted) = (0, 0);
    for (name, grammar, letters) in sources() {
        let printed = print(&grammar);
        let again = parse(&printed, &Limits::default())
            .unwrap_or_else(|e| panic!("{name}: {e}\n{printed}"))
            .grammar;
        let compiler = Compiler::new(Arc::new(vocab::bytes()), Limits::default());
        let machine = compiler
            .grammar_ir(&grammar)
            .unwrap_or_else(|e| panic!("{name}: {e}"))
            .machine();
        let (first, second) = (Oracle::new(&grammar).unwrap(), Oracle::new(&again).unwrap());
        let mut some = 0;
        for text in texts(letters, if letters.len() > 4 { 5 } else { 6 }) {
            let expected = first.accepts(&text).expect("a small text");
            let shown = String::from_utf8_lossy(&text);
            assert_eq!(
                second.accepts(&text).expect("a small text"),
                expected,
                "{name}: {shown:?} after printing\n{printed}"
            );
            let mut session = Running::new(Arc::clone(&machine)).expect("a session");
            let alive = text
                .iter()
                .all(|b| session.advance(TokenId(u32::from(*b))).expect("a verdict"));
            let found = alive && session.is_accepting().expect("a verdict");
            assert_eq!(found, expected, "{name}: {shown:?}\n{printed}");
            compared += 1;
            some += usize::from(expected);
        }
        assert!(some > 0, "{name} accepts none of the texts");
        accepted += some;
    }
    println!("{compared} texts, {accepted} of them sentences");
}

/// Letters, two of them together, two control tokens and an end.
fn tokens() -> Vocabulary {
    vocab::from_words(&["a", "b", "ab", "<t>", "<u>", "<eos>"])
}

/// The character by which a token as a whole is written in a text for the oracle.
fn whole(token: u32) -> char {
    char::from_u32(0xE000 + token).expect("a private character")
}

/// The same grammar with each token terminal read as one of these characters.
fn spelled_out(grammar: &Grammar, vocabulary: &Vocabulary) -> Grammar {
    let mut grammar = grammar.clone();
    for i in 0..grammar.terminals.len() {
        let RegexNode::Token(set) = grammar.regexes.node(grammar.terminals[i].regex).clone() else {
            continue;
        };
        let named = |t: u32| {
            set.members.iter().any(|m| match m {
                TokenRef::Ids(a, b) => (*a..=*b).contains(&t),
                TokenRef::Name(name) => vocabulary.bytes(TokenId(t)) == name.as_bytes(),
            })
        };
        let chars: Vec<(char, char)> = (0..5)
            .filter(|t| named(*t) != set.negated)
            .map(|t| (whole(t), whole(t)))
            .collect();
        grammar.terminals[i].regex = grammar.regexes.class(chars);
    }
    grammar
}

/// Every way to write a sequence of tokens: as its bytes, or as a whole.
fn spellings(sequence: &[u32], vocabulary: &Vocabulary) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    for &token in sequence {
        let mut longer: Vec<Vec<u8>> = Vec::new();
        for text in &all {
            longer.push([text, whole(token).to_string().as_bytes()].concat());
            if vocabulary.kind(TokenId(token)) == TokenKind::Text {
                longer.push([text, vocabulary.bytes(TokenId(token))].concat());
            }
        }
        all = longer;
    }
    all
}

#[test]
fn token_terminals_equal_a_reading_token_by_token() {
    let vocabulary = Arc::new(tokens());
    let mut compared = 0;
    for source in [
        "start = <t> \"a\"* <u> ;",
        "start = (\"a\" | <t>)* \"b\" ;",
        "start = (~<t>)* <t> \"a\"? ;",
        "start = A <[2]> A ; A = [ab]+ ;",
        "start = \"a\" start <u> | <[0-2]> ;",
        "start = <t> \"a\" <u> ; %ignore \"b\" ;",
        "start = item+ ; item = <t> \"ab\" | \"a\" <[1]> | <[*]> <u> <u> ;",
        "start = start <t> | <[^2]> | \"ab\" ;",
    ] {
        let grammar = parse(source, &Limits::default()).expect(source).grammar;
        let printed = parse(&print(&grammar), &Limits::default()).expect(source);
        assert_eq!(print(&printed.grammar), print(&grammar), "{source}");
        let oracle = Oracle::new(&spelled_out(&grammar, &vocabulary)).expect("an oracle");
        let compiler = Compiler::new(Arc::clone(&vocabulary), Limits::default());
        let compiled = compiler.grammar(source).expect(source);
        let verdict = |sequence: &[u32]| {
            let mut found = (false, false);
            for text in spellings(sequence, &vocabulary) {
                let session = oracle.session_at(&text).expect("a small text");
                found.0 |= session.is_viable();
                found.1 |= session.is_viable() && session.is_accepting();
            }
            found
        };
        let bytes = artifact(&compiled, &vocabulary).expect("an artifact");
        let mut work: Vec<(Vec<u32>, Running, Running)> = vec![(
            Vec::new(),
            Running::new(compiled.machine()).expect("a session"),
            open(&bytes, &vocabulary).expect("a session"),
        )];
        while let Some((sequence, mut session, mut frozen)) = work.pop() {
            let mask = session.mask().expect("a mask");
            assert_eq!(
                frozen.mask().as_ref(),
                Ok(&mask),
                "{source}: {sequence:?}, from an artifact"
            );
            let ends = verdict(&sequence).1;
            assert_eq!(
                session.is_accepting().unwrap(),
                ends,
                "{source}: {sequence:?}"
            );
            assert_eq!(mask[5], ends, "{source}: {sequence:?} ends");
            for token in 0..5u32 {
                let longer = [&sequence[..], &[token]].concat();
                let expected = verdict(&longer).0;
                assert_eq!(mask[token as usize], expected, "{source}: {longer:?}");
                let mut next = session.clone();
                assert_eq!(next.is_allowed(TokenId(token)).unwrap(), expected);
                assert_eq!(next.advance(TokenId(token)).unwrap(), expected);
                let mut frozen = frozen.clone();
                assert_eq!(frozen.advance(TokenId(token)).unwrap(), expected);
                compared += 1;
                if expected && longer.len() < 5 {
                    work.push((longer, next, frozen));
                }
            }
        }
    }
    println!("{compared} decisions");
    assert!(compared > 1_000);
}

/// The white space that a schema's documents have between lexemes by default.
const GAP: &str = r#"G = /( {1,2}|\r?\n( {0,64}|\t{0,16}))?/ ;"#;

#[test]
fn schemas_in_grammars_equal_the_same_grammars_written_out() {
    let words = [
        "[", "]", "{", "}", "true", "tr", "ue", "1", "12", "2", "-", ",", "\"a\"", "\"", "a", ":",
        " ", "\n", "x", "<", ">", "]>", "<[", "true>x", "[1", "1]x", "[]><", "<t>", "<eos>",
    ];
    let vocabulary = Arc::new(vocab::from_words(&words));
    let compiler = Compiler::new(Arc::clone(&vocabulary), Limits::trusted());
    let list = "\"[\" G (V (G \",\" G V)* G)? \"]\"";
    let mut compared = 0;
    for (embedded, written) in [
        (
            r#"start = "<" @json({"type":"array","items":{"type":"boolean"}}) ">" "x"? ;"#.to_owned(),
            format!("start = \"<\" ({list}) \">\" \"x\"? ; V = \"true\" | \"false\" ; {GAP}"),
        ),
        (
            r#"start = (@json({"enum":[1,12,"a"]}) "x")* ;"#.to_owned(),
            "start = ((\"1\" | \"12\" | S) \"x\")* ; S = @json_string(\"a\") ;".to_owned(),
        ),
        (
            r#"start = @json({"type":"array","items":{"const":1}}) | "true" | @json({"type":"boolean"}) "x" ; %ignore " " ;"#
                .to_owned(),
            format!("start = W ({list} W | \"true\" W | (\"true\" | \"false\") W \"x\" W) ; V = \"1\" ; W = \" \"* ; {GAP}"),
        ),
        (
            r#"start = "[" start "]" | @json({"type":"object","properties":{"a":{"const":true}},"required":["a"],"additionalProperties":false}) ;"#
                .to_owned(),
            format!("start = \"[\" start \"]\" | \"{{\" G N G \":\" G \"true\" G \"}}\" ; N = @json_string(\"a\") ; {GAP}"),
        ),
        (
            r#"start = <t> @json({"const":[1]}) @json({"const":12})? ;"#.to_owned(),
            format!("start = <t> \"[\" G \"1\" G \"]\" \"12\"? ; {GAP}"),
        ),
    ] {
        let grammar = |source: &str| {
            compiler.grammar(source).unwrap_or_else(|e| panic!("{source}: {e}"))
        };
        let bytes = artifact(&grammar(&embedded), &vocabulary).expect("an artifact");
        let frozen = open(&bytes, &vocabulary).expect("a session");
        let [embedding, spelt] = [&embedded, &written]
            .map(|source| Running::new(grammar(source).machine()).expect("a session"));
        let mut work = vec![(Vec::new(), [embedding, spelt, frozen])];
        while let Some((path, mut sessions)) = work.pop() {
            let [first, second, third] = sessions.each_mut().map(|s| s.mask().expect("a mask"));
            let shown: Vec<&str> = path.iter().map(|t: &usize| words[*t]).collect();
            for (token, word) in words.iter().enumerate() {
                assert_eq!(first[token], second[token], "{embedded}: {word:?} after {shown:?}");
                compared += 1;
            }
            assert_eq!(first, third, "{embedded}: after {shown:?}, from an artifact");
            if path.len() < 7 && work.len() < 20_000 {
                for token in (0..words.len() - 1).filter(|t| first[*t]) {
                    let mut next = sessions.clone();
                    for session in &mut next {
                        assert!(session.advance(TokenId(token as u32)).unwrap());
                    }
                    work.push(([&path[..], &[token]].concat(), next));
                }
            }
        }
    }
    println!("{compared} decisions");
    for (source, code) in [
        (
            r#"start = "x" @json({"oneOf":[{"uniqueItems":true},{"maxItems":1}]}) ;"#,
            "unsupported-unique-items",
        ),
        (r#"start = @json({"type":) ;"#, "unclosed"),
        (r#"start = @json({"type":}) ;"#, "invalid-json"),
        (r#"start = "x" & @json({}) ;"#, "token-in-terminal"),
        (r#"start = @json({"minimum":"x"}) ;"#, ""),
    ] {
        let error = compiler.grammar(source).map(|_| ()).expect_err(source);
        let first = &error.diagnostics()[0];
        assert!(code.is_empty() || first.code == code, "{source}: {error}");
        assert!(first.place.span.is_some(), "{source}: {error}");
    }
}

#[test]
fn tokens_that_a_vocabulary_lacks_are_errors() {
    let compiler = Compiler::new(Arc::new(tokens()), Limits::default());
    for (source, code) in [
        ("start = <x> ;", "unknown-token"),
        ("start = <[6]> ;", "token-id-range"),
        ("start = <eos> ;", "end-token-in-grammar"),
        ("start = <[5]> ;", "end-token-in-grammar"),
        ("start = ~<[0-5]> ;", "unknown-token"),
        ("start = \"a\" & <t> ;", "token-in-terminal"),
        ("start = A ; A = <t> \"a\" ;", ""),
    ] {
        let found = compiler.grammar(source).map(|_| ());
        let found = found.map_err(|e| (e.diagnostics()[0].code, e.diagnostics()[0].place.clone()));
        match found {
            Ok(()) => assert_eq!(code, "", "{source}"),
            Err((found, place)) => {
                assert_eq!(found, code, "{source}");
                assert!(place.span.is_some(), "{source}");
            }
        }
    }
}
