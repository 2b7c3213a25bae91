//! The lexicon against direct evaluation.

use super::*;
use maskwright_tables::trie::byte_class;
use maskwright_tables::{LabelSet, LexState, Limits};

fn run(lexicon: &Lexicon, e: ExprId, text: &[u8]) -> Option<Vec<u32>> {
    let mut q = lexicon.fresh(e).unwrap();
    for &b in text {
        q = lexicon.next(q, b).unwrap();
        if q == LexState::DEAD {
            return None;
        }
    }
    match lexicon.accept(q) {
        LabelSet::NONE => None,
        l => Some(lexicon.labels(l).to_vec()),
    }
}

#[test]
fn marks_of_all_matching_terminals_surface() {
    let l = Lexicon::new(Limits::untrusted());
    let letters = l.byte_class(&[(b'a', b'z')]);
    let identifier = l.repeat(letters, 1, None);
    let identifier = l.concat(&[identifier, l.mark(1)]);
    let keyword = l.concat(&[l.bytes(b"if"), l.mark(0)]);
    let e = l.alt(&[identifier, keyword]);
    assert_eq!(run(&l, e, b"if"), Some(vec![0, 1]));
    assert_eq!(run(&l, e, b"iff"), Some(vec![1]));
    assert_eq!(run(&l, e, b"i1"), None);
    assert!(l.is_fresh(l.fresh(e).unwrap()));
    assert_eq!(
        l.accept(l.fresh(l.repeat(letters, 0, None)).unwrap()),
        LabelSet::NONE
    );
}

#[test]
fn alternatives_are_shared_and_make_the_whole() {
    let l = Lexicon::new(Limits::untrusted());
    let letters = l.byte_class(&[(b'a', b'z')]);
    let marked = |e, label| l.concat(&[e, l.mark(label)]);
    let name = marked(l.repeat(letters, 1, None), 1);
    let number = marked(l.repeat(l.byte_class(&[(b'0', b'9')]), 1, None), 2);
    let texts = [("if", 3), ("in", 4), ("(", 5)].map(|(t, i)| marked(l.bytes(t.as_bytes()), i));
    let all = l.alt(&[&[name, number][..], &texts[..]].concat());
    let whole = l.fresh(all).unwrap();
    let own = l.alternatives(whole).unwrap().to_vec();
    let [alone, texts] = [name, l.alt(&texts)].map(|e| l.fresh(e).unwrap());
    assert!(own.len() == 3 && own.contains(&alone) && own.contains(&texts));
    // A state that is no union with an endless part is its own.
    assert_eq!(l.alternatives(alone).unwrap(), [alone]);
    assert_eq!(l.alternatives(texts).unwrap(), [texts]);
    let labels_of = |state| l.labels(l.accept(state)).to_vec();
    for text in ["i", "if", "in", "int", "(", "((", "7", "70", "7a"] {
        let run = |first| {
            let step = |state, byte: &u8| l.next(state, *byte).unwrap();
            text.as_bytes().iter().fold(first, step)
        };
        let mut labels: Vec<u32> = own.iter().flat_map(|s| labels_of(run(*s))).collect();
        labels.sort_unstable();
        assert_eq!(labels, labels_of(run(whole)), "{text}");
        // The same in the midst of a lexeme.
        let inner = l.alternatives(run(whole)).unwrap();
        let mut labels: Vec<u32> = inner.iter().flat_map(|s| labels_of(*s)).collect();
        labels.sort_unstable();
        assert_eq!(labels, labels_of(run(whole)), "in the midst, {text}");
        assert!(run(whole) == LexState::DEAD || inner.iter().all(|s| !l.is_fresh(*s)));
    }
    // A name is the same behind a letter, whatever else could have begun there.
    let after = |first, text: &[u8]| text.iter().fold(first, |s, b| l.next(s, *b).unwrap());
    assert!(
        l.alternatives(after(whole, b"i"))
            .unwrap()
            .contains(&after(alone, b"i"))
    );
}

#[test]
fn counters_are_not_copies() {
    let l = Lexicon::new(Limits::untrusted());
    let before = l.len().0;
    let a = l.byte_class(&[(b'a', b'b')]);
    let e = l.repeat(a, 3, Some(65_536));
    assert!(l.len().0 - before < 5);
    assert_eq!(run(&l, e, b"ab"), None);
    assert!(run(&l, e, b"aba").is_some());
    assert!(run(&l, e, &vec![b'a'; 65_536]).is_some());
    assert!(run(&l, e, &vec![b'a'; 65_537]).is_none());
}

#[test]
fn intersections_and_complements_have_no_dead_states() {
    let l = Lexicon::new(Limits::untrusted());
    let letters = l.byte_class(&[(b'a', b'z')]);
    let five = l.repeat(letters, 5, Some(5));
    let digits = l.byte_class(&[(b'0', b'9')]);
    let ends_in_digit = l.concat(&[l.any_text(), digits]);
    assert!(l.is_never(l.and(&[five, ends_in_digit])).unwrap());
    assert_eq!(
        l.fresh(l.and(&[five, ends_in_digit])).unwrap(),
        LexState::DEAD
    );
    // Not "foo", but text: every prefix can go on.
    let not_foo = l.text_not(l.bytes(b"foo"));
    assert!(run(&l, not_foo, b"fo").is_some());
    assert!(run(&l, not_foo, b"foo").is_none());
    assert!(run(&l, not_foo, b"fooo").is_some());
    assert!(run(&l, not_foo, b"\xff").is_none());
    // x{3,} & x{,2}y? is empty after two more x.
    let x = l.bytes(b"x");
    let at_least = l.repeat(x, 3, None);
    let at_most = l.repeat(x, 0, Some(2));
    assert!(l.is_never(l.and(&[at_least, at_most])).unwrap());
}

/// Derivatives by all bytes at once and by each byte are the same expressions.
#[test]
fn runs_and_single_derivatives_agree() {
    let l = Lexicon::new(Limits::untrusted());
    let names = ["name", "names", "é", "ën", "a/b", "\u{10000}x", "", "d"];
    let listed = |marks: bool| {
        let names = names.iter().enumerate();
        let marked = |(i, n): (usize, &&str)| (n.as_bytes().into(), marks.then_some(i as u32));
        l.literals(names.map(marked).collect())
    };
    let others = l.and(&[l.any_text(), l.not(listed(false))]);
    assert!(matches!(l.view(others), ExprView::Except(..)));
    let others = l.concat(&[others, l.mark(99)]);
    let lower = l.repeat(l.byte_class(&[(b'a', b'z')]), 2, Some(7));
    let roots = [
        l.json_string(l.alt(&[others, listed(true)])),
        l.json_string(l.and(&[lower, l.text_not(l.bytes(b"bad"))])),
        l.alt(&[l.concat(&[l.repeat(lower, 0, None), l.mark(5)]), others]),
        l.text_not(listed(false)),
    ];
    let mut seen = 0;
    for root in roots {
        let mut work = vec![root];
        let mut done = std::collections::HashSet::new();
        while let Some(e) = work.pop() {
            if done.len() > 400 || !done.insert(e) {
                continue;
            }
            let single: Vec<ExprId> = (0..=255).map(|b| l.derive(e, b).unwrap()).collect();
            let state = l.fresh(e).unwrap();
            for byte in 0..=255 {
                let d = single[usize::from(byte)];
                let expected = match l.is_never(d).unwrap() {
                    true => l.never(),
                    false => d,
                };
                assert_eq!(
                    l.expr(l.next(state, byte).unwrap()),
                    expected,
                    "byte {byte}"
                );
            }
            work.extend(single);
        }
        seen += done.len();
    }
    assert!(seen > 300, "{seen} expressions");
    // A listed name keeps its own mark in every spelling, and no other.
    let text = |t: &str| run(&l, roots[0], t.as_bytes());
    assert_eq!(text("\"name\""), Some(vec![0]));
    assert_eq!(text(r#""\u006e\u0061me""#), Some(vec![0]));
    assert_eq!(text(r#""\u006e\u0061mf""#), Some(vec![99]));
    assert_eq!(text(r#""\u00e9""#), Some(vec![2]));
    assert_eq!(text(r#""\ud800\udc00x""#), Some(vec![5]));
    assert_eq!(text(r#""\ud800\udc00""#), Some(vec![99]));
    assert_eq!(text("\"\""), Some(vec![6]));
    assert_eq!(text("\"nam\""), Some(vec![99]));
}

/// What can be seen of the states after each beginning of a text: the labels, or that it is dead.
fn seen_by_bytes(l: &Lexicon, e: ExprId, text: &[u8]) -> Vec<Option<Vec<u32>>> {
    let mut state = l.fresh(e).unwrap();
    let mut seen = Vec::new();
    for &byte in text {
        state = l.next(state, byte).unwrap();
        let labels = l.labels(l.accept(state)).to_vec();
        seen.push((state != LexState::DEAD).then_some(labels));
    }
    seen
}

#[test]
fn bytes_read_at_once_lead_where_single_ones_do() {
    let build = |l: &Lexicon| {
        let names = [
            "name",
            "nam",
            "names",
            "n",
            "mean",
            "n\u{e9}e",
            "emanates-from-here",
        ];
        let texts = || names.iter().map(|n| n.as_bytes().into());
        let marked = texts().enumerate().map(|(i, n)| (n, Some(i as u32)));
        let listed = l.literals(marked.collect());
        let names = l.literals(texts().map(|n| (n, None)).collect());
        let others = l.concat(&[l.and(&[l.any_text(), l.not(names)]), l.mark(20)]);
        let short = l.repeat(l.class(&[('\0', char::MAX)]), 1, Some(5));
        let short = l.concat(&[l.and(&[short, l.not(names)]), l.mark(21)]);
        let value = |e| l.concat(&[l.json_string(e), l.bytes(b":")]);
        vec![
            l.json_string(listed),
            l.json_string(l.alt(&[listed, others])),
            l.json_string(l.alt(&[listed, short])),
            // More follows in the same lexeme, and something that is no string.
            value(l.alt(&[listed, others])),
            l.alt(&[l.json_string(listed), l.concat(&[names, l.mark(22)])]),
        ]
    };
    let pieces: [&[u8]; 14] = [
        b"n",
        b"a",
        b"m",
        b"e",
        b"s",
        b"name",
        b"nam",
        b"ma",
        b"emanates-fr",
        b"om-here",
        b"\"",
        b"\\u00e9",
        "\u{e9}".as_bytes(),
        b"\n",
    ];
    let mut random = 7u64;
    let mut next = |n: usize| {
        random = random
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (random >> 33) as usize % n
    };
    let single = Lexicon::new(Limits::untrusted());
    let several = Lexicon::new(Limits::untrusted());
    let (ones, others) = (build(&single), build(&several));
    let mut stretches = 0;
    for round in 0..4_000 {
        let which = round % ones.len();
        let mut text = b"\"".to_vec();
        (0..next(8)).for_each(|_| text.extend_from_slice(pieces[next(pieces.len())]));
        let seen = seen_by_bytes(&single, ones[which], &text);
        let mut state = several.fresh(others[which]).unwrap();
        let mut at = 0;
        while at < text.len() && state != LexState::DEAD {
            let end = (at + 1 + next(12)).min(text.len());
            let (after, read) = several.run(state, &text[at..end]).unwrap();
            assert!(read > 0 && at + read <= end);
            stretches += usize::from(read > 2);
            // Nothing ends on the way, and all are read unless something ends there.
            let on_the_way = &seen[at..at + read - 1];
            assert!(
                on_the_way.iter().all(|s| s.as_deref() == Some(&[])),
                "{text:?}"
            );
            (state, at) = (after, at + read);
            let ends = several.accept(state) != LabelSet::NONE || state == LexState::DEAD;
            assert!(at == end || ends);
            let labels = several.labels(several.accept(state)).to_vec();
            let here = (state != LexState::DEAD).then_some(labels);
            assert_eq!(
                here,
                seen[at - 1],
                "{:?} at {at}",
                String::from_utf8_lossy(&text)
            );
            // Single bytes may follow the ways that several went.
            if next(4) == 0 {
                assert_eq!(seen_by_bytes(&several, others[which], &text), seen);
            }
        }
    }
    assert!(stretches > 2_000, "{stretches}");
}

#[test]
fn json_strings_accept_every_spelling_of_a_value() {
    let l = Lexicon::new(Limits::untrusted());
    let value = l.literals(vec![
        ("é😀/".as_bytes().into(), Some(3)),
        (b"b".as_slice().into(), Some(4)),
    ]);
    let e = l.json_string(value);
    for text in [
        "\"é😀/\"",
        r#""\u00e9\ud83d\ude00/""#,
        r#""\u00E9😀\/""#,
        "\"é\\uD83D\\uDE00\\u002f\"",
    ] {
        assert_eq!(run(&l, e, text.as_bytes()), Some(vec![3]), "{text}");
    }
    assert_eq!(run(&l, e, br#""\u0062""#), Some(vec![4]));
    // No dead ends inside escapes.
    assert_eq!(run(&l, e, br#""\u01"#), None);
    let mut q = l.fresh(e).unwrap();
    for &b in br#""\u00"# {
        q = l.next(q, b).unwrap();
    }
    let live: Vec<u8> = (0..=255)
        .filter(|b| l.next(q, *b).unwrap() != LexState::DEAD)
        .collect();
    assert_eq!(live, b"6Ee"); // 0062 and 00e9
    let any = l.json_string(l.any_text());
    for (text, ok) in [
        (&br#""\ud83d""#[..], false),
        (br#""\ude00""#, false),
        (br#""\ud83d\u0041""#, false),
        (br#""\n\b\f\r\t\"\\""#, true),
        (b"\"\n\"", false),
        (b"\"\xff\"", false),
        (b"\"\xc3\"", false),
        (b"\"\xc3\xa9\"", true),
        (br#""\x""#, false),
    ] {
        assert_eq!(
            run(&l, any, text).is_some(),
            ok,
            "{}",
            String::from_utf8_lossy(text)
        );
    }
}

#[test]
fn deep_expressions_do_not_recurse() {
    std::thread::Builder::new()
        .stack_size(128 << 10)
        .spawn(|| {
            let l = Lexicon::new(Limits::untrusted());
            let (a, b) = (l.bytes(b"a"), l.bytes(b"b"));
            let mut e = a;
            for _ in 0..20_000 {
                e = l.repeat(l.concat(&[e, b]), 0, Some(3));
            }
            let q = l.fresh(e).unwrap();
            assert_ne!(l.next(q, b'a').unwrap(), LexState::DEAD);
        })
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn large_literal_sets_stay_small() {
    let l = Lexicon::new(Limits::untrusted());
    let strings: Vec<(Box<[u8]>, Option<u32>)> = (0..10_000)
        .map(|i| (format!("value-{i}").into_bytes().into(), None))
        .collect();
    let e = l.json_string(l.literals(strings));
    assert!(run(&l, e, b"\"value-9999\"").is_some());
    assert!(run(&l, e, b"\"value-10000\"").is_none());
    assert!(l.len().0 < 200);
}

#[test]
fn bytes_that_the_vocabulary_lacks_are_dead() {
    let mut alphabet = ByteSet::default();
    for b in b"abc\\u0\"" {
        alphabet.insert(*b);
    }
    let l = Lexicon::with_alphabet(Limits::untrusted(), alphabet);
    let e = l.alt(&[l.bytes(b"ax"), l.bytes(b"ab")]);
    let q = l.next(l.fresh(e).unwrap(), b'a').unwrap();
    assert_eq!(l.next(q, b'x').unwrap(), LexState::DEAD);
    assert_ne!(l.next(q, b'b').unwrap(), LexState::DEAD);
    assert!(l.is_never(l.bytes(b"x")).unwrap());
    // U+000C can be spelled by an escape, x cannot.
    let string = l.json_string(l.alt(&[l.bytes(b"\x0c"), l.bytes(b"x")]));
    assert!(run(&l, string, br#""\u000c""#).is_some());
    assert!(l.is_never(l.json_string(l.bytes(b"x"))).unwrap());
}

/// A state and the one that it shares its rows with cannot be told apart by any token.
#[test]
fn far_states_agree_for_as_long_as_a_token_can_be() {
    let l = Lexicon::new(Limits::untrusted());
    let word = l.repeat(l.byte_class(&[(b'a', b'z')]), 1, None);
    let words = l.concat(&[
        l.repeat(l.concat(&[word, l.bytes(b" ")]), 0, Some(400)),
        word,
    ]);
    let short = |most| l.repeat(l.class(&[('\0', char::MAX)]), 0, Some(most));
    let roots = [
        l.concat(&[l.and(&[short(900), words]), l.mark(1)]),
        l.json_string(l.and(&[short(500), l.text_not(l.bytes(b"ab"))])),
        l.json_string(l.and(&[short(170), words])),
        l.concat(&[l.repeat(word, 0, Some(200)), l.bytes(b"."), l.mark(2)]),
    ];
    let (mut shared, mut steps) = (0, 0);
    let mut seed = 7u64;
    let mut random = move |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % n
    };
    for root in roots {
        for length in [0, 1, 5, 12, 30, 100, 160, 300, 480] {
            let mut state = l.fresh(root).unwrap();
            let first = l.next(state, b'"').unwrap();
            if first != LexState::DEAD {
                state = first;
            }
            for i in 0..length {
                let next = l.next(state, if i % 3 == 2 { b' ' } else { b'b' }).unwrap();
                if next != LexState::DEAD {
                    state = next;
                }
            }
            let far = l.far(state).unwrap();
            shared += usize::from(far != state);
            for _ in 0..40 {
                let (mut a, mut b) = (state, far);
                for _ in 0..Lexicon::FAR - 1 {
                    assert_eq!(l.accept(a), l.accept(b));
                    assert_eq!(l.is_final(a), l.is_final(b));
                    let live: Vec<u8> = (0..=255)
                        .filter(|byte| l.next(a, *byte).unwrap() != LexState::DEAD)
                        .collect();
                    for byte in [random(256) as u8, b'"', b' ', b'.', b'z'] {
                        let dead = l.next(b, byte).unwrap() == LexState::DEAD;
                        assert_eq!(dead, !live.contains(&byte), "byte {byte}");
                    }
                    if live.is_empty() {
                        break;
                    }
                    let byte = live[random(live.len())];
                    (a, b) = (l.next(a, byte).unwrap(), l.next(b, byte).unwrap());
                    steps += 1;
                }
            }
        }
    }
    assert!(shared > 15, "{shared} states share another's rows");
    assert!(steps > 20_000, "{steps} steps");
}

/// What an expression is made of, for a matcher that knows nothing of simplification.
#[derive(Clone, Debug)]
enum Shape {
    Class(Vec<(char, char)>),
    AnyText,
    Text(&'static str),
    Concat(Box<Shape>, Box<Shape>),
    Alt(Box<Shape>, Box<Shape>),
    And(Box<Shape>, Box<Shape>),
    TextNot(Box<Shape>),
    Repeat(Box<Shape>, usize, Option<usize>),
}

impl Shape {
    fn draw(seed: &mut u64, depth: u32) -> Shape {
        // Xorshift.
        let mut next = |n: u64| {
            *seed ^= *seed << 13;
            *seed ^= *seed >> 7;
            *seed ^= *seed << 17;
            *seed % n
        };
        let kind = if depth == 0 { next(4) } else { next(12) };
        let min = next(3) as usize;
        let max = (next(2) == 0).then(|| min + next(3) as usize);
        let text = ["a", "bé", "€b", ""][next(4) as usize];
        let class: &[(char, char)] = [
            &[('a', 'b')] as &[(char, char)],
            &[('a', 'a'), ('c', '\u{e8}'), ('\u{ea}', char::MAX)],
            &[('\0', char::MAX)],
            &[('\0', '\u{20ab}'), ('\u{20ad}', char::MAX)],
        ][next(4) as usize];
        let mut below = || Box::new(Shape::draw(seed, depth - 1));
        match kind {
            0 | 1 => Shape::Class(class.to_vec()),
            2 => Shape::AnyText,
            3 => Shape::Text(text),
            4 | 5 => Shape::Concat(below(), below()),
            6 | 7 => Shape::Alt(below(), below()),
            8 | 9 => Shape::And(below(), below()),
            10 => Shape::TextNot(below()),
            _ => Shape::Repeat(below(), min, max),
        }
    }

    fn expr(&self, l: &Lexicon) -> ExprId {
        match self {
            Shape::Class(ranges) => l.class(ranges),
            Shape::AnyText => l.any_text(),
            Shape::Text(text) => l.bytes(text.as_bytes()),
            Shape::Concat(a, b) => l.concat(&[a.expr(l), b.expr(l)]),
            Shape::Alt(a, b) => l.alt(&[a.expr(l), b.expr(l)]),
            Shape::And(a, b) => l.and(&[a.expr(l), b.expr(l)]),
            Shape::TextNot(a) => l.text_not(a.expr(l)),
            Shape::Repeat(a, min, max) => l.repeat(a.expr(l), *min as u32, max.map(|m| m as u32)),
        }
    }

    fn matches(&self, text: &[char]) -> bool {
        let splits = || (0..=text.len()).map(|i| text.split_at(i));
        match self {
            Shape::Class(ranges) => match text {
                [c] => ranges.iter().any(|r| (r.0..=r.1).contains(c)),
                _ => false,
            },
            Shape::AnyText => true,
            Shape::Text(t) => t.chars().eq(text.iter().copied()),
            Shape::Concat(a, b) => splits().any(|(x, y)| a.matches(x) && b.matches(y)),
            Shape::Alt(a, b) => a.matches(text) || b.matches(text),
            Shape::And(a, b) => a.matches(text) && b.matches(text),
            Shape::TextNot(a) => !a.matches(text),
            Shape::Repeat(a, min, max) => {
                let fewer =
                    |n: usize| Shape::Repeat(a.clone(), n, max.map(|m| m.saturating_sub(1)));
                if *max == Some(0) {
                    return text.is_empty();
                }
                // An empty copy helps only to come to the least number.
                *min == 0 && text.is_empty()
                    || *min > 0 && a.matches(&[]) && fewer(*min - 1).matches(text)
                    || splits()
                        .skip(1)
                        .any(|(x, y)| a.matches(x) && fewer(min.saturating_sub(1)).matches(y))
            }
        }
    }
}

/// Simplified expressions match what they were made of, whole characters only, and are empty only
/// where nothing matches.
#[test]
fn simplified_expressions_match_the_same_text() {
    let letters = ['a', 'b', 'é', '€'];
    let mut texts: Vec<Vec<char>> = vec![Vec::new()];
    let mut from = 0;
    for _ in 0..4 {
        let to = texts.len();
        for i in from..to {
            texts.extend(letters.map(|c| [&texts[i][..], &[c]].concat()));
        }
        from = to;
    }
    let mut seed = 0x9e37_79b9_7f4a_7c15;
    let (mut matched, mut empty) = (0, 0);
    for _ in 0..400 {
        let l = Lexicon::new(Limits::untrusted());
        let shape = Shape::draw(&mut seed, 4);
        let e = shape.expr(&l);
        let is_never = l.is_never(e).unwrap();
        empty += usize::from(is_never);
        for text in &texts {
            let expected = shape.matches(text);
            let bytes: Vec<u8> = text.iter().collect::<String>().into_bytes();
            let found = match text[..] {
                // No lexeme is empty.
                [] => l.is_nullable(e),
                _ => run(&l, e, &bytes).is_some(),
            };
            assert_eq!(found, expected, "{shape:?} {text:?}");
            assert!(!(expected && is_never), "{shape:?} is not empty: {text:?}");
            matched += usize::from(expected);
            if let Some((_, cut)) = bytes.split_last()
                && std::str::from_utf8(cut).is_err()
            {
                assert_eq!(run(&l, e, cut), None, "{shape:?} {cut:?}");
            }
        }
    }
    println!(
        "{matched} matches of {} texts, {empty} empty",
        400 * texts.len()
    );
    assert!(matched > 10_000 && empty > 10);
}

#[test]
fn lengths_that_exclude_each_other_are_seen_at_once() {
    let l = Lexicon::new(Limits::untrusted());
    let any = l.class(&[('\0', char::MAX)]);
    let holds = |text: &str| l.concat(&[l.any_text(), l.bytes(text.as_bytes()), l.any_text()]);
    let short = l.repeat(any, 0, Some(4));
    assert_eq!(l.and(&[short, holds("five!")]), l.never());
    assert_ne!(l.and(&[short, holds("four")]), l.never());
    // What any text may follow is any text, however much else may.
    let found = l.alt(&[l.any_text(), holds("again")]);
    assert_eq!(found, l.any_text());
}

#[test]
fn what_can_be_spelled_depends_on_where_pieces_end() {
    let l = Lexicon::with_pieces(Limits::untrusted(), &[b"a", b"ab", b"cd", b"acda"]);
    assert!(l.has_gaps());
    // `acda` is spelled by the others.
    assert_eq!(l.unsplittable(), [&b"a"[..], b"ab", b"cd"]);
    let start = l.fresh(l.bytes(b"ab")).unwrap();
    assert_eq!(l.spelling(start), Ok(Spelling::Whole));
    let after_a = l.next(start, b'a').unwrap();
    assert_ne!(after_a, LexState::DEAD, "alive by bytes");
    assert_eq!(l.spelling(after_a), Ok(Spelling::Never));
    let c = l.fresh(l.bytes(b"aac")).unwrap();
    assert_eq!(l.spelling(c), Ok(Spelling::Cut));
    assert!(!l.is_whole(l.bytes(b"aac")).unwrap());
    // A lexeme may begin and end inside pieces.
    assert!(!l.is_never(l.bytes(b"da")).unwrap());
    assert!(!l.is_never(l.bytes(b"dabac")).unwrap());
    assert!(l.is_never(l.bytes(b"dac")).is_ok_and(|never| !never));
    assert!(l.is_never(l.bytes(b"db")).unwrap());
    assert!(l.is_never(l.bytes(b"cad")).unwrap());
    assert!(l.spells_each(b"a") && !l.spells_each(b"ab"));
    let all = Lexicon::with_pieces(Limits::untrusted(), &[b"a", b"ab", b"b"]);
    assert_eq!(all.unsplittable(), [b"a", b"b"]);
    assert!(all.is_whole(all.bytes(b"bab")).unwrap());
    assert!(all.is_never(all.bytes(b"c")).unwrap());
}

#[test]
fn first_bytes_are_told_without_derivatives() {
    let l = Lexicon::new(Limits::untrusted());
    let texts = |all: &[&str]| {
        let marked = all.iter().map(|t| (t.as_bytes().into(), None));
        l.literals(marked.collect())
    };
    let letters = l.repeat(l.byte_class(&[(b'a', b'z')]), 1, None);
    let listed = texts(&["", "alpha", "beta", "bravo", "\u{e9}t\u{e9}"]);
    let long = l.repeat(l.any_text(), 0, None);
    for e in [
        texts(&["alpha", "beta", "bravo"]),
        l.concat(&[listed, l.bytes(b"!")]),
        l.and(&[letters, l.not(texts(&["if", "in"]))]),
        l.and(&[letters, l.concat(&[l.bytes(b"x"), long])]),
        l.alt(&[texts(&["one", "two"]), l.bytes(b"3")]),
    ] {
        let state = l.fresh(e).unwrap();
        let told = l.firsts(state).unwrap();
        assert_ne!(told, 0);
        for byte in l.edges(state).unwrap().alive().iter() {
            assert_ne!(
                told >> byte_class(byte) & 1,
                0,
                "{byte:#x} of {}",
                l.describe(e)
            );
        }
    }
}
