//! A part: an acknowledged batch and the sequence numbers of its rows. The memtable is a list of parts.

use std::sync::{Arc, OnceLock};

use arrow::array::RecordBatch;
use clewline_model::batch::Batch;

use crate::SegmentError;
use crate::gather::{self, RowRef};
use crate::promote::Layout;
use crate::summary::Summary;

/// Sequence numbers of rows.
#[derive(Debug, Clone)]
pub enum Seqs {
    /// All rows came in one batch.
    One(i64),
    /// Row by row (after a merge).
    PerRow(Arc<[i64]>),
}

impl Seqs {
    /// The number of a row.
    pub fn at(&self, row: usize) -> i64 {
        match self {
            Seqs::One(seq) => *seq,
            Seqs::PerRow(seqs) => seqs[row],
        }
    }
}

/// Rows in memory, ready for queries and for a segment.
#[derive(Debug, Clone)]
pub struct Part {
    /// The rows.
    pub batch: Arc<Batch>,
    /// Their sequence numbers.
    pub seqs: Seqs,
    columns: Arc<OnceLock<(RecordBatch, Summary)>>,
}

impl Part {
    /// Rows that came in one batch.
    pub fn new(batch: Arc<Batch>, seq: i64) -> Part {
        Part { batch, seqs: Seqs::One(seq), columns: Arc::default() }
    }

    /// Rows with a number each; `seqs` has as many entries as `batch` rows.
    pub fn merged(batch: Arc<Batch>, seqs: Arc<[i64]>) -> Part {
        Part { batch, seqs: Seqs::PerRow(seqs), columns: Arc::default() }
    }

    /// The rows of two parts, in their order.
    #[must_use]
    pub fn joined(&self, next: &Part) -> Part {
        let mut batch = (*self.batch).clone();
        batch.append(&next.batch);
        let seqs = [self, next].into_iter().flat_map(|part| (0..part.rows()).map(|row| part.seqs.at(row)));
        Part::merged(Arc::new(batch), seqs.collect())
    }

    /// The rows at these positions, in their order.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Part {
        let seqs = rows.iter().map(|&row| self.seqs.at(row));
        Part::merged(Arc::new(self.batch.select(rows)), seqs.collect())
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.batch.rows()
    }

    /// Bytes held, roughly.
    pub fn size_bytes(&self) -> usize {
        self.batch.size_bytes()
    }

    /// The rows as the columns of a segment, every attribute in a column; made at first use and kept.
    pub fn columns(&self) -> Result<(&RecordBatch, &Summary), SegmentError> {
        if self.columns.get().is_none() {
            let parts = std::slice::from_ref(self);
            let layout = Layout::of_memory(self.batch.signal, parts);
            let rows: Vec<RowRef> = (0..self.rows()).map(|row| RowRef::new(0, row)).collect();
            let batch = gather::gather(&layout, parts, &rows)?;
            let summary = Summary::of(&layout, parts, &rows);
            let _ = self.columns.set((batch, summary));
        }
        let (batch, summary) = self.columns.get().expect("set just above");
        Ok((batch, summary))
    }
}
