//! Numbers with units, addresses and text: the right-hand side of comparisons.
//!
//! Units are those of LogsQL: durations `ns us µs ms s m h d w y`, sizes in powers of 1000 (`KB`, `K`) and of 1024 (`KiB`,
//! `Ki`). Decimal fractions are exact (integer arithmetic), truncated below one nanosecond or byte.

use std::fmt;
use std::net::IpAddr;

use crate::ast::Scalar;
use crate::print::Quoted;

const US: i128 = 1_000;
const MS: i128 = 1_000_000;
const SECOND: i128 = 1_000_000_000;
const MINUTE: i128 = 60 * SECOND;
const HOUR: i128 = 60 * MINUTE;
const DAY: i128 = 24 * HOUR;

/// Most digits before a decimal point: as many as `u64::MAX` has. With twelve after it, 32 digits fit an `i128`.
const DIGITS_MAX: usize = 20;

/// Types an unquoted value by how it is written; what is nothing else is text.
pub fn parse_scalar(text: &str) -> Scalar {
    if let Some(scalar) = parse_number(text) {
        return scalar;
    }
    if let Some(ns) = parse_duration(text) {
        return Scalar::Duration(ns);
    }
    if let Some(bytes) = parse_size(text) {
        return Scalar::Size(bytes);
    }
    match text.parse::<IpAddr>() {
        Ok(ip) => Scalar::Ip(ip),
        Err(_) => Scalar::Text(text.to_owned()),
    }
}

/// A whole number, or a finite decimal one. Words that `f64` knows (`inf`, `nan`) are not numbers.
fn parse_number(text: &str) -> Option<Scalar> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Ok(value) = text.parse::<i64>() {
        return Some(Scalar::Int(value));
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite()).map(Scalar::Float)
}

/// Nanoseconds of a duration such as `15m`, `1h30m`, `1.5s`, `-2d`; `None` when it is not one or exceeds `i64`.
pub fn parse_duration(text: &str) -> Option<i64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    if rest.is_empty() {
        return None;
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let (number, after) = split_decimal(rest)?;
        let unit_len = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at_checked(unit_len)?;
        total = total.checked_add(number.times(duration_unit(unit)?))?;
        rest = after;
    }
    i64::try_from(sign * total).ok()
}

/// Nanoseconds of one unit of time.
fn duration_unit(unit: &str) -> Option<i128> {
    Some(match unit {
        "ns" => 1,
        "us" | "\u{b5}s" | "\u{3bc}s" => US,
        "ms" => MS,
        "s" => SECOND,
        "m" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        "w" => 7 * DAY,
        "y" => 365 * DAY,
        _ => return None,
    })
}

/// Bytes of a size such as `10KiB`, `1.5GB`, `20M`.
fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = split_decimal(text)?;
    u64::try_from(number.times(size_unit(unit)?)).ok()
}

/// Bytes of one unit of size. A bare letter counts in thousands and must be upper case, `m` being minutes.
fn size_unit(unit: &str) -> Option<i128> {
    if unit == "B" {
        return Some(1);
    }
    let (prefix, suffix) = unit.split_at_checked(1)?;
    let power = match prefix {
        "k" | "K" => 1,
        "m" | "M" => 2,
        "g" | "G" => 3,
        "t" | "T" => 4,
        _ => return None,
    };
    match suffix {
        "" if prefix.chars().all(char::is_uppercase) => Some(1000_i128.pow(power)),
        "B" | "b" => Some(1000_i128.pow(power)),
        "i" | "iB" | "ib" | "IB" => Some(1024_i128.pow(power)),
        _ => None,
    }
}

/// A decimal number without sign: `digits / 10^scale`.
struct Decimal {
    digits: i128,
    scale: u32,
}

impl Decimal {
    /// The number times a unit, truncated. Saturates only where the result is far beyond 64 bits.
    fn times(&self, unit: i128) -> i128 {
        self.digits.saturating_mul(unit) / 10_i128.saturating_pow(self.scale)
    }
}

/// Splits a leading decimal number off a text.
fn split_decimal(text: &str) -> Option<(Decimal, &str)> {
    let run = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (whole, after) = text.split_at_checked(run(text))?;
    if whole.is_empty() || whole.len() > DIGITS_MAX {
        return None;
    }
    let (fraction, after) = match after.strip_prefix('.') {
        Some(after) => after.split_at_checked(run(after)).filter(|(fraction, _)| !fraction.is_empty())?,
        None => ("", after),
    };
    // Digits beyond the ninth are below a nanosecond of a second; twelve keep hours exact and the product in range.
    let fraction = fraction.get(..fraction.len().min(12)).unwrap_or(fraction);
    let digits = format!("{whole}{fraction}").parse::<i128>().ok()?;
    Some((Decimal { digits, scale: u32::try_from(fraction.len()).ok()? }, after))
}

/// Writes nanoseconds as the shortest exact duration: `1h30m`, `1s500ms`, `0s`.
pub fn format_duration(ns: i64) -> String {
    if ns == 0 {
        return "0s".to_owned();
    }
    let mut text = String::from(if ns < 0 { "-" } else { "" });
    let mut rest = i128::from(ns).abs();
    for (unit, name) in [(DAY, "d"), (HOUR, "h"), (MINUTE, "m"), (SECOND, "s"), (MS, "ms"), (US, "us"), (1, "ns")] {
        if rest >= unit {
            text.push_str(&format!("{}{name}", rest / unit));
            rest %= unit;
        }
    }
    text
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Int(value) => write!(f, "{value}"),
            // The debug form always has a point or an exponent, so it stays a float when read again.
            Scalar::Float(value) => write!(f, "{value:?}"),
            Scalar::Duration(ns) => f.write_str(&format_duration(*ns)),
            Scalar::Size(bytes) => {
                let units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
                match units.iter().find(|(unit, _)| *bytes > 0 && bytes % unit == 0) {
                    Some((unit, name)) => write!(f, "{}{name}", bytes / unit),
                    None => write!(f, "{bytes}B"),
                }
            }
            Scalar::Ip(ip) => write!(f, "{ip}"),
            Scalar::Text(text) => write!(f, "{}", Quoted(text)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_values_by_how_they_are_written() {
        let check = |text: &str, expect: Scalar| assert_eq!(parse_scalar(text), expect, "{text}");
        check("500", Scalar::Int(500));
        check("-3", Scalar::Int(-3));
        check("0.25", Scalar::Float(0.25));
        check("1e6", Scalar::Float(1e6));
        check("18446744073709551615", Scalar::Float(18_446_744_073_709_551_615.0));
        check("1e999", Scalar::Text("1e999".into()));
        check("nan", Scalar::Text("nan".into()));
        check("10ms", Scalar::Duration(10_000_000));
        check("1h30m", Scalar::Duration(5_400_000_000_000));
        check("1.5s", Scalar::Duration(1_500_000_000));
        check("3µs", Scalar::Duration(3_000));
        check("3μs", Scalar::Duration(3_000));
        check("-1w", Scalar::Duration(-604_800_000_000_000));
        check("10KiB", Scalar::Size(10_240));
        check("10Ki", Scalar::Size(10_240));
        check("1.5GB", Scalar::Size(1_500_000_000));
        check("10kb", Scalar::Size(10_000));
        check("10K", Scalar::Size(10_000));
        check("10M", Scalar::Size(10_000_000));
        check("10m", Scalar::Duration(600_000_000_000));
        check("7B", Scalar::Size(7));
        check("10k", Scalar::Text("10k".into()));
        check("10.0.0.1", Scalar::Ip("10.0.0.1".parse().unwrap()));
        check("::1", Scalar::Ip("::1".parse().unwrap()));
        check("v1.2", Scalar::Text("v1.2".into()));
        check("1m30", Scalar::Text("1m30".into()));
        check("5.m", Scalar::Text("5.m".into()));
        check("999999999999y", Scalar::Text("999999999999y".into()));
        check("99999999999999999999TB", Scalar::Text("99999999999999999999TB".into()));
        check("", Scalar::Text(String::new()));
    }

    #[test]
    fn durations_print_as_they_parse() {
        for (ns, text) in [
            (0, "0s"),
            (1, "1ns"),
            (5_400_000_000_000, "1h30m"),
            (1_500_000_000, "1s500ms"),
            (-86_400_000_000_000, "-1d"),
            (i64::MAX, "106751d23h47m16s854ms775us807ns"),
            (i64::MIN, "-106751d23h47m16s854ms775us808ns"),
        ] {
            assert_eq!(format_duration(ns), text);
            assert_eq!(parse_duration(text), Some(ns));
        }
    }
}
