//! Exact decimal numbers: reading, ordering and divisibility for numbers of any size.

use super::schema::Decimal;
use num_bigint::BigUint;
use std::cmp::Ordering;
use std::fmt;

/// Why a text is not a usable number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecimalError {
    /// Not a number in JSON's notation.
    Syntax,
    /// The first or the last digit is more than [`Decimal::MAX_EXPONENT`] places from the point.
    Exponent,
}

impl fmt::Display for DecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecimalError::Syntax => f.write_str("not a JSON number"),
            DecimalError::Exponent => {
                write!(f, "the exponent is beyond {} places", Decimal::MAX_EXPONENT)
            }
        }
    }
}

impl std::error::Error for DecimalError {}

impl Decimal {
    /// How far from the decimal point the first and the last digit may be.
    pub const MAX_EXPONENT: i64 = 1_000_000;

    /// Zero.
    pub fn zero() -> Self {
        Decimal::default()
    }

    /// One.
    pub fn one() -> Self {
        Decimal {
            negative: false,
            digits: Box::new([1]),
            exponent: 0,
        }
    }

    /// A number in JSON's notation, whatever its size.
    ///
    /// # Errors
    /// [`DecimalError`]; an exponent is no error when the digits are all zero.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        let (negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match rest.find(['e', 'E']) {
            Some(i) => (&rest[..i], Some(&rest[i + 1..])),
            None => (rest, None),
        };
        let (whole, fraction) = match mantissa.split_once('.') {
            Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
            Some(_) => return Err(DecimalError::Syntax),
            None => (mantissa, ""),
        };
        if whole.is_empty() || whole.len() > 1 && whole.starts_with('0') {
            return Err(DecimalError::Syntax);
        }
        let mut digits = Vec::with_capacity(whole.len() + fraction.len());
        for b in whole.bytes().chain(fraction.bytes()) {
            if !b.is_ascii_digit() {
                return Err(DecimalError::Syntax);
            }
            digits.push(b - b'0');
        }
        let mut power = Some(0i64);
        if let Some(text) = exponent {
            let (minus, text) = match text.as_bytes().first() {
                Some(b'-') => (true, &text[1..]),
                Some(b'+') => (false, &text[1..]),
                _ => (false, text),
            };
            if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
                return Err(DecimalError::Syntax);
            }
            // Fails on overflow only.
            power = text.parse::<i64>().ok().map(|n| if minus { -n } else { n });
        }
        let Some(first) = digits.iter().position(|d| *d != 0) else {
            return Ok(Decimal::zero());
        };
        let last = digits.iter().rposition(|d| *d != 0).unwrap_or(first);
        let exponent = power
            .and_then(|p| p.checked_sub(fraction.len() as i64))
            .and_then(|p| p.checked_add((digits.len() - 1 - last) as i64))
            .filter(|p| {
                let top = p.checked_add((last - first) as i64);
                *p >= -Self::MAX_EXPONENT && top.is_some_and(|t| t <= Self::MAX_EXPONENT)
            })
            .ok_or(DecimalError::Exponent)?;
        digits.truncate(last + 1);
        digits.drain(..first);
        Ok(Decimal {
            negative,
            digits: digits.into(),
            exponent,
        })
    }

    /// Whether the number is zero.
    pub fn is_zero(&self) -> bool {
        self.digits.is_empty()
    }

    /// Whether the number is an integer.
    pub fn is_integer(&self) -> bool {
        self.exponent >= 0
    }

    /// The number as a `u64`, if it is one.
    pub fn to_u64(&self) -> Option<u64> {
        if self.is_zero() {
            return Some(0);
        }
        if self.negative || self.exponent < 0 || self.exponent > 20 {
            return None;
        }
        let mut n = 0u64;
        for d in self
            .digits
            .iter()
            .copied()
            .chain(std::iter::repeat_n(0, self.exponent as usize))
        {
            n = n.checked_mul(10)?.checked_add(u64::from(d))?;
        }
        Some(n)
    }

    /// Whether the number is an integral multiple of `factor` (not zero).
    pub fn is_multiple_of(&self, factor: &Decimal) -> bool {
        if self.is_zero() {
            return true;
        }
        // Normal forms do not end in a zero, so ten cannot divide the digits.
        let shift = self.exponent - factor.exponent;
        if factor.is_zero() || shift < 0 {
            return false;
        }
        let big = |digits: &[u8]| BigUint::from_radix_be(digits, 10).unwrap_or_default();
        let modulus = big(&factor.digits);
        let power = BigUint::from(10u8).modpow(&BigUint::from(shift as u64), &modulus);
        (big(&self.digits) % &modulus * power % &modulus) == BigUint::default()
    }

    /// The number plus one, for integers below 10^18 in size; `None` otherwise.
    pub(crate) fn small_successor(&self) -> Option<i64> {
        self.to_small().map(|n| n + 1)
    }

    /// The number as a small integer (below 10^18 in size).
    pub(crate) fn to_small(&self) -> Option<i64> {
        let positive = Decimal {
            negative: false,
            ..self.clone()
        };
        let n = positive
            .to_u64()
            .filter(|n| *n < 1_000_000_000_000_000_000)? as i64;
        Some(if self.negative { -n } else { n })
    }
}

impl Ord for Decimal {
    /// By value.
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = |d: &Decimal| match (d.is_zero(), d.negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let (a, b) = (sign(self), sign(other));
        if a != b || a == 0 {
            return a.cmp(&b);
        }
        let top = |d: &Decimal| d.exponent.saturating_add(d.digits.len() as i64);
        // Digits after a common first place compare like words: no normal form ends in a zero.
        let size = top(self)
            .cmp(&top(other))
            .then_with(|| self.digits.cmp(&other.digits));
        if a < 0 { size.reverse() } else { size }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    /// A JSON number: plain where that takes at most 40 zeros, else with an exponent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::with_capacity(self.digits.len() + 8);
        if self.negative {
            out.push('-');
        }
        let digit = |d: &u8| (b'0' + *d) as char;
        let len = self.digits.len() as i64;
        if self.digits.is_empty() {
            out.push('0');
        } else if (0..=40).contains(&self.exponent) {
            out.extend(self.digits.iter().map(digit));
            out.extend(std::iter::repeat_n('0', self.exponent as usize));
        } else if self.exponent < 0 && self.exponent + len > 0 {
            let point = (self.exponent + len) as usize;
            out.extend(self.digits[..point].iter().map(digit));
            out.push('.');
            out.extend(self.digits[point..].iter().map(digit));
        } else if self.exponent < 0 && self.exponent + len > -40 {
            out.push_str("0.");
            out.extend(std::iter::repeat_n('0', -(self.exponent + len) as usize));
            out.extend(self.digits.iter().map(digit));
        } else {
            out.extend(self.digits.iter().map(digit));
            out.push_str(&format!("e{}", self.exponent));
        }
        f.write_str(&out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn spellings_of_one_number_are_equal() {
        for (a, b) in [
            ("1", "1.0"),
            ("1", "10e-1"),
            ("0", "-0"),
            ("0", "0e99999999999999999999"),
            ("100", "1e2"),
            ("-0.5", "-50E-2"),
            ("12345678901234567890123", "1.2345678901234567890123e22"),
        ] {
            assert_eq!(d(a), d(b), "{a} and {b}");
            assert_eq!(d(&d(a).to_string()), d(a));
        }
    }

    #[test]
    fn order_is_by_value() {
        let sorted = [
            "-1e400",
            "-10",
            "-9.99",
            "-1",
            "-0.1",
            "-1e-400",
            "0",
            "1e-400",
            "0.09",
            "0.1",
            "1",
            "1.23",
            "1.3",
            "9",
            "10",
            "9007199254740992",
            "9007199254740993",
            "1e400",
        ];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(d(a).cmp(&d(b)), i.cmp(&j), "{a} against {b}");
            }
        }
    }

    #[test]
    fn multiples_are_exact() {
        for (a, b, expected) in [
            ("0", "0.07", true),
            ("0.14", "0.07", true),
            ("0.08", "0.07", false),
            ("4295229443", "65537", true),
            ("4295229443", "65539", true),
            ("1e400", "7", false),
            ("7e400", "7", true),
            ("1e400", "16", true),
            ("0.5", "1", false),
            ("3", "0.5", true),
            ("1e308", "0.123456789", false),
            ("-4.5", "1.5", true),
        ] {
            assert_eq!(d(a).is_multiple_of(&d(b)), expected, "{a} of {b}");
        }
    }

    #[test]
    fn bad_numbers_are_typed_errors() {
        for text in [
            "", "-", "01", "1.", ".5", "1e", "1e+", "+1", "0x1", "1 ", "NaN", "é",
        ] {
            assert_eq!(Decimal::parse(text), Err(DecimalError::Syntax), "{text}");
        }
        for text in [
            "1e1000001",
            "1e-1000001",
            "1e99999999999999999999",
            "-1e-99999999999999999999",
        ] {
            assert_eq!(Decimal::parse(text), Err(DecimalError::Exponent), "{text}");
        }
        assert_eq!(d("1e3").to_u64(), Some(1000));
        assert_eq!(d("18446744073709551615").to_u64(), Some(u64::MAX));
        assert_eq!(d("18446744073709551616").to_u64(), None);
        assert_eq!(d("-1").to_u64(), None);
    }

    #[test]
    fn display_is_plain_where_short() {
        for (a, b) in [
            ("1500", "1500"),
            ("-0.0015", "-0.0015"),
            ("12.5", "12.5"),
            ("1e41", "1e41"),
            ("1.5e-100", "15e-101"),
            ("0", "0"),
        ] {
            assert_eq!(d(a).to_string(), b);
        }
    }
}
