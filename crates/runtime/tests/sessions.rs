//! Sessions: limits, errors that change nothing, forks, rollback and memory over long outputs.

mod common;

use allocation_counter::measure;
use common::{Toy, bits, machine, vocabulary};
use maskwright_runtime::{MatchErrorKind, Matcher, MatcherConfig, Row, RowScratch, fill_batch};
use maskwright_tables::{CancelFlag, Limits, Machine, RunError, TokenId};
use std::sync::Arc;

fn token(m: &Matcher, text: &str) -> TokenId {
    let mut found = m
        .vocabulary()
        .text_tokens()
        .filter(|(_, b)| *b == text.as_bytes());
    found
        .next()
        .unwrap_or_else(|| panic!("no token {text:?}"))
        .0
}

fn mask(m: &Matcher) -> Vec<TokenId> {
    let mut mask = vec![0; m.mask_words()];
    m.fill_mask(&mut mask).unwrap();
    bits(&mask)
}

const EOS: TokenId = TokenId(0);

#[test]
fn matchers_go_to_other_threads() {
    fn check<T: Send + Sync + Clone + 'static>() {}
    check::<Matcher>();
}

/// Case R1: a refused token and an id out of range change nothing.
#[test]
fn a_refusal_changes_nothing_and_the_session_goes_on() {
    let mut m = Matcher::new(machine(&Toy::new(&common::lists()))).unwrap();
    m.advance_bytes(b"[1,").unwrap();
    let before = mask(&m);
    for id in [token(&m, "]").0, EOS.0, 1, 2, 5_000, u32::MAX] {
        let error = m.advance(TokenId(id)).unwrap_err();
        assert!(error.is_refusal(), "{error}");
        assert_eq!(mask(&m), before);
    }
    let error = m.advance(token(&m, "12]")).err();
    assert_eq!(error, None);
    let error = m.advance_bytes(b",1,1]2").unwrap_err();
    assert!(matches!(
        error.kind(),
        MatchErrorKind::Terminated | MatchErrorKind::RefusedByte { .. }
    ));
    assert_eq!(error.offset(), Some(0));
    m.reset();
    let error = m.advance_bytes(b"[1,1]2").unwrap_err();
    assert_eq!(
        error.kind(),
        &MatchErrorKind::RefusedByte {
            offset: 5,
            byte: b'2'
        }
    );
    assert_eq!(error.to_string(), "byte 0x32 at offset 5 may not come next");
    m.advance_bytes(b"[1,1]").unwrap();
    m.advance(EOS).unwrap();
}

/// Case R2: after the end token the mask is the end tokens.
#[test]
fn after_the_end_token_only_end_tokens() {
    let mut m = Matcher::new(machine(&Toy::new(&common::lists()))).unwrap();
    m.advance_bytes(b"12").unwrap();
    m.advance(EOS).unwrap();
    assert!(m.is_terminated() && m.is_accepting().unwrap());
    assert_eq!(mask(&m), m.end_tokens());
    assert_eq!(
        m.row(&mut RowScratch::new()).unwrap(),
        Row::Few(m.end_tokens())
    );
    let error = m.advance(token(&m, "1")).unwrap_err();
    assert_eq!(error.kind(), &MatchErrorKind::Terminated);
    assert!(error.is_refusal());
    assert_eq!(
        m.advance_bytes(b"1").unwrap_err().kind(),
        &MatchErrorKind::Terminated
    );
    assert_eq!(m.forced_tokens(9).unwrap(), []);
    assert_eq!(m.forced_bytes(9).unwrap(), []);
    m.advance(m.end_tokens()[1]).unwrap();
    assert!(m.is_terminated());
    // Both end tokens were steps.
    m.rollback(2).unwrap();
    assert!(!m.is_terminated());
    m.advance_bytes(b"1").unwrap();
}

/// Case R8: rollback by nothing, across the end token, past the start.
#[test]
fn rollback_at_its_edges() {
    let toy = Toy::new(&common::lists());
    let mut m = Matcher::new(machine(&toy)).unwrap();
    m.rollback(0).unwrap();
    assert!(m.rollback(1).is_err());
    m.advance_bytes(b"1").unwrap();
    let at_one = m.fork();
    m.advance_bytes(b"2").unwrap();
    m.advance(EOS).unwrap();
    let error = m.rollback(4).unwrap_err();
    assert_eq!(
        error.kind(),
        &MatchErrorKind::History {
            asked: 4,
            available: 3
        }
    );
    assert!(m.is_terminated(), "a rollback that fails changes nothing");
    m.rollback(2).unwrap();
    assert!(m.is_same_configuration(&at_one));
    m.rollback(1).unwrap();
    assert!(m.is_same_configuration(&Matcher::new(machine(&toy)).unwrap()));

    let config = MatcherConfig::new().history(0);
    let mut m = Matcher::with_config(machine(&toy), config).unwrap();
    m.advance_bytes(b"1").unwrap();
    m.rollback(0).unwrap();
    assert!(m.rollback(1).is_err());
    assert_eq!(m.history_capacity(), 0);
}

/// Case R5: a buffer of the wrong size is an error before anything is written.
#[test]
fn a_wrong_buffer_is_not_written() {
    let m = Matcher::new(machine(&Toy::new(&common::lists()))).unwrap();
    for words in [0, m.mask_words() - 1, m.mask_words() + 1] {
        let mut mask = vec![0xdead_beef; words];
        let error = m.fill_mask(&mut mask).unwrap_err();
        assert_eq!(
            error.kind(),
            &MatchErrorKind::Shape {
                given: words,
                expected: m.mask_words()
            }
        );
        assert!(!error.is_refusal());
        assert!(mask.iter().all(|w| *w == 0xdead_beef));
    }
}

/// Case X5: where nothing may come next there is a typed error, and no mask.
#[test]
fn an_empty_mask_is_a_typed_error() {
    let toy = Toy::new(&common::lists());
    let config = MatcherConfig::new().end_tokens([]);
    let mut m = Matcher::with_config(machine(&toy), config).unwrap();
    m.advance_bytes(b"[]").unwrap();
    let mut mask = vec![0xdead_beef; m.mask_words()];
    let error = m.fill_mask(&mut mask).unwrap_err();
    assert_eq!(error.kind(), &MatchErrorKind::DeadEnd { accepting: true });
    assert_eq!(mask[0], 0xdead_beef);
    assert!(m.row(&mut RowScratch::new()).is_err());
    assert_eq!(m.allowed_count().unwrap(), 0);
}

#[test]
fn an_end_token_without_a_logit_is_refused_at_the_door() {
    let toy = Toy::new(&common::lists());
    let width = toy.vocabulary().width();
    let config = MatcherConfig::new().end_tokens([TokenId(width as u32)]);
    let error = Matcher::with_config(machine(&toy), config).unwrap_err();
    assert!(matches!(error.kind(), MatchErrorKind::EndToken { .. }));
}

/// Case R3: a fork that crosses a limit leaves its origin alone.
#[test]
fn too_many_readings_is_a_typed_error_that_harms_nobody() {
    let limits = Limits {
        stacks: 10,
        ..Limits::default()
    };
    let grammar = common::palindromes();
    let toy = Toy::with(&grammar, vocabulary("ab", &[]), limits);
    let mut m = Matcher::new(machine(&toy)).unwrap();
    m.advance_bytes(b"aaaa").unwrap();
    let mut fork = m.fork();
    let mut taken = 0;
    let error = loop {
        let before = fork.fork();
        match fork.advance_bytes(b"a") {
            Ok(()) => taken += 1,
            Err(e) => {
                assert!(fork.is_same_configuration(&before));
                break e;
            }
        }
        assert!(fork.threads_len() <= 10 && taken < 100);
    };
    assert!(!error.is_refusal());
    let MatchErrorKind::Run(RunError::Limit(limit)) = error.kind() else {
        panic!("{error}")
    };
    assert_eq!((limit.stage, limit.limit), ("stacks alive", 10));
    // "No" and "too much" are different answers.
    assert!(fork.is_allowed(token(&fork, "a")).is_err());
    m.advance_bytes(b"bb").unwrap();
    fork.advance_bytes(b"b").unwrap();
}

#[test]
fn depth_steps_and_cancel_stop_a_call() {
    let limit_of = |limits: Limits, text: &[u8]| {
        let toy = Toy::with(&common::dyck(), vocabulary("<>[]", &[]), limits);
        let mut m = Matcher::new(machine(&toy)).unwrap();
        let error = m.advance_bytes(text).unwrap_err();
        assert!(m.is_same_configuration(&{
            let mut n = m.fork();
            n.reset();
            n
        }));
        let MatchErrorKind::Run(RunError::Limit(limit)) = error.kind() else {
            panic!("{error}")
        };
        limit.stage
    };
    let text = "<<".repeat(50);
    let base = Limits::default();
    assert_eq!(
        limit_of(
            Limits {
                stack_depth: 50,
                ..base
            },
            text.as_bytes()
        ),
        "stack depth"
    );
    assert_eq!(
        limit_of(Limits { steps: 90, ..base }, text.as_bytes()),
        "advance steps"
    );

    let flag = CancelFlag::new();
    let config = MatcherConfig::new().cancel(flag.clone());
    let mut m = Matcher::with_config(machine(&Toy::new(&common::dyck())), config).unwrap();
    m.advance_bytes(b"<<").unwrap();
    let fork = m.fork();
    flag.cancel();
    for error in [
        m.advance_bytes(b"<<").unwrap_err(),
        m.fill_mask(&mut vec![0; m.mask_words()]).unwrap_err(),
        fork.is_allowed(TokenId(3)).unwrap_err(),
    ] {
        let MatchErrorKind::Run(RunError::Limit(limit)) = error.kind() else {
            panic!("{error}")
        };
        assert!(limit.is_cancelled());
    }
}

/// Case S4: a stack of a million symbols, forks of it, and their drops, on a small native stack.
#[test]
fn a_million_open_brackets() {
    let run = || {
        let limits = Limits {
            stack_depth: 2_000_000,
            ..Limits::default()
        };
        let toy = Toy::with(&common::dyck(), vocabulary("<>[]", &[]), limits);
        let mut m = Matcher::new(machine(&toy)).unwrap();
        let open = "<<[[".repeat(1000);
        for _ in 0..500 {
            m.advance_bytes(open.as_bytes()).unwrap();
        }
        assert_eq!(m.stack_depth(), 1_000_001);
        let mut fork = m.fork();
        drop(m);
        let close = "]]>>".repeat(1000);
        for _ in 0..500 {
            fork.advance_bytes(close.as_bytes()).unwrap();
        }
        assert!(fork.is_accepting().unwrap());
        assert!(fork.advance_bytes(b"]").is_err());
    };
    std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(run)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn a_fork_allocates_nothing_however_long_the_output() {
    assert!(size_of::<Matcher>() <= 160, "{}", size_of::<Matcher>());
    let toy = Toy::new(&common::lists());
    let mut m = Matcher::new(machine(&toy)).unwrap();
    m.advance_bytes(b"[").unwrap();
    let item = token(&m, "1,1");
    let comma = token(&m, ",");
    for _ in 0..10_000 {
        m.advance(item).unwrap();
        m.advance(comma).unwrap();
    }
    let mut forks = Vec::with_capacity(100);
    let fork = measure(|| forks.push(m.fork()));
    assert_eq!(fork.count_total, 0);
    let rollback = measure(|| m.rollback(MatcherConfig::DEFAULT_HISTORY).unwrap());
    assert_eq!(rollback.count_total, 0);
    assert_eq!(m.rollback_len(), 0);

    // Many readings are shared as well.
    let mut m = Matcher::new(machine(&Toy::new(&common::palindromes()))).unwrap();
    m.advance_bytes(&[b'a'; 100]).unwrap();
    assert!(m.threads_len() > 10);
    assert_eq!(measure(|| forks.push(m.fork())).count_total, 0);
}

#[test]
fn tokens_inside_a_lexeme_allocate_nothing() {
    let toy = Toy::new(&common::lists());
    let mut m = Matcher::with_config(machine(&toy), MatcherConfig::new().history(0)).unwrap();
    m.advance_bytes(b"[1").unwrap();
    let digits = token(&m, "121");
    assert_eq!(measure(|| m.advance(digits).unwrap()).count_total, 0);
    let mixed = token(&m, ",1,");
    // Two commas and a number: three symbols are put on.
    assert!(measure(|| m.advance(mixed).unwrap()).count_total <= 4);
    assert_eq!(
        measure(|| assert!(m.is_allowed(digits).unwrap())).count_total,
        0
    );
}

/// Case R4 among others: no mask call, a million tokens, and memory as after a few thousand.
#[test]
fn memory_is_bounded_over_a_million_tokens() {
    let toy = Toy::new(&common::lists());
    let mut m = Matcher::new(machine(&toy)).unwrap();
    m.advance_bytes(b"[").unwrap();
    let (item, comma) = (token(&m, "1,1"), token(&m, ","));
    let mut run = |tokens: usize| {
        measure(|| {
            for _ in 0..tokens / 2 {
                m.advance(item).unwrap();
                m.advance(comma).unwrap();
            }
        })
    };
    let first = run(10_000);
    let rest = run(1_000_000);
    assert!(first.bytes_current <= 400_000, "{first:?}");
    assert!(rest.bytes_current.abs() <= 200_000, "{rest:?}");
    assert!(rest.bytes_max <= 400_000, "{rest:?}");
}

#[test]
fn forced_text_ends_at_a_choice_a_sentence_or_the_bound() {
    let m = Matcher::new(machine(&Toy::new(&common::forced()))).unwrap();
    assert_eq!(m.forced_bytes(100).unwrap(), b"key: ");
    assert_eq!(m.forced_bytes(2).unwrap(), b"ke");
    // Several tokens begin "key: ", so no token is forced.
    assert_eq!(m.forced_tokens(100).unwrap(), []);
    let mut yes = m.fork();
    yes.advance_bytes(b"key: y").unwrap();
    assert_eq!(yes.forced_bytes(100).unwrap(), b"es end");
    let mut done = m.fork();
    done.advance_bytes(b"key: no end").unwrap();
    assert_eq!(done.forced_bytes(100).unwrap(), b"");
    assert_eq!(done.forced_tokens(100).unwrap(), []);
}

/// Case L5: a text that never ends is forced up to the bound, and two choices force nothing.
#[test]
fn forced_tokens_are_bounded_and_sole() {
    use maskwright_tables::vocabulary::{TokenEntry, Vocabulary};
    let entry = |id, text: &str| TokenEntry {
        id,
        bytes: text.as_bytes().to_vec(),
        kind: maskwright_tables::TokenKind::Text,
    };
    let only = |texts: &[&str]| {
        let tokens = texts.iter().enumerate().map(|(i, t)| entry(i as u32, t));
        Arc::new(Vocabulary::new("toy", tokens, &[], None).unwrap())
    };
    let forced = |texts: &[&str], max| {
        let toy = Toy::with(&common::repeat(false), only(texts), Limits::default());
        Matcher::new(machine(&toy))
            .unwrap()
            .forced_tokens(max)
            .unwrap()
            .len()
    };
    assert_eq!(forced(&["a", "b"], 50), 50);
    assert_eq!(forced(&["a", "aa"], 50), 0);
    assert_eq!(
        forced(&["a", "a"], 50),
        0,
        "two tokens with the same bytes are two choices"
    );
    let toy = Toy::with(&common::repeat(false), only(&["a"]), Limits::default());
    assert_eq!(
        Matcher::new(machine(&toy))
            .unwrap()
            .forced_bytes(70)
            .unwrap()
            .len(),
        70
    );
    // One text token, but the output may also end here.
    let toy = Toy::with(&common::repeat(true), only(&["a"]), Limits::default());
    let m = Matcher::new(machine(&toy)).unwrap();
    assert_eq!(m.forced_tokens(50).unwrap(), []);
    assert_eq!(m.forced_bytes(50).unwrap(), b"");
}

#[test]
fn validate_counts_and_does_not_move() {
    let m = Matcher::new(machine(&Toy::new(&common::lists()))).unwrap();
    let before = m.fork();
    let ids: Vec<_> = ["[", "1,1", "]"].iter().map(|t| token(&m, t)).collect();
    assert_eq!(m.validate(&ids).unwrap(), 3);
    assert_eq!(m.validate(&[&ids[..], &[EOS, EOS]].concat()).unwrap(), 5);
    assert_eq!(
        m.validate(&[&ids[..], &[ids[0], ids[1]]].concat()).unwrap(),
        3
    );
    assert_eq!(m.validate(&[ids[0], EOS]).unwrap(), 1);
    assert_eq!(m.validate(&[]).unwrap(), 0);
    assert!(m.is_same_configuration(&before));
}

#[test]
fn a_batch_is_its_matchers_one_after_the_other() {
    let toy = Toy::new(&common::lists());
    let mut batch: Vec<Matcher> = Vec::new();
    for text in ["", "[", "[1", "[1,", "[[1,2],1", "12"] {
        let mut m = Matcher::new(machine(&toy)).unwrap();
        m.advance_bytes(text.as_bytes()).unwrap();
        batch.push(m);
    }
    let words = batch[0].mask_words();
    let mut masks = vec![!0; words * batch.len()];
    fill_batch(&batch, &mut masks).unwrap();
    for (m, row) in batch.iter().zip(masks.chunks(words)) {
        assert_eq!(bits(row), mask(m));
    }
    // References will do as well; a wrong shape writes nothing.
    let borrowed: Vec<&Matcher> = batch.iter().collect();
    let mut wrong = vec![7; words * batch.len() - 1];
    let error = fill_batch(&borrowed, &mut wrong).unwrap_err();
    assert_eq!(error.failures().len(), batch.len());
    assert!(wrong.iter().all(|w| *w == 7));
    assert!(fill_batch::<Matcher>(&[], &mut []).is_ok());
    assert!(fill_batch::<Matcher>(&[], &mut [0]).is_err());
    // One that cannot answer leaves zeros and does not hold up the others.
    let mut dead =
        Matcher::with_config(machine(&toy), MatcherConfig::new().end_tokens([])).unwrap();
    dead.advance_bytes(b"[]").unwrap();
    batch[1] = dead;
    let error = fill_batch(&batch, &mut masks).unwrap_err();
    assert_eq!(error.failures().len(), 1);
    assert_eq!(error.failures()[0].0, 1);
    assert!(masks[words..2 * words].iter().all(|w| *w == 0));
    assert_eq!(bits(&masks[2 * words..3 * words]), mask(&batch[2]));
}
