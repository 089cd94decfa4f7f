//! A segment back to parts, for merging.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type, TimestampNanosecondType};
use bytes::Bytes;
use clewline_model::attributes::{Attributes, Value, ValueKind};
use clewline_model::batch::{Batch, Column};
use clewline_model::signal::{ColumnType, NULL_DOUBLE_BITS, NULL_INT, SEQ, Signal};
use hashbrown::HashMap;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::SegmentError;
use crate::gather::KIND_KEY;
use crate::limits::{CHUNK_ROWS, ROW_GROUP_ROWS};
use crate::part::Part;
use crate::reader;
use crate::rest::{self, RawValue};
use crate::sidecar::Builder;
use crate::summary::{SCOPES, Scope};

/// Reads a whole segment: one part per row group. Damage is an error; compare with [`crate::Summary::matches`] first to
/// find the damage that still reads as Parquet.
pub fn read_parts(bytes: Bytes, signal: Signal) -> Result<Vec<Part>, SegmentError> {
    reader::guarded(|| {
        let metadata = reader::open(&bytes, signal)?;
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata);
        let batches = reader.with_batch_size(ROW_GROUP_ROWS).build()?;
        batches.map(|batch| part_of(&batch?, signal)).collect()
    })
}

/// Makes the index of a segment anew from its bytes. Damage is an error, as in [`read_parts`].
pub fn index_of(bytes: Bytes, signal: Signal, checksum: u64) -> Result<Vec<u8>, SegmentError> {
    reader::guarded(|| {
        let metadata = reader::open(&bytes, signal)?;
        let mut index = Builder::new(signal, metadata.schema());
        let reader = ParquetRecordBatchReaderBuilder::new_with_metadata(bytes, metadata);
        for batch in reader.with_batch_size(CHUNK_ROWS).build()? {
            index.push(&batch?);
        }
        Ok(index.finish(checksum))
    })
}

/// The part that [`crate::gather::gather`] would turn into `columns`.
pub fn part_of(columns: &RecordBatch, signal: Signal) -> Result<Part, SegmentError> {
    let rows = columns.num_rows();
    let mut batch = Batch::new(signal);
    for (index, spec) in signal.columns().iter().enumerate() {
        let array = columns.column_by_name(spec.name);
        batch.columns[index] = fixed_column(spec.kind, array, rows)
            .ok_or_else(|| SegmentError::Format(format!("column {} has another type", spec.name)))?;
    }
    let seqs = columns
        .column_by_name(SEQ)
        .and_then(|array| array.as_primitive_opt::<Int64Type>())
        .ok_or_else(|| SegmentError::Format("column seq is missing".into()))?;
    let sources = SCOPES.map(|scope| Source::of(columns, scope));
    for row in 0..rows {
        sources[0].push(row, &mut batch.attributes);
        batch.attributes.end_row();
    }
    batch.resource = sources[1].distinct(rows, &mut batch.resources);
    batch.scope = sources[2].distinct(rows, &mut batch.scopes);
    debug_assert!(batch.check());
    Ok(Part::merged(Arc::new(batch), seqs.values().to_vec().into()))
}

fn fixed_column(kind: ColumnType, array: Option<&ArrayRef>, rows: usize) -> Option<Column> {
    let Some(array) = array else {
        return Some(absent_column(kind, rows));
    };
    Some(match kind {
        ColumnType::Time => {
            let values = array.as_primitive_opt::<TimestampNanosecondType>()?;
            Column::Int(values.iter().map(|v| v.unwrap_or(0)).collect())
        }
        ColumnType::Int | ColumnType::NullableInt => {
            let null = if kind == ColumnType::NullableInt { NULL_INT } else { 0 };
            Column::Int(array.as_primitive_opt::<Int64Type>()?.iter().map(|v| v.unwrap_or(null)).collect())
        }
        ColumnType::Double => {
            let null = f64::from_bits(NULL_DOUBLE_BITS);
            Column::Double(array.as_primitive_opt::<Float64Type>()?.iter().map(|v| v.unwrap_or(null)).collect())
        }
        ColumnType::Text => {
            let mut ends = Vec::with_capacity(rows);
            let mut data = Vec::new();
            for row in 0..rows {
                data.extend_from_slice(text_at(array, row)?.as_bytes());
                ends.push(u32::try_from(data.len()).ok()?);
            }
            Column::Text { ends, data }
        }
        ColumnType::Id16 => Column::Id16(ids(array)?),
        ColumnType::Id8 => Column::Id8(ids(array)?),
    })
}

/// The text of a row in a column of either text type (empty where absent); `None` for another type.
fn text_at(array: &ArrayRef, row: usize) -> Option<&str> {
    match array.as_string_view_opt() {
        Some(views) => Some(if views.is_valid(row) { views.value(row) } else { "" }),
        None => array.as_string_opt::<i32>().map(|texts| if texts.is_valid(row) { texts.value(row) } else { "" }),
    }
}

fn absent_column(kind: ColumnType, rows: usize) -> Column {
    match kind {
        ColumnType::Time | ColumnType::Int => Column::Int(vec![0; rows]),
        ColumnType::NullableInt => Column::Int(vec![NULL_INT; rows]),
        ColumnType::Double => Column::Double(vec![f64::from_bits(NULL_DOUBLE_BITS); rows]),
        ColumnType::Text => Column::Text { ends: vec![0; rows], data: Vec::new() },
        ColumnType::Id16 => Column::Id16(vec![[0; 16]; rows]),
        ColumnType::Id8 => Column::Id8(vec![[0; 8]; rows]),
    }
}

fn ids<const N: usize>(array: &ArrayRef) -> Option<Vec<[u8; N]>> {
    array.as_fixed_size_binary_opt()?.iter().map(|id| id.map_or(Some([0; N]), |bytes| bytes.try_into().ok())).collect()
}

/// The attribute columns of one scope.
struct Source<'a> {
    columns: Vec<(&'a str, bool, &'a ArrayRef)>,
    rest: Option<&'a ArrayRef>,
}

impl<'a> Source<'a> {
    fn of(batch: &'a RecordBatch, scope: Scope) -> Source<'a> {
        let fields = batch.schema_ref().fields().iter().zip(batch.columns());
        let columns = fields.filter_map(|(field, array)| {
            let json = field.metadata().get(KIND_KEY).is_some_and(|kind| kind == ValueKind::Json.name());
            Some((field.name().strip_prefix(scope.prefix())?, json, array))
        });
        Source { columns: columns.collect(), rest: batch.column_by_name(scope.rest_column()) }
    }

    fn push(&self, row: usize, list: &mut Attributes) {
        for (name, json, array) in &self.columns {
            if array.is_valid(row) {
                list.push(name, value_at(array, row, *json));
            }
        }
        if let Some(text) = self.rest_text(row) {
            for (name, raw) in rest::members(text) {
                push_raw(list, &name, raw);
            }
        }
    }

    fn rest_text(&self, row: usize) -> Option<&'a str> {
        let rest = self.rest.filter(|rest| rest.is_valid(row))?;
        text_at(rest, row)
    }

    /// Closes one row in `list` per distinct set and returns each row's set; set 0 is the empty one.
    fn distinct(&self, rows: usize, list: &mut Attributes) -> Vec<u32> {
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut key = String::new();
        let mut references = Vec::with_capacity(rows);
        for row in 0..rows {
            key.clear();
            for (index, (_, json, array)) in self.columns.iter().enumerate() {
                if array.is_valid(row) {
                    key.push_str(&index.to_string());
                    value_at(array, row, *json).push_json(&mut key);
                }
            }
            key.push_str(self.rest_text(row).unwrap_or(""));
            let number = if key.is_empty() {
                0
            } else if let Some(&number) = numbers.get(&key) {
                number
            } else {
                self.push(row, list);
                list.end_row();
                let number = u32::try_from(list.rows() - 1).expect("sets of a row group fit u32");
                numbers.insert(key.clone(), number);
                number
            };
            references.push(number);
        }
        references
    }
}

fn value_at(array: &ArrayRef, row: usize, json: bool) -> Value<'_> {
    if let Some(text) = text_at(array, row) {
        if json { Value::Json(text) } else { Value::Text(text) }
    } else if let Some(ints) = array.as_primitive_opt::<Int64Type>() {
        Value::Int(ints.value(row))
    } else if let Some(doubles) = array.as_primitive_opt::<Float64Type>() {
        Value::Double(doubles.value(row))
    } else if let Some(bools) = array.as_boolean_opt() {
        Value::Bool(bools.value(row))
    } else {
        Value::Null
    }
}

fn push_raw(list: &mut Attributes, name: &str, raw: RawValue<'_>) {
    let text = raw.to_text();
    let value = match raw.kind {
        ValueKind::Text => Value::Text(&text),
        ValueKind::Int => raw.to_int().map_or(Value::Null, Value::Int),
        ValueKind::Double => raw.to_double().map_or(Value::Null, Value::Double),
        ValueKind::Bool => Value::Bool(raw.text == "true"),
        ValueKind::Bytes => return list.push(name, Value::Bytes(&base64_decode(&text))),
        ValueKind::Json => Value::Json(raw.text),
        ValueKind::Null => Value::Null,
    };
    list.push(name, value);
}

/// Decodes the standard base64 that [`clewline_model::json::push_base64`] writes.
fn base64_decode(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => u32::from(byte - b'A'),
        b'a'..=b'z' => u32::from(byte - b'a') + 26,
        b'0'..=b'9' => u32::from(byte - b'0') + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    for chunk in text.trim_end_matches('=').as_bytes().chunks(4) {
        let word = (0..4).fold(0, |word, i| word << 6 | chunk.get(i).map_or(0, |&byte| digit(byte)));
        let bytes = word.to_be_bytes();
        out.extend_from_slice(&bytes[1..chunk.len().max(1)]);
    }
    out
}
