//! Pipes to a DataFusion plan, one arm each.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, TimeUnit};
use clewline_lang::{Aggregate, Bucket, Filter, Function, GroupKey, Pipe, Query, SortKey, Stats, Test};
use clewline_model::signal::Signal;
use clewline_segment::gather::time_type;
use clewline_store::Snapshot;
use datafusion::common::Column;
use datafusion::dataframe::DataFrame;
use datafusion::functions::expr_fn as scalar;
use datafusion::functions_aggregate::expr_fn as aggregate;
use datafusion::logical_expr::{ColumnarValue, Expr, Volatility, cast, create_udf, lit, try_cast, when};

use crate::aggregate::Counting;
use crate::answer::{Answer, QueryError, SearchRequest};
use crate::engine::{Engine, Running, names};
use crate::error::of_engine;
use crate::filter::bind::{bind, one_column, text_test};
use crate::filter::evaluate::{id_texts, mask_of_values};
use crate::filter::{Node, RowFilter};
use crate::limits::SEARCH_ROWS_DEFAULT;
use crate::names::LogicalColumn;
use crate::search::{record_columns, window};

impl Engine {
    pub(crate) async fn search_with_pipes(&self, request: SearchRequest, query: Query) -> Result<Answer, QueryError> {
        if request.cursor.is_some() {
            return Err(
                QueryError::bad_query("a query with pipes has no pages").with_hint("use `| offset` and `| limit`")
            );
        }
        let running = self.start().await?;
        let snapshot = self.snapshot(&request.tenant, request.signal)?;
        let plan = Plan::of(query);
        let shown;
        let (columns, filter) = {
            let names = names(request.signal, &snapshot)?;
            let mut filter = bind(&plan.filter, &names, self.now_ns())?;
            filter.and(Vec::new(), window(request.start, request.end));
            let record = record_columns(&names);
            shown = plan.whole.then(|| record.iter().map(|c| c.name.clone()).collect::<Vec<_>>());
            (plan.columns(|name| names.column(name), record), filter)
        };
        let limit = request.limit.or((!plan.bounded).then_some(SEARCH_ROWS_DEFAULT));
        let limit = limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let (mut frame, done) = match self.counted(&plan, request.signal, &filter, &snapshot, &running).await? {
            Some(rows) if plan.pipes.len() == 1 => return Ok(Answer::of_rows(rows, limit, &running)),
            Some(rows) => (self.session()?.read_batch(rows).map_err(|error| of_engine(&error))?, 1),
            None => {
                let table = self.table(snapshot, request.signal, columns, filter, &running);
                (self.session()?.read_table(Arc::new(table)).map_err(|error| of_engine(&error))?, 0)
            }
        };
        if plan.newest_first {
            frame = frame
                .sort(vec![column("time").sort(request.ascending, false), column("seq").sort(request.ascending, false)])
                .map_err(|error| of_engine(&error))?;
        }
        for pipe in &plan.pipes[done..] {
            frame = apply(frame, pipe, self.now_ns())?;
        }
        if let Some(shown) = shown {
            frame =
                frame.select(shown.iter().map(|name| column(name)).collect::<Vec<_>>()).map_err(|e| of_engine(&e))?;
        }
        if let Some(limit) = limit {
            frame = frame.limit(0, Some(limit)).map_err(|error| of_engine(&error))?;
        }
        self.stream(running, frame).await
    }
}

impl Engine {
    /// The rows of the first pipe, where it counts by a few keys.
    async fn counted(
        &self,
        plan: &Plan,
        signal: Signal,
        filter: &RowFilter,
        snapshot: &Arc<Snapshot>,
        running: &Running,
    ) -> Result<Option<RecordBatch>, QueryError> {
        let counting = {
            let names = names(signal, snapshot)?;
            plan.pipes.first().and_then(|pipe| Counting::of(pipe, signal, |name| names.column(name)))
        };
        let Some(counting) = counting else { return Ok(None) };
        let scan = self.scan(signal, filter.clone(), &running.stop);
        self.count(running, counting, scan, snapshot).await
    }
}

/// A query cut where the scan ends and the engine begins.
struct Plan {
    filter: Filter,
    pipes: Vec<Pipe>,
    /// Stored fields the pipes read; the whole record too when `whole`.
    fields: Vec<String>,
    whole: bool,
    /// Rows keep the order newest first until a pipe says otherwise.
    newest_first: bool,
    /// A pipe bounds or makes the rows, so no default limit is wanted.
    bounded: bool,
}

impl Plan {
    fn of(query: Query) -> Plan {
        let fields = pipe_inputs(&query);
        let mut filters = vec![query.filter];
        let mut pipes = query.pipes.into_iter().peekable();
        while let Some(Pipe::Where(filter)) = pipes.next_if(|pipe| matches!(pipe, Pipe::Where(_))) {
            filters.push(filter);
        }
        let pipes: Vec<Pipe> = pipes.collect();
        let makes_rows = pipes.iter().position(Pipe::makes_new_rows);
        let projects = pipes.iter().position(|pipe| matches!(pipe, Pipe::Fields(_)));
        let sorts = pipes.iter().position(|pipe| matches!(pipe, Pipe::Sort(_)));
        let limits = pipes.iter().position(|pipe| matches!(pipe, Pipe::Limit(_) | Pipe::Offset(_)));
        let first = |position: Option<usize>| position.unwrap_or(usize::MAX);
        let whole = makes_rows.is_none() && projects.is_none();
        Plan {
            filter: Filter::and(filters),
            fields,
            whole,
            newest_first: first(sorts) > first(limits) && first(makes_rows) > first(limits)
                || (makes_rows.is_none() && sorts.is_none()),
            bounded: makes_rows.is_some() || pipes.iter().any(|pipe| matches!(pipe, Pipe::Limit(_))),
            pipes,
        }
    }

    /// The columns of the table: what the pipes name, or the whole record.
    fn columns(&self, column: impl Fn(&str) -> LogicalColumn, record: Vec<LogicalColumn>) -> Vec<LogicalColumn> {
        let mut columns: Vec<LogicalColumn> = if self.whole { record } else { Vec::new() };
        let wanted = self
            .fields
            .iter()
            .map(String::as_str)
            .chain(self.newest_first.then_some(["time", "seq"]).into_iter().flatten());
        for name in wanted {
            if !columns.iter().any(|c| c.name == name) {
                columns.push(column(name));
            }
        }
        columns
    }
}

/// Stored fields the pipes read, before a pipe makes new rows.
fn pipe_inputs(query: &Query) -> Vec<String> {
    Query { filter: Filter::All, pipes: query.pipes.clone() }.fields()
}

/// A column by its exact name, dots and capitals included.
pub(crate) fn column(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}

fn apply(frame: DataFrame, pipe: &Pipe, now_ns: i64) -> Result<DataFrame, QueryError> {
    for name in pipe_fields(pipe) {
        if frame.schema().field_with_unqualified_name(name).is_err() {
            let known: Vec<String> = frame.schema().fields().iter().map(|f| f.name().clone()).collect();
            let error = QueryError::bad_query(format!("no column `{name}` at this point of the query"));
            return Err(error.with_hint(format!("the columns here are: {}", known.join(", "))));
        }
    }
    match pipe {
        Pipe::Fields(names) => frame.select(names.iter().map(|name| column(name)).collect::<Vec<_>>()),
        Pipe::Sort(keys) => {
            let key = |key: &SortKey| column(&key.field).sort(!key.desc, false);
            frame.sort(keys.iter().map(key).collect())
        }
        Pipe::Limit(count) => frame.limit(0, Some(usize::try_from(*count).unwrap_or(usize::MAX))),
        Pipe::Offset(count) => frame.limit(usize::try_from(*count).unwrap_or(usize::MAX), None),
        Pipe::Stats(stats) => return apply_stats(frame, stats),
        Pipe::Top(top) => {
            let hits = aggregate::count(lit(1i64)).alias("hits");
            let by: Vec<Expr> = top.fields.iter().map(|name| column(name)).collect();
            let order = std::iter::once(column("hits").sort(false, false))
                .chain(by.iter().map(|key| key.clone().sort(true, false)));
            let order: Vec<_> = order.collect();
            let limit = usize::try_from(top.n).unwrap_or(usize::MAX);
            frame.aggregate(by, vec![hits]).and_then(|f| f.sort(order)).and_then(|f| f.limit(0, Some(limit)))
        }
        Pipe::Uniq(uniq) => {
            let by: Vec<Expr> = uniq.fields.iter().map(|name| column(name)).collect();
            let hits = if uniq.with_hits { vec![aggregate::count(lit(1i64)).alias("hits")] } else { Vec::new() };
            let frame = frame.aggregate(by, hits);
            match uniq.limit {
                Some(limit) => frame.and_then(|f| f.limit(0, Some(usize::try_from(limit).unwrap_or(usize::MAX)))),
                None => frame,
            }
        }
        Pipe::Where(filter) => {
            let condition = condition(filter, &frame, now_ns)?;
            frame.filter(condition)
        }
    }
    .map_err(|error| of_engine(&error))
}

fn pipe_fields(pipe: &Pipe) -> Vec<&str> {
    match pipe {
        Pipe::Fields(names) => names.iter().map(String::as_str).collect(),
        Pipe::Sort(keys) => keys.iter().map(|key| key.field.as_str()).collect(),
        Pipe::Stats(stats) => {
            let by = stats.by.iter().map(|key| key.field.as_str());
            by.chain(stats.aggregates.iter().flat_map(|a| a.fields.iter().map(String::as_str))).collect()
        }
        Pipe::Top(top) => top.fields.iter().map(String::as_str).collect(),
        Pipe::Uniq(uniq) => uniq.fields.iter().map(String::as_str).collect(),
        Pipe::Limit(_) | Pipe::Offset(_) | Pipe::Where(_) => Vec::new(),
    }
}

fn type_of(frame: &DataFrame, name: &str) -> DataType {
    frame.schema().field_with_unqualified_name(name).map_or(DataType::Null, |field| field.data_type().clone())
}

fn apply_stats(frame: DataFrame, stats: &Stats) -> Result<DataFrame, QueryError> {
    let by: Vec<Expr> = stats.by.iter().map(|key| group_key(&frame, key)).collect();
    let aggregates: Vec<Expr> = stats.aggregates.iter().map(|a| function(&frame, a).alias(&a.alias)).collect();
    // Small answers come in the order of their groups; nobody wants a histogram shuffled.
    let order = stats.by.iter().map(|key| column(&key.field).sort(true, false)).collect::<Vec<_>>();
    let frame = frame.aggregate(by, aggregates).map_err(|error| of_engine(&error))?;
    if order.is_empty() { Ok(frame) } else { frame.sort(order).map_err(|error| of_engine(&error)) }
}

fn group_key(frame: &DataFrame, key: &GroupKey) -> Expr {
    let plain = column(&key.field);
    let is_time = matches!(type_of(frame, &key.field), DataType::Timestamp(TimeUnit::Nanosecond, _));
    match key.bucket {
        None => plain,
        Some(Bucket::Duration(step)) if is_time => bucket_start(plain, step).alias(&key.field),
        Some(Bucket::Duration(step)) => {
            floor_to(number(plain, &type_of(frame, &key.field)), step as f64).alias(&key.field)
        }
        Some(Bucket::Number(step)) => floor_to(number(plain, &type_of(frame, &key.field)), step).alias(&key.field),
    }
}

/// Stands between the texts of a combination; no text a person looks for holds it.
const SEPARATOR: &str = "\u{1f}";

/// The start of the time bucket, counted from the epoch.
pub(crate) fn bucket_start(time: Expr, step_ns: i64) -> Expr {
    let ns = cast(time, DataType::Int64);
    let step = step_ns.max(1);
    let over = ns.clone() % lit(step);
    // Before 1970 the remainder is negative: the start lies one step further back.
    let back = when(over.clone().lt(lit(0i64)), lit(step)).otherwise(lit(0i64)).unwrap_or_else(|_| lit(0i64));
    cast(ns - over - back, time_type())
}

fn floor_to(value: Expr, step: f64) -> Expr {
    scalar::floor(value / lit(step)) * lit(step)
}

/// A column as a number: what is not one is absent.
fn number(expr: Expr, data_type: &DataType) -> Expr {
    match data_type {
        DataType::Int64 | DataType::Float64 | DataType::UInt64 => expr,
        DataType::Boolean => cast(expr, DataType::Int64),
        _ => try_cast(expr, DataType::Float64),
    }
}

fn function(frame: &DataFrame, wanted: &Aggregate) -> Expr {
    let field = |index: usize| wanted.fields.get(index).map_or_else(|| lit(1i64), |name| column(name));
    let data_type = wanted.fields.first().map_or(DataType::Null, |name| type_of(frame, name));
    let numeric = || number(field(0), &data_type);
    match wanted.function {
        Function::Count if wanted.fields.is_empty() => aggregate::count(lit(1i64)),
        Function::Count => aggregate::count(present(field(0), &data_type)),
        Function::CountUniq if wanted.fields.len() == 1 => aggregate::count_distinct(present(field(0), &data_type)),
        Function::CountUniq => {
            let text = |name: &String| scalar::coalesce(vec![text_of(frame, name), lit("")]);
            let joined = scalar::concat_ws(lit(SEPARATOR), wanted.fields.iter().map(text).collect());
            // All of them absent is no combination.
            let none = SEPARATOR.repeat(wanted.fields.len() - 1);
            aggregate::count_distinct(scalar::nullif(joined, lit(none)))
        }
        Function::Sum => aggregate::sum(numeric()),
        Function::Avg => aggregate::avg(numeric()),
        Function::Min => aggregate::min(present(field(0), &data_type)),
        Function::Max => aggregate::max(present(field(0), &data_type)),
        Function::Median => quantile(numeric(), 0.5),
        Function::Quantile(phi) => quantile(numeric(), phi),
    }
}

pub(crate) fn quantile(value: Expr, phi: f64) -> Expr {
    aggregate::approx_percentile_cont(cast(value, DataType::Float64).sort(true, false), lit(phi), None)
}

/// The value, absent where it is an empty text.
fn present(expr: Expr, data_type: &DataType) -> Expr {
    match data_type {
        DataType::Utf8 | DataType::Utf8View => scalar::nullif(expr, lit("")),
        _ => expr,
    }
}

/// A filter on the rows between two pipes.
fn condition(filter: &Filter, frame: &DataFrame, now_ns: i64) -> Result<Expr, QueryError> {
    let join = |children: &[Filter], and: bool| -> Result<Expr, QueryError> {
        let conditions: Result<Vec<Expr>, QueryError> =
            children.iter().map(|child| condition(child, frame, now_ns)).collect();
        let joined = conditions?.into_iter().reduce(|a, b| if and { a.and(b) } else { a.or(b) });
        Ok(joined.unwrap_or_else(|| lit(and)))
    };
    match filter {
        Filter::All => Ok(lit(true)),
        Filter::And(children) => join(children, true),
        Filter::Or(children) => join(children, false),
        Filter::Not(child) => Ok(Expr::Not(Box::new(condition(child, frame, now_ns)?))),
        Filter::Time(_) => Err(QueryError::bad_query("a time range belongs before the first pipe")),
        Filter::Match { field: Some(name), test } => {
            if frame.schema().field_with_unqualified_name(name).is_err() {
                return Err(QueryError::bad_query(format!("no column `{name}` at this point of the query")));
            }
            let node = one_column(0, name, &plain_type(&type_of(frame, name)), test, now_ns)?;
            Ok(test_of(node, frame, name))
        }
        Filter::Match { field: None, test: Test::Any } => Ok(lit(true)),
        Filter::Match { field: None, test } => {
            let test = text_test(test)?;
            let node = || Node::Text { column: 0, test: test.clone() };
            let fields = frame.schema().fields().iter().map(|field| test_of(node(), frame, field.name()));
            Ok(fields.reduce(|a, b| a.or(b)).unwrap_or_else(|| lit(false)))
        }
    }
}

/// The type under which a column of the engine is tested: one of those a stored column may have.
fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(TimeUnit::Nanosecond, _) | DataType::FixedSizeBinary(_) | DataType::Boolean => {
            data_type.clone()
        }
        other if other.is_integer() => DataType::Int64,
        other if other.is_numeric() => DataType::Float64,
        _ => DataType::Utf8View,
    }
}

/// A node over one column as a function of the engine, which answers as the filter before the first pipe would.
fn test_of(node: Node, frame: &DataFrame, name: &str) -> Expr {
    let data_type = plain_type(&type_of(frame, name));
    let run = move |arguments: &[ColumnarValue]| {
        let arrays: Vec<ArrayRef> = ColumnarValue::values_to_arrays(arguments)?;
        Ok(ColumnarValue::Array(Arc::new(mask_of_values(&node, &arrays[0])?)))
    };
    // Volatile: two tests of one name are two functions, and must not be taken for each other.
    create_udf("test", vec![data_type.clone()], DataType::Boolean, Volatility::Volatile, Arc::new(run))
        .call(vec![cast(column(name), data_type)])
}

/// The text form of a column; of an id its digits.
fn text_of(frame: &DataFrame, name: &str) -> Expr {
    match type_of(frame, name) {
        DataType::FixedSizeBinary(width) => {
            let run = |arguments: &[ColumnarValue]| {
                let arrays: Vec<ArrayRef> = ColumnarValue::values_to_arrays(arguments)?;
                Ok(ColumnarValue::Array(Arc::new(id_texts(&arrays[0]))))
            };
            let id = DataType::FixedSizeBinary(width);
            create_udf("id_text", vec![id], DataType::Utf8, Volatility::Immutable, Arc::new(run))
                .call(vec![column(name)])
        }
        _ => cast(column(name), DataType::Utf8),
    }
}
