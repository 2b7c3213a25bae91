//! Numbers without exponent that are told apart by steps alone: `multipleOf` under any combinators.
//!
//! All steps are written over one power of ten, 10^-s. A number that is a whole multiple of it has a
//! remainder modulo the least common multiple *m* of the steps, and the remainder alone decides each
//! step, so any formula over steps is a set of remainders, kept as *m* bits. A number that is no
//! such multiple is a multiple of none of the steps: one more bit says whether the formula holds then.
//! Intersecting an automaton for each step instead visits as many states, but has to search them for
//! those that are dead; here a count of the set's members below each remainder tells at once.
//!
//! A lexical state is its phase and the remainder of the digits read, nothing else: before the point
//! every remainder can still come (further digits reach all of them), after it *j* places leave the
//! 10^(s - j) remainders that begin with what was read.

use super::{Automaton, NumberSet, check_places, scaled};
use crate::lexicon::ByteSet;
use maskwright_grammar::json_schema::Decimal;
use num_bigint::BigUint;

/// The most remainders: 128 KiB of bits.
const MAX_MODULUS: u64 = 1 << 20;

/// A formula over steps, children first; the last node is the formula.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum StepFormula {
    /// The multiples of a step.
    Step(Decimal),
    /// What the node does not hold for.
    Not(usize),
    /// All of the nodes hold.
    And(Vec<usize>),
    /// Some of the nodes holds.
    Or(Vec<usize>),
    /// Exactly one of the nodes holds.
    One(Vec<usize>),
}

/// See the module documentation.
#[derive(Debug)]
pub struct Residues {
    /// Places after the point that the steps have.
    scale: u32,
    modulus: u32,
    /// Bit r: whether numbers of remainder r are members.
    members: Vec<u64>,
    /// For each word of `members`, how many bits the words before it have.
    before: Vec<u32>,
    /// Whether the numbers that are a multiple of no step are members.
    beyond: bool,
}

const START: u32 = 0;
const MINUS: u32 = 1;
/// A zero before the point.
const ZERO: u32 = 2;
/// Digits after the point that are too fine for every step.
const BEYOND: u32 = 3;
const PHASES: u32 = 4;

/// What the id of a lexical state says.
#[derive(Clone, Copy)]
enum State {
    Start,
    Minus,
    Zero,
    Beyond,
    Whole(u32),
    /// Places read, whether the point is the last byte, remainder at that many places.
    Fraction(u32, bool, u32),
}

impl NumberSet {
    /// The step of a set that is nothing but the multiples of it.
    pub fn as_step(&self) -> Option<&Decimal> {
        match self {
            NumberSet {
                min: None,
                max: None,
                step,
                written_whole: false,
            } => step.as_ref(),
            _ => None,
        }
    }
}

impl Residues {
    /// The numbers that satisfy a formula; `None` if there would be too many remainders.
    pub fn new(formula: &[StepFormula]) -> Option<Self> {
        let steps = formula.iter().filter_map(|f| match f {
            StepFormula::Step(step) => Some(step),
            _ => None,
        });
        let mut scale = 0;
        for step in steps.clone() {
            check_places(step).ok()?;
            scale = scale.max(-step.exponent);
        }
        let mut modulus = 1;
        for step in steps {
            let step = small(&scaled(step, scale))?;
            modulus = modulus / gcd(modulus, step) * step;
            if modulus > MAX_MODULUS {
                return None;
            }
        }
        let scale = u32::try_from(scale).ok()?;
        // Every state has a number.
        if u64::from(scale + 2) * 2 * modulus + u64::from(PHASES) > u64::from(u32::MAX) {
            return None;
        }
        let (members, beyond) = evaluate(formula, scale, modulus)?;
        let modulus = shortest_period(&members, modulus as u32);
        let words = modulus.div_ceil(64) as usize;
        let mut members = members[..words].to_vec();
        trim(&mut members, modulus);
        let mut count = 0;
        let before = members
            .iter()
            .map(|word| {
                let here = count;
                count += word.count_ones();
                here
            })
            .collect();
        Some(Residues {
            scale,
            modulus,
            members,
            before,
            beyond,
        })
    }

    fn is_member(&self, rest: u32) -> bool {
        self.members[rest as usize / 64] >> (rest % 64) & 1 == 1
    }

    /// How many remainders below `end`, at most the modulus, are members.
    fn count_below(&self, end: u32) -> u32 {
        let (word, bit) = (end as usize / 64, end % 64);
        match self.members.get(word) {
            Some(bits) => self.before[word] + (bits & ((1 << bit) - 1)).count_ones(),
            None => self.total(),
        }
    }

    fn total(&self) -> u32 {
        let last = self.members.len() - 1;
        self.before[last] + self.members[last].count_ones()
    }

    /// 10^places, or the modulus if that is less.
    fn power(&self, places: u32) -> u32 {
        let power = 10u64.checked_pow(places).unwrap_or(u64::MAX);
        power.min(u64::from(self.modulus)) as u32
    }

    /// The remainder after so many more zeros.
    fn shifted(&self, rest: u32, places: u32) -> u32 {
        let m = u64::from(self.modulus);
        (0..places).fold(u64::from(rest), |r, _| r * 10 % m) as u32
    }

    /// Whether some member has the digits read, of this remainder, and `places` more to come.
    fn reaches(&self, rest: u32, places: u32) -> bool {
        let first = self.shifted(rest, places);
        let length = self.power(places);
        match first.checked_add(length) {
            Some(end) if end <= self.modulus => self.count_below(end) > self.count_below(first),
            _ => {
                let wrapped = first - (self.modulus - length);
                self.total() - self.count_below(first) + self.count_below(wrapped) > 0
            }
        }
    }

    fn append(&self, rest: u32, digit: u8) -> u32 {
        ((u64::from(rest) * 10 + u64::from(digit)) % u64::from(self.modulus)) as u32
    }

    fn encode(&self, state: State) -> u32 {
        match state {
            State::Start => START,
            State::Minus => MINUS,
            State::Zero => ZERO,
            State::Beyond => BEYOND,
            State::Whole(rest) => PHASES + rest,
            State::Fraction(len, bare, rest) => {
                PHASES + (1 + 2 * len + u32::from(bare)) * self.modulus + rest
            }
        }
    }

    fn decode(&self, id: u32) -> State {
        match id {
            START => State::Start,
            MINUS => State::Minus,
            ZERO => State::Zero,
            BEYOND => State::Beyond,
            _ => {
                let (kind, rest) = ((id - PHASES) / self.modulus, (id - PHASES) % self.modulus);
                match kind.checked_sub(1) {
                    None => State::Whole(rest),
                    Some(k) => State::Fraction(k / 2, k % 2 == 1, rest),
                }
            }
        }
    }

    fn step(&self, state: State, byte: u8) -> Option<State> {
        let digit = byte.is_ascii_digit().then(|| byte - b'0');
        let next = match (state, digit) {
            (State::Start, None) if byte == b'-' => State::Minus,
            (State::Start | State::Minus, Some(0)) => State::Zero,
            (State::Start | State::Minus, Some(digit)) => State::Whole(self.append(0, digit)),
            (State::Whole(rest), Some(digit)) => State::Whole(self.append(rest, digit)),
            (State::Zero, None) if byte == b'.' => State::Fraction(0, true, 0),
            (State::Whole(rest), None) if byte == b'.' => State::Fraction(0, true, rest),
            (State::Fraction(len, _, rest), Some(0)) if len == self.scale => {
                State::Fraction(len, false, rest)
            }
            (State::Fraction(len, ..), Some(_)) if len == self.scale => State::Beyond,
            (State::Fraction(len, _, rest), Some(digit)) => {
                State::Fraction(len + 1, false, self.append(rest, digit))
            }
            (State::Beyond, Some(_)) => State::Beyond,
            _ => return None,
        };
        self.lives(next).then_some(next)
    }

    fn lives(&self, state: State) -> bool {
        if self.beyond {
            return true;
        }
        match state {
            State::Start | State::Minus | State::Whole(_) => self.total() > 0,
            State::Zero => self.reaches(0, self.scale),
            State::Fraction(len, _, rest) => self.reaches(rest, self.scale - len),
            State::Beyond => false,
        }
    }
}

impl Automaton for Residues {
    fn key(&self) -> Vec<u8> {
        let mut key = b"number by remainders".to_vec();
        key.extend_from_slice(&self.scale.to_le_bytes());
        key.extend_from_slice(&self.modulus.to_le_bytes());
        key.push(u8::from(self.beyond));
        key.extend(self.members.iter().flat_map(|word| word.to_le_bytes()));
        key
    }

    fn start(&self) -> Option<u32> {
        self.lives(State::Start).then_some(START)
    }

    fn next(&self, state: u32, byte: u8) -> Option<u32> {
        let next = self.step(self.decode(state), byte)?;
        Some(self.encode(next))
    }

    fn goes_on(&self, state: u32) -> ByteSet {
        match self.decode(state) {
            State::Whole(_) | State::Beyond => ByteSet::from_ranges(&[(b'0', b'9')]),
            State::Start | State::Minus | State::Zero | State::Fraction(..) => ByteSet::default(),
        }
    }

    fn accepts(&self, state: u32) -> bool {
        match self.decode(state) {
            State::Start | State::Minus | State::Fraction(_, true, _) => false,
            State::Zero => self.is_member(0),
            State::Whole(rest) => self.is_member(self.shifted(rest, self.scale)),
            State::Fraction(len, false, rest) => {
                self.is_member(self.shifted(rest, self.scale - len))
            }
            State::Beyond => self.beyond,
        }
    }
}

/// For each remainder whether the formula holds, and whether it does when no step divides.
fn evaluate(formula: &[StepFormula], scale: u32, modulus: u64) -> Option<(Vec<u64>, bool)> {
    let words = modulus.div_ceil(64) as usize;
    let mut done: Vec<(Vec<u64>, bool)> = Vec::with_capacity(formula.len());
    for node in formula {
        let combine = |parts: &[usize], unit: u64, f: fn(u64, u64) -> u64| {
            let mut all = vec![unit; words];
            let mut beyond = unit;
            for &p in parts {
                let (bits, b) = &done[p];
                all.iter_mut().zip(bits).for_each(|(a, b)| *a = f(*a, *b));
                beyond = f(beyond, u64::from(*b).wrapping_neg());
            }
            (all, beyond != 0)
        };
        let value = match node {
            StepFormula::Step(step) => {
                let step = small(&scaled(step, i64::from(scale)))? as usize;
                let mut bits = vec![0u64; words];
                (0..modulus as usize)
                    .step_by(step)
                    .for_each(|r| bits[r / 64] |= 1 << (r % 64));
                (bits, false)
            }
            StepFormula::Not(x) => {
                let (bits, beyond) = &done[*x];
                (bits.iter().map(|word| !word).collect(), !beyond)
            }
            StepFormula::And(parts) => combine(parts, u64::MAX, |a, b| a & b),
            StepFormula::Or(parts) => combine(parts, 0, |a, b| a | b),
            StepFormula::One(parts) => {
                let (mut once, mut twice) = (vec![0u64; words], vec![0u64; words]);
                for &p in parts {
                    let bits = once.iter_mut().zip(&mut twice).zip(&done[p].0);
                    for ((once, twice), bits) in bits {
                        *twice |= *once & bits;
                        *once |= bits;
                    }
                }
                let holding = parts.iter().filter(|p| done[**p].1).count();
                once.iter_mut().zip(twice).for_each(|(a, b)| *a &= !b);
                (once, holding == 1)
            }
        };
        done.push(value);
    }
    let (mut bits, beyond) = done.pop()?;
    trim(&mut bits, modulus as u32);
    Some((bits, beyond))
}

/// The smallest divisor of the modulus after which the bits repeat.
fn shortest_period(bits: &[u64], modulus: u32) -> u32 {
    let bit = |r: u32| bits[r as usize / 64] >> (r % 64) & 1;
    let mut period = modulus;
    let mut rest = modulus;
    let mut prime = 2;
    while rest > 1 {
        if prime * prime > rest {
            prime = rest;
        }
        if !rest.is_multiple_of(prime) {
            prime += 1;
            continue;
        }
        rest /= prime;
        let shorter = period / prime;
        if (0..period - shorter).all(|r| bit(r) == bit(r + shorter)) {
            period = shorter;
        }
    }
    period
}

/// Clears the bits from `len` on.
fn trim(bits: &mut [u64], len: u32) {
    if !len.is_multiple_of(64)
        && let Some(last) = bits.last_mut()
    {
        *last &= (1 << (len % 64)) - 1;
    }
}

fn small(n: &BigUint) -> Option<u64> {
    u64::try_from(n)
        .ok()
        .filter(|n| (1..=MAX_MODULUS).contains(n))
}

fn gcd(a: u64, b: u64) -> u64 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
