//! Rows of parts, in any order, to Arrow columns.
//!
//! Columns come out as: the fixed columns of the signal in table order, `seq`, the promoted attributes, then the three
//! residual texts. Absent values (see [`clewline_model::signal::ColumnType`]) become nulls.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, FixedSizeBinaryArray, Float64Array, Float64Builder, Int64Array, Int64Builder,
    RecordBatch, StringArray, StringBuilder, TimestampNanosecondArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use clewline_model::attributes::{Attributes, Value, ValueKind};
use clewline_model::batch::Column;
use clewline_model::json;
use clewline_model::signal::{ColumnType, NULL_DOUBLE_BITS, NULL_INT, SEQ, Signal};
use hashbrown::HashMap;

use crate::SegmentError;
use crate::part::Part;
use crate::promote::Layout;
use crate::summary::{SCOPES, Scope};

/// Field metadata that tells JSON text from plain text.
pub const KIND_KEY: &str = "clewline.kind";

/// A row: which part, which row in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowRef {
    part: u32,
    row: u32,
}

impl RowRef {
    /// Row `row` of part `part`.
    pub fn new(part: usize, row: usize) -> RowRef {
        RowRef {
            part: u32::try_from(part).expect("parts of a segment are counted in thousands"),
            row: u32::try_from(row).expect("a batch has fewer rows than u32"),
        }
    }

    /// The part.
    pub fn part(self) -> usize {
        self.part as usize
    }

    /// The row in it.
    pub fn row(self) -> usize {
        self.row as usize
    }
}

/// The Arrow type of a fixed column.
pub fn arrow_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Time => time_type(),
        ColumnType::Int | ColumnType::NullableInt => DataType::Int64,
        ColumnType::Double => DataType::Float64,
        ColumnType::Text => DataType::Utf8,
        ColumnType::Id16 => DataType::FixedSizeBinary(16),
        ColumnType::Id8 => DataType::FixedSizeBinary(8),
    }
}

/// The Arrow type of times: nanoseconds, UTC.
pub fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

/// The Arrow type of a promoted attribute.
pub fn attribute_type(kind: u8) -> DataType {
    match ValueKind::from_number(kind) {
        Some(ValueKind::Int) => DataType::Int64,
        Some(ValueKind::Double) => DataType::Float64,
        Some(ValueKind::Bool) => DataType::Boolean,
        _ => DataType::Utf8,
    }
}

/// The fields of the fixed columns and `seq`.
pub fn fixed_fields(signal: Signal) -> Vec<Field> {
    let mut fields: Vec<Field> =
        signal.columns().iter().map(|spec| Field::new(spec.name, arrow_type(spec.kind), true)).collect();
    fields.push(Field::new(SEQ, DataType::Int64, false));
    fields
}

/// The schema of rows laid out by `layout`.
pub fn schema(layout: &Layout) -> SchemaRef {
    let mut fields = fixed_fields(layout.signal);
    for attribute in &layout.attributes[..layout.promoted] {
        let kind = attribute.column.unwrap_or(0);
        let name = format!("{}{}", attribute.scope.prefix(), attribute.name);
        let mut field = Field::new(name, attribute_type(kind), true);
        if kind == ValueKind::Json as u8 {
            field = field.with_metadata([(KIND_KEY.to_owned(), ValueKind::Json.name().to_owned())].into());
        }
        fields.push(field);
    }
    for scope in SCOPES {
        fields.push(Field::new(scope.rest_column(), DataType::Utf8, true));
    }
    Arc::new(Schema::new(fields))
}

/// The columns of `rows`.
pub fn gather(layout: &Layout, parts: &[Part], rows: &[RowRef]) -> Result<RecordBatch, SegmentError> {
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(layout.signal.columns().len() + layout.promoted + 4);
    for (index, spec) in layout.signal.columns().iter().enumerate() {
        arrays.push(fixed_column(index, spec.kind, parts, rows)?);
    }
    let seqs = rows.iter().map(|at| parts[at.part()].seqs.at(at.row()));
    arrays.push(Arc::new(Int64Array::from_iter_values(seqs)));
    let mut attributes = AttributeColumns::new(layout, rows.len());
    attributes.fill(layout, parts, rows);
    attributes.finish(&mut arrays);
    Ok(RecordBatch::try_new(schema(layout), arrays)?)
}

fn ints<'a>(index: usize, parts: &'a [Part], rows: &'a [RowRef]) -> impl Iterator<Item = i64> + 'a {
    let columns: Vec<&[i64]> = parts.iter().map(|part| part.batch.columns[index].ints()).collect();
    rows.iter().map(move |at| columns[at.part()][at.row()])
}

fn fixed_column(index: usize, kind: ColumnType, parts: &[Part], rows: &[RowRef]) -> Result<ArrayRef, SegmentError> {
    let column = |at: &RowRef| &parts[at.part()].batch.columns[index];
    Ok(match kind {
        ColumnType::Time => {
            let values: Vec<i64> = ints(index, parts, rows).collect();
            let nulls = NullBuffer::from_iter(values.iter().map(|&v| v != 0));
            Arc::new(TimestampNanosecondArray::try_new(values.into(), some_nulls(nulls))?.with_timezone("UTC"))
        }
        ColumnType::Int | ColumnType::NullableInt => {
            let null = if kind == ColumnType::NullableInt { NULL_INT } else { 0 };
            let values: Vec<i64> = ints(index, parts, rows).collect();
            let nulls = NullBuffer::from_iter(values.iter().map(|&v| v != null));
            Arc::new(Int64Array::try_new(values.into(), some_nulls(nulls))?)
        }
        ColumnType::Double => {
            let value = |at: &RowRef| if let Column::Double(values) = column(at) { values[at.row()] } else { 0.0 };
            let values: Vec<f64> = rows.iter().map(value).collect();
            let nulls = NullBuffer::from_iter(values.iter().map(|v| v.to_bits() != NULL_DOUBLE_BITS));
            Arc::new(Float64Array::try_new(values.into(), some_nulls(nulls))?)
        }
        ColumnType::Text => text_column(index, parts, rows)?,
        ColumnType::Id16 => {
            let id = |at: &RowRef| if let Column::Id16(ids) = column(at) { ids[at.row()] } else { [0; 16] };
            id_column(rows.iter().map(id))?
        }
        ColumnType::Id8 => {
            let id = |at: &RowRef| if let Column::Id8(ids) = column(at) { ids[at.row()] } else { [0; 8] };
            id_column(rows.iter().map(id))?
        }
    })
}

fn some_nulls(nulls: NullBuffer) -> Option<NullBuffer> {
    (nulls.null_count() > 0).then_some(nulls)
}

fn text_column(index: usize, parts: &[Part], rows: &[RowRef]) -> Result<ArrayRef, SegmentError> {
    let mut data: Vec<u8> = Vec::new();
    let mut offsets: Vec<i32> = Vec::with_capacity(rows.len() + 1);
    offsets.push(0);
    for at in rows {
        data.extend_from_slice(parts[at.part()].batch.columns[index].text_bytes(at.row()));
        offsets.push(offset_of(data.len())?);
    }
    let nulls = NullBuffer::from_iter(offsets.windows(2).map(|w| w[0] != w[1]));
    let array = StringArray::try_new(OffsetBuffer::new(offsets.into()), Buffer::from_vec(data), some_nulls(nulls))?;
    Ok(Arc::new(array))
}

fn offset_of(bytes: usize) -> Result<i32, SegmentError> {
    i32::try_from(bytes).map_err(|_| SegmentError::Format("more than 2 GiB of text in one row group".into()))
}

fn id_column<const N: usize>(ids: impl Iterator<Item = [u8; N]>) -> Result<ArrayRef, SegmentError> {
    let mut data: Vec<u8> = Vec::new();
    let mut valid: Vec<bool> = Vec::new();
    for id in ids {
        data.extend_from_slice(&id);
        valid.push(id != [0; N]);
    }
    let width = i32::try_from(N).expect("ids are 8 or 16 bytes");
    let nulls = some_nulls(NullBuffer::from_iter(valid));
    Ok(Arc::new(FixedSizeBinaryArray::try_new(width, Buffer::from_vec(data), nulls)?))
}

/// Builders of the promoted attributes and the residual texts.
struct AttributeColumns {
    columns: Vec<AttributeBuilder>,
    rest: [StringBuilder; 3],
    rows: usize,
}

enum AttributeBuilder {
    Text(StringBuilder),
    Int(Int64Builder),
    Double(Float64Builder),
    Bool(BooleanBuilder),
}

/// Where one name of one part goes: its column and the kind that column takes.
#[derive(Clone, Copy)]
struct Target {
    column: Option<u32>,
    kind: u8,
}

impl AttributeColumns {
    fn new(layout: &Layout, rows: usize) -> AttributeColumns {
        let builder = |kind: u8| match attribute_type(kind) {
            DataType::Int64 => AttributeBuilder::Int(Int64Builder::with_capacity(rows)),
            DataType::Float64 => AttributeBuilder::Double(Float64Builder::with_capacity(rows)),
            DataType::Boolean => AttributeBuilder::Bool(BooleanBuilder::with_capacity(rows)),
            _ => AttributeBuilder::Text(StringBuilder::with_capacity(rows, rows * 8)),
        };
        let promoted = &layout.attributes[..layout.promoted];
        AttributeColumns {
            columns: promoted.iter().map(|a| builder(a.column.unwrap_or(0))).collect(),
            rest: std::array::from_fn(|_| StringBuilder::new()),
            rows,
        }
    }

    fn fill(&mut self, layout: &Layout, parts: &[Part], rows: &[RowRef]) {
        let targets: Vec<[Vec<Target>; 3]> = parts.iter().map(|part| targets(layout, part)).collect();
        let mut rest_text = String::new();
        for (out_row, at) in rows.iter().enumerate() {
            let (batch, targets) = (&*parts[at.part()].batch, &targets[at.part()]);
            let sources: [(&Attributes, usize); 3] = [
                (&batch.attributes, at.row()),
                (&batch.resources, batch.resource[at.row()] as usize),
                (&batch.scopes, batch.scope[at.row()] as usize),
            ];
            for (scope, (list, row)) in sources.into_iter().enumerate() {
                rest_text.clear();
                for (key, value) in list.row(row) {
                    let target = targets[scope][key as usize];
                    match target.column {
                        Some(column) if value.kind() as u8 == target.kind => {
                            self.columns[column as usize].set(out_row, value);
                        }
                        _ => push_member(&mut rest_text, &list.keys()[key as usize], value),
                    }
                }
                if rest_text.is_empty() {
                    self.rest[scope].append_null();
                } else {
                    rest_text.push('}');
                    self.rest[scope].append_value(&rest_text);
                }
            }
        }
    }

    fn finish(self, arrays: &mut Vec<ArrayRef>) {
        let rows = self.rows;
        arrays.extend(self.columns.into_iter().map(|mut column| column.finish(rows)));
        arrays.extend(self.rest.into_iter().map(|mut rest| Arc::new(rest.finish()) as ArrayRef));
    }
}

fn push_member(rest: &mut String, name: &str, value: Value<'_>) {
    rest.push(if rest.is_empty() { '{' } else { ',' });
    json::push_string(rest, name);
    rest.push(':');
    value.push_json(rest);
}

fn targets(layout: &Layout, part: &Part) -> [Vec<Target>; 3] {
    let mut columns: HashMap<(Scope, &str), Target> = HashMap::new();
    for (column, attribute) in (0u32..).zip(&layout.attributes[..layout.promoted]) {
        let target = Target { column: Some(column), kind: attribute.column.unwrap_or(0) };
        columns.insert((attribute.scope, &attribute.name), target);
    }
    let of = |scope: Scope, list: &Attributes| {
        let target = |name: &str| columns.get(&(scope, name)).copied().unwrap_or(Target { column: None, kind: 0 });
        list.keys().iter().map(|name| target(name)).collect()
    };
    [
        of(Scope::Attribute, &part.batch.attributes),
        of(Scope::Resource, &part.batch.resources),
        of(Scope::Scope, &part.batch.scopes),
    ]
}

impl AttributeBuilder {
    /// Puts `value` at `row`, nulls before it. A second value for one row is ignored: the first one counts.
    fn set(&mut self, row: usize, value: Value<'_>) {
        match (self, value) {
            (AttributeBuilder::Text(b), Value::Text(v) | Value::Json(v)) if b.offsets_slice().len() <= row + 1 => {
                b.append_nulls(row + 1 - b.offsets_slice().len());
                b.append_value(v);
            }
            (AttributeBuilder::Int(b), Value::Int(v)) if b.values_slice().len() <= row => {
                b.append_nulls(row - b.values_slice().len());
                b.append_value(v);
            }
            (AttributeBuilder::Double(b), Value::Double(v)) if b.values_slice().len() <= row => {
                b.append_nulls(row - b.values_slice().len());
                b.append_value(v);
            }
            (AttributeBuilder::Bool(b), Value::Bool(v)) => {
                let len = arrow::array::ArrayBuilder::len(b);
                if len <= row {
                    b.append_nulls(row - len);
                    b.append_value(v);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self, rows: usize) -> ArrayRef {
        match self {
            AttributeBuilder::Text(b) => {
                b.append_nulls(rows + 1 - b.offsets_slice().len());
                Arc::new(b.finish())
            }
            AttributeBuilder::Int(b) => {
                b.append_nulls(rows - b.values_slice().len());
                Arc::new(b.finish())
            }
            AttributeBuilder::Double(b) => {
                b.append_nulls(rows - b.values_slice().len());
                Arc::new(b.finish())
            }
            AttributeBuilder::Bool(b) => {
                b.append_nulls(rows - arrow::array::ArrayBuilder::len(b));
                let array = b.finish();
                debug_assert_eq!(array.len(), rows);
                Arc::new(array)
            }
        }
    }
}
