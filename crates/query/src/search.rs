//! A search without pipes: the newest (or oldest) rows that pass, page by page.
//!
//! Total order: (time, seq), then the record's own text, so that a page border is exact whatever flush or compaction does
//! in between; rows acknowledged after the first page are not shown on later ones. Two steps: find the keys of the page,
//! newest sources first and stopping when no older source can matter; then read whole records for those rows only.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use clewline_lang::Filter;
use clewline_model::signal::SEQ;
use clewline_segment::limits::{CHUNK_ROWS, ROW_GROUP_ROWS};
use clewline_segment::ranges::RowRanges;
use clewline_store::Snapshot;
use futures::StreamExt;
use hashbrown::HashMap;
use tokio::runtime::Handle;

use crate::answer::{Answer, QueryError, QueryErrorKind, QueryStatistics, SearchRequest};
use crate::engine::{Engine, names};
use crate::filter::{Node, bind};
use crate::limits::{PIECES_FIRST, SEARCH_ROWS_DEFAULT, SEARCH_ROWS_MAX};
use crate::names::{Binding, LogicalColumn, Names, standard};
use crate::render;
use crate::scan::{Need, Scan, logical_batch};
use crate::source::{ROW, Source, Unit};
use crate::table::schema_of;

impl Engine {
    /// Answers a search; with pipes, the rows they make.
    ///
    /// # Errors
    /// Bad queries with their position, limits, or damaged data.
    pub async fn search(self: &Arc<Self>, request: SearchRequest) -> Result<Answer, QueryError> {
        let query = clewline_lang::parse(&request.query).map_err(crate::error::of_parse)?;
        if !query.pipes.is_empty() {
            let engine = Arc::clone(self);
            return self.on_query_threads(async move { engine.search_with_pipes(request, query).await }).await;
        }
        let cursor = request.cursor.as_deref().map(Cursor::parse).transpose()?;
        let limit = request.limit.unwrap_or(SEARCH_ROWS_DEFAULT).min(SEARCH_ROWS_MAX);
        let running = self.start().await?;
        let snapshot = self.snapshot(&request.tenant, request.signal)?;
        let names = names(request.signal, &snapshot)?;
        let mut filter = bind::bind(&query.filter, &names, self.now_ns())?;
        filter.and(Vec::new(), window(request.start, request.end));
        if let Some(cursor) = &cursor {
            let (low, high) =
                if request.ascending { (cursor.time, i64::MAX) } else { (i64::MIN, cursor.time.saturating_add(1)) };
            filter.and(Vec::new(), Node::Time { low, high });
        }
        let columns = record_columns(&names);
        let scan = self.scan(request.signal, filter, &running.stop);
        let statistics = Arc::clone(&running.statistics);
        let page = Page {
            ascending: request.ascending,
            wanted: usize::try_from(limit).unwrap_or(usize::MAX),
            seq_max: cursor.as_ref().map_or(snapshot.seq, |cursor| cursor.seq_max),
            after: cursor,
        };
        let (snapshot_of_task, threads) = (Arc::clone(&snapshot), self.handle().clone());
        let work = move || {
            let (rows, cursor, looked_at) = page.read(&scan, &snapshot_of_task, &columns, &threads)?;
            *statistics.lock() = looked_at;
            Ok((rows, cursor, looked_at))
        };
        let (rows, cursor, statistics) = self.run(&running, work).await?;
        let schema = rows.schema();
        let batches = futures::stream::iter([Ok(rows)]).boxed();
        Ok(Answer { schema, batches, cursor: cursor.map(|cursor| cursor.to_text()), statistics })
    }
}

/// The condition of a time window.
pub(crate) fn window(start: Option<i64>, end: Option<i64>) -> Node {
    match (start, end) {
        (None, None) => Node::All,
        (start, end) => Node::Time { low: start.unwrap_or(i64::MIN), high: end.unwrap_or(i64::MAX) },
    }
}

/// Binds a filter text of the page's questions.
pub(crate) fn parse_filter(text: &str) -> Result<Filter, QueryError> {
    clewline_lang::parse_filter(text).map_err(crate::error::of_parse)
}

/// The columns of a whole record, in answers.
pub(crate) fn record_columns(names: &Names<'_>) -> Vec<LogicalColumn> {
    let column = |name: &str| match name {
        "template_id" => {
            let data_type = arrow::datatypes::DataType::Utf8View;
            LogicalColumn { name: name.to_owned(), binding: Binding::TemplateText, data_type }
        }
        _ => names.column(name),
    };
    standard(names.signal).filter(|&name| name != SEQ).map(column).collect()
}

/// Where a page ended: the key of its last row, how many rows of that key were shown, and the newest batch the first
/// page could see.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cursor {
    time: i64,
    seq: i64,
    shown: usize,
    seq_max: i64,
}

impl Cursor {
    fn to_text(&self) -> String {
        format!("{:x}.{:x}.{:x}.{:x}", self.time, self.seq, self.shown, self.seq_max)
    }

    fn parse(text: &str) -> Result<Cursor, QueryError> {
        let bad =
            || QueryError::bad_query("the cursor is not one this server gave").with_hint("start again without it");
        let mut parts = text.split('.').map(|part| u64::from_str_radix(part, 16).map_err(|_| bad()));
        let mut next = || parts.next().ok_or_else(bad)?;
        let cursor = Cursor {
            time: next()?.cast_signed(),
            seq: next()?.cast_signed(),
            shown: usize::try_from(next()?).map_err(|_| bad())?,
            seq_max: next()?.cast_signed(),
        };
        Ok(cursor)
    }
}

/// A row found by its key: larger is shown first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    /// Time, or its mirror when ascending.
    time: i64,
    seq: i64,
    unit: usize,
    row: i64,
}

/// One page of a search.
struct Page {
    ascending: bool,
    wanted: usize,
    seq_max: i64,
    after: Option<Cursor>,
}

impl Page {
    fn read(
        &self,
        scan: &Scan,
        snapshot: &Snapshot,
        columns: &[LogicalColumn],
        threads: &Handle,
    ) -> Result<(RecordBatch, Option<Cursor>, QueryStatistics), QueryError> {
        let (units, pruned) = scan.units(snapshot)?;
        let mut statistics = QueryStatistics { segments_pruned: pruned, ..QueryStatistics::default() };
        let keep = self.wanted + self.after.as_ref().map_or(0, |after| after.shown);
        let mut pieces: Vec<Unit> = units.into_iter().flat_map(|unit| pieces(scan, unit)).collect();
        let best = |unit: &Unit| if self.ascending { !unit.time_min } else { unit.time_max };
        pieces.sort_by_key(|piece| std::cmp::Reverse(best(piece)));
        let mut found: Vec<Found> = Vec::new();
        let mut places = Places::default();
        // No row with a smaller time can be on the page any more.
        let mut least = i64::MIN;
        let (mut at, mut together) = (0, PIECES_FIRST);
        while at < pieces.len() && best(&pieces[at]) >= least && !scan.stop.stopped() {
            let next = &pieces[at..(at + together).min(pieces.len())];
            let next = &next[..next.partition_point(|piece| best(piece) >= least)];
            at += next.len();
            together *= 4;
            for unit in joined(next) {
                statistics.rows_scanned += unit.rows;
                let place = places.of(&unit);
                self.keys(scan, &unit, place, &mut found, &mut least, keep + 1)?;
            }
            if found.len() > keep {
                cut(&mut found, keep + 1);
                least = found.iter().map(|f| f.time).min().unwrap_or(i64::MIN);
            }
        }
        statistics.segments = places.segments();
        cut(&mut found, keep + 1);
        found.sort_unstable_by(|a, b| b.cmp(a));
        let rows = fetch(scan, &places.units, &found, columns, threads)?;
        let (order, cursor) = self.place(&found, &rows, keep);
        let page = take_record_batch(&rows, &UInt32Array::from(order))?;
        Ok((page, cursor, statistics))
    }

    /// Adds the keys of a unit's rows that may be on the page.
    fn keys(
        &self,
        scan: &Scan,
        unit: &Unit,
        index: usize,
        found: &mut Vec<Found>,
        least: &mut i64,
        keep: usize,
    ) -> Result<(), QueryError> {
        let names = Names { signal: scan.signal, summaries: Vec::new() };
        let need = Need::Logical(vec![names.column("time"), names.column("seq")]);
        for batch in scan.rows(unit, &need, true)? {
            let batch = batch?;
            let column = |name: &str| batch.column_by_name(name);
            let (Some(times), Some(seqs), Some(rows)) = (column("time"), column("seq"), column(ROW)) else { continue };
            let times = times.as_primitive::<TimestampNanosecondType>();
            let (seqs, rows) = (seqs.as_primitive::<Int64Type>(), rows.as_primitive::<Int64Type>());
            for i in 0..batch.num_rows() {
                // A record without a time sorts as the epoch.
                let time = if times.is_null(i) { 0 } else { times.value(i) };
                let key = if self.ascending { !time } else { time };
                let seq = seqs.value(i);
                if key < *least || seq > self.seq_max || self.before_page(key, seq) {
                    continue;
                }
                let seq = if self.ascending { !seq } else { seq };
                found.push(Found { time: key, seq, unit: index, row: rows.value(i) });
            }
            if found.len() >= 2 * keep.max(512) {
                cut(found, keep);
                *least = found.iter().map(|f| f.time).min().unwrap_or(i64::MIN);
            }
        }
        Ok(())
    }

    /// True for rows that an earlier page has shown for certain.
    fn before_page(&self, key: i64, seq: i64) -> bool {
        self.after.as_ref().is_some_and(|after| {
            if self.ascending { (!key, seq) < (after.time, after.seq) } else { (key, seq) > (after.time, after.seq) }
        })
    }

    /// The rows of the page in order, and where it ends if there is more.
    fn place(&self, found: &[Found], rows: &RecordBatch, keep: usize) -> (Vec<u32>, Option<Cursor>) {
        let mut order: Vec<u32> = (0..u32::try_from(found.len()).unwrap_or(u32::MAX)).collect();
        let key = |at: u32| (found[at as usize].time, found[at as usize].seq);
        for run in order.chunk_by_mut(|&a, &b| key(a) == key(b)) {
            if run.len() > 1 {
                run.sort_by_cached_key(|&at| render::row_text(rows, at as usize));
            }
        }
        let skip = match &self.after {
            Some(after) => {
                let wanted = (
                    if self.ascending { !after.time } else { after.time },
                    if self.ascending { !after.seq } else { after.seq },
                );
                order.iter().take_while(|&&at| key(at) == wanted).count().min(after.shown)
            }
            None => 0,
        };
        let more = order.len() > keep.min(skip + self.wanted);
        let page: Vec<u32> = order.iter().copied().skip(skip).take(self.wanted).collect();
        let cursor = page.last().filter(|_| more).map(|&last| {
            let end = skip + page.len();
            let shown = order[..end].iter().rev().take_while(|&&at| key(at) == key(last)).count();
            let (time, seq) = key(last);
            let plain = |v: i64| if self.ascending { !v } else { v };
            Cursor { time: plain(time), seq: plain(seq), shown, seq_max: self.seq_max }
        });
        (page, cursor)
    }
}

/// Keeps the `keep` largest by (time, seq), and all that tie with the last of them.
fn cut(found: &mut Vec<Found>, keep: usize) {
    if found.len() <= keep || keep == 0 {
        return;
    }
    let (_, border, _) = found.select_nth_unstable_by(keep - 1, |a, b| b.cmp(a));
    let border = (border.time, border.seq);
    found.retain(|f| (f.time, f.seq) >= border);
}

/// The chunks of a unit, each with the times of its chunk: what is newest is looked at first.
fn pieces(scan: &Scan, unit: Unit) -> Vec<Unit> {
    let (Source::Segment(entry), Some(group)) = (&unit.source, unit.row_group) else { return vec![unit] };
    let Some(index) = scan.opened.index(entry) else { return vec![unit] };
    // Row groups are whole chunks, and all but the last are full.
    let first = group * (ROW_GROUP_ROWS / CHUNK_ROWS);
    let Some(chunks) = index.chunks.get(first..) else { return vec![unit] };
    let whole = RowRanges::all(chunks.iter().take(ROW_GROUP_ROWS / CHUNK_ROWS).map(|c| u64::from(c.rows)).sum());
    let selected = unit.selected.as_ref().unwrap_or(&whole);
    let mut pieces = Vec::new();
    for (number, chunk) in chunks.iter().take(ROW_GROUP_ROWS / CHUNK_ROWS).enumerate() {
        let start = (number * CHUNK_ROWS) as u64;
        let rows = selected.and(&std::iter::once(start..start + u64::from(chunk.rows)).collect());
        if !rows.is_empty() {
            let (time_min, time_max) = (chunk.time_min, chunk.time_max);
            pieces.push(Unit { rows: rows.len(), selected: Some(rows), time_min, time_max, ..unit.clone() });
        }
    }
    pieces
}

/// Units that read together what lies in one row group.
fn joined(pieces: &[Unit]) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    for piece in pieces {
        let same = |unit: &&mut Unit| unit.place() == piece.place() && unit.sure == piece.sure;
        match (units.iter_mut().find(same), &piece.selected) {
            (Some(unit), Some(more)) => {
                unit.rows += piece.rows;
                unit.selected = unit.selected.as_ref().map(|rows| rows.or(more));
            }
            _ => units.push(piece.clone()),
        }
    }
    units
}

/// Row groups and parts in which rows were found.
#[derive(Default)]
struct Places {
    units: Vec<Unit>,
    numbers: HashMap<(i64, usize), usize>,
}

impl Places {
    fn of(&mut self, unit: &Unit) -> usize {
        *self.numbers.entry(unit.place()).or_insert_with(|| {
            self.units.push(unit.clone());
            self.units.len() - 1
        })
    }

    fn segments(&self) -> u64 {
        let ids: hashbrown::HashSet<i64> = self.numbers.keys().map(|(id, _)| *id).filter(|id| *id >= 0).collect();
        ids.len() as u64
    }
}

/// Whole records for the found rows, in their order.
fn fetch(
    scan: &Scan,
    units: &[Unit],
    found: &[Found],
    columns: &[LogicalColumn],
    threads: &Handle,
) -> Result<RecordBatch, QueryError> {
    let mut wanted = Vec::new();
    let mut position = vec![0u32; found.len()];
    let mut at = 0u32;
    for (index, unit) in units.iter().enumerate() {
        let mut mine: Vec<(i64, usize)> =
            found.iter().enumerate().filter(|(_, f)| f.unit == index).map(|(i, f)| (f.row, i)).collect();
        if mine.is_empty() {
            continue;
        }
        mine.sort_unstable();
        let first = (unit.row_group.unwrap_or(0) * ROW_GROUP_ROWS) as u64;
        let rows = mine.iter().map(|&(row, _)| row.cast_unsigned() - first..row.cast_unsigned() - first + 1);
        wanted.push(Unit { selected: Some(rows.collect()), sure: true, ..unit.clone() });
        for (_, i) in mine {
            position[i] = at;
            at += 1;
        }
    }
    // Scattered rows are mostly unpacking of pages: half of the row groups on another thread.
    let theirs = wanted.split_off(if wanted.len() > 1 { wanted.len().div_ceil(2) } else { wanted.len() });
    let other = (!theirs.is_empty()).then(|| {
        let (scan, columns) = (scan.clone(), columns.to_vec());
        threads.spawn_blocking(move || records(&scan, &theirs, &columns))
    });
    let mut batches = records(scan, &wanted, columns)?;
    if let Some(other) = other {
        let read = threads.block_on(other);
        batches.extend(read.map_err(|panic| QueryError::new(QueryErrorKind::Internal, panic.to_string()))??);
    }
    let all = concat_batches(&schema_of(columns), &batches)?;
    if all.num_rows() != found.len() {
        return Err(QueryError::new(QueryErrorKind::Timeout, "the query was stopped"));
    }
    Ok(take_record_batch(&all, &UInt32Array::from(position))?)
}

/// All rows of some units, as answers show them.
fn records(scan: &Scan, units: &[Unit], columns: &[LogicalColumn]) -> Result<Vec<RecordBatch>, QueryError> {
    let schema = schema_of(columns);
    let mut batches = Vec::new();
    for unit in units {
        let summary = unit.source.summary()?;
        for rows in scan.rows(unit, &Need::Everything, false)? {
            batches.push(logical_batch(scan.signal, columns, &schema, &rows?, summary)?);
        }
    }
    Ok(batches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_nonsense_is_refused() {
        let cursor = Cursor { time: -5, seq: 7, shown: 3, seq_max: i64::MAX };
        assert_eq!(Cursor::parse(&cursor.to_text()).expect("own text"), cursor);
        for text in ["", "1.2.3", "x.1.1.1", "1.1.1.zz"] {
            assert!(Cursor::parse(text).is_err(), "{text}");
        }
    }
}
