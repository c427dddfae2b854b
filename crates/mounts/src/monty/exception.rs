//! Errors of this crate as Python exceptions: the one place that knows the texts.

use std::fmt;

use ::monty_types::{ExcType, MontyException, StringRepr};

use crate::error::{Error, ErrorKind};

/// The exception that Python would raise where this crate answers with `error`.
///
/// Class and text are Python's, `[Errno 2] No such file or directory: '/v'`, with the virtual path as the script
/// gave it, or both paths of a rename. Two differences are Monty's own: errno 30 is a `PermissionError`, and what a
/// mount's limits refuse says which limit it was. The error's [`source`](std::error::Error::source) is not shown,
/// since it could name the host's files.
#[must_use]
pub fn exception(error: &Error) -> MontyException {
    let kind = error.kind();
    match kind {
        ErrorKind::WriteLimit { limit } => raised(
            ExcType::OSError,
            format!("disk write limit of {} exceeded", Decimal(limit)),
        ),
        ErrorKind::MemoryLimit { limit } => raised(
            ExcType::MemoryError,
            format!("mount memory usage limit of {} exceeded", Decimal(limit)),
        ),
        ErrorKind::ScanLimit { limit } => raised(
            ExcType::RuntimeError,
            format!("directory scan examined more than {limit} entries"),
        ),
        ErrorKind::DeadlineExceeded => raised(ExcType::TimeoutError, kind.description()),
        ErrorKind::Nul => raised(ExcType::ValueError, kind.description()),
        // An empty path names nothing; no other path comes out of a script without its leading `/`.
        ErrorKind::NotAbsolute => numbered(2, ErrorKind::NotFound.description(), error),
        ErrorKind::NotCovered => numbered(13, ErrorKind::PermissionDenied.description(), error),
        ErrorKind::InUse
        | ErrorKind::AlreadyMounted
        | ErrorKind::NotMounted
        | ErrorKind::Overlaps
        | ErrorKind::NotRestorable
        | ErrorKind::NotCommittable => raised(ExcType::RuntimeError, kind.description()),
        ErrorKind::NotFound
        | ErrorKind::PermissionDenied
        | ErrorKind::AlreadyExists
        | ErrorKind::CrossesDevices
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::InvalidArgument
        | ErrorKind::FileTooLarge
        | ErrorKind::NoSpace
        | ErrorKind::ReadOnly
        | ErrorKind::NameTooLong
        | ErrorKind::DirectoryNotEmpty
        | ErrorKind::TooManyLinks
        | ErrorKind::Stale
        | ErrorKind::Os(_) => {
            // Every kind named here has a number; 5 is what Linux says when it knows no better.
            numbered(kind.errno().unwrap_or(5), kind.description(), error)
        }
    }
}

pub(super) fn raised(class: ExcType, text: impl Into<String>) -> MontyException {
    MontyException::new(class, Some(text.into()))
}

fn numbered(number: i32, description: &str, error: &Error) -> MontyException {
    let path = StringRepr(error.path());
    let text = match error.destination() {
        None => format!("[Errno {number}] {description}: {path}"),
        Some(destination) => format!(
            "[Errno {number}] {description}: {path} -> {}",
            StringRepr(destination)
        ),
    };
    raised(class_of(number), text)
}

/// The subclass of `OSError` that Python raises for an error number.
fn class_of(number: i32) -> ExcType {
    match number {
        1 | 13 | 30 => ExcType::PermissionError,
        2 => ExcType::FileNotFoundError,
        17 => ExcType::FileExistsError,
        20 => ExcType::NotADirectoryError,
        21 => ExcType::IsADirectoryError,
        110 => ExcType::TimeoutError,
        _ => ExcType::OSError,
    }
}

/// A number of bytes in decimal units, with one decimal where it is not zero: `1.5 MB`, `50 MB`, `512 bytes`.
struct Decimal(u64);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u128, &str); 4] = [
            (1_000, "KB"),
            (1_000_000, "MB"),
            (1_000_000_000, "GB"),
            (1_000_000_000_000, "TB"),
        ];
        let bytes = u128::from(self.0);
        if bytes < UNITS[0].0 {
            return write!(f, "{bytes} bytes");
        }
        let tenths = |unit: u128| (bytes * 10 + unit / 2) / unit;
        // The first unit in which the rounded figure stays below a thousand, else the largest.
        let (unit, name) = UNITS
            .into_iter()
            .find(|(unit, _)| tenths(*unit) < 10_000)
            .unwrap_or(UNITS[3]);
        match (tenths(unit) / 10, tenths(unit) % 10) {
            (whole, 0) => write!(f, "{whole} {name}"),
            (whole, tenth) => write!(f, "{whole}.{tenth} {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Operation;

    #[test]
    fn bytes_are_shown_in_decimal_units() {
        for (bytes, shown) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1_000, "1 KB"),
            (1_500_000, "1.5 MB"),
            (50_000_000, "50 MB"),
            (268_435_456, "268.4 MB"),
            (999_949, "999.9 KB"),
            (999_950, "1 MB"),
            (1 << 40, "1.1 TB"),
            (u64::MAX, "18446744.1 TB"),
        ] {
            assert_eq!(Decimal(bytes).to_string(), shown);
        }
    }

    #[test]
    fn errors_that_only_the_owner_of_a_table_meets_have_a_text_too() {
        for kind in [
            ErrorKind::InUse,
            ErrorKind::AlreadyMounted,
            ErrorKind::NotMounted,
            ErrorKind::Overlaps,
            ErrorKind::NotRestorable,
            ErrorKind::NotCommittable,
        ] {
            let shown = exception(&Error::new(kind, Operation::Mount, "/v"));
            assert_eq!(shown.exc_type(), ExcType::RuntimeError);
            assert_eq!(shown.message(), Some(kind.description()));
        }
    }

    #[test]
    fn numbers_of_the_host_get_linux_words_and_python_classes() {
        for (number, class, text) in [
            (
                1,
                ExcType::PermissionError,
                "[Errno 1] Operation not permitted: '/v'",
            ),
            (5, ExcType::OSError, "[Errno 5] Input/output error: '/v'"),
            (24, ExcType::OSError, "[Errno 24] Too many open files: '/v'"),
            (
                110,
                ExcType::TimeoutError,
                "[Errno 110] Connection timed out: '/v'",
            ),
            (122, ExcType::OSError, "[Errno 122] Disk quota exceeded: '/v'"),
        ] {
            let shown = exception(&Error::new(ErrorKind::Os(number), Operation::Write, "/v"));
            assert_eq!((shown.exc_type(), shown.message()), (class, Some(text)));
        }
    }
}
