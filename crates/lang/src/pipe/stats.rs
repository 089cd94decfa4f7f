//! `stats by (a, _time:1m) count() as n, sum(b)`: one row per group. The word `stats` may be left out, and `by` may follow
//! the functions.

use std::fmt;

use super::{Pipe, list};
use crate::ast::Scalar;
use crate::error::ParseError;
use crate::parser::Parser;
use crate::print::{Name, Names};
use crate::scalar::{format_duration, parse_scalar};
use crate::suggest::nearest;

/// The `stats` pipe. Output columns: the group keys in order, then the aggregates in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// What to compute; never empty. Aliases differ from each other and from the fields of `by`.
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
    /// Name of the output column: as written, or else made of the function and its fields (`count`, `sum_duration_ns`,
    /// `p99_duration_ns`), with letters, digits and `_` only.
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

/// Every function by name. The quantile's level is read with its arguments.
const FUNCTIONS: &[(&str, Function)] = &[
    ("count", Function::Count),
    ("count_uniq", Function::CountUniq),
    ("sum", Function::Sum),
    ("avg", Function::Avg),
    ("min", Function::Min),
    ("max", Function::Max),
    ("median", Function::Median),
    ("quantile", Function::Quantile(0.0)),
];

/// Named widths of a time group, as in LogsQL; months and years have no fixed width.
const NAMED_BUCKETS: &[(&str, &str)] =
    &[("second", "1s"), ("minute", "1m"), ("hour", "1h"), ("day", "1d"), ("week", "1w")];

/// The names of all functions.
pub(super) fn function_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, _)| *name)
}

impl Function {
    /// The name as written in a query.
    pub fn name(self) -> &'static str {
        let same = |other: &Function| std::mem::discriminant(other) == std::mem::discriminant(&self);
        FUNCTIONS.iter().find(|(_, function)| same(function)).map_or("", |(name, _)| name)
    }
}

/// Whether a pipe that begins with `word` is a `stats` pipe without the word `stats`.
pub(super) fn starts_without_name(word: &str, after: &str) -> bool {
    let called = after.trim_start().starts_with('(');
    let known = word.eq_ignore_ascii_case("by") || function_names().any(|name| word.eq_ignore_ascii_case(name));
    called && known
}

pub(super) fn parse(p: &mut Parser, pipes: &mut Vec<Pipe>) -> Result<(), ParseError> {
    p.skip_space();
    let start = p.pos();
    let mut by = group_keys(p)?;
    let mut aggregates: Vec<Aggregate> = Vec::new();
    loop {
        let next = aggregate(p, &aggregates)?;
        aggregates.push(next);
        p.skip_space();
        if !p.eat(",") {
            break;
        }
    }
    p.skip_space();
    if by.is_empty() {
        by = group_keys(p)?;
    } else if p.at_keyword("by") {
        return Err(p.error_here("`by` is written twice"));
    }
    if let Some(clash) = aggregates.iter().find(|aggregate| by.iter().any(|key| key.field == aggregate.alias)) {
        let error = p.error_at(start, format!("two columns are called `{}`", clash.alias));
        return Err(error.hint("name the function: `as other_name`"));
    }
    pipes.push(Pipe::Stats(Stats { aggregates, by }));
    Ok(())
}

/// Reads `by (a, _time:1m)`, when there.
fn group_keys(p: &mut Parser) -> Result<Vec<GroupKey>, ParseError> {
    let mut keys: Vec<GroupKey> = Vec::new();
    p.skip_space();
    if !p.eat_keyword("by") && p.peek() != Some('(') {
        return Ok(keys);
    }
    list::items(p, |p| {
        p.skip_space();
        let start = p.pos();
        let field = p.name("the name of a field to group by")?;
        if keys.iter().any(|key| key.field == field) {
            return Err(p.error_at(start, format!("`{field}` is named twice")));
        }
        let bucket = if p.eat(":") { Some(bucket(p)?) } else { None };
        keys.push(GroupKey { field, bucket });
        Ok(())
    })?;
    Ok(keys)
}

/// Reads the width of a group.
fn bucket(p: &mut Parser) -> Result<Bucket, ParseError> {
    p.skip_space();
    let word = p.peek_bare();
    let text = NAMED_BUCKETS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)).map_or(word, |(_, width)| width);
    let bucket = match parse_scalar(text) {
        Scalar::Duration(ns) if ns > 0 => Bucket::Duration(ns),
        Scalar::Int(n) if n > 0 => Bucket::Number(n as f64),
        Scalar::Float(n) if n > 0.0 => Bucket::Number(n),
        Scalar::Size(n) if n > 0 => Bucket::Number(n as f64),
        _ => {
            let found = p.describe();
            let error = p.error_here(format!("expected the width of a group, found {found}"));
            return Err(error.hint("write a duration (`_time:5m`) or a number (`size:100`) above zero"));
        }
    };
    p.seek(p.pos() + word.len());
    Ok(bucket)
}

/// Reads one function with its name; `before` are the ones already read.
fn aggregate(p: &mut Parser, before: &[Aggregate]) -> Result<Aggregate, ParseError> {
    p.skip_space();
    let start = p.pos();
    let word = p.peek_bare();
    if word.is_empty() {
        let error = p.error_here(format!("expected a function, found {}", p.describe()));
        return Err(error.hint(known_functions()));
    }
    let Some((name, function)) = FUNCTIONS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)) else {
        return Err(unknown_function(p, word));
    };
    p.seek(start + word.len());
    let (function, fields) = arguments(p, name, *function, start)?;
    let alias = alias(p)?;
    let is_taken = |alias: &str| before.iter().any(|other| other.alias == alias);
    let alias = match alias {
        Some((alias, at)) if is_taken(&alias) => {
            return Err(p.error_at(at, format!("two columns are called `{alias}`")));
        }
        Some((alias, _)) => alias,
        None => {
            let base = default_alias(function, &fields);
            let numbered = (2..).map(|n| format!("{base}_{n}"));
            std::iter::once(base.clone()).chain(numbered).find(|alias| !is_taken(alias)).unwrap_or(base)
        }
    };
    Ok(Aggregate { function, fields, alias })
}

fn known_functions() -> String {
    format!("the functions are {}", function_names().collect::<Vec<_>>().join(", "))
}

fn unknown_function(p: &Parser, word: &str) -> ParseError {
    let error = p.error_here(format!("unknown function `{word}`"));
    match word.strip_prefix(['p', 'P']).filter(|level| level.len() == 2).and_then(|level| level.parse::<u8>().ok()) {
        Some(level) => error.hint(format!("write `quantile(0.{level:02}, field)`")),
        None => error.hint(known_functions()).suggest(nearest(word, function_names())),
    }
}

/// Reads `(field, …)`.
fn arguments(
    p: &mut Parser,
    name: &str,
    function: Function,
    start: usize,
) -> Result<(Function, Vec<String>), ParseError> {
    p.skip_space();
    let open = p.pos();
    p.expect("(", &format!("after the function `{name}`"))?;
    p.skip_space();
    let function = match function {
        Function::Quantile(_) => Function::Quantile(level(p)?),
        other => other,
    };
    let mut fields = Vec::new();
    p.skip_space();
    if function == Function::Count && p.eat("*") {
        p.skip_space();
    }
    while p.peek() != Some(')') {
        fields.push(p.name("the name of a field")?);
        p.skip_space();
        if !p.eat(",") {
            break;
        }
        p.skip_space();
    }
    p.expect_close(open)?;
    let (arity_holds, wanted) = match function {
        Function::Count => (fields.len() <= 1, "at most one field"),
        Function::CountUniq => (!fields.is_empty(), "at least one field"),
        _ => (fields.len() == 1, "one field"),
    };
    if arity_holds {
        return Ok((function, fields));
    }
    Err(p.error_at(start, format!("`{name}` takes {wanted}, but {} are written", fields.len())))
}

/// Reads the level of a quantile and the comma.
fn level(p: &mut Parser) -> Result<f64, ParseError> {
    let word = p.peek_bare();
    let Some(level) = word.parse::<f64>().ok().filter(|level| (0.0..=1.0).contains(level)) else {
        let error = p.error_here(format!("expected the level of the quantile, from 0 to 1, found {}", p.describe()));
        return Err(error.hint("write `quantile(0.99, field)`"));
    };
    p.seek(p.pos() + word.len());
    p.expect(",", "after the level of the quantile")?;
    // Minus zero prints as it reads but is no level anyone means.
    Ok(level.abs())
}

/// Reads `as name` or a bare `name`, with its place.
fn alias(p: &mut Parser) -> Result<Option<(String, usize)>, ParseError> {
    let named = p.eat_keyword("as");
    p.skip_space();
    let start = p.pos();
    let ends = p.at_keyword("by") || matches!(p.peek(), None | Some('|' | ',' | '(' | ')'));
    if ends && !named {
        return Ok(None);
    }
    if !named && p.at_keyword("if") {
        return Err(p.error_here("`if` is not supported").hint("filter the rows before `stats`"));
    }
    p.name("a name for the column").map(|alias| Some((alias, start)))
}

/// The name of a column nobody named.
fn default_alias(function: Function, fields: &[String]) -> String {
    let mut alias = match function {
        Function::Quantile(level) => percentile_name(level),
        other => other.name().to_owned(),
    };
    for field in fields {
        alias.push('_');
        alias.extend(field.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }));
    }
    alias
}

/// `p99` for 0.99, `p99_9` for 0.999, `p5` for 0.05, `p100` for 1. Worked on the decimal digits, so that 0.57 is `p57`.
fn percentile_name(level: f64) -> String {
    let text = level.to_string();
    let Some(digits) = text.strip_prefix("0.") else {
        return if level == 0.0 { "p0".to_owned() } else { "p100".to_owned() };
    };
    let padded = format!("{digits:0<2}");
    let (whole, fraction) = padded.split_at_checked(2).unwrap_or((&padded, ""));
    let whole = whole.strip_prefix('0').unwrap_or(whole);
    if fraction.is_empty() { format!("p{whole}") } else { format!("p{whole}_{fraction}") }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bucket::Duration(ns) => f.write_str(&format_duration(*ns)),
            Bucket::Number(n) => write!(f, "{n}"),
        }
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.function.name())?;
        if let Function::Quantile(level) = self.function {
            write!(f, "{level}, ")?;
        }
        write!(f, "{}) as {}", Names(&self.fields), Name(&self.alias))
    }
}

pub(super) fn print(f: &mut fmt::Formatter<'_>, stats: &Stats) -> fmt::Result {
    f.write_str("stats ")?;
    for (index, key) in stats.by.iter().enumerate() {
        write!(f, "{}{}", if index == 0 { "by (" } else { ", " }, Name(&key.field))?;
        if let Some(bucket) = key.bucket {
            write!(f, ":{bucket}")?;
        }
    }
    if !stats.by.is_empty() {
        f.write_str(") ")?;
    }
    for (index, aggregate) in stats.aggregates.iter().enumerate() {
        write!(f, "{}{aggregate}", if index == 0 { "" } else { ", " })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::percentile_name;
    use crate::tests::{check_error, check_pipes};

    #[test]
    fn parses_and_prints() {
        check_pipes("* | stats count()", "stats count() as count");
        check_pipes("* | stats by (service) count() as n", "stats by (service) count() as n");
        check_pipes("* | stats (service) count() n", "stats by (service) count() as n");
        check_pipes("* | count() by (service)", "stats by (service) count() as count");
        check_pipes("* | count() hits by (service)", "stats by (service) count() as \"hits\"");
        check_pipes("* | by (service) count()", "stats by (service) count() as count");
        check_pipes("* | stats count() by service, host", "stats by (service, host) count() as count");
        check_pipes("* | COUNT(*) BY (a)", "stats by (a) count() as count");
        check_pipes("* | stats by (_time:1m, b:10KiB) count()", "stats by (_time:1m, b:10240) count() as count");
        check_pipes("* | stats by (_time:day, b:0.5) count()", "stats by (_time:1d, b:0.5) count() as count");
        check_pipes(
            "* | stats sum(duration_ns), quantile(0.99, duration_ns), count_uniq(a, b), count(x)",
            "stats sum(duration_ns) as sum_duration_ns, quantile(0.99, duration_ns) as p99_duration_ns, \
             count_uniq(a, b) as count_uniq_a_b, count(x) as count_x",
        );
        check_pipes("* | stats avg(a.b), avg(a-b)", "stats avg(a.b) as avg_a_b, avg(a-b) as avg_a_b_2");
        check_pipes(
            "* | stats min(a), max(a), median(\"a b\")",
            "stats min(a) as min_a, max(a) as max_a, median(\"a b\") as median_a_b",
        );
    }

    #[test]
    fn percentile_names() {
        for (level, name) in
            [(0.99, "p99"), (0.999, "p99_9"), (0.5, "p50"), (0.05, "p5"), (0.57, "p57"), (1.0, "p100"), (0.0, "p0")]
        {
            assert_eq!(percentile_name(level), name);
        }
    }

    #[test]
    fn errors() {
        check_error("* | stats", 10, "expected a function, found the end", "count");
        check_error("* | stats cuont()", 11, "unknown function `cuont`", "did you mean `count`?");
        check_error("* | stats p99(a)", 11, "unknown function `p99`", "quantile(0.99, field)");
        check_error("* | stats count", 16, "expected `(` after the function `count`, found the end", "");
        check_error("* | stats sum()", 11, "`sum` takes one field, but 0 are written", "");
        check_error("* | stats count(a, b)", 11, "at most one field", "");
        check_error("* | stats quantile(a)", 20, "level of the quantile", "quantile(0.99, field)");
        check_error("* | stats quantile(1.5, a)", 20, "from 0 to 1", "");
        check_error("* | stats quantile(0.5 a)", 24, "expected `,`", "");
        check_error("* | stats count() as n, sum(a) as n", 35, "two columns are called `n`", "");
        check_error("* | stats by (n) count() as n", 11, "two columns are called `n`", "as other_name");
        check_error("* | stats by (a) count() by (b)", 26, "`by` is written twice", "");
        check_error("* | stats by (_time:0s) count()", 21, "width of a group", "above zero");
        check_error("* | stats by (_time:month) count()", 21, "width of a group", "");
        check_error("* | stats count() if (x)", 19, "`if` is not supported", "before `stats`");
        check_error("* | stats count() by (a", 22, "never closed", "");
        check_error("* | stats by (a, a) count()", 18, "named twice", "");
    }
}
