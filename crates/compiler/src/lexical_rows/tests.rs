use super::*;
use crate::Compiler;
use crate::vocabulary::VocabularyExt;
use maskwright_tables::vocabulary::TokenEntry;
use maskwright_tables::{TokenId, TokenKind};

/// The rests by labels, root tokens left out where the lexeme goes on.
#[allow(clippy::type_complexity)]
fn contents<'a>(
    rows: &'a LexicalRows,
    row: &LexRow,
) -> (Vec<TokenId>, Vec<(LabelSet, Vec<(&'a [u8], TokenId)>)>) {
    let words = rows.sets.bitset(row.inside);
    let inside = maskwright_kernels::bits::ones(&words)
        .map(TokenId)
        .collect();
    let mut exits: std::collections::BTreeMap<LabelSet, Vec<(&[u8], TokenId)>> = Default::default();
    for &(labels, trie) in &row.exits {
        exits
            .entry(labels)
            .or_default()
            .append(&mut entries(rows, trie));
    }
    (inside, exits.into_iter().collect())
}

/// What is left of the tokens of a trie.
fn entries(rows: &LexicalRows, id: TrieId) -> Vec<(&[u8], TokenId)> {
    let (trie, children) = rows.children(id);
    let here = rows.sets.iter(rows.here(id));
    let mut all: Vec<(&[u8], TokenId)> = here.map(|t| (&b""[..], t)).collect();
    for child in children {
        let mut ends: Vec<u32> = Vec::new();
        for i in child..trie.nodes()[child].skip as usize {
            while ends.last().is_some_and(|end| *end as usize <= i) {
                ends.pop();
            }
            ends.push(trie.nodes()[i].skip);
            for &token in trie.tokens_at(i) {
                let bytes = rows.vocabulary.bytes(token);
                all.push((&bytes[bytes.len() - ends.len()..], token));
            }
        }
    }
    all
}

/// Compares the row of a state with the plain walk; the number of tokens inside.
fn check(rows: &LexicalRows, state: LexState, trie_id: TrieId, what: &str) -> usize {
    let (inside, exits) = contents(rows, rows.row(state, trie_id, false).unwrap());
    let (trie, children) = rows.children(trie_id);
    let children: Vec<u32> = children.into_iter().map(|c| c as u32).collect();
    let mut by_labels: std::collections::BTreeMap<LabelSet, Vec<(&[u8], TokenId)>> =
        Default::default();
    // Token by token, from each child of the root on.
    let mut plain: Vec<TokenId> = Vec::new();
    let start = rows.lexicon.edges(state).unwrap();
    for child in children {
        let child = child as usize;
        let byte = trie.nodes()[child].byte;
        // With what follows each node: its end, and the state there.
        let mut path = vec![(trie.nodes()[child].skip, start.get(byte))];
        for i in child..trie.nodes()[child].skip as usize {
            if i > child {
                while path.last().unwrap().0 as usize <= i {
                    path.pop();
                }
                let before = path.last().unwrap().1;
                let next = rows.lexicon.next(before, trie.nodes()[i].byte).unwrap();
                path.push((trie.nodes()[i].skip, next));
            }
            let here = path.last().unwrap().1;
            for &token in trie.tokens_at(i) {
                let bytes = rows.vocabulary.bytes(token);
                for (k, &(_, at)) in path.iter().enumerate() {
                    let labels = rows.lexicon.accept(at);
                    let ends = rows.lexicon.is_final(at);
                    if labels != LabelSet::NONE && (ends || k + 1 < path.len()) {
                        let rest = &bytes[bytes.len() - (path.len() - 1 - k)..];
                        by_labels.entry(labels).or_default().push((rest, token));
                    }
                }
                if here != LexState::DEAD && !rows.lexicon.is_final(here) {
                    plain.push(token);
                }
            }
        }
    }
    plain.sort_unstable();
    plain.dedup();
    assert!(plain == inside, "{what}: tokens inside");
    let accept = rows.lexicon.accept(state);
    if accept != LabelSet::NONE {
        by_labels
            .entry(accept)
            .or_default()
            .append(&mut entries(rows, trie_id));
    }
    // What follows an end may be left out of a row that has the token anyway.
    let matters = |e: &(&[u8], TokenId)| inside.binary_search(&e.1).is_err();
    let mut exits = exits;
    for (_, entries) in &mut exits {
        entries.retain(matters);
        entries.sort_unstable();
        entries.dedup();
    }
    exits.retain(|e| !e.1.is_empty());
    by_labels.values_mut().for_each(|all| all.retain(matters));
    let mut expected = Vec::new();
    for (labels, mut entries) in by_labels {
        entries.sort_unstable();
        entries.dedup();
        if !entries.is_empty() {
            expected.push((labels, entries));
        }
    }
    assert!(expected == exits, "{what}: what is left after the lexeme");
    // The same for each label by itself.
    type ByLabel<'a> = std::collections::BTreeMap<Vec<u32>, Vec<(&'a [u8], TokenId)>>;
    let row = rows.row(state, trie_id, true).unwrap();
    let mut apart: ByLabel<'_> = ByLabel::new();
    for &(labels, rest) in rows.exits(row, true).unwrap() {
        let entries = entries(rows, rest).into_iter().filter(matters);
        apart
            .entry(rows.lexicon.labels(labels).to_vec())
            .or_default()
            .extend(entries);
    }
    let mut wanted: ByLabel<'_> = ByLabel::new();
    for (labels, entries) in &expected {
        let labels = rows.lexicon.labels(*labels);
        let none = labels.is_empty().then(Vec::new);
        for label in labels.iter().map(|l| vec![*l]).chain(none) {
            wanted.entry(label).or_default().extend(entries);
        }
    }
    for all in apart.values_mut().chain(wanted.values_mut()) {
        all.sort_unstable();
        all.dedup();
    }
    apart.retain(|_, all| !all.is_empty());
    assert!(apart == wanted, "{what}: what is left after each label");
    inside.len()
}

/// Walks texts through the states of an expression and checks the rows on the way.
fn check_along(
    rows: &LexicalRows,
    expr: maskwright_automata::lexicon::ExprId,
    texts: &[&str],
    what: &str,
) -> usize {
    let mut seen = rustc_hash::FxHashSet::default();
    let start = rows.lexicon.fresh(expr).unwrap();
    for text in texts {
        let mut state = start;
        for (i, byte) in text.bytes().enumerate() {
            if seen.insert(state) {
                let what = format!(
                    "{what} after {:?}",
                    String::from_utf8_lossy(&text.as_bytes()[..i])
                );
                check(rows, state, LexicalRows::VOCABULARY, &what);
                let exits = rows
                    .row(state, LexicalRows::VOCABULARY, false)
                    .unwrap()
                    .exits
                    .clone();
                for (_, trie) in exits.iter().filter(|e| e.1 != LexicalRows::VOCABULARY) {
                    check(rows, start, *trie, &format!("{what}, over a rest"));
                }
            }
            state = rows.lexicon.next(state, byte).unwrap();
            if state == LexState::DEAD {
                break;
            }
        }
    }
    seen.len()
}

#[test]
fn rows_equal_the_plain_walk() {
    let vocabulary: Arc<Vocabulary> = Vocabulary::cl100k_base();
    let rows = LexicalRows::new(vocabulary, Limits::untrusted());
    let lexicon = Arc::clone(&rows.lexicon);
    let any = lexicon.class(&[('\0', char::MAX)]);
    let mut states = 0;
    let long = format!("\"{}\"", "ab é中\\n\\u0041\u{1f600}".repeat(5));
    for (min, max) in [
        (0, 0),
        (0, 1),
        (1, 3),
        (0, 5),
        (1, 9),
        (0, 20),
        (3, 40),
        (0, 127),
        (0, 200),
        (1, 255),
        (150, 70_000),
    ] {
        let value = lexicon.concat(&[lexicon.repeat(any, min, Some(max)), lexicon.mark(7)]);
        let string = lexicon.json_string(value);
        states += check_along(
            &rows,
            string,
            &["\"", "\"a\\u00", "\"日本", &long],
            &format!("{min}..={max}"),
        );
    }
    // Names and any other name, bounded and not.
    for max in [None, Some(30)] {
        let names: Vec<Box<[u8]>> = ["", "name", "names", "type", "a\\b", "größe"]
            .iter()
            .map(|n| n.as_bytes().into())
            .collect();
        let marked = names
            .iter()
            .zip(10..)
            .map(|(n, i)| (n.clone(), Some(i)))
            .collect();
        let plain = lexicon.literals(names.iter().map(|n| (n.clone(), None)).collect());
        let other = lexicon.and(&[lexicon.not(plain), lexicon.repeat(any, 0, max)]);
        let other = lexicon.concat(&[other, lexicon.mark(3)]);
        let string = lexicon.json_string(lexicon.alt(&[other, lexicon.literals(marked)]));
        states += check_along(
            &rows,
            string,
            &["\"names\"", "\"typ\\u0065x", "\"gr\\u00f6ß", "\"x"],
            "names",
        );
    }
    // Bare counts, where the lexeme ends without a quote.
    let letter = lexicon.class(&[('a', 'z'), ('à', 'ö')]);
    for max in [3, 4, 6, 12, 40] {
        let word = lexicon.concat(&[lexicon.repeat(letter, 2, Some(max)), lexicon.mark(1)]);
        states += check_along(
            &rows,
            word,
            &["thequickbrownfoxjumpsoverthelazydog", "éà"],
            "bare count",
        );
    }
    assert!(states > 80, "{states} states");
}

#[test]
fn rows_over_rests_equal_the_plain_walk() {
    let rows = LexicalRows::new(Vocabulary::cl100k_base(), Limits::untrusted());
    let lexicon = Arc::clone(&rows.lexicon);
    let many = |ranges: &[(char, char)], min| {
        let class = lexicon.class(ranges);
        lexicon.repeat(class, min, None)
    };
    let letters = [('a', 'z'), ('A', 'Z'), ('_', '_')];
    let visible = lexicon.class(&[('!', '~')]);
    let inner = lexicon.concat(&[many(&[(' ', '~')], 0), visible]);
    let keywords = ["if", "in", "int", "for", "form"];
    let keywords = keywords.iter().map(|k| (k.as_bytes().into(), None));
    let keywords = lexicon.literals(keywords.collect());
    let blanks = [(' ', ' '), ('\t', '\n')];
    let lexemes = [
        lexicon.bytes(b" "),
        lexicon.bytes(b"("),
        // White space, and one blank of it as a terminal of its own.
        lexicon.concat(&[many(&blanks, 1), lexicon.mark(50)]),
        lexicon.alt(&[
            lexicon.concat(&[many(&blanks, 1), lexicon.mark(51)]),
            lexicon.concat(&[lexicon.class(&blanks), lexicon.mark(52)]),
        ]),
        // Names, with and without keywords among them.
        many(&letters, 1),
        lexicon.and(&[many(&letters, 1), lexicon.not(keywords)]),
        many(&[('a', 'z'), ('\u{a0}', char::MAX)], 1),
        many(&[('0', '9')], 1),
        // Text that ends visibly, a comment, a character.
        lexicon.concat(&[visible, lexicon.repeat(inner, 0, Some(1))]),
        lexicon.concat(&[
            lexicon.bytes(b"#"),
            many(&[('\0', '\t'), ('\u{b}', char::MAX)], 0),
        ]),
        lexicon.class(&[('!', '~'), ('\u{80}', char::MAX)]),
    ];
    let marked = |(i, e): (usize, &_)| lexicon.concat(&[*e, lexicon.mark(i as u32)]);
    let starts: Vec<LexState> = lexemes
        .iter()
        .enumerate()
        .map(|e| lexicon.fresh(marked(e)).unwrap())
        .collect();
    let exits = |state, trie| {
        let row = rows.row(state, trie, true).unwrap();
        let apart = rows.exits(row, true).unwrap().iter();
        let all = row.exits.iter().chain(apart).map(|e| e.1);
        all.filter(|t| *t != LexicalRows::VOCABULARY).collect()
    };
    let mut seen = rustc_hash::FxHashSet::default();
    let (mut laid_out, mut spread) = (0, 0);
    for (i, &first) in starts.iter().enumerate() {
        check(
            &rows,
            first,
            LexicalRows::VOCABULARY,
            &format!("lexeme {i}"),
        );
        let after: Vec<TrieId> = exits(first, LexicalRows::VOCABULARY);
        for &rest in after.iter().filter(|t| seen.insert(**t)) {
            match rows.is_laid_out(rest) {
                true => laid_out += usize::from(rows.trie(rest).len() >= 64),
                false => spread += 1,
            }
            for (k, &second) in starts.iter().enumerate() {
                check(&rows, second, rest, &format!("lexeme {k} after {i}"));
            }
        }
    }
    assert!(laid_out > 3 && spread > 10, "{laid_out} and {spread}");
}

#[test]
fn rows_of_patterns_equal_the_plain_walk() {
    let vocabulary: Arc<Vocabulary> = Vocabulary::cl100k_base();
    let rows = LexicalRows::new(vocabulary, Limits::untrusted());
    let mut states = 0;
    for (pattern, text) in [
        ("[a-z]+", "\"abc"),
        ("[A-Z][a-z ]{3,40}", "\"Abc def ghi"),
        ("\\\\d+(\\\\.\\\\d{1,6})?", "\"12.345"),
        ("\\\\p{L}{1,30}", "\"aé日"),
        ("/.*", "\"/a/b"),
        ("([^/]+/){0,8}[^/]*", "\"a/b/c"),
    ] {
        let schema = format!(r#"{{"type":"string","pattern":"^{pattern}$","maxLength":60}}"#);
        let compiler = Compiler::new(Arc::clone(&rows.vocabulary), Limits::untrusted());
        let grammar = compiler.json_schema(&schema).unwrap();
        let shared = compiler.shared();
        let machine = grammar.machine();
        let start = machine.lex_start(machine.start()).unwrap();
        states += check_along(&shared, shared.lexicon.expr(start), &[text], pattern);
    }
    for format in ["uri", "email", "date-time", "uuid", "hostname", "ipv4"] {
        let schema = format!(r#"{{"type":"string","format":"{format}"}}"#);
        let compiler = Compiler::new(Arc::clone(&rows.vocabulary), Limits::untrusted());
        let grammar = compiler.json_schema(&schema).unwrap();
        let shared = compiler.shared();
        let machine = grammar.machine();
        let start = machine.lex_start(machine.start()).unwrap();
        let texts = [
            "\"https://a.bc/d",
            "\"ab.c@d.ef",
            "\"2020-01-01T",
            "\"0123abcd-0",
        ];
        states += check_along(&shared, shared.lexicon.expr(start), &texts, format);
    }
    assert!(states > 40, "{states} states");
}

/// Patterns of bounded length: tokens that are too long, and tokens that leave too little to complete the
/// pattern.
#[test]
fn rows_of_bounded_patterns_equal_the_plain_walk() {
    let vocabulary: Arc<Vocabulary> = Vocabulary::cl100k_base();
    let words = "ab  cd ef\\u0020gh é日 \\n";
    // At most so many characters, and how many rows at least are found from those of the pattern.
    for (pattern, most, text, found) in [
        (r"(\\S+\\s+){0,49}\\S+", 60, words, 18),
        (r"(\\S+\\s+){0,49}\\S+", 24, words, 1),
        (r"[a-z]*(-[0-9]{4})?", 30, "some-12", 3),
        (r"([a-z]{2}:)*[a-z]{2}", 40, "ab:cd:ef:gh:i", 12),
        (r"(?=.*[0-9])[a-z0-9]*", 22, "abcde0fg", 0),
    ] {
        let schema = format!(r#"{{"type":"string","pattern":"^{pattern}$","maxLength":{most}}}"#);
        let compiler = Compiler::new(Arc::clone(&vocabulary), Limits::untrusted());
        let grammar = compiler.json_schema(&schema).unwrap();
        let shared = compiler.shared();
        let machine = grammar.machine();
        let mut state = machine.lex_start(machine.start()).unwrap();
        let mut bounded = 0;
        for byte in format!("\"{text}").bytes() {
            state = shared.lexicon.next(state, byte).unwrap();
            assert_ne!(state, LexState::DEAD, "{pattern} {text}");
            check(&shared, state, LexicalRows::VOCABULARY, pattern);
            let shape = shared.lexicon.shape(state).unwrap();
            if let Shape::Bounded(own) = shape {
                bounded += usize::from(shared.bounded_row(state, own).unwrap().is_some());
            }
        }
        assert!(bounded >= found, "{pattern} {most}: {bounded}");
    }
}

/// Tokens that are not text, which no training makes and yet a vocabulary may have: characters that others
/// cut off, and parts of them.
#[test]
fn rows_over_broken_tokens_equal_the_plain_walk() {
    let whole = Vocabulary::cl100k_base();
    let mut tokens: Vec<Vec<u8>> = whole.text_tokens().map(|t| t.1.to_vec()).collect();
    let broken: [&[u8]; 10] = [
        b"a\xc3A",
        b" zqqqzq\xc3A",
        b" the\xe4\xb8\xc3\xa9",
        b"\xc3\xc3",
        b"\xe4\xb8A",
        b"\xe4\xb8\xad\xe4\xb8",
        b"aaaa\x80",
        b"\xa9A",
        b"\xed\xa0\x80",
        b"zz\xf4\x90\x80\x80",
    ];
    tokens.extend(broken.map(<[u8]>::to_vec));
    let tokens = (0..).zip(tokens).map(|(id, bytes)| TokenEntry {
        id,
        bytes,
        kind: TokenKind::Text,
    });
    let vocabulary = Arc::new(Vocabulary::new("broken", tokens, &[], None).unwrap());
    let rows = LexicalRows::new(Arc::clone(&vocabulary), Limits::untrusted());
    let lexicon = Arc::clone(&rows.lexicon);
    let any = lexicon.class(&[('\0', char::MAX)]);
    let bytes = lexicon.byte_class(&[(0, 255)]);
    let high = lexicon.byte_class(&[(0x80, 255)]);
    let mut states = 0;
    for value in [
        lexicon.any_text(),
        lexicon.repeat(any, 1, None),
        lexicon.repeat(any, 0, Some(5)),
        lexicon.repeat(any, 2, Some(40)),
        lexicon.text_not(lexicon.bytes(b"name")),
    ] {
        let string = lexicon.json_string(lexicon.concat(&[value, lexicon.mark(1)]));
        let what = lexicon.describe(value);
        states += check_along(&rows, string, &["\"aé中\"", "\"\\u"], &what);
    }
    for (value, what) in [(bytes, "bytes"), (high, "bytes outside ASCII")] {
        let value = lexicon.concat(&[lexicon.repeat(value, 0, None), lexicon.mark(2)]);
        states += check_along(&rows, value, &["aé", "é"], what);
    }
    assert!(states >= 9, "{states} states");
}

/// Names of all scripts: characters outside ASCII lead to one state, but for some.
#[test]
fn rows_of_names_equal_the_plain_walk() {
    let compiler = Compiler::new(Vocabulary::cl100k_base(), Limits::untrusted());
    let rows = compiler.shared();
    let texts = [
        "größe_1",
        "имя x",
        "変数名",
        "a\u{301}٣ b",
        "नमस्ते",
        "×a",
        "“a”",
    ];
    let mut states = 0;
    for pattern in [
        r"\p{XID_Start}\p{XID_Continue}*",
        r"[\p{L}_][\p{L}\p{Nd}_]*",
        r"\w+(?:[ -]\w+)*",
        r"[^\s\p{P}]+",
        r"[\x{c0}-\x{24f}a-z]+",
        r"(?:[^\x{4e00}-\x{4fff}])+",
        r"(?:\S+\s+){0,30}\S+",
    ] {
        let grammar = compiler.regex(pattern).unwrap();
        let machine = grammar.machine();
        let start = machine.lex_start(machine.start()).unwrap();
        let expr = rows.lexicon.expr(start);
        states += check_along(&rows, expr, &texts, pattern);
    }
    assert!(states > 50, "{states} states");
}

/// Names that are no keywords, at their beginnings and inside, where some keywords may still come.
#[test]
fn rows_of_names_but_keywords_equal_the_plain_walk() {
    let rows = LexicalRows::new(Vocabulary::cl100k_base(), Limits::untrusted());
    let lexicon = Arc::clone(&rows.lexicon);
    let words = ["do", "double", "for", "form", "i", "if", "in", "int", "été"];
    let keywords = words.iter().map(|k| (k.as_bytes().into(), None));
    let keywords = lexicon.literals(keywords.collect());
    let texts = ["doubles", "format x", "int", "inner", "étés", "x"];
    let mut states = 0;
    for (what, first, rest) in [
        (
            "ASCII",
            &[('A', 'Z'), ('_', '_'), ('a', 'z')][..],
            &[('0', '9')][..],
        ),
        (
            "letters",
            &[('a', 'z'), ('\u{c0}', '\u{24f}'), ('\u{4e00}', '\u{9fff}')],
            &[],
        ),
    ] {
        let rest = lexicon.class(&[first, rest].concat());
        let name = lexicon.concat(&[lexicon.class(first), lexicon.repeat(rest, 0, None)]);
        let name = lexicon.and(&[name, lexicon.not(keywords)]);
        let marked = lexicon.concat(&[name, lexicon.mark(1)]);
        let before = rows.by_class.len();
        states += check_along(&rows, marked, &texts, what);
        assert!(rows.by_class.len() > before + 1, "{what} by all names");
        // A name that something follows is not told by what ends it.
        let call = lexicon.concat(&[name, lexicon.bytes(b"("), lexicon.mark(2)]);
        states += check_along(&rows, call, &["format(", "if("], what);
    }
    // Keywords in either case: a letter that is not ASCII is an `s` in the other one.
    let source = "(?i:as|asc|desc|do|in|is|on|or)";
    let keywords = words_of(&rows, source);
    let name = words_of(&rows, "(?i:[a-z_][a-z0-9_]*)");
    let name = lexicon.and(&[name, lexicon.not(keywords)]);
    let before = rows.by_class.len();
    let texts = ["aSc", "ASCII", "order9", "Do", "oſ", "desk"];
    let marked = lexicon.concat(&[name, lexicon.mark(1)]);
    states += check_along(&rows, marked, &texts, "either case");
    assert!(rows.by_class.len() > before + 1, "either case by all names");
    assert!(states > 50, "{states} states");
}

/// Keywords that may begin at any letter of what is left of a name.
#[test]
fn rows_of_keywords_over_rests_of_names_equal_the_plain_walk() {
    let rows = LexicalRows::new(Vocabulary::cl100k_base(), Limits::untrusted());
    let lexicon = Arc::clone(&rows.lexicon);
    let start = |source: &str, mark: u32| {
        let expr = lexicon.concat(&[words_of(&rows, source), lexicon.mark(mark)]);
        lexicon.fresh(expr).unwrap()
    };
    let name = start("[a-zA-Z_][a-zA-Z0-9_]*", 1);
    let row = rows.row(name, LexicalRows::VOCABULARY, false).unwrap();
    let rests: Vec<TrieId> = row.exits.iter().map(|e| e.1).collect();
    let mut checked = 0;
    for source in [
        "and|as|asc|or|order|on|in|is",
        "(?i:and|as|asc|join|left|on|or|where)",
        "[a-f][0-9]|the[a-z]*n|x[a-z]y|q",
        "[aeiou][a-z]{2}",
    ] {
        let state = start(source, 2);
        for &rest in rests.iter().filter(|r| rows.edges(**r).is_some()) {
            check(&rows, state, rest, source);
            checked += 1;
        }
    }
    assert!(checked >= 4, "{checked} rows");
    let Some((classes, _)) = rows.class_trie() else {
        panic!("a large vocabulary");
    };
    assert!(classes.grown_bytes() > 100_000, "by pairs of bytes");
}

/// The expression of a regex.
fn words_of(rows: &LexicalRows, source: &str) -> maskwright_automata::lexicon::ExprId {
    let mut pool = maskwright_grammar::RegexPool::new();
    let flags = maskwright_grammar::pattern::PatternFlags::default();
    let limits = Limits::untrusted();
    let root = maskwright_grammar::pattern::parse_pattern(source, flags, 0, &mut pool, &limits);
    rows.lexicon.import(&pool, root.unwrap()).unwrap()
}

/// States that never end by some bytes, wherever these lead.
#[test]
fn rows_that_go_on_equal_the_plain_walk() {
    let compiler = Compiler::new(Vocabulary::cl100k_base(), Limits::untrusted());
    let rows = compiler.shared();
    let mut states = 0;
    for step in ["9973", "7", "2.5", "0.07", "12.5"] {
        let schema = format!(r#"{{"type":"number","multipleOf":{step}}}"#);
        let grammar = compiler.json_schema(&schema).unwrap();
        let machine = grammar.machine();
        let start = machine.lex_start(machine.start()).unwrap();
        let expr = rows.lexicon.expr(start);
        states += check_along(&rows, expr, &["1234567", "-90.705", "0.0"], step);
    }
    // And without a look at where: each of three digits leads to a state of its own.
    let grammar = compiler
        .json_schema(r#"{"type":"integer","multipleOf":99991}"#)
        .unwrap();
    let machine = grammar.machine();
    let start = machine.lex_start(machine.start()).unwrap();
    let state = rows.lexicon.next(start, b'7').unwrap();
    let before = rows.lexicon.len().1;
    rows.row(state, LexicalRows::VOCABULARY, false).unwrap();
    let made = rows.lexicon.len().1 - before;
    assert!(made < 100, "{made} states for one row");
    for (pattern, text) in [
        ("[a-z]{9,}(?:[0-9]{3,})?", "abcdefghi1234"),
        ("(?:[0-9]{4,}|[0-9a-f]{9,}z)", "0123456789abcz"),
        ("-?[0-9]{7,}[a-z]*", "-12345678ab"),
    ] {
        let grammar = compiler.regex(pattern).unwrap();
        let machine = grammar.machine();
        let start = machine.lex_start(machine.start()).unwrap();
        let expr = rows.lexicon.expr(start);
        states += check_along(&rows, expr, &[text], pattern);
    }
    let schema = r#"{"type":"string","pattern":"^[a-z ]{12,}-[0-9]{5,}$"}"#;
    let grammar = compiler.json_schema(schema).unwrap();
    let machine = grammar.machine();
    let start = machine.lex_start(machine.start()).unwrap();
    let expr = rows.lexicon.expr(start);
    states += check_along(&rows, expr, &["\"ab cdefghijkl-123456"], schema);
    assert!(states > 50, "{states} states");
}

#[test]
fn rows_of_listed_values_equal_the_plain_walk() {
    let rows = LexicalRows::new(Vocabulary::cl100k_base(), Limits::untrusted());
    let lexicon = Arc::clone(&rows.lexicon);
    let any = |min, max| lexicon.repeat(lexicon.class(&[('\0', char::MAX)]), min, max);
    let list = |strings: &[&str], mark: Option<u32>| {
        let all = strings.iter().enumerate();
        let all = all.map(|(i, s)| (s.as_bytes().into(), mark.map(|m| m + i as u32 % 3)));
        lexicon.literals(all.collect())
    };
    let without = |rest, strings: &[&str]| lexicon.and(&[rest, lexicon.not(list(strings, None))]);
    let marked = |e, mark| lexicon.concat(&[e, lexicon.mark(mark)]);
    let words: Vec<String> = (0..300).map(|i| format!("w{}ord{i}", i % 7)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let odd = [
        "", "a", "a\"b", "a\\", "a/b", "tab\t", "\u{7}", "é", "éa", "日本", "日曜", "😀", "😁x",
        "😀😀", "\u{ffff}", "\u{e000}", "\u{d7ff}", "http://x", "name", "names", "type",
    ];
    let word = lexicon.class(&[('a', 'z'), ('_', '_')]);
    // Names parted by patterns, none of which may match together with another one.
    let around = |e| lexicon.concat(&[any(0, None), e, any(0, None)]);
    let (net, dir) = (list(&["net_"], None), list(&["dir_é"], None));
    let (net, dir) = (around(lexicon.concat(&[net, word])), around(dir));
    let both = lexicon.and(&[net, dir]);
    let parted = lexicon.alt(&[
        marked(lexicon.and(&[net, lexicon.not(dir)]), 1),
        marked(lexicon.and(&[dir, lexicon.not(net)]), 2),
        marked(
            lexicon.and(&[lexicon.not(net), lexicon.not(dir), any(0, None)]),
            3,
        ),
        lexicon.and(&[any(0, None), lexicon.not(both)]),
    ]);
    let long = lexicon.concat(&[list(&["https://www.", "日本日本日本"], None), any(0, None)]);
    let not_seen = lexicon.not(list(&["names", "namespace", "日本日本日本日本"], None));
    let values = [
        list(&odd, None),
        list(&odd, Some(10)),
        list(&["only"], Some(3)),
        list(&words, Some(4)),
        // Two lists that share values.
        lexicon.alt(&[
            marked(list(&odd, None), 7),
            list(&["names", "é", "zone"], Some(8)),
        ]),
        // Names that are not listed, with those that still may come.
        without(any(0, None), &odd),
        lexicon.alt(&[
            marked(without(any(0, None), &odd), 8),
            list(&["name", "é", "😀"], Some(20)),
        ]),
        lexicon.alt(&[
            marked(without(any(0, None), &["name", "😀"]), 8),
            list(&["other", "name"], Some(20)),
        ]),
        lexicon.alt(&[
            marked(without(lexicon.repeat(word, 0, None), &odd), 8),
            list(&["Name", "é", "a/b"], Some(20)),
        ]),
        without(any(3, None), &odd),
        // Nothing but a number of characters.
        marked(any(2, Some(5)), 1),
        lexicon.repeat(word, 4, Some(9)),
        lexicon.repeat(lexicon.class(&[('0', '9')]), 4, Some(4)),
        // Text into which everything leads on.
        lexicon.concat(&[any(0, None), list(&["net_", "é"], None), any(0, None)]),
        lexicon.concat(&[any(3, Some(3)), any(0, None), list(&["!", "\"x"], Some(2))]),
        lexicon.alt(&[
            marked(any(1, None), 5),
            marked(lexicon.concat(&[any(0, None), list(&[".js"], None)]), 6),
        ]),
        parted,
        lexicon.and(&[any(0, None), lexicon.not(long)]),
        lexicon.and(&[without(any(0, None), &odd), lexicon.not(long), not_seen]),
        // Text that ends where it has all of some bytes, however they are spelled.
        lexicon.and(&[any(0, None), lexicon.not(around(list(&["fo_"], None)))]),
        lexicon.and(&[
            any(0, None),
            lexicon.not(around(list(&["e\"x", "e\\"], None))),
        ]),
        lexicon.and(&[
            without(any(0, None), &["_", "fo"]),
            lexicon.not(lexicon.alt(&[around(list(&["f_é"], None)), list(&["日f"], None)])),
        ]),
    ];
    let texts = [
        "\"w3ord17",
        "\"na\\u006des",
        "\"a\\\"b",
        "\"a\\\\",
        "\"\\ud83d\\ude00x",
        "\"😁x",
        "\"\\u00e9a",
        "\"日\\u672c",
        "\"日曜",
        "\"http:\\/\\/x",
        "\"only\"",
        "\"\\t",
        "\"1234",
        "\"net_é",
        "\"net_adir_\\u00e9",
        "\"dir_énet_",
        "\"https://www",
        "\"日本日本日本",
        "\"a.js",
        "\"fo\\u005fx",
        "\"\\u0066o_",
        "\"日fé",
        "\"e\\\"x",
    ];
    let (mut lists, mut live, mut spared) = (0, 0, 0);
    for (i, value) in values.into_iter().enumerate() {
        let string = lexicon.json_string(value);
        check_along(&rows, string, &texts, &format!("value {i}"));
        let mut state = lexicon.fresh(string).unwrap();
        for byte in b"\"n" {
            match lexicon.shape(state).unwrap() {
                Shape::Text(_) => lists += 1,
                Shape::Live(_) => {
                    live += 1;
                    spared += usize::from(lexicon.leeway(state) < 8);
                }
                Shape::Bounded(_) | Shape::String | Shape::Other => {}
            }
            state = lexicon.next(state, *byte).unwrap();
        }
    }
    // A number of words within a number of characters.
    let letter = lexicon.class(&[('!', '~'), ('\u{a1}', '\u{2fff}'), ('\u{3001}', char::MAX)]);
    let blank = lexicon.class(&[('\t', '\r'), (' ', ' '), ('\u{a0}', '\u{a0}')]);
    let word = lexicon.repeat(letter, 1, None);
    let unit = lexicon.concat(&[word, lexicon.repeat(blank, 1, None)]);
    let text = lexicon.concat(&[lexicon.repeat(unit, 0, Some(6)), word]);
    for most in [25, 60, 120] {
        let short = lexicon.and(&[text, any(0, Some(most))]);
        let what = format!("words in {most} characters");
        let texts = ["\"é b  c 中 dd e f g", "\"a\\n b c d\\u00e9"];
        check_along(&rows, lexicon.json_string(short), &texts, &what);
    }
    assert!(
        lists > 20 && live >= 8 && spared >= 3,
        "{lists} lists, {live} live, {spared} of them for the bytes that they are spared"
    );
}
