//! Rows as JSON text, without a tree.
//!
//! Absent values are left out. Times are RFC 3339 in UTC, fixed-size binary (ids) is lower-case hexadecimal, other
//! binary is base64, floats JSON cannot say are the texts `NaN`, `Infinity`, `-Infinity`. A text column marked with
//! `clewline.json` holds JSON and is embedded as it is.

use std::fmt::Write;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, FixedSizeBinaryArray, RecordBatch, StringArray,
    StringViewArray, StructArray, make_array,
};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, TimeUnit, TimestampNanosecondType, UInt64Type};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use clewline_model::json::{push_base64, push_string};
use clewline_model::text::push_hex;
use clewline_query::JSON_KEY;

use super::{Summary, Writer};
use crate::limits::ANSWER_CHUNK_BYTES;

/// The values of one column, of a type that is cheap to read.
pub(super) enum Cells {
    Text(StringViewArray),
    ShortText(StringArray),
    Json(StringViewArray),
    Int(arrow::array::Int64Array),
    Unsigned(arrow::array::UInt64Array),
    Double(arrow::array::Float64Array),
    Bool(BooleanArray),
    Time(arrow::array::TimestampNanosecondArray),
    Hex(FixedSizeBinaryArray),
    Binary(BinaryArray),
    List {
        items: Box<Cells>,
        ends: Vec<(usize, usize)>,
        array: ArrayRef,
    },
    Struct {
        members: Vec<(String, Cells)>,
        array: StructArray,
    },
    /// Anything else, as text.
    Other(ArrayRef),
    Null,
}

impl Cells {
    /// The cells of a column.
    pub(super) fn of(field: &Field, array: &ArrayRef) -> Cells {
        let is_json = field.metadata().contains_key(JSON_KEY);
        let cast = |to: &DataType| arrow::compute::cast(array, to).ok();
        let other = || Cells::Other(ArrayRef::clone(array));
        match array.data_type() {
            DataType::Null => Cells::Null,
            DataType::Utf8 if !is_json => Cells::ShortText(array.as_string::<i32>().clone()),
            DataType::Utf8View | DataType::Utf8 | DataType::LargeUtf8 => match cast(&DataType::Utf8View) {
                Some(texts) if is_json => Cells::Json(texts.as_string_view().clone()),
                Some(texts) => Cells::Text(texts.as_string_view().clone()),
                None => other(),
            },
            DataType::Int64 => Cells::Int(array.as_primitive::<Int64Type>().clone()),
            DataType::Int8 | DataType::Int16 | DataType::Int32 => match cast(&DataType::Int64) {
                Some(ints) => Cells::Int(ints.as_primitive::<Int64Type>().clone()),
                None => other(),
            },
            DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => match cast(&DataType::UInt64) {
                Some(ints) => Cells::Unsigned(ints.as_primitive::<UInt64Type>().clone()),
                None => other(),
            },
            DataType::Float16 | DataType::Float32 | DataType::Float64 | DataType::Decimal128(..) => {
                match cast(&DataType::Float64) {
                    Some(doubles) => Cells::Double(doubles.as_primitive::<Float64Type>().clone()),
                    None => other(),
                }
            }
            DataType::Boolean => Cells::Bool(array.as_boolean().clone()),
            DataType::Timestamp(_, zone) => match cast(&DataType::Timestamp(TimeUnit::Nanosecond, zone.clone())) {
                Some(times) => Cells::Time(times.as_primitive::<TimestampNanosecondType>().clone()),
                None => other(),
            },
            DataType::FixedSizeBinary(_) => Cells::Hex(array.as_fixed_size_binary().clone()),
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => match cast(&DataType::Binary) {
                Some(bytes) => Cells::Binary(bytes.as_binary::<i32>().clone()),
                None => other(),
            },
            DataType::Dictionary(_, values) => match cast(values) {
                Some(plain) => Cells::of(&field.clone().with_data_type(values.as_ref().clone()), &plain),
                None => other(),
            },
            DataType::List(item) => {
                let list = array.as_list::<i32>();
                let ends = list.offsets().windows(2).map(|w| (w[0] as usize, w[1] as usize)).collect();
                Cells::List {
                    items: Box::new(Cells::of(item, list.values())),
                    ends,
                    array: make_array(array.to_data()),
                }
            }
            DataType::Struct(fields) => {
                let array = array.as_struct();
                let members = fields.iter().zip(array.columns());
                let members = members.map(|(field, column)| (key(field.name()), Cells::of(field, column))).collect();
                Cells::Struct { members, array: array.clone() }
            }
            _ => other(),
        }
    }

    pub(super) fn is_null(&self, row: usize) -> bool {
        match self {
            Cells::Text(array) | Cells::Json(array) => array.is_null(row),
            Cells::ShortText(array) => array.is_null(row),
            Cells::Int(array) => array.is_null(row),
            Cells::Unsigned(array) => array.is_null(row),
            Cells::Double(array) => array.is_null(row),
            Cells::Bool(array) => array.is_null(row),
            Cells::Time(array) => array.is_null(row),
            Cells::Hex(array) => array.is_null(row),
            Cells::Binary(array) => array.is_null(row),
            Cells::List { array, .. } | Cells::Other(array) => array.is_null(row),
            Cells::Struct { array, .. } => array.is_null(row),
            Cells::Null => true,
        }
    }

    /// Appends a value that is present, as JSON.
    pub(super) fn push_json(&self, row: usize, out: &mut String) {
        match self {
            Cells::Text(array) => push_string(out, array.value(row)),
            Cells::ShortText(array) => push_string(out, array.value(row)),
            Cells::Json(array) => push_embedded(out, array.value(row)),
            Cells::Int(array) => push_int(out, array.value(row)),
            Cells::Unsigned(array) => push(out, array.value(row)),
            Cells::Double(array) => push_double(out, array.value(row)),
            Cells::Bool(array) => out.push_str(if array.value(row) { "true" } else { "false" }),
            Cells::List { items, ends, .. } => {
                let (start, end) = ends[row];
                out.push('[');
                for item in start..end {
                    if item > start {
                        out.push(',');
                    }
                    if items.is_null(item) { out.push_str("null") } else { items.push_json(item, out) }
                }
                out.push(']');
            }
            Cells::Struct { members, .. } => push_object(members, row, out),
            Cells::Time(_) | Cells::Hex(_) | Cells::Binary(_) => {
                out.push('"');
                self.push_text(row, out);
                out.push('"');
            }
            Cells::Other(_) => {
                let mut text = String::new();
                self.push_text(row, &mut text);
                push_string(out, &text);
            }
            Cells::Null => out.push_str("null"),
        }
    }

    /// Appends a value that is present, as plain text.
    pub(super) fn push_text(&self, row: usize, out: &mut String) {
        match self {
            Cells::Text(array) | Cells::Json(array) => out.push_str(array.value(row)),
            Cells::ShortText(array) => out.push_str(array.value(row)),
            Cells::Time(array) => push_time(out, array.value(row)),
            Cells::Hex(array) => push_hex(out, array.value(row)),
            Cells::Binary(array) => push_base64(out, array.value(row)),
            Cells::Double(array) if !array.value(row).is_finite() => push(out, array.value(row)),
            Cells::Other(array) => {
                let options = FormatOptions::default();
                if let Ok(formatter) = ArrayFormatter::try_new(array.as_ref(), &options) {
                    push(out, formatter.value(row));
                }
            }
            _ => self.push_json(row, out),
        }
    }
}

fn push(out: &mut String, value: impl std::fmt::Display) {
    let _ = write!(out, "{value}");
}

fn push_int(out: &mut String, value: i64) {
    clewline_model::json::push_int(out, value);
}

fn push_double(out: &mut String, value: f64) {
    if value.is_finite() {
        clewline_model::json::push_double(out, value);
    } else {
        out.push_str(if value.is_nan() {
            "\"NaN\""
        } else if value > 0.0 {
            "\"Infinity\""
        } else {
            "\"-Infinity\""
        });
    }
}

/// JSON as it is, on one line; what cannot be JSON of an object or array is a text.
fn push_embedded(out: &mut String, text: &str) {
    if !text.starts_with(['{', '[']) {
        push_string(out, text);
    } else if text.contains(['\n', '\r']) {
        // Between values only: inside texts JSON escapes them.
        out.extend(text.chars().map(|c| if matches!(c, '\n' | '\r') { ' ' } else { c }));
    } else {
        out.push_str(text);
    }
}

/// RFC 3339 in UTC with 0, 3, 6 or 9 digits below the second. Civil date from days: H. Hinnant, "chrono-compatible
/// low-level date algorithms".
fn push_time(out: &mut String, ns: i64) {
    let (seconds, below) = (ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    digits(out, year, 4);
    for (sign, value) in [('-', month), ('-', day), ('T', second / 3_600), (':', second / 60 % 60), (':', second % 60)]
    {
        out.push(sign);
        digits(out, value, 2);
    }
    if below != 0 {
        out.push('.');
        if below % 1_000_000 == 0 {
            digits(out, below / 1_000_000, 3);
        } else if below % 1_000 == 0 {
            digits(out, below / 1_000, 6);
        } else {
            digits(out, below, 9);
        }
    }
    out.push('Z');
}

/// A number that is not negative, with leading zeros.
fn digits(out: &mut String, value: i64, count: u32) {
    let mut power = 10i64.pow(count - 1);
    while power > 0 {
        out.push(char::from(b'0' + u8::try_from(value / power % 10).unwrap_or(0)));
        power /= 10;
    }
}

/// `"name":`
fn key(name: &str) -> String {
    let mut key = String::new();
    push_string(&mut key, name);
    key.push(':');
    key
}

fn push_object(members: &[(String, Cells)], row: usize, out: &mut String) {
    out.push('{');
    let mut first = true;
    for (key, cells) in members {
        if cells.is_null(row) {
            continue;
        }
        if !std::mem::replace(&mut first, false) {
            out.push(',');
        }
        out.push_str(key);
        cells.push_json(row, out);
    }
    out.push('}');
}

/// Writes rows of one batch as objects.
pub(crate) struct RowWriter {
    members: Vec<(String, Cells)>,
}

impl RowWriter {
    pub(crate) fn new(batch: &RecordBatch) -> RowWriter {
        let columns = batch.schema_ref().fields().iter().zip(batch.columns());
        RowWriter { members: columns.map(|(field, array)| (key(field.name()), Cells::of(field, array))).collect() }
    }

    /// Appends a row.
    pub(crate) fn write(&self, row: usize, out: &mut String) {
        push_object(&self.members, row, out);
    }
}

/// Appends rows with something between or behind them; returns the row to go on with.
fn write_rows(
    batch: &RecordBatch,
    from: usize,
    out: &mut Vec<u8>,
    mut row: impl FnMut(&RowWriter, usize, &mut String),
) -> usize {
    let writer = RowWriter::new(batch);
    let mut text = String::with_capacity(ANSWER_CHUNK_BYTES);
    let mut next = from;
    while next < batch.num_rows() && out.len() + text.len() < ANSWER_CHUNK_BYTES {
        row(&writer, next, &mut text);
        next += 1;
    }
    out.extend_from_slice(text.as_bytes());
    next
}

/// One object a line.
pub(super) struct Ndjson;

impl Writer for Ndjson {
    fn begin(&mut self, _: &mut Vec<u8>) -> Result<(), String> {
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch, from: usize, out: &mut Vec<u8>) -> Result<usize, String> {
        Ok(write_rows(batch, from, out, |writer, row, text| {
            writer.write(row, text);
            text.push('\n');
        }))
    }

    fn end(&mut self, _: &mut Vec<u8>) -> Result<(), String> {
        Ok(())
    }

    fn fail(&mut self, problem: &serde_json::Value, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(format!("{{\"error\":{problem}}}\n").as_bytes());
        true
    }
}

/// One document with rows, cursor and statistics.
pub(super) struct Document {
    summary: Summary,
    rows: u64,
}

impl Document {
    pub(super) fn new(summary: Summary) -> Document {
        Document { summary, rows: 0 }
    }

    fn tail(&self, complete: bool) -> String {
        let cursor = serde_json::Value::from(self.summary.cursor.as_deref());
        format!("],\"cursor\":{cursor},\"stats\":{}", self.summary.to_json(self.rows, complete))
    }
}

impl Writer for Document {
    fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        out.extend_from_slice(b"{\"rows\":[");
        Ok(())
    }

    fn rows(&mut self, batch: &RecordBatch, from: usize, out: &mut Vec<u8>) -> Result<usize, String> {
        let rows = &mut self.rows;
        Ok(write_rows(batch, from, out, |writer, row, text| {
            if *rows > 0 {
                text.push(',');
            }
            *rows += 1;
            writer.write(row, text);
        }))
    }

    fn end(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        out.extend_from_slice(self.tail(true).as_bytes());
        out.push(b'}');
        Ok(())
    }

    fn fail(&mut self, problem: &serde_json::Value, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(format!("{},\"error\":{problem}}}", self.tail(false)).as_bytes());
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int32Array, ListArray, TimestampNanosecondArray};
    use arrow::datatypes::{Int32Type, Schema};

    use super::*;

    fn rows(columns: Vec<(Field, ArrayRef)>) -> Vec<String> {
        let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
        let writer = RowWriter::new(&batch);
        let write = |row| {
            let mut out = String::new();
            writer.write(row, &mut out);
            out
        };
        (0..batch.num_rows()).map(write).collect()
    }

    #[test]
    fn every_type_has_its_text() {
        let text = |name: &str| Field::new(name, DataType::Utf8View, true);
        let json = text("attributes").with_metadata(HashMap::from([(JSON_KEY.to_owned(), "1".to_owned())]));
        let times = TimestampNanosecondArray::from(vec![Some(1_795_000_000_120_000_000), None]).with_timezone("UTC");
        let ids = FixedSizeBinaryArray::try_from_iter([[0u8, 171], [1, 2]].iter()).unwrap();
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
        let got = rows(vec![
            (Field::new("time", times.data_type().clone(), true), Arc::new(times)),
            (Field::new("id", DataType::FixedSizeBinary(2), true), Arc::new(ids)),
            (text("body"), Arc::new(StringViewArray::from(vec![Some("a\"b\n\u{1}"), None]))),
            (json, Arc::new(StringViewArray::from(vec![Some("{\"a\":1,\n\"b\":[]}"), Some("no json")]))),
            (Field::new("n", DataType::Int32, true), Arc::new(Int32Array::from(vec![Some(-5), Some(7)]))),
            (Field::new("x", DataType::Float64, true), Arc::new(Float64Array::from(vec![1.0, f64::NAN]))),
            (Field::new("l", list.data_type().clone(), true), Arc::new(list)),
        ]);
        let first = r#"{"time":"2026-11-18T11:06:40.120Z","id":"00ab","body":"a\"b\n\u0001","attributes":{"a":1, "b":[]},"n":-5,"x":1.0,"l":[1,null]}"#;
        assert_eq!(got[0], first);
        assert_eq!(got[1], r#"{"id":"0102","attributes":"no json","n":7,"x":"NaN"}"#);
        for row in got {
            serde_json::from_str::<serde_json::Value>(&row).unwrap();
        }
    }

    #[test]
    fn times_agree_with_the_language() {
        for ns in [0, 1, -1, 999, 1_000, 951_782_400_000_000_000, 1_709_210_096_123_456_000, i64::MIN / 2, i64::MAX] {
            let mut out = String::new();
            push_time(&mut out, ns);
            assert_eq!(out, clewline_lang::format_time(ns), "{ns}");
        }
    }
}
