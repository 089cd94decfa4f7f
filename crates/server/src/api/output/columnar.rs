//! Rows as an Arrow IPC stream or a Parquet file, written piece by piece.

use std::io;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use parking_lot::Mutex;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::Writer;
use crate::limits::PARQUET_GROUP_ROWS;

/// Bytes between a writer that wants to own its sink and an answer that takes them away.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>);

impl Pipe {
    fn drain(&self, out: &mut Vec<u8>) {
        out.append(&mut self.0.lock());
    }
}

impl io::Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Arrow IPC stream.
pub(super) struct Arrow {
    writer: StreamWriter<Pipe>,
    pipe: Pipe,
}

impl Arrow {
    pub(super) fn new(schema: &SchemaRef) -> Result<Arrow, String> {
        let pipe = Pipe::default();
        let writer = StreamWriter::try_new(pipe.clone(), schema).map_err(|error| error.to_string())?;
        Ok(Arrow { writer, pipe })
    }
}

impl Writer for Arrow {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        self.pipe.drain(out);
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch, _: usize, out: &mut Vec<u8>) -> Result<usize, String> {
        self.writer.write(batch).map_err(|error| error.to_string())?;
        self.pipe.drain(out);
        Ok(batch.num_rows())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        self.writer.finish().map_err(|error| error.to_string())?;
        self.pipe.drain(out);
        Ok(())
    }

    fn fail(&mut self, _: &serde_json::Value, _: &mut Vec<u8>) -> bool {
        false
    }
}

/// Parquet file.
pub(super) struct Parquet {
    writer: Option<ArrowWriter<Pipe>>,
    pipe: Pipe,
}

impl Parquet {
    pub(super) fn new(schema: &SchemaRef) -> Result<Parquet, String> {
        let pipe = Pipe::default();
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(PARQUET_GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(pipe.clone(), Arc::clone(schema), Some(properties));
        Ok(Parquet { writer: Some(writer.map_err(|error| error.to_string())?), pipe })
    }
}

impl Writer for Parquet {
    fn begin(&mut self, _: &mut Vec<u8>) -> Result<(), String> {
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch, _: usize, out: &mut Vec<u8>) -> Result<usize, String> {
        if let Some(writer) = &mut self.writer {
            writer.write(batch).map_err(|error| error.to_string())?;
        }
        self.pipe.drain(out);
        Ok(batch.num_rows())
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        if let Some(writer) = self.writer.take() {
            writer.close().map_err(|error| error.to_string())?;
        }
        self.pipe.drain(out);
        Ok(())
    }

    fn fail(&mut self, _: &serde_json::Value, _: &mut Vec<u8>) -> bool {
        false
    }
}
