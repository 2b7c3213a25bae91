//! Names and elements that must differ: masks against a judge of whole documents.
//!
//! A token may come next if and only if some completion is a valid document. The schemas here are
//! such that one of a few hundred endings completes whatever can be completed, so another library,
//! asked for each of them, decides.

mod common;

use common::{Frozen, Lazy, Running};
use maskwright_compiler::{Compiler, JsonSchemaOptions, Order, Whitespace};
use maskwright_runtime::{Matcher, RowScratch};
use maskwright_tables::{Limits, TokenId, Vocabulary};
use maskwright_testkit::corpus::Kind;
use maskwright_testkit::engine::{Engine, Session};
use maskwright_testkit::random::Random;
use maskwright_testkit::validate::Validator;
use maskwright_testkit::vocab;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

struct Case {
    name: &'static str,
    schema: &'static str,
    /// Each ending is one piece of each of these lists.
    endings: &'static [&'static [&'static str]],
    /// Whether arrays or objects must differ, which is not compiled ahead of time yet.
    records: bool,
    /// Whether the brackets that are open then are closed, too: all at the end, or some of them before
    /// the last piece.
    closes: bool,
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
        closes: false,
        records: false,
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
        closes: false,
        records: false,
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
        closes: false,
        records: false,
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
        closes: false,
        records: false,
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
        closes: false,
        records: false,
        tokens: &[
            "[", "]", ",", "1", "0", "2", ".", "3", "00", "1,", ",1", "2000", "1]", "0,2",
        ],
        accept: &["[1,2000]", "[2000,1,3e3,2300]", "[]", "[1.0]"],
        reject: &["[1,1]", "[2000,2e3]", "[1,1.0]", "[2000,2.000e3]"],
    },
    Case {
        name: "few numbers in many spellings",
        schema: r#"{"type":"array","uniqueItems":true,"items":{"type":"integer","minimum":9,"maximum":12}}"#,
        endings: &[
            &[
                "", "0", "1", "2", "9", "10", "11", "12", ".0", "0.0", "1.0", "2.0", "e1", "1e1",
                "2e1", "0e1", ".0e1", ".1e1", ".2e1", "+1",
            ],
            &["", "9", "10", "11", "12", ",9", ",10", ",11", ",12", "[9"],
        ],
        closes: true,
        records: false,
        tokens: &[
            "[", "]", ",", "9", "1", "0", "2", "10", "11", "12", ".0", ".", "e1", "9,", "10,1",
            ",9", ",12,", "1e1", "1.1", "0]", "11]", " ", "00",
        ],
        accept: &["[9,10,11,12]", "[1.1e1,12.0,9]", "[12,9e0]"],
        reject: &[
            "[10,1e1]",
            "[9,10,11,12,",
            "[10,11,12,1",
            "[10,11,1.1e1]",
            "[9,9.",
        ],
    },
    Case {
        name: "multiples of up to eight digits",
        schema: r#"{"type":"array","uniqueItems":true,"items":{"type":"integer","multipleOf":3,"minimum":1,"maximum":99999999}}"#,
        endings: &[
            &[
                "", "0", "1", "2", "3", "4", "5", "6", "7", "8", "00", "11", "22",
            ],
            &["", "771", ",771", "[771"],
        ],
        closes: true,
        records: false,
        tokens: &[
            "[", "]", ",", "3", "6", "30", "0", "1", "2", "33", "3,", ",3", "3,6", "6]", "0,",
            ".0", "12,3", "00",
        ],
        accept: &["[3,6,30,33]", "[3,33.0,3003]"],
        reject: &["[3,3]", "[30,30.00]", "[3,6,3.0]", "[12,12,"],
    },
    Case {
        name: "fractions of any length",
        schema: r#"{"type":"array","uniqueItems":true,"items":{"type":"number"}}"#,
        endings: &[
            &["", "0", "7", "77", "0.7", ".7"],
            &["", "77", ",77", "[77"],
        ],
        closes: true,
        records: false,
        tokens: &[
            "[", "]", ",", "1", "5", "0", ".", ".5", "50", "1.5", "-", "0.5", "5,", "1,", "1.50,",
            ",5]", "5]", "0,0", ",1.5", ",0e", "50,", "1,7", "-5,",
        ],
        accept: &["[1,1.5,15,0.5,-1]", "[0,5,0.50]"],
        reject: &["[1.5,1.50", "[0,-0.0]", "[50,5,50.0]", "[0,0e"],
    },
    Case {
        name: "distinct pairs of numbers",
        schema: r#"{"type":"array","uniqueItems":true,"items":{"type":"array","items":{"type":"number"},"minItems":1,"maxItems":2}}"#,
        endings: &[
            &["", "0", "7", "77", "0.7", ".7"],
            &["", "77", ",77", "[77", ",[77", "[[77"],
        ],
        closes: true,
        records: true,
        tokens: &[
            "[", "]", ",", "1", "12", "0", ".", ".5", "2", "-", "1,", ",1", "2]", "],[", "1]]",
            "12],", "[1", "[12,", "1,2", " ", " 1", "],[1,2]", ",1.0]",
        ],
        accept: &["[[1],[1,2],[12],[1,2.5]]", "[[1,12],[12,1]]"],
        reject: &["[[1],[1.0]", "[[1,2],[1,2]", "[[12,1],[12.00,1.0]"],
    },
    Case {
        name: "distinct in one alternative",
        schema: r#"{"type":"array","items":{"type":"integer"},"anyOf":[{"uniqueItems":true},{"maxItems":2}]}"#,
        endings: &[
            &["", "0", "1", "7", "57", "577"],
            &["", "[777", ",777"],
            &["", "]"],
        ],
        closes: false,
        records: true,
        tokens: &[
            "[", "]", ",", "1", "0", "2", ".", "1,", ",1", "1,1", "1]", "2,1", "[1,1", ",1,",
            "1,2]",
        ],
        accept: &["[1,1]", "[1,2,3]", "[]", "[1,1.0]"],
        reject: &["[1,1,2]", "[1,2,1]", "[1,1.0,2]", "[1,1,1]"],
    },
    Case {
        name: "distinct in an alternative of the whole",
        schema: r#"{"type":"array","items":{"type":"array","items":{"type":"integer"}},"anyOf":[{"items":{"uniqueItems":true}},{"maxItems":1}]}"#,
        endings: &[FINISH, MORE],
        closes: true,
        records: true,
        tokens: &[
            "[", "]", ",", "1", "0", "1,", ",1", "1,1", "1]", "],[", "[1,1", "]]", "[1,1],",
            "1],[1",
        ],
        accept: &["[[1,1]]", "[[1,2],[1]]", "[]", "[[],[]]"],
        reject: &["[[1,1],[]]", "[[1],[2,2]]", "[[1,1],[1,1]]"],
    },
    Case {
        name: "distinct values of any kind",
        schema: r#"{"type":"array","uniqueItems":true}"#,
        endings: &[FINISH, MORE],
        closes: true,
        records: true,
        tokens: &[
            "[", "]", "{", "}", ",", ":", "1", "1.0", "0", "\"", "a", "\"a\"", "\"a\":1}",
            "\\u0061", "[]", "{}", "],[", "1]", "1],", "}}", "]]", "},{", "[1", ",[1]", " ]",
            "\"a\":", "null", "[],[]", ",{}",
        ],
        accept: &[
            "[]",
            r#"[[],{},[[]],[{}],1,"1",[1],["1"],null,[null],{"a":[]},{"a":{}}]"#,
            "[[1],[1,1],[[1],1],[1,[1]]]",
        ],
        reject: &[
            "[[],[]]",
            "[{},[],{}]",
            r#"[{"a":1,"b":[2]},{"b":[2.0],"\u0061":1e0}]"#,
            "[[1],[ 1 ]]",
            "[null,null]",
            r#"["a",[1],"\u0061"]"#,
            "[1,[0],[-0]]",
        ],
    },
    Case {
        name: "distinct arrays of scalars",
        schema: r#"{"type":"array","uniqueItems":true,"items":{"type":"array","items":{"type":["integer","boolean"]},"maxItems":2}}"#,
        endings: &[
            &["", "0", "7", "rue", "ue", "e"],
            &["", "77", ",77", ",[77", "[77"],
        ],
        closes: true,
        records: true,
        tokens: &[
            "[", "]", ",", "1", "10", "0", ".0", "true", "t", "[]", "],[", "1]", "[1,", "1],[1",
            "]]", "[1]", ",[]", "],", " ]", "true]", "[],[]",
        ],
        accept: &["[[],[1],[1,1],[true,1],[1,true]]", "[[10],[1]]"],
        reject: &[
            "[[],[]]",
            "[[1,true],[1.0,true]]",
            "[[10],[1e1]]",
            "[[1],1]",
        ],
    },
    Case {
        name: "distinct closed objects",
        schema: r#"{"type":"array","uniqueItems":true,"items":{"type":"object","properties":{"a":{"type":"integer","minimum":1,"maximum":12},"b":{"enum":["x","xy"]}},"additionalProperties":false,"required":["a"]},"maxItems":4}"#,
        endings: &[
            &[
                "", "1", "2", "\"", "y\"", "xy\"", "x\"", "a\"", "b\"", "u0079\"", "0079\"",
                "079\"", "79\"", "9\"",
            ],
            &[
                "",
                ":",
                ":1",
                ":9",
                ":\"x\"",
                "1",
                "9",
                "\"x\"",
                "\"xy\"",
                "\"a\":7",
                "\"b\":\"x\"",
                ",\"b\":\"x\"",
                ",\"b\":\"xy\"",
                "{\"a\":7",
                ",{\"a\":7",
                "\"b\":\"xy\"",
                ":\"xy\"",
            ],
        ],
        closes: true,
        records: true,
        tokens: &[
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            "\"",
            "a",
            "b",
            "1",
            "2",
            "x",
            "y",
            "\\u0079",
            "\"a\":1",
            "},{",
            "{\"a\":1}",
            ",\"b\":\"x\"",
            "\"}",
            "\"x\"}",
            "}]",
            "1}",
            "\"b\":\"x",
            "{\"a\":1},{\"a\":1",
            "0e",
        ],
        accept: &[
            r#"[{"a":1},{"a":2},{"a":1,"b":"x"},{"a":1,"b":"xy"}]"#,
            "[]",
        ],
        reject: &[
            r#"[{"a":1},{"a":1}]"#,
            r#"[{"a":1,"b":"xy"},{"a":1.0,"b":"x\u0079"}]"#,
            r#"[{"b":"x"}]"#,
        ],
    },
    Case {
        name: "arrays that run out",
        schema: r#"{"type":"array","uniqueItems":true,"items":{"type":"array","items":{"const":1},"maxItems":2}}"#,
        endings: &[
            &["", "0", "1", "00"],
            &[
                "", "1", ",1", ",1,1", "1,1", "[1", "[", ",[", "[1,1", ",[1,1", ",[1",
            ],
        ],
        closes: true,
        records: true,
        tokens: &[
            "[", "]", ",", "1", ".", "0", "[]", "],[", "1]", "[1", ",1", "],", "]]", ",[", "[],",
            "1],[1", "[1]", "[1]]", " ]",
        ],
        accept: &["[[],[1],[1,1]]", "[[1,1],[]]"],
        reject: &["[[],[]]", "[[],[1],[1,1],", "[[1],[1.0]]", "[[1,1],[1],[1"],
    },
    Case {
        name: "distinct elements of distinct elements",
        schema: r#"{"type":"array","uniqueItems":true,"items":{"type":"array","uniqueItems":true,"items":{"enum":[1,[],[1]]}}}"#,
        endings: &[
            &["", "0", "1"],
            &[
                "",
                "1",
                "[",
                ",[",
                "[]",
                ",[]",
                ",1",
                ",[1]",
                "[1]",
                "1,[]",
                "1,[1]",
                "[],1",
                "[1],1",
                ",1,[1]",
                ",1,[]",
                ",[1],1",
                ",[],1",
                ",[1,[]",
                ",[1,[1]",
                "1,[],[1]",
                "[],[1],1",
                "[1,[]",
                "[[1],[],1",
                "[[],[1],1",
                ",[],[1]",
                ",[[],1",
                ",[[1],1",
                ",[[],[1],1",
                ",[],1,[1]",
                ",[[],[1]",
                ",[[1],[]",
            ],
        ],
        closes: true,
        records: true,
        tokens: &[
            "[", "]", ",", "1", "[]", "[1]", "],[", "1]", "[1", ",1", "],", "]]", ",[", "[],",
            "1,[", "]],[[", "],1", ",[1]", "[],[", ".0",
        ],
        accept: &["[[],[1],[[]],[[1],1],[1,[1]]]", "[[1,[],[1]],[[],1,[1]]]"],
        reject: &[
            "[[1,1]]",
            "[[[],[]]]",
            "[[1,[]],[1,[]]]",
            "[[[1],[1]]]",
            "[[],[]]",
        ],
    },
    Case {
        name: "elements that another schema bounds",
        schema: r#"{"type":"array","uniqueItems":true,"allOf":[{"items":{"anyOf":[{"type":"boolean"},{"type":"integer"}]}},{"items":{"anyOf":[{"type":"boolean"},{"const":1}]}}],"minItems":2}"#,
        endings: &[
            &["", "rue", "alse", "ue", "lse", "0"],
            &[
                "",
                ",true",
                "true",
                ",false",
                "false",
                "1",
                ",1",
                "true,1",
                "true,false",
                "[true,1",
                ",true,1",
                "false,1",
                ",false,1",
            ],
        ],
        closes: true,
        records: true,
        tokens: &[
            "[", "]", ",", "true", "t", "rue", "false", "f", "1", ".0", "true,", ",1", "1]",
            ",true", " ]",
        ],
        accept: &["[true,false,1]", "[1,true]"],
        reject: &["[true,true]", "[1]", "[true,false,1,", "[1,1.0]"],
    },
    Case {
        name: "elements of which some are asked for",
        schema: r#"{"type":"array","uniqueItems":true,"items":{"type":"integer"},"contains":{"enum":[5,6]},"minContains":2,"maxItems":3}"#,
        endings: &[
            &["", "0", "8", "5", "6"],
            &["", ",5", ",6", "5", "6", "5,6", "6,5", ",5,6", "[5,6"],
        ],
        closes: true,
        records: false,
        tokens: &[
            "[", "]", ",", "5", "6", "7", "1", "5,", ",5", ",6", "7,", "5]", ".0", "5,6", "[5",
            "5,5",
        ],
        accept: &["[5,6]", "[7,6,5]", "[6,55,5]"],
        reject: &["[5,5", "[5,7,5", "[7,8,", "[5]", "[5,6,5"],
    },
];

/// What can end a lexeme of the cases without a bound on their values.
const FINISH: &[&str] = &[
    "", "\"", "z\"", "zz\"", "0", "77", "u0061\"", "0061\"", "061\"", "61\"", "1\"", "ull", "ll",
    "l",
];

/// And what can follow.
const MORE: &[&str] = &[
    "",
    ":77",
    "77",
    ",77",
    "\"zz\":77",
    ",\"zz\":77",
    ",[77",
    "[77",
];

fn endings(case: &Case) -> Vec<String> {
    case.endings
        .iter()
        .fold(vec![String::new()], |all, pieces| {
            let longer = |e: String| pieces.iter().map(move |p| format!("{e}{p}"));
            all.into_iter().flat_map(longer).collect()
        })
}

/// The closing brackets of what is open after a text, innermost first; `None` inside a string.
fn closers(text: &[u8]) -> Option<Vec<u8>> {
    let mut open = Vec::new();
    let (mut string, mut escaped) = (false, false);
    for &byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if string => escaped = true,
            b'"' => string = !string,
            _ if string => {}
            b'[' => open.push(b']'),
            b'{' => open.push(b'}'),
            b']' | b'}' => drop(open.pop()),
            _ => {}
        }
    }
    open.reverse();
    (!string).then_some(open)
}

/// Whether some ending makes a valid document of each text, asked once for each.
struct Judge {
    validator: Validator,
    endings: Vec<String>,
    /// The pieces before the closing brackets and between them, if there are such.
    pieces: Option<[&'static [&'static str]; 2]>,
    known: BTreeMap<Vec<u8>, bool>,
}

impl Judge {
    fn viable(&mut self, text: &[u8]) -> bool {
        if let Some(&known) = self.known.get(text) {
            return known;
        }
        let is_valid = |text: &[u8]| self.validator.validate(text).is_ok();
        let viable = match self.pieces {
            None => self
                .endings
                .iter()
                .any(|e| is_valid(&[text, e.as_bytes()].concat())),
            Some([first, last]) => first.iter().any(|piece| {
                let begun = [text, piece.as_bytes()].concat();
                let closed = closers(&begun).unwrap_or_default();
                (0..=closed.len()).any(|k| {
                    last.iter().any(|piece| {
                        let all = [&begun, &closed[..k], piece.as_bytes()].concat();
                        closers(&all).is_some_and(|c| is_valid(&[all, c].concat()))
                    })
                })
            }),
        };
        self.known.insert(text.to_vec(), viable);
        viable
    }
}

#[test]
fn masks_know_what_must_differ() {
    for case in CASES {
        // The judge tries bytes, so each byte is a token too.
        let single: BTreeSet<char> = case.tokens.iter().flat_map(|t| t.chars()).collect();
        let single: Vec<String> = single.iter().map(char::to_string).collect();
        let single: Vec<&str> = single.iter().map(String::as_str).collect();
        let single: Vec<&str> = single
            .into_iter()
            .filter(|s| !case.tokens.contains(s))
            .collect();
        let vocabulary: Arc<Vocabulary> = Arc::new(vocab::from_words(
            &[case.tokens, &single, &["<eos>"]].concat(),
        ));
        let session = Lazy::default()
            .compile(Kind::JsonSchema, case.schema, &vocabulary)
            .unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let mut judge = Judge {
            validator: Validator::new(case.schema).expect("a valid schema"),
            endings: endings(case),
            pieces: case.closes.then(|| [case.endings[0], case.endings[1]]),
            known: BTreeMap::new(),
        };
        let mut random = Random::new(7);
        let (mut masks, mut refused_for_value) = (0, 0);
        for _ in 0..60 {
            let mut session = session.clone();
            let mut text: Vec<u8> = Vec::new();
            for _ in 0..14 {
                let mask = session.mask().expect("a mask");
                masks += 1;
                let mut allowed = Vec::new();
                for (t, word) in case.tokens.iter().enumerate() {
                    // White space is bounded, which the judge does not know.
                    if word.starts_with(' ') && text.ends_with(b" ") {
                        continue;
                    }
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
fn what_no_side_condition_can_enforce_is_refused() {
    let vocabulary: Arc<Vocabulary> = Arc::new(vocab::bytes());
    for schema in [
        // There are only [] and [1].
        r#"{"type":"array","uniqueItems":true,"items":{"type":"array","items":{"const":1},"maxItems":1},"minItems":3}"#,
        // A repetition would have to be proved.
        r#"{"type":"array","not":{"uniqueItems":true}}"#,
        r#"{"oneOf":[{"type":"array","uniqueItems":true},{"type":"array","maxItems":3}]}"#,
    ] {
        let error = Lazy::default().compile(Kind::JsonSchema, schema, &vocabulary);
        let error = error.err().unwrap_or_else(|| panic!("{schema} compiles"));
        assert!(error.to_string().contains("distinct"), "{error}");
    }
}

/// Whatever a matcher can be asked goes by the same configuration.
#[test]
fn forks_rollback_and_forced_text_agree_with_masks() {
    let vocabulary: Arc<Vocabulary> = Arc::new(vocab::bytes());
    for case in CASES {
        let session = Lazy::default()
            .compile(Kind::JsonSchema, case.schema, &vocabulary)
            .unwrap_or_else(|e| panic!("{}: {e}", case.name));
        for text in case.accept.iter().chain(case.reject) {
            let tokens: Vec<TokenId> = text.bytes().map(|b| TokenId(u32::from(b))).collect();
            let Running(mut matcher) = session.clone();
            let valid = matcher.validate(&tokens).expect("an answer");
            assert!(
                valid == tokens.len() || !case.accept.contains(text),
                "{text}"
            );
            let mut scratch = RowScratch::new();
            for (i, &token) in tokens[..valid].iter().enumerate() {
                let place = || format!("{}: {text} at {i}", case.name);
                let row = matcher.row(&mut scratch).expect("a row");
                assert!(row.contains(token), "{}", place());
                let forced = matcher.forced_bytes(64).expect("an answer");
                let rest = &text.as_bytes()[i..valid];
                let known = forced.len().min(rest.len());
                assert_eq!(forced[..known], rest[..known], "{}", place());
                // Another text on a fork, taken back again, leaves no trace.
                let mut fork = matcher.fork();
                let mut taken = 0;
                for byte in b"[]1,{\"a\":1},[1],\"a\",2" {
                    let token = TokenId(u32::from(*byte));
                    let allowed = fork.is_allowed(token).expect("an answer");
                    assert_eq!(fork.advance(token).is_ok(), allowed, "{}", place());
                    taken += usize::from(allowed);
                }
                fork.rollback(taken).expect("so many steps");
                assert!(fork.is_same_configuration(&matcher), "{}", place());
                assert_eq!(fork.configuration_hash(), matcher.configuration_hash());
                matcher.advance(token).expect("the row has it");
            }
            if let Some(&token) = tokens.get(valid) {
                assert!(!matcher.is_allowed(token).expect("an answer"), "{text}");
            }
        }
    }
}

/// White space and the order of members are no part of a value.
#[test]
fn the_form_of_a_document_does_not_matter() {
    let vocabulary: Arc<Vocabulary> = Arc::new(vocab::bytes());
    let compiler = Compiler::new(Arc::clone(&vocabulary), Limits::trusted());
    let forms = [Whitespace::Compact, Whitespace::Pretty { indent: 2 }];
    for (case, whitespace) in CASES.iter().flat_map(|c| forms.map(|w| (c, w))) {
        let mut options = JsonSchemaOptions::default();
        (options.writing.whitespace, options.writing.order) = (whitespace, Order::Any);
        let grammar = compiler
            .json_schema_with(case.schema, &options)
            .unwrap_or_else(|e| panic!("{}: {e}", case.name));
        let matcher = Matcher::new(grammar.machine()).expect("a matcher");
        for (texts, expected) in [(case.accept, true), (case.reject, false)] {
            for text in texts {
                // Beginnings of documents, and names that come twice, have no other form.
                let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else {
                    continue;
                };
                let text = match whitespace {
                    Whitespace::Compact => value.to_string(),
                    _ => format!("{value:#}"),
                };
                if Validator::new(case.schema)
                    .expect("a schema")
                    .validate(text.as_bytes())
                    .is_ok()
                    != expected
                {
                    continue;
                }
                let mut matcher = matcher.fork();
                let read = text.bytes().all(|b| {
                    let token = TokenId(u32::from(b));
                    let allowed = matcher
                        .row(&mut RowScratch::new())
                        .expect("a row")
                        .contains(token);
                    assert_eq!(
                        matcher.advance(token).is_ok(),
                        allowed,
                        "{}: {text}",
                        case.name
                    );
                    allowed
                });
                let accepted = read && matcher.is_accepting().expect("an answer");
                assert_eq!(accepted, expected, "{}: {text}", case.name);
            }
        }
    }
}

#[test]
fn recorded_values_are_not_compiled_ahead_of_time_yet() {
    let vocabulary: Arc<Vocabulary> = Arc::new(vocab::bytes());
    let schema = r#"{"type":"array","uniqueItems":true,"items":{"type":"array","items":{"type":"integer"}}}"#;
    let error = Frozen.compile(Kind::JsonSchema, schema, &vocabulary);
    let error = error.expect_err("a refusal");
    assert!(error.contains("ahead of time"), "{error}");
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
    for case in CASES.iter().filter(|c| !c.records) {
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

#[test]
fn names_that_only_patterns_together_make_few_are_counted() {
    let vocabulary: Arc<Vocabulary> = Arc::new(vocab::bytes());
    let schema = r#"{"type":"object","propertyNames":{"pattern":"^(a+|b?)$"},
        "patternProperties":{"^a":false},"additionalProperties":{"const":1}}"#;
    let start = Lazy::default()
        .compile(Kind::JsonSchema, schema, &vocabulary)
        .expect("a schema that compiles");
    for (text, goes_on) in [
        (r#"{"b":1"#, true),
        (r#"{"":1"#, true),
        (r#"{"":1,"b":1"#, false),
        (r#"{"\u0062":1,"":1"#, false),
    ] {
        let mut session = start.clone();
        for byte in text.bytes() {
            assert_eq!(session.advance(TokenId(byte.into())), Ok(true), "{text}");
        }
        let mask = session.mask().expect("a mask");
        assert_eq!(mask[usize::from(b',')], goes_on, "{text}");
        assert!(mask[usize::from(b'}')], "{text}");
    }
}
