//! Arbitrary grammars, regexes, schemas and operation sequences.
//!
//! All of them are drawn from an [`Unstructured`], so that a fuzzer can steer them and a seeded
//! test can replay them. They are small: the oracle has to keep up.

use arbitrary::{Arbitrary, Result, Unstructured};
use maskwright_grammar::{
    Expr, Grammar, Place, RegexId, RegexPool, Rule, RuleId, Terminal, TerminalId,
};
use serde_json::{Map, Value, json};

/// The alphabet of arbitrary grammars.
pub const LETTERS: &[u8] = b"abc";

/// One thing done to a matcher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Arbitrary)]
pub enum Operation {
    /// Take one of the allowed tokens, counted round.
    Advance(u32),
    /// Take any id, most of which are refused.
    AdvanceAny(u32),
    /// Take back this many tokens, sometimes more than there are.
    Rollback(u8),
    /// Park a copy.
    Fork,
    /// Exchange with the parked copy.
    Swap,
    /// Start again.
    Reset,
}

/// Up to `most` operations, two in three of which go forward.
///
/// # Errors
/// Never in practice: an exhausted source yields zeros.
pub fn operations(u: &mut Unstructured<'_>, most: usize) -> Result<Vec<Operation>> {
    let len = u.int_in_range(1..=most)?;
    (0..len)
        .map(|_| {
            Ok(match u.int_in_range(0..=11)? {
                0..=6 => Operation::Advance(u.arbitrary()?),
                7 => Operation::AdvanceAny(u.arbitrary()?),
                8 | 9 => Operation::Rollback(u.int_in_range(0..=5)?),
                10 => {
                    if u.arbitrary()? {
                        Operation::Fork
                    } else {
                        Operation::Swap
                    }
                }
                _ => {
                    if u.ratio(1, 4)? {
                        Operation::Reset
                    } else {
                        Operation::Advance(u.arbitrary()?)
                    }
                }
            })
        })
        .collect()
}

/// A regex of every kind of node over [`LETTERS`] and a few characters that JSON escapes.
///
/// # Errors
/// Never in practice: an exhausted source yields zeros.
pub fn regex(u: &mut Unstructured<'_>, pool: &mut RegexPool, depth: usize) -> Result<RegexId> {
    let kind = u.int_in_range(0..=if depth == 0 { 4 } else { 12 })?;
    let letter = |u: &mut Unstructured<'_>| u.choose(LETTERS).copied();
    Ok(match kind {
        0 | 1 => {
            let b = letter(u)?;
            pool.bytes([b])
        }
        2 => {
            let both = [letter(u)?, letter(u)?];
            pool.bytes(both)
        }
        3 => {
            let last = char::from(letter(u)?);
            let extra = *u.choose(&['"', '\\', 'é', '\n', '\u{10000}'])?;
            pool.class([('a', last), (extra, extra)])
        }
        4 => pool.class([('a', 'b')]),
        5 | 6 => {
            let parts = [regex(u, pool, depth - 1)?, regex(u, pool, depth - 1)?];
            pool.concat(parts)
        }
        7 | 8 => {
            let parts = [regex(u, pool, depth - 1)?, regex(u, pool, depth - 1)?];
            pool.alt(parts)
        }
        9 => {
            let node = regex(u, pool, depth - 1)?;
            let min = u.int_in_range(0..=2)?;
            let max = if u.arbitrary()? {
                Some(min + u.int_in_range(0..=2)?)
            } else {
                None
            };
            pool.repeat(node, min, max)
        }
        10 => {
            let parts = [regex(u, pool, depth - 1)?, regex(u, pool, depth - 1)?];
            pool.and(parts)
        }
        11 => {
            let node = regex(u, pool, depth - 1)?;
            pool.not(node)
        }
        _ => {
            let node = regex(u, pool, depth - 1)?;
            if u.arbitrary()? {
                pool.json_string(node)
            } else {
                let words = [
                    vec![letter(u)?],
                    vec![letter(u)?, letter(u)?],
                    vec![letter(u)?; 3],
                ];
                pool.literals(words.map(Vec::into_boxed_slice))
            }
        }
    })
}

/// A grammar over [`LETTERS`] with everything that makes parsers hard: left, right, centre and
/// hidden recursion, empty rules, cycles, ambiguity, nullable and overlapping terminals, rules that
/// derive nothing. Its language may be empty.
///
/// # Errors
/// Never in practice: an exhausted source yields zeros.
pub fn grammar(u: &mut Unstructured<'_>) -> Result<Grammar> {
    let mut g = Grammar::default();
    let terminals = u.int_in_range(1..=4)?;
    for i in 0..terminals {
        let depth = u.int_in_range(0..=2)?;
        let regex = if u.ratio(2, 3)? {
            regex(u, &mut g.regexes, 0)?
        } else {
            regex(u, &mut g.regexes, depth)?
        };
        g.terminals.push(Terminal {
            name: format!("T{i}"),
            regex,
            place: Place::default(),
        });
    }
    let rules = u.int_in_range(1..=4)?;
    for i in 0..rules {
        let expr = expression(u, &mut g, rules, 3)?;
        g.rules.push(Rule {
            name: format!("r{i}"),
            expr,
            place: Place::default(),
        });
    }
    g.start = Some(RuleId(0));
    if u.ratio(1, 5)? {
        g.ignore
            .push(TerminalId(u.int_in_range(0..=terminals as u32 - 1)?));
    }
    Ok(g)
}

fn expression(
    u: &mut Unstructured<'_>,
    g: &mut Grammar,
    rules: usize,
    depth: usize,
) -> Result<maskwright_grammar::ir::ExprId> {
    let kind = u.int_in_range(0..=if depth == 0 { 5 } else { 11 })?;
    let expr = match kind {
        0..=2 => Expr::Terminal(TerminalId(
            u.int_in_range(0..=g.terminals.len() as u32 - 1)?,
        )),
        3 | 4 => Expr::Rule(RuleId(u.int_in_range(0..=rules as u32 - 1)?)),
        5 => Expr::Empty,
        6..=8 => {
            let len = u.int_in_range(1..=3)?;
            Expr::Seq(
                (0..len)
                    .map(|_| expression(u, g, rules, depth - 1))
                    .collect::<Result<_>>()?,
            )
        }
        9 | 10 => {
            let len = u.int_in_range(1..=3)?;
            Expr::Alt(
                (0..len)
                    .map(|_| expression(u, g, rules, depth - 1))
                    .collect::<Result<_>>()?,
            )
        }
        _ => {
            let expr = expression(u, g, rules, depth - 1)?;
            let min = u.int_in_range(0..=2)?;
            let max = if u.arbitrary()? {
                Some(min + u.int_in_range(0..=1)?)
            } else {
                None
            };
            Expr::Repeat { expr, min, max }
        }
    };
    Ok(g.add(expr))
}

/// A grammar in Maskwright's notation, of the kind that [`grammar`] draws.
///
/// # Errors
/// Never in practice: an exhausted source yields zeros.
pub fn ebnf(u: &mut Unstructured<'_>) -> Result<String> {
    let rules = u.int_in_range(1..=4)?;
    let mut text = String::new();
    for i in 0..rules {
        let name = if i == 0 {
            "start".to_owned()
        } else {
            format!("r{i}")
        };
        let body = ebnf_body(u, rules, 3)?;
        text.push_str(&format!("{name} = {body} ;\n"));
    }
    text.push_str("T0 = /[ab]+/ ;\nT1 = \"ab\" | \"abc\" ;\n");
    if u.ratio(1, 4)? {
        text.push_str("%ignore /c/ ;\n");
    }
    Ok(text)
}

fn ebnf_body(u: &mut Unstructured<'_>, rules: usize, depth: usize) -> Result<String> {
    Ok(match u.int_in_range(0..=if depth == 0 { 5 } else { 11 })? {
        0 | 1 => format!("\"{}\"", char::from(*u.choose(LETTERS)?)),
        2 => (*u.choose(&["T0", "T1", "[a-b]", "/a|bc?/", "/a*/"])?).to_owned(),
        3 | 4 => match u.int_in_range(0..=rules - 1)? {
            0 => "start".to_owned(),
            i => format!("r{i}"),
        },
        5 => "\"\"".to_owned(),
        6..=8 => {
            let len = u.int_in_range(2..=3)?;
            let parts = (0..len)
                .map(|_| ebnf_body(u, rules, depth - 1))
                .collect::<Result<Vec<_>>>()?;
            format!("( {} )", parts.join(" "))
        }
        9 | 10 => {
            let len = u.int_in_range(2..=3)?;
            let parts = (0..len)
                .map(|_| ebnf_body(u, rules, depth - 1))
                .collect::<Result<Vec<_>>>()?;
            format!("( {} )", parts.join(" | "))
        }
        _ => {
            let copies = *u.choose(&["*", "+", "?", "{2}", "{1,2}", "{2,}"])?;
            format!("( {} ){copies}", ebnf_body(u, rules, depth - 1)?)
        }
    })
}

/// A JSON Schema of core keywords. Some are unsatisfiable.
///
/// # Errors
/// Never in practice: an exhausted source yields zeros.
pub fn schema(u: &mut Unstructured<'_>) -> Result<Value> {
    let mut root = subschema(u, 3, &["#"])?;
    if let Value::Object(root) = &mut root
        && u.ratio(1, 2)?
    {
        root.insert("$defs".into(), json!({ "d": subschema(u, 1, &["#"])? }));
    }
    Ok(root)
}

const NAMES: [&str; 4] = ["a", "b", "ab", "é"];

fn subschema(u: &mut Unstructured<'_>, depth: usize, references: &[&str]) -> Result<Value> {
    let bound = |u: &mut Unstructured<'_>| u.int_in_range(0..=3u8);
    Ok(match u.int_in_range(0..=if depth == 0 { 6 } else { 12 })? {
        0 => json!({ "type": "boolean" }),
        1 => {
            let all = [
                json!(null),
                json!(true),
                json!("a"),
                json!("ab"),
                json!(0),
                json!(-1.5),
                json!([1]),
                json!({"a": 1}),
            ];
            let len = u.int_in_range(1..=3)?;
            let some = (0..len)
                .map(|_| u.choose(&all).cloned())
                .collect::<Result<Vec<_>>>()?;
            let mut distinct: Vec<Value> = Vec::new();
            for value in some {
                if !distinct.contains(&value) {
                    distinct.push(value);
                }
            }
            json!({ "enum": distinct })
        }
        2 => {
            let (low, more) = (bound(u)?, bound(u)?);
            json!({ "type": "integer", "minimum": low, "maximum": low + more })
        }
        3 => json!({ "type": *u.choose(&["number", "integer", "null"])? }),
        4 => {
            let (low, more) = (bound(u)?, bound(u)?);
            json!({ "type": "string", "minLength": low, "maxLength": low + more })
        }
        5 => {
            json!({ "type": "string", "pattern": *u.choose(&["^a+$", "b", "^[ab]{1,3}$", "^(a|\\d)*$"])? })
        }
        6 => json!(u.arbitrary::<bool>()?),
        7 | 8 => {
            let mut properties = Map::new();
            let mut required = Vec::new();
            for _ in 0..u.int_in_range(0..=3)? {
                let name = *u.choose(&NAMES)?;
                properties.insert(name.to_owned(), subschema(u, depth - 1, references)?);
                if u.arbitrary()? && !required.contains(&name) {
                    required.push(name);
                }
            }
            let mut object =
                json!({ "type": "object", "properties": properties, "required": required });
            match u.int_in_range(0..=3)? {
                0 => object["additionalProperties"] = subschema(u, depth - 1, references)?,
                1 => {
                    object["patternProperties"] =
                        json!({ "^a": subschema(u, depth - 1, references)? })
                }
                _ => object["additionalProperties"] = json!(false),
            }
            if u.ratio(1, 4)? {
                object["maxProperties"] = json!(bound(u)?);
            }
            object
        }
        9 => {
            let (low, more) = (bound(u)?, bound(u)?);
            let mut array = json!({ "type": "array", "items": subschema(u, depth - 1, references)?, "minItems": low });
            if u.ratio(3, 4)? {
                array["maxItems"] = json!(low + more);
            }
            if u.ratio(1, 3)? {
                array["prefixItems"] = json!([subschema(u, depth - 1, references)?]);
            }
            array
        }
        10 => {
            json!({ "anyOf": [subschema(u, depth - 1, references)?, subschema(u, depth - 1, references)?] })
        }
        11 => {
            json!({ "allOf": [subschema(u, depth - 1, references)?, subschema(u, depth - 1, references)?] })
        }
        _ => {
            // Below a container, so that the reference consumes something first.
            let to = *u.choose(references)?;
            json!({ "type": "array", "items": { "$ref": to }, "maxItems": 2 })
        }
    })
}
