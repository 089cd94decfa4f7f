//! The tables DataFusion sees: one per signal, made anew for each query with the columns that query names.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use clewline_model::signal::Signal;
use clewline_store::Snapshot;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::{DataFusionError, Result as EngineResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use parking_lot::Mutex;

use crate::answer::QueryStatistics;
use crate::filter::{Node, RowFilter, pushdown};
use crate::names::LogicalColumn;
use crate::scan::{Need, Scan, Stop, logical_batch};
use crate::source::{Opened, Unit};

/// One table of one query.
#[derive(Debug)]
pub(crate) struct Table {
    pub signal: Signal,
    pub snapshot: Arc<Snapshot>,
    pub columns: Vec<LogicalColumn>,
    /// What every row must pass, apart from what the engine pushes down.
    pub filter: RowFilter,
    pub opened: Arc<Opened>,
    pub stop: Stop,
    pub partitions: usize,
    pub statistics: Arc<Mutex<QueryStatistics>>,
}

/// The Arrow schema of logical columns.
pub(crate) fn schema_of(columns: &[LogicalColumn]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(LogicalColumn::field).collect::<Vec<_>>()))
}

#[async_trait]
impl TableProvider for Table {
    fn schema(&self) -> SchemaRef {
        schema_of(&self.columns)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> EngineResult<Arc<dyn ExecutionPlan>> {
        self.plan(projection, filters)
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> EngineResult<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match pushdown::node(filter, &self.columns) {
            Some(_) => TableProviderFilterPushDown::Exact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }
}

impl Table {
    fn plan(&self, projection: Option<&Vec<usize>>, filters: &[Expr]) -> EngineResult<Arc<dyn ExecutionPlan>> {
        let mut filter = self.filter.clone();
        let nodes: Vec<Node> = filters.iter().filter_map(|expr| pushdown::node(expr, &self.columns)).collect();
        filter.and(self.columns.clone(), Node::And(nodes));
        let scan = Scan {
            signal: self.signal,
            filter: Arc::new(filter),
            opened: Arc::clone(&self.opened),
            stop: self.stop.clone(),
        };
        let (units, pruned) = scan.units(&self.snapshot).map_err(|e| DataFusionError::External(Box::new(e)))?;
        self.count(&units, pruned);
        let columns: Vec<LogicalColumn> = match projection {
            Some(indices) => indices.iter().map(|&index| self.columns[index].clone()).collect(),
            None => self.columns.clone(),
        };
        let schema = schema_of(&columns);
        let partitions: Vec<Arc<dyn PartitionStream>> = spread(units, self.partitions)
            .into_iter()
            .map(|units| {
                let rows =
                    UnitRows { scan: scan.clone(), columns: columns.clone(), schema: Arc::clone(&schema), units };
                Arc::new(rows) as Arc<dyn PartitionStream>
            })
            .collect();
        Ok(Arc::new(StreamingTableExec::try_new(schema, partitions, None, None, false, None)?))
    }

    fn count(&self, units: &[Unit], pruned: u64) {
        let mut statistics = self.statistics.lock();
        statistics.rows_scanned += units.iter().map(|unit| unit.rows).sum::<u64>();
        let mut segments: Vec<i64> = units.iter().filter_map(segment_id).collect();
        segments.dedup();
        statistics.segments += segments.len() as u64;
        statistics.segments_pruned += pruned;
    }
}

fn segment_id(unit: &Unit) -> Option<i64> {
    match &unit.source {
        crate::source::Source::Segment(entry) => Some(entry.id),
        crate::source::Source::Memory(_) => None,
    }
}

/// Deals units out to at most `count` partitions of about equal rows; at least one partition.
pub(crate) fn spread(mut units: Vec<Unit>, count: usize) -> Vec<Vec<Unit>> {
    units.sort_by_key(|unit| std::cmp::Reverse(unit.rows));
    let mut partitions: Vec<(u64, Vec<Unit>)> =
        (0..count.clamp(1, units.len().max(1))).map(|_| (0, Vec::new())).collect();
    for unit in units {
        if let Some(least) = partitions.iter_mut().min_by_key(|(rows, _)| *rows) {
            least.0 += unit.rows.max(1);
            least.1.push(unit);
        }
    }
    partitions.into_iter().map(|(_, units)| units).collect()
}

/// The rows of some units as a partition.
#[derive(Debug)]
struct UnitRows {
    scan: Scan,
    columns: Vec<LogicalColumn>,
    schema: SchemaRef,
    units: Vec<Unit>,
}

impl PartitionStream for UnitRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (scan, columns, schema) = (self.scan.clone(), self.columns.clone(), Arc::clone(&self.schema));
        let need = Need::Logical(columns.clone());
        let batches = self.units.clone().into_iter().flat_map(move |unit| {
            let rows = match scan.rows(&unit, &need, false) {
                Ok(rows) => rows,
                Err(error) => Box::new(std::iter::once(Err(error))),
            };
            let (signal, columns, schema) = (scan.signal, columns.clone(), Arc::clone(&schema));
            let logical = rows.map(move |batch| {
                let external = |error| DataFusionError::External(Box::new(error));
                let batch = batch.map_err(external)?;
                let summary = unit.source.summary().map_err(external)?;
                Ok(logical_batch(signal, &columns, &schema, &batch, summary)?)
            });
            Box::new(logical) as Box<dyn Iterator<Item = EngineResult<arrow::array::RecordBatch>> + Send>
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.schema), futures::stream::iter(batches)))
    }
}
