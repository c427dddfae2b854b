//! `%File.Stat{}` as the stat result that the interpreter expects.

use chrono::NaiveDate;
use monty_types::{MontyObject, stat_result};
use rustler::{Term, types::atom};

use crate::atoms;

/// Whether a term is a `%File.Stat{}`.
pub(super) fn is_file_stat(term: Term<'_>) -> bool {
    term.map_get(atoms::struct_key())
        .is_ok_and(|module| atoms::file_stat_struct() == module)
}

/// The stat result, or nothing for a struct whose fields are not those of `File.stat/2`.
pub(super) fn decode(stat: Term<'_>) -> Option<MontyObject> {
    let number = |field| {
        let value = stat.map_get(field).ok()?;
        if atom::undefined() == value || atom::nil() == value {
            Some(0)
        } else {
            value.decode::<i64>().ok()
        }
    };
    let time = |field| seconds(stat.map_get(field).ok()?);
    let kind = stat.map_get(atoms::type_()).ok()?;
    let type_bits = if atoms::directory() == kind {
        0o040_000
    } else if atoms::symlink() == kind {
        0o120_000
    } else {
        0o100_000
    };
    let mode = number(atoms::mode())?;
    let mode = if mode & 0o170_000 == 0 {
        mode | type_bits
    } else {
        mode
    };
    Some(stat_result(
        mode,
        number(atoms::inode())?,
        number(atoms::major_device())?,
        number(atoms::links())?,
        number(atoms::uid())?,
        number(atoms::gid())?,
        number(atoms::size())?,
        time(atoms::atime())?,
        time(atoms::mtime())?,
        time(atoms::ctime())?,
    ))
}

/// Seconds since 1970 of a time as `File.stat/2` writes it: an integer, or a date and a time, which are taken for UTC.
fn seconds(time: Term<'_>) -> Option<f64> {
    if atom::undefined() == time || atom::nil() == time {
        return Some(0.0);
    }
    let seconds = if let Ok(seconds) = time.decode::<i64>() {
        seconds
    } else {
        let ((year, month, day), (hour, minute, second)) =
            time.decode::<((i32, u32, u32), (u32, u32, u32))>().ok()?;
        NaiveDate::from_ymd_opt(year, month, day)?
            .and_hms_opt(hour, minute, second)?
            .and_utc()
            .timestamp()
    };
    #[expect(
        clippy::cast_precision_loss,
        reason = "Python's times are floats, and exact for 285 million years"
    )]
    Some(seconds as f64)
}
