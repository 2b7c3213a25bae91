//! Sets of JSON numbers as automata over their spellings, exact for decimals of any size.
//!
//! A [`NumberSet`] is an interval with an optional step (`multipleOf`). Which spellings of a member
//! are accepted depends on what a finite automaton can decide:
//!
//! | [`Spelling`] | accepted spellings of a member | decidable for |
//! |---|---|---|
//! | `Full` | every JSON spelling | bounds that are zero or absent, no step |
//! | `Scientific` | every spelling without exponent; and `d`, `d.ddd` (first digit not zero, at most 40 digits after the point) with any exponent | every bound of at most 32 digits; no step, or step 1 |
//! | `Plain` | every spelling without exponent | everything |
//!
//! So an integer may be written `1`, `1.0`, `-0`, `1e3`, `1.5e3`; a multiple of 0.07 has no exponent.
//! The integers of draft 4 (`written_whole`) are digits only, and decidable in every spelling: the
//! others are plainly outside.
//! Each spelling that is accepted denotes a member, and of two sets with the same spelling each is
//! exact within it, so they can be intersected and complemented. Formulas over steps alone are one
//! automaton: [`Residues`].

mod plain;
mod residues;
mod scientific;

pub use residues::{Residues, StepFormula};

use crate::lexicon::{Automaton, ExprId, Lexicon};
use maskwright_grammar::json_schema::{Decimal, NumberNode};
use maskwright_tables::LimitError;
use num_bigint::{BigInt, BigUint, Sign};
use rustc_hash::FxHashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most decimal places before or after the point that a bound or step may have.
const MAX_PLACES: i64 = 1100;
/// The most significant digits of a bound whose members may be written with an exponent.
const MAX_SCIENTIFIC_DIGITS: usize = 32;

/// Which spellings of a number are accepted. See the module documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spelling {
    /// No exponent.
    Plain,
    /// No exponent, or normalised scientific notation.
    Scientific,
    /// Every JSON spelling.
    Full,
}

/// The numbers of an interval that are multiples of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NumberSet {
    min: Option<(Decimal, bool)>,
    max: Option<(Decimal, bool)>,
    step: Option<Decimal>,
    /// Only digits (and a sign) denote a member.
    written_whole: bool,
}

impl From<&NumberNode> for NumberSet {
    fn from(node: &NumberNode) -> Self {
        NumberSet {
            min: node.min.clone(),
            max: node.max.clone(),
            step: node.multiple_of.clone(),
            written_whole: node.written_whole,
        }
    }
}

impl NumberSet {
    /// The numbers in both sets.
    ///
    /// # Errors
    /// When the steps have too many places.
    pub fn intersect(&self, other: &NumberSet) -> Result<NumberSet, LimitError> {
        let stricter =
            |a: &Option<(Decimal, bool)>, b: &Option<(Decimal, bool)>, upper: bool| match (a, b) {
                (None, x) | (x, None) => x.clone(),
                (Some(a), Some(b)) => {
                    let order = if upper { b.0.cmp(&a.0) } else { a.0.cmp(&b.0) };
                    Some(if order.then(a.1.cmp(&b.1)).is_ge() {
                        a.clone()
                    } else {
                        b.clone()
                    })
                }
            };
        let step = match (&self.step, &other.step) {
            (None, x) | (x, None) => x.clone(),
            (Some(a), Some(b)) if a == b => Some(a.clone()),
            (Some(a), Some(b)) => Some(least_common_multiple(a, b)?),
        };
        Ok(NumberSet {
            min: stricter(&self.min, &other.min, false),
            max: stricter(&self.max, &other.max, true),
            step,
            written_whole: self.written_whole || other.written_whole,
        })
    }

    /// What is outside the set, if that is an interval again.
    pub fn complement(&self) -> Option<NumberSet> {
        if self.written_whole {
            return None;
        }
        let flip = |(bound, open): &(Decimal, bool)| Some((bound.clone(), !open));
        match (&self.min, &self.max, &self.step) {
            (Some(min), None, None) => Some(NumberSet {
                max: flip(min),
                ..NumberSet::default()
            }),
            (None, Some(max), None) => Some(NumberSet {
                min: flip(max),
                ..NumberSet::default()
            }),
            _ => None,
        }
    }

    /// Whether membership depends on how a number is written.
    pub fn depends_on_spelling(&self) -> bool {
        self.written_whole
    }

    /// Whether a number is in the set, in some spelling.
    pub fn contains(&self, n: &Decimal) -> bool {
        let above = self
            .min
            .as_ref()
            .is_none_or(|(b, open)| if *open { n > b } else { n >= b });
        let below = self
            .max
            .as_ref()
            .is_none_or(|(b, open)| if *open { n < b } else { n <= b });
        above && below && self.step.as_ref().is_none_or(|s| n.is_multiple_of(s))
    }

    /// Whether the set certainly has a member, which can be written in any spelling that it allows. "No" may
    /// only be unknown.
    pub fn has_member(&self) -> bool {
        let (min, max) = (self.min.as_ref(), self.max.as_ref());
        let numbers = [min.map(|m| &m.0), max.map(|m| &m.0), self.step.as_ref()];
        if numbers
            .into_iter()
            .flatten()
            .any(|n| check_places(n).is_err())
        {
            return false;
        }
        let (Some((min, _)), Some((max, _))) = (min, max) else {
            return true;
        };
        let is_dense = self.step.is_none() && !self.written_whole;
        let has = |n: &Decimal| self.contains(n) && (!self.written_whole || n.exponent >= 0);
        is_dense && min < max || [min, max, &Decimal::default()].into_iter().any(has)
    }

    /// The numbers of the set if there are at most `limit`, and its bounds and step show it.
    pub fn members(&self, limit: usize) -> Option<Vec<Decimal>> {
        let ((min, _), (max, _)) = (self.min.as_ref()?, self.max.as_ref()?);
        if min == max {
            return Some(if self.contains(min) {
                vec![min.clone()]
            } else {
                Vec::new()
            });
        }
        let step = self.step.as_ref()?;
        if [min, max, step]
            .into_iter()
            .any(|d| check_places(d).is_err())
        {
            return None;
        }
        let exponent = min.exponent.min(max.exponent).min(step.exponent);
        let signed = |d: &Decimal| {
            let n = BigInt::from(scaled(d, -exponent));
            if d.negative { -n } else { n }
        };
        let (min, max, step) = (signed(min), signed(max), signed(step));
        // The first multiple at or above the lower bound.
        let mut at = &min / &step * &step;
        while at < min {
            at += &step;
        }
        if (&max - &at) / &step >= BigInt::from(limit) {
            return None;
        }
        let mut all = Vec::new();
        while at <= max {
            let n = from_scaled(&at, exponent);
            if self.contains(&n) {
                all.push(n);
            }
            at += &step;
        }
        Some(all)
    }

    /// The set of a single number.
    pub fn point(n: Decimal) -> NumberNode {
        NumberNode {
            min: Some((n.clone(), false)),
            max: Some((n, false)),
            ..NumberNode::default()
        }
    }

    /// The richest spelling in which the set is decidable.
    pub fn spelling(&self) -> Spelling {
        if self.written_whole {
            return Spelling::Full;
        }
        let bounds = || self.min.iter().chain(&self.max).map(|b| &b.0);
        match &self.step {
            None if bounds().all(Decimal::is_zero) => Spelling::Full,
            Some(step) if *step != Decimal::one() => Spelling::Plain,
            _ if bounds().all(|b| b.digits.len() <= MAX_SCIENTIFIC_DIGITS) => Spelling::Scientific,
            _ => Spelling::Plain,
        }
    }

    /// The accepted spellings of the members. `spelling` must not be richer than
    /// [`NumberSet::spelling`].
    ///
    /// # Errors
    /// When a bound or the step has too many places.
    pub fn expr(&self, lexicon: &Lexicon, spelling: Spelling) -> Result<ExprId, LimitError> {
        lexicon.numbers(self, spelling, || self.new_expr(lexicon, spelling))
    }

    fn new_expr(&self, lexicon: &Lexicon, spelling: Spelling) -> Result<ExprId, LimitError> {
        if self.written_whole {
            // Whole members only, so that the automaton knows which digits lead to one.
            let one = Decimal::one();
            let step = match &self.step {
                None => one,
                Some(step) => least_common_multiple(step, &one)?,
            };
            let whole = NumberSet {
                step: Some(step),
                ..self.clone()
            };
            return Ok(lexicon.leaf(Arc::new(whole.plain()?)));
        }
        if spelling == Spelling::Full {
            return Ok(self.signs(lexicon));
        }
        let plain = lexicon.leaf(Arc::new(self.plain()?));
        if spelling == Spelling::Plain {
            return Ok(plain);
        }
        let sides = [self.side(false)?, self.side(true)?];
        let (scale, modulus) = self.grid()?;
        let key = format!("{:?}", (&sides, scale, &modulus));
        let integer = self.step.is_some();
        let scientific = lexicon.leaf(Arc::new(scientific::Scientific::new(&sides, integer, &key)));
        Ok(lexicon.alt(&[plain, scientific]))
    }

    /// The spellings without exponent.
    fn plain(&self) -> Result<plain::Plain, LimitError> {
        let sides = [self.side(false)?, self.side(true)?];
        let (scale, modulus) = self.grid()?;
        let key = format!("{:?}", (&sides, scale, &modulus));
        let whole = self.written_whole;
        Ok(plain::Plain::new(sides, scale, modulus, whole, &key))
    }

    /// Numbers chosen by sign alone, in every spelling.
    fn signs(&self, lexicon: &Lexicon) -> ExprId {
        let zero = self.min.as_ref().is_none_or(|b| !b.1) && self.max.as_ref().is_none_or(|b| !b.1);
        let optional = |e| lexicon.repeat(e, 0, Some(1));
        let digit = lexicon.byte_class(&[(b'0', b'9')]);
        let digits = lexicon.repeat(digit, 0, None);
        let some_digits = lexicon.repeat(digit, 1, None);
        let nonzero = lexicon.byte_class(&[(b'1', b'9')]);
        let zeros = lexicon.repeat(lexicon.bytes(b"0"), 0, None);
        let sign = optional(lexicon.byte_class(&[(b'+', b'+'), (b'-', b'-')]));
        let e = lexicon.byte_class(&[(b'E', b'E'), (b'e', b'e')]);
        let exponent = optional(lexicon.concat(&[e, sign, some_digits]));
        let fraction = optional(lexicon.concat(&[lexicon.bytes(b"."), some_digits]));
        let minus = lexicon.bytes(b"-");
        if self.min.is_none() && self.max.is_none() {
            let large = lexicon.concat(&[nonzero, digits]);
            let whole = lexicon.alt(&[lexicon.bytes(b"0"), large]);
            return lexicon.concat(&[optional(minus), whole, fraction, exponent]);
        }
        let mut parts = Vec::new();
        if zero {
            let some_zeros = lexicon.repeat(lexicon.bytes(b"0"), 1, None);
            let tail = optional(lexicon.concat(&[lexicon.bytes(b"."), some_zeros]));
            parts.push(lexicon.concat(&[optional(minus), lexicon.bytes(b"0"), tail, exponent]));
        }
        let large = lexicon.concat(&[nonzero, digits, fraction, exponent]);
        let small = lexicon.concat(&[lexicon.bytes(b"0."), zeros, nonzero, digits, exponent]);
        let magnitude = lexicon.alt(&[large, small]);
        if self.max.is_none() {
            parts.push(magnitude);
        }
        if self.min.is_none() {
            parts.push(lexicon.concat(&[minus, magnitude]));
        }
        lexicon.alt(&parts)
    }

    /// The step as `(s, m)`: a member times 10^s is an integral multiple of m. `None`, 1 without one.
    fn grid(&self) -> Result<(Option<u32>, BigUint), LimitError> {
        let Some(step) = &self.step else {
            return Ok((None, BigUint::from(1u8)));
        };
        check_places(step)?;
        let scale = (-step.exponent).max(0);
        let modulus = scaled(step, scale);
        Ok((Some(scale as u32), modulus))
    }

    /// The magnitudes of the members of one sign (zero belongs to both), if there are any.
    fn side(&self, negative: bool) -> Result<Option<Side>, LimitError> {
        let (near, far) = if negative {
            (&self.max, &self.min)
        } else {
            (&self.min, &self.max)
        };
        for (bound, _) in near.iter().chain(far) {
            check_places(bound)?;
        }
        // A bound on this side of zero keeps its size; one on the other side of zero, or zero.
        let on_side = |d: &Decimal| !d.is_zero() && d.negative == negative;
        let mut lo = match near {
            None => None,
            Some((d, open)) if on_side(d) => Some(Bound::new(d, !open)),
            Some((d, true)) if d.is_zero() => Some(Bound::new(d, false)),
            Some(_) => None,
        };
        let mut hi = match far {
            None => None,
            Some((d, open)) if on_side(d) => Some(Bound::new(d, !open)),
            Some((d, false)) if d.is_zero() => Some(Bound::new(d, true)),
            Some(_) => return Ok(None),
        };
        if let (Some(scale), modulus) = self.grid()? {
            lo = lo.map(|b| b.round(scale, &modulus, true)).unwrap_or(None);
            if let Some(bound) = hi {
                match bound.round(scale, &modulus, false) {
                    None => return Ok(None),
                    rounded => hi = rounded,
                }
            }
        }
        if let (Some(lo), Some(hi)) = (&lo, &hi) {
            let order = lo.cmp(hi);
            if order.is_gt() || order.is_eq() && !(lo.closed && hi.closed) {
                return Ok(None);
            }
        }
        Ok(Some(Side { lo, hi }))
    }
}

/// The shortest way to write each number without an exponent: no fraction that ends in zero, no
/// minus before zero.
pub fn shortest_plain(lexicon: &Lexicon) -> ExprId {
    let digit = lexicon.byte_class(&[(b'0', b'9')]);
    let nonzero = lexicon.byte_class(&[(b'1', b'9')]);
    let digits = lexicon.repeat(digit, 0, None);
    let fraction = lexicon.concat(&[lexicon.bytes(b"."), digits, nonzero]);
    let large = lexicon.concat(&[nonzero, digits, lexicon.repeat(fraction, 0, Some(1))]);
    let small = lexicon.concat(&[lexicon.bytes(b"0"), fraction]);
    let magnitude = lexicon.alt(&[large, small]);
    let sign = lexicon.repeat(lexicon.bytes(b"-"), 0, Some(1));
    lexicon.alt(&[lexicon.bytes(b"0"), lexicon.concat(&[sign, magnitude])])
}

/// The magnitudes of one sign.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Side {
    lo: Option<Bound>,
    hi: Option<Bound>,
}

/// A magnitude: digits before the point (at least one, no leading zero but for zero itself) and
/// after it (no trailing zero).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Bound {
    whole: Vec<u8>,
    fraction: Vec<u8>,
    closed: bool,
}

impl Bound {
    fn new(d: &Decimal, closed: bool) -> Self {
        let point = d.digits.len() as i64 + d.exponent;
        let mut whole: Vec<u8> = d
            .digits
            .iter()
            .copied()
            .take(point.max(0) as usize)
            .collect();
        let mut fraction = vec![0; (-point).max(0) as usize];
        fraction.extend(d.digits.iter().skip(point.max(0) as usize));
        whole.resize(point.max(0) as usize, 0);
        if whole.is_empty() {
            whole.push(0);
        }
        if d.is_zero() {
            fraction.clear();
        }
        Bound {
            whole,
            fraction,
            closed,
        }
    }

    fn cmp(&self, other: &Bound) -> std::cmp::Ordering {
        let by_whole = self
            .whole
            .len()
            .cmp(&other.whole.len())
            .then_with(|| self.whole.cmp(&other.whole));
        by_whole.then_with(|| self.fraction.cmp(&other.fraction))
    }

    /// The nearest multiple of `modulus / 10^scale` inside, as a closed bound; `None` if an upper
    /// bound leaves nothing.
    fn round(&self, scale: u32, modulus: &BigUint, lower: bool) -> Option<Bound> {
        let kept = self.fraction.len().min(scale as usize);
        let mut digits = [&self.whole[..], &self.fraction[..kept]].concat();
        digits.resize(self.whole.len() + scale as usize, 0);
        let value = BigUint::from_radix_be(&digits, 10).unwrap_or_default();
        let exact = kept == self.fraction.len();
        let zero = BigUint::default();
        let one = BigUint::from(1u8);
        let value = if lower {
            let value = if exact && self.closed {
                value
            } else {
                value + &one
            };
            (value + modulus - &one) / modulus * modulus
        } else {
            if exact && !self.closed && value == zero {
                return None;
            }
            let value = if exact && !self.closed {
                value - &one
            } else {
                value
            };
            &value / modulus * modulus
        };
        let mut digits = value.to_radix_be(10);
        while digits.len() <= scale as usize {
            digits.insert(0, 0);
        }
        let mut fraction = digits.split_off(digits.len() - scale as usize);
        while fraction.last() == Some(&0) {
            fraction.pop();
        }
        Some(Bound {
            whole: digits,
            fraction,
            closed: true,
        })
    }
}

fn check_places(d: &Decimal) -> Result<(), LimitError> {
    let places = d
        .exponent
        .abs()
        .max(d.exponent.saturating_add(d.digits.len() as i64).abs());
    if places > MAX_PLACES {
        return Err(LimitError::new(
            "places of a number bound",
            places as u64,
            MAX_PLACES as u64,
        ));
    }
    Ok(())
}

/// `d * 10^scale`, which must be an integer.
fn scaled(d: &Decimal, scale: i64) -> BigUint {
    let digits = BigUint::from_radix_be(&d.digits, 10).unwrap_or_default();
    digits * BigUint::from(10u8).pow((d.exponent + scale).max(0) as u32)
}

/// `n * 10^exponent` in normal form.
fn from_scaled(n: &BigInt, exponent: i64) -> Decimal {
    let (sign, mut digits) = n.to_radix_be(10);
    if sign == Sign::NoSign {
        return Decimal::zero();
    }
    let mut exponent = exponent;
    while digits.last() == Some(&0) {
        digits.pop();
        exponent += 1;
    }
    Decimal {
        negative: sign == Sign::Minus,
        digits: digits.into(),
        exponent,
    }
}

fn least_common_multiple(a: &Decimal, b: &Decimal) -> Result<Decimal, LimitError> {
    check_places(a)?;
    check_places(b)?;
    let exponent = a.exponent.min(b.exponent);
    let (a, b) = (scaled(a, -exponent), scaled(b, -exponent));
    let (mut x, mut y) = (a.clone(), b.clone());
    while y != BigUint::default() {
        (x, y) = (y.clone(), x % y);
    }
    let mut digits = (a / x * b).to_radix_be(10);
    let mut exponent = exponent;
    while digits.last() == Some(&0) {
        digits.pop();
        exponent += 1;
    }
    let lcm = Decimal {
        negative: false,
        digits: digits.into(),
        exponent,
    };
    check_places(&lcm)?;
    Ok(lcm)
}

/// States of a hand-written automaton that come into being when they are asked for.
#[derive(Debug)]
struct States<S>(Mutex<StatesInner<S>>);

#[derive(Debug)]
struct StatesInner<S> {
    list: Vec<S>,
    ids: FxHashMap<S, u32>,
    /// Sixteen targets a state (see [`column`]): 0 is not known, 1 is dead, else the id plus two.
    targets: Vec<[u32; 16]>,
}

/// The bytes of numbers as small indices; `None` for all others.
fn column(byte: u8) -> Option<usize> {
    Some(match byte {
        b'0'..=b'9' => usize::from(byte - b'0'),
        b'-' => 10,
        b'+' => 11,
        b'.' => 12,
        b'e' | b'E' => 13,
        _ => return None,
    })
}

impl<S: Clone + Eq + Hash + Debug> States<S> {
    fn new(start: S) -> Self {
        let mut inner = StatesInner {
            list: Vec::new(),
            ids: FxHashMap::default(),
            targets: Vec::new(),
        };
        inner.intern(start);
        States(Mutex::new(inner))
    }

    fn lock(&self) -> MutexGuard<'_, StatesInner<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, state: u32, byte: u8, step: impl FnOnce(&S) -> Option<S>) -> Option<u32> {
        let column = column(byte)?;
        let mut inner = self.lock();
        let known = inner.targets.get(state as usize)?[column];
        if known == 0 {
            let target = step(&inner.list[state as usize]).map_or(1, |s| inner.intern(s) + 2);
            inner.targets[state as usize][column] = target;
            return target.checked_sub(2);
        }
        known.checked_sub(2)
    }

    fn with<T>(&self, state: u32, f: impl FnOnce(&S) -> T) -> Option<T> {
        self.lock().list.get(state as usize).map(f)
    }
}

impl<S: Clone + Eq + Hash> StatesInner<S> {
    fn intern(&mut self, s: S) -> u32 {
        if let Some(&id) = self.ids.get(&s) {
            return id;
        }
        let id = self.list.len() as u32;
        self.list.push(s.clone());
        self.targets.push([0; 16]);
        self.ids.insert(s, id);
        id
    }
}

#[cfg(test)]
mod tests;
