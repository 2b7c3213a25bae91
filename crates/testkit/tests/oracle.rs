//! The oracle against enumeration: every text up to a length, for grammars drawn at random and for
//! the ones that parsers get wrong.

use arbitrary::Unstructured;
use maskwright_grammar::ir::ExprId;
use maskwright_grammar::{
    Expr, Grammar, Place, RegexId, RegexPool, Rule, RuleId, Terminal, TerminalId,
};
use maskwright_testkit::generate::{self, LETTERS};
use maskwright_testkit::oracle::{Languages, Oracle, OracleError, is_byte_complete, spans};
use maskwright_testkit::random::Random;
use maskwright_testkit::vocab;
use std::collections::BTreeSet;

type Texts = BTreeSet<Vec<u8>>;

/// All texts over `letters` up to `most` bytes.
fn all_texts(letters: &[u8], most: usize) -> Vec<Vec<u8>> {
    let mut all = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..most {
        let to = all.len();
        for i in from..to {
            for letter in letters {
                let mut text = all[i].clone();
                text.push(*letter);
                all.push(text);
            }
        }
        from = to;
    }
    all
}

/// All concatenations of the two sets that are not longer than `most`.
fn concat(a: &Texts, b: &Texts, most: usize) -> Texts {
    let joined = a
        .iter()
        .flat_map(|x| b.iter().map(move |y| [x.as_slice(), y].concat()));
    joined.filter(|t| t.len() <= most).collect()
}

fn star(of: &Texts, most: usize) -> Texts {
    let mut all = Texts::from([Vec::new()]);
    loop {
        let more = concat(&all, of, most);
        let before = all.len();
        all.extend(more);
        if all.len() == before {
            return all;
        }
    }
}

/// The sentences of up to `most` bytes, by the definition: the least solution of the rules as
/// equations between sets of texts.
fn sentences(g: &Grammar, letters: &[u8], most: usize) -> Texts {
    let texts = all_texts(letters, most);
    let terminal = |t: &TerminalId| -> Texts {
        let regex = g.terminals[t.0 as usize].regex;
        texts
            .iter()
            .filter(|text| spans::matches(&g.regexes, regex, text))
            .cloned()
            .collect()
    };
    let ignored: Texts = g.ignore.iter().flat_map(terminal).collect();
    let gap = star(&ignored, most);
    let terminals: Vec<Texts> = (0..g.terminals.len() as u32)
        .map(|t| concat(&gap, &terminal(&TerminalId(t)), most))
        .map(|mut set| {
            // The gap belongs to the lexeme that follows; a nullable terminal may be left out
            // with it, which the empty text in the set already says.
            set.retain(|t| t.len() <= most);
            set
        })
        .collect();
    let mut known = vec![Texts::new(); g.exprs.len()];
    loop {
        let mut changed = false;
        for i in 0..known.len() {
            let set = match &g.exprs[i] {
                Expr::Empty => Texts::from([Vec::new()]),
                Expr::Terminal(t) => terminals[t.0 as usize].clone(),
                Expr::Rule(r) => known[g.rules[r.0 as usize].expr.0 as usize].clone(),
                Expr::Seq(parts) => parts.iter().fold(Texts::from([Vec::new()]), |all, p| {
                    concat(&all, &known[p.0 as usize], most)
                }),
                Expr::Alt(parts) => parts
                    .iter()
                    .flat_map(|p| known[p.0 as usize].clone())
                    .collect(),
                Expr::Repeat { expr, min, max } => {
                    let one = &known[expr.0 as usize];
                    let least =
                        (0..*min).fold(Texts::from([Vec::new()]), |all, _| concat(&all, one, most));
                    match max {
                        None => concat(&least, &star(one, most), most),
                        Some(max) => {
                            let mut all = least.clone();
                            let mut last = least;
                            for _ in *min..*max {
                                last = concat(&last, one, most);
                                all.extend(last.iter().cloned());
                            }
                            all
                        }
                    }
                }
            };
            changed |= set.len() != known[i].len();
            known[i] = set;
        }
        if !changed {
            let start = g.rules[g.start.expect("a start rule").0 as usize].expr;
            return concat(&known[start.0 as usize], &gap, most);
        }
    }
}

/// Checks verdicts on all texts, and viability as far as the enumeration can see: a prefix of a
/// sentence is viable, and a viable text has a completion.
fn check(g: &Grammar, most: usize) -> usize {
    let oracle = Oracle::with_alphabet(g, LETTERS).expect("a small grammar");
    let expected = sentences(g, LETTERS, most);
    let prefixes: Texts = expected
        .iter()
        .flat_map(|s| (0..=s.len()).map(|n| s[..n].to_vec()))
        .collect();
    let texts = all_texts(LETTERS, most);
    let letters = vocab::from_words(&["a", "b", "c", "<eos>"]);
    for text in &texts {
        let mut session = oracle.session_at(text).expect("within budget");
        let shown = String::from_utf8_lossy(text).into_owned();
        assert_eq!(
            session.is_accepting(),
            expected.contains(text),
            "accepts {shown:?}: {g:?}"
        );
        if prefixes.contains(text) {
            assert!(session.is_viable(), "viable {shown:?}: {g:?}");
        } else if session.is_viable() {
            // A completion is longer than the enumeration: look for it, or ask the other chart.
            let found = match session
                .shortest_completion(LETTERS, 4)
                .expect("within budget")
            {
                Some(rest) => oracle.accepts(&[text.as_slice(), &rest].concat()),
                None => oracle.viable_with(text, &letters),
            };
            assert_eq!(
                found,
                Ok(true),
                "{shown:?} is viable and has no completion: {g:?}"
            );
        }
    }
    texts.len()
}

#[test]
fn random_grammars_agree_with_enumeration() {
    let (mut texts, mut nonempty) = (0, 0);
    for seed in 0..400 {
        let bytes = Random::new(seed).bytes(200);
        let g = generate::grammar(&mut Unstructured::new(&bytes)).expect("zeros at worst");
        texts += check(&g, 4);
        nonempty += usize::from(!sentences(&g, LETTERS, 4).is_empty());
    }
    println!("400 grammars, {nonempty} with sentences, {texts} texts");
    assert!(
        nonempty > 100,
        "the generator must not draw empty languages only: {nonempty}"
    );
}

#[test]
fn derivatives_agree_with_the_direct_reading_of_regexes() {
    let letters = b"ab\"\\n";
    let mut texts = all_texts(letters, 4);
    let spelled = [
        "\"a\"",
        "\"\\u0061\"",
        "\"\\u00e9\"",
        "\"é\"",
        "\"\\ud800\\udc00\"",
        "\"\\ud800\"",
        "\"\u{10000}\"",
        "\"a\\\\b\"",
        "\"\n\"",
        "\"\\n\"",
        "é",
        "aé",
        "\u{10000}",
    ];
    texts.extend(spelled.iter().map(|t| t.as_bytes().to_vec()));
    texts.extend([b"\"\xff\"".to_vec(), b"\xc3".to_vec(), b"\"\xc3\"".to_vec()]);
    let (mut compared, mut matched) = (0, 0);
    for seed in 0..600 {
        let bytes = Random::new(seed).bytes(80);
        let mut pool = RegexPool::new();
        let root =
            generate::regex(&mut Unstructured::new(&bytes), &mut pool, 4).expect("zeros at worst");
        let mut languages = Languages::new(None);
        let root_language = languages.import(&pool).expect("not deep")[root.0 as usize];
        for text in &texts {
            let direct = spans::matches(&pool, root, text);
            assert_eq!(
                languages.matches(root_language, text),
                direct,
                "{text:?} {pool:?} {root:?}"
            );
            compared += 1;
            matched += usize::from(direct);
        }
    }
    println!("{compared} verdicts, {matched} matches");
    assert!(matched > 1000);
}

#[test]
fn emptiness_of_regexes_agrees_with_enumeration() {
    let texts = all_texts(b"abc", 6);
    let mut empty = 0;
    for seed in 0..600 {
        let bytes = Random::new(seed + 5000).bytes(60);
        let mut pool = RegexPool::new();
        let root =
            generate::regex(&mut Unstructured::new(&bytes), &mut pool, 3).expect("zeros at worst");
        let mut languages = Languages::new(Some(b"abc"));
        let language = languages.import(&pool).expect("not deep")[root.0 as usize];
        let live = languages.is_live(language).expect("within budget");
        let found = texts.iter().any(|t| spans::matches(&pool, root, t));
        assert!(live || !found, "{pool:?} {root:?}");
        // Depth 3 and copies up to 4 could need longer texts, which only a Repeat makes.
        let repeats = pool
            .nodes()
            .iter()
            .any(|n| matches!(n, maskwright_grammar::RegexNode::Repeat { .. }));
        assert!(!live || found || repeats, "{pool:?} {root:?}");
        empty += usize::from(!live);
    }
    println!("600 regexes, {empty} empty");
    assert!(empty > 5);
}

/// A terminal's name, and its regex.
type Named = (&'static str, fn(&mut RegexPool) -> RegexId);
/// A rule's name, and its alternatives as lists of names.
type Alternatives<'a> = (&'a str, &'a [&'a [&'a str]]);

/// A grammar by hand: literals, and rules as lists of alternatives of names.
fn grammar(terminals: &[Named], rules: &[Alternatives<'_>]) -> Grammar {
    let mut g = Grammar::default();
    for (name, make) in terminals {
        let regex = make(&mut g.regexes);
        g.terminals.push(Terminal {
            name: (*name).into(),
            regex,
            place: Place::default(),
        });
    }
    for (name, alternatives) in rules {
        let mut parts = Vec::new();
        for alternative in *alternatives {
            let seq: Vec<ExprId> = alternative
                .iter()
                .map(|word| {
                    let rule = rules.iter().position(|r| r.0 == *word);
                    let terminal = terminals.iter().position(|t| t.0 == *word);
                    let expr = match (rule, terminal) {
                        (Some(i), _) => Expr::Rule(RuleId(i as u32)),
                        (None, Some(i)) => Expr::Terminal(TerminalId(i as u32)),
                        (None, None) => panic!("{word} is not defined"),
                    };
                    g.add(expr)
                })
                .collect();
            parts.push(g.add(Expr::Seq(seq)));
        }
        let expr = g.add(Expr::Alt(parts));
        g.rules.push(Rule {
            name: (*name).into(),
            expr,
            place: Place::default(),
        });
    }
    g.start = Some(RuleId(0));
    g
}

fn a(p: &mut RegexPool) -> RegexId {
    p.bytes(*b"a")
}
fn b(p: &mut RegexPool) -> RegexId {
    p.bytes(*b"b")
}

#[test]
fn recursions_and_empty_rules_of_every_kind_agree_with_enumeration() {
    let t: &[Named] = &[("a", a), ("b", b)];
    let zoo: &[(&str, &[Alternatives<'_>])] = &[
        ("left", &[("s", &[&["s", "a"], &["b"]])]),
        ("right", &[("s", &[&["a", "s"], &["b"]])]),
        ("centre", &[("s", &[&["a", "s", "b"], &[]])]),
        (
            "palindromes",
            &[("s", &[&["a", "s", "a"], &["b", "s", "b"], &[]])],
        ),
        (
            "mutual",
            &[("s", &[&["x", "a"], &["b"]]), ("x", &[&["s", "b"], &["a"]])],
        ),
        (
            "hidden left",
            &[("s", &[&["n", "s", "b"], &["a"]]), ("n", &[&[], &["a"]])],
        ),
        (
            "nullable chain",
            &[
                ("s", &[&["n", "n", "n", "a"]]),
                ("n", &[&["m"], &["b"]]),
                ("m", &[&[], &["n"]]),
            ],
        ),
        ("cycle", &[("s", &[&["s"], &["a"], &[]])]),
        ("double cycle", &[("s", &[&["s", "s"], &["a"], &[]])]),
        ("ambiguous", &[("s", &[&["s", "s"], &["a"], &["b", "s"]])]),
        ("empty language", &[("s", &[&["a", "s"]])]),
        (
            "unproductive branch",
            &[
                ("s", &[&["a", "dead"], &["b"]]),
                ("dead", &[&["a", "dead"]]),
            ],
        ),
        (
            "not lalr",
            &[
                (
                    "s",
                    &[
                        &["a", "x", "a"],
                        &["b", "y", "a"],
                        &["a", "y", "b"],
                        &["b", "x", "b"],
                    ],
                ),
                ("x", &[&["a"]]),
                ("y", &[&["a"]]),
            ],
        ),
    ];
    for (name, rules) in zoo {
        let texts = check(&grammar(t, rules), 6);
        println!("{name}: {texts} texts");
    }
}

#[test]
fn no_maximal_munch() {
    fn stem(p: &mut RegexPool) -> RegexId {
        p.literals([Box::from(*b"list"), Box::from(*b"listen")])
    }
    fn suffix(p: &mut RegexPool) -> RegexId {
        p.bytes(*b"ed")
    }
    fn many(p: &mut RegexPool) -> RegexId {
        let any = p.any_char();
        p.repeat(any, 1, None)
    }
    fn close(p: &mut RegexPool) -> RegexId {
        p.bytes(*b"</t>")
    }
    let l2 = Oracle::new(&grammar(
        &[("stem", stem), ("suffix", suffix)],
        &[("s", &[&["stem", "suffix"]])],
    ))
    .unwrap();
    assert_eq!(l2.accepts(b"listed"), Ok(true));
    assert_eq!(l2.accepts(b"listened"), Ok(true));
    assert_eq!(l2.accepts(b"list"), Ok(false));
    assert_eq!(l2.is_viable(b"listene"), Ok(true));
    assert_eq!(l2.is_viable(b"listeed"), Ok(false));
    let l3 = Oracle::new(&grammar(
        &[("many", many), ("close", close)],
        &[("s", &[&["many", "close"]])],
    ))
    .unwrap();
    assert_eq!(l3.accepts(b"abc</t>"), Ok(true));
    assert_eq!(l3.is_viable(b"</t></t"), Ok(true));
    // Half a character is viable, half a wrong one is not.
    assert_eq!(l3.is_viable(b"a\xf0\x9f"), Ok(true));
    assert_eq!(l3.is_viable(b"a\xed\xa0"), Ok(false));
}

#[test]
fn ignored_lexemes_stand_anywhere_but_inside_lexemes() {
    fn word(p: &mut RegexPool) -> RegexId {
        p.bytes(*b"ab")
    }
    fn space(p: &mut RegexPool) -> RegexId {
        p.bytes(*b"  ")
    }
    let mut g = grammar(
        &[("word", word), ("space", space)],
        &[("s", &[&["word", "s"], &[]])],
    );
    g.ignore.push(TerminalId(1));
    let oracle = Oracle::new(&g).unwrap();
    for good in ["", "  ", "ab", "  ab    ab  ", "abab"] {
        assert_eq!(oracle.accepts(good.as_bytes()), Ok(true), "{good:?}");
    }
    for bad in [" ", "a b", "a  b", "ab ab"] {
        assert_eq!(oracle.accepts(bad.as_bytes()), Ok(false), "{bad:?}");
    }
    assert_eq!(oracle.is_viable(b" "), Ok(true));
    assert_eq!(oracle.is_viable(b"a "), Ok(false));
}

#[test]
fn masks_agree_with_viability_token_by_token_and_with_the_product_chart() {
    let mut bits = 0;
    for seed in 0..60 {
        let bytes = Random::new(seed + 900).bytes(160);
        let g = generate::grammar(&mut Unstructured::new(&bytes)).expect("zeros at worst");
        let v = vocab::toy(&[b"abcab", b"cabba"], 6, seed);
        assert!(is_byte_complete(&v));
        let oracle = Oracle::with_vocabulary(&g, &v).expect("a small grammar");
        for prefix in all_texts(LETTERS, 2) {
            let mask = oracle.allowed(&prefix, &v).expect("within budget");
            let product = Oracle::new(&g)
                .unwrap()
                .allowed_with(&prefix, &v)
                .expect("within budget");
            assert_eq!(mask, product, "{prefix:?} {g:?}");
            for (token, spelled) in v.text_tokens() {
                let text = [prefix.as_slice(), spelled].concat();
                assert_eq!(mask[token.index()], oracle.is_viable(&text).unwrap());
            }
            for end in v.end_tokens() {
                assert_eq!(mask[end.index()], oracle.accepts(&prefix).unwrap());
            }
            bits += mask.len();
        }
    }
    println!("{bits} bits");
}

#[test]
fn completion_with_tokens_agrees_with_enumeration_of_token_sequences() {
    let (mut viable, mut asked) = (0, 0);
    for seed in 0..80 {
        let bytes = Random::new(seed + 77).bytes(160);
        let g = generate::grammar(&mut Unstructured::new(&bytes)).expect("zeros at worst");
        let v = vocab::from_words(&["ab", "ba", "ccc", "bb", "<eos>"]);
        assert!(!is_byte_complete(&v));
        let oracle = Oracle::new(&g).expect("a small grammar");
        let words: Vec<&[u8]> = v.text_tokens().map(|(_, b)| b).collect();
        let mut sequences = vec![Vec::new()];
        for i in 0..85 {
            let base: Vec<u8> = sequences[i].clone();
            sequences.extend(words.iter().map(|w| [base.as_slice(), w].concat()));
        }
        for prefix in all_texts(LETTERS, 2) {
            let found = sequences
                .iter()
                .any(|s| oracle.accepts(&[prefix.as_slice(), s].concat()) == Ok(true));
            let claimed = oracle.viable_with(&prefix, &v).expect("within budget");
            assert!(claimed || !found, "{prefix:?} {g:?}");
            viable += usize::from(claimed);
            asked += 1;
            if !oracle.is_viable(&prefix).unwrap() {
                assert!(!claimed);
            }
        }
    }
    println!("{asked} prefixes, {viable} completable");
    assert!(viable > 20 && viable < asked);
}

#[test]
fn hostile_input_is_refused_not_overflowed() {
    let mut pool = RegexPool::new();
    let mut node = pool.bytes(*b"a");
    for _ in 0..100_000 {
        node = pool.not(node);
        let b = pool.bytes(*b"b");
        node = pool.alt([node, b]);
    }
    assert_eq!(
        Languages::new(None).import(&pool).err(),
        Some(OracleError::TooDeep)
    );
    assert_eq!(
        Oracle::new(&Grammar::default()).err(),
        Some(OracleError::NoStart)
    );
}
