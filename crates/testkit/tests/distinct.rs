//! Names and elements that must differ: masks against a judge of whole documents.
//!
//! A token may come next if and only if some completion is a valid document. The schemas here are
//! such that one of a few hundred endings completes whatever can be completed, so another library,
//! asked for each of them, decides.

mod common;

use common::{Frozen, Lazy};
use maskwright_tables::{TokenId, Vocabulary};
use maskwright_testkit::corpus::Kind;
use maskwright_testkit::engine::{Engine, Session};
use maskwright_testkit::random::Random;
use maskwright_testkit::validate::Validator;
use maskwright_testkit::vocab;
use std::collections::BTreeMap;
use std::sync::Arc;

struct Case {
    name: &'static str,
    schema: &'static str,
    /// Each ending is one piece of each of these lists.
    endings: &'static [&'static [&'static str]],
    tokens: &'static [&'static str],
    /// Documents that the masks must let through.
    accept: &'static [&'static str],
    /// And those that they must not.
    reject: &'static [&'static str],
}

/// What may be missing of an escape sequence for `a` or `b`.
const ESCAPES: &[&str] = &[
    "", "u0061", "0061", "061", "61", "1", "u0062", "0062", "062", "62", "2",
];

const CASES: &[Case] = &[
    Case {
        name: "undeclared names",
        schema: r#"{"type":"object","properties":{"a":{"const":1}},"additionalProperties":{"const":1},"maxProperties":3}"#,
        endings: &[
            ESCAPES,
            &["", "zz\"", "\"zz\"", "{\"zz\"", ",\"zz\"", "\""],
            &["", ":1", ":", "1"],
            &["", "}"],
        ],
        tokens: &[
            "{",
            "}",
            "\"",
            ":",
            ",",
            "1",
            "a",
            "b",
            "z",
            "\\u00",
            "\\",
            "u",
            "0",
            "6",
            "\"b",
            "b\"",
            "b\":1",
            "\":1,\"",
            "\",\"b",
            ",\"b\":1",
            "1,\"b\"",
            "bb",
            "\"b\":1,\"b\":1",
            "1,\"b\":1,\"",
            "\"z\":1,\"b\":1}",
            "1,\"z\":1,\"z",
        ],
        accept: &[r#"{"a":1,"b":1,"bb":1}"#, r#"{"b":1,"z":1}"#, "{}"],
        reject: &[
            r#"{"b":1,"b":1}"#,
            r#"{"b":1,"\u0062":1}"#,
            r#"{"\u0062":1,"z":1,"b":1}"#,
        ],
    },
    Case {
        name: "a name that no other begins like",
        schema: r#"{"type":"object","patternProperties":{"^(a|b1*)$":{"const":1}},"additionalProperties":false}"#,
        endings: &[
            ESCAPES,
            &["", "1111", "b1111", "\"b1111", ",\"b1111", "{\"b1111"],
            &["", "\"", "\":", "\":1", ":1", "1"],
            &["", "}"],
        ],
        tokens: &[
            "{",
            "}",
            "\"",
            ":",
            ",",
            "1",
            "a",
            "b",
            "\\u00",
            "61",
            "62",
            "\\",
            "u",
            "0",
            "6",
            "\"a",
            "a\"",
            "11",
            "\":1",
            ",\"",
            "1,\"a",
            "1,\"a\"",
            "a\":1,\"a",
            "a\":1,\"b",
        ],
        accept: &[r#"{"a":1,"b":1,"b1":1,"b11":1}"#, r#"{"b1":1,"\u0061":1}"#],
        reject: &[
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"b1":1,"b1":1}"#,
        ],
    },
    Case {
        name: "objects inside objects",
        schema: r##"{"$defs":{"o":{"type":"object","additionalProperties":{"anyOf":[{"const":1},{"$ref":"#/$defs/o"}]},"maxProperties":2}},"$ref":"#/$defs/o"}"##,
        endings: &[
            &["", "zz\"", "\"zz\"", "{\"zz\"", ",\"zz\"", "\""],
            &["", ":1", ":", "1"],
            &[
                "",
                "}",
                "}}",
                "}}}",
                "}}}}",
                "}}}}}",
                "}}}}}}",
                "}}}}}}}",
                "}}}}}}}}",
                "}}}}}}}}}",
                "}}}}}}}}}}",
                "}}}}}}}}}}}",
                "}}}}}}}}}}}}",
            ],
        ],
        tokens: &[
            "{",
            "}",
            "\"",
            ":",
            ",",
            "1",
            "b",
            "\"b\"",
            "\"b\":",
            "{\"b\"",
            "\"b\":{\"b\":1}",
            "},\"b\"",
            "},\"b\":1",
            "\"b\":1}",
            "z",
            "1},\"z\"",
            "1,\"b\":{\"b\"",
        ],
        accept: &[
            r#"{"b":{"b":{"b":1}},"z":1}"#,
            r#"{"b":{"b":1,"z":1},"z":{}}"#,
        ],
        reject: &[r#"{"b":{"b":1},"b":1}"#, r#"{"z":{"b":1,"b":1}}"#],
    },
    Case {
        name: "distinct scalars",
        schema: r#"{"type":"array","uniqueItems":true,"items":{"type":["integer","string"],"maxLength":3}}"#,
        endings: &[
            &["", "\\", "u0061", "0061", "061", "61", "1", "7", "77", "0"],
            &["", "\"", "z", "zz", "z\"", "zz\"", "[77", ",77"],
            &["", "]"],
        ],
        tokens: &[
            "[", "]", ",", "1", "0", "10", ".0", ".", "-", "\"", "a", "\"a\"", "1,", ",1", "1,1",
            "0,0", "1]", "a\",\"a", "\",\"", "\\u0061", "aa", "\"\"",
        ],
        accept: &[r#"[1,10,"1","a",0]"#, r#"["a","aa","",1.0,-1]"#, "[]"],
        reject: &[
            "[1,1]",
            "[1,1.0]",
            "[10,1e1]",
            r#"["a","\u0061"]"#,
            "[0,-0]",
            r#"["","a",""]"#,
        ],
    },
    Case {
        name: "numbers that leave no other way",
        schema: r#"{"type":"array","uniqueItems":true,"items":{"type":"integer","anyOf":[{"const":1},{"minimum":2000,"maximum":9000}]}}"#,
        endings: &[
            &["", "0", "00", "000", "0000", "5", "57", "577", "5777"],
            &["", "[5777", ",5777"],
            &["", "]"],
        ],
        tokens: &[
            "[", "]", ",", "1", "0", "2", ".", "3", "00", "1,", ",1", "2000", "1]", "0,2",
        ],
        accept: &["[1,2000]", "[2000,1,3e3,2300]", "[]", "[1.0]"],
        reject: &["[1,1]", "[2000,2e3]", "[1,1.0]", "[2000,2.000e3]"],
    },
];

fn endings(case: &Case) -> Vec<String> {
    case.endings
        .iter()
        .fold(vec![String::new()], |all, pieces| {
            let longer = |e: String| pieces.iter().map(move |p| format!("{e}{p}"));
            all.into_iter().flat_map(longer).collect()
        })
}

/// Whether some ending makes a valid document of each text, asked once for each.
struct Judge {
    validator: Validator,
    endings: Vec<String>,
    known: BTreeMap<Vec<u8>, bool>,
}

impl Judge {
    fn viable(&mut self, text: &[u8]) -> bool {
        if let Some(&known) = self.known.get(text) {
            return known;
        }
        let viable = self.endings.iter().any(|e| {
            self.validator
                .validate(&[text, e.as_bytes()].concat())
                .is_ok()
        });
        self.known.insert(text.to_vec(), viable);
        viable
    }
}

#[test]
fn masks_know_what_must_differ() {
    for case in CASES {
        let vocabulary: Arc<Vocabulary> =
            Arc::new(vocab::from_words(&[case.tokens, &["<eos>"]].concat()));
        let session = Lazy::default()
            .compile(Kind::JsonSchema, case.schema, &vocabulary)
            .unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let mut judge = Judge {
            validator: Validator::new(case.schema).expect("a valid schema"),
            endings: endings(case),
            known: BTreeMap::new(),
        };
        let mut random = Random::new(7);
        let (mut masks, mut refused_for_value) = (0, 0);
        for _ in 0..60 {
            let mut session = session.clone();
            let mut text: Vec<u8> = Vec::new();
            for _ in 0..14 {
                // Of so few tokens sometimes none can write what would have to come.
                let mask = match session.mask() {
                    Err(e) if e == "no token may come next" => vec![false; case.tokens.len()],
                    mask => mask.expect("a mask"),
                };
                masks += 1;
                let mut allowed = Vec::new();
                for (t, word) in case.tokens.iter().enumerate() {
                    let longer = [&text, word.as_bytes()].concat();
                    let viable = judge.viable(&longer);
                    let place = || {
                        format!(
                            "{}: {:?} after {:?}",
                            case.name,
                            word,
                            String::from_utf8_lossy(&text)
                        )
                    };
                    assert_eq!(mask[t], viable, "{}", place());
                    let token = TokenId(t as u32);
                    assert_eq!(
                        session.clone().advance(token),
                        Ok(viable),
                        "advance: {}",
                        place()
                    );
                    if viable {
                        allowed.push(token);
                    } else if judge.viable(&longer[..longer.len() - 1]) {
                        refused_for_value += 1;
                    }
                }
                if allowed.is_empty() {
                    break;
                }
                let token = *random.pick(&allowed);
                assert_eq!(session.advance(token), Ok(true));
                text.extend_from_slice(case.tokens[token.index()].as_bytes());
            }
        }
        println!(
            "{}: {masks} masks, {refused_for_value} tokens refused at their last byte",
            case.name
        );
        assert!(refused_for_value > 10, "{}", case.name);
    }
}

#[test]
fn documents_that_repeat_are_refused_byte_by_byte() {
    let vocabulary: Arc<Vocabulary> = Arc::new(vocab::bytes());
    for case in CASES {
        let session = Lazy::default()
            .compile(Kind::JsonSchema, case.schema, &vocabulary)
            .unwrap_or_else(|e| panic!("{}: {e}", case.name));
        for (texts, expected) in [(case.accept, true), (case.reject, false)] {
            for text in texts {
                let mut session = session.clone();
                let read = text.bytes().all(|b| {
                    let token = TokenId(u32::from(b));
                    let allowed = session.mask().expect("a mask")[token.index()];
                    assert_eq!(session.advance(token), Ok(allowed), "{}: {text}", case.name);
                    allowed
                });
                let accepted = read && session.is_accepting().expect("an answer");
                assert_eq!(accepted, expected, "{}: {text}", case.name);
            }
        }
    }
}

/// The masks of a machine that was compiled ahead of time are those of the lazy one, which are held
/// against the judge above.
#[test]
fn masks_of_artifacts_know_what_must_differ() {
    let mut masks = 0;
    for case in CASES {
        let vocabulary: Arc<Vocabulary> =
            Arc::new(vocab::from_words(&[case.tokens, &["<eos>"]].concat()));
        let lazy = Lazy::default().compile(Kind::JsonSchema, case.schema, &vocabulary);
        let frozen = Frozen.compile(Kind::JsonSchema, case.schema, &vocabulary);
        let lazy = lazy.unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let frozen = frozen.unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let mut random = Random::new(11);
        for _ in 0..300 {
            let (mut lazy, mut frozen) = (lazy.clone(), frozen.clone());
            let mut text = String::new();
            for _ in 0..14 {
                let mask = lazy.mask();
                assert_eq!(frozen.mask(), mask, "{}: {text}", case.name);
                masks += 1;
                // Of so few tokens sometimes none can write what would have to come.
                let Ok(mask) = mask else { break };
                let words = 0..case.tokens.len();
                let allowed: Vec<usize> = words.filter(|t| mask[*t]).collect();
                if allowed.is_empty() {
                    break;
                }
                let word = *random.pick(&allowed);
                text.push_str(case.tokens[word]);
                let token = TokenId(word as u32);
                assert_eq!(lazy.advance(token), Ok(true), "{}: {text}", case.name);
                assert_eq!(frozen.advance(token), Ok(true), "{}: {text}", case.name);
            }
        }
    }
    println!("{masks} masks");
    assert!(masks > 5_000, "{masks} masks");
}
