//! Counting by a few keys without the engine: `stats by (…) count()`, quantiles of span durations, `top`, distinct ids.
//!
//! A segment is answered from the cheapest thing that is exact: its cube (`metadata`), its lists of values, the rows its
//! index knows to pass (counted, not read), and only then from rows. Questions of any other shape go to the engine.
//! Reading order: [`Counting::of`] says which questions these are, `groups` collects, `metadata` answers without rows.

mod groups;
mod metadata;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};
use clewline_lang::{Bucket, Function, GroupKey, Pipe, Stats};
use clewline_model::signal::{Signal, span};
use clewline_segment::SegmentError;
use clewline_segment::gather::time_type;
use clewline_store::Snapshot;

use crate::answer::{QueryError, QueryStatistics};
use crate::columns::evaluate;
use crate::engine::{Engine, Running};
use crate::limits::{COUNTING_GROUPS_MAX, COUNTING_KEYS_MAX};
use crate::names::{Binding, LogicalColumn};
use crate::scan::{Need, Scan};
use crate::source::Unit;
use crate::table::spread;
use groups::Groups;

/// What a key is made from.
#[derive(Debug, Clone)]
pub(crate) enum Key {
    /// The text of a column.
    Text(LogicalColumn),
    /// The start time, rounded down to a multiple of so many ns.
    Time(LogicalColumn, i64),
}

/// What is computed of each group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Measure {
    /// Rows.
    Count,
    /// A quantile of `duration_ns`.
    Quantile(f64),
    /// Distinct 16-byte ids of [`Counting::ids`]; only without keys.
    Distinct,
}

/// A question this module answers.
#[derive(Debug, Clone)]
pub(crate) struct Counting {
    keys: Vec<(String, Key)>,
    measures: Vec<(String, Measure)>,
    ids: Option<LogicalColumn>,
    /// Most frequent first, and only so many; otherwise all, by their keys.
    most: Option<usize>,
}

impl Counting {
    /// The question of a pipe, if it is one of these. `column` finds a stored field.
    pub(crate) fn of(pipe: &Pipe, signal: Signal, column: impl Fn(&str) -> LogicalColumn) -> Option<Counting> {
        let counting = match pipe {
            Pipe::Stats(stats) => Counting::of_stats(stats, signal, &column)?,
            Pipe::Top(top) => Counting {
                keys: top.fields.iter().map(|name| text_key(column(name))).collect::<Option<_>>()?,
                measures: vec![("hits".to_owned(), Measure::Count)],
                ids: None,
                most: Some(usize::try_from(top.n).unwrap_or(usize::MAX)),
            },
            _ => return None,
        };
        let mut names: Vec<&str> = counting.names().collect();
        names.sort_unstable();
        let distinct = names.windows(2).all(|pair| pair[0] != pair[1]);
        (distinct && counting.keys.len() <= COUNTING_KEYS_MAX).then_some(counting)
    }

    fn of_stats(stats: &Stats, signal: Signal, column: &impl Fn(&str) -> LogicalColumn) -> Option<Counting> {
        let key = |key: &GroupKey| {
            let found = column(&key.field);
            match key.bucket {
                None => text_key(found),
                Some(Bucket::Duration(step)) if found.binding == Binding::Fixed(0) && step > 0 => {
                    Some((key.field.clone(), Key::Time(found, step)))
                }
                Some(_) => None,
            }
        };
        let keys: Vec<(String, Key)> = stats.by.iter().map(key).collect::<Option<_>>()?;
        let mut ids = None;
        let mut measures = Vec::with_capacity(stats.aggregates.len());
        for aggregate in &stats.aggregates {
            let is_duration = || {
                let [field] = aggregate.fields.as_slice() else { return false };
                signal == Signal::Spans && column(field).binding == Binding::Fixed(span::DURATION_NS)
            };
            let measure = match aggregate.function {
                Function::Count if aggregate.fields.is_empty() => Measure::Count,
                Function::Median if is_duration() => Measure::Quantile(0.5),
                Function::Quantile(phi) if is_duration() => Measure::Quantile(phi),
                Function::CountUniq if keys.is_empty() && stats.aggregates.len() == 1 => {
                    let [field] = aggregate.fields.as_slice() else { return None };
                    let found = column(field);
                    if found.data_type != DataType::FixedSizeBinary(16) {
                        return None;
                    }
                    ids = Some(found);
                    Measure::Distinct
                }
                _ => return None,
            };
            measures.push((aggregate.alias.clone(), measure));
        }
        Some(Counting { keys, measures, ids, most: None })
    }

    /// Records per time step and value of a text column.
    pub(crate) fn hits(time: LogicalColumn, step_ns: i64, by: Option<LogicalColumn>) -> Option<Counting> {
        let mut keys = vec![("__time".to_owned(), Key::Time(time, step_ns))];
        if let Some(by) = by {
            keys.push(("__value".to_owned(), text_key(by)?.1));
        }
        Some(Counting { keys, measures: vec![("__count".to_owned(), Measure::Count)], ids: None, most: None })
    }

    /// Records per value of a text column, most frequent first.
    pub(crate) fn values(of: LogicalColumn) -> Option<Counting> {
        let keys = vec![("value".to_owned(), text_key(of)?.1)];
        let most = Some(usize::MAX);
        Some(Counting { keys, measures: vec![("count".to_owned(), Measure::Count)], ids: None, most })
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        let keys = self.keys.iter().map(|(name, _)| name.as_str());
        keys.chain(self.measures.iter().map(|(name, _)| name.as_str()))
    }

    fn wants_durations(&self) -> bool {
        self.measures.iter().any(|(_, measure)| matches!(measure, Measure::Quantile(_)))
    }

    /// True when every group is just a number of rows.
    fn counts_only(&self) -> bool {
        self.measures.iter().all(|(_, measure)| *measure == Measure::Count)
    }

    /// The stored columns that reading rows needs.
    fn columns(&self) -> Vec<LogicalColumn> {
        let keys = self.keys.iter().map(|(_, Key::Text(column) | Key::Time(column, _))| column.clone());
        let mut columns: Vec<LogicalColumn> = keys.chain(self.ids.clone()).collect();
        if self.wants_durations() {
            columns.push(duration_column());
        }
        columns
    }

    /// Adds the rows of a unit that pass the scan's filter.
    fn add_rows(&self, scan: &Scan, unit: &Unit, groups: &mut Groups) -> Result<(), SegmentError> {
        let columns = self.columns();
        let need = Need::Logical(columns.clone());
        let summary = unit.source.summary()?;
        for batch in scan.rows(unit, &need, false)? {
            let batch = batch?;
            let arrays: Vec<ArrayRef> = columns
                .iter()
                .map(|column| evaluate(scan.signal, column, &batch, summary))
                .collect::<Result<_, _>>()?;
            let ids = self.ids.as_ref().map(|_| arrays[self.keys.len()].as_fixed_size_binary());
            let durations = self.wants_durations().then(|| arrays[arrays.len() - 1].as_primitive::<Int64Type>());
            groups.add_rows(&self.keys, &arrays, durations, ids, batch.num_rows());
            if groups.len() > COUNTING_GROUPS_MAX {
                break;
            }
        }
        Ok(())
    }

    /// The answer as rows.
    fn finish(&self, mut groups: Groups) -> Result<RecordBatch, QueryError> {
        if self.keys.is_empty() {
            groups.ensure_one();
        }
        let mut order = groups.by_keys(&self.keys);
        if let Some(most) = self.most {
            order.sort_by_key(|&group| std::cmp::Reverse(groups.count(group)));
            order.truncate(most);
        }
        let mut fields = Vec::new();
        let mut arrays: Vec<ArrayRef> = Vec::new();
        for (at, (name, key)) in self.keys.iter().enumerate() {
            let data_type = if matches!(key, Key::Time(..)) { time_type() } else { DataType::Utf8View };
            fields.push(Field::new(name, data_type, true));
            arrays.push(groups.key_column(at, key, &order));
        }
        for (name, measure) in &self.measures {
            let (data_type, array): (DataType, ArrayRef) = match measure {
                Measure::Count => {
                    let counts = order.iter().map(|&group| i64::try_from(groups.count(group)).unwrap_or(i64::MAX));
                    (DataType::Int64, Arc::new(arrow::array::PrimitiveArray::<Int64Type>::from_iter_values(counts)))
                }
                Measure::Quantile(phi) => {
                    let values = order.iter().map(|&group| groups.quantile(group, *phi));
                    (DataType::Float64, Arc::new(arrow::array::PrimitiveArray::<Float64Type>::from_iter(values)))
                }
                Measure::Distinct => {
                    let count = i64::try_from(groups.distinct()).unwrap_or(i64::MAX);
                    (DataType::Int64, Arc::new(arrow::array::Int64Array::from_iter_values([count])))
                }
            };
            fields.push(Field::new(name, data_type, true));
            arrays.push(array);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(order.len()));
        Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)?)
    }
}

fn text_key(column: LogicalColumn) -> Option<(String, Key)> {
    (column.data_type == DataType::Utf8View).then(|| (column.name.clone(), Key::Text(column)))
}

fn duration_column() -> LogicalColumn {
    let binding = Binding::Fixed(span::DURATION_NS);
    LogicalColumn { name: "duration_ns".to_owned(), binding, data_type: DataType::Int64 }
}

impl Engine {
    /// Answers a counting question; `None` when it has more groups than fit here, so that the engine must answer it.
    pub(crate) async fn count(
        &self,
        running: &Running,
        counting: Counting,
        scan: Scan,
        snapshot: &Arc<Snapshot>,
    ) -> Result<Option<RecordBatch>, QueryError> {
        let counting = Arc::new(counting);
        let mut groups = Groups::new(counting.keys.len(), counting.wants_durations());
        let (tasks, statistics) = metadata::answer(&counting, &scan, snapshot, &mut groups)?;
        *running.statistics.lock() = statistics;
        let few = tasks.len() <= 1;
        let work = tasks.into_iter().flat_map(|(scan, units)| {
            let partitions = if few { spread(units, self.threads()) } else { vec![units] };
            partitions.into_iter().map(move |units| (scan.clone(), units))
        });
        let reads = work.filter(|(_, units)| !units.is_empty()).map(|(scan, units)| {
            let counting = Arc::clone(&counting);
            self.run(running, move || {
                let mut groups = Groups::new(counting.keys.len(), counting.wants_durations());
                for unit in units {
                    if groups.len() > COUNTING_GROUPS_MAX || scan.stop.stopped() {
                        break;
                    }
                    counting.add_rows(&scan, &unit, &mut groups)?;
                }
                Ok(groups)
            })
        });
        for read in futures::future::try_join_all(reads).await? {
            groups.merge(&read);
        }
        if groups.len() > COUNTING_GROUPS_MAX {
            return Ok(None);
        }
        counting.finish(groups).map(Some)
    }
}

/// Counters of a query that looked at these units.
fn looked_at(statistics: &mut QueryStatistics, units: &[Unit]) {
    statistics.rows_scanned += units.iter().map(|unit| unit.rows).sum::<u64>();
}
