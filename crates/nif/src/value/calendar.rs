//! Dates, times, durations and time zones.
//!
//! Python's zones are fixed offsets with an optional name. An aware datetime therefore becomes a `DateTime` whose whole
//! offset is `utc_offset`, made without a time zone database; a `DateTime` of any zone comes in with the offset it has.

use monty_types::{
    MAX_TIMEZONE_OFFSET_SECONDS, MIN_TIMEZONE_OFFSET_SECONDS, MontyDate, MontyDateTime, MontyTime,
    MontyTimeDelta, MontyTimeZone, unstable::MontyNode,
};
use rustler::{Atom, Encoder, Env, Term, types::atom};

use super::{Refusal, encode::record, text};
use crate::{atoms, error::structure};

const UTC: &str = "Etc/UTC";
const DAY_SECONDS: i128 = 86_400;
const SECOND_MICROS: i128 = 1_000_000;
const MAX_TIMEDELTA_DAYS: i32 = 999_999_999;

/// What is wrong with a struct of a time or date that is not one of Python's.
fn unfit(what: &str) -> Refusal {
    Refusal::invalid(format!(
        "a {what} outside of the ISO calendar, of the years 1 to 9999 or of its own fields' ranges cannot become a Python value"
    ))
}

fn field<T: for<'t> rustler::Decoder<'t>>(term: Term<'_>, name: Atom) -> Option<T> {
    term.map_get(name).ok()?.decode().ok()
}

/// A field of a time or date that fits in a byte. Read wide first: a narrow read would cut bits off.
fn small(term: Term<'_>, name: Atom) -> Option<u8> {
    u8::try_from(field::<i64>(term, name)?).ok()
}

fn is_iso(term: Term<'_>) -> bool {
    term.map_get(atoms::calendar())
        .is_ok_and(|calendar| atoms::calendar_iso() == calendar)
}

fn date_fields(term: Term<'_>) -> Option<MontyDate> {
    let (year, month, day) = (
        field(term, atoms::year())?,
        small(term, atoms::month())?,
        small(term, atoms::day())?,
    );
    let valid = is_iso(term) && (1..=9999).contains(&year) && (1..=days_in_month(year, month)).contains(&day);
    valid.then_some(MontyDate { year, month, day })
}

/// The days of a month, none for a month that does not exist.
fn days_in_month(year: i32, month: u8) -> u8 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    }
}

fn time_fields(term: Term<'_>) -> Option<MontyTime> {
    let (microsecond, _precision): (u32, i64) = field(term, atoms::microsecond())?;
    let time = MontyTime {
        hour: small(term, atoms::hour())?,
        minute: small(term, atoms::minute())?,
        second: small(term, atoms::second())?,
        microsecond,
        offset_seconds: None,
        timezone_name: None,
        fold: 0,
    };
    let valid =
        is_iso(term) && time.hour < 24 && time.minute < 60 && time.second < 60 && microsecond < 1_000_000;
    valid.then_some(time)
}

/// `%Date{}`.
pub(super) fn date(term: Term<'_>) -> Result<MontyNode, Refusal> {
    date_fields(term)
        .map(MontyNode::Date)
        .ok_or_else(|| unfit("%Date{}"))
}

/// `%Time{}`.
pub(super) fn time(term: Term<'_>) -> Result<MontyNode, Refusal> {
    time_fields(term)
        .map(MontyNode::Time)
        .ok_or_else(|| unfit("%Time{}"))
}

/// `%NaiveDateTime{}`.
pub(super) fn naive(term: Term<'_>) -> Result<MontyNode, Refusal> {
    datetime(term, None).ok_or_else(|| unfit("%NaiveDateTime{}"))
}

/// `%DateTime{}` of any zone.
pub(super) fn aware(term: Term<'_>) -> Result<MontyNode, Refusal> {
    let offset = || {
        let seconds =
            field::<i32>(term, atoms::utc_offset())?.checked_add(field(term, atoms::std_offset())?)?;
        let name = text::utf8(term.map_get(atoms::time_zone()).ok()?)?;
        zone(
            seconds,
            (name != zone_name(seconds, None)).then(|| name.to_owned()),
        )
    };
    datetime(term, Some(offset().ok_or_else(|| unfit("%DateTime{}"))?)).ok_or_else(|| unfit("%DateTime{}"))
}

fn datetime(term: Term<'_>, zone: Option<MontyTimeZone>) -> Option<MontyNode> {
    let (date, time) = (date_fields(term)?, time_fields(term)?);
    let (offset_seconds, timezone_name) =
        zone.map_or((None, None), |zone| (Some(zone.offset_seconds), zone.name));
    Some(MontyNode::DateTime(MontyDateTime {
        year: date.year,
        month: date.month,
        day: date.day,
        hour: time.hour,
        minute: time.minute,
        second: time.second,
        microsecond: time.microsecond,
        offset_seconds,
        timezone_name,
    }))
}

fn zone(offset_seconds: i32, name: Option<String>) -> Option<MontyTimeZone> {
    (MIN_TIMEZONE_OFFSET_SECONDS..=MAX_TIMEZONE_OFFSET_SECONDS)
        .contains(&offset_seconds)
        .then_some(MontyTimeZone { offset_seconds, name })
}

/// `{:time, %Time{}, offset_seconds, name}`.
pub(super) fn aware_time(wall: Term<'_>, offset: Term<'_>, name: Term<'_>) -> Option<MontyNode> {
    let zone = zone(offset.decode().ok()?, name_or_nil(name).ok()?)?;
    let time = time_fields(wall)?;
    Some(MontyNode::Time(MontyTime {
        offset_seconds: Some(zone.offset_seconds),
        timezone_name: zone.name,
        ..time
    }))
}

/// `{:timezone, %{offset_seconds, name}}`.
pub(super) fn timezone(fields: Term<'_>) -> Option<MontyNode> {
    let name = name_or_nil(fields.map_get(atoms::name()).ok()?).ok()?;
    zone(field(fields, atoms::offset_seconds())?, name).map(MontyNode::TimeZone)
}

/// The name of a zone, where it has one.
fn name_or_nil(term: Term<'_>) -> rustler::NifResult<Option<String>> {
    if atom::nil() == term {
        return Ok(None);
    }
    text::utf8(term)
        .map(|name| Some(name.to_owned()))
        .ok_or(rustler::Error::BadArg)
}

/// `{:timedelta, %{days, seconds, microseconds}}`, whose fields may have any size and sign, as in Python.
pub(super) fn timedelta(fields: Term<'_>) -> Option<MontyNode> {
    let part = |name| field::<i64>(fields, name).map(i128::from);
    let (days, seconds) = (part(atoms::days())?, part(atoms::seconds())?);
    let micros = (days * DAY_SECONDS + seconds) * SECOND_MICROS + part(atoms::microseconds())?;
    let days = i32::try_from(micros.div_euclid(DAY_SECONDS * SECOND_MICROS)).ok()?;
    let rest = micros.rem_euclid(DAY_SECONDS * SECOND_MICROS);
    let valid = (-MAX_TIMEDELTA_DAYS..=MAX_TIMEDELTA_DAYS).contains(&days);
    valid.then_some(MontyNode::TimeDelta(MontyTimeDelta {
        days,
        seconds: i32::try_from(rest / SECOND_MICROS).ok()?,
        microseconds: i32::try_from(rest % SECOND_MICROS).ok()?,
    }))
}

/// The name of a zone: its own, or the one that Python's `tzname()` gives to an offset.
fn zone_name(offset_seconds: i32, name: Option<&str>) -> String {
    match (name, offset_seconds) {
        // Python calls its own UTC just `UTC`, which a time zone database would not know.
        (None | Some("UTC"), 0) => UTC.to_owned(),
        (Some(name), _) => name.to_owned(),
        (None, offset) => {
            let (sign, offset) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
            let (hours, minutes, seconds) = (offset / 3600, offset / 60 % 60, offset % 60);
            let seconds = if seconds == 0 {
                String::new()
            } else {
                format!(":{seconds:02}")
            };
            format!("UTC{sign}{hours:02}:{minutes:02}{seconds}")
        }
    }
}

type Fields<'a> = Vec<(Atom, Term<'a>)>;

fn encode_date_fields(env: Env<'_>, year: i32, month: u8, day: u8) -> Fields<'_> {
    vec![
        (atoms::calendar(), atoms::calendar_iso().to_term(env)),
        (atoms::year(), year.encode(env)),
        (atoms::month(), month.encode(env)),
        (atoms::day(), day.encode(env)),
    ]
}

fn encode_time_fields(env: Env<'_>, hour: u8, minute: u8, second: u8, microsecond: u32) -> Fields<'_> {
    // Python's clock counts microseconds: six digits, also where they are zero.
    vec![
        (atoms::hour(), hour.encode(env)),
        (atoms::minute(), minute.encode(env)),
        (atoms::second(), second.encode(env)),
        (atoms::microsecond(), (microsecond, 6).encode(env)),
    ]
}

/// `%Date{}`.
pub(super) fn encode_date<'a>(env: Env<'a>, date: &MontyDate) -> Term<'a> {
    structure(
        env,
        atoms::date(),
        &encode_date_fields(env, date.year, date.month, date.day),
    )
}

/// `%NaiveDateTime{}`, or `%DateTime{}` for a datetime with an offset.
pub(super) fn encode_datetime<'a>(env: Env<'a>, datetime: &MontyDateTime) -> Term<'a> {
    let MontyDateTime {
        year,
        month,
        day,
        hour,
        minute,
        second,
        microsecond,
        offset_seconds,
        timezone_name,
    } = datetime;
    let mut fields = encode_date_fields(env, *year, *month, *day);
    fields.extend(encode_time_fields(env, *hour, *minute, *second, *microsecond));
    let Some(offset) = offset_seconds else {
        return structure(env, atoms::naive_date_time(), &fields);
    };
    let name = zone_name(*offset, timezone_name.as_deref());
    let abbreviation = if name == UTC { "UTC" } else { &name };
    fields.extend([
        (atoms::time_zone(), name.encode(env)),
        (atoms::zone_abbr(), abbreviation.encode(env)),
        (atoms::utc_offset(), offset.encode(env)),
        (atoms::std_offset(), 0.encode(env)),
    ]);
    structure(env, atoms::date_time(), &fields)
}

/// `%Time{}`, or `{:time, %Time{}, offset_seconds, name}` for a time with an offset.
pub(super) fn encode_time<'a>(env: Env<'a>, time: &MontyTime) -> Term<'a> {
    let mut fields = encode_time_fields(env, time.hour, time.minute, time.second, time.microsecond);
    fields.push((atoms::calendar(), atoms::calendar_iso().to_term(env)));
    let wall = structure(env, atoms::time_struct(), &fields);
    match time.offset_seconds {
        None => wall,
        Some(offset) => (
            atoms::time(),
            wall,
            offset,
            text::optional(env, time.timezone_name.as_deref()),
        )
            .encode(env),
    }
}

/// `{:timedelta, %{days, seconds, microseconds}}`.
pub(super) fn encode_timedelta<'a>(env: Env<'a>, delta: &MontyTimeDelta) -> Term<'a> {
    let fields = [
        (atoms::days(), delta.days.encode(env)),
        (atoms::seconds(), delta.seconds.encode(env)),
        (atoms::microseconds(), delta.microseconds.encode(env)),
    ];
    (atoms::timedelta(), record(env, &fields)).encode(env)
}

/// `{:timezone, %{offset_seconds, name}}`.
pub(super) fn encode_timezone<'a>(env: Env<'a>, zone: &MontyTimeZone) -> Term<'a> {
    let fields = [
        (atoms::offset_seconds(), zone.offset_seconds.encode(env)),
        (atoms::name(), text::optional(env, zone.name.as_deref())),
    ];
    (atoms::timezone(), record(env, &fields)).encode(env)
}

#[cfg(test)]
mod tests {
    use super::{days_in_month, zone_name};

    #[test]
    fn february_follows_the_gregorian_rule() {
        assert_eq!(
            [2000, 1900, 2024, 2023].map(|year| days_in_month(year, 2)),
            [29, 28, 29, 28]
        );
        assert_eq!([0, 13].map(|month| days_in_month(2024, month)), [0, 0]);
    }

    #[test]
    fn an_unnamed_offset_is_called_what_python_calls_it() {
        assert_eq!(zone_name(0, None), "Etc/UTC");
        assert_eq!(zone_name(0, Some("UTC")), "Etc/UTC");
        assert_eq!(zone_name(0, Some("Europe/London")), "Europe/London");
        assert_eq!(zone_name(7200, None), "UTC+02:00");
        assert_eq!(zone_name(-12_630, None), "UTC-03:30:30");
        assert_eq!(zone_name(3600, Some("CET")), "CET");
    }
}
