//! Answering a filter for the rows of a physical batch.

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, StringViewArray};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{and, not, or};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampNanosecondType};
use arrow::error::ArrowError;
use clewline_lang::format_time;
use clewline_model::signal::Signal;
use clewline_model::text::hex;
use clewline_segment::rest;
use clewline_segment::summary::{SCOPES, Summary};

use super::test::{NumberTest, TextTest};
use super::{Node, RowFilter};
use crate::columns::{evaluate as logical, texts};

/// What rows are looked at: a physical batch (all columns the node needs) of a source with this summary.
pub(crate) struct Rows<'a> {
    pub signal: Signal,
    pub batch: &'a RecordBatch,
    pub summary: &'a Summary,
}

/// Which rows pass `node`; never null.
pub(crate) fn mask(filter: &RowFilter, node: &Node, rows: &Rows<'_>) -> Result<BooleanArray, ArrowError> {
    let count = rows.batch.num_rows();
    let column = |index: usize| logical(rows.signal, &filter.columns[index], rows.batch, rows.summary);
    Ok(match node {
        Node::All => all(count, true),
        Node::Nothing => all(count, false),
        Node::And(children) => {
            let mut result = all(count, true);
            for child in children {
                if result.true_count() > 0 {
                    result = and(&result, &mask(filter, child, rows)?)?;
                }
            }
            result
        }
        Node::Or(children) => {
            let mut result = all(count, false);
            for child in children {
                if result.true_count() < count {
                    result = or(&result, &mask(filter, child, rows)?)?;
                }
            }
            result
        }
        Node::Not(child) => not(&mask(filter, child, rows)?)?,
        Node::Time { low, high } => {
            let array = rows.batch.column_by_name("time");
            let times = array.and_then(|a| a.as_primitive_opt::<TimestampNanosecondType>());
            let times = times.ok_or_else(|| ArrowError::SchemaError("column time is missing".into()))?;
            (0..count).map(|row| Some((*low..*high).contains(&times.value(row)))).collect()
        }
        Node::Id { column: index, .. }
        | Node::Present { column: index }
        | Node::Number { column: index, .. }
        | Node::Text { column: index, .. } => mask_of_values(node, &column(*index)?)?,
        Node::Any { test } => any_field(test, rows)?,
    })
}

/// Which values pass a node that looks at one column, as [`super::bind::one_column`] makes it; never null.
pub(crate) fn mask_of_values(node: &Node, array: &ArrayRef) -> Result<BooleanArray, ArrowError> {
    let count = array.len();
    Ok(match node {
        Node::All => all(count, true),
        Node::And(children) => {
            children.iter().try_fold(all(count, true), |result, child| and(&result, &mask_of_values(child, array)?))?
        }
        Node::Or(children) => {
            children.iter().try_fold(all(count, false), |result, child| or(&result, &mask_of_values(child, array)?))?
        }
        Node::Not(child) => not(&mask_of_values(child, array)?)?,
        Node::Id { bytes, .. } => {
            let ids = array.as_fixed_size_binary();
            (0..count).map(|row| Some(ids.is_valid(row) && ids.value(row) == bytes.as_slice())).collect()
        }
        Node::Present { .. } => present(array),
        Node::Number { test, .. } => numbers(array, test)?,
        Node::Text { test, .. } => text_column(array, test)?,
        Node::Nothing | Node::Time { .. } | Node::Any { .. } => all(count, false),
    })
}

fn all(count: usize, value: bool) -> BooleanArray {
    BooleanArray::new(if value { BooleanBuffer::new_set(count) } else { BooleanBuffer::new_unset(count) }, None)
}

fn present(array: &ArrayRef) -> BooleanArray {
    match array.as_string_view_opt() {
        Some(texts) => (0..texts.len()).map(|row| Some(texts.is_valid(row) && !texts.value(row).is_empty())).collect(),
        None => (0..array.len()).map(|row| Some(array.is_valid(row))).collect(),
    }
}

fn numbers(array: &ArrayRef, test: &NumberTest) -> Result<BooleanArray, ArrowError> {
    let count = array.len();
    Ok(match array.data_type() {
        DataType::Int64 => {
            let values = array.as_primitive::<Int64Type>();
            (0..count).map(|row| Some(values.is_valid(row) && test.passes_int(values.value(row)))).collect()
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            (0..count).map(|row| Some(values.is_valid(row) && test.passes(values.value(row)))).collect()
        }
        DataType::Timestamp(..) => {
            let values = array.as_primitive::<TimestampNanosecondType>();
            (0..count).map(|row| Some(values.is_valid(row) && test.passes_int(values.value(row)))).collect()
        }
        DataType::Utf8View => each_text(array.as_string_view(), |text| test.passes_text(text)),
        _ => all(count, false),
    })
}

fn text_column(array: &ArrayRef, test: &TextTest) -> Result<BooleanArray, ArrowError> {
    let text = |row: usize| -> Option<String> { array.is_valid(row).then(|| text_form(array, row)) };
    Ok(match array.data_type() {
        DataType::Utf8View => each_text(array.as_string_view(), |text| test.passes(text)),
        DataType::Utf8 => each_text(&texts(array)?, |text| test.passes(text)),
        _ => (0..array.len()).map(|row| Some(text(row).is_some_and(|text| test.passes(&text)))).collect(),
    })
}

/// The text form of a value that is not text.
fn text_form(array: &ArrayRef, row: usize) -> String {
    match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::FixedSizeBinary(_) => hex(array.as_fixed_size_binary().value(row)),
        DataType::Timestamp(..) => format_time(array.as_primitive::<TimestampNanosecondType>().value(row)),
        _ => String::new(),
    }
}

/// The digits of ids.
pub(crate) fn id_texts(array: &ArrayRef) -> StringArray {
    (0..array.len()).map(|row| array.is_valid(row).then(|| text_form(array, row))).collect()
}

/// Applies a test to texts; equal neighbours (runs, as in sorted or dictionary data) are tested once.
fn each_text(texts: &StringViewArray, test: impl Fn(&str) -> bool) -> BooleanArray {
    let views = texts.views();
    let mut last: Option<(u128, bool)> = None;
    (0..texts.len())
        .map(|row| {
            if texts.is_null(row) {
                return Some(false);
            }
            let view = views[row];
            if let Some((seen, result)) = last
                && seen == view
            {
                return Some(result);
            }
            let result = test(texts.value(row));
            last = Some((view, result));
            Some(result)
        })
        .collect()
}

/// Tests every field of the record: texts, then, when the test could match them, numbers and ids.
fn any_field(test: &TextTest, rows: &Rows<'_>) -> Result<BooleanArray, ArrowError> {
    let count = rows.batch.num_rows();
    let mut result = all(count, false);
    for (field, array) in rows.batch.schema_ref().fields().iter().zip(rows.batch.columns()) {
        if result.true_count() == count {
            break;
        }
        let name = field.name().as_str();
        let found = if SCOPES.iter().any(|scope| scope.rest_column() == name) {
            each_text(&texts(array)?, |text| rest::members(text).any(|(_, value)| test.passes(&value.to_text())))
        } else {
            match array.data_type() {
                DataType::Utf8 | DataType::Utf8View => text_column(array, test)?,
                _ if !searched_as_text(name) || !test.may_pass_numbers() => continue,
                _ => text_column(array, test)?,
            }
        };
        result = or(&result, &found)?;
    }
    Ok(result)
}

/// Non-text columns a person would search by what they read: ids and attribute values, not times and counters.
pub(crate) fn searched_as_text(name: &str) -> bool {
    matches!(name, "trace_id" | "span_id" | "parent_span_id") || SCOPES.iter().any(|s| name.starts_with(s.prefix()))
}
