//! What a script gets when its host has no answer: an honest refusal, or what needs no host.

use chrono::{Datelike, NaiveDateTime, Timelike};
use monty_types::{
    DateTimeSource, ExcType, ExtFunctionResult, MontyDate, MontyDateTime, MontyException, MontyObject,
    MontyTimeZone, OsFunctionCall, SandboxTimeZone, local_wall_clock, unix_seconds,
};

/// The answer to `call` when nobody handles it: nothing exists, the clock is the system's, and the rest is Monty's own
/// refusal, which names what was asked for.
pub(crate) fn answer(call: &OsFunctionCall, zone: &SandboxTimeZone) -> ExtFunctionResult {
    if call.is_existence_check() {
        return MontyObject::bool(false).into();
    }
    let reading = DateTimeSource::System
        .read()
        .and_then(|now| read_clock(call, now, zone));
    reading.map_or_else(|| call.on_no_handler().into(), Into::into)
}

/// The answer to a call of a method on a host's object, when there is no host.
pub(crate) fn method_answer(name: &str) -> ExtFunctionResult {
    let message = format!("method '{name}' belongs to a host object, and this run has no host");
    MontyException::new(ExcType::NotImplementedError, Some(message)).into()
}

/// What a clock call reads at the instant `now`, in UTC; nothing for other calls.
fn read_clock(call: &OsFunctionCall, now: NaiveDateTime, zone: &SandboxTimeZone) -> Option<MontyObject> {
    match call {
        OsFunctionCall::Time(_) => Some(MontyObject::float(unix_seconds(now))),
        OsFunctionCall::DateToday => {
            let local = local_wall_clock(now, zone.at(now).offset_seconds)?;
            Some(MontyObject::date(MontyDate {
                year: local.year(),
                month: small(local.month()),
                day: small(local.day()),
            }))
        }
        OsFunctionCall::DateTimeNow(None) => {
            let local = local_wall_clock(now, zone.at(now).offset_seconds)?;
            Some(datetime(local, None))
        }
        OsFunctionCall::DateTimeNow(Some(asked)) => Some(datetime(
            local_wall_clock(now, asked.offset_seconds)?,
            Some(asked),
        )),
        _ => None,
    }
}

fn datetime(local: NaiveDateTime, zone: Option<&MontyTimeZone>) -> MontyObject {
    MontyObject::datetime(MontyDateTime {
        year: local.year(),
        month: small(local.month()),
        day: small(local.day()),
        hour: small(local.hour()),
        minute: small(local.minute()),
        second: small(local.second()),
        // A leap second counts to two billion nanoseconds; Python has no such second.
        microsecond: (local.nanosecond() / 1000).min(999_999),
        offset_seconds: zone.map(|zone| zone.offset_seconds),
        timezone_name: zone.and_then(|zone| zone.name.clone()),
    })
}

/// A month, day, hour, minute or second, all of which are below 60.
fn small(part: u32) -> u8 {
    u8::try_from(part).unwrap_or(u8::MAX)
}
