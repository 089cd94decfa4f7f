//! A place in one input, and the order of two such places: the segment order of [`crate::order`].

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray, FixedSizeBinaryArray, RecordBatch, StringViewArray};
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use clewline_model::signal::Signal;
use hashbrown::HashMap;

use super::Batches;
use crate::SegmentError;

/// The first start of each trace that is merged.
pub(super) type FirstStarts = HashMap<[u8; 16], i64>;

/// Reads an input row by row, in order.
pub(super) struct Cursor<'a> {
    signal: Signal,
    batches: Batches<'a>,
    first_start: &'a FirstStarts,
    batch: Option<(RecordBatch, Keys)>,
    at: usize,
}

/// The columns that order rows.
struct Keys {
    texts: Vec<StringViewArray>,
    /// First start of the row's trace for spans, template (as unsigned) for logs, 0 otherwise.
    number: Vec<u64>,
    times: Vec<i64>,
    ids: Vec<FixedSizeBinaryArray>,
}

impl Keys {
    fn of(signal: Signal, batch: &RecordBatch, first_start: &FirstStarts) -> Result<Keys, SegmentError> {
        let column = |name: &str| {
            let missing = || SegmentError::Format(format!("column {name} is missing"));
            batch.column_by_name(name).ok_or_else(missing)
        };
        let text = |name: &str| -> Result<StringViewArray, SegmentError> {
            let wrong = || SegmentError::Format(format!("column {name} has another type"));
            Ok(column(name)?.as_string_view_opt().ok_or_else(wrong)?.clone())
        };
        let id = |name: &str| -> Result<FixedSizeBinaryArray, SegmentError> {
            let wrong = || SegmentError::Format(format!("column {name} has another type"));
            Ok(column(name)?.as_fixed_size_binary_opt().ok_or_else(wrong)?.clone())
        };
        let times = column("time")?.as_primitive_opt::<TimestampNanosecondType>();
        let times = times.ok_or_else(|| SegmentError::Format("column time has another type".into()))?;
        let times: Vec<i64> = times.iter().map(|time| time.unwrap_or(0)).collect();
        let rows = batch.num_rows();
        Ok(match signal {
            Signal::Logs => {
                let ids = column("template_id")?.as_primitive_opt::<Int64Type>();
                let ids = ids.ok_or_else(|| SegmentError::Format("column template_id has another type".into()))?;
                let number = ids.iter().map(|id| id.unwrap_or(0).cast_unsigned()).collect();
                Keys { texts: vec![text("service")?], number, times, ids: Vec::new() }
            }
            Signal::Metrics => {
                Keys { texts: vec![text("service")?, text("name")?], number: vec![0; rows], times, ids: Vec::new() }
            }
            Signal::Spans => {
                let traces = id("trace_id")?;
                let first = |row: usize| first_start.get(id_at::<16>(&traces, row)).copied().unwrap_or(0);
                // The order of signed numbers, as unsigned ones.
                let number = (0..rows).map(|row| first(row).cast_unsigned() ^ 1 << 63).collect();
                Keys { texts: Vec::new(), number, times, ids: vec![traces, id("span_id")?] }
            }
        })
    }

    fn compare(&self, row: usize, other: &Keys, other_row: usize) -> Ordering {
        for (mine, theirs) in self.texts.iter().zip(&other.texts) {
            match text_at(mine, row).cmp(text_at(theirs, other_row)) {
                Ordering::Equal => {}
                order => return order,
            }
        }
        let number = self.number[row].cmp(&other.number[other_row]);
        let Some((trace, span)) = self.ids.first().zip(self.ids.get(1)) else {
            return number.then(self.times[row].cmp(&other.times[other_row]));
        };
        number
            .then_with(|| id_at::<16>(trace, row).cmp(id_at(&other.ids[0], other_row)))
            .then_with(|| self.times[row].cmp(&other.times[other_row]))
            .then_with(|| id_at::<8>(span, row).cmp(id_at(&other.ids[1], other_row)))
    }
}

fn text_at(texts: &StringViewArray, row: usize) -> &[u8] {
    if texts.is_valid(row) { texts.value(row).as_bytes() } else { b"" }
}

/// The id of a row; zero where it is absent.
pub(super) fn id_at<const N: usize>(ids: &FixedSizeBinaryArray, row: usize) -> &[u8; N] {
    let bytes = if ids.is_valid(row) { ids.value(row).try_into().ok() } else { None };
    bytes.unwrap_or(&[0; N])
}

impl<'a> Cursor<'a> {
    pub(super) fn new(
        signal: Signal,
        batches: Batches<'a>,
        first_start: &'a FirstStarts,
    ) -> Result<Cursor<'a>, SegmentError> {
        let mut cursor = Cursor { signal, batches, first_start, batch: None, at: 0 };
        cursor.next_batch()?;
        Ok(cursor)
    }

    fn next_batch(&mut self) -> Result<(), SegmentError> {
        self.at = 0;
        self.batch = None;
        for batch in self.batches.by_ref() {
            let batch = batch?;
            if batch.num_rows() > 0 {
                let keys = Keys::of(self.signal, &batch, self.first_start)?;
                self.batch = Some((batch, keys));
                break;
            }
        }
        Ok(())
    }

    pub(super) fn is_done(&self) -> bool {
        self.batch.is_none()
    }

    fn compare(&self, other: &Cursor<'_>) -> Ordering {
        match (&self.batch, &other.batch) {
            (Some((_, mine)), Some((_, theirs))) => mine.compare(self.at, theirs, other.at),
            _ => Ordering::Equal,
        }
    }

    /// How many of the next rows, at most `most`, come before the head of `other`.
    pub(super) fn run(&self, other: Option<&Cursor<'_>>, most: usize) -> usize {
        let Some((batch, mine)) = &self.batch else { return 0 };
        let most = most.min(batch.num_rows() - self.at);
        let Some((_, theirs)) = other.and_then(|other| other.batch.as_ref()) else { return most };
        let head = other.map_or(0, |other| other.at);
        let before = |rows: usize| mine.compare(self.at + rows, theirs, head) != Ordering::Greater;
        // The first row is the least; look ahead in growing steps, then halve.
        let (mut low, mut step) = (1, 1);
        while low < most && low + step <= most && before(low + step - 1) {
            low += step;
            step *= 2;
        }
        let mut high = (low + step).min(most);
        while low < high {
            let middle = low + (high - low) / 2;
            if before(middle) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The next `rows` rows.
    pub(super) fn slice(&self, rows: usize) -> Vec<ArrayRef> {
        let columns = self.batch.iter().flat_map(|(batch, _)| batch.columns());
        columns.map(|column| column.slice(self.at, rows)).collect()
    }

    pub(super) fn advance(&mut self, rows: usize) -> Result<(), SegmentError> {
        self.at += rows;
        match &self.batch {
            Some((batch, _)) if self.at < batch.num_rows() => Ok(()),
            _ => self.next_batch(),
        }
    }
}

/// The cursor whose head comes first.
pub(super) fn least(cursors: &[Cursor<'_>]) -> Option<usize> {
    least_of(cursors, 0..cursors.len())
}

/// The cursor whose head comes first but for one.
pub(super) fn least_but(cursors: &[Cursor<'_>], without: usize) -> Option<usize> {
    least_of(cursors, (0..cursors.len()).filter(move |&number| number != without))
}

fn least_of(cursors: &[Cursor<'_>], among: impl Iterator<Item = usize>) -> Option<usize> {
    among.reduce(|least, next| if cursors[next].compare(&cursors[least]) == Ordering::Less { next } else { least })
}
