//! Metadata as Python's `os.stat_result`.

use std::time::{SystemTime, UNIX_EPOCH};

use ::monty_types::unstable::MontyNode;
use ::num_bigint::BigInt;

use crate::metadata::Metadata;

use super::answer::Outcome;
use super::value::holding;

/// The name and the fields by which the interpreter knows a stat result.
const TYPE_NAME: &str = "StatResult";
const FIELDS: [&str; 10] = [
    "st_mode", "st_ino", "st_dev", "st_nlink", "st_uid", "st_gid", "st_size", "st_atime", "st_mtime",
    "st_ctime",
];

/// What `Path.stat` answers: all ten fields.
pub(super) fn stat_result(metadata: &Metadata) -> Outcome {
    let mode = metadata.file_type.mode_bits() | metadata.mode;
    let fields = [
        integer(mode.into()),
        integer(metadata.inode),
        integer(metadata.device),
        integer(metadata.links),
        integer(metadata.uid.into()),
        integer(metadata.gid.into()),
        integer(metadata.size),
        MontyNode::Float(seconds(metadata.accessed)),
        MontyNode::Float(seconds(metadata.modified)),
        MontyNode::Float(seconds(metadata.changed)),
    ];
    holding(fields.into_iter(), |values| MontyNode::NamedTuple {
        type_name: TYPE_NAME.to_owned(),
        field_names: FIELDS.map(str::to_owned).into(),
        values,
    })
}

/// A Python `int`. Inode numbers of some file systems use all 64 bits.
fn integer(value: u64) -> MontyNode {
    match i64::try_from(value) {
        Ok(value) => MontyNode::Int(value),
        Err(_) => MontyNode::BigInt(BigInt::from(value)),
    }
}

/// Seconds since the epoch, rounded as Python rounds: whole seconds, rounded down, plus 1e-9 times the nanoseconds.
#[allow(clippy::cast_precision_loss, reason = "Python's st_mtime is a float too")]
fn seconds(time: SystemTime) -> f64 {
    let joined = |seconds: f64, nanos: u32| seconds + 1e-9 * f64::from(nanos);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => joined(after.as_secs() as f64, after.subsec_nanos()),
        Err(before) => match before.duration() {
            whole if whole.subsec_nanos() == 0 => -(whole.as_secs() as f64),
            part => joined(
                -(part.as_secs() as f64) - 1.0,
                1_000_000_000 - part.subsec_nanos(),
            ),
        },
    }
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
        assert_eq!(seconds(UNIX_EPOCH - Duration::from_secs(2)), -2.0);
    }
}
