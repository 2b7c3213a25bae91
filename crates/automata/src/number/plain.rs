//! Numbers without exponent: digits are compared with the bounds as they come.
//!
//! Before the point, numbers with more digits are larger, so a lexical state keeps the number of
//! digits (up to one more than any bound has) and how they compare with the first digits of each
//! bound. After it, only a bound that has been matched exactly so far (*tight*) matters. A step adds
//! the remainder of the digits read. With a step the bounds are members themselves, so that a tight
//! bound can always be reached.

use super::{Automaton, Side, States};
use crate::lexicon::ByteSet;
use num_bigint::BigUint;
use std::cmp::Ordering;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum State {
    Start,
    Minus,
    Whole {
        negative: bool,
        /// Digits read, at most one more than the longer bound has.
        len: u32,
        /// The digits against as many first digits of the bound.
        lo: Ordering,
        hi: Ordering,
        /// The only digit is a zero.
        zero: bool,
        rest: BigUint,
    },
    Fraction {
        negative: bool,
        /// Digits after the point, clamped.
        len: u32,
        /// The point is the last byte.
        bare: bool,
        lo_tight: bool,
        hi_tight: bool,
        rest: BigUint,
    },
}

/// See the module documentation.
#[derive(Debug)]
pub(super) struct Plain {
    sides: [Option<Side>; 2],
    scale: Option<u32>,
    modulus: BigUint,
    /// There is no fraction, not even of zeros. The members are whole then.
    whole: bool,
    key: Vec<u8>,
    states: States<State>,
}

impl Plain {
    pub fn new(
        sides: [Option<Side>; 2],
        scale: Option<u32>,
        modulus: BigUint,
        whole: bool,
        key: &str,
    ) -> Self {
        let kind = if whole { "whole" } else { "plain" };
        let key = format!("{kind} number {key}").into_bytes();
        Plain {
            sides,
            scale,
            modulus,
            whole,
            key,
            states: States::new(State::Start),
        }
    }

    fn side(&self, negative: bool) -> Option<&Side> {
        self.sides[usize::from(negative)].as_ref()
    }

    fn stepped(&self) -> bool {
        self.modulus > BigUint::from(1u8)
    }

    fn reduce(&self, rest: &BigUint, digit: u8) -> BigUint {
        if self.stepped() {
            (rest * 10u8 + digit) % &self.modulus
        } else {
            BigUint::default()
        }
    }

    /// Whether some `places` more digits make the digits read a multiple.
    fn reaches(&self, rest: &BigUint, places: u32) -> bool {
        if !self.stepped() {
            return true;
        }
        let power = BigUint::from(10u8).pow(places);
        let rest = rest * &power % &self.modulus;
        rest == BigUint::default() || &self.modulus - rest < power
    }

    fn step(&self, state: &State, byte: u8) -> Option<State> {
        let digit = byte.is_ascii_digit().then(|| byte - b'0');
        match *state {
            State::Start if byte == b'-' => self.side(true).map(|_| State::Minus),
            State::Start | State::Minus => {
                let negative = *state == State::Minus;
                self.side(negative)?;
                let equal = Ordering::Equal;
                self.whole(negative, 0, equal, equal, digit?, &BigUint::default())
            }
            State::Whole {
                negative,
                len,
                lo,
                hi,
                zero,
                ref rest,
            } => match digit {
                Some(_) if zero => None,
                Some(digit) => self.whole(negative, len, lo, hi, digit, rest),
                None if byte == b'.' && !self.whole => {
                    let (lo, hi) = self.against(negative, len, lo, hi)?;
                    let (lo_tight, hi_tight) = (lo.is_eq(), hi.is_eq());
                    let next = State::Fraction {
                        negative,
                        len: 0,
                        bare: true,
                        lo_tight,
                        hi_tight,
                        rest: rest.clone(),
                    };
                    (lo.is_ge() && hi.is_le() && self.fraction_lives(&next)).then_some(next)
                }
                None => None,
            },
            State::Fraction {
                negative,
                len,
                mut lo_tight,
                mut hi_tight,
                ref rest,
                ..
            } => {
                let digit = digit?;
                let side = self.side(negative)?;
                let at = len as usize;
                let beyond = self.scale.is_some_and(|s| len >= s);
                if beyond && digit != 0 {
                    return None;
                }
                let digit_of = |b: &super::Bound| b.fraction.get(at).copied().unwrap_or(0);
                if lo_tight && let Some(b) = &side.lo {
                    match digit.cmp(&digit_of(b)) {
                        Ordering::Less => return None,
                        order => lo_tight = order.is_eq(),
                    }
                }
                if hi_tight && let Some(b) = &side.hi {
                    match digit.cmp(&digit_of(b)) {
                        Ordering::Greater => return None,
                        order => hi_tight = order.is_eq(),
                    }
                }
                let rest = if beyond {
                    rest.clone()
                } else {
                    self.reduce(rest, digit)
                };
                let places =
                    |b: &Option<super::Bound>| b.as_ref().map_or(0, |b| b.fraction.len() as u32);
                let clamp = places(&side.lo)
                    .max(places(&side.hi))
                    .max(self.scale.unwrap_or(0));
                let len = (len + 1).min(clamp);
                let next = State::Fraction {
                    negative,
                    len,
                    bare: false,
                    lo_tight,
                    hi_tight,
                    rest,
                };
                self.fraction_lives(&next).then_some(next)
            }
        }
    }

    fn whole(
        &self,
        negative: bool,
        len: u32,
        lo: Ordering,
        hi: Ordering,
        digit: u8,
        rest: &BigUint,
    ) -> Option<State> {
        let side = self.side(negative)?;
        let compare = |bound: &Option<super::Bound>, order: Ordering, none: Ordering| match bound {
            None => none,
            Some(b) => match b.whole.get(len as usize) {
                None => Ordering::Greater,
                Some(d) => order.then(digit.cmp(d)),
            },
        };
        let (lo, hi) = (
            compare(&side.lo, lo, Ordering::Greater),
            compare(&side.hi, hi, Ordering::Less),
        );
        let places = |b: &Option<super::Bound>| b.as_ref().map_or(0, |b| b.whole.len() as u32);
        let clamp = places(&side.lo).max(places(&side.hi)) + 1;
        let zero = len == 0 && digit == 0;
        let len = (len + 1).min(clamp);
        let rest = self.reduce(rest, digit);
        self.whole_lives(side, len, lo, hi, zero, &rest)
            .then_some(State::Whole {
                negative,
                len,
                lo,
                hi,
                zero,
                rest,
            })
    }

    /// How a number of `len` digits before the point compares with the whole parts of the bounds.
    fn against(
        &self,
        negative: bool,
        len: u32,
        lo: Ordering,
        hi: Ordering,
    ) -> Option<(Ordering, Ordering)> {
        let side = self.side(negative)?;
        Some((
            side.lo.as_ref().map_or(Ordering::Greater, |b| {
                (len as usize).cmp(&b.whole.len()).then(lo)
            }),
            side.hi.as_ref().map_or(Ordering::Less, |b| {
                (len as usize).cmp(&b.whole.len()).then(hi)
            }),
        ))
    }

    /// Whether some number begins with these digits: tries each number of further digits.
    fn whole_lives(
        &self,
        side: &Side,
        len: u32,
        lo: Ordering,
        hi: Ordering,
        zero: bool,
        rest: &BigUint,
    ) -> bool {
        let lo_len = side.lo.as_ref().map_or(0, |b| b.whole.len() as u32);
        let most = match &side.hi {
            _ if zero => 0,
            Some(b) if b.whole.len() as u32 >= len => b.whole.len() as u32 - len,
            Some(_) => return false,
            // Beyond the lower bound, as many digits as the step has reach every remainder.
            None => return true,
        };
        for more in lo_len.saturating_sub(len).min(most + 1)..=most {
            let total = len + more;
            let lo = side
                .lo
                .as_ref()
                .map_or(Ordering::Greater, |_| total.cmp(&lo_len).then(lo));
            let hi = side.hi.as_ref().map_or(Ordering::Less, |b| {
                (total as usize).cmp(&b.whole.len()).then(hi)
            });
            let lives = match (lo, hi) {
                (Ordering::Less, _) | (_, Ordering::Greater) => false,
                // The bound itself begins like this, and so do members next to it.
                (Ordering::Equal, _) => true,
                (_, Ordering::Equal) => side.hi.as_ref().is_some_and(|b| {
                    b.closed
                        || b.whole[len as usize..].iter().any(|d| *d != 0)
                        || !b.fraction.is_empty()
                }),
                _ => self.reaches(rest, more + self.scale.unwrap_or(0)),
            };
            if lives {
                return true;
            }
        }
        false
    }

    fn fraction_lives(&self, state: &State) -> bool {
        let State::Fraction {
            negative,
            len,
            lo_tight,
            hi_tight,
            ref rest,
            ..
        } = *state
        else {
            return false;
        };
        let Some(side) = self.side(negative) else {
            return false;
        };
        if lo_tight {
            return true;
        }
        if hi_tight {
            return side
                .hi
                .as_ref()
                .is_some_and(|b| b.closed || (len as usize) < b.fraction.len());
        }
        self.reaches(rest, self.scale.map_or(0, |s| s.saturating_sub(len)))
    }

    fn is_member(&self, state: &State) -> bool {
        let (negative, len, lo_tight, hi_tight, rest) = match *state {
            State::Whole {
                negative,
                len,
                lo,
                hi,
                ref rest,
                ..
            } => {
                let Some((lo, hi)) = self.against(negative, len, lo, hi) else {
                    return false;
                };
                if lo.is_lt() || hi.is_gt() {
                    return false;
                }
                (negative, 0, lo.is_eq(), hi.is_eq(), rest)
            }
            State::Fraction {
                negative,
                len,
                bare: false,
                lo_tight,
                hi_tight,
                ref rest,
            } => (negative, len, lo_tight, hi_tight, rest),
            _ => return false,
        };
        let Some(side) = self.side(negative) else {
            return false;
        };
        let complete = |b: &super::Bound| len as usize >= b.fraction.len();
        if lo_tight && !side.lo.as_ref().is_some_and(|b| complete(b) && b.closed) {
            return false;
        }
        if hi_tight && !side.hi.as_ref().is_some_and(|b| !complete(b) || b.closed) {
            return false;
        }
        if !self.stepped() {
            return true;
        }
        let missing = self.scale.unwrap_or(0).saturating_sub(len);
        rest * BigUint::from(10u8).pow(missing) % &self.modulus == BigUint::default()
    }
}

impl Automaton for Plain {
    fn key(&self) -> Vec<u8> {
        self.key.clone()
    }

    fn start(&self) -> Option<u32> {
        self.sides.iter().any(Option::is_some).then_some(0)
    }

    fn next(&self, state: u32, byte: u8) -> Option<u32> {
        if matches!(byte, b'+' | b'e' | b'E') {
            return None;
        }
        self.states.next(state, byte, |s| self.step(s, byte))
    }

    fn goes_on(&self, state: u32) -> ByteSet {
        // Without an upper bound further digits stay members or reach some.
        let is_open = |s: &State| match *s {
            State::Whole { negative, zero, .. } => {
                !zero && self.side(negative).is_some_and(|side| side.hi.is_none())
            }
            State::Start | State::Minus | State::Fraction { .. } => false,
        };
        match self.states.with(state, is_open) {
            Some(true) => ByteSet::from_ranges(&[(b'0', b'9')]),
            _ => ByteSet::default(),
        }
    }

    fn accepts(&self, state: u32) -> bool {
        self.states
            .with(state, |s| self.is_member(s))
            .unwrap_or(false)
    }
}
