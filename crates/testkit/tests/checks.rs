//! The checks themselves: engines that are wrong in one small way must be found out.

mod common;

use arbitrary::Unstructured;
use common::{Lazy, Running};
use maskwright_grammar::Grammar;
use maskwright_tables::{Limits, TokenId, Vocabulary};
use maskwright_testkit::check::{self, Judge};
use maskwright_testkit::corpus::Kind;
use maskwright_testkit::engine::{Engine, Session};
use maskwright_testkit::generate;
use maskwright_testkit::oracle::Oracle;
use maskwright_testkit::random::Random;
use maskwright_testkit::vocab;
use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    OneBitMore,
    OneBitLess,
    EndBit,
    Rollback,
    RefusalMoves,
    Fork,
}

#[derive(Debug)]
struct Wrong {
    inner: Running,
    fault: Fault,
    taken: usize,
}

impl Clone for Wrong {
    fn clone(&self) -> Self {
        let mut copy = Wrong {
            inner: self.inner.clone(),
            fault: self.fault,
            taken: self.taken,
        };
        if self.fault == Fault::Fork && self.taken == 3 {
            copy.inner.reset();
        }
        copy
    }
}

impl Session for Wrong {
    fn mask(&mut self) -> Result<Vec<bool>, String> {
        let mut mask = self.inner.mask()?;
        let end = self.inner.0.vocabulary().end_tokens()[0].index();
        if self.taken == 2 && !self.is_terminated() {
            match self.fault {
                Fault::OneBitMore => {
                    if let Some(bit) = mask[..end].iter_mut().find(|b| !**b) {
                        *bit = true;
                    }
                }
                Fault::OneBitLess => {
                    if let Some(bit) = mask.iter_mut().rev().find(|b| **b) {
                        *bit = false;
                    }
                }
                Fault::EndBit => mask[end] = !mask[end],
                _ => {}
            }
        }
        Ok(mask)
    }

    fn is_allowed(&mut self, token: TokenId) -> Result<bool, String> {
        Ok(self.mask()?.get(token.index()).copied().unwrap_or(false))
    }

    fn advance(&mut self, token: TokenId) -> Result<bool, String> {
        let done = self.inner.advance(token)?;
        self.taken += usize::from(done);
        if !done && self.fault == Fault::RefusalMoves && self.taken > 1 {
            self.inner.rollback(1)?;
        }
        Ok(done)
    }

    fn rollback(&mut self, n: usize) -> Result<bool, String> {
        let n = if self.fault == Fault::Rollback && n == 2 {
            1
        } else {
            n
        };
        let done = self.inner.rollback(n)?;
        self.taken -= if done { n } else { 0 };
        Ok(done)
    }

    fn reset(&mut self) {
        self.inner.reset();
        self.taken = 0;
    }

    fn is_accepting(&mut self) -> Result<bool, String> {
        self.inner.is_accepting()
    }

    fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }
}

const SOURCE: &str = "start = item* ; item = \"(\" start \")\" | /[ab]+c/ ;";

fn start(fault: Fault) -> (Wrong, Arc<Vocabulary>) {
    let vocabulary = Arc::new(vocab::toy(&[b"(abc)(c", b"bc()((ac))"], 10, 1));
    let inner = Lazy::default()
        .compile(Kind::Cfg, SOURCE, &vocabulary)
        .expect("a small grammar");
    (
        Wrong {
            inner,
            fault,
            taken: 0,
        },
        vocabulary,
    )
}

#[test]
fn a_wrong_mask_is_found() {
    let grammar = Grammar::from_ebnf(SOURCE, &Limits::trusted()).expect("a small grammar");
    for (fault, found) in [
        (Fault::None, false),
        (Fault::OneBitMore, true),
        (Fault::OneBitLess, true),
        (Fault::EndBit, true),
    ] {
        let (session, vocabulary) = start(fault);
        let oracle = Oracle::with_vocabulary(&grammar, &vocabulary).expect("a small grammar");
        let mut judge = Judge::new(&oracle, &vocabulary);
        let outcome = check::masks_by_depth(&session, &mut judge, 4, 30, 1);
        assert_eq!(outcome.is_err(), found, "{fault:?}: {outcome:?}");
    }
}

#[test]
fn wrong_histories_are_found() {
    for (fault, found) in [
        (Fault::None, false),
        (Fault::Rollback, true),
        (Fault::RefusalMoves, true),
        (Fault::Fork, true),
    ] {
        let (session, vocabulary) = start(fault);
        let mut random = Random::new(3);
        let outcome = (0..300).try_for_each(|_| {
            let bytes = random.bytes(200);
            let operations =
                generate::operations(&mut Unstructured::new(&bytes), 30).expect("zeros at worst");
            check::operations(&session, &operations, &vocabulary).map(|_| ())
        });
        assert_eq!(outcome.is_err(), found, "{fault:?}: {outcome:?}");
    }
}

#[test]
fn a_text_on_the_wrong_side_is_found() {
    let (session, vocabulary) = start(Fault::None);
    let mut random = Random::new(3);
    assert!(check::accepts(&session, b"(abc)", &vocabulary, None, 2, &mut random).is_ok());
    assert!(check::rejects(&session, b"(abc)", &vocabulary, 2, &mut random).is_err());
    assert!(check::accepts(&session, b"(abc", &vocabulary, None, 2, &mut random).is_err());
    assert!(check::rejects(&session, b"(abc", &vocabulary, 2, &mut random).is_ok());
}
