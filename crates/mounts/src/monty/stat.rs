//! Metadata as Python's `os.stat_result`.

use std::time::{SystemTime, UNIX_EPOCH};

use ::monty_types::MontyObject;
use ::num_bigint::BigInt;

use crate::metadata::Metadata;

/// The name and the fields by which the interpreter knows a stat result.
const TYPE_NAME: &str = "StatResult";
const FIELDS: [&str; 10] = [
    "st_mode", "st_ino", "st_dev", "st_nlink", "st_uid", "st_gid", "st_size", "st_atime", "st_mtime",
    "st_ctime",
];

/// What `Path.stat` answers: all ten fields.
pub(super) fn stat_result(metadata: &Metadata) -> MontyObject {
    let mode = metadata.file_type.mode_bits() | metadata.mode;
    MontyObject::named_tuple(
        TYPE_NAME,
        FIELDS,
        [
            integer(mode.into()),
            integer(metadata.inode),
            integer(metadata.device),
            integer(metadata.links),
            integer(metadata.uid.into()),
            integer(metadata.gid.into()),
            integer(metadata.size),
            MontyObject::float(seconds(metadata.accessed)),
            MontyObject::float(seconds(metadata.modified)),
            MontyObject::float(seconds(metadata.changed)),
        ],
    )
}

/// A Python `int`. Inode numbers of some file systems use all 64 bits.
fn integer(value: u64) -> MontyObject {
    match i64::try_from(value) {
        Ok(value) => MontyObject::int(value),
        Err(_) => MontyObject::bigint(BigInt::from(value)),
    }
}

/// Seconds since the epoch, rounded as Python rounds: whole seconds plus 1e-9 times the nanoseconds.
#[allow(clippy::cast_precision_loss, reason = "Python's st_mtime is a float too")]
fn seconds(time: SystemTime) -> f64 {
    const NANOS: i128 = 1_000_000_000;
    let nanos = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => after.as_nanos().cast_signed(),
        Err(before) => -before.duration().as_nanos().cast_signed(),
    };
    nanos.div_euclid(NANOS) as f64 + 1e-9 * nanos.rem_euclid(NANOS) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    #[allow(clippy::float_cmp, reason = "these are exact, or Python's own rounding")]
    fn times_are_rounded_as_python_rounds_them() {
        let after = |nanos| UNIX_EPOCH + Duration::from_nanos(nanos);
        assert_eq!(seconds(UNIX_EPOCH), 0.0);
        assert_eq!(seconds(after(1_500_000_000)), 1.5);
        assert_eq!(
            seconds(after(1_700_000_000_123_456_789)),
            1_700_000_000.0 + 1e-9 * 123_456_789.0
        );
        assert_eq!(seconds(UNIX_EPOCH - Duration::from_millis(250)), -0.25);
    }
}
