//! `stats by (a, _time:1m) count() as n, sum(b)`: one row per group.

/// The `stats` pipe. Output columns: the group keys in order, then the aggregates in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// What to compute; never empty, aliases distinct.
    pub aggregates: Vec<Aggregate>,
    /// What to group by; empty is one group of all rows.
    pub by: Vec<GroupKey>,
}

/// One computed column.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// What to compute.
    pub function: Function,
    /// Over which fields: zero or one for [`Function::Count`], one or more for [`Function::CountUniq`] (distinct
    /// combinations), exactly one for every other.
    pub fields: Vec<String>,
    /// Name of the output column.
    pub alias: String,
}

/// What an aggregate computes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    /// `count()`: rows; `count(field)`: rows where the field is present and not empty.
    Count,
    /// `count_uniq(a, b)`: distinct combinations of values.
    CountUniq,
    /// `sum(a)`
    Sum,
    /// `avg(a)`
    Avg,
    /// `min(a)`
    Min,
    /// `max(a)`
    Max,
    /// `median(a)`: the quantile 0.5.
    Median,
    /// `quantile(phi, a)`, with `0 <= phi <= 1`.
    Quantile(f64),
}

/// One key to group by.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupKey {
    /// The field; `_time` is the timestamp.
    pub field: String,
    /// Round values down to a multiple of this before grouping.
    pub bucket: Option<Bucket>,
}

/// The width of a group, above zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bucket {
    /// `_time:1m`, in nanoseconds; on `_time`, multiples are counted from the Unix epoch in UTC.
    Duration(i64),
    /// `size:100`, `size:10KiB` (bytes); finite.
    Number(f64),
}
