//! Numbers with an exponent, in normalised scientific notation.
//!
//! `d.ddd e N` with `d` from 1 to 9: such numbers compare first by exponent and then by digits. So
//! the mantissa is compared with the digits of each bound as it is read; at the `e` what remains is
//! an interval of exponents, whose decimal text is compared in turn. An integer is a number whose
//! exponent is at least the number of its significant digits after the point.

use super::{Automaton, Bound, Side, States};
use std::cmp::Ordering;

/// The most digits after the point.
const MAX_FRACTION: u32 = 40;

/// `0.d1d2… * 10^(exponent+1)`: digits without zeros at either end.
#[derive(Clone, Debug)]
struct Limit {
    digits: Vec<u8>,
    exponent: i64,
    closed: bool,
}

impl Limit {
    /// `None` for zero.
    fn new(b: &Bound) -> Option<Limit> {
        let mut digits = [&b.whole[..], &b.fraction[..]].concat();
        let first = digits.iter().position(|d| *d != 0)?;
        while digits.last() == Some(&0) {
            digits.pop();
        }
        digits.drain(..first);
        Some(Limit {
            digits,
            exponent: b.whole.len() as i64 - 1 - first as i64,
            closed: b.closed,
        })
    }
}

#[derive(Clone, Debug)]
struct Range {
    lo: Option<Limit>,
    hi: Option<Limit>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum State {
    Start,
    Minus,
    Mantissa {
        negative: bool,
        /// Digits after the point.
        len: u32,
        /// The point is the last byte.
        bare: bool,
        /// The digits against those of the bounds.
        lo: Ordering,
        hi: Ordering,
        /// For integers: digits after the point up to the last that is not zero.
        significant: u32,
    },
    /// After the `e`; the exponents allowed.
    Mark {
        min: Option<i64>,
        max: Option<i64>,
    },
    /// Magnitudes of the exponent allowed (after its sign), the value so far once there is one.
    Exponent {
        min: i64,
        max: Option<i64>,
        value: Option<i64>,
    },
}

/// See the module documentation.
#[derive(Debug)]
pub(super) struct Scientific {
    sides: [Option<Range>; 2],
    integer: bool,
    key: Vec<u8>,
    states: States<State>,
}

impl Scientific {
    pub fn new(sides: &[Option<Side>; 2], integer: bool, key: &str) -> Self {
        let range = |side: &Option<Side>| {
            let side = side.as_ref()?;
            let hi = match &side.hi {
                None => None,
                // Only zero: there is no normalised spelling.
                Some(b) => Some(Limit::new(b)?),
            };
            Some(Range {
                lo: side.lo.as_ref().and_then(Limit::new),
                hi,
            })
        };
        let sides = [range(&sides[0]), range(&sides[1])];
        let key = format!("scientific number {integer} {key}").into_bytes();
        Scientific {
            sides,
            integer,
            key,
            states: States::new(State::Start),
        }
    }

    fn side(&self, negative: bool) -> Option<&Range> {
        self.sides[usize::from(negative)].as_ref()
    }

    fn step(&self, state: &State, byte: u8) -> Option<State> {
        let digit = byte.is_ascii_digit().then(|| byte - b'0');
        match *state {
            State::Start if byte == b'-' => self.side(true).map(|_| State::Minus),
            State::Start | State::Minus => {
                let negative = *state == State::Minus;
                let side = self.side(negative)?;
                let digit = digit.filter(|d| *d != 0)?;
                let compare =
                    |l: &Option<Limit>, none| l.as_ref().map_or(none, |l| digit.cmp(&l.digits[0]));
                self.alive(State::Mantissa {
                    negative,
                    len: 0,
                    bare: false,
                    lo: compare(&side.lo, Ordering::Greater),
                    hi: compare(&side.hi, Ordering::Less),
                    significant: 0,
                })
            }
            State::Mantissa {
                negative,
                len,
                bare,
                lo,
                hi,
                significant,
            } => match (digit, byte) {
                (Some(digit), _) => {
                    if len == 0 && !bare || len == MAX_FRACTION {
                        return None;
                    }
                    let side = self.side(negative)?;
                    let len = len + 1;
                    let compare = |l: &Option<Limit>, order: Ordering| match l {
                        None => order,
                        Some(l) => order.then(digit.cmp(l.digits.get(len as usize).unwrap_or(&0))),
                    };
                    let significant = if self.integer && digit != 0 {
                        len
                    } else {
                        significant
                    };
                    self.alive(State::Mantissa {
                        negative,
                        len,
                        bare: false,
                        lo: compare(&side.lo, lo),
                        hi: compare(&side.hi, hi),
                        significant,
                    })
                }
                (None, b'.') if len == 0 && !bare => self.alive(State::Mantissa {
                    negative,
                    len,
                    bare: true,
                    lo,
                    hi,
                    significant,
                }),
                (None, b'e' | b'E') if !bare => {
                    let (min, max) = self.exponents(negative, len, lo, hi, significant)?;
                    Some(State::Mark { min, max })
                }
                _ => None,
            },
            State::Mark { min, max } => {
                let positive = || {
                    (max.is_none_or(|m| m >= 0)).then(|| State::Exponent {
                        min: min.unwrap_or(0).max(0),
                        max,
                        value: None,
                    })
                };
                match byte {
                    b'+' => positive(),
                    b'-' => min.is_none_or(|m| m <= 0).then(|| State::Exponent {
                        min: max.map_or(0, |m| (-m).max(0)),
                        max: min.map(|m| -m),
                        value: None,
                    }),
                    _ => positive().and_then(|s| self.step(&s, byte)),
                }
            }
            State::Exponent { min, max, value } => {
                let digit = i64::from(digit?);
                // Beyond every bound all exponents are alike.
                let clamp = min.max(max.unwrap_or(0)) + 1;
                let value = (value.unwrap_or(0) * 10 + digit).min(clamp);
                let (mut low, mut high) = (value, value);
                while max.is_none_or(|m| low <= m) {
                    if high >= min {
                        return Some(State::Exponent {
                            min,
                            max,
                            value: Some(value),
                        });
                    }
                    (low, high) = (low * 10, high * 10 + 9);
                }
                None
            }
        }
    }

    /// The exponents that make a member of the mantissa read, if there are any.
    fn exponents(
        &self,
        negative: bool,
        len: u32,
        lo: Ordering,
        hi: Ordering,
        significant: u32,
    ) -> Option<(Option<i64>, Option<i64>)> {
        let side = self.side(negative)?;
        let read = len as usize + 1;
        let min = side.lo.as_ref().map(|l| {
            let enough = lo.is_gt() || lo.is_eq() && read >= l.digits.len() && l.closed;
            l.exponent + i64::from(!enough)
        });
        let max = side.hi.as_ref().map(|l| {
            let small = lo_than(hi, read, l);
            l.exponent - i64::from(!small)
        });
        self.interval(min, max, significant)
    }

    fn interval(
        &self,
        min: Option<i64>,
        max: Option<i64>,
        significant: u32,
    ) -> Option<(Option<i64>, Option<i64>)> {
        let min = if self.integer {
            Some(min.unwrap_or(0).max(i64::from(significant)))
        } else {
            min
        };
        match (min, max) {
            (Some(a), Some(b)) if a > b => None,
            _ => Some((min, max)),
        }
    }

    /// The state, if some further digits lead to a member.
    fn alive(&self, state: State) -> Option<State> {
        let State::Mantissa {
            negative,
            len,
            bare,
            lo,
            hi,
            significant,
        } = state
        else {
            return Some(state);
        };
        if len == MAX_FRACTION && !bare {
            return self
                .exponents(negative, len, lo, hi, significant)
                .map(|_| state);
        }
        // The best that further digits can do: rise above the lower bound unless below it already;
        // stay below the upper bound unless above it, or equal to all of it and it is open.
        let side = self.side(negative)?;
        let min = side.lo.as_ref().map(|l| l.exponent + i64::from(lo.is_lt()));
        let max = side
            .hi
            .as_ref()
            .map(|l| l.exponent - i64::from(!lo_than(hi, len as usize + 1, l)));
        self.interval(min, max, significant).map(|_| state)
    }
}

/// Whether a mantissa that compares so after `read` digits is within an upper bound's digits.
fn lo_than(order: Ordering, read: usize, limit: &Limit) -> bool {
    order.is_lt() || order.is_eq() && (read < limit.digits.len() || limit.closed)
}

impl Automaton for Scientific {
    fn key(&self) -> Vec<u8> {
        self.key.clone()
    }

    fn start(&self) -> Option<u32> {
        self.sides.iter().any(Option::is_some).then_some(0)
    }

    fn next(&self, state: u32, byte: u8) -> Option<u32> {
        self.states.next(state, byte, |s| self.step(s, byte))
    }

    fn accepts(&self, state: u32) -> bool {
        let ends = |s: &State| match *s {
            State::Exponent {
                min,
                max,
                value: Some(v),
            } => v >= min && max.is_none_or(|m| v <= m),
            _ => false,
        };
        self.states.with(state, ends).unwrap_or(false)
    }
}
