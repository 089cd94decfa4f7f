//! Which sources and row groups can be left out without reading rows.

use arrow::datatypes::DataType;
use clewline_model::signal::Signal;
use clewline_segment::summary::Summary;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use super::{Node, RowFilter};
use crate::names::Binding;

/// True when no row of a source with this summary can pass.
pub(crate) fn source_is_out(filter: &RowFilter, summary: &Summary) -> bool {
    let (low, high) = filter.time_bounds();
    if summary.time_max < low || summary.time_min >= high {
        return true;
    }
    filter.conjuncts.iter().any(|node| needs_absent_attribute(filter, node, summary))
}

/// True when the node can only pass rows that have an attribute this source does not have.
fn needs_absent_attribute(filter: &RowFilter, node: &Node, summary: &Summary) -> bool {
    match node {
        Node::Nothing => true,
        Node::Text { column, .. } | Node::Number { column, .. } | Node::Present { column } => {
            match &filter.columns[*column].binding {
                Binding::Attribute(scopes, key) => {
                    !summary.names_truncated && scopes.iter().all(|&scope| summary.attribute(scope, key).is_none())
                }
                _ => false,
            }
        }
        Node::And(children) => children.iter().any(|child| needs_absent_attribute(filter, child, summary)),
        Node::Or(children) => {
            !children.is_empty() && children.iter().all(|child| needs_absent_attribute(filter, child, summary))
        }
        _ => false,
    }
}

/// True when no row of the row group can pass, by its minima and maxima.
pub(crate) fn row_group_is_out(filter: &RowFilter, signal: Signal, group: &RowGroupMetaData) -> bool {
    filter.conjuncts.iter().any(|node| match node {
        Node::Time { low, high } => match statistics(group, "time") {
            Some(Statistics::Int64(s)) => {
                s.max_opt().is_some_and(|max| max < low) || s.min_opt().is_some_and(|min| min >= high)
            }
            _ => false,
        },
        Node::Text { column, test } => {
            let column = &filter.columns[*column];
            let Binding::Fixed(index) = column.binding else { return false };
            if column.data_type != DataType::Utf8View {
                return false;
            }
            let (Some(values), Some(Statistics::ByteArray(s))) =
                (test.exact_values(), statistics(group, signal.columns()[index].name))
            else {
                return false;
            };
            let (Some(min), Some(max)) = (s.min_opt(), s.max_opt()) else { return false };
            // A cut maximum may be a prefix of the real one; the writer rounds it up, so comparing is still right.
            values.iter().all(|value| value.as_bytes() < min.data() || value.as_bytes() > max.data())
        }
        Node::Nothing => true,
        _ => false,
    })
}

fn statistics<'a>(group: &'a RowGroupMetaData, name: &str) -> Option<&'a Statistics> {
    group.columns().iter().find(|column| column.column_path().string() == name).and_then(|column| column.statistics())
}
