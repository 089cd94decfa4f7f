//! Instants and durations as text: RFC 3339, HTTP dates (RFC 9110 §5.6.7), and durations for people.

const SECOND_NS: u64 = 1_000_000_000;

/// `2026-11-24T02:00:00.123456789Z` of nanoseconds since 1970.
pub(crate) fn rfc3339(time_ns: u64) -> String {
    let seconds = time_ns / SECOND_NS;
    let (year, month, day) = civil_from_days((seconds / 86_400) as i64);
    let in_day = seconds % 86_400;
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:09}Z",
        in_day / 3_600,
        in_day / 60 % 60,
        in_day % 60,
        time_ns % SECOND_NS
    )
}

/// Nanoseconds since 1970 of an RFC 3339 time, offset respected; `None` when it is none or before 1970.
pub(crate) fn parse_rfc3339(text: &str) -> Option<u64> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = rest.split_at(zone_at);
    let mut parts = clock.splitn(3, ':');
    let hour: i64 = parts.next()?.parse().ok()?;
    let minute: i64 = parts.next()?.parse().ok()?;
    let (second, fraction) = {
        let text = parts.next()?;
        let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
        let digits: String = digits.chars().take(9).collect();
        let scale = 10u64.pow(9 - u32::try_from(digits.len()).ok()?);
        let fraction = if digits.is_empty() { 0 } else { digits.parse::<u64>().ok()? * scale };
        (whole.parse::<i64>().ok()?, fraction)
    };
    let offset = match zone.as_bytes() {
        [b'Z' | b'z'] => 0,
        [sign, ..] => {
            let (h, m) = zone.get(1..)?.split_once(':')?;
            let seconds = h.parse::<i64>().ok()? * 3_600 + m.parse::<i64>().ok()? * 60;
            if *sign == b'-' { -seconds } else { seconds }
        }
        [] => return None,
    };
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    u64::try_from(seconds).ok()?.checked_mul(SECOND_NS)?.checked_add(fraction)
}

/// Unix seconds of an HTTP date such as `Tue, 24 Nov 2026 02:00:00 GMT`.
pub(crate) fn parse_http_date(text: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut words = text.split_once(", ")?.1.split(' ');
    let day: u32 = words.next()?.parse().ok()?;
    let month_name = words.next()?;
    let month = u32::try_from(MONTHS.iter().position(|name| *name == month_name)?).ok()? + 1;
    let year: i64 = words.next()?.parse().ok()?;
    let mut clock = words.next()?.splitn(3, ':').map(|part| part.parse::<i64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    Some(days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// The time a terminal shows: `2026-11-24 02:00:00.123`, UTC, milliseconds.
pub(crate) fn short(text: &str) -> String {
    match parse_rfc3339(text) {
        Some(time_ns) => rfc3339(time_ns)[..23].replace('T', " "),
        None => text.to_string(),
    }
}

/// `1.2 µs`, `3.4 ms`, `5.6 s`, `2 m 3 s`: three significant digits.
pub(crate) fn duration(duration_ns: f64) -> String {
    let (value, unit) = match duration_ns {
        ns if ns < 1e3 => (ns, "ns"),
        ns if ns < 1e6 => (ns / 1e3, "µs"),
        ns if ns < 1e9 => (ns / 1e6, "ms"),
        ns if ns < 6e10 => (ns / 1e9, "s"),
        ns => return format!("{}m{:02}s", (ns / 6e10) as u64, (ns % 6e10 / 1e9) as u64),
    };
    format!("{}{unit}", significant(value))
}

/// Three significant digits, no trailing zeros after a point.
pub(crate) fn significant(value: f64) -> String {
    let digits = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_string() } else { text }
}

/// Whether `text` is a number and a unit (`90s`, `15m`, `2h`, `1d`, `1w`, `1h30m`).
pub(crate) fn is_span_of_time(text: &str) -> bool {
    let mut digits = 0;
    let mut units = 0;
    for c in text.chars() {
        match c {
            '0'..='9' => digits += 1,
            's' | 'm' | 'h' | 'd' | 'w' if digits > 0 => {
                digits = 0;
                units += 1;
            }
            _ => return false,
        }
    }
    units > 0 && digits == 0
}

/// Seconds of such a span; `None` when it is none.
pub(crate) fn seconds_of(text: &str) -> Option<u64> {
    if !is_span_of_time(text) {
        return None;
    }
    let mut total = 0u64;
    let mut number = 0u64;
    for c in text.chars() {
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            digit => {
                number = number.checked_mul(10)?.checked_add(u64::from(digit.to_digit(10)?))?;
                continue;
            }
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        number = 0;
    }
    Some(total)
}

/// `12.3 MB` (decimal units).
pub(crate) fn bytes(count: u64) -> String {
    let count = count as f64;
    match count {
        n if n < 1e3 => format!("{n} B"),
        n if n < 1e6 => format!("{} kB", significant(n / 1e3)),
        n if n < 1e9 => format!("{} MB", significant(n / 1e6)),
        n => format!("{} GB", significant(n / 1e9)),
    }
}

/// Howard Hinnant, "chrono-compatible low-level date algorithms".
fn days_from_civil(year: i64, month: u32, day: u32) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (i64::from(month) + if month > 2 { -3 } else { 9 }) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = (if shifted < 10 { shifted + 3 } else { shifted - 9 }) as u32;
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for text in
            ["1970-01-01T00:00:00.000000000Z", "2024-02-29T23:59:59.999999999Z", "2026-11-24T02:00:00.123456789Z"]
        {
            assert_eq!(rfc3339(parse_rfc3339(text).unwrap()), text);
        }
        assert_eq!(parse_rfc3339("2026-11-24T02:00:00+02:00"), parse_rfc3339("2026-11-24T00:00:00Z"));
        assert_eq!(parse_rfc3339("2026-11-24"), None);
        assert_eq!(parse_rfc3339("x"), None);
        assert_eq!(short("2026-11-24T02:00:00.123456789Z"), "2026-11-24 02:00:00.123");
    }

    #[test]
    fn http_dates() {
        assert_eq!(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_http_date("soon"), None);
    }

    #[test]
    fn durations_and_bytes() {
        for (ns, expect) in
            [(12.0, "12ns"), (1_234.0, "1.23µs"), (45_600_000.0, "45.6ms"), (1.5e9, "1.5s"), (123e9, "2m03s")]
        {
            assert_eq!(duration(ns), expect);
        }
        assert_eq!(bytes(12_345_678), "12.3 MB");
        assert_eq!(bytes(5), "5 B");
    }

    #[test]
    fn spans_of_time() {
        for (text, expect) in
            [("1h", Some(3_600)), ("1h30m", Some(5_400)), ("2d", Some(172_800)), ("5", None), ("h", None), ("", None)]
        {
            assert_eq!(seconds_of(text), expect, "{text}");
        }
    }
}
