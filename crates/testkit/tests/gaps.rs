//! Vocabularies with gaps: bytes that are no tokens by themselves. A bit is set if and only if tokens can
//! complete the text, which an oracle decides that knows nothing of lexical states or stacks: the chart
//! of the grammar over the prefix tree of the tokens (`oracle::product`).

mod common;

use arbitrary::Unstructured;
use common::{Frozen, Lazy, Running};
use maskwright_compiler::vocabulary::{ReadOptions, VocabularyExt};
use maskwright_grammar::Grammar;
use maskwright_grammar::json_schema::{self, Options};
use maskwright_tables::{Limits, TokenId, Vocabulary};
use maskwright_testkit::check::{self, Counts, Judge};
use maskwright_testkit::corpus::{self, Kind};
use maskwright_testkit::engine::{Engine, Session};
use maskwright_testkit::oracle::schema::{Bound, grammar};
use maskwright_testkit::oracle::{Oracle, is_byte_complete};
use maskwright_testkit::random::Random;
use maskwright_testkit::{generate, vocab};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many grammars had which fate.
#[derive(Debug, Default)]
struct Fates {
    compiled: usize,
    empty: usize,
    limited: usize,
    frozen: usize,
}

fn ir(kind: Kind, source: &str) -> Grammar {
    let limits = Limits::trusted();
    let grammar = match kind {
        Kind::Cfg => Grammar::from_ebnf(source, &limits),
        _ => Grammar::from_regex(source, &limits),
    };
    grammar.unwrap_or_else(|e| panic!("{source}: {e}"))
}

/// Masks of one engine against the oracle; refused sources have no sentence of these tokens.
fn masks<E: Engine>(
    engine: &E,
    (kind, source): (Kind, &str),
    vocabulary: &Arc<Vocabulary>,
    (depth, most): (usize, usize),
    fates: &mut Fates,
) -> Result<Counts, String> {
    assert!(vocabulary.has_gaps() && !is_byte_complete(vocabulary));
    let oracle = Oracle::new(&ir(kind, source)).map_err(|e| e.to_string())?;
    let session = match engine.compile(kind, source, vocabulary) {
        Ok(session) => session,
        Err(e) if e.contains("the limit is") => {
            fates.limited += 1;
            return Ok(Counts::default());
        }
        Err(e) if oracle.viable_with(b"", vocabulary) == Ok(false) => {
            assert!(!e.is_empty());
            fates.empty += 1;
            return Ok(Counts::default());
        }
        Err(e) => return Err(e),
    };
    if oracle.viable_with(b"", vocabulary) == Ok(false) {
        return Err("compiled, and no tokens spell a sentence".to_owned());
    }
    fates.compiled += 1;
    let mut judge = Judge::new(&oracle, vocabulary);
    check::masks_by_depth(&session, &mut judge, depth, most, 23)
}

fn words(words: &[&str]) -> Arc<Vocabulary> {
    Arc::new(vocab::from_words(&[words, &["<eos>"]].concat()))
}

/// Sources and tokens in which the gap matters in its own way.
fn hand_written() -> Vec<(Kind, &'static str, Arc<Vocabulary>)> {
    use Kind::{Cfg, Regex};
    let list: &[(Kind, &str, &[&str])] = &[
        (Regex, "[abc]*", &["ab", "c"]),
        (Regex, "a[abc]*", &["ab", "c"]),
        (Regex, "[abc]*a", &["ab", "c"]),
        (Regex, "(abc|ac|cab)+", &["ab", "c"]),
        (Regex, "ab", &["a", "ab"]),
        (Regex, "a*ba*", &["a", "ab"]),
        (Regex, "a{3}b|aab", &["a", "ab", "aa"]),
        (Regex, "(aa)*", &["aaa"]),
        (Regex, "a{7}", &["aa", "aaa"]),
        (Regex, "a{1,7}", &["aaa", "aaaaa"]),
        (Regex, "(..)*", &["aba", "b"]),
        (Regex, "[a-z]{2,5}", &["abc", "d"]),
        (Regex, "abc|abd|xyz", &["ab", "abc", "x", "yz"]),
        // Whole characters without their bytes, and characters inside longer tokens only.
        (Regex, "[a-zé日]+", &["a", "b", "é", "日"]),
        (Regex, "[a-zé日]{3}", &["a", "é日", "bé"]),
        (Regex, ".*é", &["a", "é", "ébé"]),
        (Regex, "é|ê|ë", &["é", "ë"]),
        (Regex, ".{2}", &["日本", "語", "a"]),
        // Tokens that cross the end of a lexeme.
        (Cfg, "start: A B\nA: \"a\"\nB: \"b\"", &["ab", "c"]),
        (
            Cfg,
            "start: A B C\nA: /a+/\nB: /b+/\nC: /c+/",
            &["a", "ab", "bc", "c"],
        ),
        (Cfg, "start: A+ B\nA: \"ab\"\nB: \"c\"", &["aba", "bc", "b"]),
        (Cfg, "start: (A | B)+\nA: \"ab\"\nB: \"ba\"", &["aba", "b"]),
        (
            Cfg,
            "start: item (\",\" item)*\nitem: /[a-z]+/",
            &["a", "b,", "c"],
        ),
        (
            Cfg,
            "start: item (\",\" item)* \";\"\nitem: /[a-z]+/",
            &["a,", "b;", "c"],
        ),
        // Brackets that come in pairs only, or with what must not follow them.
        (Cfg, "start: \"[\" start \"]\" | \"x\"", &["[", "]]", "x"]),
        (Cfg, "start: \"[\" start \"]\" | \"x\"", &["[", "]]]", "x"]),
        (
            Cfg,
            "start: \"[\" start \"]\" | \"x\"",
            &["[[", "]", "x", "x]"],
        ),
        (
            Cfg,
            "start: \"[\" start \"]\" \";\" | \"x\"",
            &["[", "]]", ";", "x"],
        ),
        (
            Cfg,
            "start: \"[\" start \"]\" \";\" | \"x\"",
            &["[", "];]", ";", "x"],
        ),
        (Cfg, "start: (\"[\" start \"]\")*", &["[", "]["]),
        (Cfg, "start: (\"[\" start \"]\")*", &["[", "][", "]]"]),
        (
            Cfg,
            "start: \"(\" start \")\" | \"[\" start \"]\" | \"x\"",
            &["(", "[", ")]", "])", "x"],
        ),
        (Cfg, "start: start \"+\" start | \"x\"", &["x+", "x"]),
        (Cfg, "start: start \"+\" start | \"x\"", &["x+x", "+"]),
        (Cfg, "start: start \"+\" start | \"x\"", &["x+", "+x"]),
        (
            Cfg,
            "start: \"a\" start \"a\" | \"b\" start \"b\" | \"c\"",
            &["a", "bb", "c", "ba"],
        ),
        // What is ignored can stand in for a cut.
        (Cfg, "start: W+\nW: /[ab]+/\n%ignore / +/", &["a ", "b"]),
        (
            Cfg,
            "start: W \".\"\nW: /[ab]+/\n%ignore / +/",
            &["a ", " .", "b"],
        ),
        // Quotes and escapes.
        (
            Cfg,
            "start: \"{\" STR \":\" STR \"}\"\nSTR: /\"[a-z]*\"/",
            &["{\"", "\":\"", "\"}", "a", "b"],
        ),
        (
            Cfg,
            "start: \"[\" (STR (\",\" STR)*)? \"]\"\nSTR: /\"[a-z]*\"/",
            &["[", "]", "\"a", "\",", "b", "\"]"],
        ),
        (
            Cfg,
            "start: STR\nSTR: /\"([a-z]|\\\\.)*\"/",
            &["\"", "a", "\\\"", "\\n"],
        ),
    ];
    list.iter()
        .map(|(kind, source, tokens)| (*kind, *source, words(tokens)))
        .collect()
}

#[test]
fn hand_written_grammars_with_gaps_equal_the_oracle() {
    let (mut counts, mut fates, mut failures) = (Counts::default(), Fates::default(), Vec::new());
    for (kind, source, vocabulary) in hand_written() {
        match masks(
            &Lazy::default(),
            (kind, source),
            &vocabulary,
            (8, 60),
            &mut fates,
        ) {
            Ok(more) => counts += more,
            Err(e) => failures.push(format!("{source:?} over {}: {e}", list(&vocabulary))),
        }
        let mut frozen = Fates::default();
        match masks(&Frozen, (kind, source), &vocabulary, (6, 30), &mut frozen) {
            Ok(more) => counts += more,
            Err(e) => failures.push(format!("frozen {source:?} over {}: {e}", list(&vocabulary))),
        }
        fates.frozen += frozen.compiled;
    }
    println!("{fates:?}: {counts}");
    assert!(
        failures.is_empty(),
        "{}:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(
        fates.compiled >= 35 && fates.empty >= 2 && fates.limited == 0,
        "{fates:?}"
    );
    assert_eq!(fates.frozen, fates.compiled);
}

fn list(vocabulary: &Vocabulary) -> String {
    let all = vocabulary
        .text_tokens()
        .map(|(_, b)| String::from_utf8_lossy(b).into_owned());
    format!("{:?}", all.collect::<Vec<_>>())
}

#[test]
fn the_grammars_of_the_folder_with_gaps_equal_the_oracle() {
    let (mut counts, mut fates, mut failures) = (Counts::default(), Fates::default(), Vec::new());
    for entry in corpus::load() {
        if entry.kind == Kind::JsonSchema || entry.source.len() > 450 {
            continue;
        }
        let mut texts: Vec<&[u8]> = entry.accepted();
        texts.sort_by_key(|t| t.len());
        texts.retain(|t| !t.is_empty() && t.len() <= 40);
        texts.truncate(3);
        for seed in 0..2 {
            let vocabulary = Arc::new(vocab::sparse(&texts, seed));
            if is_byte_complete(&vocabulary) {
                continue;
            }
            let of = (entry.kind, &*entry.source);
            match masks(&Lazy::default(), of, &vocabulary, (4, 6), &mut fates) {
                Ok(more) => counts += more,
                Err(e) => failures.push(format!("{} over {}: {e}", entry.name, list(&vocabulary))),
            }
            let mut frozen = Fates::default();
            match masks(&Frozen, of, &vocabulary, (3, 3), &mut frozen) {
                Ok(more) => counts += more,
                Err(e) => {
                    failures.push(format!(
                        "frozen {} over {}: {e}",
                        entry.name,
                        list(&vocabulary)
                    ));
                }
            }
            fates.frozen += frozen.compiled;
        }
    }
    println!("{fates:?}: {counts}");
    assert!(
        failures.is_empty(),
        "{}:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(fates.compiled >= 30 && fates.limited == 0, "{fates:?}");
}

/// Tokens over the letters of generated grammars, at least one letter missing as a token.
fn random_tokens(random: &mut Random) -> Option<Arc<Vocabulary>> {
    let mut tokens = BTreeSet::new();
    for _ in 0..2 + random.below(5) {
        let len = 1 + random.below(3);
        let token: String = (0..len)
            .map(|_| char::from(*random.pick(generate::LETTERS)))
            .collect();
        tokens.insert(token);
    }
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let vocabulary = words(&tokens);
    (!is_byte_complete(&vocabulary)).then_some(vocabulary)
}

fn random_grammars(seeds: std::ops::Range<u64>) -> (Counts, Fates) {
    let (mut counts, mut fates, mut failures) = (Counts::default(), Fates::default(), Vec::new());
    for seed in seeds {
        let mut random = Random::new(seed);
        let bytes = random.bytes(160);
        let source = generate::ebnf(&mut Unstructured::new(&bytes)).expect("zeros at worst");
        let Some(vocabulary) = random_tokens(&mut random) else {
            continue;
        };
        let of = (Kind::Cfg, &*source);
        match masks(&Lazy::default(), of, &vocabulary, (6, 10), &mut fates) {
            Ok(more) => counts += more,
            Err(e) if e.contains("the limit is") => fates.limited += 1,
            Err(e) => failures.push(format!("{seed} {source} over {}: {e}", list(&vocabulary))),
        }
        if seed.is_multiple_of(4) {
            let mut frozen = Fates::default();
            match masks(&Frozen, of, &vocabulary, (4, 5), &mut frozen) {
                Ok(more) => counts += more,
                Err(e) if e.contains("the limit is") => {}
                Err(e) => failures.push(format!(
                    "frozen {seed} {source} over {}: {e}",
                    list(&vocabulary)
                )),
            }
            fates.frozen += frozen.compiled;
        }
    }
    assert!(
        failures.is_empty(),
        "{}:\n{}",
        failures.len(),
        failures.join("\n")
    );
    (counts, fates)
}

#[test]
fn random_grammars_with_gaps_equal_the_oracle() {
    let (counts, fates) = random_grammars(0..800);
    println!("{fates:?}: {counts}");
    assert!(
        fates.compiled >= 200 && fates.empty >= 50 && fates.frozen >= 40,
        "{fates:?}"
    );
    assert!(fates.limited * 20 <= fates.compiled, "{fates:?}");
}

#[test]
#[ignore = "minutes: many more grammars"]
fn many_more_random_grammars_with_gaps_equal_the_oracle() {
    let (counts, fates) = random_grammars(1_000..7_000);
    println!("{fates:?}: {counts}");
}

/// Bytes of JSON but some, which come inside longer tokens only. There are no escapes by number: the
/// oracle tries them all.
fn json_without(missing: &[u8], longer: &[&str]) -> Arc<Vocabulary> {
    let single = b"{}[]:,\"\\-.0129abt ".iter().copied();
    let single: Vec<String> = single
        .filter(|b| !missing.contains(b))
        .map(|b| char::from(b).to_string())
        .collect();
    let single = single.iter().map(String::as_str);
    let longer = ["null", "rue", "false"].iter().chain(longer).copied();
    words(&single.chain(longer).collect::<Vec<_>>())
}

/// Each byte is a token, but some are in none.
fn json_lacking(missing: &[u8]) -> Arc<Vocabulary> {
    let single = b"{}[]:,\"\\-.0129abeflnrstu ".iter();
    let single: Vec<String> = single
        .filter(|b| !missing.contains(b))
        .map(|b| char::from(*b).to_string())
        .collect();
    words(&single.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Every byte that JSON needs, and some whole characters.
fn json_complete() -> Arc<Vocabulary> {
    let single = b"{}[]:,\"\\-.0123456789abcdeflnrstu ".iter();
    let single: Vec<String> = single.map(|b| char::from(*b).to_string()).collect();
    let single = single.iter().map(String::as_str);
    words(&single.chain(["é", "日本", "aé"]).collect::<Vec<_>>())
}

/// Small schemas, and vocabularies in which JSON lacks something.
fn json() -> (Vec<&'static str>, Vec<Arc<Vocabulary>>) {
    let schemas = vec![
        r#"{"type":"string","maxLength":3}"#,
        r#"{"type":"string","pattern":"^[aé]{2}$"}"#,
        r#"{"enum":["é","ab",1,null]}"#,
        r#"{"type":"integer","minimum":0,"maximum":20}"#,
        r#"{"type":"array","items":{"enum":["a","é"]},"maxItems":3}"#,
        r#"{"type":"array","items":{"type":"array","items":{"type":"boolean"}}}"#,
        r#"{"type":"object","properties":{"a":{"type":"string"},"é":{"type":"null"}},"required":["a"],"additionalProperties":false}"#,
        r##"{"type":"object","properties":{"a":{"$ref":"#"}},"additionalProperties":false}"##,
        r#"{"type":["array","object","boolean"],"items":{"enum":[null,7]},"maxItems":2,"properties":{"a":{"const":1}},"additionalProperties":false}"#,
        r#"{"type":"array","items":{"type":"boolean"},"minItems":1,"maxItems":3}"#,
    ];
    let vocabularies = vec![
        // Whole characters without their bytes, some inside longer tokens only.
        json_complete(),
        json_without(b"", &["é", "日本", "aé"]),
        // No quote by itself, but at each end of a string.
        json_without(
            b"\"",
            &[
                "\"a", "\":", "\",", "\"}", "\"]", "{\"", "\"é", "[\"", ",\"",
            ],
        ),
        json_without(b"\"", &["\":", "\",\"", "\"}", "{\"", "\"]", "[\""]),
        // Quotes in pairs with something between them.
        json_without(b"\"", &["\"\"", "\"a\"", "é"]),
        // No escapes but these.
        json_without(b"\\", &["\\\"", "\\n", "\\u00e9", "é"]),
        // No colon, no comma, no brackets by themselves.
        json_without(b":", &["\":", ": ", "é"]),
        json_without(b",", &[", ", ",\"", "é"]),
        json_without(b"]}", &["]]", "}}", "\"}", "]}", "é"]),
        json_without(b"{[", &["[[", "{\"", "é"]),
        // Numbers in pairs of digits, names in pieces.
        json_without(b"0129t", &["10", "2a", "t", "12", "9", "é"]),
        // No objects, no arrays, no members, one element at most, no null: of the rest nothing lacks.
        json_lacking(b"{"),
        json_lacking(b"]"),
        json_lacking(b":"),
        json_lacking(b","),
        json_lacking(b"n"),
    ];
    (schemas, vocabularies)
}

/// Compares masks with both bounds along random walks; how many masks.
fn between(
    start: &Running,
    (lower, upper): (&Oracle, &Oracle),
    vocabulary: &Vocabulary,
    (walks, steps): (usize, usize),
) -> Result<usize, String> {
    let mut random = Random::new(5);
    let mut masks = 0;
    for _ in 0..walks {
        let (mut session, mut text) = (start.clone(), Vec::new());
        for _ in 0..steps {
            let at = || format!("after {:?}", String::from_utf8_lossy(&text));
            let mask = session.mask().map_err(|e| format!("{}: {e}", at()))?;
            let viable = |oracle: &Oracle, bytes: &[u8]| {
                oracle.viable_with(&[&text[..], bytes].concat(), vocabulary)
            };
            for (i, set) in mask.iter().enumerate() {
                let token = TokenId(i as u32);
                let bytes = vocabulary.bytes(token);
                // All longer tokens, and some of the others: the oracle is slow.
                if !vocabulary.is_text(token) || bytes.len() == 1 && random.below(8) > 0 {
                    continue;
                }
                let wrong = match set {
                    true => viable(upper, bytes) == Ok(false),
                    false => viable(lower, bytes) == Ok(true),
                };
                if wrong {
                    let bytes = String::from_utf8_lossy(bytes);
                    return Err(format!("{}: {bytes:?} must not be {set}", at()));
                }
                if session.is_allowed(token)? != *set {
                    return Err(format!("{}: is_allowed({token}) is not {set}", at()));
                }
            }
            masks += 1;
            let allowed: Vec<u32> = (0..mask.len() as u32)
                .filter(|i| mask[*i as usize])
                .collect();
            let forced = session.0.forced_tokens(1).map_err(|e| e.to_string())?;
            if !session.is_accepting()? && (allowed.len() == 1) != (forced.len() == 1) {
                return Err(format!("{}: {forced:?} forced of {allowed:?}", at()));
            }
            // Ends and longer tokens more often than by chance.
            let longer: Vec<u32> = allowed
                .iter()
                .copied()
                .filter(|t| vocabulary.bytes(TokenId(*t)).len() > 1)
                .collect();
            let token = match random.below(2) == 0 && !longer.is_empty() {
                true => *random.pick(&longer),
                false => *random.pick(&allowed),
            };
            if !session.advance(TokenId(token))? {
                return Err(format!("{}: token {token} is allowed and refused", at()));
            }
            if vocabulary.is_end(TokenId(token)) {
                break;
            }
            text.extend_from_slice(vocabulary.bytes(TokenId(token)));
        }
    }
    Ok(masks)
}

#[test]
fn schemas_with_gaps_lie_between_the_bounds() {
    let (schemas, vocabularies) = json();
    let (mut fates, mut masks, mut failures) = (Fates::default(), 0, Vec::new());
    for source in &schemas {
        let (schema, _) =
            json_schema::parse(source, &Options::default(), &Limits::trusted()).expect("a schema");
        let bound =
            |bound| Oracle::new(&grammar(&schema, bound).expect("a small schema")).expect("small");
        let (lower, upper) = (bound(Bound::Lower), bound(Bound::Upper));
        for (i, vocabulary) in vocabularies.iter().enumerate() {
            let what = |e| format!("{source} over {}: {e}", list(vocabulary));
            for frozen in [false, true] {
                let compiled = match frozen {
                    false => Lazy::default().compile(Kind::JsonSchema, source, vocabulary),
                    true => Frozen.compile(Kind::JsonSchema, source, vocabulary),
                };
                let session = match compiled {
                    Ok(_) if upper.viable_with(b"", vocabulary) == Ok(false) => {
                        failures.push(what("no tokens spell a document".into()));
                        continue;
                    }
                    Ok(session) => session,
                    Err(e) if lower.viable_with(b"", vocabulary) == Ok(false) => {
                        assert!(e.contains("tokens") || e.contains("no document"), "{e}");
                        fates.empty += usize::from(!frozen);
                        continue;
                    }
                    Err(e) => {
                        failures.push(what(e));
                        continue;
                    }
                };
                fates.compiled += usize::from(!frozen);
                fates.frozen += usize::from(frozen);
                let walks = match (i, frozen) {
                    (0, _) => (1, 2),
                    (_, true) => (2, 16),
                    (_, false) => (4, 24),
                };
                match between(&session, (&lower, &upper), vocabulary, walks) {
                    Ok(more) => masks += more,
                    Err(e) => failures.push(what(format!("frozen {frozen}: {e}"))),
                }
            }
        }
    }
    println!("{fates:?}, {masks} masks");
    assert!(
        failures.is_empty(),
        "{}:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(fates.compiled >= 40 && fates.frozen >= 40, "{fates:?}");
}

#[test]
fn random_texts_over_vocabularies_with_gaps_never_reach_a_dead_end() {
    let (mut schemas, vocabularies) = json();
    let folder = corpus::load();
    let folder = folder
        .iter()
        .filter(|e| e.kind == Kind::JsonSchema && e.source.len() < 1_500);
    let folder: Vec<&str> = folder.map(|e| &*e.source).collect();
    // The last ones have every byte of JSON and lack others; the first has too.
    schemas.extend(&folder);
    let (mut texts, mut tokens, mut ended, mut refused) = (0, 0, 0, 0);
    for source in &schemas {
        let few = if folder.contains(source) {
            1
        } else {
            vocabularies.len()
        };
        for vocabulary in &vocabularies[..few] {
            let Ok(start) = Lazy::default().compile(Kind::JsonSchema, source, vocabulary) else {
                refused += 1;
                continue;
            };
            for seed in 0..4 {
                let mut random = Random::new(seed);
                let mut session = start.clone();
                texts += 1;
                for _ in 0..120 {
                    let mask = session.mask().unwrap_or_else(|e| panic!("{source}: {e}"));
                    let allowed: Vec<u32> = (0..mask.len() as u32)
                        .filter(|i| mask[*i as usize])
                        .collect();
                    assert!(!allowed.is_empty(), "{source} over {}", list(vocabulary));
                    let token = TokenId(*random.pick(&allowed));
                    assert_eq!(session.advance(token), Ok(true), "{source}");
                    tokens += 1;
                    if session.is_terminated() {
                        ended += 1;
                        break;
                    }
                }
            }
        }
    }
    println!("{texts} texts of {tokens} tokens, {ended} ended; {refused} refused to compile");
    assert!(texts >= 150 && ended >= 40);
}

/// What is fed as bytes must be able to go on too; what cannot changes nothing.
#[test]
fn bytes_end_where_tokens_can_go_on() {
    let vocabulary = words(&["a", "é", "bc"]);
    let Running(mut matcher) = Lazy::default()
        .compile(Kind::Regex, "(a|é|bc)+", &vocabulary)
        .expect("a regex");
    matcher
        .advance_bytes("aéb".as_bytes())
        .expect_err("no token begins with c");
    matcher
        .advance_bytes(b"a\xc3")
        .expect_err("half a character");
    matcher
        .advance_bytes("aébc".as_bytes())
        .expect("a sentence");
    assert_eq!(matcher.forced_bytes(4).expect("an answer"), b"");
    assert_eq!(matcher.allowed_count().expect("a count"), 4);
}

/// Real vocabularies with gaps, where the files are: random texts of patterns and schemas go on to their
/// end, and what was compiled ahead of time gives the same masks.
#[test]
fn random_texts_over_real_vocabularies_with_gaps_never_reach_a_dead_end() {
    let folder =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/tokenizers");
    let schema = r#"{"type":"object","properties":{"name":{"type":"string"},"tags":{"type":"array",
        "items":{"type":"string","pattern":"^[a-zé]+$"}},"n":{"type":"integer"}},"required":["name","tags"]}"#;
    let sources = [
        (Kind::Regex, "[a-zA-Z ]+é[a-z ]*\\."),
        (Kind::Regex, "( (the|a) [a-zäöüéèß]{3,12},?)+"),
        (
            Kind::Regex,
            " [0-9]{4}-[0-9]{2}-[0-9]{2}( [一-龠ぁ-ん]{1,5})?",
        ),
        (Kind::Regex, "(.{4})+"),
        (Kind::Cfg, "start: W (\",\" W)* \".\"\nW: / [^,. ]{1,8}é?/"),
        (Kind::JsonSchema, schema),
        (
            Kind::JsonSchema,
            r#"{"type":"array","items":{"type":"string"},"minItems":1}"#,
        ),
        (
            Kind::JsonSchema,
            r#"{"type":"array","items":{"enum":["é","ß",12,null]}}"#,
        ),
    ];
    let (mut files, mut compiled, mut refused, mut tokens, mut masks) = (0, 0, 0, 0, 0);
    for name in ["t5-small.tokenizer.json", "bert.vocab.txt"] {
        let Ok(bytes) = std::fs::read(folder.join(name)) else {
            continue;
        };
        let loaded =
            Vocabulary::from_file_bytes(&bytes, &ReadOptions::default()).expect("a vocabulary");
        let vocabulary = Arc::new(loaded.vocabulary);
        assert!(vocabulary.has_gaps());
        files += 1;
        for (kind, source) in sources {
            let begun = std::time::Instant::now();
            let start = match Lazy(Limits::untrusted()).compile(kind, source, &vocabulary) {
                Ok(start) => start,
                Err(e) => {
                    println!("{name} {source}: {e}");
                    refused += 1;
                    continue;
                }
            };
            compiled += 1;
            let frozen = Frozen.compile(kind, source, &vocabulary);
            for seed in 0..6 {
                let mut random = Random::new(seed);
                let (mut session, mut other) = (start.clone(), frozen.clone().ok());
                for _ in 0..40 {
                    let mask = session
                        .mask()
                        .unwrap_or_else(|e| panic!("{name} {source}: {e}"));
                    if let Some(other) = &mut other {
                        assert!(other.mask().expect("a mask") == mask, "{name} {source}");
                        masks += 1;
                    }
                    let allowed: Vec<u32> = (0..mask.len() as u32)
                        .filter(|i| mask[*i as usize])
                        .collect();
                    if allowed.is_empty() {
                        assert!(
                            session.is_accepting().expect("an answer")
                                && vocabulary.end_tokens().is_empty()
                        );
                        break;
                    }
                    let token = TokenId(*random.pick(&allowed));
                    assert_eq!(session.advance(token), Ok(true), "{name} {source}");
                    if let Some(other) = &mut other {
                        assert_eq!(other.advance(token), Ok(true), "{name} {source}");
                    }
                    tokens += 1;
                }
            }
            let frozen = frozen.as_ref().err().map_or("frozen", |e| &**e);
            println!("{name} {source}: {:?}, {frozen}", begun.elapsed());
        }
    }
    println!(
        "{files} files with gaps, {compiled} compiled, {refused} refused, {tokens} tokens, {masks} masks of artifacts"
    );
}
