//! Logical columns from physical ones: the same question asked of a segment and of memory sees the same values.
//!
//! A physical batch has the columns of [`clewline_segment::gather`], all or some. An attribute may be in a typed column,
//! in the residual text, or both (values of another type); the pieces are converted to the agreed type and the first one
//! with a value counts.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch, StringArray,
    StringViewBuilder, new_null_array,
};
use arrow::compute::kernels::zip::zip;
use arrow::compute::{cast, is_not_null};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type};
use arrow::error::ArrowError;
use clewline_model::attributes::{Value, ValueKind};
use clewline_model::json;
use clewline_model::signal::{SEQ, Signal};
use clewline_segment::gather::KIND_KEY;
use clewline_segment::rest;
use clewline_segment::summary::{Scope, Summary};

use crate::names::{Binding, LogicalColumn};

/// Names of the physical columns a logical column is made from, of those a source with `summary` may have.
pub(crate) fn physical_names(signal: Signal, binding: &Binding, summary: &Summary) -> Vec<String> {
    match binding {
        Binding::Fixed(index) => vec![signal.columns()[*index].name.to_owned()],
        Binding::Seq => vec![SEQ.to_owned()],
        Binding::TemplateText => vec!["template_id".to_owned()],
        Binding::Object(scope) => {
            let promoted = summary.attributes.iter().filter(|a| a.scope == *scope && a.column.is_some());
            let mut names: Vec<String> = promoted.map(|a| format!("{}{}", scope.prefix(), a.name)).collect();
            names.push(scope.rest_column().to_owned());
            names
        }
        Binding::Attribute(scopes, key) => {
            let mut names = Vec::new();
            for &scope in scopes {
                let place = Place::of(summary, scope, key);
                if place.column {
                    names.push(format!("{}{key}", scope.prefix()));
                }
                if place.rest {
                    names.push(scope.rest_column().to_owned());
                }
            }
            names
        }
    }
}

/// Where one attribute is in one source.
struct Place {
    column: bool,
    rest: bool,
}

impl Place {
    fn of(summary: &Summary, scope: Scope, key: &str) -> Place {
        match summary.attribute(scope, key) {
            Some(attribute) => Place { column: attribute.column.is_some(), rest: attribute.rest_kinds != 0 },
            None => Place { column: false, rest: summary.names_truncated },
        }
    }
}

/// The values of a logical column for the rows of a physical batch.
pub(crate) fn evaluate(
    signal: Signal,
    column: &LogicalColumn,
    batch: &RecordBatch,
    summary: &Summary,
) -> Result<ArrayRef, ArrowError> {
    match &column.binding {
        Binding::Fixed(index) => fixed(batch, signal.columns()[*index].name, &column.data_type),
        Binding::Seq => fixed(batch, SEQ, &column.data_type),
        Binding::TemplateText => {
            let ids = fixed(batch, "template_id", &DataType::Int64)?;
            let mut out = StringViewBuilder::with_capacity(ids.len());
            for id in ids.as_primitive::<Int64Type>() {
                out.append_option(id.map(|id| format!("{:016x}", id.cast_unsigned())));
            }
            Ok(Arc::new(out.finish()))
        }
        Binding::Object(scope) => Ok(object(batch, *scope)),
        Binding::Attribute(scopes, key) => {
            let mut result: Option<ArrayRef> = None;
            for &scope in scopes {
                let place = Place::of(summary, scope, key);
                if place.column
                    && let Some(array) = batch.column_by_name(&format!("{}{key}", scope.prefix()))
                {
                    result = Some(coalesce(result, convert(array, &column.data_type)?)?);
                }
                if place.rest
                    && let Some(array) = batch.column_by_name(scope.rest_column())
                {
                    result = Some(coalesce(result, from_rest(array, key, &column.data_type)?)?);
                }
            }
            Ok(result.unwrap_or_else(|| new_null_array(&column.data_type, batch.num_rows())))
        }
    }
}

fn fixed(batch: &RecordBatch, name: &str, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    match batch.column_by_name(name) {
        Some(array) if array.data_type() == data_type => Ok(Arc::clone(array)),
        Some(array) => cast(array, data_type),
        None => Ok(new_null_array(data_type, batch.num_rows())),
    }
}

fn coalesce(first: Option<ArrayRef>, second: ArrayRef) -> Result<ArrayRef, ArrowError> {
    let Some(first) = first else { return Ok(second) };
    if first.null_count() == 0 || second.null_count() == second.len() {
        return Ok(first);
    }
    zip(&is_not_null(&first)?, &first, &second)
}

/// A typed attribute column as another type. Numbers become the text a person would write.
fn convert(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == data_type {
        return Ok(Arc::clone(array));
    }
    match (array.data_type(), data_type) {
        (DataType::Float64, DataType::Utf8View) => {
            let mut out = StringViewBuilder::with_capacity(array.len());
            for value in array.as_primitive::<Float64Type>() {
                out.append_option(value.map(|v| v.to_string()));
            }
            Ok(Arc::new(out.finish()))
        }
        _ => cast(array, data_type),
    }
}

/// The texts of a column of either text type.
pub(crate) fn texts(array: &ArrayRef) -> Result<arrow::array::StringViewArray, ArrowError> {
    let views =
        if array.data_type() == &DataType::Utf8View { Arc::clone(array) } else { cast(array, &DataType::Utf8View)? };
    Ok(views.as_string_view().clone())
}

fn from_rest(array: &ArrayRef, key: &str, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
    let texts = texts(array)?;
    let values = texts.iter().map(|text| rest::get(text?, key));
    Ok(match data_type {
        DataType::Int64 => {
            let mut out = Int64Builder::with_capacity(texts.len());
            values.for_each(|value| out.append_option(value.and_then(rest::RawValue::to_int)));
            Arc::new(out.finish())
        }
        DataType::Float64 => {
            let mut out = Float64Builder::with_capacity(texts.len());
            values.for_each(|value| out.append_option(value.and_then(rest::RawValue::to_double)));
            Arc::new(out.finish())
        }
        DataType::Boolean => {
            let mut out = BooleanBuilder::with_capacity(texts.len());
            let bool = |v: rest::RawValue<'_>| (v.kind == ValueKind::Bool).then_some(v.text == "true");
            values.for_each(|value| out.append_option(value.and_then(bool)));
            Arc::new(out.finish())
        }
        _ => {
            let mut out = StringViewBuilder::with_capacity(texts.len());
            for value in values {
                out.append_option(value.filter(|v| v.kind != ValueKind::Null).map(rest::RawValue::to_text));
            }
            Arc::new(out.finish())
        }
    })
}

/// All attributes of a scope as JSON objects; null where there are none.
fn object(batch: &RecordBatch, scope: Scope) -> ArrayRef {
    let schema = batch.schema_ref();
    let columns: Vec<(String, bool, &ArrayRef)> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .filter_map(|(field, array)| {
            let mut name = String::new();
            json::push_string(&mut name, field.name().strip_prefix(scope.prefix())?);
            Some((name, is_json(field), array))
        })
        .collect();
    let rest = batch.column_by_name(scope.rest_column()).and_then(|array| texts(array).ok());
    let mut out = StringViewBuilder::with_capacity(batch.num_rows());
    let mut text = String::new();
    for row in 0..batch.num_rows() {
        text.clear();
        for (name, json, array) in &columns {
            if array.is_valid(row) {
                text.push(if text.is_empty() { '{' } else { ',' });
                text.push_str(name);
                text.push(':');
                push_value(&mut text, array, row, *json);
            }
        }
        if let Some(rest) = rest.as_ref().filter(|rest| rest.is_valid(row)) {
            let members = rest.value(row);
            text.push(if text.is_empty() { '{' } else { ',' });
            text.push_str(&members[1..members.len() - 1]);
        }
        if text.is_empty() {
            out.append_null();
        } else {
            text.push('}');
            out.append_value(&text);
        }
    }
    Arc::new(out.finish())
}

fn is_json(field: &Field) -> bool {
    field.metadata().get(KIND_KEY).is_some_and(|kind| kind == ValueKind::Json.name())
}

fn push_value(out: &mut String, array: &ArrayRef, row: usize, is_json: bool) {
    let text = |text: &str, out: &mut String| {
        if is_json { out.push_str(text) } else { json::push_string(out, text) }
    };
    match array.data_type() {
        DataType::Utf8View => text(array.as_string_view().value(row), out),
        DataType::Utf8 => text(array.as_any().downcast_ref::<StringArray>().map_or("", |a| a.value(row)), out),
        DataType::Int64 => Value::Int(array.as_primitive::<Int64Type>().value(row)).push_json(out),
        DataType::Float64 => Value::Double(array.as_primitive::<Float64Type>().value(row)).push_json(out),
        DataType::Boolean => Value::Bool(array.as_boolean().value(row)).push_json(out),
        _ => out.push_str("null"),
    }
}
