//! Times as people and programs write them, to nanoseconds since the Unix epoch.
//!
//! Sources: RFC 3339 (with the freedoms of ISO 8601 and of log formats: a space for the `T`, `/` for `-`, a comma before
//! the fraction, no zone = UTC); days from civil: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".

const NS_PER_SECOND: i128 = 1_000_000_000;

/// Days since 1970-01-01 of a date of the Gregorian calendar; `None` if there is no such day.
pub(crate) fn days_from_civil(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) || !(0..=9999).contains(&year) {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468)
}

/// The year of a time.
pub(crate) fn year_of(time_ns: i64) -> i64 {
    let days = time_ns.div_euclid(86_400_000_000_000) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    year_of_era + era * 400 + i64::from((5 * day_of_year + 2) / 153 >= 10)
}

/// Reads numbers and signs from the front of a text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl Cursor<'_> {
    /// Takes one byte out of `set`.
    pub(crate) fn one_of(&mut self, set: &[u8]) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        set.contains(&first).then(|| {
            self.0 = rest;
            first
        })
    }

    /// Takes exactly `count` digits.
    pub(crate) fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.0.split_at_checked(count)?;
        let mut value = 0;
        for digit in digits {
            value = value * 10 + i64::from(digit.is_ascii_digit().then(|| digit - b'0')?);
        }
        self.0 = rest;
        Some(value)
    }

    /// Takes `hh:mm:ss`, then a point or comma and a fraction if there is one: nanoseconds since midnight.
    pub(crate) fn time_of_day(&mut self) -> Option<i64> {
        let hour = self.digits(2)?;
        self.one_of(b":")?;
        let minute = self.digits(2)?;
        self.one_of(b":")?;
        let second = self.digits(2)?;
        if hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        Some(((hour * 60 + minute) * 60 + second) * 1_000_000_000 + self.fraction())
    }

    fn fraction(&mut self) -> i64 {
        let [b'.' | b',', digits @ ..] = self.0 else { return 0 };
        let (mut nanos, mut unit, mut count) = (0, 100_000_000, 0);
        while let Some(digit) = digits.get(count).filter(|digit| digit.is_ascii_digit()) {
            nanos += i64::from(digit - b'0') * unit;
            unit /= 10;
            count += 1;
        }
        if count > 0 {
            self.0 = &digits[count..];
        }
        nanos
    }

    /// Takes a zone if there is one: seconds east of UTC.
    fn zone(&mut self) -> i64 {
        let mut probe = *self;
        let spaced = probe.one_of(b" ").is_some();
        if probe.0.starts_with(b"UTC") {
            self.0 = &probe.0[3..];
            return 0;
        }
        if !spaced && probe.one_of(b"Zz").is_some() {
            *self = probe;
            return 0;
        }
        let Some(sign) = probe.one_of(b"+-") else { return 0 };
        let Some(hours) = probe.digits(2) else { return 0 };
        let mut minutes = probe;
        let colon = minutes.one_of(b":").is_some();
        let minutes_read = minutes.digits(2);
        if minutes_read.is_some() {
            probe = minutes;
        } else if colon {
            return 0;
        }
        let offset = hours * 3600 + minutes_read.unwrap_or(0) * 60;
        if hours > 23 || minutes_read.is_some_and(|m| m > 59) || (spaced && minutes_read.is_none()) {
            return 0;
        }
        *self = probe;
        if sign == b'-' { -offset } else { offset }
    }

    /// Takes a date and time: `yyyy-mm-dd` or `yyyy/mm/dd`, one of `T t _` or a space, `hh:mm:ss`, fraction and zone.
    pub(crate) fn date_time(&mut self) -> Option<i64> {
        let (head, rest) = self.0.split_first_chunk::<19>()?;
        let mut largest = 0;
        let mut number = |digits: &[u8]| {
            digits.iter().fold(0i64, |value, digit| {
                let digit = digit.wrapping_sub(b'0');
                largest = largest.max(digit);
                value * 10 + i64::from(digit)
            })
        };
        let (year, month, day) = (number(&head[..4]), number(&head[5..7]), number(&head[8..10]));
        let (hour, minute, second) = (number(&head[11..13]), number(&head[14..16]), number(&head[17..]));
        let separators = matches!(head[4], b'-' | b'/')
            && head[7] == head[4]
            && matches!(head[10], b'T' | b't' | b' ' | b'_')
            && head[13] == b':'
            && head[16] == b':';
        if largest > 9 || !separators || hour > 23 || minute > 59 || second > 60 {
            return None;
        }
        let mut probe = Cursor(rest);
        let of_day = ((hour * 60 + minute) * 60 + second) * 1_000_000_000 + probe.fraction();
        let offset = probe.zone();
        let days = days_from_civil(year, month, day)?;
        let seconds = i128::from(days) * 86_400 - i128::from(offset);
        let time = i64::try_from(seconds * NS_PER_SECOND + i128::from(of_day)).ok()?;
        *self = probe;
        Some(time)
    }
}

/// A time in any form records carry: a date and time, or an epoch number of s, ms, µs or ns told apart by magnitude.
/// `None` when it is none of these, not after 1970, or after 2262.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let text = text.trim();
    let mut cursor = Cursor(text.as_bytes());
    let time = match cursor.date_time() {
        Some(time) if cursor.0.is_empty() => time,
        _ => epoch(text)?,
    };
    (time > 0).then_some(time)
}

/// An epoch number: below 1e11 seconds, below 1e14 milliseconds, below 1e17 microseconds, else nanoseconds. Decimals
/// are kept exactly.
pub(crate) fn epoch(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return epoch_of_double(text.parse().ok()?);
    }
    let whole: i64 = whole.parse().ok()?;
    let unit = unit_of(whole as f64);
    let (mut part, mut denominator) = (0i128, 1i128);
    for digit in fraction.bytes().take(18) {
        part = part * 10 + i128::from(digit - b'0');
        denominator *= 10;
    }
    let part = part * i128::from(unit) / denominator;
    let time = i64::try_from(i128::from(whole) * i128::from(unit) + part).ok()?;
    (time > 0).then_some(time)
}

/// [`epoch`] of a whole number.
pub(crate) fn epoch_of_int(value: i64) -> Option<i64> {
    let time = i64::try_from(i128::from(value) * i128::from(unit_of(value as f64))).ok()?;
    (time > 0).then_some(time)
}

/// [`epoch`] of a number with an exponent.
fn epoch_of_double(value: f64) -> Option<i64> {
    let time = value * unit_of(value) as f64;
    (1.0..9.2e18).contains(&time).then_some(time as i64)
}

/// Nanoseconds of the unit an epoch number is probably in.
fn unit_of(value: f64) -> i64 {
    if value < 1e11 {
        1_000_000_000
    } else if value < 1e14 {
        1_000_000
    } else if value < 1e17 {
        1000
    } else {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_epochs_are_read() {
        const T: i64 = 1_700_000_000_000_000_000; // 2023-11-14T22:13:20Z
        for (text, expect) in [
            ("2023-11-14T22:13:20Z", Some(T)),
            ("2023-11-14t22:13:20z", Some(T)),
            ("2023-11-14T22:13:20", Some(T)),
            ("2023-11-14 22:13:20", Some(T)),
            ("2023/11/14 22:13:20", Some(T)),
            ("2023-11-14T22:13:20.5Z", Some(T + 500_000_000)),
            ("2023-11-14 22:13:20,123", Some(T + 123_000_000)),
            ("2023-11-14T22:13:20.123456789123Z", Some(T + 123_456_789)),
            ("2023-11-15T00:13:20+02:00", Some(T)),
            ("2023-11-14T14:13:20-0800", Some(T)),
            ("2023-11-15T00:13:20+02", Some(T)),
            ("2023-11-14 22:13:20 UTC", Some(T)),
            ("2023-11-14 23:13:20 +0100", Some(T)),
            ("1970-01-01T00:00:01Z", Some(1_000_000_000)),
            ("2000-02-29T00:00:00Z", Some(951_782_400_000_000_000)),
            ("1700000000", Some(T)),
            ("1700000000000", Some(T)),
            ("1700000000000000", Some(T)),
            ("1700000000000000000", Some(T)),
            ("1700000000.5", Some(T + 500_000_000)),
            ("1700000000.123456789", Some(T + 123_456_789)),
            ("1700000000123.25", Some(T + 123_250_000)),
            ("1.7e9", Some(T)),
            (" 1700000000 ", Some(T)),
            ("0", None),
            ("-5", None),
            ("1e400", None),
            ("99999999999999999999", None),
            ("2023-02-29T00:00:00Z", None),
            ("2023-13-01T00:00:00Z", None),
            ("2023-11-14T24:00:00Z", None),
            ("2023-11-14T22:13:20Zoo", None),
            ("9999-12-31T23:59:59Z", None),
            ("1969-12-31T23:59:59Z", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(parse(text), expect, "{text}");
        }
    }

    #[test]
    fn years_and_days_agree() {
        for year in 1970..2262 {
            let first = days_from_civil(year, 1, 1).expect("a day") * 86_400_000_000_000;
            let last = days_from_civil(year, 12, 31).expect("a day") * 86_400_000_000_000;
            assert_eq!((year_of(first), year_of(last)), (year, year));
        }
        assert_eq!(days_from_civil(1970, 1, 1), Some(0));
        assert_eq!(days_from_civil(2023, 2, 29), None);
    }
}
