//! The syntax tree: what a query means, free of how it was written.
//!
//! Normal form, which the parser always yields: `And` and `Or` have two or more children and none of their own kind,
//! `And` has no `All` among its children, and a field group (`f:(a OR b)`) is already distributed over its members.

use std::net::IpAddr;

use crate::pipe::Pipe;

/// A whole query: which rows, then what to do with them, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// The rows wanted.
    pub filter: Filter,
    /// The steps the rows go through, first to last; may be empty.
    pub pipes: Vec<Pipe>,
}

/// A predicate over one row.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// Every row: `*`, or nothing written.
    All,
    /// Every child holds.
    And(Vec<Filter>),
    /// At least one child holds.
    Or(Vec<Filter>),
    /// The child does not hold. A row without the field therefore passes `!field:x` and `field:!=x`.
    Not(Box<Filter>),
    /// One field, or when `field` is `None` any one field of the row, passes the test.
    Match {
        /// The field as written (`_msg`, `service`, `http method`); `None` is any field.
        field: Option<String>,
        /// What its value must pass.
        test: Test,
    },
    /// The row's timestamp lies in the range.
    Time(TimeRange),
}

/// A test of one value. Text tests look at the value's text form; [`crate::WordMatcher`] is their meaning.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// `error`, `foo-bar`: an unquoted word. Matches as [`Test::Phrase`] does.
    Word(String),
    /// `err*`: case-insensitive, a word boundary before and anything after.
    Prefix(String),
    /// `*ampl*`: case-insensitive, anywhere.
    Substring(String),
    /// `"two words"`: case-insensitive, with a word boundary on both ends.
    Phrase(String),
    /// `field:=x`, `field:="x"`: the whole value, case-sensitive; a number is compared as its text. Never empty.
    Exact(String),
    /// `field:~"re"`: the source of an unanchored, case-sensitive regular expression (syntax of the `regex` crate).
    Regex(String),
    /// `field:>10ms`: ordered comparison. (`field:!=x` is `Not` around [`Test::Exact`].)
    Compare {
        /// Which comparison.
        op: CompareOp,
        /// The right-hand side.
        value: Scalar,
    },
    /// `field:range(a, b]`, `field:[a, b)`: at least one end is present.
    Range {
        /// Lower end; `None` is unbounded.
        low: Option<Bound>,
        /// Upper end; `None` is unbounded.
        high: Option<Bound>,
    },
    /// `field:in(a, b, "c")`: the whole value, case-sensitive, is one of these. Never an empty list.
    OneOf(Vec<String>),
    /// `field:ipv4_range("10.0.0.0/8")`, `field:ipv4_range(a, b)`: the value is an IPv4 address in `low..=high`.
    Ipv4Range {
        /// First address, inclusive.
        low: u32,
        /// Last address, inclusive.
        high: u32,
    },
    /// `field:""`: the field is absent or empty. Only ever with a field.
    Empty,
    /// `field:*`: the field is present and not empty. Only ever with a field.
    Any,
}

/// An ordered comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `<`
    Lt,
    /// `<=`
    Le,
}

impl CompareOp {
    /// The operator as written.
    pub fn as_str(self) -> &'static str {
        match self {
            CompareOp::Gt => ">",
            CompareOp::Ge => ">=",
            CompareOp::Lt => "<",
            CompareOp::Le => "<=",
        }
    }
}

/// One end of a range of values.
#[derive(Debug, Clone, PartialEq)]
pub struct Bound {
    /// The end itself.
    pub value: Scalar,
    /// Whether the end belongs to the range.
    pub inclusive: bool,
}

/// A value to compare with, typed by how it was written. A quoted value is always [`Scalar::Text`].
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// `500`, `-3`
    Int(i64),
    /// `0.25`, `1e6`, and whole numbers beyond `i64`; always finite.
    Float(f64),
    /// `1h30m`, in nanoseconds.
    Duration(i64),
    /// `10KiB`, in bytes.
    Size(u64),
    /// `10.0.0.1`, `::1`
    Ip(IpAddr),
    /// Anything else; compared as text.
    Text(String),
}

/// A range of timestamps; [`TimeRange::resolve`] turns it into nanoseconds once the current time is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeRange {
    /// `_time:5m`, `_time:5m offset 1h`: `[now - offset - duration, now - offset)`; with no offset, the upper end is
    /// open, so that rows stamped slightly in the future are not lost.
    Last {
        /// Length of the range, above zero.
        duration_ns: i64,
        /// How far before now the range ends; zero when none was written.
        offset_ns: i64,
    },
    /// Every other form, as the half-open `[low, high)`: inclusive and exclusive ends and whole periods
    /// (`_time:2026-08-01`) are already worked into the two points at nanosecond resolution.
    Between {
        /// First nanosecond inside; `None` is unbounded.
        low: Option<TimePoint>,
        /// First nanosecond after; `None` is unbounded.
        high: Option<TimePoint>,
    },
}

/// A moment, absolute or relative to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimePoint {
    /// Nanoseconds since the Unix epoch.
    Absolute(i64),
    /// Nanoseconds before now; negative is after now.
    Ago(i64),
}

impl TimePoint {
    /// Nanoseconds since the Unix epoch, given the current time; saturates at the ends of `i64`.
    pub fn resolve(self, now_ns: i64) -> i64 {
        match self {
            TimePoint::Absolute(ns) => ns,
            TimePoint::Ago(ns) => now_ns.saturating_sub(ns),
        }
    }
}

impl TimeRange {
    /// The range as half-open `[low, high)` nanoseconds since the Unix epoch; `None` is unbounded.
    pub fn resolve(&self, now_ns: i64) -> (Option<i64>, Option<i64>) {
        match self {
            TimeRange::Last { duration_ns, offset_ns } => {
                let end = now_ns.saturating_sub(*offset_ns);
                let high = (*offset_ns != 0).then_some(end);
                (Some(end.saturating_sub(*duration_ns)), high)
            }
            TimeRange::Between { low, high } => {
                (low.map(|point| point.resolve(now_ns)), high.map(|point| point.resolve(now_ns)))
            }
        }
    }

    /// Whether a timestamp lies in the range.
    pub fn contains(&self, timestamp_ns: i64, now_ns: i64) -> bool {
        let (low, high) = self.resolve(now_ns);
        low.is_none_or(|low| timestamp_ns >= low) && high.is_none_or(|high| timestamp_ns < high)
    }
}

impl Query {
    /// The names of the stored fields the query reads, sorted, each once. `_time` is among them when the filter names it.
    ///
    /// After a pipe that makes new rows (`stats`, `top`, `uniq`) names refer to its output, so collecting stops there. A
    /// test of any field (a bare word) adds no name.
    pub fn fields(&self) -> Vec<String> {
        let mut names = std::collections::BTreeSet::new();
        self.filter.collect_fields(&mut names);
        for pipe in &self.pipes {
            pipe.collect_fields(&mut names);
            if pipe.makes_new_rows() {
                break;
            }
        }
        names.into_iter().collect()
    }
}

impl Filter {
    /// Adds the names of the fields the filter tests.
    pub(crate) fn collect_fields(&self, names: &mut std::collections::BTreeSet<String>) {
        match self {
            Filter::All => {}
            Filter::And(children) | Filter::Or(children) => {
                for child in children {
                    child.collect_fields(names);
                }
            }
            Filter::Not(child) => child.collect_fields(names),
            Filter::Match { field, .. } => names.extend(field.clone()),
            Filter::Time(_) => {
                names.insert("_time".to_owned());
            }
        }
    }

    /// Joins two or more filters with AND, in normal form.
    pub fn and(parts: Vec<Filter>) -> Filter {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Filter::All => {}
                Filter::And(children) => flat.extend(children),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Filter::All,
            1 => flat.pop().unwrap_or(Filter::All),
            _ => Filter::And(flat),
        }
    }

    /// Joins two or more filters with OR, in normal form. Of no filters at all it is [`Filter::All`].
    pub fn or(parts: Vec<Filter>) -> Filter {
        let mut flat = Vec::with_capacity(parts.len());
        for part in parts {
            match part {
                Filter::Or(children) => flat.extend(children),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 | 1 => flat.pop().unwrap_or(Filter::All),
            _ => Filter::Or(flat),
        }
    }
}
