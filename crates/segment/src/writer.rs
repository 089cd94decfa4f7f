//! Writing a segment.

use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use clewline_model::signal::{SEQ, Signal};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;
use xxhash_rust::xxh3::Xxh3Default;

use crate::SegmentError;
use crate::gather;
use crate::limits::{PAGE_ROWS, ROW_GROUP_ROWS, TEXT_PAGE_BYTES, WRITE_BATCH_ROWS};
use crate::order;
use crate::part::Part;
use crate::promote::Layout;
use crate::sidecar::Builder;
use crate::summary::Summary;

/// Version of the segment format, in the file's key-value metadata under [`VERSION_KEY`].
pub const VERSION: &str = "1";

/// Level 1 is smaller than 3 on log lines in this order (18.2 against 19.5 bytes a line of 101, lengths apart); level 6 would
/// save another 3 %, and what it costs in time was not measured.
const ZSTD_LEVEL: i32 = 1;

/// Fixed columns that zstd does not make smaller by more than a few percent: random ids, differences, numbers of a small
/// dictionary. Reading them costs no decompressor, whose set-up takes longer than a page.
const UNPACKED: &[&str] = &[
    "time",
    "observed_time",
    "start_time",
    "service",
    "level",
    "body_kind",
    "template_id",
    "node",
    "span_id",
    "severity_number",
    "severity_text",
    "event_name",
    "flags",
    "scope_name",
    "scope_version",
    "dropped_attributes",
    "dropped_events",
    "dropped_links",
    "duration_ns",
    "name",
    "kind",
    "status",
];

/// Metadata key of the format version.
pub const VERSION_KEY: &str = "clewline.segment.version";

/// Metadata key of the signal name.
pub const SIGNAL_KEY: &str = "clewline.segment.signal";

/// A written segment.
#[derive(Debug)]
pub struct Written {
    /// What the catalog keeps.
    pub summary: Summary,
    /// The bytes of its index file; see [`crate::sidecar`].
    pub index: Vec<u8>,
}

/// Sorts the rows of `parts`, leaves out repeated spans and writes one segment to `sink`. `parts` must be of `signal` and
/// hold at least one row.
///
/// # Errors
/// When the sink fails or a row group would hold more than 2 GiB of one text column.
pub fn write(signal: Signal, parts: &[Part], sink: impl Write + Send) -> Result<Written, SegmentError> {
    let (rows, duplicates_removed) = order::ordered(signal, parts);
    let layout = Layout::of_segment(signal, parts);
    let mut summary = Summary::of(&layout, parts, &rows);
    summary.duplicates_removed = duplicates_removed;
    let mut writer = SegmentWriter::new(signal, &gather::schema(&layout), sink)?;
    for group in rows.chunks(ROW_GROUP_ROWS) {
        writer.write(&gather::gather(&layout, parts, group)?)?;
    }
    writer.finish(summary)
}

/// Writes a segment and its index, batch by batch. All but the last batch must hold whole chunks
/// ([`crate::limits::CHUNK_ROWS`]).
pub(crate) struct SegmentWriter<W: Write + Send> {
    parquet: ArrowWriter<Counted<W>>,
    index: Builder,
    schema: SchemaRef,
    rows: u64,
}

impl<W: Write + Send> SegmentWriter<W> {
    pub(crate) fn new(signal: Signal, schema: &SchemaRef, sink: W) -> Result<SegmentWriter<W>, SegmentError> {
        let counted = Counted { sink, bytes: 0, hash: Xxh3Default::new() };
        let parquet = ArrowWriter::try_new(counted, Arc::clone(schema), Some(properties(signal)))?;
        Ok(SegmentWriter { parquet, index: Builder::new(signal, schema), schema: Arc::clone(schema), rows: 0 })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), SegmentError> {
        self.parquet.write(batch)?;
        self.index.push(batch);
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// Ends the file and completes its summary.
    pub(crate) fn finish(self, mut summary: Summary) -> Result<Written, SegmentError> {
        let counted = self.parquet.into_inner()?;
        summary.rows = self.rows;
        summary.bytes = counted.bytes;
        summary.checksum = counted.hash.digest();
        let index = self.index.finish(summary.checksum);
        summary.index_bytes = index.len() as u64;
        Ok(Written { summary, index })
    }
}

fn properties(signal: Signal) -> WriterProperties {
    let level = ZstdLevel::try_new(ZSTD_LEVEL).expect("it is a zstd level");
    // Version 2 writes differences where a dictionary grew too large.
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(WRITE_BATCH_ROWS)
        .set_statistics_enabled(EnabledStatistics::Chunk)
        .set_statistics_truncate_length(Some(64))
        .set_key_value_metadata(Some(vec![
            KeyValue::new(VERSION_KEY.to_owned(), VERSION.to_owned()),
            KeyValue::new(SIGNAL_KEY.to_owned(), signal.name().to_owned()),
        ]));
    let plain = |builder: parquet::file::properties::WriterPropertiesBuilder, name: &str| {
        builder.set_column_dictionary_enabled(ColumnPath::from(name), false)
    };
    for name in ["time", "observed_time", "start_time", "duration_ns", "body", "events", "links", SEQ] {
        builder = plain(builder, name);
    }
    // Ids are random: neither a dictionary nor differences make them smaller.
    for name in ["trace_id", "span_id", "parent_span_id"] {
        builder = plain(builder, name).set_column_encoding(ColumnPath::from(name), Encoding::PLAIN);
    }
    for name in ["body", "events", "links"] {
        builder = builder
            .set_column_data_page_size_limit(ColumnPath::from(name), TEXT_PAGE_BYTES)
            .set_column_encoding(ColumnPath::from(name), Encoding::DELTA_LENGTH_BYTE_ARRAY);
    }
    for name in ["time", "observed_time", "start_time", SEQ] {
        builder = builder.set_column_encoding(ColumnPath::from(name), Encoding::DELTA_BINARY_PACKED);
    }
    for name in UNPACKED.iter().chain(if signal == Signal::Logs { &["trace_id"][..] } else { &[] }) {
        builder = builder.set_column_compression(ColumnPath::from(*name), Compression::UNCOMPRESSED);
    }
    builder.build()
}

/// Counts and hashes the bytes that pass.
struct Counted<W> {
    sink: W,
    bytes: u64,
    hash: Xxh3Default,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.sink.write(bytes)?;
        self.bytes += written as u64;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.sink.flush()
    }
}
