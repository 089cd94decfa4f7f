//! Tests of one value: its text form or its number.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use clewline_lang::{CompareOp, Scalar, WordKind, WordMatcher, parse_duration, parse_scalar};
use regex::Regex;

/// A test of a text.
#[derive(Debug, Clone)]
pub(crate) enum TextTest {
    /// A word, phrase, prefix or substring, ignoring case; with its kind and the needle as written.
    Word(Arc<WordMatcher>, WordKind, Arc<str>),
    /// A regular expression, anywhere.
    Regex(Arc<Regex>),
    /// The whole text.
    Exact(Arc<str>),
    /// The whole text is one of these.
    OneOf(Arc<[String]>),
    /// An IPv4 address in this range.
    Ipv4 { low: u32, high: u32 },
    /// The order of addresses of one family; what is none of them does not pass.
    Address { low: Option<(IpAddr, bool)>, high: Option<(IpAddr, bool)> },
    /// Text order against a bound.
    Order { low: Option<(Arc<str>, bool)>, high: Option<(Arc<str>, bool)> },
    /// SQL LIKE; ILIKE when `folds`.
    Like { regex: Arc<Regex>, folds: bool },
}

impl TextTest {
    /// True when the text passes.
    pub(crate) fn passes(&self, text: &str) -> bool {
        match self {
            TextTest::Word(matcher, ..) => matcher.is_match(text),
            TextTest::Regex(regex) | TextTest::Like { regex, .. } => regex.is_match(text),
            TextTest::Exact(value) => text == &**value,
            TextTest::OneOf(values) => values.iter().any(|value| value == text),
            TextTest::Ipv4 { low, high } => {
                text.parse::<Ipv4Addr>().is_ok_and(|ip| (*low..=*high).contains(&u32::from(ip)))
            }
            TextTest::Address { low, high } => {
                text.parse::<IpAddr>().is_ok_and(|ip| address_lies_between(ip, *low, *high))
            }
            TextTest::Order { low, high } => {
                low.as_ref().is_none_or(|(b, inclusive)| text > &**b || (*inclusive && text == &**b))
                    && high.as_ref().is_none_or(|(b, inclusive)| text < &**b || (*inclusive && text == &**b))
            }
        }
    }

    /// True when the text form of a number, a boolean or an id could pass: saves turning columns into text for `error`.
    pub(crate) fn may_pass_numbers(&self) -> bool {
        match self {
            TextTest::Word(_, _, needle) => numeric_looking(needle),
            TextTest::Exact(value) => numeric_looking(value),
            TextTest::OneOf(values) => values.iter().any(|value| numeric_looking(value)),
            TextTest::Regex(_) | TextTest::Like { .. } | TextTest::Order { .. } => true,
            TextTest::Ipv4 { .. } | TextTest::Address { .. } => false,
        }
    }

    /// The whole value wanted, where only one or few can pass.
    pub(crate) fn exact_values(&self) -> Option<Vec<&str>> {
        match self {
            TextTest::Exact(value) => Some(vec![value]),
            TextTest::OneOf(values) => Some(values.iter().map(String::as_str).collect()),
            _ => None,
        }
    }
}

fn address_lies_between(ip: IpAddr, low: Option<(IpAddr, bool)>, high: Option<(IpAddr, bool)>) -> bool {
    let same_family = |bound: Option<(IpAddr, bool)>| bound.is_none_or(|(b, _)| b.is_ipv4() == ip.is_ipv4());
    same_family(low)
        && same_family(high)
        && low.is_none_or(|(b, inclusive)| ip > b || (inclusive && ip == b))
        && high.is_none_or(|(b, inclusive)| ip < b || (inclusive && ip == b))
}

/// Digits, hexadecimal digits, signs and points, or a piece of a word: what text forms of non-text values look like.
fn numeric_looking(needle: &str) -> bool {
    let hex = needle.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b'.' | b'-' | b'+'));
    let needle = needle.to_ascii_lowercase();
    hex || ["true", "false", "nan", "-inf"].iter().any(|word| word.contains(&needle))
}

/// A test of a number: one interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NumberTest {
    pub low: f64,
    pub low_inclusive: bool,
    pub high: f64,
    pub high_inclusive: bool,
    /// The interval in integers, exact where `f64` is not.
    pub low_int: i64,
    pub high_int: i64,
}

impl NumberTest {
    /// `value op bound`.
    pub(crate) fn compare(op: CompareOp, bound: Number) -> NumberTest {
        match op {
            CompareOp::Gt => NumberTest::between(Some((bound, false)), None),
            CompareOp::Ge => NumberTest::between(Some((bound, true)), None),
            CompareOp::Lt => NumberTest::between(None, Some((bound, false))),
            CompareOp::Le => NumberTest::between(None, Some((bound, true))),
        }
    }

    /// An interval; a bound is a value and whether it belongs.
    pub(crate) fn between(low: Option<(Number, bool)>, high: Option<(Number, bool)>) -> NumberTest {
        let (low_f, low_inclusive) = low.map_or((f64::NEG_INFINITY, true), |(n, i)| (n.as_f64(), i));
        let (high_f, high_inclusive) = high.map_or((f64::INFINITY, true), |(n, i)| (n.as_f64(), i));
        let low_int = low.map_or(i128::from(i64::MIN), |(n, inclusive)| n.lowest_int(inclusive));
        let high_int = high.map_or(i128::from(i64::MAX), |(n, inclusive)| n.highest_int(inclusive));
        // Bounds beyond all integers leave none.
        let (low_int, high_int) = if low_int > i128::from(i64::MAX) || high_int < i128::from(i64::MIN) {
            (i64::MAX, i64::MIN)
        } else {
            (i64::try_from(low_int).unwrap_or(i64::MIN), i64::try_from(high_int).unwrap_or(i64::MAX))
        };
        NumberTest { low: low_f, low_inclusive, high: high_f, high_inclusive, low_int, high_int }
    }

    /// True when the float passes; NaN never does.
    pub(crate) fn passes(&self, value: f64) -> bool {
        (value > self.low || (self.low_inclusive && value == self.low))
            && (value < self.high || (self.high_inclusive && value == self.high))
    }

    /// True when the integer passes.
    pub(crate) fn passes_int(&self, value: i64) -> bool {
        self.low_int <= value && value <= self.high_int
    }

    /// True when the text, read as a number with an optional unit, passes.
    pub(crate) fn passes_text(&self, text: &str) -> bool {
        let first = text.as_bytes().first();
        if !first.is_some_and(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.')) {
            return false;
        }
        if let Ok(int) = text.parse::<i64>() {
            return self.passes_int(int);
        }
        if let Ok(double) = text.parse::<f64>() {
            return self.passes(double);
        }
        Number::of(&parse_scalar(text)).is_some_and(|number| self.passes(number.as_f64()))
            || parse_duration(text).is_some_and(|ns| self.passes_int(ns))
    }
}

/// A number of a question.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Double(f64),
}

impl Number {
    /// The number of a scalar; durations in ns, sizes in bytes. `None` for texts and addresses.
    pub(crate) fn of(scalar: &Scalar) -> Option<Number> {
        Some(match scalar {
            Scalar::Int(value) | Scalar::Duration(value) => Number::Int(*value),
            Scalar::Float(value) => Number::Double(*value),
            Scalar::Size(value) => i64::try_from(*value).map_or(Number::Double(*value as f64), Number::Int),
            Scalar::Ip(_) | Scalar::Text(_) => return None,
        })
    }

    fn as_f64(self) -> f64 {
        match self {
            Number::Int(value) => value as f64,
            Number::Double(value) => value,
        }
    }

    /// The least integer on the right side of a lower bound, which may lie beyond `i64`.
    fn lowest_int(self, inclusive: bool) -> i128 {
        let step = i128::from(!inclusive);
        match self {
            Number::Int(value) => i128::from(value) + step,
            Number::Double(value) if value.fract() == 0.0 => (value as i128).saturating_add(step),
            Number::Double(value) => value.ceil() as i128,
        }
    }

    /// The greatest integer on the right side of an upper bound, which may lie beyond `i64`.
    fn highest_int(self, inclusive: bool) -> i128 {
        let step = i128::from(!inclusive);
        match self {
            Number::Int(value) => i128::from(value) - step,
            Number::Double(value) if value.fract() == 0.0 => (value as i128).saturating_sub(step),
            Number::Double(value) => value.floor() as i128,
        }
    }
}
