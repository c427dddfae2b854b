//! Numbers: integers of any size, floats and what is not a number, complex numbers, decimals.

use monty_types::{MontyComplex, unstable::MontyNode};
use num_bigint::{BigInt, Sign};
use rustler::{Encoder, Env, Term};

use super::{Budget, Refusal, singleton, text};
use crate::atoms;

// The external term format: the one door through which a NIF sees an integer that is wider than a machine word.
const VERSION: u8 = 131;
const SMALL_BIG_EXT: u8 = 110;
const LARGE_BIG_EXT: u8 = 111;

/// Digits of a decimal's coefficient that the interpreter accepts.
const DECIMAL_DIGITS: usize = 4300;
/// The largest exponent of a decimal's first digit.
const DECIMAL_MAX_EXPONENT: i128 = 999_999_999_999_999_999;
/// The smallest exponent of a decimal's last digit.
const DECIMAL_MIN_EXPONENT: i128 = -1_999_999_999_999_999_997;

/// The Python integer of an integer term.
pub(super) fn integer(term: Term<'_>, budget: &mut Budget) -> Result<MontyNode, Refusal> {
    if let Ok(small) = term.decode() {
        return Ok(MontyNode::Int(small));
    }
    let external = term.to_binary();
    budget.charge(external.len())?;
    let (sign, digits) = match external.as_slice() {
        [VERSION, SMALL_BIG_EXT, length, sign, digits @ ..] if digits.len() == usize::from(*length) => {
            (sign, digits)
        }
        [VERSION, LARGE_BIG_EXT, _, _, _, _, sign, digits @ ..] => (sign, digits),
        _ => {
            return Err(Refusal::invalid(
                "an integer of an unknown form cannot become a Python value",
            ));
        }
    };
    let sign = if *sign == 0 { Sign::Plus } else { Sign::Minus };
    Ok(MontyNode::BigInt(BigInt::from_bytes_le(sign, digits)))
}

/// The Python float of a float term, or of an atom that stands for what no Elixir float can be.
pub(super) fn float(term: Term<'_>) -> Option<f64> {
    match singleton::node(term) {
        Some(MontyNode::Float(value)) => Some(value),
        Some(_) => None,
        None => term.decode().ok(),
    }
}

/// `{:complex, re, im}`.
pub(super) fn complex(real: Term<'_>, imag: Term<'_>) -> Option<MontyNode> {
    Some(MontyNode::Complex(MontyComplex {
        real: float(real)?,
        imag: float(imag)?,
    }))
}

/// `{:decimal, text}`, where the text is one that Python's `Decimal(text)` accepts.
pub(super) fn decimal(term: Term<'_>) -> Option<MontyNode> {
    let text = text::utf8(term).filter(|text| is_decimal(text))?;
    Some(MontyNode::Decimal(text.to_owned()))
}

/// Whether the interpreter reads `text` as a decimal. What it cannot read it refuses only when the value is built, and
/// by then the paused run is used up; so the question is answered here.
pub(super) fn is_decimal(text: &str) -> bool {
    let text = text.trim().replace('_', "").to_ascii_lowercase();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(&text);
    if let Some(payload) = unsigned
        .strip_prefix("snan")
        .or_else(|| unsigned.strip_prefix("nan"))
    {
        return all_digits(payload) && payload.trim_start_matches('0').len() <= DECIMAL_DIGITS;
    }
    unsigned == "inf"
        || unsigned == "infinity"
        || Finite::parse(unsigned).is_some_and(|finite| finite.in_range())
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A finite decimal without its sign: the digits of its coefficient, and the exponent of the last of them.
pub(super) struct Finite {
    /// Without leading zeros; empty for zero.
    pub(super) digits: String,
    pub(super) exponent: i128,
}

impl Finite {
    /// Reads `digits[.digits][e[sign]digits]`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once('e').map_or((text, None), |(m, e)| (m, Some(e)));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let exponent = match exponent {
            None => 0,
            Some(text) => {
                let magnitude = text.strip_prefix(['+', '-']).unwrap_or(text);
                if magnitude.is_empty() || !all_digits(magnitude) {
                    return None;
                }
                // More digits than fit are out of range in either direction.
                let magnitude = magnitude.trim_start_matches('0');
                let magnitude: i128 = if magnitude.is_empty() {
                    0
                } else {
                    magnitude.parse().unwrap_or(i128::MAX / 4)
                };
                if text.starts_with('-') {
                    -magnitude
                } else {
                    magnitude
                }
            }
        };
        let digits = format!("{whole}{fraction}").trim_start_matches('0').to_owned();
        Some(Self {
            digits,
            exponent: exponent.checked_sub(i128::try_from(fraction.len()).ok()?)?,
        })
    }

    fn in_range(&self) -> bool {
        // Zero has one digit.
        let digits = self.digits.len().max(1);
        digits <= DECIMAL_DIGITS
            && self.exponent >= DECIMAL_MIN_EXPONENT
            && self.exponent + i128::try_from(digits).unwrap_or(i128::MAX) - 1 <= DECIMAL_MAX_EXPONENT
    }
}

/// The term of an integer wider than a machine word.
pub(super) fn encode_integer<'a>(env: Env<'a>, value: &BigInt) -> Result<Term<'a>, Refusal> {
    if let Ok(small) = i64::try_from(value) {
        return Ok(small.encode(env));
    }
    let too_wide = || {
        Refusal::invalid(format!(
            "an integer of {} bits is more than the VM can hold",
            value.bits()
        ))
    };
    let (sign, digits) = value.to_bytes_le();
    let sign = u8::from(sign == Sign::Minus);
    let mut external = vec![VERSION];
    if let Ok(length) = u8::try_from(digits.len()) {
        external.extend([SMALL_BIG_EXT, length]);
    } else {
        let length = u32::try_from(digits.len()).map_err(|_| too_wide())?;
        external.push(LARGE_BIG_EXT);
        external.extend(length.to_be_bytes());
    }
    external.push(sign);
    external.extend(digits);
    env.binary_to_term(&external)
        .map(|(term, _)| term)
        .ok_or_else(too_wide)
}

/// The term of a float.
pub(super) fn encode_float(env: Env<'_>, value: f64) -> Term<'_> {
    singleton::of_float(value).map_or_else(|| value.encode(env), |atom| atom.to_term(env))
}

/// `{:complex, re, im}`.
pub(super) fn encode_complex<'a>(env: Env<'a>, value: &MontyComplex) -> Term<'a> {
    (
        atoms::complex(),
        encode_float(env, value.real),
        encode_float(env, value.imag),
    )
        .encode(env)
}

#[cfg(test)]
mod tests {
    use super::is_decimal;

    #[test]
    fn decimals_that_python_reads_are_accepted() {
        for text in [
            "1.20", " 1e5 ", "-1_000.5", "+.5", "5.", "0", "-0E+10", "NaN", "-sNaN12", "Infinity", "-inf",
        ] {
            assert!(is_decimal(text), "{text}");
        }
    }

    #[test]
    fn decimals_that_python_cannot_read_are_refused() {
        for text in [
            "", ".", "e5", "1e", "1e+", "1.2.3", "0x10", "nan-1", "infinite", "1 2", "--1", "e",
        ] {
            assert!(!is_decimal(text), "{text}");
        }
    }

    #[test]
    fn decimals_at_the_edges_of_the_interpreter_are_told_apart() {
        assert!(is_decimal("1e999999999999999999"));
        assert!(!is_decimal("10e999999999999999999"));
        assert!(is_decimal("1e-1999999999999999997"));
        assert!(!is_decimal("0.1e-1999999999999999997"));
        assert!(is_decimal(&"9".repeat(4300)));
        assert!(!is_decimal(&"9".repeat(4301)));
        assert!(!is_decimal(&format!("1e{}", "9".repeat(60))));
    }
}
