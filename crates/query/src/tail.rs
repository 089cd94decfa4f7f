//! Live tail: the same filters, applied to each acknowledged batch as it comes.

use arrow::array::RecordBatch;
use clewline_lang::Filter;
use clewline_model::signal::Signal;
use clewline_segment::Part;

use crate::answer::{QueryError, QueryErrorKind};
use crate::engine::Engine;
use crate::filter::bind;
use crate::names::Names;
use crate::scan::{filtered, logical_batch};
use crate::search::record_columns;
use crate::table::schema_of;

/// A filter for acknowledged batches.
#[derive(Debug, Clone)]
pub struct TailFilter {
    signal: Signal,
    filter: Filter,
    now_ns: i64,
}

impl Engine {
    /// A live filter.
    ///
    /// # Errors
    /// When the query does not parse or has pipes.
    pub fn tail(&self, signal: Signal, query: &str) -> Result<TailFilter, QueryError> {
        let query = clewline_lang::parse(query).map_err(crate::error::of_parse)?;
        if !query.pipes.is_empty() {
            return Err(QueryError::new(QueryErrorKind::BadQuery, "live tail takes a filter without pipes")
                .with_hint("remove everything from the first `|`"));
        }
        let filter = TailFilter { signal, filter: query.filter, now_ns: self.now_ns() };
        let names = Names { signal, summaries: Vec::new() };
        bind::bind(&filter.filter, &names, filter.now_ns)?;
        Ok(filter)
    }
}

impl TailFilter {
    /// The records of a batch that pass, as search rows; `None` when none do or the batch is of another signal.
    ///
    /// # Errors
    /// When the query does not fit the types of the batch.
    pub fn matching(&self, part: &Part) -> Result<Option<RecordBatch>, QueryError> {
        if part.batch.signal != self.signal {
            return Ok(None);
        }
        let (batch, summary) = part.columns()?;
        let names = Names { signal: self.signal, summaries: vec![summary] };
        let filter = bind::bind(&self.filter, &names, self.now_ns)?;
        let rows = filtered(&filter, self.signal, batch.clone(), summary)?;
        if rows.num_rows() == 0 {
            return Ok(None);
        }
        let columns = record_columns(&names);
        Ok(Some(logical_batch(self.signal, &columns, &schema_of(&columns), &rows, summary)?))
    }
}
