//! The smaller questions the page and the command line ask: fields, values, histograms, services.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampNanosecondType};
use clewline_model::attributes::ValueKind;
use clewline_model::signal::Signal;
use clewline_segment::summary::Scope;
use datafusion::dataframe::DataFrame;
use datafusion::functions_aggregate::expr_fn as aggregate;
use datafusion::logical_expr::{Expr, cast, lit, when};
use hashbrown::HashMap;

use crate::aggregate::Counting;
use crate::answer::{
    FieldInfo, FieldValue, FieldValues, HitGroup, Hits, QueryError, Scoped, ServiceSummary, Sparkline,
};
use crate::engine::{Engine, Running, names};
use crate::error::of_engine;
use crate::filter::bind::bind;
use crate::limits::{FIELDS_MAX, HIT_BUCKETS_MAX, HIT_GROUPS_MAX, VALUES_MAX};
use crate::names::Names;
use crate::pipes::{column, quantile};
use crate::search::{parse_filter, window};

/// Shortest window a rate is given over when none was asked for: a minute.
const RATE_WINDOW_MIN_NS: i64 = 60_000_000_000;

/// Buckets of a service's sparkline.
const SPARKLINE_BUCKETS: i64 = 30;

impl Engine {
    /// Fields one may ask for, fixed ones first.
    ///
    /// # Errors
    /// When the store is not ready.
    pub async fn fields(&self, scoped: Scoped, prefix: &str) -> Result<Vec<FieldInfo>, QueryError> {
        let snapshot = self.snapshot(&scoped.tenant, scoped.signal)?;
        let names = names(scoped.signal, &snapshot)?;
        let prefix = prefix.to_lowercase();
        let fields = names.all().into_iter().filter(|(name, ..)| name.to_lowercase().starts_with(&prefix));
        let info = |(name, scope, bits): (String, Option<Scope>, u8)| FieldInfo {
            name,
            scope: match scope {
                None => "record",
                Some(Scope::Attribute) => "attribute",
                Some(Scope::Resource) => "resource",
                Some(Scope::Scope) => "scope",
            },
            types: (0..7)
                .filter(|k| bits >> k & 1 == 1)
                .filter_map(ValueKind::from_number)
                .map(ValueKind::name)
                .collect(),
        };
        Ok(fields.take(FIELDS_MAX).map(info).collect())
    }

    /// A frame over the rows of a page question with some of its columns.
    fn frame(&self, running: &Running, scoped: &Scoped, columns: &[&str]) -> Result<DataFrame, QueryError> {
        let snapshot = self.snapshot(&scoped.tenant, scoped.signal)?;
        let (columns, filter) = {
            let names = names(scoped.signal, &snapshot)?;
            let mut filter = bind(&parse_filter(&scoped.query)?, &names, self.now_ns())?;
            filter.and(Vec::new(), window(scoped.start, scoped.end));
            (columns.iter().map(|name| names.column(name)).collect(), filter)
        };
        let table = self.table(snapshot, scoped.signal, columns, filter, running);
        self.session()?.read_table(Arc::new(table)).map_err(|error| of_engine(&error))
    }

    /// Answers a page question by counting, where it is of that kind.
    async fn counted_for_page(
        &self,
        running: &Running,
        scoped: &Scoped,
        counting: impl Fn(&Names<'_>) -> Option<Counting>,
    ) -> Result<Option<RecordBatch>, QueryError> {
        let snapshot = self.snapshot(&scoped.tenant, scoped.signal)?;
        let (counting, filter) = {
            let names = names(scoped.signal, &snapshot)?;
            let Some(counting) = counting(&names) else { return Ok(None) };
            let mut filter = bind(&parse_filter(&scoped.query)?, &names, self.now_ns())?;
            filter.and(Vec::new(), window(scoped.start, scoped.end));
            (counting, filter)
        };
        let scan = self.scan(scoped.signal, filter, &running.stop);
        self.count(running, counting, scan, &snapshot).await
    }

    /// Distinct values of a field with counts, most frequent first.
    ///
    /// # Errors
    /// Bad filters, limits, or damaged data.
    pub async fn values(
        &self,
        scoped: Scoped,
        field: &str,
        prefix: &str,
        limit: usize,
    ) -> Result<FieldValues, QueryError> {
        let running = self.start().await?;
        let limit = limit.clamp(1, VALUES_MAX);
        if let Some(rows) =
            self.counted_for_page(&running, &scoped, |names| Counting::values(names.column(field))).await?
        {
            return Ok(values_of(field, &rows, &prefix.to_lowercase(), limit));
        }
        let frame = self.frame(&running, &scoped, &[field])?;
        let data_type = frame.schema().field(0).data_type().clone();
        let value = text_of(column(field), &data_type);
        let mut frame = frame
            .aggregate(vec![value.alias("value")], vec![aggregate::count(lit(1i64)).alias("count")])
            .and_then(|f| f.filter(column("value").is_not_null().and(column("value").not_eq(lit("")))))
            .map_err(|error| of_engine(&error))?;
        if !prefix.is_empty() {
            let lower = datafusion::functions::expr_fn::lower(column("value"));
            let starts = datafusion::functions::expr_fn::starts_with(lower, lit(prefix.to_lowercase()));
            frame = frame.filter(starts).map_err(|error| of_engine(&error))?;
        }
        let order = vec![column("count").sort(false, false), column("value").sort(true, false)];
        let frame = frame.sort(order).and_then(|f| f.limit(0, Some(limit + 1))).map_err(|error| of_engine(&error))?;
        let mut values = Vec::new();
        for batch in self.collect(running, frame).await? {
            let texts = crate::columns::texts(batch.column(0))?;
            let counts = batch.column(1).as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let count = u64::try_from(counts.value(row)).unwrap_or(0);
                values.push(FieldValue { value: texts.value(row).to_owned(), count });
            }
        }
        let complete = values.len() <= limit;
        values.truncate(limit);
        Ok(FieldValues { field: field.to_owned(), values, complete })
    }

    /// Counts over time, by the values of a field.
    ///
    /// # Errors
    /// Bad filters, too many buckets, limits, or damaged data.
    pub async fn hits(&self, scoped: Scoped, step_ns: Option<i64>, by: Option<&str>) -> Result<Hits, QueryError> {
        let (start, end) = self.bounds(&scoped)?;
        let step = step_ns.unwrap_or_else(|| nice_step(end.saturating_sub(start))).max(1);
        let first = start.saturating_sub(start.rem_euclid(step));
        let buckets = end.saturating_sub(first).saturating_add(step - 1) / step;
        if buckets > HIT_BUCKETS_MAX {
            return Err(QueryError::bad_query(format!("{buckets} buckets are more than {HIT_BUCKETS_MAX}"))
                .with_hint("use a larger step or a shorter time range"));
        }
        let buckets = usize::try_from(buckets).unwrap_or(0);
        let scoped = Scoped { start: Some(start), end: Some(end), ..scoped };
        let running = self.start().await?;
        let mut groups: HashMap<String, Vec<u64>> = HashMap::new();
        let counting = |names: &Names<'_>| {
            Counting::hits(names.column("time"), step, by.filter(|&by| by != "time").map(|by| names.column(by)))
        };
        if by != Some("time")
            && let Some(rows) = self.counted_for_page(&running, &scoped, counting).await?
        {
            add_counted_hits(&rows, first, step, buckets, &mut groups)?;
            return Ok(finish_hits(first, step, buckets, groups, by.is_none()));
        }
        let mut columns = vec!["time"];
        columns.extend(by.filter(|&by| by != "time"));
        let frame = self.frame(&running, &scoped, &columns)?;
        let bucket = (cast(column("time"), DataType::Int64) - lit(first)) / lit(step);
        let mut keys = vec![bucket.alias("__bucket")];
        if let Some(by) = by {
            let data_type = frame.schema().field_with_unqualified_name(by).map(|f| f.data_type().clone());
            keys.push(text_of(column(by), &data_type.unwrap_or(DataType::Utf8View)).alias("__value"));
        }
        let frame =
            frame.aggregate(keys, vec![aggregate::count(lit(1i64)).alias("__count")]).map_err(|e| of_engine(&e))?;
        for batch in self.collect(running, frame).await? {
            add_hits(&batch, by.is_some(), buckets, &mut groups)?;
        }
        Ok(finish_hits(first, step, buckets, groups, by.is_none()))
    }

    /// The time window of a question: what was asked, else what the data spans.
    fn bounds(&self, scoped: &Scoped) -> Result<(i64, i64), QueryError> {
        let now = self.now_ns();
        let snapshot = self.snapshot(&scoped.tenant, scoped.signal)?;
        let names = names(scoped.signal, &snapshot)?;
        let (low, high) = clewline_lang::time_bounds(&parse_filter(&scoped.query)?, now);
        let data_start = names.summaries.iter().map(|s| s.time_min).min().unwrap_or(now - 3_600_000_000_000);
        let data_end = names.summaries.iter().map(|s| s.time_max.saturating_add(1)).max().unwrap_or(now);
        let start = scoped.start.or(low).unwrap_or(data_start);
        let end = scoped.end.or(high).unwrap_or(data_end.max(start.saturating_add(1)));
        if end <= start {
            return Err(QueryError::bad_query("the time range is empty").with_hint("start must be before end"));
        }
        Ok((start, end))
    }

    /// Rate, errors and durations of every service, with the window they are of.
    ///
    /// # Errors
    /// Limits, or damaged data.
    pub async fn services(
        &self,
        tenant: &str,
        start: Option<i64>,
        end: Option<i64>,
    ) -> Result<(i64, i64, Vec<ServiceSummary>), QueryError> {
        let spans = Scoped { tenant: tenant.to_owned(), signal: Signal::Spans, query: String::new(), start, end };
        let (start, end) = self.service_window(&spans)?;
        let spans = Scoped { start: Some(start), end: Some(end), ..spans };
        let mut services: HashMap<String, ServiceSummary> = HashMap::new();
        self.add_spans(&spans, &mut services).await?;
        self.add_sparklines(&spans, start, end, &mut services).await?;
        self.add_logs(&Scoped { signal: Signal::Logs, ..spans }, &mut services).await?;
        let seconds = end.saturating_sub(start) as f64 / 1e9;
        let mut services: Vec<ServiceSummary> = services.into_values().collect();
        for service in &mut services {
            service.rate_per_second = service.spans as f64 / seconds;
            service.error_share = if service.spans == 0 { 0.0 } else { service.errors as f64 / service.spans as f64 };
        }
        services.sort_by(|a, b| b.spans.cmp(&a.spans).then_with(|| a.service.cmp(&b.service)));
        Ok((start, end, services))
    }

    /// The window asked for, else the one spans and logs span together; never so short that a rate means nothing.
    fn service_window(&self, spans: &Scoped) -> Result<(i64, i64), QueryError> {
        let logs = Scoped { signal: Signal::Logs, ..spans.clone() };
        let held = |scoped: &Scoped| -> Result<Option<(i64, i64)>, QueryError> {
            let snapshot = self.snapshot(&scoped.tenant, scoped.signal)?;
            let names = names(scoped.signal, &snapshot)?;
            let first = names.summaries.iter().map(|s| s.time_min).min();
            let last = names.summaries.iter().map(|s| s.time_max.saturating_add(1)).max();
            Ok(first.zip(last))
        };
        let windows = [held(spans)?, held(&logs)?];
        let now = self.now_ns();
        let end = spans.end.or_else(|| windows.iter().flatten().map(|w| w.1).max()).unwrap_or(now);
        let start = spans.start.or_else(|| windows.iter().flatten().map(|w| w.0).min()).unwrap_or(end);
        let start = if spans.start.is_none() { start.min(end.saturating_sub(RATE_WINDOW_MIN_NS)) } else { start };
        if end <= start {
            return Err(QueryError::bad_query("the time range is empty").with_hint("start must be before end"));
        }
        Ok((start, end))
    }

    async fn add_spans(
        &self,
        scoped: &Scoped,
        services: &mut HashMap<String, ServiceSummary>,
    ) -> Result<(), QueryError> {
        let running = self.start().await?;
        let frame = self.frame(&running, scoped, &["service", "status", "duration_ns"])?;
        let aggregates = vec![
            aggregate::count(lit(1i64)),
            aggregate::sum(one_if(column("status").eq(lit("error")))?),
            quantile(column("duration_ns"), 0.5),
            quantile(column("duration_ns"), 0.95),
            quantile(column("duration_ns"), 0.99),
        ];
        let frame = frame.aggregate(vec![column("service")], aggregates).map_err(|error| of_engine(&error))?;
        for batch in self.collect(running, frame).await? {
            let names = crate::columns::texts(batch.column(0))?;
            for row in 0..batch.num_rows() {
                let name = if names.is_null(row) { "" } else { names.value(row) };
                let ms = |index: usize| {
                    let values = batch.column(index).as_primitive::<Float64Type>();
                    values.is_valid(row).then(|| values.value(row) / 1e6)
                };
                let service = services.entry_ref(name).or_default();
                *service = ServiceSummary {
                    service: name.to_owned(),
                    spans: count_at(&batch, 1, row),
                    errors: count_at(&batch, 2, row),
                    p50_ms: ms(3),
                    p95_ms: ms(4),
                    p99_ms: ms(5),
                    ..ServiceSummary::default()
                };
            }
        }
        Ok(())
    }

    async fn add_sparklines(
        &self,
        scoped: &Scoped,
        start: i64,
        end: i64,
        services: &mut HashMap<String, ServiceSummary>,
    ) -> Result<(), QueryError> {
        let step = (end.saturating_sub(start) / SPARKLINE_BUCKETS).max(1);
        let buckets = usize::try_from(SPARKLINE_BUCKETS).unwrap_or(0);
        for service in services.values_mut() {
            service.sparkline = Sparkline { step_ns: step, spans: vec![0; buckets], errors: vec![0; buckets] };
        }
        let running = self.start().await?;
        let frame = self.frame(&running, scoped, &["service", "status", "time"])?;
        let bucket = (cast(column("time"), DataType::Int64) - lit(start)) / lit(step);
        let aggregates = vec![aggregate::count(lit(1i64)), aggregate::sum(one_if(column("status").eq(lit("error")))?)];
        let keys = vec![column("service"), bucket.alias("__bucket")];
        let frame = frame.aggregate(keys, aggregates).map_err(|error| of_engine(&error))?;
        for batch in self.collect(running, frame).await? {
            let names = crate::columns::texts(batch.column(0))?;
            let at = batch.column(1).as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let name = if names.is_null(row) { "" } else { names.value(row) };
                let bucket = usize::try_from(at.value(row)).unwrap_or(0).min(buckets - 1);
                if let Some(service) = services.get_mut(name) {
                    service.sparkline.spans[bucket] += count_at(&batch, 2, row);
                    service.sparkline.errors[bucket] += count_at(&batch, 3, row);
                }
            }
        }
        Ok(())
    }

    async fn add_logs(
        &self,
        scoped: &Scoped,
        services: &mut HashMap<String, ServiceSummary>,
    ) -> Result<(), QueryError> {
        let running = self.start().await?;
        let frame = self.frame(&running, scoped, &["service", "level"])?;
        let is_error = column("level").eq(lit("error")).or(column("level").eq(lit("fatal")));
        let aggregates = vec![aggregate::count(lit(1i64)), aggregate::sum(one_if(is_error)?)];
        let frame = frame.aggregate(vec![column("service")], aggregates).map_err(|error| of_engine(&error))?;
        for batch in self.collect(running, frame).await? {
            let names = crate::columns::texts(batch.column(0))?;
            for row in 0..batch.num_rows() {
                let name = if names.is_null(row) { "" } else { names.value(row) };
                let service = services.entry_ref(name).or_default();
                name.clone_into(&mut service.service);
                service.logs = count_at(&batch, 1, row);
                service.log_errors = count_at(&batch, 2, row);
            }
        }
        Ok(())
    }
}

fn one_if(condition: Expr) -> Result<Expr, QueryError> {
    when(condition, lit(1i64)).otherwise(lit(0i64)).map_err(|error| of_engine(&error))
}

fn count_at(batch: &RecordBatch, index: usize, row: usize) -> u64 {
    let values = batch.column(index).as_primitive::<Int64Type>();
    if values.is_null(row) { 0 } else { u64::try_from(values.value(row)).unwrap_or(0) }
}

/// A value as the text the page shows; ids in hexadecimal.
fn text_of(expr: Expr, data_type: &DataType) -> Expr {
    match data_type {
        DataType::FixedSizeBinary(_) => {
            datafusion::functions::expr_fn::encode(cast(expr, DataType::Binary), lit("hex"))
        }
        _ => cast(expr, DataType::Utf8View),
    }
}

/// The most frequent values that begin with a lower-case prefix.
fn values_of(field: &str, rows: &RecordBatch, prefix: &str, limit: usize) -> FieldValues {
    let (texts, counts) = (rows.column(0).as_string_view(), rows.column(1).as_primitive::<Int64Type>());
    let wanted = |row: &usize| {
        let text = if texts.is_null(*row) { "" } else { texts.value(*row) };
        !text.is_empty() && text.to_lowercase().starts_with(prefix)
    };
    let value = |row: usize| FieldValue {
        value: texts.value(row).to_owned(),
        count: u64::try_from(counts.value(row)).unwrap_or(0),
    };
    let mut values: Vec<FieldValue> = (0..rows.num_rows()).filter(wanted).take(limit + 1).map(value).collect();
    let complete = values.len() <= limit;
    values.truncate(limit);
    FieldValues { field: field.to_owned(), values, complete }
}

/// Adds rows of (time, value where grouped, count).
fn add_counted_hits(
    rows: &RecordBatch,
    first: i64,
    step: i64,
    buckets: usize,
    groups: &mut HashMap<String, Vec<u64>>,
) -> Result<(), QueryError> {
    let times = rows.column(0).as_primitive::<TimestampNanosecondType>();
    let values = if rows.num_columns() == 3 { Some(crate::columns::texts(rows.column(1))?) } else { None };
    for row in 0..rows.num_rows() {
        let value = values.as_ref().map_or("", |v| if v.is_null(row) { "" } else { v.value(row) });
        let counts = groups.entry_ref(value).or_insert_with(|| vec![0; buckets]);
        let bucket = usize::try_from((times.value(row) - first) / step);
        if let Some(count) = bucket.ok().and_then(|bucket| counts.get_mut(bucket)) {
            *count += count_at(rows, rows.num_columns() - 1, row);
        }
    }
    Ok(())
}

fn add_hits(
    batch: &RecordBatch,
    grouped: bool,
    buckets: usize,
    groups: &mut HashMap<String, Vec<u64>>,
) -> Result<(), QueryError> {
    let at = batch.column(0).as_primitive::<Int64Type>();
    let values = if grouped { Some(crate::columns::texts(batch.column(1))?) } else { None };
    for row in 0..batch.num_rows() {
        let value = values.as_ref().map_or("", |v| if v.is_null(row) { "" } else { v.value(row) });
        let counts = groups.entry_ref(value).or_insert_with(|| vec![0; buckets]);
        if let Some(count) = usize::try_from(at.value(row)).ok().and_then(|bucket| counts.get_mut(bucket)) {
            *count += count_at(batch, if grouped { 2 } else { 1 }, row);
        }
    }
    Ok(())
}

fn finish_hits(start_ns: i64, step_ns: i64, buckets: usize, groups: HashMap<String, Vec<u64>>, single: bool) -> Hits {
    let group = |(value, counts): (String, Vec<u64>)| HitGroup { value, total: counts.iter().sum(), counts };
    let mut groups: Vec<HitGroup> = groups.into_iter().map(group).collect();
    groups.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.value.cmp(&b.value)));
    if groups.len() > HIT_GROUPS_MAX {
        let mut others = HitGroup { value: "…".into(), total: 0, counts: vec![0; buckets] };
        for group in groups.drain(HIT_GROUPS_MAX - 1..) {
            others.total += group.total;
            others.counts.iter_mut().zip(group.counts).for_each(|(sum, count)| *sum += count);
        }
        groups.push(others);
    }
    if single && groups.is_empty() {
        groups.push(HitGroup { value: String::new(), total: 0, counts: vec![0; buckets] });
    }
    Hits { start_ns, step_ns, buckets, total: groups.iter().map(|g| g.total).sum(), groups }
}

/// A round step that gives about 60 buckets.
fn nice_step(span_ns: i64) -> i64 {
    const MS: i64 = 1_000_000;
    const S: i64 = 1_000 * MS;
    const STEPS: [i64; 22] = [
        MS,
        10 * MS,
        100 * MS,
        500 * MS,
        S,
        2 * S,
        5 * S,
        10 * S,
        15 * S,
        30 * S,
        60 * S,
        120 * S,
        300 * S,
        600 * S,
        900 * S,
        1_800 * S,
        3_600 * S,
        7_200 * S,
        21_600 * S,
        43_200 * S,
        86_400 * S,
        604_800 * S,
    ];
    STEPS.into_iter().find(|step| span_ns / step <= 80).unwrap_or((span_ns / 60).max(1))
}
