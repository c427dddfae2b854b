//! Bytes and times as people write them: `10MB`, `64KiB`, `500ms`.

use std::fmt;
use std::time::Duration;

/// The units of bytes. A thousand and 1,024 are told apart as the SI and IEC do.
const BYTES: [(&str, u64); 7] = [
    ("B", 1),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// The units of time, in milliseconds.
const TIMES: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("min", 60_000), ("h", 3_600_000)];

/// A text that is no quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct QuantityError {
    given: String,
    accepted: &'static str,
}

impl fmt::Display for QuantityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}' is not {}", self.given, self.accepted)
    }
}

/// A number of bytes: a whole number, and a unit unless it is bytes.
pub(crate) fn bytes(given: &str) -> Result<u64, QuantityError> {
    scaled(given, &BYTES, Some("B")).ok_or_else(|| QuantityError {
        given: given.to_owned(),
        accepted: "a size: a whole number of B, KB, MB, GB, KiB, MiB or GiB, as in 10MB",
    })
}

/// A time: a whole number and a unit.
pub(crate) fn duration(given: &str) -> Result<Duration, QuantityError> {
    scaled(given, &TIMES, None)
        .map(Duration::from_millis)
        .ok_or_else(|| QuantityError {
            given: given.to_owned(),
            accepted: "a time: a whole number of ms, s, min or h, as in 500ms",
        })
}

/// A plain number, such as one of files.
pub(crate) fn count(given: &str) -> Result<u64, QuantityError> {
    scaled(given, &[("", 1)], Some("")).ok_or_else(|| QuantityError {
        given: given.to_owned(),
        accepted: "a whole number",
    })
}

/// The number in front of `given`, times its unit; nothing where either is missing, or the product too large.
fn scaled(given: &str, units: &[(&str, u64)], default: Option<&str>) -> Option<u64> {
    let digits = given
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(given.len());
    let (number, unit) = given.split_at(digits);
    let unit = match unit {
        "" => default?,
        unit => unit,
    };
    let (_, factor) = units.iter().find(|(name, _)| *name == unit)?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_decimal_or_binary_by_their_unit() {
        assert_eq!(bytes("17"), Ok(17));
        assert_eq!(bytes("17B"), Ok(17));
        assert_eq!(bytes("10KB"), Ok(10_000));
        assert_eq!(bytes("10MB"), Ok(10_000_000));
        assert_eq!(bytes("1GiB"), Ok(1 << 30));
    }

    #[test]
    fn what_is_no_size_is_quoted_and_told_what_is_one() {
        for wrong in [
            "",
            "MB",
            "-1",
            "1.5MB",
            "1mb",
            "1kB",
            "1 MB",
            "١MB",
            "18446744073709551616",
            "18446744073709551615KB",
        ] {
            let error = bytes(wrong).unwrap_err().to_string();
            assert!(error.starts_with(&format!("'{wrong}' is not a size")), "{error}");
            assert!(error.contains("MiB"), "{error}");
        }
    }

    #[test]
    fn times_need_a_unit() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2min"), Ok(Duration::from_mins(2)));
        for wrong in ["2", "s", "2 s", "1.5s", "-1s", "18446744073709551615h"] {
            let error = duration(wrong).unwrap_err().to_string();
            assert!(error.ends_with("as in 500ms"), "{error}");
        }
    }

    #[test]
    fn a_count_has_no_unit() {
        assert_eq!(count("1000"), Ok(1000));
        for wrong in ["", "1k", "-1", "+1"] {
            assert!(count(wrong).is_err(), "{wrong}");
        }
    }
}
