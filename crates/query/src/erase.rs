//! Which rows a delete job removes: the filters of a search, asked segment by segment.
//!
//! A field has, in each segment and part, the type it has there, so that the answer for a segment does not depend on
//! what else is stored. [`Engine::matching`] counts with the very same filters, so what is shown before is what goes.

use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use clewline_lang::Filter;
use clewline_model::signal::SEQ;
use clewline_segment::summary::Summary;
use clewline_store::deletion::{RowTest, Selection};
use clewline_store::{SegmentEntry, Snapshot};

use crate::answer::{QueryError, QueryErrorKind};
use crate::engine::Engine;
use crate::filter::{RowFilter, bind, prune};
use crate::names::Names;
use crate::scan::{Need, Scan, Stop, filtered};
use crate::search::window;
use crate::source::{Opened, ROW};

/// The test of a selection, for [`clewline_store::Store::set_row_tests`].
///
/// # Errors
/// When the query does not parse or has pipes; the text says where.
pub fn row_test(selection: &Selection) -> Result<RowTest, String> {
    let matcher = Matcher::of(selection).map_err(|error| error.message)?;
    let (opened, stop) = (Arc::new(Opened::default()), Stop::default());
    Ok(Box::new(move |entry| matcher.rows(entry, &opened, &stop).map_err(|error| error.message)))
}

impl Engine {
    /// How many records of a tenant a selection matches now.
    ///
    /// # Errors
    /// Bad queries with their position, or damaged data.
    pub async fn matching(&self, tenant: &str, selection: &Selection) -> Result<u64, QueryError> {
        let matcher = Matcher::of(selection)?;
        let running = self.start().await?;
        let snapshot = self.snapshot(tenant, selection.signal)?;
        let (opened, stop) = (Arc::clone(&self.opened), running.stop.clone());
        let count = move || {
            let mut count = 0;
            for entry in &snapshot.segments {
                count += matcher.rows(entry, &opened, &stop)?.len() as u64;
            }
            for part in &snapshot.parts {
                let (batch, summary) = part.columns()?;
                let rows = filtered(&matcher.bind(summary)?, matcher.0.signal, batch.clone(), summary)?;
                count += rows.num_rows() as u64;
            }
            Ok(count)
        };
        self.run(&running, count).await
    }
}

/// A selection whose query was read.
struct Matcher(Selection, Filter);

impl Matcher {
    fn of(selection: &Selection) -> Result<Matcher, QueryError> {
        let query = clewline_lang::parse(&selection.query).map_err(crate::error::of_parse)?;
        if !query.pipes.is_empty() {
            let error = QueryError::new(QueryErrorKind::BadQuery, "a deletion takes a filter without pipes");
            return Err(error.with_hint("remove everything from the first `|`"));
        }
        let matcher = Matcher(selection.clone(), query.filter);
        let names = Names { signal: selection.signal, summaries: Vec::new() };
        bind::bind(&matcher.1, &names, selection.now_ns)?;
        Ok(matcher)
    }

    fn bind(&self, summary: &Summary) -> Result<RowFilter, QueryError> {
        let Matcher(selection, filter) = self;
        let names = Names { signal: selection.signal, summaries: vec![summary] };
        let mut filter = bind::bind(filter, &names, selection.now_ns)?;
        filter.and(Vec::new(), window(selection.start_ns, selection.end_ns));
        Ok(filter)
    }

    /// Positions of the matching rows of a segment, ascending.
    fn rows(&self, entry: &Arc<SegmentEntry>, opened: &Arc<Opened>, stop: &Stop) -> Result<Vec<usize>, QueryError> {
        let filter = self.bind(&entry.summary)?;
        if prune::source_is_out(&filter, &entry.summary) {
            return Ok(Vec::new());
        }
        let scan =
            Scan { signal: self.0.signal, filter: Arc::new(filter), opened: Arc::clone(opened), stop: stop.clone() };
        let snapshot = Snapshot { segments: vec![Arc::clone(entry)], ..Snapshot::default() };
        // One column at least has to be read along with the numbers of the rows.
        let need = Need::Logical(vec![Names { signal: self.0.signal, summaries: Vec::new() }.column(SEQ)]);
        let mut rows = Vec::new();
        for unit in scan.units(&snapshot)?.0 {
            for batch in scan.rows(&unit, &need, true)? {
                let batch = batch?;
                let numbers = batch.column_by_name(ROW).and_then(|numbers| numbers.as_primitive_opt::<Int64Type>());
                let numbers = numbers.ok_or_else(|| {
                    QueryError::new(QueryErrorKind::Internal, "the rows of a segment have no numbers")
                })?;
                rows.extend(numbers.values().iter().filter_map(|&row| usize::try_from(row).ok()));
            }
        }
        rows.sort_unstable();
        match stop.stopped() {
            true => Err(QueryError::new(QueryErrorKind::Timeout, "the query was stopped")),
            false => Ok(rows),
        }
    }
}
