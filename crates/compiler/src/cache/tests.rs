use super::*;
use crate::{FrameOptions, Numbers, Order, Whitespace};
use maskwright_grammar::json_schema::{Draft, FormatMode, Options};
use maskwright_runtime::Matcher;
use maskwright_tables::vocabulary::TokenEntry;
use maskwright_tables::{Limits, TokenKind, Vocabulary};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

fn cache(bytes: usize) -> CompileCache {
    let tokens = (0..=255u8).map(|byte| TokenEntry {
        id: byte.into(),
        bytes: vec![byte],
        kind: TokenKind::Text,
    });
    let vocabulary = Vocabulary::new("bytes", tokens, &[], None).expect("a vocabulary");
    CompileCache::new(Compiler::new(vocabulary, Limits::untrusted()), bytes)
}

fn is_same(a: &CompiledGrammar, b: &CompiledGrammar) -> bool {
    Arc::ptr_eq(&a.machine(), &b.machine())
}

fn accepts(grammar: &CompiledGrammar, text: &str) -> bool {
    let mut matcher = Matcher::new(grammar).expect("a matcher");
    matcher.advance_bytes(text.as_bytes()).is_ok() && matcher.is_accepting().expect("an answer")
}

fn schema(i: usize) -> String {
    format!(r#"{{"type": "object", "properties": {{"name{i}": {{"type": "integer"}}}}}}"#)
}

#[test]
fn caches_go_to_other_threads() {
    fn check<T: Send + Sync>() {}
    check::<CompileCache>();
}

#[test]
fn equal_sources_share_a_machine() {
    let cache = cache(64 << 20);
    let first = cache.json_schema(&schema(0)).expect("a grammar");
    let other = cache.json_schema(&schema(1)).expect("a grammar");
    let again = cache.json_schema(&schema(0)).expect("a grammar");
    assert!(is_same(&first, &again) && !is_same(&first, &other));
    assert_eq!(again.report().map(|r| r.entries().count()), Some(3));
    // White space may mean nothing to a schema, but it makes another source.
    let spaced = cache.json_schema(&(schema(0) + " ")).expect("a grammar");
    assert!(!is_same(&first, &spaced));
    let stats = cache.stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (1, 3, 3));
    assert!(stats.bytes > first.heap_bytes() + other.heap_bytes() + spaced.heap_bytes());
    cache.clear();
    let stats = cache.stats();
    assert_eq!((stats.entries, stats.bytes), (0, 0));
    let fresh = cache.json_schema(&schema(0)).expect("a grammar");
    assert!(!is_same(&first, &fresh) && accepts(&first, r#"{"name0": 1}"#));
}

/// One text that is a source of each kind, and a schema with each option by itself.
#[test]
fn what_differs_in_kind_or_options_is_never_shared() {
    let cache = cache(64 << 20);
    let mut grammars: Vec<CompiledGrammar> = Vec::new();
    let mut add = |grammar: Result<CompiledGrammar, CompileError>| {
        let grammar = grammar.expect("a grammar");
        assert!(!grammars.iter().any(|known| is_same(known, &grammar)));
        grammars.push(grammar);
    };
    let text = "start: /1/";
    add(cache.regex(text));
    add(cache.regex_in(text, Dialect::Ecma));
    add(cache.items(text));
    add(cache.lark(text));
    add(cache.grammar("start = '1' ;"));
    add(cache.regex("start = '1' ;"));
    add(cache.gbnf("root ::= \"1\""));
    add(cache.items("root ::= \"1\""));
    add(cache.regex("1"));
    add(cache.items("1"));
    assert_eq!(cache.id_items("1").expect("a list").trie().len(), 1);
    assert_eq!(cache.id_items("1").expect("a list").trie().len(), 1);
    assert!(is_same(
        &cache.regex("1").expect("a grammar"),
        &cache.regex_in("1", Dialect::Rust).expect("a grammar")
    ));

    let default = JsonSchemaOptions::default();
    let reading = |change: fn(&mut Options)| {
        let mut options = default.clone();
        change(&mut options.reading);
        options
    };
    let writing = |change: fn(&mut FrameOptions)| {
        let mut options = default.clone();
        change(&mut options.writing);
        options
    };
    let all = [
        default.clone(),
        reading(|o| o.default_draft = Draft::Draft7),
        reading(|o| o.lenient = true),
        reading(|o| o.format = FormatMode::Annotate),
        reading(|o| o.format = FormatMode::Strict),
        reading(|o| o.base_uri = "https://example.com/a".into()),
        reading(|o| {
            o.registry
                .insert("https://example.com/b".into(), "true".into());
        }),
        reading(|o| {
            o.registry
                .insert("https://example.com/b".into(), "false".into());
        }),
        writing(|o| o.whitespace = Whitespace::Compact),
        writing(|o| o.whitespace = Whitespace::Pretty { indent: 2 }),
        writing(|o| o.whitespace = Whitespace::Pretty { indent: 4 }),
        writing(|o| o.order = Order::Any),
        writing(|o| o.numbers = Numbers::Shortest),
    ];
    let schema = r#"{"properties": {"a": {"format": "date"}, "b": {"type": "number"}}, "required": ["a", "b"]}"#;
    for options in &all {
        add(cache.json_schema_with(schema, options));
    }
    add(cache.items(schema));
    assert_eq!(cache.stats().entries, grammars.len() + 1);
    // Each has its own answers, and gets its own machine again.
    let document = r#"{"b": 1e0,"a": "no date"}"#;
    for options in &all {
        let again = cache.json_schema_with(schema, options).expect("a grammar");
        let free = accepts(&again, document);
        let alone = cache.compiler().json_schema_with(schema, options);
        assert_eq!(free, accepts(&alone.expect("a grammar"), document));
        assert!(grammars.iter().any(|known| is_same(known, &again)));
    }
    let stats = cache.stats();
    assert_eq!(stats.misses as usize, stats.entries);
}

#[test]
fn vocabularies_have_caches_of_their_own() {
    let words = |list: &[&str]| {
        let tokens = list.iter().enumerate().map(|(id, text)| TokenEntry {
            id: id as u32,
            bytes: text.as_bytes().to_vec(),
            kind: TokenKind::Text,
        });
        let vocabulary = Vocabulary::new("words", tokens, &[], None).expect("a vocabulary");
        CompileCache::new(Compiler::new(vocabulary, Limits::untrusted()), 64 << 20)
    };
    for (list, bits) in [(&["a", "b", "ab"], 0b101), (&["b", "a", "ab"], 0b110)] {
        let cache = words(list);
        for _ in 0..2 {
            let grammar = cache.regex("ab").expect("a grammar");
            let mut mask = [0];
            let matcher = Matcher::new(&grammar).expect("a matcher");
            matcher.fill_mask(&mut mask).expect("a mask");
            assert_eq!(mask, [bits]);
        }
    }
}

#[test]
fn errors_are_told_and_not_kept() {
    let cache = cache(64 << 20);
    for _ in 0..2 {
        let error = cache
            .json_schema(r#"{"type": "strong"}"#)
            .expect_err("no type");
        let alone = cache.compiler().json_schema(r#"{"type": "strong"}"#);
        assert_eq!(error, alone.expect_err("no type"));
        assert!(cache.id_items("x").is_err());
    }
    let stats = cache.stats();
    assert_eq!((stats.misses, stats.hits, stats.entries), (4, 0, 0));
    assert!(cache.lock().flights.is_empty());
}

#[test]
fn the_bound_is_kept_over_thousands_of_schemas() {
    let cache = cache(8 << 20);
    let (mut most, mut since, mut outdated) = (0, 0, 0);
    for i in 0..3_000 {
        let grammar = cache.json_schema(&schema(i)).expect("a grammar");
        let stats = cache.stats();
        since = match stats.outdated == outdated {
            true => since + 1,
            false => 0,
        };
        outdated = stats.outdated;
        assert!(stats.bytes + stats.shared_bytes <= stats.limit, "{stats:?}");
        most = most.max(stats.bytes);
        // Since the shared rows were replaced: those that were used last are there.
        assert!(stats.entries >= since.min(10), "{stats:?}");
        // Over the same rows it is still there; fresh ones may come at any time, even during a compile.
        let again = cache.json_schema(&schema(i)).expect("it");
        let is_outdated = !grammar.is_over(&cache.compiler.shared());
        assert!(is_same(&grammar, &again) || is_outdated);
        assert!(accepts(&grammar, &format!(r#"{{"name{i}": 12}}"#)));
    }
    let stats = cache.stats();
    assert!(stats.evictions + stats.outdated > 2_000, "{stats:?}");
    assert!(most > stats.limit / 4, "{stats:?}");
    // What is said is what there is.
    let mut state = cache.lock();
    (0..6_000).for_each(|_| state.entries.look_on());
    assert!(state.entries.bytes() < stats.limit, "{stats:?}");
}

#[test]
fn the_least_recently_used_goes_first() {
    let cache = cache(usize::MAX);
    let all: Vec<CompiledGrammar> = (0..6)
        .map(|i| cache.json_schema(&schema(i)).expect("a grammar"))
        .collect();
    cache.json_schema(&schema(0)).expect("a hit");
    cache.json_schema(&schema(2)).expect("a hit");
    let mut gone = Vec::new();
    let mut state = cache.lock();
    while state.entries.len() > 0 {
        let left = state.entries.bytes() - 1;
        state.shrink(left, &mut gone);
    }
    drop(state);
    let order = gone.iter().map(|kept| {
        let Value::Grammar(grammar) = &kept.value else {
            panic!("not a grammar");
        };
        all.iter().position(|known| is_same(known, grammar))
    });
    assert_eq!(
        order.collect::<Vec<_>>(),
        [1, 3, 4, 5, 0, 2].map(Some).to_vec()
    );
    // Who holds one that is gone uses it as before.
    assert!(accepts(&all[1], r#"{"name1": 3}"#));
    assert_eq!(cache.stats().evictions, 6);
}

/// Sessions make machines remember more, long after they were compiled.
#[test]
fn what_grows_in_use_makes_others_go() {
    let cache = cache(usize::MAX);
    let large = cache
        .json_schema(r#"{"type": "array", "items": {"enum": [1]}, "maxItems": 3000}"#)
        .expect("a grammar");
    let small = cache.json_schema(&schema(0)).expect("a grammar");
    let (before, shared) = (cache.stats().bytes, cache.stats().shared_bytes);
    let cache = CompileCache {
        limit: before + shared + (1 << 20),
        ..cache
    };
    let mut matcher = Matcher::new(&large).expect("a matcher");
    let mut mask = vec![0; matcher.mask_words()];
    matcher.advance_bytes(b"[1").expect("an array");
    for _ in 0..2_000 {
        matcher.advance_bytes(b",1").expect("another");
        matcher.fill_mask(&mut mask).expect("a mask");
    }
    assert!(
        large.heap_bytes() > before + (1 << 20),
        "{:?}",
        large.stats()
    );
    // Looked at by the way, and found to be the oldest.
    for _ in 0..3 {
        assert!(is_same(&small, &cache.json_schema(&schema(0)).expect("it")));
    }
    let stats = cache.stats();
    assert_eq!((stats.entries, stats.evictions), (1, 1), "{stats:?}");
    assert!(stats.bytes + stats.shared_bytes <= stats.limit, "{stats:?}");
}

#[test]
fn grammars_over_old_rows_go_when_there_are_new_ones() {
    let mut cache = cache(64 << 20);
    let old = Arc::downgrade(&cache.compiler.shared());
    let held = cache.regex("a+b").expect("a grammar");
    cache.json_schema(&schema(0)).expect("a grammar");
    cache.id_items("97\n98").expect("a list");
    assert_eq!(cache.stats().entries, 3);
    cache.compiler = cache.compiler.with_shared_bound(0);
    let begun = Instant::now();
    while cache.compiler.generation().1 == 0 {
        assert!(begun.elapsed() < Duration::from_secs(30), "never renewed");
        std::thread::sleep(Duration::from_millis(1));
    }
    cache.compiler = cache.compiler.with_shared_bound(32 << 20);
    // Anything that is asked notices; the list has no rows.
    cache.id_items("97\n98").expect("a list");
    let stats = cache.stats();
    assert_eq!((stats.entries, stats.outdated), (1, 2), "{stats:?}");
    assert_eq!((stats.hits, stats.evictions), (1, 0), "{stats:?}");
    assert!(old.upgrade().is_some(), "a grammar in use needs them");
    assert!(accepts(&held, "aab"));
    let fresh = cache.regex("a+b").expect("a grammar");
    assert!(!is_same(&held, &fresh) && accepts(&fresh, "aab"));
    drop(held);
    assert!(old.upgrade().is_none(), "nothing else keeps old rows");
}

#[test]
fn with_no_room_nothing_is_kept_and_all_is_compiled() {
    let cache = cache(0);
    for i in [0, 1, 0] {
        let grammar = cache.json_schema(&schema(i)).expect("a grammar");
        assert!(accepts(&grammar, "{}"));
    }
    let stats = cache.stats();
    assert_eq!((stats.entries, stats.bytes, stats.misses), (0, 0, 3));
}

#[test]
fn threads_that_ask_for_the_same_compile_it_once() {
    const THREADS: usize = 8;
    const ROUNDS: usize = 40;
    let cache = cache(64 << 20);
    let barrier = Barrier::new(THREADS);
    let text = |round: usize| {
        let names: Vec<String> = (0..40)
            .map(|i| format!(r#""p{i}r{round}": {{}}"#))
            .collect();
        format!(r#"{{"properties": {{{}}}}}"#, names.join(","))
    };
    let got: Vec<Vec<CompiledGrammar>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (cache, barrier) = (&cache, &barrier);
                scope.spawn(move || {
                    let mut got = Vec::new();
                    for round in 0..ROUNDS {
                        barrier.wait();
                        // Half of them ask for something else first.
                        if thread % 2 == 1 {
                            cache.regex(&format!("x{round}")).expect("a grammar");
                        }
                        got.push(cache.json_schema(&text(round)).expect("a grammar"));
                    }
                    got
                })
            })
            .collect();
        let joined = threads.into_iter().map(|t| t.join().expect("no panic"));
        joined.collect()
    });
    for round in 0..ROUNDS {
        assert!(got.iter().all(|g| is_same(&g[round], &got[0][round])));
    }
    let stats = cache.stats();
    assert_eq!(stats.misses as usize, 2 * ROUNDS, "{stats:?}");
    let asked = ROUNDS * (THREADS + THREADS / 2);
    assert_eq!((stats.misses + stats.hits + stats.joined) as usize, asked);
    assert!(cache.lock().flights.is_empty());
}

#[test]
fn who_waits_for_a_compile_that_panics_compiles_by_themselves() {
    let cache = cache(64 << 20);
    let source = Source {
        kind: Kind::Ebnf,
        text: "start = 'a' ;",
    };
    let calls = AtomicUsize::new(0);
    let compile = || {
        if calls.fetch_add(1, Ordering::Relaxed) == 0 {
            panic!("on purpose");
        }
        cache.compiler.grammar(source.text).map(Value::Grammar)
    };
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = cache.get(source, compile);
    }));
    assert!(panicked.is_err());
    assert!(cache.get(source, compile).is_ok());
    assert!(cache.grammar(source.text).is_ok());
    let stats = cache.stats();
    assert_eq!((stats.entries, stats.hits, stats.joined), (1, 1, 1));
}
