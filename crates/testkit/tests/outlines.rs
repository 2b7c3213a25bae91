//! What is remembered of a grammar by outlines of symbols holds in every context that it is used in.

use maskwright_compiler::Compiler;
use maskwright_runtime::Matcher;
use maskwright_tables::{Limits, TokenId, Vocabulary};
use maskwright_testkit::random::Random;
use maskwright_testkit::vocab;
use std::sync::Arc;

const LETTERS: [&str; 4] = ["a", "b", "c", "d"];

/// All texts of 1 to `longest` letters, the single ones first, and the end.
fn vocabulary(longest: usize) -> Arc<Vocabulary> {
    let mut words: Vec<String> = Vec::new();
    let mut last = vec![String::new()];
    for _ in 0..longest {
        let longer = last
            .iter()
            .flat_map(|text| LETTERS.map(|l| text.clone() + l));
        last = longer.collect();
        words.extend_from_slice(&last);
    }
    words.push("<eos>".into());
    Arc::new(vocab::from_words(&words))
}

/// Rules of letters and of each other; each has a letter that ends it.
fn draw(random: &mut Random) -> String {
    let rules = 2 + random.below(4);
    let mut text = String::from("start = r0 ;\n");
    for rule in 0..rules {
        let mut ways = Vec::new();
        for _ in 0..1 + random.below(3) {
            let symbols = (0..1 + random.below(3)).map(|_| match random.below(2) {
                0 => format!("r{}", random.below(rules)),
                _ => format!("\"{}\"", random.pick(&LETTERS)),
            });
            ways.push(symbols.collect::<Vec<_>>().join(" "));
        }
        ways.push(format!("\"{}\"", random.pick(&LETTERS)));
        text += &format!("r{rule} = {} ;\n", ways.join(" | "));
    }
    text
}

/// Whether a token may come next; `None` where there are too many readings to tell.
fn may_come(matcher: &Matcher, token: TokenId) -> Option<bool> {
    match matcher.fork().advance(token) {
        Ok(_) => Some(true),
        Err(e) if e.is_refusal() => Some(false),
        Err(_) => None,
    }
}

/// The tokens of a mask that are other than those after which the text can go on.
fn wrong_tokens(matcher: &Matcher, words: &[u32]) -> Vec<u32> {
    let tokens = matcher.vocabulary().text_tokens();
    let wrong = tokens.filter(|(token, _)| {
        let allowed = words[token.index() / 32] >> (token.index() % 32) & 1 == 1;
        may_come(matcher, *token).is_some_and(|may| may != allowed)
    });
    wrong.map(|(token, _)| token.0).collect()
}

/// Masks on random ways through random grammars, on one machine each: what one context remembers, another uses.
#[test]
fn masks_of_random_grammars_are_what_may_be_taken() {
    let vocabulary = vocabulary(4);
    let mut random = Random::new(11);
    let (mut grammars, mut masks, mut deep) = (0, 0, 0);
    while grammars < 300 {
        let source = draw(&mut random);
        let compiler = Compiler::new(Arc::clone(&vocabulary), Limits::untrusted());
        let Ok(grammar) = compiler.grammar(&source) else {
            continue;
        };
        let start = Matcher::new(&grammar).unwrap();
        let mut words = vec![0; start.mask_words()];
        for _ in 0..6 {
            let mut matcher = start.fork();
            for step in 0..8 {
                let wrong = match matcher.fill_mask(&mut words) {
                    // Too many readings.
                    Err(_) => break,
                    Ok(_) => wrong_tokens(&matcher, &words),
                };
                assert!(wrong.is_empty(), "step {step}: {wrong:?}\n{source}");
                masks += 1;
                deep += usize::from(step >= 4);
                // One letter at a time, so that few texts end soon.
                let letters = (0..LETTERS.len() as u32).map(TokenId);
                let ways: Vec<TokenId> = letters
                    .filter(|t| may_come(&matcher, *t) == Some(true))
                    .collect();
                if ways.is_empty() {
                    break;
                }
                matcher.advance(*random.pick(&ways)).unwrap();
            }
        }
        grammars += 1;
    }
    println!("{grammars} grammars, {masks} masks, {deep} of them deep");
    assert!(masks >= 4_000 && deep >= 1_000, "{masks} {deep}");
}
