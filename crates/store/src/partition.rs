//! Time partitions: a segment belongs to one UTC day, and merges stay within it.
//!
//! A segment's partition is the day of its newest record. Flush gives each day of a generation its own segment, up to
//! [`PARTITIONS_PER_FLUSH_MAX`] per tenant and signal: the days with most rows; the rows of all others stay together in
//! one segment, which belongs to the newest of them. Late records therefore land in segments of their own day and are
//! deleted with it. Records dated more than a day ahead of the clock have a partition of their own ([`FUTURE`]), so
//! that a wrong clock of a sender keeps nobody else's records alive; they age from their receipt until their time comes.

use clewline_segment::Part;
use hashbrown::HashMap;

use crate::limits::PARTITIONS_PER_FLUSH_MAX;

/// Length of a partition.
pub(crate) const DAY_NS: i64 = 86_400_000_000_000;

/// The partition of records dated more than a day ahead of the clock.
pub(crate) const FUTURE: i64 = i64::MAX;

/// The day a time belongs to, or [`FUTURE`].
pub(crate) fn day_of(time_ns: i64, now_ns: i64) -> i64 {
    if is_future(time_ns, now_ns) { FUTURE } else { time_ns.div_euclid(DAY_NS) }
}

/// More than a day ahead of the clock.
pub(crate) fn is_future(time_ns: i64, now_ns: i64) -> bool {
    time_ns > now_ns.saturating_add(DAY_NS)
}

/// Splits the rows of one tenant and signal by day: one list of parts per segment to be written, at most
/// [`PARTITIONS_PER_FLUSH_MAX`]. Parts within one day are shared, not copied.
pub(crate) fn split(parts: &[Part], now_ns: i64) -> Vec<Vec<Part>> {
    let mut rows: HashMap<i64, u64> = HashMap::new();
    for part in parts {
        for &time in part.batch.times() {
            *rows.entry(day_of(time, now_ns)).or_default() += 1;
        }
    }
    if rows.len() <= 1 {
        return vec![parts.to_vec()];
    }
    let mut days: Vec<(i64, u64)> = rows.into_iter().collect();
    if days.len() > PARTITIONS_PER_FLUSH_MAX {
        days.sort_unstable_by_key(|&(day, rows)| std::cmp::Reverse((rows, day)));
        days.truncate(PARTITIONS_PER_FLUSH_MAX - 1);
    }
    days.sort_unstable();
    // The last list takes the rows of all days without one.
    let mut lists: Vec<Vec<Part>> = vec![Vec::new(); days.len() + 1];
    for part in parts {
        let list_of = |time: i64| {
            let day = day_of(time, now_ns);
            days.binary_search_by_key(&day, |&(known, _)| known).unwrap_or(days.len())
        };
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); lists.len()];
        for (row, &time) in part.batch.times().iter().enumerate() {
            rows[list_of(time)].push(row);
        }
        for (list, rows) in lists.iter_mut().zip(rows) {
            if rows.len() == part.rows() {
                list.push(part.clone());
            } else if !rows.is_empty() {
                list.push(part.select(&rows));
            }
        }
    }
    lists.retain(|list| !list.is_empty());
    lists
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use clewline_model::batch::{Batch, LogRecord};
    use clewline_model::signal::Signal;

    use super::*;

    const NOW: i64 = 20_000 * DAY_NS + DAY_NS / 2;

    fn part(times: &[i64]) -> Part {
        let mut batch = Batch::new(Signal::Logs);
        for &time in times {
            batch.push_log(0, 0, &LogRecord { time, body: "x", ..LogRecord::default() });
        }
        Part::new(Arc::new(batch), 1)
    }

    fn times(lists: &[Vec<Part>]) -> Vec<Vec<i64>> {
        lists.iter().map(|list| list.iter().flat_map(|part| part.batch.times().to_vec()).collect()).collect()
    }

    #[test]
    fn each_day_has_its_list_and_nothing_is_lost() {
        let parts = [part(&[NOW, NOW - DAY_NS, NOW + 1]), part(&[NOW + 2 * DAY_NS]), part(&[NOW - DAY_NS - 1])];
        assert_eq!(
            times(&split(&parts, NOW)),
            [vec![NOW - DAY_NS, NOW - DAY_NS - 1], vec![NOW, NOW + 1], vec![NOW + 2 * DAY_NS]]
        );
        let one = split(&parts[..0], NOW);
        assert_eq!(one.len(), 1);
    }

    #[test]
    fn the_number_of_lists_is_bounded_and_the_rest_stays_together() {
        let many: Vec<i64> = (0..40).map(|day| NOW - day * DAY_NS).collect();
        let parts = [part(&many), part(&[NOW; 3]), part(&[NOW - 39 * DAY_NS; 2])];
        let lists = split(&parts, NOW);
        assert_eq!(lists.len(), PARTITIONS_PER_FLUSH_MAX);
        let all: usize = lists.iter().flatten().map(Part::rows).sum();
        assert_eq!(all, 45);
        let rest = times(&lists).pop().unwrap();
        assert_eq!(rest.len(), 40 - (PARTITIONS_PER_FLUSH_MAX - 1), "every other row is in the last list");
        assert!(!rest.contains(&NOW) && !rest.contains(&(NOW - 39 * DAY_NS)), "the days with most rows have their own");
    }

    #[test]
    fn days_before_1970_and_ahead_of_the_clock() {
        assert_eq!((day_of(-1, NOW), day_of(0, NOW), day_of(i64::MIN, NOW)), (-1, 0, i64::MIN.div_euclid(DAY_NS)));
        assert_eq!((day_of(NOW + DAY_NS, NOW), day_of(NOW + DAY_NS + 1, NOW)), (20_001, FUTURE));
    }
}
