//! Rows as JSON: for the trace tree, for live tail, and as the tie-break of equal keys.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, TimestampNanosecondType};
use clewline_lang::format_time;
use clewline_model::text::hex;
use serde_json::{Map, Value};

use crate::answer::JSON_KEY;

/// One row as an object; absent values left out.
pub(crate) fn row(batch: &RecordBatch, row: usize) -> Map<String, Value> {
    let mut members = Map::new();
    for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        if let Some(value) = value(field, array, row) {
            members.insert(field.name().clone(), value);
        }
    }
    members
}

/// One row as text that differs when the row does.
pub(crate) fn row_text(batch: &RecordBatch, at: usize) -> String {
    Value::Object(row(batch, at)).to_string()
}

fn value(field: &Field, array: &ArrayRef, row: usize) -> Option<Value> {
    if array.is_null(row) {
        return None;
    }
    Some(match array.data_type() {
        DataType::Utf8View => text(field, array.as_string_view().value(row)),
        DataType::Utf8 => text(field, array.as_string::<i32>().value(row)),
        DataType::Int64 => Value::from(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Value::from(array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => Value::from(array.as_boolean().value(row)),
        DataType::FixedSizeBinary(_) => Value::from(hex(array.as_fixed_size_binary().value(row))),
        DataType::Timestamp(..) => Value::from(format_time(array.as_primitive::<TimestampNanosecondType>().value(row))),
        _ => return None,
    })
}

fn text(field: &Field, text: &str) -> Value {
    if field.metadata().contains_key(JSON_KEY)
        && let Ok(value) = serde_json::from_str(text)
    {
        return value;
    }
    Value::from(text)
}
