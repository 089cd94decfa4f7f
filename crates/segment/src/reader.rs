//! Opening a segment.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use clewline_model::signal::Signal;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::metadata::PageIndexPolicy;
use parquet::file::reader::ChunkReader;

use crate::SegmentError;
use crate::writer::{SIGNAL_KEY, VERSION, VERSION_KEY};

/// Reads the footer and page index, and checks that the file is a segment of this version and signal.
pub fn open(file: &impl ChunkReader, signal: Signal) -> Result<ArrowReaderMetadata, SegmentError> {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Optional);
    let metadata = ArrowReaderMetadata::load(file, options)?;
    let pairs = metadata.metadata().file_metadata().key_value_metadata();
    let value = |key: &str| pairs.and_then(|p| p.iter().find(|kv| kv.key == key)).and_then(|kv| kv.value.as_deref());
    match value(VERSION_KEY) {
        Some(VERSION) => {}
        Some(other) => {
            let message = format!("version {other} is newer than this program reads ({VERSION}); use a newer clewline");
            return Err(SegmentError::Format(message));
        }
        None => return Err(SegmentError::Format("a Parquet file, but not a segment".into())),
    }
    if value(SIGNAL_KEY) != Some(signal.name()) {
        return Err(SegmentError::Format(format!("it does not hold {}", signal.name())));
    }
    Ok(metadata)
}

/// The schema with every text as a view: dictionary values are then shared, not copied per row.
pub fn view_schema(schema: &SchemaRef) -> SchemaRef {
    let field = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 => field.as_ref().clone().with_data_type(DataType::Utf8View),
        _ => field.as_ref().clone(),
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

/// Runs a read of a file that may be damaged. The Parquet and Arrow crates answer most damage with an error and some
/// with a panic; both become an error here.
pub fn guarded<T>(read: impl FnOnce() -> Result<T, SegmentError>) -> Result<T, SegmentError> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(SegmentError::Format("the file is damaged: its columns contradict each other".into())))
}
