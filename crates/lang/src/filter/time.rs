//! `_time:5m`, `_time:2026-08-01`, `_time:[a, b)`, `_time:>=x`: when. Every form becomes a half-open range.

use std::fmt;

use crate::ast::{CompareOp, TimePoint, TimeRange};
use crate::error::ParseError;
use crate::parser::Parser;
use crate::scalar::{format_duration, parse_duration};
use crate::time::{Moment, MomentKind, TIME_FORMS, parse_moment};

use super::{compare, range, value};

/// Reads the value of `_time:`.
pub(super) fn parse(p: &mut Parser) -> Result<TimeRange, ParseError> {
    let range = match p.peek() {
        Some('*') => {
            p.eat("*");
            TimeRange::Between { low: None, high: None }
        }
        Some('[' | '(') => bracketed(p)?,
        Some('>' | '<') => compared(p)?,
        _ => single(p)?,
    };
    match offset(p) {
        Some(offset_ns) => Ok(shifted(range, offset_ns)),
        None => Ok(range),
    }
}

/// `[a, b)`
fn bracketed(p: &mut Parser) -> Result<TimeRange, ParseError> {
    let open = p.pos();
    let low_inclusive = range::open_bracket(p)?;
    let low = end(p)?;
    p.expect(",", "between the ends of the range")?;
    let high = end(p)?;
    let high_inclusive = range::close_bracket(p, open)?;
    Ok(TimeRange::Between {
        low: low.map(|low| if low_inclusive { low.start } else { low.end }),
        high: high.map(|high| if high_inclusive { high.end } else { high.start }),
    })
}

fn end(p: &mut Parser) -> Result<Option<Moment>, ParseError> {
    p.skip_space();
    if p.eat("*") { Ok(None) } else { moment(p).map(Some) }
}

/// `>=x`. Of a duration the comparison is of ages, as in LogsQL: `_time:>1h` is older than one hour.
fn compared(p: &mut Parser) -> Result<TimeRange, ParseError> {
    let Some(op) = compare::operator(p) else {
        return Err(p.error_here("expected a comparison"));
    };
    let moment = moment(p)?;
    let op = match op {
        op if moment.kind != MomentKind::Duration => op,
        CompareOp::Gt => CompareOp::Lt,
        CompareOp::Ge => CompareOp::Le,
        CompareOp::Lt => CompareOp::Gt,
        CompareOp::Le => CompareOp::Ge,
    };
    let (low, high) = match op {
        CompareOp::Gt => (Some(moment.end), None),
        CompareOp::Ge => (Some(moment.start), None),
        CompareOp::Lt => (None, Some(moment.start)),
        CompareOp::Le => (None, Some(moment.end)),
    };
    Ok(TimeRange::Between { low, high })
}

/// `5m` or `2026-08-01`
fn single(p: &mut Parser) -> Result<TimeRange, ParseError> {
    let start = p.pos();
    let moment = moment(p)?;
    match (moment.kind, moment.start) {
        (MomentKind::Duration, TimePoint::Ago(0)) => Err(p.error_at(start, "the time range is empty")),
        (MomentKind::Duration, TimePoint::Ago(duration_ns)) => Ok(TimeRange::Last { duration_ns, offset_ns: 0 }),
        (MomentKind::Now, _) => {
            Err(p.error_at(start, "`now` is a moment, not a range").hint("write `_time:5m`, or `_time:[now-1h, now)`"))
        }
        _ => Ok(TimeRange::Between { low: Some(moment.start), high: Some(moment.end) }),
    }
}

fn moment(p: &mut Parser) -> Result<Moment, ParseError> {
    p.skip_space();
    let start = p.pos();
    let (text, _) = value(p, "a time").map_err(|error| error.hint(TIME_FORMS))?;
    parse_moment(&text).map_err(|message| p.error_at(start, message).hint(TIME_FORMS))
}

/// Reads `offset 1h` when it is next; a word `offset` with no duration after it is left alone.
fn offset(p: &mut Parser) -> Option<i64> {
    let start = p.pos();
    if p.eat_keyword("offset") {
        p.skip_space();
        let word = p.peek_bare();
        if let Some(ns) = parse_duration(word) {
            p.seek(p.pos() + word.len());
            return Some(ns);
        }
    }
    p.seek(start);
    None
}

/// The range, `offset_ns` earlier.
fn shifted(range: TimeRange, offset_ns: i64) -> TimeRange {
    let point = |point: TimePoint| match point {
        TimePoint::Absolute(ns) => TimePoint::Absolute(ns.saturating_sub(offset_ns)),
        TimePoint::Ago(ns) => TimePoint::Ago(ns.saturating_add(offset_ns).max(-i64::MAX)),
    };
    match range {
        TimeRange::Last { duration_ns, .. } => TimeRange::Last { duration_ns, offset_ns },
        TimeRange::Between { low, high } => TimeRange::Between { low: low.map(point), high: high.map(point) },
    }
}

/// Writes the value of `_time:`.
pub(crate) fn print(f: &mut fmt::Formatter<'_>, range: &TimeRange) -> fmt::Result {
    match range {
        TimeRange::Last { duration_ns, offset_ns: 0 } => f.write_str(&format_duration(*duration_ns)),
        TimeRange::Last { duration_ns, offset_ns } => {
            write!(f, "{} offset {}", format_duration(*duration_ns), format_duration(*offset_ns))
        }
        TimeRange::Between { low: None, high: None } => f.write_str("*"),
        TimeRange::Between { low: Some(low), high: None } => write!(f, ">={low}"),
        TimeRange::Between { low: None, high: Some(high) } => write!(f, "<{high}"),
        TimeRange::Between { low: Some(low), high: Some(high) } => write!(f, "[{low}, {high})"),
    }
}

#[cfg(test)]
mod tests {
    use crate::tests::{check_error, check_filter};

    #[test]
    fn parses_and_prints() {
        check_filter("_time:5m", "time[5m]");
        check_filter("_time:1h30m", "time[1h30m]");
        check_filter("_time:5m offset 1h", "time[5m offset 1h]");
        check_filter("_time:5m offset", "and(time[5m] any[Word(offset)])");
        check_filter("_time:5m AND offset AND 1h", "and(time[5m] any[Word(offset)] any[Word(1h)])");
        check_filter("_time:2026-08-01", "time[[2026-08-01T00:00:00Z, 2026-08-02T00:00:00Z)]");
        check_filter("_time:2026", "time[[2026-01-01T00:00:00Z, 2027-01-01T00:00:00Z)]");
        check_filter("_time:2026-08-01T10:00:00Z", "time[[2026-08-01T10:00:00Z, 2026-08-01T10:00:01Z)]");
        check_filter("_time:\"2026-08-01 10:30\"", "time[[2026-08-01T10:30:00Z, 2026-08-01T10:31:00Z)]");
        check_filter("_time:1785578400", "time[[2026-08-01T10:00:00Z, 2026-08-01T10:00:01Z)]");
        check_filter("_time:[2026-08-01, 2026-08-03]", "time[[2026-08-01T00:00:00Z, 2026-08-04T00:00:00Z)]");
        check_filter("_time:(2026-08-01, 2026-08-03)", "time[[2026-08-02T00:00:00Z, 2026-08-03T00:00:00Z)]");
        check_filter("_time:[now-1h, now)", "time[[now-1h, now)]");
        check_filter("_time:[1h, 30m)", "time[[now-1h, now-30m)]");
        check_filter("_time:[*, 2026)", "time[<2026-01-01T00:00:00Z]");
        check_filter("_time:>=2026-08-01", "time[>=2026-08-01T00:00:00Z]");
        check_filter("_time:>2026-08-01", "time[>=2026-08-02T00:00:00Z]");
        check_filter("_time:<2026-08-01", "time[<2026-08-01T00:00:00Z]");
        check_filter("_time:<=2026-08-01", "time[<2026-08-02T00:00:00Z]");
        check_filter("_time:>1h", "time[<now-1h]");
        check_filter("_time:<=1h", "time[>=now-1h]");
        check_filter("_time:<1h", "time[>=now-59m59s999ms999us999ns]");
        check_filter("_time:>=now-1h", "time[>=now-1h]");
        check_filter("_time:<now+1m", "time[<now+1m]");
        check_filter("_time:<=now", "time[<now+1ns]");
        check_filter("_time:2026-08-01 offset 1d", "time[[2026-07-31T00:00:00Z, 2026-08-01T00:00:00Z)]");
        check_filter("_time:*", "time[*]");
        check_filter("!_time:5m error", "and(not(time[5m]) any[Word(error)])");
    }

    #[test]
    fn errors() {
        check_error("_time:", 7, "`_time:` has no value", "");
        check_error("_time:yesterday", 7, "`yesterday` is not a time", "write `5m`");
        check_error("a _time:2026-02-30", 9, "`2026-02-30` is not a time", "write `5m`");
        check_error("_time:now", 7, "not a range", "_time:5m");
        check_error("_time:0s", 7, "empty", "");
        check_error("_time:[now-1h now]", 15, "expected `,`", "");
        check_error("_time:[now-1h, now", 7, "never closed", "add `]`");
        check_error("_time:1500-01-01", 7, "outside the years", "");
        check_error("_time:5m,x", 9, "a comma cannot stand here", "");
    }
}
