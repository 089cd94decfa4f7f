//! The time range a filter implies, for choosing which files to read.

use crate::ast::Filter;

/// Bounds every matching row's timestamp satisfies: half-open `[low, high)`, nanoseconds since the Unix epoch; `None` is
/// unbounded. Conservative: wider than the truth at worst (a negated range gives no bound). An empty intersection comes
/// back as `low >= high`.
pub fn time_bounds(filter: &Filter, now_ns: i64) -> (Option<i64>, Option<i64>) {
    match filter {
        Filter::Time(range) => range.resolve(now_ns),
        Filter::And(children) => children.iter().map(|child| time_bounds(child, now_ns)).fold(
            (None, None),
            |(low, high): (Option<i64>, Option<i64>), (child_low, child_high)| {
                // `None` sorts below every `Some`: right for the greatest low; the least high needs care.
                (low.max(child_low), [high, child_high].into_iter().flatten().min())
            },
        ),
        Filter::Or(children) => children
            .iter()
            .map(|child| time_bounds(child, now_ns))
            .reduce(|(low, high), (child_low, child_high)| {
                (low.min(child_low), high.zip(child_high).map(|(a, b)| a.max(b)))
            })
            .unwrap_or((None, None)),
        Filter::All | Filter::Not(_) | Filter::Match { .. } => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parser::parse_filter;

    #[test]
    fn bounds_of_filters() {
        let hour = 3_600_000_000_000_i64;
        let now = 100 * hour;
        let check = |query: &str, low: Option<i64>, high: Option<i64>| {
            let filter = parse_filter(query).unwrap();
            assert_eq!(time_bounds(&filter, now), (low.map(|h| h * hour), high.map(|h| h * hour)), "{query}");
        };
        check("error", None, None);
        check("_time:5h", Some(95), None);
        check("_time:5h error _time:2h", Some(98), None);
        check("_time:5h _time:<now-1h", Some(95), Some(99));
        check("_time:5h offset 1h", Some(94), Some(99));
        check("_time:<now-1h _time:<now-3h", None, Some(97));
        check("!_time:5h", None, None);
        check("_time:5h OR error", None, None);
        check("_time:[now-5h, now-4h) OR _time:[now-2h, now-1h)", Some(95), Some(99));
        check("_time:5h OR _time:<now-7h", None, None);
        check("_time:>2h", None, Some(98));
        check("_time:1970-01-02", Some(24), Some(48));
    }
}
