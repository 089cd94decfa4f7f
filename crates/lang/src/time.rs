//! Moments as people write them, to nanoseconds since the Unix epoch.
//!
//! Forms: RFC 3339 and its leading parts (`2026`, `2026-08`, `2026-08-01`, `2026-08-01T10`, `…T10:30`, `…T10:30:05.123Z`),
//! UTC unless an offset is given; Unix time in s, ms, µs or ns told apart by magnitude; `now`, `now-15m`; `15m` (ago).
//! A partial date means its whole period. Calendar arithmetic: H. Hinnant, "chrono-compatible low-level date algorithms".

use crate::ast::TimePoint;
use crate::error::ParseError;
use crate::scalar::{format_duration, parse_duration};

const SECOND_NS: i128 = 1_000_000_000;
const DAY_S: i64 = 86_400;

/// A written moment as the half-open period it covers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moment {
    /// First nanosecond.
    pub(crate) start: TimePoint,
    /// First nanosecond after.
    pub(crate) end: TimePoint,
    /// How it was written.
    pub(crate) kind: MomentKind,
}

/// How a moment was written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum MomentKind {
    /// `15m`
    Duration,
    /// `now-15m`
    Now,
    /// A date without seconds, whose period is meant as a whole.
    Period,
    /// Unix time, or a date with seconds.
    Instant,
}

/// The moment a text names, or for a period its start, in nanoseconds since the Unix epoch.
///
/// # Errors
/// When the text is none of the forms above, or outside the years 1678 to 2261.
pub fn parse_time(text: &str, now_ns: i64) -> Result<i64, ParseError> {
    let moment = parse_moment(text).map_err(|message| time_error(text, message))?;
    Ok(moment.start.resolve(now_ns))
}

/// As [`parse_time`], but of a date without seconds the end: the first nanosecond after it. For the exclusive upper end of
/// a range, so that `2026-08-01` to `2026-08-01` is that day.
///
/// # Errors
/// As [`parse_time`].
pub fn parse_time_end(text: &str, now_ns: i64) -> Result<i64, ParseError> {
    let moment = parse_moment(text).map_err(|message| time_error(text, message))?;
    let point = if moment.kind == MomentKind::Period { moment.end } else { moment.start };
    Ok(point.resolve(now_ns))
}

fn time_error(text: &str, message: String) -> ParseError {
    ParseError::at(text, 0, message).hint(TIME_FORMS)
}

/// What to write instead of a bad time.
pub(crate) const TIME_FORMS: &str =
    "write `5m` (the last five minutes), `2026-08-01`, `2026-08-01T10:30:00Z`, `now-1h` or Unix time";

/// Reads a moment; the error is a message without a place.
pub(crate) fn parse_moment(text: &str) -> Result<Moment, String> {
    let text = text.trim();
    if text.len() >= 3 && text.get(..3).is_some_and(|now| now.eq_ignore_ascii_case("now")) {
        let shift = text.get(3..).unwrap_or("").trim();
        return relative_to_now(shift).ok_or_else(|| format!("`{text}` is not a time"));
    }
    if let Some(ns) = parse_duration(text) {
        return Ok(ago(ns.saturating_abs(), MomentKind::Duration));
    }
    if let Some(moment) = parse_unix(text) {
        return moment;
    }
    let (start, end, kind) = parse_date(text).ok_or_else(|| format!("`{text}` is not a time"))?;
    let fit = |ns: i128| i64::try_from(ns).map_err(|_| format!("`{text}` is outside the years 1678 to 2261"));
    Ok(Moment { start: TimePoint::Absolute(fit(start)?), end: TimePoint::Absolute(fit(end)?), kind })
}

fn ago(ns: i64, kind: MomentKind) -> Moment {
    let after = ns.saturating_sub(1).max(-i64::MAX);
    Moment { start: TimePoint::Ago(ns), end: TimePoint::Ago(after), kind }
}

/// The part after `now`: nothing, `-15m` or `+15m`.
fn relative_to_now(shift: &str) -> Option<Moment> {
    if shift.is_empty() {
        return Some(ago(0, MomentKind::Now));
    }
    let (sign, amount) = match shift.strip_prefix('-') {
        Some(amount) => (1, amount),
        None => (-1, shift.strip_prefix('+')?),
    };
    let ns = parse_duration(amount.trim()).filter(|ns| *ns >= 0)?;
    Some(ago(ns * sign, MomentKind::Now))
}

/// Unix time: the unit is told by magnitude, so that every moment from 1970 to 2286 in ms or finer, and to 5138 in s, reads
/// right. Four digits are a year.
fn parse_unix(text: &str) -> Option<Result<Moment, String>> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || whole.len() == 4 && digits.len() == 4 || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let out_of_range = || format!("`{text}` is outside the years 1678 to 2261");
    let Ok(value) = whole.parse::<i64>() else {
        return Some(Err(out_of_range()));
    };
    let unit: i128 = match value {
        ..100_000_000_000 => SECOND_NS,
        100_000_000_000..100_000_000_000_000 => 1_000_000,
        100_000_000_000_000..100_000_000_000_000_000 => 1_000,
        _ => 1,
    };
    let mut ns = i128::from(value) * unit;
    let mut period = unit;
    for digit in fraction.bytes().take(9) {
        period /= 10;
        ns += i128::from(digit - b'0') * period;
    }
    if text.starts_with('-') {
        ns = -ns;
    }
    let fit = |ns: i128| i64::try_from(ns).map(TimePoint::Absolute).map_err(|_| out_of_range());
    let build = || Ok(Moment { start: fit(ns)?, end: fit(ns + period.max(1))?, kind: MomentKind::Instant });
    Some(build())
}

/// A date by its leading parts: start, end, kind.
fn parse_date(text: &str) -> Option<(i128, i128, MomentKind)> {
    let (text, offset_s) = split_offset(text)?;
    let (date, clock) = match text.split_once(['T', 't', ' ']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let year = i64::from(number(parts.next()?, 4, 1, 9999)?);
    let month = parts.next().map(|part| number(part, 2, 1, 12)).map_or(Some(None), |m| m.map(Some))?;
    let day = parts.next().map(|part| number(part, 2, 1, 31)).map_or(Some(None), |d| d.map(Some))?;
    if parts.next().is_some() || (clock.is_some() && day.is_none()) {
        return None;
    }
    let Some(month) = month else {
        return Some(span(days(year, 1, 1), days(year + 1, 1, 1), offset_s));
    };
    let next_month = if month == 12 { days(year + 1, 1, 1) } else { days(year, month + 1, 1) };
    let Some(day) = day else {
        return Some(span(days(year, month, 1), next_month, offset_s));
    };
    let this_day = days(year, month, day);
    if this_day >= next_month {
        return None;
    }
    let Some(clock) = clock else {
        return Some(span(this_day, this_day + 1, offset_s));
    };
    let (clock_ns, period, kind) = parse_clock(clock)?;
    let start = i128::from(this_day * DAY_S - offset_s) * SECOND_NS + clock_ns;
    Some((start, start + period, kind))
}

fn span(first_day: i64, end_day: i64, offset_s: i64) -> (i128, i128, MomentKind) {
    let ns = |day: i64| i128::from(day * DAY_S - offset_s) * SECOND_NS;
    (ns(first_day), ns(end_day), MomentKind::Period)
}

/// `10`, `10:30`, `10:30:05`, `10:30:05.123`: nanoseconds into the day, and the length of the period.
fn parse_clock(clock: &str) -> Option<(i128, i128, MomentKind)> {
    let mut parts = clock.split(':');
    let mut ns = i128::from(number(parts.next()?, 2, 0, 23)?) * 3600 * SECOND_NS;
    let Some(minute) = parts.next() else {
        return Some((ns, 3600 * SECOND_NS, MomentKind::Period));
    };
    ns += i128::from(number(minute, 2, 0, 59)?) * 60 * SECOND_NS;
    let Some(second) = parts.next() else {
        return Some((ns, 60 * SECOND_NS, MomentKind::Period));
    };
    let (second, fraction) = match second.split_once(['.', ',']) {
        Some((second, fraction)) => (second, Some(fraction)),
        None => (second, None),
    };
    // A leap second (60) is read as the first second of the next minute, as Unix time has no name for it.
    ns += i128::from(number(second, 2, 0, 60)?) * SECOND_NS;
    let mut period = SECOND_NS;
    if let Some(fraction) = fraction {
        if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        for digit in fraction.bytes().take(9) {
            period /= 10;
            ns += i128::from(digit - b'0') * period;
        }
    }
    parts.next().is_none().then_some((ns, period, MomentKind::Instant))
}

/// Splits `Z`, `+02:00` or `-05:00` off a date; seconds east of UTC.
fn split_offset(text: &str) -> Option<(&str, i64)> {
    if let Some(text) = text.strip_suffix(['Z', 'z']) {
        return Some((text, 0));
    }
    let at = text.len().checked_sub(6).filter(|at| *at >= 4);
    let Some((text_before, offset)) = at.and_then(|at| text.split_at_checked(at)) else {
        return Some((text, 0));
    };
    let sign = match offset.get(..1) {
        Some("+") => 1,
        Some("-") => -1,
        _ => return Some((text, 0)),
    };
    let Some((hours, minutes)) = offset.get(1..).and_then(|rest| rest.split_once(':')) else {
        return Some((text, 0));
    };
    let seconds = number(hours, 2, 0, 23)? * 3600 + number(minutes, 2, 0, 59)? * 60;
    Some((text_before, sign * i64::from(seconds)))
}

/// Exactly `width` digits within the bounds.
fn number(text: &str, width: usize, low: u32, high: u32) -> Option<u32> {
    let all_digits = text.len() == width && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|value| all_digits && (low..=high).contains(value))
}

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
fn days(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Writes nanoseconds since the Unix epoch as RFC 3339 in UTC, with 0, 3, 6 or 9 digits of fraction as needed.
pub fn format_time(ns: i64) -> String {
    let (seconds, fraction) = (ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000));
    let (day, second) = (seconds.div_euclid(DAY_S), seconds.rem_euclid(DAY_S));
    let shifted = day + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let fraction = match fraction {
        0 => String::new(),
        n if n % 1_000_000 == 0 => format!(".{:03}", n / 1_000_000),
        n if n % 1_000 == 0 => format!(".{:06}", n / 1_000),
        n => format!(".{n:09}"),
    };
    format!("{year:04}-{month:02}-{day_of_month:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

impl std::fmt::Display for TimePoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TimePoint::Absolute(ns) => f.write_str(&format_time(*ns)),
            TimePoint::Ago(0) => f.write_str("now"),
            TimePoint::Ago(ns) if *ns > 0 => write!(f, "now-{}", format_duration(*ns)),
            TimePoint::Ago(ns) => write!(f, "now+{}", format_duration(ns.saturating_neg())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_785_578_400_000_000_000; // 2026-08-01T10:00:00Z

    #[test]
    fn reads_every_form() {
        let check = |text: &str, start: &str, end: &str| {
            let show = |ns: Result<i64, ParseError>| ns.map_or_else(|error| error.to_string(), format_time);
            assert_eq!(show(parse_time(text, NOW)), start, "{text}");
            assert_eq!(show(parse_time_end(text, NOW)), end, "{text}");
        };
        check("now", "2026-08-01T10:00:00Z", "2026-08-01T10:00:00Z");
        check("now-15m", "2026-08-01T09:45:00Z", "2026-08-01T09:45:00Z");
        check("now+1h", "2026-08-01T11:00:00Z", "2026-08-01T11:00:00Z");
        check("15m", "2026-08-01T09:45:00Z", "2026-08-01T09:45:00Z");
        check("-15m", "2026-08-01T09:45:00Z", "2026-08-01T09:45:00Z");
        check("2026", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
        check("2026-12", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z");
        check("2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z");
        check("2026-08-01+02:00", "2026-07-31T22:00:00Z", "2026-08-01T22:00:00Z");
        check("2026-08-01T10", "2026-08-01T10:00:00Z", "2026-08-01T11:00:00Z");
        check("2026-08-01T10:30-05:00", "2026-08-01T15:30:00Z", "2026-08-01T15:31:00Z");
        check("2026-08-01 10:30:05", "2026-08-01T10:30:05Z", "2026-08-01T10:30:05Z");
        check("2026-08-01T10:30:05.123456789Z", "2026-08-01T10:30:05.123456789Z", "2026-08-01T10:30:05.123456789Z");
        check("1785578400", "2026-08-01T10:00:00Z", "2026-08-01T10:00:00Z");
        check("1785578400.5", "2026-08-01T10:00:00.500Z", "2026-08-01T10:00:00.500Z");
        check("1785578400123", "2026-08-01T10:00:00.123Z", "2026-08-01T10:00:00.123Z");
        check("1785578400123456", "2026-08-01T10:00:00.123456Z", "2026-08-01T10:00:00.123456Z");
        check("1785578400123456789", "2026-08-01T10:00:00.123456789Z", "2026-08-01T10:00:00.123456789Z");
        check("0", "1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z");
        check("-1", "1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z");
    }

    #[test]
    fn refuses_what_is_not_a_time() {
        for text in [
            "",
            "soon",
            "nowish",
            "now-",
            "now-x",
            "now--5m",
            "2026-13",
            "2026-02-30",
            "2026-8-1",
            "2026-08-01T24",
            "2026-08-01T10:60",
            "2026-08T10",
            "2026-08-01T10:30:05.",
            "2026-08-01-02",
            "1500-01-01",
            "9999",
            "99999999999999999999",
            "2026-08-01T10:30:05+99:00",
            "..",
            "-",
            ".5",
            "é",
            "éééé-08:00",
        ] {
            assert!(parse_time(text, NOW).is_err(), "{text}");
        }
    }

    #[test]
    fn days_and_dates_agree() {
        for day in (-106_000..106_000).step_by(17) {
            let ns = day * DAY_S * 1_000_000_000;
            assert_eq!(parse_time(&format_time(ns), NOW), Ok(ns));
        }
    }
}
